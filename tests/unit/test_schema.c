/* >>schema: every keyword at its boundaries, sentences, malformed and hostile input, headers, lint. */
#define _DEFAULT_SOURCE 1
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "guard.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

static mcpt_tok toks[40000];
static char why[200];

/* A copy that ends exactly where a page begins that must not be touched; two at a time. */
static char *at_edge(const char *text, size_t len)
{
    enum { ROOM = 1 << 18 };
    static char *room[2];
    static int turn;

    turn = !turn;
    if (room[turn] == NULL) {
        room[turn] = guard_room(ROOM);
    }
    memcpy(room[turn] + ROOM - len, text, len);
    return room[turn] + ROOM - len;
}

static mcpt_str view(const char *p, size_t n)
{
    mcpt_str s;
    s.ptr = p;
    s.len = n;
    return s;
}

static mcpt_val parsed(mcpt_doc *d, const char *text)
{
    mcpt_err e = mcpt_parse(d, view(at_edge(text, strlen(text)), strlen(text)), toks, MCPT_COUNT(toks));
    if (e != MCPT_OK) {
        printf("value %s: %d\n", text, e);
    }
    CHECK(e == MCPT_OK);
    return mcpt_root(d);
}

static int check(const char *schema, const char *value)
{
    mcpt_doc d;
    mcpt_val v = parsed(&d, value);
    mcpt_err plain;
    mcpt_err e;

    memset(why, 'x', sizeof(why));
    e = mcpt_schema_check(view(at_edge(schema, strlen(schema)), strlen(schema)), v, why, sizeof(why));
    plain = mcpt_schema_check(mcpt_z(schema), v, NULL, 0);
    CHECK(e == plain);
    CHECK(memchr(why, '\0', sizeof(why)) != NULL);
    CHECK((e == MCPT_OK) == (why[0] == '\0'));
    return e;
}

static void expect(int wanted, const char *schema, const char *value, int line)
{
    int e = check(schema, value);

    if (e != wanted) {
        printf("line %d: %s with %s: %d %s\n", line, schema, value, e, why);
    }
    CHECK(e == wanted);
}
#define YES(schema, value) expect(MCPT_OK, schema, value, __LINE__)
#define NO(schema, value) expect(MCPT_E_PARAMS, schema, value, __LINE__)
#define BAD(schema, value) expect(MCPT_E_JSON, schema, value, __LINE__)

static void says(const char *schema, const char *value, const char *wanted, int line)
{
    int e = check(schema, value);

    if (e != MCPT_E_PARAMS || strcmp(why, wanted) != 0) {
        printf("line %d: %d %s\n", line, e, why);
    }
    CHECK(e == MCPT_E_PARAMS && strcmp(why, wanted) == 0);
}
#define SAYS(schema, value, wanted) says(schema, value, wanted, __LINE__)

static void test_type(void)
{
    static const char *const names[] = { "null", "boolean", "number", "string", "array", "object" };
    static const char *const values[] = { "null", "true", "1.5", "\"\"", "[]", "{}" };
    char schema[64];

    for (size_t i = 0; i < 6; i++) {
        snprintf(schema, sizeof(schema), "{\"type\":\"%s\"}", names[i]);
        for (size_t j = 0; j < 6; j++) {
            expect(i == j ? MCPT_OK : MCPT_E_PARAMS, schema, values[j], __LINE__);
        }
        snprintf(schema, sizeof(schema), " { \"type\" : [ \"%s\" , \"integer\" ] } ", names[i]);
        for (size_t j = 0; j < 6; j++) {
            expect(i == j ? MCPT_OK : MCPT_E_PARAMS, schema, values[j], __LINE__);
        }
        YES(schema, "-3");
    }
    static const char *const whole[] = { "0", "-0", "0.0", "0e5", "0e-5", "1", "1.0", "1e2", "1.5e1", "10e-1",
        "100E-2", "-9223372036854775809", "9223372036854775808", "123456789012345678901234567890", "1e400",
        "-1e+3",
        "0.0000", "1.50e1", "12300e-2", "0.5e1", "0.00012e5" };
    static const char *const broken[] = { "0.5", "1.5", "-0.1", "1e-1", "10e-2", "1.55e1", "123e-400",
        "0.00012e4",
        "1.0000000000000000000000000001", "null", "\"1\"" };
    for (size_t i = 0; i < MCPT_COUNT(whole); i++) {
        YES("{\"type\":\"integer\"}", whole[i]);
        YES("{\"type\":\"number\"}", whole[i]);
    }
    for (size_t i = 0; i < MCPT_COUNT(broken); i++) {
        NO("{\"type\":\"integer\"}", broken[i]);
    }
    NO("{\"type\":\"strin\"}", "\"\"");
    NO("{\"type\":\"\"}", "\"\"");
    NO("{\"type\":[]}", "\"\"");
    NO("{\"type\":\"items\"}", "[]");
    YES("true", "1");
    YES("{}", "1");
    NO("false", "1");
}

static void test_numbers(void)
{
    static const char *const ascending[] = { "-1e400", "-1e30", "-9223372036854775809",
        "-9223372036854775808",
        "-100.5", "-100", "-99.999999999999999999999999", "-1", "-0.5", "-1e-9", "-1e-400", "0", "1e-400",
        "0.00001",
        "1e-4", "0.1", "0.10000000000000000000000001", "1", "1.5", "9", "10", "99.9", "100", "1000",
        "9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "18446744073709551616", "1e400" };
    static const char *const same[][2] = { { "100", "1e2" }, { "1", "1.000" }, { "0", "-0.00e9" }, { "0.1",
        "1e-1" },
        { "0.1", "0.0001e3" }, { "12.5e1", "125" }, { "1E+2", "1000e-1" }, { "-15e-1", "-1.50" },
        { "9223372036854775808", "9.223372036854775808e18" } };
    char schema[200];

    for (size_t i = 0; i < MCPT_COUNT(ascending); i++) {
        for (size_t j = 0; j < MCPT_COUNT(ascending); j++) {
            snprintf(schema, sizeof(schema), "{\"minimum\":%s}", ascending[i]);
            expect(j >= i ? MCPT_OK : MCPT_E_PARAMS, schema, ascending[j], __LINE__);
            snprintf(schema, sizeof(schema), "{\"maximum\": %s }", ascending[i]);
            expect(j <= i ? MCPT_OK : MCPT_E_PARAMS, schema, ascending[j], __LINE__);
            snprintf(schema, sizeof(schema), "{\"exclusiveMinimum\":%s}", ascending[i]);
            expect(j > i ? MCPT_OK : MCPT_E_PARAMS, schema, ascending[j], __LINE__);
            snprintf(schema, sizeof(schema), "{\"exclusiveMaximum\":%s}", ascending[i]);
            expect(j < i ? MCPT_OK : MCPT_E_PARAMS, schema, ascending[j], __LINE__);
            snprintf(schema, sizeof(schema), "{\"const\":%s}", ascending[i]);
            expect(j == i ? MCPT_OK : MCPT_E_PARAMS, schema, ascending[j], __LINE__);
        }
    }
    for (size_t i = 0; i < MCPT_COUNT(same) * 2; i++) {
        snprintf(schema, sizeof(schema), "{\"minimum\":%s,\"maximum\":%s,\"const\":%s,\"enum\":[null,%s]}",
                 same[i / 2][i & 1], same[i / 2][i & 1], same[i / 2][i & 1], same[i / 2][i & 1]);
        YES(schema, same[i / 2][1 - (i & 1)]);
    }
    YES("{\"minimum\":5,\"multipleOf\":3}", "\"text\"");
    NO("{\"maximum\":1e3}", "1e99999999999999999999");
    NO("{\"minimum\":-1e3}", "-1e99999999999999999999");
    YES("{\"maximum\":1e-3}", "1e-99999999999999999999");
    BAD("{\"minimum\":\"3\"}", "1");
    BAD("{\"exclusiveMinimum\":true}", "1");
}

static void test_multiple(void)
{
    char schema[80];
    char value[80];

    for (int m = 1; m < 40; m++) {
        snprintf(schema, sizeof(schema), "{\"multipleOf\":%d}", m);
        for (int v = -100; v <= 100; v++) {
            snprintf(value, sizeof(value), "%d", v);
            expect(v % m == 0 ? MCPT_OK : MCPT_E_PARAMS, schema, value, __LINE__);
            snprintf(value, sizeof(value), "%de3", v);
            expect(v * 1000 % m == 0 ? MCPT_OK : MCPT_E_PARAMS, schema, value, __LINE__);
            snprintf(value, sizeof(value), "%d.5", v);
            NO(schema, value);
        }
    }
    YES("{\"multipleOf\":8}", "18446744073709551616");
    NO("{\"multipleOf\":8}", "18446744073709551617");
    YES("{\"multipleOf\":99999999}", "9999999900000000");
    NO("{\"multipleOf\":99999999}", "9999999900000001");
    YES("{\"multipleOf\":16777216}", "1e24");
    NO("{\"multipleOf\":16777216}", "1e23");
    YES("{\"multipleOf\":16777216}", "1e999999999999");
    NO("{\"multipleOf\":3}", "1e999999999999");
    NO("{\"multipleOf\":3}", "1e-999999999999");
    YES("{\"multipleOf\":0.01}", "21.37");
    NO("{\"multipleOf\":0.01}", "21.375");
    YES("{\"multipleOf\":0.25}", "-7.75");
    YES("{\"multipleOf\":1e2}", "300");
    NO("{\"multipleOf\":1e2}", "350");
    YES("{\"multipleOf\":7}", "-0.0");
    YES("{\"multipleOf\":123456789}", "1");                 /* not enforced, see lint */
    YES("{\"multipleOf\":0}", "1");
    YES("{\"multipleOf\":-2}", "1");
    BAD("{\"multipleOf\":\"2\"}", "1");
    BAD("{\"multipleOf\":[]}", "1");
}

static void test_sizes(void)
{
    YES("{\"minLength\":0,\"maxLength\":0}", "\"\"");
    YES("{\"minLength\":2,\"maxLength\":2}", "\"ab\"");
    NO("{\"minLength\":3}", "\"ab\"");
    NO("{\"maxLength\":1}", "\"ab\"");
    YES("{\"minLength\":3,\"maxLength\":3}", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    YES("{\"minLength\":3,\"maxLength\":3.0}", "\"\\u00e9\\ud83d\\ude00\\n\"");
    YES("{\"minLength\":1,\"maxLength\":1e0}", "\"\\uD83D\\uDE00\"");
    YES("{\"minLength\":3,\"maxLength\":3}", "\"\\\\\\\"\\/\"");
    YES("{\"minLength\":2,\"maxLength\":2}", "\"\\ud7ff\\ue000\"");
    YES("{\"minLength\":12}", "1");
    YES("{\"minItems\":2,\"maxItems\":2}", "[1,[2,3]]");
    NO("{\"minItems\":3}", "[1,[2,3]]");
    NO("{\"maxItems\":1}", "[1,[2,3]]");
    YES("{\"minItems\":3}", "{}");
    YES("{\"minProperties\":1,\"maxProperties\":1}", "{\"a\":{\"b\":1,\"c\":2}}");
    NO("{\"minProperties\":2}", "{\"a\":{\"b\":1,\"c\":2}}");
    NO("{\"maxProperties\":0}", "{\"a\":{\"b\":1,\"c\":2}}");
    YES("{\"maxProperties\":0,\"minItems\":4}", "\"\"");
}

static void test_choices(void)
{
    YES("{\"enum\":[\"a\",1,null,true]}", "\"a\"");
    YES("{\"enum\":[\"a\",1,null,true]}", "1.0");
    YES("{\"enum\":[\"a\",1,null,true]}", "null");
    YES("{\"enum\":[\"a\",1,null,true]}", "true");
    NO("{\"enum\":[\"a\",1,null,true]}", "false");
    NO("{\"enum\":[\"a\",1,null,true]}", "\"A\"");
    NO("{\"enum\":[\"a\",1,null,true]}", "\"1\"");
    NO("{\"enum\":[\"a\",1,null,true]}", "[]");
    NO("{\"enum\":[]}", "1");
    YES("{\"enum\":[\"\\u0061\\n\",\"\\ud83d\\ude00\"]}", "\"a\\u000a\"");
    YES("{\"enum\":[\"\\u0061\\n\",\"\\ud83d\\ude00\"]}", "\"\xf0\x9f\x98\x80\"");
    YES("{\"const\":\"\xf0\x9f\x98\x80\"}", "\"\\ud83d\\ude00\"");
    NO("{\"const\":\"\\ud83d\"}", "\"x\"");                 /* broken escapes equal nothing */
    NO("{\"const\":\"\\u12\"}", "\"\\u0012\"");
    NO("{\"const\":\"\\x\"}", "\"x\"");
    NO("{\"const\":\"\"}", "\"x\"");
    NO("{\"const\":\"x\"}", "\"\"");
    YES("{\"const\":null}", "null");
    NO("{\"const\":false}", "null");
    NO("{\"const\":false}", "true");
    YES("{\"const\":false}", "false");
    YES("{\"const\":[1]}", "[2]");                          /* not compared, see lint */
    NO("{\"const\":[1]}", "1");
    NO("{\"enum\":[[1],{}]}", "1");
    YES("{\"oneOf\":[{\"const\":\"r\",\"title\":\"Red\"},{\"title\":\"Blue\",\"const\":\"b\"}]}", "\"b\"");
    NO("{\"oneOf\":[{\"const\":\"r\",\"title\":\"Red\"},{\"title\":\"Blue\",\"const\":\"b\"}]}", "\"Blue\"");
    YES("{\"anyOf\":[{\"const\":1},{\"const\":2,\"description\":\"two\"}]}", "2");
    NO("{\"anyOf\":[{\"const\":1},{\"const\":2,\"description\":\"two\"}]}", "3");
    YES("{\"anyOf\":[{\"const\":1},{\"type\":\"string\"}]}", "3");   /* not an enumeration: not enforced */
    YES("{\"anyOf\":[{\"type\":\"string\"},{\"const\":1}]}", "3");
    YES("{\"anyOf\":[true]}", "3");
}

static void test_objects(void)
{
    static const char two[] = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\""
                              "type\":"
                              "\"integer\"}},\"required\":[\"a\"],\"additionalProperties\":false}";
    static const char late[] = "{\"additionalProperties\":false,\"required\":[\"a\"],\"properties\":{\"a\":"
                               "{\"type\":"
                               "\"string\"},\"b\":{\"type\":\"integer\"}},\"minProperties\":1,\""
                               "maxProperties\":2}";
    const char *both[2];

    both[0] = two;
    both[1] = late;
    for (int i = 0; i < 2; i++) {
        YES(both[i], "{\"a\":\"\"}");
        YES(both[i], "{\"b\":1,\"a\":\"\"}");
        YES(both[i], "{\"\\u0061\":\"\"}");
        NO(both[i], "{\"\\u0061\":1}");
        NO(both[i], "{\"b\":1}");
        NO(both[i], "{}");
        NO(both[i], "{\"a\":\"\",\"b\":\"\"}");
        NO(both[i], "{\"a\":\"\",\"c\":\"\"}");
        NO(both[i], "{\"c\":\"\",\"a\":\"\"}");
        NO(both[i], "{\"a\":\"\",\"A\":\"\"}");
        NO(both[i], "{\"a\":\"\",\"\":\"\"}");
    }
    YES("{\"properties\":{\"\\u0061\":{\"const\":1}},\"required\":[\"\\u0061\"]}", "{\"a\":1}");
    NO("{\"properties\":{\"\\u0061\":{\"const\":1}}}", "{\"a\":2}");
    NO("{\"properties\":{\"\\ud83d\\ude00\":{\"const\":1}}}", "{\"\xf0\x9f\x98\x80\":2}");
    YES("{\"properties\":{\"\\ud83d\":{\"const\":1}}}", "{\"a\":2}");
    YES("{\"additionalProperties\":true}", "{\"a\":2}");
    NO("{\"additionalProperties\":false}", "{\"a\":2}");
    YES("{\"additionalProperties\":false}", "{}");
    YES("{\"additionalProperties\":false}", "[1]");
    YES("{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"a\":2,\"b\":3}");
    NO("{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"a\":2,\"b\":\"3\"}");
    YES("{\"properties\":{\"b\":{}},\"additionalProperties\":{\"type\":\"integer\"},\"title\":\"}\"}",
        "{\"a\":2,\"b\":\"3\",\"c\":4}");
    NO("{\"properties\":{\"b\":{}},\"additionalProperties\":{\"type\":\"integer\"},\"title\":\"}\"}",
       "{\"a\":2,\"b\":\"3\",\"c\":[]}");
    NO("{\"properties\":{\"a\":false}}", "{\"a\":2}");
    YES("{\"properties\":{\"a\":false,\"b\":true}}", "{\"b\":2}");
    YES("{\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]}", "[1]");
    NO("{\"properties\":{\"a\":{\"additionalProperties\":{\"additionalProperties\":false}},\"b\":{\""
       "const\":1}}}",
       "{\"a\":{\"x\":{\"y\":1}},\"b\":1}");
    NO("{\"properties\":{\"a\":{\"additionalProperties\":{\"additionalProperties\":false}},\"b\":{\""
       "const\":1}}}",
       "{\"a\":{\"x\":{},\"z\":{}},\"b\":2}");
    YES("{\"properties\":{\"a\":{\"additionalProperties\":{\"additionalProperties\":false}},\"b\":{\""
        "const\":1}}}",
        "{\"a\":{\"x\":{},\"z\":{}},\"b\":1}");
    BAD("{\"properties\":[]}", "{}");
    BAD("{\"properties\":{\"a\":1}}", "{\"a\":1}");
    BAD("{\"required\":[1]}", "{}");
}

static void test_arrays(void)
{
    YES("{\"items\":{\"type\":\"integer\"}}", "[]");
    YES("{\"items\":{\"type\":\"integer\"}}", "[1,2,3]");
    NO("{\"items\":{\"type\":\"integer\"}}", "[1,2,3.5]");
    NO("{\"items\":{\"type\":\"integer\"}}", "[\"1\",2,3]");
    YES("{\"items\":{\"type\":\"integer\"}}", "{\"a\":\"b\"}");
    YES("{\"items\":false}", "[]");
    NO("{\"items\":false}", "[1]");
    YES("{\"items\":true}", "[1]");
    YES("{\"items\":{\"items\":{\"items\":{\"type\":\"null\"}}},\"maxItems\":2}",
        "[[[null]],[[],[null,null]]]");
    NO("{\"items\":{\"items\":{\"items\":{\"type\":\"null\"}}},\"maxItems\":2}", "[[[null]],[[],[null,0]]]");
    NO("{\"items\":{\"items\":{\"items\":{\"type\":\"null\"}}},\"maxItems\":2}", "[[[null]],[[]],[]]");
    YES("{\"items\":[{\"type\":\"null\"}]}", "[1]");        /* draft-07's: not enforced */
    NO("{\"items\":{\"properties\":{\"a\":{\"items\":{\"required\":[\"k\"]}}}}}", "[{\"a\":[{\"k\":1},{}]}]");
    BAD("{\"items\":3}", "[1]");
}

static void test_why(void)
{
    static const char s[] =
        "{\"type\":\"object\",\"properties\":{\"channel\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":3},"
        "\"list\":{\"type\":\"array\",\"maxItems\":4,\"items\":{\"type\":\"string\",\"minLength\":2}},"
        "\"o\":{\"additionalProperties\":{\"exclusiveMaximum\":5}},\"e\":{\"enum\":[\"r\",\"g\"]},"
        "\"n\":{\"type\":[\"string\",\"null\"]},\"m\":{\"multipleOf\":0.5,\"exclusiveMinimum\":1.5},\"f\":"
        "false,"
        "\"c\":{\"const\":{\"a\":1}},\"\xc3\xa9\":{\"type\":\"null\"},\"p\":{\"type\":\"object\",\""
        "minProperties\":1}},"
        "\"required\":[\"channel\"],\"additionalProperties\":false}";

    SAYS(s, "{}", "arguments: missing required \"channel\"");
    SAYS(s, "[]", "arguments: must be an object");
    SAYS(s, "{\"channel\":4}", "arguments.channel: must be at most 3");
    SAYS(s, "{\"channel\":-1}", "arguments.channel: must be at least 0");
    SAYS(s, "{\"channel\":\"secret\"}", "arguments.channel: must be an integer");
    SAYS(s, "{\"channel\":1,\"list\":{}}", "arguments.list: must be an array");
    SAYS(s, "{\"channel\":1,\"list\":[\"ab\",\"cd\",7]}", "arguments.list[2]: must be a string");
    SAYS(s, "{\"channel\":1,\"list\":[\"ab\",\"c\",7]}", "arguments.list[1]: length must be at least 2");
    SAYS(s, "{\"channel\":1,\"list\":[1,2,3,4,5]}", "arguments.list: length must be at most 4");
    SAYS(s, "{\"channel\":1,\"o\":{\"a\":1,\"b\":5}}", "arguments.o.b: must be less than 5");
    SAYS(s, "{\"channel\":1,\"o\":{\"a b\":5}}", "arguments.o.*: must be less than 5");
    SAYS(s, "{\"channel\":1,\"e\":\"b\"}", "arguments.e: must be one of [\"r\",\"g\"]");
    SAYS(s, "{\"channel\":1,\"n\":1}", "arguments.n: must be one of [\"string\",\"null\"]");
    SAYS(s, "{\"channel\":1,\"m\":2.2}", "arguments.m: must be a multiple of 0.5");
    SAYS(s, "{\"channel\":1,\"m\":1.5}", "arguments.m: must be more than 1.5");
    SAYS(s, "{\"channel\":1,\"f\":1}", "arguments.f: is not allowed");
    SAYS(s, "{\"channel\":1,\"c\":1}", "arguments.c: must be {\"a\":1}");
    SAYS(s, "{\"channel\":1,\"\xc3\xa9\":1}", "arguments.\xc3\xa9: must be a null");
    SAYS(s, "{\"channel\":1,\"p\":{}}", "arguments.p: length must be at least 1");
    SAYS(s, "{\"channel\":1,\"x\":1}", "arguments: unexpected member \"x\"");
    SAYS(s, "{\"channel\":1,\"x y\":1}", "arguments: an unexpected member");
    SAYS(s, "{\"channel\":1,\"x\\u0079\":1}", "arguments: an unexpected member");
    SAYS(s, "{\"channel\":1,\"\xc3\xa8\":1}", "arguments: an unexpected member");
    SAYS(s, "{\"channel\":1,\"\":1}", "arguments: an unexpected member");
    SAYS(s, "{\"channel\":1,\"abcdefghijklmnopqrstuvwxyz012345\":1}",
         "arguments: unexpected member \"abcdefghijklmnopqrstuvwxyz012345\"");
    SAYS(s, "{\"channel\":1,\"abcdefghijklmnopqrstuvwxyz0123456\":1}", "arguments: an unexpected member");
}

/* Every cap: a prefix, ended by NUL, cut between characters, nothing behind it. */
static void test_cut(void)
{
    static const char s[] = "{\"properties\":{\"\xc3\xa9\xe2\x82\xac\":{\"const\":\"\xf0\x9f\x98\x80x\"}}}";
    static const char full[] = "arguments.\xc3\xa9\xe2\x82\xac: must be \"\xf0\x9f\x98\x80x\"";
    mcpt_doc d;
    mcpt_val v = parsed(&d, "{\"\xc3\xa9\xe2\x82\xac\":1}");

    for (size_t cap = 0; cap < sizeof(full) + 3; cap++) {
        char *buf = (char *)malloc(cap != 0 ? cap : 1);
        CHECK(mcpt_schema_check(mcpt_z(s), v, buf, cap) == MCPT_E_PARAMS);
        if (cap != 0) {
            CHECK(strlen(buf) < cap && strncmp(buf, full, strlen(buf)) == 0 && mcpt_utf8_ok(mcpt_z(buf)));
            CHECK(strlen(buf) + 4 >= (cap < sizeof(full) ? cap : sizeof(full)));
        }
        free(buf);
    }
}

static void test_absent(void)
{
    mcpt_val none;

    memset(&none, 0, sizeof(none));
    CHECK(mcpt_schema_check(mcpt_z("{\"type\":\"object\"}"), none, why, sizeof(why)) == MCPT_OK);
    CHECK(mcpt_schema_check(mcpt_z("{\"properties\":{\"a\":{}},\"additionalProperties\":false,\""
                                   "minProperties\":0,"
                                   "\"items\":{\"type\":\"null\"}}"), none, why, sizeof(why)) == MCPT_OK);
    CHECK(mcpt_schema_check(mcpt_z("{\"required\":[\"a\"]}"), none, why, sizeof(why)) == MCPT_E_PARAMS);
    CHECK(mcpt_schema_check(mcpt_z("{\"minProperties\":1}"), none, why, sizeof(why)) == MCPT_E_PARAMS);
    CHECK(mcpt_schema_check(mcpt_z("{\"type\":\"string\"}"), none, why, sizeof(why)) == MCPT_E_PARAMS);
    CHECK(mcpt_schema_check(mcpt_z("{\"enum\":[null]}"), none, why, sizeof(why)) == MCPT_E_PARAMS);
    CHECK(mcpt_schema_check(mcpt_z(NULL), none, why, sizeof(why)) == MCPT_E_JSON);
    CHECK(strstr(why, "malformed") != NULL);
    CHECK(mcpt_schema_check(mcpt_z(""), none, NULL, 9) == MCPT_E_JSON);
}

static const char rich[] =
    " {\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":[\"object\",\"null\"],\""
    "title\":\"a\\n}\","
    "\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":-1.5e1,\"maximum\":3,\"multipleOf\":1,\""
    "x-mcp-header\":"
    "\"A-1\"},\"b\\u0062\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"x\",\"\\ud83d\\"
    "ude00\"]},"
    "\"minItems\":0,\"maxItems\":9},\"c\":{\"oneOf\":[{\"const\":\"r\",\"title\":\"R\"},{\"const\":null}]},"
    "\"d\":{"
    "\"properties\":{\"e\":{\"type\":\"boolean\",\"x-mcp-header\":\"E\"},\"f\":true},\""
    "additionalProperties\":{"
    "\"type\":\"string\",\"minLength\":1,\"maxLength\":5}}},\"required\":[\"a\",\"bb\"],\""
    "additionalProperties\":"
    "false,\"maxProperties\":1e1,\"minProperties\":1,\"$defs\":{\"q\":{\"not\":{}}},\"default\":{\"k\":[1,"
    "{}]}} ";
static const char good[] = "{\"a\":3,\"bb\":[\"x\",\"\xf0\x9f\x98\x80\"],\"c\":null,"
                           "\"d\":{\"e\":true,\"g\":\"12345\"}}";

static mcpt_err count_header(void *user, mcpt_str header, mcpt_val value)
{
    (void)header;
    (void)value;
    ++*(int *)user;
    return MCPT_OK;
}

static void count_note(void *user, mcpt_str keyword, const char *text)
{
    CHECK(keyword.len != 0 && text[0] != '\0');
    ++*(int *)user;
}

static void test_malformed(void)
{
    size_t len = sizeof(rich) - 1;
    char copy[sizeof(rich)];
    mcpt_doc d;
    mcpt_val v = parsed(&d, good);
    int n = 0;

    CHECK(mcpt_schema_check(mcpt_z(rich), v, why, sizeof(why)) == MCPT_OK);
    CHECK(mcpt_schema_lint(mcpt_z(rich), count_note, &n) == MCPT_E_PARAMS && n == 1);   /* type is a list */
    for (size_t i = 0; i < len - 1; i++) {                  /* -1: a space is at the end */
        mcpt_str cut = view(at_edge(rich, i), i);
        mcpt_err e = mcpt_schema_check(cut, v, why, sizeof(why));
        CHECK(e == MCPT_E_JSON || (e == MCPT_E_PARAMS && i > 0));
        CHECK(why[0] != '\0');
        CHECK(mcpt_schema_lint(cut, count_note, &n) == MCPT_E_JSON);
        n = 0;
        (void)mcpt_schema_headers(cut, v, count_header, &n);
        CHECK(n <= 2);
    }
    for (size_t i = 0; i < len; i++) {                      /* and any byte replaced */
        static const char by[] = "\"\\{}[],:0-xu\n\x80 tfn";
        for (size_t k = 0; k < sizeof(by); k++) {
            memcpy(copy, rich, len);
            copy[i] = by[k];
            mcpt_str odd = view(at_edge(copy, len), len);
            mcpt_err e = mcpt_schema_check(odd, v, why, sizeof(why));
            CHECK(e == MCPT_OK || e == MCPT_E_JSON || e == MCPT_E_PARAMS || e == MCPT_E_DEPTH);
            (void)mcpt_schema_lint(odd, count_note, &n);
            (void)mcpt_schema_headers(odd, v, count_header, &n);
        }
    }
    BAD("{} x", "1");
    BAD("[]", "1");
    BAD("nonsense", "1");
    BAD("{\"a\"}", "1");
    BAD("{\"type\":}", "1");
    BAD("{\"type\":1}", "1");
    BAD("{a:1}", "1");
    BAD("{\"title\":\"\n\"}", "1");
    BAD("{\"title\":\"\\", "1");
}

static void test_hostile(void)
{
    static char schema[4000];
    static char text[300000];
    size_t n = 0;
    mcpt_doc d;
    int deepest = MCPT_MAX_DEPTH < 12 ? MCPT_MAX_DEPTH : 12;

    for (int deep = 1; deep < 40; deep++) {                 /* schemas inside each other */
        schema[0] = '\0';
        text[0] = '\0';
        for (int i = 0; i < deep; i++) {
            strcat(schema, i + 1 < deep ? "{\"items\":" : "{");
            strcat(text, i + 1 < deep && deep <= MCPT_MAX_DEPTH ? "[" : i + 1 == deep ? "1" : "");
        }
        for (int i = 0; i < deep; i++) {
            strcat(schema, "}");
            strcat(text, i + 1 < deep && deep <= MCPT_MAX_DEPTH ? "]" : "");
        }
        if (deep <= MCPT_MAX_DEPTH) {
            expect(deep <= deepest ? MCPT_OK : MCPT_E_DEPTH, schema, text, __LINE__);
        }
        YES(schema, "[]");
        int notes = 0;
        mcpt_err e = mcpt_schema_lint(mcpt_z(schema), count_note, &notes);
        CHECK(e == (deep <= deepest ? MCPT_E_PARAMS : MCPT_E_DEPTH));
    }
    text[n++] = '{';
    for (int i = 0; i < 15000; i++) {
        n += (size_t)snprintf(text + n, 30, "%s\"k%d\":%d", i != 0 ? "," : "", i, i);
    }
    memcpy(text + n, "}", 2);
    YES("{\"additionalProperties\":{\"type\":\"integer\"},\"properties\":{\"a\":{},\"b\":{},\"c\":{}}}",
        text);
    NO("{\"additionalProperties\":{\"maximum\":14998},\"properties\":{\"a\":{},\"b\":{},\"c\":{}}}", text);
    SAYS("{\"additionalProperties\":false}", text, "arguments: unexpected member \"k0\"");
    NO("{\"properties\":{\"k14999\":{\"type\":\"string\"}}}", text);
    strcpy(text, "{\"a\":"
                 "");                                /* deep values that the schema does not look into */
    for (int i = 1; i < MCPT_MAX_DEPTH; i++) {
        strcat(text, "[");
    }
    for (int i = 1; i < MCPT_MAX_DEPTH; i++) {
        strcat(text, "]");
    }
    strcat(text, "}");
    CHECK(mcpt_parse(&d, mcpt_z(text), toks, MCPT_COUNT(toks)) == MCPT_OK);
    YES("{\"properties\":{\"a\":{\"type\":\"array\"}}}", text);
    memset(text, '9', 200000);
    text[200000] = '\0';
    YES("{\"minimum\":5,\"type\":\"integer\",\"multipleOf\":9}", text);
    NO("{\"multipleOf\":10}", text);
    NO("{\"maximum\":1e9}", text);
}

typedef struct seen {
    char text[300];
    int stop;
} seen;

static mcpt_err see_header(void *user, mcpt_str header, mcpt_val value)
{
    seen *s = (seen *)user;
    mcpt_str raw = mcpt_raw(value);

    snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "%.*s=%.*s;", (int)header.len,
        header.ptr,
             (int)raw.len, raw.ptr);
    return --s->stop == 0 ? MCPT_E_USER : MCPT_OK;
}

static void headers(const char *schema, const char *arguments, const char *wanted)
{
    mcpt_doc d;
    mcpt_val v = parsed(&d, arguments);
    seen s;

    memset(&s, 0, sizeof(s));
    CHECK(mcpt_schema_headers(view(at_edge(schema, strlen(schema)), strlen(schema)), v, see_header,
        &s) == MCPT_OK);
    if (strcmp(s.text, wanted) != 0) {
        printf("headers: %s\n", s.text);
    }
    CHECK(strcmp(s.text, wanted) == 0);
}

static void test_headers(void)
{
    static const char s[] =
        "{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
        "\"in\":{\"type\":\"object\",\"properties\":{\"flag\":{\"x-mcp-header\":\"Flag\",\"type\":\""
        "boolean\"},"
        "\"deep\":{\"properties\":{\"n\":{\"type\":\"integer\",\"x-mcp-header\":\"N\"}}}}},"
        "\"list\":{\"items\":{\"properties\":{\"no\":{\"x-mcp-header\":\"No\"}}}},\"t\":true,"
        "\"odd\":{\"x-mcp-header\":\"a b\"},\"num\":{\"x-mcp-header\":3},\"empty\":{\"x-mcp-header\":\"\"},"
        "\"z\\u0079\":{\"x-mcp-header\":\"Zy\"}},\"additionalProperties\":{\"x-mcp-header\":\"More\"}}";
    mcpt_doc d;
    mcpt_val none;
    seen two;
    int n = 0;

    headers(s, "{}", "");
    headers(s, "[]", "");
    headers(s, "{\"region\":\"eu\"}", "Region=\"eu\";");
    headers(s, "{\"region\":null,\"in\":null}", "");
    headers(s, "{\"zy\":5,\"in\":{\"flag\":false,\"deep\":{\"n\":42.0}},\"region\":\"x\",\"flag\":true}",
            "Region=\"x\";Flag=false;N=42.0;Zy=5;");
    headers(s, "{\"in\":[{\"flag\":false}],\"region\":{}}", "Region={};");
    headers(s, "{\"list\":[{\"no\":1}],\"other\":1,\"odd\":1,\"num\":1,\"empty\":1,\"t\":1}", "");
    headers("{}", "{\"a\":1}", "");
    headers("true", "{\"a\":1}", "");
    memset(&two, 0, sizeof(two));
    two.stop = 2;
    CHECK(mcpt_schema_headers(mcpt_z(s), parsed(&d, "{\"zy\":5,\"in\":{\"flag\":1,\"deep\":{\"n\":2}}}"),
        see_header,
                              &two) == MCPT_E_USER);
    CHECK(strcmp(two.text, "Flag=1;N=2;") == 0);
    memset(&none, 0, sizeof(none));
    CHECK(mcpt_schema_headers(mcpt_z(s), none, count_header, &n) == MCPT_OK && n == 0);
    CHECK(mcpt_schema_headers(mcpt_z(NULL), none, count_header, &n) == MCPT_OK && n == 0);
    CHECK(mcpt_schema_headers(mcpt_z("{\"properties\":{\"a\":{}"), none, count_header, &n) != MCPT_E_DEPTH);
}

static void test_headers_deep(void)
{
    char s[2000] = "{\"x\":1";

    for (int i = 0; i < 20; i++) {
        char tail[40] = "";
        int n = 0;
        mcpt_err e;
        mcpt_val none;
        memset(&none, 0, sizeof(none));
        strcat(s, ",\"properties\":{\"a\":{\"type\":\"object\"");
        memset(tail, '}', (size_t)i * 2 + 3 < sizeof(tail) ? (size_t)i * 2 + 3 : sizeof(tail) - 1);
        if ((size_t)i * 2 + 3 < sizeof(tail)) {
            size_t end = strlen(s);
            strcat(s, tail);
            e = mcpt_schema_headers(mcpt_z(s), none, count_header, &n);
            CHECK(e == (i + 1 <= MCPT_MAX_DEPTH / 2 ? MCPT_OK : MCPT_E_DEPTH));
            s[end] = '\0';
        }
    }
}

static void see_note(void *user, mcpt_str keyword, const char *text)
{
    seen *s = (seen *)user;

    CHECK(text != NULL && strlen(text) > 5);
    snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "%.*s;", (int)keyword.len,
        keyword.ptr);
}

static void lint(const char *schema, const char *wanted, int line)
{
    seen s;
    mcpt_err e;

    memset(&s, 0, sizeof(s));
    e = mcpt_schema_lint(view(at_edge(schema, strlen(schema)), strlen(schema)), see_note, &s);
    if (strcmp(s.text, wanted) != 0 || e != (wanted[0] != '\0' ? MCPT_E_PARAMS : MCPT_OK)) {
        printf("line %d: lint %d %s\n", line, e, s.text);
    }
    CHECK(strcmp(s.text, wanted) == 0);
    CHECK(e == (wanted[0] != '\0' ? MCPT_E_PARAMS : MCPT_OK));
}
#define LINT(members, wanted) lint("{\"type\":\"object\"" members "}", wanted, __LINE__)

static void test_lint_keywords(void)
{
    LINT("", "");
    lint("{}", "type;", __LINE__);
    lint("{\"type\":\"array\"}", "type;", __LINE__);
    LINT(",\"title\":\"\",\"description\":\"\",\"default\":{\"pattern\":1},\"examples\":[{\"not\":1}],\""
         "$comment\":\"\","
         "\"deprecated\":true,\"readOnly\":true,\"writeOnly\":true,\"$id\":\"\",\"$anchor\":\"\",\""
         "enumNames\":[],"
         "\"x-any\":{},\"$defs\":{\"a\":{\"pattern\":\"\"}},\"definitions\":{\"b\":{\"not\":{}}}", "");
    LINT(",\"enum\":[1],\"const\":1,\"minimum\":1,\"maximum\":1,\"exclusiveMinimum\":1,\""
         "exclusiveMaximum\":1,"
         "\"multipleOf\":0.5,\"minLength\":1,\"maxLength\":1,\"minItems\":1,\"maxItems\":1,\""
         "minProperties\":1,"
         "\"maxProperties\":1,\"required\":[],\"properties\":{},\"additionalProperties\":{},\"items\":true,"
         "\"oneOf\":[{\"const\":1,\"title\":\"\"}],\"anyOf\":[{\"description\":\"\",\"const\":1}]", "");
    LINT(",\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"", "");
    LINT(",\"$schema\":\"http://json-schema.org/draft-07/schema#\"", "");
    LINT(",\"$schema\":\"http://json-schema.org/draft-04/schema#\"", "$schema;");
    LINT(",\"$schema\":1", "$schema;");
    LINT(",\"pattern\":\"\",\"$ref\":\"\",\"allOf\":[],\"not\":{},\"if\":{},\"then\":{},\"else\":{},\""
         "uniqueItems\":"
         "true,\"contains\":{},\"patternProperties\":{},\"prefixItems\":[],\"dependentRequired\":{}",
         "pattern;$ref;allOf;not;if;then;else;uniqueItems;contains;patternProperties;prefixItems;"
         "dependentRequired;");
    LINT(",\"propertyNames\":{},\"unevaluatedItems\":false,\"format\":\"date\",\"minContains\":1,\""
         "$dynamicRef\":\"\","
         "\"foo\":1,\"string\":1,\"integer\":1,\"\\u0074ype\":1,\"\":1",
         "propertyNames;unevaluatedItems;format;minContains;$dynamicRef;foo;string;integer;\\u0074ype;"
         "\\u0074ype;;");                                   /* it comes twice, and is not enforced */
}

static void test_lint_values(void)
{
    LINT(",\"properties\":{\"a\":{\"pattern\":1,\"items\":{\"format\":1}},\"pattern\":{}},\""
         "additionalProperties\":"
         "{\"not\":{\"pattern\":1}}", "pattern;format;not;");
    LINT(",\"enum\":[1,[2]]", "enum;");
    LINT(",\"enum\":3", "enum;");
    LINT(",\"const\":{}", "const;");
    LINT(",\"multipleOf\":0", "multipleOf;");
    LINT(",\"multipleOf\":-1", "multipleOf;");
    LINT(",\"multipleOf\":123456789", "multipleOf;");
    LINT(",\"multipleOf\":1234567800", "");
    LINT(",\"minimum\":\"1\",\"maxLength\":null,\"exclusiveMaximum\":true",
        "minimum;maxLength;exclusiveMaximum;");
    LINT(",\"required\":\"a\"", "required;");
    LINT(",\"required\":[1]", "required;");
    LINT(",\"properties\":[]", "properties;");
    LINT(",\"items\":[{\"pattern\":1}]", "items;");
    LINT(",\"items\":1,\"additionalProperties\":[]", "items;additionalProperties;");
    LINT(",\"oneOf\":[{\"const\":1},{\"pattern\":\"\"}]", "oneOf;");
    LINT(",\"anyOf\":[{\"const\":1,\"type\":\"integer\"}]", "anyOf;");
    LINT(",\"anyOf\":[true]", "anyOf;");
    LINT(",\"anyOf\":{}", "anyOf;");
    LINT(",\"properties\":{\"a\":{\"type\":\"strin\"},\"b\":{\"type\":[\"null\",\"any\"]},\"c\":{\"type\":"
         "3}}",
         "type;type;type;");
    LINT(",\"properties\":{\"a\":{},\"\\u0061\":{}},\"title\":1,\"title\":1", "\\u0061;title;");
}

static void test_lint_headers(void)
{
    LINT(",\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},\"b\":{\"type\":\"integer\","
         "\"x-mcp-header\":\"b!#$%&'*+-.^_`|~9Z\"},\"c\":{\"properties\":{\"d\":{\"x-mcp-header\":\"D\","
         "\"type\":"
         "\"boolean\"}}},\"x-mcp-header\":{\"type\":\"string\"}}", "");
    static const char *const wrong[] = { "\"\"", "{}", "[]", "null", "3", "\"a b\"", "\"a:b\"",
        "\"\xc3\xa9\"",
                                         "\"a\\u0001\"", "true", "\"a\\u0062\"" };
    for (size_t i = 0; i < MCPT_COUNT(wrong); i++) {
        char s[200];
        snprintf(s, sizeof(s), "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\""
                               "x-mcp-header\":%s}}}",
                 wrong[i]);
        lint(s, "x-mcp-header;", __LINE__);
    }
    static const char *const types[] = { "\"number\"", "\"object\"", "\"array\"", "\"null\"",
        "[\"string\"]" };
    for (size_t i = 0; i < MCPT_COUNT(types); i++) {
        char s[200];
        snprintf(s, sizeof(s), "{\"type\":\"object\",\"properties\":{\"a\":{\"x-mcp-header\":\"A\",\""
                               "type\":%s}}}",
                 types[i]);
        lint(s, "x-mcp-header;", __LINE__);
    }
    LINT(",\"properties\":{\"a\":{\"x-mcp-header\":\"A\"}}", "x-mcp-header;");
    LINT(",\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"Abc\"},\"b\":{\"properties\":{\"c\":"
         "{\"type\":\"string\",\"x-mcp-header\":\"aBC\"}}}}", "x-mcp-header;");
    LINT(",\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},\"b\":{\"type\":\"string\","
         "\"x-mcp-header\":\"A\"},\"c\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}",
         "x-mcp-header;x-mcp-header;");
    LINT(",\"x-mcp-header\":\"Root\"", "x-mcp-header;");
    LINT(",\"default\":{\"x-mcp-header\":1},\"enum\":[1],\"examples\":[{\"x-mcp-header\":1}]", "");
    static const char *const places[] = { "items", "additionalProperties", "not", "if", "then", "else",
        "contains",
        "propertyNames", "unevaluatedProperties", "$defs\":{\"q", "patternProperties\":{\"q",
        "items\":{\"properties\":{\"q",
        "definitions\":{\"q", "not\":{\"properties\":{\"q", "additionalProperties\":{\"items" };
    for (size_t i = 0; i < MCPT_COUNT(places); i++) {
        char s[300];
        const char *p;
        seen n;
        snprintf(s, sizeof(s), "{\"type\":\"object\",\"%s\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}",
            places[i]);
        for (p = places[i]; *p != '\0'; p++) {
            if (*p == '{') {
                strcat(s, "}");
            }
        }
        strcat(s, "}");
        memset(&n, 0, sizeof(n));
        CHECK(mcpt_schema_lint(mcpt_z(s), see_note, &n) == MCPT_E_PARAMS);
        if (strstr(n.text, "x-mcp-header;") == NULL) {
            printf("%s: %s\n", s, n.text);
        }
        CHECK(strstr(n.text, "x-mcp-header;") != NULL);
    }
    LINT(",\"allOf\":[{\"properties\":{\"a\":{\"x-mcp-header\":\"A\"}}}]", "allOf;x-mcp-header;");
    LINT(",\"prefixItems\":[{\"x-mcp-header\":\"A\"}]", "prefixItems;x-mcp-header;");
    LINT(",\"oneOf\":[{\"const\":1,\"x-mcp-header\":\"A\"}]", "oneOf;x-mcp-header;");
}

static void test_lint_errors(void)
{
    int n = 0;

    CHECK(mcpt_schema_lint(mcpt_z(NULL), count_note, &n) == MCPT_E_JSON);
    CHECK(mcpt_schema_lint(mcpt_z(""), count_note, &n) == MCPT_E_JSON);
    CHECK(mcpt_schema_lint(mcpt_z("true"), count_note, &n) == MCPT_E_JSON);
    CHECK(mcpt_schema_lint(mcpt_z("[]"), count_note, &n) == MCPT_E_JSON);
    CHECK(mcpt_schema_lint(mcpt_z("{\"a\":1,}"), count_note, &n) == MCPT_E_JSON);
    CHECK(mcpt_schema_lint(mcpt_z("{} x"), count_note, &n) == MCPT_E_JSON);
    CHECK(mcpt_schema_lint(mcpt_z("{\"a\":\"\\ud800\"}"), count_note, &n) == MCPT_E_JSON);
    CHECK(mcpt_schema_lint(mcpt_z("{\"default\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]"
                                  "]]]]]]]}"),
                           count_note, &n) == MCPT_E_DEPTH);
    CHECK(n == 0);
}

int main(void)
{
    test_type();
    test_numbers();
    test_multiple();
    test_sizes();
    test_choices();
    test_objects();
    test_arrays();
    test_why();
    test_cut();
    test_absent();
    test_malformed();
    test_hostile();
    test_headers();
    test_headers_deep();
    test_lint_keywords();
    test_lint_values();
    test_lint_headers();
    test_lint_errors();
    return test_end();
}
