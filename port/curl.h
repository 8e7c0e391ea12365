/* port/curl.h - an MCP client, and the outbound requests of a server (>>exchange), over libcurl
 *
 * Do this:
 *     mcpt_curl net;
 *     mcpt_curl_config config = { 0 };                      // zero: the default, for every member
 *     config.client = &client;                              // after mcpt_client_init()
 *     config.channels = channels;
 *     config.nchannels = 3;
 *     mcpt_curl_init(&net, &config);
 *     while (mcpt_client_status(&client) == MCPT_CLIENT_BUSY) { (void)mcpt_curl_poll(&net, -1); }
 *     mcpt_curl_close(&net);
 *
 * Why libcurl: it finds the way out of a network. The proxy that http_proxy, https_proxy, all_proxy and no_proxy name
 * (HTTP and HTTPS proxies by CONNECT, with a password in their URL; SOCKS), the system's certificates, names resolved in a thread of
 * its own, addresses of both families tried at once: connecting does not wait, as it does in port/posix_client.
 * How: CURLOPT_CONNECT_ONLY, libcurl connects and encrypts, and moves bytes. The library frames HTTP itself, bounded and
 * streaming, so libcurl's HTTP is not used: nothing behind the library's back follows a redirect, keeps a cookie, retries, pools a
 * connection or gathers an answer; events arrive as they come, sizes, deadlines and cancelling are those of the client. The
 * price: a plain http URL goes through CONNECT as well, which some proxies allow for port 443 only.
 *
 * A server's exchanges do not ask the environment: a proxy would reach what mcpt_exchange_address_ok() refuses. With
 * exchange_proxy they go through that one, and what it lets through is then its operator's rule; without, every address is
 * checked before it is connected to. To drive them beside port/posix, wait here and serve there:
 *     config.wake_fd = mcpt_posix_fd(&server_net);
 *     for (;;) { (void)mcpt_curl_poll(&net, (int)mcpt_posix_due(&server_net)); (void)mcpt_posix_poll(&server_net, 0); }
 *
 * Certificates and names are always checked, TLS is 1.2 or later; there is no way to switch that off. libcurl does not tell
 * close_notify from a connection that was cut (RFC 8446 section 6.1): over TLS a body that nothing but the end of the connection
 * ends is refused with E_IO. One with a length, or chunked, is not concerned.
 * Needs: libcurl 7.86 or later with TLS. SIGPIPE must be ignored by the caller.
 * Does not: start processes (port/posix_client speaks lines to one). libcurl allocates; while a name is looked up it has a thread.
 * Tested with: Debian 12, libcurl 7.88 (OpenSSL); tinyproxy 1.11.
 */
#ifndef MCPT_PORT_CURL_H
#define MCPT_PORT_CURL_H
#include "mcptools.h"
#ifdef __cplusplus
extern "C" {
#endif

enum { MCPT_CURL_LINKS = 8 };         /* channels and exchanges together */
typedef struct mcpt_curl_config {     /* copied; what it points to is borrowed until close */
    mcpt_client *client;              /* initialised; NULL: exchanges alone */
    mcpt_channel *channels;           /* those of the client */
    size_t nchannels;                 /* 0 to 3 */
    mcpt_exchange *const *exchanges;
    size_t nexchanges;                /* 0 to 8, with nchannels together at most MCPT_CURL_LINKS */
    const char *proxy;                /* of the client: a URL; "": none; NULL: what the environment says */
    const char *exchange_proxy;       /* of exchanges: a URL; NULL: none */
    const char *ca_file;              /* PEM, whom to trust instead of the system's store; NULL: the system's store */
    /* For gateways beside machines that a stranger's server must not reach through them (security best practices, "SSRF"):
     * another host or port than the endpoint's, which only metadata can name (mcpt_channel_foreign()), is connected to at public
     * addresses alone (mcpt_address_public()), whatever its name leads to; not through a proxy of the environment, which might
     * reach the others. Else the outcome is E_ISSUER. A proxy that is named above is trusted to have such a rule itself. */
    bool foreign_public;
    uint32_t connect_ms;              /* to resolve, connect and agree on keys; 0: 20000. An exchange has its own deadline, too */
    int wake_fd;                      /* ends a wait when it turns readable; 0: none */
} mcpt_curl_config;
typedef struct mcpt_curl {            /* private; do not copy or move after init */
    mcpt_curl_config config;
    void *multi;
    struct mcpt_curl_link {
        struct mcpt_curl *owner;
        mcpt_io *io;
        mcpt_channel *channel;        /* or */
        mcpt_exchange *exchange;
        void *easy;
        int fd;
        uint32_t number;
        uint8_t state;
        bool sending, judged, refused;                      /* its addresses are; one of them was not allowed */
        mcpt_origin origin;
    } link[MCPT_CURL_LINKS];
    char text[256], why[256];
} mcpt_curl;

/* E_ARG: something required is missing, or there are too many links; E_IO: libcurl cannot be set up. */
MCPT_NODISCARD mcpt_err mcpt_curl_init(mcpt_curl *p, const mcpt_curl_config *config);
/* Moves what can be moved, waits at most timeout_ms (< 0: until something arrives or is due) when there was nothing. OK;
 * E_IO: the system's wait failed. */
mcpt_err mcpt_curl_poll(mcpt_curl *p, int timeout_ms);
/* Why the last connection was not made, in libcurl's words (a proxy's status, a name that is not known); "": nothing
 * failed. Borrowed until the next poll. The client's outcome is E_CERTIFICATE, E_TLS, E_TIMEOUT, E_ISSUER or E_IO then. */
const char *mcpt_curl_reason(const mcpt_curl *p);
/* Closes every connection; exchanges in work end with E_CANCELLED. Also after an init that failed. */
void mcpt_curl_close(mcpt_curl *p);

#ifdef __cplusplus
}
#endif
#endif
