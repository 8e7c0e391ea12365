/* settings.h - what the device remembers over a restart */
#ifndef SETTINGS_H
#define SETTINGS_H
#include "mcptools.h"

const mcpt_store *settings_open(void);                        /* NULL: the medium failed */

#endif
