/* port/crypto_mbedtls */
#include "../../port/crypto_mbedtls.h"
#include "crypto.h"

#ifdef ARENA                          /* built for a device: all memory is one array, entropy comes from a function here */
#include <mbedtls/memory_buffer_alloc.h>
static unsigned char arena[ARENA];

int mbedtls_hardware_poll(void *data, unsigned char *out, size_t len, size_t *olen);
int mbedtls_hardware_poll(void *data, unsigned char *out, size_t len, size_t *olen)
{
    FILE *f = fopen("/dev/urandom", "rb");
    (void)data;
    *olen = f != NULL ? fread(out, 1, len, f) : 0;
    return f != NULL && fclose(f) == 0 ? 0 : -1;
}

static void arena_start(void)
{
    mbedtls_memory_buffer_alloc_init(arena, sizeof arena);
}

/* The arena's peak since the last call. */
static unsigned peak(void)
{
    size_t used, blocks;
    mbedtls_memory_buffer_alloc_max_get(&used, &blocks);
    mbedtls_memory_buffer_alloc_max_reset();
    return (unsigned)used;
}

static void arena_end(void)
{
    static mcpt_mbedtls m;
    static uint8_t n[512], sig[512];
    uint8_t e[3] = { 1, 0, 1 }, hash[32], xy[64], es[64];
    mcpt_rsa key = { n, e, 0, 3 };
    size_t used, blocks, len;
    CHECK(mcpt_mbedtls_init(&m, NULL, 0) == MCPT_OK);
    (void)peak();
    key.n_len = unhex(rsa_rows[1].n, n, sizeof n);
    unhex(rsa_rows[1].hash, hash, 32);
    CHECK(mcpt_mbedtls_rs256_verify(NULL, &key, hash, sig, unhex(rsa_rows[1].sig, sig, sizeof sig)));
    printf("peak of the arena: RS256 2048 bits %u,", peak());
    key.n_len = unhex(rsa_rows[2].n, n, sizeof n);
    CHECK(mcpt_mbedtls_rs256_verify(NULL, &key, hash, sig, unhex(rsa_rows[2].sig, sig, sizeof sig)));
    printf(" 4096 bits %u,", peak());
    unhex(sign_rows[0].xy, xy, 64);
    unhex(sign_rows[0].hash, hash, 32);
    unhex(sign_rows[0].sig, es, 64);
    CHECK(mcpt_mbedtls_es256_verify(NULL, xy, hash, es));
    printf(" ES256 verify %u,", peak());
    CHECK(mcpt_mbedtls_es256_generate(&m, n, &len));
    printf(" generate %u,", peak());
    CHECK(mcpt_mbedtls_es256_sign(&m, n, 32, hash, es));
    printf(" sign %u,", peak());
    CHECK(mcpt_mbedtls_es256_public(&m, n, 32, xy));
    printf(" public %u bytes of %u\n", peak(), (unsigned)sizeof arena);
    mcpt_mbedtls_free(&m);
    mbedtls_memory_buffer_alloc_cur_get(&used, &blocks);
    CHECK(used == 0 && mbedtls_memory_buffer_alloc_verify() == 0);      /* all is given back, nothing was written beyond */
}
#else
static void arena_start(void)
{
}
static void arena_end(void)
{
}
#endif

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

static void all(void)
{
    static mcpt_mbedtls m;
    const mcpt_crypto *c = &mcpt_mbedtls_crypto;
    uint8_t key[MCPT_KEY_REF] = { 1 }, hash[32] = { 2 }, sig[64];
    size_t len = 99;
    CHECK(mcpt_mbedtls_init(&m, NULL, 0) == MCPT_OK);
    crypto_check(&m.crypto);
    check_aead(mcpt_mbedtls_gcm_seal, mcpt_mbedtls_gcm_open, "gcm", NULL);
    check_rsa(c);                     /* without an object */
    check_es256(c);
    CHECK(c->ps256_verify != NULL && c->es256_sign == NULL && c->es256_public == NULL && c->es256_generate == NULL);
    CHECK(m.crypto.es256_sign(&m, key, 32, hash, sig));
    mcpt_mbedtls_free(&m);            /* no random any more: nothing that needs it */
    CHECK(!m.crypto.es256_sign(&m, key, 32, hash, sig) && !m.crypto.es256_public(&m, key, 32, sig));
    CHECK(!m.crypto.es256_generate(&m, key, &len) && len == 0);
}

int main(void)
{
    arena_start();
    all();
    random_bytes();
    arena_end();
    return test_end();
}
