/* port/store_redis against a real server: the contract, other processes, URLs, prefixes, time to live, lost connections and
 * servers, full memory. Run by server.sh. */
/* libs: -lhiredis */
#define _GNU_SOURCE
#include "mcptools.h"
#include "../../port/posix_env.h"
#include "../../port/store_redis.h"
#include "../../port/tls_bearssl.h"
#include "../../port/tls_mbedtls.h"
#include "stores.h"
#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <sys/socket.h>

static mcpt_store_redis redis, two, third;
static char url[256];
static uint16_t port;
static const char *password;

static mcpt_err try_url(mcpt_store_redis *s, const char *text)
{
    mcpt_store_redis_config config;
    memset(&config, 0, sizeof(config));
    config.url = text;
    config.max_key = 64;
    config.timeout_ms = 3000;
    return mcpt_store_redis_open(s, &config);
}

static void reopen(void)
{
    mcpt_store_redis_close(&redis);
    mcpt_store_redis_close(&two);
    CHECK(try_url(&redis, url) == MCPT_OK && try_url(&two, url) == MCPT_OK);
}

static const mcpt_store *open_third(void)
{
    return try_url(&third, url) == MCPT_OK ? &third.store : NULL;
}

/* A command of the test's own; true: no error. */
static bool raw(const char *a, const char *b, const char *c, const char *d)
{
    redisContext *x = redisConnect("127.0.0.1", port);
    const char *args[] = { a, b, c, d };
    redisReply *r = (redisReply *)redisCommand(x, "AUTH %s", password);
    bool ok = r != NULL;
    freeReplyObject(r);
    r = (redisReply *)redisCommand(x, "SELECT 3");
    freeReplyObject(r);
    r = (redisReply *)redisCommandArgv(x, d != NULL ? 4 : c != NULL ? 3 : 2, args, NULL);
    ok = ok && r != NULL && r->type != REDIS_REPLY_ERROR;
    freeReplyObject(r);
    redisFree(x);
    return ok;
}

static void options(void)
{
    static const char *const bad[] = { "", "http://localhost", "redis://", "redis://u@localhost", "redis://localhost:0", "redis://localhost:x",
        "redis://localhost/x", "redis://localhost/1x", "redis://localhost/99999", "redis://localhost?db=1", "redis://:%zz@localhost",
        "redis://a b", "rediss://localhost" };
    mcpt_store_redis_config config;
    char text[512], other[128];
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        CHECK(try_url(&third, bad[i]) == MCPT_E_ARG);
    }
    closed(&third.store);
    (void)snprintf(text, sizeof(text), "redis://:wrong@127.0.0.1:%u", (unsigned)port);
    CHECK(try_url(&third, text) == MCPT_E_STORE);
    (void)snprintf(text, sizeof(text), "redis://127.0.0.1:%u", (unsigned)port);
    CHECK(try_url(&third, text) == MCPT_E_STORE);           /* no password */
    CHECK(try_url(&third, "redis://127.0.0.1:1/0") == MCPT_E_STORE && try_url(&third, "redis://no-such-host.invalid") == MCPT_E_STORE);
    closed(&third.store);
    (void)snprintf(text, sizeof(text), "redis://default:%%73%s@127.0.0.1:%u/999", password + 1, (unsigned)port);    /* 's' coded */
    CHECK(password[0] == 's' && try_url(&third, text) == MCPT_E_STORE);         /* no such database */
    (void)snprintf(text, sizeof(text), "redis://default:%%73%s@127.0.0.1:%u/3", password + 1, (unsigned)port);
    CHECK(try_url(&third, text) == MCPT_OK && sc_write(&third.store, "k", "v") == MCPT_OK && sc_is(&redis.store, "k", mcpt_z("v")));
    sc_clear(&third.store);
    mcpt_store_redis_close(&third);
    closed(&third.store);
    /* the same by members; other prefixes, one with wild cards; other keys under the prefix are no records */
    memset(&config, 0, sizeof(config));
    config.host = "127.0.0.1";
    config.port = port;
    config.username = "default";
    config.password = password;
    config.database = 3;
    config.prefix = "a*[b]?\\";
    CHECK(mcpt_store_redis_open(&third, &config) == MCPT_OK && sc_write(&third.store, "k", "third") == MCPT_OK);
    CHECK(raw("SET", "axxb??k2", "x", NULL) && raw("SET", "a*[b]?\\not.a.key", "x", NULL) && raw("SET", "a*[b]?\\12345678901234567", "x", NULL));
    CHECK(sc_count(&third.store, "", 1, 0) == 1 && sc_is(&redis.store, "k", sc_none) && sc_count(&redis.store, "", 0, 0) == 0);
    sc_clear(&third.store);
    mcpt_store_redis_close(&third);
    memset(other, 'p', sizeof(other));
    other[65] = '\0';
    config.prefix = other;
    CHECK(mcpt_store_redis_open(&third, &config) == MCPT_E_ARG);
    config.prefix = NULL;
    config.max_key = 65;
    CHECK(mcpt_store_redis_open(&third, &config) == MCPT_E_ARG);
    CHECK(raw("FLUSHDB", "SYNC", NULL, NULL));
}

/* TLS by both libraries: everything works, also after the server cut the connection; another certificate is refused. */
static void tls(const char *library, const char *trust, mcpt_err want)
{
    static const mcpt_env env = { mcpt_posix_millis, mcpt_posix_unix_time, mcpt_posix_random, NULL, NULL, NULL };
    static mcpt_tls_bearssl bear;
    static mcpt_tls_mbedtls mbed;
    static char pem[8192], mem[1 << 18];
    const bool bearssl = strcmp(library, "bearssl") == 0;
    mcpt_store_redis_config config;
    mcpt_tls_config c;
    char text[256];
    FILE *f;
    size_t n;
    memset(&c, 0, sizeof(c));
    memset(&config, 0, sizeof(config));
    (void)snprintf(text, sizeof(text), "%s/%s", getenv("STORE_DIR"), trust);
    f = fopen(text, "rb");
    n = f != NULL ? fread(pem, 1, sizeof(pem), f) : 0;
    CHECK(f != NULL && fclose(f) == 0 && mcpt_tls_pem(pem, n, "CERTIFICATE", pem, sizeof(pem), &c.trust_len) == MCPT_OK);
    c.env = &env;
    c.trust = pem;
    c.connections = 1;
    CHECK((bearssl ? mcpt_tls_bearssl_client(&bear, &c, mem, sizeof(mem)) : mcpt_tls_mbedtls_client(&mbed, &c, mem, sizeof(mem))) == MCPT_OK);
    (void)snprintf(text, sizeof(text), "rediss://:%s@localhost:%s/3", password, getenv("STORE_TLS_PORT"));
    config.url = text;
    config.timeout_ms = 3000;
    config.tls = bearssl ? &bear.tls : &mbed.tls;
    CHECK(mcpt_store_redis_open(&third, &config) == want);
    if (want == MCPT_OK) {
        const mcpt_store *s = &third.store;
        CHECK(s->write(s->user, "big", sc_value(1, 60000)) == MCPT_OK && sc_is(s, "big", sc_value(1, 60000)));
        CHECK(sc_is(&redis.store, "big", sc_value(1, 60000)));
        CHECK(raw("CLIENT", "KILL", "TYPE", "normal") && sc_is(s, "big", sc_value(1, 60000)));
        CHECK(raw("CLIENT", "KILL", "TYPE", "normal") && sc_swap(s, "k", NULL, "v") == MCPT_OK && sc_count(s, "", 1, 0) == 2);
        sc_clear(s);
        CHECK(third.config.tls->open == 1 && third.config.tls->full + third.config.tls->resumed >= 3);
        mcpt_store_redis_close(&third);
    }
    CHECK(config.tls->open == 0);
    if (!bearssl) {
        mcpt_tls_mbedtls_free(&mbed);
    }
    (void)snprintf(text, sizeof(text), "redis://:%s@127.0.0.1:%u/3", password, (unsigned)port);
    config.tls = NULL;
    CHECK(mcpt_store_redis_open(&third, &config) == MCPT_OK);
    mcpt_store_redis_close(&third);
}

static void lifetimes(void)
{
    mcpt_store_redis_config config;
    memset(&config, 0, sizeof(config));
    config.url = url;
    config.ttl_s = 1;
    CHECK(mcpt_store_redis_open(&third, &config) == MCPT_OK);
    CHECK(sc_write(&third.store, "w", "v") == MCPT_OK && sc_swap(&third.store, "s", NULL, "v") == MCPT_OK && sc_write(&redis.store, "stays", "v") == MCPT_OK);
    CHECK(sc_is(&third.store, "w", mcpt_z("v")) && sc_is(&third.store, "s", mcpt_z("v")));
    (void)usleep(1200000);
    CHECK(sc_is(&third.store, "w", sc_none) && sc_is(&third.store, "s", sc_none) && sc_is(&third.store, "stays", mcpt_z("v")));
    CHECK(sc_count(&third.store, "", 0, 0) == 1);
    sc_clear(&redis.store);
    mcpt_store_redis_close(&third);
}

/* Connections cut by the server, then the server itself away and back. */
static void lost(void)
{
    const mcpt_store *s = &redis.store;
    size_t len;
    bool there;
    CHECK(sc_write(s, "k", "1") == MCPT_OK);
    CHECK(raw("CLIENT", "KILL", "TYPE", "normal") && sc_is(s, "k", mcpt_z("1")));
    CHECK(raw("CLIENT", "KILL", "TYPE", "normal") && sc_write(s, "k", "2") == MCPT_OK);
    CHECK(raw("CLIENT", "KILL", "TYPE", "normal") && sc_swap(s, "k", "2", "3") == MCPT_OK && sc_is(s, "k", mcpt_z("3")));
    CHECK(raw("CLIENT", "KILL", "TYPE", "normal") && sc_swap(s, "new", NULL, "x") == MCPT_OK);
    CHECK(raw("CLIENT", "KILL", "TYPE", "normal") && sc_swap(s, "k", "2", "4") == MCPT_E_STORE);   /* not known whether it was done */
    CHECK(sc_swap(s, "k", "2", "4") == MCPT_E_CONFLICT && sc_is(s, "k", mcpt_z("3")));
    CHECK(raw("CLIENT", "KILL", "TYPE", "normal") && sc_count(s, "", 1, 0) == 2);
    CHECK(raw("CLIENT", "KILL", "TYPE", "normal") && s->erase(s->user, "new") == MCPT_OK);
    CHECK(system("tests/stores/server.sh stop redis") == 0);
    CHECK(s->read(s->user, "k", sc_buf, sizeof(sc_buf), &len) == MCPT_E_STORE && len == 0 && sc_write(s, "k", "5") == MCPT_E_STORE);
    CHECK(s->erase(s->user, "k") == MCPT_E_STORE && sc_swap(s, "k", "3", "5") == MCPT_E_STORE);
    CHECK(s->list(s->user, "", sc_each, &sc_list) == MCPT_E_STORE && mcpt_store_redis_exists(&redis, "k", &there) == MCPT_E_STORE);
    CHECK(try_url(&third, url) == MCPT_E_STORE);
    CHECK(system("tests/stores/server.sh start redis") == 0);
    CHECK(sc_is(s, "k", mcpt_z("3")) && sc_count(s, "", 0, 0) == 1 && sc_swap(s, "k", "3", "5") == MCPT_OK);    /* what was acknowledged came back */
    sc_clear(s);
}

static void extras(void)
{
    const mcpt_store *s = &redis.store;
    mcpt_store_redis_info info;
    size_t count = 9;
    bool there = false;
    CHECK(sc_write(s, "old", "12345") == MCPT_OK && sc_write(s, "older", "") == MCPT_OK && sc_write(s, "new", "678") == MCPT_OK);
    CHECK(mcpt_store_redis_exists(&redis, "older", &there) == MCPT_OK && there);
    CHECK(mcpt_store_redis_exists(&redis, "x", &there) == MCPT_OK && !there && mcpt_store_redis_exists(&redis, "a b", &there) == MCPT_E_ARG);
    CHECK(mcpt_store_redis_stats(&redis, &info) == MCPT_OK && info.records == 3 && info.bytes == 8 && info.memory > 1000);
    CHECK(mcpt_store_redis_cleanup(&redis, 100, &count) == MCPT_OK && count == 0);
    (void)usleep(2300000);
    CHECK(sc_is(s, "old", mcpt_z("12345")) && sc_write(s, "new", "again") == MCPT_OK);      /* used: by reading, by writing */
    CHECK(mcpt_store_redis_cleanup(&redis, 1, &count) == MCPT_OK && count == 1);
    CHECK(sc_is(s, "old", mcpt_z("12345")) && sc_is(s, "new", mcpt_z("again")) && sc_is(s, "older", sc_none));
    /* full: nothing changes, erase works */
    CHECK(raw("CONFIG", "SET", "maxmemory", "1mb"));
    CHECK(sc_write(s, "old", "x") == MCPT_E_FULL && sc_swap(s, "old", "12345", "x") == MCPT_E_FULL && sc_is(s, "old", mcpt_z("12345")));
    CHECK(s->erase(s->user, "new") == MCPT_OK);
    CHECK(raw("CONFIG", "SET", "maxmemory", "0") && sc_swap(s, "old", "12345", "x") == MCPT_OK);
    /* a key of another type is no record of ours */
    CHECK(raw("LPUSH", "mcp:list", "x", NULL) && sc_write(s, "old", "y") == MCPT_OK);
    CHECK(s->read(s->user, "list", sc_buf, 9, &count) == MCPT_E_STORE && sc_swap(s, "list", NULL, "x") == MCPT_E_STORE);
    CHECK(sc_write(s, "list", "v") == MCPT_OK && sc_is(s, "list", mcpt_z("v")));
    sc_clear(s);
}

/* A server of our own on the loopback address. */
static int listen_here(uint16_t *number)
{
    struct sockaddr_in a;
    socklen_t n = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memset(&a, 0, sizeof(a));
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(listener, 4) == 0 && getsockname(listener, (struct sockaddr *)&a, &n) == 0);
    *number = ntohs(a.sin_port);
    return listener;
}

/* A server that is slow without end does not hold the caller: not a second per byte, and none for a new connection. */
static void dripping(void)
{
    uint16_t number;
    mcpt_store_redis_config config;
    size_t len;
    int listener = listen_here(&number);
    pid_t child;
    memset(&config, 0, sizeof(config));
    child = fork();
    if (child == 0) {
        char in[512];
        int fd = accept(listener, NULL, NULL);
        (void)!recv(fd, in, sizeof(in), 0);
        (void)!write(fd, "+PONG\r\n$400\r\n", 13);
        for (int i = 0; i < 400 && send(fd, "x", 1, MSG_NOSIGNAL) == 1; i++) {
            (void)usleep(50000);      /* would come to its end, and be believed */
        }
        (void)!send(fd, "\r\n", 2, MSG_NOSIGNAL);
        _exit(0);
    }
    (void)close(listener);
    config.host = "127.0.0.1";
    config.port = number;
    config.timeout_ms = 3000;
    CHECK(mcpt_store_redis_open(&third, &config) == MCPT_OK);
    CHECK(third.store.read(third.store.user, "k", sc_buf, sizeof(sc_buf), &len) == MCPT_E_STORE && len == 0);
    mcpt_store_redis_close(&third);
    CHECK(waitpid(child, NULL, 0) == child);
}

/* What calls itself Redis may answer anything. */
static void impostor(void)
{
    uint16_t number;
    char text[64];
    int listener = listen_here(&number);
    pid_t child;
    child = fork();
    if (child == 0) {
        char in[512];
        int fd = accept(listener, NULL, NULL);
        ssize_t got;
        while ((got = recv(fd, in, sizeof(in) - 1, 0)) > 0) {
            const char *out;
            in[got] = '\0';
            out = strstr(in, "PING") != NULL ? "+PONG\r\n" : strstr(in, "SCAN") != NULL ? "*2\r\n:0\r\n:0\r\n" : ":1\r\n";
            (void)!write(fd, out, strlen(out));
        }
        _exit(0);
    }
    (void)close(listener);
    (void)snprintf(text, sizeof(text), "redis://127.0.0.1:%u", (unsigned)number);
    CHECK(try_url(&third, text) == MCPT_OK);
    CHECK(third.store.list(third.store.user, "", sc_each, &sc_list) == MCPT_E_STORE);
    CHECK(third.store.read(third.store.user, "k", sc_buf, sizeof(sc_buf), &(size_t){ 0 }) == MCPT_E_STORE);
    mcpt_store_redis_close(&third);
    CHECK(waitpid(child, NULL, 0) == child);
    /* a password does not stay where the store was not opened */
    (void)snprintf(text, sizeof(text), "redis://:not-the-password@127.0.0.1:%u", (unsigned)port);
    CHECK(try_url(&third, text) == MCPT_E_STORE && memmem(&third, sizeof(third), "not-the-password", 16) == NULL);
    (void)snprintf(text, sizeof(text), "redis://:not-the-password@127.0.0.1:0x");
    CHECK(try_url(&third, text) == MCPT_E_ARG && memmem(&third, sizeof(third), "not-the-password", 16) == NULL);
}

int main(void)
{
    store_contract_of of = { &redis.store, &two.store, reopen, 64, 60000, false, 0, 800 };
    setvbuf(stdout, NULL, _IOLBF, 0);
    port = (uint16_t)strtoul(getenv("STORE_PORT"), NULL, 10);
    password = getenv("STORE_PASSWORD");
    (void)snprintf(url, sizeof(url), "redis://:%s@127.0.0.1:%u/3", password, (unsigned)port);
    reopen();
    store_contract(&of);
    options();
    impostor();
    dripping();
    tls("mbedtls", "server.crt", MCPT_OK);
    tls("bearssl", "server.crt", MCPT_OK);
    tls("mbedtls", "other.crt", MCPT_E_STORE);
    tls("bearssl", "other.crt", MCPT_E_STORE);
    lifetimes();
    many(&redis.store);
    extras();
    lost();
    turns(&redis.store, open_third);
    thousand("store_redis", &redis.store, open_third, "tests/stores/server.sh crash redis");
    mcpt_store_redis_close(&redis);
    mcpt_store_redis_close(&two);
    closed(&redis.store);
    return test_end();
}
