/* What the tests of the database stores share: processes that take turns by swap. */
#ifndef STORES_H
#define STORES_H
#include "../unit/store_contract.h"
#include <signal.h>
#include <stdio.h>
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

/* A thousand writes, each said through a pipe when the store has acknowledged it. In their middle the writer is killed, and another
 * one goes on; later (crash: a command) its server is killed and started again, and the writer tries what failed again. What was said
 * is there. */
static inline void thousand(const char *name, const mcpt_store *s, const mcpt_store *(*open)(void), const char *crash)
{
    uint32_t said = 0, next = 0, lost = 0;
    unsigned writer = 0, server = 0;
    for (; next < 1000 && writer < 3; writer++) {
        int fds[2];
        pid_t child;
        CHECK(pipe(fds) == 0);
        (void)fflush(stdout);
        child = fork();
        if (child == 0) {
            const mcpt_store *mine = open();
            char key[8];
            for (uint32_t n = next, tries = 0; mine != NULL && n < 1000 && tries < 2000;) {
                if (mine->write(mine->user, sc_name(key, n), sc_value(n, 300 + n % 700)) != MCPT_OK) {
                    tries += crash != NULL ? 1u : 2000u;
                    (void)usleep(10000);
                } else if (write(fds[1], &n, sizeof(n)) == (ssize_t)sizeof(n)) {
                    n++;
                }
                if (n == 700 && writer == 0) {
                    (void)pause();                          /* whoever is to kill it is slow today */
                }
            }
            _exit(0);
        }
        (void)close(fds[1]);
        while (read(fds[0], &said, sizeof(said)) == (ssize_t)sizeof(said)) {
            next = said + 1;
            if (next == 400 && writer == 0) {
                CHECK(kill(child, SIGKILL) == 0);
            } else if (next == 800 && crash != NULL) {
                CHECK(system(crash) == 0 && server++ == 0);
            }
        }
        (void)close(fds[0]);
        (void)waitpid(child, NULL, 0);
    }
    for (uint32_t n = 0; n < next; n++) {
        char key[8];
        lost += !sc_is(s, sc_name(key, n), sc_value(n, 300 + n % 700));
    }
    printf("%s: 1,000 writes, killed (SIGKILL): the writer %u times, its server %u times; %u acknowledged, %u lost\n", name, writer - 1, server, (unsigned)next,
           (unsigned)lost);
    CHECK(writer == 2 && server == (crash != NULL ? 1u : 0u) && next == 1000 && lost == 0);
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
