/* port/posix_client: a connection that breaks, and the child whose pipes it speaks over. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../port/posix_client.h"
#include "../../port/posix_env.h"
#include "clear_tls.h"
#include "test.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static mcpt_posix_client net;
static mcpt_client client;
static mcpt_channel channel;
static char rx[1024], tx[1024], msg[2048], request[2048];
static mcpt_tok tok[64];

static void net_begin(const char *endpoint, mcpt_tls *tls)
{
    static mcpt_client_config config;
    mcpt_posix_client_config c;
    memset(&config, 0, sizeof config);
    memset(&c, 0, sizeof c);
    config.endpoint = endpoint;
    config.name = "test";
    config.version = "1";
    config.env = &mcpt_posix_env;
    mcpt_channel_init(&channel, rx, sizeof rx, tx, sizeof tx, msg, sizeof msg);
    CHECK(mcpt_client_init(&client, &config, &channel, 1, request, sizeof request, tok, MCPT_COUNT(tok)) == MCPT_OK);
    c.client = &client;
    c.channels = &channel;
    c.nchannels = 1;
    c.tls = tls;
    CHECK(mcpt_posix_client_init(&net, &c) == MCPT_OK);
}

/* The peer has gone when the request is sent, under TLS: the client is told at once, not by its deadline. */
static void broken_under_tls(void)
{
    static clear_text pool[1];
    static mcpt_tls tls;
    const struct linger hard = { 1, 0 };
    mcpt_tls_config t;
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    char url[64];
    int i, fd, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd row;
    memset(&t, 0, sizeof t);
    memset(&tls, 0, sizeof tls);
    memset(&a, 0, sizeof a);
    t.env = &mcpt_posix_env;
    mcpt_tls_pool(&tls, &t, &clear_ops, pool, 1, sizeof pool[0]);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&a, &n) == 0);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/mcp", (unsigned)ntohs(a.sin_port));
    net_begin(url, &tls);
    clear_shaken = MCPT_PENDING;
    for (i = 0; i < 5; ++i) {
        CHECK(mcpt_posix_client_poll(&net, 0) == MCPT_OK);
    }
    fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0 && tls.open == 1);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    (void)close(fd);                  /* a reset */
    (void)close(listener);            /* and nobody there for another try */
    row.fd = net.link[0].in;
    row.events = POLLIN;
    CHECK(poll(&row, 1, 2000) == 1);
    clear_shaken = MCPT_OK;
    for (i = 0; i < 20; ++i) {
        CHECK(mcpt_posix_client_poll(&net, 0) == MCPT_OK);
    }
    CHECK(mcpt_client_status(&client) == MCPT_CLIENT_FAILED && mcpt_client_outcome(&client) == MCPT_E_IO);
    CHECK(tls.open == 0 && net.link[0].in < 0);
    mcpt_posix_client_close(&net);
}

/* What the child says until it ends, or has said size bytes. */
static size_t says(char *to, size_t size)
{
    size_t n = 0;
    while (n < size) {
        struct pollfd row;
        ssize_t got;
        row.fd = net.link[0].in;
        row.events = POLLIN;
        if (poll(&row, 1, 5000) != 1) {
            break;
        }
        got = read(net.link[0].in, to + n, size - n);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    return n;
}

/* A daemon has closed what it was started with: the pipes get those numbers, and the child its ends of them all the same. */
static void spawned_without_stdio(void)
{
    static char cat[] = "cat";
    char *const argv[] = { cat, NULL };
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        char text[4];
        bool ok;
        (void)close(0);
        (void)close(1);
        (void)close(2);
        net_begin(NULL, NULL);
        ok = mcpt_posix_client_spawn(&net, argv) == MCPT_OK && write(net.link[0].out, "abc\n", 4) == 4 && says(text, 4) == 4 && memcmp(text, "abc\n", 4) == 0;
        mcpt_posix_client_close(&net);
        _exit(ok ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* SIGPIPE is ignored here, as posix_client.h asks for; a program that is started expects to be ended by it. */
static void spawned_with_signals(void)
{
    static char sh[] = "sh", c[] = "-c", script[] = "kill -PIPE $$; echo alive";
    char *const argv[] = { sh, c, script, NULL };
    char text[16];
    net_begin(NULL, NULL);
    CHECK(mcpt_posix_client_spawn(&net, argv) == MCPT_OK && says(text, sizeof text) == 0);
    mcpt_posix_client_close(&net);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    broken_under_tls();
    spawned_without_stdio();
    spawned_with_signals();
    return test_end();
}
