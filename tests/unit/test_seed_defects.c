/* What the server half of @clerk/mcp-tools 0.6 does wrong, each with a test that shows it done right here. Its client half: test_client_defects.c.
 *
 *   the challenge's value is not quoted                          challenges_are_quoted
 *   an invalid token gets a 401 without a challenge              an_invalid_token_gets_a_challenge
 *   any scheme is taken for Bearer                               only_bearer_is_a_scheme
 *   a malformed Authorization field is an exception, 500         a_malformed_field_is_a_refusal
 *   scopes and expiry are not looked at, there is no 403         scopes_and_expiry_count
 *   URLs are made of the Host and of proxies' fields             a_forged_host_changes_no_url; test_verify.c: the_caller_does_not_name_the_audience,
 *                                                                the_caller_does_not_name_the_url_of_a_proof
 *   a query of the request stands in the well-known URL          a_query_is_no_part_of_the_resource
 *   resource is the origin, not the endpoint                     resource_is_the_endpoint
 *   Clerk's metadata is fetched with each request, unchecked     foreign_metadata_is_checked_and_kept; test_posix_exchange.c
 *   publishable keys are decoded whatever they are               a_publishable_key_must_be_one
 *   browsers cannot read the challenge, may not send a token     browsers_may_read_the_challenge
 *   a request that failed is told why, in what the caller sent   refusals_repeat_nothing
 *   no token is verified, whatever its kind and audience         test_jwt.c: attackers_list; test_verify.c: introspection, clerk
 *   one server object answers all clients, and the wrong one     an_answer_reaches_who_asked
 *   metadata with members of another meaning                     test_metadata.c: resource_metadata_has_every_registered_member
 *   nothing can be revoked                                       what_is_revoked_is_over; test_pairing.c, revocation_holds_at_once
 *
 * An attacker's list for servers, by the test that has it:
 *   alg none, HS256 with the public key, RSA for EC and the reverse, jku x5u jwk in the header, kid abuse, duplicate claims, wrong
 *   audience and issuer, wrong type, id tokens, expired, future         test_jwt.c: attackers_list, keys_of_the_token, policies, claims;
 *                                                        over HTTP, all with one answer: test_verify.c: forged_tokens_are_told_one_thing
 *   truncated and oversize tokens                        test_jwt.c: parts, oversize; test_guard.c: tokens_of_any_length
 *   clock not set                                        test_jwt.c: clock_not_set; test_verify.c: behind_the_guard; test_pairing.c: tokens_expire
 *   weak, even, private, foreign keys; forged padding    test_jwt.c: jwk; crypto.h, with both libraries
 *   storms of unknown kid, rotation, stale key sets      test_verify.c: keys_by_url, keys_change, keys_grow_old
 *   oversize key sets and metadata                       test_jwt.c: jwks; test_verify.c: no_keys_yet; foreign_metadata_is_checked_and_kept
 *   tokens in the query, twice, malformed                test_guard.c: every_refusal_has_its_challenge; a_malformed_field_is_a_refusal
 *   another principal's session and task, dead tokens    test_guard.c: sessions_belong_to_their_principal, tasks_belong_to_their_principal,
 *                                                        streams_end_with_their_token, an_old_verdict_does_not_come_back
 *   no verdict, no random numbers, a store that fails    test_guard.c: no_verdict_is_no_entry, cryptography_that_fails; test_pairing.c: failures_refuse
 *   replayed, foreign and unbound proofs                 test_dpop.c: attackers_list, both_ends, nonces; test_guard.c: dpop_goes_the_same_way
 *   forged redirect and state, downgraded PKCE, forms    test_pairing.c: forged_redirect_is_not_followed,
 *                                                        pkce_downgrade_and_wrong_resource_go_back, forged_forms_and_changed_requests_are_refused
 *   replayed code, reused refresh token, guessed code    test_pairing.c: code_replay_revokes, refresh_reuse_revokes_the_family,
 *                                                        wrong_verifier_client_or_redirect_end_the_code, brute_force_of_the_pairing_code_locks
 *   header injection, Host tricks, plain http            test_pairing.c: header_injection_fails, host_tricks_and_plain_http_fail
 *   floods of pages, of fetches                          test_pairing.c: a_flood_of_pages_ends_no_other; test_pairing_documents.c: slow_and_many
 *   refresh and ID tokens that introspection calls active        test_verify.c: introspection, introspection_fails, clerk
 *   a client's URL as a way into the network             test_pairing_documents.c: urls_that_are_not_fetched, hostile_documents */
#include "device.h"
#include "internet.h"

static mcpt_guard guard;
static mcpt_prm prm;
static mcpt_verdict verdicts[4];
static const mcpt_fixed_token tokens[] = {
    { "good", "ada", "app", "read", 0 }, { "old", "ada", "app", "read write", 1 }, { "full", "ada", "app", "read write", 0 }
};
static mcpt_fixed_tokens table;
static const mcpt_tool tools[] = {
    MCPT_TOOL("echo", "Says it again", TEXT_SCHEMA, do_echo, 0),
    { "write", NULL, "Needs more", ANY_SCHEMA, NULL, do_echo, 0, 0, 0, "read write", NULL, NULL, NULL },
    MCPT_TOOL("wait", "Takes its time", ANY_SCHEMA, do_wait, 0),
};

static void protected_device(void)
{
    begin();
    memset(&guard, 0, sizeof(guard));
    memset(&prm, 0, sizeof(prm));
    prm.authorization_servers = "https://as.example";
    table.rows = tokens;
    table.n = MCPT_COUNT(tokens);
    guard.verify = mcpt_fixed_verify;
    guard.user = &table;
    guard.prm = &prm;
    guard.scopes = "read";
    world.identity.base_url = "https://device.example";
    world.server.guard = &guard;
    world.server.tools = tools;
    world.server.ntools = MCPT_COUNT(tools);
    world.mem.verdicts = verdicts;
    world.mem.nverdicts = MCPT_COUNT(verdicts);
}

static reply with(const char *authorization, const char *tool)
{
    wire *w = dial(MCPT_HTTP);
    reply r;

    world.headers = authorization;
    r = call(w, tool, "{\"text\":\"x\"}");
    world.headers = "";
    hang_up(w);
    return r;
}

static reply say(const char *request)
{
    wire *w = dial(MCPT_HTTP);
    reply r;

    put(w, request);
    settle();
    r = take(w);
    hang_up(w);
    return r;
}

/* RFC 9110 section 11.2, RFC 9728 section 5.1. */
#define PRM_URL "resource_metadata=\"https://device.example/.well-known/oauth-protected-resource/mcp\""
static void challenges_are_quoted(void)
{
    mcpt_challenge c;
    mcpt_str field;
    char buf[512];
    reply r;

    protected_device();
    start();
    r = with("", "echo");
    CHECK(r.status == 401 && probe.runs == 0);
    HAS(header(r, "WWW-Authenticate"), "Bearer " PRM_URL);
    field = mcpt_z(header(r, "WWW-Authenticate"));
    CHECK(mcpt_challenge_next(&field, &c, buf, sizeof(buf)) == MCPT_OK && mcpt_str_is(c.scheme, "Bearer"));
    CHECK(mcpt_str_is(c.resource_metadata, "https://device.example/.well-known/oauth-protected-resource/mcp"));
    finish();
}

static void an_invalid_token_gets_a_challenge(void)
{
    reply r;

    protected_device();
    start();
    r = with("Authorization: Bearer nothing\r\n", "echo");
    CHECK(r.status == 401 && probe.runs == 0);
    HAS(header(r, "WWW-Authenticate"), "error=\"invalid_token\"");
    HAS(header(r, "WWW-Authenticate"), PRM_URL);
    CHECK(with("Authorization: Bearer good\r\n", "echo").status == 200);
    finish();
}

static void only_bearer_is_a_scheme(void)
{
    static const char *const others[] = { "Basic good", "Token good", "Bearergood", "BearerX good", "Digest good", "good" };
    size_t i;

    protected_device();
    start();
    for (i = 0; i < MCPT_COUNT(others); i++) {
        reply r = with(fmt("Authorization: %s\r\n", others[i]), "echo");

        CHECK(r.status == 401 && probe.runs == 0);
        HAS(header(r, "WWW-Authenticate"), "Bearer ");
    }
    CHECK(with("Authorization: bEaReR good\r\n", "echo").status == 200);          /* RFC 9110 section 11.1 */
    finish();
}

static void a_malformed_field_is_a_refusal(void)
{
    static const char *const bad[] = { "Bearer", "Bearer ", "Bearer a b", "Bearer good\tx", "Bearer \x80", "", "Bearer good," };
    size_t i;

    protected_device();
    start();
    for (i = 0; i < MCPT_COUNT(bad); i++) {
        reply r = with(fmt("Authorization: %s\r\n", bad[i]), "echo");
        bool token = i == MCPT_COUNT(bad) - 1;              /* RFC 6750 section 3.1: well formed, and nobody's */

        CHECK(r.status == (token ? 401 : 400) && probe.runs == 0);
        HAS(header(r, "WWW-Authenticate"), token ? "Bearer error=\"invalid_token\"" : "Bearer error=\"invalid_request\"");
        HAS(header(r, "WWW-Authenticate"), PRM_URL);
        CHECK(strcmp(member_text(r.body, "error"), token ? "invalid_token" : "invalid_request") == 0);
    }
    {                                 /* twice: no message that anybody should go on with (RFC 9110 section 5.3) */
        reply r = with("Authorization: Bearer good\r\nAuthorization: Bearer good\r\n", "echo");

        CHECK(r.status == 400 && r.closes && probe.runs == 0);
    }
    finish();
}

static void scopes_and_expiry_count(void)
{
    reply r;

    protected_device();
    start();
    r = with("Authorization: Bearer good\r\n", "write");
    CHECK(r.status == 403 && probe.runs == 0);
    HAS(header(r, "WWW-Authenticate"), "error=\"insufficient_scope\"");
    HAS(header(r, "WWW-Authenticate"), "scope=\"read write\"");
    HAS(header(r, "WWW-Authenticate"), PRM_URL);
    CHECK(with("Authorization: Bearer full\r\n", "write").status == 200);
    r = with("Authorization: Bearer old\r\n", "echo");
    CHECK(r.status == 401 && probe.runs == 1);
    HAS(header(r, "WWW-Authenticate"), "error=\"invalid_token\"");
    finish();
}

static void a_forged_host_changes_no_url(void)
{
    static const struct { const char *host; int status; } hosts[] = {
        { "evil.example", 403 }, { "device.example.evil.example", 403 }, { "evil.example:443", 403 }, { "device.example@evil.example", 400 },
        { "localhost\r\nX-Forwarded-Host: evil.example", 200 }, { "evil.example", 200 }    /* any_host */
    };
    size_t i;

    protected_device();
    start();
    for (i = 0; i < MCPT_COUNT(hosts); i++) {
        world.identity.any_host = i == MCPT_COUNT(hosts) - 1;
        reply a = say(fmt("GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: %s\r\nX-Forwarded-Proto: http\r\nForwarded: host=evil.example\r\n\r\n", hosts[i].host));
        reply b = say(fmt("POST /mcp HTTP/1.1\r\nHost: %s\r\nX-Forwarded-Proto: http\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", hosts[i].host));

        CHECK(a.status == hosts[i].status && b.status == (hosts[i].status == 200 ? 401 : hosts[i].status));
        if (a.status == 200) {
            CHECK(strcmp(member_text(a.body, "resource"), "https://device.example/mcp") == 0);
            HAS(header(b, "WWW-Authenticate"), PRM_URL);
        }
        LACKS(a.head, "evil");
        LACKS(a.body, "evil");
        LACKS(b.head, "evil");
        LACKS(b.body, "evil");
    }
    finish();
}

static void a_query_is_no_part_of_the_resource(void)
{
    reply r;

    protected_device();
    start();
    r = say("POST /mcp?sessionId=1&x=%22 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    CHECK(r.status == 401);
    HAS(header(r, "WWW-Authenticate"), PRM_URL);
    LACKS(r.head, "sessionId");
    finish();
}

static void resource_is_the_endpoint(void)
{
    static const char *const paths[] = { "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource" };
    size_t i;

    protected_device();
    start();
    for (i = 0; i < MCPT_COUNT(paths); i++) {
        reply r = say(fmt("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", paths[i]));

        CHECK(r.status == 200);
        CHECK(strcmp(member_text(r.body, "resource"), "https://device.example/mcp") == 0);
        CHECK(strcmp(header(r, "Access-Control-Allow-Origin"), "*") == 0);
    }
    finish();
}

/* A stand-in for Clerk's frontend API: its metadata, and everything that can be wrong with it. */
#define FAPI "https://clerk.example.com"
#define META_OF(issuer) "{\"issuer\":\"" issuer "\",\"authorization_endpoint\":\"" FAPI "/oauth/authorize\",\"token_endpoint\":\"" FAPI "/oauth/token\",\"x-new\":[1,2.5]}"
static void foreign_metadata_is_checked_and_kept(void)
{
    static const char *const bad[] = {
        "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n" META_OF(FAPI), "HTTP/1.1 200 OK\r\n\r\n<html>not here</html>", "HTTP/1.1 200 OK\r\n\r\n" META_OF("https://evil.example"),
        "HTTP/1.1 200 OK\r\n\r\n" META_OF(FAPI "/"), "HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" META_OF(FAPI),
        "HTTP/1.1 200 OK\r\n\r\n{\"issuer\":\"" FAPI "\",\"authorization_endpoint\":\"http://clerk.example.com/a\",\"token_endpoint\":\"" FAPI "/t\"}",
        "HTTP/1.1 200 OK\r\n\r\n{\"issuer\":\"" FAPI "\",\"issuer\":\"" FAPI "\",\"authorization_endpoint\":\"" FAPI "/a\",\"token_endpoint\":\"" FAPI "/t\"}",
    };
    static const char ask_for_it[] = "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static mcpt_relay relay;
    static mcpt_exchange x;
    static char rx[1024], tx[1024], room[1024];
    wire *w;
    reply r;
    size_t i;

    protected_device();
    CHECK(mcpt_exchange_init(&x, &world.env, rx, sizeof(rx), tx, sizeof(tx), 0, false) == MCPT_OK);
    CHECK(mcpt_relay_init(&relay, &x, &world.hub, "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k", room, sizeof(room)) == MCPT_OK);
    guard.document = mcpt_relay_document;
    guard.document_user = &relay;
    start();
    for (i = 0; i <= MCPT_COUNT(bad); i++) {
        w = dial(MCPT_HTTP);
        put(w, ask_for_it);
        settle();
        CHECK(take(w).status == 0);
        HAS(internet(&x, i < MCPT_COUNT(bad) ? bad[i] : fmt("HTTP/1.1 200 OK\r\n\r\n{\"x\":\"%s\"}", times('x', 2000))), "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: clerk.example.com\r\n");
        settle();
        r = take(w);
        CHECK(r.status == 503);
        LACKS(r.body, "evil");
        hang_up(w);
        pass(11000);
    }
    w = dial(MCPT_HTTP);
    put(w, ask_for_it);
    settle();
    (void)internet(&x, "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n\r\n" META_OF(FAPI));
    settle();
    r = take(w);
    CHECK(r.status == 200 && strcmp(r.body, META_OF(FAPI)) == 0);       /* members that nobody here knows too */
    hang_up(w);
    pass(599000);
    for (i = 0; i < 5; i++) {                               /* one request for many */
        r = say(ask_for_it);
        CHECK(r.status == 200 && strcmp(r.body, META_OF(FAPI)) == 0 && !mcpt_exchange_busy(&x));
    }
    finish();
}

static void a_publishable_key_must_be_one(void)
{
    /* garbage, a secret key, no terminator, a path and a fragment, two terminators, userinfo, nothing */
    static const char *const bad[] = { "", "pk_test_", "sk_test_Y2xlcmsuZXhhbXBsZS5jb20k", "Y2xlcmsuZXhhbXBsZS5jb20k", "pk_test_Y2xlcmsuZXhhbXBsZS5jb20",
                                       "pk_test_ZXZpbC5jb20veD95IyR6", "pk_test_YSRiJA", "pk_test_dUBldmlsLmNvbSQ", "pk_test_JA", "PK_TEST_Y2xlcmsuZXhhbXBsZS5jb20k" };
    char buf[MCPT_CLERK_ISSUER];
    mcpt_str issuer;
    size_t i;

    for (i = 0; i < MCPT_COUNT(bad); i++) {
        CHECK(mcpt_clerk_issuer(bad[i], buf, sizeof(buf), &issuer) == MCPT_E_ARG);
    }
    CHECK(mcpt_clerk_issuer("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", buf, sizeof(buf), &issuer) == MCPT_OK && mcpt_str_is(issuer, FAPI));
}

static void browsers_may_read_the_challenge(void)
{
    reply r;

    protected_device();
    world.identity.any_origin = true;
    start();
    r = with("Origin: https://inspector.example\r\n", "echo");
    CHECK(r.status == 401 && strcmp(header(r, "Access-Control-Allow-Origin"), "https://inspector.example") == 0);
    HAS(header(r, "Access-Control-Expose-Headers"), "WWW-Authenticate");
    r = say("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: https://inspector.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\r\n");
    CHECK(r.status == 204);
    HAS(header(r, "Access-Control-Allow-Headers"), "Authorization");        /* "*" does not cover it (Fetch standard) */
    finish();
}

static void refusals_repeat_nothing(void)
{
    static const struct { const char *target, *fields; int status; } rows[] = {
        { "/mcp", "Authorization: Bearer mark-of-the-caller\r\n", 401 }, { "/mcp", "Authorization: mark-of x\r\n", 401 },
        { "/mcp", "Authorization: Bearer mark-of the-caller\r\n", 400 }, { "/mcp?access_token=mark-of", "", 400 },
        { "/mcp?mark-of=1", "", 401 }, { "/mark-of", "", 404 }, { "/mcp", "Origin: https://mark-of.example\r\n", 403 },
        { "/mcp", "Authorization: Bearer good\r\nMCP-Protocol-Version: mark-of\r\n", 400 }
    };
    size_t i;

    protected_device();
    start();
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        reply r = say(fmt("POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", rows[i].target, rows[i].fields));

        CHECK(r.status == rows[i].status);
        LACKS(r.head, "mark-of");
        LACKS(r.body, "mark-of");
    }
    CHECK(probe.runs == 0);
    LACKS(world.log, "mark-of");      /* secrets stand in no log */
    finish();
}

static void what_is_revoked_is_over(void)
{
    reply r;

    protected_device();
    start();
    CHECK(with("Authorization: Bearer full\r\n", "write").status == 200);
    table.n = 1;                                            /* remembered until it is said, or for a minute */
    CHECK(with("Authorization: Bearer full\r\n", "write").status == 200);
    mcpt_guard_forget(&world.hub, mcpt_z("full"));
    r = with("Authorization: Bearer full\r\n", "write");
    CHECK(r.status == 401 && probe.runs == 2);
    HAS(header(r, "WWW-Authenticate"), "error=\"invalid_token\"");
    CHECK(with("Authorization: Bearer good\r\n", "echo").status == 200);
    finish();
}

/* Two clients, the same id of their requests: GHSA-345p-7cg4-v4c7. */
static void an_answer_reaches_who_asked(void)
{
    static const char *const clients[] = { "Authorization: Bearer good\r\n", "Authorization: Bearer full\r\n" };
    wire *w[2];
    reply r;

    protected_device();
    start();
    w[0] = dial(MCPT_HTTP);
    w[1] = dial(MCPT_HTTP);
    world.headers = clients[0];
    CHECK(call(w[0], "wait", "{}").status == 0);
    world.headers = clients[1];
    r = call(w[1], "write", "{\"text\":\"of the second\"}");
    CHECK(r.status == 200);
    HAS(r.body, "of the second");
    CHECK(take(w[0]).status == 0);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    CHECK(take(w[1]).status == 0);
    r = take(w[0]);
    CHECK(r.status == 200);
    HAS(r.body, "waited");
    LACKS(r.body, "of the second");
    finish();
}

int main(void)
{
    challenges_are_quoted();
    an_invalid_token_gets_a_challenge();
    only_bearer_is_a_scheme();
    a_malformed_field_is_a_refusal();
    scopes_and_expiry_count();
    a_forged_host_changes_no_url();
    a_query_is_no_part_of_the_resource();
    resource_is_the_endpoint();
    foreign_metadata_is_checked_and_kept();
    a_publishable_key_must_be_one();
    browsers_may_read_the_challenge();
    refusals_repeat_nothing();
    what_is_revoked_is_over();
    an_answer_reaches_who_asked();
    return test_end();
}
