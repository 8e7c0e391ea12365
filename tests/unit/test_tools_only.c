/* The smallest server, with the switches of the row "tools only" of make size: it answers, refuses what it was built
 * without, and mcpt_server_check() names the table that needs more. */
#define MCPT_NO_LEGACY 1
#define MCPT_NO_LINES 1
#define MCPT_NO_RESOURCES 1
#define MCPT_NO_PROMPTS 1
#define MCPT_NO_COMPLETION 1
#define MCPT_NO_LISTEN 1
#define MCPT_NO_ASK 1
#define MCPT_NO_TASKS 1
#define MCPT_NO_SCHEMA 1
#define MCPT_NO_METADATA 1
#define MCPT_NO_FLOAT 1
#define MCPT_NO_STRERROR 1
#define MCPT_NO_HOSTED 1
#define MCPT_NO_MCP_PARAM 1
#define MCPT_NO_CLIENT 1
#define MCPT_NO_EXCHANGE 1
#define MCPT_NO_JWT 1
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "test.h"
#include <string.h>

static uint32_t millis(void *user) { (void)user; return 0; }

static mcpt_err read_temperature(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    mcpt_structured(out);
    mcpt_kv_fix(out, "celsius", mcpt_int_or(mcpt_get(args, "channel"), 0), 2);
    mcpt_end(out);
    return MCPT_OK;
}

static char answer[2048];

/* The answer to a request, without the head's bytes of its transmission: status line and all. */
static const char *ask(const mcpt_server *server, const char *method, const char *name, const char *params)
{
    static char rx[1024], tx[512], body[512], text[1024];
    static mcpt_tok tok[32];
    static mcpt_conn conn;
    const mcpt_mem mem = { rx, sizeof(rx), tx, sizeof(tx), tok, 32 };
    size_t at = 0, got = 0, n, len;
    snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s\"_meta\":{"
             "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}", method, params);
    snprintf(text, sizeof(text), "POST /mcp HTTP/1.1\r\nHost: 10.0.0.7\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
             "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: %s\r\n%s%sContent-Length: %u\r\n\r\n%s", method, name, name[0] != '\0' ? "\r\n" : "",
             (unsigned)strlen(body), body);
    len = strlen(text);
    CHECK(mcpt_conn_init(&conn, server, NULL, &mem, MCPT_HTTP, NULL) == MCPT_OK);
    while ((mcpt_io_want(&conn.io) & (MCPT_WANT_TX | MCPT_CLOSED)) != 0 || at < len) {
        const char *from = mcpt_io_tx(&conn.io, &n);
        char *to;
        if (from != NULL && got + n < sizeof(answer)) {
            memcpy(answer + got, from, n);
            got += n;
            mcpt_io_tx_ack(&conn.io, n);
        }
        to = mcpt_io_rx(&conn.io, &n);
        if (to == NULL || at == len) {
            continue;
        }
        n = n < len - at ? n : len - at;
        memcpy(to, text + at, n);
        mcpt_io_rx_ack(&conn.io, n);
        at += n;
    }
    answer[got] = '\0';
    return answer;
}

static char found[256];
static void note(void *user, const char *row, const char *what, mcpt_str keyword)
{
    (void)user;
    (void)keyword;
    snprintf(found, sizeof(found), "%s: %s", row, what);
}

int main(void)
{
    static const mcpt_tool tools[] = { MCPT_TOOL("read_temperature", "Read one probe.", NULL, read_temperature, MCPT_READ_ONLY) };
    static const mcpt_tool param[] = { MCPT_TOOL("a", "d", "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\",\"x-mcp-header\":\"X\"}}}",
                                                 read_temperature, 0) };
    static mcpt_env env;
    static mcpt_server server;
    env.millis = millis;
    server.name = "thermo";
    server.version = "1.0.0";
    server.tools = tools;
    server.ntools = 1;
    server.env = &env;
    CHECK(strstr(ask(&server, "tools/call", "Mcp-Name: read_temperature", "\"name\":\"read_temperature\",\"arguments\":{\"channel\":3},"),
                 "\"structuredContent\":{\"celsius\":0.03}") != NULL);
    CHECK(strncmp(answer, "HTTP/1.1 200 \r\n", 15) == 0);
    CHECK(strstr(ask(&server, "tools/list", "", ""), "\"name\":\"read_temperature\"") != NULL);
    CHECK(strstr(ask(&server, "server/discover", "", ""), "\"capabilities\":{\"tools\":{}}") != NULL);
    CHECK(strstr(ask(&server, "prompts/list", "", ""), "\"code\":-32601") != NULL && strncmp(answer, "HTTP/1.1 404 ", 13) == 0);
    CHECK(strstr(ask(&server, "tools/call", "Mcp-Name: other", "\"name\":\"read_temperature\","), "\"code\":-32020") != NULL);
    CHECK(mcpt_server_check(&server, note, NULL) == MCPT_OK && found[0] == '\0');
    server.tools = param;
    CHECK(mcpt_server_check(&server, note, NULL) == MCPT_E_ARG && strstr(found, "a: x-mcp-header needs") == found);
    return test_end();
}
