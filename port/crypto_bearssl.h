/* port/crypto_bearssl.h - cryptography and secure random from BearSSL
 *
 * Do this:
 *     static mcpt_bearssl bear;                             // one for each thread that needs random
 *     static mcpt_env env = { my_millis, my_unix_time, mcpt_bearssl_random, my_log, &bear.crypto, &bear };
 *     if (mcpt_bearssl_init(&bear, seed, sizeof seed) != MCPT_OK) { ... }
 * All but random and es256_generate needs no object and no initialisation: mcpt_bearssl_crypto alone is enough where
 * random comes from elsewhere.
 *
 * Needs: BearSSL 0.6 (Debian: libbearssl-dev). Does not: allocate, keep globals, lock. All of it runs in constant time
 * where secrets are concerned. PS256 and a strict RS256 (RFC 8017 section 8.2.2: the whole encoding is compared) stand
 * here, on top of BearSSL's public RSA operation.
 * RAM: sizeof(mcpt_bearssl): about 240 B. Stack on Cortex-M (tests/port/crypto_arm.sh): RS256 and PS256 3.8 KB, ES256 verify 2.2
 * KB (3.7 KB with m15), sign 2.6 KB (3.6 KB), sealing 0.6 KB.
 * Curve arithmetic: MCPT_BEARSSL_P256, by default &br_ec_p256_m31, and &br_ec_p256_m15 on ARMv6-M and Cortex-M3, whose
 * long multiplication is missing or takes a time that depends on the numbers.
 * Tested with: BearSSL 0.6 (Debian 12) on x86-64 and, from its source, as Cortex-M4 and Cortex-M0+ code in QEMU; the same
 * vectors as port/crypto_mbedtls.
 */
#ifndef MCPT_PORT_CRYPTO_BEARSSL_H
#define MCPT_PORT_CRYPTO_BEARSSL_H
#include "mcptools.h"
#include <bearssl.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_bearssl {         /* private; do not copy or move after init */
    br_hmac_drbg_context drbg;
    bool seeded;
    mcpt_crypto crypto;               /* yours to read: all of it, for mcpt_env.crypto; filled by init */
} mcpt_bearssl;

/* Seeds the generator (HMAC_DRBG with SHA-256). seed: at least 32 bytes from a true random source that were never
 * used before (borrowed for the call); NULL with len 0: BearSSL's own seeder for this system, if it has one (RDRAND,
 * /dev/urandom; none on a microcontroller). Add what differs between devices, such as a serial number, to the seed, not
 * instead of it. OK; E_RANDOM: no seeder, or it failed (the object then refuses every request); E_ARG: b is NULL, or a
 * seed of fewer than 32 bytes. */
MCPT_NODISCARD mcpt_err mcpt_bearssl_init(mcpt_bearssl *b, const void *seed, size_t len);
/* For mcpt_env.random, with the mcpt_bearssl object as mcpt_env.user. Any len. False: not seeded; buf is then zero.
 * One thread at a time for one object. */
bool mcpt_bearssl_random(void *b, void *buf, size_t len);
/* Wipes the generator's state. Afterwards random answers false until init. NULL is allowed. */
void mcpt_bearssl_free(mcpt_bearssl *b);

/* The members of mcpt_crypto, which says what they do; user is not used. Parts may be empty. May run in several
 * threads. A private key is its 32-byte scalar; signatures are those of RFC 6979. */
bool mcpt_bearssl_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32]);
bool mcpt_bearssl_hmac_sha256(void *user, const void *key, size_t key_len, const mcpt_str *parts, size_t n,
                              uint8_t out[32]);
bool mcpt_bearssl_rs256_verify(void *user, const mcpt_rsa *key, const uint8_t digest[32], const void *sig, size_t sig_len);
bool mcpt_bearssl_ps256_verify(void *user, const mcpt_rsa *key, const uint8_t digest[32], const void *sig, size_t sig_len);
bool mcpt_bearssl_es256_verify(void *user, const uint8_t xy[64], const uint8_t digest[32], const uint8_t sig[64]);
bool mcpt_bearssl_es256_sign(void *user, const void *key, size_t key_len, const uint8_t digest[32], uint8_t sig[64]);
bool mcpt_bearssl_es256_public(void *user, const void *key, size_t key_len, uint8_t xy[64]);
bool mcpt_bearssl_chacha_seal(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *plain,
                              size_t len, uint8_t *out);
bool mcpt_bearssl_chacha_open(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *sealed,
                              size_t len, uint8_t *out);
/* The same with AES-256-GCM (NIST SP 800-38D); records sealed with one cannot be opened with the other. */
bool mcpt_bearssl_gcm_seal(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *plain,
                           size_t len, uint8_t *out);
bool mcpt_bearssl_gcm_open(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *sealed,
                           size_t len, uint8_t *out);
/* Needs random: b is a seeded mcpt_bearssl object. */
bool mcpt_bearssl_es256_generate(void *b, uint8_t key[MCPT_KEY_REF], size_t *key_len);
/* All but es256_generate, which is NULL; const, for mcpt_env.crypto. */
extern const mcpt_crypto mcpt_bearssl_crypto;

#ifdef __cplusplus
}
#endif
#endif
