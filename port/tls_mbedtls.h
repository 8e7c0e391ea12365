/* port/tls_mbedtls.h - TLS 1.2, and TLS 1.3 with version 3.6, from mbedTLS: server and client
 *
 * Do this (server):
 *     static mcpt_tls_mbedtls mbed;
 *     mcpt_tls_config c = { 0 };
 *     c.env = &env;                                         // millis, random
 *     c.chain = cert_der; c.chain_len = cert_len;           // mcpt_tls_pem() makes DER of a file
 *     c.key = key_der;    c.key_len = key_len;
 *     c.connections = 64; c.sessions = 256;
 *     mcpt_tls_mbedtls_server(&mbed, &c, mem, mcpt_tls_mbedtls_size(&c, false));
 * and give &mbed.tls to the transport (mcpt_posix_config.tls). A client has trust instead of chain and key, and
 * needs a clock.
 *
 * Keys: RSA of 2048 bit and more, P-256 and P-384. Suites: ECDHE with ECDSA or RSA and AES-128-GCM, AES-256-GCM,
 * ChaCha20-Poly1305; the three of TLS 1.3 with (EC)DHE.
 * Resumption: by session id (TLS 1.2, config.sessions in mbedTLS' heap), and by tickets without memory where
 * MBEDTLS_SSL_TICKET_C is there; a client keeps config.sessions by host name, at most an hour.
 * Heap: this port does not allocate, mbedTLS does, from its calloc: two record buffers for each connection of the
 * pool at init (none later), and about 7 KB while a handshake runs. On a board build mbedTLS with
 * MBEDTLS_PLATFORM_MEMORY and MBEDTLS_MEMORY_BUFFER_ALLOC_C and call mcpt_tls_mbedtls_heap() first: then all of it
 * comes from that array, and a handshake that finds it full fails alone. Debian's library uses malloc.
 * Records: MBEDTLS_SSL_IN_CONTENT_LEN and _OUT_CONTENT_LEN of the library are the buffers; a longer record ends in an
 * alert. in: at least rx_size + 512 - 325 bytes of content. A client asks for max_fragment_length when in is less
 * than 16 KB. After the peer's close_notify what the machine behind has written already is still sent.
 *
 * Needs: mbedTLS 2.28 or 3.6 with X509, SSL_TLS, ECDHE, GCM. With TLS 1.3 random comes from PSA too: its entropy
 * sources must be there. Does not: allocate, keep globals of its own, check revocation.
 * RAM: mcpt_tls_mbedtls_size() and the heap. Stack: 4 KB.
 * Tested with: 2.28.3 (Debian 12), 3.6.6 (Debian 13).
 */
#ifndef MCPT_PORT_TLS_MBEDTLS_H
#define MCPT_PORT_TLS_MBEDTLS_H
#include "tls.h"
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#if defined(MBEDTLS_SSL_CACHE_C)
#include <mbedtls/ssl_cache.h>
#endif
#if defined(MBEDTLS_SSL_TICKET_C)
#include <mbedtls/ssl_ticket.h>
#endif
#if MBEDTLS_VERSION_NUMBER >= 0x03060000 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define MCPT_TLS_MBEDTLS_13 1         /* TLS 1.3 and 1.2 */
#else
#define MCPT_TLS_MBEDTLS_13 0         /* TLS 1.2 alone: a peer that insists on 1.3 cannot be reached */
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_tls_mbedtls {     /* private but for tls; do not copy or move after init */
    mcpt_tls tls;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt cert;            /* own chain, or trust anchors */
    mbedtls_pk_context key;
#if defined(MBEDTLS_SSL_CACHE_C)
    mbedtls_ssl_cache_context cache;
#endif
#if defined(MBEDTLS_SSL_TICKET_C)
    mbedtls_ssl_ticket_context ticket;
#endif
    struct mcpt_tls_mbedtls_conn *conns, *now;              /* now: in work */
    struct mcpt_tls_mbedtls_session *sessions;
    uint32_t nconns, nsessions;
} mcpt_tls_mbedtls;

/* Bytes of memory for this configuration, without mbedTLS' heap; 0: a number is out of range. */
size_t mcpt_tls_mbedtls_size(const mcpt_tls_config *config, bool client);
/* mem (size bytes, any alignment) is borrowed until free. OK; E_ARG: env, chain, key or trust missing, not DER, of a
 * kind that is not supported, or the key is not that of the certificate; E_SPACE: size is too small, or mbedTLS' heap;
 * E_RANDOM. After an error nothing is left allocated. */
MCPT_NODISCARD mcpt_err mcpt_tls_mbedtls_server(mcpt_tls_mbedtls *m, const mcpt_tls_config *config, void *mem, size_t size);
MCPT_NODISCARD mcpt_err mcpt_tls_mbedtls_client(mcpt_tls_mbedtls *m, const mcpt_tls_config *config, void *mem, size_t size);
/* Gives everything back to the heap. No connection may be open. */
void mcpt_tls_mbedtls_free(mcpt_tls_mbedtls *m);
/* The array from which mbedTLS allocates from now on, in the whole program; once, before anything else. E_STATE: the
 * library was built without MBEDTLS_MEMORY_BUFFER_ALLOC_C. On 64 bit build it with MBEDTLS_MEMORY_ALIGN_MULTIPLE 8. */
MCPT_NODISCARD mcpt_err mcpt_tls_mbedtls_heap(void *mem, size_t size);

#ifdef __cplusplus
}
#endif
#endif
