/* What every cryptography port must do: call crypto_check(). Vectors of RFC 6234 section 8.5, RFC 4231, RFC 7515, RFC 6979,
 * RFC 8439, NIST GCM, and signatures that must be refused (tests/vectors/crypto.py). */
#ifndef CRYPTO_H
#define CRYPTO_H
#include "../vectors/crypto.h"
#include "test.h"
#include <string.h>

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static size_t unhex(const char *hex, uint8_t *out, size_t cap)
{
    size_t n = strlen(hex) / 2, i;
    CHECK(n <= cap);
    for (i = 0; i < n && i < cap; ++i) {
        out[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    }
    return n;
}

static bool is_hex(const uint8_t *bytes, size_t n, const char *hex)
{
    size_t i;
    for (i = 0; i < n && strlen(hex) == 2 * n; ++i) {
        if (bytes[i] != (nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]))) {
            return false;
        }
    }
    return strlen(hex) == 2 * n;
}

static mcpt_str str(const void *text, size_t len)
{
    mcpt_str s;
    s.ptr = (const char *)text;
    s.len = len;
    return s;
}

static void row_check(bool ok, const char *what, const char *name)
{
    if (!ok) {
        printf("%s, %s:\n", what, name);
    }
    CHECK(ok);
}

static void check_sha(const mcpt_crypto *c)
{
    static const struct { const char *text; size_t repeat; const char *hex; } rows[] = {
        { "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 20000,
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
        { "0123456701234567012345670123456701234567012345670123456701234567", 10,
          "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5" },
    };
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    const size_t n = sizeof text - 1;
    static mcpt_str parts[20000];
    uint8_t out[32], whole[32];
    size_t i, k, wrong = 0;
    for (i = 0; i < MCPT_COUNT(rows); ++i) {
        for (k = 0; k < rows[i].repeat; ++k) {
            parts[k] = str(rows[i].text, strlen(rows[i].text));
        }
        CHECK(c->sha256(c->user, parts, rows[i].repeat, out));
        CHECK(is_hex(out, 32, rows[i].hex));
    }
    CHECK(c->sha256(c->user, NULL, 0, out));
    CHECK(is_hex(out, 32, rows[0].hex));
    parts[0] = str(text, n);          /* every way to cut a message into three parts, empty ones included */
    CHECK(c->sha256(c->user, parts, 1, whole));
    for (i = 0; i <= n; ++i) {
        for (k = i; k <= n; ++k) {
            parts[0] = str(i > 0 ? text : NULL, i);
            parts[1] = str(text + i, k - i);
            parts[2] = str(text + k, n - k);
            wrong += !c->sha256(c->user, parts, 3, out) || memcmp(whole, out, 32) != 0;
        }
    }
    CHECK(wrong == 0);
}

static bool hmac_is(const mcpt_crypto *c, const char *key, size_t key_len, const char *data, size_t len, const char *hex)
{
    mcpt_str parts[2];
    uint8_t one[32], two[32];
    parts[0] = str(data, len);
    if (!c->hmac_sha256(c->user, key, key_len, parts, 1, one)) {
        return false;
    }
    parts[0] = str(data, len / 2);
    parts[1] = str(data + len / 2, len - len / 2);
    return c->hmac_sha256(c->user, key, key_len, parts, 2, two) && memcmp(one, two, 32) == 0 && is_hex(one, 32, hex);
}

static void check_hmac(const mcpt_crypto *c)
{
    static const char long_key[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    static const char long_data[] =
        "This is a test using a larger than block-size key and a larger than block-size data. "
        "The key needs to be hashed before being used by the HMAC algorithm.";
    char key[131], data[50];
    size_t i;
    memset(key, 0x0b, 20);
    CHECK(hmac_is(c, key, 20, "Hi There", 8, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
    CHECK(hmac_is(c, "Jefe", 4, "what do ya want for nothing?", 28,
                  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    CHECK(hmac_is(c, key, 20, data, 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"));
    CHECK(hmac_is(c, key, 131, long_key, 54, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
    CHECK(hmac_is(c, key, 131, long_data, sizeof long_data - 1,
                  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"));
    for (i = 0; i < 25; ++i) {
        key[i] = (char)(i + 1);
    }
    memset(data, (char)0xcd, sizeof data);
    CHECK(hmac_is(c, key, 25, data, 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"));
    CHECK(hmac_is(c, NULL, 0, "", 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
}

static void check_rsa(const mcpt_crypto *c)
{
    uint8_t n[520], e[8], hash[32], sig[520];
    size_t i;
    for (i = 0; i < MCPT_COUNT(rsa_rows); ++i) {
        const struct rsa_row *r = &rsa_rows[i];
        bool pss = strcmp(r->alg, "PS256") == 0;
        mcpt_rsa key;
        size_t sig_len = unhex(r->sig, sig, sizeof sig);
        key.n = n;
        key.n_len = unhex(r->n, n, sizeof n);
        key.e = e;
        key.e_len = unhex(r->e, e, sizeof e);
        CHECK(unhex(r->hash, hash, sizeof hash) == 32);
        if (pss ? c->ps256_verify != NULL : c->rs256_verify != NULL) {
            row_check((pss ? c->ps256_verify : c->rs256_verify)(c->user, &key, hash, sig, sig_len) == r->ok, r->alg, r->name);
        }
    }
}

static void check_es256(const mcpt_crypto *c)
{
    uint8_t xy[64], hash[32], sig[64];
    size_t i, bit, wrong = 0;
    for (i = 0; i < MCPT_COUNT(ec_rows); ++i) {
        const struct ec_row *r = &ec_rows[i];
        CHECK(unhex(r->xy, xy, 64) == 64 && unhex(r->hash, hash, 32) == 32 && unhex(r->sig, sig, 64) == 64);
        row_check(c->es256_verify(c->user, xy, hash, sig) == r->ok, "ES256", r->name);
    }
    unhex(ec_rows[0].xy, xy, 64);
    unhex(ec_rows[0].hash, hash, 32);
    unhex(ec_rows[0].sig, sig, 64);
    for (bit = 0; bit < 8 * 64; bit += 5) {
        sig[bit / 8] = (uint8_t)(sig[bit / 8] ^ 1u << bit % 8);
        wrong += c->es256_verify(c->user, xy, hash, sig);
        sig[bit / 8] = (uint8_t)(sig[bit / 8] ^ 1u << bit % 8);
        xy[bit / 8] = (uint8_t)(xy[bit / 8] ^ 1u << bit % 8);
        wrong += c->es256_verify(c->user, xy, hash, sig);
        xy[bit / 8] = (uint8_t)(xy[bit / 8] ^ 1u << bit % 8);
    }
    CHECK(wrong == 0);
}

static void check_sign(const mcpt_crypto *c)
{
    uint8_t key[33] = { 0 }, xy[64], hash[32], sig[64], two[MCPT_KEY_REF];
    size_t i, len = 99;
    for (i = 0; i < MCPT_COUNT(sign_rows); ++i) {
        const struct sign_row *r = &sign_rows[i];
        unhex(r->key, key, 32);
        unhex(r->hash, hash, 32);
        row_check(c->es256_public(c->user, key, 32, xy) && is_hex(xy, 64, r->xy), "public key", r->name);
        row_check(c->es256_sign(c->user, key, 32, hash, sig) && is_hex(sig, 64, r->sig), "signature", r->name);
        CHECK(c->es256_verify(c->user, xy, hash, sig));
    }
    CHECK(!c->es256_sign(c->user, key, 31, hash, sig) && !c->es256_sign(c->user, key, 33, hash, sig));
    CHECK(!c->es256_public(c->user, key, 31, xy) && !c->es256_public(c->user, key, 0, xy));
    for (i = 0; i < MCPT_COUNT(bad_keys); ++i) {
        unhex(bad_keys[i].key, key, 32);
        row_check(!c->es256_sign(c->user, key, 32, hash, sig) && !c->es256_public(c->user, key, 32, xy), "private key",
                  bad_keys[i].name);
    }
    CHECK(c->es256_generate(c->user, key, &len) && len == 32);
    CHECK(c->es256_generate(c->user, two, &len) && len == 32 && memcmp(key, two, 32) != 0);
    CHECK(c->es256_public(c->user, key, 32, xy) && c->es256_sign(c->user, key, 32, hash, sig) &&
          c->es256_verify(c->user, xy, hash, sig));
    CHECK(c->es256_sign(c->user, two, 32, hash, sig) && !c->es256_verify(c->user, xy, hash, sig));
}

typedef bool (*aead_fn)(void *, const uint8_t *, const uint8_t *, mcpt_str, const void *, size_t, uint8_t *);

static void check_aead(aead_fn seal, aead_fn unseal, const char *alg, void *user)
{
    uint8_t key[32], nonce[12], aad[64], plain[200], sealed[216], out[216];
    size_t i, k, n, aad_len, wrong = 0;
    for (i = 0; i < MCPT_COUNT(aead_rows); ++i) {
        const struct aead_row *r = &aead_rows[i];
        if (strcmp(r->alg, alg) != 0) {
            continue;
        }
        CHECK(unhex(r->key, key, 32) == 32 && unhex(r->nonce, nonce, 12) == 12);
        aad_len = unhex(r->aad, aad, sizeof aad);
        n = unhex(r->plain, plain, sizeof plain);
        CHECK(unhex(r->sealed, sealed, sizeof sealed) == n + 16);
        row_check(seal(user, key, nonce, str(aad_len > 0 ? aad : NULL, aad_len), n > 0 ? plain : NULL, n, out) &&
                  memcmp(out, sealed, n + 16) == 0, alg, r->name);
        row_check(unseal(user, key, nonce, str(aad, aad_len), sealed, n + 16, out) && memcmp(out, plain, n) == 0, alg, r->name);
        memcpy(out, plain, n);        /* in place */
        CHECK(seal(user, key, nonce, str(aad, aad_len), out, n, out) && memcmp(out, sealed, n + 16) == 0);
        CHECK(unseal(user, key, nonce, str(aad, aad_len), out, n + 16, out) && memcmp(out, plain, n) == 0);
        for (k = 0; k < n + 16; ++k) {                      /* every byte counts, and nothing is given away */
            sealed[k] ^= 1;
            memset(out, 0x55, sizeof out);
            wrong += unseal(user, key, nonce, str(aad, aad_len), sealed, n + 16, out) || (n > 0 && (out[0] | out[n - 1]) != 0);
            sealed[k] ^= 1;
        }
        for (k = 0; k < aad_len; ++k) {
            aad[k] ^= 1;
            wrong += unseal(user, key, nonce, str(aad, aad_len), sealed, n + 16, out);
            aad[k] ^= 1;
        }
        wrong += unseal(user, key, nonce, str(aad, aad_len + 1), sealed, n + 16, out);
        wrong += unseal(user, key, nonce, str(aad, aad_len), sealed, n + 15, out);
        wrong += unseal(user, key, nonce, str(aad, aad_len), sealed, 15, out) || unseal(user, key, nonce, str(aad, 0), sealed, 0, out);
        nonce[11] ^= 1;
        wrong += unseal(user, key, nonce, str(aad, aad_len), sealed, n + 16, out);
        nonce[11] ^= 1;
        key[31] ^= 1;
        wrong += unseal(user, key, nonce, str(aad, aad_len), sealed, n + 16, out);
    }
    CHECK(wrong == 0);
}

/* c offers everything; PS256 where the library has it. */
static void crypto_check(const mcpt_crypto *c)
{
    check_sha(c);
    check_hmac(c);
    check_rsa(c);
    check_es256(c);
    check_sign(c);
    check_aead(c->aead_seal, c->aead_open, "chacha", c->user);
}
#endif
