/* Subscriptions of the modern era (2026-07-28) and the tasks extension (ext-tasks, io.modelcontextprotocol/tasks), whose draft is quoted
 * as ext-tasks. */
#include "device.h"

#define YES(name) "{\"action\":\"accept\",\"content\":{\"name\":\"" name "\"}}"
static const char *const caps_tasks = "{\"elicitation\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";

/* -- subscriptions */

#define LISTEN(filter) fmt("\"notifications\":%s", (filter))

/* basic/patterns/subscriptions: acknowledgment first, only what was asked for, every message tagged; several at once. */
static void listeners_get_what_they_asked_for_tagged_with_their_id(void)
{
    wire *w;
    wire *v;
    wire *x;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    x = dial(MCPT_HTTP);
    world.id = "1732339000123";
    r = modern(w, "subscriptions/listen", NULL, LISTEN("{\"toolsListChanged\":true,\"promptsListChanged\":false,\"unknown\":true,"
                                                       "\"resourceSubscriptions\":[\"dev://text\",\"dev://now\",\"dev://text\",7,\"\"]}"));
    CHECK(r.status == 200 && r.stream && !r.whole && r.closes == false);
    IS(header(r, "Cache-Control"), "no-cache");
    IS(header(r, "X-Accel-Buffering"), "no");
    IS(event(r.body, 0), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"_meta\":{\"" META
       "subscriptionId\":1732339000123},\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"dev://text\",\"dev://now\"]}}}");
    world.id = "\"\"";
    r = modern(v, "subscriptions/listen", NULL, LISTEN("{\"promptsListChanged\":true,\"resourcesListChanged\":true}"));
    HAS(r.body, "subscriptionId\":\"\"}");
    world.id = "\"x\\u00e9\"";
    r = modern(x, "subscriptions/listen", NULL, LISTEN("{}"));
    HAS(r.body, "\"notifications\":{}}");
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS | MCPT_CHANGED_PROMPTS | MCPT_CHANGED_RESOURCES);
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);                /* what is not sent yet is not sent twice */
    mcpt_hub_updated(&world.hub, "dev://now");
    mcpt_hub_updated(&world.hub, "dev://blob");
    mcpt_hub_updated(&world.hub, "dev://nowhere");
    settle();
    r = take(w);
    IS(event(r.body, 1), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{\"_meta\":{\"" META
       "subscriptionId\":1732339000123}}}");
    IS(event(r.body, 2), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"_meta\":{\"" META
       "subscriptionId\":1732339000123},\"uri\":\"dev://now\"}}");
    IS(event(r.body, 3), "");
    r = take(v);
    HAS(event(r.body, 1), "notifications/prompts/list_changed");
    HAS(event(r.body, 2), "notifications/resources/list_changed");
    IS(event(r.body, 3), "");
    IS(event(take(x).body, 1), "");
    mcpt_hub_updated(&world.hub, "dev://text");
    mcpt_hub_updated(&world.hub, "dev://now");
    settle();
    CHECK(count(take(w).body, "resources/updated") == 3);
    /* Graceful Closure: a result, then the end of the stream. */
    mcpt_hub_close(&world.hub);
    settle();
    r = take(w);
    CHECK(r.whole);
    IS(event(r.body, 5), "{\"jsonrpc\":\"2.0\",\"id\":1732339000123,\"result\":{\"resultType\":\"complete\",\"_meta\":{\"" META
       "subscriptionId\":1732339000123}}}");
    CHECK(take(v).whole && take(x).whole);
    world.id = "5";
    CHECK(call(w, "echo", "{}").status == 200);    /* the connection lives on */
    finish();
}

/* Capacity is a limit like every other: -32603; a stream that is closed makes room. */
static void listeners_beyond_the_table_are_refused(void)
{
    wire *w[4];
    reply r;
    size_t i;

    begin();
    start();
    for (i = 0; i < 4; i++) {
        w[i] = dial(MCPT_HTTP);
        r = modern(w[i], "subscriptions/listen", NULL, LISTEN("{}"));
        CHECK(i < 3 ? r.stream : r.json);
    }
    ERROR_IS(r, 200, -32603, "1");
    hang_up(w[1]);
    r = modern(w[3], "subscriptions/listen", NULL, LISTEN("{}"));
    CHECK(r.stream && !r.whole);
    finish();
    begin();
    start();
    w[0] = dial(MCPT_HTTP);
    ERROR_IS(modern(w[0], "subscriptions/listen", NULL, ""), 200, -32602, "1");
    ERROR_IS(modern(w[0], "subscriptions/listen", NULL, LISTEN("[]")), 200, -32602, "1");
    ERROR_IS(modern(w[0], "subscriptions/listen", NULL, LISTEN("true")), 200, -32602, "1");
    world.accept = "application/json";
    ERROR_IS(modern(w[0], "subscriptions/listen", NULL, LISTEN("{}")), 200, -32603, "1");
    world.accept = "text/event-stream";
    r = modern(w[0], "subscriptions/listen", NULL, LISTEN("{\"resourceSubscriptions\":[\"dev://hidden\",\"dev://now\",\"other://x\"]}"));
    IS(member(event(r.body, 0), "params|notifications"), "{\"resourceSubscriptions\":[\"dev://now\"]}");
    mcpt_hub_updated(&world.hub, "dev://hidden");
    settle();
    IS(event(take(w[0]).body, 1), "");
    finish();
    /* more URIs than MCPT_SUBSCRIPTIONS bytes hold: those that fit are acknowledged, the others are not */
    begin();
    world.rx = 8192;
    start();
    {
        char list[4096] = "";
        unsigned k;

        for (k = 0; k < 40; k++) {
            strcat(list, fmt("%s\"dev://item/%02u\"", k != 0 ? "," : "", k));
        }
        w[0] = dial(MCPT_HTTP);
        r = modern(w[0], "subscriptions/listen", NULL, LISTEN(fmt("{\"resourceSubscriptions\":[%s]}", list)));
        HAS(r.body, "dev://item/16");
        LACKS(r.body, "dev://item/18");
        mcpt_hub_updated(&world.hub, "dev://item/16");
        mcpt_hub_updated(&world.hub, "dev://item/39");
        settle();
        r = take(w[0]);
        HAS(event(r.body, 1), "dev://item/16");
        IS(event(r.body, 2), "");
    }
    finish();
}

/* -- tasks extension */

static reply task(wire *w, const char *method, const char *id, const char *more)
{
    return modern(w, method, id, fmt("\"taskId\":\"%s\"%s", id, more));
}

static const char *new_task(wire *w, const char *arguments)
{
    static char ids[8][40];
    static unsigned next;
    char *id = ids[next++ % 8];
    reply r = call(w, "chore", arguments);

    CHECK(r.status == 200);
    IS(member(r.body, "result|resultType"), "\"task\"");
    snprintf(id, 40, "%s", member_text(r.body, "result|taskId"));
    CHECK(strlen(id) == 32);
    return id;
}

/* ext-tasks: CreateTaskResult, "A server MUST NOT return CreateTaskResult until the task is durably created"; polling; result. */
static void a_task_is_created_polled_and_completed(void)
{
    const char *id;
    wire *w;
    reply r;

    begin();
    probe.ttl = 60000;
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    world.meta = ",\"progressToken\":1,\"" META "logLevel\":\"debug\"";
    r = call(w, "chore", "{}");
    CHECK(r.json);                    /* "notifications/progress and notifications/message [...] are not supported on tasks" */
    IS(member(r.body, "result|status"), "\"working\"");
    IS(member(r.body, "result|createdAt"), "\"2023-11-14T22:13:21Z\"");
    IS(member(r.body, "result|ttlMs"), "60000");
    IS(member(r.body, "result|pollIntervalMs"), "250");
    IS(member(r.body, "result|requestState"), "");
    id = fmt("%s", member_text(r.body, "result|taskId"));
    world.meta = "";
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|resultType"), "\"complete\"");
    IS(member(r.body, "result|status"), "\"working\"");
    IS(member(r.body, "result|statusMessage"), "\"busy\"");
    IS(member(r.body, "result|result"), "");
    CHECK(probe.task && probe.conn_user == NULL);
    hang_up(w);                       /* a task outlives its connection */
    pass(5000);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    w = dial(MCPT_HTTP);
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"completed\"");
    IS(member(r.body, "result|lastUpdatedAt"), "\"2023-11-14T22:13:26Z\"");
    IS(member(r.body, "result|result|content|0|text"), "\"ccccc\"");
    IS(member(r.body, "result|result|resultType"), "\"complete\"");
    IS(member(r.body, "result|error"), "");
    CHECK(probe.audits == 1 && probe.audit.result == MCPT_OK);
    pass(54999);
    CHECK(error_code(task(w, "tasks/get", id, "").body) == 0);
    pass(1);                          /* ttlMs from creation */
    ERROR_IS(task(w, "tasks/get", id, ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/cancel", id, ""), 200, -32602, "1");
    /* isError is a result: completed; a JSON-RPC error: failed */
    id = new_task(w, "{\"fail\":1}");
    settle();
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"completed\"");
    IS(member(r.body, "result|result|isError"), "true");
    id = new_task(w, "{\"error\":1}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"failed\"");
    IS(member(r.body, "result|error|code"), "-32603");
    IS(member(r.body, "result|result"), "");
    id = new_task(w, "{\"more\":1}");      /* pieces go nowhere in a task: an error, never half a result */
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"failed\"");
    finish();
}

/* ext-tasks, Protocol Errors: unknown ids -32602, undeclared clients -32021; ids are unguessable and spelt one way. */
static void tasks_are_for_clients_that_declare_them(void)
{
    const char *id;
    char upper[40];
    size_t i;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    r = call(w, "chore", "{\"n\":3}");     /* not required: runs as a plain call */
    CHECK(r.status == 0);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    IS(said(take(w).body), "ccc");
    probe.done = false;
    probe.task_required = true;
    r = call(w, "chore", "{}");
    ERROR_IS(r, 400, -32021, "1");
    IS(member(r.body, "error|data|requiredCapabilities"), "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
    ERROR_IS(task(w, "tasks/get", "00000000000000000000000000000000", ""), 400, -32021, "1");
    ERROR_IS(task(w, "tasks/update", "00000000000000000000000000000000", ",\"inputResponses\":{}"), 400, -32021, "1");
    r = task(w, "tasks/cancel", "00000000000000000000000000000000", "");
    ERROR_IS(r, 400, -32021, "1");
    /* "Servers MUST return this error for non-declaring clients requesting task notifications on subscriptions/listen." */
    r = modern(w, "subscriptions/listen", NULL, LISTEN("{\"taskIds\":[\"00000000000000000000000000000000\"]}"));
    ERROR_IS(r, 400, -32021, "1");
    IS(member(r.body, "error|data|requiredCapabilities"), "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
    world.caps = caps_tasks;
    id = new_task(w, "{}");
    ERROR_IS(task(w, "tasks/get", "00000000000000000000000000000000", ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/get", "x", ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/get", fmt("%s0", id), ""), 200, -32602, "1");
    snprintf(upper, sizeof(upper), "%s", id);
    for (i = 0; i < 32; i++) {
        upper[i] = (char)(upper[i] >= 'a' ? upper[i] - 32 : upper[i]);
    }
    ERROR_IS(task(w, "tasks/get", upper, ""), 200, -32602, "1");
    ERROR_IS(modern(w, "tasks/get", NULL, ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/update", id, ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/update", id, ",\"inputResponses\":[]"), 200, -32602, "1");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|ttlMs"), "null");
    finish();
}

/* ext-tasks, Task Cancellation: "the server MUST acknowledge the request with an empty result"; the handler is told; cancelling
 * again, or what has ended, is acknowledged all the same. */
static void cancelling_a_task_tells_its_handler(void)
{
    const char *id;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    id = new_task(w, "{}");
    r = task(w, "tasks/cancel", id, "");
    IS(member(r.body, "result"), "{\"resultType\":\"complete\",\"_meta\":{\"" META "serverInfo\":{\"name\":\"dev\",\"version\":\"1\"}}}");
    CHECK(probe.cancels == 1 && probe.audit.result == MCPT_E_CANCELLED);
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"cancelled\"");
    IS(member(r.body, "result|result"), "");
    CHECK(task(w, "tasks/cancel", id, "").status == 200 && probe.cancels == 1);
    mcpt_wake(probe.ticket);          /* too late */
    settle();
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"cancelled\"");
    probe.done = true;
    id = new_task(w, "{}");
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"completed\"");
    CHECK(task(w, "tasks/cancel", id, "").status == 200);
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"completed\"");
    id = new_task(w, "{\"ask\":true}");    /* while it waits for answers */
    r = task(w, "tasks/cancel", id, "");
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"cancelled\"");
    CHECK(probe.cancels == 2);
    finish();
}

/* ext-tasks, Task Update Requests: partial answers, unknown and answered keys ignored, keys never used twice. */
static void a_task_asks_and_is_answered_in_parts(void)
{
    const char *id;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    id = new_task(w, "{\"ask\":true}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"input_required\"");
    HAS(member(r.body, "result|inputRequests|name"), "\"method\":\"elicitation/create\"");
    HAS(member(r.body, "result|inputRequests|other"), "Sure?");
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"nobody\":" YES("X") ",\"name\":7}");
    IS(member(r.body, "result|resultType"), "\"complete\"");
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"name\":" YES("Ada") "}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"input_required\"");
    IS(member(r.body, "result|inputRequests|name"), "");
    HAS(member(r.body, "result|inputRequests|other"), "Sure?");
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"name\":" YES("Eve") "}");    /* answered already */
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"input_required\"");
    probe.done = true;
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"other\":" YES("Bo") "}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"completed\"");
    IS(member(r.body, "result|result|content|0|text"), "\"ccccc\"");
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"other\":" YES("Bo") "}");    /* nothing outstanding */
    CHECK(r.status == 200 && error_code(r.body) == 0);
    id = new_task(w, "{\"ask\":true}");
    r = task(w, "tasks/update", id, ",\"inputResponses\":{\"other\":{\"action\":\"decline\"},\"name\":" YES("Ada") "}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"completed\"");
    IS(member(r.body, "result|result|isError"), "true");
    finish();
}

/* ext-tasks, ttlMs: "receivers MAY delete the task and its results, regardless of the task status": questions that nobody answers do
 * not keep a slot for ever. */
static void a_task_that_nobody_answers_ends_with_its_time(void)
{
    const char *id;
    wire *w;

    begin();
    probe.ttl = 60000;
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    id = new_task(w, "{\"ask\":true}");
    (void)task(w, "tasks/update", id, ",\"inputResponses\":{\"name\":" YES("Ada") "}");
    pass(59999);
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"input_required\"");
    CHECK(probe.audits == 0);
    pass(1);
    settle();
    CHECK(probe.audits == 1 && probe.audit.result == MCPT_E_TIMEOUT);
    ERROR_IS(task(w, "tasks/get", id, ""), 200, -32602, "1");
    ERROR_IS(task(w, "tasks/update", id, ",\"inputResponses\":{\"other\":" YES("Bo") "}"), 200, -32602, "1");
    id = new_task(w, "{\"ask\":true}");
    probe.done = true;
    (void)task(w, "tasks/update", id, ",\"inputResponses\":{\"name\":" YES("Ada") ",\"other\":" YES("Bo") "}");
    pass(59999);                      /* answered in time: nothing ends it early */
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"completed\"");
    finish();
}

/* ext-tasks, Task Status Notifications: "Each notification carries a complete DetailedTask [...] identical to what tasks/get
 * would have returned at that moment." */
static void listeners_hear_of_their_tasks(void)
{
    const char *id;
    const char *other;
    wire *w;
    wire *v;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    id = new_task(w, "{\"ask\":true}");
    other = new_task(w, "{}");
    world.id = "\"L\"";
    r = modern(v, "subscriptions/listen", NULL, LISTEN(fmt("{\"taskIds\":[\"%s\",\"zz\",7,\"00000000000000000000000000000000\"]}", id)));
    HAS(event(r.body, 0), fmt("\"notifications\":{\"taskIds\":[\"%s\"", id));
    world.id = "1";
    (void)task(w, "tasks/update", id, ",\"inputResponses\":{\"name\":" YES("Ada") ",\"other\":" YES("Bo") "}");
    settle();
    r = take(v);
    IS(member(event(r.body, count(r.body, "data: ") - 1), "params|status"), "\"completed\"");
    IS(member(event(r.body, count(r.body, "data: ") - 1), "params|result|content|0|text"), "\"ccccc\"");
    IS(member(event(r.body, 1), "method"), "\"notifications/tasks\"");
    IS(member(event(r.body, 1), "params|_meta"), "{\"" META "subscriptionId\":\"L\"}");
    IS(member(event(r.body, 1), "params|taskId"), fmt("\"%s\"", id));
    LACKS(r.body, other);
    finish();
}

/* Tables are bounded: no slot, no task. Expired results make room; a result that does not fit is an error that says so. */
/* A clock of milliseconds in 32 bits wraps every 49 days: a long time-to-live is kept, and one that has passed long ago stays so. */
static void task_slots_and_long_times(void)
{
    const char *id = "";
    size_t i;
    wire *w;

    begin();
    probe.ttl = 30u * 86400000u;
    probe.done = true;
    probe.task_required = true;
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    id = new_task(w, "{}");
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"completed\"");
    pass(29u * 86400000u);
    w = dial(MCPT_HTTP);
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"completed\"");
    pass(86400000u);
    w = dial(MCPT_HTTP);
    ERROR_IS(task(w, "tasks/get", id, ""), 200, -32602, "1");
    probe.ttl = 1000;
    for (i = 0; i < 4; i++) {
        id = new_task(w, "{}");
    }
    pass(30u * 86400000u);
    w = dial(MCPT_HTTP);
    ERROR_IS(task(w, "tasks/get", id, ""), 200, -32602, "1");
    id = new_task(w, "{}");
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"completed\"");
    finish();
}

static void task_slots_are_bounded(void)
{
    const char *id = "";
    size_t i;
    size_t size;
    wire *w;
    reply r;

    begin();
    probe.ttl = 1000;
    probe.done = true;
    probe.task_required = true;
    start();
    w = dial(MCPT_HTTP);
    world.caps = caps_tasks;
    for (i = 0; i < 4; i++) {
        id = new_task(w, "{}");
    }
    r = call(w, "chore", "{}");
    CHECK(error_code(r.body) == -32603);
    IS(member(task(w, "tasks/get", id, "").body, "result|status"), "\"completed\"");
    probe.task_required = false;
    IS(said(call(w, "chore", "{}").body), "ccccc");                  /* not required: plainly */
    pass(1000);
    id = new_task(w, "{\"n\":3000}");
    r = task(w, "tasks/get", id, "");
    IS(member(r.body, "result|status"), "\"failed\"");
    HAS(member(r.body, "result|error|message"), "the answer needs 3139 bytes");
    finish();
    /* whatever a slot's size: a task, or none, and always JSON */
    for (size = 300; size < 700; size++) {
        begin();
        probe.done = true;
        world.mem.slot_size = size;
        start();
        w = dial(MCPT_HTTP);
        world.caps = caps_tasks;
        r = call(w, "chore", "{\"n\":40}");
        CHECK(r.status == 200 && error_code(r.body) == 0);
        if (strstr(r.body, "taskId") != NULL) {
            r = task(w, "tasks/get", member_text(r.body, "result|taskId"), "");
            HAS("\"completed\" \"failed\"", member(r.body, "result|status"));
            CHECK(member(r.body, "result|result")[0] == '{' || member(r.body, "result|error|code")[0] == '-');
        }
        finish();
    }
}

int main(void)
{
    listeners_get_what_they_asked_for_tagged_with_their_id();
    listeners_beyond_the_table_are_refused();
    a_task_is_created_polled_and_completed();
    tasks_are_for_clients_that_declare_them();
    cancelling_a_task_tells_its_handler();
    a_task_asks_and_is_answered_in_parts();
    a_task_that_nobody_answers_ends_with_its_time();
    listeners_hear_of_their_tasks();
    task_slots_and_long_times();
    task_slots_are_bounded();
    return test_end();
}
