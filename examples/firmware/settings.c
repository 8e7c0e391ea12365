/* settings.c - see settings.h */
#include "settings.h"
#include "emulation_only.h"
#include "port/store_flash.h"

/* A product gives the flash store three functions of its own chip; here the host lends a file that behaves like one. */
static mcpt_store_flash flash;
static mcpt_flash_slot slots[FIRMWARE_RECORDS];

const mcpt_store *settings_open(void)
{
    return mcpt_store_flash_mount(&flash, &emulation_only_flash, slots, MCPT_COUNT(slots)) == MCPT_OK ? &flash.store : NULL;
}

bool settings_clear(void)
{
    return mcpt_store_flash_clear(&flash) == MCPT_OK;
}
