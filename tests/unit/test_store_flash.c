/* port/store_flash on an emulated chip: the contract, power cuts at every program and erase (and again during recovery),
 * rot in every byte, formats and geometries. */
#include "mcptools.h"
#include "../../port/store_flash.h"
#include "nor.h"
#include "store_contract.h"

enum { SLOTS = 160 };
static nor chip;
static mcpt_store_flash flash;
static mcpt_flash_slot slots[SLOTS];

static void mount_again(void)
{
    CHECK(mcpt_store_flash_mount(&flash, &chip.flash, slots, SLOTS) == MCPT_OK);
}

static void contract(void)
{
    static const struct { uint32_t size; unsigned sectors, unit; size_t value; unsigned rounds; } rows[] = {
        { 4096, 8, 1, 3000, 3000 }, { 2048, 8, 8, 2000, 3000 }, { 4096, 8, 32, 4000, 3000 }, { 4096, 2, 1, 900, 3000 },
        { 8192, 2, 32, 2000, 2000 }, { 2048, 3, 4, 500, 3000 }, { 4096, 2, 16, 900, 2000 }, { 1024, 16, 2, 1500, 3000 },
    };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        store_contract_of of = { &flash.store, &flash.store, mount_again, 0, rows[i].value, true, NOR_MAX, rows[i].rounds };
        mcpt_store_flash_info info;
        nor_init(&chip, rows[i].size, rows[i].sectors, rows[i].unit, (uint32_t)i);
        mount_again();
        store_contract(&of);
        CHECK(mcpt_store_flash_stats(&flash, &info) == MCPT_OK && info.records == 0 && info.live == 0 && info.damaged == 0);
        CHECK(info.longest >= rows[i].value && info.slots_free == SLOTS && chip.wrong == 0);
        CHECK(chip.erases == info.opened && info.opened > 3 * rows[i].sectors);
    }
}

static const mcpt_str rotten = { "!", 1 };
enum { RECORDS = 9 };
static const char *const rot_keys[RECORDS] = { "empty", "one", "small", "piece", "long", "longer", "settings", "old-and-new", "last" };
static const size_t rot_len[RECORDS] = { 0, 1, 30, 64, 300, 900, 100, 50, 20 };
static bool rot_seen[RECORDS];

static bool rot_each(void *user, const char *key)
{
    (void)user;
    for (unsigned k = 0; k < RECORDS; k++) {
        rot_seen[k] = rot_seen[k] || strcmp(key, rot_keys[k]) == 0;
    }
    return true;
}

/* Every record is right or reported; answers how many are reported. */
static unsigned rot_look(void)
{
    unsigned damaged = 0;
    const mcpt_store *s = &flash.store;
    memset(rot_seen, 0, sizeof(rot_seen));
    CHECK(s->list(s->user, "", rot_each, NULL) == MCPT_OK);
    for (unsigned k = 0; k < RECORDS; k++) {
        size_t len = 1;
        mcpt_err e = s->read(s->user, rot_keys[k], sc_buf, sizeof(sc_buf), &len);
        damaged += e == MCPT_E_DAMAGED;
        if (e == MCPT_E_DAMAGED) {
            CHECK(len == 0 && s->swap(s->user, rot_keys[k], rotten, mcpt_z("x")) != MCPT_OK);
            CHECK(s->swap(s->user, rot_keys[k], sc_none, mcpt_z("x")) == MCPT_E_CONFLICT);
        } else {
            CHECK(e == MCPT_OK && len == rot_len[k] && memcmp(sc_buf, sc_value(k, len).ptr, len) == 0);
        }
        CHECK(rot_seen[k]);
    }
    return damaged;
}

/* A byte, or a whole unit, of the chip changes: the record there is right or reported, all others are right; also after
 * everything was collected and moved; and writing or erasing the reported one ends it. */
static void rot(uint32_t size, unsigned sectors, unsigned unit, size_t width, unsigned step)
{
    static nor image;
    unsigned long reported = 0, harmless = 0;
    const mcpt_store *s = &flash.store;
    nor_init(&chip, size, sectors, unit, 5);
    mount_again();
    for (unsigned round = 0; round < 3; round++) {          /* older versions of every record lie about */
        for (unsigned k = 0; k < RECORDS; k++) {
            CHECK(s->write(s->user, rot_keys[k], sc_value(round == 2 ? k : k + 100, rot_len[k])) == MCPT_OK);
            CHECK(s->write(s->user, "gone", sc_value(k, 40)) == MCPT_OK && s->erase(s->user, "gone") == MCPT_OK);
        }
    }
    mount_again();
    image = chip;
    for (size_t at = 0; at < (size_t)size * sectors; at += width) {
        for (unsigned how = (unsigned)(at / width) % step; how < 3; how += step) {
            unsigned damaged;
            bool hot = (at / width + how) % 4 == 3 && image.used[at];           /* while mounted */
            chip = image;
            if (hot) {
                mount_again();
            }
            for (size_t i = 0; i < width; i++) {
                uint8_t flip = how == 0 ? 0x01 : how == 1 ? 0xff : (uint8_t)(nor_random(&image) | 0x80);
                chip.cells[at + i] = width > 1 ? (uint8_t)nor_random(&image) : (uint8_t)(chip.cells[at + i] ^ flip);
                chip.used[at + i] = true;
            }
            if (!hot) {
                mount_again();
            }
            damaged = rot_look();
            CHECK(damaged <= 1 && sc_is(s, "gone", sc_none));
            reported += damaged;
            harmless += damaged == 0;
            if ((at / width + how) % 7 == 0) {
                for (unsigned i = 0; flash.erases < sectors + 1u && i < 2000; i++) {
                    CHECK(s->write(s->user, "mover", sc_value(i, 40)) == MCPT_OK);
                }
                CHECK(s->erase(s->user, "mover") == MCPT_OK && rot_look() == damaged && chip.wrong == 0);
                mount_again();
                CHECK(rot_look() == damaged && sc_is(s, "gone", sc_none));
                for (unsigned k = 0; k < RECORDS; k++) {
                    size_t len;
                    if (s->read(s->user, rot_keys[k], sc_buf, sizeof(sc_buf), &len) == MCPT_E_DAMAGED) {
                        CHECK((how != 0 ? MCPT_OK : s->erase(s->user, rot_keys[k])) == MCPT_OK);
                        CHECK(how != 0 || sc_is(s, rot_keys[k], sc_none));
                        CHECK(s->write(s->user, rot_keys[k], sc_value(k, rot_len[k])) == MCPT_OK);
                    }
                }
                CHECK(rot_look() == 0);
                mount_again();
                CHECK(rot_look() == 0 && flash.damaged == 0);
            }
        }
    }
    CHECK(reported > 0 && harmless > reported);
    printf("%u sectors of %u bytes, program size %2u, %2u bytes rot: %lu reported, %lu repaired or not in use\n", sectors,
           (unsigned)size, unit, (unsigned)width, reported, harmless);
}

static void formats(void)
{
    static nor image;
    const mcpt_store *s = &flash.store;
    mcpt_flash other;
    size_t len;
    nor_init(&chip, 512, 4, 4, 1);
    mount_again();
    CHECK(chip.ops == 0 && sc_is(s, "k", sc_none) && chip.ops == 0);            /* an empty chip is not touched */
    CHECK(sc_write(s, "k", "v") == MCPT_OK);
    for (unsigned i = 0; i < 50; i++) {
        CHECK(s->write(s->user, "n", sc_value(i, 20)) == MCPT_OK);
    }
    mount_again();
    image = chip;
    /* a sector of format 2, its CRC right: reported by every call, nothing programmed or erased */
    for (uint32_t base = 0; base < 2048; base += 512) {
        for (unsigned copy = 0; copy < 64; copy += 32) {
            uint32_t crc = ~0u;
            uint8_t *b = chip.cells + base + copy;
            b[4] = 2;
            for (unsigned i = 0; i < 28; i++) {
                crc ^= b[i];
                for (unsigned bit = 0; bit < 8; bit++) {
                    crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
                }
            }
            for (unsigned i = 0; i < 4; i++) {
                b[28 + i] = (uint8_t)(~crc >> (8 * i));
            }
        }
        chip.ops = 0;
        CHECK(mcpt_store_flash_mount(&flash, &chip.flash, slots, SLOTS) == MCPT_E_FORMAT);
        CHECK(s->read(s->user, "k", sc_buf, 9, &len) == MCPT_E_FORMAT && sc_write(s, "k", "w") == MCPT_E_FORMAT);
        CHECK(s->erase(s->user, "k") == MCPT_E_FORMAT && s->list(s->user, "", sc_each, &sc_list) == MCPT_E_FORMAT && chip.ops == 0);
        CHECK(memcmp(chip.cells, image.cells, 2048) != 0);
        if (base == 1024) {
            CHECK(mcpt_store_flash_clear(&flash) == MCPT_OK && sc_is(s, "k", sc_none) && sc_write(s, "k", "w") == MCPT_OK);
        }
        chip = image;
    }
    mount_again();
    CHECK(sc_is(s, "k", mcpt_z("v")));
    /* other geometries than that of the store, and impossible ones */
    other = chip.flash;
    other.geometry.sectors = 3;
    CHECK(mcpt_store_flash_mount(&flash, &other, slots, SLOTS) == MCPT_E_ARG);
    other = chip.flash;
    other.geometry.unit = 8;
    CHECK(mcpt_store_flash_mount(&flash, &other, slots, SLOTS) == MCPT_E_ARG && sc_write(s, "k", "w") == MCPT_E_ARG);
    for (unsigned i = 0; i < 6; i++) {
        other = chip.flash;
        other.geometry.unit = (uint8_t)(i == 0 ? 0 : i == 1 ? 3 : i == 2 ? 64 : 4);
        other.geometry.sectors = i == 3 ? 1 : 4;
        other.geometry.sector_size = i == 4 ? 256 : i == 5 ? 544 : 512;
        CHECK(mcpt_store_flash_mount(&flash, &other, slots, SLOTS) == MCPT_E_ARG && sc_write(s, "k", "w") == MCPT_E_STATE);
    }
    CHECK(mcpt_store_flash_mount(&flash, &chip.flash, slots, 0) == MCPT_E_ARG);
    CHECK(chip.ops == image.ops && memcmp(chip.cells, image.cells, 2048) == 0);
    /* something else on the chip is an empty store */
    for (unsigned i = 0; i < 2048; i++) {
        chip.cells[i] = (uint8_t)nor_random(&chip);
        chip.used[i] = true;
    }
    mount_again();
    CHECK(sc_count(s, "", 0, 0) == 0 && sc_write(s, "k", "v") == MCPT_OK);
    mount_again();
    CHECK(sc_is(s, "k", mcpt_z("v")) && chip.wrong == 0);
}

static void limits(void)
{
    const mcpt_store *s = &flash.store;
    mcpt_store_flash_info info;
    char key[8];
    nor_init(&chip, 1024, 8, 8, 1);
    CHECK(mcpt_store_flash_mount(&flash, &chip.flash, slots, 4) == MCPT_OK);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(sc_write(s, sc_name(key, i), "v") == MCPT_OK);
    }
    for (unsigned i = 0; i < 30; i++) {                     /* no slot for all pieces: given up, nothing changed, at any place */
        CHECK(s->write(s->user, "long", sc_value(1, 1500)) == MCPT_E_FULL && sc_is(s, "long", sc_none));
        CHECK(s->write(s->user, sc_name(key, 1), sc_value(i, 1500)) == MCPT_E_FULL);
        CHECK(sc_write(s, sc_name(key, 1), i % 2 != 0 ? "v" : "w") == MCPT_OK);
        if (i % 3 == 0) {
            CHECK(mcpt_store_flash_mount(&flash, &chip.flash, slots, 4) == MCPT_OK);
        }
        CHECK(sc_is(s, sc_name(key, 0), mcpt_z("v")) && sc_is(s, sc_name(key, 1), mcpt_z(i % 2 != 0 ? "v" : "w")));
        CHECK(sc_is(s, "long", sc_none) && flash.damaged == 0);
    }
    CHECK(sc_write(s, "fourth", "v") == MCPT_OK && sc_write(s, "fifth", "v") == MCPT_E_FULL);
    CHECK(s->erase(s->user, "fourth") == MCPT_OK && sc_write(s, "fifth", "v") == MCPT_OK);
    CHECK(mcpt_store_flash_mount(&flash, &chip.flash, slots, 3) == MCPT_E_LIMIT && sc_write(s, "k", "v") == MCPT_E_LIMIT);
    CHECK(mcpt_store_flash_mount(&flash, &chip.flash, slots, 4) == MCPT_OK && sc_count(s, "", 1, 0) == 4);
    CHECK(mcpt_store_flash_stats(&flash, &info) == MCPT_OK && info.records == 4 && info.slots_free == 0);
    CHECK(chip.wrong == 0);
}

/* The same value again costs nothing; a chip that fails is asked again by the next call. */
static void habits(void)
{
    const mcpt_store *s = &flash.store;
    unsigned failed = 0;
    long ops;
    nor_init(&chip, 1024, 3, 8, 1);
    mount_again();
    CHECK(s->write(s->user, "k", sc_value(1, 300)) == MCPT_OK);
    ops = chip.ops;
    CHECK(s->write(s->user, "k", sc_value(1, 300)) == MCPT_OK && s->erase(s->user, "none") == MCPT_OK && chip.ops == ops);
    for (long at = 0; at < 200; at++) {
        chip.ops = 0;
        chip.cut_at = at % 20;
        chip.tear = NOR_BEFORE;
        if (s->write(s->user, "k", sc_value((uint32_t)at + 2, 300)) != MCPT_OK) {
            size_t len;
            failed++;
            CHECK(s->read(s->user, "k", sc_buf, sizeof(sc_buf), &len) == MCPT_E_STORE && len == 0);
            CHECK(s->list(s->user, "", sc_each, &sc_list) == MCPT_E_STORE && s->erase(s->user, "k") == MCPT_E_STORE);
            nor_boot(&chip);                                /* the chip answers again: no new mount by the caller */
            CHECK(s->write(s->user, "k", sc_value((uint32_t)at + 2, 300)) == MCPT_OK);
        }
        chip.cut_at = -1;
        CHECK(sc_is(s, "k", sc_value((uint32_t)at + 2, 300)));
    }
    CHECK(failed > 50 && chip.wrong == 0);
}

/* A factory reset that is cut leaves a part that is right, and does its work when called again. */
static void clear(void)
{
    static nor image;
    const mcpt_store *s = &flash.store;
    nor_init(&chip, 512, 6, 1, 1);
    mount_again();
    for (unsigned i = 0; i < 60; i++) {
        char key[8];
        CHECK(s->write(s->user, sc_name(key, i % 5), sc_value(i, 40)) == MCPT_OK);
        if (i % 7 == 0) {
            CHECK(s->erase(s->user, sc_name(key, i % 5)) == MCPT_OK);
        }
    }
    image = chip;
    for (int tear = 0; tear < NOR_TEARS; tear++) {
        for (long at = 0; at < 6; at++) {
            chip = image;
            mount_again();
            chip.ops = 0;
            chip.cut_at = at;
            chip.tear = (nor_tear)tear;
            CHECK(mcpt_store_flash_clear(&flash) == MCPT_E_STORE);
            nor_boot(&chip);
            mount_again();
            for (unsigned k = 0; k < 5; k++) {
                char key[8];
                size_t len;
                unsigned newest = 55 + k;
                mcpt_err e = s->read(s->user, sc_name(key, k), sc_buf, sizeof(sc_buf), &len);
                CHECK(e == MCPT_E_ABSENT || (e == MCPT_OK && newest % 7 != 0 && memcmp(sc_buf, sc_value(newest, 40).ptr, 40) == 0));
            }
            CHECK(mcpt_store_flash_clear(&flash) == MCPT_OK && sc_count(s, "", 0, 0) == 0);
            mount_again();
            CHECK(sc_count(s, "", 0, 0) == 0 && sc_write(s, "k", "v") == MCPT_OK && chip.wrong == 0);
            for (size_t i = 512; i < 6 * 512; i++) {
                CHECK(chip.cells[i] == 0xff);
            }
        }
    }
}

static void crc_over(uint8_t *b, const uint8_t *place, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n + 28; i++) {
        crc ^= i < n ? place[i] : b[i - n];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        b[28 + i] = (uint8_t)(~crc >> (8 * i));
    }
}

/* Whatever is on the chip, also heads with absurd contents and a right CRC: every call ends, nothing is read or written
 * outside of the chip, and a cleared store works. */
static void chaos(void)
{
    const mcpt_store *s = &flash.store;
    uint32_t seed = 4711;
    unsigned mounted = 0;
    for (unsigned round = 0; round < 700; round++) {
        const uint32_t size = round % 2 != 0 ? 512 : 1024, sectors = 2 + round % 5;
        char key[8];
        mcpt_err e;
        nor_init(&chip, size, sectors, 1u << round % 6, round);
        mount_again();
        for (unsigned i = 0; i < 25; i++) {
            e = s->write(s->user, sc_name(key, i % 6), sc_value(i, sc_random(&seed) % 90));
            CHECK(e == MCPT_OK || e == MCPT_E_FULL || e == MCPT_E_LIMIT);
        }
        for (unsigned n = 1 + sc_random(&seed) % 12; n > 0; n--) {
            uint32_t at = sc_random(&seed) % (size * sectors / 32) * 32;
            uint8_t *b = chip.cells + at, place[8];
            bool sector = at % size < 64;
            memset(chip.used + at, 1, 32);
            for (unsigned i = 1 + sc_random(&seed) % 6; i > 0; i--) {
                uint32_t where = sc_random(&seed) % 28, what = sc_random(&seed);
                b[where] = (uint8_t)(what % 3 == 0 ? 0xff : what % 3 == 1 ? 0 : what >> 8);
            }
            if (sector) {
                memcpy(b, "mcpS\1", 5);
            } else {
                b[0] = (uint8_t)(0x51 + sc_random(&seed) % 3);
            }
            memcpy(place, chip.cells + at / size * size + 12, 4);           /* the sector's number */
            for (unsigned i = 0; i < 4; i++) {
                place[4 + i] = (uint8_t)(at >> (8 * i));
            }
            crc_over(b, place, sector ? 0 : 8);
        }
        e = mcpt_store_flash_mount(&flash, &chip.flash, slots, 20);
        CHECK(e == MCPT_OK || e == MCPT_E_ARG || e == MCPT_E_LIMIT || e == MCPT_E_STORE);
        mounted += e == MCPT_OK;
        for (unsigned i = 0; i < 30; i++) {
            size_t len;
            e = s->write(s->user, sc_name(key, i % 7), sc_value(i, sc_random(&seed) % 90));
            if (e == MCPT_OK) {
                CHECK(s->read(s->user, key, sc_buf, sizeof(sc_buf), &len) != MCPT_E_SPACE);
            }
            (void)s->erase(s->user, sc_name(key, (i * 3) % 7));
            (void)s->list(s->user, "", rot_each, NULL);
        }
        CHECK(mcpt_store_flash_clear(&flash) == MCPT_OK && sc_write(s, "k", "v") == MCPT_OK && sc_is(s, "k", mcpt_z("v")));
    }
    CHECK(mounted > 150);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    contract();
    formats();
    limits();
    habits();
    clear();
    chaos();
    rot(1024, 8, 1, 1, TEST_STEPS(3, 61));
    rot(4096, 2, 8, 1, TEST_STEPS(3, 61));
    rot(1024, 8, 32, 32, TEST_STEPS(1, 5));
    rot(2048, 4, 8, 8, TEST_STEPS(1, 13));
    return test_end();
}
