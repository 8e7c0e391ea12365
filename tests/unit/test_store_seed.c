/* port/store_seed: sessions in the layout of @clerk/mcp-tools, against the scripted world of oauth.h; its own stores and the package itself
 * are in tests/interop/seed.mjs. What the package wrote is given here as text. */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "../../port/store_seed.h"
#include "oauth.h"

#define STATE "f7cb0c2e-7c19-4b7c-8d5a-0d7c2e9a1b11"
#define SESSION "0b8f5a52-98a1-4d0e-a5b1-6a2f3c4d5e6f"
#define NODE_SESSION "{\"mcpEndpoint\":\"" MCP "\",\"oauthRedirectUrl\":\"" REDIRECT "\",\"mcpClientName\":\"n\\u00e4me\",\"mcpClientVersion\":\"1\"," \
    "\"clientId\":\"client-1\"%s}"

static mcpt_oauth o;
static mcpt_store_seed seed;
static char mem[MCPT_STORE_SEED_MEM], work[8192];

static mcpt_err begin(bool dated)
{
    mcpt_store_seed_config config;
    memset(&config, 0, sizeof(config));
    config.records = &W.store;
    config.dated = dated;
    config.env = &w_env;
    config.mem = mem;
    config.size = sizeof(mem);
    return mcpt_store_seed_init(&seed, &config);
}

static void fresh(void)
{
    world();
    CHECK(mcpt_store_ram_init(&W.ram, W.ram_mem, sizeof(W.ram_mem), 64) == MCPT_OK);
}

static void put(const char *prefix, const char *name, const char *value)
{
    char key[80];
    (void)snprintf(key, sizeof(key), "%s%s", prefix, name);
    CHECK(W.ram.store.write(W.ram.store.user, key, mcpt_z(value)) == MCPT_OK);
}

/* The record, NUL-terminated; "" when there is none. */
static const char *get(const char *prefix, const char *name)
{
    static char value[4096];
    char key[80];
    size_t n = 0;
    (void)snprintf(key, sizeof(key), "%s%s", prefix, name);
    value[W.ram.store.read(W.ram.store.user, key, value, sizeof(value) - 1, &n) == MCPT_OK ? n : 0] = '\0';
    return value;
}

static void node_began(const char *more)
{
    char text[2048];
    (void)snprintf(text, sizeof(text), NODE_SESSION, more);
    put("session_", SESSION, text);
    put("state_", STATE, "\"" SESSION "\"");
    put("pkce_verifier_", STATE, "\"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk\"");
}

static mcpt_err create(void)
{
    seed.auth.endpoint = MCP;
    seed.auth.redirect_uri = REDIRECT;
    seed.auth.scope = "read";
    seed.auth.public_client = true;
    seed.name = "n\"ame";
    seed.version = "2";
    return mcpt_store_seed_create(&seed, &o, work, sizeof(work));
}

/* Begun here, finished by another process of ours; the records between. */
static void there_and_back(bool dated)
{
    char id[65], query[512];
    mcpt_str url;
    fresh();
    CHECK(begin(dated) == MCPT_OK && create() == MCPT_OK && strlen(seed.id) == 36 && seed.id[14] == '4');
    memcpy(id, seed.id, sizeof(id));
    CHECK(strstr(get("session_", id), "\"mcpEndpoint\":\"" MCP "\",\"oauthRedirectUrl\":\"" REDIRECT "\",\"oauthScopes\":\"read\",\"oauthPublicClient\":true,"
                 "\"mcpClientName\":\"n\\\"ame\",\"mcpClientVersion\":\"2\"}") != NULL);
    CHECK(mcpt_store_seed_url(&seed, &url) == MCPT_E_STATE);
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER && records("state_") == 0);
    CHECK(mcpt_store_seed_url(&seed, &url) == MCPT_OK && mcpt_str_eq(url, mcpt_oauth_url(&o)) && mcpt_store_seed_url(&seed, &url) == MCPT_OK);
    (void)snprintf(query, sizeof(query), "%s", sign_in(&o));
    CHECK(strstr(get("session_", id), "\"clientId\":\"client-1\"") != NULL && strstr(get("session_", id), "accessToken") == NULL);
    CHECK(records("state_") == 1 && strstr(get("state_", W.state), id) != NULL && records("pkce_verifier_") == 1);
    CHECK((strstr(get("state_", W.state), "\"created_at\":\"2027-01-15T08:00:00.000Z\"") != NULL) == dated);
    mcpt_store_seed_close(&seed);
    for (size_t i = 0; i < sizeof(mem); i++) {
        if (mem[i] != 0) {
            CHECK(mem[i] == 0);
            break;
        }
    }
    CHECK(begin(dated) == MCPT_OK && mcpt_store_seed_complete(&seed, mcpt_z(query), &o, work, sizeof(work)) == MCPT_OK);
    CHECK(records("state_") == 0 && records("pkce_verifier_") == 0 && strcmp(seed.id, id) == 0 && strcmp(seed.auth.endpoint, MCP) == 0);
    CHECK(seed.auth.public_client && strcmp(seed.auth.scope, "read") == 0 && strcmp(seed.name, "n\"ame") == 0 && strcmp(seed.version, "2") == 0);
    W.nlog = 0;
    CHECK(drive(&o) == MCPT_OAUTH_READY && mcpt_str_is(mcpt_oauth_token(&o), "at-1") && W.nlog == 3 && asked("POST " AS "/token"));
    CHECK(strstr(get("session_", id), "\"accessToken\":\"at-1\",\"refreshToken\":\"rt-1\",\"issuer\":\"" AS "\",\"authComplete\":true}") != NULL);
    mcpt_store_seed_close(&seed);
    CHECK(begin(dated) == MCPT_OK && mcpt_store_seed_complete(&seed, mcpt_z(query), &o, work, sizeof(work)) == MCPT_E_ABSENT);
    CHECK(mcpt_store_seed_open(&seed, id, &o, work, sizeof(work)) == MCPT_OK && mcpt_oauth_next(&o) == MCPT_OAUTH_READY && mcpt_str_is(mcpt_oauth_token(&o), "at-1"));
    /* the token has ended: metadata, a refresh, the new ones in the record */
    CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING);
    W.nlog = 0;
    CHECK(drive(&o) == MCPT_OAUTH_READY && mcpt_str_is(mcpt_oauth_token(&o), "at-2") && asked("POST " AS "/token") && W.authorizations == 1);
    CHECK(strstr(get("session_", id), "\"accessToken\":\"at-2\"") != NULL);
    mcpt_oauth_logout(&o);                                  /* metadata was fetched: revoked, too */
    CHECK(drive(&o) == MCPT_OAUTH_IDLE && asked("POST " AS "/revoke") && get("session_", id)[0] == '\0');
    mcpt_store_seed_close(&seed);
}

/* All in one process. */
static void at_once(void)
{
    fresh();
    CHECK(begin(true) == MCPT_OK && create() == MCPT_OK && authorize(&o, NULL) == MCPT_OAUTH_READY);
    CHECK(strstr(get("session_", seed.id), "\"authComplete\":true},\"created_at\":\"") != NULL && records("") == 1);
    mcpt_store_seed_close(&seed);
    for (int taken = 0; taken < 2; taken++) {               /* and with its URL shown: who has the verifier has the redirect */
        char query[512];
        mcpt_str url;
        fresh();
        CHECK(begin(false) == MCPT_OK && create() == MCPT_OK && refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
        CHECK(mcpt_store_seed_url(&seed, &url) == MCPT_OK && records("") == 3);
        (void)snprintf(query, sizeof(query), "%s", sign_in(&o));
        if (taken != 0) {
            char key[80];
            (void)snprintf(key, sizeof(key), "pkce_verifier_%s", W.state);
            CHECK(W.ram.store.erase(W.ram.store.user, key) == MCPT_OK);
        }
        CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == (taken != 0 ? MCPT_E_ABSENT : MCPT_PENDING) && records("pkce_verifier_") == 0);
        CHECK(drive(&o) == (taken != 0 ? MCPT_OAUTH_IDLE : MCPT_OAUTH_READY) && asked("POST " AS "/token") == (taken == 0));
        CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == MCPT_E_ABSENT && records("") == (taken != 0 ? 2 : 1));
        mcpt_store_seed_close(&seed);
    }
}

/* Begun by the package: what the callback may say (RFC 9207), with and without an issuer in the record. */
static void from_node(void)
{
    static const struct { const char *query, *more, *meta; mcpt_err complete, end; } rows[] = {
        { "code=code-1&state=" STATE, "", "", MCPT_OK, MCPT_OK },
        { "state=" STATE "&code=code-1&iss=https%3A%2F%2Fas.example", "", ISS, MCPT_OK, MCPT_OK },
        { "code=code-1&state=" STATE, "", ISS, MCPT_OK, MCPT_E_ISSUER },
        { "code=code-1&state=" STATE "&iss=https%3A%2F%2Fevil.example", "", "", MCPT_OK, MCPT_E_ISSUER },
        { "code=code-1&state=" STATE, ",\"issuer\":\"https://as.example\"", "", MCPT_OK, MCPT_OK },
        { "code=code-1&state=" STATE, ",\"issuer\":\"https://former.example\"", "", MCPT_OK, MCPT_E_ISSUER },
        { "error=access_denied&state=" STATE, "", "", MCPT_E_DECLINED, MCPT_E_DECLINED },
        { "code=a&code=b&state=" STATE, "", "", MCPT_E_PARAMS, MCPT_E_PARAMS } };
    char meta[512];
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        fresh();
        (void)snprintf(meta, sizeof(meta), "{" ENDPOINTS(AS) S256 "%s}", rows[i].meta);
        put_route(AS_META, 200, meta);
        node_began(rows[i].more);
        W.codes = 1;
        memcpy(W.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", 44);     /* RFC 7636 appendix B */
        CHECK(begin(false) == MCPT_OK && mcpt_store_seed_complete(&seed, mcpt_z(rows[i].query), &o, work, sizeof(work)) == rows[i].complete);
        CHECK(records("state_") == 0 && records("pkce_verifier_") == 0);
        CHECK(drive(&o) == (rows[i].end == MCPT_OK ? MCPT_OAUTH_READY : MCPT_OAUTH_FAILED) && mcpt_oauth_error(&o) == rows[i].end);
        CHECK(asked("POST " AS "/token") == (rows[i].end == MCPT_OK) && !asked("POST " AS "/register"));
        CHECK((strstr(get("session_", SESSION), "\"accessToken\":\"at-1\"") != NULL) == (rows[i].end == MCPT_OK));
        CHECK(strcmp(seed.name, "n\xc3\xa4me") == 0);
        mcpt_store_seed_close(&seed);
    }
    fresh();                                                /* queries that are nobody's change nothing */
    node_began("");
    CHECK(begin(false) == MCPT_OK);
    for (size_t i = 0; i < 7; i++) {
        static const char *const bad[] = { "", "code=x", "state=", "code=x&state=other", "xstate=" STATE, "state=a%2Fb", "state=" STATE STATE };
        CHECK(mcpt_store_seed_complete(&seed, mcpt_z(bad[i]), &o, work, sizeof(work)) == MCPT_E_ABSENT && records("state_") == 1);
    }
}

/* What the application or the package added stays, and records that make no sense are an error. */
static void strange_records(void)
{
    static const struct { const char *text; mcpt_err e; } rows[] = {
        { "", MCPT_E_DAMAGED }, { "{", MCPT_E_DAMAGED }, { "[]", MCPT_E_DAMAGED }, { "null", MCPT_E_DAMAGED }, { "{}", MCPT_E_DAMAGED }, { "{ }", MCPT_E_DAMAGED },
        { "\"mcpEndpoint\"", MCPT_E_DAMAGED }, { "{\"mcpEndpoint\":7,\"oauthRedirectUrl\":\"" REDIRECT "\"}", MCPT_E_DAMAGED },
        { "{\"mcpEndpoint\":\"" MCP "\",\"mcpEndpoint\":\"" MCP "\"}", MCPT_E_DAMAGED },
        { "{\"mcpEndpoint\":\"ftp://x/\",\"oauthRedirectUrl\":\"" REDIRECT "\",\"mcpClientName\":\"n\",\"mcpClientVersion\":\"1\"}", MCPT_E_ARG },
        { "{\"mcpEndpoint\":\"" MCP "\",\"oauthRedirectUrl\":\"" REDIRECT "\",\"mcpClientName\":\"n\",\"mcpClientVersion\":\"1\"}", MCPT_OK },
        { "{\"mcpEndpoint\":\"" MCP "\",\"oauthRedirectUrl\":\"" REDIRECT "\",\"mcpClientName\":\"n\",\"mcpClientVersion\":\"1\",\"clientId\":\"c\",\"accessToken\":\"a b\"}", MCPT_E_ARG } };
    char text[8192];
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        fresh();
        put("session_", "x", rows[i].text);
        CHECK(begin(false) == MCPT_OK && mcpt_store_seed_open(&seed, "x", &o, work, sizeof(work)) == rows[i].e);
    }
    CHECK(mcpt_store_seed_open(&seed, "nobody", &o, work, sizeof(work)) == MCPT_E_ABSENT && mcpt_store_seed_open(&seed, "../x", &o, work, sizeof(work)) == MCPT_E_ABSENT);
    fresh();
    node_began(",\"accessToken\":\"old\",\"refreshToken\":\"rt-0\" , \"own\" : {\"a\\\\\\\"}\":[1,{\"b\":\",:\"}],\"c\":\"\\\\\"},\"n\":-1.5e3,\"\\u00fc\":null,\"t\":[true,false]");
    CHECK(begin(false) == MCPT_OK && mcpt_store_seed_open(&seed, SESSION, &o, work, sizeof(work)) == MCPT_OK && mcpt_str_is(mcpt_oauth_token(&o), "old"));
    CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);
    CHECK(strstr(get("session_", SESSION), "\"own\":{\"a\\\\\\\"}\":[1,{\"b\":\",:\"}],\"c\":\"\\\\\"},\"n\":-1.5e3,\"\xc3\xbc\":null,\"t\":[true,false],\"clientId\"") != NULL);
    CHECK(strstr(get("session_", SESSION), "\"accessToken\":\"at-1\"") != NULL && strstr(get("session_", SESSION), "old") == NULL);
    mcpt_store_seed_close(&seed);
    memset(text, 'x', sizeof(text));                        /* larger than a quarter of mem */
    text[sizeof(text) - 1] = '\0';
    put("session_", "x", text);
    CHECK(begin(false) == MCPT_OK && mcpt_store_seed_open(&seed, "x", &o, work, sizeof(work)) == MCPT_E_SPACE);
    put("session_", "x", "{\"value\":7,\"created_at\":\"\"}");
    CHECK(begin(true) == MCPT_OK && mcpt_store_seed_open(&seed, "x", &o, work, sizeof(work)) == MCPT_E_DAMAGED);
    put("session_", "x", "{\"created_at\":\"\"}");
    CHECK(begin(true) == MCPT_OK && mcpt_store_seed_open(&seed, "x", &o, work, sizeof(work)) == MCPT_E_DAMAGED);
}

/* A store that fails at its n-th call: an error, never half a token; and memory that is too small. */
static void torture(void)
{
    unsigned n = 0, good = 0;
    while (good == 0 && n < 60) {
        mcpt_oauth_step step = MCPT_OAUTH_FAILED;
        fresh();
        node_began("");
        W.codes = 1;
        memcpy(W.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", 44);
        W.store_fails_at = ++n;
        CHECK(begin(false) == MCPT_OK);
        if (mcpt_store_seed_complete(&seed, mcpt_z("code=code-1&state=" STATE), &o, work, sizeof(work)) == MCPT_OK) {
            step = drive(&o);
        }
        CHECK(step != MCPT_OAUTH_READY || mcpt_oauth_error(&o) == MCPT_E_STORE || strstr(get("session_", SESSION), "\"accessToken\":\"at-1\"") != NULL);
        good += W.store_calls < n;
        mcpt_store_seed_close(&seed);
    }
    CHECK(good == 1 && n > 6);
    for (size_t size = 0; size < 6000; size += size < 1200 ? 7 : 97) {
        mcpt_store_seed_config config;
        mcpt_err e;
        fresh();
        node_began("");
        memset(&config, 0, sizeof(config));
        config.records = &W.store;
        config.env = &w_env;
        config.mem = mem;
        config.size = size;
        e = mcpt_store_seed_init(&seed, &config);
        if (size < 1024) {
            CHECK(e == MCPT_E_ARG);
            continue;
        }
        e = mcpt_store_seed_open(&seed, SESSION, &o, work, sizeof(work));
        CHECK(e == MCPT_OK || e == MCPT_E_SPACE);
        CHECK(size < 3000 || e == MCPT_OK);
        mcpt_store_seed_close(&seed);
    }
}

int main(void)
{
    there_and_back(false);
    there_and_back(true);
    at_once();
    from_node();
    strange_records();
    torture();
    return test_end();
}
