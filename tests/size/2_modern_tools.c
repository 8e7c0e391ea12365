/* row: modern server, tools only, HTTP */
/* cflags: -DMCPT_NO_LEGACY -DMCPT_NO_LINES -DMCPT_NO_RESOURCES -DMCPT_NO_PROMPTS -DMCPT_NO_COMPLETION -DMCPT_NO_LISTEN -DMCPT_NO_ASK -DMCPT_NO_TASKS -DMCPT_NO_SCHEMA -DMCPT_NO_METADATA -DMCPT_NO_FLOAT -DMCPT_NO_STRERROR -DMCPT_NO_HOSTED -DMCPT_NO_MCP_PARAM */
#include "common.h"

static mcpt_err tool(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    mcpt_structured(out);
    mcpt_kv_fix(out, "celsius", mcpt_int_or(mcpt_get(args, "channel"), 0), 2);
    mcpt_end(out);
    return MCPT_OK;
}

static const mcpt_tool tools[] = { MCPT_TOOL("read_temperature", "Read one probe.", 0, tool, MCPT_READ_ONLY) };
static const mcpt_env env = { millis, unix_time, random_bytes, 0, 0, 0 };
static const mcpt_server server = { .name = "thermo", .version = "1.0.0", .tools = tools, .ntools = 1, .env = &env };
int main(void);

int main(void)
{
    static char rx[1024];
    static char tx[512];
    static mcpt_tok tok[32];
    static mcpt_conn conn;
    const mcpt_mem mem = { rx, sizeof(rx), tx, sizeof(tx), tok, 32 };

    if (mcpt_conn_init(&conn, &server, NULL, &mem, MCPT_HTTP, NULL) != MCPT_OK) {
        return 1;
    }
    pump(&conn.io);
    return 0;
}
