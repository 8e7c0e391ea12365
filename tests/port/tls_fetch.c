/* https from a server outwards: tls_fetch bearssl|mbedtls TRUST.pem URL...   fetches each through port/posix with client_tls
 * and prints "fetch ERROR STATUS BYTES", at the end "full N resumed N open N". For tests/port/tls_peers.mjs. */
#include "../../port/posix.h"
#include "../../port/posix_resolve.h"
#include "../../port/tls_bearssl.h"
#include "../../port/tls_mbedtls.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mcpt_server server = { .name = "fetch", .version = "1", .env = &mcpt_posix_env };
static struct { mcpt_err e; unsigned dones, status; size_t n; } got;

static mcpt_err on_head(void *user, const mcpt_exchange *x, unsigned status)
{
    (void)user;
    (void)x;
    got.status = status;
    return MCPT_OK;
}

static mcpt_err on_piece(void *user, const char *text, size_t n)
{
    (void)user;
    (void)text;
    got.n += n;
    return MCPT_OK;
}

static void on_done(void *user, mcpt_err e)
{
    (void)user;
    got.e = e;
    ++got.dones;
}

int main(int argc, char **argv)
{
    static mcpt_hub hub;
    static const mcpt_hub_mem nothing;
    static mcpt_posix net;
    static mcpt_exchange exchange;
    static mcpt_exchange *const exchanges[] = { &exchange };
    static mcpt_posix_lookup lookups[1];
    static mcpt_posix_resolver names;
    static mcpt_tls_bearssl bear;
    static mcpt_tls_mbedtls mbed;
    static char rx[1024], tx[1024], trust[65536], mem[1 << 18], heap[1 << 20], memory[1 << 20];
    mcpt_posix_config c;
    mcpt_tls_config t;
    mcpt_err e;
    size_t n;
    int i;
    FILE *f = argc > 3 ? fopen(argv[2], "rb") : NULL;
    if (f == NULL) {
        return 2;
    }
    n = fread(trust, 1, sizeof trust, f);
    (void)fclose(f);
    memset(&t, 0, sizeof t);
    memset(&c, 0, sizeof c);
    (void)!mcpt_tls_mbedtls_heap(heap, sizeof heap);        /* E_STATE: this mbedTLS uses malloc */
    e = mcpt_tls_pem(trust, n, "CERTIFICATE", trust, sizeof trust, &t.trust_len);
    t.env = &mcpt_posix_env;
    t.trust = trust;
    t.connections = 1;
    t.sessions = 2;
    if (e == MCPT_OK && strcmp(argv[1], "bearssl") == 0) {
        c.client_tls = &bear.tls;
        e = mcpt_tls_bearssl_client(&bear, &t, mem, sizeof mem);
    } else if (e == MCPT_OK) {
        c.client_tls = &mbed.tls;
        e = mcpt_tls_mbedtls_client(&mbed, &t, mem, sizeof mem);
    }
    c.server = &server;
    c.hub = &hub;
    c.connections = 2;
    c.buffers = 1;
    c.exchanges = exchanges;
    c.nexchanges = 1;
    c.resolve = mcpt_posix_resolve;
    c.resolve_user = &names;
    if (e != MCPT_OK || mcpt_hub_init(&hub, &server, &nothing) != MCPT_OK ||
        mcpt_exchange_init(&exchange, &mcpt_posix_env, rx, sizeof rx, tx, sizeof tx, 3000, false) != MCPT_OK ||
        mcpt_posix_resolver_init(&names, lookups, 1) != MCPT_OK || mcpt_posix_init(&net, &c, memory, sizeof memory) != MCPT_OK) {
        return 1;
    }
    mcpt_posix_resolver_attach(&names, &net);
    for (i = 3; i < argc; ++i) {
        mcpt_fetch fetch;
        memset(&fetch, 0, sizeof fetch);
        memset(&got, 0, sizeof got);
        fetch.url = mcpt_z(argv[i]);
        fetch.trusted = true;
        fetch.head = on_head;
        fetch.piece = on_piece;
        fetch.done = on_done;
        e = mcpt_exchange_start(&exchange, &fetch);
        while (e == MCPT_OK && got.dones == 0) {
            e = mcpt_posix_poll(&net, 50) == MCPT_PENDING ? MCPT_OK : MCPT_E_IO;
        }
        (void)printf("fetch %d %u %lu\n", e != MCPT_OK ? e : got.e, got.status, (unsigned long)got.n);
    }
    mcpt_posix_resolver_destroy(&names);
    (void)printf("full %u resumed %u\n", c.client_tls->full, c.client_tls->resumed);
    mcpt_posix_destroy(&net);
    if (c.client_tls == &mbed.tls) {
        mcpt_tls_mbedtls_free(&mbed);
    }
    return 0;
}
