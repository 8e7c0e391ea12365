/* Fuzzer of tokens, keys and challenges. The first byte tells what the rest is: T a token, J header and claims of a token
 * that gets a good signature (separated by a line end), D the same as a DPoP proof, K a key set, C the value of a
 * WWW-Authenticate field, W what our own assertions and proofs are about. Signatures here are a hash that anybody can make, so that everything behind them is reached. */
/* sections: jwk jwt dpop */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "fuzz.h"

#define ISS "https://as.example"
#define URL "https://device.example/mcp"
enum { NOW = 1700000000 };

/* A good signature repeats the hash. */
static bool fake_es256(void *user, const uint8_t xy[64], const uint8_t hash[32], const uint8_t sig[64])
{
    (void)user;
    NEED(xy != NULL);
    return memcmp(sig, hash, 32) == 0 && memcmp(sig + 32, hash, 32) == 0;
}

static bool fake_rsa(void *user, const mcpt_rsa *key, const uint8_t hash[32], const void *sig, size_t len)
{
    (void)user;
    NEED(mcpt_rsa_ok(key));
    return len == 64 && memcmp(sig, hash, 32) == 0 && memcmp((const char *)sig + 32, hash, 32) == 0;
}

static bool fake_sign(void *user, const void *key, size_t key_len, const uint8_t hash[32], uint8_t sig[64])
{
    (void)user;
    memcpy(sig, hash, 32);
    memcpy(sig + 32, hash, 32);
    return key != NULL && key_len == 32;
}

static bool fake_public(void *user, const void *key, size_t key_len, uint8_t xy[64])
{
    (void)user;
    (void)key;
    memset(xy, 5, 64);
    return key_len == 32;
}

static const mcpt_crypto crypto = { .es256_sign = fake_sign, .es256_public = fake_public,
    .sha256 = fake_sha256, .hmac_sha256 = fake_hmac, .rs256_verify = fake_rsa, .ps256_verify = fake_rsa, .es256_verify = fake_es256
};

static int64_t the_time(void *user)
{
    (void)user;
    return NOW;
}
static bool the_random(void *user, void *buf, size_t len)
{
    (void)user;
    memset(buf, 3, len);
    return true;
}
static const mcpt_env env = { .random = the_random, .unix_time = the_time, .crypto = &crypto };

#define X "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
static const char keys_text[] = "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" X "\"},"
    "{\"kty\":\"RSA\",\"kid\":\"r\",\"e\":\"AQAB\",\"n\":\"____________________________________________________________________________________________________"
    "________________________________________________________________________________________________________________________"
    "_________________________________________________________________________________________________________________________w\"}]}";

typedef struct keyring {
    mcpt_jwks set;
    mcpt_jwk slots[4];
    char *buf;
} keyring;

static void keyring_start(keyring *k, size_t cap)
{
    memset(k, 0, sizeof(*k));
    k->buf = fuzz_mem(cap);
    k->set.keys = k->slots;
    k->set.nkeys = 4;
    k->set.buf = k->buf;
    k->set.cap = cap;
    k->set.crypto = &crypto;
    mcpt_jwks_begin(&k->set);
}

static void printable(mcpt_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        NEED((unsigned char)s.ptr[i] >= 0x20 && s.ptr[i] != 0x7f);
    }
    NEED(mcpt_utf8_ok(s));
}

static const mcpt_jwt_rules strict = { .issuer = ISS };
static const mcpt_jwt_rules loose = { .issuer = ISS, .audiences = "api://x api", .clients = "c1 c2", .scope_member = "roles",
    .typ = MCPT_TYP_JWT | MCPT_TYP_NONE, .no_aud = true, .leeway = 300 };

static mcpt_err token_check(keyring *k, const char *text, size_t len, const mcpt_jwt_rules *rules, size_t cap)
{
    static const mcpt_aud aud = { { URL, sizeof(URL) - 1 }, NULL, NULL };
    char *buf = fuzz_mem(cap), *copy = fuzz_copy(text, len);
    mcpt_str token = { copy, len };
    mcpt_claims c;
    mcpt_err e = mcpt_jwt_check(token, rules, &k->set, &aud, NOW, buf, cap, &c);
    NEED(e == MCPT_OK || e == MCPT_E_UNAUTHORIZED || e == MCPT_E_ABSENT || e == MCPT_E_SPACE);
    NEED((e == MCPT_E_UNAUTHORIZED) == (c.why != NULL));
    if (e == MCPT_OK) {
        NEED(mcpt_str_is(c.issuer, ISS) && c.subject.len > 0 && c.expires > NOW - 301);
        NEED(c.jkt.ptr == NULL || c.jkt.len == 43);
        printable(c.subject);
        printable(c.client_id);
        printable(c.scopes);
        printable(c.jti);
        printable(c.jkt);
    }
    free(copy);
    free(buf);
    return e;
}

static void token(const char *text, size_t len, fuzz_random *r)
{
    keyring k;
    keyring_start(&k, 1024);
    NEED(mcpt_jwks_feed(&k.set, keys_text, sizeof(keys_text) - 1) == MCPT_OK && mcpt_jwks_end(&k.set, true) == MCPT_OK);
    NEED(k.slots[0].algs == MCPT_ES256 && k.slots[1].algs == (MCPT_RS256 | MCPT_PS256));
    for (unsigned i = 0; i < 2; i++) {
        const mcpt_jwt_rules *rules = i == 0 ? &strict : &loose;
        mcpt_err e = token_check(&k, text, len, rules, len + 4), less;
        NEED(e != MCPT_E_SPACE);
        less = token_check(&k, text, len, rules, fuzz_next(r) % ((uint32_t)len + 4u));
        NEED(less == e || less == MCPT_E_SPACE);
    }
    free(k.buf);
}

static size_t part(char *out, size_t at, const void *data, size_t len)
{
    return at + mcpt_b64_encode(data, len, true, out + at, (len + 2) / 3 * 4);
}

/* header, line end, claims: signed. */
static char *wrap(const char *text, size_t len, size_t *n, const char **end)
{
    char *out = fuzz_mem(2 * len + 200);
    uint8_t sig[64];
    mcpt_str s;
    size_t at;
    *end = memchr(text, '\n', len);
    if (*end == NULL) {
        *end = text + len;
    }
    at = part(out, 0, text, (size_t)(*end - text));
    out[at++] = '.';
    if (*end != text + len) {
        at = part(out, at, *end + 1, (size_t)(text + len - *end - 1));
    }
    s.ptr = out;
    s.len = at;
    fake_sha256(NULL, &s, 1, sig);
    memcpy(sig + 32, sig, 32);
    out[at++] = '.';
    *n = part(out, at, sig, sizeof(sig));
    return out;
}

static void made(const char *text, size_t len, fuzz_random *r)
{
    const char *end;
    size_t n;
    char *made_text = wrap(text, len, &n, &end);
    fuzz_json j;
    keyring k;
    token(made_text, n, r);
    keyring_start(&k, 1024);
    (void)mcpt_jwks_feed(&k.set, keys_text, sizeof(keys_text) - 1);
    (void)mcpt_jwks_end(&k.set, true);
    if (token_check(&k, made_text, n, &loose, n + 4) == MCPT_OK) {      /* then both parts are JSON, says somebody else */
        NEED(fuzz_json_ok(text, (size_t)(end - text), &j) && fuzz_json_ok(end + 1, (size_t)(text + len - end - 1), &j));
        made_text[n - 2] = made_text[n - 2] == 'A' ? 'B' : 'A';         /* and the signature counts */
        NEED(token_check(&k, made_text, n, &loose, n + 4) == MCPT_E_UNAUTHORIZED);
    }
    free(k.buf);
    free(made_text);
}

static void proof(const char *text, size_t len, fuzz_random *r)
{
    static const char jwk[] = "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" X "\",\"y\":\"" X "\"}";
    const char *end;
    size_t n;
    char *made_text = wrap(text, len, &n, &end), jkt[43], *copy;
    mcpt_str s = { jwk, sizeof(jwk) - 1 };
    mcpt_seen seen[2] = { { { 0, 0 }, 0 } };
    mcpt_dpop d = { .env = &env, .seen = seen, .nseen = 2 };
    uint8_t hash[32];
    mcpt_err e;
    fake_sha256(NULL, &s, 1, hash);
    (void)mcpt_b64_encode(hash, 32, true, jkt, 43);
    d.cap = fuzz_next(r) % 4u == 0 ? fuzz_next(r) % ((uint32_t)n + 4u) : n + 4;
    d.buf = fuzz_mem(d.cap);
    d.nonce_key = fuzz_next(r) % 2u == 0 ? (const uint8_t *)jwk : NULL;
    copy = fuzz_copy(made_text, n);
    s.ptr = copy;
    s.len = n;
    e = mcpt_dpop_check(&d, s, mcpt_z("POST"), mcpt_z(URL), mcpt_z("token"), (mcpt_str){ jkt, 43 });
    NEED(e == MCPT_OK || e == MCPT_E_PROOF || e == MCPT_E_NONCE);
    NEED(e != MCPT_OK || mcpt_dpop_check(&d, s, mcpt_z("POST"), mcpt_z(URL), mcpt_z("token"), (mcpt_str){ jkt, 43 }) == MCPT_E_PROOF);
    free(copy);
    free(d.buf);
    free(made_text);
}

static void keys(const char *text, size_t len, fuzz_random *r)
{
    size_t cap = fuzz_next(r) % 2u == 0 ? 1024 : fuzz_next(r) % 1024u;
    keyring whole, pieces;
    fuzz_json j;
    mcpt_err e, f = MCPT_PENDING;
    char *copy = fuzz_copy(text, len);
    keyring_start(&whole, cap);
    e = mcpt_jwks_feed(&whole.set, copy, len);
    e = e < 0 ? e : mcpt_jwks_end(&whole.set, true);
    free(copy);
    for (unsigned how = 0; how < 4; how++) {
        keyring_start(&pieces, cap);
        f = MCPT_PENDING;
        for (size_t at = 0; at < len && f >= 0;) {
            size_t n = fuzz_piece(r, how, len - at);
            copy = fuzz_copy(text + at, n);
            f = mcpt_jwks_feed(&pieces.set, copy, n);
            free(copy);
            at += n;
        }
        f = f < 0 ? f : mcpt_jwks_end(&pieces.set, true);
        NEED((e < 0) == (f < 0) && (e < 0 || memcmp(whole.slots, pieces.slots, sizeof(whole.slots)) == 0));
        free(pieces.buf);
    }
    NEED(e != MCPT_OK || fuzz_json_ok(text, len, &j));
    for (size_t i = 0; i < 4 && e == MCPT_OK; i++) {
        char thumb[43];
        NEED((mcpt_jwk_thumbprint(&whole.slots[i], &crypto, thumb) == MCPT_OK) == (whole.slots[i].algs != 0));
    }
    copy = fuzz_copy(text, len);                            /* as one key */
    e = mcpt_jwk_parse(&whole.slots[0], (mcpt_str){ copy, len }, &crypto, whole.buf, cap);
    NEED((e == MCPT_OK) == (whole.slots[0].algs != 0));
    free(copy);
    free(whole.buf);
}

static void challenge(const char *text, size_t len, fuzz_random *r)
{
    size_t cap = fuzz_next(r) % 2u == 0 ? len : fuzz_next(r) % ((uint32_t)len + 1u);
    char *copy = fuzz_copy(text, len), *buf = fuzz_mem(cap);
    mcpt_str field = { copy, len };
    size_t left = len + 1;
    for (;;) {
        mcpt_challenge c;
        mcpt_err e = mcpt_challenge_next(&field, &c, buf, cap);
        if (e == MCPT_E_ABSENT) {
            break;
        }
        NEED(e == MCPT_OK || e == MCPT_E_HTTP || (e == MCPT_E_SPACE && cap < len));
        NEED(field.len < left);                             /* it goes on */
        left = field.len;
        if (e == MCPT_OK) {                                 /* what is read can be written, and is read again */
            char out[4096], back_buf[4096];
            size_t n = mcpt_challenge_write(&c, out, sizeof(out));
            mcpt_str again = { out, n };
            mcpt_challenge back;
            if (n != 0 && c.scheme.len != 0 && c.token68.ptr == NULL) {
                NEED(mcpt_challenge_next(&again, &back, back_buf, sizeof(back_buf)) == MCPT_OK);
                NEED(mcpt_str_eq(c.scheme, back.scheme) && (c.scope.ptr == NULL) == (back.scope.ptr == NULL));
            }
        }
    }
    free(buf);
    free(copy);
}

/* A line is one of client, audience, URL, nonce: written into every room, and our own proofs pass our own check. */
static void written(const char *text, size_t len, fuzz_random *r)
{
    mcpt_str line[4] = { { text, 0 }, { text, 0 }, { text, 0 }, { NULL, 0 } }, out = { NULL, 0 };
    static const uint8_t ref[32] = { 1 };
    size_t n = 0, cap = 20 * len + 1000;
    mcpt_seen seen[1] = { { { 0, 0 }, 0 } };
    mcpt_dpop d = { .env = &env, .seen = seen, .nseen = 1, .cap = cap };
    char jkt[43], *buf;
    mcpt_signer s;
    mcpt_url url;
    mcpt_err e, less;
    for (size_t i = 0; i < len && n < 4; i++) {
        if (text[i] == '\n') {
            n++;
        } else {
            line[n].ptr = line[n].len == 0 ? text + i : line[n].ptr;
            line[n].len++;
        }
    }
    NEED(mcpt_signer_init(&s, &crypto, ref, 32) == MCPT_OK && mcpt_signer_thumbprint(&s, jkt) == MCPT_OK);
    buf = fuzz_mem(cap);
    d.buf = fuzz_mem(cap);
    e = mcpt_jwt_assertion(&s, &env, fuzz_next(r) % 2u == 0 ? "kid" : NULL, line[0], line[1], buf, cap, &out);
    NEED(e == MCPT_OK || e == MCPT_E_UTF8);
    e = mcpt_jwt_proof(&s, &env, mcpt_z("POST"), line[2], line[0], line[3], buf, cap, &out);
    NEED(e == MCPT_OK || e == MCPT_E_UTF8);
    if (e == MCPT_OK) {
        NEED(out.len < cap);
        less = mcpt_dpop_check(&d, out, mcpt_z("POST"), line[2], line[0], (mcpt_str){ jkt, 43 });
        NEED(less == (mcpt_url_split(line[2], &url) ? MCPT_OK : MCPT_E_PROOF));
        cap = out.len;
    }
    free(buf);
    cap = fuzz_next(r) % ((uint32_t)cap + 1u);
    buf = fuzz_mem(cap);
    less = mcpt_jwt_proof(&s, &env, mcpt_z("POST"), line[2], line[0], line[3], buf, cap, &out);
    NEED(less == MCPT_E_SPACE || less == e);
    less = mcpt_jwt_sign(&s, line[0], line[1], buf, cap, &out);
    NEED(less == MCPT_E_SPACE || (less == MCPT_OK && out.len <= cap));
    free(buf);
    free(d.buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_random r = fuzz_seed(data, size);
    const char *text = (const char *)data + 1;
    if (size < 1 || size > 8192) {
        return 0;
    }
    switch (data[0]) {
    case 'T':
        token(text, size - 1, &r);
        break;
    case 'J':
        made(text, size - 1, &r);
        break;
    case 'D':
        proof(text, size - 1, &r);
        break;
    case 'K':
        keys(text, size - 1, &r);
        break;
    case 'W':
        written(text, size - 1, &r);
        break;
    case 'C':
        challenge(text, size - 1, &r);
        break;
    default:
        break;
    }
    return 0;
}
