/* Fuzzer of the client and of its authorization: everything a server, an authorization server and a browser may send. The
 * first byte chooses era, framing, channels and grant; the rest is what comes back for one request after the other, divided
 * by byte 30. It stands as it is (HTTP/...), or as a JSON body ({...), with a status before it (404{...), as a JSON-RPC
 * result of the request (=...), as an event stream (~...), as a challenge (!Bearer ...), or as the query of a redirect (?...;
 * $ is the state that was sent). */
/* sections: channel client */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "fuzz.h"
#include <stdio.h>

#define MCP "https://mcp.example/mcp"
enum { RX = 700, TX = 1400, MSG = 2048, REQ = 2048, MEM = 3000, NTOK = 64, RECORDS = 6 };

static struct {
    uint32_t millis;
    fuzz_random random;
    struct { char key[16]; char value[2048]; size_t len; } records[RECORDS];
    const char *at, *end;             /* what is still to be said */
    char out[8192], state[64];
    size_t out_len, said;
    unsigned asks, id;
} W;

static uint32_t w_millis(void *user) { (void)user; return W.millis; }
static int64_t w_time(void *user) { (void)user; return 1700000000; }
static bool w_random(void *user, void *buf, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = (uint8_t)fuzz_next(&W.random);
    }
    return true;
}

static size_t find(const char *key)
{
    size_t i = 0;
    while (i < RECORDS && strcmp(W.records[i].key, key) != 0) {
        i++;
    }
    return i;
}

static mcpt_err s_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    size_t i = find(key);
    (void)user;
    *len = i < RECORDS ? W.records[i].len : 0;
    if (i == RECORDS || *len > cap) {
        return i == RECORDS ? MCPT_E_ABSENT : MCPT_E_SPACE;
    }
    memcpy(buf, W.records[i].value, *len);
    return MCPT_OK;
}

static mcpt_err s_write(void *user, const char *key, mcpt_str value)
{
    size_t i = find(key);
    (void)user;
    NEED(mcpt_store_key_ok(key, MCPT_STORE_KEY));
    i = i < RECORDS ? i : find("");
    if (i == RECORDS || value.len > sizeof(W.records[0].value)) {
        return MCPT_E_FULL;
    }
    strcpy(W.records[i].key, key);
    memcpy(W.records[i].value, value.ptr, value.len);
    W.records[i].len = value.len;
    return MCPT_OK;
}

static mcpt_err s_erase(void *user, const char *key)
{
    size_t i = find(key);
    (void)user;
    if (i < RECORDS) {
        W.records[i].key[0] = '\0';
    }
    return MCPT_OK;
}

static const mcpt_crypto crypto = { .sha256 = fake_sha256, .hmac_sha256 = fake_hmac };
static const mcpt_env env = { w_millis, w_time, w_random, NULL, &crypto, NULL };
static const mcpt_store store = { s_read, s_write, s_erase, NULL, NULL, NULL };

static mcpt_err ask(void *user, mcpt_str method, mcpt_val params, mcpt_writer *out)
{
    (void)user;
    (void)params;
    NEED(method.len != 0);
    if (++W.asks % 4 == 3) {
        return W.asks % 8 == 3 ? MCPT_E_DECLINED : MCPT_E_USER;
    }
    mcpt_put_raw(out, mcpt_z("{\"action\":\"accept\",\"content\":{}}"));
    return MCPT_OK;
}

static void notify(void *user, mcpt_str method, mcpt_str params)
{
    fuzz_json j;
    (void)user;
    (void)method;
    memset(&j, 0, sizeof(j));
    NEED(params.len == 0 || fuzz_json_ok(params.ptr, params.len, &j));
}

/* Where results go that are larger than MSG, on every second call. */
static struct { mcpt_pieces p; char text[8192]; size_t len; unsigned begun; } P;

static mcpt_err piece(void *user, const char *text, size_t len)
{
    (void)user;
    if (text == NULL) {
        P.begun++;
        P.len = 0;
        return MCPT_OK;
    }
    NEED(P.begun != 0 && len != 0);
    if (len > sizeof(P.text) - P.len) {
        return MCPT_E_USER;
    }
    memcpy(P.text + P.len, text, len);
    P.len += len;
    return MCPT_OK;
}

/* The next answer as bytes of HTTP, or of a line. */
static bool next_answer(bool lines)
{
    const char *p = W.at, *stop;
    size_t n;
    unsigned status = 200;
    if (p == W.end || *p == '?') {
        return false;
    }
    stop = (const char *)memchr(p, 30, (size_t)(W.end - p));
    n = (size_t)((stop != NULL ? stop : W.end) - p);
    W.at = stop != NULL ? stop + 1 : W.end;
    W.said = 0;
    if (n > 6000) {
        n = 6000;
    }
    if (lines) {
        W.out_len = (size_t)snprintf(W.out, sizeof(W.out), *p == '=' ? "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":%.*s}\n" : "%.0u%.*s\n",
                                     *p == '=' ? W.id : 0u, (int)n - (*p == '='), p + (*p == '='));
        return true;
    }
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
        memcpy(W.out, p, n);
        W.out_len = n;
        return true;
    }
    if (n >= 3 && p[0] >= '1' && p[0] <= '5' && p[1] >= '0' && p[1] <= '9' && p[2] >= '0' && p[2] <= '9') {
        status = (unsigned)(p[0] - '0') * 100u + (unsigned)(p[1] - '0') * 10u + (unsigned)(p[2] - '0');
        p += 3;
        n -= 3;
    }
    if (n > 0 && *p == '!') {
        W.out_len = (size_t)snprintf(W.out, sizeof(W.out), "HTTP/1.1 %u N\r\nWWW-Authenticate: %.*s\r\nDPoP-Nonce: n\r\nContent-Length: 0\r\n\r\n",
                                     status == 200 ? 401 : status, (int)n - 1, p + 1);
    } else if (n > 0 && *p == '~') {
        W.out_len = (size_t)snprintf(W.out, sizeof(W.out), "HTTP/1.1 200 O\r\nContent-Type: text/event-stream\r\nMcp-Session-Id: s\r\n"
                                     "Content-Length: %u\r\n\r\n%.*s", (unsigned)n - 1, (int)n - 1, p + 1);
    } else if (n > 0 && *p == '=') {
        char body[6200];
        int len = snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":%.*s}", W.id, (int)n - 1, p + 1);
        W.out_len = (size_t)snprintf(W.out, sizeof(W.out), "HTTP/1.1 %u O\r\nContent-Type: application/json\r\nMcp-Session-Id: s\r\n"
                                     "Content-Length: %d\r\n\r\n%.*s", status, len, len, body);
    } else {
        W.out_len = (size_t)snprintf(W.out, sizeof(W.out), "HTTP/1.1 %u O\r\nContent-Type: application/json\r\nContent-Length: %u\r\n\r\n%.*s",
                                     status, (unsigned)n, (int)n, p);
    }
    W.out_len = W.out_len < sizeof(W.out) ? W.out_len : sizeof(W.out) - 1;
    return true;
}

/* A person: takes the state off the URL, which must be one that may be shown. */
static void sign_in(mcpt_oauth *o)
{
    mcpt_str url = mcpt_oauth_url(o);
    char query[1024];
    size_t n = 0;
    const char *s;
    mcpt_url u;
    NEED(url.len != 0 && mcpt_url_split(url, &u) && mcpt_str_ieq(u.scheme, "https"));
    for (s = url.ptr; s + 7 < url.ptr + url.len && memcmp(s, "&state=", 7) != 0; s++) { }
    if (s + 39 <= url.ptr + url.len && mcpt_oauth_user_code(o).ptr == NULL) {
        memcpy(W.state, s + 7, 32);
        W.state[32] = '\0';
    }
    if (W.at == W.end || *W.at != '?') {
        W.millis += 600001;           /* nobody comes back */
        return;
    }
    for (W.at++; W.at != W.end && *W.at != 30 && n < sizeof(query) - 40; W.at++) {
        if (*W.at == '$') {
            n += (size_t)snprintf(query + n, 40, "%s", W.state);
        } else {
            query[n++] = *W.at;
        }
    }
    W.at += W.at != W.end ? 1 : 0;
    (void)mcpt_oauth_callback(o, (mcpt_str){ query, n });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static mcpt_oauth oauth;
    static mcpt_client c;
    static mcpt_channel ch[3];
    static char heard[3][TX + REQ + MSG];
    size_t heard_len[3] = { 0 }, n, i;
    bool talking[3] = { false }, busy = false;
    unsigned flags, channels, speaker = 0, rounds, calls = 0, idle = 0;
    char *rx[3], *tx[3], *msg[3], *req, *mem;
    mcpt_tok *tok;
    mcpt_oauth_config auth;
    mcpt_client_config config;
    mcpt_err e;

    if (size < 1 || size > 8192) {
        return 0;
    }
    memset(&W, 0, sizeof(W));
    memset(&P, 0, sizeof(P));
    flags = data[0];
    W.random = fuzz_seed(data, size);
    W.at = (const char *)data + 1;
    W.end = (const char *)data + size;
    channels = 1 + (flags >> 2) % 3u;
    memset(&auth, 0, sizeof(auth));
    memset(&config, 0, sizeof(config));
    auth.endpoint = MCP;
    auth.redirect_uri = "http://127.0.0.1:1/cb";
    auth.client_name = "f";
    auth.grant = (flags & 16) != 0 ? MCPT_GRANT_DEVICE : MCPT_GRANT_CODE;
    auth.env = &env;
    auth.store = (flags & 32) != 0 ? &store : NULL;
    config.endpoint = (flags & 64) != 0 ? NULL : MCP;
    config.name = "f";
    config.version = "1";
    config.revision = (mcpt_revision)((flags & 3) == 1 ? MCPT_2026_07_28 : (flags & 3) == 2 ? MCPT_2025_11_25 : 0);
    config.can = 63;
    config.ask = ask;
    config.notify = notify;
    config.env = &env;
    config.oauth = (flags & 128) != 0 ? &oauth : NULL;
    mem = (char *)fuzz_mem(MEM);
    req = (char *)fuzz_mem(REQ);
    tok = (mcpt_tok *)fuzz_mem(NTOK * sizeof(mcpt_tok));
    NEED(mcpt_oauth_init(&oauth, &auth, mem, MEM) == MCPT_OK);
    for (i = 0; i < 3; i++) {
        rx[i] = (char *)fuzz_mem(RX);
        tx[i] = (char *)fuzz_mem(TX);
        msg[i] = (char *)fuzz_mem(MSG);
        mcpt_channel_init(&ch[i], rx[i], RX, tx[i], TX, msg[i], MSG);
    }
    e = mcpt_client_init(&c, &config, ch, channels, req, REQ, tok, NTOK);
    NEED(e == MCPT_OK);
    for (rounds = 0; rounds < 4000 && idle < 40; rounds++) {
        mcpt_client_state state = mcpt_client_status(&c);
        idle++;
        if (state == MCPT_CLIENT_FAILED || state == MCPT_CLIENT_CLOSED) {
            break;
        }
        if (state == MCPT_CLIENT_USER) {
            sign_in(&oauth);
        }
        if (state == MCPT_CLIENT_READY) {
            static const char *const methods[] = { "tools/call", "tools/list", "resources/read", "prompts/get" };
            mcpt_writer *w;
            mcpt_str r = mcpt_client_result(&c);
            fuzz_json j;
            memset(&j, 0, sizeof(j));
            NEED(r.len == 0 || fuzz_json_ok(r.ptr, r.len, &j));
            (void)mcpt_client_value(&c);
            if (P.begun != 0 && mcpt_client_outcome(&c) == MCPT_OK && r.len == 0 && P.len != 0) {
                memset(&j, 0, sizeof(j));
                NEED(fuzz_json_ok(P.text, P.len, &j));
            }
            memset(&P, 0, sizeof(P));
            P.p.piece = piece;
            if (W.at == W.end || calls == 6) {
                break;
            }
            w = mcpt_client_begin(&c, methods[calls % 4], calls % 4 == 1 ? NULL : "na me");
            calls++;
            if (w != NULL) {
                mcpt_kv_int(w, "x", 1);
                mcpt_client_schema(&c, mcpt_z("{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"x-mcp-header\":\"X\"}}}"));
                if (calls % 2 == 1) {
                    mcpt_client_pieces(&c, &P.p);
                }
                NEED(mcpt_client_send(&c) == MCPT_OK);
            }
        }
        for (i = 0; i < channels; i++) {
            unsigned want = mcpt_io_want(&ch[i].io);
            const char *p;
            char *to;
            NEED(want == 0 || want == MCPT_WANT_RX || want == MCPT_WANT_TX || want == MCPT_WANT_CONNECT || want == MCPT_CLOSED);
            if ((want & MCPT_WANT_CONNECT) != 0) {
                const mcpt_origin *o = mcpt_channel_origin(&ch[i]);
                NEED(o->tls && o->host[0] != '\0' && o->port != 0);
                heard_len[i] = 0;
                talking[i] = false;
                busy = busy && speaker != i;
                mcpt_channel_connected(&ch[i]);
                idle = 0;
            } else if ((want & MCPT_WANT_TX) != 0) {
                p = mcpt_io_tx(&ch[i].io, &n);
                NEED(p != NULL && n != 0 && heard_len[i] + n < sizeof(heard[i]));
                memcpy(heard[i] + heard_len[i], p, n);
                heard_len[i] += n;
                mcpt_io_tx_ack(&ch[i].io, n);
                talking[i] = true;
                idle = 0;
            } else if ((want & MCPT_WANT_RX) != 0) {
                if (!busy && (talking[i] || config.endpoint == NULL)) {
                    W.id = c.id;
                    busy = next_answer(config.endpoint == NULL);
                    speaker = (unsigned)i;
                    talking[i] = false;
                    heard_len[i] = 0;
                }
                to = busy && speaker == i ? mcpt_io_rx(&ch[i].io, &n) : NULL;
                if (to != NULL) {
                    size_t k = W.out_len - W.said;
                    k = k < n ? k : n;
                    k = (flags & 1) != 0 && k > 3 ? 1 + fuzz_next(&W.random) % k : k;
                    memcpy(to, W.out + W.said, k);
                    W.said += k;
                    mcpt_io_rx_ack(&ch[i].io, k);
                    idle = 0;
                    if (W.said == W.out_len) {
                        busy = false;
                        if (config.endpoint != NULL && W.out_len > 5 && W.out[5] == '1' && memcmp(W.out, "HTTP/1.0", 8) == 0) {
                            mcpt_io_eof(&ch[i].io);
                        }
                    }
                }
            }
        }
        if (idle > 3) {
            uint32_t due = mcpt_client_due(&c);
            W.millis += due != (uint32_t)-1 && due < 100000 ? due + 1 : 1000;
        }
    }
    if ((flags & 3) == 3) {
        mcpt_oauth_logout(&oauth);
    }
    mcpt_client_close(&c);
    mcpt_oauth_close(&oauth);
    for (i = 0; i < MEM; i++) {
        NEED(mem[i] == 0);
    }
    for (i = 0; i < 3; i++) {
        free(rx[i]);
        free(tx[i]);
        free(msg[i]);
    }
    free(mem);
    free(req);
    free(tok);
    return 0;
}
