/* What the official conformance suite expects to find at a server: its tools, prompts and resources, plus a
 * tool "echo". Only mcptools.h is used: the same tables serve a workstation and a board with 64 KB of RAM. */
#ifndef FIXTURES_H
#define FIXTURES_H
#include "mcptools.h"

enum {                                /* memory that passes the whole suite; a server may give more */
    FIXTURES_RX = 1536,
    FIXTURES_TX = 1536,
    FIXTURES_TOKENS = 80,
    FIXTURES_CONNECTIONS = 6,         /* the suite's HTTP client keeps that many open */
    FIXTURES_SESSIONS = 3,
    FIXTURES_LISTENERS = 3,
    FIXTURES_SLOTS = 20,              /* it makes nearly as many tasks, some of a minute */
    FIXTURES_SLOT_SIZE = 1024,
    FIXTURES_REPLAY_SIZE = 512
};

/* Fills *server. hub is where list changes are told; it may be initialised later. Call it once. */
void fixtures_server(mcpt_server *server, const mcpt_env *env, mcpt_hub *hub);

#endif
