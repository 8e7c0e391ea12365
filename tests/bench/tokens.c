/* How many access tokens a second: tokens SECONDS prints "ALG LIBRARY SIGNATURES TOKENS" for each algorithm and library, as
 * whole numbers per second on one core. SIGNATURES: verified over a hash; TOKENS: mcpt_jwt_check from text to claims. With a
 * name as second argument it prints a token and its key set instead, for others to verify: "TOKEN\nSET\nISSUER\nAUDIENCE". */
#define _POSIX_C_SOURCE 200809L
#include "../unit/jwt.h"
#include <stdlib.h>
#include <time.h>

#define ISS "https://as.example"
#define AUD "https://device.example/mcp"
#define CLAIMS "{\"iss\":\"" ISS "\",\"sub\":\"user_2aBcDeFgHiJkLmNoPqRsTuVwXyZ\",\"client_id\":\"client_0123456789\",\"scope\":\"read write\",\"aud\":\"" AUD \
    "\",\"jti\":\"oat_0123456789abcdef\",\"iat\":1700000000,\"nbf\":1700000000,\"exp\":4000000000}"
#define SET "{\"keys\":[" RSA_JWK "," EC_JWK "]}"

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef struct subject {
    const mcpt_crypto *crypto;
    mcpt_jwks set;
    mcpt_jwk slots[2];
    mcpt_str token;
    uint8_t hash[32], sig[256];
    size_t sig_len;
    char alg;                         /* R, P, E */
} subject;

static bool signature(subject *s)
{
    mcpt_rsa key = { s->slots[0].n, s->slots[0].e, s->slots[0].n_len, s->slots[0].e_len };
    return s->alg == 'E' ? s->crypto->es256_verify(s->crypto->user, s->slots[1].n, s->hash, s->sig) :
           s->alg == 'P' ? s->crypto->ps256_verify(s->crypto->user, &key, s->hash, s->sig, s->sig_len) :
           s->crypto->rs256_verify(s->crypto->user, &key, s->hash, s->sig, s->sig_len);
}

static bool token(subject *s)
{
    static const mcpt_jwt_rules rules = { .issuer = ISS };
    static const mcpt_aud aud = { { AUD, sizeof AUD - 1 }, NULL, NULL };
    char buf[1024];
    mcpt_claims c;
    return mcpt_jwt_check(s->token, &rules, &s->set, &aud, 1700000100, buf, sizeof buf, &c) == MCPT_OK;
}

static double rate(bool (*work)(subject *), subject *s, double least)
{
    double begin = seconds(), now;
    unsigned n = 0;
    do {
        for (unsigned i = 0; i < 10; i++, n++) {
            CHECK(work(s));
        }
        now = seconds();
    } while (now - begin < least);
    return n / (now - begin);
}

int main(int argc, char **argv)
{
    static const char *const algs[] = { "RS256", "PS256", "ES256" };
    static const char *const names[] = { "mbedTLS", "BearSSL" };
    static char text[2048], buf[1024];
    double least = argc > 1 ? strtod(argv[1], NULL) : 1;
    jwt_keys();
    for (size_t a = 0; a < 3; a++) {
        char header[100];
        const char *dot;
        subject s;
        mcpt_str part;
        memset(&s, 0, sizeof s);
        snprintf(header, sizeof header, "{\"typ\":\"at+jwt\",\"alg\":\"%s\",\"kid\":\"%s\"}", algs[a], a == 2 ? "ec1" : "rsa1");
        s.alg = algs[a][0];
        s.token = jwt_make(text, sizeof text, header, CLAIMS);
        if (argc > 2) {
            if (strcmp(argv[2], algs[a]) == 0) {
                printf("%.*s\n" SET "\n" ISS "\n" AUD "\n", (int)s.token.len, s.token.ptr);
            }
            continue;
        }
        for (dot = text + s.token.len; *dot != '.'; dot--) {
        }
        part.ptr = text;
        part.len = (size_t)(dot - text);
        CHECK(mcpt_mbedtls_sha256(NULL, &part, 1, s.hash));
        part.ptr = dot + 1;
        part.len = (size_t)(text + s.token.len - dot - 1);
        CHECK(mcpt_b64_decode(part, true, s.sig, sizeof s.sig, &s.sig_len));
        s.set.keys = s.slots;
        s.set.nkeys = 2;
        s.set.buf = buf;
        s.set.cap = sizeof buf;
        for (size_t l = 0; l < 2; l++) {
            s.crypto = l == 0 ? &mcpt_mbedtls_crypto : &mcpt_bearssl_crypto;
            s.set.crypto = s.crypto;
            mcpt_jwks_begin(&s.set);
            CHECK(mcpt_jwks_feed(&s.set, SET, sizeof SET - 1) == MCPT_OK && mcpt_jwks_end(&s.set, true) == MCPT_OK);
            printf("%s %s %.0f %.0f\n", algs[a], names[l], rate(signature, &s, least), rate(token, &s, least));
        }
    }
    jwt_forget();
    return test_failed != 0;
}
