/* port/lwip, and the exchange of port/lwip_client, against lwIP itself, on a workstation with sanitizers: server and clients in one
 * stack, over a wire that loses, delays and repeats packets, with every piece of lwIP's memory from malloc, so that a use after the
 * end shows. Clients send in pieces of any size, read late, leave or reset at any byte; without TLS and, with a directory of
 * certificates (certs.sh), with TLS of both libraries. The clock is the test's own: every run is the same. Built by lwip.sh. */
#include "port/lwip.h"
#include "port/lwip_client.h"
#include "port/tls_bearssl.h"
#include "port/tls_mbedtls.h"
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
#include <time.h>

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
static int64_t unix_time(void *user)
{
    (void)user;
    return (int64_t)time(NULL);
}

static const mcpt_env env = { .millis = millis, .unix_time = unix_time, .random = random_bytes };
static mcpt_tls *server_tls, *client_tls;                   /* NULL: plain HTTP */
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
    mcpt_io app;                      /* behind TLS; first is the wire's, then this one's */
    mcpt_tls_conn *tls;
    uint8_t alert;                    /* the peer's */
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

/* -- the client's machine behind TLS: shows what client_turn() has released, takes all that comes */
static unsigned app_run(mcpt_io *io)
{
    client *c = (client *)(void *)((char *)io - offsetof(client, app));
    c->received += io->rx_len;
    c->got[c->received] = '\0';
    io->rx = c->got + c->received;
    io->rx_len = 0;
    io->rx_cap = (uint32_t)(sizeof c->got - 1 - c->received);
    io->tx = c->text;
    io->tx_len = (uint32_t)c->sent;
    io->want = (uint8_t)((io->tx_at < io->tx_len ? MCPT_WANT_TX : 0) | (io->eof ? MCPT_CLOSED : MCPT_WANT_RX));
    return io->want;
}

/* Moves what TLS has to send, and notices its end. */
static void client_pump(client *c)
{
    size_t n;
    const char *from;
    unsigned want = c->tls != NULL ? mcpt_io_want(&c->tls->io) : 0;
    while (c->tls != NULL && c->pcb != NULL && (from = mcpt_io_tx(&c->tls->io, &n)) != NULL) {
        n = n < 200 ? n : 200;
        if (tcp_write(c->pcb, from, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK) {
            break;
        }
        (void)tcp_output(c->pcb);
        mcpt_io_tx_ack(&c->tls->io, n);
        want = mcpt_io_want(&c->tls->io);
    }
    if ((want & MCPT_CLOSED) != 0) {
        c->ended = true;
    }
}

/* False: all or nothing fits, and it does not. */
static bool client_take(client *c, struct pbuf *p)
{
    size_t room, at = 0;
    char *to;
    client_pump(c);
    c->alert = p->tot_len == 7 && pbuf_get_at(p, 0) == 21 ? pbuf_get_at(p, 6) : c->alert;
    while (at < p->tot_len && (to = mcpt_io_rx(&c->tls->io, &room)) != NULL) {
        u16_t n = pbuf_copy_partial(p, to, room < 0xffff ? (u16_t)room : 0xffff, (u16_t)at);
        mcpt_io_rx_ack(&c->tls->io, n);
        at += n;
        client_pump(c);
    }
    return true;
}

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
    if (c->tls != NULL) {
        (void)client_take(c, p);
    } else if (c->received + p->tot_len < sizeof c->got) {
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
    if (client_tls != NULL) {
        c->app.run = app_run;
        c->tls = mcpt_tls_open(client_tls, &c->app, "device.test");
        CHECK(c->tls != NULL);
    }
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
    if (c->tls != NULL && !reset && mcpt_tls_shut(c->tls)) {
        client_pump(c);               /* close_notify, as far as it goes */
    }
    if (c->tls != NULL) {
        mcpt_tls_close(c->tls);
        c->tls = NULL;
    }
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
        if (c->tls != NULL) {
            c->sent += n;
        } else if (tcp_write(c->pcb, c->text + c->sent, (u16_t)n, TCP_WRITE_FLAG_COPY) == ERR_OK) {
            c->sent += n;
            (void)tcp_output(c->pcb);
        }
    }
    if (c->connected) {
        client_pump(c);
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
        refused += strstr(c->got, "HTTP/1.1 503") != NULL || c->alert == 80;
        timed_out += strstr(c->got, "HTTP/1.1 408") != NULL || (c->received == 0 && c->alert != 80);
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
                                .tx_size = TX, .ntok = TOK, .notify = notify, .tls = server_tls };
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
    CHECK(answered > total / (server_tls != NULL ? 20 : 8));  /* with TLS not all is the test's: mbedTLS asks the real clock */
    CHECK(answered + left + refused + timed_out >= total - total / 20);
    CHECK(mcpt_lwip_now(&net).buffers == 0);
    CHECK(mcpt_lwip_now(&net).most_buffers == BUFFERS);
}

/* -- TLS */
enum { BEAR, MBED };
static const char *directory;
static mcpt_tls_bearssl bear[2];
static mcpt_tls_mbedtls mbed[2];
static void *tls_memory[2];

static size_t load(const char *name, const char *ending, const char *label, char *to, size_t cap)
{
    char path[512];
    size_t n;
    FILE *f;
    (void)snprintf(path, sizeof path, "%s/%s.%s", directory, name, ending);
    f = fopen(path, "rb");
    n = f != NULL ? fread(to, 1, cap, f) : 0;
    CHECK(mcpt_tls_pem(to, n, label, to, cap, &n) == MCPT_OK);
    if (f != NULL) {
        (void)fclose(f);
    }
    return n;
}

/* The server's records are as small as a board's: its connections are CONNECTIONS - 1, one fewer than those of the port. */
static void tls_begin(int lib, uint32_t in_size)
{
    static char chain[4096], key[4096], trust[4096];
    mcpt_tls_config c = { .env = &env, .connections = CONNECTIONS - 1, .sessions = 4, .in_size = in_size, .out_size = 1024 + 85 };
    mcpt_tls_config k = { .env = &env, .connections = 8, .sessions = 1 };
    c.chain = chain;
    c.chain_len = load("server", "pem", "CERTIFICATE", chain, sizeof chain);
    c.key = key;
    c.key_len = load("server", "key", "PRIVATE KEY", key, sizeof key);
    k.trust = trust;
    k.trust_len = load("ca", "pem", "CERTIFICATE", trust, sizeof trust);
    if (lib == BEAR) {
        tls_memory[0] = malloc(mcpt_tls_bearssl_size(&c, false));
        tls_memory[1] = malloc(mcpt_tls_bearssl_size(&k, true));
        CHECK(mcpt_tls_bearssl_server(&bear[0], &c, tls_memory[0], mcpt_tls_bearssl_size(&c, false)) == MCPT_OK);
        CHECK(mcpt_tls_bearssl_client(&bear[1], &k, tls_memory[1], mcpt_tls_bearssl_size(&k, true)) == MCPT_OK);
        server_tls = &bear[0].tls;
        client_tls = &bear[1].tls;
    } else {
        tls_memory[0] = malloc(mcpt_tls_mbedtls_size(&c, false));
        tls_memory[1] = malloc(mcpt_tls_mbedtls_size(&k, true));
        CHECK(mcpt_tls_mbedtls_server(&mbed[0], &c, tls_memory[0], mcpt_tls_mbedtls_size(&c, false)) == MCPT_OK);
        CHECK(mcpt_tls_mbedtls_client(&mbed[1], &k, tls_memory[1], mcpt_tls_mbedtls_size(&k, true)) == MCPT_OK);
        server_tls = &mbed[0].tls;
        client_tls = &mbed[1].tls;
    }
}

static void tls_end(int lib)
{
    if (lib == MBED) {
        mcpt_tls_mbedtls_free(&mbed[0]);
        mcpt_tls_mbedtls_free(&mbed[1]);
    }
    free(tls_memory[0]);
    free(tls_memory[1]);
    server_tls = client_tls = NULL;
}

/* -- an outbound request of a server (port/lwip_client), to the server in the same stack */
static struct { unsigned status, dones; mcpt_err e; size_t len; char text[2048]; } fetched;

static mcpt_err on_head(void *user, const mcpt_exchange *x, unsigned status)
{
    (void)user;
    (void)x;
    fetched.status = status;
    return MCPT_OK;
}

static mcpt_err on_piece(void *user, const char *text, size_t len)
{
    (void)user;
    CHECK(fetched.len + len < sizeof fetched.text);
    memcpy(fetched.text + fetched.len, text, len);
    fetched.text[fetched.len += len] = '\0';
    return MCPT_OK;
}

static void on_done(void *user, mcpt_err e)
{
    (void)user;
    ++fetched.dones;
    fetched.e = e;
}

static mcpt_err fetch(mcpt_lwip_client *out, const char *url, bool trusted)
{
    static const char fields[] = "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
                                 "Mcp-Method: tools/call\r\nMcp-Name: echo\r\n";
    mcpt_fetch f;
    uint32_t i;
    memset(&f, 0, sizeof f);
    memset(&fetched, 0, sizeof fetched);
    f.method = "POST";
    f.url = mcpt_z(url);
    f.fields = mcpt_z(fields);
    f.content_type = "application/json";
    f.body = mcpt_z(bodies[0]);
    f.trusted = trusted;
    f.head = on_head;
    f.piece = on_piece;
    f.done = on_done;
    CHECK(mcpt_exchange_start(out->config.exchange, &f) == MCPT_OK);
    for (i = 0; i < 60000 && (fetched.dones == 0 || mcpt_lwip_now(&net).connections != 0); ++i) {
        (void)mcpt_lwip_client_poll(out);
        turn();
    }
    CHECK(fetched.dones == 1 && !mcpt_exchange_busy(out->config.exchange));
    return fetched.e;
}

static void test_exchange(void)
{
    static mcpt_lwip_client out;
    static mcpt_exchange x;
    static char rx[MCPT_EXCHANGE_MIN], tx[MCPT_EXCHANGE_MIN + 200];
    mcpt_lwip_client_config config = { .exchange = &x, .tls = client_tls };
    char url[64];
    unsigned i;
    ip4_addr_t address, mask, gateway;
    IP4_ADDR(&address, 127, 0, 0, 1);                       /* the only one that is reached without TLS */
    IP4_ADDR(&mask, 255, 0, 0, 0);
    IP4_ADDR(&gateway, 0, 0, 0, 0);
    netif_set_addr(&interface, &address, &mask, &gateway);
    CHECK(mcpt_exchange_init(&x, &env, rx, sizeof rx, tx, sizeof tx, 30000, true) == MCPT_OK);
    CHECK(mcpt_lwip_client_init(&out, &config) == MCPT_OK);
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%u/mcp", client_tls != NULL ? "https" : "http", 80u);
    for (i = 0; i < 8; ++i) {
        loss = client_tls == NULL ? i % 4 : 0, lag = i % 4 * 6, twice = i % 4;        /* TLS: no run is quite like another */
        CHECK(fetch(&out, url, true) == MCPT_OK && fetched.status == 200 && strstr(fetched.text, expected[0]) != NULL);
    }
    loss = lag = twice = 0;
    CHECK(out.connects == 8 && (client_tls == NULL || (client_tls->full == 1 && client_tls->resumed == 7)));
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%u/mcp", client_tls != NULL ? "https" : "http", 81u);
    CHECK(fetch(&out, url, true) == MCPT_E_IO && out.connects == 8);      /* nobody listens */
    if (client_tls != NULL) {         /* a private network, by a URL that is not configuration */
        CHECK(fetch(&out, "https://10.0.0.1/mcp", false) == MCPT_E_ARG && out.connects == 8);
    } else {
        CHECK(fetch(&out, "https://127.0.0.1/mcp", true) == MCPT_E_TLS && out.connects == 8);
    }
    mcpt_lwip_client_close(&out);
    CHECK(client_tls == NULL || client_tls->open == 0);
    IP4_ADDR(&address, 10, 0, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    netif_set_addr(&interface, &address, &mask, &gateway);
}

/* 2026-07-28 basic/security_best_practices, "Server-Side Request Forgery": where metadata leads a client of port/lwip_client. */
static void test_foreign(void)
{
    static mcpt_lwip_client out;
    static mcpt_client c;
    static mcpt_channel ch;
    static char rx[1024], tx[1024], msg[4096], request[1024];
    static mcpt_tok tok[32];
    static const struct { const char *endpoint; unsigned port; bool rule; mcpt_err e; } rows[] = {
        { "http://10.0.0.1/mcp", 0, true, MCPT_OK }, { "http://10.0.0.1/mcp", 0, false, MCPT_OK },       /* the endpoint itself may be private */
        { "http://10.0.0.1/mcp", 81, true, MCPT_E_ISSUER }, { "http://10.0.0.1/mcp", 81, false, MCPT_E_IO },  /* nobody listens there */
        { "http://10.0.0.2/mcp", 0, true, MCPT_E_IO }, { "https://10.0.0.1/mcp", 0, true, MCPT_E_TLS } };
    unsigned i, turns;
    for (i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        const mcpt_client_config config = { .endpoint = rows[i].endpoint, .name = "t", .version = "1", .env = &env };
        const mcpt_lwip_client_config port = { .client = &c, .channels = &ch, .nchannels = 1, .connect_ms = 2000, .foreign_public = rows[i].rule };
        mcpt_channel_init(&ch, rx, sizeof rx, tx, sizeof tx, msg, sizeof msg);
        CHECK(mcpt_client_init(&c, &config, &ch, 1, request, sizeof request, tok, 32) == MCPT_OK && mcpt_lwip_client_init(&out, &port) == MCPT_OK);
        CHECK((mcpt_io_want(&ch.io) & MCPT_WANT_CONNECT) != 0 && !mcpt_channel_foreign(&ch));
        ch.link.origin.port = rows[i].port != 0 ? (uint16_t)rows[i].port : ch.link.origin.port;          /* as metadata would have it */
        CHECK(mcpt_channel_foreign(&ch) == (rows[i].port != 0));
        for (turns = 0; turns < 60000 && mcpt_client_status(&c) == MCPT_CLIENT_BUSY; ++turns) {
            (void)mcpt_lwip_client_poll(&out);
            turn();
        }
        CHECK(mcpt_client_outcome(&c) == rows[i].e && mcpt_client_status(&c) == (rows[i].e == MCPT_OK ? MCPT_CLIENT_READY : MCPT_CLIENT_FAILED));
        CHECK((out.connects != 0) == (rows[i].e == MCPT_OK));
        mcpt_lwip_client_close(&out);
    }
    for (turns = 0; turns < 130000 && mcpt_lwip_now(&net).connections != 0; ++turns) {
        turn();
    }
}

/* One client that sends its whole request and waits; more text before it when a record is to be too long. */
static void alone(client *c, size_t filler)
{
    uint32_t i;
    client_begin(c);
    c->kind = 0;
    c->leave_at = sizeof c->text;
    c->pause_until = 0;
    c->len = (size_t)snprintf(c->text, sizeof c->text, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                             "Accept: application/json, text/event-stream\r\n%sX: %0*d\r\nContent-Length: %zu\r\n\r\n%s", heads[0],
                             (int)filler, 0, strlen(bodies[0]), bodies[0]);
    for (i = 0; i < 3000 && !c->ended && strstr(c->got, expected[0]) == NULL; ++i) {
        c->sent = c->connected ? c->len : 0;                   /* in one record, if the library makes them that long */
        client_pump(c);
        turn();
    }
}

/* A peer that connects and says nothing has its TLS connection until the handshake's time is over, and no buffer. */
static void test_silent(void)
{
    struct tcp_pcb *pcb = tcp_new();
    ip_addr_t to;
    uint32_t i, before = server_tls->failed;
    IP_ADDR4(&to, 10, 0, 0, 1);
    (void)tcp_connect(pcb, &to, 80, NULL);                  /* lwIP closes it when the server does */
    for (i = 0; i < 9000; ++i) {
        turn();
    }
    CHECK(server_tls->open == 1 && server_tls->failed == before && mcpt_lwip_now(&net).buffers == 0);
    for (i = 0; i < 20000; ++i) {
        turn();
    }
    CHECK(server_tls->open == 0 && server_tls->failed == before + 1 && mcpt_lwip_now(&net).connections == 0);
}

/* Of the connections that wait for a further request the one that has waited longest gives way, and says so. */
static void test_gives_way(void)
{
    static client c[CONNECTIONS];
    uint32_t i, before = mcpt_lwip_now(&net).refused, resumed = server_tls->resumed;
    for (i = 0; i < CONNECTIONS; ++i) {                     /* one more than the server's TLS has */
        CHECK(i == 0 || !c[0].ended);
        alone(&c[i], 1);
        CHECK(strstr(c[i].got, expected[0]) != NULL);
    }
    client_pump(&c[0]);
    CHECK(c[0].ended && c[0].tls->err == MCPT_E_CLOSED && c[0].app.err == MCPT_OK && !c[1].ended && !c[2].ended);
    CHECK(mcpt_lwip_now(&net).refused == before && server_tls->open == CONNECTIONS - 1 && server_tls->resumed > resumed);
    for (i = 0; i < CONNECTIONS; ++i) {
        client_end(&c[i], true);
    }
    for (i = 0; i < 5000; ++i) {
        turn();
    }
    CHECK(mcpt_lwip_now(&net).connections == 0 && server_tls->open == 0);
}

/* A stop says close_notify to a client that idles: its machine learns of a clean end. */
static void test_stop(void)
{
    static client one;
    client *c = &one;
    uint32_t i;
    alone(c, 1);
    CHECK(strstr(c->got, expected[0]) != NULL && !c->ended && mcpt_lwip_now(&net).buffers == 0);
    mcpt_lwip_stop(&net);
    for (i = 0; i < 500 && !c->ended; ++i) {
        client_pump(c);
        turn();
    }
    CHECK(c->ended && c->tls->err == MCPT_E_CLOSED && c->app.err == MCPT_OK);
    client_end(c, false);
    for (i = 0; i < 5000; ++i) {
        turn();
    }
    CHECK(mcpt_lwip_now(&net).connections == 0 && server_tls->open == 0);
    mcpt_lwip_destroy(&net);
}

static void with_tls(int lib)
{
    static client one;
    client *c = &one;
    uint32_t i;
    tls_begin(lib, RX + 512);
    begin();
    loss = 2, lag = 10, twice = 3;
    run(lib == BEAR ? "TLS, BearSSL" : "TLS, mbedTLS", 120, CONNECTIONS);
    loss = lag = twice = 0;
    for (i = 0; i < 130000; ++i) {    /* connections whose client's last word was lost, too */
        turn();
    }
    CHECK(refused > 0 && server_tls->full > 0 && server_tls->open == 0 && client_tls->open == 0);
    test_silent();
    test_gives_way();
    test_stop();
    tls_end(lib);
    tls_begin(lib, RX + 512);
    begin();
    test_exchange();
    mcpt_lwip_destroy(&net);
    tls_end(lib);
    if (lib == BEAR) {                /* a record longer than the input buffer, RFC 5246 section 6.2.1 */
        tls_begin(lib, 837);
        begin();
        alone(c, 700);
        CHECK(c->ended && c->tls->err == MCPT_E_TLS && c->received == 0 && server_tls->failed == 1);
        CHECK(c->tls->detail == 256 + 22);                  /* BR_ERR_RECV_FATAL_ALERT, record_overflow */
        client_end(c, true);
        for (i = 0; i < 5000; ++i) {
            turn();
        }
        CHECK(mcpt_lwip_now(&net).connections == 0 && server_tls->open == 0);
        mcpt_lwip_destroy(&net);
        tls_end(lib);
    }
}

static void turns(uint32_t n)
{
    while (n-- > 0) {
        turn();
    }
}

/* A client that has sent so much of its request, or all with len, and reads what comes. */
static void visit(client *c, size_t len)
{
    client_begin(c);
    c->kind = 0;
    c->pause_until = 0;
    c->len = (size_t)snprintf(c->text, sizeof c->text, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                              "Accept: application/json, text/event-stream\r\n%sContent-Length: %zu\r\n\r\n%s", heads[0],
                              strlen(bodies[0]), bodies[0]);
    turns(20);
    CHECK(c->connected);
    len = len < c->len ? len : c->len;
    CHECK(len == 0 || (tcp_write(c->pcb, c->text, (u16_t)len, TCP_WRITE_FLAG_COPY) == ERR_OK && tcp_output(c->pcb) == ERR_OK));
    turns(20);
}

static bool served(const client *c)
{
    return strstr(c->got, expected[0]) != NULL;
}

/* Clients for whom there is no room wait: for the end of a connection, for one that gives way; two at once, for two seconds. */
static void test_guests(void)
{
    static client c[CONNECTIONS], more[3];
    uint32_t i, gone = 0, began, accepted, before = mcpt_lwip_now(&net).refused;
    for (i = 0; i < CONNECTIONS; ++i) {
        visit(&c[i], 0);              /* says nothing: gives way after a second */
    }
    began = now_ms;
    visit(&more[0], sizeof more[0].text);
    CHECK(!served(&more[0]) && mcpt_lwip_now(&net).connections == CONNECTIONS);
    while (!served(&more[0]) && now_ms - began < 1900) {
        turn();
    }
    CHECK(served(&more[0]) && now_ms - began > 700);
    turns(50);
    for (i = 0; i < CONNECTIONS; ++i) {
        gone += c[i].ended;
        client_end(&c[i], true);
    }
    CHECK(gone == 1);
    visit(&more[1], sizeof more[1].text);
    CHECK(served(&more[1]));
    client_end(&more[0], true);
    client_end(&more[1], true);
    turns(10);
    CHECK(mcpt_lwip_now(&net).connections == 0 && mcpt_lwip_now(&net).refused == before);

    for (i = 0; i < CONNECTIONS; ++i) {
        visit(&c[i], 30);             /* half a request: in work */
    }
    for (i = 0; i < 3; ++i) {
        visit(&more[i], sizeof more[i].text);
        CHECK(more[i].received == 0 || (i == 2 && strstr(more[2].got, "HTTP/1.1 503") == more[2].got));
    }
    CHECK(more[2].received > 0 && mcpt_lwip_now(&net).refused == before + 1);
    client_end(&more[2], true);
    accepted = mcpt_lwip_now(&net).accepted;
    client_end(&c[0], true);          /* room for the one that came first; then it waits for a buffer */
    turns(60);
    CHECK(mcpt_lwip_now(&net).accepted == accepted + 1 && mcpt_lwip_now(&net).connections == CONNECTIONS);
    visit(&more[2], 30);
    client_end(&more[2], true);       /* guests that leave make room too */
    turns(60);
    visit(&more[2], 0);
    client_end(&more[2], false);
    turns(60);
    visit(&more[2], 40);
    CHECK(mcpt_lwip_now(&net).accepted == accepted + 1 && mcpt_lwip_now(&net).refused == before + 1);
    for (i = 1; i < CONNECTIONS; ++i) {
        client_end(&c[i], true);
    }
    turns(600);                       /* nobody was forgotten, nor what he had sent */
    CHECK(served(&more[0]) && served(&more[1]) && mcpt_lwip_now(&net).refused == before + 1);
    for (i = 0; i < 3; ++i) {
        client_end(&more[i], true);
    }
    turns(60);
    CHECK(mcpt_lwip_now(&net).connections == 0);

    for (i = 0; i < CONNECTIONS; ++i) {
        visit(&c[i], 30);
    }
    visit(&more[0], 0);
    began = now_ms;
    while (more[0].received == 0 && now_ms - began < 3000) {
        turn();
    }
    CHECK(strstr(more[0].got, "HTTP/1.1 503") == more[0].got && now_ms - began > 1900 && now_ms - began < 2100);
    client_end(&more[0], true);
    visit(&more[0], 0);               /* one that still waits when all is over */
    for (i = 0; i < CONNECTIONS; ++i) {
        client_end(&c[i], true);
    }
}

/* An event stream without news holds no buffer, whatever its client has sent behind the request for it. */
static void test_behind_a_stream(void)
{
    static const char body[] = "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"subscriptions/listen\",\"params\":{\"notifications\":{},"
        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}";
    static client c, other;
    int n;
    visit(&c, 0);
    n = snprintf(c.text, sizeof c.text, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n"
                 "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\nContent-Length: %zu\r\n\r\n%sPO", strlen(body), body);
    CHECK(tcp_write(c.pcb, c.text, (u16_t)n, TCP_WRITE_FLAG_COPY) == ERR_OK && tcp_output(c.pcb) == ERR_OK);
    turns(400);                       /* until the client's delayed acknowledgement */
    CHECK(strstr(c.got, "acknowledged") != NULL && mcpt_lwip_now(&net).buffers == 0);
    CHECK(tcp_write(c.pcb, "ST", 2, TCP_WRITE_FLAG_COPY) == ERR_OK && tcp_output(c.pcb) == ERR_OK);
    turns(40);
    CHECK(!c.ended && mcpt_lwip_now(&net).buffers == 0);
    visit(&other, sizeof other.text);
    CHECK(served(&other));
    client_end(&other, true);
    client_end(&c, true);
    turns(100);
    CHECK(mcpt_lwip_now(&net).connections == 0);
}

int main(int argc, char **argv)
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
    test_behind_a_stream();
    test_guests();
    mcpt_lwip_destroy(&net);
    turns(5000);
    CHECK(tcp_active_pcbs == NULL);
    begin();
    run("after destroy and init", 100, CONNECTIONS);
    test_exchange();
    test_foreign();
    mcpt_lwip_destroy(&net);
    if (argc > 1) {
        directory = argv[1];
        with_tls(BEAR);
        with_tls(MBED);
    }
    printf("PASSED %u FAILED %u\n", passed, failed);
    return failed != 0;
}
