/* port/store_ram: the contract of all stores at several sizes, exact ends, nothing left behind. */
#include "mcptools.h"
#include "../../port/store_ram.h"
#include "store_contract.h"

static void sizes(void)
{
    static mcpt_store_ram ram;
    static const size_t values[] = { 64, 300, 2000, 20000 };
    for (size_t i = 0; i < MCPT_COUNT(values); i++) {
        size_t size = values[i] * 5 + 700;
        char *mem = (char *)malloc(size);                   /* exact: the sanitizer watches both ends */
        store_contract_of of = { &ram.store, &ram.store, NULL, i == 2 ? 64 : 0, values[i], true, size, 3000 };
        memset(mem, 0x55, size);
        CHECK(mcpt_store_ram_init(&ram, mem, size, of.max_key) == MCPT_OK);
        store_contract(&of);
        free(mem);
    }
}

static void arguments(void)
{
    static mcpt_store_ram ram;
    char mem[32];
    for (size_t size = 0; size <= sizeof(mem); size++) {    /* 9 + key + value */
        CHECK(mcpt_store_ram_init(&ram, mem, size, 0) == MCPT_OK);
        CHECK(sc_write(&ram.store, "ab", "xyz") == (size >= 14 ? MCPT_OK : MCPT_E_LIMIT));
        CHECK(sc_write(&ram.store, "c", "") == (size >= 24 ? MCPT_OK : size < 10 ? MCPT_E_LIMIT : size < 14 ? MCPT_OK : MCPT_E_FULL));
    }
    CHECK(mcpt_store_ram_init(&ram, NULL, 8, 0) == MCPT_E_ARG);
    CHECK(mcpt_store_ram_init(&ram, mem, 8, MCPT_STORE_RAM_KEY + 1) == MCPT_E_ARG);
}

static void wiped(void)
{
    static mcpt_store_ram ram;
    char mem[128];
    CHECK(mcpt_store_ram_init(&ram, mem, sizeof(mem), 0) == MCPT_OK);
    CHECK(sc_write(&ram.store, "key", "SECRET1") == MCPT_OK && sc_write(&ram.store, "key", "SECRET2") == MCPT_OK);
    CHECK(ram.store.erase(&ram, "key") == MCPT_OK);
    for (size_t i = 0; i + 6 <= sizeof(mem); i++) {
        CHECK(memcmp(mem + i, "SECRET", 6) != 0);
    }
}

int main(void)
{
    sizes();
    arguments();
    wiped();
    return test_end();
}
