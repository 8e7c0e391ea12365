/* port/store_flash.c - see store_flash.h
 *
 * A sector: its head twice (2 x 32 bytes), then entries. An entry: head, value, head again. Kinds of entry:
 *   PART  a record, or one of its pieces; all pieces of one write have the same version, the last one completes it
 *   TOMB  the key was erased
 *   MARK  a decision: what stands from `from` up to here does not count, and neither does version `version`
 * A sector counts only once it holds a MARK or anything that is not a copy: copies made while collecting can be
 * made again. Of n sectors the newest n - 1 count; the one before them is old, whatever it contains.
 * Head of an entry: kind, flags, part, key (15), length (2), version (4), CRC of the value or `from` (4), CRC (4).
 * Head of a sector: "mcpS", format, program size, sectors (2), sector size (4), number (4), `from` in the sector
 * before (4), zeros (8), CRC (4). Numbers are little-endian. The first 5 bytes and the CRC stay so in every format. */
#include "store_flash.h"
#include <string.h>

enum { FORMAT = 1, HEAD = 32, BLOCK = 64, ENTRY = 2 * HEAD, OVERHEAD = 2 * HEAD + ENTRY };
enum { PART = 0x51, TOMB = 0x52, MARK = 0x53 };
enum { AGAIN = 1, LAST = 2, COPY = 4, LEAD = 8 };  /* LEAD: in slots only, the one that list shows */

typedef struct head {                 /* of an entry, in RAM */
    uint8_t kind, flags, part;
    char key[MCPT_STORE_KEY + 1];
    uint16_t len;
    uint32_t version, crc;
} head;
typedef struct block { uint32_t align; uint8_t b[BLOCK]; } block;

/* ------------------------------------------------------------------------------------------------ bytes, chip */
static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)v);
    put16(p + 2, (uint16_t)(v >> 16));
}

/* CRC-32 (reflected 0x04c11db7), half a byte at a time. Begin with ~0, end with ~. */
static uint32_t crc32(uint32_t crc, const void *data, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
        0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu
    };
    const uint8_t *p = (const uint8_t *)data;

    for (size_t i = 0; i < len; i++) {
        crc = table[(crc ^ p[i]) & 15u] ^ crc >> 4;
        crc = table[(crc ^ (uint32_t)(p[i] >> 4)) & 15u] ^ crc >> 4;
    }
    return crc;
}

static uint32_t sector_size(const mcpt_store_flash *s)
{
    return s->flash->geometry.sector_size;
}

static uint32_t sectors(const mcpt_store_flash *s)
{
    return s->flash->geometry.sectors;
}

static uint32_t grain(const mcpt_store_flash *s)
{
    return s->flash->geometry.unit > 8 ? s->flash->geometry.unit : 8u;
}

static uint32_t padded(const mcpt_store_flash *s, size_t len)
{
    return ((uint32_t)len + grain(s) - 1) / grain(s) * grain(s);
}

/* A chip that fails once is not used any more in this call: s->failed. */
static void chip_read(mcpt_store_flash *s, uint32_t at, void *buf, size_t len)
{
    s->failed = s->failed || !s->flash->read(s->flash->ctx, at, buf, len);
    if (s->failed) {
        memset(buf, 0, len);
    }
}

static void chip_erase(mcpt_store_flash *s, uint32_t at)
{
    s->failed = s->failed || !s->flash->erase(s->flash->ctx, at);
    s->erases++;
}

/* len bytes from data, filled up to whole units, and read back. */
static void chip_program(mcpt_store_flash *s, uint32_t at, const void *data, size_t len)
{
    const uint8_t *p = (const uint8_t *)data;
    const size_t unit = s->flash->geometry.unit;

    while (len > 0 && !s->failed) {
        block out, in;
        size_t n = BLOCK - at % BLOCK, whole;

        n = n < len ? n : len;
        whole = (n + unit - 1) / unit * unit;
        memset(out.b, 0xff, sizeof(out.b));
        memcpy(out.b, p, n);
        s->failed = !s->flash->program(s->flash->ctx, at, out.b, whole);
        chip_read(s, at, in.b, whole);
        s->failed = s->failed || memcmp(in.b, out.b, whole) != 0;
        at += (uint32_t)n;
        p += n;
        len -= n;
    }
}

static bool chip_blank(mcpt_store_flash *s, uint32_t from, uint32_t to)
{
    while (from < to) {
        block in;
        uint32_t n = to - from < BLOCK ? to - from : BLOCK;

        chip_read(s, from, in.b, n);
        for (uint32_t i = 0; i < n; i++) {
            if (in.b[i] != 0xff) {
                return false;
            }
        }
        from += n;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------------ heads */
static uint32_t sector_of(const mcpt_store_flash *s, uint32_t at)
{
    return at / sector_size(s) * sector_size(s);
}

/* Where the sector is that was opened `back` sectors before the newest. */
static uint32_t sector_back(const mcpt_store_flash *s, uint32_t back)
{
    return (s->head / sector_size(s) + sectors(s) - back % sectors(s)) % sectors(s) * sector_size(s);
}

static uint32_t number_of(const mcpt_store_flash *s, uint32_t at)
{
    return s->seq - (s->head / sector_size(s) + sectors(s) - at / sector_size(s)) % sectors(s);
}

static uint32_t head_crc(const mcpt_store_flash *s, uint32_t at, const uint8_t *b)
{
    uint8_t place[8];

    put32(place, number_of(s, at));
    put32(place + 4, at);
    return ~crc32(crc32(~0u, place, sizeof(place)), b, HEAD - 4);
}

static void write_head(mcpt_store_flash *s, uint32_t at, const head *h)
{
    uint8_t b[HEAD];

    b[0] = h->kind;
    b[1] = h->flags;
    b[2] = h->part;
    memcpy(b + 3, h->key, MCPT_STORE_KEY);
    put16(b + 18, h->len);
    put32(b + 20, h->version);
    put32(b + 24, h->crc);
    put32(b + 28, head_crc(s, at, b));
    chip_program(s, at, b, HEAD);
}

static bool read_head(mcpt_store_flash *s, uint32_t at, head *h)
{
    uint8_t b[HEAD];

    if (at % sector_size(s) > sector_size(s) - HEAD) {
        return false;
    }
    chip_read(s, at, b, HEAD);
    if (b[0] < PART || b[0] > MARK || get32(b + 28) != head_crc(s, at, b)) {
        return false;
    }
    h->kind = b[0];
    h->flags = b[1];
    h->part = b[2];
    memcpy(h->key, b + 3, MCPT_STORE_KEY);
    h->key[MCPT_STORE_KEY] = '\0';
    h->len = get16(b + 18);
    h->version = get32(b + 20);
    h->crc = get32(b + 24);
    return true;
}

/* The number of the sector, 0: none. *from: what its head says of the sector before. */
static mcpt_err read_sector(mcpt_store_flash *s, uint32_t base, uint32_t *number, uint32_t *from)
{
    uint8_t b[HEAD];

    *number = 0;
    for (uint32_t copy = 0; copy < 2; copy++) {
        chip_read(s, base + copy * HEAD, b, HEAD);
        if (memcmp(b, "mcpS", 4) == 0 && get32(b + 28) == ~crc32(~0u, b, HEAD - 4)) {
            if (b[4] != FORMAT) {
                return MCPT_E_FORMAT;
            }
            if (b[5] != s->flash->geometry.unit || get16(b + 6) != sectors(s) || get32(b + 8) != sector_size(s)) {
                return MCPT_E_ARG;
            }
            *number = get32(b + 12);
            *from = get32(b + 16);
            return MCPT_OK;
        }
    }
    return MCPT_OK;
}

static void write_sector(mcpt_store_flash *s, uint32_t from)
{
    uint8_t b[HEAD];

    memset(b, 0, sizeof(b));
    memcpy(b, "mcpS", 4);
    b[4] = FORMAT;
    b[5] = s->flash->geometry.unit;
    put16(b + 6, s->flash->geometry.sectors);
    put32(b + 8, sector_size(s));
    put32(b + 12, s->seq);
    put32(b + 16, from);
    put32(b + 28, ~crc32(~0u, b, HEAD - 4));
    chip_program(s, s->head, b, HEAD);
    chip_program(s, s->head + HEAD, b, HEAD);
}

static uint32_t room(const mcpt_store_flash *s)
{
    return s->seq == 0 ? 0 : s->head + sector_size(s) - s->at;
}

/* Appends an entry with len bytes of ram or, with ram NULL, of the flash at from; answers where it is. */
static uint32_t append(mcpt_store_flash *s, head *h, const char *ram, uint32_t from)
{
    const uint32_t at = s->at;
    uint32_t done = 0;

    s->failed = s->failed || ENTRY + padded(s, h->len) > room(s);   /* only a chip with nonsense on it comes this far */
    if (s->failed) {
        return at;
    }
    s->at += ENTRY + padded(s, h->len);
    write_head(s, at, h);
    while (done < h->len && !s->failed) {
        block in;
        uint32_t n = BLOCK - (at + HEAD + done) % BLOCK;

        n = n < h->len - done ? n : h->len - done;
        if (ram == NULL) {
            chip_read(s, from + done, in.b, n);
        }
        chip_program(s, at + HEAD + done, ram != NULL ? ram + done : (const char *)in.b, n);
        done += n;
    }
    h->flags = (uint8_t)(h->flags | AGAIN);
    write_head(s, s->at - HEAD, h);
    return at;
}

/* ------------------------------------------------------------------------------------------------------ slots */
static uint16_t hash_of(const char *key)
{
    return (uint16_t)crc32(~0u, key, strlen(key));
}

static uint32_t slot_size(const mcpt_store_flash *s, const mcpt_flash_slot *slot)
{
    return ENTRY + padded(s, slot->len);
}

/* The head of a slot's entry, from either copy. */
static bool slot_head(mcpt_store_flash *s, const mcpt_flash_slot *slot, head *h)
{
    return read_head(s, slot->at, h) || read_head(s, slot->at + slot_size(s, slot) - HEAD, h);
}

static bool slot_is(mcpt_store_flash *s, const mcpt_flash_slot *slot, const char *key, uint16_t hash)
{
    head h;

    /* with both heads broken the hash must do: better a record too many reported than a broken one forgotten */
    return slot->at != 0 && slot->hash == hash && (!slot_head(s, slot, &h) || strcmp(h.key, key) == 0);
}

/* The version of the key's record, 0: none. */
static uint32_t find(mcpt_store_flash *s, const char *key)
{
    const uint16_t hash = hash_of(key);
    uint32_t best = 0;

    for (size_t i = 0; i < s->nslots; i++) {
        if (s->slots[i].version > best && slot_is(s, &s->slots[i], key, hash)) {
            best = s->slots[i].version;
        }
    }
    return best;
}

static mcpt_flash_slot *slot_of(mcpt_store_flash *s, uint32_t version, uint32_t part)
{
    for (size_t i = 0; i < s->nslots; i++) {
        if (s->slots[i].at != 0 && s->slots[i].version == version && s->slots[i].part == part) {
            return &s->slots[i];
        }
    }
    return NULL;
}

static mcpt_flash_slot *slot_lead(mcpt_store_flash *s, uint32_t version)
{
    for (size_t i = 0; i < s->nslots; i++) {
        if (s->slots[i].version == version && (s->slots[i].flags & LEAD) != 0) {
            return &s->slots[i];
        }
    }
    return NULL;
}

static mcpt_flash_slot *slot_free(mcpt_store_flash *s)
{
    for (size_t i = 0; i < s->nslots; i++) {
        if (s->slots[i].at == 0) {
            return &s->slots[i];
        }
    }
    return NULL;
}

static void slot_set(mcpt_flash_slot *slot, const head *h, uint32_t at)
{
    slot->at = at;
    slot->version = h->version;
    slot->hash = hash_of(h->key);
    slot->len = h->len;
    slot->part = h->part;
    slot->flags = (uint8_t)((h->flags & LAST) | (slot->flags & LEAD));
}

static void drop(mcpt_store_flash *s, uint32_t version)
{
    for (size_t i = 0; version != 0 && i < s->nslots; i++) {
        if (s->slots[i].version == version) {
            memset(&s->slots[i], 0, sizeof(s->slots[i]));
        }
    }
}

/* Drops the key's records older than version. */
static void drop_older(mcpt_store_flash *s, const char *key, uint32_t version)
{
    const uint16_t hash = hash_of(key);

    for (size_t i = 0; i < s->nslots; i++) {
        if (s->slots[i].version < version && slot_is(s, &s->slots[i], key, hash)) {
            drop(s, s->slots[i].version);
        }
    }
}

/* --------------------------------------------------------------------------------------------------- the log */
static void mark(mcpt_store_flash *s, uint32_t from)
{
    head h;

    memset(&h, 0, sizeof(h));
    h.kind = MARK;
    h.version = s->abandoned;
    h.crc = from;
    (void)append(s, &h, NULL, 0);
    s->abandoned = s->failed ? s->abandoned : 0;
}

static bool value_ok(mcpt_store_flash *s, uint32_t at, const head *h)
{
    uint32_t crc = ~0u, done = 0;
    block in;

    while (done < h->len) {
        uint32_t n = h->len - done < BLOCK ? h->len - done : BLOCK;

        chip_read(s, at + HEAD + done, in.b, n);
        crc = crc32(crc, in.b, n);
        done += n;
    }
    return ~crc == h->crc;
}

/* Copies what lives in the sector at base to the end of the log. */
static void collect(mcpt_store_flash *s, uint32_t base)
{
    for (size_t i = 0; i < s->nslots && !s->failed; i++) {
        mcpt_flash_slot *slot = &s->slots[i];
        const uint32_t from = slot->at;
        head h;

        if (from == 0 || sector_of(s, from) != base) {
            continue;
        }
        if (!slot_head(s, slot, &h)) {                      /* without a key there is nothing to keep */
            s->damaged++;
            memset(slot, 0, sizeof(*slot));
            continue;
        }
        h.flags = (uint8_t)((h.flags & LAST) | COPY);       /* a broken value stays broken: its CRC goes with it */
        if (!s->failed) {
            uint32_t at = append(s, &h, NULL, from + HEAD);

            slot_set(slot, &h, at);
        }
    }
}

/* Opens the next sector; from: where the log ends in this one. */
static void advance(mcpt_store_flash *s, uint32_t from)
{
    const uint32_t next = s->seq == 0 ? 0 : (s->head + sector_size(s)) % (sectors(s) * sector_size(s));

    chip_erase(s, next);
    s->seq++;
    s->head = next;
    s->at = next + 2 * HEAD;
    write_sector(s, from);
    if (s->seq >= sectors(s)) {
        collect(s, sector_back(s, sectors(s) - 1));
    }
    if (!s->failed) {
        mark(s, s->at);
    }
}

/* The shortest piece, but for the last, of a value that is cut where a sector ends: what cannot be cut so leaves the
 * rest of the sector empty. With two sectors nothing is cut. */
static uint32_t piece(const mcpt_store_flash *s)
{
    return sectors(s) > 2 ? sector_size(s) / 8 / grain(s) * grain(s) : UINT32_MAX / 2;
}

/* Bytes for records in n - 1 sectors, each with the worst rest at its end; room to erase one is kept. */
static uint32_t capacity(const mcpt_store_flash *s)
{
    const uint32_t rest = sectors(s) > 2 ? ENTRY + piece(s) : 0;

    return (sectors(s) - 1) * (sector_size(s) - OVERHEAD - rest) - ENTRY;
}

/* The most that a value of so many bytes can take, however it is cut. */
static uint32_t cost(const mcpt_store_flash *s, uint32_t bytes)
{
    return bytes + ENTRY * (bytes == 0 ? 1 : (bytes + piece(s) - 1) / piece(s));
}

static uint32_t longest(const mcpt_store_flash *s)
{
    uint32_t bytes = capacity(s) / 2 / grain(s) * grain(s);

    while (bytes > 0 && cost(s, bytes) > capacity(s) / 2) {
        bytes -= grain(s);
    }
    return bytes;
}

/* The same for a record that is there. */
static uint32_t set_size(const mcpt_store_flash *s, uint32_t version)
{
    uint32_t bytes = 0;

    for (size_t i = 0; version != 0 && i < s->nslots; i++) {
        bytes += s->slots[i].version == version ? padded(s, s->slots[i].len) : 0;
    }
    return version == 0 ? 0 : cost(s, bytes);
}

/* Whether a value of len bytes may take the place of version old: beside it now, and replaceable itself afterwards. */
static bool fits(const mcpt_store_flash *s, uint32_t old, size_t len)
{
    const uint32_t need = cost(s, padded(s, len)), before = set_size(s, old);
    uint32_t live = 0, biggest = need;

    for (size_t i = 0; i < s->nslots; i++) {
        if ((s->slots[i].flags & LEAD) != 0) {
            uint32_t size = set_size(s, s->slots[i].version);

            live += size;
            biggest = size > biggest && s->slots[i].version != old ? size : biggest;
        }
    }
    return live + need <= capacity(s) && (need <= before || live - before + need + biggest <= capacity(s));
}

/* ------------------------------------------------------------------------------------------------------ mount */
typedef struct walker {
    head h;                           /* the entry that is not decided yet */
    uint32_t at, end;                 /* where it is; where the last decided one ends */
    uint32_t from, version;           /* what a last mark said whose second head is missing: it must be said again */
    bool is, whole, marked;           /* marked: the last entry is a whole mark */
} walker;

static mcpt_err apply(mcpt_store_flash *s, const head *h, uint32_t at)
{
    mcpt_flash_slot *slot;

    s->version = h->version > s->version ? h->version : s->version;
    if (h->kind == TOMB) {
        drop_older(s, h->key, h->version);
        return MCPT_OK;
    }
    slot = slot_of(s, h->version, h->part);
    if (slot == NULL) {
        if ((h->flags & LAST) != 0) {
            drop_older(s, h->key, h->version);
        }
        slot = slot_free(s);
    }
    if (slot == NULL) {
        return MCPT_E_LIMIT;
    }
    slot_set(slot, h, at);
    return MCPT_OK;
}

static mcpt_err decide(mcpt_store_flash *s, walker *w, uint32_t from)
{
    mcpt_err e = MCPT_OK;

    if (w->is && w->at < from) {
        e = apply(s, &w->h, w->at);
        w->end = w->at + ENTRY + padded(s, w->h.len);
        w->marked = false;
        w->from = w->version = 0;
    }
    w->is = false;
    return e;
}

static mcpt_err take_mark(mcpt_store_flash *s, walker *w, const head *h, uint32_t at)
{
    head second;
    mcpt_err e = decide(s, w, h->crc);

    s->version = h->version > s->version ? h->version : s->version;
    drop(s, h->version);
    w->end = (h->flags & AGAIN) != 0 ? at + HEAD : at + ENTRY;
    w->marked = (h->flags & AGAIN) == 0 && read_head(s, at + HEAD, &second);
    if (w->marked) {
        w->from = w->version = 0;
    } else {
        w->from = w->from != 0 ? w->from : h->crc;
        w->version = h->version != 0 ? h->version : w->version;
    }
    return e;
}

/* Replays the sector at base. Where an entry lacks its second head only a mark is believed inside it. */
static mcpt_err walk(mcpt_store_flash *s, uint32_t base, walker *w)
{
    const uint32_t stop = base + sector_size(s);
    uint32_t at = base + 2 * HEAD, expect = at, inside = 0;
    mcpt_err e = MCPT_OK;

    memset(w, 0, sizeof(*w));
    w->end = at;
    while (e == MCPT_OK && !s->failed && at + HEAD <= stop) {
        head h, second;
        uint32_t begin = at, size;

        if (!read_head(s, at, &h) || (h.kind != MARK && at < inside)) {
            at += grain(s);
            continue;
        }
        size = ENTRY + padded(s, h.len);
        if (h.kind == MARK) {
            e = take_mark(s, w, &h, at);
            at = expect = w->end;
            inside = 0;
            continue;
        }
        if ((h.flags & AGAIN) != 0) {
            begin = at + HEAD - size;
            if (at + HEAD < size || begin < expect) {
                at += grain(s);
                continue;
            }
        } else if (size > stop - at) {
            at += grain(s);
            continue;
        }
        s->damaged += chip_blank(s, expect, begin) ? 0 : 1;
        e = decide(s, w, stop);
        w->h = h;
        w->at = begin;
        w->is = true;
        w->whole = (h.flags & AGAIN) != 0 || (read_head(s, begin + size - HEAD, &second) && second.kind == h.kind &&
                                              (second.flags & AGAIN) != 0 && second.len == h.len);
        at = expect = begin + size;
        if (!w->whole) {
            inside = at;
            at = begin + HEAD;
        }
    }
    return e;
}

/* A sector counts when it holds more than copies. */
static bool counts(mcpt_store_flash *s, uint32_t base)
{
    for (uint32_t at = base + 2 * HEAD; at < base + sector_size(s); at += grain(s)) {
        head h;

        if (read_head(s, at, &h) && (h.kind == MARK || (h.flags & COPY) == 0)) {
            return true;
        }
    }
    return false;
}

static mcpt_err find_head(mcpt_store_flash *s)
{
    s->seq = s->head = 0;
    for (uint32_t i = 0; i < sectors(s); i++) {
        uint32_t number, from;
        mcpt_err e = read_sector(s, i * sector_size(s), &number, &from);

        if (e != MCPT_OK) {
            return e;
        }
        if (number > s->seq) {
            s->seq = number;
            s->head = i * sector_size(s);
        }
    }
    if (s->seq != 0 && !counts(s, s->head)) {               /* opened, but not finished: do it again when needed */
        s->head = sector_back(s, 1);
        s->seq--;
    }
    return s->failed ? MCPT_E_STORE : MCPT_OK;
}

/* After the replay: what was being written, which slot of a record list shows, records behind a broken newer one. */
static void settle(mcpt_store_flash *s)
{
    bool begun = false, whole = false;

    for (size_t i = 0; i < s->nslots; i++) {
        if (s->slots[i].at != 0 && s->slots[i].version == s->version) {
            begun = true;
            whole = whole || (s->slots[i].flags & LAST) != 0;
        }
    }
    if (begun && !whole) {
        s->abandoned = s->version;
        drop(s, s->version);
    }
    for (size_t i = 0; i < s->nslots; i++) {
        head h;

        if (s->slots[i].at != 0 && slot_head(s, &s->slots[i], &h)) {
            drop_older(s, h.key, s->slots[i].version);
        }
        if (s->slots[i].at != 0 && slot_lead(s, s->slots[i].version) == NULL) {
            s->slots[i].flags = (uint8_t)(s->slots[i].flags | LEAD);
        }
    }
}

/* The newest sector ends at w->end. Writes down what was decided, leaves out what the cut may have touched. Cells that
 * an interrupted mark left half written look empty: its second try goes there again. If they take it, the mark's second
 * head stands on fresh cells; if they refuse, the next mount leaves this sector (suspect). */
static void resume(mcpt_store_flash *s, const walker *w, bool suspect)
{
    const uint32_t stop = s->head + sector_size(s);
    uint32_t last = stop;

    while (last > w->end && chip_blank(s, last - grain(s), last)) {
        last -= grain(s);
    }
    s->at = (last / BLOCK + 1) * BLOCK;
    s->at = s->at < stop ? s->at : stop;
    if (w->marked && last == w->end && s->abandoned == 0 && !suspect) {
        return;
    }
    s->abandoned = s->abandoned != 0 ? s->abandoned : w->version;
    if (room(s) >= ENTRY && !suspect) {
        mark(s, w->from != 0 ? w->from : w->end);
    } else {
        advance(s, w->from != 0 ? w->from : w->end);
    }
}

static mcpt_err mount(mcpt_store_flash *s)
{
    const bool suspect = s->failed;
    walker w;
    mcpt_err e;
    uint32_t back;

    s->failed = false;
    s->version = s->abandoned = s->damaged = 0;
    memset(s->slots, 0, s->nslots * sizeof(*s->slots));
    e = find_head(s);
    memset(&w, 0, sizeof(w));
    w.end = s->head + 2 * HEAD;
    back = s->seq < sectors(s) - 1 ? s->seq : sectors(s) - 1;
    while (e == MCPT_OK && back-- > 0) {
        const uint32_t base = sector_back(s, back);
        uint32_t number, from, next = 0, end = base + sector_size(s);

        e = read_sector(s, base, &number, &from);
        if (e == MCPT_OK && number != s->seq - back) {      /* both of its heads are broken */
            s->damaged++;
            continue;
        }
        e = e == MCPT_OK ? walk(s, base, &w) : e;
        if (e == MCPT_OK && back != 0) {
            e = read_sector(s, sector_back(s, back - 1), &next, &from);
            end = next != 0 ? from : end;
        } else if (e == MCPT_OK && w.is && !w.whole) {
            end = w.at;                                     /* nothing follows: it was being written */
        }
        e = e == MCPT_OK ? decide(s, &w, end) : e;
    }
    if (e == MCPT_OK && !s->failed && s->seq != 0) {
        settle(s);
        resume(s, &w, suspect);
    }
    s->mounted = e == MCPT_OK && !s->failed;
    return s->failed ? MCPT_E_STORE : e;
}

/* ------------------------------------------------------------------------------------------------------ calls */
static mcpt_err begin(mcpt_store_flash *s)
{
    return s->mounted ? MCPT_OK : s->flash == NULL ? MCPT_E_STATE : mount(s);
}

static mcpt_err end(mcpt_store_flash *s, mcpt_err e)
{
    if (s->failed) {                                        /* what is in RAM may not be what is in flash */
        s->mounted = false;
        return MCPT_E_STORE;
    }
    return e;
}

/* Copies the record to buf, or compares it with want: E_CONFLICT. */
static mcpt_err fetch(mcpt_store_flash *s, uint32_t version, char *buf, size_t cap, const mcpt_str *want, size_t *len)
{
    const mcpt_flash_slot *slot = NULL;
    size_t at = 0;
    block in;
    head h;

    *len = 0;
    for (uint32_t part = 0; slot == NULL || (slot->flags & LAST) == 0; part++) {
        slot = slot_of(s, version, part);
        if (slot == NULL) {
            *len = 0;
            return MCPT_E_DAMAGED;
        }
        *len += slot->len;
    }
    if (want != NULL ? *len != want->len : *len > cap) {
        return want != NULL ? MCPT_E_CONFLICT : MCPT_E_SPACE;
    }
    for (uint32_t part = 0; at < *len || part == 0; part++) {
        slot = slot_of(s, version, part);
        if (slot == NULL || !slot_head(s, slot, &h) || h.len != slot->len || !value_ok(s, slot->at, &h)) {
            *len = 0;
            return MCPT_E_DAMAGED;
        }
        for (uint32_t done = 0, n; done < h.len; done += n, at += n) {
            n = h.len - done < BLOCK ? h.len - done : BLOCK;
            chip_read(s, slot->at + HEAD + done, in.b, n);
            if (want != NULL && memcmp(in.b, want->ptr + at, n) != 0) {
                return MCPT_E_CONFLICT;
            }
            if (want == NULL) {
                memcpy(buf + at, in.b, n);
            }
        }
    }
    return MCPT_OK;
}

/* Writes the pieces of a value; false: there was no room or no slot for all of them. */
static bool place(mcpt_store_flash *s, const char *key, mcpt_str value)
{
    uint32_t turns = 0;
    size_t done = 0;
    head h;

    for (uint32_t part = 0; part < 256 && !s->failed; ) {
        mcpt_flash_slot *slot = slot_free(s);
        const uint32_t left = (uint32_t)(value.len - done), free_bytes = room(s);
        uint32_t n = left;

        if (free_bytes < ENTRY + padded(s, left) && (left <= piece(s) || free_bytes < ENTRY + piece(s))) {
            if (turns++ > sectors(s)) {
                return false;
            }
            advance(s, s->at);
            continue;
        }
        if (slot == NULL) {
            return false;
        }
        n = n > free_bytes - ENTRY ? free_bytes - ENTRY : n;
        n = n > 0xff00u ? 0xff00u : n;
        memset(&h, 0, sizeof(h));
        h.kind = PART;
        h.flags = n == left ? LAST : 0;
        h.part = (uint8_t)part;
        memcpy(h.key, key, strlen(key));
        h.len = (uint16_t)n;
        h.version = s->version;
        h.crc = ~crc32(~0u, value.ptr + done, n);
        slot_set(slot, &h, append(s, &h, value.ptr + done, 0));
        if (n == left) {
            return true;
        }
        done += n;
        part++;
    }
    return false;
}

/* E_FULL after some pieces: they must not count, and a mark says so. */
static mcpt_err give_up(mcpt_store_flash *s)
{
    if (slot_of(s, s->version, 0) != NULL) {
        drop(s, s->version);
        s->abandoned = s->version;
        if (room(s) >= ENTRY) {
            mark(s, s->at);
        } else {
            advance(s, s->at);
        }
    }
    return MCPT_E_FULL;
}

static mcpt_err replace(mcpt_store_flash *s, const char *key, uint32_t old, mcpt_str value)
{
    mcpt_flash_slot *was, *now, swap;

    if (value.len > longest(s)) {
        return MCPT_E_LIMIT;
    }
    if (!fits(s, old, value.len)) {
        return MCPT_E_FULL;
    }
    s->version++;
    if (!place(s, key, value)) {
        return s->failed ? MCPT_E_STORE : give_up(s);
    }
    now = slot_of(s, s->version, 0);
    was = slot_lead(s, old);
    if (now == NULL || s->failed) {
        return MCPT_E_STORE;
    }
    now->flags = (uint8_t)(now->flags | LEAD);
    if (was != NULL && old != 0) {                          /* a record keeps its place in the list */
        swap = *was;
        *was = *now;
        *now = swap;
    }
    drop(s, old);
    drop_older(s, key, s->version);
    return MCPT_OK;
}

static mcpt_err bury(mcpt_store_flash *s, const char *key)
{
    head h;

    for (uint32_t turns = 0; room(s) < ENTRY && !s->failed; turns++) {
        if (turns > sectors(s)) {
            return MCPT_E_FULL;
        }
        advance(s, s->at);
    }
    memset(&h, 0, sizeof(h));
    h.kind = TOMB;
    memcpy(h.key, key, strlen(key));
    h.version = ++s->version;
    if (!s->failed) {
        (void)append(s, &h, NULL, 0);
    }
    if (!s->failed) {
        drop_older(s, key, s->version);
    }
    return MCPT_OK;
}

static mcpt_err flash_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    mcpt_store_flash *s = (mcpt_store_flash *)user;
    uint32_t version;
    mcpt_err e;

    *len = 0;
    if (!mcpt_store_key_ok(key, MCPT_STORE_KEY)) {
        return MCPT_E_ARG;
    }
    e = begin(s);
    if (e == MCPT_OK) {
        version = find(s, key);
        e = version == 0 ? MCPT_E_ABSENT : fetch(s, version, (char *)buf, cap, NULL, len);
    }
    e = end(s, e);
    *len = e == MCPT_OK || e == MCPT_E_SPACE ? *len : 0;
    return e;
}

static mcpt_err flash_write(void *user, const char *key, mcpt_str value)
{
    mcpt_store_flash *s = (mcpt_store_flash *)user;
    uint32_t version;
    size_t len;
    mcpt_err e;

    if (!mcpt_store_key_ok(key, MCPT_STORE_KEY) || value.ptr == NULL) {
        return MCPT_E_ARG;
    }
    e = begin(s);
    if (e == MCPT_OK) {
        version = find(s, key);
        /* what is there already is not written again */
        if (version == 0 || fetch(s, version, NULL, 0, &value, &len) != MCPT_OK) {
            e = replace(s, key, version, value);
        }
    }
    return end(s, e);
}

static mcpt_err flash_erase(void *user, const char *key)
{
    mcpt_store_flash *s = (mcpt_store_flash *)user;
    mcpt_err e;

    if (!mcpt_store_key_ok(key, MCPT_STORE_KEY)) {
        return MCPT_E_ARG;
    }
    e = begin(s);
    if (e == MCPT_OK && find(s, key) != 0) {
        e = bury(s, key);
    }
    return end(s, e);
}

static mcpt_err flash_list(void *user, const char *prefix, bool (*each)(void *each_user, const char *key), void *each_user)
{
    mcpt_store_flash *s = (mcpt_store_flash *)user;
    size_t n = prefix != NULL ? strlen(prefix) : 0;
    mcpt_err e;

    if (prefix == NULL || (n != 0 && !mcpt_store_key_ok(prefix, MCPT_STORE_KEY))) {
        return MCPT_E_ARG;
    }
    e = begin(s);
    for (size_t i = 0; e == MCPT_OK && s->mounted && i < s->nslots; i++) {
        head h;

        if (s->slots[i].at != 0 && (s->slots[i].flags & LEAD) != 0 && slot_head(s, &s->slots[i], &h) &&
            memcmp(h.key, prefix, n) == 0 && !each(each_user, h.key)) {
            break;
        }
    }
    return end(s, e == MCPT_OK && !s->mounted ? MCPT_E_STORE : e);     /* a call of each() may have failed */
}

static mcpt_err flash_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    mcpt_store_flash *s = (mcpt_store_flash *)user;
    uint32_t version;
    size_t len;
    mcpt_err e;

    if (!mcpt_store_key_ok(key, MCPT_STORE_KEY)) {
        return MCPT_E_ARG;
    }
    e = begin(s);
    if (e == MCPT_OK) {
        version = find(s, key);
        if (version == 0 || old.ptr == NULL) {
            e = version == 0 && old.ptr == NULL ? MCPT_OK : MCPT_E_CONFLICT;
        } else {
            e = fetch(s, version, NULL, 0, &old, &len);
        }
    }
    e = end(s, e);
    if (e != MCPT_OK) {
        return e;
    }
    return value.ptr != NULL ? flash_write(user, key, value) : flash_erase(user, key);
}

mcpt_err mcpt_store_flash_mount(mcpt_store_flash *s, const mcpt_flash *flash, mcpt_flash_slot *slots, size_t nslots)
{
    static const mcpt_store calls = { flash_read, flash_write, flash_erase, flash_list, flash_swap, NULL };
    const mcpt_flash_geometry *g = &flash->geometry;
    mcpt_err e;

    memset(s, 0, sizeof(*s));
    s->store = calls;
    s->store.user = s;
    if (g->unit == 0 || g->unit > 32 || (g->unit & (g->unit - 1)) != 0 || g->sector_size < 512 || g->sector_size % BLOCK != 0 ||
        g->sectors < 2 || (uint64_t)g->sector_size * g->sectors > 0x40000000u || slots == NULL || nslots == 0) {
        return MCPT_E_ARG;
    }
    s->flash = flash;
    s->slots = slots;
    s->nslots = nslots;
    e = mount(s);
    return e == MCPT_E_STORE ? mount(s) : e;                /* once more, with a fresh sector */
}

mcpt_err mcpt_store_flash_clear(mcpt_store_flash *s)
{
    if (s->flash == NULL) {
        return MCPT_E_STATE;
    }
    s->failed = false;
    for (uint32_t back = sectors(s); back-- > 0 && !s->failed; ) {
        chip_erase(s, sector_back(s, back));
    }
    memset(s->slots, 0, s->nslots * sizeof(*s->slots));
    s->seq = s->head = s->at = s->version = s->abandoned = s->damaged = 0;
    s->mounted = !s->failed;
    return end(s, MCPT_OK);
}

mcpt_err mcpt_store_flash_stats(mcpt_store_flash *s, mcpt_store_flash_info *info)
{
    mcpt_err e = begin(s);

    memset(info, 0, sizeof(*info));
    if (e != MCPT_OK) {
        return e;
    }
    for (size_t i = 0; i < s->nslots; i++) {
        info->records += (s->slots[i].flags & LEAD) != 0;
        info->slots_free += s->slots[i].at == 0;
        info->live += (s->slots[i].flags & LEAD) != 0 ? set_size(s, s->slots[i].version) : 0;
    }
    info->capacity = capacity(s);
    info->longest = longest(s);
    info->damaged = s->damaged;
    info->erases = s->erases;
    info->opened = s->seq;
    return end(s, MCPT_OK);
}
