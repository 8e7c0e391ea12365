/* row: the same, protected: tokens, scopes, metadata, relay */
/* cflags: -DMCPT_NO_FLOAT */
#define PROTECTED
#include "full.h"
