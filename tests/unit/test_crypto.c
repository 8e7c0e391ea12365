/* port/crypto_mbedtls: vectors of RFC 6234 section 8.5 (SHA-256) and RFC 4231 (HMAC-SHA256), random. */
#include "../../port/crypto_mbedtls.h"
#include "test.h"
#include <string.h>

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static bool is_hex(const uint8_t *bytes, size_t n, const char *hex)
{
    size_t i;
    if (strlen(hex) != 2 * n) {
        return false;
    }
    for (i = 0; i < n; ++i) {
        if (bytes[i] != (nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]))) {
            return false;
        }
    }
    return true;
}

static mcpt_str str(const char *text, size_t len)
{
    mcpt_str s;
    s.ptr = text;
    s.len = len;
    return s;
}

static void sha(void)
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
    static mcpt_str parts[20000];
    uint8_t out[32];
    size_t i, k;
    for (i = 0; i < MCPT_COUNT(rows); ++i) {
        for (k = 0; k < rows[i].repeat; ++k) {
            parts[k] = str(rows[i].text, strlen(rows[i].text));
        }
        CHECK(mcpt_mbedtls_sha256(NULL, parts, rows[i].repeat, out));
        CHECK(is_hex(out, 32, rows[i].hex));
    }
    CHECK(mcpt_mbedtls_crypto.sha256(mcpt_mbedtls_crypto.user, NULL, 0, out));
    CHECK(is_hex(out, 32, rows[0].hex));
}

static void sha_parts(void)           /* every way to cut a message into three parts, empty ones included */
{
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    const size_t n = sizeof text - 1;
    uint8_t whole[32], cut[32];
    mcpt_str parts[3];
    size_t i, k, wrong = 0;
    parts[0] = str(text, n);
    CHECK(mcpt_mbedtls_sha256(NULL, parts, 1, whole));
    for (i = 0; i <= n; ++i) {
        for (k = i; k <= n; ++k) {
            parts[0] = str(i > 0 ? text : NULL, i);
            parts[1] = str(text + i, k - i);
            parts[2] = str(text + k, n - k);
            wrong += !mcpt_mbedtls_sha256(NULL, parts, 3, cut) || memcmp(whole, cut, 32) != 0;
        }
    }
    CHECK(wrong == 0);
}

static bool hmac_is(const char *key, size_t key_len, const char *data, size_t len, const char *hex)
{
    mcpt_str parts[2];
    uint8_t one[32], two[32];
    parts[0] = str(data, len);
    if (!mcpt_mbedtls_hmac_sha256(NULL, key, key_len, parts, 1, one)) {
        return false;
    }
    parts[0] = str(data, len / 2);
    parts[1] = str(data + len / 2, len - len / 2);
    return mcpt_mbedtls_crypto.hmac_sha256(mcpt_mbedtls_crypto.user, key, key_len, parts, 2, two) &&
           memcmp(one, two, 32) == 0 && is_hex(one, 32, hex);
}

static void hmac(void)
{
    static const char long_key[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    static const char long_data[] =
        "This is a test using a larger than block-size key and a larger than block-size data. "
        "The key needs to be hashed before being used by the HMAC algorithm.";
    char key[131], data[50];
    size_t i;
    memset(key, 0x0b, 20);
    CHECK(hmac_is(key, 20, "Hi There", 8,
                  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
    CHECK(hmac_is("Jefe", 4, "what do ya want for nothing?", 28,
                  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    CHECK(hmac_is(key, 20, data, 50,
                  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"));
    CHECK(hmac_is(key, 131, long_key, 54,
                  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
    CHECK(hmac_is(key, 131, long_data, sizeof long_data - 1,
                  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"));
    for (i = 0; i < 25; ++i) {
        key[i] = (char)(i + 1);
    }
    memset(data, (char)0xcd, sizeof data);
    CHECK(hmac_is(key, 25, data, 50,
                  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"));
    CHECK(hmac_is(NULL, 0, "", 0,
                  "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
}

static void random_bytes(void)
{
    static mcpt_mbedtls a, b;
    static uint8_t one[5000], two[5000];
    uint32_t bit[8] = { 0 };
    size_t i, k;
    memset(one, 0x55, sizeof one);
    CHECK(!mcpt_mbedtls_random(&a, one, sizeof one));       /* before init: refused, all zero */
    CHECK(one[0] == 0 && one[4999] == 0);
    CHECK(!mcpt_mbedtls_random(NULL, one, 16));
    CHECK(mcpt_mbedtls_init(NULL, NULL, 0) == MCPT_E_ARG);
    CHECK(mcpt_mbedtls_init(&a, NULL, 3) == MCPT_E_ARG);
    CHECK(mcpt_mbedtls_init(&a, NULL, 0) == MCPT_OK);
    CHECK(mcpt_mbedtls_init(&b, "serial 17", 9) == MCPT_OK);
    CHECK(mcpt_mbedtls_random(&a, one, sizeof one));        /* more than one request of the generator */
    CHECK(mcpt_mbedtls_random(&b, two, sizeof two));
    CHECK(memcmp(one, two, sizeof one) != 0);
    CHECK(memcmp(one, one + 2500, 2500) != 0);
    for (i = 0; i < sizeof one; ++i) {
        for (k = 0; k < 8; ++k) {
            bit[k] += ((uint32_t)one[i] >> k) & 1u;
        }
    }
    for (k = 0; k < 8; ++k) {         /* 2,500 expected, standard deviation 35 */
        CHECK(bit[k] > 2200 && bit[k] < 2800);
    }
    CHECK(mcpt_mbedtls_random(&a, one, 0));
    mcpt_mbedtls_free(&a);
    mcpt_mbedtls_free(&a);
    mcpt_mbedtls_free(NULL);
    CHECK(!mcpt_mbedtls_random(&a, one, 1));
    mcpt_mbedtls_free(&b);
    CHECK(mcpt_mbedtls_init(&a, NULL, 0) == MCPT_OK);       /* usable again */
    CHECK(mcpt_mbedtls_random(&a, one, 16));
    mcpt_mbedtls_free(&a);
}

int main(void)
{
    sha();
    sha_parts();
    hmac();
    random_bytes();
    return test_end();
}
