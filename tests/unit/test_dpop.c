/* dpop: RFC 9449 section 4.3, with both libraries; proofs of ours and of others. */
#include "jwt.h"
#include <stdio.h>
#include <stdlib.h>

#define URL "https://device.example/mcp"
#define TOKEN "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
#define ATH "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
#define JWK_EC "\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}"
#define HEAD "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"," JWK_EC "}"
#define BODY(htm, htu, iat, more) "{\"jti\":\"j1\",\"htm\":\"" htm "\",\"htu\":\"" htu "\",\"iat\":" iat more "}"
#define GOOD BODY("POST", URL, "1700000000", ",\"ath\":\"" ATH "\"")
enum { NOW = 1700000000 };

static const mcpt_crypto *crypto;
static int64_t now = NOW;
static char jkt[43];
static mcpt_seen seen[8];
static mcpt_env env;
static const uint8_t nonce_key[32] = { 1, 2, 3 };

static int64_t the_time(void *user)
{
    (void)user;
    return now;
}
static bool the_random(void *user, void *buf, size_t len)
{
    (void)user;
    return mcpt_mbedtls_random(&jwt_mbed, buf, len);
}

static void fresh(mcpt_dpop *d)
{
    static char *buf;
    free(buf);
    buf = (char *)malloc(512);
    memset(d, 0, sizeof *d);
    memset(seen, 0, sizeof seen);
    env.unix_time = the_time;
    env.random = the_random;
    env.crypto = crypto;
    d->env = &env;
    d->seen = seen;
    d->nseen = MCPT_COUNT(seen);
    d->buf = buf;
    d->cap = 512;
    now = NOW;
}

static mcpt_err prove(mcpt_dpop *d, mcpt_str proof, const char *method, const char *url, const char *token)
{
    char *exact = (char *)malloc(proof.len + 1);
    mcpt_str copy = proof;
    mcpt_err e;
    memcpy(exact, proof.ptr, proof.len);
    copy.ptr = exact;
    e = mcpt_dpop_check(d, copy, mcpt_z(method), mcpt_z(url), mcpt_z(token), (mcpt_str){ jkt, 43 });
    free(exact);
    return e;
}

static void attackers_list(void)
{
    static const struct { const char *name, *header, *body, *why; } rows[] = {
        { "good", HEAD, GOOD, NULL },
        { "jwk with other members", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"use\":\"sig\",\"kid\":\"k\",\"y\":\"" EC_Y "\",\"x\":\"" EC_X
          "\",\"crv\":\"P-256\",\"kty\":\"EC\"}}", GOOD, NULL },
        { "typ missing", "{\"alg\":\"ES256\"," JWK_EC "}", GOOD, "typ, alg or jwk" },
        { "typ JWT", "{\"typ\":\"JWT\",\"alg\":\"ES256\"," JWK_EC "}", GOOD, "typ, alg or jwk" },
        { "typ at+jwt", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\"," JWK_EC "}", GOOD, "typ, alg or jwk" },
        { "alg none", "{\"typ\":\"dpop+jwt\",\"alg\":\"none\"," JWK_EC "}", GOOD, "alg" },
        { "alg HS256", "{\"typ\":\"dpop+jwt\",\"alg\":\"HS256\"," JWK_EC "}", GOOD, "alg" },
        { "alg RS256", "{\"typ\":\"dpop+jwt\",\"alg\":\"RS256\"," JWK_EC "}", GOOD, "typ, alg or jwk" },
        { "jwk private", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\",\"d\":\"" EC_D
          "\"}}", GOOD, "typ, alg or jwk" },
        { "jwk missing", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}", GOOD, "typ, alg or jwk" },
        { "jwk no object", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":\"x\"}", GOOD, "typ, alg or jwk" },
        { "jwk of another curve", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}}", GOOD,
          "typ, alg or jwk" },
        { "jwk twice", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"," JWK_EC "," JWK_EC "}", GOOD, "header is not base64url of a JSON object" },
        { "thumbprint of another key", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_Y "\",\"y\":\"" EC_X "\"}}",
          GOOD, "another key" },
        { "crit", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"crit\":[\"x\"]," JWK_EC "}", GOOD, "crit, b64, zip or enc in the header" },
        { "htm another", HEAD, BODY("GET", URL, "1700000000", ",\"ath\":\"" ATH "\""), "htm" },
        { "htm in small letters", HEAD, BODY("post", URL, "1700000000", ",\"ath\":\"" ATH "\""), "htm" },
        { "htm missing", HEAD, "{\"jti\":\"j1\",\"htu\":\"" URL "\",\"iat\":1700000000,\"ath\":\"" ATH "\"}", "htm" },
        { "htu another path", HEAD, BODY("POST", URL "2", "1700000000", ",\"ath\":\"" ATH "\""), "htu" },
        { "htu another host", HEAD, BODY("POST", "https://device.example.evil.example/mcp", "1700000000", ",\"ath\":\"" ATH "\""), "htu" },
        { "htu http", HEAD, BODY("POST", "http://device.example/mcp", "1700000000", ",\"ath\":\"" ATH "\""), "htu" },
        { "htu another port", HEAD, BODY("POST", "https://device.example:444/mcp", "1700000000", ",\"ath\":\"" ATH "\""), "htu" },
        { "htu no URL", HEAD, BODY("POST", "/mcp", "1700000000", ",\"ath\":\"" ATH "\""), "htu" },
        { "htu with user", HEAD, BODY("POST", "https://device.example@evil/mcp", "1700000000", ",\"ath\":\"" ATH "\""), "htu" },
        { "htu missing", HEAD, "{\"jti\":\"j1\",\"htm\":\"POST\",\"iat\":1700000000,\"ath\":\"" ATH "\"}", "htu" },
        { "htu with query and fragment", HEAD, BODY("POST", URL "?a=b#c", "1700000000", ",\"ath\":\"" ATH "\""), NULL },
        { "htu in capitals, with port", HEAD, BODY("POST", "HTTPS://Device.Example:443/mcp", "1700000000", ",\"ath\":\"" ATH "\""), NULL },
        { "ath missing", HEAD, BODY("POST", URL, "1700000000", ""), "ath" },
        { "ath of another token", HEAD, BODY("POST", URL, "1700000000", ",\"ath\":\"gUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo\""), "ath" },
        { "iat 300 seconds ago", HEAD, BODY("POST", URL, "1699999700", ",\"ath\":\"" ATH "\""), NULL },
        { "iat 301 seconds ago", HEAD, BODY("POST", URL, "1699999699", ",\"ath\":\"" ATH "\""), "iat" },
        { "iat in 300 seconds", HEAD, BODY("POST", URL, "1700000300", ",\"ath\":\"" ATH "\""), NULL },
        { "iat in 301 seconds", HEAD, BODY("POST", URL, "1700000301", ",\"ath\":\"" ATH "\""), "iat" },
        { "iat a string", HEAD, BODY("POST", URL, "\"1700000000\"", ",\"ath\":\"" ATH "\""), "iat" },
        { "iat missing", HEAD, "{\"jti\":\"j1\",\"htm\":\"POST\",\"htu\":\"" URL "\",\"ath\":\"" ATH "\"}", "iat" },
        { "iat twice", HEAD, BODY("POST", URL, "1700000000", ",\"iat\":1,\"ath\":\"" ATH "\""),
          "claims are not base64url of a JSON object, or too long" },
        { "jti missing", HEAD, "{\"htm\":\"POST\",\"htu\":\"" URL "\",\"iat\":1700000000,\"ath\":\"" ATH "\"}", "jti" },
        { "jti empty", HEAD, "{\"jti\":\"\",\"htm\":\"POST\",\"htu\":\"" URL "\",\"iat\":1700000000,\"ath\":\"" ATH "\"}", "jti" },
        { "jti a number", HEAD, "{\"jti\":1,\"htm\":\"POST\",\"htu\":\"" URL "\",\"iat\":1700000000,\"ath\":\"" ATH "\"}", "jti" },
    };
    char text[4096];
    mcpt_dpop d;
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_err e;
        bool ok;
        fresh(&d);
        e = prove(&d, jwt_make(text, sizeof text, rows[i].header, rows[i].body), "POST", URL, TOKEN);
        ok = e == (rows[i].why == NULL ? MCPT_OK : MCPT_E_PROOF) && (rows[i].why == NULL || (d.why != NULL && strcmp(d.why, rows[i].why) == 0));
        if (!ok) {
            printf("%s: %d %s\n", rows[i].name, (int)e, d.why != NULL ? d.why : "");
        }
        CHECK(ok);
        CHECK(rows[i].why != NULL || prove(&d, jwt_make(text, sizeof text, rows[i].header, rows[i].body), "POST", URL, TOKEN) == MCPT_E_PROOF);
        CHECK(rows[i].why == NULL || seen[0].until == 0);   /* what was refused takes no room */
    }
}

/* RFC 9449 figure 12: proof for a protected resource request. */
static void rfc_example(void)
{
    static const char proof[] = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVV"
        "FVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwia"
        "HRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc"
        "05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
    const char *url = "https://resource.example.org/protectedresource";
    mcpt_dpop d;
    memcpy(jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", 43);
    fresh(&d);
    now = 1562262618;
    CHECK(prove(&d, mcpt_z(proof), "GET", url, TOKEN) == MCPT_OK);
    CHECK(prove(&d, mcpt_z(proof), "GET", url, TOKEN) == MCPT_E_PROOF && strcmp(d.why, "used before") == 0);
    now += 301;
    CHECK(prove(&d, mcpt_z(proof), "GET", url, TOKEN) == MCPT_E_PROOF && strcmp(d.why, "iat") == 0);
    fresh(&d);
    now = 1562262618;
    CHECK(prove(&d, mcpt_z(proof), "POST", url, TOKEN) == MCPT_E_PROOF && prove(&d, mcpt_z(proof), "GET", url, TOKEN "x") == MCPT_E_PROOF);
    jkt[0] = '1';
    CHECK(prove(&d, mcpt_z(proof), "GET", url, TOKEN) == MCPT_E_PROOF && strcmp(d.why, "another key") == 0);
}

/* Our proofs, judged by our check; replays; a full memory; time that goes on. */
static void both_ends(void)
{
    char text[2048], nonce[22];
    mcpt_str proof = { NULL, 0 }, none = { NULL, 0 }, first = { NULL, 0 };
    char first_text[2048];
    mcpt_dpop d;
    size_t wrong = 0;
    fresh(&d);
    CHECK(mcpt_signer_thumbprint(&jwt_ec, jkt) == MCPT_OK);
    for (size_t i = 0; i < MCPT_COUNT(seen); i++) {
        CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), none, text, sizeof text, &proof) == MCPT_OK);
        if (i == 0) {
            memcpy(first_text, text, proof.len);
            first = proof;
            first.ptr = first_text;
        }
        CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_OK);
        CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_PROOF);
        now += 10;
    }
    CHECK(proof.len < 700);
    CHECK(prove(&d, first, "POST", URL, TOKEN) == MCPT_E_PROOF);
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), none, text, sizeof text, &proof) == MCPT_OK);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_LIMIT);        /* full: not accepted unchecked */
    now = NOW + 300;
    CHECK(prove(&d, first, "POST", URL, TOKEN) == MCPT_E_PROOF && strcmp(d.why, "used before") == 0);
    now = NOW + 301;                                        /* the first one is forgotten, for it is too old now */
    CHECK(prove(&d, first, "POST", URL, TOKEN) == MCPT_E_PROOF && strcmp(d.why, "iat") == 0);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_OK);
    d.nseen = 0;
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), none, text, sizeof text, &proof) == MCPT_OK);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_LIMIT);
    for (size_t n = 0; n < proof.len; n++) {                /* truncated and changed, everywhere */
        mcpt_str cut = proof;
        cut.len = n;
        wrong += prove(&d, cut, "POST", URL, TOKEN) != MCPT_E_PROOF;
        text[n] ^= 1;
        wrong += prove(&d, proof, "POST", URL, TOKEN) != MCPT_E_PROOF;
        text[n] ^= 1;
    }
    CHECK(wrong == 0);
    now = -1;
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_CLOCK && mcpt_dpop_nonce(&d, nonce, 22) == 0);
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), none, text, sizeof text, &proof) == MCPT_E_CLOCK);
    env.crypto = NULL;
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_CRYPTO);
}

static void nonces(void)
{
    char text[2048], nonce[23], later[22];
    mcpt_str proof = { NULL, 0 }, none = { NULL, 0 }, n = { nonce, 22 };
    mcpt_dpop d, other;
    fresh(&d);
    CHECK(mcpt_dpop_nonce(&d, nonce, sizeof nonce) == 0);   /* not asked for */
    d.nonce_key = nonce_key;
    other = d;
    now = 1700000000 / 60 * 60;
    CHECK(mcpt_dpop_nonce(&d, nonce, 21) == 0 && mcpt_dpop_nonce(&d, nonce, 22) == 22);
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), none, text, sizeof text, &proof) == MCPT_OK);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_NONCE);
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), mcpt_z("forged"), text, sizeof text, &proof) == MCPT_OK);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_NONCE);
    nonce[5] ^= 1;
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), n, text, sizeof text, &proof) == MCPT_OK);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_NONCE);
    nonce[5] ^= 1;
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), n, text, sizeof text, &proof) == MCPT_OK);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_OK && prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_PROOF);
    now += 119;                                             /* the epoch before is good still */
    CHECK(mcpt_dpop_nonce(&d, later, 22) == 22 && memcmp(later, nonce, 22) != 0);
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), n, text, sizeof text, &proof) == MCPT_OK);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_OK);
    now += 1;
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), n, text, sizeof text, &proof) == MCPT_OK);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_NONCE);
    CHECK(mcpt_dpop_nonce(&other, later, 22) == 22);        /* another process with the same key */
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), (mcpt_str){ later, 22 }, text, sizeof text, &proof) == MCPT_OK);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_OK);
    d.nonce_key = (const uint8_t *)"another key of thirty-two bytes.";
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_NONCE);
    fresh(&d);
    d.nonce_key = nonce_key;
    d.nonce_s = 10;
    now = 1700000000;
    CHECK(mcpt_dpop_nonce(&d, nonce, 22) == 22);
    now += 20;
    CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), n, text, sizeof text, &proof) == MCPT_OK);
    CHECK(prove(&d, proof, "POST", URL, TOKEN) == MCPT_E_NONCE);
}

static void crypto_that_fails(void)
{
    char text[2048], nonce[22];
    mcpt_str proof = { NULL, 0 }, n = { nonce, 22 };
    mcpt_crypto some;
    mcpt_dpop d;
    unsigned at = 0;
    mcpt_err e;
    do {
        fresh(&d);
        d.nonce_key = nonce_key;
        CHECK(mcpt_dpop_nonce(&d, nonce, 22) == 22);
        CHECK(mcpt_jwt_proof(&jwt_ec, &env, mcpt_z("POST"), mcpt_z(URL), mcpt_z(TOKEN), n, text, sizeof text, &proof) == MCPT_OK);
        jwt_fail(&some, crypto, ++at);
        env.crypto = &some;
        e = prove(&d, proof, "POST", URL, TOKEN);
        CHECK(e == MCPT_OK ? jwt_failing.calls < at || at == 6 : (e == MCPT_E_CRYPTO || e == MCPT_E_PROOF || e == MCPT_E_NONCE) && seen[0].until == 0);
    } while (jwt_failing.calls >= at && at < 20);
    CHECK(at == 8);                   /* thumbprint, signed text, signature, token, two nonces, jti; then all went well */
    jwt_fail(&some, crypto, 1);
    CHECK(mcpt_dpop_nonce(&d, nonce, 22) == 0);
}

int main(void)
{
    jwt_keys();
    for (unsigned i = 0; i < 2; i++) {
        crypto = i == 0 ? &mcpt_mbedtls_crypto : &mcpt_bearssl_crypto;
        CHECK(mcpt_signer_thumbprint(&jwt_ec, jkt) == MCPT_OK);
        attackers_list();
        rfc_example();
        both_ends();
        nonces();
        crypto_that_fails();
    }
    jwt_forget();
    return test_end();
}
