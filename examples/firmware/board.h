/* board.h - what the firmware wants from a board. One file a board; startup.c is common to Cortex-M3 and M4. */
#ifndef BOARD_H
#define BOARD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -- a board's own file. Its interrupt vectors are in the section .board_vectors, behind the system's own 16. */
extern const char board_name[];
enum { BOARD_MCP, BOARD_CONSOLE, BOARD_UARTS };             /* UART 0 carries MCP lines, UART 1 text for people */
extern const uint32_t board_hz;                               /* of the system timer */
void board_init(void);                                        /* clocks, UARTs, Ethernet controller */
size_t board_uart_read(int uart, char *to, size_t cap);       /* does not wait */
size_t board_uart_write(int uart, const char *from, size_t len);          /* what fits, does not wait */
void board_mac(uint8_t mac[6]);
/* One received frame: its length, 0: there is none. Its bytes are then read in pieces, all of them, and the frame ended. */
size_t board_frame(void);
void board_frame_read(void *to, size_t len);
void board_frame_end(void);
/* One frame to send, in pieces, all of it. False: not now. */
bool board_send_begin(size_t len);
void board_send(const void *from, size_t len);
void board_send_end(void);
void board_led(bool on);
int32_t board_sensor(unsigned channel);                       /* 0..3, in thousandths */

/* -- startup.c */
uint32_t board_millis(void);
void board_sleep(void);               /* until the next interrupt, the timer's included (1 ms); returns at once when
                                         one came since the last call */
void board_on_interrupt(void);        /* handler of every device: silences the line until board_sleep() */
uint32_t board_stack_size(void), board_stack_used(void);      /* bytes; the deepest so far */
void board_reset(void);               /* a restart; does not return */
void board_fault(const char *what, uint32_t a, uint32_t b);   /* emulation_only.c here; in a product: log and reset */
#endif
