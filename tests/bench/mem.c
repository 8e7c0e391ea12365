/* mem.c: instructions per request, without a socket: request bytes in, answer bytes out of one connection.
 *     bench-mem                 the names of the requests
 *     bench-mem NAME COUNT      takes COUNT requests through bench_request()
 * The heads are those that the official TypeScript client sends, with a bearer token in front of a gateway. */
#ifndef BENCH_BOARD                   /* tests/firmware/bench.c includes this file, and has a main() of its own */
#define MCPTOOLS_IMPLEMENTATION
#endif
#include "mcptools.h"
#include "../../port/crypto_mbedtls.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef BENCH_BOARD
#define ROWS 1000
#define CRYPTO mcpt_mbedtls_crypto
#endif
static uint32_t millis(void *user) { (void)user; return 1000; }
static int64_t unix_time(void *user) { (void)user; return 1800000000; }
static bool pattern(void *user, void *buf, size_t len) { (void)user; memset(buf, 0x5a, len); return true; }

static mcpt_env env;

static mcpt_err echo(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[256];
    mcpt_str text;
    mcpt_err e = mcpt_get_str(mcpt_get(args, "text"), buf, sizeof(buf), &text);

    (void)call;
    if (e < 0) {
        return e;
    }
    mcpt_text(out, text);
    return MCPT_OK;
}

static mcpt_err measure(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_structured(out);
    mcpt_kv_fix(out, "celsius", 2137, 2);
    mcpt_kv_int(out, "uptime", 86400);
    mcpt_end(out);
    return MCPT_OK;
}

static mcpt_err confirm(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val answer;
    mcpt_err e = mcpt_ask_form(call, "sure", "Open the valve?", "{\"type\":\"object\",\"properties\":{\"sure\":"
                               "{\"type\":\"boolean\"}},\"required\":[\"sure\"]}", &answer);

    (void)args;
    if (e != MCPT_OK) {
        return e;
    }
    mcpt_text_z(out, "opened");
    return MCPT_OK;
}

static mcpt_err greet(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[64];
    mcpt_str name;

    (void)call;
    if (mcpt_get_str(mcpt_get(args, "name"), buf, sizeof(buf), &name) < 0) {
        return MCPT_E_PARAMS;
    }
    mcpt_message(out, "user");
    mcpt_text(out, name);
    return MCPT_OK;
}

static mcpt_err read_log(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    (void)call;
    (void)uri;
    mcpt_text_z(out, "2026-07-28T10:00:00Z boot\n2026-07-28T10:00:01Z ready\n");
    return MCPT_OK;
}

static mcpt_err chore(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_err e = mcpt_task(call, true, 600000, 250);

    (void)args;
    (void)out;
    return e < 0 ? e : MCPT_PENDING;  /* for ever */
}

static mcpt_err propose(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context, mcpt_writer *out)
{
    (void)call;
    (void)argument;
    (void)context;
    mcpt_completion(out, mcpt_z("Ada"));
    mcpt_completion(out, value);
    return MCPT_OK;
}

#define TEXT_SCHEMA "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"description\":\"What to say\"}}," \
                    "\"required\":[\"text\"]}"
static char names[ROWS][24];
static mcpt_tool tools[ROWS];
static const mcpt_prompt_arg prompt_args[] = { { "name", 0, "Who is greeted", true } };
static const mcpt_prompt prompts[] = { { "greet", 0, "Greets somebody.", prompt_args, 1, greet, propose, 0, 0, 0, 0 } };
static const mcpt_resource resources[] = {
    { "device://log", "log", 0, "What happened lately", "text/plain", 0, 0, read_log, 0, 0, 0, 0, 0, 0, 0 },
    { "device://manual", "manual", 0, "How to use the device", "text/plain", "Turn it on.\n", 12, 0, 0, 0, 0, 0, 0, 0, 0 },
    { "device://probe/{n}", "probe", 0, "One of the probes", "text/plain", 0, 0, read_log, 0, 0, 0, 0, 0, 0, 0 } };
static mcpt_server server;
static uint16_t tool_index[ROWS];
static mcpt_session sessions[4];
static mcpt_listener listeners[1];
static mcpt_slot slots[1];
static char slot_data[1024];
static mcpt_verdict verdicts[8];
static mcpt_fixed_token token = { 0, "user_123", "client", "read write", 0 };
static mcpt_fixed_tokens fixed = { &token, 1 };
static const mcpt_prm prm = { .authorization_servers = "https://id.example" };
static const mcpt_guard guard = { .verify = mcpt_fixed_verify, .user = &fixed, .scopes = "read", .prm = &prm };
static mcpt_hub hub;
static mcpt_conn conn;
static char rx[8192];
static char tx[16384 + 1];             /* one byte more than it is used for: a terminator for the checks */
static mcpt_tok tok[128];
static char request[8192];
static char session_line[64];
static const char *answer;             /* the first bytes of the last answer */

enum { WHOLE_LIST = 20 };             /* tools */
enum { FULL = 1, STREAM = 2 | FULL, TASK = 4 | FULL };   /* FULL: with listeners, slots and all they offer */

static void make_server(size_t ntools, bool guarded, unsigned how)
{
    static const char description[] = "Reads one of the probes of this device and answers what it says, in SI units.";
    mcpt_hub_mem mem;
    size_t i;

    for (i = 0; i < ntools; i++) {
        snprintf(names[i], sizeof(names[i]), i == ntools / 2 ? "echo" : "tool_%04u", (unsigned)i);
        tools[i].name = names[i];
        tools[i].description = description;
        tools[i].input_schema = TEXT_SCHEMA;
        tools[i].fn = echo;
    }
    if (ntools > 2) {
        tools[0].name = "measure";
        tools[0].input_schema = NULL;
        tools[0].fn = measure;
        tools[1].name = "confirm";
        tools[1].input_schema = NULL;
        tools[1].fn = confirm;
    }
    if (ntools == 3) {
        tools[2].name = "chore";
        tools[2].input_schema = NULL;
        tools[2].fn = chore;
    }
    env.millis = millis;
    env.unix_time = unix_time;
    env.random = pattern;
    env.crypto = &CRYPTO;
    memset(&server, 0, sizeof(server));
    server.name = "bench";
    server.version = "1.0.0";
    server.env = &env;
    server.tools = tools;
    server.ntools = ntools;
    server.guard = guarded ? &guard : NULL;
    server.prompts = prompts;
    server.nprompts = 1;
    server.resources = resources;
    server.nresources = (how & FULL) != 0 ? 3 : 2;
    mcpt_index_tools(tool_index, tools, ntools);
    server.tool_index = tool_index;
    memset(&mem, 0, sizeof(mem));
    mem.sessions = sessions;
    mem.nsessions = 4;
    mem.verdicts = verdicts;
    mem.nverdicts = 8;
    if ((how & FULL) != 0) {
        server.offers = MCPT_OFFER_LIST_CHANGED | MCPT_OFFER_SUBSCRIBE | MCPT_OFFER_LOGGING | MCPT_OFFER_COMPLETIONS | MCPT_OFFER_TASKS;
        mem.listeners = listeners;
        mem.nlisteners = 1;
        mem.slots = slots;
        mem.nslots = 1;
        mem.slot_data = slot_data;
        mem.slot_size = sizeof(slot_data);
    }
    if (mcpt_hub_init(&hub, &server, &mem) != MCPT_OK) {
        exit(1);
    }
}

static const char meta[] = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
    "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"bench-client\",\"version\":\"1.0.0\"},"
    "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{\"form\":{}}}}";
static const char meta_tasks[] = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
    "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"bench-client\",\"version\":\"1.0.0\"},"
    "\"io.modelcontextprotocol/clientCapabilities\":{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}}";

#define TOKEN "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJzdWIiOiJ1c2V" \
    "yXzEyMyIsImF1ZCI6Imh0dHBzOi8vcHVtcC5leGFtcGxlL21jcCIsImV4cCI6MTgwMDAwMzYwMH0.MEUCIQDx1Zq4h0m0d7m2mJ0bN3u5sXb9aA2u9" \
    "0n6g2r0h1o6yQIgY9l1a2s3d4f5g6h7j8k9l0q1w2e3r4t5y6u7i8o9p0"

static const char head[] =
    "POST /mcp HTTP/1.1\r\n"
    "host: 127.0.0.1:8080\r\n"
    "connection: keep-alive\r\n"
    "content-type: application/json\r\n"
    "accept: application/json, text/event-stream\r\n"
    "authorization: Bearer " TOKEN "\r\n"
    "accept-language: *\r\n"
    "sec-fetch-mode: cors\r\n"
    "user-agent: node\r\n"
    "accept-encoding: gzip, deflate\r\n";

/* guard: 1 token known, 2 new; expect: what the answer has in it. %s in params and target is the id of a task. */
struct item { const char *name, *method, *target, *params; size_t tools; bool legacy; unsigned guard, how; const char *expect; };
#define MODERN(name, method, target, params, tools, guard, how) \
    { name, method, target, params, tools, false, guard, how, "\"result\"" }
#define LEGACY(name, params, tools) { "legacy-" name, name, "", params, tools, true, 0, FULL, "\"result\"" }
#define ECHO "\"name\":\"echo\",\"arguments\":{\"text\":\"hello\"}"
#define COMPLETE "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"greet\"},\"argument\":{\"name\":\"name\",\"value\":\"A\"}"
#define INITIALIZE "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}"
static const struct item items[] = {
    MODERN("server/discover", "server/discover", "", "", 1, 0, 0),
    MODERN("tools/list-20", "tools/list", "", "", WHOLE_LIST, 0, 0),
    MODERN("tools/call", "tools/call", "echo", ECHO ",", 1, 0, 0),
    MODERN("tools/call-guarded", "tools/call", "echo", ECHO ",", 1, 1, 0),
    MODERN("tools/call-guarded-new", "tools/call", "echo", ECHO ",", 1, 2, 0),
    MODERN("tools/call-10", "tools/call", "echo", ECHO ",", 10, 0, 0),
    MODERN("tools/call-100", "tools/call", "echo", ECHO ",", 100, 0, 0),
    MODERN("tools/call-1000", "tools/call", "echo", ECHO ",", 1000, 0, 0),
    MODERN("tools/call-structured", "tools/call", "measure", "\"name\":\"measure\",\"arguments\":{},", 3, 0, 0),
    MODERN("tools/call-ask", "tools/call", "confirm", "\"name\":\"confirm\",\"arguments\":{},", 3, 0, 0),
    MODERN("resources/list", "resources/list", "", "", 1, 0, 0),
    MODERN("resources/templates/list", "resources/templates/list", "", "", 1, 0, FULL),
    MODERN("resources/read", "resources/read", "device://log", "\"uri\":\"device://log\",", 1, 0, 0),
    MODERN("resources/read-static", "resources/read", "device://manual", "\"uri\":\"device://manual\",", 1, 0, 0),
    MODERN("resources/read-template", "resources/read", "device://probe/7", "\"uri\":\"device://probe/7\",", 1, 0, FULL),
    MODERN("prompts/list", "prompts/list", "", "", 1, 0, 0),
    MODERN("prompts/get", "prompts/get", "greet", "\"name\":\"greet\",\"arguments\":{\"name\":\"Ada\"},", 1, 0, 0),
    MODERN("completion/complete", "completion/complete", "", COMPLETE ",", 1, 0, FULL),
    { "subscriptions/listen", "subscriptions/listen", "", "\"notifications\":{\"toolsListChanged\":true},", 1, false, 0, STREAM, "acknowledged" },
    MODERN("tasks/get", "tasks/get", "%s", "\"taskId\":\"%s\",", 3, 0, TASK),
    MODERN("tasks/update", "tasks/update", "%s", "\"taskId\":\"%s\",\"inputResponses\":{},", 3, 0, TASK),
    MODERN("tasks/cancel", "tasks/cancel", "%s", "\"taskId\":\"%s\",", 3, 0, TASK),
    LEGACY("initialize", INITIALIZE, 1),
    LEGACY("ping", "", 1),
    LEGACY("tools/list", "", WHOLE_LIST),
    LEGACY("tools/call", ECHO, 1),
    LEGACY("resources/list", "", 1),
    LEGACY("resources/templates/list", "", 1),
    LEGACY("resources/read", "\"uri\":\"device://log\"", 1),
    LEGACY("resources/subscribe", "\"uri\":\"device://log\"", 1),
    LEGACY("resources/unsubscribe", "\"uri\":\"device://log\"", 1),
    LEGACY("prompts/list", "", 1),
    LEGACY("prompts/get", "\"name\":\"greet\",\"arguments\":{\"name\":\"Ada\"}", 1),
    LEGACY("completion/complete", COMPLETE, 1),
    LEGACY("logging/setLevel", "\"level\":\"warning\"", 1),
};
static char task_id[64];

static void make_request(const struct item *it, const char *method, const char *params)
{
    static char body[2048];
    char members[256], target[64], lines[256];
    int n;

    snprintf(members, sizeof(members), params, task_id);
    snprintf(target, sizeof(target), it->target, task_id);
    n = snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":17,\"method\":\"%s\",\"params\":{%s%s}}", method,
                 members, it->legacy ? "" : it->how == TASK ? meta_tasks : meta);

    if (it->legacy) {
        snprintf(lines, sizeof(lines), "mcp-protocol-version: 2025-11-25\r\n%s", session_line);
    } else {
        snprintf(lines, sizeof(lines), "mcp-protocol-version: 2026-07-28\r\nmcp-method: %s\r\n%s%s%s", method,
                 target[0] != '\0' ? "mcp-name: " : "", target, target[0] != '\0' ? "\r\n" : "");
    }
    snprintf(request, sizeof(request), "%s%scontent-length: %d\r\n\r\n%s", head, lines, n, body);
}

/* One request: all of its bytes in, all of the answer's out. */
size_t bench_request(const char *bytes, size_t len);
#if defined(__GNUC__)
__attribute__((noinline))
#endif
size_t bench_request(const char *bytes, size_t len)
{
    size_t cap;
    size_t total = 0;
    char *to;

    (void)mcpt_io_want(&conn.io);
    to = mcpt_io_rx(&conn.io, &cap);
    memcpy(to, bytes, len);
    mcpt_io_rx_ack(&conn.io, len);
    answer = NULL;
    while ((mcpt_io_want(&conn.io) & MCPT_WANT_TX) != 0) {
        const char *from = mcpt_io_tx(&conn.io, &cap);

        answer = answer != NULL ? answer : from;
        total += cap;
        mcpt_io_tx_ack(&conn.io, cap);
    }
    return total;
}

static void handshake(const struct item *it)
{
    const char *at;

    session_line[0] = '\0';
    make_request(it, "initialize", INITIALIZE);
    (void)bench_request(request, strlen(request));
    at = answer != NULL ? strstr(answer, "Mcp-Session-Id: ") : NULL;
    if (at == NULL) {
        exit(1);
    }
    snprintf(session_line, sizeof(session_line), "%.48s\r\n", at);
}

static void make_task(const struct item *it)
{
    const struct item call = { "", "tools/call", "chore", "", it->tools, false, 0, it->how, "" };
    const char *at;

    make_request(&call, "tools/call", "\"name\":\"chore\",\"arguments\":{},");
    (void)bench_request(request, strlen(request));
    at = answer != NULL ? strstr(answer, "\"taskId\":\"") : NULL;
    if (at == NULL) {
        exit(1);
    }
    snprintf(task_id, sizeof(task_id), "%.*s", (int)strcspn(at + 10, "\""), at + 10);
}

static bool connect_again(void)
{
    const mcpt_mem mem = { rx, sizeof(rx), tx, sizeof(tx) - 1, tok, 128 };

    return mcpt_conn_init(&conn, &server, &hub, &mem, MCPT_HTTP, NULL) == MCPT_OK;
}

/* A server and a connection of their own, the request ready. */
static bool prepare(const struct item *it)
{
    make_server(it->tools, it->guard != 0, it->how);
    if (!connect_again()) {
        return false;
    }
    if (it->legacy && strcmp(it->method, "initialize") != 0) {
        handshake(it);
    } else if (it->how == TASK) {
        make_task(it);
    }
    token.token = TOKEN;
    make_request(it, it->method, it->params);
    return true;
}

/* One run of it. */
static size_t once(const struct item *it)
{
    if (it->guard == 2) {
        mcpt_str all = { NULL, 0 };

        mcpt_guard_forget(&hub, all);
    }
    if (it->how == STREAM) {          /* the last one ends with its connection */
        mcpt_io_eof(&conn.io);
        (void)mcpt_io_want(&conn.io);
        (void)connect_again();
    }
    return bench_request(request, strlen(request));
}

static bool answered(const struct item *it)
{
    return answer != NULL && strstr(answer, "200 OK") != NULL && strstr(answer, it->expect) != NULL;
}

#ifndef BENCH_BOARD
int main(int argc, char **argv)
{
    const struct item *it = NULL;
    size_t out = 0;
    size_t i;
    long n;

    for (i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        if (argc < 2) {
            puts(items[i].name);
        } else if (strcmp(argv[1], items[i].name) == 0) {
            it = &items[i];
        }
    }
    if (argc < 2) {
        return 0;
    }
    if (it == NULL) {
        fprintf(stderr, "no such request: %s\n", argv[1]);
        return 2;
    }
    if (!prepare(it)) {
        return 1;
    }
    for (n = argc > 2 ? atol(argv[2]) : 1; n > 0; n--) {
        out = once(it);
    }
    if (!answered(it)) {
        fprintf(stderr, "%s\n", answer != NULL ? answer : "no answer");
        return 1;
    }
    printf("%s %u %u\n", it->name, (unsigned)strlen(request), (unsigned)out);
    return 0;
}
#endif
