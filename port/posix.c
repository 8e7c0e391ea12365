/* port/posix.c - see posix.h
 *
 * Readiness is remembered, not asked for: each socket is registered once, edge-triggered, for everything. An
 * event sets flags of its slot; a short read, a short write or EAGAIN clears them. So a request costs one
 * recv and one send, and no registration is ever changed, not even when a connection has to wait for a
 * buffer. The poll() variant imitates the same edges by arming only what is not known yet.
 * When several events come at once, all their requests are read and worked on before the first answer is sent: a
 * client on another processor is woken once for many answers, and the code stays in the cache. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "posix.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MCPT_POSIX_POLL
#ifdef __linux__
#define MCPT_POSIX_POLL 0
#else
#define MCPT_POSIX_POLL 1
#endif
#endif
#if MCPT_POSIX_POLL
#include <poll.h>
#else
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0                /* macOS: SO_NOSIGPIPE does it */
#endif

enum {
    NONE = 0x7fffffff,                /* no slot, no buffer */
    EVENTS = 64,                      /* taken from the kernel at once */
    ACCEPTS = 64,                     /* new connections in a round, so that old ones go on */
    TURNS = 16,                       /* of one connection in a row; a request takes two */
    PUMPS = 256,                      /* woken connections in a round */
    SPARE = 16,                       /* slots for clients that get 503; idle ones looked at for a new client */
    LINGER_MS = 2000,
    LINGER_BYTES = 4 << 20,
    PAUSE_MS = 100,                   /* no accept after EMFILE, unless a connection ends before */
    BACKLOG = 4096                    /* the system cuts it to its own limit */
};
enum { VACANT, SERVING, LINGERING, CONNECTING, LINKED };    /* slot.state; the last two: outbound */
enum { READABLE = 1, BLOCKED = 2, PEER_DONE = 4, BROKEN = 8, TOLD = 16, SENT = 32 };    /* slot.flags; SENT: in this turn */
enum { QUEUED = 1, SPARED, FRESH, HELD };                   /* slot.listed: in waiting or again; in idle; in fresh; in held */
enum { RUNNING = 1, STOPPING, STOPPED };                    /* mcpt_posix.state */

typedef struct mcpt_posix_slot {
    int fd;
    uint32_t next, prev;              /* in list */
    uint32_t deadline;                /* LINGERING: when it is closed in any case; FRESH, HELD: when it gives way */
    uint32_t drained;                 /* LINGERING: bytes thrown away */
    uint32_t buffer;
    uint8_t state, flags, want, listed;
    uint8_t pad[4];
    mcpt_tls_conn *tls;               /* between the socket and the connection; NULL: nothing is */
} slot;

typedef struct mcpt_posix_link {      /* an exchange; its slot stands behind those of connections and refusals */
    mcpt_posix_address address[4];
    size_t count, next;               /* addresses found, tried */
    uint32_t number;                  /* of the request that it serves */
} outbound;

/* -- lists of slots, by number: constant time, no memory of their own */
static void list_clear(mcpt_posix_list *l)
{
    l->first = l->last = NONE;
    l->count = 0;
}

static void list_add(mcpt_posix *p, mcpt_posix_list *l, uint32_t i)
{
    slot *s = &p->slots[i];
    s->next = NONE;
    s->prev = l->last;
    s->listed = QUEUED;
    if (l->last == NONE) {
        l->first = i;
    } else {
        p->slots[l->last].next = i;
    }
    l->last = i;
    ++l->count;
}

static void list_remove(mcpt_posix *p, mcpt_posix_list *l, uint32_t i)
{
    slot *s = &p->slots[i];
    if (s->prev == NONE) {
        l->first = s->next;
    } else {
        p->slots[s->prev].next = s->next;
    }
    if (s->next == NONE) {
        l->last = s->prev;
    } else {
        p->slots[s->next].prev = s->prev;
    }
    s->listed = 0;
    --l->count;
}

static bool passed(uint32_t now, uint32_t at)
{
    return (int32_t)(now - at) >= 0;  /* right across the wrap of the millisecond clock */
}

static uint32_t left_of(uint32_t now, uint32_t at)
{
    return passed(now, at) ? 0 : at - now;
}

static uint32_t sooner(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* -- waiting for events: register_fd, forget_fd, arm, wait_events; everything else is common */
static void on_event(mcpt_posix *p, uint32_t i, unsigned flags);
static void accept_round(mcpt_posix *p, int listener);

static void set_flags(int fd)
{
    int status = fcntl(fd, F_GETFL);
    int keep = fcntl(fd, F_GETFD);
    (void)fcntl(fd, F_SETFL, status | O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, keep | FD_CLOEXEC);
}

static void on_wake(mcpt_posix *p)
{
    char bytes[64];
    while (read(p->wake[0], bytes, sizeof bytes) == (ssize_t)sizeof bytes) {
        /* a pipe may hold more */
    }
}

#if MCPT_POSIX_POLL
enum { FIXED = 3 };                   /* pollfd rows before those of the slots: wake, two listeners */
#ifndef POLLRDHUP
#define POLLRDHUP 0                   /* then a peer that has gone is noticed by POLLIN and MSG_PEEK */
#endif

static bool poller_open(mcpt_posix *p)
{
    struct pollfd *row = (struct pollfd *)p->events;
    uint32_t i;
    if (pipe(p->wake) != 0) {
        return false;
    }
    set_flags(p->wake[0]);
    set_flags(p->wake[1]);
    for (i = 0; i < FIXED + p->nslots + p->config.nexchanges; ++i) {
        row[i].fd = -1;
        row[i].events = 0;
    }
    row[0].fd = p->wake[0];
    row[0].events = POLLIN;
    return true;
}

static void listeners_watch(mcpt_posix *p, bool on)
{
    struct pollfd *row = (struct pollfd *)p->events;
    int k;
    for (k = 0; k < 2; ++k) {
        row[1 + k].fd = on ? p->listener[k] : -1;
        row[1 + k].events = POLLIN;
    }
}

static void arm(mcpt_posix *p, uint32_t i)
{
    struct pollfd *row = (struct pollfd *)p->events + FIXED + i;
    const slot *s = &p->slots[i];
    row->fd = s->fd;
    row->events = (short)(((s->flags & READABLE) == 0 ? POLLIN : 0) |
                          ((s->flags & BLOCKED) != 0 ? POLLOUT : 0) |
                          ((s->flags & PEER_DONE) == 0 ? POLLRDHUP : 0));
}

static bool register_fd(mcpt_posix *p, uint32_t i)
{
    if (i >= p->used) {
        p->used = i + 1;
    }
    arm(p, i);
    return true;
}

static void forget_fd(mcpt_posix *p, uint32_t i)
{
    struct pollfd *row = (struct pollfd *)p->events + FIXED;
    row[i].fd = -1;
    while (p->used > 0 && row[p->used - 1].fd < 0) {
        --p->used;
    }
}

static int wait_events(mcpt_posix *p, int timeout)
{
    struct pollfd *row = (struct pollfd *)p->events;
    uint32_t i;
    int left = poll(row, (nfds_t)(FIXED + p->used), timeout);
    int n = left;
    p->hold = n > 1;
    if (left > 0 && row[0].revents != 0) {
        on_wake(p);
        --left;
    }
    for (i = FIXED; left > 0 && i < FIXED + p->used; ++i) {
        int got = row[i].fd >= 0 ? row[i].revents : 0;
        if (got != 0) {
            --left;
            on_event(p, i - FIXED, ((got & POLLIN) != 0 ? READABLE : 0u) |
                     ((got & POLLOUT) != 0 ? BLOCKED : 0u) |
                     ((got & POLLRDHUP) != 0 ? PEER_DONE : 0u) |
                     ((got & (POLLERR | POLLHUP | POLLNVAL)) != 0 ? BROKEN : 0u));
        }
    }
    p->hold = false;
    for (i = 1; n > 0 && i < FIXED; ++i) {        /* last: new ones may reuse slots with events above */
        if (row[i].fd >= 0 && row[i].revents != 0) {
            accept_round(p, row[i].fd);
        }
    }
    return n;
}

#else
enum { TAG_WAKE = -1, TAG_LISTENER = -2 };                  /* -2 and -3; slots are their own tags */

static bool watch(const mcpt_posix *p, int fd, int op, uint32_t events, int tag)
{
    struct epoll_event e;
    memset(&e, 0, sizeof e);
    e.events = events;
    e.data.fd = tag;
    return epoll_ctl(p->poller, op, fd, &e) == 0;
}

static bool poller_open(mcpt_posix *p)
{
    p->poller = epoll_create1(EPOLL_CLOEXEC);
    if (p->poller < 0) {
        return false;
    }
    p->wake[0] = p->wake[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return p->wake[0] >= 0 && watch(p, p->wake[0], EPOLL_CTL_ADD, EPOLLIN, TAG_WAKE);
}

static void listeners_watch(mcpt_posix *p, bool on)
{
    int k;
    for (k = 0; k < 2; ++k) {
        if (p->listener[k] >= 0) {
            (void)watch(p, p->listener[k], on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, EPOLLIN, TAG_LISTENER - k);
        }
    }
}

static void arm(const mcpt_posix *p, uint32_t i)
{
    (void)p;
    (void)i;
}

static bool register_fd(mcpt_posix *p, uint32_t i)
{
    return watch(p, p->slots[i].fd, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, (int)i);
}

static void forget_fd(const mcpt_posix *p, uint32_t i)
{
    (void)p;                          /* closing the descriptor removes it from the set */
    (void)i;
}

static int wait_events(mcpt_posix *p, int timeout)
{
    struct epoll_event *e = (struct epoll_event *)p->events;
    bool ready[2] = { false, false };
    int i;
    int n = epoll_wait(p->poller, e, EVENTS, timeout);
    p->hold = n > 1;
    for (i = 0; i < n; ++i) {
        int tag = e[i].data.fd;
        uint32_t got = e[i].events;
        if (tag >= 0) {
            on_event(p, (uint32_t)tag, ((got & EPOLLIN) != 0 ? READABLE : 0u) |
                     ((got & EPOLLOUT) != 0 ? BLOCKED : 0u) |
                     ((got & EPOLLRDHUP) != 0 ? PEER_DONE : 0u) |
                     ((got & (EPOLLERR | EPOLLHUP)) != 0 ? BROKEN : 0u));
        } else if (tag == TAG_WAKE) {
            on_wake(p);
        } else {
            ready[TAG_LISTENER - tag] = true;
        }
    }
    p->hold = false;
    for (i = 0; i < 2; ++i) {         /* last: new connections may reuse slots that have events above */
        if (ready[i]) {
            accept_round(p, p->listener[i]);
        }
    }
    return n;
}
#endif

/* Runs in the context of mcpt_wake(): another thread, or a signal handler. */
static void wake_up(void *user)
{
    const mcpt_posix *p = (const mcpt_posix *)user;
    const uint64_t one = 1;
    int saved = errno;
    while (write(p->wake[1], &one, sizeof one) < 0 && errno == EINTR) {
        /* once more; EAGAIN means that enough wake-ups are under way */
    }
    errno = saved;
}

/* -- buffers */
static bool take_buffer(mcpt_posix *p, uint32_t i)
{
    const mcpt_posix_config *c = &p->config;
    slot *s = &p->slots[i];
    mcpt_mem mem;
    if (p->nfree == 0) {
        return false;
    }
    s->buffer = p->free_buffers[--p->nfree];      /* the one used last: it is in the processor's cache */
    mem.rx = p->rx + (size_t)s->buffer * c->rx_size;
    mem.rx_size = c->rx_size;
    mem.tx = p->tx + (size_t)s->buffer * c->tx_size;
    mem.tx_size = c->tx_size;
    mem.tok = p->tok + (size_t)s->buffer * c->ntok;
    mem.ntok = c->ntok;
    (void)mcpt_conn_mem(&p->conns[i], &mem);
    return true;
}

static void give_buffer(mcpt_posix *p, uint32_t i)
{
    slot *s = &p->slots[i];
    if (s->buffer != NONE) {
        p->free_buffers[p->nfree++] = s->buffer;
        s->buffer = NONE;
    }
}

/* -- the end of a connection */
static void close_slot(mcpt_posix *p, uint32_t i)
{
    slot *s = &p->slots[i];
    if (s->state == LINGERING) {
        list_remove(p, &p->linger, i);
    }
    (void)close(s->fd);
    s->fd = -1;
    s->state = VACANT;
    forget_fd(p, i);
    list_add(p, i < p->config.connections ? &p->vacant : &p->spare, i);
    p->paused_at -= PAUSE_MS;         /* there is a descriptor again: no longer any reason to pause */
}

/* Reads what the peer still sends until it has ended too: a socket that is closed with unread input makes the
 * system send a reset, which destroys the answer before the client has read it. Bounded in time and bytes. */
static void drain(mcpt_posix *p, uint32_t i)
{
    slot *s = &p->slots[i];
    while ((s->flags & (READABLE | PEER_DONE)) != 0) {
        ssize_t got = recv(s->fd, p->drain, sizeof p->drain, 0);
        if (got > 0) {
            s->drained += (uint32_t)got;
        }
        if (got == 0 || s->drained > LINGER_BYTES || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            close_slot(p, i);
            return;
        }
        if (got < 0 && errno == EAGAIN) {
            s->flags &= (uint8_t)~(READABLE | PEER_DONE);
        }
    }
    arm(p, i);
}

static void linger(mcpt_posix *p, uint32_t i)
{
    slot *s = &p->slots[i];
    (void)shutdown(s->fd, SHUT_WR);
    s->state = LINGERING;
    s->drained = 0;
    s->deadline = mcpt_posix_millis(NULL) + LINGER_MS;
    list_add(p, &p->linger, i);
    drain(p, i);
}

/* What the socket is pumped with. */
static mcpt_io *io_of(mcpt_posix *p, uint32_t i)
{
    return p->slots[i].tls != NULL ? &p->slots[i].tls->io : &p->conns[i].io;
}

static void unqueue(mcpt_posix *p, uint32_t i)
{
    if (p->slots[i].listed != 0) {
        list_remove(p, p->slots[i].listed == SPARED ? &p->idle : p->slots[i].listed == FRESH ? &p->fresh :
                    p->slots[i].listed == HELD ? &p->held : p->slots[i].buffer == NONE ? &p->waiting : &p->again, i);
    }
}

/* An idle connection is closed from here, not by the machine behind TLS: close_notify goes as far as it goes. */
static void tls_end(mcpt_posix *p, uint32_t i)
{
    slot *s = &p->slots[i];
    size_t n;
    const char *from;
    if (s->tls == NULL) {
        return;
    }
    if ((s->flags & BROKEN) == 0 && mcpt_tls_shut(s->tls)) {
        (void)mcpt_io_want(&s->tls->io);
        from = mcpt_io_tx(&s->tls->io, &n);
        if (from != NULL) {
            (void)!send(s->fd, from, n, MSG_NOSIGNAL);
        }
    }
    mcpt_tls_close(s->tls);
    s->tls = NULL;
}

/* The machine is done with this connection, or its transport has failed. */
static void finish(mcpt_posix *p, uint32_t i, bool at_once)
{
    unqueue(p, i);
    tls_end(p, i);
    mcpt_conn_close(&p->conns[i]);
    give_buffer(p, i);
    if (at_once || (p->slots[i].flags & (BROKEN | TOLD)) != 0) {
        close_slot(p, i);
    } else {
        linger(p, i);
    }
}

/* -- a connection at work */
static void tell_eof(slot *s, mcpt_io *io)
{
    if ((s->flags & TOLD) == 0) {
        s->flags |= TOLD;
        mcpt_io_eof(io);
    }
}

static void receive(slot *s, mcpt_io *io)
{
    size_t room;
    char *to = mcpt_io_rx(io, &room);
    ssize_t got;
    if (to == NULL) {
        return;
    }
    do {
        got = recv(s->fd, to, room, 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        mcpt_io_rx_ack(io, (size_t)got);
        if ((size_t)got < room && (s->flags & PEER_DONE) == 0) {
            s->flags &= (uint8_t)~READABLE;       /* there was no more: spares the call that says EAGAIN */
        }
    } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        s->flags &= (uint8_t)~READABLE;
    } else {
        s->flags &= (uint8_t)~READABLE;
        if (got < 0) {
            s->flags |= BROKEN;
        }
        tell_eof(s, io);
    }
}

/* True: all was sent. */
static bool transmit(slot *s, mcpt_io *io)
{
    const char *from;
    size_t n;
    while ((from = mcpt_io_tx(io, &n)) != NULL) {
        ssize_t sent = send(s->fd, from, n, MSG_NOSIGNAL);
        if (sent > 0) {
            mcpt_io_tx_ack(io, (size_t)sent);
            s->flags |= SENT;
        }
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            s->flags |= BROKEN;
            return false;
        }
        if (sent >= 0 ? (size_t)sent < n : errno != EINTR) {
            s->flags |= BLOCKED;      /* the kernel reports when there is room again */
            return false;
        }
    }
    return true;
}

/* The peer has ended its side while nothing is to be read from it: a call in work or an event stream must
 * learn of that. When it sent more requests before it ended, they are read first. */
static bool peer_gone(const slot *s)
{
    char byte;
#if MCPT_POSIX_POLL && (POLLRDHUP == 0)
    const unsigned sign = READABLE;
#else
    const unsigned sign = PEER_DONE;
#endif
    return (s->flags & TOLD) == 0 && (s->flags & sign) != 0 && recv(s->fd, &byte, 1, MSG_PEEK) == 0;
}

/* Runs the machine and moves bytes until nothing more can be done now. True: its turn is over, but it could
 * go on. hold: what is to be sent waits for the next turn. */
static bool turns(slot *s, mcpt_io *io, bool hold)
{
    size_t len;
    int n;
    for (n = 0; n < TURNS; ++n) {
        if ((s->flags & READABLE) != 0 && (s->want & MCPT_WANT_RX) != 0) {
            receive(s, io);
        }
        s->want = (uint8_t)mcpt_io_want(io);
        if ((s->flags & (BLOCKED | BROKEN)) == 0 && mcpt_io_tx(io, &len) != NULL) {
            if (hold) {
                return true;
            }
            if (!transmit(s, io)) {
                return false;
            }
            s->want &= MCPT_CLOSED;   /* what is wanted now, the machine says in the next turn */
            if (s->want == 0) {
                continue;
            }
        }
        if ((s->want & MCPT_CLOSED) != 0 || (s->flags & (BLOCKED | BROKEN)) != 0) {
            return false;
        }
        if ((s->want & MCPT_WANT_RX) == 0) {
            if (!peer_gone(s)) {
                return false;
            }
            tell_eof(s, io);
        } else if ((s->flags & READABLE) == 0 || mcpt_io_rx(io, &len) == NULL) {
            return false;
        }
    }
    return true;
}

static void link_pump(mcpt_posix *p, uint32_t i);

/* From now on it has stall_ms before it gives way. */
static void list_slow(mcpt_posix *p, mcpt_posix_list *l, uint32_t i, uint8_t listed)
{
    p->slots[i].deadline = mcpt_posix_millis(NULL) + p->config.stall_ms;
    list_add(p, l, i);
    p->slots[i].listed = listed;
}

static void pump(mcpt_posix *p, uint32_t i)
{
    slot *s = &p->slots[i];
    mcpt_conn *c;
    mcpt_io *io;
    bool more, idle, stuck;
    if (i >= p->nslots) {
        link_pump(p, i);
        return;
    }
    if (s->listed == QUEUED && s->buffer != NONE) {
        return;                       /* its turn comes */
    }
    if (s->listed == SPARED || s->listed == FRESH) {
        unqueue(p, i);
    }
    c = &p->conns[i];
    io = io_of(p, i);
    if (s->buffer == NONE && (p->waiting.count > 0 || !take_buffer(p, i))) {
        if (s->listed == 0) {
            list_add(p, &p->waiting, i);
        }
        arm(p, i);
        return;
    }
    s->flags &= (uint8_t)~SENT;
    more = turns(s, io, p->hold);
    idle = !more && mcpt_conn_idle(c);
    stuck = !more && !idle && ((s->flags & BLOCKED) != 0 || c->io.want == MCPT_WANT_RX);    /* its peer must do something */
    if (s->listed == HELD && (!stuck || (s->flags & SENT) != 0)) {
        unqueue(p, i);
    }
    if ((s->flags & BROKEN) != 0) {
        tell_eof(s, io);              /* handlers in work get their last run */
        (void)mcpt_io_want(io);
        finish(p, i, true);
    } else if ((s->want & MCPT_CLOSED) != 0) {
        finish(p, i, false);
    } else if (idle) {
        if (p->state == STOPPING && (s->flags & (READABLE | BLOCKED)) == 0) {
            finish(p, i, false);      /* lingering: its last answer may still be on the way */
        } else if (mcpt_conn_mem(c, NULL) == MCPT_OK) {
            give_buffer(p, i);
            arm(p, i);
            if (mcpt_conn_spare(c) && (s->flags & BLOCKED) == 0) {
                list_add(p, &p->idle, i);
                s->listed = SPARED;
            } else if (mcpt_io_peak(&c->io).rx == 0) {      /* still: TLS has had its bytes */
                list_add(p, &p->fresh, i);
                s->listed = FRESH;
            }
        }
    } else {
        if (more && s->listed == 0) {
            list_add(p, &p->again, i);
        } else if (stuck && s->listed == 0) {
            list_slow(p, &p->held, i, HELD);
        }
        arm(p, i);
    }
}

/* -- outbound: exchanges with the sockets that they need */
static void link_close(mcpt_posix *p, uint32_t i)
{
    slot *s = &p->slots[i];
    if (s->listed != 0) {
        list_remove(p, &p->again, i);
    }
    if (s->tls != NULL) {
        mcpt_tls_close(s->tls);
        s->tls = NULL;
    }
    if (s->fd >= 0) {
        (void)close(s->fd);
        s->fd = -1;
        forget_fd(p, i);
    }
    s->state = VACANT;
}

/* Its request was stopped, or another was begun: what this connection leads to is not for that one. */
static bool link_stale(const mcpt_posix *p, uint32_t i)
{
    const mcpt_exchange *x = p->config.exchanges[i - p->nslots];
    return !mcpt_exchange_busy(x) || p->links[i - p->nslots].number != x->number;
}

static void link_up(mcpt_posix *p, uint32_t i)
{
    slot *s = &p->slots[i];
    mcpt_exchange *x = p->config.exchanges[i - p->nslots];
    mcpt_origin origin = *mcpt_exchange_origin(x);
    s->state = LINKED;
    s->want = 0;
    mcpt_exchange_connected(x);
    if (origin.tls) {
        s->tls = p->config.client_tls != NULL ? mcpt_tls_open(p->config.client_tls, &x->io, origin.host) : NULL;
        if (s->tls == NULL) {
            link_close(p, i);
            mcpt_exchange_fail(x, MCPT_E_TLS);
            return;
        }
        s->tls->owner = s;
    }
    link_pump(p, i);
}

static socklen_t link_address(struct sockaddr_storage *a, const mcpt_posix_address *from, uint16_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)a;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)a;
    memset(a, 0, sizeof *a);
    if (from->len == 4) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, from->bytes, 4);
        return sizeof *v4;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, from->bytes, 16);
    return sizeof *v6;
}

/* Tries the next address; when there is none left the request has failed. */
static void link_next(mcpt_posix *p, uint32_t i)
{
    slot *s = &p->slots[i];
    outbound *o = &p->links[i - p->nslots];
    mcpt_exchange *x = p->config.exchanges[i - p->nslots];
    link_close(p, i);
    while (o->next < o->count) {
        const mcpt_posix_address *to = &o->address[o->next++];
        struct sockaddr_storage a;
        socklen_t n = link_address(&a, to, mcpt_exchange_origin(x)->port);
        const int on = 1;
        if (!mcpt_exchange_address_ok(x, to->bytes, to->len)) {
            continue;
        }
        s->fd = socket(a.ss_family, SOCK_STREAM, 0);
        if (s->fd < 0) {
            continue;
        }
        set_flags(s->fd);
#ifdef SO_NOSIGPIPE
        (void)setsockopt(s->fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
        (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        s->flags = BLOCKED;
        s->state = CONNECTING;
        if ((connect(s->fd, (struct sockaddr *)&a, n) == 0 || errno == EINPROGRESS) && register_fd(p, i)) {
            return;                   /* the poller says when it is up, or refused */
        }
        link_close(p, i);
    }
    mcpt_exchange_fail(x, MCPT_E_IO);
}

static mcpt_err link_lookup(mcpt_posix *p, uint32_t k, const char *host, outbound *o)
{
    mcpt_posix_address *a = o->address;
    struct in_addr v4;
    struct in6_addr v6;
    o->count = 1;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        a->len = 4;
        memcpy(a->bytes, &v4, 4);
        return MCPT_OK;
    }
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        a->len = 16;
        memcpy(a->bytes, &v6, 16);
        return MCPT_OK;
    }
    if (strcasecmp(host, "localhost") == 0) {               /* RFC 6761 section 6.3 */
        static const mcpt_posix_address local[2] = { { 4, { 127, 0, 0, 1 } }, { 16, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } } };
        memcpy(a, local, sizeof local);
        o->count = 2;
        return MCPT_OK;
    }
    o->count = sizeof o->address / sizeof o->address[0];
    return p->config.resolve != NULL ? p->config.resolve(p->config.resolve_user, k, host, a, &o->count) : MCPT_E_IO;
}

static void link_event(mcpt_posix *p, uint32_t i, unsigned flags)
{
    slot *s = &p->slots[i];
    int error = 0;
    socklen_t n = sizeof error;
    s->flags |= (uint8_t)(flags & (READABLE | PEER_DONE | BROKEN));
    s->flags &= (uint8_t)~(flags & BLOCKED);
    if (s->state == LINKED || link_stale(p, i)) {
        link_pump(p, i);
    } else if ((flags & (BLOCKED | BROKEN)) == 0) {
        arm(p, i);
    } else if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0 || (flags & BROKEN) != 0) {
        link_next(p, i);
    } else {
        link_up(p, i);
    }
}

static void link_pump(mcpt_posix *p, uint32_t i)
{
    slot *s = &p->slots[i];
    mcpt_io *io = s->tls != NULL ? &s->tls->io : &p->config.exchanges[i - p->nslots]->io;
    bool more;
    if (link_stale(p, i)) {
        link_close(p, i);
        return;
    }
    more = turns(s, io, false);
    if ((s->flags & BROKEN) != 0) {
        tell_eof(s, io);
        (void)mcpt_io_want(io);
        link_close(p, i);
    } else if ((s->want & MCPT_CLOSED) != 0) {
        link_close(p, i);
    } else {
        if (more && s->listed == 0) {
            list_add(p, &p->again, i);
        }
        arm(p, i);
    }
}

/* What exchanges want now: connections, or an end of them. Answers the milliseconds until the next deadline, at most due. */
static uint32_t links_work(mcpt_posix *p, uint32_t due)
{
    uint32_t k;
    for (k = 0; k < p->config.nexchanges; ++k) {
        const uint32_t i = p->nslots + k;
        mcpt_exchange *x = p->config.exchanges[k];
        outbound *o = &p->links[k];
        mcpt_err e;
        if (mcpt_exchange_due(x) == 0) {
            mcpt_exchange_fail(x, MCPT_E_TIMEOUT);
        }
        if (p->slots[i].state != VACANT && link_stale(p, i)) {
            link_close(p, i);
        }
        if (p->slots[i].state == VACANT && mcpt_exchange_origin(x) != NULL) {
            o->number = x->number;
            o->next = 0;
            e = link_lookup(p, k, mcpt_exchange_origin(x)->host, o);
            if (e == MCPT_OK) {
                link_next(p, i);
            } else if (e < 0) {
                mcpt_exchange_fail(x, e);
            }
        }
        due = sooner(due, mcpt_exchange_due(x));
    }
    return due;
}

static void links_end(mcpt_posix *p)
{
    uint32_t k;
    for (k = 0; k < p->config.nexchanges; ++k) {
        link_close(p, p->nslots + k);
        mcpt_exchange_stop(p->config.exchanges[k]);
    }
}

static void on_event(mcpt_posix *p, uint32_t i, unsigned flags)
{
    slot *s = &p->slots[i];
    if (s->state == VACANT) {
        return;                       /* closed while its event was under way */
    }
    if (i >= p->nslots) {
        link_event(p, i, flags);
        return;
    }
    s->flags |= (uint8_t)(flags & (READABLE | PEER_DONE | BROKEN));
    s->flags &= (uint8_t)~(flags & BLOCKED);
    if (s->state == LINGERING) {
        if ((flags & BROKEN) != 0) {
            close_slot(p, i);
        } else {
            drain(p, i);
        }
    } else if ((flags & BROKEN) != 0 && s->buffer == NONE) {
        finish(p, i, true);
    } else if ((s->flags & (READABLE | PEER_DONE)) != 0 || s->buffer != NONE || s->tls != NULL) {
        pump(p, i);                   /* an idle connection that merely became writable has nothing to do, without TLS */
    } else {
        arm(p, i);
    }
}

/* -- new connections */
static void refuse(mcpt_posix *p, int fd)
{
    static const char answer[] =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n";
    uint32_t i = p->spare.first;
    if (p->config.tls != NULL) {
        (void)!send(fd, mcpt_tls_busy, sizeof mcpt_tls_busy, MSG_NOSIGNAL);
    } else {
        (void)!send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    }
    if (i == NONE) {
        (void)close(fd);              /* more at once than slots for it: the answer may be lost */
        return;
    }
    list_remove(p, &p->spare, i);
    p->slots[i].fd = fd;
    p->slots[i].flags = 0;
    if (!register_fd(p, i)) {
        p->slots[i].state = SERVING;  /* it is in no list */
        close_slot(p, i);
        return;
    }
    linger(p, i);
}

/* A new client is worth more than one that has had its answer: than one whose end is awaited, or else the one that has waited longest
 * for a further request, or has taken its time to begin the first. Who has sent that meanwhile is passed over: it is at work as soon as
 * its event is seen. */
static bool end_lingering(mcpt_posix *p)
{
    uint32_t i = p->linger.first;
    while (i != NONE && i >= p->config.connections) {
        i = p->slots[i].next;         /* refused ones, SPARE at most, are no room */
    }
    if (i != NONE) {
        close_slot(p, i);
    }
    return i != NONE;
}

static bool end_silent(mcpt_posix *p, const mcpt_posix_list *l)
{
    const uint32_t now = mcpt_posix_millis(NULL);
    uint32_t i, n;
    char byte;
    for (i = l->first, n = 0; i != NONE && n < SPARE; i = p->slots[i].next, ++n) {
        if ((l != &p->fresh || passed(now, p->slots[i].deadline)) && recv(p->slots[i].fd, &byte, 1, MSG_PEEK) <= 0) {
            finish(p, i, true);
            return true;
        }
    }
    return false;
}

static void make_room(mcpt_posix *p)
{
    if (p->vacant.first == NONE) {
        (void)end_lingering(p);
    }
    if (p->vacant.first == NONE || (p->config.tls != NULL && p->config.tls->vacant == NULL)) {
        (void)(end_silent(p, &p->idle) || end_silent(p, &p->fresh));
    }
}

static void admit(mcpt_posix *p, int fd)
{
    const int on = 1;
    mcpt_tls_conn *tls = NULL;
    uint32_t i;
    slot *s;
    make_room(p);
    i = p->vacant.first;
    if (i != NONE && p->config.tls != NULL) {
        tls = mcpt_tls_open(p->config.tls, &p->conns[i].io, NULL);
    }
    if (i == NONE || (tls == NULL && p->config.tls != NULL)) {
        refuse(p, fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    list_remove(p, &p->vacant, i);
    s = &p->slots[i];
    s->fd = fd;
    s->state = SERVING;
    s->flags = 0;
    s->want = MCPT_WANT_RX;
    s->tls = tls;
    if (tls != NULL) {
        tls->owner = s;
    }
    if (mcpt_conn_init(&p->conns[i], p->config.server, p->config.hub, NULL, MCPT_HTTP, p->config.user) < 0) {
        tls_end(p, i);
        close_slot(p, i);             /* another ABI: mcpt_hub_init() has said so before */
    } else if (!register_fd(p, i)) {
        finish(p, i, true);
    } else {
        list_slow(p, &p->fresh, i, FRESH);
    }
}

static int accept_one(int listener)
{
#ifdef __linux__
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0) {
        set_flags(fd);
#ifdef SO_NOSIGPIPE
        const int on = 1;
        (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    }
    return fd;
#endif
}

static void accept_round(mcpt_posix *p, int listener)
{
    int n;
    for (n = 0; n < ACCEPTS && p->state == RUNNING && p->paused == 0; ++n) {
        int fd = accept_one(listener);
        if (fd >= 0) {
            admit(p, fd);
        } else if (errno == EMFILE && (end_lingering(p) || end_silent(p, &p->idle) || end_silent(p, &p->fresh))) {
            continue;                 /* its descriptor is for the new one */
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            p->paused = 1;            /* clients wait in the backlog until a descriptor is free */
            p->paused_at = mcpt_posix_millis(NULL);
            listeners_watch(p, false);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        }                             /* else: a client that has gone already, or a passing network error */
    }
}

/* -- one round */
static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static uint32_t open_slots(const mcpt_posix *p)
{
    return p->nslots - p->vacant.count - p->spare.count;
}

static void close_all(mcpt_posix *p)
{
    uint32_t i;
    for (i = 0; i < p->nslots; ++i) {
        if (p->slots[i].state == SERVING) {
            finish(p, i, true);
        } else if (p->slots[i].state == LINGERING) {
            close_slot(p, i);
        }
    }
}

/* Connections that the hub has woken, that had used up their turn, that wait for a buffer: also for one that a peer holds who neither ends
 * its request nor takes its answer. Answers how many. */
static uint32_t serve_ready(mcpt_posix *p)
{
    mcpt_conn *c;
    uint32_t i, n, rounds = p->again.count;
    for (n = 0; n < PUMPS && (c = mcpt_hub_next(p->config.hub)) != NULL; ++n) {
        if (c >= p->conns && c < p->conns + p->config.connections) {
            i = (uint32_t)(c - p->conns);
            if (p->slots[i].state == SERVING) {
                pump(p, i);
            }
        } else if (p->config.other != NULL) {
            p->config.other(p->config.other_user, c);
        }
    }
    for (; rounds > 0 && (i = p->again.first) != NONE; --rounds) {
        list_remove(p, &p->again, i);
        pump(p, i);
        ++n;
    }
    while (p->waiting.count > p->nfree && (i = p->held.first) != NONE && passed(mcpt_posix_millis(NULL), p->slots[i].deadline)) {
        finish(p, i, (p->slots[i].flags & BLOCKED) != 0);
    }
    while (p->nfree > 0 && (i = p->waiting.first) != NONE) {
        list_remove(p, &p->waiting, i);
        (void)take_buffer(p, i);
        pump(p, i);
        ++n;
    }
    return n;
}

static void begin_stop(mcpt_posix *p)
{
    uint32_t i;
    p->state = STOPPING;
    p->stop_at = mcpt_posix_millis(NULL) + p->config.stop_ms;
    close_fd(&p->listener[0]);
    close_fd(&p->listener[1]);
    p->paused = 0;
#if MCPT_POSIX_POLL
    listeners_watch(p, false);
#endif
    mcpt_hub_close(p->config.hub);
    (void)serve_ready(p);             /* event streams get their last event before they are closed as idle */
    for (i = 0; i < p->config.connections; ++i) {
        if (p->slots[i].state == SERVING && p->slots[i].buffer == NONE && p->slots[i].listed != QUEUED &&
            (p->slots[i].flags & BLOCKED) == 0) {
            finish(p, i, true);
        } else if (p->slots[i].state == SERVING) {
            pump(p, i);
        }
    }
}

/* Handshakes that take too long. */
static uint32_t tls_timers(mcpt_posix *p, mcpt_tls *tls, uint32_t due)
{
    mcpt_tls_conn *t;
    if (tls == NULL) {
        return due;
    }
    while ((t = mcpt_tls_expired(tls)) != NULL) {
        pump(p, (uint32_t)((slot *)t->owner - p->slots));
    }
    return sooner(due, mcpt_tls_due(tls));
}

/* The port's own deadlines. Answers the milliseconds until the next one, at most due. */
static uint32_t timers(mcpt_posix *p, uint32_t due)
{
    uint32_t i, now;
    due = tls_timers(p, p->config.tls, due);
    due = tls_timers(p, p->config.client_tls, due);
    if (p->linger.count == 0 && p->paused == 0 && p->state == RUNNING && p->waiting.count == 0) {
        return due;
    }
    now = mcpt_posix_millis(NULL);
    if (p->waiting.count > 0 && p->held.first != NONE) {
        due = sooner(due, left_of(now, p->slots[p->held.first].deadline));
    }
    while ((i = p->linger.first) != NONE && passed(now, p->slots[i].deadline)) {
        close_slot(p, i);
    }
    if (p->linger.first != NONE) {
        due = sooner(due, left_of(now, p->slots[p->linger.first].deadline));
    }
    if (p->paused != 0 && passed(now, p->paused_at + PAUSE_MS)) {
        p->paused = 0;
        listeners_watch(p, true);
    } else if (p->paused != 0) {
        due = sooner(due, left_of(now, p->paused_at + PAUSE_MS));
    }
    if (p->state == STOPPING) {
        due = sooner(due, left_of(now, p->stop_at));
        if (due == 0 && passed(now, p->stop_at)) {
            close_all(p);
        }
        if (open_slots(p) == 0) {
            p->state = STOPPED;
        }
    }
    return due;
}

/* All that can be done without waiting. Answers how long may be waited. */
static uint32_t work(mcpt_posix *p)
{
    uint32_t due = 0;
    int rounds = 4;                   /* one connection may wake others; then the sockets have their turn */
    if (p->stop != 0 && p->state == RUNNING) {
        begin_stop(p);
    }
    do {
        due = links_work(p, mcpt_hub_run(p->config.hub));
    } while (serve_ready(p) > 0 && --rounds > 0);
    return timers(p, rounds > 0 ? due : 0);
}

/* Waits and serves what arrives. False: the system's wait failed. */
static bool step(mcpt_posix *p, uint32_t due)
{
    int timeout = due == UINT32_MAX ? -1 : due > 0x7fffffffu ? 0x7fffffff : (int)due;
    return wait_events(p, timeout) >= 0 || errno == EINTR;
}

mcpt_err mcpt_posix_run(mcpt_posix *p)
{
    for (;;) {
        uint32_t due = work(p);
        if (p->state == STOPPED) {
            return MCPT_OK;
        }
        if (!step(p, due)) {
            return MCPT_E_IO;
        }
    }
}

mcpt_err mcpt_posix_poll(mcpt_posix *p, int timeout_ms)
{
    uint32_t due;
    if (p->state == STOPPED) {
        return MCPT_OK;
    }
    due = work(p);
    if (p->state != STOPPED) {
        if (!step(p, timeout_ms < 0 ? due : sooner(due, (uint32_t)timeout_ms))) {
            return MCPT_E_IO;
        }
        due = work(p);                /* the caller may sleep now: nothing that is ready may be left */
    }
    p->due_at = due == UINT32_MAX ? 0 : mcpt_posix_millis(NULL) + due;
    p->timed = due != UINT32_MAX;
    return p->state == STOPPED ? MCPT_OK : MCPT_PENDING;
}

uint32_t mcpt_posix_due(const mcpt_posix *p)
{
    return p->timed ? left_of(mcpt_posix_millis(NULL), p->due_at) : UINT32_MAX;
}

int mcpt_posix_fd(const mcpt_posix *p)
{
#if MCPT_POSIX_POLL
    (void)p;
    return -1;
#else
    return p->poller;
#endif
}

/* -- beginning and end */
static bool defaults(mcpt_posix_config *c)
{
    uint64_t each;
    c->connections = c->connections != 0 ? c->connections : 1024;
    c->buffers = c->buffers != 0 ? c->buffers : 64;
    c->buffers = sooner(c->buffers, c->connections);
    c->rx_size = c->rx_size != 0 ? c->rx_size : 16384;
    c->tx_size = c->tx_size != 0 ? c->tx_size : 16384;
    c->ntok = c->ntok != 0 ? c->ntok : 256;
    c->stop_ms = sooner(c->stop_ms != 0 ? c->stop_ms : 5000, 0x7fffffff);   /* see passed() */
    c->stall_ms = sooner(c->stall_ms != 0 ? c->stall_ms : 2000, 0x7fffffff);
    each = (uint64_t)c->rx_size + c->tx_size + (uint64_t)c->ntok * sizeof(mcpt_tok) + 64u;
    return c->connections <= 1000000 && c->rx_size >= MCPT_RX_MIN && c->tx_size >= MCPT_TX_MIN &&
           c->rx_size <= 1u << 30 && c->tx_size < 1u << 24 && c->ntok <= 1u << 24 &&
           c->nexchanges <= 1024 && c->connections * (uint64_t)(sizeof(mcpt_conn) + 64u) + c->buffers * each < SIZE_MAX / 2;
}

/* One part of the memory block; everything that needs alignment gets that of the largest type. */
static char *part(char *base, size_t *at, size_t n, size_t size)
{
    char *begin = base != NULL ? base + *at : NULL;
    *at += (n * size + 15u) & ~(size_t)15u;
    return begin;
}

/* Divides the block; with base NULL it only measures. c has its defaults. */
static size_t divide(mcpt_posix *p, const mcpt_posix_config *c, char *base)
{
    const size_t nslots = (size_t)c->connections + SPARE;
    size_t at = 0;
    char *slots = part(base, &at, nslots + c->nexchanges, sizeof(slot));
    char *links = part(base, &at, c->nexchanges, sizeof(outbound));
    char *conns = part(base, &at, c->connections, sizeof(mcpt_conn));
#if MCPT_POSIX_POLL
    char *events = part(base, &at, nslots + c->nexchanges + FIXED, sizeof(struct pollfd));
#else
    char *events = part(base, &at, EVENTS, sizeof(struct epoll_event));
#endif
    char *stack = part(base, &at, c->buffers, sizeof(uint32_t));
    char *tok = part(base, &at, (size_t)c->buffers * c->ntok, sizeof(mcpt_tok));
    char *rx = part(base, &at, c->buffers, c->rx_size);
    char *tx = part(base, &at, c->buffers, c->tx_size);
    if (base != NULL) {
        p->slots = (slot *)(void *)slots;
        p->links = (outbound *)(void *)links;
        p->conns = (mcpt_conn *)(void *)conns;
        p->events = events;
        p->free_buffers = (uint32_t *)(void *)stack;
        p->tok = (mcpt_tok *)(void *)tok;
        p->rx = rx;
        p->tx = tx;
        p->nslots = (uint32_t)nslots;
    }
    return at + 15;                   /* to align the block itself */
}

size_t mcpt_posix_size(const mcpt_posix_config *config)
{
    mcpt_posix_config c = *config;
    return defaults(&c) ? divide(NULL, &c, NULL) : 0;
}

/* An address literal as a socket address; 0: it is none. */
static socklen_t address(struct sockaddr_storage *a, const char *host, uint16_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)a;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)a;
    char text[INET6_ADDRSTRLEN];
    const char *zone = strchr(host, '%');
    size_t n = zone != NULL ? (size_t)(zone - host) : strlen(host);
    memset(a, 0, sizeof *a);
    if (n >= sizeof text) {
        return 0;
    }
    memcpy(text, host, n);
    text[n] = '\0';
    if (zone == NULL && inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1) {
        return 0;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    v6->sin6_scope_id = zone != NULL ? if_nametoindex(zone + 1) : 0;
    return zone != NULL && v6->sin6_scope_id == 0 ? 0 : (socklen_t)sizeof *v6;
}

/* Options that connections inherit: a peer that has vanished without a word is noticed within two minutes. */
static void detect_dead(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#if defined(TCP_KEEPIDLE) && defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
    {
        const int idle = 60, every = 15, count = 4;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    }
#endif
}

/* A listening socket, or -1 with errno. *port: 0 asks for a free one; becomes the one in use. */
static int listen_on(const char *host, uint16_t *port)
{
    const int on = 1;
    struct sockaddr_storage a;
    socklen_t n = address(&a, host, *port);
    int fd = socket(a.ss_family, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    set_flags(fd);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    detect_dead(fd);
    if (a.ss_family == AF_INET6) {    /* each family has a socket of its own, on every system */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
        int why = errno;
        (void)close(fd);
        errno = why;
        return -1;
    }
    *port = ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&a)->sin6_port
                                          : ((struct sockaddr_in *)(void *)&a)->sin_port);
    return fd;
}

static bool no_such_family(void)
{
    return errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
}

/* Opens both families on one port. A family that this machine does not have is left out. */
static bool listen_both(mcpt_posix *p, const char *v4, const char *v6)
{
    int tries;
    for (tries = 0; tries < 16; ++tries) {
        uint16_t port = p->config.port;
        p->listener[0] = listen_on(v4, &port);
        if (p->listener[0] < 0 && !no_such_family()) {
            return false;
        }
        p->listener[1] = listen_on(v6, &port);
        p->port = port;
        if (p->listener[1] >= 0 || (p->listener[0] >= 0 && no_such_family())) {
            return true;
        }
        if (p->config.port != 0 || errno != EADDRINUSE || p->listener[0] < 0) {
            return false;
        }
        (void)close(p->listener[0]);  /* the port the system chose is taken in the other family */
        p->listener[0] = -1;
    }
    return false;
}

static bool open_listeners(mcpt_posix *p)
{
    const char *host = p->config.host;
    if (host == NULL || strcmp(host, "localhost") == 0) {
        return listen_both(p, "127.0.0.1", "::1");
    }
    if (strcmp(host, "*") == 0) {
        return listen_both(p, "0.0.0.0", "::");
    }
    p->port = p->config.port;
    p->listener[0] = listen_on(host, &p->port);
    return p->listener[0] >= 0;
}

static void clear(mcpt_posix *p)
{
    uint32_t i;
    list_clear(&p->vacant);
    list_clear(&p->spare);
    list_clear(&p->waiting);
    list_clear(&p->again);
    list_clear(&p->linger);
    list_clear(&p->idle);
    list_clear(&p->fresh);
    list_clear(&p->held);
    for (i = 0; i < p->nslots + p->config.nexchanges; ++i) {
        memset(&p->slots[i], 0, sizeof(slot));
        p->slots[i].fd = -1;
        p->slots[i].buffer = NONE;
    }
    for (i = 0; i < p->nslots; ++i) {
        list_add(p, i < p->config.connections ? &p->vacant : &p->spare, i);
    }
    for (i = 0; i < p->config.buffers; ++i) {
        p->free_buffers[i] = p->config.buffers - 1 - i;
    }
    p->nfree = p->config.buffers;
}

mcpt_err mcpt_posix_init(mcpt_posix *p, const mcpt_posix_config *config, void *mem, size_t size)
{
    struct sockaddr_storage a;
    const char *host = config->host;
    size_t need = mcpt_posix_size(config);
    memset(p, 0, sizeof *p);
    p->listener[0] = p->listener[1] = p->poller = p->wake[0] = p->wake[1] = -1;
    p->config = *config;
    p->state = STOPPED;
    if (config->server == NULL || config->hub == NULL || need == 0 || !defaults(&p->config)) {
        return MCPT_E_ARG;
    }
    if (host != NULL && strcmp(host, "*") != 0 && strcmp(host, "localhost") != 0 &&
        address(&a, host, 0) == 0) {
        return MCPT_E_ARG;
    }
    if (mem == NULL || size < need) {
        return MCPT_E_SPACE;
    }
    (void)divide(p, &p->config, (char *)mem + (16u - (uintptr_t)mem % 16u) % 16u);
    clear(p);
    if (!poller_open(p) || !open_listeners(p)) {
        int why = errno;
        mcpt_posix_destroy(p);
        errno = why;
        return MCPT_E_IO;
    }
    p->config.host = NULL;
    listeners_watch(p, true);
    mcpt_hub_notify(p->config.hub, wake_up, p);
    p->attached = true;
    p->state = RUNNING;
    return MCPT_OK;
}

uint16_t mcpt_posix_port(const mcpt_posix *p)
{
    return p->port;
}

mcpt_posix_stats mcpt_posix_now(const mcpt_posix *p)
{
    mcpt_posix_stats s;
    s.connections = open_slots(p);
    s.buffers = p->config.buffers - p->nfree;
    s.waiting = p->waiting.count;
    return s;
}

void mcpt_posix_wake(mcpt_posix *p)
{
    wake_up(p);
}

void mcpt_posix_stop(mcpt_posix *p)
{
    p->stop = 1;
    wake_up(p);
}

static mcpt_posix *volatile signal_target;

static void on_signal(int number)
{
    (void)number;
    if (signal_target != NULL) {
        mcpt_posix_stop(signal_target);
    }
}

mcpt_err mcpt_posix_stop_on_signals(mcpt_posix *p)
{
    struct sigaction act;
    if (signal_target != NULL && signal_target != p) {
        return MCPT_E_STATE;
    }
    signal_target = p;
    memset(&act, 0, sizeof act);
    act.sa_handler = on_signal;
    act.sa_flags = (int)SA_RESETHAND; /* whoever asks a second time does not want to wait */
    (void)sigemptyset(&act.sa_mask);
    return sigaction(SIGTERM, &act, NULL) == 0 && sigaction(SIGINT, &act, NULL) == 0 ? MCPT_OK : MCPT_E_IO;
}

void mcpt_posix_destroy(mcpt_posix *p)
{
    if (p->state != 0 && p->slots != NULL) {
        close_all(p);
        links_end(p);
    }
    if (signal_target == p) {
        (void)signal(SIGTERM, SIG_DFL);
        (void)signal(SIGINT, SIG_DFL);
        signal_target = NULL;
    }
    if (p->attached) {
        mcpt_hub_notify(p->config.hub, NULL, NULL);
        p->attached = false;
    }
    close_fd(&p->listener[0]);
    close_fd(&p->listener[1]);
    close_fd(&p->poller);
    if (p->wake[1] == p->wake[0]) {
        p->wake[1] = -1;
    }
    close_fd(&p->wake[0]);
    close_fd(&p->wake[1]);
    p->state = STOPPED;
}
