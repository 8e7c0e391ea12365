/* port/lwip against lwIP itself, on a workstation with sanitizers: server and clients in one stack, over a wire that loses, delays
 * and repeats packets, with every piece of lwIP's memory from malloc, so that a use after the end shows. Clients send in pieces of any
 * size, read late, leave or reset at any byte. The clock is the test's own: every run is the same. Built by lwip.sh. */
#include "port/lwip.h"
#include "tests/conformance/fixtures.h"
#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned passed, failed;
#define CHECK(x) ((x) ? (void)++passed : (void)(++failed, printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #x)))

static uint32_t now_ms = 1000, seed = 1;

uint32_t firmware_random32(void);
uint32_t firmware_random32(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8 ^ seed << 24;
}

static uint32_t any(uint32_t n)
{
    return (firmware_random32() >> 4) % n;
}

void firmware_assert(const char *what);
void firmware_assert(const char *what)
{
    printf("lwIP: %s\n", what);
    abort();
}

uint32_t sys_now(void)
{
    return now_ms;
}

/* -- the wire */
enum { WIRE = 256 };
static struct netif interface;
static struct { struct pbuf *p; uint32_t due; } wire[WIRE];
static unsigned loss, lag, twice;     /* of 100: lost, late, repeated */
static unsigned lost, late;

static void put(struct pbuf *p, uint32_t due)
{
    unsigned i;
    for (i = 0; i < WIRE; ++i) {
        if (wire[i].p == NULL) {
            wire[i].p = pbuf_alloc(PBUF_RAW, p->tot_len, PBUF_POOL);
            wire[i].due = due;
            (void)pbuf_copy(wire[i].p, p);
            return;
        }
    }
    ++lost;
}

static err_t output(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
    uint32_t due = now_ms;
    (void)n;
    (void)to;
    if (any(100) < loss) {
        ++lost;
        return ERR_OK;
    }
    if (any(100) < lag) {
        due += 1 + any(20);
        ++late;
    }
    put(p, due);
    if (any(100) < twice) {
        put(p, due + any(5));
    }
    return ERR_OK;
}

static err_t interface_init(struct netif *n)
{
    n->mtu = 1500;
    n->output = output;
    n->flags = NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

static void move_packets(void)
{
    unsigned i;
    for (i = 0; i < WIRE; ++i) {
        if (wire[i].p != NULL && (int32_t)(now_ms - wire[i].due) >= 0) {
            struct pbuf *p = wire[i].p;
            wire[i].p = NULL;
            if (interface.input(p, &interface) != ERR_OK) {
                (void)pbuf_free(p);
            }
        }
    }
}

/* -- the server */
static uint32_t millis(void *user)
{
    (void)user;
    return now_ms;
}

static bool random_bytes(void *user, void *buf, size_t len)
{
    uint8_t *to = (uint8_t *)buf;
    (void)user;
    for (; len > 0; --len) {
        *to++ = (uint8_t)firmware_random32();
    }
    return true;
}

enum { CONNECTIONS = 4, BUFFERS = 2, RX = 1536, TX = 1536, TOK = 80 };
static const mcpt_env env = { .millis = millis, .random = random_bytes };
static mcpt_server server;
static mcpt_hub hub;
static mcpt_session sessions[3];
static mcpt_tok hub_tok[TOK];
static mcpt_listener listeners[2];
static mcpt_slot slots[3];
static uint8_t slot_data[3 * 1024];
static mcpt_lwip net;
static unsigned notified;

static void notify(void *user)
{
    (void)user;
    ++notified;
}

/* -- clients */
typedef struct client {
    struct tcp_pcb *pcb;
    char text[4096], got[16384];
    size_t len, sent, received, leave_at;
    uint32_t began, pause_until;
    bool reset, ended, connected;
    int kind;
} client;

static const char *const bodies[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"hello\"},"
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":"
    "{\"name\":\"c\",\"version\":\"1\"},\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\",\"params\":{"
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":"
    "{\"name\":\"c\",\"version\":\"1\"},\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"test_tool_with_logging\",\"arguments\":{},"
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":"
    "{\"name\":\"c\",\"version\":\"1\"},\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
    "{{{{"
};
static const char *const heads[] = {
    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n",
    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\n",
    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: test_tool_with_logging\r\n", ""
};
static const char *const expected[] = { "\"text\":\"hello\"", "protocol_error_job", "Tool with logging executed", "HTTP/1.1 400" };

static err_t client_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    client *c = (client *)arg;
    (void)err;
    if (p == NULL) {
        c->ended = true;
        return ERR_OK;
    }
    if ((int32_t)(now_ms - c->pause_until) < 0) {
        return ERR_MEM;               /* reads later: its window closes */
    }
    if (c->received + p->tot_len < sizeof c->got) {
        c->received += pbuf_copy_partial(p, c->got + c->received, p->tot_len, 0);
        c->got[c->received] = '\0';
    }
    tcp_recved(pcb, p->tot_len);
    (void)pbuf_free(p);
    return ERR_OK;
}

static void client_err(void *arg, err_t err)
{
    client *c = (client *)arg;
    (void)err;
    c->pcb = NULL;
    c->ended = true;
}

static err_t client_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)pcb;
    (void)err;
    ((client *)arg)->connected = true;
    return ERR_OK;
}

static void client_begin(client *c)
{
    ip_addr_t to;
    memset(c, 0, sizeof *c);
    c->kind = (int)any(4);
    c->len = (size_t)snprintf(c->text, sizeof c->text, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                              "Accept: application/json, text/event-stream\r\n%sContent-Length: %zu\r\n\r\n%s", heads[c->kind],
                              strlen(bodies[c->kind]), bodies[c->kind]);
    c->leave_at = any(3) == 0 ? any((uint32_t)c->len + 1) : c->len + 1;
    c->reset = any(2) == 0;
    c->pause_until = any(4) == 0 ? now_ms + any(3000) : 0;
    c->began = now_ms;
    c->pcb = tcp_new();
    tcp_arg(c->pcb, c);
    tcp_recv(c->pcb, client_recv);
    tcp_err(c->pcb, client_err);
    tcp_nagle_disable(c->pcb);
    IP_ADDR4(&to, 10, 0, 0, 1);
    (void)tcp_connect(c->pcb, &to, 80, client_connected);
}

static void client_end(client *c, bool reset)
{
    struct tcp_pcb *pcb = c->pcb;
    c->pcb = NULL;
    c->ended = true;
    if (pcb != NULL) {
        tcp_arg(pcb, NULL);
        tcp_recv(pcb, NULL);
        tcp_err(pcb, NULL);
        if (reset || tcp_close(pcb) != ERR_OK) {
            tcp_abort(pcb);
        }
    }
}

static unsigned answered, refused, left, timed_out;

/* True: it is over. */
static bool client_turn(client *c)
{
    if (c->pcb != NULL && c->connected && c->sent < c->len && any(3) == 0) {
        size_t n = 1 + any(any(2) == 0 ? 20 : 600);
        n = n < c->len - c->sent ? n : c->len - c->sent;
        if (tcp_write(c->pcb, c->text + c->sent, (u16_t)n, TCP_WRITE_FLAG_COPY) == ERR_OK) {
            c->sent += n;
            (void)tcp_output(c->pcb);
        }
    }
    if (c->sent >= c->leave_at) {
        ++left;
        client_end(c, c->reset);
        return true;
    }
    if (strstr(c->got, expected[c->kind]) != NULL) {
        ++answered;
        client_end(c, any(8) == 0);
        return true;
    }
    if (c->ended || now_ms - c->began > 60000) {
        refused += strstr(c->got, "HTTP/1.1 503") != NULL;
        timed_out += strstr(c->got, "HTTP/1.1 408") != NULL || c->received == 0;
        CHECK(strstr(c->got, "HTTP/1.1 503") != NULL || strstr(c->got, "HTTP/1.1 408") != NULL || loss > 0 || c->received == 0);
        client_end(c, true);
        return true;
    }
    return false;
}

static void turn(void)
{
    ++now_ms;
    move_packets();
    sys_check_timeouts();
    (void)mcpt_lwip_poll(&net);
}

static void begin(void)
{
    static uint8_t memory[MCPT_LWIP_SIZE(CONNECTIONS, BUFFERS, RX, TX, TOK)];
    const mcpt_hub_mem mem = { .sessions = sessions, .nsessions = 3, .listeners = listeners, .nlisteners = 2, .slots = slots, .nslots = 3,
                               .slot_data = slot_data, .slot_size = 1024, .tok = hub_tok, .ntok = TOK };
    mcpt_lwip_config config = { .server = &server, .hub = &hub, .connections = CONNECTIONS, .buffers = BUFFERS, .rx_size = RX,
                                .tx_size = TX, .ntok = TOK, .notify = notify };
    CHECK(mcpt_hub_init(&hub, &server, &mem) == MCPT_OK);
    CHECK(mcpt_lwip_init(&net, &config, memory, sizeof memory - 1) == MCPT_E_SPACE);
    config.hub = NULL;
    CHECK(mcpt_lwip_init(&net, &config, memory, sizeof memory) == MCPT_E_ARG);
    config.hub = &hub;
    config.rx_size = MCPT_RX_MIN - 1;
    CHECK(mcpt_lwip_init(&net, &config, memory, sizeof memory) == MCPT_E_ARG);
    config.rx_size = RX;
    CHECK(mcpt_lwip_init(&net, &config, memory, sizeof memory) == MCPT_OK);
}

static void run(const char *what, unsigned total, size_t at_once)
{
    static client clients[8];
    size_t i, busy = 1;
    unsigned begun = 0;
    answered = refused = left = timed_out = lost = late = 0;
    memset(clients, 0, sizeof clients);
    for (i = 0; i < at_once; ++i) {
        clients[i].kind = -1;
    }
    while (busy > 0) {
        busy = 0;
        for (i = 0; i < at_once; ++i) {
            if (clients[i].kind < 0 && begun < total) {
                client_begin(&clients[i]);
                ++begun;
            } else if (clients[i].kind >= 0 && client_turn(&clients[i])) {
                clients[i].kind = -1;
            }
            busy += clients[i].kind >= 0 || begun < total;
        }
        turn();
    }
    for (i = 0; i < 30000; ++i) {     /* what lingers ends */
        turn();
    }
    printf("%s: %u clients, %u answered, %u left, %u refused, %u timed out; %u packets lost, %u late\n", what, total, answered, left,
           refused, timed_out, lost, late);
    CHECK(answered > total / 8);
    CHECK(answered + left + refused + timed_out >= total - total / 20);
    CHECK(mcpt_lwip_now(&net).buffers == 0);
    CHECK(mcpt_lwip_now(&net).most_buffers == BUFFERS);
}

int main(void)
{
    ip4_addr_t address, mask, gateway;
    unsigned i;
    lwip_init();
    IP4_ADDR(&address, 10, 0, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 0, 0, 0, 0);
    (void)netif_add(&interface, &address, &mask, &gateway, NULL, interface_init, ip_input);
    netif_set_default(&interface);
    netif_set_up(&interface);
    fixtures_server(&server, &env, &hub);
    begin();
    run("a good wire, as many clients as connections", 400, CONNECTIONS);
    run("more clients than connections", 400, 8);
    loss = 3, lag = 20, twice = 5;
    run("a bad wire", 300, 6);
    loss = lag = twice = 0;
    CHECK(notified > 0);
    for (i = 0; i < 130000; ++i) {    /* connections whose client has vanished, too */
        turn();
    }
    CHECK(mcpt_lwip_now(&net).connections == 0);
    CHECK(tcp_active_pcbs == NULL);
    mcpt_lwip_stop(&net);
    for (i = 0; i < 100; ++i) {
        turn();
    }
    mcpt_lwip_destroy(&net);
    begin();
    run("after destroy and init", 100, CONNECTIONS);
    mcpt_lwip_destroy(&net);
    printf("PASSED %u FAILED %u\n", passed, failed);
    return failed != 0;
}
