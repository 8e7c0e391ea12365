/* port/crypto_bearssl.c - see crypto_bearssl.h */
#include "crypto_bearssl.h"
#include <string.h>

#ifndef MCPT_BEARSSL_P256
#if (defined(__ARM_ARCH) && __ARM_ARCH <= 6) || (defined(__ARM_ARCH_7M__) && __ARM_ARCH_7M__)
#define MCPT_BEARSSL_P256 (&br_ec_p256_m15)
#else
#define MCPT_BEARSSL_P256 (&br_ec_p256_m31)
#endif
#endif

enum { HASH = 32, P256 = 32, NONCE = 12, TAG = 16, RSA_MAX = 512 };

static void sha(br_sha256_context *c, const void *data, size_t len)
{
    if (len > 0) {
        br_sha256_update(c, data, len);
    }
}

bool mcpt_bearssl_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    br_sha256_context c;
    size_t i;
    (void)user;
    br_sha256_init(&c);
    for (i = 0; i < n; ++i) {
        sha(&c, parts[i].ptr, parts[i].len);
    }
    br_sha256_out(&c, out);
    mcpt_wipe(&c, sizeof c);
    return true;
}

bool mcpt_bearssl_hmac_sha256(void *user, const void *key, size_t key_len, const mcpt_str *parts, size_t n,
                              uint8_t out[32])
{
    br_hmac_key_context k;
    br_hmac_context c;
    size_t i;
    (void)user;
    br_hmac_key_init(&k, &br_sha256_vtable, key_len > 0 ? key : "", key_len);
    br_hmac_init(&c, &k, 0);
    for (i = 0; i < n; ++i) {
        if (parts[i].len > 0) {
            br_hmac_update(&c, parts[i].ptr, parts[i].len);
        }
    }
    br_hmac_out(&c, out);
    mcpt_wipe(&k, sizeof k);
    mcpt_wipe(&c, sizeof c);
    return true;
}

/* RSAVP1 (RFC 8017 section 5.2.2): the encoded message, as long as the modulus. */
static bool rsa_public(const mcpt_rsa *key, const void *sig, size_t sig_len, uint8_t em[RSA_MAX])
{
    uint8_t n[RSA_MAX], e[4];         /* BearSSL's key has pointers to bytes that are not const */
    br_rsa_public_key pk;
    if (!mcpt_rsa_ok(key) || sig_len != key->n_len) {
        return false;
    }
    memcpy(n, key->n, key->n_len);
    memcpy(e, key->e, key->e_len);
    memcpy(em, sig, sig_len);
    pk.n = n;
    pk.nlen = key->n_len;
    pk.e = e;
    pk.elen = key->e_len;
    return br_rsa_public_get_default()(em, sig_len, &pk) == 1;
}

/* EMSA-PKCS1-v1_5 (RFC 8017 section 9.2): there is one encoding, so it is made and compared. */
bool mcpt_bearssl_rs256_verify(void *user, const mcpt_rsa *key, const uint8_t digest[32], const void *sig, size_t sig_len)
{
    static const uint8_t info[] = { 0, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                    0x01, 0x05, 0x00, 0x04, 0x20 };
    uint8_t em[RSA_MAX];
    unsigned bad;
    size_t i, fill;
    (void)user;
    if (!rsa_public(key, sig, sig_len, em)) {
        return false;
    }
    fill = sig_len - HASH - sizeof info;
    bad = em[0] | (em[1] ^ 1u);
    for (i = 2; i < fill; ++i) {
        bad |= em[i] ^ 0xffu;
    }
    return bad == 0 && memcmp(em + fill, info, sizeof info) == 0 && memcmp(em + fill + sizeof info, digest, HASH) == 0;
}

/* EMSA-PSS-VERIFY (RFC 8017 section 9.1.2) with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes. */
bool mcpt_bearssl_ps256_verify(void *user, const mcpt_rsa *key, const uint8_t digest[32], const void *sig, size_t sig_len)
{
    uint8_t em[RSA_MAX], mask[HASH], count[4] = { 0 };
    static const uint8_t zeros[8];
    br_sha256_context c;
    size_t i, db, top = 0;
    unsigned bad = 0, first = 0x80;
    uint8_t *h;
    (void)user;
    if (!rsa_public(key, sig, sig_len, em)) {
        return false;
    }
    while ((key->n[0] & first) == 0) {
        first >>= 1;                  /* the modulus' highest bit; emBits is one less than its length */
    }
    first -= 1;                       /* what may be set in the highest byte; none: emLen is a byte less */
    if (first == 0) {
        bad = em[0];
        top = 1;
        first = 0xff;
    }
    db = sig_len - top - HASH - 1;    /* maskedDB, then H, then 0xbc */
    h = em + top + db;
    bad |= h[HASH] ^ 0xbcu;
    bad |= em[top] & ~first & 0xffu;
    for (i = 0; i < db; ++i) {
        if (i % HASH == 0) {
            count[3] = (uint8_t)(i / HASH);
            br_sha256_init(&c);
            br_sha256_update(&c, h, HASH);
            br_sha256_update(&c, count, sizeof count);
            br_sha256_out(&c, mask);
        }
        em[top + i] ^= mask[i % HASH];
    }
    em[top] = (uint8_t)(em[top] & first);
    for (i = 0; i + HASH + 1 < db; ++i) {
        bad |= em[top + i];
    }
    bad |= em[top + i] ^ 1u;
    br_sha256_init(&c);
    br_sha256_update(&c, zeros, sizeof zeros);
    br_sha256_update(&c, digest, HASH);
    br_sha256_update(&c, em + top + db - HASH, HASH);       /* salt */
    br_sha256_out(&c, mask);
    return bad == 0 && memcmp(mask, h, HASH) == 0;
}

static bool zero(const uint8_t *number)
{
    unsigned any = 0;
    size_t i;
    for (i = 0; i < P256; ++i) {
        any |= number[i];
    }
    return any == 0;
}

bool mcpt_bearssl_es256_verify(void *user, const uint8_t xy[64], const uint8_t digest[32], const uint8_t sig[64])
{
    uint8_t point[1 + 2 * P256] = { 4 };          /* uncompressed */
    br_ec_public_key pk;
    (void)user;
    memcpy(point + 1, xy, 2 * P256);
    pk.curve = BR_EC_secp256r1;
    pk.q = point;
    pk.qlen = sizeof point;
    return !zero(sig) && !zero(sig + P256) &&
           br_ecdsa_vrfy_raw_get_default()(MCPT_BEARSSL_P256, digest, HASH, &pk, sig, 2 * P256) == 1;
}

/* A private key from 1 to the order minus 1, copied into d: BearSSL does not check and has a pointer that is not const. */
static bool private_key(const void *key, size_t key_len, uint8_t d[P256], br_ec_private_key *sk)
{
    size_t n_len, i;
    const uint8_t *n = MCPT_BEARSSL_P256->order(BR_EC_secp256r1, &n_len);
    unsigned borrow = 0;
    if (key_len != P256 || n_len != P256) {
        return false;
    }
    memcpy(d, key, P256);
    for (i = P256; i-- > 0;) {
        borrow = (d[i] - n[i] - borrow) >> 8 & 1u;
    }
    sk->curve = BR_EC_secp256r1;
    sk->x = d;
    sk->xlen = P256;
    return borrow == 1 && !zero(d);
}

bool mcpt_bearssl_es256_sign(void *user, const void *key, size_t key_len, const uint8_t digest[32], uint8_t sig[64])
{
    uint8_t d[P256];
    br_ec_private_key sk;
    bool ok = private_key(key, key_len, d, &sk) &&
              br_ecdsa_sign_raw_get_default()(MCPT_BEARSSL_P256, &br_sha256_vtable, digest, &sk, sig) == 2 * P256;
    (void)user;
    mcpt_wipe(d, sizeof d);
    return ok;
}

bool mcpt_bearssl_es256_public(void *user, const void *key, size_t key_len, uint8_t xy[64])
{
    uint8_t d[P256], point[BR_EC_KBUF_PUB_MAX_SIZE];
    br_ec_private_key sk;
    bool ok = private_key(key, key_len, d, &sk) && br_ec_compute_pub(MCPT_BEARSSL_P256, NULL, point, &sk) == 1 + 2 * P256;
    (void)user;
    if (ok) {
        memcpy(xy, point + 1, 2 * P256);
    }
    mcpt_wipe(d, sizeof d);
    return ok;
}

bool mcpt_bearssl_es256_generate(void *b, uint8_t key[MCPT_KEY_REF], size_t *key_len)
{
    mcpt_bearssl *self = (mcpt_bearssl *)b;
    uint8_t d[BR_EC_KBUF_PRIV_MAX_SIZE];
    bool ok = self != NULL && self->seeded && br_ec_keygen(&self->drbg.vtable, MCPT_BEARSSL_P256, NULL, d, BR_EC_secp256r1) == P256;
    if (ok) {
        memcpy(key, d, P256);
    }
    mcpt_wipe(d, sizeof d);
    *key_len = ok ? P256 : 0;
    return ok;
}

static void poly1305(const uint8_t *key, const uint8_t *nonce, mcpt_str aad, uint8_t *data, size_t len, uint8_t tag[TAG],
                     int encrypt)
{
    br_poly1305_run fast = br_poly1305_ctmulq_get();
    (fast != 0 ? fast : br_poly1305_ctmul_run)(key, nonce, data, len, aad.ptr, aad.len, tag, br_chacha20_ct_run, encrypt);
}

static void gcm(const uint8_t *key, const uint8_t *nonce, mcpt_str aad, uint8_t *data, size_t len, uint8_t tag[TAG],
                int encrypt)
{
    br_aes_ct_ctr_keys aes;
    br_gcm_context c;
    br_aes_ct_ctr_init(&aes, key, 32);
    br_gcm_init(&c, &aes.vtable, br_ghash_ctmul);
    br_gcm_reset(&c, nonce, NONCE);
    br_gcm_aad_inject(&c, aad.ptr, aad.len);
    br_gcm_flip(&c);
    br_gcm_run(&c, encrypt, data, len);
    br_gcm_get_tag(&c, tag);
    mcpt_wipe(&aes, sizeof aes);
    mcpt_wipe(&c, sizeof c);
}

typedef void aead(const uint8_t *key, const uint8_t *nonce, mcpt_str aad, uint8_t *data, size_t len, uint8_t tag[TAG],
                  int encrypt);

static bool seal(aead *run, const uint8_t *key, const uint8_t *nonce, mcpt_str aad, const void *plain, size_t len,
                 uint8_t *out)
{
    if (len > 0) {
        memmove(out, plain, len);
    }
    run(key, nonce, aad, out, len, out + len, 1);
    return true;
}

static bool unseal(aead *run, const uint8_t *key, const uint8_t *nonce, mcpt_str aad, const void *sealed, size_t len,
                 uint8_t *out)
{
    uint8_t tag[TAG], right[TAG];
    bool ok;
    if (len < TAG) {
        return false;
    }
    memcpy(tag, (const uint8_t *)sealed + len - TAG, TAG);
    memmove(out, sealed, len - TAG);
    run(key, nonce, aad, out, len - TAG, right, 0);
    ok = mcpt_same(tag, right, TAG);
    if (!ok) {
        mcpt_wipe(out, len - TAG);
    }
    return ok;
}

bool mcpt_bearssl_chacha_seal(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *plain,
                              size_t len, uint8_t *out)
{
    (void)user;
    return seal(poly1305, key, nonce, aad, plain, len, out);
}

bool mcpt_bearssl_chacha_open(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *sealed,
                              size_t len, uint8_t *out)
{
    (void)user;
    return unseal(poly1305, key, nonce, aad, sealed, len, out);
}

bool mcpt_bearssl_gcm_seal(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *plain,
                           size_t len, uint8_t *out)
{
    (void)user;
    return seal(gcm, key, nonce, aad, plain, len, out);
}

bool mcpt_bearssl_gcm_open(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *sealed,
                           size_t len, uint8_t *out)
{
    (void)user;
    return unseal(gcm, key, nonce, aad, sealed, len, out);
}

const mcpt_crypto mcpt_bearssl_crypto = {
    .sha256 = mcpt_bearssl_sha256, .hmac_sha256 = mcpt_bearssl_hmac_sha256,
    .rs256_verify = mcpt_bearssl_rs256_verify, .ps256_verify = mcpt_bearssl_ps256_verify,
    .es256_verify = mcpt_bearssl_es256_verify, .es256_sign = mcpt_bearssl_es256_sign,
    .es256_public = mcpt_bearssl_es256_public,
    .aead_seal = mcpt_bearssl_chacha_seal, .aead_open = mcpt_bearssl_chacha_open,
};

mcpt_err mcpt_bearssl_init(mcpt_bearssl *b, const void *seed, size_t len)
{
    br_prng_seeder system;
    if (b == NULL || (seed == NULL ? len > 0 : len < 32)) {
        return MCPT_E_ARG;
    }
    b->crypto = mcpt_bearssl_crypto;
    b->crypto.es256_generate = mcpt_bearssl_es256_generate;
    b->crypto.user = b;
    br_hmac_drbg_init(&b->drbg, &br_sha256_vtable, seed != NULL ? seed : "", len);
    b->seeded = seed != NULL;
    if (seed == NULL) {
        system = br_prng_seeder_system(NULL);
        b->seeded = system != 0 && system(&b->drbg.vtable) == 1;
    }
    return b->seeded ? MCPT_OK : MCPT_E_RANDOM;
}

bool mcpt_bearssl_random(void *b, void *buf, size_t len)
{
    mcpt_bearssl *self = (mcpt_bearssl *)b;
    uint8_t *at = (uint8_t *)buf;
    if (self == NULL || !self->seeded) {
        if (len > 0) {
            memset(buf, 0, len);      /* no caller may mistake what was there for a secret */
        }
        return false;
    }
    while (len > 0) {                 /* NIST SP 800-90A: at most 2^16 bytes a request */
        size_t piece = len < 65536 ? len : 65536;
        br_hmac_drbg_generate(&self->drbg, at, piece);
        at += piece;
        len -= piece;
    }
    return true;
}

void mcpt_bearssl_free(mcpt_bearssl *b)
{
    if (b != NULL) {
        b->seeded = false;
        mcpt_wipe(&b->drbg, sizeof b->drbg);
    }
}
