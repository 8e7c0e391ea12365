/* A random walk through everything at once: connections of all kinds that come and go, stop reading, are cut off; both eras, sessions
 * that end under their calls, questions answered or not, tasks, subscriptions, time. After every step the hub's lists must be sound;
 * what comes back must be well-formed (drive.h looks). The walk is the same in every run; SEED=n takes another one. */
#include "device.h"

enum { SESSIONS = 6, QUESTIONS = 16, TASKS = 6, STEPS = 12000 };

static struct {
    uint32_t state;
    char sessions[SESSIONS][40], tasks[TASKS][40], questions[QUESTIONS][64], streams[QUESTIONS][32];
    unsigned nsession, ntask, nquestion, nstream;
    unsigned answers[600];            /* how often each status was seen */
} walk;

static unsigned rnd(unsigned n)
{
    walk.state = walk.state * 1664525u + 1013904223u;
    return (walk.state >> 8) % n;
}

static bool in_jobs(const mcpt_job *job)
{
    const mcpt_job *j;

    for (j = world.hub.jobs; j != NULL && j != job; j = j->next) { }
    return j == job;
}

static bool is_open(const mcpt_conn *c)
{
    size_t i;

    for (i = 0; i < WIRES; i++) {
        if (wires[i].open && c == &wires[i].conn) {
            return true;
        }
    }
    return false;
}

static bool is_session(const mcpt_session *s)
{
    return s == NULL || (s >= world.sessions && s < world.sessions + world.mem.nsessions && s->flags != 0);
}

/* Does everything point to what is there? The first thing that does not, or NULL. */
static const char *unsound(void)
{
#define OUGHT(condition) \
    do { \
        if (!(condition)) { \
            return #condition; \
        } \
    } while (0)
    const mcpt_job *j;
    size_t jobs = 0;
    size_t i;

    for (j = world.hub.jobs; j != NULL; j = j->next) {
        OUGHT(++jobs < 100);
        OUGHT(j->conn == NULL || is_open(j->conn));
        OUGHT(is_session(j->session));
        OUGHT(j->state >= 1);
        OUGHT(j->slot != NULL ? j == &j->slot->job : j->conn != NULL && j == &j->conn->job);
    }
    for (i = 0; i < world.mem.nslots; i++) {
        OUGHT((world.slots[i].job.state != 0) == in_jobs(&world.slots[i].job));
    }
    for (i = 0; i < world.mem.nlisteners; i++) {
        OUGHT(world.listeners[i].conn == NULL || is_open(world.listeners[i].conn));
    }
    for (i = 0; i < world.mem.nsessions; i++) {
        const mcpt_session *s = &world.sessions[i];

        OUGHT(s->flags == 0 || s->conn == NULL || (is_open(s->conn) && s->conn->session == s));
        OUGHT(s->replay_len <= s->replay_cap);
    }
    for (i = 0; i < WIRES; i++) {
        const mcpt_conn *c = &wires[i].conn;

        if (wires[i].open) {
            OUGHT(wires[i].closed || c->work == NULL || c->work->conn == c);
            OUGHT(wires[i].closed || c->work == NULL || c->work == &c->job || in_jobs(c->work));
            OUGHT(c->io.tx_len <= c->io.tx_cap && c->io.rx_len <= c->io.rx_cap);
        }
    }
    for (i = 0; i < 3; i++) {
        const mcpt_conn *c;
        size_t n = 0;

        for (c = world.hub.timer[i].first; c != NULL; c = c->timer_next) {
            OUGHT(++n <= WIRES);
            OUGHT(is_open(c) && c->timer == i);
            OUGHT(c->timer_next == NULL || (int32_t)(c->timer_next->deadline - c->deadline) >= 0);
        }
    }
    return NULL;
}

static void remember(char (*table)[64], unsigned size, unsigned *n, const char *text)
{
    if (text[0] != '\0') {
        snprintf(table[(*n)++ % size], sizeof(table[0]), "%s", text);
    }
}

/* What a client would take note of: sessions, tasks, questions, event ids. */
static void read_all(wire *w)
{
    const char *at;

    if (w->framing == MCPT_HTTP) {
        reply r;
        unsigned n = 0;

        do {
            r = take(w);
            walk.answers[r.status]++;
            if (header(r, "Mcp-Session-Id")[0] != '\0') {
                snprintf(walk.sessions[walk.nsession++ % SESSIONS], 40, "%s", header(r, "Mcp-Session-Id"));
            }
            for (at = strstr(r.body, "\nid: "); at != NULL; at = strstr(at + 1, "\nid: ")) {
                snprintf(walk.streams[walk.nstream++ % QUESTIONS], 32, "%.*s", (int)strcspn(at + 5, "\n"), at + 5);
            }
            for (at = strstr(r.body, "\"id\":\""); at != NULL; at = strstr(at + 1, "\"id\":\"")) {
                remember(walk.questions, QUESTIONS, &walk.nquestion, fmt("%.*s", (int)strcspn(at + 6, "\"") + 2, at + 5));
            }
            at = strstr(r.body, "\"taskId\":\"");
            if (at != NULL) {
                snprintf(walk.tasks[walk.ntask++ % TASKS], 40, "%.32s", at + 10);
            }
        } while (r.whole && ++n < 50);
    } else {
        while ((at = line(w))[0] != '\0') {
            if (strstr(at, "\"method\":\"elicitation/create\"") != NULL || strstr(at, "\"method\":\"sampling") != NULL) {
                remember(walk.questions, QUESTIONS, &walk.nquestion, member(at, "id"));
            }
        }
    }
}

static const char *any_session(void)
{
    return walk.nsession == 0 ? "none" : walk.sessions[rnd(walk.nsession < SESSIONS ? walk.nsession : SESSIONS)];
}

static const char *any_tool(const char **arguments)
{
    static const char *const rows[][2] = {
        { "echo", "{}" }, { "steps", "{\"n\":5}" }, { "logs", "{}" }, { "wait", "{}" }, { "wait", "{}" }, { "name", "{}" }, { "trio", "{}" },
        { "visit", "{}" }, { "rounds", "{}" }, { "bulk", "{\"n\":900}" }, { "late", "{\"n\":700}" }, { "pour", "{\"n\":6}" },
        { "pour", "{\"n\":6,\"wait\":2,\"note\":true}" }, { "pour", "{\"n\":6,\"fail\":3}" }, { "answer", "{\"err\":4}" },
        { "chore", "{}" }, { "chore", "{\"ask\":true}" }, { "chore", "{\"more\":1}" }, { "leave", "{}" }, { "limited", "{}" }
    };
    unsigned i = rnd(MCPT_COUNT(rows));

    *arguments = rows[i][1];
    return rows[i][0];
}

static const char *any_body(bool modern_era)
{
    static const char *const caps[] = { "{}", "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}",
                                        "{\"elicitation\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}" };
    const char *arguments;
    const char *tool = any_tool(&arguments);

    world.id = fmt("%u", rnd(5));
    world.caps = caps[rnd(3)];
    world.meta = rnd(3) == 0 ? ",\"progressToken\":\"p\",\"" META "logLevel\":\"error\"" : "";
    return modern_era ? modern_body("tools/call", tool_members(tool, arguments)) :
           legacy_body(world.id, "tools/call", fmt("%s,\"_meta\":{%s}", tool_members(tool, arguments), rnd(2) ? "\"progressToken\":1" : ""));
}

static const char *one_way(const char **session)
{
    *session = any_session();
    switch (rnd(4)) {
    case 0:
        return fmt("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":%u}}", rnd(5));
    case 1:
        return fmt("{\"jsonrpc\":\"2.0\",\"id\":\"%u.name\",\"result\":{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}}", rnd(200));
    default:
        return fmt("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"action\":\"accept\",\"content\":{\"name\":\"Ada\",\"text\":\"x\"},\"roots\":[]}}",
                   walk.nquestion == 0 ? "\"1.name\"" : walk.questions[rnd(walk.nquestion < QUESTIONS ? walk.nquestion : QUESTIONS)]);
    }
}

static void send_http(wire *w)
{
    const char *session;
    const char *text;
    const char *task;

    switch (rnd(14)) {
    case 0:
        put(w, http("POST", "", legacy_body("0", "initialize", initialize_members(rnd(3) ? "2025-11-25" : "2025-03-26",
                    "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}"))));
        break;
    case 1: case 2: case 3:
        text = any_body(true);        /* its name stands in it */
        put(w, http("POST", modern_headers("tools/call", member_text(text, "params|name")), text));
        break;
    case 4: case 5: case 6:
        put(w, http("POST", session_headers(any_session()), any_body(false)));
        break;
    case 7: case 8:
        text = one_way(&session);
        put(w, http("POST", session_headers(session), text));
        break;
    case 9:
        put(w, http("GET", fmt("%s%s", session_headers(any_session()), walk.nstream != 0 && rnd(2) ?
                    fmt("Last-Event-ID: %s\r\n", walk.streams[rnd(walk.nstream < QUESTIONS ? walk.nstream : QUESTIONS)]) : ""), NULL));
        break;
    case 10:
        put(w, rnd(4) ? http("POST", session_headers(any_session()), legacy_body("1", "resources/subscribe", "\"uri\":\"dev://now\"")) :
               http("DELETE", session_headers(any_session()), NULL));
        break;
    case 11:
        put(w, http("POST", modern_headers("subscriptions/listen", NULL), modern_body("subscriptions/listen",
                    "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"dev://now\"]}")));
        break;
    case 12:
        task = walk.ntask == 0 ? "00000000000000000000000000000000" : walk.tasks[rnd(walk.ntask < TASKS ? walk.ntask : TASKS)];
        world.caps = "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";
        text = rnd(3) == 0 ? "tasks/cancel" : rnd(2) ? "tasks/get" : "tasks/update";
        put(w, http("POST", modern_headers(text, task), modern_body(text, fmt("\"taskId\":\"%s\",\"inputResponses\":{\"name\":{\"action\":"
                    "\"accept\",\"content\":{\"name\":\"Ada\"}},\"other\":{\"action\":\"accept\",\"content\":{\"name\":\"Bo\"}}}", task))));
        break;
    default:
        put(w, http("POST", session_headers(any_session()), fmt("[%s,{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"ping\"},3]", any_body(false))));
        break;
    }
}

static void send_line(wire *w)
{
    const char *ignored;

    switch (rnd(6)) {
    case 0:
        put(w, fmt("%s\n", legacy_body("0", "initialize", initialize_members(rnd(2) ? "2025-06-18" : "2025-03-26",
                   "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}"))));
        break;
    case 1:
        put(w, fmt("%s\n", any_body(true)));
        break;
    case 2:
        put(w, fmt("%s\n", any_body(false)));
        break;
    case 3:
        put(w, fmt("%s\n", modern_body("subscriptions/listen", "\"notifications\":{\"toolsListChanged\":true}")));
        break;
    case 4:
        put(w, fmt("[%s,%s]\n", any_body(false), any_body(false)));
        break;
    default:
        put(w, fmt("%s\n", one_way(&ignored)));
        break;
    }
}

static void step(void)
{
    wire *w = &wires[rnd(WIRES)];

    probe.done = rnd(3) != 0;
    probe.retry = rnd(2) ? 50 + rnd(3000) : 0;
    probe.ttl = rnd(2) ? 5000 : 0;
    probe.task_required = rnd(2) != 0;
    switch (rnd(16)) {
    case 0:
        mcpt_hub_changed(&world.hub, rnd(8));
        break;
    case 1:
        mcpt_hub_updated(&world.hub, "dev://now");
        break;
    case 2: case 3:
        pass(rnd(4000));
        break;
    case 4:
        if (probe.ticket.flag != NULL) {
            mcpt_wake(probe.ticket);
        }
        settle();
        break;
    case 5:
        if (w->open) {
            w->held = !w->held;
            pump(w);
            settle();
        }
        break;
    case 6:
        if (rnd(3) == 0) {
            hang_up(w);
        }
        break;
    default:
        if (w->open && w->closed) {
            read_all(w);
            hang_up(w);
        }
        if (!w->open) {
            static const size_t sizes[] = { 512, 600, 900, 2048 };

            world.tx = sizes[rnd(4)];
            world.window = rnd(3) == 0 ? 1 + rnd(40) : 0;
            w = dial(rnd(4) == 0 ? MCPT_LINES : MCPT_HTTP);
        }
        if (w->in_len == 0 && !w->held) {
            if (w->framing == MCPT_HTTP) {
                send_http(w);
            } else {
                send_line(w);
            }
        }
        break;
    }
    for (w = wires; w < wires + WIRES; w++) {
        if (w->open && !w->held && w->out_len != w->out_at) {
            read_all(w);
        }
        if (w->open && w->out_len > OUT_MAX / 2) {
            hang_up(w);               /* a stream that has said enough */
        }
    }
}

int main(void)
{
    const char *bad = NULL;
    unsigned i;

    begin();
    world.rx = 2048;
    world.ntok = 100;
    world.server.session_ms = 60000;
    world.server.ask_ms = 9000;
    world.mem.replay_size = 700;
    start();
    walk.state = getenv("SEED") != NULL ? (uint32_t)atoi(getenv("SEED")) : 1;
    for (i = 0; i < STEPS && bad == NULL && test_failed == 0; i++) {
        step();
        bad = unsound();
    }
    if (bad != NULL || test_failed != 0) {
        printf("in step %u: %s\n", i, bad != NULL ? bad : "see above");
    }
    CHECK(bad == NULL);
    finish();
    CHECK(unsound() == NULL);
    mcpt_hub_close(&world.hub);
    CHECK(world.hub.jobs == NULL && unsound() == NULL);
    world.hub_on = false;
    /* this one goes everywhere */
    CHECK(getenv("SEED") != NULL || (walk.answers[200] > 200 && walk.answers[202] > 20 && walk.answers[400] > 0 && walk.answers[404] > 0 && walk.answers[204] > 0));
    return test_end();
}
