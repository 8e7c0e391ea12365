/* The conformance fixtures over https, for the peers of tests/port/tls_peers.mjs and the conformance suite:
 *   tls-server --port N       with what these say:
 *   TLS_LIBRARY=bearssl       or mbedtls
 *   TLS_CERTS=DIRECTORY       of certs.sh; TLS_CERT=NAME (server)
 *   TLS_POOL=N                connections at once (64); TLS_IN=BYTES record buffer of BearSSL; TLS_TIMEOUT=MS
 * SIGTERM ends it; then it prints "full N resumed N failed N refused N". */
#define _GNU_SOURCE
#include "../conformance/fixtures.c"
#include "../conformance/host.h"
#include "port/posix.h"
#include "port/tls_bearssl.h"
#include "port/tls_mbedtls.h"

static uint8_t memory[32u << 20], tls_memory[8u << 20], heap[8u << 20];

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL ? value : otherwise;
}

static size_t load(const char *name, const char *ending, const char *label, char *to, size_t cap)
{
    char path[512];
    size_t n = 0;
    FILE *f;
    (void)snprintf(path, sizeof path, "%s/%s.%s", setting("TLS_CERTS", "build/port/certs"), name, ending);
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
    static mcpt_posix net;
    static mcpt_tls_bearssl bear;
    static mcpt_tls_mbedtls mbed;
    static char chain[16384], key[8192];
    const char *cert = setting("TLS_CERT", "server");
    const bool bearssl = strcmp(setting("TLS_LIBRARY", "bearssl"), "bearssl") == 0;
    mcpt_posix_config config = {
        .server = &host_server, .hub = &host_hub, .connections = 256, .buffers = 64,
        .rx_size = 65536, .tx_size = 65536, .ntok = TOKENS
    };
    mcpt_tls_config tls = { .env = &host_env, .sessions = 64, .chain = chain, .key = key };
    long port = host_port(argc, argv);
    mcpt_err e;
    if (port < 0 || !host_init()) {
        return 2;
    }
    (void)!mcpt_tls_mbedtls_heap(heap, sizeof heap);        /* E_STATE: this mbedTLS uses malloc */
    tls.chain_len = load(cert, "pem", "CERTIFICATE", chain, sizeof chain);
    tls.key_len = load(cert, "key", "PRIVATE KEY", key, sizeof key);
    tls.connections = (uint32_t)strtoul(setting("TLS_POOL", "64"), NULL, 10);
    tls.in_size = (uint32_t)strtoul(setting("TLS_IN", "0"), NULL, 10);
    tls.timeout_ms = (uint32_t)strtoul(setting("TLS_TIMEOUT", "0"), NULL, 10);
    e = bearssl ? mcpt_tls_bearssl_server(&bear, &tls, tls_memory, sizeof tls_memory) :
                  mcpt_tls_mbedtls_server(&mbed, &tls, tls_memory, sizeof tls_memory);
    config.tls = bearssl ? &bear.tls : &mbed.tls;
    config.port = (uint16_t)port;
    if (e != MCPT_OK || mcpt_posix_init(&net, &config, memory, sizeof memory) != MCPT_OK) {
        (void)fprintf(stderr, "tls: %s, port %ld\n", mcpt_strerror(e), port);
        return 1;
    }
    (void)mcpt_posix_stop_on_signals(&net);
    (void)printf("https://localhost:%u/mcp\n", (unsigned)mcpt_posix_port(&net));
    (void)fflush(stdout);
    e = mcpt_posix_run(&net);
    mcpt_posix_destroy(&net);
    (void)printf("full %u resumed %u failed %u refused %u open %u\n", config.tls->full, config.tls->resumed, config.tls->failed,
                 config.tls->refused, config.tls->open);
    if (!bearssl) {
        mcpt_tls_mbedtls_free(&mbed);
    }
    return e == MCPT_OK ? 0 : 1;
}
