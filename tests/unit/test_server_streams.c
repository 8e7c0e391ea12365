/* The legacy era's event streams over HTTP: log levels, subscriptions, the GET stream, replay after Last-Event-ID, polling. The quotes are
 * from 2025-11-25 basic/transports where nothing else is named. */
#include "device.h"

static const char *const caps_all = "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}";

/* server/utilities/logging: messages at or above the level; before setLevel the server decides: info. */
static void set_level_filters_log_messages(void)
{
    const char *s;
    const char *t;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-06-18", "{}");
    t = join(w, "2025-06-18", "{}");
    r = legacy_call(w, s, "logs", "{}");
    CHECK(count(r.body, "notifications/message") == 7);
    CHECK(legacy(w, s, "logging/setLevel", "\"level\":\"error\"").status == 200);
    r = legacy_call(w, s, "logs", "{}");
    CHECK(count(r.body, "notifications/message") == 4 && r.whole);
    IS(member(event(r.body, 0), "params|level"), "\"error\"");
    CHECK(count(legacy_call(w, t, "logs", "{}").body, "notifications/message") == 7);    /* each session its own */
    CHECK(legacy(w, s, "logging/setLevel", "\"level\":\"debug\"").status == 200);
    CHECK(count(legacy_call(w, s, "logs", "{}").body, "notifications/message") == 8);
    finish();
}

/* server/resources, Subscriptions; server/tools, List Changed: on the GET stream, to the sessions that want it, once. */
static void subscribers_hear_of_updates_on_their_get_stream(void)
{
    const char *s;
    const char *t;
    wire *g;
    wire *h;
    wire *w;
    reply r;

    begin();
    start();
    g = dial(MCPT_HTTP);
    h = dial(MCPT_HTTP);
    w = dial(MCPT_HTTP);
    s = join(w, "2025-06-18", "{}");
    t = join(w, "2025-06-18", "{}");
    IS(legacy(w, s, "resources/subscribe", "\"uri\":\"dev://now\"").body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    CHECK(legacy(w, s, "resources/subscribe", "\"uri\":\"dev://text\"").status == 200);
    CHECK(legacy(w, s, "resources/subscribe", "\"uri\":\"dev://item/7\"").status == 200);
    ERROR_IS(legacy(w, s, "resources/subscribe", "\"uri\":\"dev://none\""), 200, -32002, "1");
    ERROR_IS(legacy(w, s, "resources/subscribe", "\"uri\":\"dev://hidden\""), 200, -32002, "1");
    ERROR_IS(legacy(w, s, "resources/subscribe", ""), 200, -32602, "1");
    r = get(g, s, "");
    CHECK(r.status == 200 && r.stream && !r.whole);
    (void)get(h, t, "");
    mcpt_hub_updated(&world.hub, "dev://now");
    mcpt_hub_updated(&world.hub, "dev://item/7");
    mcpt_hub_updated(&world.hub, "dev://blob");
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);
    settle();
    r = take(g);
    IS(event(r.body, 0), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{}}");
    IS(event(r.body, 1), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"dev://now\"}}");
    IS(event(r.body, 2), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"dev://item/7\"}}");
    IS(event(r.body, 3), "");
    CHECK(count(take(h).body, "data: {") == 1);
    /* unsubscribing one leaves the others */
    CHECK(legacy(w, s, "resources/unsubscribe", "\"uri\":\"dev://now\"").status == 200);
    CHECK(legacy(w, s, "resources/unsubscribe", "\"uri\":\"dev://never\"").status == 200);
    mcpt_hub_updated(&world.hub, "dev://now");
    mcpt_hub_updated(&world.hub, "dev://text");
    mcpt_hub_updated(&world.hub, "dev://item/7");
    settle();
    r = take(g);
    CHECK(count(r.body, "data: {") == 5);
    HAS(event(r.body, 3), "dev://text");
    HAS(event(r.body, 4), "dev://item/7");
    /* what happens while no stream is open comes with the next one */
    hang_up(g);
    mcpt_hub_updated(&world.hub, "dev://text");
    settle();
    g = dial(MCPT_HTTP);
    r = get(g, s, "");
    HAS(r.body, "dev://text");
    /* the session's end is the stream's end */
    put(w, http("DELETE", session_headers(s), NULL));
    CHECK(take(w).status == 204 && take(g).whole && !g->closed);
    CHECK(!take(h).whole);
    finish();
}

/* One standalone stream a session: the newest, for the old one may be a connection that died unnoticed. */
static void a_second_get_takes_the_stream_over(void)
{
    const char *s;
    wire *g;
    wire *h;
    wire *w;
    reply r;

    begin();
    start();
    g = dial(MCPT_HTTP);
    h = dial(MCPT_HTTP);
    w = dial(MCPT_HTTP);
    s = join(w, "2025-11-25", "{}");
    CHECK(!get(g, s, "").whole);
    CHECK(!get(h, s, "").whole);
    CHECK(take(g).whole);
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);
    settle();
    CHECK(take(g).status == 0);       /* "it MUST NOT broadcast the same message across multiple streams" */
    r = take(h);
    CHECK(count(r.body, "list_changed") == 1);
    CHECK(legacy(g, s, "ping", "").status == 200);                   /* the old connection serves on */
    hang_up(g);
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);
    settle();
    CHECK(count(take(h).body, "list_changed") == 2);
    CHECK(get(g = dial(MCPT_HTTP), s, "").status == 200);
    world.accept = "application/json";
    CHECK(get(w, s, "").status == 406);
    finish();
}

/* basic/transports, Sending Messages 6 and Resumability: priming event, ids that name their stream, replay after Last-Event-ID of that
 * stream only, then the rest of it. */
static void a_broken_stream_is_resumed_with_last_event_id(void)
{
    const char *s;
    wire *a;
    wire *b;
    wire *g;
    reply r;

    begin();
    start();
    a = dial(MCPT_HTTP);
    b = dial(MCPT_HTTP);
    s = join(a, "2025-11-25", caps_all);
    world.headers = "MCP-Protocol-Version: 2025-11-25\r\n";
    r = post(a, session_headers(s), legacy_body("5", "tools/call", fmt("%s,\"_meta\":{\"progressToken\":1}", tool_members("steps", "{}"))));
    CHECK(r.whole && strncmp(r.body, "id: 1-0\ndata: \n\n", 16) == 0);
    HAS(r.body, "id: 1-1\ndata: {");
    HAS(r.body, "id: 1-4\ndata: {\"jsonrpc\":\"2.0\",\"id\":5,\"result\"");
    r = post(b, session_headers(s), legacy_body("6", "tools/call", fmt("%s,\"_meta\":{\"progressToken\":2}", tool_members("wait", "{}"))));
    CHECK(!r.whole && count(r.body, "data: {") == 1);
    HAS(r.body, "id: 2-4\ndata: \n\n");
    HAS(r.body, "id: 2-5\ndata: {");
    hang_up(b);
    /* what was missed of an ended stream, and its end */
    b = dial(MCPT_HTTP);
    r = get(b, s, "Last-Event-ID: 1-2\r\n");
    CHECK(r.status == 200 && r.stream && r.whole && count(r.body, "data: {") == 2);
    CHECK(strncmp(r.body, "id: 1-3\ndata: {", 15) == 0);
    LACKS(r.body, "id: 2-");
    r = get(b, s, "Last-Event-ID: 1-0\r\n");
    CHECK(r.whole && count(r.body, "data: {") == 4);
    /* a stream whose call still works goes on */
    g = dial(MCPT_HTTP);
    r = get(g, s, "Last-Event-ID: 2-4\r\n");
    CHECK(!r.whole && count(r.body, "data: {") == 1);
    mcpt_wake(probe.ticket);
    settle();
    CHECK(count(take(g).body, "data: {") == 2);
    hang_up(g);
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();                         /* finished while nobody is there */
    g = dial(MCPT_HTTP);
    r = get(g, s, "Last-Event-ID: 2-5\r\n");
    CHECK(r.whole && count(r.body, "data: {") == 2);
    IS(said(event(r.body, 1)), "waited 2");
    IS(member(event(r.body, 1), "id"), "6");
    r = get(g, s, "Last-Event-ID: 2-6\r\n");
    CHECK(r.whole && count(r.body, "data: {") == 1);
    finish();
}

/* The standalone stream is resumed as a stream too: what came in between is replayed, then it goes on. */
static void the_get_stream_is_resumed(void)
{
    const char *s;
    wire *g;
    wire *h;
    wire *w;
    reply r;

    begin();
    start();
    w = dial(MCPT_HTTP);
    s = join(w, "2025-11-25", "{}");
    g = dial(MCPT_HTTP);
    r = get(g, s, "");
    IS(r.body, "id: 1-0\ndata: \n\n");
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_TOOLS);
    settle();
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_PROMPTS);
    settle();
    r = take(g);
    HAS(r.body, "id: 1-2\ndata: {");
    h = dial(MCPT_HTTP);              /* resumed before the old connection is noticed to be dead */
    r = get(h, s, "Last-Event-ID: 1-1\r\n");
    CHECK(!r.whole && count(r.body, "data: {") == 1 && take(g).whole);
    HAS(r.body, "id: 1-2\ndata: {");
    mcpt_hub_changed(&world.hub, MCPT_CHANGED_RESOURCES);
    settle();
    r = take(h);
    CHECK(!r.whole && count(r.body, "data: {") == 2);
    HAS(r.body, "id: 1-3\ndata: {");
    finish();
}

/* "it SHOULD send an SSE event with a standard retry field before closing the connection": polling. */
static void a_call_may_close_its_stream_and_be_polled(void)
{
    const char *s;
    wire *a;
    wire *g;
    reply r;

    begin();
    start();
    a = dial(MCPT_HTTP);
    s = join(a, "2025-11-25", "{}");
    r = legacy_call(a, s, "leave", "{}");
    CHECK(r.stream && r.whole && !a->closed);
    IS(r.body, "id: 1-0\ndata: \n\nretry: 700\n\n");
    CHECK(legacy(a, s, "ping", "").status == 200);
    g = dial(MCPT_HTTP);
    r = get(g, s, "Last-Event-ID: 1-0\r\n");      /* too early: it waits */
    CHECK(r.status == 200 && !r.whole && r.body[0] == '\0');
    mcpt_wake(probe.ticket);
    settle();
    r = take(g);
    CHECK(r.whole);
    HAS(r.body, "id: 1-1\ndata: {");
    IS(said(event(r.body, 0)), "left and came back");
    /* finished before the client comes back */
    r = legacy_call(a, s, "leave", "{}");
    CHECK(r.whole);
    mcpt_wake(probe.ticket);
    settle();
    r = get(g, s, "Last-Event-ID: 2-1\r\n");
    CHECK(r.whole);
    IS(said(event(r.body, 0)), "left and came back");
    /* again and again: each time on the connection that came for it, and gone from it after that */
    r = legacy_call(a, s, "leave", "{\"times\":3}");
    CHECK(r.whole && count(r.body, "retry: 700") == 1);
    hang_up(a);
    a = dial(MCPT_HTTP);
    r = get(g, s, "Last-Event-ID: 3-2\r\n");
    CHECK(!r.whole);
    mcpt_wake(probe.ticket);
    settle();
    r = take(g);
    CHECK(r.whole && count(r.body, "retry: 700") == 1);
    IS(said(legacy_call(g, s, "echo", "{}").body), "nothing");
    hang_up(g);                       /* nothing of it is this connection's any more */
    g = dial(MCPT_HTTP);
    r = get(g, s, "Last-Event-ID: 3-2\r\n");
    CHECK(!r.whole);
    mcpt_wake(probe.ticket);
    settle();
    CHECK(take(g).whole);
    mcpt_wake(probe.ticket);
    settle();
    r = get(g, s, "Last-Event-ID: 3-2\r\n");
    CHECK(r.whole && probe.cancels == 0);
    IS(said(event(r.body, 0)), "left and came back");
    r = get(g, s, "Last-Event-ID: 3-2\r\n");    /* once more: it ends, for nothing is in work */
    CHECK(r.whole);
    /* where it is not possible the call is told: older revisions, no replay memory, the modern era */
    s = join(a, "2025-06-18", "{}");
    IS(said(legacy_call(a, s, "leave", "{}").body), "stayed");
    IS(said(call(a, "leave", "{}").body), "stayed");
    finish();
    begin();
    world.mem.replay = NULL;
    world.mem.replay_size = 0;
    start();
    a = dial(MCPT_HTTP);
    s = join(a, "2025-11-25", "{}");
    IS(said(legacy_call(a, s, "leave", "{}").body), "stayed");
    LACKS(legacy_call(a, s, "logs", "{}").body, "id: ");             /* no ids without replay: nothing to expect */
    CHECK(get(a, s, "Last-Event-ID: 1-0\r\n").status == 400);
    finish();
    begin();
    world.mem.nslots = 0;             /* no place to go on in */
    start();
    a = dial(MCPT_HTTP);
    s = join(a, "2025-11-25", "{}");
    IS(said(legacy_call(a, s, "leave", "{}").body), "stayed");
    finish();
}

/* The old connection of a call may be dead without anybody having noticed: the client that comes back with Last-Event-ID gets it. */
static void a_call_moves_to_the_connection_that_resumes_it(void)
{
    const char *s;
    wire *a;
    wire *g;
    reply r;

    begin();
    start();
    a = dial(MCPT_HTTP);
    s = join(a, "2025-11-25", "{}");
    r = post(a, session_headers(s), legacy_body("5", "tools/call", fmt("%s,\"_meta\":{\"progressToken\":1}", tool_members("wait", "{}"))));
    CHECK(!r.whole && count(r.body, "data: {") == 1);
    g = dial(MCPT_HTTP);
    r = get(g, s, "Last-Event-ID: 1-0\r\n");
    CHECK(!r.whole && count(r.body, "data: {") == 1);
    CHECK(take(a).whole);             /* each message on one stream only */
    probe.done = true;
    mcpt_wake(probe.ticket);
    settle();
    r = take(g);
    CHECK(r.whole);
    IS(said(event(r.body, 1)), "waited 1");
    CHECK(probe.cancels == 0);
    finish();
}

/* Ids that are not ours, and events that are not kept any more: 400, for a stream that ends without its response would have the client
 * come back for ever. 400 here. */
static void what_cannot_be_replayed_is_refused(void)
{
    static const char *const bad[] = { "x", "1", "1-", "-1", "1-x", "9-0", "0-0", "1-99", "1-0x", "1-0 ", "111111111-0", "1-111111111", "" };
    const char *s;
    const char *t;
    size_t i;
    wire *a;
    reply r;

    begin();
    world.mem.replay_size = 480;
    start();
    a = dial(MCPT_HTTP);
    s = join(a, "2025-11-25", "{}");
    t = join(a, "2025-11-25", "{}");
    r = post(a, session_headers(s), legacy_body("5", "tools/call", fmt("%s,\"_meta\":{\"progressToken\":1}", tool_members("steps", "{}"))));
    CHECK(r.whole);
    for (i = 0; i < MCPT_COUNT(bad); i++) {
        r = get(a, s, fmt("Last-Event-ID: %s\r\n", bad[i]));
        if (strcmp(bad[i], "1-0 ") == 0) {
            CHECK(r.whole && r.status == 200);    /* white space around a field value is not part of it */
        } else {
            text_check(r.status == 400, __FILE__, __LINE__, r.head, bad[i], "400");
        }
    }
    CHECK(get(a, t, "Last-Event-ID: 1-0\r\n").status == 400);        /* another session's */
    /* the memory is bounded: the oldest go, and what is left is replayed */
    r = post(a, session_headers(s), legacy_body("6", "tools/call", fmt("%s,\"_meta\":{\"progressToken\":1}", tool_members("steps", "{}"))));
    r = get(a, s, "Last-Event-ID: 2-4\r\n");
    CHECK(r.status == 200 && r.whole);
    HAS(r.body, "\"id\":6,\"result\"");
    r = get(a, s, "Last-Event-ID: 1-0\r\n");                        /* its response is gone */
    CHECK(r.status == 400);
    finish();
    /* an answer that is larger than the replay memory is an error there, and whole where it is read live */
    begin();
    world.mem.replay_size = 400;
    start();
    a = dial(MCPT_HTTP);
    s = join(a, "2025-11-25", "{}");
    (void)legacy_call(a, s, "wait", "{}");
    hang_up(a);
    a = dial(MCPT_HTTP);
    r = get(a, s, "Last-Event-ID: 1-0\r\n");
    CHECK(r.status == 200 && !r.whole);
    finish();
}

/* A connection with a small tx replays what a larger one (or none) has written. */
static void large_events_are_replayed_through_small_buffers(void)
{
    const char *s;
    wire *a;
    wire *g;
    reply r;
    size_t tx;

    for (tx = 512; tx < 1500; tx += 37) {
        begin();
        world.mem.replay_size = 2000;
        start();
        a = dial(MCPT_HTTP);
        s = join(a, "2025-11-25", "{}");
        r = legacy_call(a, s, "late", "{\"n\":900}");
        CHECK(!r.whole);
        hang_up(a);
        probe.done = true;
        mcpt_wake(probe.ticket);
        settle();
        world.tx = tx;
        g = dial(MCPT_HTTP);
        r = get(g, s, "Last-Event-ID: 1-0\r\n");
        CHECK(r.status == 200 && r.whole);
        IS(said(event(r.body, 0)), times('x', 900));
        finish();
    }
}

/* Tables are reused: a slow reader of one session must never see another session's events. */
static void a_reused_session_place_is_a_new_session(void)
{
    const char *s;
    const char *t;
    wire *a;
    wire *g;
    reply r;
    unsigned i;

    begin();
    world.mem.nsessions = 1;
    world.tx = 512;
    start();
    a = dial(MCPT_HTTP);
    g = dial(MCPT_HTTP);
    world.tx = 4096;
    s = join(a, "2025-11-25", "{}");
    for (i = 0; i < 2; i++) {
        wire *v = dial(MCPT_HTTP);

        (void)post(v, session_headers(s), legacy_body("5", "tools/call", fmt("%s,\"_meta\":{\"progressToken\":1}", tool_members("steps", "{}"))));
        hang_up(v);
    }
    g->held = true;
    (void)get(g, s, "Last-Event-ID: 1-0\r\n");    /* replaying, and not read */
    t = join(a, "2025-11-25", "{}");  /* takes the only place */
    CHECK(legacy(a, s, "ping", "").status == 404);
    for (i = 0; i < 2; i++) {
        wire *v = dial(MCPT_HTTP);

        (void)post(v, session_headers(t), legacy_body("\"secret\"", "tools/call", fmt("%s,\"_meta\":{\"progressToken\":\"secret\"}", tool_members("steps", "{}"))));
        hang_up(v);
    }
    g->held = false;
    pump(g);
    settle();
    r = take(g);
    LACKS(r.body, "secret");
    CHECK(r.whole);
    finish();
}

int main(void)
{
    set_level_filters_log_messages();
    subscribers_hear_of_updates_on_their_get_stream();
    a_second_get_takes_the_stream_over();
    a_broken_stream_is_resumed_with_last_event_id();
    the_get_stream_is_resumed();
    a_call_may_close_its_stream_and_be_polled();
    a_call_moves_to_the_connection_that_resumes_it();
    what_cannot_be_replayed_is_refused();
    large_events_are_replayed_through_small_buffers();
    a_reused_session_place_is_a_new_session();
    return test_end();
}
