/* A device's key and certificate in two files of a directory: device.key, device.crt. Made on first use, renewed a month
 * before the end or when the device has another name. Files that somebody else put there, with the certificate of an
 * authority, are used as they are. For 05_this_machine and 06_certificate. */
#ifndef DEVICE_CERTIFICATE_H
#define DEVICE_CERTIFICATE_H
#include "port/cert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CERTIFICATE_DAYS = 730, RENEW_DAYS = 30 };

struct identity {
    uint8_t chain[16384], key[4096];            /* DER */
    size_t chain_len, key_len;
    char chain_path[256], key_path[256];
    bool made;                                  /* just now: who trusts it must be told */
};

/* -1: it is not there, or cannot be read (errno). */
static ssize_t read_file(const char *path, char *to, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t got = fd < 0 ? -1 : 0;
    while (fd >= 0 && n < cap && (got = read(fd, to + n, cap - n)) > 0) {
        n += (size_t)got;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return got < 0 ? -1 : (ssize_t)n;
}

/* The old file or the new one, whatever happens. Readable for its owner alone when it is secret. */
static bool write_file(const char *path, const char *text, bool secret)
{
    char tmp[264];
    size_t n = strlen(text);
    bool ok;
    int fd;
    (void)snprintf(tmp, sizeof tmp, "%s.new", path);
    (void)unlink(tmp);
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644);
    ok = fd >= 0 && write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
    if (fd >= 0) {
        ok = close(fd) == 0 && ok;
    }
    return ok && rename(tmp, path) == 0;
}

/* Creates the directory and those above it. */
static bool make_directory(const char *path)
{
    char part[256];
    for (size_t i = 1; path[i - 1] != 0 && i < sizeof part; i++) {
        if (path[i] == '/' || path[i] == 0) {
            memcpy(part, path, i);
            part[i] = 0;
            if (mkdir(part, 0700) != 0 && errno != EEXIST) {
                return false;
            }
        }
    }
    return true;
}

static bool load_key(struct identity *id)
{
    char *text = (char *)id->key;
    ssize_t n = read_file(id->key_path, text, sizeof id->key);
    return n > 0 && mcpt_tls_pem(text, (size_t)n, "PRIVATE KEY", text, sizeof id->key, &id->key_len) == MCPT_OK;
}

static bool load_chain(struct identity *id)
{
    char *text = (char *)id->chain;
    ssize_t n = read_file(id->chain_path, text, sizeof id->chain);
    return n > 0 && mcpt_tls_pem(text, (size_t)n, "CERTIFICATE", text, sizeof id->chain, &id->chain_len) == MCPT_OK;
}

static mcpt_err make_key(const mcpt_env *env, struct identity *id)
{
    char pem[512];
    uint8_t key[MCPT_KEY_REF];
    size_t len;
    mcpt_err e = env->crypto->es256_generate(env->crypto->user, key, &len) ? MCPT_OK : MCPT_E_CRYPTO;
    e = e == MCPT_OK ? mcpt_cert_key_der(env, key, len, id->key, sizeof id->key, &id->key_len) : e;
    e = e == MCPT_OK ? mcpt_cert_pem("EC PRIVATE KEY", id->key, id->key_len, pem, sizeof pem) : e;
    if (e == MCPT_OK && !write_file(id->key_path, pem, true)) {
        e = MCPT_E_IO;
    }
    mcpt_tls_wipe(pem, sizeof pem);
    mcpt_tls_wipe(key, sizeof key);
    return e;
}

/* OK; E_IO: errno says why; E_ARG: device.key is there, but not a key that can be used; others: cryptography. */
static mcpt_err identity_load(const mcpt_env *env, const char *directory, const mcpt_cert_subject *who, struct identity *id)
{
    char pem[2048];
    uint8_t key[32];
    int64_t until = 0;
    mcpt_err e;
    id->made = false;
    if (!make_directory(directory) ||
        snprintf(id->key_path, sizeof id->key_path, "%s/device.key", directory) >= (int)sizeof id->key_path ||
        snprintf(id->chain_path, sizeof id->chain_path, "%s/device.crt", directory) >= (int)sizeof id->chain_path) {
        return MCPT_E_IO;
    }
    if (!load_key(id)) {
        if (access(id->key_path, F_OK) == 0) {
            return MCPT_E_ARG;                  /* never overwritten */
        }
        e = make_key(env, id);
        if (e != MCPT_OK) {
            return e;
        }
    } else if (load_chain(id) && (!mcpt_cert_own(id->chain, id->chain_len) ||
               (mcpt_cert_until(id->chain, id->chain_len, &until) == MCPT_OK && until - who->from > RENEW_DAYS * 86400 &&
                mcpt_cert_has(id->chain, id->chain_len, who->names, who->nnames)))) {
        return MCPT_OK;
    }
    e = mcpt_cert_key_read(id->key, id->key_len, key);
    e = e == MCPT_OK ? mcpt_cert_self_signed(env, key, sizeof key, who, id->chain, sizeof id->chain, &id->chain_len) : e;
    mcpt_tls_wipe(key, sizeof key);
    e = e == MCPT_OK ? mcpt_cert_pem("CERTIFICATE", id->chain, id->chain_len, pem, sizeof pem) : e;
    if (e == MCPT_OK && !write_file(id->chain_path, pem, false)) {
        e = MCPT_E_IO;
    }
    id->made = e == MCPT_OK;
    return e;
}
#endif
