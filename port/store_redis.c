/* port/store_redis.c - see store_redis.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* getaddrinfo, poll */
#endif
#include "store_redis.h"
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PREFIX = 64, NAME = PREFIX + MCPT_STORE_REDIS_KEY + 1, BATCH = 120 };
#define LONGEST ((size_t)512 * 1024 * 1024)                 /* of a Redis string */
static const char swap_script[] =
    "local v=redis.call('GET',KEYS[1])\n"
    "if ARGV[1]=='1' then if v~=ARGV[2] then return 0 end elseif v then return 0 end\n"
    "if ARGV[3]=='0' then redis.call('DEL',KEYS[1])\n"
    "elseif ARGV[5]=='0' then redis.call('SET',KEYS[1],ARGV[4])\n"
    "else redis.call('SET',KEYS[1],ARGV[4],'EX',ARGV[5]) end\n"
    "return 1";

/* -------------------------------------------------------------------------------------------------------- TCP */
static int64_t millis(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whatever a call does, with a new connection if need be, is done within timeout_ms. */
static void begin(mcpt_store_redis *s)
{
    s->until = millis() + s->config.timeout_ms;
}

static bool ready(const mcpt_store_redis *s, int fd, short events)
{
    struct pollfd p;
    int64_t left;
    int r;

    p.fd = fd;
    p.events = events;
    do {
        left = s->until - millis();
        r = left > 0 ? poll(&p, 1, (int)left) : 0;
    } while (r < 0 && errno == EINTR);
    return r == 1;
}

static int try_address(const mcpt_store_redis *s, const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol), error = 0, one = 1;
    socklen_t len = sizeof(error);

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 ||
        (errno == EINPROGRESS && ready(s, fd, POLLOUT) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)) {
        return fd;
    }
    (void)close(fd);
    return -1;
}

static int dial_tcp(const mcpt_store_redis *s)
{
    const mcpt_store_redis_config *c = &s->config;
    struct addrinfo hints, *list = NULL;
    char service[8];
    int fd = -1;

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    (void)snprintf(service, sizeof(service), "%u", (unsigned)c->port);
    if (getaddrinfo(c->host, service, &hints, &list) != 0) {
        return -1;
    }
    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = try_address(s, a);
    }
    freeaddrinfo(list);
    return fd;
}

/* Bytes that were taken; < 1: broken, or not in time. */
static ssize_t tcp_send(const mcpt_store_redis *s, const char *data, size_t len)
{
    ssize_t n;

    do {
        n = send(s->fd, data, len, MSG_NOSIGNAL);
    } while (n < 0 && (errno == EINTR || ((errno == EAGAIN || errno == EWOULDBLOCK) && ready(s, s->fd, POLLOUT))));
    return n;
}

static ssize_t tcp_recv(const mcpt_store_redis *s, char *buf, size_t cap)
{
    ssize_t n;

    do {
        n = recv(s->fd, buf, cap, 0);
    } while (n < 0 && (errno == EINTR || ((errno == EAGAIN || errno == EWOULDBLOCK) && ready(s, s->fd, POLLIN))));
    return n;
}

/* -------------------------------------------------------------------------------------------------------- TLS */
static unsigned app_run(mcpt_io *io)                        /* the machine behind TLS: a command to send, room for an answer */
{
    io->want = (uint8_t)(io->tx_at < io->tx_len ? MCPT_WANT_TX : io->eof ? MCPT_CLOSED : MCPT_WANT_RX);
    return io->want;
}

/* Carries bytes between the socket and TLS until the command is sent or, with receive, something was received. */
static bool tls_pump(mcpt_store_redis *s, bool receive)
{
    mcpt_io *io = &s->link->io;

    while ((mcpt_io_want(io) & MCPT_CLOSED) == 0) {
        size_t n;
        const char *from = mcpt_io_tx(io, &n);
        char *to;
        ssize_t moved;

        if (from != NULL) {
            moved = tcp_send(s, from, n);
            if (moved < 1) {
                return false;
            }
            mcpt_io_tx_ack(io, (size_t)moved);
            continue;
        }
        if (receive ? s->app.rx_len > 0 : s->app.tx_at == s->app.tx_len) {
            return true;
        }
        to = mcpt_io_rx(io, &n);
        moved = to != NULL ? tcp_recv(s, to, n) : 0;
        if (moved < 1) {
            return false;
        }
        mcpt_io_rx_ack(io, (size_t)moved);
    }
    return receive && s->app.rx_len > 0;
}

/* ------------------------------------------------------------------------------------------------------ bytes */
static bool send_all(mcpt_store_redis *s, char *data, size_t len)
{
    if (s->link != NULL) {
        s->app.tx = data;
        s->app.tx_at = 0;
        s->app.tx_len = (uint32_t)len;
        return tls_pump(s, false);
    }
    while (len > 0) {
        ssize_t n = tcp_send(s, data, len);

        if (n < 1) {
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Some bytes into s->in; < 1: broken. */
static ssize_t receive(mcpt_store_redis *s)
{
    ssize_t n;

    if (s->link == NULL) {
        return tcp_recv(s, s->in, sizeof(s->in));
    }
    n = tls_pump(s, true) ? (ssize_t)s->app.rx_len : 0;
    s->app.rx_len = 0;
    return n;
}

static void hang_up(mcpt_store_redis *s)
{
    if (s->link != NULL) {
        mcpt_tls_close(s->link);
    }
    if (s->fd >= 0) {
        (void)close(s->fd);
    }
    if (s->reader != NULL) {
        redisReaderFree(s->reader);
    }
    s->link = NULL;
    s->fd = -1;
    s->reader = NULL;
}

/* --------------------------------------------------------------------------------------------------- commands */
/* Sends one command over the connection there is; NULL: it broke (and was closed). */
static redisReply *exchange(mcpt_store_redis *s, int argc, const mcpt_str *args)
{
    const char *argv[12];
    size_t lens[12];
    char *text = NULL;
    void *reply = NULL;
    bool ok;
    int n;

    for (int i = 0; i < argc; i++) {
        argv[i] = args[i].ptr;
        lens[i] = args[i].len;
    }
    n = redisFormatCommandArgv(&text, argc, argv, lens);
    ok = n >= 0 && send_all(s, text, (size_t)n);
    if (n >= 0) {
        mcpt_wipe(text, (size_t)n);
        free(text);
    }
    while (ok && reply == NULL) {
        ok = redisReaderGetReply(s->reader, &reply) == REDIS_OK;
        if (ok && reply == NULL) {
            ssize_t got = millis() < s->until ? receive(s) : 0;

            ok = got > 0 && redisReaderFeed(s->reader, s->in, (size_t)got) == REDIS_OK;
        }
    }
    mcpt_wipe(s->in, sizeof(s->in));
    if (!ok || reply == NULL) {
        hang_up(s);
        return NULL;
    }
    return (redisReply *)reply;
}

static bool said_ok(redisReply *r)
{
    bool ok = r != NULL && r->type != REDIS_REPLY_ERROR;

    if (r != NULL) {
        freeReplyObject(r);
    }
    return ok;
}

static bool dial(mcpt_store_redis *s)
{
    const mcpt_store_redis_config *c = &s->config;
    mcpt_str args[3];
    char number[16];
    bool ok = true;

    s->reader = redisReaderCreate();
    s->fd = dial_tcp(s);
    if (c->tls != NULL && s->fd >= 0) {
        memset(&s->app, 0, sizeof(s->app));
        s->app.run = app_run;
        s->app.rx = s->in;
        s->app.rx_cap = sizeof(s->in);
        s->link = mcpt_tls_open(c->tls, &s->app, c->host);
    }
    if (s->reader == NULL || s->fd < 0 || (c->tls != NULL && s->link == NULL)) {
        hang_up(s);
        return false;
    }
    if (c->password != NULL) {
        args[0] = mcpt_z("AUTH");
        args[1] = mcpt_z(c->username != NULL ? c->username : c->password);
        args[2] = mcpt_z(c->password);
        ok = said_ok(exchange(s, c->username != NULL ? 3 : 2, args));
    }
    if (ok && c->database != 0) {
        (void)snprintf(number, sizeof(number), "%u", c->database);
        args[0] = mcpt_z("SELECT");
        args[1] = mcpt_z(number);
        ok = said_ok(exchange(s, 2, args));
    }
    args[0] = mcpt_z("PING");                               /* a server that wants a password says so only now */
    ok = ok && said_ok(exchange(s, 1, args));
    if (!ok) {
        hang_up(s);
    }
    return ok;
}

/* A command that may be sent twice. NULL: no connection. */
static redisReply *send_again(mcpt_store_redis *s, int argc, const mcpt_str *args)
{
    const bool was_open = s->reader != NULL;
    redisReply *r = NULL;

    if (was_open || dial(s)) {
        r = exchange(s, argc, args);
    }
    return r == NULL && was_open && dial(s) ? exchange(s, argc, args) : r;
}

static redisReply *command(mcpt_store_redis *s, int argc, const mcpt_str *args)
{
    begin(s);
    return send_again(s, argc, args);
}

static mcpt_err error_of(const redisReply *r)
{
    return r != NULL && r->type == REDIS_REPLY_ERROR && strstr(r->str, "OOM ") != NULL ? MCPT_E_FULL
         : r != NULL && r->type == REDIS_REPLY_ERROR && strstr(r->str, "exceeds maximum") != NULL ? MCPT_E_LIMIT : MCPT_E_STORE;
}

static void done(redisReply *r)
{
    if (r != NULL) {
        freeReplyObject(r);
    }
}

static mcpt_err check(const mcpt_store_redis *s, const char *key)
{
    return !s->opened ? MCPT_E_STATE : mcpt_store_key_ok(key, s->config.max_key) ? MCPT_OK : MCPT_E_ARG;
}

static mcpt_str name_of(const mcpt_store_redis *s, const char *key, char *name)
{
    (void)snprintf(name, NAME, "%s%s", s->config.prefix, key);
    return mcpt_z(name);
}

/* ------------------------------------------------------------------------------------------------------ calls */
static mcpt_err redis_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    mcpt_store_redis *s = (mcpt_store_redis *)user;
    mcpt_err e = check(s, key);
    char name[NAME];
    mcpt_str args[2];
    redisReply *r;

    *len = 0;
    if (e != MCPT_OK) {
        return e;
    }
    args[0] = mcpt_z("GET");
    args[1] = name_of(s, key, name);
    r = command(s, 2, args);
    if (r != NULL && r->type == REDIS_REPLY_STRING) {
        *len = (size_t)r->len;
        e = *len > cap ? MCPT_E_SPACE : MCPT_OK;
        if (e == MCPT_OK && *len != 0) {
            memcpy(buf, r->str, *len);
        }
        mcpt_wipe(r->str, *len);
    } else {
        e = r != NULL && r->type == REDIS_REPLY_NIL ? MCPT_E_ABSENT : error_of(r);
    }
    done(r);
    return e;
}

static mcpt_err redis_write(void *user, const char *key, mcpt_str value)
{
    mcpt_store_redis *s = (mcpt_store_redis *)user;
    mcpt_err e = value.ptr == NULL ? MCPT_E_ARG : check(s, key);
    char name[NAME], ttl[16];
    mcpt_str args[5];
    redisReply *r;

    if (e != MCPT_OK) {
        return e;
    }
    if (value.len > LONGEST) {
        return MCPT_E_LIMIT;
    }
    (void)snprintf(ttl, sizeof(ttl), "%lu", (unsigned long)s->config.ttl_s);
    args[0] = mcpt_z("SET");
    args[1] = name_of(s, key, name);
    args[2] = value;
    args[3] = mcpt_z("EX");
    args[4] = mcpt_z(ttl);
    r = command(s, s->config.ttl_s != 0 ? 5 : 3, args);
    e = r != NULL && r->type == REDIS_REPLY_STATUS ? MCPT_OK : error_of(r);
    done(r);
    return e;
}

/* DEL, EXISTS and the like: the number they answer. */
static mcpt_err count_of(mcpt_store_redis *s, const char *verb, const char *key, long long *n)
{
    char name[NAME];
    mcpt_str args[3];
    bool two = strncmp(verb, "OBJECT ", 7) == 0;
    redisReply *r;
    mcpt_err e;

    args[0] = mcpt_z(two ? "OBJECT" : verb);
    args[1] = mcpt_z(two ? verb + 7 : "");
    args[two ? 2 : 1] = name_of(s, key, name);
    r = command(s, two ? 3 : 2, args);
    *n = r != NULL && r->type == REDIS_REPLY_INTEGER ? r->integer : 0;
    e = r != NULL && r->type == REDIS_REPLY_INTEGER ? MCPT_OK : r != NULL && r->type == REDIS_REPLY_NIL ? MCPT_E_ABSENT : error_of(r);
    done(r);
    return e;
}

static mcpt_err redis_erase(void *user, const char *key)
{
    mcpt_store_redis *s = (mcpt_store_redis *)user;
    mcpt_err e = check(s, key);
    long long n;

    return e != MCPT_OK ? e : count_of(s, "DEL", key, &n);
}

/* Once, over a connection that may turn out broken: then nobody knows whether it was done. */
static redisReply *swap_once(mcpt_store_redis *s, const char *key, mcpt_str old, mcpt_str value)
{
    char name[NAME], ttl[16];
    mcpt_str args[9];

    (void)snprintf(ttl, sizeof(ttl), "%lu", (unsigned long)s->config.ttl_s);
    args[0] = mcpt_z("EVAL");
    args[1] = mcpt_z(swap_script);
    args[2] = mcpt_z("1");
    args[3] = name_of(s, key, name);
    args[4] = mcpt_z(old.ptr != NULL ? "1" : "0");
    args[5] = old.ptr != NULL ? old : mcpt_z("");
    args[6] = mcpt_z(value.ptr != NULL ? "1" : "0");
    args[7] = value.ptr != NULL ? value : mcpt_z("");
    args[8] = mcpt_z(ttl);
    return s->reader != NULL || dial(s) ? exchange(s, 9, args) : NULL;
}

static bool still(mcpt_store_redis *s, const char *key, mcpt_str old)
{
    char name[NAME];
    mcpt_str args[2];
    redisReply *r;
    bool same;

    args[0] = mcpt_z("GET");
    args[1] = name_of(s, key, name);
    r = send_again(s, 2, args);
    same = r != NULL && (r->type == REDIS_REPLY_NIL ? old.ptr == NULL
                         : r->type == REDIS_REPLY_STRING && old.ptr != NULL && (size_t)r->len == old.len && memcmp(r->str, old.ptr, old.len) == 0);
    done(r);
    return same;
}

static mcpt_err redis_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    mcpt_store_redis *s = (mcpt_store_redis *)user;
    mcpt_err e = check(s, key);
    redisReply *r;
    bool was_open;

    if (e != MCPT_OK) {
        return e;
    }
    if (value.len > LONGEST) {
        return MCPT_E_LIMIT;
    }
    was_open = s->reader != NULL;
    begin(s);
    r = swap_once(s, key, old, value);
    if (r == NULL && was_open && still(s, key, old)) {
        r = swap_once(s, key, old, value);
    }
    e = r != NULL && r->type == REDIS_REPLY_INTEGER ? (r->integer == 1 ? MCPT_OK : MCPT_E_CONFLICT) : error_of(r);
    done(r);
    return e;
}

/* Puts key among the first BATCH behind `last`, in order, each once (SCAN may show a key twice). */
static void sort_in(char keys[][MCPT_STORE_REDIS_KEY + 1], int *count, const char *last, const char *key)
{
    int at = *count;

    if (strcmp(key, last) <= 0 || (*count == BATCH && strcmp(key, keys[BATCH - 1]) >= 0)) {
        return;
    }
    for (int i = 0; i < *count; i++) {
        if (strcmp(keys[i], key) == 0) {
            return;
        }
    }
    at = *count < BATCH ? (*count)++ : BATCH - 1;
    while (at > 0 && strcmp(keys[at - 1], key) > 0) {
        memcpy(keys[at], keys[at - 1], sizeof(keys[0]));
        at--;
    }
    memcpy(keys[at], key, strlen(key) + 1);
}

static mcpt_err scan(mcpt_store_redis *s, const char *pattern, const char *last, char keys[][MCPT_STORE_REDIS_KEY + 1], int *count)
{
    const size_t skip = strlen(s->config.prefix);
    char cursor[32] = "0", key[MCPT_STORE_REDIS_KEY + 1];
    mcpt_err e = MCPT_OK;

    *count = 0;
    do {
        mcpt_str args[6];
        redisReply *r;

        args[0] = mcpt_z("SCAN");
        args[1] = mcpt_z(cursor);
        args[2] = mcpt_z("MATCH");
        args[3] = mcpt_z(pattern);
        args[4] = mcpt_z("COUNT");
        args[5] = mcpt_z("1000");
        r = command(s, 6, args);
        if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements != 2 || r->element[0]->type != REDIS_REPLY_STRING ||
            (size_t)r->element[0]->len >= sizeof(cursor)) {
            e = error_of(r);
        } else {
            memcpy(cursor, r->element[0]->str, (size_t)r->element[0]->len + 1);
            for (size_t i = 0; i < r->element[1]->elements; i++) {
                const redisReply *row = r->element[1]->element[i];

                if (row->type == REDIS_REPLY_STRING && (size_t)row->len > skip && (size_t)row->len - skip < sizeof(key)) {
                    memcpy(key, row->str + skip, (size_t)row->len - skip + 1);
                    if (mcpt_store_key_ok(key, s->config.max_key)) {
                        sort_in(keys, count, last, key);
                    }
                }
            }
        }
        done(r);
    } while (e == MCPT_OK && strcmp(cursor, "0") != 0);
    return e;
}

static mcpt_err redis_list(void *user, const char *prefix, bool (*each)(void *each_user, const char *key), void *each_user)
{
    mcpt_store_redis *s = (mcpt_store_redis *)user;
    char keys[BATCH][MCPT_STORE_REDIS_KEY + 1], last[MCPT_STORE_REDIS_KEY + 1] = "", pattern[2 * NAME];
    size_t n = 0;
    int count = 0;
    mcpt_err e;

    if (!s->opened) {
        return MCPT_E_STATE;
    }
    if (prefix == NULL || (prefix[0] != '\0' && !mcpt_store_key_ok(prefix, s->config.max_key))) {
        return MCPT_E_ARG;
    }
    for (const char *p = s->config.prefix; *p != '\0'; p++) {
        if (strchr("*?[]\\^", *p) != NULL) {
            pattern[n++] = '\\';
        }
        pattern[n++] = *p;
    }
    (void)snprintf(pattern + n, sizeof(pattern) - n, "%s*", prefix);
    memset(keys, 0, sizeof(keys));
    do {
        e = scan(s, pattern, last, keys, &count);
        for (int i = 0; i < count && e == MCPT_OK; i++) {
            if (!each(each_user, keys[i])) {
                return MCPT_OK;
            }
        }
        if (count > 0) {
            memcpy(last, keys[count - 1], sizeof(last));
        }
    } while (e == MCPT_OK && count == BATCH);
    return e;
}

/* ------------------------------------------------------------------------------------------------------- open */
/* One decoded piece of the URL behind the others in s->text. */
static const char *keep(mcpt_store_redis *s, size_t *used, mcpt_str text)
{
    char *at = s->text + *used;
    size_t n;

    if (text.len >= sizeof(s->text) - *used || !mcpt_percent_decode(text, at, sizeof(s->text) - *used - 1, &n)) {
        return NULL;
    }
    at[n] = '\0';
    *used += n + 1;
    return at;
}

static mcpt_str span(const char *from, const char *to)
{
    mcpt_str s;

    s.ptr = from;
    s.len = (size_t)(to - from);
    return s;
}

static bool take_url(mcpt_store_redis *s)
{
    mcpt_store_redis_config *c = &s->config;
    const bool tls = strncmp(c->url, "rediss://", 9) == 0;
    const char *at = c->url + (tls ? 9 : 8), *end, *login, *colon;
    mcpt_str host;
    size_t used = 0;

    if ((!tls && strncmp(c->url, "redis://", 8) != 0) || (tls && c->tls == NULL)) {
        return false;
    }
    c->tls = tls ? c->tls : NULL;
    end = at + strcspn(at, "/?#");
    login = (const char *)memchr(at, '@', (size_t)(end - at));
    if (login != NULL) {
        colon = (const char *)memchr(at, ':', (size_t)(login - at));
        if (colon == NULL || (c->password = keep(s, &used, span(colon + 1, login))) == NULL) {
            return false;
        }
        if (colon != at && (c->username = keep(s, &used, span(at, colon))) == NULL) {
            return false;
        }
        at = login + 1;
    }
    if (!mcpt_authority_split(span(at, end), &host, &c->port)) {
        return false;
    }
    if (host.len > 2 && host.ptr[0] == '[') {               /* getaddrinfo wants an IPv6 address without its brackets */
        host.ptr++;
        host.len -= 2;
    }
    c->host = keep(s, &used, host);
    if (*end == '/' && end[1] != '\0') {
        char *rest;
        unsigned long number = strtoul(end + 1, &rest, 10);

        if (end[1] < '0' || end[1] > '9' || *rest != '\0' || number > 65535) {
            return false;
        }
        c->database = (unsigned)number;
    } else if (*end != '\0' && *end != '/') {
        return false;
    }
    return c->host != NULL;
}

mcpt_err mcpt_store_redis_open(mcpt_store_redis *s, const mcpt_store_redis_config *config)
{
    static const mcpt_store calls = { redis_read, redis_write, redis_erase, redis_list, redis_swap, NULL };
    mcpt_store_redis_config *c = &s->config;
    mcpt_err e;

    memset(s, 0, sizeof(*s));
    s->store = calls;
    s->store.user = s;
    s->fd = -1;
    *c = *config;
    if (c->url != NULL && !take_url(s)) {
        mcpt_store_redis_close(s);
        return MCPT_E_ARG;
    }
    c->host = c->host != NULL ? c->host : "localhost";
    c->port = c->port != 0 ? c->port : 6379;
    c->prefix = c->prefix != NULL ? c->prefix : "mcp:";
    c->timeout_ms = c->timeout_ms != 0 ? c->timeout_ms : 5000;
    c->max_key = c->max_key != 0 ? c->max_key : MCPT_STORE_KEY;
    s->opened = strlen(c->prefix) <= PREFIX && c->max_key <= MCPT_STORE_REDIS_KEY;
    e = s->opened ? MCPT_E_STORE : MCPT_E_ARG;
    begin(s);
    s->opened = s->opened && dial(s);
    if (s->opened) {
        return MCPT_OK;
    }
    mcpt_store_redis_close(s);
    return e;
}

void mcpt_store_redis_close(mcpt_store_redis *s)
{
    hang_up(s);
    mcpt_wipe(s->text, sizeof(s->text));
    s->opened = false;
}

mcpt_err mcpt_store_redis_exists(mcpt_store_redis *s, const char *key, bool *there)
{
    mcpt_err e = check(s, key);
    long long n = 0;

    e = e != MCPT_OK ? e : count_of(s, "EXISTS", key, &n);
    *there = n != 0;
    return e;
}

typedef struct walk { mcpt_store_redis *s; mcpt_store_redis_info info; int64_t seconds; size_t erased; mcpt_err e; } walk;

static bool clean_one(void *user, const char *key)
{
    walk *w = (walk *)user;
    long long n = 0;

    w->e = count_of(w->s, "OBJECT IDLETIME", key, &n);
    if (w->e == MCPT_OK && (int64_t)n > w->seconds) {
        w->e = count_of(w->s, "DEL", key, &n);
        w->erased += w->e == MCPT_OK && n != 0;
    }
    w->e = w->e == MCPT_E_ABSENT ? MCPT_OK : w->e;
    return w->e == MCPT_OK;
}

static bool count_one(void *user, const char *key)
{
    walk *w = (walk *)user;
    long long n = 0;

    w->e = count_of(w->s, "STRLEN", key, &n);
    w->info.records++;
    w->info.bytes += (uint64_t)n;
    return w->e == MCPT_OK;
}

mcpt_err mcpt_store_redis_cleanup(mcpt_store_redis *s, int64_t seconds, size_t *count)
{
    walk w;
    mcpt_err e;

    memset(&w, 0, sizeof(w));
    w.s = s;
    w.seconds = seconds;
    e = redis_list(s, "", clean_one, &w);
    if (count != NULL) {
        *count = w.erased;
    }
    return e != MCPT_OK ? e : w.e;
}

mcpt_err mcpt_store_redis_stats(mcpt_store_redis *s, mcpt_store_redis_info *info)
{
    walk w;
    mcpt_err e;
    mcpt_str args[2];
    redisReply *r;
    const char *line;

    memset(&w, 0, sizeof(w));
    w.s = s;
    e = redis_list(s, "", count_one, &w);
    if (e == MCPT_OK && w.e == MCPT_OK) {
        args[0] = mcpt_z("INFO");
        args[1] = mcpt_z("memory");
        r = command(s, 2, args);
        line = r != NULL && r->type == REDIS_REPLY_STRING ? strstr(r->str, "used_memory:") : NULL;
        w.info.memory = line != NULL ? strtoull(line + 12, NULL, 10) : 0;
        e = line != NULL ? MCPT_OK : error_of(r);
        done(r);
    }
    *info = w.info;
    return e != MCPT_OK ? e : w.e;
}
