/* row: a client: both eras, questions, streams */
/* cflags: -DMCPT_NO_FLOAT -DMCPT_NO_SERVER -DMCPT_NO_EXCHANGE -DMCPT_NO_METADATA */
#include "client.h"
