/* 04: a tool that asks the user before it acts, and then waits for slow work done by another thread.
 * The same handler serves clients that are asked over an open stream (2025-11-25 and before) and clients that
 * come back with the answer (2026-07-28).
 *   build/o/examples/04_ask_and_wait [PORT]    serves http://localhost:8080/mcp */
#define _GNU_SOURCE
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "port/crypto_mbedtls.h"
#include "port/posix.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define JSON(...) #__VA_ARGS__

/* The valve: moves by itself, a tenth each 200 ms, and rings when it has. On a board this is an interrupt. */
static struct {
    pthread_mutex_t lock;
    int position, target;                       /* tenths */
    mcpt_ticket ticket;                         /* whom to wake; flag NULL: nobody */
} valve = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *valve_thread(void *unused)
{
    for (;;) {
        (void)usleep(200 * 1000);
        (void)pthread_mutex_lock(&valve.lock);
        if (valve.position != valve.target) {
            valve.position += valve.position < valve.target ? 1 : -1;
            if (valve.ticket.flag != NULL) {
                mcpt_wake(valve.ticket);        /* the only call allowed outside the server's thread */
            }
        }
        (void)pthread_mutex_unlock(&valve.lock);
    }
    return unused;
}

static mcpt_err move_valve(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t target = mcpt_int_or(mcpt_get(args, "tenths"), 0);
    mcpt_val answer;
    int position;
    if (call->scratch[0] == 0) {                /* not asked yet, or not answered */
        mcpt_err e = mcpt_ask_form(call, "sure", "Somebody may work on the pipe. Move the valve?", JSON({
            "type": "object",
            "properties": { "sure": { "type": "boolean", "title": "Nobody does. Move it" } },
            "required": [ "sure" ]
        }), &answer);
        if (e != MCPT_OK) {
            return e;                           /* asking, declined, or a client that cannot be asked */
        }
        if (!mcpt_bool_or(mcpt_get(answer, "sure"), false)) {
            return mcpt_fail(out, "The user did not agree. The valve has not moved.");
        }
        call->scratch[0] = 1;                   /* kept from run to run */
    }
    (void)pthread_mutex_lock(&valve.lock);
    valve.target = call->cancelled ? valve.position : (int)target;
    valve.ticket = mcpt_call_ticket(call);
    position = valve.position;
    if (position == valve.target) {
        valve.ticket.flag = NULL;
    }
    (void)pthread_mutex_unlock(&valve.lock);
    if (call->cancelled) {
        return MCPT_E_CANCELLED;                /* the valve stays where it is */
    }
    (void)mcpt_progress(call, call->pass, 0, "the valve moves");
    if (position != target) {
        mcpt_retry_after(call, 1000);           /* another call may have taken the bell: look by ourselves */
        return MCPT_PENDING;                    /* until the thread wakes us */
    }
    mcpt_text_z(out, "The valve is there.");
    return MCPT_OK;
}

static const mcpt_tool tools[] = {
    { .name = "move_valve", .description = "Moves the valve, if the user agrees. 0 is closed, 10 is open.",
      .input_schema = JSON({
          "type": "object",
          "properties": { "tenths": { "type": "integer", "minimum": 0, "maximum": 10 } },
          "required": [ "tenths" ]
      }),
      .fn = move_valve, .rate = 60, .burst = 20 }
};
static const mcpt_env env = {
    mcpt_posix_millis, mcpt_posix_unix_time, mcpt_posix_random, mcpt_posix_log, &mcpt_mbedtls_crypto, NULL
};
static const mcpt_server server = {
    .name = "valve", .version = "1.0.0", .env = &env, .tools = tools, .ntools = MCPT_COUNT(tools)
};

int main(int argc, char **argv)
{
    static mcpt_session sessions[8];            /* clients that are asked over a stream need a session */
    static mcpt_slot slots[8];                  /* calls that wait */
    static uint8_t memory[6 << 20], slot_data[8 * 2048];
    static mcpt_tok tok[128];
    static mcpt_rate rates[MCPT_COUNT(tools)];
    static const mcpt_hub_mem mem = {
        .sessions = sessions, .nsessions = 8, .slots = slots, .nslots = 8, .slot_data = slot_data,
        .slot_size = 2048, .tok = tok, .ntok = MCPT_COUNT(tok), .rates = rates
    };
    static mcpt_hub hub;
    static mcpt_posix net;
    mcpt_posix_config config = { .server = &server, .hub = &hub, .port = 8080 };
    pthread_t thread;
    if (argc > 1) {
        config.port = (uint16_t)strtoul(argv[1], NULL, 10);
    }
    if (mcpt_hub_init(&hub, &server, &mem) != MCPT_OK ||
        mcpt_posix_init(&net, &config, memory, sizeof memory) != MCPT_OK ||
        pthread_create(&thread, NULL, valve_thread, NULL) != 0) {
        perror("cannot serve on that port");
        return 1;
    }
    (void)mcpt_posix_stop_on_signals(&net);
    (void)printf("valve at http://localhost:%u/mcp\n", (unsigned)mcpt_posix_port(&net));
    (void)fflush(stdout);
    return mcpt_posix_run(&net) == MCPT_OK ? 0 : 1;
}
