/* port/store_ram.h - mcpt_store in memory that you give: for tests, and for devices that may forget at power-off
 *
 * Do this:
 *     static mcpt_store_ram ram;
 *     static char memory[4096];
 *     (void)mcpt_store_ram_init(&ram, memory, sizeof memory, 0);
 *     ... &ram.store ...
 *
 * Needs: nothing. Does not: allocate, lock (one thread at a time), survive a restart.
 * RAM: sizeof(mcpt_store_ram) and your memory; a record takes 9 bytes, its key and its value. Replaced and erased bytes
 * are wiped. A look-up compares log2(records) keys; a write moves at most all of the memory once.
 * Tested with: tests/unit/store_contract.h.
 */
#ifndef MCPT_PORT_STORE_RAM_H
#define MCPT_PORT_STORE_RAM_H
#include "mcptools.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_store_ram {       /* store is yours, the rest private; do not copy or move after init */
    mcpt_store store;
    uint8_t *mem;
    size_t size, used, dead, count;   /* bytes: all, up to the last record, of them no longer needed; records */
    size_t max_key;
} mcpt_store_ram;
#define MCPT_STORE_RAM_KEY 64         /* the largest max_key */

/* An empty store in mem (borrowed until you stop using it; any alignment). max_key: characters of a key, 0 for
 * MCPT_STORE_KEY. OK; E_ARG: mem is NULL, size over 4 GB or max_key over MCPT_STORE_RAM_KEY. */
MCPT_NODISCARD mcpt_err mcpt_store_ram_init(mcpt_store_ram *s, void *mem, size_t size, size_t max_key);

#ifdef __cplusplus
}
#endif
#endif
