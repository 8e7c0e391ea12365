/* settings.c - see settings.h */
#include "settings.h"
#include "port/store_ram.h"

const mcpt_store *settings_open(void)
{
    static mcpt_store_ram ram;
    static uint8_t memory[512];
    return mcpt_store_ram_init(&ram, memory, sizeof memory, 0) == MCPT_OK ? &ram.store : NULL;
}
