/* oauth.h: a world for the client's authorization: an MCP server's metadata, an authorization server with knobs, a person
 * with a browser, a clock, a store that can fail. One object, W. */
#include "mcptools.h"
#include "../../port/crypto_mbedtls.h"
#include "../../port/store_ram.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MCP "https://mcp.example/mcp"
#define AS "https://as.example"
#define PRM_PATH "https://mcp.example/.well-known/oauth-protected-resource/mcp"
#define PRM_ROOT "https://mcp.example/.well-known/oauth-protected-resource"
#define AS_META AS "/.well-known/oauth-authorization-server"
#define REDIRECT "http://127.0.0.1:8976/cb"
#define PRM_BODY "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"" AS "\"],\"scopes_supported\":[\"read\",\"write\"]}"
#define ENDPOINTS(as) "\"issuer\":\"" as "\",\"authorization_endpoint\":\"" as "/authorize\",\"token_endpoint\":\"" as "/token\"," \
    "\"registration_endpoint\":\"" as "/register\",\"revocation_endpoint\":\"" as "/revoke\""
#define S256 ",\"response_types_supported\":[\"code\"],\"code_challenge_methods_supported\":[\"plain\",\"S256\"]"
#define ISS ",\"authorization_response_iss_parameter_supported\":true"

typedef struct route { const char *url; unsigned status; const char *body; } route;
enum { ROUTES = 24, LOG = 40 };
static struct {
    route routes[ROUTES];             /* overrides, the last one first */
    size_t nroutes;
    char log[LOG][160];               /* "METHOD url" of each request */
    size_t nlog;
    char form[4096];                  /* body of the last POST */
    char pushed[4096];                /* the authorization request that was pushed (RFC 9126) */
    char dpop[1024];                  /* DPoP of the last request */
    char auth[512];                   /* Authorization of the last request */
    char challenge[64], state[64], scope[256], resource[256], client_id[256], prompt[32];  /* of the last authorization URL */
    unsigned codes, authorizations, tokens;                /* how many */
    size_t piece;                     /* bytes of a body at a time; 0: all */
    uint32_t millis;
    int64_t unix_time;
    unsigned random_fails_at, random_calls, store_fails_at, store_calls;
    mcpt_store_ram ram;
    mcpt_store store;                 /* counts, then ram's */
    char ram_mem[16384];
    char mem[8192];
    const char *token_body;           /* NULL: the usual answer */
    unsigned token_status;
    const char *nonce;                /* DPoP-Nonce of every answer; NULL: none */
    void (*meanwhile)(void);          /* another process, between a read of the store and a swap; once */
    unsigned retry_after;             /* of every answer */
    const char *iss;                  /* of the callback; NULL: the issuer AS; "": none */
} W;

static uint32_t w_millis(void *user) { (void)user; return W.millis; }
static int64_t w_unix(void *user) { (void)user; return W.unix_time; }
static bool w_random(void *user, void *buf, size_t len)
{
    static uint32_t x = 12345;
    (void)user;
    if (++W.random_calls == W.random_fails_at) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        ((uint8_t *)buf)[i] = (uint8_t)(x >> 24);
    }
    return true;
}
static const mcpt_env w_env = { w_millis, w_unix, w_random, NULL, &mcpt_mbedtls_crypto, NULL };

static bool w_store_fails(void) { return ++W.store_calls == W.store_fails_at; }
static mcpt_err s_read(void *u, const char *key, void *buf, size_t cap, size_t *len)
{
    (void)u;
    *len = 0;
    return w_store_fails() ? MCPT_E_STORE : W.ram.store.read(W.ram.store.user, key, buf, cap, len);
}
static mcpt_err s_write(void *u, const char *key, mcpt_str v)
{
    (void)u;
    return w_store_fails() ? MCPT_E_STORE : W.ram.store.write(W.ram.store.user, key, v);
}
static mcpt_err s_erase(void *u, const char *key)
{
    (void)u;
    return w_store_fails() ? MCPT_E_STORE : W.ram.store.erase(W.ram.store.user, key);
}
static mcpt_err s_swap(void *u, const char *key, mcpt_str old, mcpt_str v)
{
    void (*meanwhile)(void) = W.meanwhile;
    (void)u;
    W.meanwhile = NULL;
    if (meanwhile != NULL) {
        meanwhile();
    }
    return w_store_fails() ? MCPT_E_STORE : W.ram.store.swap(W.ram.store.user, key, old, v);
}
static mcpt_err s_list(void *u, const char *prefix, bool (*each)(void *, const char *), void *each_user)
{
    (void)u;
    return W.ram.store.list(W.ram.store.user, prefix, each, each_user);
}

static void world(void)
{
    memset(&W, 0, sizeof(W));
    W.unix_time = 1800000000;
    W.millis = 0xfffff000u;           /* wraps soon */
    CHECK(mcpt_store_ram_init(&W.ram, W.ram_mem, sizeof(W.ram_mem), 0) == MCPT_OK);
    W.store.read = s_read;
    W.store.write = s_write;
    W.store.erase = s_erase;
    W.store.list = s_list;
    W.store.swap = s_swap;
}

static void put_route(const char *url, unsigned status, const char *body)
{
    CHECK(W.nroutes < ROUTES);
    W.routes[W.nroutes].url = url;
    W.routes[W.nroutes].status = status;
    W.routes[W.nroutes++].body = body;
}

static bool count_key(void *user, const char *key) { (void)key; ++*(unsigned *)user; return true; }
static unsigned records(const char *prefix)
{
    unsigned n = 0;
    CHECK(W.ram.store.list(W.ram.store.user, prefix, count_key, &n) == MCPT_OK);
    return n;
}

/* The value of a form parameter, decoded; "" when there is none. */
static const char *param(const char *form, const char *name, char *buf, size_t cap)
{
    mcpt_str out;
    static char none[1];
    if (!mcpt__oa_query(mcpt_z(form), name, buf, cap - 1, &out) || out.ptr == NULL) {
        return none;
    }
    buf[out.len] = '\0';
    return buf;
}

static bool asked(const char *line)   /* was this request made? */
{
    for (size_t i = 0; i < W.nlog; i++) {
        if (strcmp(W.log[i], line) == 0) {
            return true;
        }
    }
    return false;
}

static void copy(char *to, size_t cap, mcpt_str s)
{
    size_t n = s.len < cap - 1 ? s.len : cap - 1;
    memcpy(to, s.ptr != NULL ? s.ptr : "", n);
    to[n] = '\0';
}

/* The usual answer of an endpoint. */
static const char *answer(const mcpt_oauth_http *r, const char *url, unsigned *status)
{
    static char out[512];
    char buf[512], verifier[64];
    uint8_t hash[32];
    mcpt_str v;
    char expect[44];
    *status = 200;
    if (strcmp(url, PRM_PATH) == 0) {
        return PRM_BODY;
    }
    if (strcmp(url, AS_META) == 0) {
        return "{" ENDPOINTS(AS) S256 ISS ",\"token_endpoint_auth_methods_supported\":[\"none\"]}";
    }
    if (strcmp(url, AS "/register") == 0) {
        *status = 201;
        return "{\"client_id\":\"client-1\",\"redirect_uris\":[\"" REDIRECT "\"],\"id_token\":\"ignored\"}";
    }
    if (strcmp(url, AS "/revoke") == 0) {
        return "";
    }
    if (strcmp(url, AS "/par") == 0) {
        snprintf(W.pushed, sizeof(W.pushed), "%s", W.form);
        *status = 201;
        return "{\"request_uri\":\"urn:ietf:params:oauth:request_uri:6esc&+1\",\"expires_in\":60}";
    }
    if (strstr(url, "/token") != NULL && W.token_body != NULL) {
        *status = W.token_status != 0 ? W.token_status : 200;
        return W.token_body;
    }
    if (strstr(url, "/token") != NULL) {
        if (strcmp(param(W.form, "grant_type", buf, sizeof(buf)), "authorization_code") == 0) {
            snprintf(expect, sizeof(expect), "code-%u", W.codes);
            CHECK(strcmp(param(W.form, "code", buf, sizeof(buf)), expect) == 0);
            v = mcpt_z(param(W.form, "code_verifier", verifier, sizeof(verifier)));
            CHECK(v.len == 43 && mcpt_mbedtls_sha256(NULL, &v, 1, hash));
            CHECK(mcpt_b64_encode(hash, 32, true, expect, sizeof(expect)) == 43 && memcmp(expect, W.challenge, 43) == 0);
            CHECK(strcmp(param(W.form, "redirect_uri", buf, sizeof(buf)), REDIRECT) == 0);
        }
        snprintf(out, sizeof(out), "{\"access_token\":\"at-%u\",\"token_type\":\"bearer\",\"expires_in\":3600,\"refresh_token\":\"rt-%u\"}",
                 W.tokens + 1, W.tokens + 1);
        W.tokens++;
        return out;
    }
    (void)r;
    *status = 404;
    return "<html>not here</html>";
}

static void serve(mcpt_oauth *o)      /* one request and its answer */
{
    const mcpt_oauth_http *r = mcpt_oauth_request(o);
    char url[140];
    const char *body = NULL;
    unsigned status = 0;
    size_t at, n;
    mcpt_err e = MCPT_OK;
    copy(url, sizeof(url), r->url);
    CHECK(W.nlog < LOG);
    snprintf(W.log[W.nlog++], sizeof(W.log[0]), "%s %s", r->method, url);
    copy(W.auth, sizeof(W.auth), r->authorization);
    copy(W.form, sizeof(W.form), r->body);
    copy(W.dpop, sizeof(W.dpop), r->dpop);
    for (size_t i = W.nroutes; i > 0 && body == NULL; i--) {
        if (strcmp(W.routes[i - 1].url, url) == 0) {
            status = W.routes[i - 1].status;
            body = W.routes[i - 1].body;
        }
    }
    if (body == NULL) {
        body = answer(r, url, &status);
    }
    if (status == 0) {                /* the network */
        mcpt_oauth_done(o, MCPT_E_IO);
        return;
    }
    mcpt_oauth_head(o, status, W.retry_after, mcpt_z(W.nonce));
    for (at = 0, n = strlen(body); at < n && e == MCPT_OK; at += W.piece != 0 ? W.piece : n) {
        size_t k = W.piece != 0 && W.piece < n - at ? W.piece : n - at;
        char *copy_of = (char *)malloc(k);                 /* its ends are watched */
        memcpy(copy_of, body + at, k);
        e = mcpt_oauth_body(o, copy_of, k);
        free(copy_of);
    }
    mcpt_oauth_done(o, MCPT_OK);
}

static mcpt_oauth_step drive(mcpt_oauth *o)                /* until the network is not the one to wait for */
{
    mcpt_oauth_step s;
    for (int i = 0; i < 20 && (s = mcpt_oauth_next(o)) == MCPT_OAUTH_REQUEST; i++) {
        serve(o);
    }
    return mcpt_oauth_next(o);
}

/* The person signs in: reads the URL, answers the query of the redirect. */
static const char *sign_in(mcpt_oauth *o)
{
    static char query[512];
    char url[2048], buf[512];
    const char *q;
    copy(url, sizeof(url), mcpt_oauth_url(o));
    q = strchr(url, '?');
    CHECK(q != NULL);
    q = q != NULL ? q + 1 : "";
    if (strstr(q, "request_uri=") != NULL) {                /* RFC 9126 section 4: that and client_id, the rest was pushed */
        static char id[256];
        CHECK(strcmp(param(q, "request_uri", buf, sizeof(buf)), "urn:ietf:params:oauth:request_uri:6esc&+1") == 0);
        snprintf(id, sizeof(id), "%s", param(q, "client_id", buf, sizeof(buf)));
        CHECK(strchr(strchr(q, '&') + 1, '&') == NULL && strcmp(id, param(W.pushed, "client_id", buf, sizeof(buf))) == 0);
        q = W.pushed;
    }
    W.authorizations++;
    W.codes++;
    CHECK(strcmp(param(q, "response_type", buf, sizeof(buf)), "code") == 0);
    CHECK(strcmp(param(q, "code_challenge_method", buf, sizeof(buf)), "S256") == 0);
    CHECK(strcmp(param(q, "redirect_uri", buf, sizeof(buf)), REDIRECT) == 0);
    snprintf(W.challenge, sizeof(W.challenge), "%s", param(q, "code_challenge", buf, sizeof(buf)));
    snprintf(W.state, sizeof(W.state), "%s", param(q, "state", buf, sizeof(buf)));
    snprintf(W.scope, sizeof(W.scope), "%s", param(q, "scope", buf, 256));
    snprintf(W.resource, sizeof(W.resource), "%s", param(q, "resource", buf, 256));
    snprintf(W.client_id, sizeof(W.client_id), "%s", param(q, "client_id", buf, 256));
    snprintf(W.prompt, sizeof(W.prompt), "%s", param(q, "prompt", buf, 32));
    CHECK(strlen(W.state) >= 22 && strlen(W.challenge) == 43);
    snprintf(query, sizeof(query), "code=code-%u&state=%s%s%s", W.codes, W.state, W.iss != NULL && W.iss[0] == '\0' ? "" : "&iss=",
             W.iss != NULL ? W.iss : "https%3A%2F%2Fas.example");
    return query;
}

static const mcpt_oauth_config usual = {
    .endpoint = MCP, .redirect_uri = REDIRECT, .client_name = "Gateway", .env = &w_env, .store = &W.store };

static mcpt_err refuse(mcpt_oauth *o, unsigned status, const char *challenge, bool token)
{
    mcpt_str field = mcpt_z(challenge);
    return mcpt_oauth_refused(o, status, &field, challenge != NULL ? 1 : 0, mcpt_z(W.nonce), token);
}

/* From a 401 to a token, with the person's help. */
static mcpt_oauth_step authorize(mcpt_oauth *o, const char *challenge)
{
    CHECK(refuse(o, 401, challenge, false) == MCPT_PENDING);
    if (drive(o) != MCPT_OAUTH_USER) {
        return mcpt_oauth_next(o);
    }
    (void)mcpt_oauth_callback(o, mcpt_z(sign_in(o)));
    return drive(o);
}
