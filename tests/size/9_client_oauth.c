/* row: the same with authorization: every grant, records in a store */
/* cflags: -DMCPT_NO_FLOAT -DMCPT_NO_SERVER -DMCPT_NO_EXCHANGE -DMCPT_NO_JWT */
#define AUTHORIZED
#include "client.h"
