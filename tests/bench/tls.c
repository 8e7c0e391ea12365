/* tls.c: TLS handshakes in one process, for counting: bench-tls SERVER-LIBRARY CLIENT-LIBRARY CERTIFICATE full|resumed COUNT
 * with the certificates of tests/port/certs.sh in build/port/certs. All that a server does happens inside of bench_server(),
 * all that a client does inside of bench_client(). Each connection carries a request and an answer of 200 bytes. */
#include "../../port/posix_env.h"
#include "../../port/tls_bearssl.h"
#include "../../port/tls_mbedtls.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mcpt_env env = { mcpt_posix_millis, mcpt_posix_unix_time, mcpt_posix_random, NULL, NULL, NULL };
static char chain[16384], key[8192], trust[8192], mem[2][1 << 20];
static mcpt_tls_bearssl bear[2];
static mcpt_tls_mbedtls mbed[2];

typedef struct app { mcpt_io io; char rx[256], tx[200]; bool client; } app;

static unsigned run(mcpt_io *io)
{
    const app *a = (const app *)io;
    if (!a->client && io->rx_len == sizeof a->tx) {
        io->tx_len = sizeof a->tx;    /* the answer */
    }
    io->want = (uint8_t)(io->tx_at < io->tx_len ? MCPT_WANT_TX :
                         io->eof || (a->client && io->rx_len == sizeof a->tx) ? MCPT_CLOSED : MCPT_WANT_RX);
    return io->want;
}

static void begin(app *a, bool client)
{
    memset(a, 0, sizeof *a);
    a->io.run = run;
    a->io.rx = a->rx;
    a->io.rx_cap = sizeof a->rx;
    a->io.tx = a->tx;
    a->io.tx_len = client ? sizeof a->tx : 0;
    a->client = client;
}

#if defined(__GNUC__)
#define APART __attribute__((noinline))
#else
#define APART
#endif
unsigned bench_server(mcpt_io *io);
unsigned bench_client(mcpt_io *io);
APART unsigned bench_server(mcpt_io *io) { return mcpt_io_want(io); }
APART unsigned bench_client(mcpt_io *io) { unsigned want = mcpt_io_want(io); return want; }

/* As much as there is, through a buffer like that of a kernel. */
typedef struct pipe { char bytes[32768]; size_t n; } pipe;

static bool move(pipe *p, mcpt_io *from, mcpt_io *to)
{
    size_t n, room;
    const char *bytes = mcpt_io_tx(from, &n);
    char *at;
    if (bytes != NULL) {
        memcpy(p->bytes + p->n, bytes, n);
        p->n += n;
        mcpt_io_tx_ack(from, n);
    }
    at = mcpt_io_rx(to, &room);
    room = room < p->n ? room : p->n;
    if (at != NULL && room > 0) {
        memcpy(at, p->bytes, room);
        mcpt_io_rx_ack(to, room);
        p->n -= room;
        memmove(p->bytes, p->bytes + room, p->n);
    }
    return bytes != NULL || (at != NULL && room > 0);
}

static bool connection(mcpt_tls *server, mcpt_tls *client)
{
    static app sa, ca;
    static pipe up, down;
    mcpt_tls_conn *s, *c;
    bool ok, more = true;
    begin(&sa, false);
    begin(&ca, true);
    up.n = down.n = 0;
    s = mcpt_tls_open(server, &sa.io, NULL);
    c = mcpt_tls_open(client, &ca.io, "device.test");
    while (more && (c->io.want & MCPT_CLOSED) == 0) {
        (void)bench_client(&c->io);
        (void)bench_server(&s->io);
        more = move(&up, &c->io, &s->io);
        more |= move(&down, &s->io, &c->io);
    }
    (void)bench_server(&s->io);
    ok = ca.io.rx_len == sizeof ca.tx && sa.io.rx_len == sizeof sa.tx;
    mcpt_tls_close(c);
    mcpt_tls_close(s);
    return ok;
}

static size_t load(const char *name, const char *ending, const char *label, char *to, size_t cap)
{
    char path[512];
    size_t n = 0;
    FILE *f;
    (void)snprintf(path, sizeof path, "build/port/certs/%s.%s", name, ending);
    f = fopen(path, "rb");
    if (f != NULL) {
        n = fread(to, 1, cap, f);
        (void)fclose(f);
    }
    if (mcpt_tls_pem(to, n, label, to, cap, &n) != MCPT_OK) {
        (void)fprintf(stderr, "%s: no %s\n", path, label);
        exit(1);
    }
    return n;
}

int main(int argc, char **argv)
{
    mcpt_tls_config c;
    mcpt_tls *tls[2];
    mcpt_err e = MCPT_OK;
    int i, n;
    if (argc < 6) {
        return 2;
    }
    memset(&c, 0, sizeof c);
    c.env = &env;
    c.connections = 1;
    c.sessions = strcmp(argv[4], "resumed") == 0 ? 1 : 0;
    c.chain = chain;
    c.key = key;
    c.trust = trust;
    c.chain_len = load(argv[3], "pem", "CERTIFICATE", chain, sizeof chain);
    c.key_len = load(argv[3], "key", "PRIVATE KEY", key, sizeof key);
    c.trust_len = load("ca", "pem", "CERTIFICATE", trust, sizeof trust);
    for (i = 0; i < 2 && e == MCPT_OK; ++i) {
        if (strcmp(argv[1 + i], "bearssl") == 0) {
            tls[i] = &bear[i].tls;
            e = i == 0 ? mcpt_tls_bearssl_server(&bear[i], &c, mem[i], sizeof mem[i]) :
                         mcpt_tls_bearssl_client(&bear[i], &c, mem[i], sizeof mem[i]);
        } else {
            tls[i] = &mbed[i].tls;
            e = i == 0 ? mcpt_tls_mbedtls_server(&mbed[i], &c, mem[i], sizeof mem[i]) :
                         mcpt_tls_mbedtls_client(&mbed[i], &c, mem[i], sizeof mem[i]);
        }
    }
    for (n = atoi(argv[5]); n > 0 && e == MCPT_OK; --n) {
        if (!connection(tls[0], tls[1])) {
            (void)fprintf(stderr, "a connection failed\n");
            return 1;
        }
    }
    if (e != MCPT_OK) {
        (void)fprintf(stderr, "%s\n", mcpt_strerror(e));
        return 1;
    }
    (void)printf("%u %u\n", tls[0]->full, tls[0]->resumed);
    return 0;
}
