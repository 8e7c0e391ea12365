/* Instructions per request on the board: the requests of tests/bench/mem.c, from request bytes to answer bytes, without a
 * network. To be run with -icount shift=0, where an instruction takes a nanosecond of emulated time: then the system timer,
 * divided by how many of its ticks that is, counts instructions exactly to a tick. Prints "instructions NAME IN OUT COUNT". */
#define BENCH_BOARD
#define ROWS 20
#define CRYPTO board_crypto
#include "examples/firmware/board.h"
#include "examples/firmware/emulation_only.h"
#include "mcptools.h"
static const mcpt_crypto board_crypto;
#include "tests/bench/mem.c"

static const mcpt_crypto board_crypto = { .sha256 = mcpt_mbedtls_sha256, .hmac_sha256 = mcpt_mbedtls_hmac_sha256 };
enum { TIMES = 50, LONGEST = 0xffffff };
#define SYST(n) (*(volatile uint32_t *)(uintptr_t)(0xe000e010u + 4u * (n)))

static uint32_t ticks_of(const struct item *it, uint32_t times)
{
    uint32_t begin, n;
    begin = SYST(2);
    for (n = times; n > 0; --n) {
        (void)once(it);
    }
    return (begin - SYST(2)) & LONGEST;                       /* it counts down */
}

/* 200,000 instructions must count as such. */
static void calibrate(uint32_t per_tick)
{
    uint32_t begin = SYST(2), n = 100000, counted;
    __asm volatile("1: subs %0, #1\n bne 1b" : "+r"(n) :: "cc");
    counted = ((begin - SYST(2)) & LONGEST) * per_tick;
    if (counted < 199900 || counted > 200200) {
        board_fault("not with -icount shift=0", counted, 0);
    }
}

static void print_number(uint32_t v)
{
    char text[12];
    char *at = text + sizeof text;
    *--at = '\0';
    do {
        *--at = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    emulation_only_print(" ");
    emulation_only_print(at);
}

int main(void);
int main(void)
{
    const uint32_t per_tick = 1000000000u / board_hz;
    size_t i, out;
    uint32_t all, one;
    SYST(0) = 0;
    SYST(1) = LONGEST;
    SYST(2) = 0;
    SYST(0) = 5;                      /* no interrupt */
    calibrate(per_tick);
    for (i = 0; i < MCPT_COUNT(items); ++i) {
        const struct item *it = &items[i];
        if (it->tools > ROWS || it->how == STREAM) {    /* its connection is made anew, and would count */
            continue;
        }
        if (!prepare(it)) {
            board_fault("no connection", 0, 0);
        }
        out = once(it);
        if (!answered(it)) {
            emulation_only_print(answer != NULL ? answer : "no answer");
            board_fault(it->name, 0, 0);
        }
        one = ticks_of(it, 1);
        all = ticks_of(it, TIMES + 1);
        emulation_only_print("instructions ");
        emulation_only_print(it->name);
        print_number((uint32_t)strlen(request));
        print_number((uint32_t)out);
        print_number((all - one) * per_tick / TIMES);
        emulation_only_print("\n");
    }
    emulation_only_exit(0);
    return 0;
}
