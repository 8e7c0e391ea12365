/* What every mcpt_store promises, as one test: store_contract(&what). Leaves the store empty. */
#ifndef STORE_CONTRACT_H
#define STORE_CONTRACT_H
#include "mcptools.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

typedef struct store_contract_of {
    const mcpt_store *store;
    const mcpt_store *other;          /* a second way into the same records: another handle, or the same */
    void (*reopen)(void);             /* closes and opens both again; NULL: nothing to reopen */
    size_t max_key;                   /* 0: MCPT_STORE_KEY */
    size_t max_value;                 /* the longest value this test writes */
    bool bounded;                     /* small enough to be filled: up to 2000 records of max_value / 8 bytes */
    size_t limit;                     /* a length that answers E_LIMIT; 0: none */
    unsigned rounds;                  /* operations of the random part */
} store_contract_of;

enum { SC_KEYS = 24, SC_MAX = 1 << 16 };
static const mcpt_str sc_none = { NULL, 0 };
static char sc_buf[SC_MAX], sc_want[SC_MAX];

static uint32_t sc_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static mcpt_str sc_bytes(const void *p, size_t n)
{
    mcpt_str s;
    s.ptr = (const char *)p;
    s.len = n;
    return s;
}

/* n bytes that depend on tag, every value 0..255 among them. */
static mcpt_str sc_value(uint32_t tag, size_t n)
{
    uint32_t seed = tag * 2654435769u + 1;
    for (size_t i = 0; i < n; i++) {
        sc_want[i] = (char)(i < 4 ? tag >> (8 * i) : sc_random(&seed));
    }
    return sc_bytes(sc_want, n);
}

static bool sc_is(const mcpt_store *s, const char *key, mcpt_str want)
{
    size_t len = 99;
    mcpt_err e = s->read(s->user, key, sc_buf, sizeof(sc_buf), &len);
    if (want.ptr == NULL) {
        return e == MCPT_E_ABSENT && len == 0;
    }
    return e == MCPT_OK && len == want.len && memcmp(sc_buf, want.ptr, len) == 0;
}

static mcpt_err sc_write(const mcpt_store *s, const char *key, const char *text)
{
    return s->write(s->user, key, mcpt_z(text));
}

static mcpt_err sc_swap(const mcpt_store *s, const char *key, const char *old, const char *value)
{
    return s->swap(s->user, key, mcpt_z(old), mcpt_z(value));
}

typedef struct sc_listing { char keys[2100][72]; size_t n, stop; const mcpt_store *store; int act; bool ok; } sc_listing;
static sc_listing sc_list;

/* What happens inside list: 0 nothing, 1 reads, 2 erases the key, 3 overwrites it, 4 erases and writes others. */
static bool sc_each(void *user, const char *key)
{
    sc_listing *l = (sc_listing *)user;
    const mcpt_store *s = l->store;
    size_t len;
    if (l->n < MCPT_COUNT(l->keys) && strlen(key) < sizeof(l->keys[0])) {
        memcpy(l->keys[l->n], key, strlen(key) + 1);
    }
    l->n++;
    if (l->act == 1) {
        l->ok = l->ok && s->read(s->user, key, sc_buf, sizeof(sc_buf), &len) == MCPT_OK;
    } else if (l->act == 2) {
        l->ok = l->ok && s->erase(s->user, key) == MCPT_OK;
    } else if (l->act == 3) {
        l->ok = l->ok && sc_write(s, key, "overwritten in a list") == MCPT_OK;
    } else if (l->act == 4) {
        l->ok = l->ok && s->erase(s->user, "l-2") == MCPT_OK && sc_write(s, "l-new", "n") == MCPT_OK &&
                sc_swap(s, "l-1", NULL, "x") == MCPT_E_CONFLICT;
    }
    return l->n != l->stop;
}

static size_t sc_count(const mcpt_store *s, const char *prefix, int act, size_t stop)
{
    sc_list.n = 0;
    sc_list.stop = stop;
    sc_list.store = s;
    sc_list.act = act;
    sc_list.ok = true;
    CHECK(s->list(s->user, prefix, sc_each, &sc_list) == MCPT_OK);
    CHECK(sc_list.ok);
    for (size_t i = 0; i < sc_list.n && i < MCPT_COUNT(sc_list.keys); i++) {
        CHECK(strncmp(sc_list.keys[i], prefix, strlen(prefix)) == 0);
    }
    return sc_list.n;
}

static size_t sc_listed(const char *key)
{
    size_t times = 0;
    for (size_t i = 0; i < sc_list.n; i++) {
        times += strcmp(sc_list.keys[i], key) == 0;
    }
    return times;
}

static inline void sc_clear(const mcpt_store *s)
{
    (void)sc_count(s, "", 2, 0);
    CHECK(sc_count(s, "", 0, 0) == 0);
}

static inline void sc_records(const mcpt_store *s)
{
    size_t len = 7;
    CHECK(s->read(s->user, "k", sc_buf, sizeof(sc_buf), &len) == MCPT_E_ABSENT && len == 0);
    CHECK(s->erase(s->user, "k") == MCPT_OK);               /* nothing there: fine */
    CHECK(sc_write(s, "k", "one") == MCPT_OK && sc_is(s, "k", mcpt_z("one")));
    CHECK(sc_is(s, "K", sc_none) && sc_is(s, "kk", sc_none));   /* case and length matter */
    CHECK(s->read(s->user, "k", NULL, 0, &len) == MCPT_E_SPACE && len == 3);
    CHECK(s->read(s->user, "k", sc_buf, 2, &len) == MCPT_E_SPACE && len == 3);
    CHECK(s->read(s->user, "k", sc_buf, 3, &len) == MCPT_OK && len == 3);
    CHECK(sc_write(s, "k", "another") == MCPT_OK && sc_is(s, "k", mcpt_z("another")));
    CHECK(sc_write(s, "k", "x") == MCPT_OK && sc_is(s, "k", mcpt_z("x")));
    CHECK(sc_write(s, "k", "x") == MCPT_OK && sc_is(s, "k", mcpt_z("x")));
    CHECK(sc_write(s, "k", "") == MCPT_OK && sc_is(s, "k", mcpt_z("")));        /* empty is not absent */
    CHECK(s->read(s->user, "k", NULL, 0, &len) == MCPT_OK && len == 0);
    CHECK(s->write(s->user, "k", sc_none) == MCPT_E_ARG && sc_is(s, "k", mcpt_z("")));
    CHECK(s->write(s->user, "k", sc_bytes("\0a\0\xff\n\"'\\", 8)) == MCPT_OK);
    CHECK(sc_is(s, "k", sc_bytes("\0a\0\xff\n\"'\\", 8)));
    CHECK(sc_write(s, "other", "o") == MCPT_OK);
    CHECK(s->erase(s->user, "k") == MCPT_OK && sc_is(s, "k", sc_none) && sc_is(s, "other", mcpt_z("o")));
    CHECK(s->erase(s->user, "k") == MCPT_OK && s->erase(s->user, "other") == MCPT_OK);
}

static inline void sc_values(const store_contract_of *of)
{
    const mcpt_store *s = of->store;
    CHECK(sc_write(s, "before", "b") == MCPT_OK && sc_write(s, "v", "v") == MCPT_OK && sc_write(s, "after", "a") == MCPT_OK);
    for (size_t n = 1; n <= of->max_value; n += n < 70 ? 1 : n / 2 + 1) {   /* grow and shrink, all at other lengths */
        CHECK(s->write(s->user, "v", sc_value((uint32_t)n, n)) == MCPT_OK && sc_is(s, "v", sc_bytes(sc_want, n)));
        CHECK(sc_write(s, "v", "short") == MCPT_OK && sc_is(s, "v", mcpt_z("short")));
    }
    CHECK(s->write(s->user, "v", sc_value(1, of->max_value)) == MCPT_OK && sc_is(s, "v", sc_bytes(sc_want, of->max_value)));
    CHECK(s->write(s->user, "v", sc_value(2, of->max_value)) == MCPT_OK && sc_is(s, "v", sc_bytes(sc_want, of->max_value)));
    if (of->limit != 0) {
        CHECK(s->write(s->user, "v", sc_bytes(sc_buf, of->limit)) == MCPT_E_LIMIT);
        CHECK(s->write(s->user, "w", sc_bytes(sc_buf, of->limit)) == MCPT_E_LIMIT && sc_is(s, "w", sc_none));
        (void)sc_value(2, of->max_value);
        CHECK(sc_is(s, "v", sc_bytes(sc_want, of->max_value)));
        CHECK(s->swap(s->user, "v", sc_bytes(sc_want, of->max_value), sc_bytes(sc_buf, of->limit)) == MCPT_E_LIMIT);
    }
    CHECK(sc_is(s, "before", mcpt_z("b")) && sc_is(s, "after", mcpt_z("a")));
    sc_clear(s);
}

static inline void sc_keys(const store_contract_of *of)
{
    const mcpt_store *s = of->store;
    static const char *const bad[] = { "", "a b", "a.b", "a/b", "..", ".", "a\n", "a%", "a'b", "\xc3\xa4", "a:b", "a*", "a\\b", "[a]" };
    const size_t max = of->max_key != 0 ? of->max_key : MCPT_STORE_KEY;
    char key[130];
    size_t len;
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        len = 5;
        CHECK(s->read(s->user, bad[i], sc_buf, sizeof(sc_buf), &len) == MCPT_E_ARG && len == 0);
        CHECK(sc_write(s, bad[i], "v") == MCPT_E_ARG && s->erase(s->user, bad[i]) == MCPT_E_ARG);
        CHECK(sc_swap(s, bad[i], NULL, "v") == MCPT_E_ARG);
        CHECK(i == 0 || s->list(s->user, bad[i], sc_each, &sc_list) == MCPT_E_ARG);
    }
    CHECK(s->read(s->user, NULL, sc_buf, sizeof(sc_buf), &len) == MCPT_E_ARG && sc_write(s, NULL, "v") == MCPT_E_ARG);
    CHECK(s->list(s->user, NULL, sc_each, &sc_list) == MCPT_E_ARG && s->erase(s->user, NULL) == MCPT_E_ARG);
    memset(key, 'k', sizeof(key));
    key[max + 1] = '\0';
    CHECK(sc_write(s, key, "v") == MCPT_E_ARG && s->list(s->user, key, sc_each, &sc_list) == MCPT_E_ARG);
    for (size_t n = max; n > 0; n--) {                      /* each is a prefix of the one before */
        key[n] = '\0';
        CHECK(s->write(s->user, key, sc_value((uint32_t)n, n)) == MCPT_OK);
    }
    memset(key, 'k', sizeof(key));
    for (size_t n = max; n > 0; n--) {
        key[n] = '\0';
        (void)sc_value((uint32_t)n, n);
        CHECK(sc_is(s, key, sc_bytes(sc_want, n)));
        CHECK(sc_count(s, key, 0, 0) == max - n + 1);
    }
    sc_clear(s);
    CHECK(sc_write(s, "-", "1") == MCPT_OK && sc_write(s, "_", "2") == MCPT_OK && sc_write(s, "--", "3") == MCPT_OK);
    CHECK(sc_write(s, "a_b", "4") == MCPT_OK && sc_write(s, "axb", "5") == MCPT_OK && sc_write(s, "A_b", "6") == MCPT_OK);
    CHECK(sc_is(s, "-", mcpt_z("1")) && sc_is(s, "_", mcpt_z("2")) && sc_is(s, "--", mcpt_z("3")));
    CHECK(sc_count(s, "_", 0, 0) == 1 && sc_count(s, "-", 0, 0) == 2 && sc_count(s, "a_", 0, 0) == 1);  /* no wild cards */
    CHECK(sc_count(s, "a", 0, 0) == 2 && sc_count(s, "A", 0, 0) == 1 && sc_count(s, "", 0, 0) == 6);
    sc_clear(s);
}

static inline void sc_lists(const mcpt_store *s)
{
    static const char *const keys[] = { "l-1", "l-2", "l-3", "l-4", "l-5", "m-1", "m", "k", "l" };
    CHECK(sc_count(s, "", 1, 0) == 0);
    for (int act = 0; act <= 4; act++) {
        for (size_t i = 0; i < MCPT_COUNT(keys); i++) {
            CHECK(sc_write(s, keys[i], keys[i]) == MCPT_OK);
        }
        CHECK(sc_count(s, "", 1, 0) == 9 && sc_count(s, "l-", 1, 0) == 5 && sc_count(s, "l-3", 0, 0) == 1);
        CHECK(sc_count(s, "l-3x", 0, 0) == 0 && sc_count(s, "z", 0, 0) == 0 && sc_count(s, "l-", 0, 2) == 2);
        if (act != 4) {
            CHECK(sc_count(s, "l-", act, 0) == 5);
        } else {
            size_t n = sc_count(s, "l-", act, 0);
            CHECK(n >= 4 && n <= 6 && sc_listed("l-2") <= 1 && sc_listed("l-new") <= 1);
        }
        for (size_t i = 0; i < 5; i++) {
            CHECK(sc_listed(keys[i]) == 1 || (act == 4 && i == 1));
        }
        CHECK(sc_count(s, "", 0, 0) == (act == 2 ? 4u : 9u));
        CHECK(sc_is(s, "l-4", act == 2 ? sc_none : mcpt_z(act == 3 ? "overwritten in a list" : "l-4")));
        CHECK(sc_is(s, "m-1", mcpt_z("m-1")) && sc_is(s, "l", mcpt_z("l")));
        sc_clear(s);
    }
}

static inline void sc_swaps(const store_contract_of *of)
{
    const mcpt_store *s = of->store, *t = of->other;
    CHECK(sc_swap(s, "s", "a", "b") == MCPT_E_CONFLICT && sc_is(s, "s", sc_none));
    CHECK(sc_swap(s, "s", "a", NULL) == MCPT_E_CONFLICT && sc_swap(s, "s", NULL, NULL) == MCPT_OK && sc_is(s, "s", sc_none));
    CHECK(sc_swap(s, "s", NULL, "a") == MCPT_OK && sc_is(t, "s", mcpt_z("a")));
    CHECK(sc_swap(t, "s", NULL, "b") == MCPT_E_CONFLICT && sc_swap(t, "s", NULL, NULL) == MCPT_E_CONFLICT);
    CHECK(sc_swap(t, "s", "A", "b") == MCPT_E_CONFLICT && sc_swap(t, "s", "aa", "b") == MCPT_E_CONFLICT);
    CHECK(sc_swap(t, "s", "", "b") == MCPT_E_CONFLICT && sc_is(s, "s", mcpt_z("a")));
    CHECK(sc_swap(t, "s", "a", "bcd") == MCPT_OK && sc_swap(s, "s", "a", "x") == MCPT_E_CONFLICT && sc_is(s, "s", mcpt_z("bcd")));
    CHECK(sc_swap(s, "s", "bc", "x") == MCPT_E_CONFLICT && sc_swap(s, "s", "bcd", "bcd") == MCPT_OK);
    CHECK(sc_swap(s, "s", "bcd", "") == MCPT_OK && sc_is(t, "s", mcpt_z("")));
    CHECK(sc_swap(s, "s", NULL, "x") == MCPT_E_CONFLICT && sc_swap(s, "s", "", "y") == MCPT_OK && sc_is(t, "s", mcpt_z("y")));
    CHECK(s->swap(s->user, "s", mcpt_z("y"), sc_bytes("\0\xff'", 3)) == MCPT_OK);
    CHECK(s->swap(s->user, "s", sc_bytes("\0\xff\"", 3), mcpt_z("z")) == MCPT_E_CONFLICT);
    CHECK(s->swap(s->user, "s", sc_bytes("\0\xff", 2), mcpt_z("z")) == MCPT_E_CONFLICT);
    CHECK(sc_write(t, "s2", "kept") == MCPT_OK);
    CHECK(s->swap(s->user, "s", sc_bytes("\0\xff'", 3), sc_none) == MCPT_OK && sc_is(t, "s", sc_none));
    CHECK(sc_swap(s, "s", NULL, "again") == MCPT_OK && sc_swap(t, "s", "again", NULL) == MCPT_OK);
    CHECK(sc_is(s, "s", sc_none) && sc_is(s, "s2", mcpt_z("kept")));
    CHECK(s->swap(s->user, "s", sc_none, sc_value(3, of->max_value)) == MCPT_OK);
    memcpy(sc_buf, sc_want, of->max_value);
    sc_buf[of->max_value - 1] = (char)(sc_buf[of->max_value - 1] ^ 1);          /* differs in its last bit */
    CHECK(s->swap(s->user, "s", sc_bytes(sc_buf, of->max_value), mcpt_z("n")) == MCPT_E_CONFLICT);
    CHECK(s->swap(s->user, "s", sc_bytes(sc_want, of->max_value), mcpt_z("n")) == MCPT_OK && sc_is(t, "s", mcpt_z("n")));
    sc_clear(s);
}

static char *sc_name(char *key, unsigned i)
{
    memcpy(key, "f-0000", 7);
    for (int at = 5; at >= 2; at--, i /= 10) {
        key[at] = (char)('0' + i % 10);
    }
    return key;
}

/* A full store keeps everything, takes erase, replacement by the same length and a new record in place of an old one. */
static inline void sc_full(const store_contract_of *of)
{
    const mcpt_store *s = of->store;
    const size_t n = of->max_value / 8;
    char key[8];
    unsigned count = 0, i;
    mcpt_err e = MCPT_OK;
    while (count < 2000 && e == MCPT_OK) {
        e = s->write(s->user, sc_name(key, count), sc_value(count, n));
        count += e == MCPT_OK;
    }
    CHECK(e == MCPT_E_FULL && count > 3);
    CHECK(sc_is(s, key, sc_none) && s->swap(s->user, key, sc_none, sc_value(count, n)) == MCPT_E_FULL && sc_is(s, key, sc_none));
    CHECK(sc_count(s, "", 0, 0) == count);
    CHECK(s->write(s->user, sc_name(key, 1), sc_value(9, of->max_value)) == MCPT_E_FULL);
    for (i = 0; i < count; i++) {
        (void)sc_value(i, n);
        CHECK(sc_is(s, sc_name(key, i), sc_bytes(sc_want, n)));
    }
    for (i = 0; i < count; i++) {
        CHECK(s->write(s->user, sc_name(key, i), sc_value(i + 5000, n)) == MCPT_OK);
    }
    if (of->reopen != NULL) {
        of->reopen();
    }
    for (i = 0; i < count; i++) {
        (void)sc_value(i + 5000, n);
        CHECK(sc_is(s, sc_name(key, i), sc_bytes(sc_want, n)));
    }
    for (i = 0; i < 3 * count; i++) {                       /* one out, one in */
        CHECK(s->erase(s->user, sc_name(key, i)) == MCPT_OK);
        CHECK(s->write(s->user, sc_name(key, i + count), sc_value(i + count, n)) == MCPT_OK);
    }
    CHECK(sc_count(s, "", 0, 0) == count);
    for (i = 3 * count; i < 4 * count; i++) {
        (void)sc_value(i, n);
        CHECK(sc_is(s, sc_name(key, i), sc_bytes(sc_want, n)));
    }
    sc_clear(s);
}

/* Random operations beside a model; E_FULL must change nothing. */
static inline void sc_model(const store_contract_of *of)
{
    static struct { bool there; uint32_t tag; size_t len; } m[SC_KEYS];
    const mcpt_store *s = of->store;
    uint32_t seed = 20260728;
    char key[8], old[SC_MAX > 4096 ? 4096 : SC_MAX];
    memset(m, 0, sizeof(m));
    for (unsigned round = 0; round < of->rounds; round++) {
        unsigned k = sc_random(&seed) % SC_KEYS, what = sc_random(&seed) % 16;
        size_t longest = of->max_value < sizeof(old) ? of->max_value : sizeof(old);
        uint32_t tag = sc_random(&seed);
        size_t n = sc_random(&seed) % (tag % 8 == 0 ? longest + 1 : longest / 16 + 2);
        mcpt_err e = MCPT_OK;
        (void)sc_name(key, k);
        if (of->reopen != NULL && sc_random(&seed) % 32 == 0) {
            of->reopen();
        }
        if (what < 8) {
            e = s->write(s->user, key, sc_value(tag, n));
        } else if (what < 11) {
            e = s->erase(s->user, key);
        } else if (what < 15) {
            mcpt_str from = sc_none;
            if (m[k].there) {
                memcpy(old, sc_value(m[k].tag, m[k].len).ptr, m[k].len);
                from = sc_bytes(old, m[k].len);
            }
            e = s->swap(s->user, key, from, what == 11 ? sc_none : sc_value(tag, n));
        } else {
            e = s->swap(s->user, key, mcpt_z("never there"), mcpt_z(""));
            CHECK(e == MCPT_E_CONFLICT);
        }
        CHECK(e == MCPT_OK || what == 15 || (e == MCPT_E_FULL && of->bounded && what != 11 && (what < 8 || what > 10)));
        if (e == MCPT_OK) {
            m[k].there = what < 8 || (what > 11 && what < 15);
            m[k].tag = tag;
            m[k].len = n;
        }
        for (unsigned i = round % 8; i < SC_KEYS; i += 8) {
            if (m[i].there) {
                (void)sc_value(m[i].tag, m[i].len);
            }
            CHECK(sc_is(round % 2 != 0 ? s : of->other, sc_name(key, i), m[i].there ? sc_bytes(sc_want, m[i].len) : sc_none));
        }
        if (round % 64 == 0) {
            size_t there = 0;
            for (unsigned i = 0; i < SC_KEYS; i++) {
                there += m[i].there;
            }
            CHECK(sc_count(s, "f-", 0, 0) == there);
        }
    }
    sc_clear(s);
}

static inline void store_contract(const store_contract_of *of)
{
    const mcpt_store *s = of->store;
    CHECK(sc_count(s, "", 0, 0) == 0);
    sc_records(s);
    sc_values(of);
    sc_keys(of);
    sc_lists(s);
    sc_swaps(of);
    if (of->bounded) {
        sc_full(of);
    }
    sc_model(of);
    if (of->reopen != NULL) {
        CHECK(sc_write(s, "stays", "here") == MCPT_OK && sc_write(s, "goes", "x") == MCPT_OK && s->erase(s->user, "goes") == MCPT_OK);
        of->reopen();
        CHECK(sc_is(s, "stays", mcpt_z("here")) && sc_is(of->other, "stays", mcpt_z("here")) && sc_is(s, "goes", sc_none));
        sc_clear(s);
        of->reopen();
        CHECK(sc_count(s, "", 0, 0) == 0);
    }
}
#endif
