/* port/posix_client.h - an MCP client on TCP sockets, with or without TLS, or on the pipes of a child process
 *
 * Do this:
 *     mcpt_posix_client net;
 *     mcpt_posix_client_config config = { 0 };              // zero: the default, for every member
 *     config.client = &client;                              // after mcpt_client_init()
 *     config.channels = channels;
 *     config.nchannels = 1;
 *     config.tls = &tls;                                    // a client of port/tls; NULL: http only
 *     mcpt_posix_client_init(&net, &config);
 *     while (mcpt_client_status(&client) == MCPT_CLIENT_BUSY) { (void)mcpt_posix_client_poll(&net, -1); }
 *     mcpt_posix_client_close(&net);
 * A server that is a program of this machine speaks lines: give mcpt_posix_client_spawn() its command before polling.
 *
 * Every address of a name is tried in turn. Resolving a name (getaddrinfo) and connecting block, for as long as the
 * system's resolver takes and at most connect_ms for each address; everything else waits in poll().
 * Needs: POSIX.1-2008. Does not: allocate, except what getaddrinfo() does; read a proxy from the environment.
 * Tested with: Debian 12 (Linux 6, glibc 2.36).
 */
#ifndef MCPT_PORT_POSIX_CLIENT_H
#define MCPT_PORT_POSIX_CLIENT_H
#include "mcptools.h"
#include "tls.h"
#include <sys/types.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_posix_client_config {
    mcpt_client *client;              /* required; initialised */
    mcpt_channel *channels;           /* required; those of the client */
    size_t nchannels;                 /* 1 to 3 */
    mcpt_tls *tls;                    /* a client; NULL: https is refused */
    uint32_t connect_ms;              /* for each address; 0: 10000 */
    /* For gateways beside machines that a stranger's server must not reach through them (security best practices, "SSRF"):
     * another host or port than the endpoint's, which only metadata can name (mcpt_channel_foreign()), is connected to at public
     * addresses alone (mcpt_address_public()), whatever its name leads to. Else the outcome is E_ISSUER. E_ARG with MCPT_NO_EXCHANGE. */
    bool foreign_public;
} mcpt_posix_client_config;
typedef struct mcpt_posix_client {    /* private; do not copy or move after init */
    mcpt_posix_client_config config;
    struct { int in, out; mcpt_tls_conn *tls; } link[3];
    pid_t child;
} mcpt_posix_client;

/* config is copied, what it points to is borrowed until close. E_ARG: something required is missing. */
MCPT_NODISCARD mcpt_err mcpt_posix_client_init(mcpt_posix_client *p, const mcpt_posix_client_config *config);
/* Starts argv (NULL at its end; argv[0] is looked for in PATH) and speaks lines to it; its standard error stays this
 * process's. OK; E_IO: the system refused, errno says why. SIGPIPE must be ignored by the caller. */
MCPT_NODISCARD mcpt_err mcpt_posix_client_spawn(mcpt_posix_client *p, char *const argv[]);
/* Moves what can be moved, waits at most timeout_ms (< 0: until something arrives or is due; not at all when nothing can,
 * as with a client that is closed) when there was nothing. OK; E_IO: the system's wait failed. */
mcpt_err mcpt_posix_client_poll(mcpt_posix_client *p, int timeout_ms);
/* Closes every connection; a child gets its end of input, after a second SIGTERM, after another SIGKILL. */
void mcpt_posix_client_close(mcpt_posix_client *p);

#ifdef __cplusplus
}
#endif
#endif
