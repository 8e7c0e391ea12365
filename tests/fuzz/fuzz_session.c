/* Fuzzer of the server: an input is a program. Nine bytes of configuration (sizes, tables' limits, which parts there
 * are), then operations: requests (well formed, then bent), bytes as they are, pieces of them in and out, ends of input,
 * closing, time, wake-ups, changes. Letters from A on count 0, 1, 2, ... so that seeds can be read and written by hand.
 * What comes out is read by a checker of its own, which also remembers what a client must give back: session ids, event ids,
 * request states, questions, task ids, cursors. */
/* sections: io rpc hub reply server lists ask run dispatch methods http-in conn */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "fuzz.h"
#include <stdarg.h>

enum { CONNS = 4, SESSIONS = 2, LISTENERS = 2, SLOTS = 3, MEMORY = 4, CALLS = 4096, REQUESTS = 4096, OUT_MAX = 1 << 18 };

#ifdef FUZZ_TRACE                     /* -DFUZZ_TRACE prints the conversation, for a single input */
#define TRACE(c, what, p, n) fprintf(stderr, "\n[%d %s %zu] %.*s", (int)(c), (what), (size_t)(n), (int)(n), (p))
#else
#define TRACE(c, what, p, n) ((void)0)
#endif

/* -- Growing text */
typedef struct text {
    char *p;
    size_t len, cap;
} text;

static void add(text *t, const void *data, size_t n)
{
    if (t->len + n + 1 > t->cap) {
        t->cap = (t->len + n + 1) * 2;
        t->p = realloc(t->p, t->cap);
        NEED(t->p != NULL);
    }
    if (n != 0) {
        memcpy(t->p + t->len, data, n);
    }
    t->len += n;
    t->p[t->len] = '\0';
}

static void say(text *t, const char *z)
{
    add(t, z, strlen(z));
}

static void sayf(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void sayf(text *t, const char *format, ...)
{
    char buf[600];
    va_list ap;
    va_start(ap, format);
    vsnprintf(buf, sizeof(buf), format, ap);
    va_end(ap);
    say(t, buf);
}

static void drop(text *t, size_t n)
{
    memmove(t->p, t->p + n, t->len - n);
    t->len -= n;
    t->p[t->len] = '\0';
}

static void forget(text *t)
{
    free(t->p);
    memset(t, 0, sizeof(*t));
}

/* -- The program */
static const uint8_t *in, *in_end;

static unsigned u8(void)
{
    return in < in_end ? *in++ : 'A';
}

static unsigned bits(void)
{
    return (u8() - 'A') & 0xffu;
}

static unsigned pick(unsigned n)
{
    return bits() % n;
}

/* -- The world */
static uint32_t now_ms;
static int64_t now_unix;
static fuzz_random random_state;
static unsigned random_fails;         /* after so many calls; 0: never */
static bool hmac_fails;

static uint32_t env_millis(void *user)
{
    (void)user;
    return now_ms;
}

static int64_t env_unix(void *user)
{
    (void)user;
    return now_unix;
}

static bool env_random(void *user, void *buf, size_t len)
{
    uint8_t *p = buf;
    (void)user;
    if (random_fails != 0 && --random_fails == 0) {
        random_fails = 1;
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)fuzz_next(&random_state);
    }
    return true;
}

static void env_log(void *user, mcpt_level level, mcpt_err what, const char *what_text)
{
    (void)user;
    NEED((unsigned)level <= MCPT_EMERGENCY && what_text != NULL && mcpt_strerror(what) != NULL);
}

static bool env_hmac(void *user, const void *key, size_t key_len, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    fuzz_random r = fuzz_seed(key, key_len);
    (void)user;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < parts[i].len; k++) {
            r.state = (r.state ^ (unsigned char)parts[i].ptr[k]) * 0x100000001b3u;
        }
    }
    for (int i = 0; i < 32; i++) {
        out[i] = (uint8_t)fuzz_next(&r);
    }
    return !hmac_fails;
}

static bool env_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    return env_hmac(user, "", 0, parts, n, out);
}

static const mcpt_crypto crypto = { .sha256 = env_sha256, .hmac_sha256 = env_hmac };
static const mcpt_env env_full = { env_millis, env_unix, env_random, env_log, &crypto, NULL };
static const mcpt_env env_poor = { env_millis, NULL, env_random, NULL, NULL, NULL };

/* -- A guard: the first letter of a token says what becomes of it. */
enum { VERDICTS = 3 };
static bool verdict_pending, guarded;
static unsigned guard_turn;

static mcpt_err guard_verify(void *user, const mcpt_token *t, mcpt_principal *who)
{
    (void)user;
    NEED(t->text.len != 0 && t->server != NULL && t->hub != NULL);
    NEED(!mcpt_token_for(t, t->resource));                  /* no URL is configured: what Host says is nobody's audience */
    who->subject = mcpt_z("somebody");
    who->client_id = t->text;                               /* borrowed: the guard copies it */
    who->scopes = mcpt_z(t->text.ptr[0] == 'n' ? "none" : "r w");
    who->expires = t->text.ptr[0] == 'e' ? now_unix + 3 : 0;
    who->jkt = t->proof.ptr != NULL ? mcpt_z("k") : who->jkt;
    switch (t->text.ptr[0]) {
    case 'p': return verdict_pending ? MCPT_PENDING : MCPT_OK;
    case 'x': return MCPT_E_UNAUTHORIZED;
    case 's': return MCPT_E_SCOPE;
    case 'i': return MCPT_E_IO;
    default: return MCPT_OK;
    }
}

static mcpt_err guard_prove(void *user, const mcpt_token *t, const mcpt_principal *who)
{
    (void)user;
    NEED(mcpt_str_is(who->jkt, "k") && mcpt_str_is(who->subject, "somebody"));
    return t->proof.len == 1 ? MCPT_E_NONCE : t->proof.len == 2 ? MCPT_E_PROOF : MCPT_OK;
}

static size_t guard_nonce(void *user, char *buf, size_t cap)
{
    (void)user;
    NEED(cap >= 40);
    memset(buf, 'n', 40);
    return random_fails != 0 ? 0 : 40;
}

static const mcpt_prm guard_prm = { .authorization_servers = "https://as.example", .resource_documentation = "https://d.example" };
static const mcpt_guard guard = { .verify = guard_verify, .prove = guard_prove, .nonce = guard_nonce, .scopes = "r", .prm = &guard_prm };

/* -- Handlers: one interpreter for all. A letter of the argument p is a step; the number of waits done is kept in scratch
 * with the number of the call. */
enum { NEVER, ALIVE, OVER, REPEATS, ASKED };    /* REPEATS: its client may send it again as often as it likes; ASKED: it waits
                                         for an answer or to become a task, and has no side effect that it must end */
static uint8_t call_state[CALLS];
static unsigned calls;
static mcpt_ticket tickets[4];
static unsigned ntickets;

typedef struct scratch {
    uint32_t number;                  /* of the call, from 1 */
    uint8_t waits, pieces, progress, unused;
    uint8_t rest[MCPT_SCRATCH - 8];
} scratch;

static const char steps[] = "tsbfumoTRwrplcMFEPNXDiaekqgzOCSVyhjv";
static const char form_schema[] = "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}}";

static void write_content(mcpt_writer *out, char step)
{
    static const char big[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                              "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    switch (step) {
    case 't': mcpt_text_z(out, "text \"\xc3\xa9\"\n"); break;
    case 'b': mcpt_text(out, (mcpt_str){ big, sizeof(big) - 1 }); break;
    case 'i': mcpt_image(out, "image/png", big, 7); break;
    case 'a': mcpt_audio(out, "audio/wav", big, 1); break;
    case 'e': mcpt_embedded_text(out, mcpt_z("mem:x"), "text/plain", mcpt_z("e")); break;
    case 'k': mcpt_embedded_blob(out, mcpt_z("mem:y"), NULL, big, 5); break;
    case 'q': mcpt_resource_link(out, "mem:z", "z", "text/plain"); break;
    case 'g': mcpt_blob(out, big, 10); break;
    case 's':
        mcpt_structured(out);
        mcpt_kv_int(out, "n", 5);
        mcpt_end(out);
        break;
    case 'C':
        mcpt_content(out);
        mcpt_kv_z(out, "type", "text");
        mcpt_kv_z(out, "text", "");
        mcpt_end(out);
        break;
    case 'O':
        mcpt_text_begin(out);
        mcpt_str_add(out, mcpt_z("a"));
        mcpt_text_end(out);
        break;
    case 'h': mcpt_message(out, "assistant"); break;        /* prompts only */
    case 'j': mcpt_prompt_description(out, "late"); break;
    case 'v': mcpt_completion(out, mcpt_z("x")); break;     /* wrong */
    case 'z': mcpt_obj(out); break;                         /* wrong */
    case 'V': mcpt_text(out, (mcpt_str){ "\xff", 1 }); break;    /* wrong */
    default: break;
    }
}

static mcpt_err ask(mcpt_call *call, char step, bool again, mcpt_writer *out)
{
    mcpt_val v = { NULL, 0 };
    char key[3] = { step, again ? '2' : '\0', '\0' };
    mcpt_err e;
    switch (step) {
    case 'f': e = mcpt_ask_form(call, key, "form?", form_schema, again ? NULL : &v); break;
    case 'u': e = mcpt_ask_url(call, key, "url?", mcpt_z("https://a/b")); break;
    case 'm': e = mcpt_ask_sampling(call, key, mcpt_z("{\"messages\":[],\"maxTokens\":5}"), again ? NULL : &v); break;
    default: e = mcpt_ask_roots(call, key, &v); break;
    }
    if (e == MCPT_OK && step != 'u' && (!again || step == 'o')) {
        NEED(mcpt_typeof(v) == MCPT_OBJECT && mcpt_raw(v).len != 0);
        mcpt_text(out, mcpt_raw(v));
    }
    return e;
}

static mcpt_err interpret(mcpt_call *call, mcpt_str program, mcpt_writer *out)
{
    scratch *s = (scratch *)(void *)call->scratch;
    unsigned waits = 0, pieces = 0;
    bool asked = false;
    if (s->number == 0) {
        NEED(call->pass == 0 || call->cancelled || call->task);
        s->number = ++calls < CALLS ? calls : CALLS - 1;
        call_state[s->number] = ALIVE;
    }
    NEED(s->number < CALLS && call_state[s->number] != NEVER && (s->number == CALLS - 1 || call_state[s->number] != OVER));
    call_state[s->number] = call_state[s->number] == ASKED ? ALIVE : call_state[s->number];
    NEED(call->server != NULL && call->row != NULL && (call->who == NULL || mcpt_str_is(call->who->subject, "somebody")));
    NEED((unsigned)call->revision >= MCPT_2025_03_26 && (unsigned)call->revision <= MCPT_2026_07_28);
    if (call->cancelled) {
        call_state[s->number] = call_state[s->number] == REPEATS ? REPEATS : OVER;
        (void)mcpt_ask_url(call, "late", "late?", mcpt_z("https://a"));
        (void)mcpt_progress(call, 99, 0, NULL);
        (void)mcpt_log(call, MCPT_ERROR, NULL, mcpt_z("late"));
        mcpt_text_z(out, "late");
        return MCPT_OK;
    }
    (void)mcpt_client_can(call);
    for (size_t i = 0; i < program.len; i++) {
        char step = program.ptr[i];
        mcpt_err e = MCPT_OK;
        unsigned before = 0;                                /* the same step came so often before */
        for (size_t k = 0; k < i; k++) {
            before += program.ptr[k] == step;
        }
        switch (step) {
        case 'f': case 'u': case 'm': case 'o':
            if (before > 1) {
                break;                                      /* a key names one question */
            }
            e = ask(call, step, before != 0, out);
            asked = asked || e == MCPT_PENDING;
            if (e < 0 && e != MCPT_E_STATE && (i + 1 == program.len || program.ptr[i + 1] != 'S')) {
                return e;
            }
            break;
        case 'S':                                           /* go on in spite of an error */
            if (asked) {
                return MCPT_PENDING;
            }
            break;
        case 'T': case 'R':
            e = mcpt_task(call, step == 'R', step == 'T' ? 1000 : 0, step == 'T' ? 100 : 0);
            if (e != MCPT_OK) {
                return e;
            }
            (void)mcpt_task_status(call, "working hard");
            break;
        case 'w': case 'r': case 'c':
            if (asked) {
                return MCPT_PENDING;
            }
            if (waits++ == s->waits) {
                s->waits++;
                tickets[ntickets++ % 4] = mcpt_call_ticket(call);
                if (step == 'c' && mcpt_stream_close(call, 500) != MCPT_OK) {
                    break;
                }
                if (step != 'w') {
                    mcpt_retry_after(call, i == 3 ? 0 : 100);
                }
                return MCPT_PENDING;
            }
            break;
        case 'M':
            if (pieces++ == s->pieces) {
                s->pieces++;
                return MCPT_MORE;
            }
            break;
        case 'p': (void)mcpt_progress(call, ++s->progress, i % 2 == 0 ? 10 : 0, i == 0 ? NULL : "half"); break;
        case 'y': (void)mcpt_progress(call, s->progress, 0, NULL); break;
        case 'l': (void)mcpt_log(call, (mcpt_level)(i % 8), i % 2 == 0 ? "log" : NULL, mcpt_z("said")); break;
        case 'F': return i % 2 == 0 ? mcpt_fail(out, "failed") : mcpt_fail_str(out, mcpt_z("failed"));
        case 'E': return mcpt_error(out, -32050, "own error");
        case 'P': return MCPT_E_PARAMS;
        case 'N': return MCPT_E_NOT_FOUND;
        case 'X': return MCPT_E_USER;
        case 'D': return MCPT_E_DECLINED;
        default:
            if (pieces >= s->pieces && (step != 's' || before == 0)) {                  /* pieces before were sent */
                write_content(out, step);
            }
            break;
        }
    }
    return asked ? MCPT_PENDING : MCPT_OK;
}

static mcpt_err run_program(mcpt_call *call, mcpt_str program, mcpt_writer *out)
{
    const scratch *s = (const scratch *)(const void *)call->scratch;
    mcpt_err e = interpret(call, program, out);
    TRACE(0, call->cancelled ? "last run of" : "run of", program.ptr, program.len);
    TRACE(0, mcpt_strerror(e), "", s->number);
    if (call_state[s->number] == REPEATS) {
        return e;
    }
    if (e > 0 && (call->part & MCPT__P_ASK) != 0) {
        call_state[s->number] = call->revision == MCPT_2026_07_28 && !call->task ? REPEATS : ASKED;
    } else if (e == MCPT_PENDING && (call->job->flags & MCPT__J_BECOME) != 0) {
        call_state[s->number] = ASKED;
    } else if (e != MCPT_PENDING && e != MCPT_MORE) {
        call_state[s->number] = OVER;
    }
    return e;
}

static mcpt_err tool_run(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[64];
    mcpt_str program = { "", 0 };
    (void)mcpt_get_str(mcpt_get(args, "p"), buf, sizeof(buf), &program);
    return run_program(call, program, out);
}

static mcpt_err read_run(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    char buf[40];
    mcpt_str program = { "", 0 }, none;
    NEED(uri.ptr != NULL && mcpt_str_eq(uri, call->uri));
    (void)mcpt_uri_var(call, "p", buf, sizeof(buf), &program);
    NEED(mcpt_uri_var(call, "nosuch", buf, 0, &none) != MCPT_OK);
    (void)mcpt_uri_var(call, "q", buf, 2, &none);
    if (program.len != 0 && program.ptr[0] == 'B') {
        mcpt_blob(out, "blob", 4);
        return MCPT_OK;
    }
    return run_program(call, program, out);
}

static mcpt_err prompt_run(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[40];
    mcpt_str program = { "", 0 };
    (void)mcpt_get_str(mcpt_get(args, "p"), buf, sizeof(buf), &program);
    if (memchr(program.ptr, 'f', program.len) == NULL) {
        mcpt_prompt_description(out, "described");
        mcpt_message(out, "user");
    }
    return run_program(call, program, out);
}

static mcpt_err complete_run(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context, mcpt_writer *out)
{
    (void)mcpt_typeof(context);
    NEED(argument.ptr != NULL && call->row != NULL);
    for (size_t i = 0; i < value.len * 15; i++) {
        mcpt_completion(out, value);
    }
    return value.len == 9 ? MCPT_E_PARAMS : MCPT_OK;
}

#define PROGRAM "{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"string\",\"maxLength\":60}}}"
static const mcpt_tool tools[] = {    /* sorted */
    { "closed", "Closed", "only with strict arguments", NULL, NULL, tool_run, MCPT_CLOSED_WORLD, 0, 0, NULL, NULL, NULL, NULL },
    { "head", NULL, NULL, "{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"string\",\"x-mcp-header\":\"P\"},"
      "\"n\":{\"type\":\"integer\",\"x-mcp-header\":\"N\"},\"b\":{\"type\":\"boolean\",\"x-mcp-header\":\"B\"}}}", NULL, tool_run, 0,
      0, 0, NULL, NULL, NULL, NULL },
    { "hidden", NULL, NULL, PROGRAM, NULL, tool_run, 0, 0, 0, NULL, NULL, NULL, NULL },
    { "rated", NULL, "at most once a minute", PROGRAM, NULL, tool_run, MCPT_IDEMPOTENT, 1, 1, NULL, NULL, NULL, NULL },
    { "run", "Run", "runs p \"quoted\" \xe2\x82\xac", PROGRAM, "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}",
      tool_run, MCPT_READ_ONLY | MCPT_NON_DESTRUCTIVE, 0, 0, NULL, "[{\"src\":\"data:,\"}]", "{\"a\":1}", NULL },
    { "stream", NULL, NULL, PROGRAM, NULL, tool_run, MCPT_STREAM, 0, 0, NULL, NULL, NULL, NULL },
};
static const char long_text[] =
    "A text of some length in flash, with \"quotes\", \xc3\xa9 and \xf0\x9f\x98\x80, so that it does not fit the smallest transmit buffer "
    "and must be sent in pieces: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n\t0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9";
static const char bad_text[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\xff!";
static const mcpt_resource resources[] = {    /* sorted by URI */
    { "bin:x", "bin", NULL, NULL, "application/octet-stream", long_text, 400, NULL, MCPT_BINARY, NULL, NULL, NULL, NULL, NULL, NULL },
    { "dyn:x", "dyn", "Dynamic", NULL, NULL, NULL, 0, read_run, 0, NULL, NULL, NULL, NULL, NULL, NULL },
    { "mem:{p}", "mem", NULL, "a template", "text/plain", NULL, 0, read_run, 0, complete_run, NULL, NULL, NULL, NULL, NULL },
    { "path:{+p}/end", "path", NULL, NULL, NULL, NULL, 0, read_run, 0, NULL, NULL, "{\"priority\":1}", NULL, NULL, NULL },
    { "text:bad0", "bad0", NULL, NULL, "text/plain", "\xff", 1, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL },
    { "text:bad1", "bad1", NULL, NULL, "text/plain", bad_text, sizeof(bad_text) - 1, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL },
    { "text:empty", "empty", NULL, NULL, "text/plain", "", 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL },
    { "text:x", "text", NULL, NULL, "text/plain", long_text, sizeof(long_text) - 1, NULL, 0, NULL, NULL, NULL, "[]", "{}", NULL },
    { "two:{p}-{q}", "two", NULL, NULL, NULL, NULL, 0, read_run, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
static const mcpt_prompt_arg prompt_args[] = { { "p", "P", "program", true }, { "q", NULL, NULL, false } };
static const mcpt_prompt prompts[] = {
    { "ask", "Ask", "a prompt", prompt_args, 2, prompt_run, complete_run, NULL, NULL, NULL, NULL },
    { "hidden", NULL, NULL, NULL, 0, prompt_run, NULL, NULL, NULL, NULL, NULL },
    { "plain", NULL, NULL, NULL, 0, prompt_run, NULL, NULL, NULL, NULL, NULL },
};

static mcpt_tool mixed_tools[MCPT_COUNT(tools)];            /* the same, not sorted */
static const mcpt_tool *server_tools;

static bool visible(void *user, mcpt_kind kind, size_t row, const mcpt_principal *who)
{
    (void)user;
    return who != NULL || (kind == MCPT_KIND_TOOL ? row != 2 : kind == MCPT_KIND_PROMPT ? row != 1 : row != 4);
}

static void audit(void *user, const mcpt_audit *record)
{
    (void)user;
    NEED(record->tool >= server_tools && record->tool < server_tools + MCPT_COUNT(tools));
    NEED(mcpt_strerror(record->result) != NULL);
}

/* -- The server under test */
static mcpt_identity identity;
static mcpt_server server;
static mcpt_hub *hub;
static mcpt_hub_mem hub_mem;
static uint16_t tool_index[MCPT_COUNT(tools)], resource_index[MCPT_COUNT(resources)], prompt_index[MCPT_COUNT(prompts)];

typedef struct peer {                 /* a connection and what its client knows */
    mcpt_conn *c;                     /* NULL: not open */
    mcpt_framing framing;
    void *rx, *tx;
    mcpt_tok *tok;
    bool no_memory, eof, dirty;       /* dirty: bytes of no known meaning were sent, answers cannot be counted */
    text wire;                        /* sent, not received yet */
    text out;                         /* received, not read yet */
    text body;                        /* of the answer being read */
    size_t body_seen;                 /* bytes of body that were read as events */
    enum { HEAD, BODY, CHUNK, UNTIL_CLOSE, ENDED } at;
    uint64_t left;
    bool sse, batch, head_known;
    unsigned status, answers;         /* of the exchange: answers with an id */
    unsigned requests;                /* sent and not answered by a status */
    mcpt_request request;             /* HOSTED */
    mcpt_field_line *fields;
    text *texts;
    unsigned ntexts;
    bool busy, answered;
    int64_t promised;
} peer;
static peer peers[CONNS];
static size_t rx_size, tx_size, ntok;
static bool drain_all;
static unsigned drain_piece, feed_piece;

static struct {
    char session[40], event[40], cursor[16], question[4][40], task[40];
    char *state;
    unsigned questions;
    unsigned revision;                /* of the last initialize */
} known;
static unsigned next_id;
static uint8_t answered_on_lines[REQUESTS];
static uint32_t sent_on[REQUESTS];    /* connection number + 1 */

/* -- Reading what comes out */

/* The member of a JSON object; false: not there. */
static bool member(const char *p, size_t len, const char *name, const char **value, size_t *value_len)
{
    fuzz_json j = { p, p + len, 0, false, false };
    fuzz_json_space(&j);
    if (j.p == j.end || *j.p++ != '{') {
        return false;
    }
    for (;;) {
        const char *key, *from;
        size_t key_len;
        fuzz_json_space(&j);
        key = j.p + 1;
        if (j.p == j.end || *j.p != '"' || !fuzz_json_string(&j)) {
            return false;
        }
        key_len = (size_t)(j.p - key) - 1;
        fuzz_json_space(&j);
        j.p++;
        fuzz_json_space(&j);
        from = j.p;
        NEED(fuzz_json_value(&j));
        if (key_len == strlen(name) && memcmp(key, name, key_len) == 0) {
            *value = from;
            *value_len = (size_t)(j.p - from);
            return true;
        }
        if (j.p == j.end || *j.p++ != ',') {
            return false;
        }
    }
}

static void remember(char *to, size_t cap, const char *p, size_t n)
{
    if (n >= 2 && *p == '"') {
        p++;
        n -= 2;
    }
    if (n < cap) {
        memcpy(to, p, n);
        to[n] = '\0';
    }
}

/* One JSON-RPC message (or on lines a batch of answers). */
static void check_message(peer *c, const char *p, size_t len)
{
    fuzz_json j;
    const char *v, *w, *id;
    size_t n, m, id_len = 0;
    bool answer;
    NEED(fuzz_json_ok(p, len, &j));
    NEED(!j.twice || j.unsure);
    if (*p == '[') {
        NEED(c->framing == MCPT_LINES);
        return;
    }
    NEED(member(p, len, "jsonrpc", &v, &n) && n == 5 && memcmp(v, "\"2.0\"", 5) == 0);
    answer = member(p, len, "result", &v, &n);
    if (answer) {
        NEED(!member(p, len, "error", &w, &m) && !member(p, len, "method", &w, &m) && *v == '{');
        if (member(v, n, "requestState", &w, &m)) {
            free(known.state);
            known.state = fuzz_mem(m + 1);
            remember(known.state, m + 1, w, m);
        }
        if (member(v, n, "nextCursor", &w, &m)) {
            remember(known.cursor, sizeof(known.cursor), w, m);
        }
        if (member(v, n, "taskId", &w, &m)) {
            remember(known.task, sizeof(known.task), w, m);
        }
    } else if (member(p, len, "error", &v, &n)) {
        NEED(*v == '{' && member(v, n, "code", &w, &m) && member(v, n, "message", &w, &m));
        NEED(!member(p, len, "method", &w, &m));
        answer = true;
    } else {
        NEED(member(p, len, "method", &v, &n) && *v == '"');
        if (member(p, len, "id", &w, &m)) {
            remember(known.question[known.questions++ % 4], sizeof(known.question[0]), w, m);
        }
    }
    if (!answer || !member(p, len, "id", &id, &id_len)) {
        return;
    }
    c->answers++;
    if (c->framing != MCPT_LINES) {
        NEED(c->batch || c->dirty || c->answers == 1);      /* one exchange, one answer */
    } else if (*id >= '1' && *id <= '9' && !c->dirty) {
        unsigned long number = strtoul(id, NULL, 10);
        if (number < REQUESTS) {
            NEED(sent_on[number] == (uint32_t)(c - peers) + 1 && answered_on_lines[number] == 0);
            answered_on_lines[number] = 1;
        }
    }
}

/* Events that are complete: fields in the order id, retry, data, or a comment. */
static void check_events(peer *c)
{
    char *p, *end;
    while (c->body.len != c->body_seen && (end = strstr(c->body.p + c->body_seen, "\n\n")) != NULL) {
        p = c->body.p + c->body_seen;
        c->body_seen = (size_t)(end + 2 - c->body.p);
        NEED(memchr(p, 0, (size_t)(end - p)) == NULL && memchr(p, '\r', (size_t)(end - p)) == NULL);
        while (p < end) {
            char *nl = memchr(p, '\n', (size_t)(end + 1 - p));
            size_t n = (size_t)(nl - p);
            if (n > 4 && memcmp(p, "id: ", 4) == 0) {
                remember(known.event, sizeof(known.event), p + 4, n - 4);
            } else if (n >= 6 && memcmp(p, "data: ", 6) == 0) {
                if (n != 6) {
                    check_message(c, p + 6, n - 6);
                }
            } else {
                NEED(*p == ':' || (n > 7 && memcmp(p, "retry: ", 7) == 0));
            }
            p = nl + 1;
        }
    }
}

static void exchange_end(peer *c)
{
    if (c->sse) {
        check_events(c);
        NEED(c->body_seen == c->body.len);                  /* no half event */
    } else if (c->body.len > 10 && strncmp(c->body.p, "{\"error\":\"", 10) == 0) {
        NEED(guarded && c->status >= 400);                  /* the guard's own */
    } else if (c->body.len != 0 && (c->body.len < 12 || strncmp(c->body.p, "{\"resource\":", 12) != 0)) {
        check_message(c, c->body.p, c->body.len);
    }
    c->body.len = 0;
    c->body_seen = 0;
    c->at = HEAD;
}

static bool field_of(const char *head, const char *name, char *value, size_t cap)
{
    char line[64];
    const char *p, *end;
    size_t n;
    snprintf(line, sizeof(line), "\r\n%s: ", name);
    p = strstr(head, line);
    if (p == NULL) {
        return false;
    }
    p += strlen(line);
    end = strstr(p, "\r\n");
    n = (size_t)(end - p);
    NEED(n < cap && strstr(end, line) == NULL);             /* never twice */
    memcpy(value, p, n);
    value[n] = '\0';
    return true;
}

/* A head at the front of out. False: not complete. */
static bool read_head(peer *c)
{
    char value[64], *end = c->out.len == 0 ? NULL : strstr(c->out.p, "\r\n\r\n");
    bool length, chunked, close;
    NEED(c->out.len < 12 || memcmp(c->out.p, "HTTP/1.1 ", 9) == 0);
    if (end == NULL) {
        return false;
    }
    end[2] = '\0';
    c->status = (unsigned)strtoul(c->out.p + 9, NULL, 10);
    NEED(strlen(c->out.p) == (size_t)(end + 2 - c->out.p) && c->status >= 100 && c->status < 600 && *mcpt_reason(c->status) != '\0');
    length = field_of(c->out.p, "Content-Length", value, sizeof(value));
    if (length) {
        c->left = strtoull(value, NULL, 10);
    }
    chunked = field_of(c->out.p, "Transfer-Encoding", value, sizeof(value));
    NEED(!chunked || strcmp(value, "chunked") == 0);
    close = field_of(c->out.p, "Connection", value, sizeof(value));
    if (c->status == 100) {
        NEED(!length && !chunked && !close);
        drop(&c->out, (size_t)(end + 4 - c->out.p));
        return true;
    }
    if (c->status == 204) {                                 /* its end is the end of its head, RFC 9110 section 8.6 */
        NEED(!length && !chunked);
        length = true;
        c->left = 0;
    }
    NEED(!(length && chunked) && (length || chunked || close));
    c->sse = field_of(c->out.p, "Content-Type", value, sizeof(value)) && strcmp(value, "text/event-stream") == 0;
    NEED(c->sse || (length && c->left == 0) || strcmp(value, "application/json") == 0);
    if (field_of(c->out.p, "Mcp-Session-Id", value, sizeof(value))) {
        NEED(strlen(value) == 32);
        strcpy(known.session, value);
    }
    NEED((c->status == 405) == field_of(c->out.p, "Allow", value, sizeof(value)) || c->status == 204);
    NEED(!guarded || (c->status != 401 && c->status != 403) || strstr(c->out.p, "\r\nWWW-Authenticate: ") != NULL || c->status == 403);
    NEED(c->requests != 0);                                 /* nobody answers what was not asked */
    c->requests -= c->dirty ? 0 : 1;
    c->answers = 0;
    c->at = length ? BODY : chunked ? CHUNK : UNTIL_CLOSE;
    drop(&c->out, (size_t)(end + 4 - c->out.p));
    if (c->at == BODY && c->left == 0) {
        exchange_end(c);
    }
    return true;
}

static bool read_chunk(peer *c)
{
    char *end = c->out.len == 0 ? NULL : strstr(c->out.p, "\r\n"), *stop;
    size_t n, head;
    if (end == NULL) {
        NEED(c->out.len < 20);
        return false;
    }
    n = strtoul(c->out.p, &stop, 16);
    NEED(stop == end && end != c->out.p);
    head = (size_t)(end + 2 - c->out.p);
    if (c->out.len < head + n + 2) {
        return false;
    }
    NEED(memcmp(c->out.p + head + n, "\r\n", 2) == 0);
    add(&c->body, c->out.p + head, n);
    drop(&c->out, head + n + 2);
    if (n == 0) {
        exchange_end(c);
    } else if (c->sse) {
        check_events(c);
    }
    return true;
}

static void read_out(peer *c)
{
    if (c->framing == MCPT_LINES) {
        char *nl;
        while (c->out.len != 0 && (nl = memchr(c->out.p, '\n', c->out.len)) != NULL) {
            check_message(c, c->out.p, (size_t)(nl - c->out.p));
            drop(&c->out, (size_t)(nl + 1 - c->out.p));
        }
        return;
    }
    while (c->out.len != 0) {
        if (c->at == HEAD) {
            if (!read_head(c)) {
                return;
            }
        } else if (c->at == BODY) {
            size_t n = c->out.len < c->left ? c->out.len : (size_t)c->left;
            add(&c->body, c->out.p, n);
            drop(&c->out, n);
            c->left -= n;
            if (c->left == 0) {
                exchange_end(c);
            }
        } else if (c->at == CHUNK) {
            if (!read_chunk(c)) {
                return;
            }
        } else {
            add(&c->body, c->out.p, c->out.len);
            drop(&c->out, c->out.len);
            if (c->sse) {
                check_events(c);
            }
        }
    }
}

/* -- Connections */
static void check_world(void);

static void hosted_release(peer *c)
{
    for (unsigned i = 0; i < c->ntexts; i++) {
        forget(&c->texts[i]);
    }
    free(c->texts);
    free(c->fields);
    c->texts = NULL;
    c->fields = NULL;
    c->ntexts = 0;
    c->busy = false;
}

static void peer_memory(peer *c)
{
    mcpt_mem m;
    size_t rx = c == &peers[2] ? 1024 : rx_size, tx = c == &peers[2] ? 512 : tx_size;    /* the third is a small one */
    c->rx = fuzz_mem(rx);
    c->tx = fuzz_mem(tx);
    c->tok = fuzz_mem(ntok * sizeof(mcpt_tok));
    m = (mcpt_mem){ c->rx, rx, c->tx, tx, ntok == 0 ? NULL : c->tok, ntok };
    NEED(mcpt_conn_mem(c->c, &m) == MCPT_OK);
    c->no_memory = false;
}

static void peer_no_memory(peer *c)
{
    free(c->rx);
    free(c->tx);
    free(c->tok);
    c->rx = c->tx = NULL;
    c->tok = NULL;
    c->no_memory = true;
}

static void peer_open(peer *c, mcpt_framing framing)
{
    memset(c, 0, sizeof(*c));
    c->framing = framing;
    c->c = fuzz_mem(sizeof(*c->c));
    memset(c->c, 0xa5, sizeof(*c->c));
    NEED(mcpt_conn_init(c->c, &server, hub, NULL, framing, c) == MCPT_OK);
    peer_memory(c);
}

static void peer_close(peer *c)
{
    if (c->c == NULL) {
        return;
    }
    mcpt_conn_close(c->c);
    NEED(mcpt_io_want(&c->c->io) == MCPT_CLOSED);
    peer_no_memory(c);
    free(c->c);
    c->c = NULL;
    forget(&c->wire);
    forget(&c->out);
    forget(&c->body);
    hosted_release(c);
}

/* The server has ended it: then what it said must be whole, unless it had a reason. */
static void peer_ended(peer *c)
{
    bool reason = c->eof || c->c->io.err != MCPT_OK || (c->c->flags & MCPT__C_PIECES) != 0;
    if (c->framing == MCPT_HOSTED) {
        const mcpt_response *r = mcpt_conn_response(c->c);
        if (r != NULL && !reason) {
            NEED(r->length < 0 || (uint64_t)r->length == c->body.len);
            exchange_end(c);
        }
        hosted_release(c);
        c->body.len = c->body_seen = 0;
        c->eof = false;
        return;                                             /* it can have another request, even if the client left this one */
    } else if (c->framing == MCPT_HTTP && !reason) {
        if (c->at == UNTIL_CLOSE) {
            exchange_end(c);
        }
        NEED(c->at == HEAD && c->out.len == 0);
    }
    peer_close(c);
}

/* The header fields, as soon as they are known. */
static void hosted_head(peer *c)
{
    const mcpt_response *r = mcpt_conn_response(c->c);
    uint32_t it = 0;
    mcpt_str name, value;
    bool type = false;
    NEED(*mcpt_reason(r->status) != '\0');
    c->status = r->status;
    c->head_known = true;
    while (mcpt_conn_field(c->c, &it, &name, &value)) {
        NEED(name.len != 0 && strlen(name.ptr) == name.len && strlen(value.ptr) == value.len);
        NEED(strpbrk(value.ptr, "\r\n") == NULL && strpbrk(name.ptr, " :\r\n") == NULL);
        if (mcpt_str_is(name, "Content-Type")) {
            type = true;
            c->sse = mcpt_str_is(value, "text/event-stream");
        } else if (mcpt_str_is(name, "Mcp-Session-Id")) {
            NEED(value.len == 32);
            strcpy(known.session, value.ptr);
        }
    }
    NEED(type == (r->length != 0));
}

static void take_hosted(peer *c, const char *p, size_t n)
{
    const mcpt_response *r = mcpt_conn_response(c->c);
    NEED(r != NULL && c->head_known);
    add(&c->body, p, n);
    NEED(r->length < 0 || (int64_t)c->body.len <= r->length);
    if (c->sse) {
        check_events(c);
    }
}

/* Moves at most give bytes in and at most take bytes out. */
static void pump(peer *c, size_t give, size_t take)
{
    for (unsigned rounds = 0; c->c != NULL; rounds++) {
        unsigned want = mcpt_io_want(&c->c->io);
        size_t n = 0;
        const char *tx = mcpt_io_tx(&c->c->io, &n);
        bool moved = false;
        if (c->framing == MCPT_HOSTED && c->busy && !c->head_known && mcpt_conn_response(c->c) != NULL) {
            hosted_head(c);
            moved = true;
        }
        NEED(rounds < 100000);
        NEED(want == MCPT_CLOSED || (want & ~(unsigned)(MCPT_WANT_RX | MCPT_WANT_TX)) == 0);
        NEED((tx != NULL) == ((want & MCPT_WANT_TX) != 0) || c->no_memory);
        if (want == MCPT_CLOSED) {
            if (c->framing != MCPT_HOSTED || c->busy) {
                peer_ended(c);
            }
            break;
        }
        if (tx != NULL && take != 0) {
            n = n < take ? n : take;
            n = n < drain_piece ? n : drain_piece;
            TRACE(c - peers, "out", tx, n);
            if (c->framing == MCPT_HOSTED) {
                take_hosted(c, tx, n);
            } else {
                add(&c->out, tx, n);
                NEED(c->out.len < OUT_MAX);
                read_out(c);
            }
            mcpt_io_tx_ack(&c->c->io, n);
            take -= n;
            moved = true;
        }
        if ((want & MCPT_WANT_RX) == 0) {
            NEED(mcpt_io_rx(&c->c->io, &n) == NULL && n == 0);
        }
        if ((want & MCPT_WANT_RX) != 0 && c->wire.len != 0 && give != 0) {
            size_t cap;
            char *rx;
            if (c->no_memory) {
                peer_memory(c);
                continue;
            }
            rx = mcpt_io_rx(&c->c->io, &cap);
            if (rx != NULL) {
                n = cap < c->wire.len ? cap : c->wire.len;
                n = n < give ? n : give;
                n = n < feed_piece ? n : feed_piece;
                memcpy(rx, c->wire.p, n);
                TRACE(c - peers, "in", rx, n);
                mcpt_io_rx_ack(&c->c->io, n);
                drop(&c->wire, n);
                give -= n;
                moved = true;
            }
        }
        if (!moved) {
            break;
        }
    }
    check_world();
}

static void pump_ready(void)
{
    mcpt_conn *c;
    unsigned rounds = 0;
    while (hub != NULL && (c = mcpt_hub_next(hub)) != NULL) {
        peer *p = c->user;
        NEED(p->c == c && rounds++ < 10000);
        pump(p, 0, drain_all ? (size_t)-1 : 0);
    }
}

/* -- Invariants of what connections share */
static bool open_conn(const mcpt_conn *c)
{
    for (unsigned i = 0; i < CONNS; i++) {
        if (peers[i].c == c) {
            return true;
        }
    }
    return false;
}

static void check_session(const mcpt_session *s)
{
    NEED(s >= hub_mem.sessions && s < hub_mem.sessions + hub_mem.nsessions && (s->flags & MCPT__S_USED) != 0);
}

static void check_world(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < CONNS; i++) {
        const mcpt_conn *c = peers[i].c;
        if (c == NULL) {
            continue;
        }
        NEED(c->io.tx_at <= c->io.tx_len && c->io.tx_len <= c->io.tx_cap && c->io.rx_len <= c->io.rx_cap);
        NEED(c->session == NULL || hub != NULL);
        if (c->session != NULL && (c->io.framing == MCPT_LINES || (c->io.state >= MCPT__X_MESSAGE && c->io.state <= MCPT__X_STREAM))) {
            check_session(c->session);                      /* elsewhere it is what the last request left */
        }
        NEED(c->listener == NULL || c->listener->conn == c);
    }
    if (hub == NULL) {
        return;
    }
    for (const mcpt_job *j = hub->jobs; j != NULL; j = j->next) {
        NEED(n++ < CONNS + SLOTS && (j->flags & MCPT__J_LINKED) != 0);
        NEED(j->conn == NULL || open_conn(j->conn));
        NEED(j->conn != NULL || j->slot != NULL);
        NEED(j->text != NULL || (guarded && j->conn != NULL && j->conn->io.state == MCPT__X_VERIFY));
        NEED(j->verdict == NULL || j->who == &j->verdict->who);
        NEED(j->state == MCPT__J_WAIT || j->state == MCPT__J_ASKED ||
             (j->state == MCPT__J_RUN && j->conn != NULL && j->conn->work == j && (j->conn->flags & MCPT__C_PIECES) != 0));
        if (j->session != NULL) {
            check_session(j->session);
        }
    }
    for (size_t i = 0; i < hub_mem.nsessions; i++) {
        const mcpt_session *s = &hub_mem.sessions[i];
        NEED(s->conn == NULL || open_conn(s->conn));
        if ((s->flags & MCPT__S_USED) != 0 && s->replay_cap != 0) {
            uint32_t at = 0;
            NEED(s->replay_len <= s->replay_cap);
            while (at < s->replay_len) {
                at += 12 + mcpt__replay_get(s->replay + at + 8);
            }
            NEED(at == s->replay_len);
        }
    }
    for (size_t i = 0; i < hub_mem.nlisteners; i++) {
        NEED(hub_mem.listeners[i].conn == NULL || open_conn(hub_mem.listeners[i].conn));
    }
    for (const mcpt_conn *c = hub->ready; c != NULL; c = c->ready_next) {
        NEED(open_conn(c) && c->in_ready != 0);
    }
}

/* -- Requests */
enum {
    INITIALIZE, CALL, RETRY, ANSWER, LIST_TOOLS, LIST_RESOURCES, LIST_TEMPLATES, LIST_PROMPTS, READ, PROMPT, COMPLETE, DISCOVER,
    LISTEN, TASK_GET, TASK_UPDATE, TASK_CANCEL, SET_LEVEL, SUBSCRIBE, UNSUBSCRIBE, CANCEL, PING, INITIALIZED, GET, DELETE_, OTHER,
    UNKNOWN, RAW, KINDS
};
static const char *const methods[KINDS] = {
    "initialize", "tools/call", "tools/call", NULL, "tools/list", "resources/list", "resources/templates/list", "prompts/list",
    "resources/read", "prompts/get", "completion/complete", "server/discover", "subscriptions/listen", "tasks/get", "tasks/update",
    "tasks/cancel", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "notifications/cancelled", "ping",
    "notifications/initialized", NULL, NULL, NULL, "no/such/method/that/is/longer/than/any/that/there/is", NULL
};
enum { MODERN = 1, POOR = 2, CHUNKED = 4, BEND = 8, HEADS = 16, BATCH = 32, TOKEN = 64, STRING_ID = 128 };

static const char *one_of(unsigned i, const char *const *list, size_t n)
{
    return list[i % n];
}
#define ONE_OF(i, ...) one_of((i), (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* What a handler shall do; the letters may stand in a URI and in a header as they are. */
static void take_program(char *to, size_t cap)
{
    size_t n = pick(12);
    n = n < cap - 1 ? n : cap - 1;
    for (size_t i = 0; i < n; i++) {
        unsigned b = u8();
        to[i] = b != 0 && strchr(steps, (int)b) != NULL ? (char)b : steps[b % (sizeof(steps) - 1)];
    }
    to[n] = '\0';
}

/* The values of one kind of request: the name it is about, and the members of params beside _meta. */
static void params_of(text *t, unsigned kind, unsigned v, const char *program, char *name, size_t name_cap)
{
    const char *responses = ONE_OF(v >> 3,
        "{\"f\":{\"action\":\"accept\",\"content\":{\"x\":1}},\"u\":{\"action\":\"accept\"},\"m\":{\"role\":\"assistant\",\"content\":[]},"
        "\"o\":{\"roots\":[]}}",
        "{\"f\":{\"action\":\"decline\"},\"u\":{\"action\":\"cancel\"}}", "{\"f\":{\"action\":\"accept\",\"content\":{\"x\":\"no\"}},\"m\":{},\"o\":1}",
        "{}", "{\"f\":{\"action\":\"accept\",\"content\":{\"x\":1}}}", "[]", "{\"o\":{\"roots\":[]},\"other\":{}}", "null",
        "{\"o\":{\"roots\":[\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]},"
        "\"m\":{\"content\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}}");
    name[0] = '\0';
    switch (kind) {
    case INITIALIZE:
        sayf(t, "\"protocolVersion\":%s,\"clientInfo\":{\"name\":\"f\",\"version\":\"0\"},\"capabilities\":%s",
             ONE_OF(v, "\"2025-11-25\"", "\"2025-06-18\"", "\"2025-03-26\"", "\"2024-11-05\"", "1"),
             ONE_OF(v >> 3, "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{\"tools\":{},\"context\":{}},\"roots\":{}}", "{}",
                    "{\"elicitation\":{}}", "[]"));
        break;
    case CALL: case RETRY:
        snprintf(name, name_cap, "%s", ONE_OF(v & 7, "run", "stream", "rated", "head", "closed", "hidden", "nosuch", "run"));
        if (v == 247) {
            say(t, "\"name\":5");
            break;
        }
        sayf(t, "\"name\":\"%s\",\"arguments\":", name);
        if ((v & 7) == 3) {
            sayf(t, "{\"p\":\"%s\",\"n\":1.0e1,\"b\":true}", program);
        } else if (v >> 3 == 30 && kind == CALL) {
            say(t, "[]");
        } else if (v >> 3 == 29 && kind == CALL) {
            say(t, "{\"p\":5,\"p\":6}");
        } else if (program[0] == '\0') {
            say(t, ONE_OF(v >> 3, "{}", "null", "{\"p\":5}"));
        } else {
            sayf(t, "{\"p\":\"%s\"}", program);
        }
        if (kind == RETRY) {
            sayf(t, ",\"inputResponses\":%s", responses);
            if (v >= 192) {
                sayf(t, ",\"requestState\":%s", ONE_OF(v, "5", "\"\\u0041\"", "\"AQAA\"", "\"!\"", "\"\"",
                     "\"AgAAAABrSdRYAwAAAAAAAAAAAAAAAAAAAFswJ1aQSEEkWZ2_BqoNxrT-ZNlhp925a8S7GpliI0_8\""));
            } else if (known.state != NULL) {
                say(t, ",\"requestState\":\"");
                say(t, known.state);
                say(t, "\"");
            }
        }
        break;
    case LIST_TOOLS: case LIST_RESOURCES: case LIST_TEMPLATES: case LIST_PROMPTS:
        if ((v & 3) == 1) {
            sayf(t, "\"cursor\":\"%s\"", known.cursor);
        } else if ((v & 3) == 2) {
            sayf(t, "\"cursor\":%s", ONE_OF(v >> 2, "\"1\"", "\"99\"", "5", "\"01\"", "\"x\""));
        }
        break;
    case READ: case SUBSCRIBE: case UNSUBSCRIBE:
        if (v >> 3 == 30) {
            snprintf(name, name_cap, "%s", ONE_OF(v, "mem:%zz", "two:a-b", "two:a-bcd", "two:a", "path:/end", "path:x/end/end", "text:bad0",
                                                  "text:bad1"));
        } else if (v >> 3 == 29) {
            const char *part = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
            snprintf(name, name_cap, "%s%s%s%s", (v & 1) != 0 ? "mem:" : "no:", part, (v & 2) != 0 ? part : "", (v & 2) != 0 ? part : "");
        } else if ((v & 7) < 3) {
            snprintf(name, name_cap, "%s%s%s", ONE_OF(v & 7, "mem:", "path:a/", "mem:%41"), program, (v & 7) == 1 ? "/end" : "");
        } else {
            snprintf(name, name_cap, "%s", ONE_OF(v & 7, "text:x", "bin:x", "dyn:x", "text:empty", "no:such"));
        }
        if (v >> 3 != 31) {
            say(t, "\"uri\":\"");
            say(t, name);
            say(t, "\"");
        }
        break;
    case PROMPT:
        snprintf(name, name_cap, "%s", ONE_OF(v & 3, "ask", "plain", "hidden", "nosuch"));
        sayf(t, "\"name\":\"%s\",\"arguments\":{%s%s%s}", name, (v & 4) != 0 ? "\"q\":1," : "", (v & 8) != 0 ? "\"r\":" : "\"p\":",
             (v & 16) != 0 ? "null" : "");
        if ((v & 16) == 0) {
            t->len--;
            sayf(t, "\"%s\"}", program);
        }
        break;
    case COMPLETE:
        sayf(t, "\"ref\":%s,\"argument\":{\"name\":%s,\"value\":%s}%s",
             ONE_OF(v, "{\"type\":\"ref/prompt\",\"name\":\"ask\"}", "{\"type\":\"ref/resource\",\"uri\":\"mem:{p}\"}",
                    "{\"type\":\"ref/prompt\",\"name\":\"hidden\"}", "{\"type\":\"ref/resource\",\"uri\":\"text:x\"}", "{}"),
             (v & 64) != 0 ? "5" : "\"p\"",
             ONE_OF(v >> 3, "\"a\"", "\"abcdefg\"", "\"\"", "5", "\"123456789\""),
             (v & 128) != 0 ? ",\"context\":{\"arguments\":{\"q\":\"1\"}}" : "");
        break;
    case LISTEN:
        sayf(t, "\"notifications\":%s", ONE_OF(v,
             "{\"toolsListChanged\":true,\"promptsListChanged\":true,\"resourcesListChanged\":false,\"resourceSubscriptions\":[\"text:x\",\"dyn:x\"]}",
             "{}", "[]", "{\"resourceSubscriptions\":[\"text:x\",1,\"\",\"a\",\"b\",\"c\",\"text:x\"],\"toolsListChanged\":1}", "{\"taskIds\":[",
             "{\"resourceSubscriptions\":[", "{\"resourceSubscriptions\":[\"a\\u0000b\","
             "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
             "\"123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
             "\"23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]}"));
        if (v % 7 == 4) {
            sayf(t, "\"%s\",\"x\",5]}", known.task);
        }
        for (unsigned i = 0; v % 7 == 5 && i < 40; i++) {
            sayf(t, "%s\"u%u\"%s", i == 0 ? "" : ",", i, i == 39 ? "]}" : "");
        }
        break;
    case TASK_GET: case TASK_UPDATE: case TASK_CANCEL:
        snprintf(name, name_cap, "%s", (v & 1) != 0 ? "00112233445566778899aabbccddeeff" : known.task);
        sayf(t, "\"taskId\":\"%s\"", name);
        if (kind == TASK_UPDATE) {
            sayf(t, ",\"inputResponses\":%s", responses);
        }
        break;
    case SET_LEVEL: sayf(t, "\"level\":%s", ONE_OF(v, "\"debug\"", "\"error\"", "\"emergency\"", "\"loud\"", "7")); break;
    case CANCEL:
        sayf(t, "\"requestId\":");
        if (v == 255) {
            say(t, "\"x\"");
        } else {
            sayf(t, "%u", next_id - 1 - v % 8);
        }
        break;
    default: break;
    }
}

static void meta_of(text *t, unsigned kind, unsigned style, unsigned bend)
{
    (void)kind;
    if ((style & (MODERN | TOKEN)) == 0) {
        return;
    }
    say(t, "\"_meta\":{");
    if ((style & MODERN) != 0) {
        sayf(t, "\"io.modelcontextprotocol/protocolVersion\":%s,\"io.modelcontextprotocol/clientCapabilities\":%s%s",
             bend == 1 ? "\"2027-01-01\"" : bend == 2 ? "7" : "\"2026-07-28\"",
             bend == 3 ? "[]" : (style & POOR) != 0 ? "{\"elicitation\":{}}" :
             "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{\"tools\":{},\"context\":{}},\"roots\":{},"
             "\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}",
             (style & TOKEN) == 0 ? "" : bend == 4 ? ",\"io.modelcontextprotocol/logLevel\":\"loud\"" :
             ",\"io.modelcontextprotocol/logLevel\":\"debug\"");
    }
    if ((style & TOKEN) != 0) {
        sayf(t, "%s\"progressToken\":%s", (style & MODERN) != 0 ? "," : "", bend == 5 ? "1.5" : "\"tok\"");
    }
    say(t, "}");
}

/* One message. */
static void message_of(text *t, const peer *c, unsigned kind, unsigned style, unsigned v, unsigned bend, const char *program,
                       char *name, size_t name_cap)
{
    text params = { NULL, 0, 0 };
    name[0] = '\0';
    if (kind == ANSWER) {
        sayf(t, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",%s}",
             bend == 7 ? ONE_OF(v, "5", "x.f", "99999999.f", "1.nosuch", "") : known.question[v % 4],
             ONE_OF(v >> 2, "\"result\":{\"action\":\"accept\",\"content\":{\"x\":1}}", "\"result\":{\"action\":\"decline\"}",
                    "\"error\":{\"code\":-1,\"message\":\"no\"}", "\"result\":{\"role\":\"assistant\",\"content\":{}}",
                    "\"result\":{\"roots\":[]}", "\"result\":[]", "\"result\":{\"action\":\"accept\",\"content\":{\"x\":\"bad\"}}"));
        return;
    }
    sayf(t, "{\"jsonrpc\":%s,", bend == 6 ? "\"1.0\"" : "\"2.0\"");
    if (kind != CANCEL && kind != INITIALIZED) {
        if (bend == 7) {
            sayf(t, "\"id\":%s,", ONE_OF(v, "null", "1.5", "\"0123456789012345678901234567890123456789012345678901234567890123456789\"", "{}"));
        } else if ((style & STRING_ID) != 0) {
            sayf(t, "\"id\":\"s%u\\n\",", next_id++);
        } else {
            sent_on[next_id % REQUESTS] = (uint32_t)(c - peers) + 1;
            sayf(t, "\"id\":%u,", next_id++);
        }
    }
    meta_of(&params, kind, style, bend);
    if (params.len != 0) {
        say(&params, ",");
    }
    params_of(&params, kind, v, program, name, name_cap);
    if (params.len != 0 && params.p[params.len - 1] == ',') {
        params.len--;
    }
    sayf(t, "\"method\":%s%s%s", bend == 8 ? "5,\"was\":\"" : kind == UNKNOWN && (v & 1) != 0 ? "\"\\u0061" : "\"",
         methods[kind] != NULL ? methods[kind] : "x", "\"");
    if (bend == 9) {
        say(t, ",\"params\":[]");
    } else if (params.len != 0 || (v & 1) == 0) {
        say(t, ",\"params\":{");
        add(t, params.p, params.len);
        say(t, "}");
    }
    say(t, bend == 10 ? ",\"id\":9}" : bend == 11 ? "" : bend == 12 ? "} x" : "}");
    forget(&params);
}

/* A byte or two of a text changed, as the program says. */
static void bend_text(text *t)
{
    unsigned at = u8() << 8, value;
    at |= u8();
    value = u8();
    if (t->len == 0) {
        return;
    }
    at %= (unsigned)t->len;
    if (value == 0) {
        t->len = at;
    } else if (value == 1) {
        add(t, "", 1);
        memmove(t->p + at + 1, t->p + at, t->len - 1 - at);
    } else {
        t->p[at] = (char)value;
    }
}

typedef struct heads {                /* fields of a request, beside those of framing */
    text name[16], value[16];
    unsigned n;
} heads;

static void field(heads *h, const char *name, const char *value)
{
    if (h->n < 16 && value != NULL) {
        say(&h->name[h->n], name);
        say(&h->value[h->n], value);
        h->n++;
    }
}

static void heads_of(heads *h, bool hosted, unsigned kind, unsigned style, unsigned odd, const char *name, const char *program)
{
    const char *accept = ONE_OF(odd >> 4, "application/json, text/event-stream", "application/json", "text/event-stream", "*/*", "text/html",
                                "application/json;q=0, text/event-stream", NULL, "application/json, text/event-stream");
    char encoded[640];
    if ((odd & 15) == 15 || ((odd & 15) != 0 && (odd & 15) <= 5)) {
        accept = kind == GET ? "text/event-stream" : "application/json, text/event-stream";    /* odd >> 4 is used otherwise */
    }
    if ((odd & 15) == 1) {
        field(h, "Host", ONE_OF(odd >> 4, "evil.example", "127.0.0.1", "127.0.0.1.evil", "[::2]:80", "10.0.0.1:8080", "a@b", "", "[::1]", NULL));
    } else {
        field(h, "Host", (odd & 15) == 2 ? "pump.local:8080" : (odd & 15) == 5 ? "10.0.0.1:8080" : "localhost");
    }
    if ((odd & 15) >= 3 && (odd & 15) <= 5) {
        field(h, "Origin", ONE_OF(odd >> 4, "null", "http://localhost:3000", "http://evil.example", "https://app.example", "http://localhost/",
                                  "http://10.0.0.1:8080", "http://10.0.0.1", "http://localhost?q"));
    }
    field(h, "Accept", accept);
    if (kind != GET && kind != DELETE_) {
        field(h, "Content-Type", (odd & 15) == 6 ? "text/plain" : (odd & 15) == 7 ? "Application/JSON; charset=utf-8" : "application/json");
    }
    if ((style & MODERN) != 0) {
        field(h, "MCP-Protocol-Version", (odd & 15) == 8 ? "2025-11-25" : "2026-07-28");
        if (methods[kind] != NULL && (odd & 15) != 9) {
            field(h, "Mcp-Method", methods[kind]);
        }
        if (name[0] != '\0' && ((odd & 15) == 12 || (odd & 15) == 13)) {
            size_t n = mcpt_b64_encode(name, strlen(name), false, encoded + 9, sizeof(encoded) - 12);
            memcpy(encoded, "=?base64?", 9);
            memcpy(encoded + 9 + n, "?=", 3);
            encoded[9] = (char)(encoded[9] + ((odd & 15) == 13 && (odd >> 4 & 1) != 0 ? 1 : 0));
            field(h, "Mcp-Name", encoded);
        } else if (name[0] != '\0' && (odd & 15) != 10) {
            field(h, "Mcp-Name", name);
        }
        if (strcmp(name, "head") == 0) {
            field(h, "Mcp-Param-P", (odd & 15) == 11 ? "x" : program);
            if ((odd & 15) != 14) {
                field(h, "Mcp-Param-N", (odd & 15) == 12 ? "=?base64?MTA=?=" : (odd & 15) == 15 ? "x" : "10");
            }
            field(h, "Mcp-Param-B", (odd & 15) == 13 ? "=?base64?dHJ1ZQ==?=" : (odd & 15) == 0 && odd != 0 ? "=?base64?!?=" : "true");
            if ((odd & 15) == 7) {
                field(h, "mcp-param-n", "10");
            }
        }
    } else {
        if ((odd & 15) != 8 && kind != INITIALIZE) {
            field(h, "MCP-Protocol-Version", ONE_OF(known.revision, "2025-11-25", "2025-06-18", "2025-03-26", "2025-11-25", "2025-11-25"));
        } else if ((odd & 15) == 8 && kind != INITIALIZE && (odd >> 4 & 1) != 0) {
            field(h, "MCP-Protocol-Version", "1999-01-01");
        }
        if (known.session[0] != '\0' && kind != INITIALIZE && (odd & 15) != 9) {
            field(h, "Mcp-Session-Id", (odd & 15) == 10 ? "00000000000000000000000000000000" : known.session);
        }
        if (kind == GET && (odd & 15) >= 12 && known.event[0] != '\0') {
            field(h, "Last-Event-ID", (odd & 15) != 15 ? known.event :
                  ONE_OF(odd >> 4, "1-0", "x", "1", "1-", "1-x", "0-1", "9-1", "1-99", "123456789-1", "1-0x"));
        }
    }
    if (guarded) {
        static const char *const tokens[] = { "Bearer good", "Bearer pending", "Bearer xx", "DPoP good", "Bearer e", "Bearer pp", "Bearer n",
                                              "Bearer s", "Bearer i", "Basic x", "Bearer a b", "Bearer", "DPoP pending", "Bearer other", "Bearer o3", "Bearer o4" };
        unsigned which = guard_turn++ * 5u % 64u;

        which = which < 16 ? which : 0;
        field(h, "Authorization", tokens[which]);
        if (strncmp(tokens[which], "DPoP", 4) == 0) {
            field(h, "DPoP", ONE_OF(odd >> 4, "a.b.c", "a", "bb", "a.b.c"));
        }
    }
    if (hosted && (odd & 15) == 14) {
        field(h, (odd >> 4 & 1) != 0 ? "ACCEPT" : "host", (odd >> 4 & 1) != 0 ? "text/event-stream" : "localhost");
    } else if ((odd & 15) == 14 && kind != GET) {
        field(h, "Content-Encoding", (odd >> 4 & 1) != 0 ? "gzip" : "identity");
    }
}

static void heads_free(heads *h)
{
    for (unsigned i = 0; i < h->n; i++) {
        forget(&h->name[i]);
        forget(&h->value[i]);
    }
}

static void request_http(peer *c, const heads *h, const char *verb, const char *path, const text *body, unsigned style, unsigned odd, bool has_body)
{
    text t = { NULL, 0, 0 };
    sayf(&t, "%s %s HTTP/1.%s\r\n", verb, (odd & 15) == 15 && has_body ? "/other" : path, (style & HEADS) != 0 && (odd & 3) == 3 ? "0" : "1");
    for (unsigned i = 0; i < h->n; i++) {
        say(&t, h->name[i].p);
        say(&t, ": ");
        add(&t, h->value[i].p, h->value[i].len);
        say(&t, "\r\n");
    }
    if ((style & HEADS) != 0 && (has_body || (odd & 15) < 12)) {    /* else a GET with Last-Event-ID */
        say(&t, ONE_OF(odd & 7, "Connection: close\r\n", "Expect: 100-continue\r\n", "Connection: keep-alive\r\n", "X: y\r\n", "Expect: x\r\n",
                       "Content-Length: 5\r\n", "Connection: x\r\nConnection: close\r\n", "Transfer-Encoding: gzip\r\n"));
    }
    if (has_body && (style & CHUNKED) != 0) {
        say(&t, "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0; at < body->len;) {
            size_t n = body->len - at < 100 ? body->len - at : 100;
            sayf(&t, "%zx\r\n", n);
            add(&t, body->p + at, n);
            say(&t, "\r\n");
            at += n;
        }
        say(&t, "0\r\n\r\n");
    } else if (has_body) {
        sayf(&t, "Content-Length: %zu\r\n\r\n", body->len);
        add(&t, body->p, body->len);
    } else {
        say(&t, "\r\n");
    }
    if ((style & (BEND | HEADS)) == (BEND | HEADS)) {
        bend_text(&t);
        c->dirty = true;
    }
    if ((style & HEADS) != 0) {
        c->dirty = true;                                    /* what follows may be read as another message */
    }
    if (c->wire.len < OUT_MAX) {
        add(&c->wire, t.p, t.len);
    }
    c->requests++;
    forget(&t);
}

static const mcpt_principal somebody = { .subject = { "somebody", 8 }, .client_id = { "client", 6 }, .scopes = { "", 0 } };

static mcpt_str keep(peer *c, const char *p, size_t n)
{
    text *t = &c->texts[c->ntexts++];
    t->p = fuzz_copy(p, n);
    t->len = n;
    return (mcpt_str){ t->p, n };
}

static void request_hosted(peer *c, const heads *h, const char *verb, const text *body, unsigned odd, bool has_body)
{
    if (c->busy) {
        mcpt_request again = c->request;
        NEED(mcpt_conn_request(c->c, &again) == MCPT_E_STATE);
        return;
    }
    c->texts = calloc(2 * h->n + 3, sizeof(text));
    c->fields = calloc(h->n + 1, sizeof(*c->fields));
    NEED(c->texts != NULL && c->fields != NULL);
    for (unsigned i = 0; i < h->n; i++) {
        c->fields[i].name = keep(c, h->name[i].p, h->name[i].len);
        c->fields[i].value = keep(c, h->value[i].p, h->value[i].len);
    }
    c->request.method = keep(c, verb, strlen(verb));
    c->request.path = keep(c, "/mcp", 4);
    c->request.body = has_body ? keep(c, body->p, body->len) : (mcpt_str){ "", 0 };
    c->request.fields = c->fields;
    c->request.nfields = h->n;
    c->request.who = (odd & 128) != 0 ? &somebody : NULL;
    c->request.no_stream = (odd & 64) != 0;
    c->answers = 0;
    c->body.len = c->body_seen = 0;
    c->sse = c->head_known = false;
    c->busy = true;
    c->eof = false;
    if (mcpt_conn_request(c->c, &c->request) != MCPT_OK) {
        hosted_release(c);
    }
}

static bool has_program(unsigned kind)
{
    return kind == CALL || kind == RETRY || kind == READ || kind == PROMPT || kind == SUBSCRIBE || kind == UNSUBSCRIBE;
}

/* kind, style, variant, [odd], [bend], program, ... */
static void do_request(peer *c)
{
    unsigned kind = pick(KINDS), style = bits(), v = bits(), odd = (style & HEADS) != 0 ? bits() : 0, bend = 0;
    char program[16], name[420];
    text body = { NULL, 0, 0 };
    heads h;
    bool metadata = kind == OTHER && (v & 2) != 0;          /* what a guard serves beside the endpoint */
    const char *verb = kind == GET || (metadata && (v & 1) != 0) ? "GET" : kind == DELETE_ ? "DELETE" : kind == OTHER ? "OPTIONS" : "POST";
    bool has_body = strcmp(verb, "POST") == 0;
    memset(&h, 0, sizeof(h));
    if ((style & BEND) != 0) {
        bend = pick(16);
    }
    program[0] = name[0] = '\0';
    if (has_program(kind)) {
        take_program(program, sizeof(program));
    }
    if (c->c == NULL) {
        return;
    }
    c->batch = (style & BATCH) != 0;
    if (kind == INITIALIZE && (style & MODERN) == 0) {
        known.revision = v % 5;
    }
    if (has_body) {
        if (kind == RAW) {
            unsigned n = u8();
            n = n < (unsigned)(in_end - in) ? n : (unsigned)(in_end - in);
            add(&body, in, n);
            in += n;
            c->dirty = true;
        } else if (c->batch) {
            say(&body, "[");
            message_of(&body, c, kind, style, v, bend, program, name, sizeof(name));
            say(&body, ",");
            message_of(&body, c, CALL, style, 0, 0, "t", name, sizeof(name));
            say(&body, (v & 64) != 0 ? ",{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"},1]" : "]");
            c->dirty = true;
        } else {
            message_of(&body, c, kind, style, v, bend, program, name, sizeof(name));
        }
        if (bend > 12) {
            bend_text(&body);
            c->dirty = true;
        }
        c->dirty = c->dirty || (bend != 0);
    }
    heads_of(&h, c->framing == MCPT_HOSTED, kind, style, odd, name, program);
    if (c->framing == MCPT_LINES) {
        if (has_body && c->wire.len < OUT_MAX) {
            for (size_t i = 0; i < body.len; i++) {
                body.p[i] = body.p[i] == '\n' ? ' ' : body.p[i];
            }
            add(&c->wire, body.p, body.len);
            add(&c->wire, (style & HEADS) != 0 ? "\r\n" : "\n", (style & HEADS) != 0 ? 2 : 1);
        }
    } else if (c->framing == MCPT_HTTP) {
        request_http(c, &h, verb, metadata ? "/.well-known/oauth-protected-resource/mcp" : "/mcp?q", &body, style, odd, has_body);
    } else {
        request_hosted(c, &h, verb, &body, odd, has_body);
    }
    heads_free(&h);
    forget(&body);
    if (drain_all) {
        pump(c, (size_t)-1, (size_t)-1);
    }
}

static void set_identity(unsigned v)
{
    static const char *const hosts[] = { "pump.local", "other.local" };
    static const char *const origins[] = { "https://app.example" };
    memset(&identity, 0, sizeof(identity));
    identity.hosts = hosts;
    identity.nhosts = v & 1 ? 2 : 0;
    identity.origins = origins;
    identity.norigins = v >> 1 & 1;
    identity.any_host = (v & 4) != 0;
    identity.any_origin = (v & 8) != 0;
}

static void do_memory(peer *c)
{
    mcpt_mem none = { NULL, 0, NULL, 0, NULL, 0 };
    if (c->c == NULL) {
        return;
    }
    NEED(mcpt_conn_mem(c->c, &none) != MCPT_OK);
    if (c->no_memory) {
        peer_memory(c);
    } else if (mcpt_conn_idle(c->c)) {
        NEED(mcpt_conn_mem(c->c, NULL) == MCPT_OK);
        peer_no_memory(c);
    } else {
        NEED(mcpt_conn_mem(c->c, NULL) == MCPT_E_STATE);
    }
}

static bool ticket_open(mcpt_ticket t)
{
    for (unsigned i = 0; i < CONNS; i++) {
        if (peers[i].c != NULL && t.flag == &peers[i].c->io.wake) {
            return true;
        }
    }
    return t.flag == NULL;                                  /* no ticket: nothing happens */
}

static bool operation(void)
{
    unsigned op = pick(18);
    peer *c = &peers[op == 0 || op <= 5 || op == 13 ? pick(CONNS) : 0];
    unsigned n;
    TRACE(c - peers, "operation", &"ABCDEFGHIJKLMNOPQR"[op], 1);
    switch (op) {
    case 0: do_request(c); break;
    case 1:                                                 /* B bytes */
        n = u8();
        n = n < (unsigned)(in_end - in) ? n : (unsigned)(in_end - in);
        if (c->c != NULL && c->framing != MCPT_HOSTED && c->wire.len < OUT_MAX) {
            add(&c->wire, in, n);
            c->dirty = true;
            c->requests += 1000;
        }
        in += n;
        if (drain_all) {
            pump(c, (size_t)-1, (size_t)-1);
        }
        break;
    case 2: n = bits(); pump(c, n * n, pick(256) * 7u); break;    /* C */
    case 3:                                                 /* D end of input */
        if (c->c != NULL) {
            mcpt_io_eof(&c->c->io);
            c->eof = true;
            pump(c, 0, drain_all ? (size_t)-1 : 0);
        }
        break;
    case 4: peer_close(c); break;                           /* E */
    case 5:                                                 /* F open */
        n = pick(3);
        peer_close(c);
        peer_open(c, (mcpt_framing)n);
        break;
    case 6: n = pick(32); now_ms += (uint32_t)1 << n % 22; now_unix += (int64_t)(((uint32_t)1 << n % 22) / 1000); break;
    case 7:                                                 /* H wake */
        n = pick(4);
        if (hub != NULL || ticket_open(tickets[n])) {
            mcpt_wake(tickets[n]);
        }
        if (guarded && hub != NULL && n != 0) {
            verdict_pending = n == 1;
            mcpt_guard_wake(hub);
            if (n == 3) {
                mcpt_guard_forget(hub, mcpt_z(guard_turn % 2 == 0 ? "good" : NULL));
            }
        }
        break;
    case 8:                                                 /* I the hub's turn */
        if (hub != NULL) {
            for (n = 0; mcpt_hub_run(hub) == 0 && n < 20; n++) {
                pump_ready();
            }
            pump_ready();
        }
        break;
    case 9:
        if (hub != NULL) {
            mcpt_hub_changed(hub, pick(8));
            pump_ready();
        }
        break;
    case 10:
        if (hub != NULL) {
            mcpt_hub_updated(hub, ONE_OF(pick(4), "text:x", "dyn:x", "mem:t", "no:such"));
            pump_ready();
        }
        break;
    case 11: set_identity(bits()); break;
    case 12: drain_all = pick(2) == 0; drain_piece = 1 + pick(64) * 16u; feed_piece = 1 + pick(64) * 32u; break;   /* M */
    case 13: do_memory(c); break;                           /* N */
    case 14:                                                /* O what the world does wrong */
        n = bits();
        random_fails = n & 7;
        hmac_fails = (n & 8) != 0;
        now_unix = (n & 16) != 0 ? -1 : (n & 32) != 0 ? 951782400 : (n & 64) != 0 ? 1735689599 : 1800000000;
        break;
    case 15: if (hub != NULL) { mcpt_hub_close(hub); pump_ready(); } break;     /* P */
    default:                                                /* Q, R everything moves */
        for (n = 0; n < CONNS; n++) {
            pump(&peers[n], (size_t)-1, (size_t)-1);
        }
        break;
    }
    check_world();
    return in < in_end;
}

/* -- Start and end of a run */
static void *zeroed(size_t n, size_t size)
{
    void *p = fuzz_mem(n * size);
    memset(p, 0x5a, n * size);
    return p;
}

static void notified(void *user)
{
    ++*(unsigned *)user;
}

/* What the interface refuses. */
static void misuse(void)
{
    static unsigned count;
    mcpt_hub h;
    mcpt_conn c;
    mcpt_hub_mem none;
    mcpt_server s = server;
    mcpt_env env = env_full;
    char rx[512], tx[512];
    mcpt_mem m = { rx, 512, tx, 512, NULL, 0 }, bad;
    mcpt_ticket t = { NULL, &h };
    size_t n = 1;
    memset(&none, 0, sizeof(none));
    NEED(mcpt_hub_init_(&h, &server, &none, MCPT_ABI ^ 1u) == MCPT_E_ABI);
    NEED(mcpt_hub_init(NULL, &server, &none) == MCPT_E_ARG && mcpt_hub_init(&h, NULL, &none) == MCPT_E_ARG);
    NEED(mcpt_hub_init(&h, &server, NULL) == MCPT_E_ARG);
    random_fails = 1;
    NEED(mcpt_hub_init(&h, &server, &none) == MCPT_OK);
    NEED(hub_mem.nsessions + hub_mem.nslots == 0 || mcpt_hub_init(&h, &server, &hub_mem) == MCPT_E_RANDOM);
    random_fails = 0;
    NEED(mcpt_hub_init(&h, &server, &none) == MCPT_OK);
    mcpt_hub_notify(&h, notified, &count);
    mcpt_wake(t);
    t.flag = &h.wake[0];
    mcpt_wake(t);
    NEED(mcpt_hub_run(&h) == (uint32_t)-1 && mcpt_hub_next(&h) == NULL);
    NEED(mcpt_conn_init_(&c, &server, &h, &m, MCPT_HTTP, NULL, MCPT_ABI ^ 1u) == MCPT_E_ABI);
    NEED(mcpt_conn_init(NULL, &server, &h, &m, MCPT_HTTP, NULL) == MCPT_E_ARG);
    NEED(mcpt_conn_init(&c, NULL, &h, &m, MCPT_HTTP, NULL) == MCPT_E_ARG);
    s.name = NULL;
    NEED(mcpt_conn_init(&c, &s, &h, &m, MCPT_HTTP, NULL) == MCPT_E_ARG);
    s.name = "x";
    s.version = NULL;
    NEED(mcpt_conn_init(&c, &s, &h, &m, MCPT_HTTP, NULL) == MCPT_E_ARG);
    s.version = "x";
    env.millis = NULL;
    s.env = &env;
    NEED(mcpt_conn_init(&c, &s, &h, &m, MCPT_HTTP, NULL) == MCPT_E_ARG && mcpt_hub_init(&h, &s, &none) == MCPT_E_ARG);
    s.env = NULL;
    NEED(mcpt_conn_init(&c, &s, &h, &m, MCPT_HTTP, NULL) == MCPT_E_ARG && mcpt_hub_init(&h, &s, &none) == MCPT_E_ARG);
    for (unsigned i = 0; i < 7; i++) {
        bad = m;
        bad.rx = i == 0 ? NULL : bad.rx;
        bad.tx = i == 1 ? NULL : bad.tx;
        bad.rx_size = i == 2 ? 511 : i == 3 ? (size_t)1 << 31 : 512;
        bad.tx_size = i == 4 ? 511 : i == 5 ? (size_t)1 << 24 : 512;
        bad.ntok = i == 6 ? 1 : 0;
        NEED(mcpt_conn_init(&c, &server, NULL, &bad, MCPT_HTTP, NULL) == MCPT_E_ARG);
    }
    NEED(mcpt_conn_init(&c, &server, NULL, &m, MCPT_HTTP, NULL) == MCPT_OK && mcpt_io_peak(&c.io).rx == 0);
    NEED(mcpt_conn_request(&c, NULL) == MCPT_E_STATE && mcpt_conn_response(&c) == NULL);
    mcpt_conn_close(&c);
    NEED(mcpt_conn_init(&c, &server, NULL, NULL, MCPT_HOSTED, NULL) == MCPT_OK && mcpt_conn_request(&c, NULL) == MCPT_E_STATE);
    mcpt_conn_close(&c);
    NEED(mcpt_conn_init(&c, &server, NULL, NULL, MCPT_HTTP, NULL) == MCPT_OK && mcpt_io_rx(&c.io, &n) == NULL && n == 0);
#ifdef NDEBUG                         /* what is asserted otherwise */
    mcpt_io_rx_ack(&c.io, 5);
    mcpt_io_tx_ack(&c.io, 5);
    NEED(c.io.rx_len == 0 && c.io.tx_at == 0);
#endif
    mcpt_conn_close(&c);
}

static void start(void)
{
    unsigned a, b;
    bool bare;
    rx_size = 512 + pick(33) * 112u;
    tx_size = 512 + pick(33) * 112u;
    ntok = pick(26) * 8u;
    a = bits();                                             /* which parts there are */
    memset(&hub_mem, 0, sizeof(hub_mem));
    hub_mem.nsessions = (a & 1) != 0 ? 0 : SESSIONS;
    hub_mem.nlisteners = (a & 2) != 0 ? 0 : LISTENERS;
    hub_mem.nslots = (a & 4) != 0 ? 0 : SLOTS;
    guarded = (a & 24) == 16;                               /* with a hub */
    guard_turn = 0;
    verdict_pending = true;
    hub_mem.nverdicts = (a & 48) != 0 ? VERDICTS : 0;
    hub_mem.slot_size = 64 + pick(26) * 160u;
    hub_mem.replay_size = pick(26) * 100u;
    hub_mem.ntok = pick(26) * 8u;
    b = bits();
    server = (mcpt_server){ .name = "fuzzed", .version = "1", .tools = tools, .ntools = MCPT_COUNT(tools), .resources = resources,
        .nresources = MCPT_COUNT(resources), .prompts = prompts, .nprompts = MCPT_COUNT(prompts) };
    server.offers = (b & 1) != 0 ? 0 : 31;
    server.page = (uint16_t)(b >> 1 & 3);
    server.sorted = (b & 8) != 0;
    server.identity = (b & 16) != 0 ? &identity : NULL;
    server.state_key = (b & 32) != 0 ? "0123456789abcdef0123456789abcdef" : NULL;
    server.env = (b & 64) != 0 ? &env_poor : &env_full;
    server.visible = visible;
    server.audit = (b & 128) != 0 ? NULL : audit;
    server.guard = guarded ? &guard : NULL;
    server_tools = tools;
    bare = (b & 128) != 0;
    b = bits();
    if ((b & 1) != 0) {
        server.title = "T";
        server.description = "D";
        server.website = "https://w";
        server.icons = "[]";
        server.instructions = long_text;
        server.title = (b & 2) != 0 ? long_text : "T";
        server.ttl_ms = 5000;
        server.cache_public = true;
        server.timeout_ms = 500;
        server.idle_ms = 2000;
        server.ask_ms = 3000;
        server.session_ms = 4000;
        server.state_ttl = 2;
    }
    if ((b & 2) != 0) {
        mcpt_index_tools(tool_index, tools, MCPT_COUNT(tools));
        mcpt_index_resources(resource_index, resources, MCPT_COUNT(resources));
        mcpt_index_prompts(prompt_index, prompts, MCPT_COUNT(prompts));
        server.tool_index = tool_index;
        server.resource_index = resource_index;
        server.prompt_index = prompt_index;
    }
    if ((b & 4) != 0) {
        server.nprompts = 0;
        server.nresources = 0;
        server.ntools = (b & 8) != 0 ? 0 : server.ntools;
    }
    if ((b & 128) != 0) {                                   /* tables out of order */
        for (unsigned i = 0; i < MCPT_COUNT(tools); i++) {
            mixed_tools[i] = tools[(i * 5 + 1) % MCPT_COUNT(tools)];
        }
        server.tools = server_tools = mixed_tools;
        server.sorted = false;
        mcpt_index_tools(tool_index, mixed_tools, MCPT_COUNT(tools));
    }
    if ((b & 64) != 0) {
        server.visible = NULL;
        server.path = "/mcp";
    }
    set_identity((b & 16) != 0 ? 15 : 0);
    now_ms = (b & 8) != 0 ? 0xffffff00u : 1000;
    now_unix = 1800000000;
    random_state.state = 1;
    random_fails = 0;
    hmac_fails = false;
    hub_mem.sessions = zeroed(hub_mem.nsessions, sizeof(mcpt_session));
    hub_mem.listeners = zeroed(hub_mem.nlisteners, sizeof(mcpt_listener));
    hub_mem.slots = zeroed(hub_mem.nslots, sizeof(mcpt_slot));
    hub_mem.verdicts = zeroed(hub_mem.nverdicts, sizeof(mcpt_verdict));
    hub_mem.slot_data = zeroed(hub_mem.nslots, hub_mem.slot_size);
    hub_mem.replay = hub_mem.replay_size == 0 ? NULL : zeroed(hub_mem.nsessions, hub_mem.replay_size);
    hub_mem.tok = zeroed(hub_mem.ntok, sizeof(mcpt_tok));
    hub_mem.rates = bare ? NULL : zeroed(server.ntools, sizeof(mcpt_rate));
    hub = NULL;
    if ((b & 32) != 0 && !guarded) {
        misuse();
    }
    if ((a & 8) == 0) {
        hub = fuzz_mem(sizeof(*hub));
        NEED(mcpt_hub_init(hub, &server, &hub_mem) == MCPT_OK);
    }
    memset(peers, 0, sizeof(peers));
    memset(&known, 0, sizeof(known));
    memset(tickets, 0, sizeof(tickets));
    memset(call_state, 0, sizeof(call_state));
    memset(answered_on_lines, 0, sizeof(answered_on_lines));
    memset(sent_on, 0, sizeof(sent_on));
    calls = ntickets = 0;
    next_id = 1;
    drain_all = true;
    drain_piece = feed_piece = 1 << 20;
    peer_open(&peers[0], (mcpt_framing)((a >> 4) % 3));
    peer_open(&peers[1], MCPT_HTTP);
}

static void check_over(void)
{
    NEED(hub->jobs == NULL && hub->ready == NULL && hub->ready_last == NULL);
    for (unsigned i = 0; i < 3; i++) {
        NEED(hub->timer[i].first == NULL && hub->timer[i].last == NULL);
    }
    for (size_t i = 0; i < hub_mem.nsessions; i++) {
        NEED(hub_mem.sessions[i].flags == 0 && hub_mem.sessions[i].conn == NULL);
    }
    for (size_t i = 0; i < hub_mem.nlisteners; i++) {
        NEED(hub_mem.listeners[i].conn == NULL);
    }
    for (size_t i = 0; i < hub_mem.nslots; i++) {
        NEED(hub_mem.slots[i].job.state == MCPT__J_IDLE && hub_mem.slots[i].status != MCPT__T_WORKING &&
             hub_mem.slots[i].status != MCPT__T_INPUT);
    }
    for (unsigned i = 1; i <= calls && i < CALLS - 1; i++) {
        NEED(call_state[i] != ALIVE);                         /* every call has come to its end */
    }
}

static void finish(bool hub_first)
{
    if (hub != NULL && hub_first) {
        mcpt_hub_close(hub);
        drain_all = true;
        pump_ready();
        for (unsigned i = 0; i < CONNS; i++) {
            pump(&peers[i], 0, (size_t)-1);
        }
    }
    for (unsigned i = 0; i < CONNS; i++) {
        peer_close(&peers[i]);
    }
    if (hub != NULL) {
        mcpt_hub_close(hub);                                /* again: what was received before could begin a session */
        check_over();
    }
    free(hub_mem.sessions);
    free(hub_mem.listeners);
    free(hub_mem.slots);
    free(hub_mem.verdicts);
    free(hub_mem.slot_data);
    free(hub_mem.replay);
    free(hub_mem.tok);
    free(hub_mem.rates);
    free(hub);
    free(known.state);
}

/* -- Mutation. Half of the time whole operations come and go, so that those behind them keep their meaning. */
enum { CONFIGURATION = 9 };
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Where the operation ends that begins at p: what operation() reads when the peer is open. */
static const uint8_t *operation_end(const uint8_t *p, const uint8_t *end)
{
    static const uint8_t more[18] = { 4, 2, 3, 1, 1, 2, 1, 1, 0, 1, 1, 1, 3, 1, 1, 0, 0, 0 };
    unsigned op = ((p[0] - 'A') & 0xffu) % 18, kind, style;
    size_t n = 1 + more[op];
    if ((size_t)(end - p) <= n) {
        return end;
    }
    if (op == 1) {
        n += p[2];
    } else if (op == 0) {
        kind = ((p[2] - 'A') & 0xffu) % KINDS;
        style = (p[3] - 'A') & 0xffu;
        n += ((style & HEADS) != 0 ? 1u : 0u) + ((style & BEND) != 0 ? 1u : 0u);
        if ((has_program(kind) || kind == RAW) && n < (size_t)(end - p)) {
            n += 1 + (kind == RAW ? p[n] : ((p[n] - 'A') & 0xffu) % 12);
        }
    }
    return n < (size_t)(end - p) ? p + n : end;
}

/* A well-formed operation, in most cases a request; answers its length, at most 24. */
static size_t operation_any(uint8_t *to, fuzz_random *r)
{
    static const uint8_t likely[] = { 0, CHUNKED, TOKEN, TOKEN, TOKEN | HEADS, HEADS, HEADS, BATCH, STRING_ID, POOR };
    size_t n = 0;
    uint8_t kind = (uint8_t)(fuzz_next(r) % RAW), style = likely[fuzz_next(r) % sizeof(likely)] | (fuzz_next(r) & MODERN);
    if (fuzz_next(r) % 4 == 0) {
        to[n++] = (uint8_t)('A' + 1 + fuzz_next(r) % 17);
        for (n = 1; n < 4; n++) {
            to[n] = (uint8_t)('A' + fuzz_next(r) % 26);
        }
        to[2] = to[0] == 'B' ? 1 : to[2];
        return (size_t)(operation_end(to, to + 20) - to);
    }
    kind = fuzz_next(r) % 3 == 0 ? CALL : kind;
    to[n++] = 'A';
    to[n++] = (uint8_t)('A' + (fuzz_next(r) % 2 == 0 ? 0 : fuzz_next(r) % CONNS));
    to[n++] = (uint8_t)('A' + kind);
    to[n++] = (uint8_t)('A' + style);
    to[n++] = (uint8_t)('A' + (fuzz_next(r) % 2 == 0 ? fuzz_next(r) % 8 : fuzz_next(r)));
    if ((style & HEADS) != 0) {
        to[n++] = (uint8_t)('A' + fuzz_next(r));
    }
    if (has_program(kind)) {
        unsigned len = fuzz_next(r) % 6;
        to[n++] = (uint8_t)('A' + len);
        while (len-- != 0) {
            to[n++] = (uint8_t)steps[fuzz_next(r) % (sizeof(steps) - 1)];
        }
    }
    return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    fuzz_random r = { seed };
    const uint8_t *at = data + CONFIGURATION, *end = data + size, *from, *to;
    uint8_t any[24];
    size_t n, here;
    unsigned count = 0, which;
    if (size <= CONFIGURATION || fuzz_next(&r) % 2 == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    for (from = at; from < end; from = operation_end(from, end)) {
        count++;
    }
    which = fuzz_next(&r) % (count + 1);
    for (from = at; which != 0; which--) {
        from = operation_end(from, end);
    }
    to = from < end ? operation_end(from, end) : end;
    here = (size_t)(from - data);
    n = (size_t)(to - from);
    if (n != 0 && fuzz_next(&r) % 4 == 0) {                 /* one goes */
        memmove(data + here, to, (size_t)(end - to));
        return size - n;
    }
    n = operation_any(any, &r);
    if (size + n > max_size) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    memmove(data + here + n, from, size - here);
    memcpy(data + here, any, n);
    return size + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned n = 0;
    in = data;
    in_end = data + size;
    start();
    while (in < in_end && n++ < 200 && operation()) {
    }
    finish(size % 2 == 0);
    return 0;
}
