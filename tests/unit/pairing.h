/* A paired device in device.h's world, and what its clients, browsers and attackers do. */
#ifndef PAIRING_H
#define PAIRING_H
#include "device.h"
#include "port/crypto_mbedtls.h"
#include "port/store_ram.h"

static mcpt_mbedtls real;
static mcpt_store_ram ram;
static mcpt_store store;              /* ram, until it is told to fail */
static char memory[16384];
static mcpt_verdict verdicts[4];
static mcpt_guard guard;
static mcpt_pairing pairing;
static mcpt_pairing_config config;
static const mcpt_pairing_scope scopes[] = { { "read", "read <sensors> & \"logs\"" }, { "write", NULL } };
static struct { unsigned shown, hidden, writes; char code[16], client[128]; bool broken, behind; } desk;
static mcpt_store_ram past;           /* the store as it was; behind: that is read until the next write */
static char past_memory[16384];
static const mcpt_tool tools[] = {
    MCPT_TOOL("echo", "Says it again", TEXT_SCHEMA, do_echo, 0),
    { "write", NULL, "Needs more", ANY_SCHEMA, NULL, do_echo, 0, 0, 0, "write", NULL, NULL, NULL },
};

static inline void show(void *user, const char *code, mcpt_str client)
{
    CHECK(user == &desk);
    if (code == NULL) {
        desk.hidden++;
        desk.code[0] = '\0';
        return;
    }
    desk.shown++;
    snprintf(desk.code, sizeof(desk.code), "%s", code);
    snprintf(desk.client, sizeof(desk.client), "%.*s", (int)client.len, client.ptr);
}

static inline mcpt_err store_write(void *user, const char *key, mcpt_str value)
{
    CHECK(strlen(key) <= MCPT_STORE_KEY);
    desk.writes++;
    return desk.broken ? MCPT_E_FULL : ram.store.write(user, key, value);
}

static inline mcpt_err store_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    desk.writes++;
    desk.behind = false;
    return desk.broken ? MCPT_E_FULL : ram.store.swap(user, key, old, value);
}

static inline mcpt_err store_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    const mcpt_store *s = desk.behind ? &past.store : &ram.store;

    CHECK(user == ram.store.user);
    return desk.broken ? MCPT_E_STORE : s->read(s->user, key, buf, cap, len);
}

static inline bool store_copy(void *user, const char *key)
{
    char value[MCPT_PAIRING_RECORD];
    size_t len;

    (void)user;
    CHECK(ram.store.read(ram.store.user, key, value, sizeof(value), &len) == MCPT_OK);
    CHECK(past.store.write(past.store.user, key, (mcpt_str){ value, len }) == MCPT_OK);
    return true;
}

static inline void remember(void)     /* what a process has read that is slower than another */
{
    CHECK(mcpt_store_ram_init(&past, past_memory, sizeof(past_memory), 0) == MCPT_OK);
    CHECK(ram.store.list(ram.store.user, "pair", store_copy, NULL) == MCPT_OK);
}

/* The device starts, with what its store has. */
static inline void boot(void)
{
    start();
    CHECK(mcpt_pairing_init(&pairing, &config, &world.env, &world.hub) == MCPT_OK);
}

static inline void paired_device(void)
{
    begin();
    CHECK(mcpt_mbedtls_init(&real, NULL, 0) == MCPT_OK && mcpt_store_ram_init(&ram, memory, sizeof(memory), 0) == MCPT_OK);
    store = ram.store;
    store.read = store_read;
    store.write = store_write;
    store.swap = store_swap;
    memset(&guard, 0, sizeof(guard));
    memset(&config, 0, sizeof(config));
    memset(&desk, 0, sizeof(desk));
    config.store = &store;
    config.show = show;
    config.user = &desk;
    config.title = "Tom's <pump>";
    config.scopes = scopes;
    config.nscopes = 2;
    guard.verify = mcpt_pairing_verify;
    guard.user = guard.pairing = &pairing;
    guard.scopes = "read";
    world.env.crypto = &real.crypto;
    world.server.guard = &guard;
    world.server.tools = tools;
    world.server.ntools = MCPT_COUNT(tools);
    world.server.visible = NULL;
    world.mem.verdicts = verdicts;
    world.mem.nverdicts = MCPT_COUNT(verdicts);
    boot();
}

/* -- what a client and a browser do */
static inline reply ask(const char *method, const char *target, const char *fields, const char *type, const char *body)
{
    wire *w = dial(MCPT_HTTP);
    reply r;

    put(w, fmt("%s %s HTTP/1.1\r\nHost: %s\r\n%s%s%s%s\r\n%s", method, target, world.host, fields, type != NULL ? "Content-Type: " : "",
               type != NULL ? fmt("%s\r\n", type) : "", body != NULL ? fmt("Content-Length: %u\r\n", (unsigned)strlen(body)) : "",
               body != NULL ? body : ""));
    r = take(w);
    hang_up(w);
    return r;
}
#define FORM "application/x-www-form-urlencoded"
#define CALLBACK_F "http%%3A%%2F%%2F127.0.0.1%%3A8976%%2Fcb"                 /* in a format */
#define RESOURCE_F "http%%3A%%2F%%2Flocalhost%%3A8080%%2Fmcp"
#define CALLBACK "http%3A%2F%2F127.0.0.1%3A8976%2Fcb"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"              /* RFC 7636 appendix B */
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define RESOURCE "http%3A%2F%2Flocalhost%3A8080%2Fmcp"

static inline const char *registered(const char *json)
{
    reply r = ask("POST", "/register", "", "application/json", json);

    CHECK(r.status == 201 && r.json);
    return member_text(r.body, "client_id");
}

static inline const char *desktop(void)
{
    return registered("{\"redirect_uris\":[\"http://127.0.0.1:1/cb\",\"https://app.example/back?x=1\"],\"client_name\":\"<b>Desk</b>\"}");
}

static inline const char *request_of(const char *client, const char *rest)
{
    return fmt("/authorize?response_type=code&client_id=%s&redirect_uri=" CALLBACK_F "&code_challenge=" CHALLENGE
               "&code_challenge_method=S256&state=s%%2B1%%3C%%26&resource=" RESOURCE_F "%s", client, rest);
}

static inline reply page(const char *target)
{
    return ask("GET", target, "", NULL, NULL);
}

static inline const char *between(const char *text, const char *from, const char *to)
{
    const char *a = strstr(text, from);
    const char *b = a != NULL ? strstr(a + strlen(from), to) : NULL;

    CHECK(a != NULL && b != NULL);
    return b != NULL ? fmt("%.*s", (int)(b - a - (long)strlen(from)), a + strlen(from)) : "";
}

static inline const char *form_of(reply r)
{
    return between(r.body, "name=\"form\" value=\"", "\"");
}

static inline reply answer(const char *target, const char *form, const char *code, const char *action)
{
    return ask("POST", target, "Origin: http://localhost:8080\r\n", FORM, fmt("form=%s&code=%s&action=%s", form, code, action));
}

static inline const char *digits(void)       /* as a person types them */
{
    return fmt("%.4s+-%s", desk.code, desk.code + 5);
}

static inline const char *code_for(const char *client, const char *rest)
{
    const char *target = request_of(client, rest);
    reply r = page(target);

    CHECK(r.status == 200);
    r = answer(target, form_of(r), digits(), "allow");
    CHECK(r.status == 303);
    return between(header(r, "Location"), "code=", "&");
}

static inline reply redeem(const char *client, const char *code, const char *verifier, const char *redirect, const char *rest)
{
    return ask("POST", "/token", "", FORM, fmt("grant_type=authorization_code&client_id=%s&code=%s&code_verifier=%s&redirect_uri=%s%s", client,
                                              code, verifier, redirect, rest));
}

static inline reply refresh(const char *client, const char *token, const char *rest)
{
    return ask("POST", "/token", "", FORM, fmt("grant_type=refresh_token&client_id=%s&refresh_token=%s%s", client, token, rest));
}

static inline bool stored(const char *text, size_t n)
{
    size_t i = 0;

    while (i + n <= sizeof(memory) && memcmp(memory + i, text, n) != 0) {
        i++;
    }
    return i + n <= sizeof(memory);
}

typedef struct tokens { char access[64], refresh[64]; } tokens;
static inline tokens tokens_in(reply r)
{
    tokens t;

    CHECK(r.status == 200);
    HAS(r.head, "Cache-Control: no-store");
    CHECK(strcmp(member_text(r.body, "token_type"), "Bearer") == 0);
    snprintf(t.access, sizeof(t.access), "%s", member_text(r.body, "access_token"));
    snprintf(t.refresh, sizeof(t.refresh), "%s", member_text(r.body, "refresh_token"));
    CHECK(strlen(t.access) == 50 && strlen(t.refresh) == 50 && strcmp(t.access + 6, t.refresh + 6) != 0);
    return t;
}

static inline tokens pair(const char *client)
{
    return tokens_in(redeem(client, code_for(client, ""), VERIFIER, CALLBACK, "&resource=" RESOURCE));
}

static inline int call_with(const char *token, const char *tool)
{
    wire *w = dial(MCPT_HTTP);
    reply r;

    world.headers = fmt("Authorization: Bearer %s\r\n", token);
    r = call(w, tool, "{\"text\":\"x\"}");
    world.headers = "";
    hang_up(w);
    return r.status;
}

static inline void refused(const char *file, int line, reply r, int status, const char *error)
{
    test_check(r.status == status && r.json, file, line, "status");
    text_is(file, line, "error", member_text(r.body, "error"), error);
    text_has(file, line, "no-store", r.head, "Cache-Control: no-store", true);
}
#define REFUSED(r, status, error) refused(__FILE__, __LINE__, (r), (status), (error))

static inline const char *location_error(reply r)
{
    CHECK(r.status == 303);
    HAS(header(r, "Location"), "&state=s%2B1%3C%26&iss=http%3A%2F%2Flocalhost%3A8080");
    return between(header(r, "Location"), "error=", "&");
}
#endif
