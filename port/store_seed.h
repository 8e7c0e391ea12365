/* port/store_seed.h - a client's sessions in the layout of the npm package @clerk/mcp-tools 0.6: what one side began, the other finishes
 *
 * Do this, to begin a session:
 *     static mcpt_store_seed seed; static mcpt_oauth oauth; static char mem[MCPT_STORE_SEED_MEM], work[MCPT_OAUTH_MEM];
 *     const mcpt_store_seed_config config = { .records = &redis.store, .dated = true, .env = &env, .mem = mem, .size = sizeof mem };
 *     mcpt_store_seed_init(&seed, &config);
 *     seed.auth.endpoint = "https://mcp.example/mcp"; seed.auth.redirect_uri = "https://app.example/callback"; seed.name = "app"; ...
 *     mcpt_store_seed_create(&seed, &oauth, work, sizeof work);               // seed.id is its sessionId
 *     ... a client with seed.name, seed.version and .oauth = &oauth; when a person must act:
 *     mcpt_store_seed_url(&seed, &url);                                       // in place of mcpt_oauth_url()
 * To finish one, where its redirect arrives, perhaps in another process:
 *     mcpt_store_seed_complete(&seed, query, &oauth, work, sizeof work);      // then a client as above
 * To use one: mcpt_store_seed_open(&seed, session_id, &oauth, work, sizeof work).
 *
 * createDynamicallyRegisteredMcpClient and createKnownCredentialsMcpClient are create, without and with seed.auth.client_id;
 * completeAuthWithCode is complete; getClientBySessionId is open.
 *
 * Records: state_STATE (the session's id) and pkce_verifier_STATE, JSON strings; session_ID, an object of mcpEndpoint, oauthRedirectUrl,
 * oauthScopes, oauthClientName, oauthClientUri, oauthPublicClient, mcpClientName, mcpClientVersion, clientId, clientSecret, accessToken,
 * refreshToken, authComplete; further members stay when it is replaced. Where this side knows the issuer it adds the member issuer,
 * which the package keeps; a session that has it is never taken to another authorization server.
 * records takes keys of 64 characters and holds the medium's own form: port/store_redis with dated, port/store_sqlite and
 * port/store_postgres with .json (no dated), port/store_seed_file for its file.
 *
 * THE LAYOUT IS WEAK, use it for such exchange only. Nothing is sealed: who reads the store has tokens, client secrets and verifiers, who
 * writes it can send them elsewhere. A session id is all it takes to use a session. Nothing binds a state to the browser. Records have no
 * end: give Redis a ttl, or call the store's cleanup. When a token ends is not kept: a refusal (401) tells. The issuer is not kept
 * by the package: metadata is fetched again before a code or refresh token is sent. Here a state is used once, there not. A log-out
 * erases the session always, and revokes its tokens where metadata was fetched since it was opened. Two processes that refresh the token
 * of one session at once may lose it to a server that rotates.
 *
 * Needs: nothing but the header. RAM: sizeof(mcpt_store_seed) and mem. E_STORE, E_FULL, E_LIMIT: those of records.
 * Tested with: @clerk/mcp-tools 0.6.0 and its own stores, tests/interop/seed.mjs.
 */
#ifndef MCPT_PORT_STORE_SEED_H
#define MCPT_PORT_STORE_SEED_H
#include "mcptools.h"
#ifdef __cplusplus
extern "C" {
#endif

#define MCPT_STORE_SEED_MEM 16384     /* a good size of mem: a quarter of it must hold a session record */
typedef struct mcpt_store_seed_config {
    const mcpt_store *records;        /* required; where the package keeps its records */
    bool dated;                       /* each value is inside {"value":..., "created_at":..., "updated_at":...} (Redis) */
    const mcpt_env *env;              /* required; as for mcpt_oauth */
    void *mem;                        /* required; secrets, wiped by close */
    size_t size;
} mcpt_store_seed_config;
typedef struct mcpt_store_seed {
    mcpt_oauth_config auth;           /* create: set endpoint, redirect_uri, scope, client_id, client_secret, client_name, client_uri,
                                         public_client, quirks; open and complete set them from the record. Not env and store */
    const char *name, *version;       /* the same: mcpt_client_config.name and .version */
    char id[65];                      /* the session's; read it */
    mcpt_store store;                 /* private, and all below; do not copy or move after init */
    mcpt_store_seed_config config;
    mcpt_oauth *oauth;
    char *text, *json, *room, *pending;       /* quarters of mem */
    size_t quarter, json_len, pending_len;
    char state[65], pending_key[16];
} mcpt_store_seed;

/* config is copied, what it points to borrowed until close. E_ARG: something required is missing. */
MCPT_NODISCARD mcpt_err mcpt_store_seed_init(mcpt_store_seed *s, const mcpt_store_seed_config *config);
/* These three initialise oauth with work, which are borrowed until close; errors also those of mcpt_oauth_init().
 * create writes the record of a new session. E_RANDOM; E_SPACE: mem is too small.
 * open: E_ABSENT: no such session; E_DAMAGED: its record makes no sense; E_SPACE.
 * complete: query of the redirect, without '?'. OK: go on as in a session that was opened; E_ABSENT: nobody waits for this state
 * (answer 400); errors of mcpt_oauth_callback(); otherwise as open. */
MCPT_NODISCARD mcpt_err mcpt_store_seed_create(mcpt_store_seed *s, mcpt_oauth *oauth, void *work, size_t size);
MCPT_NODISCARD mcpt_err mcpt_store_seed_open(mcpt_store_seed *s, const char *id, mcpt_oauth *oauth, void *work, size_t size);
MCPT_NODISCARD mcpt_err mcpt_store_seed_complete(mcpt_store_seed *s, mcpt_str query, mcpt_oauth *oauth, void *work, size_t size);
/* MCPT_CLIENT_USER: the URL to show, borrowed until the next call of oauth; what is needed to come back is in the store then.
 * E_STATE: nobody is waited for. */
MCPT_NODISCARD mcpt_err mcpt_store_seed_url(mcpt_store_seed *s, mcpt_str *url);
void mcpt_store_seed_close(mcpt_store_seed *s);       /* closes oauth, too, and wipes; the records stay (mcpt_oauth_logout() erases them) */

#ifdef __cplusplus
}
#endif
#endif
