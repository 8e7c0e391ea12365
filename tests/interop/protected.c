/* An MCP server that is an OAuth resource server, for the interoperability tests:
 *   protected PORT mbedtls|bearssl jwt|opaque ISSUER URL [CLIENT_ID SECRET]
 * jwt: URL is a key set; opaque: the introspection endpoint. whoami shows the principal, change does with the scope write. DPoP with nonces.
 *   protected PORT mbedtls|bearssl clerk PUBLISHABLE_KEY KEY_SET_URL VERIFY_URL METADATA_ISSUER [SECRET_KEY]
 * The same for Clerk's tokens, of the client "app"; serves the metadata that METADATA_ISSUER publishes.
 *   protected emit CLIENT_ID ISSUER METHOD URL [TOKEN [NONCE]]
 * prints a client assertion and a DPoP proof, made with the key of RFC 7515 A.3. */
#include "../../port/crypto_bearssl.h"
#include "../../port/crypto_mbedtls.h"
#include "../../port/posix.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mcpt_err whoami(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)args;
    mcpt_structured(out);
    mcpt_kv_str(out, "subject", call->who->subject);
    mcpt_kv_str(out, "client_id", call->who->client_id);
    mcpt_kv_str(out, "scopes", call->who->scopes);
    mcpt_kv_str(out, "issuer", call->who->issuer);
    mcpt_kv_bool(out, "bound", call->who->jkt.ptr != NULL);
    mcpt_end(out);
    return MCPT_OK;
}
static const mcpt_tool tools[] = {
    MCPT_TOOL("whoami", "Shows who calls.", NULL, whoami, MCPT_READ_ONLY),
    { .name = "change", .description = "The same; needs the scope write.", .fn = whoami, .scopes = "write" }
};

static void note(void *user, mcpt_level level, mcpt_err what, const char *text)
{
    (void)user;
    (void)fprintf(stderr, "%d %d %s\n", (int)level, (int)what, text);
}

/* A line each: assertion, proof, thumbprint. */
static int emit(int argc, char **argv, mcpt_mbedtls *mbed, const mcpt_env *env)
{
    uint8_t d[32];
    char text[2][1024], jkt[43];
    mcpt_str assertion, proof;
    mcpt_signer s;
    size_t n;
    if (!mcpt_b64_decode(mcpt_z("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"), true, d, sizeof d, &n) ||
        mcpt_signer_init(&s, &mbed->crypto, d, n) != MCPT_OK || mcpt_signer_thumbprint(&s, jkt) != MCPT_OK ||
        mcpt_jwt_assertion(&s, env, "ec1", mcpt_z(argv[2]), mcpt_z(argv[3]), text[0], sizeof text[0], &assertion) != MCPT_OK ||
        mcpt_jwt_proof(&s, env, mcpt_z(argv[4]), mcpt_z(argv[5]), mcpt_z(argc > 6 && *argv[6] != '\0' ? argv[6] : NULL),
                       mcpt_z(argc > 7 ? argv[7] : NULL), text[1], sizeof text[1], &proof) != MCPT_OK) {
        return 1;
    }
    (void)printf("%.*s\n%.*s\n%.43s\n", (int)assertion.len, assertion.ptr, (int)proof.len, proof.ptr, jkt);
    return 0;
}

int main(int argc, char **argv)
{
    static mcpt_mbedtls mbed;
    static mcpt_bearssl bear;
    static mcpt_env env;
    static mcpt_exchange x, relay_x;
    static mcpt_exchange *const exchanges[] = { &x, &relay_x };
    static mcpt_jwk slots[4];
    static mcpt_jwt_rules rules;
    static mcpt_jwt_verifier jwt;
    static mcpt_introspection opaque;
    static mcpt_clerk clerk;
    static mcpt_relay relay;
    static mcpt_dpop dpop;
    static mcpt_seen seen[1024];    /* proofs of minutes */
    static mcpt_verdict verdicts[16];
    static mcpt_guard guard;
    static mcpt_prm prm;
    static mcpt_identity identity;
    static mcpt_server server;
    static mcpt_hub_mem mem;
    static mcpt_hub hub;
    static mcpt_posix net;
    static char rx[4096], tx[4096], token_buf[4096], set_buf[1024], proof_buf[1024], base[64];
    static char relay_rx[2048], relay_tx[1024], relay_buf[8192], opaque_buf[2048];
    static uint8_t nonce_key[32], memory[6 << 20];
    mcpt_posix_config config = { .server = &server, .hub = &hub, .exchanges = exchanges, .nexchanges = 2 };
    const mcpt_crypto *crypto;
    if (argc < 6 || mcpt_mbedtls_init(&mbed, NULL, 0) != MCPT_OK || mcpt_bearssl_init(&bear, NULL, 0) != MCPT_OK) {
        return 2;
    }
    if (strcmp(argv[1], "emit") == 0) {
        return emit(argc, argv, &mbed, &mcpt_posix_env);
    }
    crypto = strcmp(argv[2], "bearssl") == 0 ? &bear.crypto : &mbed.crypto;
    env = mcpt_posix_env;
    env.log = note;
    env.crypto = crypto;
    config.port = (uint16_t)strtoul(argv[1], NULL, 10);
    (void)snprintf(base, sizeof base, "http://127.0.0.1:%u", (unsigned)config.port);
    if (!env.random(env.user, nonce_key, sizeof nonce_key) ||
        mcpt_exchange_init(&x, &env, rx, sizeof rx, tx, sizeof tx, 0, true) != MCPT_OK ||
        mcpt_exchange_init(&relay_x, &env, relay_rx, sizeof relay_rx, relay_tx, sizeof relay_tx, 0, true) != MCPT_OK) {
        return 2;
    }
    rules.issuer = argv[4];
    jwt.env = opaque.env = dpop.env = &env;
    jwt.rules = opaque.rules = &rules;
    jwt.exchange = opaque.exchange = &x;
    jwt.apart_ms = 500;
    jwt.keys.keys = slots;
    jwt.keys.nkeys = MCPT_COUNT(slots);
    jwt.keys.buf = set_buf;
    jwt.keys.cap = sizeof set_buf;
    jwt.keys.crypto = crypto;
    jwt.jwks_url = opaque.url = argv[5];
    jwt.buf = opaque.buf = token_buf;
    jwt.cap = opaque.cap = sizeof token_buf;
    dpop.seen = seen;
    dpop.nseen = MCPT_COUNT(seen);
    dpop.nonce_key = nonce_key;
    dpop.buf = proof_buf;
    dpop.cap = sizeof proof_buf;
    guard.verify = mcpt_jwt_verify;
    guard.user = &jwt;
    if (strcmp(argv[3], "opaque") == 0) {
        opaque.client_id = argv[6];
        opaque.secret = argv[7];
        guard.verify = mcpt_introspection_verify;
        guard.user = &opaque;
    }
    if (strcmp(argv[3], "clerk") == 0) {
        clerk.jwt = jwt;
        clerk.opaque = opaque;
        clerk.opaque.url = argc > 7 ? argv[6] : NULL;
        clerk.opaque.secret = argc > 8 ? argv[8] : NULL;
        clerk.opaque.buf = opaque_buf;
        clerk.opaque.cap = sizeof opaque_buf;
        clerk.rules.clients = "app";
        if (argc < 8 || mcpt_clerk_init(&clerk, argv[4]) != MCPT_OK ||
            mcpt_relay_init(&relay, &relay_x, &hub, argv[7], relay_buf, sizeof relay_buf) != MCPT_OK) {
            return 2;
        }
        argv[4] = clerk.issuer;
        guard.verify = mcpt_clerk_verify;
        guard.user = &clerk;
        guard.document = mcpt_relay_document;
        guard.document_user = &relay;
    }
    guard.prove = mcpt_dpop_prove;
    guard.nonce = mcpt_dpop_nonce;
    guard.prove_user = &dpop;
    guard.remember_ms = 1;                                  /* every token is judged anew */
    prm.authorization_servers = argv[4];
    prm.scopes_supported = "read write";
    guard.scopes = "read";
    guard.prm = &prm;
    identity.base_url = base;
    server.name = "protected";
    server.version = "1.0.0";
    server.env = &env;
    server.identity = &identity;
    server.guard = &guard;
    server.tools = tools;
    server.ntools = MCPT_COUNT(tools);
    mem.verdicts = verdicts;
    mem.nverdicts = MCPT_COUNT(verdicts);
    if (mcpt_hub_init(&hub, &server, &mem) != MCPT_OK || mcpt_posix_init(&net, &config, memory, sizeof memory) != MCPT_OK) {
        perror("cannot serve");
        return 1;
    }
    (void)mcpt_posix_stop_on_signals(&net);
    (void)printf("%s/mcp\n", base);
    (void)fflush(stdout);
    return mcpt_posix_run(&net) == MCPT_OK ? 0 : 1;
}
