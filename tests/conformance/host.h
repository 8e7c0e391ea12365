/* What the fixture servers on a workstation share: the environment, a hub with plenty of memory, --port. */
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
    static const mcpt_hub_mem mem = {
        .sessions = sessions, .nsessions = SESSIONS, .listeners = listeners, .nlisteners = LISTENERS,
        .slots = slots, .nslots = SLOTS, .slot_data = slot_data, .slot_size = SLOT_SIZE,
        .replay = replay, .replay_size = REPLAY_SIZE, .tok = tok, .ntok = TOKENS
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

/* The number behind --port; 0, any free one, without it; -1 when the command line is something else. */
static long host_port(int argc, char **argv)
{
    char *end = NULL;
    long port;
    if (argc == 1) {
        return 0;
    }
    port = argc == 3 && strcmp(argv[1], "--port") == 0 ? strtol(argv[2], &end, 10) : -1;
    if (end == NULL || *end != 0 || port < 0 || port > 65535) {
        (void)fprintf(stderr, "usage: %s [--port N]\n", argv[0]);
        return -1;
    }
    return port;
}

#endif
