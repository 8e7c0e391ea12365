/* port/posix.h - an MCP server on TCP sockets: epoll on Linux, poll elsewhere
 *
 * Do this:
 *     mcpt_posix_config config = { 0 };                     // zero: the default, for every member
 *     config.server = &server;
 *     config.hub = &hub;                                    // after mcpt_hub_init()
 *     config.port = 8080;
 *     mcpt_posix net;
 *     void *mem = malloc(mcpt_posix_size(&config));         // or a static array that is large enough
 *     if (mcpt_posix_init(&net, &config, mem, mcpt_posix_size(&config)) != MCPT_OK) { perror("listen"); ... }
 *     mcpt_posix_stop_on_signals(&net);
 *     mcpt_posix_run(&net);                                 // until SIGTERM, SIGINT or mcpt_posix_stop()
 *     mcpt_posix_destroy(&net);
 * In a loop of your own: mcpt_posix_poll(&net, 0) whenever mcpt_posix_fd() is readable or mcpt_posix_due()
 * milliseconds have passed.
 *
 * Listens on 127.0.0.1 and ::1 unless host says otherwise. With config.tls (port/tls_mbedtls, port/tls_bearssl) it
 * serves https; without, put a proxy in front before you open it to a network. Each TLS connection takes one of its
 * pool until it ends; when none is left, and none gives way, a further client gets the alert internal_error at once.
 *
 * Connections come from a fixed pool. Only those at work hold a buffer (receive, transmit, tokens), from a
 * smaller pool; an idle one holds none. When every buffer is taken, further requests wait in their sockets,
 * first come first served; a client that has not sent the rest of its request, or taken any of its answer, for
 * stall_ms is closed then. When every connection is taken, the one that has waited longest for a further request
 * gives way to a new client (RFC 9112, section 9.5: a request that crosses its end may be sent again), or else one
 * that has not begun its first request within stall_ms. When there is none (all are in work, event streams, or
 * newer) the client gets 503 with Retry-After at once, rather than waiting unseen in the backlog, so that it, or the
 * balancer in front, can go elsewhere. Where the process has no descriptor left, the same ones give way; else clients
 * wait in the backlog.
 * mcpt_server.idle_ms frees what idles. Idle connections cost no time: nothing here walks over them.
 *
 * Outbound requests (>>exchange: key sets, introspection, metadata) are connected by the same loop when config.exchanges
 * names them; https needs config.client_tls. Names are not resolved here, because the C library's way to do that waits:
 * config.resolve does, such as mcpt_posix_resolve of port/posix_resolve, which keeps a thread for it. Without it only
 * "localhost" and address literals are reached. Every address is put to mcpt_exchange_address_ok() first, up to four are
 * tried in turn.
 *
 * Needs: POSIX.1-2008 sockets; Linux for epoll, accept4 and eventfd. -DMCPT_POSIX_POLL=1 chooses poll() and a
 * pipe on Linux too.
 * Does not: allocate, resolve names, use threads, change signal masks. Links port/tls.c, not a TLS library.
 * SIGPIPE is never raised.
 * RAM: mcpt_posix_size(): per connection sizeof(mcpt_conn) + 40 (+ 8 with poll) bytes, per buffer rx_size +
 * tx_size + 20 * ntok.
 * Tested with: Debian 12 (Linux 6, glibc 2.36), epoll and poll variant.
 */
#ifndef MCPT_PORT_POSIX_H
#define MCPT_PORT_POSIX_H
#include "mcptools.h"
#include "posix_env.h"
#include "tls.h"
#include <signal.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_posix_address { uint8_t len, bytes[16]; } mcpt_posix_address;    /* 4 or 16 bytes, network order */

typedef struct mcpt_posix_config {    /* zero or NULL: the default */
    const mcpt_server *server;        /* required; static */
    mcpt_hub *hub;                    /* required; initialised; one loop for one hub */
    const char *host;                 /* NULL or "localhost": 127.0.0.1 and ::1; "*": every address of both
                                         families; or one IPv4 or IPv6 literal ("fe80::1%eth0" too). Borrowed
                                         for the call */
    uint16_t port;                    /* 0: one that is free, see mcpt_posix_port() */
    uint32_t connections;             /* at once; 0: 1024, at most 1000000 */
    uint32_t buffers;                 /* connections at work at once; those whose call waits, and open event
                                         streams unless mcpt_conn_idle() says otherwise, are at work too;
                                         0: 64, at most connections */
    uint32_t rx_size, tx_size, ntok;  /* of one buffer, as in mcpt_mem; 0: 16384, 16384, 256 */
    uint32_t stop_ms;                 /* how long a stop waits for what is in work; 0: 5000 */
    uint32_t stall_ms;                /* how long a slow client keeps what another waits for; 0: 2000 */
    mcpt_tls *tls;                    /* a server's, for this port alone; borrowed until destroy; NULL: plain HTTP */
    mcpt_exchange *const *exchanges;  /* outbound requests; borrowed until destroy */
    uint32_t nexchanges;
    mcpt_tls *client_tls;             /* a client's, for their https and this port alone; borrowed until destroy; NULL: https fails, E_TLS */
    /* The addresses of a host for exchange number k, without waiting: OK, *n of them (*n is the room before); PENDING: ask
     * again after mcpt_posix_wake(); an error. NULL: localhost and address literals only. */
    mcpt_err (*resolve)(void *resolve_user, uint32_t k, const char *host, mcpt_posix_address *found, size_t *n);
    void *resolve_user;
    void *user;                       /* conn_user of every connection */
    void (*other)(void *other_user, mcpt_conn *c);          /* pumps a ready connection of the hub that is not
                                         this port's, such as a UART's; NULL: there are none */
    void *other_user;
} mcpt_posix_config;

typedef struct mcpt_posix_list { uint32_t first, last, count; } mcpt_posix_list;   /* private */
typedef struct mcpt_posix {           /* private; do not copy or move between init and destroy */
    mcpt_posix_config config;
    struct mcpt_posix_slot *slots;
    struct mcpt_posix_link *links;
    mcpt_conn *conns;
    void *events;
    uint32_t *free_buffers;
    char *rx, *tx;
    mcpt_tok *tok;
    uint32_t nfree, nslots, nevents, used;
    mcpt_posix_list vacant, spare, waiting, again, linger, idle, fresh, held;
    int listener[2];
    int poller;
    int wake[2];
    uint32_t paused_at, stop_at, due_at;
    uint16_t port;
    uint8_t state, paused;
    bool timed, attached;
    bool hold;                         /* more events have come: their requests are read before answers are sent */
    volatile sig_atomic_t stop;
    char drain[4096];
} mcpt_posix;

/* Bytes of memory that init needs for this configuration; 0: the configuration is out of range. */
size_t mcpt_posix_size(const mcpt_posix_config *config);
/* Binds and listens. config is copied; mem (size bytes, any alignment) is borrowed until destroy. OK; E_ARG:
 * server or hub missing, a number out of range, host not an address; E_SPACE: size is too small; E_IO: the
 * system refused, errno says why (EADDRINUSE, EACCES, ...). After an error nothing is left open. */
MCPT_NODISCARD mcpt_err mcpt_posix_init(mcpt_posix *p, const mcpt_posix_config *config,
                                        void *mem, size_t size);
/* The port in use: config.port, or the one the system chose. */
uint16_t mcpt_posix_port(const mcpt_posix *p);

/* Serves until stopped; handlers run in here. OK: stopped, everything was finished or stop_ms have passed.
 * E_IO: the system's wait failed (errno says why). */
mcpt_err mcpt_posix_run(mcpt_posix *p);
/* Waits at most timeout_ms (< 0: without limit) for something to do and does it. PENDING: call again; OK and
 * E_IO as above. May return early. */
MCPT_NODISCARD mcpt_err mcpt_posix_poll(mcpt_posix *p, int timeout_ms);
/* A descriptor that turns readable when there is something to do, to be watched by another loop; -1 with
 * poll(). */
int mcpt_posix_fd(const mcpt_posix *p);
/* Milliseconds from the last mcpt_posix_poll() until it has to be called even if nothing arrives;
 * (uint32_t)-1: no limit. Call it at once after mcpt_hub_changed() or mcpt_hub_updated() outside of a
 * handler. */
uint32_t mcpt_posix_due(const mcpt_posix *p);

/* Lets the loop look around: allowed in other threads and signal handlers. */
void mcpt_posix_wake(mcpt_posix *p);
/* Begins a graceful stop: no new connections, mcpt_hub_close(), idle connections are closed, answers in work
 * are sent. Allowed in signal handlers and other threads. */
void mcpt_posix_stop(mcpt_posix *p);
/* SIGTERM and SIGINT call mcpt_posix_stop(p) once; a second signal ends the process as usual. One server in a
 * process can have this: it is remembered in a static pointer until destroy. OK; E_STATE: another has it;
 * E_IO. */
mcpt_err mcpt_posix_stop_on_signals(mcpt_posix *p);
/* Closes everything at once. The hub may be used elsewhere afterwards. */
void mcpt_posix_destroy(mcpt_posix *p);

/* What is going on, for diagnosis and tests. */
typedef struct mcpt_posix_stats {
    uint32_t connections;             /* open, those included that are only waiting for the peer's end */
    uint32_t buffers;                 /* in use */
    uint32_t waiting;                 /* connections that wait for a buffer */
} mcpt_posix_stats;
mcpt_posix_stats mcpt_posix_now(const mcpt_posix *p);

#ifdef __cplusplus
}
#endif
#endif
