/* port/crypto_mbedtls.h - cryptography and secure random from mbedTLS
 *
 * Do this:
 *     static mcpt_mbedtls tls;                              // one for each thread that needs random or signs
 *     static mcpt_env env = { my_millis, my_unix_time, mcpt_mbedtls_random, my_log, &tls.crypto, &tls };
 *     if (mcpt_mbedtls_init(&tls, NULL, 0) != MCPT_OK) { ... }
 * What needs no random (hashes, verification, sealing) needs no object and no initialisation either:
 * mcpt_mbedtls_crypto alone is enough where random comes from elsewhere and nothing is signed.
 *
 * Needs: libmbedcrypto of mbedTLS 2.28 or 3.x with SHA256, CTR_DRBG (AES) and ENTROPY. What else it was built with
 * decides what mcpt_mbedtls_crypto offers: RSA_C with PKCS1_V15 (RS256) and PKCS1_V21 (PS256), ECDSA_C with
 * ECP_DP_SECP256R1 (ES256; ECDSA_DETERMINISTIC makes signatures those of RFC 6979), CHACHAPOLY_C (sealing), GCM_C. On a
 * microcontroller without an operating system give mbedTLS an entropy source (MBEDTLS_ENTROPY_HARDWARE_ALT); without
 * any, init fails.
 * Does not: keep globals, lock, or allocate by itself. mbedTLS allocates the numbers of RSA and ECDSA while a signature
 * is made or verified (and the AES key of GCM) and frees all before the call returns. Without an allocator give it an
 * array: MBEDTLS_PLATFORM_C, MBEDTLS_PLATFORM_MEMORY, MBEDTLS_MEMORY_BUFFER_ALLOC_C in its configuration, and once at
 * the start   static unsigned char arena[6144]; mbedtls_memory_buffer_alloc_init(arena, sizeof arena);
 * Bytes in use at most, 3.6 on 32 bit (tests/port/crypto_versions.sh, whose configuration stands beside it): RS256 with
 * 2048 bits 5,276, with 4096 bits 10,396, ES256 verify 1,676, sign 1,396. An array that is too small makes the calls
 * answer false; nothing else happens.
 * RAM: sizeof(mcpt_mbedtls): 1.3 KB with mbedTLS 3.6 on 64 bit, 38 KB with Debian's 2.28, which is built with
 * MBEDTLS_HAVEGE_C. The hashes need no object and about 500 B of stack.
 * Tested with: mbedTLS 2.28.3 (Debian 12) and 3.6.6 (Debian 13), the same vectors as port/crypto_bearssl.
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
    mcpt_crypto crypto;               /* yours to read: all of it, for mcpt_env.crypto; filled by init */
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

/* The members of mcpt_crypto, which says what they do; user is not used. Parts may be empty. May run in several
 * threads. HMAC keys may have any length (longer than 64 bytes they are hashed first, RFC 2104). */
bool mcpt_mbedtls_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32]);
bool mcpt_mbedtls_hmac_sha256(void *user, const void *key, size_t key_len, const mcpt_str *parts, size_t n,
                              uint8_t out[32]);
bool mcpt_mbedtls_rs256_verify(void *user, const mcpt_rsa *key, const uint8_t digest[32], const void *sig, size_t sig_len);
bool mcpt_mbedtls_ps256_verify(void *user, const mcpt_rsa *key, const uint8_t digest[32], const void *sig, size_t sig_len);
bool mcpt_mbedtls_es256_verify(void *user, const uint8_t xy[64], const uint8_t digest[32], const uint8_t sig[64]);
bool mcpt_mbedtls_chacha_seal(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *plain,
                              size_t len, uint8_t *out);
bool mcpt_mbedtls_chacha_open(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *sealed,
                              size_t len, uint8_t *out);
/* The same with AES-256-GCM (NIST SP 800-38D), for devices with an AES engine; records sealed with one cannot be
 * opened with the other. Software AES of mbedTLS uses tables: its time depends on the key. */
bool mcpt_mbedtls_gcm_seal(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *plain,
                           size_t len, uint8_t *out);
bool mcpt_mbedtls_gcm_open(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *sealed,
                           size_t len, uint8_t *out);
/* These need random (against side channels, and for the key): m is a seeded mcpt_mbedtls object, one thread at a
 * time. A key is its 32-byte scalar. */
bool mcpt_mbedtls_es256_sign(void *m, const void *key, size_t key_len, const uint8_t digest[32], uint8_t sig[64]);
bool mcpt_mbedtls_es256_public(void *m, const void *key, size_t key_len, uint8_t xy[64]);
bool mcpt_mbedtls_es256_generate(void *m, uint8_t key[MCPT_KEY_REF], size_t *key_len);
/* All that needs no random, const, for mcpt_env.crypto; es256_sign, _public and _generate are NULL. */
extern const mcpt_crypto mcpt_mbedtls_crypto;

#ifdef __cplusplus
}
#endif
#endif
