/* backlog.c - for the host, not the board: QEMU's user network (libslirp) listens on a forwarded port with a backlog of one. When several clients
 * connect at once the kernel then completes some connections that QEMU is never told of (TcpExtListenOverflows): they hang until the
 * client has sent something again, for seconds, or for ever if it only waits. Preloaded into QEMU this makes room for all of them. */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int listen(int fd, int backlog)
{
    return (int)syscall(SYS_listen, fd, backlog < 64 ? 64 : backlog);
}
