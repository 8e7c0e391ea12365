/* Fuzzer of the authorization server of a device: its forms, queries, registrations, metadata documents, and records that are damaged.
 * The first byte chooses the tables' sizes and the clock; the rest is requests, divided by byte 30, of one letter and text:
 *     R json: POST /register    G query: GET /authorize    A form: POST to that page    T form, V form: POST /token, /revoke
 *     H a whole request         D what the internet answers                             C token: a call with it
 *     W time goes by            B a restart; B1 the store is full     X a record is damaged
 *     F random source or hash fail, the n-th call
 * In the text $c is the last client_id, $f the form's number, $k the code on the display, $a the last authorization code, $t and $r the
 * last tokens, $v a PKCE verifier, $h its challenge, $g a query that is in order. */
/* sections: pair-records pair-consent pairing */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "fuzz.h"

enum { RX = 1400, TX = 1024, OUT = 16384, TEXT = 4096, RECORDS = 8 };

static struct {
    uint32_t millis;
    unsigned fails;                   /* 0: never; 1: the next call of random or hash */
    bool clock, full;
    fuzz_random random;
    struct { char key[16]; char value[MCPT_PAIRING_RECORD]; size_t len; bool used, damaged; } records[RECORDS];
    char out[OUT];
    size_t out_len;
    char client[64], form[32], shown[16], code[64], access[64], refresh[64], challenge[48], query[TEXT];
} W;
static const char verifier[] = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";

static uint32_t w_millis(void *user) { (void)user; return W.millis; }
static int64_t w_time(void *user) { (void)user; return W.clock ? 1700000000 + (int64_t)(W.millis / 1000) : -1; }
static bool w_fails(void)
{
    return W.fails != 0 && --W.fails == 0;
}
static bool w_random(void *user, void *buf, size_t len)
{
    (void)user;
    if (w_fails()) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = (uint8_t)fuzz_next(&W.random);
    }
    return true;
}

static bool w_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    return !w_fails() && fake_sha256(user, parts, n, out);
}

/* -- the store */
static size_t find(const char *key)
{
    size_t i = 0;
    while (i < RECORDS && (!W.records[i].used || strcmp(W.records[i].key, key) != 0)) {
        i++;
    }
    return i;
}
static mcpt_err s_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    size_t i = find(key);
    (void)user;
    *len = 0;
    if (i == RECORDS || W.records[i].damaged) {
        return i == RECORDS ? MCPT_E_ABSENT : MCPT_E_DAMAGED;
    }
    *len = W.records[i].len;
    if (*len > cap) {
        return MCPT_E_SPACE;
    }
    memcpy(buf, W.records[i].value, *len);
    return MCPT_OK;
}
static mcpt_err s_write(void *user, const char *key, mcpt_str value)
{
    size_t i = find(key);
    (void)user;
    NEED(value.len <= MCPT_PAIRING_RECORD);
    for (size_t k = 0; k + 6 <= value.len; k++) {           /* tokens are kept as hashes only */
        NEED(memcmp(value.ptr + k, "mcpta_", 6) != 0 || W.access[0] == '\0' || value.len - k < 50 || memcmp(value.ptr + k, W.access, 50) != 0);
    }
    for (size_t k = 0; i == RECORDS && k < RECORDS; k++) {
        i = W.records[k].used ? i : k;
    }
    if (i == RECORDS || W.full) {
        return MCPT_E_FULL;
    }
    snprintf(W.records[i].key, sizeof W.records[i].key, "%s", key);
    memcpy(W.records[i].value, value.ptr, value.len);
    W.records[i].len = value.len;
    W.records[i].used = true;
    W.records[i].damaged = false;
    return MCPT_OK;
}
static mcpt_err s_erase(void *user, const char *key)
{
    size_t i = find(key);
    (void)user;
    if (i < RECORDS) {
        W.records[i].used = false;
    }
    return MCPT_OK;
}

static void w_show(void *user, const char *code, mcpt_str client)
{
    (void)user;
    NEED(code == NULL || (strlen(code) == 9 && code[4] == ' ' && mcpt_utf8_ok(client)));
    snprintf(W.shown, sizeof W.shown, "%s", code != NULL ? code : "");
}

/* -- texts */
static size_t expand(const char *from, size_t len, char *to, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < cap; i++) {
        const char *what = NULL;
        if (from[i] == '$' && i + 1 < len) {
            switch (from[i + 1]) {
            case 'c': what = W.client; break;
            case 'f': what = W.form; break;
            case 'a': what = W.code; break;
            case 't': what = W.access; break;
            case 'r': what = W.refresh; break;
            case 'v': what = verifier; break;
            case 'h': what = W.challenge; break;
            case 'k': what = W.shown; break;
            case 'g': what = "response_type=code&client_id=$c&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&code_challenge=$h&code_challenge_method=S256"; break;
            default: break;
            }
        }
        if (what == NULL) {
            to[n++] = from[i];
            continue;
        }
        i++;
        if (from[i] == 'g') {
            char inner[300];
            size_t k = expand(what, strlen(what), inner, sizeof inner);     /* there is no $g in it */
            for (size_t m = 0; m < k && n + 1 < cap; m++) {
                to[n++] = inner[m];
            }
            continue;
        }
        for (; *what != '\0' && n + 1 < cap; what++) {
            to[n++] = *what == ' ' ? '+' : *what;
        }
    }
    to[n] = '\0';
    return n;
}

static void between(const char *before, char until, char *to, size_t cap)
{
    const char *at = strstr(W.out, before);
    const char *end = at != NULL ? strchr(at + strlen(before), until) : NULL;
    if (end != NULL && (size_t)(end - at) - strlen(before) < cap) {
        snprintf(to, cap, "%.*s", (int)((size_t)(end - at) - strlen(before)), at + strlen(before));
    }
}

/* -- the connection */
static void run(mcpt_conn *c, const char *text, size_t len)
{
    size_t n;
    W.out_len = 0;
    for (;;) {
        unsigned want = mcpt_io_want(&c->io);
        if ((want & MCPT_WANT_TX) != 0) {
            const char *from = mcpt_io_tx(&c->io, &n);
            NEED(from != NULL && n != 0 && n < OUT - W.out_len);
            memcpy(W.out + W.out_len, from, n);
            W.out_len += n;
            mcpt_io_tx_ack(&c->io, n);
        } else if ((want & MCPT_WANT_RX) != 0 && len != 0) {
            char *to = mcpt_io_rx(&c->io, &n);
            if (to == NULL) {
                break;
            }
            n = fuzz_piece(&W.random, 3, n < len ? n : len);
            memcpy(to, text, n);
            text += n;
            len -= n;
            mcpt_io_rx_ack(&c->io, n);
        } else {
            break;
        }
    }
    W.out[W.out_len] = '\0';
}

/* What holds for every answer. */
static void check_answer(const char *request, const char *shown)
{
    const char *end = strstr(W.out, "\r\n\r\n");
    const char *line = W.out;
    if (W.out_len == 0) {
        return;
    }
    NEED(end != NULL && memcmp(W.out, "HTTP/1.1 ", 9) == 0);
    while ((line = strstr(line, "\r\n")) != NULL && line < end) {       /* no line that is not a field, none smuggled in */
        const char *colon = strchr(line + 2, ':');
        line += 2;
        NEED(colon != NULL && colon < strstr(line, "\r\n") && strncmp(line, "Evil", 4) != 0);
    }
    NEED(strstr(W.out, "<script") == NULL && strstr(W.out, "<SCRIPT") == NULL);
    line = strstr(W.out, "\r\nLocation: ");
    if (line != NULL && line < end && request != NULL) {
        NEED(memcmp(line + 12, "https://", 8) == 0 || memcmp(line + 12, "http://127.", 11) == 0 || memcmp(line + 12, "http://localhost", 16) == 0 ||
             memcmp(line + 12, "http://[::1]", 12) == 0);
        if (strstr(line, "code=") != NULL && strchr(request, '%') == NULL && strstr(line, "error=") == NULL) {
            const char *digit = shown;                      /* only who typed what was shown */
            NEED(strlen(shown) == 9);
            for (const char *k = request; *k != '\0' && *digit != '\0'; k++) {
                digit += *digit == ' ';
                digit += *k == *digit;
            }
            NEED(*digit == '\0');
        }
    }
}

static void learn(void)
{
    between("\"client_id\":\"", '"', W.client, sizeof W.client);
    between("name=\"form\" value=\"", '"', W.form, sizeof W.form);
    between("\"access_token\":\"", '"', W.access, sizeof W.access);
    between("\"refresh_token\":\"", '"', W.refresh, sizeof W.refresh);
    between("?code=", '&', W.code, sizeof W.code);
}

static void internet(mcpt_exchange *x, const char *says, size_t len)
{
    size_t n;
    if (mcpt_exchange_origin(x) == NULL) {
        return;
    }
    NEED(x->link.origin.tls && strcmp(x->link.origin.host, "localhost") != 0);
    NEED(memcmp(x->link.origin.host, "127.", 4) != 0 || strspn(x->link.origin.host, "0123456789.") != strlen(x->link.origin.host));  /* 127.example is a name */
    mcpt_exchange_connected(x);
    while ((mcpt_io_want(&x->io) & MCPT_CLOSED) == 0) {
        const char *from = mcpt_io_tx(&x->io, &n);
        char *to;
        if (from != NULL) {
            mcpt_io_tx_ack(&x->io, n);
            continue;
        }
        to = mcpt_io_rx(&x->io, &n);
        if (len == 0 || to == NULL) {
            mcpt_io_eof(&x->io);
            continue;
        }
        n = fuzz_piece(&W.random, 3, n < len ? n : len);
        memcpy(to, says, n);
        says += n;
        len -= n;
        mcpt_io_rx_ack(&x->io, n);
    }
}

static mcpt_err nothing(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_text_z(out, "x");
    return MCPT_OK;
}

static bool listed(void *user, const mcpt_paired *one)
{
    ++*(unsigned *)user;
    NEED(mcpt_utf8_ok(one->scopes) || one->scopes.len != 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const mcpt_crypto crypto = { .sha256 = w_sha256, .hmac_sha256 = fake_hmac };
    static const mcpt_env env = { .millis = w_millis, .unix_time = w_time, .random = w_random, .crypto = &crypto };
    static const mcpt_store store = { .read = s_read, .write = s_write, .erase = s_erase };
    static const mcpt_pairing_scope scopes[] = { { "read", "read <it>" }, { "write", NULL } };
    static const mcpt_tool tools[] = { MCPT_TOOL("t", "d", "{\"type\":\"object\"}", nothing, 0) };
    static char rx[RX], tx[TX], x_rx[700], x_tx[700], request[TEXT * 2], text[TEXT], before[16];
    static mcpt_tok tok[48];
    static mcpt_pairing pairing;
    static mcpt_exchange x;
    static mcpt_hub hub;
    static mcpt_verdict verdicts[2];
    static mcpt_conn conn;
    char *room = fuzz_mem(700);
    mcpt_pairing_config config;
    mcpt_guard guard;
    mcpt_server server;
    mcpt_hub_mem hub_mem;
    const mcpt_mem mem = { rx, RX, tx, TX, tok, MCPT_COUNT(tok) };
    const char *at = (const char *)data + 1;
    const char *end = (const char *)data + size;
    mcpt_str challenge = { verifier, sizeof verifier - 1 };
    uint8_t hash[32];
    unsigned count = 0;

    if (size < 2 || size > 6000) {
        free(room);
        return 0;
    }
    memset(&W, 0, sizeof W);
    memset(&config, 0, sizeof config);
    memset(&guard, 0, sizeof guard);
    memset(&server, 0, sizeof server);
    memset(&hub_mem, 0, sizeof hub_mem);
    W.random = fuzz_seed(data, size);
    W.clock = (data[0] & 1) != 0;
    NEED(fake_sha256(NULL, &challenge, 1, hash));
    W.challenge[mcpt_b64_encode(hash, 32, true, W.challenge, 43)] = '\0';
    NEED(mcpt_exchange_init(&x, &env, x_rx, sizeof x_rx, x_tx, sizeof x_tx, 0, false) == MCPT_OK);
    config.store = &store;
    config.show = w_show;
    config.title = "<device>";
    config.scopes = scopes;
    config.nscopes = (data[0] & 8) != 0 ? 0 : 2;
    config.clients = config.grants = (uint8_t)(1 + (data[0] >> 1) % 3u);
    config.exchange = (data[0] & 16) != 0 ? NULL : &x;
    config.access_s = (data[0] & 32) != 0 ? 60 : 0;
    config.refresh_s = (data[0] & 32) != 0 ? 1000 : 0;
    config.document = room;
    config.document_cap = 700;
    guard.verify = mcpt_pairing_verify;
    guard.user = guard.pairing = &pairing;
    server.name = "f";
    server.version = "1";
    server.tools = tools;
    server.ntools = 1;
    server.env = &env;
    server.guard = &guard;
    hub_mem.verdicts = verdicts;
    hub_mem.nverdicts = MCPT_COUNT(verdicts);
    NEED(mcpt_hub_init(&hub, &server, &hub_mem) == MCPT_OK);
    NEED(mcpt_pairing_init(&pairing, &config, &env, &hub) == MCPT_OK);
    NEED(mcpt_conn_init(&conn, &server, &hub, &mem, MCPT_HTTP, NULL) == MCPT_OK);
    while (at < end) {
        const char *stop = memchr(at, 30, (size_t)(end - at));
        const char kind = *at;
        size_t n;
        stop = stop != NULL ? stop : end;
        n = kind == 30 ? 0 : expand(at + 1, (size_t)(stop - at) - 1, text, sizeof text);
        at = stop < end ? stop + 1 : end;
        W.millis += 10;
        snprintf(before, sizeof before, "%s", W.shown);
        request[0] = '\0';
        switch (kind) {
        case 'R':
            snprintf(request, sizeof request, "POST /register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", n);
            break;
        case 'G':
            snprintf(W.query, sizeof W.query, "%.*s", (int)n, text);
            snprintf(request, sizeof request, "GET /authorize?%s HTTP/1.1\r\nHost: localhost\r\n\r\n", W.query);
            n = 0;
            break;
        case 'A':
            snprintf(request, sizeof request, "POST /authorize?%s HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                     "Content-Length: %zu\r\n\r\n", W.query, n);
            break;
        case 'T': case 'V':
            snprintf(request, sizeof request, "POST /%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n",
                     kind == 'T' ? "token" : "revoke", n);
            break;
        case 'C':
            snprintf(request, sizeof request, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer %.*s\r\nContent-Length: 2\r\n\r\n{}", (int)n, text);
            n = 0;
            break;
        case 'D':
            internet(&x, text, n);
            (void)mcpt_hub_run(&hub);
            n = 0;
            break;
        case 'W':
            W.millis += n == 0 ? 70000u : (uint32_t)(unsigned char)text[0] << 16;
            (void)mcpt_hub_run(&hub);
            n = 0;
            break;
        case 'B':
            W.full = n != 0 && !W.full;
            mcpt_exchange_stop(&x);
            W.fails = 0;
            NEED(mcpt_pairing_init(&pairing, &config, &env, &hub) == MCPT_OK);
            mcpt_guard_forget(&hub, mcpt_z(""));
            n = 0;
            break;
        case 'F':
            W.fails = n != 0 ? (unsigned char)text[0] % 16u : 0;
            n = 0;
            break;
        case 'X':
            if (n > 1 && W.records[(unsigned char)text[0] % RECORDS].used) {
                size_t k = (unsigned char)text[0] % RECORDS;
                W.records[k].damaged = text[1] == 'd';
                W.records[k].len = text[1] == 's' ? (unsigned char)text[n - 1] % (W.records[k].len + 1) : W.records[k].len;
                W.records[k].value[(unsigned char)text[1] % MCPT_PAIRING_RECORD] = text[n - 1];
            }
            n = 0;
            break;
        default:
            break;
        }
        {
            size_t head = strlen(request);
            memcpy(request + head, text, n);
            request[head + n] = '\0';
            run(&conn, request, head + n);
            if (kind == 'A' || kind == 'G') {
                check_answer(text, before);
            } else if (kind != 'H') {
                check_answer(NULL, before);
            }
            learn();
        }
        if ((mcpt_io_want(&conn.io) & MCPT_CLOSED) != 0 || kind == 'H') {
            mcpt_conn_close(&conn);
            NEED(mcpt_conn_init(&conn, &server, &hub, &mem, MCPT_HTTP, NULL) == MCPT_OK);
        }
        NEED(pairing.text_len <= sizeof pairing.text && pairing.rec_len <= sizeof pairing.rec);
    }
    W.fails = 0;
    (void)mcpt_pairing_list(&pairing, listed, &count);
    NEED(count <= config.grants);
    NEED(mcpt_pairing_revoke(&pairing, 0) <= MCPT_OK);
    mcpt_exchange_stop(&x);
    NEED(mcpt_pairing_reset(&pairing) == MCPT_OK);
    count = 0;
    NEED(mcpt_pairing_list(&pairing, listed, &count) == MCPT_OK && count == 0);
    for (size_t i = 0; i < RECORDS; i++) {
        NEED(!W.records[i].used);
    }
    mcpt_conn_close(&conn);
    free(room);
    return 0;
}
