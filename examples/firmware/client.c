/* client.c - a device that uses an MCP server: it sends what its sensors say to a tool there ("record"), over TLS. Where the server wants
 * an access token, a person allows it once, in a browser (device authorization grant, RFC 8628): the device shows a code and an address.
 *
 *   make firmware
 *   build/firmware/mps2-an385-client                        then type:
 *     server https://mcp.example/mcp                        the address of the MCP endpoint
 *     trust MIIB...                                         the certificate of the authority to trust, DER in base64
 *
 * Both stay in the flash store, and so do client registration and tokens, sealed with a key of this device: after a reset it goes on
 * without asking. Further lines: send, logout, report, reset, quit.
 *
 * How to read it: the objects and their memory; the settings; the person; what the device does; the console; main(). What is
 * emulated here and is yours in a product: emulation_only.c. */
#include "board.h"
#include "emulation_only.h"
#include "network.h"
#include "port/crypto_bearssl.h"
#include "port/lwip_client.h"
#include "port/tls_bearssl.h"
#include "settings.h"
#include <lwip/dns.h>
#include <lwip/tcp.h>
#include <string.h>

/* -- the objects and their memory */
enum { RX = 1024, TX = 1536, MSG = 2048, REQUEST = 768, TOK = 32, CHANNELS = FIRMWARE_CHANNELS, URL = 128, TRUST = 768,
       RECORD_IN = 2048 + 325, RECORD_OUT = 1024 + 85, TLS_SIZE = 11500 };
static struct {                       /* what mcptools.h needs, all of it */
    mcpt_client client;
    mcpt_channel channels[CHANNELS];
    mcpt_oauth oauth;
    char rx[CHANNELS][RX], tx[CHANNELS][TX], msg[CHANNELS][MSG], request[REQUEST], work[MCPT_OAUTH_MEM];
    mcpt_tok tok[TOK];
} mcp;
static mcpt_lwip_client net;
static mcpt_tls_bearssl tls;
static uint64_t tls_memory[(CHANNELS * TLS_SIZE + 7) / 8];
static char url[URL], line[1100];
static uint8_t trust[TRUST], device_key[32];
static size_t line_len;
static const mcpt_store *store;
static bool running, told, sent, to_send, again;
static uint32_t again_at, pause_ms;

static uint32_t millis(void *user)
{
    (void)user;
    return board_millis();
}

static const mcpt_env env = { .millis = millis, .unix_time = emulation_only_unix_time, .random = emulation_only_random, .crypto = &mcpt_bearssl_crypto };
static const mcpt_oauth_config auth = {
    .endpoint = url, .grant = MCPT_GRANT_DEVICE, .client_name = "A board with sensors", .software_id = "mcptools-board",
    .public_client = true, .env = &env, .store_key = device_key
};
static mcpt_oauth_config auth_now;    /* with the store, which is known at run time */
static const mcpt_client_config about = {
    .endpoint = url, .name = "mcptools-board", .version = "1.0.0", .oauth = &mcp.oauth, .env = &env, .timeout_ms = 20000
};

/* -- the console */
static void print_str(mcpt_str text)  /* foreign text: what a terminal obeys is not shown */
{
    size_t i;
    for (i = 0; i < text.len; ++i) {
        const char c = text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?';
        while (board_uart_write(BOARD_CONSOLE, &c, 1) == 0) {
            /* it takes the next one soon */
        }
    }
}

static void end_line(void)
{
    while (board_uart_write(BOARD_CONSOLE, "\n", 1) == 0) {
        /* as above */
    }
}

static void print(const char *a, mcpt_str b)
{
    print_str(mcpt_z(a));
    print_str(b);
    end_line();
}

/* -- the settings */
static bool load(const char *key, void *to, size_t cap, size_t *n)
{
    return store->read(store->user, key, to, cap, n) == MCPT_OK;
}

static bool begin_tls(size_t trust_len)
{
    const mcpt_tls_config c = {
        .env = &env, .connections = CHANNELS, .in_size = RECORD_IN, .out_size = RECORD_OUT, .trust = trust, .trust_len = trust_len
    };
    return mcpt_tls_bearssl_client(&tls, &c, tls_memory, sizeof tls_memory) == MCPT_OK;
}

/* Begins with what the store holds; nothing happens while something is missing. */
static void begin(void)
{
    mcpt_lwip_client_config port = { .client = &mcp.client, .channels = mcp.channels, .nchannels = CHANNELS, .tls = &tls.tls };
    size_t n, i;
    running = told = sent = again = false;
    to_send = true;
    if (!load("server", url, sizeof url - 1, &n)) {
        print("no server yet: type server URL", mcpt_z(""));
        return;
    }
    url[n] = '\0';
    if (!load("trust", trust, sizeof trust, &n) || !begin_tls(n)) {
        print("no authority to trust yet: type trust BASE64", mcpt_z(""));
        return;
    }
    auth_now = auth;
    auth_now.store = store;
    for (i = 0; i < CHANNELS; ++i) {
        mcpt_channel_init(&mcp.channels[i], mcp.rx[i], RX, mcp.tx[i], TX, mcp.msg[i], MSG);
    }
    if (mcpt_oauth_init(&mcp.oauth, &auth_now, mcp.work, sizeof mcp.work) != MCPT_OK ||
        mcpt_client_init(&mcp.client, &about, mcp.channels, CHANNELS, mcp.request, REQUEST, mcp.tok, TOK) != MCPT_OK ||
        mcpt_lwip_client_init(&net, &port) != MCPT_OK) {
        print("not a server's address: ", mcpt_z(url));
        return;
    }
    running = true;
    print("server ", mcpt_z(url));
}

static void end(void)
{
    if (running) {
        mcpt_lwip_client_close(&net);
        mcpt_oauth_close(&mcp.oauth);
        running = false;
    }
}

static void keep(const char *key, mcpt_str value)
{
    end();
    pause_ms = 0;
    if (store->write(store->user, key, value) != MCPT_OK) {
        print("not kept: ", mcpt_z(key));
    }
    begin();
}

/* -- the person: once for each code */
static void ask_person(void)
{
    if (!told) {
        told = true;
        print("open ", mcpt_oauth_url(&mcp.oauth));
        print("code ", mcpt_oauth_user_code(&mcp.oauth));
    }
}

/* -- what the device does: one call with all readings */
static void send_readings(void)
{
    mcpt_writer *w = mcpt_client_begin(&mcp.client, "tools/call", "record");
    unsigned i;
    if (w == NULL) {
        return;
    }
    to_send = false;
    mcpt_kv_z(w, "board", board_name);
    mcpt_key(w, "volts");
    mcpt_arr(w);
    for (i = 0; i < 4; ++i) {
        mcpt_put_fix(w, board_sensor(i), 3);
    }
    mcpt_end(w);
    sent = mcpt_client_send(&mcp.client) == MCPT_OK;
}

static void show_outcome(mcpt_err e)
{
    mcpt_val text = mcpt_get(mcpt_at(mcpt_get(mcpt_client_value(&mcp.client), "content"), 0), "text");
    char buf[128];
    mcpt_str shown;
    if (e == MCPT_OK && mcpt_get_str(text, buf, sizeof buf, &shown) == MCPT_OK) {
        print("answer ", shown);
    } else {
        print("failed: ", mcpt_z(mcpt_strerror(e)));
        print("because: ", mcpt_z(mcpt_oauth_reason(&mcp.oauth)));
    }
}

/* What the network did will pass: once more after a while, each time a longer one. Also a connection from before a reset without power,
 * of which the peer knows nothing and whose port came up again: its SYN may stay without an answer. */
static void fail(mcpt_err e)
{
    show_outcome(e);
    end();
    again = e == MCPT_E_IO || e == MCPT_E_CLOSED || e == MCPT_E_TIMEOUT;
    pause_ms = pause_ms == 0 ? 2000 : pause_ms < 60000 ? pause_ms * 2 : pause_ms;
    again_at = board_millis() + pause_ms;
}

static void work(void)
{
    switch (mcpt_client_status(&mcp.client)) {
    case MCPT_CLIENT_USER:
        ask_person();
        break;
    case MCPT_CLIENT_READY:
        told = false;
        if (sent) {
            sent = false;
            pause_ms = 0;
            show_outcome(mcpt_client_outcome(&mcp.client));
        } else if (to_send) {
            send_readings();
        }
        break;
    case MCPT_CLIENT_FAILED:
        fail(mcpt_client_outcome(&mcp.client));
        break;
    case MCPT_CLIENT_CLOSED:
        end();
        print("logged out", mcpt_z(""));
        break;
    default:
        break;
    }
}

/* -- the console: a line is a command */
static void report(void)
{
    const mcpt_peak peak = mcpt_io_peak(&mcp.channels[0].io);
    char text[400];
    mcpt_writer w;
    mcpt_str shown;
    mcpt_w_init(&w, text, sizeof text);
    mcpt_obj(&w);
    mcpt_kv_z(&w, "board", board_name);
    mcpt_kv_int(&w, "uptime_ms", board_millis());
    mcpt_kv_int(&w, "stack", board_stack_size());
    mcpt_kv_int(&w, "stack_used", board_stack_used());
    mcpt_kv_int(&w, "connects", net.connects);
    mcpt_kv_int(&w, "handshakes", tls.tls.full);
    mcpt_kv_int(&w, "client_bytes", sizeof mcp);
    mcpt_kv_int(&w, "rx_most", peak.rx);
    mcpt_kv_int(&w, "tx_most", peak.tx);
    mcpt_kv_int(&w, "revision", running ? mcpt_client_revision(&mcp.client) : 0);
    mcpt_end(&w);
    if (mcpt_w_done(&w, &shown) == MCPT_OK) {
        print("report ", shown);
    }
}

static void log_out(void)
{
    if (running) {
        mcpt_oauth_logout(&mcp.oauth);
        mcpt_client_close(&mcp.client);
    }
}

static void command(mcpt_str text)
{
    mcpt_str word = { text.ptr, 0 }, rest;
    size_t n;
    while (word.len < text.len && text.ptr[word.len] != ' ') {
        ++word.len;
    }
    n = word.len < text.len ? word.len + 1 : word.len;
    rest.ptr = text.ptr + n;
    rest.len = text.len - n;
    if (mcpt_str_is(word, "server")) {
        keep("server", rest);
    } else if (mcpt_str_is(word, "trust") && mcpt_b64_decode(rest, false, trust, sizeof trust, &n)) {
        keep("trust", (mcpt_str){ (const char *)trust, n });
    } else if (mcpt_str_is(word, "send")) {
        to_send = true;
        if (!running) {
            begin();
        }
    } else if (mcpt_str_is(word, "logout")) {
        log_out();
    } else if (mcpt_str_is(word, "report") || mcpt_str_is(word, "quit")) {
        report();
        if (word.ptr[0] == 'q') {
            emulation_only_exit(0);
        }
    } else if (mcpt_str_is(word, "reset")) {
        end();                        /* so the peer frees the port, which may come up again */
        board_reset();
    } else {
        print("server URL, trust BASE64, send, logout, report, reset or quit; not ", text);
    }
}

static void read_console(void)
{
    char c;
    while (board_uart_read(BOARD_CONSOLE, &c, 1) == 1) {
        if (c == '\n') {
            const size_t n = line_len;
            line_len = 0;
            command((mcpt_str){ line, n });
        } else if (line_len < sizeof line) {
            line[line_len++] = c;     /* what is longer means nothing */
        }
    }
}

int main(void);
int main(void)
{
    if (!emulation_only_seed()) {
        board_fault("no seed", 0, 0);
    }
    emulation_only_fuses(device_key);
    store = settings_open();
    if (store == NULL) {
        board_fault("settings", 0, 0);
    }
    network_init();
    print(board_name, mcpt_z(" is up"));
    begin();
    for (;;) {
        uint32_t due = (uint32_t)-1;
        network_move();
        if (running) {
            due = mcpt_lwip_client_poll(&net);
            work();
        } else if (again && (int32_t)(board_millis() - again_at) >= 0) {
            begin();
        }
        read_console();
        if (due != 0) {
            board_sleep();            /* at most until the next tick */
        }
    }
}
