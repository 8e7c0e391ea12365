/* The server's corners: what a table check finds, templates, tables with broken text, and every place where something does not fit. */
#include "device.h"

/* -- mcpt_server_check */

static char found[4096];

static void note(void *user, const char *row, const char *what, mcpt_str detail)
{
    size_t n = strlen(found);

    (void)user;
    snprintf(found + n, sizeof(found) - n, "%s: %s%s%.*s\n", row, what, detail.len != 0 ? " " : "", (int)detail.len, detail.len != 0 ? detail.ptr : "");
}

static mcpt_err check_tools(const mcpt_tool *tools, size_t n, bool sorted)
{
    world.server.tools = tools;
    world.server.ntools = n;
    world.server.sorted = sorted;
    found[0] = '\0';
    return mcpt_server_check(&world.server, note, NULL);
}

/* "Every finding is reported as (row name, what); OK or E_ARG when something is wrong; a keyword that is merely not enforced is
 * reported but not wrong." */
static void the_table_check_names_what_is_wrong(void)
{
    static const mcpt_tool good[] = { MCPT_TOOL("a", "d", NULL, do_echo, 0), MCPT_TOOL("b.c-d_E9", "d", TEXT_SCHEMA, do_echo, 0) };
    static const mcpt_tool unsorted[] = { MCPT_TOOL("b", "d", NULL, do_echo, 0), MCPT_TOOL("a", "d", NULL, do_echo, 0) };
    static const mcpt_tool twice[] = { MCPT_TOOL("b", "d", NULL, do_echo, 0), MCPT_TOOL("a", "d", NULL, do_echo, 0), MCPT_TOOL("b", "d", NULL, do_echo, 0) };
    static const mcpt_tool space[] = { MCPT_TOOL("a b", "d", NULL, do_echo, 0) };
    static const mcpt_tool empty[] = { MCPT_TOOL("", "d", NULL, do_echo, 0) };
    static const mcpt_tool nameless[] = { MCPT_TOOL(NULL, "d", NULL, do_echo, 0) };
    static const mcpt_tool mute[] = { MCPT_TOOL("a", NULL, NULL, do_echo, 0) };
    static const mcpt_tool idle[] = { MCPT_TOOL("a", "d", NULL, NULL, 0) };
    static const mcpt_tool broken[] = { MCPT_TOOL("a", "d", "{\"type\":", do_echo, 0) };
    static const mcpt_tool array[] = { MCPT_TOOL("a", "d", "[]", do_echo, 0) };
    static const mcpt_tool loose[] = { MCPT_TOOL("a", "d", "{\"type\":\"object\",\"properties\":{\"x\":{\"pattern\":\"^a\"}}}", do_echo, 0) };
    static const mcpt_tool header_bad[] = { MCPT_TOOL("a", "d", "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"number\",\"x-mcp-header\":\"X\"}}}", do_echo, 0) };
    static mcpt_resource resources[2];
    static mcpt_prompt prompts[1];

    begin();
    world.server.nresources = world.server.nprompts = 0;
    CHECK(check_tools(good, 2, true) == MCPT_OK);
    IS(found, "");
    CHECK(check_tools(unsorted, 2, false) == MCPT_OK);
    CHECK(check_tools(unsorted, 2, true) == MCPT_E_ARG);
    HAS(found, "a: ");
    CHECK(check_tools(twice, 3, false) == MCPT_E_ARG);
    HAS(found, "b: ");
    CHECK(check_tools(space, 1, false) == MCPT_E_ARG);
    CHECK(check_tools(empty, 1, false) == MCPT_E_ARG);
    CHECK(check_tools(nameless, 1, false) == MCPT_E_ARG);
    CHECK(check_tools(mute, 1, false) == MCPT_E_ARG);
    CHECK(check_tools(idle, 1, false) == MCPT_E_ARG);
    CHECK(check_tools(broken, 1, false) == MCPT_E_ARG);
    CHECK(check_tools(array, 1, false) == MCPT_E_ARG);
    CHECK(check_tools(loose, 1, false) == MCPT_OK);
    HAS(found, "pattern");
    CHECK(check_tools(header_bad, 1, false) == MCPT_E_ARG);
    HAS(found, "x-mcp-header");
    world.server.resources = resources;
    world.server.nresources = 2;
    resources[0].uri = "dev://a";
    resources[0].name = "a";
    resources[0].data = "\xff";
    resources[0].size = 1;
    resources[1] = resources[0];
    resources[1].uri = "dev://b";
    CHECK(check_tools(good, 2, false) == MCPT_E_ARG);
    HAS(found, "UTF-8");
    resources[0].flags = resources[1].flags = MCPT_BINARY;
    CHECK(check_tools(good, 2, false) == MCPT_OK);
    resources[1].name = NULL;
    CHECK(check_tools(good, 2, false) == MCPT_E_ARG);
    resources[1].name = "b";
    resources[1].uri = "dev://{x}";   /* a template cannot be static */
    CHECK(check_tools(good, 2, false) == MCPT_E_ARG);
    resources[1].fn = do_read;
    resources[1].data = NULL;
    CHECK(check_tools(good, 2, false) == MCPT_OK);
    resources[1].uri = "dev://a";
    CHECK(check_tools(good, 2, false) == MCPT_E_ARG);
    world.server.nresources = 1;
    world.server.prompts = prompts;
    world.server.nprompts = 1;
    prompts[0].name = "p";
    prompts[0].fn = do_greet;
    CHECK(check_tools(good, 2, false) == MCPT_E_ARG);
    prompts[0].description = "d";
    CHECK(check_tools(good, 2, false) == MCPT_OK);
    finish();
}

/* -- templates */

static char vars[256];

static mcpt_err do_vars(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    static const char *const names[] = { "a", "b", "rest" };
    char buf[40];
    mcpt_str value;
    size_t i;
    size_t n = 0;

    (void)uri;
    vars[0] = '\0';
    for (i = 0; i < 3; i++) {
        mcpt_err e = mcpt_uri_var(call, names[i], buf, sizeof(buf), &value);

        if (e == MCPT_OK) {
            n += (size_t)snprintf(vars + n, sizeof(vars) - n, "%s=%.*s;", names[i], (int)value.len, value.ptr);
        } else if (e != MCPT_E_ABSENT) {
            n += (size_t)snprintf(vars + n, sizeof(vars) - n, "%s:%d;", names[i], (int)e);
        }
    }
    mcpt_text_z(out, vars);
    return MCPT_OK;
}

/* RFC 6570 level 1 and {+name}, read backwards: a run without '/', or any run; the first row that fits. */
static void templates_take_uris_apart(void)
{
    static const struct { const char *template_, *uri, *vars; } rows[] = {
        { "x://{a}", "x://1", "a=1;" }, { "x://{a}", "x://", NULL }, { "x://{a}", "x://1/2", NULL }, { "x://{a}", "y://1", NULL },
        { "x://{a}/end", "x://1/end", "a=1;" }, { "x://{a}/end", "x://1/ends", NULL }, { "x://{a}/end", "x://1/en", NULL },
        { "x://{a}-{b}.txt", "x://1-2.txt", "a=1;b=2;" }, { "x://{a}-{b}.txt", "x://1-2-3.txt", "a=1;b=2-3;" }, { "x://{a}-{b}.txt", "x://-2.txt", NULL },
        { "x://{a}-v{b}", "x://1-2-v3", "a=1-2;b=3;" }, { "x://{a}{b}", "x://12", NULL },    /* nothing between them: ambiguous */
        { "x://{+rest}", "x://1/2/3", "rest=1/2/3;" }, { "x://{+rest}", "x://", NULL }, { "x://{+rest}.json", "x://a.b/c.json", "rest=a.b/c;" },
        { "x://{+rest}.json", "x://a.json.txt", NULL }, { "x://{+rest}/meta/info", "x://a/b/meta/info", "rest=a/b;" },
        { "x://{+rest}/meta/info", "x://a/meta/info/meta/info", "rest=a/meta/info;" }, { "x://{a}/{+rest}", "x://1/2/3", "a=1;rest=2/3;" },
        { "x://{+rest}/{a}", "x://1/2/3", "a=3;rest=1/2;" }, { "x://{a}", "x://%41%2f", "a=A/;" }, { "x://{a}", "x://%4", "a:-63;" }, { "x://{a}", "x://%00", "a:-63;" },
        { "x://{a}", "x://0123456789012345678901234567890123456789x", "a:-3;" }, { "x://{a", "x://1", NULL }, { "x://{z}", "x://1", "" },
    };
    static mcpt_resource table[2];
    size_t i;
    wire *w;
    reply r;

    begin();
    world.server.visible = NULL;
    world.server.resources = table;
    world.server.nresources = 2;
    table[0].uri = "never://{x}";
    table[0].name = "never";
    table[0].fn = do_vars;
    table[1] = table[0];
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        table[1].uri = rows[i].template_;
        r = modern(w, "resources/read", rows[i].uri, fmt("\"uri\":\"%s\"", rows[i].uri));
        if (rows[i].vars != NULL) {
            text_check(strcmp(member_text(r.body, "result|contents|0|text"), rows[i].vars) == 0, __FILE__, __LINE__, r.body, rows[i].uri, rows[i].vars);
        } else {
            text_check(error_code(r.body) == -32602, __FILE__, __LINE__, r.body, rows[i].uri, rows[i].template_);
        }
    }
    finish();
}

/* -- what does not fit */

/* Tables with text that is not UTF-8: an error as long as nothing was sent, else a broken connection; never a wrong list. */
static void broken_tables_are_never_listed(void)
{
    static mcpt_tool table[2];
    wire *w;
    reply r;

    begin();
    world.server.visible = NULL;
    world.server.tools = table;
    world.server.ntools = 2;
    table[0].name = "a";
    table[0].description = times('d', 600);
    table[0].fn = do_echo;
    table[1] = table[0];
    table[1].name = "b";
    table[1].description = "\xff";
    start();
    w = dial(MCPT_HTTP);
    ERROR_IS(modern(w, "tools/list", NULL, ""), 200, -32603, "1");
    HAS(world.log, "UTF-8");
    world.tx = 512;
    w = dial(MCPT_HTTP);
    r = modern(w, "tools/list", NULL, "");
    CHECK(r.chunked && !r.whole && w->closed);
    finish();
}

/* MCPT_SUBSCRIPTIONS bytes and 32 URIs; acknowledgments and notifications larger than tx. */
static void subscriptions_are_bounded(void)
{
    const char *s;
    unsigned i;
    wire *w;
    wire *v;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-11-25", "{}");
    for (i = 0; i < 40; i++) {
        r = legacy(w, s, "resources/subscribe", fmt("\"uri\":\"dev://item/%u\"", i));
        if (error_code(r.body) != 0) {
            break;
        }
    }
    CHECK(i > 10 && i < 32);
    ERROR_IS(r, 200, -32603, "1");
    CHECK(legacy(w, s, "resources/unsubscribe", "\"uri\":\"dev://item/3\"").status == 200);
    CHECK(error_code(legacy(w, s, "resources/subscribe", "\"uri\":\"dev://item/x\"").body) == 0);
    CHECK(error_code(legacy(w, s, "resources/subscribe", "\"uri\":\"dev://item/x\"").body) == 0);    /* again: no more room needed */
    CHECK(error_code(legacy(w, s, "resources/subscribe", "\"uri\":\"dev://item/yy\"").body) == -32603);
    hang_up(w);
    world.tx = 512;
    w = dial(MCPT_HTTP);
    r = modern(w, "subscriptions/listen", NULL, "\"notifications\":{\"resourceSubscriptions\":[\"dev://item/0123456789012345678901234567890123456789\","
               "\"dev://item/1123456789012345678901234567890123456789\",\"dev://item/2123456789012345678901234567890123456789\","
               "\"dev://item/3123456789012345678901234567890123456789\"]}");
    CHECK(r.whole && strstr(r.body, "-32603") != NULL);              /* the acknowledgment does not fit */
    CHECK(world.listeners[0].conn == NULL);
    /* a task whose result is larger than the listener's tx: noted, not half sent */
    probe.done = true;
    world.caps = "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";
    world.tx = 4096;
    v = dial(MCPT_HTTP);
    probe.done = false;
    s = fmt("%s", member_text(call(v, "chore", "{\"n\":900}").body, "result|taskId"));
    r = modern(w, "subscriptions/listen", NULL, fmt("\"notifications\":{\"taskIds\":[\"%s\"]}", s));
    CHECK(r.stream && !r.whole);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    HAS(world.log, "does not fit");
    LACKS(take(w).body, "completed");
    world.caps = "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";
    r = modern(v, "tasks/get", s, fmt("\"taskId\":\"%s\"", s));
    HAS(r.body, "ccccccc");
    world.tx = 600;
    v = dial(MCPT_HTTP);
    ERROR_IS(modern(v, "tasks/get", s, fmt("\"taskId\":\"%s\"", s)), 200, -32603, "1");
    finish();
}

/* A legacy answer lives in the rest of rx: one that is larger becomes an error for the handler, not half an answer. */
static void answers_that_do_not_fit_are_refused_to_the_handler(void)
{
    const char *s;
    wire *a;
    wire *b;
    reply r;

    begin();
    start();
    b = dial(MCPT_HTTP);
    s = join(b, "2025-06-18", "{\"elicitation\":{},\"sampling\":{},\"roots\":{}}");
    world.rx = 600;
    a = dial(MCPT_HTTP);
    r = legacy_call(a, s, "name", "{}");
    CHECK(post(b, session_headers(s), fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"action\":\"accept\",\"content\":{\"name\":\"%s\"}}}",
                                          member(event(r.body, 0), "id"), times('n', 600))).status == 202);
    r = take(a);
    CHECK(r.whole && error_code(event(r.body, 1)) == -32602);
    HAS(world.log, "does not fit");
    IS(said(legacy_call(a, s, "echo", "{}").body), "nothing");
    finish();
    /* a requestState with answers beyond MCPT_MAX_STATE */
    begin();
    start();
    a = dial(MCPT_HTTP);
    world.caps = "{\"elicitation\":{}}";
    r = modern(a, "tools/call", "rounds", fmt("%s,\"inputResponses\":{\"one\":{\"action\":\"accept\",\"content\":{\"name\":\"%s\"}}}", tool_members("rounds", "{}"),
                                              times('n', 400)));
    ERROR_IS(r, 200, -32603, "1");
    r = modern(a, "tools/call", "rounds", fmt("%s,\"inputResponses\":{\"one\":{\"action\":\"accept\",\"content\":{\"name\":\"%s\"}}}", tool_members("rounds", "{}"),
                                              times('n', 100)));
    HAS(r.body, "Second?");
    finish();
}

/* A call that goes on without its connection has the hub's tokens; too few of them are an error like everywhere. */
static void the_hubs_tokens_are_bounded_too(void)
{
    const char *s;
    wire *a;

    begin();
    world.mem.ntok = 3;
    start();
    a = dial(MCPT_HTTP);
    s = join(a, "2025-11-25", "{}");
    (void)legacy_call(a, s, "wait", "{\"x\":[1,2,3,4,5]}");
    hang_up(a);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    CHECK(world.hub.jobs == NULL && world.slots[0].job.state == 0);
    CHECK(probe.audits == 1 && probe.audit.result < 0);
    a = dial(MCPT_HTTP);
    HAS(get(a, s, "Last-Event-ID: 1-0\r\n").body, "-32602");
    finish();
}

/* A wake-up through a ticket that was never filled in, or after its hub's calls have ended, is nothing. */
static void useless_wake_ups_are_harmless(void)
{
    mcpt_ticket none;
    unsigned i;

    begin();
    start();
    memset(&none, 0, sizeof(none));
    mcpt_wake(none);
    settle();
    {
        wire *w = dial(MCPT_HTTP);

        (void)call(w, "wait", "{}");
        hang_up(w);
        for (i = 0; i < 40; i++) {    /* tickets share flags: another call may be woken early, and goes on waiting */
            w = dial(MCPT_HTTP);
            (void)call(w, "wait", "{}");
            mcpt_wake(probe.ticket);
            settle();
            CHECK(take(w).status == 0);
            hang_up(w);
        }
        CHECK(probe.cancels == 41);
    }
    finish();
}

/* -- differences of old revisions */

/* 2025-06-18 changelog: "Add support for resource links in tool call results": before it they do not exist. */
static void old_revisions_get_no_resource_links(void)
{
    static const char *const versions[] = { "2025-03-26", "2025-06-18", "2025-11-25" };
    const char *s;
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    for (i = 0; i < 3; i++) {
        s = join(w, versions[i], "{}");
        r = legacy_call(w, s, "verbs", "{}");
        CHECK(r.status == 200 && (strstr(r.body, "resource_link") != NULL) == (i != 0));
        HAS(r.body, "dev://now");
    }
    finish();
}

/* What a prompt cannot ask is an error, for prompts have no isError. */
static void prompts_fail_with_errors(void)
{
    const char *s;
    wire *a;
    wire *b;
    reply r;

    begin();
    start();
    a = dial(MCPT_HTTP);
    b = dial(MCPT_HTTP);
    s = join(a, "2025-06-18", "{\"elicitation\":{}}");
    r = legacy(a, s, "prompts/get", "\"name\":\"inquire\"");
    (void)post(b, session_headers(s), fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"action\":\"decline\"}}", member(event(r.body, 0), "id")));
    CHECK(error_code(event(take(a).body, 1)) == -32600);
    s = join(a, "2025-06-18", "{}");
    CHECK(error_code(legacy(a, s, "prompts/get", "\"name\":\"inquire\"").body) == -32600);
    ERROR_IS(modern(a, "prompts/get", "inquire", "\"name\":\"inquire\""), 400, -32021, "1");
    finish();
}

/* RFC 9110 9.3.1: a GET with a body means nothing; here it is refused, and the connection closed, for it may be smuggling. */
static void a_get_with_a_body_is_refused(void)
{
    const char *s;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-11-25", "{}");
    put(w, http("GET", session_headers(s), "{}"));
    r = take(w);
    CHECK(r.status == 400 && r.closes && w->closed);
    finish();
}

int main(void)
{
    the_table_check_names_what_is_wrong();
    templates_take_uris_apart();
    broken_tables_are_never_listed();
    subscriptions_are_bounded();
    answers_that_do_not_fit_are_refused_to_the_handler();
    the_hubs_tokens_are_bounded_too();
    useless_wake_ups_are_harmless();
    old_revisions_get_no_resource_links();
    prompts_fail_with_errors();
    a_get_with_a_body_is_refused();
    return test_end();
}
