/* port/lwip_client.c - see lwip_client.h
 *
 * lwIP's callbacks note what happened; mcpt_lwip_client_poll() does the work. So nothing here is entered twice, and a
 * connection may be aborted anywhere. */
#include "lwip_client.h"
#include <lwip/altcp.h>
#include <lwip/dns.h>
#include <lwip/ip_addr.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <string.h>

typedef mcpt_lwip_link wire;
typedef struct altcp_pcb pcb_type;
typedef char address_fits[sizeof(ip_addr_t) <= sizeof(((wire *)0)->address) ? 1 : -1];

enum { EXCHANGE = 3, TURNS = 32 };    /* the exchange's link; turns of a connection in a row */
enum { IDLE, RESOLVING, CONNECTING, UP };                   /* wire.state */
enum { FOUND = 1, MISSING = 2, CONNECTED = 4, PEER_DONE = 8, BROKEN = 16 };      /* wire.flags: what callbacks noted */

static uint32_t now(const mcpt_lwip_client *p)
{
    const mcpt_env *env = p->config.client != NULL ? p->config.client->config->env : p->config.exchange->env;
    return env->millis(env->user);
}

static bool is_exchange(const wire *w)
{
    return w == &w->port->links[EXCHANGE];
}

static const mcpt_origin *origin_of(const wire *w)
{
    return is_exchange(w) ? mcpt_exchange_origin(w->port->config.exchange) : mcpt_channel_origin((const mcpt_channel *)(const void *)w->app);
}

/* What this link is for: the exchange's request, or where the channel leads. */
static uint32_t number_of(const wire *w)
{
    const mcpt_origin *o;
    const char *at;
    uint32_t n;
    if (is_exchange(w)) {
        return w->port->config.exchange->number;
    }
    o = origin_of(w);
    n = 2166136261u ^ o->port ^ (o->tls ? 0x10000u : 0u);     /* FNV-1a */
    for (at = o->host; *at != '\0'; ++at) {
        n = (n ^ (uint8_t)*at) * 16777619u;
    }
    return n;
}

/* -- the end of a connection. TLS wipes its memory, which lwIP may still send from: then it is aborted. */
static void hang_up(wire *w)
{
    pcb_type *pcb = (pcb_type *)w->pcb;
    struct pbuf *in = w->in;
    w->pcb = NULL;
    w->in = NULL;
    if (pcb != NULL) {
        altcp_arg(pcb, NULL);
        altcp_recv(pcb, NULL);
        altcp_sent(pcb, NULL);
        altcp_err(pcb, NULL);
        altcp_poll(pcb, NULL, 0);
        if (in != NULL) {
            altcp_recved(pcb, in->tot_len);
        }
        if (w->flight != 0 || w->state != UP || altcp_close(pcb) != ERR_OK) {
            altcp_abort(pcb);
        }
    }
    if (in != NULL) {
        (void)pbuf_free(in);
    }
    if (w->tls != NULL) {
        mcpt_tls_close(w->tls);
    }
    w->tls = NULL;
    w->io = w->app;
    w->flight = 0;
    w->flags = 0;
    w->state = IDLE;
}

/* It could not be made. */
static void refuse(wire *w, mcpt_err e)
{
    hang_up(w);
    if (is_exchange(w)) {
        mcpt_exchange_fail(w->port->config.exchange, e);
    } else {
        w->app->err = e;
        mcpt_io_eof(w->app);
    }
}

/* -- lwIP's callbacks */
static void note(wire *w, unsigned flags)
{
    const mcpt_lwip_client_config *c = &w->port->config;
    w->flags |= (uint8_t)flags;
    if (c->notify != NULL) {
        c->notify(c->notify_user);
    }
}

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

static err_t on_recv(void *arg, pcb_type *pcb, struct pbuf *in, err_t err)
{
    wire *w = (wire *)arg;
    (void)pcb;
    (void)err;
    if (in == NULL) {
        note(w, PEER_DONE);
        return ERR_OK;
    }
    if (w->in != NULL && w->in->tot_len + (uint32_t)in->tot_len > 0xffff) {
        return ERR_MEM;               /* only with a scaled window */
    }
    if (w->in == NULL) {
        w->in = in;
    } else {
        pbuf_cat(w->in, in);
    }
    if (w->state == UP && (w->io->want & MCPT_WANT_RX) != 0) {
        receive(w);                   /* pbufs are few */
    }
    note(w, 0);
    return ERR_OK;
}

static err_t on_sent(void *arg, pcb_type *pcb, u16_t n)
{
    wire *w = (wire *)arg;
    (void)pcb;
    w->flight -= n;
    mcpt_io_tx_ack(w->io, n);
    note(w, 0);
    return ERR_OK;
}

static err_t on_poll(void *arg, pcb_type *pcb)
{
    (void)pcb;
    note((wire *)arg, 0);             /* what lwIP had no memory to send, half a second ago */
    return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
    wire *w = (wire *)arg;
    (void)err;
    w->pcb = NULL;                    /* lwIP has freed it */
    note(w, BROKEN);
}

static err_t on_connected(void *arg, pcb_type *pcb, err_t err)
{
    (void)pcb;
    (void)err;
    note((wire *)arg, CONNECTED);
    return ERR_OK;
}

#if LWIP_DNS
/* The question may be that of an earlier request: its name tells. */
static void on_found(const char *name, const ip_addr_t *address, void *arg)
{
    wire *w = (wire *)arg;
    if (w->state == RESOLVING && (w->flags & (FOUND | MISSING)) == 0 && origin_of(w) != NULL && strcmp(name, origin_of(w)->host) == 0) {
        if (address != NULL) {
            memcpy(w->address, address, sizeof *address);
        }
        note(w, address != NULL ? FOUND : MISSING);
    }
}
#endif

/* -- the beginning: name, address, connection */
static void look_up(wire *w)
{
    const mcpt_origin *o = origin_of(w);
    ip_addr_t address;
    err_t e = ERR_ARG;
    hang_up(w);
    if (o->tls && w->port->config.tls == NULL) {
        refuse(w, MCPT_E_TLS);
        return;
    }
    w->state = RESOLVING;
    w->since = now(w->port);
    w->number = number_of(w);
    if (strcmp(o->host, "localhost") == 0) {
        ip_addr_set_loopback_val(0, address);               /* RFC 6761 section 6.3: nobody else is asked */
        e = ERR_OK;
    } else if (ipaddr_aton(o->host, &address)) {
        e = ERR_OK;
    }
#if LWIP_DNS
    e = e != ERR_OK ? dns_gethostbyname(o->host, &address, on_found, w) : e;
#endif
    if (e == ERR_OK) {
        memcpy(w->address, &address, sizeof address);
        w->flags = FOUND;
    } else if (e != ERR_INPROGRESS) {
        w->flags = MISSING;
    }
}

/* May it go there? */
static bool allowed(const wire *w, const ip_addr_t *a)
{
    const void *bytes = &ip_2_ip4(a)->addr;
    size_t len = 4;
#if LWIP_IPV6
    if (IP_IS_V6(a)) {
        bytes = ip_2_ip6(a)->addr;
        len = 16;
    }
#endif
    return is_exchange(w) ? mcpt_exchange_address_ok(w->port->config.exchange, bytes, len) :
           !w->port->config.foreign_public || !mcpt_channel_foreign((const mcpt_channel *)(const void *)w->app) || mcpt_address_public(bytes, len);
}

static void dial(wire *w)
{
    pcb_type *pcb;
    ip_addr_t address;
    memcpy(&address, w->address, sizeof address);
    w->flags = 0;
    w->state = CONNECTING;
    if (!allowed(w, &address)) {
        refuse(w, is_exchange(w) ? MCPT_E_ARG : MCPT_E_ISSUER);
        return;
    }
    pcb = altcp_new_ip_type(NULL, IP_GET_TYPE(&address));
    w->pcb = pcb;
    if (pcb == NULL) {
        refuse(w, MCPT_E_IO);
        return;
    }
    altcp_arg(pcb, w);
    altcp_recv(pcb, on_recv);
    altcp_sent(pcb, on_sent);
    altcp_err(pcb, on_err);
    altcp_poll(pcb, on_poll, 1);
    altcp_nagle_disable(pcb);
    if (altcp_connect(pcb, &address, origin_of(w)->port, on_connected) != ERR_OK) {
        refuse(w, MCPT_E_IO);
    }
}

static void connected(wire *w)
{
    mcpt_lwip_client *p = w->port;
    const mcpt_origin *o = origin_of(w);
    w->flags &= (uint8_t)~(unsigned)CONNECTED;
    w->state = UP;
    ++p->connects;
    if (o->tls && (w->tls = mcpt_tls_open(p->config.tls, w->app, o->host)) == NULL) {
        refuse(w, MCPT_E_TLS);
        return;
    }
    w->io = w->tls != NULL ? &w->tls->io : w->app;
    if (is_exchange(w)) {
        mcpt_exchange_connected(p->config.exchange);
    } else {
        mcpt_channel_connected((mcpt_channel *)(void *)w->app);
        (void)mcpt_io_want(w->app);   /* what it wanted was the connection */
    }
}

/* -- a connection at work */
/* Hands lwIP what it can take now; the bytes stay where they are until on_sent() has heard of them. */
static void transmit(wire *w)
{
    pcb_type *pcb = (pcb_type *)w->pcb;
    size_t n;
    const char *from = mcpt_io_tx(w->io, &n);
    while (from != NULL && n > w->flight) {
        size_t rest = n - w->flight, room = altcp_sndbuf(pcb), most = altcp_mss(pcb);
        rest = rest < room ? rest : room;
        rest = rest < 0xffff ? rest : 0xffff;
        if (rest > 0 && altcp_write(pcb, from + w->flight, (u16_t)rest, 0) != ERR_OK) {
            rest = rest < most ? rest : most;                 /* out of segments for all of it? */
            rest = altcp_write(pcb, from + w->flight, (u16_t)rest, 0) == ERR_OK ? rest : 0;
        }
        if (rest == 0) {
            break;                    /* on_poll() or an acknowledgement goes on */
        }
        w->flight += (uint32_t)rest;
    }
    if (w->flight != 0) {
        (void)altcp_output(pcb);
    }
}

/* Does it want a new connection, and may its old one go? */
static bool wants_connection(const wire *w)
{
    return is_exchange(w) ? mcpt_exchange_origin(w->port->config.exchange) != NULL : (w->app->want & MCPT_WANT_CONNECT) != 0;
}

/* Is what is open, or under way, still wanted? */
static bool stale(const wire *w)
{
    const mcpt_exchange *x = w->port->config.exchange;
    if (w->state == IDLE || is_exchange(w)) {
        return w->state != IDLE && (!mcpt_exchange_busy(x) || w->number != x->number);
    }
    return ((w->app->want & MCPT_WANT_CONNECT) != 0) == (w->state == UP) || (w->state != UP && w->number != number_of(w));
}

/* The transport has ended: the machine is told, and says its last. */
static void ended(wire *w)
{
    mcpt_io_eof(w->io);
    (void)mcpt_io_want(w->io);
    hang_up(w);
}

/* One step. False: nothing can be done now. */
static bool step(wire *w)
{
    unsigned want = 0;
    size_t n;
    if (w->state == UP && (w->flags & BROKEN) == 0) {
        if (w->in != NULL && (w->io->want & MCPT_WANT_RX) != 0) {
            receive(w);
        }
        want = mcpt_io_want(w->io);
    } else if (w->state != UP && !is_exchange(w)) {
        (void)mcpt_io_want(w->app);
    }
    if (stale(w)) {
        hang_up(w);
        return true;
    }
    if (w->state == IDLE) {
        if (wants_connection(w)) {
            look_up(w);
            return true;
        }
        return false;
    }
    if (w->state != UP) {
        const bool late = now(w->port) - w->since >= w->port->config.connect_ms;
        if ((w->flags & (BROKEN | MISSING)) != 0 || late) {
            refuse(w, MCPT_E_IO);
        } else if ((w->flags & FOUND) != 0) {
            dial(w);
        } else if ((w->flags & CONNECTED) != 0) {
            connected(w);
        } else {
            return false;
        }
        return true;
    }
    if ((w->flags & BROKEN) != 0) {
        ended(w);
        return true;
    }
    transmit(w);
    if (mcpt_io_tx(w->io, &n) != NULL) {
        return false;                 /* it goes on when the peer has acknowledged that */
    }
    if ((want & MCPT_CLOSED) != 0) {
        hang_up(w);
        if (!is_exchange(w)) {
            mcpt_io_eof(w->app);
        }
        return true;
    }
    if (w->in != NULL) {
        return (w->io->want & MCPT_WANT_RX) != 0;
    }
    if ((w->flags & PEER_DONE) != 0) {
        ended(w);
        return true;
    }
    return false;
}

mcpt_err mcpt_lwip_client_init(mcpt_lwip_client *p, const mcpt_lwip_client_config *config)
{
    const mcpt_lwip_client_config *c = &p->config;
    size_t i;
    memset(p, 0, sizeof *p);
    p->config = *config;
    p->config.connect_ms = config->connect_ms != 0 ? config->connect_ms : 10000;
    if (c->client == NULL ? c->exchange == NULL : c->channels == NULL || c->nchannels == 0 || c->nchannels > EXCHANGE) {
        return MCPT_E_ARG;
    }
    for (i = 0; i <= EXCHANGE; ++i) {
        wire *w = &p->links[i];
        w->port = p;
        if (i == EXCHANGE ? c->exchange != NULL : c->client != NULL && i < c->nchannels) {
            w->app = w->io = i == EXCHANGE ? &c->exchange->io : &c->channels[i].io;
        }
    }
    return MCPT_OK;
}

static uint32_t sooner(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t mcpt_lwip_client_poll(mcpt_lwip_client *p)
{
    mcpt_exchange *x = p->config.exchange;
    mcpt_tls_conn *t;
    uint32_t due = (uint32_t)-1, spent;
    bool any = true;
    unsigned i, turn;
    while (p->config.tls != NULL && (t = mcpt_tls_expired(p->config.tls)) != NULL) {
        (void)mcpt_io_want(&t->io);
    }
    if (x != NULL && mcpt_exchange_due(x) == 0) {
        mcpt_exchange_fail(x, MCPT_E_TIMEOUT);
    }
    for (turn = 0; turn < TURNS && any; ++turn) {
        any = false;
        for (i = 0; i <= EXCHANGE; ++i) {
            any = (p->links[i].app != NULL && step(&p->links[i])) || any;
        }
    }
    for (i = 0; i <= EXCHANGE; ++i) {
        if (p->links[i].state == RESOLVING || p->links[i].state == CONNECTING) {
            spent = now(p) - p->links[i].since;
            due = sooner(due, spent < p->config.connect_ms ? p->config.connect_ms - spent : 0);
        }
    }
    due = p->config.client != NULL ? sooner(due, mcpt_client_due(p->config.client)) : due;
    due = p->config.tls != NULL ? sooner(due, mcpt_tls_due(p->config.tls)) : due;
    due = x != NULL ? sooner(due, mcpt_exchange_due(x)) : due;
    return any ? 0 : due;
}

void mcpt_lwip_client_close(mcpt_lwip_client *p)
{
    unsigned i;
    for (i = 0; i <= EXCHANGE; ++i) {
        if (p->links[i].app != NULL) {
            hang_up(&p->links[i]);
        }
    }
}
