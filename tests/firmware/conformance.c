/* The fixtures of the conformance suite on a board, served over Ethernet. The same tables as build/conformance-server. */
#include "examples/firmware/board.h"
#include "examples/firmware/console.h"
#include "examples/firmware/emulation_only.h"
#include "examples/firmware/network.h"
#include "port/crypto_mbedtls.h"
#include "tests/conformance/fixtures.h"

enum { BUFFERS = 2 };

static uint32_t millis(void *user)
{
    (void)user;
    return board_millis();
}

static void say(void *user, mcpt_level level, mcpt_err what, const char *text)
{
    (void)user;
    (void)level;
    (void)what;
    console_print(text);
    console_print("\n");
}

static const mcpt_crypto crypto = { .sha256 = mcpt_mbedtls_sha256, .hmac_sha256 = mcpt_mbedtls_hmac_sha256 };
static const mcpt_env env = { .millis = millis, .random = emulation_only_random, .log = say, .crypto = &crypto };
static mcpt_server server;
static mcpt_hub hub;
static mcpt_session sessions[FIXTURES_SESSIONS];
static mcpt_listener listeners[FIXTURES_LISTENERS];
static mcpt_slot slots[FIXTURES_SLOTS];
static uint8_t slot_data[FIXTURES_SLOTS * FIXTURES_SLOT_SIZE], replay[FIXTURES_SESSIONS * FIXTURES_REPLAY_SIZE];
static mcpt_tok tok[FIXTURES_TOKENS];
static uint8_t memory[MCPT_LWIP_SIZE(FIXTURES_CONNECTIONS, BUFFERS, FIXTURES_RX, FIXTURES_TX, FIXTURES_TOKENS)];
static mcpt_lwip net;

static void serve(const mcpt_hub_mem *mem)
{
    const mcpt_lwip_config config = {
        .server = &server, .hub = &hub, .connections = FIXTURES_CONNECTIONS, .buffers = BUFFERS,
        .rx_size = FIXTURES_RX, .tx_size = FIXTURES_TX, .ntok = FIXTURES_TOKENS
    };
    if (mcpt_hub_init(&hub, &server, mem) != MCPT_OK || mcpt_lwip_init(&net, &config, memory, sizeof memory) != MCPT_OK) {
        board_fault("no server", 0, 0);
    }
    console_print("listening\n");
}

int main(void);
int main(void)
{
    const mcpt_hub_mem mem = {
        .sessions = sessions, .nsessions = FIXTURES_SESSIONS, .listeners = listeners, .nlisteners = FIXTURES_LISTENERS,
        .slots = slots, .nslots = FIXTURES_SLOTS, .slot_data = slot_data, .slot_size = FIXTURES_SLOT_SIZE,
        .replay = replay, .replay_size = FIXTURES_REPLAY_SIZE, .tok = tok, .ntok = FIXTURES_TOKENS
    };
    if (!emulation_only_seed()) {
        board_fault("no seed", 0, 0);
    }
    fixtures_server(&server, &env, &hub);
    network_init();
    network_trouble_in.drop = network_trouble_out.drop = emulation_only_option("drop", 0);
    network_trouble_in.swap = network_trouble_out.swap = emulation_only_option("swap", 0);
    network_trouble_in.hold = network_trouble_out.hold = emulation_only_option("hold", 0);
    network_trouble_in.hold_ms = network_trouble_out.hold_ms = emulation_only_option("hold_ms", 0);
    serve(&mem);
    for (;;) {
        network_turn(&net);
        switch (console_turn(&net, &hub)) {
        case 's': mcpt_lwip_stop(&net); break;                /* gracefully */
        case 'x':                                             /* at once, and from the beginning */
            mcpt_lwip_destroy(&net);
            serve(&mem);
            break;
        default: break;
        }
    }
}
