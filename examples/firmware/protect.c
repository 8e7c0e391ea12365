/* protect.c - see protect.h */
#include "protect.h"
#include "board.h"
#include "console.h"
#include "emulation_only.h"
#include "port/cert.h"
#include "settings.h"
#include <string.h>

enum { CONNECTIONS = FIRMWARE_TLS_CONNECTIONS, SESSIONS = 4, RECORD_IN = FIRMWARE_RX + 325, RECORD_OUT = 1024 + 85 };
enum { DAY = 86400, VALID_DAYS = 730, RENEW_DAYS = 30, BUILT = 1767225600 };    /* without a clock: valid from 2026 on */

/* -- the TLS library */
#if defined(FIRMWARE_TLS_BEARSSL)
#include "port/crypto_bearssl.h"
#include "port/tls_bearssl.h"

const mcpt_crypto protect_crypto = { .sha256 = mcpt_bearssl_sha256, .hmac_sha256 = mcpt_bearssl_hmac_sha256,
                                     .es256_sign = mcpt_bearssl_es256_sign, .es256_public = mcpt_bearssl_es256_public };

static mcpt_err library_begin(void)
{
    return MCPT_OK;
}

static mcpt_err library_key(uint8_t key[MCPT_KEY_REF], size_t *len)
{
    static mcpt_bearssl maker;
    uint8_t seed[32];
    mcpt_err e = emulation_only_random(NULL, seed, sizeof seed) ? mcpt_bearssl_init(&maker, seed, sizeof seed) : MCPT_E_RANDOM;
    e = e != MCPT_OK || mcpt_bearssl_es256_generate(&maker, key, len) ? e : MCPT_E_CRYPTO;
    mcpt_tls_wipe(seed, sizeof seed);
    mcpt_bearssl_free(&maker);
    return e;
}

static mcpt_err library_serve(const mcpt_tls_config *config, mcpt_tls **to)
{
    static mcpt_tls_bearssl tls;
    static uint64_t memory[(FIRMWARE_TLS_MEMORY + 7) / 8];
    *to = &tls.tls;
    return mcpt_tls_bearssl_server(&tls, config, memory, sizeof memory);
}

size_t protect_heap_most(void)
{
    return 0;
}

#else
#include "port/crypto_mbedtls.h"
#include "port/tls_mbedtls.h"
#include <mbedtls/memory_buffer_alloc.h>

static mcpt_mbedtls maker;
const mcpt_crypto protect_crypto = { .sha256 = mcpt_mbedtls_sha256, .hmac_sha256 = mcpt_mbedtls_hmac_sha256,
                                     .es256_sign = mcpt_mbedtls_es256_sign, .es256_public = mcpt_mbedtls_es256_public, .user = &maker };

int mbedtls_hardware_poll(void *data, unsigned char *to, size_t len, size_t *got);
int mbedtls_hardware_poll(void *data, unsigned char *to, size_t len, size_t *got)
{
    (void)data;
    *got = emulation_only_random(NULL, to, len) ? len : 0;
    return *got == len ? 0 : -1;
}

/* Every byte that mbedTLS allocates: a static array. */
static mcpt_err library_begin(void)
{
    static uint64_t heap[FIRMWARE_TLS_HEAP / 8];
    mcpt_err e = mcpt_tls_mbedtls_heap(heap, sizeof heap);
    return e == MCPT_OK ? mcpt_mbedtls_init(&maker, NULL, 0) : e;
}

static mcpt_err library_key(uint8_t key[MCPT_KEY_REF], size_t *len)
{
    return mcpt_mbedtls_es256_generate(&maker, key, len) ? MCPT_OK : MCPT_E_CRYPTO;
}

static mcpt_err library_serve(const mcpt_tls_config *config, mcpt_tls **to)
{
    static mcpt_tls_mbedtls tls;
    static uint64_t memory[(FIRMWARE_TLS_MEMORY + 7) / 8];
    *to = &tls.tls;
    return mcpt_tls_mbedtls_server(&tls, config, memory, sizeof memory);
}

size_t protect_heap_most(void)
{
    size_t used = 0, blocks = 0;
    mbedtls_memory_buffer_alloc_max_get(&used, &blocks);
    return used;
}
#endif

/* -- who may come in: clients that the device was paired with, each by a code that it shows on its console */
static void show(void *user, const char *code, mcpt_str client)
{
    char name[64];
    size_t n = client.len < sizeof name - 1 ? client.len : sizeof name - 1;
    (void)user;
    if (code != NULL) {
        memcpy(name, client.ptr, n);
        name[n] = '\0';
        console_print("\"");
        console_print(name);
        console_print("\" asks to use this device. If that is you, type this code into your browser: ");
        console_print(code);
        console_print("\n");
    }
}

static mcpt_pairing pairing;
static mcpt_pairing_config pairing_config;            /* static but for the store */
static const mcpt_pairing_scope scopes[] = {
    { "read", "read its inputs, its state and its log" },
    { "control", "switch its light, name it and restart it" }
};
const mcpt_guard protect_guard = { .verify = mcpt_pairing_verify, .user = &pairing, .pairing = &pairing, .scopes = "read" };

static char urls[128];                /* the host forwards a port of its own to the emulated board */
static const char *const host_names[] = { "board.local" };
const mcpt_identity protect_identity = { .hosts = host_names, .nhosts = MCPT_COUNT(host_names), .base_url = urls };

static char *add(char *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n + 1);
    return to + n;
}

static void name_urls(void)
{
    char port[8];
    mcpt_writer w;
    mcpt_w_init(&w, port, sizeof port - 1);
    mcpt_put_int(&w, (int64_t)(emulation_only_option("port", 443) & 0xffffu));
    port[w.len] = '\0';
    (void)add(add(add(add(add(urls, "https://localhost:"), port), " https://127.0.0.1:"), port), " https://board.local https://10.0.2.15");
}

/* -- the device's key and certificate: made at the first start, kept; the certificate renewed a month before its end */
static uint8_t key_der[128], chain[600];
static size_t key_len, chain_len;

static mcpt_err own_key(const mcpt_env *env, const mcpt_store *store, uint8_t key[MCPT_KEY_REF], size_t *len)
{
    mcpt_err e = store->read(store->user, "tls-key", key, MCPT_KEY_REF, len);
    if (e == MCPT_E_ABSENT || e == MCPT_E_DAMAGED) {
        e = library_key(key, len);
        e = e == MCPT_OK ? store->write(store->user, "tls-key", (mcpt_str){ (const char *)key, *len }) : e;
    }
    return e == MCPT_OK ? mcpt_cert_key_der(env, key, *len, key_der, sizeof key_der, &key_len) : e;
}

static mcpt_err own_certificate(const mcpt_env *env, const mcpt_store *store)
{
    static const char *const names[] = { "localhost", "board.local", "10.0.2.15", "127.0.0.1" };
    uint8_t key[MCPT_KEY_REF];
    size_t len = 0;
    int64_t until = 0, now = env->unix_time(env->user);
    const mcpt_cert_subject who = { "board.local", names, MCPT_COUNT(names), now < 0 ? BUILT : now - 3600,
                                    now < 0 ? MCPT_CERT_FOREVER : now + (int64_t)VALID_DAYS * DAY };
    mcpt_err e = own_key(env, store, key, &len);
    if (e == MCPT_OK && (store->read(store->user, "tls-chain", chain, sizeof chain, &chain_len) != MCPT_OK ||
                         mcpt_cert_until(chain, chain_len, &until) != MCPT_OK || (now >= 0 && until - now < (int64_t)RENEW_DAYS * DAY))) {
        e = mcpt_cert_self_signed(env, key, len, &who, chain, sizeof chain, &chain_len);
        e = e == MCPT_OK ? store->write(store->user, "tls-chain", (mcpt_str){ (const char *)chain, chain_len }) : e;
    }
    mcpt_tls_wipe(key, sizeof key);
    return e;
}

static void must(mcpt_err e, const char *what)
{
    if (e != MCPT_OK) {
        board_fault(what, (uint32_t)e, 0);
    }
}

mcpt_tls *protect_begin(const mcpt_env *env, const mcpt_store *store, mcpt_hub *hub)
{
    mcpt_tls_config config = { .env = env, .connections = CONNECTIONS, .sessions = SESSIONS, .in_size = RECORD_IN, .out_size = RECORD_OUT };
    mcpt_tls *tls;
    name_urls();
    pairing_config.store = store;
    pairing_config.show = show;
    pairing_config.title = "A board";
    pairing_config.scopes = scopes;
    pairing_config.nscopes = MCPT_COUNT(scopes);
    pairing_config.clients = pairing_config.grants = 4;
    must(library_begin(), "no TLS library");
    must(own_certificate(env, store), "no certificate");
    must(mcpt_pairing_init(&pairing, &pairing_config, env, hub), "no pairing");
    config.chain = chain;
    config.chain_len = chain_len;
    config.key = key_der;
    config.key_len = key_len;
    must(library_serve(&config, &tls), "no TLS");
    return tls;
}

void protect_print_certificate(void)
{
    char pem[900];                /* the stack is empty here */
    if (mcpt_cert_pem("CERTIFICATE", chain, chain_len, pem, sizeof pem) == MCPT_OK) {
        console_print(pem);
    }
}

bool protect_factory_reset(void)
{
    return mcpt_pairing_reset(&pairing) == MCPT_OK && settings_clear();
}
