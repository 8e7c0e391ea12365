/* 10: a store of one's own. What mcpt_store asks for, in 30 lines and their braces, over memory that the board keeps: here an array, on yours
 * battery-backed RAM, an EEPROM, a file system, a database. Then a device says how often it was started. */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include <stdio.h>
#include <string.h>

enum { SLOTS = 16, ROOM = 512 };
static struct slot { char key[MCPT_STORE_KEY + 1]; size_t len; char value[ROOM]; } slots[SLOTS];        /* key "": free */

static struct slot *find(const char *key)
{
    for (size_t i = 0; i < SLOTS; i++) { if (strcmp(slots[i].key, key) == 0) { return &slots[i]; } }
    return NULL;
}
static mcpt_err own_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    const struct slot *s = mcpt_store_key_ok(key, MCPT_STORE_KEY) ? find(key) : NULL;
    *len = user != NULL && s != NULL ? s->len : 0;
    if (s == NULL || *len > cap) { return !mcpt_store_key_ok(key, MCPT_STORE_KEY) ? MCPT_E_ARG : s == NULL ? MCPT_E_ABSENT : MCPT_E_SPACE; }
    if (*len != 0) { memcpy(buf, s->value, *len); }
    return MCPT_OK;
}
static mcpt_err own_erase(void *user, const char *key)
{
    struct slot *s = mcpt_store_key_ok(key, MCPT_STORE_KEY) ? find(key) : NULL;
    if (s != NULL) { memset(s, 0, sizeof *s); }
    return user != NULL && mcpt_store_key_ok(key, MCPT_STORE_KEY) ? MCPT_OK : MCPT_E_ARG;
}
static mcpt_err own_write(void *user, const char *key, mcpt_str value)
{
    struct slot *s = find("");                              /* never over the old one: power may fail */
    if (!mcpt_store_key_ok(key, MCPT_STORE_KEY) || value.ptr == NULL) { return MCPT_E_ARG; }
    if (s == NULL || value.len > ROOM) { return s == NULL ? MCPT_E_FULL : MCPT_E_LIMIT; }
    memcpy(s->value, value.ptr, value.len);
    s->len = value.len;
    (void)own_erase(user, key);                             /* a medium makes this step and the next one: number the slots, newest wins */
    memcpy(s->key, key, strlen(key) + 1);
    return MCPT_OK;
}
static mcpt_err own_list(void *user, const char *prefix, bool (*each)(void *each_user, const char *key), void *each_user)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (user != NULL && slots[i].key[0] != '\0' && strncmp(slots[i].key, prefix, strlen(prefix)) == 0 && !each(each_user, slots[i].key)) { break; }
    }
    return MCPT_OK;
}
static const mcpt_store store = { own_read, own_write, own_erase, own_list, NULL, slots };      /* no swap: one process alone writes */

static bool show(void *user, const char *key)
{
    ++*(int *)user;
    return printf("%s\n", key) > 0;
}

int main(void)
{
    char text[16], room[16];
    size_t n;
    int starts = 0, keys = 0;
    for (int boot = 0; boot < 3; boot++) {                  /* .store = &store, in mcpt_oauth_config or mcpt_pairing_config */
        mcpt_err e = store.read(store.user, "starts", text, sizeof text, &n);
        starts = e == MCPT_OK ? text[0] - '0' + 1 : 1;
        text[0] = (char)('0' + starts);
        if (store.write(store.user, "starts", (mcpt_str){ text, 1 }) != MCPT_OK) { return 1; }
    }
    if (mcpt_store_swap(&store, "once", (mcpt_str){ NULL, 0 }, mcpt_z("x"), room, sizeof room) != MCPT_OK ||
        mcpt_store_swap(&store, "once", (mcpt_str){ NULL, 0 }, mcpt_z("y"), room, sizeof room) != MCPT_E_CONFLICT) { return 1; }
    if (store.list(store.user, "", show, &keys) != MCPT_OK || keys != 2) { return 1; }
    if (store.erase(store.user, "once") != MCPT_OK || store.read(store.user, "once", text, sizeof text, &n) != MCPT_E_ABSENT) { return 1; }
    printf("started %d times\n", starts);
    return starts == 3 ? 0 : 1;
}
