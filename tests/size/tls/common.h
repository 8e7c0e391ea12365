/* A program that uses TLS and nothing else, for the linker to find what it needs. LIBRARY_BEARSSL or LIBRARY_MBEDTLS. */
#if LIBRARY_BEARSSL
#include "../../../port/tls_bearssl.h"
#define TLS mcpt_tls_bearssl
#define SERVER_INIT mcpt_tls_bearssl_server
#define CLIENT_INIT mcpt_tls_bearssl_client
#else
#include "../../../port/tls_mbedtls.h"
#define TLS mcpt_tls_mbedtls
#define SERVER_INIT mcpt_tls_mbedtls_server
#define CLIENT_INIT mcpt_tls_mbedtls_client
int mbedtls_hardware_poll(void *data, unsigned char *out, size_t len, size_t *got);
int mbedtls_hardware_poll(void *data, unsigned char *out, size_t len, size_t *got)
{
    (void)data;
    (void)out;
    *got = len;
    return 0;
}
#endif
uint32_t millis(void *user);
int64_t unix_time(void *user);
bool random_bytes(void *user, void *buf, size_t len);
unsigned app_run(mcpt_io *io);
int main(void);
uint32_t millis(void *user) { (void)user; return 0; }
int64_t unix_time(void *user) { (void)user; return 0; }
bool random_bytes(void *user, void *buf, size_t len) { (void)user; (void)buf; return len != 0; }
unsigned app_run(mcpt_io *io) { return io->want; }
static const mcpt_env env = { millis, unix_time, random_bytes, 0, 0, 0 };
extern const volatile uint8_t der[];
const volatile uint8_t der[1] = { 0 };

int main(void)
{
    static TLS tls;
    static uint64_t memory[1];
    static mcpt_io app;
    mcpt_tls_config c = { 0 };
    mcpt_tls_conn *t;
    size_t n;
    c.env = &env;
    c.chain = c.key = c.trust = (const void *)(uintptr_t)der;
    c.chain_len = c.key_len = c.trust_len = der[0];
    app.run = app_run;
    if ((SERVER ? SERVER_INIT(&tls, &c, memory, der[0]) : CLIENT_INIT(&tls, &c, memory, der[0])) != MCPT_OK ||
        (t = mcpt_tls_open(&tls.tls, &app, SERVER ? 0 : "a")) == NULL) {
        return 1;
    }
    while ((mcpt_io_want(&t->io) & MCPT_CLOSED) == 0) {
        mcpt_io_rx_ack(&t->io, mcpt_io_rx(&t->io, &n) != NULL ? n : 0);
        mcpt_io_tx_ack(&t->io, mcpt_io_tx(&t->io, &n) != NULL ? n : 0);
        mcpt_io_eof(mcpt_tls_expired(&tls.tls) != NULL ? &app : &t->io);
        mcpt_tls_shut(t);
    }
    mcpt_tls_close(t);
    return (int)mcpt_tls_due(&tls.tls);
}
