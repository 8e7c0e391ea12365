/* port/posix_resolve.h - host names for the outbound requests of port/posix, without making its loop wait
 *
 * Do this, beside what posix.h says:
 *     static mcpt_posix_lookup lookups[EXCHANGES];          // one for each of config.exchanges
 *     static mcpt_posix_resolver names;
 *     mcpt_posix_resolver_init(&names, lookups, EXCHANGES);
 *     config.resolve = mcpt_posix_resolve;
 *     config.resolve_user = &names;
 *     ... mcpt_posix_init(&net, &config, ...);
 *     mcpt_posix_resolver_attach(&names, &net);             // before the loop runs
 *     ...
 *     mcpt_posix_resolver_destroy(&names);                  // after the loop, before
 *     mcpt_posix_destroy(&net);
 *
 * The C library's getaddrinfo() knows /etc/hosts, search domains, mDNS and what else this system is set up for, and it
 * waits: so each lookup runs in a thread of its own, at most one for each exchange, and wakes the loop when it is done. A
 * lookup cannot be interrupted: when its request has timed out, the next one of that exchange waits for it, and destroy
 * does (the system's resolver gives up after 10 to 30 seconds). Nothing is cached: that is the system's business.
 *
 * Needs: POSIX threads. Does not: allocate (getaddrinfo() does), touch signals of the program (its threads block all).
 * RAM: sizeof(mcpt_posix_lookup) each, about 500 bytes; a thread's stack while a lookup runs.
 * Tested with: Debian 12 (glibc 2.36).
 */
#ifndef MCPT_PORT_POSIX_RESOLVE_H
#define MCPT_PORT_POSIX_RESOLVE_H
#include "posix.h"
#include <pthread.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_posix_lookup {    /* private */
    pthread_t thread;
    struct mcpt_posix_resolver *owner;
    char host[256];
    mcpt_posix_address found[4];
    size_t n;
    uint8_t state;                    /* guarded by the owner's lock */
} mcpt_posix_lookup;
typedef struct mcpt_posix_resolver {  /* private; do not copy or move between init and destroy */
    pthread_mutex_t lock;
    mcpt_posix_lookup *lookups;
    uint32_t n;
    mcpt_posix *net;
} mcpt_posix_resolver;

/* lookups: n of them, borrowed until destroy. OK; E_IO: the system has no lock left. */
MCPT_NODISCARD mcpt_err mcpt_posix_resolver_init(mcpt_posix_resolver *r, mcpt_posix_lookup *lookups, uint32_t n);
/* The loop that is woken; borrowed until destroy. */
void mcpt_posix_resolver_attach(mcpt_posix_resolver *r, mcpt_posix *net);
/* For mcpt_posix_config.resolve, with the resolver as resolve_user. */
mcpt_err mcpt_posix_resolve(void *resolver, uint32_t k, const char *host, mcpt_posix_address *found, size_t *n);
/* Waits for what is still in work. */
void mcpt_posix_resolver_destroy(mcpt_posix_resolver *r);

#ifdef __cplusplus
}
#endif
#endif
