/* port/lwip_client.h - an MCP client, and outbound requests of a server, on lwIP's raw (callback) interface
 *
 * Do this:
 *     static mcpt_lwip_client out;
 *     mcpt_lwip_client_config config = { 0 };               // zero: the default, for every member
 *     config.client = &client;                              // after mcpt_client_init()
 *     config.channels = &channel;
 *     config.nchannels = 1;
 *     config.tls = &bear.tls;                               // a client of port/tls_bearssl or port/tls_mbedtls; NULL: http only
 *     if (mcpt_lwip_client_init(&out, &config) != MCPT_OK) { ... }
 *     for (;;) {
 *         ethernet_frames_to_lwip();                        // your driver: netif->input()
 *         sys_check_timeouts();                             // lwIP's own timers
 *         sleep_at_most(mcpt_lwip_client_poll(&out), sys_timeouts_sleeptime());     // milliseconds, or until an interrupt
 *     }
 * Everything happens in mcpt_lwip_client_poll(); lwIP's callbacks only take notes. Nothing blocks: names are asked for with lwIP's
 * own resolver (LWIP_DNS 1 and dns_setserver(); without it hosts are address literals), connections are made in the
 * background. Under an RTOS it is called where lwIP's core may be called, as in port/lwip.h, and config.notify wakes that task.
 *
 * Bytes to send are not copied: lwIP sends them from the channel's transmit buffer, or from TLS' memory, until the peer has
 * acknowledged them. Received bytes are copied once, from pbufs into the receive buffer.
 *
 * An exchange (mcpt_exchange: key sets, introspection) is connected in the same way; a server on port/lwip that needs one has both
 * ports in its loop. With a client and an exchange TLS needs a connection for each channel and one more.
 *
 * Needs: lwIP 2.1 or 2.2 with LWIP_TCP and LWIP_CALLBACK_API, for each channel a TCP_PCB and one more that is being closed, 4
 * TCP_SEG, TCP_WND / TCP_MSS + 1 pbufs of the pool; LWIP_RAND and LWIP_HOOK_TCP_ISN random: after a reset without power the peer still
 * has the old connection, and a SYN with its port and its sequence number may get no answer.
 * Does not: allocate, use threads, initialise lwIP, try a second address of a name (lwIP's resolver answers one).
 * Links port/tls.c, not a TLS library.
 * RAM: sizeof(mcpt_lwip_client), 200 bytes. lwIP's pools come on top, and TLS' memory.
 * Longest uninterruptible call: mcpt_lwip_client_poll(), with TLS two elliptic curve multiplications.
 * Tested with: lwIP 2.1.3 (Debian 12), NO_SYS 1, emulated Cortex-M3 (examples/firmware/client.c), x86-64 (tests/port/lwip.c).
 */
#ifndef MCPT_PORT_LWIP_CLIENT_H
#define MCPT_PORT_LWIP_CLIENT_H
#include "mcptools.h"
#include "tls.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_lwip_client_config {                    /* zero or NULL: the default */
    mcpt_client *client;              /* initialised; NULL: there is none */
    mcpt_channel *channels;           /* those of the client */
    size_t nchannels;                 /* 1 to 3 */
    mcpt_exchange *exchange;          /* initialised; NULL: there is none */
    mcpt_tls *tls;                    /* a client's; NULL: https is refused */
    uint32_t connect_ms;              /* for name and connection; 0: 10000 */
    /* For devices beside others that a stranger's server must not reach through them (security best practices, "SSRF"): another
     * host or port than the endpoint's, which only metadata can name (mcpt_channel_foreign()), is connected to at public
     * addresses alone (mcpt_address_public()). Else the outcome is E_ISSUER. */
    bool foreign_public;
    void (*notify)(void *notify_user);                      /* mcpt_lwip_client_poll() has something to do; NULL: it is
                                         called after every interrupt and every frame anyway */
    void *notify_user;
} mcpt_lwip_client_config;
typedef struct mcpt_lwip_link {       /* private: a connection */
    struct mcpt_lwip_client *port;
    mcpt_io *app, *io;                /* the machine, and what is pumped: TLS before it, or itself */
    mcpt_tls_conn *tls;
    void *pcb;
    struct pbuf *in;                  /* received, not taken yet */
    uint32_t flight, since, number;   /* bytes that io shows and lwIP holds; when it began; of the exchange's request */
    uint32_t address[5];              /* what the resolver answered */
    uint8_t state, flags;
} mcpt_lwip_link;
typedef struct mcpt_lwip_client {     /* private but for connects; do not copy or move between init and close */
    mcpt_lwip_client_config config;
    mcpt_lwip_link links[4];          /* of the channels, of the exchange */
    uint32_t connects;                /* connections so far */
} mcpt_lwip_client;

/* config is copied, what it points to is borrowed until close. OK; E_ARG: neither a client nor an exchange, no channels, more
 * than 3. */
MCPT_NODISCARD mcpt_err mcpt_lwip_client_init(mcpt_lwip_client *p, const mcpt_lwip_client_config *config);
/* Does what there is to do; callbacks of the client and the exchange run in here. Answers the milliseconds until it must be
 * called again even if nothing arrives: 0: at once, there is more; (uint32_t)-1: no limit. Call it after frames went into
 * lwIP, after mcpt_client_send(), mcpt_exchange_start() and the like. */
uint32_t mcpt_lwip_client_poll(mcpt_lwip_client *p);
/* Closes every connection. A name that lwIP's resolver still looks for may come back to the object: its memory must stay for as
 * long (at most 30 seconds), and may be initialised anew. */
void mcpt_lwip_client_close(mcpt_lwip_client *p);

#ifdef __cplusplus
}
#endif
#endif
