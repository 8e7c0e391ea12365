/* http: heads whole, byte by byte and at every split, against guard pages; chunked; lists. */
#define _DEFAULT_SOURCE
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "guard.h"
#include "test.h"
#include <string.h>

static const char token300[] =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImtleS0yMDI2LTA3In0.eyJpc3MiOiJodHRwczovL2F1dGguZXhh"
    "bXBsZS5jb20iLCJzdWIiOiJ1c2VyXzJhYmNkZWYiLCJhdWQiOiJodHRwczovL2RldmljZS5leGFtcGxlLmNvbS9tY3AiLCJleHAi"
    "OjE3ODUxNzI4MDAsInNjb3BlIjoibWNwOnRvb2xzIG1jcDpyZXNvdXJjZXMifQ.3uXs8_oBCA8WHSQrMjlAR05VXGNqcXh_ho2Um"
    "6KpsLe-xczT2uHo7_b9BAsSGSAnLjU8Q0pRWF9mbXR7gomQlw";

/* What the official TypeScript SDK sends for a tools/call of revision 2026-07-28. */
static size_t sdk_head(char *out)
{
    return (size_t)sprintf(out, "POST /mcp HTTP/1.1\r\nhost: 192.168.4.1:8080\r\nconnection: keep-alive\r\n"
        "content-type: application/json\r\naccept: application/json, text/event-stream\r\n"
        "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: read_temperature\r\n"
        "authorization: Bearer %s\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
        "accept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: mcp-client-node/2.4.0 (linux x64)\r\n"
        "accept-encoding: br, gzip, deflate\r\ncontent-length: 318\r\n\r\n", token300);
}

/* The result after the head has arrived in pieces that end at the given places (0: no such place). */
static mcpt_err parse_at(mcpt_head *h, const char *buf, size_t len, bool response, size_t a, size_t step)
{
    mcpt_err e = MCPT_PENDING;
    mcpt_head_init(h, response);
    for (size_t n = step != 0 ? 0 : a; n < len && e == MCPT_PENDING; n += step != 0 ? step : len) {
        char *part = guarded(buf, n, true);                 /* buf may move, and nothing lies behind it */
        e = mcpt_head_parse(h, part, n);
    }
    return e == MCPT_PENDING ? mcpt_head_parse(h, guarded(buf, len, true), len) : e;
}

/* Parses in every way; the answer and the whole object must not depend on it. */
static mcpt_err parse(mcpt_head *h, const char *text, size_t len, bool response)
{
    mcpt_head other;
    unsigned wrong = 0;
    mcpt_err e, want;
    mcpt_head_init(h, response);
    want = mcpt_head_parse(h, guarded(text, len, false), len);
    for (size_t a = 0; a <= len; a++) {
        e = parse_at(&other, text, len, response, a, 0);
        wrong += e != want || memcmp(&other, h, sizeof(other)) != 0;
    }
    for (size_t step = 1; step < 4; step++) {
        e = parse_at(&other, text, len, response, 0, step);
        wrong += e != want || memcmp(&other, h, sizeof(other)) != 0;
    }
    e = mcpt_head_parse(&other, guarded(text, len, true), len);  /* sticky */
    wrong += e != want || memcmp(&other, h, sizeof(other)) != 0;
    CHECK(wrong == 0);
    return want;
}

typedef struct row {
    const char *text;
    size_t len;
    unsigned status;                                        /* what is to be answered; 0: accepted */
} row;

#define T(text) text, sizeof(text) - 1
#define GET "GET / HTTP/1.1\r\nHost: h\r\n"                 /* a good beginning */
#define POST "POST /mcp HTTP/1.1\r\nHost: h\r\n"
#define END "\r\n\r\n"

static void requests_good(void)
{
    static const row rows[] = {
        { T(GET "\r\n"), 0 }, { T("\r\n" GET "\r\n"), 0 }, { T("GET / HTTP/1.0" END), 0 },
        { T("GET / HTTP/1.0\r\nHost: h" END), 0 }, { T("OPTIONS * HTTP/1.1\r\nHost: h" END), 0 },
        { T("OPTIONS /mcp HTTP/1.1\r\nHost: h" END), 0 },
        { T("!#$%&'*+-.^_`|~9aZ / HTTP/1.1\r\nHost: h" END), 0 },
        { T("GET //x HTTP/1.1\r\nHost: h" END), 0 },
        { T("GET /a?b=%zz&{c}|[d]^`e HTTP/1.1\r\nHost: h" END), 0 },
        { T("GET http://h/x HTTP/1.1\r\nHost: h" END), 0 },
        { T("GET HTTPS://H:8443 HTTP/1.1\r\nHost: h" END), 0 },
        { T("GET http://[::1]?q HTTP/1.1\r\nHost: h" END), 0 },
        { T("GET http://evil.example/x HTTP/1.1\r\nHost: h" END), 0 },      /* the caller has authority */
        { T("GET / HTTP/1.1\r\nHOST:\t h:1 \t" END), 0 }, { T("GET / HTTP/1.1\r\nHost: [::1]:65535" END), 0 },
        { T(GET "X:" END), 0 }, { T(GET "X: \t " END), 0 }, { T(GET "X: a\tb \x80\xff \"\xc3\xa9\"" END), 0 },
        { T(GET "X: :: a:b ,;" END), 0 }, { T(GET "!#$%&'*+-.^_`|~9aZ: x" END), 0 },
        { T(POST "Content-Length: 0" END), 0 }, { T(POST "Content-Length: 9999999999999999999" END), 0 },
        { T(POST "Content-Length:   007  " END), 0 }, { T(POST "Transfer-Encoding: chunked" END), 0 },
        { T(POST "transfer-encoding:\tCHUNKED " END), 0 }, { T(POST "Expect: 100-Continue" END), 0 },
        { T("POST / HTTP/1.0\r\nExpect: whatever" END), 0 }, { T(POST "Accept: a/b\r\nAccept: c/d" END), 0 },
        { T(POST "Connection: close\r\nConnection: x" END), 0 }, { T(POST "Upgrade: h2c, websocket" END), 0 },
        { T(POST "Content-Encoding: gzip\r\nTE: trailers\r\nTrailer: x" END), 0 },
        { T(POST "Content-Lengt: 1\r\nContent-Length2: 2\r\nXContent-Length: 3" END), 0 },
        { T(POST "Content_Length: 5\r\nTransfer_Encoding: gzip" END), 0 },
    };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_head h;
        mcpt_err e = parse(&h, rows[i].text, rows[i].len, false);
        if (e != MCPT_OK) {
            printf("%s: %d %u\n", rows[i].text, (int)e, h.status);
        }
        CHECK(e == MCPT_OK && h.at == rows[i].len && h.status == 0 && h.line);
        for (size_t n = 0; n < rows[i].len; n++) {          /* and none is complete too early */
            mcpt_head_init(&h, false);
            CHECK(mcpt_head_parse(&h, rows[i].text, n) == MCPT_PENDING);
        }
    }
}

static const row hostile[] = {
    /* two lengths, or one that is read in two ways */
    { T(POST "Content-Length: 5\r\nTransfer-Encoding: chunked" END), 400 },
    { T(POST "Transfer-Encoding: chunked\r\nContent-Length: 5" END), 400 },
    { T(POST "Transfer-Encoding : chunked" END), 400 }, { T(POST "Transfer-Encoding\t: chunked" END), 400 },
    { T(POST "Transfer-Encoding: \x0b" "chunked" END), 400 },
    { T(POST "Transfer-Encoding: chunked\x0c" END), 400 },
    { T(POST "Transfer-Encoding: chunked, identity" END), 501 },
    { T(POST "Transfer-Encoding: identity" END), 501 },
    { T(POST "Transfer-Encoding: gzip, chunked" END), 501 },
    { T(POST "Transfer-Encoding: xchunked" END), 501 },
    { T(POST "Transfer-Encoding: chunked, chunked" END), 501 },
    { T(POST "Transfer-Encoding: \"chunked\"" END), 501 },
    { T(POST "Transfer-Encoding: chunked;q=1" END), 501 }, { T(POST "Transfer-Encoding: ,chunked" END), 501 },
    { T(POST "Transfer-Encoding:" END), 501 }, { T(POST "Transfer-Encoding: chunke" END), 501 },
    { T(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" END), 400 },
    { T(POST "Transfer-Encoding: chunked\r\ntransfer-encoding: identity" END), 400 },
    { T(POST "Transfer-Encoding:\r\n chunked" END), 501 },
    { T(POST "Transfer-Encoding: chunked\r\n\t, x" END), 400 },
    { T(POST "X: y\r\n Transfer-Encoding: chunked" END), 400 },
    { T(POST "X: y\nTransfer-Encoding: chunked" END), 400 },
    { T(POST "X: y\rTransfer-Encoding: chunked" END), 400 },
    { T(POST "\xef\xbb\xbfTransfer-Encoding: chunked" END), 400 },
    { T(POST "Transfer-Encoding\xc2\xa0: chunked" END), 400 },
    { T(POST "Transfer-Encoding\0: chunked" END), 400 },
    { T("POST / HTTP/1.0\r\nTransfer-Encoding: chunked" END), 400 },
    { T(POST "Content-Length: 5\r\nContent-Length: 6" END), 400 },
    { T(POST "Content-Length: 5\r\nCONTENT-LENGTH: 5" END), 400 },
    { T(POST "Content-Length: 5, 5" END), 400 }, { T(POST "Content-Length: 5 5" END), 400 },
    { T(POST "Content-Length: +5" END), 400 }, { T(POST "Content-Length: -5" END), 400 },
    { T(POST "Content-Length: 0x5" END), 400 }, { T(POST "Content-Length: 5." END), 400 },
    { T(POST "Content-Length: 5e0" END), 400 }, { T(POST "Content-Length:" END), 400 },
    { T(POST "Content-Length: \"5\"" END), 400 }, { T(POST "Content-Length: 5;" END), 400 },
    { T(POST "Content-Length: 18446744073709551616" END), 400 },
    { T(POST "Content-Length: 18446744073709551621" END), 400 },
    { T(POST "Content-Length: 99999999999999999999999" END), 400 }, { T(POST "Content-Length : 5" END), 400 },
    { T(POST "Content-Length: \xb2" END), 400 }, { T(POST "Content-Length: 5\0" END), 400 },
    /* line ends and folding */
    { T("GET / HTTP/1.1\nHost: h\n\n"), 400 }, { T("GET / HTTP/1.1\nHost: h" END), 400 },
    { T(GET "X: y\n\r\n"), 400 },
    { T(GET "X: y\r\n\n"), 400 }, { T(GET "\n"), 400 }, { T(GET "X: y\r\r\n\r\n"), 400 },
    { T(GET "X: a\rb" END), 400 },
    { T(GET "\rX: y" END), 400 }, { T("\n" GET "\r\n"), 400 }, { T("\r" GET "\r\n"), 400 },
    { T("\r\n\r\n" GET "\r\n"), 400 },
    { T(GET "X: y\r\n z" END), 400 }, { T(GET "X: y\r\n\tz" END), 400 },
    { T("GET / HTTP/1.1\r\n Host: h" END), 400 },
    { T(GET " \r\n\r\n"), 400 },
    /* characters that have no place */
    { T(GET "X: a\0b" END), 400 }, { T(GET "X: \x01" END), 400 }, { T(GET "X: \x7f" END), 400 },
    { T(GET "X: \x1b[2J" END), 400 },
    { T("GET /\0 HTTP/1.1\r\nHost: h" END), 400 }, { T("GET /\x7f HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET /\xc3\xa9 HTTP/1.1\r\nHost: h" END), 400 }, { T("GET /a#b HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET /a\\b HTTP/1.1\r\nHost: h" END), 400 }, { T("GET /<a> HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET /\" HTTP/1.1\r\nHost: h" END), 400 },
    { T(GET ": y" END), 400 }, { T(GET "X" END), 400 }, { T(GET "X y" END), 400 },
    { T(GET "X Y: z" END), 400 },
    { T(GET "X : y" END), 400 }, { T(GET "X@: y" END), 400 }, { T(GET "(X): y" END), 400 },
    { T(GET "X/Y: z" END), 400 },
    { T(GET "\"X\": y" END), 400 }, { T(GET "X\xc3\xa9: y" END), 400 }, { T(GET "X=: y" END), 400 },
    /* the request line */
    { T(" / HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET  / HTTP/1.1\r\nHost: h" END), 400 }, { T("GET /  HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET / HTTP/1.1 \r\nHost: h" END), 400 }, { T(" GET / HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET\t/ HTTP/1.1\r\nHost: h" END), 400 }, { T("GET /\tHTTP/1.1\r\nHost: h" END), 400 },
    { T("GET /a b HTTP/1.1\r\nHost: h" END), 400 }, { T("GET / HTTP/1.1 x\r\nHost: h" END), 400 },
    { T("GET /\r\nHost: h" END), 400 }, { T("GET" END), 400 }, { T("GET " END), 400 },
    { T("G(T / HTTP/1.1\r\nHost: h" END), 400 },
    { T("G\xc3T / HTTP/1.1\r\nHost: h" END), 400 }, { T("/ HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET HTTP/1.1\r\nHost: h" END), 400 }, { T("GET  HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET / HTTP/2.0\r\nHost: h" END), 505 }, { T("GET / HTTP/0.9\r\nHost: h" END), 505 },
    { T("GET / HTTP/1.2\r\nHost: h" END), 505 }, { T("GET / HTTP/3.1\r\nHost: h" END), 505 },
    { T("PRI * HTTP/2.0\r\n\r\nSM" END), 505 }, { T("GET / HTTP/1.10\r\nHost: h" END), 400 },
    { T("GET / HTTP/11.1\r\nHost: h" END), 400 }, { T("GET / HTTP/1\r\nHost: h" END), 400 },
    { T("GET / HTTP/1,1\r\nHost: h" END), 400 }, { T("GET / http/1.1\r\nHost: h" END), 400 },
    { T("GET / HTTP/a.1\r\nHost: h" END), 400 }, { T("GET / HTTPS/1.1\r\nHost: h" END), 400 },
    { T("GET / HTTP/ 1.1\r\nHost: h" END), 400 }, { T("GET / FTP/1.1\r\nHost: h" END), 400 },
    { T("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), 400 },
    { T("GET x HTTP/1.1\r\nHost: h" END), 400 }, { T("GET ../x HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET ?x HTTP/1.1\r\nHost: h" END), 400 }, { T("GET * HTTP/1.1\r\nHost: h" END), 400 },
    { T("OPTIONS ** HTTP/1.1\r\nHost: h" END), 400 }, { T("CONNECT h:443 HTTP/1.1\r\nHost: h:443" END), 400 },
    { T("GET http:// HTTP/1.1\r\nHost: h" END), 400 }, { T("GET http:///x HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET http://u@h/ HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET http://h:0/ HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET ftp://h/ HTTP/1.1\r\nHost: h" END), 400 }, { T("GET http:/h HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET http://h\\@e/ HTTP/1.1\r\nHost: h" END), 400 }, { T("GET http:/ HTTP/1.1\r\nHost: h" END), 400 },
    { T("GET https:// HTTP/1.1\r\nHost: h" END), 400 }, { T("GET httpx://h HTTP/1.1\r\nHost: h" END), 400 },
    /* Host */
    { T("GET / HTTP/1.1" END), 400 }, { T("GET / HTTP/1.1\r\nX: y" END), 400 },
    { T("GET http://h/ HTTP/1.1" END), 400 },
    { T(GET "Host: h" END), 400 }, { T(GET "host: evil" END), 400 },
    { T("GET / HTTP/1.0\r\nHost: h\r\nHost: h" END), 400 },
    { T("GET / HTTP/1.1\r\nHost:" END), 400 }, { T("GET / HTTP/1.1\r\nHost: a b" END), 400 },
    { T("GET / HTTP/1.1\r\nHost: a, b" END), 400 }, { T("GET / HTTP/1.1\r\nHost: u@h" END), 400 },
    { T("GET / HTTP/1.1\r\nHost: h/x" END), 400 }, { T("GET / HTTP/1.1\r\nHost: http://h" END), 400 },
    { T("GET / HTTP/1.1\r\nHost: h:" END), 400 }, { T("GET / HTTP/1.1\r\nHost: h:99999" END), 400 },
    { T("GET / HTTP/1.1\r\nHost: h:80:80" END), 400 }, { T("GET / HTTP/1.1\r\nHost: [::1" END), 400 },
    { T("GET / HTTP/1.1\r\nHost: 127.1" END), 400 }, { T("GET / HTTP/1.1\r\nHost: h\xc3\xa9" END), 400 },
    { T("GET / HTTP/1.1\r\nHost: h%41" END), 400 }, { T("GET / HTTP/1.1\r\nHost : h" END), 400 },
    { T("GET / HTTP/1.0\r\nHost: a b" END), 400 },
    /* the rest */
    { T(POST "Expect: 200-ok" END), 417 }, { T(POST "Expect:" END), 417 },
    { T(POST "Expect: 100-continue, x" END), 417 },
    { T(POST "Expect: 100-continue\r\nExpect: 100-continue" END), 400 },
    { T(POST "Authorization: Bearer a\r\nauthorization: Bearer b" END), 400 },
    { T(POST "Origin: http://a\r\nOrigin: http://b" END), 400 },
    { T(POST "Content-Type: a/b\r\nContent-Type: a/b" END), 400 },
    { T(POST "Mcp-Session-Id: a\r\nMCP-SESSION-ID: a" END), 400 },
    { T(POST "Mcp-Method: a\r\nMcp-Method: b" END), 400 },
    { T(POST "Mcp-Name: a\r\nMcp-Name: b" END), 400 },
    { T(POST "Last-Event-ID: a\r\nLast-Event-ID: b" END), 400 },
    { T(POST "MCP-Protocol-Version: 2025-06-18\r\nMcp-Protocol-Version: 2025-06-18" END), 400 },
};

static void requests_hostile(void)
{
    for (size_t i = 0; i < MCPT_COUNT(hostile); i++) {
        mcpt_head h;
        mcpt_err e = parse(&h, hostile[i].text, hostile[i].len, false);
        if (e != MCPT_E_HTTP || h.status != hostile[i].status) {
            printf("%s: %d %u\n", hostile[i].text, (int)e, h.status);
        }
        CHECK(e == MCPT_E_HTTP && h.status == hostile[i].status);
    }
}

static bool is(mcpt_str s, const char *z)
{
    return mcpt_str_is(s, z);
}

static void copy_z(char *out, const char *z)
{
    memcpy(out, z, strlen(z) + 1);
}

static void request_members(void)
{
    char buf[1024];
    mcpt_head h;
    mcpt_str name, value;
    uint32_t it = 0;
    unsigned count = 0;
    size_t n = sdk_head(buf);
    CHECK(n > 800 && n < 840);
    CHECK(parse(&h, buf, n, false) == MCPT_OK && h.at == n);
    CHECK(is(mcpt__cut(buf, h.method), "POST") && is(mcpt__cut(buf, h.target), "/mcp"));
    CHECK(h.authority.len == 0);
    CHECK(h.minor == 1 && h.length == 318 && h.flags == MCPT_HEAD_LENGTH && h.twice == 0 && h.fields == 14);
    CHECK(is(mcpt_head_get(&h, buf, MCPT_F_HOST), "192.168.4.1:8080"));
    CHECK(is(mcpt_head_get(&h, buf, MCPT_F_MCP_PROTOCOL_VERSION), "2026-07-28"));
    CHECK(is(mcpt_head_get(&h, buf, MCPT_F_MCP_METHOD), "tools/call"));
    CHECK(mcpt_head_get(&h, buf, MCPT_F_MCP_SESSION_ID).ptr == NULL);
    CHECK(mcpt_head_accepts(&h, buf, "application/json"));
    CHECK(mcpt_head_accepts(&h, buf, "text/event-stream"));
    while (mcpt_head_next(&h, buf, &it, &name, &value)) {
        count += is(name, "sec-fetch-mode") && is(value, "cors") ? 100 : 1;
    }
    CHECK(count == 113 && !mcpt_head_next(&h, buf, &it, &name, &value));
    copy_z(buf, "\r\nGET http://H:8443/x?y HTTP/1.1\r\nhost: z\r\nMcp-Param-Room: a\tb\r\nX:\r\nDPoP: 1\r\n"
        "Accept: a\r\naccept: b\r\ndpop: 2" END);
    n = strlen(buf);
    CHECK(parse(&h, buf, n, false) == MCPT_OK && h.flags == MCPT_HEAD_PARAMS);
    CHECK(is(mcpt__cut(buf, h.authority), "H:8443") && is(mcpt__cut(buf, h.target), "/x?y"));
    CHECK(h.twice == (1u << MCPT_F_DPOP | 1u << MCPT_F_ACCEPT));
    CHECK(is(mcpt_head_get(&h, buf, MCPT_F_DPOP), "1"));
    it = 0;
    CHECK(mcpt_head_next(&h, buf, &it, &name, &value) && is(name, "host") && is(value, "z"));
    CHECK(mcpt_head_next(&h, buf, &it, &name, &value) && is(name, "Mcp-Param-Room") && is(value, "a\tb"));
    CHECK(mcpt_head_next(&h, buf, &it, &name, &value) && is(name, "X") && is(value, ""));
    copy_z(buf, "GET https://h HTTP/1.0" END);
    CHECK(parse(&h, buf, strlen(buf), false) == MCPT_OK && is(mcpt__cut(buf, h.target), "/") && h.seen == 0);
    CHECK(h.minor == 0 && h.flags == MCPT_HEAD_CLOSE && is(mcpt__cut(buf, h.authority), "h"));
    it = 0;
    CHECK(!mcpt_head_next(&h, buf, &it, &name, &value));
    mcpt_head_init(&h, false);
    CHECK(mcpt_head_parse(&h, buf, 10) == MCPT_PENDING && !h.line);
    CHECK(!mcpt_head_next(&h, buf, &it, &name, &value));
    CHECK(h.scan == 10 && mcpt_head_parse(&h, buf, 12) == MCPT_PENDING && h.scan == 12 && h.at == 0);
    CHECK(mcpt_head_parse(&h, buf, 3) == MCPT_PENDING);     /* fewer than before: nothing to do */
    CHECK(mcpt_head_parse(&h, buf, strlen(buf) - 2) == MCPT_PENDING && h.line);
}

static void request_flags(void)
{
    static const struct { const char *text; size_t len; unsigned flags; uint64_t length; } rows[] = {
        { T("GET / HTTP/1.1\r\nHost: h" END), 0, 0 },
        { T("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close" END), MCPT_HEAD_CLOSE, 0 },
        { T("GET / HTTP/1.1\r\nHost: h\r\nConnection: te, close" END), MCPT_HEAD_CLOSE, 0 },
        { T(GET "Connection: x\r\nConnection: close\r\nConnection: y" END), MCPT_HEAD_CLOSE, 0 },
        { T("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, closed, enclose" END), 0, 0 },
        { T("GET / HTTP/1.0" END), MCPT_HEAD_CLOSE, 0 },
        { T("GET / HTTP/1.0\r\nConnection: Keep-Alive" END), 0, 0 },
        { T("GET / HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive" END), MCPT_HEAD_CLOSE, 0 },
        { T(POST "Content-Length: 9999999999999999999" END), MCPT_HEAD_LENGTH, 9999999999999999999u },
        { T(POST "Content-Length: 0" END), MCPT_HEAD_LENGTH, 0 },
        { T(POST "Transfer-Encoding: Chunked" END), MCPT_HEAD_CHUNKED, 0 },
        { T(POST "Expect: 100-continue\r\nContent-Length: 7" END), MCPT_HEAD_LENGTH | MCPT_HEAD_CONTINUE, 7 },
        { T("GET / HTTP/1.0\r\nContent-Length: 3" END), MCPT_HEAD_LENGTH | MCPT_HEAD_CLOSE, 3 },
        { T(POST "Content-Length: 4\r\nConnection: close\r\nExpect: 100-continue\r\nMcp-Param-X: 1" END),
          MCPT_HEAD_LENGTH | MCPT_HEAD_CLOSE | MCPT_HEAD_CONTINUE | MCPT_HEAD_PARAMS, 4 },
        { T(POST "Mcp-Param-X: 1\r\nTransfer-Encoding: chunked" END),
          MCPT_HEAD_PARAMS | MCPT_HEAD_CHUNKED, 0 },
        { T(POST "Connection: close\r\nContent-Length: 5" END), MCPT_HEAD_LENGTH | MCPT_HEAD_CLOSE, 5 },
        { T(POST "mcp-param-a: 1" END), MCPT_HEAD_PARAMS, 0 }, { T(POST "MCP-PARAM-: 1" END), 0, 0 },
        { T(POST "mcp-paramx: 1" END), 0, 0 }, { T(POST "mcp\x7fparam-x: 1" END), 99, 0 },
    };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_head h;
        mcpt_err e = parse(&h, rows[i].text, rows[i].len, false);
        CHECK(rows[i].flags == 99 ? e == MCPT_E_HTTP :
            e == MCPT_OK && h.flags == rows[i].flags && h.length == rows[i].length);
    }
}

/* Every known name; one wrong character makes it unknown; the table is in the order the look-up needs. */
static void field_names(void)
{
    static const char *const names[] = {
#define MCPT_X(name, text) text,
        MCPT_FIELDS(MCPT_X)
#undef MCPT_X
    };
    for (unsigned f = 0; f < MCPT_F_COUNT; f++) {
        size_t n = strlen(names[f]);
        char text[64];
        CHECK(f == 0 || strlen(names[f - 1]) <= n);
        CHECK(mcpt__field_find(guarded(names[f], n, true), n) == f);
        for (size_t i = 0; i < n; i++) {
            for (unsigned c = 0x21; c < 0x7f; c++) {
                memcpy(text, names[f], n);
                text[i] = (char)c;
                if (mcpt__in(mcpt__set_token, (char)c)) {
                    CHECK((mcpt__field_find(text, n) == f) == (mcpt__lower((char)c) == names[f][i]));
                }
            }
        }
        CHECK(mcpt__field_find(names[f], n - 1) == MCPT__NO_WORD);
    }
    CHECK(mcpt__field_find("x", 1) == MCPT__NO_WORD);
    CHECK(mcpt__field_find(token300, 300) == MCPT__NO_WORD);
}

static void field_count(void)
{
    static char buf[8192];
    for (unsigned fields = MCPT_MAX_FIELDS - 1; fields <= MCPT_MAX_FIELDS + 1; fields++) {
        mcpt_head h;
        mcpt_err e;
        size_t n = (size_t)sprintf(buf, GET);
        for (unsigned i = 1; i < fields; i++) {
            n += (size_t)sprintf(buf + n, "X%u: y\r\n", i);
        }
        n += (size_t)sprintf(buf + n, "\r\n");
        e = parse(&h, buf, n, false);
        CHECK(fields <= MCPT_MAX_FIELDS ? e == MCPT_OK && h.fields == fields :
            e == MCPT_E_HTTP && h.status == 431);
    }
}

/* Any byte in any place: no split changes the answer, and no control character but a tab survives. */
static void mutations(void)
{
    static const char base[] = "POST /mcp HTTP/1.1\r\nHost: h.local:80\r\nMcp-Name: abc\r\n"
        "Accept: a/b, c/d;q=0.1\r\nConnection: close\r\nContent-Length: 12\r\n\r\n";
    enum { LEN = sizeof(base) - 1 };
    unsigned wrong = 0;
    for (size_t at = 0; at < LEN; at++) {
        for (unsigned c = 0; c < 256; c++) {
            char text[LEN];
            mcpt_head whole, other;
            mcpt_err e, f = MCPT_PENDING;
            bool control = (c < 0x20 && c != '\t') || c == 0x7f;
            memcpy(text, base, LEN);
            text[at] = (char)c;
            mcpt_head_init(&whole, false);
            e = mcpt_head_parse(&whole, text, LEN);
            wrong += control && c != (unsigned char)base[at] && e == MCPT_OK;
            wrong += e != MCPT_OK && e != MCPT_PENDING && e != MCPT_E_HTTP;
            mcpt_head_init(&other, false);
            for (size_t n = c % 7; n <= LEN && f == MCPT_PENDING; n++) {
                f = mcpt_head_parse(&other, text, n);
            }
            wrong += e != f || memcmp(&whole, &other, sizeof(whole)) != 0;
        }
    }
    CHECK(wrong == 0);
}

static void responses(void)
{
    static const row rows[] = {                             /* status 0: refused */
        { T("HTTP/1.1 200 OK\r\nContent-Length: 5" END), 200 }, { T("HTTP/1.1 200" END), 200 },
        { T("HTTP/1.1 200 " END), 200 },
        { T("HTTP/1.0 404 Not Found" END), 404 },
        { T("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nHost: a b" END), 200 },
        { T("HTTP/1.1 100 Continue" END), 100 },
        { T("HTTP/1.1 999 \xc3\xa9\t?" END), 999 },
        { T("HTTP/1.1 200 OK\r\nHost: any thing\r\nExpect: x" END), 200 },
        { T("HTTP/1.1 401 x\r\nWWW-Authenticate: a\r\nWWW-Authenticate: b" END), 401 },
        { T("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" END), 200 },
        { T("HTTP/1.1 099 x" END), 0 }, { T("HTTP/1.1 20 x" END), 0 }, { T("HTTP/1.1 2000 x" END), 0 },
        { T("HTTP/1.1 2x0 x" END), 0 },
        { T("HTTP/1.1  200 x" END), 0 }, { T("HTTP/1.1\t200 x" END), 0 }, { T("HTTP/1.1 200\tx" END), 0 },
        { T("HTTP/2.0 200 x" END), 0 },
        { T("HTTP/1.2 200 x" END), 0 }, { T("HTTP/1 200 OK" END), 0 }, { T("http/1.1 200 OK" END), 0 },
        { T("ICY 200 OK" END), 0 },
        { T("HTTP/1.1 200 OK\nX: y" END), 0 }, { T("HTTP/1.1 200 O\0K" END), 0 },
        { T("\r\nHTTP/1.1 200 OK" END), 0 },
        { T("HTTP/1.1 200 OK\r\nX: y\r\n z" END), 0 }, { T("HTTP/1.1 200 OK\r\nX : y" END), 0 },
        { T("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5" END), 0 },
        { T("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked" END), 0 },
        { T("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked" END), 0 },
        { T("HTTP/1.1 200 OK\r\nContent-Length: x" END), 0 },
        { T("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked" END), 0 },
        { T("GET / HTTP/1.1\r\nHost: h" END), 0 }, { T(END), 0 },
        { T("HTTP/1.1 200 OK\r\nMcp-Session-Id: a\r\nMcp-Session-Id: b" END), 0 },
    };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_head h;
        mcpt_err e = parse(&h, rows[i].text, rows[i].len, true);
        CHECK(e == (rows[i].status != 0 ? MCPT_OK : MCPT_E_HTTP) && h.status == rows[i].status);
    }
}

static void lists(void)
{
    static const struct { const char *list, *token; bool want; } rows[] = {
        { "close", "close", true }, { "CLOSE", "close", true }, { " a ,\tclose\t,b", "close", true },
        { "a,,close", "close", true },
        { ",", "close", false }, { "", "close", false }, { "closed", "close", false },
        { "clos", "close", false },
        { "a;x=close", "close", false }, { "a;x=\"close, close\"", "close", false },
        { "a;x=\"\\\", close, \"", "close", false },
        { "a;x=\"\\\", \", close", "close", true }, { "a;x=\"", "close", false },
        { "a;x=\"\\", "close", false },
        { "close;q=0", "close", false }, { "close;q=0.000", "close", false },
        { "close ; Q=0", "close", false },
        { "close;q=0.001", "close", true }, { "close;q=1", "close", true },
        { "close;x=1;q=0", "close", false },
        { "close;q=0;x=1", "close", false }, { "close;q=0,close", "close", true },
        { "close;qq=0", "close", true }, { ";q=0,close", "close", true },
        { "close;q=", "close", true }, { "no-cache, no-store", "no-store", true },
        { "close\"", "close", false },
    };
    static const struct { const char *accept; bool json, stream; } accepts[] = {
        { "application/json, text/event-stream", true, true }, { "Application/JSON", true, false },
        { "*/*", true, true },
        { "text/*", false, true }, { "application/*;q=0.5", true, false }, { "text/html", false, false },
        { "", false, false },
        { "application/json;charset=utf-8 , text/event-stream;q=0.9", true, true },
        { "application/jsonx", false, false },
        { "application/jso", false, false }, { "application", false, false },
        { "application/", false, false }, { "*", false, false },
        { "*/*;q=0", false, false }, { "application/json;q=0, */*", false, true },
        { "*/*, application/json;q=0", false, true },
        { "*/*;q=0, application/*", true, false }, { "text/*;q=0, text/event-stream, */*;q=0.1", true, true },
        { "application/json;q=0, application/json", true, false }, { "applicationx/json", false, false },
        { "text/html;level=\",application/json\"", false, false },
        { "application/json-rpc, */json", false, false },
    };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        size_t n = strlen(rows[i].list);
        for (int end = 0; end < 2; end++) {
            mcpt_str list = mcpt__mk(guarded(rows[i].list, n, end != 0), n);
            CHECK(mcpt_list_has(list, rows[i].token) == rows[i].want);
        }
    }
    for (size_t i = 0; i < MCPT_COUNT(accepts); i++) {
        size_t n = strlen(accepts[i].accept);
        mcpt_str v = mcpt__mk(guarded(accepts[i].accept, n, true), n);
        CHECK(mcpt_accepts(v, "application/json") == accepts[i].json);
        CHECK(mcpt_accepts(v, "text/event-stream") == accepts[i].stream);
    }
    {
        static const char two[] = GET "Accept: application/json\r\naccept: text/event-stream" END;
        static const char not_any[] = GET "Accept: */*\r\nX: y\r\nAccept: text/*;q=0" END;
        mcpt_head h;
        CHECK(!mcpt_accepts(mcpt_z(NULL), "a/b"));
        CHECK(parse(&h, T(two), false) == MCPT_OK && h.twice == 1u << MCPT_F_ACCEPT);
        CHECK(mcpt_head_accepts(&h, two, "application/json"));
        CHECK(mcpt_head_accepts(&h, two, "text/event-stream"));
        CHECK(!mcpt_head_accepts(&h, two, "text/html"));
        CHECK(parse(&h, T(not_any), false) == MCPT_OK);
        CHECK(!mcpt_head_accepts(&h, not_any, "text/event-stream"));
        CHECK(mcpt_head_accepts(&h, not_any, "application/json"));
        CHECK(parse(&h, T(GET "\r\n"), false) == MCPT_OK && !mcpt_head_accepts(&h, GET, "a/b"));
    }
}

static unsigned broken;                                     /* what must never happen, in the inner loops */

/* Decodes pieces that end at the given place or are step long; answers all data and all bytes used. */
static mcpt_err dechunk(const char *text, size_t len, size_t cut, size_t step, char *out, size_t *out_len,
                        size_t *used)
{
    mcpt_chunked c;
    mcpt_err e = MCPT_PENDING;
    size_t at = 0;
    memset(&c, 0, sizeof(c));
    *out_len = 0;
    while (at < len && e == MCPT_PENDING) {
        size_t end = step != 0 ? (len - at < step ? len : at + step) : at < cut ? cut : len;
        size_t n = end - at, taken;
        char *p = guarded(text + at, n, (at & 1) == 0);
        e = mcpt_chunked_decode(&c, p, &n, &taken);
        memcpy(out + *out_len, p, n);
        *out_len += n;
        broken += e == MCPT_PENDING && taken != end - at;
        at += taken;
    }
    *used = at;
    if (e != MCPT_PENDING) {
        size_t n = 1, taken = 9;
        char more = 'x';
        broken += mcpt_chunked_decode(&c, &more, &n, &taken) != e || n != 0 || taken != 0 || more != 'x';
    }
    return e;
}

static void chunk_row(const char *text, size_t len, mcpt_err want, const char *data, size_t tail)
{
    static char out[65536], other[65536];
    size_t n, used, n2, used2;
    unsigned wrong = 0;
    mcpt_err e = dechunk(text, len, len, 0, out, &n, &used);
    if (e != want) {
        printf("%.60s: %d\n", text, (int)e);
    }
    CHECK(e == want && (data == NULL || mcpt_str_is(mcpt__mk(out, n), data)));
    CHECK(want != MCPT_OK || used == len - tail);
    for (size_t cut = 1; cut < len; cut++) {
        wrong += dechunk(text, len, cut, 0, other, &n2, &used2) != e;
        wrong += n2 != n || used2 != used || memcmp(out, other, n) != 0;
    }
    for (size_t step = 1; step < 5; step++) {
        wrong += dechunk(text, len, 0, step, other, &n2, &used2) != e;
        wrong += n2 != n || used2 != used || memcmp(out, other, n) != 0;
    }
    CHECK(wrong == 0);
}

static void chunked(void)
{
    static const struct { const char *text; size_t len; const char *data; size_t tail; } good[] = {
        { T("0\r\n\r\n"), "", 0 }, { T("5\r\nhello\r\n0\r\n\r\n"), "hello", 0 },
        { T("1\r\nh\r\n4\r\nello\r\n0\r\n\r\n"), "hello", 0 },
        { T("0\r\n\r\nGET / HTTP/1.1\r\n"), "", 16 }, { T("5;x=y\r\nhello\r\n0;z\r\n\r\n"), "hello", 0 },
        { T("5 \t;x=\"a;b\\\"\x80\"\r\nhello\r\n0\r\n\r\n"), "hello", 0 },
        { T("0000000000000005\r\nhello\r\n000\r\n\r\n"), "hello", 0 },
        { T("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"), "01234567890123456789", 0 },
        { T("2\r\n\r\n\r\n0\r\n\r\n"), "\r\n", 0 },
        { T("5\r\nhello\r\n0\r\nX: y\r\nZ-z:\r\nA:\tb\xff\r\n\r\nrest"), "hello", 4 },
    };
    static const row bad[] = {
        { T("-1\r\n"), 0 }, { T("+1\r\nx\r\n"), 0 }, { T("0x10\r\n"), 0 }, { T(" 5\r\n"), 0 },
        { T("\r\n"), 0 }, { T("\n"), 0 }, { T("g\r\n"), 0 },
        { T(";x\r\n"), 0 }, { T("5 \r\nhello"), 0 }, { T("5\t\r\nhello"), 0 }, { T("5 5\r\nhello"), 0 },
        { T("5,5\r\nhello"), 0 },
        { T("100000000\r\n"), 0 }, { T("FFFFFFFFFFFFFFFFF\r\n"), 0 }, { T("ffffffffffffffff\r\n"), 0 },
        { T("00000000000000005\r\n"), 0 },
        { T("5\nhello\r\n0\r\n\r\n"), 0 }, { T("5\r\rhello"), 0 }, { T("5\rhello"), 0 },
        { T("5;x\nhello"), 0 }, { T("5;x\ry"), 0 },
        { T("5;\0\r\n"), 0 }, { T("5;\x0b\r\n"), 0 }, { T("5;\x7f\r\n"), 0 }, { T("5\r\nhello0\r\n\r\n"), 0 },
        { T("5\r\nhello\n0\r\n\r\n"), 0 },
        { T("5\r\nhello\r0\r\n\r\n"), 0 }, { T("5\r\nhelloXX0\r\n\r\n"), 0 },
        { T("5\r\nhell\r\n0\r\n\r\n"), 0 }, { T("0\r\n\n"), 0 }, { T("0\r\n\rx"), 0 },
        { T("0\n\r\n"), 0 }, { T("0\r\nX\r\n\r\n"), 0 }, { T("0\r\n: y\r\n\r\n"), 0 },
        { T("0\r\nX : y\r\n\r\n"), 0 }, { T("0\r\n X: y\r\n\r\n"), 0 },
        { T("0\r\nX: y\n\r\n"), 0 }, { T("0\r\nX: a\0b\r\n\r\n"), 0 }, { T("0\r\nX: y\r\n z\r\n\r\n"), 0 },
        { T("0\r\nX: a\rb\r\n\r\n"), 0 },
        { T("0\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n"), 0 },
    };
    char text[2048];
    for (size_t i = 0; i < MCPT_COUNT(good); i++) {
        chunk_row(good[i].text, good[i].len, MCPT_OK, good[i].data, good[i].tail);
        for (size_t n = 0; n + good[i].tail < good[i].len; n++) {
            chunk_row(good[i].text, n, MCPT_PENDING, NULL, 0);
        }
    }
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        chunk_row(bad[i].text, bad[i].len, MCPT_E_HTTP, NULL, 0);
    }
    for (size_t ext = 254; ext <= 256; ext++) {             /* "1" and ext: 256 bytes are the limit */
        size_t n = (size_t)sprintf(text, "1;");
        memset(text + n, 'x', ext - 1);
        n += ext - 1;
        n += (size_t)sprintf(text + n, "\r\ny\r\n0\r\n\r\n");
        chunk_row(text, n, ext <= 255 ? MCPT_OK : MCPT_E_HTTP, ext <= 255 ? "y" : "", 0);
        n = (size_t)sprintf(text, "0\r\nX:");
        memset(text + n, 'x', ext - 1);
        n += ext - 1;
        n += (size_t)sprintf(text + n, "\r\n\r\n");
        chunk_row(text, n, ext <= 255 ? MCPT_OK : MCPT_E_HTTP, "", 0);
    }
    for (int trailers = 15; trailers <= 17; trailers++) {
        size_t n = (size_t)sprintf(text, "1\r\ny\r\n0\r\n");
        for (int i = 0; i < trailers; i++) {
            n += (size_t)sprintf(text + n, "X%d: y\r\n", i);
        }
        n += (size_t)sprintf(text + n, "\r\n");
        chunk_row(text, n, trailers <= 16 ? MCPT_OK : MCPT_E_HTTP, "y", 0);
    }
}

static void chunk_sizes(void)
{
    mcpt_chunked c;
    char text[] = "FFFFFFFF\r\nab";
    size_t n = sizeof(text) - 1, used;
    memset(&c, 0, sizeof(c));
    CHECK(mcpt_chunked_decode(&c, text, &n, &used) == MCPT_PENDING && n == 2 && used == 12);
    CHECK(c.left == 0xfffffffdu && text[0] == 'a' && text[1] == 'b');
    n = 0;
    CHECK(mcpt_chunked_decode(&c, NULL, &n, &used) == MCPT_PENDING && n == 0 && used == 0);
}

static void reasons(void)
{
    static const unsigned known[] = { 100, 200, 202, 204, 400, 401, 403, 404, 405, 406, 408, 409, 411, 413,
        414, 415, 417, 431, 500, 501, 503, 505, 507 };
    unsigned count = 0;
    for (unsigned s = 0; s < 2000; s++) {
        count += mcpt_reason(s)[0] != '\0';
    }
    CHECK(count == MCPT_COUNT(known));
    for (size_t i = 0; i < MCPT_COUNT(known); i++) {
        const char *r = mcpt_reason(known[i]);
        CHECK(r[0] != '\0' && mcpt__clean(r, strlen(r)) == strlen(r));
    }
    CHECK(strcmp(mcpt_reason(200), "OK") == 0 && strcmp(mcpt_reason(507), "Insufficient Storage") == 0);
    CHECK((unsigned)(uintptr_t)mcpt_reason((unsigned)-1) != 0 && mcpt_reason(1)[0] == '\0');
}

int main(void)
{
    requests_good();
    requests_hostile();
    request_members();
    request_flags();
    field_names();
    field_count();
    mutations();
    responses();
    lists();
    chunked();
    chunk_sizes();
    CHECK(broken == 0);
    reasons();
    printf("PASSED %d FAILED %d\n", test_passed, test_failed);
    return test_failed != 0;
}
