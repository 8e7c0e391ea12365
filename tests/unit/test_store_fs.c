/* port/store_fs: the contract, modes and links, turns between processes, kill -9 while writing, full disks. */
#define _GNU_SOURCE
#include "mcptools.h"
#include "../../port/store_fs.h"
#include "../stores/stores.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char root[64], path[96], file[160];
static mcpt_store_fs fs, two, writer;

static const char *name(const char *key)
{
    (void)snprintf(file, sizeof(file), "%s/%s", path, key);
    return file;
}

static void reopen(void)
{
    mcpt_store_fs_close(&fs);
    mcpt_store_fs_close(&two);
    CHECK(mcpt_store_fs_open(&fs, path, 64) == MCPT_OK && mcpt_store_fs_open(&two, path, 64) == MCPT_OK);
}

static const mcpt_store *open_third(void)
{
    return mcpt_store_fs_open(&writer, path, 64) == MCPT_OK ? &writer.store : NULL;
}

static void contract(void)
{
    store_contract_of of = { &fs.store, &two.store, reopen, 64, 60000, false, 0, 1500 };
    const mcpt_store *s = &fs.store;
    size_t len;
    fs.dir = fs.lock = two.dir = two.lock = -1;
    reopen();
    store_contract(&of);
    mcpt_store_fs_close(&fs);
    CHECK(sc_write(s, "k", "v") == MCPT_E_STATE && s->read(s->user, "k", sc_buf, 9, &len) == MCPT_E_STATE);
    CHECK(s->erase(s->user, "k") == MCPT_E_STATE && s->list(s->user, "", sc_each, &sc_list) == MCPT_E_STATE);
    CHECK(sc_swap(s, "k", NULL, "v") == MCPT_E_STATE);
    reopen();
}

static void modes(void)
{
    const mcpt_store *s = &fs.store;
    struct stat st;
    size_t len;
    char target[128];
    mcpt_store_fs other;
    bool there;
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0700);
    (void)umask(0);
    CHECK(sc_write(s, "wide", "v") == MCPT_OK && stat(name("wide"), &st) == 0 && (st.st_mode & 07777) == 0600);
    (void)umask(0277);
    CHECK(sc_write(s, "narrow", "v") == MCPT_OK && stat(name("narrow"), &st) == 0 && (st.st_mode & 07777) == 0600);
    (void)umask(022);
    /* a link in place of a record is not read, and not written through */
    (void)snprintf(target, sizeof(target), "%s/target", root);
    CHECK(close(open(target, O_WRONLY | O_CREAT, 0600)) == 0 && symlink(target, name("link")) == 0);
    CHECK(s->read(s->user, "link", sc_buf, sizeof(sc_buf), &len) == MCPT_E_STORE && len == 0);
    CHECK(sc_swap(s, "link", NULL, "v") == MCPT_E_STORE && mcpt_store_fs_exists(&fs, "link", &there) == MCPT_E_STORE);
    CHECK(sc_write(s, "link", "value") == MCPT_OK && sc_is(s, "link", mcpt_z("value")));
    CHECK(stat(target, &st) == 0 && st.st_size == 0 && lstat(name("link"), &st) == 0 && S_ISREG(st.st_mode));
    CHECK(symlink(target, name(".new")) == 0 && sc_write(s, "k", "v") == MCPT_OK && stat(target, &st) == 0 && st.st_size == 0);
    CHECK(mkfifo(name("pipe"), 0600) == 0 && s->read(s->user, "pipe", sc_buf, 9, &len) == MCPT_E_STORE);    /* does not hang */
    CHECK(s->erase(s->user, "pipe") == MCPT_OK && mkdir(name("dir"), 0700) == 0);
    CHECK(s->read(s->user, "dir", sc_buf, 9, &len) == MCPT_E_STORE && sc_write(s, "dir", "v") == MCPT_E_STORE);
    CHECK(access(name(".new"), F_OK) != 0 && rmdir(name("dir")) == 0);
    /* foreign names are no records */
    CHECK(close(open(name("not.a.key"), O_WRONLY | O_CREAT, 0600)) == 0 && close(open(name(".hidden"), O_WRONLY | O_CREAT, 0600)) == 0);
    CHECK(sc_count(s, "", 0, 0) == 4 && sc_listed("not.a.key") == 0 && unlink(name("not.a.key")) == 0 && unlink(name(".hidden")) == 0);
    sc_clear(s);
    /* directories that others may enter, links, files */
    CHECK(chmod(path, 0750) == 0 && mcpt_store_fs_open(&other, path, 0) == MCPT_E_STATE && chmod(path, 0700) == 0);
    (void)snprintf(file, sizeof(file), "%s/link", root);
    CHECK(symlink(path, file) == 0 && mcpt_store_fs_open(&other, file, 0) == MCPT_E_STATE && unlink(file) == 0);
    CHECK(mcpt_store_fs_open(&other, target, 0) == MCPT_E_STATE && unlink(target) == 0);
    CHECK(mcpt_store_fs_open(&other, "/nowhere/at/all", 0) == MCPT_E_STORE && mcpt_store_fs_open(&other, path, 65) == MCPT_E_ARG);
    CHECK(other.dir == -1 && other.lock == -1);
    (void)snprintf(file, sizeof(file), "%s/other", root);
    CHECK(mkdir(file, 0700) == 0);
    (void)snprintf(target, sizeof(target), "%s/other/.lock", root);
    CHECK(symlink("/dev/null", target) == 0 && mcpt_store_fs_open(&other, file, 0) == MCPT_E_STATE);
    CHECK(unlink(target) == 0 && rmdir(file) == 0);
}

/* The system's fsync, watched: what of a write is on the disk when. */
static struct { int files, directories, fail; bool early, late, mode; } synced;
int fsync(int fd)
{
    struct stat st, there;
    char key[160];
    bool bytes, named;
    (void)snprintf(key, sizeof(key), "%s/k", path);
    bytes = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    named = stat(key, &there) == 0 && there.st_size == 3;
    synced.files += bytes;
    synced.directories += !bytes;
    synced.early |= bytes && named;                         /* renamed before its bytes are safe */
    synced.late |= !bytes && !named;
    synced.mode |= bytes && (st.st_mode & 07777) != 0600;
    if (synced.fail != 0 && --synced.fail == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

/* The record's bytes are on the disk before its name is, the name before the writer is told; what cannot be made so is an error. */
static void syncs(void)
{
    const mcpt_store *s = &fs.store;
    unsigned how;
    for (how = 0; how < 2; how++) {
        CHECK(sc_write(s, "k", "before") == MCPT_OK);
        memset(&synced, 0, sizeof(synced));
        CHECK((how == 0 ? sc_write(s, "k", "new") : sc_swap(s, "k", "before", "new")) == MCPT_OK);
        CHECK(synced.files == 1 && synced.directories == 1 && !synced.early && !synced.late && !synced.mode);
        CHECK(sc_write(s, "k", "before") == MCPT_OK);
        synced.fail = 1;              /* the bytes */
        CHECK((how == 0 ? sc_write(s, "k", "new") : sc_swap(s, "k", "before", "new")) == MCPT_E_STORE);
        CHECK(sc_is(s, "k", mcpt_z("before")) && access(name(".new"), F_OK) != 0);
        synced.fail = 2;              /* the name: it may be there or not after a power cut, and the writer knows */
        CHECK((how == 0 ? sc_write(s, "k", "new") : sc_swap(s, "k", "before", "new")) == MCPT_E_STORE);
        CHECK(sc_is(s, "k", mcpt_z("new")));
    }
    memset(&synced, 0, sizeof(synced));
    CHECK(s->erase(s->user, "k") == MCPT_OK && synced.directories == 1 && synced.files == 0);
    CHECK(sc_write(s, "k", "new") == MCPT_OK);
    synced.fail = 1;
    CHECK(s->erase(s->user, "k") == MCPT_E_STORE && sc_is(s, "k", sc_none) && synced.fail == 0);
}

/* A write that the system refuses half-way leaves the old record and no rubbish. */
static void refused(void)
{
    const mcpt_store *s = &fs.store;
    struct rlimit limit = { 1000, 1000 }, was;
    (void)getrlimit(RLIMIT_FSIZE, &was);
    CHECK(sc_write(s, "k", "old") == MCPT_OK);
    limit.rlim_max = was.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(s->write(s->user, "k", sc_value(1, 5000)) == MCPT_E_LIMIT && sc_is(s, "k", mcpt_z("old")));
    CHECK(s->swap(s->user, "k", mcpt_z("old"), sc_value(1, 5000)) == MCPT_E_LIMIT && sc_is(s, "k", mcpt_z("old")));
    CHECK(setrlimit(RLIMIT_FSIZE, &was) == 0);
    CHECK(access(name(".new"), F_OK) != 0 && s->write(s->user, "k", sc_value(1, 5000)) == MCPT_OK);
    sc_clear(s);
}

/* A full disk, where the system lets us mount one (in a process and mount namespace of its own). */
static void full(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        const mcpt_store *s = &fs.store;
        int before = test_failed;
        char key[8];
        unsigned n = 0;
        mcpt_err e = MCPT_OK;
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("none", root, "tmpfs", 0, "size=128k,mode=0700") != 0) {
            _exit(77);
        }
        mcpt_store_fs_close(&fs);
        CHECK(mcpt_store_fs_open(&fs, path, 0) == MCPT_OK);
        while (n < 100 && e == MCPT_OK) {
            e = s->write(s->user, sc_name(key, n), sc_value(n, 5000));
            n += e == MCPT_OK;
        }
        CHECK(e == MCPT_E_FULL && n > 5 && n < 40 && sc_is(s, key, sc_none) && access(name(".new"), F_OK) != 0);
        CHECK(s->write(s->user, sc_name(key, 1), sc_value(7, 9000)) == MCPT_E_FULL);
        for (unsigned i = 0; i < n; i++) {
            CHECK(sc_is(s, sc_name(key, i), sc_value(i, 5000)));
        }
        CHECK(s->erase(s->user, key) == MCPT_OK && s->write(s->user, key, sc_value(8, 5000)) == MCPT_OK);
        sc_clear(s);
        _exit(test_failed != before);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
    if (WEXITSTATUS(status) == 77) {
        printf("a full disk was not tested: mounting one takes root\n");
    }
}

static void extras(void)
{
    const mcpt_store *s = &fs.store;
    const struct timespec old[2] = { { time(NULL) - 5000, 0 }, { time(NULL) - 5000, 0 } };
    mcpt_store_fs_info info;
    size_t count = 9;
    bool there = false;
    CHECK(sc_write(s, "old", "12345") == MCPT_OK && sc_write(s, "new", "678") == MCPT_OK && sc_write(s, "older", "") == MCPT_OK);
    CHECK(mcpt_store_fs_exists(&fs, "older", &there) == MCPT_OK && there && mcpt_store_fs_exists(&fs, "x", &there) == MCPT_OK && !there);
    CHECK(mcpt_store_fs_exists(&fs, "../x", &there) == MCPT_E_ARG);
    CHECK(mcpt_store_fs_stats(&fs, &info) == MCPT_OK && info.records == 3 && info.bytes == 8);
    CHECK(utimensat(AT_FDCWD, name("old"), old, 0) == 0 && utimensat(AT_FDCWD, name("older"), old, 0) == 0);
    CHECK(mcpt_store_fs_cleanup(&fs, 6000, &count) == MCPT_OK && count == 0);
    CHECK(sc_write(s, "old", "again") == MCPT_OK);          /* by the last write, not the first */
    CHECK(mcpt_store_fs_cleanup(&fs, 4000, &count) == MCPT_OK && count == 1);
    CHECK(sc_is(s, "old", mcpt_z("again")) && sc_is(s, "new", mcpt_z("678")) && sc_is(s, "older", sc_none));
    sc_clear(s);
}

/* A process writes and says so through a pipe; it is killed at any moment. What it said is there, what it was writing is old or
 * new. Until 1,000 writes were acknowledged. */
static void kills(void)
{
    enum { KEYS = 10 };
    const mcpt_store *s = &fs.store;
    uint32_t acknowledged[KEYS], total = 0, seed = 99;
    unsigned killed = 0;
    memset(acknowledged, 0, sizeof(acknowledged));
    while (total < 1000) {
        int fds[2];
        uint32_t said, first = total + 1, last = total;
        pid_t child;
        CHECK(pipe(fds) == 0);
        child = fork();
        if (child == 0) {
            mcpt_store_fs mine;
            if (mcpt_store_fs_open(&mine, path, 0) != MCPT_OK) {
                _exit(1);
            }
            for (uint32_t n = first; n < first + 60; n++) {
                char key[8];
                if (mine.store.write(&mine, sc_name(key, n % KEYS), sc_value(n, 100 + n % 5000)) != MCPT_OK ||
                    write(fds[1], &n, sizeof(n)) != (ssize_t)sizeof(n)) {
                    _exit(1);
                }
            }
            (void)pause();                                  /* the parent is slow today: wait for it */
        }
        (void)close(fds[1]);
        while (read(fds[0], &said, sizeof(said)) == (ssize_t)sizeof(said)) {
            acknowledged[said % KEYS] = said;
            last = said;
            if (last - first >= 2 + sc_random(&seed) % 40) {
                (void)usleep(sc_random(&seed) % 300);
                CHECK(kill(child, SIGKILL) == 0);
                break;
            }
        }
        while (read(fds[0], &said, sizeof(said)) == (ssize_t)sizeof(said)) {    /* said before it died */
            acknowledged[said % KEYS] = said;
            last = said;
        }
        (void)close(fds[0]);
        (void)waitpid(child, NULL, 0);
        killed++;
        total = last;
        for (uint32_t k = 0; k < KEYS; k++) {
            char key[8];
            uint32_t next = last + 1;
            bool is = acknowledged[k] == 0 ? sc_is(s, sc_name(key, k), sc_none) :
                      sc_is(s, sc_name(key, k), sc_value(acknowledged[k], 100 + acknowledged[k] % 5000));
            if (!is && next % KEYS == k) {
                is = sc_is(s, sc_name(key, k), sc_value(next, 100 + next % 5000));
                acknowledged[k] = next;
                total = next;
            }
            CHECK(is);
        }
    }
    CHECK(killed > 15 && sc_count(s, "", 0, 0) == KEYS);
    printf("%u acknowledged writes, killed %u times\n", (unsigned)total, killed);
    sc_clear(s);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");                     /* memory, unless told otherwise: a disk syncs 5,000 times here */
    tmp = tmp != NULL ? tmp : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(root, sizeof(root), "%.40s/mcpt-fs-XXXXXX", tmp);
    if (mkdtemp(root) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/store", root);
    setvbuf(stdout, NULL, _IOLBF, 0);
    contract();
    modes();
    syncs();
    refused();
    full();
    extras();
    many(&fs.store);
    turns(&fs.store, open_third);
    kills();
    thousand("store_fs", &fs.store, open_third, NULL);
    CHECK(sc_write(&fs.store, "k", "v") == MCPT_OK && fs.store.erase(&fs, "k") == MCPT_OK);     /* takes away what a killed one left */
    mcpt_store_fs_close(&fs);
    mcpt_store_fs_close(&two);
    CHECK(unlink(name(".lock")) == 0 && rmdir(path) == 0 && rmdir(root) == 0);  /* nothing else was left behind */
    return test_end();
}
