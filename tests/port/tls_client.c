/* A TLS client of this library for the servers of tests/port/tls_peers.mjs:
 *   tls-client bearssl|mbedtls PORT HOST TRUST.pem [TIMES]
 * connects to 127.0.0.1, TIMES times, sends a request and reads until the end. Prints what came last, and
 * "err N detail N bytes N full N resumed N". */
#include "port/posix_env.h"
#include "port/tls_bearssl.h"
#include "port/tls_mbedtls.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const mcpt_env env = { mcpt_posix_millis, mcpt_posix_unix_time, mcpt_posix_random, NULL, NULL, NULL };
static char request[] = "GET / HTTP/1.0\r\n\r\n", answer[65536];

typedef struct app { mcpt_io io; } app;

/* Sends the request, collects what comes, closes at its end. */
static unsigned run(mcpt_io *io)
{
    io->want = (uint8_t)(io->tx_at < io->tx_len ? MCPT_WANT_TX : io->eof ? MCPT_CLOSED : MCPT_WANT_RX);
    return io->want;
}

static void begin(app *a)
{
    memset(a, 0, sizeof *a);
    a->io.run = run;
    a->io.rx = answer;
    a->io.rx_cap = sizeof answer;
    a->io.tx = request;
    a->io.tx_len = sizeof request - 1;
}

static void pump(int fd, mcpt_io *io)
{
    while ((mcpt_io_want(io) & MCPT_CLOSED) == 0) {
        size_t n;
        const char *from = mcpt_io_tx(io, &n);
        char *to;
        ssize_t moved;
        if (from != NULL) {
            moved = send(fd, from, n, MSG_NOSIGNAL);
            if (moved < 0) {
                mcpt_io_eof(io);
                moved = (ssize_t)n;
            }
            mcpt_io_tx_ack(io, (size_t)moved);
            continue;
        }
        to = mcpt_io_rx(io, &n);
        moved = to != NULL ? recv(fd, to, n, 0) : 0;
        if (moved > 0) {
            mcpt_io_rx_ack(io, (size_t)moved);
        } else {
            mcpt_io_eof(io);
        }
    }
}

int main(int argc, char **argv)
{
    static mcpt_tls_bearssl bear;
    static mcpt_tls_mbedtls mbed;
    static char trust[1 << 20];
    static char mem[1 << 18], heap[1 << 20];
    mcpt_tls_config c;
    mcpt_tls *tls;
    mcpt_err e;
    int times, i;
    FILE *f;
    size_t n;
    if (argc < 5 || (f = fopen(argv[4], "rb")) == NULL) {
        return 2;
    }
    (void)!mcpt_tls_mbedtls_heap(heap, sizeof heap);        /* E_STATE: this mbedTLS uses malloc */
    n = fread(trust, 1, sizeof trust, f);
    (void)fclose(f);
    memset(&c, 0, sizeof c);
    if (mcpt_tls_pem(trust, n, "CERTIFICATE", trust, sizeof trust, &c.trust_len) != MCPT_OK) {
        return 2;
    }
    c.env = &env;
    c.trust = trust;
    c.connections = 1;
    c.sessions = 2;
    if (strcmp(argv[1], "bearssl") == 0) {
        tls = &bear.tls;
        e = mcpt_tls_bearssl_client(&bear, &c, mem, sizeof mem);
    } else {
        tls = &mbed.tls;
        e = mcpt_tls_mbedtls_client(&mbed, &c, mem, sizeof mem);
    }
    if (e != MCPT_OK) {
        (void)printf("init %d\n", e);
        return 1;
    }
    times = argc > 5 ? atoi(argv[5]) : 1;
    for (i = 0; i < times; ++i) {
        struct sockaddr_in a;
        mcpt_tls_conn *t;
        app machine;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        memset(&a, 0, sizeof a);
        a.sin_family = AF_INET;
        a.sin_port = htons((uint16_t)atoi(argv[2]));
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
            perror("connect");
            return 1;
        }
        begin(&machine);
        t = mcpt_tls_open(tls, &machine.io, argv[3]);
        pump(fd, &t->io);
        (void)printf("%.*s\nerr %d detail %d bytes %u full %u resumed %u\n", machine.io.rx_len < 200 ? (int)machine.io.rx_len : 200, answer,
                     t->err, t->detail, machine.io.rx_len, tls->full, tls->resumed);
        mcpt_tls_close(t);
        (void)close(fd);
    }
    if (tls == &mbed.tls) {
        mcpt_tls_mbedtls_free(&mbed);
    }
    return 0;
}
