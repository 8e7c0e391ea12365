/* sse: every rule of the WHATWG algorithm, at every split, against a reference that sees the whole stream. */
#define _DEFAULT_SOURCE
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "guard.h"
#include "test.h"
#include <string.h>

/* What a reader made of a stream: events as {data}id, then the state at the end. */
typedef struct trace {
    char text[4096];
    size_t len;
} trace;

static unsigned broken;                                     /* what must never happen, in the inner loops */

static void put(trace *t, const char *p, size_t n)
{
    if (n > sizeof(t->text) - t->len) {
        broken++;
        return;
    }
    memcpy(t->text + t->len, p, n);
    t->len += n;
}

static void put_event(trace *t, const char *data, size_t len, const char *id, size_t id_len)
{
    put(t, "{", 1);
    put(t, data, len);
    put(t, "}", 1);
    put(t, id, id_len);
}

static void put_end(trace *t, const char *id, size_t id_len, uint32_t retry)
{
    char number[16];
    put(t, "#", 1);
    put(t, id, id_len);
    put(t, number, (size_t)snprintf(number, sizeof(number), "/%lu", (unsigned long)retry));
}

/* WHATWG HTML 9.2.6, word by word, over the whole stream. */
typedef struct reference {
    char data[2048], type[2048], id_buffer[2048], id[2048];
    size_t data_len, type_len, id_buffer_len, id_len;
    uint32_t retry;
} reference;

static void reference_line(reference *r, const char *line, size_t n, trace *out)
{
    const char *colon = (const char *)memchr(line, ':', n);
    size_t name = colon == NULL ? n : (size_t)(colon - line);
    const char *value = line + name + (colon != NULL ? 1 : 0);
    size_t len = n - (size_t)(value - line);
    if (n == 0) {
        memcpy(r->id, r->id_buffer, r->id_buffer_len);
        r->id_len = r->id_buffer_len;
        bool message = r->type_len == 0 || (r->type_len == 7 && memcmp(r->type, "message", 7) == 0);
        if (message && r->data_len > 1) {
            put_event(out, r->data, r->data_len - 1, r->id, r->id_len);     /* no data: no message of MCP */
        }
        r->data_len = r->type_len = 0;
        return;
    }
    if (colon != NULL && len > 0 && value[0] == ' ') {
        value++;
        len--;
    }
    if (name == 5 && memcmp(line, "event", 5) == 0) {
        memcpy(r->type, value, len);
        r->type_len = len;
    } else if (name == 4 && memcmp(line, "data", 4) == 0) {
        memcpy(r->data + r->data_len, value, len);
        r->data_len += len;
        r->data[r->data_len++] = '\n';
    } else if (name == 2 && memcmp(line, "id", 2) == 0) {
        if (memchr(value, 0, len) == NULL) {
            memcpy(r->id_buffer, value, len);
            r->id_buffer_len = len;
        }
    } else if (name == 5 && memcmp(line, "retry", 5) == 0) {
        uint64_t v = 0;
        for (size_t i = 0; i < len; i++) {
            if (value[i] < '0' || value[i] > '9') {
                return;
            }
            v = v * 10 + (uint64_t)(value[i] - '0');
            v = v > 0xfffffffeu ? 0xfffffffeu : v;
        }
        r->retry = len > 0 ? (uint32_t)v : r->retry;
    }
}

static void reference_run(const char *text, size_t n, trace *out)
{
    static reference r;
    size_t at = 0;
    memset(&r, 0, sizeof(r));
    r.retry = (uint32_t)-1;
    out->len = 0;
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        at = 3;
    }
    for (size_t i = at; i < n; i++) {
        if (text[i] == '\r' || text[i] == '\n') {
            reference_line(&r, text + at, i - at, out);
            i += text[i] == '\r' && i + 1 < n && text[i + 1] == '\n' ? 1 : 0;
            at = i + 1;
        }
    }
    put_end(out, r.id, r.id_len, r.retry);
}

/* Ours, in pieces: up to cut and on, or of the given step. */
static void ours_run(const char *text, size_t n, size_t cut, size_t step, trace *out)
{
    char buf[2048], id[2048];
    mcpt_sse s;
    size_t at = 0;
    mcpt_sse_init(&s, buf, sizeof(buf), id, sizeof(id));
    out->len = 0;
    while (at < n) {
        size_t end = step != 0 ? (n - at < step ? n : at + step) : at < cut ? cut : n;
        while (at < end) {
            size_t used = 0;
            mcpt_err e = mcpt_sse_feed(&s, guarded(text + at, end - at, true), end - at, &used);
            broken += !(e == MCPT_OK ? used > 0 && used <= end - at : e == MCPT_PENDING && used == end - at);
            at += used;
            if (e == MCPT_OK) {
                put_event(out, s.buf, s.len, s.id, s.id_len);
            } else if (e != MCPT_PENDING) {
                return;
            }
        }
    }
    put_end(out, s.id, s.id_len, s.retry);
}

static bool same(const trace *a, const trace *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

#define T(text) text, sizeof(text) - 1
#define NEVER "/4294967295"

static void rules(void)
{
    static const struct { const char *text; size_t len; const char *want; } rows[] = {
        { T(""), "#" NEVER }, { T("data: a\n\n"), "{a}#" NEVER }, { T("data: a\r\n\r\n"), "{a}#" NEVER },
        { T("data: a\r\r"), "{a}#" NEVER }, { T("data: a\n\r\n"), "{a}#" NEVER },
        { T("data: a\r\n\n"), "{a}#" NEVER },
        { T("data: a\r\n\r"), "{a}#" NEVER }, { T("data: a\r\r\ndata: b\n\n"), "{a}{b}#" NEVER },
        { T("data: a\r\r\n\ndata: b\n\n"), "{a}{b}#" NEVER },
        { T("data: a\n"), "#" NEVER }, { T("data: a"), "#" NEVER },
        { T("data: a\n\ndata: b\n"), "{a}#" NEVER },
        { T("data:a\n\n"), "{a}#" NEVER }, { T("data:  a\n\n"), "{ a}#" NEVER },
        { T("data:\ta\n\n"), "{\ta}#" NEVER },
        { T("data:a \n\n"), "{a }#" NEVER }, { T("data::a\n\n"), "{:a}#" NEVER },
        { T("data: : a\n\n"), "{: a}#" NEVER },
        { T("data: a\ndata: b\n\n"), "{a\nb}#" NEVER },
        { T("data: a\ndata\ndata:\ndata: b\n\n"), "{a\n\n\nb}#" NEVER },
        { T("data\ndata\n\n"), "{\n}#" NEVER }, { T("data\n\n"), "#" NEVER }, { T("data:\n\n"), "#" NEVER },
        { T("data: \n\n"), "#" NEVER }, { T("\n\n\n\r\n\r"), "#" NEVER },
        { T("id: 7\ndata:\n\n"), "#7" NEVER }, { T("id: 7\n\n"), "#7" NEVER }, { T("id: 7\n"), "#" NEVER },
        { T("id: 7\ndata: a\n\ndata: b\n\n"), "{a}7{b}7#7" NEVER },
        { T("id: 7\ndata: a\n\nid: 8\ndata: b\n"), "{a}7#7" NEVER },
        { T("id: 7\n\nid\n\n"), "#" NEVER }, { T("id: 7\n\nid:\n\ndata: a\n\n"), "{a}#" NEVER },
        { T("id: 7\nid: 89\n\n"), "#89" NEVER },
        { T("id: 789\nid: 1\n\n"), "#1" NEVER }, { T("id: 7\0\n\n"), "#" NEVER },
        { T("id: 7\nid: 8\0" "9\n\n"), "#7" NEVER },
        { T("id: a b:c \n\n"), "#a b:c " NEVER },
        { T("id: 7\n\nid: 12345\ndata: x\n\n"), "{x}12345#12345" NEVER },
        { T("retry: 10\n"), "#/10" }, { T("retry:10\n\nretry: 20\n\n"), "#/20" },
        { T("retry: 10"), "#" NEVER },
        { T("retry: 1a\n\n"), "#" NEVER }, { T("retry: -1\n\n"), "#" NEVER },
        { T("retry: +1\n\n"), "#" NEVER }, { T("retry:\n\n"), "#" NEVER },
        { T("retry\n\n"), "#" NEVER }, { T("retry:  1\n\n"), "#" NEVER }, { T("retry: 1 \n\n"), "#" NEVER },
        { T("retry: 0\n"), "#/0" },
        { T("retry: 007\n"), "#/7" }, { T("retry: 4294967293\n"), "#/4294967293" },
        { T("retry: 4294967294\n"), "#/4294967294" },
        { T("retry: 4294967295\n"), "#/4294967294" }, { T("retry: 42949672950\n"), "#/4294967294" },
        { T("retry: 99999999999999999999999999\n"), "#/4294967294" }, { T("retry: 5\nretry: x\n"), "#/5" },
        { T("event: message\ndata: a\n\n"), "{a}#" NEVER }, { T("event:\ndata: a\n\n"), "{a}#" NEVER },
        { T("event\ndata: a\n\n"), "{a}#" NEVER },
        { T("event: ping\ndata: a\n\n"), "#" NEVER },
        { T("event: ping\ndata: a\n\ndata: b\n\n"), "{b}#" NEVER },
        { T("data: a\nevent: ping\n\n"), "#" NEVER },
        { T("event: ping\nevent: message\ndata: a\n\n"), "{a}#" NEVER },
        { T("event: message\nevent: ping\ndata: a\n\n"), "#" NEVER },
        { T("event: ping\nid: 7\ndata: a\n\n"), "#7" NEVER },
        { T("event: messag\ndata: a\n\n"), "#" NEVER }, { T("event: messages\ndata: a\n\n"), "#" NEVER },
        { T("event: Message\ndata: a\n\n"), "#" NEVER }, { T("event:  message\ndata: a\n\n"), "#" NEVER },
        { T("event: message \ndata: a\n\n"), "#" NEVER }, { T("event: message\0\ndata: a\n\n"), "#" NEVER },
        { T(":\n\n"), "#" NEVER }, { T(": data: a\n\n"), "#" NEVER },
        { T("data: a\n: x\ndata: b\n\n"), "{a\nb}#" NEVER },
        { T(":data: a\ndata: b\n\n"), "{b}#" NEVER }, { T("foo: a\nfoo\ndata: b\n\n"), "{b}#" NEVER },
        { T("Data: a\n\n"), "#" NEVER }, { T("data : a\n\n"), "#" NEVER }, { T(" data: a\n\n"), "#" NEVER },
        { T("dat: a\n\n"), "#" NEVER },
        { T("dataa: a\n\n"), "#" NEVER },
        { T("dat\nids: 1\nevents: x\nretryy: 1\nret: 1\ndata: a\n\n"), "{a}#" NEVER },
        { T("data\0: a\n\n"), "#" NEVER },
        { T("\xef\xbb\xbf" "data: a\n\n"), "{a}#" NEVER },
        { T("\xef\xbb\xbf\n\xef\xbb\xbf" "data: a\n\n"), "#" NEVER },
        { T("\xef\xbb\xbf\xef\xbb\xbf" "data: a\n\n"), "#" NEVER },
        { T("\xef\xbb" "data: a\n\n"), "#" NEVER }, { T("\xef\ndata: a\n\n"), "{a}#" NEVER },
        { T("\xef\xbb\rdata: a\n\n"), "{a}#" NEVER }, { T("\xef\xbb:\ndata: a\n\n"), "{a}#" NEVER },
        { T("\xef\xbb\xbf:\ndata: a\n\n"), "{a}#" NEVER },
        { T("data: \xe4\xbe\x8b\t\x7f\x01\n\n"), "{\xe4\xbe\x8b\t\x7f\x01}#" NEVER },
        { T("event: message\r\nid: s-1\r\ndata: {\"jsonrpc\":\"2.0\"}\r\n\r\n:\r\n\r\n"),
          "{{\"jsonrpc\":\"2.0\"}}s-1#s-1" NEVER },
    };
    static trace ours, want;
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        unsigned wrong = 0;
        reference_run(rows[i].text, rows[i].len, &want);
        CHECK(mcpt_str_is(mcpt__mk(want.text, want.len), rows[i].want));
        for (size_t cut = 0; cut <= rows[i].len; cut++) {
            ours_run(rows[i].text, rows[i].len, cut, 0, &ours);
            wrong += !same(&ours, &want);
        }
        for (size_t step = 1; step < 4; step++) {
            ours_run(rows[i].text, rows[i].len, 0, step, &ours);
            wrong += !same(&ours, &want);
        }
        if (wrong != 0) {
            printf("%s -> %.*s\n", rows[i].text, (int)ours.len, ours.text);
        }
        CHECK(wrong == 0);
    }
}

/* Streams made of the words of the grammar. */
static void random_streams(void)
{
    static const char *const words[] = { "data", "event", "id", "retry", "message", ": ", ":", " ", "\n",
        "\r", "\r\n", "\n\n", "data: x\n", "id: 1\n", "1", "9", "xyz", "\xef\xbb\xbf", "\xef", "\xbb", "d",
        "" };
    static trace ours, want;
    uint32_t seed = 1;
    unsigned wrong = 0;
    for (int round = 0; round < TEST_STEPS(20000, 4000); round++) {
        char text[512];
        size_t n = 0;
        for (int i = 0; i < 24; i++) {
            seed = seed * 1664525u + 1013904223u;
            {
                unsigned pick = (seed >> 16) % MCPT_COUNT(words);
                size_t len = words[pick][0] == '\0' ? 1 : strlen(words[pick]);     /* the last is a NUL */
                memcpy(text + n, words[pick], len);
                n += len;
            }
        }
        reference_run(text, n, &want);
        for (size_t step = 1; step < 4; step++) {
            ours_run(text, n, 0, step, &ours);
            wrong += !same(&ours, &want);
        }
        ours_run(text, n, seed % n, 0, &ours);
        wrong += !same(&ours, &want);
    }
    CHECK(wrong == 0);
}

/* Feeds all in steps; answers the first result that is not PENDING. */
static mcpt_err feed(mcpt_sse *s, const char *text, size_t step)
{
    size_t n = strlen(text), at = 0, used;
    mcpt_err e = MCPT_PENDING;
    while (at < n && e == MCPT_PENDING) {
        e = mcpt_sse_feed(s, text + at, n - at < step ? n - at : step, &used);
        at += used;
    }
    return e;
}

static void limits(void)
{
    char buf[8], id[8];
    mcpt_sse s;
    size_t used = 9;
    for (size_t step = 1; step < 30; step++) {
        for (size_t cap = 0; cap < 6; cap++) {
            mcpt_sse_init(&s, buf, cap, NULL, 0);
            memset(buf, '#', sizeof(buf));
            CHECK(feed(&s, "id: 1\ndata: ab\ndata: c\n\n", step) == (cap >= 4 ? MCPT_OK : MCPT_E_SPACE));
            CHECK(buf[cap] == '#' && (cap < 4 || mcpt_str_is(mcpt__mk(s.buf, s.len), "ab\nc")));
            if (cap < 4) {
                CHECK(mcpt_sse_feed(&s, "\n\n", 2, &used) == MCPT_E_SPACE && used == 0);    /* sticky */
            }
            mcpt_sse_init(&s, buf, cap, NULL, 0);           /* of another type: of no size */
            CHECK(feed(&s, "event: x\ndata: abcdefgh\ndata: i\n\n", step) == MCPT_PENDING);
            CHECK(feed(&s, "data: abcd\n\n", step) == (cap >= 4 ? MCPT_OK : MCPT_E_SPACE));
            mcpt_sse_init(&s, buf, cap, NULL, 0);           /* unless it becomes a message after all */
            CHECK(feed(&s, "event: x\ndata: abcdefgh\nevent:\n\n", step) == MCPT_E_SPACE);
            mcpt_sse_init(&s, buf, sizeof(buf), id, cap);
            memset(id, '#', sizeof(id));
            CHECK(feed(&s, "id: ab\ndata: x\n\n", step) == (cap >= 2 ? MCPT_OK : MCPT_E_SPACE));
            CHECK(id[cap] == '#' && (cap < 2 || mcpt_str_is(mcpt__mk(s.id, s.id_len), "ab")));
            if (cap >= 2) {                                 /* the old one stays until the new one counts */
                CHECK(feed(&s, "id: cd", step) == (cap >= 4 ? MCPT_PENDING : MCPT_E_SPACE));
                CHECK(mcpt_str_is(mcpt__mk(s.id, s.id_len), "ab"));
            }
        }
    }
    mcpt_sse_init(&s, buf, sizeof(buf), id, sizeof(id));
    CHECK(mcpt_sse_feed(&s, NULL, 0, &used) == MCPT_PENDING && used == 0);
    CHECK(mcpt_sse_feed(&s, "data: a\r\n\r\ndata: b\n\n", 20, &used) == MCPT_OK && used == 10 && s.len == 1);
    CHECK(mcpt_sse_feed(&s, "\n", 1, &used) == MCPT_PENDING && used == 1 && s.len == 0);
    CHECK(feed(&s, "data: b\n\n", 100) == MCPT_OK && s.len == 1 && s.buf[0] == 'b');
}

int main(void)
{
    rules();
    random_streams();
    limits();
    CHECK(broken == 0);
    printf("PASSED %d FAILED %d\n", test_passed, test_failed);
    return test_failed != 0;
}
