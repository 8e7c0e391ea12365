/* Fuzzer of the JSON sections. A text that begins with byte 1 is a program for the writer, with byte 2 a schema and a
 * value (divided by a NUL); anything else is JSON, or nearly. */
/* sections: json-write json-scan json-read schema-text schema schema-lint */
/* seeds: tests/vectors/json */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "fuzz.h"
#include <math.h>

/* Rows with everything the scanner may meet: the same name on two levels, names of one length, a deep path, an empty
 * name, the longest name. */
enum { ROOT, A, B, ID, EMPTY, LONG, A_A, A_B, B_ID, A_A_C, PICKS };
static const char longest[] = "0123456789abcdef0123456789abcdef0123456789abcde";
static const mcpt_pick picks[PICKS] = {
    MCPT_PICK("", 0), MCPT_PICK("a", 0), MCPT_PICK("b", 0), MCPT_PICK("id", 0), MCPT_PICK("", 0),
    MCPT_PICK("0123456789abcdef0123456789abcdef0123456789abcde", 0),
    MCPT_PICK("a", A), MCPT_PICK("b\xc3\xa9", A), MCPT_PICK("id", B), MCPT_PICK("c", A_A)
};

typedef struct scanned {
    mcpt_err err;
    uint32_t at;
    mcpt_span found[PICKS];
} scanned;

/* how 4: whole; else cut, see fuzz_piece. */
static scanned scan(const char *text, size_t len, size_t npicks, unsigned how, fuzz_random *r)
{
    scanned out;
    mcpt_scan s;
    mcpt_span *found = fuzz_mem(npicks * sizeof(*found));
    size_t at = 0;
    mcpt_err e = MCPT_PENDING;
    memset(&out, 0, sizeof(out));
    mcpt_scan_init(&s, picks, npicks, found);
    do {
        size_t n = how == 4 ? len : fuzz_piece(r, how, len - at);
        char *piece = fuzz_copy(text + at, n);
        uint32_t before = s.at;
        mcpt_err was = e;
        e = mcpt_scan_feed(&s, piece, n);
        NEED(was >= 0 || e == was);
        NEED(e < 0 ? s.at - before <= n : s.at - before == n);
        free(piece);
        at += n;
    } while (at < len);
    out.err = mcpt_scan_end(&s);
    NEED(e >= 0 || e == out.err);
    NEED(out.err <= 0 && mcpt_scan_end(&s) == out.err);
    NEED(s.at <= len);
    out.at = s.at;
    memcpy(out.found, found, npicks * sizeof(*found));
    free(found);
    for (size_t i = 0; i < npicks; i++) {
        if (out.found[i].len == 0) {
            out.found[i].at = 0;                            /* begun and not ended */
        }
        NEED(out.found[i].at + (uint64_t)out.found[i].len <= len);
    }
    return out;
}

static bool same_scan(const scanned *a, const scanned *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* Values kept in a buffer that may be too small are those of the document, whichever way it was cut. */
static void check_keep(const char *text, size_t len, const scanned *whole, fuzz_random *r)
{
    for (unsigned how = 0; how < 4; how++) {
        mcpt_keep k;
        mcpt_span *found = fuzz_mem(PICKS * sizeof(*found));
        size_t cap = fuzz_next(r) % 2u == 0 ? len : fuzz_next(r) % ((uint32_t)len + 1u), at = 0;
        char *buf = fuzz_mem(cap);
        mcpt_err e;
        mcpt_keep_init(&k, picks, PICKS, found, buf, cap);
        k.optional = fuzz_next(r) % 2u == 0 ? 0 : fuzz_next(r);
        do {
            size_t n = fuzz_piece(r, how, len - at);
            char *piece = fuzz_copy(text + at, n);
            e = mcpt_keep_feed(&k, piece, n);
            NEED(k.len <= cap);
            free(piece);
            at += n;
        } while (at < len);
        NEED(mcpt_keep_end(&k) == e || e >= 0);
        e = mcpt_keep_end(&k);
        NEED(e == whole->err || (e == MCPT_E_SPACE && cap != len));
        NEED((k.dropped & ~k.optional) == 0 || e == MCPT_E_SPACE);
        for (unsigned i = ID; i < PICKS; i++) {
            mcpt_str kept = mcpt_kept(&k, i);
            if (kept.ptr != NULL) {
                NEED(kept.len == whole->found[i].len && memcmp(kept.ptr, text + whole->found[i].at, kept.len) == 0);
                NEED((k.dropped >> i & 1u) == 0);
            } else {
                NEED(i == A_A || e != MCPT_OK || whole->found[i].len == 0 || (k.dropped >> i & 1u) != 0);
            }
        }
        free(buf);
        free(found);
    }
}

/* -- Values */

static void check_number(mcpt_val v, mcpt_str raw)
{
    char *text = fuzz_mem(raw.len + 1);
    char round[32], shortest[40];
    mcpt_writer w;
    mcpt_str out;
    double expected, got = -1;
    int64_t i = 77, f;
    mcpt_err e;
    bool plain;
    memcpy(text, raw.ptr, raw.len);
    text[raw.len] = '\0';
    expected = strtod(text, NULL);
    e = mcpt_get_f64(v, &got);
    NEED(e == (isinf(expected) ? MCPT_E_RANGE : MCPT_OK));
    if (e == MCPT_OK) {
        int digits = 1;
        unsigned written = 0, zeros = 0;
        double back = 0;
        NEED(memcmp(&got, &expected, sizeof(got)) == 0);
        mcpt_w_init(&w, round, sizeof(round));
        mcpt_put_f64(&w, got);
        NEED(mcpt_w_done(&w, &out) == MCPT_OK && out.len <= 25);
        memcpy(shortest, out.ptr, out.len);
        shortest[out.len] = '\0';
        back = strtod(shortest, NULL);
        NEED(memcmp(&back, &got, sizeof(got)) == 0);
        for (const char *p = shortest; *p != '\0' && *p != 'e'; p++) {      /* significant digits */
            if (*p >= '0' && *p <= '9' && (written != 0 || *p != '0')) {
                written++;
                zeros = *p == '0' ? zeros + 1 : 0;
            }
        }
        do {
            snprintf(shortest, sizeof(shortest), "%.*e", digits - 1, got);
        } while (strtod(shortest, NULL) != got && digits++ < 17);
        NEED(got == 0 || (int)(written - zeros) <= digits);
    }
    plain = raw.len <= 18 && strpbrk(text, ".eE") == NULL;
    e = mcpt_get_int(v, &i);
    NEED(e == MCPT_OK || e == MCPT_E_TYPE || e == MCPT_E_RANGE);
    NEED(e == MCPT_OK || i == 77);
    NEED(mcpt_int_or(v, 5) == (e == MCPT_OK ? i : 5));
    NEED(!plain || (e == MCPT_OK && i == strtoll(text, NULL, 10)));
    for (unsigned d = 0; d <= 19; d++) {
        double value;
        e = mcpt_get_fix(v, d, &f);
        NEED(e == MCPT_OK || e == MCPT_E_RANGE);
        NEED(d <= 18 || e != MCPT_OK);
        if (e != MCPT_OK) {
            continue;
        }
        mcpt_w_init(&w, round, sizeof(round));
        mcpt_put_fix(&w, f, d);
        NEED(mcpt_w_done(&w, &out) == MCPT_OK && out.len <= 22);
        memcpy(shortest, out.ptr, out.len);
        shortest[out.len] = '\0';
        value = strtod(shortest, NULL);
        NEED(value == expected);
    }
    free(text);
}

static void check_string(mcpt_val v, mcpt_str raw)
{
    char *buf = fuzz_mem(raw.len);
    mcpt_str s = { NULL, 0 };
    size_t n = mcpt_unescape(raw, buf, raw.len);
    char *exact;
    NEED(n <= raw.len - 2 && mcpt_utf8_ok((mcpt_str){ buf, n }));
    exact = fuzz_mem(n);
    NEED(mcpt_get_str(v, exact, n, &s) == MCPT_OK && s.len == n && (n == 0 || memcmp(s.ptr, buf, n) == 0));
    if (n != 0 && memchr(raw.ptr, '\\', raw.len) != NULL) {
        NEED(mcpt_get_str(v, exact, n - 1, &s) == MCPT_E_SPACE);
        NEED(mcpt_unescape(raw, exact, n - 1) == (size_t)-1);
    }
    free(exact);
    if (memchr(buf, 0, n) == NULL) {
        exact = fuzz_mem(n + 1);
        memcpy(exact, buf, n);
        exact[n] = '\0';
        NEED(mcpt_val_is(v, exact));
        if (n != 0) {
            exact[n - 1] ^= 1;
            NEED(exact[n - 1] == '\0' || !mcpt_val_is(v, exact));
        }
        free(exact);
    }
    memcpy(buf, raw.ptr, raw.len);                          /* in place */
    NEED(mcpt_unescape((mcpt_str){ buf, raw.len }, buf, raw.len) == n);
    free(buf);
}

static void check_value(mcpt_val v, unsigned depth);

static void check_container(mcpt_val v, mcpt_type type, unsigned depth)
{
    mcpt_val it = { NULL, 0 };
    mcpt_str key;
    size_t n = 0, size = mcpt_size(v);
    while (mcpt_next(v, &it, &key)) {
        NEED((key.ptr != NULL) == (type == MCPT_OBJECT));
        if (type == MCPT_ARRAY) {
            if (size < 64 || n % 16 == 0) {
                NEED(mcpt_at(v, n).at == it.at);
            }
        } else if (size < 64 || n % 16 == 0) {
            mcpt_str quoted = { key.ptr - 1, key.len + 2 };
            char *buf = fuzz_mem(quoted.len);
            size_t len = mcpt_unescape(quoted, buf, quoted.len);
            NEED(mcpt_get_key(v, (mcpt_str){ buf, len }).at == it.at);
            free(buf);
        }
        check_value(it, depth + 1);
        n++;
    }
    NEED(n == size && it.doc == NULL);
    NEED(mcpt_at(v, n).doc == NULL && (type == MCPT_OBJECT || mcpt_get(v, "a").doc == NULL));
}

static void check_value(mcpt_val v, unsigned depth)
{
    mcpt_type type = mcpt_typeof(v);
    mcpt_str raw = mcpt_raw(v), s;
    int64_t i;
    double f;
    bool b = false;
    char one[1];
    NEED(type != MCPT_ABSENT && raw.len != 0 && depth <= 32);
    NEED(raw.ptr >= v.doc->text.ptr && raw.ptr + raw.len <= v.doc->text.ptr + v.doc->text.len);
    if (type == MCPT_NUMBER) {
        check_number(v, raw);
    } else {
        NEED(mcpt_get_int(v, &i) == MCPT_E_TYPE && mcpt_get_fix(v, 2, &i) == MCPT_E_TYPE);
        NEED(mcpt_get_f64(v, &f) == MCPT_E_TYPE);
    }
    if (type == MCPT_STRING) {
        check_string(v, raw);
    } else {
        NEED(mcpt_get_str(v, one, 1, &s) == MCPT_E_TYPE && !mcpt_val_is(v, "a"));
    }
    NEED(mcpt_get_bool(v, &b) == (type == MCPT_BOOL ? MCPT_OK : MCPT_E_TYPE));
    NEED(type != MCPT_BOOL || b == (raw.len == 4));
    NEED(mcpt_bool_or(v, true) == (type == MCPT_BOOL ? b : true));
    if (type == MCPT_ARRAY || type == MCPT_OBJECT) {
        check_container(v, type, depth);
    } else {
        mcpt_val it = { NULL, 0 };
        NEED(mcpt_size(v) == 0 && !mcpt_next(v, &it, NULL) && mcpt_at(v, 0).doc == NULL);
    }
}

static void rewrite(mcpt_writer *w, mcpt_val v)
{
    mcpt_type type = mcpt_typeof(v);
    mcpt_str raw = mcpt_raw(v);
    if (type == MCPT_STRING) {
        char *buf = fuzz_mem(raw.len);
        mcpt_str s;
        NEED(mcpt_get_str(v, buf, raw.len, &s) == MCPT_OK);
        if (s.len % 2 == 0) {
            mcpt_put_str(w, s);
        } else {
            mcpt_str_begin(w);
            mcpt_str_add(w, s);
            mcpt_str_end(w);
        }
        free(buf);
    } else if (type == MCPT_ARRAY || type == MCPT_OBJECT) {
        mcpt_val it = { NULL, 0 };
        mcpt_str key;
        if (type == MCPT_ARRAY) {
            mcpt_arr(w);
        } else {
            mcpt_obj(w);
        }
        while (mcpt_next(v, &it, &key)) {
            if (type == MCPT_OBJECT) {
                char *buf = fuzz_mem(key.len + 2);
                size_t n = mcpt_unescape((mcpt_str){ key.ptr - 1, key.len + 2 }, buf, key.len + 2);
                mcpt_key_str(w, (mcpt_str){ buf, n });
                free(buf);
            }
            rewrite(w, it);
        }
        mcpt_end(w);
    } else if (type == MCPT_NULL) {
        mcpt_put_null(w);
    } else if (type == MCPT_BOOL) {
        mcpt_put_bool(w, mcpt_bool_or(v, false));
    } else {
        mcpt_put_raw(w, raw);
    }
}

/* Windows of the same text, one behind the other, must be the text. */
static void check_windows(mcpt_val root, mcpt_str whole, size_t window)
{
    char *buf = fuzz_mem(window);
    for (size_t at = 0; at < whole.len; at += window) {
        mcpt_writer w;
        size_t n = whole.len - at < window ? whole.len - at : window;
        mcpt_w_init(&w, buf, window);
        w.flags = MCPT_W_WINDOW;
        w.skip = at;
        rewrite(&w, root);
        NEED(mcpt_w_done(&w, NULL) == MCPT_OK && w.len == n && w.total == whole.len);
        NEED(memcmp(buf, whole.ptr + at, n) == 0);
    }
    free(buf);
}

static void check_rewrite(mcpt_val root, uint32_t count, fuzz_random *r)
{
    mcpt_writer w;
    mcpt_str out = { NULL, 0 }, again;
    mcpt_doc d;
    mcpt_tok *tok = fuzz_mem(count * sizeof(*tok));
    size_t total;
    char *buf, *less;
    mcpt_w_init(&w, NULL, 0);
    rewrite(&w, root);
    NEED(mcpt_w_done(&w, NULL) == MCPT_OK);
    total = w.total;
    buf = fuzz_mem(total);
    mcpt_w_init(&w, buf, total);
    rewrite(&w, root);
    NEED(mcpt_w_done(&w, &out) == MCPT_OK && out.len == total && out.ptr == buf);
    less = fuzz_mem(total - 1);
    mcpt_w_init(&w, less, total - 1);
    rewrite(&w, root);
    NEED(mcpt_w_done(&w, &again) == MCPT_E_SPACE && w.total == total && w.len <= total - 1 && again.ptr == NULL);
    NEED(memcmp(less, buf, w.len) == 0);
    free(less);
    NEED(mcpt_parse(&d, out, tok, count) == MCPT_OK && d.count == count);
    less = fuzz_mem(total);
    mcpt_w_init(&w, less, total);
    rewrite(&w, mcpt_root(&d));
    NEED(mcpt_w_done(&w, &again) == MCPT_OK && mcpt_str_eq(out, again));
    free(less);
    if (total < 300) {
        check_windows(root, out, 1 + fuzz_next(r) % 40u);
    }
    free(buf);
    free(tok);
}

static void check_picks(const scanned *s, const char *text, mcpt_val root)
{
    mcpt_val v[PICKS];
    v[ROOT] = root;
    v[A] = mcpt_get(root, "a");
    v[B] = mcpt_get(root, "b");
    v[ID] = mcpt_get(root, "id");
    v[EMPTY] = mcpt_get(root, "");
    v[LONG] = mcpt_get(root, longest);
    v[A_A] = mcpt_get(v[A], "a");
    v[A_B] = mcpt_get(v[A], "b\xc3\xa9");
    v[B_ID] = mcpt_get(v[B], "id");
    v[A_A_C] = mcpt_get(v[A_A], "c");
    for (unsigned i = 0; i < PICKS; i++) {
        mcpt_str raw = mcpt_raw(v[i]);
        NEED(raw.len == s->found[i].len);
        NEED(raw.len == 0 || raw.ptr == text + s->found[i].at);
    }
}

static void check_json(const char *text, size_t len, fuzz_random *r)
{
    scanned whole = scan(text, len, PICKS, 4, r), plain = scan(text, len, 0, 4, r);
    fuzz_json j;
    bool ok = fuzz_json_ok(text, len, &j);
    mcpt_doc d;
    mcpt_tok *tok;
    mcpt_err e;
    uint32_t count;
    for (unsigned how = 0; how < 4; how++) {
        scanned cut = scan(text, len, PICKS, how, r);
        NEED(same_scan(&whole, &cut));
    }
    check_keep(text, len, &whole, r);
    NEED((plain.err == MCPT_OK) == ok);
    NEED(whole.err == MCPT_E_DUPLICATE || (whole.err == plain.err && whole.at == plain.at));
    NEED(!(ok && whole.err == MCPT_E_DUPLICATE) || j.twice || j.unsure);
    e = mcpt_parse(&d, (mcpt_str){ text, len }, NULL, 0);
    NEED(e == (ok ? MCPT_E_TOKENS : plain.err) && (ok || d.err_pos == plain.at));
    NEED(mcpt_root(&d).doc == NULL && mcpt_typeof(mcpt_root(&d)) == MCPT_ABSENT);
    if (!ok) {
        return;
    }
    count = d.count;
    NEED(count > 0);
    tok = fuzz_mem(count * sizeof(*tok));
    if (count > 1) {
        NEED(mcpt_parse(&d, (mcpt_str){ text, len }, tok, count - 1) == MCPT_E_TOKENS && d.count == count);
    }
    e = mcpt_parse(&d, (mcpt_str){ text, len }, tok, count);
    NEED(e == MCPT_OK || e == MCPT_E_DUPLICATE);
    NEED(j.unsure || (e == MCPT_E_DUPLICATE) == j.twice);
    NEED(e != MCPT_E_DUPLICATE || (d.err_pos < len && text[d.err_pos] == '"'));
    NEED(whole.err != MCPT_E_DUPLICATE || (e == MCPT_E_DUPLICATE && d.err_pos <= whole.at));
    if (e == MCPT_OK) {
        NEED(d.count == count);
        check_picks(&whole, text, mcpt_root(&d));
        check_value(mcpt_root(&d), 0);
        check_rewrite(mcpt_root(&d), count, r);
    }
    free(tok);
}

/* -- The writer: a program of calls, right or wrong. What is called done must be JSON. */

static void run_writer(mcpt_writer *w, const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        unsigned op = *p++;
        unsigned n = (op >> 5) * 3u;
        mcpt_str s;
        char text[24];
        int64_t v = 0;
        double f;
        n = n < (unsigned)(end - p) ? n : (unsigned)(end - p);
        memcpy(text, p, n);
        text[n] = '\0';
        memcpy(&v, text, n < 8 ? n : 8);
        memcpy(&f, &v, sizeof(f));
        s.ptr = (op & 64) != 0 && n == 0 ? NULL : text;
        s.len = n;
        p += n;
        switch (op & 31u) {
        case 0: mcpt_obj(w); break;
        case 1: mcpt_arr(w); break;
        case 2: case 3: mcpt_end(w); break;
        case 4: mcpt_key_str(w, s); break;
        case 5: mcpt_key(w, text); break;
        case 6: mcpt_put_str(w, s); break;
        case 7: mcpt_put_z(w, n == 0 ? NULL : text); break;
        case 8: mcpt_put_int(w, v); break;
        case 9: mcpt_put_fix(w, v, n); break;
        case 10: mcpt_put_f64(w, f); break;
        case 11: mcpt_put_bool(w, n != 0); break;
        case 12: mcpt_put_null(w); break;
        case 13:
            mcpt_put_raw(w, mcpt_z(n == 0 ? "" : n < 6 ? "[1,{\"a\":2}]" : n < 9 ? "-1.5e3" : n < 12 ? "[\n1,\r\n2\r,\n\n\r\r3]" : "\r{\"a\":\n5}\n"));
            break;
        case 14: mcpt_put_b64(w, text, n); break;
        case 15: mcpt_kv_str(w, "k", s); break;
        case 16: mcpt_kv_z(w, "z", n == 0 ? NULL : text); break;
        case 17: mcpt_kv_int(w, "i", v); break;
        case 18: mcpt_kv_fix(w, "\"", v, n); break;
        case 19: mcpt_kv_bool(w, "\x01", n != 0); break;
        case 20: mcpt_kv_raw(w, "raw", mcpt_z("{}")); break;
        case 21: mcpt_str_begin(w); break;
        case 22: case 23: mcpt_str_add(w, s); break;
        case 24: mcpt_str_end(w); break;
        case 25: mcpt_key(w, NULL); break;
        default: mcpt_put_b64(w, longest, op % 48u); break;
        }
    }
}

static void check_writer(const uint8_t *p, const uint8_t *end, fuzz_random *r)
{
    mcpt_writer measure, w;
    mcpt_str out = { NULL, 0 };
    mcpt_err e, f;
    fuzz_json j;
    char *buf;
    size_t cap, total;
    mcpt_w_init(&measure, NULL, 0);
    run_writer(&measure, p, end);
    total = measure.total;
    e = mcpt_w_done(&measure, &out);
    NEED(e != MCPT_E_SPACE && mcpt_w_done(&measure, NULL) == e);
    buf = fuzz_mem(total);
    mcpt_w_init(&w, buf, total);
    run_writer(&w, p, end);
    f = mcpt_w_done(&w, &out);
    NEED(e == f && w.total == total);
    NEED((e == MCPT_OK) == (out.ptr != NULL));
    NEED(e != MCPT_OK || (out.len == total && fuzz_json_ok(out.ptr, out.len, &j)));
    NEED(e != MCPT_OK || (memchr(out.ptr, '\n', out.len) == NULL && memchr(out.ptr, '\r', out.len) == NULL));
    cap = total == 0 ? 0 : fuzz_next(r) % (uint32_t)total;
    free(buf);
    buf = fuzz_mem(cap);
    mcpt_w_init(&w, buf, cap);
    run_writer(&w, p, end);
    f = mcpt_w_done(&w, NULL);
    NEED(total == 0 ? f == e : (e == MCPT_OK ? f == MCPT_E_SPACE : f == e) && w.total == total);
    NEED(w.len <= cap);
    free(buf);
}

/* -- The schema checker */

static mcpt_err header(void *user, mcpt_str name, mcpt_val value)
{
    unsigned *left = user;
    NEED(name.ptr != NULL && mcpt_typeof(value) != MCPT_ABSENT && mcpt_typeof(value) != MCPT_NULL);
    return (*left)-- == 0 ? MCPT_E_USER : MCPT_OK;
}

static void note(void *user, mcpt_str keyword, const char *why)
{
    unsigned *n = user;
    NEED(keyword.ptr != NULL && why != NULL);
    (*n)++;
}

static void check_schema(const char *text, size_t len, fuzz_random *r)
{
    const char *nul = memchr(text, 0, len);
    mcpt_str schema, value = { NULL, 0 };
    mcpt_doc d;
    mcpt_tok tok[256];
    size_t cap = fuzz_next(r) % 100u;
    unsigned left = fuzz_next(r) % 4u, notes = 0;
    fuzz_json j;
    char *why;
    mcpt_err e, l;
    if (nul == NULL) {
        return;
    }
    schema = (mcpt_str){ fuzz_copy(text, (size_t)(nul - text)), (size_t)(nul - text) };
    value.len = len - schema.len - 1;
    value.ptr = fuzz_copy(nul + 1, value.len);
    l = mcpt_schema_lint(schema, note, &notes);
    NEED(l == MCPT_OK || l == MCPT_E_PARAMS || l == MCPT_E_JSON || l == MCPT_E_DEPTH);
    NEED(l != MCPT_OK || notes == 0);
    NEED(l != MCPT_OK || fuzz_json_ok(schema.ptr, schema.len, &j));
    if (mcpt_parse(&d, value, tok, 256) == MCPT_OK) {
        why = fuzz_mem(cap);
        e = mcpt_schema_check(schema, mcpt_root(&d), why, cap);
        NEED(e == MCPT_OK || e == MCPT_E_PARAMS || e == MCPT_E_JSON || e == MCPT_E_DEPTH);
        NEED(e != MCPT_E_PARAMS || cap == 0 || memchr(why, 0, cap) != NULL);
        NEED(l != MCPT_OK || e == MCPT_OK || e == MCPT_E_PARAMS);
        free(why);
        e = mcpt_schema_headers(schema, mcpt_root(&d), header, &left);
        NEED(e == MCPT_OK || e == MCPT_E_USER || e == MCPT_E_JSON || e == MCPT_E_DEPTH || e == MCPT_E_PARAMS);
    }
    free((char *)(uintptr_t)schema.ptr);
    free((char *)(uintptr_t)value.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_random r = fuzz_seed(data, size);
    char *text;
    if (size != 0 && data[0] == 1) {
        check_writer(data + 1, data + size, &r);
        return 0;
    }
    if (size != 0 && data[0] == 2) {
        text = fuzz_copy(data + 1, size - 1);
        check_schema(text, size - 1, &r);
    } else {
        text = fuzz_copy(data, size);
        check_json(text, size, &r);
    }
    free(text);
    return 0;
}
