#define _GNU_SOURCE
/* libs: -lsqlite3 -lhiredis -lpq */
/* 08: mcpt, an MCP client for the command line. It remembers servers by name, authorizes itself where they want it, and
 * lists and calls what they offer.
 *   mcpt add [NAME] URL          or  mcpt add NAME -- COMMAND [ARGUMENT...]
 *   mcpt list NAME               mcpt call NAME TOOL [KEY=VALUE...]
 *   mcpt read NAME URI           mcpt prompt NAME PROMPT [KEY=VALUE...]
 *   mcpt servers                 mcpt logout NAME */
#include "../port/crypto_mbedtls.h"
#ifdef MCPT_CURL                      /* 11_mcpt_curl.c: over libcurl, for proxies */
#include "../port/curl.h"
#endif
#include "../port/posix_client.h"
#include "../port/posix_env.h"
#include "../port/tls_mbedtls.h"
#include "mcpt_browser.h"
#include "mcpt_store.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { OK, FAILED, USAGE, TOOL_FAILED };                    /* exit codes */
enum { RX = 8192, TX = 8192, MSG = 1 << 18, REQ = 1 << 18, NTOK = 65536, WORK = 32768 };

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
#ifdef MCPT_CURL
static mcpt_curl web;
#endif
static char rx[3][RX], tx[3][TX], msg[3][MSG], req[REQ], work[WORK], target[2048];
static mcpt_tok tok[NTOK];
static bool json_output, device_grant, no_browser, authorized, bar_shown;
static const char *save_to;
static volatile sig_atomic_t interrupted;
static struct { mcpt_pieces pieces; FILE *file; } large;    /* a result that is larger than MSG */

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

static int usage(FILE *to)
{
    fputs("usage: mcpt [OPTION...] COMMAND\n"
          "  add [NAME] URL                    remember a server, and sign in where it wants that\n"
          "  add NAME -- COMMAND [ARGUMENT...] the same for a program that speaks MCP on stdin and stdout\n"
          "  servers                           which are remembered\n"
          "  list NAME                         its tools, resources and prompts\n"
          "  list NAME TOOL                    what a tool does, and its arguments\n"
          "  call NAME TOOL [KEY=VALUE...]     values are text, or JSON where the tool's schema says so\n"
          "  read NAME URI                     a resource\n"
          "  prompt NAME PROMPT [KEY=VALUE...]\n"
          "  logout NAME                       revoke its tokens and forget it\n"
          "options:\n"
          "  --json          results as the server sent them\n"
          "  --output FILE   what call and read bring goes into FILE: the first image, sound or file, decoded, or the first text\n"
          "  --device        sign in on another device (RFC 8628); with the program qrencode installed, by a QR code\n"
          "  --no-browser    show the address to sign in at, do not open it\n"
          "  --store STORE   where sessions are kept: sqlite:FILE, redis:URL, postgres:URL; sealed with a key of this user's.\n"
          "                  Otherwise a directory: MCPT_STATE, or ~/.local/state/mcpt\n"
          "SSL_CERT_FILE names certificates to trust instead of the system's. Ctrl-C gives up a call.\n"
          "exit: 0 done, 1 failed, 2 usage, 3 the tool reports an error\n", to);
    return to == stdout ? OK : USAGE;
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

/* -- results of any size: one that does not fit into msg goes to a file that has no name */
static mcpt_err take_piece(void *user, const char *text, size_t len)
{
    (void)user;
    if (text == NULL) {
        if (large.file != NULL) {
            (void)fclose(large.file);
        }
        large.file = tmpfile();
        return large.file != NULL ? MCPT_OK : MCPT_E_IO;
    }
    return fwrite(text, 1, len, large.file) == len ? MCPT_OK : MCPT_E_FULL;
}

static mcpt_err send_call(void)
{
    large.pieces.piece = take_piece;
    mcpt_client_pieces(&client, &large.pieces);
    return mcpt_client_send(&client);
}

static mcpt_str result_text(void)
{
    static void *map = NULL;
    static size_t size;
    mcpt_str r = mcpt_client_result(&client);

    if (map != NULL) {
        (void)munmap(map, size);
        map = NULL;
    }
    if (r.ptr == NULL && large.file != NULL && fflush(large.file) == 0) {
        size = (size_t)ftello(large.file);
        map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fileno(large.file), 0);
        map = map == MAP_FAILED ? NULL : map;
        r = (mcpt_str){ (const char *)map, map != NULL ? size : 0 };
    }
    return r;
}

static mcpt_val result_value(void)    /* absent: more values than tok */
{
    static mcpt_doc doc;
    mcpt_val none = { NULL, 0 };
    mcpt_str r = result_text();

    return r.len != 0 && mcpt_parse(&doc, r, tok, NTOK) == MCPT_OK ? mcpt_root(&doc) : none;
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

static void clear_bar(void)           /* whatever is written next stands on a line of its own */
{
    if (bar_shown) {
        fputs("\r\33[K", stderr);
        bar_shown = false;
    }
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
    clear_bar();
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
        mcpt_str said = text_of(mcpt_get(mcpt_root(&d), "message"), buf, sizeof buf);
        double done = strtod(now.len != 0 ? now.ptr : "0", NULL), all = total.len != 0 ? strtod(total.ptr, NULL) : 0;
        const int part = all > 0 && done >= 0 ? (int)(done < all ? 24 * done / all : 24) : 0;
        if (isatty(2)) {
            fprintf(stderr, all > 0 ? "\r\33[K[%.*s%.*s] " : "\r\33[K", part, "########################", 24 - part, "                        ");
        }
        fprintf(stderr, "%.*s%s%.*s%s", (int)now.len, now.ptr, total.len != 0 ? "/" : "", (int)total.len, total.len != 0 ? total.ptr : "", said.len != 0 ? " " : "");
        show(stderr, said);
        bar_shown = isatty(2);
        fputs(bar_shown ? "" : "\n", stderr);
    } else if (mcpt_str_is(method, "notifications/message")) {
        mcpt_str data = mcpt_raw(mcpt_get(mcpt_root(&d), "data"));
        clear_bar();
        show(stderr, data);
        fputc('\n', stderr);
    }
}

/* Runs a program of the person's for an address, its output on standard error, or nowhere. */
static void helper(char *const argv[], bool shown)
{
    pid_t child = fork();

    if (child == 0) {
        FILE *nowhere = shown ? NULL : freopen("/dev/null", "w", stderr);
        (void)nowhere;
        (void)dup2(2, 1);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    if (child > 0 && shown) {
        (void)waitpid(child, NULL, 0);
    }
}

/* Shows the link or the code, and waits for the redirect. */
static void sign_in(int *listener)
{
    static char shown[4096];
    mcpt_str url = mcpt_oauth_url(&oauth), code = mcpt_oauth_user_code(&oauth);
    char query[8192], *browser = getenv("BROWSER");
    char *qr[] = { (char[]){ "qrencode" }, (char[]){ "-tUTF8" }, (char[]){ "-m1" }, shown, NULL };
    char *open[] = { browser != NULL ? browser : (char[]){ "xdg-open" }, shown, NULL };
    bool new = url.len >= sizeof shown || strncmp(shown, url.ptr, url.len) != 0 || shown[url.len] != '\0', device;

    snprintf(shown, sizeof shown, "%.*s", (int)url.len, url.ptr);
    device = code.len != 0 || strstr(shown, "response_type=code") == NULL;
    if (new) {
        clear_bar();
        fprintf(stderr, "To sign in%s, open\n  %s\n", device ? " on any device" : "", shown);
        if (code.len != 0) {
            fprintf(stderr, "and enter the code  %.*s\n", (int)code.len, code.ptr);
        }
    }
    if (device) {
        uint32_t due = mcpt_oauth_due(&oauth);
        if (new && (isatty(2) || getenv("MCPT_QR") != NULL)) {
            helper(qr, true);
        }
        (void)usleep(due > 1000 ? 1000000 : due * 1000);
        return;
    }
    if (*listener < 0 && (*listener = browser_listen()) < 0) {
        fprintf(stderr, "mcpt: port %d, where the browser will come back to, is taken; close what uses it, or try --device\n", BROWSER_PORT);
        exit(FAILED);
    }
    if (new && !no_browser && (browser != NULL || getenv("DISPLAY") != NULL || getenv("WAYLAND_DISPLAY") != NULL)) {
        helper(open, false);
    }
    if (browser_query(*listener, 1000, query, sizeof query)) {
        (void)mcpt_oauth_callback(&oauth, mcpt_z(query));
    }
}

/* -- the connection */
static mcpt_err net_poll(int timeout_ms)
{
#ifdef MCPT_CURL
    if (config.endpoint != NULL) {
        return mcpt_curl_poll(&web, timeout_ms);
    }
#endif
    return mcpt_posix_client_poll(&net, timeout_ms);
}

static int explain(const char *what)
{
    int64_t code;
    mcpt_str fault = mcpt_client_fault(&client, &code);
    mcpt_err e = mcpt_client_outcome(&client);
    const char *reason = config.oauth != NULL ? mcpt_oauth_reason(&oauth) : "";

    clear_bar();
    if (e == MCPT_E_RPC && fault.len != 0) {
        return fail(FAILED, "%s: the server says %.*s (%lld)", what, (int)fault.len, fault.ptr, (long long)code);
    }
    if (e == MCPT_E_STATUS && mcpt_client_retry_after(&client) != 0) {
        return fail(FAILED, "%s: the server cannot answer now, try again in %lu seconds", what, (unsigned long)mcpt_client_retry_after(&client));
    }
    if (e == MCPT_E_STATUS && code != 0) {                  /* 0: not of the server itself, mcpt_oauth_reason() says more */
        return fail(FAILED, code == 429 || code >= 500 ? "%s: HTTP status %lld: the server cannot answer now, try again later" :
                    "%s: HTTP status %lld. Is this the address of an MCP endpoint?", what, (long long)code);
    }
    if (e == MCPT_E_CERTIFICATE) {
        return fail(FAILED, "%s: the certificate of %s is not accepted. If it is its own, trust it once: SSL_CERT_FILE=server.crt mcpt ...", what, target);
    }
    if (e == MCPT_E_HTTP || e == MCPT_E_TLS) {
        return fail(FAILED, "%s: %s does not speak %s. Is it %s?", what, target, strncmp(target, "https", 5) == 0 ? "TLS" : "HTTP",
                    strncmp(target, "https", 5) == 0 ? "http://" : "https://");
    }
    if (e == MCPT_E_TIMEOUT) {
        return fail(FAILED, "%s: no answer in time", what);
    }
    if (e == MCPT_E_FULL) {
        return fail(FAILED, "%s: the disk for temporary files is full; TMPDIR names another", what);
    }
    if (e == MCPT_E_CANCELLED) {
        return fail(FAILED, "%s: given up", what);
    }
    if (e == MCPT_E_UNAUTHORIZED || e == MCPT_E_SCOPE) {
        return fail(FAILED, "%s: the server does not let you in (%s). Sign in anew: mcpt logout, then mcpt add", what, mcpt_strerror(e));
    }
#ifdef MCPT_CURL
    if (config.endpoint != NULL && mcpt_curl_reason(&web)[0] != '\0') {
        return fail(FAILED, "%s: cannot reach %s: %s", what, target, mcpt_curl_reason(&web));
    }
#endif
    if (e == MCPT_E_IO || e == MCPT_E_CLOSED) {
        return fail(FAILED, config.endpoint == NULL ? "%s: %s has ended" : "%s: cannot reach %s. Is it running?", what, target);
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
        if (interrupted) {
            interrupted = 0;
            if (s == MCPT_CLIENT_USER || mcpt_client_revision(&client) == 0) {
                clear_bar();
                exit(fail(FAILED, "given up"));
            }
            mcpt_client_cancel(&client);
        }
        if (net_poll(s == MCPT_CLIENT_USER ? 0 : -1) != MCPT_OK) {
            code = fail(FAILED, "%s", strerror(errno));
            break;
        }
    }
    if (listener >= 0) {
        (void)close(listener);
    }
    clear_bar();
    return code != OK ? code : mcpt_client_outcome(&client) != MCPT_OK ? explain(what) : OK;
}

static int request(const char *method, const char *name)
{
    mcpt_writer *w = mcpt_client_begin(&client, method, name);

    if (w == NULL) {
        return fail(FAILED, "%s: the name is too long", method);
    }
    return send_call() != MCPT_OK ? fail(FAILED, "%s: too large", method) : settle(method);
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
#ifdef MCPT_CURL
    if (config.endpoint != NULL) {
        mcpt_curl_config c = { .client = &client, .channels = channels, .nchannels = 3, .ca_file = getenv("SSL_CERT_FILE") };
        if (mcpt_curl_init(&web, &c) != MCPT_OK) {
            return fail(FAILED, "libcurl cannot be set up");
        }
    }
#endif
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
        (void)net_poll(50);
    }
#ifdef MCPT_CURL
    mcpt_curl_close(&web);
#endif
    mcpt_posix_client_close(&net);
    if (config.oauth != NULL) {
        mcpt_oauth_close(&oauth);
    }
}

/* -- commands */
/* Content blocks, the way a person wants to see them, or into the file of --output. */
static int show_content(mcpt_val block)
{
    mcpt_val type = mcpt_get(block, "type"), resource = mcpt_get(block, "resource"), inside = mcpt_typeof(resource) == MCPT_OBJECT ? resource : block;
    mcpt_val text = mcpt_get(inside, mcpt_val_is(type, "resource_link") ? "uri" : "text");
    mcpt_val data = mcpt_get(inside, mcpt_typeof(mcpt_get(inside, "blob")) == MCPT_STRING ? "blob" : "data");
    const bool plain = mcpt_typeof(text) == MCPT_STRING;
    size_t cap = mcpt_raw(plain ? text : data).len + 1, n = 0;
    char *buf = (char *)malloc(cap), kind[128];
    mcpt_str shown = buf != NULL ? text_of(plain ? text : data, buf, cap) : (mcpt_str){ NULL, 0 };
    int code = OK;

    if (save_to != NULL) {
        FILE *f = fopen(save_to, "wb");
        const bool ok = f != NULL && (plain || mcpt_b64_decode(shown, false, buf, cap, &n)) &&
                        fwrite(plain ? shown.ptr : buf, 1, plain ? shown.len : n, f) == (plain ? shown.len : n);
        code = (f == NULL || fclose(f) == 0) && ok ? OK : fail(FAILED, "cannot write %s", save_to);
    } else if (plain) {
        show(stdout, shown);
        fputc('\n', stdout);
    } else {
        shown = text_of(mcpt_get(inside, "mimeType"), kind, sizeof kind);
        fputc('[', stdout);
        show(stdout, shown);
        printf(", %zu bytes of base64; --output FILE saves it]\n", cap > 3 ? cap - 3 : 0);
    }
    free(buf);
    return code;
}

static int show_result(const char *list, const char *inside)
{
    mcpt_str raw = result_text();
    mcpt_val v = result_value(), it, best;
    int code = OK;

    memset(&it, 0, sizeof it);
    memset(&best, 0, sizeof best);
    if (json_output || mcpt_typeof(v) != MCPT_OBJECT) {     /* also what has more values than tok */
        (void)fwrite(raw.ptr, 1, raw.len, stdout);
        fputc('\n', stdout);
        return mcpt_bool_or(mcpt_get(v, "isError"), false) ? TOOL_FAILED : OK;
    }
    while (code == OK && mcpt_next(mcpt_get(v, list), &it, NULL)) {
        mcpt_val block = inside != NULL ? mcpt_get(it, inside) : it;
        const bool text = mcpt_typeof(mcpt_get(block, "text")) == MCPT_STRING || mcpt_val_is(mcpt_get(block, "type"), "resource_link");
        if (save_to == NULL) {
            code = show_content(block);
        } else if (best.doc == NULL || (!text && mcpt_typeof(mcpt_get(best, "text")) == MCPT_STRING)) {
            best = block;
        }
    }
    if (save_to != NULL) {
        code = best.doc != NULL ? show_content(best) : fail(FAILED, "there is nothing to save");
    }
    return code != OK ? code : mcpt_bool_or(mcpt_get(v, "isError"), false) ? TOOL_FAILED : OK;
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
        if (send_call() != MCPT_OK) {
            return fail(FAILED, "%s: too large", method);
        }
        code = settle(method);
        if (code != OK) {
            return code;
        }
        v = result_value();
        if (mcpt_typeof(v) != MCPT_OBJECT) {
            return fail(FAILED, "%s: more than %d values on one page", method, (int)NTOK);
        }
        memset(&it, 0, sizeof it);
        while (mcpt_next(mcpt_get(v, member), &it, NULL)) {
            s = text_of(mcpt_get(it, key), name, sizeof name);
            if (find == NULL) {
                printf("  ");
                show(stdout, s);
                s = text_of(mcpt_get(it, "description"), text, sizeof text);
                s.len = memchr(s.ptr, '\n', s.len) != NULL ? (size_t)((const char *)memchr(s.ptr, '\n', s.len) - s.ptr) : s.len;
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
        if (w == NULL || send_call() != MCPT_OK) {
            return FAILED;
        }
        while (mcpt_client_status(&client) == MCPT_CLIENT_BUSY) {
            (void)net_poll(-1);
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

/* One tool: what it does, and the arguments it takes. */
static int describe(const char *name)
{
    static char row[1 << 18], text[1 << 16];
    static mcpt_tok t[8192];
    mcpt_doc d;
    mcpt_val schema, it, one;
    mcpt_str key;
    int code = each_page("tools/list", "tools", "name", name, row, sizeof row);

    if (code != OK || mcpt_parse(&d, mcpt_z(row), t, MCPT_COUNT(t)) != MCPT_OK) {
        return code != OK ? code : fail(FAILED, "%s: its description is too long", name);
    }
    if (json_output) {
        printf("%s\n", row);
        return OK;
    }
    show(stdout, text_of(mcpt_get(mcpt_root(&d), "description"), text, sizeof text));
    fputc('\n', stdout);
    schema = mcpt_get(mcpt_root(&d), "inputSchema");
    memset(&it, 0, sizeof it);
    while (mcpt_next(mcpt_get(schema, "properties"), &it, &key)) {
        bool required = false;
        mcpt_str type = mcpt_raw(mcpt_get(it, "type"));
        memset(&one, 0, sizeof one);
        while (mcpt_next(mcpt_get(schema, "required"), &one, NULL)) {
            required = required || (mcpt_raw(one).len == key.len + 2 && memcmp(mcpt_raw(one).ptr + 1, key.ptr, key.len) == 0);
        }
        fputs("  ", stdout);
        show(stdout, key);
        fputs("=", stdout);
        show(stdout, type.len != 0 ? type : mcpt_z("JSON"));
        fputs(required ? "  required" : "", stdout);
        type = mcpt_raw(mcpt_get(it, "enum"));
        if (type.len != 0) {
            fputs("  one of ", stdout);
            show(stdout, type);
        }
        fputs("  ", stdout);
        show(stdout, text_of(mcpt_get(it, "description"), text, sizeof text));
        fputc('\n', stdout);
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
    if (send_call() != MCPT_OK) {
        return fail(FAILED, "the arguments are too large");
    }
    code = settle(name);
    return code != OK ? code : tool ? show_result("content", NULL) : show_result("messages", "content");
}

static int add(const char *name, char **words, int n)
{
    char key[16], old[2048];
    size_t len = 0, old_len = 0;
    int i, code;
    bool had;

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
    had = store->read(store->user, key, old, sizeof old, &old_len) == MCPT_OK;
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
        (void)(had ? store->write(store->user, key, (mcpt_str){ old, old_len }) : store->erase(store->user, key));
    }
    return code;
}

/* A name for a URL: its host, without what many hosts begin with. */
static int add_url(char *url)
{
    char name[14], key[16], old[2048];
    mcpt_url u;
    size_t i, n = 0;

    if (!mcpt_url_split(mcpt_z(url), &u)) {
        return fail(USAGE, "%s is not a URL", url);
    }
    for (i = strncmp(u.host.ptr, "mcp.", 4) == 0 || strncmp(u.host.ptr, "www.", 4) == 0 ? 4 : 0; i < u.host.len && n < sizeof name - 1; i++) {
        const char c = u.host.ptr[i];
        name[n++] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '-';
    }
    name[n] = '\0';
    if (key_of(name, key) && store->read(store->user, key, old, sizeof old, &i) == MCPT_OK && (i != strlen(url) || memcmp(old, url, i) != 0)) {
        return fail(USAGE, "%s is the name of another server; give this one a name: mcpt add NAME %s", name, url);
    }
    return add(name, &url, 1);
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

static void on_interrupt(int number)
{
    (void)signal(number, SIG_DFL);    /* the second one ends it */
    interrupted = 1;
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
        } else if (strcmp(argv[1], "--no-browser") == 0) {
            no_browser = true;
        } else if (strcmp(argv[1], "--help") == 0) {
            return usage(stdout);
        } else if (strcmp(argv[1], "--output") == 0 && argc > 2) {
            save_to = argv[2];
            argc--;
            argv++;
        } else if (strcmp(argv[1], "--store") == 0 && argc > 2) {
            where = argv[2];
            argc--;
            argv++;
        } else {
            return usage(stderr);
        }
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, on_interrupt);
    if (mcpt_mbedtls_init(&crypto, NULL, 0) != MCPT_OK || !open_store(where)) {
        return store == NULL && where != NULL ? fail(FAILED, "cannot use this store; is its server running, and is it sqlite:FILE, redis:URL or postgres:URL?")
            : fail(FAILED, "cannot use %s: it must be a directory of yours that others may not enter", state_path());
    }
    if (argc == 2 && strcmp(argv[1], "servers") == 0) {
        return store->list(store->user, "m-", show_server, NULL) == MCPT_OK ? OK : FAILED;
    }
    if (argc == 3 && strcmp(argv[1], "add") == 0 && strstr(argv[2], "://") != NULL) {
        code = add_url(argv[2]);
    } else if (argc >= 4 && strcmp(argv[1], "add") == 0) {
        code = add(argv[2], argv + 3, argc - 3);
    } else if (argc == 3 && strcmp(argv[1], "logout") == 0) {
        return logout(argv[2]);
    } else if ((argc == 3 || argc == 4) && strcmp(argv[1], "list") == 0) {
        code = open_server(argv[2]);
        code = code != OK ? code : argc == 4 ? describe(argv[3]) : list();
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
        return usage(stderr);
    }
    if (net.config.client != NULL) {
        close_server();
    }
    return code;
}
