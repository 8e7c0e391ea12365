/* port/crypto_mbedtls.h - SHA-256, HMAC-SHA256 and secure random from mbedTLS
 *
 * Do this:
 *     static mcpt_mbedtls tls;                              // one for each thread that needs random
 *     if (mcpt_mbedtls_init(&tls, NULL, 0) != MCPT_OK) { ... }
 *     static const mcpt_env env = {
 *         my_millis, my_unix_time, mcpt_mbedtls_random, my_log, &mcpt_mbedtls_crypto, &tls
 *     };
 * The hashes need no object and no initialisation: mcpt_mbedtls_crypto alone is enough where random comes
 * from elsewhere (mcpt_posix_random, a hardware generator).
 *
 * Needs: libmbedcrypto of mbedTLS 2.28 or 3.x with SHA256, CTR_DRBG (AES) and ENTROPY. On a microcontroller
 * without an operating system give mbedTLS an entropy source (MBEDTLS_ENTROPY_HARDWARE_ALT); without any,
 * init fails.
 * Does not: allocate, keep globals, lock. mbedtls_md is not used: it would allocate.
 * RAM: sizeof(mcpt_mbedtls): 1.2 KB with mbedTLS 3.6 on 64 bit, 38 KB with Debian's 2.28, which is built with
 * MBEDTLS_HAVEGE_C. The hashes need no object and about 500 B of stack.
 * Tested with: mbedTLS 2.28.3 (Debian 12); compiled against 3.6.6. Vectors of RFC 6234 and RFC 4231.
 */
#ifndef MCPT_PORT_CRYPTO_MBEDTLS_H
#define MCPT_PORT_CRYPTO_MBEDTLS_H
#include "mcptools.h"
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_mbedtls {         /* private; do not copy or move after init */
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context drbg;
    bool seeded;
} mcpt_mbedtls;

/* Seeds the generator from mbedTLS' entropy sources. personal (borrowed for the call, may be NULL with len 0)
 * are bytes that differ from device to device, such as a serial number; at most
 * MBEDTLS_CTR_DRBG_MAX_SEED_INPUT minus the entropy length (336 with the default settings). Takes as long as
 * the sources take. OK; E_RANDOM: no entropy, or personal too long (the object then refuses every request);
 * E_ARG: m is NULL or personal is NULL with a length. */
MCPT_NODISCARD mcpt_err mcpt_mbedtls_init(mcpt_mbedtls *m, const void *personal, size_t len);
/* For mcpt_env.random, with the mcpt_mbedtls object as mcpt_env.user. Any len. False: not seeded, or the
 * sources failed; buf is then zero. One thread at a time for one object. */
bool mcpt_mbedtls_random(void *m, void *buf, size_t len);
/* Wipes the generator's state. Afterwards random answers false until init. NULL is allowed. */
void mcpt_mbedtls_free(mcpt_mbedtls *m);

/* For mcpt_crypto; user is not used. Parts may be empty. False: the hash failed (hardware); out is then
 * undefined. Keys of any length (longer than 64 bytes they are hashed first, RFC 2104). May run in several
 * threads. */
bool mcpt_mbedtls_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32]);
bool mcpt_mbedtls_hmac_sha256(void *user, const void *key, size_t key_len, const mcpt_str *parts, size_t n,
                              uint8_t out[32]);
/* Both together, const, for mcpt_env.crypto. */
extern const mcpt_crypto mcpt_mbedtls_crypto;

#ifdef __cplusplus
}
#endif
#endif
