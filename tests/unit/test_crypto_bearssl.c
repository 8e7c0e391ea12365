/* port/crypto_bearssl */
#include "../../port/crypto_bearssl.h"
#include "crypto.h"

static void random_bytes(void)
{
    static mcpt_bearssl a, b;
    static uint8_t one[70000], two[70000], seed[48] = { 1, 2, 3 };
    uint32_t bit[8] = { 0 };
    size_t i, k;
    memset(one, 0x55, sizeof one);
    CHECK(!mcpt_bearssl_random(&a, one, sizeof one));       /* before init: refused, all zero */
    CHECK(one[0] == 0 && one[69999] == 0);
    CHECK(!mcpt_bearssl_random(NULL, one, 16));
    CHECK(mcpt_bearssl_init(NULL, NULL, 0) == MCPT_E_ARG);
    CHECK(mcpt_bearssl_init(&a, NULL, 3) == MCPT_E_ARG);
    CHECK(mcpt_bearssl_init(&a, seed, 31) == MCPT_E_ARG);
    CHECK(mcpt_bearssl_init(&a, NULL, 0) == MCPT_OK);       /* the system's seeder */
    CHECK(mcpt_bearssl_init(&b, NULL, 0) == MCPT_OK);
    CHECK(mcpt_bearssl_random(&a, one, sizeof one));        /* more than one request of the generator */
    CHECK(mcpt_bearssl_random(&b, two, sizeof two));
    CHECK(memcmp(one, two, sizeof one) != 0);
    CHECK(memcmp(one, one + 35000, 35000) != 0);
    for (i = 0; i < sizeof one; ++i) {
        for (k = 0; k < 8; ++k) {
            bit[k] += ((uint32_t)one[i] >> k) & 1u;
        }
    }
    for (k = 0; k < 8; ++k) {         /* 35,000 expected, standard deviation 132 */
        CHECK(bit[k] > 34000 && bit[k] < 36000);
    }
    CHECK(mcpt_bearssl_init(&a, seed, sizeof seed) == MCPT_OK);     /* a seed of the caller's is all there is */
    CHECK(mcpt_bearssl_init(&b, seed, sizeof seed) == MCPT_OK);
    CHECK(mcpt_bearssl_random(&a, one, 32) && mcpt_bearssl_random(&b, two, 32) && memcmp(one, two, 32) == 0);
    seed[47] = 1;
    CHECK(mcpt_bearssl_init(&b, seed, sizeof seed) == MCPT_OK);
    CHECK(mcpt_bearssl_random(&b, two, 32) && memcmp(one, two, 32) != 0);
    CHECK(mcpt_bearssl_random(&a, one, 0));
    mcpt_bearssl_free(&a);
    mcpt_bearssl_free(NULL);
    CHECK(!mcpt_bearssl_random(&a, one, 1));
    mcpt_bearssl_free(&b);
}

int main(void)
{
    static mcpt_bearssl b;
    uint8_t key[MCPT_KEY_REF];
    size_t len = 99;
    CHECK(mcpt_bearssl_init(&b, NULL, 0) == MCPT_OK);
    crypto_check(&b.crypto);
    CHECK(b.crypto.ps256_verify != NULL && mcpt_bearssl_crypto.es256_generate == NULL);
    check_aead(mcpt_bearssl_gcm_seal, mcpt_bearssl_gcm_open, "gcm", NULL);
    mcpt_bearssl_free(&b);
    CHECK(!b.crypto.es256_generate(&b, key, &len) && len == 0);
    random_bytes();
    return test_end();
}
