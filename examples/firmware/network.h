/* network.h - lwIP on a board's Ethernet, and the turn of the main loop of a firmware that serves MCP */
#ifndef NETWORK_H
#define NETWORK_H
#include "port/lwip.h"

/* lwIP with one interface and a static address: 10.0.2.15/24, what QEMU's user network expects. */
void network_init(void);
/* Moves frames and runs lwIP's timers. True: there were some. */
bool network_move(void);
/* The same, and the server; then sleeps until the next interrupt. */
void network_turn(mcpt_lwip *net);

/* For tests: of the frames of a direction every drop-th is lost, every swap-th comes after the one behind it, every hold-th
 * comes hold_ms late. 0: none. Frames to send that the controller does not take are lost too: TCP repeats them. */
typedef struct network_trouble {
    uint32_t drop, swap, hold, hold_ms;
    uint32_t frames, dropped, late;   /* so far */
    struct pbuf *aside;               /* to come late */
    uint32_t since;
} network_trouble;
extern network_trouble network_trouble_in, network_trouble_out;

#endif
