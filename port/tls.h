/* port/tls.h - TLS between a transport and an mcpt_io: the face that port/tls_bearssl and port/tls_mbedtls share
 *
 * A TLS connection shows the wire the same mcpt_io that a connection or a client shows, and drives the one
 * behind it. A transport that pumps an mcpt_io carries TLS by pumping another one:
 *     mcpt_tls_conn *t = mcpt_tls_open(tls, &conn.io, NULL);     // NULL: none is free, send mcpt_tls_busy
 *     mcpt_io *io = &t->io;                                      // want, rx, tx, eof: as ever
 *     ... until mcpt_io_want(io) answers MCPT_CLOSED ...
 *     mcpt_tls_close(t);                                         // before mcpt_conn_close(&conn)
 * When the hub reports the connection behind as ready, pump the TLS connection. Twice a loop ask for deadlines:
 *     while ((t = mcpt_tls_expired(tls)) != NULL) { pump t->owner; }
 *     wait at most mcpt_tls_due(tls) milliseconds;
 *
 * What holds for both libraries:
 *   TLS 1.2 is the least, with ECDHE and AEAD suites alone; TLS 1.3 with mbedTLS 3.6. No renegotiation, no
 *   compression, no client certificates. ALPN: http/1.1 is chosen or offered; a client without it is served.
 *   A client always checks the chain, the dates and the name: host against the certificate's dNSName or, for an
 *   address literal, iPAddress (RFC 9525; the common name is not looked at). There is no way to switch that off.
 *   While the clock is not set (env->unix_time) a client refuses to connect: dates cannot be judged.
 *   The end: close_notify is sent and expected. The machine behind gets mcpt_io_eof() after close_notify; after
 *   a stream that ends without it, or any other failure, its err is set first (E_IO, E_TLS, E_CERTIFICATE), so
 *   that a body that runs until the end cannot be cut short unnoticed. mcpt_tls_conn.err says the same.
 *   A handshake, and the sending of the last bytes, must be done within timeout_ms; nothing is calculated before
 *   a ClientHello is complete. After that the deadlines of the machine behind apply.
 *
 * Needs: nothing but mcptools.h. Does not: allocate, know a TLS library.
 */
#ifndef MCPT_PORT_TLS_H
#define MCPT_PORT_TLS_H
#include "mcptools.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcpt_tls_config {      /* borrowed for the call of init, except where it says static */
    const mcpt_env *env;              /* required; static; millis and random are, a client needs unix_time too */
    uint32_t connections;             /* at once; 0: 8 */
    uint32_t sessions;                /* remembered for resumption; 0: none */
    uint32_t timeout_ms;              /* of a handshake, and of the last bytes; 0: 10000 */
    uint32_t in_size, out_size;       /* BearSSL: record buffers. in: the longest record + 325; a peer may send 16 KB in one,
                                         but a request is seldom longer than itself: rx_size + 512 is the least that
                                         makes sense. A longer one ends in the alert record_overflow. out: longest
                                         record sent + 85. 0: 16709 and 4181. mbedTLS: its own configuration says */
    const void *chain;                /* server: certificates, DER, one behind the other, its own first; static */
    size_t chain_len;
    const void *key;                  /* server: private key, DER (PKCS #8, SEC 1 for P-256, PKCS #1 for RSA); static */
    size_t key_len;
    const void *trust;                /* client: trust anchors, DER, one behind the other; static */
    size_t trust_len;
} mcpt_tls_config;

struct mcpt_tls;
typedef struct mcpt_tls_conn {        /* private but for io, owner, err, detail */
    mcpt_io io;                       /* the wire's side; first */
    struct mcpt_tls *tls;
    mcpt_io *app;
    struct mcpt_tls_conn *prev, *next;
    void *owner;                      /* the transport's own, set after mcpt_tls_open(); NULL */
    uint32_t deadline;
    mcpt_err err;                     /* OK; E_CLOSED: close_notify came; E_TIMEOUT; E_IO: ended without close_notify; E_TLS;
                                         E_CERTIFICATE; E_RANDOM; E_STATE: clock not set */
    int detail;                       /* the TLS library's own error number */
    uint8_t state, flags;
    uint8_t ip_len, ip[16];           /* client: the address that the certificate must name */
} mcpt_tls_conn;

typedef struct mcpt_tls_ops {         /* private: what a library does */
    void (*take)(mcpt_tls_conn *c);   /* accounts for what the wire received and sent since show */
    void (*show)(mcpt_tls_conn *c);   /* sets io.rx and io.tx */
    mcpt_err (*begin)(mcpt_tls_conn *c, const char *host);
    mcpt_err (*handshake)(mcpt_tls_conn *c);                /* OK: done; PENDING */
    int32_t (*read)(mcpt_tls_conn *c, char *to, size_t cap);    /* bytes; 0: none now; E_SPACE: some, but cap is 0; an mcpt_err */
    int32_t (*write)(mcpt_tls_conn *c, const char *from, size_t n);     /* bytes taken; 0: not now; or an mcpt_err */
    mcpt_err (*finish)(mcpt_tls_conn *c);                   /* sends close_notify. OK: all is sent; PENDING */
    void (*fail)(mcpt_tls_conn *c);   /* sends an alert for c->err, where possible */
    void (*end)(mcpt_tls_conn *c);    /* frees, wipes */
} mcpt_tls_ops;

typedef struct mcpt_tls {             /* a server's or a client's TLS with its pool; made by an init of a library. Private
                                         but for the counters */
    const mcpt_tls_ops *ops;
    const mcpt_env *env;
    mcpt_tls_conn *vacant, *first, *last;
    uint32_t timeout_ms;
    uint32_t open;                    /* connections now */
    uint32_t full, resumed;           /* handshakes completed: with key exchange and certificate, from a session */
    uint32_t failed, refused;         /* connections that ended in an error; that found no room */
} mcpt_tls;

/* Takes a connection from the pool. app is the machine behind it, borrowed until close. host: client: the name or
 * address literal (with or without brackets) to connect to, NUL-terminated, borrowed for the call; NULL: a server.
 * NULL: none is free, or host is longer than 255. What else prevents it (E_RANDOM, E_STATE) shows in err, at the
 * first want. */
mcpt_tls_conn *mcpt_tls_open(mcpt_tls *tls, mcpt_io *app, const char *host);
/* Gives it back; session keys are wiped. Call it when io wants MCPT_CLOSED or the transport is gone. What io.tx shows lies in its
 * memory: a transport that sends without copying (lwIP) waits for the acknowledgement, or aborts, before. */
void mcpt_tls_close(mcpt_tls_conn *c);
/* Begins the end of a connection whose machine behind is idle: close_notify is what it wants to send next. False: it has
 * no keys yet, or its end has begun already. */
bool mcpt_tls_shut(mcpt_tls_conn *c);
/* The next connection whose deadline has passed, or NULL: pump it. Each is answered once. */
mcpt_tls_conn *mcpt_tls_expired(mcpt_tls *tls);
/* Milliseconds until mcpt_tls_expired() must be asked; (uint32_t)-1: nothing to wait for. */
uint32_t mcpt_tls_due(const mcpt_tls *tls);
/* A fatal alert internal_error: the answer to a client that finds the pool empty. */
extern const char mcpt_tls_busy[7];

/* Decodes the blocks of PEM text (RFC 7468) whose label ends in label ("CERTIFICATE", "PRIVATE KEY") into DER, one
 * behind the other, at out, which may be pem itself. Other blocks are left out. OK; E_ABSENT: there is none; E_SPACE; E_ARG:
 * bad base64, no end, or the key is encrypted. */
MCPT_NODISCARD mcpt_err mcpt_tls_pem(const char *pem, size_t len, const char *label, void *out, size_t cap,
                                     size_t *out_len);

/* -- for the libraries' ports */
typedef struct mcpt_tls_der { const uint8_t *p, *end; } mcpt_tls_der;      /* what is left of a DER encoding */
/* The value of the next element if its tag is tag (0: any), and d behind it; false: it is not, d stays. */
bool mcpt_tls_der_get(mcpt_tls_der *d, unsigned tag, mcpt_tls_der *value);
bool mcpt_tls_der_oid(mcpt_tls_der oid, const void *value, size_t len);
typedef struct mcpt_tls_san {         /* finds subjectAltName in a certificate that comes in pieces */
    uint32_t left[8];                 /* bytes left at each depth */
    uint32_t len;
    const uint8_t *want;
    uint8_t want_tag, want_len;
    uint8_t depth, tag, head, san, seen, at, same, found, bad;
} mcpt_tls_san;
/* want: the name of want_len (0 to 253) bytes to find, byte for byte, borrowed until the end; its tag: 0x87 an address,
 * 0x82 a dNSName. With want_len 0 any name will do. */
void mcpt_tls_san_begin(mcpt_tls_san *s, unsigned want_tag, const void *want, size_t want_len, uint32_t cert_len);
void mcpt_tls_san_feed(mcpt_tls_san *s, const uint8_t *p, size_t n);
/* Is there a subjectAltName, with the name that was wanted? */
bool mcpt_tls_san_ok(const mcpt_tls_san *s);
/* The bytes of an IPv4 or IPv6 literal without brackets, a zone left out: 4 or 16; 0: it is none. */
size_t mcpt_tls_ip(const char *text, uint8_t ip[16]);
/* Puts n connections of size bytes each, the first at mem, into the pool. */
void mcpt_tls_pool(mcpt_tls *tls, const mcpt_tls_config *config, const mcpt_tls_ops *ops, void *mem, size_t n, size_t size);
void mcpt_tls_wipe(void *p, size_t n);

#ifdef __cplusplus
}
#endif
#endif
