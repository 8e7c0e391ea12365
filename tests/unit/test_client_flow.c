/* Round trips: HTTP requests and connections from the first refusal to the result of the first authorized call. */
#include "flow.h"
#include "test.h"

typedef const flow_answer *script[];
static const script code_modern = { &flow_refusal, &flow_resource, &flow_server, &flow_registered, &flow_token, &flow_discover, &flow_called };
static const script code_legacy = { &flow_refusal, &flow_resource, &flow_server, &flow_registered, &flow_token, &flow_initialize, &flow_accepted, &flow_called };
static const script code_found_out = { &flow_refusal, &flow_resource, &flow_server, &flow_registered, &flow_token, &flow_old, &flow_initialize, &flow_accepted,
                                       &flow_called };
static const script device_modern = { &flow_refusal, &flow_resource, &flow_server, &flow_registered, &flow_device, &flow_token, &flow_discover, &flow_called };
static const script device_waits = { &flow_refusal, &flow_resource, &flow_server, &flow_registered, &flow_device, &flow_pending, &flow_token, &flow_discover,
                                     &flow_called };
static const script known = { &flow_discover, &flow_called };

static void flow(const char *what, mcpt_grant grant, mcpt_revision revision, unsigned channels, bool one, const flow_answer *const *answers, size_t n,
                 unsigned connections)
{
    CHECK(flow_begin(grant, revision, channels));
    F.one = one;
    flow_script(answers, n);
    CHECK(flow_all() == MCPT_OK);
    CHECK(F.at == n && F.wrong == 0);
    CHECK(F.connections == connections);
    CHECK(mcpt_str_is(mcpt_raw(mcpt_get(mcpt_at(mcpt_get(mcpt_client_value(&F.c), "content"), 0), "text")), "\"reading kept\""));
    if (F.at != n || F.connections != connections) {
        printf("%s, %u channels: %u requests over %u connections, outcome %d %s\n", what, channels, (unsigned)F.at, F.connections,
               (int)mcpt_client_outcome(&F.c), mcpt_oauth_reason(&F.oauth));
    }
}
/* The server and its authorization server: with one channel the connection to the server makes room for that to the other,
 * with two each keeps its own. Where both are one, one connection carries everything. */
#define FLOW(what, grant, revision, answers) \
    do { \
        flow(what, grant, revision, 2, false, answers, MCPT_COUNT(answers), 2); \
        flow(what ", one origin", grant, revision, 2, true, answers, MCPT_COUNT(answers), 1); \
        flow(what ", one origin", grant, revision, 1, true, answers, MCPT_COUNT(answers), 1); \
        flow(what, grant, revision, 1, false, answers, MCPT_COUNT(answers), 3); \
    } while (0)

int main(void)
{
    static const flow_answer *const call[] = { &flow_called };
    FLOW("code, 2026-07-28", MCPT_GRANT_CODE, (mcpt_revision)0, code_modern);
    FLOW("code, 2025-11-25", MCPT_GRANT_CODE, MCPT_2025_11_25, code_legacy);
    FLOW("code, 2025-11-25 found out", MCPT_GRANT_CODE, (mcpt_revision)0, code_found_out);
    FLOW("device, 2026-07-28", MCPT_GRANT_DEVICE, (mcpt_revision)0, device_modern);
    FLOW("device that waits, 2026-07-28", MCPT_GRANT_DEVICE, (mcpt_revision)0, device_waits);
    flow("code, 2026-07-28", MCPT_GRANT_CODE, (mcpt_revision)0, 3, false, code_modern, MCPT_COUNT(code_modern), 2);
    /* a second channel with less room than the first is left alone */
    CHECK(flow_begin(MCPT_GRANT_CODE, (mcpt_revision)0, 2));
    mcpt_channel_init(&F.ch[1], F.rx[1], FLOW_RX, F.tx[1], FLOW_TX - 1, F.msg[1], FLOW_MSG);
    CHECK(mcpt_client_init(&F.c, &F.config, F.ch, 2, F.request, FLOW_REQUEST, F.tok, FLOW_TOK) == MCPT_OK);
    flow_script(code_modern, MCPT_COUNT(code_modern));
    CHECK(flow_all() == MCPT_OK && F.at == MCPT_COUNT(code_modern) && F.connections == 3 && F.wrong == 0);
    /* the next call: one request, the same connection */
    flow_script(call, 1);
    CHECK(flow_call() == MCPT_OK && F.at == 1 && F.connections == 3);
    /* another run with the token in the store: no request but its own */
    mcpt_oauth_close(&F.oauth);
    CHECK(mcpt_oauth_init(&F.oauth, &F.auth, F.work, sizeof(F.work)) == MCPT_OK);
    mcpt_channel_init(&F.ch[0], F.rx[0], FLOW_RX, F.tx[0], FLOW_TX, F.msg[0], FLOW_MSG);
    CHECK(mcpt_client_init(&F.c, &F.config, F.ch, 1, F.request, FLOW_REQUEST, F.tok, FLOW_TOK) == MCPT_OK);
    F.connections = 0;
    flow_script(known, MCPT_COUNT(known));
    CHECK(flow_all() == MCPT_OK && F.at == 2 && F.connections == 1 && F.wrong == 0);
    return test_end();
}
