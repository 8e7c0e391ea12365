/* port/microhttpd.h - an MCP server inside GNU libmicrohttpd
 *
 * Do this, when MCP is all that is served:
 *     mcpt_mhd_config config = { 0 };                       // zero: the default, for every member
 *     config.server = &server;
 *     config.hub = &hub;                                    // after mcpt_hub_init()
 *     mcpt_mhd web;
 *     void *mem = malloc(mcpt_mhd_size(&config));           // or a static array that is large enough
 *     mcpt_mhd_init(&web, &config, mem, mcpt_mhd_size(&config));
 *     mcpt_mhd_start(&web, NULL, 8080);                     // 127.0.0.1 and ::1
 *     while (mcpt_mhd_poll(&web, -1) == MCPT_PENDING) { }   // until mcpt_mhd_stop()
 *     mcpt_mhd_destroy(&web);
 * Or in a web application of yours: start a daemon with MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME (without a
 * thread of its own) and MHD_OPTION_NOTIFY_COMPLETED = mcpt_mhd_completed with &web, name it by
 * mcpt_mhd_add() instead of mcpt_mhd_start(), and in your MHD_AccessHandlerCallback hand over what is for us:
 *     if (mcpt_mhd_match(&web, url)) {
 *         return mcpt_mhd_handle(&web, connection, url, method, version, data, size, con_cls);
 *     }
 *
 * A request body is collected up to rx_size, its query behind it; a longer one is answered 413, or 414. While an answer is not known, or
 * an event stream has nothing to send, its connection is suspended and costs nothing; its socket is watched,
 * so that a client that goes is noticed at once. When every exchange is taken a request is answered 503 with
 * Retry-After.
 *
 * Needs: libmicrohttpd 0.9.64 or later with epoll (Linux). Everything runs in one thread, the hub's.
 * Does not: allocate (libmicrohttpd does, and so it must be asked about its own memory), do TLS, time idle
 * connections (MHD_OPTION_CONNECTION_TIMEOUT does; mcpt_mhd_start() sets it to mcpt_server.idle_ms).
 * RAM: mcpt_mhd_size(): per exchange about 3.2 KB + rx_size + tx_size + 20 * ntok. libmicrohttpd: 32 KB per
 * connection.
 * Tested with: libmicrohttpd 0.9.75 (Debian 12).
 */
#ifndef MCPT_PORT_MICROHTTPD_H
#define MCPT_PORT_MICROHTTPD_H
#include "mcptools.h"
#include <microhttpd.h>
#include <signal.h>
#ifdef __cplusplus
extern "C" {
#endif

#if MHD_VERSION >= 0x00097002
typedef enum MHD_Result mcpt_mhd_result;
#else
typedef int mcpt_mhd_result;          /* before 0.9.71 */
#endif

typedef struct mcpt_mhd_config {      /* zero or NULL: the default */
    const mcpt_server *server;        /* required; static */
    mcpt_hub *hub;                    /* required; initialised; one loop for one hub */
    uint32_t exchanges;               /* requests in work and open event streams at once; 0: 64 */
    uint32_t rx_size, tx_size, ntok;  /* longest request body with its query; as in mcpt_mem; 0: 16384, 16384, 256 */
    uint32_t stop_ms;                 /* how long a stop waits for what is in work; 0: 5000 */
    /* Who is calling, when the application knows; NULL: nobody in particular. The answer must stay as it is
     * until the request is completed. */
    const mcpt_principal *(*who)(void *user, struct MHD_Connection *connection);
    void *user;                       /* of who, and conn_user of every connection */
} mcpt_mhd_config;

typedef struct mcpt_mhd {             /* private; do not copy or move between init and destroy */
    mcpt_mhd_config config;
    struct mcpt_mhd_exchange *exchanges;
    void *rows;
    struct mcpt_mhd_exchange *vacant, *suspended;
    struct MHD_Daemon *daemon[4];
    int fd[4];                        /* epoll descriptors of the daemons */
    int listener[4];                  /* taken back while stopping */
    uint32_t ndaemons, nown, busy, stop_at;
    int wake[2];
    uint16_t port;
    uint8_t state;
    bool resumed;
    char refusal[2];                  /* their addresses mark requests that are refused */
    volatile sig_atomic_t stop;
} mcpt_mhd;

/* Bytes of memory that init needs for this configuration; 0: the configuration is out of range. */
size_t mcpt_mhd_size(const mcpt_mhd_config *config);
/* config is copied; mem (size bytes, any alignment) and m are borrowed until destroy, and until daemons of
 * mcpt_mhd_add() are stopped: their last requests end only then. OK; E_ARG: server or hub missing, a number out of
 * range; E_SPACE: size is too small; E_IO: no pipe (errno says why). */
MCPT_NODISCARD mcpt_err mcpt_mhd_init(mcpt_mhd *m, const mcpt_mhd_config *config, void *mem, size_t size);

/* Starts daemons that serve MCP alone. host NULL or "localhost": 127.0.0.1 and ::1; "*": every address of
 * both families; or one IPv4 or IPv6 literal. port 0: one that is free, see mcpt_mhd_port(). OK; E_ARG: host
 * is not an address; E_IO: the system or libmicrohttpd refused (errno may say why). A family that this
 * machine does not have is left out. */
MCPT_NODISCARD mcpt_err mcpt_mhd_start(mcpt_mhd *m, const char *host, uint16_t port);
/* The port in use after mcpt_mhd_start(). */
uint16_t mcpt_mhd_port(const mcpt_mhd *m);
/* Lets mcpt_mhd_poll() drive a daemon of the application as well; up to four with those of mcpt_mhd_start().
 * It must have been started as said above and be stopped by the application, after mcpt_mhd_destroy(). OK;
 * E_LIMIT; E_ARG: it has no epoll descriptor. */
MCPT_NODISCARD mcpt_err mcpt_mhd_add(mcpt_mhd *m, struct MHD_Daemon *daemon);

/* Is this URL ours: the endpoint, or a metadata document of the server's guard? */
bool mcpt_mhd_match(const mcpt_mhd *m, const char *url);
/* An MHD_AccessHandlerCallback with the mcpt_mhd object as cls; con_cls is ours for requests given to it. */
mcpt_mhd_result mcpt_mhd_handle(void *m, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload_data,
                                size_t *upload_data_size, void **con_cls);
/* An MHD_RequestCompletedCallback with the mcpt_mhd object as cls. Requests that are not ours are left alone.
 * */
void mcpt_mhd_completed(void *m, struct MHD_Connection *connection, void **con_cls,
                        enum MHD_RequestTerminationCode toe);

/* Waits at most timeout_ms (< 0: without limit) for something to do and does it; handlers run in here.
 * PENDING: call again; OK: stopped; E_IO: the system's wait failed (errno says why). May return early. */
MCPT_NODISCARD mcpt_err mcpt_mhd_poll(mcpt_mhd *m, int timeout_ms);
/* Begins a graceful stop: no new connections, mcpt_hub_close(), answers in work are sent. Allowed in signal
 * handlers and other threads. */
void mcpt_mhd_stop(mcpt_mhd *m);
/* Ends every exchange and the daemons of mcpt_mhd_start() at once. */
void mcpt_mhd_destroy(mcpt_mhd *m);

#ifdef __cplusplus
}
#endif
#endif
