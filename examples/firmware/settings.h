/* settings.h - what the device remembers over a restart */
#ifndef SETTINGS_H
#define SETTINGS_H
#include "mcptools.h"

const mcpt_store *settings_open(void);                        /* NULL: the medium failed */
bool settings_clear(void);            /* forgets all of it, down to the last cell */

#endif
