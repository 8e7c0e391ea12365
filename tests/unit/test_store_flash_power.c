/* port/store_flash on an emulated chip, its power cut at every program and erase of every step, in seven ways, and again at
 * every program and erase of the recovery: the old record or the new one, the same after the next restart, no lost neighbour. */
#include "mcptools.h"
#include "../../port/store_flash.h"
#include "nor.h"
#include "store_contract.h"

enum { SLOTS = 40, SOME = TEST_STEPS(1, 3) };           /* SOME: of three cut points one, another with each kind of cut */
static nor chip;
static mcpt_store_flash flash;
static mcpt_flash_slot slots[SLOTS];

static void mount_again(void)
{
    CHECK(mcpt_store_flash_mount(&flash, &chip.flash, slots, SLOTS) == MCPT_OK);
}

enum { KEYS = 5, LONGEST = 600 };
typedef struct value { bool there; size_t len; uint32_t tag; } value;
static value model[KEYS];
static uint32_t salt;                /* other random choices, for longer runs: the program's argument */
static const char *const names[KEYS] = { "a", "token", "settings-000001", "d", "e" };
static unsigned long cuts, cuts_again, mounts;

static mcpt_str bytes_of(const value *v)
{
    return v->there ? sc_value(v->tag, v->len) : sc_none;
}

static bool holds(unsigned k, const value *v)
{
    return sc_is(&flash.store, names[k], bytes_of(v));
}

typedef struct step { unsigned key; value to; bool by_swap; } step;

static mcpt_err act(const step *x)
{
    const mcpt_store *s = &flash.store;
    static char old[LONGEST + 1];
    mcpt_str from = bytes_of(&model[x->key]);
    if (x->by_swap) {
        if (from.ptr != NULL) {
            memcpy(old, from.ptr, from.len);
            from.ptr = old;
        }
        return s->swap(s->user, names[x->key], from, bytes_of(&x->to));
    }
    return x->to.there ? s->write(s->user, names[x->key], bytes_of(&x->to)) : s->erase(s->user, names[x->key]);
}

/* Everything as the model says, the record in work old or new. Answers which: 0 old, 1 new. */
static int survived(const step *x)
{
    int is_new = 0;
    size_t there = 0;
    mounts++;
    CHECK(mcpt_store_flash_mount(&flash, &chip.flash, slots, SLOTS) == MCPT_OK);
    for (unsigned k = 0; k < KEYS; k++) {
        if (k == x->key && holds(k, &x->to)) {
            is_new = 1;
            there += x->to.there;
        } else {
            CHECK(holds(k, &model[k]));
            there += model[k].there;
        }
    }
    CHECK(sc_count(&flash.store, "", 0, 0) == there && chip.wrong == 0 && flash.damaged == 0);
    return is_new;
}

static struct { nor chip; mcpt_store_flash flash; mcpt_flash_slot slots[SLOTS]; } before, between;

static void save(int again)
{
    if (again != 0) {
        between.chip = chip;
    } else {
        before.chip = chip;
        before.flash = flash;
        memcpy(before.slots, slots, sizeof(slots));
    }
}

/* After a cut: mount, look, reboot, look again: never another answer; then the store goes on working. */
static void recovered(const step *x, bool go_on)
{
    int first = survived(x), second;
    nor_boot(&chip);
    second = survived(x);
    CHECK(first == second);
    if (go_on) {
        const mcpt_store *s = &flash.store;
        for (unsigned i = 0; i < 12; i++) {                 /* also in a full store: same length, and erase */
            unsigned k = (x->key + 1 + i) % KEYS;
            value v = { true, model[k].len, i };
            if (k != x->key && model[k].there) {
                CHECK(s->write(s->user, names[k], bytes_of(&v)) == MCPT_OK && holds(k, &v));
                CHECK(s->write(s->user, names[k], bytes_of(&model[k])) == MCPT_OK);
            }
        }
        nor_boot(&chip);
        CHECK(survived(x) == first);
        CHECK(s->erase(s->user, names[x->key]) == MCPT_OK && sc_is(s, names[x->key], sc_none));
    }
}

/* Cuts the step at each of its programs and erases, then its recovery at each of its own. */
static void cut_everywhere(const step *x, uint32_t seed)
{
    save(0);
    for (int tear = 0; tear < NOR_TEARS; tear++) {
        for (long at = tear % SOME;; at += SOME) {
            chip = before.chip;
            flash = before.flash;
            memcpy(slots, before.slots, sizeof(slots));
            chip.seed ^= seed + (uint32_t)at * 31u + (uint32_t)tear;
            chip.ops = 0;
            chip.cut_at = at;
            chip.tear = (nor_tear)tear;
            if (act(x) == MCPT_OK) {
                CHECK(!chip.off);
                break;                                      /* this step has no further program or erase */
            }
            CHECK(chip.off);
            cuts++;
            nor_boot(&chip);
            save(1);
            for (long again = at % SOME;; again += SOME) {
                chip = between.chip;
                chip.cut_at = again;
                chip.tear = (nor_tear)((unsigned)(tear + again) % NOR_TEARS);
                if (mcpt_store_flash_mount(&flash, &chip.flash, slots, SLOTS) == MCPT_OK) {
                    break;
                }
                cuts_again++;
                nor_boot(&chip);
                recovered(x, false);
            }
            chip = between.chip;
            recovered(x, at % 4 == 0);
        }
    }
    chip = before.chip;
    flash = before.flash;
    memcpy(slots, before.slots, sizeof(slots));
}

/* Until every sector was used and `collections` more were collected. */
static void power(uint32_t size, unsigned sectors, unsigned unit, unsigned collections)
{
    uint32_t seed = 77 + unit + sectors + salt * 1000;
    const unsigned long enough = sectors + collections;
    cuts = cuts_again = mounts = 0;
    memset(model, 0, sizeof(model));
    nor_init(&chip, size, sectors, unit, unit);
    mount_again();
    for (unsigned n = 0; chip.erases < enough && n < 2000; n++) {
        step x;
        size_t longest = size * (sectors - 1) / 8 < LONGEST ? size * (sectors - 1) / 8 : LONGEST;
        mcpt_err e;
        x.key = sc_random(&seed) % KEYS;
        x.to.there = sc_random(&seed) % 5 != 0;
        x.to.len = n % 3 == 1 ? longest + 1 : 40;
        x.to.len = x.to.there ? sc_random(&seed) % x.to.len : 0;
        x.to.tag = n;
        x.by_swap = n % 3 == 0;
        save(0);
        e = act(&x);                                        /* full or too long: skip; otherwise go back and cut it */
        CHECK(e == MCPT_OK || e == MCPT_E_FULL || e == MCPT_E_LIMIT);
        if (e != MCPT_OK) {
            continue;
        }
        chip = before.chip;
        flash = before.flash;
        memcpy(slots, before.slots, sizeof(slots));
        cut_everywhere(&x, seed);
        chip.cut_at = -1;
        CHECK(act(&x) == MCPT_OK);
        model[x.key] = x.to;
        for (unsigned k = 0; k < KEYS; k++) {
            CHECK(holds(k, &model[k]));
        }
        if (n % 7 == 3) {                                   /* an orderly restart now and then */
            nor_boot(&chip);
            mount_again();
        }
    }
    CHECK(chip.erases >= enough && chip.wrong == 0);
    printf("%u sectors of %u bytes, program size %2u: %lu erases, %lu cut points, %lu more during recovery, %lu mounts\n", sectors,
           (unsigned)size, unit, chip.erases, cuts, cuts_again, mounts);
}

int main(int argc, char **argv)
{
    salt = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    power(1024, 2, 1, 3);
    power(1024, 2, 8, 3);
    power(1024, 2, 32, 3);
    power(512, 8, 1, 4);
    power(512, 8, 8, 4);
    power(512, 8, 32, 4);
    power(1024, 3, 2, 3);
    power(512, 4, 4, 3);
    power(768, 3, 16, 3);
    return test_end();
}
