/* port/lwip.h - an MCP server on lwIP's raw (callback) interface: no operating system needed
 *
 * Do this:
 *     static uint8_t memory[MCPT_LWIP_SIZE(4, 2, 1536, 1024, 64)];  // connections, buffers, rx, tx, tokens
 *     static mcpt_lwip net;
 *     mcpt_lwip_config config = { 0 };                      // zero: the default, for every member
 *     config.server = &server;
 *     config.hub = &hub;                                    // after mcpt_hub_init()
 *     config.connections = 4, config.buffers = 2;
 *     config.rx_size = 1536, config.tx_size = 1024, config.ntok = 64;
 *     lwip_init(), netif_add(...), ...
 *     if (mcpt_lwip_init(&net, &config, memory, sizeof memory) != MCPT_OK) { ... }
 *     for (;;) {
 *         ethernet_frames_to_lwip();                        // your driver: netif->input()
 *         sys_check_timeouts();                             // lwIP's own timers
 *         sleep_at_most(mcpt_lwip_poll(&net), sys_timeouts_sleeptime());    // milliseconds, or until an interrupt
 *     }
 * Handlers run in mcpt_lwip_poll(), never in lwIP's callbacks, which only take notes: the stack need not hold both.
 *
 * Under an RTOS (NO_SYS 0) everything here, init too, runs where lwIP's core may be called: in the tcpip thread, or in
 * a task of its own with the core locked (LWIP_TCPIP_CORE_LOCKING 1):
 *     for (;;) {
 *         LOCK_TCPIP_CORE();
 *         uint32_t due = mcpt_lwip_poll(&net);
 *         UNLOCK_TCPIP_CORE();
 *         semaphore_take(wake, due);                        // due (uint32_t)-1: without limit
 *     }
 * config.notify gives that semaphore: it is called in the tcpip thread when there is something to do, and by
 * mcpt_wake() in the context of its caller (give it from interrupts in the way your RTOS wants it). A long handler keeps
 * the core locked: answer MCPT_PENDING and work elsewhere.
 *
 * Connections come from a fixed pool. Only those at work hold a buffer (receive, transmit, tokens), from a smaller pool;
 * an idle one holds none. What arrives meanwhile stays in lwIP's pbufs and the TCP window closes: tcp_recved() is told
 * only what was taken. When every connection is taken, new clients wait, two at a time and up to two seconds, for one that gives way:
 * the one that has waited longest for a further request (0.1 s at least) or for its first (1 s). When none does (all are in work, or
 * event streams), or more clients come, they get 503 with Retry-After. A request that is on
 * its way to a connection that ends so is not seen, and its client may send it again (RFC 9112, section 9.5).
 * mcpt_server.idle_ms frees what idles.
 *
 * Bytes to send are not copied: lwIP sends them from the transmit buffer, which is therefore in use until the peer has
 * acknowledged them (a round trip; with a delayed acknowledgement up to 0.2 s). Received bytes are copied once, from
 * pbufs into the receive buffer.
 *
 * With config.tls (port/tls_bearssl, port/tls_mbedtls) it serves https. Each connection takes one of that pool until it ends;
 * instead of 503 a client then gets the alert internal_error. What TLS needs lies in its own memory: record buffers,
 * keys. So a connection holds a buffer of the port no longer than without TLS, a handshake for the length of a poll; what
 * does not fit into the record buffer waits in pbufs as above. Records are sent from TLS' memory: the next one after the
 * acknowledgement of the one before. A stop sends close_notify to idle connections. Handshakes that take longer than the
 * timeout of mcpt_tls_config are ended.
 *
 * Needs: lwIP 2.1 or 2.2 with LWIP_TCP and LWIP_CALLBACK_API; MEMP_NUM_TCP_PCB of connections + TCP_DEFAULT_LISTEN_BACKLOG, the
 * handshakes at once: a SYN that finds neither is dropped, and its sender repeats it after 1 s (Linux) to 6 s (QEMU's user network),
 * then twice as long. Connections that have ended, were refused or gave way do not count, a SYN takes their PCBs. With fewer (connections
 * + 3) the fourth of several clients at once waited 6 to 18 s. ARP_QUEUEING 1 for as many frames: without it, of the
 * clients that come at once while the MAC is not known, all but one wait 3 s.
 * Also: MEMP_NUM_TCP_SEG of at least 4 for each buffer; a PBUF_POOL_SIZE of
 * TCP_WND / TCP_MSS + 1 for each connection without a buffer and 4 more: what waits must leave some for the others. A driver that gives frames
 * without payload memory outside of that pool (examples/firmware/network.c) keeps acknowledgements coming in any case.
 * SO_REUSE 1 to begin again within two minutes after a destroy. With LWIP_ALTCP the allocator may be that of altcp_tls (not
 * tested: TLS is the business of config.tls).
 * Does not: allocate, use threads, initialise lwIP or a network interface. Links port/tls.c (-DMCPT_LWIP_NO_TLS=1:
 * not even that, which saves 1.6 KB), not a TLS library.
 * RAM: MCPT_LWIP_SIZE(): per connection sizeof(mcpt_conn) + 48 bytes, per buffer rx_size + tx_size + 20 * ntok. lwIP's own
 * pools come on top, and TLS' memory.
 * Longest uninterruptible call: mcpt_lwip_poll(), your longest handler, or with TLS the private key's work in a handshake.
 * Tested with: lwIP 2.1.3 (Debian 12) and 2.2.1 (Debian 13: the conformance suite), NO_SYS 1, emulated Cortex-M3 (examples/firmware).
 */
#ifndef MCPT_PORT_LWIP_H
#define MCPT_PORT_LWIP_H
#include "mcptools.h"
#include "tls.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_lwip_config {     /* zero or NULL: the default */
    const mcpt_server *server;        /* required; static */
    mcpt_hub *hub;                    /* required; initialised; one port for one hub */
    uint16_t port;                    /* 0: 80 */
    uint16_t connections;             /* at once; 0: 4, at most 255 */
    uint16_t buffers;                 /* connections at work at once; those whose call waits, and open event streams
                                         unless mcpt_conn_idle() says otherwise, are at work too; 0: 2, at most
                                         connections */
    uint16_t ntok;                    /* of one buffer, as in mcpt_mem; 0: 64 */
    uint32_t rx_size, tx_size;        /* as in mcpt_mem; 0: 1536 and 1024 */
    mcpt_tls *tls;                    /* a server's, for this port alone; borrowed until destroy; NULL: plain HTTP */
    void *user;                       /* conn_user of every connection */
    void (*other)(void *other_user, mcpt_conn *c);          /* pumps a ready connection of the hub that is not
                                         this port's, such as a UART's; NULL: there are none */
    void *other_user;
    void (*notify)(void *notify_user);                      /* mcpt_lwip_poll() has something to do; NULL: it is
                                         called after every interrupt and every frame anyway */
    void *notify_user;
    void *allocator;                  /* altcp_allocator_t with LWIP_ALTCP; NULL: plain TCP */
} mcpt_lwip_config;

typedef struct mcpt_lwip_wire {       /* private: a TCP connection, and what it is pumped with */
    struct mcpt_lwip *port;
    mcpt_io *io;                      /* of TLS, or of the machine behind */
    mcpt_tls_conn *tls;               /* between the two; NULL: nothing is */
    void *pcb;
    struct pbuf *in;                  /* received, not taken yet */
    struct mcpt_lwip_wire *next[2];
    uint32_t flight;                  /* bytes that io shows and lwIP holds */
    uint32_t turn;                    /* milliseconds: when it had its last turn */
    uint8_t flags, want, buffer;
} mcpt_lwip_wire;
typedef struct mcpt_lwip_slot {       /* private: a client's connection */
    mcpt_lwip_wire wire;              /* first: a pointer to one is a pointer to the other */
    mcpt_conn conn;
} mcpt_lwip_slot;
enum { MCPT_LWIP_GUESTS = 2 };        /* clients that wait for room at once */
typedef struct mcpt_lwip_guest { void *pcb; struct pbuf *in; uint32_t since; bool ended; } mcpt_lwip_guest;     /* private */
typedef struct mcpt_lwip_queue { mcpt_lwip_wire *first, *last; } mcpt_lwip_queue;   /* private */
typedef struct mcpt_lwip_stats {      /* what is going on, for diagnosis and tests */
    uint16_t connections;             /* open; those not counted that only wait for the peer's end */
    uint16_t buffers;                 /* in use */
    uint16_t most_connections, most_buffers;                /* at once, since init */
    uint32_t accepted, refused;       /* clients so far: served, answered 503 or internal_error */
} mcpt_lwip_stats;
typedef struct mcpt_lwip {            /* private; do not copy or move between init and destroy */
    mcpt_lwip_config config;
    mcpt_lwip_slot *slots;
    char *buffers;
    void *listener;
    mcpt_lwip_queue queues[2];        /* with something to do, without a buffer */
    mcpt_lwip_guest guests[MCPT_LWIP_GUESTS];
    mcpt_lwip_stats stats;
    uint8_t stopping;
    uint8_t taken[32];                /* a bit for each buffer */
} mcpt_lwip;

/* Bytes of memory for init, a constant expression. 7 are there to align the block. */
#define MCPT_LWIP_SIZE(connections, buffers, rx, tx, ntok) \
    ((size_t)(connections) * sizeof(mcpt_lwip_slot) + \
     (size_t)(buffers) * (((size_t)(ntok) * sizeof(mcpt_tok) + (size_t)(rx) + (size_t)(tx) + 7u) & ~(size_t)7u) + 7u)

/* Binds and listens, on every address and family lwIP has. config is copied; mem (size bytes, any alignment) is borrowed
 * until destroy. OK; E_ARG: server or hub missing, a number out of range, TLS that is left out; E_SPACE: size is too small; E_IO: lwIP has no
 * PCB left, or the port is taken; E_ABI as mcpt_conn_init(). After an error nothing is left open. */
MCPT_NODISCARD mcpt_err mcpt_lwip_init(mcpt_lwip *p, const mcpt_lwip_config *config, void *mem, size_t size);
/* Does what there is to do; handlers run in here. Answers the milliseconds until it must be called again even if nothing
 * arrives: 0: at once, there is more; (uint32_t)-1: no limit. Call it after frames went into lwIP, after mcpt_wake(), and
 * after mcpt_hub_changed() or mcpt_hub_updated() outside of a handler. */
uint32_t mcpt_lwip_poll(mcpt_lwip *p);
/* Begins a graceful stop: no new connections, mcpt_hub_close(), answers in work are sent, idle connections are closed. Keep
 * polling; it is done when mcpt_lwip_now() counts no connections. */
void mcpt_lwip_stop(mcpt_lwip *p);
/* Closes everything at once. The hub may be used elsewhere afterwards. */
void mcpt_lwip_destroy(mcpt_lwip *p);
mcpt_lwip_stats mcpt_lwip_now(const mcpt_lwip *p);

#ifdef __cplusplus
}
#endif
#endif
