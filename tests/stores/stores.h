/* What the tests of the database stores share: processes that take turns by swap. */
#ifndef STORES_H
#define STORES_H
#include "../unit/store_contract.h"
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Four processes count together by swap, 100 each; open gives each its own store. */
static inline void turns(const mcpt_store *s, const mcpt_store *(*open)(void))
{
    pid_t child[4];
    int status;
    CHECK(sc_write(s, "counter", "0") == MCPT_OK);
    for (unsigned c = 0; c < 4; c++) {
        (void)fflush(stdout);
        child[c] = fork();
        if (child[c] == 0) {
            const mcpt_store *mine = open();
            unsigned done = 0;
            while (mine != NULL && done < 100) {
                char was[16] = "", now[16];
                size_t len;
                mcpt_err e;
                if (mine->read(mine->user, "counter", was, sizeof(was) - 1, &len) != MCPT_OK) {
                    _exit(2);
                }
                (void)snprintf(now, sizeof(now), "%ld", strtol(was, NULL, 10) + 1);
                e = mine->swap(mine->user, "counter", mcpt_z(was), mcpt_z(now));
                if (e != MCPT_OK && e != MCPT_E_CONFLICT) {
                    _exit(3);
                }
                done += e == MCPT_OK;
            }
            _exit(mine == NULL);
        }
    }
    for (unsigned c = 0; c < 4; c++) {
        CHECK(waitpid(child[c], &status, 0) == child[c] && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK(sc_is(s, "counter", mcpt_z("400")));
    sc_clear(s);
}

/* More keys than any batch, visited once each, erased while it goes. */
static inline void many(const mcpt_store *s)
{
    char key[8];
    for (unsigned i = 0; i < 500; i++) {
        CHECK(sc_write(s, sc_name(key, i * 7 % 500), "v") == MCPT_OK);
    }
    CHECK(sc_count(s, "", 1, 0) == 500);
    for (unsigned i = 0; i < 500; i++) {
        CHECK(sc_listed(sc_name(key, i)) == 1);
    }
    CHECK(sc_count(s, "f-00", 2, 0) == 100 && sc_count(s, "", 2, 0) == 400 && sc_count(s, "", 0, 0) == 0);
}

/* Every call of a store that was closed. */
static inline void closed(const mcpt_store *s)
{
    size_t len;
    CHECK(sc_write(s, "k", "v") == MCPT_E_STATE && s->read(s->user, "k", sc_buf, 9, &len) == MCPT_E_STATE);
    CHECK(s->erase(s->user, "k") == MCPT_E_STATE && s->list(s->user, "", sc_each, &sc_list) == MCPT_E_STATE);
    CHECK(sc_swap(s, "k", NULL, "v") == MCPT_E_STATE);
}
#endif
