/* Doubles against the C library of the host: what is read is what strtod reads, what is written reads back, is as short as it can be and,
 * among the texts of that length, the closest. test_double COUNT tries so many values; "make doubles" 10 million. */
#include "mcptools.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

#if !MCPT_NO_FLOAT
static uint64_t seed = UINT64_C(88172645463325252);

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* Every kind of double: any bits, few bits, near powers of two, decimal fractions, integers, subnormals; never Inf or NaN. */
static double any_double(unsigned kind)
{
    uint64_t r = next_random(), bits = r;
    double v;

    switch (kind % 8) {
    case 0: case 1: break;
    case 2: bits = (r & UINT64_C(0xfff0000000000000)) | (r & 3) << 50; break;
    case 3: bits = ((r & UINT64_C(0xfff0000000000000)) + (r >> 3 & 3)) - 2; break;
    case 4: return (double)(int64_t)(r >> (next_random() & 63));
    case 5: return (double)(r % 100000000) / (double)(1 + (int)(next_random() % 3) * 999);
    case 6: bits = r & UINT64_C(0x800fffffffffffff); break;
    default: bits = (r & UINT64_C(0x800fffffffffffff)) | (UINT64_C(970) + next_random() % 107) << 52; break;
    }
    if ((bits & UINT64_C(0x7ff0000000000000)) == UINT64_C(0x7ff0000000000000)) {
        bits ^= UINT64_C(0x4000000000000000);
    }
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static bool same(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Is text, a JSON number, read as strtod reads it? What is too large for a double is an error. */
static bool reads(const char *text)
{
    static mcpt_tok tok[2];
    mcpt_doc doc;
    double expected = strtod(text, NULL), got = 0;
    bool huge = expected > 1.7976931348623157e308 || expected < -1.7976931348623157e308;
    mcpt_err e = mcpt_parse(&doc, mcpt_z(text), tok, 2);

    if (e == MCPT_OK) {
        e = mcpt_get_f64(mcpt_root(&doc), &got);
    }
    return huge ? e == MCPT_E_RANGE : e == MCPT_OK && same(got, expected);
}

/* The significant digits of a JSON number. */
static unsigned digits_of(const char *text, char digits[32])
{
    unsigned n = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && (n != 0 || *text != '0')) {
            digits[n++] = *text;
        }
    }
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    digits[n] = '\0';
    return n;
}

static bool writes(double v)
{
    char buf[32], text[32], other[64], ours[32], theirs[32];
    mcpt_writer w;
    mcpt_str out;
    unsigned n;

    mcpt_w_init(&w, buf, sizeof(buf));
    mcpt_put_f64(&w, v);
    if (mcpt_w_done(&w, &out) != MCPT_OK || out.len > 25) {
        return false;
    }
    memcpy(text, out.ptr, out.len);
    text[out.len] = '\0';
    if (!same(strtod(text, NULL), v) || !reads(text)) {
        return false;
    }
    n = digits_of(text, ours);
    if (n > 1) {                                            /* a digit less does not read back */
        snprintf(other, sizeof(other), "%.*e", (int)n - 2, v);
        if (same(strtod(other, NULL), v)) {
            return false;
        }
    }
    snprintf(other, sizeof(other), "%.*e", n == 0 ? 0 : (int)n - 1, v);
    (void)digits_of(other, theirs);
    return n == 0 || !same(strtod(other, NULL), v) || strcmp(ours, theirs) == 0;
}

/* A number as somebody else may write it: more digits than count, ties between doubles, exponents anywhere. */
static bool foreign(double v)
{
    char text[1200];
    uint64_t r = next_random();

    if ((r & 7) == 0) {
        double up;
        uint64_t bits;
        memcpy(&bits, &v, sizeof(v));
        bits += 1;
        memcpy(&up, &bits, sizeof(v));
        if (v < 1e300 && v > -1e300 && (v > 1e-290 || v < -1e-290)) {       /* halfway: one binary digit more, exactly */
            long double half = ((long double)v + (long double)up) / 2;
            snprintf(text, sizeof(text), "%.800Le", half);
            return reads(text);
        }
    }
    snprintf(text, sizeof(text), "%.*e", (int)(r >> 8 & 31), v);
    return reads(text);
}
#endif

int main(int argc, char **argv)
{
#if !MCPT_NO_FLOAT
    static const char *const edges[] = {
        "0", "-0", "-0.0e9", "1e-400", "-1e-400", "4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
        "2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308",
        "1e309", "-1e309", "9007199254740993", "9007199254740992.5", "0.1", "0.3", "5e-324", "123456789012345678901234567890",
        "1e23", "8.5e22", "9.5e22", "1e0000000000000000000001", "0.000000000000000000000000000000000000000000000000000000000000001e63",
    };
    long count = argc > 1 ? atol(argv[1]) : TEST_STEPS(200000, 2000);

    for (size_t i = 0; i < MCPT_COUNT(edges); i++) {
        CHECK(reads(edges[i]));
    }
    for (long i = 0; i < count; i++) {
        double v = any_double((unsigned)i);
        CHECK(writes(v));
        CHECK(foreign(v));
    }
#else
    (void)argc;
    (void)argv;
#endif
    return test_end();
}
