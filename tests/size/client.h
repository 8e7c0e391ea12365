/* client.h: a client that uses everything the switches leave in. */
#include "common.h"

static mcpt_err ask(void *user, mcpt_str method, mcpt_val params, mcpt_writer *result)
{
    (void)user;
    (void)method;
    (void)params;
    mcpt_kv_z(result, "action", "accept");
    return MCPT_OK;
}

static void notify(void *user, mcpt_str method, mcpt_str params)
{
    (void)user;
    (void)method;
    (void)params;
}

static bool sha(void *user, const mcpt_str *parts, size_t n, uint8_t out[32]) { (void)user; (void)parts; (void)n; (void)out; return true; }
static bool seal(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *in, size_t len, uint8_t *out)
{
    (void)user; (void)key; (void)nonce; (void)aad; (void)in; (void)len; (void)out;
    return true;
}
static const mcpt_crypto crypto = { .sha256 = sha, .aead_seal = seal, .aead_open = seal };
static const mcpt_env env = { .millis = millis, .unix_time = unix_time, .random = random_bytes, .crypto = &crypto };
static mcpt_client client;
static mcpt_channel channel;
static mcpt_tok tok[32];
static char rx[1024], tx[1536], msg[2048], request[768];
static mcpt_client_config config = { .endpoint = "https://mcp.example/mcp", .name = "n", .version = "1", .ask = ask, .notify = notify,
    .can = MCPT_CAN_FORM | MCPT_CAN_URL | MCPT_CAN_SAMPLE | MCPT_CAN_ROOTS, .env = &env };

#ifdef AUTHORIZED
static mcpt_err read_record(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    (void)user; (void)key; (void)buf; (void)cap;
    *len = 0;
    return MCPT_E_ABSENT;
}
static mcpt_err write_record(void *user, const char *key, mcpt_str value) { (void)user; (void)key; (void)value; return MCPT_OK; }
static mcpt_err erase_record(void *user, const char *key) { (void)user; (void)key; return MCPT_OK; }
static mcpt_err list_records(void *user, const char *prefix, bool (*each)(void *, const char *), void *each_user)
{
    (void)user; (void)prefix; (void)each; (void)each_user;
    return MCPT_OK;
}
static const mcpt_store store = { .read = read_record, .write = write_record, .erase = erase_record, .list = list_records };
static const mcpt_oauth_config auth = { .endpoint = "https://mcp.example/mcp", .grant = MCPT_GRANT_DEVICE, .redirect_uri = "https://c/cb",
    .client_name = "n", .env = &env, .store = &store, .store_key = "0123456789abcdef0123456789abcdef" };
static mcpt_oauth oauth;
static char work[MCPT_OAUTH_MEM];
#endif

int main(void)
{
    mcpt_writer *w;
    mcpt_str s;
    int64_t code;

#ifdef AUTHORIZED
    (void)mcpt_oauth_init(&oauth, &auth, work, sizeof(work));
    config.oauth = &oauth;
#endif
    mcpt_channel_init(&channel, rx, sizeof(rx), tx, sizeof(tx), msg, sizeof(msg));
    (void)mcpt_client_init(&client, &config, &channel, 1, request, sizeof(request), tok, 32);
    w = mcpt_client_begin(&client, "tools/call", "t");
    mcpt_kv_fix(w, "v", 1, 2);
    mcpt_client_schema(&client, mcpt_z("{}"));
    (void)mcpt_client_send(&client);
    port_out[1] = mcpt_channel_origin(&channel)->host[0];
    mcpt_channel_connected(&channel);
    pump(&channel.io);
    mcpt_client_cancel(&client);
#ifdef AUTHORIZED
    if (mcpt_client_status(&client) == MCPT_CLIENT_USER) {
        s = mcpt_oauth_url(&oauth);
        port_out[2] = s.ptr[0];
        s = mcpt_oauth_user_code(&oauth);
        port_out[3] = s.ptr[0];
        (void)mcpt_oauth_callback(&oauth, mcpt_z("code=c"));
    }
    mcpt_oauth_logout(&oauth);
    mcpt_oauth_close(&oauth);
#endif
    s = mcpt_client_fault(&client, &code);
    port_out[0] = (char)(mcpt_client_due(&client) + mcpt_size(mcpt_client_value(&client)) + s.len + (size_t)code);
    mcpt_client_close(&client);
    return mcpt_client_outcome(&client) == MCPT_OK;
}
