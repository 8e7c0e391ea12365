/* The server and its buffers: answers of every size through windows of every size, requests in every split, connections that end at
 * every byte, everything at its minimum. (Design section 3, rules 2 and 5; section 6, items 1 to 3.) */
#include "device.h"

/* -- answers that the library writes itself, through any tx */

static reply list_call(wire *w, unsigned i)
{
    static const char *const methods[] = {
        "tools/list", "resources/list", "resources/templates/list", "prompts/list", "server/discover"
    };

    return i < 5 ? modern(w, methods[i], NULL, "") :
           i == 5 ? modern(w, "resources/read", "dev://text", "\"uri\":\"dev://text\"") :
           i == 6 ? modern(w, "resources/read", "dev://blob", "\"uri\":\"dev://blob\"") :
           i == 7 ? modern(w, "resources/read", "dev://empty", "\"uri\":\"dev://empty\"") :
           legacy(w, NULL, "initialize", initialize_members("2025-11-25", "{}"));
}

/* Rule 5b, 5c: "library-generated lists stream from (row, offset) cursors through any window", "static resources stream from flash". */
static void lists_are_the_same_through_every_buffer(void)
{
    size_t tx;
    unsigned i;
    char whole[9][8192];

    begin();
    world.server.title = "A \"title\"";
    world.server.description = "The device under test";
    world.server.website = "https://dev.example";
    world.server.icons = "[{\"src\":\"https://dev.example/i.png\"}]";
    world.server.instructions = "Do this first, and then that, and when everything else has failed, read this text once more: "
                                "it is long enough for several windows of the smallest buffer that there may be, and says nothing "
                                "at all, like so many texts of its kind, and yet it must come out as it went in. \xe2\x82\xac\xf0\x9f\x98\x80";
    world.server.ttl_ms = 60000;
    world.server.cache_public = true;
    world.tx = 16384;
    for (i = 0; i < 9; i++) {
        wire *w;
        reply r;

        start();
        w = dial(MCPT_HTTP);
        r = list_call(w, i);
        CHECK(r.status == 200 && !r.chunked && r.whole && r.len < sizeof(whole[0]));
        strcpy(whole[i], r.body);
        finish();
    }
    HAS(whole[4], "\"ttlMs\":60000,\"cacheScope\":\"public\"");
    HAS(whole[0], "\"annotations\":{\"readOnlyHint\":true,\"openWorldHint\":false}");
    IS(member(whole[5], "result|contents|0|text"), member(fmt("{\"t\":\"%s\"}", "caf\xc3\xa9 \xe2\x82\xac \\\"quoted\\\" \xf0\x9f\x98\x80 line\\n"
       "aaaaaaaaaaaaaaaaaaa\xe2\x82\xac\xe2\x82\xac\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 end"), "t"));
    IS(whole[7], "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\",\"contents\":[{\"uri\":\"dev://empty\",\"mimeType\":\"text/plain\","
       "\"text\":\"\"}],\"ttlMs\":60000,\"cacheScope\":\"public\",\"_meta\":{\"" META "serverInfo\":{\"name\":\"dev\",\"version\":\"1\",\"title\":\"A \\\"title\\\"\","
       "\"description\":\"The device under test\",\"websiteUrl\":\"https://dev.example\",\"icons\":[{\"src\":\"https://dev.example/i.png\"}]}}}}");
    for (tx = 512; tx < 9000; tx += tx < 1100 ? TEST_STEPS(1, 7) : tx / 3) {
        world.tx = tx;
        start();
        for (i = 0; i < 9; i++) {
            wire *w = dial(MCPT_HTTP);
            reply r = list_call(w, i);

            CHECK(r.status == 200 && r.whole);
            IS(r.body, whole[i]);
            world.accept = "text/event-stream";    /* the same as one event */
            r = list_call(w, i);
            CHECK(r.stream && r.whole);
            IS(strstr(r.body, "data: {") != NULL ? event(r.body, 0) : "", whole[i]);
            world.accept = "application/json, text/event-stream";
            hang_up(w);
        }
        finish();
    }
}

/* Static text is cut into blocks between characters, wherever they fall; binary is padded at its end only. */
static void static_resources_of_every_length_come_out_whole(void)
{
    static char text[220];
    static mcpt_resource rows[2];
    static const char *const units[] = { "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\"", "\n", "\x01" };
    static const char *const escaped[] = { "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\\\"", "\\n", "\\u0001" };
    char want[2048];
    char b64[400];
    size_t n;
    unsigned unit;
    wire *w;
    reply r;

    begin();
    world.tx = 512;
    world.server.resources = rows;
    world.server.nresources = 2;
    world.server.visible = NULL;
    rows[0].uri = "dev://t";
    rows[0].name = "t";
    rows[0].data = text;
    rows[1].uri = "dev://b";
    rows[1].name = "b";
    rows[1].data = text;
    rows[1].flags = MCPT_BINARY;
    start();
    w = dial(MCPT_HTTP);
    for (unit = 0; unit < MCPT_COUNT(units); unit++) {
        size_t size = strlen(units[unit]);

        for (n = 0; n <= 60; n++) {   /* n letters, then characters of one kind up to the end */
            size_t len = n;

            memset(text, 'x', n);
            memset(want, 'x', n);
            want[n] = '\0';
            while (len + size <= 150) {
                memcpy(text + len, units[unit], size);
                len += size;
                strcat(want, escaped[unit]);
            }
            rows[0].size = len;
            r = modern(w, "resources/read", "dev://t", "\"uri\":\"dev://t\"");
            IS(member_text(r.body, "result|contents|0|text"), want);
        }
    }
    for (n = 0; n < 200; n++) {
        text[n] = (char)(n * 37);
        rows[1].size = n;
        b64[mcpt_b64_encode(text, n, false, b64, sizeof(b64))] = '\0';
        r = modern(w, "resources/read", "dev://b", "\"uri\":\"dev://b\"");
        IS(member_text(r.body, "result|contents|0|blob"), b64);
    }
    IS(member(modern(w, "resources/list", NULL, "").body, "result|resources|1|size"), "199");
    finish();
}

/* -- answers of handlers */

/* Rule 5e: "otherwise the client gets an error that says how many bytes were needed. Nothing partial is ever sent". */
static void an_answer_that_does_not_fit_names_the_bytes_it_needs(void)
{
    size_t n;
    wire *w;
    reply r;

    begin();
    world.tx = 600;
    start();
    w = dial(MCPT_HTTP);
    for (n = 0; n < 400; n++) {
        r = call(w, "bulk", fmt("{\"n\":%u}", (unsigned)n));
        if (error_code(r.body) != 0) {
            break;
        }
        CHECK(strlen(said(r.body)) == n);
    }
    CHECK(n > 100 && n < 400);
    for (; n < 5000; n += 311) {
        const char *text;
        unsigned need;
        unsigned room;

        r = call(w, "bulk", fmt("{\"n\":%u}", (unsigned)n));
        ERROR_IS(r, 200, -32603, "1");
        text = member_text(r.body, "error|message");
        CHECK(sscanf(text, "the answer needs %u bytes, the buffer has room for %u", &need, &room) == 2 && need > room);
        world.tx = 600 + need - room;      /* then it fits, exactly */
        {
            wire *v = dial(MCPT_HTTP);

            r = call(v, "bulk", fmt("{\"n\":%u}", (unsigned)n));
            CHECK(strlen(said(r.body)) == n);
            CHECK(mcpt_io_peak(&v->conn.io).tx <= world.tx);
            hang_up(v);
        }
        world.tx--;
        {
            wire *v = dial(MCPT_HTTP);

            CHECK(error_code(call(v, "bulk", fmt("{\"n\":%u}", (unsigned)n)).body) == -32603);
            hang_up(v);
        }
        world.tx = 600;
    }
    CHECK(!w->closed);
    finish();
}

/* Rule 5d: MCPT_STREAM handlers are called again for the next piece; as JSON, as an event, to HTTP/1.0, to a host. */
static void streaming_handlers_answer_in_pieces(void)
{
    static const char *const accepts[] = { "application/json, text/event-stream", "text/event-stream" };
    const char *body;
    size_t tx;
    unsigned n;
    unsigned form;

    for (tx = 512; tx <= 700; tx += 47) {
        for (n = 1; n < 30; n += 7) {
            for (form = 0; form < 2; form++) {
                wire *w;
                reply r;
                unsigned i;

                begin();
                world.tx = tx;
                world.accept = accepts[form];
                start();
                w = dial(MCPT_HTTP);
                r = call(w, "pour", fmt("{\"n\":%u}", n));
                CHECK(r.status == 200 && r.whole && probe.runs == n && probe.audits == 1);
                body = form == 1 ? event(r.body, 0) : r.body;
                for (i = 0; i < n; i++) {
                    IS(member(body, fmt("result|content|%u|text", i)), fmt("\"piece %u of many\"", i));
                }
                IS(member(body, fmt("result|content|%u", n)), "");
                IS(member(body, "result|resultType"), "\"complete\"");
                CHECK(call(w, "echo", "{}").status == 200);    /* the framing is intact */
                /* a pause in the middle: suspended, and woken */
                for (i = 0; i < n; i += 4) {
                    r = call(w, "pour", fmt("{\"n\":%u,\"wait\":%u}", n, i));
                    CHECK(!r.whole && count(r.body, "piece ") == i);
                    pass(20000);      /* a comment would not be JSON */
                    mcpt_wake(probe.ticket);
                    settle();
                    r = take(w);
                    CHECK(r.whole && count(r.body, "piece ") == n);
                }
                /* cut off there: the handler is told */
                r = call(w, "pour", fmt("{\"n\":%u,\"wait\":%u}", n, n / 2));
                CHECK(probe.cancels == 0);
                hang_up(w);
                CHECK(probe.cancels == 1);
                finish();
            }
        }
    }
    /* a legacy stream in the middle of an event cannot be taken over by a GET: it is finished where it began */
    begin();
    start();
    {
        wire *w = dial(MCPT_HTTP);
        wire *g = dial(MCPT_HTTP);
        const char *s = join(w, "2025-11-25", "{}");
        reply r = post(w, session_headers(s), legacy_body("5", "tools/call", fmt("%s,\"_meta\":{\"progressToken\":1}",
                                                          tool_members("pour", "{\"n\":5,\"note\":true,\"wait\":2}"))));

        CHECK(r.stream && !r.whole && count(r.body, "piece ") == 2);
        r = get(g, s, "Last-Event-ID: 1-0\r\n");
        CHECK(r.status == 200 && r.whole);
        mcpt_wake(probe.ticket);
        settle();
        r = take(w);
        CHECK(r.whole && count(r.body, "piece ") == 5);
    }
    finish();
    /* events go before the first piece, never between pieces */
    begin();
    world.meta = ",\"progressToken\":1";
    start();
    {
        wire *w = dial(MCPT_HTTP);
        reply r = call(w, "pour", "{\"n\":9,\"note\":true}");

        CHECK(r.stream && r.whole);
        CHECK(count(r.body, "notifications/progress") == 1);
        IS(member(event(r.body, 1), "result|content|8|text"), "\"piece 8 of many\"");
    }
    finish();
    /* an error after the first piece cannot be told any more: the body stays incomplete, and the connection ends */
    begin();
    start();
    {
        wire *w = dial(MCPT_HTTP);
        reply r = call(w, "pour", "{\"n\":9,\"fail\":4}");

        CHECK(r.status == 200 && r.chunked && !r.whole && w->closed);
        LACKS(r.body, "piece 4");
        CHECK(probe.audits == 1 && probe.audit.result == MCPT_E_IO);
        hang_up(w);
        w = dial(MCPT_HTTP);
        ERROR_IS(call(w, "pour", "{\"n\":9,\"fail\":0}"), 200, -32603, "1");    /* before it: an error */
    }
    finish();
}

/* -- requests and tokens */

/* "arguments with too many values" is an answer, mcpt_io_peak() tells how many there are. */
static void tokens_are_counted_and_bounded(void)
{
    const char *arguments = "{\"a\":[1,2,3,{\"b\":null,\"c\":[]}],\"d\":{\"e\":{\"f\":\"g\"}},\"h\":true}";
    uint32_t need;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    CHECK(call(w, "steps", arguments).status == 200);
    need = mcpt_io_peak(&w->conn.io).tok;
    CHECK(need > 10 && need < 40);
    hang_up(w);
    world.ntok = need;
    w = dial(MCPT_HTTP);
    IS(said(call(w, "steps", arguments).body), "done");
    hang_up(w);
    world.ntok = need - 1;
    w = dial(MCPT_HTTP);
    r = call(w, "steps", arguments);
    ERROR_IS(r, 200, -32602, "1");
    CHECK(probe.runs == 2);
    IS(said(call(w, "steps", "{}").body), "done");
    hang_up(w);
    world.ntok = 0;                   /* tools without arguments need none beside the object itself */
    w = dial(MCPT_HTTP);
    r = call(w, "steps", "{}");
    CHECK(r.status == 200);
    CHECK(modern(w, "tools/list", NULL, "").status == 200);
    hang_up(w);
    world.ntok = 1;
    w = dial(MCPT_HTTP);
    IS(said(call(w, "steps", "{}").body), "done");
    finish();
}

/* -- corpora: whole sessions on one connection */

typedef struct corpus {
    mcpt_framing framing;
    char in[6000];
    size_t len;
    char out[OUT_MAX];                /* what it answers, fed and read whole */
    size_t out_len;
} corpus;

static corpus corpora[7];

static void add(corpus *c, const char *text)
{
    size_t n = strlen(text);

    if (c->len + n > sizeof(c->in)) {
        abort();
    }
    memcpy(c->in + c->len, text, n);
    c->len += n;
}

static const char *short_post(const char *headers, const char *body)
{
    return fmt("POST /mcp HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\nAccept: */*\r\n%sContent-Length: %u\r\n\r\n%s", headers,
               (unsigned)strlen(body), body);
}

static const char *short_modern(const char *method, const char *name, const char *members)
{
    return short_post(modern_headers(method, name), modern_body(method, members));
}

/* The world of all corpora: the same in every run. */
static wire *corpus_start(const corpus *c)
{
    world.now = 1000;
    world.seed = 42;
    probe.done = true;
    start();
    return dial(c->framing);
}

static void corpora_make(void)
{
    corpus *c = corpora;
    const char *s;
    const char *state;
    wire *w;

    begin();
    /* 0: modern requests, good and bad, pipelined */
    c->framing = MCPT_HTTP;
    add(c, short_modern("server/discover", NULL, ""));
    add(c, short_modern("tools/call", "echo", tool_members("echo", "{\"text\":\"\xe2\x82\xac\"}")));
    add(c, short_modern("tools/call", "ech", tool_members("echo", "{}")));
    add(c, short_post("", "{\"jsonrpc\":\"2.0\",\"id\":1,"));
    add(c, "GET /other HTTP/1.1\r\nHost: x\r\n\r\nPUT /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
    add(c, short_modern("tools/list", NULL, ""));
    add(c, short_post("Connection: close\r\nMCP-Protocol-Version: 2026-07-28\r\n", "{\"jsonrpc\":\"2.0\",\"method\":\"n\"}"));
    c++;
    /* 1: chunked, progress and logs, a question with its state */
    c->framing = MCPT_HTTP;
    world.caps = "{\"elicitation\":{}}";
    w = corpus_start(c);
    state = fmt("%s", member(call(w, "rounds", "{}").body, "result|requestState"));
    finish();
    add(c, short_modern("tools/call", "rounds", tool_members("rounds", "{}")));
    add(c, short_modern("tools/call", "rounds", fmt("%s,\"requestState\":%s,\"inputResponses\":{\"one\":{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}}",
                                                    tool_members("rounds", "{}"), state)));
    world.caps = "{}";
    world.meta = ",\"progressToken\":\"t\",\"" META "logLevel\":\"error\"";
    add(c, short_modern("tools/call", "steps", tool_members("steps", "{\"n\":2}")));
    world.meta = "";
    s = modern_body("tools/call", tool_members("echo", "{}"));
    add(c, fmt("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n%s\r\n%x\r\n%.20s\r\n%x;x=y\r\n%s\r\n0\r\n\r\n",
               modern_headers("tools/call", "echo"), 20, s, (unsigned)strlen(s) - 20, s + 20));
    c++;
    /* 2: a legacy session */
    c->framing = MCPT_HTTP;
    w = corpus_start(c);
    s = fmt("%s", header(legacy(w, NULL, "initialize", initialize_members("2025-11-25", "{}")), "Mcp-Session-Id"));
    finish();
    add(c, short_post("", legacy_body("0", "initialize", initialize_members("2025-11-25", "{}"))));
    add(c, short_post(session_headers(s), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
    add(c, short_post(session_headers(s), legacy_body("\"a\"", "logging/setLevel", "\"level\":\"alert\"")));
    add(c, short_post(session_headers(s), legacy_body("2", "tools/call", tool_members("logs", "{}"))));
    add(c, short_post(session_headers(s), legacy_body("3", "resources/read", "\"uri\":\"dev://text\"")));
    add(c, fmt("GET /mcp HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1-0\r\n%s\r\n", session_headers(s)));
    add(c, fmt("DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n%s\r\n", session_headers(s)));
    add(c, short_post(session_headers(s), "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\"}"));
    c++;
    /* 3: a batch, and a stream that stays open */
    c->framing = MCPT_HTTP;
    add(c, short_post("", legacy_body("0", "initialize", initialize_members("2025-03-26", "{}"))));
    add(c, short_post(session_headers(s), fmt("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}, 7, {\"jsonrpc\":\"2.0\",\"method\":\"x\"},%s]",
                                              legacy_body("2", "prompts/list", ""))));
    add(c, short_modern("subscriptions/listen", NULL, "\"notifications\":{\"toolsListChanged\":true}"));
    c++;
    /* 4: an answer in pieces, one that does not fit, a refused body; then a request that is none */
    c->framing = MCPT_HTTP;
    add(c, short_modern("tools/call", "pour", tool_members("pour", "{\"n\":4}")));
    add(c, fmt("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 300\r\n\r\n%s", times('z', 300)));
    add(c, short_modern("resources/read", "dev://blob", "\"uri\":\"dev://blob\""));
    add(c, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx");
    c++;
    /* 5: lines, both eras, a question and its answer */
    c->framing = MCPT_LINES;
    add(c, fmt("%s\r\n\n%s\n", modern_body("server/discover", ""), legacy_body("0", "initialize", initialize_members("2025-06-18", "{\"elicitation\":{}}"))));
    add(c, fmt("%s\n%s\nnonsense\n", modern_body("tools/call", tool_members("echo", "{}")), legacy_body("1", "tools/call", tool_members("name", "{}"))));
    add(c, "{\"jsonrpc\":\"2.0\",\"id\":\"4.name\",\"result\":{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}}\n");
    add(c, fmt("%s\n%s\n", legacy_body("3", "prompts/list", ""), modern_body("subscriptions/listen", "\"notifications\":{\"promptsListChanged\":true}")));
    c++;
    /* 6: lines of 2025-03-26, with a batch */
    c->framing = MCPT_LINES;
    add(c, fmt("%s\n", legacy_body("0", "initialize", initialize_members("2025-03-26", "{}"))));
    add(c, fmt(" [ {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},%s ]\n[]\n", legacy_body("2", "resources/templates/list", "")));
    add(c, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"answer\",\"arguments\":{\"err\":1}}}\n");
    for (c = corpora; c < corpora + MCPT_COUNT(corpora); c++) {
        w = corpus_start(c);
        put_bytes(w, c->in, c->len);
        memcpy(c->out, w->out, w->out_len);
        c->out_len = w->out_len;
        CHECK(c->out_len > 300);
        finish();
    }
}

static bool corpus_same(const corpus *c, size_t first, size_t piece, size_t window)
{
    wire *w;
    bool same;

    world.piece = piece;
    world.window = window;
    w = corpus_start(c);
    put_bytes(w, c->in, first);
    put_bytes(w, c->in + first, c->len - first);
    same = w->out_len == c->out_len && memcmp(w->out, c->out, c->out_len) == 0;
    finish();
    world.piece = world.window = 0;
    return same;
}

/* Item 1: "every vector fed whole, byte by byte and at every two-way split; drained through every tx window". */
static void sessions_are_the_same_in_every_split(void)
{
    static const size_t windows[] = { 1, 2, 3, 7, 64 };
    const corpus *c;
    size_t i;
    unsigned differ = 0;

    for (c = corpora; c < corpora + MCPT_COUNT(corpora); c++) {
        for (i = 0; i <= c->len; i++) {
            differ += !corpus_same(c, i, 0, 0);
        }
        for (i = 0; i < MCPT_COUNT(windows); i++) {
            differ += !corpus_same(c, 0, 0, windows[i]);
            differ += !corpus_same(c, 0, 1, windows[i]);
            differ += !corpus_same(c, 0, windows[i], 0);
        }
        CHECK(differ == 0);
    }
}

/* Item 3: the peer goes away at every byte it sends, and at every byte it reads. Nothing is left behind (finish() looks). */
static void a_peer_may_go_away_at_every_byte(void)
{
    const corpus *c;
    size_t i;
    size_t k;

    for (c = corpora; c < corpora + MCPT_COUNT(corpora); c++) {
        for (i = 0; i <= c->len; i += 3) {
            wire *w = corpus_start(c);

            put_bytes(w, c->in, i);
            finish();
            CHECK(world.hub.jobs == NULL || c->framing == MCPT_HTTP);
        }
        for (i = 0; i <= c->out_len; i += 7) {
            wire *w = corpus_start(c);

            w->held = true;
            w->in = c->in;
            w->in_len = c->len;
            for (k = 0; k < i; k++) {
                size_t n;

                pump(w);
                if (mcpt_io_tx(&w->conn.io, &n) == NULL) {
                    break;
                }
                mcpt_io_tx_ack(&w->conn.io, 1);
            }
            finish();
        }
    }
}

/* Everything at its minimum: the same answers, whatever their framing. */
static void sessions_are_the_same_with_the_smallest_buffers(void)
{
    static wire whole;                /* what was answered through large buffers, read again */
    const corpus *c;
    size_t tx;

    for (tx = MCPT_TX_MIN; tx < 700; tx += 61) {
        for (c = corpora; c < corpora + MCPT_COUNT(corpora); c++) {
            wire *w;
            reply r;

            memcpy(whole.out, c->out, c->out_len);
            whole.out_len = c->out_len;
            whole.out_at = 0;
            world.rx = 800;           /* the largest request of these */
            world.tx = tx;
            world.ntok = 40;
            world.piece = 1;
            w = corpus_start(c);
            put_bytes(w, c->in, c->len);
            if (c->framing == MCPT_LINES) {
                const char *want;

                do {
                    want = line(&whole);
                    IS(line(w), want);
                } while (want[0] != '\0');
            } else {
                do {
                    reply q = take(w);

                    r = take(&whole);
                    CHECK(q.status == r.status && q.stream == r.stream && q.whole == r.whole);
                    if (strstr(q.body, "the answer needs") != NULL) {
                        CHECK(r.len + 216 > tx);    /* of a handler, and larger than the buffer */
                    } else if (strstr(r.body, "notifications/progress") == NULL && strstr(r.body, "notifications/message") == NULL) {
                        IS(q.body, r.body);
                    } else {          /* events that find no room are not sent; the answer is */
                        IS(strstr(q.body, "\"result\""), strstr(r.body, "\"result\""));
                    }
                } while (r.whole);
            }
            finish();
            world.rx = world.tx = 4096;
            world.ntok = 256;
            world.piece = 0;
        }
    }
}

/* A request that fills the smallest rx to its last byte. */
static void the_smallest_receive_buffer_serves(void)
{
    size_t pad;
    wire *w;

    begin();
    world.rx = MCPT_RX_MIN;
    start();
    w = dial(MCPT_HTTP);
    for (pad = 0; pad < 300; pad++) {
        const char *q = short_post(modern_headers("tools/call", "echo"),
                                   modern_body("tools/call", tool_members("echo", fmt("{\"text\":\"%s\"}", times('p', pad)))));

        put(w, q);
        if (strlen(q) <= MCPT_RX_MIN) {
            IS(said(take(w).body), times('p', pad));
        } else {
            CHECK(take(w).status == 413 && !w->closed);
        }
    }
    finish();
}

/* Item 3: random and crypto that fail at the n-th call: errors, well-formed, and never a weaker way. */
static void failing_random_is_an_error_at_every_call(void)
{
    const corpus *c;
    unsigned n;

    for (c = corpora; c < corpora + MCPT_COUNT(corpora); c++) {
        for (n = 1; n < 8; n++) {
            wire *w;

            world.random_left = n + 1;     /* the first is the hub's */
            w = corpus_start(c);
            put_bytes(w, c->in, c->len);
            if (c->framing == MCPT_HTTP) {
                while (take(w).whole) { }
            } else {
                while (line(w)[0] != '\0') { }
            }
            finish();
            world.no_random = false;
            world.random_left = 0;
        }
        world.no_crypto = true;
        {
            wire *w = corpus_start(c);

            put_bytes(w, c->in, c->len);
            while (c->framing == MCPT_HTTP && take(w).whole) { }
            finish();
        }
        world.no_crypto = false;
    }
}

/* A clock that wraps in the middle of everything (every 49.7 days) is no event. */
static void the_clock_may_wrap(void)
{
    wire *w;
    wire *v;
    reply r;
    uint32_t before;

    for (before = 1; before < 70000; before = before * 3 + 11) {
        begin();
        world.now = 0u - before;
        start();
        w = dial(MCPT_HTTP);
        v = dial(MCPT_HTTP);
        probe.retry = 100;
        CHECK(call(w, "wait", "{}").status == 0);
        (void)modern(v, "subscriptions/listen", NULL, "\"notifications\":{}");
        pass(45001);
        CHECK(probe.runs == 451 && !w->closed && !v->closed);
        CHECK(count(take(v).body, "\n:\n\n") == 3);
        probe.done = true;
        pass(100);
        r = take(w);
        CHECK(r.status == 200);
        pass(59998);                  /* it was answered a millisecond ago */
        CHECK(!w->closed);
        pass(1);
        CHECK(w->closed && !v->closed);
        finish();
    }
}

/* Limits that init checks; memory that is not there. */
static void init_refuses_what_cannot_work(void)
{
    static mcpt_conn conn;
    static mcpt_hub hub;
    char rx[MCPT_RX_MIN];
    char tx[MCPT_TX_MIN];
    mcpt_mem mem = { rx, sizeof(rx), tx, sizeof(tx), NULL, 0 };
    mcpt_server server;

    begin();
    server = world.server;
    CHECK(mcpt_conn_init(&conn, &world.server, NULL, &mem, MCPT_HTTP, NULL) == MCPT_OK);
    CHECK(mcpt_conn_init_(&conn, &world.server, NULL, &mem, MCPT_HTTP, NULL, MCPT_ABI + 1) == MCPT_E_ABI);
    CHECK(mcpt_hub_init_(&hub, &world.server, &world.mem, MCPT_ABI + 1) == MCPT_E_ABI);
    mem.rx_size--;
    CHECK(mcpt_conn_init(&conn, &world.server, NULL, &mem, MCPT_HTTP, NULL) == MCPT_E_ARG);
    mem.rx_size++;
    mem.tx_size--;
    CHECK(mcpt_conn_init(&conn, &world.server, NULL, &mem, MCPT_HTTP, NULL) == MCPT_E_ARG);
    mem.tx_size++;
    mem.ntok = 1;
    CHECK(mcpt_conn_init(&conn, &world.server, NULL, &mem, MCPT_HTTP, NULL) == MCPT_E_ARG);
    server.name = NULL;
    CHECK(mcpt_conn_init(&conn, &server, NULL, NULL, MCPT_HTTP, NULL) == MCPT_E_ARG);
    server = world.server;
    server.env = NULL;
    CHECK(mcpt_conn_init(&conn, &server, NULL, NULL, MCPT_HTTP, NULL) == MCPT_E_ARG);
    CHECK(mcpt_hub_init(&hub, &server, &world.mem) == MCPT_E_ARG);
    CHECK(mcpt_conn_init(NULL, &world.server, NULL, NULL, MCPT_HTTP, NULL) == MCPT_E_ARG);
    finish();
}

int main(void)
{
    lists_are_the_same_through_every_buffer();
    static_resources_of_every_length_come_out_whole();
    an_answer_that_does_not_fit_names_the_bytes_it_needs();
    streaming_handlers_answer_in_pieces();
    tokens_are_counted_and_bounded();
    corpora_make();
    sessions_are_the_same_in_every_split();
    a_peer_may_go_away_at_every_byte();
    sessions_are_the_same_with_the_smallest_buffers();
    the_smallest_receive_buffer_serves();
    failing_random_is_an_error_at_every_call();
    the_clock_may_wrap();
    init_refuses_what_cannot_work();
    return test_end();
}
