/* Makes tokens for tests: any header and claims, really signed by the key that the header's alg asks for. */
#ifndef JWT_H
#define JWT_H
#include "../../port/crypto_bearssl.h"
#include "../../port/crypto_mbedtls.h"
#include "test.h"
#include <mbedtls/rsa.h>
#include <string.h>

/* RFC 7515 A.2 and A.3. */
#define RSA_N "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_" \
    "YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qC" \
    "o5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define RSA_P "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc" \
    "1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc"
#define RSA_Q "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfI" \
    "sRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define EC_D "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
#define RSA_JWK "{\"kty\":\"RSA\",\"kid\":\"rsa1\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}"
#define EC_JWK "{\"kty\":\"EC\",\"kid\":\"ec1\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}"

static mcpt_mbedtls jwt_mbed;         /* signs; seeded by jwt_keys() */
static mcpt_bearssl jwt_bear;
static mbedtls_rsa_context jwt_rsa;
static mcpt_signer jwt_ec;

static size_t jwt_bytes(const char *text, void *out, size_t cap)
{
    size_t n = 0;
    CHECK(mcpt_b64_decode(mcpt_z(text), true, out, cap, &n));
    return n;
}

static void jwt_keys(void)
{
    static const uint8_t e[] = { 1, 0, 1 };
    uint8_t p[128], q[128], d[32];
    CHECK(mcpt_mbedtls_init(&jwt_mbed, NULL, 0) == MCPT_OK);
    CHECK(mcpt_bearssl_init(&jwt_bear, NULL, 0) == MCPT_OK);
    mbedtls_rsa_init(&jwt_rsa, MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_SHA256);
    CHECK(jwt_bytes(RSA_P, p, sizeof p) == 128 && jwt_bytes(RSA_Q, q, sizeof q) == 128 && jwt_bytes(EC_D, d, sizeof d) == 32);
    CHECK(mbedtls_rsa_import_raw(&jwt_rsa, NULL, 0, p, 128, q, 128, NULL, 0, e, 3) == 0 && mbedtls_rsa_complete(&jwt_rsa) == 0);
    CHECK(mcpt_signer_init(&jwt_ec, &jwt_mbed.crypto, d, sizeof d) == MCPT_OK);
}

static void jwt_forget(void)
{
    mbedtls_rsa_free(&jwt_rsa);
    mcpt_mbedtls_free(&jwt_mbed);
    mcpt_bearssl_free(&jwt_bear);
}

static int jwt_random(void *user, unsigned char *buf, size_t len)
{
    return mcpt_mbedtls_random(user, buf, len) ? 0 : -1;
}

/* Puts base64url of data behind *at. */
static void jwt_part(char *out, size_t cap, size_t *at, const void *data, size_t len)
{
    *at += mcpt_b64_encode(data, len, true, out + *at, cap - *at);
}

/* header.claims.signature; RS256 and PS256 are signed with RSA, HS256 with the RSA key's JWK as the secret, none with nothing
 * but a byte, all else with ES256. */
static mcpt_str jwt_make(char *out, size_t cap, const char *header, const char *claims)
{
    uint8_t hash[32], sig[256];
    size_t at = 0, len = 64;
    mcpt_str s;
    jwt_part(out, cap, &at, header, strlen(header));
    out[at++] = '.';
    jwt_part(out, cap, &at, claims, strlen(claims));
    s.ptr = out;
    s.len = at;
    CHECK(jwt_mbed.crypto.sha256(NULL, &s, 1, hash));
    if (strstr(header, "\"RS256\"") != NULL) {
        len = 256;
        mbedtls_rsa_set_padding(&jwt_rsa, MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_NONE);
        CHECK(mbedtls_rsa_rsassa_pkcs1_v15_sign(&jwt_rsa, jwt_random, &jwt_mbed, MBEDTLS_RSA_PRIVATE, MBEDTLS_MD_SHA256, 32, hash, sig) == 0);
    } else if (strstr(header, "\"PS256\"") != NULL) {
        len = 256;
        mbedtls_rsa_set_padding(&jwt_rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256);
        CHECK(mbedtls_rsa_rsassa_pss_sign(&jwt_rsa, jwt_random, &jwt_mbed, MBEDTLS_RSA_PRIVATE, MBEDTLS_MD_SHA256, 32, hash, sig) == 0);
    } else if (strstr(header, "\"HS256\"") != NULL) {
        len = 32;
        CHECK(jwt_mbed.crypto.hmac_sha256(NULL, RSA_JWK, sizeof RSA_JWK - 1, &s, 1, sig));
    } else if (strstr(header, "\"none\"") != NULL) {
        len = 1;
        sig[0] = 0;
    } else {
        CHECK(jwt_mbed.crypto.es256_sign(&jwt_mbed, jwt_ec.ref, jwt_ec.ref_len, hash, sig));
    }
    out[at++] = '.';
    jwt_part(out, cap, &at, sig, len);
    s.len = at;
    return s;
}

/* Cryptography whose n-th call fails: nothing is ever accepted for that. */
static struct jwt_failing { const mcpt_crypto *real; unsigned calls, at; } jwt_failing;

static bool jwt_may(void)
{
    return ++jwt_failing.calls != jwt_failing.at;
}
static bool jwt_failing_sha(void *user, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    (void)user;
    return jwt_may() && jwt_failing.real->sha256(jwt_failing.real->user, parts, n, out);
}
static bool jwt_failing_hmac(void *user, const void *key, size_t key_len, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    (void)user;
    return jwt_may() && jwt_failing.real->hmac_sha256(jwt_failing.real->user, key, key_len, parts, n, out);
}
static bool jwt_failing_verify(void *user, const uint8_t xy[64], const uint8_t hash[32], const uint8_t sig[64])
{
    (void)user;
    return jwt_may() && jwt_failing.real->es256_verify(jwt_failing.real->user, xy, hash, sig);
}

/* *out works as real does, but call number at fails (counted from here). */
static inline void jwt_fail(mcpt_crypto *out, const mcpt_crypto *real, unsigned at)
{
    jwt_failing.real = real;
    jwt_failing.calls = 0;
    jwt_failing.at = at;
    *out = *real;
    out->sha256 = jwt_failing_sha;
    out->hmac_sha256 = jwt_failing_hmac;
    out->es256_verify = jwt_failing_verify;
}
#endif
