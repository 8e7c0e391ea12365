/* The device under test in drive.h's world: a tool, resource or prompt for every behaviour of a handler. */
#ifndef DEVICE_H
#define DEVICE_H
#include "drive.h"

static struct probe {                 /* what its handlers saw, and what they are told */
    unsigned runs, cancels, audits;
    bool done, task_required;
    mcpt_ticket ticket;
    mcpt_audit audit;                 /* the last one */
    const char *tool;                 /* its tool */
    uint32_t ttl, retry;
    char args[256], uri[128], meta[256], who[32];
    void *conn_user;
    uint16_t pass;
    bool task;
    mcpt_err again;                   /* what progress that does not increase was answered */
} probe;

static inline void probe_call(const mcpt_call *call, mcpt_val args)
{
    mcpt_str raw = mcpt_raw(args);

    probe.runs++;
    probe.cancels += call->cancelled;
    probe.pass = call->pass;
    probe.task = call->task;
    probe.conn_user = call->conn_user;
    snprintf(probe.args, sizeof(probe.args), "%.*s", (int)raw.len, raw.len != 0 ? raw.ptr : "");
    snprintf(probe.meta, sizeof(probe.meta), "%.*s", (int)call->meta.len, call->meta.len != 0 ? call->meta.ptr : "");
    snprintf(probe.who, sizeof(probe.who), "%.*s", call->who != NULL ? (int)call->who->subject.len : 0,
             call->who != NULL ? call->who->subject.ptr : "");
}

static inline mcpt_err do_echo(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[1024];
    mcpt_str text;
    mcpt_err e = mcpt_get_str(mcpt_get(args, "text"), buf, sizeof(buf), &text);

    probe_call(call, args);
    if (e == MCPT_E_ABSENT) {
        text = mcpt_z("nothing");
    } else if (e != MCPT_OK) {
        return MCPT_E_PARAMS;
    }
    mcpt_text(out, text);
    return MCPT_OK;
}

/* Gives its arguments back as they came. */
static inline mcpt_err do_mirror(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    probe_call(call, args);
    mcpt_structured(out);
    mcpt_kv_raw(out, "arguments", mcpt_raw(args));
    mcpt_end(out);
    return MCPT_OK;
}

static inline mcpt_err do_steps(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t n = mcpt_int_or(mcpt_get(args, "n"), 3);
    int64_t i;

    probe_call(call, args);
    for (i = 1; i <= n; i++) {
        mcpt_err e = mcpt_progress(call, i, n, i == 1 ? "first" : NULL);

        if (e < 0 && e != MCPT_E_SPACE) {
            return e;
        }
    }
    probe.again = mcpt_progress(call, n, n, NULL);
    mcpt_text_z(out, "done");
    return MCPT_OK;
}

static inline mcpt_err do_logs(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    unsigned level;

    probe_call(call, args);
    mcpt_text_z(out, "before");       /* an answer that is half written moves out of the way */
    for (level = 0; level < 8; level++) {
        mcpt_err e = mcpt_log(call, (mcpt_level)level, "unit", mcpt_z("a \"line\"\n"));

        CHECK(e == MCPT_OK || e == MCPT_E_SPACE);
    }
    mcpt_text_z(out, "after");
    return MCPT_OK;
}

/* Waits until probe.done and a wake-up, or probe.retry milliseconds. */
static inline mcpt_err do_wait(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    probe_call(call, args);
    if (call->cancelled) {
        return MCPT_E_CANCELLED;
    }
    if (!probe.done) {
        (void)mcpt_progress(call, call->pass + 1, 0, NULL);
        probe.ticket = mcpt_call_ticket(call);
        if (probe.retry != 0) {
            mcpt_retry_after(call, probe.retry);
        }
        return MCPT_PENDING;
    }
    mcpt_text_z(out, fmt("waited %u", (unsigned)call->pass));
    return MCPT_OK;
}

#define NAME_SCHEMA \
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"minLength\":2}},\"required\":[\"name\"]}"

static inline mcpt_err do_name(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val content;
    char buf[64];
    mcpt_str name;
    mcpt_err e;

    probe_call(call, args);
    if (call->cancelled) {
        return MCPT_E_CANCELLED;
    }
    e = mcpt_ask_form(call, "name", "Who?", NAME_SCHEMA, &content);
    if (e != MCPT_OK) {
        return e;
    }
    e = mcpt_get_str(mcpt_get(content, "name"), buf, sizeof(buf), &name);
    if (e != MCPT_OK) {
        return e;
    }
    mcpt_text_z(out, fmt("hello %.*s", (int)name.len, name.ptr));
    return MCPT_OK;
}

#define SAMPLING_PARAMS \
    "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"capital?\"}}],\"maxTokens\":9}"

/* Three questions at once. */
static inline mcpt_err do_trio(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val form;
    mcpt_val sample;
    mcpt_val roots;
    mcpt_err a = mcpt_ask_form(call, "name", "Who?", NAME_SCHEMA, &form);
    mcpt_err b = mcpt_ask_sampling(call, "capital", mcpt_z(SAMPLING_PARAMS), &sample);
    mcpt_err c = mcpt_ask_roots(call, "roots", &roots);
    mcpt_str x;
    mcpt_str y;
    mcpt_str z;

    probe_call(call, args);
    if (a < 0 || b < 0 || c < 0) {
        return a < 0 ? a : b < 0 ? b : c;
    }
    if (a != MCPT_OK || b != MCPT_OK || c != MCPT_OK) {
        return MCPT_PENDING;
    }
    x = mcpt_raw(mcpt_get(form, "name"));
    y = mcpt_raw(mcpt_get(mcpt_get(sample, "content"), "text"));
    z = mcpt_raw(mcpt_get(mcpt_at(mcpt_get(roots, "roots"), 0), "uri"));
    mcpt_text_z(out, fmt("%.*s %.*s %.*s", (int)x.len, x.ptr, (int)y.len, y.ptr, (int)z.len, z.ptr));
    return MCPT_OK;
}

static inline mcpt_err do_visit(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_err e = mcpt_ask_url(call, "consent", "Please agree", mcpt_z("https://dev.example/agree?x=1"));

    probe_call(call, args);
    if (e != MCPT_OK) {
        return e;
    }
    mcpt_text_z(out, "agreed");
    return MCPT_OK;
}

/* One question after the other; what it counts survives in scratch. */
static inline mcpt_err do_rounds(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val first;
    mcpt_val second;
    mcpt_err e;

    probe_call(call, args);
    call->scratch[0]++;
    e = mcpt_ask_form(call, "one", "First?", NAME_SCHEMA, &first);
    if (e != MCPT_OK) {
        return e;
    }
    e = mcpt_ask_form(call, "two", "Second?", NAME_SCHEMA, &second);
    if (e != MCPT_OK) {
        return e;
    }
    mcpt_text_z(out, fmt("%.*s then %.*s in %u", (int)mcpt_raw(mcpt_get(first, "name")).len, mcpt_raw(mcpt_get(first, "name")).ptr,
                         (int)mcpt_raw(mcpt_get(second, "name")).len, mcpt_raw(mcpt_get(second, "name")).ptr,
                         (unsigned)call->scratch[0]));
    return MCPT_OK;
}

static inline mcpt_err do_bulk(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t n = mcpt_int_or(mcpt_get(args, "n"), 10);

    probe_call(call, args);
    mcpt_text_begin(out);
    while (n-- > 0) {
        mcpt_str_add(out, mcpt_z("x"));
    }
    mcpt_text_end(out);
    return MCPT_OK;
}

/* The same, later. */
static inline mcpt_err do_late(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    if (!probe.done) {
        probe.ticket = mcpt_call_ticket(call);
        return MCPT_PENDING;
    }
    return do_bulk(call, args, out);
}

/* n pieces of some text each; with "note" it also reports progress, with "wait" it pauses before that piece. */
static inline mcpt_err do_pour(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t n = mcpt_int_or(mcpt_get(args, "n"), 3);
    unsigned at = call->scratch[0];

    probe_call(call, args);
    if (call->cancelled) {
        return MCPT_E_CANCELLED;
    }
    if (mcpt_bool_or(mcpt_get(args, "note"), false)) {
        mcpt_err e = mcpt_progress(call, at + 1, n, NULL);

        CHECK(e == MCPT_OK || e == MCPT_E_SPACE || e == MCPT_E_RANGE);
    }
    if (at == (unsigned)mcpt_int_or(mcpt_get(args, "wait"), -1) && call->scratch[1]++ == 0) {
        probe.ticket = mcpt_call_ticket(call);
        return MCPT_PENDING;
    }
    mcpt_text_z(out, fmt("piece %u of many", at));
    if (at == (unsigned)mcpt_int_or(mcpt_get(args, "fail"), -1)) {
        return MCPT_E_IO;
    }
    call->scratch[0]++;
    return at + 1 < n ? MCPT_MORE : MCPT_OK;
}

static inline mcpt_err do_answer(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t e = mcpt_int_or(mcpt_get(args, "err"), 0);

    probe_call(call, args);
    if (e == 1) {
        return mcpt_fail(out, "it broke");
    }
    if (e == 2) {
        return mcpt_error(out, -1234, "own error");
    }
    if (e == 3) {
        mcpt_text_begin(out);         /* left open */
        return MCPT_OK;
    }
    if (e == 4) {
        mcpt_structured(out);
        mcpt_kv_int(out, "n", 7);
        mcpt_end(out);
        return MCPT_OK;
    }
    if (e == 0) {
        return MCPT_OK;               /* nothing to say */
    }
    mcpt_text_z(out, "half an answer");
    return (mcpt_err)e;
}

/* Every verb once; with "misuse" also one that is not allowed there. */
static inline mcpt_err do_verbs(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t misuse = mcpt_int_or(mcpt_get(args, "misuse"), 0);

    probe_call(call, args);
    mcpt_text_begin(out);
    mcpt_str_add(out, mcpt_z("a\"b"));
    mcpt_str_add(out, mcpt_z("\xe2\x82\xac"));
    mcpt_text_end(out);
    mcpt_image(out, "image/png", "\x89PN", 3);
    mcpt_audio(out, "audio/wav", "RIFF", 4);
    mcpt_resource_link(out, "dev://now", "now", NULL);
    mcpt_embedded_text(out, mcpt_z("dev://e"), "text/plain", mcpt_z("inside"));
    mcpt_embedded_blob(out, mcpt_z("dev://b"), NULL, "", 0);
    mcpt_content(out);
    mcpt_kv_z(out, "type", "text");
    mcpt_kv_z(out, "text", "own");
    mcpt_end(out);
    switch (misuse) {
    case 1: mcpt_blob(out, "x", 1); break;
    case 2: mcpt_message(out, "user"); break;
    case 3: mcpt_prompt_description(out, "x"); break;
    case 4: mcpt_completion(out, mcpt_z("x")); break;
    case 5: mcpt_content(out); break;              /* left open */
    case 6: mcpt_end(out); break;                  /* one too many */
    case 7: mcpt_text(out, mcpt_z("\xff")); break;
    default: break;
    }
    mcpt_structured(out);
    mcpt_kv_fix(out, "celsius", 2137, 2);
    if (misuse == 8) {
        mcpt_text_z(out, "inside structured content");
    }
    mcpt_end(out);
    if (misuse == 9) {
        mcpt_structured(out);
        mcpt_end(out);
    }
    if (misuse == 10) {
        mcpt_text_z(out, "content again");
    }
    if (misuse == 11) {
        mcpt_val v;

        return mcpt_ask_form(call, "late", "x", NAME_SCHEMA, &v) == MCPT_E_STATE ? MCPT_E_IO : MCPT_OK;
    }
    return MCPT_OK;
}

static inline mcpt_err do_chore(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val content;
    mcpt_err e = mcpt_task(call, probe.task_required, probe.ttl, 250);

    probe_call(call, args);
    if (call->cancelled) {
        return MCPT_E_CANCELLED;
    }
    if (e != MCPT_OK) {
        return e;
    }
    (void)mcpt_progress(call, call->pass, 0, NULL);
    (void)mcpt_log(call, MCPT_ERROR, NULL, mcpt_z("never on a task"));
    if (mcpt_bool_or(mcpt_get(args, "ask"), false)) {
        mcpt_val other;
        mcpt_err f = mcpt_ask_form(call, "other", "Sure?", NAME_SCHEMA, &other);

        e = mcpt_ask_form(call, "name", "Who?", NAME_SCHEMA, &content);
        if (e < 0 || f < 0) {
            return e < 0 ? e : f;
        }
        if (e != MCPT_OK || f != MCPT_OK) {
            return MCPT_PENDING;
        }
    } else if (!probe.done) {
        if (call->task) {
            CHECK(mcpt_task_status(call, "busy") == MCPT_OK);
        }
        probe.ticket = mcpt_call_ticket(call);
        if (probe.retry != 0) {
            mcpt_retry_after(call, probe.retry);
        }
        return MCPT_PENDING;
    }
    if (mcpt_int_or(mcpt_get(args, "fail"), 0) != 0) {
        return mcpt_fail(out, "chore failed");
    }
    if (mcpt_int_or(mcpt_get(args, "error"), 0) != 0) {
        return MCPT_E_IO;
    }
    if (mcpt_int_or(mcpt_get(args, "more"), 0) != 0) {
        mcpt_text_z(out, "a piece");
        return call->task ? MCPT_MORE : MCPT_OK;
    }
    mcpt_text_z(out, times('c', (size_t)mcpt_int_or(mcpt_get(args, "n"), 5)));
    return MCPT_OK;
}

/* A task that never ends and wants to be called again at once. */
static inline mcpt_err do_yield(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_err e = mcpt_task(call, true, 0, 0);

    (void)out;
    probe_call(call, args);
    if (e == MCPT_OK) {
        mcpt_retry_after(call, 0);
        return MCPT_PENDING;
    }
    return e;
}

static inline mcpt_err do_leave(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    probe_call(call, args);
    if (call->cancelled) {
        return MCPT_E_CANCELLED;
    }
    if (call->pass < (unsigned)mcpt_int_or(mcpt_get(args, "times"), 1)) {
        mcpt_err e = mcpt_stream_close(call, 700);

        CHECK(e == MCPT_OK || e == MCPT_E_STATE);
        if (e == MCPT_OK) {
            probe.ticket = mcpt_call_ticket(call);
            return MCPT_PENDING;
        }
    }
    mcpt_text_z(out, call->pass == 0 ? "stayed" : "left and came back");
    return MCPT_OK;
}

static inline mcpt_err do_read(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    char buf[64];
    mcpt_str id;
    mcpt_err e = mcpt_uri_var(call, "id", buf, sizeof(buf), &id);

    snprintf(probe.uri, sizeof(probe.uri), "%.*s", (int)uri.len, uri.ptr);
    probe.runs++;
    if (e == MCPT_E_ABSENT) {
        mcpt_text_z(out, "computed");
        return MCPT_OK;
    }
    if (e != MCPT_OK) {
        return e;
    }
    if (id.len == 4 && memcmp(id.ptr, "none", 4) == 0) {
        return MCPT_E_NOT_FOUND;
    }
    mcpt_text(out, id);
    return MCPT_OK;
}

static inline mcpt_err do_greet(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[64];
    mcpt_str name;

    probe_call(call, args);
    if (mcpt_get_str(mcpt_get(args, "name"), buf, sizeof(buf), &name) != MCPT_OK) {
        return MCPT_E_PARAMS;
    }
    mcpt_prompt_description(out, "A greeting");
    mcpt_message(out, "user");
    mcpt_text_z(out, fmt("greet %.*s", (int)name.len, name.ptr));
    return MCPT_OK;
}

static inline mcpt_err do_complete(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context, mcpt_writer *out)
{
    unsigned n = value.len != 0 && value.ptr[0] == 'm' ? 120 : 2;
    unsigned i;

    (void)call;
    (void)context;
    if (argument.len == 2 && memcmp(argument.ptr, "no", 2) == 0) {
        return MCPT_OK;
    }
    for (i = 0; i < n; i++) {
        mcpt_completion(out, mcpt_z(fmt("%.*s%u", (int)value.len, value.ptr, i)));
    }
    return MCPT_OK;
}

#define ANY_SCHEMA "{\"type\":\"object\"}"
#define TEXT_SCHEMA "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"maxLength\":500}}}"
#define ROUTED_SCHEMA "{\"type\":\"object\",\"properties\":{" \
    "\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"}," \
    "\"dry\":{\"type\":\"boolean\",\"x-mcp-header\":\"Dry\"}," \
    "\"where\":{\"type\":\"object\",\"properties\":{\"floor\":{\"type\":\"integer\",\"x-mcp-header\":\"Floor\"}}}}}"
/* Written over several lines, as people write it. */
#define PRETTY_SCHEMA "{\n  \"type\": \"object\",\n  \"properties\": { \"text\": {\n    \"type\": \"string\" } }\n}"

static const mcpt_tool device_tools[] = {
    MCPT_TOOL("echo", "Says it again", TEXT_SCHEMA, do_echo, MCPT_READ_ONLY | MCPT_CLOSED_WORLD),
    MCPT_TOOL("mirror", "Gives the arguments back", NULL, do_mirror, 0),
    MCPT_TOOL("steps", "Progress", ANY_SCHEMA, do_steps, 0),
    MCPT_TOOL("logs", "A log line at every level", ANY_SCHEMA, do_logs, 0),
    MCPT_TOOL("wait", "Takes its time", ANY_SCHEMA, do_wait, 0),
    MCPT_TOOL("name", "Asks for a name", ANY_SCHEMA, do_name, 0),
    MCPT_TOOL("trio", "Asks three things at once", ANY_SCHEMA, do_trio, 0),
    MCPT_TOOL("visit", "Asks to open a page", ANY_SCHEMA, do_visit, 0),
    MCPT_TOOL("rounds", "Asks twice", ANY_SCHEMA, do_rounds, 0),
    MCPT_TOOL("bulk", "Says much", ANY_SCHEMA, do_bulk, 0),
    MCPT_TOOL("late", "Says much, later", ANY_SCHEMA, do_late, 0),
    MCPT_TOOL("pour", "Answers in pieces", ANY_SCHEMA, do_pour, MCPT_STREAM),
    MCPT_TOOL("answer", "Fails on demand", ANY_SCHEMA, do_answer, 0),
    MCPT_TOOL("chore", "Runs as a task", ANY_SCHEMA, do_chore, 0),
    MCPT_TOOL("verbs", "Uses every verb", ANY_SCHEMA, do_verbs, 0),
    MCPT_TOOL("yield", "Is a task without end", ANY_SCHEMA, do_yield, 0),
    MCPT_TOOL("leave", "Closes its stream", ANY_SCHEMA, do_leave, 0),
    MCPT_TOOL("routed", "Has headers", ROUTED_SCHEMA, do_mirror, 0),
    MCPT_TOOL("pretty", "Has a schema of several lines", PRETTY_SCHEMA, do_echo, 0),
    MCPT_TOOL("hidden", "Only for ada", ANY_SCHEMA, do_echo, 0),
    { "limited", "Title", "At most twice in a row", ANY_SCHEMA, NULL, do_echo, 0, 60, 2, NULL, NULL, "{\"k\":1}", NULL },
    { "rare", NULL, "Once a minute", ANY_SCHEMA, NULL, do_echo, 0, 1, 1, NULL, NULL, NULL, NULL },
    MCPT_TOOL("\xc3\xb6lstand", "A name beyond ASCII", ANY_SCHEMA, do_echo, 0),
};
#define STATIC_TEXT "caf\xc3\xa9 \xe2\x82\xac \"quoted\" \xf0\x9f\x98\x80 line\n" \
    "aaaaaaaaaaaaaaaaaaa\xe2\x82\xac\xe2\x82\xac\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 end"
static const unsigned char device_blob[] = {
    0, 1, 2, 3, 4, 5, 6, 7, 255, 254, 253, 10, 13, 34, 92, 0, 0, 0, 128, 129, 130, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44
};
static const mcpt_resource device_resources[] = {
    { "dev://text", "text", "Static", NULL, "text/plain", STATIC_TEXT, sizeof(STATIC_TEXT) - 1, NULL, 0, NULL, NULL, NULL, NULL,
      NULL, NULL },
    { "dev://blob", "blob", NULL, NULL, NULL, device_blob, sizeof(device_blob), NULL, MCPT_BINARY, NULL, NULL, NULL, NULL, NULL,
      NULL },
    { "dev://now", "now", NULL, "Computed", "text/plain", NULL, 0, do_read, 0, NULL, NULL, "{\"priority\":0.5}", NULL, NULL, NULL },
    { "dev://item/{id}", "item", NULL, NULL, "text/plain", NULL, 0, do_read, 0, do_complete, NULL, NULL, NULL, NULL, NULL },
    { "dev://empty", "empty", NULL, NULL, "text/plain", "", 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL },
    { "dev://hidden", "hidden", NULL, NULL, NULL, "secret", 6, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
static const mcpt_prompt_arg greet_args[] = { { "name", NULL, "Whom", true }, { "tone", "Tone", NULL, false } };
static const mcpt_prompt device_prompts[] = {
    { "greet", NULL, "Greets", greet_args, 2, do_greet, do_complete, NULL, NULL, NULL, NULL },
    { "inquire", NULL, "Asks first", NULL, 0, do_name, NULL, NULL, NULL, NULL, NULL },
    { "hidden", NULL, "Only for ada", NULL, 0, do_greet, do_complete, NULL, NULL, NULL, NULL },
};

/* Rows called hidden are ada's. */
static inline bool device_visible(void *user, mcpt_kind kind, size_t row, const mcpt_principal *who)
{
    const char *name = kind == MCPT_KIND_TOOL ? device_tools[row].name : kind == MCPT_KIND_PROMPT ? device_prompts[row].name :
                       device_resources[row].name;

    (void)user;
    return strcmp(name, "hidden") != 0 || (who != NULL && mcpt_str_is(who->subject, "ada"));
}

static inline void device_audit(void *user, const mcpt_audit *record)
{
    (void)user;
    probe.audits++;
    probe.audit = *record;
    probe.tool = record->tool->name;
}

/* The default world: everything on. */
static inline void begin(void)
{
    empty_world();
    memset(&probe, 0, sizeof(probe));
    world.server.tools = device_tools;
    world.server.ntools = MCPT_COUNT(device_tools);
    world.server.resources = device_resources;
    world.server.nresources = MCPT_COUNT(device_resources);
    world.server.prompts = device_prompts;
    world.server.nprompts = MCPT_COUNT(device_prompts);
    world.server.offers = MCPT_OFFER_LIST_CHANGED | MCPT_OFFER_SUBSCRIBE | MCPT_OFFER_LOGGING | MCPT_OFFER_COMPLETIONS |
                          MCPT_OFFER_TASKS;
    world.server.visible = device_visible;
    world.server.audit = device_audit;
}
#endif
