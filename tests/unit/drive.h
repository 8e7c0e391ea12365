/* An in-memory world for tests of the server (device.h fills it): wires instead of sockets, a clock that stands until it is told to move,
 * randomness that is known. A wire is pumped as a port pumps a connection: when bytes arrive, and when the hub says
 * that it is ready; never otherwise, so that a wake-up which gets lost shows.
 *
 *     begin();                      the default world; change world.server, world.mem ... now
 *     start();                      hub up
 *     wire *w = dial(MCPT_HTTP);
 *     reply r = modern(w, "tools/call", "echo", "\"name\":\"echo\",\"arguments\":{}");
 *     CHECK(r.status == 200); HAS(r.body, "...");
 *     finish();                     all wires closed, everything given back
 *
 * Every JSON body, event and line that comes back is checked to be well-formed by the way. */
#ifndef DRIVE_H
#define DRIVE_H
#include "mcptools.h"
#include "test.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { WIRES = 8, OUT_MAX = 1 << 18, TEXT_MAX = 1 << 23 };

typedef struct wire {
    mcpt_conn conn;                   /* first: the hub's answers are wires */
    mcpt_framing framing;
    bool open, closed;                /* closed: the connection said so */
    bool held;                        /* the peer does not read */
    bool dead;                        /* output that is wrong was reported */
    char *rx, *tx;                    /* exactly as large as said, so that ASan sees every step beyond */
    mcpt_tok *tok;
    const char *in;                   /* bytes still to be fed */
    size_t in_len, piece, window;     /* most bytes fed and taken at once; 0: all */
    mcpt_request request;             /* MCPT_HOSTED */
    bool head_known;
    char head[1024];                  /* header lines, each ended by CR LF, CR LF before the first */
    char out[OUT_MAX];                /* everything that was sent; last, for it is never cleared */
    size_t out_len, out_at;           /* out_at: how far replies were read */
} wire;

static struct world {
    mcpt_server server;
    mcpt_identity identity;
    mcpt_env env;
    mcpt_hub hub;
    mcpt_hub_mem mem;
    bool hub_on;
    size_t rx, tx, ntok;              /* buffers of the wires to come */
    size_t piece, window;
    uint32_t now;                     /* milliseconds */
    int64_t unix_time;                /* at now 0; < 0: not set */
    uint64_t seed;
    bool no_random, no_crypto;
    unsigned random_left;             /* calls of random until it fails; 0: never */
    unsigned crypto_left;             /* the same of the hashes */
    const char *host, *accept, *headers;    /* of the next HTTP requests; headers: whole lines */
    const char *id, *caps, *meta;           /* of the next modern requests: raw id, object, further members of _meta */
    char log[4096];                   /* what the library noted */
    unsigned notified;
    mcpt_session sessions[3];
    mcpt_listener listeners[3];
    mcpt_slot slots[4];
    mcpt_tok hub_tok[128];
    mcpt_rate rates[64];
    char slot_data[4 * 2048], replay[3 * 2048];
} world;
static wire wires[WIRES];

/* -- checks that show what was there */
static inline void text_check(bool ok, const char *file, int line, const char *got, const char *how, const char *want)
{
    test_check(ok, file, line, how);
    if (!ok && test_failed <= 20) {
        printf("    got  %.1500s\n    want %.600s\n", got, want);
    }
}
static inline void text_is(const char *file, int line, const char *what, const char *got, const char *want)
{
    text_check(strcmp(got, want) == 0, file, line, got, what, want);
}

static inline void text_has(const char *file, int line, const char *what, const char *got, const char *part, bool has)
{
    text_check((strstr(got, part) != NULL) == has, file, line, got, what, part);
}
#define IS(got, want) text_is(__FILE__, __LINE__, "IS " #got, (got), (want))
#define HAS(got, part) text_has(__FILE__, __LINE__, "HAS " #got, (got), (part), true)
#define LACKS(got, part) text_has(__FILE__, __LINE__, "LACKS " #got, (got), (part), false)

/* Room for a text. It is used again after some megabytes of other texts. */
static inline char *text_room(size_t n)
{
    static char ring[TEXT_MAX];
    static size_t at;

    if (n > sizeof(ring) / 4) {
        abort();
    }
    at = n > sizeof(ring) - at ? n : at + n;
    return ring + at - n;
}

static inline const char *fmt(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0) {
        text = text_room((size_t)n + 1);
        va_start(args, format);
        vsnprintf(text, (size_t)n + 1, format, args);
        va_end(args);
    }
    return text;
}

static inline const char *times(char c, size_t n)
{
    char *text = text_room(n + 1);

    memset(text, c, n);
    text[n] = '\0';
    return text;
}

static inline size_t count(const char *text, const char *part)
{
    size_t n = 0;

    for (text = strstr(text, part); text != NULL; text = strstr(text + 1, part)) {
        n++;
    }
    return n;
}

/* -- what the environment injects */
static inline uint32_t world_millis(void *user)
{
    (void)user;
    return world.now;
}

static inline int64_t world_time(void *user)
{
    (void)user;
    return world.unix_time < 0 ? -1 : world.unix_time + world.now / 1000;
}

static inline bool world_random(void *user, void *buf, size_t len)
{
    uint8_t *p = (uint8_t *)buf;

    (void)user;
    world.no_random = world.no_random || (world.random_left != 0 && --world.random_left == 0);
    while (!world.no_random && len-- != 0) {
        world.seed = world.seed * 6364136223846793005u + 1442695040888963407u;
        *p++ = (uint8_t)(world.seed >> 56);
    }
    return !world.no_random;
}

static inline void world_log(void *user, mcpt_level level, mcpt_err what, const char *text)
{
    size_t n = strlen(world.log);

    (void)user;
    snprintf(world.log + n, sizeof(world.log) - n, "%d %d %s\n", (int)level, (int)what, text);
}

/* Stands for HMAC: every bit of key and parts changes the answer. (test_crypto checks the real one.) */
static inline bool world_hmac(void *user, const void *key, size_t key_len, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    size_t lane;
    size_t i;
    size_t k;

    (void)user;
    for (lane = 0; lane < 4; lane++) {
        uint64_t h = 14695981039346656037u + lane;

        for (i = 0; i < key_len; i++) {
            h = (h ^ ((const uint8_t *)key)[i]) * 1099511628211u;
        }
        for (i = 0; i < n; i++) {
            for (k = 0; k < parts[i].len; k++) {
                h = (h ^ (uint8_t)parts[i].ptr[k]) * 1099511628211u;
            }
        }
        for (k = 0; k < 8; k++) {
            out[lane * 8 + k] = (uint8_t)(h >> (8 * k));
        }
    }
    world.no_crypto = world.no_crypto || (world.crypto_left != 0 && --world.crypto_left == 0);
    return !world.no_crypto;
}
static inline bool world_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    return world_hmac(user, "", 0, parts, n, out);
}
static const mcpt_crypto world_crypto = { .sha256 = world_sha256, .hmac_sha256 = world_hmac };

/* -- wires */
static inline size_t least(size_t n, size_t limit)
{
    return limit != 0 && limit < n ? limit : n;
}

static inline void pump(wire *w)
{
    while (w->open && !w->closed) {
        unsigned want = mcpt_io_want(&w->conn.io);
        size_t n = 0;

        if (w->framing == MCPT_HOSTED && !w->head_known && mcpt_conn_response(&w->conn) != NULL) {
            mcpt_str name;
            mcpt_str value;
            uint32_t it = 0;

            strcpy(w->head, "\r\n");
            while (mcpt_conn_field(&w->conn, &it, &name, &value) && strlen(w->head) + name.len + value.len < sizeof(w->head) - 8) {
                CHECK(strlen(name.ptr) == name.len && strlen(value.ptr) == value.len);
                strcat(strcat(strcat(strcat(w->head, name.ptr), ": "), value.ptr), "\r\n");
            }
            w->head_known = true;
            if ((want & (MCPT_CLOSED | MCPT_WANT_TX)) == 0) {
                continue;
            }
        }
        if ((want & MCPT_CLOSED) != 0) {
            CHECK(want == MCPT_CLOSED);
            w->closed = true;
            if (w->framing != MCPT_HOSTED) {
                mcpt_conn_close(&w->conn);
            }
        } else if ((want & MCPT_WANT_TX) != 0 && !w->held) {
            const char *from = mcpt_io_tx(&w->conn.io, &n);

            n = least(n, w->window);
            if (from == NULL || n == 0 || n > OUT_MAX - 1 - w->out_len) {
                CHECK(from != NULL && n != 0);    /* it wants to send nothing, */
                CHECK(n < OUT_MAX - w->out_len);  /* or without end */
                w->held = true;
                break;
            }
            memcpy(w->out + w->out_len, from, n);
            w->out_len += n;
            mcpt_io_tx_ack(&w->conn.io, n);
        } else if ((want & MCPT_WANT_RX) != 0 && w->in_len != 0) {
            char *to = mcpt_io_rx(&w->conn.io, &n);

            n = least(least(n, w->piece), w->in_len);
            if (to == NULL || n == 0) {
                break;
            }
            memcpy(to, w->in, n);
            w->in += n;
            w->in_len -= n;
            mcpt_io_rx_ack(&w->conn.io, n);
        } else {
            break;
        }
    }
}

/* Runs the hub and what it says is ready, until there is nothing left to do now. Answers how long it would wait. */
static inline uint32_t settle(void)
{
    uint32_t wait = (uint32_t)-1;
    unsigned rounds;

    for (rounds = 0; world.hub_on && rounds < 100000; rounds++) {
        mcpt_conn *c;

        wait = mcpt_hub_run(&world.hub);
        c = mcpt_hub_next(&world.hub);
        if (c != NULL) {
            pump((wire *)c);
        } else if (wait != 0) {
            return wait;
        }
    }
    CHECK(rounds < 100000);           /* else it spins */
    for (rounds = 0; !world.hub_on && rounds < WIRES; rounds++) {
        pump(&wires[rounds]);
    }
    return wait;
}

/* Lets time go by, stopping wherever the hub asked to be called. */
static inline void pass(uint32_t ms)
{
    while (ms != 0) {
        uint32_t wait = settle();
        uint32_t step = wait == 0 ? 1 : wait < ms ? wait : ms;

        world.now += step;
        ms -= step;
    }
    settle();
}

static inline void empty_world(void)
{
    size_t i;

    for (i = 0; i < WIRES; i++) {
        if (wires[i].open) {
            abort();                  /* finish() is missing */
        }
    }
    memset(&world, 0, sizeof(world));
    world.now = 1000;
    world.unix_time = 1700000000;
    world.seed = 42;
    world.rx = world.tx = 4096;
    world.ntok = 256;
    world.host = "localhost:8080";
    world.accept = "application/json, text/event-stream";
    world.headers = world.meta = "";
    world.caps = "{}";
    world.id = "1";
    world.env.millis = world_millis;
    world.env.unix_time = world_time;
    world.env.random = world_random;
    world.env.log = world_log;
    world.env.crypto = &world_crypto;
    world.server.env = &world.env;
    world.server.identity = &world.identity;
    world.server.name = "dev";
    world.server.version = "1";
    world.mem.sessions = world.sessions;
    world.mem.nsessions = 3;
    world.mem.listeners = world.listeners;
    world.mem.nlisteners = 3;
    world.mem.slots = world.slots;
    world.mem.nslots = 4;
    world.mem.slot_data = world.slot_data;
    world.mem.slot_size = 2048;
    world.mem.replay = world.replay;
    world.mem.replay_size = 2048;
    world.mem.tok = world.hub_tok;
    world.mem.ntok = MCPT_COUNT(world.hub_tok);
    world.mem.rates = world.rates;
}

static inline void world_notify(void *user)
{
    (void)user;
    world.notified++;
}

static inline void start(void)
{
    CHECK(mcpt_hub_init(&world.hub, &world.server, &world.mem) == MCPT_OK);
    mcpt_hub_notify(&world.hub, world_notify, NULL);
    world.hub_on = true;
}

static inline wire *dial(mcpt_framing framing)
{
    mcpt_mem mem;
    wire *w = wires;

    while (w->open) {
        if (++w == wires + WIRES) {
            abort();
        }
    }
    memset(w, 0, offsetof(wire, out));
    w->out_len = w->out_at = 0;
    w->framing = framing;
    w->rx = (char *)malloc(world.rx);
    w->tx = (char *)malloc(world.tx);
    w->tok = (mcpt_tok *)malloc(world.ntok * sizeof(mcpt_tok));
    w->piece = world.piece;
    w->window = world.window;
    mem.rx = w->rx;
    mem.rx_size = world.rx;
    mem.tx = w->tx;
    mem.tx_size = world.tx;
    mem.tok = w->tok;
    mem.ntok = world.ntok;
    w->open = true;
    CHECK(mcpt_conn_init(&w->conn, &world.server, world.hub_on ? &world.hub : NULL, &mem, framing, w) == MCPT_OK);
    return w;
}

/* The peer is gone. What was received can still be read from w until the next dial(). */
static inline void hang_up(wire *w)
{
    if (w->open) {
        if (!w->closed) {
            mcpt_io_eof(&w->conn.io);
            w->in_len = 0;
            pump(w);
        }
        mcpt_conn_close(&w->conn);
        free(w->rx);
        free(w->tx);
        free(w->tok);
        w->open = false;
        settle();
    }
}

static inline void finish(void)
{
    size_t i;

    for (i = 0; i < WIRES; i++) {
        hang_up(&wires[i]);
    }
    if (world.hub_on) {               /* nothing may be left that belongs to a connection */
        CHECK(world.hub.ready == NULL);
        for (i = 0; i < 3; i++) {
            CHECK(world.hub.timer[i].first == NULL);
        }
    }
    world.hub_on = false;
}

static inline void put_bytes(wire *w, const char *bytes, size_t n)
{
    if (w->out_at == w->out_len) {
        w->out_at = w->out_len = 0;   /* all was read: room again */
    }
    w->in = bytes;
    w->in_len = n;
    pump(w);
    settle();
}

static inline void put(wire *w, const char *text)
{
    put_bytes(w, text, strlen(text));
}

/* -- what comes back */
typedef struct reply {
    int status;                       /* 0: nothing (more) is there */
    bool whole;                       /* the body is complete */
    bool json, stream, chunked, closes;
    unsigned interim;                 /* 1xx answers before it */
    const char *head, *body;
    size_t len;                       /* of body */
} reply;

static inline void well_formed(const char *json, size_t n)
{
    mcpt_scan scan;
    mcpt_span root[1];
    static const mcpt_pick pick[1] = { MCPT_PICK("", 0) };

    mcpt_scan_init(&scan, pick, 1, root);
    if (mcpt_scan_feed(&scan, json, n) < 0 || mcpt_scan_end(&scan) != MCPT_OK) {
        text_check(false, __FILE__, __LINE__, json, "not JSON", "JSON");
    }
}

/* The data of the n-th event that has some, from 0; "" when there are fewer. */
static inline const char *event(const char *body, size_t n)
{
    const char *at = body;

    for (;; at++) {
        at = strstr(at, "data: ");
        if (at == NULL) {
            return "";
        }
        if ((at == body || at[-1] == '\n') && at[6] != '\n' && n-- == 0) {
            const char *end = strstr(at, "\n\n");

            return end == NULL ? "" : fmt("%.*s", (int)(end - at - 6), at + 6);
        }
    }
}

/* Events are lines "field: value" ended by an empty line; data is one line of JSON. */
static inline void events_well_formed(const char *body, bool whole)
{
    while (*body != '\0') {
        const char *end = strchr(body, '\n');

        if (end == NULL) {
            text_check(!whole, __FILE__, __LINE__, body, "an event is cut off", "a line end");
            return;
        }
        if (strncmp(body, "data: ", 6) == 0 && end != body + 6) {
            well_formed(body + 6, (size_t)(end - body - 6));
            text_check(end[1] == '\n' || !whole, __FILE__, __LINE__, body, "data has more lines", "an empty line");
        } else if (end != body && body[0] != ':' && strncmp(body, "id: ", 4) != 0 && strncmp(body, "retry: ", 7) != 0 &&
                   strncmp(body, "data: \n", 7) != 0) {
            text_check(false, __FILE__, __LINE__, body, "not an event", "event stream");
        }
        body = end + 1;
    }
}

static inline const char *header(reply r, const char *name)
{
    const char *at = strstr(r.head, fmt("\r\n%s: ", name));
    const char *end = at != NULL ? strstr(at + 2, "\r\n") : NULL;
    size_t skip = strlen(name) + 4;

    return end == NULL ? "" : fmt("%.*s", (int)((size_t)(end - at) - skip), at + skip);
}

/* The next HTTP answer that was received. One that is not whole yet is shown again by the next call. */
static inline reply take(wire *w)
{
    reply r;
    const char *from = w->out + w->out_at;
    const char *all_end = w->out + w->out_len;
    const char *end;
    char *body = text_room(w->out_len - w->out_at + 1);
    const char *length;

    memset(&r, 0, sizeof(r));
    r.head = r.body = "";
    w->out[w->out_len] = '\0';
    while ((end = strstr(from, "\r\n\r\n")) != NULL && strncmp(from, "HTTP/1.1 1", 10) == 0) {
        from = end + 4;
        r.interim++;
    }
    if (end == NULL) {
        return r;
    }
    r.head = fmt("%.*s", (int)(end + 2 - from), from);
    r.body = body;
    CHECK(strncmp(r.head, "HTTP/1.1 ", 9) == 0);
    r.status = atoi(r.head + 9);
    r.json = strcmp(header(r, "Content-Type"), "application/json") == 0;
    r.stream = strcmp(header(r, "Content-Type"), "text/event-stream") == 0;
    r.chunked = strcmp(header(r, "Transfer-Encoding"), "chunked") == 0;
    r.closes = strcmp(header(r, "Connection"), "close") == 0;
    length = header(r, "Content-Length");
    from = end + 4;
    if (r.status == 204) {            /* RFC 9110 section 8.6, RFC 9112 section 6.1 */
        CHECK(length[0] == '\0' && !r.chunked && header(r, "Content-Type")[0] == '\0');
        r.whole = true;
    } else if (r.chunked) {
        CHECK(length[0] == '\0');
        while (from < all_end) {
            char *data;
            size_t n = (size_t)strtoul(from, &data, 16);

            if (data == from || (size_t)(all_end - data) < 2 || (size_t)(all_end - data - 2) < n + 2) {
                break;                /* more must come */
            }
            CHECK(data[0] == '\r' && data[1] == '\n' && data[2 + n] == '\r' && data[3 + n] == '\n');
            memcpy(body + r.len, data + 2, n);
            r.len += n;
            from = data + 4 + n;
            if (n == 0) {
                r.whole = true;
                break;
            }
        }
    } else {
        r.len = length[0] != '\0' ? (size_t)atoi(length) : (size_t)(all_end - from);
        r.whole = length[0] != '\0' ? (size_t)(all_end - from) >= r.len : w->closed;
        r.len = least(r.len + 1, (size_t)(all_end - from) + 1) - 1;
        memcpy(body, from, r.len);
        from += r.len;
    }
    body[r.len] = '\0';
    if (r.json && r.whole) {
        well_formed(r.body, r.len);
    } else if (r.stream) {
        events_well_formed(r.body, r.whole);
    } else if (r.whole && strncmp(header(r, "Content-Type"), "text/html", 9) != 0) {
        CHECK(r.len == 0);
    }
    if (r.whole) {
        w->out_at = (size_t)(from - w->out);
    }
    return r;
}

/* Lines: the next one that was received, without its end; "" when there is none. */
static inline const char *line(wire *w)
{
    const char *from = w->out + w->out_at;
    const char *end = (const char *)memchr(from, '\n', w->out_len - w->out_at);

    if (end == NULL) {
        return "";
    }
    well_formed(from, (size_t)(end - from));
    w->out_at += (size_t)(end - from) + 1;
    return fmt("%.*s", (int)(end - from), from);
}

/* -- requests */
static inline const char *http(const char *method, const char *headers, const char *body)
{
    return fmt("%s /mcp HTTP/1.1\r\nHost: %s\r\n%s%s%s%s%s%s\r\n%s", method, world.host,
               world.accept[0] != '\0' ? fmt("Accept: %s\r\n", world.accept) : "", world.headers, headers,
               body != NULL ? "Content-Type: application/json\r\nContent-Length: " : "",
               body != NULL ? fmt("%u", (unsigned)strlen(body)) : "", body != NULL ? "\r\n" : "", body != NULL ? body : "");
}

static inline reply post(wire *w, const char *headers, const char *body)
{
    put(w, http("POST", headers, body));
    return take(w);
}

#define META "io.modelcontextprotocol/"
static inline const char *modern_body(const char *method, const char *members)
{
    return fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"%s\",\"params\":{%s%s\"_meta\":{\"" META
               "protocolVersion\":\"2026-07-28\",\"" META "clientCapabilities\":%s%s}}}",
               world.id, method, members, members[0] != '\0' ? "," : "", world.caps, world.meta);
}

static inline const char *modern_headers(const char *method, const char *name)
{
    return fmt("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: %s\r\n%s", method,
               name != NULL ? fmt("Mcp-Name: %s\r\n", name) : "");
}

/* A 2026-07-28 request; name NULL: without Mcp-Name. members: of params. */
static inline reply modern(wire *w, const char *method, const char *name, const char *members)
{
    return post(w, modern_headers(method, name), modern_body(method, members));
}

static inline const char *tool_members(const char *name, const char *arguments)
{
    return fmt("\"name\":\"%s\",\"arguments\":%s", name, arguments);
}

static inline reply call(wire *w, const char *tool, const char *arguments)
{
    return modern(w, "tools/call", tool, tool_members(tool, arguments));
}

/* Legacy requests: session NULL goes without the header. */
static inline const char *session_headers(const char *session)
{
    return session != NULL ? fmt("Mcp-Session-Id: %s\r\n", session) : "";
}

static inline const char *legacy_body(const char *id, const char *method, const char *members)
{
    return fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"%s\",\"params\":{%s}}", id, method, members);
}

static inline reply legacy(wire *w, const char *session, const char *method, const char *members)
{
    return post(w, session_headers(session), legacy_body(world.id, method, members));
}

static inline reply legacy_call(wire *w, const char *session, const char *tool, const char *arguments)
{
    return legacy(w, session, "tools/call", tool_members(tool, arguments));
}

static inline reply get(wire *w, const char *session, const char *headers)
{
    put(w, http("GET", fmt("%s%s", session_headers(session), headers), NULL));
    return take(w);
}

static inline const char *initialize_members(const char *version, const char *caps)
{
    return fmt("\"protocolVersion\":\"%s\",\"capabilities\":%s,\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}", version, caps);
}

/* The handshake; answers the session's id. */
static inline const char *join(wire *w, const char *version, const char *caps)
{
    static char ids[16][40];
    static unsigned next;
    reply r = post(w, "", legacy_body("0", "initialize", initialize_members(version, caps)));
    char *id = ids[next++ % MCPT_COUNT(ids)];

    snprintf(id, sizeof(ids[0]), "%s", header(r, "Mcp-Session-Id"));
    CHECK(r.status == 200);
    HAS(r.body, fmt("\"protocolVersion\":\"%s\"", version));
    r = post(w, session_headers(id), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    CHECK(r.status == 202);
    return id;
}

/* A member of a JSON text, by a path like "result|content|0|text"; its raw JSON text, or "". */
static inline const char *member(const char *json, const char *path)
{
    static mcpt_tok tok[4096];
    mcpt_doc doc;
    mcpt_val v;

    if (mcpt_parse(&doc, mcpt_z(json), tok, MCPT_COUNT(tok)) != MCPT_OK) {
        return "";
    }
    v = mcpt_root(&doc);
    while (*path != '\0') {
        size_t n = strcspn(path, "|");
        mcpt_str key;

        key.ptr = path;
        key.len = n;
        v = mcpt_typeof(v) == MCPT_ARRAY ? mcpt_at(v, (size_t)atoi(path)) : mcpt_get_key(v, key);
        path += path[n] == '|' ? n + 1 : n;
    }
    return mcpt_typeof(v) == MCPT_ABSENT ? "" : fmt("%.*s", (int)mcpt_raw(v).len, mcpt_raw(v).ptr);
}

/* The same without the quotes of a string. */
static inline const char *member_text(const char *json, const char *path)
{
    const char *raw = member(json, path);
    size_t n = strlen(raw);

    return n >= 2 && raw[0] == '"' ? fmt("%.*s", (int)(n - 2), raw + 1) : raw;
}

static inline int error_code(const char *json)
{
    return atoi(member(json, "error|code"));
}

/* The first text block of a result. */
static inline const char *said(const char *json)
{
    return member_text(json, "result|content|0|text");
}

/* The message of a JSON-RPC error is for people; its code and id are the contract. */
#define ERROR_IS(r, http_status, error, raw_id) error_is(__FILE__, __LINE__, (r), (http_status), (error), (raw_id))
static inline void error_is(const char *file, int line, reply r, int status, int error, const char *id)
{
    text_check(r.status == status && error_code(r.body) == error, file, line, fmt("%s%s", r.head, r.body), "ERROR_IS",
               fmt("%d %d", status, error));
    text_is(file, line, "ERROR_IS id", member(r.body, "id"), id);
}
#endif
