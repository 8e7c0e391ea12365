/* port/store_postgres.h - mcpt_store in a table of a PostgreSQL database, for processes that share records
 *
 * Do this:
 *     static mcpt_store_postgres pg;
 *     static const mcpt_store_postgres_config config = { .connection = "postgresql://thing@db.example/thing?sslmode=verify-full" };
 *     if (mcpt_store_postgres_open(&pg, &config) != MCPT_OK) { ... }
 *     ... &pg.store ...
 *     mcpt_store_postgres_close(&pg);
 *
 * Table: key TEXT COLLATE "C" PRIMARY KEY, value BYTEA, created_at and updated_at TIMESTAMPTZ; made where it is missing (a
 * role that may not create tables finds it made by you). created_at stays when a record is replaced. swap is one statement.
 * TLS, certificates, passwords, several hosts: libpq's connection string. A connection that broke is made anew by the next
 * call; reads, writes and erases are then sent again, a swap only when the record still is the old one.
 *
 * Needs: libpq 10 and a server 9.5 or newer. Does not: use transactions over several calls, or a pool.
 * E_STORE: no connection within timeout_s, the server refuses, a statement takes longer than timeout_s, no answer a second after
 * that (it may still be carried out then), a lock or serialization failed. E_FULL: the server's disk is full. E_LIMIT: over 512 MB. One thread at a time for one handle; no fork between.
 * RAM: sizeof(mcpt_store_postgres) and what libpq allocates: statement and result.
 * Tested with: libpq and PostgreSQL 15 (Debian 12), tests/stores/postgres.c.
 */
#ifndef MCPT_PORT_STORE_POSTGRES_H
#define MCPT_PORT_STORE_POSTGRES_H
#include "mcptools.h"
#ifdef __cplusplus
extern "C" {
#endif

#define MCPT_STORE_POSTGRES_KEY 64    /* the largest max_key */
typedef struct mcpt_store_postgres_config {   /* text borrowed until close */
    const char *connection;           /* libpq's: "host=... dbname=..." or postgresql://...; NULL: from PGHOST and its like */
    const char *table;                /* [schema.]name of letters, digits and _, each at most 63; NULL: "mcp_store" */
    int timeout_s;                    /* 0: 5; to connect to one host, and for one statement */
    size_t max_key;                   /* characters of a key; 0: MCPT_STORE_KEY */
    bool json;                        /* the table of the npm package @clerk/mcp-tools (port/store_seed): value JSONB. Values must be
                                         JSON then, and are read in PostgreSQL's spelling; a swap whose connection broke is not repeated */
} mcpt_store_postgres_config;
typedef struct mcpt_store_postgres {  /* store is yours, the rest private; do not copy or move after open */
    mcpt_store store;
    mcpt_store_postgres_config config;
    struct pg_conn *connection;       /* NULL: not connected */
    char table[140];                  /* quoted */
    bool opened, late;                /* late: the last statement was given up without an answer */
} mcpt_store_postgres;

/* Connects, makes the table where it is missing. OK; E_ARG: a bad table name, max_key over MCPT_STORE_POSTGRES_KEY; E_STORE:
 * as above. */
MCPT_NODISCARD mcpt_err mcpt_store_postgres_open(mcpt_store_postgres *s, const mcpt_store_postgres_config *config);
void mcpt_store_postgres_close(mcpt_store_postgres *s);   /* calls of the store answer E_STATE then */

/* Beyond the interface; errors: E_ARG a bad key, E_STATE closed, E_STORE. */
MCPT_NODISCARD mcpt_err mcpt_store_postgres_exists(mcpt_store_postgres *s, const char *key, bool *there);
/* Erases every record that was last written more than `seconds` ago (by the server's clock); *count, may be NULL: how many. */
MCPT_NODISCARD mcpt_err mcpt_store_postgres_cleanup(mcpt_store_postgres *s, int64_t seconds, size_t *count);
typedef struct mcpt_store_postgres_info { size_t records; uint64_t bytes, table; } mcpt_store_postgres_info;    /* bytes: of values; of the table with its index */
MCPT_NODISCARD mcpt_err mcpt_store_postgres_stats(mcpt_store_postgres *s, mcpt_store_postgres_info *info);

#ifdef __cplusplus
}
#endif
#endif
