/* Fuzzer of the codecs of HTTP and server-sent events and of the text functions. The first byte tells what the rest
 * is: R a request, S a response, C the chunked coding, E an event stream, T text for all functions on text. Everything that may
 * arrive in pieces does, and must come out the same. */
/* sections: text http sse */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "fuzz.h"

/* -- Heads */

static mcpt_head head_whole(const char *text, size_t len, bool response, mcpt_err *e)
{
    mcpt_head h;
    char *buf = fuzz_copy(text, len);
    mcpt_head_init(&h, response);
    *e = mcpt_head_parse(&h, buf, len);
    NEED(mcpt_head_parse(&h, buf, len) == *e);
    free(buf);
    return h;
}

/* The same in pieces, the buffer moved each time. */
static void head_split(const char *text, size_t len, bool response, unsigned how, fuzz_random *r, const mcpt_head *whole,
                       mcpt_err expected)
{
    mcpt_head h;
    mcpt_err e = MCPT_PENDING;
    size_t at = 0;
    mcpt_head_init(&h, response);
    for (;;) {
        char *buf = fuzz_copy(text, at);
        e = mcpt_head_parse(&h, buf, at);
        free(buf);
        NEED(h.at <= at && h.scan <= at);
        if (e != MCPT_PENDING || at == len) {
            break;
        }
        at += fuzz_piece(r, how, len - at);
    }
    NEED(e == expected && memcmp(&h, whole, sizeof(h)) == 0);
}

static bool inside(mcpt_span s, size_t len)
{
    return (uint64_t)s.at + s.len <= len;
}

static bool no_control(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (((unsigned char)p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static const char *const field_names[MCPT_F_COUNT] = {
#define NAME(name, text) text,
    MCPT_FIELDS(NAME)
};

/* A complete head: what it tells against a slow reading of the same bytes. */
static void check_fields(const mcpt_head *h, const char *buf)
{
    uint32_t it = 0, seen = 0, twice = 0;
    unsigned n = 0;
    bool params = false;
    mcpt_str name, value;
    while (mcpt_head_next(h, buf, &it, &name, &value)) {
        n++;
        NEED(name.len != 0 && no_control(name.ptr, name.len) && no_control(value.ptr, value.len));
        NEED(name.ptr >= buf && value.ptr >= name.ptr + name.len + 1 && value.ptr + value.len <= buf + h->at - 4);
        NEED(value.len == 0 || (value.ptr[0] != ' ' && value.ptr[value.len - 1] != ' '));
        params = params || (name.len > 10 && mcpt_str_ieq((mcpt_str){ name.ptr, 10 }, "mcp-param-"));
        for (unsigned f = 0; f < MCPT_F_COUNT; f++) {
            if (mcpt_str_ieq(name, field_names[f])) {
                uint32_t bit = (uint32_t)1 << f;
                mcpt_str first = mcpt_head_get(h, buf, (mcpt_field)f);
                NEED((seen & bit) != 0 || (first.ptr == value.ptr && first.len == value.len));
                twice |= seen & bit;
                seen |= bit;
            }
        }
    }
    NEED(n == h->fields && seen == h->seen && twice == h->twice);
    NEED(params == ((h->flags & MCPT_HEAD_PARAMS) != 0));
    for (unsigned f = 0; f < MCPT_F_COUNT; f++) {
        NEED((mcpt_head_get(h, buf, (mcpt_field)f).ptr != NULL) == ((seen >> f & 1u) != 0));
    }
    if ((twice & 1u << MCPT_F_ACCEPT) == 0) {
        mcpt_str accept = mcpt_head_get(h, buf, MCPT_F_ACCEPT);
        NEED(mcpt_head_accepts(h, buf, "text/event-stream") == mcpt_accepts(accept, "text/event-stream"));
    } else {
        (void)mcpt_head_accepts(h, buf, "application/json");
    }
}

static void check_head(const char *text, size_t len, bool response, fuzz_random *r)
{
    mcpt_err e;
    mcpt_head h = head_whole(text, len, response, &e);
    for (unsigned how = 0; how < 4; how++) {
        head_split(text, len, response, how, r, &h, e);
    }
    NEED(e == MCPT_OK || e == MCPT_PENDING || e == MCPT_E_HTTP);
    NEED(h.at <= len);
    if (e == MCPT_E_HTTP) {
        NEED(response ? h.status == 0 : h.status == 400 || h.status == 417 || h.status == 431 || h.status == 501 ||
                                        h.status == 505);
    }
    for (unsigned f = 0; f < MCPT_F_COUNT; f++) {
        NEED(inside(h.field[f], len));
    }
    if (e != MCPT_OK) {
        return;
    }
    NEED(h.at >= 4 && memcmp(text + h.at - 4, "\r\n\r\n", 4) == 0);
    NEED((h.flags & (MCPT_HEAD_LENGTH | MCPT_HEAD_CHUNKED)) != (MCPT_HEAD_LENGTH | MCPT_HEAD_CHUNKED));
    NEED(h.minor < 2 && h.fields <= MCPT_MAX_FIELDS);
    if (response) {
        NEED(h.status >= 100 && h.status <= 999);
    } else {
        NEED(h.method.len != 0 && inside(h.method, h.at) && h.target.len != 0 && inside(h.target, h.at));
        NEED(inside(h.authority, h.at));
        NEED(h.minor == 0 || (h.seen & 1u << MCPT_F_HOST) != 0);
    }
    char *buf = fuzz_copy(text, h.at);                      /* nothing behind the head may be read */
    check_fields(&h, buf);
    free(buf);
}

/* -- Chunked coding */

static void check_chunked(const char *text, size_t len, fuzz_random *r)
{
    mcpt_chunked c;
    char *whole = fuzz_copy(text, len);
    size_t n = len, used = 0;
    mcpt_err e;
    memset(&c, 0, sizeof(c));
    e = mcpt_chunked_decode(&c, whole, &n, &used);
    NEED(n <= used && used <= len && (e == MCPT_OK || e == MCPT_E_HTTP || (e == MCPT_PENDING && used == len)));
    for (unsigned how = 0; how < 4; how++) {
        mcpt_chunked d;
        size_t at = 0, out = 0;
        mcpt_err f = MCPT_PENDING;
        memset(&d, 0, sizeof(d));
        while (at < len && f == MCPT_PENDING) {
            size_t give = fuzz_piece(r, how, len - at), got = give, took = 0;
            char *piece = fuzz_copy(text + at, give);
            f = mcpt_chunked_decode(&d, piece, &got, &took);
            NEED(got <= took && took <= give && (f != MCPT_PENDING || took == give));
            NEED(out + got <= n && (got == 0 || memcmp(whole + out, piece, got) == 0));
            free(piece);
            out += got;
            at += took;
        }
        NEED((f == e || len == 0) && out == n && at == used && memcmp(&c, &d, sizeof(c)) == 0);
    }
    if (e != MCPT_PENDING) {                                /* an end is an end */
        char more[4] = "0\r\n";
        size_t m = 3, took = 1;
        NEED(mcpt_chunked_decode(&c, more, &m, &took) == e && m == 0 && took == 0);
    }
    free(whole);
}

/* -- Event streams, against a reader that follows the text of the standard line by line. */

typedef struct events {
    char *data, *last_id;             /* of all events: data, NUL-terminated each by one byte 0xff */
    size_t len, id_len;
    uint32_t retry;
    unsigned count;
} events;

static void events_free(events *v)
{
    free(v->data);
    free(v->last_id);
}

static void event_add(events *v, const char *data, size_t n)
{
    v->data = realloc(v->data, v->len + n + 1);
    NEED(v->data != NULL);
    memcpy(v->data + v->len, data, n);
    v->data[v->len + n] = '\xff';
    v->len += n + 1;
    v->count++;
}

static uint32_t retry_of(const char *p, size_t n, uint32_t before)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return before;
        }
        v = v * 10 + (uint64_t)(p[i] - '0');
        v = v > 0xfffffffeu ? 0xfffffffeu : v;
    }
    return n == 0 ? before : (uint32_t)v;
}

static events events_slow(const char *text, size_t len)
{
    events v = { malloc(1), malloc(len + 1), 0, 0, (uint32_t)-1, 0 };
    char *data = fuzz_mem(len + 1), *id = fuzz_mem(len + 1);
    size_t n = 0, id_len = 0, at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    bool has_data = false, message = true;
    while (at < len) {
        size_t end = at, colon;
        const char *line = text + at, *value;
        size_t value_len;
        while (end < len && text[end] != '\r' && text[end] != '\n') {
            end++;
        }
        if (end == len) {
            break;                                          /* an unfinished line does not count */
        }
        if (end == at) {
            memcpy(v.last_id, id, id_len);
            v.id_len = id_len;
            if (n != 0 && message) {
                event_add(&v, data, n);
            }
            n = 0;
            has_data = false;
            message = true;
        }
        for (colon = at; colon < end && text[colon] != ':'; colon++) {
        }
        value = colon < end ? text + colon + 1 : text + end;
        value += value < text + end && *value == ' ' ? 1 : 0;
        value_len = (size_t)(text + end - value);
        if (colon - at == 4 && memcmp(line, "data", 4) == 0) {
            if (has_data) {
                data[n++] = '\n';
            }
            memcpy(data + n, value, value_len);
            n += value_len;
            has_data = true;
        } else if (colon - at == 5 && memcmp(line, "event", 5) == 0) {
            message = value_len == 0 || (value_len == 7 && memcmp(value, "message", 7) == 0);
        } else if (colon - at == 2 && memcmp(line, "id", 2) == 0 && memchr(value, 0, value_len) == NULL) {
            memcpy(id, value, value_len);
            id_len = value_len;
        } else if (colon - at == 5 && memcmp(line, "retry", 5) == 0) {
            v.retry = retry_of(value, value_len, v.retry);
        }
        at = end + 1;
        at += text[end] == '\r' && at < len && text[at] == '\n' ? 1 : 0;
    }
    free(data);
    free(id);
    return v;
}

/* cap and id_cap may be too small: then the reader must say so. */
static mcpt_err events_read(const char *text, size_t len, unsigned how, fuzz_random *r, size_t cap, size_t id_cap, bool ids,
                            events *v)
{
    mcpt_sse s;
    char *buf = fuzz_mem(cap), *id = ids ? fuzz_mem(id_cap) : NULL;
    size_t at = 0;
    mcpt_err e = MCPT_PENDING;
    memset(v, 0, sizeof(*v));
    mcpt_sse_init(&s, buf, cap, id, id_cap);
    while (at < len && e >= 0) {
        size_t give = how == 4 ? len - at : fuzz_piece(r, how, len - at), from = 0;
        char *piece = fuzz_copy(text + at, give);
        do {
            size_t used = 0;
            e = mcpt_sse_feed(&s, piece + from, give - from, &used);
            NEED(used <= give - from && (e != MCPT_PENDING || used == give - from));
            NEED(s.len <= cap && (!ids || s.id_len <= id_cap));
            from += used;
            if (e == MCPT_OK) {
                NEED(s.len != 0);
                event_add(v, s.buf, s.len);
            }
        } while (e == MCPT_OK);
        free(piece);
        at += give;
    }
    if (e < 0) {
        size_t used = 9;
        NEED(e == MCPT_E_SPACE && mcpt_sse_feed(&s, "\n\n", 2, &used) == e && used == 0);
    }
    v->retry = s.retry;
    v->id_len = ids ? s.id_len : 0;
    v->last_id = fuzz_copy(ids ? id : "", v->id_len);
    free(buf);
    free(id);
    return e;
}

static bool same_events(const events *a, const events *b)
{
    return a->count == b->count && a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0) &&
        a->retry == b->retry && a->id_len == b->id_len && (a->id_len == 0 || memcmp(a->last_id, b->last_id, a->id_len) == 0);
}

static void check_sse(const char *text, size_t len, fuzz_random *r)
{
    events expected = events_slow(text, len), got, again;
    size_t cap = fuzz_next(r) % 32u, id_cap = fuzz_next(r) % 16u;
    mcpt_err e, f;
    for (unsigned how = 0; how <= 4; how++) {
        NEED(events_read(text, len, how, r, len, 2 * len, true, &got) >= 0);
        NEED(same_events(&expected, &got));
        events_free(&got);
    }
    expected.id_len = 0;
    NEED(events_read(text, len, 4, r, len, 0, false, &got) >= 0 && same_events(&expected, &got));
    events_free(&got);
    e = events_read(text, len, 4, r, cap, id_cap, true, &got);
    f = events_read(text, len, 0, r, cap, id_cap, true, &again);
    NEED((e < 0) == (f < 0) && same_events(&got, &again));
    NEED(got.count <= expected.count && (e < 0 || got.count == expected.count));
    events_free(&got);
    events_free(&again);
    events_free(&expected);
}

/* -- Text */

static void check_base64(const char *text, size_t len, bool url)
{
    size_t n = mcpt_b64_encode(text, len, url, NULL, 0), m = 77;
    char *buf = fuzz_mem(n), *back = fuzz_mem(len);
    mcpt_str s;
    NEED(n == (url ? (len * 4 + 2) / 3 : (len + 2) / 3 * 4));
    NEED(mcpt_b64_encode(text, len, url, buf, n) == n);
    s = (mcpt_str){ buf, n };
    NEED(mcpt_b64_decode(s, url, back, len, &m) && m == len && (len == 0 || memcmp(back, text, len) == 0));
    if (len != 0) {
        NEED(mcpt_b64_encode(text, len, url, buf, n - 1) == 0);
        NEED(!mcpt_b64_decode(s, url, back, len - 1, &m));
        memcpy(buf, s.ptr, n);
        NEED(mcpt_b64_decode(s, url, buf, n, &m) && m == len && memcmp(buf, text, len) == 0);   /* in place */
    }
    free(buf);
    free(back);
    buf = fuzz_mem(len);                                    /* and any text as if it were base64 */
    if (mcpt_b64_decode((mcpt_str){ text, len }, url, buf, len, &m)) {
        NEED(m <= len / 4 * 3 + 2);
        back = fuzz_mem(len);
        NEED(mcpt_b64_encode(buf, m, url, back, len) == len && (len == 0 || memcmp(back, text, len) == 0));
        free(back);
    }
    free(buf);
}

static void check_percent(const char *text, size_t len)
{
    char *buf = fuzz_mem(len), *less;
    size_t n = 77, m;
    mcpt_str s = { text, len };
    if (mcpt_percent_decode(s, buf, len, &n)) {
        NEED(n <= len && (memchr(text, '%', len) != NULL || (n == len && (n == 0 || memcmp(buf, text, n) == 0))));
        less = fuzz_mem(n);
        NEED(mcpt_percent_decode(s, less, n, &m) && m == n && (n == 0 || memcmp(less, buf, n) == 0));
        NEED(n == 0 || !mcpt_percent_decode(s, less, n - 1, &m));
        free(less);
        less = fuzz_copy(text, len);
        NEED(mcpt_percent_decode((mcpt_str){ less, len }, less, len, &m) && m == n && (n == 0 || memcmp(less, buf, n) == 0));
        free(less);
    }
    free(buf);
}

static bool host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_.:[]", c) != NULL;
}

static void check_host(mcpt_str host)
{
    NEED(host.len != 0);
    for (size_t i = 0; i < host.len; i++) {
        NEED(host.ptr[i] != '\0' && host_char(host.ptr[i]));
    }
    NEED((host.ptr[0] == '[') == (host.ptr[host.len - 1] == ']'));
}

static void check_url(const char *text, size_t len)
{
    mcpt_str s = { text, len }, host, again;
    mcpt_url u;
    uint16_t port, same;
    if (mcpt_authority_split(s, &host, &port)) {
        check_host(host);
        NEED(host.ptr == text && (port == 0) == (host.len == len));
        NEED(mcpt_authority_split(host, &again, &same) && mcpt_str_eq(host, again) && same == 0);
    }
    if (mcpt_url_split(s, &u)) {
        size_t colon = u.port == 0 ? 0 : 1;
        for (unsigned p = u.port; p != 0; p /= 10) {
            colon++;
        }
        check_host(u.host);
        NEED(u.scheme.ptr == text && u.host.ptr == text + u.scheme.len + 3);
        NEED(u.path.ptr == u.host.ptr + u.host.len + colon && (u.path.len == 0 || u.path.ptr[0] == '/'));
        NEED(u.query.ptr == NULL || u.query.ptr == u.path.ptr + u.path.len + 1);
        NEED(u.path.len + (u.query.ptr != NULL ? 1 + u.query.len : 0) + (size_t)(u.path.ptr - text) == len);
        NEED(no_control(text, len) && memchr(text, '#', len) == NULL && memchr(text, '@', (size_t)(u.path.ptr - text)) == NULL);
    }
}

/* The library's UTF-8 checker against the JSON checker's, the text being in a string. */
static void check_utf8(const char *text, size_t len)
{
    fuzz_json j;
    char *quoted = fuzz_mem(len + 2);
    bool ok;
    quoted[0] = quoted[len + 1] = '"';
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        quoted[i + 1] = (unsigned char)c < 0x20 || c == '"' || c == '\\' ? 'x' : c;
    }
    ok = fuzz_json_ok(quoted, len + 2, &j);
    NEED(mcpt_utf8_ok((mcpt_str){ text, len }) == ok);
    free(quoted);
}

static void check_text(const char *text, size_t len, fuzz_random *r)
{
    size_t half = len == 0 ? 0 : fuzz_next(r) % (uint32_t)len;
    char *z = fuzz_mem(len + 1), *other = fuzz_copy(text, len);
    mcpt_str s = { text, len }, t = { other, len };
    bool nul = memchr(text, 0, len) != NULL;
    memcpy(z, text, len);
    z[len] = '\0';
    check_base64(text, len, false);
    check_base64(text, len, true);
    check_percent(text, len);
    check_url(text, len);
    check_utf8(text, len);
    NEED(mcpt_str_eq(s, t) && mcpt_same(text, other, len) && mcpt_str_is(s, z) == !nul && mcpt_str_ieq(s, z) == !nul);
    if (len != 0) {
        other[half] ^= 0x20;
        NEED(!mcpt_str_eq(s, t) && !mcpt_same(text, other, len));
        NEED(nul || mcpt_str_ieq(t, z) == ((other[half] | 0x20) >= 'a' && (other[half] | 0x20) <= 'z'));
    }
    NEED(!mcpt_str_is((mcpt_str){ NULL, 0 }, z) && !mcpt_str_ieq((mcpt_str){ NULL, 0 }, z) && mcpt_z(NULL).ptr == NULL);
    NEED(!mcpt_str_ieq(s, NULL));
    (void)mcpt_list_has(s, "close");
    (void)mcpt_accepts(s, "application/json");
    mcpt_wipe(other, len);
    for (size_t i = 0; i < len; i++) {
        NEED(other[i] == 0);
    }
    for (unsigned i = 0; i + 1 < len; i += 2) {
        unsigned status = (unsigned)(unsigned char)text[i] << 8 | (unsigned char)text[i + 1];
        NEED(mcpt_reason(status) != NULL && mcpt_strerror((mcpt_err) - (int)(status % 128)) != NULL);
    }
    free(other);
    free(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_random r = fuzz_seed(data, size);
    char *text;
    if (size == 0) {
        return 0;
    }
    size--;
    text = fuzz_copy(data + 1, size);
    switch (data[0]) {
    case 'R': check_head(text, size, false, &r); break;
    case 'S': check_head(text, size, true, &r); break;
    case 'C': check_chunked(text, size, &r); break;
    case 'E': check_sse(text, size, &r); break;
    default: check_text(text, size, &r); break;
    }
    free(text);
    return 0;
}
