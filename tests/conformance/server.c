/* The conformance fixtures behind port/posix: build/conformance-server [--port N] [--small], endpoint
 * /mcp, both loopback addresses. Also what the benchmarks measure, so it takes thousands of connections. */
#define _GNU_SOURCE
#include "fixtures.c"
#include "host.h"
#include "port/posix.h"

#include <errno.h>
#include <sys/resource.h>

enum { CONNECTIONS = 8192, BUFFERS = 256 };

static uint8_t memory[64u << 20];               /* untouched pages cost nothing */

int main(int argc, char **argv)
{
    static mcpt_posix net;
    struct rlimit files;
    mcpt_posix_config config = {
        .server = &host_server, .hub = &host_hub, .connections = CONNECTIONS, .buffers = BUFFERS,
        .rx_size = 65536, .tx_size = 65536, .ntok = TOKENS
    };
    long port = host_port(argc, argv);
    if (port < 0 || !host_init()) {
        return 2;
    }
    if (host_small) {
        config.connections = config.buffers = FIXTURES_CONNECTIONS;
        config.rx_size = FIXTURES_RX;
        config.tx_size = FIXTURES_TX;
        config.ntok = FIXTURES_TOKENS;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    config.port = (uint16_t)port;
    errno = 0;
    if (mcpt_posix_init(&net, &config, memory, sizeof memory) != MCPT_OK) {
        (void)fprintf(stderr, "port %ld: %s (%lu bytes of memory needed)\n", port, strerror(errno),
                      (unsigned long)mcpt_posix_size(&config));
        return 1;
    }
    (void)mcpt_posix_stop_on_signals(&net);
    (void)printf("http://localhost:%u/mcp\n", (unsigned)mcpt_posix_port(&net));
    (void)fflush(stdout);
    return mcpt_posix_run(&net) == MCPT_OK ? 0 : 1;
}
