/* What port/store_flash costs a chip: bytes programmed for each byte written by the caller (write amplification) and sectors
 * erased in 1,000 updates, against how much of the chip live records fill. A Markdown table; the same on every machine. */
#include "mcptools.h"
#include "../../port/store_flash.h"
#include "../unit/nor.h"
#include <stdio.h>

enum { SLOTS = 1024, UPDATES = 4000 };
static nor chip;
static mcpt_store_flash flash;
static mcpt_flash_slot slots[SLOTS];
static char bytes[2048];

static mcpt_err put(unsigned record, unsigned tag, size_t len)
{
    char key[8] = "k00000";
    mcpt_str value;
    for (unsigned at = 5; at > 0; at--, record /= 10) {
        key[at] = (char)('0' + record % 10);
    }
    memset(bytes, (int)(tag % 251), len);
    value.ptr = bytes;
    value.len = len;
    return flash.store.write(flash.store.user, key, value);
}

/* Records of len bytes until they fill percent of the chip, then updates by chance. */
static void row(uint32_t size, unsigned sectors, unsigned unit, size_t len)
{
    static const unsigned percents[] = { 10, 25, 40, 55 };
    printf("| %u x %u | %u | %u |", sectors, (unsigned)size, unit, (unsigned)len);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        unsigned n = 0;
        uint32_t live = (64 + (uint32_t)len + 7) / 8 * 8;
        mcpt_err e = MCPT_OK;
        nor_init(&chip, size, sectors, unit, 1);
        if (mcpt_store_flash_mount(&flash, &chip.flash, slots, SLOTS) != MCPT_OK) {
            exit(1);
        }
        while (e == MCPT_OK && (n + 1) * live <= size * sectors / 100 * percents[i]) {
            e = put(n++, 0, len);
        }
        if (e != MCPT_OK || n == 0) {
            printf(" %s |", n < 2 ? "-" : "full");
            continue;
        }
        for (unsigned tag = 1; tag <= UPDATES / 4; tag++) {     /* until the log has gone round */
            e = e == MCPT_OK ? put(nor_random(&chip) % n, tag, len) : e;
        }
        chip.programmed = chip.erases = 0;
        for (unsigned tag = 1; tag <= UPDATES; tag++) {
            e = e == MCPT_OK ? put(nor_random(&chip) % n, tag + 100, len) : e;
        }
        if (e != MCPT_OK || chip.wrong != 0) {
            exit(1);
        }
        printf(" %.2f / %.0f |", (double)chip.programmed / ((double)UPDATES * (double)len), (double)chip.erases * 1000 / UPDATES);
    }
    printf("\n");
}

int main(void)
{
    printf("| sectors | program size | value | 10 %% live | 25 %% | 40 %% | 55 %% |\n|---|---:|---:|---:|---:|---:|---:|\n");
    row(4096, 8, 1, 32);
    row(4096, 8, 1, 200);
    row(4096, 8, 1, 700);
    row(4096, 8, 32, 200);
    row(2048, 8, 8, 200);
    row(4096, 2, 8, 200);
    row(8192, 2, 8, 700);
    row(4096, 16, 8, 1500);
    return 0;
}
