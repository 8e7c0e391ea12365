/* port/store_seed_file.h - mcpt_store in the one file that the fs store of the npm package @clerk/mcp-tools 0.6 keeps
 *
 * Do this:
 *     static mcpt_store_seed_file file; static char mem[1 << 20]; static mcpt_tok tok[16384];
 *     if (mcpt_store_seed_file_open(&file, "/tmp/__mcp_demo", mem, sizeof mem, tok, 16384) != MCPT_OK) { ... }
 *     ... .records = &file.store in mcpt_store_seed_config ...
 *
 * The file is an object: {"KEY":{"value":JSON,"created_at":TIME,"updated_at":TIME}}; values are JSON, keys up to 64 characters. For
 * exchange with that package only (port/store_fs is the store for a directory): each call reads the whole file, each change writes all
 * of it. Ours write a new file, sync and rename it, and take turns by flock on FILE.lock; the package does neither, so what it
 * writes at the same moment may be lost, or may lose what ours wrote. A file that is no such object is an error, and is left alone.
 *
 * Needs: POSIX.1-2008 with flock(). RAM: mem holds the file twice, tok its keys and values (about 12 for a session, 6 for the rest).
 * E_FULL: mem or tok is too small for the file. E_ARG also: a value that is no JSON. E_STORE: the system said no, or the file is broken.
 * Tested with: @clerk/mcp-tools 0.6.0, tests/interop/seed.mjs.
 */
#ifndef MCPT_PORT_STORE_SEED_FILE_H
#define MCPT_PORT_STORE_SEED_FILE_H
#include "mcptools.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_store_seed_file { /* store is yours, the rest private; do not copy or move after open */
    mcpt_store store;
    char path[256], other[264];
    char *text, *room;                /* halves of mem */
    size_t half;
    mcpt_tok *tok;
    size_t ntok;
    mcpt_doc doc;
    int lock;
} mcpt_store_seed_file;

/* path copied, mem and tok borrowed. The file is made, 0600, by the first write. E_ARG: a path over 250 bytes, no memory. */
MCPT_NODISCARD mcpt_err mcpt_store_seed_file_open(mcpt_store_seed_file *s, const char *path, void *mem, size_t size, mcpt_tok *tok, size_t ntok);

#ifdef __cplusplus
}
#endif
#endif
