/* common.h: what the measured programs share: a world that does nothing, and a pump without a socket. */
#include "mcptools.h"

extern volatile char port_in[64];
extern volatile char port_out[64];
volatile char port_in[64];
volatile char port_out[64];

static uint32_t millis(void *user) { (void)user; return 0; }
static int64_t unix_time(void *user) { (void)user; return -1; }
static bool random_bytes(void *user, void *buf, size_t len) { (void)user; (void)buf; (void)len; return true; }

static inline void pump(mcpt_io *io)
{
    size_t n;

    while ((mcpt_io_want(io) & MCPT_CLOSED) == 0) {
        const char *out = mcpt_io_tx(io, &n);
        char *in;

        if (out != NULL) {
            port_out[0] = out[0];
            mcpt_io_tx_ack(io, n);
        }
        in = mcpt_io_rx(io, &n);
        if (in != NULL) {
            in[0] = port_in[0];
            mcpt_io_rx_ack(io, 1);
        }
    }
}
