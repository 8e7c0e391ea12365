/* port/tls.c - see tls.h: the part of TLS that does not depend on a library */
#include "tls.h"
#include <string.h>

enum { FREE, HANDSHAKE, OPEN, FINISHING, FAILED, OVER };    /* state */
enum { TIMED = 1, EXPIRED = 2, ENDED = 4 };                 /* flags; ENDED: close_notify came */

const char mcpt_tls_busy[7] = { 21, 3, 3, 0, 2, 2, 80 };

void mcpt_tls_wipe(void *p, size_t n)
{
    volatile uint8_t *at = (volatile uint8_t *)p;
    while (n-- > 0) {
        *at++ = 0;
    }
}

/* -- deadlines: all of the same length, so that the list is in order */
static void timer_stop(mcpt_tls_conn *c)
{
    mcpt_tls *t = c->tls;
    if ((c->flags & TIMED) == 0) {
        return;
    }
    *(c->prev != NULL ? &c->prev->next : &t->first) = c->next;
    *(c->next != NULL ? &c->next->prev : &t->last) = c->prev;
    c->prev = c->next = NULL;
    c->flags = (uint8_t)(c->flags & ~TIMED);
}

static void timer_start(mcpt_tls_conn *c)
{
    mcpt_tls *t = c->tls;
    timer_stop(c);
    c->deadline = t->env->millis(t->env->user) + t->timeout_ms;
    c->prev = t->last;
    c->next = NULL;
    *(t->last != NULL ? &t->last->next : &t->first) = c;
    t->last = c;
    c->flags |= TIMED;
}

mcpt_tls_conn *mcpt_tls_expired(mcpt_tls *t)
{
    mcpt_tls_conn *c = t->first;
    if (c == NULL || (int32_t)(t->env->millis(t->env->user) - c->deadline) < 0) {
        return NULL;
    }
    timer_stop(c);
    c->flags |= EXPIRED;
    return c;
}

uint32_t mcpt_tls_due(const mcpt_tls *t)
{
    int32_t left;
    if (t->first == NULL) {
        return UINT32_MAX;
    }
    left = (int32_t)(t->first->deadline - t->env->millis(t->env->user));
    return left > 0 ? (uint32_t)left : 0;
}

/* -- the machine */
static void no_more_rx(mcpt_tls_conn *c)
{
    c->io.rx = NULL;
    c->io.rx_len = c->io.rx_cap = 0;
}

static void fail(mcpt_tls_conn *c, mcpt_err e)
{
    c->err = e;
    c->tls->failed++;
    if (c->app->err == MCPT_OK) {
        c->app->err = e;
    }
    mcpt_io_eof(c->app);
    (void)mcpt_io_want(c->app);       /* handlers in work get their last run */
    c->state = FAILED;
    c->tls->ops->fail(c);
    timer_start(c);
}

/* The stream has ended. Before all that was received is with the machine behind, that means nothing. */
static void ended(mcpt_tls_conn *c, int32_t got)
{
    if (got == MCPT_E_CLOSED && (c->flags & ENDED) == 0) {
        c->flags |= ENDED;
        c->err = MCPT_E_CLOSED;
        mcpt_io_eof(c->app);
    } else if (got == 0 && c->io.eof != 0 && (c->flags & ENDED) == 0) {
        fail(c, MCPT_E_IO);
    } else if (got < 0 && got != MCPT_E_CLOSED) {
        fail(c, (mcpt_err)got);
    }
}

/* Moves bytes between the machine behind and the library until both wait. */
static void move(mcpt_tls_conn *c)
{
    const mcpt_tls_ops *ops = c->tls->ops;
    bool progress = true;
    while (progress && c->state == OPEN) {
        unsigned want = mcpt_io_want(c->app);
        size_t n, cap = 0;
        const char *from;
        char *to;
        int32_t got = 1;
        progress = false;
        while (got > 0 && (from = mcpt_io_tx(c->app, &n)) != NULL) {
            got = ops->write(c, from, n);
            if (got > 0) {
                mcpt_io_tx_ack(c->app, (size_t)got);
                progress = true;
            }
        }
        if (got < 0) {
            ended(c, got);
            mcpt_io_tx_ack(c->app, n);              /* RFC 5246, section 7.2.1: what was not sent is dropped */
            progress = true;
            continue;
        }
        if ((want & MCPT_CLOSED) != 0 && mcpt_io_tx(c->app, &n) == NULL) {
            c->state = FINISHING;
            timer_start(c);
            return;
        }
        to = (want & MCPT_WANT_RX) != 0 ? mcpt_io_rx(c->app, &cap) : NULL;
        got = ops->read(c, to, to != NULL ? cap : 0);       /* without room too: an alert may be there */
        if (got > 0) {
            mcpt_io_rx_ack(c->app, (size_t)got);
            progress = true;
        } else if (got != MCPT_E_SPACE && (c->flags & ENDED) == 0 &&
                   (got != 0 || (c->io.eof != 0 && c->io.rx_len == 0))) {
            ended(c, got);
            progress = true;
        }
    }
}

static void handshake(mcpt_tls_conn *c)
{
    mcpt_err e;
    if ((c->flags & EXPIRED) != 0) {
        fail(c, MCPT_E_TIMEOUT);
        return;
    }
    if (c->err != MCPT_OK) {
        fail(c, c->err);              /* of begin */
        return;
    }
    e = c->tls->ops->handshake(c);
    if (e == MCPT_OK) {
        timer_stop(c);
        c->state = OPEN;
    } else if (e != MCPT_PENDING) {
        fail(c, e);
    } else if (c->io.eof != 0) {
        fail(c, MCPT_E_IO);
    } else if ((mcpt_io_want(c->app) & MCPT_CLOSED) != 0) {
        c->state = OVER;              /* the machine behind gave up first */
    }
}

static unsigned run(mcpt_io *io)
{
    mcpt_tls_conn *c = (mcpt_tls_conn *)io;                 /* io is its first member */
    const mcpt_tls_ops *ops = c->tls->ops;
    if (c->state != OVER && c->state != FAILED) {
        ops->take(c);
    }
    if (c->state == HANDSHAKE) {
        handshake(c);
    }
    if (c->state == OPEN) {
        move(c);
    }
    if (c->state == FINISHING && (ops->finish(c) != MCPT_PENDING || (c->flags & EXPIRED) != 0)) {
        c->state = OVER;
        io->tx_at = io->tx_len = 0;
    }
    if (c->state == FAILED && (io->tx_at == io->tx_len || io->eof != 0 || (c->flags & EXPIRED) != 0)) {
        c->state = OVER;
        io->tx_at = io->tx_len = 0;
    }
    if (c->state == OVER || c->state == FAILED) {
        no_more_rx(c);
    } else {
        ops->show(c);
    }
    if (c->state == OVER) {
        timer_stop(c);
        io->want = MCPT_CLOSED;
    } else {
        io->want = (uint8_t)((io->tx_at != io->tx_len ? MCPT_WANT_TX : 0) |
                             (io->eof == 0 && io->rx_cap > io->rx_len ? MCPT_WANT_RX : 0));
    }
    return io->want;
}

bool mcpt_tls_shut(mcpt_tls_conn *c)
{
    if (c->state != OPEN) {
        return false;
    }
    c->state = FINISHING;
    timer_start(c);
    return true;
}

/* -- address literals */
static bool ip4(const char *s, uint8_t out[4])
{
    int i;
    for (i = 0; i < 4; ++i) {
        unsigned v = 0, digits = 0;
        for (; *s >= '0' && *s <= '9' && digits < 4; ++s, ++digits) {
            v = v * 10 + (unsigned)(*s - '0');
        }
        if (digits == 0 || digits > 3 || v > 255 || *s != (i < 3 ? '.' : '\0')) {
            return false;
        }
        s += i < 3;
        out[i] = (uint8_t)v;
    }
    return true;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 4291, section 2.2; a zone (%eth0) is not part of what a certificate says. */
static bool ip6(const char *s, uint8_t out[16])
{
    int at = 0, gap = -1, i;
    memset(out, 0, 16);
    if (s[0] == ':' && s[1] == ':') {
        gap = 0;
        s += 2;
    }
    while (*s != '\0' && *s != '%') {
        unsigned v = 0, digits = 0;
        if (at == 16) {
            return false;
        }
        if (at <= 12 && ip4(s, out + at)) {
            at += 4;
            break;
        }
        for (; hex(*s) >= 0 && digits < 5; ++s, ++digits) {
            v = v << 4 | (unsigned)hex(*s);
        }
        if (digits == 0 || digits > 4) {
            return false;
        }
        out[at++] = (uint8_t)(v >> 8);
        out[at++] = (uint8_t)v;
        if (*s == ':' && s[1] == ':' && gap < 0) {
            gap = at;
            s += 2;
        } else if (*s == ':' && s[1] != '\0' && s[1] != ':') {
            ++s;
        } else if (*s != '\0' && *s != '%') {
            return false;
        }
    }
    if (gap >= 0 && at < 16) {
        for (i = 0; i < at - gap; ++i) {
            out[15 - i] = out[at - 1 - i];
            out[at - 1 - i] = 0;
        }
        return true;
    }
    return gap < 0 && at == 16;
}

size_t mcpt_tls_ip(const char *text, uint8_t ip[16])
{
    return ip4(text, ip) ? 4 : ip6(text, ip) ? 16 : 0;
}

/* -- the pool */
void mcpt_tls_pool(mcpt_tls *t, const mcpt_tls_config *config, const mcpt_tls_ops *ops, void *mem, size_t n, size_t size)
{
    char *at = (char *)mem;
    t->ops = ops;
    t->env = config->env;
    t->timeout_ms = config->timeout_ms == 0 ? 10000 : config->timeout_ms < 0x7fffffff ? config->timeout_ms : 0x7fffffff;
    for (at += n * size; n > 0; --n) {
        mcpt_tls_conn *c;
        at -= size;
        c = (mcpt_tls_conn *)(void *)at;
        c->tls = t;
        c->state = FREE;
        c->next = t->vacant;
        t->vacant = c;
    }
}

mcpt_tls_conn *mcpt_tls_open(mcpt_tls *t, mcpt_io *app, const char *host)
{
    char name[256];
    mcpt_tls_conn *c = t->vacant;
    size_t n = host != NULL ? strlen(host) : 0;
    if (c == NULL || n >= sizeof name) {
        t->refused++;
        return NULL;
    }
    t->vacant = c->next;
    t->open++;
    memset(c, 0, sizeof *c);
    c->io.run = run;
    c->tls = t;
    c->app = app;
    c->state = HANDSHAKE;
    if (host != NULL) {
        if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
            ++host;
            n -= 2;
        }
        memcpy(name, host, n);
        name[n] = '\0';
        c->ip_len = (uint8_t)mcpt_tls_ip(name, c->ip);
        if (n > 0 && c->ip_len == 0 && name[n - 1] == '.') {
            name[n - 1] = '\0';       /* an absolute name; certificates do not have the dot */
        }
        host = name;
    }
    c->err = host != NULL && host[0] == '\0' ? MCPT_E_ARG : host != NULL && (t->env->unix_time == NULL || t->env->unix_time(t->env->user) < 0) ? MCPT_E_STATE :
             t->ops->begin(c, host);
    timer_start(c);
    return c;
}

void mcpt_tls_close(mcpt_tls_conn *c)
{
    mcpt_tls *t = c->tls;
    if (c->state == FREE) {
        return;
    }
    timer_stop(c);
    t->ops->end(c);
    c->state = FREE;
    c->io.want = MCPT_CLOSED;
    c->io.tx_at = c->io.tx_len = 0;
    no_more_rx(c);
    c->next = t->vacant;
    t->vacant = c;
    t->open--;
}

/* -- PEM */
static const char *find(const char *from, const char *end, const char *what)
{
    size_t n = strlen(what);
    for (; (size_t)(end - from) >= n; ++from) {
        if (memcmp(from, what, n) == 0) {
            return from;
        }
    }
    return NULL;
}

static int base64_digit(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 :
           c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* out is never ahead of from: it may be the same memory. */
static mcpt_err base64_lines(const char *from, const char *end, uint8_t *out, size_t cap, size_t *len)
{
    uint32_t bits = 0;
    unsigned have = 0, pad = 0;
    for (; from < end; ++from) {
        int v = base64_digit(*from);
        if (*from == '\r' || *from == '\n' || *from == ' ' || *from == '\t') {
            continue;
        }
        if (*from == '=') {
            ++pad;
            continue;
        }
        if (v < 0 || pad != 0) {
            return MCPT_E_ARG;
        }
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            if (*len == cap) {
                return MCPT_E_SPACE;
            }
            have -= 8;
            out[(*len)++] = (uint8_t)(bits >> have);
        }
    }
    return pad > 2 || have >= 6 ? MCPT_E_ARG : MCPT_OK;
}

mcpt_err mcpt_tls_pem(const char *pem, size_t len, const char *label, void *out, size_t cap, size_t *out_len)
{
    const char *end = pem + len, *at = pem;
    size_t n = 0, label_len = strlen(label);
    mcpt_err e;
    *out_len = 0;
    while ((at = find(at, end, "-----BEGIN ")) != NULL) {
        const char *name = at + 11;
        const char *name_end = find(name, end, "-----");
        const char *stop = name_end != NULL ? find(name_end + 5, end, "-----END ") : NULL;
        size_t name_len = name_end != NULL ? (size_t)(name_end - name) : 0;
        if (stop == NULL) {
            return MCPT_E_ARG;
        }
        if (name_len >= label_len && memcmp(name_end - label_len, label, label_len) == 0) {
            if (name_len >= 9 && memcmp(name, "ENCRYPTED", 9) == 0) {
                return MCPT_E_ARG;
            }
            e = base64_lines(name_end + 5, stop, (uint8_t *)out, cap, &n);
            if (e != MCPT_OK) {
                return e;
            }
        }
        at = stop + 9;
    }
    *out_len = n;
    return n > 0 ? MCPT_OK : MCPT_E_ABSENT;
}

/* -- DER (ITU-T X.690), the little that is needed */
bool mcpt_tls_der_get(mcpt_tls_der *d, unsigned tag, mcpt_tls_der *value)
{
    const uint8_t *p = d->p;
    size_t n, bytes;
    if (d->end - p < 2 || (tag != 0 && p[0] != tag) || (p[0] & 0x1f) == 0x1f) {
        return false;
    }
    n = p[1];
    p += 2;
    if (n >= 0x80) {
        bytes = n - 0x80;
        if (bytes == 0 || bytes > 3 || (size_t)(d->end - p) < bytes) {
            return false;
        }
        for (n = 0; bytes > 0; --bytes) {
            n = n << 8 | *p++;
        }
    }
    if ((size_t)(d->end - p) < n) {
        return false;
    }
    d->p = p + n;
    value->p = p;                     /* value may be d */
    value->end = p + n;
    return true;
}

bool mcpt_tls_der_oid(mcpt_tls_der oid, const void *value, size_t len)
{
    return (size_t)(oid.end - oid.p) == len && memcmp(oid.p, value, len) == 0;
}

/* Certificate > tbsCertificate > [3] > Extensions > Extension > extnValue > GeneralNames > GeneralName: one depth each
 * (RFC 5280, section 4.1). What is not on that way is skipped whole, so that its content cannot be taken for it. */
enum { CERT, TBS, MEMBERS, LIST, EXTENSION, EXTENSION_PART, NAMES, NAME, DEPTHS };
enum { ENTER, SKIP, KEEP, WRONG };

void mcpt_tls_san_begin(mcpt_tls_san *s, unsigned want_tag, const void *want, size_t want_len, uint32_t cert_len)
{
    memset(s, 0, sizeof *s);
    s->want = (const uint8_t *)want;
    s->want_tag = (uint8_t)want_tag;
    s->want_len = (uint8_t)want_len;
    s->left[CERT] = cert_len;
}

static int san_head(mcpt_tls_san *s)
{
    const unsigned tag = s->tag;
    switch (s->depth) {
    case CERT: return tag == 0x30 ? ENTER : WRONG;
    case TBS: return s->seen++ == 0 && tag == 0x30 ? ENTER : SKIP;         /* then come algorithm and signature */
    case MEMBERS: return tag == 0xa3 ? ENTER : SKIP;
    case LIST: return tag == 0x30 ? ENTER : WRONG;
    case EXTENSION: s->san &= (uint8_t)~1u; return tag == 0x30 ? ENTER : WRONG;
    case EXTENSION_PART:
        if (tag == 0x06 && s->len == 3) {
            return KEEP;
        }
        return tag == 0x04 && (s->san & 1u) != 0 ? ENTER : SKIP;
    case NAMES: s->san |= 2u; return tag == 0x30 ? ENTER : WRONG;
    default: return tag == s->want_tag && s->len == s->want_len && s->len != 0 ? KEEP : SKIP;
    }
}

/* The content of an object identifier, or of a name: is it what is looked for? */
static void san_compare(mcpt_tls_san *s, const uint8_t *p, size_t n)
{
    const uint8_t *want = s->depth == EXTENSION_PART ? (const uint8_t *)"\x55\x1d\x11" : s->want;
    if (memcmp(p, want + s->at, n) != 0) {
        s->same = 0;
    }
    s->at = (uint8_t)(s->at + n);
}

static void san_compared(mcpt_tls_san *s)
{
    if (s->same && s->depth == EXTENSION_PART) {
        s->san |= 1u;
    } else if (s->same) {
        s->found = 1;
    }
}

/* An element has been passed; so may have been those around it. */
static void san_up(mcpt_tls_san *s)
{
    while (s->depth > CERT && s->left[s->depth] == 0) {
        --s->depth;
    }
}

void mcpt_tls_san_feed(mcpt_tls_san *s, const uint8_t *p, size_t n)
{
    enum { TAG, LENGTH, LONG, BODY = 8, SKIPPING };         /* head; LONG + k: k bytes of the length are missing */
    const uint8_t *end = p + n;
    while (p < end && !s->bad) {
        if (s->head >= BODY) {
            size_t take = (size_t)(end - p) < s->len ? (size_t)(end - p) : s->len;
            if (s->head == BODY) {
                san_compare(s, p, take);
            }
            p += take;
            s->len -= (uint32_t)take;
        } else if (s->left[s->depth]-- == 0) {
            s->bad = 1;
        } else if (s->head == TAG) {
            s->tag = *p++;
            s->head = LENGTH;
            continue;
        } else if (s->head == LENGTH) {
            s->len = *p < 0x80 ? *p : 0;
            s->bad = *p == 0x80 || *p > 0x83;
            s->head = (uint8_t)(*p < 0x80 ? LONG : LONG + (*p & 3));
            ++p;
        } else {
            s->len = s->len << 8 | *p++;
            --s->head;
        }
        if (s->head == LONG) {        /* the head is complete */
            int what = s->len <= s->left[s->depth] ? san_head(s) : WRONG;
            s->bad = what == WRONG;
            s->left[s->depth] -= s->bad ? 0 : s->len;
            s->at = 0;
            s->same = 1;
            s->head = (uint8_t)(what == ENTER ? TAG : what == KEEP ? BODY : SKIPPING);
            if (what == ENTER && !s->bad) {
                s->left[++s->depth] = s->len;
                san_up(s);            /* it may be empty */
                continue;
            }
        }
        if (s->head >= BODY && s->len == 0) {
            if (s->head == BODY) {
                san_compared(s);
            }
            s->head = TAG;
            san_up(s);
        }
    }
}

bool mcpt_tls_san_ok(const mcpt_tls_san *s)
{
    return !s->bad && (s->san & 2u) != 0 && (s->want_len == 0 || s->found);
}
