/* port/microhttpd: server and clients in one process, driven by mcpt_mhd_poll(). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define MCPTOOLS_IMPLEMENTATION
#include "../../mcptools.h"
#include "../../port/crypto_mbedtls.h"
#include "../../port/microhttpd.h"
#include "../../port/posix_env.h"
#include "../../port/store_ram.h"
#include "../unit/test.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- the server under test */
static struct {
    int runs, cancels, seen;
    bool done;
    mcpt_ticket ticket;
    void *user;
} slow;
static const char *who_is_there;

static mcpt_err echo(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[256];
    mcpt_str text;
    slow.user = call->conn_user;
    if (mcpt_get_str(mcpt_get(args, "text"), buf, sizeof buf, &text) != MCPT_OK) {
        return MCPT_E_PARAMS;
    }
    if (call->who != NULL) {
        mcpt_text(out, call->who->subject);
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
enum { BIG = 3 << 20, RX = 2048 };
static char big[BIG + 1];
static mcpt_resource resources[1];
static mcpt_server server;
static mcpt_hub hub;
static mcpt_listener listeners[4];
static mcpt_slot slots[2];
static char slot_data[2 * 4096];
static mcpt_tok hub_tok[64];
static mcpt_verdict verdicts[4];
static mcpt_mhd web;
static void *memory;

static void table(void)
{
    size_t i;
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

static const mcpt_principal *who(void *user, struct MHD_Connection *connection)
{
    static mcpt_principal p;
    (void)user;
    (void)connection;
    p.subject = mcpt_z(who_is_there);
    return who_is_there != NULL ? &p : NULL;
}

static void begin(uint32_t exchanges, bool start)
{
    mcpt_hub_mem mem;
    mcpt_mhd_config c;
    memset(&mem, 0, sizeof mem);
    mem.listeners = listeners;
    mem.nlisteners = MCPT_COUNT(listeners);
    mem.slots = slots;
    mem.nslots = MCPT_COUNT(slots);
    mem.slot_data = slot_data;
    mem.slot_size = 4096;
    mem.verdicts = verdicts;
    mem.nverdicts = MCPT_COUNT(verdicts);
    mem.tok = hub_tok;
    mem.ntok = MCPT_COUNT(hub_tok);
    CHECK(mcpt_hub_init(&hub, &server, &mem) == MCPT_OK);
    memset(&slow, 0, sizeof slow);
    memset(&c, 0, sizeof c);
    c.server = &server;
    c.hub = &hub;
    c.exchanges = exchanges;
    c.rx_size = RX;
    c.tx_size = 2048;
    c.ntok = 64;
    c.stop_ms = 1000;
    c.who = who;
    c.user = &slow;
    memory = malloc(mcpt_mhd_size(&c) + 1);
    CHECK(mcpt_mhd_init(&web, &c, (char *)memory + 1, mcpt_mhd_size(&c)) == MCPT_OK);
    if (start) {
        CHECK(mcpt_mhd_start(&web, NULL, 0) == MCPT_OK);
    }
}

static void end(void)
{
    mcpt_mhd_destroy(&web);
    CHECK(web.busy == 0);
    free(memory);
}

/* -- clients */
static void turn(int rounds)
{
    while (rounds-- > 0) {
        (void)!mcpt_mhd_poll(&web, 0);
    }
}

static int dial6(bool v6, uint16_t port)
{
    struct sockaddr_in a4;
    struct sockaddr_in6 a6;
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memset(&a4, 0, sizeof a4);
    memset(&a6, 0, sizeof a6);
    a4.sin_family = AF_INET;
    a4.sin_port = htons(port);
    a4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a6.sin6_family = AF_INET6;
    a6.sin6_port = a4.sin_port;
    a6.sin6_addr = in6addr_loopback;
    if ((v6 ? connect(fd, (struct sockaddr *)&a6, sizeof a6)
            : connect(fd, (struct sockaddr *)&a4, sizeof a4)) != 0) {
        (void)close(fd);
        return -1;
    }
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static int dial(void)
{
    return dial6(false, mcpt_mhd_port(&web));
}

static void put(int fd, const char *data, size_t n)
{
    int tries = 0;
    while (n > 0 && tries < 2000) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent > 0) {
            data += sent;
            n -= (size_t)sent;
        } else if (errno != EAGAIN) {
            return;
        } else {
            (void)!mcpt_mhd_poll(&web, 1);
            ++tries;
        }
        turn(1);
    }
}

static void say(int fd, const char *text)
{
    put(fd, text, strlen(text));
}

enum { ENDED = 100000000 };

/* Reads until text appears, or the end (text NULL, adds ENDED), or 3 s without a byte. */
static int get(int fd, char *to, int cap, const char *text)
{
    int have = 0;
    uint32_t start = mcpt_posix_millis(NULL);
    to[0] = '\0';
    while (have < cap - 1 && mcpt_posix_millis(NULL) - start < 3000) {
        ssize_t got = recv(fd, to + have, (size_t)(cap - 1 - have), 0);
        if (got == 0) {
            return have + ENDED;
        }
        if (got > 0) {
            have += (int)got;
            to[have] = '\0';
            start = mcpt_posix_millis(NULL);
        } else if (errno != EAGAIN) {
            return -1;
        } else {
            (void)!mcpt_mhd_poll(&web, 1);
        }
        if (text != NULL && strstr(to, text) != NULL) {
            break;
        }
    }
    return have;
}

static char request_text[8192];

static const char *request(const char *body, const char *more)
{
    (void)snprintf(request_text, sizeof request_text,
                   "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                   "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
                   "%sContent-Length: %u\r\n\r\n%s", more, (unsigned)strlen(body), body);
    return request_text;
}

#define META "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
    "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"t\",\"version\":\"1\"}," \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"

static const char *call_text(int id, const char *tool, const char *args)
{
    char body[4096], more[256];
    (void)snprintf(body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":"
                   "{\"name\":\"%s\",\"arguments\":%s," META "}}", id, tool, args);
    (void)snprintf(more, sizeof more, "Mcp-Method: tools/call\r\nMcp-Name: %s\r\n", tool);
    return request(body, more);
}

static bool echoes(int fd, int id)
{
    char args[64], want[64], answer[2048];
    (void)snprintf(args, sizeof args, "{\"text\":\"number %d\"}", id);
    (void)snprintf(want, sizeof want, "number %d\"", id);
    say(fd, call_text(id, "echo", args));
    (void)get(fd, answer, sizeof answer, want);
    turn(2);
    return strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && strstr(answer, want) != NULL;
}

static bool idle(void)                /* soon no exchange is in use */
{
    int i;
    for (i = 0; i < 2000 && web.busy > 0; ++i) {
        (void)!mcpt_mhd_poll(&web, 1);
    }
    return web.busy == 0;
}

/* -- tests */
static void requests(void)
{
    char answer[4096];
    int fd, fd6, i;
    begin(4, true);
    fd = dial();
    fd6 = dial6(true, mcpt_mhd_port(&web));
    for (i = 0; i < 20; ++i) {
        CHECK(echoes(fd, i));
    }
    CHECK(fd6 < 0 || echoes(fd6, 66));
    CHECK(slow.user == &slow);
    who_is_there = "somebody";
    say(fd, call_text(1, "echo", "{\"text\":\"hi\"}"));
    (void)get(fd, answer, sizeof answer, "hi\"");
    CHECK(strstr(answer, "somebody") != NULL);
    who_is_there = NULL;
    say(fd, "GET /elsewhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    (void)get(fd, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 404 ", 13) == 0);
    say(fd, "GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    (void)get(fd, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 405 ", 13) == 0 && strstr(answer, "\r\nAllow: ") != NULL);
    say(fd, "POST /mcp HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n{}");
    (void)get(fd, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 403 ", 13) == 0);
    (void)close(fd);
    (void)close(fd6);
    CHECK(idle());
    end();
}

static void duplicates(void)          /* every field arrives, a second one of the same name too */
{
    char answer[4096];
    int fd;
    begin(4, true);
    fd = dial();
    (void)call_text(1, "echo", "{\"text\":\"hi\"}");
    {
        char twice[8192];
        char *at = strstr(request_text, "Mcp-Name: echo\r\n");
        (void)snprintf(twice, sizeof twice, "%.*sMcp-Name: other\r\n%s", (int)(at - request_text),
                       request_text, at);
        say(fd, twice);
    }
    (void)get(fd, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 400 ", 13) == 0);
    (void)close(fd);
    fd = dial();
    {                                 /* more fields than the table holds */
        char many[8192];
        int i, n = snprintf(many, sizeof many, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        for (i = 0; i < MCPT_MAX_FIELDS + 1; ++i) {
            n += snprintf(many + n, sizeof many - (size_t)n, "X-%d: y\r\n", i);
        }
        (void)snprintf(many + n, sizeof many - (size_t)n, "Content-Length: 2\r\n\r\n{}");
        say(fd, many);
    }
    (void)get(fd, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 431 ", 13) == 0);
    (void)close(fd);
    CHECK(idle());
    end();
}

static void too_large(void)
{
    static char body[2 << 20];
    char head[512], answer[4096];
    int fd;
    begin(4, true);
    memset(body, 'x', sizeof body);
    fd = dial();                      /* a little too long: read, refused, the connection stays */
    (void)snprintf(head, sizeof head, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                   "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", RX + 1);
    say(fd, head);
    put(fd, body, RX + 1);
    (void)get(fd, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 413 ", 13) == 0);
    CHECK(echoes(fd, 1));
    say(fd, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
    say(fd, "1000\r\n");
    put(fd, body, 0x1000);
    say(fd, "\r\n0\r\n\r\n");
    (void)get(fd, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 413 ", 13) == 0);
    CHECK(echoes(fd, 2));
    (void)close(fd);
    fd = dial();                      /* far too long: refused unread */
    say(fd, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4000000000\r\n\r\n");
    CHECK(get(fd, answer, sizeof answer, NULL) > ENDED);
    CHECK(strncmp(answer, "HTTP/1.1 413 ", 13) == 0);
    (void)close(fd);
    fd = dial();                      /* the client asks first */
    (void)snprintf(head, sizeof head, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
                   "Content-Length: %d\r\n\r\n", RX + 1);
    say(fd, head);
    (void)get(fd, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 413 ", 13) == 0);
    (void)close(fd);
    fd = dial();                      /* chunks without end: cut off */
    say(fd, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n");
    put(fd, body, sizeof body);
    (void)get(fd, answer, sizeof answer, NULL);
    CHECK(answer[0] == '\0' || strncmp(answer, "HTTP/1.1 4", 10) == 0);
    (void)close(fd);
    CHECK(idle());
    fd = dial();                      /* exactly as long as allowed: white space behind the message */
    {
        char text[RX + 1];
        size_t n;
        (void)call_text(1, "echo", "{\"text\":\"exactly\"}");
        (void)snprintf(text, sizeof text, "%s", strstr(request_text, "\r\n\r\n") + 4);
        n = strlen(text);
        memset(text + n, ' ', RX - n);
        text[RX] = '\0';
        say(fd, request(text, "Mcp-Method: tools/call\r\nMcp-Name: echo\r\n"));
    }
    (void)get(fd, answer, sizeof answer, "exactly\"");
    CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
    (void)close(fd);
    end();
}

static void exchanges_full(void)
{
    char answer[4096];
    int fd[3], i;
    begin(2, true);
    for (i = 0; i < 3; ++i) {
        fd[i] = dial();
        CHECK(echoes(fd[i], i));      /* idle connections hold none */
    }
    say(fd[0], call_text(1, "wait", "{}"));
    say(fd[1], call_text(1, "wait", "{}"));
    turn(3);
    CHECK(web.busy == 2);
    say(fd[2], call_text(1, "echo", "{\"text\":\"hi\"}"));
    (void)get(fd[2], answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 503 ", 13) == 0 && strstr(answer, "\r\nRetry-After: 1\r\n") != NULL);
    (void)close(fd[2]);
    (void)close(fd[1]);               /* its call is suspended, and yet its end is noticed */
    for (i = 0; i < 300 && slow.cancels == 0; ++i) {
        (void)!mcpt_mhd_poll(&web, 10);
    }
    CHECK(slow.cancels == 1);
    CHECK(web.busy == 1);
    slow.done = true;
    mcpt_wake(slow.ticket);
    (void)close(fd[0]);
    CHECK(idle());
    end();
}

static void woken(void)
{
    char answer[4096];
    int fd;
    begin(2, true);
    fd = dial();
    say(fd, call_text(1, "wait", "{}"));
    turn(3);
    CHECK(slow.runs == 1);
    turn(20);
    CHECK(slow.runs == 1);
    slow.done = true;
    mcpt_wake(slow.ticket);
    CHECK(mcpt_mhd_poll(&web, 3000) == MCPT_PENDING);       /* by the pipe, not by time */
    (void)get(fd, answer, sizeof answer, "done at last\"");
    CHECK(slow.runs == 2 && strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
    CHECK(echoes(fd, 1));
    (void)close(fd);
    CHECK(idle());
    end();
}

static int listen_on_lists(void)
{
    char answer[4096];
    int fd = dial();
    say(fd, request("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"subscriptions/listen\",\"params\":"
                    "{\"notifications\":{\"toolsListChanged\":true}," META "}}",
                    "Mcp-Method: subscriptions/listen\r\n"));
    (void)get(fd, answer, sizeof answer, "acknowledged");
    CHECK(strstr(answer, "acknowledged") != NULL);
    return fd;
}

static void streams(void)
{
    char answer[4096];
    int fd[3], i;
    begin(3, true);
    for (i = 0; i < 3; ++i) {
        fd[i] = listen_on_lists();
    }
    mcpt_hub_changed(&hub, MCPT_CHANGED_TOOLS);
    for (i = 0; i < 3; ++i) {
        (void)get(fd[i], answer, sizeof answer, "list_changed");
        CHECK(strstr(answer, "notifications/tools/list_changed") != NULL);
    }
    (void)close(fd[1]);
    for (i = 0; i < 300 && web.busy == 3; ++i) {
        (void)!mcpt_mhd_poll(&web, 10);
    }
    CHECK(web.busy == 2);
    fd[1] = listen_on_lists();
    mcpt_mhd_stop(&web);              /* the streams get their last result */
    for (i = 0; i < 300 && mcpt_mhd_poll(&web, 10) == MCPT_PENDING; ++i) {
        CHECK(i < 299);
    }
    for (i = 0; i < 3; ++i) {
        (void)get(fd[i], answer, sizeof answer, "\r\n0\r\n\r\n");
        CHECK(strstr(answer, "\"result\"") != NULL && strstr(answer, "\r\n0\r\n\r\n") != NULL);
        (void)close(fd[i]);
    }
    CHECK(dial() < 0 || dial() >= 0); /* the backlog of a quiesced daemon may still take one */
    end();
}

static void big_answer(void)
{
    static char answer[BIG + (BIG >> 1)];
    const int small = 4096;
    struct sockaddr_in a;
    int fd = socket(AF_INET, SOCK_STREAM, 0), other, i;
    const char *at;
    bool same = true;
    begin(3, true);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(mcpt_mhd_port(&web));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    say(fd, request("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\",\"params\":"
                    "{\"uri\":\"test://big\"," META "}}",
                    "Mcp-Method: resources/read\r\nMcp-Name: test://big\r\n"));
    turn(50);
    other = dial();
    CHECK(echoes(other, 1));
    CHECK(get(fd, answer, sizeof answer, "\r\n0\r\n\r\n") > BIG);
    at = strstr(answer, "\"text\":\"");
    at = at != NULL ? at + 8 : answer;
    for (i = 0; i < BIG && same; ++at) {
        if (*at == '\r') {            /* CRLF, size, CRLF */
            at = strchr(at + 2, '\n');
            same = at != NULL;
        } else {
            same = *at == big[i++];
        }
    }
    CHECK(same);
    CHECK(echoes(fd, 3));
    (void)close(fd);
    (void)close(other);
    CHECK(idle());
    end();
}

/* -- inside an application with pages of its own */
static int own_requests, own_ends;

static mcpt_mhd_result application(void *user, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *data, size_t *size,
                                   void **context)
{
    static char page[] = "a page";
    struct MHD_Response *r;
    mcpt_mhd_result done;
    if (mcpt_mhd_match(&web, url)) {
        return mcpt_mhd_handle(&web, connection, url, method, version, data, size, context);
    }
    if (*context == NULL) {
        *context = user;
        return MHD_YES;
    }
    ++own_requests;
    r = MHD_create_response_from_buffer(6, page, MHD_RESPMEM_PERSISTENT);
    done = MHD_queue_response(connection, 200, r);
    MHD_destroy_response(r);
    return done;
}

static void completed(void *user, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode toe)
{
    own_ends += *context == user;
    mcpt_mhd_completed(&web, connection, context, toe);
}

static void mounted(void)
{
    char answer[4096];
    struct MHD_Daemon *daemon;
    int fd;
    begin(3, false);
    daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, application, &own_ends,
                              MHD_OPTION_NOTIFY_COMPLETED, completed, &own_ends, MHD_OPTION_END);
    CHECK(daemon != NULL);
    CHECK(mcpt_mhd_add(&web, daemon) == MCPT_OK);
    fd = dial6(false, MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    CHECK(echoes(fd, 1));
    say(fd, "GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    (void)get(fd, answer, sizeof answer, "a page");
    CHECK(strstr(answer, "a page") != NULL);
    CHECK(echoes(fd, 2));
    CHECK(own_requests == 1 && own_ends == 1);
    say(fd, call_text(1, "wait", "{}"));
    turn(3);
    CHECK(web.busy == 1);
    mcpt_mhd_stop(&web);
    while (mcpt_mhd_poll(&web, 10) == MCPT_PENDING) {
        CHECK(slow.runs < 10);
    }
    CHECK(web.busy == 0 && slow.cancels == 1);
    MHD_stop_daemon(daemon);
    mcpt_mhd_destroy(&web);
    free(memory);
    (void)close(fd);
}

/* -- behind a guard: credentials, challenges and documents pass through, and a verdict that is waited for suspends */
static mcpt_err verdict = MCPT_OK;
static mcpt_err judge(void *user, const mcpt_token *t, mcpt_principal *p)
{
    (void)user;
    p->subject = mcpt_z("ada");
    return t->text.len == 4 && memcmp(t->text.ptr, "good", 4) == 0 ? verdict : MCPT_E_UNAUTHORIZED;
}

static void guarded(void)
{
    static const mcpt_prm prm = { .authorization_servers = "https://as.example" };
    static const mcpt_guard guard = { .verify = judge, .prm = &prm };
    static const mcpt_env env = { .millis = mcpt_posix_millis, .unix_time = mcpt_posix_unix_time, .random = mcpt_posix_random,
                                  .crypto = &mcpt_mbedtls_crypto };
    char text[2048];
    char answer[4096];
    int fd, i;
    server.env = &env;
    server.guard = &guard;
    begin(4, true);
    fd = dial();
    say(fd, call_text(1, "echo", "{\"text\":\"hi\"}"));
    (void)get(fd, answer, sizeof answer, "}");
    CHECK(strncmp(answer, "HTTP/1.1 401 ", 13) == 0 && strstr(answer, "/.well-known/oauth-protected-resource/mcp\"\r\n") != NULL);
    CHECK(strstr(answer, "\r\nWWW-Authenticate: Bearer resource_metadata=\"http://") != NULL);
    CHECK(strstr(answer, "\r\nCache-Control: no-store\r\n") != NULL);
    say(fd, "GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    (void)get(fd, answer, sizeof answer, "[\"header\"]}");
    CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && strstr(answer, "\r\nAccess-Control-Allow-Origin: *\r\n") != NULL);
    CHECK(strstr(answer, "{\"resource\":\"http://127.0.0.1/mcp\",\"authorization_servers\":[\"https://as.example\"]") != NULL);
    say(fd, "OPTIONS /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://localhost:3000\r\n\r\n");
    (void)get(fd, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 204 ", 13) == 0 && strstr(answer, "\r\nAccess-Control-Allow-Origin: http://localhost:3000\r\n") != NULL);
    for (i = 0; i < 2; ++i) {
        const char *plain = call_text(2, "echo", "{\"text\":\"hi\"}");
        const char *line = strstr(plain, "\r\n") + 2;
        snprintf(text, sizeof text, "%.*sAuthorization: Bearer good\r\n%s", (int)(line - plain), plain, line);
        verdict = i == 0 ? MCPT_PENDING : MCPT_OK;
        say(fd, text);
        if (i == 0) {
            int k;
            for (k = 0; k < 20; ++k) {
                CHECK(mcpt_mhd_poll(&web, 5) == MCPT_PENDING);
            }
            CHECK(web.suspended != NULL);
            verdict = MCPT_OK;
            mcpt_guard_wake(&hub);
        }
        (void)get(fd, answer, sizeof answer, "hi\"");
        CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && strstr(answer, "hi") != NULL);
    }
    (void)close(fd);
    CHECK(idle());
    end();
    server.guard = NULL;
    server.env = &mcpt_posix_env;
}

/* -- a device that pairs: its authorization server behind libmicrohttpd, which hands over queries decoded */
static char pairing_code[16];
static mcpt_pairing pairing;

static void shows(void *user, const char *code, mcpt_str client)
{
    (void)user;
    CHECK(code == NULL || (client.len == 5 && memcmp(client.ptr, "\"a&b\"", 5) == 0));
    (void)snprintf(pairing_code, sizeof pairing_code, "%s", code != NULL ? code : "");
}

/* The text between two others in an answer, copied. */
static const char *between(const char *answer, const char *before, char until, char *to, size_t cap)
{
    const char *at = strstr(answer, before);
    const char *stop = at != NULL ? strchr(at + strlen(before), until) : NULL;
    to[0] = '\0';
    CHECK(stop != NULL);
    if (stop != NULL) {
        at += strlen(before);
        (void)snprintf(to, cap, "%.*s", (int)(stop - at), at);
    }
    return to;
}

static void posts(int fd, const char *target, const char *type, const char *body, char *answer, int cap, const char *until)
{
    char text[2048];
    (void)snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %u\r\n\r\n%s",
                   target, type, (unsigned)strlen(body), body);
    say(fd, text);
    (void)get(fd, answer, cap, until);
}

static void paired(void)
{
    static const char form_type[] = "application/x-www-form-urlencoded";
    static char memory_of_store[8192];
    static mcpt_store_ram ram;
    static mcpt_pairing_config config;
    static mcpt_guard guard;
    static const mcpt_env env = { .millis = mcpt_posix_millis, .unix_time = mcpt_posix_unix_time, .random = mcpt_posix_random,
                                  .crypto = &mcpt_mbedtls_crypto };
    char target[700], client[32], form[64], code[64], token[64], text[2048], answer[8192];
    const char *line;
    int fd;
    CHECK(mcpt_store_ram_init(&ram, memory_of_store, sizeof memory_of_store, 0) == MCPT_OK);
    config.store = &ram.store;
    config.show = shows;
    guard.verify = mcpt_pairing_verify;
    guard.user = &pairing;
    guard.pairing = &pairing;
    server.env = &env;
    server.guard = &guard;
    begin(4, true);
    CHECK(mcpt_pairing_init(&pairing, &config, &env, &hub) == MCPT_OK);
    fd = dial();
    CHECK(mcpt_mhd_match(&web, "/authorize") && mcpt_mhd_match(&web, "/token") && mcpt_mhd_match(&web, "/.well-known/oauth-authorization-server"));
    posts(fd, "/register", "application/json", "{\"client_name\":\"\\\"a&b\\\"\",\"redirect_uris\":[\"https://app.example/cb?x=1\"]}", answer,
          sizeof answer, "\"none\"}");
    CHECK(strncmp(answer, "HTTP/1.1 201 ", 13) == 0);
    (void)between(answer, "\"client_id\":\"", '"', client, sizeof client);
    /* RFC 7636 appendix B; a state with all that a query can hold */
    (void)snprintf(target, sizeof target, "/authorize?response_type=code&client_id=%s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb%%3Fx%%3D1&state=%%26a+b%%2B%%25%%3d&"
                   "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&empty&more=", client);
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", target);
    say(fd, text);
    (void)get(fd, answer, sizeof answer, "</html>\n");
    CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && strstr(answer, "&quot;a&amp;b&quot;") != NULL && strlen(pairing_code) == 9);
    (void)between(answer, "name=\"form\" value=\"", '"', form, sizeof form);
    (void)snprintf(text, sizeof text, "form=%s&action=allow&code=%.4s+%s", form, pairing_code, pairing_code + 5);
    posts(fd, target, form_type, text, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 303 ", 13) == 0 && pairing_code[0] == '\0');
    CHECK(strstr(answer, "&state=%26a%20b%2B%25%3D&iss=http%3A%2F%2F127.0.0.1\r\n") != NULL);      /* the same to who decodes it */
    (void)between(answer, "Location: https://app.example/cb?x=1&code=", '&', code, sizeof code);
    (void)snprintf(text, sizeof text, "grant_type=authorization_code&client_id=%s&code=%s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb%%3Fx%%3D1&"
                   "code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", client, code);
    posts(fd, "/token", form_type, text, answer, sizeof answer, "\"}");
    CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
    (void)between(answer, "\"access_token\":\"", '"', token, sizeof token);
    line = strstr(call_text(1, "echo", "{\"text\":\"hi\"}"), "\r\n") + 2;
    (void)snprintf(text, sizeof text, "%.*sAuthorization: Bearer %s\r\n%s", (int)(line - request_text), request_text, token, line);
    say(fd, text);
    (void)get(fd, answer, sizeof answer, "hi\"");
    CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && strstr(answer, "hi") != NULL);
    /* a parameter that comes twice; a query that is longer than what is left; a broken escape */
    (void)snprintf(text, sizeof text, "GET %s&state=2 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", target);
    say(fd, text);
    (void)get(fd, answer, sizeof answer, "</html>\n");
    CHECK(strncmp(answer, "HTTP/1.1 400 ", 13) == 0 && strstr(answer, "malformed") != NULL);
    say(fd, "GET /authorize?client_id=%zz%+%4 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    (void)get(fd, answer, sizeof answer, "</html>\n");
    CHECK(strncmp(answer, "HTTP/1.1 400 ", 13) == 0);
    (void)close(fd);
    CHECK(idle());
    fd = dial();
    say(fd, "GET /authorize?");
    for (size_t n = 0; n < RX / 3 + 2; ++n) {     /* each becomes three bytes */
        say(fd, "+");
    }
    say(fd, " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    (void)get(fd, answer, sizeof answer, "\r\n\r\n");
    CHECK(strncmp(answer, "HTTP/1.1 414 ", 13) == 0);
    (void)close(fd);
    CHECK(idle());
    end();
    server.guard = NULL;
    server.env = &mcpt_posix_env;
}

static void configuration(void)
{
    mcpt_mhd_config c;
    char small[64];
    memset(&c, 0, sizeof c);
    CHECK(mcpt_mhd_size(&c) > 64 * (16384 * 2 + 256 * 20));
    CHECK(mcpt_mhd_init(&web, &c, small, sizeof small) == MCPT_E_ARG);
    c.server = &server;
    c.hub = &hub;
    CHECK(mcpt_mhd_init(&web, &c, small, sizeof small) == MCPT_E_SPACE);
    c.tx_size = MCPT_TX_MIN - 1;
    CHECK(mcpt_mhd_size(&c) == 0);
    mcpt_mhd_destroy(&web);
    begin(2, false);
    CHECK(mcpt_mhd_start(&web, "nowhere.example", 0) == MCPT_E_ARG);
    CHECK(mcpt_mhd_start(&web, "127.0.0.1", 0) == MCPT_OK);
    {
        mcpt_mhd first = web;
        void *block = memory;
        begin(2, false);
        CHECK(mcpt_mhd_start(&web, NULL, mcpt_mhd_port(&first)) == MCPT_E_IO);
        end();
        web = first;
        memory = block;
        end();
    }
}

int main(void)
{
    table();
    configuration();
    requests();
    guarded();
    paired();
    duplicates();
    too_large();
    exchanges_full();
    woken();
    streams();
    big_answer();
    mounted();
    return test_end();
}
