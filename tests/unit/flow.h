/* flow.h: a client's whole authorization, from the first refusal to the first authorized call, over channels in memory: a web of
 * canned answers in the order in which they are asked for. It counts requests and connections. With the buffers of
 * examples/firmware/client.c. For tests/unit/test_client_flow.c and tests/bench/client.c. */
#ifndef FLOW_H
#define FLOW_H
#include "mcptools.h"
#include "../../port/crypto_mbedtls.h"
#include "../../port/store_ram.h"
#include <stdio.h>
#include <string.h>

#define FLOW_MCP "https://mcp.example/mcp"
#define FLOW_AS "https://as.example"
#define FLOW_SCRIPT 16
typedef struct flow_answer { const char *from, *status, *fields, *body; } flow_answer;    /* from: the host that must be asked */
enum { FLOW_RX = 1024, FLOW_TX = 1536, FLOW_MSG = 2048, FLOW_REQUEST = 768, FLOW_TOK = 32 };
static struct {
    mcpt_client c;
    mcpt_client_config config;
    mcpt_channel ch[3];
    mcpt_oauth oauth;
    mcpt_oauth_config auth;
    char rx[3][FLOW_RX], tx[3][FLOW_TX], msg[3][FLOW_MSG], request[FLOW_REQUEST], work[MCPT_OAUTH_MEM];
    mcpt_tok tok[FLOW_TOK];
    mcpt_store_ram ram;
    char ram_mem[8192];
    char text[FLOW_SCRIPT][1024];     /* the answers; "#######" becomes the id of the request */
    const char *from[FLOW_SCRIPT];
    size_t nscript, at;               /* answers, of which given */
    bool one;                         /* set after flow_begin(): the server is its own authorization server */
    bool owed[3];                     /* a request was sent and not answered */
    const char *rest[3];              /* of the answer under way */
    unsigned connections, wrong;      /* wrong: requests at another place than expected */
    size_t out, in;                   /* bytes */
    uint32_t now;
    uint32_t random;
} F;

static uint32_t flow_millis(void *user) { (void)user; return F.now; }
static int64_t flow_unix(void *user) { (void)user; return 1800000000 + F.now / 1000; }
static bool flow_random(void *user, void *buf, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        F.random = F.random * 1664525u + 1013904223u;
        ((uint8_t *)buf)[i] = (uint8_t)(F.random >> 24);
    }
    return true;
}
static const mcpt_env flow_env = { flow_millis, flow_unix, flow_random, NULL, &mcpt_mbedtls_crypto, NULL };

#define FLOW_JSON "Content-Type: application/json\r\n"
#define FLOW_LIFE ",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"rt-0123456789abcdef0123456789abcdef\",\"scope\":\"record\"}"
static const flow_answer flow_refusal = { "mcp.example", "401 Unauthorized", "WWW-Authenticate: Bearer resource_metadata="
    "\"https://mcp.example/.well-known/oauth-protected-resource/mcp\", scope=\"record\"\r\n", "" };
static const flow_answer flow_resource = { "mcp.example", "200 OK", FLOW_JSON, "{\"resource\":\"" FLOW_MCP "\",\"authorization_servers\":[\"" FLOW_AS
    "\"],\"scopes_supported\":[\"record\"],\"bearer_methods_supported\":[\"header\"]}" };
static const flow_answer flow_server = { "as.example", "200 OK", FLOW_JSON, "{\"issuer\":\"" FLOW_AS "\",\"authorization_endpoint\":\"" FLOW_AS
    "/auth\",\"token_endpoint\":\"" FLOW_AS "/token\",\"registration_endpoint\":\"" FLOW_AS "/reg\",\"device_authorization_endpoint\":\"" FLOW_AS
    "/device\",\"revocation_endpoint\":\"" FLOW_AS "/revoke\",\"response_types_supported\":[\"code\"],\"code_challenge_methods_supported\":[\"S256\"],"
    "\"grant_types_supported\":[\"authorization_code\",\"refresh_token\",\"urn:ietf:params:oauth:grant-type:device_code\"],"
    "\"token_endpoint_auth_methods_supported\":[\"none\"]}" };
static const flow_answer flow_registered = { "as.example", "201 Created", FLOW_JSON, "{\"client_id\":\"client-0123456789abcdef\",\"client_name\":\"A board\","
    "\"redirect_uris\":[\"http://127.0.0.1:8976/cb\"],\"token_endpoint_auth_method\":\"none\"}" };
static const flow_answer flow_device = { "as.example", "200 OK", FLOW_JSON, "{\"device_code\":\"dc-0123456789abcdef0123456789abcdef\",\"user_code\":\"WDJB-MJHT\","
    "\"verification_uri\":\"" FLOW_AS "/d\",\"expires_in\":600,\"interval\":5}" };
static const flow_answer flow_pending = { "as.example", "400 Bad Request", FLOW_JSON, "{\"error\":\"authorization_pending\"}" };
static const flow_answer flow_token = { "as.example", "200 OK", FLOW_JSON, "{\"access_token\":\"at-0123456789abcdef0123456789abcdef\"" FLOW_LIFE };
static const flow_answer flow_discover = { "mcp.example", "200 OK", FLOW_JSON, "{\"jsonrpc\":\"2.0\",\"id\":#######,\"result\":{\"resultType\":\"complete\","
    "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"ttlMs\":0,\"cacheScope\":\"private\",\"_meta\":{"
    "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"collector\",\"version\":\"1\"}}}}" };
static const flow_answer flow_initialize = { "mcp.example", "200 OK", FLOW_JSON "Mcp-Session-Id: 0123456789abcdef\r\n", "{\"jsonrpc\":\"2.0\",\"id\":#######,"
    "\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"collector\",\"version\":\"1\"}}}" };
static const flow_answer flow_old = { "mcp.example", "400 Bad Request", FLOW_JSON, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,"
    "\"message\":\"Bad Request: no session\"}}" };
static const flow_answer flow_accepted = { "mcp.example", "202 Accepted", "", "" };
static const flow_answer flow_called = { "mcp.example", "200 OK", FLOW_JSON, "{\"jsonrpc\":\"2.0\",\"id\":#######,\"result\":{\"resultType\":\"complete\","
    "\"content\":[{\"type\":\"text\",\"text\":\"reading kept\"}]}}" };

static void flow_script(const flow_answer *const *answers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const flow_answer *a = answers[i];
        char body[800];
        size_t k = 0;
        for (const char *from = a->body; *from != '\0' && k < sizeof(body) - 8; k++) {
            const bool moves = F.one && strncmp(from, "as.example", 10) == 0;
            body[k] = moves ? 'm' : *from++;
            if (moves) {
                body[++k] = 'c';
                body[++k] = 'p';
                from += 2;
            }
        }
        body[k] = '\0';
        F.from[i] = F.one ? "mcp.example" : a->from;
        snprintf(F.text[i], sizeof(F.text[i]), "HTTP/1.1 %s\r\nContent-Length: %u\r\n%sDate: Fri, 27 Nov 2026 00:00:00 GMT\r\nConnection: keep-alive\r\n\r\n%s",
                 a->status, (unsigned)k, a->fields, body);
    }
    F.nscript = n;
    F.at = 0;
}

/* The id of the client's last request into a text that is made for it; blanks are nothing in JSON. */
static void flow_id(char *text)
{
    char *at = strstr(text, "\"id\":");
    uint32_t v = F.c.id;
    if (at == NULL || (at[5] != '#' && at[11] != ' ' && (at[11] < '0' || at[11] > '9'))) {
        return;
    }
    for (int i = 6; i >= 0; i--) {
        at[5 + i] = v != 0 ? (char)('0' + v % 10) : ' ';
        v /= 10;
    }
}

/* Moves what a channel has or wants. False: nothing. */
static bool flow_move(unsigned i)
{
    mcpt_io *io = &F.ch[i].io;
    const unsigned want = mcpt_io_want(io);
    size_t n, k;
    char *to;
    if ((want & MCPT_WANT_CONNECT) != 0) {
        F.connections++;
        F.owed[i] = false;
        F.rest[i] = NULL;
        mcpt_channel_connected(&F.ch[i]);
        return true;
    }
    if ((want & MCPT_WANT_TX) != 0 && mcpt_io_tx(io, &n) != NULL) {
        F.out += n;
        mcpt_io_tx_ack(io, n);
        F.owed[i] = true;
        return true;
    }
    if ((want & MCPT_WANT_RX) == 0 || (!F.owed[i] && F.rest[i] == NULL) || (F.owed[i] && F.at == F.nscript)) {
        return false;
    }
    if (F.owed[i]) {
        F.owed[i] = false;
        F.wrong += strcmp(F.from[F.at], mcpt_channel_origin(&F.ch[i])->host) != 0;
        F.rest[i] = F.text[F.at++];
        flow_id(F.text[F.at - 1]);
    }
    to = mcpt_io_rx(io, &n);
    k = strlen(F.rest[i]);
    k = to == NULL ? 0 : k < n ? k : n;
    if (k == 0) {
        return false;
    }
    memcpy(to, F.rest[i], k);
    mcpt_io_rx_ack(io, k);
    F.in += k;
    F.rest[i] = F.rest[i][k] != '\0' ? F.rest[i] + k : NULL;
    return true;
}

static void flow_run(void)
{
    bool any = true;
    while (any) {
        any = false;
        for (unsigned i = 0; i < F.c.nchannels; i++) {
            any = flow_move(i) || any;
        }
    }
}

/* The person: comes back from the browser, or takes as long as the device has to wait. */
static void flow_person(void)
{
    char query[128] = "code=c-0123456789abcdef&state=";
    const mcpt_str url = mcpt_oauth_url(&F.oauth), code = mcpt_oauth_user_code(&F.oauth);
    size_t n = strlen(query), i = 0;
    if (code.len != 0) {
        const uint32_t due = mcpt_oauth_due(&F.oauth);
        F.now += due != 0 ? due : 1;
        return;
    }
    while (i + 7 < url.len && memcmp(url.ptr + i, "&state=", 7) != 0) {
        i++;
    }
    for (i += 7; i < url.len && url.ptr[i] != '&' && n < sizeof(query) - 1; i++) {
        query[n++] = url.ptr[i];
    }
    (void)mcpt_oauth_callback(&F.oauth, mcpt_z(query));
}

static bool flow_begin(mcpt_grant grant, mcpt_revision revision, unsigned channels)
{
    memset(&F, 0, sizeof(F));
    F.random = 12345;
    if (mcpt_store_ram_init(&F.ram, F.ram_mem, sizeof(F.ram_mem), 0) != MCPT_OK) {
        return false;
    }
    F.auth.endpoint = FLOW_MCP;
    F.auth.grant = grant;
    F.auth.redirect_uri = "http://127.0.0.1:8976/cb";
    F.auth.client_name = "A board";
    F.auth.software_id = "mcptools-board";
    F.auth.public_client = true;
    F.auth.env = &flow_env;
    F.auth.store = &F.ram.store;
    F.auth.store_key = "0123456789abcdef0123456789abcdef";
    F.config.endpoint = FLOW_MCP;
    F.config.name = "mcptools-board";
    F.config.version = "1.0.0";
    F.config.revision = revision;
    F.config.oauth = &F.oauth;
    F.config.env = &flow_env;
    for (unsigned i = 0; i < channels; i++) {
        mcpt_channel_init(&F.ch[i], F.rx[i], FLOW_RX, F.tx[i], FLOW_TX, F.msg[i], FLOW_MSG);
    }
    return mcpt_oauth_init(&F.oauth, &F.auth, F.work, sizeof(F.work)) == MCPT_OK &&
           mcpt_client_init(&F.c, &F.config, F.ch, channels, F.request, FLOW_REQUEST, F.tok, FLOW_TOK) == MCPT_OK;
}

/* One call with all readings. OK: its result is there. */
static mcpt_err flow_call(void)
{
    mcpt_writer *w = mcpt_client_begin(&F.c, "tools/call", "record");
    mcpt_err e;
    if (w == NULL) {
        return MCPT_E_STATE;
    }
    mcpt_kv_z(w, "board", "mps2-an385");
    mcpt_key(w, "volts");
    mcpt_arr(w);
    for (int i = 0; i < 4; i++) {
        mcpt_put_fix(w, 1250 + i, 3);
    }
    mcpt_end(w);
    e = mcpt_client_send(&F.c);
    if (e != MCPT_OK) {
        return e;
    }
    flow_run();
    return mcpt_client_outcome(&F.c);
}

/* From nothing to the result of the first call. */
static mcpt_err flow_all(void)
{
    flow_run();
    for (int i = 0; i < 10 && mcpt_client_status(&F.c) == MCPT_CLIENT_USER; i++) {
        flow_person();
        flow_run();
    }
    return mcpt_client_status(&F.c) == MCPT_CLIENT_READY ? flow_call() : MCPT_E_STATE;
}
#endif
