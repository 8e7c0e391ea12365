/* pairing: clients that are a URL (draft-ietf-oauth-client-id-metadata-document; 2026-07-28 basic/authorization, client ID metadata
 * documents): a stranger makes the device fetch something, so most of this is about what it does not fetch and does not believe. */
#include "pairing.h"
#include "internet.h"

#define APP "https://app.example/oauth/client.json"
#define APP_F "https%3A%2F%2Fapp.example%2Foauth%2Fclient.json"
#define JSON(more) "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" more "Connection: close\r\n\r\n"
#define DOC "{\"client_id\":\"" APP "\",\"client_name\":\"<App>\",\"redirect_uris\":[\"http://127.0.0.1/cb\",\"https://app.example/back\"]}"
#define REFUSAL "says who it is at an address where this device does not find that"

static mcpt_exchange x;
static char x_rx[1024], x_tx[1024], room[2048];
static unsigned fetches;

static void connected_device(void)
{
    paired_device();
    CHECK(mcpt_exchange_init(&x, &world.env, x_rx, sizeof(x_rx), x_tx, sizeof(x_tx), 0, false) == MCPT_OK);
    config.exchange = &x;
    config.document = room;
    config.document_cap = sizeof(room);
    config.document_private = false;
    fetches = 0;
    boot();
}

/* The page that a browser asks for: says is what the internet has at that address, NULL: nothing is fetched. */
static reply fetched(const char *target, const char *says)
{
    wire *w = dial(MCPT_HTTP);
    reply r;

    put(w, fmt("GET %s HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", target));
    settle();
    if (says != NULL) {
        r = take(w);
        CHECK(r.status == 0);
        fetches++;
        (void)internet(&x, says);
        settle();
    }
    CHECK(mcpt_exchange_origin(&x) == NULL);
    r = take(w);
    hang_up(w);
    return r;
}

static void a_url_is_a_client(void)
{
    const char *target = request_of(APP_F, "");
    const char *code;
    tokens t;
    reply r;
    wire *w;

    connected_device();
    r = ask("GET", "/.well-known/oauth-authorization-server", "", NULL, NULL);
    HAS(r.body, "\"client_id_metadata_document_supported\":true");
    w = dial(MCPT_HTTP);
    put(w, fmt("GET %s HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", target));
    settle();
    CHECK(take(w).status == 0 && desk.shown == 0);          /* waits; others are served meanwhile */
    CHECK(ask("GET", "/.well-known/oauth-authorization-server", "", NULL, NULL).status == 200);
    CHECK(strcmp(x.link.origin.host, "app.example") == 0 && x.link.origin.port == 443 && x.link.origin.tls && !x.fetch.trusted);
    fetches++;
    {
        const char *sent = internet(&x, JSON("Cache-Control: max-age=100\r\n") DOC);

        HAS(sent, "GET /oauth/client.json HTTP/1.1\r\nHost: app.example\r\n");
        HAS(sent, "\r\nAccept: application/json\r\n");
        LACKS(sent, "Authorization");
    }
    settle();
    r = take(w);
    hang_up(w);
    CHECK(r.status == 200 && desk.shown == 1 && strcmp(desk.client, "<App>") == 0);
    HAS(r.body, "<strong>&lt;App&gt;</strong> of <strong>app.example</strong> asks");
    r = answer(target, form_of(r), digits(), "allow");
    CHECK(r.status == 303);
    code = between(header(r, "Location"), "code=", "&");
    REFUSED(redeem("https%3A%2F%2Fapp.example%2Fother", code, VERIFIER, CALLBACK, ""), 401, "invalid_client");
    t = tokens_in(redeem(APP_F, code, VERIFIER, CALLBACK, ""));
    CHECK(call_with(t.access, "echo") == 200);
    boot();                                                 /* what was paired does not need the internet again */
    t = tokens_in(refresh(APP_F, t.refresh, ""));
    CHECK(call_with(t.access, "echo") == 200 && fetches == 1);
    REFUSED(ask("POST", "/revoke", "", FORM, fmt("token=%s&client_id=https%%3A%%2F%%2Fapp.example%%2Fother", t.access)), 400, "invalid_client");
    CHECK(ask("POST", "/revoke", "", FORM, fmt("token=%s&client_id=%s", t.access, APP_F)).status == 200 && call_with(t.access, "echo") == 401);
    finish();
}

static void it_is_kept_as_long_as_it_says(void)
{
    const char *target = request_of(APP_F, "");
    unsigned writes;

    connected_device();
    CHECK(fetched(target, JSON("Cache-Control: max-age=100\r\n") DOC).status == 200);
    writes = desk.writes;
    pass(99000);
    CHECK(fetched(target, NULL).status == 200);
    pass(2000);
    CHECK(fetched(target, JSON("Cache-Control: no-store\r\n") DOC).status == 200 && desk.writes == writes);  /* no news, no write */
    pass(59000);                                            /* a minute at least: a page must come of it */
    CHECK(fetched(target, NULL).status == 200);
    pass(2000);                                             /* its owner takes an address away */
    HAS(fetched(target, JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":[\"https://app.example/back\"]}").body, "did not register");
    CHECK(desk.writes == writes + 1);
    pass(3599000);
    HAS(fetched(target, NULL).body, "did not register");
    pass(2000);                                             /* it is gone: nothing is shown, whatever was known */
    HAS(fetched(target, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").body, REFUSAL);
    HAS(fetched(target, NULL).body, REFUSAL);               /* tried again after 10 seconds */
    pass(10000);
    CHECK(fetched(target, JSON("") DOC).status == 200);
    finish();
}

/* Section 3 of the draft and SSRF: these lead nowhere. */
static void urls_that_are_not_fetched(void)
{
    static const char *const bad[] = {
        "http%3A%2F%2Fapp.example%2Fc", "https%3A%2F%2Fapp.example", "https%3A%2F%2Fapp.example%2F", "https%3A%2F%2Fu%3Ap%40app.example%2Fc",
        "https%3A%2F%2Fapp.example%2Fc%23f", "https%3A%2F%2Fapp.example%2Fa%2F..%2Fc", "https%3A%2F%2Fapp.example%2F.%2Fc",
        "https%3A%2F%2Fapp.example%2Fa%2F..", "https%3A%2F%2Flocalhost%2Fc", "https%3A%2F%2F127.0.0.1%2Fc", "https%3A%2F%2F127.1.2.3%3A8443%2Fc",
        "https%3A%2F%2F%5B%3A%3A1%5D%2Fc", "https%3A%2F%2Fapp.example%2Fc%0d%0aX%3A%20y", "https%3A%2F%2Fapp.example%2F%00c", "https%3A%2F%2F2130706433%2Fc",
        "https%3A%2F%2Fapp.example.%2Fc", "file%3A%2F%2F%2Fetc%2Fpasswd", "HTTPS%3A%2F%2Fapp.example%2Fc", "https%3A%2F%2Fapp.example%5C%40evil%2Fc", "https%3A",
    };
    size_t i;
    reply r;

    connected_device();
    for (i = 0; i < MCPT_COUNT(bad); i++) {
        pass(60000);
        r = fetched(request_of(bad[i], ""), NULL);
        CHECK((r.status == 400 || r.status == 503) && !mcpt_exchange_busy(&x) && desk.shown == 0);
        LACKS(r.body, "<form");
    }
    r = fetched(request_of(fmt("https%%3A%%2F%%2Fapp.example%%2F%s", times('a', MCPT_MAX_URL)), ""), NULL);
    CHECK(r.status == 400 && fetches == 0);
    /* such a host in a name is the port's to refuse: it asks for every address */
    (void)dial(MCPT_HTTP);
    {
        static const uint8_t inside[][4] = { { 127, 0, 0, 1 }, { 10, 0, 0, 1 }, { 192, 168, 1, 1 }, { 169, 254, 169, 254 } };
        static const uint8_t outside[4] = { 93, 184, 216, 34 };
        wire *w = dial(MCPT_HTTP);

        put(w, fmt("GET %s HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", request_of(APP_F, "")));
        settle();
        for (i = 0; i < MCPT_COUNT(inside); i++) {
            CHECK(!mcpt_exchange_address_ok(&x, inside[i], 4));
        }
        CHECK(mcpt_exchange_address_ok(&x, outside, 4));
        mcpt_exchange_fail(&x, MCPT_E_IO);
        settle();
        HAS(take(w).body, REFUSAL);
        hang_up(w);
    }
    /* a device whose clients are in its own network says so */
    config.document_private = true;
    boot();
    CHECK(fetched(request_of("https%3A%2F%2Flocalhost%2Fc", ""), JSON("")
                  "{\"client_id\":\"https://localhost/c\",\"redirect_uris\":[\"http://127.0.0.1/cb\"]}").status == 200);
    finish();
}

/* What strangers answer. Nothing of it becomes a client. */
static void hostile_documents(void)
{
    static const char *const bad[] = {
        "HTTP/1.1 302 Found\r\nLocation: https://app.example/x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n",
        "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" DOC,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n" DOC, "HTTP/1.1 200 OK\r\n\r\n" DOC,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" DOC, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; application/json\r\n\r\n" DOC,
        "HTTP/1.1 200 OK\r\nContent-Type: json\r\n\r\n" DOC, "HTTP/1.1 200 OK\r\nContent-Type: +json/x\r\n\r\n" DOC, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "",
        JSON("") "", JSON("") "<html>", JSON("") "[]", JSON("") "{}", JSON("") "null", JSON("") DOC "x", JSON("") "{\"client_id\":1,\"redirect_uris\":[\"http://127.0.0.1/cb\"]}",
        JSON("") "{\"redirect_uris\":[\"http://127.0.0.1/cb\"]}",
        JSON("") "{\"client_id\":\"https://app.example/oauth/other.json\",\"redirect_uris\":[\"http://127.0.0.1/cb\"]}",      /* not its own */
        JSON("") "{\"client_id\":\"https://APP.example/oauth/client.json\",\"redirect_uris\":[\"http://127.0.0.1/cb\"]}",     /* not byte for byte */
        JSON("") "{\"client_id\":\"" APP "\",\"client_id\":\"" APP "\",\"redirect_uris\":[\"http://127.0.0.1/cb\"]}",
        JSON("") "{\"client_id\":\"" APP "\"}", JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":[]}", JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":\"http://127.0.0.1/cb\"}",
        JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":[\"http://evil.example/cb\"]}", JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":[\"javascript:alert(1)\"]}",
        JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":[\"http://127.0.0.1/cb\"],\"client_secret\":\"s\"}",
        JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":[\"http://127.0.0.1/cb\"],\"client_secret\":null}",
        JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":[\"http://127.0.0.1/cb\"],\"token_endpoint_auth_method\":\"client_secret_basic\"}",
        JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":[\"http://127.0.0.1/cb\"],\"token_endpoint_auth_method\":[\"none\"]}",
        JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":[\"http://127.0.0.1/cb\"],\"client_name\":\"a\\u202eb\"}",     /* turns text around */
        JSON("") "{\"client_id\":\"" APP "\",\"redirect_uris\":[\"http://127.0.0.1/cb\"],\"client_name\":\"\xff\"}",
    };
    const char *target = request_of(APP_F, "");
    size_t i;
    reply r;

    connected_device();
    for (i = 0; i < MCPT_COUNT(bad); i++) {
        pass(60000);
        r = fetched(target, bad[i]);
        CHECK(r.status == 400 && desk.shown == 0);
        HAS(r.body, REFUSAL);
    }
    pass(60000);
    r = fetched(target, fmt("%s{\"client_id\":\"" APP "\",\"redirect_uris\":[\"http://127.0.0.1/cb\"],\"x\":\"%s\"}", JSON(""), times('x', 3000)));
    HAS(r.body, REFUSAL);                                   /* larger than the room for it */
    CHECK(desk.writes == 0);
    pass(60000);
    r = fetched(target, "HTTP/1.1 200 OK\r\nContent-Type: Application/Client+JSON ;charset=utf-8\r\nConnection: close\r\n\r\n" DOC);
    CHECK(r.status == 200 && desk.writes == 1);
    finish();
}

/* The network hangs: the page says so in 10 seconds; strangers cannot make the device fetch without end. */
static void slow_and_many(void)
{
    const char *target = request_of(APP_F, "");
    unsigned i;
    wire *w;
    wire *v;

    connected_device();
    w = dial(MCPT_HTTP);
    put(w, fmt("GET %s HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", target));
    pass(9000);
    CHECK(take(w).status == 0);
    pass(2000);
    HAS(take(w).body, REFUSAL);
    hang_up(w);
    mcpt_exchange_fail(&x, MCPT_E_TIMEOUT);
    pass(300000);                                           /* two at once, each gets its own */
    w = dial(MCPT_HTTP);
    v = dial(MCPT_HTTP);
    put(w, fmt("GET %s HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", target));
    put(v, fmt("GET %s HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", request_of("https%3A%2F%2Fb.example%2Fc", "")));
    settle();
    (void)internet(&x, JSON("") DOC);
    settle();
    (void)internet(&x, JSON("") "{\"client_id\":\"https://b.example/c\",\"redirect_uris\":[\"http://127.0.0.1/cb\"]}");
    settle();
    HAS(take(w).body, "app.example</strong> asks");
    HAS(take(v).body, "(no name)</strong> of <strong>b.example</strong> asks");
    hang_up(w);
    hang_up(v);
    pass(300000);
    for (i = 0; i < 8; i++) {
        HAS(fetched(request_of(fmt("https%%3A%%2F%%2Fapp.example%%2F%u", i), ""), JSON("") "{}").body, REFUSAL);
    }
    HAS(fetched(request_of("https%3A%2F%2Fapp.example%2F9", ""), NULL).body, REFUSAL);
    CHECK(*registered("{\"redirect_uris\":[\"http://127.0.0.1:1/cb\"]}") != '\0');     /* who registers is not kept out by that */
    pass(30000);
    HAS(fetched(request_of("https%3A%2F%2Fapp.example%2F9", ""), JSON("") "{}").body, REFUSAL);
    CHECK(fetches == 9);
    finish();
}

static void registered_and_documented_do_not_mix(void)
{
    const char *id;
    const char *target = request_of(APP_F, "");
    reply r;

    connected_device();
    CHECK(fetched(target, JSON("") DOC).status == 200);
    id = registered("{\"redirect_uris\":[\"http://127.0.0.1/cb\"],\"client_name\":\"<App>\"}");
    r = fetched(request_of(id, ""), NULL);
    CHECK(r.status == 200);
    LACKS(r.body, "</strong> of <strong>");                 /* its name is only what it says */
    CHECK(mcpt_pairing_reset(&pairing) == MCPT_OK);
    CHECK(fetched(target, JSON("") DOC).status == 200);     /* forgotten, fetched anew */
    CHECK(fetches == 2);
    config.exchange = NULL;                                 /* a device without a way out */
    boot();
    LACKS(ask("GET", "/.well-known/oauth-authorization-server", "", NULL, NULL).body, "client_id_metadata_document_supported");
    HAS(fetched(target, NULL).body, "does not know the program");
    finish();
}

int main(void)
{
    a_url_is_a_client();
    it_is_kept_as_long_as_it_says();
    urls_that_are_not_fetched();
    hostile_documents();
    slow_and_many();
    registered_and_documented_do_not_mix();
    return test_end();
}
