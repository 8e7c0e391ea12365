/* row: full server: four revisions, HTTP and lines */
/* cflags: -DMCPT_NO_FLOAT -DMCPT_NO_GUARD -DMCPT_NO_EXCHANGE */
#include "full.h"
