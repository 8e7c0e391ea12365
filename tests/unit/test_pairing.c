/* pairing: the authorization server of a device, seen as a client, a browser and an attacker see it. RFC 6749, 7009, 7591, 7636, 8252,
 * 8414, 8707, 9207, 9700; 2026-07-28 basic/authorization. */
#include "pairing.h"

/* -- the way in */
/* Two processes share the store, and both have read before one wrote: nothing that the other did is undone. */
static void processes_pair_at_once(void)
{
    const char *one, *two, *code[2];
    tokens t[2], late;
    reply r;

    paired_device();
    remember();
    one = registered("{\"redirect_uris\":[\"http://127.0.0.1:1/cb\"],\"client_name\":\"One\"}");
    desk.behind = true;
    two = registered("{\"redirect_uris\":[\"http://127.0.0.1:1/cb\"],\"client_name\":\"Two\"}");
    CHECK(!desk.behind && strcmp(one, two) != 0);
    remember();
    desk.behind = true;               /* the same client at both: one record */
    IS(registered("{\"redirect_uris\":[\"http://127.0.0.1:1/cb\"],\"client_name\":\"Two\"}"), two);
    desk.behind = false;
    code[0] = code_for(one, "");
    code[1] = code_for(two, "");
    remember();
    t[0] = tokens_in(redeem(one, code[0], VERIFIER, CALLBACK, ""));
    desk.behind = true;
    t[1] = tokens_in(redeem(two, code[1], VERIFIER, CALLBACK, ""));
    CHECK(!desk.behind && call_with(t[0].access, "echo") == 200 && call_with(t[1].access, "echo") == 200);

    remember();                       /* one refresh token at both: as if one came after the other (RFC 9700 section 4.14.2) */
    late = tokens_in(refresh(one, t[0].refresh, ""));
    desk.behind = true;
    REFUSED(refresh(one, t[0].refresh, ""), 400, "invalid_grant");
    CHECK(!desk.behind && call_with(late.access, "echo") == 401 && call_with(t[0].access, "echo") == 401);

    remember();                       /* a refresh does not bring back what was revoked */
    r = ask("POST", "/revoke", "", FORM, fmt("token=%s&client_id=%s", t[1].refresh, two));
    CHECK(r.status == 200);
    desk.behind = true;
    REFUSED(refresh(two, t[1].refresh, ""), 400, "invalid_grant");
    CHECK(!desk.behind && call_with(t[1].access, "echo") == 401);

    t[1] = tokens_in(redeem(two, code_for(two, ""), VERIFIER, CALLBACK, ""));
    remember();                       /* and a revocation ends what was renewed meanwhile */
    late = tokens_in(refresh(two, t[1].refresh, ""));
    desk.behind = true;
    r = ask("POST", "/revoke", "", FORM, fmt("token=%s&client_id=%s", t[1].refresh, two));
    CHECK(r.status == 200 && !desk.behind && call_with(late.access, "echo") == 401);
    REFUSED(refresh(two, late.refresh, ""), 400, "invalid_grant");
    finish();

    paired_device();                  /* a store of one process needs no swap */
    store.swap = NULL;
    boot();
    one = desktop();
    t[0] = pair(one);
    t[1] = tokens_in(refresh(one, t[0].refresh, ""));
    CHECK(call_with(t[1].access, "echo") == 200 && ask("POST", "/revoke", "", FORM, fmt("token=%s", t[1].access)).status == 200);
    CHECK(call_with(t[1].access, "echo") == 401);
    finish();
}

/* Rows are taken over in turn without a clock, too. */
static void without_a_clock_clients_give_way(void)
{
    const char *first;
    unsigned i;

    paired_device();
    world.unix_time = -1;
    first = desktop();
    for (i = 0; i < 8; i++) {
        world.now += 30000;
        (void)registered(fmt("{\"redirect_uris\":[\"http://127.0.0.1:1/cb\"],\"client_name\":\"%u\"}", i));
    }
    CHECK(page(request_of(first, "")).status == 400);
    finish();
}

static void from_nothing_but_the_url(void)
{
    const char *client;
    const char *target;
    const char *code;
    tokens t;
    reply r;

    paired_device();
    r = ask("POST", "/mcp", "", "application/json", "{}");
    CHECK(r.status == 401);
    HAS(r.head, "resource_metadata=\"http://localhost:8080/.well-known/oauth-protected-resource/mcp\", scope=\"read\"");
    r = page("/.well-known/oauth-protected-resource/mcp");             /* RFC 9728 section 3 */
    IS(r.body, "{\"resource\":\"http://localhost:8080/mcp\",\"authorization_servers\":[\"http://localhost:8080\"],"
       "\"scopes_supported\":[\"read\"],\"bearer_methods_supported\":[\"header\"]}");
    r = page("/.well-known/oauth-authorization-server");               /* RFC 8414 section 3 */
    IS(r.body, "{\"issuer\":\"http://localhost:8080\",\"authorization_endpoint\":\"http://localhost:8080/authorize\","
       "\"token_endpoint\":\"http://localhost:8080/token\",\"registration_endpoint\":\"http://localhost:8080/register\","
       "\"revocation_endpoint\":\"http://localhost:8080/revoke\",\"scopes_supported\":[\"read\",\"write\"],"
       "\"response_types_supported\":[\"code\"],\"response_modes_supported\":[\"query\"],"
       "\"grant_types_supported\":[\"authorization_code\",\"refresh_token\"],\"token_endpoint_auth_methods_supported\":[\"none\"],"
       "\"code_challenge_methods_supported\":[\"S256\"],\"authorization_response_iss_parameter_supported\":true}");
    client = desktop();
    target = request_of(client, "");
    r = page(target);
    CHECK(r.status == 200 && desk.shown == 1 && strlen(desk.code) == 9);
    IS(desk.client, "<b>Desk</b>");
    IS(header(r, "Content-Type"), "text/html; charset=utf-8");
    HAS(r.head, "frame-ancestors 'none'");
    HAS(r.head, "Cache-Control: no-store\r\n");
    HAS(r.head, "Referrer-Policy: same-origin\r\n");
    HAS(r.head, "X-Frame-Options: DENY\r\n");
    HAS(r.body, "<html lang=\"en\">");
    HAS(r.body, "<meta name=\"viewport\" content=\"width=device-width");
    HAS(r.body, "<h1>Pair with Tom&#39;s &lt;pump&gt;</h1>");
    HAS(r.body, "<strong>&lt;b&gt;Desk&lt;/b&gt;</strong>");
    HAS(r.body, "<strong>127.0.0.1</strong>");
    HAS(r.body, "<li>read &lt;sensors&gt; &amp; &quot;logs&quot;</li><li>write</li>");
    HAS(r.body, "<label for=\"code\">");
    LACKS(r.body, "<script");
    LACKS(r.body, desk.code);
    r = page(target);                 /* loaded again: the same code */
    CHECK(r.status == 200 && desk.shown == 2);
    r = answer(target, form_of(r), digits(), "allow");
    CHECK(r.status == 303 && desk.hidden == 1 && r.len == 0);
    HAS(r.head, "Location: http://127.0.0.1:8976/cb?code=");
    HAS(r.head, "&state=s%2B1%3C%26&iss=http%3A%2F%2Flocalhost%3A8080\r\n");      /* RFC 9207 section 2 */
    HAS(r.head, "Cache-Control: no-store\r\n");
    code = between(header(r, "Location"), "code=", "&");
    r = redeem(client, code, VERIFIER, CALLBACK, "&resource=" RESOURCE);
    t = tokens_in(r);
    IS(member_text(r.body, "scope"), "read write");
    IS(member(r.body, "expires_in"), "3600");
    CHECK(call_with(t.access, "echo") == 200 && call_with(t.access, "write") == 200);
    CHECK(call_with("mcpta_AAAA", "echo") == 401 && call_with(t.refresh, "echo") == 401);
    CHECK(!stored(t.access, 50) && !stored(t.refresh + 6, 44) && stored("<b>Desk</b>", 11));
    LACKS(world.log, code);           /* secrets stand in no log */
    LACKS(world.log, t.access + 6);
    LACKS(world.log, t.refresh + 6);
    REFUSED(redeem(client, code, VERIFIER, CALLBACK, ""), 400, "invalid_grant");
    REFUSED(refresh(client, t.refresh, ""), 400, "invalid_grant");
    LACKS(world.log, code);
    LACKS(world.log, t.refresh + 6);
    LACKS(world.log, VERIFIER);
    finish();
}

/* The policy's hash is that of the style, or no browser would apply it (CSP level 3, section 8.4). */
static void the_style_is_the_one_the_policy_names(void)
{
    uint8_t hash[32];
    char text[64];
    const char *style;
    mcpt_str part;
    reply r;

    paired_device();
    r = page(request_of(desktop(), ""));
    style = between(r.body, "<style>", "</style>");
    part = mcpt_z(style);
    CHECK(real.crypto.sha256(real.crypto.user, &part, 1, hash));
    text[mcpt_b64_encode(hash, 32, false, text, sizeof(text) - 1)] = '\0';
    HAS(r.head, fmt("style-src 'sha256-%s'", text));
    finish();
}

/* A session goes on under the token of a second page, and not under that of another client. */
static void sessions_outlive_a_step_up(void)
{
    const char *client;
    const char *session;
    tokens t;
    wire *w;

    paired_device();
    client = desktop();
    t = tokens_in(redeem(client, code_for(client, "&scope=read"), VERIFIER, CALLBACK, ""));
    w = dial(MCPT_HTTP);
    world.headers = fmt("Authorization: Bearer %s\r\n", t.access);
    session = join(w, "2025-11-25", "{}");
    CHECK(legacy_call(w, session, "write", "{}").status == 403);
    world.headers = "";
    t = pair(client);
    world.headers = fmt("Authorization: Bearer %s\r\n", t.access);
    CHECK(legacy_call(w, session, "write", "{}").status == 200);
    world.headers = "";
    client = registered("{\"redirect_uris\":[\"http://127.0.0.1:8976/cb\"]}");
    t = pair(client);
    world.headers = fmt("Authorization: Bearer %s\r\n", t.access);
    CHECK(legacy_call(w, session, "write", "{}").status == 404);
    world.headers = "";
    finish();
}

/* Scopes that are asked for are shown and granted, others are passed over (RFC 6749 section 3.3); a step up is another page. */
static void scopes_are_what_was_agreed(void)
{
    const char *client;
    tokens t;
    reply r;

    paired_device();
    client = desktop();
    r = page(request_of(client, "&scope=read+offline_access"));
    LACKS(r.body, "<li>write</li>");
    t = tokens_in(redeem(client, code_for(client, "&scope=read+offline_access"), VERIFIER, CALLBACK, ""));
    CHECK(call_with(t.access, "echo") == 200 && call_with(t.access, "write") == 403);
    REFUSED(refresh(client, t.refresh, "&scope=read%20write"), 400, "invalid_scope");
    IS(location_error(page(request_of(client, "&scope=admin"))), "invalid_scope");
    t = tokens_in(redeem(client, code_for(client, "&scope=write+read"), VERIFIER, CALLBACK, ""));
    CHECK(call_with(t.access, "write") == 200);
    finish();
}

/* Percent-encoded, as a form has it. */
static const char *form_text(const char *text)
{
    static char ring[4][256];
    static unsigned next;
    char *to = ring[next++ % 4];
    size_t n = 0;

    for (; *text != '\0'; text++) {
        n += (size_t)snprintf(to + n, sizeof(ring[0]) - n, strchr(":/?=[]", *text) != NULL ? "%%%02X" : "%c", (unsigned char)*text);
    }
    return to;
}

/* -- the attacker's list */
/* RFC 6749 section 4.1.2.1, RFC 9700 section 4.11.2: nothing goes to an address that is not the client's. */
static void forged_redirect_is_not_followed(void)
{
    static const char *const rows[] = {
        "https%3A%2F%2Fevil.example%2Fcb", "http%3A%2F%2F127.0.0.1%3A8976%2Fcb%2F", "http%3A%2F%2F127.0.0.1%3A8976%2Fcb%3Fx",
        "http%3A%2F%2Flocalhost%3A8976%2Fcb", "http%3A%2F%2F127.0.0.1%40evil.example%2Fcb", "http%3A%2F%2F127.0.0.2%3A1%2Fcb",
        "https%3A%2F%2Fapp.example%2Fback", "https%3A%2F%2Fapp.example%3A444%2Fback%3Fx%3D1", "https%3A%2F%2Fapp.example%2Fback%3Fx%3D1%23f",
        "http%3A%2F%2F127.0.0.1%3A8976%2Fcb%0D%0AX%3A1", "", "%", "%00"
    };
    const char *client;
    size_t i;
    reply r;

    paired_device();
    client = desktop();
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        r = page(fmt("/authorize?response_type=code&client_id=%s&redirect_uri=%s&code_challenge=" CHALLENGE "&code_challenge_method=S256", client, rows[i]));
        CHECK(r.status == 400);
        LACKS(r.head, "Location");
        LACKS(r.body, "evil");
    }
    r = page(fmt("/authorize?response_type=code&client_id=%s&redirect_uri=" CALLBACK_F "&redirect_uri=" CALLBACK_F, client));
    CHECK(r.status == 400);           /* RFC 6749 section 3.1 */
    r = page("/authorize?response_type=code&client_id=AAAAAAAAAAAA&redirect_uri=" CALLBACK);
    CHECK(r.status == 400);
    HAS(r.body, "role=\"alert\"");
    LACKS(r.head, "Location");
    r = page("/authorize");
    CHECK(r.status == 400 && desk.shown == 0);
    r = page(fmt("/authorize?response_type=code&client_id=%s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fback%%3Fx%%3D1&code_challenge="
                 CHALLENGE "&code_challenge_method=S256", client));
    CHECK(r.status == 200);
    HAS(r.body, "<strong>app.example</strong>");
    r = answer(fmt("/authorize?response_type=code&client_id=%s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fback%%3Fx%%3D1&code_challenge="
                   CHALLENGE "&code_challenge_method=S256", client), form_of(r), digits(), "allow");
    HAS(header(r, "Location"), "https://app.example/back?x=1&code=");
    LACKS(header(r, "Location"), "state=");
    finish();
}

/* RFC 8252 section 7.3: a loopback redirect comes back to the port of the moment; the rest of it is exact, and the token request's, too. */
static void a_loopback_redirect_has_any_port(void)
{
    static const struct { const char *registered, *asked, *other; } rows[] = {
        { "http://127.0.0.1:8976/cb", "http://127.0.0.1:51001/cb", "http://127.0.0.1:51002/cb" },
        { "http://127.0.0.1/cb", "http://127.0.0.1:51001/cb", "http://127.0.0.1/cb" },
        { "http://[::1]/cb", "http://[::1]:51001/cb", "http://[::1]:51001/cb?" },
        { "http://localhost:3000/a/b?c=d", "http://localhost:51001/a/b?c=d", "http://localhost:51001/a/b" }
    };
    size_t i;

    for (i = 0; i < MCPT_COUNT(rows); i++) {
        const char *client, *target, *code, *to;
        reply r;

        paired_device();
        client = registered(fmt("{\"redirect_uris\":[\"%s\"]}", rows[i].registered));
        to = form_text(rows[i].asked);
        target = fmt("/authorize?response_type=code&client_id=%s&redirect_uri=%s&code_challenge=" CHALLENGE "&code_challenge_method=S256", client, to);
        r = page(target);
        CHECK(r.status == 200);
        r = answer(target, form_of(r), digits(), "allow");
        CHECK(r.status == 303);
        HAS(header(r, "Location"), fmt("%s%ccode=", rows[i].asked, strchr(rows[i].asked, '?') != NULL ? '&' : '?'));
        code = between(header(r, "Location"), "code=", "&");
        if (i % 2 == 0) {
            CHECK(redeem(client, code, VERIFIER, to, "").status == 200);
        } else {
            REFUSED(redeem(client, code, VERIFIER, form_text(rows[i].other), ""), 400, "invalid_grant");
        }
        r = page(fmt("/authorize?response_type=code&client_id=%s&redirect_uri=%s&code_challenge=" CHALLENGE "&code_challenge_method=S256", client,
                     form_text(i == 3 ? rows[i].other : "http://127.0.0.1:51001/cb/")));
        CHECK(r.status == 400);
        finish();
    }
}

/* RFC 7636 section 4.4.1, RFC 8707 section 2, RFC 6749 section 4.1.2.1. */
static void pkce_downgrade_and_wrong_resource_go_back(void)
{
    static const struct { const char *query, *error; } rows[] = {
        { "response_type=code&code_challenge=" CHALLENGE "&code_challenge_method=plain", "invalid_request" },
        { "response_type=code&code_challenge=" CHALLENGE, "invalid_request" },
        { "response_type=code&code_challenge_method=S256", "invalid_request" },
        { "response_type=code&code_challenge=short&code_challenge_method=S256", "invalid_request" },
        { "response_type=code", "invalid_request" },
        { "response_type=token&code_challenge=" CHALLENGE "&code_challenge_method=S256", "unsupported_response_type" },
        { "code_challenge=" CHALLENGE "&code_challenge_method=S256", "invalid_request" },
        { "response_type=code&code_challenge=" CHALLENGE "&code_challenge_method=S256&resource=https%3A%2F%2Fother.example%2Fmcp", "invalid_target" },
        { "response_type=code&code_challenge=" CHALLENGE "&code_challenge_method=S256&resource=http%3A%2F%2Flocalhost%3A8080%2Fmcp%2F", "invalid_target" }
    };
    const char *client;
    const char *code;
    size_t i;

    paired_device();
    client = desktop();
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        reply r = page(fmt("/authorize?client_id=%s&redirect_uri=" CALLBACK_F "&state=s%%2B1%%3C%%26&%s", client, rows[i].query));

        IS(location_error(r), rows[i].error);
        LACKS(r.head, "code=");
    }
    CHECK(desk.shown == 0);
    code = code_for(client, "");
    REFUSED(redeem(client, code, VERIFIER, CALLBACK, "&resource=https%3A%2F%2Fother.example%2Fmcp"), 400, "invalid_target");
    finish();
}

/* RFC 6749 sections 4.1.3 and 10.5, RFC 7636 section 4.6: the wrong party, or the right one wrongly, ends the code. */
static void wrong_verifier_client_or_redirect_end_the_code(void)
{
    const char *client;
    const char *other;
    const char *code;
    int i;

    paired_device();
    client = desktop();
    other = registered("{\"redirect_uris\":[\"http://127.0.0.1:8976/cb\"]}");
    for (i = 0; i < 5; i++) {
        code = code_for(client, "");
        REFUSED(redeem(i == 0 ? other : client, code, i == 1 ? "aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" : i == 2 ? "" : i == 3 ? CHALLENGE : VERIFIER,
                       i == 4 ? "http%3A%2F%2F127.0.0.1%3A8977%2Fcb" : CALLBACK, ""), 400, "invalid_grant");
        REFUSED(redeem(client, code, VERIFIER, CALLBACK, ""), 400, "invalid_grant");
    }
    REFUSED(redeem("AAAAAAAAAAAA", code_for(client, ""), VERIFIER, CALLBACK, ""), 401, "invalid_client");
    REFUSED(ask("POST", "/token", "", FORM, fmt("client_id=%s&grant_type=password&username=a&password=b", client)), 400, "unsupported_grant_type");
    REFUSED(ask("POST", "/token", "", FORM, fmt("client_id=%s", client)), 400, "invalid_request");
    REFUSED(ask("POST", "/token", "", FORM, fmt("client_id=%s&client_id=%s&grant_type=refresh_token", client, client)), 400, "invalid_request");
    CHECK(ask("POST", "/token", "", "application/json", "{}").status == 415);
    CHECK(ask("GET", "/token", "", NULL, NULL).status == 405);
    finish();
}

/* RFC 6749 section 4.1.2: a code lives once and briefly; its second use ends the tokens of the first. */
static void code_replay_revokes(void)
{
    const char *client;
    const char *code;
    tokens t;

    paired_device();
    client = desktop();
    code = code_for(client, "");
    t = tokens_in(redeem(client, code, VERIFIER, CALLBACK, ""));
    CHECK(call_with(t.access, "echo") == 200);
    REFUSED(redeem(client, code, VERIFIER, CALLBACK, ""), 400, "invalid_grant");
    CHECK(call_with(t.access, "echo") == 401);
    REFUSED(refresh(client, t.refresh, ""), 400, "invalid_grant");
    code = code_for(client, "");
    pass(60000);
    REFUSED(redeem(client, code, VERIFIER, CALLBACK, ""), 400, "invalid_grant");
    code = code_for(client, "");
    pass(59000);
    CHECK(redeem(client, code, VERIFIER, CALLBACK, "").status == 200);
    finish();
}

/* RFC 9700 section 4.14.2: refresh tokens rotate; an old one ends them all, at once, remembered verdicts too. */
static void refresh_reuse_revokes_the_family(void)
{
    const char *client;
    const char *other;
    tokens a;
    tokens b;
    tokens c;

    paired_device();
    client = desktop();
    other = registered("{\"redirect_uris\":[\"http://127.0.0.1:8976/cb\"]}");
    a = pair(client);
    c = pair(client);
    CHECK(call_with(a.access, "echo") == 200);
    REFUSED(refresh(other, a.refresh, ""), 400, "invalid_grant");
    REFUSED(refresh(client, a.access, ""), 400, "invalid_grant");
    b = tokens_in(refresh(client, a.refresh, "&scope=read"));
    CHECK(strncmp(a.refresh, b.refresh, 26) == 0 && strcmp(a.refresh, b.refresh) != 0);
    CHECK(call_with(a.access, "echo") == 401 && call_with(b.access, "echo") == 200);
    REFUSED(refresh(client, a.refresh, ""), 400, "invalid_grant");
    HAS(world.log, "refresh token was used twice");
    CHECK(call_with(b.access, "echo") == 401);
    REFUSED(refresh(client, b.refresh, ""), 400, "invalid_grant");
    CHECK(call_with(c.access, "echo") == 200);      /* another family */
    finish();
}

/* Access tokens end after their hour, refresh tokens after 90 days without a use; without a clock by the monotonic one. */
static void tokens_expire(void)
{
    const char *client;
    tokens t;
    int i;

    for (i = 0; i < 2; i++) {
        paired_device();
        client = desktop();
        world.unix_time = i == 0 ? world.unix_time : -1;
        t = pair(client);
        pass(3599 * 1000);
        CHECK(call_with(t.access, "echo") == 200);
        pass(2000);
        pass(60000);
        CHECK(call_with(t.access, "echo") == 401);
        t = tokens_in(refresh(client, t.refresh, ""));
        CHECK(call_with(t.access, "echo") == 200);
        world.unix_time += i == 0 ? 91 * 86400 : 0;
        CHECK(refresh(client, t.refresh, "").status == (i == 0 ? 400 : 200));
        finish();
    }
    paired_device();                  /* the monotonic clock wraps after 49.7 days: no token lives a second time */
    client = desktop();
    world.unix_time = -1;
    t = pair(client);
    world.now += 0x7fffffffu;
    CHECK(call_with(t.access, "echo") == 401);
    world.now += 0x7fffffffu;
    world.now += 60000;
    mcpt_guard_forget(&world.hub, mcpt_z(NULL));
    CHECK(call_with(t.access, "echo") == 401);
    finish();
}

/* 5 wrong codes lock it, longer each time; 3 end a page. */
static void brute_force_of_the_pairing_code_locks(void)
{
    const char *client;
    const char *target;
    const char *form;
    const char *other;
    const char *right;
    int i;
    reply r;

    paired_device();
    client = desktop();
    target = request_of(client, "");
    form = form_of(page(target));
    r = answer(target, form, "", "allow");
    CHECK(r.status == 403);
    HAS(r.body, "role=\"alert\"");
    HAS(r.body, "aria-invalid=\"true\"");
    IS(form_of(r), form);
    CHECK(answer(target, form, "1234567", "allow").status == 403);
    CHECK(answer(target, form, "123456789", "allow").status == 400);   /* the page is over */
    CHECK(answer(target, form, digits(), "allow").status == 400 && desk.hidden == 1);
    other = request_of(registered("{\"redirect_uris\":[\"http://127.0.0.1:8976/cb\"]}"), "");
    form = form_of(page(other));
    right = digits();
    r = page(target);
    CHECK(answer(target, form_of(r), "0000x0000", "allow").status == 403);
    r = answer(target, form_of(r), "00000000", "allow");
    CHECK(r.status == 429);
    HAS(world.log, "too many wrong codes");
    CHECK(page(target).status == 429 && desk.shown == 3);
    r = answer(other, form, right, "allow");                /* locked: not even the right code, on whatever page */
    CHECK(r.status == 429);
    LACKS(r.head, "Location");
    pass(59000);
    CHECK(page(target).status == 429 && answer(other, form, right, "allow").status == 429);
    pass(1001);
    for (i = 0; i < 5; i++) {
        r = answer(target, form_of(page(target)), "00000000", "allow");
    }
    CHECK(r.status == 429);
    pass(60001);
    CHECK(page(target).status == 429);              /* two minutes now */
    pass(60001);
    r = answer(other, form, right, "allow");                /* no page of others ends by it */
    CHECK(r.status == 303);
    HAS(header(r, "Location"), "cb?code=");
    form = form_of(page(target));
    CHECK(answer(target, form, digits(), "allow").status == 303);
    for (i = 0; i < 50; i++) {        /* over is over: no lock comes back when the monotonic clock wraps */
        world.now += 86400000u;
        CHECK(page(target).status == 200);
    }
    world.now -= 50u * 86400000u + 60000u;
    CHECK(page(target).status == 200);
    finish();
}

/* RFC 9700 section 4.7: the form belongs to one request; RFC 6749 section 10.12. */
/* Pages cost a stranger nothing, so they cost the device next to nothing, and not the page of another client. */
static void a_flood_of_pages_ends_no_other(void)
{
    const char *client;
    const char *stranger;
    const char *target;
    const char *form;
    unsigned writes;
    char code[10];
    int i;
    reply r;

    paired_device();
    client = desktop();
    stranger = registered("{\"redirect_uris\":[\"http://127.0.0.1:1/cb\"],\"client_name\":\"Flood\"}");
    target = request_of(client, "");
    form = form_of(page(target));
    memcpy(code, desk.code, sizeof(code));
    writes = desk.writes;
    for (i = 0; i < 200; i++) {
        world.now += 100;
        CHECK(page(request_of(stranger, fmt("&n=%d", i))).status == 200);
    }
    CHECK(desk.writes == writes);                           /* nothing is stored before somebody at the device says yes */
    r = answer(target, form, fmt("%.4s%s", code, code + 5), "allow");
    CHECK(r.status == 303);
    CHECK(redeem(client, between(header(r, "Location"), "code=", "&"), VERIFIER, CALLBACK, "").status == 200);
    finish();
}

static void forged_forms_and_changed_requests_are_refused(void)
{
    const char *client;
    const char *target;
    const char *form;
    reply r;

    paired_device();
    client = desktop();
    target = request_of(client, "");
    form = form_of(page(target));
    CHECK(answer(target, "AAAAAAAAAAAAAAAAAAAAAA", digits(), "allow").status == 400);
    CHECK(answer(target, "", digits(), "allow").status == 400);
    CHECK(answer(request_of(client, "&scope=write"), form, digits(), "allow").status == 400);
    r = answer(fmt("/authorize?response_type=code&client_id=%s&redirect_uri=" CALLBACK_F "&code_challenge=" CHALLENGE     /* another state */
                   "&code_challenge_method=S256&state=forged&resource=" RESOURCE_F, client), form, digits(), "allow");
    CHECK(r.status == 400);
    LACKS(r.head, "Location");
    CHECK(ask("POST", target, "Origin: https://evil.example\r\n", FORM, fmt("form=%s&code=%s&action=allow", form, digits())).status == 403);
    CHECK(ask("POST", target, "Origin: null\r\n", FORM, fmt("form=%s&code=%s&action=allow", form, digits())).status == 403);
    CHECK(ask("POST", target, "", "text/plain", fmt("form=%s&code=%s&action=allow", form, digits())).status == 415);
    r = answer(target, form, digits(), "deny");
    IS(location_error(r), "access_denied");
    CHECK(desk.hidden == 1 && answer(target, form, "00000000", "allow").status == 400);
    form = form_of(page(target));
    r = ask("POST", target, "", FORM, fmt("form=%s&code=%s", form, digits()));     /* no button: not allowed */
    IS(location_error(r), "access_denied");
    form = form_of(page(target));
    pass(300000);                     /* the code on the device has expired */
    CHECK(answer(target, form, digits(), "allow").status == 400 && desk.hidden == 3);
    finish();
}

/* RFC 9110 section 5.5: nothing of a request becomes a header line. */
static void header_injection_fails(void)
{
    const char *client;
    reply r;

    paired_device();
    client = desktop();
    r = page(fmt("/authorize?client_id=%s&redirect_uri=" CALLBACK_F "&state=a%%0D%%0AX-Evil:1&response_type=token", client));
    CHECK(r.status == 303);
    HAS(r.head, "&state=a%0D%0AX-Evil:1&iss=");
    LACKS(r.head, "\nX-Evil");
    r = page(fmt("/authorize?client_id=%s&redirect_uri=" CALLBACK_F "&state=a%%zz&response_type=token", client));
    CHECK(r.status == 400);
    r = page(fmt("/authorize?client_id=%s&redirect_uri=" CALLBACK_F "&state=%s&code_challenge=" CHALLENGE "&code_challenge_method=S256&response_type=code",
                 client, times('s', 3720)));
    CHECK(r.status == 400 && desk.shown == 0);      /* could not be answered with tx */
    HAS(r.body, "longer than this device can answer");
    finish();
}

/* Names of an attacker's, and plain http to the network (RFC 6749 section 3.1.2.1, RFC 9700 section 2.6). */
static void host_tricks_and_plain_http_fail(void)
{
    static const char *const paths[] = { "/authorize", "/token", "/register", "/revoke" };
    size_t i;

    paired_device();
    for (i = 0; i < MCPT_COUNT(paths); i++) {
        world.host = "evil.example";
        CHECK(page(paths[i]).status == 403);
        world.host = "192.168.1.7";   /* an address is no attacker's name, but this is not encrypted */
        CHECK(page(paths[i]).status == 403);
        world.host = "localhost:8080";
        CHECK(page(fmt("%s/", paths[i])).status == 404);
        world.identity.base_url = "https://pump.example";
        CHECK(page(paths[i]).status == (i == 0 ? 400 : 405));
        world.identity.base_url = "http://pump.example";
        CHECK(page(paths[i]).status == 403);
        world.identity.base_url = NULL;
    }
    world.identity.base_url = "https://pump.example http://localhost:8080";
    world.host = "192.168.1.7";
    HAS(page("/.well-known/oauth-authorization-server").body, "\"issuer\":\"https://pump.example\"");
    world.host = "localhost:8080";
    HAS(page("/.well-known/oauth-authorization-server").body, "\"issuer\":\"http://localhost:8080\"");
    finish();
}

/* RFC 7591 sections 2 and 3.2.2. */
static void registrations_are_judged(void)
{
    static const struct { const char *json, *error; } rows[] = {
        { "{}", "invalid_redirect_uri" },
        { "[]", "invalid_client_metadata" },
        { "{\"redirect_uris\":[]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":\"https://a.example\"}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":{\"a\":\"https://a.example\"}}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[1]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[\"http://a.example/cb\"]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[\"http://127.0.0.1.evil.example/cb\"]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[\"http://127.1/cb\"]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[\"javascript:alert(1)\"]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[\"https://a.example/#x\"]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[\"https://u@a.example/\"]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[\"https://a.example/\\r\\nX: 1\"]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[\"https://a.example/a b\"]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[\"https://a.example\",\"\"]}", "invalid_redirect_uri" },
        { "{\"redirect_uris\":[\"https://a.example\"],\"redirect_uris\":[\"https://b.example\"]}", "invalid_client_metadata" },
        { "{\"redirect_uris\":[\"https://a.example\"],\"client_name\":1}", "invalid_client_metadata" },
        { "{\"redirect_uris\":[\"https://a.example\"],\"client_name\":\"a\\nb\"}", "invalid_client_metadata" },
        { "{\"redirect_uris\":[\"https://a.example\"],\"client_name\":\"a\\u202eb\"}", "invalid_client_metadata" },
        { "{\"redirect_uris\":[\"https://a.example\"],\"client_name\":\"a\\u2066b\"}", "invalid_client_metadata" }
    };
    const char *one;
    size_t i;
    reply r;

    paired_device();
    for (i = 0; i < MCPT_COUNT(rows); i++) {
        REFUSED(ask("POST", "/register", "", "application/json", rows[i].json), 400, rows[i].error);
    }
    REFUSED(ask("POST", "/register", "", "application/json", fmt("{\"redirect_uris\":[\"https://a.example/%s\"]}", times('a', 300))), 400,
            "invalid_redirect_uri");
    REFUSED(ask("POST", "/register", "", "application/json", fmt("{\"client_name\":\"%s\"}", times('a', 101))), 400, "invalid_client_metadata");
    CHECK(desk.writes == 0);
    r = ask("POST", "/register", "Origin: https://app.example\r\n", "application/json", "{\"redirect_uris\":[\"https://a.example/cb\"],\"client_name\":"
            "\"\xc3\xa4 \xe2\x80\x93 x\",\"token_endpoint_auth_method\":\"client_secret_basic\"}");
    CHECK(r.status == 201);
    HAS(r.head, "Access-Control-Allow-Origin: *\r\n");
    HAS(r.body, "\"client_name\":\"\xc3\xa4 \xe2\x80\x93 x\",\"redirect_uris\":[\"https://a.example/cb\"],");
    HAS(r.body, "\"token_endpoint_auth_method\":\"none\"");
    one = desktop();
    IS(desktop(), one);               /* the same again: the same client, nothing is written */
    CHECK(desk.writes == 2);
    r = ask("OPTIONS", "/register", "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n", NULL, NULL);
    CHECK(r.status == 204);
    HAS(r.head, "Access-Control-Allow-Methods: POST, OPTIONS\r\n");
    finish();
}

/* A client without tokens gives way, one with tokens never; what floods is slowed down. */
static void full_tables_keep_what_is_paired(void)
{
    const char *client;
    tokens t;
    int i;
    int status = 201;

    paired_device();
    client = desktop();
    t = pair(client);
    for (i = 0; i < 40; i++) {
        status = ask("POST", "/register", "", "application/json", fmt("{\"redirect_uris\":[\"https://a%d.example\"]}", i)).status;
        CHECK(status == (i < 7 ? 201 : 429));
    }
    for (i = 40; i < 60; i++) {
        pass(30000);
        CHECK(ask("POST", "/register", "", "application/json", fmt("{\"redirect_uris\":[\"https://a%d.example\"]}", i)).status == 201);
    }
    CHECK(call_with(t.access, "echo") == 200);
    IS(desktop(), client);
    for (i = 0; i < 12; i++) {
        pass(1000);
        t = pair(client);             /* its own oldest gives way */
        CHECK(call_with(t.access, "echo") == 200);
    }
    client = registered("{\"redirect_uris\":[\"https://a59.example\"]}");
    CHECK(page(fmt("/authorize?response_type=code&client_id=%s&redirect_uri=https%%3A%%2F%%2Fa59.example&code_challenge=" CHALLENGE
                   "&code_challenge_method=S256", client)).status == 503);
    finish();
}

/* RFC 7009 section 2: either token ends both; it holds at once; what is no token is revoked already. */
static void revocation_holds_at_once(void)
{
    const char *client;
    const char *other;
    tokens t;
    reply r;
    int i;

    paired_device();
    client = desktop();
    other = registered("{\"redirect_uris\":[\"http://127.0.0.1:8976/cb\"]}");
    for (i = 0; i < 2; i++) {
        t = pair(client);
        CHECK(call_with(t.access, "echo") == 200);
        REFUSED(ask("POST", "/revoke", "", FORM, fmt("client_id=%s&token=%s", other, t.access)), 400, "invalid_client");
        CHECK(call_with(t.access, "echo") == 200);
        r = ask("POST", "/revoke", "", FORM, fmt("client_id=%s&token=%s&token_type_hint=x", client, i == 0 ? t.access : t.refresh));
        CHECK(r.status == 200 && call_with(t.access, "echo") == 401);
        REFUSED(refresh(client, t.refresh, ""), 400, "invalid_grant");
    }
    CHECK(ask("POST", "/revoke", "", FORM, fmt("client_id=%s&token=%s", client, t.access)).status == 200);
    REFUSED(ask("POST", "/revoke", "", FORM, fmt("client_id=%s", client)), 400, "invalid_request");
    finish();
}

static unsigned listed;
static char list_text[512];
static bool each_paired(void *user, const mcpt_paired *one)
{
    size_t n = strlen(list_text);

    snprintf(list_text + n, sizeof(list_text) - n, "%.*s|%.*s|%lld;", (int)one->client.len, one->client.ptr, (int)one->scopes.len, one->scopes.ptr,
             (long long)one->created);
    *(unsigned *)user = one->id;
    listed++;
    return true;
}

/* The owner sees who is paired, ends one, forgets all; a restart forgets nothing. */
static void the_owner_lists_revokes_and_resets(void)
{
    const char *client;
    unsigned id = 0;
    tokens a;
    tokens b;

    paired_device();
    client = desktop();
    a = pair(client);
    finish();
    boot();
    CHECK(call_with(a.access, "echo") == 200);      /* after a restart */
    b = tokens_in(refresh(client, a.refresh, ""));
    listed = 0;
    list_text[0] = '\0';
    CHECK(mcpt_pairing_list(&pairing, each_paired, &id) == MCPT_OK && listed == 1);
    IS(list_text, "<b>Desk</b>|read write|1700000001;");
    CHECK(call_with(b.access, "echo") == 200 && mcpt_pairing_revoke(&pairing, id) == MCPT_OK && call_with(b.access, "echo") == 401);
    CHECK(mcpt_pairing_revoke(&pairing, id) == MCPT_E_ABSENT && mcpt_pairing_revoke(&pairing, 1000) == MCPT_E_ABSENT);
    a = pair(client);
    CHECK(call_with(a.access, "echo") == 200 && mcpt_pairing_reset(&pairing) == MCPT_OK && call_with(a.access, "echo") == 401);
    CHECK(ram.count == 0);
    REFUSED(refresh(client, a.refresh, ""), 401, "invalid_client");
    finish();
}

/* A store or a random source that fails refuses, and damages nothing. */
static void failures_refuse(void)
{
    const char *client;
    const char *code;
    tokens t;
    mcpt_env env;

    paired_device();
    client = desktop();
    t = pair(client);
    code = code_for(client, "");
    desk.broken = true;
    REFUSED(redeem(client, code, VERIFIER, CALLBACK, ""), 503, "temporarily_unavailable");
    REFUSED(refresh(client, t.refresh, ""), 503, "temporarily_unavailable");
    CHECK(page(request_of(client, "")).status == 503 && call_with(t.access, "echo") == 503);
    desk.broken = false;
    world.no_random = true;
    CHECK(page(request_of(client, "")).status == 503);
    REFUSED(refresh(client, t.refresh, ""), 503, "temporarily_unavailable");
    world.no_random = false;
    t = tokens_in(refresh(client, t.refresh, ""));
    CHECK(call_with(t.access, "echo") == 200);
    env = world.env;
    env.random = NULL;
    CHECK(mcpt_pairing_init(&pairing, &config, &env, &world.hub) == MCPT_E_RANDOM);
    env = world.env;
    env.crypto = NULL;
    CHECK(mcpt_pairing_init(&pairing, &config, &env, &world.hub) == MCPT_E_CRYPTO);
    config.show = NULL;
    CHECK(mcpt_pairing_init(&pairing, &config, &world.env, &world.hub) == MCPT_E_ARG);
    finish();
}

/* The whole way with bytes one by one, the page through a tx smaller than it is. */
static void small_buffers_and_every_split(void)
{
    tokens t;

    paired_device();
    world.piece = world.window = 1;
    world.tx = 1024;
    t = pair(desktop());
    CHECK(call_with(t.access, "echo") == 200);
    world.tx = 4096;
    finish();
}

/* A host that parses HTTP itself. */
static void hosts_pair_too(void)
{
    const char *target;
    mcpt_field_line field;
    mcpt_request q;
    wire *w;

    paired_device();
    target = request_of(desktop(), "");
    w = dial(MCPT_HOSTED);
    memset(&q, 0, sizeof(q));
    CHECK(mcpt_server_serves(&world.server, mcpt_z("/authorize")) && mcpt_server_serves(&world.server, mcpt_z("/token")));
    q.method = mcpt_z("GET");
    q.path = mcpt_z("/authorize");
    q.query = mcpt_z(strchr(target, '?') + 1);
    field.name = mcpt_z("Host");
    field.value = mcpt_z("localhost:8080");
    q.fields = &field;
    q.nfields = 1;
    CHECK(mcpt_conn_request(&w->conn, &q) == MCPT_OK);
    pump(w);
    CHECK(w->head_known && mcpt_conn_response(&w->conn)->status == 200 && desk.shown == 1);
    HAS(w->head, "Content-Type: text/html; charset=utf-8");
    HAS(w->out, "</html>");
    finish();
}

int main(void)
{
    processes_pair_at_once();
    without_a_clock_clients_give_way();
    from_nothing_but_the_url();
    the_style_is_the_one_the_policy_names();
    sessions_outlive_a_step_up();
    scopes_are_what_was_agreed();
    forged_redirect_is_not_followed();
    a_loopback_redirect_has_any_port();
    pkce_downgrade_and_wrong_resource_go_back();
    wrong_verifier_client_or_redirect_end_the_code();
    code_replay_revokes();
    refresh_reuse_revokes_the_family();
    tokens_expire();
    brute_force_of_the_pairing_code_locks();
    a_flood_of_pages_ends_no_other();
    forged_forms_and_changed_requests_are_refused();
    header_injection_fails();
    host_tricks_and_plain_http_fail();
    registrations_are_judged();
    full_tables_keep_what_is_paired();
    revocation_holds_at_once();
    the_owner_lists_revokes_and_resets();
    failures_refuse();
    small_buffers_and_every_split();
    hosts_pair_too();
    return test_end();
}
