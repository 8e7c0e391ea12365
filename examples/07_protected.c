/* 07: a device behind access tokens. It tells clients where to get one, checks what they bring, and asks for a second
 * scope when a tool needs it.
 *   build/o/examples/07_protected AUTHORIZATION-SERVER-URL [PORT]
 * The tokens stand in a table here, for development; a product names mcpt_jwt_verify (JWTs with the key set of the
 * authorization server) or another verifier instead of mcpt_fixed_verify, and its own URL in mcpt_identity.base_url, or
 * no token is for it.
 * By hand:
 *   cc -I. examples/07_protected.c port/posix.c port/posix_env.c port/tls.c port/crypto_mbedtls.c -lmbedcrypto -o valve */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "port/crypto_mbedtls.h"
#include "port/posix.h"
#include <stdio.h>
#include <stdlib.h>

static bool open_now;

static mcpt_err read_valve(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)args;
    mcpt_structured(out);
    mcpt_kv_bool(out, "open", open_now);
    mcpt_kv_str(out, "asked_by", call->who->subject);       /* never NULL behind a guard */
    mcpt_end(out);
    return MCPT_OK;
}

static mcpt_err set_valve(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    open_now = mcpt_bool_or(mcpt_get(args, "open"), false);
    return read_valve(call, args, out);
}

static const mcpt_tool tools[] = {
    MCPT_TOOL("read_valve", "Is the valve open?", NULL, read_valve, MCPT_READ_ONLY),
    { .name = "set_valve", .description = "Opens or closes the valve.", .fn = set_valve, .scopes = "valve:write",
      .input_schema = "{\"type\":\"object\",\"properties\":{\"open\":{\"type\":\"boolean\"}},\"required\":[\"open\"]}" }
};

static const mcpt_fixed_token rows[] = {
    { "reader-token", "ada", "app", "valve:read", 0 },
    { "writer-token", "ada", "app", "valve:read valve:write", 0 }
};
static mcpt_fixed_tokens tokens = { rows, MCPT_COUNT(rows) };
static mcpt_prm metadata = { .resource_name = "Valve", .scopes_supported = "valve:read" };
static const mcpt_guard guard = { .verify = mcpt_fixed_verify, .user = &tokens, .scopes = "valve:read", .prm = &metadata };
static const mcpt_env env = { .millis = mcpt_posix_millis, .unix_time = mcpt_posix_unix_time, .random = mcpt_posix_random,
                              .log = mcpt_posix_log, .crypto = &mcpt_mbedtls_crypto };
static const mcpt_server server = { .name = "valve", .version = "1.0.0", .env = &env, .tools = tools, .ntools = MCPT_COUNT(tools),
                                    .guard = &guard };

int main(int argc, char **argv)
{
    static uint8_t memory[6 << 20];
    static mcpt_verdict verdicts[16];                       /* principals at work, and verdicts remembered for a minute */
    static mcpt_session sessions[8];
    static mcpt_hub hub;
    static mcpt_posix net;
    const mcpt_hub_mem mem = { .sessions = sessions, .nsessions = 8, .verdicts = verdicts, .nverdicts = 16 };
    mcpt_posix_config config = { .server = &server, .hub = &hub, .port = 8080 };
    if (argc < 2) {
        (void)fprintf(stderr, "usage: 07_protected AUTHORIZATION-SERVER-URL [PORT]\n");
        return 2;
    }
    metadata.authorization_servers = argv[1];
    if (argc > 2) {
        config.port = (uint16_t)strtoul(argv[2], NULL, 10);
    }
    if (mcpt_hub_init(&hub, &server, &mem) != MCPT_OK || mcpt_posix_init(&net, &config, memory, sizeof memory) != MCPT_OK) {
        perror("cannot serve on that port");
        return 1;
    }
    (void)mcpt_posix_stop_on_signals(&net);
    (void)printf("valve at http://localhost:%u/mcp\n", (unsigned)mcpt_posix_port(&net));
    (void)fflush(stdout);
    return mcpt_posix_run(&net) == MCPT_OK ? 0 : 1;
}
