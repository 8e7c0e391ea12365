/* verify: key sets by URL (RFC 7517) with their cache, introspection (RFC 7662), Clerk, DPoP behind a real guard. */
#include "device.h"
#include "jwt.h"

#define ISS "https://as.example"
#define AUD "https://device.example/mcp"
#define ES "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec1\"}"
#define KID(kid) "{\"kty\":\"EC\",\"kid\":\"" kid "\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}"
#define CLAIMS "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"client_id\":\"c1\",\"scope\":\"read write\",\"aud\":\"" AUD "\",\"exp\":1800000000}"
#define H200(more) "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" more "Connection: close\r\n\r\n"
#define SET H200("") "{\"keys\":[" RSA_JWK "," EC_JWK "]}"
enum { NOW = 1700000000 };

static bool no_clock;
static unsigned noted;
static mcpt_err last_noted;
static char last_text[128];

static uint32_t my_millis(void *user)
{
    (void)user;
    return world.now;
}
static int64_t my_time(void *user)
{
    (void)user;
    return no_clock ? -1 : (int64_t)NOW + (int64_t)(world.now / 1000);
}
static void my_log(void *user, mcpt_level level, mcpt_err what, const char *text)
{
    (void)user;
    (void)level;
    noted++;
    last_noted = what;
    snprintf(last_text, sizeof last_text, "%s", text);
}

static mcpt_env env;
static mcpt_exchange x;
static char x_rx[2048], x_tx[2048], buf[1024], set_buf[1024];
static mcpt_jwk slots[3];
static mcpt_jwt_rules rules;
static mcpt_jwt_verifier v;
static mcpt_guard guard;
static mcpt_prm prm;
static mcpt_verdict verdicts[4];

static void fresh(const char *url)
{
    begin();
    no_clock = false;
    noted = 0;
    memset(&guard, 0, sizeof guard);
    memset(&prm, 0, sizeof prm);
    memset(slots, 0, sizeof slots);
    memset(&v, 0, sizeof v);
    memset(&rules, 0, sizeof rules);
    env.millis = my_millis;
    env.unix_time = my_time;
    env.log = my_log;
    env.crypto = &jwt_mbed.crypto;
    CHECK(mcpt_exchange_init(&x, &env, x_rx, sizeof x_rx, x_tx, sizeof x_tx, 0, true) == MCPT_OK);
    prm.authorization_servers = ISS;
    prm.resource = AUD;
    guard.prm = &prm;
    rules.issuer = ISS;
    v.env = &env;
    v.rules = &rules;
    v.keys.keys = slots;
    v.keys.nkeys = MCPT_COUNT(slots);
    v.keys.buf = set_buf;
    v.keys.cap = sizeof set_buf;
    v.keys.crypto = env.crypto;
    v.jwks_url = url;
    v.exchange = &x;
    v.buf = buf;
    v.cap = sizeof buf;
    guard.verify = mcpt_jwt_verify;
    guard.user = &v;
    world.server.guard = &guard;
    world.mem.verdicts = verdicts;
    world.mem.nverdicts = MCPT_COUNT(verdicts);
    start();
    world.now = 1000;
}

static mcpt_err ask_with(mcpt_err (*verify)(void *, const mcpt_token *, mcpt_principal *), void *user, mcpt_str text, mcpt_principal *who)
{
    mcpt_token t;
    memset(&t, 0, sizeof t);
    memset(who, 0, sizeof *who);
    t.text = text;
    t.method = mcpt_z("POST");
    t.resource = mcpt_z(AUD);
    t.server = &world.server;
    t.hub = &world.hub;
    return verify(user, &t, who);
}

static mcpt_err ask(const char *header, const char *claims, mcpt_principal *who)
{
    static char token[2048];
    return ask_with(mcpt_jwt_verify, &v, jwt_make(token, sizeof token, header, claims), who);
}

static mcpt_err kid(const char *name)
{
    char header[200];
    mcpt_principal who;
    snprintf(header, sizeof header, "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"%s\"}", name);
    return ask(header, CLAIMS, &who);
}

/* The server's side of the exchange that is under way; NULL: none is. What was sent; the answer ends with the connection. */
static const char *serve(const char *answer)
{
    static char sent[4096];
    size_t at = 0, n = strlen(answer), fed = 0, k;
    bool over = false;
    if (mcpt_exchange_origin(&x) == NULL) {
        return NULL;
    }
    mcpt_exchange_connected(&x);
    while ((mcpt_io_want(&x.io) & MCPT_CLOSED) == 0 && !over) {
        const char *from = mcpt_io_tx(&x.io, &k);
        char *to;
        if (from != NULL) {
            CHECK(at + k < sizeof sent);
            memcpy(sent + at, from, k);
            at += k;
            mcpt_io_tx_ack(&x.io, k);
            continue;
        }
        to = mcpt_io_rx(&x.io, &k);
        if (fed < n && to != NULL) {
            k = k > n - fed ? n - fed : k > 100 ? 100 : k;  /* in pieces */
            memcpy(to, answer + fed, k);
            fed += k;
            mcpt_io_rx_ack(&x.io, k);
        } else {
            over = fed < n;
            mcpt_io_eof(&x.io);
            (void)mcpt_io_want(&x.io);
        }
    }
    sent[at] = '\0';
    return sent;
}

static bool busy(void)
{
    return mcpt_exchange_busy(&x);
}

static void fixed_keys(void)
{
    mcpt_principal who;
    char text[1024];
    fresh(NULL);
    CHECK(mcpt_jwk_parse(&slots[0], mcpt_z(EC_JWK), env.crypto, text, sizeof text) == MCPT_OK);
    CHECK(ask(ES, CLAIMS, &who) == MCPT_OK && !busy());
    CHECK(mcpt_str_is(who.subject, "user_1") && mcpt_str_is(who.client_id, "c1") && mcpt_str_is(who.scopes, "read write"));
    CHECK(mcpt_str_is(who.issuer, ISS) && who.expires == 1800000000 && who.jkt.ptr == NULL);
    CHECK(kid("other") == MCPT_E_UNAUTHORIZED && !busy() && strcmp(last_text, "key unknown") == 0);
    CHECK(ask(ES, "{}", &who) == MCPT_E_UNAUTHORIZED && strcmp(last_text, "iss") == 0);
    v.cap = 100;
    CHECK(ask(ES, CLAIMS, &who) == MCPT_E_UNAUTHORIZED && strcmp(last_text, "larger than the verifier's buffer") == 0);
    v.cap = sizeof buf;
    no_clock = true;
    CHECK(ask(ES, CLAIMS, &who) == MCPT_E_CLOCK);
    env.unix_time = NULL;
    CHECK(ask(ES, CLAIMS, &who) == MCPT_E_CLOCK);
    finish();
}

static bool on_deny_list(void *user, const mcpt_claims *c)
{
    return user == &v && mcpt_str_is(c->jti, "bad");
}

static void deny_list(void)
{
    mcpt_principal who;
    char text[1024];
    fresh(NULL);
    v.revoked = on_deny_list;
    v.user = &v;
    CHECK(mcpt_jwk_parse(&slots[0], mcpt_z(EC_JWK), env.crypto, text, sizeof text) == MCPT_OK);
    CHECK(ask(ES, "{\"jti\":\"bad\",\"iss\":\"" ISS "\",\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1800000000}", &who) == MCPT_E_UNAUTHORIZED);
    CHECK(who.subject.ptr == NULL && strcmp(last_text, "revoked") == 0);
    CHECK(ask(ES, "{\"jti\":\"good\",\"iss\":\"" ISS "\",\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1800000000}", &who) == MCPT_OK);
    finish();
}

static void keys_by_url(void)
{
    const char *sent;
    fresh(ISS "/jwks");
    CHECK(kid("ec1") == MCPT_PENDING && busy());
    CHECK(kid("ec1") == MCPT_PENDING);                      /* one flight for all */
    CHECK(strcmp(mcpt_exchange_origin(&x)->host, "as.example") == 0 && mcpt_exchange_origin(&x)->tls);
    sent = serve(SET);
    CHECK(strstr(sent, "GET /jwks HTTP/1.1\r\nHost: as.example\r\n") == sent && strstr(sent, "Authorization") == NULL);
    CHECK(!busy() && kid("ec1") == MCPT_OK && !busy());
    /* kids nobody knows: no fetch within a minute, then one */
    for (unsigned i = 0; i < 300; i++) {
        char name[20];
        snprintf(name, sizeof name, "storm%u", i);
        CHECK(kid(name) == MCPT_E_UNAUTHORIZED && !busy());
        world.now += 100;
    }
    world.now += 31000;
    CHECK(kid("ec2") == MCPT_PENDING && busy());
    CHECK(kid("ec1") == MCPT_OK);                           /* those that are known go on */
    CHECK(kid("ec3") == MCPT_PENDING);
    serve(H200("") "{\"keys\":[" EC_JWK "," KID("ec2") "]}");
    CHECK(kid("ec2") == MCPT_OK && kid("ec1") == MCPT_OK && kid("ec3") == MCPT_E_UNAUTHORIZED && !busy());
    /* rotated: a key that is not in the set any more is revoked */
    world.now += 61000;
    CHECK(kid("ec3") == MCPT_PENDING);
    serve(H200("") "{\"keys\":[" KID("ec2") "]}");
    CHECK(kid("ec1") == MCPT_E_UNAUTHORIZED && kid("ec2") == MCPT_OK && !busy());
    finish();
}

/* How far apart fetches for unknown kids are is a setting. */
static void keys_apart(void)
{
    fresh(ISS "/jwks");
    v.apart_ms = 5000;
    CHECK(kid("ec1") == MCPT_PENDING && serve(SET) != NULL && kid("ec1") == MCPT_OK);
    world.now += 4999;
    CHECK(kid("ec2") == MCPT_E_UNAUTHORIZED && !busy());
    world.now += 1;
    CHECK(kid("ec2") == MCPT_PENDING && busy() && serve(SET) != NULL);
    CHECK(kid("ec2") == MCPT_E_UNAUTHORIZED && !busy());
    finish();
}

/* All slots are taken by keys that go: those that found none come with the next token, not in a minute. */
static void keys_change(void)
{
    fresh(ISS "/jwks");
    v.keys.nkeys = 2;
    CHECK(kid("ec1") == MCPT_PENDING);
    serve(H200("") "{\"keys\":[" EC_JWK "," KID("ec2") "]}");
    CHECK(kid("ec1") == MCPT_OK && kid("ec2") == MCPT_OK);
    world.now += 61000;
    CHECK(kid("ec4") == MCPT_PENDING);
    serve(H200("") "{\"keys\":[" KID("ec3") "," KID("ec4") "]}");
    CHECK(kid("ec4") == MCPT_OK && kid("ec3") == MCPT_PENDING && busy());
    serve(H200("") "{\"keys\":[" KID("ec3") "," KID("ec4") "]}");
    CHECK(kid("ec4") == MCPT_OK && kid("ec3") == MCPT_OK && kid("ec5") == MCPT_E_UNAUTHORIZED && !busy());
    world.now += 61000;               /* one more than there are slots: no storm of requests */
    CHECK(kid("ec5") == MCPT_PENDING);
    serve(H200("") "{\"keys\":[" KID("ec3") "," KID("ec4") "," KID("ec5") "]}");
    CHECK(kid("ec5") == MCPT_OK && (kid("ec3") == MCPT_OK) != (kid("ec4") == MCPT_OK) && !busy());
    finish();
}

static void keys_grow_old(void)
{
    static const struct { const char *answer; uint32_t fresh_s; } rows[] = {
        { SET, 600 },
        { H200("Cache-Control: max-age=1000\r\n") "{\"keys\":[" EC_JWK "]}", 1000 },
        { H200("Cache-Control: public, max-age=1\r\n") "{\"keys\":[" EC_JWK "]}", 300 },
        { H200("Cache-Control: no-store\r\n") "{\"keys\":[" EC_JWK "]}", 300 },
        { H200("Cache-Control: max-age=99999999\r\n") "{\"keys\":[" EC_JWK "]}", 86400 },
    };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        fresh(ISS "/jwks");
        world.now = 0xffff0000u;                            /* the clock wraps meanwhile */
        CHECK(kid("ec1") == MCPT_PENDING && serve(rows[i].answer) != NULL && kid("ec1") == MCPT_OK);
        world.now += rows[i].fresh_s * 1000 - 1;
        CHECK(kid("ec1") == MCPT_OK && !busy());
        world.now += 1;
        CHECK(kid("ec1") == (i == 4 ? MCPT_PENDING : MCPT_OK) || i == 4);
        CHECK(busy());                                      /* fetched while the old ones hold */
        mcpt_exchange_stop(&x);
        finish();
    }
    fresh(ISS "/jwks");                                     /* the server is gone for a day and longer */
    CHECK(kid("ec1") == MCPT_PENDING && serve(SET) != NULL);
    for (unsigned hour = 1; hour <= 23; hour++) {
        world.now += 3600000;
        CHECK(kid("ec1") == MCPT_OK && busy());
        serve("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
        CHECK(kid("ec1") == MCPT_OK && !busy());            /* not asked again at once */
        world.now += 5001;
        CHECK(kid("ec1") == MCPT_OK && busy());
        mcpt_exchange_fail(&x, MCPT_E_IO);
    }
    CHECK(kid("zz") == MCPT_E_IO);                          /* nobody can say: not "invalid" */
    world.now += 3600000;
    (void)kid("ec1");
    CHECK(kid("ec1") == MCPT_PENDING);
    serve("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
    CHECK(kid("ec1") == MCPT_E_STATUS);
    world.now += 5001;
    CHECK(kid("ec1") == MCPT_PENDING && serve(SET) != NULL && kid("ec1") == MCPT_OK);
    finish();
}

/* No keys at first: an error that becomes 503, tried again after 5 seconds. */
static void no_keys_yet(void)
{
    static char big[70000];
    static const struct { const char *answer; mcpt_err err; } rows[] = {
        { "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", MCPT_E_STATUS },
        { "HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n", MCPT_E_STATUS },
        { H200("") "<html>404</html>", MCPT_E_JSON },
        { H200("") "{\"keys\":[" EC_JWK "]", MCPT_E_JSON },
        { H200("") "{}", MCPT_E_ABSENT },
        { H200("") "{\"keys\":[{\"kid\":\"a\",\"kid\":\"b\"}]}", MCPT_E_DUPLICATE },
        { "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"keys\":[" EC_JWK "]}", MCPT_E_CLOSED },
        { "nonsense\r\n\r\n", MCPT_E_HTTP },
        { big, MCPT_E_LIMIT },
    };
    memset(big, ' ', sizeof big - 1);
    memcpy(big, H200(""), sizeof H200("") - 1);
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        fresh(ISS "/jwks");
        CHECK(kid("ec1") == MCPT_PENDING && serve(rows[i].answer) != NULL);
        CHECK(kid("ec1") == rows[i].err && !busy());
        world.now += 4999;
        CHECK(kid("ec1") == rows[i].err && !busy());
        world.now += 2;
        CHECK(kid("ec1") == MCPT_PENDING && busy() && serve(SET) != NULL && kid("ec1") == MCPT_OK);
        finish();
    }
    fresh("http://as.example/jwks");                        /* no key is ever fetched in the clear */
    CHECK(kid("ec1") == MCPT_E_ARG && !busy() && kid("ec1") == MCPT_E_ARG);
    finish();
    fresh(ISS "/jwks");                                     /* the exchange is somebody else's at the moment */
    CHECK(kid("ec1") == MCPT_PENDING);
    v.busy = false;
    v.ever = false;
    CHECK(kid("ec1") == MCPT_PENDING);
    mcpt_exchange_stop(&x);
    finish();
}

/* -- introspection */

static mcpt_introspection in;

static void fresh_in(bool clerk)
{
    static char in_buf[1200];
    fresh(NULL);
    memset(&in, 0, sizeof in);
    in.env = &env;
    in.rules = &rules;
    in.exchange = &x;
    in.url = clerk ? NULL : ISS "/introspect";
    in.client_id = clerk ? NULL : "s6BhdRkqt3";
    in.secret = clerk ? "sk_test_1" : "7Fjfp0ZBr1KtDRbnfVdmIw";
    in.clerk = clerk;
    in.buf = in_buf;
    in.cap = sizeof in_buf;
}

static mcpt_err opaque(const char *token, mcpt_principal *who)
{
    return ask_with(mcpt_introspection_verify, &in, mcpt_z(token), who);
}

static void introspection(void)
{
    static const struct { const char *body; mcpt_err err; const char *why; } rows[] = {
        { "{\"active\":true,\"sub\":\"u\",\"client_id\":\"c\",\"scope\":\"a b\",\"aud\":\"" AUD "\",\"iss\":\"" ISS "\",\"exp\":1700001000}", MCPT_OK, "" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":[\"x\",\"" AUD "/\"],\"token_type\":\"Bearer\",\"x\":{\"active\":false}}", MCPT_OK, "" },
        { "{\"active\":false}", MCPT_E_UNAUTHORIZED, "not active" },
        { "{\"active\":\"true\",\"sub\":\"u\",\"aud\":\"" AUD "\"}", MCPT_E_UNAUTHORIZED, "not active" },
        { "{\"active\":1,\"sub\":\"u\",\"aud\":\"" AUD "\"}", MCPT_E_UNAUTHORIZED, "not active" },
        { "{\"sub\":\"u\",\"aud\":\"" AUD "\"}", MCPT_E_UNAUTHORIZED, "not active" },
        { "[]", MCPT_E_UNAUTHORIZED, "not active" },
        { "{\"active\":true,\"sub\":\"u\"}", MCPT_E_UNAUTHORIZED, "aud" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"https://other.example\"}", MCPT_E_UNAUTHORIZED, "aud" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"iss\":\"https://evil.example\"}", MCPT_E_UNAUTHORIZED, "iss" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1699999900}", MCPT_E_UNAUTHORIZED, "expired or not valid yet" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"nbf\":1700009000}", MCPT_E_UNAUTHORIZED, "expired or not valid yet" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":\"x\"}", MCPT_E_UNAUTHORIZED, "exp or nbf is no time" },
        { "{\"active\":true,\"aud\":\"" AUD "\"}", MCPT_E_UNAUTHORIZED, "sub" },
        { "{\"active\":true,\"aud\":\"" AUD "\",\"client_id\":\"c\"}", MCPT_OK, "" },
        { "{\"active\":true,\"aud\":\"" AUD "\",\"client_id\":\"c\",\"sub\":7}", MCPT_E_UNAUTHORIZED, "sub" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"cnf\":{\"x5t#S256\":\"x\"}}", MCPT_E_UNAUTHORIZED, "cnf" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"cnf\":{\"other\":\"x\"}}", MCPT_E_UNAUTHORIZED, "cnf" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"\"}", MCPT_E_UNAUTHORIZED, "aud" },
        /* RFC 7662 section 2.2, token_type; token_use of Ory Hydra, typ of Keycloak: a refresh or an ID token is active, too */
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"token_type\":\"bearer\",\"token_use\":\"access_token\",\"typ\":\"Bearer\"}", MCPT_OK, "" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"token_type\":null,\"token_use\":null,\"jti\":7,\"iat\":\"x\"}", MCPT_OK, "" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"token_type\":\"Bearer\",\"token_use\":\"refresh_token\"}", MCPT_E_UNAUTHORIZED, "no access token" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"token_type\":\"Bearer\",\"token_use\":\"id\"}", MCPT_E_UNAUTHORIZED, "no access token" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"token_type\":\"refresh_token\"}", MCPT_E_UNAUTHORIZED, "no access token" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"token_type\":\"N_A\"}", MCPT_E_UNAUTHORIZED, "no access token" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"token_type\":[\"Bearer\"]}", MCPT_E_UNAUTHORIZED, "no access token" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"token_type\":\"\"}", MCPT_E_UNAUTHORIZED, "no access token" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"typ\":\"Refresh\"}", MCPT_E_UNAUTHORIZED, "no access token" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"typ\":\"ID\"}", MCPT_E_UNAUTHORIZED, "no access token" },
        { "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"token_type\":\"DPoP\"}", MCPT_E_UNAUTHORIZED, "cnf" },
        { "{\"active\":true,\"active\":false,\"sub\":\"u\",\"aud\":\"" AUD "\"}", MCPT_E_DUPLICATE, NULL },
        { "{\"active\":true", MCPT_E_JSON, NULL },
        { "<html>", MCPT_E_JSON, NULL },
        { "", MCPT_E_JSON, NULL },
    };
    mcpt_principal who;
    mcpt_jwt_rules no_aud = rules;
    const char *sent;
    char answer[600];
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_err e;
        fresh_in(false);
        CHECK(opaque("tok+en/1", &who) == MCPT_PENDING && busy());
        snprintf(answer, sizeof answer, H200("") "%s", rows[i].body);
        sent = serve(answer);
        CHECK(strstr(sent, "POST /introspect HTTP/1.1\r\nHost: as.example\r\n") == sent);
        HAS(sent, "\r\nAuthorization: Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3\r\n");     /* RFC 6749 section 2.3.1 */
        HAS(sent, "\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        HAS(sent, "\r\nAccept: application/json\r\n");
        HAS(sent, "\r\n\r\ntoken=tok%2Ben%2F1&token_type_hint=access_token");
        e = opaque("tok+en/1", &who);
        if (e != rows[i].err || (rows[i].why != NULL && e != MCPT_OK && strcmp(last_text, rows[i].why) != 0)) {
            printf("%s: %d %s\n", rows[i].body, (int)e, last_text);
        }
        CHECK(e == rows[i].err && (rows[i].why == NULL || e == MCPT_OK || strcmp(last_text, rows[i].why) == 0));
        CHECK(opaque("tok+en/1", &who) == MCPT_PENDING);    /* an answer counts once: remembering is the guard's */
        mcpt_exchange_stop(&x);
        finish();
    }
    fresh_in(false);
    CHECK(opaque("t", &who) == MCPT_PENDING && serve(H200("") "{\"active\":true,\"sub\":\"u\",\"client_id\":\"c\",\"scope\":\"a b\",\"aud\":\"" AUD
          "\",\"exp\":1700001000,\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}}") != NULL);
    CHECK(opaque("t", &who) == MCPT_OK && mcpt_str_is(who.subject, "u") && mcpt_str_is(who.client_id, "c") && mcpt_str_is(who.scopes, "a b"));
    CHECK(mcpt_str_is(who.issuer, ISS) && who.expires == 1700001000 && who.jkt.len == 43);
    finish();
    fresh_in(false);                                        /* tokens that name no audience: then the answer says what kind it is about */
    no_aud.no_aud = true;
    in.rules = &no_aud;
    CHECK(opaque("t", &who) == MCPT_PENDING && serve(H200("") "{\"active\":true,\"sub\":\"u\"}") != NULL && opaque("t", &who) == MCPT_E_UNAUTHORIZED);
    CHECK(opaque("t", &who) == MCPT_PENDING && serve(H200("") "{\"active\":true,\"sub\":\"u\",\"token_type\":\"Bearer\"}") != NULL && opaque("t", &who) == MCPT_OK);
    finish();
    fresh_in(false);                                        /* no clock: the server has judged */
    no_clock = true;
    CHECK(opaque("t", &who) == MCPT_PENDING && serve(H200("") "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1}") != NULL);
    CHECK(opaque("t", &who) == MCPT_OK && who.expires == 0);
    finish();
}

static void introspection_fails(void)
{
    mcpt_principal who;
    char token[600];
    fresh_in(false);
    CHECK(opaque("t", &who) == MCPT_PENDING && serve("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n") != NULL);
    CHECK(opaque("t", &who) == MCPT_E_STATUS && noted >= 1);        /* our secret is wrong: not the caller's fault */
    CHECK(opaque("t", &who) == MCPT_PENDING && serve("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") != NULL);
    CHECK(opaque("t", &who) == MCPT_E_STATUS);
    CHECK(opaque("t", &who) == MCPT_PENDING);
    mcpt_exchange_fail(&x, MCPT_E_TIMEOUT);
    CHECK(opaque("t", &who) == MCPT_E_TIMEOUT);
    /* two tokens: each gets the answer that is its own */
    CHECK(opaque("one", &who) == MCPT_PENDING && opaque("two", &who) == MCPT_PENDING);
    serve(H200("") "{\"active\":true,\"sub\":\"one\",\"aud\":\"" AUD "\"}");
    CHECK(opaque("two", &who) == MCPT_PENDING && !busy());          /* the answer waits for the one who asked */
    CHECK(opaque("one", &who) == MCPT_OK && mcpt_str_is(who.subject, "one"));
    CHECK(opaque("two", &who) == MCPT_PENDING && busy());
    serve(H200("") "{\"active\":true,\"sub\":\"two\",\"aud\":\"" AUD "\"}");
    world.now += 1000;                                      /* but not for ever */
    CHECK(opaque("three", &who) == MCPT_PENDING && busy());
    serve(H200("") "{\"active\":false}");
    CHECK(opaque("three", &who) == MCPT_E_UNAUTHORIZED);
    memset(token, 't', sizeof token - 1);                   /* sizes */
    token[sizeof token - 1] = '\0';
    for (in.cap = 0; in.cap < 200; in.cap++) {
        CHECK(opaque("tok", &who) == (in.cap < 67 + 42 ? MCPT_E_UNAUTHORIZED : MCPT_PENDING) || in.cap > 60);
        for (size_t k = 0; k < in.cap && !busy(); k++) {    /* the secret is gone, whether or not it was sent */
            CHECK(in.buf[k] == 0);
        }
        if (busy()) {
            mcpt_err e;
            serve(H200("") "{\"active\":true,\"sub\":\"u\",\"aud\":\"" AUD "\"}");
            e = opaque("tok", &who);
            CHECK(e == MCPT_OK || e == MCPT_E_SPACE);
        }
    }
    in.cap = 300;
    CHECK(opaque(token, &who) == MCPT_E_UNAUTHORIZED && !busy());
    in.client_id = "a b";                                   /* form-encoded, then base64 */
    in.secret = "c:d";
    CHECK(opaque("t", &who) == MCPT_PENDING);
    HAS(serve(H200("") "{}"), "Authorization: Basic YSUyMGI6YyUzQWQ=\r\n");
    env.crypto = NULL;
    CHECK(opaque("t", &who) == MCPT_E_CRYPTO);
    finish();
}

static void clerk(void)
{
    static const struct { const char *body; mcpt_err err; } rows[] = {
        { "{\"object\":\"x\",\"id\":\"oat_1\",\"client_id\":\"c\",\"type\":\"oauth:access_token\",\"subject\":\"user_1\",\"scopes\":[\"a\",\"b\"],\"revoked\":false,"
          "\"revocation_reason\":null,\"expired\":false,\"expiration\":null}", MCPT_OK },
        { "{\"client_id\":\"c\",\"subject\":\"user_1\",\"scopes\":[\"a\",\"b\"],\"revoked\":false,\"expired\":false,\"expiration\":1700001000}", MCPT_OK },
        { "{\"client_id\":\"c\",\"subject\":\"user_1\",\"scopes\":[\"a\",\"b\"],\"revoked\":false,\"expired\":false,\"expiration\":1700001000123}", MCPT_OK },
        { "{\"client_id\":\"c\",\"subject\":\"user_1\",\"scopes\":[],\"revoked\":true,\"expired\":false}", MCPT_E_UNAUTHORIZED },
        { "{\"client_id\":\"c\",\"subject\":\"user_1\",\"scopes\":[],\"revoked\":false,\"expired\":true}", MCPT_E_UNAUTHORIZED },
        { "{\"client_id\":\"c\",\"subject\":\"user_1\",\"scopes\":[]}", MCPT_E_UNAUTHORIZED },
        { "{\"client_id\":\"c\",\"subject\":\"user_1\",\"scopes\":[],\"revoked\":false,\"expired\":false,\"expiration\":1600000000000}", MCPT_E_UNAUTHORIZED },
        { "{\"client_id\":\"d\",\"subject\":\"user_1\",\"scopes\":[],\"revoked\":false,\"expired\":false}", MCPT_E_UNAUTHORIZED },
        { "{\"client_id\":\"c\",\"type\":\"oauth:refresh_token\",\"subject\":\"user_1\",\"scopes\":[],\"revoked\":false,\"expired\":false}", MCPT_E_UNAUTHORIZED },
    };
    static char in_buf[1200], token[2048];
    static mcpt_clerk k;
    mcpt_principal who;
    char answer[600];
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        fresh_in(true);
        memset(&k, 0, sizeof k);
        k.jwt = v;
        k.opaque = in;
        k.opaque.buf = in_buf;
        k.opaque.cap = sizeof in_buf;
        k.rules.clients = "c";
        CHECK(mcpt_clerk_init(&k, "pk_test_bad") == MCPT_E_ARG);
        CHECK(mcpt_clerk_init(&k, "pk_test_YXMuZXhhbXBsZSQ=") == MCPT_OK);      /* as.example */
        CHECK(strcmp(k.issuer, ISS) == 0 && strcmp(k.jwks_url, ISS "/.well-known/jwks.json") == 0);
        CHECK(ask_with(mcpt_clerk_verify, &k, mcpt_z("oat_abc"), &who) == MCPT_PENDING);
        CHECK(strcmp(mcpt_exchange_origin(&x)->host, "api.clerk.com") == 0);
        snprintf(answer, sizeof answer, H200("") "%s", rows[i].body);
        HAS(serve(answer), "\r\nAuthorization: Bearer sk_test_1\r\n");
        CHECK(ask_with(mcpt_clerk_verify, &k, mcpt_z("oat_abc"), &who) == rows[i].err);
        CHECK(rows[i].err != MCPT_OK || (mcpt_str_is(who.subject, "user_1") && mcpt_str_is(who.scopes, "a b") && (i == 0 ? who.expires == 0 :
                                                                                                                     who.expires == 1700001000)));
        finish();
    }
    fresh_in(true);
    memset(&k, 0, sizeof k);
    k.jwt = v;
    k.opaque = in;
    k.rules.clients = "c1";
    CHECK(mcpt_clerk_init(&k, "pk_test_YXMuZXhhbXBsZSQ=") == MCPT_OK);
    CHECK(ask_with(mcpt_clerk_verify, &k, mcpt_z("oat_abc"), &who) == MCPT_PENDING);
    HAS(serve("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "\r\n\r\n{\"access_token\":\"oat_abc\"}");
    CHECK(ask_with(mcpt_clerk_verify, &k, mcpt_z("oat_abc"), &who) == MCPT_E_UNAUTHORIZED);
    CHECK(ask_with(mcpt_clerk_verify, &k, mcpt_z("oat_abc"), &who) == MCPT_PENDING && serve("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n") != NULL);
    CHECK(ask_with(mcpt_clerk_verify, &k, mcpt_z("oat_abc"), &who) == MCPT_E_STATUS);
    CHECK(ask_with(mcpt_clerk_verify, &k, mcpt_z("mt_abc"), &who) == MCPT_E_UNAUTHORIZED && !busy());
    CHECK(ask_with(mcpt_clerk_verify, &k, mcpt_z("ak_abc"), &who) == MCPT_E_UNAUTHORIZED && !busy());
    CHECK(ask_with(mcpt_clerk_verify, &k, mcpt_z("oat_"), &who) == MCPT_E_UNAUTHORIZED && !busy());
    /* JSON Web Tokens: no audience, a client that is listed; a session token has typ JWT */
    CHECK(ask_with(mcpt_clerk_verify, &k, jwt_make(token, sizeof token, "{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"rsa1\"}",
          "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"client_id\":\"c1\",\"scope\":\"email\",\"exp\":1700000600,\"jti\":\"oat_1\"}"), &who) == MCPT_PENDING);
    CHECK(strstr(serve(SET), "GET /.well-known/jwks.json HTTP/1.1\r\n") != NULL);
    CHECK(ask_with(mcpt_clerk_verify, &k, jwt_make(token, sizeof token, "{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"rsa1\"}",
          "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"client_id\":\"c1\",\"scope\":\"email\",\"exp\":1700000600,\"jti\":\"oat_1\"}"), &who) == MCPT_OK);
    CHECK(ask_with(mcpt_clerk_verify, &k, jwt_make(token, sizeof token, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"rsa1\"}",
          "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"azp\":\"c1\",\"sid\":\"sess_1\",\"exp\":1700000060}"), &who) == MCPT_E_UNAUTHORIZED);
    CHECK(ask_with(mcpt_clerk_verify, &k, jwt_make(token, sizeof token, "{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"rsa1\"}",
          "{\"iss\":\"" ISS "\",\"sub\":\"user_1\",\"client_id\":\"c2\",\"exp\":1700000600}"), &who) == MCPT_E_UNAUTHORIZED);
    k.opaque.secret = NULL;
    CHECK(ask_with(mcpt_clerk_verify, &k, mcpt_z("oat_abc"), &who) == MCPT_E_UNAUTHORIZED && !busy());
    finish();
}

/* -- behind the guard: requests wait for the key set; DPoP */

static const mcpt_tool tools[] = { MCPT_TOOL("echo", "Says it again", TEXT_SCHEMA, do_echo, 0) };

/* Who asked about a token and went away holds nobody up: the next one's turn comes, though nothing wakes it. */
static void gone_meanwhile(void)
{
    static const char *const headers[] = { "Authorization: Bearer one\r\n", "Authorization: Bearer two\r\n" };
    wire *w[2];
    mcpt_token t;
    fresh_in(false);
    world.server.tools = tools;
    world.server.ntools = 1;
    guard.verify = mcpt_introspection_verify;
    guard.user = &in;
    for (int i = 0; i < 2; i++) {
        world.headers = headers[i];
        w[i] = dial(MCPT_HTTP);
        CHECK(call(w[i], "echo", "{\"text\":\"x\"}").status == 0 && busy());
    }
    hang_up(w[0]);
    serve(H200("") "{\"active\":true,\"sub\":\"one\",\"aud\":\"" AUD "\"}");
    settle();
    for (int i = 0; i < 20 && !busy(); i++) {
        pass(100);
    }
    CHECK(busy());
    serve(H200("") "{\"active\":true,\"sub\":\"two\",\"aud\":\"" AUD "\"}");
    settle();
    CHECK(take(w[1]).status == 200);

    CHECK(call(w[1], "echo", "{\"text\":\"x\"}").status == 200);        /* remembered */
    world.headers = headers[0];
    mcpt_guard_forget(&world.hub, mcpt_z(NULL));
    CHECK(call(w[1], "echo", "{\"text\":\"x\"}").status == 0 && busy());
    pass(9999);                       /* 10 seconds in all, however often it is asked again */
    CHECK(take(w[1]).status == 0);
    pass(2);
    CHECK(take(w[1]).status == 503);
    mcpt_exchange_stop(&x);
    memset(&t, 0, sizeof t);          /* a server that does not know its own URL is nobody's audience */
    t.resource = mcpt_z("");
    t.server = &world.server;
    CHECK(!mcpt_token_for(&t, mcpt_z("")));
    finish();
}

static void behind_the_guard(void)
{
    static char token[2048], headers[4096], proof_text[1024];
    static mcpt_seen seen[4];
    static mcpt_dpop d;
    static const uint8_t nonce_key[32] = { 9 };
    static mcpt_env wall;
    char claims[400], jkt[44] = { 0 };
    mcpt_str t, proof = { NULL, 0 }, none = { NULL, 0 };
    wire *w;
    reply r;
    fresh(ISS "/jwks");
    world.server.tools = tools;
    world.server.ntools = 1;
    t = jwt_make(token, sizeof token, ES, CLAIMS);
    snprintf(headers, sizeof headers, "Authorization: Bearer %.*s\r\n", (int)t.len, t.ptr);
    world.headers = headers;
    w = dial(MCPT_HTTP);
    CHECK(call(w, "echo", "{\"text\":\"one\"}").status == 0 && busy());
    serve(SET);
    settle();
    r = take(w);
    CHECK(r.status == 200);
    HAS(r.body, "one");
    CHECK(call(w, "echo", "{\"text\":\"two\"}").status == 200 && !busy());
    t = jwt_make(token, sizeof token, "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", CLAIMS);
    snprintf(headers, sizeof headers, "Authorization: Bearer %.*s\r\n", (int)t.len, t.ptr);
    CHECK(call(w, "echo", "{\"text\":\"two\"}").status == 401);
    no_clock = true;
    t = jwt_make(token, sizeof token, ES, "{\"iss\":\"" ISS "\",\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1800000001}");
    snprintf(headers, sizeof headers, "Authorization: Bearer %.*s\r\n", (int)t.len, t.ptr);
    r = call(w, "echo", "{\"text\":\"two\"}");
    CHECK(r.status == 503);           /* the clock is not set */
    IS(header(r, "WWW-Authenticate"), "");
    no_clock = false;
    /* a token that is bound to a key */
    memset(&d, 0, sizeof d);
    memset(seen, 0, sizeof seen);
    wall = env;
    wall.random = mcpt_mbedtls_random;
    wall.user = &jwt_mbed;
    d.env = &env;
    d.seen = seen;
    d.nseen = MCPT_COUNT(seen);
    d.buf = proof_text;
    d.cap = sizeof proof_text;
    d.nonce_key = nonce_key;
    guard.prove = mcpt_dpop_prove;
    guard.nonce = mcpt_dpop_nonce;
    guard.prove_user = &d;
    CHECK(mcpt_signer_thumbprint(&jwt_ec, jkt) == MCPT_OK);
    snprintf(claims, sizeof claims, "{\"iss\":\"" ISS "\",\"sub\":\"u\",\"aud\":\"" AUD "\",\"exp\":1800000000,\"cnf\":{\"jkt\":\"%s\"}}", jkt);
    t = jwt_make(token, sizeof token, ES, claims);
    snprintf(headers, sizeof headers, "Authorization: Bearer %.*s\r\n", (int)t.len, t.ptr);
    CHECK(call(w, "echo", "{\"text\":\"x\"}").status == 401);         /* bound, sent as Bearer */
    for (unsigned i = 0; i < 4; i++) {
        char text[1024], nonce[23] = { 0 };
        mcpt_str n = { nonce, 22 };
        CHECK(mcpt_dpop_nonce(&d, nonce, 22) == 22);
        CHECK(mcpt_jwt_proof(&jwt_ec, &wall, mcpt_z("POST"), mcpt_z(i == 2 ? "https://device.example/other" : AUD), t, i == 0 ? none : n, text, sizeof text,
                             &proof) == MCPT_OK);
        snprintf(headers, sizeof headers, "Authorization: DPoP %.*s\r\nDPoP: %.*s\r\n", (int)t.len, t.ptr, (int)proof.len, proof.ptr);
        r = call(w, "echo", "{\"text\":\"bound\"}");
        if (i == 0) {                                       /* without a nonce: here is one */
            CHECK(r.status == 401);
            HAS(header(r, "WWW-Authenticate"), "use_dpop_nonce");
            IS(header(r, "DPoP-Nonce"), nonce);
        } else if (i == 2) {
            CHECK(r.status == 401);
            HAS(header(r, "WWW-Authenticate"), "invalid_dpop_proof");
        } else {
            CHECK(r.status == 200);
            CHECK(call(w, "echo", "{\"text\":\"bound\"}").status == 401);     /* the same proof again */
        }
    }
    finish();
}

/* RFC 6750 section 3.1: whatever is wrong with a token, who brings it learns one and the same, and no tool runs. */
static void forged_tokens_are_told_one_thing(void)
{
#define T(more) "{\"typ\":\"at+jwt\"," more "}"
#define BODY_OF(iss, more) "{\"iss\":\"" iss "\",\"sub\":\"mark-of\",\"client_id\":\"c1\",\"scope\":\"read\"" more "}"
#define OK_BODY BODY_OF(ISS, ",\"aud\":\"" AUD "\",\"exp\":1800000000")
    static const struct { const char *header, *claims; } rows[] = {
        { T("\"alg\":\"none\",\"kid\":\"ec1\""), OK_BODY },
        { T("\"alg\":\"HS256\",\"kid\":\"rsa1\""), OK_BODY },                 /* with the public key */
        { T("\"alg\":\"ES256\",\"kid\":\"rsa1\""), OK_BODY },                 /* of another kind */
        { T("\"alg\":\"RS256\",\"kid\":\"ec1\""), OK_BODY },
        { T("\"alg\":\"ES256\",\"kid\":\"ec9\",\"jku\":\"https://mark-of.example/jwks\""), OK_BODY },
        { T("\"alg\":\"ES256\",\"kid\":\"ec9\",\"x5u\":\"https://mark-of.example/c\""), OK_BODY },
        { T("\"alg\":\"ES256\",\"kid\":\"ec9\",\"jwk\":" EC_JWK), OK_BODY },
        { T("\"alg\":\"ES256\",\"kid\":\"../../mark-of\""), OK_BODY },
        { T("\"alg\":\"ES256\",\"kid\":\"ec1\",\"alg\":\"ES256\""), OK_BODY },
        { ES, BODY_OF(ISS, ",\"aud\":\"" AUD "\",\"exp\":1800000000,\"exp\":1800000000") },
        { ES, BODY_OF(ISS, ",\"aud\":\"" AUD "\",\"exp\":1600000000") },
        { ES, BODY_OF(ISS, ",\"aud\":\"" AUD "\",\"exp\":1800000000,\"nbf\":1790000000") },
        { ES, BODY_OF(ISS, ",\"aud\":\"https://mark-of.example/mcp\",\"exp\":1800000000") },
        { ES, BODY_OF("https://mark-of.example", ",\"aud\":\"" AUD "\",\"exp\":1800000000") },
        { "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"ec1\"}", OK_BODY },
        { ES, BODY_OF(ISS, ",\"aud\":\"" AUD "\",\"exp\":1800000000,\"at_hash\":\"x\"") },       /* an ID token */
        { ES, OK_BODY }               /* without its last character */
    };
#undef T
#undef BODY_OF
#undef OK_BODY
    static const char want[] = "Bearer error=\"invalid_token\", error_description=\"the access token is not valid\", "
        "resource_metadata=\"https://device.example/.well-known/oauth-protected-resource/mcp\"";
    static char token[2048], headers[2200], text[1024], first[512];
    wire *w;
    fresh(NULL);
    world.server.tools = tools;
    world.server.ntools = 1;
    CHECK(mcpt_jwk_parse(&slots[0], mcpt_z(EC_JWK), env.crypto, text, sizeof text) == MCPT_OK);
    CHECK(mcpt_jwk_parse(&slots[1], mcpt_z(RSA_JWK), env.crypto, text, sizeof text) == MCPT_OK);
    world.headers = headers;
    w = dial(MCPT_HTTP);
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_str t = jwt_make(token, sizeof token, rows[i].header, rows[i].claims);
        reply r;
        snprintf(headers, sizeof headers, "Authorization: Bearer %.*s\r\n", (int)t.len - (i == MCPT_COUNT(rows) - 1), t.ptr);
        noted = 0;
        r = call(w, "echo", "{\"text\":\"x\"}");
        CHECK(r.status == 401 && probe.runs == 0 && !busy());
        IS(header(r, "WWW-Authenticate"), want);
        if (i == 0) {
            snprintf(first, sizeof first, "%s", r.body);
            HAS(first, "{\"error\":\"invalid_token\",");
        }
        IS(r.body, first);
        CHECK(noted == 1);            /* the owner is told why, in words of ours */
        LACKS(last_text, "mark-of");
        LACKS(world.log, "mark-of");
    }
    {
        mcpt_str t = jwt_make(token, sizeof token, ES, rows[0].claims);
        snprintf(headers, sizeof headers, "Authorization: Bearer %.*s\r\n", (int)t.len, t.ptr);
        CHECK(call(w, "echo", "{\"text\":\"x\"}").status == 200 && probe.runs == 1);
    }
    finish();
}

/* RFC 9068 section 4, RFC 8707: a token for another server stays that, whatever name for this one its bearer puts into Host. */
static void the_caller_does_not_name_the_audience(void)
{
    static const struct { const char *host, *aud, *base, *resource, *audiences; bool any; int status; } rows[] = {
        { "10.0.0.6", "http://10.0.0.6/mcp", NULL, NULL, NULL, false, 401 },
        { "10.0.0.6", "http://10.0.0.6/mcp/", NULL, NULL, NULL, false, 401 },
        { "localhost:9", "http://localhost:9/mcp", NULL, NULL, NULL, false, 401 },
        { "evil.example", "http://evil.example/mcp", NULL, NULL, NULL, true, 401 },
        { "evil.example", "http://evil.example/mcp", "https://device.example", NULL, NULL, true, 401 },
        { "evil.example", "http://evil.example/mcp", NULL, AUD, NULL, true, 401 },
        { "evil.example", "http://evil.example/mcp", "https://device.example", AUD, NULL, true, 401 },
        { "10.0.0.6", AUD, "https://device.example", NULL, NULL, false, 200 },
        { "10.0.0.6", AUD "/", "https://other.example/ https://device.example", NULL, NULL, false, 401 },
        { "10.0.0.6", AUD, "https://other.example/ https://device.example", NULL, NULL, false, 200 },
        { "10.0.0.6", AUD "/", NULL, AUD, NULL, false, 200 },
        { "10.0.0.6", "http://10.0.0.6/mcp", NULL, NULL, "http://10.0.0.6/mcp", false, 200 }
    };
    static char token[2048], headers[2200], claims[400], text[1024], body[400];
    for (size_t i = 0; i < MCPT_COUNT(rows) * 2; i++) {
        size_t k = i / 2;
        mcpt_str t;
        wire *w;
        if (i % 2 == 0) {
            fresh(NULL);
            CHECK(mcpt_jwk_parse(&slots[0], mcpt_z(EC_JWK), env.crypto, text, sizeof text) == MCPT_OK);
        } else {                      /* as introspection tells it */
            fresh_in(false);
            guard.verify = mcpt_introspection_verify;
            guard.user = &in;
        }
        world.server.tools = tools;
        world.server.ntools = 1;
        world.host = rows[k].host;
        world.identity.any_host = rows[k].any;
        world.identity.base_url = rows[k].base;
        prm.resource = rows[k].resource;
        rules.audiences = rows[k].audiences;
        snprintf(claims, sizeof claims, "{\"iss\":\"" ISS "\",\"sub\":\"u\",\"aud\":\"%s\",\"exp\":1800000000}", rows[k].aud);
        t = i % 2 == 0 ? jwt_make(token, sizeof token, ES, claims) : mcpt_z("opaque");
        snprintf(headers, sizeof headers, "Authorization: Bearer %.*s\r\n", (int)t.len, t.ptr);
        world.headers = headers;
        w = dial(MCPT_HTTP);
        if (i % 2 == 0) {
            CHECK(call(w, "echo", "{\"text\":\"x\"}").status == rows[k].status);
        } else {
            CHECK(call(w, "echo", "{\"text\":\"x\"}").status == 0 && busy());
            snprintf(body, sizeof body, H200("") "{\"active\":true,\"sub\":\"u\",\"aud\":\"%s\"}", rows[k].aud);
            serve(body);
            settle();
            CHECK(take(w).status == rows[k].status);
        }
        CHECK(probe.runs == (rows[k].status == 200) && (probe.runs == 1 || strcmp(last_text, "aud") == 0));
        finish();
    }
}

/* RFC 9449 section 4.3, check 9: nor does the caller name the URL that a proof was made for. */
static void the_caller_does_not_name_the_url_of_a_proof(void)
{
    static const char *const url = "http://10.0.0.6/mcp";
    static char text[1024], proof_text[1024];
    static mcpt_seen seen[2];
    mcpt_str none = { NULL, 0 }, proof = { NULL, 0 };
    char jkt[44] = { 0 };
    mcpt_env wall;
    mcpt_principal who;
    mcpt_token t;
    mcpt_dpop d;
    fresh(NULL);
    memset(&d, 0, sizeof d);
    memset(&t, 0, sizeof t);
    memset(&who, 0, sizeof who);
    memset(seen, 0, sizeof seen);
    d.env = &env;
    d.seen = seen;
    d.nseen = MCPT_COUNT(seen);
    d.buf = proof_text;
    d.cap = sizeof proof_text;
    wall = env;
    wall.random = mcpt_mbedtls_random;
    wall.user = &jwt_mbed;
    CHECK(mcpt_signer_thumbprint(&jwt_ec, jkt) == MCPT_OK);
    CHECK(mcpt_jwt_proof(&jwt_ec, &wall, mcpt_z("POST"), mcpt_z(url), mcpt_z("t"), none, text, sizeof text, &proof) == MCPT_OK);
    who.jkt = mcpt_z(jkt);
    t.text = mcpt_z("t");
    t.proof = proof;
    t.method = mcpt_z("POST");
    t.resource = mcpt_z(url);
    t.server = &world.server;
    prm.resource = NULL;
    CHECK(mcpt_dpop_prove(&d, &t, &who) == MCPT_E_PROOF && strcmp(last_text, "htu") == 0);
    prm.resource = url;
    CHECK(mcpt_dpop_prove(&d, &t, &who) == MCPT_OK);
    finish();
}

int main(void)
{
    jwt_keys();
    fixed_keys();
    deny_list();
    keys_by_url();
    keys_apart();
    keys_change();
    keys_grow_old();
    no_keys_yet();
    introspection();
    introspection_fails();
    clerk();
    gone_meanwhile();
    behind_the_guard();
    forged_tokens_are_told_one_thing();
    the_caller_does_not_name_the_audience();
    the_caller_does_not_name_the_url_of_a_proof();
    jwt_forget();
    return test_end();
}
