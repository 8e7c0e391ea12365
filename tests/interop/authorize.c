#define _GNU_SOURCE
/* A client for the interoperability tests: one call of a tool at a protected server, with whatever way to authorize.
 *   authorize DIRECTORY URL TOOL [NAME=VALUE...]
 * DIRECTORY is its store. id=, secret=, scope=, cimd= as in mcpt_oauth_config; public=1, key=1 (private_key_jwt with the key of RFC
 * 7515 A.3), dpop=1, grant=code|device|client; query= is a redirect that came back; text= an argument of the tool; logout=1 instead
 * of the call; clock= seconds that have passed since; die=N and when=before|after: SIGKILL at the n-th write to the store.
 * Writes "URL u" (a person must open it; exit 10), "DEVICE u c" (then it waits), "RESULT json", "SCOPE s", "FAILED why" (exit 1); the
 * last line is "WRITES n". */
#include "../../port/crypto_mbedtls.h"
#include "../../port/posix_client.h"
#include "../../port/posix_env.h"
#include "../../port/store_fs.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RX = 4096, TX = 4096, MSG = 65536, REQ = 16384, NTOK = 2048 };
static mcpt_mbedtls crypto;
static mcpt_store_fs fs;
static long skew_s, skew_ms;
static unsigned writes, die_at;
static bool die_after;

static uint32_t millis(void *user) { return mcpt_posix_millis(user) + (uint32_t)skew_ms; }
static int64_t unix_time(void *user) { return mcpt_posix_unix_time(user) + skew_s; }
static const mcpt_env env = { millis, unix_time, mcpt_mbedtls_random, NULL, &crypto.crypto, &crypto };

/* -- the store: a process that the power leaves at a write, before or after it took effect */
static void at(bool after)
{
    if (writes == die_at && after == die_after) {
        (void)kill(getpid(), SIGKILL);
    }
}
static mcpt_err done(mcpt_err e) { at(true); return e; }
static mcpt_err s_read(void *u, const char *key, void *buf, size_t cap, size_t *len) { (void)u; return fs.store.read(fs.store.user, key, buf, cap, len); }
static mcpt_err s_write(void *u, const char *key, mcpt_str value)
{
    (void)u;
    writes++;
    at(false);
    return done(fs.store.write(fs.store.user, key, value));
}
static mcpt_err s_erase(void *u, const char *key)
{
    (void)u;
    writes++;
    at(false);
    return done(fs.store.erase(fs.store.user, key));
}
static mcpt_err s_swap(void *u, const char *key, mcpt_str old, mcpt_str value)
{
    (void)u;
    writes++;
    at(false);
    return done(fs.store.swap(fs.store.user, key, old, value));
}
static mcpt_err s_list(void *u, const char *prefix, bool (*each)(void *, const char *), void *each_user)
{
    (void)u;
    return fs.store.list(fs.store.user, prefix, each, each_user);
}
static const mcpt_store store = { s_read, s_write, s_erase, s_list, s_swap, NULL };

static int end(int code)
{
    printf("WRITES %u\n", writes);
    (void)fflush(stdout);
    return code;
}

static const char *option(int argc, char **argv, const char *name)
{
    size_t n = strlen(name);

    for (int i = 4; i < argc; i++) {
        if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=') {
            return argv[i] + n + 1;
        }
    }
    return NULL;
}

static bool is(const char *a, const char *b) { return a != NULL && strcmp(a, b) == 0; }

/* A person is to act. Code: the process ends here, the redirect will find another one. Device: shown once, then waits. */
static bool person(const mcpt_oauth *o)
{
    static bool shown;
    mcpt_str url = mcpt_oauth_url(o), code = mcpt_oauth_user_code(o);

    if (code.ptr == NULL) {
        printf("URL %.*s\n", (int)url.len, url.ptr);
        return false;
    }
    if (!shown) {
        printf("DEVICE %.*s %.*s\n", (int)url.len, url.ptr, (int)code.len, code.ptr);
        (void)fflush(stdout);
        shown = true;
    }
    (void)usleep(50000);
    skew_ms += (long)mcpt_oauth_due(o);                     /* the pause that the server asked for, without waiting for it */
    return true;
}

int main(int argc, char **argv)
{
    static mcpt_oauth_config auth;
    static mcpt_oauth oauth;
    static mcpt_client_config config;
    static mcpt_client client;
    static mcpt_channel channel;
    static mcpt_posix_client net;
    static mcpt_signer key;
    static mcpt_tok tok[NTOK];
    static char rx[RX], tx[TX], msg[MSG], req[REQ], mem[8192];
    static uint8_t seal[32] = { 7 };
    mcpt_posix_client_config port = { .client = &client, .channels = &channel, .nchannels = 1 };
    const char *grant, *v;
    mcpt_client_state s;
    mcpt_err e = MCPT_OK;
    mcpt_str text;
    uint8_t d[32];
    size_t n;

    if (argc < 4 || mcpt_mbedtls_init(&crypto, NULL, 0) != MCPT_OK || mcpt_store_fs_open(&fs, argv[1], 0) != MCPT_OK) {
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!mcpt_b64_decode(mcpt_z("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"), true, d, sizeof d, &n) ||
        mcpt_signer_init(&key, &crypto.crypto, d, n) != MCPT_OK) {
        return 2;
    }
    v = option(argc, argv, "clock");
    skew_s = v != NULL ? atol(v) : 0;
    v = option(argc, argv, "die");
    die_at = v != NULL ? (unsigned)atol(v) : 0;
    die_after = is(option(argc, argv, "when"), "after");
    grant = option(argc, argv, "grant");
    auth.endpoint = config.endpoint = argv[2];
    auth.grant = is(grant, "device") ? MCPT_GRANT_DEVICE : is(grant, "client") ? MCPT_GRANT_CLIENT : MCPT_GRANT_CODE;
    auth.redirect_uri = auth.grant == MCPT_GRANT_CODE ? "http://127.0.0.1:8976/cb" : NULL;
    auth.scope = option(argc, argv, "scope");
    auth.client_id = option(argc, argv, "id");
    auth.client_secret = option(argc, argv, "secret");
    auth.client_metadata_url = option(argc, argv, "cimd");
    auth.client_name = "interop";
    auth.public_client = option(argc, argv, "public") != NULL;
    auth.signer = option(argc, argv, "key") != NULL ? &key : NULL;
    auth.key_id = "ec1";
    auth.dpop = option(argc, argv, "dpop") != NULL ? &key : NULL;
    auth.env = config.env = &env;
    auth.store = &store;
    auth.store_key = seal;
    config.name = "interop";
    config.version = "1.0.0";
    config.oauth = &oauth;
    e = mcpt_oauth_init(&oauth, &auth, mem, sizeof mem);
    mcpt_channel_init(&channel, rx, RX, tx, TX, msg, MSG);
    if (e != MCPT_OK || mcpt_client_init(&client, &config, &channel, 1, req, REQ, tok, NTOK) != MCPT_OK ||
        mcpt_posix_client_init(&net, &port) != MCPT_OK) {
        printf("FAILED %s\n", mcpt_strerror(e));
        return end(1);
    }
    v = option(argc, argv, "query");
    if (v != NULL) {
        e = mcpt_oauth_callback(&oauth, mcpt_z(v));
        if (e != MCPT_PENDING) {
            printf("FAILED callback: %s %s\n", mcpt_strerror(e), mcpt_oauth_reason(&oauth));
            return end(1);
        }
    }
    if (option(argc, argv, "logout") != NULL) {
        mcpt_oauth_logout(&oauth);
        mcpt_client_close(&client);
    }
    for (bool called = false; (s = mcpt_client_status(&client)) != MCPT_CLIENT_CLOSED && s != MCPT_CLIENT_FAILED;) {
        if (s == MCPT_CLIENT_USER && !person(&oauth)) {
            return end(10);
        }
        if (s == MCPT_CLIENT_READY) {
            if (called || mcpt_client_outcome(&client) != MCPT_OK) {
                break;
            }
            mcpt_writer *w = mcpt_client_begin(&client, "tools/call", argv[3]);
            called = true;
            v = option(argc, argv, "text");
            if (w != NULL && v != NULL) {
                mcpt_kv_z(w, "text", v);
            }
            if (w == NULL || mcpt_client_send(&client) != MCPT_OK) {
                return 2;
            }
        }
        if (mcpt_posix_client_poll(&net, s == MCPT_CLIENT_USER ? 0 : 100) != MCPT_OK) {
            return 2;
        }
    }
    e = mcpt_client_outcome(&client);
    if (s == MCPT_CLIENT_CLOSED) {
        printf("RESULT {}\n");
        e = MCPT_OK;
    } else if (e != MCPT_OK) {
        int64_t code;
        text = mcpt_client_fault(&client, &code);
        printf("FAILED %s: %s %.*s %lld\n", mcpt_strerror(e), mcpt_oauth_reason(&oauth), (int)text.len, text.len != 0 ? text.ptr : "", (long long)code);
    } else {
        text = mcpt_client_result(&client);
        printf("RESULT %.*s\n", (int)text.len, text.ptr);
        text = mcpt_oauth_scope(&oauth);
        printf("SCOPE %.*s\n", (int)text.len, text.len != 0 ? text.ptr : "");
    }
    mcpt_posix_client_close(&net);
    mcpt_oauth_close(&oauth);
    return end(e == MCPT_OK ? 0 : 1);
}
