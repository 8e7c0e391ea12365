/* port/posix_client.c - see posix_client.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "posix_client.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static void set_flags(int fd)
{
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) | FD_CLOEXEC);
}

static void hang_up(mcpt_posix_client *p, size_t i)
{
    if (p->link[i].tls != NULL) {
        mcpt_tls_close(p->link[i].tls);
        p->link[i].tls = NULL;
    }
    if (p->link[i].in >= 0) {
        (void)close(p->link[i].in);
    }
    if (p->link[i].out >= 0 && p->link[i].out != p->link[i].in) {
        (void)close(p->link[i].out);
    }
    p->link[i].in = p->link[i].out = -1;
}

/* The transport is gone: the client is told, through TLS when that is between. */
static void lose(mcpt_posix_client *p, size_t i, mcpt_io *io)
{
    mcpt_io_eof(io);
    (void)mcpt_io_want(io);
    hang_up(p, i);
}

static int wait_for(struct pollfd *row, int timeout)        /* a signal that is handled meanwhile begins it anew */
{
    int n;
    do {
        n = poll(row, 1, timeout);
    } while (n < 0 && errno == EINTR);
    return n;
}

/* One address: a connected socket, or -1. */
static int connect_one(const struct addrinfo *a, int timeout)
{
    const int on = 1;
    struct pollfd row;
    socklen_t n = sizeof(int);
    int why = 0, fd = socket(a->ai_family, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    set_flags(fd);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
        return fd;
    }
    row.fd = fd;
    row.events = POLLOUT;
    if (errno == EINPROGRESS && wait_for(&row, timeout) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &n) == 0 && why == 0) {
        return fd;
    }
    (void)close(fd);
    return -1;
}

static bool public_address(const struct addrinfo *a)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
#if !MCPT_NO_EXCHANGE
    if (a->ai_family == AF_INET) {
        memcpy(&v4, a->ai_addr, sizeof v4);
        return mcpt_address_public(&v4.sin_addr, 4);
    }
    if (a->ai_family == AF_INET6) {
        memcpy(&v6, a->ai_addr, sizeof v6);
        return mcpt_address_public(&v6.sin6_addr, 16);
    }
#endif
    (void)a;
    (void)v4;
    (void)v6;
    return false;
}

/* A connected socket, or -1; *why: E_ISSUER when addresses were left out. */
static int dial(const mcpt_origin *o, int timeout, bool any, mcpt_err *why)
{
    struct addrinfo hints, *all = NULL, *a;
    char port[8];
    int fd = -1;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    (void)snprintf(port, sizeof port, "%u", (unsigned)o->port);
    if (getaddrinfo(o->host, port, &hints, &all) != 0) {
        return -1;
    }
    for (a = all; a != NULL && fd < 0; a = a->ai_next) {
        if (any || public_address(a)) {
            fd = connect_one(a, timeout);
        } else {
            *why = MCPT_E_ISSUER;
        }
    }
    freeaddrinfo(all);
    return fd;
}

static void open_link(mcpt_posix_client *p, size_t i)
{
    mcpt_channel *ch = &p->config.channels[i];
    const mcpt_origin *o = mcpt_channel_origin(ch);
    mcpt_err why = MCPT_E_IO;
    int fd;
    hang_up(p, i);
    fd = o->tls && p->config.tls == NULL ? -1 : dial(o, (int)p->config.connect_ms, !p->config.foreign_public || !mcpt_channel_foreign(ch), &why);
    if (fd < 0) {
        ch->io.err = why;
        mcpt_io_eof(&ch->io);
        return;
    }
    p->link[i].in = p->link[i].out = fd;
    mcpt_channel_connected(ch);
    if (o->tls) {
        p->link[i].tls = mcpt_tls_open(p->config.tls, &ch->io, o->host);
        if (p->link[i].tls == NULL) {
            hang_up(p, i);
            mcpt_io_eof(&ch->io);
        }
    }
}

/* Moves bytes until the system or the client has to wait. Answers the events to wait for; *any: something was done. */
static short move(mcpt_posix_client *p, size_t i, bool *any)
{
    mcpt_channel *ch = &p->config.channels[i];
    for (;;) {
        unsigned want = p->link[i].tls != NULL ? mcpt_io_want(&p->link[i].tls->io) : mcpt_io_want(&ch->io);
        mcpt_io *io = p->link[i].tls != NULL ? &p->link[i].tls->io : &ch->io;
        const char *out;
        char *in;
        size_t n;
        ssize_t got;
        if ((ch->io.want & MCPT_WANT_CONNECT) != 0) {
            open_link(p, i);
            *any = true;
            continue;
        }
        if (p->link[i].in < 0) {
            return 0;
        }
        if ((want & MCPT_CLOSED) != 0) {
            hang_up(p, i);
            mcpt_io_eof(&ch->io);
            *any = true;
            continue;
        }
        out = (want & MCPT_WANT_TX) != 0 ? mcpt_io_tx(io, &n) : NULL;
        if (out != NULL) {
            got = p->child > 0 ? write(p->link[i].out, out, n) : send(p->link[i].out, out, n, MSG_NOSIGNAL);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
                return POLLOUT;
            }
            if (got <= 0) {
                lose(p, i, io);
            } else {
                mcpt_io_tx_ack(io, (size_t)got);
            }
            *any = true;
            continue;
        }
        in = (want & MCPT_WANT_RX) != 0 ? mcpt_io_rx(io, &n) : NULL;
        if (in == NULL) {
            return 0;
        }
        got = read(p->link[i].in, in, n);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return POLLIN;
        }
        *any = true;
        if (got <= 0) {
            lose(p, i, io);
            continue;
        }
        mcpt_io_rx_ack(io, (size_t)got);
    }
}

mcpt_err mcpt_posix_client_init(mcpt_posix_client *p, const mcpt_posix_client_config *config)
{
    size_t i;
    memset(p, 0, sizeof *p);
    p->config = *config;
    p->config.connect_ms = config->connect_ms != 0 ? config->connect_ms : 10000;
    for (i = 0; i < 3; i++) {
        p->link[i].in = p->link[i].out = -1;
    }
    return config->client == NULL || config->channels == NULL || config->nchannels == 0 || config->nchannels > 3 ||
           (MCPT_NO_EXCHANGE && config->foreign_public) ? MCPT_E_ARG : MCPT_OK;
}

/* A pipe whose ends are not 0, 1 or 2, even where those are closed: the child's become that. */
static bool pipe_above(int fd[2])
{
    int low[2], i;
    if (pipe(low) != 0) {
        return false;
    }
    for (i = 0; i < 2; i++) {
        fd[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 3);
    }
    (void)close(low[0]);
    (void)close(low[1]);
    if (fd[0] >= 0 && fd[1] >= 0) {
        return true;
    }
    if (fd[0] >= 0) {
        (void)close(fd[0]);
    }
    return false;
}

mcpt_err mcpt_posix_client_spawn(mcpt_posix_client *p, char *const argv[])
{
    int to[2], from[2];
    if (!pipe_above(to)) {
        return MCPT_E_IO;
    }
    if (!pipe_above(from)) {
        (void)close(to[0]);
        (void)close(to[1]);
        return MCPT_E_IO;
    }
    p->child = fork();
    if (p->child == 0) {              /* what is not 0, 1 or 2 ends with exec */
        (void)dup2(to[0], 0);
        (void)dup2(from[1], 1);
        (void)signal(SIGPIPE, SIG_DFL);                     /* that it is ignored would be inherited */
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    p->link[0].out = to[1];
    p->link[0].in = from[0];
    set_flags(to[1]);
    set_flags(from[0]);
    if (p->child < 0) {
        hang_up(p, 0);
        return MCPT_E_IO;
    }
    return MCPT_OK;
}

mcpt_err mcpt_posix_client_poll(mcpt_posix_client *p, int timeout_ms)
{
    struct pollfd rows[3];
    nfds_t count = 0;
    bool any = false;
    size_t i;
    uint32_t due;
    mcpt_tls_conn *t;
    for (i = 0; i < p->config.nchannels; i++) {
        short events = move(p, i, &any);
        if (events != 0) {
            rows[count].fd = events == POLLOUT ? p->link[i].out : p->link[i].in;
            rows[count++].events = events;
        }
    }
    while (p->config.tls != NULL && (t = mcpt_tls_expired(p->config.tls)) != NULL) {
        (void)mcpt_io_want(&t->io);
        any = true;
    }
    if (any) {
        return MCPT_OK;               /* one channel may have made another ready */
    }
    due = mcpt_client_due(p->config.client);
    if (p->config.tls != NULL && mcpt_tls_due(p->config.tls) < due) {
        due = mcpt_tls_due(p->config.tls);
    }
    if (timeout_ms < 0 || due < (uint32_t)timeout_ms) {
        timeout_ms = due > 0x7fffffffu ? timeout_ms : (int)due;
    }
    if (count == 0 && timeout_ms < 0) {
        return MCPT_OK;
    }
    return poll(rows, count, timeout_ms) >= 0 || errno == EINTR ? MCPT_OK : MCPT_E_IO;
}

void mcpt_posix_client_close(mcpt_posix_client *p)
{
    const struct timespec pause = { 0, 10000000 };
    size_t i;
    int k;
    for (i = 0; i < 3; i++) {
        hang_up(p, i);
    }
    for (k = 0; p->child > 0 && k <= 300; k++) {
        if (waitpid(p->child, NULL, WNOHANG) != 0) {
            p->child = 0;
            break;
        }
        if (k == 100 || k == 200) {
            (void)kill(p->child, k == 100 ? SIGTERM : SIGKILL);
        }
        (void)nanosleep(&pause, NULL);
    }
}
