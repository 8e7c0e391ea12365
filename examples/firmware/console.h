/* console.h - the second UART: what the firmware measured, as one line of JSON, and the end of an emulation */
#ifndef CONSOLE_H
#define CONSOLE_H
#include "port/lwip.h"

void console_print(const char *text);
/* Answers commands: 'r' reports; 'q' reports and ends the emulation (exit code 0); 'w', 'n', 'f', 'o' must fault: a
 * write to no memory, to address 4, to flash, an overflow of the stack. Any
 * other command is answered to the caller; 0: there is none. */
char console_turn(const mcpt_lwip *net, const mcpt_hub *hub);

#endif
