/* The vector table that starts newlib's program on a board of QEMU's; input, output and the end of the program are semihosting. */
#include <stdint.h>

extern void _start(void);
static void stop(void)
{
    for (;;) {
        __asm__ volatile("bkpt 0");
    }
}
typedef union vector { uintptr_t stack; void (*run)(void); } vector;
extern const vector vectors[16];
const vector vectors[16] __attribute__((section(".vectors"), used)) = { { 0x3f0000 }, { .run = _start }, { .run = stop }, { .run = stop }, { .run = stop } };
