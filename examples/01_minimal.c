/* 01: a whole device on a serial line, one message a line; here standard input and output are its UART.
 *   echo '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' | build/examples/01_minimal */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include <stdio.h>
#include <time.h>

static mcpt_err read_temperature(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t probe = mcpt_int_or(mcpt_get(args, "probe"), 0);
    (void)call;
    mcpt_structured(out);
    mcpt_kv_fix(out, "celsius", 2137 + 50 * probe, 2);          /* your sensor, in hundredths */
    mcpt_end(out);
    return MCPT_OK;
}
static const mcpt_tool tools[] = {
    MCPT_TOOL("read_temperature", "Reads one of four probes, in degrees Celsius.",
              "{\"type\":\"object\",\"properties\":{\"probe\":{\"type\":\"integer\","
              "\"minimum\":0,\"maximum\":3}}}",
              read_temperature, MCPT_READ_ONLY)
};
static uint32_t millis(void *user)                              /* your tick counter */
{
    (void)user;
    return (uint32_t)time(NULL) * 1000u;
}
static const mcpt_env env = { .millis = millis };
static const mcpt_server thermo = { .name = "thermo", .version = "1.0.0", .env = &env,
                                    .tools = tools, .ntools = MCPT_COUNT(tools) };

int main(void)
{
    static char rx[1024], tx[1024];
    static mcpt_tok tok[32];
    static mcpt_conn conn;
    const mcpt_mem mem = { rx, sizeof rx, tx, sizeof tx, tok, MCPT_COUNT(tok) };
    unsigned want;
    if (mcpt_conn_init(&conn, &thermo, NULL, &mem, MCPT_LINES, NULL) != MCPT_OK) { return 1; }
    while (!((want = mcpt_io_want(&conn.io)) & MCPT_CLOSED)) {
        size_t n;
        if (want & MCPT_WANT_TX) {
            const char *out = mcpt_io_tx(&conn.io, &n);
            mcpt_io_tx_ack(&conn.io, fwrite(out, 1, n, stdout));
            (void)fflush(stdout);
        } else {
            char *in = mcpt_io_rx(&conn.io, &n);
            int c = getchar();
            if (c == EOF) { mcpt_io_eof(&conn.io); } else { *in = (char)c; mcpt_io_rx_ack(&conn.io, 1); }
        }
    }
    return 0;
}
