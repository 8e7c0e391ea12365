/* row: the full server, protected by pairing: its own authorization server */
/* cflags: -DMCPT_NO_FLOAT */
#define PAIRED
#include "full.h"
