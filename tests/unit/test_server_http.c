/* The server's HTTP side: the guard, statuses, limits, bodies in every coding, pipelining, deadlines. What a host that parses
 * HTTP itself gets (MCPT_HOSTED) is compared with it. */
#include "device.h"

/* -- the guard */

/* 2026-07-28 basic/transports/streamable-http, Security: "Servers MUST validate the Origin header on all incoming connections to
 * prevent DNS rebinding attacks." The Host tells rebinding: an attacker needs a name, so an address literal is no danger. */
static void only_local_names_and_address_literals_are_hosts(void)
{
    static const struct { const char *host; int status; } rows[] = {
        { "localhost", 200 }, { "LocalHost", 200 }, { "localhost:8080", 200 }, { "127.0.0.1", 200 }, { "127.8.9.1:80", 200 },
        { "192.168.1.77", 200 }, { "192.168.1.77:65535", 200 }, { "10.0.0.1:1", 200 }, { "[::1]", 200 }, { "[::1]:8080", 200 },
        { "[fe80::1]", 200 }, { "[2001:db8::7]:443", 200 }, { "[::ffff:192.168.1.77]", 200 },
        { "evil.example.com", 403 }, { "evil.example.com:8080", 403 }, { "localhost.evil.example", 403 },
        { "127.0.0.1.evil.example", 403 }, { "127.0.0.1.nip.io", 403 }, { "notlocalhost", 403 }, { "pump.local", 403 },
        { "localhost.", 403 }, { "xn--lcalhost-t2a", 403 }, { "local_host", 403 },
        /* not an authority at all */
        { "192.168.1.77.", 4 }, { "127.1", 4 }, { "2130706433", 4 }, { "0x7f000001", 4 }, { "0177.0.0.1", 4 }, { "256.1.1.1", 4 }, { "1.2.3.4.5", 4 },
        { "localhost:", 4 }, { "localhost:0", 4 }, { "localhost:65536", 4 }, { "localhost:8080x", 4 }, { "localhost:-1", 4 },
        { "[::1", 4 }, { "[::1]x", 4 }, { "[::1%25eth0]", 4 }, { "::1", 4 }, { "[]", 4 }, { "[::1]:0", 4 }, { "user@localhost", 4 },
        { "localhost/", 4 }, { "localhost,evil", 4 }, { "local host", 4 }, { "", 4 }, { ".", 4 }, { "localhost..", 4 },
        { "l\303\266calhost", 4 },
    };
    size_t i;

    begin();
    start();
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        wire *w = dial(MCPT_HTTP);
        reply r;

        world.host = rows[i].host;
        r = modern(w, "tools/call", "echo", tool_members("echo", "{}"));
        text_check(rows[i].status == 4 ? r.status / 100 == 4 : r.status == rows[i].status, __FILE__, __LINE__,
                   r.head, rows[i].host, "");
        LACKS(r.body, rows[i].status == 200 ? "error" : "\"id\"");
        CHECK(rows[i].status == 200 || probe.runs == 0);
        probe.runs = 0;
        r = get(w, NULL, "");         /* the same for every verb */
        CHECK(rows[i].status == 200 ? r.status == 400 : r.status / 100 == 4 || w->closed);
        hang_up(w);
    }
    finish();
}

/* "If the Origin header is present and invalid, servers MUST respond with HTTP 403 Forbidden." */
static void foreign_origins_are_forbidden(void)
{
    static const struct { const char *host, *origin; int status; } rows[] = {
        { "localhost:8080", "http://localhost:8080", 200 }, { "localhost:8080", "http://localhost:5173", 200 },
        { "localhost:8080", "https://127.0.0.1", 200 }, { "127.0.0.1:8080", "http://[::1]:3000", 200 },
        { "[::1]:8080", "http://localhost", 200 }, { "192.168.1.77:8080", "http://192.168.1.77:8080", 200 },
        { "192.168.1.77", "http://192.168.1.77", 200 }, { "[2001:db8::7]:80", "http://[2001:db8::7]:80", 200 },
        { "localhost:8080", "null", 403 }, { "localhost:8080", "", 403 }, { "localhost:8080", "http://evil.example", 403 },
        { "localhost:8080", "http://localhost.evil.example:8080", 403 }, { "localhost:8080", "http://evil.example/localhost", 403 },
        { "localhost:8080", "http://localhost:8080/", 403 }, { "localhost:8080", "http://localhost:8080?x", 403 },
        { "localhost:8080", "http://localhost:8080#x", 403 }, { "localhost:8080", "http://a@localhost:8080", 403 },
        { "localhost:8080", "localhost:8080", 403 }, { "localhost:8080", "http://localhost:8080 http://evil.example", 403 },
        { "localhost:8080", "http://localhost:8080, http://evil.example", 403 }, { "localhost:8080", "http://192.168.1.77", 403 },
        { "192.168.1.77:8080", "http://192.168.1.77", 403 }, { "192.168.1.77:8080", "http://192.168.1.77:8081", 403 },
        { "192.168.1.77:8080", "http://192.168.1.78:8080", 403 }, { "192.168.1.77:8080", "http://localhost:8080", 403 },
        { "192.168.1.77:8080", "null", 403 }, { "[2001:db8::7]:80", "http://[2001:db8::8]:80", 403 },
    };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        world.host = rows[i].host;
        world.headers = fmt("Origin: %s\r\n", rows[i].origin);
        r = call(w, "echo", "{}");
        text_check(r.status == rows[i].status, __FILE__, __LINE__, r.head, rows[i].origin, rows[i].host);
        LACKS(r.body, r.status == 403 ? "\"id\"" : "\"error\"");
        r = get(w, NULL, "");
        CHECK(r.status == (rows[i].status == 403 ? 403 : 400));
    }
    finish();
}

/* Design section 3, rule 2: base URL, hosts and origins "may change while serving". */
static void the_identity_may_change_while_serving(void)
{
    static const char *const hosts[] = { "pump.local", "Pump" };
    static const char *const origins[] = { "https://app.example" };
    wire *w;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.host = "pump.local:8080";
    CHECK(call(w, "echo", "{}").status == 403);
    world.identity.hosts = hosts;
    world.identity.nhosts = 2;
    CHECK(call(w, "echo", "{}").status == 200);
    world.host = "PUMP";
    CHECK(call(w, "echo", "{}").status == 200);
    world.host = "pump.local.";
    CHECK(call(w, "echo", "{}").status == 403);
    world.host = "pump.local:8080";
    world.headers = "Origin: http://pump.local:8080\r\n";              /* the same origin */
    CHECK(call(w, "echo", "{}").status == 200);
    world.headers = "Origin: https://app.example\r\n";
    CHECK(call(w, "echo", "{}").status == 403);
    world.identity.origins = origins;
    world.identity.norigins = 1;
    CHECK(call(w, "echo", "{}").status == 200);
    world.headers = "Origin: https://app.example.evil\r\n";
    CHECK(call(w, "echo", "{}").status == 403);
    world.identity.any_origin = true;
    CHECK(call(w, "echo", "{}").status == 200);
    world.host = "evil.example";
    CHECK(call(w, "echo", "{}").status == 403);
    world.identity.any_host = true;
    CHECK(call(w, "echo", "{}").status == 200);
    world.identity.any_host = world.identity.any_origin = false;
    world.identity.nhosts = world.identity.norigins = 0;
    CHECK(call(w, "echo", "{}").status == 403);
    finish();
    begin();                          /* without an identity object: the defaults */
    world.server.identity = NULL;
    start();
    w = dial(MCPT_HTTP);
    CHECK(call(w, "echo", "{}").status == 200);
    world.host = "pump.local";
    CHECK(call(w, "echo", "{}").status == 403);
    finish();
}

/* -- verbs, paths, types */

/* path, then Host and Origin, then the verb. 2025-11-25 basic/transports: "or else return HTTP 405 Method Not
 * Allowed, indicating that the server does not offer an SSE stream at this endpoint". */
static void paths_and_verbs_that_are_not_there(void)
{
    static const char *const verbs[] = { "PUT", "PATCH", "HEAD", "TRACE", "post", "G" };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(verbs); i++) {
        put(w, http(verbs[i], "", NULL));
        r = take(w);
        CHECK(r.status == 405 && r.whole && r.len == 0);
        IS(header(r, "Allow"), "GET, POST, DELETE");
    }
    put(w, http("PUT", "", "{}"));    /* its body is thrown away */
    CHECK(take(w).status == 405);
    /* 2026-07-28: "HTTP GET or DELETE to the MCP endpoint: respond with 405 Method Not Allowed." */
    CHECK(get(w, NULL, "MCP-Protocol-Version: 2026-07-28\r\n").status == 405);
    put(w, http("DELETE", "MCP-Protocol-Version: 2026-07-28\r\n", NULL));
    CHECK(take(w).status == 405);
    put(w, "GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(take(w).status == 404);
    put(w, "POST /mcp/ HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}");    /* the path comes first */
    r = take(w);
    CHECK(r.status == 404 && r.len == 0);
    put(w, "GET /mcp?query=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");   /* a query is nothing to us */
    CHECK(take(w).status == 400);     /* no session */
    put(w, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(take(w).status == 404);
    put(w, "GET http://localhost/mcp HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(take(w).status / 100 == 4);
    CHECK(call(dial(MCPT_HTTP), "echo", "{}").status == 200);
    finish();
    begin();
    world.mem.nsessions = 0;          /* no sessions: nothing to get or delete */
    world.server.path = "/";
    start();
    w = dial(MCPT_HTTP);
    put(w, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    r = take(w);
    CHECK(r.status == 405);
    IS(header(r, "Allow"), "POST");
    put(w, "DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(take(w).status == 405);
    CHECK(call(w, "echo", "{}").status == 404);
    finish();
}

/* 2026-07-28 basic/transports/streamable-http, Sending Messages 2 and 6: refused only when it clearly does not fit. */
static void types_that_do_not_fit_are_refused(void)
{
    static const struct { const char *accept; int status; bool stream; } rows[] = {
        { "application/json, text/event-stream", 200, false }, { "text/event-stream, application/json", 200, false },
        { "application/json", 200, false }, { "*/*", 200, false }, { "application/*", 200, false }, { "", 200, false },
        { "APPLICATION/JSON;q=0.1", 200, false }, { "text/event-stream", 200, true }, { "text/*", 200, true },
        { "application/json;q=0, text/event-stream", 200, true }, { "text/html", 406, false }, { "application/xml, image/png", 406, false },
        { "application/json;q=0", 406, false }, { "application/jsonx", 406, false }, { "*/*;q=0", 406, false },
    };
    static const struct { const char *type; int status; } types[] = {
        { "Content-Type: application/json\r\n", 200 }, { "content-type: Application/JSON; charset=utf-8\r\n", 200 },
        { "Content-Type: application/json;charset=utf-8\r\n", 200 }, { "Content-Type: application/json \t\r\n", 200 },
        { "", 415 }, { "Content-Type: text/plain\r\n", 415 }, { "Content-Type: application/jsonx\r\n", 415 },
        { "Content-Type: application\r\n", 415 }, { "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", 415 },
        { "Content-Type:\r\n", 415 }, { "Content-Type: application/json\r\nContent-Encoding: identity\r\n", 200 },
        { "Content-Type: application/json\r\nContent-Type: application/json\r\n", 400 },
    };
    const char *body;
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        world.accept = rows[i].accept;
        r = call(w, "echo", "{}");
        text_check(r.status == rows[i].status && r.stream == rows[i].stream && r.whole, __FILE__, __LINE__, r.head, rows[i].accept, "");
        IS(r.status != 200 ? "nothing" : said(r.stream ? event(r.body, 0) : r.body), "nothing");
    }
    CHECK(probe.runs == 10);
    body = modern_body("tools/call", tool_members("echo", "{}"));
    for (i = 0; i < MCPT_COUNT(types); i++) {
        wire *v = dial(MCPT_HTTP);

        put(v, fmt("POST /mcp HTTP/1.1\r\nHost: localhost\r\n%s%sContent-Length: %u\r\n\r\n%s", types[i].type,
                   modern_headers("tools/call", "echo"), (unsigned)strlen(body), body));
        r = take(v);
        text_check(r.status == types[i].status, __FILE__, __LINE__, r.head, types[i].type, "");
        hang_up(v);
    }
    finish();
}

/* -- framing of requests */

/* RFC 9110 8.6, RFC 9112 6.3 and 2.2; limits: 411, 413, 414, 431. What is refused with a length that is not too large
 * leaves the connection usable. */
static void limits_of_heads_and_bodies_answer_their_status(void)
{
    wire *w;
    reply r;
    size_t i;
    const char *many = "";

    begin();
    world.rx = 1024;
    start();
    w = dial(MCPT_HTTP);
    put(w, http("POST", "Content-Type: application/json\r\n", NULL));
    r = take(w);
    CHECK(r.status == 411 && !r.closes);
    CHECK(call(w, "echo", "{}").status == 200);
    r = post(w, "", times('x', 1024));     /* a body as large as all of rx */
    CHECK(r.status == 413 && !r.closes && r.json);
    LACKS(r.body, "\"id\"");
    CHECK(call(w, "echo", "{}").status == 200);
    put(w, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 70000\r\n\r\n");
    r = take(w);                      /* not worth reading: closed at once */
    CHECK(r.status == 413 && r.closes && w->closed);
    hang_up(w);
    w = dial(MCPT_HTTP);
    put(w, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 18446744073709551616\r\n\r\n");
    r = take(w);
    CHECK(r.status == 400 && r.closes && w->closed);
    hang_up(w);
    w = dial(MCPT_HTTP);
    put(w, fmt("GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n", times('u', 1100)));
    r = take(w);
    CHECK(r.status == 414 && r.closes && w->closed);
    hang_up(w);
    w = dial(MCPT_HTTP);
    put(w, fmt("GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", times('h', 1100)));
    r = take(w);
    CHECK(r.status == 431 && r.closes && w->closed);
    hang_up(w);
    world.rx = 4096;
    for (i = 0; i < MCPT_MAX_FIELDS + 1; i++) {
        many = fmt("%sX%u: y\r\n", many, (unsigned)i);
    }
    w = dial(MCPT_HTTP);
    put(w, fmt("GET /mcp HTTP/1.1\r\nHost: localhost\r\n%s\r\n", many));
    r = take(w);
    CHECK(r.status == 431 && r.closes && w->closed);
    hang_up(w);
    finish();
    /* The largest request that fits: head and body fill rx to the last byte. */
    begin();
    start();
    {
        const char *q = http("POST", modern_headers("tools/call", "echo"),
                             modern_body("tools/call", tool_members("echo", fmt("{\"text\":\"%s\"}", times('t', 300)))));

        world.rx = strlen(q);
        w = dial(MCPT_HTTP);
        put(w, q);
        IS(said(take(w).body), times('t', 300));
        hang_up(w);
        world.rx = strlen(q) - 1;
        w = dial(MCPT_HTTP);
        put(w, q);
        CHECK(take(w).status == 413);
        CHECK(call(w, "echo", "{}").status == 200);
    }
    finish();
}

/* RFC 9112 section 7.1. */
static void chunked_bodies_are_read(void)
{
    const char *body;
    wire *w;
    reply r;
    size_t half;
    const char *head;

    begin();
    world.rx = 1200;
    start();
    w = dial(MCPT_HTTP);
    body = modern_body("tools/call", tool_members("echo", "{\"text\":\"in chunks\"}"));
    half = strlen(body) / 2;
    head = fmt("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n%s\r\n",
               modern_headers("tools/call", "echo"));
    put(w, fmt("%s%x\r\n%s\r\n0\r\n\r\n", head, (unsigned)strlen(body), body));
    IS(said(take(w).body), "in chunks");
    put(w, fmt("%s%x;ext=\"v\"\r\n%.*s\r\n%X\r\n%s\r\n0\r\nTrailer: x\r\n\r\n", head, (unsigned)half, (int)half, body,
               (unsigned)(strlen(body) - half), body + half));
    IS(said(take(w).body), "in chunks");
    CHECK(call(w, "echo", "{}").status == 200);
    put(w, fmt("%s0\r\n\r\n", head));                                 /* an empty body */
    r = take(w);
    CHECK(r.status == 400 && !r.closes && error_code(r.body) == -32700);
    put(w, fmt("%s480\r\n%s\r\n0\r\n\r\n", head, times('x', 0x480)));
    r = take(w);
    CHECK(r.status == 413 && r.closes);
    hang_up(w);
    w = dial(MCPT_HTTP);
    put(w, fmt("%sxyz\r\n", head));
    r = take(w);
    CHECK(r.status == 400 && r.closes && w->closed);
    finish();
}

/* RFC 9110 section 10.1.1. */
static void expect_100_continue_is_answered_when_the_body_waits(void)
{
    const char *body;
    const char *head;
    wire *w;
    reply r;

    begin();
    world.rx = 1500;
    start();
    w = dial(MCPT_HTTP);
    body = modern_body("tools/call", tool_members("echo", "{}"));
    head = fmt("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n%sContent-Length: %u\r\n\r\n",
               modern_headers("tools/call", "echo"), (unsigned)strlen(body));
    put(w, head);
    w->out[w->out_len] = '\0';
    IS(w->out, "HTTP/1.1 100 Continue\r\n\r\n");
    put(w, body);
    r = take(w);
    CHECK(r.status == 200 && r.interim == 1);
    put(w, fmt("%s%s", head, body));  /* the body came along: no need */
    r = take(w);
    CHECK(r.status == 200 && r.interim == 0);
    put(w, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n\r\n");
    r = take(w);                      /* refused before the body is sent: it may come or not, so the connection ends */
    CHECK(r.status == 413 && r.interim == 0 && r.closes && w->closed);
    hang_up(w);
    w = dial(MCPT_HTTP);
    put(w, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n{}");
    r = take(w);
    CHECK(r.status == 417 && r.closes && w->closed);
    finish();
}

/* RFC 9112 section 11.2: Content-Length beside Transfer-Encoding, duplicates of Content-Length, Mcp-* and MCP-Protocol-Version, obs-fold: 400.
 * The connection closes: its framing is in doubt. */
static void ambiguous_requests_are_refused(void)
{
    static const char *const heads[] = {
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n", "Content-Length: 2, 2\r\n", "Content-Length: +2\r\n", "Content-Length: 0x2\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length : 2\r\n", "Content-Length: 2\r\nX: a\r\n b\r\n", " X: a\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nHost: localhost\r\n", "Content-Length: 2\r\nMcp-Method: a\r\nMcp-Method: a\r\n",
        "Content-Length: 2\r\nMcp-Name: a\r\nMCP-NAME: a\r\n", "Content-Length: 2\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Protocol-Version: 2026-07-28\r\n",
        "Content-Length: 2\r\nMcp-Session-Id: a\r\nMcp-Session-Id: b\r\n", "Content-Length: 2\r\nOrigin: http://localhost\r\nOrigin: http://evil\r\n",
        "Content-Length: 2\r\nLast-Event-ID: 1\r\nLast-Event-ID: 2\r\n", "Content-Length: 2\r\nX: a\rb\r\n", "Content-Length: 2\r\nX: a\nY: b\r\n",
        "Content-Length: 2\r\nX\r\n", "Content-Length: 2\r\n: x\r\n", "Content-Length: 2\r\nX Y: x\r\n", "Content-Length: 2\r\nX: a\x01\r\n",
    };
    static const char *const lines[] = {
        "POST  /mcp HTTP/1.1\r\n", "POST /mcp HTTP/1.1 \r\n", "POST /mcp\r\n", "POST /mcp HTTP/2.0\r\n", "POST /mcp HTTP/1.10\r\n",
        " POST /mcp HTTP/1.1\r\n", "POST mcp HTTP/1.1\r\n", "PO(ST /mcp HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "POST /m\177cp HTTP/1.1\r\n",
    };
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    for (i = 0; i < MCPT_COUNT(heads); i++) {
        w = dial(MCPT_HTTP);
        put(w, fmt("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s\r\n{}GET /mcp HTTP/1.1\r\n\r\n", heads[i]));
        r = take(w);
        text_check((r.status == 400 || r.status == 501) && r.closes && w->closed, __FILE__, __LINE__, r.head, heads[i], "");
        LACKS(r.body, "\"id\"");
        CHECK(take(w).status == 0);   /* and nothing more */
        hang_up(w);
    }
    for (i = 0; i < MCPT_COUNT(lines); i++) {
        w = dial(MCPT_HTTP);
        put(w, fmt("%sHost: localhost\r\n\r\n", lines[i]));
        r = take(w);
        text_check((r.status == 400 || r.status == 505) && r.closes && w->closed, __FILE__, __LINE__, r.head, lines[i], "");
        hang_up(w);
    }
    w = dial(MCPT_HTTP);              /* HTTP/1.1 needs a Host, exactly one */
    put(w, "GET /mcp HTTP/1.1\r\n\r\n");
    r = take(w);
    CHECK(r.status == 400 && r.closes);
    finish();
}

/* RFC 9112 section 9.3. */
static void connections_persist_or_close_as_both_sides_say(void)
{
    const char *body;
    const char *q;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    body = modern_body("tools/call", tool_members("echo", "{}"));
    q = http("POST", modern_headers("tools/call", "echo"), body);
    put(w, fmt("%s%s%s", q, http("POST", modern_headers("tools/list", NULL), modern_body("tools/list", "")), q));
    IS(said(take(w).body), "nothing");     /* pipelined: answered in order */
    HAS(take(w).body, "\"tools\":[");
    IS(said(take(w).body), "nothing");
    CHECK(take(w).status == 0 && !w->closed);
    put(w, http("POST", fmt("Connection: close\r\n%s", modern_headers("tools/call", "echo")), body));
    r = take(w);
    CHECK(r.status == 200 && r.closes && w->closed);
    hang_up(w);
    w = dial(MCPT_HTTP);
    put(w, fmt("POST /mcp HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n%sContent-Length: %u\r\n\r\n%s",
               modern_headers("tools/call", "echo"), (unsigned)strlen(body), body));
    r = take(w);
    CHECK(r.status == 200 && r.closes && w->closed && !r.chunked);
    hang_up(w);
    w = dial(MCPT_HTTP);              /* an answer in pieces cannot be chunked there: the end of the connection ends it */
    world.tx = 512;
    hang_up(w);
    w = dial(MCPT_HTTP);
    body = modern_body("tools/list", "");
    put(w, fmt("POST /mcp HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n%sContent-Length: %u\r\n\r\n%s",
               modern_headers("tools/list", NULL), (unsigned)strlen(body), body));
    r = take(w);
    CHECK(r.status == 200 && r.closes && w->closed && !r.chunked && r.whole && r.len > 512);
    HAS(r.body, "\"cacheScope\"");
    finish();
}

/* RFC 9112 section 6.3: without chunked coding the end of the connection ends the body, also of an event stream. */
static void event_streams_over_http_1_0_end_with_the_connection(void)
{
    const char *body;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.meta = ",\"progressToken\":1";
    body = modern_body("tools/call", tool_members("wait", "{}"));
    put(w, fmt("POST /mcp HTTP/1.0\r\nHost: localhost\r\nAccept: */*\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n%sContent-Length: %u\r\n\r\n%s",
               modern_headers("tools/call", "wait"), (unsigned)strlen(body), body));
    r = take(w);
    CHECK(r.stream && r.closes && !r.chunked && !r.whole && !w->closed);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    r = take(w);
    CHECK(r.whole && w->closed);
    IS(said(event(r.body, 1)), "waited 1");
    finish();
}

/* A connection that is suspended in a call must not run the next request of the pipeline before. */
static void a_pipelined_request_waits_for_the_one_before(void)
{
    const char *q;
    wire *w;

    begin();
    start();
    w = dial(MCPT_HTTP);
    q = http("POST", modern_headers("tools/call", "wait"), modern_body("tools/call", tool_members("wait", "{}")));
    put(w, fmt("%s%s", q, http("POST", modern_headers("tools/call", "echo"), modern_body("tools/call", tool_members("echo", "{}")))));
    CHECK(take(w).status == 0 && probe.runs == 1);
    probe.done = true;
    mcpt_wake(probe.ticket);
    CHECK(world.notified == 1);
    settle();
    IS(said(take(w).body), "waited 1");
    IS(said(take(w).body), "nothing");
    finish();
}

/* -- deadlines */

/* Clients that idle, or are slow with head or body: 408, the end. */
static void slow_peers_are_let_go(void)
{
    wire *w;
    wire *v;
    reply r;
    unsigned i;

    begin();
    world.tx = 512;
    start();
    w = dial(MCPT_HTTP);              /* idle for a minute */
    pass(59999);
    CHECK(!w->closed);
    pass(1);
    CHECK(w->closed && w->out_len == 0);
    hang_up(w);
    w = dial(MCPT_HTTP);              /* a head that drips */
    put(w, "POST /mcp HT");
    for (i = 0; i < 9; i++) {
        pass(1000);
        put(w, "T");
    }
    CHECK(!w->closed);
    pass(1000);
    r = take(w);
    CHECK(r.status == 408 && r.closes && w->closed);
    hang_up(w);
    w = dial(MCPT_HTTP);              /* a body that does not come */
    put(w, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{");
    pass(9999);
    CHECK(take(w).status == 0);
    pass(1);
    CHECK(take(w).status == 408 && w->closed);
    hang_up(w);
    w = dial(MCPT_HTTP);              /* a body to be thrown away that does not come */
    put(w, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n{");
    pass(10000);
    CHECK(take(w).status == 408 && w->closed);
    hang_up(w);
    w = dial(MCPT_HTTP);              /* a peer that does not read */
    v = dial(MCPT_HTTP);
    w->held = true;
    (void)modern(w, "tools/list", NULL, "");
    for (i = 0; i < 9; i++) {
        pass(1000);
        CHECK(call(v, "echo", "{}").status == 200);    /* nobody else notices */
    }
    CHECK(!w->closed);
    pass(1000);
    CHECK(w->closed && w->conn.io.err == MCPT_E_TIMEOUT);
    hang_up(w);
    hang_up(v);
    world.server.idle_ms = 500;
    world.server.timeout_ms = 200;
    w = dial(MCPT_HTTP);
    CHECK(call(w, "echo", "{}").status == 200);
    pass(499);
    CHECK(!w->closed);
    CHECK(call(w, "echo", "{}").status == 200);    /* busy connections are not idle */
    pass(499);
    CHECK(!w->closed);
    pass(1);
    CHECK(w->closed);
    finish();
}

/* An event stream is alive as long as its comments are read; one that is not read is closed, the others go on. */
static void open_streams_are_kept_alive_by_comments(void)
{
    wire *w;
    wire *v;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    r = modern(w, "subscriptions/listen", NULL, "\"notifications\":{\"toolsListChanged\":true}");
    CHECK(r.stream && !r.whole);
    world.id = "2";
    (void)modern(v, "subscriptions/listen", NULL, "\"notifications\":{}");
    pass(46000);
    r = take(w);
    CHECK(count(r.body, "\n:\n\n") == 3 && !w->closed);
    v->held = true;
    pass(14000);                      /* its next comment at 60 s is not read ... */
    CHECK(!v->closed && !w->closed);
    pass(10000);                      /* ... for 10 s */
    CHECK(v->closed && !w->closed);
    CHECK(count(take(w).body, "\n:\n\n") == 4);
    finish();
}

/* A call that works for long sends nothing as JSON, and is neither idle nor a slow request. */
static void long_calls_have_no_deadline(void)
{
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    r = call(w, "wait", "{}");
    CHECK(r.status == 0);
    pass(3600000);
    CHECK(!w->closed && probe.runs == 1);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    IS(said(take(w).body), "waited 1");
    /* The alarm of the call and the stream's comment are due at the same time. */
    probe.done = false;
    probe.retry = 15000;
    probe.runs = 0;
    CHECK(call(w, "wait", "{}").status == 0);
    pass(14999);
    CHECK(probe.runs == 1);
    probe.done = true;
    pass(1);
    IS(said(take(w).body), "waited 1");
    finish();
}

/* -- hosts that parse HTTP themselves */

typedef struct hosted {               /* what such a host sends on */
    int status;
    bool stream, open;
    const char *body, *session, *allow, *type;
} hosted;

/* The text up to the next mark; answers what is behind that. */
static const char *cut(mcpt_str *s, const char *at, const char *mark)
{
    s->ptr = at;
    s->len = (size_t)(strstr(at, mark) - at);
    return at + s->len + strlen(mark);
}

/* A host that parses heads as hosts do, and hands over what it finds. */
static hosted run_hosted(wire *w, const char *raw)
{
    static mcpt_field_line fields[MCPT_MAX_FIELDS];
    const mcpt_response *response;
    hosted h;
    const char *copy = fmt("%s", raw);
    const char *at;
    const char *query;
    size_t from = w->out_len;

    memset(&h, 0, sizeof(h));
    h.body = h.session = h.allow = h.type = "";
    memset(&w->request, 0, sizeof(w->request));
    at = cut(&w->request.method, copy, " ");
    at = cut(&w->request.path, at, " ");
    query = (const char *)memchr(w->request.path.ptr, '?', w->request.path.len);
    w->request.path.len = query != NULL ? (size_t)(query - w->request.path.ptr) : w->request.path.len;
    at = strstr(at, "\r\n") + 2;
    w->request.fields = fields;
    while (strncmp(at, "\r\n", 2) != 0) {
        at = cut(&fields[w->request.nfields].name, at, ":");
        at += strspn(at, " ");
        at = cut(&fields[w->request.nfields++].value, at, "\r\n");
    }
    w->request.body = mcpt_z(at + 2);
    CHECK(mcpt_conn_request(&w->conn, &w->request) == MCPT_OK);
    w->closed = w->head_known = false;
    pump(w);
    settle();
    response = mcpt_conn_response(&w->conn);
    if (response != NULL) {
        reply r;

        r.head = w->head;
        h.status = response->status;
        h.type = header(r, "Content-Type");
        h.stream = strcmp(h.type, "text/event-stream") == 0;
        h.allow = header(r, "Allow");
        h.session = header(r, "Mcp-Session-Id");
        CHECK(response->length < 0 || (size_t)response->length == w->out_len - from);
    }
    w->out[w->out_len] = '\0';
    h.body = fmt("%s", w->out + from);
    h.open = !w->closed;
    return h;
}

/* Design section 3, rule 3: "same guard, same dispatch, no second code path". Every request gives the same status and body. */
static void a_hosted_request_is_answered_as_over_http(void)
{
    const char *q[64];
    size_t n = 0;
    size_t i;
    unsigned tx;

    begin();
    q[n++] = http("POST", modern_headers("tools/call", "echo"), modern_body("tools/call", tool_members("echo", "{\"text\":\"\xc3\xa9\"}")));
    q[n++] = http("POST", modern_headers("tools/list", NULL), modern_body("tools/list", ""));
    q[n++] = http("POST", modern_headers("server/discover", NULL), modern_body("server/discover", ""));
    q[n++] = http("POST", modern_headers("resources/read", "dev://text"), modern_body("resources/read", "\"uri\":\"dev://text\""));
    q[n++] = http("POST", modern_headers("resources/read", "dev://none"), modern_body("resources/read", "\"uri\":\"dev://none\""));
    q[n++] = http("POST", modern_headers("no/such", NULL), modern_body("no/such", ""));
    q[n++] = http("POST", modern_headers("tools/call", "ech"), modern_body("tools/call", tool_members("echo", "{}")));
    q[n++] = http("POST", modern_headers("tools/call", "logs"), modern_body("tools/call", tool_members("logs", "{}")));
    world.meta = ",\"progressToken\":7,\"" META "logLevel\":\"error\"";
    q[n++] = http("POST", modern_headers("tools/call", "logs"), modern_body("tools/call", tool_members("logs", "{}")));
    q[n++] = http("POST", modern_headers("tools/call", "steps"), modern_body("tools/call", tool_members("steps", "{}")));
    q[n++] = http("POST", modern_headers("tools/call", "pour"), modern_body("tools/call", tool_members("pour", "{}")));
    world.meta = "";
    q[n++] = http("POST", fmt("%sMcp-Param-Region: eu\r\n", modern_headers("tools/call", "routed")),
                  modern_body("tools/call", tool_members("routed", "{\"region\":\"eu\"}")));
    q[n++] = http("POST", fmt("%sMcp-Param-Region: us\r\n", modern_headers("tools/call", "routed")),
                  modern_body("tools/call", tool_members("routed", "{\"region\":\"eu\"}")));
    q[n++] = http("POST", fmt("%sMcp-Param-Region: eu\r\nMcp-Param-Region: us\r\n", modern_headers("tools/call", "routed")),
                  modern_body("tools/call", tool_members("routed", "{\"region\":\"eu\"}")));
    q[n++] = http("POST", "", "not json");
    q[n++] = http("POST", "", "");
    q[n++] = http("POST", "", "[]");
    q[n++] = http("POST", "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    q[n++] = http("POST", "", legacy_body("0", "initialize", initialize_members("2025-11-25", "{}")));
    q[n++] = http("POST", "Mcp-Session-Id: nope\r\n", "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}");
    q[n++] = http("POST", "MCP-Protocol-Version: 2026-07-28\r\n", "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}");
    q[n++] = http("POST", "Origin: null\r\n", "{}");
    q[n++] = http("PUT", "", NULL);
    q[n++] = http("GET", "", NULL);
    q[n++] = http("DELETE", "Mcp-Session-Id: 00000000000000000000000000000000\r\n", NULL);
    q[n++] = http("GET", "MCP-Protocol-Version: 2026-07-28\r\n", NULL);
    q[n++] = "GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n";
    q[n++] = "POST /mcp HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    q[n++] = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    q[n++] = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: text/html\r\nContent-Length: 2\r\n\r\n{}";
    /* a host hands over what it got */
    q[n++] = http("POST", fmt("Mcp-Method: x\r\n%s", modern_headers("tools/list", NULL)), modern_body("tools/list", ""));
    q[n++] = http("POST", fmt("%sMcp-Method: x\r\n", modern_headers("tools/list", NULL)), modern_body("tools/list", ""));
    q[n++] = http("POST", fmt("Host: evil\r\n%s", modern_headers("tools/list", NULL)), modern_body("tools/list", ""));
    q[n++] = http("POST", fmt("%sOrigin: http://localhost\r\nOrigin: http://evil\r\n", modern_headers("tools/list", NULL)),
                  modern_body("tools/list", ""));
    for (tx = 2048; tx <= 4096; tx += 2048) {
        world.tx = tx;
        for (i = 0; i < n; i++) {
            reply r;
            hosted h;
            wire *w;
            wire *v;

            world.seed = 42;
            start();
            w = dial(MCPT_HTTP);
            put(w, q[i]);
            r = take(w);
            hang_up(w);
            world.seed = 42;
            start();
            v = dial(MCPT_HOSTED);
            CHECK(mcpt_io_want(&v->conn.io) == 0 && mcpt_conn_response(&v->conn) == NULL);
            if (i + 4 < n) {
                h = run_hosted(v, q[i]);
                CHECK(h.status == r.status && h.stream == r.stream && !h.open);
                IS(h.body, r.body);
                IS(h.session, header(r, "Mcp-Session-Id"));
                IS(h.allow, header(r, "Allow"));
                h = run_hosted(v, q[i]);    /* the object may be used again */
                CHECK(h.status == r.status || strstr(q[i], "Mcp-Session-Id") != NULL);
            } else {                  /* what HTTP/1.1's parser refuses does not pass here either */
                h = run_hosted(v, q[i]);
                CHECK(r.status == 400 && h.status / 100 == 4 && !h.open);
            }
            finish();
        }
    }
}

/* A pooled object that has waited for long serves like a new one. */
static void a_hosted_connection_has_no_idle_deadline(void)
{
    wire *w;
    hosted h;

    begin();
    start();
    w = dial(MCPT_HOSTED);
    pass(200000);
    h = run_hosted(w, http("POST", modern_headers("tools/call", "echo"), modern_body("tools/call", tool_members("echo", "{}"))));
    CHECK(h.status == 200);
    IS(said(h.body), "nothing");
    world.now += 59999;               /* the hub runs between the request and its pump */
    settle();
    world.now += 1;
    h = run_hosted(w, http("POST", modern_headers("tools/call", "echo"), modern_body("tools/call", tool_members("echo", "{}"))));
    CHECK(h.status == 200);
    world.now += 60000;
    (void)mcpt_hub_run(&world.hub);
    h = run_hosted(w, http("POST", modern_headers("tools/call", "echo"), modern_body("tools/call", tool_members("echo", "{}"))));
    CHECK(h.status == 200);
    IS(said(h.body), "nothing");
    finish();
}

/* Suspended calls and streams of a host: the answer comes when it comes; no_stream is kept. */
static void hosted_calls_suspend_and_stream(void)
{
    wire *w;
    hosted h;

    begin();
    start();
    w = dial(MCPT_HOSTED);
    h = run_hosted(w, http("POST", modern_headers("tools/call", "wait"), modern_body("tools/call", tool_members("wait", "{}"))));
    CHECK(h.status == 0 && h.open);
    CHECK(mcpt_conn_request(&w->conn, &w->request) == MCPT_E_STATE);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    CHECK(w->closed && mcpt_conn_response(&w->conn)->status == 200);
    w->out[w->out_len] = '\0';
    IS(said(w->out), "waited 1");
    hang_up(w);
    w = dial(MCPT_HOSTED);
    h = run_hosted(w, http("POST", modern_headers("subscriptions/listen", NULL),
                           modern_body("subscriptions/listen", "\"notifications\":{\"toolsListChanged\":true}")));
    CHECK(h.status == 200 && h.stream && h.open);
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);
    settle();
    w->out[w->out_len] = '\0';
    HAS(w->out, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"");
    mcpt_io_eof(&w->conn.io);         /* the host says the client has gone */
    pump(w);
    CHECK(w->closed);
    hang_up(w);
    CHECK(world.listeners[0].conn == NULL);
    /* a host that cannot stream gets no event streams */
    w = dial(MCPT_HOSTED);
    world.meta = ",\"progressToken\":1";
    h = run_hosted(w, http("POST", modern_headers("tools/call", "steps"), modern_body("tools/call", tool_members("steps", "{}"))));
    CHECK(h.stream && count(h.body, "notifications/progress") == 3);
    w->request.no_stream = true;
    CHECK(mcpt_conn_request(&w->conn, &w->request) == MCPT_OK);
    w->closed = w->head_known = false;
    w->out_len = 0;
    pump(w);
    w->out[w->out_len] = '\0';
    CHECK(strstr(w->head, "\r\nContent-Type: application/json\r\n") != NULL);
    IS(said(w->out), "done");
    finish();
}

/* Design section 3, rule 2: idle connections need no buffers. */
static void idle_connections_give_their_buffers_back(void)
{
    mcpt_mem mem;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    mem.rx = w->rx;
    mem.rx_size = world.rx;
    mem.tx = w->tx;
    mem.tx_size = world.tx;
    mem.tok = w->tok;
    mem.ntok = world.ntok;
    CHECK(mcpt_conn_idle(&w->conn) && !mcpt_conn_spare(&w->conn));
    CHECK(mcpt_conn_mem(&w->conn, NULL) == MCPT_OK);
    pump(w);
    CHECK(!w->closed && mcpt_io_want(&w->conn.io) == MCPT_WANT_RX);
    CHECK(mcpt_conn_mem(&w->conn, &mem) == MCPT_OK);
    CHECK(call(w, "echo", "{}").status == 200);
    CHECK(mcpt_conn_spare(&w->conn));
    put(w, "POST");
    CHECK(!mcpt_conn_spare(&w->conn) && !mcpt_conn_idle(&w->conn) && mcpt_conn_mem(&w->conn, NULL) == MCPT_E_STATE);
    hang_up(w);
    w = dial(MCPT_HTTP);
    (void)call(w, "wait", "{}");
    CHECK(!mcpt_conn_idle(&w->conn) && mcpt_conn_mem(&w->conn, NULL) == MCPT_E_STATE);
    hang_up(w);
    w = dial(MCPT_HTTP);
    CHECK(mcpt_conn_mem(&w->conn, NULL) == MCPT_OK);
    pass(60000);                      /* the idle deadline holds without buffers too */
    CHECK(w->closed);
    hang_up(w);
    w = dial(MCPT_HTTP);              /* an event stream without news */
    r = modern(w, "subscriptions/listen", NULL, "\"notifications\":{\"toolsListChanged\":true}");
    mem.rx = w->rx;
    mem.tx = w->tx;
    mem.tok = w->tok;
    CHECK(mcpt_conn_idle(&w->conn) && !mcpt_conn_spare(&w->conn) && mcpt_conn_mem(&w->conn, NULL) == MCPT_OK);
    pass(20000);
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);
    settle();
    CHECK(count(take(w).body, "data: ") == 1);
    CHECK(mcpt_conn_mem(&w->conn, &mem) == MCPT_OK);
    pump(w);
    r = take(w);
    CHECK(count(r.body, "data: ") == 2 && count(r.body, "\n:\n\n") == 1 && !r.whole);
    CHECK(mcpt_conn_mem(&w->conn, NULL) == MCPT_OK);
    mcpt_hub_close(&world.hub);
    settle();
    CHECK(mcpt_conn_mem(&w->conn, &mem) == MCPT_OK);
    pump(w);
    CHECK(take(w).whole && call(w, "echo", "{}").status == 200);
    hang_up(w);
    finish();
    begin();                          /* nor does a request behind an event stream hold buffers: it will not be answered (RFC 9112 section 9.3.2) */
    start();
    w = dial(MCPT_HTTP);
    put(w, fmt("%s%s", http("POST", modern_headers("subscriptions/listen", NULL), modern_body("subscriptions/listen", "\"notifications\":{}")),
               http("POST", modern_headers("tools/list", NULL), modern_body("tools/list", ""))));
    CHECK(count(take(w).body, "data: ") == 1);
    mem.rx = w->rx;
    mem.tx = w->tx;
    mem.tok = w->tok;
    CHECK(mcpt_conn_idle(&w->conn) && mcpt_conn_mem(&w->conn, NULL) == MCPT_OK && mcpt_conn_mem(&w->conn, &mem) == MCPT_OK);
    CHECK(!w->closed && !take(w).whole);
    mcpt_hub_close(&world.hub);
    settle();
    CHECK(take(w).whole && take(w).status == 0 && w->closed);
    hang_up(w);
    w = dial(MCPT_HTTP);
    mem.rx = w->rx;
    mem.tx = w->tx;
    mem.tok = w->tok;
    mem.tx_size = MCPT_TX_MIN - 1;
    CHECK(mcpt_conn_mem(&w->conn, &mem) == MCPT_E_ARG);
    mem.tx_size = MCPT_TX_MIN;
    mem.rx_size = MCPT_RX_MIN - 1;
    CHECK(mcpt_conn_mem(&w->conn, &mem) == MCPT_E_ARG);
    finish();
}

/* Without a hub: modern requests work, also slow ones; what needs a hub is not offered. */
static void without_a_hub_modern_requests_work(void)
{
    wire *w;
    reply r;

    begin();
    w = dial(MCPT_HTTP);
    r = modern(w, "server/discover", NULL, "");
    LACKS(r.body, "listChanged");
    LACKS(r.body, "subscribe");
    LACKS(r.body, "extensions");
    IS(said(call(w, "echo", "{}").body), "nothing");
    ERROR_IS(modern(w, "subscriptions/listen", NULL, "\"notifications\":{}"), 404, -32601, "1");
    ERROR_IS(modern(w, "tasks/get", "x", "\"taskId\":\"x\""), 404, -32601, "1");
    r = call(w, "wait", "{}");        /* MCPT_PENDING, woken through the connection */
    CHECK(r.status == 0);
    probe.done = true;
    settle();
    CHECK(take(w).status == 0);
    mcpt_wake(probe.ticket);
    settle();
    IS(said(take(w).body), "waited 1");
    probe.done = false;
    probe.retry = 50;
    CHECK(call(w, "wait", "{}").status == 0);
    probe.done = true;
    world.now += 49;
    settle();
    CHECK(take(w).status == 0);
    world.now += 1;
    settle();
    IS(said(take(w).body), "waited 1");
    probe.done = false;
    CHECK(call(w, "wait", "{}").status == 0);
    hang_up(w);
    CHECK(probe.cancels == 1);
    /* the legacy era goes without sessions */
    w = dial(MCPT_HTTP);
    r = legacy(w, NULL, "initialize", initialize_members("2025-06-18", "{}"));
    CHECK(r.status == 200);
    IS(header(r, "Mcp-Session-Id"), "");
    IS(member(r.body, "result|protocolVersion"), "\"2025-06-18\"");
    IS(said(legacy_call(w, NULL, "echo", "{}").body), "nothing");
    finish();
}

int main(void)
{
    only_local_names_and_address_literals_are_hosts();
    foreign_origins_are_forbidden();
    the_identity_may_change_while_serving();
    paths_and_verbs_that_are_not_there();
    types_that_do_not_fit_are_refused();
    limits_of_heads_and_bodies_answer_their_status();
    chunked_bodies_are_read();
    expect_100_continue_is_answered_when_the_body_waits();
    ambiguous_requests_are_refused();
    connections_persist_or_close_as_both_sides_say();
    event_streams_over_http_1_0_end_with_the_connection();
    a_pipelined_request_waits_for_the_one_before();
    slow_peers_are_let_go();
    open_streams_are_kept_alive_by_comments();
    long_calls_have_no_deadline();
    a_hosted_request_is_answered_as_over_http();
    a_hosted_connection_has_no_idle_deadline();
    hosted_calls_suspend_and_stream();
    idle_connections_give_their_buffers_back();
    without_a_hub_modern_requests_work();
    return test_end();
}
