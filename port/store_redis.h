/* port/store_redis.h - mcpt_store in Redis (and servers that speak its protocol), for processes that share records
 *
 * Do this:
 *     static mcpt_store_redis redis;
 *     static const mcpt_store_redis_config config = { .url = "redis://:secret@localhost:6379/0", .prefix = "thing:" };
 *     if (mcpt_store_redis_open(&redis, &config) != MCPT_OK) { ... }
 *     ... &redis.store ...
 *     mcpt_store_redis_close(&redis);
 *
 * A record is the Redis string PREFIX KEY, its bytes are the value. swap is one Lua script. A connection that broke is made
 * anew by the next call; reads, writes and erases are then sent again, a swap only when the record still is the old one.
 * Whether a write survives a power cut is the server's setting: "appendonly yes", "appendfsync always". A server that may
 * evict keys (maxmemory-policy other than noeviction) is no store.
 *
 * Needs: libhiredis 0.14 or newer (its protocol code; the socket is this file's), port/tls.c, a server from 2.6 on.
 * Does not: know clusters or sentinels. E_STORE: no connection within timeout_ms, the server refuses (wrong password, loading,
 * read-only replica). E_FULL: over maxmemory. E_LIMIT: over 512 MB. One thread at a time for one handle; no fork between.
 * RAM: sizeof(mcpt_store_redis) and what hiredis allocates: command and reply; list takes 8 KB of stack. list looks
 * through all keys of the database once for every 120 it finds: a database of its own is a good idea.
 * Tested with: hiredis 0.14 and redis-server 7.0 (Debian 12), tests/stores/redis.c.
 */
#ifndef MCPT_PORT_STORE_REDIS_H
#define MCPT_PORT_STORE_REDIS_H
#include "mcptools.h"
#include "tls.h"
#ifdef __cplusplus
extern "C" {
#endif

#define MCPT_STORE_REDIS_KEY 64       /* the largest max_key */
typedef struct mcpt_store_redis_config {      /* text borrowed until close */
    const char *url;                  /* redis://[[user]:password@]host[:port][/database], percent-coded; rediss:// needs tls; or NULL: */
    const char *host;                 /* NULL: "localhost" */
    uint16_t port;                    /* 0: 6379 */
    const char *username, *password;  /* NULL: none */
    unsigned database;
    const char *prefix;               /* NULL: "mcp:" */
    uint32_t ttl_s;                   /* seconds after which a record is gone, counted from its last write; 0: never */
    int timeout_ms;                   /* 0: 5000; for one command, a new connection included; list and what builds on it send several */
    size_t max_key;                   /* characters of a key without prefix; 0: MCPT_STORE_KEY */
    mcpt_tls *tls;                    /* a client of port/tls_mbedtls or port/tls_bearssl: TLS, always verified (not with
                                         redis://); NULL: none. Lives until close */
} mcpt_store_redis_config;
typedef struct mcpt_store_redis {     /* store is yours, the rest private; do not copy or move after open */
    mcpt_store store;
    mcpt_store_redis_config config;
    char text[512];                   /* of the URL, decoded */
    struct redisReader *reader;       /* NULL: not connected */
    mcpt_tls_conn *link;              /* with TLS, and the machine behind it */
    mcpt_io app;
    char in[1024];
    int64_t until;                    /* when the call must be done */
    int fd;
    bool opened;
} mcpt_store_redis;

/* Connects and logs in. OK; E_ARG: a bad URL, rediss:// without tls, a prefix over 64 bytes, max_key over
 * MCPT_STORE_REDIS_KEY; E_STORE: as above. */
MCPT_NODISCARD mcpt_err mcpt_store_redis_open(mcpt_store_redis *s, const mcpt_store_redis_config *config);
void mcpt_store_redis_close(mcpt_store_redis *s);     /* calls of the store answer E_STATE then */

/* Beyond the interface; errors: E_ARG a bad key, E_STATE closed, E_STORE. */
MCPT_NODISCARD mcpt_err mcpt_store_redis_exists(mcpt_store_redis *s, const char *key, bool *there);
/* Erases every record that was not read or written for more than `seconds` (OBJECT IDLETIME; E_STORE with an LFU policy);
 * *count, may be NULL: how many. A record that somebody uses in that moment may go too. */
MCPT_NODISCARD mcpt_err mcpt_store_redis_cleanup(mcpt_store_redis *s, int64_t seconds, size_t *count);
typedef struct mcpt_store_redis_info { size_t records; uint64_t bytes, memory; } mcpt_store_redis_info;  /* bytes: of values; memory: of the server */
MCPT_NODISCARD mcpt_err mcpt_store_redis_stats(mcpt_store_redis *s, mcpt_store_redis_info *info);

#ifdef __cplusplus
}
#endif
#endif
