/* The server over HTTP, one request at a time: what is refused and how, in which order, with which status and code.
 * The quotes are from the specification, revision 2026-07-28 where none is named. */
#include "device.h"

/* Behaviour that the official conformance suite does not look at, and where it is tested (files are test_NAME.c):
 *   lines of any length, resynchronisation             server_lines: a_message_is_a_line, a_line_that_is_too_long_is_dropped_up_to_its_end
 *   batches, 2025-03-26                                server_legacy: batches_are_answered_message_by_message, calls_in_a_batch_may_take_their_time
 *   MCP-Protocol-Version, session header, initialize   server_legacy: a_bad_protocol_version_header_is_refused, requests_need_their_session, initializing_twice_is_refused
 *   cancellation, disconnects, timeouts                server_legacy: cancelled_notifications_cancel_in_their_session, a_disconnect_does_not_cancel,
 *                                                      wrong_answers_do_not_reach_the_tool; server_calls: a_disconnect_cancels; server_http: slow_peers_are_let_go
 *   pagination, cursors                                lists_come_in_pages_and_invalid_cursors_are_refused; client
 *   codes of unknown rows, missing arguments           unknown_rows_and_bad_params_are_invalid_params_in_band, arguments_against_the_schema_are_an_error_result_...
 *   log levels                                         server_calls: log_messages_flow_when_asked_for_at_or_above_the_level; server_streams: set_level_filters_log_messages
 *   resource updates, listeners, capacity              server_streams: subscribers_hear_of_updates_on_their_get_stream; server_tasks: listeners_get_what_they_asked_for_...,
 *                                                      listeners_beyond_the_table_are_refused
 *   Accept, Content-Type, sizes, chunked, Expect       server_http: types_that_do_not_fit_are_refused, limits_of_heads_and_bodies_answer_their_status, ...
 *   pipelining, duplicate headers, smuggling           server_http: a_pipelined_request_waits_for_the_one_before, ambiguous_requests_are_refused
 *   requestState: expiry, method, tool, principal      server_calls: request_state_belongs_to_one_request_for_a_while, request_state_belongs_to_its_principal
 *   declined and wrong answers, URL elicitation        server_calls: answers_that_do_not_fit_are_asked_for_again; server_legacy: url_elicitation_names_itself
 *   Mcp-Param: nested, 42.0, booleans; the sentinel    annotated_arguments_are_repeated_in_mcp_param_headers, names_beyond_ascii_travel_in_the_base64_sentinel
 *   both eras at once; a client's fallback             server_legacy: both_eras_live_at_one_endpoint; client, client_flow
 *   an answer reaches the tool that asked              server_legacy: an_answer_reaches_the_tool_that_asked
 *   outputSchema, annotations, icons, resource links   rows_are_listed_with_all_their_members; server_calls: every_kind_of_content_comes_out_as_specified
 *   tasks: notifications, end of life, principal       server_tasks: listeners_hear_of_their_tasks, task_slots_are_bounded; guard */

/* -- the validation ladder */

/* basic/index, Request metadata: "Servers MUST reject requests that omit a required field with -32602"; over HTTP 400,
 * before any header is compared. */
static void a_missing_envelope_is_invalid_params_before_headers_are_compared(void)
{
    static const char *const params[] = {
        "", ",\"params\":{}", ",\"params\":{\"_meta\":{}}", ",\"params\":{\"_meta\":7}",
        ",\"params\":{\"_meta\":{\"" META "clientCapabilities\":{}}}",
        ",\"params\":{\"_meta\":{\"" META "protocolVersion\":\"2026-07-28\"}}",
        ",\"params\":{\"_meta\":{\"" META "protocolVersion\":\"2026-07-28\",\"" META "clientCapabilities\":true}}",
        ",\"params\":{\"_meta\":{\"" META "protocolVersion\":\"2026-07-28\",\"" META "clientCapabilities\":null}}",
        ",\"params\":{\"_meta\":{\"" META "protocolVersion\":2026,\"" META "clientCapabilities\":{}}}",
    };
    size_t i;
    wire *w;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(params); i++) {
        reply r = post(w, "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: wrong\r\n",
                       fmt("{\"jsonrpc\":\"2.0\",\"id\":\"e\",\"method\":\"tools/list\"%s}", params[i]));

        ERROR_IS(r, 400, -32602, "\"e\"");
    }
    finish();
}

/* basic/transports/streamable-http, Protocol Version Header: "The header value MUST match the
 * io.modelcontextprotocol/protocolVersion field carried in the request body's _meta." */
static void a_version_header_unlike_the_body_is_a_mismatch_before_it_is_unsupported(void)
{
    const char *unknown = "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\",\"params\":{\"_meta\":{\"" META
                          "protocolVersion\":\"v999.0.0\",\"" META "clientCapabilities\":{}}}}";
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    r = post(w, "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\n", unknown);
    ERROR_IS(r, 400, -32020, "5");
    r = post(w, "Mcp-Method: tools/list\r\n", modern_body("tools/list", ""));
    ERROR_IS(r, 400, -32020, "1");
    r = post(w, "MCP-Protocol-Version: 2025-11-25\r\nMcp-Method: tools/list\r\n", modern_body("tools/list", ""));
    ERROR_IS(r, 400, -32020, "1");
    /* "If the server does not implement the requested protocol version [...] it MUST respond with 400 Bad Request and an
     * UnsupportedProtocolVersionError listing its supported versions." */
    r = post(w, "MCP-Protocol-Version: v999.0.0\r\nMcp-Method: wrong\r\n", unknown);
    ERROR_IS(r, 400, -32022, "5");
    IS(member(r.body, "error|data|supported"), "[\"2026-07-28\"]");
    IS(member(r.body, "error|data|requested"), "\"v999.0.0\"");
    /* basic/versioning: a legacy revision cannot be claimed in _meta. */
    r = post(w, "MCP-Protocol-Version: 2025-11-25\r\nMcp-Method: tools/list\r\n",
             "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\",\"params\":{\"_meta\":{\"" META
             "protocolVersion\":\"2025-11-25\",\"" META "clientCapabilities\":{}}}}");
    ERROR_IS(r, 400, -32022, "5");
    finish();
}

/* basic/transports/streamable-http, Server Validation: "A required standard header [...] is missing. A header value does not
 * match the corresponding request body value." and Case Sensitivity. */
static void headers_repeat_method_and_name(void)
{
    static const struct { const char *headers; int status, error; } rows[] = {
        { "Mcp-Method: tools/call\r\nMcp-Name: echo\r\n", 200, 0 },
        { "MCP-METHOD: tools/call\r\nmcp-name: echo\r\n", 200, 0 },
        { "Mcp-Method: \t tools/call \r\nMcp-Name:   echo\t\r\n", 200, 0 },
        { "Mcp-Name: echo\r\n", 400, -32020 },
        { "Mcp-Method: tools/call\r\n", 400, -32020 },
        { "Mcp-Method: tools/call\r\nMcp-Name:\r\n", 400, -32020 },
        { "Mcp-Method: Tools/call\r\nMcp-Name: echo\r\n", 400, -32020 },
        { "Mcp-Method: tools/list\r\nMcp-Name: echo\r\n", 400, -32020 },
        { "Mcp-Method: tools/call\r\nMcp-Name: Echo\r\n", 400, -32020 },
        { "Mcp-Method: tools/call\r\nMcp-Name: echo, echo\r\n", 400, -32020 },
        { "Mcp-Method: tools/call\r\nMcp-Name: =?base64?ZWNobw==?=\r\n", 200, 0 },     /* "echo" */
        { "Mcp-Method: tools/call\r\nMcp-Name: =?base64?ZWNobw?=\r\n", 400, -32020 },  /* padding is missing */
        { "Mcp-Method: tools/call\r\nMcp-Name: =?base64?ZWN!bw==?=\r\n", 400, -32020 },
        { "Mcp-Method: tools/call\r\nMcp-Name: =?base64?ZWNobx==?=\r\n", 400, -32020 },   /* the last bits are not zero */
        { "Mcp-Method: tools/call\r\nMcp-Name: =?base64?/w==?=\r\n", 400, -32020 },    /* not UTF-8 */
        { "Mcp-Method: tools/call\r\nMcp-Name: =?BASE64?ZWNobw==?=\r\n", 400, -32020 },
        { "Mcp-Method: tools/call\r\nMcp-Name: =?base64?\?=\r\n", 400, -32020 },        /* empty */
        { "Mcp-Method: tools/call\r\nMcp-Name: =?base64?=\r\n", 400, -32020 },         /* prefix and suffix overlap: literal */
    };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        r = post(w, fmt("MCP-Protocol-Version: 2026-07-28\r\n%s", rows[i].headers),
                 modern_body("tools/call", tool_members("echo", "{}")));
        CHECK(r.status == rows[i].status);
        CHECK(error_code(r.body) == rows[i].error);
        IS(member(r.body, "id"), "1");
    }
    finish();
}

/* Value Encoding: "servers MUST decode an encoded Mcp-Name or Mcp-Param-{Name} value before comparing it"; names beyond ASCII
 * and resource URIs are carried like that. */
static void names_beyond_ascii_travel_in_the_base64_sentinel(void)
{
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    r = modern(w, "tools/call", "=?base64?w7Zsc3RhbmQ=?=", tool_members("\xc3\xb6lstand", "{}"));
    CHECK(r.status == 200);
    IS(said(r.body), "nothing");
    r = modern(w, "tools/call", "=?base64?w7Zsc3RhbmQ=?=", tool_members("\\u00f6lstand", "{}"));   /* escaped in the body */
    IS(said(r.body), "nothing");
    r = modern(w, "tools/call", "=?base64?w7Zsc3RhbmR4?=", tool_members("\xc3\xb6lstand", "{}"));
    ERROR_IS(r, 400, -32020, "1");
    r = modern(w, "resources/read", "dev://text", "\"uri\":\"dev://text\"");
    CHECK(r.status == 200);
    r = modern(w, "resources/read", "=?base64?ZGV2Oi8vdGV4dA==?=", "\"uri\":\"dev://text\"");
    CHECK(r.status == 200);
    r = modern(w, "resources/read", "dev://blob", "\"uri\":\"dev://text\"");
    ERROR_IS(r, 400, -32020, "1");
    r = modern(w, "prompts/get", "inquire", "\"name\":\"greet\"");
    ERROR_IS(r, 400, -32020, "1");
    r = modern(w, "tasks/get", "other", "\"taskId\":\"0123\"");      /* ext-tasks, Routing Headers */
    ERROR_IS(r, 400, -32020, "1");
    finish();
}

/* Server Behavior for Custom Headers, the table; nested properties, "42.0 and 42 are considered equal", booleans, null. */
static void annotated_arguments_are_repeated_in_mcp_param_headers(void)
{
    static const struct { const char *arguments, *headers; int status; } rows[] = {
        { "{}", "", 200 },
        { "{\"region\":null,\"dry\":null}", "", 200 },
        { "{\"region\":null}", "Mcp-Param-Region: x\r\n", 200 },      /* MUST NOT expect it */
        { "{}", "Mcp-Param-Region: x\r\nMcp-Param-Other: y\r\n", 200 },
        { "{\"region\":\"eu\"}", "Mcp-Param-Region: eu\r\n", 200 },
        { "{\"region\":\"eu\"}", "mcp-param-REGION: eu\r\n", 200 },
        { "{\"region\":\"eu\"}", "", 400 },
        { "{\"region\":\"eu\"}", "Mcp-Param-Region: EU\r\n", 400 },
        { "{\"region\":\"eu\"}", "Mcp-Param-Regions: eu\r\n", 400 },
        { "{\"region\":\"eu\"}", "Mcp-Param-Region: eu\r\nMcp-Param-Region: us\r\n", 400 },
        { "{\"region\":\"eu\"}", "Mcp-Param-Region: =?base64?ZXU=?=\r\n", 200 },
        { "{\"region\":\"\"}", "Mcp-Param-Region:\r\n", 200 },
        { "{\"region\":\"\"}", "Mcp-Param-Region: =?base64?\?=\r\n", 200 },
        { "{\"region\":\"\"}", "", 400 },
        { "{\"region\":\" padded \"}", "Mcp-Param-Region: =?base64?IHBhZGRlZCA=?=\r\n", 200 },
        { "{\"region\":\"line1\\nline2\"}", "Mcp-Param-Region: =?base64?bGluZTEKbGluZTI=?=\r\n", 200 },
        { "{\"region\":\"Hello, \xe4\xb8\x96\xe7\x95\x8c\"}", "Mcp-Param-Region: =?base64?SGVsbG8sIOS4lueVjA==?=\r\n", 200 },
        { "{\"region\":\"=?base64?literal?=\"}", "Mcp-Param-Region: =?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=\r\n", 200 },
        { "{\"region\":\"=?base64?literal?=\"}", "Mcp-Param-Region: =?base64?literal?=\r\n", 400 },
        { "{\"region\":\"SGVsbG8=\"}", "Mcp-Param-Region: SGVsbG8=\r\n", 200 },    /* not a sentinel */
        { "{\"dry\":true}", "Mcp-Param-Dry: true\r\n", 200 },
        { "{\"dry\":true}", "Mcp-Param-Dry: True\r\n", 400 },
        { "{\"dry\":false}", "Mcp-Param-Dry: true\r\n", 400 },
        { "{\"dry\":false}", "Mcp-Param-Dry: =?base64?ZmFsc2U=?=\r\n", 200 },
        { "{\"where\":{\"floor\":42}}", "Mcp-Param-Floor: 42\r\n", 200 },
        { "{\"where\":{\"floor\":42}}", "Mcp-Param-Floor: 42.0\r\n", 200 },
        { "{\"where\":{\"floor\":42.0}}", "Mcp-Param-Floor: 42\r\n", 200 },
        { "{\"where\":{\"floor\":42}}", "Mcp-Param-Floor: =?base64?NDI=?=\r\n", 200 },
        { "{\"where\":{\"floor\":-7}}", "Mcp-Param-Floor: -7\r\n", 200 },
        { "{\"where\":{\"floor\":42}}", "Mcp-Param-Floor: 43\r\n", 400 },
        { "{\"where\":{\"floor\":42}}", "Mcp-Param-Floor: +42\r\n", 400 },
        { "{\"where\":{\"floor\":42}}", "Mcp-Param-Floor: \"42\"\r\n", 400 },
        { "{\"where\":{\"floor\":42}}", "", 400 },
        { "{\"where\":{}}", "", 200 },
        { "{\"floor\":42}", "", 200 },                               /* not at the annotated path */
    };
    size_t i;
    wire *w;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        reply r = post(w, fmt("%s%s", modern_headers("tools/call", "routed"), rows[i].headers),
                       modern_body("tools/call", tool_members("routed", rows[i].arguments)));

        text_check(r.status == rows[i].status, __FILE__, __LINE__, r.body, rows[i].arguments, rows[i].headers);
        CHECK(error_code(r.body) == (rows[i].status == 400 ? -32020 : 0));
    }
    finish();
}

/* Protocol Version Header: "If the server does not implement the requested RPC method, it MUST respond with 404 Not Found and
 * a JSON-RPC error with code -32601"; also for methods of the legacy era under a modern envelope. */
static void methods_that_do_not_exist_answer_404(void)
{
    static const char *const methods[] = {
        "initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "tasks/list", "tasks/result",
        "nonsense", "", "tools/List", "notifications/cancelled",
        "a/method/name/that/is/longer/than/any/that/there/is/in/this/protocol/or/will/ever/be"
    };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(methods); i++) {
        if (methods[i][0] != '\0' && strlen(methods[i]) < 48) {
            r = modern(w, methods[i], NULL, "\"uri\":\"dev://text\",\"level\":\"info\"");
            ERROR_IS(r, 404, -32601, "1");
        }
        /* a wrong header comes first */
        r = post(w, "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: other\r\n", modern_body(methods[i], ""));
        ERROR_IS(r, 400, -32020, "1");
    }
    finish();
    /* What is not advertised does not exist. */
    begin();
    world.server.offers = 0;
    world.server.nprompts = world.server.nresources = 0;
    start();
    w = dial(MCPT_HTTP);
    r = modern(w, "server/discover", NULL, "");
    IS(member(r.body, "result|capabilities"), "{\"tools\":{}}");
    ERROR_IS(modern(w, "prompts/list", NULL, ""), 404, -32601, "1");
    ERROR_IS(modern(w, "prompts/get", "greet", "\"name\":\"greet\""), 404, -32601, "1");
    ERROR_IS(modern(w, "resources/list", NULL, ""), 404, -32601, "1");
    ERROR_IS(modern(w, "resources/templates/list", NULL, ""), 404, -32601, "1");
    ERROR_IS(modern(w, "resources/read", "dev://text", "\"uri\":\"dev://text\""), 404, -32601, "1");
    ERROR_IS(modern(w, "completion/complete", NULL, ""), 404, -32601, "1");
    ERROR_IS(modern(w, "subscriptions/listen", NULL, "\"notifications\":{}"), 404, -32601, "1");
    ERROR_IS(modern(w, "tasks/get", "x", "\"taskId\":\"x\""), 404, -32601, "1");
    finish();
}

/* Sending Messages: "If the body is a JSON-RPC notification: If the server accepts it, the server MUST return HTTP status code
 * 202 Accepted with no body." and "The client MUST NOT send JSON-RPC responses." */
static void one_way_messages_answer_202_and_responses_are_refused(void)
{
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    r = post(w, "MCP-Protocol-Version: 2026-07-28\r\n", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/any\"}");
    CHECK(r.status == 202 && r.whole && r.len == 0);
    r = post(w, "", fmt("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1,\"_meta\":{\"" META
                        "protocolVersion\":\"2026-07-28\"}}}"));
    CHECK(r.status == 202 && r.whole && r.len == 0);
    r = post(w, "MCP-Protocol-Version: 2026-07-28\r\n", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    ERROR_IS(r, 400, -32600, "");
    finish();
}

/* -- bodies */

/* JSON-RPC 2.0; schema: an error whose id could not be read leaves it out, it is never null. */
static void what_is_not_a_message_is_refused_without_an_id(void)
{
    static const struct { const char *body; int error; const char *id; } rows[] = {
        { "", -32700, "" }, { " ", -32700, "" }, { "{", -32700, "" }, { "{}x", -32700, "" }, { "{\"a\":1:2}", -32700, "" },
        { "{} {}", -32700, "" }, { "{\"jsonrpc\":\"2.0\",\"id\":1,}", -32700, "" }, { "\xef\xbb\xbf{}", -32700, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", -32700, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xed\xa0\x80\"}", -32700, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\ud800\"}", -32700, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":01,\"method\":\"x\"}", -32700, "" },
        { "{}", -32600, "" }, { "7", -32600, "" }, { "null", -32600, "" }, { "\"text\"", -32600, "" },
        { "{\"id\":1,\"method\":\"tools/list\"}", -32600, "1" },
        { "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"tools/list\"}", -32600, "1" },
        { "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"tools/list\"}", -32600, "1" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1}", -32600, "1" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", -32600, "1" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":[]}", -32600, "1" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":null}", -32600, "1" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"x\"}", -32600, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"method\":\"y\"}", -32600, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"name\":\"a\",\"name\":\"b\"}}", -32600, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", -32600, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}", -32600, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}", -32600, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1e3,\"method\":\"x\"}", -32600, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"x\"}", -32600, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}", -32600, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"x\"}", -32600, "" },
    };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        r = post(w, "", rows[i].body);
        text_check(r.status == 400 && error_code(r.body) == rows[i].error, __FILE__, __LINE__, r.body, rows[i].body, "");
        IS(member(r.body, "id"), rows[i].id);
        LACKS(r.body, "null");
        CHECK(!r.closes);             /* the connection is none the worse for it */
    }
    for (i = 30; i <= 40; i += 10) {  /* depth: 32 levels are allowed */
        r = post(w, "", fmt("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"a\":%s%s}}", times('[', i), times(']', i)));
        CHECK(error_code(r.body) == (i == 30 ? -32600 : -32600));    /* 30 + 2: legal, but there is no session */
        IS(member(r.body, "id"), i == 30 ? "1" : "");
    }
    finish();
}

/* JSON-RPC 2.0, Response object: the id "MUST be the same as the value of the id member in the Request Object". */
static void ids_come_back_byte_for_byte(void)
{
    static const char *const ids[] = {
        "0", "-0", "1732339000123", "9007199254740993", "18446744073709551615", "-9223372036854775808", "\"\"", "\"1\"",
        "\"a\\\"b\\\\c\\/\\u00e9\\n\"", "\"\xc3\xa9\xe2\x82\xac\"", "\"550e8400-e29b-41d4-a716-446655440000\""
    };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(ids); i++) {
        world.id = ids[i];
        r = call(w, "echo", "{}");
        CHECK(r.status == 200);
        HAS(r.body, fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":", ids[i]));
        r = modern(w, "no/such", NULL, "");
        HAS(r.body, fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":", ids[i]));
        r = modern(w, "tools/list", NULL, "");
        HAS(r.body, fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":", ids[i]));
    }
    world.id = fmt("\"%s\"", times('i', 62));                         /* the limit: 64 raw bytes */
    HAS(call(w, "echo", "{}").body, world.id);
    world.id = fmt("\"%s\"", times('i', 63));
    ERROR_IS(call(w, "echo", "{}"), 400, -32600, "");
    world.id = times('7', 65);
    ERROR_IS(call(w, "echo", "{}"), 400, -32600, "");
    finish();
}

/* -- what calls answer */

/* server/tools, Error Handling: "Protocol Errors: Standard JSON-RPC errors for issues like unknown tools"; server/prompts:
 * "Invalid prompt name: -32602, Missing required arguments: -32602". */
static void unknown_rows_and_bad_params_are_invalid_params_in_band(void)
{
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    ERROR_IS(call(w, "nope", "{}"), 200, -32602, "1");
    ERROR_IS(call(w, "hidden", "{}"), 200, -32602, "1");
    ERROR_IS(modern(w, "tools/call", NULL, "\"arguments\":{}"), 200, -32602, "1");
    ERROR_IS(modern(w, "tools/call", NULL, "\"name\":7"), 200, -32602, "1");
    ERROR_IS(modern(w, "tools/call", "echo", "\"name\":\"echo\",\"arguments\":[]"), 200, -32602, "1");
    ERROR_IS(modern(w, "tools/call", "echo", "\"name\":\"echo\",\"arguments\":\"{}\""), 200, -32602, "1");
    IS(said(modern(w, "tools/call", "echo", "\"name\":\"echo\"").body), "nothing");
    IS(said(modern(w, "tools/call", "echo", "\"name\":\"echo\",\"arguments\":null").body), "nothing");
    ERROR_IS(call(w, "echo", "{\"text\":\"a\",\"text\":\"b\"}"), 200, -32602, "1");
    ERROR_IS(modern(w, "prompts/get", "nope", "\"name\":\"nope\""), 200, -32602, "1");
    ERROR_IS(modern(w, "prompts/get", "hidden", "\"name\":\"hidden\""), 200, -32602, "1");
    ERROR_IS(modern(w, "prompts/get", "greet", "\"name\":\"greet\""), 200, -32602, "1");
    ERROR_IS(modern(w, "prompts/get", "greet", "\"name\":\"greet\",\"arguments\":{\"tone\":\"x\"}"), 200, -32602, "1");
    ERROR_IS(modern(w, "prompts/get", "greet", "\"name\":\"greet\",\"arguments\":{\"name\":7}"), 200, -32602, "1");
    ERROR_IS(modern(w, "prompts/get", "greet", "\"name\":\"greet\",\"arguments\":{\"name\":\"a\",\"tone\":7}"), 200, -32602, "1");
    r = modern(w, "prompts/get", "greet", "\"name\":\"greet\",\"arguments\":{\"name\":\"Ada\"}");
    IS(member_text(r.body, "result|messages|0|content|text"), "greet Ada");
    IS(member(r.body, "result|description"), "\"A greeting\"");
    /* server/resources: "Resource not found: -32602", data.uri */
    r = modern(w, "resources/read", "dev://none", "\"uri\":\"dev://none\"");
    ERROR_IS(r, 200, -32602, "1");
    IS(member(r.body, "error|data|uri"), "\"dev://none\"");
    ERROR_IS(modern(w, "resources/read", "dev://hidden", "\"uri\":\"dev://hidden\""), 200, -32602, "1");
    r = modern(w, "resources/read", "dev://item/none", "\"uri\":\"dev://item/none\"");      /* the handler's E_NOT_FOUND */
    ERROR_IS(r, 200, -32602, "1");
    IS(member(r.body, "error|data|uri"), "\"dev://item/none\"");
    ERROR_IS(modern(w, "resources/read", "dev://item/a/b", "\"uri\":\"dev://item/a/b\""), 200, -32602, "1");
    ERROR_IS(modern(w, "resources/read", "dev://item/%zz", "\"uri\":\"dev://item/%zz\""), 200, -32602, "1");
    IS(member_text(modern(w, "resources/read", "dev://item/a%20b", "\"uri\":\"dev://item/a%20b\"").body, "result|contents|0|text"),
       "a b");
    IS(member_text(modern(w, "resources/read", "dev://now", "\"uri\":\"dev://now\"").body, "result|contents|0|text"), "computed");
    /* server/utilities/logging: an unknown level */
    world.meta = ",\"" META "logLevel\":\"loud\"";
    ERROR_IS(call(w, "echo", "{}"), 200, -32602, "1");
    world.meta = ",\"" META "logLevel\":7";
    ERROR_IS(call(w, "echo", "{}"), 200, -32602, "1");
    finish();
}

/* server/tools, Error Handling: "Tool Execution Errors: Reported in tool results with isError: true". */
static void handlers_failures_become_errors_or_error_results(void)
{
    static const struct { int err, error; } rows[] = {
        { MCPT_E_PARAMS, -32602 }, { MCPT_E_NOT_FOUND, -32602 }, { MCPT_E_IO, -32603 }, { MCPT_E_USER, -32603 },
        { MCPT_E_TIMEOUT, -32603 }, { 2, -1234 }, { 3, -32603 }
    };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        r = call(w, "answer", fmt("{\"err\":%d}", rows[i].err));
        ERROR_IS(r, 200, rows[i].error, "1");
        LACKS(r.body, "half");
    }
    r = call(w, "answer", "{\"err\":1}");
    CHECK(r.status == 200);
    IS(said(r.body), "it broke");
    IS(member(r.body, "result|isError"), "true");
    r = call(w, "answer", fmt("{\"err\":%d}", MCPT_E_DECLINED));
    IS(member(r.body, "result|isError"), "true");
    r = call(w, "answer", "{\"err\":0}");                            /* content is required, and may be empty */
    IS(member(r.body, "result|content"), "[]");
    /* "a tool that returns structured content SHOULD also return the serialized JSON in a TextContent block" */
    r = call(w, "answer", "{\"err\":4}");
    IS(member(r.body, "result|structuredContent"), "{\"n\":7}");
    IS(said(r.body), "{\\\"n\\\":7}");
    finish();
}

/* server/tools, "Input validation errors [...] SHOULD be returned as tool execution errors" so that the model can correct itself. */
static void arguments_against_the_schema_are_an_error_result_that_says_what_is_wrong(void)
{
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    r = call(w, "echo", "{\"text\":7}");
    CHECK(r.status == 200);
    IS(member(r.body, "result|isError"), "true");
    HAS(said(r.body), "text");
    HAS(said(r.body), "string");
    CHECK(probe.runs == 0 && probe.audits == 1 && probe.audit.is_error && probe.audit.result == MCPT_E_PARAMS);
    r = call(w, "echo", fmt("{\"text\":\"%s\"}", times('a', 501)));
    IS(member(r.body, "result|isError"), "true");
    HAS(said(r.body), "500");
    CHECK(probe.runs == 0);
    r = call(w, "mirror", "{\"anything\":1}");                       /* no schema: no properties, as tools/list tells */
    IS(member(r.body, "result|isError"), "true");
    CHECK(probe.runs == 0);
    finish();
}

/* server/utilities/completion: "Maximum 100 items per response"; hidden rows cannot be probed through it. */
static void completion_proposes_at_most_100_values(void)
{
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    r = modern(w, "completion/complete", NULL,
               "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"greet\"},\"argument\":{\"name\":\"name\",\"value\":\"a\"}");
    IS(member(r.body, "result|completion"), "{\"values\":[\"a0\",\"a1\"],\"total\":2,\"hasMore\":false}");
    r = modern(w, "completion/complete", NULL,
               "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"greet\"},\"argument\":{\"name\":\"name\",\"value\":\"m\"}");
    IS(member(r.body, "result|completion|total"), "120");
    IS(member(r.body, "result|completion|hasMore"), "true");
    IS(member(r.body, "result|completion|values|99"), "\"m99\"");
    IS(member(r.body, "result|completion|values|100"), "");
    r = modern(w, "completion/complete", NULL,
               "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"dev://item/{id}\"},\"argument\":{\"name\":\"id\",\"value\":\"b\"}");
    IS(member(r.body, "result|completion|values"), "[\"b0\",\"b1\"]");
    r = modern(w, "completion/complete", NULL,
               "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"greet\"},\"argument\":{\"name\":\"no\",\"value\":\"\"}");
    IS(member(r.body, "result|completion"), "{\"values\":[],\"total\":0,\"hasMore\":false}");
    r = modern(w, "completion/complete", NULL,                        /* a row that completes nothing */
               "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"inquire\"},\"argument\":{\"name\":\"x\",\"value\":\"\"}");
    IS(member(r.body, "result|completion|values"), "[]");
    ERROR_IS(modern(w, "completion/complete", NULL, "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"nope\"},"
                    "\"argument\":{\"name\":\"name\",\"value\":\"a\"}"), 200, -32602, "1");
    ERROR_IS(modern(w, "completion/complete", NULL, "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"hidden\"},"
                    "\"argument\":{\"name\":\"name\",\"value\":\"a\"}"), 200, -32602, "1");
    ERROR_IS(modern(w, "completion/complete", NULL, "\"ref\":{\"type\":\"ref/other\",\"name\":\"greet\"},"
                    "\"argument\":{\"name\":\"name\",\"value\":\"a\"}"), 200, -32602, "1");
    ERROR_IS(modern(w, "completion/complete", NULL, "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"greet\"}"), 200, -32602, "1");
    ERROR_IS(modern(w, "completion/complete", NULL, "\"argument\":{\"name\":\"name\",\"value\":\"a\"}"), 200, -32602, "1");
    finish();
}

/* -- lists */

/* server/utilities/pagination: "Invalid cursors SHOULD result in an error with code -32602"; the empty string is a cursor. */
static void lists_come_in_pages_and_invalid_cursors_are_refused(void)
{
    static const char *const bad[] = {
        "\"\"", "\"x\"", "\"0\"", "\"-1\"", "\"01\"", "\"+4\"", "\"4 \"", "\"24\"", "\"99999999999\"", "\"4294967300\"", "4", "null",
        "{}", "\"\\u0034\""
    };
    char all[8192] = "";
    const char *cursor = "";
    unsigned pages = 0;
    wire *w;
    reply r;
    size_t i;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(bad); i++) {    /* whole lists: there is no cursor at all */
        ERROR_IS(modern(w, "tools/list", NULL, fmt("\"cursor\":%s", bad[i])), 200, -32602, "1");
    }
    IS(member(modern(w, "tools/list", NULL, "").body, "result|nextCursor"), "");
    world.server.page = 4;
    do {
        r = modern(w, "tools/list", NULL, cursor[0] != '\0' ? fmt("\"cursor\":%s", cursor) : "");
        CHECK(r.status == 200);
        for (i = 0; member(r.body, fmt("result|tools|%u", (unsigned)i))[0] != '\0'; i++) {
            strcat(strcat(all, member_text(r.body, fmt("result|tools|%u|name", (unsigned)i))), " ");
        }
        CHECK(i <= 4 && i >= 1);
        IS(member(r.body, "result|cacheScope"), "\"private\"");
        cursor = fmt("%s", member(r.body, "result|nextCursor"));
    } while (cursor[0] != '\0' && ++pages < 20);
    IS(all, "echo mirror steps logs wait name trio visit rounds bulk late pour answer chore verbs yield leave routed pretty limited rare \xc3\xb6lstand ");
    CHECK(pages == 5);
    for (i = 0; i < MCPT_COUNT(bad); i++) {
        ERROR_IS(modern(w, "tools/list", NULL, fmt("\"cursor\":%s", bad[i])), 200, -32602, "1");
    }
    r = modern(w, "resources/list", NULL, "");
    IS(member(r.body, "result|resources|3|uri"), "\"dev://empty\"");    /* the template between is elsewhere */
    IS(member(r.body, "result|nextCursor"), "");                       /* the only row left is hidden */
    r = modern(w, "resources/templates/list", NULL, "");
    IS(member(r.body, "result|resourceTemplates|0|uriTemplate"), "\"dev://item/{id}\"");
    world.server.page = 1;
    r = modern(w, "prompts/list", NULL, "");
    IS(member(r.body, "result|prompts|0|arguments"),
       "[{\"name\":\"name\",\"description\":\"Whom\",\"required\":true},{\"name\":\"tone\",\"title\":\"Tone\"}]");
    r = modern(w, "prompts/list", NULL, fmt("\"cursor\":%s", member(r.body, "result|nextCursor")));
    IS(member(r.body, "result|prompts|0|name"), "\"inquire\"");
    IS(member(r.body, "result|nextCursor"), "");
    finish();
}

/* server/tools, resources, prompts, Data Types: every member of a row is listed, under its name; what is NULL is left out. */
static void rows_are_listed_with_all_their_members(void)
{
    static const mcpt_prompt_arg args[] = { { "unit", "Unit", "C or F", true }, { "place", NULL, NULL, false } };
    static const mcpt_tool tools[] = {
        { "measure", "Measure", "Reads it", "{\"type\":\"object\"}", "{\"type\":\"object\",\"required\":[\"c\"]}", NULL,
          MCPT_READ_ONLY | MCPT_NON_DESTRUCTIVE | MCPT_IDEMPOTENT | MCPT_CLOSED_WORLD, 0, 0, NULL, "[{\"src\":\"data:,\"}]", "{\"v/x\":1}", NULL },
        { "bare", NULL, NULL, NULL, NULL, NULL, MCPT_IDEMPOTENT, 0, 0, NULL, NULL, NULL, NULL },
    };
    static const mcpt_resource resources[] = {
        { "dev://all", "all", "All", "Everything", "text/plain", "abc", 3, NULL, 0, NULL, NULL,
          "{\"audience\":[\"user\"],\"priority\":0.5}", "[{\"src\":\"data:,r\"}]", "{\"r/x\":2}", NULL },
        { "dev://{x}", "some", "Some", "One of them", "text/html", NULL, 0, NULL, 0, NULL, NULL,
          "{\"priority\":1}", "[{\"src\":\"data:,t\"}]", "{\"t/x\":3}", NULL },
    };
    static const mcpt_prompt prompts[] = {
        { "ask", "Ask", "Asks it", args, MCPT_COUNT(args), NULL, NULL, NULL, "[{\"src\":\"data:,p\"}]", "{\"p/x\":4}", NULL },
    };
    static const char *const lists[][3] = {
        { "tools/list", "result|tools", "[{\"name\":\"measure\",\"title\":\"Measure\",\"description\":\"Reads it\",\"inputSchema\":{\"type\":\"object\"},"
          "\"outputSchema\":{\"type\":\"object\",\"required\":[\"c\"]},\"annotations\":{\"readOnlyHint\":true,\"destructiveHint\":false,"
          "\"idempotentHint\":true,\"openWorldHint\":false},\"icons\":[{\"src\":\"data:,\"}],\"_meta\":{\"v/x\":1}},"
          "{\"name\":\"bare\",\"inputSchema\":{\"type\":\"object\",\"additionalProperties\":false},\"annotations\":{\"idempotentHint\":true}}]" },
        { "resources/list", "result|resources", "[{\"uri\":\"dev://all\",\"name\":\"all\",\"title\":\"All\",\"description\":\"Everything\","
          "\"mimeType\":\"text/plain\",\"size\":3,\"annotations\":{\"audience\":[\"user\"],\"priority\":0.5},\"icons\":[{\"src\":\"data:,r\"}],"
          "\"_meta\":{\"r/x\":2}}]" },
        { "resources/templates/list", "result|resourceTemplates", "[{\"uriTemplate\":\"dev://{x}\",\"name\":\"some\",\"title\":\"Some\","
          "\"description\":\"One of them\",\"mimeType\":\"text/html\",\"annotations\":{\"priority\":1},\"icons\":[{\"src\":\"data:,t\"}],"
          "\"_meta\":{\"t/x\":3}}]" },
        { "prompts/list", "result|prompts", "[{\"name\":\"ask\",\"title\":\"Ask\",\"description\":\"Asks it\",\"arguments\":[{\"name\":\"unit\","
          "\"title\":\"Unit\",\"description\":\"C or F\",\"required\":true},{\"name\":\"place\"}],\"icons\":[{\"src\":\"data:,p\"}],\"_meta\":{\"p/x\":4}}]" },
    };
    size_t i;
    wire *w;

    begin();
    world.server.tools = tools;
    world.server.ntools = MCPT_COUNT(tools);
    world.server.resources = resources;
    world.server.nresources = MCPT_COUNT(resources);
    world.server.prompts = prompts;
    world.server.nprompts = MCPT_COUNT(prompts);
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(lists); i++) {
        IS(member(modern(w, lists[i][0], NULL, "").body, lists[i][1]), lists[i][2]);
    }
    finish();
}

/* mcpt_server.visible: rows that are not this caller's are not listed and do not exist. */
static void hidden_rows_show_to_their_principal_only(void)
{
    mcpt_principal ada;
    mcpt_field_line fields[8];
    mcpt_request q;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    LACKS(modern(w, "tools/list", NULL, "").body, "hidden");
    LACKS(modern(w, "resources/list", NULL, "").body, "hidden");
    LACKS(modern(w, "prompts/list", NULL, "").body, "hidden");
    w = dial(MCPT_HOSTED);            /* a host that has authenticated her */
    memset(&ada, 0, sizeof(ada));
    ada.subject = mcpt_z("ada");
    memset(&q, 0, sizeof(q));
    q.method = mcpt_z("POST");
    q.path = mcpt_z("/mcp");
    q.who = &ada;
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
    fields[4].value = mcpt_z("hidden");
    q.nfields = 5;
    q.body = mcpt_z(modern_body("tools/call", tool_members("hidden", "{}")));
    CHECK(mcpt_conn_request(&w->conn, &q) == MCPT_OK);
    pump(w);
    w->out[w->out_len] = '\0';
    HAS(w->out, "nothing");
    IS(probe.who, "ada");
    (void)r;
    finish();
}

/* -- look-up: the same rows by walking, by halving and by an index */
static void rows_are_found_by_walking_halving_and_index(void)
{
    uint16_t tools[MCPT_COUNT(device_tools)];
    uint16_t resources[MCPT_COUNT(device_resources)];
    uint16_t prompts[MCPT_COUNT(device_prompts)];
    size_t i;
    wire *w;

    begin();
    mcpt_index_tools(tools, device_tools, MCPT_COUNT(device_tools));
    mcpt_index_resources(resources, device_resources, MCPT_COUNT(device_resources));
    mcpt_index_prompts(prompts, device_prompts, MCPT_COUNT(device_prompts));
    for (i = 1; i < MCPT_COUNT(tools); i++) {
        CHECK(strcmp(device_tools[tools[i - 1]].name, device_tools[tools[i]].name) < 0);
    }
    world.server.tool_index = tools;
    world.server.resource_index = resources;
    world.server.prompt_index = prompts;
    start();
    w = dial(MCPT_HTTP);
    IS(said(call(w, "echo", "{}").body), "nothing");
    IS(said(call(w, "pretty", "{}").body), "nothing");
    IS(said(modern(w, "tools/call", "=?base64?w7Zsc3RhbmQ=?=", tool_members("\xc3\xb6lstand", "{}")).body), "nothing");
    ERROR_IS(call(w, "ech", "{}"), 200, -32602, "1");
    ERROR_IS(call(w, "echoo", "{}"), 200, -32602, "1");
    ERROR_IS(call(w, "a", "{}"), 200, -32602, "1");
    CHECK(modern(w, "prompts/get", "greet", "\"name\":\"greet\",\"arguments\":{\"name\":\"A\"}").status == 200);
    HAS(modern(w, "resources/read", "dev://blob", "\"uri\":\"dev://blob\"").body, "\"blob\":");
    HAS(modern(w, "resources/read", "dev://item/9", "\"uri\":\"dev://item/9\"").body, "\"text\":\"9\"");
    ERROR_IS(modern(w, "tools/call", "=?base64?ZWNobwA=?=", "\"name\":\"echo\\u0000\""), 200, -32602, "1");
    finish();
}

int main(void)
{
    a_missing_envelope_is_invalid_params_before_headers_are_compared();
    a_version_header_unlike_the_body_is_a_mismatch_before_it_is_unsupported();
    headers_repeat_method_and_name();
    names_beyond_ascii_travel_in_the_base64_sentinel();
    annotated_arguments_are_repeated_in_mcp_param_headers();
    methods_that_do_not_exist_answer_404();
    one_way_messages_answer_202_and_responses_are_refused();
    what_is_not_a_message_is_refused_without_an_id();
    ids_come_back_byte_for_byte();
    unknown_rows_and_bad_params_are_invalid_params_in_band();
    handlers_failures_become_errors_or_error_results();
    arguments_against_the_schema_are_an_error_result_that_says_what_is_wrong();
    completion_proposes_at_most_100_values();
    lists_come_in_pages_and_invalid_cursors_are_refused();
    rows_are_listed_with_all_their_members();
    hidden_rows_show_to_their_principal_only();
    rows_are_found_by_walking_halving_and_index();
    return test_end();
}
