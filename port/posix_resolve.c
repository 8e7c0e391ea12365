/* port/posix_resolve.c - see posix_resolve.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "posix_resolve.h"
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

enum { IDLE, RUNNING, DONE };                               /* lookup.state */

static void *look_up(void *arg)
{
    mcpt_posix_lookup *l = (mcpt_posix_lookup *)arg;
    struct addrinfo hints;
    struct addrinfo *list = NULL;
    const struct addrinfo *a;
    size_t n = 0;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(l->host, NULL, &hints, &list) == 0) {
        for (a = list; a != NULL && n < sizeof l->found / sizeof l->found[0]; a = a->ai_next) {
            if (a->ai_family == AF_INET) {
                l->found[n].len = 4;
                memcpy(l->found[n++].bytes, &((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr, 4);
            } else if (a->ai_family == AF_INET6) {
                l->found[n].len = 16;
                memcpy(l->found[n++].bytes, &((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr, 16);
            }
        }
        freeaddrinfo(list);
    }
    (void)pthread_mutex_lock(&l->owner->lock);
    l->n = n;
    l->state = DONE;
    (void)pthread_mutex_unlock(&l->owner->lock);
    mcpt_posix_wake(l->owner->net);
    return NULL;
}

mcpt_err mcpt_posix_resolver_init(mcpt_posix_resolver *r, mcpt_posix_lookup *lookups, uint32_t n)
{
    uint32_t i;
    memset(r, 0, sizeof *r);
    memset(lookups, 0, n * sizeof lookups[0]);
    for (i = 0; i < n; ++i) {
        lookups[i].owner = r;
    }
    r->lookups = lookups;
    r->n = n;
    return pthread_mutex_init(&r->lock, NULL) == 0 ? MCPT_OK : MCPT_E_IO;
}

void mcpt_posix_resolver_attach(mcpt_posix_resolver *r, mcpt_posix *net)
{
    r->net = net;
}

static mcpt_err begin(mcpt_posix_lookup *l, const char *host)
{
    sigset_t all, before;
    int failed;
    memcpy(l->host, host, strlen(host) + 1);
    l->state = RUNNING;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);      /* inherited: signals are the program's */
    failed = pthread_create(&l->thread, NULL, look_up, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        l->state = IDLE;
        return MCPT_E_IO;
    }
    return MCPT_PENDING;
}

mcpt_err mcpt_posix_resolve(void *resolver, uint32_t k, const char *host, mcpt_posix_address *found, size_t *n)
{
    mcpt_posix_resolver *r = (mcpt_posix_resolver *)resolver;
    mcpt_posix_lookup *l;
    int state;
    if (k >= r->n || r->net == NULL || strlen(host) >= sizeof r->lookups[0].host) {
        return MCPT_E_IO;
    }
    l = &r->lookups[k];
    (void)pthread_mutex_lock(&r->lock);
    state = l->state;
    (void)pthread_mutex_unlock(&r->lock);
    if (state == RUNNING) {
        return MCPT_PENDING;
    }
    if (state == DONE) {
        (void)pthread_join(l->thread, NULL);
        l->state = IDLE;
        if (strcmp(l->host, host) == 0) {
            *n = l->n < *n ? l->n : *n;
            memcpy(found, l->found, *n * sizeof found[0]);
            return *n != 0 ? MCPT_OK : MCPT_E_IO;
        }
    }
    return begin(l, host);            /* also after the late answer to an earlier request */
}

void mcpt_posix_resolver_destroy(mcpt_posix_resolver *r)
{
    uint32_t i;
    for (i = 0; i < r->n; ++i) {
        if (r->lookups[i].state != IDLE) {                  /* the thread's own writes end before join answers */
            (void)pthread_join(r->lookups[i].thread, NULL);
            r->lookups[i].state = IDLE;
        }
    }
    (void)pthread_mutex_destroy(&r->lock);
}
