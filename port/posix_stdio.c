/* port/posix_stdio.c - see posix_stdio.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "posix_stdio.h"
#include "posix_env.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

enum { IN, OUT, WAKE };               /* rows of poll() */

typedef struct state {
    mcpt_hub *hub;
    mcpt_io *io;
    struct pollfd row[3];
    int in, wake;                     /* wake: the pipe's end that mcpt_wake() writes */
    uint32_t stop_ms, ended_at;
    bool ended, deaf;                 /* the input; the reader of the output */
    mcpt_err err;
} state;

static void wake_up(void *user)
{
    const state *s = (const state *)user;
    int saved = errno;
    while (write(s->wake, "", 1) < 0 && errno == EINTR) {
        /* once more; EAGAIN means that enough wake-ups are under way */
    }
    errno = saved;
}

static void end_input(state *s)
{
    if (!s->ended) {
        s->ended = true;
        s->ended_at = mcpt_posix_millis(NULL);
        mcpt_io_eof(s->io);
    }
}

static void fail(state *s, mcpt_err e)
{
    if (s->err == MCPT_OK) {
        s->err = e;
    }
}

/* After POLLIN one read does not block, whatever the descriptor's mode. */
static void receive(state *s)
{
    size_t room;
    char *to = mcpt_io_rx(s->io, &room);
    ssize_t got = to != NULL ? read(s->in, to, room) : -1;
    if (got > 0) {
        mcpt_io_rx_ack(s->io, (size_t)got);
    } else if (to != NULL && (got == 0 || errno == EIO)) {  /* EIO: the terminal was hung up */
        end_input(s);
    } else if (to != NULL && errno != EINTR && errno != EAGAIN) {
        fail(s, MCPT_E_IO);
    }
}

/* After POLLOUT a pipe takes PIPE_BUF bytes without blocking. */
static void transmit(state *s)
{
    size_t n;
    const char *from = mcpt_io_tx(s->io, &n);
    if (from != NULL) {
        ssize_t sent = write(s->row[OUT].fd, from, n < PIPE_BUF ? n : PIPE_BUF);
        if (sent > 0) {
            mcpt_io_tx_ack(s->io, (size_t)sent);
        } else if (sent < 0 && errno != EINTR && errno != EAGAIN) {
            fail(s, errno == EPIPE ? MCPT_E_CLOSED : MCPT_E_IO);
        }
    }
}

/* Empties the ready list: other connections of the hub have no port here. True: something was in it. */
static bool ready(mcpt_hub *hub)
{
    bool any = false;
    while (mcpt_hub_next(hub) != NULL) {
        any = true;
    }
    return any;
}

static int wait_ms(state *s, uint32_t due)
{
    if (s->ended) {
        uint32_t gone = mcpt_posix_millis(NULL) - s->ended_at;
        uint32_t left = gone < s->stop_ms ? s->stop_ms - gone : 0;
        if (left == 0) {
            fail(s, MCPT_E_TIMEOUT);
        }
        due = left < due ? left : due;
    }
    return due > 0x7fffffffu ? -1 : (int)due;
}

static void handle(state *s)
{
    const int in = s->row[IN].revents;
    const int out = s->row[OUT].revents;
    char bytes[16];
    if (s->row[WAKE].revents != 0) {
        (void)!read(s->row[WAKE].fd, bytes, sizeof bytes);
    }
    if ((out & (POLLERR | POLLNVAL)) != 0) {
        s->deaf = true;               /* a client that ends closes both: then the input ends below */
    } else if ((out & POLLOUT) != 0) {
        transmit(s);
    }
    if ((in & (POLLIN | POLLHUP)) != 0 && !s->ended) {
        receive(s);
    } else if (in != 0) {
        end_input(s);
    }
}

/* False: over. */
static bool round_once(state *s)
{
    unsigned want = mcpt_io_want(s->io);
    uint32_t due = mcpt_hub_run(s->hub);
    size_t n;
    bool pending = mcpt_io_tx(s->io, &n) != NULL;
    int timeout = wait_ms(s, ready(s->hub) ? 0 : due);
    int i;
    if ((want & MCPT_CLOSED) != 0 && !pending) {
        s->err = MCPT_OK;             /* finished just in time */
        return false;
    }
    if (s->deaf) {
        fail(s, MCPT_E_CLOSED);
    }
    if (s->err != MCPT_OK) {
        return false;
    }
    /* Not wanted: the row is blind, as a pipe whose writer has ended says so before it has been emptied. */
    s->row[IN].fd = !s->ended && (want & MCPT_WANT_RX) != 0 ? s->in : -1;
    s->row[OUT].events = pending ? POLLOUT : 0;
    for (i = 0; i < 3; ++i) {
        s->row[i].revents = 0;
    }
    if (poll(s->row, 3, timeout) < 0 && errno != EINTR) {
        fail(s, MCPT_E_IO);
    } else {
        handle(s);
    }
    return s->err == MCPT_OK;
}

static bool open_wake(int pipe_fd[2])
{
    int i;
    if (pipe(pipe_fd) != 0) {
        return false;
    }
    for (i = 0; i < 2; ++i) {
        (void)fcntl(pipe_fd[i], F_SETFL, O_NONBLOCK);
        (void)fcntl(pipe_fd[i], F_SETFD, FD_CLOEXEC);
    }
    return true;
}

mcpt_err mcpt_posix_stdio(const mcpt_server *server, mcpt_hub *hub, mcpt_conn *conn, const mcpt_mem *mem,
                          int in, int out, uint32_t stop_ms)
{
    state s;
    int wake[2];
    mcpt_err e;
    if (server == NULL || hub == NULL || conn == NULL || mem == NULL) {
        return MCPT_E_ARG;
    }
    e = mcpt_conn_init(conn, server, hub, mem, MCPT_LINES, NULL);
    if (e != MCPT_OK) {
        return e;
    }
    if (!open_wake(wake)) {
        mcpt_conn_close(conn);
        return MCPT_E_IO;
    }
    memset(&s, 0, sizeof s);
    s.hub = hub;
    s.io = &conn->io;
    s.in = in;
    s.row[IN].fd = in;
    s.row[IN].events = POLLIN;
    s.row[OUT].fd = out;
    s.row[WAKE].fd = wake[0];
    s.row[WAKE].events = POLLIN;
    s.wake = wake[1];
    s.stop_ms = stop_ms != 0 ? stop_ms : 5000;
    mcpt_hub_notify(hub, wake_up, &s);
    while (round_once(&s)) {
        /* until the end */
    }
    mcpt_hub_notify(hub, NULL, NULL);
    mcpt_conn_close(conn);
    (void)close(wake[0]);
    (void)close(wake[1]);
    return s.err;
}
