/* port/crypto_mbedtls.c - see crypto_mbedtls.h */
#include "crypto_mbedtls.h"
#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <string.h>

/* 3.0 dropped the suffix that 2.x needs for the functions that can fail. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define SHA_STARTS mbedtls_sha256_starts
#define SHA_UPDATE mbedtls_sha256_update
#define SHA_FINISH mbedtls_sha256_finish
#else
#define SHA_STARTS mbedtls_sha256_starts_ret
#define SHA_UPDATE mbedtls_sha256_update_ret
#define SHA_FINISH mbedtls_sha256_finish_ret
#endif

enum { SHA_BLOCK = 64, SHA_BYTES = 32 };

/* Hash of an optional block followed by the parts. */
static bool hash(const uint8_t *block, const mcpt_str *parts, size_t n, uint8_t out[SHA_BYTES])
{
    mbedtls_sha256_context sha;
    int failed;
    size_t i;
    mbedtls_sha256_init(&sha);
    failed = SHA_STARTS(&sha, 0);
    if (failed == 0 && block != NULL) {
        failed = SHA_UPDATE(&sha, block, SHA_BLOCK);
    }
    for (i = 0; failed == 0 && i < n; ++i) {
        if (parts[i].len > 0) {
            failed = SHA_UPDATE(&sha, (const unsigned char *)parts[i].ptr, parts[i].len);
        }
    }
    if (failed == 0) {
        failed = SHA_FINISH(&sha, out);
    }
    mbedtls_sha256_free(&sha);        /* wipes: the state of an HMAC is a secret */
    return failed == 0;
}

bool mcpt_mbedtls_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    (void)user;
    return hash(NULL, parts, n, out);
}

/* RFC 2104 on top of the hash, because mbedtls_md_setup() allocates. */
bool mcpt_mbedtls_hmac_sha256(void *user, const void *key, size_t key_len, const mcpt_str *parts, size_t n,
                              uint8_t out[32])
{
    uint8_t pad[SHA_BLOCK];
    uint8_t inner[SHA_BYTES];
    mcpt_str part;
    size_t i;
    bool ok = true;
    (void)user;
    memset(pad, 0, sizeof pad);
    if (key_len > SHA_BLOCK) {
        part.ptr = (const char *)key;
        part.len = key_len;
        ok = hash(NULL, &part, 1, pad);
    } else if (key_len > 0) {
        memcpy(pad, key, key_len);
    }
    for (i = 0; i < SHA_BLOCK; ++i) {
        pad[i] ^= 0x36u;
    }
    ok = ok && hash(pad, parts, n, inner);
    for (i = 0; i < SHA_BLOCK; ++i) {
        pad[i] ^= 0x36u ^ 0x5cu;
    }
    part.ptr = (const char *)inner;
    part.len = sizeof inner;
    ok = ok && hash(pad, &part, 1, out);
    mbedtls_platform_zeroize(pad, sizeof pad);
    mbedtls_platform_zeroize(inner, sizeof inner);
    return ok;
}

const mcpt_crypto mcpt_mbedtls_crypto = { .sha256 = mcpt_mbedtls_sha256, .hmac_sha256 = mcpt_mbedtls_hmac_sha256 };

mcpt_err mcpt_mbedtls_init(mcpt_mbedtls *m, const void *personal, size_t len)
{
    if (m == NULL || (personal == NULL && len > 0)) {
        return MCPT_E_ARG;
    }
    m->seeded = false;
    mbedtls_entropy_init(&m->entropy);
    mbedtls_ctr_drbg_init(&m->drbg);
    if (mbedtls_ctr_drbg_seed(&m->drbg, mbedtls_entropy_func, &m->entropy, personal, len) != 0) {
        mcpt_mbedtls_free(m);
        return MCPT_E_RANDOM;
    }
    m->seeded = true;
    return MCPT_OK;
}

bool mcpt_mbedtls_random(void *m, void *buf, size_t len)
{
    mcpt_mbedtls *self = (mcpt_mbedtls *)m;
    unsigned char *at = (unsigned char *)buf;
    size_t left = len;
    bool ok = self != NULL && self->seeded;
    while (ok && left > 0) {          /* one request has an upper limit */
        size_t piece = left < MBEDTLS_CTR_DRBG_MAX_REQUEST ? left : MBEDTLS_CTR_DRBG_MAX_REQUEST;
        ok = mbedtls_ctr_drbg_random(&self->drbg, at, piece) == 0;
        at += piece;
        left -= piece;
    }
    if (!ok && len > 0) {
        memset(buf, 0, len);          /* no caller may mistake a piece of it for a secret */
    }
    return ok;
}

void mcpt_mbedtls_free(mcpt_mbedtls *m)
{
    if (m != NULL) {
        m->seeded = false;
        mbedtls_ctr_drbg_free(&m->drbg);
        mbedtls_entropy_free(&m->entropy);
    }
}
