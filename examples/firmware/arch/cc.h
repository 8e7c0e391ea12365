/* arch/cc.h - what lwIP wants to know about the compiler */
#ifndef FIRMWARE_ARCH_CC_H
#define FIRMWARE_ARCH_CC_H
#define LWIP_NO_STDIO_H 1
#define LWIP_NO_INTTYPES_H 1
#define X8_F "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "lu"
#define S32_F "ld"
#define X32_F "lx"
#define SZT_F "u"
#define LWIP_RAND() ((u32_t)firmware_random32())              /* sequence numbers and ports nobody can guess */
#include <stdint.h>
uint32_t firmware_random32(void);
#endif
