/* lwipopts.h - lwIP for a device that serves or uses MCP: TCP over IPv4, no operating system, bytes to send are not copied */
#ifndef FIRMWARE_LWIPOPTS_H
#define FIRMWARE_LWIPOPTS_H

#ifndef FIRMWARE_CONNECTIONS
#define FIRMWARE_CONNECTIONS 4
#endif
/* Handshakes at once. lwIP drops a SYN for which it has no PCB without a word, and only its sender's patience brings it back: after 1 s
 * on Linux, but after 6, 18 and 42 s in QEMU's user network. Connections that are served, or that the port has not ended yet, keep
 * theirs. Those that have ended, were refused or gave way (FIN_WAIT, LAST_ACK, TIME_WAIT) do not count: a SYN takes theirs. */
#define FIRMWARE_HANDSHAKES (FIRMWARE_CONNECTIONS + 1)
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0                /* lwIP is entered from the main loop only */
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_ALTCP 0
#ifndef MEM_ALIGNMENT
#define MEM_ALIGNMENT 4
#endif

#ifdef FIRMWARE_CHANNELS                       /* a client asks for names */
#include <stdint.h>
extern uint16_t firmware_dns_port;
#define DNS_SERVER_PORT firmware_dns_port
#define DNS_TABLE_SIZE 2
#define DNS_MAX_SERVERS 1
#define MEMP_NUM_UDP_PCB 2
#define LWIP_DNS 1
#define LWIP_UDP 1
#else
#define LWIP_UDP 0
#endif
#define LWIP_RAW 0
#define LWIP_DHCP 0                           /* the address is static: netif_add() in network.c */
#define LWIP_ICMP 1                           /* answers ping */
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define LWIP_NETIF_HOSTNAME 0
#ifndef LWIP_SINGLE_NETIF                      /* a program with more than Ethernet says 0 */
#define LWIP_SINGLE_NETIF 1
#endif
#define ARP_TABLE_SIZE 4
#define ARP_QUEUEING 1                        /* until a peer's MAC is known all that goes to it waits, not the last frame alone: */
#define ARP_QUEUE_LEN FIRMWARE_HANDSHAKES     /* of several SYNs at once after a reset all but one were answered 3 s late */
#define MEMP_NUM_ARP_QUEUE FIRMWARE_HANDSHAKES

#define TCP_MSS 536
#define TCP_CALCULATE_EFF_SEND_MSS 0          /* it fits into every frame */
#define TCP_OVERSIZE 0                        /* nothing is appended to a segment: its bytes lie in the transmit buffer */
#define TCP_WND (3 * TCP_MSS)                 /* a request; what waits in the pool, a connection */
#define TCP_SND_BUF (4 * TCP_MSS)             /* no memory: what is sent lies in the connection's transmit buffer */
#define TCP_SND_QUEUELEN 12
#define TCP_OOSEQ_MAX_PBUFS 3                 /* segments kept that came too early, a connection */
#define LWIP_TCP_KEEPALIVE 1
#define SO_REUSE 1                            /* a server that is stopped may begin again at once */
#define TCP_LISTEN_BACKLOG 1
#define TCP_DEFAULT_LISTEN_BACKLOG FIRMWARE_HANDSHAKES
#define MEMP_NUM_TCP_PCB (FIRMWARE_CONNECTIONS + FIRMWARE_HANDSHAKES)
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_TCP_SEG 16
#define MEMP_NUM_PBUF 14                      /* references to bytes that are sent */
#define MEM_SIZE 1600                         /* heads of segments under way, received frames of up to 64 bytes */
#if FIRMWARE_TLS
#define PBUF_POOL_SIZE 8                      /* records have memory of their own */
#else
#define PBUF_POOL_SIZE 10
#endif
#define PBUF_POOL_BUFSIZE 600                 /* a segment of TCP_MSS bytes with its heads */

#define CHECKSUM_CHECK_TCP 1
#ifdef FIRMWARE_ASSERT
void firmware_assert(const char *what);
#define LWIP_PLATFORM_ASSERT(x) firmware_assert(x)
#define LWIP_STATS 1                          /* of memory: the console reports it */
#define LINK_STATS 0
#define ETHARP_STATS 0
#define IP_STATS 0
#define ICMP_STATS 0
#define TCP_STATS 0
#define SYS_STATS 0
#else
#define LWIP_NOASSERT 1
#define LWIP_STATS 0
#endif
#define LWIP_PLATFORM_DIAG(x) ((void)0)

#endif
