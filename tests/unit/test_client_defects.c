#define _GNU_SOURCE
/* What the client half and the stores of @clerk/mcp-tools 0.6 do wrong, each with the test that shows it done right here (its server half:
 * test_seed_defects.c), and an attacker's list for clients. Without a file's name: a test of this one.
 *
 *   a state is never deleted, is good twice, for ever            test_oauth.c: callbacks, code_sent_once; test_store_seed.c: at_once
 *   no refresh; an expired token ends in an exception            test_oauth.c: refreshing, trouble_passes
 *   expiry, scope, type, issuer of a token are thrown away       a_restart_knows_the_token
 *   a client that registered again is lost                       a_client_registered_anew_is_kept
 *   a stale snapshot overwrites what another process wrote       test_oauth.c: refreshed_once; test_store_seed.c: strange_records
 *   one object cannot finish what it began                       test_oauth.c: whole_flow, step_up
 *   no iss; the callback discovers anew: mix-up                  metadata_is_not_read_between_redirect_and_code; test_oauth.c: callbacks
 *   a state is good for whoever brings it                        test_oauth.c: callbacks (another session's)
 *   the state's text stands in exceptions                        what_is_not_ours_is_not_repeated
 *   a session is a secret for ever, no log-out                   test_oauth.c: logging_out, sealed; tests/interop/authorize.mjs
 *   scopes are forgotten, another authorization asks for others  test_oauth.c: scopes_kept, step_up
 *   a registration with each client object                       test_oauth.c: registration (a second start)
 *   examples that do not compile                                 tests/tools/examples.sh; README.md's: tests/tools/lint.py
 *   no resource without metadata                                 test_oauth.c: discovery_orders
 *   error= of the provider is not told, and before the state     test_oauth.c: callbacks
 *   PKCE may be missing, http is followed                        test_oauth.c: bad_server, bad_resource, challenges
 *   credentials go to whatever server the metadata names         credentials_stay_with_their_issuer; test_oauth.c: refused_tokens
 *   the endpoint is not validated, nor the same in any spelling  endpoints_are_judged, endpoints_are_one
 *   secrets are handed out, stand in the store                   test_oauth.c: sealed, whole_flow (memory is wiped)
 *   stores: torn files, lost updates, errors that erase all      test_store_fs.c: kills, refused; store_contract.h, for each store
 *   stores: world-readable, a name in /tmp                       test_store_fs.c: modes
 *   stores: options ignored, strings unreadable, SQL of names    tests/stores/redis.c, postgres.c, sqlite.c
 *   stores: live sessions cleaned away                           test_store_fs.c: extras; test_oauth.c: abandoned
 *
 *   mix-up, crossed answers                      test_oauth.c: callbacks, late_callbacks; metadata_is_not_read_between_redirect_and_code
 *   swapped metadata                             test_oauth.c: bad_resource, bad_server, refused_tokens
 *   redirects to other origins                   redirects_lead_nowhere; test_client.c: hostile_answers
 *   endpoints without https, javascript: URLs    test_oauth.c: bad_server, device_grant; registration_is_managed_over_https
 *   into the network behind a gateway            test_posix_client_where.c
 *   huge and endless answers                     endless_documents; test_oauth.c: bounds; test_client.c: hostile_answers, large_results
 *   values that are too long                     what_is_too_long_says_so
 *   wrong content types, HTML, compression       test_oauth.c: bad_resource, token_answers; test_client.c: hostile_answers; test_exchange.c
 *   duplicate parameters in the callback         test_oauth.c: callbacks
 *   replayed state                               test_oauth.c: callbacks, code_sent_once
 *   401 to the discovery itself, endless 401     a_401_to_discovery_is_no_loop; test_oauth.c: refused_tokens
 *   truncated, tampered, exchanged records       test_oauth.c: sealed; damage_costs_one_record
 *   stores that fail at the n-th call            test_oauth.c: torture, once_only; test_store_seed.c: torture
 *   a process killed at the n-th write           tests/interop/authorize.mjs
 *   clock jumps, no clock                        clocks_jump; test_oauth.c: refresh_cut, refreshing, abandoned
 *   429 and 5xx with Retry-After                 test_oauth.c: trouble_passes; test_client.c: probing, hostile_answers */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "oauth.h"

static mcpt_oauth o;
static void begin_with(const mcpt_oauth_config *config) { CHECK(mcpt_oauth_init(&o, config, W.mem, sizeof(W.mem)) == MCPT_OK); }
static void begin(void)
{
    world();
    begin_with(&usual);
}
static void restart(void)
{
    mcpt_oauth_close(&o);
    begin_with(&usual);
}
static bool token_is(const char *z) { return mcpt_str_is(mcpt_oauth_token(&o), z); }
static bool failed(mcpt_err e) { return mcpt_oauth_next(&o) == MCPT_OAUTH_FAILED && mcpt_oauth_error(&o) == e; }
static const char *ask_person(void)
{
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    return sign_in(&o);
}

/* Expiry, scope, issuer, token endpoint and resource survive; a refresh needs one request. */
static void a_restart_knows_the_token(void)
{
    char buf[256];
    begin();
    W.token_body = "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"r\",\"scope\":\"read\"}";
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    W.unix_time += 600;
    restart();
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_READY && token_is("a") && mcpt_oauth_due(&o) == 2940000);
    CHECK(mcpt_str_is(mcpt_oauth_scope(&o), "read") && mcpt_str_is(mcpt_oauth_issuer(&o), AS));
    W.unix_time += 3000;
    restart();
    W.token_body = NULL;
    W.nlog = 0;
    CHECK(drive(&o) == MCPT_OAUTH_READY && W.nlog == 1 && asked("POST " AS "/token") && strcmp(param(W.form, "resource", buf, sizeof(buf)), MCP) == 0);
}

static void a_client_registered_anew_is_kept(void)
{
    const char *query;
    begin();
    query = ask_person();
    W.token_status = 401;
    W.token_body = "{\"error\":\"invalid_client\"}";
    put_route(AS "/register", 201, "{\"client_id\":\"second\"}");
    CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    W.token_status = 0;
    W.token_body = NULL;
    CHECK(mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY && strcmp(W.client_id, "second") == 0);
    W.nlog = 0;
    W.unix_time += 3600;
    restart();
    CHECK(drive(&o) == MCPT_OAUTH_READY && strstr(W.form, "client_id=second") != NULL && !asked("POST " AS "/register") && records("c") == 1);
}

/* Between the redirect and the code a hostile server changes all it can: the code and its verifier go where they were meant to. */
static void metadata_is_not_read_between_redirect_and_code(void)
{
    const char *query;
    for (int reboot = 0; reboot < 2; reboot++) {
        begin();
        query = ask_person();
        put_route(PRM_PATH, 200, "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"https://evil.example\"]}");
        put_route(AS_META, 200, "{\"issuer\":\"" AS "\",\"authorization_endpoint\":\"https://evil.example/a\",\"token_endpoint\":\"https://evil.example/t\"" S256 "}");
        if (reboot != 0) {
            restart();
        }
        W.nlog = 0;
        CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);
        CHECK(W.nlog == 1 && asked("POST " AS "/token") && strstr(W.form, "code_verifier=") != NULL);
    }
}

static void what_is_not_ours_is_not_repeated(void)
{
    static const char *const queries[] = { "code=x&state=<script>mark</script>", "error=mark&error_description=mark&state=mark", "mark", "state=%zz&code=mark" };
    begin();
    (void)ask_person();
    for (size_t i = 0; i < MCPT_COUNT(queries); i++) {
        CHECK(mcpt_oauth_callback(&o, mcpt_z(queries[i])) < 0 && strstr(mcpt_oauth_reason(&o), "mark") == NULL);
        CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_USER && records("a") == 1);
    }
}

/* M10, SEP-2352: a pre-registered identity is not shown to a server it was not made for. */
static void credentials_stay_with_their_issuer(void)
{
    mcpt_oauth_config c = usual;
    world();
    c.client_id = "pre";
    c.client_secret = "registered";
    c.client_issuer = AS;
    begin_with(&c);
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    put_route(PRM_PATH, 200, "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"https://as2.example\"]}");
    put_route("https://as2.example/.well-known/oauth-authorization-server", 200, "{" ENDPOINTS("https://as2.example") S256 "}");
    W.nlog = 0;
    W.auth[0] = W.form[0] = '\0';
    CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_ISSUER));
    CHECK(!asked("POST https://as2.example/register") && !asked("POST https://as2.example/token") && W.auth[0] == '\0' && W.form[0] == '\0');
}

static void endpoints_are_judged(void)
{
    static const char *const bad[] = { "", "mcp.example", "ftp://mcp.example/mcp", "http://mcp.example/mcp", "https://", "https:///mcp", "https://u@mcp.example/mcp",
        "https://u:p@mcp.example/mcp", "https://mcp.example/mcp#x", "https://mcp.example:0/mcp", "https://mcp.example:65536/mcp", "https://mcp .example/mcp",
        "https://mcp.example/\tmcp", "https://mcp.example\\@evil.example/mcp", "http://localhost.evil.example/mcp", "javascript:alert(1)", "https://mcp.example/\r\nX: y" };
    mcpt_oauth_config c = usual;
    world();
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        c.endpoint = bad[i];
        CHECK(mcpt_oauth_init(&o, &c, W.mem, sizeof(W.mem)) == MCPT_E_ARG);
    }
}

/* However an endpoint is written, it is one session, one resource; and another path, port or query is another. */
static void endpoints_are_one(void)
{
    static const char *const same[] = { "HTTPS://mcp.example/mcp", "https://MCP.Example/mcp", "https://mcp.example:443/mcp", "hTTps://McP.eXample:443/mcp" };
    static const char *const others[] = { "https://mcp.example/mcp/", "https://mcp.example/MCP", "https://mcp.example:444/mcp", "https://mcp.example/mcp?x", "https://mcp.example",
        "https://mcp.example./mcp" };
    static const char *const root[] = { "https://mcp.example", "https://mcp.example/", "HTTPS://MCP.EXAMPLE:443/" };
    mcpt_oauth_config c = usual;
    for (size_t i = 0; i < MCPT_COUNT(same); i++) {
        c.endpoint = same[i];
        world();
        begin_with(&c);               /* asked as all spell it */
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && strcmp(W.log[0], "GET " PRM_PATH) == 0 && token_is("at-1"));
        restart();
        CHECK(token_is("at-1"));      /* and found again */
        mcpt_oauth_close(&o);
        begin_with(&c);
        CHECK(token_is("at-1") && records("s") == 1);

        world();                      /* 2025-03-26: the resource and the issuer are made of it */
        begin_with(&c);
        put_route(PRM_PATH, 404, "");
        put_route("https://mcp.example/.well-known/oauth-authorization-server", 200, "{" ENDPOINTS("https://mcp.example") S256 "}");
        put_route("https://mcp.example/register", 200, "{\"client_id\":\"l\"}");
        W.iss = "";
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && strcmp(W.resource, MCP) == 0 && mcpt_str_is(mcpt_oauth_issuer(&o), "https://mcp.example"));
    }
    begin();
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    for (size_t i = 0; i < MCPT_COUNT(others); i++) {
        c.endpoint = others[i];
        mcpt_oauth_close(&o);
        begin_with(&c);
        CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_IDLE && mcpt_oauth_token(&o).ptr == NULL);
    }
    world();
    put_route("https://mcp.example/.well-known/oauth-protected-resource", 200, "{\"resource\":\"https://mcp.example\",\"authorization_servers\":[\"" AS "\"]}");
    for (size_t i = 0; i < MCPT_COUNT(root); i++) {
        c.endpoint = root[i];
        begin_with(&c);
        CHECK(i == 0 ? authorize(&o, NULL) == MCPT_OAUTH_READY : token_is("at-1"));
        mcpt_oauth_close(&o);
    }
}

/* No request is sent on by a Location, whatever it answers. */
static void redirects_lead_nowhere(void)
{
    static const unsigned status[] = { 301, 302, 303, 307, 308 };
    static const char *const url[] = { PRM_PATH, AS_META, AS "/register", AS "/token" };
    mcpt_oauth_config c = usual;
    for (size_t i = 0; i < MCPT_COUNT(url); i++) {
        for (size_t k = 0; k < MCPT_COUNT(status); k++) {
            c.client_id = i == 3 ? "pre" : NULL;            /* a registered one would be registered again, once */
            world();
            begin_with(&c);
            put_route(url[i], status[k], "{\"access_token\":\"evil\",\"token_type\":\"Bearer\",\"client_id\":\"evil\"}");
            CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && mcpt_oauth_error(&o) < 0 && mcpt_oauth_token(&o).ptr == NULL && records("s") == 0);
            CHECK(W.nlog == (i == 3 ? 3 : i + 1) && mcpt_oauth_next(&o) == MCPT_OAUTH_FAILED);
        }
    }
}

/* R9 (RFC 7592): a management URI that is not https is no place for the registration's token. */
static void registration_is_managed_over_https(void)
{
    static const char *const bad[] = { "http://as.example/reg/c", "javascript:alert(1)", "/reg/c", "https://u@as.example/reg/c", "file:///etc/passwd", "" };
    char answer[256];
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        begin();
        snprintf(answer, sizeof(answer), "{\"client_id\":\"c\",\"registration_client_uri\":\"%s\",\"registration_access_token\":\"rat\"}", bad[i]);
        put_route(AS "/register", 201, answer);
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
        W.nlog = 0;
        W.auth[0] = '\0';
        mcpt_oauth_logout(&o);
        CHECK(drive(&o) == MCPT_OAUTH_IDLE && records("") == 0 && strstr(W.auth, "rat") == NULL);
        for (size_t k = 0; k < W.nlog; k++) {
            CHECK(strncmp(W.log[k], "DELETE", 6) != 0);
        }
    }
}

/* A body that goes on and on is left when the limit is reached, in whatever pieces it comes. */
static void endless_documents(void)
{
    static const char *const url[] = { PRM_PATH, AS_META, AS "/register", AS "/token" };
    static char text[100000];
    memset(text, ' ', sizeof(text) - 1);
    for (size_t i = 0; i < MCPT_COUNT(url); i++) {
        for (size_t piece = 0; piece < 2; piece++) {
            begin();
            W.piece = piece * 1000;
            put_route(url[i], i == 2 ? 201 : 200, text);
            CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_LIMIT) && mcpt_oauth_token(&o).ptr == NULL && records("s") == 0);
        }
    }
}

/* T5, R2, B11: more than there is room for. */
static void what_is_too_long_says_so(void)
{
    static char body[20000], query[8192];
    static const struct { const char *url, *format; } rows[] = {
        { AS "/token", "{\"access_token\":\"%s\",\"token_type\":\"Bearer\"}" }, { AS "/token", "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"refresh_token\":\"%s\"}" },
        { AS "/register", "{\"client_id\":\"%s\"}" }, { AS "/register", "{\"client_id\":\"c\",\"client_secret\":\"%s\"}" },
        { PRM_PATH, "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"" AS "/%s\"]}" } };
    static char x[16001];
    memset(x, 'x', sizeof(x) - 1);
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        begin();
        snprintf(body, sizeof(body), rows[i].format, x);
        put_route(rows[i].url, i == 2 || i == 3 ? 201 : 200, body);
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && mcpt_oauth_error(&o) < 0 && mcpt_oauth_token(&o).ptr == NULL && records("s") == 0);
    }
    begin();
    (void)ask_person();
    snprintf(query, sizeof(query), "code=%.7000s&state=%s&iss=https%%3A%%2F%%2Fas.example", x, W.state);
    W.nlog = 0;
    CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) < 0 && W.nlog == 0 && mcpt_oauth_token(&o).ptr == NULL);
}

/* C16 */
static void a_401_to_discovery_is_no_loop(void)
{
    begin();
    put_route(PRM_PATH, 401, "");
    CHECK(authorize(&o, "Bearer resource_metadata=\"" PRM_PATH "\"") == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS) && W.nlog == 1);
    begin();
    put_route(AS_META, 401, "");
    put_route(AS "/.well-known/openid-configuration", 401, "");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS) && W.nlog <= 3);
    begin();
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    W.nlog = 0;                       /* a token that is refused however fresh it is */
    CHECK(refuse(&o, 401, NULL, true) == MCPT_E_UNAUTHORIZED && drive(&o) == MCPT_OAUTH_FAILED && W.nlog == 0);
}

/* One damaged record is lost, no other; the person is asked again, and then all is well. */
static bool damage(void *user, const char *key)
{
    if (key[0] == *(const char *)user) {
        CHECK(W.ram.store.write(W.ram.store.user, key, mcpt_z("damaged")) == MCPT_OK);
    }
    return true;
}

static void damage_costs_one_record(void)
{
    static const char kinds[] = { 's', 'c' };
    for (size_t i = 0; i < sizeof(kinds); i++) {
        mcpt_oauth_config c = usual;
        begin();
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
        c.session = "other";
        begin_with(&c);
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && records("s") == 2 && records("c") == 1);
        CHECK(W.ram.store.write(W.ram.store.user, "app", mcpt_z("not ours")) == MCPT_OK);
        CHECK(W.ram.store.list(W.ram.store.user, "", damage, (void *)(uintptr_t)&kinds[i]) == MCPT_OK);
        restart();
        CHECK((mcpt_oauth_next(&o) == MCPT_OAUTH_READY) == (kinds[i] == 'c') && records("app") == 1);
        W.nlog = 0;
        if (kinds[i] == 's') {
            CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && !asked("POST " AS "/register"));
        } else {
            W.unix_time += 3600;
            CHECK(drive(&o) == MCPT_OAUTH_READY || (drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING &&
                                                    drive(&o) == MCPT_OAUTH_READY));
        }
    }
}

/* A clock that is wrong costs a refresh, or a refusal of the server, never more. */
static void clocks_jump(void)
{
    static const int64_t jumps[] = { -2000000000, -86400, 86400, 4000000000 };
    for (size_t i = 0; i < MCPT_COUNT(jumps); i++) {
        for (int reboot = 0; reboot < 2; reboot++) {
            const char *query;
            mcpt_err e;
            begin();
            CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
            mcpt_oauth_accepted(&o, mcpt_z(NULL));
            W.unix_time += jumps[i];
            if (reboot != 0) {
                restart();
            }
            CHECK(drive(&o) == MCPT_OAUTH_READY && W.authorizations == 1);
            if (token_is("at-1")) {   /* thought to be good: then the server is asked, and refuses it */
                CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);
            }
            CHECK(token_is("at-2") && W.authorizations == 1);
            begin();                  /* while a person signs in */
            query = ask_person();
            W.unix_time += jumps[i];
            e = mcpt_oauth_callback(&o, mcpt_z(query));
            if (e == MCPT_PENDING) {
                CHECK(drive(&o) == MCPT_OAUTH_READY && token_is("at-1"));
            } else {                  /* it is too late for that attempt, or seems so */
                CHECK(e == MCPT_E_TIMEOUT && jumps[i] > 0 && mcpt_oauth_next(&o) == MCPT_OAUTH_IDLE && records("a") == 0);
                mcpt_oauth_start(&o);
                CHECK(drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);
            }
        }
    }
}

int main(void)
{
    a_restart_knows_the_token();
    a_client_registered_anew_is_kept();
    metadata_is_not_read_between_redirect_and_code();
    what_is_not_ours_is_not_repeated();
    credentials_stay_with_their_issuer();
    endpoints_are_judged();
    endpoints_are_one();
    redirects_lead_nowhere();
    registration_is_managed_over_https();
    endless_documents();
    what_is_too_long_says_so();
    a_401_to_discovery_is_no_loop();
    damage_costs_one_record();
    clocks_jump();
    return test_end();
}
