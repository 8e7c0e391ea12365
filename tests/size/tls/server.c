/* row: server */
#define SERVER 1
#include "common.h"
