/* port/lwip.c - see lwip.h
 *
 * lwIP's callbacks note what happened and queue the connection; mcpt_lwip_poll() does the work. So nothing here is
 * entered twice, a connection may be aborted anywhere, and the deepest stack is that of the machine alone. */
#include "lwip.h"
#include <lwip/altcp.h>
#include <lwip/ip_addr.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <string.h>

#if LWIP_ALTCP
#include <lwip/altcp_tcp.h>
#endif

#ifndef MCPT_LWIP_NO_TLS
#define MCPT_LWIP_NO_TLS 0            /* 1: without port/tls.c */
#endif
#define TLS(x) (MCPT_LWIP_NO_TLS ? NULL : (x))

typedef mcpt_lwip_slot slot;
typedef mcpt_lwip_wire wire;
typedef struct altcp_pcb pcb_type;

enum {
    NONE = 255,                       /* no buffer */
    TURNS = 16,                       /* of one connection in a row */
    ROUNDS = 4,                       /* one connection may wake others; then the network has its turn */
    LINGER = 4,                       /* half seconds for the peer to end its side too */
    PATIENCE = 2000,                  /* milliseconds that a client waits for room at most; */
    ANSWERED = 100, SILENT = 1000,    /* that a connection may take to ask more, or to ask at all, before it gives way to one that waits */
    KEEP_IDLE = 60000, KEEP_EVERY = 15000, KEEP_COUNT = 4   /* a dead peer is noticed within two minutes */
};
enum { SERVING = 1, QUEUED = 2, WAITING = 4, PEER_DONE = 8, BROKEN = 16, TOLD = 32, STUCK = 64, ENDING = 128 };   /* wire.flags */

static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

static uint32_t now(const mcpt_lwip *p)
{
    const mcpt_env *env = p->config.server->env;
    return env->millis(env->user);
}

/* -- queues: those with something to do, those that wait for a buffer. A slot that is closed stays in its queue and is
 * passed over. */
static void enqueue(mcpt_lwip *p, wire *w, unsigned queue)
{
    mcpt_lwip_queue *q = &p->queues[queue == WAITING];
    wire **end = q->first == NULL ? &q->first : &q->last->next[queue == WAITING];
    if ((w->flags & queue) == 0) {
        w->flags |= (uint8_t)queue;
        w->next[queue == WAITING] = NULL;
        *end = w;
        q->last = w;
    }
}

static wire *dequeue(mcpt_lwip *p, unsigned queue)
{
    mcpt_lwip_queue *q = &p->queues[queue == WAITING];
    wire *w = q->first;
    if (w != NULL) {
        q->first = w->next[queue == WAITING];
        w->flags &= (uint8_t)~queue;
    }
    return w;
}

/* From a callback: the loop must know. */
static void note(wire *w, unsigned flags)
{
    mcpt_lwip *p = w->port;
    w->flags |= (uint8_t)flags;
    enqueue(p, w, QUEUED);
    if (p->config.notify != NULL) {
        p->config.notify(p->config.notify_user);
    }
}

/* -- buffers */
static bool take_buffer(mcpt_lwip *p, slot *s)
{
    const mcpt_lwip_config *c = &p->config;
    const size_t tok = (size_t)c->ntok * sizeof(mcpt_tok);
    const size_t each = (tok + c->rx_size + c->tx_size + 7u) & ~(size_t)7u;
    mcpt_mem mem;
    unsigned i = 0;
    while (i < c->buffers && (p->taken[i / 8] >> (i % 8) & 1) != 0) {
        ++i;
    }
    if (i == c->buffers) {
        return false;
    }
    p->taken[i / 8] = (uint8_t)(p->taken[i / 8] | 1u << (i % 8));
    s->wire.buffer = (uint8_t)i;
    mem.tok = (mcpt_tok *)(void *)(p->buffers + i * each);
    mem.ntok = c->ntok;
    mem.rx = p->buffers + i * each + tok;
    mem.rx_size = c->rx_size;
    mem.tx = p->buffers + i * each + tok + c->rx_size;
    mem.tx_size = c->tx_size;
    (void)mcpt_conn_mem(&s->conn, &mem);
    if (++p->stats.buffers > p->stats.most_buffers) {
        p->stats.most_buffers = p->stats.buffers;
    }
    return true;
}

static void give_buffer(mcpt_lwip *p, slot *s)
{
    if (s->wire.buffer != NONE) {
        p->taken[s->wire.buffer / 8] = (uint8_t)(p->taken[s->wire.buffer / 8] & ~(1u << (s->wire.buffer % 8)));
        s->wire.buffer = NONE;
        --p->stats.buffers;
    }
}

/* -- the end of a connection. A TCP connection that is closed with unread input is reset, which destroys the answer before
 * the client has read it: so only our side is ended, and what still comes is thrown away, for a bounded time. */
static err_t drain(void *arg, pcb_type *pcb, struct pbuf *in, err_t err)
{
    (void)arg;
    (void)err;
    if (in != NULL) {
        altcp_recved(pcb, in->tot_len);
        (void)pbuf_free(in);
        return ERR_OK;
    }
    if (altcp_close(pcb) == ERR_OK) {
        return ERR_OK;
    }
    altcp_abort(pcb);
    return ERR_ABRT;
}

static err_t give_up(void *arg, pcb_type *pcb)
{
    (void)arg;
    altcp_abort(pcb);
    return ERR_ABRT;
}

/* False: it could not be ended and must be aborted. */
static bool linger(pcb_type *pcb)
{
    altcp_arg(pcb, NULL);
    altcp_sent(pcb, NULL);
    altcp_err(pcb, NULL);
    altcp_recv(pcb, drain);
    altcp_poll(pcb, give_up, LINGER);
    altcp_setprio(pcb, TCP_PRIO_MIN); /* it has had its answer: a new client is worth more */
    return altcp_shutdown(pcb, 0, 1) == ERR_OK;
}

static void abort_pcb(wire *w)
{
    pcb_type *pcb = (pcb_type *)w->pcb;
    w->pcb = NULL;
    altcp_arg(pcb, NULL);
    altcp_err(pcb, NULL);
    altcp_abort(pcb);
}

/* Ends the TCP connection; then lwIP reads nothing more of what it was to send, and TLS may wipe it. */
static void unplug(wire *w, bool at_once)
{
    pcb_type *pcb = (pcb_type *)w->pcb;
    struct pbuf *in = w->in;
    w->in = NULL;
    if (pcb != NULL && (at_once || w->flight != 0)) {
        abort_pcb(w);
    } else if (pcb != NULL) {
        if (in != NULL) {
            altcp_recved(pcb, in->tot_len);
        }
        altcp_arg(pcb, NULL);
        if ((w->flags & PEER_DONE) != 0 ? altcp_close(pcb) != ERR_OK : !linger(pcb)) {
            abort_pcb(w);
        }
    }
    if (in != NULL) {
        (void)pbuf_free(in);
    }
    if (TLS(w->tls) != NULL) {
        mcpt_tls_close(w->tls);
    }
    w->pcb = NULL;
    w->tls = NULL;
    w->flags &= QUEUED | WAITING;
}

/* The machine is done with this connection, or its transport has failed. */
static void finish(mcpt_lwip *p, slot *s, bool at_once)
{
    unplug(&s->wire, at_once);
    mcpt_conn_close(&s->conn);
    give_buffer(p, s);
    --p->stats.connections;
}

/* -- lwIP's callbacks */
static void receive(wire *w)
{
    size_t room;
    char *to = mcpt_io_rx(w->io, &room);
    if (to != NULL) {
        u16_t n = pbuf_copy_partial(w->in, to, room < 0xffff ? (u16_t)room : 0xffff, 0);
        w->in = pbuf_free_header(w->in, n);
        mcpt_io_rx_ack(w->io, n);
        if (w->pcb != NULL) {
            altcp_recved((pcb_type *)w->pcb, n);
        }
    }
}

/* Puts a small segment into the room that is left in the last pbuf of those that wait. False: it does not fit. */
static bool squeeze(struct pbuf *waiting, struct pbuf *in)
{
    struct pbuf *last = waiting, *q;
    size_t room;
    while (last->next != NULL) {
        last = last->next;
    }
    room = (size_t)((char *)last + LWIP_MEM_ALIGN_SIZE(sizeof *last) + LWIP_MEM_ALIGN_SIZE(PBUF_POOL_BUFSIZE) -
                    ((char *)last->payload + last->len));
    if (!pbuf_match_allocsrc(last, PBUF_TYPE_ALLOC_SRC_MASK_STD_MEMP_PBUF_POOL) || last->ref != 1 || in->tot_len > room ||
        waiting->tot_len + (uint32_t)in->tot_len > 0xffff) {
        return false;
    }
    (void)pbuf_copy_partial(in, (char *)last->payload + last->len, in->tot_len, 0);
    last->len = (u16_t)(last->len + in->tot_len);
    for (q = waiting; q != NULL; q = q->next) {
        q->tot_len = (u16_t)(q->tot_len + in->tot_len);
    }
    (void)pbuf_free(in);
    return true;
}

/* A small segment that has to wait and is not from the pool moves there, so that others find room behind it. */
static struct pbuf *roomy(struct pbuf *in)
{
    struct pbuf *p;
    if (in->tot_len > PBUF_POOL_BUFSIZE / 2 || pbuf_match_allocsrc(in, PBUF_TYPE_ALLOC_SRC_MASK_STD_MEMP_PBUF_POOL)) {
        return in;
    }
    p = pbuf_alloc(PBUF_RAW, in->tot_len, PBUF_POOL);
    if (p == NULL) {
        return in;
    }
    (void)pbuf_copy(p, in);
    (void)pbuf_free(in);
    return p;
}

static err_t on_recv(void *arg, pcb_type *pcb, struct pbuf *in, err_t err)
{
    wire *w = (wire *)arg;
    (void)pcb;
    (void)err;
    if (w == NULL) {                  /* closed from our side a moment ago */
        if (in != NULL) {
            altcp_recved(pcb, in->tot_len);
            (void)pbuf_free(in);
        }
        return ERR_OK;
    }
    if (in == NULL) {
        note(w, PEER_DONE);
        return ERR_OK;
    }
    if (w->in != NULL && w->in->tot_len + (uint32_t)in->tot_len > 0xffff) {
        return ERR_MEM;               /* only with a scaled window: until what it refuses is taken, lwIP ignores acknowledgements too */
    }
    if (w->in == NULL) {
        w->in = in;
    } else if (!squeeze(w->in, in)) {
        pbuf_cat(w->in, roomy(in));
    }
    if ((w->want & MCPT_WANT_RX) != 0 && (TLS(w->tls) != NULL || w->buffer != NONE ||
        (w->port->queues[1].first == NULL && take_buffer(w->port, (slot *)(void *)w)))) {
        receive(w);
    }
    if (w->in == in) {
        w->in = roomy(in);
    }
    note(w, 0);
    return ERR_OK;
}

static err_t on_sent(void *arg, pcb_type *pcb, u16_t n)
{
    wire *w = (wire *)arg;
    (void)pcb;
    if (w != NULL) {
        w->flight -= n;
        mcpt_io_tx_ack(w->io, n);
        note(w, 0);
    }
    return ERR_OK;
}

static err_t on_poll(void *arg, pcb_type *pcb)
{
    wire *w = (wire *)arg;
    (void)pcb;
    if (w != NULL && (w->flags & STUCK) != 0) {
        note(w, 0);
    }
    return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
    wire *w = (wire *)arg;
    (void)err;
    if (w != NULL) {
        w->pcb = NULL;                /* lwIP has freed it */
        note(w, BROKEN);
    }
}

static err_t refuse(mcpt_lwip *p, pcb_type *pcb)
{
    ++p->stats.refused;
    if (TLS(p->config.tls) != NULL) {
        (void)altcp_write(pcb, mcpt_tls_busy, sizeof mcpt_tls_busy, 0);
    } else {
        (void)altcp_write(pcb, busy, sizeof busy - 1, 0);
    }
    if (!linger(pcb)) {
        altcp_abort(pcb);
        return ERR_ABRT;
    }
    return ERR_OK;
}

/* Before the first byte of a connection: lwIP's callbacks, and that a peer that is gone is noticed. */
static void plug(wire *w, pcb_type *pcb, mcpt_io *io, mcpt_tls_conn *tls)
{
    w->pcb = pcb;
    w->io = tls != NULL ? &tls->io : io;
    w->tls = tls;
    w->flight = 0;
    w->turn = now(w->port);
    w->want = MCPT_WANT_RX;
    w->flags = (uint8_t)((w->flags & (QUEUED | WAITING)) | SERVING);
    if (tls != NULL) {
        tls->owner = w;
        w->want = 0;                  /* it has shown no memory yet */
    }
    altcp_arg(pcb, w);
    altcp_recv(pcb, on_recv);
    altcp_sent(pcb, on_sent);
    altcp_err(pcb, on_err);
    altcp_poll(pcb, on_poll, 1);
    altcp_nagle_disable(pcb);
#if LWIP_TCP_KEEPALIVE && LWIP_ALTCP && defined(altcp_keepalive_enable)
    altcp_keepalive_enable(pcb, KEEP_IDLE, KEEP_EVERY, KEEP_COUNT);
#elif LWIP_TCP_KEEPALIVE && !LWIP_ALTCP
    ip_set_option(pcb, SOF_KEEPALIVE);
    pcb->keep_idle = KEEP_IDLE;
    pcb->keep_intvl = KEEP_EVERY;
    pcb->keep_cnt = KEEP_COUNT;
#endif
}

/* May it give way to a new client? One that was just answered may have its next request on the way, and one that has not asked yet its first. */
static bool dispensable(const mcpt_lwip *p, const slot *s, uint32_t *waits)
{
    *waits = now(p) - s->wire.turn;
    return (s->wire.flags & (SERVING | PEER_DONE | BROKEN | ENDING)) == SERVING && s->wire.in == NULL && s->wire.flight == 0 &&
           (mcpt_conn_spare(&s->conn) ? *waits >= ANSWERED : *waits >= SILENT && mcpt_conn_idle(&s->conn) && mcpt_io_peak(&s->conn.io).rx == 0);
}

/* Ends the one that has waited longest, if any may give way. Its close_notify is copied: the memory is for the next. */
static slot *make_room(mcpt_lwip *p)
{
    slot *oldest = NULL;
    uint32_t waits, longest = 0;
    size_t n;
    const char *bye;
    unsigned i;
    for (i = 0; i < p->config.connections; ++i) {
        if (dispensable(p, &p->slots[i], &waits) && (oldest == NULL || waits > longest)) {
            oldest = &p->slots[i];
            longest = waits;
        }
    }
    if (oldest != NULL && TLS(oldest->wire.tls) != NULL && mcpt_tls_shut(oldest->wire.tls)) {
        (void)mcpt_io_want(oldest->wire.io);
        bye = mcpt_io_tx(oldest->wire.io, &n);
        if (bye != NULL) {
            (void)altcp_write((pcb_type *)oldest->wire.pcb, bye, (u16_t)n, TCP_WRITE_FLAG_COPY);
        }
    }
    if (oldest != NULL) {
        finish(p, oldest, false);
    }
    return oldest;
}

/* NULL: every connection is in work. */
static wire *admit(mcpt_lwip *p, pcb_type *pcb)
{
    mcpt_tls_conn *tls = NULL;
    slot *s;
    unsigned i;
    for (i = 0; i < p->config.connections && (p->slots[i].wire.flags & SERVING) != 0; ++i) {
        /* a few at most */
    }
    s = i < p->config.connections ? &p->slots[i] : NULL;
    if (s == NULL || (TLS(p->config.tls) != NULL && p->config.tls->vacant == NULL)) {
        slot *room = make_room(p);
        s = s != NULL ? s : room;
    }
    if (s != NULL && TLS(p->config.tls) != NULL) {
        tls = mcpt_tls_open(TLS(p->config.tls), &s->conn.io, NULL);
    }
    if (s == NULL || (tls == NULL && TLS(p->config.tls) != NULL)) {
        return NULL;
    }
    (void)mcpt_conn_init(&s->conn, p->config.server, p->config.hub, NULL, MCPT_HTTP, p->config.user);
    plug(&s->wire, pcb, &s->conn.io, tls);
    ++p->stats.accepted;
    if (++p->stats.connections > p->stats.most_connections) {
        p->stats.most_connections = p->stats.connections;
    }
    return &s->wire;
}

/* -- guests: clients for whom there is no room yet. Often there is in a moment: when the end of a connection has arrived and nobody has
 * worked on it, or is on its way: a client that ends one and begins another. One segment of what a guest sends is kept. */
static err_t on_guest_recv(void *arg, pcb_type *pcb, struct pbuf *in, err_t err)
{
    mcpt_lwip_guest *g = (mcpt_lwip_guest *)arg;
    (void)pcb;
    (void)err;
    if (in != NULL && g->in != NULL) {
        return ERR_MEM;               /* lwIP asks again every 250 ms */
    }
    g->in = in != NULL ? in : g->in;
    g->ended = in == NULL;
    return ERR_OK;
}

static void on_guest_err(void *arg, err_t err)
{
    mcpt_lwip_guest *g = (mcpt_lwip_guest *)arg;
    (void)err;
    if (g->in != NULL) {
        (void)pbuf_free(g->in);
    }
    memset(g, 0, sizeof *g);          /* lwIP has freed the PCB */
}

static err_t on_accept(void *arg, pcb_type *pcb, err_t err)
{
    mcpt_lwip *p = (mcpt_lwip *)arg;
    mcpt_lwip_guest *g;
    unsigned i;
    if (err != ERR_OK || pcb == NULL) {
        return ERR_VAL;
    }
    if (admit(p, pcb) != NULL) {
        return ERR_OK;
    }
    for (i = 0; i < MCPT_LWIP_GUESTS && p->guests[i].pcb != NULL; ++i) {
        /* as few */
    }
    if (i == MCPT_LWIP_GUESTS) {
        return refuse(p, pcb);
    }
    g = &p->guests[i];
    g->pcb = pcb;
    g->since = now(p);
    altcp_arg(pcb, g);
    altcp_recv(pcb, on_guest_recv);
    altcp_err(pcb, on_guest_err);
    return ERR_OK;
}

/* False: it waits on. Else it has become a connection, was refused, or had left before it asked anything. */
static bool serve_guest(mcpt_lwip *p, mcpt_lwip_guest *g)
{
    mcpt_lwip_guest was = *g;
    pcb_type *pcb = (pcb_type *)was.pcb;
    bool left = was.ended && was.in == NULL;
    wire *w = left || p->stopping ? NULL : admit(p, pcb);
    if (w == NULL && !left && !p->stopping && now(p) - was.since < PATIENCE) {
        return false;
    }
    memset(g, 0, sizeof *g);
    if (w != NULL) {
        if (was.in != NULL) {
            (void)on_recv(w, pcb, was.in, ERR_OK);
        }
        if (was.ended) {
            (void)on_recv(w, pcb, NULL, ERR_OK);
        }
        return true;
    }
    if (was.in != NULL) {
        altcp_recved(pcb, was.in->tot_len);
        (void)pbuf_free(was.in);
    }
    if (left) {
        altcp_arg(pcb, NULL);
        altcp_err(pcb, NULL);
        (void)drain(NULL, pcb, NULL, ERR_OK);
    } else {
        (void)refuse(p, pcb);
    }
    return true;
}

/* Answers how many no longer wait; *due: the milliseconds until the others are to be asked again. */
static unsigned serve_guests(mcpt_lwip *p, uint32_t *due)
{
    unsigned i, n = 0;
    for (i = 0; i < MCPT_LWIP_GUESTS; ++i) {
        if (p->guests[i].pcb != NULL) {
            if (serve_guest(p, &p->guests[i])) {
                ++n;
            } else if (*due > ANSWERED / 4) {
                *due = ANSWERED / 4;
            }
        }
    }
    return n;
}

/* -- a connection at work */
static void tell_eof(wire *w)
{
    if ((w->flags & TOLD) == 0) {
        w->flags |= TOLD;
        mcpt_io_eof(w->io);
    }
}

/* Hands lwIP what it can take now; the bytes stay where they are until on_sent() has heard of them. */
static void transmit(wire *w)
{
    pcb_type *pcb = (pcb_type *)w->pcb;
    size_t n;
    const char *from = mcpt_io_tx(w->io, &n);
    w->flags &= (uint8_t)~STUCK;
    while (from != NULL && pcb != NULL && n > w->flight) {
        size_t rest = n - w->flight, room = altcp_sndbuf(pcb), most = altcp_mss(pcb);
        rest = rest < room ? rest : room;
        rest = rest < 0xffff ? rest : 0xffff;
        if (rest > 0 && altcp_write(pcb, from + w->flight, (u16_t)rest, 0) != ERR_OK) {
            rest = rest < most ? rest : most;                 /* out of segments for all of it? */
            if (altcp_write(pcb, from + w->flight, (u16_t)rest, 0) != ERR_OK) {
                w->flags |= STUCK;
                rest = 0;
            }
        }
        if (rest == 0) {
            break;
        }
        w->flight += (uint32_t)rest;
    }
    if (w->flight != 0 && pcb != NULL) {
        (void)altcp_output(pcb);
    }
}

/* Runs the machine and moves bytes until nothing more can be done now. True: its turn is over, but it could go on. */
static bool turns(wire *w)
{
    size_t n;
    int turn;
    for (turn = 0; turn < TURNS && (w->flags & BROKEN) == 0; ++turn) {
        if (w->in != NULL && (w->want & MCPT_WANT_RX) != 0) {
            receive(w);
        }
        w->want = (uint8_t)mcpt_io_want(w->io);
        transmit(w);
        if ((w->want & MCPT_CLOSED) != 0 || mcpt_io_tx(w->io, &n) != NULL) {
            return false;
        }
        if (w->in == NULL && (w->flags & (PEER_DONE | TOLD)) == PEER_DONE) {
            tell_eof(w);              /* a call in work or an event stream must learn of that too */
        } else if (w->in == NULL || (w->want & MCPT_WANT_RX) == 0) {
            return false;
        }
    }
    return true;
}

/* Nothing is under way: without TLS that is the end; else close_notify is to go first. */
static void end_idle(mcpt_lwip *p, slot *s)
{
    if (TLS(s->wire.tls) != NULL && mcpt_tls_shut(s->wire.tls)) {
        s->wire.flags |= ENDING;
        enqueue(p, &s->wire, QUEUED);
    } else if ((s->wire.flags & ENDING) == 0) {
        finish(p, s, false);
    }
}

static void pump(mcpt_lwip *p, slot *s)
{
    wire *w = &s->wire;
    bool more;
    if ((w->flags & SERVING) == 0) {
        return;
    }
    if (w->buffer == NONE && ((w->flags & BROKEN) != 0 || (w->tls == NULL && w->in == NULL && (w->flags & PEER_DONE) != 0))) {
        finish(p, s, (w->flags & BROKEN) != 0);
        return;
    }
    if (w->buffer == NONE && (p->queues[1].first != NULL || !take_buffer(p, s))) {
        enqueue(p, w, WAITING);       /* first come, first served */
        return;
    }
    w->turn = now(p);
    more = turns(w);
    if ((w->flags & BROKEN) != 0) {
        tell_eof(w);                  /* handlers in work get their last run */
        (void)mcpt_io_want(w->io);
        finish(p, s, true);
    } else if ((w->want & MCPT_CLOSED) != 0) {
        finish(p, s, false);
    } else if (more) {
        enqueue(p, w, QUEUED);
    } else if (mcpt_conn_idle(&s->conn) && (w->in == NULL || (w->want & MCPT_WANT_RX) == 0 || TLS(w->tls) != NULL)) {
        if (mcpt_conn_mem(&s->conn, NULL) == MCPT_OK) {
            give_buffer(p, s);
        }
        if (p->stopping) {
            end_idle(p, s);
        }
    }
}

/* Answers how many connections had a turn. */
static unsigned serve_ready(mcpt_lwip *p)
{
    const wire *last = p->queues[0].first != NULL ? p->queues[0].last : NULL;
    wire *w;
    mcpt_conn *c;
    unsigned n;
    for (n = 0; n < p->config.connections * 4u && (c = mcpt_hub_next(p->config.hub)) != NULL; ++n) {
        if (c >= &p->slots[0].conn && c <= &p->slots[p->config.connections - 1].conn) {
            pump(p, (slot *)(void *)((char *)c - offsetof(slot, conn)));
        } else if (p->config.other != NULL) {
            p->config.other(p->config.other_user, c);
        }
    }
    while (last != NULL && (w = dequeue(p, QUEUED)) != NULL) {
        last = w == last ? NULL : last;                       /* those that come in meanwhile are for the next round */
        pump(p, (slot *)(void *)w);
        ++n;
    }
    while (p->stats.buffers < p->config.buffers && (w = dequeue(p, WAITING)) != NULL) {
        if ((w->flags & SERVING) != 0 && w->buffer == NONE) {
            (void)take_buffer(p, (slot *)(void *)w);
        }
        pump(p, (slot *)(void *)w);
        ++n;
    }
    return n;
}

/* Handshakes that take too long. Answers the milliseconds until the next one, at most due. */
static uint32_t tls_timers(mcpt_lwip *p, mcpt_tls *tls, uint32_t due)
{
    mcpt_tls_conn *t;
    uint32_t next;
    if (tls == NULL) {
        return due;
    }
    while ((t = mcpt_tls_expired(tls)) != NULL) {
        pump(p, (slot *)t->owner);
    }
    next = mcpt_tls_due(tls);
    return next < due ? next : due;
}

uint32_t mcpt_lwip_poll(mcpt_lwip *p)
{
    uint32_t due = 0;
    int rounds = ROUNDS;
    do {
        due = tls_timers(p, TLS(p->config.tls), mcpt_hub_run(p->config.hub));
    } while (serve_ready(p) + serve_guests(p, &due) > 0 && --rounds > 0);
    return rounds > 0 ? due : 0;
}

/* -- beginning and end */
static bool defaults(mcpt_lwip_config *c)
{
    c->port = c->port != 0 ? c->port : 80;
    c->connections = c->connections != 0 ? c->connections : 4;
    c->buffers = c->buffers != 0 ? c->buffers : 2;
    c->buffers = c->buffers < c->connections ? c->buffers : c->connections;
    c->ntok = c->ntok != 0 ? c->ntok : 64;
    c->rx_size = c->rx_size != 0 ? c->rx_size : 1536;
    c->tx_size = c->tx_size != 0 ? c->tx_size : 1024;
    return c->connections <= NONE && c->rx_size >= MCPT_RX_MIN && c->tx_size >= MCPT_TX_MIN &&
           c->rx_size < 1u << 24 && c->tx_size < 1u << 24;
}

static pcb_type *listen_on(mcpt_lwip *p)
{
    pcb_type *pcb, *listener;
#if LWIP_ALTCP
    pcb = altcp_new_ip_type((altcp_allocator_t *)p->config.allocator, IPADDR_TYPE_ANY);
#else
    pcb = altcp_new_ip_type(NULL, IPADDR_TYPE_ANY);
#endif
    if (pcb == NULL) {
        return NULL;
    }
#if SO_REUSE && !LWIP_ALTCP
    ip_set_option(pcb, SOF_REUSEADDR);                        /* to begin again while old connections fade away */
#endif
    if (altcp_bind(pcb, IP_ANY_TYPE, p->config.port) != ERR_OK || (listener = altcp_listen(pcb)) == NULL) {
        (void)altcp_close(pcb);
        return NULL;
    }
    altcp_arg(listener, p);
    altcp_accept(listener, on_accept);
    return listener;
}

mcpt_err mcpt_lwip_init(mcpt_lwip *p, const mcpt_lwip_config *config, void *mem, size_t size)
{
    const mcpt_lwip_config *c = &p->config;
    unsigned i;
    memset(p, 0, sizeof *p);
    p->config = *config;
    if (config->server == NULL || config->hub == NULL || config->tls != TLS(config->tls) || !defaults(&p->config)) {
        return MCPT_E_ARG;
    }
    if (mem == NULL || size < MCPT_LWIP_SIZE(c->connections, c->buffers, c->rx_size, c->tx_size, c->ntok)) {
        return MCPT_E_SPACE;
    }
    p->slots = (slot *)(void *)((char *)mem + (8u - (uintptr_t)mem % 8u) % 8u);
    p->buffers = (char *)(p->slots + c->connections);
    for (i = 0; i < c->connections; ++i) {
        memset(&p->slots[i], 0, sizeof(slot));
        p->slots[i].wire.port = p;
        p->slots[i].wire.buffer = NONE;
    }
    if (mcpt_conn_init(&p->slots[0].conn, c->server, c->hub, NULL, MCPT_HTTP, NULL) != MCPT_OK) {
        return MCPT_E_ABI;
    }
    mcpt_conn_close(&p->slots[0].conn);
    p->listener = listen_on(p);
    if (p->listener == NULL) {
        return MCPT_E_IO;
    }
    mcpt_hub_notify(c->hub, c->notify, c->notify_user);
    return MCPT_OK;
}

static void close_listener(mcpt_lwip *p)
{
    if (p->listener != NULL) {
        (void)altcp_close((pcb_type *)p->listener);
        p->listener = NULL;
    }
}

void mcpt_lwip_stop(mcpt_lwip *p)
{
    unsigned i;
    p->stopping = 1;
    close_listener(p);
    mcpt_hub_close(p->config.hub);
    (void)serve_ready(p);             /* event streams get their last event before they are closed as idle */
    for (i = 0; i < p->config.connections; ++i) {
        slot *s = &p->slots[i];
        if ((s->wire.flags & SERVING) != 0 && s->wire.buffer == NONE && s->wire.in == NULL) {
            end_idle(p, s);
        } else {
            enqueue(p, &s->wire, QUEUED);
        }
    }
}

void mcpt_lwip_destroy(mcpt_lwip *p)
{
    unsigned i;
    for (i = 0; p->slots != NULL && i < p->config.connections; ++i) {
        if ((p->slots[i].wire.flags & SERVING) != 0) {
            finish(p, &p->slots[i], true);
        }
    }
    for (i = 0; i < MCPT_LWIP_GUESTS; ++i) {
        if (p->guests[i].pcb != NULL) {
            altcp_abort((pcb_type *)p->guests[i].pcb);        /* on_guest_err() */
        }
    }
    if (p->listener != NULL) {
        mcpt_hub_notify(p->config.hub, NULL, NULL);
    }
    close_listener(p);
    p->queues[0].first = p->queues[1].first = NULL;
}

mcpt_lwip_stats mcpt_lwip_now(const mcpt_lwip *p)
{
    return p->stats;
}
