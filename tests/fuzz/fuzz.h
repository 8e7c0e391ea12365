/* What the fuzzers share: checks that stay on with NDEBUG, memory of exact size (so that the address sanitizer sees
 * every byte too many), a random stream that only the input decides, and a JSON checker that shares no line with the
 * library. */
#ifndef FUZZ_H
#define FUZZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
static inline void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: NEED(%s)\n", file, line, what);
    abort();
}

/* Memory of exactly n bytes; released by free(). */
static inline void *fuzz_mem(size_t n)
{
    void *p = malloc(n);
    NEED(p != NULL);
    return p;
}

static inline char *fuzz_copy(const void *data, size_t n)
{
    char *p = fuzz_mem(n);
    if (n != 0) {
        memcpy(p, data, n);
    }
    return p;
}

typedef struct fuzz_random {
    uint64_t state;
} fuzz_random;

static inline fuzz_random fuzz_seed(const uint8_t *data, size_t size)
{
    fuzz_random r = { 0xcbf29ce484222325u };
    for (size_t i = 0; i < size; i++) {
        r.state = (r.state ^ data[i]) * 0x100000001b3u;
    }
    return r;
}

static inline uint32_t fuzz_next(fuzz_random *r)            /* splitmix64 */
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 16);
}

/* Length of the next of the pieces a text is cut into: 0 every byte alone, 1 two halves, 2 short ones, 3 any. */
static inline size_t fuzz_piece(fuzz_random *r, unsigned how, size_t left)
{
    size_t n = how == 0 ? 1 : how == 2 ? fuzz_next(r) % 4u : fuzz_next(r) % ((uint32_t)left + 1u);
    return n < left ? n : left;
}

/* -- Cryptography that anybody can forge, so that what stands behind it is reached. Include mcptools.h first. */
static inline bool fake_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    uint64_t h[4] = { 1, 2, 3, 4 };
    (void)user;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < parts[i].len; k++) {
            for (size_t j = 0; j < 4; j++) {
                h[j] = (h[j] ^ (uint8_t)parts[i].ptr[k]) * (0x100000001b3u + 2 * j);
            }
        }
    }
    memcpy(out, h, 32);
    return true;
}

static inline bool fake_hmac(void *user, const void *key, size_t key_len, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    (void)key;
    (void)key_len;
    return fake_sha256(user, parts, n, out);
}

/* -- JSON (RFC 8259), recursive and slow. No lone surrogate escapes, at most depth levels. */
typedef struct fuzz_json {
    const char *p, *end;
    unsigned depth;
    bool twice;                       /* an object has a member twice */
    bool unsure;                      /* an object has too many members to tell */
} fuzz_json;

static bool fuzz_json_value(fuzz_json *j);

static inline void fuzz_json_space(fuzz_json *j)
{
    while (j->p < j->end && strchr(" \t\r\n", *j->p) != NULL && *j->p != '\0') {
        j->p++;
    }
}

static inline int fuzz_json_hex4(fuzz_json *j)
{
    int v = 0;
    for (int i = 0; i < 4; i++, j->p++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *d = j->p < j->end && *j->p != '\0' ? strchr(digits, *j->p) : NULL;
        if (d == NULL) {
            return -1;
        }
        v = v * 16 + (int)(d - digits < 16 ? d - digits : d - digits - 6);
    }
    return v;
}

/* One character of a string as a code point, -1: not one. */
static inline long fuzz_json_char(fuzz_json *j)
{
    const unsigned char *s = (const unsigned char *)j->p;
    size_t left = (size_t)(j->end - j->p);
    if (left == 0 || s[0] < 0x20) {
        return -1;
    }
    if (s[0] == '\\') {
        static const char names[] = "\"\\/bfnrt";
        static const char values[] = "\"\\/\b\f\n\r\t";
        if (left < 2 || s[1] == 0) {
            return -1;
        }
        j->p += 2;
        if (s[1] == 'u') {
            long v = fuzz_json_hex4(j), low;
            if (v >= 0xd800 && v < 0xdc00) {
                if (j->end - j->p < 2 || j->p[0] != '\\' || j->p[1] != 'u') {
                    return -1;
                }
                j->p += 2;
                low = fuzz_json_hex4(j);
                return low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00) : -1;
            }
            return v >= 0xdc00 && v < 0xe000 ? -1 : v;
        }
        return strchr(names, s[1]) != NULL ? values[strchr(names, s[1]) - names] : -1;
    }
    if (s[0] < 0x80) {
        j->p++;
        return s[0];
    }
    static const long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    long v = s[0] & (n == 2 ? 0x1f : n == 3 ? 0x0f : 0x07);
    if (s[0] < 0xc0 || s[0] > 0xf7 || left < n) {
        return -1;
    }
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return -1;
        }
        v = v << 6 | (s[i] & 0x3f);
    }
    j->p += n;
    return v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? -1 : v;
}

static inline bool fuzz_json_string(fuzz_json *j)
{
    if (j->p == j->end || *j->p != '"') {
        return false;
    }
    j->p++;
    while (j->p < j->end && *j->p != '"') {
        if (fuzz_json_char(j) < 0) {
            return false;
        }
    }
    return j->p++ < j->end;
}

/* Do two strings, from their opening quotes on, mean the same? */
static inline bool fuzz_json_same(const char *a, const char *b, const char *end)
{
    fuzz_json x = { a + 1, end, 0, false, false }, y = { b + 1, end, 0, false, false };
    while (*x.p != '"' && *y.p != '"') {
        if (fuzz_json_char(&x) != fuzz_json_char(&y)) {
            return false;
        }
    }
    return *x.p == *y.p;
}

static inline bool fuzz_json_digits(fuzz_json *j)
{
    const char *p = j->p;
    while (j->p < j->end && *j->p >= '0' && *j->p <= '9') {
        j->p++;
    }
    return j->p != p;
}

static inline bool fuzz_json_number(fuzz_json *j)
{
    j->p += *j->p == '-' ? 1 : 0;
    if (j->p < j->end && *j->p == '0') {
        j->p++;
    } else if (!fuzz_json_digits(j)) {
        return false;
    }
    if (j->p < j->end && *j->p == '.') {
        j->p++;
        if (!fuzz_json_digits(j)) {
            return false;
        }
    }
    if (j->p < j->end && (*j->p == 'e' || *j->p == 'E')) {
        j->p++;
        j->p += j->p < j->end && (*j->p == '+' || *j->p == '-') ? 1 : 0;
        return fuzz_json_digits(j);
    }
    return true;
}

static inline bool fuzz_json_container(fuzz_json *j, unsigned max)
{
    const char *keys[32];
    unsigned nkeys = 0;
    bool object = *j->p++ == '{';
    char close = object ? '}' : ']';
    if (++j->depth > max) {
        return false;
    }
    fuzz_json_space(j);
    if (j->p < j->end && *j->p == close) {
        j->p++;
        j->depth--;
        return true;
    }
    for (;;) {
        fuzz_json_space(j);
        if (object) {
            const char *key = j->p;
            if (!fuzz_json_string(j)) {
                return false;
            }
            for (unsigned i = 0; i < nkeys; i++) {
                j->twice = j->twice || fuzz_json_same(keys[i], key, j->end);
            }
            if (nkeys < 32) {
                keys[nkeys++] = key;
            } else {
                j->unsure = true;
            }
            fuzz_json_space(j);
            if (j->p == j->end || *j->p++ != ':') {
                return false;
            }
        }
        if (!fuzz_json_value(j)) {
            return false;
        }
        if (j->p == j->end || (*j->p != ',' && *j->p != close)) {
            return false;
        }
        if (*j->p++ == close) {
            j->depth--;
            return true;
        }
    }
}

static inline bool fuzz_json_value(fuzz_json *j)
{
    bool ok;
    fuzz_json_space(j);
    if (j->p == j->end) {
        return false;
    }
    if (*j->p == '{' || *j->p == '[') {
        ok = fuzz_json_container(j, 32);
    } else if (*j->p == '"') {
        ok = fuzz_json_string(j);
    } else if (j->end - j->p >= 4 && (memcmp(j->p, "true", 4) == 0 || memcmp(j->p, "null", 4) == 0)) {
        j->p += 4;
        ok = true;
    } else if (j->end - j->p >= 5 && memcmp(j->p, "false", 5) == 0) {
        j->p += 5;
        ok = true;
    } else {
        ok = fuzz_json_number(j);
    }
    fuzz_json_space(j);
    return ok;
}

/* Is this JSON text? */
static inline bool fuzz_json_ok(const char *text, size_t len, fuzz_json *j)
{
    memset(j, 0, sizeof(*j));
    j->p = text;
    j->end = text + len;
    return fuzz_json_value(j) && j->p == j->end;
}
#endif
