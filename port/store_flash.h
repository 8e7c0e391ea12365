/* port/store_flash.h - mcpt_store on NOR flash: a log over two sectors or more that survives a power cut at any moment
 *
 * Do this:
 *     static bool nor_read(void *ctx, uint32_t at, void *buf, size_t len);             // three functions of your chip
 *     static bool nor_program(void *ctx, uint32_t at, const void *buf, size_t len);
 *     static bool nor_erase(void *ctx, uint32_t at);
 *     static const mcpt_flash nor = { nor_read, nor_program, nor_erase, { 4096, 8, 1 }, NULL };
 *     static mcpt_store_flash flash;
 *     static mcpt_flash_slot slots[40];                     // 16 bytes each, see below
 *     if (mcpt_store_flash_mount(&flash, &nor, slots, 40) != MCPT_OK) { ... }
 *     ... &flash.store ...
 *
 * How it works: records are appended, and the sectors are a ring, so every sector is erased equally often. The oldest
 * sector's live records are copied forward before its successor is used; a sector is erased right before it is opened,
 * never in advance. Every head of a record stands twice, before and after its value, with a CRC over its place as well;
 * the second is the sign that the record is complete. A value longer than the room left in a sector goes on in the next one.
 * No unit is programmed twice between two erases, whatever the program size.
 * After a cut: mounting decides once whether the interrupted record counts, writes that decision down (64 bytes) and
 * leaves out the cells the cut may have half written; cells that change their mind later change nothing.
 * Damage: one broken head is repaired from the other; a broken value answers E_DAMAGED until it is written or erased.
 * Both heads of a record broken: its key is not known, it is gone and counted (stats). The medium decides nothing
 * about secrecy: old values stay readable on the chip until their sector is erased. Seal what is secret.
 *
 * Needs: nothing but three functions. Erased flash reads 0xff.
 * Does not: allocate, lock (one thread at a time), map bad sectors, detect an attacker who puts back an old image.
 * RAM: sizeof(mcpt_store_flash), 16 bytes a slot, 800 bytes of stack (below your functions). Flash: 128 bytes a sector, 64 bytes a record
 * and value rounded up to the larger of 8 bytes and the program size; one sector is always empty or old.
 * Longest call: a write that must collect erases and rewrites every sector once; usually it erases none or one.
 * Tested with: an emulated chip, cut at every program and erase (tests/unit/test_store_flash.c).
 */
#ifndef MCPT_PORT_STORE_FLASH_H
#define MCPT_PORT_STORE_FLASH_H
#include "mcptools.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_flash_geometry {
    uint32_t sector_size;             /* bytes, a multiple of 64, at least 512: what one erase erases */
    uint16_t sectors;                 /* 2 or more */
    uint8_t unit;                     /* bytes programmed at once: 1, 2, 4, 8, 16 or 32 */
} mcpt_flash_geometry;
/* The chip. Addresses count from 0, the beginning of the store's first sector. False: the chip did not answer or
 * refused; the call then answers E_STORE, and the next one mounts anew. */
typedef struct mcpt_flash {
    bool (*read)(void *ctx, uint32_t at, void *buf, size_t len);            /* any at and len; bytes that ECC cannot correct: true, with any bytes */
    /* at and len are multiples of unit, buf is aligned to 4; at most 64 bytes, never across a multiple of 64. Only
     * units that were not programmed since the last erase. */
    bool (*program)(void *ctx, uint32_t at, const void *buf, size_t len);
    bool (*erase)(void *ctx, uint32_t at);                                  /* the sector that begins there */
    mcpt_flash_geometry geometry;
    void *ctx;
} mcpt_flash;
typedef struct mcpt_flash_slot {      /* private: where a piece of a record is */
    uint32_t at, version;
    uint16_t hash, len;
    uint8_t part, flags;
} mcpt_flash_slot;
typedef struct mcpt_store_flash {     /* store is yours, the rest private; do not copy or move after mount */
    mcpt_store store;
    const mcpt_flash *flash;
    mcpt_flash_slot *slots;
    size_t nslots;
    uint32_t seq, head, at;           /* the sector that is written: its number, address; the next free byte */
    uint32_t version, abandoned;      /* of the newest write; of one that was given up */
    uint32_t erases, damaged;
    bool mounted, failed;
} mcpt_store_flash;

/* Opens the store that is there, or an empty one on anything else; repairs what a power cut left (may program and
 * erase). flash and slots are borrowed until you stop using the store. One slot for each record; a record that crosses
 * sectors takes one for each, so allow for some more: without a free slot write answers E_FULL.
 * OK; E_ARG: impossible geometry, or another one than that the store was made with; E_LIMIT: more records there than
 * slots; E_FORMAT: made by a newer version of this file, nothing is touched; E_STORE: the chip failed. After an error
 * every call of the store tries to mount again. */
MCPT_NODISCARD mcpt_err mcpt_store_flash_mount(mcpt_store_flash *s, const mcpt_flash *flash, mcpt_flash_slot *slots, size_t nslots);
/* Factory reset: erases every sector, oldest first, whatever is in them, also a newer format. E_STORE: the chip failed;
 * a cut in between leaves the newer part of the store: call it again. */
MCPT_NODISCARD mcpt_err mcpt_store_flash_clear(mcpt_store_flash *s);

typedef struct mcpt_store_flash_info {
    size_t records, slots_free;
    uint32_t live;                    /* bytes of flash that records need */
    uint32_t capacity;                /* of how many; the difference is less than write can use, as replacing needs room too */
    uint32_t longest;                 /* a value longer than this answers E_LIMIT */
    uint32_t damaged;                 /* places found broken beyond repair since mount */
    uint32_t erases;                  /* since mount */
    uint32_t opened;                  /* sectors opened since the store was made or cleared; / sectors: wear of each */
} mcpt_store_flash_info;
MCPT_NODISCARD mcpt_err mcpt_store_flash_stats(mcpt_store_flash *s, mcpt_store_flash_info *info);     /* E_STORE and those of mount */

#ifdef __cplusplus
}
#endif
#endif
