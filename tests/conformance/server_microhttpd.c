/* The conformance fixtures inside libmicrohttpd: build/conformance-server-microhttpd [--port N]
 * [--small], endpoint /mcp, both loopback addresses. */
#define _GNU_SOURCE
#include "fixtures.c"
#include "host.h"
#include "port/microhttpd.h"

#include <errno.h>
#include <signal.h>

static uint8_t memory[16u << 20];
static mcpt_mhd web;

static void stop(int number)
{
    (void)number;
    mcpt_mhd_stop(&web);
}

int main(int argc, char **argv)
{
    mcpt_mhd_config config = {
        .server = &host_server, .hub = &host_hub, .exchanges = 64, .rx_size = 65536, .tx_size = 65536,
        .ntok = TOKENS
    };
    struct sigaction action;
    mcpt_err e;
    long port = host_port(argc, argv);
    if (port < 0 || !host_init()) {
        return 2;
    }
    if (host_small) {
        config.exchanges = FIXTURES_CONNECTIONS;
        config.rx_size = FIXTURES_RX;
        config.tx_size = FIXTURES_TX;
        config.ntok = FIXTURES_TOKENS;
    }
    e = mcpt_mhd_init(&web, &config, memory, sizeof memory);
    if (e == MCPT_OK) {
        errno = 0;
        e = mcpt_mhd_start(&web, NULL, (uint16_t)port);
    }
    if (e != MCPT_OK) {
        (void)fprintf(stderr, "port %ld: %s (%s; %lu bytes of memory needed)\n", port,
                      mcpt_strerror(e), strerror(errno), (unsigned long)mcpt_mhd_size(&config));
        return 1;
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)printf("http://localhost:%u/mcp\n", (unsigned)mcpt_mhd_port(&web));
    (void)fflush(stdout);
    do {
        e = mcpt_mhd_poll(&web, -1);
    } while (e == MCPT_PENDING);
    mcpt_mhd_destroy(&web);
    return e == MCPT_OK ? 0 : 1;
}
