/* row: modern server, everything, HTTP and lines */
/* cflags: -DMCPT_NO_LEGACY -DMCPT_NO_FLOAT -DMCPT_NO_GUARD -DMCPT_NO_EXCHANGE */
#include "full.h"
