/* port/posix and port/posix_stdio: a server and its clients in one process, driven by mcpt_posix_poll(), so
 * that every step is decided by the test. test_posix_poll.c is the same with poll() instead of epoll. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../port/posix.h"
#include "../../port/posix_stdio.h"
#include "clear_tls.h"
#include "test.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- the server under test */
static struct {
    int runs, cancels;
    bool done;
    mcpt_ticket ticket;
} slow;

static void (*meanwhile)(void);       /* what a handler does beside its answer */

static mcpt_err echo(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    if (meanwhile != NULL) {
        meanwhile();
    }
    char buf[256];
    mcpt_str text;
    (void)call;
    if (mcpt_get_str(mcpt_get(args, "text"), buf, sizeof buf, &text) != MCPT_OK) {
        return MCPT_E_PARAMS;
    }
    mcpt_text(out, text);
    return MCPT_OK;
}

static mcpt_err wait_for_it(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)args;
    ++slow.runs;
    slow.cancels += call->cancelled;
    if (call->cancelled) {
        return MCPT_E_CANCELLED;
    }
    if (!slow.done) {
        slow.ticket = mcpt_call_ticket(call);
        return MCPT_PENDING;
    }
    mcpt_text_z(out, "done at last");
    return MCPT_OK;
}

static const mcpt_tool tools[] = {
    MCPT_TOOL("echo", "Says it again", "{\"type\":\"object\"}", echo, 0),
    MCPT_TOOL("wait", "Takes its time", NULL, wait_for_it, 0),
};
enum { BIG = 3 << 20 };
static char big[BIG];
static mcpt_resource resources[1];
static mcpt_server server;
static mcpt_hub hub;
static mcpt_slot slots[2];
static mcpt_session sessions[4];
static mcpt_listener listeners[4];
static char slot_data[2 * 2048];
static mcpt_tok hub_tok[64];
static mcpt_posix net;
static void *memory;

static void table(void)
{
    size_t i;
    memset(&server, 0, sizeof server);
    for (i = 0; i < BIG; ++i) {
        big[i] = (char)('a' + (i * 7 + i / 1000) % 26);
    }
    resources[0].uri = "test://big";
    resources[0].name = "big";
    resources[0].mime = "text/plain";
    resources[0].data = big;
    resources[0].size = BIG;
    server.name = "test";
    server.version = "1";
    server.tools = tools;
    server.ntools = MCPT_COUNT(tools);
    server.resources = resources;
    server.nresources = 1;
    server.offers = MCPT_OFFER_LIST_CHANGED;
    server.env = &mcpt_posix_env;
}

static void hub_begin(void)
{
    mcpt_hub_mem mem;
    memset(&mem, 0, sizeof mem);
    mem.sessions = sessions;
    mem.nsessions = MCPT_COUNT(sessions);
    mem.listeners = listeners;
    mem.nlisteners = MCPT_COUNT(listeners);
    mem.slots = slots;
    mem.nslots = MCPT_COUNT(slots);
    mem.slot_data = slot_data;
    mem.slot_size = 2048;
    mem.tok = hub_tok;
    mem.ntok = MCPT_COUNT(hub_tok);
    CHECK(mcpt_hub_init(&hub, &server, &mem) == MCPT_OK);
    memset(&slow, 0, sizeof slow);
}

static clear_text clear_texts[2];
static mcpt_tls clear_tls;
static mcpt_tls *with_tls;
static mcpt_exchange asker, *const askers[1] = { &asker };
static uint32_t with_askers, stall_ms = 600000;             /* patience with slow clients, where it is not the point */

static mcpt_err net_open(uint32_t connections, uint32_t buffers, const char *host, uint16_t port)
{
    mcpt_posix_config c;
    size_t n;
    mcpt_err e;
    memset(&c, 0, sizeof c);
    c.server = &server;
    c.hub = &hub;
    c.host = host;
    c.port = port;
    c.connections = connections;
    c.buffers = buffers;
    c.rx_size = 2048;
    c.tx_size = 2048;
    c.ntok = 64;
    c.stop_ms = 1000;
    c.stall_ms = stall_ms;
    c.tls = with_tls;
    c.exchanges = askers;
    c.nexchanges = with_askers;
    n = mcpt_posix_size(&c);
    memory = malloc(n + 1);
    e = mcpt_posix_init(&net, &c, (char *)memory + 1, n);   /* any alignment will do */
    if (e != MCPT_OK) {
        free(memory);
        memory = NULL;
    }
    return e;
}

static void begin(uint32_t connections, uint32_t buffers)
{
    hub_begin();
    CHECK(net_open(connections, buffers, NULL, 0) == MCPT_OK);
}

static void begin_tls(uint32_t connections, uint32_t buffers)
{
    mcpt_tls_config c;
    memset(&c, 0, sizeof c);
    memset(&clear_tls, 0, sizeof clear_tls);
    c.env = &mcpt_posix_env;
    mcpt_tls_pool(&clear_tls, &c, &clear_ops, clear_texts, MCPT_COUNT(clear_texts), sizeof clear_texts[0]);
    with_tls = &clear_tls;
    begin(connections, buffers);
    with_tls = NULL;
}

static void end(void)
{
    mcpt_posix_destroy(&net);
    free(memory);
    memory = NULL;
}

/* -- clients */
static void turn(int rounds)
{
    while (rounds-- > 0) {
        (void)!mcpt_posix_poll(&net, 0);
    }
}

static int dial6(bool v6)
{
    struct sockaddr_in a4;
    struct sockaddr_in6 a6;
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed;
    memset(&a4, 0, sizeof a4);
    memset(&a6, 0, sizeof a6);
    a4.sin_family = AF_INET;
    a4.sin_port = htons(mcpt_posix_port(&net));
    a4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a6.sin6_family = AF_INET6;
    a6.sin6_port = a4.sin_port;
    a6.sin6_addr = in6addr_loopback;
    failed = v6 ? connect(fd, (struct sockaddr *)&a6, sizeof a6)
                : connect(fd, (struct sockaddr *)&a4, sizeof a4);
    if (failed != 0) {
        (void)close(fd);
        return -1;
    }
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static int dial(void)
{
    return dial6(false);
}

static void put(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent > 0) {
            data += sent;
            n -= (size_t)sent;
        } else if (errno != EAGAIN) {
            return;                   /* the reader will tell */
        }
        turn(1);
    }
}

enum { ENDED = 1000000 };             /* get(): the end came */

/* Reads until size bytes are there, or text appears (size 0), or the end, or ms have passed without a byte.
 * Answers the bytes read, plus ENDED when the peer has closed. -1: reset. */
static int get(int fd, char *to, int cap, int size, const char *text, int ms)
{
    int have = 0;
    uint32_t start = mcpt_posix_millis(NULL);
    while (have < cap - 1 && (int)(mcpt_posix_millis(NULL) - start) < ms) {
        ssize_t got = recv(fd, to + have, (size_t)(cap - 1 - have), 0);
        if (got == 0) {
            to[have] = '\0';
            return have + ENDED;
        }
        if (got > 0) {
            have += (int)got;
            start = mcpt_posix_millis(NULL);
        } else if (errno != EAGAIN) {
            return -1;
        } else {
            (void)!mcpt_posix_poll(&net, 1);
        }
        to[have] = '\0';
        if (size > 0 ? have >= size : strstr(to, text) != NULL) {
            break;
        }
    }
    to[have] = '\0';
    return have;
}

static char request_text[4096];

static const char *request_body(const char *body, const char *more)
{
    (void)snprintf(request_text, sizeof request_text,
                   "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                   "Accept: application/json, text/event-stream\r\n%sContent-Length: %u\r\n\r\n%s",
                   more, (unsigned)strlen(body), body);
    return request_text;
}

#define META "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
    "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"t\",\"version\":\"1\"}," \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"

static const char *call_text(int id, const char *tool, const char *args)
{
    char body[1024];
    (void)snprintf(body, sizeof body,
                   "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":"
                   "{\"name\":\"%s\",\"arguments\":%s," META "}}", id, tool, args);
    (void)snprintf(request_text, sizeof request_text,
                   "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                   "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
                   "Mcp-Method: tools/call\r\nMcp-Name: %s\r\nContent-Length: %u\r\n\r\n%s",
                   tool, (unsigned)strlen(body), body);
    return request_text;
}

static const char *echo_text(int id)
{
    char args[64];
    (void)snprintf(args, sizeof args, "{\"text\":\"number %d\"}", id);
    return call_text(id, "echo", args);
}

static bool answered(int fd, int id)  /* the answer to echo_text(id) comes next, and nothing behind it */
{
    char text[2048], want[64];
    int have = get(fd, text, sizeof text, 0, "\r\n\r\n", 2000);
    const char *body = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    if (body == NULL || length == NULL || have >= ENDED) {
        return false;
    }
    have -= (int)(body + 4 - text) + (int)strtol(length + 16, NULL, 10);
    if (have < 0) {
        (void)get(fd, text + strlen(text), (int)(sizeof text - strlen(text)), -have, NULL, 2000);
    }
    (void)snprintf(want, sizeof want, "number %d\"", id);
    return have <= 0 && strncmp(text, "HTTP/1.1 200 ", 13) == 0 && strstr(text, want) != NULL;
}

static bool eof_on(int fd)            /* the rest, if any, and the end */
{
    char text[4096];
    return get(fd, text, sizeof text, sizeof text, NULL, 3000) >= ENDED;
}

static bool echoes(int fd, int id)
{
    const char *text = echo_text(id);
    put(fd, text, strlen(text));
    return answered(fd, id) && (turn(2), true);
}

enum { ANY = 0x7fffffff };

/* Lets the server work until this many connections are open, buffers in use, connections waiting for one. */
static bool state_is(uint32_t connections, uint32_t buffers, uint32_t waiting)
{
    int i;
    for (i = 0; i < 3000; ++i) {
        mcpt_posix_stats now = mcpt_posix_now(&net);
        if ((connections == ANY || now.connections == connections) &&
            (buffers == ANY || now.buffers == buffers) && (waiting == ANY || now.waiting == waiting)) {
            return true;
        }
        (void)!mcpt_posix_poll(&net, 1);
    }
    return false;
}

static bool open_are(uint32_t n)
{
    return state_is(n, ANY, ANY);
}

static bool has_run(int runs)         /* the tool "wait" */
{
    int i;
    for (i = 0; i < 3000 && slow.runs < runs; ++i) {
        (void)!mcpt_posix_poll(&net, 1);
    }
    return slow.runs == runs;
}

/* -- tests */
static void keep_alive(void)
{
    int fd, i;
    begin(4, 2);
    fd = dial();
    for (i = 0; i < 50; ++i) {
        CHECK(echoes(fd, i));
    }
    CHECK(mcpt_posix_now(&net).connections == 1);
    CHECK(state_is(ANY, 0, ANY));
    (void)close(fd);
    CHECK(open_are(0));
    end();
}

static void both_families(void)
{
    uint16_t port;
    int fd4, fd6;
    begin(4, 2);
    fd4 = dial6(false);
    fd6 = dial6(true);
    if (fd6 < 0) {
        printf("IPv6 is not available here: not tested\n");
    } else {
        CHECK(echoes(fd6, 6));
        (void)close(fd6);
    }
    CHECK(echoes(fd4, 4));
    port = mcpt_posix_port(&net);
    {                                 /* a second server on the same port: the system refuses */
        mcpt_posix saved = net;
        void *block = memory;
        errno = 0;
        CHECK(net_open(2, 1, NULL, port) == MCPT_E_IO);
        CHECK(errno == EADDRINUSE);
        net = saved;
        memory = block;
        mcpt_hub_notify(&hub, NULL, NULL);
    }
    (void)close(fd4);
    end();
    hub_begin();
    CHECK(net_open(4, 2, "*", 0) == MCPT_OK);
    fd4 = dial6(false);
    CHECK(echoes(fd4, 4));
    (void)close(fd4);
    end();
    CHECK(net_open(4, 2, "127.0.0.2", 0) == MCPT_OK);
    CHECK(dial() < 0);                /* 127.0.0.1 is not 127.0.0.2 */
    end();
    CHECK(net_open(4, 2, "nowhere.example", 0) == MCPT_E_ARG);
    CHECK(net_open(4, 2, "fe80::1%no-such-device", 0) == MCPT_E_ARG);
    CHECK(net_open(4, 2, "", 0) == MCPT_E_ARG);
}

static void configuration(void)
{
    mcpt_posix_config c;
    char small[64];
    memset(&c, 0, sizeof c);
    hub_begin();
    CHECK(mcpt_posix_size(&c) > 64 * (16384 * 2 + 256 * 20));
    CHECK(mcpt_posix_init(&net, &c, small, sizeof small) == MCPT_E_ARG);
    c.server = &server;
    c.hub = &hub;
    CHECK(mcpt_posix_init(&net, &c, small, sizeof small) == MCPT_E_SPACE);
    CHECK(mcpt_posix_init(&net, &c, NULL, 1u << 30) == MCPT_E_SPACE);
    c.rx_size = MCPT_RX_MIN - 1;
    CHECK(mcpt_posix_size(&c) == 0);
    CHECK(mcpt_posix_init(&net, &c, small, sizeof small) == MCPT_E_ARG);
    mcpt_posix_destroy(&net);         /* after a failed init: nothing to do */
    c.rx_size = 0;
    c.connections = 1000001;
    CHECK(mcpt_posix_size(&c) == 0);
}

static void idle_ones(void)
{
    static int fd[200];
    int active, i;
    begin(201, 4);
    for (i = 0; i < 200; ++i) {
        fd[i] = dial();
        turn(1);
        if (i % 2 == 0) {             /* half of them never sent anything */
            CHECK(echoes(fd[i], i));
        }
    }
    CHECK(open_are(200));
    CHECK(state_is(ANY, 0, ANY));
    active = dial();
    for (i = 0; i < 200; ++i) {
        CHECK(echoes(active, 1000 + i));
    }
    CHECK(mcpt_posix_now(&net).connections == 201);
    CHECK(state_is(ANY, 0, ANY));
    CHECK(echoes(fd[17], 17));
    CHECK(echoes(fd[18], 18));
    for (i = 0; i < 200; ++i) {
        (void)close(fd[i]);
    }
    CHECK(open_are(1));
    CHECK(echoes(active, 7));
    (void)close(active);
    CHECK(open_are(0));
    end();
}

static void byte_by_byte(void)
{
    int fd, i;
    begin(4, 2);
    fd = dial();
    for (i = 0; i < 2; ++i) {
        char text[4096];
        size_t k, n;
        (void)snprintf(text, sizeof text, "%s", echo_text(i));
        n = strlen(text);
        for (k = 0; k < n; ++k) {
            put(fd, text + k, 1);
        }
        CHECK(answered(fd, i));
    }
    CHECK(state_is(ANY, 0, ANY));
    (void)close(fd);
    end();
}

static void pipelined(void)
{
    static char text[40 * 1024], answer[64 * 1024];
    size_t n = 0;
    int fd, i, seen = 0;
    const char *at;
    begin(4, 2);
    fd = dial();
    for (i = 0; i < 40; ++i) {        /* far more than one buffer holds, and than one turn serves */
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", echo_text(i));
    }
    put(fd, text, n);
    (void)get(fd, answer, sizeof answer, 0, "number 39\"", 3000);
    for (i = 0, at = answer; i < 40; ++i) {
        char want[32];
        (void)snprintf(want, sizeof want, "number %d\"", i);
        at = strstr(at, want);
        if (at == NULL) {
            break;
        }
        ++seen;
    }
    CHECK(seen == 40);
    CHECK(state_is(ANY, 0, ANY));
    (void)close(fd);
    end();
}

static void half_closed(void)
{
    char text[4096], answer[4096];
    int fd;
    begin(4, 2);
    fd = dial();                      /* two requests, then our side ends: both are answered, then the end */
    (void)snprintf(text, sizeof text, "%s", echo_text(1));
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s", echo_text(2));
    put(fd, text, strlen(text));
    (void)shutdown(fd, SHUT_WR);
    CHECK(get(fd, answer, sizeof answer, sizeof answer, NULL, 2000) > ENDED);
    CHECK(strstr(answer, "number 1\"") != NULL);
    CHECK(strstr(answer, "number 2\"") != NULL);
    (void)close(fd);
    CHECK(open_are(0));
    fd = dial();                      /* half a request, then the end */
    put(fd, text, 100);
    (void)shutdown(fd, SHUT_WR);
    CHECK(eof_on(fd));
    (void)close(fd);
    CHECK(open_are(0));
    fd = dial();                      /* nothing at all */
    (void)close(fd);
    fd = dial();                      /* a reset instead of an end */
    put(fd, text, 100);
    {
        const struct linger hard = { 1, 0 };
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        (void)close(fd);
    }
    turn(5);
    CHECK(open_are(0));
    CHECK(state_is(ANY, 0, ANY));
    end();
}

static void pool_full(void)
{
    char text[4096], answer[1024];
    int fd[4], more[40], i;
    begin(4, 4);
    (void)snprintf(text, sizeof text, "%s", echo_text(5));
    for (i = 0; i < 4; ++i) {         /* one has sent nothing yet, three are at work: nobody gives way */
        fd[i] = dial();
        CHECK(open_are((uint32_t)i + 1));
        put(fd[i], text, i == 0 ? 0 : 200);
    }
    CHECK(state_is(4, 3, ANY));
    more[0] = dial();
    put(more[0], echo_text(9), strlen(echo_text(9)));
    CHECK(get(more[0], answer, sizeof answer, sizeof answer, NULL, 2000) > ENDED);
    CHECK(strncmp(answer, "HTTP/1.1 503 ", 13) == 0);
    CHECK(strstr(answer, "\r\nRetry-After: 1\r\n") != NULL);
    (void)close(more[0]);
    CHECK(open_are(4));
    for (i = 0; i < 40; ++i) {        /* more than there are slots for such */
        more[i] = dial();
    }
    turn(10);
    for (i = 0; i < 40; ++i) {
        (void)get(more[i], answer, sizeof answer, sizeof answer, NULL, 500);
        (void)close(more[i]);
    }
    CHECK(open_are(4));
    for (i = 0; i < 4; ++i) {         /* nobody was disturbed */
        put(fd[i], text + (i == 0 ? 0 : 200), strlen(text) - (i == 0 ? 0 : 200));
        CHECK(answered(fd[i], 5));
    }
    for (i = 0; i < 4; ++i) {
        (void)close(fd[i]);
    }
    CHECK(open_are(0));
    end();
}

static void buffers_full(void)
{
    char text[2][4096];
    int fd[6], i;
    begin(8, 2);
    for (i = 0; i < 6; ++i) {
        fd[i] = dial();
    }
    for (i = 0; i < 2; ++i) {         /* two hold all buffers by half a request each */
        (void)snprintf(text[i], sizeof text[i], "%s", echo_text(i));
        put(fd[i], text[i], 200);
    }
    CHECK(state_is(ANY, 2, ANY));
    for (i = 2; i < 6; ++i) {
        put(fd[i], echo_text(i), strlen(echo_text(i)));
    }
    CHECK(state_is(ANY, ANY, 4));
    (void)close(fd[5]);               /* one gives up while it waits */
    turn(3);
    put(fd[0], text[0] + 200, strlen(text[0]) - 200);
    CHECK(answered(fd[0], 0));
    for (i = 2; i < 5; ++i) {
        CHECK(answered(fd[i], i));
    }
    CHECK(state_is(ANY, ANY, 0));
    CHECK(state_is(ANY, 1, ANY));
    put(fd[1], text[1] + 200, strlen(text[1]) - 200);
    CHECK(answered(fd[1], 1));
    CHECK(open_are(5));
    CHECK(state_is(ANY, 0, ANY));
    for (i = 0; i < 5; ++i) {
        (void)close(fd[i]);
    }
    CHECK(open_are(0));
    end();
}

static void *waker(void *unused)
{
    (void)unused;
    (void)usleep(50000);
    slow.done = true;
    mcpt_wake(slow.ticket);
    return NULL;
}

static void wake_from_a_thread(void)
{
    pthread_t thread;
    char answer[2048];
    uint32_t start;
    int fd;
    begin(4, 2);
    fd = dial();
    put(fd, call_text(1, "wait", "{}"), strlen(call_text(1, "wait", "{}")));
    CHECK(has_run(1));
    start = mcpt_posix_millis(NULL);
    CHECK(pthread_create(&thread, NULL, waker, NULL) == 0);
    while (slow.runs == 1 && mcpt_posix_millis(NULL) - start < 5000) {
        CHECK(mcpt_posix_poll(&net, 3000) == MCPT_PENDING); /* would sleep for 3 s without the wake-up */
    }
    CHECK(mcpt_posix_millis(NULL) - start < 2900);
    (void)pthread_join(thread, NULL);
    CHECK(slow.runs == 2);
    (void)get(fd, answer, sizeof answer, 0, "done at last", 2000);
    CHECK(strstr(answer, "done at last") != NULL);
    (void)get(fd, answer, sizeof answer, sizeof answer, NULL, 100);     /* the rest of it */
    CHECK(echoes(fd, 5));
    (void)close(fd);
    end();
}

static void peer_gone_meanwhile(void)
{
    int fd, i;
    begin(4, 2);
    fd = dial();
    put(fd, call_text(1, "wait", "{}"), strlen(call_text(1, "wait", "{}")));
    CHECK(has_run(1) && slow.cancels == 0);
    (void)close(fd);                  /* nothing is wanted from it, yet its end is noticed */
    for (i = 0; i < 200 && slow.cancels == 0; ++i) {
        (void)!mcpt_posix_poll(&net, 10);
    }
    CHECK(slow.cancels == 1);
    CHECK(open_are(0));
    CHECK(state_is(ANY, 0, ANY));
    end();
}

/* subscriptions/listen for tool list changes; answers the connection, with the acknowledgement read. */
static int listen_on_lists(int id)
{
    char body[1024], answer[2048];
    int fd = dial();
    (void)snprintf(body, sizeof body,
                   "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"subscriptions/listen\",\"params\":"
                   "{\"notifications\":{\"toolsListChanged\":true}," META "}}", id);
    (void)request_body(body, "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n");
    put(fd, request_text, strlen(request_text));
    (void)get(fd, answer, sizeof answer, 0, "acknowledged", 2000);
    CHECK(strstr(answer, "acknowledged") != NULL);
    return fd;
}

static void streams(void)
{
    char answer[2048];
    int fd[4], other_fd, i, n;
    begin(8, 3);
    fd[0] = listen_on_lists(0);
    turn(2);
    /* A stream that has nothing to send may give its buffer back; then there may be more than buffers. */
    n = mcpt_posix_now(&net).buffers == 0 ? 4 : 2;
    for (i = 1; i < n; ++i) {
        fd[i] = listen_on_lists(i);
    }
    other_fd = dial();
    CHECK(echoes(other_fd, 1));
    mcpt_hub_changed(&hub, MCPT_CHANGED_TOOLS);
    for (i = 0; i < n; ++i) {
        (void)get(fd[i], answer, sizeof answer, 0, "list_changed", 2000);
        CHECK(strstr(answer, "notifications/tools/list_changed") != NULL);
    }
    CHECK(echoes(other_fd, 2));
    for (i = 0; i < n; ++i) {         /* nothing is read from them, yet their end is noticed */
        (void)close(fd[i]);
    }
    CHECK(open_are(1));
    CHECK(state_is(ANY, 0, ANY));
    (void)close(other_fd);
    end();
}

/* RFC 9112, section 9.5: who has had an answer and waits for a further request gives way to a new client, the longest first. */
static void idle_give_way(void)
{
    char answer[1024];
    int fd[4], more[3], i, stream;
    begin(4, 4);
    stream = listen_on_lists(4);      /* an event stream without news does not */
    for (i = 0; i < 3; ++i) {
        fd[i] = dial();
        CHECK(echoes(fd[i], i));
    }
    CHECK(echoes(fd[0], 3));          /* now number 1 is the one that has waited longest */
    CHECK(state_is(4, ANY, ANY));
    more[0] = dial();
    CHECK(echoes(more[0], 4));
    CHECK(eof_on(fd[1]));             /* in order, not by a reset */
    CHECK(echoes(fd[0], 5));          /* then 2, but it sends a request before the new client comes */
    CHECK(send(fd[2], echo_text(6), strlen(echo_text(6)), MSG_NOSIGNAL) == (ssize_t)strlen(echo_text(6)));
    more[1] = dial();
    CHECK(answered(fd[2], 6));
    CHECK(echoes(more[1], 7));
    CHECK(eof_on(more[0]));
    CHECK(echoes(fd[0], 8));
    CHECK(echoes(fd[2], 9));
    (void)close(fd[1]);
    (void)close(more[0]);
    CHECK(state_is(4, ANY, ANY));
    mcpt_hub_changed(&hub, MCPT_CHANGED_TOOLS);
    CHECK(get(stream, answer, sizeof answer, 0, "list_changed", 2000) > 0 && strstr(answer, "list_changed") != NULL);
    (void)close(stream);
    CHECK(open_are(3));
    for (i = 0; i < 3; ++i) {         /* room again: nobody has to go */
        if (i != 1) {
            CHECK(echoes(fd[i], 10 + i));
            (void)close(fd[i]);
        }
    }
    (void)close(more[1]);
    CHECK(open_are(0));
    end();
}

static void idle_give_way_tls(void)   /* the pool of TLS is the smaller one here */
{
    char answer[64];
    int fd[3];
    begin_tls(4, 2);
    fd[0] = dial();
    CHECK(echoes(fd[0], 0));
    fd[1] = dial();                   /* has not asked for anything yet: stays */
    CHECK(open_are(2));
    fd[2] = dial();
    CHECK(echoes(fd[2], 2));
    CHECK(get(fd[0], answer, sizeof answer, sizeof answer, NULL, 2000) == ENDED + 1 && answer[0] == '.');
    CHECK(echoes(fd[1], 1));
    CHECK(clear_tls.open == 2 && clear_tls.refused == 0);
    (void)close(fd[0]);
    (void)close(fd[1]);
    (void)close(fd[2]);
    CHECK(open_are(0));
    end();
}

/* Clients that connect and never ask give way too, when they have had stall_ms; those at work do not. Over TLS they are still
 * shaking hands here. */
static void silent_give_way(bool tls)
{
    char answer[1024];
    uint32_t start;
    int fd[3], i;
    bool served = false;
    stall_ms = 500;
    clear_shaken = tls ? MCPT_PENDING : MCPT_OK;
    if (tls) {
        begin_tls(2, 2);
    } else {
        begin(2, 2);
    }
    fd[0] = dial();                   /* at work, or as much as a handshake lets it */
    put(fd[0], echo_text(0), 100);
    start = mcpt_posix_millis(NULL);
    fd[1] = dial();
    CHECK(open_are(2));
    if (tls) {
        put(fd[1], "x", 1);           /* a byte of its ClientHello does not help it */
        turn(5);
        clear_shaken = MCPT_OK;       /* of those to come */
    }
    for (i = 0; i < 300 && !served; ++i) {
        fd[2] = dial();
        put(fd[2], echo_text(2), strlen(echo_text(2)));
        served = get(fd[2], answer, sizeof answer, 0, "number 2", 100) < ENDED && strstr(answer, "number 2") != NULL;
        if (!served) {
            uint32_t now = mcpt_posix_millis(NULL);
            (void)close(fd[2]);
            while (mcpt_posix_millis(NULL) - now < 100) {
                (void)!mcpt_posix_poll(&net, 20);
            }
        }
    }
    CHECK(served && mcpt_posix_millis(NULL) - start >= stall_ms);
    CHECK(eof_on(tls ? fd[0] : fd[1]));                     /* the longer silent one */
    if (!tls) {
        put(fd[0], echo_text(0) + 100, strlen(echo_text(0)) - 100);
        CHECK(answered(fd[0], 0));
    }
    for (i = 0; i < 3; ++i) {
        (void)close(fd[i]);
    }
    CHECK(open_are(0));
    end();
    stall_ms = 600000;
}

/* A client that asks for much and takes nothing: the kernel's buffers are full then. */
static int dial_slow(void)
{
    const int small = 4096;
    struct sockaddr_in a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(mcpt_posix_port(&net));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)request_body("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\",\"params\":"
                       "{\"uri\":\"test://big\"," META "}}", "MCP-Protocol-Version: 2026-07-28\r\n"
                       "Mcp-Method: resources/read\r\nMcp-Name: test://big\r\n");
    put(fd, request_text, strlen(request_text));
    turn(50);
    return fd;
}

/* A buffer that a client neither ends its request in, however steadily it drips, nor takes its answer from, goes to one that waits for it;
 * that of a call in work does not. */
static void slow_give_way(bool reader)
{
    char answer[1024];
    uint32_t start;
    int fd[3], i, n;
    stall_ms = 500;
    server.timeout_ms = 600000;
    begin(4, 2);
    fd[0] = dial();
    put(fd[0], call_text(0, "wait", "{}"), strlen(call_text(0, "wait", "{}")));
    CHECK(has_run(1));
    start = mcpt_posix_millis(NULL);
    fd[1] = reader ? dial_slow() : dial();
    put(fd[1], "POST /mcp HTTP/1.1\r\nX: ", reader ? 0 : 23);
    CHECK(state_is(2, 2, 0));
    fd[2] = dial();
    put(fd[2], echo_text(2), strlen(echo_text(2)));
    for (i = 0, n = 0; i < 600 && n == 0; ++i) {
        (void)!send(fd[1], "x", reader ? 0 : 1, MSG_NOSIGNAL);
        n = get(fd[2], answer, sizeof answer, 0, "number 2", 50);
    }
    CHECK(n > 0 && strstr(answer, "number 2") != NULL);
    CHECK(reader || mcpt_posix_millis(NULL) - start >= stall_ms);
    CHECK(state_is(ANY, 1, 0));
    slow.done = true;
    mcpt_wake(slow.ticket);
    CHECK(get(fd[0], answer, sizeof answer, 0, "\"id\":0", 2000) > 0);
    for (i = 0; i < 3; ++i) {
        (void)close(fd[i]);
    }
    CHECK(open_are(0));
    end();
    stall_ms = 600000;
    server.timeout_ms = 0;
}

static void slow_reader(void)
{
    static char answer[BIG + (BIG >> 1)];
    int fd, i, other, n;
    const char *at;
    begin(4, 2);
    fd = dial_slow();
    other = dial();
    for (i = 0; i < 5; ++i) {
        CHECK(echoes(other, i));      /* the rest goes on */
    }
    n = get(fd, answer, sizeof answer, 0, "\r\n0\r\n\r\n", 3000);
    CHECK(n > BIG);
    n = 0;                            /* the text in order, whatever the chunks are */
    at = strstr(answer, "\"text\":\"");
    at = at != NULL ? at + 8 : answer;
    for (i = 0; *at != '\0' && i < BIG; ++at) {
        if (*at == '\r') {            /* CRLF, size, CRLF */
            at = strchr(at + 2, '\n');
            if (at == NULL) {
                break;
            }
        } else if (*at == big[i]) {
            ++i;
        } else {
            ++n;
            break;
        }
    }
    CHECK(i == BIG && n == 0);
    CHECK(echoes(fd, 3));
    (void)close(fd);
    (void)close(other);
    CHECK(open_are(0));
    end();
}

static void too_large(void)
{
    static char body[300 * 1024];
    char answer[4096];
    int fd, n, round;
    begin(4, 2);
    memset(body, 'x', sizeof body);
    for (round = 0; round < 20; ++round) {
        fd = dial();
        n = snprintf(answer, sizeof answer, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                     "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", (int)sizeof body);
        put(fd, answer, (size_t)n);
        put(fd, body, sizeof body);   /* more than the server reads: without lingering a reset would win */
        CHECK(get(fd, answer, sizeof answer, sizeof answer, NULL, 3000) > ENDED);
        CHECK(strncmp(answer, "HTTP/1.1 413 ", 13) == 0);
        (void)close(fd);
    }
    CHECK(open_are(0));
    fd = dial();                      /* and one that never ends: bounded in time */
    put(fd, "GET / HTTP/1.1\r\n bad\r\n\r\n", 25);
    CHECK(eof_on(fd));
    CHECK(open_are(0));               /* within the 2 s of lingering */
    (void)close(fd);
    end();
}

static void deadlines(void)
{
    char answer[1024];
    uint32_t start;
    int fd;
    server.idle_ms = 400;
    server.timeout_ms = 400;
    begin(4, 2);
    fd = dial();
    CHECK(echoes(fd, 1));
    start = mcpt_posix_millis(NULL);
    CHECK(eof_on(fd));
    CHECK(mcpt_posix_millis(NULL) - start < 3000);
    (void)close(fd);
    CHECK(open_are(0));
    fd = dial();
    put(fd, "POST /mcp HTTP/1.1\r\nHo", 22);
    CHECK(get(fd, answer, sizeof answer, sizeof answer, NULL, 2000) > ENDED);
    CHECK(strncmp(answer, "HTTP/1.1 408 ", 13) == 0);
    (void)close(fd);
    CHECK(open_are(0));
    end();
    server.idle_ms = 0;
    server.timeout_ms = 0;
}

static void no_descriptors(void)
{
    struct rlimit old, few;
    char answer[1024];
    int fd[4], spare[64], i, n = 0;
    begin(8, 2);
    fd[0] = dial();
    CHECK(echoes(fd[0], 0));
    put(fd[0], echo_text(5), 100);
    CHECK(state_is(1, 1, 0));                               /* at work */
    CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
    few = old;
    few.rlim_cur = (rlim_t)fd[0] + 20;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    fd[1] = dial();
    while (n < 64 && (spare[n] = dup(0)) >= 0) {
        ++n;
    }
    turn(3);
    put(fd[1], echo_text(1), strlen(echo_text(1)));
    turn(20);
    CHECK(mcpt_posix_now(&net).connections == 1);           /* waits in the backlog */
    put(fd[0], echo_text(5) + 100, strlen(echo_text(5)) - 100);
    CHECK(get(fd[0], answer, sizeof answer, 0, "number 5", 2000) > 0 && strstr(answer, "number 5") != NULL);     /* the other goes on */
    CHECK(answered(fd[1], 1));                              /* and gives way as soon as it is idle */
    CHECK(eof_on(fd[0]));
    CHECK(mcpt_posix_now(&net).connections == 1);
    (void)close(fd[0]);
    put(fd[1], echo_text(6), 100);
    CHECK(state_is(1, 1, 0));                               /* nobody is idle once more */
    fd[0] = dial();
    turn(20);
    CHECK(mcpt_posix_now(&net).connections == 1);
    for (i = 0; i < n; ++i) {
        (void)close(spare[i]);
    }
    CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
    CHECK(echoes(fd[0], 7));
    put(fd[1], echo_text(6) + 100, strlen(echo_text(6)) - 100);
    CHECK(answered(fd[1], 6));
    (void)close(fd[0]);
    (void)close(fd[1]);
    CHECK(open_are(0));
    end();
}

static void embedded(void)            /* in another loop, by descriptor and deadline */
{
    struct pollfd row;
    int fd;
    begin(4, 2);
    row.fd = mcpt_posix_fd(&net);
    row.events = POLLIN;
    turn(2);
    if (row.fd >= 0) {
        CHECK(poll(&row, 1, 0) == 0);
        fd = dial();
        CHECK(poll(&row, 1, 1000) == 1);
        turn(1);
        put(fd, "", 0);
        turn(2);
        CHECK(poll(&row, 1, 0) == 0);
        CHECK(mcpt_posix_due(&net) > 1000 && mcpt_posix_due(&net) <= 60000);
        CHECK(echoes(fd, 1));
        (void)close(fd);
        CHECK(poll(&row, 1, 1000) == 1);
        CHECK(open_are(0));
    }
    end();
}

static void graceful_stop(void)
{
    mcpt_err e = MCPT_PENDING;
    char answer[8192], text[4096];
    int idle, busy, caller, stream, i;
    begin(8, 4);
    CHECK(mcpt_posix_stop_on_signals(&net) == MCPT_OK);
    idle = dial();
    CHECK(echoes(idle, 1));
    busy = dial();                    /* half a request: may still be finished */
    (void)snprintf(text, sizeof text, "%s", echo_text(2));
    put(busy, text, 150);
    caller = dial();                  /* a call in work: is cancelled */
    put(caller, call_text(3, "wait", "{}"), strlen(call_text(3, "wait", "{}")));
    stream = listen_on_lists(4);      /* a stream: gets its last result */
    CHECK(has_run(1));
    (void)raise(SIGTERM);
    (void)!mcpt_posix_poll(&net, 1000);
    CHECK(dial() < 0);                /* no new ones */
    put(busy, text + 150, strlen(text) - 150);
    for (i = 0; i < 1000 && e == MCPT_PENDING; ++i) {
        e = mcpt_posix_poll(&net, 10);
    }
    CHECK(e == MCPT_OK);
    CHECK(mcpt_posix_now(&net).connections == 0);
    CHECK(slow.cancels == 1);
    CHECK(eof_on(idle));
    CHECK(get(busy, answer, sizeof answer, sizeof answer, NULL, 1000) > ENDED);
    CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && strstr(answer, "number 2\"") != NULL);
    CHECK(get(stream, answer, sizeof answer, sizeof answer, NULL, 1000) > ENDED);
    CHECK(strstr(answer, "\"result\"") != NULL && strstr(answer, "\r\n0\r\n\r\n") != NULL);
    (void)close(idle);
    (void)close(busy);
    (void)close(caller);
    (void)close(stream);
    CHECK(mcpt_posix_poll(&net, 0) == MCPT_OK);
    end();
}

/* An answer is in work until the last byte of it, which TLS may still hold when the connection behind has nothing to do. */
static void graceful_stop_tls(void)
{
    char answer[2048];
    mcpt_err e = MCPT_PENDING;
    int fd, i, n;
    begin_tls(2, 2);
    fd = dial();
    put(fd, echo_text(1), strlen(echo_text(1)));
    CHECK(state_is(1, 1, ANY) || state_is(1, 0, ANY));
    CHECK(state_is(1, 0, ANY));
    mcpt_posix_stop(&net);
    for (i = 0; i < 3000 && e == MCPT_PENDING; ++i) {
        e = mcpt_posix_poll(&net, 1);
    }
    n = get(fd, answer, sizeof answer, sizeof answer, NULL, 1000);
    CHECK(e == MCPT_OK && n > ENDED && strstr(answer, "number 1\"}]") != NULL);
    (void)close(fd);
    end();
}

static char next_url[64];
static void *begun;

static void nobody(void *user, mcpt_err e) { (void)user; (void)e; begun = NULL; }

static void ask_another(void)
{
    mcpt_fetch f;
    memset(&f, 0, sizeof f);
    f.url = mcpt_z(next_url);
    f.trusted = true;
    f.done = nobody;
    mcpt_exchange_stop(&asker);
    CHECK(mcpt_exchange_start(&asker, &f) == MCPT_OK);
    begun = &asker;
    meanwhile = NULL;
}

static int heard(int listener, char *text, size_t cap)      /* what was sent to it; -1: nobody came, or nothing has come */
{
    int i, fd = -1;
    ssize_t got = -1;
    for (i = 0; i < 200 && got < 0; ++i) {
        turn(1);
        fd = fd < 0 ? accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : fd;
        got = fd < 0 ? -1 : recv(fd, text, cap - 1, 0);
    }
    text[got > 0 ? got : 0] = '\0';
    if (fd >= 0) {
        (void)close(fd);
    }
    return (int)got;
}

/* A request that takes the place of another must not go over the connection that was being made for that one. */
static void another_request(void)
{
    static char buffer_in[512], buffer_out[512];
    char text[512];
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    int listener[2], fd, i;
    unsigned port[2];
    for (i = 0; i < 2; ++i) {
        memset(&a, 0, sizeof a);
        a.sin_family = AF_INET;
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listener[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        CHECK(bind(listener[i], (struct sockaddr *)&a, sizeof a) == 0 && listen(listener[i], 4) == 0 &&
              getsockname(listener[i], (struct sockaddr *)&a, &n) == 0);
        port[i] = ntohs(a.sin_port);
    }
    CHECK(mcpt_exchange_init(&asker, &mcpt_posix_env, buffer_in, sizeof buffer_in, buffer_out, sizeof buffer_out, 5000, true) == MCPT_OK);
    with_askers = 1;
    begin(4, 2);
    with_askers = 0;
    fd = dial();
    CHECK(echoes(fd, 1));
    (void)snprintf(next_url, sizeof next_url, "http://127.0.0.1:%u/one", port[0]);
    ask_another();
    (void)snprintf(next_url, sizeof next_url, "http://127.0.0.1:%u/two", port[1]);
    meanwhile = ask_another;          /* in the handler, while the event of the first connection is under way already */
    CHECK(send(fd, echo_text(2), strlen(echo_text(2)), MSG_NOSIGNAL) > 0);
    CHECK(answered(fd, 2) && meanwhile == NULL && begun != NULL);
    CHECK(heard(listener[1], text, sizeof text) > 0 && strncmp(text, "GET /two ", 9) == 0);
    CHECK(heard(listener[0], text, sizeof text) <= 0);
    (void)close(fd);
    for (i = 0; i < 2; ++i) {
        (void)close(listener[i]);
    }
    end();
    CHECK(begun == NULL);
}

static void another_process(void)     /* mcpt_posix_run(), SIGTERM from outside */
{
    pid_t child;
    uint16_t port;
    int status = -1, fd;
    begin(8, 4);
    port = mcpt_posix_port(&net);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        mcpt_err e = mcpt_posix_stop_on_signals(&net);
        if (e == MCPT_OK) {
            e = mcpt_posix_run(&net);
        }
        mcpt_posix_destroy(&net);
        _exit(e == MCPT_OK ? 7 : 8);
    }
    CHECK(child > 0 && port != 0);
    fd = dial();
    (void)fcntl(fd, F_SETFL, 0);
    {
        char answer[2048];
        const char *text = echo_text(3);
        ssize_t n;
        CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) > 0);
        n = recv(fd, answer, sizeof answer - 1, 0);
        answer[n > 0 ? n : 0] = '\0';
        CHECK(strstr(answer, "number 3\"") != NULL);
    }
    CHECK(kill(child, SIGTERM) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    (void)close(fd);
    end();
}

/* -- standard input and output */
static mcpt_conn line_conn;
static char line_rx[4096], line_tx[4096];
static mcpt_tok line_tok[64];

static mcpt_err lines(int in, int out, uint32_t stop_ms)
{
    mcpt_mem mem;
    mem.rx = line_rx;
    mem.rx_size = sizeof line_rx;
    mem.tx = line_tx;
    mem.tx_size = sizeof line_tx;
    mem.tok = line_tok;
    mem.ntok = MCPT_COUNT(line_tok);
    return mcpt_posix_stdio(&server, &hub, &line_conn, &mem, in, out, stop_ms);
}

static const char hello[] =
    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\","
    "\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}\n"
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

static const char *line_call(int id, const char *tool, const char *args)
{
    (void)snprintf(request_text, sizeof request_text,
                   "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":"
                   "{\"name\":\"%s\",\"arguments\":%s}}\n", id, tool, args);
    return request_text;
}

static void say(int fd, const char *text)
{
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void stdio_batch(void)         /* everything at once, then the end: all of it is answered */
{
    static char answer[65536];
    int in[2], out[2], i;
    ssize_t n = 0, got;
    hub_begin();
    CHECK(pipe(in) == 0 && pipe(out) == 0);
    say(in[1], hello);
    for (i = 1; i <= 100; ++i) {
        char args[64];
        (void)snprintf(args, sizeof args, "{\"text\":\"line %d\"}", i);
        say(in[1], line_call(i, "echo", args));
    }
    (void)close(in[1]);
    CHECK(lines(in[0], out[1], 0) == MCPT_OK);
    (void)close(out[1]);
    while ((got = read(out[0], answer + n, sizeof answer - 1 - (size_t)n)) > 0) {
        n += got;
    }
    answer[n] = '\0';
    CHECK(strstr(answer, "serverInfo") != NULL);
    CHECK(strstr(answer, "line 1\"") != NULL && strstr(answer, "line 100\"") != NULL);
    for (i = 0, n = 0; answer[n] != '\0'; ++n) {
        i += answer[n] == '\n';
    }
    CHECK(i == 101);
    (void)close(in[0]);
    (void)close(out[0]);
}

static void stdio_wake(void)          /* over a socket pair, as Node starts its children; a thread wakes it */
{
    pthread_t thread;
    char answer[4096];
    ssize_t got;
    int pair[2];
    uint32_t start = mcpt_posix_millis(NULL);
    hub_begin();
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    say(pair[0], hello);
    say(pair[0], line_call(5, "wait", "{}"));
    (void)shutdown(pair[0], SHUT_WR); /* the input ends at once; the call may go on */
    CHECK(pthread_create(&thread, NULL, waker, NULL) == 0);
    CHECK(lines(pair[1], pair[1], 60000) == MCPT_OK);
    (void)pthread_join(thread, NULL);
    CHECK(mcpt_posix_millis(NULL) - start < 30000);
    (void)close(pair[1]);
    got = recv(pair[0], answer, sizeof answer - 1, MSG_WAITALL);
    answer[got > 0 ? got : 0] = '\0';
    CHECK(strstr(answer, "done at last") != NULL);
    (void)close(pair[0]);
}

static void stdio_bounds(void)
{
    int in[2], out[2];
    uint32_t start;
    hub_begin();
    CHECK(pipe(in) == 0 && pipe(out) == 0);
    say(in[1], hello);
    say(in[1], line_call(5, "wait", "{}"));
    (void)close(in[1]);
    start = mcpt_posix_millis(NULL);
    CHECK(lines(in[0], out[1], 300) == MCPT_E_TIMEOUT);     /* nobody wakes it */
    CHECK(mcpt_posix_millis(NULL) - start >= 290);
    CHECK(slow.cancels == 1);
    (void)close(in[0]);
    CHECK(pipe(in) == 0);
    hub_begin();
    (void)signal(SIGPIPE, SIG_IGN);
    say(in[1], hello);
    (void)close(out[0]);              /* nobody reads the answers */
    CHECK(lines(in[0], out[1], 300) == MCPT_E_CLOSED);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)close(in[0]);
    (void)close(in[1]);
    (void)close(out[1]);
}

/* A connection on a line of its own shares the hub: the port passes on that it is ready. */
static mcpt_conn *passed_on;

static void other(void *user, mcpt_conn *c)
{
    *(mcpt_conn **)user = c;
}

static void shared_hub(void)
{
    static mcpt_conn conn;
    static char rx[2048], tx[2048];
    static mcpt_tok tok[64];
    const mcpt_mem mem = { rx, sizeof rx, tx, sizeof tx, tok, MCPT_COUNT(tok) };
    mcpt_posix_config c;
    size_t n;
    char *to;
    hub_begin();
    memset(&c, 0, sizeof c);
    c.server = &server;
    c.hub = &hub;
    c.connections = 2;
    c.other = other;
    c.other_user = &passed_on;
    memory = malloc(mcpt_posix_size(&c));
    CHECK(mcpt_posix_init(&net, &c, memory, mcpt_posix_size(&c)) == MCPT_OK);
    CHECK(mcpt_conn_init(&conn, &server, &hub, &mem, MCPT_LINES, NULL) == MCPT_OK);
    (void)snprintf(request_text, sizeof request_text, "%s", hello);
    (void)line_call(5, "wait", "{}");
    to = mcpt_io_rx(&conn.io, &n);
    CHECK(to != NULL && n > strlen(hello) + strlen(request_text));
    memcpy(to, hello, strlen(hello));
    memcpy(to + strlen(hello), request_text, strlen(request_text));
    mcpt_io_rx_ack(&conn.io, strlen(hello) + strlen(request_text));
    while ((mcpt_io_want(&conn.io) & MCPT_WANT_TX) != 0) {
        (void)mcpt_io_tx(&conn.io, &n);
        mcpt_io_tx_ack(&conn.io, n);
    }
    CHECK(slow.runs == 1);
    turn(2);
    CHECK(passed_on == NULL);
    slow.done = true;
    mcpt_wake(slow.ticket);
    CHECK(mcpt_posix_poll(&net, 3000) == MCPT_PENDING);
    CHECK(passed_on == &conn);
    mcpt_conn_close(&conn);
    end();
}

static void environment(void)
{
    char a[600], b[600];
    uint32_t t = mcpt_posix_millis(NULL);
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    CHECK(mcpt_posix_random(NULL, a, sizeof a) && mcpt_posix_random(NULL, b, sizeof b));
    CHECK(memcmp(a, b, sizeof a) != 0 && memcmp(a, a + 300, 300) != 0);
    CHECK(mcpt_posix_random(NULL, NULL, 0));
    (void)usleep(3000);
    CHECK(mcpt_posix_millis(NULL) - t >= 3 && mcpt_posix_millis(NULL) - t < 1000);
    CHECK(mcpt_posix_unix_time(NULL) > 1704067200);
}

int main(void)
{
    table();
    environment();
    configuration();
    keep_alive();
    both_families();
    idle_ones();
    byte_by_byte();
    pipelined();
    half_closed();
    pool_full();
    buffers_full();
    wake_from_a_thread();
    peer_gone_meanwhile();
    streams();
    idle_give_way();
    idle_give_way_tls();
    silent_give_way(false);
    silent_give_way(true);
    slow_give_way(false);
    slow_give_way(true);
    slow_reader();
    too_large();
    deadlines();
    no_descriptors();
    embedded();
    graceful_stop();
    graceful_stop_tls();
    another_request();
    another_process();
    stdio_batch();
    stdio_wake();
    stdio_bounds();
    shared_hub();
    return test_end();
}
