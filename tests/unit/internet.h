/* The other end of an exchange in drive.h's world. */
#ifndef INTERNET_H
#define INTERNET_H
#include "drive.h"

/* The internet: what the device asked for, is the result; it is answered in pieces, then the connection ends. */
static inline const char *internet(mcpt_exchange *x, const char *says)
{
    char *sent = text_room(2048);
    size_t at = 0;
    size_t n = strlen(says);
    size_t k;

    CHECK(mcpt_exchange_origin(x) != NULL);
    mcpt_exchange_connected(x);
    while ((mcpt_io_want(&x->io) & MCPT_CLOSED) == 0) {
        const char *from = mcpt_io_tx(&x->io, &k);
        char *to;

        if (from != NULL) {
            CHECK(at + k < 2048);
            memcpy(sent + at, from, k);
            at += k;
            mcpt_io_tx_ack(&x->io, k);
            continue;
        }
        to = mcpt_io_rx(&x->io, &k);
        if (n != 0 && to != NULL) {
            k = least(least(n, 50), k);
            memcpy(to, says, k);
            says += k;
            n -= k;
            mcpt_io_rx_ack(&x->io, k);
        } else {
            mcpt_io_eof(&x->io);
        }
    }
    sent[at] = '\0';
    return sent;
}
#endif
