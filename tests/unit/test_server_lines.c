/* The server over lines: stdio, UART, USB-CDC, any byte stream. One JSON-RPC message a line, both directions at once.
 * 2026-07-28 basic/transports/stdio: "Messages are delimited by newlines, and MUST NOT contain embedded newlines."
 * "The server MUST NOT write anything to its stdout that is not a valid MCP message." */
#include "device.h"

#define YES(name) "{\"action\":\"accept\",\"content\":{\"name\":\"" name "\"}}"
static const char *const caps_all = "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}";

/* One message in, the next line out. */
static const char *ask(wire *w, const char *message)
{
    put(w, fmt("%s\n", message));
    return line(w);
}

static const char *ask_tool(wire *w, const char *tool, const char *arguments)
{
    return ask(w, modern_body("tools/call", tool_members(tool, arguments)));
}

static const char *ask_legacy(wire *w, const char *id, const char *tool, const char *arguments)
{
    return ask(w, legacy_body(id, "tools/call", tool_members(tool, arguments)));
}

static void shake_hands(wire *w, const char *version, const char *caps)
{
    HAS(ask(w, legacy_body("0", "initialize", initialize_members(version, caps))), fmt("\"protocolVersion\":\"%s\"", version));
    IS(ask(w, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"), "");
}

/* -- framing */

/* CRLF ends a line like LF; empty lines are skipped. */
static void a_message_is_a_line(void)
{
    const char *echo;
    wire *w;

    begin();
    start();
    w = dial(MCPT_LINES);
    echo = modern_body("tools/call", tool_members("echo", "{\"text\":\"a\\nb\xe2\x82\xac\"}"));
    IS(said(ask(w, echo)), "a\\nb\xe2\x82\xac");
    put(w, fmt("%s\r\n\r\n\n\n%s\r\n", echo, modern_body("tools/call", tool_members("echo", "{}"))));
    IS(said(line(w)), "a\\nb\xe2\x82\xac");
    IS(said(line(w)), "nothing");
    IS(line(w), "");
    put(w, modern_body("tools/call", tool_members("echo", "{}")));   /* no end of line yet */
    IS(line(w), "");
    put(w, "\n");
    IS(said(line(w)), "nothing");
    CHECK(memchr(w->out, '\r', w->out_len) == NULL);
    put(w, "{\"jsonrpc\":\"2.0\",\"id\":1,\n");                       /* embedded newlines are two broken lines */
    HAS(line(w), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700");
    put(w, "\"method\":\"ping\"}\n");
    HAS(line(w), "\"code\":-32700");
    CHECK(!w->closed);
    IS(said(ask_tool(w, "echo", "{}")), "nothing");
    finish();
}

/* A line that is too long: an error without id, what follows up to its end is discarded, the next line is read as such. */
static void a_line_that_is_too_long_is_dropped_up_to_its_end(void)
{
    const char *echo;
    size_t i;
    wire *w;

    begin();
    start();
    echo = fmt("%s\n", modern_body("tools/call", tool_members("echo", "{}")));
    for (i = strlen(echo) < 512 ? 512 : strlen(echo); i < 700; i += 17) {
        const char *long_line = times('x', i);

        world.rx = i;
        w = dial(MCPT_LINES);
        put(w, fmt("%s\n%s", long_line, echo));                      /* one byte more than fits */
        HAS(line(w), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600");
        IS(said(line(w)), "nothing");
        IS(line(w), "");
        put(w, fmt("%s%s%s%s", long_line, long_line, long_line, long_line));
        HAS(line(w), "\"code\":-32600");
        IS(line(w), "");              /* told once */
        put(w, fmt("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r\n%s", echo));
        IS(said(line(w)), "nothing"); /* what looked like a message was the end of the long line */
        IS(line(w), "");
        put(w, fmt("%.*s\n%s", (int)(i - 1), long_line, echo));      /* exactly full */
        HAS(line(w), "\"code\":-32700");
        IS(said(line(w)), "nothing");
        IS(line(w), "");
        hang_up(w);
    }
    finish();
}

/* Not JSON, not JSON-RPC: an error without id, and the next line is a new chance. */
static void errors_are_told_in_band_and_the_stream_goes_on(void)
{
    static const struct { const char *text; int error; } rows[] = {
        { "booting ...", -32700 }, { "\xff\xfe", -32700 }, { "{}", -32600 }, { "7", -32600 }, { "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", -32600 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":1,\"method\":\"x\"}", -32600 }, { "[1]", -32600 }, { "   ", -32700 }
    };
    size_t i;
    wire *w;

    begin();
    start();
    w = dial(MCPT_LINES);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        const char *got = ask(w, rows[i].text);

        text_check(error_code(got) == rows[i].error, __FILE__, __LINE__, got, rows[i].text, "");
        IS(member(got, "id"), "");
        IS(line(w), "");
    }
    CHECK(error_code(ask(w, modern_body("no/such", ""))) == -32601);
    CHECK(error_code(ask(w, modern_body("initialize", ""))) == -32601);
    world.meta = "";
    CHECK(error_code(ask(w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{\"_meta\":{\"" META "protocolVersion\":\"v9\",\"" META
                     "clientCapabilities\":{}}}}")) == -32022);
    CHECK(error_code(ask(w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{\"_meta\":{\"" META "protocolVersion\":\"2026-07-28\"}}}")) == -32602);
    IS(ask(w, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/any\"}"), "");
    IS(ask(w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"), "");
    IS(said(ask_tool(w, "routed", "{\"region\":\"eu\"}")), "{\\\"arguments\\\":{\\\"region\\\":\\\"eu\\\"}}");    /* no headers here */
    finish();
}

/* Tables are written by people, over several lines; a message must not be. */
static void schemas_of_several_lines_are_listed_on_one(void)
{
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_LINES);
    HAS(ask(w, modern_body("tools/list", "")), "\"inputSchema\":{  \"type\": \"object\",  \"properties\": { \"text\": {    \"type\": \"string\" } }}");
    IS(line(w), "");
    put(w, "{\"jsonrpc\":\"2.0\",\r \"id\":1,\r\"method\":\"nope\"}\n");    /* CR is white space inside JSON */
    CHECK(error_code(line(w)) != -32700);
    hang_up(w);
    w = dial(MCPT_HTTP);              /* nor an event */
    world.accept = "text/event-stream";
    r = modern(w, "tools/list", NULL, "");
    CHECK(r.stream && r.whole);
    HAS(event(r.body, 0), "\"name\":\"pretty\"");
    r = call(w, "echo", "{\n\r\n\"text\":\n\"x\"\r\n}");              /* JSON of the client's that comes back */
    IS(said(event(r.body, 0)), "x");
    finish();
}

/* -- both eras */

/* Which era it is, each message says, as over HTTP; the legacy one has one session for the stream. */
static void both_eras_share_a_stream(void)
{
    const char *q;
    wire *w;

    begin();
    start();
    w = dial(MCPT_LINES);
    HAS(ask(w, modern_body("server/discover", "")), "\"supportedVersions\":[\"2026-07-28\"]");
    shake_hands(w, "2025-06-18", caps_all);
    /* basic/lifecycle: once */
    CHECK(error_code(ask(w, legacy_body("1", "initialize", initialize_members("2025-06-18", "{}")))) == -32600);
    IS(said(ask_legacy(w, "1", "echo", "{}")), "nothing");
    IS(ask(w, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}"), "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    q = ask_legacy(w, "3", "name", "{}");
    IS(member(q, "method"), "\"elicitation/create\"");
    HAS(ask_tool(w, "echo", "{}"), "\"resultType\":\"complete\"");
    CHECK(error_code(ask_tool(w, "name", "{}")) == -32021);          /* the handshake's capabilities are not this request's */
    HAS(ask(w, fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}", member(q, "id"), YES("Ada"))), "\"id\":3,\"result\":{\"content\"");
    HAS(ask(w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nope\"}"), "-32601");
    finish();
    begin();                          /* a client that skips the handshake is understood */
    start();
    w = dial(MCPT_LINES);
    IS(said(ask_legacy(w, "1", "echo", "{}")), "nothing");
    shake_hands(w, "2025-11-25", "{}");
    finish();
    begin();                          /* without a hub: no sessions, no questions, but calls */
    w = dial(MCPT_LINES);
    HAS(ask(w, legacy_body("0", "initialize", initialize_members("2025-11-25", caps_all))), "2025-11-25");
    IS(said(ask_legacy(w, "1", "echo", "{}")), "nothing");
    IS(member(ask_legacy(w, "1", "name", "{}"), "result|isError"), "true");
    IS(ask_legacy(w, "1", "wait", "{}"), "");
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    IS(said(line(w)), "waited 1");
    finish();
}

/* 2025-03-26: a batch is a line, and so is its answer. */
static void a_batch_is_one_line_and_so_is_its_answer(void)
{
    wire *w;

    begin();
    start();
    w = dial(MCPT_LINES);
    shake_hands(w, "2025-03-26", caps_all);
    IS(ask(w, " [{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"method\":\"x\"} , {\"jsonrpc\":\"2.0\",\"id\":\"2\",\"method\":\"ping\"}]"),
       "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}},{\"jsonrpc\":\"2.0\",\"id\":\"2\",\"result\":{}}]");
    IS(ask(w, "[{\"jsonrpc\":\"2.0\",\"method\":\"x\"},{\"jsonrpc\":\"2.0\",\"id\":\"1.x\",\"result\":{}}]"), "");
    HAS(ask(w, "[]"), "-32600");
    HAS(ask(w, "[1,2]"), "-32600");
    HAS(ask(w, fmt("[%s]", modern_body("tools/list", ""))), "-32600");
    /* a call that takes its time, progress that has no line of its own */
    IS(ask(w, fmt("[%s,{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\"}]",
                  legacy_body("8", "tools/call", fmt("%s,\"_meta\":{\"progressToken\":1}", tool_members("wait", "{}"))))), "");
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    HAS(line(w), "\"waited 1\"}]}},{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}]");
    IS(ask(w, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"}"), "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}");
    /* a question has none either: the call is told, and nothing hangs */
    HAS(ask(w, fmt("[%s]", legacy_body("8", "tools/call", tool_members("name", "{}")))), "\"id\":8,");
    finish();
}

/* -- several at once */

/* Several requests may be in flight, answers come in any order, each in one line. */
static void calls_overlap_on_one_line(void)
{
    mcpt_ticket first;
    wire *w;

    begin();
    start();
    w = dial(MCPT_LINES);
    world.id = "1";
    IS(ask_tool(w, "wait", "{}"), "");
    first = probe.ticket;
    world.id = "2";
    IS(ask_tool(w, "wait", "{}"), "");
    world.id = "3";
    IS(said(ask_tool(w, "echo", "{}")), "nothing");
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    HAS(line(w), "\"id\":2,");
    mcpt_wake(first);
    settle();
    HAS(line(w), "\"id\":1,");
    IS(line(w), "");
    CHECK(world.hub.jobs == NULL);
    /* progress of one beside the other */
    probe.done = false;
    world.id = "4";
    world.meta = ",\"progressToken\":\"p4\"";
    HAS(ask_tool(w, "wait", "{}"), "\"progressToken\":\"p4\"");
    world.meta = "";
    world.id = "5";
    IS(said(ask_tool(w, "echo", "{}")), "nothing");
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    HAS(line(w), "\"id\":4,");
    /* more than there are slots: the line waits for the last one, and nothing is lost */
    probe.done = false;
    put(w, fmt("%s\n%s\n%s\n%s\n%s\n%s\n", modern_body("tools/call", tool_members("wait", "{}")), modern_body("tools/call", tool_members("wait", "{}")),
               modern_body("tools/call", tool_members("wait", "{}")), modern_body("tools/call", tool_members("wait", "{}")),
               modern_body("tools/call", tool_members("wait", "{}")), modern_body("tools/call", tool_members("echo", "{}"))));
    IS(line(w), "");
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    IS(said(line(w)), "waited 1");
    IS(said(line(w)), "nothing");
    IS(line(w), "");
    CHECK(world.hub.jobs != NULL);
    hang_up(w);
    CHECK(world.hub.jobs == NULL && probe.cancels == 4);
    finish();
}

/* basic/patterns/cancellation: "stdio: [...] The client MUST send a notifications/cancelled notification"; no answer follows. */
static void cancelled_notifications_cancel_calls_and_subscriptions(void)
{
    wire *w;
    wire *v;

    begin();
    start();
    w = dial(MCPT_LINES);
    v = dial(MCPT_LINES);
    world.id = "\"c1\"";
    IS(ask_tool(w, "wait", "{}"), "");
    IS(ask(v, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"c1\"}}"), "");
    CHECK(probe.cancels == 0);        /* another line's id */
    IS(ask(w, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"c2\"}}"), "");
    IS(ask(w, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{}}"), "");
    CHECK(probe.cancels == 0);
    IS(ask(w, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"c1\",\"reason\":\"late\"}}"), "");
    CHECK(probe.cancels == 1 && world.hub.jobs == NULL);
    IS(ask(w, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"c1\"}}"), "");
    CHECK(probe.cancels == 1);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    IS(line(w), "");
    world.id = "\"l1\"";
    HAS(ask(w, modern_body("subscriptions/listen", "\"notifications\":{\"toolsListChanged\":true}")), "acknowledged");
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);
    settle();
    HAS(line(w), "list_changed");
    IS(ask(v, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"l1\"}}"), "");
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);
    settle();
    HAS(line(w), "list_changed");
    IS(ask(w, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"l1\"}}"), "");
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);
    settle();
    IS(line(w), "");
    finish();
}

/* basic/patterns/subscriptions, on stdio "every subscription shares one channel": ids tell them apart; calls go on beside. */
static void subscriptions_share_the_line(void)
{
    wire *w;

    begin();
    start();
    w = dial(MCPT_LINES);
    world.id = "1";
    HAS(ask(w, modern_body("subscriptions/listen", "\"notifications\":{\"toolsListChanged\":true}")), "subscriptionId\":1}");
    world.id = "2";
    HAS(ask(w, modern_body("subscriptions/listen", "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"dev://now\"]}")), "subscriptionId\":2}");
    IS(said(ask_tool(w, "echo", "{}")), "nothing");
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS | MCPT_CHANGED_PROMPTS);
    mcpt_hub_updated(&world.hub, "dev://now");
    settle();
    HAS(line(w), "subscriptionId\":1}");
    HAS(line(w), "subscriptionId\":2}");
    HAS(line(w), "\"uri\":\"dev://now\"");
    IS(line(w), "");
    /* legacy subscriptions use the same line */
    shake_hands(w, "2025-11-25", "{}");
    IS(ask(w, legacy_body("7", "resources/subscribe", "\"uri\":\"dev://now\"")), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
    mcpt_hub_updated(&world.hub, "dev://now");
    settle();
    HAS(line(w), "subscriptionId\":2}");
    IS(line(w), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"dev://now\"}}");
    IS(ask(w, legacy_body("8", "logging/setLevel", "\"level\":\"alert\"")), "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}");
    HAS(ask_legacy(w, "9", "logs", "{}"), "\"level\":\"alert\"");
    HAS(line(w), "\"level\":\"emergency\"");
    IS(said(line(w)), "before");
    /* Graceful Closure of each */
    mcpt_hub_close(&world.hub);
    settle();
    IS(line(w), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\",\"_meta\":{\"" META "subscriptionId\":1}}}");
    IS(line(w), "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"resultType\":\"complete\",\"_meta\":{\"" META "subscriptionId\":2}}}");
    IS(line(w), "");
    finish();
}

/* -- questions */

static void a_question_on_the_line_is_answered_there(void)
{
    const char *q;
    const char *p;
    wire *w;

    begin();
    world.server.ask_ms = 5000;
    start();
    w = dial(MCPT_LINES);
    shake_hands(w, "2025-06-18", caps_all);
    q = ask_legacy(w, "1", "name", "{}");
    p = ask_legacy(w, "2", "name", "{}");
    CHECK(strcmp(member(q, "id"), member(p, "id")) != 0);
    IS(said(ask(w, fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}", member(p, "id"), YES("Bo")))), "hello Bo");
    IS(said(ask(w, fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}", member(q, "id"), YES("Ada")))), "hello Ada");
    q = ask_legacy(w, "3", "name", "{}");
    pass(4999);
    IS(line(w), "");
    pass(1);
    q = line(w);                      /* nobody answered */
    CHECK(error_code(q) == -32603);
    IS(member(q, "id"), "3");
    CHECK(world.hub.jobs == NULL);
    finish();
    /* Without a slot for the call the line could not be read any more: such a call is not asked. */
    begin();
    world.mem.nslots = 0;
    start();
    w = dial(MCPT_LINES);
    shake_hands(w, "2025-06-18", caps_all);
    IS(member(ask_legacy(w, "1", "name", "{}"), "result|isError"), "true");
    IS(said(ask_legacy(w, "2", "echo", "{}")), "nothing");
    finish();
}

/* -- the end */

/* basic/transports/stdio: the end of input ends the server: what was asked before is still answered. */
static void the_end_of_input_ends_the_connection_when_its_calls_have_ended(void)
{
    wire *w;

    begin();
    start();
    w = dial(MCPT_LINES);
    w->held = true;
    put(w, fmt("%s\n", modern_body("tools/list", "")));
    mcpt_io_eof(&w->conn.io);
    pump(w);
    CHECK(!w->closed);
    w->held = false;
    pump(w);
    CHECK(w->closed);
    HAS(line(w), "\"tools\":[");
    hang_up(w);
    w = dial(MCPT_LINES);
    IS(ask_tool(w, "wait", "{}"), "");
    mcpt_io_eof(&w->conn.io);
    pump(w);
    CHECK(!w->closed && probe.cancels == 0);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    IS(said(line(w)), "waited 1");
    CHECK(w->closed);
    hang_up(w);
    /* a question can never be answered */
    w = dial(MCPT_LINES);
    shake_hands(w, "2025-06-18", caps_all);
    HAS(ask_legacy(w, "1", "name", "{}"), "elicitation/create");
    mcpt_io_eof(&w->conn.io);
    pump(w);
    CHECK(w->closed);
    hang_up(w);
    CHECK(world.hub.jobs == NULL && world.sessions[0].flags == 0);
    /* the session of a line is the line's: it cannot be used over HTTP, and is never evicted by it */
    w = dial(MCPT_LINES);
    shake_hands(w, "2025-06-18", caps_all);
    {
        wire *v = dial(MCPT_HTTP);
        unsigned i;

        for (i = 0; i < 5; i++) {
            (void)join(v, "2025-11-25", "{}");
        }
        CHECK(legacy(v, "00000000000000000000000000000000", "ping", "").status == 404);
    }
    HAS(ask_legacy(w, "1", "name", "{}"), "elicitation/create");
    finish();
}

/* A line is whole or not there: what does not fit is an error that says so. */
static void answers_larger_than_tx_are_errors_and_lists_are_not(void)
{
    wire *w;
    const char *all;

    begin();
    start();
    w = dial(MCPT_LINES);
    all = ask(w, modern_body("tools/list", ""));
    hang_up(w);
    world.tx = 512;
    w = dial(MCPT_LINES);
    IS(ask(w, modern_body("tools/list", "")), all);
    HAS(ask_tool(w, "bulk", "{\"n\":2000}"), "2173 bytes");
    IS(said(ask_tool(w, "bulk", "{\"n\":300}")), times('x', 300));
    HAS(ask_tool(w, "pour", "{\"n\":40}"), "piece 39 of many");
    put(w, fmt("%s\n", modern_body("tools/call", tool_members("pour", "{\"n\":9,\"fail\":4}"))));
    CHECK(w->closed);                 /* half a line is out: only the end of the stream tells the truth */
    IS(line(w), "");
    finish();
}

int main(void)
{
    a_message_is_a_line();
    a_line_that_is_too_long_is_dropped_up_to_its_end();
    errors_are_told_in_band_and_the_stream_goes_on();
    schemas_of_several_lines_are_listed_on_one();
    both_eras_share_a_stream();
    a_batch_is_one_line_and_so_is_its_answer();
    calls_overlap_on_one_line();
    cancelled_notifications_cancel_calls_and_subscriptions();
    subscriptions_share_the_line();
    a_question_on_the_line_is_answered_there();
    the_end_of_input_ends_the_connection_when_its_calls_have_ended();
    answers_larger_than_tx_are_errors_and_lists_are_not();
    return test_end();
}
