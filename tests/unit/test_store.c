/* The store interface: keys, and mcpt_store_swap() over a store that has no swap of its own. */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "test.h"
#include <string.h>

static void keys(void)
{
    char key[18] = "";

    CHECK(!mcpt_store_key_ok(NULL, 15) && !mcpt_store_key_ok("", 15));
    CHECK(mcpt_store_key_ok("A", 15) && mcpt_store_key_ok("a-Z_09", 15));
    CHECK(mcpt_store_key_ok("123456789012345", MCPT_STORE_KEY) && !mcpt_store_key_ok("1234567890123456", MCPT_STORE_KEY));
    CHECK(mcpt_store_key_ok("pkce_verifier_0f8fad5b-d9cb-469f-a165-70867728950e", 64));
    for (int c = 1; c < 256; c++) {
        bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';

        memcpy(key, "ab", 2);
        key[1] = (char)c;
        CHECK(mcpt_store_key_ok(key, 15) == good);
    }
}

/* One record, and errors on request. */
static struct { char value[64]; size_t len; bool there; mcpt_err read_error, write_error; int writes, erases; } one;

static mcpt_err one_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    (void)user;
    (void)key;
    *len = one.there ? one.len : 0;
    if (one.read_error != MCPT_OK || !one.there || one.len > cap) {
        return one.read_error != MCPT_OK ? one.read_error : one.there ? MCPT_E_SPACE : MCPT_E_ABSENT;
    }
    if (one.len != 0) {
        memcpy(buf, one.value, one.len);
    }
    return MCPT_OK;
}

static mcpt_err one_write(void *user, const char *key, mcpt_str value)
{
    (void)user;
    (void)key;
    one.writes++;
    if (one.write_error == MCPT_OK) {
        memcpy(one.value, value.ptr, value.len);
        one.len = value.len;
        one.there = true;
    }
    return one.write_error;
}

static mcpt_err one_erase(void *user, const char *key)
{
    (void)user;
    (void)key;
    one.erases++;
    one.there = false;
    return MCPT_OK;
}

static mcpt_err own_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    return user == &one && strcmp(key, "k") == 0 && mcpt_str_is(old, "a") && mcpt_str_is(value, "b") ? MCPT_E_FULL : MCPT_OK;
}

static void swaps(void)
{
    const mcpt_store without = { one_read, one_write, one_erase, NULL, NULL, NULL };
    const mcpt_store with = { one_read, one_write, one_erase, NULL, own_swap, &one };
    const mcpt_str none = { NULL, 0 }, empty = { "", 0 };
    char buf[8] = "";

    CHECK(mcpt_store_swap(&with, "k", mcpt_z("a"), mcpt_z("b"), NULL, 0) == MCPT_E_FULL && one.writes == 0);
    /* create only */
    CHECK(mcpt_store_swap(&without, "k", mcpt_z("a"), mcpt_z("b"), buf, sizeof(buf)) == MCPT_E_CONFLICT && one.writes == 0);
    CHECK(mcpt_store_swap(&without, "k", none, none, buf, sizeof(buf)) == MCPT_OK);
    CHECK(mcpt_store_swap(&without, "k", none, mcpt_z("secret"), NULL, 0) == MCPT_OK && one.writes == 1);
    CHECK(mcpt_store_swap(&without, "k", none, mcpt_z("other"), NULL, 0) == MCPT_E_CONFLICT && one.writes == 1);
    CHECK(mcpt_store_swap(&without, "k", none, none, NULL, 0) == MCPT_E_CONFLICT && one.there);
    /* replace */
    CHECK(mcpt_store_swap(&without, "k", mcpt_z("Secret"), mcpt_z("n"), buf, sizeof(buf)) == MCPT_E_CONFLICT);
    CHECK(memcmp(buf, "\0\0\0\0\0\0\0\0", 8) == 0);         /* what was read does not stay */
    CHECK(mcpt_store_swap(&without, "k", mcpt_z("secre"), mcpt_z("n"), buf, sizeof(buf)) == MCPT_E_CONFLICT);
    CHECK(mcpt_store_swap(&without, "k", mcpt_z("secrets"), mcpt_z("n"), buf, 5) == MCPT_E_CONFLICT);
    CHECK(mcpt_store_swap(&without, "k", mcpt_z("secret"), mcpt_z("n"), buf, 5) == MCPT_E_SPACE && one.writes == 1);
    CHECK(mcpt_store_swap(&without, "k", mcpt_z("secret"), empty, buf, 6) == MCPT_OK && one.writes == 2 && one.len == 0);
    CHECK(mcpt_store_swap(&without, "k", none, mcpt_z("n"), NULL, 0) == MCPT_E_CONFLICT);   /* empty is not absent */
    CHECK(mcpt_store_swap(&without, "k", mcpt_z("x"), mcpt_z("n"), buf, 8) == MCPT_E_CONFLICT);
    CHECK(mcpt_store_swap(&without, "k", empty, mcpt_z("n"), NULL, 0) == MCPT_OK && one.len == 1);
    /* erase */
    CHECK(mcpt_store_swap(&without, "k", mcpt_z("m"), none, buf, 8) == MCPT_E_CONFLICT && one.there && one.erases == 1);
    CHECK(mcpt_store_swap(&without, "k", mcpt_z("n"), none, buf, 8) == MCPT_OK && !one.there && one.erases == 2);
    /* errors pass through, nothing is written after them */
    one.read_error = MCPT_E_DAMAGED;
    CHECK(mcpt_store_swap(&without, "k", none, mcpt_z("n"), buf, 8) == MCPT_E_DAMAGED);
    one.read_error = MCPT_E_STORE;
    CHECK(mcpt_store_swap(&without, "k", mcpt_z("n"), mcpt_z("n"), buf, 8) == MCPT_E_STORE && one.writes == 3);
    one.read_error = MCPT_OK;
    one.write_error = MCPT_E_FULL;
    CHECK(mcpt_store_swap(&without, "k", none, mcpt_z("n"), buf, 8) == MCPT_E_FULL);
}

int main(void)
{
    keys();
    swaps();
    return test_end();
}
