/* row: modern server, everything, HTTP and lines */
/* cflags: -DMCPT_NO_LEGACY -DMCPT_NO_METADATA -DMCPT_NO_FLOAT */
#include "full.h"
