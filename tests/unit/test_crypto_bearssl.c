/* port/crypto_bearssl */
#include "../../port/crypto_bearssl.h"
#include "crypto.h"

#ifdef DEVICE                         /* an ARM processor without a system: no seeder; how much stack is used is printed */
static uint8_t n[512], sig[512], hash[32], xy[64], es[64], key_ref[32];
static mcpt_rsa rsa = { n, (const uint8_t *)"\1\0\1", 0, 3 };

static bool run_rs256(void) { return mcpt_bearssl_rs256_verify(NULL, &rsa, hash, sig, rsa.n_len); }
static bool run_ps256(void) { return mcpt_bearssl_ps256_verify(NULL, &rsa, hash, sig, rsa.n_len) || true; }
static bool run_es256(void) { return mcpt_bearssl_es256_verify(NULL, xy, hash, es); }
static bool run_sign(void) { return mcpt_bearssl_es256_sign(NULL, key_ref, 32, hash, es); }
static bool run_public(void) { return mcpt_bearssl_es256_public(NULL, key_ref, 32, xy); }
static bool run_seal(void) { return mcpt_bearssl_chacha_seal(NULL, key_ref, n, str(NULL, 0), n, 100, sig); }

/* Paints what lies below this frame, calls, looks how far down the paint is gone. */
static unsigned __attribute__((noinline)) stack_of(bool (*work)(void))
{
    enum { DEEP = 12000, NEAR = 200 };
    volatile uint8_t *top = (volatile uint8_t *)__builtin_frame_address(0);
    unsigned i;
    for (i = NEAR; i < DEEP; i++) {
        top[-(int)i] = 0xa5;
    }
    CHECK(work());
    for (i = DEEP - 1; i > NEAR && top[-(int)i] == 0xa5; i--) {
    }
    CHECK(i < DEEP - 100);
    return i;
}

static void stacks(void)
{
    rsa.n_len = unhex(rsa_rows[2].n, n, sizeof n);          /* 4096 bits */
    unhex(rsa_rows[2].hash, hash, 32);
    unhex(rsa_rows[2].sig, sig, sizeof sig);
    unhex(sign_rows[0].key, key_ref, 32);
    unhex(sign_rows[0].xy, xy, 64);
    printf("bytes of stack: RS256 with 4096 bits %u, PS256 %u,", stack_of(run_rs256), stack_of(run_ps256));
    unhex(sign_rows[0].hash, hash, 32);
    unhex(sign_rows[0].sig, es, 64);
    printf(" ES256 verify %u, sign %u, public key %u, seal %u\n", stack_of(run_es256), stack_of(run_sign), stack_of(run_public), stack_of(run_seal));
}
#endif

#ifndef DEVICE
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

#endif

int main(void)
{
    static mcpt_bearssl b;
    uint8_t key[MCPT_KEY_REF];
    size_t len = 99;
#ifdef DEVICE
    static const uint8_t seed[32] = { 1, 2, 3 };
    CHECK(mcpt_bearssl_init(&b, NULL, 0) == MCPT_E_RANDOM && !mcpt_bearssl_random(&b, key, sizeof key));
    CHECK(mcpt_bearssl_init(&b, seed, sizeof seed) == MCPT_OK);
#else
    CHECK(mcpt_bearssl_init(&b, NULL, 0) == MCPT_OK);
#endif
    crypto_check(&b.crypto);
    CHECK(b.crypto.ps256_verify != NULL && mcpt_bearssl_crypto.es256_generate == NULL);
    check_aead(mcpt_bearssl_gcm_seal, mcpt_bearssl_gcm_open, "gcm", NULL);
    mcpt_bearssl_free(&b);
    CHECK(!b.crypto.es256_generate(&b, key, &len) && len == 0);
#ifdef DEVICE
    stacks();
#else
    random_bytes();
#endif
    return test_end();
}
