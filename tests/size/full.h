/* full.h: a server that uses everything the switches leave in. */
#include "common.h"

static mcpt_err tool(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val answer;

    (void)args;
#if !MCPT_NO_ASK
    if (mcpt_ask_form(call, "k", "m", "{\"type\":\"object\"}", &answer) != MCPT_OK ||
        mcpt_ask_url(call, "u", "m", mcpt_z("https://e")) != MCPT_OK ||
        mcpt_ask_sampling(call, "s", mcpt_z("{}"), &answer) != MCPT_OK || mcpt_ask_roots(call, "r", &answer) != MCPT_OK) {
        return MCPT_PENDING;
    }
#endif
#if !MCPT_NO_TASKS
    if (mcpt_task(call, true, 60000, 500) != MCPT_OK) {
        return MCPT_PENDING;
    }
#endif
    (void)mcpt_progress(call, 1, 2, NULL);
    (void)mcpt_log(call, MCPT_INFO, "l", mcpt_z("t"));
    mcpt_image(out, "image/png", "x", 1);
    mcpt_structured(out);
    mcpt_kv_fix(out, "v", 1, 2);
    mcpt_end(out);
    return MCPT_OK;
}

static mcpt_err read_fn(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    char buf[16];
    mcpt_str v;

    (void)uri;
    if (mcpt_uri_var(call, "id", buf, sizeof(buf), &v) != MCPT_OK) {
        return MCPT_E_NOT_FOUND;
    }
    mcpt_blob(out, v.ptr, v.len);
    return MCPT_OK;
}

static mcpt_err prompt(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_message(out, "user");
    mcpt_text_z(out, "hello");
    return MCPT_OK;
}

static mcpt_err complete(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context, mcpt_writer *out)
{
    (void)call;
    (void)argument;
    (void)context;
    mcpt_completion(out, value);
    return MCPT_OK;
}

static const mcpt_tool tools[] = { MCPT_TOOL("t", "d", "{\"type\":\"object\"}", tool, MCPT_READ_ONLY) };
static const mcpt_resource resources[] = {
    { .uri = "r://{id}", .name = "r", .fn = read_fn, .complete = complete }, { .uri = "r://s", .name = "s", .data = "x", .size = 1 } };
static const mcpt_prompt prompts[] = { { .name = "p", .description = "d", .fn = prompt, .complete = complete } };
static const mcpt_env env = { millis, unix_time, random_bytes, 0, 0, 0 };
#ifdef PAIRED
static bool no_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32]) { (void)user; (void)parts; (void)n; out[0] = 0; return true; }
static const mcpt_crypto pairing_crypto = { .sha256 = no_sha256 };
static const mcpt_env pairing_env = { millis, unix_time, random_bytes, 0, &pairing_crypto, 0 };
static mcpt_err no_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{ (void)user; (void)key; (void)buf; (void)cap; *len = 0; return MCPT_E_ABSENT; }
static mcpt_err no_write(void *user, const char *key, mcpt_str value) { (void)user; (void)key; (void)value; return MCPT_OK; }
static mcpt_err no_erase(void *user, const char *key) { (void)user; (void)key; return MCPT_OK; }
static void show(void *user, const char *code, mcpt_str client) { (void)user; (void)client; port_out[1] = code != NULL ? code[0] : ' '; }
static bool any(void *user, const mcpt_paired *one) { (void)user; return one->id != 1; }
static const mcpt_store store = { .read = no_read, .write = no_write, .erase = no_erase };
static const mcpt_pairing_scope scopes[] = { { "x", "use it" } };
static mcpt_exchange documents;
static char document_rx[512], document_tx[512], document_room[2048];
static const mcpt_pairing_config paired = { .store = &store, .show = show, .scopes = scopes, .nscopes = 1, .exchange = &documents,
    .document = document_room, .document_cap = sizeof(document_room) };
static mcpt_pairing pairing;
static const mcpt_guard guard = { .verify = mcpt_pairing_verify, .user = &pairing, .pairing = &pairing, .scopes = "x" };
#endif
#ifdef PROTECTED
static mcpt_relay relay;
#ifndef TOKENS
static const mcpt_fixed_token token[] = { { "t", "s", "c", "x", 0 } };
static mcpt_fixed_tokens fixed = { token, 1 };
#endif
static const mcpt_prm prm = { .authorization_servers = "https://as.example" };
#ifdef TOKENS
static bool any_sha256(void *user, const mcpt_str *parts, size_t n, uint8_t out[32]) { (void)user; (void)parts; (void)n; out[0] = 0; return true; }
static bool any_rsa(void *user, const mcpt_rsa *key, const uint8_t hash[32], const void *sig, size_t sig_len)
{ (void)user; (void)key; (void)hash; (void)sig; return sig_len != 0; }
static bool any_es256(void *user, const uint8_t xy[64], const uint8_t hash[32], const uint8_t sig[64])
{ (void)user; (void)xy; (void)hash; (void)sig; return true; }
static const mcpt_crypto crypto = { .sha256 = any_sha256, .hmac_sha256 = 0, .rs256_verify = any_rsa, .es256_verify = any_es256 };
static const mcpt_jwt_rules rules = { .issuer = "https://as.example" };
static mcpt_jwk slots[4];
static char token_buf[1024], set_buf[1024];
static mcpt_exchange keys_exchange;
static mcpt_jwt_verifier jwt = { .env = &env, .rules = &rules, .keys = { .keys = slots, .nkeys = 4, .buf = set_buf, .cap = 1024,
    .crypto = &crypto }, .jwks_url = "https://as.example/jwks", .exchange = &keys_exchange, .buf = token_buf, .cap = 1024 };
static mcpt_dpop dpop = { .env = &env };
static const mcpt_guard guard = { .verify = mcpt_jwt_verify, .user = &jwt, .scopes = "x", .prm = &prm, .prove = mcpt_dpop_prove,
    .nonce = mcpt_dpop_nonce, .prove_user = &dpop, .document = mcpt_relay_document, .document_user = &relay };
#else
static const mcpt_guard guard = { .verify = mcpt_fixed_verify, .user = &fixed, .scopes = "x", .prm = &prm,
                                  .document = mcpt_relay_document, .document_user = &relay };
#endif
#endif
static const mcpt_server server = {
#if defined(PROTECTED) || defined(PAIRED)
    .guard = &guard,
#endif
    .name = "full", .version = "1.0.0", .tools = tools, .ntools = 1, .resources = resources, .nresources = 2,
    .prompts = prompts, .nprompts = 1, .env = &env, .offers = 31 };
int main(void);

int main(void)
{
    static char rx[2048];
    static char tx[1024];
    static char data[2][1024];
    static mcpt_tok tok[64];
    static mcpt_conn conn;
    static mcpt_session sessions[2];
    static mcpt_listener listeners[2];
    static mcpt_slot slots[2];
    static mcpt_hub hub;
    const mcpt_mem mem = { rx, sizeof(rx), tx, sizeof(tx), tok, 64 };
#ifdef PROTECTED
    static mcpt_verdict verdicts[2];
    static mcpt_exchange exchange;
    static char document[2048];
    const mcpt_hub_mem hub_mem = { .sessions = sessions, .nsessions = 2, .listeners = listeners, .nlisteners = 2, .slots = slots,
                                   .nslots = 2, .slot_data = data, .slot_size = sizeof(data[0]), .tok = tok, .ntok = 64,
                                   .verdicts = verdicts, .nverdicts = 2 };

    if (mcpt_exchange_init(&exchange, &env, rx, 512, tx, 512, 0, false) != MCPT_OK ||
        mcpt_relay_init(&relay, &exchange, &hub, "https://as.example", document, sizeof(document)) != MCPT_OK) {
        return 1;
    }
    mcpt_exchange_connected(&exchange);
    pump(&exchange.io);
#else
    const mcpt_hub_mem hub_mem = { .sessions = sessions, .nsessions = 2, .listeners = listeners, .nlisteners = 2, .slots = slots,
                                   .nslots = 2, .slot_data = data, .slot_size = sizeof(data[0]), .tok = tok, .ntok = 64 };
#endif

#ifdef PAIRED
    if (mcpt_exchange_init(&documents, &env, document_rx, 512, document_tx, 512, 0, false) != MCPT_OK ||
        mcpt_pairing_init(&pairing, &paired, &pairing_env, &hub) != MCPT_OK || mcpt_pairing_list(&pairing, any, NULL) != MCPT_OK ||
        mcpt_pairing_revoke(&pairing, 1) == MCPT_OK || mcpt_pairing_reset(&pairing) != MCPT_OK) {
        return 1;
    }
    mcpt_exchange_connected(&documents);
    pump(&documents.io);
#endif
    if (mcpt_hub_init(&hub, &server, &hub_mem) != MCPT_OK ||
        mcpt_conn_init(&conn, &server, &hub, &mem, MCPT_HTTP, NULL) != MCPT_OK) {
        return 1;
    }
    pump(&conn.io);
    (void)mcpt_hub_run(&hub);
    (void)mcpt_hub_next(&hub);
#if !MCPT_NO_LISTEN
    mcpt_hub_updated(&hub, "r://1");
#endif
    mcpt_hub_close(&hub);
    mcpt_conn_close(&conn);
    return 0;
}
