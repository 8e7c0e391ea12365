/* port/store_sqlite.h - mcpt_store in a table of an SQLite database
 *
 * Do this:
 *     static mcpt_store_sqlite db;
 *     static const mcpt_store_sqlite_config config = { .filename = "/var/lib/thing/store.db" };
 *     if (mcpt_store_sqlite_open(&db, &config) != MCPT_OK) { ... }
 *     ... &db.store ...
 *     mcpt_store_sqlite_close(&db);
 *
 * Table: key TEXT PRIMARY KEY, value BLOB, created_at and updated_at (Unix seconds); made where it is missing. created_at stays
 * when a record is replaced. Write-ahead log, synchronous FULL: what was acknowledged survives a power cut. swap is one
 * statement. Any number of processes and handles on one host; they wait for each other up to busy_ms.
 *
 * Needs: libsqlite3 3.24 or newer. Does not: encrypt the file (it is 0600, and erased bytes are overwritten in it).
 * E_STORE also: another process kept the database locked for busy_ms; the file is no database, or a broken one. E_FULL: the
 * disk is full. E_LIMIT: over SQLite's limit of 1 GB. One thread at a time for one handle.
 * RAM: sizeof(mcpt_store_sqlite) and what SQLite allocates (2 MB of cache at most). Longest call: busy_ms and an fsync().
 * Tested with: SQLite 3.40 (Debian 12), tests/stores/sqlite.c.
 */
#ifndef MCPT_PORT_STORE_SQLITE_H
#define MCPT_PORT_STORE_SQLITE_H
#include "mcptools.h"
#include <sqlite3.h>
#ifdef __cplusplus
extern "C" {
#endif

#define MCPT_STORE_SQLITE_KEY 64      /* the largest max_key */
typedef struct mcpt_store_sqlite_config {     /* text borrowed for the call of open */
    const char *filename;             /* made, 0600, where it is missing; ":memory:" for one that is gone at close */
    const char *table;                /* letters, digits and _, at most 63; NULL: "mcp_store" */
    int busy_ms;                      /* wait for other processes; 0: 5000 */
    size_t max_key;                   /* characters of a key; 0: MCPT_STORE_KEY */
    bool json;                        /* the table of the npm package @clerk/mcp-tools (port/store_seed): value TEXT, times as text.
                                         Values must be UTF-8 without NUL then */
} mcpt_store_sqlite_config;
typedef struct mcpt_store_sqlite {    /* store is yours, the rest private; do not copy or move after open */
    mcpt_store store;
    sqlite3 *db;
    sqlite3_stmt *statements[12];
    size_t max_key;
    bool json;
} mcpt_store_sqlite;

/* OK; E_ARG: no filename, a bad table name, max_key over MCPT_STORE_SQLITE_KEY; E_STORE: SQLite said no (a symbolic link
 * anywhere in the path is refused too). */
MCPT_NODISCARD mcpt_err mcpt_store_sqlite_open(mcpt_store_sqlite *s, const mcpt_store_sqlite_config *config);
void mcpt_store_sqlite_close(mcpt_store_sqlite *s);   /* calls of the store answer E_STATE then */

/* Beyond the interface; errors: E_ARG a bad key, E_STATE closed, E_STORE, E_FULL as above. */
MCPT_NODISCARD mcpt_err mcpt_store_sqlite_exists(mcpt_store_sqlite *s, const char *key, bool *there);
/* Erases every record that was last written more than `seconds` ago; *count, may be NULL: how many. */
MCPT_NODISCARD mcpt_err mcpt_store_sqlite_cleanup(mcpt_store_sqlite *s, int64_t seconds, size_t *count);
typedef struct mcpt_store_sqlite_info { size_t records; uint64_t bytes, file; } mcpt_store_sqlite_info;   /* bytes: of values; of the file */
MCPT_NODISCARD mcpt_err mcpt_store_sqlite_stats(mcpt_store_sqlite *s, mcpt_store_sqlite_info *info);

#ifdef __cplusplus
}
#endif
#endif
