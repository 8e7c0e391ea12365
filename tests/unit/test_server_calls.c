/* Calls of handlers in the modern era (2026-07-28): progress, logging, cancellation, questions (MRTR) and requestState, tasks,
 * subscriptions, rate limits, audit. The quotes are from that revision where none is named. */
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
        w->closed = false;
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
    static const char key[32] = "the key that processes share ...";
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

/* -- subscriptions */

#define LISTEN(filter) fmt("\"notifications\":%s", (filter))

/* basic/patterns/subscriptions: acknowledgment first, only what was asked for, every message tagged; several at once. */
static void listeners_get_what_they_asked_for_tagged_with_their_id(void)
{
    wire *w;
    wire *v;
    wire *x;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    x = dial(MCPT_HTTP);
    world.id = "1732339000123";
    r = modern(w, "subscriptions/listen", NULL, LISTEN("{\"toolsListChanged\":true,\"promptsListChanged\":false,\"unknown\":true,"
                                                       "\"resourceSubscriptions\":[\"dev://text\",\"dev://now\",\"dev://text\",7,\"\"]}"));
    CHECK(r.status == 200 && r.stream && !r.whole && r.closes == false);
    IS(header(r, "Cache-Control"), "no-cache");
    IS(header(r, "X-Accel-Buffering"), "no");
    IS(event(r.body, 0), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"_meta\":{\"" META
       "subscriptionId\":1732339000123},\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"dev://text\",\"dev://now\"]}}}");
    world.id = "\"\"";
    r = modern(v, "subscriptions/listen", NULL, LISTEN("{\"promptsListChanged\":true,\"resourcesListChanged\":true}"));
    HAS(r.body, "subscriptionId\":\"\"}");
    world.id = "\"x\\u00e9\"";
    r = modern(x, "subscriptions/listen", NULL, LISTEN("{}"));
    HAS(r.body, "\"notifications\":{}}");
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS | MCPT_CHANGED_PROMPTS | MCPT_CHANGED_RESOURCES);
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);                /* what is not sent yet is not sent twice */
    mcpt_hub_updated(&world.hub, "dev://now");
    mcpt_hub_updated(&world.hub, "dev://blob");
    mcpt_hub_updated(&world.hub, "dev://nowhere");
    settle();
    r = take(w);
    IS(event(r.body, 1), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{\"_meta\":{\"" META
       "subscriptionId\":1732339000123}}}");
    IS(event(r.body, 2), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"_meta\":{\"" META
       "subscriptionId\":1732339000123},\"uri\":\"dev://now\"}}");
    IS(event(r.body, 3), "");
    r = take(v);
    HAS(event(r.body, 1), "notifications/prompts/list_changed");
    HAS(event(r.body, 2), "notifications/resources/list_changed");
    IS(event(r.body, 3), "");
    IS(event(take(x).body, 1), "");
    mcpt_hub_updated(&world.hub, "dev://text");
    mcpt_hub_updated(&world.hub, "dev://now");
    settle();
    CHECK(count(take(w).body, "resources/updated") == 3);
    /* Graceful Closure: a result, then the end of the stream. */
    mcpt_hub_close(&world.hub);
    settle();
    r = take(w);
    CHECK(r.whole);
    IS(event(r.body, 5), "{\"jsonrpc\":\"2.0\",\"id\":1732339000123,\"result\":{\"resultType\":\"complete\",\"_meta\":{\"" META
       "subscriptionId\":1732339000123}}}");
    CHECK(take(v).whole && take(x).whole);
    world.id = "5";
    CHECK(call(w, "echo", "{}").status == 200);    /* the connection lives on */
    finish();
}

/* Capacity is a limit like every other: -32603; a stream that is closed makes room. protocol.md 2.4, 4.8. */
static void listeners_beyond_the_table_are_refused(void)
{
    wire *w[4];
    reply r;
    size_t i;

    begin();
    start();
    for (i = 0; i < 4; i++) {
        w[i] = dial(MCPT_HTTP);
        r = modern(w[i], "subscriptions/listen", NULL, LISTEN("{}"));
        CHECK(i < 3 ? r.stream : r.json);
    }
    ERROR_IS(r, 200, -32603, "1");
    hang_up(w[1]);
    r = modern(w[3], "subscriptions/listen", NULL, LISTEN("{}"));
    CHECK(r.stream && !r.whole);
    finish();
    begin();
    start();
    w[0] = dial(MCPT_HTTP);
    ERROR_IS(modern(w[0], "subscriptions/listen", NULL, ""), 200, -32602, "1");
    ERROR_IS(modern(w[0], "subscriptions/listen", NULL, LISTEN("[]")), 200, -32602, "1");
    ERROR_IS(modern(w[0], "subscriptions/listen", NULL, LISTEN("true")), 200, -32602, "1");
    world.accept = "application/json";
    ERROR_IS(modern(w[0], "subscriptions/listen", NULL, LISTEN("{}")), 200, -32603, "1");
    world.accept = "text/event-stream";
    r = modern(w[0], "subscriptions/listen", NULL, LISTEN("{\"resourceSubscriptions\":[\"dev://hidden\",\"dev://now\",\"other://x\"]}"));
    IS(member(event(r.body, 0), "params|notifications"), "{\"resourceSubscriptions\":[\"dev://now\"]}");
    mcpt_hub_updated(&world.hub, "dev://hidden");
    settle();
    IS(event(take(w[0]).body, 1), "");
    finish();
    /* more URIs than MCPT_SUBSCRIPTIONS bytes hold: those that fit are acknowledged, the others are not */
    begin();
    world.rx = 8192;
    start();
    {
        char list[4096] = "";
        unsigned k;

        for (k = 0; k < 40; k++) {
            strcat(list, fmt("%s\"dev://item/%02u\"", k != 0 ? "," : "", k));
        }
        w[0] = dial(MCPT_HTTP);
        r = modern(w[0], "subscriptions/listen", NULL, LISTEN(fmt("{\"resourceSubscriptions\":[%s]}", list)));
        HAS(r.body, "dev://item/16");
        LACKS(r.body, "dev://item/18");
        mcpt_hub_updated(&world.hub, "dev://item/16");
        mcpt_hub_updated(&world.hub, "dev://item/39");
        settle();
        r = take(w[0]);
        HAS(event(r.body, 1), "dev://item/16");
        IS(event(r.body, 2), "");
    }
    finish();
}

/* -- tasks extension */

static const char *const caps_tasks = "{\"elicitation\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";

static reply task(wire *w, const char *method, const char *id, const char *more)
{
    return modern(w, method, id, fmt("\"taskId\":\"%s\"%s", id, more));
}

static const char *new_task(wire *w, const char *arguments)
{
    static char ids[8][40];
    static unsigned next;
    char *id = ids[next++ % 8];
    reply r = call(w, "chore", arguments);

    CHECK(r.status == 200);
    IS(member(r.body, "result|resultType"), "\"task\"");
    snprintf(id, 40, "%s", member_text(r.body, "result|taskId"));
    CHECK(strlen(id) == 32);
    return id;
}

/* ext-tasks: CreateTaskResult, "A server MUST NOT return CreateTaskResult until the task is durably created"; polling; result. */
static void a_task_is_created_polled_and_completed(void)
{
    const char *id;
    wire *w;
    reply r;

    begin();
    probe.ttl = 60000;
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    world.meta = ",\"progressToken\":1,\"" META "logLevel\":\"debug\"";
    r = call(w, "chore", "{}");
    CHECK(r.json);                    /* "notifications/progress and notifications/message [...] are not supported on tasks" */
    IS(member(r.body, "result|status"), "\"working\"");
    IS(member(r.body, "result|createdAt"), "\"2023-11-14T22:13:21Z\"");
    IS(member(r.body, "result|ttlMs"), "60000");
    IS(member(r.body, "result|pollIntervalMs"), "250");
    IS(member(r.body, "result|requestState"), "");
    id = fmt("%s", member_text(r.body, "result|taskId"));
    world.meta = "";
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|resultType"), "\"complete\"");
    IS(member(r.body, "result|status"), "\"working\"");
    IS(member(r.body, "result|statusMessage"), "\"busy\"");
    IS(member(r.body, "result|result"), "");
    CHECK(probe.task && probe.conn_user == NULL);
    hang_up(w);                       /* a task outlives its connection */
    pass(5000);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    w = dial(MCPT_HTTP);
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"completed\"");
    IS(member(r.body, "result|lastUpdatedAt"), "\"2023-11-14T22:13:26Z\"");
    IS(member(r.body, "result|result|content|0|text"), "\"ccccc\"");
    IS(member(r.body, "result|result|resultType"), "\"complete\"");
    IS(member(r.body, "result|error"), "");
    CHECK(probe.audits == 1 && probe.audit.result == MCPT_OK);
    pass(54999);
    CHECK(error_code(task(w, "tasks/get", id, "").body) == 0);
    pass(1);                          /* ttlMs from creation */
    ERROR_IS(task(w, "tasks/get", id, ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/cancel", id, ""), 200, -32602, "1");
    /* isError is a result: completed; a JSON-RPC error: failed */
    id = new_task(w, "{\"fail\":1}");
    settle();
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"completed\"");
    IS(member(r.body, "result|result|isError"), "true");
    id = new_task(w, "{\"error\":1}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"failed\"");
    IS(member(r.body, "result|error|code"), "-32603");
    IS(member(r.body, "result|result"), "");
    id = new_task(w, "{\"more\":1}");      /* pieces go nowhere in a task: an error, never half a result */
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"failed\"");
    finish();
}

/* ext-tasks, Protocol Errors: unknown ids -32602, undeclared clients -32021; ids are unguessable and spelt one way. */
static void tasks_are_for_clients_that_declare_them(void)
{
    const char *id;
    char upper[40];
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    r = call(w, "chore", "{\"n\":3}");     /* not required: runs as a plain call */
    CHECK(r.status == 0);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    IS(said(take(w).body), "ccc");
    probe.done = false;
    probe.task_required = true;
    r = call(w, "chore", "{}");
    ERROR_IS(r, 400, -32021, "1");
    IS(member(r.body, "error|data|requiredCapabilities"), "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
    ERROR_IS(task(w, "tasks/get", "00000000000000000000000000000000", ""), 400, -32021, "1");
    ERROR_IS(task(w, "tasks/update", "00000000000000000000000000000000", ",\"inputResponses\":{}"), 400, -32021, "1");
    r = task(w, "tasks/cancel", "00000000000000000000000000000000", "");
    ERROR_IS(r, 400, -32021, "1");
    /* "Servers MUST return this error for non-declaring clients requesting task notifications on subscriptions/listen." */
    r = modern(w, "subscriptions/listen", NULL, LISTEN("{\"taskIds\":[\"00000000000000000000000000000000\"]}"));
    ERROR_IS(r, 400, -32021, "1");
    IS(member(r.body, "error|data|requiredCapabilities"), "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
    world.caps = caps_tasks;
    id = new_task(w, "{}");
    ERROR_IS(task(w, "tasks/get", "00000000000000000000000000000000", ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/get", "x", ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/get", fmt("%s0", id), ""), 200, -32602, "1");
    snprintf(upper, sizeof(upper), "%s", id);
    for (i = 0; i < 32; i++) {
        upper[i] = (char)(upper[i] >= 'a' ? upper[i] - 32 : upper[i]);
    }
    ERROR_IS(task(w, "tasks/get", upper, ""), 200, -32602, "1");
    ERROR_IS(modern(w, "tasks/get", NULL, ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/update", id, ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/update", id, ",\"inputResponses\":[]"), 200, -32602, "1");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|ttlMs"), "null");
    finish();
}

/* ext-tasks, Task Cancellation: "the server MUST acknowledge the request with an empty result"; the handler is told; cancelling
 * again, or what has ended, is acknowledged all the same. */
static void cancelling_a_task_tells_its_handler(void)
{
    const char *id;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    id = new_task(w, "{}");
    r = task(w, "tasks/cancel", id, "");
    IS(member(r.body, "result"), "{\"resultType\":\"complete\",\"_meta\":{\"" META "serverInfo\":{\"name\":\"dev\",\"version\":\"1\"}}}");
    CHECK(probe.cancels == 1 && probe.audit.result == MCPT_E_CANCELLED);
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"cancelled\"");
    IS(member(r.body, "result|result"), "");
    CHECK(task(w, "tasks/cancel", id, "").status == 200 && probe.cancels == 1);
    mcpt_wake(probe.ticket);          /* too late */
    settle();
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"cancelled\"");
    probe.done = true;
    id = new_task(w, "{}");
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"completed\"");
    CHECK(task(w, "tasks/cancel", id, "").status == 200);
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"completed\"");
    id = new_task(w, "{\"ask\":true}");    /* while it waits for answers */
    r = task(w, "tasks/cancel", id, "");
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"cancelled\"");
    CHECK(probe.cancels == 2);
    finish();
}

/* ext-tasks, Task Update Requests: partial answers, unknown and answered keys ignored, keys never used twice. */
static void a_task_asks_and_is_answered_in_parts(void)
{
    const char *id;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    id = new_task(w, "{\"ask\":true}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"input_required\"");
    HAS(member(r.body, "result|inputRequests|name"), "\"method\":\"elicitation/create\"");
    HAS(member(r.body, "result|inputRequests|other"), "Sure?");
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"nobody\":" YES("X") ",\"name\":7}");
    IS(member(r.body, "result|resultType"), "\"complete\"");
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"name\":" YES("Ada") "}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"input_required\"");
    IS(member(r.body, "result|inputRequests|name"), "");
    HAS(member(r.body, "result|inputRequests|other"), "Sure?");
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"name\":" YES("Eve") "}");    /* answered already */
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"input_required\"");
    probe.done = true;
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"other\":" YES("Bo") "}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"completed\"");
    IS(member(r.body, "result|result|content|0|text"), "\"ccccc\"");
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"other\":" YES("Bo") "}");    /* nothing outstanding */
    CHECK(r.status == 200 && error_code(r.body) == 0);
    id = new_task(w, "{\"ask\":true}");
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"other\":{\"action\":\"decline\"},\"name\":" YES("Ada") "}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"completed\"");
    IS(member(r.body, "result|result|isError"), "true");
    finish();
}

/* ext-tasks, Task Status Notifications: "Each notification carries a complete DetailedTask [...] identical to what tasks/get
 * would have returned at that moment." */
static void listeners_hear_of_their_tasks(void)
{
    const char *id;
    const char *other;
    wire *w;
    wire *v;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    id = new_task(w, "{\"ask\":true}");
    other = new_task(w, "{}");
    world.id = "\"L\"";
    r = modern(v, "subscriptions/listen", NULL, LISTEN(fmt("{\"taskIds\":[\"%s\",\"zz\",7,\"00000000000000000000000000000000\"]}", id)));
    HAS(event(r.body, 0), fmt("\"notifications\":{\"taskIds\":[\"%s\"", id));
    world.id = "1";
    (void)task(w, "tasks/update", id, ",\"inputResponses\":{\"name\":" YES("Ada") ",\"other\":" YES("Bo") "}");
    settle();
    r = take(v);
    IS(member(event(r.body, count(r.body, "data: ") - 1), "params|status"), "\"completed\"");
    IS(member(event(r.body, count(r.body, "data: ") - 1), "params|result|content|0|text"), "\"ccccc\"");
    IS(member(event(r.body, 1), "method"), "\"notifications/tasks\"");
    IS(member(event(r.body, 1), "params|_meta"), "{\"" META "subscriptionId\":\"L\"}");
    IS(member(event(r.body, 1), "params|taskId"), fmt("\"%s\"", id));
    LACKS(r.body, other);
    finish();
}

/* Tables are bounded: no slot, no task. Expired results make room; a result that does not fit is an error that says so. */
static void task_slots_are_bounded(void)
{
    const char *id = "";
    size_t i;
    size_t size;
    wire *w;
    reply r;

    begin();
    probe.ttl = 1000;
    probe.done = true;
    probe.task_required = true;
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    for (i = 0; i < 4; i++) {
        id = new_task(w, "{}");
    }
    r = call(w, "chore", "{}");
    CHECK(error_code(r.body) == -32603);
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"completed\"");
    probe.task_required = false;
    IS(said(call(w, "chore", "{}").body), "ccccc");                  /* not required: plainly */
    pass(1000);
    id = new_task(w, "{\"n\":3000}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"failed\"");
    HAS(member(r.body, "result|error|message"), "the answer needs 3139 bytes");
    finish();
    /* whatever a slot's size: a task, or none, and always JSON */
    for (size = 300; size < 700; size++) {
        begin();
        probe.done = true;
        world.mem.slot_size = size;
        start();
        w = dial(MCPT_HTTP);
        world.caps = caps_tasks;
        r = call(w, "chore", "{\"n\":40}");
        CHECK(r.status == 200 && error_code(r.body) == 0);
        if (strstr(r.body, "taskId") != NULL) {
            r = task(w, "tasks/get", member_text(r.body, "result|taskId"), "");
            HAS("\"completed\" \"failed\"", member(r.body, "result|status"));
            CHECK(member(r.body, "result|result")[0] == '{' || member(r.body, "result|error|code")[0] == '-');
        }
        finish();
    }
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
    world.caps = caps_tasks;
    r = call(w, "chore", "{}");
    CHECK(error_code(r.body) == -32603);
    CHECK(call(w, "echo", "{}").status == 200);
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
    listeners_get_what_they_asked_for_tagged_with_their_id();
    listeners_beyond_the_table_are_refused();
    a_task_is_created_polled_and_completed();
    tasks_are_for_clients_that_declare_them();
    cancelling_a_task_tells_its_handler();
    a_task_asks_and_is_answered_in_parts();
    listeners_hear_of_their_tasks();
    task_slots_are_bounded();
    tools_are_rate_limited_each();
    every_tool_call_is_reported_to_the_audit_hook();
    without_random_there_are_no_sessions_tasks_or_states();
    return test_end();
}
