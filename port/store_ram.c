/* port/store_ram.c - see store_ram.h
 *
 * Records grow from the front: length of the key (1 byte, its high bit: dead), length of the value (4), key, value.
 * Their offsets (4 bytes each), sorted by key, grow from the back. When the two meet, dead records are squeezed out. */
#include "store_ram.h"
#include <string.h>

#define HEAD 5u
#define DEAD 0x80u

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static uint8_t *row(const mcpt_store_ram *s, size_t i)      /* the i-th offset */
{
    return s->mem + s->size - 4 * (i + 1);
}

static uint8_t *record(const mcpt_store_ram *s, size_t i)
{
    return s->mem + get32(row(s, i));
}

static size_t record_size(const uint8_t *r)
{
    return HEAD + (r[0] & ~DEAD) + get32(r + 1);
}

static int compare(const uint8_t *r, const char *key, size_t n)
{
    size_t own = r[0];
    int order = memcmp(r + HEAD, key, own < n ? own : n);

    return order != 0 ? order : own < n ? -1 : own > n;
}

/* The first record that is not less than key; *found: it is the key's. */
static size_t find(const mcpt_store_ram *s, const char *key, bool *found)
{
    size_t low = 0, high = s->count, n = strlen(key);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(record(s, middle), key, n) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = low < s->count && compare(record(s, low), key, n) == 0;
    return low;
}

static void bury(mcpt_store_ram *s, size_t i)
{
    uint8_t *r = record(s, i);

    s->dead += record_size(r);
    mcpt_wipe(r + HEAD + r[0], get32(r + 1));
    r[0] = (uint8_t)(r[0] | DEAD);
}

/* Moves the living together; keys of the dead were left in place, so every record can be stepped over. */
static void squeeze(mcpt_store_ram *s)
{
    char key[MCPT_STORE_RAM_KEY + 1];
    size_t from = 0, to = 0;

    while (from < s->used) {
        uint8_t *r = s->mem + from;
        size_t n = record_size(r);

        if ((r[0] & DEAD) == 0) {
            bool found;

            memcpy(key, r + HEAD, r[0]);
            key[r[0]] = '\0';
            put32(row(s, find(s, key, &found)), (uint32_t)to);
            memmove(s->mem + to, r, n);
            to += n;
        }
        from += n;
    }
    mcpt_wipe(s->mem + to, s->used - to);
    s->used = to;
    s->dead = 0;
}

static mcpt_err ram_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    const mcpt_store_ram *s = (const mcpt_store_ram *)user;
    const uint8_t *r;
    bool found;
    size_t i;

    *len = 0;
    if (!mcpt_store_key_ok(key, s->max_key)) {
        return MCPT_E_ARG;
    }
    i = find(s, key, &found);
    if (!found) {
        return MCPT_E_ABSENT;
    }
    r = record(s, i);
    *len = get32(r + 1);
    if (*len > cap) {
        return MCPT_E_SPACE;
    }
    if (*len != 0) {
        memcpy(buf, r + HEAD + r[0], *len);
    }
    return MCPT_OK;
}

static mcpt_err ram_write(void *user, const char *key, mcpt_str value)
{
    mcpt_store_ram *s = (mcpt_store_ram *)user;
    size_t n, need, i, living;
    bool found;
    uint8_t *r;

    if (!mcpt_store_key_ok(key, s->max_key) || value.ptr == NULL) {
        return MCPT_E_ARG;
    }
    n = strlen(key);
    need = HEAD + n;
    if (s->size < need + 4 || value.len > s->size - need - 4) {
        return MCPT_E_LIMIT;
    }
    need += value.len;
    i = find(s, key, &found);
    living = s->used - s->dead + 4 * (s->count + (found ? 0 : 1)) - (found ? record_size(record(s, i)) : 0);
    if (need > s->size || living > s->size - need) {
        return MCPT_E_FULL;
    }
    if (found) {
        bury(s, i);
        memmove(row(s, s->count - 2), row(s, s->count - 1), 4 * (s->count - 1 - i));
        s->count--;
    }
    if (s->used + need + 4 * (s->count + 1) > s->size) {
        squeeze(s);
    }
    r = s->mem + s->used;
    r[0] = (uint8_t)n;
    put32(r + 1, (uint32_t)value.len);
    memcpy(r + HEAD, key, n);
    memcpy(r + HEAD + n, value.ptr, value.len);
    memmove(row(s, s->count), row(s, s->count - 1), 4 * (s->count - i));
    put32(row(s, i), (uint32_t)s->used);
    s->count++;
    s->used += need;
    return MCPT_OK;
}

static mcpt_err ram_erase(void *user, const char *key)
{
    mcpt_store_ram *s = (mcpt_store_ram *)user;
    bool found;
    size_t i;

    if (!mcpt_store_key_ok(key, s->max_key)) {
        return MCPT_E_ARG;
    }
    i = find(s, key, &found);
    if (found) {
        bury(s, i);
        memmove(row(s, s->count - 2), row(s, s->count - 1), 4 * (s->count - 1 - i));
        s->count--;
    }
    return MCPT_OK;
}

static mcpt_err ram_list(void *user, const char *prefix, bool (*each)(void *each_user, const char *key), void *each_user)
{
    const mcpt_store_ram *s = (const mcpt_store_ram *)user;
    char key[MCPT_STORE_RAM_KEY + 1];
    size_t n = prefix != NULL ? strlen(prefix) : 0, i;
    bool found;

    if (prefix == NULL || (n != 0 && !mcpt_store_key_ok(prefix, s->max_key))) {
        return MCPT_E_ARG;
    }
    memcpy(key, prefix, n + 1);
    i = find(s, key, &found);
    while (i < s->count) {
        const uint8_t *r = record(s, i);

        if (r[0] < n || memcmp(r + HEAD, prefix, n) != 0) {
            break;
        }
        memcpy(key, r + HEAD, r[0]);
        key[r[0]] = '\0';
        if (!each(each_user, key)) {
            break;
        }
        i = find(s, key, &found);                           /* each() may have changed everything */
        i += found ? 1 : 0;
    }
    return MCPT_OK;
}

static mcpt_err ram_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    const mcpt_store_ram *s = (const mcpt_store_ram *)user;
    mcpt_str now = { NULL, 0 };
    bool found;
    size_t i;

    if (!mcpt_store_key_ok(key, s->max_key)) {
        return MCPT_E_ARG;
    }
    i = find(s, key, &found);
    if (found) {
        const uint8_t *r = record(s, i);

        now.ptr = (const char *)(r + HEAD + r[0]);
        now.len = get32(r + 1);
    }
    if (found != (old.ptr != NULL) || (found && !mcpt_str_eq(now, old))) {
        return MCPT_E_CONFLICT;
    }
    return value.ptr != NULL ? ram_write(user, key, value) : ram_erase(user, key);
}

mcpt_err mcpt_store_ram_init(mcpt_store_ram *s, void *mem, size_t size, size_t max_key)
{
    static const mcpt_store calls = { ram_read, ram_write, ram_erase, ram_list, ram_swap, NULL };

    if (mem == NULL || size > UINT32_MAX || max_key > MCPT_STORE_RAM_KEY) {
        return MCPT_E_ARG;
    }
    memset(s, 0, sizeof(*s));
    s->store = calls;
    s->store.user = s;
    s->mem = (uint8_t *)mem;
    s->size = size;
    s->max_key = max_key != 0 ? max_key : MCPT_STORE_KEY;
    return MCPT_OK;
}
