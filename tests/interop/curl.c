/* port/curl for curl.mjs:
 *   curl exchange URL [--loopback] [--trusted] [--stop]        one request of a server; prints status, bytes, outcome
 *   curl call URL TOOL [JSON] [--cancel]                       one call; notifications as they come; --cancel: at the first one
 * Common: --ca FILE, --proxy URL (of exchanges: exchange_proxy), --connect-ms N, --timeout-ms N. */
#include "../../port/crypto_mbedtls.h"
#include "../../port/curl.h"
#include "../../port/posix_env.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mcpt_mbedtls crypto;
static const mcpt_env env = { mcpt_posix_millis, mcpt_posix_unix_time, mcpt_mbedtls_random, NULL, &crypto.crypto, &crypto };
static mcpt_curl net;
static mcpt_curl_config config;
static const char *args[4];
static uint32_t timeout_ms = 10000;
static bool loopback, trusted, stop, cancel, noted, over;

static mcpt_err on_head(void *user, const mcpt_exchange *x, unsigned status)
{
    (void)user;
    (void)x;
    printf("status %u\n", status);
    return MCPT_OK;
}

static mcpt_err on_piece(void *user, const char *text, size_t len)
{
    *(size_t *)user += len;
    (void)text;
    return MCPT_OK;
}

static void on_done(void *user, mcpt_err e)
{
    printf("bytes %zu\ndone %s\n", *(size_t *)user, mcpt_strerror(e));
    over = true;
}

static int exchange(void)
{
    static mcpt_exchange x;
    static char rx[1024], tx[1024];
    static mcpt_exchange *const all[] = { &x };
    static size_t bytes;
    mcpt_fetch fetch = { 0 };
    mcpt_err e;
    fetch.url = mcpt_z(args[0]);
    fetch.trusted = trusted;
    fetch.limit = 1u << 20;
    fetch.head = on_head;
    fetch.piece = on_piece;
    fetch.done = on_done;
    fetch.user = &bytes;
    config.exchanges = all;
    config.nexchanges = 1;
    if (mcpt_exchange_init(&x, &env, rx, sizeof rx, tx, sizeof tx, timeout_ms, loopback) != MCPT_OK || mcpt_curl_init(&net, &config) != MCPT_OK) {
        return 1;
    }
    for (int round = 0; round < 2; round++) {               /* the second shows that the first left nothing behind */
        over = false;
        bytes = 0;
        e = mcpt_exchange_start(&x, &fetch);
        if (e != MCPT_OK) {
            printf("start %s\n", mcpt_strerror(e));
            break;
        }
        for (int polls = 0; !over && mcpt_curl_poll(&net, -1) == MCPT_OK; polls++) {
            if (stop && polls == 2) {
                mcpt_exchange_stop(&x);
            }
        }
    }
    printf("reason %s\n", mcpt_curl_reason(&net));
    mcpt_curl_close(&net);
    return 0;
}

static void on_notify(void *user, mcpt_str method, mcpt_str params)
{
    (void)user;
    printf("note %.*s %.*s\n", (int)method.len, method.ptr, (int)params.len, params.len != 0 ? params.ptr : "");
    fflush(stdout);
    noted = true;
}

static int call(void)
{
    static mcpt_client client;
    static mcpt_channel channels[3];
    static char rx[3][4096], tx[3][4096], msg[3][65536], req[16384];
    static mcpt_tok tok[4096];
    static mcpt_client_config c;
    mcpt_writer *w;
    int64_t code;
    int i;
    c.endpoint = args[0];
    c.name = "curl-test";
    c.version = "1";
    c.notify = on_notify;
    c.env = &env;
    c.timeout_ms = timeout_ms;
    for (i = 0; i < 3; i++) {
        mcpt_channel_init(&channels[i], rx[i], sizeof rx[i], tx[i], sizeof tx[i], msg[i], sizeof msg[i]);
    }
    config.client = &client;
    config.channels = channels;
    config.nchannels = 3;
    if (mcpt_client_init(&client, &c, channels, 3, req, sizeof req, tok, 4096) != MCPT_OK || mcpt_curl_init(&net, &config) != MCPT_OK) {
        return 1;
    }
    while (mcpt_client_status(&client) == MCPT_CLIENT_BUSY && mcpt_curl_poll(&net, -1) == MCPT_OK) {
    }
    w = mcpt_client_begin(&client, "tools/call", args[1] != NULL ? args[1] : "none");
    if (w != NULL) {
        mcpt_val it = { NULL, 0 };
        mcpt_doc d;
        mcpt_tok t[64];
        mcpt_str key;
        if (args[2] != NULL && mcpt_parse(&d, mcpt_z(args[2]), t, 64) == MCPT_OK) {
            while (mcpt_next(mcpt_root(&d), &it, &key)) {
                mcpt_key_str(w, key);
                mcpt_put_raw(w, mcpt_raw(it));
            }
        }
        (void)mcpt_client_send(&client);
        while (mcpt_client_status(&client) == MCPT_CLIENT_BUSY && mcpt_curl_poll(&net, -1) == MCPT_OK) {
            if (cancel && noted) {
                mcpt_client_cancel(&client);
            }
        }
    }
    (void)mcpt_client_fault(&client, &code);
    printf("result %.*s\noutcome %s %lld\nreason %s\n", (int)mcpt_client_result(&client).len, w != NULL ? mcpt_client_result(&client).ptr : "",
           mcpt_strerror(mcpt_client_outcome(&client)), (long long)code, mcpt_curl_reason(&net));
    mcpt_client_close(&client);
    for (i = 0; i < 50 && mcpt_client_status(&client) == MCPT_CLIENT_BUSY; i++) {
        (void)mcpt_curl_poll(&net, 100);
    }
    mcpt_curl_close(&net);
    return 0;
}

int main(int argc, char **argv)
{
    int n = 0;
    for (int i = 2; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        loopback = loopback || strcmp(argv[i], "--loopback") == 0;
        trusted = trusted || strcmp(argv[i], "--trusted") == 0;
        stop = stop || strcmp(argv[i], "--stop") == 0;
        cancel = cancel || strcmp(argv[i], "--cancel") == 0;
        if (strcmp(argv[i], "--ca") == 0) {
            config.ca_file = value;
            i++;
        } else if (strcmp(argv[i], "--proxy") == 0) {
            config.proxy = config.exchange_proxy = value;
            i++;
        } else if (strcmp(argv[i], "--connect-ms") == 0) {
            config.connect_ms = (uint32_t)strtoul(value, NULL, 10);
            i++;
        } else if (strcmp(argv[i], "--timeout-ms") == 0) {
            timeout_ms = (uint32_t)strtoul(value, NULL, 10);
            i++;
        } else if (strncmp(argv[i], "--", 2) != 0 && n < 3) {
            args[n++] = argv[i];
        }
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 3 || mcpt_mbedtls_init(&crypto, NULL, 0) != MCPT_OK) {
        return 2;
    }
    return strcmp(argv[1], "exchange") == 0 ? exchange() : call();
}
