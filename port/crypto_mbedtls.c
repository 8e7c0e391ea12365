/* port/crypto_mbedtls.c - see crypto_mbedtls.h */
#include "crypto_mbedtls.h"
#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#if defined(MBEDTLS_RSA_C)
#include <mbedtls/rsa.h>
#endif
#if defined(MBEDTLS_ECDSA_C)
#include <mbedtls/ecdsa.h>
#endif
#if defined(MBEDTLS_CHACHAPOLY_C)
#include <mbedtls/chachapoly.h>
#endif
#if defined(MBEDTLS_GCM_C)
#include <mbedtls/gcm.h>
#endif
#include <string.h>

/* 3.0 dropped the suffix that 2.x needs for the functions that can fail, and the private half of RSA functions. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define SHA_STARTS mbedtls_sha256_starts
#define SHA_UPDATE mbedtls_sha256_update
#define SHA_FINISH mbedtls_sha256_finish
#define RSA_INIT(rsa) mbedtls_rsa_init(rsa)
#define RSA_PUBLIC
#else
#define SHA_STARTS mbedtls_sha256_starts_ret
#define SHA_UPDATE mbedtls_sha256_update_ret
#define SHA_FINISH mbedtls_sha256_finish_ret
#define RSA_INIT(rsa) mbedtls_rsa_init(rsa, MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_NONE)
#define RSA_PUBLIC NULL, NULL, MBEDTLS_RSA_PUBLIC,
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

#if defined(MBEDTLS_RSA_C)
/* Reads the key and runs the check that the padding calls for; the answer is 0 for a good signature. */
static bool rsa_verify(const mcpt_rsa *key, bool pss, const uint8_t *digest, const void *sig, size_t sig_len)
{
    mbedtls_rsa_context rsa;
    int bad;
    if (!mcpt_rsa_ok(key) || sig_len != key->n_len) {
        return false;
    }
    RSA_INIT(&rsa);
    bad = mbedtls_rsa_import_raw(&rsa, key->n, key->n_len, NULL, 0, NULL, 0, NULL, 0, key->e, key->e_len);
    if (bad == 0) {
        bad = mbedtls_rsa_complete(&rsa);
    }
#if defined(MBEDTLS_PKCS1_V15)
    if (bad == 0 && !pss) {
        bad = mbedtls_rsa_pkcs1_verify(&rsa, RSA_PUBLIC MBEDTLS_MD_SHA256, SHA_BYTES, digest, (const unsigned char *)sig);
    }
#endif
#if defined(MBEDTLS_PKCS1_V21)
    if (bad == 0 && pss) {
        mbedtls_rsa_set_padding(&rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256);
        bad = mbedtls_rsa_rsassa_pss_verify_ext(&rsa, RSA_PUBLIC MBEDTLS_MD_SHA256, SHA_BYTES, digest,
                                                MBEDTLS_MD_SHA256, SHA_BYTES, (const unsigned char *)sig);
    }
#endif
    mbedtls_rsa_free(&rsa);
    return bad == 0;
}
#endif

#if defined(MBEDTLS_RSA_C) && defined(MBEDTLS_PKCS1_V15)
bool mcpt_mbedtls_rs256_verify(void *user, const mcpt_rsa *key, const uint8_t digest[32], const void *sig, size_t sig_len)
{
    (void)user;
    return rsa_verify(key, false, digest, sig, sig_len);
}
#define RS256 mcpt_mbedtls_rs256_verify
#else
#define RS256 NULL
#endif

#if defined(MBEDTLS_RSA_C) && defined(MBEDTLS_PKCS1_V21)
bool mcpt_mbedtls_ps256_verify(void *user, const mcpt_rsa *key, const uint8_t digest[32], const void *sig, size_t sig_len)
{
    (void)user;
    return rsa_verify(key, true, digest, sig, sig_len);
}
#define PS256 mcpt_mbedtls_ps256_verify
#else
#define PS256 NULL
#endif

#if defined(MBEDTLS_ECDSA_C) && defined(MBEDTLS_ECP_DP_SECP256R1_ENABLED)
enum { P256 = 32 };                   /* bytes of a number on the curve */

typedef struct ec { mbedtls_ecp_group group; mbedtls_ecp_point point; mbedtls_mpi d, r, s; } ec;

static bool ec_init(ec *e)
{
    mbedtls_ecp_group_init(&e->group);
    mbedtls_ecp_point_init(&e->point);
    mbedtls_mpi_init(&e->d);
    mbedtls_mpi_init(&e->r);
    mbedtls_mpi_init(&e->s);
    return mbedtls_ecp_group_load(&e->group, MBEDTLS_ECP_DP_SECP256R1) == 0;
}

static void ec_free(ec *e)            /* wipes: d is a secret */
{
    mbedtls_mpi_free(&e->s);
    mbedtls_mpi_free(&e->r);
    mbedtls_mpi_free(&e->d);
    mbedtls_ecp_point_free(&e->point);
    mbedtls_ecp_group_free(&e->group);
}

bool mcpt_mbedtls_es256_verify(void *user, const uint8_t xy[64], const uint8_t digest[32], const uint8_t sig[64])
{
    uint8_t point[1 + 2 * P256] = { 4 };          /* uncompressed */
    ec e;
    bool ok;
    (void)user;
    memcpy(point + 1, xy, 2 * P256);
    ok = ec_init(&e) && mbedtls_ecp_point_read_binary(&e.group, &e.point, point, sizeof point) == 0 &&
         mbedtls_ecp_check_pubkey(&e.group, &e.point) == 0 && mbedtls_mpi_read_binary(&e.r, sig, P256) == 0 &&
         mbedtls_mpi_read_binary(&e.s, sig + P256, P256) == 0 &&
         mbedtls_ecdsa_verify(&e.group, digest, SHA_BYTES, &e.point, &e.r, &e.s) == 0;
    ec_free(&e);
    return ok;
}
#define ES256 mcpt_mbedtls_es256_verify

static bool ec_private(ec *e, const void *key, size_t key_len)
{
    return key_len == P256 && mbedtls_mpi_read_binary(&e->d, (const unsigned char *)key, P256) == 0 &&
           mbedtls_ecp_check_privkey(&e->group, &e->d) == 0;
}

static int drbg(void *m, unsigned char *buf, size_t len)
{
    return mcpt_mbedtls_random(m, buf, len) ? 0 : MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
}

bool mcpt_mbedtls_es256_sign(void *m, const void *key, size_t key_len, const uint8_t digest[32], uint8_t sig[64])
{
    ec e;
    bool ok = ec_init(&e) && ec_private(&e, key, key_len) &&
#if defined(MBEDTLS_ECDSA_DETERMINISTIC)
              mbedtls_ecdsa_sign_det_ext(&e.group, &e.r, &e.s, &e.d, digest, SHA_BYTES, MBEDTLS_MD_SHA256, drbg, m) == 0 &&
#else
              mbedtls_ecdsa_sign(&e.group, &e.r, &e.s, &e.d, digest, SHA_BYTES, drbg, m) == 0 &&
#endif
              mbedtls_mpi_write_binary(&e.r, sig, P256) == 0 && mbedtls_mpi_write_binary(&e.s, sig + P256, P256) == 0;
    ec_free(&e);
    return ok;
}

bool mcpt_mbedtls_es256_public(void *m, const void *key, size_t key_len, uint8_t xy[64])
{
    uint8_t point[1 + 2 * P256];
    size_t len = 0;
    ec e;
    bool ok = ec_init(&e) && ec_private(&e, key, key_len) &&
              mbedtls_ecp_mul(&e.group, &e.point, &e.d, &e.group.G, drbg, m) == 0 &&
              mbedtls_ecp_point_write_binary(&e.group, &e.point, MBEDTLS_ECP_PF_UNCOMPRESSED, &len, point, sizeof point) == 0 &&
              len == sizeof point;
    if (ok) {
        memcpy(xy, point + 1, 2 * P256);
    }
    ec_free(&e);
    return ok;
}

bool mcpt_mbedtls_es256_generate(void *m, uint8_t key[MCPT_KEY_REF], size_t *key_len)
{
    ec e;
    bool ok = ec_init(&e) && mbedtls_ecp_gen_privkey(&e.group, &e.d, drbg, m) == 0 &&
              mbedtls_mpi_write_binary(&e.d, key, P256) == 0;
    ec_free(&e);
    *key_len = ok ? P256 : 0;
    return ok;
}
#else
#define ES256 NULL
#endif

#if defined(MBEDTLS_CHACHAPOLY_C) || defined(MBEDTLS_GCM_C)
enum { NONCE = 12, TAG = 16 };
#endif

#if defined(MBEDTLS_CHACHAPOLY_C)
bool mcpt_mbedtls_chacha_seal(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *plain,
                              size_t len, uint8_t *out)
{
    mbedtls_chachapoly_context c;
    bool ok;
    (void)user;
    mbedtls_chachapoly_init(&c);
    ok = mbedtls_chachapoly_setkey(&c, key) == 0 &&
         mbedtls_chachapoly_encrypt_and_tag(&c, len, nonce, (const unsigned char *)aad.ptr, aad.len,
                                            (const unsigned char *)plain, out, out + len) == 0;
    mbedtls_chachapoly_free(&c);
    return ok;
}

bool mcpt_mbedtls_chacha_open(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *sealed,
                              size_t len, uint8_t *out)
{
    const unsigned char *in = (const unsigned char *)sealed;
    mbedtls_chachapoly_context c;
    bool ok;
    (void)user;
    if (len < TAG) {
        return false;
    }
    mbedtls_chachapoly_init(&c);
    ok = mbedtls_chachapoly_setkey(&c, key) == 0 &&
         mbedtls_chachapoly_auth_decrypt(&c, len - TAG, nonce, (const unsigned char *)aad.ptr, aad.len, in + len - TAG,
                                         in, out) == 0;
    mbedtls_chachapoly_free(&c);
    if (!ok) {
        mbedtls_platform_zeroize(out, len - TAG);
    }
    return ok;
}
#define SEAL mcpt_mbedtls_chacha_seal
#define OPEN mcpt_mbedtls_chacha_open
#else
#define SEAL NULL
#define OPEN NULL
#endif

#if defined(MBEDTLS_GCM_C)
bool mcpt_mbedtls_gcm_seal(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *plain,
                           size_t len, uint8_t *out)
{
    mbedtls_gcm_context c;
    bool ok;
    (void)user;
    mbedtls_gcm_init(&c);
    ok = mbedtls_gcm_setkey(&c, MBEDTLS_CIPHER_ID_AES, key, 256) == 0 &&
         mbedtls_gcm_crypt_and_tag(&c, MBEDTLS_GCM_ENCRYPT, len, nonce, NONCE, (const unsigned char *)aad.ptr, aad.len,
                                   (const unsigned char *)plain, out, TAG, out + len) == 0;
    mbedtls_gcm_free(&c);
    return ok;
}

bool mcpt_mbedtls_gcm_open(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *sealed,
                           size_t len, uint8_t *out)
{
    const unsigned char *in = (const unsigned char *)sealed;
    mbedtls_gcm_context c;
    bool ok;
    (void)user;
    if (len < TAG) {
        return false;
    }
    mbedtls_gcm_init(&c);
    ok = mbedtls_gcm_setkey(&c, MBEDTLS_CIPHER_ID_AES, key, 256) == 0 &&
         mbedtls_gcm_auth_decrypt(&c, len - TAG, nonce, NONCE, (const unsigned char *)aad.ptr, aad.len, in + len - TAG, TAG,
                                  in, out) == 0;
    mbedtls_gcm_free(&c);
    if (!ok) {
        mbedtls_platform_zeroize(out, len - TAG);
    }
    return ok;
}
#endif

const mcpt_crypto mcpt_mbedtls_crypto = {
    .sha256 = mcpt_mbedtls_sha256, .hmac_sha256 = mcpt_mbedtls_hmac_sha256,
    .rs256_verify = RS256, .ps256_verify = PS256, .es256_verify = ES256, .aead_seal = SEAL, .aead_open = OPEN,
};

mcpt_err mcpt_mbedtls_init(mcpt_mbedtls *m, const void *personal, size_t len)
{
    if (m == NULL || (personal == NULL && len > 0)) {
        return MCPT_E_ARG;
    }
    m->seeded = false;
    m->crypto = mcpt_mbedtls_crypto;
#if defined(MBEDTLS_ECDSA_C) && defined(MBEDTLS_ECP_DP_SECP256R1_ENABLED)
    m->crypto.es256_sign = mcpt_mbedtls_es256_sign;
    m->crypto.es256_public = mcpt_mbedtls_es256_public;
    m->crypto.es256_generate = mcpt_mbedtls_es256_generate;
#endif
    m->crypto.user = m;
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
