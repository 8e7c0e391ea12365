/* 03: resources that lie in flash, that are computed, that follow a template; and a prompt with completion.
 *   build/o/examples/03_prompts_and_resources [PORT]    serves http://localhost:8080/mcp */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "port/posix.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *id, *place; int millivolt; } channels[] = {
    { "1", "boiler", 1210 }, { "2", "roof", 875 }, { "3", "cellar", 402 }
};

/* Computed when it is read. Parts of one text, written as they come: no buffer of our own. */
static mcpt_err read_summary(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    (void)call;
    (void)uri;
    mcpt_text_begin(out);
    for (size_t i = 0; i < MCPT_COUNT(channels); i++) {
        mcpt_str_add(out, mcpt_z(channels[i].id));
        mcpt_str_add(out, mcpt_z(" is at the "));
        mcpt_str_add(out, mcpt_z(channels[i].place));
        mcpt_str_add(out, mcpt_z("\n"));
    }
    mcpt_text_end(out);
    return MCPT_OK;
}

/* volt://{id}: the template's variable, and "there is no such thing" when it names nothing. */
static mcpt_err read_channel(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    char buf[16], text[32];
    mcpt_str id;
    (void)uri;
    if (mcpt_uri_var(call, "id", buf, sizeof buf, &id) == MCPT_OK) {
        for (size_t i = 0; i < MCPT_COUNT(channels); i++) {
            if (mcpt_str_is(id, channels[i].id)) {
                (void)snprintf(text, sizeof text, "%d mV", channels[i].millivolt);
                mcpt_text_z(out, text);
                return MCPT_OK;
            }
        }
    }
    return MCPT_E_NOT_FOUND;
}

/* The same proposals for the template's id and for the prompt's channel. */
static mcpt_err complete_id(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context,
                            mcpt_writer *out)
{
    (void)call;
    (void)argument;
    (void)context;
    for (size_t i = 0; i < MCPT_COUNT(channels); i++) {
        if (strncmp(channels[i].id, value.ptr, value.len) == 0) {
            mcpt_completion(out, mcpt_z(channels[i].id));
        }
    }
    return MCPT_OK;
}

static mcpt_err explain(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[16];
    mcpt_str id;
    (void)call;
    if (mcpt_get_str(mcpt_get(args, "channel"), buf, sizeof buf, &id) != MCPT_OK) {
        return MCPT_E_PARAMS;
    }
    mcpt_message(out, "user");
    mcpt_text_begin(out);
    mcpt_str_add(out, mcpt_z("Read volt://"));
    mcpt_str_add(out, id);
    mcpt_str_add(out, mcpt_z(" and explain the value to somebody who has never seen the plant."));
    mcpt_text_end(out);
    return MCPT_OK;
}

static const char manual[] = "Voltages are measured against ground. 1000 mV is one volt.\n";
static const mcpt_resource resources[] = {
    { .uri = "volt://manual", .name = "manual", .mime = "text/plain",
      .data = manual, .size = sizeof manual - 1 },
    { .uri = "volt://summary", .name = "summary", .mime = "text/plain", .fn = read_summary },
    { .uri = "volt://{id}", .name = "channel", .mime = "text/plain", .fn = read_channel,
      .complete = complete_id }
};
static const mcpt_prompt_arg args[] = { { "channel", "Channel", "Number of the channel", true } };
static const mcpt_prompt prompts[] = {
    { .name = "explain", .description = "Explains a channel's voltage.", .args = args, .nargs = 1,
      .fn = explain, .complete = complete_id }
};
static const mcpt_server server = {
    .name = "volt", .version = "1.0.0", .env = &mcpt_posix_env,
    .resources = resources, .nresources = MCPT_COUNT(resources),
    .prompts = prompts, .nprompts = MCPT_COUNT(prompts), .offers = MCPT_OFFER_COMPLETIONS
};

int main(int argc, char **argv)
{
    static uint8_t memory[6 << 20];
    static const mcpt_hub_mem nothing = { 0 };
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
    (void)printf("volt at http://localhost:%u/mcp\n", (unsigned)mcpt_posix_port(&net));
    (void)fflush(stdout);
    return mcpt_posix_run(&net) == MCPT_OK ? 0 : 1;
}
