/* port/curl: what no peer of tests/interop/curl.mjs can time. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../port/curl.h"
#include "../../port/posix_env.h"
#include "test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static mcpt_curl net;
static mcpt_exchange exchange, *const all[1] = { &exchange };
static unsigned dones;

static void on_done(void *user, mcpt_err e)
{
    (void)user;
    (void)e;
    ++dones;
}

static int listen_on(unsigned *port)
{
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 4) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void ask(unsigned port, const char *path)
{
    static char url[64];
    mcpt_fetch f;
    memset(&f, 0, sizeof f);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    f.url = mcpt_z(url);
    f.trusted = true;
    f.done = on_done;
    CHECK(mcpt_exchange_start(&exchange, &f) == MCPT_OK);
}

static ssize_t heard(int listener, char *text, size_t cap, int polls)
{
    ssize_t got = -1;
    int i, fd = -1;
    for (i = 0; i < polls && got < 0; ++i) {
        CHECK(mcpt_curl_poll(&net, 10) == MCPT_OK);
        fd = fd < 0 ? accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : fd;
        got = fd < 0 ? -1 : recv(fd, text, cap - 1, 0);
    }
    text[got > 0 ? got : 0] = '\0';
    if (fd >= 0) {
        (void)close(fd);
    }
    return got;
}

/* A request that takes the place of another does not go over the connection that is being made for that one. */
static void another_request(void)
{
    static char rx[1024], tx[1024];
    mcpt_curl_config config;
    unsigned port[2];
    int listener[2], i, polls;
    char text[512];
    for (polls = 1; polls < 4; ++polls) {                   /* at each step of connecting */
        listener[0] = listen_on(&port[0]);
        listener[1] = listen_on(&port[1]);
        memset(&config, 0, sizeof config);
        config.exchanges = all;
        config.nexchanges = 1;
        CHECK(mcpt_exchange_init(&exchange, &mcpt_posix_env, rx, sizeof rx, tx, sizeof tx, 5000, true) == MCPT_OK);
        CHECK(mcpt_curl_init(&net, &config) == MCPT_OK);
        dones = 0;
        ask(port[0], "/one");
        for (i = 0; i < polls; ++i) {
            CHECK(mcpt_curl_poll(&net, 0) == MCPT_OK);
        }
        mcpt_exchange_stop(&exchange);
        CHECK(dones == 1);
        ask(port[1], "/two");
        CHECK(heard(listener[1], text, sizeof text, 300) > 0 && strncmp(text, "GET /two ", 9) == 0);
        (void)heard(listener[0], text, sizeof text, 1);
        CHECK(strstr(text, "/two") == NULL);
        mcpt_curl_close(&net);
        CHECK(dones == 2);
        (void)close(listener[0]);
        (void)close(listener[1]);
    }
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    another_request();
    return test_end();
}
