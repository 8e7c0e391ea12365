/* 05: this machine as a device. What "make run" starts: its sensors, its disks, a log, a picture of its load,
 * and a few things one can do to it, for any MCP client over HTTP or stdio.
 *
 *   make run                          serves http://localhost:8080/mcp to clients that it is paired with
 *   make run ARGS=--tls               serves https, with a key and certificate that it makes for itself
 *   build/device --help               what else it can do
 *
 * How to read it: the device's state; then tools, resources and prompts, each a few handlers and a table that
 * says what is offered; then the memory; then main(). Your device replaces this_machine_sensors.h. */
#define _GNU_SOURCE
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "port/crypto_mbedtls.h"
#include "port/posix.h"
#include "port/posix_stdio.h"
#include "port/store_fs.h"
#include "port/tls_mbedtls.h"

#ifndef GATEWAY                       /* 09_gateway.c: the same, with a store that several processes share */
#define GATEWAY 0
#define REMEMBER_MS 0                 /* how long the verdict on a token holds; 0: a minute */
#endif
#include "device_certificate.h"
#include "device_documents.h"
#include "this_machine_gauge.h"
#include "this_machine_sensors.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

/* ------------------------------------------------------------------------------------- the device's state */

enum { LOG_LINES = 64, LOG_TEXT = 96, NAME_SIZE = 48, MAX_DISKS = 16 };

static struct {
    char name[NAME_SIZE];
    struct { int64_t when; char text[LOG_TEXT]; } log[LOG_LINES];   /* a ring */
    unsigned log_first, log_count;
} device = { .name = "this machine" };

static mcpt_hub hub;                            /* what the connections share; see "memory" below */

/* Adds a line to the log and tells everybody who watches it. */
static void note(const char *text)
{
    unsigned at = (device.log_first + device.log_count) % LOG_LINES;
    if (device.log_count == LOG_LINES) {
        device.log_first = (device.log_first + 1) % LOG_LINES;
    } else {
        device.log_count++;
    }
    device.log[at].when = (int64_t)time(NULL);
    (void)snprintf(device.log[at].text, LOG_TEXT, "%s", text);
    for (size_t len = strlen(device.log[at].text); !mcpt_utf8_ok(mcpt_z(device.log[at].text));) {
        device.log[at].text[--len] = 0;         /* the end was cut in the middle of a character */
    }
    mcpt_hub_updated(&hub, "device://log");
}

/* -------------------------------------------------------------------------------------------------- tools */

#define JSON(...) #__VA_ARGS__                  /* JSON as it is written, for schemas */

static mcpt_err read_state(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t milli;
    (void)call;
    (void)args;
    mcpt_structured(out);
    mcpt_kv_z(out, "name", device.name);
    mcpt_kv_int(out, "processors", sysconf(_SC_NPROCESSORS_ONLN));
    for (size_t i = 0; i < MCPT_COUNT(sensors); i++) {
        if (sensors[i].read(&milli)) {
            mcpt_kv_fix(out, sensors[i].name, milli, 3);
        }
    }
    mcpt_end(out);
    return MCPT_OK;
}

static mcpt_err list_disks(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    static struct disk disks[MAX_DISKS];
    size_t n = read_disks(disks, MAX_DISKS);
    (void)call;
    (void)args;
    mcpt_structured(out);
    mcpt_key(out, "disks");
    mcpt_arr(out);
    for (size_t i = 0; i < n; i++) {
        if (!mcpt_utf8_ok(mcpt_z(disks[i].mount))) {
            continue;                           /* file names are bytes, JSON is text */
        }
        mcpt_obj(out);
        mcpt_kv_z(out, "mount", disks[i].mount);
        mcpt_kv_z(out, "type", disks[i].type);
        mcpt_kv_int(out, "total_mb", (int64_t)(disks[i].total >> 20));
        mcpt_kv_int(out, "free_mb", (int64_t)(disks[i].free >> 20));
        mcpt_end(out);
    }
    mcpt_end(out);
    mcpt_end(out);
    return MCPT_OK;
}

/* What watch_load keeps from one second to the next, in the call's scratch memory. Loads in hundredths. */
struct watch {
    uint32_t next, sum;
    uint16_t done, low, high;
};
typedef char watch_fits_into_scratch[sizeof(struct watch) <= MCPT_SCRATCH ? 1 : -1];

/* Slow work does not block: it does what is due, says when it wants to be called again, and answers PENDING.
 * Between the calls the device serves everybody else. */
static mcpt_err watch_load(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t seconds = mcpt_int_or(mcpt_get(args, "seconds"), 5), milli = 0;
    uint32_t now = call->server->env->millis(call->server->env->user);
    char text[48];
    struct watch w;
    if (call->cancelled) {                      /* the last run: the client has gone or changed its mind */
        return MCPT_E_CANCELLED;
    }
    memcpy(&w, call->scratch, sizeof w);
    if (call->pass == 0) {
        w.next = now + 1000;
        (void)mcpt_progress(call, 0, seconds, "watching");
        (void)mcpt_log(call, MCPT_INFO, "watch_load", mcpt_z("watching the load"));
    } else if ((int32_t)(now - w.next) >= 0) {  /* it may also be called early */
        uint16_t load = (uint16_t)(read_load1(&milli) && milli < 655350 ? milli / 10 : 0);
        w.low = w.done == 0 || load < w.low ? load : w.low;
        w.high = load > w.high ? load : w.high;
        w.sum += load;
        w.done++;
        w.next += 1000;
        (void)snprintf(text, sizeof text, "load %u.%02u", load / 100u, load % 100u);
        (void)mcpt_progress(call, w.done, seconds, text);
    }
    memcpy(call->scratch, &w, sizeof w);
    if (w.done < seconds) {
        mcpt_retry_after(call, w.next - now);
        return MCPT_PENDING;
    }
    mcpt_structured(out);
    mcpt_kv_int(out, "samples", w.done);
    mcpt_kv_fix(out, "low", w.low, 2);
    mcpt_kv_fix(out, "high", w.high, 2);
    mcpt_kv_fix(out, "mean", w.sum / w.done, 2);
    mcpt_end(out);
    return MCPT_OK;
}

/* Asks the user. OK: go on. DECLINED: out says so. Anything else (still asking, cannot be asked): return it.
 * Handlers ask before they do anything, because they start anew when the answer is there. */
static mcpt_err confirm(mcpt_call *call, mcpt_writer *out, const char *question)
{
    mcpt_val answer;
    mcpt_err e = mcpt_ask_form(call, "confirm", question, JSON({
        "type": "object",
        "properties": { "confirm": { "type": "boolean", "title": "Yes, do it" } },
        "required": [ "confirm" ]
    }), &answer);
    if (e == MCPT_OK && !mcpt_bool_or(mcpt_get(answer, "confirm"), false)) {
        e = MCPT_E_DECLINED;
    }
    if (e == MCPT_E_DECLINED) {
        (void)mcpt_fail(out, "The user did not agree. Nothing was changed.");
    }
    return e;
}

static mcpt_err rename_device(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char name[NAME_SIZE], text[2 * NAME_SIZE + 48];
    mcpt_str s;
    mcpt_err e = mcpt_get_str(mcpt_get(args, "name"), name, sizeof name, &s);
    if (e != MCPT_OK || s.len >= sizeof name) {
        return mcpt_fail(out, "name is too long: at most 47 bytes");
    }
    memmove(name, s.ptr, s.len);                /* s may be a view of the request */
    name[s.len] = 0;
    (void)snprintf(text, sizeof text, "Rename this device from \"%s\" to \"%s\"?", device.name, name);
    e = confirm(call, out, text);
    if (e != MCPT_OK) {
        return e == MCPT_E_DECLINED ? MCPT_OK : e;
    }
    (void)snprintf(text, sizeof text, "renamed from \"%s\" to \"%s\"", device.name, name);
    memcpy(device.name, name, s.len + 1);
    note(text);
    mcpt_text_z(out, text);
    return MCPT_OK;
}

static mcpt_err clear_log(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_err e = confirm(call, out, "Clear the device's log?");
    (void)args;
    if (e != MCPT_OK) {
        return e == MCPT_E_DECLINED ? MCPT_OK : e;
    }
    device.log_count = 0;
    note("log cleared");
    mcpt_text_z(out, "The log is empty.");
    return MCPT_OK;
}

static mcpt_err add_note(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[LOG_TEXT];
    mcpt_str s;
    (void)call;
    if (mcpt_get_str(mcpt_get(args, "text"), buf, sizeof buf, &s) != MCPT_OK || s.len >= sizeof buf) {
        return mcpt_fail(out, "text is too long: at most 95 bytes");
    }
    memmove(buf, s.ptr, s.len);
    buf[s.len] = 0;
    note(buf);
    mcpt_text_z(out, "Noted.");
    return MCPT_OK;
}

static const mcpt_tool tools[] = {
    { .name = "read_state", .title = "Read state", .description = "Reads every sensor of this machine.",
      .output_schema = JSON({
          "type": "object",
          "properties": {
              "name": { "type": "string", "description": "Name of the device" },
              "processors": { "type": "integer", "description": "Processors in use" },
              "temperature": { "type": "number", "description": "Hottest sensor, degrees Celsius" },
              "load1": { "type": "number", "description": "Running tasks, mean of one minute" },
              "load5": { "type": "number", "description": "Running tasks, mean of five minutes" },
              "load15": { "type": "number", "description": "Running tasks, mean of fifteen minutes" },
              "memory": { "type": "number", "description": "Memory in use, percent" },
              "uptime": { "type": "number", "description": "Seconds since the start" }
          },
          "required": [ "name", "processors" ]
      }),
      .fn = read_state, .flags = MCPT_READ_ONLY | MCPT_CLOSED_WORLD },
    { .name = "list_disks", .title = "List disks", .description = "Lists the disks with size and free space.",
      .output_schema = JSON({
          "type": "object",
          "properties": {
              "disks": { "type": "array", "items": {
                  "type": "object",
                  "properties": {
                      "mount": { "type": "string" }, "type": { "type": "string" },
                      "total_mb": { "type": "integer" }, "free_mb": { "type": "integer" }
                  },
                  "required": [ "mount", "type", "total_mb", "free_mb" ]
              } }
          },
          "required": [ "disks" ]
      }),
      .fn = list_disks, .flags = MCPT_READ_ONLY | MCPT_CLOSED_WORLD },
    { .name = "watch_load", .title = "Watch the load",
      .description = "Samples the load once a second; reports lowest, highest and mean. Shows its progress.",
      .input_schema = JSON({
          "type": "object",
          "properties": {
              "seconds": { "type": "integer", "minimum": 1, "maximum": 60, "default": 5,
                           "description": "How long to watch" }
          },
          "additionalProperties": false
      }),
      .output_schema = JSON({
          "type": "object",
          "properties": {
              "samples": { "type": "integer" }, "low": { "type": "number" },
              "high": { "type": "number" }, "mean": { "type": "number" }
          },
          "required": [ "samples", "low", "high", "mean" ]
      }),
      .fn = watch_load, .flags = MCPT_READ_ONLY | MCPT_CLOSED_WORLD },
    { .name = "rename_device", .title = "Rename the device",
      .description = "Gives the device another name, if the user agrees.",
      .input_schema = JSON({
          "type": "object",
          "properties": {
              "name": { "type": "string", "minLength": 1, "maxLength": 47, "description": "The new name" }
          },
          "required": [ "name" ],
          "additionalProperties": false
      }),
      .fn = rename_device, .flags = MCPT_NON_DESTRUCTIVE | MCPT_IDEMPOTENT | MCPT_CLOSED_WORLD, .scopes = "control" },
    { .name = "clear_log", .title = "Clear the log", .description = "Empties the log, if the user agrees.",
      .fn = clear_log, .flags = MCPT_IDEMPOTENT | MCPT_CLOSED_WORLD, .scopes = "control" },
    { .name = "add_note", .title = "Add a note", .description = "Writes a line into the device's log.",
      .input_schema = JSON({
          "type": "object",
          "properties": {
              "text": { "type": "string", "minLength": 1, "maxLength": 95, "description": "What to write" }
          },
          "required": [ "text" ],
          "additionalProperties": false
      }),
      .fn = add_note, .flags = MCPT_NON_DESTRUCTIVE | MCPT_CLOSED_WORLD, .scopes = "control", .rate = 120, .burst = 20 }
};

/* ---------------------------------------------------------------------------------------------- resources */

static mcpt_err read_log(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    char when[32];
    (void)call;
    (void)uri;
    mcpt_text_begin(out);
    for (unsigned i = 0; i < device.log_count; i++) {
        unsigned at = (device.log_first + i) % LOG_LINES;
        time_t t = (time_t)device.log[at].when;
        struct tm tm;
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%SZ  ", gmtime_r(&t, &tm));
        mcpt_str_add(out, mcpt_z(when));
        mcpt_str_add(out, mcpt_z(device.log[at].text));
        mcpt_str_add(out, mcpt_z("\n"));
    }
    mcpt_text_end(out);
    return MCPT_OK;
}

static mcpt_err read_picture(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    static struct png picture;
    (void)call;
    (void)uri;
    draw_load(&picture);
    mcpt_blob(out, picture.data, picture.len);
    return MCPT_OK;
}

/* device://sensor/{name}: a small JSON document. */
static mcpt_err read_sensor(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    char name[32], json[160];
    mcpt_str wanted, text;
    mcpt_writer w;
    int64_t milli;
    (void)uri;
    if (mcpt_uri_var(call, "name", name, sizeof name, &wanted) != MCPT_OK) {
        return MCPT_E_NOT_FOUND;
    }
    for (size_t i = 0; i < MCPT_COUNT(sensors); i++) {
        if (mcpt_str_is(wanted, sensors[i].name) && sensors[i].read(&milli)) {
            mcpt_w_init(&w, json, sizeof json);
            mcpt_obj(&w);
            mcpt_kv_z(&w, "sensor", sensors[i].name);
            mcpt_kv_fix(&w, "value", milli, 3);
            mcpt_kv_z(&w, "unit", sensors[i].unit);
            mcpt_end(&w);
            if (mcpt_w_done(&w, &text) != MCPT_OK) {
                return MCPT_E_SPACE;
            }
            mcpt_text(out, text);
            return MCPT_OK;
        }
    }
    return MCPT_E_NOT_FOUND;
}

/* Proposes name when what was typed so far is its beginning. */
static void propose(mcpt_writer *out, mcpt_str typed, const char *name)
{
    if (typed.len <= strlen(name) && memcmp(name, typed.ptr, typed.len) == 0) {
        mcpt_completion(out, mcpt_z(name));
    }
}

static mcpt_err complete_sensor(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context,
                                mcpt_writer *out)
{
    int64_t milli;
    (void)call;
    (void)argument;
    (void)context;
    for (size_t i = 0; i < MCPT_COUNT(sensors); i++) {
        if (sensors[i].read(&milli)) {
            propose(out, value, sensors[i].name);
        }
    }
    return MCPT_OK;
}

static const char about[] =
    "This machine as an MCP device.\n"
    "Tools read its sensors and disks, watch its load and keep its log.\n"
    "Resources show the log, single sensors and a picture of the load.\n";

static const mcpt_resource resources[] = {
    { .uri = "device://about", .name = "about", .title = "About this device", .mime = "text/plain",
      .description = "What this device is.", .data = about, .size = sizeof about - 1 },
    { .uri = "device://load.png", .name = "load.png", .title = "Load gauge", .mime = "image/png",
      .description = "The load of one, five and fifteen minutes; red when every processor is busy.",
      .fn = read_picture },
    { .uri = "device://log", .name = "log", .title = "Log", .mime = "text/plain",
      .description = "What happened since the device was started. Can be subscribed to.", .fn = read_log },
    { .uri = "device://sensor/{name}", .name = "sensor", .title = "Sensor", .mime = "application/json",
      .description = "One sensor: temperature, load1, load5, load15, memory or uptime.", .fn = read_sensor,
      .complete = complete_sensor }
};

/* ------------------------------------------------------------------------------------------------ prompts */

static const char *const focuses[] = { "disks", "load", "memory", "temperature" };

static mcpt_err diagnose(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[64], line[96];
    mcpt_str focus = mcpt_z("its general health");
    int64_t milli;
    (void)call;
    (void)mcpt_get_str(mcpt_get(args, "focus"), buf, sizeof buf, &focus);
    mcpt_message(out, "user");
    mcpt_text_begin(out);
    mcpt_str_add(out, mcpt_z("You look after the device \""));
    mcpt_str_add(out, mcpt_z(device.name));
    mcpt_str_add(out, mcpt_z("\". Diagnose it, with an eye on "));
    mcpt_str_add(out, focus);
    mcpt_str_add(out, mcpt_z(". Its sensors now:\n"));
    for (size_t i = 0; i < MCPT_COUNT(sensors); i++) {
        if (sensors[i].read(&milli)) {
            (void)snprintf(line, sizeof line, "- %s: %.2f (%s)\n", sensors[i].name, (double)milli / 1000,
                           sensors[i].unit);
            mcpt_str_add(out, mcpt_z(line));
        }
    }
    mcpt_str_add(out, mcpt_z("Use list_disks and watch_load for more. Say what is wrong and what to do."));
    mcpt_text_end(out);
    mcpt_message(out, "user");
    mcpt_resource_link(out, "device://log", "log", "text/plain");
    return MCPT_OK;
}

static mcpt_err complete_focus(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context,
                               mcpt_writer *out)
{
    (void)call;
    (void)argument;
    (void)context;
    for (size_t i = 0; i < MCPT_COUNT(focuses); i++) {
        propose(out, value, focuses[i]);
    }
    return MCPT_OK;
}

static const mcpt_prompt_arg diagnose_args[] = {
    { .name = "focus", .title = "Focus", .description = "What to look at: disks, load, memory, temperature" }
};
static const mcpt_prompt prompts[] = {
    { .name = "diagnose", .title = "Diagnose this device", .description = "Asks what is wrong with it.",
      .args = diagnose_args, .nargs = MCPT_COUNT(diagnose_args), .fn = diagnose, .complete = complete_focus }
};

/* --------------------------------------------------------------------------------------------- the server */

/* Every finished tool call becomes a line of the log. */
static void audit(void *user, const mcpt_audit *record)
{
    char text[LOG_TEXT];
    const char *end = record->result == MCPT_E_CANCELLED ? "cancelled"
                    : record->result != MCPT_OK ? mcpt_strerror(record->result)
                    : record->is_error ? "failed" : "done";
    (void)user;
    (void)snprintf(text, sizeof text, "%s: %s", record->tool->name, end);
    note(text);
}

static const mcpt_env env = {
    mcpt_posix_millis, mcpt_posix_unix_time, mcpt_posix_random, mcpt_posix_log, &mcpt_mbedtls_crypto, NULL
};
/* Who may come in: clients that this machine was paired with, each by a code that it shows on the console. */
static void show(void *user, const char *code, mcpt_str client)
{
    (void)user;
    if (code != NULL) {
        (void)printf("\n\"%.*s\" asks to use this machine. If that is you, type this code into your browser: %s\n",
                     (int)client.len, client.ptr, code);
        (void)fflush(stdout);
    }
}

static mcpt_store_fs records;
static mcpt_pairing pairing;
static const mcpt_pairing_scope scopes[] = {
    { "read", "read its sensors, its disks and its log" },
    { "control", "rename it, write into its log and clear it" }
};
static mcpt_pairing_config pairing_config = { .store = &records.store, .show = show, .scopes = scopes, .nscopes = MCPT_COUNT(scopes) };
static const mcpt_guard guard = { .verify = mcpt_pairing_verify, .user = &pairing, .pairing = &pairing, .scopes = "read",
                                  .remember_ms = REMEMBER_MS };

static char host_name[64], host_local[72];      /* names under which a network may know this machine */
static char host_public[256];                   /* and the one that --base-url says */
static const char *const host_names[] = { host_name, host_local, host_public };
static const char *public_origin[1];
static mcpt_identity identity = { .hosts = host_names, .nhosts = MCPT_COUNT(host_names) };

/* Everything above in one object; const, in flash, where --open need not take the guard away. */
static mcpt_server server = {
    .name = "this-machine", .version = "0.1.0", .title = "This machine",
    .instructions = "Sensors, disks and log of the computer this server runs on. Start with read_state.",
    .tools = tools, .ntools = MCPT_COUNT(tools),
    .resources = resources, .nresources = MCPT_COUNT(resources),
    .prompts = prompts, .nprompts = MCPT_COUNT(prompts),
    .offers = MCPT_OFFER_SUBSCRIBE | MCPT_OFFER_LOGGING | MCPT_OFFER_COMPLETIONS,
    .env = &env, .identity = &identity, .audit = audit, .guard = &guard
};

/* ------------------------------------------------------------------------------------------------- memory */

/* Nothing is ever allocated: what is here is all there is. For a microcontroller make the numbers smaller. */
enum { SESSIONS = 32, LISTENERS = 32, SLOTS = 32, SLOT_SIZE = 8192, REPLAY_SIZE = 4096 };
enum { CONNECTIONS = 256, BUFFERS = 32, MESSAGE = 16384, TOKENS = 256 };
enum { TLS_CONNECTIONS = 64, TLS_SESSIONS = 256 };          /* mbedTLS allocates 33 KB for each connection, when it begins */

static mcpt_session sessions[SESSIONS];         /* clients of the revisions that have sessions */
static mcpt_listener listeners[LISTENERS];      /* open subscriptions of those that have none */
static mcpt_slot slots[SLOTS];                  /* calls that wait: for time, for an answer */
static uint8_t slot_data[SLOTS * SLOT_SIZE];
static uint8_t replay[SESSIONS * REPLAY_SIZE];  /* events for clients that lost their connection */
static mcpt_rate rates[MCPT_COUNT(tools)];
static mcpt_verdict verdicts[64];               /* tokens that were checked a moment ago */
static mcpt_tok hub_tok[TOKENS];
static uint8_t net_memory[1 << 21], tls_memory[1 << 17];

static const mcpt_hub_mem hub_memory = {
    .sessions = sessions, .nsessions = SESSIONS, .listeners = listeners, .nlisteners = LISTENERS,
    .slots = slots, .nslots = SLOTS, .slot_data = slot_data, .slot_size = SLOT_SIZE,
    .replay = replay, .replay_size = REPLAY_SIZE, .tok = hub_tok, .ntok = TOKENS, .rates = rates,
    .verdicts = verdicts, .nverdicts = MCPT_COUNT(verdicts)
};

/* --------------------------------------------------------------------------------------------------- main */

struct options {
    const char *program, *host, *tls_dir, *base_url, *store, *documents;
    uint16_t port;
    bool stdio, open, reset, tls, help;
};

static const char usage[] =
    "Serves this machine to MCP clients.\n"
    "\n"
    "  --port N      port to listen on (8080); 0 takes one that is free\n"
    "  --host ADDR   address to listen on (localhost); \"*\" is every address of this machine\n"
    "  --tls         serve https; makes a key and a certificate on first use, says how clients come to trust it\n"
    "  --tls-dir DIR where device.key and device.crt are; yours are welcome there\n"
    "  --base-url URL  the https URL that clients know, when a proxy stands in front\n"
#if GATEWAY
    "  --store STORE where pairings are kept: redis:URL, postgres:URL, sqlite:FILE\n"
#endif
    "  --client-documents WHERE  take clients that do not register but are an https URL, where their metadata is fetched:\n"
    "                public, or private (networks and this machine too)\n"
    "  --open        serve everybody who can connect, without authorization\n"
    "  --reset       forget all clients that were paired, and end\n"
    "  --stdio       speak through standard input and output, for clients that start their servers\n"
    "  --help        this text\n"
    "\n"
    "What it must remember is in $XDG_STATE_HOME/this-machine, or ~/.local/state/this-machine.\n";

static bool parse(struct options *o, int argc, char **argv)
{
    o->program = argv[0];
    o->port = 8080;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        char *end = NULL;
        if (strcmp(argv[i], "--stdio") == 0) {
            o->stdio = true;
        } else if (strcmp(argv[i], "--open") == 0) {
            o->open = true;
        } else if (strcmp(argv[i], "--reset") == 0) {
            o->reset = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            o->help = true;
        } else if (strcmp(argv[i], "--tls") == 0) {
            o->tls = true;
        } else if (strcmp(argv[i], "--tls-dir") == 0 && *value != 0) {
            o->tls = true;
            o->tls_dir = argv[++i];
        } else if (strcmp(argv[i], "--base-url") == 0 && strncmp(value, "https://", 8) == 0) {
            o->base_url = argv[++i];
        } else if (GATEWAY && strcmp(argv[i], "--store") == 0 && *value != 0) {
            o->store = argv[++i];
        } else if (strcmp(argv[i], "--client-documents") == 0 && (strcmp(value, "public") == 0 || strcmp(value, "private") == 0)) {
            o->documents = argv[++i];
        } else if (strcmp(argv[i], "--host") == 0 && *value != 0) {
            o->host = argv[++i];
        } else if (strcmp(argv[i], "--port") == 0) {
            long port = strtol(value, &end, 10);
            if (end == value || *end != 0 || port < 0 || port > 65535) {
                (void)fprintf(stderr, "--port needs a number from 0 to 65535: %s --port 8080\n", argv[0]);
                return false;
            }
            o->port = (uint16_t)port;
            i++;
        } else {
            (void)fprintf(stderr, "what is %s? \"%s --help\" lists what there is\n", argv[i], argv[0]);
            return false;
        }
    }
    return true;
}

static bool loopback(const char *host)
{
    return host == NULL || strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

/* Why it does not listen, and what to do about it. */
static int explain(const struct options *o, mcpt_err e, int why)
{
    const char *host = o->host != NULL ? o->host : "localhost";
    if (e == MCPT_E_ARG) {
        (void)fprintf(stderr, "%s is not an address: give --host numbers like 192.168.1.7, or \"*\"\n", host);
    } else if (why == EADDRINUSE) {
        (void)fprintf(stderr, "port %u is taken. Stop the program there or take another: %s --port %u\n",
                      (unsigned)o->port, o->program, o->port < 65535u ? o->port + 1u : 8080u);
    } else if (why == EACCES) {
        (void)fprintf(stderr, "port %u is the administrator's. Take one above 1023: %s --port 8080\n",
                      (unsigned)o->port, o->program);
    } else if (why == EADDRNOTAVAIL) {
        (void)fprintf(stderr, "this machine has no address %s: \"ip address\" lists those it has\n", host);
    } else {
        (void)fprintf(stderr, "cannot listen on %s port %u: %s\n", host, (unsigned)o->port,
                      why != 0 ? strerror(why) : mcpt_strerror(e));
    }
    return 1;
}

static struct identity certificate;             /* with --tls */

/* The URL, and what to write into the settings of common clients. */
static void welcome(const struct options *o, unsigned port)
{
    char path[512], url[160];
    const char *scheme = o->tls ? "https" : "http";
    const char *name = o->host == NULL ? "localhost" : o->host;
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n > 0) {
        path[n] = 0;
    } else {
        (void)snprintf(path, sizeof path, "%s", o->program);
    }
    if (strcmp(name, "*") == 0 || strcmp(name, "0.0.0.0") == 0 || strcmp(name, "::") == 0) {
        name = host_name;
    }
    (void)snprintf(url, sizeof url, strchr(name, ':') != NULL ? "%s://[%s]:%u/mcp" : "%s://%s:%u/mcp",
                   scheme, name, port);
    (void)printf("%s serves MCP at %s\n\n"
                 "Claude Code\n  claude mcp add --transport http this-machine %s\n\n"
                 "VS Code, .vscode/mcp.json\n"
                 "  {\"servers\": {\"this-machine\": {\"type\": \"http\", \"url\": \"%s\"}}}\n\n"
                 "Cursor and others, mcp.json\n"
                 "  {\"mcpServers\": {\"this-machine\": {\"url\": \"%s\"}}}\n\n"
                 "Claude Desktop and others that start their servers\n"
                 "  {\"mcpServers\": {\"this-machine\": {\"command\": \"%s\", "
                 "\"args\": [\"--stdio\"]}}}\n\n"
                 "%s Ctrl-C ends it.\n", device.name, url, url, url, url, path, o->open ? "Everybody who can connect is served." :
                 "A client's first connection opens your browser; the code it asks for appears here.");
    if (o->tls && mcpt_cert_own(certificate.chain, certificate.chain_len)) {
        (void)printf("\nIts certificate is its own. A client on Node trusts it when it is started with\n"
                     "  NODE_EXTRA_CA_CERTS=%s\nand others when that file is in the system's store (README.md says how).\n",
                     certificate.chain_path);
    }
    (void)fflush(stdout);
}

/* Where this machine remembers: tail is the file or directory in it. */
static void state_path(char *to, size_t cap, const char *tail)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state != NULL && state[0] == '/') {
        (void)snprintf(to, cap, "%s/this-machine%s", state, tail);
    } else {
        (void)snprintf(to, cap, "%s/.local/state/this-machine%s", home != NULL ? home : ".", tail);
    }
}

/* The pairings that are kept. False: it said why. */
static bool open_pairing(const struct options *o)
{
    char directory[200];
    mcpt_err e;
#if GATEWAY
    if (o->store != NULL) {
        e = gateway_store(o->store, &env, &pairing_config.store, &server.state_key);
        e = e == MCPT_OK ? mcpt_pairing_init(&pairing, &pairing_config, &env, &hub) : e;
        if (e != MCPT_OK) {
            (void)fprintf(stderr, "cannot use the store %.12s...: %s\n", o->store, mcpt_strerror(e));
        }
        return e == MCPT_OK;
    }
#endif
    (void)o;
    state_path(directory, sizeof directory, "");
    e = make_directory(directory) ? MCPT_OK : MCPT_E_STORE;
    state_path(directory, sizeof directory, "/pairing");
    e = e == MCPT_OK ? mcpt_store_fs_open(&records, directory, 0) : e;
    e = e == MCPT_OK ? mcpt_pairing_init(&pairing, &pairing_config, &env, &hub) : e;
    if (e != MCPT_OK) {
        (void)fprintf(stderr, "cannot remember pairings in %s: %s\n", directory, errno != 0 ? strerror(errno) : mcpt_strerror(e));
    }
    return e == MCPT_OK;
}

static int reset(const struct options *o)
{
    mcpt_err e = open_pairing(o) ? mcpt_pairing_reset(&pairing) : MCPT_E_STATE;
    (void)fprintf(stderr, "%s\n", e == MCPT_OK ? "no client is paired with this machine now" : mcpt_strerror(e));
    return e == MCPT_OK ? 0 : 1;
}

/* Behind a proxy the names that clients use are those of the proxy: its URL is configured, never taken from a request, so that
 * X-Forwarded-Host and the like are not even read. */
static bool name_public(const char *url)
{
    mcpt_url u;
    if (!mcpt_url_split(mcpt_z(url), &u) || u.path.len > 1 || u.query.ptr != NULL || u.host.len >= sizeof host_public) {
        (void)fprintf(stderr, "--base-url needs an https URL without a path: --base-url https://gateway.example\n");
        return false;
    }
    memcpy(host_public, u.host.ptr, u.host.len);
    public_origin[0] = url;
    identity.base_url = url;
    identity.origins = public_origin;
    identity.norigins = 1;
    return true;
}

/* Under TLS the names that clients may have for this machine are those of its certificate. */
static void name_urls(const struct options *o, unsigned port)
{
    static char urls[600];
    const char *address = o->host != NULL && strcmp(o->host, "*") != 0 ? o->host : "localhost";
    (void)snprintf(urls, sizeof urls, strchr(address, ':') != NULL ? "https://[%s]:%u" : "https://%s:%u", address, port);
    (void)snprintf(urls + strlen(urls), sizeof urls - strlen(urls), " https://localhost:%u https://%s:%u https://%s:%u https://127.0.0.1:%u "
                   "https://[::1]:%u", port, host_name, port, host_local, port, port, port);
    identity.base_url = urls;
}

/* TLS with the device's own certificate. NULL: it said why. */
static mcpt_tls *serve_tls(const struct options *o)
{
    static mcpt_tls_mbedtls tls;
    static mcpt_mbedtls crypto;
    static mcpt_env maker;
    char directory[200];
    const char *address = o->host != NULL && strcmp(o->host, "*") != 0 ? o->host : "localhost";
    const char *const names[] = { "localhost", host_name, host_local, "127.0.0.1", "::1", address };
    const int64_t now = mcpt_posix_unix_time(NULL);
    mcpt_cert_subject who = { host_name, names, MCPT_COUNT(names), now - 3600, now + (int64_t)CERTIFICATE_DAYS * 86400 };
    mcpt_tls_config config = { .env = &env, .connections = TLS_CONNECTIONS, .sessions = TLS_SESSIONS };
    mcpt_err e = mcpt_mbedtls_init(&crypto, NULL, 0);
    if (now < 0) {
        who.from = 1767225600;                  /* the clock is not set: valid from the date of this program on */
        who.until = MCPT_CERT_FOREVER;
    }
    maker = env;
    maker.crypto = &crypto.crypto;
    state_path(directory, sizeof directory, "");
    errno = 0;
    e = e == MCPT_OK ? identity_load(&maker, o->tls_dir != NULL ? o->tls_dir : directory, &who, &certificate) : e;
    if (e != MCPT_OK) {
        (void)fprintf(stderr, "no certificate in %s: %s\n", o->tls_dir != NULL ? o->tls_dir : directory,
                      errno != 0 ? strerror(errno) : mcpt_strerror(e));
        return NULL;
    }
    config.chain = certificate.chain;
    config.chain_len = certificate.chain_len;
    config.key = certificate.key;
    config.key_len = certificate.key_len;
    e = mcpt_tls_mbedtls_server(&tls, &config, tls_memory, sizeof tls_memory);
    if (e != MCPT_OK) {
        (void)fprintf(stderr, "%s and %s: %s\n", certificate.chain_path, certificate.key_path,
                      e == MCPT_E_ARG ? "they do not fit together, or are of a kind that is not supported" : mcpt_strerror(e));
        return NULL;
    }
    return &tls.tls;
}

static int serve_http(const struct options *o)
{
    static mcpt_posix net;
    mcpt_posix_config config = {
        .server = &server, .hub = &hub, .host = o->host, .port = o->port, .connections = CONNECTIONS,
        .buffers = BUFFERS, .rx_size = MESSAGE, .tx_size = MESSAGE, .ntok = TOKENS
    };
    mcpt_err e;
    if (!loopback(o->host) && !o->open && !o->tls) {
        (void)fprintf(stderr, "%s lets the network in, without encryption. Add --tls, or, to serve everybody: "
                      "%s --host \"%s\" --open\n", o->host, o->program, o->host);
        return 1;
    }
    if (o->base_url != NULL && !name_public(o->base_url)) {
        return 2;
    }
    if (o->open) {
        server.guard = NULL;
    } else {
        e = o->documents != NULL ? documents_open(&env, strcmp(o->documents, "private") == 0, &pairing_config, &config) : MCPT_OK;
        if (e != MCPT_OK) {
            (void)fprintf(stderr, "cannot fetch the documents of clients: %s. SSL_CERT_FILE names certificates to trust\n", mcpt_strerror(e));
            return 1;
        }
        if (!open_pairing(o)) {
            return 1;
        }
    }
    if (o->tls && (config.tls = serve_tls(o)) == NULL) {
        return 1;
    }
    errno = 0;
    e = mcpt_posix_init(&net, &config, net_memory, sizeof net_memory);
    if (e != MCPT_OK) {
        return explain(o, e, errno);
    }
    if (config.resolve != NULL) {
        mcpt_posix_resolver_attach(&documents.names, &net);
    }
    (void)mcpt_posix_stop_on_signals(&net);
    if (o->tls && o->base_url == NULL) {
        name_urls(o, mcpt_posix_port(&net));
    }
    welcome(o, mcpt_posix_port(&net));
    e = mcpt_posix_run(&net);
    if (config.resolve != NULL) {
        mcpt_posix_resolver_destroy(&documents.names);
    }
    mcpt_posix_destroy(&net);
    return e == MCPT_OK ? 0 : explain(o, e, errno);
}

static int serve_stdio(void)
{
    static char rx[MESSAGE], tx[MESSAGE];
    static mcpt_tok tok[TOKENS];
    static mcpt_conn conn;
    const mcpt_mem mem = { rx, sizeof rx, tx, sizeof tx, tok, TOKENS };
    mcpt_err e;
    (void)signal(SIGPIPE, SIG_IGN);
    if (isatty(STDIN_FILENO)) {
        (void)fprintf(stderr, "Waiting for JSON-RPC messages, one a line. Clients start this, not people.\n");
    }
    e = mcpt_posix_stdio(&server, &hub, &conn, &mem, STDIN_FILENO, STDOUT_FILENO, 0);
    if (e != MCPT_OK) {
        (void)fprintf(stderr, "stdio: %s\n", mcpt_strerror(e));
    }
    return e == MCPT_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    mcpt_err e;
    if (!parse(&o, argc, argv)) {
        return 2;
    }
    if (o.help) {
        (void)fputs(usage, stdout);
        return 0;
    }
    if (gethostname(host_name, sizeof host_name - 1) != 0 || host_name[0] == 0) {
        (void)snprintf(host_name, sizeof host_name, "localhost");
    }
    (void)snprintf(host_local, sizeof host_local, "%s.local", host_name);
    (void)snprintf(device.name, sizeof device.name, "%.40s", host_name);
    e = mcpt_hub_init(&hub, &server, &hub_memory);
    if (e != MCPT_OK) {
        (void)fprintf(stderr, "cannot start: %s\n", mcpt_strerror(e));
        return 1;
    }
    if (o.reset) {
        return reset(&o);
    }
    note("started");
    return o.stdio ? serve_stdio() : serve_http(&o);
}
