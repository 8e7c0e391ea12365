#define _GNU_SOURCE
/* The client under test of the official suite: conformance-client URL. The suite names the scenario, the revision and the
 * context in the environment; what a scenario wants done stands here, how it is done in the library. */
#include "../../port/crypto_mbedtls.h"
#if defined(CLIENT_CURL)              /* client_curl.c */
#include "../../port/curl.h"
#include "../../port/tls.h"
#define NET(name) mcpt_curl##name
#else
#include "../../port/posix_client.h"
#define NET(name) mcpt_posix_client##name
#endif
#include "../../port/posix_env.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REDIRECT "http://127.0.0.1:8976/cb"
enum { RX = 4096, TX = 4096, MSG = 65536, REQ = 16384, NTOK = 2048 };
static mcpt_client client;
static mcpt_channel channels[3];
static NET() net;
static mcpt_oauth oauth;
static mcpt_tok tok[NTOK], list_tok[NTOK], context_tok[512];
static char tools[MSG];
static mcpt_doc list_doc, context_doc;

static mcpt_mbedtls tls;
static const mcpt_env env = { mcpt_posix_millis, mcpt_posix_unix_time, mcpt_mbedtls_random, NULL, &tls.crypto, &tls };

/* Elicitation: accepts, with the default of every property of the requested schema that has one; a boolean without: true. */
static mcpt_err ask(void *user, mcpt_str method, mcpt_val params, mcpt_writer *out)
{
    mcpt_val properties = mcpt_get(mcpt_get(params, "requestedSchema"), "properties"), it;
    mcpt_str key;
    (void)user;
    if (!mcpt_str_is(method, "elicitation/create")) {
        return MCPT_E_NOT_FOUND;
    }
    mcpt_obj(out);
    mcpt_kv_z(out, "action", "accept");
    mcpt_key(out, "content");
    mcpt_obj(out);
    memset(&it, 0, sizeof it);
    while (mcpt_next(properties, &it, &key)) {
        mcpt_val value = mcpt_get(it, "default");
        if (mcpt_typeof(value) != MCPT_ABSENT) {
            mcpt_key_str(out, key);
            mcpt_put_raw(out, mcpt_raw(value));
        } else if (mcpt_val_is(mcpt_get(it, "type"), "boolean")) {
            mcpt_key_str(out, key);
            mcpt_put_bool(out, true);
        }
    }
    mcpt_end(out);
    mcpt_end(out);
    return MCPT_OK;
}

static void notify(void *user, mcpt_str method, mcpt_str params)
{
    (void)user;
    (void)params;
    fprintf(stderr, "<- %.*s\n", (int)method.len, method.ptr);
}

/* The browser: GETs the authorization URL, and hands over the query of the redirect that comes back. */
static bool browse(void)
{
    char url[2048], answer[8192], *query, *end;
    struct addrinfo *all = NULL, *a, hints;
    mcpt_str v = mcpt_oauth_url(&oauth);
    mcpt_url u;
    char host[256], port[8];
    size_t n = 0;
    ssize_t got;
    int fd = -1;
    snprintf(url, sizeof url, "%.*s", (int)v.len, v.ptr);
    if (!mcpt_url_split(mcpt_z(url), &u)) {
        return false;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    snprintf(host, sizeof host, "%.*s", (int)u.host.len, u.host.ptr);
    snprintf(port, sizeof port, "%u", (unsigned)u.port);
    if (getaddrinfo(host, port, &hints, &all) != 0) {
        return false;
    }
    for (a = all; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM, 0);
        if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(all);
    if (fd < 0) {
        return false;
    }
    dprintf(fd, "GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", u.path.ptr, host, port);
    while (n < sizeof answer - 1 && (got = read(fd, answer + n, sizeof answer - 1 - n)) > 0) {
        n += (size_t)got;
    }
    close(fd);
    answer[n] = '\0';
    query = strcasestr(answer, "\r\nlocation: " REDIRECT "?");
    if (query == NULL) {
        fprintf(stderr, "no redirect: %.200s\n", answer);
        return false;
    }
    query = strchr(query, '?') + 1;
    end = strstr(query, "\r\n");
    return mcpt_oauth_callback(&oauth, (mcpt_str){ query, (size_t)(end - query) }) == MCPT_PENDING;
}

/* Pumps until the client is ready, or will never be. */
static bool ready(void)
{
    for (;;) {
        switch (mcpt_client_status(&client)) {
        case MCPT_CLIENT_READY: return true;
        case MCPT_CLIENT_USER:
            if (!browse()) {
                fprintf(stderr, "authorization: %s (%s)\n", mcpt_strerror(mcpt_oauth_error(&oauth)), mcpt_oauth_reason(&oauth));
            }
            (void)NET(_poll)(&net, 0);
            break;
        case MCPT_CLIENT_BUSY:
            if (NET(_poll)(&net, -1) != MCPT_OK) {
                return false;
            }
            break;
        default: return false;
        }
    }
}

static bool done(const char *what)
{
    int64_t code;
    mcpt_str fault;
    if (!ready() || mcpt_client_outcome(&client) != MCPT_OK) {
        fault = mcpt_client_fault(&client, &code);
        fprintf(stderr, "%s: %s, %lld %.*s; authorization: %s (%s)\n", what, mcpt_strerror(mcpt_client_outcome(&client)), (long long)code,
                (int)fault.len, fault.len != 0 ? fault.ptr : "", mcpt_strerror(mcpt_oauth_error(&oauth)), mcpt_oauth_reason(&oauth));
        return false;
    }
    return true;
}

static bool request(const char *method, const char *name, mcpt_val arguments, mcpt_val schema)
{
    mcpt_writer *w = mcpt_client_begin(&client, method, name);
    mcpt_val it;
    mcpt_str key;
    if (w == NULL) {
        return done(method);
    }
    memset(&it, 0, sizeof it);
    while (mcpt_next(arguments, &it, &key)) {
        mcpt_key_str(w, key);
        mcpt_put_raw(w, mcpt_raw(it));
    }
    if (mcpt_typeof(schema) == MCPT_OBJECT) {
        mcpt_client_schema(&client, mcpt_raw(schema));
    }
    return mcpt_client_send(&client) == MCPT_OK && done(method);
}

static mcpt_val absent(void)
{
    mcpt_val v;
    memset(&v, 0, sizeof v);
    return v;
}

/* tools/list, kept: the tools that may be called are what each() walks. */
static mcpt_val list_tools(void)
{
    mcpt_str r;
    if (!request("tools/list", NULL, absent(), absent())) {
        return absent();
    }
    r = mcpt_client_result(&client);
    memcpy(tools, r.ptr, r.len);
    return mcpt_parse(&list_doc, (mcpt_str){ tools, r.len }, list_tok, NTOK) == MCPT_OK ? mcpt_get(mcpt_root(&list_doc), "tools") : absent();
}

static mcpt_val tool_named(mcpt_val all, mcpt_str name)
{
    mcpt_val it = absent();
    while (mcpt_next(all, &it, NULL)) {
        mcpt_str v;
        char buf[256];
        if (mcpt_get_str(mcpt_get(it, "name"), buf, sizeof buf, &v) == MCPT_OK && mcpt_str_eq(v, name)) {
            return it;
        }
    }
    return absent();
}

static mcpt_val json(const char *text)
{
    static mcpt_doc doc;
    static mcpt_tok t[64];
    return mcpt_parse(&doc, mcpt_z(text), t, 64) == MCPT_OK ? mcpt_root(&doc) : absent();
}

static bool call_tool(mcpt_val all, const char *name, mcpt_val arguments)
{
    mcpt_val tool = tool_named(all, mcpt_z(name)), schema = mcpt_get(tool, "inputSchema");
    if (mcpt_typeof(tool) == MCPT_OBJECT && !mcpt_client_tool_ok(mcpt_raw(schema))) {
        fprintf(stderr, "%s: not usable\n", name);
        return true;
    }
    return request("tools/call", name, arguments, schema);
}

/* Every element of a listing is asked for by name. */
static bool each(const char *list, const char *member, const char *key, const char *method)
{
    static char names[16][256];
    mcpt_val it = absent(), all;
    size_t n = 0, i;
    if (!request(list, NULL, absent(), absent())) {
        return false;
    }
    all = mcpt_get(mcpt_client_value(&client), member);
    while (n < 16 && mcpt_next(all, &it, NULL)) {
        mcpt_str v;
        if (mcpt_get_str(mcpt_get(it, key), names[n], sizeof names[n] - 1, &v) == MCPT_OK && v.len < 256) {
            memmove(names[n], v.ptr, v.len);
            names[n++][v.len] = '\0';
        }
    }
    for (i = 0; i < n; i++) {
        if (!request(method, names[i], absent(), absent())) {
            return false;
        }
    }
    return true;
}

/* The skills extension (SEP-2640): a file of a skill, checked against its entry's size and digest. */
static bool skill_file(mcpt_val entry, mcpt_str *text)
{
    static char uri[256], body[8192];
    char hex[80] = "sha256:";
    uint8_t hash[32];
    mcpt_str v;
    size_t i;
    if (mcpt_get_str(mcpt_get(entry, "uri"), uri, sizeof uri - 1, &v) != MCPT_OK) {
        return false;
    }
    memmove(uri, v.ptr, v.len);
    uri[v.len] = '\0';
    if (!request("resources/read", uri, absent(), absent()) ||
        mcpt_get_str(mcpt_get(mcpt_at(mcpt_get(mcpt_client_value(&client), "contents"), 0), "text"), body, sizeof body, text) != MCPT_OK ||
        !tls.crypto.sha256(&tls, text, 1, hash)) {
        return false;
    }
    for (i = 0; i < 32; i++) {
        snprintf(hex + 7 + 2 * i, 3, "%02x", hash[i]);
    }
    return mcpt_int_or(mcpt_get(entry, "size"), -1) == (int64_t)text->len && mcpt_val_is(mcpt_get(entry, "digest"), hex);
}

/* The lines "name: text" between two "---" are the entry's frontmatter, member for member; other YAML is not understood, so not loaded. */
static bool skill_front(mcpt_val front, mcpt_str text)
{
    char all[8192], *line, *next, *colon;
    mcpt_val it = absent();
    size_t left = 0;
    snprintf(all, sizeof all, "%.*s", (int)text.len, text.ptr);
    while (mcpt_next(front, &it, NULL)) {
        left++;
    }
    if (strncmp(all, "---\n", 4) != 0) {
        return false;
    }
    for (line = all + 4; (next = strchr(line, '\n')) != NULL; line = next + 1) {
        *next = '\0';
        if (strcmp(line, "---") == 0) {
            return left == 0;
        }
        colon = strstr(line, ": ");
        if (colon == NULL || left-- == 0) {
            return false;
        }
        *colon = '\0';
        if (!mcpt_val_is(mcpt_get(front, line), colon + 2)) {
            return false;
        }
    }
    return false;
}

/* Lists the skills; loads them when a person wants that: nothing is read before, nothing that does not match is gone on with. */
static bool skills(bool load)
{
    static char text[16384];
    static mcpt_doc doc;
    static mcpt_tok t[512];
    mcpt_val skill = absent(), file = absent();
    mcpt_str r;
    if (!request("skills/list", NULL, absent(), absent())) {
        return false;
    }
    r = mcpt_client_result(&client);
    if (r.len > sizeof text) {
        return false;
    }
    memcpy(text, r.ptr, r.len);
    if (mcpt_parse(&doc, (mcpt_str){ text, r.len }, t, 512) != MCPT_OK) {
        return false;
    }
    while (load && mcpt_next(mcpt_get(mcpt_root(&doc), "skills"), &skill, NULL)) {
        mcpt_val files = mcpt_get(skill, "resources");
        if (!skill_file(mcpt_at(files, 0), &r) || !skill_front(mcpt_get(skill, "frontmatter"), r)) {
            fprintf(stderr, "a skill is not what its entry says\n");
            return false;
        }
        for (file = absent(); mcpt_next(files, &file, NULL);) {
            if (!skill_file(file, &r)) {
                return false;
            }
        }
    }
    return true;
}

static bool scenario(const char *name)
{
    mcpt_val all, it;
    char buf[256];
    bool ok = true;
    if (strncmp(name, "sep-2640-client-", 16) == 0) {
        return skills(strstr(name, "no-prefetch") == NULL);
    }
    all = list_tools();
    if (mcpt_typeof(all) == MCPT_ABSENT && strcmp(name, "initialize") != 0 && strcmp(name, "request-metadata") != 0) {
        return false;
    }
    if (strcmp(name, "tools_call") == 0) {
        return call_tool(all, "add_numbers", json("{\"a\":5,\"b\":3}"));
    }
    if (strcmp(name, "elicitation-sep1034-client-defaults") == 0) {
        return call_tool(all, "test_client_elicitation_defaults", absent());
    }
    if (strcmp(name, "sse-retry") == 0) {
        return call_tool(all, "test_reconnection", absent());
    }
    if (strcmp(name, "http-standard-headers") == 0) {
        for (it = absent(); ok && mcpt_next(all, &it, NULL);) {
            mcpt_str v;
            ok = mcpt_get_str(mcpt_get(it, "name"), buf, sizeof buf - 1, &v) == MCPT_OK;
            memmove(buf, v.ptr, v.len);
            buf[v.len] = '\0';
            ok = ok && call_tool(all, buf, absent());
        }
        return ok && each("resources/list", "resources", "uri", "resources/read") && each("prompts/list", "prompts", "name", "prompts/get");
    }
    if (strcmp(name, "http-custom-headers") == 0) {
        mcpt_val calls = mcpt_get(mcpt_root(&context_doc), "toolCalls");
        for (it = absent(); ok && mcpt_next(calls, &it, NULL);) {
            mcpt_str v;
            ok = mcpt_get_str(mcpt_get(it, "name"), buf, sizeof buf - 1, &v) == MCPT_OK;
            memmove(buf, v.ptr, v.len);
            buf[v.len] = '\0';
            ok = ok && call_tool(all, buf, mcpt_get(it, "arguments"));
        }
        return ok;
    }
    if (strcmp(name, "http-invalid-tool-headers") == 0) {
        for (it = absent(); ok && mcpt_next(all, &it, NULL);) {
            mcpt_str v;
            ok = mcpt_get_str(mcpt_get(it, "name"), buf, sizeof buf - 1, &v) == MCPT_OK;
            memmove(buf, v.ptr, v.len);
            buf[v.len] = '\0';
            ok = ok && call_tool(all, buf, json("{\"region\":\"us-west1\"}"));
        }
        return ok;
    }
    if (strcmp(name, "sep-2322-client-request-state") == 0) {
        return call_tool(all, "test_mrtr_echo_state", absent()) && call_tool(all, "test_mrtr_no_state", absent()) &&
               call_tool(all, "test_mrtr_unrelated", absent()) && call_tool(all, "test_mrtr_no_result_type", absent());
    }
    if (strcmp(name, "json-schema-2020-12-preservation") == 0) {
        static char text[8192];
        static mcpt_doc doc;
        static mcpt_tok t[512];
        mcpt_str raw = mcpt_raw(mcpt_get(tool_named(all, mcpt_z("json_schema_2020_12_tool")), "inputSchema"));
        snprintf(text, sizeof text, "{\"schema\":%.*s}", (int)raw.len, raw.ptr);
        return mcpt_parse(&doc, mcpt_z(text), t, 512) == MCPT_OK && call_tool(all, "json_schema_echo", mcpt_root(&doc));
    }
    if (strncmp(name, "auth/", 5) == 0) {
        return call_tool(all, "test-tool", absent());
    }
    return true;
}

static const char *text_of(const char *key)                 /* a string of the context, or NULL */
{
    mcpt_str v;
    char *buf = (char *)malloc(4096);
    if (mcpt_get_str(mcpt_get(mcpt_root(&context_doc), key), buf, 4095, &v) != MCPT_OK) {
        free(buf);
        return NULL;
    }
    memmove(buf, v.ptr, v.len);
    buf[v.len] = '\0';
    return buf;
}

static mcpt_revision revision_of(const char *version)
{
    return strcmp(version, "2026-07-28") == 0 ? MCPT_2026_07_28 : MCPT_2025_11_25;
}

/* The P-256 key of a PKCS #8 PEM text, or a new one. */
static const mcpt_signer *signer_of(const char *pem)
{
    static mcpt_signer signers[2];
    static const char before[] = "\x02\x01\x01\x04\x20";    /* ECPrivateKey: version 1, then 32 bytes */
    uint8_t ref[MCPT_KEY_REF], der[512];
    size_t n, len;
    const uint8_t *at;
    mcpt_signer *s = &signers[pem != NULL];
    if (pem == NULL) {
        return tls.crypto.es256_generate(&tls, ref, &len) && mcpt_signer_init(s, &tls.crypto, ref, len) == MCPT_OK ? s : NULL;
    }
    if (mcpt_tls_pem(pem, strlen(pem), "PRIVATE KEY", der, sizeof der, &n) != MCPT_OK) {
        return NULL;
    }
    at = (const uint8_t *)memmem(der, n, before, 5);
    return at != NULL && mcpt_signer_init(s, &tls.crypto, at + 5, 32) == MCPT_OK ? s : NULL;
}

int main(int argc, char **argv)
{
    static char rx[3][RX], tx[3][TX], msg[3][MSG], req[REQ], work[16384];
    const char *name = getenv("MCP_CONFORMANCE_SCENARIO"), *version = getenv("MCP_CONFORMANCE_PROTOCOL_VERSION");
    const char *context = getenv("MCP_CONFORMANCE_CONTEXT");
    static mcpt_oauth_config auth;
    static mcpt_client_config config;
    NET(_config) port = { 0 };
    size_t i;
    bool ok;
    if (argc != 2 || name == NULL || version == NULL) {
        fprintf(stderr, "conformance-client URL, with MCP_CONFORMANCE_SCENARIO and MCP_CONFORMANCE_PROTOCOL_VERSION\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (mcpt_mbedtls_init(&tls, NULL, 0) != MCPT_OK) {
        return 1;
    }
    if (mcpt_parse(&context_doc, mcpt_z(context != NULL ? context : "{}"), context_tok, 512) != MCPT_OK) {
        return 2;
    }
    auth.endpoint = argv[1];
    auth.redirect_uri = REDIRECT;
    auth.client_name = "mcptools conformance client";
    auth.client_metadata_url = "https://conformance-test.local/client-metadata.json";
    auth.client_id = text_of("client_id");
    auth.client_secret = text_of("client_secret");
    auth.client_issuer = text_of("issuer");
    auth.env = &env;
    if (strstr(name, "client-credentials") != NULL) {
        auth.grant = MCPT_GRANT_CLIENT;
    } else if (strstr(name, "enterprise") != NULL) {
        auth.grant = MCPT_GRANT_ENTERPRISE;
        auth.assertion = text_of("idp_id_token");
        auth.idp_token_endpoint = text_of("idp_token_endpoint");
        auth.idp_client_id = text_of("idp_client_id");
    } else if (strstr(name, "wif") != NULL) {
        auth.grant = MCPT_GRANT_JWT_BEARER;
        auth.assertion = text_of("valid_jwt");
    }
    auth.signer = text_of("private_key_pem") != NULL ? signer_of(text_of("private_key_pem")) : NULL;
    auth.dpop = strstr(name, "dpop") != NULL ? signer_of(NULL) : NULL;
    config.endpoint = argv[1];
    config.name = "mcptools-conformance";
    config.version = "1.0.0";
    config.revision = revision_of(version);
    config.can = MCPT_CAN_FORM;
    config.ask = ask;
    config.notify = notify;
    config.env = &env;
    if (strncmp(name, "auth/", 5) == 0) {
        if (mcpt_oauth_init(&oauth, &auth, work, sizeof work) != MCPT_OK) {
            fprintf(stderr, "authorization cannot be set up\n");
            return 1;
        }
        config.oauth = &oauth;
    }
    for (i = 0; i < 3; i++) {
        mcpt_channel_init(&channels[i], rx[i], RX, tx[i], TX, msg[i], MSG);
    }
    port.client = &client;
    port.channels = channels;
    port.nchannels = 3;
    if (mcpt_client_init(&client, &config, channels, 3, req, REQ, tok, NTOK) != MCPT_OK || NET(_init)(&net, &port) != MCPT_OK) {
        return 1;
    }
    ok = done("connect") && scenario(name);
    mcpt_client_close(&client);
    for (i = 0; i < 50 && mcpt_client_status(&client) == MCPT_CLIENT_BUSY; i++) {
        (void)NET(_poll)(&net, 100);
    }
    NET(_close)(&net);
    return ok ? 0 : 1;
}
