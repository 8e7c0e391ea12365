/* An emulated NOR chip for mcpt_flash: power cuts at any program or erase, torn and weak cells, strict about its rules.
 * A cell that was being changed when the power went is weak: after every reboot it reads as the old bit or the new one. */
#ifndef NOR_H
#define NOR_H
#include "../../port/store_flash.h"
#include <stdlib.h>
#include <string.h>

enum { NOR_MAX = 64 * 1024 };
typedef enum nor_tear {               /* what a cut leaves of the program or erase it hits */
    NOR_BEFORE, NOR_AFTER,            /* nothing, all of it */
    NOR_PART,                         /* a beginning, one broken unit */
    NOR_MIXED,                        /* every bit by chance */
    NOR_WEAK_OLD, NOR_WEAK_NEW,       /* nothing or all at first, but weak */
    NOR_WEAK_PART,                    /* a beginning, then weak */
    NOR_TEARS
} nor_tear;
typedef struct nor {
    mcpt_flash flash;
    uint8_t cells[NOR_MAX], old[NOR_MAX], new_[NOR_MAX];    /* what reads now; what a weak byte is between */
    bool used[NOR_MAX], weak[NOR_MAX];                      /* used: programmed since the erase, or not surely erased */
    uint32_t seed;
    long ops, cut_at;                 /* programs and erases; the one that is cut, < 0: none */
    nor_tear tear;
    bool off;
    unsigned long programmed, erases, wrong, refused;       /* bytes; calls against the rules */
} nor;

static uint32_t nor_random(nor *n)
{
    n->seed ^= n->seed << 13;
    n->seed ^= n->seed >> 17;
    n->seed ^= n->seed << 5;
    return n->seed;
}

static bool nor_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    nor *n = (nor *)ctx;
    if (n->off) {
        return false;
    }
    n->wrong += at + len > (size_t)n->flash.geometry.sector_size * n->flash.geometry.sectors;
    memcpy(buf, n->cells + at, len);
    return true;
}

/* Bytes at..at+len go from what they are to `to`, as the cut leaves them. */
static void nor_torn(nor *n, uint32_t at, const uint8_t *to, size_t len, size_t unit)
{
    size_t solid = len / unit != 0 ? nor_random(n) % (len / unit) * unit : 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t was = n->cells[at + i], mix = (uint8_t)nor_random(n), now = was;
        bool first = i < solid, unsure = false, touched = n->tear != NOR_BEFORE;
        switch (n->tear) {
        case NOR_AFTER: now = to[i]; break;
        case NOR_PART: now = first ? to[i] : i < solid + unit ? (uint8_t)((was & mix) | (to[i] & ~mix)) : was; touched = i < solid + unit; break;
        case NOR_MIXED: now = (uint8_t)((was & mix) | (to[i] & ~mix)); break;
        case NOR_WEAK_OLD: unsure = true; break;
        case NOR_WEAK_NEW: now = to[i]; unsure = true; break;
        case NOR_WEAK_PART: now = first ? to[i] : was; touched = i < solid + unit; unsure = touched && !first; break;
        case NOR_BEFORE: default: break;
        }
        n->cells[at + i] = now;
        n->used[at + i] = n->used[at + i] || touched;
        n->weak[at + i] = unsure || (touched && now == was && n->tear != NOR_AFTER);
        n->old[at + i] = was;
        n->new_[at + i] = to[i];
    }
}

static bool nor_program(void *ctx, uint32_t at, const void *buf, size_t len)
{
    nor *n = (nor *)ctx;
    const size_t unit = n->flash.geometry.unit;
    bool weak = false;
    if (n->off) {
        return false;
    }
    n->wrong += len == 0 || len > 64 || at % unit != 0 || len % unit != 0 || at / 64 != (at + len - 1) / 64 || (uintptr_t)buf % 4 != 0;
    for (size_t i = 0; i < len; i++) {
        n->wrong += n->cells[at + i] != 0xff || (n->used[at + i] && !n->weak[at + i]);     /* no unit twice */
        n->wrong += n->weak[at + i] && n->old[at + i] != 0xff;                             /* none half erased */
        weak = weak || n->weak[at + i];
    }
    if (weak && unit > 1) {                                 /* half written cells that look empty: a chip with ECC refuses */
        n->refused++;
        return false;
    }
    if (n->ops++ == n->cut_at) {
        nor_torn(n, at, (const uint8_t *)buf, len, unit);
        n->off = true;
        return false;
    }
    for (size_t i = 0; i < len; i++) {                      /* one without takes it; bits half written before stay weak */
        uint8_t to = ((const uint8_t *)buf)[i];
        n->old[at + i] = to;
        n->new_[at + i] = n->weak[at + i] ? (uint8_t)(n->new_[at + i] & to) : to;
        n->cells[at + i] = to;
    }
    memset(n->used + at, 1, len);
    n->programmed += len;
    return true;
}

static bool nor_erase(void *ctx, uint32_t at)
{
    nor *n = (nor *)ctx;
    const size_t size = n->flash.geometry.sector_size;
    if (n->off) {
        return false;
    }
    n->wrong += at % size != 0;
    if (n->ops++ == n->cut_at) {
        uint8_t blank[256];
        memset(blank, 0xff, sizeof(blank));
        for (size_t i = 0; i < size; i += 256) {
            nor_torn(n, at + (uint32_t)i, blank, size - i < 256 ? size - i : 256, 1);
        }
        n->off = true;
        return false;
    }
    memset(n->cells + at, 0xff, size);
    memset(n->used + at, 0, size);
    memset(n->weak + at, 0, size);
    n->erases++;
    return true;
}

/* Power comes back; weak bits choose again. */
static inline void nor_boot(nor *n)
{
    for (size_t i = 0; i < (size_t)n->flash.geometry.sector_size * n->flash.geometry.sectors; i++) {
        if (n->weak[i]) {
            uint8_t mix = (uint8_t)nor_random(n);
            n->cells[i] = (uint8_t)((n->old[i] & mix) | (n->new_[i] & ~mix));
        }
    }
    n->off = false;
    n->ops = 0;
    n->cut_at = -1;
}

static void nor_init(nor *n, uint32_t sector_size, unsigned sectors, unsigned unit, uint32_t seed)
{
    memset(n, 0, sizeof(*n));
    memset(n->cells, 0xff, sizeof(n->cells));
    n->flash.read = nor_read;
    n->flash.program = nor_program;
    n->flash.erase = nor_erase;
    n->flash.geometry.sector_size = sector_size;
    n->flash.geometry.sectors = (uint16_t)sectors;
    n->flash.geometry.unit = (uint8_t)unit;
    n->flash.ctx = n;
    n->seed = seed * 2654435769u + 1;
    n->cut_at = -1;
}
#endif
