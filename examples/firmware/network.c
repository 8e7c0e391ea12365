/* network.c - see network.h */
#include "network.h"
#include "board.h"
#include "emulation_only.h"
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

network_trouble network_trouble_in, network_trouble_out;
static struct netif interface;

uint32_t sys_now(void)
{
    return board_millis();
}

static void to_lwip(struct pbuf *p)
{
    if (p != NULL && interface.input(p, &interface) != ERR_OK) {
        (void)pbuf_free(p);
    }
}

static void to_wire(struct pbuf *p)
{
    const struct pbuf *q;
    if (board_send_begin(p->tot_len)) {
        for (q = p; q != NULL; q = q->next) {
            board_send(q->payload, q->len);
        }
        board_send_end();
    }
}

static void wire_and_free(struct pbuf *p)
{
    if (p != NULL) {
        to_wire(p);
        (void)pbuf_free(p);
    }
}

static bool every(uint32_t n, uint32_t count)
{
    return n != 0 && count % n == 0;
}

/* True: the frame is taken: lost, or put aside to come late. */
static bool troubled(network_trouble *t, struct pbuf *p)
{
    ++t->frames;
    if (every(t->drop, t->frames)) {
        ++t->dropped;
        (void)pbuf_free(p);
        return true;
    }
    if (t->aside == NULL && (every(t->swap, t->frames) || every(t->hold, t->frames))) {
        ++t->late;
        t->aside = p;
        t->since = board_millis();
        return true;
    }
    return false;
}

/* The frame that was put aside, when its time has come; else NULL. */
static struct pbuf *resume(network_trouble *t, bool after_another)
{
    struct pbuf *p = t->aside;
    if (p != NULL && ((after_another && t->swap != 0) || board_millis() - t->since >= t->hold_ms + 2)) {
        t->aside = NULL;
        return p;
    }
    return NULL;
}

/* lwIP keeps the pbufs; what is put aside is a copy. */
static err_t output(struct netif *n, struct pbuf *p)
{
    struct pbuf *copy;
    (void)n;
    if ((network_trouble_out.drop | network_trouble_out.swap | network_trouble_out.hold) != 0) {
        copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
        if (copy != NULL && troubled(&network_trouble_out, copy)) {
            return ERR_OK;
        }
        if (copy != NULL) {
            (void)pbuf_free(copy);
        }
    }
    to_wire(p);
    wire_and_free(resume(&network_trouble_out, true));
    return ERR_OK;
}

/* Without memory for it a frame is lost, as on any busy network: TCP repeats it. But bare acknowledgements always find room,
 * outside of the pool: when requests that wait have filled that, they are what ends the waiting. */
enum { SMALL = 64 };

static void input(size_t len)
{
    struct pbuf *p = len <= 0xffff ? pbuf_alloc(PBUF_RAW, (u16_t)len, len <= SMALL ? PBUF_RAM : PBUF_POOL) : NULL;
    struct pbuf *q;
    uint8_t away;
    for (q = p; q != NULL; q = q->next) {
        board_frame_read(q->payload, q->len);
    }
    for (; p == NULL && len > 0; --len) {
        board_frame_read(&away, 1);
    }
    board_frame_end();
    if (p != NULL && !troubled(&network_trouble_in, p)) {
        to_lwip(p);
        to_lwip(resume(&network_trouble_in, true));
    }
}

static err_t interface_init(struct netif *n)
{
    n->name[0] = 'e';
    n->name[1] = 'n';
    n->mtu = 1500;
    n->hwaddr_len = 6;
    board_mac(n->hwaddr);
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
    n->output = etharp_output;
    n->linkoutput = output;
    return ERR_OK;
}

#if LWIP_DNS
/* What DHCP would say: where names are asked for, here QEMU's own resolver, or a port of the host. */
uint16_t firmware_dns_port = 53;

static void resolver(void)
{
    ip_addr_t server;
    firmware_dns_port = (uint16_t)emulation_only_option("dns", 53);
    IP_ADDR4(&server, 10, 0, 2, firmware_dns_port == 53 ? 3 : 2);
    dns_setserver(0, &server);
}
#endif

void network_init(void)
{
    ip4_addr_t address, mask, gateway;
    lwip_init();
    IP4_ADDR(&address, 10, 0, 2, 15);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 0, 2, 2);
    (void)netif_add(&interface, &address, &mask, &gateway, NULL, interface_init, ethernet_input);
    netif_set_default(&interface);
    netif_set_up(&interface);
#if LWIP_DNS
    resolver();
#endif
}

bool network_move(void)
{
    size_t len;
    int frames;
    for (frames = 0; frames < 4 && (len = board_frame()) != 0; ++frames) {
        input(len);
    }
    to_lwip(resume(&network_trouble_in, false));
    wire_and_free(resume(&network_trouble_out, false));
    sys_check_timeouts();
    PBUF_CHECK_FREE_OOSEQ();
    return frames != 0;
}

void network_turn(mcpt_lwip *net)
{
    const bool any = network_move();
    if (mcpt_lwip_poll(net) != 0 && !any) {
        board_sleep();                /* at most until the next tick */
    }
}
