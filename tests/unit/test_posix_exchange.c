/* port/posix with outbound requests, port/posix_resolve, and the relay of authorization server metadata: a guarded device and a
 * stand-in of Clerk's frontend API, which answers what the path of the issuer asks for, on loopback. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../port/posix_resolve.h"
#include "../../port/crypto_mbedtls.h"
#include "test.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- the stand-in: a thread that serves one connection after the other */
static struct {
    int fd;
    uint16_t port;
    pthread_t thread;
    volatile int served;
    volatile int mood;                /* 0: as the path says; 1: 503 to everything */
} clerk;

#define FIFTEEN(p) "\"issuer\":\"http://127.0.0.1:%u" p "\",\"authorization_endpoint\":\"https://clerk.example/oauth/authorize\"," \
    "\"token_endpoint\":\"https://clerk.example/oauth/token\",\"userinfo_endpoint\":\"https://clerk.example/oauth/userinfo\"," \
    "\"jwks_uri\":\"https://clerk.example/.well-known/jwks.json\",\"registration_endpoint\":\"https://clerk.example/oauth/register\"," \
    "\"scopes_supported\":[\"openid\",\"profile\",\"email\",\"public_metadata\",\"private_metadata\",\"offline_access\",\"user:org:read\"]," \
    "\"response_types_supported\":[\"code\"],\"response_modes_supported\":[\"form_post\",\"query\"]," \
    "\"grant_types_supported\":[\"authorization_code\",\"refresh_token\"],\"subject_types_supported\":[\"public\"]," \
    "\"id_token_signing_alg_values_supported\":[\"RS256\"],\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\",\"none\"]," \
    "\"claims_supported\":[\"aud\",\"exp\",\"iat\",\"iss\",\"sub\"],\"code_challenge_methods_supported\":[\"S256\"]"

static void say(int fd, const char *head, const char *body, size_t cut)
{
    char text[8192];
    size_t n = (size_t)snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %u\r\n\r\n%s", head,
                                (unsigned)strlen(body), body);
    size_t at = 0;
    n -= cut;
    while (at < n) {                  /* in small pieces */
        size_t k = n - at < 97 ? n - at : 97;
        ssize_t sent = send(fd, text + at, k, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        at += (size_t)sent;
    }
}

static void serve(int fd, const char *request)
{
    char body[4096];
    const char *issuer = strstr(request, "/.well-known/oauth-authorization-server/");
    if (clerk.mood != 0) {
        say(fd, "503 Service Unavailable\r\nRetry-After: 30", "{}", 0);
        return;
    }
    issuer = issuer != NULL ? issuer + 40 : "";
    if (strncmp(issuer, "good ", 5) == 0) {
        snprintf(body, sizeof body, "{" FIFTEEN("/good") ",\"unknown_member\":{\"kept\":[1,2.50,null]}}\n", clerk.port);
        say(fd, "200 OK\r\nCache-Control: max-age=600", body, 0);
    } else if (strncmp(issuer, "wrong ", 6) == 0) {
        snprintf(body, sizeof body, "{" FIFTEEN("/wrong/") "}", clerk.port);
        say(fd, "200 OK", body, 0);
    } else if (strncmp(issuer, "twice ", 6) == 0) {
        snprintf(body, sizeof body, "{" FIFTEEN("/twice") ",\"issuer\":\"x\"}", clerk.port);
        say(fd, "200 OK", body, 0);
    } else if (strncmp(issuer, "script ", 7) == 0) {
        snprintf(body, sizeof body, "{\"issuer\":\"http://127.0.0.1:%u/script\",\"authorization_endpoint\":\"javascript:alert(1)\","
                 "\"token_endpoint\":\"https://h/t\"}", clerk.port);
        say(fd, "200 OK", body, 0);
    } else if (strncmp(issuer, "bare ", 5) == 0) {
        snprintf(body, sizeof body, "{\"issuer\":\"http://127.0.0.1:%u/bare\"}", clerk.port);
        say(fd, "200 OK", body, 0);
    } else if (strncmp(issuer, "html ", 5) == 0) {
        say(fd, "200 OK", "<html>sign in</html>", 0);
    } else if (strncmp(issuer, "cut ", 4) == 0) {
        snprintf(body, sizeof body, "{" FIFTEEN("/cut") "}", clerk.port);
        say(fd, "200 OK", body, 50);
    } else if (strncmp(issuer, "moved ", 6) == 0) {
        say(fd, "302 Found\r\nLocation: /.well-known/oauth-authorization-server/good", "{}", 0);
    } else if (strncmp(issuer, "large ", 6) == 0) {
        memset(body, ' ', sizeof body - 1);
        body[sizeof body - 1] = '\0';
        say(fd, "200 OK", body, 0);
    } else if (strncmp(issuer, "silent ", 7) == 0) {
        (void)poll(NULL, 0, 2500);
    } else {                          /* as Clerk: JSON, which @clerk/mcp-tools takes for metadata */
        say(fd, "404 Not Found", "{\"errors\":[{\"message\":\"not found\"}]}", 0);
    }
}

static void *clerk_run(void *arg)
{
    (void)arg;
    for (;;) {
        char request[2048];
        size_t n = 0;
        int fd = accept(clerk.fd, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        do {
            ssize_t got = recv(fd, request + n, sizeof request - 1 - n, 0);
            if (got <= 0) {
                break;
            }
            n += (size_t)got;
            request[n] = '\0';
        } while (strstr(request, "\r\n\r\n") == NULL);
        if (n == 0) {
            close(fd);
            return NULL;              /* the test says that it is over */
        }
        ++clerk.served;
        serve(fd, request);
        close(fd);
    }
}

static int dial(uint16_t port)
{
    struct sockaddr_in a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)(void *)&a, sizeof a) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void clerk_start(void)
{
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    clerk.fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(clerk.fd, (struct sockaddr *)(void *)&a, n) == 0 && listen(clerk.fd, 8) == 0);
    CHECK(getsockname(clerk.fd, (struct sockaddr *)(void *)&a, &n) == 0);
    clerk.port = ntohs(a.sin_port);
    CHECK(pthread_create(&clerk.thread, NULL, clerk_run, NULL) == 0);
}

static void clerk_stop(void)
{
    int fd = dial(clerk.port);
    close(fd);
    (void)pthread_join(clerk.thread, NULL);
    close(clerk.fd);
}

/* -- the device: guarded, with a relay */
static uint32_t shift;                /* moves its clock on */
static char noted[2048];
static uint32_t millis(void *user) { return mcpt_posix_millis(user) + shift; }
static void note(void *user, mcpt_level level, mcpt_err what, const char *text)
{
    size_t n = strlen(noted);
    (void)user;
    (void)level;
    (void)text;
    snprintf(noted + n, sizeof noted - n, "%d ", (int)what);
}
static const mcpt_env env = { .millis = millis, .unix_time = mcpt_posix_unix_time, .random = mcpt_posix_random, .log = note,
                              .crypto = &mcpt_mbedtls_crypto };
static mcpt_relay relay;
static mcpt_exchange exchange;
static mcpt_exchange *const exchanges[] = { &exchange };
static mcpt_err never(void *user, const mcpt_token *t, mcpt_principal *who) { (void)user; (void)t; (void)who; return MCPT_E_UNAUTHORIZED; }
static const mcpt_guard guard = { .verify = never, .document = mcpt_relay_document, .document_user = &relay };
static const mcpt_server server = { .name = "relay", .version = "1", .env = &env, .guard = &guard };
static mcpt_hub hub;
static mcpt_verdict verdicts[2];
static mcpt_posix net;
static void *memory;
static char rx[1024], tx[1024], document[4096];
static mcpt_posix_lookup lookups[1];
static mcpt_posix_resolver names;

static void device_start(const char *path, size_t room)
{
    mcpt_hub_mem mem;
    mcpt_posix_config c;
    char issuer[64];
    snprintf(issuer, sizeof issuer, "http://127.0.0.1:%u%s", clerk.port, path);
    memset(&mem, 0, sizeof mem);
    mem.verdicts = verdicts;
    mem.nverdicts = 2;
    memset(&c, 0, sizeof c);
    c.server = &server;
    c.hub = &hub;
    c.connections = 8;
    c.buffers = 4;
    c.tx_size = 600;                  /* the document is larger */
    c.exchanges = exchanges;
    c.nexchanges = 1;
    c.resolve = mcpt_posix_resolve;
    c.resolve_user = &names;
    noted[0] = '\0';
    clerk.served = 0;
    CHECK(mcpt_hub_init(&hub, &server, &mem) == MCPT_OK);
    CHECK(mcpt_exchange_init(&exchange, &env, rx, sizeof rx, tx, sizeof tx, 2000, true) == MCPT_OK);
    CHECK(mcpt_relay_init(&relay, &exchange, &hub, issuer, document, room) == MCPT_OK);
    CHECK(mcpt_posix_resolver_init(&names, lookups, 1) == MCPT_OK);
    memory = malloc(mcpt_posix_size(&c));
    CHECK(mcpt_posix_init(&net, &c, memory, mcpt_posix_size(&c)) == MCPT_OK);
    mcpt_posix_resolver_attach(&names, &net);
}

static void device_stop(void)
{
    mcpt_posix_resolver_destroy(&names);
    mcpt_posix_destroy(&net);
    free(memory);
}

/* Asks for the metadata; answers the status, the body in out. */
static int ask(char *out, size_t cap)
{
    static const char get[] = "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char text[8192];
    size_t n = 0;
    int fd = dial(mcpt_posix_port(&net));
    int rounds;
    const char *body;
    CHECK(send(fd, get, sizeof get - 1, MSG_NOSIGNAL) == (ssize_t)sizeof get - 1);
    for (rounds = 0; rounds < 3000; ++rounds) {
        ssize_t got;
        CHECK(mcpt_posix_poll(&net, 5) == MCPT_PENDING);
        got = recv(fd, text + n, sizeof text - 1 - n, MSG_DONTWAIT);
        if (got > 0) {
            n += (size_t)got;
        } else if (got == 0) {
            break;
        }
    }
    close(fd);
    CHECK(rounds < 3000);
    for (rounds = 0; rounds < 3000 && mcpt_exchange_busy(&exchange); ++rounds) {    /* an old document was served meanwhile */
        CHECK(mcpt_posix_poll(&net, 5) == MCPT_PENDING);
    }
    text[n] = '\0';
    body = strstr(text, "\r\n\r\n");
    snprintf(out, cap, "%s", body != NULL ? body + 4 : "");
    return n > 12 ? atoi(text + 9) : 0;
}

/* RFC 8414 section 3.3, @clerk/mcp-tools fetchClerkAuthorizationServerMetadata: relayed whole, fetched once, refreshed, stale on failure. */
static void metadata_is_relayed_and_cached(void)
{
    char body[4096];
    char want[4096];
    snprintf(want, sizeof want, "{" FIFTEEN("/good") ",\"unknown_member\":{\"kept\":[1,2.50,null]}}", clerk.port);
    device_start("/good", sizeof document);
    CHECK(ask(body, sizeof body) == 200 && strcmp(body, want) == 0 && clerk.served == 1);
    CHECK(ask(body, sizeof body) == 200 && strcmp(body, want) == 0 && clerk.served == 1);
    shift += 599000;
    CHECK(ask(body, sizeof body) == 200 && clerk.served == 1);
    shift += 2000;                    /* max-age is over: the old one, and a new one for the next */
    CHECK(ask(body, sizeof body) == 200 && strcmp(body, want) == 0);
    CHECK(ask(body, sizeof body) == 200 && strcmp(body, want) == 0 && clerk.served == 2 && noted[0] == '\0');
    clerk.mood = 1;
    shift += 700000;
    CHECK(ask(body, sizeof body) == 200 && ask(body, sizeof body) == 200 && strcmp(body, want) == 0 && clerk.served == 3);
    shift += 29000;                   /* it asked for 30 seconds */
    CHECK(ask(body, sizeof body) == 200 && clerk.served == 3);
    shift += 2000;
    CHECK(ask(body, sizeof body) == 200 && ask(body, sizeof body) == 200 && clerk.served == 4);
    shift += 2u * 86400000u;
    CHECK(ask(body, sizeof body) == 503);
    clerk.mood = 0;
    shift += 60000;
    CHECK(ask(body, sizeof body) == 200 && strcmp(body, want) == 0);
    device_stop();
}

static void what_is_no_metadata_is_not_relayed(void)
{
    static const struct { const char *path; mcpt_err e; size_t room; } rows[] = {
        { "/wrong", MCPT_E_ISSUER, 4096 }, { "/missing", MCPT_E_STATUS, 4096 }, { "/html", MCPT_E_JSON, 4096 }, { "/cut", MCPT_E_CLOSED, 4096 },
        { "/moved", MCPT_E_STATUS, 4096 }, { "/large", MCPT_E_LIMIT, 4000 }, { "/large", MCPT_E_JSON, 4096 }, { "/silent", MCPT_E_TIMEOUT, 4096 },
        { "/twice", MCPT_E_DUPLICATE, 4096 }, { "/script", MCPT_E_OAUTH, 4096 }, { "/bare", MCPT_E_OAUTH, 4096 }
    };
    char body[4096];
    char want[16];
    size_t i;
    for (i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        device_start(rows[i].path, rows[i].room);
        CHECK(ask(body, sizeof body) == 503 && strstr(body, "authorization_endpoint") == NULL);
        snprintf(want, sizeof want, "%d ", (int)rows[i].e);
        CHECK(strcmp(noted, want) == 0);
        if (strcmp(noted, want) != 0) {
            printf("%s: %s, not %s\n", rows[i].path, noted, want);
        }
        CHECK(ask(body, sizeof body) == 503 && clerk.served == 1);    /* and not asked for again at once */
        device_stop();
    }
}

/* -- the port itself */
static struct { mcpt_err e; unsigned dones, status; size_t n; } got;
static mcpt_err on_head(void *user, const mcpt_exchange *x, unsigned status) { (void)user; (void)x; got.status = status; return MCPT_OK; }
static mcpt_err on_piece(void *user, const char *text, size_t n) { (void)user; (void)text; got.n += n; return MCPT_OK; }
static void on_done(void *user, mcpt_err e) { (void)user; got.e = e; ++got.dones; }

static mcpt_err fetch(const char *url, bool trusted)
{
    mcpt_fetch f;
    int rounds;
    memset(&f, 0, sizeof f);
    memset(&got, 0, sizeof got);
    f.url = mcpt_z(url);
    f.trusted = trusted;
    f.head = on_head;
    f.piece = on_piece;
    f.done = on_done;
    if (mcpt_exchange_start(&exchange, &f) != MCPT_OK) {
        return MCPT_E_ARG;
    }
    for (rounds = 0; rounds < 3000 && got.dones == 0; ++rounds) {
        CHECK(mcpt_posix_poll(&net, 5) == MCPT_PENDING);
    }
    CHECK(got.dones == 1);
    return got.e;
}

static void connections_fail_cleanly(void)
{
    char url[128];
    int holder;
    unsigned i;
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    device_start("/good", sizeof document);
    snprintf(url, sizeof url, "http://localhost:%u/.well-known/oauth-authorization-server/good", clerk.port);
    for (i = 0; i < 20; ++i) {        /* descriptors do not run out */
        CHECK(fetch(url, true) == MCPT_OK && got.status == 200 && got.n > 800);
    }
    memset(&a, 0, sizeof a);          /* a port where nobody listens */
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    holder = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(holder, (struct sockaddr *)(void *)&a, n) == 0 && getsockname(holder, (struct sockaddr *)(void *)&a, &n) == 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(a.sin_port));
    CHECK(fetch(url, true) == MCPT_E_IO);
    close(holder);
    CHECK(fetch("https://no-such-host.invalid/", true) == MCPT_E_IO || got.e == MCPT_E_TIMEOUT);
    CHECK(fetch("https://10.0.0.1/", false) == MCPT_E_IO);                   /* not tried at all */
    CHECK(fetch("https://[fe80::1]/", false) == MCPT_E_IO);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", clerk.port);          /* https, and no TLS is configured */
    CHECK(fetch(url, true) == MCPT_E_TLS);
    CHECK(fetch("http://example.com/", true) == MCPT_E_ARG);
    device_stop();
}

/* A name goes through the system's resolver, in its thread. */
static void names_are_resolved(void)
{
    mcpt_posix_address found[4];
    size_t n = 4;
    int rounds;
    mcpt_err e = MCPT_PENDING;
    device_start("/good", sizeof document);
    for (rounds = 0; rounds < 2000 && e == MCPT_PENDING; ++rounds) {
        n = 4;
        e = mcpt_posix_resolve(&names, 0, "localhost", found, &n);
        CHECK(mcpt_posix_poll(&net, 5) == MCPT_PENDING);
    }
    CHECK(e == MCPT_OK && n >= 1 && (found[0].len == 4 ? found[0].bytes[0] == 127 : found[0].bytes[15] == 1));
    CHECK(mcpt_posix_resolve(&names, 1, "localhost", found, &n) == MCPT_E_IO);
    CHECK(mcpt_posix_resolve(&names, 0, "localhost", found, &n) == MCPT_PENDING);   /* still in work when it ends */
    device_stop();
}

int main(void)
{
    clerk_start();
    metadata_is_relayed_and_cached();
    what_is_no_metadata_is_not_relayed();
    connections_fail_cleanly();
    names_are_resolved();
    clerk_stop();
    return test_end();
}
