/* mcpt_store.h: a store by its name: sqlite:FILE, redis://..., postgresql://... (or redis:URL, postgres:URL); anything else is a
 * directory. Part of example 08. */
#ifndef MCPT_STORE_H
#define MCPT_STORE_H
#include "../port/store_fs.h"
#include "../port/store_postgres.h"
#include "../port/store_redis.h"
#include "../port/store_sqlite.h"
#include <string.h>

typedef struct any_store {
    mcpt_store_fs fs;
    mcpt_store_sqlite sqlite;
    mcpt_store_redis redis;
    mcpt_store_postgres postgres;
} any_store;

/* What follows one of the names and a colon, with the name itself when that is a URL; NULL: it is none of them. */
static const char *store_rest(const char *name, const char *const *schemes)
{
    for (; *schemes != NULL; schemes++) {
        size_t n = strlen(*schemes);

        if (strncmp(name, *schemes, n) == 0 && name[n] == ':') {
            return name[n + 1] == '/' && name[n + 2] == '/' ? name : name + n + 1;
        }
    }
    return NULL;
}

/* max_key: characters of a key, 0 for 15; json: tables of @clerk/mcp-tools; tls: for rediss://, or NULL. NULL: it cannot be opened. */
static const mcpt_store *store_by_name(any_store *s, const char *name, size_t max_key, bool json, mcpt_tls *tls)
{
    static const char *const sqlite[] = { "sqlite", NULL }, *const redis[] = { "redis", "rediss", NULL }, *const postgres[] = { "postgres", "postgresql", NULL };
    mcpt_store_sqlite_config file = { 0 };
    mcpt_store_redis_config server = { 0 };
    mcpt_store_postgres_config database = { 0 };
    const char *rest;

    file.max_key = server.max_key = database.max_key = max_key;
    file.json = database.json = json;
    if ((rest = store_rest(name, sqlite)) != NULL) {
        file.filename = rest;
        return mcpt_store_sqlite_open(&s->sqlite, &file) == MCPT_OK ? &s->sqlite.store : NULL;
    }
    if ((rest = store_rest(name, redis)) != NULL) {
        server.url = rest;
        server.tls = strncmp(rest, "rediss:", 7) == 0 ? tls : NULL;
        return mcpt_store_redis_open(&s->redis, &server) == MCPT_OK ? &s->redis.store : NULL;
    }
    if ((rest = store_rest(name, postgres)) != NULL) {
        database.connection = rest;
        return mcpt_store_postgres_open(&s->postgres, &database) == MCPT_OK ? &s->postgres.store : NULL;
    }
    return mcpt_store_fs_open(&s->fs, name, max_key) == MCPT_OK ? &s->fs.store : NULL;
}
#endif
