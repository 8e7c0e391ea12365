#define _GNU_SOURCE
/* libs: -lsqlite3 -lhiredis -lpq */
/* 08: mcpt, an MCP client for the command line. It remembers servers by name, authorizes itself where they want it, and
 * lists and calls what they offer.
 *   mcpt add NAME URL            or  mcpt add NAME -- COMMAND [ARGUMENT...]
 *   mcpt list NAME               mcpt call NAME TOOL [KEY=VALUE...]
 *   mcpt read NAME URI           mcpt prompt NAME PROMPT [KEY=VALUE...]
 *   mcpt servers                 mcpt logout NAME */
#include "../port/crypto_mbedtls.h"
#include "../port/posix_client.h"
#include "../port/posix_env.h"
#include "../port/tls_mbedtls.h"
#include "mcpt_browser.h"
#include "mcpt_store.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { OK, FAILED, USAGE, TOOL_FAILED };                    /* exit codes */
enum { RX = 8192, TX = 8192, MSG = 1 << 20, REQ = 1 << 18, NTOK = 65536, WORK = 32768 };

static mcpt_mbedtls crypto;
static const mcpt_env env = { mcpt_posix_millis, mcpt_posix_unix_time, mcpt_mbedtls_random, NULL, &crypto.crypto, &crypto };
static any_store local, stores;      /* the directory, and what --store names */
static const mcpt_store *store;
static uint8_t store_key[32];
static mcpt_tls_mbedtls tls;
static mcpt_oauth oauth;
static mcpt_oauth_config auth;
static mcpt_client client;
static mcpt_client_config config;
static mcpt_channel channels[3];
static mcpt_posix_client net;
static char rx[3][RX], tx[3][TX], msg[3][MSG], req[REQ], work[WORK], target[2048];
static mcpt_tok tok[NTOK];
static bool json_output, device_grant, authorized;

static int fail(int code, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    fputs("mcpt: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    return code;
}

static int usage(void)
{
    fputs("usage: mcpt [--json] [--device] [--store STORE] COMMAND\n"
          "  add NAME URL                      remember a server, and sign in where it wants that\n"
          "  add NAME -- COMMAND [ARGUMENT...] the same for a program that speaks MCP on stdin and stdout\n"
          "  servers                           which are remembered\n"
          "  list NAME                         its tools, resources and prompts\n"
          "  call NAME TOOL [KEY=VALUE...]     values are text, or JSON where the tool's schema says so\n"
          "  read NAME URI                     a resource\n"
          "  prompt NAME PROMPT [KEY=VALUE...]\n"
          "  logout NAME                       revoke its tokens and forget it\n"
          "--json: results as the server sent them. --device: sign in on another device (RFC 8628).\n"
          "--store: where sessions are kept: sqlite:FILE, redis:URL, postgres:URL; sealed with a key of this user's. Default: a directory\n"
          "exit: 0 done, 1 failed, 2 usage, 3 the tool reports an error\n", stderr);
    return USAGE;
}

/* -- what is remembered: "m-NAME" holds a URL, or the words of a command, NUL-terminated one behind the other */
static const char *state_path(void)
{
    static char path[1024];
    const char *base = getenv("MCPT_STATE"), *home = getenv("HOME"), *xdg = getenv("XDG_STATE_HOME");

    if (base != NULL) {
        return base;
    }
    snprintf(path, sizeof path, "%s%s", xdg != NULL ? xdg : home != NULL ? home : ".", xdg != NULL ? "" : "/.local");
    (void)mkdir(path, 0700);
    snprintf(path + strlen(path), sizeof path - strlen(path), "%s", xdg != NULL ? "" : "/state");
    (void)mkdir(path, 0700);
    snprintf(path + strlen(path), sizeof path - strlen(path), "/mcpt");
    return path;
}

static bool key_of(const char *name, char key[16])
{
    return strlen(name) <= 13 && (snprintf(key, 16, "m-%s", name), mcpt_store_key_ok(key, MCPT_STORE_KEY));
}

static bool show_server(void *user, const char *key)
{
    char value[2048];
    size_t n, i;

    (void)user;
    if (store->read(store->user, key, value, sizeof value - 1, &n) == MCPT_OK) {
        for (i = 0; i + 1 < n; i++) {
            value[i] = value[i] == '\0' ? ' ' : value[i];
        }
        value[n] = '\0';
        printf("%-13s  %s\n", key + 2, value);
    }
    return true;
}

/* -- the person */
/* A line from the terminal; false: there is nobody. */
static bool ask_line(const char *prompt, char *buf, size_t cap)
{
    if (!isatty(0) && getenv("MCPT_ANSWERS") == NULL) {
        return false;
    }
    fputs(prompt, stderr);
    if (fgets(buf, (int)cap, stdin) == NULL) {
        return false;
    }
    buf[strcspn(buf, "\r\n")] = '\0';
    return true;
}

static mcpt_str text_of(mcpt_val v, char *buf, size_t cap)
{
    mcpt_str out;

    return mcpt_get_str(v, buf, cap, &out) == MCPT_OK ? out : (mcpt_str){ "", 0 };
}

/* Terminals obey control characters: foreign text is shown without them. */
static void show(FILE *to, mcpt_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        fputc((c < 32 && c != '\n' && c != '\t') || c == 127 ? '?' : c, to);
    }
}

/* A typed value: text, or JSON where the schema asks for something else. */
static bool put_value(mcpt_writer *w, mcpt_val schema, const char *value)
{
    mcpt_doc d;
    mcpt_tok t[256];
    mcpt_val type = mcpt_get(schema, "type");

    if (mcpt_typeof(type) == MCPT_STRING && !mcpt_val_is(type, "string")) {
        if (mcpt_parse(&d, mcpt_z(value), t, 256) != MCPT_OK) {
            return false;
        }
        mcpt_put_raw(w, mcpt_z(value));
    } else {
        mcpt_put_z(w, value);
    }
    return true;
}

static mcpt_err ask(void *user, mcpt_str method, mcpt_val params, mcpt_writer *out)
{
    char buf[4096], prompt[256];
    mcpt_val properties = mcpt_get(mcpt_get(params, "requestedSchema"), "properties"), it;
    mcpt_str key;

    (void)user;
    if (!mcpt_str_is(method, "elicitation/create")) {
        return MCPT_E_NOT_FOUND;
    }
    show(stderr, text_of(mcpt_get(params, "message"), buf, sizeof buf));
    fputc('\n', stderr);
    if (mcpt_val_is(mcpt_get(params, "mode"), "url")) {
        show(stderr, text_of(mcpt_get(params, "url"), buf, sizeof buf));
        if (!ask_line("\nopen this address? [y/N] ", buf, sizeof buf) || buf[0] != 'y') {
            return MCPT_E_DECLINED;
        }
        mcpt_put_raw(out, mcpt_z("{\"action\":\"accept\"}"));
        return MCPT_OK;
    }
    mcpt_obj(out);
    mcpt_kv_z(out, "action", "accept");
    mcpt_key(out, "content");
    mcpt_obj(out);
    memset(&it, 0, sizeof it);
    while (mcpt_next(properties, &it, &key)) {
        snprintf(prompt, sizeof prompt, "%.*s: ", (int)key.len, key.ptr);
        if (!ask_line(prompt, buf, sizeof buf)) {
            mcpt_w_init(out, out->buf, out->cap);
            return MCPT_E_DECLINED;
        }
        if (buf[0] != '\0') {
            mcpt_key_str(out, key);
            if (!put_value(out, it, buf)) {
                mcpt_put_z(out, buf);
            }
        }
    }
    mcpt_end(out);
    mcpt_end(out);
    return MCPT_OK;
}

static void notify(void *user, mcpt_str method, mcpt_str params)
{
    mcpt_doc d;
    mcpt_tok t[64];
    char buf[512];

    (void)user;
    if (mcpt_parse(&d, params, t, 64) != MCPT_OK) {
        return;
    }
    if (mcpt_str_is(method, "notifications/progress")) {
        mcpt_str now = mcpt_raw(mcpt_get(mcpt_root(&d), "progress")), total = mcpt_raw(mcpt_get(mcpt_root(&d), "total"));
        fprintf(stderr, "%.*s%s%.*s ", (int)now.len, now.ptr, total.len != 0 ? "/" : "", (int)total.len, total.len != 0 ? total.ptr : "");
        show(stderr, text_of(mcpt_get(mcpt_root(&d), "message"), buf, sizeof buf));
        fputc('\n', stderr);
    } else if (mcpt_str_is(method, "notifications/message")) {
        mcpt_str data = mcpt_raw(mcpt_get(mcpt_root(&d), "data"));
        show(stderr, data);
        fputc('\n', stderr);
    }
}

/* Shows the link or the code, and waits for the redirect. */
static void sign_in(int *listener)
{
    static char shown[4096];
    mcpt_str url = mcpt_oauth_url(&oauth), code = mcpt_oauth_user_code(&oauth);
    char query[8192];

    if (url.len >= sizeof shown || strncmp(shown, url.ptr, url.len) != 0 || shown[url.len] != '\0') {
        fprintf(stderr, "To sign in, open\n  %.*s\n", (int)url.len, url.ptr);
        if (code.len != 0) {
            fprintf(stderr, "and enter the code  %.*s\n", (int)code.len, code.ptr);
        }
        snprintf(shown, sizeof shown, "%.*s", (int)url.len, url.ptr);
    }
    if (code.len != 0) {
        uint32_t due = mcpt_oauth_due(&oauth);
        (void)usleep(due > 1000 ? 1000000 : due * 1000);
        return;
    }
    if (*listener < 0 && (*listener = browser_listen()) < 0) {
        fprintf(stderr, "mcpt: port %d, where the browser will come back to, is taken; close what uses it\n", BROWSER_PORT);
        exit(FAILED);
    }
    if (browser_query(*listener, 1000, query, sizeof query)) {
        (void)mcpt_oauth_callback(&oauth, mcpt_z(query));
    }
}

/* -- the connection */
static int explain(const char *what)
{
    int64_t code;
    mcpt_str fault = mcpt_client_fault(&client, &code);
    mcpt_err e = mcpt_client_outcome(&client);
    const char *reason = config.oauth != NULL ? mcpt_oauth_reason(&oauth) : "";

    if (e == MCPT_E_RPC && fault.len != 0) {
        return fail(FAILED, "%s: the server says %.*s (%lld)", what, (int)fault.len, fault.ptr, (long long)code);
    }
    if (e == MCPT_E_STATUS) {
        return fail(FAILED, "%s: HTTP status %lld. Is this the address of an MCP endpoint?", what, (long long)code);
    }
    if (e == MCPT_E_IO || e == MCPT_E_CLOSED) {
        return fail(FAILED, "%s: cannot reach %s. Is it running?", what, target);
    }
    return fail(FAILED, "%s: %s%s%s", what, mcpt_strerror(e), reason[0] != '\0' ? ": " : "", reason);
}

/* Pumps until the last call is answered. 0, or an exit code. */
static int settle(const char *what)
{
    int listener = -1, code = OK;

    for (;;) {
        mcpt_client_state s = mcpt_client_status(&client);
        if (s == MCPT_CLIENT_READY || s == MCPT_CLIENT_FAILED || s == MCPT_CLIENT_CLOSED) {
            break;
        }
        if (s == MCPT_CLIENT_USER) {
            authorized = true;
            sign_in(&listener);
        }
        if (mcpt_posix_client_poll(&net, s == MCPT_CLIENT_USER ? 0 : -1) != MCPT_OK) {
            code = fail(FAILED, "%s", strerror(errno));
            break;
        }
    }
    if (listener >= 0) {
        (void)close(listener);
    }
    return code != OK ? code : mcpt_client_outcome(&client) != MCPT_OK ? explain(what) : OK;
}

static int request(const char *method, const char *name)
{
    mcpt_writer *w = mcpt_client_begin(&client, method, name);

    if (w == NULL) {
        return fail(FAILED, "%s: the name is too long", method);
    }
    return mcpt_client_send(&client) != MCPT_OK ? fail(FAILED, "%s: too large", method) : settle(method);
}

/* The system's certificates, for https. */
static mcpt_tls *system_trust(void)
{
    static const char *const files[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem" };
    static char pem[1 << 20];
    static mcpt_tls_config c;
    const char *own = getenv("SSL_CERT_FILE");
    size_t i, n = 0, der;
    FILE *f = own != NULL ? fopen(own, "rb") : NULL;

    for (i = 0; f == NULL && own == NULL && i < MCPT_COUNT(files); i++) {
        f = fopen(files[i], "rb");
    }
    if (f != NULL) {
        n = fread(pem, 1, sizeof pem, f);
        (void)fclose(f);
    }
    if (n == 0 || mcpt_tls_pem(pem, n, "CERTIFICATE", pem, sizeof pem, &der) != MCPT_OK) {
        return NULL;
    }
    c.env = &env;
    c.connections = 3;
    c.trust = pem;
    c.trust_len = der;
    i = mcpt_tls_mbedtls_size(&c, true);
    return mcpt_tls_mbedtls_client(&tls, &c, malloc(i), i) == MCPT_OK ? &tls.tls : NULL;
}

/* Connects to what is remembered under name. 0, or an exit code. */
static int open_server(const char *name)
{
    mcpt_posix_client_config port = { 0 };
    char key[16];
    char *argv[64] = { NULL };
    size_t n, i, at, count = 0;

    if (!key_of(name, key) || store->read(store->user, key, target, sizeof target - 1, &n) != MCPT_OK) {
        return fail(FAILED, "no server is called %s; see: mcpt servers, mcpt add", name);
    }
    target[n] = '\0';
    config.endpoint = memchr(target, '\0', n) == NULL ? target : NULL;
    config.name = "mcpt";
    config.version = "0.1.0";
    config.can = MCPT_CAN_FORM | MCPT_CAN_URL;
    config.ask = ask;
    config.notify = notify;
    config.log_level = "info";
    config.env = &env;
    config.timeout_ms = 300000;
    if (config.endpoint != NULL) {
        auth.endpoint = target;
        auth.session = name;
        auth.grant = device_grant ? MCPT_GRANT_DEVICE : MCPT_GRANT_CODE;
        auth.redirect_uri = BROWSER_REDIRECT;
        auth.client_name = "mcpt";
        auth.software_id = "mcptools-mcpt";
        auth.env = &env;
        auth.store = store;
        auth.store_key = store != &local.fs.store ? store_key : NULL;
        config.oauth = mcpt_oauth_init(&oauth, &auth, work, sizeof work) == MCPT_OK ? &oauth : NULL;
    }
    for (i = 0; i < 3; i++) {
        mcpt_channel_init(&channels[i], rx[i], RX, tx[i], TX, msg[i], MSG);
    }
    if (mcpt_client_init(&client, &config, channels, config.endpoint != NULL ? 3 : 1, req, REQ, tok, NTOK) != MCPT_OK) {
        return fail(FAILED, "%s is not an http or https URL", target);
    }
    port.client = &client;
    port.channels = channels;
    port.nchannels = config.endpoint != NULL ? 3 : 1;
    port.tls = config.endpoint != NULL ? system_trust() : NULL;
    if (mcpt_posix_client_init(&net, &port) != MCPT_OK) {
        return FAILED;
    }
    if (config.endpoint == NULL) {
        for (at = 0; at < n && count < 63; at += strlen(target + at) + 1) {
            argv[count++] = target + at;
        }
        if (mcpt_posix_client_spawn(&net, argv) != MCPT_OK) {
            return fail(FAILED, "%s: %s", argv[0], strerror(errno));
        }
    }
    return settle("connect");
}

static void close_server(void)
{
    int i;

    mcpt_client_close(&client);
    for (i = 0; i < 100 && mcpt_client_status(&client) == MCPT_CLIENT_BUSY; i++) {
        (void)mcpt_posix_client_poll(&net, 50);
    }
    mcpt_posix_client_close(&net);
    if (config.oauth != NULL) {
        mcpt_oauth_close(&oauth);
    }
}

/* -- commands */
/* Content blocks, the way a person wants to see them. */
static void show_content(mcpt_val block)
{
    static char buf[MSG];
    mcpt_val type = mcpt_get(block, "type"), resource = mcpt_get(block, "resource"), inside = mcpt_typeof(resource) == MCPT_OBJECT ? resource : block;

    if (mcpt_typeof(mcpt_get(inside, "text")) == MCPT_STRING) {
        show(stdout, text_of(mcpt_get(inside, "text"), buf, sizeof buf));
    } else if (mcpt_val_is(type, "resource_link")) {
        show(stdout, text_of(mcpt_get(block, "uri"), buf, sizeof buf));
    } else {
        mcpt_str kind = text_of(mcpt_get(inside, "mimeType"), buf, sizeof buf);
        printf("[%.*s, %zu bytes of base64]", (int)kind.len, kind.ptr, mcpt_raw(mcpt_get(inside, mcpt_typeof(mcpt_get(inside, "blob")) == MCPT_STRING ? "blob" : "data")).len);
    }
    fputc('\n', stdout);
}

static int show_result(const char *list, const char *inside)
{
    mcpt_val v = mcpt_client_value(&client), it;
    mcpt_str raw = mcpt_client_result(&client);

    if (json_output) {
        printf("%.*s\n", (int)raw.len, raw.ptr);
    } else {
        memset(&it, 0, sizeof it);
        while (mcpt_next(mcpt_get(v, list), &it, NULL)) {
            show_content(inside != NULL ? mcpt_get(it, inside) : it);
        }
    }
    return mcpt_bool_or(mcpt_get(v, "isError"), false) ? TOOL_FAILED : OK;
}

/* Every page of a list; each row's name and description, or the row called find into copy. 0, or an exit code. */
static int each_page(const char *method, const char *member, const char *key, const char *find, char *copy, size_t cap)
{
    char cursor[1024], name[512], text[512];
    bool more = false;
    int pages, code;

    for (pages = 0; pages < 64; pages++) {
        mcpt_writer *w = mcpt_client_begin(&client, method, NULL);
        mcpt_val v, it;
        mcpt_str s;
        if (w == NULL) {
            return FAILED;
        }
        if (more) {
            mcpt_kv_z(w, "cursor", cursor);
        }
        if (mcpt_client_send(&client) != MCPT_OK) {
            return fail(FAILED, "%s: too large", method);
        }
        code = settle(method);
        if (code != OK) {
            return code;
        }
        v = mcpt_client_value(&client);
        memset(&it, 0, sizeof it);
        while (mcpt_next(mcpt_get(v, member), &it, NULL)) {
            s = text_of(mcpt_get(it, key), name, sizeof name);
            if (find == NULL) {
                printf("  ");
                show(stdout, s);
                s = text_of(mcpt_get(it, "description"), text, sizeof text);
                printf("%s", s.len != 0 ? "  - " : "");
                show(stdout, s);
                fputc('\n', stdout);
            } else if (mcpt_str_is(s, find)) {
                s = mcpt_raw(it);
                if (s.len < cap) {
                    memcpy(copy, s.ptr, s.len);
                    copy[s.len] = '\0';
                }
                return OK;
            }
        }
        s = text_of(mcpt_get(v, "nextCursor"), cursor, sizeof cursor - 1);
        more = mcpt_typeof(mcpt_get(v, "nextCursor")) == MCPT_STRING;
        if (!more) {
            return find == NULL ? OK : fail(FAILED, "there is no %s; see: mcpt list", find);
        }
        memmove(cursor, s.ptr, s.len);
        cursor[s.len] = '\0';
    }
    return fail(FAILED, "%s: more than 64 pages", method);
}

static int list(void)
{
    static const struct { const char *title, *method, *member, *key; } parts[] = {
        { "tools", "tools/list", "tools", "name" }, { "resources", "resources/list", "resources", "uri" },
        { "templates", "resources/templates/list", "resourceTemplates", "uriTemplate" }, { "prompts", "prompts/list", "prompts", "name" } };
    size_t i;

    for (i = 0; i < MCPT_COUNT(parts); i++) {
        mcpt_writer *w = mcpt_client_begin(&client, parts[i].method, NULL);
        int64_t code;
        if (w == NULL || mcpt_client_send(&client) != MCPT_OK) {
            return FAILED;
        }
        while (mcpt_client_status(&client) == MCPT_CLIENT_BUSY) {
            (void)mcpt_posix_client_poll(&net, -1);
        }
        (void)mcpt_client_fault(&client, &code);
        if (mcpt_client_outcome(&client) == MCPT_E_RPC && code == -32601) {
            continue;                 /* it has none of these */
        }
        printf("%s\n", parts[i].title);
        if (each_page(parts[i].method, parts[i].member, parts[i].key, NULL, NULL, 0) != OK) {
            return FAILED;
        }
    }
    return OK;
}

/* tools/call and prompts/get with KEY=VALUE arguments, typed by the tool's schema. */
static int call(const char *method, const char *name, char **words, int n)
{
    static char row[1 << 18];
    static mcpt_tok t[8192];
    const bool tool = strcmp(method, "tools/call") == 0;
    mcpt_doc d;
    mcpt_val schema;
    mcpt_writer *w;
    int i, code = OK;

    memset(&schema, 0, sizeof schema);
    if (tool) {
        code = each_page("tools/list", "tools", "name", name, row, sizeof row);
        if (code != OK || mcpt_parse(&d, mcpt_z(row), t, MCPT_COUNT(t)) != MCPT_OK) {
            return code != OK ? code : FAILED;
        }
        schema = mcpt_get(mcpt_root(&d), "inputSchema");
        if (!mcpt_client_tool_ok(mcpt_raw(schema))) {
            return fail(FAILED, "%s has parameter headers that are not valid; tell the maker of the server", name);
        }
    }
    w = mcpt_client_begin(&client, method, name);
    for (i = 0; w != NULL && i < n; i++) {
        char *eq = strchr(words[i], '=');
        if (eq == NULL) {
            return fail(USAGE, "%s is not KEY=VALUE", words[i]);
        }
        *eq = '\0';
        mcpt_key(w, words[i]);
        if (!put_value(w, mcpt_get(mcpt_get(schema, "properties"), words[i]), eq + 1)) {
            return fail(USAGE, "%s wants JSON, such as 7, true or [1,2]; \"%s\" is none", words[i], eq + 1);
        }
    }
    if (w == NULL) {
        return fail(FAILED, "%s: the name is too long", name);
    }
    if (tool) {
        mcpt_client_schema(&client, mcpt_raw(schema));
    }
    if (mcpt_client_send(&client) != MCPT_OK) {
        return fail(FAILED, "the arguments are too large");
    }
    code = settle(name);
    return code != OK ? code : tool ? show_result("content", NULL) : show_result("messages", "content");
}

static int add(const char *name, char **words, int n)
{
    char key[16];
    size_t len = 0;
    int i, code;

    if (!key_of(name, key)) {
        return fail(USAGE, "a name is 1 to 13 of A-Z a-z 0-9 _ -");
    }
    if (strcmp(words[0], "--") == 0) {
        for (i = 1; i < n; i++) {
            if (len + strlen(words[i]) + 1 >= sizeof target) {
                return fail(USAGE, "the command is too long");
            }
            memcpy(target + len, words[i], strlen(words[i]) + 1);
            len += strlen(words[i]) + 1;
        }
    } else if (strlen(words[0]) < sizeof target) {
        len = strlen(words[0]);
        memcpy(target, words[0], len);
    }
    if (len == 0 || store->write(store->user, key, (mcpt_str){ target, len }) != MCPT_OK) {
        return fail(FAILED, "cannot write to %s", state_path());
    }
    code = open_server(name);
    if (code == OK) {
        code = request("tools/list", NULL);                 /* a server may ask for a token only now */
    }
    if (code == OK) {
        printf("%s is added%s. See what it offers: mcpt list %s\n", name, authorized ? ", and you are signed in" : "", name);
    } else {
        (void)store->erase(store->user, key);
    }
    return code;
}

static int logout(const char *name)
{
    char key[16];
    int code = open_server(name);

    if (net.config.client == NULL) {
        return code;                  /* nothing is remembered under this name */
    }
    if (config.oauth != NULL) {
        mcpt_oauth_logout(&oauth);    /* what a server that is gone cannot be told is forgotten all the same */
    }
    close_server();
    if (!key_of(name, key) || store->erase(store->user, key) != MCPT_OK) {
        return fail(FAILED, "cannot write to %s", state_path());
    }
    printf("%s is forgotten\n", name);
    return OK;
}

/* The store that is named; what is kept there is sealed with a key that stays here. False: it cannot be used. */
static bool open_store(const char *name)
{
    const mcpt_store *own = store_by_name(&local, state_path(), 0, false, NULL);
    size_t n;

    store = own;
    if (own == NULL || name == NULL) {
        return own != NULL;
    }
    if (own->read(own->user, "store-key", store_key, sizeof store_key, &n) == MCPT_E_ABSENT && env.random(env.user, store_key, sizeof store_key)) {
        (void)own->swap(own->user, "store-key", (mcpt_str){ NULL, 0 }, (mcpt_str){ (const char *)store_key, sizeof store_key });
    }
    store = own->read(own->user, "store-key", store_key, sizeof store_key, &n) == MCPT_OK && n == sizeof store_key
        ? store_by_name(&stores, name, 0, false, strncmp(name, "rediss:", 7) == 0 ? system_trust() : NULL) : NULL;
    return store != NULL;
}

int main(int argc, char **argv)
{
    const char *where = NULL;
    int code;

    for (; argc > 1 && strncmp(argv[1], "--", 2) == 0 && argv[1][2] != '\0'; argc--, argv++) {
        if (strcmp(argv[1], "--json") == 0) {
            json_output = true;
        } else if (strcmp(argv[1], "--device") == 0) {
            device_grant = true;
        } else if (strcmp(argv[1], "--store") == 0 && argc > 2) {
            where = argv[2];
            argc--;
            argv++;
        } else {
            return usage();
        }
    }
    signal(SIGPIPE, SIG_IGN);
    if (mcpt_mbedtls_init(&crypto, NULL, 0) != MCPT_OK || !open_store(where)) {
        return store == NULL && where != NULL ? fail(FAILED, "cannot use this store; is its server running, and is it sqlite:FILE, redis:URL or postgres:URL?")
            : fail(FAILED, "cannot use %s: it must be a directory of yours that others may not enter", state_path());
    }
    if (argc == 2 && strcmp(argv[1], "servers") == 0) {
        return store->list(store->user, "m-", show_server, NULL) == MCPT_OK ? OK : FAILED;
    }
    if (argc >= 4 && strcmp(argv[1], "add") == 0) {
        code = add(argv[2], argv + 3, argc - 3);
    } else if (argc == 3 && strcmp(argv[1], "logout") == 0) {
        return logout(argv[2]);
    } else if (argc == 3 && strcmp(argv[1], "list") == 0) {
        code = open_server(argv[2]);
        code = code != OK ? code : list();
    } else if (argc >= 4 && strcmp(argv[1], "call") == 0) {
        code = open_server(argv[2]);
        code = code != OK ? code : call("tools/call", argv[3], argv + 4, argc - 4);
    } else if (argc == 4 && strcmp(argv[1], "read") == 0) {
        code = open_server(argv[2]);
        code = code != OK ? code : request("resources/read", argv[3]);
        code = code != OK ? code : show_result("contents", NULL);
    } else if (argc >= 4 && strcmp(argv[1], "prompt") == 0) {
        code = open_server(argv[2]);
        code = code != OK ? code : call("prompts/get", argv[3], argv + 4, argc - 4);
    } else {
        return usage();
    }
    if (net.config.client != NULL) {
        close_server();
    }
    return code;
}
