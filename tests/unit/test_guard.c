/* guard: tokens, verdicts and their memory, challenges, scopes, sessions and tasks of a principal, metadata routes, CORS, the hooks
 * of DPoP. RFC 6750, RFC 9728, RFC 9449; 2026-07-28 basic/authorization. */
#include "device.h"

static mcpt_verdict verdicts[4];
static mcpt_guard guard;
static mcpt_prm prm;
static mcpt_as_meta as_meta;
static struct judge {                 /* what the verifier is told to answer, and what it saw */
    mcpt_err answer;
    unsigned calls, proofs;
    mcpt_err proof;
    const char *jkt;
    int64_t expires;
    const char *subject, *scopes;
    char token[128], resource[300], method[16], seen_proof[64];
    bool ours, other;
} judge;

/* Knows tokens "good...": the subject is what follows a dash, the scopes what follows a plus. */
static mcpt_err verify(void *user, const mcpt_token *t, mcpt_principal *who)
{
    static char text[128];

    CHECK(user == &judge && t->text.len != 0);
    judge.calls++;
    snprintf(judge.token, sizeof(judge.token), "%.*s", (int)t->text.len, t->text.ptr);
    snprintf(judge.resource, sizeof(judge.resource), "%.*s", (int)t->resource.len, t->resource.ptr);
    snprintf(judge.method, sizeof(judge.method), "%.*s", (int)t->method.len, t->method.ptr);
    judge.ours = mcpt_token_for(t, mcpt_z("https://two.example/mcp"));
    judge.other = mcpt_token_for(t, mcpt_z("https://two.example/mc"));
    if (judge.answer != MCPT_OK) {
        return judge.answer;
    }
    if (strncmp(judge.token, "good", 4) != 0) {
        return MCPT_E_UNAUTHORIZED;
    }
    snprintf(text, sizeof(text), "%.127s", judge.subject != NULL ? judge.subject : judge.token + 4);
    who->subject = mcpt_z(text);
    who->client_id = mcpt_z("client");
    who->scopes = mcpt_z(judge.scopes != NULL ? judge.scopes : "read");
    who->issuer = mcpt_z("https://as.example");
    who->expires = judge.expires;
    who->jkt = mcpt_z(judge.jkt);
    who->user = user;
    return MCPT_OK;
}

static mcpt_err prove(void *user, const mcpt_token *t, const mcpt_principal *who)
{
    CHECK(user == &judge && who->jkt.ptr != NULL && t->proof.ptr != NULL);
    judge.proofs++;
    snprintf(judge.seen_proof, sizeof(judge.seen_proof), "%.*s", (int)t->proof.len, t->proof.ptr);
    return judge.proof;
}

static size_t nonce(void *user, char *buf, size_t cap)
{
    CHECK(user == &judge && cap >= 6);
    memcpy(buf, "nonce1", 6);
    return 6;
}

static const mcpt_tool tools[] = {
    MCPT_TOOL("echo", "Says it again", TEXT_SCHEMA, do_echo, 0),
    { "write", NULL, "Needs more", ANY_SCHEMA, NULL, do_echo, 0, 0, 0, "write read admin", NULL, NULL, NULL },
    MCPT_TOOL("wait", "Takes its time", ANY_SCHEMA, do_wait, 0),
    MCPT_TOOL("chore", "Runs as a task", ANY_SCHEMA, do_chore, 0),
};
static const mcpt_resource resources[] = {
    { .uri = "dev://free", .name = "free", .data = "x", .size = 1 },
    { .uri = "dev://item/{id}", .name = "item", .fn = do_read, .complete = do_complete, .scopes = "items" },
};
static const mcpt_prompt prompts[] = { { .name = "greet", .description = "d", .fn = do_greet, .complete = do_complete, .scopes = "talk" } };

static void guarded(void)
{
    begin();
    memset(&guard, 0, sizeof(guard));
    memset(&judge, 0, sizeof(judge));
    memset(&prm, 0, sizeof(prm));
    memset(&as_meta, 0, sizeof(as_meta));
    prm.authorization_servers = "https://as.example";
    guard.verify = verify;
    guard.user = guard.prove_user = &judge;
    guard.prm = &prm;
    guard.scopes = "read";
    world.identity.base_url = "https://one.example https://two.example/";
    world.server.guard = &guard;
    world.server.tools = tools;
    world.server.ntools = MCPT_COUNT(tools);
    world.server.resources = resources;
    world.server.nresources = MCPT_COUNT(resources);
    world.server.prompts = prompts;
    world.server.nprompts = MCPT_COUNT(prompts);
    world.server.visible = NULL;
    world.mem.verdicts = verdicts;
    world.mem.nverdicts = MCPT_COUNT(verdicts);
    world.headers = "Authorization: Bearer good\r\n";
}

#define META_URL "https://one.example/.well-known/oauth-protected-resource/mcp"
#define PLAIN "Bearer resource_metadata=\"" META_URL "\", scope=\"read\""
#define INVALID "Bearer error=\"invalid_token\", error_description=\"the access token is not valid\", resource_metadata=\"" META_URL \
    "\", scope=\"read\""
#define MALFORMED "Bearer error=\"invalid_request\", error_description=\"the credentials are malformed\", resource_metadata=\"" META_URL "\""

/* RFC 6750 section 3.1, RFC 9728 section 5.1: every refusal has its status and challenge, and says it in the body too. */
static void every_refusal_has_its_challenge(void)
{
    static const struct { const char *fields, *query; int status; const char *challenge; } rows[] = {
        { "", "", 401, PLAIN },
        { "Authorization: Basic dTpw\r\n", "", 401, PLAIN },
        { "Authorization: DPoP good\r\n", "", 401, PLAIN },           /* not offered here */
        { "Authorization: Bearer bad\r\n", "", 401, INVALID },
        { "Authorization: Bearer a,b\r\n", "", 401, INVALID },
        { "Authorization: Bearer\r\n", "", 400, MALFORMED },
        { "Authorization: Bearer \r\n", "", 400, MALFORMED },
        { "Authorization: Bearer a b\r\n", "", 400, MALFORMED },
        { "Authorization: Bearer\ta\r\n", "", 400, MALFORMED },
        { "Authorization: Bearer a\tb\r\n", "", 400, MALFORMED },
        { "Authorization: Bearer g\xc3\xb6\r\n", "", 400, MALFORMED },
        { "Authorization: \r\n", "", 400, MALFORMED },
        { "Authorization: =x\r\n", "", 400, MALFORMED },
        { "Authorization: Bearer good\r\n", "?access_token=good", 400, MALFORMED },
        { "", "?x=1&access_token", 400, MALFORMED },
        { "", "?access_tokens=1", 401, PLAIN }
    };
    size_t i;

    for (i = 0; i < MCPT_COUNT(rows); i++) {
        wire *w;
        reply r;

        guarded();
        start();
        w = dial(MCPT_HTTP);
        put(w, fmt("POST /mcp%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%sContent-Length: 2\r\n\r\n{}",
                   rows[i].query, rows[i].fields));
        r = take(w);
        CHECK(r.status == rows[i].status && r.json && !r.closes);
        IS(header(r, "WWW-Authenticate"), rows[i].challenge);
        IS(header(r, "Cache-Control"), "no-store");
        HAS(r.body, rows[i].status == 400 ? "{\"error\":\"invalid_request\"," : strstr(rows[i].challenge, "invalid_token") != NULL ?
            "{\"error\":\"invalid_token\"," : "{\"error\":\"unauthorized\",");
        CHECK(probe.runs == 0);
        CHECK(call(w, "echo", "{}").status == 200);          /* the connection is as good as before */
        IS(probe.who, "");
        finish();
    }
    guarded();                        /* two Authorization fields: two programs might read two different ones */
    start();
    CHECK(modern(dial(MCPT_HTTP), "ping", NULL, "").status == 404);
    world.headers = "Authorization: Bearer good\r\nAuthorization: Bearer good\r\n";
    CHECK(call(dial(MCPT_HTTP), "echo", "{}").status == 400);
    world.headers = "authorization:   bEARER    good-ada\r\n";
    CHECK(call(dial(MCPT_HTTP), "echo", "{}").status == 200);
    IS(probe.who, "-ada");
    IS(judge.token, "good-ada");
    IS(judge.method, "POST");
    IS(judge.resource, "https://one.example/mcp");
    CHECK(judge.ours && !judge.other);
    finish();
}

/* 2026-07-28 basic/authorization: the token is judged by the head alone, before the body is read or its faults are told. */
static void the_token_comes_before_the_body_and_the_rest(void)
{
    static const char *const bodies[] = { "{}", "not json", "[]", "" };
    static const char *const verbs[] = { "POST", "GET", "DELETE", "PUT", "HEAD" };
    size_t i;
    wire *w;

    guarded();
    world.headers = "";
    start();
    for (i = 0; i < MCPT_COUNT(bodies); i++) {
        CHECK(post(dial(MCPT_HTTP), "", bodies[i]).status == 401);
        finish();
        start();
    }
    for (i = 0; i < MCPT_COUNT(verbs); i++) {
        reply r;

        w = dial(MCPT_HTTP);
        put(w, http(verbs[i], "", NULL));
        r = take(w);
        CHECK(r.status == 401 && (r.len != 0) == (strcmp(verbs[i], "HEAD") != 0));
        finish();
        start();
    }
    w = dial(MCPT_HTTP);              /* RFC 9110 section 10.1.1: no leave to send a body that would be refused */
    put(w, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
    w->out[w->out_len] = '\0';
    CHECK(take(w).status == 401 && w->closed && strstr(w->out, "100 Continue") == NULL);
    w = dial(MCPT_HTTP);
    put(w, "POST /other HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    CHECK(take(w).status == 404);
    w = dial(MCPT_HTTP);
    put(w, "POST /mcp HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n");
    CHECK(take(w).status == 403);
    CHECK(probe.runs == 0 && judge.calls == 0);
    finish();
}

/* A verdict is remembered by the token's hash for remember_ms, never beyond the token's own end. */
static void verdicts_are_remembered(void)
{
    wire *w;
    unsigned i;

    guarded();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < 5; i++) {
        CHECK(call(w, "echo", "{}").status == 200);
    }
    CHECK(judge.calls == 1);
    pass(59000);
    CHECK(call(dial(MCPT_HTTP), "echo", "{}").status == 200 && judge.calls == 1);
    pass(1000);
    w = dial(MCPT_HTTP);
    CHECK(call(w, "echo", "{}").status == 200 && judge.calls == 2);
    world.headers = "Authorization: Bearer bad\r\n";          /* 5 seconds */
    CHECK(call(w, "echo", "{}").status == 401 && call(w, "echo", "{}").status == 401 && judge.calls == 3);
    pass(5000);
    CHECK(call(w, "echo", "{}").status == 401 && judge.calls == 4);
    world.headers = "Authorization: Bearer good\r\n";
    mcpt_guard_forget(&world.hub, mcpt_z("unknown"));
    CHECK(call(w, "echo", "{}").status == 200 && judge.calls == 4);
    mcpt_guard_forget(&world.hub, mcpt_z("good"));            /* revoked: asked again */
    CHECK(call(w, "echo", "{}").status == 200 && judge.calls == 5);
    mcpt_guard_forget(&world.hub, mcpt_z(NULL));
    judge.answer = MCPT_E_UNAUTHORIZED;
    CHECK(call(w, "echo", "{}").status == 401 && judge.calls == 6);
    finish();
    guarded();
    judge.expires = 1700000003;
    guard.remember_ms = 100000;
    start();
    w = dial(MCPT_HTTP);
    CHECK(call(w, "echo", "{}").status == 200 && call(w, "echo", "{}").status == 200 && judge.calls == 1);
    pass(2000);
    judge.answer = MCPT_E_UNAUTHORIZED;
    CHECK(call(w, "echo", "{}").status == 401 && judge.calls == 2);
    finish();
    guarded();
    guard.remember_ms = 1;
    start();
    w = dial(MCPT_HTTP);
    CHECK(call(w, "echo", "{}").status == 200);
    pass(1);
    CHECK(call(w, "echo", "{}").status == 200 && judge.calls == 2);
    finish();
}

/* Full memory: the least recently used verdict goes, made-up tokens push out nobody, what is at work stays. */
static void memory_of_verdicts_is_bounded(void)
{
    char token[40];
    wire *w;
    wire *held[4];
    unsigned i;

    guarded();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < 4; i++) {
        world.headers = fmt("Authorization: Bearer good%u\r\n", i);
        CHECK(call(w, "echo", "{}").status == 200);
        pass(10);
    }
    for (i = 0; i < 20; i++) {
        world.headers = fmt("Authorization: Bearer bad%u\r\n", i);
        CHECK(call(w, "echo", "{}").status == 401);
    }
    judge.calls = 0;
    for (i = 0; i < 4; i++) {
        world.headers = fmt("Authorization: Bearer good%u\r\n", i);
        CHECK(call(w, "echo", "{}").status == 200);
        pass(10);
    }
    CHECK(judge.calls == 0);
    world.headers = "Authorization: Bearer good4\r\n";        /* in the place of good0 */
    CHECK(call(w, "echo", "{}").status == 200 && judge.calls == 1);
    world.headers = "Authorization: Bearer good1\r\n";
    CHECK(call(w, "echo", "{}").status == 200 && judge.calls == 1);
    world.headers = "Authorization: Bearer good0\r\n";
    CHECK(call(w, "echo", "{}").status == 200 && judge.calls == 2);
    pass(70000);
    world.id = "7";
    for (i = 0; i < 4; i++) {         /* four callers at work */
        snprintf(token, sizeof(token), "Authorization: Bearer good%u\r\n", i);
        world.headers = token;
        held[i] = dial(MCPT_HTTP);
        CHECK(call(held[i], "wait", "{}").status == 0);
    }
    world.headers = "Authorization: Bearer good9\r\n";
    w = dial(MCPT_HTTP);
    CHECK(call(w, "echo", "{}").status == 503);
    HAS(world.log, "nverdicts");
    pass(61000);                      /* their verdicts are old, and they still stand in memory */
    w = dial(MCPT_HTTP);
    CHECK(call(w, "echo", "{}").status == 503);
    hang_up(held[2]);
    CHECK(call(w, "echo", "{}").status == 200);
    IS(probe.who, "9");
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    CHECK(take(held[3]).status == 200);
    IS(probe.who, "3");
    finish();
    guarded();                        /* a principal that does not fit is no half principal */
    judge.subject = times('s', 120);
    judge.scopes = times('r', 120);
    start();
    CHECK(call(dial(MCPT_HTTP), "echo", "{}").status == 503);
    HAS(world.log, "MCPT_MAX_PRINCIPAL");
    finish();
}

/* A verdict is over after its minute, and stays so when nobody asks until the monotonic clock has gone half way round. */
static void an_old_verdict_does_not_come_back(void)
{
    static const uint32_t idle[] = { 60001, 0x7fffffffu, 0x80000000u + 60001u, 0xc0000000u, 0xffff0000u };
    for (size_t i = 0; i < MCPT_COUNT(idle); i++) {
        wire *w;
        guarded();
        start();
        judge.answer = MCPT_OK;
        w = dial(MCPT_HTTP);
        CHECK(call(w, "echo", "{\"text\":\"one\"}").status == 200);
        hang_up(w);
        judge.answer = MCPT_E_UNAUTHORIZED;
        world.now += idle[i];
        w = dial(MCPT_HTTP);
        CHECK(call(w, "echo", "{\"text\":\"two\"}").status == 401 && judge.calls == 2);
        finish();
    }
}

/* A verifier that asks the network: the request waits for it, bounded, and costs nothing meanwhile. */
static void a_pending_verdict_parks_the_request(void)
{
    wire *w;
    wire *v;
    reply r;

    guarded();
    start();
    judge.answer = MCPT_PENDING;
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    CHECK(call(w, "echo", "{\"text\":\"one\"}").status == 0 && call(v, "echo", "{\"text\":\"two\"}").status == 0);
    CHECK(judge.calls == 2 && !w->closed);
    pass(999);
    CHECK(judge.calls == 2 && take(w).status == 0);
    pass(4001);
    CHECK(judge.calls == 12 && take(w).status == 0);          /* once a second, should whoever wakes them be gone */
    mcpt_guard_wake(&world.hub);
    settle();
    CHECK(judge.calls == 14 && take(w).status == 0);
    judge.answer = MCPT_OK;
    mcpt_guard_wake(&world.hub);
    settle();
    IS(said(take(w).body), "one");
    IS(said(take(v).body), "two");
    CHECK(judge.calls == 15);         /* the second found the verdict of the first */
    judge.answer = MCPT_PENDING;
    world.headers = "Authorization: Bearer good2\r\n";
    CHECK(call(w, "echo", "{}").status == 0);
    pass(9900);
    mcpt_guard_wake(&world.hub);
    settle();
    CHECK(take(w).status == 0);
    pass(200);                        /* 10 seconds in all */
    r = take(w);
    CHECK(r.status == 503);
    IS(header(r, "WWW-Authenticate"), "");
    IS(header(r, "Retry-After"), "1");
    HAS(r.body, "temporarily_unavailable");
    CHECK(call(w, "echo", "{}").status == 0);
    hang_up(w);                       /* leaves while it waits */
    mcpt_guard_wake(&world.hub);
    settle();
    w = dial(MCPT_HTTP);
    world.headers = "Authorization: Bearer good3\r\n";
    put(w, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer bad\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    judge.answer = MCPT_OK;
    mcpt_guard_wake(&world.hub);
    settle();
    CHECK(take(w).status == 0);       /* refused, once its body is out of the way */
    put(w, "{}");
    CHECK(take(w).status == 401 && call(w, "echo", "{}").status == 200);
    judge.answer = MCPT_PENDING;
    world.headers = "Authorization: Bearer good4\r\n";
    CHECK(call(w, "echo", "{}").status == 0);
    mcpt_hub_close(&world.hub);
    settle();
    r = take(w);
    CHECK(r.status == 503 && r.closes && w->closed);
    finish();
}

/* Design: never fail open. Whatever keeps the verifier from judging is 503, without a challenge. */
static void no_verdict_is_no_entry(void)
{
    static const mcpt_err errors[] = { MCPT_E_TIMEOUT, MCPT_E_IO, MCPT_E_CRYPTO, MCPT_E_SPACE, MCPT_E_STORE, MCPT_MORE, MCPT_E_USER };
    size_t i;
    wire *w;
    reply r;

    guarded();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(errors); i++) {
        judge.answer = errors[i];
        r = call(w, "echo", "{}");
        CHECK(r.status == 503 && probe.runs == 0);
        IS(header(r, "WWW-Authenticate"), "");
    }
    judge.answer = MCPT_E_SCOPE;
    r = call(w, "echo", "{}");
    CHECK(r.status == 403);
    HAS(header(r, "WWW-Authenticate"), "error=\"insufficient_scope\"");
    judge.answer = MCPT_OK;
    world.no_crypto = true;
    CHECK(call(w, "echo", "{}").status == 503 && probe.runs == 0);
    world.no_crypto = false;
    CHECK(call(w, "echo", "{}").status == 200);
    finish();
    guarded();                        /* a guard without memory for verdicts is no guard */
    world.mem.nverdicts = 0;
    CHECK(mcpt_hub_init(&world.hub, &world.server, &world.mem) == MCPT_OK);
    CHECK(mcpt_conn_init(&wires[0].conn, &world.server, &world.hub, NULL, MCPT_HTTP, NULL) == MCPT_E_ARG);
    CHECK(mcpt_conn_init(&wires[0].conn, &world.server, NULL, NULL, MCPT_HOSTED, NULL) == MCPT_E_ARG);
}

static bool implies(void *user, const mcpt_principal *who, mcpt_str scope)
{
    CHECK(user == &judge && scope.len != 0);
    return mcpt_str_is(who->scopes, "read all");
}

/* RFC 6750 section 3.1; 2026-07-28 basic/authorization, scope challenges: all scopes of the operation, in one stable order. */
static void scopes_of_rows_are_enforced(void)
{
    wire *w;
    reply r;
    const char *sid;

    guarded();
    start();
    w = dial(MCPT_HTTP);
    r = call(w, "write", "{}");
    CHECK(r.status == 403 && probe.runs == 0);
    IS(header(r, "WWW-Authenticate"), "Bearer error=\"insufficient_scope\", error_description=\"the access token lacks a scope\", "
       "resource_metadata=\"" META_URL "\", scope=\"read write admin\"");
    HAS(r.body, "{\"error\":\"insufficient_scope\",");
    CHECK(call(w, "echo", "{}").status == 200);
    r = modern(w, "resources/read", "dev://item/1", "\"uri\":\"dev://item/1\"");
    CHECK(r.status == 403);
    HAS(header(r, "WWW-Authenticate"), "scope=\"read items\"");
    CHECK(modern(w, "resources/read", "dev://free", "\"uri\":\"dev://free\"").status == 200);
    r = modern(w, "prompts/get", "greet", "\"name\":\"greet\",\"arguments\":{\"name\":\"x\"}");
    CHECK(r.status == 403);
    HAS(header(r, "WWW-Authenticate"), "scope=\"read talk\"");
    r = modern(w, "completion/complete", NULL, "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"greet\"},\"argument\":{\"name\":\"name\",\"value\":\"m\"}");
    CHECK(r.status == 403);
    r = modern(w, "subscriptions/listen", NULL, "\"notifications\":{\"resourceSubscriptions\":[\"dev://free\",\"dev://item/1\"]}");
    CHECK(r.status == 200);
    HAS(event(r.body, 0), "[\"dev://free\"]");
    w = dial(MCPT_HTTP);
    sid = join(w, "2025-11-25", "{}");
    CHECK(legacy_call(w, sid, "write", "{}").status == 403);
    CHECK(legacy(w, sid, "resources/subscribe", "\"uri\":\"dev://item/1\"").status == 403);
    CHECK(legacy(w, sid, "resources/subscribe", "\"uri\":\"dev://free\"").status == 200);
    sid = join(w, "2025-03-26", "{}");                        /* in a batch there is no status to give */
    r = post(w, session_headers(sid), fmt("[%s,%s]", legacy_body("1", "tools/call", tool_members("write", "{}")),
                                          legacy_body("2", "tools/call", tool_members("echo", "{}"))));
    CHECK(r.status == 200);
    HAS(event(r.body, 0), "\"error\"");
    HAS(event(r.body, 1), "\"result\"");
    judge.scopes = "admin write read";
    mcpt_guard_forget(&world.hub, mcpt_z(NULL));
    CHECK(call(w, "write", "{}").status == 200);
    judge.scopes = "reader writeread admin";                  /* words, not letters */
    mcpt_guard_forget(&world.hub, mcpt_z(NULL));
    r = call(w, "echo", "{}");
    CHECK(r.status == 403);
    HAS(header(r, "WWW-Authenticate"), "scope=\"read\"");
    judge.scopes = "read all";
    guard.implied = implies;          /* a hierarchy */
    mcpt_guard_forget(&world.hub, mcpt_z(NULL));
    CHECK(call(w, "write", "{}").status == 200);
    finish();
}

static char saw[256];
static void see(const mcpt_call *call)
{
    const mcpt_principal *w = call->who;

    CHECK(w != NULL && w->user == &judge);
    snprintf(saw, sizeof(saw), "%.*s|%.*s|%.*s|%.*s|%.*s|%lld", (int)w->subject.len, w->subject.ptr, (int)w->client_id.len, w->client_id.ptr,
             (int)w->scopes.len, w->scopes.ptr, (int)w->issuer.len, w->issuer.ptr, (int)w->jkt.len, w->jkt.len != 0 ? w->jkt.ptr : "",
             (long long)w->expires);
}
static mcpt_err see_args(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)args;
    see(call);
    mcpt_text_z(out, "seen");
    return MCPT_OK;
}
static mcpt_err see_prompt(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_message(out, "user");
    return see_args(call, args, out);
}
static mcpt_err see_read(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    (void)uri;
    see(call);
    mcpt_text_z(out, "seen");
    return MCPT_OK;
}
static mcpt_err see_complete(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context, mcpt_writer *out)
{
    (void)argument;
    (void)value;
    (void)context;
    see(call);
    mcpt_completion(out, mcpt_z("seen"));
    return MCPT_OK;
}

/* All that the verifier said is there for every kind of handler, from the remembered verdict too. */
static void handlers_see_the_principal(void)
{
    static const mcpt_tool tool[] = { MCPT_TOOL("see", "Looks", ANY_SCHEMA, see_args, 0) };
    static const mcpt_resource resource[] = { { .uri = "dev://see/{id}", .name = "see", .fn = see_read, .complete = see_complete } };
    static const mcpt_prompt prompt[] = { { .name = "see", .description = "d", .fn = see_prompt } };
    static const char want[] = "-ada|client|read write|https://as.example|thumbprint|1700000900";
    static const struct { const char *method, *name, *members; } rows[] = {
        { "tools/call", "see", "\"name\":\"see\",\"arguments\":{}" }, { "resources/read", "dev://see/1", "\"uri\":\"dev://see/1\"" },
        { "prompts/get", "see", "\"name\":\"see\"" },
        { "completion/complete", NULL, "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"dev://see/{id}\"},\"argument\":{\"name\":\"id\",\"value\":\"\"}" }
    };
    size_t i;
    wire *w;

    guarded();
    guard.prove = prove;
    judge.jkt = "thumbprint";
    judge.expires = 1700000900;
    judge.scopes = "read write";
    world.server.tools = tool;
    world.server.resources = resource;
    world.server.prompts = prompt;
    world.server.ntools = world.server.nresources = world.server.nprompts = 1;
    world.headers = "Authorization: DPoP good-ada\r\nDPoP: a.b.c\r\n";
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        reply r;

        saw[0] = '\0';
        r = modern(w, rows[i].method, rows[i].name, rows[i].members);
        CHECK(r.status == 200);
        HAS(r.body, "seen");
        IS(saw, want);
    }
    CHECK(judge.calls == 1 && judge.proofs == MCPT_COUNT(rows));
    finish();
}

/* 2025-11-25 basic/security: a session belongs to whom it was given to; what it says about itself authenticates nobody. */
static void sessions_belong_to_their_principal(void)
{
    wire *w;
    const char *sid;

    guarded();
    world.headers = "Authorization: Bearer good-ada\r\n";
    start();
    w = dial(MCPT_HTTP);
    sid = join(w, "2025-11-25", "{}");
    CHECK(legacy_call(w, sid, "echo", "{}").status == 200);
    world.headers = "Authorization: Bearer good-eve\r\n";
    CHECK(legacy_call(w, sid, "echo", "{}").status == 404);
    CHECK(get(w, sid, "").status == 404);
    put(w, http("DELETE", session_headers(sid), NULL));
    CHECK(take(w).status == 404);
    world.headers = "Authorization: Bearer good-ada2\r\n";    /* a new token of the same principal is the same principal */
    judge.subject = "-ada";
    CHECK(legacy_call(w, sid, "echo", "{}").status == 200);
    world.headers = "";
    CHECK(legacy_call(w, sid, "echo", "{}").status == 401);
    finish();
}

/* Extension io.modelcontextprotocol/tasks: tasks/get, update and cancel of another principal's task: unknown. */
static void tasks_belong_to_their_principal(void)
{
    const char *id;
    wire *w;
    reply r;

    guarded();
    world.caps = "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";
    world.headers = "Authorization: Bearer good-ada\r\n";
    start();
    w = dial(MCPT_HTTP);
    r = call(w, "chore", "{}");
    CHECK(r.status == 200);
    id = member_text(r.body, "result|taskId");
    CHECK(strlen(id) == 32);
    HAS(modern(w, "tasks/get", id, fmt("\"taskId\":\"%s\"", id)).body, "\"working\"");
    world.headers = "Authorization: Bearer good-eve\r\n";
    CHECK(error_code(modern(w, "tasks/get", id, fmt("\"taskId\":\"%s\"", id)).body) == -32602);
    CHECK(error_code(modern(w, "tasks/cancel", id, fmt("\"taskId\":\"%s\"", id)).body) == -32602);
    r = modern(w, "subscriptions/listen", NULL, fmt("\"notifications\":{\"taskIds\":[\"%s\"]}", id));
    LACKS(event(r.body, 0), id);
    hang_up(w);
    w = dial(MCPT_HTTP);
    probe.done = true;                /* the principal is there as long as the task runs */
    mcpt_wake(probe.ticket);
    settle();
    IS(probe.who, "-ada");
    world.headers = "Authorization: Bearer good-ada\r\n";
    HAS(modern(w, "tasks/get", id, fmt("\"taskId\":\"%s\"", id)).body, "\"completed\"");
    finish();
}

/* An event stream ends when its token does. */
static void streams_end_with_their_token(void)
{
    unsigned how;

    for (how = 0; how < 2; how++) {
        wire *w;
        const char *sid;
        reply r;

        guarded();
        judge.expires = 1700000100;
        start();
        w = dial(MCPT_HTTP);
        sid = join(w, "2025-11-25", "{}");
        r = get(w, sid, "");
        CHECK(r.status == 200 && r.stream && !r.whole);
        pass(80000);
        CHECK(!take(w).whole);
        if (how == 0) {
            pass(35000);              /* expired */
        } else {
            mcpt_guard_forget(&world.hub, mcpt_z(NULL));      /* revoked */
            pass(16000);
        }
        CHECK(take(w).whole);
        finish();
    }
}

static void document(wire *w, const char *method, const char *path, const char *fields)
{
    put(w, fmt("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, path, world.host, fields));
}

/* RFC 9728 section 3: path insertion, and the forms that real clients try. */
static void metadata_is_where_clients_look_for_it(void)
{
    static const struct { const char *path; int status; } rows[] = {
        { "/.well-known/oauth-protected-resource/mcp", 200 }, { "/.well-known/oauth-protected-resource", 200 },
        { "/.well-known/oauth-protected-resource/mcp/", 200 }, { "/.well-known/oauth-protected-resource/", 200 },
        { "/.well-known/oauth-protected-resource/mcp?x=1", 200 }, { "/%2ewell%2Dknown/oauth-protected-resource/%6dcp", 200 },
        { "/.well-known/oauth-protected-resource%2Fmcp", 404 }, { "/.well-known/oauth-protected-resource//mcp", 404 },
        { "//.well-known/oauth-protected-resource/mcp", 404 }, { "/.well-known/oauth-protected-resource/mcpx", 404 },
        { "/.well-known/oauth-protected-resource/mc", 404 }, { "/.well-known/oauth-protected-resource/mcp//", 404 },
        { "/.well-known/oauth-protected-resource/MCP", 404 }, { "/.well-known/oauth-protected-resource/mcp/../x", 404 },
        { "/.well-known/oauth-authorization-server", 404 }, { "/.well-known/", 404 }, { "/mcp/.well-known/oauth-protected-resource", 404 },
        { "/.well-known/oauth-protected-resource/mcp%", 404 }, { "/.well-known/oauth-protected-resource/mcp%0", 404 }
    };
    static const char text[] = "{\"resource\":\"https://one.example/mcp\",\"authorization_servers\":[\"https://as.example\"],"
        "\"scopes_supported\":[\"read\"],\"bearer_methods_supported\":[\"header\"]}";
    size_t i;
    wire *w;
    reply r;

    guarded();
    world.identity.any_host = true;
    world.host = "evil.example";      /* the document depends on no field of the request */
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        document(w, "GET", rows[i].path, "X-Forwarded-Host: evil.example\r\nOrigin: https://anywhere.example\r\n");
        r = take(w);
        text_check(r.status == rows[i].status, __FILE__, __LINE__, r.head, rows[i].path, "");
        if (r.status == 200) {
            IS(r.body, text);
            IS(header(r, "Content-Type"), "application/json");
            IS(header(r, "Cache-Control"), "max-age=3600");
            IS(header(r, "Access-Control-Allow-Origin"), "*");
        }
        document(w, "HEAD", rows[i].path, "");
        if (rows[i].status == 200) {
            w->out[w->out_len] = '\0';
            HAS(w->out + w->out_at, fmt("Content-Length: %u\r\n", (unsigned)strlen(text)));
            LACKS(w->out + w->out_at, "{");
            w->out_at = w->out_len;
            document(w, "OPTIONS", rows[i].path, "");
            r = take(w);
            CHECK(r.status == 204);
            IS(header(r, "Access-Control-Allow-Methods"), "GET, HEAD, OPTIONS");
            IS(header(r, "Access-Control-Max-Age"), "86400");
            IS(header(r, "Access-Control-Allow-Origin"), "*");
            IS(header(r, "Access-Control-Allow-Headers"), "*, MCP-Protocol-Version");
            document(w, "DELETE", rows[i].path, "");
            r = take(w);
            CHECK(r.status == 405);
            IS(header(r, "Allow"), "GET, HEAD, OPTIONS");
        } else {
            CHECK(take(w).status == 404);
        }
    }
    CHECK(judge.calls == 0);
    world.host = "two.example";       /* a device with several names speaks of the one that was used */
    document(w, "GET", "/.well-known/oauth-protected-resource", "");
    HAS(take(w).body, "\"resource\":\"https://two.example/mcp\"");
    world.identity.base_url = NULL;
    world.host = "localhost:8080";
    document(w, "GET", "/.well-known/oauth-protected-resource", "");
    HAS(take(w).body, "\"resource\":\"http://localhost:8080/mcp\"");
    prm.resource = "https://fixed.example/api/mcp/";
    document(w, "GET", "/.well-known/oauth-protected-resource/api/mcp", "");
    HAS(take(w).body, "\"resource\":\"https://fixed.example/api/mcp/\"");
    document(w, "GET", "/.well-known/oauth-protected-resource/mcp", "");
    CHECK(take(w).status == 404);
    guard.as_meta = &as_meta;         /* 2025-03-26 basic/authorization: metadata at the origin */
    as_meta.issuer = "https://as.example/t";
    document(w, "GET", "/.well-known/oauth-authorization-server", "");
    HAS(take(w).body, "{\"issuer\":\"https://as.example/t\",\"authorization_endpoint\":\"https://as.example/t/authorize\"");
    document(w, "GET", "/.well-known/oauth-authorization-server/t", "");
    CHECK(take(w).status == 200);
    as_meta.issuer = NULL;            /* what cannot be written is not written in part */
    document(w, "GET", "/.well-known/oauth-authorization-server", "");
    CHECK(take(w).status == 500);
    world.identity.any_host = false;
    world.host = "evil.example";
    document(w, "GET", "/.well-known/oauth-protected-resource", "");
    CHECK(take(w).status == 403);
    finish();
}

/* Documents stream through any window; every refusal fits the smallest buffer there may be. */
static void small_buffers_and_every_split(void)
{
    static const char want[] = "{\"resource\":\"https://one.example/mcp\",\"authorization_servers\":[\"https://as.example\"],";
    size_t tx;
    size_t piece;
    const char *whole = NULL;

    for (tx = 512; tx <= 1024; tx += 64) {
        for (piece = 1; piece <= 64; piece += tx == 512 ? 1 : 21) {
            wire *w;
            reply r;

            guarded();
            prm.resource_documentation = times('d', 900);
            world.tx = tx;
            world.piece = piece;
            world.window = 65 - piece;
            world.headers = "";
            start();
            w = dial(MCPT_HTTP);
            document(w, "GET", "/.well-known/oauth-protected-resource/mcp", "");
            r = take(w);
            CHECK(r.status == 200 && r.whole && strncmp(r.body, want, sizeof(want) - 1) == 0);
            whole = whole == NULL ? r.body : whole;
            CHECK(r.len > 900);
            r = call(w, "echo", "{}");
            CHECK(r.status == 401);
            HAS(header(r, "WWW-Authenticate"), "resource_metadata=\"" META_URL "\"");
            world.headers = "Authorization: Bearer good\r\n";
            CHECK(call(w, "echo", "{}").status == 200);
            finish();
        }
    }
    guarded();                        /* a URL that is too long for it is left out, never cut */
    world.identity.base_url = fmt("https://%s.example", times('h', 200));
    world.tx = 512;
    world.headers = "";
    start();
    {
        reply r = call(dial(MCPT_HTTP), "echo", "{}");

        CHECK(r.status == 401);
        IS(header(r, "WWW-Authenticate"), "Bearer scope=\"read\"");
    }
    finish();
    guarded();
    world.identity.base_url = fmt("https://%s.example", times('h', 300));
    world.headers = "";
    start();
    IS(header(call(dial(MCPT_HTTP), "echo", "{}"), "WWW-Authenticate"), "Bearer scope=\"read\"");
    finish();
}

/* Fetch standard: a browser's client sees the challenge, whatever the status; nobody else's page gets anything. */
static void browsers_see_what_they_need(void)
{
    static const char *const tokens[] = { "", "Authorization: Bearer good\r\n", "Authorization: Bearer bad\r\n", "Authorization: Bearer\r\n" };
    static const int status[] = { 401, 200, 401, 400 };
    size_t i;
    wire *w;
    reply r;

    guarded();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(tokens); i++) {
        world.headers = fmt("%sOrigin: http://localhost:6274\r\n", tokens[i]);
        r = call(w, "echo", "{}");
        CHECK(r.status == status[i]);
        IS(header(r, "Access-Control-Allow-Origin"), "http://localhost:6274");
        IS(header(r, "Access-Control-Expose-Headers"), "WWW-Authenticate, Mcp-Session-Id, DPoP-Nonce");
        IS(header(r, "Vary"), "Origin");
        CHECK((header(r, "WWW-Authenticate")[0] != '\0') == (status[i] != 200));
        world.headers = tokens[i];
        LACKS(call(w, "echo", "{}").head, "Access-Control");
    }
    world.headers = "Origin: http://localhost:6274\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n";
    put(w, http("OPTIONS", "", NULL));
    r = take(w);
    CHECK(r.status == 204);
    IS(header(r, "Access-Control-Allow-Origin"), "http://localhost:6274");
    IS(header(r, "Access-Control-Allow-Methods"), "POST, GET, DELETE, OPTIONS");
    HAS(header(r, "Access-Control-Allow-Headers"), "Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version");
    world.headers = "Origin: https://evil.example\r\n";
    put(w, http("OPTIONS", "", NULL));
    r = take(w);
    CHECK(r.status == 403);
    LACKS(r.head, "Access-Control");
    r = call(w, "echo", "{}");
    CHECK(r.status == 403);
    LACKS(r.head, "Access-Control");
    world.headers = "";
    put(w, http("OPTIONS", "", NULL));
    CHECK(take(w).status == 204);
    CHECK(probe.runs == 2 && judge.calls == 2);
    finish();
}

/* RFC 9449 section 7: scheme and binding must agree, the proof is judged for every request, the nonce comes with every answer. */
static void dpop_goes_the_same_way(void)
{
    wire *w;
    reply r;

    guarded();
    guard.prove = prove;
    guard.nonce = nonce;
    judge.jkt = "thumbprint";
    world.headers = "";
    start();
    w = dial(MCPT_HTTP);
    r = call(w, "echo", "{}");
    CHECK(r.status == 401 && count(r.head, "WWW-Authenticate: ") == 2);
    HAS(r.head, "\r\nWWW-Authenticate: " PLAIN "\r\nWWW-Authenticate: DPoP resource_metadata=\"" META_URL "\", scope=\"read\", algs=\"ES256\"\r\n");
    IS(header(r, "DPoP-Nonce"), "nonce1");
    world.headers = "Authorization: DPoP good\r\n";
    r = call(w, "echo", "{}");
    CHECK(r.status == 401 && judge.calls == 0);
    HAS(header(r, "WWW-Authenticate"), "DPoP error=\"invalid_dpop_proof\"");
    world.headers = "Authorization: DPoP good\r\nDPoP: a.b.c\r\n";
    r = call(w, "echo", "{}");
    CHECK(r.status == 200 && judge.proofs == 1);
    IS(judge.seen_proof, "a.b.c");
    IS(header(r, "DPoP-Nonce"), "nonce1");
    CHECK(call(w, "echo", "{}").status == 200 && judge.proofs == 2 && judge.calls == 1);
    judge.proof = MCPT_E_PROOF;
    r = call(w, "echo", "{}");
    CHECK(r.status == 401 && count(r.head, "WWW-Authenticate: ") == 1 && count(r.head, "DPoP-Nonce: ") == 1);
    HAS(header(r, "WWW-Authenticate"), "DPoP error=\"invalid_dpop_proof\"");
    judge.proof = MCPT_E_NONCE;
    r = call(w, "echo", "{}");
    CHECK(r.status == 401);
    HAS(header(r, "WWW-Authenticate"), "DPoP error=\"use_dpop_nonce\"");
    IS(header(r, "DPoP-Nonce"), "nonce1");
    judge.proof = MCPT_E_CRYPTO;
    CHECK(call(w, "echo", "{}").status == 503);
    judge.proof = MCPT_OK;
    world.headers = "Authorization: DPoP good\r\nDPoP: a.b.c\r\nDPoP: a.b.c\r\n";
    CHECK(call(w, "echo", "{}").status == 400);
    world.headers = "Authorization: Bearer good\r\n";         /* a bound token without its proof */
    r = call(w, "echo", "{}");
    CHECK(r.status == 401);
    HAS(header(r, "WWW-Authenticate"), "error=\"invalid_token\"");
    world.headers = "Authorization: DPoP good\r\nDPoP: a.b.c\r\n";
    r = call(w, "write", "{}");       /* a step up is offered with both schemes */
    CHECK(r.status == 403 && probe.runs == 2);
    HAS(r.head, "WWW-Authenticate: Bearer error=\"insufficient_scope\", error_description=\"the access token lacks a scope\", resource_metadata=\"" META_URL
        "\", scope=\"read write admin\"\r\nWWW-Authenticate: DPoP error=\"insufficient_scope\", error_description=\"the access token lacks a scope\", "
        "resource_metadata=\"" META_URL "\", scope=\"read write admin\", algs=\"ES256\"\r\n");
    judge.jkt = NULL;
    world.headers = "Authorization: DPoP good2\r\nDPoP: a.b.c\r\n";   /* one that is not bound */
    CHECK(call(w, "echo", "{}").status == 401);
    world.headers = "Authorization: Bearer good2\r\n";
    CHECK(call(w, "echo", "{}").status == 200);
    guard.dpop_only = true;
    r = call(w, "echo", "{}");
    CHECK(r.status == 401 && count(r.head, "WWW-Authenticate: ") == 1);
    HAS(header(r, "WWW-Authenticate"), "DPoP error=\"invalid_token\"");
    finish();
}

/* Hosts that parse HTTP themselves take the same way. */
static void hosts_are_guarded_too(void)
{
    static const struct { const char *token; int status; const char *challenge, *query; } rows[] = {
        { NULL, 401, PLAIN, NULL }, { "Bearer bad", 401, INVALID, NULL }, { "Bearer a b", 400, MALFORMED, NULL },
        { "Bearer good", 200, NULL, "x=1&access_tokens=2&no_access_token=3" }, { "Bearer pending", 200, NULL, "" },
        /* RFC 6750 section 2, 2025-11-25 basic/authorization: "Access tokens MUST NOT be included in the URI query string" */
        { "Bearer good", 400, MALFORMED, "access_token=good" }, { NULL, 400, MALFORMED, "x=1&access_token" },
        { "Bearer good", 400, MALFORMED, NULL }                                  /* the last one twice */
    };
    static mcpt_principal ada;
    mcpt_field_line fields[8];
    mcpt_request q;
    size_t i;
    wire *w;
    mcpt_str name;

    guarded();
    start();
    w = dial(MCPT_HOSTED);
    memset(fields, 0, sizeof(fields));
    for (i = 0; i < MCPT_COUNT(rows) + 2; i++) {
        memset(&q, 0, sizeof(q));
        q.method = mcpt_z("POST");
        q.path = mcpt_z("/mcp");
        q.query = i < MCPT_COUNT(rows) ? mcpt_z(rows[i].query) : q.query;
        q.fields = fields;
        fields[0].name = mcpt_z("host");
        fields[0].value = mcpt_z("localhost");
        fields[1].name = mcpt_z("content-type");
        fields[1].value = mcpt_z("application/json");
        fields[2].name = mcpt_z("mcp-protocol-version");
        fields[2].value = mcpt_z("2026-07-28");
        fields[3].name = mcpt_z("mcp-method");
        fields[3].value = mcpt_z("tools/call");
        fields[4].name = mcpt_z("mcp-name");
        fields[4].value = mcpt_z("echo");
        fields[5].name = name = mcpt_z("authorization");
        q.nfields = 5;
        q.body = mcpt_z(modern_body("tools/call", tool_members("echo", "{}")));
        if (i < MCPT_COUNT(rows)) {
            fields[5].value = mcpt_z(rows[i].token);
            q.nfields = rows[i].token != NULL ? 6 : 5;
            fields[6] = fields[5];
            q.nfields += i == MCPT_COUNT(rows) - 1;
        } else if (i == MCPT_COUNT(rows)) {
            ada.subject = mcpt_z("ada");    /* the host has authenticated her: no token is needed, scopes still are */
            ada.scopes = mcpt_z("read");
            q.who = &ada;
        } else {
            q.method = mcpt_z("GET");
            q.path = mcpt_z("/.well-known/oauth-protected-resource/mcp");
        }
        judge.answer = i == 4 ? MCPT_PENDING : MCPT_OK;
        w->closed = w->head_known = false;
        w->out_len = w->out_at = 0;
        CHECK(mcpt_conn_request(&w->conn, &q) == MCPT_OK);
        pump(w);
        if (i == 4) {
            CHECK(mcpt_conn_response(&w->conn) == NULL);
            judge.answer = MCPT_OK;
            fields[5].value = mcpt_z("Bearer good5");
            mcpt_guard_wake(&world.hub);
            settle();
        }
        w->out[w->out_len] = '\0';
        if (i < MCPT_COUNT(rows)) {
            CHECK(w->closed && mcpt_conn_response(&w->conn)->status == rows[i].status);
            if (rows[i].challenge != NULL) {
                HAS(w->head, fmt("\r\nWWW-Authenticate: %s\r\n", rows[i].challenge));
                HAS(w->head, "\r\nCache-Control: no-store\r\n");
                HAS(w->out, "{\"error\":");
            } else {
                HAS(w->out, "\"nothing\"");
            }
        } else if (i == MCPT_COUNT(rows)) {
            IS(probe.who, "ada");
        } else {
            CHECK(w->closed && mcpt_conn_response(&w->conn)->length == (int64_t)w->out_len);
            HAS(w->out, "{\"resource\":\"https://one.example/mcp\"");
            HAS(w->head, "\r\nAccess-Control-Allow-Origin: *\r\n");
        }
    }
    CHECK(mcpt_server_serves(&world.server, mcpt_z("/mcp")) && !mcpt_server_serves(&world.server, mcpt_z("/mcp/")));
    CHECK(mcpt_server_serves(&world.server, mcpt_z("/.well-known/oauth-protected-resource")));
    (void)name;
    finish();
}

/* The table of tokens for development. */
static void fixed_tokens(void)
{
    static const mcpt_fixed_token rows[] = { { "t-ada", "ada", "cli", "read", 0 }, { "t-bob", "bob", "cli", NULL, 0 },
                                             { "t-old", "old", "cli", "read", 1600000000 }, { "", "none", "cli", "read", 0 } };
    static mcpt_fixed_tokens table = { rows, MCPT_COUNT(rows) };
    static const struct { const char *token; int status; } want[] = {
        { "t-ada", 200 }, { "t-bob", 403 }, { "t-old", 401 }, { "t-ad", 401 }, { "t-ada2", 401 }, { "T-ADA", 401 }
    };
    size_t i;
    wire *w;

    guarded();
    guard.verify = mcpt_fixed_verify;
    guard.user = &table;
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(want); i++) {
        world.headers = fmt("Authorization: Bearer %s\r\n", want[i].token);
        CHECK(call(w, "echo", "{}").status == want[i].status);
    }
    IS(probe.who, "ada");
    finish();
}

/* Lines belong to whoever holds them (2026-07-28 basic/authorization: stdio takes its credentials from the environment). */
static void lines_need_no_token(void)
{
    wire *w;

    guarded();
    start();
    w = dial(MCPT_LINES);
    put(w, fmt("%s\n", modern_body("tools/call", tool_members("write", "{}"))));
    HAS(line(w), "\"nothing\"");
    finish();
}

static void count_findings(void *user, const char *row, const char *what, mcpt_str detail)
{
    (void)row;
    (void)detail;
    CHECK(what[0] != '\0');
    ++*(unsigned *)user;
}

/* Development checks find what would be refused, or misread, in the field. */
static void checks_of_settings(void)
{
    mcpt_tool odd[1];
    unsigned n;
    unsigned i;

    for (i = 0; i < 14; i++) {
        guarded();
        n = 0;
        odd[0] = tools[0];
        world.server.tools = odd;
        world.server.ntools = 1;
        switch (i) {
        case 1: guard.verify = NULL; break;
        case 2: guard.scopes = "a \"b\""; break;
        case 3: prm.scopes_supported = "caf\xc3\xa9"; break;
        case 4: prm.authorization_servers = NULL; break;
        case 5: prm.authorization_servers = "https://ok.example http://as.example"; break;
        case 6: prm.resource = "https://h/#f"; break;
        case 7: world.identity.base_url = "https://one.example https://two.example?q"; break;
        case 8: odd[0].scopes = "a\\b"; break;
        case 9: world.env.crypto = NULL; break;
        case 10: prm.authorization_servers = NULL; prm.publishable_key = "pk_test_x"; break;
        case 11: world.identity.base_url = fmt("https://%s.example", times('h', 250)); break;
        case 12: world.identity.base_url = NULL; break;     /* is reported, but may become known later */
        case 13: world.identity.base_url = NULL; prm.resource = "https://one.example/mcp"; break;
        default: break;
        }
        CHECK(mcpt_server_check(&world.server, count_findings, &n) == (i == 0 || i > 11 ? MCPT_OK : MCPT_E_ARG) && n == (i != 0 && i != 13));
    }
}

/* A token of any length: what fits rx is judged, what does not is 431, and nothing is read beyond. */
static void tokens_of_any_length(void)
{
    size_t n;
    wire *w;

    for (n = 1; n < 20000; n = n * 3 + 1) {
        reply r;

        guarded();
        start();
        w = dial(MCPT_HTTP);
        world.headers = fmt("Authorization: Bearer %s\r\n", times('x', n));
        r = call(w, "echo", "{}");
        CHECK(r.status == (n < 4000 ? 401 : 431) && probe.runs == 0 && judge.calls == (n < 4000));
        IS(header(r, "WWW-Authenticate"), n < 4000 ? INVALID : "");
        LACKS(r.body, "xx");
        finish();
    }
}

/* Whatever call of the cryptography fails: no entry, no half principal, and the next request is as good as ever. */
static void cryptography_that_fails(void)
{
    unsigned fail;

    for (fail = 1; fail < 12; fail++) {
        wire *w;
        reply r;

        guarded();
        start();
        w = dial(MCPT_HTTP);
        world.crypto_left = fail;
        r = call(w, "echo", "{}");
        CHECK(r.status == 200 || (r.status == 503 && probe.runs == 0));
        world.no_crypto = false;
        world.crypto_left = 0;
        CHECK(call(w, "echo", "{}").status == 200);
        finish();
    }
}

int main(void)
{
    checks_of_settings();
    tokens_of_any_length();
    cryptography_that_fails();
    every_refusal_has_its_challenge();
    the_token_comes_before_the_body_and_the_rest();
    verdicts_are_remembered();
    memory_of_verdicts_is_bounded();
    an_old_verdict_does_not_come_back();
    a_pending_verdict_parks_the_request();
    no_verdict_is_no_entry();
    scopes_of_rows_are_enforced();
    handlers_see_the_principal();
    sessions_belong_to_their_principal();
    tasks_belong_to_their_principal();
    streams_end_with_their_token();
    metadata_is_where_clients_look_for_it();
    small_buffers_and_every_split();
    browsers_see_what_they_need();
    dpop_goes_the_same_way();
    hosts_are_guarded_too();
    fixed_tokens();
    lines_need_no_token();
    return test_end();
}
