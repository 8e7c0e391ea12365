/* port/tls_bearssl.c - see tls_bearssl.h */
/* cflags: -DMCPT_TLS_12 */
#include "tls_bearssl.h"
#include <string.h>

#ifndef MCPT_TLS_12
#pragma message("port/tls_bearssl: BearSSL speaks TLS 1.2 alone; -DMCPT_TLS_12 when that is meant")
#endif

#ifndef MCPT_BEARSSL_NO_RSA
#define MCPT_BEARSSL_NO_RSA 0         /* 1: ECDSA certificates alone */
#endif
#ifndef MCPT_BEARSSL_NO_CHACHA20
#define MCPT_BEARSSL_NO_CHACHA20 0    /* 1: AES-GCM alone */
#endif
#ifndef MCPT_BEARSSL_NO_SHA384
#define MCPT_BEARSSL_NO_SHA384 0      /* 1: no AES-256-GCM, no certificates signed with SHA-384 or SHA-512 */
#endif
#ifndef MCPT_BEARSSL_EC
#define MCPT_BEARSSL_EC br_ec_get_default()                 /* &br_ec_p256_m15, &br_ec_p256_m31: P-256 alone, small */
#endif

enum { IN_OVERHEAD = 325, OUT_OVERHEAD = 85, LEAST = 512, SESSION_MS = 3600000 };
enum { CLOSING = 1, RESUMED = 2 };    /* bear.bits */

typedef struct bear {                 /* one connection; a server or client context and two buffers follow */
    mcpt_tls_conn c;
    br_ssl_engine_context *eng;
    unsigned char *in, *out;
    struct mcpt_tls_bearssl_session *session;               /* client: where this host's session is kept */
    uint8_t offered[32], offered_len;                       /* client: id of the session that may be resumed */
    unsigned bits;
} bear;
typedef struct bear_server { bear b; br_ssl_server_context sc; } bear_server;
typedef struct check {                /* the certificate check: br_x509_minimal and the name, see start_chain */
    const br_x509_class *vtable;
    br_x509_minimal_context minimal;
    mcpt_tls_san san;
    const mcpt_tls_conn *c;
    bool first;
} check;
typedef struct bear_client { bear b; br_ssl_client_context cc; check x; } bear_client;
typedef struct mcpt_tls_bearssl_session {
    char host[256];
    br_ssl_session_parameters p;
    const void *claim;                /* the connection that may write here: another may have taken the place for its host */
    uint32_t at;
} session;
static const char *const http11[] = { "http/1.1" };

/* -- what both sides do */
static mcpt_tls_bearssl *owner_of(const mcpt_tls_conn *c)
{
    return (mcpt_tls_bearssl *)(void *)c->tls;              /* tls is its first member */
}

static mcpt_err error_of(mcpt_tls_conn *c, int e)
{
    c->detail = e;
    return e > BR_ERR_X509_OK && e < 64 ? MCPT_E_CERTIFICATE : e == BR_ERR_NO_RANDOM ? MCPT_E_RANDOM : MCPT_E_TLS;
}

static void take(mcpt_tls_conn *c)
{
    bear *b = (bear *)(void *)c;
    if (b->eng == NULL || br_ssl_engine_current_state(b->eng) == BR_SSL_CLOSED) {
        return;
    }
    if (c->io.tx_at > 0) {
        br_ssl_engine_sendrec_ack(b->eng, c->io.tx_at);
    }
    c->io.tx_at = c->io.tx_len = 0;
    if (c->io.rx_len > 0) {
        br_ssl_engine_recvrec_ack(b->eng, c->io.rx_len);
    }
    c->io.rx_len = c->io.rx_cap = 0;
}

static void show(mcpt_tls_conn *c)
{
    const bear *b = (const bear *)(const void *)c;
    size_t n = 0;
    if (b->eng == NULL) {
        return;
    }
    if (br_ssl_engine_current_state(b->eng) != BR_SSL_CLOSED) {
        br_ssl_engine_flush(b->eng, 0);
    }
    c->io.rx = (char *)br_ssl_engine_recvrec_buf(b->eng, &n);
    c->io.rx_cap = (uint32_t)n;
    c->io.tx = (char *)br_ssl_engine_sendrec_buf(b->eng, &n);
    c->io.tx_len = (uint32_t)n;
}

static int32_t ended(mcpt_tls_conn *c)
{
    const bear *b = (const bear *)(const void *)c;
    int e = br_ssl_engine_last_error(b->eng);
    return e != BR_ERR_OK ? error_of(c, e) :
           br_ssl_engine_current_state(b->eng) == BR_SSL_CLOSED || b->eng->shutdown_recv ? MCPT_E_CLOSED : 0;
}

static int32_t read_plain(mcpt_tls_conn *c, char *to, size_t cap)
{
    const bear *b = (const bear *)(const void *)c;
    size_t n;
    const unsigned char *from = br_ssl_engine_recvapp_buf(b->eng, &n);
    if (from == NULL) {
        return ended(c);
    }
    if (cap == 0) {
        return MCPT_E_SPACE;
    }
    n = n < cap ? n : cap;
    memcpy(to, from, n);
    br_ssl_engine_recvapp_ack(b->eng, n);
    return (int32_t)n;
}

static int32_t write_plain(mcpt_tls_conn *c, const char *from, size_t len)
{
    const bear *b = (const bear *)(const void *)c;
    size_t n;
    unsigned char *to = br_ssl_engine_sendapp_buf(b->eng, &n);
    if (to == NULL) {
        return ended(c);
    }
    n = n < len ? n : len;
    memcpy(to, from, n);
    br_ssl_engine_sendapp_ack(b->eng, n);
    return (int32_t)n;
}

static mcpt_err finish(mcpt_tls_conn *c)
{
    bear *b = (bear *)(void *)c;
    size_t n;
    if (br_ssl_engine_current_state(b->eng) != BR_SSL_CLOSED) {
        br_ssl_engine_flush(b->eng, 0);
    }
    if ((b->bits & CLOSING) == 0 && br_ssl_engine_sendrec_buf(b->eng, &n) == NULL) {
        b->bits |= CLOSING;
        br_ssl_engine_close(b->eng);
    }
    return br_ssl_engine_sendrec_buf(b->eng, &n) != NULL ? MCPT_PENDING : MCPT_OK;
}

/* RFC 5246, section 7.2.2 */
static uint8_t alert_for(int e)
{
    switch (e) {
    case BR_ERR_BAD_MAC: return 20;                         /* bad_record_mac */
    case BR_ERR_TOO_LARGE: return 22;                       /* record_overflow */
    case BR_ERR_UNEXPECTED: case BR_ERR_BAD_CCS: case BR_ERR_UNKNOWN_TYPE: return 10;
    case BR_ERR_UNSUPPORTED_VERSION: case BR_ERR_BAD_VERSION: return 70;
    case BR_ERR_BAD_SIGNATURE: case BR_ERR_BAD_FINISHED: return 51;
    case BR_ERR_X509_EXPIRED: return 45;
    case BR_ERR_X509_NOT_TRUSTED: return 48;                /* unknown_ca */
    case BR_ERR_BAD_PARAM: case BR_ERR_BAD_STATE: case BR_ERR_NO_RANDOM: return 80;
    default: return e > BR_ERR_X509_OK ? 42 : e < BR_ERR_BAD_CIPHER_SUITE ? 50 : 47;
    }
}

/* Most of BearSSL's errors end the engine without a word. The record layer below it still works. */
static void say_why(mcpt_tls_conn *c)
{
    bear *b = (bear *)(void *)c;
    br_ssl_engine_context *e = b->eng;
    int why = e != NULL ? br_ssl_engine_last_error(e) : 0;
    size_t at = 5, end, n = 2;
    unsigned char *record;
    c->io.tx_at = c->io.tx_len = 0;
    if (why == 0 || why >= BR_ERR_RECV_FATAL_ALERT || e->out.vtable == NULL || e->oxc > e->oxa) {
        return;                       /* said already, or a record is on its way half sent */
    }
    end = e->obuf_len - at;
    e->out.vtable->max_plaintext(&e->out.vtable, &at, &end);
    e->obuf[at] = 2;                  /* fatal */
    e->obuf[at + 1] = alert_for(why);
    record = e->out.vtable->encrypt(&e->out.vtable, 21, e->version_out != 0 ? e->version_out : BR_TLS12,
                                    e->obuf + at, &n);
    c->io.tx = (char *)record;
    c->io.tx_len = (uint32_t)n;
}

/* Versions, algorithms, buffers, random: before reset. False: no random. */
static bool prepare(bear *b)
{
    const mcpt_tls_bearssl *t = owner_of(&b->c);
    const mcpt_env *env = t->tls.env;
    br_ssl_engine_context *e = b->eng;
    uint8_t seed[32];
    br_ssl_engine_set_versions(e, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_ec(e, MCPT_BEARSSL_EC);
    br_ssl_engine_set_hash(e, br_sha256_ID, &br_sha256_vtable);
    br_ssl_engine_set_prf_sha256(e, &br_tls12_sha256_prf);
#if !MCPT_BEARSSL_NO_SHA384
    br_ssl_engine_set_hash(e, br_sha384_ID, &br_sha384_vtable);
    br_ssl_engine_set_hash(e, br_sha512_ID, &br_sha512_vtable);
    br_ssl_engine_set_prf_sha384(e, &br_tls12_sha384_prf);
#endif
    br_ssl_engine_set_default_aes_gcm(e);
#if !MCPT_BEARSSL_NO_CHACHA20
    br_ssl_engine_set_default_chapol(e);
#endif
    br_ssl_engine_set_protocol_names(e, (const char **)(uintptr_t)http11, 1);
    br_ssl_engine_set_all_flags(e, BR_OPT_ENFORCE_SERVER_PREFERENCES | BR_OPT_NO_RENEGOTIATION |
                                BR_OPT_FAIL_ON_ALPN_MISMATCH);
    br_ssl_engine_set_buffers_bidi(e, b->in, t->in_size, b->out, t->out_size);
    if (env->random == NULL || !env->random(env->user, seed, sizeof seed)) {
        return false;
    }
    br_ssl_engine_inject_entropy(e, seed, sizeof seed);
    mcpt_tls_wipe(seed, sizeof seed);
    return true;
}

static const uint16_t ec_suites[] = {
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
#if !MCPT_BEARSSL_NO_CHACHA20
    BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
#endif
#if !MCPT_BEARSSL_NO_SHA384
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
#endif
};
#if !MCPT_BEARSSL_NO_RSA
static const uint16_t rsa_suites[] = {
    BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
#if !MCPT_BEARSSL_NO_CHACHA20
    BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
#endif
#if !MCPT_BEARSSL_NO_SHA384
    BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
#endif
};
#endif

static void wipe_from(bear *b, void *context, size_t n)
{
    const mcpt_tls_bearssl *t = owner_of(&b->c);
    if (b->eng == NULL) {
        return;                       /* it was not begun */
    }
    mcpt_tls_wipe(context, n);
    mcpt_tls_wipe(b->in, t->in_size);
    mcpt_tls_wipe(b->out, t->out_size);
    b->eng = NULL;
}

/* -- server */
static void buffers(bear *b, size_t context)
{
    b->in = (unsigned char *)b + context;
    b->out = b->in + owner_of(&b->c)->in_size;
    b->session = NULL;
    b->bits = 0;
    b->offered_len = 0;
}

static mcpt_err server_begin(mcpt_tls_conn *c, const char *host)
{
    bear_server *s = (bear_server *)(void *)c;
    mcpt_tls_bearssl *t = owner_of(c);
    if (host != NULL) {
        return MCPT_E_ARG;
    }
    br_ssl_server_zero(&s->sc);
    buffers(&s->b, sizeof *s);
    s->b.eng = &s->sc.eng;
    if (!prepare(&s->b)) {
        return MCPT_E_RANDOM;
    }
    if (t->key_type == BR_KEYTYPE_EC) {
        br_ssl_engine_set_suites(&s->sc.eng, ec_suites, MCPT_COUNT(ec_suites));
        br_ssl_server_set_single_ec(&s->sc, t->chain, t->nchain, &t->key.ec, BR_KEYTYPE_SIGN, 0, MCPT_BEARSSL_EC,
                                    br_ecdsa_sign_asn1_get_default());
    }
#if !MCPT_BEARSSL_NO_RSA
    if (t->key_type == BR_KEYTYPE_RSA) {
        br_ssl_engine_set_suites(&s->sc.eng, rsa_suites, MCPT_COUNT(rsa_suites));
        br_ssl_server_set_single_rsa(&s->sc, t->chain, t->nchain, &t->key.rsa, BR_KEYTYPE_SIGN,
                                     br_rsa_private_get_default(), br_rsa_pkcs1_sign_get_default());
    }
#endif
    if (t->nsessions > 0) {
        br_ssl_server_set_cache(&s->sc, &t->cache.vtable);
    }
    return br_ssl_server_reset(&s->sc) ? MCPT_OK : error_of(c, br_ssl_engine_last_error(&s->sc.eng));
}

static mcpt_err shaken(const bear *b)
{
    return (br_ssl_engine_current_state(b->eng) & (BR_SSL_SENDAPP | BR_SSL_RECVAPP)) != 0 ? MCPT_OK : MCPT_PENDING;
}

static mcpt_err server_handshake(mcpt_tls_conn *c)
{
    const bear *b = (const bear *)(const void *)c;
    int32_t e = ended(c);
    if (e != 0) {
        return e == MCPT_E_CLOSED ? MCPT_E_TLS : (mcpt_err)e;
    }
    if (shaken(b) == MCPT_OK) {
        if ((b->bits & RESUMED) != 0) {
            c->tls->resumed++;
        } else {
            c->tls->full++;
        }
        return MCPT_OK;
    }
    return MCPT_PENDING;
}

static void server_end(mcpt_tls_conn *c)
{
    bear_server *s = (bear_server *)(void *)c;
    wipe_from(&s->b, &s->sc, sizeof s->sc);
}

static const mcpt_tls_ops server_ops = {
    take, show, server_begin, server_handshake, read_plain, write_plain, finish, say_why, server_end
};

/* The session cache is BearSSL's own; this one in front of it knows which connection was resumed. */
static void cache_save(const br_ssl_session_cache_class **ctx, br_ssl_server_context *sc, const br_ssl_session_parameters *p)
{
    mcpt_tls_bearssl *t = (mcpt_tls_bearssl *)(void *)((char *)(uintptr_t)ctx - offsetof(mcpt_tls_bearssl, cache));
    t->cache.lru.vtable->save(&t->cache.lru.vtable, sc, p);
}

static int cache_load(const br_ssl_session_cache_class **ctx, br_ssl_server_context *sc, br_ssl_session_parameters *p)
{
    mcpt_tls_bearssl *t = (mcpt_tls_bearssl *)(void *)((char *)(uintptr_t)ctx - offsetof(mcpt_tls_bearssl, cache));
    bear_server *s = (bear_server *)(void *)((char *)sc - offsetof(bear_server, sc));
    int found = t->cache.lru.vtable->load(&t->cache.lru.vtable, sc, p);
    s->b.bits |= found ? RESUMED : 0u;
    return found;
}

static const br_ssl_session_cache_class cache_class = { sizeof(br_ssl_session_cache_class *), cache_save, cache_load };

/* -- client */
static void start_chain(const br_x509_class **ctx, const char *name)
{
    check *x = (check *)(void *)(uintptr_t)ctx;
    x->first = true;
    x->minimal.vtable->start_chain(&x->minimal.vtable, x->c->ip_len != 0 ? NULL : name);
}

static void start_cert(const br_x509_class **ctx, uint32_t len)
{
    check *x = (check *)(void *)(uintptr_t)ctx;
    if (x->first) {
        mcpt_tls_san_begin(&x->san, 0x87, x->c->ip, x->c->ip_len, len);
    }
    x->minimal.vtable->start_cert(&x->minimal.vtable, len);
}

static void append(const br_x509_class **ctx, const unsigned char *p, size_t n)
{
    check *x = (check *)(void *)(uintptr_t)ctx;
    if (x->first) {
        mcpt_tls_san_feed(&x->san, p, n);
    }
    x->minimal.vtable->append(&x->minimal.vtable, p, n);
}

static void end_cert(const br_x509_class **ctx)
{
    check *x = (check *)(void *)(uintptr_t)ctx;
    x->first = false;
    x->minimal.vtable->end_cert(&x->minimal.vtable);
}

/* BearSSL compares host names, but falls back on the common name, and knows no addresses. */
static unsigned end_chain(const br_x509_class **ctx)
{
    check *x = (check *)(void *)(uintptr_t)ctx;
    unsigned e = x->minimal.vtable->end_chain(&x->minimal.vtable);
    return e != 0 || mcpt_tls_san_ok(&x->san) ? e : BR_ERR_X509_BAD_SERVER_NAME;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
    const check *x = (const check *)(const void *)ctx;
    return x->minimal.vtable->get_pkey(&x->minimal.vtable, usages);
}

static const br_x509_class check_class = {
    sizeof(check), start_chain, start_cert, append, end_cert, end_chain, get_pkey
};

static void prepare_check(bear_client *s)
{
    const mcpt_tls_bearssl *t = owner_of(&s->b.c);
    const mcpt_env *env = t->tls.env;
    const int64_t now = env->unix_time(env->user);
    br_ssl_engine_context *e = &s->cc.eng;
    br_x509_minimal_context *m = &s->x.minimal;
    br_x509_minimal_init(m, &br_sha256_vtable, t->trust, t->ntrust);
    br_x509_minimal_set_hash(m, br_sha256_ID, &br_sha256_vtable);
#if !MCPT_BEARSSL_NO_SHA384
    br_x509_minimal_set_hash(m, br_sha384_ID, &br_sha384_vtable);
    br_x509_minimal_set_hash(m, br_sha512_ID, &br_sha512_vtable);
#endif
#if !MCPT_BEARSSL_NO_RSA
    br_ssl_engine_set_default_rsavrfy(e);
    br_x509_minimal_set_rsa(m, br_ssl_engine_get_rsavrfy(e));
    br_x509_minimal_set_minrsa(m, 256);
#endif
    br_ssl_engine_set_ecdsa(e, br_ecdsa_vrfy_asn1_get_default());
    br_x509_minimal_set_ecdsa(m, br_ssl_engine_get_ec(e), br_ssl_engine_get_ecdsa(e));
    br_x509_minimal_set_time(m, (uint32_t)(719528 + now / 86400), (uint32_t)(now % 86400));
    s->x.vtable = &check_class;
    s->x.c = &s->b.c;
    br_ssl_engine_set_x509(e, &s->x.vtable);
}

/* Where the session of this host is, or may be kept: the one of its name, else a free one, else the oldest. */
static session *session_for(const mcpt_tls_bearssl *t, const char *host, uint32_t now)
{
    session *best = NULL;
    size_t i;
    for (i = 0; i < t->nsessions; ++i) {
        session *s = &t->sessions[i];
        if (s->host[0] != '\0' && now - s->at > SESSION_MS) {
            mcpt_tls_wipe(s, sizeof *s);
        }
        if (strcmp(s->host, host) == 0) {
            return s;
        }
        if (best == NULL || (best->host[0] != '\0' && (s->host[0] == '\0' || now - s->at > now - best->at))) {
            best = s;
        }
    }
    if (best != NULL) {
        mcpt_tls_wipe(best, sizeof *best);
        memcpy(best->host, host, strlen(host) + 1);
        best->at = now;
    }
    return best;
}

static mcpt_err client_begin(mcpt_tls_conn *c, const char *host)
{
    bear_client *s = (bear_client *)(void *)c;
    const mcpt_tls_bearssl *t = owner_of(c);
    if (host == NULL) {
        return MCPT_E_ARG;
    }
    br_ssl_client_zero(&s->cc);
    buffers(&s->b, sizeof *s);
    s->b.eng = &s->cc.eng;
    if (!prepare(&s->b)) {
        return MCPT_E_RANDOM;
    }
    {
        uint16_t suites[2 * MCPT_COUNT(ec_suites)];
        size_t n = MCPT_COUNT(ec_suites);
        memcpy(suites, ec_suites, sizeof ec_suites);
#if !MCPT_BEARSSL_NO_RSA
        memcpy(suites + n, rsa_suites, sizeof rsa_suites);
        n += MCPT_COUNT(rsa_suites);
#endif
        br_ssl_engine_set_suites(&s->cc.eng, suites, n);
    }
    prepare_check(s);
    s->b.session = session_for(t, host, t->tls.env->millis(t->tls.env->user));
    if (s->b.session != NULL) {
        s->b.session->claim = c;
        s->b.offered_len = s->b.session->p.session_id_len;
        memcpy(s->b.offered, s->b.session->p.session_id, sizeof s->b.offered);
        br_ssl_engine_set_session_parameters(&s->cc.eng, &s->b.session->p);
    }
    return br_ssl_client_reset(&s->cc, c->ip_len != 0 ? NULL : host, s->b.session != NULL) ? MCPT_OK :
           error_of(c, br_ssl_engine_last_error(&s->cc.eng));
}

static mcpt_err client_handshake(mcpt_tls_conn *c)
{
    bear *b = (bear *)(void *)c;
    br_ssl_session_parameters p;
    session *s = b->session != NULL && b->session->claim == c ? b->session : NULL;
    bool same;
    int32_t e = ended(c);
    if (e != 0) {
        if (s != NULL) {
            mcpt_tls_wipe(s, sizeof *s);
        }
        return e == MCPT_E_CLOSED ? MCPT_E_TLS : (mcpt_err)e;
    }
    if (shaken(b) != MCPT_OK) {
        return MCPT_PENDING;
    }
    br_ssl_engine_get_session_parameters(b->eng, &p);
    same = b->offered_len != 0 && b->offered_len == p.session_id_len && memcmp(b->offered, p.session_id, p.session_id_len) == 0;
    if (same) {
        c->tls->resumed++;
    } else {
        c->tls->full++;
    }
    if (s != NULL && !same) {
        s->p = p;
        s->at = c->tls->env->millis(c->tls->env->user);
    }
    mcpt_tls_wipe(&p, sizeof p);
    return MCPT_OK;
}

static void client_end(mcpt_tls_conn *c)
{
    bear_client *s = (bear_client *)(void *)c;
    if (s->b.session != NULL && s->b.session->claim == c) {
        s->b.session->claim = NULL;
    }
    wipe_from(&s->b, &s->cc, sizeof s->cc);
    mcpt_tls_wipe(&s->x, sizeof s->x);
}

static const mcpt_tls_ops client_ops = {
    take, show, client_begin, client_handshake, read_plain, write_plain, finish, say_why, client_end
};

/* -- certificates and keys: views of the caller's DER */
static unsigned char *bytes_of(const uint8_t *p)
{
    return (unsigned char *)(uintptr_t)p;                   /* BearSSL's structures are not const, its functions are */
}

#if !MCPT_BEARSSL_NO_RSA
static mcpt_tls_der unsigned_of(mcpt_tls_der integer)
{
    while (integer.p < integer.end && *integer.p == 0) {
        ++integer.p;
    }
    return integer;
}
#endif

static int curve_of(mcpt_tls_der oid)
{
    return mcpt_tls_der_oid(oid, "\x2a\x86\x48\xce\x3d\x03\x01\x07", 8) ? BR_EC_secp256r1 :
           mcpt_tls_der_oid(oid, "\x2b\x81\x04\x00\x22", 5) ? BR_EC_secp384r1 :
           mcpt_tls_der_oid(oid, "\x2b\x81\x04\x00\x23", 5) ? BR_EC_secp521r1 : 0;
}

/* RFC 5280, section 4.1; RFC 3279, section 2.3.1; RFC 5480 */
static bool public_key(mcpt_tls_der spki, br_x509_pkey *key)
{
    mcpt_tls_der algorithm, oid, params, bits, n, e;
    if (!mcpt_tls_der_get(&spki, 0x30, &algorithm) || !mcpt_tls_der_get(&algorithm, 0x06, &oid) ||
        !mcpt_tls_der_get(&algorithm, 0, &params) || !mcpt_tls_der_get(&spki, 0x03, &bits) ||
        bits.p == bits.end || *bits.p++ != 0) {
        return false;
    }
    if (mcpt_tls_der_oid(oid, "\x2a\x86\x48\xce\x3d\x02\x01", 7)) {
        key->key_type = BR_KEYTYPE_EC;
        key->key.ec.curve = curve_of(params);
        key->key.ec.q = bytes_of(bits.p);
        key->key.ec.qlen = (size_t)(bits.end - bits.p);
        return key->key.ec.curve != 0;
    }
#if !MCPT_BEARSSL_NO_RSA
    if (mcpt_tls_der_oid(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9) && mcpt_tls_der_get(&bits, 0x30, &bits) &&
        mcpt_tls_der_get(&bits, 0x02, &n) && mcpt_tls_der_get(&bits, 0x02, &e)) {
        n = unsigned_of(n);
        e = unsigned_of(e);
        key->key_type = BR_KEYTYPE_RSA;
        key->key.rsa.n = bytes_of(n.p);
        key->key.rsa.nlen = (size_t)(n.end - n.p);
        key->key.rsa.e = bytes_of(e.p);
        key->key.rsa.elen = (size_t)(e.end - e.p);
        return true;
    }
#else
    (void)n;
    (void)e;
#endif
    return false;
}

static bool is_ca(mcpt_tls_der list)
{
    mcpt_tls_der extension, oid, value, flag;
    while (mcpt_tls_der_get(&list, 0x30, &extension)) {
        if (mcpt_tls_der_get(&extension, 0x06, &oid) && mcpt_tls_der_oid(oid, "\x55\x1d\x13", 3)) {
            (void)mcpt_tls_der_get(&extension, 0x01, &value);               /* critical */
            return mcpt_tls_der_get(&extension, 0x04, &value) && mcpt_tls_der_get(&value, 0x30, &value) &&
                   mcpt_tls_der_get(&value, 0x01, &flag) && flag.p < flag.end && *flag.p != 0;
        }
    }
    return false;
}

static bool anchor_of(mcpt_tls_der cert, br_x509_trust_anchor *a)
{
    mcpt_tls_der tbs, value, subject;
    memset(a, 0, sizeof *a);
    if (!mcpt_tls_der_get(&cert, 0x30, &tbs)) {
        return false;
    }
    (void)mcpt_tls_der_get(&tbs, 0xa0, &value);             /* version */
    if (!mcpt_tls_der_get(&tbs, 0x02, &value) || !mcpt_tls_der_get(&tbs, 0x30, &value) ||
        !mcpt_tls_der_get(&tbs, 0x30, &value) || !mcpt_tls_der_get(&tbs, 0x30, &value)) {
        return false;                 /* serial number, signature, issuer, validity */
    }
    subject.p = tbs.p;
    if (!mcpt_tls_der_get(&tbs, 0x30, &value)) {
        return false;
    }
    a->dn.data = bytes_of(subject.p);
    a->dn.len = (size_t)(tbs.p - subject.p);
    if (!mcpt_tls_der_get(&tbs, 0x30, &value) || !public_key(value, &a->pkey)) {
        return false;
    }
    while (!mcpt_tls_der_get(&tbs, 0xa3, &value)) {         /* extensions */
        if (!mcpt_tls_der_get(&tbs, 0, &value)) {
            return true;              /* there are none */
        }
    }
    if (mcpt_tls_der_get(&value, 0x30, &value) && is_ca(value)) {
        a->flags |= BR_X509_TA_CA;
    }
    return true;
}

/* How many elements; 0: it is not DER. */
static size_t count(const void *der, size_t len)
{
    mcpt_tls_der d, value;
    size_t n = 0;
    d.p = (const uint8_t *)der;
    d.end = d.p + len;
    while (len > 0 && d.p < d.end) {
        if (!mcpt_tls_der_get(&d, 0x30, &value)) {
            return 0;
        }
        ++n;
    }
    return n;
}

/* RFC 5958 (PKCS #8), RFC 5915 (SEC 1), RFC 8017 (PKCS #1) */
static bool private_key(mcpt_tls_bearssl *t, const void *der, size_t len)
{
    mcpt_tls_der d, seq, version, value, inner;
    d.p = (const uint8_t *)der;
    d.end = d.p + len;
    if (!mcpt_tls_der_get(&d, 0x30, &seq) || !mcpt_tls_der_get(&seq, 0x02, &version)) {
        return false;
    }
    inner = seq;
    if (mcpt_tls_der_get(&inner, 0x30, &value)) {           /* PKCS #8: algorithm, then one of the others */
        if (!mcpt_tls_der_get(&inner, 0x04, &value) || !mcpt_tls_der_get(&value, 0x30, &seq) ||
            !mcpt_tls_der_get(&seq, 0x02, &version)) {
            return false;
        }
    }
    if (mcpt_tls_der_get(&seq, 0x04, &value)) {
        t->key_type = BR_KEYTYPE_EC;
        t->key.ec.x = bytes_of(value.p);
        t->key.ec.xlen = (size_t)(value.end - value.p);
        return true;
    }
#if !MCPT_BEARSSL_NO_RSA
    {
        mcpt_tls_der part[8];
        int i;
        for (i = 0; i < 8; ++i) {     /* n e d p q dp dq iq */
            if (!mcpt_tls_der_get(&seq, 0x02, &part[i])) {
                return false;
            }
            part[i] = unsigned_of(part[i]);
        }
        t->key_type = BR_KEYTYPE_RSA;
        t->key.rsa.n_bitlen = (uint32_t)(part[0].end - part[0].p) * 8u;
        for (i = part[0].p < part[0].end ? *part[0].p : 0; i != 0 && i < 128; i <<= 1) {
            --t->key.rsa.n_bitlen;
        }
        t->key.rsa.p = bytes_of(part[3].p);
        t->key.rsa.plen = (size_t)(part[3].end - part[3].p);
        t->key.rsa.q = bytes_of(part[4].p);
        t->key.rsa.qlen = (size_t)(part[4].end - part[4].p);
        t->key.rsa.dp = bytes_of(part[5].p);
        t->key.rsa.dplen = (size_t)(part[5].end - part[5].p);
        t->key.rsa.dq = bytes_of(part[6].p);
        t->key.rsa.dqlen = (size_t)(part[6].end - part[6].p);
        t->key.rsa.iq = bytes_of(part[7].p);
        t->key.rsa.iqlen = (size_t)(part[7].end - part[7].p);
        return true;
    }
#else
    return false;
#endif
}

#if !MCPT_BEARSSL_NO_RSA
/* Is n = p * q? Compared modulo 2^64: enough for a mistake. */
static bool rsa_matches(const br_rsa_private_key *sk, const br_rsa_public_key *pk)
{
    uint64_t p = 0, q = 0, n = 0;
    size_t i;
    for (i = 8; i > 0; --i) {
        p = p << 8 | (sk->plen >= i ? sk->p[sk->plen - i] : 0u);
        q = q << 8 | (sk->qlen >= i ? sk->q[sk->qlen - i] : 0u);
        n = n << 8 | (pk->nlen >= i ? pk->n[pk->nlen - i] : 0u);
    }
    return p * q == n && pk->nlen == (sk->n_bitlen + 7) / 8;
}
#endif

static bool key_matches(mcpt_tls_bearssl *t, const br_x509_pkey *pk)
{
    unsigned char point[BR_EC_KBUF_PUB_MAX_SIZE];
    br_ec_public_key mine;
    if (pk->key_type != t->key_type) {
        return false;
    }
#if !MCPT_BEARSSL_NO_RSA
    if (t->key_type == BR_KEYTYPE_RSA) {
        return rsa_matches(&t->key.rsa, &pk->key.rsa);
    }
#endif
    t->key.ec.curve = pk->key.ec.curve;                     /* a key of another curve makes another point */
    return br_ec_compute_pub(MCPT_BEARSSL_EC, &mine, point, &t->key.ec) == pk->key.ec.qlen &&
           memcmp(mine.q, pk->key.ec.q, mine.qlen) == 0;
}

/* -- beginning */
static size_t part(size_t *at, size_t n, size_t size)
{
    size_t begin = *at;
    *at += (n * size + 15u) & ~(size_t)15u;
    return begin;
}

typedef struct plan {
    uint32_t in_size, out_size, connections;
    size_t ntrust, each, trust_at, sessions_at, conns_at, total;
} plan;

static bool make_plan(const mcpt_tls_config *c, bool client, plan *p)
{
    size_t at = 0;
    p->in_size = c->in_size != 0 ? c->in_size : 16384 + IN_OVERHEAD;
    p->out_size = c->out_size != 0 ? c->out_size : 4096 + OUT_OVERHEAD;
    p->connections = c->connections != 0 ? c->connections : 8;
    p->ntrust = client ? count(c->trust, c->trust_len) : 0;
    if (p->in_size < LEAST + IN_OVERHEAD || p->out_size < LEAST + OUT_OVERHEAD || p->in_size > 1u << 20 ||
        p->out_size > 1u << 20 || p->connections > 100000 || c->sessions > 1000000 || (client && p->ntrust == 0)) {
        return false;
    }
    p->each = ((client ? sizeof(bear_client) : sizeof(bear_server)) + p->in_size + p->out_size + 15u) & ~(size_t)15u;
    p->trust_at = part(&at, 2 * p->ntrust, sizeof(br_x509_trust_anchor));
    p->sessions_at = part(&at, c->sessions, client ? sizeof(session) : 100);
    p->conns_at = part(&at, p->connections, p->each);
    p->total = at + 15;
    return true;
}

size_t mcpt_tls_bearssl_size(const mcpt_tls_config *config, bool client)
{
    plan p;
    return make_plan(config, client, &p) ? p.total : 0;
}

/* ops is handed down, not chosen here: a program that only serves must not link the client. */
static mcpt_err init(mcpt_tls_bearssl *b, const mcpt_tls_config *config, void *mem, size_t size, const mcpt_tls_ops *ops,
                     bool client, plan *p, char **base)
{
    memset(b, 0, sizeof *b);
    if (config->env == NULL || config->env->millis == NULL || !make_plan(config, client, p)) {
        return MCPT_E_ARG;
    }
    if (mem == NULL || size < p->total) {
        return MCPT_E_SPACE;
    }
    memset(mem, 0, p->total);
    *base = (char *)mem + (16u - (uintptr_t)mem % 16u) % 16u;
    b->in_size = p->in_size;
    b->out_size = p->out_size;
    b->nsessions = config->sessions;
    mcpt_tls_pool(&b->tls, config, ops, *base + p->conns_at, p->connections, p->each);
    return MCPT_OK;
}

mcpt_err mcpt_tls_bearssl_server(mcpt_tls_bearssl *b, const mcpt_tls_config *config, void *mem, size_t size)
{
    plan p;
    char *base;
    mcpt_tls_der d, value;
    br_x509_trust_anchor own;
    mcpt_err e = init(b, config, mem, size, &server_ops, false, &p, &base);
    if (e != MCPT_OK) {
        return e;
    }
    d.p = (const uint8_t *)config->chain;
    d.end = d.p + config->chain_len;
    if (count(config->chain, config->chain_len) == 0 || config->key == NULL) {
        return MCPT_E_ARG;
    }
    for (; d.p < d.end; b->nchain++) {
        const uint8_t *from = d.p;
        if (b->nchain == MCPT_TLS_CHAIN) {
            return MCPT_E_LIMIT;
        }
        (void)mcpt_tls_der_get(&d, 0x30, &value);
        if (b->nchain == 0 && !anchor_of(value, &own)) {
            return MCPT_E_ARG;
        }
        b->chain[b->nchain].data = bytes_of(from);
        b->chain[b->nchain].data_len = (size_t)(d.p - from);
    }
    if (!private_key(b, config->key, config->key_len) || !key_matches(b, &own.pkey)) {
        return MCPT_E_ARG;
    }
    b->cache.vtable = &cache_class;
    br_ssl_session_cache_lru_init(&b->cache.lru, (unsigned char *)base + p.sessions_at, b->nsessions * 100);
    return MCPT_OK;
}

mcpt_err mcpt_tls_bearssl_client(mcpt_tls_bearssl *b, const mcpt_tls_config *config, void *mem, size_t size)
{
    plan p;
    char *base;
    mcpt_tls_der d, value;
    mcpt_err e = init(b, config, mem, size, &client_ops, true, &p, &base);
    if (e != MCPT_OK) {
        return e;
    }
    b->sessions = (session *)(void *)(base + p.sessions_at);
    b->trust = (br_x509_trust_anchor *)(void *)(base + p.trust_at);
    d.p = (const uint8_t *)config->trust;
    d.end = d.p + config->trust_len;
    while (mcpt_tls_der_get(&d, 0x30, &value)) {
        br_x509_trust_anchor *a = &b->trust[b->ntrust];
        if (!anchor_of(value, a)) {
            continue;                 /* an algorithm that is not known here: nothing it signs can be checked */
        }
        b->ntrust++;
        if ((a->flags & BR_X509_TA_CA) != 0) {              /* may stand for itself too: a self-signed server that says it is a CA */
            a[1] = a[0];
            a[1].flags = 0;
            b->ntrust++;
        }
    }
    return b->ntrust > 0 ? MCPT_OK : MCPT_E_ARG;
}
