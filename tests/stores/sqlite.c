/* port/store_sqlite: the contract, other processes, tables, permissions, broken and locked files, a full disk. */
/* libs: -lsqlite3 */
#define _GNU_SOURCE
#include "mcptools.h"
#include "../../port/store_sqlite.h"
#include "stores.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

static char root[64], path[96];
static mcpt_store_sqlite db, two, third;

static mcpt_err try_open(mcpt_store_sqlite *s, const char *filename, const char *table, int busy_ms)
{
    mcpt_store_sqlite_config config;
    memset(&config, 0, sizeof(config));
    config.filename = filename;
    config.table = table;
    config.busy_ms = busy_ms;
    config.max_key = 64;
    return mcpt_store_sqlite_open(s, &config);
}

static void reopen(void)
{
    mcpt_store_sqlite_close(&db);
    mcpt_store_sqlite_close(&two);
    CHECK(try_open(&db, path, NULL, 0) == MCPT_OK && try_open(&two, path, NULL, 0) == MCPT_OK);
}

static const mcpt_store *open_third(void)
{
    return try_open(&third, path, NULL, 0) == MCPT_OK ? &third.store : NULL;
}

static void query(mcpt_store_sqlite *s, const char *text)
{
    CHECK(sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK);
}

static void files(void)
{
    const mcpt_store *s = &db.store;
    static const char *const bad[] = { "", "a b", "a\"b", "a;b", "a-b", "\xc3\xa4", "1234567890123456789012345678901234567890123456789012345678901234" };
    char file[128], wal[128];
    struct stat st;
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    (void)snprintf(wal, sizeof(wal), "%s-wal", path);
    CHECK(stat(wal, &st) == 0 && (st.st_mode & 0777) == 0600);
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        CHECK(try_open(&third, path, bad[i], 0) == MCPT_E_ARG);
    }
    CHECK(try_open(&third, NULL, NULL, 0) == MCPT_E_ARG && try_open(&third, "", NULL, 0) == MCPT_E_ARG);
    CHECK(try_open(&third, "/nowhere/at/all", NULL, 0) == MCPT_E_STORE);
    closed(&third.store);
    /* tables are apart, also one named by a word of SQL */
    CHECK(try_open(&third, path, "select", 0) == MCPT_OK && sc_write(&third.store, "k", "third") == MCPT_OK);
    CHECK(sc_is(s, "k", sc_none) && sc_count(&third.store, "", 0, 0) == 1);
    sc_clear(&third.store);
    mcpt_store_sqlite_close(&third);
    CHECK(try_open(&third, ":memory:", NULL, 0) == MCPT_OK && sc_write(&third.store, "k", "v") == MCPT_OK);
    mcpt_store_sqlite_close(&third);
    /* links, and what is no database */
    (void)snprintf(file, sizeof(file), "%s/link", root);
    CHECK(symlink(path, file) == 0 && try_open(&third, file, NULL, 0) == MCPT_E_STORE && unlink(file) == 0);
    {
        int fd = open(file, O_WRONLY | O_CREAT, 0600);
        CHECK(write(fd, sc_value(1, 9000).ptr, 9000) == 9000 && close(fd) == 0);
        CHECK(try_open(&third, file, NULL, 0) == MCPT_E_STORE && unlink(file) == 0);
    }
}

static void locks(void)
{
    const mcpt_store *s = &two.store;
    mcpt_store_sqlite_close(&two);
    CHECK(try_open(&two, path, NULL, 50) == MCPT_OK && sc_write(s, "k", "v") == MCPT_OK);
    query(&db, "BEGIN IMMEDIATE");
    CHECK(sc_write(s, "k", "w") == MCPT_E_STORE && s->erase(s->user, "k") == MCPT_E_STORE && sc_swap(s, "k", "v", "w") == MCPT_E_STORE);
    CHECK(sc_is(s, "k", mcpt_z("v")));
    query(&db, "ROLLBACK");
    CHECK(sc_swap(s, "k", "v", "w") == MCPT_OK);
    /* full: pages instead of a disk */
    query(&two, "PRAGMA max_page_count=1");
    CHECK(s->write(s->user, "big", sc_value(1, 60000)) == MCPT_E_FULL && sc_is(s, "big", sc_none) && sc_is(s, "k", mcpt_z("w")));
    CHECK(s->swap(s->user, "k", mcpt_z("w"), sc_value(1, 60000)) == MCPT_E_FULL && sc_is(s, "k", mcpt_z("w")));
    CHECK(s->erase(s->user, "k") == MCPT_OK);
    query(&two, "PRAGMA max_page_count=1000000");
    (void)sqlite3_limit(two.db, SQLITE_LIMIT_LENGTH, 1000);
    CHECK(s->write(s->user, "big", sc_value(1, 5000)) == MCPT_E_LIMIT);
    reopen();
}

/* A process that closes any descriptor of a file loses its locks there (fcntl(2)): another handle must not cost the first one
 * those of its database, which keep other processes from taking the write-ahead log away. */
static void handles(void)
{
    pid_t child;
    int status = -1;
    CHECK(sc_write(&db.store, "k", "v") == MCPT_OK);
    CHECK(try_open(&third, path, NULL, 0) == MCPT_OK);
    mcpt_store_sqlite_close(&third);
    child = fork();
    if (child == 0) {                 /* only another process sees them */
        struct flock lock;
        int fd = open(path, O_RDWR | O_CLOEXEC);
        memset(&lock, 0, sizeof(lock));
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        _exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    sc_clear(&db.store);
}

/* Somebody else makes the same new database: the first step, to its write-ahead log, waits as everything else does. */
static void together(void)
{
    char file[128], c;
    int fds[2];
    pid_t child;
    (void)snprintf(file, sizeof(file), "%s/new.db", root);
    CHECK(pipe(fds) == 0);
    child = fork();
    if (child == 0) {
        sqlite3 *raw;
        bool ok = sqlite3_open(file, &raw) == SQLITE_OK && sqlite3_exec(raw, "BEGIN IMMEDIATE;CREATE TABLE t(a)", NULL, NULL, NULL) == SQLITE_OK;
        ok = write(fds[1], "", 1) == 1 && ok;
        (void)sqlite3_sleep(200);
        _exit(sqlite3_exec(raw, "COMMIT", NULL, NULL, NULL) == SQLITE_OK && ok ? 0 : 1);
    }
    CHECK(read(fds[0], &c, 1) == 1);
    CHECK(try_open(&third, file, NULL, 0) == MCPT_OK && sc_write(&third.store, "k", "v") == MCPT_OK);
    mcpt_store_sqlite_close(&third);
    CHECK(waitpid(child, NULL, 0) == child && unlink(file) == 0);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void extras(void)
{
    const mcpt_store *s = &db.store;
    mcpt_store_sqlite_info info;
    size_t count = 9;
    bool there = false;
    CHECK(sc_write(s, "old", "12345") == MCPT_OK && sc_write(s, "new", "678") == MCPT_OK && sc_write(s, "older", "") == MCPT_OK);
    CHECK(mcpt_store_sqlite_exists(&db, "older", &there) == MCPT_OK && there);
    CHECK(mcpt_store_sqlite_exists(&db, "x", &there) == MCPT_OK && !there && mcpt_store_sqlite_exists(&db, "a'b", &there) == MCPT_E_ARG);
    CHECK(mcpt_store_sqlite_stats(&db, &info) == MCPT_OK && info.records == 3 && info.bytes == 8 && info.file >= 4096);
    query(&db, "UPDATE mcp_store SET created_at=created_at-5000,updated_at=updated_at-5000 WHERE key LIKE 'old%'");
    CHECK(mcpt_store_sqlite_cleanup(&db, 6000, &count) == MCPT_OK && count == 0);
    CHECK(sc_write(s, "old", "again") == MCPT_OK);          /* by the last write, not the first, which stays written down */
    CHECK(mcpt_store_sqlite_cleanup(&db, 4000, &count) == MCPT_OK && count == 1);
    CHECK(sc_is(s, "old", mcpt_z("again")) && sc_is(s, "new", mcpt_z("678")) && sc_is(s, "older", sc_none));
    query(&db, "UPDATE mcp_store SET value=x'00' WHERE key='old' AND updated_at>=created_at+5000");
    CHECK(sc_is(s, "old", sc_bytes("", 1)));
    sc_clear(s);
    mcpt_store_sqlite_close(&two);
    CHECK(mcpt_store_sqlite_cleanup(&two, 0, &count) == MCPT_E_STATE && mcpt_store_sqlite_stats(&two, &info) == MCPT_E_STATE);
    CHECK(mcpt_store_sqlite_exists(&two, "k", &there) == MCPT_E_STATE);
    reopen();
}

/* Killed while it writes: what was acknowledged is there. */
static void kills(void)
{
    const mcpt_store *s = &db.store;
    uint32_t last = 0;
    for (unsigned i = 0; i < 10; i++) {
        int fds[2];
        uint32_t said;
        pid_t child;
        CHECK(pipe(fds) == 0);
        child = fork();
        if (child == 0) {
            const mcpt_store *mine = open_third();
            for (uint32_t n = last + 1; mine != NULL && n < last + 60; n++) {
                if (mine->write(mine->user, "k", sc_value(n, 3000)) != MCPT_OK || write(fds[1], &n, sizeof(n)) != (ssize_t)sizeof(n)) {
                    break;
                }
            }
            (void)pause();
        }
        (void)close(fds[1]);
        for (unsigned n = 0; n < 20 + i && read(fds[0], &said, sizeof(said)) == (ssize_t)sizeof(said); n++) {
            last = said;
        }
        CHECK(kill(child, SIGKILL) == 0);
        while (read(fds[0], &said, sizeof(said)) == (ssize_t)sizeof(said)) {
            last = said;
        }
        (void)close(fds[0]);
        (void)waitpid(child, NULL, 0);
        if (!sc_is(s, "k", sc_value(last, 3000))) {
            last++;
            CHECK(sc_is(s, "k", sc_value(last, 3000)));
        }
    }
    CHECK(last >= 200);
    sc_clear(s);
}

int main(void)
{
    const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    store_contract_of of = { &db.store, &two.store, reopen, 64, 60000, false, 0, 2000 };
    char file[128];
    (void)snprintf(root, sizeof(root), "%s/mcpt-sqlite-XXXXXX", tmp);
    if (mkdtemp(root) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/store.db", root);
    (void)umask(0);
    reopen();
    store_contract(&of);
    files();
    locks();
    handles();
    together();
    extras();
    many(&db.store);
    kills();
    thousand("store_sqlite", &db.store, open_third, NULL);
    mcpt_store_sqlite_close(&db);
    mcpt_store_sqlite_close(&two);                          /* a connection must not go through fork */
    closed(&db.store);
    CHECK(try_open(&db, path, NULL, 0) == MCPT_OK);
    turns(&db.store, open_third);
    mcpt_store_sqlite_close(&db);
    CHECK(unlink(path) == 0);
    (void)snprintf(file, sizeof(file), "%s-wal", path);
    (void)unlink(file);
    (void)snprintf(file, sizeof(file), "%s-shm", path);
    (void)unlink(file);
    CHECK(rmdir(root) == 0);
    return test_end();
}
