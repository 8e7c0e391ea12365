/* port/tls with both libraries: server and client in one process, over a wire that cuts, damages and ends as the test
 * says. tls DIRECTORY: the certificates of certs.sh. */
#include "../../port/posix_env.h"
#include "../../port/tls_bearssl.h"
#include "../../port/tls_mbedtls.h"
#include "../unit/test.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/platform.h>
#endif
#if MCPT_TLS_MBEDTLS_13
#include <psa/crypto.h>
#endif

/* -- the libraries under one roof */
typedef struct end { mcpt_tls *tls; void *mem; union { mcpt_tls_bearssl bear; mcpt_tls_mbedtls mbed; } u; int lib; } end;
enum { BEAR, MBED, LIBS };
static const char *const lib_name[] = { "bearssl", "mbedtls" };

static mcpt_err make(end *e, int lib, bool client, const mcpt_tls_config *c)
{
    size_t n = lib == BEAR ? mcpt_tls_bearssl_size(c, client) : mcpt_tls_mbedtls_size(c, client);
    mcpt_err r;
    e->lib = lib;
    e->mem = malloc(n + 1);
    if (lib == BEAR) {
        e->tls = &e->u.bear.tls;
        r = client ? mcpt_tls_bearssl_client(&e->u.bear, c, (char *)e->mem + 1, n) :
                     mcpt_tls_bearssl_server(&e->u.bear, c, (char *)e->mem + 1, n);
    } else {
        e->tls = &e->u.mbed.tls;
        r = client ? mcpt_tls_mbedtls_client(&e->u.mbed, c, (char *)e->mem + 1, n) :
                     mcpt_tls_mbedtls_server(&e->u.mbed, c, (char *)e->mem + 1, n);
    }
    return r;
}

static void unmake(end *e)
{
    if (e->lib == MBED) {
        mcpt_tls_mbedtls_free(&e->u.mbed);
    }
    free(e->mem);
}

/* -- the world */
static uint32_t now_ms = 1000;
static int64_t now_s;                 /* offset to the real clock; INT64_MIN: not set */
static bool no_random;
static uint32_t millis(void *user) { (void)user; return now_ms; }
static int64_t unix_time(void *user) { (void)user; return now_s == INT64_MIN ? -1 : (int64_t)time(NULL) + now_s; }
static bool some_random(void *user, void *buf, size_t n) { return !no_random && mcpt_posix_random(user, buf, n); }
static const mcpt_env env = { millis, unix_time, some_random, NULL, NULL, NULL };

/* -- certificates */
static const char *directory;
typedef struct der { uint8_t *p; size_t n; } der;

static char *slurp(const char *name, const char *ending, size_t *n)
{
    char path[512];
    char *text = (char *)calloc(1, 65536);
    FILE *f;
    (void)snprintf(path, sizeof path, "%s/%s.%s", directory, name, ending);
    f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        exit(1);
    }
    *n = fread(text, 1, 65536, f);
    (void)fclose(f);
    return text;
}

static der load(const char *name, const char *ending)
{
    der d;
    char *text = slurp(name, ending, &d.n);
    size_t n = d.n;
    CHECK(mcpt_tls_pem(text, n, strcmp(ending, "pem") == 0 ? "CERTIFICATE" : "PRIVATE KEY", text, n, &d.n) == MCPT_OK);
    d.p = (uint8_t *)malloc(d.n);     /* of its own size, so that a byte too far is noticed */
    memcpy(d.p, text, d.n);
    free(text);
    return d;
}

typedef struct pair { der cert, key, trust; end server, client; } pair;
typedef struct setting {
    const char *cert, *key, *trust;
    uint32_t in_size, connections, sessions;
} setting;

static bool pair_begin(pair *p, int server, int client, setting s)
{
    mcpt_tls_config c;
    memset(p, 0, sizeof *p);
    memset(&c, 0, sizeof c);
    p->cert = load(s.cert, "pem");
    p->key = load(s.key != NULL ? s.key : s.cert, "key");
    p->trust = load(s.trust != NULL ? s.trust : "ca", "pem");
    c.env = &env;
    c.connections = s.connections != 0 ? s.connections : 2;
    c.sessions = s.sessions;
    c.in_size = s.in_size;
    c.chain = p->cert.p;
    c.chain_len = p->cert.n;
    c.key = p->key.p;
    c.key_len = p->key.n;
    if (make(&p->server, server, false, &c) != MCPT_OK) {
        return false;
    }
    memset(&c, 0, sizeof c);
    c.env = &env;
    c.connections = s.connections != 0 ? s.connections : 2;
    c.sessions = s.sessions;
    c.trust = p->trust.p;
    c.trust_len = p->trust.n;
    return make(&p->client, client, true, &c) == MCPT_OK;
}

static void pair_end(pair *p)
{
    unmake(&p->server);
    unmake(&p->client);
    free(p->cert.p);
    free(p->key.p);
    free(p->trust.p);
}

/* -- a machine behind TLS: sends total bytes of a pattern, expects others, and may be the one that closes */
typedef struct app {
    mcpt_io io;
    char rx[301], tx[1000];
    uint32_t total, made, expect, got;
    bool closes, wrong, deaf;
} app;

static char pattern(uint32_t i) { return (char)(i * 7 + i / 251); }

static unsigned app_run(mcpt_io *io)
{
    app *a = (app *)io;
    uint32_t i;
    for (i = 0; i < io->rx_len; ++i) {
        a->wrong |= io->rx[i] != pattern(a->got++);
    }
    io->rx_len = 0;
    if (io->tx_at == io->tx_len) {
        io->tx_at = io->tx_len = 0;
        while (io->tx_len < sizeof a->tx && a->made < a->total) {
            a->tx[io->tx_len++] = pattern(a->made++);
        }
    }
    io->want = (uint8_t)((io->tx_at < io->tx_len ? MCPT_WANT_TX : 0) | (io->eof || a->deaf ? 0 : MCPT_WANT_RX));
    if (io->tx_at == io->tx_len && ((a->closes && a->got >= a->expect) || io->eof)) {
        io->want = MCPT_CLOSED;
    }
    return io->want;
}

static void app_begin(app *a, uint32_t total, uint32_t expect, bool closes)
{
    memset(a, 0, sizeof *a);
    a->io.run = app_run;
    a->io.rx = a->rx;
    a->io.rx_cap = sizeof a->rx;
    a->io.tx = a->tx;
    a->io.tx_cap = sizeof a->tx;
    a->total = total;
    a->expect = expect;
    a->closes = closes;
}

/* -- the wire: two directions, 0 client to server */
typedef struct wire {
    size_t chunk, split;              /* most bytes at once; a position that no transfer crosses. 0: none */
    size_t limit[2];                  /* bytes after which a direction ends; 0: never */
    size_t damage;                    /* of client to server: this byte is changed; 0: none */
    size_t moved[2];
    bool ended[2];
    size_t queued[2];
    char queue[2][4096];
} wire;

/* What one end sends goes into a queue, as into a kernel's buffers, and from there to the other. */
static bool move(wire *w, int way, mcpt_io *from, mcpt_io *to)
{
    size_t n, room, left;
    const char *bytes = mcpt_io_tx(from, &n);
    char *at, *queue = w->queue[way];
    bool progress = bytes != NULL && w->queued[way] < sizeof w->queue[way];
    if (progress) {
        room = sizeof w->queue[way] - w->queued[way];
        n = n < room ? n : room;
        memcpy(queue + w->queued[way], bytes, n);
        w->queued[way] += n;
        mcpt_io_tx_ack(from, n);
    }
    if (w->ended[way] || (to->want & MCPT_CLOSED) != 0) {
        w->queued[way] = 0;           /* into the void */
        return progress;
    }
    at = mcpt_io_rx(to, &room);
    n = w->queued[way];
    if (n == 0 || at == NULL) {
        return progress;
    }
    n = n < room ? n : room;
    n = w->chunk != 0 && n > w->chunk ? w->chunk : n;
    left = w->split > w->moved[way] ? w->split - w->moved[way] : n;
    n = n < left ? n : left;
    if (w->limit[way] != 0) {
        n = n < w->limit[way] - w->moved[way] ? n : w->limit[way] - w->moved[way];
    }
    memcpy(at, queue, n);
    if (way == 0 && w->damage > w->moved[0] && w->damage <= w->moved[0] + n) {
        at[w->damage - w->moved[0] - 1] ^= 0x20;
    }
    mcpt_io_rx_ack(to, n);
    w->queued[way] -= n;
    memmove(queue, queue + n, w->queued[way]);
    w->moved[way] += n;
    if (w->limit[way] != 0 && w->moved[way] == w->limit[way]) {
        w->ended[way] = true;
        mcpt_io_eof(to);
    }
    return true;
}

typedef struct talk { mcpt_tls_conn *c, *s; app ca, sa; wire w; } talk;

/* Until nothing moves. What closes first ends its direction, as a socket does. */
static void run(talk *t)
{
    bool progress = true, told[2] = { false, false };
    size_t n;
    while (progress) {
        unsigned cw = mcpt_io_want(&t->c->io);
        unsigned sw = mcpt_io_want(&t->s->io);
        progress = move(&t->w, 0, &t->c->io, &t->s->io);
        progress |= move(&t->w, 1, &t->s->io, &t->c->io);
        if ((cw & MCPT_CLOSED) != 0 && mcpt_io_tx(&t->c->io, &n) == NULL && t->w.queued[0] == 0 && !told[0]) {
            mcpt_io_eof(&t->s->io);
            told[0] = progress = true;
        }
        if ((sw & MCPT_CLOSED) != 0 && mcpt_io_tx(&t->s->io, &n) == NULL && t->w.queued[1] == 0 && !told[1]) {
            mcpt_io_eof(&t->c->io);
            told[1] = progress = true;
        }
    }
}

/* false: no room. up, down: bytes from client to server and back; the client closes when it has all. */
static bool talk_begin(talk *t, pair *p, const char *host, uint32_t up, uint32_t down)
{
    memset(t, 0, sizeof *t);
    app_begin(&t->ca, up, down, true);
    app_begin(&t->sa, down, up, false);
    t->s = mcpt_tls_open(p->server.tls, &t->sa.io, NULL);
    t->c = mcpt_tls_open(p->client.tls, &t->ca.io, host);
    return t->s != NULL && t->c != NULL;
}

static void talk_end(talk *t)
{
    mcpt_tls_close(t->c);
    mcpt_tls_close(t->s);
}

static bool went_well(const talk *t)
{
    const bool well = !t->ca.wrong && !t->sa.wrong && t->ca.got == t->sa.total && t->sa.got == t->ca.total &&
           t->c->io.want == MCPT_CLOSED && t->s->io.want == MCPT_CLOSED && t->sa.io.eof && t->sa.io.err == MCPT_OK &&
           t->ca.io.err == MCPT_OK && t->s->err == MCPT_E_CLOSED && (t->c->err == MCPT_OK || t->c->err == MCPT_E_CLOSED);
    if (!well && test_failed < 20) {
        printf("client err %d detail %d got %u wants %u, server err %d detail %d got %u wants %u\n", t->c->err, t->c->detail, t->ca.got,
               t->c->io.want, t->s->err, t->s->detail, t->sa.got, t->s->io.want);
    }
    return well;
}

/* -- tests; each runs for every pair of libraries */
static void test_exchange(int s, int c)
{
    static const setting kinds[] = {
        { "server", NULL, NULL, 0, 0, 0 }, { "rsa", NULL, NULL, 0, 0, 0 }, { "leaf", NULL, NULL, 0, 0, 0 },
        { "server", "server.p8", NULL, 0, 0, 0 }, { "rsa", "rsa.p8", NULL, 0, 0, 0 }, { "self", NULL, "self", 0, 0, 0 },
        { "selfca", NULL, "selfca", 0, 0, 0 }
    };
    static const size_t chunks[] = { 1, 7, 0 };
    size_t k, i;
    talk t;
    pair p;
    for (k = 0; k < MCPT_COUNT(kinds); ++k) {
        CHECK(pair_begin(&p, s, c, kinds[k]));
        for (i = 0; i < MCPT_COUNT(chunks); ++i) {
            CHECK(talk_begin(&t, &p, "device.test", chunks[i] == 1 ? 300 : 20000, chunks[i] == 1 ? 700 : 50000));
            t.w.chunk = chunks[i];
            run(&t);
            CHECK(went_well(&t));
            if (!went_well(&t)) {
                printf("%s %s %s chunk %u: client %d (%d) server %d (%d) got %u %u want %u %u\n", lib_name[s], lib_name[c], kinds[k].cert,
                       (unsigned)chunks[i], t.c->err, t.c->detail, t.s->err, t.s->detail, t.ca.got, t.sa.got, t.c->io.want, t.s->io.want);
            }
            talk_end(&t);
        }
        CHECK(p.server.tls->full == 3 && p.client.tls->full == 3 && p.server.tls->failed == 0 && p.server.tls->open == 0);
        pair_end(&p);
    }
}

/* Every two-way split of both directions, with a resumed handshake, which has all kinds of records too. */
static void test_splits(int s, int c)
{
    pair p;
    talk t;
    size_t k, n = 1;
    const setting set = { "server", NULL, NULL, 0, 0, 4 };
    CHECK(pair_begin(&p, s, c, set));
    for (k = 0; k <= n; ++k) {
        CHECK(talk_begin(&t, &p, "device.test", 40, 1500));
        t.w.split = k;
        run(&t);
        CHECK(went_well(&t));
        talk_end(&t);
        n = k == 0 ? 0 : n;
        n = t.w.moved[0] > n ? t.w.moved[0] : n;
        n = t.w.moved[1] > n ? t.w.moved[1] : n;
    }
    CHECK(k > 1500 && p.server.tls->full <= 2);
    pair_end(&p);
}

/* RFC 5246, section 7.3; RFC 8446, section 2.2 */
static void test_resumption(int s, int c)
{
    pair p;
    talk t;
    int i;
    setting set = { "server", NULL, NULL, 0, 0, 4 };
    static const char *const hosts[] = { "device.test", "localhost", "127.0.0.1" };
    CHECK(pair_begin(&p, s, c, set));
    for (i = 0; i < 9; ++i) {
        CHECK(talk_begin(&t, &p, hosts[i % 3], 100, 100));
        run(&t);
        CHECK(went_well(&t));
        talk_end(&t);
    }
    CHECK(p.server.tls->full == 3 && p.server.tls->resumed == 6);
    CHECK(p.client.tls->full == 3 && p.client.tls->resumed == 6);
    now_ms += 3600001;                /* too old for the client */
    CHECK(talk_begin(&t, &p, hosts[0], 100, 100));
    run(&t);
    CHECK(went_well(&t));
    talk_end(&t);
    CHECK(p.server.tls->full == 4 && p.client.tls->full == 4);
    pair_end(&p);
    set.sessions = 0;                 /* off: each is full */
    CHECK(pair_begin(&p, s, c, set));
    for (i = 0; i < 3; ++i) {
        CHECK(talk_begin(&t, &p, "device.test", 100, 100));
        run(&t);
        CHECK(went_well(&t));
        talk_end(&t);
    }
    CHECK(p.server.tls->full == 3 && p.client.tls->full == 3 && p.client.tls->resumed == 0);
    pair_end(&p);
}

/* RFC 5280, section 6; RFC 9525, section 6 */
static void test_certificates(int s, int c)
{
    enum { YEAR = 366 * 86400 };
    static const struct { const char *cert, *trust, *host; int years; mcpt_err e; } rows[] = {
        { "server", "ca", "device.test", 0, MCPT_OK },
        { "server", "ca", "DEVICE.Test", 0, MCPT_OK },
        { "server", "ca", "device.test.", 0, MCPT_OK },
        { "server", "ca", "localhost", 0, MCPT_OK },
        { "server", "ca", "a.wild.test", 0, MCPT_OK },
        { "server", "ca", "127.0.0.1", 0, MCPT_OK },
        { "server", "ca", "::1", 0, MCPT_OK },
        { "server", "ca", "[::1]", 0, MCPT_OK },
        { "server", "ca", "0:0:0:0:0:0:0:1", 0, MCPT_OK },
        { "server", "ca", "::0.0.0.1", 0, MCPT_OK },
        { "rsa", "ca", "device.test", 0, MCPT_OK },
        { "leaf", "ca", "device.test", 0, MCPT_OK },
        { "p384", "ca", "device.test", 0, MCPT_OK },        /* server: refused by BearSSL's port? see below */
        { "self", "self", "device.test", 0, MCPT_OK },
        { "server", "ca", "other.test", 0, MCPT_E_CERTIFICATE },
        { "server", "ca", "a.b.wild.test", 0, MCPT_E_CERTIFICATE },
        { "server", "ca", "wild.test", 0, MCPT_E_CERTIFICATE },
        { "server", "ca", "127.0.0.2", 0, MCPT_E_CERTIFICATE },
        { "server", "ca", "::2", 0, MCPT_E_CERTIFICATE },
        { "server", "ca", "::ffff:127.0.0.1", 0, MCPT_E_CERTIFICATE },
        { "server", "impostor", "device.test", 0, MCPT_E_CERTIFICATE },     /* same name, another key */
        { "self", "ca", "device.test", 0, MCPT_E_CERTIFICATE },
        { "server", "self", "device.test", 0, MCPT_E_CERTIFICATE },
        { "leaf", "impostor", "device.test", 0, MCPT_E_CERTIFICATE },
        { "notca", "ca", "device.test", 0, MCPT_E_CERTIFICATE },
        { "noname", "ca", "device.test", 0, MCPT_E_CERTIFICATE },           /* the common name does not count */
        { "noname", "ca", "127.0.0.1", 0, MCPT_E_CERTIFICATE },
        { "trap", "ca", "device.test", 0, MCPT_OK },
        { "trap", "ca", "10.0.0.1", 0, MCPT_E_CERTIFICATE },
        { "weak", "ca", "device.test", 0, MCPT_E_CERTIFICATE },             /* RSA of 1024 bit */
        { "server", "ca", "device.test", 20, MCPT_E_CERTIFICATE },          /* expired */
        { "server", "ca", "device.test", -1, MCPT_E_CERTIFICATE },          /* not yet valid */
        { "leaf", "ca", "device.test", 9, MCPT_E_CERTIFICATE },
        { "server", "ca", "", 0, MCPT_E_ARG },
    };
    size_t i;
    for (i = 0; i < MCPT_COUNT(rows); ++i) {
        setting set = { NULL, NULL, NULL, 0, 0, 0 };
        pair p;
        talk t;
        set.cert = rows[i].cert;
        set.trust = rows[i].trust;
        if (!pair_begin(&p, s, c, set)) {
            CHECK(s == MBED && strcmp(rows[i].cert, "weak") == 0);          /* its own profile refuses to serve it */
            pair_end(&p);
            continue;
        }
        now_s = (int64_t)rows[i].years * YEAR;
        CHECK(talk_begin(&t, &p, rows[i].host, 100, 100));
        run(&t);
        CHECK(rows[i].e == MCPT_OK ? went_well(&t) : t.c->err == rows[i].e && t.ca.io.err == rows[i].e && t.sa.got == 0 &&
              t.ca.got == 0 && t.s->err != MCPT_OK && p.client.tls->full == 0 && t.c->io.want == MCPT_CLOSED);
        if (rows[i].e == MCPT_OK ? !went_well(&t) : t.c->err != rows[i].e || t.s->err == MCPT_OK || t.ca.io.err != rows[i].e) {
            printf("%s server, %s client: %s, %s, %s: %d (%d), server %d (%d)\n", lib_name[s], lib_name[c], rows[i].cert, rows[i].trust,
                   rows[i].host, t.c->err, t.c->detail, t.s->err, t.s->detail);
        }
        talk_end(&t);
        now_s = 0;
        pair_end(&p);
    }
}

/* A server that shows a certificate whose key it does not have (init refuses such a pair: the key is changed behind it). */
static void test_foreign_key(int c)
{
    const setting set = { "server", NULL, NULL, 0, 0, 0 };
    unsigned char other[32];
    pair p;
    talk t;
    CHECK(pair_begin(&p, BEAR, c, set));
    memcpy(other, p.server.u.bear.key.ec.x, 32);
    other[31] ^= 1;
    p.server.u.bear.key.ec.x = other;
    CHECK(talk_begin(&t, &p, "device.test", 100, 100));
    run(&t);
    CHECK(t.c->err == MCPT_E_TLS && t.s->err == MCPT_E_TLS && t.ca.got == 0 && t.sa.got == 0 && p.client.tls->full == 0);
    talk_end(&t);
    pair_end(&p);
}

static void test_clock_and_random(int s, int c)
{
    pair p;
    talk t;
    const setting set = { "server", NULL, NULL, 0, 0, 0 };
    CHECK(pair_begin(&p, s, c, set));
    now_s = INT64_MIN;                /* a client cannot judge dates; a server need not */
    CHECK(talk_begin(&t, &p, "device.test", 100, 100));
    run(&t);
    CHECK(t.c->err == MCPT_E_STATE && t.ca.io.err == MCPT_E_STATE && t.w.moved[0] == 0);
    talk_end(&t);
    now_s = 0;
    CHECK(talk_begin(&t, &p, NULL, 100, 100));              /* a client without a name to check */
    run(&t);
    CHECK(t.c->err == MCPT_E_ARG && t.w.moved[0] == 0);
    talk_end(&t);
    no_random = true;
    CHECK(talk_begin(&t, &p, "device.test", 100, 100));
    run(&t);
    CHECK(t.c->err != MCPT_OK && t.s->err != MCPT_OK && t.sa.got == 0);
    talk_end(&t);
    no_random = false;
    CHECK(talk_begin(&t, &p, "device.test", 100, 100));
    run(&t);
    CHECK(went_well(&t));
    talk_end(&t);
    pair_end(&p);
}

/* RFC 5246, section 7.2.1: an end without close_notify is no end. Cut at every byte, of the handshake too. */
static void test_truncation(int s, int c)
{
    pair p;
    talk t;
    size_t k, n[2], way;
    const setting set = { "server", NULL, NULL, 0, 0, 4 };
    CHECK(pair_begin(&p, s, c, set));
    for (k = 0; k < 2; ++k) {         /* the second is resumed, and so is what comes */
        CHECK(talk_begin(&t, &p, "device.test", 40, 40));
        run(&t);
        CHECK(went_well(&t));
        n[0] = t.w.moved[0];
        n[1] = t.w.moved[1];
        talk_end(&t);
    }
    for (way = 0; way < 2; ++way) {
        for (k = 1; k < n[way]; k += 3) {
            CHECK(talk_begin(&t, &p, "device.test", 40, 40));
            t.w.limit[way] = k;
            run(&t);
            if (way == 0) {
                CHECK(t.s->err == MCPT_E_IO && t.sa.io.err == MCPT_E_IO && t.sa.io.eof && t.s->io.want == MCPT_CLOSED);
            } else if (t.c->err == MCPT_OK) {
                CHECK(t.ca.got == 40);              /* only the server's close_notify was lost: the client had closed */
            } else {
                CHECK(t.c->err == MCPT_E_IO && t.ca.io.err == MCPT_E_IO && t.c->io.want == MCPT_CLOSED);
            }
            talk_end(&t);
        }
    }
    CHECK(p.server.tls->open == 0 && p.client.tls->open == 0);
    pair_end(&p);
}

/* A changed byte, of every part of the client's side: no byte of it reaches the machine behind. */
static void test_damage(int s, int c)
{
    pair p;
    talk t;
    size_t k, n;
    const setting set = { "server", NULL, NULL, 0, 0, 0 };
    CHECK(pair_begin(&p, s, c, set));
    CHECK(talk_begin(&t, &p, "device.test", 40, 40));
    run(&t);
    n = t.w.moved[0];
    talk_end(&t);
    for (k = n; k > 0; k -= k > n - 90 ? 1 : k > 23 ? 23 : k) {
        CHECK(talk_begin(&t, &p, "device.test", 40, 40));
        t.w.damage = k;
        run(&t);
        CHECK(!t.sa.wrong && (t.s->err == MCPT_E_TLS || t.s->err == MCPT_E_IO || t.c->err == MCPT_E_TLS || t.s->err == MCPT_OK || went_well(&t)));
        CHECK(k < n - 90 || t.s->err < 0);
        talk_end(&t);
    }
    pair_end(&p);
}

/* 10,000 random bytes instead of a hello, and a plain HTTP request. */
static void test_noise(int s)
{
    static const char http[] = "POST /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const setting set = { "server", NULL, NULL, 0, 0, 0 };
    pair p;
    app a;
    int i;
    CHECK(pair_begin(&p, s, BEAR, set));
    for (i = 0; i < 60; ++i) {
        static char noise[10000];
        size_t at = 0, len = sizeof noise, n, alert = 0;
        mcpt_tls_conn *t;
        (void)mcpt_posix_random(NULL, noise, sizeof noise);
        if (i == 0) {
            len = sizeof http - 1;
            memcpy(noise, http, len);
        } else if (i % 3 == 1) {      /* as a handshake record of TLS 1.2 */
            noise[0] = 22;
            noise[1] = 3;
            noise[2] = (char)(i % 4);
            noise[3] = (char)(i % 2 ? 3 : 64);
        } else if (i % 3 == 2) {      /* as a ClientHello */
            memcpy(noise, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
        }
        app_begin(&a, 0, 1, false);
        t = mcpt_tls_open(p.server.tls, &a.io, NULL);
        while (alert < 1000) {
            unsigned want = mcpt_io_want(&t->io);
            char *to;
            const char *from = mcpt_io_tx(&t->io, &n);
            if (from != NULL) {
                alert += n;
                CHECK((uint8_t)from[0] == 21 || (uint8_t)from[0] == 22);
                mcpt_io_tx_ack(&t->io, n);
                continue;
            }
            if ((want & MCPT_CLOSED) != 0) {
                break;
            }
            to = mcpt_io_rx(&t->io, &n);
            if (to == NULL || at == len) {
                mcpt_io_eof(&t->io);
                continue;
            }
            n = n < len - at ? n : len - at;
            memcpy(to, noise + at, n);
            at += n;
            mcpt_io_rx_ack(&t->io, n);
        }
        CHECK((t->err == MCPT_E_TLS || t->err == MCPT_E_IO) && a.got == 0 && a.io.eof && a.io.err == t->err && alert < 200);
        CHECK(i != 0 || (t->err == MCPT_E_TLS && alert == 7));
        mcpt_tls_close(t);
    }
    CHECK(p.server.tls->failed == 60 && p.server.tls->full == 0 && p.server.tls->open == 0);
    pair_end(&p);
}

/* A record longer than the buffer: an alert, and nothing of it is delivered. Only BearSSL's size is set here; mbedTLS' is 16 KB. */
static void test_oversize(int s, int c)
{
    const setting set = { "server", NULL, NULL, 1024 + 325, 0, 0 };
    pair p;
    talk t;
    CHECK(pair_begin(&p, s, c, set));
    CHECK(talk_begin(&t, &p, "device.test", 900, 900));
    run(&t);
    CHECK(went_well(&t));
    talk_end(&t);
    CHECK(talk_begin(&t, &p, "device.test", 900, 900));
    t.ca.expect = 2000;               /* it will not close */
    run(&t);
    {
        const char header[5] = { 23, 3, 3, s == BEAR ? 8 : 0x60, 0 };     /* 2 KB, 24 KB */
        size_t n;
        char *to = mcpt_io_rx(&t.s->io, &n);
        CHECK(to != NULL && n == 5);
        memcpy(to, header, 5);
        mcpt_io_rx_ack(&t.s->io, 5);
    }
    run(&t);
    CHECK(t.s->err == MCPT_E_TLS && (s != BEAR || t.s->detail == BR_ERR_TOO_LARGE) &&
          t.sa.io.err == MCPT_E_TLS && t.sa.got == 900);
    CHECK(t.c->err == MCPT_E_TLS);    /* the alert arrived */
    CHECK(c != BEAR || t.c->detail == BR_ERR_RECV_FATAL_ALERT + 22);
    CHECK(c != MBED || t.c->detail == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
    talk_end(&t);
    pair_end(&p);
}

static void test_pool_and_deadlines(int s, int c)
{
    const setting set = { "server", NULL, NULL, 0, 3, 0 };
    pair p;
    talk t[3], more;
    app a;
    int i;
    CHECK(pair_begin(&p, s, c, set));
    CHECK(mcpt_tls_due(p.server.tls) == UINT32_MAX);
    for (i = 0; i < 3; ++i) {
        CHECK(talk_begin(&t[i], &p, "device.test", 40000, 40000));
        now_ms += 100;
    }
    CHECK(p.server.tls->open == 3 && mcpt_tls_open(p.server.tls, &a.io, NULL) == NULL && p.server.tls->refused == 1);
    for (i = 0; i < 3; ++i) {         /* interleaved */
        t[i].w.chunk = 50;
    }
    CHECK(mcpt_tls_due(p.server.tls) == 10000 - 300);
    run(&t[1]);
    CHECK(went_well(&t[1]));
    now_ms += 9700;                   /* the first has said nothing */
    CHECK(mcpt_tls_due(p.server.tls) == 0 && mcpt_tls_expired(p.server.tls) == t[0].s && mcpt_tls_expired(p.server.tls) == NULL);
    CHECK(mcpt_io_want(&t[0].s->io) == MCPT_CLOSED && t[0].s->err == MCPT_E_TIMEOUT && t[0].sa.io.eof);
    talk_end(&t[0]);
    talk_end(&t[1]);
    CHECK(talk_begin(&more, &p, "device.test", 100, 100));
    run(&more);
    CHECK(went_well(&more));
    talk_end(&more);
    run(&t[2]);
    CHECK(went_well(&t[2]));
    talk_end(&t[2]);
    /* the last bytes too: a peer that does not read must not keep the place */
    CHECK(talk_begin(&more, &p, "device.test", 10, 0));
    more.ca.closes = false;
    run(&more);
    CHECK(more.sa.got == 10 && mcpt_tls_due(p.server.tls) == UINT32_MAX);
    more.sa.closes = true;
    CHECK((mcpt_io_want(&more.s->io) & MCPT_CLOSED) == 0 && mcpt_tls_due(p.server.tls) == 10000);
    now_ms += 10000;
    CHECK(mcpt_tls_expired(p.server.tls) == more.s && mcpt_io_want(&more.s->io) == MCPT_CLOSED);
    talk_end(&more);
    CHECK(p.server.tls->open == 0 && p.client.tls->open == 0);
    pair_end(&p);
}

/* A machine that takes nothing holds the wire; its peer's close_notify is seen all the same when nothing is before it. */
static void test_back_pressure(int s, int c)
{
    const setting set = { "server", NULL, NULL, 0, 0, 0 };
    pair p;
    talk t;
    CHECK(pair_begin(&p, s, c, set));
    CHECK(talk_begin(&t, &p, "device.test", 100000, 10));
    t.sa.deaf = true;
    run(&t);
    CHECK(t.sa.got == 0 && t.w.moved[0] < 70000);
    t.sa.deaf = false;
    run(&t);
    CHECK(went_well(&t));
    talk_end(&t);
    CHECK(talk_begin(&t, &p, "device.test", 0, 1));         /* the client closes while the server is busy */
    t.sa.deaf = true;
    run(&t);
    CHECK(t.s->err == MCPT_E_CLOSED && t.sa.io.eof && t.sa.io.err == MCPT_OK);
    talk_end(&t);
    pair_end(&p);
}

#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
/* mbedTLS' array is full: a handshake fails alone, what is open goes on, and so does everything once there is room again. */
static void test_heap_full(int s, int c)
{
    const setting set = { "server", NULL, NULL, 0, 0, 0 };
    static void *taken[4096];
    size_t n = 0, size;
    pair p;
    talk t, open;
    CHECK(pair_begin(&p, s, c, set));
    CHECK(talk_begin(&open, &p, "device.test", 100, 100));
    open.ca.closes = false;
    run(&open);
    CHECK(open.ca.got == 100 && open.sa.got == 100);
    for (size = 4u << 20; size >= 16; size /= 2) {
        while (n < MCPT_COUNT(taken) && (taken[n] = mbedtls_calloc(1, size)) != NULL) {
            ++n;
        }
    }
    CHECK(n < MCPT_COUNT(taken) && talk_begin(&t, &p, "device.test", 100, 100));
    run(&t);
    CHECK(t.c->err < 0 && t.s->err < 0 && t.ca.got == 0 && t.sa.got == 0 && t.c->io.want == MCPT_CLOSED && t.s->io.want == MCPT_CLOSED);
    talk_end(&t);
    open.ca.total = 200;
    open.ca.closes = true;
    run(&open);
    CHECK(went_well(&open));
    talk_end(&open);
    while (n > 0) {
        mbedtls_free(taken[--n]);
    }
    CHECK(talk_begin(&t, &p, "device.test", 100, 100));
    run(&t);
    CHECK(went_well(&t));
    talk_end(&t);
    pair_end(&p);
}
#endif

static void test_init(int lib)
{
    static const struct { const char *cert, *key; mcpt_err e; } rows[] = {
        { "server", "server", MCPT_OK }, { "server", "leaf", MCPT_E_ARG }, { "server", "rsa", MCPT_E_ARG },
        { "rsa", "server", MCPT_E_ARG }, { "rsa", "rsa", MCPT_OK }, { "server", "p384", MCPT_E_ARG }, { "p384", "p384", MCPT_OK }
    };
    size_t i, k;
    end e;
    for (i = 0; i < MCPT_COUNT(rows); ++i) {
        der cert = load(rows[i].cert, "pem"), key = load(rows[i].key, "key");
        mcpt_tls_config c;
        memset(&c, 0, sizeof c);
        c.env = &env;
        c.chain = cert.p;
        c.chain_len = cert.n;
        c.key = key.p;
        c.key_len = key.n;
        CHECK(make(&e, lib, false, &c) == rows[i].e || !printf("%s %s %s\n", lib_name[lib], rows[i].cert, rows[i].key));
        unmake(&e);
        if (i == 0) {
            for (k = 0; k < cert.n; k += k < 300 ? 1 : 37) {
                c.chain_len = k;      /* cut short */
                CHECK(make(&e, lib, false, &c) == MCPT_E_ARG);
                unmake(&e);
            }
            c.chain_len = cert.n;
            for (k = 0; k < key.n; ++k) {
                c.key_len = k;
                CHECK(make(&e, lib, false, &c) == MCPT_E_ARG);
                unmake(&e);
            }
            c.key_len = key.n;
            c.env = NULL;
            CHECK(make(&e, lib, false, &c) == MCPT_E_ARG);
            unmake(&e);
            c.env = &env;
            c.trust = NULL;
            CHECK(make(&e, lib, true, &c) == MCPT_E_ARG);
            unmake(&e);
            c.trust = key.p;          /* not a certificate */
            c.trust_len = key.n;
            CHECK(make(&e, lib, true, &c) == MCPT_E_ARG);
            unmake(&e);
        }
        free(cert.p);
        free(key.p);
    }
}

/* Certificates and keys with changed bytes, read by what is ours (BearSSL's port): any answer, never a byte too far. */
static void test_changed(void)
{
    static const unsigned masks[] = { 0x01, 0x80, 0xff };
    der cert = load("leaf", "pem"), key = load("rsa.p8", "key"), self = load("selfca", "pem");
    mcpt_tls_config c;
    size_t k, m, accepted = 0;
    end e;
    memset(&c, 0, sizeof c);
    c.env = &env;
    c.in_size = 837;
    c.out_size = 597;
    c.connections = 1;
    for (k = 0; k < cert.n + key.n + self.n; ++k) {
        uint8_t *at = k < cert.n ? &cert.p[k] : k < cert.n + key.n ? &key.p[k - cert.n] : &self.p[k - cert.n - key.n];
        for (m = 0; m < MCPT_COUNT(masks); ++m) {
            *at = (uint8_t)(*at ^ masks[m]);
            c.chain = cert.p;
            c.chain_len = cert.n;
            c.key = key.p;
            c.key_len = key.n;
            accepted += make(&e, BEAR, false, &c) == MCPT_OK;              /* never: the key is that of another */
            unmake(&e);
            c.trust = k < cert.n ? cert.p : self.p;
            c.trust_len = k < cert.n ? cert.n : self.n;
            if (mcpt_tls_bearssl_size(&c, true) != 0) {
                CHECK(make(&e, BEAR, true, &c) == MCPT_OK || e.u.bear.ntrust == 0);
                unmake(&e);
            }
            *at = (uint8_t)(*at ^ masks[m]);
        }
    }
    CHECK(accepted == 0);
    free(cert.p);
    free(key.p);
    free(self.p);
}

/* A server that answers a ClientHello with noise: random bytes, and records that claim to be a ServerHello. */
static void test_noise_client(int c)
{
    const setting set = { "server", NULL, NULL, 0, 0, 0 };
    pair p;
    app a;
    int i;
    CHECK(pair_begin(&p, BEAR, c, set));
    for (i = 0; i < 60; ++i) {
        static char noise[10000];
        size_t at = 0, n, rounds = 0;
        mcpt_tls_conn *t;
        (void)mcpt_posix_random(NULL, noise, sizeof noise);
        if (i % 3 == 1) {
            memcpy(noise, "\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03", 11);
        } else if (i % 3 == 2) {
            memcpy(noise, "\x16\x03\x03\x10\x00\x0b\x00\x0f\xfc", 9);
        }
        app_begin(&a, 10, 1, true);
        t = mcpt_tls_open(p.client.tls, &a.io, "device.test");
        while ((mcpt_io_want(&t->io) & MCPT_CLOSED) == 0 && ++rounds < 100000) {
            char *to;
            if (mcpt_io_tx(&t->io, &n) != NULL) {
                mcpt_io_tx_ack(&t->io, n);
                continue;
            }
            to = mcpt_io_rx(&t->io, &n);
            n = to == NULL ? 0 : n < sizeof noise - at ? n : sizeof noise - at;
            if (n == 0) {
                mcpt_io_eof(&t->io);
                continue;
            }
            memcpy(to, noise + at, n);
            at += n;
            mcpt_io_rx_ack(&t->io, n);
        }
        CHECK((t->err == MCPT_E_TLS || t->err == MCPT_E_IO) && a.got == 0 && a.io.eof && a.io.err == t->err && rounds < 100000);
        mcpt_tls_close(t);
    }
    CHECK(p.client.tls->full == 0 && p.client.tls->open == 0);
    pair_end(&p);
}

/* RFC 7468 */
static void test_pem(void)
{
    char out[64];
    size_t n, len;
    static const char two[] = "x\n-----BEGIN A-----\nAAEC\r\nAw==\n-----END A-----\ntext\n-----BEGIN B-----\n/w==\n-----END B-----\n"
                              "-----BEGIN LONG A-----\nBA==\n-----END LONG A-----\n";
    char *text;
    CHECK(mcpt_tls_pem(two, sizeof two - 1, "A", out, sizeof out, &n) == MCPT_OK && n == 5 && memcmp(out, "\0\1\2\3\4", 5) == 0);
    CHECK(mcpt_tls_pem(two, sizeof two - 1, "B", out, sizeof out, &n) == MCPT_OK && n == 1 && (uint8_t)out[0] == 0xff);
    CHECK(mcpt_tls_pem(two, sizeof two - 1, "C", out, sizeof out, &n) == MCPT_E_ABSENT && n == 0);
    CHECK(mcpt_tls_pem(two, sizeof two - 1, "A", out, 4, &n) == MCPT_E_SPACE);
    for (len = 0; len < sizeof two - 1; ++len) {
        char *cut = (char *)malloc(len + (len == 0));
        memcpy(cut, two, len);
        CHECK(mcpt_tls_pem(cut, len, "A", out, sizeof out, &n) <= MCPT_OK && n <= 5);
        free(cut);
    }
    CHECK(mcpt_tls_pem("-----BEGIN A-----\nA!==\n-----END A-----\n", 39, "A", out, sizeof out, &n) == MCPT_E_ARG);
    CHECK(mcpt_tls_pem("-----BEGIN A-----\nAA==AA\n-----END A-----\n", 41, "A", out, sizeof out, &n) == MCPT_E_ARG);
    text = slurp("locked", "key", &len);
    CHECK(mcpt_tls_pem(text, len, "PRIVATE KEY", text, len, &n) == MCPT_E_ARG);
    free(text);
}

/* Pieces of every size, and certificates that were changed: found or not, never a byte too far. */
static void test_san(void)
{
    static const uint8_t ip[4] = { 127, 0, 0, 1 };
    static const char *const names[] = { "server", "trap", "self", "noname", "rsa" };
    size_t i, k, m;
    for (i = 0; i < MCPT_COUNT(names); ++i) {
        der cert = load(names[i], "pem");
        mcpt_tls_san whole, parts;
        mcpt_tls_san_begin(&whole, 0x87, ip, 4, (uint32_t)cert.n);
        mcpt_tls_san_feed(&whole, cert.p, cert.n);
        CHECK(mcpt_tls_san_ok(&whole) == (i == 0 || i == 2 || i == 4));
        for (k = 1; k < cert.n; ++k) {
            mcpt_tls_san_begin(&parts, 0x87, ip, 4, (uint32_t)cert.n);
            mcpt_tls_san_feed(&parts, cert.p, k);
            mcpt_tls_san_feed(&parts, cert.p + k, cert.n - k);
            CHECK(mcpt_tls_san_ok(&parts) == mcpt_tls_san_ok(&whole));
        }
        for (k = 0; k < cert.n; ++k) {
            const uint8_t saved = cert.p[k];
            for (m = 1; m < 256; m = m * 2 + 1) {
                cert.p[k] = (uint8_t)(saved ^ m);
                mcpt_tls_san_begin(&parts, 0x87, ip, 4, (uint32_t)cert.n);
                mcpt_tls_san_feed(&parts, cert.p, cert.n);
                CHECK(parts.depth < 8);
            }
            cert.p[k] = saved;
        }
        free(cert.p);
    }
}

int main(int argc, char **argv)
{
    static unsigned char heap[8 << 20];
    int s, c;
#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
    size_t used, blocks;
    CHECK(mcpt_tls_mbedtls_heap(heap, sizeof heap) == MCPT_OK);
#else
    CHECK(mcpt_tls_mbedtls_heap(heap, sizeof heap) == MCPT_E_STATE);
#endif
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    directory = argc > 1 ? argv[1] : "build/port/certs";
    test_pem();
    test_san();
    test_changed();
    for (s = 0; s < LIBS; ++s) {
        test_init(s);
        test_noise(s);
        test_noise_client(s);
        test_foreign_key(s);
        for (c = 0; c < LIBS; ++c) {
            test_oversize(s, c);
            test_exchange(s, c);
            test_resumption(s, c);
            test_certificates(s, c);
            test_clock_and_random(s, c);
            test_truncation(s, c);
            test_damage(s, c);
            test_pool_and_deadlines(s, c);
            test_back_pressure(s, c);
            test_splits(s, c);
        }
    }
#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
    mbedtls_memory_buffer_alloc_max_get(&used, &blocks);
    printf("mbedTLS heap: at most %lu bytes in %lu blocks, both ends\n", (unsigned long)used, (unsigned long)blocks);
    test_heap_full(BEAR, MBED);
    test_heap_full(MBED, BEAR);
    test_heap_full(MBED, MBED);
#endif
#if MCPT_TLS_MBEDTLS_13
    mbedtls_psa_crypto_free();
#endif
#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
    mbedtls_memory_buffer_alloc_cur_get(&used, &blocks);
    CHECK(used == 0 && blocks == 0);
#endif
    return test_end();
}
