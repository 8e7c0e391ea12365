/* port/store_seed_file.c - see store_seed_file.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* O_NOFOLLOW, flock */
#endif
#include "store_seed_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { KEY = 64 };

static bool locked(int fd)
{
    int r;

    do {
        r = flock(fd, LOCK_EX);
    } while (r != 0 && errno == EINTR);
    return r == 0;
}

/* Takes the lock, reads and indexes the file; there is an empty one where there is none. leave() must follow. */
static mcpt_err enter(mcpt_store_seed_file *s, const char *key)
{
    mcpt_str text;
    ssize_t got = 1;
    int fd;
    mcpt_err e;

    s->lock = -1;
    if (key != NULL && !mcpt_store_key_ok(key, KEY)) {
        return MCPT_E_ARG;
    }
    (void)snprintf(s->other, sizeof(s->other), "%s.lock", s->path);
    s->lock = open(s->other, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (s->lock < 0 || !locked(s->lock)) {
        return MCPT_E_STORE;
    }
    text.ptr = s->text;
    text.len = 0;
    fd = open(s->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT) {
            return MCPT_E_STORE;
        }
        text.ptr = "{}";
        text.len = 2;
    } else {
        while (got > 0 && text.len < s->half) {
            do {
                got = read(fd, s->text + text.len, s->half - text.len);
            } while (got < 0 && errno == EINTR);
            text.len += got > 0 ? (size_t)got : 0;
        }
        (void)close(fd);
        if (got != 0) {
            return got < 0 ? MCPT_E_STORE : MCPT_E_FULL;
        }
    }
    e = mcpt_parse(&s->doc, text, s->tok, s->ntok);
    return e == MCPT_E_TOKENS ? MCPT_E_FULL : e != MCPT_OK || mcpt_typeof(mcpt_root(&s->doc)) != MCPT_OBJECT ? MCPT_E_STORE : MCPT_OK;
}

static mcpt_err leave(mcpt_store_seed_file *s, mcpt_err e)
{
    if (s->lock >= 0) {
        (void)close(s->lock);
    }
    return e;
}

static mcpt_str found(const mcpt_store_seed_file *s, const char *key)          /* the value, raw; or absent */
{
    return mcpt_raw(mcpt_get(mcpt_get(mcpt_root(&s->doc), key), "value"));
}

/* A new file takes the place of the old one. */
static mcpt_err replace(mcpt_store_seed_file *s, mcpt_str text)
{
    size_t at = 0;
    bool ok;
    int fd, why;

    (void)snprintf(s->other, sizeof(s->other), "%s.new", s->path);
    (void)unlink(s->other);
    fd = open(s->other, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    ok = fd >= 0;
    while (ok && at < text.len) {
        ssize_t put = write(fd, text.ptr + at, text.len - at);
        ok = put > 0 || (put < 0 && errno == EINTR);
        at += put > 0 ? (size_t)put : 0;
    }
    ok = ok && fsync(fd) == 0;
    if (fd >= 0) {
        ok = close(fd) == 0 && ok;
    }
    ok = ok && rename(s->other, s->path) == 0;
    why = errno;
    if (!ok) {
        (void)unlink(s->other);
    }
    return ok ? MCPT_OK : why == ENOSPC || why == EDQUOT ? MCPT_E_FULL : MCPT_E_STORE;
}

/* The file with key as value, or without it. */
static mcpt_err change(mcpt_store_seed_file *s, const char *key, mcpt_str value)
{
    mcpt_val root = mcpt_root(&s->doc), it;
    mcpt_str name, text, made = mcpt_raw(mcpt_get(mcpt_get(root, key), "created_at"));
    const time_t now = time(NULL);
    struct tm tm;
    char when[32];
    mcpt_writer w;
    mcpt_err e;

    memset(&it, 0, sizeof(it));
    (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&now, &tm));
    mcpt_w_init(&w, s->room, s->half);
    mcpt_obj(&w);
    while (mcpt_next(root, &it, &name)) {
        char raw[256];

        if (name.len > sizeof(raw) - 2) {
            return MCPT_E_FULL;
        }
        raw[0] = raw[name.len + 1] = '"';
        memcpy(raw + 1, name.ptr, name.len);
        name.len = mcpt_unescape((mcpt_str){ raw, name.len + 2 }, raw, sizeof(raw));
        name.ptr = raw;
        if (!mcpt_str_is(name, key)) {
            mcpt_key_str(&w, name);
            mcpt_put_raw(&w, mcpt_raw(it));
        }
    }
    if (value.ptr != NULL) {
        mcpt_key(&w, key);
        mcpt_obj(&w);
        mcpt_kv_raw(&w, "value", value);
        mcpt_key(&w, "created_at");
        if (made.ptr != NULL) {
            mcpt_put_raw(&w, made);
        } else {
            mcpt_put_z(&w, when);
        }
        mcpt_kv_z(&w, "updated_at", when);
        mcpt_end(&w);
    }
    mcpt_end(&w);
    e = mcpt_w_done(&w, &text);
    return e == MCPT_E_SPACE ? MCPT_E_FULL : e != MCPT_OK ? e : replace(s, text);
}

static bool is_json(mcpt_str value)
{
    static const mcpt_pick root[] = { MCPT_PICK("", 0) };
    mcpt_span span[1];
    mcpt_scan scan;

    mcpt_scan_init(&scan, root, 1, span);
    return value.ptr != NULL && mcpt_scan_feed(&scan, value.ptr, value.len) >= 0 && mcpt_scan_end(&scan) == MCPT_OK;
}

static mcpt_err file_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    mcpt_store_seed_file *s = (mcpt_store_seed_file *)user;
    mcpt_err e = enter(s, key);
    mcpt_str v = { NULL, 0 };

    if (e == MCPT_OK) {
        v = found(s, key);
        e = v.ptr == NULL ? MCPT_E_ABSENT : v.len > cap ? MCPT_E_SPACE : MCPT_OK;
    }
    *len = v.len;
    if (e == MCPT_OK) {
        memcpy(buf, v.ptr, v.len);
    }
    return leave(s, e);
}

static mcpt_err file_write(void *user, const char *key, mcpt_str value)
{
    mcpt_store_seed_file *s = (mcpt_store_seed_file *)user;
    mcpt_err e;

    if (!is_json(value)) {
        return MCPT_E_ARG;
    }
    e = enter(s, key);
    return leave(s, e == MCPT_OK ? change(s, key, value) : e);
}

static mcpt_err file_erase(void *user, const char *key)
{
    mcpt_store_seed_file *s = (mcpt_store_seed_file *)user;
    const mcpt_str none = { NULL, 0 };
    mcpt_err e = enter(s, key);

    return leave(s, e == MCPT_OK && found(s, key).ptr != NULL ? change(s, key, none) : e);
}

static mcpt_err file_list(void *user, const char *prefix, bool (*each)(void *each_user, const char *key), void *each_user)
{
    mcpt_store_seed_file *s = (mcpt_store_seed_file *)user;
    char last[KEY + 1] = "", next[KEY + 1];

    if (prefix == NULL || (prefix[0] != '\0' && !mcpt_store_key_ok(prefix, KEY))) {
        return MCPT_E_ARG;
    }
    for (;;) {                                              /* in order, each by a look of its own: each() may change the file */
        mcpt_err e = enter(s, NULL);
        mcpt_val it;
        mcpt_str name;

        memset(&it, 0, sizeof(it));
        next[0] = '\0';
        while (e == MCPT_OK && mcpt_next(mcpt_root(&s->doc), &it, &name)) {
            char key[KEY + 1];
            if (name.len > KEY) {
                continue;
            }
            memcpy(key, name.ptr, name.len);
            key[name.len] = '\0';
            if (mcpt_store_key_ok(key, KEY) && strncmp(key, prefix, strlen(prefix)) == 0 && strcmp(key, last) > 0 &&
                (next[0] == '\0' || strcmp(key, next) < 0)) {
                memcpy(next, key, sizeof(next));
            }
        }
        (void)leave(s, e);
        if (e != MCPT_OK || next[0] == '\0' || !each(each_user, next)) {
            return e;
        }
        memcpy(last, next, sizeof(last));
    }
}

static mcpt_err file_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    mcpt_store_seed_file *s = (mcpt_store_seed_file *)user;
    mcpt_err e = value.ptr != NULL && !is_json(value) ? MCPT_E_ARG : MCPT_OK;
    mcpt_str v;

    if (e != MCPT_OK) {
        return e;
    }
    e = enter(s, key);
    if (e == MCPT_OK) {
        v = found(s, key);
        e = (old.ptr == NULL) == (v.ptr == NULL) && (old.ptr == NULL || mcpt_str_eq(old, v)) ? MCPT_OK : MCPT_E_CONFLICT;
    }
    return leave(s, e == MCPT_OK && (old.ptr != NULL || value.ptr != NULL) ? change(s, key, value) : e);
}

mcpt_err mcpt_store_seed_file_open(mcpt_store_seed_file *s, const char *path, void *mem, size_t size, mcpt_tok *tok, size_t ntok)
{
    static const mcpt_store calls = { file_read, file_write, file_erase, file_list, file_swap, NULL };

    memset(s, 0, sizeof(*s));
    s->store = calls;
    s->store.user = s;
    s->text = (char *)mem;
    s->half = size / 2;
    s->room = s->text + s->half;
    s->tok = tok;
    s->ntok = ntok;
    s->lock = -1;
    return path == NULL || strlen(path) > 250 || mem == NULL || tok == NULL || s->half < 64 ? MCPT_E_ARG :
        snprintf(s->path, sizeof(s->path), "%s", path) > 0 ? MCPT_OK : MCPT_E_ARG;
}
