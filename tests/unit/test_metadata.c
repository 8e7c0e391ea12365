/* metadata: golden documents, overrides, Clerk keys, well-known URLs, challenges written and read; hostile input. */
#include "mcptools.h"
#include "test.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static char room[4096];

static const char *text(mcpt_str s)
{
    static char ring[8][2048];
    static unsigned next;
    char *to = ring[next++ % 8];

    if (s.ptr == NULL) {
        return "(absent)";
    }
    snprintf(to, sizeof(ring[0]), "%.*s", (int)s.len, s.ptr);
    return to;
}

static void same(const char *file, int line, const char *got, const char *want)
{
    test_check(strcmp(got, want) == 0, file, line, want);
    if (strcmp(got, want) != 0) {
        printf("    got  %s\n", got);
    }
}
#define IS(got, want) same(__FILE__, __LINE__, (got), (want))

/* Every length of buffer up to the one needed says E_SPACE and how much is needed; then the text is whole. */
static const char *prm(const mcpt_prm *d)
{
    mcpt_writer w;
    mcpt_str out;
    size_t need;
    size_t n;

    mcpt_w_init(&w, NULL, 0);
    mcpt_put_prm(&w, d);
    if (mcpt_w_done(&w, NULL) < 0) {
        return w.err == MCPT_E_ARG ? "E_ARG" : w.err == MCPT_E_LIMIT ? "E_LIMIT" : "error";
    }
    need = w.total;
    for (n = 0; n <= need; n++) {
        char *exact = (char *)malloc(n + 1);

        mcpt_w_init(&w, exact, n);
        mcpt_put_prm(&w, d);
        CHECK((mcpt_w_done(&w, &out) == MCPT_OK) == (n == need) && w.total == need);
        if (n == need) {
            memcpy(room, out.ptr, out.len);
            room[out.len] = '\0';
        }
        free(exact);
    }
    return room;
}

static const char *as_meta(const mcpt_as_meta *d)
{
    mcpt_writer w;
    mcpt_str out;

    mcpt_w_init(&w, room, sizeof(room));
    mcpt_put_as_meta(&w, d);
    return mcpt_w_done(&w, &out) == MCPT_OK ? text(out) : w.err == MCPT_E_ARG ? "E_ARG" : "error";
}

#define SEED_OF(resource, server) "{\"resource\":\"" resource "\",\"authorization_servers\":[\"" server "\"]," \
    "\"token_types_supported\":[\"urn:ietf:params:oauth:token-type:access_token\"]," \
    "\"token_introspection_endpoint\":\"" server "/oauth/token\"," \
    "\"token_introspection_endpoint_auth_methods_supported\":[\"client_secret_post\",\"client_secret_basic\"]," \
    "\"jwks_uri\":\"" server "/.well-known/jwks.json\"," \
    "\"authorization_data_types_supported\":[\"oauth_scope\"],\"authorization_data_locations_supported\":[\"header\",\"body\"]," \
    "\"key_challenges_supported\":[{\"challenge_type\":\"urn:ietf:params:oauth:pkce:code_challenge\",\"challenge_algs\":[\"S256\"]}]"
#define SEED SEED_OF("https://myapp.com/current-route", "https://auth.example.com")

/* generateProtectedResourceMetadata, generateClerkProtectedResourceMetadata of @clerk/mcp-tools 0.6 */
static void the_seed_documents_are_byte_exact(void)
{
    static const mcpt_prop props[] = { { "b", "1" }, { "resource", "\"https://other\"" }, { "jwks_uri", MCPT_OMIT },
                                       { "a", "{\"x\":[]}" }, { "b", "2" }, { "gone", NULL } };
    mcpt_prm d;

    memset(&d, 0, sizeof(d));
    d.resource = "https://myapp.com/current-route";
    d.authorization_servers = "https://auth.example.com";
    d.seed = true;
    IS(prm(&d), SEED "}");
    CHECK(strlen(room) == 632);
    d.authorization_servers = "https://auth.example.com/";    /* pasted as it is, and no more than one */
    CHECK(strstr(prm(&d), "\"https://auth.example.com//oauth/token\"") != NULL);
    d.authorization_servers = "https://auth.example.com https://second.example";
    IS(prm(&d), SEED "}");
    d.authorization_servers = NULL;
    IS(prm(&d), "E_ARG");
    d.publishable_key = "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k";
    d.resource = "https://myapp.com/mcp";
    IS(prm(&d), SEED_OF("https://myapp.com/mcp", "https://clerk.example.com") ",\"service_documentation\":\"https://clerk.com/docs\"}");
    d.props = props;                  /* Object.assign: in place when it is there, at the end when not, in this order */
    d.nprops = MCPT_COUNT(props);
    prm(&d);
    CHECK(strncmp(room, "{\"resource\":\"https://other\",\"authorization_servers\":", 50) == 0);
    CHECK(strstr(room, "jwks_uri") == NULL && strstr(room, "gone") == NULL);
    CHECK(strstr(room, "\"service_documentation\":\"https://clerk.com/docs\",\"b\":2,\"a\":{\"x\":[]}}") != NULL);
    d.publishable_key = "sk_test_Y2xlcmsuZXhhbXBsZS5jb20k";
    IS(prm(&d), "E_ARG");
}

/* RFC 9728 section 2 */
static void resource_metadata_has_every_registered_member(void)
{
    static const mcpt_prop props[] = { { "resource_name#de", "\"Pumpe\"" }, { "scopes_supported", MCPT_OMIT } };
    static mcpt_prop many[33];
    mcpt_prm d;
    size_t i;

    memset(&d, 0, sizeof(d));
    IS(prm(&d), "E_ARG");
    d.resource = "https://pump.example/mcp";
    IS(prm(&d), "{\"resource\":\"https://pump.example/mcp\",\"bearer_methods_supported\":[\"header\"]}");
    d.authorization_servers = " https://a.example  https://b.example/t ";
    d.bearer_methods_supported = MCPT_OMIT;
    d.jwks_uri = "https://pump.example/keys";
    d.scopes_supported = "read write";
    d.resource_signing_alg_values_supported = "ES256";
    d.resource_name = "Pump \"7\"";
    d.resource_documentation = "https://pump.example/doc";
    d.resource_policy_uri = "https://pump.example/policy";
    d.resource_tos_uri = "https://pump.example/tos";
    d.tls_client_certificate_bound_access_tokens = "false";
    d.authorization_details_types_supported = "x";
    d.dpop_signing_alg_values_supported = "ES256";
    d.dpop_bound_access_tokens_required = "true";
    d.signed_metadata = "a.b.c";
    d.props = props;
    d.nprops = 2;
    IS(prm(&d), "{\"resource\":\"https://pump.example/mcp\",\"authorization_servers\":[\"https://a.example\","
       "\"https://b.example/t\"],\"jwks_uri\":\"https://pump.example/keys\",\"resource_signing_alg_values_supported\":[\"ES256\"],"
       "\"resource_name\":\"Pump \\\"7\\\"\",\"resource_documentation\":\"https://pump.example/doc\","
       "\"resource_policy_uri\":\"https://pump.example/policy\",\"resource_tos_uri\":\"https://pump.example/tos\","
       "\"tls_client_certificate_bound_access_tokens\":false,\"authorization_details_types_supported\":[\"x\"],"
       "\"dpop_signing_alg_values_supported\":[\"ES256\"],\"dpop_bound_access_tokens_required\":true,"
       "\"signed_metadata\":\"a.b.c\",\"resource_name#de\":\"Pumpe\"}");
    for (i = 0; i < 33; i++) {
        many[i].key = "k";
        many[i].json = "1";
    }
    d.props = many;
    d.nprops = 33;
    IS(prm(&d), "E_LIMIT");
    d.nprops = 32;
    CHECK(strstr(prm(&d), ",\"k\":1}") != NULL);
    d.nprops = 0;                     /* the two that were left out above */
    d.bearer_methods_supported = "header body";
    CHECK(strstr(prm(&d), ",\"scopes_supported\":[\"read\",\"write\"],\"bearer_methods_supported\":[\"header\",\"body\"],") != NULL);
}

/* Free members replace, drop and add here as they do in the document of @clerk/mcp-tools; a key of Clerk's names the server. */
static void props_of_resource_metadata(void)
{
    static const mcpt_prop props[] = { { "new", "[1]" }, { "resource", "\"https://other\"" }, { "scopes_supported", MCPT_OMIT }, { "new", "[2]" },
                                       { "jwks_uri", NULL }, { "resource_name", "null" } };
    mcpt_prm d;

    memset(&d, 0, sizeof(d));
    d.resource = "https://pump.example/mcp";
    d.publishable_key = "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k";
    d.scopes_supported = "read";
    d.jwks_uri = "https://pump.example/keys";
    IS(prm(&d), "{\"resource\":\"https://pump.example/mcp\",\"authorization_servers\":[\"https://clerk.example.com\"],"
       "\"jwks_uri\":\"https://pump.example/keys\",\"scopes_supported\":[\"read\"],\"bearer_methods_supported\":[\"header\"]}");
    d.props = props;
    d.nprops = MCPT_COUNT(props);
    IS(prm(&d), "{\"resource\":\"https://other\",\"authorization_servers\":[\"https://clerk.example.com\"],"
       "\"bearer_methods_supported\":[\"header\"],\"resource_name\":null,\"new\":[2]}");
    d.authorization_servers = "https://as.example";           /* said, and so it counts */
    CHECK(strstr(prm(&d), "\"authorization_servers\":[\"https://as.example\"]") != NULL);
    d.authorization_servers = NULL;
    d.publishable_key = "pk_live_x";
    IS(prm(&d), "E_ARG");
}

/* README of @clerk/mcp-tools: generateAuthorizationServerMetadata with defaults, overrides and false; RFC 8414 section 2 */
static void server_metadata_defaults_overrides_and_omissions(void)
{
    mcpt_as_meta d;

    memset(&d, 0, sizeof(d));
    IS(as_meta(&d), "E_ARG");
    d.issuer = "https://auth.example.com";
    d.scopes_supported = "email profile openid";
    IS(as_meta(&d), "{\"issuer\":\"https://auth.example.com\",\"authorization_endpoint\":\"https://auth.example.com/authorize\","
       "\"token_endpoint\":\"https://auth.example.com/token\",\"registration_endpoint\":\"https://auth.example.com/register\","
       "\"userinfo_endpoint\":\"https://auth.example.com/userinfo\",\"jwks_uri\":\"https://auth.example.com/.well-known/jwks.json\","
       "\"scopes_supported\":[\"email\",\"profile\",\"openid\"],\"response_types_supported\":[\"code\"],"
       "\"response_modes_supported\":[\"query\"],\"grant_types_supported\":[\"authorization_code\",\"refresh_token\"],"
       "\"token_endpoint_auth_methods_supported\":[\"none\",\"client_secret_basic\",\"client_secret_post\"],"
       "\"code_challenge_methods_supported\":[\"S256\"]}");
    d.authorization_endpoint = "foo/bar/authorize";
    d.registration_endpoint = MCPT_OMIT;
    d.token_endpoint = "tokens";
    d.userinfo_endpoint = "https://other.example/me";
    d.jwks_uri = "/keys";
    d.authorization_response_iss_parameter_supported = "true";
    d.grant_types_supported = MCPT_OMIT;
    d.response_modes_supported = MCPT_OMIT;
    d.token_endpoint_auth_methods_supported = "none";
    d.scopes_supported = NULL;
    d.issuer = "https://auth.example.com/tenant/";    /* the issuer stays byte for byte (RFC 8414 section 3.3) */
    IS(as_meta(&d), "{\"issuer\":\"https://auth.example.com/tenant/\","
       "\"authorization_endpoint\":\"https://auth.example.com/tenant/foo/bar/authorize\","
       "\"token_endpoint\":\"https://auth.example.com/tenant/tokens\",\"userinfo_endpoint\":\"https://other.example/me\","
       "\"jwks_uri\":\"https://auth.example.com/keys\",\"response_types_supported\":[\"code\"],"
       "\"token_endpoint_auth_methods_supported\":[\"none\"],\"code_challenge_methods_supported\":[\"S256\"],"
       "\"authorization_response_iss_parameter_supported\":true}");
}

/* The same for each endpoint alone: default, absolute, path on the host, below the issuer, left out. */
static void each_endpoint(void)
{
    static const struct { const char *key; size_t at; const char *fallback; } rows[] = {
#define ROW(member, fallback) { #member, offsetof(mcpt_as_meta, member), fallback }
        ROW(authorization_endpoint, "authorize"), ROW(token_endpoint, "token"), ROW(registration_endpoint, "register"),
        ROW(userinfo_endpoint, "userinfo"), ROW(jwks_uri, ".well-known/jwks.json"), ROW(revocation_endpoint, NULL),
        ROW(introspection_endpoint, NULL), ROW(device_authorization_endpoint, NULL), ROW(pushed_authorization_request_endpoint, NULL)
#undef ROW
    };
    static const struct { const char *set, *want; } forms[] = {
        { "https://other.example/x", "https://other.example/x" }, { "/x", "https://a.example/x" }, { "x/y", "https://a.example/t/x/y" }
    };
    size_t i;
    size_t k;

    for (i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_as_meta d;
        const char **member = (const char **)(void *)((char *)&d + rows[i].at);
        char want[128];

        memset(&d, 0, sizeof(d));
        d.issuer = "https://a.example/t";
        snprintf(want, sizeof(want), ",\"%s\":\"https://a.example/t/%s\"", rows[i].key, rows[i].fallback != NULL ? rows[i].fallback : "");
        CHECK((strstr(as_meta(&d), want) != NULL) == (rows[i].fallback != NULL));
        for (k = 0; k < MCPT_COUNT(forms); k++) {
            *member = forms[k].set;
            snprintf(want, sizeof(want), ",\"%s\":\"%s\",", rows[i].key, forms[k].want);
            CHECK(strstr(as_meta(&d), want) != NULL);
        }
        *member = MCPT_OMIT;
        snprintf(want, sizeof(want), "\"%s\":", rows[i].key);
        CHECK(strstr(as_meta(&d), want) == NULL && strstr(as_meta(&d), "\"response_types_supported\"") != NULL);
    }
}

/* RFC 8414 section 2 and the RFCs that added to it: every member can be set, and free ones replace, drop and add. */
static void server_metadata_has_every_member(void)
{
    static const mcpt_prop props[] = { { "op_policy_uri", "\"https://a.example/policy\"" }, { "token_endpoint", "\"https://t.example/\"" },
                                       { "userinfo_endpoint", MCPT_OMIT }, { "jwks_uri", NULL } };
    mcpt_as_meta d;

    memset(&d, 0, sizeof(d));
    d.issuer = "https://a.example";
    d.revocation_endpoint = "revoke";
    d.introspection_endpoint = "introspect";
    d.device_authorization_endpoint = "device";
    d.pushed_authorization_request_endpoint = "par";
    d.scopes_supported = "a b";
    d.response_types_supported = "code token";
    d.response_modes_supported = "query fragment";
    d.grant_types_supported = "client_credentials";
    d.subject_types_supported = "public";
    d.id_token_signing_alg_values_supported = "RS256";
    d.token_endpoint_auth_methods_supported = "private_key_jwt";
    d.claims_supported = "sub iss";
    d.code_challenge_methods_supported = "S256 plain";
    d.authorization_response_iss_parameter_supported = "false";
    d.client_id_metadata_document_supported = "true";
    d.dpop_signing_alg_values_supported = "ES256";
    d.service_documentation = "https://a.example/doc";
    d.props = props;
    d.nprops = MCPT_COUNT(props);
    IS(as_meta(&d), "{\"issuer\":\"https://a.example\",\"authorization_endpoint\":\"https://a.example/authorize\","
       "\"token_endpoint\":\"https://t.example/\",\"registration_endpoint\":\"https://a.example/register\","
       "\"revocation_endpoint\":\"https://a.example/revoke\",\"introspection_endpoint\":\"https://a.example/introspect\","
       "\"device_authorization_endpoint\":\"https://a.example/device\",\"pushed_authorization_request_endpoint\":\"https://a.example/par\","
       "\"scopes_supported\":[\"a\",\"b\"],\"response_types_supported\":[\"code\",\"token\"],"
       "\"response_modes_supported\":[\"query\",\"fragment\"],\"grant_types_supported\":[\"client_credentials\"],"
       "\"subject_types_supported\":[\"public\"],\"id_token_signing_alg_values_supported\":[\"RS256\"],"
       "\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"],\"claims_supported\":[\"sub\",\"iss\"],"
       "\"code_challenge_methods_supported\":[\"S256\",\"plain\"],\"authorization_response_iss_parameter_supported\":false,"
       "\"client_id_metadata_document_supported\":true,\"dpop_signing_alg_values_supported\":[\"ES256\"],"
       "\"service_documentation\":\"https://a.example/doc\",\"op_policy_uri\":\"https://a.example/policy\"}");
}

/* The deriveFapiUrl of @clerk/mcp-tools accepts every key that is refused here. */
static void clerk_keys_are_decoded_strictly(void)
{
    static const struct { const char *key, *issuer; } rows[] = {
        { "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k", "https://clerk.example.com" },
        { "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", "https://clerk.example.com" },
        { "pk_test_YS5iLmNvJA==", "https://a.b.co" }, { "pk_test_YS5iLmNvJA", "https://a.b.co" },
        { "pk_test_YS5iLmNvJA=", NULL }, { "pk_test_YS5iLmNvJA===", NULL }, { "pk_test_YS5iLmNvJB", NULL },   /* trailing bits */
        { "sk_test_Y2xlcmsuZXhhbXBsZS5jb20k", NULL }, { "PK_TEST_Y2xlcmsuZXhhbXBsZS5jb20k", NULL },
        { "Y2xlcmsuZXhhbXBsZS5jb20k", NULL }, { "pk_test_", NULL }, { "pk_test_JA==", NULL }, { "", NULL }, { NULL, NULL },
        { "pk_test_ZXZpbC5jb20veD95IyR6", NULL },             /* evil.com/x?y#$z */
        { "pk_test_YSRiJA==", NULL },                         /* a$b$ */
        { "pk_test_dUBoLmNvJA==", NULL },                     /* u@h.co$ */
        { "pk_test_aC5jbzo4MCQ=", NULL },                     /* h.co:80$ */
        { "pk_test_Y2xlcmsuZXhhbXBsZS5jb20", NULL },          /* no $ */
        { "pk_test_MTI3LjAuMC4xJA==", NULL },                 /* 127.0.0.1$ */
        { "pk_test_LWEuY28k", NULL },                         /* -a.co$ */
        { "pk_test_YS5jby4k", NULL },                         /* a.co.$ */
        { "pk_test_YQBiLmNvJA==", NULL },                     /* a\0b.co$ */
        { "pk_test_Y2xlcmsu ZXhhbXBsZS5jb20k", NULL }, { "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k\n", NULL }
    };
    char buf[MCPT_CLERK_ISSUER];
    char longest[8 + 340 + 1] = "pk_live_";
    char host[256];
    mcpt_str out;
    size_t i;

    for (i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_err e = mcpt_clerk_issuer(rows[i].key, buf, sizeof(buf), &out);

        CHECK(e == (rows[i].issuer != NULL ? MCPT_OK : MCPT_E_ARG));
        IS(e == MCPT_OK ? text(out) : "", rows[i].issuer != NULL ? rows[i].issuer : "");
        CHECK(e != MCPT_OK || strcmp(buf, rows[i].issuer) == 0);
    }
    for (i = 0; i < 26; i++) {
        CHECK(mcpt_clerk_issuer(rows[0].key, buf, i, &out) == MCPT_E_SPACE);
    }
    CHECK(mcpt_clerk_issuer(rows[0].key, buf, 26, NULL) == MCPT_OK);
    for (i = 0; i < 253; i++) {       /* the longest name that the DNS has */
        host[i] = i % 50 == 49 ? '.' : 'a';
    }
    host[253] = '$';
    longest[8 + mcpt_b64_encode(host, 254, true, longest + 8, 340)] = '\0';
    CHECK(mcpt_clerk_issuer(longest, buf, sizeof(buf), NULL) == MCPT_OK && strlen(buf) == 261);
    host[253] = 'a';
    host[254] = '$';
    longest[8 + mcpt_b64_encode(host, 255, true, longest + 8, 340)] = '\0';
    CHECK(mcpt_clerk_issuer(longest, buf, sizeof(buf), NULL) == MCPT_E_ARG);
}

/* RFC 9728 section 3.1, RFC 8414 section 3.1 */
static void well_known_urls(void)
{
    static const struct { const char *url, *want; } rows[] = {
        { "https://h", "https://h/.well-known/X" }, { "https://h/", "https://h/.well-known/X" },
        { "https://h/a", "https://h/.well-known/X/a" }, { "https://h/a/", "https://h/.well-known/X/a" },
        { "https://h:8443/a/b?c=1", "https://h:8443/.well-known/X/a/b?c=1" }, { "https://h/a//b", "https://h/.well-known/X/a//b" },
        { "https://h?q", "https://h/.well-known/X?q" }, { "https://u@h/a", "" }, { "https:evil", "" }, { "https://h/a#b", "" },
        { "https://h/a b", "" }, { "", "" }
    };
    char buf[64];
    size_t i;
    size_t n;

    for (i = 0; i < MCPT_COUNT(rows); i++) {
        size_t need = mcpt_well_known_url(mcpt_z(rows[i].url), "X", NULL, 0);

        CHECK(need == strlen(rows[i].want));
        for (n = 0; n < need; n++) {
            CHECK(mcpt_well_known_url(mcpt_z(rows[i].url), "X", buf, n) == 0);
        }
        buf[mcpt_well_known_url(mcpt_z(rows[i].url), "X", buf, need)] = '\0';
        IS(buf, rows[i].want);
    }
}

/* The parsed challenges of a field as one text: scheme(token68) name=value ... | next; ! malformed, $ too long. */
static const char *parsed(const char *field, size_t cap)
{
    static char all[4096];
    mcpt_str rest = mcpt_z(field);
    size_t at = 0;
    unsigned rounds = 0;

    all[0] = '\0';
    for (;;) {
        char *buf = (char *)malloc(cap + 1);
        mcpt_challenge c;
        size_t before = rest.len;
        mcpt_err e = mcpt_challenge_next(&rest, &c, buf, cap);

        if (e == MCPT_E_ABSENT) {
            free(buf);
            break;
        }
        CHECK(rest.len < before && rounds++ < 5000);
        if (at > sizeof(all) / 2) {
            free(buf);
            break;
        }
        at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s%s", at != 0 ? "|" : "",
                               e == MCPT_E_HTTP ? "!" : e == MCPT_E_SPACE ? "$" : e == MCPT_OK ? "" : "?",
                               c.scheme.ptr != NULL ? text(c.scheme) : "-");
        if (e == MCPT_OK) {
            const mcpt_str v[] = { c.token68, c.realm, c.error, c.error_description, c.resource_metadata, c.scope, c.algs };
            static const char *const name[] = { "68", "realm", "error", "desc", "meta", "scope", "algs" };
            size_t i;

            for (i = 0; i < MCPT_COUNT(v); i++) {
                if (v[i].ptr != NULL) {
                    at += (size_t)snprintf(all + at, sizeof(all) - at, " %s=%s", name[i], text(v[i]));
                }
            }
        }
        free(buf);
    }
    return all;
}

/* RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 9728 section 5.1 */
static void challenges_are_read(void)
{
    static const struct { const char *field, *want; } rows[] = {
        { "", "" }, { " , ,", "" }, { "Bearer", "Bearer" }, { "Bearer ", "Bearer" },
        { "Bearer realm=\"example\"", "Bearer realm=example" },                            /* RFC 6750 section 3 */
        { "Bearer realm=\"example\",\t\terror=\"invalid_token\", error_description=\"The access token expired\"",
          "Bearer realm=example error=invalid_token desc=The access token expired" },
        { "Bearer resource_metadata=\"https://r.example/.well-known/oauth-protected-resource\"",
          "Bearer meta=https://r.example/.well-known/oauth-protected-resource" },          /* RFC 9728 section 5.1 */
        { "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
          "Newauth realm=apps|Basic realm=simple" },                                       /* RFC 9110 section 11.6.1 */
        { "Negotiate, Bearer scope=\"a b\"", "Negotiate|Bearer scope=a b" },
        { "Negotiate YWJj=, DPoP algs=\"ES256 PS256\", Bearer", "Negotiate 68=YWJj=|DPoP algs=ES256 PS256|Bearer" },
        { "Bearer error=\"a\\\"b\\\\c\\x\"", "Bearer error=a\"b\\cx" },
        { "Bearer, error=\"invalid_token\"", "Bearer error=invalid_token" },               /* a comma too many */
        { ",,Bearer error=x,,scope=\"y\",,", "Bearer error=x scope=y" },
        { "Bearer resource_metadata=https://h/a?b=c,scope=d", "Bearer meta=https://h/a?b=c scope=d" },   /* no quotes */
        { "error=\"e\", scope=\"s\"", "- error=e scope=s" },                               /* no scheme */
        { "bearer SCOPE = \"x\" , ReALm= \"y\"", "bearer realm=y scope=x" },
        { "Bearer error=\"x\" scope=\"y\"", "Bearer error=x scope=y" },                    /* a comma too few */
        { "Bearer x_scope=\"bad\", note=\"scope=\\\"bad\\\"\", scope=\"good\"", "Bearer scope=good" },
        { "Bearer scope=\"a\", scope=\"a\"", "Bearer scope=a" },
        { "Bearer scope=\"a\", scope=\"b\"", "!Bearer" },
        { "Bearer scope=\"a\", scope=\"b\", DPoP algs=ES256", "!Bearer|DPoP algs=ES256" },
        { "Bearer scope=\"never ends, Basic realm=\"x", "!Bearer" },
        { "Bearer scope=\"ends in a backslash\\", "!Bearer" },
        { "Bearer scope=\"a\x01" "b\"", "!Bearer" }, { "Bearer scope=\"tab\there\"", "Bearer scope=tab\there" },
        { "@@@, Bearer", "!-|Bearer" }, { "Bearer @, scope=x, Basic", "!Bearer|Basic" },
        { "\"a,b\", Bearer scope=c", "!-|Bearer scope=c" }, { "Bearer a b, DPoP", "!Bearer|DPoP" },
        { "Bearer scope=\"\"", "Bearer scope=" }, { "=", "!-" }, { "Bearer =", "-" }
    };
    size_t i;

    for (i = 0; i < MCPT_COUNT(rows); i++) {
        IS(parsed(rows[i].field, 256), rows[i].want);
    }
    IS(parsed("Bearer error=\"a\\bc\", scope=\"x\\y\", DPoP", 5), "Bearer error=abc scope=xy|DPoP");
    IS(parsed("Bearer error=\"a\\bc\", scope=\"x\\y\", DPoP", 4), "$Bearer|DPoP");
    IS(parsed("Bearer error=\"a\\bc\"", 0), "$Bearer");
}

/* Any bytes: every prefix and every single change of a field ends, reads nothing beyond it and says what it took. */
static void hostile_challenges(void)
{
    static const char field[] = "Bearer realm=\"e\\\"x\", error=invalid, scope=\"a b\", Negotiate YWJj==, DPoP algs=\"ES256\"";
    static const char put[] = "\",= \\@a\x7f\xff\t";
    size_t n = sizeof(field) - 1;
    size_t i;
    size_t k;

    for (i = 0; i <= n; i++) {
        char *cut = (char *)malloc(i + 1);

        memcpy(cut, field, i);
        cut[i] = '\0';
        parsed(cut, 8);
        for (k = 0; k < sizeof(put) - 1 && i != 0; k++) {
            char *changed = (char *)malloc(n + 1);

            memcpy(changed, field, n + 1);
            changed[i - 1] = put[k];
            parsed(changed, 8);
            free(changed);
        }
        free(cut);
    }
}

static void challenges_are_written(void)
{
    mcpt_challenge c;
    char buf[256];
    size_t need;
    size_t n;

    memset(&c, 0, sizeof(c));
    c.scheme = mcpt_z("Bearer");
    buf[mcpt_challenge_write(&c, buf, sizeof(buf))] = '\0';
    IS(buf, "Bearer");
    c.resource_metadata = mcpt_z("https://h/.well-known/oauth-protected-resource/mcp");
    c.scope = mcpt_z("a b");
    buf[mcpt_challenge_write(&c, buf, sizeof(buf))] = '\0';
    IS(buf, "Bearer resource_metadata=\"https://h/.well-known/oauth-protected-resource/mcp\", scope=\"a b\"");
    c.error = mcpt_z("invalid_token");
    c.error_description = mcpt_z("a \"quoted\" \\ line\r\nSet-Cookie: x\xc3\xa9");
    need = mcpt_challenge_write(&c, NULL, 0);
    for (n = 0; n < need; n++) {
        CHECK(mcpt_challenge_write(&c, buf, n) == 0);
    }
    CHECK(mcpt_challenge_write(&c, buf, need) == need);
    buf[need] = '\0';
    IS(buf, "Bearer error=\"invalid_token\", error_description=\"a \\\"quoted\\\" \\\\ line  Set-Cookie: x  \", "
       "resource_metadata=\"https://h/.well-known/oauth-protected-resource/mcp\", scope=\"a b\"");
    IS(parsed(buf, 256), "Bearer error=invalid_token desc=a \"quoted\" \\ line  Set-Cookie: x   "
       "meta=https://h/.well-known/oauth-protected-resource/mcp scope=a b");
}

int main(void)
{
    the_seed_documents_are_byte_exact();
    resource_metadata_has_every_registered_member();
    props_of_resource_metadata();
    server_metadata_defaults_overrides_and_omissions();
    each_endpoint();
    server_metadata_has_every_member();
    clerk_keys_are_decoded_strictly();
    well_known_urls();
    challenges_are_read();
    hostile_challenges();
    challenges_are_written();
    IS(MCPT_CORS_HEADERS, "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET, OPTIONS\r\n"
       "Access-Control-Allow-Headers: *\r\nAccess-Control-Max-Age: 86400\r\n");
    return test_end();
}
