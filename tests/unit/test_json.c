/* json-write, json-scan, json-read. Documents are fed whole, byte by byte and cut in two everywhere,
    at both ends of
 * guarded memory; writers pass through every buffer length and window. */
#define _DEFAULT_SOURCE
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "guard.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------- scanner */

typedef struct row {
    const char *text;
    size_t len;
    mcpt_err err;
    size_t at;                        /* byte of the error */
} row;
#define YES(text) { (text), sizeof(text) - 1, MCPT_OK, sizeof(text) - 1 }
#define NO(at, text) { (text), sizeof(text) - 1, MCPT_E_JSON, (at) }
#define BAD(at, text) { (text), sizeof(text) - 1, MCPT_E_UTF8, (at) }
#define D31 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
#define U31 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
#define O31 O5 O5 O5 O5 O5 O5 "{\"a\":"
#define O5 "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
#define C31 "}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}"

static const row accepted[] = {
    YES("{}"), YES("[]"), YES("null"), YES("true"), YES("false"), YES("0"), YES("-0"), YES("\"\""), YES(" null"),
    YES("null "), YES("\t\n\r null\r\n\t "), YES("[null]"), YES("[ ]"), YES("{ }"), YES("[1,2]"), YES("[1, 2 ,3 ]"),
    YES("{\"a\":1}"), YES("{ \"a\" : 1 , \"b\" : [ ] }"), YES("{\"\":0}"), YES("{\"a\":{\"a\":{\"a\":{}}}}"),
    YES("[[[[[]]]]]"), YES("[{},[],{}]"), YES("{\"a\":[],\"b\":{}}"), YES("1"), YES("-1"), YES("10"), YES("1.0"),
    YES("0.1"), YES("-0.0"), YES("1e1"), YES("1E1"), YES("1e+1"), YES("1e-1"), YES("0e0"), YES("0E+00"),
    YES("1.5e300"), YES("123456789012345678901234567890"), YES("1e99999"), YES("-1e-99999"),
    YES("0.00000000000000000000000000000000000000000000000000000000001"), YES("[-0,0.0,-0e-1]"),
    YES("1234.5678e-10"), YES("-9223372036854775808"), YES("9223372036854775808"), YES("[0]"), YES("[1e5]"),
    YES("{\"a\":-1.5E-7}"), YES("\"a\""), YES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), YES("\"\\u0041\""),
    YES("\"\\u00e9\\u20ac\""), YES("\"\\uABCD\\uabcd\""), YES("\"\\u0000\""), YES("\"\\uD83D\\uDE00\""),
    YES("\"\\ud800\\udc00\""), YES("\"\\udbff\\udfff\""), YES("\"\\ud7ff\\ue000\""), YES("\"\\uffff\\ufffe\""),
    YES("\"\x7f\""), YES("\"a/b\""), YES("\"\xc2\x80\""), YES("\"\xdf\xbf\""), YES("\"\xe0\xa0\x80\""),
    YES("\"\xe2\x82\xac\""), YES("\"\xed\x9f\xbf\""), YES("\"\xee\x80\x80\""), YES("\"\xef\xbf\xbf\""),
    YES("\"\xf0\x90\x80\x80\""), YES("\"\xf0\x9f\x98\x80\""), YES("\"\xf4\x8f\xbf\xbf\""), YES("\"\xef\xbb\xbf\""),
    YES("\"\xe2\x80\xa8\xe2\x80\xa9\""), YES("\"0123456789abcdef0123456789abcdef\""),
    YES("\"0123456\xc3\xa9""89\\nabcdef0123456789abcde\xc3\xa9\""), YES("{\"a\":1,\"a\":2}"), YES("[\"a\",\"a\"]"),
    YES("{\"a\":{\"b\":1},\"b\":{\"a\":1}}"), YES("[true,false,null]"),
    YES("{\"long key \\u00e9 0123456789012345678901234567890123456789012345678901234567890123456789\":[1,{\"x\":[]}]}"),
    YES(D31 "[]" U31), YES(D31 "{}" U31), YES(D31 "[1]" U31), YES(O31 "[]" C31), YES(O31 "{}" C31),
    YES("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"h\\u00e9\"}}}"),
};

static const row rejected[] = {
    NO(0, ""), NO(1, " "), NO(3, "\n\t "), NO(0, "\xef\xbb\xbf{}"), NO(0, "\xfe\xff"), NO(1, "[\xff]"),
    NO(1, "[\xc3\xa9]"), NO(0, "\xc2\xa0[]"), NO(0, "\0"), NO(2, "[]\0"), NO(1, "[\0]"), NO(0, "\x0c[]"),
    NO(1, "[\x0b]"), NO(1, "["), NO(1, "{"), NO(0, "]"), NO(0, "}"), NO(1, "[}"), NO(1, "{]"), NO(2, "[]]"),
    NO(2, "{}}"), NO(2, "[1}"), NO(6, "{\"a\":1]"), NO(3, "[1,]"), NO(1, "[,1]"), NO(1, "[,]"), NO(3, "[1,,2]"),
    NO(3, "[1 2]"), NO(2, "[1"), NO(3, "[1,"), NO(5, "[[]  "), NO(3, "[\"\"\"\"]"), NO(3, "[[][]]"),
    NO(3, "[{}{}]"), NO(2, "[1:2]"), NO(2, "[]1"), NO(2, "{}{}"), NO(3, "[] []"), NO(4, "null,"),
    NO(5, "null null"), NO(2, "1 2"), NO(1, "1,"), NO(2, "[],"), NO(2, "[]:"), NO(2, "\"\":1"), NO(4, "nulll"),
    NO(1, "nxl"), NO(3, "nul"), NO(1, "n"), NO(0, "Null"), NO(1, "nULL"), NO(4, "true1"), NO(4, "truefalse"),
    NO(3, "falze"), NO(2, "tr"), NO(3, "[tr]"), NO(0, "undefined"), NO(1, "nan"), NO(0, "NaN"), NO(0, "Infinity"),
    NO(1, "-Infinity"), NO(0, "a"), NO(0, "'a'"), NO(0, "/**/1"), NO(2, "1 //x"), NO(2, "[]#"), NO(3, "fal\x01"),
    NO(0, "+1"), NO(0, ".5"), NO(1, "-"), NO(1, "-.5"), NO(1, "--1"), NO(1, "-+1"), NO(1, "- 1"), NO(2, "1."),
    NO(2, "1.e1"), NO(2, "1.."), NO(3, "1.5.5"), NO(1, "01"), NO(1, "00"), NO(2, "-01"), NO(1, "0x1"), NO(2, "1e"),
    NO(2, "1E"), NO(3, "1e+"), NO(3, "1e-"), NO(3, "1e++1"), NO(3, "1e1e1"), NO(3, "1e1.5"), NO(2, "0e"),
    NO(2, "[-]"), NO(3, "[1.]"), NO(2, "[01]"), NO(3, "[1e]"), NO(1, "1a"), NO(1, "1_000"), NO(1, "0b1"),
    NO(1, "1f"), NO(3, "[2.]"), NO(1, "[+1]"), NO(4, "[1e+]"), NO(3, "[-0x1]"), NO(2, "0.a"), NO(1, "1\0"),
    NO(2, "[1\0]"), NO(1, "1\""), NO(1, "1{"), NO(1, "1["), NO(1, "1-"), NO(4, "{\"a\""), NO(4, "{\"a\"}"),
    NO(5, "{\"a\":"), NO(5, "{\"a\":}"), NO(7, "{\"a\":1,}"), NO(6, "{\"a\":1:2}"), NO(1, "{,}"), NO(1, "{a:1}"),
    NO(1, "{1:1}"), NO(1, "{null:1}"), NO(1, "{[]:1}"), NO(1, "{'a':1}"), NO(4, "{\"a\",1}"), NO(4, "{\"a\"1}"),
    NO(5, "{\"a\" 1}"), NO(5, "{\"a\"::1}"), NO(7, "{\"a\":1 \"b\":2}"), NO(6, "{\"a\":1"), NO(7, "{\"a\":1,"),
    NO(8, "{\"a\":1, ,}"), NO(7, "{\"a\":1,1}"), NO(6, "{\"a\":[}"), NO(5, "{\"a\":\0}"), NO(10, "{\"a\":true}x"),
    NO(2, "{\""), NO(3, "{\"a"), NO(2, "[{"), NO(2, "{ a}"), NO(2, "[]{"), NO(1, "\""), NO(2, "\"a"), NO(2, "\"\\"),
    NO(3, "\"\\\""), NO(2, "\"\\x41\""), NO(2, "\"\\a\""), NO(2, "\"\\'\""), NO(2, "\"\\0\""), NO(2, "\"\\U0041\""),
    NO(2, "\"\\ \""), NO(2, "\"\\\n\""), NO(2, "\"\\\0\""), NO(2, "\"\\\xc3\xa9\""), NO(3, "\"\\u\""),
    NO(4, "\"\\u0\""), NO(6, "\"\\u004\""), NO(5, "\"\\u00g0\""), NO(3, "\"\\uxyzw\""), NO(3, "\"\\u-123\""),
    NO(3, "\"\\u+123\""), NO(6, "\"\\u123\xc3\xa9\""), NO(6, "\"\\u123"), NO(12, "\"\\ud800\\udc0\""),
    NO(9, "\"\\ud800\\ug\""), NO(13, "\"\\ud83d\\ude00"), NO(7, "\"\\ud83d"), NO(2, "\"\"\""), NO(2, "\"\"a"),
    NO(2, "\"\xc3"), NO(4, "\"\xf0\x9f\x98"), NO(1, "\"\n\""), NO(1, "\"\t\""), NO(1, "\"\x1f\""), NO(1, "\"\0\""),
    NO(2, "\"a\x01\""), NO(9, "\"01234567\x1f\""), NO(17, "\"0123456789abcdef\n\""), NO(2, "[\"\r\"]"),
    NO(2, "{\"\n\":1}"), BAD(4, "\"\\udc00\""), BAD(4, "\"\\uDFFF\\ud800\""), BAD(7, "\"\\ud800\""),
    BAD(7, "\"\\ud800x\""), BAD(8, "\"\\ud800\\n\""), BAD(9, "\"\\ud800\\u0041\""),
    BAD(10, "\"\\ud800\\ud800\\udc00\""), BAD(10, "\"\\ud800\\ud7ff\""), BAD(9, "\"\\udbff\\ue000\""),
    BAD(7, "\"\\ud800\xf0\x9f\x98\x80\""), BAD(5, "[\"\\udc00\"]"), BAD(5, "{\"\\udc00\":1}"), BAD(1, "\"\x80\""),
    BAD(1, "\"\xbf\""), BAD(1, "\"\xc0\x80\""), BAD(1, "\"\xc1\xbf\""), BAD(2, "\"\xc2\""), BAD(2, "\"\xc3\x28\""),
    BAD(2, "\"\xe0\x80\x80\""), BAD(2, "\"\xe0\x9f\xbf\""), BAD(2, "\"\xed\xa0\x80\""), BAD(2, "\"\xed\xbf\xbf\""),
    BAD(3, "\"\xe2\x82\""), BAD(2, "\"\xe2\x28\xa1\""), BAD(3, "\"\xe2\x82\x28\""), BAD(2, "\"\xf0\x80\x80\x80\""),
    BAD(2, "\"\xf0\x8f\xbf\xbf\""), BAD(2, "\"\xf4\x90\x80\x80\""), BAD(1, "\"\xf5\x80\x80\x80\""),
    BAD(1, "\"\xfe\""), BAD(1, "\"\xff\""), BAD(4, "\"\xf0\x9f\x98\""), BAD(2, "\"\xc3\\n\""), BAD(2, "\"\xc3\n\""),
    BAD(3, "\"\xc3\xa9\xa9\""), BAD(9, "\"01234567\x80\""), BAD(2, "{\"\xff\":1}"),
    { D31 "[[", 33, MCPT_E_DEPTH, 32 }, { D31 "[{", 33, MCPT_E_DEPTH, 32 },
    { O31 "[[", sizeof(O31 "[[") - 1, MCPT_E_DEPTH, 156 },
    { O31 "{\"a\":{", sizeof(O31 "{\"a\":{") - 1, MCPT_E_DEPTH, 160 },
};

typedef struct verdict {
    mcpt_err err;
    uint32_t at;
    mcpt_span found[32];
} verdict;

/* Feeds text[0..cut) at once and the rest in pieces of step bytes, each against a guard page. */
static verdict scan(const mcpt_pick *picks, size_t npicks, const char *text, size_t len, size_t cut, size_t step,
    bool at_end)
{
    verdict v;
    mcpt_scan s;
    size_t from = 0;

    memset(&v, 0, sizeof(v));
    mcpt_scan_init(&s, picks, npicks, v.found);
    v.err = MCPT_PENDING;
    for (size_t n = cut; v.err >= 0; n = step) {
        n = n < len - from ? n : len - from;
        v.err = mcpt_scan_feed(&s, guarded(text + from, n, at_end), n);
        from += n;
        if (from == len) {
            break;
        }
    }
    if (v.err >= 0) {
        v.err = mcpt_scan_end(&s);
    } else {
        CHECK(mcpt_scan_feed(&s, "x", 1) == v.err && mcpt_scan_end(&s) == v.err);
    }
    v.at = s.at;
    for (size_t i = 0; i < npicks; i++) {
        v.found[i].at = v.found[i].len != 0 ? v.found[i].at : 0;
    }
    return v;
}

static bool same(const verdict *a, const verdict *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* The verdict must not depend on how the text arrives. */
static verdict scan_all_ways(const mcpt_pick *picks, size_t npicks, const char *text, size_t len)
{
    verdict whole = scan(picks, npicks, text, len, len, len, true);
    verdict other = scan(picks, npicks, text, len, len, len, false);

    CHECK(same(&whole, &other));
    other = scan(picks, npicks, text, len, 1, 1, true);
    CHECK(same(&whole, &other));
    for (size_t cut = 0; cut <= len; cut++) {
        other = scan(picks, npicks, text, len, cut, len, true);
        CHECK(same(&whole, &other));
    }
    return whole;
}

static const mcpt_pick root_only[] = { MCPT_PICK("", 0) };

static void expect(const row *r)
{
    verdict v = scan_all_ways(root_only, 1, r->text, r->len);
    verdict none = scan(NULL, 0, r->text, r->len, r->len, 1, true);
    mcpt_tok tok[512];
    mcpt_doc d;
    mcpt_err e = mcpt_parse(&d, mcpt__mk(guarded(r->text, r->len, true), r->len), tok, MCPT_COUNT(tok));

    if (v.err != r->err || v.at != r->at) {
        printf("%.*s: error %d at %u instead of %d at %zu\n", (int)r->len, r->text, (int)v.err, (unsigned)v.at,
            (int)r->err, r->at);
    }
    CHECK(v.err == r->err && v.at == r->at && none.err == v.err && none.at == v.at);
    if (r->err < 0) {
        CHECK(e == r->err && d.err_pos == r->at && mcpt_typeof(mcpt_root(&d)) == MCPT_ABSENT);
    } else if (e == MCPT_OK) {
        mcpt_str raw = mcpt_raw(mcpt_root(&d));
        CHECK(v.found[0].len == raw.len && d.text.ptr + v.found[0].at == raw.ptr);
    } else {
        CHECK(e == MCPT_E_DUPLICATE);
    }
}

static void documents(void)
{
    CHECK(MCPT_COUNT(accepted) + MCPT_COUNT(rejected) > 150);
    for (size_t i = 0; i < MCPT_COUNT(accepted); i++) {
        expect(&accepted[i]);
    }
    for (size_t i = 0; i < MCPT_COUNT(rejected); i++) {
        expect(&rejected[i]);
    }
}

/* Any text, valid or not: mutations of valid ones, whole and byte by byte. */
static uint32_t next_random(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

static void mutations(void)
{
    static const char bytes[] = "{}[]:,\"\\u0123456789dDcCfF-+.eE ntrueals\n\x01\x7f\x80\xc2\xe0\xed\xa0\xf0\x9f\xf4\xff";
    uint32_t x = 2463534242u;

    for (size_t i = 0; i < MCPT_COUNT(accepted); i++) {
        for (int k = 0; k < 60; k++) {
            char text[256];
            size_t len = accepted[i].len;
            verdict whole;
            verdict other;
            memcpy(text, accepted[i].text, len);
            for (uint32_t n = 1 + next_random(&x) % 3; n != 0; n--) {
                text[next_random(&x) % len] = bytes[next_random(&x) % (sizeof(bytes) - 1)];
            }
            whole = scan(root_only, 1, text, len, len, len, true);
            other = scan(root_only, 1, text, len, 1, 1, true);
            CHECK(same(&whole, &other));
            other = scan(root_only, 1, text, len, next_random(&x) % (len + 1), 1 + next_random(&x) % 9, true);
            CHECK(same(&whole, &other));
            other = scan(root_only, 1, text, len, whole.at, 1, true);   /* the error needs no look ahead */
            CHECK(same(&whole, &other));
        }
    }
}

/* --------------------------------------------------------------------------------------------------- picks */

enum { R_ROOT, R_ID, R_METHOD, R_PARAMS, R_ERROR, R_META, R_NAME, R_ARGUMENTS, R_EMPTY, R_CODE, R_TOKEN, R_LONG,
    R_EURO, R_COUNT };
#define KEY47 "a23456789b123456789c123456789d123456789e1234567"
static const mcpt_pick picks[R_COUNT] = {
    MCPT_PICK("", 0), MCPT_PICK("id", 0), MCPT_PICK("method", 0), MCPT_PICK("params", 0), MCPT_PICK("error", 0),
    MCPT_PICK("_meta", R_PARAMS), MCPT_PICK("name", R_PARAMS), MCPT_PICK("arguments", R_PARAMS),
        MCPT_PICK("", R_PARAMS),
    MCPT_PICK("code", R_ERROR), MCPT_PICK("progressToken", R_META), MCPT_PICK(KEY47, R_META),
    MCPT_PICK("\xe2\x82\xac\xf0\x9f\x98\x80", R_META)
};

static void picked(const char *text, int n, const int *rows, const char *const *values)
{
    size_t len = strlen(text);
    verdict v = scan_all_ways(picks, R_COUNT, text, len);

    CHECK(v.err == MCPT_OK && v.found[0].len != 0);
    for (int i = 1; i < R_COUNT; i++) {
        const char *want = "";
        for (int k = 0; k < n; k++) {
            want = rows[k] == i ? values[k] : want;
        }
        if (v.found[i].len != strlen(want) || memcmp(text + v.found[i].at, want, v.found[i].len) != 0) {
            printf("%s: row %d is %.*s, not %s\n", text, i, (int)v.found[i].len, text + v.found[i].at, want);
        }
        CHECK(v.found[i].len == strlen(want) && memcmp(text + v.found[i].at, want, v.found[i].len) == 0);
    }
}

#define PICKED1(text, r, a) do { static const int r_[] = { r }; static const char *const v_[] = { a }; \
    picked(text, 1, r_, v_); } while (0)
#define PICKED2(text, r, a, s, b) do { static const int r_[] = { r, s }; static const char *const v_[] = { a, b }; \
    picked(text, 2, r_, v_); } while (0)
#define PICKED3(text, r, a, s, b, t, c) do { static const int r_[] = { r, s, t }; \
    static const char *const v_[] = { a, b, c }; picked(text, 3, r_, v_); } while (0)

static void picking(void)
{
    static const int all[] = { R_ID, R_METHOD, R_PARAMS, R_NAME, R_ARGUMENTS, R_META, R_TOKEN };
    static const char *const values[] = {
        "17", "\"tools\\/call\"",
            "{\"arguments\":{\"name\":\"x\",\"id\":[{}]}, \"_meta\" : {\"progressToken\":\"p\"} ,\"name\":\"echo\"}",
        "\"echo\"", "{\"name\":\"x\",\"id\":[{}]}", "{\"progressToken\":\"p\"}", "\"p\""
    };
    picked("{\"jsonrpc\":\"2.0\", \"id\" :17 ,\"method\":\"tools\\/call\",\"params\":{\"arguments\":{\"name\":\"x\",\"id\":[{}]},"
           " \"_meta\" : {\"progressToken\":\"p\"} ,\"name\":\"echo\"} }", 7, all, values);
    PICKED1("{\"id\":1}", R_ID, "1");
    PICKED1("{\"id\": -1.5e3 }", R_ID, "-1.5e3");
    PICKED1("{\"x\":{\"id\":1},\"id\":null,\"y\":[{\"id\":2}]}", R_ID, "null");
    PICKED1("{\"id\":[1,[{\"id\":2}],{}]}", R_ID, "[1,[{\"id\":2}],{}]");
    PICKED2("{\"\\u0069\\u0064\":true,\"met\\u0068od\":\"\"}", R_ID, "true", R_METHOD, "\"\"");
    PICKED3("{\"params\":{\"arguments\":{},\"name\":1}}", R_PARAMS, "{\"arguments\":{},\"name\":1}", R_ARGUMENTS,
        "{}", R_NAME, "1");
    PICKED1("{\"params\":[{\"name\":1}]}", R_PARAMS, "[{\"name\":1}]");
    PICKED1("{\"params\":\"{\\\"name\\\":1}\"}", R_PARAMS, "\"{\\\"name\\\":1}\"");
    PICKED2("{\"params\":{\"\":0}}", R_PARAMS, "{\"\":0}", R_EMPTY, "0");
    PICKED3("{\"error\":{\"code\":-1},\"params\":{}}", R_ERROR, "{\"code\":-1}", R_PARAMS, "{}", R_CODE, "-1");
    PICKED3("{\"error\":{\"code\":-1,\"name\":2},\"code\":3,\"id\":4}", R_ERROR, "{\"code\":-1,\"name\":2}",
        R_CODE, "-1", R_ID, "4");
    PICKED3("{\"params\":{\"_meta\":{\"" KEY47 "\":1}}}", R_PARAMS, "{\"_meta\":{\"" KEY47 "\":1}}", R_META,
            "{\"" KEY47 "\":1}", R_LONG, "1");
    PICKED2("{\"params\":{\"_meta\":{\"" KEY47 "8\":1,\"" KEY47 "89\":1,\"x" KEY47 KEY47 KEY47 KEY47 KEY47 KEY47 "\":1}}}", R_PARAMS,
            "{\"_meta\":{\"" KEY47 "8\":1,\"" KEY47 "89\":1,\"x" KEY47 KEY47 KEY47 KEY47 KEY47 KEY47 "\":1}}",
                R_META,
            "{\"" KEY47 "8\":1,\"" KEY47 "89\":1,\"x" KEY47 KEY47 KEY47 KEY47 KEY47 KEY47 "\":1}");
    PICKED3("{\"params\":{\"_meta\":{\"\\u20ac\\ud83d\\ude00\":[]}}}", R_PARAMS,
        "{\"_meta\":{\"\\u20ac\\ud83d\\ude00\":[]}}", R_META,
            "{\"\\u20ac\\ud83d\\ude00\":[]}", R_EURO, "[]");
    PICKED3("{\"params\":{\"_meta\":{\"\xe2\x82\xac\xf0\x9f\x98\x80\":[]}}}", R_PARAMS,
        "{\"_meta\":{\"\xe2\x82\xac\xf0\x9f\x98\x80\":[]}}",
            R_META, "{\"\xe2\x82\xac\xf0\x9f\x98\x80\":[]}", R_EURO, "[]");
    PICKED1("{\"i\":1,\"idx\":2,\"i\\u0000\":3,\"Id\":4,\"id\":5}", R_ID, "5");
    PICKED1("{\"a\\n\":1,\"id\":5}", R_ID, "5");
    PICKED1("{\"params\":{}}", R_PARAMS, "{}");
    picked("[{\"id\":1}]", 0, NULL, NULL);
    picked("\"id\"", 0, NULL, NULL);
    picked("{}", 0, NULL, NULL);
}

/* Values of picked members outlive the pieces they came in; one that finds no room is dropped, or ends the reading. */
static void keeping(void)
{
    static const mcpt_pick rows[] = { MCPT_PICK("", 0), MCPT_PICK("issuer", 0), MCPT_PICK("list", 0), MCPT_PICK("in", 0),
                                      MCPT_PICK("n", 0), MCPT_PICK("deep", 3), MCPT_PICK("n", 3) };
    static const char text[] = "{\"x\":[1,2],\"n\":12.5e1,\"issuer\" : \"https:\\/\\/as\\u00e9\",\"in\":{\"n\":{},\"y\":\"z\",\"deep\":true},"
                               "\"list\":[\"a\",{\"issuer\":1}]} ";
    static const char *const values[] = { NULL, "\"https:\\/\\/as\\u00e9\"", "[\"a\",{\"issuer\":1}]", NULL, "12.5e1", "true", "{}" };
    const size_t n = sizeof(text) - 1, need = 20 + 18 + 6 + 4 + 2;
    char buf[64];

    for (size_t cap = 0; cap <= need; cap++) {
        for (size_t cut = 0; cut <= n; cut++) {             /* in two pieces; the last round: byte by byte */
            mcpt_span found[7];
            mcpt_keep k;
            mcpt_err e = MCPT_PENDING;
            size_t at = 0, held = 0;
            mcpt_keep_init(&k, rows, 7, found, guarded(buf, cap, true), cap);
            k.optional = cap % 2 == 0 ? 0 : 1u << 1 | 1u << 2 | 1u << 4 | 1u << 5 | 1u << 6;
            while (at < n && e >= 0) {
                size_t take = cut == n ? 1 : at == 0 && cut > 0 ? cut : n - at;
                e = mcpt_keep_feed(&k, guarded(text + at, take, false), take);
                at += take;
            }
            e = e < 0 ? e : mcpt_keep_end(&k);
            CHECK(e == (cap == need || k.optional != 0 ? MCPT_OK : MCPT_E_SPACE));
            CHECK(cap < need || k.dropped == 0);
            for (unsigned i = 0; i < 7 && e == MCPT_OK; i++) {
                mcpt_str v = mcpt_kept(&k, i);
                CHECK(values[i] == NULL || (k.dropped >> i & 1) != 0 ? v.ptr == NULL : mcpt_str_is(v, values[i]));
                held += v.len;
            }
            CHECK(e != MCPT_OK || (held <= cap && held == k.len));
        }
    }
}

static void twice(const char *text, size_t at)
{
    verdict v = scan_all_ways(picks, R_COUNT, text, strlen(text));

    if (v.err != MCPT_E_DUPLICATE || v.at != at) {
        printf("%s: error %d at %u\n", text, (int)v.err, (unsigned)v.at);
    }
    CHECK(v.err == MCPT_E_DUPLICATE && v.at == at);
}

static void duplicates_picked(void)
{
    twice("{\"id\":1,\"id\":2}", 11);
    twice("{\"method\":1,\"\\u006dethod\":2}", 24);
    twice("{\"id\":{\"id\":1},\"x\":1,\"\\u0069d\":2}", 29);
    twice("{\"params\":{\"name\":1,\"name\"", 25);
    twice("{\"params\":{\"\":1,\"\":2}}", 17);
    twice("{\"params\":{},\"params\":1}", 20);
    twice("{\"params\":{\"_meta\":{},\"arguments\":{},\"_meta\":0}}", 43);
    PICKED1("{\"id\":1,\"x\":0,\"x\":0}", R_ID, "1");
    PICKED2("{\"id\":{\"name\":1,\"name\":2},\"params\":{}}", R_ID, "{\"name\":1,\"name\":2}", R_PARAMS, "{}");
}

static void scan_limits(void)
{
    mcpt_scan s;
    mcpt_span found[1];

    mcpt_scan_init(&s, root_only, 1, found);
    CHECK(mcpt_scan_feed(&s, NULL, 0) == MCPT_PENDING && mcpt_scan_feed(&s, "1", 1) == MCPT_PENDING);
    CHECK(mcpt_scan_feed(&s, " ", 1) == MCPT_OK && found[0].at == 0 && found[0].len == 1);
    CHECK(mcpt_scan_feed(&s, NULL, 0) == MCPT_OK && mcpt_scan_end(&s) == MCPT_OK && mcpt_scan_end(&s) == MCPT_OK);
    mcpt_scan_init(&s, root_only, 1, found);
    CHECK(mcpt_scan_feed(&s, "  {}", 4) == MCPT_OK && found[0].at == 2 && found[0].len == 2);
    mcpt_scan_init(&s, root_only, 1, found);
    CHECK(mcpt_scan_feed(&s, "-", 1) == MCPT_PENDING && mcpt_scan_end(&s) == MCPT_E_JSON && s.at == 1);
    mcpt_scan_init(&s, root_only, 1, found);
    CHECK(mcpt_scan_feed(&s, "[1", 2) == MCPT_PENDING);
    s.at = UINT32_MAX - 2;                                  /* as if 4 GiB of elements had come */
    CHECK(mcpt_scan_feed(&s, ",1", 2) == MCPT_PENDING && s.at == UINT32_MAX);
    CHECK(mcpt_scan_feed(&s, "]", 1) == MCPT_E_LIMIT && mcpt_scan_end(&s) == MCPT_E_LIMIT && s.at == UINT32_MAX);
}

/* -------------------------------------------------------------------------------------------------- writer */

static const char sample_bytes[] = "\x00\x01\xfe\xff" "0123456789012345678901234567890123456789";

static void sample(mcpt_writer *w)
{
    mcpt_obj(w);
    mcpt_kv_z(w, "type", "text");
    mcpt_kv_z(w, "left out", NULL);
    mcpt_kv_str(w, "q\"\\/", mcpt__mk("a\0\x1f\b\t\n\v\f\r\x7f", 10));
    mcpt_key(w, "n");
    mcpt_arr(w);
    mcpt_put_int(w, -1);
    mcpt_put_fix(w, 2137, 2);
    mcpt_put_bool(w, true);
    mcpt_put_null(w);
    mcpt_put_z(w, NULL);
    mcpt_put_str(w, mcpt__mk(NULL, 0));
    mcpt_put_str(w, mcpt__mk("", 0));
    mcpt_arr(w);
    mcpt_end(w);
    mcpt_obj(w);
    mcpt_end(w);
    mcpt_end(w);
    mcpt_kv_int(w, "", INT64_MIN);
    mcpt_kv_fix(w, "f", -5, 2);
    mcpt_kv_bool(w, "b", false);
    mcpt_kv_raw(w, "r", mcpt_z("\r\n{\n\t\"x\":\r[1,\"\x7f\"]\n\n}\n"));
    mcpt_kv_raw(w, "absent", mcpt__mk(NULL, 0));
    mcpt_key_str(w, mcpt__mk("\xe2\x82\xac\xf0\x9f\x98\x80 plain text that is longer", 33));
    mcpt_str_begin(w);
    mcpt_str_add(w, mcpt_z("a\""));
    mcpt_str_add(w, mcpt_z(""));
    mcpt_str_add(w, mcpt__mk(NULL, 0));
    mcpt_str_add(w, mcpt_z("\xc3\xa9z"));
    mcpt_str_end(w);
    mcpt_key(w, "d");
    mcpt_put_b64(w, sample_bytes, 44);
    mcpt_end(w);
}

static const char sample_text[] =
    "{\"type\":\"text\",\"q\\\"\\\\/\":\"a\\u0000\\u001f\\b\\t\\n\\u000b\\f\\r\x7f\",\"n\":[-1,21.37,true,null,null,null,\"\",[],{}],"
    "\"\":-9223372036854775808,\"f\":-0.05,\"b\":false,\"r\":{\t\"x\":[1,\"\x7f\"]},\"absent\":null,"
    "\"\xe2\x82\xac\xf0\x9f\x98\x80 plain text that is longer\":\"a\\\"\xc3\xa9z\","
    "\"d\":\"AAH+/zAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODk=\"}";

static void writer_lengths(void)
{
    size_t n = sizeof(sample_text) - 1;
    mcpt_writer w;
    mcpt_str out;

    mcpt_w_init(&w, NULL, 99);
    sample(&w);
    CHECK(mcpt_w_done(&w, &out) == MCPT_OK && w.total == n && w.len == 0 && out.len == 0 && w.user == NULL);
    for (size_t cap = 0; cap <= n + 1; cap++) {
        for (int end = 0; end < 2; end++) {
            char *buf = guarded(NULL, 0, false);
            buf = end ? guarded(NULL, 0, true) - cap : buf;
            mcpt_w_init(&w, buf, cap);
            sample(&w);
            CHECK(mcpt_w_done(&w, &out) == (cap < n ? MCPT_E_SPACE : MCPT_OK));
            CHECK(w.total == n && w.len == (cap < n ? cap : n) && memcmp(buf, sample_text, w.len) == 0);
            CHECK(cap < n ? out.ptr == NULL && out.len == 0 : out.ptr == buf && out.len == n);
        }
    }
}

static void writer_windows(void)
{
    size_t n = sizeof(sample_text) - 1;
    char text[sizeof(sample_text) + 2];
    mcpt_writer w;
    mcpt_str out;

    for (size_t cap = 1; cap <= n + 1; cap++) {             /* every window, one after the other */
        size_t have = 0;
        while (have < n) {
            char *buf = guarded(NULL, 0, true) - cap;
            mcpt_w_init(&w, buf, cap);
            w.flags |= MCPT_W_WINDOW;
            w.skip = have;
            sample(&w);
            CHECK(mcpt_w_done(&w, &out) == MCPT_OK && w.total == n && out.ptr == buf && out.len == w.len &&
                w.len != 0);
            if (out.len == 0 || have + out.len > n) {
                break;
            }
            memcpy(text + have, out.ptr, out.len);
            have += out.len;
        }
        CHECK(have == n && memcmp(text, sample_text, n) == 0);
    }
    for (size_t skip = 0; skip <= n + 2; skip++) {          /* every skip, a few windows */
        for (size_t cap = 0; cap < 20; cap++) {
            char *buf = guarded(NULL, 0, true) - cap;
            size_t want = skip >= n ? 0 : n - skip < cap ? n - skip : cap;
            mcpt_w_init(&w, buf, cap);
            w.flags |= MCPT_W_WINDOW;
            w.skip = skip;
            sample(&w);
            CHECK(mcpt_w_done(&w, NULL) == MCPT_OK && w.total == n && w.len == want);
            CHECK(memcmp(buf, sample_text + (skip < n ? skip : n), want) == 0);
        }
    }
}

/* o a e: object, array, end; k: key; v: value; r: raw; b + q: a string in parts; d: deepest nesting that works;
 * u: invalid UTF-8; f: a number with too many decimals; j: a key that is absent */
static mcpt_err written(const char *verbs, char *buf, size_t cap, size_t *total)
{
    mcpt_writer w;

    mcpt_w_init(&w, buf, cap);
    for (; *verbs != '\0'; verbs++) {
        switch (*verbs) {
        case 'o': mcpt_obj(&w); break;
        case 'a': mcpt_arr(&w); break;
        case 'e': mcpt_end(&w); break;
        case 'k': mcpt_key(&w, "k"); break;
        case 'v': mcpt_put_int(&w, 1); break;
        case 's': mcpt_put_z(&w, "s"); break;
        case 'r': mcpt_put_raw(&w, mcpt_z("[]")); break;
        case 'b': mcpt_str_begin(&w); break;
        case '+': mcpt_str_add(&w, mcpt_z("+")); break;
        case 'q': mcpt_str_end(&w); break;
        case 'd': for (int i = 0; i < MCPT_MAX_DEPTH; i++) { mcpt_arr(&w); } break;
        case 'D': for (int i = 0; i < MCPT_MAX_DEPTH; i++) { mcpt_end(&w); } break;
        case 'u': mcpt_put_z(&w, "ab\xc3"); break;
        case 'f': mcpt_put_fix(&w, 1, 19); break;
        case 'j': mcpt_key(&w, NULL); break;
        case '6': mcpt_put_b64(&w, "abc", 3); break;
        default: CHECK(0); break;
        }
    }
    *total = w.total;
    return mcpt_w_done(&w, NULL);
}

static void writer_misuse(void)
{
    static const struct { const char *verbs; mcpt_err err; } rows[] = {
        { "v", MCPT_OK }, { "s", MCPT_OK }, { "r", MCPT_OK }, { "oe", MCPT_OK }, { "ae", MCPT_OK },
            { "okve", MCPT_OK },
        { "okvkse", MCPT_OK }, { "avvvaeoee", MCPT_OK }, { "okaekoee", MCPT_OK }, { "bq", MCPT_OK },
            { "b++q", MCPT_OK },
        { "okb+qkve", MCPT_OK }, { "ab+qbqe", MCPT_OK }, { "dD", MCPT_OK }, { "6", MCPT_OK }, { "ok6e", MCPT_OK },
        { "", MCPT_E_STATE }, { "o", MCPT_E_STATE }, { "a", MCPT_E_STATE }, { "e", MCPT_E_STATE },
            { "oee", MCPT_E_STATE },
        { "aee", MCPT_E_STATE }, { "vv", MCPT_E_STATE }, { "oeoe", MCPT_E_STATE }, { "aev", MCPT_E_STATE },
            { "ove", MCPT_E_STATE },
        { "ooe", MCPT_E_STATE }, { "oke", MCPT_E_STATE }, { "okkve", MCPT_E_STATE }, { "okvve", MCPT_E_STATE },
            { "k", MCPT_E_STATE },
        { "akve", MCPT_E_STATE }, { "kv", MCPT_E_STATE }, { "okokvee", MCPT_OK }, { "okakvee", MCPT_E_STATE },
            { "ok", MCPT_E_STATE },
        { "b", MCPT_E_STATE }, { "q", MCPT_E_STATE }, { "+", MCPT_E_STATE }, { "bb", MCPT_E_STATE },
            { "bvq", MCPT_E_STATE },
        { "bqq", MCPT_E_STATE }, { "bq+", MCPT_E_STATE }, { "abeq", MCPT_E_STATE }, { "obq", MCPT_E_STATE },
            { "okbkq", MCPT_E_STATE },
        { "dDv", MCPT_E_STATE }, { "dDe", MCPT_E_STATE }, { "bqbq", MCPT_E_STATE }, { "o6e", MCPT_E_STATE },
        { "da", MCPT_E_DEPTH }, { "dae", MCPT_E_DEPTH }, { "daD", MCPT_E_DEPTH }, { "doeD", MCPT_E_DEPTH },
        { "u", MCPT_E_UTF8 }, { "aue", MCPT_E_UTF8 }, { "uv", MCPT_E_UTF8 }, { "f", MCPT_E_ARG },
            { "ojve", MCPT_E_ARG },
    };

    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        size_t total;
        size_t measured;
        mcpt_err e = written(rows[i].verbs, NULL, 0, &measured);
        if (e != rows[i].err) {
            printf("%s: %d\n", rows[i].verbs, (int)e);
        }
        CHECK(e == rows[i].err);
        for (size_t cap = 0; cap <= measured + 1; cap++) {  /* what is wrong does not depend on the room */
            e = written(rows[i].verbs, guarded(NULL, 0, true) - cap, cap, &total);
            CHECK(total == measured && e == (rows[i].err == MCPT_OK && cap < total ? MCPT_E_SPACE : rows[i].err));
        }
    }
}

static mcpt_str put(char *buf, size_t cap, int64_t v, unsigned decimals)
{
    mcpt_writer w;
    mcpt_str out;

    mcpt_w_init(&w, buf, cap);
    mcpt_put_fix(&w, v, decimals);
    CHECK(mcpt_w_done(&w, &out) == MCPT_OK);
    return out;
}

static void writer_numbers(void)
{
    static const struct { int64_t v; unsigned decimals; const char *text; } rows[] = {
        { 0, 0, "0" }, { 7, 0, "7" }, { -7, 0, "-7" }, { 10, 0, "10" }, { INT64_MAX, 0, "9223372036854775807" },
        { INT64_MIN, 0, "-9223372036854775808" }, { 0, 2, "0.00" }, { 5, 2, "0.05" }, { -5, 2, "-0.05" },
            { -50, 2, "-0.50" },
        { 100, 2, "1.00" }, { -123, 2, "-1.23" }, { 2137, 2, "21.37" }, { 1, 18, "0.000000000000000001" },
        { INT64_MIN, 18, "-9.223372036854775808" }, { INT64_MIN, 1, "-922337203685477580.8" },
            { INT64_MAX, 18, "9.223372036854775807" },
        { 4294967295, 0, "4294967295" }, { 4294967296, 0, "4294967296" }, { 42949672960, 0, "42949672960" },
            { 65535, 0, "65535" },
        { 1000000000000000000, 0, "1000000000000000000" }, { -1000000000000000000, 18, "-1.000000000000000000" },
    };
    char buf[32];
    char want[32];
    uint32_t x = 88172645u;

    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        CHECK(mcpt_str_is(put(buf, sizeof(buf), rows[i].v, rows[i].decimals), rows[i].text));
    }
    for (int i = 0; i < TEST_STEPS(20000, 2000); i++) {
        uint64_t u = (uint64_t)next_random(&x) << 32 | next_random(&x);
        int64_t v = (int64_t)(u >> (next_random(&x) & 63u));
        v = (x & 1u) != 0 ? -v : v;
        snprintf(want, sizeof(want), "%lld", (long long)v);
        CHECK(mcpt_str_is(put(buf, sizeof(buf), v, 0), want));
    }
}

static void writer_strings(void)
{
    static const char *const bad[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc3\x28", "\xe0\x80\x80", "\xed\xa0\x80", "\xe2\x82",
            "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xf0\x9f\x98", "0123456789abcde\xe2\x82",
            "\xe2\x82\xac\xe2\x82", "a\xffz"
    };
    char buf[64];
    mcpt_writer w;
    mcpt_str out;

    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        size_t n = strlen(bad[i]);
        mcpt_w_init(&w, buf, sizeof(buf));
        mcpt_put_str(&w, mcpt__mk(guarded(bad[i], n, true), n));
        CHECK(mcpt_w_done(&w, NULL) == MCPT_E_UTF8);
        mcpt_w_init(&w, buf, sizeof(buf));
        mcpt_str_begin(&w);
        mcpt_str_add(&w, mcpt_z(bad[i]));
        mcpt_str_end(&w);
        CHECK(mcpt_w_done(&w, NULL) == MCPT_E_UTF8);
        mcpt_w_init(&w, buf, sizeof(buf));
        mcpt_obj(&w);
        mcpt_key(&w, bad[i]);
        mcpt_put_int(&w, 1);
        mcpt_end(&w);
        CHECK(mcpt_w_done(&w, NULL) == MCPT_E_UTF8);
    }
    for (unsigned c = 0; c < 0x80; c++) {                   /* every byte at every place of a word */
        static const char letters[] = "btn.fr";
        for (size_t at = 0; at < 17; at++) {
            char text[17];
            char want[40];
            int n;
            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            n = sprintf(want, "\"%.*s", (int)at, "xxxxxxxxxxxxxxxx");
            if (c == '"' || c == '\\' || (c >= 8 && c <= 13 && c != 11)) {
                n += sprintf(want + n, "\\%c", c < 0x20 ? letters[c - 8] : (char)c);
            } else {
                n += sprintf(want + n, c < 0x20 ? "\\u%04x" : "%c", c);
            }
            sprintf(want + n, "%.*s\"", (int)(16 - at), "xxxxxxxxxxxxxxxx");
            mcpt_w_init(&w, buf, sizeof(buf));
            mcpt_put_str(&w, mcpt__mk(guarded(text, 17, true), 17));
            CHECK(mcpt_w_done(&w, &out) == MCPT_OK && mcpt_str_is(out, want));
        }
    }
    for (size_t n = 0; n < 120; n++) {                      /* base64 in pieces is base64 */
        char all[200];
        char pieces[200];
        char bytes[120];
        memset(bytes, 0xa5, sizeof(bytes));
        mcpt_w_init(&w, pieces, sizeof(pieces));
        mcpt_put_b64(&w, guarded(bytes, n, true), n);
        CHECK(mcpt_w_done(&w, &out) == MCPT_OK && out.len == 2 + mcpt_b64_encode(bytes, n, false, all,
            sizeof(all)));
        CHECK(memcmp(out.ptr + 1, all, out.len - 2) == 0);
    }
}

/* -------------------------------------------------------------------------------------------------- reader */

static mcpt_tok toks[1024];
static mcpt_doc doc;

static mcpt_val parsed(const char *text)
{
    CHECK(mcpt_parse(&doc, mcpt_z(text), toks, MCPT_COUNT(toks)) == MCPT_OK);
    return mcpt_root(&doc);
}

/* Writes a value again, from what the getters tell. */
static void copy(mcpt_writer *w, mcpt_val v)
{
    mcpt_val it = { NULL, 0 };
    mcpt_str key;
    mcpt_str s;
    char buf[512];
    bool b;
    size_t n = 0;

    switch (mcpt_typeof(v)) {
    case MCPT_OBJECT:
        mcpt_obj(w);
        while (mcpt_next(v, &it, &key)) {
            char raw[600];
            memcpy(raw, key.ptr - 1, key.len + 2);
            key.len = mcpt_unescape(mcpt__mk(raw, key.len + 2), buf, sizeof(buf));
            key.ptr = buf;
            CHECK(mcpt_get_key(v, key).at == it.at);
            mcpt_key_str(w, key);
            copy(w, it);
            n++;
        }
        CHECK(n == mcpt_size(v) && it.doc == NULL);
        mcpt_end(w);
        break;
    case MCPT_ARRAY:
        mcpt_arr(w);
        while (mcpt_next(v, &it, &key)) {
            CHECK(key.ptr == NULL && mcpt_at(v, n).at == it.at && mcpt_at(v, n).doc == it.doc);
            copy(w, it);
            n++;
        }
        CHECK(n == mcpt_size(v) && mcpt_typeof(mcpt_at(v, n)) == MCPT_ABSENT);
        mcpt_end(w);
        break;
    case MCPT_STRING:
        CHECK(mcpt_get_str(v, buf, sizeof(buf), &s) == MCPT_OK && mcpt_size(v) == 0 && !mcpt_next(v, &it, NULL));
        mcpt_put_str(w, s);
        break;
    case MCPT_NUMBER:
        mcpt_put_raw(w, mcpt_raw(v));
        break;
    case MCPT_BOOL:
        CHECK(mcpt_get_bool(v, &b) == MCPT_OK && mcpt_bool_or(v, !b) == b);
        mcpt_put_bool(w, b);
        break;
    case MCPT_NULL:
        mcpt_put_null(w);
        break;
    case MCPT_ABSENT:
    default:
        CHECK(0);
        break;
    }
}

static void round_trips(void)
{
    for (size_t i = 0; i < MCPT_COUNT(accepted); i++) {
        char first[600];
        char second[600];
        mcpt_writer w;
        mcpt_str text = mcpt__mk(guarded(accepted[i].text, accepted[i].len, true), accepted[i].len);
        mcpt_str a;
        mcpt_str b;
        uint32_t need;
        mcpt_err e = mcpt_parse(&doc, text, NULL, 0);
        CHECK(e == MCPT_E_TOKENS && doc.count > 0 && mcpt_typeof(mcpt_root(&doc)) == MCPT_ABSENT);
        need = doc.count;
        for (uint32_t n = 1; n < need; n++) {
            CHECK(mcpt_parse(&doc, text, toks + MCPT_COUNT(toks) - n, n) == MCPT_E_TOKENS && doc.count == need);
        }
        e = mcpt_parse(&doc, text, toks + MCPT_COUNT(toks) - need, need);
        if (e == MCPT_E_DUPLICATE) {
            CHECK(doc.err_pos == 9 && mcpt_typeof(mcpt_root(&doc)) == MCPT_ABSENT);
            continue;
        }
        CHECK(e == MCPT_OK && doc.count == need);
        mcpt_w_init(&w, first, sizeof(first));
        copy(&w, mcpt_root(&doc));
        CHECK(mcpt_w_done(&w, &a) == MCPT_OK);
        CHECK(mcpt_parse(&doc, a, toks, MCPT_COUNT(toks)) == MCPT_OK && doc.count == need);
        mcpt_w_init(&w, second, sizeof(second));
        copy(&w, mcpt_root(&doc));
        CHECK(mcpt_w_done(&w, &b) == MCPT_OK && mcpt_str_eq(a, b));
    }
}

static void walking(void)
{
    mcpt_val v = parsed(" {\"a\" : [1,[2,{\"x\":3}],\"s\"], \"o\":{\"k\\u0065y\":true,\"\":null}, \"\\ud83d\\ude00\":7, \"a\\\\b\":8} ");
    mcpt_val none = { NULL, 0 };
    mcpt_val it = none;
    mcpt_str key;
    int64_t i = -1;

    CHECK(mcpt_typeof(v) == MCPT_OBJECT && mcpt_size(v) == 4);
    CHECK(mcpt_int_or(mcpt_get(mcpt_at(mcpt_at(mcpt_get(v, "a"), 1), 1), "x"), 0) == 3);
    CHECK(mcpt_val_is(mcpt_at(mcpt_get(v, "a"), 2), "s") && mcpt_size(mcpt_get(v, "a")) == 3);
    CHECK(mcpt_bool_or(mcpt_get(mcpt_get(v, "o"), "key"), false) &&
        mcpt_typeof(mcpt_get(mcpt_get(v, "o"), "")) == MCPT_NULL);
    CHECK(mcpt_int_or(mcpt_get(v, "\xf0\x9f\x98\x80"), 0) == 7 && mcpt_int_or(mcpt_get(v, "a\\b"), 0) == 8);
    CHECK(mcpt_typeof(mcpt_get(v, "a\\\\b")) == MCPT_ABSENT && mcpt_typeof(mcpt_get(v,
        "\\ud83d\\ude00")) == MCPT_ABSENT);
    CHECK(mcpt_typeof(mcpt_get(v, "k\\u0065y")) == MCPT_ABSENT && mcpt_typeof(mcpt_get(v, "")) == MCPT_ABSENT);
    CHECK(mcpt_typeof(mcpt_get(v, "x")) == MCPT_ABSENT && mcpt_typeof(mcpt_get(v, "aa")) == MCPT_ABSENT);
    CHECK(mcpt_typeof(mcpt_get(v, NULL)) == MCPT_ABSENT && mcpt_typeof(mcpt_get_key(mcpt_get(v, "o"),
        mcpt_z(NULL))) == MCPT_ABSENT);
    CHECK(mcpt_typeof(mcpt_get(mcpt_get(v, "a"), "")) == MCPT_ABSENT && mcpt_typeof(mcpt_at(v, 0)) == MCPT_ABSENT);
    CHECK(mcpt_typeof(mcpt_at(mcpt_get(v, "a"), 3)) == MCPT_ABSENT &&
        mcpt_typeof(mcpt_at(mcpt_get(v, "a"), SIZE_MAX)) == MCPT_ABSENT);
    CHECK(mcpt_str_is(mcpt_raw(mcpt_get(v, "a")), "[1,[2,{\"x\":3}],\"s\"]") && mcpt_raw(none).ptr == NULL);
    CHECK(mcpt_next(v, &it, &key) && mcpt_str_is(key, "a") && mcpt_next(v, &it, NULL) && mcpt_next(v, &it, &key));
    CHECK(mcpt_str_is(key, "\\ud83d\\ude00") && mcpt_next(v, &it, &key) && mcpt_str_is(key, "a\\\\b") &&
        !mcpt_next(v, &it, &key));
    CHECK(it.doc == NULL && !mcpt_next(none, &it, NULL) && !mcpt_next(mcpt_get(v, "\xf0\x9f\x98\x80"), &it, NULL));
    /* absent goes through everything */
    CHECK(mcpt_typeof(mcpt_get(mcpt_get(mcpt_at(none, 0), "a"), "b")) == MCPT_ABSENT && mcpt_size(none) == 0);
    CHECK(mcpt_get_int(none, &i) == MCPT_E_ABSENT && i == -1 && mcpt_int_or(none, 5) == 5 &&
        mcpt_bool_or(none, true));
    CHECK(!mcpt_val_is(none, "") && !mcpt_val_is(mcpt_at(mcpt_get(v, "a"), 2), NULL) && !mcpt_val_is(v, "x"));
}

static void getters(void)
{
    mcpt_val v = parsed("{\"s\":\"x\",\"t\":true,\"f\":false,\"z\":null,\"i\":12,\"a\":[],\"o\":{},\"e\":\"a\\nb\"}");
    static const char *const keys[] = { "s", "t", "f", "z", "i", "a", "o", "e", "?" };
    static const mcpt_type types[] = {
        MCPT_STRING, MCPT_BOOL, MCPT_BOOL, MCPT_NULL, MCPT_NUMBER, MCPT_ARRAY, MCPT_OBJECT, MCPT_STRING, MCPT_ABSENT
    };

    for (size_t k = 0; k < MCPT_COUNT(keys); k++) {
        mcpt_val m = mcpt_get(v, keys[k]);
        mcpt_err other = types[k] == MCPT_ABSENT ? MCPT_E_ABSENT : MCPT_E_TYPE;
        int64_t i = -1;
        bool b = true;
        mcpt_str s = { "?", 1 };
        char buf[3];
        CHECK(mcpt_typeof(m) == types[k]);
        CHECK(mcpt_get_int(m, &i) == (types[k] == MCPT_NUMBER ? MCPT_OK : other) &&
            i == (types[k] == MCPT_NUMBER ? 12 : -1));
        i = -1;
        CHECK(mcpt_get_fix(m, 1, &i) == (types[k] == MCPT_NUMBER ? MCPT_OK : other) &&
            i == (types[k] == MCPT_NUMBER ? 120 : -1));
        CHECK(mcpt_get_bool(m, &b) == (types[k] == MCPT_BOOL ? MCPT_OK : other) && b == (k != 2));
        CHECK(mcpt_get_str(m, buf, 3, &s) == (types[k] == MCPT_STRING ? MCPT_OK : other));
        CHECK(mcpt_str_is(s, k == 0 ? "x" : k == 7 ? "a\nb" : "?"));
#if !MCPT_NO_FLOAT
        {
            double d = -1;
            CHECK(mcpt_get_f64(m, &d) == (types[k] == MCPT_NUMBER ? MCPT_OK : other) &&
                (types[k] == MCPT_NUMBER ? d > 11 : d < 0));
        }
#endif
    }
    {
        mcpt_str s = { "?", 1 };
        char buf[3];
        CHECK(mcpt_get_str(mcpt_get(v, "e"), buf, 2, &s) == MCPT_E_SPACE && mcpt_str_is(s, "?"));
        CHECK(mcpt_get_str(mcpt_get(v, "e"), NULL, 0, &s) == MCPT_E_SPACE);
        CHECK(mcpt_get_str(mcpt_get(v, "s"), NULL, 0, &s) == MCPT_OK && mcpt_str_is(s, "x"));
    }
}

static void numbers(void)
{
    static const struct { const char *text; unsigned decimals; mcpt_err err; int64_t v; } rows[] = {
        { "0", 0, MCPT_OK, 0 }, { "-0", 0, MCPT_OK, 0 }, { "-0.0e5", 0, MCPT_OK, 0 }, { "1", 0, MCPT_OK, 1 },
            { "-17", 0, MCPT_OK, -17 },
        { "1.0", 0, MCPT_OK, 1 }, { "1.000000000000000000000000000000", 0, MCPT_OK, 1 }, { "1e2", 0, MCPT_OK, 100 },
        { "1E+2", 0, MCPT_OK, 100 }, { "100e-2", 0, MCPT_OK, 1 }, { "1.5e1", 0, MCPT_OK, 15 },
            { "-1.25e2", 0, MCPT_OK, -125 },
        { "0.001e3", 0, MCPT_OK, 1 }, { "12300e-2", 0, MCPT_OK, 123 }, { "0e999999999999999999999", 0, MCPT_OK, 0 },
        { "0.0e-999999999999999999999", 0, MCPT_OK, 0 }, { "9223372036854775807", 0, MCPT_OK, INT64_MAX },
        { "-9223372036854775808", 0, MCPT_OK, INT64_MIN }, { "9223372036854775807.00", 0, MCPT_OK, INT64_MAX },
        { "92233720368547758070e-1", 0, MCPT_OK, INT64_MAX }, { "-9.223372036854775808e18", 0, MCPT_OK, INT64_MIN },
        { "0.000000000000000000000000000000000000000000000001e48", 0, MCPT_OK, 1 },
        { "1000000000000000000000000000000000000000000000000e-48", 0, MCPT_OK, 1 },
        { "9223372036854775808", 0, MCPT_E_RANGE, 0 }, { "-9223372036854775809", 0, MCPT_E_RANGE, 0 },
        { "18446744073709551616", 0, MCPT_E_RANGE, 0 }, { "18446744073709551615", 0, MCPT_E_RANGE, 0 },
            { "1e19", 0, MCPT_E_RANGE, 0 },
        { "-1e19", 0, MCPT_E_RANGE, 0 }, { "1e999999999999999999999", 0, MCPT_E_RANGE, 0 },
            { "99999999999999999999", 0, MCPT_E_RANGE, 0 },
        { "1.5", 0, MCPT_E_TYPE, 0 }, { "-0.1", 0, MCPT_E_TYPE, 0 }, { "1e-1", 0, MCPT_E_TYPE, 0 },
            { "123e-2", 0, MCPT_E_TYPE, 0 },
        { "1e-999999999999999999999", 0, MCPT_E_TYPE, 0 }, { "1.00000000000000000000000000000001", 0, MCPT_E_TYPE,
            0 },
        { "0.5e0", 0, MCPT_E_TYPE, 0 }, { "9223372036854775807.5", 0, MCPT_E_TYPE, 0 },
        { "21.5", 2, MCPT_OK, 2150 }, { "-21.5", 2, MCPT_OK, -2150 }, { "21.50", 2, MCPT_OK, 2150 },
            { "21.500", 2, MCPT_OK, 2150 },
        { "0.05", 2, MCPT_OK, 5 }, { "-0.05", 2, MCPT_OK, -5 }, { "5e-2", 2, MCPT_OK, 5 }, { "7", 2, MCPT_OK, 700 },
        { "92233720368547758.07", 2, MCPT_OK, INT64_MAX }, { "-92233720368547758.08", 2, MCPT_OK, INT64_MIN },
        { "0.000000000000000001", 18, MCPT_OK, 1 }, { "-9.223372036854775808", 18, MCPT_OK, INT64_MIN },
        { "21.505", 2, MCPT_E_RANGE, 0 }, { "0.001", 2, MCPT_E_RANGE, 0 },
            { "92233720368547758.08", 2, MCPT_E_RANGE, 0 },
        { "10", 18, MCPT_E_RANGE, 0 }, { "1", 19, MCPT_E_RANGE, 0 },
    };
    uint32_t x = 1234567u;

    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_val v = parsed(rows[i].text);
        int64_t out = 42;
        mcpt_err e = rows[i].decimals == 0 ? mcpt_get_int(v, &out) : mcpt_get_fix(v, rows[i].decimals, &out);
        if (e != rows[i].err || out != (e == MCPT_OK ? rows[i].v : 42)) {
            printf("%s: %d %lld\n", rows[i].text, (int)e, (long long)out);
        }
        CHECK(e == rows[i].err && out == (e == MCPT_OK ? rows[i].v : 42));
        CHECK(mcpt_int_or(v, -9) == (rows[i].decimals == 0 && e == MCPT_OK ? rows[i].v : mcpt_int_or(v, -9)));
    }
    for (int i = 0; i < TEST_STEPS(5000, 500); i++) {                        /* what put_fix writes get_fix reads */
        uint64_t u = (uint64_t)next_random(&x) << 32 | next_random(&x);
        int64_t v = (int64_t)(u >> (next_random(&x) & 63u));
        unsigned decimals = next_random(&x) % 19u;
        int64_t out = 0;
        char buf[32];
        mcpt_str text = put(buf, sizeof(buf), v, decimals);
        CHECK(mcpt_parse(&doc, text, toks, 1) == MCPT_OK && mcpt_get_fix(mcpt_root(&doc), decimals,
            &out) == MCPT_OK && out == v);
    }
}

static void unescaping(void)
{
    static const struct { const char *raw, *text; size_t len; } rows[] = {
        { "\"\"", "", 0 }, { "\"abc\"", "abc", 3 }, { "\"\\n\"", "\n", 1 },
            { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
        { "\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac", 6 },
            { "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4 },
        { "\"\\uD800\\uDC00\\udbff\\udfff\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8 },
            { "\"a\\u0000b\"", "a\0b", 3 },
        { "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11 },
        { "\"0123456789\\t0123456789\\\\\"", "0123456789\t0123456789\\", 22 },
            { "\"\xc3\xa9\\u00e9\"", "\xc3\xa9\xc3\xa9", 4 },
    };

    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        size_t n = strlen(rows[i].raw);
        char own[64];
        for (size_t cap = 0; cap <= rows[i].len + 1; cap++) {
            char *buf = guarded(NULL, 0, false);
            char *raw = guarded(rows[i].raw, n, true);
            size_t got = mcpt_unescape(mcpt__mk(raw, n), buf, cap);
            CHECK(got == (cap < rows[i].len ? (size_t)-1 : rows[i].len));
            CHECK(got == (size_t)-1 || memcmp(buf, rows[i].text, got) == 0);
            buf = guarded(NULL, 0, true) - cap;
            memcpy(own, rows[i].raw, n);
            CHECK(mcpt_unescape(mcpt__mk(own, n), buf, cap) == got);
        }
        CHECK(mcpt_unescape(mcpt__mk(own, n), own, sizeof(own)) == rows[i].len &&
            memcmp(own, rows[i].text, rows[i].len) == 0);
        memcpy(own, rows[i].raw, n);
        CHECK(mcpt_unescape(mcpt__mk(own, n), own + 1, sizeof(own) - 1) == rows[i].len &&
            memcmp(own + 1, rows[i].text, rows[i].len) == 0);
        CHECK(mcpt_val_is(parsed(rows[i].raw), rows[i].text) == (memchr(rows[i].text, '\0', rows[i].len) == NULL));
    }
    CHECK(!mcpt_val_is(parsed("\"\\n\""), "\\n") && !mcpt_val_is(parsed("\"\\n\""), "n") &&
        !mcpt_val_is(parsed("\"ab\""), "abc"));
    CHECK(!mcpt_val_is(parsed("\"abc\""), "ab") && mcpt_val_is(parsed("\"\\\\n\""), "\\n") &&
        !mcpt_val_is(parsed("1"), "1"));
}

/* One key in another spelling. */
static size_t spell(char *out, unsigned key, unsigned how)
{
    unsigned a = 'a' + key / 10u;
    unsigned b = '0' + key % 10u;

    how &= 3u;
    return (size_t)(how == 0 ? sprintf(out, "%c%c", a, b) : how == 1 ? sprintf(out, "\\u%04x%c", a, b) :
                    how == 2 ? sprintf(out, "%c\\u%04X", a, b) : sprintf(out, "\\u%04x\\u%04x", a, b));
}

static void duplicates_indexed(void)
{
    static const row rows[] = {
        { "[{\"a\":{\"x\":1,\"y\":2,\"x\":3}}]", 28, MCPT_E_DUPLICATE, 21 },
            { "{\"\":1,\"\":2}", 11, MCPT_E_DUPLICATE, 7 },
        { "{\"a\":{\"x\":0,\"x\":0},\"a\":1}", 26, MCPT_E_DUPLICATE, 14 },
            { "{\"/\":1,\"\\/\":2}", 15, MCPT_E_DUPLICATE, 10 },
        { "{\"\xc3\xa9\":1,\"\\u00e9\":2}", 19, MCPT_E_DUPLICATE, 15 },
            { "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", 27, MCPT_E_DUPLICATE, 23 },
        { "{\"a\":1,\"b\":2,\"b\":3,\"a\":4}", 25, MCPT_E_DUPLICATE, 15 },
            { "{\"a\":{\"x\":1},\"b\":{\"x\":1}}", 25, MCPT_OK, 0 },
        { "{\"a\":1,\"a\\u0000\":2,\"aa\":3,\"A\":4}", 33, MCPT_OK, 0 },
            { "{\"\\\\n\":1,\"\\n\":2}", 17, MCPT_OK, 0 },
    };

    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_err e = mcpt_parse(&doc, mcpt__mk(rows[i].text, strlen(rows[i].text)), toks, MCPT_COUNT(toks));
        CHECK(e == rows[i].err && doc.err_pos == rows[i].at);
    }
    for (unsigned n = 2; n <= 21; n++) {                    /* of n members j repeats i; j = n: none does */
        for (unsigned j = 1; j <= n; j++) {
            for (unsigned i = 0; i < (j == n ? 1 : j); i++) {
                char text[1024];
                size_t len = 0;
                size_t at = 0;
                mcpt_err e;
                for (unsigned k = 0; k < n; k++) {
                    text[len++] = k == 0 ? '{' : ',';
                    text[len++] = '"';
                    len += spell(text + len, (k == j ? i : k) * 7u % 23u, k + i + j * (k & 1u));
                    at = k == j ? len : at;
                    len += (size_t)sprintf(text + len, "\":%s", k % 3u == 0 ? "{\"q\":[],\"r\":1}" : "0");
                }
                text[len++] = '}';
                e = mcpt_parse(&doc, mcpt__mk(text, len), toks, MCPT_COUNT(toks));
                CHECK(e == (j == n ? MCPT_OK : MCPT_E_DUPLICATE) && doc.err_pos == at);
            }
        }
    }
}

/* Many keys with a long common beginning take n log n comparisons, whatever their order. */
static void hostile_objects(void)
{
    enum { N = 20000 };
    char *text = (char *)malloc(N * 64);
    mcpt_tok *many = (mcpt_tok *)malloc((2 * N + 3) * sizeof(mcpt_tok));

    for (unsigned order = 0; order < 3; order++) {
        size_t len = 0;
        size_t last = 0;
        for (unsigned i = 0; i < N; i++) {
            unsigned number = order == 0 ? i : order == 1 ? N - i : i * 7919u % N;
            len += (size_t)sprintf(text + len, "%c\"\\u0061aaaaaaaaaaaaaaaaaaaaaaa%08u\":0", i == 0 ? '{' : ',',
                number);
        }
        text[len] = '}';
        CHECK(mcpt_parse(&doc, mcpt__mk(text, len + 1), many, 2 * N + 1) == MCPT_OK && doc.count == 2 * N + 1);
        CHECK(mcpt_size(mcpt_root(&doc)) == N);
        last = len + (size_t)sprintf(text + len, ",\"aaaaaaaaaaaaaaaaaaaaaaaa%08u\"", order == 1 ? 1 : 0) - 1;
        memcpy(text + last + 1, ":0}", 3);
        CHECK(mcpt_parse(&doc, mcpt__mk(text, last + 4), many, 2 * N + 3) == MCPT_E_DUPLICATE &&
            doc.err_pos == last);
    }
    free(many);
    free(text);
}

int main(void)
{
    documents();
    mutations();
    picking();
    keeping();
    duplicates_picked();
    scan_limits();
    writer_lengths();
    writer_windows();
    writer_misuse();
    writer_numbers();
    writer_strings();
    round_trips();
    walking();
    getters();
    numbers();
    unescaping();
    duplicates_indexed();
    hostile_objects();
    return test_end();
}
