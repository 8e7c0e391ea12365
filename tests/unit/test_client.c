/* >>client against >>server in one process, over wires that are cut anywhere; and against scripted servers. */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "device.h"

enum { CHANNELS = 3 };
static struct {
    mcpt_client c;
    mcpt_channel ch[CHANNELS];
    wire *w[CHANNELS];
    char *rx[CHANNELS], *tx[CHANNELS], *msg[CHANNELS], *req;
    mcpt_tok *tok;
    size_t piece;                     /* bytes moved at once; 0: all */
    bool lines;
    unsigned dials, asks, notes, progress;
    char log[512], asked[64];
    const char *answer;               /* of ask; NULL: declined */
    mcpt_err cut;                     /* what the transport says of the end of its connections; OK: nothing */
    mcpt_client_config config;
    const char *const *script;        /* responses of a scripted server, one a connection or request; NULL: device */
    unsigned at;
    char heard[8192];                 /* what a scripted server was sent, all of it */
    size_t heard_len, said;           /* bytes of the current response that were read */
    bool answering;
    unsigned asker;                   /* the channel that is answered */
} T;

static mcpt_err on_ask(void *user, mcpt_str method, mcpt_val params, mcpt_writer *result)
{
    (void)user;
    T.asks++;
    snprintf(T.asked, sizeof(T.asked), "%.*s", (int)method.len, method.ptr);
    if (mcpt_str_is(method, "roots/list")) {
        mcpt_put_raw(result, mcpt_z("{\"roots\":[{\"uri\":\"file:///r\"}]}"));
    } else if (mcpt_str_is(method, "sampling/createMessage")) {
        CHECK(mcpt_int_or(mcpt_get(params, "maxTokens"), 0) == 9);
        mcpt_put_raw(result, mcpt_z("{\"role\":\"assistant\",\"model\":\"m\",\"content\":{\"type\":\"text\",\"text\":\"Paris\"}}"));
    } else if (T.answer == NULL) {
        return MCPT_E_DECLINED;
    } else {
        mcpt_put_raw(result, mcpt_z(T.answer));
    }
    return MCPT_OK;
}

static void on_notify(void *user, mcpt_str method, mcpt_str params)
{
    (void)user;
    (void)params;
    T.notes++;
    T.progress += mcpt_str_is(method, "notifications/progress");
    snprintf(T.log, sizeof(T.log), "%.*s %.*s", (int)method.len, method.ptr, (int)params.len, params.len != 0 ? params.ptr : "");
}

static void connect_to(unsigned i)
{
    if (T.script != NULL) {
        T.answering = false;
        T.at += T.script[T.at] != NULL && T.said == strlen(T.script[T.at]);
        T.said = 0;
        mcpt_channel_connected(&T.ch[i]);
        T.dials++;
        return;
    }
    if (T.w[i] != NULL) {
        hang_up(T.w[i]);
    }
    T.w[i] = dial(T.lines ? MCPT_LINES : MCPT_HTTP);
    T.dials++;
    mcpt_channel_connected(&T.ch[i]);
}

/* A scripted server: takes whole requests (their length is known by their head), answers the next text. */
static bool scripted(unsigned i, unsigned want)
{
    mcpt_io *io = &T.ch[i].io;
    size_t n, k;
    const char *p = mcpt_io_tx(io, &n), *text = T.script[T.at];
    char *to;
    if ((want & MCPT_WANT_TX) != 0 && p != NULL) {
        n = least(n, T.piece);
        if (text != NULL && T.said == strlen(text)) {       /* the next request: that answer is through */
            T.said = 0;
            T.at++;
        }
        CHECK(T.heard_len + n < sizeof(T.heard));
        memcpy(T.heard + T.heard_len, p, n);
        T.heard_len += n;
        T.heard[T.heard_len] = '\0';
        mcpt_io_tx_ack(io, n);
        T.answering = true;
        T.asker = i;
        return true;
    }
    if (!T.answering || i != T.asker || text == NULL || (want & MCPT_WANT_RX) == 0) {
        return false;
    }
    if (T.said == strlen(text)) {
        bool ends = strstr(text, "Connection: close") != NULL;
        T.answering = false;
        T.said = 0;
        T.at++;
        if (ends) {
            io->err = T.cut != MCPT_OK ? T.cut : io->err;
            mcpt_io_eof(io);
        }
        return ends;
    }
    to = mcpt_io_rx(io, &n);
    if (to == NULL) {
        return false;
    }
    k = least(least(n, T.piece), strlen(text) - T.said);
    memcpy(to, text + T.said, k);
    T.said += k;
    mcpt_io_rx_ack(io, k);
    return true;
}

static bool move(unsigned i)          /* bytes between a channel and its wire; was there anything to do? */
{
    mcpt_channel *ch = &T.ch[i];
    unsigned want = mcpt_io_want(&ch->io);
    wire *w = T.w[i];
    size_t n;
    if ((want & MCPT_WANT_CONNECT) != 0) {
        CHECK(mcpt_io_tx(&ch->io, &n) == NULL);             /* an old connection must not get it */
        connect_to(i);
        return true;
    }
    if (T.script != NULL) {
        return scripted(i, want);
    }
    if ((want & MCPT_CLOSED) != 0) {
        if (w != NULL) {
            hang_up(w);
            T.w[i] = NULL;
            return true;
        }
        return false;
    }
    if ((want & MCPT_WANT_TX) != 0 && w != NULL && w->open && !w->closed) {
        const char *p = mcpt_io_tx(&ch->io, &n);
        n = least(n, T.piece);
        w->in = p;
        w->in_len = n;
        pump(w);
        settle();
        mcpt_io_tx_ack(&ch->io, n - w->in_len);
        return n != w->in_len;
    }
    if ((want & MCPT_WANT_RX) != 0 && w != NULL && w->out_at < w->out_len) {
        char *p = mcpt_io_rx(&ch->io, &n);
        if (p == NULL) {
            return false;
        }
        n = least(least(n, T.piece), w->out_len - w->out_at);
        memcpy(p, w->out + w->out_at, n);
        w->out_at += n;
        if (w->out_at == w->out_len) {
            w->out_at = w->out_len = 0;
        }
        mcpt_io_rx_ack(&ch->io, n);
        return true;
    }
    if (w != NULL && (!w->open || w->closed)) {
        if (w->open) {
            hang_up(w);
        }
        T.w[i] = NULL;
        mcpt_io_eof(&ch->io);
        return true;
    }
    return false;
}

static void run(void)                 /* until nothing moves any more */
{
    bool any = true;
    for (unsigned rounds = 0; any && rounds < 200000; rounds++) {
        any = false;
        for (unsigned i = 0; i < T.c.nchannels; i++) {
            any = move(i) || any;
        }
        settle();
        for (unsigned i = 0; i < T.c.nchannels; i++) {
            any = any || (T.w[i] != NULL && T.w[i]->out_at < T.w[i]->out_len && mcpt_io_want(&T.ch[i].io) == MCPT_WANT_RX);
        }
    }
    CHECK(!any);
}

static void wait_ms(uint32_t ms)
{
    while (ms != 0) {
        uint32_t due = mcpt_client_due(&T.c), step = due == 0 ? 1 : due < ms ? due : ms;
        pass(step);
        ms -= step;
        run();
    }
}

enum { RX = 1024, TX = 2048, MSG = 8192, REQ = 4096, NTOK = 256 };
static void open_client(unsigned channels, mcpt_revision revision, bool lines)
{
    memset(&T, 0, sizeof(T));
    T.config.endpoint = lines ? NULL : "http://localhost:8080/mcp";
    T.config.name = "tester";
    T.config.version = "1";
    T.config.revision = revision;
    T.config.can = MCPT_CAN_FORM | MCPT_CAN_URL | MCPT_CAN_SAMPLE | MCPT_CAN_ROOTS | MCPT_CAN_TASKS;
    T.config.ask = on_ask;
    T.config.notify = on_notify;
    T.config.env = &world.env;
    T.lines = lines;
    T.req = (char *)malloc(REQ);
    T.tok = (mcpt_tok *)malloc(NTOK * sizeof(mcpt_tok));
    for (unsigned i = 0; i < channels; i++) {
        T.rx[i] = (char *)malloc(RX);
        T.tx[i] = (char *)malloc(TX);
        T.msg[i] = (char *)malloc(MSG);
        mcpt_channel_init(&T.ch[i], T.rx[i], RX, T.tx[i], TX, T.msg[i], MSG);
    }
    CHECK(mcpt_client_init(&T.c, &T.config, T.ch, channels, T.req, REQ, T.tok, NTOK) == MCPT_OK);
    if (lines) {
        T.w[0] = dial(MCPT_LINES);
    }
}

static void close_client(void)
{
    mcpt_client_close(&T.c);
    run();
    CHECK(mcpt_client_status(&T.c) == MCPT_CLIENT_CLOSED);
    for (unsigned i = 0; i < CHANNELS; i++) {
        if (T.w[i] != NULL) {
            hang_up(T.w[i]);
        }
        free(T.rx[i]);
        free(T.tx[i]);
        free(T.msg[i]);
    }
    free(T.req);
    free(T.tok);
}

/* A call whose arguments (or params) are members of a JSON text. */
static mcpt_err call_tool(const char *method, const char *name, const char *key, const char *json)
{
    mcpt_writer *w = mcpt_client_begin(&T.c, method, name);
    mcpt_err e;
    CHECK(w != NULL);
    if (w == NULL) {
        return MCPT_E_STATE;
    }
    if (key != NULL) {
        mcpt_kv_raw(w, key, mcpt_z(json));
    }
    e = mcpt_client_send(&T.c);
    CHECK(e == MCPT_OK);
    run();
    return mcpt_client_outcome(&T.c);
}

static const char *result(void)
{
    static char buf[MSG + 1];
    mcpt_str r = mcpt_client_result(&T.c);
    snprintf(buf, sizeof(buf), "%.*s", (int)r.len, r.len != 0 ? r.ptr : "");
    return buf;
}

#define READY() CHECK(mcpt_client_status(&T.c) == MCPT_CLIENT_READY)

/* Every kind of client against the same device: what it asks, what it gets. */
static void everything(unsigned channels, mcpt_revision revision, bool lines, size_t piece)
{
    const bool modern_era = revision == 0 || revision == MCPT_2026_07_28;
    const bool asks = modern_era || lines || channels > 1;
    begin();
    start();
    open_client(channels, revision, lines);
    T.piece = piece;
    run();
    READY();
    CHECK(mcpt_client_revision(&T.c) == (revision != 0 ? revision : MCPT_2026_07_28));
    CHECK(call_tool("tools/list", NULL, NULL, NULL) == MCPT_OK);
    HAS(result(), "\"name\":\"echo\"");
    CHECK(mcpt_size(mcpt_get(mcpt_client_value(&T.c), "tools")) == 0 || mcpt_size(mcpt_get(mcpt_client_value(&T.c), "tools")) > 20);
    CHECK(call_tool("tools/call", "echo", "text", "\"h\\u00e9 \\\"x\\\"\"") == MCPT_OK);
    HAS(result(), "\"text\":\"h\xc3\xa9 \\\"x\\\"\"");
    CHECK(call_tool("tools/call", "echo", NULL, NULL) == MCPT_OK);
    HAS(result(), "nothing");
    T.progress = 0;
    CHECK(call_tool("tools/call", "steps", "n", "5") == MCPT_OK && T.progress == 5);
    HAS(result(), "done");
    CHECK(call_tool("tools/call", "answer", "err", "1") == MCPT_OK);
    HAS(result(), "\"isError\":true");
    CHECK(call_tool("tools/call", "answer", "err", "2") == MCPT_E_RPC);
    {
        int64_t code;
        mcpt_str text = mcpt_client_fault(&T.c, &code);
        CHECK(code == -1234 && mcpt_str_is(text, "\"own error\"") && mcpt_client_result(&T.c).ptr == NULL);
    }
    CHECK(call_tool("tools/call", "nobody", NULL, NULL) == MCPT_E_RPC && T.c.code == -32602);
    CHECK(call_tool("nothing/there", NULL, NULL, NULL) == MCPT_E_RPC && T.c.code == -32601);
    CHECK(call_tool("resources/read", "dev://now", NULL, NULL) == MCPT_OK);
    HAS(result(), "computed");
    CHECK(call_tool("prompts/get", "greet", "name", "\"Ada\"") == MCPT_OK);
    HAS(result(), "greet Ada");
    T.answer = "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}";
    if (asks) {
        CHECK(call_tool("tools/call", "name", NULL, NULL) == MCPT_OK && T.asks == 1);
        IS(T.asked, "elicitation/create");
        HAS(result(), "hello Ada");
        CHECK(call_tool("tools/call", "trio", NULL, NULL) == MCPT_OK && T.asks == 4);
        HAS(result(), "Paris");
        CHECK(call_tool("tools/call", "rounds", NULL, NULL) == MCPT_OK && T.asks == 6);
        HAS(result(), "Ada");
        T.answer = NULL;
        CHECK(call_tool("tools/call", "name", NULL, NULL) == MCPT_OK && T.asks == 7);
        HAS(result(), "isError");
    } else {
        CHECK(call_tool("tools/call", "name", NULL, NULL) == MCPT_OK && T.asks == 0);
        HAS(result(), "isError");
    }
    READY();
    CHECK(lines || piece != 0 || T.dials <= channels);      /* connections are kept alive */
    close_client();
    finish();
}

/* 2026-07-28, "Parameter headers": mirrored from the arguments by the tool's own schema. */
static void parameters(void)
{
    static const struct { const char *schema; bool ok; } schemas[] = {
        { ROUTED_SCHEMA, true }, { ANY_SCHEMA, true }, { "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\"}}}", false },
        { "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}}", false },
        { "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A b\"}}}", false },
        { "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},\"b\":{\"type\":\"string\",\"x-mcp-header\":\"a\"}}}", false } };
    mcpt_writer *w;
    begin();
    start();
    open_client(1, (mcpt_revision)0, false);
    run();
    w = mcpt_client_begin(&T.c, "tools/call", "routed");
    mcpt_kv_z(w, "region", " caf\xc3\xa9 ");
    mcpt_kv_bool(w, "dry", false);
    mcpt_kv_raw(w, "where", mcpt_z("{\"floor\":42}"));
    mcpt_client_schema(&T.c, mcpt_z(ROUTED_SCHEMA));
    CHECK(mcpt_client_send(&T.c) == MCPT_OK);
    run();
    CHECK(mcpt_client_outcome(&T.c) == MCPT_OK);
    HAS(result(), "\"floor\":42");
    w = mcpt_client_begin(&T.c, "tools/call", "routed");    /* without them the server refuses */
    mcpt_kv_z(w, "region", "x");
    CHECK(mcpt_client_send(&T.c) == MCPT_OK);
    run();
    CHECK(mcpt_client_outcome(&T.c) == MCPT_E_RPC && T.c.code == -32020);
    w = mcpt_client_begin(&T.c, "tools/call", "\xc3\xb6lstand");    /* a name that a field cannot hold */
    CHECK(w != NULL && mcpt_client_send(&T.c) == MCPT_OK);
    run();
    CHECK(mcpt_client_outcome(&T.c) == MCPT_OK);
    for (size_t i = 0; i < MCPT_COUNT(schemas); i++) {
        CHECK(mcpt_client_tool_ok(mcpt_z(schemas[i].schema)) == schemas[i].ok);
    }
    close_client();
    finish();
}

/* 2025-11-25: the server closes the stream, the client comes back after retry and reads the rest. */
static void resumption(void)
{
    begin();
    start();
    open_client(2, MCPT_2025_11_25, false);
    run();
    READY();
    CHECK(call_tool("tools/call", "leave", NULL, NULL) == MCPT_OK && mcpt_client_status(&T.c) == MCPT_CLIENT_BUSY);
    CHECK(mcpt_client_due(&T.c) == 700);
    wait_ms(699);
    CHECK(mcpt_client_status(&T.c) == MCPT_CLIENT_BUSY);
    probe.done = true;
    mcpt_wake(probe.ticket);
    wait_ms(10);
    READY();
    HAS(result(), "left and came back");
    close_client();
    finish();
}

/* A session that has ended on the server: 404, another is begun, the call is made again (transports, "Session Management"). */
static void lost_session(void)
{
    begin();
    world.server.session_ms = 1000;
    start();
    open_client(1, MCPT_2025_11_25, false);
    run();
    READY();
    pass(2000);
    CHECK(call_tool("tools/call", "echo", "text", "\"again\"") == MCPT_OK);
    HAS(result(), "again");
    close_client();
    CHECK(world.hub.mem.sessions[0].flags == 0 || world.hub.mem.sessions[1].flags == 0);
    finish();
}

static void cancelling(mcpt_revision revision, bool lines)
{
    begin();
    start();
    open_client(2, revision, lines);
    run();
    READY();
    (void)call_tool("tools/call", "wait", NULL, NULL);
    CHECK(mcpt_client_status(&T.c) == MCPT_CLIENT_BUSY && T.progress == 1);
    mcpt_client_cancel(&T.c);
    run();
    READY();
    CHECK(mcpt_client_outcome(&T.c) == MCPT_E_CANCELLED && probe.cancels == 1);
    CHECK(call_tool("tools/call", "echo", "text", "\"on\"") == MCPT_OK);
    (void)call_tool("tools/call", "wait", NULL, NULL);
    wait_ms(59999);
    CHECK(mcpt_client_status(&T.c) == MCPT_CLIENT_BUSY);
    wait_ms(2);
    READY();
    CHECK(mcpt_client_outcome(&T.c) == MCPT_E_TIMEOUT && probe.cancels == 2);
    CHECK(call_tool("tools/call", "echo", "text", "\"on\"") == MCPT_OK);
    close_client();
    finish();
}

/* Scripted servers: what the probe makes of them, and what hostile ones get. */
#define JSON(status, body) "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" body "0\r\n\r\n"
static const char *reply_of(const char *status, const char *headers, const char *body)
{
    static char buf[32][4096];
    static unsigned next;
    char *to = buf[next++ % 32];
    snprintf(to, sizeof(buf[0]), "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers, strlen(body), body);
    return to;
}
#define CT "Content-Type: application/json\r\n"

static mcpt_client_state probe_of(const char *const *script)
{
    begin();
    start();
    open_client(1, (mcpt_revision)0, false);
    T.script = script;
    run();
    return mcpt_client_status(&T.c);
}

static void probing(void)
{
    const char *init = reply_of("200 OK", CT "Mcp-Session-Id: s1\r\n", "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"protocolVersion\":\"2025-06-18\","
                                "\"capabilities\":{},\"serverInfo\":{\"name\":\"x\",\"version\":\"1\"}}}");
    const char *ok = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
    const char *s1[] = { reply_of("400 Bad Request", CT, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"No session\"}}"), init, ok, ok, NULL };
    const char *s2[] = { "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<html", init, ok, ok, NULL };
    const char *s3[] = { reply_of("400 Bad Request", CT, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32022,\"message\":\"v\",\"data\":{\"supported\":[\"2025-06-18\"]}}}"), init, ok, ok, NULL };
    const char *s4[] = { reply_of("400 Bad Request", CT, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32022,\"message\":\"v\",\"data\":{\"supported\":[\"2026-07-28\"]}}}"), NULL };
    const char *s5[] = { reply_of("200 OK", CT, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"), init, ok, ok, NULL };
    const char *s6[] = { reply_of("503 Busy", "", "x"), NULL };
    const char *s9[] = { reply_of("503 Service Unavailable", CT "Retry-After: 5\r\n", "{\"error\":\"temporarily_unavailable\",\"error_description\":\"try again later\"}"), NULL };
    const char *s7[] = { reply_of("405 No", "", ""), reply_of("200 OK", CT, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"protocolVersion\":\"2031-01-01\"}}"), NULL };
    const char *s8[] = { reply_of("405 No", "", ""), reply_of("200 OK", "Content-Type: text/event-stream; charset=utf-8\r\n",
                         "id: 1\ndata:\n\n: hi\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":2,\n"
                         "data: \"result\":{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{},\"serverInfo\":{}}}\n\n"), ok, NULL };
    CHECK(probe_of(s1) == MCPT_CLIENT_READY && mcpt_client_revision(&T.c) == MCPT_2025_06_18);
    HAS(T.heard, "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: server/discover\r\n");
    HAS(T.heard, "\"method\":\"initialize\",\"params\":{\"_meta\":{\"progressToken\":2},\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}");
    HAS(T.heard, "Mcp-Session-Id: s1\r\nMCP-Protocol-Version: 2025-06-18\r\n");
    HAS(T.heard, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\",\"params\":{}}");
    close_client();
    finish();
    CHECK(probe_of(s2) == MCPT_CLIENT_READY && mcpt_client_revision(&T.c) == MCPT_2025_06_18);
    close_client();
    finish();
    CHECK(probe_of(s3) == MCPT_CLIENT_READY && mcpt_client_revision(&T.c) == MCPT_2025_06_18);
    close_client();
    finish();
    CHECK(probe_of(s4) == MCPT_CLIENT_READY && mcpt_client_revision(&T.c) == MCPT_2026_07_28);
    close_client();
    finish();
    CHECK(probe_of(s5) == MCPT_CLIENT_READY && mcpt_client_revision(&T.c) == MCPT_2025_06_18);
    close_client();
    finish();
    CHECK(probe_of(s6) == MCPT_CLIENT_FAILED && mcpt_client_outcome(&T.c) == MCPT_E_STATUS);
    close_client();
    finish();
    CHECK(probe_of(s9) == MCPT_CLIENT_FAILED && mcpt_client_outcome(&T.c) == MCPT_E_STATUS);   /* in trouble is not old */
    CHECK(mcpt_client_retry_after(&T.c) == 5);
    LACKS(T.heard, "initialize");
    {
        int64_t code;
        (void)mcpt_client_fault(&T.c, &code);
        CHECK(code == 503);
    }
    close_client();
    finish();
    CHECK(probe_of(s7) == MCPT_CLIENT_FAILED && mcpt_client_outcome(&T.c) == MCPT_E_VERSION);
    close_client();
    finish();
    CHECK(probe_of(s8) == MCPT_CLIENT_READY && mcpt_client_revision(&T.c) == MCPT_2025_03_26);
    LACKS(T.heard, "MCP-Protocol-Version: 2025");
    close_client();
    finish();
}

/* What a call makes of answers that are none. */
static void hostile_answers(void)
{
    static const struct { const char *text; mcpt_err e; } rows[] = {
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 41\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":1}}", MCPT_OK },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", MCPT_OK },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n24\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\r\n0\r\nX: y\r\n\r\n", MCPT_OK },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}", MCPT_E_RPC },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 38\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{}}", MCPT_E_RPC },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"jsonrpc\"", MCPT_E_RPC },
        { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 36\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", MCPT_E_RPC },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\nConnection: close\r\n\r\n{\"jsonrpc\":\"2.0\"", MCPT_E_IO },
        { "HTTP/1.1 200 OK\nContent-Length: 0\n\n", MCPT_E_HTTP }, { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", MCPT_E_HTTP },
        { "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}", MCPT_E_STATUS }, { "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", MCPT_E_UNAUTHORIZED },
        { "HTTP/1.1 429 Too Many\r\nContent-Type: application/json\r\nRetry-After: 9\r\nContent-Length: 20\r\n\r\n{\"error\":\"too_many\"}", MCPT_E_STATUS },
        { "HTTP/1.1 307 Elsewhere\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n", MCPT_E_STATUS },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 64\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"input_required\"}", MCPT_E_RPC },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"new thing\"}}", MCPT_E_RPC },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x01", MCPT_E_HTTP },   /* was not asked for */
        { "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: br\r\nConnection: close\r\n\r\ndata: {}\n\n", MCPT_E_HTTP },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: Identity\r\nContent-Length: 36\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", MCPT_OK },
        { "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"n\"}\n\n", MCPT_E_IO } };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        for (size_t piece = 0; piece < 3; piece++) {
            const char *script[2];
            script[0] = rows[i].text;
            script[1] = NULL;
            begin();
            start();
            open_client(1, MCPT_2026_07_28, false);
            T.script = script;
            T.piece = piece;
            (void)call_tool("tools/call", "echo", NULL, NULL);
            READY();
            if (mcpt_client_outcome(&T.c) != rows[i].e) {
                printf("row %zu: %d\n", i, (int)mcpt_client_outcome(&T.c));
            }
            CHECK(mcpt_client_outcome(&T.c) == rows[i].e);
            CHECK(mcpt_client_retry_after(&T.c) == (strstr(rows[i].text, "Retry-After: 9") != NULL ? 9u : 0u));
            HAS(T.heard, "\r\nAccept-Encoding: identity\r\n");
            close_client();
            finish();
        }
    }
    {                                 /* longer than the memory for it */
        char *big = (char *)malloc(20000);
        const char *script[2];
        memset(big, 'x', 20000);
        snprintf(big, 20000, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 18000\r\n\r\n\"");
        big[strlen(big)] = 'x';
        big[19999] = '\0';
        script[0] = big;
        script[1] = NULL;
        begin();
        start();
        open_client(1, MCPT_2026_07_28, false);
        T.script = script;
        (void)call_tool("tools/call", "echo", NULL, NULL);
        CHECK(mcpt_client_outcome(&T.c) == MCPT_E_SPACE);
        close_client();
        finish();
        free(big);
    }
}

/* A transport that says why it failed (port/tls, port/curl) is believed: no server, and a body that was cut, RFC 9112 section 8. */
static void transport_tells(void)
{
    static const char *const open_end[] = { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"ok\":1}}", NULL };
    for (unsigned k = 0; k < 2; k++) {
        begin();
        start();
        open_client(1, MCPT_2026_07_28, false);
        T.script = open_end;
        T.cut = k == 0 ? MCPT_OK : MCPT_E_IO;
        CHECK(call_tool("tools/call", "t", NULL, NULL) == T.cut);
        close_client();
        finish();
    }
    begin();
    start();
    open_client(1, MCPT_2026_07_28, false);
    CHECK(mcpt_client_begin(&T.c, "tools/call", "t") != NULL && mcpt_client_send(&T.c) == MCPT_OK);
    CHECK((mcpt_io_want(&T.ch[0].io) & MCPT_WANT_CONNECT) != 0);
    T.ch[0].io.err = MCPT_E_CERTIFICATE;
    mcpt_io_eof(&T.ch[0].io);
    (void)mcpt_io_want(&T.ch[0].io);
    READY();
    CHECK(mcpt_client_outcome(&T.c) == MCPT_E_CERTIFICATE);
    CHECK(call_tool("tools/call", "echo", NULL, NULL) == MCPT_OK);      /* and it counts once */
    close_client();
    finish();
}

/* requestState comes back byte for byte, with a new id; the answers beside it (2026-07-28, "Multi Round-Trip Requests"). */
static void round_trips(void)
{
    const char *ask = reply_of("200 OK", CT, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{\"co\\u006efirm\":{\"method\":\"elicitation/create\","
                               "\"params\":{\"message\":\"?\"}}},\"requestState\":\"{\\\"a\\\":\\\"\\u00e9\\/\\\"}\"}}");
    const char *state_only = reply_of("200 OK", CT, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"resultType\":\"input_required\",\"requestState\":\"s2\"}}");
    const char *done = reply_of("200 OK", CT, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"ok\":1}}");
    const char *script[] = { ask, state_only, done, NULL };
    begin();
    start();
    open_client(1, MCPT_2026_07_28, false);
    T.script = script;
    T.answer = "{\"action\":\"accept\",\"content\":{\"confirmed\":true}}";
    CHECK(call_tool("tools/call", "t", "x", "1") == MCPT_OK);
    HAS(result(), "{\"ok\":1}");
    HAS(T.heard, "\"name\":\"t\",\"arguments\":{\"x\":1},\"inputResponses\":{\"co\\u006efirm\":{\"action\":\"accept\",\"content\":{\"confirmed\":true}}},"
                 "\"requestState\":\"{\\\"a\\\":\\\"\\u00e9\\/\\\"}\"}}");
    HAS(T.heard, "\"name\":\"t\",\"arguments\":{\"x\":1},\"requestState\":\"s2\"}}");
    HAS(T.heard, "{\"jsonrpc\":\"2.0\",\"id\":3,");
    close_client();
    finish();
}

/* A call that is given up, a client that is closed, while authorization is in the middle of an answer: its next request is
 * made of what is known then, not of what was sent before. */
static void leaving_authorization(void)
{
    static const mcpt_oauth_config config = { .endpoint = "http://localhost:8080/mcp", .redirect_uri = "http://127.0.0.1/cb", .env = &world.env };
    static char mem[4096];
    for (int closes = 0; closes < 2; closes++) {
        mcpt_oauth oauth;
        const char *refused = reply_of("401 Unauthorized", "WWW-Authenticate: Bearer\r\n", "");
        const char *script[] = { refused, "HTTP/1.1 200 OK\r\n" CT "Content-Length: 500\r\n\r\n{\"resource\":\"", refused, NULL };
        begin();
        start();
        CHECK(mcpt_oauth_init(&oauth, &config, mem, sizeof(mem)) == MCPT_OK);
        open_client(1, MCPT_2026_07_28, false);
        T.config.oauth = &oauth;
        T.script = script;
        (void)call_tool("tools/call", "t", NULL, NULL);
        CHECK(mcpt_client_status(&T.c) == MCPT_CLIENT_BUSY && mcpt_oauth_next(&oauth) == MCPT_OAUTH_REQUEST);
        HAS(T.heard, "GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: localhost:8080\r\n");
        T.heard_len = 0;
        T.at = 2;
        T.said = 0;
        T.answering = false;
        if (closes == 0) {
            mcpt_client_cancel(&T.c);
            CHECK(mcpt_oauth_next(&oauth) == MCPT_OAUTH_FAILED && mcpt_oauth_error(&oauth) == MCPT_E_CANCELLED);
            (void)call_tool("tools/call", "t", NULL, NULL);
            CHECK(strncmp(T.heard, "POST /mcp HTTP/1.1\r\n", 20) == 0);
            HAS(T.heard, "GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: localhost:8080\r\n");
            T.heard_len = 0;
            T.heard[0] = '\0';
        }
        close_client();
        CHECK(T.heard_len == 0 && mcpt_oauth_next(&oauth) != MCPT_OAUTH_REQUEST);
        mcpt_oauth_close(&oauth);
        finish();
    }
}

#define SSE_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define INITIALIZED(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"serverInfo\":{\"name\":\"x\",\"version\":\"1\"}}}"
static const mcpt_oauth_config signed_in = { .endpoint = "http://localhost:8080/mcp", .redirect_uri = "http://127.0.0.1/cb", .client_id = "c", .env = &world.env };
static void adopt_tokens(mcpt_oauth *oauth, char *mem, size_t size)
{
    CHECK(mcpt_oauth_init(oauth, &signed_in, mem, size) == MCPT_OK && mcpt_oauth_adopt(oauth, MCPT_FACT_REFRESH_TOKEN, mcpt_z("rt")) == MCPT_OK &&
          mcpt_oauth_adopt(oauth, MCPT_FACT_ACCESS_TOKEN, mcpt_z("old")) == MCPT_OK);
}

/* A legacy session over one channel, with tokens it was given before, begins. */
static void run_authorized(mcpt_oauth *oauth, char *mem, size_t size, const char **script)
{
    begin();
    start();
    open_client(1, MCPT_2025_11_25, false);
    adopt_tokens(oauth, mem, size);
    T.config.oauth = oauth;
    T.script = script;
    run();
    READY();
}

/* M7: the token has ended when a stream is resumed: it is refreshed, and the stream resumed with the new one; the call is not made twice. */
static void refused_resumption(void)
{
    static char mem[4096];
    mcpt_oauth oauth;
    const char *ok = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", *refused = reply_of("401 Unauthorized", "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n", "");
    const char *meta = reply_of("200 OK", CT, "{\"resource\":\"http://localhost:8080/mcp\",\"authorization_servers\":[\"http://localhost:8080\"]}");
    const char *as = reply_of("200 OK", CT, "{\"issuer\":\"http://localhost:8080\",\"authorization_endpoint\":\"http://localhost:8080/a\",\"token_endpoint\":\"http://localhost:8080/t\","
                              "\"code_challenge_methods_supported\":[\"S256\"]}");
    const char *token = reply_of("200 OK", CT, "{\"access_token\":\"new\",\"token_type\":\"Bearer\",\"expires_in\":3600}");
    const char *script[] = { reply_of("200 OK", CT "Mcp-Session-Id: s1\r\n", INITIALIZED("1")), ok,
        SSE_HEAD "id: e1\nretry: 10\ndata:\n\n", refused, meta, as, token,
        SSE_HEAD "id: e2\ndata: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[],\"text\":\"resumed\"}}\n\n", ok, NULL };
    run_authorized(&oauth, mem, sizeof(mem), script);
    (void)call_tool("tools/call", "t", NULL, NULL);
    HAS(T.heard, "Authorization: Bearer old\r\n");
    T.heard_len = 0;
    wait_ms(1000);
    READY();
    CHECK(mcpt_client_outcome(&T.c) == MCPT_OK);
    HAS(result(), "resumed");
    CHECK(strncmp(T.heard, "GET /mcp HTTP/1.1\r\n", 19) == 0);
    HAS(T.heard, "grant_type=refresh_token&refresh_token=rt&");
    {
        const char *again = strstr(T.heard, "grant_type=");
        again = again != NULL ? strstr(again, "GET /mcp HTTP/1.1\r\n") : NULL;
        CHECK(again != NULL && strstr(again, "Authorization: Bearer new\r\n") != NULL && strstr(again, "Last-Event-ID: e1\r\n") != NULL);
    }
    LACKS(T.heard, "tools/call");     /* nothing is replayed */
    close_client();
    mcpt_oauth_close(&oauth);
    finish();
}

/* M8: a 401 to the DELETE of a session ends it all the same: nobody is asked to sign in for leaving. */
static void refused_delete(void)
{
    static const char *const answers[] = { "401 Unauthorized", "403 Forbidden", "404 Not Found", "405 Method Not Allowed", "503 Busy" };
    static char mem[4096];
    for (size_t i = 0; i < MCPT_COUNT(answers); i++) {
        mcpt_oauth oauth;
        const char *ok = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", *token;
        const char *script[] = { reply_of("200 OK", CT "Mcp-Session-Id: s1\r\n", INITIALIZED("1")), ok,
            reply_of(answers[i], "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n", ""), ok, NULL };
        run_authorized(&oauth, mem, sizeof(mem), script);
        T.heard_len = 0;
        close_client();               /* CLOSED, it says */
        CHECK(strncmp(T.heard, "DELETE /mcp HTTP/1.1\r\n", 22) == 0 && strstr(T.heard + 1, " HTTP/1.1\r\n") == T.heard + 11 && strstr(T.heard + 22, " HTTP/1.1\r\n") == NULL);
        token = mcpt_oauth_next(&oauth) == MCPT_OAUTH_READY ? "kept" : "lost";
        CHECK(strcmp(token, "kept") == 0);
        mcpt_oauth_close(&oauth);
        finish();
    }
}

/* The server's own stream (2025-11-25): what may pass is tried again after a minute, what says that there is none is believed. */
static void refused_stream(void)
{
    static const struct { const char *status; bool again; } rows[] = { { "401 Unauthorized", true }, { "503 Busy", true }, { "429 Too Many Requests", true },
        { "405 Method Not Allowed", false }, { "404 Not Found", false } };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        const char *ok = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
        const char *script[] = { reply_of("200 OK", CT, INITIALIZED("1")), ok, reply_of(rows[i].status, "", ""),
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n", NULL };
        begin();
        start();
        open_client(3, MCPT_2025_11_25, false);
        T.script = script;
        run();
        READY();
        HAS(T.heard, "GET /mcp HTTP/1.1\r\n");
        T.heard_len = 0;
        T.heard[0] = '\0';
        wait_ms(59000);
        CHECK(T.heard_len == 0 && T.notes == 0);            /* no hammering */
        wait_ms(1500);
        CHECK((T.notes == 1) == rows[i].again && (strncmp(T.heard, "GET /mcp HTTP/1.1\r\n", 19) == 0) == rows[i].again);
        T.script = NULL;
        close_client();
        finish();
    }
}

/* Results that are larger than msg. */
static struct {
    mcpt_pieces p;
    char text[8192];
    size_t len;
    unsigned begun, calls;
    mcpt_err refuse;                  /* what the third piece is answered; OK: all are taken */
} P;

static mcpt_err on_piece(void *user, const char *text, size_t len)
{
    (void)user;
    if (text == NULL) {
        P.begun++;
        P.len = 0;
        return MCPT_OK;
    }
    CHECK(len != 0 && P.len + len < sizeof(P.text));
    memcpy(P.text + P.len, text, len);
    P.len += len;
    P.text[P.len] = '\0';
    return ++P.calls == 3 ? P.refuse : MCPT_OK;
}

enum { AS_JSON, AS_CHUNKED, AS_EVENT, AS_EVENT_LINES, AS_LINE };   /* how a message is framed */
static void frame(char *to, size_t cap, unsigned as, const char *message)
{
    static const char *const heads[] = { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n" };
    static const char stream[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: x\ndata: ";
    size_t n;
    if (as <= AS_CHUNKED) {
        snprintf(to, cap, heads[as], strlen(message), message);
    } else if (as == AS_LINE) {
        snprintf(to, cap, "%s\r\n", message);
    } else {
        n = (size_t)snprintf(to, cap, "%s", stream);
        for (; *message != '\0'; message++) {
            n += (size_t)snprintf(to + n, cap - n, as == AS_EVENT_LINES && *message == ':' ? ":\ndata:" : "%c", *message);
        }
        snprintf(to + n, cap - n, "\n\n");
    }
}

/* One call of a client with msg bytes of memory for messages, answered by the script. */
static mcpt_err in_pieces(const char *const *script, unsigned as, size_t msg, size_t piece)
{
    const mcpt_err refuse = P.refuse;
    mcpt_writer *w;
    memset(&P, 0, sizeof(P));
    P.refuse = refuse;
    P.p.piece = on_piece;
    begin();
    start();
    open_client(1, MCPT_2026_07_28, as == AS_LINE);
    mcpt_channel_init(&T.ch[0], T.rx[0], 512, T.tx[0], TX, T.msg[0], msg);
    CHECK(mcpt_client_init(&T.c, &T.config, T.ch, 1, T.req, REQ, T.tok, NTOK) == MCPT_OK);
    T.script = script;
    T.piece = piece;
    w = mcpt_client_begin(&T.c, "tools/call", "t");
    CHECK(w != NULL);
    mcpt_client_pieces(&T.c, &P.p);
    CHECK(mcpt_client_send(&T.c) == MCPT_OK);
    run();
    READY();
    return mcpt_client_outcome(&T.c);
}

static void large_results(void)
{
    static char result_text[3072], message[4096], framed[8192];
    static const char *const forms[] = { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}", "{\"result\" : %s,\"jsonrpc\":\"2.0\",\"id\":1}" };
    const char *const script[] = { framed, NULL };
    static const size_t cuts[] = { 0, 1, 7 };
    for (unsigned as = AS_JSON; as <= AS_LINE; as++) {
        for (unsigned k = 0; k < 2 * MCPT_COUNT(cuts); k++) {
            for (size_t size = 64; size < 4000; size = size < 80 ? size + 1 : size * 2) {
                size_t n = (size_t)snprintf(result_text, sizeof(result_text), "{%s\"content\":[{\"type\":\"text\",\"text\":\"", k & 1 ? "" : "\"resultType\":\"complete\",");
                while (n < 2000) {
                    n += (size_t)snprintf(result_text + n, sizeof(result_text) - n, "%zu caf\xc3\xa9 \\\"\\u00e9\\n", n);
                }
                snprintf(result_text + n, sizeof(result_text) - n, "\"}]%s}", k & 1 ? ",\"resultType\":\"complete\"" : "");
                snprintf(message, sizeof(message), forms[k / 2 % 2], result_text);
                frame(framed, sizeof(framed), as, message);
                CHECK(in_pieces(script, as, size, cuts[k / 2]) == MCPT_OK);
                if (size < strlen(message)) {
                    CHECK(P.begun == 1 && mcpt_client_result(&T.c).len == 0 && mcpt_client_result(&T.c).ptr == NULL);
                    if (as == AS_EVENT_LINES) {             /* its line ends are white space */
                        size_t i = 0, at = 0;
                        for (; i < P.len; i++) {
                            P.text[at] = P.text[i];
                            at += P.text[i] != '\n';
                        }
                        P.text[at] = '\0';
                    }
                    CHECK(strcmp(P.text, result_text) == 0);
                } else {
                    CHECK(P.begun == 0 && P.calls == 0 && mcpt_client_result(&T.c).len >= strlen(result_text));
                }
                close_client();
                finish();
            }
        }
    }
}

static void pieces_refused(void)
{
    static char framed[4][8192], pad[300];
    static const struct { const char *message; mcpt_err e; } rows[] = {     /* %s: 299 characters */
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"%s\"}}", MCPT_E_RPC },
        { "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"a\":\"%s\"}}", MCPT_E_RPC }, { "{\"jsonrpc\":\"2.0\",\"id\":1,\"x\":\"%s\"}", MCPT_E_RPC },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"%s\",\"resultType\":\"input_required\"}}", MCPT_E_SPACE },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"%s\",\"resultType\":\"new\"}}", MCPT_E_RPC },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":\"%s\"}}", MCPT_E_SPACE },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"%s\",}}", MCPT_E_JSON }, { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"%s\xff\"}}", MCPT_E_UTF8 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"%s\"}", MCPT_E_JSON }, { "{\"id\":\"%s\",\"result\":{}}", MCPT_E_SPACE },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"%s\"},\"result\":{}}", MCPT_E_DUPLICATE } };
    const char *script[3] = { framed[0], NULL, NULL };
    char message[512];
    memset(pad, 'x', sizeof(pad) - 1);
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        for (unsigned as = AS_JSON; as <= AS_LINE; as++) {
            mcpt_err e;
            snprintf(message, sizeof(message), rows[i].message, pad);
            frame(framed[0], sizeof(framed[0]), as, message);
            if (as == AS_LINE && rows[i].e == MCPT_E_RPC && i != 0 && i != 4) {
                continue;                                   /* not the answer: on a line the call goes on */
            }
            e = in_pieces(script, as, 100, i % 3);
            if (e != rows[i].e && !(e == MCPT_E_IO && rows[i].e == MCPT_E_RPC && as >= AS_EVENT)) {        /* a stream may go on, too */
                printf("row %zu as %u: %d\n", i, as, (int)e);
                CHECK(false);
            }
            CHECK(mcpt_client_result(&T.c).len == 0);
            if (i == 0) {
                int64_t code;
                (void)mcpt_client_fault(&T.c, &code);
                CHECK(code == -32000 && mcpt_client_fault(&T.c, NULL).len == 0);
            }
            close_client();
            finish();
        }
    }
    for (unsigned as = AS_JSON; as <= AS_LINE; as++) {      /* the taker refuses; the next call is not concerned */
        snprintf(message, sizeof(message), rows[4].message, pad);
        frame(framed[0], sizeof(framed[0]), as, message);
        frame(framed[1], sizeof(framed[1]), as, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"ok\":1}}");
        script[1] = framed[1];
        P.refuse = MCPT_E_USER;
        CHECK(in_pieces(script, as, 100, 20) == MCPT_E_USER);
        CHECK(P.calls == 3);
        if (as == AS_LINE) {
            CHECK(call_tool("tools/call", "t", NULL, NULL) == MCPT_OK);
            HAS(result(), "{\"ok\":1}");
        }
        close_client();
        finish();
        P.refuse = MCPT_OK;
        script[1] = NULL;
    }
    snprintf(framed[0], sizeof(framed[0]), "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
             "data: {\"id\":1,\"result\":{\"a\":\"%s\"}}\nevent: other\n\n", pad);
    CHECK(in_pieces(script, AS_EVENT, 100, 0) == MCPT_E_SPACE);        /* its type came too late */
    close_client();
    finish();
    snprintf(framed[0], sizeof(framed[0]), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\nConnection: close\r\n\r\n"
             "{\"id\":1,\"result\":{\"a\":\"%s\"}}", pad);
    CHECK(in_pieces(script, AS_JSON, 100, 0) == MCPT_E_IO);
    close_client();
    finish();
}

/* 2025-11-25: a stream that breaks in the middle of a large result is resumed, and the result begins anew. */
static void pieces_resumed(void)
{
    static char first[1024], second[1024], pad[500];
    const char *const script[] = { first, second, NULL };
    const char *const hello[] = { reply_of("200 OK", CT, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}}"),
                            reply_of("202 Accepted", "", ""), NULL };
    memset(pad, 'x', sizeof(pad) - 1);
    snprintf(first, sizeof(first), "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
             "id: a\nretry: 10\ndata:\n\nid: b\ndata: {\"id\":2,\"result\":{\"a\":\"%s", pad);
    snprintf(second, sizeof(second), "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nid: b\ndata: {\"id\":2,\"result\":{\"a\":\"%s\"}}\n\n", pad);
    memset(&P, 0, sizeof(P));
    P.p.piece = on_piece;
    begin();
    start();
    open_client(1, MCPT_2025_11_25, false);
    mcpt_channel_init(&T.ch[0], T.rx[0], RX, T.tx[0], TX, T.msg[0], 400);
    CHECK(mcpt_client_init(&T.c, &T.config, T.ch, 1, T.req, REQ, T.tok, NTOK) == MCPT_OK);
    T.script = hello;
    run();
    READY();
    T.script = script;
    T.at = 0;
    T.said = 0;
    T.answering = false;
    CHECK(mcpt_client_begin(&T.c, "tools/call", "t") != NULL);
    mcpt_client_pieces(&T.c, &P.p);
    CHECK(mcpt_client_send(&T.c) == MCPT_OK);
    run();
    wait_ms(20);
    READY();
    HAS(T.heard, "Last-Event-ID: a\r\n");
    CHECK(mcpt_client_outcome(&T.c) == MCPT_OK && P.begun == 2 && P.len == strlen(pad) + 8 && memcmp(P.text, "{\"a\":\"xxx", 9) == 0);
    close_client();
    finish();
}

/* Questions of a kind that was not declared (2026-07-28, basic/mrtr: MUST NOT) are not asked of the application. */
static void undeclared(void)
{
    const char *script[] = { reply_of("200 OK", CT, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"input_required\",\"inputRequests\":"
                             "{\"k\":{\"method\":\"sampling/createMessage\",\"params\":{\"maxTokens\":9,\"messages\":[]}}}}}"), NULL };
    begin();
    start();
    open_client(1, MCPT_2026_07_28, false);
    T.config.can = MCPT_CAN_FORM;
    T.script = script;
    CHECK(call_tool("tools/call", "t", NULL, NULL) == MCPT_E_CAPABILITY && T.asks == 0);
    close_client();
    finish();
}

static void small_memory(void)
{
    size_t ok = 0;
    for (size_t size = 64; size < 1400; size += 8) {
        mcpt_writer *w;
        char *req = (char *)malloc(size);
        begin();
        start();
        open_client(1, MCPT_2026_07_28, false);
        CHECK(mcpt_client_init(&T.c, &T.config, T.ch, 1, req, size, T.tok, NTOK) == MCPT_OK);
        w = mcpt_client_begin(&T.c, "tools/call", "name");
        if (w != NULL) {
            mcpt_kv_z(w, "k", "some text that takes its room");
            if (mcpt_client_send(&T.c) == MCPT_OK) {
                T.answer = "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}";
                run();
                CHECK(mcpt_client_outcome(&T.c) == MCPT_OK || mcpt_client_outcome(&T.c) == MCPT_E_SPACE);
                ok += mcpt_client_outcome(&T.c) == MCPT_OK;
            }
        }
        close_client();
        finish();
        free(req);
    }
    CHECK(ok > 20);
}

int main(void)
{
    static const size_t pieces[] = { 0, 1, 7, 100 };
    for (size_t i = 0; i < MCPT_COUNT(pieces); i++) {
        for (unsigned channels = 1; channels <= 3; channels++) {
            everything(channels, (mcpt_revision)0, false, pieces[i]);
            everything(channels, MCPT_2025_11_25, false, pieces[i]);
        }
        everything(3, MCPT_2025_06_18, false, pieces[i]);
        everything(2, MCPT_2025_03_26, false, pieces[i]);
        everything(1, (mcpt_revision)0, true, pieces[i]);
        everything(1, MCPT_2025_11_25, true, pieces[i]);
    }
    parameters();
    resumption();
    lost_session();
    cancelling(MCPT_2026_07_28, false);
    cancelling(MCPT_2025_11_25, false);
    cancelling(MCPT_2025_11_25, true);
    probing();
    hostile_answers();
    transport_tells();
    round_trips();
    leaving_authorization();
    refused_resumption();
    refused_delete();
    refused_stream();
    undeclared();
    large_results();
    pieces_refused();
    pieces_resumed();
    small_memory();
    return test_end();
}
