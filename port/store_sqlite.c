/* port/store_sqlite.c - see store_sqlite.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* O_CLOEXEC */
#endif
#include "store_sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ?1 key, ?2 value, ?3 time, ?4 old value; the first %s is the table, others are the time */
enum { READ, WRITE, ERASE, FIRST, NEXT, CREATE_ONLY, REPLACE, ERASE_IF, EXISTS, CLEANUP, STATS, STATEMENTS };
static const char *const texts[STATEMENTS] = {
    "SELECT value FROM \"%s\" WHERE key=?1",
    "INSERT INTO \"%s\" VALUES(?1,?2,%s,%s) ON CONFLICT(key) DO UPDATE SET value=excluded.value,updated_at=excluded.updated_at",
    "DELETE FROM \"%s\" WHERE key=?1",
    "SELECT key FROM \"%s\" WHERE key>=?1 ORDER BY key LIMIT 1",
    "SELECT key FROM \"%s\" WHERE key>?1 ORDER BY key LIMIT 1",
    "INSERT INTO \"%s\" VALUES(?1,?2,%s,%s) ON CONFLICT(key) DO NOTHING",
    "UPDATE \"%s\" SET value=?2,updated_at=%s WHERE key=?1 AND value=?4",
    "DELETE FROM \"%s\" WHERE key=?1 AND value=?4",
    "SELECT 1 FROM \"%s\" WHERE key=?1",
    "DELETE FROM \"%s\" WHERE updated_at<%s",
    "SELECT count(*),coalesce(sum(length(value)),0) FROM \"%s\""
};
static const char schema[] = "CREATE TABLE IF NOT EXISTS \"%s\"(key TEXT PRIMARY KEY NOT NULL,value BLOB NOT NULL,"
                             "created_at INTEGER NOT NULL,updated_at INTEGER NOT NULL) WITHOUT ROWID";
static const char schema_json[] = "CREATE TABLE IF NOT EXISTS \"%s\"(key TEXT PRIMARY KEY,value TEXT NOT NULL,"
                                  "created_at DATETIME DEFAULT CURRENT_TIMESTAMP,updated_at DATETIME DEFAULT CURRENT_TIMESTAMP)";

static mcpt_err check(const mcpt_store_sqlite *s, const char *key)
{
    return s->db == NULL ? MCPT_E_STATE : mcpt_store_key_ok(key, s->max_key) ? MCPT_OK : MCPT_E_ARG;
}

static mcpt_err error_of(int result)
{
    return result == SQLITE_FULL ? MCPT_E_FULL : result == SQLITE_TOOBIG ? MCPT_E_LIMIT : MCPT_E_STORE;
}

static bool bind(const mcpt_store_sqlite *s, sqlite3_stmt *q, int at, mcpt_str value, int *result)
{
    if (value.ptr != NULL && at <= sqlite3_bind_parameter_count(q)) {
        *result = s->json ? sqlite3_bind_text64(q, at, value.ptr, (sqlite3_uint64)value.len, SQLITE_STATIC, SQLITE_UTF8)
                : value.len == 0 ? sqlite3_bind_zeroblob(q, at, 0)
                : sqlite3_bind_blob64(q, at, value.ptr, (sqlite3_uint64)value.len, SQLITE_STATIC);
    }
    return *result == SQLITE_OK;
}

/* Binds what there is and makes the first step; finish() must follow. SQLITE_ROW, SQLITE_DONE or an error. */
static int start(mcpt_store_sqlite *s, int which, const char *key, mcpt_str value, mcpt_str old, int64_t when)
{
    sqlite3_stmt *q = s->statements[which];
    int result = SQLITE_OK;

    if (key != NULL) {
        result = sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
    }
    if (result == SQLITE_OK && bind(s, q, 2, value, &result) && bind(s, q, 4, old, &result)) {
        if (sqlite3_bind_parameter_count(q) >= 3) {
            result = sqlite3_bind_int64(q, 3, when);
        }
        result = result == SQLITE_OK ? sqlite3_step(q) : result;
    }
    return result;
}

static void finish(mcpt_store_sqlite *s, int which)
{
    (void)sqlite3_reset(s->statements[which]);
    (void)sqlite3_clear_bindings(s->statements[which]);     /* they point to memory of the caller */
}

static const mcpt_str none = { NULL, 0 };

/* A statement that changes; *rows: how many. */
static mcpt_err change(mcpt_store_sqlite *s, int which, const char *key, mcpt_str value, mcpt_str old, int64_t when, int *rows)
{
    int result = start(s, which, key, value, old, when);

    *rows = result == SQLITE_DONE ? sqlite3_changes(s->db) : 0;
    finish(s, which);
    return result == SQLITE_DONE ? MCPT_OK : error_of(result);
}

static mcpt_err sqlite_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    mcpt_store_sqlite *s = (mcpt_store_sqlite *)user;
    mcpt_err e = check(s, key);
    int result;

    *len = 0;
    if (e != MCPT_OK) {
        return e;
    }
    result = start(s, READ, key, none, none, 0);
    if (result == SQLITE_ROW) {
        const void *value = sqlite3_column_blob(s->statements[READ], 0);
        size_t n = (size_t)sqlite3_column_bytes(s->statements[READ], 0);

        e = n > cap ? MCPT_E_SPACE : n != 0 && value == NULL ? MCPT_E_STORE : MCPT_OK;
        *len = e != MCPT_E_STORE ? n : 0;
        if (e == MCPT_OK && n != 0) {
            memcpy(buf, value, n);
        }
    } else {
        e = result == SQLITE_DONE ? MCPT_E_ABSENT : error_of(result);
    }
    finish(s, READ);
    return e;
}

static mcpt_err sqlite_write(void *user, const char *key, mcpt_str value)
{
    mcpt_store_sqlite *s = (mcpt_store_sqlite *)user;
    mcpt_err e = value.ptr == NULL ? MCPT_E_ARG : check(s, key);
    int rows;

    return e != MCPT_OK ? e : change(s, WRITE, key, value, none, (int64_t)time(NULL), &rows);
}

static mcpt_err sqlite_erase(void *user, const char *key)
{
    mcpt_store_sqlite *s = (mcpt_store_sqlite *)user;
    mcpt_err e = check(s, key);
    int rows;

    return e != MCPT_OK ? e : change(s, ERASE, key, none, none, 0, &rows);
}

static mcpt_err sqlite_list(void *user, const char *prefix, bool (*each)(void *each_user, const char *key), void *each_user)
{
    mcpt_store_sqlite *s = (mcpt_store_sqlite *)user;
    char key[MCPT_STORE_SQLITE_KEY + 1];
    size_t n = prefix != NULL ? strlen(prefix) : 0;
    int which = FIRST;

    if (s->db == NULL) {
        return MCPT_E_STATE;
    }
    if (prefix == NULL || (n != 0 && !mcpt_store_key_ok(prefix, s->max_key))) {
        return MCPT_E_ARG;
    }
    memcpy(key, prefix, n + 1);
    for (;;) {                                              /* each row by a query of its own: each() may change the table */
        int result = start(s, which, key, none, none, 0);
        bool good = false, more = false;

        if (result == SQLITE_ROW) {
            const char *found = (const char *)sqlite3_column_text(s->statements[which], 0);

            more = found != NULL && strncmp(found, prefix, n) == 0 && strlen(found) < sizeof(key);
            if (more) {
                memcpy(key, found, strlen(found) + 1);
                good = mcpt_store_key_ok(key, s->max_key);
            }
        }
        finish(s, which);
        if (!more) {
            return result == SQLITE_ROW || result == SQLITE_DONE ? MCPT_OK : error_of(result);
        }
        if (good && !each(each_user, key)) {
            return MCPT_OK;
        }
        if (s->db == NULL) {
            return MCPT_E_STATE;
        }
        which = NEXT;
    }
}

static mcpt_err sqlite_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    mcpt_store_sqlite *s = (mcpt_store_sqlite *)user;
    mcpt_err e = check(s, key);
    int rows, result;

    if (e != MCPT_OK) {
        return e;
    }
    if (old.ptr == NULL && value.ptr == NULL) {
        result = start(s, EXISTS, key, none, none, 0);
        finish(s, EXISTS);
        return result == SQLITE_DONE ? MCPT_OK : result == SQLITE_ROW ? MCPT_E_CONFLICT : error_of(result);
    }
    e = change(s, old.ptr == NULL ? CREATE_ONLY : value.ptr == NULL ? ERASE_IF : REPLACE, key, value, old, (int64_t)time(NULL), &rows);
    return e == MCPT_OK && rows == 0 ? MCPT_E_CONFLICT : e;
}

/* The schema and the statements for a table. */
static mcpt_err prepare(mcpt_store_sqlite *s, const char *table)
{
    const char *now = s->json ? "datetime(?3,'unixepoch')" : "?3";
    char text[320];
    int result;

    (void)snprintf(text, sizeof(text), s->json ? schema_json : schema, table);
    result = sqlite3_exec(s->db, text, NULL, NULL, NULL);
    for (int i = 0; i < STATEMENTS && result == SQLITE_OK; i++) {
        (void)snprintf(text, sizeof(text), texts[i], table, now, now);
        result = sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i], NULL);
    }
    return result == SQLITE_OK ? MCPT_OK : error_of(result);
}

/* The change to a write-ahead log is the one step that SQLite does not wait with. */
static int set_up(sqlite3 *db, int busy_ms)
{
    int result, waited = 0;

    while ((result = sqlite3_exec(db, "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA secure_delete=ON", NULL, NULL, NULL)) == SQLITE_BUSY &&
           waited < busy_ms) {
        (void)sqlite3_sleep(10);
        waited += 10;
    }
    (void)sqlite3_busy_timeout(db, busy_ms);                /* from now on it waits by itself */
    return result;
}

static bool table_ok(const char *table)
{
    return mcpt_store_key_ok(table, 63) && strchr(table, '-') == NULL;
}

mcpt_err mcpt_store_sqlite_open(mcpt_store_sqlite *s, const mcpt_store_sqlite_config *config)
{
    static const mcpt_store calls = { sqlite_read, sqlite_write, sqlite_erase, sqlite_list, sqlite_swap, NULL };
    const char *table = config->table != NULL ? config->table : "mcp_store";
    mcpt_err e;
    int result;

    memset(s, 0, sizeof(*s));
    s->store = calls;
    s->store.user = s;
    s->json = config->json;
    s->max_key = config->max_key != 0 ? config->max_key : MCPT_STORE_KEY;
    if (config->filename == NULL || config->filename[0] == '\0' || !table_ok(table) || s->max_key > MCPT_STORE_SQLITE_KEY) {
        return MCPT_E_ARG;
    }
    if (strcmp(config->filename, ":memory:") != 0) {        /* SQLite would make it readable for others */
        int fd = open(config->filename, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd >= 0) {
            (void)close(fd);
        } else if (errno != EEXIST) {                       /* one that is there is not touched: closing it would end the locks of other handles */
            return MCPT_E_STORE;
        }
    }
    result = sqlite3_open_v2(config->filename, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, NULL);
    if (result == SQLITE_OK) {
        result = set_up(s->db, config->busy_ms != 0 ? config->busy_ms : 5000);
    }
    e = result == SQLITE_OK ? prepare(s, table) : error_of(result);
    if (e != MCPT_OK) {
        mcpt_store_sqlite_close(s);
    }
    return e;
}

void mcpt_store_sqlite_close(mcpt_store_sqlite *s)
{
    for (int i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(s->statements[i]);
        s->statements[i] = NULL;
    }
    (void)sqlite3_close(s->db);
    s->db = NULL;
}

mcpt_err mcpt_store_sqlite_exists(mcpt_store_sqlite *s, const char *key, bool *there)
{
    mcpt_err e = check(s, key);
    int result;

    *there = false;
    if (e != MCPT_OK) {
        return e;
    }
    result = start(s, EXISTS, key, none, none, 0);
    finish(s, EXISTS);
    *there = result == SQLITE_ROW;
    return result == SQLITE_ROW || result == SQLITE_DONE ? MCPT_OK : error_of(result);
}

mcpt_err mcpt_store_sqlite_cleanup(mcpt_store_sqlite *s, int64_t seconds, size_t *count)
{
    mcpt_err e = s->db != NULL ? MCPT_OK : MCPT_E_STATE;
    int rows = 0;

    if (e == MCPT_OK) {
        e = change(s, CLEANUP, NULL, none, none, (int64_t)time(NULL) - seconds, &rows);
    }
    if (count != NULL) {
        *count = (size_t)rows;
    }
    return e;
}

mcpt_err mcpt_store_sqlite_stats(mcpt_store_sqlite *s, mcpt_store_sqlite_info *info)
{
    sqlite3_stmt *q = NULL;
    int result;

    memset(info, 0, sizeof(*info));
    if (s->db == NULL) {
        return MCPT_E_STATE;
    }
    result = start(s, STATS, NULL, none, none, 0);
    if (result == SQLITE_ROW) {
        info->records = (size_t)sqlite3_column_int64(s->statements[STATS], 0);
        info->bytes = (uint64_t)sqlite3_column_int64(s->statements[STATS], 1);
    }
    finish(s, STATS);
    if (result == SQLITE_ROW) {
        result = sqlite3_prepare_v2(s->db, "SELECT page_count*page_size FROM pragma_page_count(),pragma_page_size()", -1, &q, NULL);
        result = result == SQLITE_OK ? sqlite3_step(q) : result;
        info->file = result == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
        (void)sqlite3_finalize(q);
    }
    return result == SQLITE_ROW ? MCPT_OK : error_of(result);
}
