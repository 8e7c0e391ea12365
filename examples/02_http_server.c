/* 02: one tool over HTTP, for every MCP client on this machine.
 *   build/o/examples/02_http_server [PORT]
 *   claude mcp add --transport http dice http://localhost:8080/mcp
 * By hand:
 *   cc -I. examples/02_http_server.c port/posix.c port/posix_env.c port/tls.c -o dice && ./dice */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "port/posix.h"
#include <stdio.h>
#include <stdlib.h>

#define JSON(...) #__VA_ARGS__                  /* JSON as it is written, for schemas */

static mcpt_err roll(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    const mcpt_env *env = call->server->env;
    int64_t dice = mcpt_int_or(mcpt_get(args, "dice"), 2), sum = 0;     /* 1 to 10: the schema was checked */
    uint8_t random[10];
    if (!env->random(env->user, random, sizeof random)) {
        return mcpt_fail(out, "This machine has no randomness.");      /* the model reads this */
    }
    mcpt_structured(out);
    mcpt_key(out, "rolled");
    mcpt_arr(out);
    for (int64_t i = 0; i < dice; i++) {
        int64_t eyes = random[i] % 6 + 1;
        mcpt_put_int(out, eyes);
        sum += eyes;
    }
    mcpt_end(out);
    mcpt_kv_int(out, "sum", sum);
    mcpt_end(out);
    return MCPT_OK;
}

static const mcpt_tool tools[] = {
    { .name = "roll", .title = "Roll dice", .description = "Rolls up to ten dice.",
      .input_schema = JSON({
          "type": "object",
          "properties": { "dice": { "type": "integer", "minimum": 1, "maximum": 10, "default": 2 } }
      }),
      .output_schema = JSON({
          "type": "object",
          "properties": {
              "rolled": { "type": "array", "items": { "type": "integer" } },
              "sum": { "type": "integer" }
          },
          "required": [ "rolled", "sum" ]
      }),
      .fn = roll, .flags = MCPT_READ_ONLY | MCPT_CLOSED_WORLD }
};

static const mcpt_server server = {
    .name = "dice", .version = "1.0.0", .env = &mcpt_posix_env, .tools = tools, .ntools = MCPT_COUNT(tools)
};

int main(int argc, char **argv)
{
    static uint8_t memory[6 << 20];             /* connections and their buffers */
    static const mcpt_hub_mem nothing = { 0 };  /* no sessions, subscriptions, questions: none are needed */
    static mcpt_hub hub;
    static mcpt_posix net;
    mcpt_posix_config config = { .server = &server, .hub = &hub, .port = 8080 };
    if (argc > 1) {
        config.port = (uint16_t)strtoul(argv[1], NULL, 10);
    }
    if (mcpt_hub_init(&hub, &server, &nothing) != MCPT_OK ||
        mcpt_posix_init(&net, &config, memory, sizeof memory) != MCPT_OK) {
        perror("cannot serve on that port");
        return 1;
    }
    (void)mcpt_posix_stop_on_signals(&net);
    (void)printf("dice at http://localhost:%u/mcp\n", (unsigned)mcpt_posix_port(&net));
    (void)fflush(stdout);
    return mcpt_posix_run(&net) == MCPT_OK ? 0 : 1;
}
