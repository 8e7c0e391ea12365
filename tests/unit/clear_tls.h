/* TLS without a cipher, for what a transport does around it: close_notify is one byte, '.'. */
#ifndef CLEAR_TLS_H
#define CLEAR_TLS_H
#include "../../port/tls.h"
#include <string.h>

typedef struct clear_text { mcpt_tls_conn c; char in[512], out[512]; uint32_t in_len, out_len; bool closing; } clear_text;

static void clear_take(mcpt_tls_conn *c)
{
    clear_text *t = (clear_text *)(void *)c;
    t->out_len -= c->io.tx_at;
    memmove(t->out, t->out + c->io.tx_at, t->out_len);
    t->in_len += c->io.rx_len;
    c->io.tx_at = c->io.rx_len = 0;
}

static void clear_show(mcpt_tls_conn *c)
{
    clear_text *t = (clear_text *)(void *)c;
    c->io.tx = t->out;
    c->io.tx_len = t->out_len;
    c->io.rx = t->in + t->in_len;
    c->io.rx_cap = (uint32_t)sizeof t->in - t->in_len;
}

static mcpt_err clear_begin(mcpt_tls_conn *c, const char *host)
{
    clear_text *t = (clear_text *)(void *)c;
    t->in_len = t->out_len = 0;
    t->closing = false;
    (void)host;
    return MCPT_OK;
}

static mcpt_err clear_shaken;          /* PENDING: handshakes go on */

static mcpt_err clear_handshake(mcpt_tls_conn *c) { (void)c; return clear_shaken; }

static int32_t clear_read(mcpt_tls_conn *c, char *to, size_t cap)
{
    clear_text *t = (clear_text *)(void *)c;
    uint32_t n = t->in_len < cap ? t->in_len : (uint32_t)cap;
    if (n == 0) {
        return t->in_len != 0 ? MCPT_E_SPACE : 0;
    }
    memcpy(to, t->in, n);
    t->in_len -= n;
    memmove(t->in, t->in + n, t->in_len);
    return (int32_t)n;
}

static int32_t clear_write(mcpt_tls_conn *c, const char *from, size_t n)
{
    clear_text *t = (clear_text *)(void *)c;
    n = n < sizeof t->out - t->out_len ? n : sizeof t->out - t->out_len;
    memcpy(t->out + t->out_len, from, n);
    t->out_len += (uint32_t)n;
    return (int32_t)n;
}

static mcpt_err clear_finish(mcpt_tls_conn *c)
{
    clear_text *t = (clear_text *)(void *)c;
    if (!t->closing && clear_write(c, ".", 1) == 1) {
        t->closing = true;
    }
    return t->out_len != 0 ? MCPT_PENDING : MCPT_OK;
}

static void clear_end(mcpt_tls_conn *c) { (void)c; }

static const mcpt_tls_ops clear_ops = { clear_take, clear_show, clear_begin, clear_handshake, clear_read, clear_write, clear_finish,
                                        clear_end, clear_end };
#endif
