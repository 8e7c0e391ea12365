/* lm3s6965evb.c - Stellaris LM3S6965 evaluation board (Cortex-M3, PL011 UARTs, built-in Ethernet), as QEMU models it.
 * On real hardware the pins have to be given to the UARTs and the LED as well. */
#include "board.h"

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define RCC REG(0x400fe060u)
#define RCGC0 REG(0x400fe100u)
#define RCGC1 REG(0x400fe104u)
#define RCGC2 REG(0x400fe108u)
#define UART(n, r) REG(0x4000c000u + 0x1000u * (unsigned)(n) + (r))
#define MAC(r) REG(0x40048000u + (r))
#define ADC(r) REG(0x40038000u + (r))
#define GPIO_F(r) REG(0x40025000u + (r))
#define NVIC_ISER(n) REG(0xe000e100u + 4u * (n))

enum { UART_DR = 0, UART_FR = 0x18, UART_IBRD = 0x24, UART_FBRD = 0x28, UART_LCRH = 0x2c, UART_CR = 0x30, UART_IMSC = 0x38,
       UART_ICR = 0x44, FR_TXFF = 1 << 5, FR_RXFE = 1 << 4 };
enum { MAC_RIS = 0, MAC_IM = 4, MAC_RCTL = 8, MAC_TCTL = 12, MAC_DATA = 16, MAC_IA0 = 20, MAC_IA1 = 24, MAC_THR = 28,
       MAC_NP = 52, MAC_TR = 56 };
enum { IRQ_UART0 = 5, IRQ_UART1 = 6, IRQ_MAC = 42 };

const char board_name[] = "lm3s6965evb";
const uint32_t board_hz = 50000000;

static uint32_t word;                 /* what of the frame under way has not been moved yet, */
static unsigned have;                 /* and how many bytes that is */

void board_init(void)
{
    int n;
    RCC = (RCC & ~(0xfu << 23)) | 3u << 23 | 1u << 22;        /* 200 MHz / 4 */
    RCGC0 |= 1u << 16;                /* ADC */
    RCGC1 |= 3u;                      /* UART 0 and 1 */
    RCGC2 |= 0x50000020u;             /* Ethernet MAC and PHY, port F */
    for (n = 0; n < BOARD_UARTS; ++n) {
        UART(n, UART_CR) = 0;
        UART(n, UART_IBRD) = 27;      /* 115200 baud */
        UART(n, UART_FBRD) = 8;
        UART(n, UART_LCRH) = 0x70;    /* 8 bits, FIFOs */
        UART(n, UART_IMSC) = 0x50;    /* received, and received a while ago */
        UART(n, UART_CR) = 0x301;
    }
    GPIO_F(0x400) |= 1u;              /* the LED */
    GPIO_F(0x51c) |= 1u;
    ADC(0x044) = 0x2;                 /* sequencer 0: one sample, then the end */
    ADC(0x000) = 1;
    MAC(MAC_RCTL) = 0x10;             /* receiver: empty the FIFO, then on */
    MAC(MAC_RCTL) = 0x01;
    MAC(MAC_TCTL) = 0x17;             /* transmitter: on, padding, checksum, duplex */
    MAC(MAC_THR) = 0x3f;              /* send only when told to */
    MAC(MAC_IM) = 1;
    NVIC_ISER(0) = 1u << IRQ_UART0 | 1u << IRQ_UART1;
    NVIC_ISER(1) = 1u << (IRQ_MAC - 32);
}

size_t board_uart_read(int uart, char *to, size_t cap)
{
    size_t n = 0;
    while (n < cap && (UART(uart, UART_FR) & FR_RXFE) == 0) {
        to[n++] = (char)UART(uart, UART_DR);
    }
    UART(uart, UART_ICR) = 0x50;
    return n;
}

size_t board_uart_write(int uart, const char *from, size_t len)
{
    size_t n = 0;
    while (n < len && (UART(uart, UART_FR) & FR_TXFF) == 0) {
        UART(uart, UART_DR) = (uint8_t)from[n++];
    }
    return n;
}

void board_mac(uint8_t mac[6])
{
    uint32_t low = MAC(MAC_IA0), high = MAC(MAC_IA1);
    unsigned i;
    for (i = 0; i < 6; ++i) {
        mac[i] = (uint8_t)(i < 4 ? low >> (8 * i) : high >> (8 * (i - 4)));
    }
}

/* The FIFO is read by words. The first two bytes are the length, with themselves and the checksum. */
size_t board_frame(void)
{
    MAC(MAC_RIS) = 1;
    if (MAC(MAC_NP) == 0) {
        return 0;
    }
    word = MAC(MAC_DATA);
    have = 2;
    return (word & 0xffffu) - 6u;
}

void board_frame_read(void *to, size_t len)
{
    uint8_t *at = (uint8_t *)to;
    for (; len > 0; --len) {
        if (have == 0) {
            word = MAC(MAC_DATA);
            have = 4;
        }
        *at++ = (uint8_t)(word >> (8 * (4 - have)));
        --have;
    }
}

void board_frame_end(void)
{
    (void)MAC(MAC_DATA);              /* the checksum */
}

/* To be sent, the length does not count the Ethernet head. */
bool board_send_begin(size_t len)
{
    if ((MAC(MAC_TR) & 1u) != 0) {
        return false;
    }
    word = (uint32_t)len - 14u;
    have = 2;
    return true;
}

void board_send(const void *from, size_t len)
{
    const uint8_t *at = (const uint8_t *)from;
    for (; len > 0; --len) {
        word |= (uint32_t)*at++ << (8 * have);
        if (++have == 4) {
            MAC(MAC_DATA) = word;
            word = 0;
            have = 0;
        }
    }
}

void board_send_end(void)
{
    if (have != 0) {
        MAC(MAC_DATA) = word;
    }
    MAC(MAC_TR) = 1;
}

void board_led(bool on)
{
    GPIO_F(0x004) = on;
}

/* The converter's reading of a channel, 0..1023, as thousandths of 3 V. */
int32_t board_sensor(unsigned channel)
{
    int spin = 1000;
    ADC(0x040) = channel & 3u;
    ADC(0x028) = 1;
    while ((ADC(0x04c) & 0x100u) != 0 && spin-- > 0) {
    }
    return (int32_t)((ADC(0x048) & 0x3ffu) * 3000u / 1024u);
}

__attribute__((section(".board_vectors"), used)) static void (*const vectors[48])(void) = {
    [IRQ_UART0] = board_on_interrupt, [IRQ_UART1] = board_on_interrupt, [IRQ_MAC] = board_on_interrupt
};
