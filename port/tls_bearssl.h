/* port/tls_bearssl.h - TLS 1.2 from BearSSL, server and client, without a heap
 *
 * Do this (server):
 *     static mcpt_tls_bearssl bear;                         // BearSSL does not speak TLS 1.3
 *     mcpt_tls_config c = { 0 };
 *     c.env = &env;                                         // millis, random
 *     c.chain = cert_der; c.chain_len = sizeof cert_der;    // from flash, or mcpt_tls_pem() of a file
 *     c.key = key_der;    c.key_len = sizeof key_der;
 *     c.connections = 2;  c.sessions = 8;
 *     c.in_size = 2048 + 512; c.out_size = 1024 + 85;
 *     static uint64_t mem[...];                             // mcpt_tls_bearssl_size(&c, false) bytes
 *     mcpt_tls_bearssl_server(&bear, &c, mem, sizeof mem);
 * and give &bear.tls to the transport (mcpt_posix_config.tls). A client has trust instead of chain and key, and
 * needs a clock.
 *
 * Keys: RSA of 2048 bit and more, P-256 and P-384. Suites: ECDHE with ECDSA or RSA and
 * AES-128-GCM, ChaCha20-Poly1305, AES-256-GCM. On a small board leave out what your peers do not need: -DMCPT_BEARSSL_NO_RSA=1
 * (ECDSA certificates alone), -DMCPT_BEARSSL_NO_CHACHA20=1, -DMCPT_BEARSSL_NO_SHA384=1 (and AES-256 with it; no certificates signed
 * with SHA-384 or SHA-512), -DMCPT_BEARSSL_EC='&br_ec_p256_m31' (P-256 alone).
 * Resumption: by session id, in the memory of the pool: 100 bytes a session of a server (least recently used is
 * dropped), 352 of a client (by host name; at most an hour).
 * Records: max_fragment_length (RFC 6066) is asked for by a client whose buffers are small, and obeyed by a server. Most
 * clients do not ask; so in_size must hold the longest record they send, usually one request. Half-close does not
 * exist in TLS 1.2: a close_notify ends both directions (RFC 5246, section 7.2.1).
 *
 * Needs: BearSSL 0.6 (libbearssl-dev). Does not: allocate, keep globals, speak TLS 1.3 or 1.1, check revocation.
 * RAM: mcpt_tls_bearssl_size(): per connection 3.9 KB (a server on Cortex-M), 6.7 KB (a client, with the certificate
 * check) + in_size + out_size; make size says what it is now. Stack: 4 KB. A handshake runs a few hundred ms on a small board, in
 * pieces of at most two elliptic curve multiplications.
 * Tested with: libbearssl 0.6 (Debian 12).
 */
#ifndef MCPT_PORT_TLS_BEARSSL_H
#define MCPT_PORT_TLS_BEARSSL_H
#include "tls.h"
#include <bearssl.h>
#define MCPT_TLS_BEARSSL_13 0         /* no TLS 1.3 here: a peer that insists on it cannot be reached */
#ifdef __cplusplus
extern "C" {
#endif

enum { MCPT_TLS_CHAIN = 4 };          /* certificates a server sends at most */
typedef struct mcpt_tls_bearssl {     /* private but for tls; do not copy or move after init */
    mcpt_tls tls;
    uint32_t in_size, out_size;
    br_x509_certificate chain[MCPT_TLS_CHAIN];
    size_t nchain;
    unsigned char key_type, issuer_type;
    union { br_ec_private_key ec; br_rsa_private_key rsa; } key;
    struct { const br_ssl_session_cache_class *vtable; br_ssl_session_cache_lru lru; mcpt_tls_conn *saved; } cache;
    br_x509_trust_anchor *trust;
    size_t ntrust;
    struct mcpt_tls_bearssl_session *sessions;
    size_t nsessions;
} mcpt_tls_bearssl;

/* Bytes of memory for this configuration; 0: a size is out of range (in_size at least 837, out_size 597), or trust
 * is not DER. */
size_t mcpt_tls_bearssl_size(const mcpt_tls_config *config, bool client);
/* mem (size bytes, any alignment) is borrowed for good. OK; E_ARG: env, chain, key or trust missing, not DER, of a
 * kind that is not supported, or the key is not that of the certificate; E_SPACE: size is too small; E_LIMIT: more
 * than MCPT_TLS_CHAIN certificates. */
MCPT_NODISCARD mcpt_err mcpt_tls_bearssl_server(mcpt_tls_bearssl *b, const mcpt_tls_config *config, void *mem, size_t size);
MCPT_NODISCARD mcpt_err mcpt_tls_bearssl_client(mcpt_tls_bearssl *b, const mcpt_tls_config *config, void *mem, size_t size);

#ifdef __cplusplus
}
#endif
#endif
