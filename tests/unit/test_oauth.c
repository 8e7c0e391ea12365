#define _GNU_SOURCE
/* >>oauth: the client's authorization, against a scripted world (oauth.h). Sections in comments are those of the MCP
 * authorization chapter (2026-07-28) and of the RFCs. */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "oauth.h"

#define CHALLENGE "Bearer resource_metadata=\"" PRM_PATH "\""
static mcpt_oauth o;

static void begin_with(const mcpt_oauth_config *config)
{
    CHECK(mcpt_oauth_init(&o, config, W.mem, sizeof(W.mem)) == MCPT_OK);
}

static void begin(void)
{
    world();
    begin_with(&usual);
}

static bool token_is(const char *z) { return mcpt_str_is(mcpt_oauth_token(&o), z); }
static bool failed(mcpt_err e) { return mcpt_oauth_next(&o) == MCPT_OAUTH_FAILED && mcpt_oauth_error(&o) == e; }

/* From the 401 to the token: four requests and one person, in whatever pieces bodies come. */
static void whole_flow(void)
{
    char buf[256];
    for (size_t piece = 0; piece <= 40; piece++) {
        begin();
        W.piece = piece;
        CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_IDLE && mcpt_oauth_token(&o).ptr == NULL);
        CHECK(authorize(&o, CHALLENGE) == MCPT_OAUTH_READY && token_is("at-1"));
        CHECK(W.nlog == 4 && asked("GET " PRM_PATH) && asked("GET " AS_META) && asked("POST " AS "/register") && asked("POST " AS "/token"));
        CHECK(strcmp(W.scope, "read write") == 0 && strcmp(W.resource, MCP) == 0 && strcmp(W.client_id, "client-1") == 0);
        CHECK(strcmp(param(W.form, "resource", buf, sizeof(buf)), MCP) == 0 && W.auth[0] == '\0');
        CHECK(strcmp(param(W.form, "client_id", buf, sizeof(buf)), "client-1") == 0);
        CHECK(mcpt_str_is(mcpt_oauth_issuer(&o), AS) && mcpt_str_is(mcpt_oauth_scope(&o), "read write") && mcpt_oauth_error(&o) == MCPT_OK);
        CHECK(records("s") == 1 && records("c") == 1 && records("a") == 0);
        CHECK(mcpt_oauth_due(&o) == 3540000);
        mcpt_oauth_close(&o);
        for (size_t i = 0; i < sizeof(W.mem); i++) {
            if (W.mem[i] != 0) {
                CHECK(W.mem[i] == 0);
                break;
            }
        }
    }
}

/* Protected resource metadata: the challenge's URL alone, else the path, else the root (RFC 9728 section 3.1); 2025-03-26
 * when there is none. */
static void discovery_orders(void)
{
    begin();
    put_route("https://mcp.example/custom", 200, PRM_BODY);
    CHECK(authorize(&o, "Bearer resource_metadata=\"https://mcp.example/custom\"") == MCPT_OAUTH_READY);
    CHECK(strcmp(W.log[0], "GET https://mcp.example/custom") == 0 && !asked("GET " PRM_PATH));

    begin();
    CHECK(authorize(&o, "Bearer") == MCPT_OAUTH_READY && strcmp(W.log[0], "GET " PRM_PATH) == 0);
    begin();
    put_route(PRM_PATH, 404, "");
    put_route(PRM_ROOT, 200, "{\"resource\":\"https://mcp.example\",\"authorization_servers\":[\"" AS "/t\"]}");
    put_route(AS "/.well-known/oauth-authorization-server/t", 404, "");
    put_route(AS "/.well-known/openid-configuration/t", 404, "no");
    put_route(AS "/t/.well-known/openid-configuration", 200, "{" ENDPOINTS(AS "/t") S256 "}");
    put_route(AS "/t/register", 201, "{\"client_id\":\"t\"}");
    W.iss = "";
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && strcmp(W.resource, "https://mcp.example") == 0 && W.scope[0] == '\0');
    CHECK(!asked("GET " AS_META));                          /* never the root's for an issuer with a path */

    begin();                          /* 2025-03-26, metadata at the origin */
    put_route(PRM_PATH, 404, "");
    put_route("https://mcp.example/.well-known/oauth-authorization-server", 200, "{" ENDPOINTS("https://mcp.example") S256 "}");
    put_route("https://mcp.example/register", 200, "{\"client_id\":\"l\"}");
    W.iss = "";
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && asked("GET " PRM_ROOT) && strcmp(W.resource, MCP) == 0);
    begin();                          /* 2025-03-26, default endpoints */
    put_route(PRM_PATH, 404, "");
    put_route("https://mcp.example/register", 200, "{\"client_id\":\"l\"}");
    W.iss = "";
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && asked("POST https://mcp.example/token"));

    begin();                          /* once there was metadata there is no way back */
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    put_route(PRM_PATH, 404, "");
    CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS));
    world();
    {
        mcpt_oauth_config c = usual;
        c.quirks = MCPT_QUIRK_NO_FALLBACK;
        begin_with(&c);
        put_route(PRM_PATH, 404, "");
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS) && W.nlog == 2);
    }
    begin();                          /* a challenge's URL that is not there is the end */
    put_route(PRM_PATH, 404, "");
    CHECK(authorize(&o, CHALLENGE) == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS) && W.nlog == 1);
    begin();                          /* a server in trouble is not a server without */
    put_route(PRM_PATH, 503, "busy");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS) && W.nlog == 1);
    W.nroutes = 0;
    mcpt_oauth_start(&o);
    CHECK(drive(&o) == MCPT_OAUTH_USER);
}

/* What a challenge may say (auth C1 to C16). */
static void challenges(void)
{
    static const struct { const char *fields[3]; mcpt_err e; const char *scope; bool probe; } rows[] = {
        { { "Bearer" }, MCPT_PENDING, "read write", true },
        { { "Basic realm=\"x\", Bearer resource_metadata=\"" PRM_PATH "\"" }, MCPT_PENDING, "read write", false },
        { { "Digest a=b", "bearer RESOURCE_METADATA=\"" PRM_PATH "\"" }, MCPT_PENDING, "read write", false },
        { { "Bearer error_description=\"a, scope=\\\"x\\\"\", scope=\"y\"" }, MCPT_PENDING, "y", true },
        { { "Bearer scope=\"a" }, MCPT_PENDING, "read write", true },
        { { "Bearer resource_metadata=" PRM_PATH }, MCPT_PENDING, "read write", false },
        { { "Bearer resource_metadata=\"" PRM_PATH "\", resource_metadata=\"" AS "\"" }, MCPT_PENDING, "read write", true },
        { { "Bearer, error=\"invalid_token\"" }, MCPT_PENDING, "read write", true },
        { { "Negotiate YII=, Bearer scope=\"a\"" }, MCPT_PENDING, "a", true },
        { { "Bearer x_scope=\"evil\", scope=\"ok\"" }, MCPT_PENDING, "ok", true },
        { { "Bearer scope=\"a \\\\\\\" b\xc3\xa9 c a\"" }, MCPT_PENDING, "a c", true },
        { { "Bearer resource_metadata=\"https://evil.example/x\"" }, MCPT_E_RESOURCE, "", false },
        { { "Bearer resource_metadata=\"http://mcp.example/x\"" }, MCPT_E_RESOURCE, "", false },
        { { "Bearer resource_metadata=\"http://169.254.169.254/x\"" }, MCPT_E_RESOURCE, "", false },
        { { "Bearer resource_metadata=\"/x\"" }, MCPT_E_RESOURCE, "", false },
        { { "Bearer resource_metadata=\"https://mcp.example@evil.example/x\"" }, MCPT_E_RESOURCE, "", false } };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_str fields[3];
        size_t n = 0;
        begin();
        for (; n < 3 && rows[i].fields[n] != NULL; n++) {
            fields[n] = mcpt_z(rows[i].fields[n]);
        }
        CHECK(mcpt_oauth_refused(&o, 401, fields, n, mcpt_z(NULL), false) == rows[i].e);
        if (rows[i].e == MCPT_PENDING) {
            CHECK(drive(&o) == MCPT_OAUTH_USER);
            (void)sign_in(&o);
            if (strcmp(W.scope, rows[i].scope) != 0) {
                printf("row %zu: scope %s\n", i, W.scope);
            }
            CHECK(strcmp(W.scope, rows[i].scope) == 0);
        } else {
            CHECK(W.nlog == 0);
        }
    }
    CHECK(mcpt_oauth_refused(&o, 500, NULL, 0, mcpt_z(NULL), false) < 0);
}

/* Protected resource metadata that must not be believed (P1 to P19): nothing of it reaches an authorization URL. */
static void bad_resource(void)
{
    static const struct { const char *body; mcpt_err e; } rows[] = {
        { "{\"resource\":\"https://evil.example/mcp\",\"authorization_servers\":[\"" AS "\"]}", MCPT_E_RESOURCE },
        { "{\"resource\":\"https://mcp.example/mcpX\",\"authorization_servers\":[\"" AS "\"]}", MCPT_E_RESOURCE },
        { "{\"resource\":\"https://mcp.example/mc\",\"authorization_servers\":[\"" AS "\"]}", MCPT_E_RESOURCE },
        { "{\"resource\":\"https://mcp.example@evil.example/mcp\",\"authorization_servers\":[\"" AS "\"]}", MCPT_E_RESOURCE },
        { "{\"resource\":\"http://mcp.example/mcp\",\"authorization_servers\":[\"" AS "\"]}", MCPT_E_RESOURCE },
        { "{\"resource\":\"https://mcp.example:444/mcp\",\"authorization_servers\":[\"" AS "\"]}", MCPT_E_RESOURCE },
        { "{\"authorization_servers\":[\"" AS "\"]}", MCPT_E_RESOURCE },
        { "{\"resource\":7,\"authorization_servers\":[\"" AS "\"]}", MCPT_E_RESOURCE },
        { "{\"resource\":null,\"authorization_servers\":[\"" AS "\"]}", MCPT_E_RESOURCE },
        { "{\"resource\":\"" MCP "\"}", MCPT_E_ISSUER },
        { "{\"resource\":\"" MCP "\",\"authorization_servers\":[]}", MCPT_E_ISSUER },
        { "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"\"]}", MCPT_E_ISSUER },
        { "{\"resource\":\"" MCP "\",\"authorization_servers\":\"" AS "\"}", MCPT_E_ISSUER },
        { "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"" AS "?x=1\"]}", MCPT_E_ISSUER },   /* RFC 8414 section 2 */
        { "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"ftp://x\",\"http://as.example\",[\"" AS "\"],7]}", MCPT_E_ISSUER },
        { "{\"resource\":\"" MCP "\",\"resource\":\"" MCP "\",\"authorization_servers\":[\"" AS "\"]}", MCPT_E_OAUTH },
        { "<html>", MCPT_E_OAUTH }, { "", MCPT_E_OAUTH }, { "[]", MCPT_E_RESOURCE }, { "{\"resource\":\"" MCP "\"", MCPT_E_OAUTH } };
    static const char *const good[] = { "https://MCP.example/mcp", "https://mcp.example:443/mcp", "https://mcp.example/mcp/", "https://mcp.example" };
    char body[256];
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        begin();
        put_route(PRM_PATH, 200, rows[i].body);
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED);
        if (!failed(rows[i].e)) {
            printf("row %zu: %d\n", i, (int)mcpt_oauth_error(&o));
        }
        CHECK(failed(rows[i].e) && W.nlog == 1 && records("") == 0);
    }
    for (size_t i = 0; i < MCPT_COUNT(good); i++) {         /* sent back as it was written (P4, P5, P6) */
        begin();
        snprintf(body, sizeof(body), "\xef\xbb\xbf{\"resource\":\"%s\",\"authorization_servers\":[\"" AS "\",\"https://other.example\"]}", good[i]);
        put_route(PRM_PATH, 200, body);
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && strcmp(W.resource, good[i]) == 0);
    }
    begin();
    put_route(PRM_PATH, 302, "");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS));
}

/* Authorization server metadata that must not be believed (A1 to A14). */
static void bad_server(void)
{
#define META(members) "{\"issuer\":\"" AS "\",\"authorization_endpoint\":\"" AS "/authorize\",\"token_endpoint\":\"" AS "/token\"," \
    "\"registration_endpoint\":\"" AS "/register\"," members "}"
#define PKCE "\"code_challenge_methods_supported\":[\"S256\"]"
    static const struct { const char *body; mcpt_err e; } rows[] = {
        { "{" ENDPOINTS("https://attacker.example") S256 "}", MCPT_E_ISSUER },
        { "{" ENDPOINTS(AS "/") S256 "}", MCPT_E_ISSUER },
        { META("\"x\":1"), MCPT_E_GRANT },
        { META("\"code_challenge_methods_supported\":[\"plain\"]"), MCPT_E_GRANT },
        { META("\"code_challenge_methods_supported\":[\"s256\",\"S256x\"]"), MCPT_E_GRANT },
        { META(PKCE ",\"response_types_supported\":[\"token\"]"), MCPT_E_GRANT },
        { META(PKCE ",\"require_pushed_authorization_requests\":true"), MCPT_E_GRANT },
        { "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "/token\",\"authorization_endpoint\":\"javascript:alert(1)\"," PKCE "}", MCPT_E_ISSUER },
        { "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "/token\",\"authorization_endpoint\":\"file:///etc/passwd\"," PKCE "}", MCPT_E_ISSUER },
        { "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "/token\",\"authorization_endpoint\":\"http://evil.example/a\"," PKCE "}", MCPT_E_ISSUER },
        { "{\"issuer\":\"" AS "\",\"token_endpoint\":\"http://as.example/token\",\"authorization_endpoint\":\"" AS "/a\"," PKCE "}", MCPT_E_ISSUER },
        { "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "/token#x\",\"authorization_endpoint\":\"" AS "/a\"," PKCE "}", MCPT_E_ISSUER },
        { "{\"issuer\":\"" AS "\",\"token_endpoint\":\"https://u@as.example/token\",\"authorization_endpoint\":\"" AS "/a\"," PKCE "}", MCPT_E_ISSUER },
        { "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "/to ken\",\"authorization_endpoint\":\"" AS "/a\"," PKCE "}", MCPT_E_ISSUER },
        { "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "\\u000d\\u000ax\",\"authorization_endpoint\":\"" AS "/a\"," PKCE "}", MCPT_E_ISSUER },
        { "{\"issuer\":\"" AS "\",\"authorization_endpoint\":\"" AS "/a\"," PKCE "}", MCPT_E_ISSUER },
        { "{\"issuer\":\"" AS "\",\"issuer\":\"" AS "\"}", MCPT_E_OAUTH } };
    mcpt_oauth_config c = usual;
    char url[256];
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        begin();
        put_route(AS_META, 200, rows[i].body);
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED);
        if (!failed(rows[i].e)) {
            printf("row %zu: %d\n", i, (int)mcpt_oauth_error(&o));
        }
        CHECK(failed(rows[i].e) && W.nlog == 2 && records("") == 0);
    }
    begin();                          /* 500 is no reason to look elsewhere, 404 is */
    put_route(AS_META, 500, "");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS) && W.nlog == 2);
    begin();
    put_route(AS_META, 404, "");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS) && asked("GET " AS "/.well-known/openid-configuration") && W.nlog == 3);

    world();                          /* quirks, each by its name */
    c.quirks = MCPT_QUIRK_ISSUER_SLASH | MCPT_QUIRK_ASSUME_S256 | MCPT_QUIRK_NO_RESOURCE;
    c.extra = "audience=a%20b";
    begin_with(&c);
    put_route(AS_META, 200, "{\"issuer\":\"" AS "/\",\"authorization_endpoint\":\"" AS "/authorize?p=1\",\"token_endpoint\":\"" AS "/token\","
                            "\"registration_endpoint\":\"" AS "/register\"}");
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    copy(url, sizeof(url), mcpt_oauth_url(&o));
    CHECK(strncmp(url, AS "/authorize?p=1&client_id=client-1&response_type=code&", strlen(AS) + 53) == 0 && mcpt_str_is(mcpt_oauth_issuer(&o), AS "/"));
    CHECK(mcpt_oauth_url(&o).len > 15 && memcmp(mcpt_oauth_url(&o).ptr + mcpt_oauth_url(&o).len - 15, "&audience=a%20b", 15) == 0);
    (void)sign_in(&o);
    CHECK(W.resource[0] == '\0');
}

/* The other quirks, each by its name, on and off. */
static void quirks(void)
{
    mcpt_oauth_config c = usual;
    for (int on = 0; on < 2; on++) {
        world();
        c = usual;
        c.client_id = "a:b";
        c.client_secret = "s c/";
        c.quirks = on != 0 ? MCPT_QUIRK_RAW_BASIC : 0;
        begin_with(&c);
        put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ISS ",\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\"]}");
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
        CHECK(strcmp(W.auth, on != 0 ? "Basic YTpiOnMgYy8=" : "Basic YSUzQWI6cyUyMGMlMkY=") == 0);       /* RFC 6749 section 2.3.1 */
        world();
        c = usual;
        c.quirks = on != 0 ? MCPT_QUIRK_CROSS_ORIGIN : 0;
        begin_with(&c);
        put_route("https://docs.example/prm", 200, PRM_BODY);
        CHECK(refuse(&o, 401, "Bearer resource_metadata=\"https://docs.example/prm\"", false) == (on != 0 ? MCPT_PENDING : MCPT_E_RESOURCE));
        CHECK(drive(&o) == (on != 0 ? MCPT_OAUTH_USER : MCPT_OAUTH_FAILED) && asked("GET https://docs.example/prm") == (on != 0));
        world();                      /* and then, too, the document must be about this server */
        begin_with(&c);
        put_route("https://docs.example/prm", 200, "{\"resource\":\"https://docs.example/mcp\",\"authorization_servers\":[\"" AS "\"]}");
        (void)refuse(&o, 401, "Bearer resource_metadata=\"https://docs.example/prm\"", false);
        CHECK(drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_RESOURCE));
    }
}

/* Scopes: challenge, else metadata, else configuration; offline_access where the server knows it (SEP-835, SEP-2207). */
static void scopes(void)
{
    mcpt_oauth_config c = usual;
    begin();
    CHECK(authorize(&o, "Bearer scope=\"mcp:basic\"") == MCPT_OAUTH_READY && strcmp(W.scope, "mcp:basic") == 0);
    begin();
    put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ",\"scopes_supported\":[\"read\",\"offline_access\",\"admin\"]}");
    W.iss = "";
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && strcmp(W.scope, "read write offline_access") == 0 && strcmp(W.prompt, "consent") == 0);
    world();
    c.scope = "mine";
    c.quirks = MCPT_QUIRK_NO_OFFLINE;
    begin_with(&c);
    put_route(PRM_PATH, 200, "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"" AS "\"]}");
    put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ",\"scopes_supported\":[\"offline_access\"]}");
    W.iss = "";
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && strcmp(W.scope, "mine") == 0 && W.prompt[0] == '\0');
    begin();
    put_route(PRM_PATH, 200, "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"" AS "\"]}");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && W.scope[0] == '\0' && strstr(W.log[2], "register") != NULL);
}

/* Registration: pre-registered, metadata document, remembered, dynamic (RFC 7591); how the client authenticates. */
static void registration(void)
{
    static const struct { const char *methods, *answer, *auth; bool post; } rows[] = {
        { "[\"client_secret_basic\"]", "{\"client_id\":\"a:b\",\"client_secret\":\"s c\",\"client_secret_expires_at\":0}", "Basic YSUzQWI6cyUyMGM=", false },
        { "[\"client_secret_post\"]", "{\"client_id\":\"i\",\"client_secret\":\"s\"}", "", true },
        { "[\"none\"]", "{\"client_id\":\"i\",\"client_secret\":\"s\"}", "", false },
        { "[\"none\",\"client_secret_basic\",\"client_secret_post\"]", "{\"client_id\":\"i\",\"client_secret\":\"s\",\"token_endpoint_auth_method\":\"client_secret_post\"}", "", true } };
    static const struct { unsigned status; const char *body; } bad[] = {
        { 201, "{}" }, { 201, "{\"client_id\":\"\"}" }, { 201, "{\"client_id\":7}" }, { 201, "{\"client_id\":\"a\\r\\nb\"}" }, { 201, "{\"client_id\":\"a\",\"client_secret\":\"s\\r\\nX: y\"}" },
        { 201, "{\"client_id\":\"a\",\"redirect_uris\":[\"https://evil.example/\"]}" },
        { 201, "{\"client_id\":\"a\",\"token_endpoint_auth_method\":\"private_key_jwt\"}" },
        { 400, "{\"error\":\"invalid_software_statement\"}" }, { 403, "" } };
    mcpt_oauth_config c = usual;
    char meta[512], buf[64];
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        begin();
        snprintf(meta, sizeof(meta), "{" ENDPOINTS(AS) S256 ISS ",\"token_endpoint_auth_methods_supported\":%s}", rows[i].methods);
        put_route(AS_META, 200, meta);
        put_route(AS "/register", 201, rows[i].answer);
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && strcmp(W.auth, rows[i].auth) == 0);
        CHECK((strcmp(param(W.form, "client_secret", buf, sizeof(buf)), "s") == 0) == rows[i].post);
        CHECK((param(W.form, "client_id", buf, sizeof(buf))[0] == '\0') == (rows[i].auth[0] != '\0'));
    }
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        begin();
        put_route(AS "/register", bad[i].status, bad[i].body);
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_CLIENT) && records("") == 0);
    }
    begin();                          /* what was asked for */
    put_route(AS "/register", 400, "{\"error\":\"invalid_redirect_uri\",\"error_description\":\"no \\u0007\\\"bell\"}");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_CLIENT) && W.nlog == 4);   /* the other application_type once */
    CHECK(strstr(W.form, "\"application_type\":\"web\"") != NULL && strstr(W.form, "\"redirect_uris\":[\"" REDIRECT "\"]") != NULL);
    CHECK(strstr(W.form, "\"token_endpoint_auth_method\":\"none\"") != NULL && strstr(W.form, "\"grant_types\":[\"authorization_code\",\"refresh_token\"]") != NULL);
    CHECK(strcmp(mcpt_oauth_reason(&o), "invalid_redirect_uri: no ?\"bell") == 0);
    begin();
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);         /* a second start knows the client */
    mcpt_oauth_close(&o);
    W.ram.store.erase(W.ram.store.user, "x");
    begin_with(&usual);
    CHECK(token_is("at-1"));
    c.session = "other";
    mcpt_oauth_close(&o);
    begin_with(&c);
    W.nlog = 0;
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && token_is("at-2") && !asked("POST " AS "/register") && records("s") == 2 && records("c") == 1);

    for (int late = 0; late < 3; late++) {                  /* R3: a secret that has expired is none: registered again; 0: never */
        begin();
        put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ISS ",\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\"]}");
        put_route(AS "/register", 201, late == 2 ? "{\"client_id\":\"i\",\"client_secret\":\"s\",\"client_secret_expires_at\":0}"
                                                : "{\"client_id\":\"i\",\"client_secret\":\"s\",\"client_secret_expires_at\":1800000100}");
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && records("c") == 1);
        mcpt_oauth_close(&o);
        begin_with(&c);               /* another session */
        W.unix_time += late == 0 ? 99 : 100;
        put_route(AS "/register", 201, "{\"client_id\":\"i2\",\"client_secret\":\"s2\",\"client_secret_expires_at\":0}");
        W.nlog = 0;
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && asked("POST " AS "/register") == (late == 1));
        CHECK(strcmp(W.client_id, late == 1 ? "i2" : "i") == 0 && strcmp(W.auth, late == 1 ? "Basic aTI6czI=" : "Basic aTpz") == 0);
    }
    begin();                          /* RFC 7591 section 3.2.1: what the server chose holds as long as the registration does */
    put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ISS ",\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\",\"client_secret_post\"]}");
    put_route(AS "/register", 201, "{\"client_id\":\"i\",\"client_secret\":\"s\",\"token_endpoint_auth_method\":\"client_secret_post\"}");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && W.auth[0] == '\0');
    mcpt_oauth_close(&o);
    begin_with(&c);
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && W.auth[0] == '\0' && strcmp(param(W.form, "client_secret", buf, sizeof(buf)), "s") == 0);

    world();
    c = usual;
    c.client_metadata_url = "https://client.example/meta.json";
    begin_with(&c);
    put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ISS ",\"client_id_metadata_document_supported\":true}");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && strcmp(W.client_id, c.client_metadata_url) == 0 && !asked("POST " AS "/register"));
    world();
    begin_with(&c);                   /* not supported there */
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && strcmp(W.client_id, "client-1") == 0);
    world();
    c.client_id = "pre";
    c.client_secret = "registered";
    c.client_issuer = AS;
    begin_with(&c);
    put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ISS "}");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && strcmp(W.client_id, "pre") == 0 && strcmp(W.auth, "Basic cHJlOnJlZ2lzdGVyZWQ=") == 0);
    world();
    c.client_issuer = "https://elsewhere.example";
    begin_with(&c);
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_ISSUER) && W.nlog == 2);
    begin();
    put_route(AS_META, 200, "{\"issuer\":\"" AS "\",\"authorization_endpoint\":\"" AS "/authorize\",\"token_endpoint\":\"" AS "/token\"" S256 "}");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_CLIENT));
}

/* The callback (RFC 6749 section 4.1.2, RFC 9207): B1 to B18. */
static void callbacks(void)
{
    static const struct { const char *format, *iss_meta; mcpt_err e; } rows[] = {
        { "code=code-1&state=%s&iss=https%%3A%%2F%%2Fas.example", ISS, MCPT_PENDING },
        { "code=code-1&state=%s&iss=https://as.example&x=%%zz&y", ISS, MCPT_PENDING },
        { "code=code-1&state=%s", "", MCPT_PENDING },
        { "code=code-1&state=%s", ",\"authorization_response_iss_parameter_supported\":\"true\"", MCPT_PENDING },
        { "code=code-1&state=%s", ISS, MCPT_E_ISSUER },
        { "code=code-1&state=%s&iss=https://evil.example", ISS, MCPT_E_ISSUER },
        { "code=code-1&state=%s&iss=https://evil.example", "", MCPT_E_ISSUER },
        { "code=code-1&state=%s&iss=https://as.example/", ISS, MCPT_E_ISSUER },
        { "code=code-1&state=%s&iss=https://AS.example", ISS, MCPT_E_ISSUER },
        { "error=access_denied&error_description=no+way&state=%s&iss=https://as.example", ISS, MCPT_E_DECLINED },
        { "error=server_error&state=%s&iss=https://as.example", ISS, MCPT_E_OAUTH },
        { "error=server_error&error_description=<b>evil&state=%s&iss=https://evil.example", ISS, MCPT_E_ISSUER },
        { "code=code-1&code=code-2&state=%s&iss=https://as.example", ISS, MCPT_E_PARAMS },
        { "code=code-1&error=x&state=%s&iss=https://as.example", ISS, MCPT_E_PARAMS },
        { "code=a%%0d%%0ab&state=%s&iss=https://as.example", ISS, MCPT_E_PARAMS },
        { "code=&state=%s&iss=https://as.example", ISS, MCPT_E_PARAMS },
        { "code=%%zz&state=%s&iss=https://as.example", ISS, MCPT_E_PARAMS },
        { "state=%s&iss=https://as.example", ISS, MCPT_E_PARAMS } };
    char query[512], meta[512];
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        for (int reboot = 0; reboot < 2; reboot++) {
            begin();
            snprintf(meta, sizeof(meta), "{" ENDPOINTS(AS) S256 "%s}", rows[i].iss_meta);
            put_route(AS_META, 200, meta);
            CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER && records("a") == 1);
            (void)sign_in(&o);
            if (reboot != 0) {
                mcpt_oauth_close(&o);
                W.millis += 77;
                begin_with(&usual);
            }
            snprintf(query, sizeof(query), rows[i].format, W.state);
            CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == rows[i].e);
            CHECK(records("a") == 0);
            W.nlog = 0;
            if (rows[i].e == MCPT_PENDING) {
                CHECK(drive(&o) == MCPT_OAUTH_READY && W.nlog == 1 && asked("POST " AS "/token") && token_is("at-1"));
            } else {
                CHECK(failed(rows[i].e) && (rows[i].e != MCPT_E_ISSUER || mcpt_oauth_reason(&o)[0] == '\0'));
                CHECK(drive(&o) == MCPT_OAUTH_FAILED && W.nlog == 0);
            }
            CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == MCPT_E_ABSENT);     /* replayed */
        }
    }
    begin();                          /* answers that are not ours change nothing */
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    snprintf(query, sizeof(query), "%s", sign_in(&o));
    CHECK(mcpt_oauth_callback(&o, mcpt_z("code=x")) == MCPT_E_ABSENT);
    CHECK(mcpt_oauth_callback(&o, mcpt_z("")) == MCPT_E_ABSENT);
    CHECK(mcpt_oauth_callback(&o, mcpt_z("code=x&state=guess")) == MCPT_E_ABSENT);
    CHECK(mcpt_oauth_callback(&o, mcpt_z("code=x&state=a&state=b")) == MCPT_E_PARAMS);
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_USER);
    snprintf(meta, sizeof(meta), "%s", sign_in(&o));        /* the URL is still there */
    W.codes = 1;
    CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);

    begin();                          /* another user of the same endpoint cannot use it (B4), nor after ten minutes */
    {
        mcpt_oauth_config c = usual;
        static mcpt_oauth other;
        static char mem[4096];
        c.session = "other";
        CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
        snprintf(query, sizeof(query), "%s", sign_in(&o));
        CHECK(mcpt_oauth_init(&other, &c, mem, sizeof(mem)) == MCPT_OK);
        CHECK(mcpt_oauth_callback(&other, mcpt_z(query)) == MCPT_E_ABSENT && records("a") == 1);
        mcpt_oauth_close(&o);
        W.unix_time += 601;
        begin_with(&usual);
        CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == MCPT_E_TIMEOUT && records("a") == 0);
    }
    begin();
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_due(&o) == 600000);
    W.millis += 600000;
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_TIMEOUT) && records("a") == 0);
}

/* Answers of the token endpoint (RFC 6749 section 5): T1 to T20. */
static void token_answers(void)
{
    static const struct { unsigned status; const char *body; mcpt_err e; uint32_t due; } rows[] = {
        { 200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":\"3600\"}", MCPT_OK, 3540000 },
        { 200, "{\"access_token\":\"a\",\"token_type\":\"BEARER\",\"expires_in\":3600.9}", MCPT_OK, 3540000 },
        { 200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":100}", MCPT_OK, 90000 },
        { 200, "{\"access_token\":\"a:b|c\",\"token_type\":\"Bearer\"}", MCPT_OK, (uint32_t)-1 },
        { 200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":null}", MCPT_OK, (uint32_t)-1 },
        { 200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":1e400}", MCPT_OK, (uint32_t)-1 },
        { 200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":99999999999999999999}", MCPT_OK, 2000000000u },
        { 200, "<html>", MCPT_E_OAUTH, 0 }, { 200, "{\"error\":\"bad_verification_code\"}", MCPT_E_OAUTH, 0 },
        { 200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}", MCPT_E_OAUTH, 0 }, { 200, "{\"access_token\":\"a\"}", MCPT_E_OAUTH, 0 },
        { 200, "{\"access_token\":\"a\\r\\nb\",\"token_type\":\"Bearer\"}", MCPT_E_OAUTH, 0 },
        { 200, "{\"access_token\":\"a b\",\"token_type\":\"Bearer\"}", MCPT_E_OAUTH, 0 },
        { 200, "{\"access_token\":\"a\",\"refresh_token\":\"r\\r\\n\",\"token_type\":\"Bearer\"}", MCPT_E_OAUTH, 0 },
        { 200, "{\"access_token\":\"\",\"token_type\":\"Bearer\"}", MCPT_E_OAUTH, 0 },
        { 200, "{\"access_token\":7,\"token_type\":\"Bearer\"}", MCPT_E_OAUTH, 0 },
        { 200, "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"Bearer\"}", MCPT_E_OAUTH, 0 },
        { 200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"", MCPT_E_OAUTH, 0 },
        { 400, "{\"error\":\"invalid_grant\"}", MCPT_E_OAUTH, 0 }, { 400, "plain", MCPT_E_OAUTH, 0 }, { 302, "", MCPT_E_OAUTH, 0 },
        { 400, "{\"error\":\"invalid_target\",\"error_description\":\"unknown resource\"}", MCPT_E_OAUTH, 0 },
        { 503, "", MCPT_E_STATUS, 0 }, { 429, "{}", MCPT_E_STATUS, 0 } };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_oauth_config c = usual;
        world();
        c.client_id = "pre";
        begin_with(&c);
        W.token_status = rows[i].status;
        W.token_body = rows[i].body;
        CHECK(authorize(&o, NULL) == (rows[i].e == MCPT_OK ? MCPT_OAUTH_READY : MCPT_OAUTH_FAILED));
        if (mcpt_oauth_error(&o) != rows[i].e || (rows[i].e == MCPT_OK && mcpt_oauth_due(&o) != rows[i].due)) {
            printf("row %zu: %d %u\n", i, (int)mcpt_oauth_error(&o), (unsigned)mcpt_oauth_due(&o));
        }
        CHECK(mcpt_oauth_error(&o) == rows[i].e && (rows[i].e != MCPT_OK || mcpt_oauth_due(&o) == rows[i].due));
        CHECK(records("s") == (rows[i].e == MCPT_OK ? 1u : 0u) && W.nlog == 3);     /* a code is sent once, whatever the answer */
        CHECK(strstr(rows[i].body, "invalid_target") == NULL || strcmp(mcpt_oauth_reason(&o), "invalid_target: unknown resource") == 0);
    }
    begin();                          /* a client the server has forgotten is registered again, once */
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    W.token_status = 401;
    W.token_body = "{\"error\":\"invalid_client\"}";
    W.nlog = 0;
    CHECK(mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER && asked("POST " AS "/register"));
    CHECK(mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_OAUTH));
}

/* Refreshing (RFC 6749 section 6): T12 to T16. */
static void refreshing(void)
{
    char buf[64];
    begin();
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    W.unix_time += 3539;
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_READY);
    W.unix_time += 1;
    W.nlog = 0;
    CHECK(drive(&o) == MCPT_OAUTH_READY && W.nlog == 1 && asked("POST " AS "/token") && token_is("at-2"));
    CHECK(strcmp(param(W.form, "refresh_token", buf, sizeof(buf)), "rt-1") == 0 && strcmp(param(W.form, "resource", buf, sizeof(buf)), MCP) == 0);
    mcpt_oauth_close(&o);             /* the rotated token survives */
    begin_with(&usual);
    W.unix_time += 3600;
    CHECK(drive(&o) == MCPT_OAUTH_READY && strcmp(param(W.form, "refresh_token", buf, sizeof(buf)), "rt-2") == 0 && token_is("at-3"));
    W.token_body = "{\"access_token\":\"new\",\"token_type\":\"Bearer\",\"expires_in\":60}";   /* no rotation: the old one is kept */
    W.unix_time += 3600;
    CHECK(drive(&o) == MCPT_OAUTH_READY && token_is("new"));
    W.unix_time += 3600;
    W.token_status = 503;             /* trouble: nothing is forgotten */
    CHECK(drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS));
    mcpt_oauth_close(&o);
    W.token_body = NULL;
    begin_with(&usual);
    CHECK(drive(&o) == MCPT_OAUTH_READY && strcmp(param(W.form, "refresh_token", buf, sizeof(buf)), "rt-3") == 0);
    W.unix_time += 3600;
    W.token_body = "{\"error\":\"invalid_grant\"}";
    W.token_status = 400;
    CHECK(drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_token(&o).ptr == NULL);   /* a person is needed again */

    begin();                          /* a clock that is not set: expires_in on the monotonic clock */
    W.unix_time = -1;
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && mcpt_oauth_due(&o) == 3540000);
    W.millis += 3539999;
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_READY);
    W.millis++;
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_REQUEST && drive(&o) == MCPT_OAUTH_READY && token_is("at-2"));
}

/* A 401 with a token: the metadata is looked at again (SEP-2352); a fresh token that is refused ends it. */
static void refused_tokens(void)
{
    begin();
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    CHECK(refuse(&o, 401, "Bearer error=\"invalid_token\"", true) == MCPT_E_UNAUTHORIZED && failed(MCPT_E_UNAUTHORIZED));
    begin();
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    W.nlog = 0;
    CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY && token_is("at-2"));
    CHECK(W.nlog == 2 && asked("GET " PRM_PATH) && asked("POST " AS "/token"));
    CHECK(refuse(&o, 401, NULL, true) == MCPT_E_UNAUTHORIZED);

    begin();                          /* another authorization server: nothing of the old one's reaches it */
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    put_route(PRM_PATH, 200, "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"https://as2.example\"]}");
    put_route("https://as2.example/.well-known/oauth-authorization-server", 200, "{" ENDPOINTS("https://as2.example") S256 "}");
    put_route("https://as2.example/register", 201, "{\"client_id\":\"two\"}");
    W.nlog = 0;
    CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    W.iss = "";
    CHECK(mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && strcmp(W.client_id, "two") == 0);
    CHECK(drive(&o) == MCPT_OAUTH_READY && asked("POST https://as2.example/token") && !asked("POST " AS "/token") && !asked("POST " AS "/register"));
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    W.nroutes = 0;                    /* and back: the first one's client is still known */
    W.nlog = 0;
    W.iss = NULL;
    CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER && !asked("POST " AS "/register"));
}

/* Step-up (SEP-2350): the union of what was asked before and what is wanted now, and an end to it. */
static void step_up(void)
{
    begin();
    CHECK(authorize(&o, "Bearer scope=\"mcp:basic\"") == MCPT_OAUTH_READY);
    CHECK(refuse(&o, 403, "Bearer error=\"other\"", true) == MCPT_E_STATUS && token_is("at-1"));
    CHECK(refuse(&o, 403, NULL, true) == MCPT_E_STATUS);
    W.nlog = 0;
    CHECK(refuse(&o, 403, "Bearer error=\"insufficient_scope\", scope=\"mcp:write mcp:basic\"", true) == MCPT_PENDING);
    CHECK(drive(&o) == MCPT_OAUTH_USER && W.nlog == 0);     /* nothing is discovered anew */
    CHECK(mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && strcmp(W.scope, "mcp:basic mcp:write") == 0);
    CHECK(drive(&o) == MCPT_OAUTH_READY && token_is("at-2") && mcpt_str_is(mcpt_oauth_scope(&o), "mcp:basic mcp:write"));
    CHECK(refuse(&o, 403, "Bearer error=\"insufficient_scope\", scope=\"mcp:write\"", true) == MCPT_E_SCOPE && token_is("at-2"));
    CHECK(refuse(&o, 403, "Bearer error=\"insufficient_scope\", scope=\"a\"", true) == MCPT_PENDING);
    CHECK(drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);
    CHECK(refuse(&o, 403, "Bearer error=\"insufficient_scope\", scope=\"b\"", true) == MCPT_E_SCOPE);      /* the budget is spent */
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    CHECK(refuse(&o, 403, "Bearer error=\"insufficient_scope\", scope=\"b\"", true) == MCPT_PENDING);
}

/* A client registers for what it may ever ask for (RFC 7591 section 2), and anew, once, where that was too little. */
static void registered_scopes(void)
{
    begin();
    CHECK(refuse(&o, 401, "Bearer scope=\"read\"", false) == MCPT_PENDING);
    for (int i = 0; i < 3 && mcpt_oauth_next(&o) == MCPT_OAUTH_REQUEST; i++) {
        serve(&o);
    }
    CHECK(strstr(W.form, "\"scope\":\"read write\"") != NULL);
    (void)sign_in(&o);
    CHECK(strcmp(W.scope, "read") == 0);
    begin();                          /* none: no member, an empty one is refused by servers */
    put_route(PRM_PATH, 200, "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"" AS "\"]}");
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER && strstr(W.form, "\"scope\"") == NULL);

    begin();
    CHECK(authorize(&o, "Bearer scope=\"read\"") == MCPT_OAUTH_READY);
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    CHECK(refuse(&o, 403, "Bearer error=\"insufficient_scope\", scope=\"admin\"", true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    for (int i = 0; i < 2; i++) {
        char query[256];
        (void)sign_in(&o);
        snprintf(query, sizeof(query), "error=invalid_scope&state=%s&iss=https%%3A%%2F%%2Fas.example", W.state);
        W.nlog = 0;
        CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == (i == 0 ? MCPT_PENDING : MCPT_E_OAUTH));
        CHECK(drive(&o) == (i == 0 ? MCPT_OAUTH_USER : MCPT_OAUTH_FAILED) && asked("POST " AS "/register") == (i == 0));
        CHECK(i != 0 || strstr(W.form, "\"scope\":\"read admin write\"") != NULL);
    }
    CHECK(strcmp(mcpt_oauth_reason(&o), "invalid_scope") == 0);
}

/* Scopes outlive the token: what was granted, by a step-up too, is asked for again after it has ended for good. */
static void scopes_kept(void)
{
    begin();
    CHECK(authorize(&o, "Bearer scope=\"read\"") == MCPT_OAUTH_READY);
    CHECK(refuse(&o, 403, "Bearer error=\"insufficient_scope\", scope=\"admin\"", true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    CHECK(mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);
    mcpt_oauth_close(&o);
    W.unix_time += 3600;
    W.token_status = 400;
    W.token_body = "{\"error\":\"invalid_grant\"}";
    begin_with(&usual);
    CHECK(drive(&o) == MCPT_OAUTH_USER);
    mcpt_oauth_close(&o);             /* and by another process */
    begin_with(&usual);
    CHECK(refuse(&o, 401, "Bearer scope=\"read\"", false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    (void)sign_in(&o);
    CHECK(strcmp(W.scope, "read admin") == 0);
}

/* RFC 9126: where the server requires it, the authorization request goes to it first, with the client's authentication, and the
 * person takes its name there. */
static void pushed(void)
{
#define PAR_META(methods) "{" ENDPOINTS(AS) S256 ISS ",\"token_endpoint_auth_methods_supported\":[" methods "]," \
    "\"require_pushed_authorization_requests\":true,\"pushed_authorization_request_endpoint\":\"" AS "/par\"}"
    static const struct { const char *meta, *client, *auth; bool post; } rows[] = {
        { PAR_META("\"none\""), "{\"client_id\":\"i\"}", "", false },
        { PAR_META("\"client_secret_basic\""), "{\"client_id\":\"i\",\"client_secret\":\"s\"}", "Basic aTpz", false },
        { PAR_META("\"client_secret_post\""), "{\"client_id\":\"i\",\"client_secret\":\"s\"}", "", true } };
    static const struct { unsigned status; const char *body; mcpt_err e; } bad[] = {
        { 201, "{}", MCPT_E_OAUTH }, { 201, "{\"request_uri\":7}", MCPT_E_OAUTH }, { 201, "{\"request_uri\":\"a\\r\\nb\"}", MCPT_E_OAUTH },
        { 400, "{\"error\":\"invalid_request\",\"error_description\":\"no\"}", MCPT_E_OAUTH }, { 302, "", MCPT_E_OAUTH },
        { 503, "", MCPT_E_STATUS }, { 429, "", MCPT_E_STATUS }, { 0, "", MCPT_E_IO } };
    mcpt_oauth_config c = usual;
    char buf[256], query[512];
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        for (int reboot = 0; reboot < 2; reboot++) {
            world();
            c = usual;
            c.extra = "audience=x";
            begin_with(&c);
            put_route(AS_META, 200, rows[i].meta);
            put_route(AS "/register", 201, rows[i].client);
            W.nlog = 0;
            CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER && W.nlog == 4 && strcmp(W.log[3], "POST " AS "/par") == 0);
            CHECK(strcmp(W.auth, rows[i].auth) == 0 && records("a") == 1);
            CHECK((strcmp(param(W.form, "client_secret", buf, sizeof(buf)), "s") == 0) == rows[i].post);
            snprintf(query, sizeof(query), "%s", sign_in(&o));             /* its parameters are those that were pushed */
            CHECK(strcmp(W.resource, MCP) == 0 && strcmp(W.scope, "read write") == 0 && strcmp(W.client_id, "i") == 0);
            CHECK(strcmp(param(W.pushed, "audience", buf, sizeof(buf)), "x") == 0);
            CHECK(mcpt_oauth_url(&o).len < 120);            /* short enough for a QR code */
            if (reboot != 0) {
                mcpt_oauth_close(&o);
                begin_with(&c);
            }
            CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY && token_is("at-1") && records("a") == 0);
            mcpt_oauth_close(&o);     /* a step-up of the next process is pushed, too, and authenticated */
            begin_with(&c);
            W.nlog = 0;
            CHECK(refuse(&o, 403, "Bearer error=\"insufficient_scope\", scope=\"admin\"", true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
            CHECK(W.nlog == 1 && asked("POST " AS "/par") && strcmp(W.auth, rows[i].auth) == 0);
            CHECK(mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && strcmp(W.scope, "read write admin") == 0 && drive(&o) == MCPT_OAUTH_READY);
        }
    }
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        begin();
        put_route(AS_META, 200, PAR_META("\"none\""));
        put_route(AS "/par", bad[i].status, bad[i].body);
        if (i <= 4) {                 /* not a client the server has forgotten: it is asked once more only for that */
            put_route(AS "/register", 201, "{\"client_id\":\"i\"}");
        }
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(bad[i].e) && mcpt_oauth_url(&o).ptr == NULL && records("s") == 0);
        CHECK(i > 3 || records("a") == 0);                  /* refused for good: the attempt is over */
        W.nroutes = 1;
        W.retry_after = 0;
        mcpt_oauth_start(&o);         /* and all is well again */
        CHECK(drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);
    }
    for (int i = 0; i < 2; i++) {     /* a client that is not known any more, or is registered for less: once anew */
        begin();
        put_route(AS_META, 200, PAR_META("\"none\""));
        put_route(AS "/par", i == 0 ? 401 : 400, i == 0 ? "{\"error\":\"invalid_client\"}" : "{\"error\":\"invalid_scope\"}");
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_OAUTH));
        CHECK(strcmp(mcpt_oauth_reason(&o), i == 0 ? "invalid_client" : "invalid_scope") == 0 && W.nlog == 8);
    }
    begin();                          /* offered, not required: one request less; and an endpoint that is none */
    put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ISS ",\"pushed_authorization_request_endpoint\":\"" AS "/par\"}");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && !asked("POST " AS "/par"));
    begin();
    put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ISS ",\"require_pushed_authorization_requests\":true,\"pushed_authorization_request_endpoint\":\"http://as.example/par\"}");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_ISSUER));
    begin();                          /* required, and not said where: the person is told why it ends */
    put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ISS ",\"require_pushed_authorization_requests\":true}");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_GRANT) && strstr(mcpt_oauth_reason(&o), "pushed authorization requests") != NULL);
}

/* RFC 8628: D1 to D9. */
static void device_grant(void)
{
#define DEVICE_META "{" ENDPOINTS(AS) ",\"device_authorization_endpoint\":\"" AS "/device\"}"
    mcpt_oauth_config c = usual;
    char buf[128];
    c.grant = MCPT_GRANT_DEVICE;
    c.redirect_uri = NULL;
    for (int reboot = 0; reboot < 2; reboot++) {
        world();
        begin_with(&c);
        put_route(AS_META, 200, DEVICE_META);
        put_route(AS "/device", 200, "{\"device_code\":\"dc\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"" AS "/dev\",\"expires_in\":900}");
        CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
        CHECK(mcpt_str_is(mcpt_oauth_url(&o), AS "/dev") && mcpt_str_is(mcpt_oauth_user_code(&o), "WDJB-MJHT") && records("d") == 1);
        CHECK(mcpt_oauth_due(&o) == 5000);
        if (reboot != 0) {
            mcpt_oauth_close(&o);
            begin_with(&c);
            CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_USER && mcpt_str_is(mcpt_oauth_user_code(&o), "WDJB-MJHT"));
        }
        W.token_status = 400;
        W.token_body = "{\"error\":\"authorization_pending\"}";
        W.millis += 5000;
        CHECK(drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_due(&o) == 5000);
        CHECK(strcmp(param(W.form, "grant_type", buf, sizeof(buf)), "urn:ietf:params:oauth:grant-type:device_code") == 0 &&
              strcmp(param(W.form, "device_code", buf, sizeof(buf)), "dc") == 0);
        W.token_body = "{\"error\":\"slow_down\"}";
        W.millis += 5000;
        CHECK(drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_due(&o) == 10000);
        put_route(AS "/token", 0, "");
        W.millis += 10000;
        CHECK(drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_due(&o) == 20000);    /* network loss: back off */
        W.nroutes--;
        W.token_body = NULL;
        W.millis += 20000;
        CHECK(drive(&o) == MCPT_OAUTH_READY && token_is("at-1") && records("d") == 0 && records("s") == 1);
    }
    world();
    begin_with(&c);
    put_route(AS_META, 200, DEVICE_META);
    put_route(AS "/device", 200, "{\"device_code\":\"dc\",\"user_code\":\"u\",\"verification_uri\":\"" AS "/dev\",\"verification_uri_complete\":\"javascript:1\",\"interval\":0}");
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER && mcpt_str_is(mcpt_oauth_url(&o), AS "/dev"));
    W.token_status = 400;
    W.token_body = "{\"error\":\"access_denied\"}";
    W.millis += 5000;
    CHECK(drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_DECLINED) && records("d") == 0);
    mcpt_oauth_start(&o);
    W.token_body = "{\"error\":\"expired_token\"}";
    CHECK(drive(&o) == MCPT_OAUTH_USER);
    W.millis += 5000;
    CHECK(drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_TIMEOUT));
    world();
    begin_with(&c);
    put_route(AS_META, 200, DEVICE_META);
    put_route(AS "/device", 200, "{\"device_code\":\"dc\",\"user_code\":\"u\",\"verification_uri\":\"javascript:alert(1)\"}");
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_OAUTH));

    for (int lives = 0; lives < 2; lives++) {               /* D5: an interval of 10^9 is an hour at most, and never beyond the code's end */
        world();
        begin_with(&c);
        put_route(AS_META, 200, DEVICE_META);
        put_route(AS "/device", 200, lives == 0 ? "{\"device_code\":\"dc\",\"user_code\":\"u\",\"verification_uri\":\"" AS "/dev\",\"interval\":1000000000}" :
                  "{\"device_code\":\"dc\",\"user_code\":\"u\",\"verification_uri\":\"" AS "/dev\",\"interval\":1000000000,\"expires_in\":900}");
        CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_due(&o) == (lives == 0 ? 3600000u : 900000u));
        W.millis += mcpt_oauth_due(&o);
        W.unix_time += lives == 0 ? 3600 : 900;
        W.nlog = 0;
        CHECK(lives == 0 ? drive(&o) == MCPT_OAUTH_READY && asked("POST " AS "/token") : drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_TIMEOUT) && W.nlog == 0);
        CHECK(records("d") == 0);
    }
    world();                          /* a code lives as long as the server said, whether or not it is reached again */
    begin_with(&c);
    put_route(AS_META, 200, DEVICE_META);
    put_route(AS "/device", 200, "{\"device_code\":\"dc\",\"user_code\":\"u\",\"verification_uri\":\"" AS "/dev\",\"expires_in\":900}");
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    W.token_status = 503;
    W.token_body = "";
    for (int i = 0; i < 20 && mcpt_oauth_next(&o) == MCPT_OAUTH_USER; i++) {
        uint32_t ms = mcpt_oauth_due(&o);
        W.millis += ms;
        W.unix_time += ms / 1000;
        (void)drive(&o);
    }
    CHECK(failed(MCPT_E_TIMEOUT) && records("d") == 0 && W.unix_time <= 1800000000 + 900 + 64);

    c.redirect_uri = REDIRECT;        /* the code grant where there is no device grant: and registered for that one */
    world();
    begin_with(&c);
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && mcpt_oauth_next(&o) == MCPT_OAUTH_REQUEST);
    for (int i = 0; i < 3; i++) {
        serve(&o);
    }
    CHECK(strstr(W.form, "\"grant_types\":[\"authorization_code\",\"refresh_token\"],\"response_types\":[\"code\"]") != NULL);
}

/* Grants without a person. */
static void machine_grants(void)
{
    mcpt_oauth_config c = usual;
    char buf[256];
    world();
    c.grant = MCPT_GRANT_CLIENT;
    c.client_id = "machine";
    c.client_secret = "secret";
    begin_with(&c);
    put_route(AS_META, 200, "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "/token\"}");
    CHECK(refuse(&o, 401, "Bearer scope=\"a\"", false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY && strncmp(W.auth, "Basic ", 6) == 0);
    CHECK(strcmp(param(W.form, "grant_type", buf, sizeof(buf)), "client_credentials") == 0 && strcmp(param(W.form, "scope", buf, sizeof(buf)), "a") == 0);
    world();
    c.client_secret = NULL;
    c.grant = MCPT_GRANT_JWT_BEARER;
    c.assertion = "e.y.j";
    begin_with(&c);
    put_route(AS_META, 200, "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "/token\",\"token_endpoint_auth_methods_supported\":[\"none\"]}");
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);
    CHECK(strcmp(param(W.form, "grant_type", buf, sizeof(buf)), "urn:ietf:params:oauth:grant-type:jwt-bearer") == 0 &&
          strcmp(param(W.form, "assertion", buf, sizeof(buf)), "e.y.j") == 0 && strcmp(param(W.form, "client_id", buf, sizeof(buf)), "machine") == 0);
    W.token_status = 400;
    W.token_body = "{\"error\":\"invalid_grant\"}";
    W.unix_time += 3600;
    W.nlog = 0;
    CHECK(drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_OAUTH) && W.nlog == 4);   /* refresh, discovery, one assertion: no other grant */
    world();
    c.grant = MCPT_GRANT_ENTERPRISE;
    c.client_secret = "s";
    c.assertion = "id.to.ken";
    c.idp_token_endpoint = "https://idp.example/token";
    c.idp_client_id = "idp-client";
    begin_with(&c);
    put_route(AS_META, 200, "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "/token\"}");
    put_route("https://idp.example/token", 200, "{\"access_token\":\"id-jag\",\"issued_token_type\":\"urn:ietf:params:oauth:token-type:id-jag\",\"token_type\":\"N_A\"}");
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && mcpt_oauth_next(&o) == MCPT_OAUTH_REQUEST);
    serve(&o);
    serve(&o);
    serve(&o);
    CHECK(asked("POST https://idp.example/token") && strcmp(param(W.form, "audience", buf, sizeof(buf)), AS) == 0 &&
          strcmp(param(W.form, "subject_token", buf, sizeof(buf)), "id.to.ken") == 0 && strcmp(param(W.form, "client_id", buf, sizeof(buf)), "idp-client") == 0);
    CHECK(drive(&o) == MCPT_OAUTH_READY && strcmp(param(W.form, "assertion", buf, sizeof(buf)), "id-jag") == 0 && strcmp(W.auth, "Basic bWFjaGluZTpz") == 0);
}

/* private_key_jwt (RFC 7523) and bound tokens with nonces of both servers (RFC 9449 sections 5, 7, 8, 9). */
static void signed_grants(void)
{
    static mcpt_signer key;
    static mcpt_mbedtls tls;
    mcpt_oauth_config c = usual;
    mcpt_env env = w_env;
    uint8_t ref[MCPT_KEY_REF];
    size_t len;
    char buf[1024], lines[2048], first[1024];
    CHECK(mcpt_mbedtls_init(&tls, NULL, 0) == MCPT_OK && tls.crypto.es256_generate(&tls, ref, &len) &&
          mcpt_signer_init(&key, &tls.crypto, ref, len) == MCPT_OK);
    env.crypto = &tls.crypto;
    c.env = &env;
    world();
    c.grant = MCPT_GRANT_CLIENT;
    c.client_id = "machine";
    c.signer = &key;
    begin_with(&c);
    put_route(AS_META, 200, "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "/token\",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]}");
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY && W.auth[0] == '\0');
    CHECK(strcmp(param(W.form, "client_assertion_type", buf, sizeof(buf)), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer") == 0);
    CHECK(strncmp(param(W.form, "client_assertion", buf, sizeof(buf)), "eyJ", 3) == 0 && strlen(buf) > 200);

    world();
    c = usual;
    c.env = &env;
    c.dpop = &key;
    begin_with(&c);
    put_route(AS_META, 200, "{" ENDPOINTS(AS) S256 ISS ",\"dpop_signing_alg_values_supported\":[\"RS256\",\"ES256\"]}");
    W.token_body = "{\"access_token\":\"bound\",\"token_type\":\"DPoP\",\"expires_in\":60}";
    CHECK(authorize(&o, "DPoP algs=\"ES256\", resource_metadata=\"" PRM_PATH "\"") == MCPT_OAUTH_READY && W.dpop[0] == 'e');
    len = mcpt_oauth_lines(&o, "POST", lines, sizeof(lines) - 1);
    lines[len] = '\0';
    CHECK(strncmp(lines, "Authorization: DPoP bound\r\nDPoP: eyJ", 36) == 0 && strcmp(lines + len - 2, "\r\n") == 0);
    snprintf(first, sizeof(first), "%s", strstr(lines, "DPoP: ") + 6);
    len = mcpt_oauth_lines(&o, "POST", lines, sizeof(lines) - 1);
    CHECK(strncmp(first, strstr(lines, "DPoP: ") + 6, 300) != 0);          /* never the same proof twice */
    for (size_t cap = 0; cap < len; cap++) {
        CHECK(mcpt_oauth_lines(&o, "POST", lines, cap) == 0);
    }
    W.nonce = "rs-nonce";
    CHECK(refuse(&o, 401, "DPoP error=\"use_dpop_nonce\"", true) == MCPT_OK && token_is("bound"));
    CHECK(refuse(&o, 401, "DPoP error=\"use_dpop_nonce\"", true) == MCPT_E_UNAUTHORIZED);     /* once */

    begin_with(&c);                   /* both schemes offered (RFC 9449 section 7.2, RFC 9110 section 11.6.1) */
    CHECK(refuse(&o, 401, "Bearer error=\"invalid_token\", DPoP error=\"use_dpop_nonce\"", true) == MCPT_OK && token_is("bound"));

    begin_with(&c);                   /* the authorization server wants a nonce, too: once */
    mcpt_oauth_logout(&o);
    while (mcpt_oauth_next(&o) == MCPT_OAUTH_REQUEST) {
        serve(&o);
    }
    W.token_status = 400;
    W.token_body = "{\"error\":\"use_dpop_nonce\"}";
    W.nonce = "as-nonce";
    W.nlog = 0;
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_OAUTH));
    len = 0;
    for (size_t i = 0; i < W.nlog; i++) {
        len += strcmp(W.log[i], "POST " AS "/token") == 0;
    }
    CHECK(len == 2);
    W.token_status = 200;             /* a token that is not bound is not what was asked for */
    W.token_body = "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}";
    mcpt_oauth_start(&o);
    CHECK(drive(&o) == MCPT_OAUTH_USER && mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_FAILED);
    mcpt_mbedtls_free(&tls);
}

static void logging_out(void)
{
    char buf[64];
    begin();
    put_route(AS "/register", 201, "{\"client_id\":\"c\",\"registration_client_uri\":\"" AS "/reg/c\",\"registration_access_token\":\"rat\"}");
    put_route(AS "/reg/c", 204, "");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    W.nlog = 0;
    mcpt_oauth_logout(&o);
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_REQUEST);
    serve(&o);
    CHECK(strcmp(param(W.form, "token", buf, sizeof(buf)), "rt-1") == 0 && strcmp(param(W.form, "token_type_hint", buf, sizeof(buf)), "refresh_token") == 0);
    CHECK(drive(&o) == MCPT_OAUTH_IDLE && W.nlog == 3 && strcmp(W.log[2], "DELETE " AS "/reg/c") == 0 && strcmp(W.auth, "Bearer rat") == 0);
    CHECK(records("") == 0 && mcpt_oauth_token(&o).ptr == NULL);
    begin();                          /* whatever they answer, it is forgotten */
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    put_route(AS "/revoke", 0, "");
    mcpt_oauth_logout(&o);
    CHECK(drive(&o) == MCPT_OAUTH_IDLE && records("") == 0);
    begin();                          /* a registration that cannot be deleted (RFC 7592 section 2: there is no URI) */
    put_route(AS "/register", 201, "{\"client_id\":\"c\",\"registration_access_token\":\"rat\"}");
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    mcpt_oauth_logout(&o);
    CHECK(drive(&o) == MCPT_OAUTH_IDLE && records("") == 0 && mcpt_oauth_token(&o).ptr == NULL);
}

/* What went wrong once must not go on: a store that failed, a network that was away, a server that says nonsense. */
static void once_only(void)
{
    mcpt_oauth_config c = usual;
    char query[1024], buf[64];
    size_t n;
    begin();                          /* the token served though the store failed; so does the next one */
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    CHECK(mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING);
    W.store_fails_at = W.store_calls + 1;
    CHECK(drive(&o) == MCPT_OAUTH_READY && mcpt_oauth_error(&o) == MCPT_E_STORE && records("s") == 0);
    W.unix_time += 3600;
    CHECK(drive(&o) == MCPT_OAUTH_READY && token_is("at-2") && mcpt_oauth_error(&o) == MCPT_OK && records("s") == 1);

    for (int by = 0; by < 2; by++) {  /* a refresh that the network lost needs no person */
        begin();
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
        mcpt_oauth_accepted(&o, mcpt_z(NULL));
        W.unix_time += 3600;
        put_route(AS "/token", by == 0 ? 0 : 503, "");
        CHECK(drive(&o) == MCPT_OAUTH_FAILED);
        W.nroutes = 0;
        if (by == 0) {
            mcpt_oauth_start(&o);
        } else {
            CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING);
        }
        CHECK(drive(&o) == MCPT_OAUTH_READY && token_is("at-2") && strcmp(param(W.form, "refresh_token", buf, sizeof(buf)), "rt-1") == 0);
    }
    begin();                          /* 2025-03-26: there, too, a refused token is refreshed first */
    put_route(PRM_PATH, 404, "");
    put_route("https://mcp.example/.well-known/oauth-authorization-server", 200, "{" ENDPOINTS("https://mcp.example") S256 "}");
    put_route("https://mcp.example/register", 201, "{\"client_id\":\"l\"}");
    W.iss = "";
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && token_is("at-1"));
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY && token_is("at-2"));
    for (int lives = -1; lives <= 0; lives++) {             /* a token that has expired when it comes: used until it is refused */
        char body[128];
        begin();
        snprintf(body, sizeof(body), "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":%d,\"refresh_token\":\"r\"}", lives);
        W.token_body = body;
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && token_is("a") && mcpt_oauth_due(&o) == (uint32_t)-1);
    }
    begin();                          /* RFC 6749 section 6: no scope in the answer to a refresh: the same as before */
    W.token_body = "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":60,\"refresh_token\":\"r\",\"scope\":\"read\"}";
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && mcpt_str_is(mcpt_oauth_scope(&o), "read"));
    W.token_body = NULL;
    W.unix_time += 60;
    CHECK(drive(&o) == MCPT_OAUTH_READY && token_is("at-1") && mcpt_str_is(mcpt_oauth_scope(&o), "read"));

    begin();                          /* servers explain themselves at length (RFC 6749 section 4.1.2.1) */
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    (void)sign_in(&o);
    n = (size_t)snprintf(query, sizeof(query), "error=server_error&iss=https%%3A%%2F%%2Fas.example&state=%s&error_description=", W.state);
    memset(query + n, 'x', 600);
    query[n + 600] = '\0';
    CHECK(mcpt_oauth_callback(&o, mcpt_z(query)) == MCPT_E_OAUTH && strncmp(mcpt_oauth_reason(&o), "server_error: xxx", 17) == 0);

    world();                          /* without a clock there is no assertion, whatever room there is */
    {
        static mcpt_signer key;
        static mcpt_mbedtls tls;
        mcpt_env env = w_env;
        uint8_t ref[MCPT_KEY_REF];
        CHECK(mcpt_mbedtls_init(&tls, NULL, 0) == MCPT_OK && tls.crypto.es256_generate(&tls, ref, &n) &&
              mcpt_signer_init(&key, &tls.crypto, ref, n) == MCPT_OK);
        env.crypto = &tls.crypto;
        c.env = &env;
        c.grant = MCPT_GRANT_CLIENT;
        c.client_id = "machine";
        c.signer = &key;
        W.unix_time = -1;
        begin_with(&c);
        put_route(AS_META, 200, "{\"issuer\":\"" AS "\",\"token_endpoint\":\"" AS "/token\",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]}");
        CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_CLOCK));
        mcpt_mbedtls_free(&tls);
    }
}

/* Attempts that a restart cut off leave the store when their time is over; without a clock, when there are too many. */
static void abandoned(void)
{
    for (int clock = 0; clock < 2; clock++) {
        world();
        W.unix_time = clock != 0 ? W.unix_time : -1;
        CHECK(W.ram.store.write(W.ram.store.user, "app", mcpt_z("not ours")) == MCPT_OK);
        for (int i = 0; i < 12; i++) {
            begin_with(&usual);
            CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
            CHECK(records("a") <= (clock != 0 ? 1u : 8u) + 1u);            /* and the application's own */
            mcpt_oauth_close(&o);
            W.unix_time += clock != 0 ? 601 : 0;
        }
        CHECK(records("app") == 1);
    }
}

/* What a server may make this client hold and read. */
static void bounds(void)
{
    static char text[70000], many[700];
    mcpt_str field, nonce = { text, 257 };
    memset(text, ' ', sizeof(text) - 1);
    begin();                          /* a document of more than 64 KB */
    put_route(PRM_PATH, 200, text);
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_FAILED && failed(MCPT_E_LIMIT));
    begin();                          /* a URL of more than 2 KB */
    memset(text, 'p', 2100);
    memcpy(text, MCP "/", strlen(MCP) + 1);
    text[2100] = '\0';
    {
        static char challenge[2200];
        memcpy(challenge, "Bearer resource_metadata=\"", 26);
        memcpy(challenge + 26, text, 2100);
        memcpy(challenge + 2126, "\"", 2);
        CHECK(refuse(&o, 401, challenge, false) == MCPT_E_RESOURCE);
        challenge[26 + 2000] = '"';
        challenge[26 + 2001] = '\0';
        begin();
        CHECK(refuse(&o, 401, challenge, false) == MCPT_PENDING);
    }
    for (int n = 7; n <= 8; n++) {    /* the first eight challenges */
        many[0] = '\0';
        for (int i = 0; i < n; i++) {
            strcat(many, "Basic realm=\"x\", ");
        }
        strcat(many, "Bearer scope=\"late\"");
        begin();
        field = mcpt_z(many);
        CHECK(mcpt_oauth_refused(&o, 401, &field, 1, mcpt_z(NULL), false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
        (void)sign_in(&o);
        CHECK((strcmp(W.scope, "late") == 0) == (n == 7));
    }
    begin();                          /* T19: a nonce that no field can carry back, or that is too long, is none */
    memset(text, 'n', 257);
    mcpt_oauth_accepted(&o, nonce);
    CHECK(mcpt__oa_get(&o, MCPT__F_RS_NONCE).ptr == NULL);
    mcpt_oauth_accepted(&o, mcpt_z("a b"));
    CHECK(mcpt__oa_get(&o, MCPT__F_RS_NONCE).ptr == NULL);
    nonce.len = 256;
    mcpt_oauth_accepted(&o, nonce);
    CHECK(mcpt__oa_get(&o, MCPT__F_RS_NONCE).len == 256);
}

/* A callback that is too late, or for another authorization server, leaves what there is alone (5.1: mix-up). */
static void late_callbacks(void)
{
    static mcpt_oauth other;
    static char mem[8192];
    char late[512];
    begin();                          /* abandoned; then the person signs in after all, then comes back to the old tab */
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    snprintf(late, sizeof(late), "%s", sign_in(&o));
    CHECK(mcpt_oauth_init(&other, &usual, mem, sizeof(mem)) == MCPT_OK && authorize(&other, NULL) == MCPT_OAUTH_READY);
    W.unix_time += 601;
    CHECK(mcpt_oauth_callback(&other, mcpt_z(late)) == MCPT_E_TIMEOUT && mcpt_oauth_next(&other) == MCPT_OAUTH_READY && records("a") == 0);

    for (int how = 0; how < 3; how++) {                     /* what it came to is said, in the process that waited and in one that did not */
        begin();
        CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
        snprintf(late, sizeof(late), "%s", sign_in(&o));
        if (how == 1) {
            begin_with(&usual);
        }
        if (how == 2) {
            W.millis += 600000;
            CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_TIMEOUT));
        }
        W.unix_time += 601;
        CHECK(mcpt_oauth_callback(&o, mcpt_z(late)) == (how == 2 ? MCPT_E_ABSENT : MCPT_E_TIMEOUT) && mcpt_oauth_error(&o) == MCPT_E_TIMEOUT);
        CHECK(mcpt_oauth_next(&o) == (how == 2 ? MCPT_OAUTH_FAILED : MCPT_OAUTH_IDLE) && mcpt_oauth_url(&o).ptr == NULL);
        CHECK(mcpt_oauth_callback(&o, mcpt_z(late)) == MCPT_E_ABSENT && mcpt_oauth_error(&o) == (how == 2 ? MCPT_E_TIMEOUT : MCPT_E_ABSENT));
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY && mcpt_oauth_error(&o) == MCPT_OK);     /* nothing of it sticks */
    }
    begin();                          /* tokens of one server, an attempt at another: neither is told of the other's */
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    put_route(PRM_PATH, 200, "{\"resource\":\"" MCP "\",\"authorization_servers\":[\"https://as2.example\"]}");
    put_route("https://as2.example/.well-known/oauth-authorization-server", 200, "{" ENDPOINTS("https://as2.example") S256 "}");
    put_route("https://as2.example/register", 201, "{\"client_id\":\"two\"}");
    put_route("https://as2.example/token", 400, "{\"error\":\"invalid_grant\"}");
    CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    W.iss = "";
    snprintf(late, sizeof(late), "%s", sign_in(&o));
    mcpt_oauth_close(&o);
    begin_with(&usual);               /* after a reboot the first server's tokens are there again */
    CHECK(token_is("at-1") && mcpt_oauth_callback(&o, mcpt_z(late)) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_FAILED);
    W.form[0] = '\0';
    mcpt_oauth_logout(&o);
    CHECK(drive(&o) == MCPT_OAUTH_IDLE && strstr(W.form, "rt-1") == NULL && !asked("POST https://as2.example/revoke"));
}

/* Every call of the store and of random fails once: never stuck, never a token that the person did not allow, and a second
 * try succeeds (5.5). */
static void torture(void)
{
    for (unsigned n = 1; n < 40; n++) {
        for (int which = 0; which < 2; which++) {
            mcpt_oauth_step s;
            world();
            *(which == 0 ? &W.store_fails_at : &W.random_fails_at) = n;
            if (mcpt_oauth_init(&o, &usual, W.mem, sizeof(W.mem)) != MCPT_OK) {
                continue;
            }
            (void)refuse(&o, 401, NULL, false);
            s = drive(&o);
            if (s == MCPT_OAUTH_USER) {
                (void)mcpt_oauth_callback(&o, mcpt_z(sign_in(&o)));
                s = drive(&o);
            }
            CHECK(s == MCPT_OAUTH_READY || s == MCPT_OAUTH_FAILED);
            CHECK(s == MCPT_OAUTH_FAILED || token_is("at-1"));
            CHECK(s == MCPT_OAUTH_READY || mcpt_oauth_error(&o) < 0);
            mcpt_oauth_close(&o);     /* and a start with what is in the store */
            W.store_fails_at = W.random_fails_at = 0;
            begin_with(&usual);
            s = mcpt_oauth_next(&o);
            if (s != MCPT_OAUTH_READY) {
                CHECK(s == MCPT_OAUTH_IDLE && authorize(&o, NULL) == MCPT_OAUTH_READY);
            }
        }
    }
    for (size_t size = 1024; size < 4096; size += 64) {     /* memory that is too small says so */
        world();
        CHECK(mcpt_oauth_init(&o, &usual, W.mem + 1, size) == MCPT_OK);
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY || failed(MCPT_E_SPACE));
    }
}

/* Two processes share a store: a code is sent once, whoever the redirect comes back to. */
static mcpt_oauth other;
static char other_mem[8192], shared_query[512];
static mcpt_err other_said;

static void other_takes_it(void) { other_said = mcpt_oauth_callback(&other, mcpt_z(shared_query)); }

static void code_sent_once(void)
{
    for (int how = 0; how < 4; how++) {
        begin();
        CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
        snprintf(shared_query, sizeof(shared_query), "%s", sign_in(&o));
        CHECK(mcpt_oauth_init(&other, &usual, other_mem, sizeof(other_mem)) == MCPT_OK && mcpt_oauth_next(&other) == MCPT_OAUTH_IDLE);
        W.store.swap = how == 3 ? NULL : W.store.swap;      /* a store of one process: the second comes after the first */
        W.meanwhile = how == 0 ? other_takes_it : NULL;     /* both have read the attempt */
        if (how != 0) {
            other_takes_it();
        }
        CHECK(mcpt_oauth_callback(&o, mcpt_z(shared_query)) == MCPT_E_ABSENT && other_said == MCPT_PENDING && records("a") == 0);
        CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_IDLE && mcpt_oauth_url(&o).ptr == NULL);
        W.nlog = 0;
        CHECK(drive(&other) == MCPT_OAUTH_READY && drive(&o) == MCPT_OAUTH_IDLE && W.nlog == 1 && W.tokens == 1);
        CHECK(refuse(&o, 401, NULL, false) == MCPT_OK && token_is("at-1") && W.nlog == 1);     /* and both have the token */
        mcpt_oauth_close(&other);
    }
    begin();                          /* a store that fails at that moment: the code is not sent, the attempt can be tried again */
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_USER);
    snprintf(shared_query, sizeof(shared_query), "%s", sign_in(&o));
    W.store_calls = 0;
    W.store_fails_at = 2;
    W.nlog = 0;
    CHECK(mcpt_oauth_callback(&o, mcpt_z(shared_query)) == MCPT_E_STORE && failed(MCPT_E_STORE) && records("a") == 1 && W.nlog == 0);
    CHECK(mcpt_oauth_callback(&o, mcpt_z(shared_query)) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);
}

static unsigned sent(const char *line)
{
    unsigned n = 0;
    for (size_t i = 0; i < W.nlog; i++) {
        n += strcmp(W.log[i], line) == 0;
    }
    return n;
}

/* A refresh token is used by one process at a time, and what another has stored is taken (RFC 9700 section 4.14: reuse of a
 * rotated one revokes all). */
static void refreshed_once(void)
{
    for (int how = 0; how < 3; how++) {
        begin();
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
        mcpt_oauth_accepted(&o, mcpt_z(NULL));
        CHECK(mcpt_oauth_init(&other, &usual, other_mem, sizeof(other_mem)) == MCPT_OK);
        W.nlog = 0;
        if (how == 2) {               /* the server refuses the token before it expires: both look at the metadata */
            CHECK(refuse(&other, 401, NULL, true) == MCPT_PENDING && refuse(&o, 401, NULL, true) == MCPT_PENDING);
            serve(&other);
            serve(&o);
            CHECK(sent("GET " PRM_PATH) == 2);
        } else {
            W.unix_time += 3590;
            CHECK(mcpt_oauth_next(&other) == MCPT_OAUTH_REQUEST && records("r") == 1);
        }
        CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_WAIT && mcpt_oauth_due(&o) == 1000 && mcpt_oauth_token(&o).ptr == NULL);
        CHECK(refuse(&o, 401, NULL, true) == MCPT_PENDING && mcpt_oauth_request(&o) == NULL);
        W.millis += 1000;
        CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_WAIT);
        if (how == 1) {               /* the other one meets trouble: now it is our turn */
            put_route(AS "/token", 503, "");
            CHECK(drive(&other) == MCPT_OAUTH_FAILED && records("r") == 0);
            W.nroutes--;
        } else {
            CHECK(drive(&other) == MCPT_OAUTH_READY && records("r") == 0);
        }
        W.millis += 1000;
        CHECK(drive(&o) == MCPT_OAUTH_READY && token_is("at-2") && sent("POST " AS "/token") == (how == 1 ? 2u : 1u));
        mcpt_oauth_close(&other);
    }
    begin();                          /* a token that another process has renewed long ago */
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    mcpt_oauth_accepted(&o, mcpt_z(NULL));
    CHECK(mcpt_oauth_init(&other, &usual, other_mem, sizeof(other_mem)) == MCPT_OK);
    W.unix_time += 3590;
    CHECK(drive(&other) == MCPT_OAUTH_READY);
    W.nlog = 0;
    CHECK(refuse(&o, 401, NULL, true) == MCPT_OK && token_is("at-2") && W.nlog == 0);
    W.unix_time += 3590;
    CHECK(drive(&other) == MCPT_OAUTH_READY && drive(&o) == MCPT_OAUTH_READY && token_is("at-3") && W.nlog == 1);
    mcpt_oauth_close(&other);
    begin();                          /* a token that the store would not take is newer than what it has */
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    W.unix_time += 3590;
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_REQUEST);
    W.store_fails_at = W.store_calls + 1;
    serve(&o);
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_READY && token_is("at-2") && mcpt_oauth_error(&o) == MCPT_E_STORE);
    W.unix_time += 3590;
    CHECK(drive(&o) == MCPT_OAUTH_READY && strstr(W.form, "refresh_token=rt-2") != NULL && token_is("at-3") && mcpt_oauth_error(&o) == MCPT_OK);
}

/* The power goes between a refresh and its answer: the old token is sent once more, for servers with a grace period, and then
 * no more; without a clock nobody else can be at it. */
static void refresh_cut(void)
{
    for (int clock = 0; clock < 2; clock++) {
        begin();
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
        W.unix_time += 3600;
        for (int cuts = 1; cuts <= 2; cuts++) {
            CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_REQUEST && strncmp(mcpt_oauth_request(&o)->body.ptr, "grant_type=refresh_token", 24) == 0);
            CHECK(records("r") == 1);
            W.unix_time = clock != 0 ? W.unix_time : -1;
            begin_with(&usual);
            if (clock == 0) {         /* not known to be stale either: the server says so */
                CHECK(token_is("at-1") && refuse(&o, 401, NULL, true) == MCPT_PENDING);
                serve(&o);
            } else {
                CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_WAIT);
                W.unix_time += 39;
                W.millis += 1000;
                CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_WAIT);
                W.unix_time += 1;
                W.millis += 1000;
            }
        }
        W.nlog = 0;
        CHECK(drive(&o) == MCPT_OAUTH_USER && sent("POST " AS "/token") == 0 && records("s") == 1);    /* a person is asked, the token is not sent */
        CHECK(mcpt_oauth_callback(&o, mcpt_z(sign_in(&o))) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY);
    }
    begin();                          /* one cut, then an answer: all is well, also after a clock that jumped back */
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    W.unix_time += 3600;
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_REQUEST);
    W.unix_time -= 50000;
    begin_with(&usual);
    CHECK(token_is("at-1") && refuse(&o, 401, NULL, true) == MCPT_PENDING && drive(&o) == MCPT_OAUTH_READY && token_is("at-2"));
    CHECK(records("r") == 0 && W.authorizations == 1);
    begin();                          /* a damaged or a foreign marker stands for nothing */
    CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
    for (size_t i = 0; i < 3; i++) {
        static const char *const marks[] = { "", "MT\1r\1\0\0\0\0\x6b\x49\xd2\0sixteen bytes..", "a marker that is longer than any of ours could be" };
        char key[16];
        CHECK(mcpt__oa_session_key(&o, 'r', key));
        CHECK(W.ram.store.write(W.ram.store.user, key, mcpt__mk(marks[i], i == 1 ? 29 : strlen(marks[i]))) == MCPT_OK);
        W.unix_time += 3600;
        CHECK(drive(&o) == MCPT_OAUTH_READY && records("r") == 0 && W.authorizations == 1);
    }
}

/* Trouble that may pass loses nothing: the refresh token is tried again, a person is not asked; Retry-After is told. */
static void trouble_passes(void)
{
    static const unsigned status[] = { 0, 500, 503, 429, 408 };
    for (size_t i = 0; i < MCPT_COUNT(status); i++) {
        for (int how = 0; how < 2; how++) {
            begin();
            CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
            mcpt_oauth_accepted(&o, mcpt_z(NULL));
            W.unix_time += 3600;
            put_route(AS "/token", status[i], "<html>busy");
            W.retry_after = 120;
            CHECK(drive(&o) == MCPT_OAUTH_FAILED && failed(status[i] == 0 ? MCPT_E_IO : MCPT_E_STATUS));
            CHECK(mcpt_oauth_due(&o) == (status[i] == 0 ? (uint32_t)-1 : 120000));
            W.nroutes--;
            W.retry_after = 0;
            if (how == 0) {
                mcpt_oauth_start(&o);
            } else {
                CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING);
            }
            CHECK(drive(&o) == MCPT_OAUTH_READY && token_is("at-2") && W.authorizations == 1);
        }
    }
    begin();                          /* of metadata, of registration, of the token endpoint before there is a token */
    for (size_t i = 0; i < 3; i++) {
        static const char *const url[] = { PRM_PATH, AS_META, AS "/register" };
        put_route(url[i], 429, "");
        W.retry_after = 7;
        mcpt_oauth_start(&o);
        CHECK(drive(&o) == MCPT_OAUTH_FAILED && failed(MCPT_E_STATUS) && mcpt_oauth_due(&o) == 7000 && records("") == 0);
        W.nroutes--;
    }
    mcpt_oauth_start(&o);
    CHECK(drive(&o) == MCPT_OAUTH_USER);
}

/* Records of the store: damaged, exchanged, of another device. */
static void sealed(void)
{
    static const uint8_t k1[32] = { 1 }, k2[32] = { 2 };
    mcpt_oauth_config c = usual;
    char raw[4096];
    size_t n;
    unsigned at, key;
    static char name[2][16];
    struct { unsigned n; } names = { 0 };
    for (key = 0; key < 2; key++) {
        world();
        c.store_key = key != 0 ? k1 : NULL;
        begin_with(&c);
        CHECK(authorize(&o, NULL) == MCPT_OAUTH_READY);
        CHECK(mcpt__oa_session_key(&o, 's', name[0]));
        mcpt_oauth_close(&o);
        CHECK(W.ram.store.read(W.ram.store.user, name[0], raw, sizeof(raw), &n) == MCPT_OK && n > 100);
        raw[n] = '\0';
        CHECK((memmem(raw, n, "at-1", 4) == NULL) == (key != 0));           /* encrypted with a device key */
        for (at = 0; at < n; at++) {                        /* one bit anywhere */
            raw[at] ^= 0x10;
            CHECK(W.ram.store.write(W.ram.store.user, name[0], mcpt__mk(raw, n)) == MCPT_OK);
            begin_with(&c);
            CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_IDLE);
            raw[at] ^= 0x10;
        }
        for (at = 0; at < n; at++) {                        /* cut */
            CHECK(W.ram.store.write(W.ram.store.user, name[0], mcpt__mk(raw, at)) == MCPT_OK);
            begin_with(&c);
            CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_IDLE);
        }
        CHECK(W.ram.store.write(W.ram.store.user, name[0], mcpt__mk(raw, n)) == MCPT_OK);
        begin_with(&c);
        CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_READY);
        c.session = "x";              /* under another name it is nothing */
        begin_with(&c);
        CHECK(mcpt__oa_session_key(&o, 's', name[1]) && W.ram.store.write(W.ram.store.user, name[1], mcpt__mk(raw, n)) == MCPT_OK);
        begin_with(&c);
        CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_IDLE);
        c.session = NULL;
        c.store_key = k2;             /* nor on another device */
        begin_with(&c);
        CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_IDLE);
    }
    (void)names;
}

static void misuse(void)
{
    mcpt_oauth_config c = usual;
    mcpt_env env = w_env;
    world();
    c.endpoint = "http://mcp.example/mcp";
    CHECK(mcpt_oauth_init(&o, &c, W.mem, sizeof(W.mem)) == MCPT_E_ARG);
    c.endpoint = NULL;
    CHECK(mcpt_oauth_init(&o, &c, W.mem, sizeof(W.mem)) == MCPT_E_ARG);
    c = usual;
    c.redirect_uri = NULL;
    CHECK(mcpt_oauth_init(&o, &c, W.mem, sizeof(W.mem)) == MCPT_E_ARG);
    CHECK(mcpt_oauth_init(&o, &usual, W.mem, 1023) == MCPT_E_ARG);
    c = usual;
    c.env = &env;
    env.random = NULL;
    CHECK(mcpt_oauth_init(&o, &c, W.mem, sizeof(W.mem)) == MCPT_E_RANDOM);
    env.random = w_random;
    env.crypto = NULL;
    CHECK(mcpt_oauth_init(&o, &c, W.mem, sizeof(W.mem)) == MCPT_E_CRYPTO);
    c = usual;
    c.endpoint = "http://localhost:3000/mcp";
    CHECK(mcpt_oauth_init(&o, &c, W.mem, sizeof(W.mem)) == MCPT_OK);
    CHECK(mcpt_oauth_request(&o) == NULL && mcpt_oauth_body(&o, "{}", 2) == MCPT_E_STATE && mcpt_oauth_url(&o).ptr == NULL);
    CHECK(refuse(&o, 401, NULL, false) == MCPT_PENDING && mcpt_oauth_next(&o) == MCPT_OAUTH_REQUEST);
    mcpt_oauth_accepted(&o, mcpt_z("a-nonce-that-comes-while-a-request-stands-in-mem"));
    CHECK(strncmp(mcpt_oauth_request(&o)->url.ptr, "http://localhost:3000/.well-known/", 34) == 0);
    begin_with(&c);
    mcpt_oauth_done(&o, MCPT_OK);
    mcpt_oauth_head(&o, 200, 0, mcpt_z(NULL));
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_IDLE && mcpt_oauth_due(&o) == (uint32_t)-1);
}

/* What is taken over and has no room leaves nothing, and no token that is none. */
static void adopted_without_room(void)
{
    static char large[sizeof(W.mem)];
    memset(large, 'a', sizeof(large));
    begin();
    CHECK(mcpt_oauth_adopt(&o, MCPT_FACT_ACCESS_TOKEN, (mcpt_str){ large, sizeof(large) }) == MCPT_E_SPACE);
    CHECK(mcpt_oauth_next(&o) == MCPT_OAUTH_IDLE && mcpt_oauth_token(&o).ptr == NULL);
    CHECK(mcpt_oauth_adopt(&o, MCPT_FACT_ACCESS_TOKEN, mcpt_z("at")) == MCPT_OK && mcpt_oauth_next(&o) == MCPT_OAUTH_READY && token_is("at"));
}

int main(void)
{
    whole_flow();
    discovery_orders();
    challenges();
    bad_resource();
    bad_server();
    quirks();
    scopes();
    registration();
    callbacks();
    token_answers();
    refreshing();
    refused_tokens();
    step_up();
    registered_scopes();
    scopes_kept();
    pushed();
    device_grant();
    machine_grants();
    signed_grants();
    logging_out();
    code_sent_once();
    refreshed_once();
    refresh_cut();
    trouble_passes();
    once_only();
    abandoned();
    bounds();
    late_callbacks();
    torture();
    sealed();
    misuse();
    adopted_without_room();
    return test_end();
}
