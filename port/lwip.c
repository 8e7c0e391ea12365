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

typedef mcpt_lwip_slot slot;
typedef struct altcp_pcb pcb_type;

enum {
    NONE = 255,                       /* no buffer */
    TURNS = 16,                       /* of one connection in a row */
    ROUNDS = 4,                       /* one connection may wake others; then the network has its turn */
    LINGER = 4,                       /* half seconds for the peer to end its side too */
    KEEP_IDLE = 60000, KEEP_EVERY = 15000, KEEP_COUNT = 4   /* a dead peer is noticed within two minutes */
};
enum { SERVING = 1, QUEUED = 2, WAITING = 4, PEER_DONE = 8, BROKEN = 16, TOLD = 32, STUCK = 64 };   /* slot.flags */

static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/* -- queues: those with something to do, those that wait for a buffer. A slot that is closed stays in its queue and is
 * passed over. */
static void enqueue(mcpt_lwip *p, slot *s, unsigned queue)
{
    mcpt_lwip_queue *q = &p->queues[queue == WAITING];
    slot **end = q->first == NULL ? &q->first : &q->last->next[queue == WAITING];
    if ((s->flags & queue) == 0) {
        s->flags |= (uint8_t)queue;
        s->next[queue == WAITING] = NULL;
        *end = s;
        q->last = s;
    }
}

static slot *dequeue(mcpt_lwip *p, unsigned queue)
{
    mcpt_lwip_queue *q = &p->queues[queue == WAITING];
    slot *s = q->first;
    if (s != NULL) {
        q->first = s->next[queue == WAITING];
        s->flags &= (uint8_t)~queue;
    }
    return s;
}

/* From a callback: the loop must know. */
static void note(slot *s, unsigned flags)
{
    mcpt_lwip *p = s->port;
    s->flags |= (uint8_t)flags;
    enqueue(p, s, QUEUED);
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
    s->buffer = (uint8_t)i;
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
    if (s->buffer != NONE) {
        p->taken[s->buffer / 8] = (uint8_t)(p->taken[s->buffer / 8] & ~(1u << (s->buffer % 8)));
        s->buffer = NONE;
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

static void abort_pcb(slot *s)
{
    pcb_type *pcb = (pcb_type *)s->pcb;
    s->pcb = NULL;
    altcp_arg(pcb, NULL);
    altcp_err(pcb, NULL);
    altcp_abort(pcb);
}

/* The machine is done with this connection, or its transport has failed. */
static void finish(mcpt_lwip *p, slot *s, bool at_once)
{
    pcb_type *pcb = (pcb_type *)s->pcb;
    struct pbuf *in = s->in;
    mcpt_conn_close(&s->conn);
    s->in = NULL;
    if (pcb != NULL && (at_once || s->flight != 0)) {
        abort_pcb(s);                 /* nor may lwIP go on reading the buffer */
    } else if (pcb != NULL) {
        if (in != NULL) {
            altcp_recved(pcb, in->tot_len);
        }
        altcp_arg(pcb, NULL);
        if ((s->flags & PEER_DONE) != 0 ? altcp_close(pcb) != ERR_OK : !linger(pcb)) {
            abort_pcb(s);
        }
    }
    if (in != NULL) {
        (void)pbuf_free(in);
    }
    give_buffer(p, s);
    s->pcb = NULL;
    s->flags &= QUEUED | WAITING;
    --p->stats.connections;
}

/* -- lwIP's callbacks */
static void receive(slot *s)
{
    size_t room;
    char *to = mcpt_io_rx(&s->conn.io, &room);
    if (to != NULL) {
        u16_t n = pbuf_copy_partial(s->in, to, room < 0xffff ? (u16_t)room : 0xffff, 0);
        s->in = pbuf_free_header(s->in, n);
        mcpt_io_rx_ack(&s->conn.io, n);
        if (s->pcb != NULL) {
            altcp_recved((pcb_type *)s->pcb, n);
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
    slot *s = (slot *)arg;
    (void)pcb;
    (void)err;
    if (s == NULL) {                  /* closed from our side a moment ago */
        if (in != NULL) {
            altcp_recved(pcb, in->tot_len);
            (void)pbuf_free(in);
        }
        return ERR_OK;
    }
    if (in == NULL) {
        note(s, PEER_DONE);
        return ERR_OK;
    }
    if (s->in != NULL && s->in->tot_len + (uint32_t)in->tot_len > 0xffff) {
        return ERR_MEM;               /* only with a scaled window: until what it refuses is taken, lwIP ignores acknowledgements too */
    }
    if (s->in == NULL) {
        s->in = in;
    } else if (!squeeze(s->in, in)) {
        pbuf_cat(s->in, roomy(in));
    }
    if ((s->want & MCPT_WANT_RX) != 0 &&
        (s->buffer != NONE || (s->port->queues[1].first == NULL && take_buffer(s->port, s)))) {
        receive(s);
    }
    if (s->in == in) {
        s->in = roomy(in);
    }
    note(s, 0);
    return ERR_OK;
}

static err_t on_sent(void *arg, pcb_type *pcb, u16_t n)
{
    slot *s = (slot *)arg;
    (void)pcb;
    if (s != NULL) {
        s->flight -= n;
        mcpt_io_tx_ack(&s->conn.io, n);
        note(s, 0);
    }
    return ERR_OK;
}

static err_t on_poll(void *arg, pcb_type *pcb)
{
    slot *s = (slot *)arg;
    (void)pcb;
    if (s != NULL && (s->flags & STUCK) != 0) {
        note(s, 0);
    }
    return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
    slot *s = (slot *)arg;
    (void)err;
    if (s != NULL) {
        s->pcb = NULL;                /* lwIP has freed it */
        note(s, BROKEN);
    }
}

static err_t refuse(mcpt_lwip *p, pcb_type *pcb)
{
    ++p->stats.refused;
    (void)altcp_write(pcb, busy, sizeof busy - 1, 0);
    if (!linger(pcb)) {
        altcp_abort(pcb);
        return ERR_ABRT;
    }
    return ERR_OK;
}

static err_t on_accept(void *arg, pcb_type *pcb, err_t err)
{
    mcpt_lwip *p = (mcpt_lwip *)arg;
    slot *s;
    unsigned i;
    uint8_t listed;
    if (err != ERR_OK || pcb == NULL) {
        return ERR_VAL;
    }
    for (i = 0; i < p->config.connections && (p->slots[i].flags & SERVING) != 0; ++i) {
        /* a few at most */
    }
    if (i == p->config.connections) {
        return refuse(p, pcb);
    }
    s = &p->slots[i];
    listed = s->flags & (QUEUED | WAITING);
    (void)mcpt_conn_init(&s->conn, p->config.server, p->config.hub, NULL, MCPT_HTTP, p->config.user);
    s->pcb = pcb;
    s->flight = 0;
    s->want = MCPT_WANT_RX;
    s->flags = listed | SERVING;
    ++p->stats.accepted;
    if (++p->stats.connections > p->stats.most_connections) {
        p->stats.most_connections = p->stats.connections;
    }
    altcp_arg(pcb, s);
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
    return ERR_OK;
}

/* -- a connection at work */
static void tell_eof(slot *s)
{
    if ((s->flags & TOLD) == 0) {
        s->flags |= TOLD;
        mcpt_io_eof(&s->conn.io);
    }
}

/* Hands lwIP what it can take now; the bytes stay where they are until on_sent() has heard of them. */
static void transmit(slot *s)
{
    pcb_type *pcb = (pcb_type *)s->pcb;
    size_t n;
    const char *from = mcpt_io_tx(&s->conn.io, &n);
    s->flags &= (uint8_t)~STUCK;
    while (from != NULL && pcb != NULL && n > s->flight) {
        size_t rest = n - s->flight, room = altcp_sndbuf(pcb), most = altcp_mss(pcb);
        rest = rest < room ? rest : room;
        rest = rest < 0xffff ? rest : 0xffff;
        if (rest > 0 && altcp_write(pcb, from + s->flight, (u16_t)rest, 0) != ERR_OK) {
            rest = rest < most ? rest : most;                 /* out of segments for all of it? */
            if (altcp_write(pcb, from + s->flight, (u16_t)rest, 0) != ERR_OK) {
                s->flags |= STUCK;
                rest = 0;
            }
        }
        if (rest == 0) {
            break;
        }
        s->flight += (uint32_t)rest;
    }
    if (s->flight != 0 && pcb != NULL) {
        (void)altcp_output(pcb);
    }
}

/* Runs the machine and moves bytes until nothing more can be done now. True: its turn is over, but it could go on. */
static bool turns(slot *s)
{
    size_t n;
    int turn;
    for (turn = 0; turn < TURNS && (s->flags & BROKEN) == 0; ++turn) {
        if (s->in != NULL && (s->want & MCPT_WANT_RX) != 0) {
            receive(s);
        }
        s->want = (uint8_t)mcpt_io_want(&s->conn.io);
        transmit(s);
        if ((s->want & MCPT_CLOSED) != 0 || mcpt_io_tx(&s->conn.io, &n) != NULL) {
            return false;
        }
        if (s->in == NULL && (s->flags & (PEER_DONE | TOLD)) == PEER_DONE) {
            tell_eof(s);              /* a call in work or an event stream must learn of that too */
        } else if (s->in == NULL || (s->want & MCPT_WANT_RX) == 0) {
            return false;
        }
    }
    return true;
}

static void pump(mcpt_lwip *p, slot *s)
{
    bool more;
    if ((s->flags & SERVING) == 0) {
        return;
    }
    if (s->buffer == NONE && ((s->flags & BROKEN) != 0 || (s->in == NULL && (s->flags & PEER_DONE) != 0))) {
        finish(p, s, (s->flags & BROKEN) != 0);
        return;
    }
    if (s->buffer == NONE && (p->queues[1].first != NULL || !take_buffer(p, s))) {
        enqueue(p, s, WAITING);       /* first come, first served */
        return;
    }
    more = turns(s);
    if ((s->flags & BROKEN) != 0) {
        tell_eof(s);                  /* handlers in work get their last run */
        (void)mcpt_io_want(&s->conn.io);
        finish(p, s, true);
    } else if ((s->want & MCPT_CLOSED) != 0) {
        finish(p, s, false);
    } else if (more) {
        enqueue(p, s, QUEUED);
    } else if (mcpt_conn_idle(&s->conn) && s->in == NULL) {
        if (p->stopping) {
            finish(p, s, false);
        } else if (mcpt_conn_mem(&s->conn, NULL) == MCPT_OK) {
            give_buffer(p, s);
        }
    }
}

/* Answers how many connections had a turn. */
static unsigned serve_ready(mcpt_lwip *p)
{
    const slot *last = p->queues[0].first != NULL ? p->queues[0].last : NULL;
    slot *s;
    mcpt_conn *c;
    unsigned n;
    for (n = 0; n < p->config.connections * 4u && (c = mcpt_hub_next(p->config.hub)) != NULL; ++n) {
        s = (slot *)(void *)c;
        if (s >= p->slots && s < p->slots + p->config.connections) {
            pump(p, s);
        } else if (p->config.other != NULL) {
            p->config.other(p->config.other_user, c);
        }
    }
    while (last != NULL && (s = dequeue(p, QUEUED)) != NULL) {
        last = s == last ? NULL : last;                       /* those that come in meanwhile are for the next round */
        pump(p, s);
        ++n;
    }
    while (p->stats.buffers < p->config.buffers && (s = dequeue(p, WAITING)) != NULL) {
        if ((s->flags & SERVING) != 0 && s->buffer == NONE) {
            (void)take_buffer(p, s);
        }
        pump(p, s);
        ++n;
    }
    return n;
}

uint32_t mcpt_lwip_poll(mcpt_lwip *p)
{
    uint32_t due = 0;
    int rounds = ROUNDS;
    do {
        due = mcpt_hub_run(p->config.hub);
    } while (serve_ready(p) > 0 && --rounds > 0);
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
    if (config->server == NULL || config->hub == NULL || !defaults(&p->config)) {
        return MCPT_E_ARG;
    }
    if (mem == NULL || size < MCPT_LWIP_SIZE(c->connections, c->buffers, c->rx_size, c->tx_size, c->ntok)) {
        return MCPT_E_SPACE;
    }
    p->slots = (slot *)(void *)((char *)mem + (8u - (uintptr_t)mem % 8u) % 8u);
    p->buffers = (char *)(p->slots + c->connections);
    for (i = 0; i < c->connections; ++i) {
        memset(&p->slots[i], 0, sizeof(slot));
        p->slots[i].port = p;
        p->slots[i].buffer = NONE;
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
        if ((s->flags & SERVING) != 0 && s->buffer == NONE && s->in == NULL) {
            finish(p, s, false);
        } else {
            enqueue(p, s, QUEUED);
        }
    }
}

void mcpt_lwip_destroy(mcpt_lwip *p)
{
    unsigned i;
    for (i = 0; p->slots != NULL && i < p->config.connections; ++i) {
        if ((p->slots[i].flags & SERVING) != 0) {
            finish(p, &p->slots[i], true);
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
