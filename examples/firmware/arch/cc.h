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
/* Ports and sequence numbers nobody can guess (RFC 6056, RFC 6528). lwIP's own sequence numbers are the same after every reset: a peer
 * whose connection is from before, and which meets the same port again, takes the SYN for an old duplicate and does not answer. */
#define LWIP_RAND() ((u32_t)firmware_random32())
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) ((u32_t)firmware_random32())
#include <stdint.h>
uint32_t firmware_random32(void);
#endif
