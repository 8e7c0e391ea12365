/* row: JSON only: writer, scanner, reader */
/* cflags: -DMCPT_NO_SERVER -DMCPT_NO_FLOAT */
#include "mcptools.h"

extern volatile char port_in[64];
volatile char port_in[64];
int main(void);

int main(void)
{
    static mcpt_tok tok[32];
    static char text[64];
    mcpt_doc doc;
    mcpt_writer w;
    mcpt_str out;
    int64_t v = 0;

    text[0] = port_in[0];
    if (mcpt_parse(&doc, mcpt_z(text), tok, 32) != MCPT_OK || mcpt_get_int(mcpt_get(mcpt_root(&doc), "a"), &v) != MCPT_OK ||
        mcpt_get_str(mcpt_at(mcpt_root(&doc), 1), text, sizeof(text), &out) != MCPT_OK) {
        return 1;
    }
    mcpt_w_init(&w, text, sizeof(text));
    mcpt_obj(&w);
    mcpt_kv_int(&w, "a", v);
    mcpt_kv_str(&w, "b", out);
    mcpt_end(&w);
    return mcpt_w_done(&w, &out);
}
