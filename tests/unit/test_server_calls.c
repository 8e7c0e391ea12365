/* Calls of handlers in the modern era (2026-07-28): progress, logging, cancellation, questions (MRTR) and requestState, rate limits,
 * audit. The quotes are from that revision where none is named. */
#include "device.h"

/* -- progress and logging */

/* basic/patterns/progress: "The progress value MUST increase with each notification", "Progress notifications MUST only
 * reference tokens that: Were provided in an active request"; the token comes back as it was. */
static void progress_is_sent_to_who_asked_and_increases(void)
{
    static const char *const tokens[] = { "7", "0", "\"\"", "\"abc\"", "\"a\\\"\\u00e9\"", "18446744073709551615" };
    static const char *const not_tokens[] = { "null", "true", "1.5", "{}", "[1]" };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(tokens); i++) {
        world.meta = fmt(",\"progressToken\":%s", tokens[i]);
        r = call(w, "steps", "{}");
        CHECK(r.status == 200 && r.stream && r.whole);
        IS(event(r.body, 0), fmt("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%s,"
                                 "\"progress\":1,\"total\":3,\"message\":\"first\"}}", tokens[i]));
        IS(member(event(r.body, 2), "params|progress"), "3");
        IS(said(event(r.body, 3)), "done");
        IS(event(r.body, 4), "");     /* "Progress notifications MUST stop after completion" */
        CHECK(probe.again == MCPT_E_RANGE);
        LACKS(r.body, "id: ");        /* streams of this revision are not resumable */
    }
    for (i = 0; i < MCPT_COUNT(not_tokens); i++) {
        world.meta = fmt(",\"progressToken\":%s", not_tokens[i]);
        r = call(w, "steps", "{}");
        CHECK(r.json && probe.again == MCPT_OK);
        IS(said(r.body), "done");
    }
    world.meta = ",\"progressToken\":7";
    world.accept = "application/json";     /* nowhere to send them */
    r = call(w, "steps", "{}");
    CHECK(r.json);
    IS(said(r.body), "done");
    finish();
}

/* A handler that reports more than tx holds keeps its answer: half of tx is the answer's. */
static void events_leave_room_for_the_answer(void)
{
    size_t tx;
    wire *w;
    reply r;

    begin();
    start();
    world.meta = ",\"progressToken\":7";
    for (tx = 512; tx < 2200; tx += 61) {
        world.tx = tx;
        w = dial(MCPT_HTTP);
        r = call(w, "steps", "{\"n\":40}");
        CHECK(r.status == 200 && r.whole);
        IS(said(event(r.body, count(r.body, "data: ") - 1)), "done");
        CHECK(tx < 900 || count(r.body, "notifications/progress") >= 1);
        hang_up(w);
    }
    finish();
}

/* server/utilities/logging: "servers MUST NOT send notifications/message [...] unless the request carries logLevel"; only at or
 * above it, and only on the stream of that request. */
static void log_messages_flow_when_asked_for_at_or_above_the_level(void)
{
    static const char *const levels[] = { "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency" };
    size_t i;
    wire *w;
    wire *v;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    world.id = "99";
    (void)modern(v, "subscriptions/listen", NULL, "\"notifications\":{\"toolsListChanged\":true}");
    r = call(w, "logs", "{}");
    CHECK(r.json);
    LACKS(r.body, "notifications/message");
    for (i = 0; i < 8; i++) {
        world.meta = fmt(",\"" META "logLevel\":\"%s\"", levels[i]);
        r = call(w, "logs", "{}");
        CHECK(r.stream && r.whole);
        CHECK(count(r.body, "notifications/message") == 8 - i);
        IS(event(r.body, 0), fmt("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"%s\","
                                 "\"logger\":\"unit\",\"data\":\"a \\\"line\\\"\\n\"}}", levels[i]));
        IS(said(event(r.body, 8 - i)), "before");
        IS(member(event(r.body, 8 - i), "result|content|1|text"), "\"after\"");
    }
    LACKS(take(v).body, "notifications/message");
    world.server.offers &= ~(uint32_t)MCPT_OFFER_LOGGING;            /* not advertised: never */
    r = call(w, "logs", "{}");
    CHECK(r.json);
    finish();
}

/* basic/transports/streamable-http, Receiving Messages: the chosen form does not depend on luck: SSE at the first event. */
static void a_suspended_call_streams_what_it_reports_meanwhile(void)
{
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.meta = ",\"progressToken\":\"p\"";
    r = call(w, "wait", "{}");
    CHECK(r.status == 200 && r.stream && !r.whole && count(r.body, "data: ") == 1);
    mcpt_wake(probe.ticket);          /* woken early: it goes on waiting */
    settle();
    CHECK(count(take(w).body, "data: ") == 2 && probe.runs == 2);
    mcpt_wake(probe.ticket);
    mcpt_wake(probe.ticket);          /* twice counts once */
    probe.done = true;
    settle();
    r = take(w);
    CHECK(r.whole && count(r.body, "data: ") == 3 && probe.runs == 3);
    IS(said(event(r.body, 2)), "waited 2");
    mcpt_wake(probe.ticket);          /* too late: nothing happens */
    settle();
    CHECK(probe.runs == 3);
    IS(said(call(w, "wait", "{}").body), "waited 0");
    finish();
}

/* mcpt_retry_after: 0 means as soon as the others have had their turn; it must not hold the hub. */
static void a_call_that_comes_back_at_once_does_not_block_others(void)
{
    wire *w;
    reply r;
    unsigned runs;

    begin();
    start();
    w = dial(MCPT_HTTP);
    probe.retry = 1;
    CHECK(call(w, "wait", "{}").status == 0);
    pass(100);
    CHECK(probe.runs > 50 && probe.runs <= 102);
    hang_up(w);
    CHECK(probe.cancels == 1);
    world.caps = "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";
    w = dial(MCPT_HTTP);
    r = call(w, "mirror", "{}");
    CHECK(r.status == 200);
    runs = probe.runs;
    probe.retry = 0;
    r = call(w, "yield", "{}");       /* a task that yields with retry_after(0) */
    CHECK(r.status == 200);
    IS(member(r.body, "result|resultType"), "\"task\"");
    CHECK(probe.runs - runs >= 1 && probe.runs - runs < 10);
    pass(20);
    CHECK(probe.runs - runs >= 10);
    finish();
}

/* -- cancellation */

/* basic/transports/streamable-http, Cancellation: "Closing the SSE response stream MUST be treated by the server as cancellation
 * of that request." The handler is told, once. */
static void a_disconnect_cancels(void)
{
    wire *w;
    wire *v;

    begin();
    start();
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    (void)call(w, "wait", "{}");
    (void)call(v, "wait", "{}");
    CHECK(probe.runs == 2);
    hang_up(w);
    CHECK(probe.runs == 3 && probe.cancels == 1);
    CHECK(probe.audits == 1 && probe.audit.result == MCPT_E_CANCELLED);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    IS(said(take(v).body), "waited 1");    /* nobody else's */
    CHECK(probe.cancels == 1);
    hang_up(v);
    CHECK(probe.cancels == 1);
    /* in the middle of an answer in pieces */
    w = dial(MCPT_HTTP);
    w->held = true;
    (void)call(w, "pour", "{\"n\":5}");
    hang_up(w);
    CHECK(probe.cancels == 2);
    /* "notifications/cancelled [...] is used only on the stdio transport": here it is accepted and ignored. */
    probe.done = false;
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    (void)call(w, "wait", "{}");
    CHECK(post(v, "MCP-Protocol-Version: 2026-07-28\r\n",
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}").status == 202);
    CHECK(probe.cancels == 2);
    /* the end of the server cancels, and says so */
    mcpt_hub_close(&world.hub);
    settle();
    CHECK(probe.cancels == 3);
    ERROR_IS(take(w), 503, -32603, "1");
    finish();
    /* an answer that is half out can only be broken off; a stream that is not read has no room for a last word */
    {
        size_t tx;

        for (tx = 512; tx < 900; tx += 3) {
            reply r;

            begin();
            world.tx = tx;
            start();
            w = dial(MCPT_HTTP);
            v = dial(MCPT_HTTP);
            (void)call(w, "pour", "{\"n\":5}");
            CHECK(take(w).status == 0);
            (void)call(w, "pour", "{\"n\":5,\"wait\":2}");
            v->held = true;
            world.meta = ",\"progressToken\":\"0123456789012345678901234567890123456789\"";
            (void)call(v, "wait", "{}");
            mcpt_hub_close(&world.hub);
            settle();
            v->held = false;
            pump(v);
            settle();
            r = take(v);
            CHECK(r.status != 200 || r.whole || v->closed);
            r = take(w);
            CHECK(r.status == 200 && !r.whole && w->closed && count(r.body, "piece ") == 2);
            finish();
        }
    }
}

/* -- questions: MRTR */

static const char *const caps_all = "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}";
#define YES(name) "{\"action\":\"accept\",\"content\":{\"name\":\"" name "\"}}"

/* basic/patterns/mrtr, Server Requirements 2, 6: at least one of inputRequests, requestState. */
static void a_question_becomes_an_input_required_result_and_its_answer_reaches_the_tool(void)
{
    const char *state;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.caps = "{\"elicitation\":{}}";
    r = call(w, "name", "{}");
    CHECK(r.status == 200 && r.json);
    IS(member(r.body, "result|resultType"), "\"input_required\"");
    IS(member(r.body, "result|inputRequests"), "{\"name\":{\"method\":\"elicitation/create\",\"params\":{\"mode\":\"form\","
       "\"message\":\"Who?\",\"requestedSchema\":" NAME_SCHEMA "}}}");
    IS(member(r.body, "result|ttlMs"), "");
    state = member(r.body, "result|requestState");
    CHECK(state[0] == '"');
    world.id = "2";
    r = modern(w, "tools/call", "name", fmt("%s,\"inputResponses\":{\"name\":" YES("Ada") "},\"requestState\":%s",
                                            tool_members("name", "{}"), state));
    IS(said(r.body), "hello Ada");
    IS(member(r.body, "result|resultType"), "\"complete\"");
    /* also on another connection, also without the state (one round needs none), also on the very first call */
    w = dial(MCPT_HTTP);
    r = modern(w, "tools/call", "name", fmt("%s,\"inputResponses\":{\"name\":" YES("Bo") ",\"extra\":7,\"more\":{}}",
                                            tool_members("name", "{}")));
    IS(said(r.body), "hello Bo");
    /* prompts/get asks the same way */
    r = modern(w, "prompts/get", "inquire", "\"name\":\"inquire\"");
    IS(member(r.body, "result|resultType"), "\"input_required\"");
    r = modern(w, "prompts/get", "inquire", "\"name\":\"inquire\",\"inputResponses\":{\"name\":" YES("Cy") "}");
    IS(member_text(r.body, "result|messages|0|content|text"), "hello Cy");
    finish();
}

/* mrtr, Error Handling: missing or malformed answers are asked for again, never accepted; "decline" and "cancel" are answers. */
static void answers_that_do_not_fit_are_asked_for_again(void)
{
    static const char *const again[] = {
        "{}", "null", "{\"other\":" YES("Ada") "}", "{\"name\":12345}", "{\"name\":null}", "{\"name\":[]}", "{\"name\":{}}",
        "{\"name\":{\"action\":\"accept\"}}", "{\"name\":{\"action\":\"accept\",\"content\":7}}", "{\"name\":{\"action\":\"ACCEPT\",\"content\":{\"name\":\"Ada\"}}}",
        "{\"name\":{\"action\":\"accept\",\"content\":{}}}", "{\"name\":{\"action\":\"accept\",\"content\":{\"name\":7}}}",
        "{\"name\":{\"action\":\"accept\",\"content\":{\"name\":\"A\"}}}",             /* minLength 2 */
    };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.caps = "{\"elicitation\":{\"form\":{}}}";
    for (i = 0; i < MCPT_COUNT(again); i++) {
        r = modern(w, "tools/call", "name", fmt("%s,\"inputResponses\":%s", tool_members("name", "{}"), again[i]));
        text_check(strcmp(member(r.body, "result|resultType"), "\"input_required\"") == 0, __FILE__, __LINE__, r.body, again[i], "");
    }
    r = modern(w, "tools/call", "name", fmt("%s,\"inputResponses\":7", tool_members("name", "{}")));
    ERROR_IS(r, 200, -32602, "1");
    r = modern(w, "tools/call", "name", fmt("%s,\"inputResponses\":[]", tool_members("name", "{}")));
    ERROR_IS(r, 200, -32602, "1");
    r = modern(w, "tools/call", "name", fmt("%s,\"inputResponses\":{\"name\":{\"action\":\"decline\"}}", tool_members("name", "{}")));
    IS(member(r.body, "result|isError"), "true");
    r = modern(w, "tools/call", "name", fmt("%s,\"inputResponses\":{\"name\":{\"action\":\"cancel\",\"content\":{}}}", tool_members("name", "{}")));
    IS(member(r.body, "result|isError"), "true");
    finish();
}

/* mrtr 7: "Servers MUST NOT send an inputRequests that the client has not declared support for"; basic/index:
 * MissingRequiredClientCapability 400 -32021 with an object of objects. Nothing is remembered from call to call. */
static void questions_the_client_does_not_support_answer_missing_capability(void)
{
    static const struct { const char *tool, *caps, *needed; } rows[] = {
        { "name", "{}", "{\"elicitation\":{}}" }, { "name", "{\"elicitation\":true}", "{\"elicitation\":{}}" },
        { "name", "{\"elicitation\":{\"url\":{}}}", "{\"elicitation\":{}}" }, { "name", "{\"sampling\":{}}", "{\"elicitation\":{}}" },
        { "visit", "{\"elicitation\":{}}", "{\"elicitation\":{\"url\":{}}}" },
        { "visit", "{\"elicitation\":{\"form\":{}}}", "{\"elicitation\":{\"url\":{}}}" },
        { "trio", "{\"elicitation\":{},\"roots\":{}}", "{\"sampling\":{}}" },
        { "trio", "{\"elicitation\":{},\"sampling\":{}}", "{\"roots\":{}}" },
        { "trio", "{}", "{\"elicitation\":{},\"sampling\":{},\"roots\":{}}" },
        { "trio", "{\"elicitation\":{},\"sampling\":[],\"roots\":null}", "{\"sampling\":{},\"roots\":{}}" },
    };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        world.caps = caps_all;
        CHECK(call(w, rows[i].tool, "{}").status == 200);
        world.caps = rows[i].caps;
        r = call(w, rows[i].tool, "{}");
        ERROR_IS(r, 400, -32021, "1");
        IS(member(r.body, "error|data|requiredCapabilities"), rows[i].needed);
    }
    finish();
}

/* client/elicitation, URL mode; client/sampling; client/roots: three at once, in one round. */
static void several_questions_go_out_together(void)
{
    const char *capital = "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"Paris\"},\"model\":\"m\"}";
    const char *roots = "{\"roots\":[{\"uri\":\"file:///r\"}]}";
    const char *state;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_all;
    r = call(w, "trio", "{}");
    IS(member(r.body, "result|inputRequests|capital"), "{\"method\":\"sampling/createMessage\",\"params\":" SAMPLING_PARAMS "}");
    IS(member(r.body, "result|inputRequests|roots"), "{\"method\":\"roots/list\",\"params\":{}}");
    HAS(member(r.body, "result|inputRequests|name"), "elicitation/create");
    LACKS(member(r.body, "result|inputRequests"), "jsonrpc");
    /* part of the answers: the missing ones again, and the given ones are kept in requestState */
    r = modern(w, "tools/call", "trio", fmt("%s,\"inputResponses\":{\"capital\":%s}", tool_members("trio", "{}"), capital));
    IS(member(r.body, "result|inputRequests|capital"), "");
    HAS(member(r.body, "result|inputRequests|roots"), "roots/list");
    state = member(r.body, "result|requestState");
    r = modern(w, "tools/call", "trio", fmt("%s,\"requestState\":%s,\"inputResponses\":{\"name\":" YES("Ada") ",\"roots\":%s}",
                                            tool_members("trio", "{}"), state, roots));
    IS(said(r.body), "\\\"Ada\\\" \\\"Paris\\\" \\\"file:///r\\\"");
    r = modern(w, "tools/call", "trio", fmt("%s,\"inputResponses\":{\"name\":" YES("Ada") ",\"capital\":%s,\"roots\":%s}",
                                            tool_members("trio", "{}"), capital, roots));
    IS(said(r.body), "\\\"Ada\\\" \\\"Paris\\\" \\\"file:///r\\\"");
    r = call(w, "visit", "{}");
    IS(member(r.body, "result|inputRequests|consent"), "{\"method\":\"elicitation/create\",\"params\":{\"mode\":\"url\","
       "\"message\":\"Please agree\",\"url\":\"https://dev.example/agree?x=1\"}}");
    r = modern(w, "tools/call", "visit", fmt("%s,\"inputResponses\":{\"consent\":{\"action\":\"accept\"}}", tool_members("visit", "{}")));
    IS(said(r.body), "agreed");
    r = modern(w, "tools/call", "visit", fmt("%s,\"inputResponses\":{\"consent\":{\"action\":\"decline\"}}", tool_members("visit", "{}")));
    IS(member(r.body, "result|isError"), "true");
    finish();
}

/* mrtr: several rounds; answers and scratch travel in requestState, the server remembers nothing. */
static void rounds_are_carried_by_request_state(void)
{
    const char *one;
    const char *two;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.caps = "{\"elicitation\":{}}";
    r = call(w, "rounds", "{}");
    one = member(r.body, "result|requestState");
    HAS(member(r.body, "result|inputRequests"), "First?");
    hang_up(w);
    w = dial(MCPT_HTTP);
    r = modern(w, "tools/call", "rounds", fmt("%s,\"requestState\":%s,\"inputResponses\":{\"one\":" YES("Ada") "}",
                                              tool_members("rounds", "{}"), one));
    two = member(r.body, "result|requestState");
    HAS(member(r.body, "result|inputRequests"), "Second?");
    LACKS(member(r.body, "result|inputRequests"), "First?");
    CHECK(strcmp(one, two) != 0);
    r = modern(w, "tools/call", "rounds", fmt("%s,\"requestState\":%s,\"inputResponses\":{\"two\":" YES("Bo") "}",
                                              tool_members("rounds", "{}"), two));
    IS(said(r.body), "\\\"Ada\\\" then \\\"Bo\\\" in 3");
    /* the first answer cannot be changed later: what is signed counts */
    r = modern(w, "tools/call", "rounds", fmt("%s,\"requestState\":%s,\"inputResponses\":{\"one\":" YES("Eve") ",\"two\":" YES("Bo") "}",
                                              tool_members("rounds", "{}"), two));
    IS(said(r.body), "\\\"Ada\\\" then \\\"Bo\\\" in 3");
    finish();
}

/* What stands in inputResponses of a request with requestState sta, made by subject, for tool and arguments. */
static reply retry(wire *w, const char *state, const char *method, const char *tool, const char *arguments)
{
    return modern(w, method, tool, fmt("\"name\":\"%s\",\"arguments\":%s,\"requestState\":%s,\"inputResponses\":{\"one\":" YES("Ada") "}",
                                       tool, arguments, state));
}

/* mrtr 4, 5: "servers MUST treat requestState as an attacker-controlled input [...] and MUST reject state that fails
 * verification": expiry, other method, other tool, other arguments, other principal, every bit. */
static void request_state_belongs_to_one_request_for_a_while(void)
{
    char state[1024];
    size_t n;
    size_t i;
    unsigned bit;
    unsigned refused = 0;
    wire *w;
    reply r;

    begin();
    world.server.state_ttl = 100;
    world.server.idle_ms = 1000000;
    start();
    w = dial(MCPT_HTTP);
    world.caps = "{\"elicitation\":{}}";
    snprintf(state, sizeof(state), "%s", member(call(w, "rounds", "{\"a\":1}").body, "result|requestState"));
    n = strlen(state);
    HAS(retry(w, state, "tools/call", "rounds", "{\"a\":1}").body, "Second?");
    HAS(retry(w, state, "tools/call", "rounds", "{\"a\":1}").body, "Second?");    /* not single-use: stated so */
    ERROR_IS(retry(w, state, "tools/call", "rounds", "{\"a\":2}"), 200, -32602, "1");
    ERROR_IS(retry(w, state, "tools/call", "rounds", "{}"), 200, -32602, "1");
    ERROR_IS(retry(w, state, "tools/call", "name", "{\"a\":1}"), 200, -32602, "1");
    ERROR_IS(retry(w, state, "prompts/get", "inquire", "{\"a\":\"1\"}"), 200, -32602, "1");
    ERROR_IS(modern(w, "tools/call", "rounds", fmt("\"name\":\"rounds\",\"requestState\":%s", state)), 200, -32602, "1");
    for (i = 1; i + 1 < n; i++) {
        for (bit = 0; bit < 7; bit++) {
            state[i] = (char)(state[i] ^ (1 << bit));
            if (state[i] >= ' ' && state[i] != '"' && state[i] != '\\' && (unsigned char)state[i] < 127) {
                r = retry(w, state, "tools/call", "rounds", "{\"a\":1}");
                refused += r.status == 200 && error_code(r.body) == -32602;
            } else {
                refused++;
            }
            state[i] = (char)(state[i] ^ (1 << bit));
        }
    }
    CHECK(refused == 7 * (n - 2));
    for (i = 1; i < n; i += 5) {      /* cut, and prolonged */
        r = retry(w, fmt("%.*s\"", (int)i, state), "tools/call", "rounds", "{\"a\":1}");
        CHECK(error_code(r.body) == -32602 || i == n - 1);
    }
    ERROR_IS(retry(w, fmt("%.*sA\"", (int)(n - 1), state), "tools/call", "rounds", "{\"a\":1}"), 200, -32602, "1");
    ERROR_IS(retry(w, fmt("%.*s-TAMPERED\"", (int)(n - 1), state), "tools/call", "rounds", "{\"a\":1}"), 200, -32602, "1");
    ERROR_IS(retry(w, "\"\"", "tools/call", "rounds", "{\"a\":1}"), 200, -32602, "1");
    ERROR_IS(retry(w, "7", "tools/call", "rounds", "{\"a\":1}"), 200, -32602, "1");
    ERROR_IS(retry(w, "null", "tools/call", "rounds", "{\"a\":1}"), 200, -32602, "1");
    ERROR_IS(retry(w, fmt("\"%s\"", times('A', 2000)), "tools/call", "rounds", "{\"a\":1}"), 200, -32602, "1");
    pass(99000);
    HAS(retry(w, state, "tools/call", "rounds", "{\"a\":1}").body, "Second?");
    pass(1000);
    ERROR_IS(retry(w, state, "tools/call", "rounds", "{\"a\":1}"), 200, -32602, "1");
    /* a server with another key, and one that has no time of day */
    world.now -= 100000;
    start();
    CHECK(world.seed != 42);
    ERROR_IS(retry(w, state, "tools/call", "rounds", "{\"a\":1}"), 200, -32602, "1");
    world.unix_time = -1;
    snprintf(state, sizeof(state), "%s", member(call(w, "rounds", "{\"a\":1}").body, "result|requestState"));
    pass(99000);
    HAS(retry(w, state, "tools/call", "rounds", "{\"a\":1}").body, "Second?");
    pass(1001);
    ERROR_IS(retry(w, state, "tools/call", "rounds", "{\"a\":1}"), 200, -32602, "1");
    finish();
}

/* mrtr 5: "the authenticated principal, rejecting state presented by a different principal". */
static void request_state_belongs_to_its_principal(void)
{
    static const struct { const char *subject, *client; bool same; } rows[] = {
        { "ada", "phone", true }, { "bob", "phone", false }, { "ada", "laptop", false }, { NULL, NULL, false }, { "ad", "aphone", false },
        { "adaphone", "", false }
    };
    mcpt_principal who;
    mcpt_field_line fields[5] = {
        { { "host", 4 }, { "localhost", 9 } }, { { "content-type", 12 }, { "application/json", 16 } },
        { { "mcp-protocol-version", 20 }, { "2026-07-28", 10 } }, { { "mcp-method", 10 }, { "tools/call", 10 } },
        { { "mcp-name", 8 }, { "rounds", 6 } }
    };
    char state[1024];
    mcpt_request q;
    wire *w;
    size_t i;

    begin();
    start();
    w = dial(MCPT_HOSTED);
    world.caps = "{\"elicitation\":{}}";
    for (i = 0; i <= MCPT_COUNT(rows); i++) {
        size_t row = i == 0 ? 0 : i - 1;

        memset(&who, 0, sizeof(who));
        memset(&q, 0, sizeof(q));
        who.subject = mcpt_z(rows[row].subject);
        who.client_id = mcpt_z(rows[row].client);
        q.who = rows[row].subject != NULL ? &who : NULL;
        q.method = mcpt_z("POST");
        q.path = mcpt_z("/mcp");
        q.fields = fields;
        q.nfields = 5;
        q.body = mcpt_z(modern_body("tools/call", i == 0 ? tool_members("rounds", "{}") :
                        fmt("%s,\"requestState\":%s,\"inputResponses\":{\"one\":" YES("Ada") "}", tool_members("rounds", "{}"), state)));
        CHECK(mcpt_conn_request(&w->conn, &q) == MCPT_OK);
        w->closed = w->head_known = false;
        w->out_len = 0;
        pump(w);
        w->out[w->out_len] = '\0';
        if (i == 0) {
            snprintf(state, sizeof(state), "%s", member(w->out, "result|requestState"));
        } else {
            CHECK(error_code(w->out) == (rows[row].same ? 0 : -32602));
        }
    }
    finish();
}

/* Without a key, without crypto: one round works, state is refused, never believed. */
static void without_a_signature_there_is_no_request_state(void)
{
    static const char key[] = "the key that processes share ...";
    char state[1024];
    wire *w;
    reply r;

    begin();
    world.no_crypto = true;
    start();
    w = dial(MCPT_HTTP);
    world.caps = "{\"elicitation\":{}}";
    r = call(w, "name", "{}");
    IS(member(r.body, "result|resultType"), "\"input_required\"");
    IS(member(r.body, "result|requestState"), "");
    r = modern(w, "tools/call", "name", fmt("%s,\"inputResponses\":{\"name\":" YES("Ada") "}", tool_members("name", "{}")));
    IS(said(r.body), "hello Ada");
    ERROR_IS(modern(w, "tools/call", "name", fmt("%s,\"requestState\":\"AAAA\"", tool_members("name", "{}"))), 200, -32602, "1");
    world.no_crypto = false;
    finish();
    /* configured by the application: two hubs understand each other */
    begin();
    world.server.state_key = key;
    start();
    w = dial(MCPT_HTTP);
    world.caps = "{\"elicitation\":{}}";
    snprintf(state, sizeof(state), "%s", member(call(w, "rounds", "{}").body, "result|requestState"));
    finish();
    world.seed = 99;
    start();
    w = dial(MCPT_HTTP);
    HAS(retry(w, state, "tools/call", "rounds", "{}").body, "Second?");
    finish();
    w = dial(MCPT_HTTP);              /* nor does it need a hub */
    HAS(retry(w, state, "tools/call", "rounds", "{}").body, "Second?");
    finish();
}

/* -- results */

/* server/tools, Tool Result: text, image, audio, resource links, embedded resources, structured content; the writer refuses what would
 * not be a result, and the client is told that much. */
static void every_kind_of_content_comes_out_as_specified(void)
{
    unsigned misuse;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.caps = "{\"elicitation\":{}}";
    r = call(w, "verbs", "{}");
    IS(member(r.body, "result|content"), "[{\"type\":\"text\",\"text\":\"a\\\"b\xe2\x82\xac\"},{\"type\":\"image\",\"data\":\"iVBO\",\"mimeType\":\"image/png\"},"
       "{\"type\":\"audio\",\"data\":\"UklGRg==\",\"mimeType\":\"audio/wav\"},{\"type\":\"resource_link\",\"uri\":\"dev://now\",\"name\":\"now\"},"
       "{\"type\":\"resource\",\"resource\":{\"uri\":\"dev://e\",\"mimeType\":\"text/plain\",\"text\":\"inside\"}},"
       "{\"type\":\"resource\",\"resource\":{\"uri\":\"dev://b\",\"blob\":\"\"}},{\"type\":\"text\",\"text\":\"own\"}]");
    IS(member(r.body, "result|structuredContent"), "{\"celsius\":21.37}");
    IS(member(r.body, "result|isError"), "");
    for (misuse = 1; misuse <= 11; misuse++) {
        r = call(w, "verbs", fmt("{\"misuse\":%u}", misuse));
        text_check(r.status == 200 && error_code(r.body) == -32603, __FILE__, __LINE__, r.body, fmt("%u", misuse), "-32603");
    }
    CHECK(call(w, "echo", "{}").status == 200);
    finish();
}

/* -- limits of use */

/* server/tools, Security Considerations: "Servers MUST: [...] Rate limit tool invocations". */
static void tools_are_rate_limited_each(void)
{
    wire *w;
    reply r;

    begin();
    world.server.idle_ms = 100000000;
    start();
    w = dial(MCPT_HTTP);
    CHECK(member(call(w, "limited", "{}").body, "result|isError")[0] == '\0');
    CHECK(member(call(w, "limited", "{}").body, "result|isError")[0] == '\0');
    CHECK(probe.audits == 2);
    r = call(w, "limited", "{}");     /* burst 2 */
    CHECK(r.status == 200);
    IS(member(r.body, "result|isError"), "true");
    CHECK(probe.runs == 2 && probe.audits == 3 && probe.audit.result == MCPT_E_LIMIT);
    IS(probe.tool, "limited");
    CHECK(member(call(w, "echo", "{}").body, "result|isError")[0] == '\0');    /* its own limit only */
    pass(1050);                       /* one a second */
    CHECK(member(call(w, "limited", "{}").body, "result|isError")[0] == '\0');
    IS(member(call(w, "limited", "{}").body, "result|isError"), "true");
    pass(600000);
    CHECK(member(call(w, "limited", "{}").body, "result|isError")[0] == '\0');
    CHECK(member(call(w, "limited", "{}").body, "result|isError")[0] == '\0');
    IS(member(call(w, "limited", "{}").body, "result|isError"), "true");
    CHECK(member(call(w, "rare", "{}").body, "result|isError")[0] == '\0');
    pass(59000);
    IS(member(call(w, "rare", "{}").body, "result|isError"), "true");
    pass(1100);
    CHECK(member(call(w, "rare", "{}").body, "result|isError")[0] == '\0');
    pass(3600000);                    /* a long time is no less than a short one */
    CHECK(member(call(w, "rare", "{}").body, "result|isError")[0] == '\0');
    IS(member(call(w, "rare", "{}").body, "result|isError"), "true");
    world.now = 0xffffffff - 500;     /* across the wrap of the clock */
    CHECK(member(call(w, "limited", "{}").body, "result|isError")[0] == '\0');
    CHECK(member(call(w, "limited", "{}").body, "result|isError")[0] == '\0');
    world.now += 1500;
    CHECK(member(call(w, "limited", "{}").body, "result|isError")[0] == '\0');
    IS(member(call(w, "limited", "{}").body, "result|isError"), "true");
    finish();
}

/* mcpt_server.audit: every call of a tool that ended, how and after how long. */
static void every_tool_call_is_reported_to_the_audit_hook(void)
{
    wire *w;

    begin();
    start();
    w = dial(MCPT_HTTP);
    (void)call(w, "echo", "{}");
    CHECK(probe.audits == 1 && probe.audit.result == MCPT_OK && !probe.audit.is_error && probe.audit.who == NULL);
    IS(probe.tool, "echo");
    (void)call(w, "answer", "{\"err\":1}");
    CHECK(probe.audits == 2 && probe.audit.result == MCPT_OK && probe.audit.is_error);
    (void)call(w, "answer", fmt("{\"err\":%d}", MCPT_E_IO));
    CHECK(probe.audits == 3 && probe.audit.result == MCPT_E_IO);
    (void)call(w, "answer", "{\"err\":3}");
    CHECK(probe.audits == 4 && probe.audit.result == MCPT_E_STATE);
    (void)call(w, "bulk", "{\"n\":9999}");
    CHECK(probe.audits == 5 && probe.audit.result == MCPT_E_SPACE);
    (void)call(w, "wait", "{}");
    pass(1234);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    (void)take(w);
    CHECK(probe.audits == 6 && probe.audit.millis == 1234);
    (void)call(w, "nope", "{}");
    (void)modern(w, "prompts/get", "greet", "\"name\":\"greet\",\"arguments\":{\"name\":\"A\"}");
    (void)modern(w, "tools/list", NULL, "");
    CHECK(probe.audits == 6);
    (void)call(w, "name", "{}");
    CHECK(probe.audits == 7 && probe.audit.result == MCPT_E_CAPABILITY);
    finish();
}

/* Random that fails: what needs it refuses, nothing weaker takes its place. */
static void without_random_there_are_no_sessions_tasks_or_states(void)
{
    wire *w;
    reply r;

    begin();
    world.no_random = true;
    CHECK(mcpt_hub_init(&world.hub, &world.server, &world.mem) == MCPT_E_RANDOM);
    world.no_random = false;
    start();
    w = dial(MCPT_HTTP);
    world.no_random = true;
    r = legacy(w, NULL, "initialize", initialize_members("2025-11-25", "{}"));
    CHECK(r.status == 503);
    IS(header(r, "Mcp-Session-Id"), "");
    world.caps = "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";
    for (size_t i = 0; i <= world.mem.nslots; i++) {
        CHECK(error_code(call(w, "chore", "{}").body) == -32603);
    }
    CHECK(call(w, "echo", "{}").status == 200);
    world.no_random = false;
    HAS(call(w, "chore", "{}").body, "\"resultType\":\"task\"");   /* none of them has kept a slot */
    finish();
}

int main(void)
{
    progress_is_sent_to_who_asked_and_increases();
    events_leave_room_for_the_answer();
    log_messages_flow_when_asked_for_at_or_above_the_level();
    a_suspended_call_streams_what_it_reports_meanwhile();
    a_call_that_comes_back_at_once_does_not_block_others();
    a_disconnect_cancels();
    a_question_becomes_an_input_required_result_and_its_answer_reaches_the_tool();
    answers_that_do_not_fit_are_asked_for_again();
    questions_the_client_does_not_support_answer_missing_capability();
    several_questions_go_out_together();
    rounds_are_carried_by_request_state();
    request_state_belongs_to_one_request_for_a_while();
    request_state_belongs_to_its_principal();
    without_a_signature_there_is_no_request_state();
    every_kind_of_content_comes_out_as_specified();
    tools_are_rate_limited_each();
    every_tool_call_is_reported_to_the_audit_hook();
    without_random_there_are_no_sessions_tasks_or_states();
    return test_end();
}
