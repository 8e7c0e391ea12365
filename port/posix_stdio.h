/* port/posix_stdio.h - an MCP server on two file descriptors: stdin and stdout, a terminal, a UART device
 *
 * Do this:
 *     static mcpt_conn conn;
 *     static char rx[16384], tx[16384];
 *     static mcpt_tok tok[256];
 *     const mcpt_mem mem = { rx, sizeof rx, tx, sizeof tx, tok, MCPT_COUNT(tok) };
 *     mcpt_posix_stdio(&server, &hub, &conn, &mem, 0, 1, 0);   // until the client closes our standard input
 * Write nothing else to standard output; mcpt_posix_log() writes to standard error, as clients expect it.
 *
 * The descriptors keep the mode they have: O_NONBLOCK would be shared with the shell and with every process
 * that has the same terminal open. They are waited for by poll() and written in pieces that do not block. Put
 * a UART into raw mode with tcsetattr() before (cfmakeraw, the baud rate).
 *
 * Needs: poll() and pipe().
 * Does not: allocate, use threads, install signal handlers (the default action of SIGTERM is the right one
 * here; ignore SIGPIPE to see E_CLOSED instead of being ended when the client goes).
 * RAM: the connection and its buffers, both the caller's, and 150 bytes of stack.
 * Tested with: Debian 12 (Linux 6, glibc 2.36): pipes, socket pairs.
 */
#ifndef MCPT_PORT_POSIX_STDIO_H
#define MCPT_PORT_POSIX_STDIO_H
#include "mcptools.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Serves one MCPT_LINES connection, messages ended by line feeds, until the input ends; then what is in work
 * may go on for stop_ms (0: 5000) and its answers are sent. conn and mem are borrowed until the return. hub
 * is required and drives timers and mcpt_wake(); other connections of the hub are not served meanwhile. in
 * and out may be the same. OK: the input has ended and everything was answered; E_TIMEOUT: something was not,
 * within stop_ms; E_CLOSED: an answer could not be sent because the output was closed; E_IO: the system
 * refused (errno says why); E_ARG and E_ABI as mcpt_conn_init(). */
mcpt_err mcpt_posix_stdio(const mcpt_server *server, mcpt_hub *hub, mcpt_conn *conn, const mcpt_mem *mem,
                          int in, int out, uint32_t stop_ms);

#ifdef __cplusplus
}
#endif
#endif
