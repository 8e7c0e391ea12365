/* 01: a whole device on a serial line, one message a line; here standard input and output are its UART.
 *   echo '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' | build/o/examples/01_minimal */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include <stdio.h>
#include <time.h>

static mcpt_err read_temperature(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t probe = mcpt_int_or(mcpt_get(args, "probe"), 0);    /* 0 to 3: the schema was checked */
    (void)call;
    mcpt_structured(out);
    mcpt_kv_fix(out, "celsius", 2137 + 50 * probe, 2);          /* your sensor, in hundredths */
    mcpt_end(out);
    return MCPT_OK;
}
static const mcpt_tool tools[] = {
    MCPT_TOOL("read_temperature", "Reads one of four probes, in degrees Celsius.",
              "{\"type\":\"object\",\"properties\":{\"probe\":{\"type\":\"integer\","
              "\"minimum\":0,\"maximum\":3}}}", read_temperature, MCPT_READ_ONLY)
};
static uint32_t millis(void *user) { (void)user; return (uint32_t)time(NULL) * 1000u; }
static const mcpt_env env = { .millis = millis };               /* your tick counter */
static const mcpt_server thermo = { .name = "thermo", .version = "1.0.0", .env = &env,
                                    .tools = tools, .ntools = MCPT_COUNT(tools) };
int main(void)
{
    static char rx[1024], tx[1024];
    static mcpt_tok tok[32];
    static mcpt_conn conn;
    const mcpt_mem mem = { rx, sizeof rx, tx, sizeof tx, tok, MCPT_COUNT(tok) };
    const char *out;
    size_t n;
    int c;
    if (mcpt_conn_init(&conn, &thermo, NULL, &mem, MCPT_LINES, NULL) != MCPT_OK) { return 1; }
    while ((mcpt_io_want(&conn.io) & MCPT_CLOSED) == 0) {
        if ((out = mcpt_io_tx(&conn.io, &n)) != NULL) {
            mcpt_io_tx_ack(&conn.io, fwrite(out, 1, n, stdout));
            (void)fflush(stdout);
        } else if ((c = getchar()) == EOF) {
            mcpt_io_eof(&conn.io);
        } else {
            *mcpt_io_rx(&conn.io, &n) = (char)c;
            mcpt_io_rx_ack(&conn.io, 1);
        }
    }
    return 0;
}
