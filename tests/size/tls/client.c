/* row: client */
#define SERVER 0
#include "common.h"
