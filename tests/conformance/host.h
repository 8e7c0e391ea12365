/* What the fixture servers on a workstation share: the environment, the hub's memory, the command line:
 *   --port N   0, or without it: any free one
 *   --small    not plenty of memory but what fixtures.h says is enough */
#ifndef FIXTURES_HOST_H
#define FIXTURES_HOST_H
#include "fixtures.h"
#include "port/crypto_mbedtls.h"
#include "port/posix_env.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 64, LISTENERS = 64, SLOTS = 64, SLOT_SIZE = 8192, REPLAY_SIZE = 8192, TOKENS = 512 };

static const mcpt_env host_env = {
    mcpt_posix_millis, mcpt_posix_unix_time, mcpt_posix_random, mcpt_posix_log, &mcpt_mbedtls_crypto, NULL
};
static mcpt_server host_server;
static mcpt_hub host_hub;
static bool host_small;

static void host_finding(void *user, const char *row, const char *what, mcpt_str detail)
{
    (void)user;
    (void)fprintf(stderr, "%s: %s %.*s\n", row, what, (int)detail.len, detail.ptr != NULL ? detail.ptr : "");
}

/* False: it has said why not. */
static bool host_init(void)
{
    static mcpt_session sessions[SESSIONS];
    static mcpt_listener listeners[LISTENERS];
    static mcpt_slot slots[SLOTS];
    static uint8_t slot_data[SLOTS * SLOT_SIZE], replay[SESSIONS * REPLAY_SIZE];
    static mcpt_tok tok[TOKENS];
    const mcpt_hub_mem mem = {
        .sessions = sessions, .nsessions = host_small ? FIXTURES_SESSIONS : SESSIONS,
        .listeners = listeners, .nlisteners = host_small ? FIXTURES_LISTENERS : LISTENERS,
        .slots = slots, .nslots = host_small ? FIXTURES_SLOTS : SLOTS,
        .slot_data = slot_data, .slot_size = host_small ? FIXTURES_SLOT_SIZE : SLOT_SIZE,
        .replay = replay, .replay_size = host_small ? FIXTURES_REPLAY_SIZE : REPLAY_SIZE,
        .tok = tok, .ntok = host_small ? FIXTURES_TOKENS : TOKENS
    };
    mcpt_err e;
    fixtures_server(&host_server, &host_env, &host_hub);
    if (mcpt_server_check(&host_server, host_finding, NULL) != MCPT_OK) {
        return false;
    }
    e = mcpt_hub_init(&host_hub, &host_server, &mem);
    if (e != MCPT_OK) {
        (void)fprintf(stderr, "hub: %s\n", mcpt_strerror(e));
    }
    return e == MCPT_OK;
}

/* The port; -1 when the command line is something else. */
static long host_port(int argc, char **argv)
{
    long port = 0;
    for (int i = 1; i < argc && port >= 0; i++) {
        char *end = NULL;
        if (strcmp(argv[i], "--small") == 0) {
            host_small = true;
        } else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            port = strtol(argv[++i], &end, 10);
            port = *end == 0 && port <= 65535 ? port : -1;
        } else {
            port = -1;
        }
    }
    if (port < 0) {
        (void)fprintf(stderr, "usage: %s [--port N] [--small]\n", argv[0]);
    }
    return port;
}

#endif
