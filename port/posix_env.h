/* port/posix_env.h - clock, random and log of a POSIX system, for mcpt_env
 *
 * Do this:
 *     static const mcpt_env env = {
 *         mcpt_posix_millis, mcpt_posix_unix_time, mcpt_posix_random, mcpt_posix_log,
 *         &mcpt_mbedtls_crypto, NULL
 *     };
 * or, without cryptography (then requestState is not available), &mcpt_posix_env.
 *
 * Needs: Linux 3.17 with getrandom(); elsewhere getentropy() (BSD, macOS).
 * Does not: allocate, keep state, need mcpt_env.user (it may serve another member).
 * RAM: none.
 * Tested with: Debian 12 (Linux 6, glibc 2.36).
 */
#ifndef MCPT_PORT_POSIX_ENV_H
#define MCPT_PORT_POSIX_ENV_H
#include "mcptools.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Milliseconds of CLOCK_MONOTONIC; wraps after 49 days. user is not used, here and below. */
uint32_t mcpt_posix_millis(void *user);
/* Unix seconds of CLOCK_REALTIME. -1 (not set) as long as the clock shows a date before 2024: a board without
 * a battery starts in 1970 and must not judge by that whether a token has expired. */
int64_t mcpt_posix_unix_time(void *user);
/* len bytes from the kernel's CSPRNG; may block early at boot until it is seeded. False: the kernel has none;
 * buf is then zero. May run in several threads. */
bool mcpt_posix_random(void *user, void *buf, size_t len);
/* One line to file descriptor 2, by one write(): "mcptools: warning: text [-9]". text NULL: the error's
 * sentence. Levels below MCPT_NOTICE are left out. */
void mcpt_posix_log(void *user, mcpt_level level, mcpt_err what, const char *text);
/* The four together; crypto is NULL. */
extern const mcpt_env mcpt_posix_env;

#ifdef __cplusplus
}
#endif
#endif
