/* mps2_an385.c - MPS2 FPGA board, application note 385 (Cortex-M3, CMSDK UARTs, LAN9118 Ethernet), as QEMU models it */
#include "board.h"

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define UART(n, r) REG(0x40004000u + 0x1000u * (unsigned)(n) + (r))
#define LAN(r) REG(0x40200000u + (r))
#define FPGAIO(r) REG(0x40028000u + (r))
#define NVIC_ISER(n) REG(0xe000e100u + 4u * (n))

enum { UART_DATA = 0, UART_STATE = 4, UART_CTRL = 8, UART_INT = 12, UART_DIV = 16, STATE_TX_FULL = 1, STATE_RX_FULL = 2 };
enum { LAN_RX = 0x00, LAN_TX = 0x20, LAN_RX_STATUS = 0x40, LAN_TX_STATUS = 0x48, LAN_IRQ_CFG = 0x54, LAN_INT_STS = 0x58,
       LAN_INT_EN = 0x5c, LAN_FIFO_INT = 0x68, LAN_TX_CFG = 0x70, LAN_HW_CFG = 0x74, LAN_RX_FIFO = 0x7c, LAN_TX_FIFO = 0x80,
       LAN_CSR_CMD = 0xa4, LAN_CSR_DATA = 0xa8, RX_LEVEL = 1 << 3 };
enum { CSR_CONTROL = 1, CSR_MAC_HIGH = 2, CSR_MAC_LOW = 3 };
enum { IRQ_UART0 = 0, IRQ_UART1 = 2, IRQ_LAN = 13 };          /* receive interrupts */

const char board_name[] = "mps2-an385";
const uint32_t board_hz = 25000000;

static uint32_t word;                 /* what of the frame under way has not been moved yet, */
static unsigned have;                 /* and how many bytes that is */
static size_t rest;                   /* of the frame being read, with its checksum */

static uint32_t csr_read(uint32_t number)
{
    LAN(LAN_CSR_CMD) = 3u << 30 | number;
    return LAN(LAN_CSR_DATA);
}

static void csr_write(uint32_t number, uint32_t value)
{
    LAN(LAN_CSR_DATA) = value;
    LAN(LAN_CSR_CMD) = 1u << 31 | number;
}

void board_init(void)
{
    int n;
    for (n = 0; n < BOARD_UARTS; ++n) {
        UART(n, UART_DIV) = board_hz / 115200;
        UART(n, UART_CTRL) = 1 | 2 | 8;                       /* send, receive, interrupt of the receiver */
    }
    LAN(LAN_HW_CFG) = 5u << 16 | 1u << 20;                    /* 5 KB to send; store and forward */
    LAN(LAN_FIFO_INT) = 0;
    LAN(LAN_TX_CFG) = 2;
    csr_write(CSR_CONTROL, 1u << 3 | 1u << 2);                /* both directions on */
    LAN(LAN_INT_STS) = 0xffffffffu;
    LAN(LAN_INT_EN) = RX_LEVEL;
    LAN(LAN_IRQ_CFG) = 0x111;         /* on, active high, push-pull */
    NVIC_ISER(0) = 1u << IRQ_UART0 | 1u << IRQ_UART1 | 1u << IRQ_LAN;
}

size_t board_uart_read(int uart, char *to, size_t cap)
{
    size_t n = 0;
    UART(uart, UART_INT) = 2;
    while (n < cap && (UART(uart, UART_STATE) & STATE_RX_FULL) != 0) {
        to[n++] = (char)UART(uart, UART_DATA);
    }
    return n;
}

size_t board_uart_write(int uart, const char *from, size_t len)
{
    size_t n = 0;
    while (n < len && (UART(uart, UART_STATE) & STATE_TX_FULL) == 0) {
        UART(uart, UART_DATA) = (uint8_t)from[n++];
    }
    return n;
}

void board_mac(uint8_t mac[6])
{
    uint32_t low = csr_read(CSR_MAC_LOW), high = csr_read(CSR_MAC_HIGH);
    unsigned i;
    for (i = 0; i < 6; ++i) {
        mac[i] = (uint8_t)(i < 4 ? low >> (8 * i) : high >> (8 * (i - 4)));
    }
}

size_t board_frame(void)
{
    LAN(LAN_INT_STS) = RX_LEVEL;
    if ((LAN(LAN_RX_FIFO) >> 16 & 0xffu) == 0) {
        return 0;
    }
    rest = LAN(LAN_RX_STATUS) >> 16 & 0x3fffu;
    have = 0;
    return rest - 4;
}

void board_frame_read(void *to, size_t len)
{
    uint8_t *at = (uint8_t *)to;
    for (; len > 0; --len) {
        if (have == 0) {
            word = LAN(LAN_RX);
            have = 4;
        }
        *at++ = (uint8_t)(word >> (8 * (4 - have)));
        --have;
        --rest;
    }
}

void board_frame_end(void)
{
    for (; rest > have; rest -= rest > 4 ? 4 : rest) {        /* the checksum, as far as no word with data held it */
        (void)LAN(LAN_RX);
    }
}

bool board_send_begin(size_t len)
{
    while ((LAN(LAN_TX_FIFO) >> 16 & 0xffu) != 0) {
        (void)LAN(LAN_TX_STATUS);
    }
    if ((LAN(LAN_TX_FIFO) & 0xffffu) < len + 12) {
        return false;
    }
    LAN(LAN_TX) = 1u << 13 | 1u << 12 | (uint32_t)len;        /* first and last piece of the frame */
    LAN(LAN_TX) = (uint32_t)len;
    word = 0;
    have = 0;
    return true;
}

void board_send(const void *from, size_t len)
{
    const uint8_t *at = (const uint8_t *)from;
    for (; len > 0; --len) {
        word |= (uint32_t)*at++ << (8 * have);
        if (++have == 4) {
            LAN(LAN_TX) = word;
            word = 0;
            have = 0;
        }
    }
}

void board_send_end(void)
{
    if (have != 0) {
        LAN(LAN_TX) = word;
    }
}

void board_led(bool on)
{
    FPGAIO(0x00) = on;
}

/* The board has no converter: a sawtooth of its 100 Hz counter stands in. */
int32_t board_sensor(unsigned channel)
{
    return (int32_t)((FPGAIO(0x14) * (channel + 1u)) % 3000u);
}

__attribute__((section(".board_vectors"), used)) static void (*const vectors[48])(void) = {
    [IRQ_UART0] = board_on_interrupt, [IRQ_UART1] = board_on_interrupt, [IRQ_LAN] = board_on_interrupt
};
