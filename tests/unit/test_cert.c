/* port/cert with both libraries: certificates and requests of every length, read back; openssl reads them in
 * tests/interop/tls.mjs. */
#include "../../port/cert.h"
#include "../../port/crypto_bearssl.h"
#include "../../port/crypto_mbedtls.h"
#include "../../port/posix_env.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

static uint32_t millis(void *user) { (void)user; return 0; }
static mcpt_env env = { millis, mcpt_posix_unix_time, mcpt_posix_random, NULL, NULL, NULL };

static void test_dates(const uint8_t *key)
{
    /* RFC 5280, section 4.1.2.5: UTCTime until 2049; leap years; the end of time */
    static const int64_t dates[] = { 1, 951782399, 951782400, 951868800, 1709164800, 2524607999, 2524608000, 4107542400,
                                     7258118400, MCPT_CERT_FOREVER };
    static const char *const names[] = { "a.test" };
    mcpt_cert_subject who = { "a", names, 1, 0, 0 };
    uint8_t der[700];
    size_t i, n, k;
    int64_t until;
    for (i = 0; i < MCPT_COUNT(dates); ++i) {
        who.until = dates[i];
        CHECK(mcpt_cert_self_signed(&env, key, 32, &who, der, sizeof der, &n) == MCPT_OK);
        CHECK(mcpt_cert_until(der, n, &until) == MCPT_OK && until == dates[i]);
        CHECK(mcpt_cert_own(der, n));
        for (k = 0; k < n; ++k) {
            CHECK(mcpt_cert_until(der, k, &until) == MCPT_E_ARG && !mcpt_cert_own(der, k));
        }
    }
    who.until = MCPT_CERT_FOREVER + 1;
    CHECK(mcpt_cert_self_signed(&env, key, 32, &who, der, sizeof der, &n) == MCPT_E_ARG);
    who.until = who.from = 5;
    CHECK(mcpt_cert_self_signed(&env, key, 32, &who, der, sizeof der, &n) == MCPT_E_ARG);
}

static void test_all(const mcpt_crypto *crypto)
{
    static const char *const names[] = { "localhost", "thermo.local", "192.168.1.7", "fe80::1", "::1" };
    static const char *const other[] = { "localhost", "thermo.lan" };
    static const char *const bad[] = { "a b" };
    mcpt_cert_subject who = { "thermo", names, 5, 1700000000, 1800000000 };
    uint8_t key[MCPT_KEY_REF], again[32], *out;
    char pem[1400];
    size_t key_len, n, m, cap, parts;
    mcpt_tls_san s;
    env.crypto = crypto;
    CHECK(crypto->es256_generate(crypto->user, key, &key_len) && key_len == 32);
    test_dates(key);
    out = (uint8_t *)malloc(1024);
    CHECK(mcpt_cert_self_signed(&env, key, key_len, &who, out, 1024, &n) == MCPT_OK && n > 400 && n < 600);
    CHECK(mcpt_cert_has(out, n, names, 5) && mcpt_cert_has(out, n, names + 2, 1) && !mcpt_cert_has(out, n, other, 2));
    CHECK(mcpt_cert_pem("CERTIFICATE", out, n, pem, sizeof pem) == MCPT_OK);
    CHECK(mcpt_tls_pem(pem, strlen(pem), "CERTIFICATE", pem, sizeof pem, &m) == MCPT_OK && m == n && memcmp(pem, out, n) == 0);
    for (parts = 1; parts < n; ++parts) {
        mcpt_tls_san_begin(&s, 0x82, "thermo.local", 12, (uint32_t)n);
        mcpt_tls_san_feed(&s, out, parts);
        mcpt_tls_san_feed(&s, out + parts, n - parts);
        CHECK(mcpt_tls_san_ok(&s));
    }
    free(out);
    for (cap = 0; cap < n + 3; ++cap) {                     /* signatures differ by up to 2 bytes */
        mcpt_err e;
        out = (uint8_t *)malloc(cap + (cap == 0));
        e = mcpt_cert_self_signed(&env, key, key_len, &who, out, cap, &m);
        CHECK(e == MCPT_OK ? m <= cap && cap + 3 > n : e == MCPT_E_SPACE && cap < n + 3);
        free(out);
    }
    out = (uint8_t *)malloc(1024);
    CHECK(mcpt_cert_request(&env, key, key_len, &who, out, 1024, &n) == MCPT_OK && n > 300);
    free(out);
    for (cap = 0; cap < 121; ++cap) {
        out = (uint8_t *)malloc(cap + (cap == 0));
        CHECK(mcpt_cert_key_der(&env, key, key_len, out, cap, &m) == MCPT_E_SPACE);
        free(out);
    }
    out = (uint8_t *)malloc(121);
    CHECK(mcpt_cert_key_der(&env, key, key_len, out, 121, &m) == MCPT_OK && m == 121);
    CHECK(mcpt_cert_key_read(out, m, again) == MCPT_OK && memcmp(again, key, 32) == 0);
    for (cap = 0; cap < 121; ++cap) {
        CHECK(mcpt_cert_key_read(out, cap, again) == MCPT_E_ARG);
    }
    CHECK(mcpt_cert_key_der(&env, key, 4, out, 121, &m) == MCPT_E_ARG);
    for (cap = 0; cap < 240; ++cap) {
        char *text = (char *)malloc(cap + (cap == 0));
        mcpt_err e = mcpt_cert_pem("EC PRIVATE KEY", out, 121, text, cap);
        CHECK(e == MCPT_OK ? strlen(text) + 1 == cap || cap > 227 : e == MCPT_E_SPACE && cap < 228);
        free(text);
    }
    free(out);
    out = (uint8_t *)malloc(1024);
    who.names = bad;
    who.nnames = 1;
    CHECK(mcpt_cert_self_signed(&env, key, key_len, &who, out, 1024, &n) == MCPT_E_ARG);
    who.nnames = 0;
    CHECK(mcpt_cert_self_signed(&env, key, key_len, &who, out, 1024, &n) == MCPT_E_ARG);
    who.names = names;
    who.nnames = 1;
    who.name = "";
    CHECK(mcpt_cert_self_signed(&env, key, key_len, &who, out, 1024, &n) == MCPT_E_ARG);
    who.name = "x";
    env.crypto = NULL;
    CHECK(mcpt_cert_self_signed(&env, key, key_len, &who, out, 1024, &n) == MCPT_E_CRYPTO);
    env.crypto = crypto;
    env.random = NULL;
    CHECK(mcpt_cert_self_signed(&env, key, key_len, &who, out, 1024, &n) == MCPT_E_RANDOM);
    env.random = mcpt_posix_random;
    free(out);
}

int main(void)
{
    static mcpt_bearssl bear;
    static mcpt_mbedtls mbed;
    CHECK(mcpt_bearssl_init(&bear, NULL, 0) == MCPT_OK && mcpt_mbedtls_init(&mbed, NULL, 0) == MCPT_OK);
    test_all(&bear.crypto);
    test_all(&mbed.crypto);
    mcpt_mbedtls_free(&mbed);
    return test_end();
}
