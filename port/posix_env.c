/* port/posix_env.c - see posix_env.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "posix_env.h"
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/random.h>
#endif

uint32_t mcpt_posix_millis(void *user)
{
    struct timespec t;
    (void)user;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

int64_t mcpt_posix_unix_time(void *user)
{
    struct timespec t;
    (void)user;
    if (clock_gettime(CLOCK_REALTIME, &t) != 0 || (int64_t)t.tv_sec < INT64_C(1704067200)) {
        return -1;
    }
    return (int64_t)t.tv_sec;
}

bool mcpt_posix_random(void *user, void *buf, size_t len)
{
    uint8_t *at = (uint8_t *)buf;
    size_t left = len;
    (void)user;
    while (left > 0) {
        size_t piece = left < 256 ? left : 256;   /* up to 256 bytes come whole, or not at all */
#ifdef __linux__
        bool ok = getrandom(at, piece, 0) == (ssize_t)piece;
#else
        bool ok = getentropy(at, piece) == 0;
#endif
        if (ok) {
            at += piece;
            left -= piece;
        } else if (errno != EINTR) {
            memset(buf, 0, len);
            return false;
        }
    }
    return true;
}

static size_t append(char *line, size_t at, size_t cap, const char *text)
{
    size_t n = strlen(text);
    if (n > cap - at) {
        n = cap - at;
    }
    memcpy(line + at, text, n);
    return at + n;
}

void mcpt_posix_log(void *user, mcpt_level level, mcpt_err what, const char *text)
{
    static const char *const names[] = {
        "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"
    };
    char line[256];
    char digits[8];
    const size_t cap = sizeof line - 1;
    size_t n, i = sizeof digits;
    unsigned v = (unsigned)(what < 0 ? -(int)what : (int)what);
    (void)user;
    if (level < MCPT_NOTICE) {
        return;
    }
    digits[--i] = '\0';
    do {
        digits[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0 && i > 0);
    n = append(line, 0, cap, "mcptools: ");
    n = append(line, n, cap, names[(unsigned)level & 7u]);
    n = append(line, n, cap, ": ");
    n = append(line, n, cap - 16, text != NULL ? text : mcpt_strerror(what));
    if (what != MCPT_OK) {
        n = append(line, n, cap, what < 0 ? " [-" : " [");
        n = append(line, n, cap, &digits[i]);
        n = append(line, n, cap, "]");
    }
    line[n] = '\n';
    while (write(STDERR_FILENO, line, n + 1) < 0 && errno == EINTR) {
        /* a signal came first: once more */
    }
}

const mcpt_env mcpt_posix_env = {
    mcpt_posix_millis, mcpt_posix_unix_time, mcpt_posix_random, mcpt_posix_log, NULL, NULL
};
