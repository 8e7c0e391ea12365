/* port/store_fs.c - see store_fs.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* flock, O_NOFOLLOW, O_DIRECTORY */
#endif
#include "store_fs.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>                    /* renameat */
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NEW_FILE ".new"               /* no key begins with a dot */
#define LOCK_FILE ".lock"
enum { BATCH = 120, KEY_SIZE = MCPT_STORE_FS_KEY + 1 };

static mcpt_err system_error(void)
{
    return errno == ENOSPC || errno == EDQUOT ? MCPT_E_FULL : errno == EFBIG ? MCPT_E_LIMIT : MCPT_E_STORE;
}

static mcpt_err check(const mcpt_store_fs *s, const char *key)
{
    return s->dir < 0 ? MCPT_E_STATE : mcpt_store_key_ok(key, s->max_key) ? MCPT_OK : MCPT_E_ARG;
}

static bool locked(const mcpt_store_fs *s)
{
    int r;

    do {
        r = flock(s->lock, LOCK_EX);
    } while (r != 0 && errno == EINTR);
    return r == 0;
}

static void unlock(const mcpt_store_fs *s)
{
    (void)flock(s->lock, LOCK_UN);
}

/* Opens a record for reading: E_ABSENT, or E_STORE for what is no regular file. */
static mcpt_err open_record(const mcpt_store_fs *s, const char *key, int *fd, size_t *size)
{
    struct stat st;

    *fd = openat(s->dir, key, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) {
        return errno == ENOENT ? MCPT_E_ABSENT : MCPT_E_STORE;
    }
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0 || (uint64_t)st.st_size > SIZE_MAX) {
        (void)close(*fd);
        return MCPT_E_STORE;
    }
    *size = (size_t)st.st_size;
    return MCPT_OK;
}

static bool read_all(int fd, char *buf, size_t len)
{
    while (len > 0) {
        ssize_t n = read(fd, buf, len);

        if (n > 0) {
            buf += n;
            len -= (size_t)n;
        } else if (n == 0 || errno != EINTR) {              /* a record's file never changes: this is damage */
            return false;
        }
    }
    return true;
}

static bool write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

static mcpt_err fs_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    const mcpt_store_fs *s = (const mcpt_store_fs *)user;
    mcpt_err e = check(s, key);
    size_t size;
    int fd;

    *len = 0;
    if (e == MCPT_OK) {
        e = open_record(s, key, &fd, &size);
    }
    if (e != MCPT_OK) {
        return e;
    }
    if (size > cap) {
        e = MCPT_E_SPACE;
    } else if (!read_all(fd, (char *)buf, size)) {
        e = MCPT_E_STORE;
    }
    *len = e != MCPT_E_STORE ? size : 0;
    (void)close(fd);
    return e;
}

/* With the lock held. */
static mcpt_err put(const mcpt_store_fs *s, const char *key, mcpt_str value)
{
    mcpt_err e = MCPT_OK;
    int fd;

    if (unlinkat(s->dir, NEW_FILE, 0) != 0 && errno != ENOENT) {    /* one that a killed process left */
        return MCPT_E_STORE;
    }
    fd = openat(s->dir, NEW_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return system_error();
    }
    if (fchmod(fd, 0600) != 0 || !write_all(fd, value.ptr, value.len) || fsync(fd) != 0) {
        e = system_error();
    }
    if (close(fd) != 0 && e == MCPT_OK) {
        e = system_error();
    }
    if (e == MCPT_OK && renameat(s->dir, NEW_FILE, s->dir, key) != 0) {
        e = system_error();
    }
    if (e != MCPT_OK) {
        (void)unlinkat(s->dir, NEW_FILE, 0);
        return e;
    }
    return fsync(s->dir) == 0 ? MCPT_OK : MCPT_E_STORE;
}

static mcpt_err take(const mcpt_store_fs *s, const char *key)
{
    if (unlinkat(s->dir, key, 0) != 0) {
        return errno == ENOENT ? MCPT_OK : MCPT_E_STORE;
    }
    return fsync(s->dir) == 0 ? MCPT_OK : MCPT_E_STORE;
}

static mcpt_err fs_write(void *user, const char *key, mcpt_str value)
{
    const mcpt_store_fs *s = (const mcpt_store_fs *)user;
    mcpt_err e = value.ptr == NULL ? MCPT_E_ARG : check(s, key);

    if (e == MCPT_OK) {
        e = locked(s) ? put(s, key, value) : MCPT_E_STORE;
        unlock(s);
    }
    return e;
}

static mcpt_err fs_erase(void *user, const char *key)
{
    const mcpt_store_fs *s = (const mcpt_store_fs *)user;
    mcpt_err e = check(s, key);

    if (e == MCPT_OK) {
        e = locked(s) ? take(s, key) : MCPT_E_STORE;
        unlock(s);
    }
    return e;
}

/* Whether the record is old; with the lock held. */
static mcpt_err compare(const mcpt_store_fs *s, const char *key, mcpt_str old)
{
    char piece[512];
    size_t size, at = 0;
    int fd;
    mcpt_err e = open_record(s, key, &fd, &size);

    if (e == MCPT_E_ABSENT) {
        return old.ptr == NULL ? MCPT_OK : MCPT_E_CONFLICT;
    }
    if (e != MCPT_OK) {
        return e;
    }
    e = old.ptr != NULL && size == old.len ? MCPT_OK : MCPT_E_CONFLICT;
    while (e == MCPT_OK && at < size) {
        size_t n = size - at < sizeof(piece) ? size - at : sizeof(piece);

        e = !read_all(fd, piece, n) ? MCPT_E_STORE : memcmp(piece, old.ptr + at, n) != 0 ? MCPT_E_CONFLICT : MCPT_OK;
        at += n;
    }
    mcpt_wipe(piece, sizeof(piece));
    (void)close(fd);
    return e;
}

static mcpt_err fs_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    const mcpt_store_fs *s = (const mcpt_store_fs *)user;
    mcpt_err e = check(s, key);

    if (e == MCPT_OK) {
        e = locked(s) ? compare(s, key, old) : MCPT_E_STORE;
        if (e == MCPT_OK) {
            e = value.ptr != NULL ? put(s, key, value) : take(s, key);
        }
        unlock(s);
    }
    return e;
}

/* The first keys (in order) behind `last` that begin with prefix, at most BATCH of them; -1: failed. */
static int batch(const mcpt_store_fs *s, const char *prefix, const char *last, char keys[][KEY_SIZE])
{
    const size_t n = strlen(prefix);
    int count = 0, fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *row;

    if (dir == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    errno = 0;
    while ((row = readdir(dir)) != NULL) {
        int at = count;

        if (strncmp(row->d_name, prefix, n) != 0 || !mcpt_store_key_ok(row->d_name, s->max_key) || strcmp(row->d_name, last) <= 0 ||
            (count == BATCH && strcmp(row->d_name, keys[BATCH - 1]) >= 0)) {
            continue;
        }
        at = count < BATCH ? count++ : BATCH - 1;
        while (at > 0 && strcmp(keys[at - 1], row->d_name) > 0) {
            memcpy(keys[at], keys[at - 1], KEY_SIZE);
            at--;
        }
        memcpy(keys[at], row->d_name, strlen(row->d_name) + 1);
    }
    if (errno != 0) {
        count = -1;
    }
    (void)closedir(dir);
    return count;
}

static mcpt_err fs_list(void *user, const char *prefix, bool (*each)(void *each_user, const char *key), void *each_user)
{
    const mcpt_store_fs *s = (const mcpt_store_fs *)user;
    char keys[BATCH][KEY_SIZE], last[KEY_SIZE] = "";
    int n;

    if (s->dir < 0) {
        return MCPT_E_STATE;
    }
    if (prefix == NULL || (prefix[0] != '\0' && !mcpt_store_key_ok(prefix, s->max_key))) {
        return MCPT_E_ARG;
    }
    memset(keys, 0, sizeof(keys));
    do {
        n = batch(s, prefix, last, keys);
        for (int i = 0; i < n; i++) {
            if (!each(each_user, keys[i])) {
                return MCPT_OK;
            }
        }
        if (n > 0) {
            memcpy(last, keys[n - 1], KEY_SIZE);
        }
    } while (n == BATCH);
    return n < 0 ? MCPT_E_STORE : MCPT_OK;
}

mcpt_err mcpt_store_fs_open(mcpt_store_fs *s, const char *path, size_t max_key)
{
    static const mcpt_store calls = { fs_read, fs_write, fs_erase, fs_list, fs_swap, NULL };
    struct stat st;
    mcpt_err e = MCPT_OK;
    bool made;

    memset(s, 0, sizeof(*s));
    s->store = calls;
    s->store.user = s;
    s->max_key = max_key != 0 ? max_key : MCPT_STORE_KEY;
    s->dir = s->lock = -1;
    if (path == NULL || max_key > MCPT_STORE_FS_KEY) {
        return MCPT_E_ARG;
    }
    made = mkdir(path, 0700) == 0;
    s->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (s->dir < 0) {
        return errno == ELOOP || errno == ENOTDIR ? MCPT_E_STATE : MCPT_E_STORE;
    }
    if (fstat(s->dir, &st) != 0) {
        e = MCPT_E_STORE;
    } else if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
        e = MCPT_E_STATE;
    } else {
        s->lock = openat(s->dir, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        e = s->lock >= 0 ? MCPT_OK : errno == ELOOP ? MCPT_E_STATE : MCPT_E_STORE;
    }
    if (e == MCPT_OK && made) {                             /* the new directory itself must outlive a power cut */
        int parent = openat(s->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        e = parent >= 0 && fsync(parent) == 0 ? MCPT_OK : MCPT_E_STORE;
        if (parent >= 0) {
            (void)close(parent);
        }
    }
    if (e != MCPT_OK) {
        mcpt_store_fs_close(s);
    }
    return e;
}

void mcpt_store_fs_close(mcpt_store_fs *s)
{
    if (s->dir >= 0) {
        (void)close(s->dir);
    }
    if (s->lock >= 0) {
        (void)close(s->lock);
    }
    s->dir = s->lock = -1;
}

mcpt_err mcpt_store_fs_exists(mcpt_store_fs *s, const char *key, bool *there)
{
    mcpt_err e = check(s, key);
    size_t size;
    int fd;

    *there = false;
    if (e == MCPT_OK) {
        e = open_record(s, key, &fd, &size);
        if (e == MCPT_OK) {
            *there = true;
            (void)close(fd);
        }
    }
    return e == MCPT_E_ABSENT ? MCPT_OK : e;
}

typedef struct walk { mcpt_store_fs *s; mcpt_store_fs_info info; int64_t before; size_t erased; mcpt_err e; } walk;

static bool count_one(void *user, const char *key)
{
    walk *w = (walk *)user;
    struct stat st;

    if (fstatat(w->s->dir, key, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)) {
        w->info.records++;
        w->info.bytes += (uint64_t)st.st_size;
    }
    return true;
}

/* Looks and erases under the lock: a record that is written meanwhile stays. */
static bool clean_one(void *user, const char *key)
{
    walk *w = (walk *)user;
    struct stat st;

    w->e = locked(w->s) ? MCPT_OK : MCPT_E_STORE;
    if (w->e == MCPT_OK && fstatat(w->s->dir, key, &st, AT_SYMLINK_NOFOLLOW) == 0 && (int64_t)st.st_mtime < w->before) {
        w->e = take(w->s, key);
        w->erased += w->e == MCPT_OK;
    }
    unlock(w->s);
    return w->e == MCPT_OK;
}

mcpt_err mcpt_store_fs_cleanup(mcpt_store_fs *s, int64_t seconds, size_t *count)
{
    walk w;
    mcpt_err e;

    memset(&w, 0, sizeof(w));
    w.s = s;
    w.before = (int64_t)time(NULL) - seconds;
    e = fs_list(s, "", clean_one, &w);
    if (count != NULL) {
        *count = w.erased;
    }
    return e != MCPT_OK ? e : w.e;
}

mcpt_err mcpt_store_fs_stats(mcpt_store_fs *s, mcpt_store_fs_info *info)
{
    walk w;
    mcpt_err e;

    memset(&w, 0, sizeof(w));
    w.s = s;
    e = fs_list(s, "", count_one, &w);
    *info = w.info;
    return e;
}
