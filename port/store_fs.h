/* port/store_fs.h - mcpt_store in a directory: one file a record, safe against power loss and between processes
 *
 * Do this:
 *     static mcpt_store_fs fs;
 *     if (mcpt_store_fs_open(&fs, "/var/lib/thing/store", 0) != MCPT_OK) { ... }
 *     ... &fs.store ...
 *     mcpt_store_fs_close(&fs);
 *
 * A record is the file KEY, its bytes are the value, nothing else. A write goes into a new file, which is synced and renamed
 * over the old one; then the directory is synced. Writers take turns by a lock (flock on ".lock"), readers need none. Files are
 * 0600 in a directory 0700 that must belong to you; symbolic links are never followed. Any number of processes and handles.
 *
 * Needs: POSIX.1-2008 with flock(); a local file system that knows upper and lower case.
 * Does not: encrypt; check values for rot (the file system's and the seal's task). Answers E_LIMIT where the system limits the
 * length of a file, E_FULL where the disk or the quota is full. One thread at a time for one handle.
 * RAM: sizeof(mcpt_store_fs); list takes 8 KB of stack and what opendir() allocates. Longest call: what fsync() takes, twice.
 * Tested with: Debian 12 (ext4, tmpfs); kill -9 while writing, tests/unit/test_store_fs.c.
 */
#ifndef MCPT_PORT_STORE_FS_H
#define MCPT_PORT_STORE_FS_H
#include "mcptools.h"
#ifdef __cplusplus
extern "C" {
#endif

#define MCPT_STORE_FS_KEY 64          /* the largest max_key */
typedef struct mcpt_store_fs {        /* store is yours, the rest private; do not copy or move after open */
    mcpt_store store;
    size_t max_key;
    int dir, lock;
} mcpt_store_fs;

/* Opens the directory, makes it where it is missing (its parent must be there). path borrowed for the call; max_key: characters
 * of a key, 0 for MCPT_STORE_KEY. OK; E_ARG: max_key over MCPT_STORE_FS_KEY; E_STATE: the directory is not yours, or others
 * may enter it, or path or its lock is a symbolic link; E_STORE: the system said no. */
MCPT_NODISCARD mcpt_err mcpt_store_fs_open(mcpt_store_fs *s, const char *path, size_t max_key);
void mcpt_store_fs_close(mcpt_store_fs *s);   /* nothing is lost by not calling it; calls of the store answer E_STATE then */

/* Beyond the interface. E_ARG: a bad key; E_STORE, E_STATE as above. */
MCPT_NODISCARD mcpt_err mcpt_store_fs_exists(mcpt_store_fs *s, const char *key, bool *there);
/* Erases every record that was last written more than `seconds` ago (by the system's clock); *count, may be NULL: how many. */
MCPT_NODISCARD mcpt_err mcpt_store_fs_cleanup(mcpt_store_fs *s, int64_t seconds, size_t *count);
typedef struct mcpt_store_fs_info { size_t records; uint64_t bytes; } mcpt_store_fs_info;     /* bytes: of values */
MCPT_NODISCARD mcpt_err mcpt_store_fs_stats(mcpt_store_fs *s, mcpt_store_fs_info *info);

#ifdef __cplusplus
}
#endif
#endif
