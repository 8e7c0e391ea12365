/* A client over sessions in the layout of @clerk/mcp-tools (port/store_seed), for seed.mjs. Each run does one step and ends, so
 * that all there is between two steps is the store:
 *   seed STORE create URL REDIRECT [ID [SECRET]]   prints the session's id and the URL that a person is to open
 *   seed STORE complete QUERY                      finishes what was begun here or there, calls a tool; prints the id, the result
 *   seed STORE call ID                             opens a session, calls a tool; prints the result
 *   seed STORE logout ID
 * Exit code 1 with an error's name on standard error. */
/* libs: -lsqlite3 -lhiredis -lpq */
#include "mcptools.h"
#include "../../examples/mcpt_store.h"
#include "../../port/crypto_mbedtls.h"
#include "../../port/posix_client.h"
#include "../../port/posix_env.h"
#include "../../port/store_seed.h"
#include "../../port/store_seed_file.h"
#include <stdio.h>

static mcpt_mbedtls crypto;
static const mcpt_env env = { mcpt_posix_millis, mcpt_posix_unix_time, mcpt_mbedtls_random, NULL, &crypto.crypto, &crypto };
static any_store medium;
static mcpt_store_seed_file file;
static mcpt_store_seed seed;
static mcpt_oauth oauth;
static mcpt_client client;
static mcpt_channel channel;
static mcpt_posix_client net;
static char mem[MCPT_STORE_SEED_MEM], work[8192], rx[4096], tx[4096], msg[65536], request[4096];
static mcpt_tok tok[2048];

static int fail(const char *what, mcpt_err e)
{
    fprintf(stderr, "%s: %s%s%s\n", what, mcpt_strerror(e), mcpt_oauth_reason(&oauth)[0] != '\0' ? ": " : "", mcpt_oauth_reason(&oauth));
    return 1;
}

static mcpt_client_state settle(void)
{
    while (mcpt_client_status(&client) == MCPT_CLIENT_BUSY && mcpt_posix_client_poll(&net, -1) == MCPT_OK) {
    }
    return mcpt_client_status(&client);
}

static mcpt_client_state begin(void)
{
    static mcpt_client_config config;
    mcpt_posix_client_config port;

    memset(&port, 0, sizeof(port));
    config.endpoint = seed.auth.endpoint;
    config.name = seed.name;
    config.version = seed.version;
    config.oauth = &oauth;
    config.env = &env;
    mcpt_channel_init(&channel, rx, sizeof(rx), tx, sizeof(tx), msg, sizeof(msg));
    port.client = &client;
    port.channels = &channel;
    port.nchannels = 1;
    if (mcpt_client_init(&client, &config, &channel, 1, request, sizeof(request), tok, MCPT_COUNT(tok)) != MCPT_OK ||
        mcpt_posix_client_init(&net, &port) != MCPT_OK) {
        return MCPT_CLIENT_FAILED;
    }
    return settle();
}

static int call(void)
{
    if (begin() != MCPT_CLIENT_READY) {
        return mcpt_client_status(&client) == MCPT_CLIENT_USER ? fail("connect", MCPT_E_UNAUTHORIZED) : fail("connect", mcpt_client_outcome(&client));
    }
    if (mcpt_client_begin(&client, "tools/call", "read_state") == NULL || mcpt_client_send(&client) != MCPT_OK || settle() != MCPT_CLIENT_READY ||
        mcpt_client_outcome(&client) != MCPT_OK) {
        return fail("call", mcpt_client_outcome(&client));
    }
    printf("%s\n%.*s\n", seed.id, (int)mcpt_client_result(&client).len, mcpt_client_result(&client).ptr);
    return 0;
}

static int create(char **argv, int argc)
{
    mcpt_str url;
    mcpt_err e;

    seed.auth.endpoint = argv[0];
    seed.auth.redirect_uri = argv[1];
    seed.auth.client_id = argc > 2 ? argv[2] : NULL;
    seed.auth.client_secret = argc > 3 ? argv[3] : NULL;
    seed.auth.client_name = "seed \"C\" \\ \xc3\xa4";
    seed.auth.client_uri = "https://app.example/";
    seed.auth.scope = "read";
    seed.auth.public_client = argc == 2;
    seed.name = "C \"client\"";
    seed.version = "1.0.0";
    e = mcpt_store_seed_create(&seed, &oauth, work, sizeof(work));
    if (e != MCPT_OK) {
        return fail("create", e);
    }
    if (begin() != MCPT_CLIENT_USER) {
        return fail("connect", mcpt_client_outcome(&client));
    }
    e = mcpt_store_seed_url(&seed, &url);
    if (e != MCPT_OK) {
        return fail("url", e);
    }
    printf("%s\n%.*s\n", seed.id, (int)url.len, url.ptr);
    return 0;
}

static int logout(void)
{
    if (begin() != MCPT_CLIENT_READY) {
        return fail("connect", mcpt_client_outcome(&client));
    }
    mcpt_oauth_logout(&oauth);
    mcpt_client_close(&client);
    while (mcpt_client_status(&client) != MCPT_CLIENT_CLOSED && mcpt_posix_client_poll(&net, -1) == MCPT_OK) {
    }
    return 0;
}

int main(int argc, char **argv)
{
    mcpt_store_seed_config config;
    mcpt_err e;
    int code = 2;

    memset(&config, 0, sizeof(config));
    if (argc < 4 || mcpt_mbedtls_init(&crypto, NULL, 0) != MCPT_OK) {
        return 2;
    }
    if (strncmp(argv[1], "seedfile:", 9) == 0) {
        static char whole[1 << 20];
        static mcpt_tok rows[16384];
        config.records = mcpt_store_seed_file_open(&file, argv[1] + 9, whole, sizeof(whole), rows, MCPT_COUNT(rows)) == MCPT_OK ? &file.store : NULL;
    } else {
        config.records = store_by_name(&medium, argv[1], 64, true, NULL);
    }
    config.dated = strncmp(argv[1], "redis", 5) == 0;
    config.env = &env;
    config.mem = mem;
    config.size = sizeof(mem);
    e = mcpt_store_seed_init(&seed, &config);
    if (e != MCPT_OK) {
        return fail("store", e);
    }
    if (strcmp(argv[2], "create") == 0) {
        code = create(argv + 3, argc - 3);
    } else if (strcmp(argv[2], "complete") == 0) {
        e = mcpt_store_seed_complete(&seed, mcpt_z(argv[3]), &oauth, work, sizeof(work));
        code = e == MCPT_OK ? call() : fail("complete", e);
    } else {
        e = mcpt_store_seed_open(&seed, argv[3], &oauth, work, sizeof(work));
        code = e != MCPT_OK ? fail("open", e) : strcmp(argv[2], "logout") == 0 ? logout() : call();
    }
    mcpt_posix_client_close(&net);
    mcpt_store_seed_close(&seed);
    return code;
}
