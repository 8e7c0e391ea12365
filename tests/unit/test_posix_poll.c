/* The tests of test_posix.c with poll() and a pipe instead of epoll and eventfd; then some of them again over
 * a kernel that interrupts, says "not now" and moves a byte at a time. */
#define MCPT_POSIX_POLL 1
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

static unsigned hostile, calls;

/* Answers how many bytes may be moved; 0: none, errno says why. */
static size_t allowed(size_t n, int flags)
{
    ++calls;
    if (hostile == 0 || (flags & MSG_PEEK) != 0) {
        return n;
    }
    if (calls % hostile == 0) {
        errno = calls % 2 == 0 ? EINTR : EAGAIN;
        return 0;
    }
    return calls % 3 == 0 ? n : n < 1 + calls % 7 ? n : 1 + calls % 7;
}

static ssize_t odd_recv(int fd, void *buf, size_t n, int flags)
{
    size_t some = allowed(n, flags);
    return some == 0 ? -1 : recv(fd, buf, some, flags);
}

static ssize_t odd_send(int fd, const void *buf, size_t n, int flags)
{
    size_t some = allowed(n, flags);
    return some == 0 ? -1 : send(fd, buf, some, flags);
}

#define recv odd_recv
#define send odd_send
#include "../../port/posix.c"
#undef recv
#undef send
int all_tests(void);
#define main all_tests
#include "test_posix.c"
#undef main

/* A request on a kept connection costs one recv and one send. */
static void frugal(void)
{
    unsigned before;
    int fd, i;
    begin(4, 2);
    fd = dial();
    CHECK(echoes(fd, 0));
    before = calls;
    for (i = 1; i <= 50; ++i) {
        CHECK(echoes(fd, i));
    }
    CHECK(calls - before == 100);
    (void)close(fd);
    end();
}

int main(void)
{
    (void)all_tests();
    frugal();
    for (hostile = 2; hostile < 8; ++hostile) {
        keep_alive();
        pipelined();
        half_closed();
        buffers_full();
        wake_from_a_thread();
        peer_gone_meanwhile();
        streams();
        idle_give_way();
        graceful_stop();
        graceful_stop_tls();
    }
    return test_end();
}
