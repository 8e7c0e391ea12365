/* floor.c - the least a server on epoll can do: a constant answer to everything it reads, on kept-alive connections.
 * What it reaches is the floor that a real server on the same machine is compared with.
 *     floor PORT LENGTH        an answer of LENGTH bytes, head included */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static char answer[1 << 20];

static size_t build(size_t length)
{
    int head = 0;
    size_t body;
    for (body = length; body > 0; body--) {
        head = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        body);
        if ((size_t)head + body <= length) {
            break;
        }
    }
    memset(answer + head, 'x', body);
    return (size_t)head + body;
}

int main(int argc, char **argv)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int poll = epoll_create1(0);
    int one = 1;
    size_t length;
    struct sockaddr_in at = {0};
    struct epoll_event event = {0};
    struct epoll_event events[64];
    struct rlimit files;
    if (argc != 3 || strtoul(argv[2], NULL, 10) >= sizeof answer) {
        fprintf(stderr, "floor PORT LENGTH\n");
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    length = build(strtoul(argv[2], NULL, 10));
    at.sin_family = AF_INET;
    at.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 1024) != 0) {
        perror("floor");
        return 1;
    }
    event.events = EPOLLIN;
    event.data.fd = listener;
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            char request[65536];
            int fd = events[i].data.fd;
            if (fd == listener) {
                fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (fd >= 0) {
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    event.data.fd = fd;
                    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
                }
            } else if (read(fd, request, sizeof request) <= 0 || write(fd, answer, length) != (ssize_t)length) {
                close(fd);
            }
        }
    }
}
