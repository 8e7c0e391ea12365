/* stores NAME [OPERATIONS]: how many records of 700 bytes a store writes, reads and swaps in a second, with 10, 1,000 and 10,000
 * keys in it. One row of a Markdown table for each kind of operation. Servers: tests/stores/server.sh. */
/* cflags: -isystem /usr/include/postgresql */
/* libs: -lsqlite3 -lhiredis -lpq */
#define _GNU_SOURCE
#include "mcptools.h"
#include "../../port/store_fs.h"
#include "../../port/store_postgres.h"
#include "../../port/store_ram.h"
#include "../../port/store_redis.h"
#include "../../port/store_sqlite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { VALUE = 700, KEYS = 10000 };
static mcpt_store_ram ram;
static mcpt_store_fs fs;
static mcpt_store_sqlite sqlite;
static mcpt_store_redis redis;
static mcpt_store_postgres postgres;
static char dir[64], path[96];
static uint32_t seed = 1;
static uint32_t versions[KEYS];
static char buf[VALUE], was[VALUE];

static uint32_t chance(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % n;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const mcpt_store *open_store(const char *name)
{
    mcpt_err e = MCPT_E_ARG;
    const mcpt_store *s = NULL;
    char text[256];
    const char *port = getenv("STORE_PORT"), *password = getenv("STORE_PASSWORD");
    if (strcmp(name, "ram") == 0) {
        e = mcpt_store_ram_init(&ram, malloc(9u << 20), 9u << 20, 0);
        s = &ram.store;
    } else if (strcmp(name, "fs") == 0) {
        e = mcpt_store_fs_open(&fs, path, 0);
        s = &fs.store;
    } else if (strcmp(name, "sqlite") == 0) {
        mcpt_store_sqlite_config config;
        memset(&config, 0, sizeof(config));
        config.filename = path;
        e = mcpt_store_sqlite_open(&sqlite, &config);
        s = &sqlite.store;
    } else if (strcmp(name, "redis") == 0 && port != NULL && password != NULL) {
        mcpt_store_redis_config config;
        memset(&config, 0, sizeof(config));
        (void)snprintf(text, sizeof(text), "redis://:%s@127.0.0.1:%s/0", password, port);
        config.url = text;
        e = mcpt_store_redis_open(&redis, &config);
        s = &redis.store;
    } else if (strcmp(name, "postgres") == 0 && port != NULL && password != NULL) {
        mcpt_store_postgres_config config;
        memset(&config, 0, sizeof(config));
        (void)snprintf(text, sizeof(text), "host=127.0.0.1 port=%s user=tester dbname=postgres password=%s", port, password);
        config.connection = text;
        e = mcpt_store_postgres_open(&postgres, &config);
        s = &postgres.store;
    }
    if (e != MCPT_OK) {
        (void)fprintf(stderr, "%s: %s\n", name, mcpt_strerror(e));
        exit(1);
    }
    return s;
}

static mcpt_str fill(char *to, uint32_t key, uint32_t version)
{
    mcpt_str s;
    memset(to, (int)('a' + version % 26), VALUE);
    (void)memcpy(to, &key, sizeof(key));
    (void)memcpy(to + 4, &version, sizeof(version));
    s.ptr = to;
    s.len = VALUE;
    return s;
}

static bool once(const mcpt_store *s, char kind, uint32_t k)
{
    char key[16];
    size_t len;
    (void)snprintf(key, sizeof(key), "session-%u", (unsigned)k);
    if (kind == 'r') {
        return s->read(s->user, key, buf, sizeof(buf), &len) == MCPT_OK && memcmp(buf, fill(was, k, versions[k]).ptr, VALUE) == 0;
    }
    if (kind == 'w') {
        return s->write(s->user, key, fill(buf, k, ++versions[k])) == MCPT_OK;
    }
    (void)fill(was, k, versions[k]);
    (void)fill(buf, k, ++versions[k]);
    {
        mcpt_str old = { was, VALUE }, value = { buf, VALUE };
        return s->swap(s->user, key, old, value) == MCPT_OK;
    }
}

int main(int argc, char **argv)
{
    static const struct { char kind; const char *name; } kinds[] = { { 'w', "write" }, { 'r', "read" }, { 's', "swap" } };
    static const uint32_t sizes[] = { 10, 1000, KEYS };
    unsigned operations = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2000;
    double rate[3][3];
    uint32_t there = 0;
    const char *tmp = getenv("TMPDIR");
    const mcpt_store *s;
    if (getenv("STORE_OPERATIONS") != NULL) {
        operations = (unsigned)strtoul(getenv("STORE_OPERATIONS"), NULL, 10);
    }
    (void)snprintf(dir, sizeof(dir), "%.40s/mcpt-bench-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (argc < 2 || operations == 0 || mkdtemp(dir) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/store", dir);
    operations *= strcmp(argv[1], "ram") == 0 ? 50 : 1;
    s = open_store(argv[1]);
    for (size_t size = 0; size < 3; size++) {
        for (; there < sizes[size]; there++) {
            if (!once(s, 'w', there)) {
                return 1;
            }
        }
        for (size_t kind = 0; kind < 9; kind++) {           /* each three times, the best counts: a machine does other things, too */
            double begin = now(), best;
            for (unsigned i = 0; i < operations; i++) {
                if (!once(s, kinds[kind % 3].kind, chance(there))) {
                    (void)fprintf(stderr, "%s failed\n", kinds[kind % 3].name);
                    return 1;
                }
            }
            best = operations / (now() - begin);
            rate[kind % 3][size] = kind < 3 || best > rate[kind % 3][size] ? best : rate[kind % 3][size];
        }
    }
    for (size_t kind = 0; kind < 3; kind++) {
        printf("| `store_%s` | %s | %.0f | %.0f | %.0f |\n", argv[1], kinds[kind].name, rate[kind][0], rate[kind][1], rate[kind][2]);
    }
    (void)snprintf(path, sizeof(path), "rm -rf '%s'", dir);
    return system(path) != 0;
}
