/* row: the same, JSON Web Tokens by key set, DPoP */
/* cflags: -DMCPT_NO_FLOAT */
#define PROTECTED
#define TOKENS
#include "full.h"
