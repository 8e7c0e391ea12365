/* client.c: instructions of a client, without sockets and TLS, with the cryptography of mbedTLS and the store in RAM.
 *     bench-client                 the names
 *     bench-client NAME COUNT      COUNT times through bench_request()
 * authorization: from the first request, which is refused, to the result of the first authorized call: refusal, metadata of resource
 * and authorization server, registration, a person, token, server/discover, tools/call. call: one more authorized call. */
#include "../unit/flow.h"
#include <stdlib.h>

typedef const flow_answer *script[];
static const script code = { &flow_refusal, &flow_resource, &flow_server, &flow_registered, &flow_token, &flow_discover, &flow_called };
static const script device = { &flow_refusal, &flow_resource, &flow_server, &flow_registered, &flow_device, &flow_token, &flow_discover, &flow_called };
static const script legacy = { &flow_refusal, &flow_resource, &flow_server, &flow_registered, &flow_token, &flow_initialize, &flow_accepted, &flow_called };
static const script call = { &flow_called };
static const struct item { const char *name; mcpt_grant grant; mcpt_revision revision; bool call; } items[] = {
    { "client/authorization-code", MCPT_GRANT_CODE, (mcpt_revision)0, false },
    { "client/authorization-device", MCPT_GRANT_DEVICE, (mcpt_revision)0, false },
    { "client/authorization-legacy", MCPT_GRANT_CODE, MCPT_2025_11_25, false },
    { "client/tools-call", MCPT_GRANT_CODE, (mcpt_revision)0, true },
    { "client/legacy-tools-call", MCPT_GRANT_CODE, MCPT_2025_11_25, true }
};

static void prepare(const struct item *it)
{
    if (it->grant == MCPT_GRANT_DEVICE) {
        flow_script(device, MCPT_COUNT(device));
    } else if (it->revision != 0) {
        flow_script(legacy, MCPT_COUNT(legacy));
    } else {
        flow_script(code, MCPT_COUNT(code));
    }
}

#if defined(__GNUC__)
__attribute__((noinline))
#endif
static mcpt_err bench_request(bool one)
{
    return one ? flow_call() : flow_all();
}

int main(int argc, char **argv)
{
    const struct item *it = NULL;
    size_t i, in = 0, out = 0;
    long n;

    for (i = 0; i < MCPT_COUNT(items); i++) {
        if (argc < 2) {
            puts(items[i].name);
        } else if (strcmp(argv[1], items[i].name) == 0) {
            it = &items[i];
        }
    }
    if (it == NULL) {
        return argc < 2 ? 0 : 2;
    }
    for (n = argc > 2 ? atol(argv[2]) : 1; n > 0; n--) {
        if (!it->call || in == 0) {
            if (!flow_begin(it->grant, it->revision, 1)) {
                return 1;
            }
            prepare(it);
            if (it->call && flow_all() != MCPT_OK) {
                return 1;
            }
        }
        if (it->call) {
            flow_script(call, 1);
        }
        in = F.in;
        out = F.out;
        if (bench_request(it->call) != MCPT_OK) {
            fprintf(stderr, "%s: %d\n", it->name, (int)mcpt_client_outcome(&F.c));
            return 1;
        }
        in = F.in - in;
        out = F.out - out;
    }
    printf("%s %u %u\n", it->name, (unsigned)in, (unsigned)out);
    return 0;
}
