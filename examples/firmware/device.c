/* device.c - a device on a microcontroller: sensors, a light, a log and settings, for MCP clients over Ethernet and over a UART (a
 * message a line) at the same time. On the network it serves everybody (port 80), or, with FIRMWARE_TLS, over TLS those that were
 * paired with it (port 443).
 *
 *   make firmware
 *   build/firmware/lm3s6965evb-device --port 8080           then http://localhost:8080/mcp
 *   build/firmware/lm3s6965evb-device-tls --port 8443       then https://localhost:8443/mcp
 *
 * How to read it: the device's state; then tools, resources and prompts, each a few handlers and a table; then the memory;
 * then main(). What is emulated here and is yours in a product: emulation_only.c. */
#include "board.h"
#include "console.h"
#include "emulation_only.h"
#include "network.h"
#if FIRMWARE_TLS
#include "protect.h"
#else
#include "port/crypto_mbedtls.h"
#endif
#include "settings.h"
#include <string.h>

/* -- the device's state */
enum { LOG_LINES = 16, NAME_SIZE = 48 };
static struct {
    char name[NAME_SIZE];
    bool led;
    const mcpt_store *settings;
    struct { uint32_t when; const char *what; } log[LOG_LINES];     /* a ring */
    unsigned logged;
    uint32_t restart_at;              /* 0: no restart is due */
    bool stopping, forget;            /* the restart has begun; it is to be one as from the factory */
} device = { .name = "board" };
static mcpt_hub hub;
static mcpt_lwip net;

/* Adds a line to the log (static text) and tells everybody who watches it. */
static void note(const char *what)
{
    device.log[device.logged % LOG_LINES].when = board_millis();
    device.log[device.logged++ % LOG_LINES].what = what;
    mcpt_hub_updated(&hub, "device://log");
}

/* -- tools */
#define JSON(...) #__VA_ARGS__                /* JSON as it is written, for schemas */

static mcpt_err read_state(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_lwip_stats s = mcpt_lwip_now(&net);
    (void)call;
    (void)args;
    mcpt_structured(out);
    mcpt_kv_z(out, "name", device.name);
    mcpt_kv_z(out, "board", board_name);
    mcpt_kv_fix(out, "uptime_seconds", board_millis(), 3);
    mcpt_kv_bool(out, "led", device.led);
    mcpt_kv_int(out, "connections", s.connections);
    mcpt_kv_int(out, "stack_bytes_used", board_stack_used());
    mcpt_end(out);
    return MCPT_OK;
}

static mcpt_err read_sensor(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t channel = mcpt_int_or(mcpt_get(args, "channel"), 0);    /* checked against the schema already */
    (void)call;
    mcpt_structured(out);
    mcpt_kv_int(out, "channel", channel);
    mcpt_kv_fix(out, "volts", board_sensor((unsigned)channel), 3);
    mcpt_end(out);
    return MCPT_OK;
}

static mcpt_err set_led(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    device.led = mcpt_bool_or(mcpt_get(args, "on"), false);
    board_led(device.led);
    note(device.led ? "light on" : "light off");
    mcpt_text_z(out, device.led ? "The light is on." : "The light is off.");
    return MCPT_OK;
}

static mcpt_err set_name(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[NAME_SIZE];
    mcpt_str name;
    (void)call;
    if (mcpt_get_str(mcpt_get(args, "name"), buf, sizeof buf - 1, &name) != MCPT_OK || name.len >= NAME_SIZE) {
        return mcpt_fail(out, "The name is longer than 47 bytes.");
    }
    if (device.settings->write(device.settings->user, "name", name) != MCPT_OK) {
        return mcpt_fail(out, "The name could not be kept.");
    }
    memmove(device.name, name.ptr, name.len);
    device.name[name.len] = '\0';
    note("named");
    mcpt_text_z(out, "The device keeps its new name.");
    return MCPT_OK;
}

/* Work that takes a while does not block: a sample, then PENDING until the next one is due. */
struct samples { uint32_t sum; int16_t low, high; uint8_t done; };
typedef char samples_fit_into_scratch[sizeof(struct samples) <= MCPT_SCRATCH ? 1 : -1];

static mcpt_err sample(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t channel = mcpt_int_or(mcpt_get(args, "channel"), 0), count = mcpt_int_or(mcpt_get(args, "count"), 10);
    int16_t now = (int16_t)board_sensor((unsigned)channel);
    struct samples s;
    mcpt_err e = mcpt_task(call, false, 60000, 500);
    if (e != MCPT_OK || call->cancelled) {
        return e != MCPT_OK ? e : MCPT_E_CANCELLED;
    }
    memcpy(&s, call->scratch, sizeof s);
    s.low = s.done == 0 || now < s.low ? now : s.low;
    s.high = now > s.high ? now : s.high;
    s.sum += (uint32_t)now;
    ++s.done;
    memcpy(call->scratch, &s, sizeof s);
    (void)mcpt_progress(call, s.done, count, NULL);
    if (s.done < count) {
        mcpt_retry_after(call, 50);
        return MCPT_PENDING;
    }
    (void)mcpt_log(call, MCPT_INFO, "sample", mcpt_z("all samples taken"));
    mcpt_structured(out);
    mcpt_kv_fix(out, "low", s.low, 3);
    mcpt_kv_fix(out, "high", s.high, 3);
    mcpt_kv_fix(out, "mean", s.sum / s.done, 3);
    mcpt_end(out);
    return MCPT_OK;
}

static mcpt_err restart(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val answer;
    mcpt_err e = mcpt_ask_form(call, "sure", "Restart the device?",
        JSON({"type":"object","properties":{"sure":{"type":"boolean","description":"Really?"}},"required":["sure"]}), &answer);
    (void)args;
    if (e != MCPT_OK) {
        return e;
    }
    if (!mcpt_bool_or(mcpt_get(answer, "sure"), false)) {
        return mcpt_fail(out, "The user was not sure.");
    }
    device.restart_at = (board_millis() + 200) | 1u;                /* the answer goes out first */
    mcpt_text_z(out, "The device restarts.");
    return MCPT_OK;
}

static const mcpt_tool tools[] = {
    MCPT_TOOL("read_state", "Name, uptime, light, connections and stack of the device.", NULL, read_state, MCPT_READ_ONLY),
    MCPT_TOOL("read_sensor", "Read one analog input, in volts.",
        JSON({"type":"object","properties":{"channel":{"type":"integer","minimum":0,"maximum":3}},"required":["channel"]}),
        read_sensor, MCPT_READ_ONLY),
    { .name = "set_led", .description = "Switch the light on or off.", .fn = set_led, .flags = MCPT_IDEMPOTENT, .scopes = "control",
      .input_schema = JSON({"type":"object","properties":{"on":{"type":"boolean"}},"required":["on"]}) },
    { .name = "set_name", .description = "Give the device a name; it keeps it over a restart.", .fn = set_name, .flags = MCPT_IDEMPOTENT,
      .input_schema = JSON({"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":47}},"required":["name"]}),
      .scopes = "control" },
    MCPT_TOOL("sample", "Read one analog input every 50 ms: lowest, highest, mean. Reports progress.",
        JSON({"type":"object","properties":{"channel":{"type":"integer","minimum":0,"maximum":3},
              "count":{"type":"integer","minimum":1,"maximum":200}},"required":["channel"]}), sample, MCPT_READ_ONLY),
    { .name = "restart", .description = "Restart the device, after the user has agreed.", .fn = restart, .scopes = "control" }
};

/* -- resources and prompts */
static mcpt_err read_log(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    unsigned i = device.logged > LOG_LINES ? device.logged - LOG_LINES : 0;
    (void)call;
    (void)uri;
    mcpt_text_begin(out);
    for (; i < device.logged; ++i) {
        char digits[12];
        mcpt_writer number;
        mcpt_w_init(&number, digits, sizeof digits);
        mcpt_put_int(&number, device.log[i % LOG_LINES].when);
        mcpt_str_add(out, (mcpt_str){ digits, number.len });
        mcpt_str_add(out, mcpt_z(" ms: "));
        mcpt_str_add(out, mcpt_z(device.log[i % LOG_LINES].what));
        mcpt_str_add(out, mcpt_z("\n"));
    }
    mcpt_text_end(out);
    return MCPT_OK;
}

static mcpt_err read_setting(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    char key[MCPT_STORE_KEY + 1], value[NAME_SIZE];
    mcpt_str k;
    size_t n;
    (void)uri;
    if (mcpt_uri_var(call, "key", key, sizeof key - 1, &k) != MCPT_OK) {
        return MCPT_E_NOT_FOUND;
    }
    key[k.len] = '\0';
    if (device.settings->read(device.settings->user, key, value, sizeof value, &n) != MCPT_OK) {
        return MCPT_E_NOT_FOUND;
    }
    mcpt_text(out, (mcpt_str){ value, n });
    return MCPT_OK;
}

static mcpt_err complete_setting(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context, mcpt_writer *out)
{
    (void)call;
    (void)argument;
    (void)value;
    (void)context;
    mcpt_completion(out, mcpt_z("name"));
    return MCPT_OK;
}

static const char manual[] =
    "A board with four analog inputs and a light. read_sensor reads an input once, sample reads it for a while. "
    "set_name names the device for good. What happened is in device://log.";
static const mcpt_resource resources[] = {
    { .uri = "device://log", .name = "log", .description = "What happened, newest last; watch it.", .mime = "text/plain",
      .fn = read_log },
    { .uri = "device://manual", .name = "manual", .mime = "text/plain", .data = manual, .size = sizeof manual - 1 },
    { .uri = "device://settings/{key}", .name = "setting", .mime = "text/plain", .fn = read_setting, .complete = complete_setting }
};

static mcpt_err diagnose(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_message(out, "user");
    mcpt_text_z(out, "Read the state, the log and all four inputs of this device and tell me what looks wrong.");
    return MCPT_OK;
}
static const mcpt_prompt prompts[] = { { .name = "diagnose", .description = "Look for trouble.", .fn = diagnose } };

/* -- the server and its memory */
static uint32_t millis(void *user)
{
    (void)user;
    return board_millis();
}

#if FIRMWARE_TLS
#define CRYPTO protect_crypto
#else
static const mcpt_crypto hashes = { .sha256 = mcpt_mbedtls_sha256, .hmac_sha256 = mcpt_mbedtls_hmac_sha256 };
#define CRYPTO hashes
#endif
static const mcpt_env env = { .millis = millis, .unix_time = emulation_only_unix_time, .random = emulation_only_random, .crypto = &CRYPTO };
static const mcpt_server server = {
    .name = "mcptools-device", .version = "1.0.0", .title = "A board", .tools = tools, .ntools = MCPT_COUNT(tools),
    .resources = resources, .nresources = MCPT_COUNT(resources), .prompts = prompts, .nprompts = MCPT_COUNT(prompts),
    .offers = MCPT_OFFER_SUBSCRIBE | MCPT_OFFER_LOGGING | MCPT_OFFER_COMPLETIONS | MCPT_OFFER_TASKS, .env = &env,
#if FIRMWARE_TLS
    .guard = &protect_guard, .identity = &protect_identity, .idle_ms = 10000        /* TLS connections are few */
#endif
};

enum { CONNECTIONS = FIRMWARE_CONNECTIONS, BUFFERS = 2, RX = FIRMWARE_RX, TX = 1024, TOK = 64, SESSIONS = 3, LISTENERS = 2, SLOTS = 3,
       SLOT_SIZE = 768 };
static uint8_t net_memory[MCPT_LWIP_SIZE(CONNECTIONS, BUFFERS, RX, TX, TOK)];
static mcpt_session sessions[SESSIONS];
static mcpt_listener listeners[LISTENERS];
static mcpt_slot slots[SLOTS];
static uint8_t slot_data[SLOTS * SLOT_SIZE];
static mcpt_tok hub_tok[TOK];
static char uart_rx[1024], uart_tx[TX];
static mcpt_tok uart_tok[TOK];
static mcpt_conn uart;
#if FIRMWARE_TLS
static mcpt_verdict verdicts[3];      /* tokens that were checked a moment ago */
#endif

/* A UART has no end of a connection. Whoever connects a client to it (tests/firmware/bridge.mjs) first sends EOT, which is
 * not JSON: what an earlier client left, half a line, a session, subscriptions, ends there. */
enum { EOT = 4 };

static void open_uart(void)
{
    const mcpt_mem mem = { uart_rx, sizeof uart_rx, uart_tx, sizeof uart_tx, uart_tok, TOK };
    if (mcpt_conn_init(&uart, &server, &hub, &mem, MCPT_LINES, NULL) != MCPT_OK) {
        board_fault("no UART", 0, 0);
    }
}

static size_t read_uart(char *to, size_t cap, bool *end)
{
    size_t n = 0;
    while (n < cap && !*end && board_uart_read(BOARD_MCP, to + n, 1) == 1) {
        *end = to[n] == EOT;
        n += !*end;
    }
    return n;
}

/* Moves what the UART has and takes; also when the hub says that its connection has something to say. */
static void serve_uart(void *user, mcpt_conn *c)
{
    bool end = false;
    size_t n, got;
    (void)user;
    for (;;) {
        unsigned want = mcpt_io_want(&c->io);
        const char *from = mcpt_io_tx(&c->io, &n);
        if ((want & MCPT_CLOSED) != 0) {
            mcpt_conn_close(c);
            open_uart();
        } else if (from != NULL) {
            got = board_uart_write(BOARD_MCP, from, n);
            mcpt_io_tx_ack(&c->io, got);
            if (got == 0) {
                return;
            }
        } else {
            char *to = (want & MCPT_WANT_RX) != 0 ? mcpt_io_rx(&c->io, &n) : NULL;
            got = to != NULL ? read_uart(to, n, &end) : 0;
            if (got == 0 && !end) {
                return;
            }
            mcpt_io_rx_ack(&c->io, got);
            if (end) {
                mcpt_io_eof(&c->io);
                end = false;
            }
        }
    }
}

static void load_settings(void)
{
    size_t n;
    device.settings = settings_open();
    if (device.settings == NULL) {
        board_fault("settings", 0, 0);
    }
    if (device.settings->read(device.settings->user, "name", device.name, sizeof device.name - 1, &n) == MCPT_OK) {
        device.name[n] = '\0';
    }
}

/* What a person at the device may order: 'c', its certificate; 'F', as it came from the factory. Others the console knows. */
static void obey(char command)
{
#if FIRMWARE_TLS
    if (command == 'c') {
        protect_print_certificate();
    } else if (command == 'F') {
        device.forget = true;
        device.restart_at = board_millis() | 1u;
    }
#endif
    (void)command;
}

/* Connections end in order first, so that clients know; but not for longer than a second. */
static void restart_when_due(void)
{
    uint32_t late = board_millis() - device.restart_at;
    if (device.restart_at == 0 || (int32_t)late < 0) {
        return;
    }
    if (!device.stopping) {
        device.stopping = true;
        mcpt_lwip_stop(&net);
    }
    if (mcpt_lwip_now(&net).connections == 0 || late > 1000) {
#if FIRMWARE_TLS
        if (device.forget && !protect_factory_reset()) {
            console_print("not all is forgotten: try again\n");
        }
#endif
        board_reset();
    }
}

int main(void);
int main(void)
{
    const mcpt_hub_mem mem = {
        .sessions = sessions, .nsessions = SESSIONS, .listeners = listeners, .nlisteners = LISTENERS, .slots = slots,
        .nslots = SLOTS, .slot_data = slot_data, .slot_size = SLOT_SIZE, .tok = hub_tok, .ntok = TOK,
#if FIRMWARE_TLS
        .verdicts = verdicts, .nverdicts = MCPT_COUNT(verdicts)
#endif
    };
    mcpt_lwip_config config = {
        .server = &server, .hub = &hub, .connections = CONNECTIONS, .buffers = BUFFERS, .rx_size = RX, .tx_size = TX,
        .ntok = TOK, .other = serve_uart
    };
    if (!emulation_only_seed()) {
        board_fault("no seed", 0, 0);
    }
    load_settings();
    network_init();
    if (mcpt_hub_init(&hub, &server, &mem) != MCPT_OK) {
        board_fault("no hub", 0, 0);
    }
#if FIRMWARE_TLS
    config.tls = protect_begin(&env, device.settings, &hub);
    config.port = 443;
#endif
    if (mcpt_lwip_init(&net, &config, net_memory, sizeof net_memory) != MCPT_OK) {
        board_fault("no server", 0, 0);
    }
    open_uart();
    note("started");
    console_print("listening\n");
    for (;;) {
        network_turn(&net);
        serve_uart(NULL, &uart);
        obey(console_turn(&net, &hub));
        restart_when_due();
    }
}
