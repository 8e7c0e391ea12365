/* port/tls_mbedtls.c - see tls_mbedtls.h
 *
 * mbedTLS wants to call send and receive. Here they move nothing: they show where mbedTLS' own record lies and answer
 * "would block"; the transport reads and writes that memory; the next call is told how much was moved. */
/* cflags: -DMCPT_TLS_12 */
#include "tls_mbedtls.h"
#include <mbedtls/error.h>
#include <string.h>
#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
#include <mbedtls/memory_buffer_alloc.h>
#endif
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && defined(MBEDTLS_PSA_CRYPTO_C)
#include <psa/crypto.h>
#endif
#if !MCPT_TLS_MBEDTLS_13 && !defined(MCPT_TLS_12)
#pragma message("port/tls_mbedtls: this mbedTLS speaks TLS 1.2 alone; -DMCPT_TLS_12 when that is meant")
#endif

enum { SESSION_MS = 3600000, SESSION_S = 3600 };

typedef struct mcpt_tls_mbedtls_conn {
    mcpt_tls_conn c;
    mbedtls_ssl_context ssl;
    struct mcpt_tls_mbedtls_session *session;
    bool waiting;                     /* mbedTLS holds a record that io.tx shows */
    bool asked;                       /* for bytes of the wire, in this call */
    bool shaken, resumed, verified, closing, sent;          /* sent: anything, ever */
} conn;
typedef struct mcpt_tls_mbedtls_session {
    char host[256];
    mbedtls_ssl_session s;
    const void *claim;                /* the connection that may write here: another may have taken the place for its host */
    uint32_t at;
    bool used;
} session;

static mcpt_tls_mbedtls *owner_of(const mcpt_tls_conn *c)
{
    return (mcpt_tls_mbedtls *)(void *)c->tls;              /* tls is its first member */
}

static int random_bytes(void *p, unsigned char *to, size_t n)
{
    const mcpt_env *env = ((const mcpt_tls_mbedtls *)p)->tls.env;
    return env->random != NULL && env->random(env->user, to, n) ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/* -- the wire */
static int wire_send(void *p, const unsigned char *from, size_t n)
{
    conn *m = (conn *)p;
    mcpt_io *io = &m->c.io;
    if (m->waiting && io->tx_at < io->tx_len) {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    if (m->waiting) {
        int sent = (int)io->tx_len;
        m->waiting = false;
        io->tx = NULL;
        io->tx_at = io->tx_len = 0;
        return sent;
    }
    m->waiting = m->sent = true;
    io->tx = (char *)(uintptr_t)from;
    io->tx_at = 0;
    io->tx_len = (uint32_t)n;
    return MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int wire_receive(void *p, unsigned char *to, size_t cap)
{
    mcpt_io *io = &((conn *)p)->c.io;
    size_t n = io->rx_len < cap ? io->rx_len : cap;
    if (n == 0) {
        ((conn *)p)->asked = true;
        io->rx = (char *)to;
        io->rx_cap = (uint32_t)cap;
        io->rx_len = 0;
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    memmove(to, io->rx, n);           /* in its place already, as a rule */
    io->rx += n;
    io->rx_len -= (uint32_t)n;
    io->rx_cap = io->rx_len;
    return (int)n;
}

static bool later(int r)
{
    return r == MBEDTLS_ERR_SSL_WANT_READ || r == MBEDTLS_ERR_SSL_WANT_WRITE;
}

static mcpt_err error_of(mcpt_tls_conn *c, int r)
{
    c->detail = r;
    return r == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ? MCPT_E_CERTIFICATE : MCPT_E_TLS;
}

/* A record has been sent: tells mbedTLS. With a record of its own waiting, a write of nothing does no more than that. */
static void take(mcpt_tls_conn *c)
{
    conn *m = (conn *)(void *)c;
    unsigned char nothing = 0;
    if (m->shaken && m->waiting && c->io.tx_at == c->io.tx_len) {
        (void)mbedtls_ssl_write(&m->ssl, &nothing, 0);
    }
}

static void show(mcpt_tls_conn *c)
{
    (void)c;                          /* wire_send and wire_receive have */
}

#if MCPT_TLS_MBEDTLS_13 && defined(MBEDTLS_SSL_SESSION_TICKETS)
#define IS_TICKET(r) ((r) == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
#else
#define IS_TICKET(r) ((void)(r), false)
#endif

static void forget(session *s)
{
    if (s->used) {
        mbedtls_ssl_session_free(&s->s);
    }
    mcpt_tls_wipe(s, sizeof *s);
}

#if defined(MBEDTLS_SSL_CLI_C)
static void keep_session(conn *m)
{
    session *s = m->session;
    if (s == NULL || s->claim != m) {
        return;
    }
    if (s->used) {
        mbedtls_ssl_session_free(&s->s);
    }
    mbedtls_ssl_session_init(&s->s);
    s->used = mbedtls_ssl_get_session(&m->ssl, &s->s) == 0;
    s->at = m->c.tls->env->millis(m->c.tls->env->user);
    if (!s->used) {
        mbedtls_ssl_session_free(&s->s);
    }
}
#else
static void keep_session(const conn *m)
{
    (void)m;                          /* only clients are given tickets */
}
#endif

static int32_t read_plain(mcpt_tls_conn *c, char *to, size_t cap)
{
    conn *m = (conn *)(void *)c;
    unsigned char nothing;
    int r, turns = 0;
    owner_of(c)->now = m;
    do {
        m->asked = false;
        r = mbedtls_ssl_read(&m->ssl, cap != 0 ? (unsigned char *)to : &nothing, cap);
        if (IS_TICKET(r)) {
            keep_session(m);
        }
    } while (IS_TICKET(r) || (r == MBEDTLS_ERR_SSL_WANT_READ && !m->asked && ++turns < 16));     /* 3.6: it means "call again" */
    if (r == 0 && cap == 0) {
        return mbedtls_ssl_get_bytes_avail(&m->ssl) != 0 ? MCPT_E_SPACE : 0;
    }
    return r > 0 ? r : later(r) ? 0 : r == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ? MCPT_E_CLOSED : (int32_t)error_of(c, r);
}

static int32_t write_plain(mcpt_tls_conn *c, const char *from, size_t n)
{
    conn *m = (conn *)(void *)c;
    int most, r;
    if (m->waiting) {
        return 0;
    }
    most = mbedtls_ssl_get_max_out_record_payload(&m->ssl);
    if (most <= 0) {
        return error_of(c, most);
    }
    n = n < (size_t)most ? n : (size_t)most;
    r = mbedtls_ssl_write(&m->ssl, (const unsigned char *)from, n);
    if (later(r) && m->waiting) {
        return (int32_t)n;            /* it is encrypted and waits to be sent */
    }
    return r > 0 ? r : later(r) ? 0 : (int32_t)error_of(c, r);
}

static mcpt_err finish(mcpt_tls_conn *c)
{
    conn *m = (conn *)(void *)c;
    if (!m->closing && !m->waiting) {
        m->closing = true;
        (void)mbedtls_ssl_close_notify(&m->ssl);
    }
    return c->io.tx_at < c->io.tx_len || !m->closing ? MCPT_PENDING : MCPT_OK;
}

static void say_why(mcpt_tls_conn *c)
{
    static const char decode_error[7] = { 21, 3, 3, 0, 2, 2, 50 };
    conn *m = (conn *)(void *)c;
    if (m->shaken && !m->waiting && (c->detail == MBEDTLS_ERR_SSL_BAD_INPUT_DATA || c->detail == MBEDTLS_ERR_SSL_INVALID_RECORD)) {
        (void)mbedtls_ssl_send_alert_message(&m->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW);  /* mbedTLS is silent */
    } else if (!m->sent && c->detail != 0) {
        c->io.tx = (char *)(uintptr_t)decode_error;         /* not even a record: there mbedTLS says nothing. Else it has */
        c->io.tx_len = sizeof decode_error;
        c->io.tx_at = 0;
    }
}

static void end(mcpt_tls_conn *c)
{
    conn *m = (conn *)(void *)c;
    if (m->session != NULL && m->session->claim == m) {
        m->session->claim = NULL;
    }
    (void)mbedtls_ssl_session_reset(&m->ssl);               /* wipes keys, keeps the buffers */
    m->waiting = m->shaken = false;
    m->session = NULL;
}

static mcpt_err shake(mcpt_tls_conn *c)
{
    conn *m = (conn *)(void *)c;
    int r;
    owner_of(c)->now = m;
    r = mbedtls_ssl_handshake(&m->ssl);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    /* A fatal alert that could not be sent at once is sent again by every later call, without end. It waits in io.tx: */
    if (later(r) && m->waiting && m->ssl.MBEDTLS_PRIVATE(send_alert) != 0) {
        m->ssl.MBEDTLS_PRIVATE(send_alert) = 0;
        r = m->ssl.MBEDTLS_PRIVATE(alert_reason);
    }
#endif
    if (later(r)) {
        return MCPT_PENDING;
    }
    if (r != 0) {
        return error_of(c, r);
    }
    m->shaken = true;
    return MCPT_OK;
}

static mcpt_err begin(conn *m, const char *host)
{
    int r = mbedtls_ssl_session_reset(&m->ssl);
    m->waiting = m->shaken = m->resumed = m->verified = m->closing = m->sent = false;
    m->session = NULL;
#if defined(MBEDTLS_X509_CRT_PARSE_C)
    if (r == 0) {
        r = mbedtls_ssl_set_hostname(&m->ssl, host);        /* the name to check, and SNI; NULL: neither */
    }
#endif
    mbedtls_ssl_set_bio(&m->ssl, m, wire_send, wire_receive, NULL);
    return r == 0 ? MCPT_OK : error_of(&m->c, r);
}

/* -- server */
#if defined(MBEDTLS_SSL_SRV_C)
static mcpt_err server_begin(mcpt_tls_conn *c, const char *host)
{
    return host != NULL ? MCPT_E_ARG : begin((conn *)(void *)c, NULL);
}

static mcpt_err server_handshake(mcpt_tls_conn *c)
{
    const conn *m = (const conn *)(const void *)c;
    mcpt_err e = shake(c);
    if (e == MCPT_OK && m->resumed) {
        c->tls->resumed++;
    } else if (e == MCPT_OK) {
        c->tls->full++;
    }
    return e;
}

static const mcpt_tls_ops server_ops = {
    take, show, server_begin, server_handshake, read_plain, write_plain, finish, say_why, end
};

#if defined(MBEDTLS_SSL_CACHE_C)
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
static int cache_get(void *p, unsigned char const *id, size_t id_len, mbedtls_ssl_session *s)
{
    mcpt_tls_mbedtls *t = (mcpt_tls_mbedtls *)p;
    int r = mbedtls_ssl_cache_get(&t->cache, id, id_len, s);
    t->now->resumed |= r == 0;
    return r;
}

static int cache_set(void *p, unsigned char const *id, size_t id_len, const mbedtls_ssl_session *s)
{
    return mbedtls_ssl_cache_set(&((mcpt_tls_mbedtls *)p)->cache, id, id_len, s);
}
#else
static int cache_get(void *p, mbedtls_ssl_session *s)
{
    mcpt_tls_mbedtls *t = (mcpt_tls_mbedtls *)p;
    int r = mbedtls_ssl_cache_get(&t->cache, s);
    t->now->resumed |= r == 0;
    return r;
}

static int cache_set(void *p, const mbedtls_ssl_session *s)
{
    return mbedtls_ssl_cache_set(&((mcpt_tls_mbedtls *)p)->cache, s);
}
#endif
#endif

#if defined(MBEDTLS_SSL_TICKET_C) && defined(MBEDTLS_SSL_SESSION_TICKETS)
static int ticket_write(void *p, const mbedtls_ssl_session *s, unsigned char *start, const unsigned char *stop,
                        size_t *len, uint32_t *lifetime)
{
    return mbedtls_ssl_ticket_write(&((mcpt_tls_mbedtls *)p)->ticket, s, start, stop, len, lifetime);
}

static int ticket_parse(void *p, mbedtls_ssl_session *s, unsigned char *buf, size_t len)
{
    mcpt_tls_mbedtls *t = (mcpt_tls_mbedtls *)p;
    int r = mbedtls_ssl_ticket_parse(&t->ticket, s, buf, len);
    t->now->resumed |= r == 0;
    return r;
}
#endif
#endif

/* -- client */
#if defined(MBEDTLS_SSL_CLI_C)
static session *session_for(const mcpt_tls_mbedtls *t, const char *host, uint32_t now)
{
    session *best = NULL;
    uint32_t i;
    for (i = 0; i < t->nsessions; ++i) {
        session *s = &t->sessions[i];
        if (s->host[0] != '\0' && s->claim == NULL && (!s->used || now - s->at > SESSION_MS)) {
            forget(s);
        }
        if (strcmp(s->host, host) == 0) {
            return s;
        }
        if (best == NULL || (best->host[0] != '\0' && (s->host[0] == '\0' || now - s->at > now - best->at))) {
            best = s;
        }
    }
    if (best != NULL) {
        forget(best);
        memcpy(best->host, host, strlen(host) + 1);
        best->at = now;
    }
    return best;
}

static mcpt_err client_begin(mcpt_tls_conn *c, const char *host)
{
    conn *m = (conn *)(void *)c;
    mcpt_tls_mbedtls *t = owner_of(c);
    mcpt_err e;
    if (host == NULL) {
        return MCPT_E_ARG;
    }
    e = begin(m, c->ip_len != 0 ? NULL : host);             /* addresses: check() */
    m->session = session_for(t, host, t->tls.env->millis(t->tls.env->user));
    if (m->session != NULL) {
        m->session->claim = m;
    }
    if (e == MCPT_OK && m->session != NULL && m->session->used) {
        (void)mbedtls_ssl_set_session(&m->ssl, &m->session->s);
    }
    return e;
}

static mcpt_err client_handshake(mcpt_tls_conn *c)
{
    conn *m = (conn *)(void *)c;
    mcpt_err e = shake(c);
    if (e != MCPT_OK) {
        if (e != MCPT_PENDING && m->session != NULL && m->session->claim == m) {
            forget(m->session);
        }
        return e;
    }
    if (m->verified) {
        c->tls->full++;
    } else {
        c->tls->resumed++;
    }
    keep_session(m);
    return MCPT_OK;
}

static const mcpt_tls_ops client_ops = {
    take, show, client_begin, client_handshake, read_plain, write_plain, finish, say_why, end
};

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t seconds_of(const mbedtls_x509_time *t)
{
    const int64_t y = t->mon <= 2 ? t->year - 1 : t->year;
    const int64_t day = 365 * y + y / 4 - y / 100 + y / 400 + (153 * (t->mon + (t->mon > 2 ? -3 : 9)) + 2) / 5 +
                        t->day - 1 - 719468;
    return ((day * 24 + t->hour) * 60 + t->min) * 60 + t->sec;
}

/* Called for each certificate of the chain. Dates are judged by our clock, whatever mbedTLS was built with; the name of
 * the server's own must be in subjectAltName. */
static int check(void *p, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    conn *m = ((mcpt_tls_mbedtls *)p)->now;
    const mcpt_env *env = m->c.tls->env;
    const int64_t now = env->unix_time(env->user);
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    *flags |= now > seconds_of(&crt->valid_to) ? MBEDTLS_X509_BADCERT_EXPIRED : 0u;
    *flags |= now < seconds_of(&crt->valid_from) ? MBEDTLS_X509_BADCERT_FUTURE : 0u;
    if (depth == 0) {
        mcpt_tls_san san;
        m->verified = true;
        mcpt_tls_san_begin(&san, 0x87, m->c.ip, m->c.ip_len, (uint32_t)crt->raw.len);
        mcpt_tls_san_feed(&san, crt->raw.p, crt->raw.len);
        *flags |= mcpt_tls_san_ok(&san) ? 0u : MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    return 0;
}
#endif

/* -- beginning and end */
typedef struct plan { size_t sessions_at, conns_at, total; uint32_t connections; } plan;

static bool make_plan(const mcpt_tls_config *c, bool client, plan *p)
{
    size_t sessions = client ? c->sessions * sizeof(session) : 0;
    p->connections = c->connections != 0 ? c->connections : 8;
    p->sessions_at = 0;
    p->conns_at = (sessions + 15u) & ~(size_t)15u;
    p->total = p->conns_at + p->connections * sizeof(conn) + 15;
    return p->connections <= 100000 && c->sessions <= 100000;
}

size_t mcpt_tls_mbedtls_size(const mcpt_tls_config *config, bool client)
{
    plan p;
    return make_plan(config, client, &p) ? p.total : 0;
}

mcpt_err mcpt_tls_mbedtls_heap(void *mem, size_t size)
{
#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
    mbedtls_memory_buffer_alloc_init((unsigned char *)mem, size);
    return MCPT_OK;
#else
    (void)mem;
    (void)size;
    return MCPT_E_STATE;
#endif
}

void mcpt_tls_mbedtls_free(mcpt_tls_mbedtls *m)
{
    uint32_t i;
    for (i = 0; i < m->nconns; ++i) {
        mbedtls_ssl_free(&m->conns[i].ssl);
    }
    for (i = 0; i < m->nsessions && m->sessions != NULL; ++i) {
        forget(&m->sessions[i]);
    }
    m->nconns = m->nsessions = 0;
    m->tls.vacant = NULL;
#if defined(MBEDTLS_SSL_CACHE_C)
    mbedtls_ssl_cache_free(&m->cache);
#endif
#if defined(MBEDTLS_SSL_TICKET_C)
    mbedtls_ssl_ticket_free(&m->ticket);
#endif
    mbedtls_ssl_config_free(&m->conf);
    mbedtls_x509_crt_free(&m->cert);
    mbedtls_pk_free(&m->key);
}

static const int suites[] = {
#if MCPT_TLS_MBEDTLS_13
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0
};
static const char *http11[] = { "http/1.1", NULL };

/* The certificates of der, one behind the other, into m->cert; at least one must be understood. */
static bool certificates(mcpt_tls_mbedtls *m, const void *der, size_t len, bool all)
{
    mcpt_tls_der d, value;
    unsigned good = 0;
    d.p = (const uint8_t *)der;
    d.end = d.p + len;
    while (len > 0 && d.p < d.end) {
        const uint8_t *from = d.p;
        if (!mcpt_tls_der_get(&d, 0x30, &value)) {
            return false;
        }
        if (mbedtls_x509_crt_parse_der(&m->cert, from, (size_t)(d.p - from)) == 0) {
            ++good;
        } else if (all) {
            return false;
        }
    }
    return good > 0;
}

static mcpt_err configure(mcpt_tls_mbedtls *m, bool client)
{
    mbedtls_ssl_config *f = &m->conf;
    unsigned char probe[4];
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && defined(MBEDTLS_PSA_CRYPTO_C)
    if (psa_crypto_init() != PSA_SUCCESS) {
        return MCPT_E_RANDOM;
    }
#endif
    if (random_bytes(m, probe, sizeof probe) != 0) {
        return MCPT_E_RANDOM;
    }
    if (mbedtls_ssl_config_defaults(f, client ? MBEDTLS_SSL_IS_CLIENT : MBEDTLS_SSL_IS_SERVER,
                                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
        return MCPT_E_SPACE;
    }
    mbedtls_ssl_conf_rng(f, random_bytes, m);
    mbedtls_ssl_conf_ciphersuites(f, suites);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    mbedtls_ssl_conf_min_tls_version(f, MBEDTLS_SSL_VERSION_TLS1_2);
#else
    mbedtls_ssl_conf_min_version(f, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
#if MCPT_TLS_MBEDTLS_13
    mbedtls_ssl_conf_tls13_key_exchange_modes(f, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
#endif
#if defined(MBEDTLS_SSL_ALPN)
    if (mbedtls_ssl_conf_alpn_protocols(f, http11) != 0) {
        return MCPT_E_ARG;
    }
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
    mbedtls_ssl_conf_renegotiation(f, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
    return MCPT_OK;
}

static mcpt_err init(mcpt_tls_mbedtls *m, const mcpt_tls_config *config, void *mem, size_t size, bool client,
                     const mcpt_tls_ops *ops)
{
    plan p;
    char *base;
    memset(m, 0, sizeof *m);
    mbedtls_ssl_config_init(&m->conf);
    mbedtls_x509_crt_init(&m->cert);
    mbedtls_pk_init(&m->key);
#if defined(MBEDTLS_SSL_CACHE_C)
    mbedtls_ssl_cache_init(&m->cache);
#endif
#if defined(MBEDTLS_SSL_TICKET_C)
    mbedtls_ssl_ticket_init(&m->ticket);
#endif
    if (config->env == NULL || config->env->millis == NULL || !make_plan(config, client, &p)) {
        return MCPT_E_ARG;
    }
    if (mem == NULL || size < p.total) {
        return MCPT_E_SPACE;
    }
    memset(mem, 0, p.total);
    base = (char *)mem + (16u - (uintptr_t)mem % 16u) % 16u;
    m->tls.env = config->env;
    m->conns = (conn *)(void *)(base + p.conns_at);
    m->sessions = client ? (session *)(void *)(base + p.sessions_at) : NULL;
    m->nsessions = config->sessions;
    mcpt_tls_pool(&m->tls, config, ops, m->conns, p.connections, sizeof(conn));
    return configure(m, client);
}

/* Gives each connection of the pool its record buffers, once and for all. */
static mcpt_err set_up(mcpt_tls_mbedtls *m, const mcpt_tls_config *config)
{
    uint32_t n = config->connections != 0 ? config->connections : 8;
    for (; m->nconns < n; m->nconns++) {
        conn *c = &m->conns[m->nconns];
        mbedtls_ssl_init(&c->ssl);
        if (mbedtls_ssl_setup(&c->ssl, &m->conf) != 0) {
            mbedtls_ssl_free(&c->ssl);
            return MCPT_E_SPACE;
        }
    }
    return MCPT_OK;
}

static mcpt_err done(mcpt_tls_mbedtls *m, mcpt_err e)
{
    if (e != MCPT_OK) {
        mcpt_tls_mbedtls_free(m);
    }
    return e;
}

#if defined(MBEDTLS_SSL_SRV_C)
static mcpt_err identity(mcpt_tls_mbedtls *m, const mcpt_tls_config *config)
{
    int r;
    if (config->key == NULL || config->key_len == 0 || !certificates(m, config->chain, config->chain_len, true)) {
        return MCPT_E_ARG;
    }
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    r = mbedtls_pk_parse_key(&m->key, (const unsigned char *)config->key, config->key_len, NULL, 0, random_bytes, m);
    if (r == 0) {
        r = mbedtls_pk_check_pair(&m->cert.pk, &m->key, random_bytes, m);
    }
#else
    r = mbedtls_pk_parse_key(&m->key, (const unsigned char *)config->key, config->key_len, NULL, 0);
    if (r == 0) {
        r = mbedtls_pk_check_pair(&m->cert.pk, &m->key);
    }
#endif
    return r == 0 && mbedtls_ssl_conf_own_cert(&m->conf, &m->cert, &m->key) == 0 ? MCPT_OK : MCPT_E_ARG;
}

static mcpt_err resumption(mcpt_tls_mbedtls *m)
{
#if defined(MBEDTLS_SSL_CACHE_C)
    mbedtls_ssl_cache_set_max_entries(&m->cache, (int)m->nsessions);
#if defined(MBEDTLS_HAVE_TIME)
    mbedtls_ssl_cache_set_timeout(&m->cache, SESSION_S);
#endif
    mbedtls_ssl_conf_session_cache(&m->conf, m, cache_get, cache_set);
#endif
#if defined(MBEDTLS_SSL_TICKET_C) && defined(MBEDTLS_SSL_SESSION_TICKETS)
    if (mbedtls_ssl_ticket_setup(&m->ticket, random_bytes, m, MBEDTLS_CIPHER_AES_256_GCM, SESSION_S) != 0) {
        return MCPT_E_SPACE;
    }
    mbedtls_ssl_conf_session_tickets_cb(&m->conf, ticket_write, ticket_parse, m);
#endif
    return MCPT_OK;
}

mcpt_err mcpt_tls_mbedtls_server(mcpt_tls_mbedtls *m, const mcpt_tls_config *config, void *mem, size_t size)
{
    mcpt_err e = init(m, config, mem, size, false, &server_ops);
    e = e == MCPT_OK ? identity(m, config) : e;
    e = e == MCPT_OK && config->sessions > 0 ? resumption(m) : e;
    return done(m, e == MCPT_OK ? set_up(m, config) : e);
}
#endif

#if defined(MBEDTLS_SSL_CLI_C)
mcpt_err mcpt_tls_mbedtls_client(mcpt_tls_mbedtls *m, const mcpt_tls_config *config, void *mem, size_t size)
{
    mcpt_err e = init(m, config, mem, size, true, &client_ops);
    if (e == MCPT_OK && !certificates(m, config->trust, config->trust_len, false)) {
        e = MCPT_E_ARG;
    }
    if (e != MCPT_OK) {
        return done(m, e);
    }
    mbedtls_ssl_conf_authmode(&m->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&m->conf, &m->cert, NULL);
    mbedtls_ssl_conf_verify(&m->conf, check, m);
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
    mbedtls_ssl_conf_session_tickets(&m->conf, m->nsessions > 0 ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED :
                                     MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#if MCPT_TLS_MBEDTLS_13
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(&m->conf,
        MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
#endif
#if defined(MBEDTLS_SSL_MAX_FRAGMENT_LENGTH)
#if defined(MBEDTLS_SSL_IN_CONTENT_LEN) && MBEDTLS_SSL_IN_CONTENT_LEN < 16384
    (void)mbedtls_ssl_conf_max_frag_len(&m->conf, MBEDTLS_SSL_IN_CONTENT_LEN >= 4096 ? MBEDTLS_SSL_MAX_FRAG_LEN_4096 :
        MBEDTLS_SSL_IN_CONTENT_LEN >= 2048 ? MBEDTLS_SSL_MAX_FRAG_LEN_2048 :
        MBEDTLS_SSL_IN_CONTENT_LEN >= 1024 ? MBEDTLS_SSL_MAX_FRAG_LEN_1024 : MBEDTLS_SSL_MAX_FRAG_LEN_512);
#endif
#endif
    return done(m, set_up(m, config));
}
#endif
