/* startup.c - from reset to main() on a Cortex-M3: memory protection, stack paint, timer, faults */
#include "board.h"
#include <string.h>

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define SYST_CSR REG(0xe000e010u)
#define SYST_RVR REG(0xe000e014u)
#define SYST_CVR REG(0xe000e018u)
#define NVIC_ISER(n) REG(0xe000e100u + 4u * (n))
#define NVIC_ICER(n) REG(0xe000e180u + 4u * (n))
#define SCB_ICSR REG(0xe000ed04u)
#define SCB_AIRCR REG(0xe000ed0cu)
#define SCB_CCR REG(0xe000ed14u)
#define SCB_SHCSR REG(0xe000ed24u)
#define SCB_CFSR REG(0xe000ed28u)
#define SCB_MMFAR REG(0xe000ed34u)
#define MPU_CTRL REG(0xe000ed94u)
#define MPU_RNR REG(0xe000ed98u)
#define MPU_RBAR REG(0xe000ed9cu)
#define MPU_RASR REG(0xe000eda0u)

extern uint32_t link_stack_end[], link_stack[], link_data[], link_data_end[], link_data_load[], link_bss[], link_bss_end[];
extern const uint8_t link_ram_log2[], link_flash_log2[];      /* their addresses are the values */
int main(void);
void board_start(void);
void board_fault_handler(void);
__attribute__((used)) void board_fault_report(const uint32_t *frame);    /* called from assembly */
void board_tick(void);

enum { PAINT = 0x5afe57ac };
static volatile uint32_t ticks, silenced[2];

/* -- memory protection: code is read-only, nothing else is executed, address 0 and all that is not listed is nothing. The
 * stack lies at the bottom of RAM: what overflows it leaves RAM and faults, and overwrites nothing. */
enum { RO = 6u << 24, RW = 3u << 24, NEVER = 0, XN = 1u << 28, NORMAL = 2u << 16, DEVICE = 5u << 16 };

static void protect(uint32_t region, uint32_t base, uint32_t log2, uint32_t what)
{
    MPU_RNR = region;
    MPU_RBAR = base;
    MPU_RASR = what | (log2 - 1) << 1 | 1u;
}

static void protect_all(void)
{
    protect(0, 0x00000000u, (uint32_t)(uintptr_t)link_flash_log2, RO | NORMAL);
    protect(1, 0x20000000u, (uint32_t)(uintptr_t)link_ram_log2, RW | XN | NORMAL);
    protect(2, 0x40000000u, 29, RW | XN | DEVICE);
    protect(3, 0x00000000u, 8, NEVER | XN | NORMAL);          /* the vectors: only the processor fetches them */
    MPU_CTRL = 1;                     /* without the default map */
    __asm volatile("dsb\n isb" ::: "memory");
}

/* -- faults. The stack may be what is broken, so it begins anew; where the fault happened is read only if it can be. */
__attribute__((naked)) void board_fault_handler(void)
{
    __asm volatile("mrs r0, msp\n ldr r1, =link_stack_end\n msr msp, r1\n b board_fault_report");
}

void board_fault_report(const uint32_t *frame)
{
    uint32_t pc = frame >= link_stack && frame + 8 <= link_stack_end ? frame[6] : 0;
    uint32_t status = SCB_CFSR;
    board_fault("fault", status, (status & 0x80u) != 0 ? SCB_MMFAR : pc);
    for (;;) {
    }
}

/* -- time and sleep */
void board_tick(void)
{
    ++ticks;
}

uint32_t board_millis(void)
{
    return ticks;
}

void board_on_interrupt(void)
{
    uint32_t line = (SCB_ICSR & 0x1ffu) - 16u;
    NVIC_ICER(line / 32u) = 1u << (line % 32u);
    silenced[line / 32u] |= 1u << (line % 32u);
}

void board_sleep(void)
{
    unsigned n;
    __asm volatile("cpsid i" ::: "memory");
    if ((silenced[0] | silenced[1]) == 0) {
        __asm volatile("dsb\n wfi" ::: "memory");             /* wakes for what is pending, masked or not */
    }
    for (n = 0; n < 2; ++n) {
        NVIC_ISER(n) = silenced[n];
        silenced[n] = 0;
    }
    __asm volatile("cpsie i\n isb" ::: "memory");
}

/* -- the stack is painted at reset; what is not painted any more was used */
uint32_t board_stack_size(void)
{
    return (uint32_t)(link_stack_end - link_stack) * 4u;
}

uint32_t board_stack_used(void)
{
    const uint32_t *p = link_stack;
    while (p < link_stack_end && *p == (uint32_t)PAINT) {
        ++p;
    }
    return (uint32_t)(link_stack_end - p) * 4u;
}

void board_reset(void)
{
    SCB_AIRCR = 0x05fa0004u;
    for (;;) {
    }
}

void board_start(void)
{
    uint32_t *p;
    register uint32_t *sp __asm("sp");
    for (p = link_stack; p < sp; ++p) {
        *p = (uint32_t)PAINT;
    }
    memcpy(link_data, link_data_load, (size_t)((char *)link_data_end - (char *)link_data));
    memset(link_bss, 0, (size_t)((char *)link_bss_end - (char *)link_bss));
    SCB_SHCSR = 7u << 16;             /* memory, bus and usage faults of their own */
    SCB_CCR |= 1u << 4;               /* division by zero faults */
    protect_all();
    board_init();
    SYST_RVR = board_hz / 1000u - 1u;
    SYST_CVR = 0;
    SYST_CSR = 7;
    (void)main();
    board_reset();
}

__attribute__((section(".vectors"), used)) static void (*const system_vectors[16])(void) = {
    (void (*)(void))(uintptr_t)link_stack_end, board_start, board_fault_handler, board_fault_handler, board_fault_handler,
    board_fault_handler, board_fault_handler, 0, 0, 0, 0, board_fault_handler, board_fault_handler, 0, board_fault_handler,
    board_tick
};
