/* exchange: requests as they go out, answers in every split and window, limits, addresses; hostile servers. */
#include "mcptools.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

static uint32_t now;
static uint32_t millis(void *user)
{
    (void)user;
    return now;
}
static const mcpt_env env = { .millis = millis };

static struct sink {
    unsigned status, heads, dones, pieces;
    uint32_t retry;
    int32_t age;
    mcpt_err error, head_answer, piece_answer;
    char body[4096], type[64];
    size_t len;
    bool again;                       /* start another in done */
    mcpt_exchange *x;
    const mcpt_fetch *next;
} sink;

static mcpt_err on_head(void *user, const mcpt_exchange *x, unsigned status)
{
    mcpt_str type = mcpt_exchange_field(x, MCPT_F_CONTENT_TYPE);

    CHECK(user == &sink);
    sink.heads++;
    sink.status = status;
    sink.retry = mcpt_exchange_retry_after(x);
    sink.age = mcpt_exchange_max_age(x);
    snprintf(sink.type, sizeof(sink.type), "%.*s", (int)type.len, type.ptr != NULL ? type.ptr : "");
    return sink.head_answer;
}

static mcpt_err on_piece(void *user, const char *text, size_t len)
{
    CHECK(user == &sink && len != 0 && sink.len + len < sizeof(sink.body));
    sink.pieces++;
    memcpy(sink.body + sink.len, text, len);
    sink.len += len;
    sink.body[sink.len] = '\0';
    return sink.piece_answer;
}

static void on_done(void *user, mcpt_err e)
{
    CHECK(user == &sink);
    sink.dones++;
    sink.error = e;
    if (sink.again) {
        sink.again = false;
        CHECK(mcpt_exchange_start(sink.x, sink.next) == MCPT_OK);
    }
}

static mcpt_fetch fetch_of(const char *url)
{
    mcpt_fetch f;

    memset(&f, 0, sizeof(f));
    f.url = mcpt_z(url);
    f.head = on_head;
    f.piece = on_piece;
    f.done = on_done;
    f.user = &sink;
    return f;
}

static char rx[4096], tx[4096];
static mcpt_exchange x;

static void ready(size_t rx_size, size_t tx_size)
{
    memset(&sink, 0, sizeof(sink));
    memset(rx, 0x55, sizeof(rx));
    CHECK(mcpt_exchange_init(&x, &env, rx, rx_size, tx, tx_size, 0, true) == MCPT_OK);
}

/* Sends in windows, feeds in pieces, then ends the connection. Answers what was sent. */
static const char *run(const char *answer, size_t n, size_t piece, size_t window, bool eof)
{
    static char sent[8192];
    size_t at = 0;
    size_t fed = 0;
    unsigned rounds = 0;

    mcpt_exchange_connected(&x);
    while ((mcpt_io_want(&x.io) & MCPT_CLOSED) == 0) {
        size_t k;
        const char *from = mcpt_io_tx(&x.io, &k);
        char *to;

        CHECK(rounds++ < 100000);
        if (from != NULL) {
            k = window != 0 && k > window ? window : k;
            memcpy(sent + at, from, k);
            at += k;
            mcpt_io_tx_ack(&x.io, k);
            continue;
        }
        to = mcpt_io_rx(&x.io, &k);
        if (fed < n && to != NULL) {
            k = piece != 0 && k > piece ? piece : k;
            k = k > n - fed ? n - fed : k;
            memcpy(to, answer + fed, k);
            fed += k;
            mcpt_io_rx_ack(&x.io, k);
        } else if (eof) {
            CHECK(fed == n);
            mcpt_io_eof(&x.io);
            eof = false;
        } else {
            break;
        }
    }
    sent[at] = '\0';
    return sent;
}

#define T(text) (text), sizeof(text) - 1

static void requests_as_they_go_out(void)
{
    static const struct { const char *url, *line, *host; uint16_t port; bool tls; } rows[] = {
        { "https://as.example/.well-known/jwks.json", "GET /.well-known/jwks.json HTTP/1.1\r\nHost: as.example\r\n", "as.example", 443, true },
        { "https://as.example", "GET / HTTP/1.1\r\nHost: as.example\r\n", "as.example", 443, true },
        { "https://as.example:8443?q=1&r=%20", "GET /?q=1&r=%20 HTTP/1.1\r\nHost: as.example:8443\r\n", "as.example", 8443, true },
        { "HTTPS://[2001:4860::1]:9/x", "GET /x HTTP/1.1\r\nHost: [2001:4860::1]:9\r\n", "2001:4860::1", 9, true },
        { "http://127.0.0.1:81/a?b", "GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:81\r\n", "127.0.0.1", 81, false },
        { "http://localhost/a", "GET /a HTTP/1.1\r\nHost: localhost\r\n", "localhost", 80, false }
    };
    static const char *const refused[] = {
        "http://as.example/", "ftp://as.example/", "https://u:p@h/", "https://h/#f", "https://h:0/", "https://h:65536", "https:h", "//h/",
        "https://h/a b", "https://h/\r\nX: y", "https://h\\@evil/", "https://127.1/", "https://0x7f.1/", "https://h./", "http://localhost.evil.com/",
        "https://exa%6dple.com", "", "javascript:alert(1)", "https://[::1", "https://[fe80::1%25eth0]/"
    };
    mcpt_fetch f;
    size_t i;
    size_t window;
    const char *sent;
    static char large[3000];

    for (i = 0; i < MCPT_COUNT(rows); i++) {
        ready(1024, 1024);
        f = fetch_of(rows[i].url);
        CHECK(mcpt_exchange_origin(&x) == NULL && mcpt_exchange_due(&x) == (uint32_t)-1 && !mcpt_exchange_busy(&x));
        CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK && mcpt_exchange_start(&x, &f) == MCPT_E_STATE && mcpt_exchange_busy(&x));
        CHECK(strcmp(mcpt_exchange_origin(&x)->host, rows[i].host) == 0 && mcpt_exchange_origin(&x)->port == rows[i].port &&
              mcpt_exchange_origin(&x)->tls == rows[i].tls);
        sent = run(T("HTTP/1.1 204 No Content\r\n\r\n"), 0, 0, false);
        CHECK(strncmp(sent, rows[i].line, strlen(rows[i].line)) == 0);
        CHECK(strstr(sent, "\r\nConnection: close\r\n") != NULL && strstr(sent, "\r\nAccept-Encoding: identity\r\n") != NULL &&
              strcmp(sent + strlen(sent) - 4, "\r\n\r\n") == 0);
        CHECK(sink.dones == 1 && sink.error == MCPT_OK && sink.status == 204 && mcpt_exchange_origin(&x) == NULL);
    }
    ready(1024, 1024);
    for (i = 0; i < MCPT_COUNT(refused); i++) {
        f = fetch_of(refused[i]);
        CHECK(mcpt_exchange_start(&x, &f) == MCPT_E_ARG);
    }
    f = fetch_of("https://h/");
    f.authorization = mcpt_z("Bearer a\r\nX: y");
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_E_ARG);
    CHECK(mcpt_exchange_init(&x, &env, rx, 1024, tx, 1024, 0, false) == MCPT_OK);
    f = fetch_of("http://localhost/");
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_E_ARG && sink.dones == 0);
    CHECK(mcpt_exchange_init(&x, &env, rx, 511, tx, 1024, 0, false) == MCPT_E_ARG && mcpt_exchange_init(&x, NULL, rx, 512, tx, 512, 0, false) == MCPT_E_ARG);

    memset(large, 'b', sizeof(large));               /* a body larger than tx, in any window */
    for (window = 1; window < 700; window += 23) {
        ready(512, 512);
        f = fetch_of("https://as.example/introspect");
        f.method = "POST";
        f.authorization = mcpt_z("Basic c2VjcmV0");
        f.fields = mcpt_z("DPoP: a.b.c\r\n");
        f.content_type = "application/x-www-form-urlencoded";
        f.body.ptr = large;
        f.body.len = sizeof(large);
        CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
        sent = run(T("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 1, window, false);
        CHECK(strncmp(sent, "POST /introspect HTTP/1.1\r\n", 27) == 0 && strstr(sent, "\r\nContent-Length: 3000\r\n\r\nbbb") != NULL);
        CHECK(strstr(sent, "\r\nAuthorization: Basic c2VjcmV0\r\nDPoP: a.b.c\r\nContent-Type: application/x-www-form-urlencoded\r\n") != NULL);
        CHECK(strlen(strstr(sent, "\r\n\r\n") + 4) == sizeof(large) && sink.error == MCPT_OK && sink.dones == 1);
        for (i = 0; i < 512; i++) {
            CHECK(tx[i] == 0);        /* nothing of the secret stays */
        }
    }
    f.authorization.ptr = large;
    f.authorization.len = 500;
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_E_SPACE);
}

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

/* RFC 9112: every way a body may be framed, in every piece and at every split. */
static void answers_in_every_split(void)
{
    static const struct { const char *answer; bool eof; mcpt_err error; const char *body; } rows[] = {
        { OK_HEAD "Content-Length: 11\r\n\r\nhello world", false, MCPT_OK, "hello world" },
        { OK_HEAD "Content-Length: 11\r\n\r\nhello worldand more", false, MCPT_OK, "hello world" },
        { OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: v\r\n\r\n", false, MCPT_OK, "hello world" },
        { OK_HEAD "\r\nhello world", true, MCPT_OK, "hello world" },
        { OK_HEAD "Content-Length: 0\r\n\r\n", false, MCPT_OK, "" },
        { "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" OK_HEAD "Content-Length: 2\r\n\r\nok", false, MCPT_OK, "ok" },
        { OK_HEAD "Content-Length: 12\r\n\r\nhello world", true, MCPT_E_CLOSED, NULL },
        { OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true, MCPT_E_CLOSED, NULL },
        { OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", false, MCPT_E_HTTP, NULL },
        { OK_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", false, MCPT_E_HTTP, NULL },
        { OK_HEAD "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", false, MCPT_E_HTTP, NULL },
        { OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", false, MCPT_E_HTTP, NULL },
        { OK_HEAD "Content-Length: 65537\r\n\r\n", false, MCPT_E_LIMIT, NULL },
        { "HTTP/1.1 101 Switching Protocols\r\n\r\n", false, MCPT_E_HTTP, NULL },
        { "HTTP/1.0 200 OK\r\n\r\nold", true, MCPT_OK, "old" },
        { "HTP/1.1 200 OK\r\n\r\n", false, MCPT_E_HTTP, NULL }, { "", true, MCPT_E_CLOSED, NULL }, { "HTTP/1.1 200", true, MCPT_E_CLOSED, NULL },
        { "HTTP/2 200\r\n\r\n", false, MCPT_E_HTTP, NULL }, { "\x16\x03\x01\x02", true, MCPT_E_HTTP, NULL }
    };
    size_t i;
    size_t piece;

    for (i = 0; i < MCPT_COUNT(rows); i++) {
        size_t n = strlen(rows[i].answer);

        for (piece = 0; piece <= n; piece++) {
            mcpt_fetch f = fetch_of("https://h/");

            ready(512, 512);
            CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
            (void)run(rows[i].answer, n, piece, 0, rows[i].eof);
            CHECK(sink.dones == 1 && sink.error == rows[i].error && !mcpt_exchange_busy(&x));
            CHECK(rows[i].body == NULL || strcmp(sink.body, rows[i].body) == 0);
            CHECK(mcpt_io_want(&x.io) == MCPT_CLOSED);
        }
    }
}

static void limits_and_ends(void)
{
    static char big[3000];
    mcpt_fetch f = fetch_of("https://h/");
    mcpt_fetch g = fetch_of("https://second/");
    size_t n;

    /* a head larger than rx; a body of any size through it */
    ready(512, 512);
    n = (size_t)snprintf(big, sizeof(big), OK_HEAD "X: %0600d\r\n\r\n", 1);
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    (void)run(big, n, 0, 0, false);
    CHECK(sink.error == MCPT_E_LIMIT && sink.heads == 0);
    ready(512, 512);
    n = (size_t)snprintf(big, sizeof(big), OK_HEAD "\r\n%02500d", 7);
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    (void)run(big, n, 0, 0, true);
    CHECK(sink.error == MCPT_OK && sink.len == 2500 && sink.pieces > 4);
    f.limit = 2499;                   /* by one byte */
    ready(512, 512);
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    (void)run(big, n, 0, 0, true);
    CHECK(sink.error == MCPT_E_LIMIT && sink.len < 2500 && sink.dones == 1);
    f.limit = 0;
    /* what the sink says */
    ready(512, 512);
    sink.head_answer = MCPT_E_STATUS;
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    (void)run(T("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 1\r\n\r\nx"), 0, 0, false);
    CHECK(sink.error == MCPT_E_STATUS && sink.status == 302 && sink.pieces == 0 && sink.dones == 1);
    ready(512, 512);
    sink.piece_answer = MCPT_E_JSON;
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    (void)run(T(OK_HEAD "Content-Length: 4\r\n\r\nabcd"), 1, 0, false);
    CHECK(sink.error == MCPT_E_JSON && sink.pieces == 1 && sink.dones == 1);
    /* another one in done: it waits for a connection of its own */
    ready(512, 512);
    sink.again = true;
    sink.x = &x;
    sink.next = &g;
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    (void)run(T(OK_HEAD "Content-Length: 1\r\n\r\nabcd"), 0, 0, false);
    CHECK(sink.dones == 1 && mcpt_exchange_busy(&x) && strcmp(mcpt_exchange_origin(&x)->host, "second") == 0);
    CHECK(mcpt_io_want(&x.io) == MCPT_CLOSED && mcpt_io_tx(&x.io, &n) == NULL);
    (void)run(T(OK_HEAD "Content-Length: 2\r\n\r\nok"), 0, 0, false);
    CHECK(sink.dones == 2 && sink.error == MCPT_OK);
    /* time, a transport that fails, a stop; TLS that was cut */
    ready(512, 512);
    now = 0xfffffff0u;
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK && mcpt_exchange_due(&x) == 10000);
    now += 9999;
    CHECK(mcpt_exchange_due(&x) == 1);
    now += 1;
    CHECK(mcpt_exchange_due(&x) == 0);
    now += 5000;
    CHECK(mcpt_exchange_due(&x) == 0);
    mcpt_exchange_fail(&x, MCPT_E_TIMEOUT);
    CHECK(sink.error == MCPT_E_TIMEOUT && sink.dones == 1 && mcpt_exchange_due(&x) == (uint32_t)-1);
    mcpt_exchange_fail(&x, MCPT_E_IO);
    CHECK(sink.dones == 1);
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    mcpt_exchange_stop(&x);
    CHECK(sink.error == MCPT_E_CANCELLED && sink.dones == 2);
    ready(512, 512);
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    mcpt_exchange_connected(&x);
    x.io.err = MCPT_E_TLS;
    (void)mcpt_io_want(&x.io);
    x.io.tx_at = x.io.tx_len;
    x.io.rx_len = (uint32_t)snprintf(x.io.rx, 512, OK_HEAD "\r\nhalf a docu");
    mcpt_io_eof(&x.io);
    CHECK(mcpt_io_want(&x.io) == MCPT_CLOSED && sink.error == MCPT_E_TLS);    /* no end of a body */
}

static void fields_of_the_answer(void)
{
    static const struct { const char *fields; uint32_t retry; int32_t age; } rows[] = {
        { "", 0, -1 }, { "Retry-After: 7\r\n", 7, -1 }, { "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", 0, -1 },
        { "Retry-After: 99999999999\r\n", 86400, -1 }, { "Cache-Control: public, max-age=300\r\n", 0, 300 },
        { "Cache-Control: max-age=300, no-store\r\n", 0, 0 }, { "Cache-Control: no-cache\r\n", 0, 0 },
        { "Cache-Control: s-maxage=5, MAX-AGE=123456789012\r\n", 0, 86400 }, { "Cache-Control: max-age=\r\n", 0, -1 },
        { "Cache-Control: x=\"max-age=5\"\r\n", 0, -1 }
    };
    char answer[256];
    size_t i;

    for (i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_fetch f = fetch_of("https://h/");
        size_t n = (size_t)snprintf(answer, sizeof(answer), "HTTP/1.1 503 x\r\nContent-Type: text/html\r\n%sContent-Length: 0\r\n\r\n",
                                    rows[i].fields);

        ready(512, 512);
        CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
        (void)run(answer, n, 0, 0, false);
        CHECK(sink.status == 503 && sink.retry == rows[i].retry && sink.age == rows[i].age && strcmp(sink.type, "text/html") == 0);
    }
}

/* RFC 9110 section 15.2: an interim answer may come at any time, and the request goes on. A final one ends it. */
static void interim_while_sending(void)
{
    static char body[3000];
    for (int final = 0; final < 2; final++) {
        const char *early = final != 0 ? "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n" : "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n";
        const char *late = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        size_t sent = 0, n;
        mcpt_fetch f = fetch_of("https://h/");
        memset(body, 'b', sizeof(body));
        f.method = "POST";
        f.content_type = "text/plain";
        f.body = mcpt_z(NULL);
        f.body.ptr = body;
        f.body.len = sizeof(body);
        ready(512, 512);
        CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
        mcpt_exchange_connected(&x);
        for (unsigned round = 0; round < 100 && (mcpt_io_want(&x.io) & MCPT_WANT_TX) != 0; round++) {
            if (round == 1) {
                memcpy(mcpt_io_rx(&x.io, &n), early, strlen(early));
                mcpt_io_rx_ack(&x.io, strlen(early));
                continue;
            }
            if (mcpt_io_tx(&x.io, &n) != NULL) {
                sent += n;
                mcpt_io_tx_ack(&x.io, n);
            }
        }
        if (final == 0) {
            CHECK(sent > sizeof(body) && sink.heads == 0 && mcpt_io_rx(&x.io, &n) != NULL);
            memcpy(mcpt_io_rx(&x.io, &n), late, strlen(late));
            mcpt_io_rx_ack(&x.io, strlen(late));
            (void)mcpt_io_want(&x.io);
        }
        CHECK(sink.dones == 1 && sink.error == MCPT_OK && sink.status == (final != 0 ? 413u : 200u) && sink.heads == 1);
        CHECK(final == 0 || sent < sizeof(body));
    }
}

/* RFC 6890: a name of foreign origin must not lead into the local network, at connection time, for each address. */
static void addresses(void)
{
    static const struct { uint8_t a[16]; size_t n; bool foreign, trusted; } rows[] = {
        { { 8, 8, 8, 8 }, 4, true, true }, { { 10, 0, 0, 1 }, 4, false, true }, { { 172, 15, 0, 1 }, 4, true, true },
        { { 172, 16, 0, 1 }, 4, false, true }, { { 172, 31, 255, 255 }, 4, false, true }, { { 172, 32, 0, 0 }, 4, true, true },
        { { 192, 168, 1, 1 }, 4, false, true }, { { 169, 254, 169, 254 }, 4, false, true }, { { 100, 64, 0, 1 }, 4, false, true },
        { { 127, 0, 0, 1 }, 4, false, false }, { { 0, 0, 0, 0 }, 4, false, false }, { { 224, 0, 0, 1 }, 4, false, false },
        { { 255, 255, 255, 255 }, 4, false, false }, { { 198, 19, 0, 1 }, 4, false, true },
        { { 0x20, 1, 0x48, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 16, true, true },
        { { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 16, false, true },
        { { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 16, false, true },
        { { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 16, false, false },
        { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 16, false, false },
        { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1 }, 16, false, true },
        { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 8, 8, 8, 8 }, 16, true, true },
        { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254, 169, 254 }, 16, false, true },
        { { 0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1 }, 16, false, true },
        { { 0x20, 2, 10, 0, 0, 1 }, 16, false, true }, { { 0x20, 1, 0, 0, 1 }, 16, false, true },
        { { 0x20, 1, 0, 2 }, 16, false, true }, { { 0x20, 1, 1, 0xff }, 16, false, true },         /* 2001::/23, IETF protocol assignments */
        { { 0x20, 1, 2, 0 }, 16, true, true }, { { 0x20, 1, 0x0d, 0xb8 }, 16, false, true }, { { 0x3f, 0xff, 0x0f }, 16, false, true },
        { { 0x3f, 0xff, 0x10 }, 16, true, true }, { { 0 }, 16, false, false },              /* the unspecified address reaches this host */
        { { 8, 8, 8 }, 3, false, false }
    };
    mcpt_fetch f = fetch_of("https://h/");
    size_t i;

    ready(512, 512);
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        CHECK(mcpt_exchange_address_ok(&x, rows[i].a, rows[i].n) == rows[i].foreign);
    }
    mcpt_exchange_stop(&x);
    f.trusted = true;
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        CHECK(mcpt_exchange_address_ok(&x, rows[i].a, rows[i].n) == rows[i].trusted);
    }
    mcpt_exchange_stop(&x);
    f = fetch_of("http://localhost:1/");
    CHECK(mcpt_exchange_start(&x, &f) == MCPT_OK);
    CHECK(mcpt_exchange_address_ok(&x, "\x7f\0\0\1", 4) && !mcpt_exchange_address_ok(&x, "\x0a\0\0\1", 4));
    CHECK(mcpt_exchange_address_ok(&x, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16));
    mcpt_exchange_stop(&x);
}

int main(void)
{
    requests_as_they_go_out();
    answers_in_every_split();
    limits_and_ends();
    fields_of_the_answer();
    interim_while_sending();
    addresses();
    return test_end();
}
