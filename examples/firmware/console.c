/* console.c - see console.h */
#include "console.h"
#include "board.h"
#include "emulation_only.h"
#include "network.h"
#if FIRMWARE_TLS
#include "protect.h"
#endif
#include <lwip/memp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>
#include <string.h>

void console_print(const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t n = board_uart_write(BOARD_CONSOLE, text, left);
        text += n;
        left -= n;
    }
}

/* Objects of the hub that are in use: what a leak would leave behind. */
static unsigned used_sessions(const mcpt_hub *hub)
{
    unsigned n = 0;
    size_t i;
    for (i = 0; i < hub->mem.nsessions; ++i) {
        n += hub->mem.sessions[i].flags & 1u;
    }
    return n;
}

static unsigned used_listeners(const mcpt_hub *hub)
{
    unsigned n = 0;
    size_t i;
    for (i = 0; i < hub->mem.nlisteners; ++i) {
        n += hub->mem.listeners[i].conn != NULL;
    }
    return n;
}

static unsigned used_slots(const mcpt_hub *hub)
{
    unsigned n = 0;
    size_t i;
    for (i = 0; i < hub->mem.nslots; ++i) {
        n += hub->mem.slots[i].job.state != 0;
    }
    return n;
}

static unsigned pcbs(const struct tcp_pcb *p)
{
    unsigned n = 0;
    for (; p != NULL; p = p->next) {
        ++n;
    }
    return n;
}

/* Not inlined: only what it is called from may take the stack when the device serves. */
__attribute__((noinline)) static void report(const mcpt_lwip *net, const mcpt_hub *hub)
{
    char line[896];               /* the stack is empty here */
    const mcpt_lwip_stats s = mcpt_lwip_now(net);
    mcpt_writer w;
    mcpt_str text;
    mcpt_w_init(&w, line, sizeof line - 1);
    mcpt_obj(&w);
    mcpt_kv_z(&w, "board", board_name);
    mcpt_kv_int(&w, "uptime_ms", board_millis());
    mcpt_kv_int(&w, "stack", board_stack_size());
    mcpt_kv_int(&w, "stack_used", board_stack_used());
    mcpt_kv_int(&w, "connections", s.connections);
    mcpt_kv_int(&w, "most_connections", s.most_connections);
    mcpt_kv_int(&w, "buffers", s.buffers);
    mcpt_kv_int(&w, "most_buffers", s.most_buffers);
    mcpt_kv_int(&w, "accepted", s.accepted);
    mcpt_kv_int(&w, "refused", s.refused);
    mcpt_kv_int(&w, "sessions", used_sessions(hub));
    mcpt_kv_int(&w, "listeners", used_listeners(hub));
    mcpt_kv_int(&w, "slots", used_slots(hub));
    mcpt_kv_int(&w, "tcp_active", pcbs(tcp_active_pcbs));
    mcpt_kv_int(&w, "frames_in", network_trouble_in.frames);
    mcpt_kv_int(&w, "dropped_in", network_trouble_in.dropped);
    mcpt_kv_int(&w, "late_in", network_trouble_in.late);
    mcpt_kv_int(&w, "dropped_out", network_trouble_out.dropped);
    mcpt_kv_int(&w, "late_out", network_trouble_out.late);
#if FIRMWARE_TLS
    mcpt_kv_int(&w, "tls", net->config.tls->open);
    mcpt_kv_int(&w, "tls_full", net->config.tls->full);
    mcpt_kv_int(&w, "tls_resumed", net->config.tls->resumed);
    mcpt_kv_int(&w, "tls_failed", net->config.tls->failed);
    mcpt_kv_int(&w, "tls_refused", net->config.tls->refused);
    mcpt_kv_int(&w, "tls_heap_most", (int64_t)protect_heap_most());
#endif
#if MEMP_STATS && MEM_STATS
    mcpt_kv_int(&w, "heap", lwip_stats.mem.used);
    mcpt_kv_int(&w, "heap_most", lwip_stats.mem.max);
    mcpt_kv_int(&w, "pbufs", lwip_stats.memp[MEMP_PBUF_POOL]->used);
    mcpt_kv_int(&w, "pbufs_most", lwip_stats.memp[MEMP_PBUF_POOL]->max);
    mcpt_kv_int(&w, "pbufs_failed", lwip_stats.memp[MEMP_PBUF_POOL]->err);
    mcpt_kv_int(&w, "segments", lwip_stats.memp[MEMP_TCP_SEG]->used);
    mcpt_kv_int(&w, "segments_most", lwip_stats.memp[MEMP_TCP_SEG]->max);
    mcpt_kv_int(&w, "references_most", lwip_stats.memp[MEMP_PBUF]->max);
#endif
    mcpt_end(&w);
    if (mcpt_w_done(&w, &text) == MCPT_OK) {
        line[text.len] = '\0';
        console_print("report ");
        console_print(line);
        console_print("\n");
    }
}

/* What memory protection must notice: a wild pointer, a stack that overflows, code that is written to. */
static void drill(char which)
{
    static const struct { char command; uint32_t address; } wild[] = { { 'w', 0x30000000u }, { 'n', 4 }, { 'f', 0x1000u } };
    size_t i;
    for (i = 0; i < MCPT_COUNT(wild); ++i) {
        if (which == wild[i].command) {
            volatile uint32_t *p = (volatile uint32_t *)(uintptr_t)wild[i].address;
            *p = 1;
        }
    }
    if (which == 'o') {
        __asm volatile("1: push {r0}\n b 1b" ::: "memory");
    }
}

char console_turn(const mcpt_lwip *net, const mcpt_hub *hub)
{
    char command;
    if (board_uart_read(BOARD_CONSOLE, &command, 1) == 0) {
        return 0;
    }
    if (command == 'r' || command == 'q') {
        report(net, hub);
    }
    if (command == 'q') {
        emulation_only_exit(0);
    }
    drill(command);
    return command;
}
