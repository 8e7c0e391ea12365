/* The legacy era (2025-03-26, 2025-06-18, 2025-11-25) over HTTP: handshake, sessions, batches, questions to the client, cancellation;
 * and both eras at one endpoint. The quotes are from 2025-11-25 where no revision is named. */
#include "device.h"

#define YES(name) "{\"action\":\"accept\",\"content\":{\"name\":\"" name "\"}}"
static const char *const caps_all = "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}";

/* The id of the question in an event, as raw JSON. */
static const char *question_id(const char *event_text)
{
    const char *id = member(event_text, "id");

    CHECK(id[0] == '"' && strstr(event_text, "\"method\":") != NULL);
    return fmt("%s", id);
}

static reply answer(wire *w, const char *session, const char *id, const char *result)
{
    return post(w, session_headers(session), fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}", id, result));
}

static reply cancel(wire *w, const char *session, const char *id)
{
    return post(w, session_headers(session),
                fmt("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":%s,\"reason\":\"x\"}}", id));
}

/* -- handshake and sessions */

/* basic/lifecycle, Version Negotiation: "If the server supports the requested protocol version, it MUST respond with the same
 * version. Otherwise, the server MUST respond with another protocol version it supports." */
static void initialize_negotiates_the_revision(void)
{
    static const char *const rows[][2] = {
        { "2025-03-26", "2025-03-26" }, { "2025-06-18", "2025-06-18" }, { "2025-11-25", "2025-11-25" },
        { "2024-11-05", "2025-11-25" }, { "2026-07-28", "2025-11-25" }, { "1.0.0", "2025-11-25" }, { "", "2025-11-25" }
    };
    size_t i;
    wire *w;
    reply r;
    const char *id;
    const char *k;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        r = legacy(w, NULL, "initialize", initialize_members(rows[i][0], "{}"));
        CHECK(r.status == 200);
        IS(member_text(r.body, "result|protocolVersion"), rows[i][1]);
        IS(member(r.body, "result|serverInfo"), "{\"name\":\"dev\",\"version\":\"1\"}");
        IS(member(r.body, "result|capabilities"), "{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true,\"listChanged\":true},"
           "\"prompts\":{\"listChanged\":true},\"completions\":{},\"logging\":{}}");
        LACKS(r.body, "resultType");
        LACKS(r.body, "_meta");
        id = header(r, "Mcp-Session-Id");
        CHECK(strlen(id) == 32);      /* "The session ID MUST only contain visible ASCII characters" */
        for (k = id; *k != '\0'; k++) {
            CHECK(*k > ' ' && *k < 127);
        }
    }
    /* whatever the header says: "the client MUST include [it] on all subsequent requests", so here it is nothing */
    r = post(w, "MCP-Protocol-Version: 2026-07-28\r\n", legacy_body("1", "initialize", initialize_members("2025-06-18", "{}")));
    IS(member_text(r.body, "result|protocolVersion"), "2025-06-18");
    ERROR_IS(legacy(w, NULL, "initialize", "\"capabilities\":{}"), 200, -32602, "1");
    ERROR_IS(legacy(w, NULL, "initialize", "\"protocolVersion\":7"), 200, -32602, "1");
    finish();
}

/* basic/lifecycle: once a session; another one: 400, -32600. */
static void initializing_twice_is_refused(void)
{
    const char *s;
    wire *w;

    begin();
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-11-25", "{}");
    ERROR_IS(legacy(w, s, "initialize", initialize_members("2025-11-25", "{}")), 400, -32600, "1");
    CHECK(legacy(w, s, "ping", "").status == 200);    /* the session is none the worse for it */
    finish();
}

/* basic/transports, Session Management 2, 3: "Servers that require a session ID SHOULD respond to requests without an MCP-Session-Id
 * header (other than initialization) with HTTP 400", "it MUST respond to requests containing that session ID with HTTP 404". */
static void requests_need_their_session(void)
{
    static const char *const bad[] = {
        "x", "00000000000000000000000000000000", "0000000000000000000000000000000", "000000000000000000000000000000000",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
    };
    char upper[40];
    const char *s;
    size_t i;
    wire *w;

    begin();
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-11-25", "{}");
    ERROR_IS(legacy(w, NULL, "tools/list", ""), 400, -32600, "1");
    ERROR_IS(legacy(w, NULL, "ping", ""), 400, -32600, "1");
    CHECK(post(w, "", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}").status == 400);
    CHECK(get(w, NULL, "").status == 400);
    put(w, http("DELETE", "", NULL));
    CHECK(take(w).status == 400);
    for (i = 0; i < MCPT_COUNT(bad); i++) {
        CHECK(legacy(w, bad[i], "tools/list", "").status == 404);
        CHECK(post(w, session_headers(bad[i]), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}").status == 404);
        CHECK(get(w, bad[i], "").status == 404);
    }
    snprintf(upper, sizeof(upper), "%s", s);
    for (i = 0; i < 32; i++) {
        upper[i] = (char)(upper[i] >= 'a' ? upper[i] - 32 : upper[i]);
    }
    CHECK(legacy(w, upper, "ping", "").status == 404);
    CHECK(legacy(w, s, "ping", "").status == 200);
    finish();
}

/* basic/transports, Protocol Version Header: "If the server receives a request with an invalid or unsupported MCP-Protocol-Version, it
 * MUST respond with 400 Bad Request." */
static void a_bad_protocol_version_header_is_refused(void)
{
    static const struct { const char *version; int status; } rows[] = {
        { "2025-11-25", 200 }, { "2025-06-18", 200 }, { "2025-03-26", 200 }, { "2024-11-05", 400 }, { "2025-11-26", 400 },
        { "v999", 400 }, { "", 400 }, { "2026-07-28", 400 }
    };
    const char *s;
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-11-25", "{}");
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        r = post(w, fmt("%sMCP-Protocol-Version: %s\r\n", session_headers(s), rows[i].version), legacy_body("\"v\"", "tools/list", ""));
        text_check(r.status == rows[i].status, __FILE__, __LINE__, r.body, rows[i].version, "");
        IS(member(r.body, "id"), "\"v\"");
    }
    CHECK(get(w, s, "MCP-Protocol-Version: v999\r\n").status == 400);
    put(w, http("DELETE", fmt("%sMCP-Protocol-Version: v999\r\n", session_headers(s)), NULL));
    CHECK(take(w).status == 400);
    CHECK(legacy(w, s, "ping", "").status == 200);    /* absent: the negotiated one */
    finish();
}

/* basic/utilities/ping: "The receiver MUST respond promptly with an empty response"; server/utilities/logging: the same. */
static void empty_results_are_exactly_empty(void)
{
    static const char *const bad[] = { "\"loud\"", "\"\"", "\"INFO\"", "7", "null" };
    const char *s;
    size_t i;
    wire *w;

    begin();
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-06-18", "{}");
    IS(legacy(w, s, "ping", "").body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    IS(post(w, session_headers(s), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}").body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    IS(legacy(w, s, "logging/setLevel", "\"level\":\"debug\"").body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    /* logging: "Invalid log level: -32602 (Invalid params)" */
    for (i = 0; i < MCPT_COUNT(bad); i++) {
        ERROR_IS(legacy(w, s, "logging/setLevel", fmt("\"level\":%s", bad[i])), 200, -32602, "1");
    }
    ERROR_IS(legacy(w, s, "logging/setLevel", ""), 200, -32602, "1");
    ERROR_IS(legacy(w, s, "nonsense", ""), 200, -32601, "1");        /* in band */
    ERROR_IS(legacy(w, s, "server/discover", ""), 200, -32601, "1");
    ERROR_IS(legacy(w, s, "subscriptions/listen", ""), 200, -32601, "1");
    ERROR_IS(legacy(w, s, "tasks/get", "\"taskId\":\"x\""), 200, -32601, "1");
    ERROR_IS(legacy(w, s, "resources/read", "\"uri\":\"dev://none\""), 200, -32002, "1");
    IS(member(legacy(w, s, "resources/read", "\"uri\":\"dev://none\"").body, "error|data|uri"), "\"dev://none\"");
    ERROR_IS(legacy(w, s, "resources/read", "\"uri\":\"dev://item/none\""), 200, -32002, "1");
    ERROR_IS(legacy_call(w, s, "nope", "{}"), 200, -32602, "1");
    ERROR_IS(legacy(w, s, "prompts/get", "\"name\":\"greet\""), 200, -32602, "1");
    ERROR_IS(legacy(w, s, "tools/list", "\"cursor\":\"\""), 200, -32602, "1");
    IS(said(legacy(w, s, "tools/call", "\"name\":\"echo\",\"arguments\":{},\"task\":{\"ttl\":1}").body), "nothing");
    finish();
}

/* Idle for longer than half the range of the millisecond clock is idle for too long still; and that long may be allowed. */
static void sessions_and_long_times(void)
{
    const char *s;
    wire *w;

    begin();
    world.server.session_ms = 60000;
    start();
    s = join(dial(MCPT_HTTP), "2025-11-25", "{}");
    pass(30u * 86400000u);
    CHECK(legacy(dial(MCPT_HTTP), s, "ping", "").status == 404);
    finish();
    begin();
    world.server.session_ms = 40u * 86400000u;
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-11-25", "{}");
    CHECK(legacy(w, s, "ping", "").status == 200);
    pass(39u * 86400000u);
    CHECK(legacy(dial(MCPT_HTTP), s, "ping", "").status == 200);
    finish();
    begin();                          /* a limit beyond half of the clock's range is no limit that has passed */
    world.server.idle_ms = world.server.timeout_ms = world.server.ask_ms = 40u * 86400000u;
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-06-18", caps_all);
    put(w, "POST /mcp HTTP/1.1\r\n");
    pass(600000);
    put(w, "Host: localhost\r\nContent-Length: 0\r\n\r\n");
    CHECK(take(w).status == 415);
    CHECK(legacy_call(w, s, "name", "{}").status == 200);
    pass(600000);
    CHECK(!take(w).whole);
    probe.retry = 0xfffffff0u;
    probe.runs = 0;
    CHECK(legacy_call(dial(MCPT_HTTP), s, "wait", "{}").status == 0);
    pass(600000);
    CHECK(probe.runs == 1);
    finish();
}

/* An initialize flood takes the places of those who do nothing, not of those who listen or wait for an answer. */
static void busy_sessions_outlive_a_flood(void)
{
    const char *s[3];
    wire *listener;
    wire *caller;
    wire *w;
    reply r;
    int i;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < 3; i++) {
        s[i] = join(w, "2025-11-25", "{}");
        pass(1000);
    }
    listener = dial(MCPT_HTTP);
    caller = dial(MCPT_HTTP);
    CHECK(get(listener, s[0], "").status == 200);
    (void)legacy_call(caller, s[1], "wait", "{}");
    pass(1000);
    CHECK(legacy(w, s[2], "ping", "").status == 200);                /* used last */
    for (i = 0; i < 10; i++) {
        (void)join(w, "2025-11-25", "{}");
    }
    CHECK(legacy(w, s[0], "ping", "").status == 200 && legacy(w, s[1], "ping", "").status == 200);
    CHECK(legacy(w, s[2], "ping", "").status == 404);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    r = take(caller);
    CHECK(r.whole);
    HAS(r.body, "waited");
    CHECK(!take(listener).whole && !listener->closed);
    finish();
}

/* basic/transports, Session Management 3, 5; the table is bounded: the least recently used one goes. */
static void sessions_end_by_delete_age_and_eviction(void)
{
    const char *s[4];
    wire *w;
    reply r;
    size_t i;

    begin();
    world.server.idle_ms = 100000000;
    world.server.session_ms = 60000;
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < 3; i++) {
        s[i] = join(w, "2025-11-25", "{}");
        pass(1000);
    }
    CHECK(strcmp(s[0], s[1]) != 0 && strcmp(s[1], s[2]) != 0);
    put(w, http("DELETE", session_headers(s[1]), NULL));
    r = take(w);
    CHECK(r.status == 204 && r.whole && r.len == 0);
    CHECK(legacy(w, s[1], "ping", "").status == 404);
    put(w, http("DELETE", session_headers(s[1]), NULL));
    CHECK(take(w).status == 404);
    s[1] = join(w, "2025-11-25", "{}");
    pass(1000);
    CHECK(legacy(w, s[0], "ping", "").status == 200);                /* used last: s[2] is the oldest now */
    s[3] = join(w, "2025-11-25", "{}");
    HAS(world.log, "least recently used");
    CHECK(legacy(w, s[2], "ping", "").status == 404);
    CHECK(legacy(w, s[0], "ping", "").status == 200 && legacy(w, s[1], "ping", "").status == 200 && legacy(w, s[3], "ping", "").status == 200);
    pass(59999);
    CHECK(legacy(w, s[0], "ping", "").status == 200);
    pass(1);
    CHECK(legacy(w, s[1], "ping", "").status == 404);                /* idle for a minute */
    CHECK(legacy(w, s[0], "ping", "").status == 200);
    /* an open stream keeps its session */
    {
        wire *v = dial(MCPT_HTTP);

        CHECK(get(v, s[0], "").status == 200);
        pass(600000);
        CHECK(legacy(w, s[0], "ping", "").status == 200);
        hang_up(v);
        pass(60000);
        CHECK(legacy(w, s[0], "ping", "").status == 404);
    }
    finish();
    /* 503: places that belong to lines are never taken away */
    begin();
    world.mem.nsessions = 1;
    start();
    w = dial(MCPT_LINES);
    put(w, fmt("%s\n", legacy_body("0", "initialize", initialize_members("2025-11-25", "{}"))));
    HAS(line(w), "protocolVersion");
    r = legacy(dial(MCPT_HTTP), NULL, "initialize", initialize_members("2025-11-25", "{}"));
    CHECK(r.status == 503);
    IS(header(r, "Retry-After"), "1");
    ERROR_IS(r, 503, -32603, "1");
    finish();
}

/* -- batches */

#define INITIALIZED "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"
#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"

/* 2025-03-26 basic: "Implementations [...] MUST support receiving JSON-RPC batches"; basic/transports: answers as one SSE event each,
 * only notifications and responses: 202. */
static void batches_are_answered_message_by_message(void)
{
    const char *s;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-03-26", "{}");
    r = post(w, session_headers(s), fmt("[%s,%s, %s ,\n%s]", PING("1"), INITIALIZED, legacy_body("\"two\"", "tools/call", tool_members("echo", "{\"text\":\"] , [\"}")),
                                        legacy_body("3", "nope", "")));
    CHECK(r.status == 200 && r.stream && r.whole);
    IS(event(r.body, 0), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    IS(said(event(r.body, 1)), "] , [");
    CHECK(error_code(event(r.body, 2)) == -32601);
    IS(event(r.body, 3), "");
    CHECK(call(w, "echo", "{}").status == 200);                      /* framing is intact */
    r = post(w, session_headers(s), "[" INITIALIZED "," INITIALIZED "]");
    CHECK(r.status == 202 && r.whole && r.len == 0);
    r = post(w, session_headers(s), "[{\"jsonrpc\":\"2.0\",\"id\":\"9.x\",\"result\":{}}]");
    CHECK(r.status == 202 && r.whole && r.len == 0);
    r = post(w, session_headers(s), "  [  " PING("7") "  ]  ");
    IS(event(r.body, 0), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
    /* invalid elements are answered each (JSON-RPC 2.0 section 6), the others are not disturbed */
    r = post(w, session_headers(s), "[1,{\"foo\":2},[],null," PING("8") "]");
    CHECK(r.status == 200 && count(r.body, "-32600") == 4);
    IS(member(event(r.body, 4), "id"), "8");
    /* also where nothing wants an answer */
    r = post(w, session_headers(s), "[{\"id\":1,\"result\":{}}]");    /* not JSON-RPC 2.0 */
    CHECK(r.status == 200 && count(r.body, "-32600") == 1);
    CHECK(take(w).status == 0);
    r = post(w, session_headers(s), "[{\"jsonrpc\":\"2.0\",\"method\":5}]");
    CHECK(r.status == 200 && count(r.body, "-32600") == 1);
    CHECK(take(w).status == 0);
    CHECK(call(w, "echo", "{}").status == 200);
    /* a batch of nothing; not JSON; a client that reads no streams */
    r = post(w, session_headers(s), "[]");
    ERROR_IS(r, 400, -32600, "");
    r = post(w, session_headers(s), "[" PING("1") "]]");
    ERROR_IS(r, 400, -32700, "");
    r = post(w, session_headers(s), "[" PING("1") ",]");
    ERROR_IS(r, 400, -32700, "");
    world.accept = "application/json";
    r = post(w, session_headers(s), "[" PING("1") "]");
    CHECK(r.status == 406);
    r = post(w, session_headers(s), "[" INITIALIZED "]");
    CHECK(r.status == 202);
    finish();
}

/* A call of a batch that is not finished holds up those behind it, and its events go out on the same stream. */
static void calls_in_a_batch_may_take_their_time(void)
{
    const char *s;
    wire *w;
    wire *v;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    s = join(w, "2025-03-26", caps_all);
    r = post(w, session_headers(s), fmt("[%s,%s,%s]", legacy_body("1", "tools/call", fmt("%s,\"_meta\":{\"progressToken\":7}", tool_members("wait", "{}"))),
                                        legacy_body("2", "tools/call", tool_members("name", "{}")), PING("3")));
    CHECK(!r.whole && count(r.body, "data: ") == 1);
    HAS(event(r.body, 0), "notifications/progress");
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    r = take(w);
    IS(said(event(r.body, 1)), "waited 1");
    HAS(event(r.body, 2), "elicitation/create");
    CHECK(answer(v, s, question_id(event(r.body, 2)), YES("Ada")).status == 202);
    r = take(w);
    CHECK(r.whole);
    IS(said(event(r.body, 3)), "hello Ada");
    IS(event(r.body, 4), "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}");
    /* one of them cancelled: the others are answered, on a stream that is whole */
    probe.done = false;
    r = post(w, session_headers(s), fmt("[%s,%s,%s]", legacy_body("1", "tools/call", tool_members("name", "{}")),
                                        legacy_body("2", "tools/call", tool_members("wait", "{}")), PING("3")));
    CHECK(!r.whole && cancel(v, s, "1").status == 202);
    CHECK(!take(w).whole && cancel(v, s, "2").status == 202);
    r = take(w);
    CHECK(r.whole && count(r.body, "data: ") == 2 && probe.cancels == 2);
    IS(event(r.body, 1), "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}");
    probe.done = true;
    /* an answer may come in a batch too */
    r = legacy_call(w, s, "name", "{}");
    CHECK(post(v, session_headers(s), fmt("[{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}]", question_id(event(r.body, 0)), YES("Bo"))).status == 202);
    IS(said(event(take(w).body, 1)), "hello Bo");
    finish();
}

/* 2025-06-18 changelog: "Remove support for JSON-RPC batching". an array with a modern claim: 400 -32600. */
static void batches_are_refused_everywhere_else(void)
{
    const char *s;
    wire *w;
    size_t i;
    static const char *const versions[] = { "2025-06-18", "2025-11-25" };

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < 2; i++) {
        s = join(w, versions[i], "{}");
        ERROR_IS(post(w, session_headers(s), "[" PING("1") "]"), 400, -32600, "");
    }
    ERROR_IS(post(w, "", "[" PING("1") "]"), 400, -32600, "");
    ERROR_IS(post(w, modern_headers("tools/list", NULL), fmt("[%s]", modern_body("tools/list", ""))), 400, -32600, "");
    s = join(w, "2025-03-26", "{}");
    ERROR_IS(post(w, session_headers(s), fmt("[%s,%s]", PING("1"), modern_body("tools/list", ""))), 400, -32600, "");
    ERROR_IS(post(w, session_headers(s), "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"params\":{\"_meta\":{\"" META "protocolVersion\":\"x\"}}}]"),
             400, -32600, "");
    CHECK(take(w).status == 0);
    finish();
    /* 2025-03-26 basic/lifecycle: "The initialize request MUST NOT be part of a JSON-RPC batch" */
    begin();
    world.mem.nsessions = 0;
    start();
    w = dial(MCPT_HTTP);
    s = fmt("[%s]", legacy_body("1", "initialize", initialize_members("2025-03-26", "{}")));
    HAS(post(w, "", s).body, "-32600");
    HAS(post(w, "", "[" PING("4") "]").body, "\"id\":4,\"result\":{}");    /* without sessions 2025-03-26 is assumed */
    finish();
}

/* -- server to client requests */

/* client/elicitation, client/sampling, client/roots; the suite checks only that the question
 * goes out, not that its answer reaches the tool that waits. */
static void an_answer_reaches_the_tool_that_asked(void)
{
    const char *s;
    wire *a;
    wire *c;
    reply r;

    begin();
    start();
    a = dial(MCPT_HTTP);
    c = dial(MCPT_HTTP);
    s = join(a, "2025-06-18", caps_all);
    r = legacy_call(a, s, "name", "{}");
    CHECK(r.stream && !r.whole);
    IS(member(event(r.body, 0), "method"), "\"elicitation/create\"");
    IS(member(event(r.body, 0), "params"), "{\"message\":\"Who?\",\"requestedSchema\":" NAME_SCHEMA "}");    /* mode is later */
    r = answer(c, s, question_id(event(r.body, 0)), YES("Ada"));
    CHECK(r.status == 202 && r.len == 0);
    r = take(a);
    CHECK(r.whole && count(r.body, "data: ") == 2);
    IS(said(event(r.body, 1)), "hello Ada");
    /* three questions, answered in any order; roots is allowed an error */
    r = legacy_call(a, s, "trio", "{}");
    CHECK(count(r.body, "data: ") == 3);
    CHECK(strcmp(question_id(event(r.body, 0)), question_id(event(r.body, 1))) != 0);
    (void)answer(c, s, question_id(event(r.body, 2)), "{\"roots\":[{\"uri\":\"file:///r\"}]}");
    (void)answer(c, s, question_id(event(r.body, 0)), YES("Ada"));
    CHECK(!take(a).whole);
    (void)answer(c, s, question_id(event(r.body, 1)), "{\"role\":\"assistant\",\"model\":\"m\",\"content\":{\"type\":\"text\",\"text\":\"Paris\"}}");
    IS(said(event(take(a).body, 3)), "\\\"Ada\\\" \\\"Paris\\\" \\\"file:///r\\\"");
    /* one after the other */
    r = legacy_call(a, s, "rounds", "{}");
    (void)answer(c, s, question_id(event(r.body, 0)), YES("Ada"));
    r = take(a);
    HAS(event(r.body, 1), "Second?");
    (void)answer(c, s, question_id(event(r.body, 1)), YES("Bo"));
    IS(said(event(take(a).body, 2)), "\\\"Ada\\\" then \\\"Bo\\\" in 3");
    /* prompts ask too */
    r = legacy(a, s, "prompts/get", "\"name\":\"inquire\"");
    (void)answer(c, s, question_id(event(r.body, 0)), YES("Cy"));
    HAS(event(take(a).body, 1), "hello Cy");
    finish();
}

/* Several questions, a transmit buffer that has no room for all of them: the call ends in an answer, whatever its size. */
static void questions_that_do_not_fit_end_in_an_answer(void)
{
    unsigned fitted = 0;
    unsigned failed = 0;

    for (unsigned era = 0; era < 4; era++) {
        for (size_t tx = MCPT_TX_MIN; tx < 1400; tx++) {
            const char *s;
            wire *w;
            reply r;

            begin();
            start();
            world.tx = 4096;
            s = join(dial(MCPT_HTTP), era < 2 ? "2025-06-18" : "2025-11-25", caps_all);
            world.tx = tx;
            w = dial(MCPT_HTTP);
            world.accept = era % 2 != 0 ? "text/event-stream" : "application/json, text/event-stream";
            r = legacy_call(w, s, "trio", "{}");
            CHECK(r.status == 200 && !w->closed);
            if (r.whole) {
                CHECK(error_code(r.stream ? event(r.body, count(r.body, "data: {") - 1) : r.body) == -32603);
                HAS(world.log, "a handler failed");
                failed++;
            } else {
                CHECK(count(r.body, "\"method\"") == 3);
                fitted++;
            }
            world.accept = "application/json, text/event-stream";
            if (r.whole) {
                IS(said(legacy_call(w, s, "echo", "{}").body), "nothing");
            }
            finish();
        }
    }
    CHECK(fitted > 400 && failed > 400);
}

/* 2025-11-25 client/elicitation: form and URL mode; elicitationId is unique. */
static void url_elicitation_names_itself(void)
{
    const char *s;
    const char *id;
    wire *a;
    wire *b;
    reply r;

    begin();
    start();
    a = dial(MCPT_HTTP);
    b = dial(MCPT_HTTP);
    s = join(a, "2025-11-25", caps_all);
    r = legacy_call(a, s, "name", "{}");
    IS(member(event(r.body, 0), "params|mode"), "\"form\"");
    hang_up(a);
    a = dial(MCPT_HTTP);
    r = legacy_call(a, s, "visit", "{}");
    IS(member(event(r.body, 0), "params|mode"), "\"url\"");
    IS(member(event(r.body, 0), "params|url"), "\"https://dev.example/agree?x=1\"");
    id = fmt("%s", member(event(r.body, 0), "params|elicitationId"));
    CHECK(id[0] == '"');
    {
        wire *v = dial(MCPT_HTTP);
        reply q = legacy_call(v, s, "visit", "{}");

        CHECK(strcmp(id, member(event(q.body, 0), "params|elicitationId")) != 0);
    }
    (void)answer(b, s, question_id(event(r.body, 0)), "{\"action\":\"accept\"}");
    IS(said(event(take(a).body, 1)), "agreed");
    r = legacy_call(a, s, "visit", "{}");
    (void)answer(b, s, question_id(event(r.body, 0)), "{\"action\":\"cancel\"}");
    IS(member(event(take(a).body, 1), "result|isError"), "true");
    finish();
}

/* What is no answer does not become one; "decline" and "cancel" do; one that never comes times out. */
static void wrong_answers_do_not_reach_the_tool(void)
{
    static const struct { const char *result; const char *want; } rows[] = {
        { "\"result\":{\"action\":\"decline\"}", "\"isError\":true" }, { "\"result\":{\"action\":\"cancel\"}", "\"isError\":true" },
        { "\"result\":{\"action\":\"accept\",\"content\":{\"name\":7}}", "\"code\":-32602" },
        { "\"result\":{\"action\":\"accept\"}", "\"code\":-32602" }, { "\"result\":{}", "\"code\":-32602" },
        { "\"error\":{\"code\":-1,\"message\":\"no\"}", "\"code\":-32602" },
    };
    const char *s;
    const char *t;
    const char *id;
    size_t i;
    wire *a;
    wire *b;
    reply r;

    begin();
    world.server.ask_ms = 30000;
    start();
    a = dial(MCPT_HTTP);
    b = dial(MCPT_HTTP);
    s = join(a, "2025-06-18", caps_all);
    t = join(a, "2025-06-18", caps_all);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        r = legacy_call(a, s, "name", "{}");
        CHECK(post(b, session_headers(s), fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,%s}", question_id(event(r.body, 0)), rows[i].result)).status == 202);
        r = take(a);
        CHECK(r.whole);
        HAS(event(r.body, 1), rows[i].want);
    }
    /* another session's answer, other ids: accepted as messages, and ignored */
    r = legacy_call(a, s, "name", "{}");
    id = question_id(event(r.body, 0));
    CHECK(answer(b, t, id, YES("Eve")).status == 202);
    CHECK(answer(b, s, "7", YES("Eve")).status == 202);
    CHECK(answer(b, s, "\"\"", YES("Eve")).status == 202);
    CHECK(answer(b, s, "\"x\"", YES("Eve")).status == 202);
    CHECK(answer(b, s, "\"65535.name\"", YES("Eve")).status == 202);
    CHECK(answer(b, s, "\"99999999999999999999.name\"", YES("Eve")).status == 202);
    CHECK(answer(b, NULL, id, YES("Eve")).status == 400);
    CHECK(post(b, session_headers(s), fmt("{\"jsonrpc\":\"2.0\",\"id\":%s}", id)).status == 400);
    CHECK(!take(a).whole && probe.runs == 2 * MCPT_COUNT(rows) + 1);
    CHECK(answer(b, s, id, YES("Ada")).status == 202);
    IS(said(event(take(a).body, 1)), "hello Ada");
    CHECK(answer(b, s, id, YES("Eve")).status == 202);               /* late */
    /* the same answer twice is one answer */
    r = legacy_call(a, s, "trio", "{}");
    (void)answer(b, s, question_id(event(r.body, 0)), YES("Ada"));
    (void)answer(b, s, question_id(event(r.body, 0)), YES("Eve"));
    (void)answer(b, s, question_id(event(r.body, 0)), YES("Eve"));
    CHECK(!take(a).whole);
    (void)answer(b, s, question_id(event(r.body, 1)), "{\"role\":\"assistant\",\"model\":\"m\",\"content\":{\"type\":\"text\",\"text\":\"Paris\"}}");
    (void)answer(b, s, question_id(event(r.body, 2)), "{\"roots\":[{\"uri\":\"file:///r\"}]}");
    IS(said(event(take(a).body, 3)), "\\\"Ada\\\" \\\"Paris\\\" \\\"file:///r\\\"");
    /* nobody answers */
    r = legacy_call(a, s, "name", "{}");
    pass(29999);
    CHECK(!take(a).whole);
    pass(1);
    r = take(a);
    CHECK(r.whole && error_code(event(r.body, 1)) == -32603);
    finish();
}

/* client capabilities are those of initialize; a client that cannot be asked gets an error result the model can read. */
static void clients_are_asked_only_what_they_declared(void)
{
    const char *s;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-11-25", "{\"elicitation\":{},\"roots\":{\"listChanged\":true}}");
    r = legacy_call(w, s, "trio", "{}");
    CHECK(r.whole);
    LACKS(r.body, "sampling/createMessage");
    r = legacy_call(w, s, "visit", "{}");
    IS(member(r.body, "result|isError"), "true");
    world.accept = "application/json";     /* no stream to ask on */
    r = legacy_call(w, s, "name", "{}");
    CHECK(r.json);
    IS(member(r.body, "result|isError"), "true");
    finish();
    begin();                          /* no session: nobody to match the answer to */
    world.mem.nsessions = 0;
    start();
    w = dial(MCPT_HTTP);
    r = legacy_call(w, NULL, "name", "{}");
    IS(member(r.body, "result|isError"), "true");
    finish();
}

/* -- cancellation and disconnection */

/* basic/utilities/cancellation: "Not send a response for the cancelled request"; "MAY ignore [...] unknown". */
static void cancelled_notifications_cancel_in_their_session(void)
{
    const char *s;
    const char *t;
    wire *a;
    wire *b;
    reply r;

    begin();
    start();
    a = dial(MCPT_HTTP);
    b = dial(MCPT_HTTP);
    s = join(a, "2025-06-18", caps_all);
    t = join(b, "2025-06-18", caps_all);
    world.id = "5";
    (void)legacy_call(a, s, "wait", "{}");
    CHECK(cancel(b, t, "5").status == 202 && probe.cancels == 0);    /* another session's id 5 */
    CHECK(cancel(b, s, "\"5\"").status == 202 && probe.cancels == 0);
    CHECK(cancel(b, s, "6").status == 202 && probe.cancels == 0);
    CHECK(cancel(b, s, "null").status == 202 && cancel(b, s, "{}").status == 202);
    CHECK(post(b, session_headers(s), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}").status == 202);
    CHECK(take(a).status == 0 && !a->closed);
    CHECK(cancel(b, s, "5").status == 202);
    CHECK(probe.cancels == 1);
    r = take(a);
    CHECK(r.status == 202 && r.whole);     /* nothing was sent before: no body */
    CHECK(cancel(b, s, "5").status == 202 && probe.cancels == 1);    /* it has ended */
    r = legacy_call(a, s, "name", "{}");   /* its stream has begun: it ends without a response */
    CHECK(cancel(b, s, "5").status == 202);
    r = take(a);
    CHECK(r.whole && count(r.body, "data: ") == 1 && probe.cancels == 2);
    IS(said(legacy_call(a, s, "echo", "{}").body), "nothing");
    /* a call whose client is away */
    (void)legacy_call(a, s, "wait", "{}");
    hang_up(a);
    CHECK(probe.cancels == 2);
    CHECK(cancel(b, s, "5").status == 202 && probe.cancels == 3);
    CHECK(world.hub.jobs == NULL);
    finish();
}

/* The same where the stream is not read: whatever is waiting to be sent, what follows is whole. */
static void a_cancelled_call_ends_its_stream_cleanly_however_full_it_is(void)
{
    const char *s;
    size_t tx;
    wire *a;
    wire *b;
    reply r;

    for (tx = 512; tx < 700; tx++) {
        begin();
        world.tx = tx;
        start();
        a = dial(MCPT_HTTP);
        b = dial(MCPT_HTTP);
        s = join(a, "2025-06-18", caps_all);
        a->held = true;
        world.id = "5";
        (void)legacy_call(a, s, "name", "{}");
        CHECK(cancel(b, s, "5").status == 202);
        a->held = false;
        pump(a);
        settle();
        r = take(a);
        CHECK(r.whole);
        IS(legacy(a, s, "ping", "").body, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}");
        finish();
    }
}

/* basic/transports: "Disconnection SHOULD NOT be interpreted as the client cancelling its request." */
static void a_disconnect_does_not_cancel(void)
{
    const char *s;
    wire *a;
    wire *b;
    unsigned i;

    begin();
    start();
    a = dial(MCPT_HTTP);
    b = dial(MCPT_HTTP);
    s = join(b, "2025-06-18", caps_all);
    (void)legacy_call(a, s, "wait", "{}");
    hang_up(a);
    CHECK(probe.cancels == 0 && probe.runs == 1);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    CHECK(probe.runs == 2 && probe.conn_user == NULL && probe.audits == 1 && probe.audit.result == MCPT_OK);
    CHECK(world.hub.jobs == NULL);
    probe.done = false;
    probe.retry = 20;
    a = dial(MCPT_HTTP);
    (void)legacy_call(a, s, "wait", "{}");
    hang_up(a);
    pass(1000);
    CHECK(probe.runs > 40 && probe.cancels == 0);
    probe.done = true;
    pass(20);
    CHECK(world.hub.jobs == NULL);
    probe.done = false;
    probe.retry = 0;
    for (i = 0; i < 6; i++) {         /* more than there are slots: then the rest is cancelled */
        a = dial(MCPT_HTTP);
        (void)legacy_call(a, s, "wait", "{}");
        hang_up(a);
    }
    CHECK(probe.cancels == 2);
    put(b, http("DELETE", session_headers(s), NULL));                /* nobody can ever ask for these */
    CHECK(take(b).status == 204);
    settle();
    CHECK(world.hub.jobs == NULL && probe.cancels == 6);
    /* an answer in pieces has nowhere to go */
    s = join(b, "2025-06-18", caps_all);
    for (i = 0; i < 6; i++) {
        a = dial(MCPT_HTTP);
        a->held = true;
        (void)legacy_call(a, s, "pour", "{\"n\":9}");
        hang_up(a);
    }
    CHECK(probe.cancels == 12 && world.hub.jobs == NULL);
    CHECK(world.slots[0].job.state == 0 && world.slots[3].job.state == 0);
    finish();
}

/* -- both eras */

/* 2026-07-28 basic/versioning: a dual-era server at one endpoint; neither sees the other's state. */
static void both_eras_live_at_one_endpoint(void)
{
    const char *s;
    wire *a;
    wire *b;
    wire *c;
    reply r;

    begin();
    start();
    a = dial(MCPT_HTTP);
    b = dial(MCPT_HTTP);
    c = dial(MCPT_HTTP);
    s = join(a, "2025-11-25", caps_all);
    r = legacy_call(a, s, "name", "{}");
    CHECK(!r.whole);
    world.caps = "{\"elicitation\":{}}";
    IS(member(call(b, "name", "{}").body, "result|resultType"), "\"input_required\"");
    ERROR_IS((world.caps = "{}", call(b, "name", "{}")), 400, -32021, "1");    /* nothing of the session's capabilities */
    (void)modern(c, "subscriptions/listen", NULL, "\"notifications\":{\"toolsListChanged\":true}");
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);
    (void)answer(b, s, question_id(event(r.body, 0)), YES("Ada"));
    IS(said(event(take(a).body, 1)), "hello Ada");
    HAS(take(c).body, "list_changed");
    HAS(get(dial(MCPT_HTTP), s, "").body, "list_changed");
    /* a modern request ignores a session header, and never gets one */
    r = post(b, fmt("%s%s", session_headers("nope"), modern_headers("tools/call", "echo")), modern_body("tools/call", tool_members("echo", "{}")));
    CHECK(r.status == 200);
    IS(header(r, "Mcp-Session-Id"), "");
    r = post(b, fmt("%sLast-Event-ID: 1-0\r\n%s", session_headers(s), modern_headers("tools/call", "echo")),
             modern_body("tools/call", tool_members("echo", "{}")));
    CHECK(r.status == 200 && r.json);
    /* one connection may carry both, in turn */
    IS(said(legacy_call(b, s, "echo", "{}").body), "nothing");
    HAS(call(b, "echo", "{}").body, "resultType");
    LACKS(legacy_call(b, s, "echo", "{}").body, "resultType");
    /* a legacy _meta is no claim */
    r = legacy(b, s, "tools/call", fmt("%s,\"_meta\":{\"progressToken\":1,\"other/protocolVersion\":\"2026-07-28\"}", tool_members("echo", "{}")));
    CHECK(r.status == 200);
    LACKS(r.body, "resultType");
    /* initialize without a claim is legacy whatever the header says; with one it does not exist */
    r = post(b, "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: initialize\r\n", modern_body("initialize", initialize_members("2025-11-25", "{}")));
    ERROR_IS(r, 404, -32601, "1");
    finish();
}

int main(void)
{
    initialize_negotiates_the_revision();
    initializing_twice_is_refused();
    requests_need_their_session();
    a_bad_protocol_version_header_is_refused();
    empty_results_are_exactly_empty();
    sessions_and_long_times();
    sessions_end_by_delete_age_and_eviction();
    busy_sessions_outlive_a_flood();
    batches_are_answered_message_by_message();
    calls_in_a_batch_may_take_their_time();
    batches_are_refused_everywhere_else();
    an_answer_reaches_the_tool_that_asked();
    questions_that_do_not_fit_end_in_an_answer();
    url_elicitation_names_itself();
    wrong_answers_do_not_reach_the_tool();
    clients_are_asked_only_what_they_declared();
    cancelled_notifications_cancel_in_their_session();
    a_cancelled_call_ends_its_stream_cleanly_however_full_it_is();
    a_disconnect_does_not_cancel();
    both_eras_live_at_one_endpoint();
    return test_end();
}
