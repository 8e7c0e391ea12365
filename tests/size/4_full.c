/* row: full server: four revisions, HTTP and lines */
/* cflags: -DMCPT_NO_METADATA -DMCPT_NO_FLOAT */
#include "full.h"
