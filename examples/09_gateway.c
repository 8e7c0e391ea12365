#define _GNU_SOURCE
/* libs: -lsqlite3 -lhiredis -lpq */
/* 09: example 05 as a gateway of several processes behind a proxy. What they must share is in one store: the pairings, and the key
 * that signs requestState, so that one process understands what another one asked. One of them pairs (the proxy sends it /authorize,
 * /token, /register and /revoke), all of them serve; README.md has the proxy's configuration.
 *   build/gateway --port 8081 --base-url https://gateway.example --store redis://:PASSWORD@127.0.0.1:6379
 *   build/gateway --port 8082 --base-url https://gateway.example --store redis://:PASSWORD@127.0.0.1:6379 */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "mcpt_store.h"

#define GATEWAY 1
#define REMEMBER_MS 1000              /* a pairing that ends at one process ends at the others within a second */

static any_store stores;

static mcpt_err gateway_store(const char *name, const mcpt_env *env, const mcpt_store **store, const void **state_key)
{
    static uint8_t key[32];
    const mcpt_str none = { NULL, 0 }, made = { (const char *)key, sizeof key };
    const mcpt_store *s = store_by_name(&stores, name, 0, false, NULL);
    size_t n;
    mcpt_err e = s == NULL ? MCPT_E_STORE : s->read(s->user, "gate-state", key, sizeof key, &n);

    if (e == MCPT_E_ABSENT) {         /* the first one makes it; who comes second takes that */
        e = env->random(env->user, key, sizeof key) ? s->swap(s->user, "gate-state", none, made) : MCPT_E_RANDOM;
        e = e == MCPT_E_CONFLICT || e == MCPT_OK ? s->read(s->user, "gate-state", key, sizeof key, &n) : e;
    }
    if (e == MCPT_OK && n != sizeof key) {
        e = MCPT_E_DAMAGED;
    }
    *store = s;
    *state_key = key;
    return e;
}

#include "05_this_machine.c"
