/* jwt: RFC 7517, RFC 7638, RFC 9068 section 4, RFC 8725, RFC 7523, with both libraries; the rows of an attacker's list. */
#include "jwt.h"
#include <stdio.h>
#include <stdlib.h>

#define ISS "https://as.example"
#define AUD "https://device.example/mcp"
enum { NOW = 1700000000 };

static const mcpt_crypto *crypto;     /* the library under test */
static mcpt_jwk slots[4];
static mcpt_jwks set;
static char set_buf[1024];

static void load(const char *text)
{
    memset(slots, 0, sizeof slots);
    memset(&set, 0, sizeof set);
    set.keys = slots;
    set.nkeys = MCPT_COUNT(slots);
    set.buf = set_buf;
    set.cap = sizeof set_buf;
    set.crypto = crypto;
    mcpt_jwks_begin(&set);
    CHECK(mcpt_jwks_feed(&set, text, strlen(text)) == MCPT_OK);
    CHECK(mcpt_jwks_end(&set, true) == MCPT_OK);
}

#define SET "{\"keys\":[" RSA_JWK "," EC_JWK "]}"
#define H(alg, kid) "{\"typ\":\"at+jwt\",\"alg\":\"" alg "\",\"kid\":\"" kid "\"}"
#define ES H("ES256", "ec1")
#define RS H("RS256", "rsa1")
#define C(more) "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"client_id\":\"c1\",\"scope\":\"a b\"" more "}"
#define EXP ",\"exp\":1700000600"
#define TO ",\"aud\":\"" AUD "\""
#define OKC C(TO EXP)

typedef struct row {
    const char *name, *header, *claims, *why;     /* why NULL: it is good */
    mcpt_err err;                     /* 0: E_UNAUTHORIZED when there is a why */
} row;

/* The forms that a token of three good parts can have; what is not a row of text is in parts(). */
static const row rows[] = {
    { "ES256", ES, OKC, NULL, 0 },
    { "RS256", RS, OKC, NULL, 0 },
    { "PS256", H("PS256", "rsa1"), OKC, NULL, 0 },
    { "no kid, one key of its kind", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\"}", OKC, NULL, 0 },
    { "typ in capitals with application/", "{\"typ\":\"APPLICATION/AT+JWT\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, NULL, 0 },
    { "members unknown", "{\"x\":{\"alg\":\"HS512\"},\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", C(TO EXP ",\"a\":[{}]"), NULL, 0 },
    { "names and values with escapes", "{\"t\\u0079p\":\"at\\u002bjwt\",\"alg\":\"ES25\\u0036\",\"kid\":\"\\u0065c1\"}",
      "{\"iss\":\"https:\\/\\/as.example\",\"sub\":\"user_1\",\"\\u0065xp\":1700000600,\"aud\":\"https:\\/\\/device.example\\/mcp\"}", NULL, 0 },
    /* algorithms (RFC 8725 sections 2.1 and 3.1) */
    { "alg none", H("none", "ec1"), OKC, "alg", 0 },
    { "alg None", H("None", "ec1"), OKC, "alg", 0 },
    { "alg nOnE", H("nOnE", "ec1"), OKC, "alg", 0 },
    { "alg empty", H("", "ec1"), OKC, "alg", 0 },
    { "alg es256", H("es256", "ec1"), OKC, "alg", 0 },
    { "alg missing", "{\"typ\":\"at+jwt\",\"kid\":\"ec1\"}", OKC, "alg", 0 },
    { "alg a number", "{\"typ\":\"at+jwt\",\"alg\":256,\"kid\":\"ec1\"}", OKC, "alg", 0 },
    { "alg an array", "{\"typ\":\"at+jwt\",\"alg\":[\"ES256\"],\"kid\":\"ec1\"}", OKC, "alg", 0 },
    { "alg null", "{\"typ\":\"at+jwt\",\"alg\":null,\"kid\":\"ec1\"}", OKC, "alg", 0 },
    { "alg with a NUL", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\\u0000\",\"kid\":\"ec1\"}", OKC, "alg", 0 },
    { "alg twice", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"alg\":\"none\",\"kid\":\"ec1\"}", OKC, "header is not base64url of a JSON object", 0 },
    { "alg twice, one escaped", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"\\u0061lg\":\"none\",\"kid\":\"ec1\"}", OKC,
      "header is not base64url of a JSON object", 0 },
    { "HS256 signed with the public key", H("HS256", "rsa1"), OKC, "alg", 0 },
    { "HS512", H("HS512", "rsa1"), OKC, "alg", 0 },
    { "RS1, RS384, ES384, EdDSA", H("RS384", "rsa1"), OKC, "alg", 0 },
    { "ES384", H("ES384", "ec1"), OKC, "alg", 0 },
    { "EdDSA", H("EdDSA", "ec1"), OKC, "alg", 0 },
    { "ES256K", H("ES256K", "ec1"), OKC, "alg", 0 },
    /* key type confusion: the key's kind must match */
    { "ES256 with the RSA key's kid", H("ES256", "rsa1"), OKC, NULL, MCPT_E_ABSENT },
    { "RS256 with the EC key's kid", H("RS256", "ec1"), OKC, NULL, MCPT_E_ABSENT },
    /* keys named by the token */
    { "kid unknown", H("ES256", "ec2"), OKC, NULL, MCPT_E_ABSENT },
    { "kid ../../x", H("ES256", "../../x"), OKC, NULL, MCPT_E_ABSENT },
    { "kid ' OR 1=1 --", H("ES256", "' OR 1=1 --"), OKC, NULL, MCPT_E_ABSENT },
    { "kid empty", H("ES256", ""), OKC, NULL, MCPT_E_ABSENT },
    { "kid in another case", H("ES256", "EC1"), OKC, NULL, MCPT_E_ABSENT },
    { "kid a number", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":1}", OKC, "kid is no string or too long", 0 },
    { "kid null", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":null}", OKC, "kid is no string or too long", 0 },
    { "kid twice", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\",\"kid\":\"ec1\"}", OKC, "header is not base64url of a JSON object", 0 },
    { "kid with a line end", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\\n\"}", OKC, "kid is no string or too long", 0 },
    { "jku of an attacker is not read", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec9\",\"jku\":\"https://evil.example/jwks\"}", OKC, NULL, MCPT_E_ABSENT },
    { "x5u and x5c are not read", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec9\",\"x5u\":\"https://evil.example/c\",\"x5c\":[\"MIIB\"]}", OKC, NULL,
      MCPT_E_ABSENT },
    { "jwk in the header is not read", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec9\",\"jwk\":" EC_JWK "}", OKC, NULL, MCPT_E_ABSENT },
    { "jku beside a good kid", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\",\"jku\":\"https://evil.example/jwks\"}", OKC, NULL, 0 },
    { "crit", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\",\"crit\":[\"b64\"]}", OKC, "crit, b64, zip or enc in the header", 0 },
    { "crit empty", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\",\"crit\":[]}", OKC, "crit, b64, zip or enc in the header", 0 },
    { "b64 false", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\",\"b64\":false}", OKC, "crit, b64, zip or enc in the header", 0 },
    { "zip", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\",\"zip\":\"DEF\"}", OKC, "crit, b64, zip or enc in the header", 0 },
    { "enc", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\",\"enc\":\"A128GCM\"}", OKC, "crit, b64, zip or enc in the header", 0 },
    /* types (RFC 9068 section 4) */
    { "typ JWT", "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, "typ", 0 },
    { "typ missing", "{\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, "typ", 0 },
    { "typ dpop+jwt", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, "typ", 0 },
    { "typ logout+jwt", "{\"typ\":\"logout+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, "typ", 0 },
    { "typ null", "{\"typ\":null,\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, "typ", 0 },
    { "typ at+jwt2", "{\"typ\":\"at+jwt2\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, "typ", 0 },
    { "typ application/", "{\"typ\":\"application/\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, "typ", 0 },
    { "an ID token (at_hash)", ES, C(TO EXP ",\"at_hash\":\"x\""), "an ID token or a logout token", 0 },
    { "a logout token (events)", ES, C(TO EXP ",\"events\":{}"), "an ID token or a logout token", 0 },
    /* JSON */
    { "header an array", "[\"ES256\"]", OKC, "header is not base64url of a JSON object", 0 },
    { "header a string", "\"ES256\"", OKC, "header is not base64url of a JSON object", 0 },
    { "header with something behind", ES "x", OKC, "header is not base64url of a JSON object", 0 },
    { "header not UTF-8", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\",\"x\":\"\xff\"}", OKC, "header is not base64url of a JSON object", 0 },
    { "claims an array", ES, "[]", "claims are not base64url of a JSON object", 0 },
    { "claims null", ES, "null", "claims are not base64url of a JSON object", 0 },
    { "claims cut off", ES, "{\"iss\":\"" ISS "\"", "claims are not base64url of a JSON object", 0 },
    { "claims with a BOM", ES, "\xef\xbb\xbf" OKC, "claims are not base64url of a JSON object", 0 },
    { "aud twice", ES, C(TO TO EXP), "claims are not base64url of a JSON object", 0 },
    { "exp twice", ES, C(TO EXP EXP), "claims are not base64url of a JSON object", 0 },
    { "sub twice, one escaped", ES, C(TO EXP ",\"s\\u0075b\":\"admin\""), "claims are not base64url of a JSON object", 0 },
    { "nested 40 deep", ES, C(TO EXP ",\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
      "claims are not base64url of a JSON object", 0 },
    /* iss */
    { "iss another", ES, "{\"iss\":\"https://evil.example\",\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1700000600}", "iss", 0 },
    { "iss with / at the end", ES, "{\"iss\":\"" ISS "/\",\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1700000600}", "iss", 0 },
    { "iss in capitals", ES, "{\"iss\":\"https://AS.example\",\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1700000600}", "iss", 0 },
    { "iss missing", ES, "{\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1700000600}", "iss", 0 },
    { "iss an array", ES, "{\"iss\":[\"" ISS "\"],\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1700000600}", "iss", 0 },
    { "iss with a NUL behind", ES, "{\"iss\":\"" ISS "\\u0000\",\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1700000600}", "iss", 0 },
    /* aud */
    { "aud in an array", ES, C(",\"aud\":[\"https://other.example\",\"" AUD "\"]" EXP), NULL, 0 },
    { "aud in an array, first", ES, C(",\"aud\":[ \"https:\\/\\/device.example\\/mcp\" , \"x\\\"]\" ]" EXP), NULL, 0 },
    { "aud with / at the end", ES, C(",\"aud\":\"" AUD "/\"" EXP), NULL, 0 },
    { "aud missing", ES, C(EXP), "aud", 0 },
    { "aud null", ES, C(",\"aud\":null" EXP), "aud", 0 },
    { "aud a number", ES, C(",\"aud\":1" EXP), "aud", 0 },
    { "aud an object", ES, C(",\"aud\":{\"" AUD "\":\"" AUD "\"}" EXP), "aud", 0 },
    { "aud empty", ES, C(",\"aud\":\"\"" EXP), "aud", 0 },
    { "aud an empty array", ES, C(",\"aud\":[]" EXP), "aud", 0 },
    { "aud a part of it", ES, C(",\"aud\":\"https://device.example\"" EXP), "aud", 0 },
    { "aud with more behind", ES, C(",\"aud\":\"" AUD "x\"" EXP), "aud", 0 },
    { "aud with // behind", ES, C(",\"aud\":\"" AUD "//\"" EXP), "aud", 0 },
    { "aud escaped slash at the end", ES, C(",\"aud\":\"" AUD "\\/\"" EXP), NULL, 0 },
    { "aud in another case", ES, C(",\"aud\":\"HTTPS://device.example/mcp\"" EXP), "aud", 0 },
    { "aud the client", ES, C(",\"aud\":\"c1\"" EXP), "aud", 0 },
    { "aud a nested array", ES, C(",\"aud\":[[\"" AUD "\"]]" EXP), "aud", 0 },
    { "aud an array with a number", ES, C(",\"aud\":[\"" AUD "\",1]" EXP), "aud", 0 },
    { "aud an array with an object", ES, C(",\"aud\":[{},\"" AUD "\"]" EXP), "aud", 0 },
    /* exp, nbf, iat; 60 seconds of leeway */
    { "exp missing", ES, C(TO), "exp", 0 },
    { "exp null", ES, C(TO ",\"exp\":null"), "exp", 0 },
    { "exp a string", ES, C(TO ",\"exp\":\"1700000600\""), "exp", 0 },
    { "exp true", ES, C(TO ",\"exp\":true"), "exp", 0 },
    { "exp past", ES, C(TO ",\"exp\":1600000000"), "expired", 0 },
    { "exp now", ES, C(TO ",\"exp\":1700000000"), NULL, 0 },
    { "exp 59 seconds ago", ES, C(TO ",\"exp\":1699999941"), NULL, 0 },
    { "exp 60 seconds ago", ES, C(TO ",\"exp\":1699999940"), "expired", 0 },
    { "exp with a fraction", ES, C(TO ",\"exp\":1700000600.999999999999999999999"), NULL, 0 },
    { "exp with a fraction, past", ES, C(TO ",\"exp\":1699999940.9"), "expired", 0 },
    { "exp with an exponent", ES, C(TO ",\"exp\":17000006e2"), NULL, 0 },
    { "exp -1", ES, C(TO ",\"exp\":-1"), "expired", 0 },
    { "exp 0", ES, C(TO ",\"exp\":0"), "expired", 0 },
    { "exp 1e20", ES, C(TO ",\"exp\":1e20"), "exp", 0 },
    { "exp 1e400", ES, C(TO ",\"exp\":1e400"), "exp", 0 },
    { "exp past all integers", ES, C(TO ",\"exp\":99999999999999999999"), "exp", 0 },
    { "exp 9007199254740993", ES, C(TO ",\"exp\":9007199254740993"), NULL, 0 },
    { "exp an array", ES, C(TO ",\"exp\":[1700000600]"), "exp", 0 },
    { "nbf past", ES, C(TO EXP ",\"nbf\":1600000000"), NULL, 0 },
    { "nbf in 60 seconds", ES, C(TO EXP ",\"nbf\":1700000060"), NULL, 0 },
    { "nbf in 61 seconds", ES, C(TO EXP ",\"nbf\":1700000061"), "not valid yet", 0 },
    { "nbf a string", ES, C(TO EXP ",\"nbf\":\"1600000000\""), "nbf or iat is no time", 0 },
    { "iat in 60 seconds", ES, C(TO EXP ",\"iat\":1700000060"), NULL, 0 },
    { "iat in 61 seconds", ES, C(TO EXP ",\"iat\":1700000061"), "not valid yet", 0 },
    { "iat null", ES, C(TO EXP ",\"iat\":null"), "nbf or iat is no time", 0 },
    /* who */
    { "sub missing", ES, "{\"iss\":\"" ISS "\",\"client_id\":\"c1\"" TO EXP "}", "sub", 0 },
    { "sub empty", ES, "{\"iss\":\"" ISS "\",\"sub\":\"\",\"client_id\":\"c1\"" TO EXP "}", "sub", 0 },
    { "sub a number", ES, "{\"iss\":\"" ISS "\",\"sub\":1,\"client_id\":\"c1\"" TO EXP "}", "sub", 0 },
    { "sub with a line end", ES, "{\"iss\":\"" ISS "\",\"sub\":\"a\\r\\nb\",\"client_id\":\"c1\"" TO EXP "}", "sub", 0 },
    /* cnf (RFC 7800): a token that is bound to something unknown is of use to nobody */
    { "cnf.x5t#S256", ES, C(TO EXP ",\"cnf\":{\"x5t#S256\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}"), "cnf", 0 },
    { "cnf.jwk", ES, C(TO EXP ",\"cnf\":{\"jwk\":{}}"), "cnf", 0 },
    { "cnf empty", ES, C(TO EXP ",\"cnf\":{}"), "cnf", 0 },
    { "cnf null", ES, C(TO EXP ",\"cnf\":null"), "cnf", 0 },
    { "cnf.jkt too short", ES, C(TO EXP ",\"cnf\":{\"jkt\":\"0Zc\"}"), "cnf", 0 },
    { "cnf.jkt twice", ES, C(TO EXP ",\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\",\"jkt\":\"x\"}"),
      "claims are not base64url of a JSON object", 0 },
    { "cnf.jkt", ES, C(TO EXP ",\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}"), NULL, 0 },
};

static const mcpt_jwt_rules rules = { .issuer = ISS };
static mcpt_aud we = { { AUD, sizeof AUD - 1 }, NULL, NULL };

static bool by_another_name(const void *user, mcpt_str aud)
{
    return mcpt_str_is(aud, (const char *)user);
}

/* Checks with a buffer of exactly cap bytes, so that a step beyond shows. */
static mcpt_err check(mcpt_str token, const mcpt_jwt_rules *r, int64_t now, size_t cap, mcpt_claims *c)
{
    char *exact = (char *)malloc(token.len);
    static char *buf;
    mcpt_str copy = token;
    mcpt_err e;
    free(buf);                        /* kept until the next call: claims are views of it */
    buf = (char *)malloc(cap);
    memcpy(exact, token.ptr, token.len);
    copy.ptr = exact;
    e = mcpt_jwt_check(copy, r, &set, &we, now, buf, cap, c);
    free(exact);
    return e;
}

static void judge(const row *r, const mcpt_jwt_rules *with)
{
    char token[2048];
    mcpt_claims c;
    mcpt_err e = check(jwt_make(token, sizeof token, r->header, r->claims), with, NOW, 1024, &c);
    mcpt_err want = r->err != 0 ? r->err : r->why != NULL ? MCPT_E_UNAUTHORIZED : MCPT_OK;
    bool ok = e == want && (r->why == NULL ? c.why == NULL : c.why != NULL && strcmp(c.why, r->why) == 0);
    if (!ok) {
        printf("%s: %d %s\n", r->name, (int)e, c.why != NULL ? c.why : "");
    }
    CHECK(ok);
}

static void attackers_list(void)
{
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        judge(&rows[i], &rules);
    }
}

/* RFC 8725 section 3.10, RFC 7515 section 4.1: tokens of an attacker's own key, which they bring or say where it is. Really signed by it. */
static void keys_of_the_token(void)
{
    static const char *const brought[] = {
        ",\"kid\":\"ec1\",\"jwk\":%s", ",\"jwk\":%s", ",\"jwk\":%s,\"kid\":\"ec1\"", ",\"kid\":\"ec1\",\"jku\":\"https://evil.example/jwks\"",
        ",\"kid\":\"ec1\",\"x5u\":\"https://evil.example/c\",\"x5c\":[\"MIIB\"],\"x5t\":\"AAAA\"", ",\"kid\":\"ec1\"", ""
    };
    uint8_t secret[32];
    char x[44] = { 0 }, y[44] = { 0 }, key[200], more[300], header[400], token[2048];
    mcpt_signer own;
    mcpt_claims c;
    mcpt_str t;
    memset(secret, 7, sizeof secret);
    CHECK(mcpt_signer_init(&own, &jwt_mbed.crypto, secret, 32) == MCPT_OK);
    CHECK(mcpt_b64_encode(own.xy, 32, true, x, sizeof x) == 43 && mcpt_b64_encode(own.xy + 32, 32, true, y, sizeof y) == 43);
    snprintf(key, sizeof key, "{\"kty\":\"EC\",\"kid\":\"ec1\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    for (size_t i = 0; i < MCPT_COUNT(brought); i++) {
        snprintf(more, sizeof more, brought[i], key);
        snprintf(header, sizeof header, "{\"typ\":\"at+jwt\",\"alg\":\"ES256\"%s}", more);
        CHECK(mcpt_jwt_sign(&own, mcpt_z(header), mcpt_z(OKC), token, sizeof token, &t) == MCPT_OK);
        CHECK(check(t, &rules, NOW, 1024, &c) == MCPT_E_UNAUTHORIZED && c.why != NULL && strcmp(c.why, "signature") == 0);
    }
    snprintf(more, sizeof more, "{\"keys\":[%s]}", key);
    load(more);                       /* the tokens are good where that key is trusted */
    CHECK(check(t, &rules, NOW, 1024, &c) == MCPT_OK);
    load(SET);
}

/* What real servers send, each behind its switch. */
static void policies(void)
{
    static const struct { mcpt_jwt_rules rules; row row; } list[] = {
        { { .issuer = ISS, .typ = MCPT_TYP_JWT }, { "typ JWT allowed", "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"rsa1\"}", OKC, NULL, 0 } },
        { { .issuer = ISS, .typ = MCPT_TYP_JWT }, { "typ missing, JWT allowed", "{\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, "typ", 0 } },
        { { .issuer = ISS, .typ = MCPT_TYP_NONE }, { "typ missing allowed", "{\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, NULL, 0 } },
        { { .issuer = ISS, .typ = MCPT_TYP_NONE }, { "typ JWT, none allowed", "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, "typ", 0 } },
        { { .issuer = ISS, .typ = MCPT_TYP_NONE | MCPT_TYP_JWT }, { "typ dpop+jwt all the same", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", OKC, "typ", 0 } },
        { { .issuer = ISS, .algs = MCPT_RS256 }, { "ES256 not configured", ES, OKC, "alg", 0 } },
        { { .issuer = ISS, .algs = MCPT_RS256 }, { "PS256 not configured", H("PS256", "rsa1"), OKC, "alg", 0 } },
        { { .issuer = ISS, .algs = MCPT_RS256 }, { "RS256 configured", RS, OKC, NULL, 0 } },
        { { .issuer = ISS, .audiences = "api://x  api://y" }, { "aud an alias", ES, C(",\"aud\":\"api://y\"" EXP), NULL, 0 } },
        { { .issuer = ISS, .audiences = "api://x api://y" }, { "aud the words together", ES, C(",\"aud\":\"api://x api://y\"" EXP), "aud", 0 } },
        { { .issuer = ISS, .audiences = "api://x" }, { "aud the endpoint beside aliases", ES, OKC, NULL, 0 } },
        { { .issuer = ISS, .no_aud = true }, { "no aud allowed", ES, C(EXP), NULL, 0 } },
        { { .issuer = ISS, .no_aud = true }, { "a wrong aud is wrong all the same", ES, C(",\"aud\":\"https://other.example\"" EXP), "aud", 0 } },
        { { .issuer = ISS, .no_aud = true, .clients = "c0 c1" }, { "no aud, listed client", ES, C(EXP), NULL, 0 } },
        { { .issuer = ISS, .no_aud = true, .clients = "c0 c11" }, { "no aud, other client", ES, C(EXP), "client", 0 } },
        { { .issuer = ISS, .clients = "c1" }, { "client missing", ES, "{\"iss\":\"" ISS "\",\"sub\":\"u\"" TO EXP "}", "client", 0 } },
        { { .issuer = ISS, .leeway = 1 }, { "leeway of a second", ES, C(TO ",\"exp\":1699999999"), "expired", 0 } },
        { { .issuer = ISS, .leeway = 300 }, { "leeway of 5 minutes", ES, C(TO ",\"exp\":1699999701"), NULL, 0 } },
        { { .issuer = ISS, .leeway = 9000 }, { "leeway has a limit", ES, C(TO ",\"exp\":1699999700"), "expired", 0 } },
    };
    static const row other = { "aud another name of ours", ES, C(",\"aud\":[\"https://192.168.1.7/mcp\"]" EXP), NULL, 0 };
    static const row not_other = { "aud no name of ours", ES, C(",\"aud\":[\"https://192.168.1.8/mcp\"]" EXP), "aud", 0 };
    for (size_t i = 0; i < MCPT_COUNT(list); i++) {
        judge(&list[i].row, &list[i].rules);
    }
    we.ours = by_another_name;
    we.user = "https://192.168.1.7/mcp";
    judge(&other, &rules);
    judge(&not_other, &rules);
    we.ours = NULL;
}

static bool is(mcpt_str s, const char *text)
{
    return text == NULL ? s.ptr == NULL : mcpt_str_is(s, text);
}

static void claims(void)
{
    static const mcpt_jwt_rules roles = { .issuer = ISS, .scope_member = "roles" };
    static const struct { const char *claims, *client, *scopes; const mcpt_jwt_rules *rules; } list[] = {
        { C(TO EXP), "c1", "a b", &rules },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"azp\":\"z\",\"scp\":\"s t\"" TO EXP "}", "z", "s t", &rules },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"cid\":\"o\",\"scp\":[\"s\",\"t:u\", \"\\u0076\"]" TO EXP "}", "o", "s t:u v", &rules },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"appid\":\"e\",\"azp\":7,\"scp\":[]" TO EXP "}", "e", "", &rules },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"scope\":[\"a\"],\"scp\":\"b\"" TO EXP "}", NULL, "a", &rules },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"scope\":[\"a b\"]" TO EXP "}", NULL, NULL, &rules },      /* an element is one word */
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"scope\":[\"a\",\"\"]" TO EXP "}", NULL, NULL, &rules },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"scope\":[\"a\",1]" TO EXP "}", NULL, NULL, &rules },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"scope\":7" TO EXP "}", NULL, NULL, &rules },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"scope\":\"a\\nb\"" TO EXP "}", NULL, NULL, &rules },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"scope\":null" TO EXP "}", NULL, NULL, &rules },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"scope\":\"x\",\"scp\":\"y\",\"roles\":[\"r\"]" TO EXP "}", NULL, "r", &roles },
        { "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"scp\":\"y\"" TO EXP "}", NULL, NULL, &roles },
    };
    char token[2048];
    mcpt_claims c;
    for (size_t i = 0; i < MCPT_COUNT(list); i++) {
        CHECK(check(jwt_make(token, sizeof token, ES, list[i].claims), list[i].rules, NOW, 1024, &c) == MCPT_OK);
        CHECK(is(c.issuer, ISS) && is(c.subject, "user_1") && is(c.client_id, list[i].client) && is(c.scopes, list[i].scopes));
        CHECK(c.expires == 1700000600 && c.issued == 0 && c.jti.ptr == NULL && c.jkt.ptr == NULL);
    }
    CHECK(check(jwt_make(token, sizeof token, RS, C(TO EXP ",\"iat\":1699999999.5,\"jti\":\"oat_1\",\"cnf\":{\"jkt\":"
                         "\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}")), &rules, NOW, 1024, &c) == MCPT_OK);
    CHECK(c.issued == 1699999999 && is(c.jti, "oat_1") && is(c.jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
}

/* A clock that is not set is a state of its own, for tokens that are good otherwise. */
static void clock_not_set(void)
{
    char token[2048];
    mcpt_claims c;
    mcpt_str t = jwt_make(token, sizeof token, ES, OKC);
    CHECK(check(t, &rules, -1, 1024, &c) == MCPT_E_CLOCK && c.why == NULL);
    token[t.len - 10] ^= 1;
    CHECK(check(t, &rules, -1, 1024, &c) == MCPT_E_UNAUTHORIZED);
    t = jwt_make(token, sizeof token, ES, C(EXP));
    CHECK(check(t, &rules, -1, 1024, &c) == MCPT_E_UNAUTHORIZED && strcmp(c.why, "aud") == 0);
}

static mcpt_err raw(const char *text)
{
    mcpt_claims c;
    return check(mcpt_z(text), &rules, NOW, 1024, &c);
}

/* Forms: segments, base64url, lengths, bits. */
static void parts(void)
{
    char token[8192], other[8192];
    mcpt_claims c;
    size_t wrong = 0, dot;
    mcpt_str t = jwt_make(token, sizeof token, ES, OKC), u;
    CHECK(raw("") == MCPT_E_UNAUTHORIZED && raw(".") == MCPT_E_UNAUTHORIZED && raw("..") == MCPT_E_UNAUTHORIZED);
    CHECK(raw("...") == MCPT_E_UNAUTHORIZED && raw("a.b.c.d.e") == MCPT_E_UNAUTHORIZED && raw("abc") == MCPT_E_UNAUTHORIZED);
    for (size_t n = 0; n < t.len; n++) {                    /* truncated, at every length */
        u = t;
        u.len = n;
        wrong += check(u, &rules, NOW, 1024, &c) != MCPT_E_UNAUTHORIZED;
    }
    CHECK(wrong == 0);
    for (size_t i = 0; i < t.len; i++) {                    /* every character, by three others */
        for (size_t k = 0; k < 3; k++) {
            mcpt_err e;
            memcpy(other, token, t.len);
            other[i] = k == 0 ? (char)(token[i] ^ 1) : k == 1 ? '=' : token[i] == 'A' ? 'B' : 'A';
            u.ptr = other;
            u.len = t.len;
            e = check(u, &rules, NOW, 1024, &c);
            wrong += e != MCPT_E_UNAUTHORIZED && e != MCPT_E_ABSENT;
        }
    }
    CHECK(wrong == 0);
    for (size_t i = 0; i <= t.len; i++) {                   /* a character more, anywhere */
        static const char more[] = "A=.+/ \n";
        for (size_t k = 0; k < sizeof more - 1; k++) {
            mcpt_err e;
            memcpy(other, token, i);
            other[i] = more[k];
            memcpy(other + i + 1, token + i, t.len - i);
            u.ptr = other;
            u.len = t.len + 1;
            e = check(u, &rules, NOW, 1024, &c);
            wrong += e != MCPT_E_UNAUTHORIZED && e != MCPT_E_ABSENT;
        }
    }
    CHECK(wrong == 0);
    for (dot = t.len; token[dot - 1] != '.'; dot--) {
    }
    u = t;                                                  /* non-zero bits behind the 64th byte of the signature */
    other[0] = '\0';
    memcpy(other, token, t.len);
    other[t.len - 1] = other[t.len - 1] == 'A' ? 'B' : (char)(other[t.len - 1] + 1);
    u.ptr = other;
    CHECK(check(u, &rules, NOW, 1024, &c) == MCPT_E_UNAUTHORIZED && strcmp(c.why, "signature is not base64url") == 0);
    for (size_t n = 62; n <= 66; n++) {                     /* DER and other lengths */
        uint8_t sig[72] = { 0x30, 0x44, 2, 0x20, 1 };
        size_t at = dot;
        memcpy(other, token, dot);
        jwt_part(other, sizeof other, &at, sig, n);
        u.ptr = other;
        u.len = at;
        CHECK(check(u, &rules, NOW, 1024, &c) == MCPT_E_UNAUTHORIZED && strcmp(c.why, "signature") == 0);
    }
    memset(other + dot, 'A', 4096);                         /* a signature of 3 KB */
    u.len = dot + 4096;
    CHECK(check(u, &rules, NOW, 1024, &c) == MCPT_E_UNAUTHORIZED && strcmp(c.why, "signature too long") == 0);
    t = jwt_make(token, sizeof token, ES, OKC);             /* signature of one token under another */
    u = jwt_make(other, sizeof other, ES, C(TO EXP ",\"x\":1"));
    memcpy(other + u.len - 86, token + t.len - 86, 86);
    CHECK(check(u, &rules, NOW, 1024, &c) == MCPT_E_UNAUTHORIZED && strcmp(c.why, "signature") == 0);
}

/* Every size of the buffer: enough, or E_SPACE. */
static void oversize(void)
{
    char token[4096], header[700], claims_text[2048];
    mcpt_claims c;
    mcpt_str t;
    bool fits = false, wrong = false;
    for (unsigned alg = 0; alg < 2; alg++) {
        t = jwt_make(token, sizeof token, alg == 0 ? ES : RS, OKC);
        fits = false;
        for (size_t cap = 1; cap < 400; cap++) {
            mcpt_err e = check(t, &rules, NOW, cap, &c);
            wrong = wrong || (e != MCPT_OK && e != MCPT_E_SPACE) || (fits && e != MCPT_OK);
            fits = fits || e == MCPT_OK;
        }
        CHECK(fits && !wrong);
    }
    memset(header, 'k', sizeof header);
    snprintf(header, 60, "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"");
    header[strlen(header)] = 'k';
    for (size_t n = 127; n <= 130; n++) {
        size_t at = strlen("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"") + n;
        strcpy(header + at, "\"}");
        CHECK(check(jwt_make(token, sizeof token, header, OKC), &rules, NOW, 1024, &c) == (n <= 128 ? MCPT_E_ABSENT : MCPT_E_UNAUTHORIZED));
        header[at] = header[at + 1] = header[at + 2] = 'k';
    }
    strcpy(claims_text, "{\"iss\":\"" ISS "\",\"sub\":\"u\",\"exp\":1700000600,\"aud\":[");
    for (size_t i = 0; i < 300; i++) {                      /* an audience of 300 */
        strcat(claims_text, "\"x\",");
    }
    strcat(claims_text, "\"" AUD "\"]}");
    t = jwt_make(token, sizeof token, ES, claims_text);
    CHECK(check(t, &rules, NOW, 2048, &c) == MCPT_OK);
    CHECK(check(t, &rules, NOW, 1024, &c) == MCPT_E_SPACE);
}

static void no_crypto(void)
{
    char token[2048], buf[1024];
    mcpt_crypto some = *crypto;
    mcpt_claims c;
    mcpt_str t = jwt_make(token, sizeof token, ES, OKC);
    set.crypto = NULL;
    CHECK(mcpt_jwt_check(t, &rules, &set, &we, NOW, buf, sizeof buf, &c) == MCPT_E_CRYPTO);
    set.crypto = &some;
    some.es256_verify = NULL;                               /* refused, not weakened */
    CHECK(mcpt_jwt_check(t, &rules, &set, &we, NOW, buf, sizeof buf, &c) == MCPT_E_UNAUTHORIZED);
    some.sha256 = NULL;
    CHECK(mcpt_jwt_check(t, &rules, &set, &we, NOW, buf, sizeof buf, &c) == MCPT_E_CRYPTO);
    some = *crypto;
    some.ps256_verify = NULL;
    CHECK(mcpt_jwt_check(jwt_make(token, sizeof token, H("PS256", "rsa1"), OKC), &rules, &set, &we, NOW, buf, sizeof buf, &c) ==
          MCPT_E_UNAUTHORIZED);
    set.crypto = crypto;
}

static void crypto_that_fails(void)
{
    char token[2048], buf[1024], text[1024];
    mcpt_crypto some;
    mcpt_claims c;
    mcpt_jwk key;
    mcpt_str t = jwt_make(token, sizeof token, ES, OKC);
    unsigned at = 0;
    mcpt_err e;
    do {
        jwt_fail(&some, crypto, ++at);
        set.crypto = &some;
        e = mcpt_jwt_check(t, &rules, &set, &we, NOW, buf, sizeof buf, &c);
        CHECK(e == MCPT_OK ? jwt_failing.calls < at : e == MCPT_E_CRYPTO || e == MCPT_E_UNAUTHORIZED);
    } while (e != MCPT_OK && at < 20);
    CHECK(at == 4);                   /* kid, signed text, signature; then all went well */
    jwt_fail(&some, crypto, 1);
    CHECK(mcpt_jwk_parse(&key, mcpt_z(EC_JWK), &some, text, sizeof text) == MCPT_E_CRYPTO && key.algs == 0);
    CHECK(mcpt_jwk_parse(&key, mcpt_z(EC_JWK), &some, text, sizeof text) == MCPT_OK);
    jwt_fail(&some, crypto, 1);
    CHECK(mcpt_jwk_thumbprint(&key, &some, text) == MCPT_E_CRYPTO);
    jwt_fail(&some, crypto, 2);       /* in the middle of a key set: the old keys stay */
    mcpt_jwks_begin(&set);
    CHECK(mcpt_jwks_feed(&set, SET, sizeof SET - 1) == MCPT_E_CRYPTO && mcpt_jwks_end(&set, true) == MCPT_E_CRYPTO);
    set.crypto = crypto;
    CHECK(check(t, &rules, NOW, 1024, &c) == MCPT_OK);
}

/* -- keys */

static mcpt_err one(const char *json, mcpt_jwk *key)
{
    char buf[1024];
    mcpt_err e = mcpt_jwk_parse(key, mcpt_z(json), crypto, buf, sizeof buf);
    CHECK((e == MCPT_OK) == (key->algs != 0));
    return e;
}

static void jwk(void)
{
    static const struct { const char *json; mcpt_err err; uint8_t algs; } list[] = {
        { RSA_JWK, MCPT_OK, MCPT_RS256 | MCPT_PS256 },
        { EC_JWK, MCPT_OK, MCPT_ES256 },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\",\"use\":\"sig\",\"alg\":\"ES256\",\"key_ops\":[\"verify\"]}", MCPT_OK, MCPT_ES256 },
        { "{\"kty\":\"RSA\",\"alg\":\"PS256\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\",\"key_ops\":[\"x\", \"v\\u0065rify\"]}", MCPT_OK, MCPT_PS256 },
        { "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}", MCPT_OK, MCPT_RS256 },
        { "{\"kty\":\"RSA\",\"n\":\"AK" "H4Fgri48m0Zc6NLWViYzYrkn2-KeHwJHf8FiXMkKE244vZNJfFtupj3XcR5nx0KflWsPuKjwia3EtpiTzBMz9T7dAZuHeEJS_skU_khXdpWUvqQoDTLA9Vv2KUTxMDlrxum99uvdK9o2eO7KDGaPcBs42_-zjINCzi_m0n-t5KWkh0l53Uuc-a3sTHWwWFLCwPXvilwXUDkvlE6O1kwRDGtkdgmqR4OuucbJrXVTEwUGOLg2Zcb296gqOWcCofZBuC0-vyOSIZSR-2hocsVxb1Cvg1jZqLnRfDQHKPf4fYmhjY_KtnrYRZDC7PdZM5NjwHA01vYG-eIeBUVsrl6aE\",\"e\":\"AAEAAQ\"}",
          MCPT_OK, MCPT_RS256 | MCPT_PS256 },               /* zeros in front of n and e */
        { "{\"kty\":\"RSA\",\"use\":\"enc\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"use\":1,\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"key_ops\":[\"sign\"],\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"key_ops\":[],\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"key_ops\":\"verify\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"alg\":\"RS512\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"alg\":\"ES256\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"alg\":null,\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\",\"d\":\"AQAB\"}", MCPT_E_ABSENT, 0 },       /* private */
        { "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}", MCPT_E_ABSENT, 0 },                        /* e = 1 */
        { "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAC\"}", MCPT_E_ABSENT, 0 },                      /* even */
        { "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAAAAE\"}", MCPT_E_ABSENT, 0 },                   /* 5 bytes */
        { "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"x5c\":[\"MIIC\"]}", MCPT_E_ABSENT, 0 },                       /* a certificate only */
        { "{\"kty\":\"RSA\",\"n\":\"" RSA_N "==\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"RSA\",\"n\":\"" EC_X "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },                       /* 256 bits */
        { "{\"kty\":\"RSA\",\"n\":\"" RSA_P "\",\"e\":\"AQAB\"}", MCPT_E_ABSENT, 0 },                        /* 1024 bits */
        { "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"" EC_Y "\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "AA\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"EC\",\"alg\":\"ES384\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" EC_X "\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"oct\",\"k\":\"" EC_X "\"}", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"ec\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", MCPT_E_ABSENT, 0 },
        { "{\"kid\":7,\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", MCPT_E_ABSENT, 0 },
        { "{}", MCPT_E_ABSENT, 0 },
        { "[]", MCPT_E_ABSENT, 0 },
        { "{\"kty\":\"EC\"", MCPT_E_JSON, 0 },
        { "{\"kty\":\"EC\",\"kty\":\"RSA\"}", MCPT_E_DUPLICATE, 0 },
    };
    char thumb[43], buf[64];
    mcpt_jwk key;
    for (size_t i = 0; i < MCPT_COUNT(list); i++) {
        mcpt_err e = one(list[i].json, &key);
        if (e != list[i].err || (e == MCPT_OK && key.algs != list[i].algs)) {
            printf("jwk %d: %d %.60s\n", (int)i, (int)e, list[i].json);
        }
        CHECK(e == list[i].err && (e != MCPT_OK || key.algs == list[i].algs));
    }
    {
        char even[] = "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}";
        char *end = strstr(even, "\",\"e\":");

        CHECK(one(even, &key) == MCPT_OK);
        end[-1] = 'A';                /* its last two bits were 01 */
        CHECK(one(even, &key) == MCPT_E_ABSENT);
    }
    CHECK(mcpt_jwk_parse(&key, mcpt_z(EC_JWK), crypto, buf, sizeof buf) == MCPT_E_SPACE);
    CHECK(mcpt_jwk_parse(&key, mcpt_z(EC_JWK), NULL, set_buf, sizeof set_buf) == MCPT_E_CRYPTO);
    CHECK(mcpt_jwk_thumbprint(&key, crypto, thumb) == MCPT_E_ABSENT || key.algs != 0);
    /* RFC 7638 section 3.1 */
    CHECK(one("{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF"
              "V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajr"
              "n1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\","
              "\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}", &key) == MCPT_OK);
    CHECK(mcpt_jwk_thumbprint(&key, crypto, thumb) == MCPT_OK && memcmp(thumb, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", 43) == 0);
    /* RFC 9449 section 6.1 */
    CHECK(one("{\"kty\":\"EC\",\"x\":\"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs\",\"y\":\"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA\",\"crv\":\"P-256\"}",
              &key) == MCPT_OK);
    CHECK(mcpt_jwk_thumbprint(&key, crypto, thumb) == MCPT_OK && memcmp(thumb, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", 43) == 0);
}

static size_t count(void)
{
    size_t n = 0;
    for (size_t i = 0; i < MCPT_COUNT(slots); i++) {
        n += slots[i].algs != 0;
    }
    return n;
}

static mcpt_err again(const char *text, bool whole)
{
    mcpt_err e;
    mcpt_jwks_begin(&set);
    e = mcpt_jwks_feed(&set, text, strlen(text));
    CHECK(e == MCPT_OK || e == MCPT_PENDING || e == mcpt_jwks_feed(&set, "x", 1));          /* sticky */
    return mcpt_jwks_end(&set, whole && e >= 0);
}

static mcpt_err try_kid(const char *header)
{
    char token[2048];
    mcpt_claims c;
    return check(jwt_make(token, sizeof token, header, OKC), &rules, NOW, 1024, &c);
}

#define KID(kid) "{\"kty\":\"EC\",\"kid\":\"" kid "\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}"

static void jwks(void)
{
    static char big[200000];
    size_t n;
    load("{\"keys\":[]}");
    CHECK(count() == 0 && try_kid(ES) == MCPT_E_ABSENT);
    CHECK(again("{\"x\":{\"keys\":[" EC_JWK "]}}", true) == MCPT_E_ABSENT && count() == 0);      /* not there */
    CHECK(again("{\"keys\":{\"a\":" EC_JWK "}}", true) == MCPT_OK && count() == 0);              /* no array */
    CHECK(again("{\"keys\":[[" EC_JWK "],\"x\",1,null]}", true) == MCPT_OK && count() == 0);
    CHECK(again("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"inner\":" RSA_JWK ",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\",\"x5c\":[\"{\",{}]}]}", true) ==
          MCPT_OK && count() == 1 && slots[0].algs == MCPT_ES256);
    load("{\"x\":[{}],\"keys\":[{},{\"kty\":\"oct\"}," EC_JWK ",{\"kty\":\"RSA\",\"use\":\"enc\"}," RSA_JWK "],\"y\":[" EC_JWK "]}");
    CHECK(count() == 2 && set.left_out == 0 && try_kid(ES) == MCPT_OK && try_kid(RS) == MCPT_OK);
    /* broken, in any way: the old keys stay */
    CHECK(again("{\"keys\":[" KID("ec2") "]", true) == MCPT_E_JSON && count() == 2 && try_kid(ES) == MCPT_OK);
    CHECK(again("{\"keys\":[" KID("ec2") "]}", false) == MCPT_E_CLOSED && count() == 2 && try_kid(H("ES256", "ec2")) == MCPT_E_ABSENT);
    CHECK(again("<html></html>", true) == MCPT_E_CLOSED && count() == 2);
    CHECK(again("{\"keys\":[" KID("ec2") ",{\"kid\":\"a\",\"kid\":\"b\"}]}", true) == MCPT_E_CLOSED && count() == 2);
    CHECK(again("{\"keys\":[" KID("ec2") "],\"keys\":[]}", true) == MCPT_E_CLOSED && count() == 2);
    CHECK(again("", true) == MCPT_E_JSON && count() == 2);
    CHECK(again("{}", true) == MCPT_E_ABSENT && count() == 2 && try_kid(ES) == MCPT_OK);
    /* rotation: the new one beside the old, then alone; a key that is not in the set any more is revoked */
    CHECK(again("{\"keys\":[" EC_JWK "," KID("ec2") "]}", true) == MCPT_OK && count() == 2);
    CHECK(try_kid(ES) == MCPT_OK && try_kid(H("ES256", "ec2")) == MCPT_OK && try_kid(RS) == MCPT_E_ABSENT);
    CHECK(again("{\"keys\":[" KID("ec2") "]}", true) == MCPT_OK && count() == 1 && try_kid(ES) == MCPT_E_ABSENT);
    CHECK(try_kid("{\"typ\":\"at+jwt\",\"alg\":\"ES256\"}") == MCPT_OK);            /* the only one */
    CHECK(again("{\"keys\":[" KID("ec2") "," KID("ec3") "]}", true) == MCPT_OK && count() == 2);
    CHECK(try_kid("{\"typ\":\"at+jwt\",\"alg\":\"ES256\"}") == MCPT_E_ABSENT);      /* which one? */
    /* one kid for keys of two kinds */
    CHECK(again("{\"keys\":[" KID("k") ",{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}]}", true) == MCPT_OK);
    CHECK(try_kid(H("ES256", "k")) == MCPT_OK && try_kid(H("RS256", "k")) == MCPT_OK);
    /* a key without a kid is not the key of a token with one */
    CHECK(again("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}]}", true) == MCPT_OK);
    CHECK(try_kid(ES) == MCPT_E_ABSENT && try_kid("{\"typ\":\"at+jwt\",\"alg\":\"ES256\"}") == MCPT_OK);
    /* more keys than slots; the one that a token has asked for gets in */
    n = (size_t)sprintf(big, "{\"keys\":[");
    for (unsigned i = 0; i < 100; i++) {
        n += (size_t)sprintf(big + n, "%s{\"kty\":\"EC\",\"kid\":\"k%u\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\",\"x5c\":[\"%0*u\"]}",
                             i > 0 ? "," : "", i, 700, 0u);
    }
    strcpy(big + n, "]}");
    load(big);
    CHECK(count() == 4 && set.left_out == 96 && try_kid(H("ES256", "k3")) == MCPT_OK);
    CHECK(try_kid(H("ES256", "k77")) == MCPT_E_ABSENT && set.wanted);
    CHECK(again(big, true) == MCPT_OK && count() == 4 && !set.wanted && try_kid(H("ES256", "k77")) == MCPT_OK);
    CHECK(try_kid(H("ES256", "k99")) == MCPT_E_ABSENT && again(big, true) == MCPT_OK && try_kid(H("ES256", "k99")) == MCPT_OK);
    CHECK(try_kid("{\"typ\":\"at+jwt\",\"alg\":\"ES256\"}") == MCPT_E_ABSENT && !set.wanted);
    load(SET);
}

static bool same_slots(const mcpt_jwk *a)
{
    return memcmp(slots, a, sizeof slots) == 0;
}

/* A set in any two pieces, and byte by byte, gives the same keys. */
static void jwks_pieces(void)
{
    static const char text[] = " {\"a\":{\"keys\":1},\"k\\u0065ys\" : [ {\"x5c\":[\"}{\"],\"kty\":\"EC\",\"kid\":\"\\u007b\",\"crv\":\"P-256\",\"x\":\"" EC_X
        "\",\"y\":\"" EC_Y "\"} ,{}, " RSA_JWK " ] } ";
    mcpt_jwk want[MCPT_COUNT(slots)];
    size_t wrong = 0;
    load(text);
    CHECK(count() == 2);
    memcpy(want, slots, sizeof want);
    for (size_t i = 0; i < sizeof text; i++) {
        char *a = (char *)malloc(i + 1), *b = (char *)malloc(sizeof text - i);
        memset(slots, 0, sizeof slots);
        memcpy(a, text, i);
        memcpy(b, text + i, sizeof text - 1 - i);
        mcpt_jwks_begin(&set);
        wrong += mcpt_jwks_feed(&set, a, i) < 0 || mcpt_jwks_feed(&set, b, sizeof text - 1 - i) != MCPT_OK ||
            mcpt_jwks_end(&set, true) != MCPT_OK || !same_slots(want);
        free(a);
        free(b);
    }
    CHECK(wrong == 0);
    memset(slots, 0, sizeof slots);
    mcpt_jwks_begin(&set);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        wrong += mcpt_jwks_feed(&set, text + i, 1) < 0;
    }
    CHECK(wrong == 0 && mcpt_jwks_end(&set, true) == MCPT_OK && same_slots(want));
    for (size_t cap = 0; cap < 700; cap += 7) {             /* a buffer that is too small: keys are passed over, nothing else */
        char *buf = (char *)malloc(cap + 1);
        memset(slots, 0, sizeof slots);
        set.buf = buf;
        set.cap = cap;
        wrong += again(text, true) != MCPT_OK || (count() == 2 && !same_slots(want));
        free(buf);
    }
    CHECK(wrong == 0);
    load(SET);
}

/* -- writing */

static int64_t fixed_time(void *user)
{
    return *(const int64_t *)user;
}
static bool fixed_random(void *user, void *buf, size_t len)
{
    memset(buf, 7, len);
    return *(const int64_t *)user != 0;
}

static bool payload_is(mcpt_str token, unsigned part, const char *text)
{
    char buf[1024];
    size_t len;
    const char *p = token.ptr, *end;
    while (part-- > 0) {
        p = (const char *)memchr(p, '.', (size_t)(token.ptr + token.len - p)) + 1;
    }
    end = (const char *)memchr(p, '.', (size_t)(token.ptr + token.len - p));
    token.len = (size_t)((end != NULL ? end : token.ptr + token.len) - p);
    token.ptr = p;
    if (!mcpt_b64_decode(token, true, buf, sizeof buf, &len) || len != strlen(text) || memcmp(buf, text, len) != 0) {
        printf("%.*s\n", (int)len, buf);
        return false;
    }
    return true;
}

static void writing(void)
{
    int64_t now = NOW;
    mcpt_env env = { .unix_time = fixed_time, .random = fixed_random, .user = &now };
    static const mcpt_jwt_rules own = { .issuer = "client\"1", .typ = MCPT_TYP_JWT };
    char text[1024];
    mcpt_str out = { NULL, 0 }, none = { NULL, 0 };
    mcpt_signer s;
    mcpt_claims c;
    bool fits = false, wrong = false;
    CHECK(mcpt_signer_init(&s, &jwt_mbed.crypto, jwt_ec.ref, 32) == MCPT_OK);
    /* RFC 7523 section 3, OpenID Connect Core section 9 */
    CHECK(mcpt_jwt_assertion(&s, &env, "ec1", mcpt_z("client\"1"), mcpt_z(AUD), text, sizeof text, &out) == MCPT_OK);
    CHECK(payload_is(out, 0, "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"ec1\"}"));
    CHECK(payload_is(out, 1, "{\"iss\":\"client\\\"1\",\"sub\":\"client\\\"1\",\"aud\":\"" AUD "\",\"jti\":\"BwcHBwcHBwcHBwcHBwcHBw\",\"iat\":1700000000,"
                     "\"exp\":1700000300}"));
    CHECK(check(out, &own, NOW, 1024, &c) == MCPT_OK);
    for (size_t cap = 0; cap <= out.len + 1; cap++) {       /* every size: all of it, or E_SPACE */
        char *exact = (char *)malloc(cap + 1);
        mcpt_str o = none;
        mcpt_err e = mcpt_jwt_assertion(&s, &env, "ec1", mcpt_z("client\"1"), mcpt_z(AUD), exact, cap, &o);
        wrong = wrong || (e != MCPT_OK && e != MCPT_E_SPACE) || (fits && e != MCPT_OK) || (e == MCPT_OK && (cap < out.len || o.len != out.len));
        fits = fits || e == MCPT_OK;
        free(exact);
    }
    CHECK(fits && !wrong);
    CHECK(mcpt_jwt_assertion(&s, &env, NULL, mcpt_z("c"), mcpt_z("a"), text, sizeof text, &out) == MCPT_OK);
    CHECK(payload_is(out, 0, "{\"typ\":\"JWT\",\"alg\":\"ES256\"}"));
    CHECK(mcpt_jwt_sign(&s, mcpt_z(ES), mcpt_z(OKC), text, sizeof text, &out) == MCPT_OK && check(out, &rules, NOW, 1024, &c) == MCPT_OK);
    CHECK(mcpt_jwt_sign(&s, mcpt_z(ES), mcpt_z(OKC), text, out.len - 1, &out) == MCPT_E_SPACE);
    CHECK(mcpt_jwt_sign(&s, mcpt_z(ES), mcpt_z(OKC), text, 10, &out) == MCPT_E_SPACE);
    now = -1;
    CHECK(mcpt_jwt_assertion(&s, &env, "ec1", mcpt_z("c"), mcpt_z("a"), text, sizeof text, &out) == MCPT_E_CLOCK);
    now = 0;
    CHECK(mcpt_jwt_assertion(&s, &env, "ec1", mcpt_z("c"), mcpt_z("a"), text, sizeof text, &out) == MCPT_E_RANDOM);
    env.random = NULL;
    CHECK(mcpt_jwt_assertion(&s, &env, "ec1", mcpt_z("c"), mcpt_z("a"), text, sizeof text, &out) == MCPT_E_RANDOM);
    env.unix_time = NULL;
    CHECK(mcpt_jwt_assertion(&s, &env, "ec1", mcpt_z("c"), mcpt_z("a"), text, sizeof text, &out) == MCPT_E_CLOCK);
    CHECK(mcpt_signer_init(&s, &mcpt_mbedtls_crypto, jwt_ec.ref, 32) == MCPT_E_CRYPTO);         /* cannot sign */
    CHECK(mcpt_signer_init(&s, &jwt_mbed.crypto, jwt_ec.ref, 31) == MCPT_E_CRYPTO);
    CHECK(mcpt_signer_init(&s, &jwt_mbed.crypto, text, 33) == MCPT_E_CRYPTO && mcpt_signer_init(&s, NULL, text, 32) == MCPT_E_CRYPTO);
}

int main(void)
{
    jwt_keys();
    for (unsigned i = 0; i < 2; i++) {
        crypto = i == 0 ? &mcpt_mbedtls_crypto : &mcpt_bearssl_crypto;
        load(SET);
        attackers_list();
        keys_of_the_token();
        policies();
        claims();
        clock_not_set();
        parts();
        oversize();
        no_crypto();
        crypto_that_fails();
        jwk();
        jwks();
        jwks_pieces();
        writing();
    }
    jwt_forget();
    return test_end();
}
