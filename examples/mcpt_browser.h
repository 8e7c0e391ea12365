/* mcpt_browser.h: the redirect of an authorization comes back to this machine: one request on 127.0.0.1, its query, and a
 * page that says it is done. Part of example 08. */
#ifndef MCPT_BROWSER_H
#define MCPT_BROWSER_H
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BROWSER_PORT 8976
#define BROWSER_REDIRECT "http://127.0.0.1:8976/callback"

/* A listening socket, or -1: something else has the port. */
static int browser_listen(void)
{
    struct sockaddr_in a;
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(BROWSER_PORT);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 4) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* Waits at most timeout_ms for the redirect; its query in buf. False: nothing, or another request (answered 404). */
static bool browser_query(int listener, int timeout_ms, char *buf, size_t cap)
{
    static const char done[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
        "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n"
        "<!doctype html><html lang=\"en\"><title>Done</title><h1>Done</h1><p>You can close this window and go back to the terminal.";
    static const char other[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    static const char start[] = "GET /callback?";
    struct pollfd row;
    char request[8192];
    size_t n = 0;
    ssize_t got;
    int fd;
    char *end;
    bool ok = false;

    row.fd = listener;
    row.events = POLLIN;
    if (poll(&row, 1, timeout_ms) != 1 || (fd = accept(listener, NULL, NULL)) < 0) {
        return false;
    }
    row.fd = fd;
    while (n < sizeof request - 1 && poll(&row, 1, 2000) == 1 && (got = read(fd, request + n, sizeof request - 1 - n)) > 0) {
        n += (size_t)got;
        request[n] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL) {
            break;
        }
    }
    request[n] = '\0';
    end = strncmp(request, start, sizeof start - 1) == 0 ? strchr(request + sizeof start - 1, ' ') : NULL;
    if (end != NULL && (size_t)(end - request) - sizeof start + 1 < cap) {
        *end = '\0';
        memcpy(buf, request + sizeof start - 1, (size_t)(end - request) - sizeof start + 2);
        ok = true;
    }
    (void)!write(fd, ok ? done : other, (ok ? sizeof done : sizeof other) - 1);
    (void)close(fd);
    return ok;
}
#endif
