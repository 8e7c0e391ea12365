/* Fuzzer of a client's authorization alone: challenges, metadata of both kinds, registrations, device codes, tokens, errors, the
 * queries of redirects, nonces, records of the store, reboots, clocks. Two bytes choose the configuration; the rest is
 * a list of events, divided by byte 30: NNN... an answer of that status with this body, {... one of 200, ~ a broken connection,
 * !... a 401 with this challenge, ^... a 403, ?... the query of a redirect ($ is the state that was sent), = accepted, + an hour passes,
 * - the clock jumps back, @ a reboot, & a reboot with a bit of the store flipped, % a log-out, * start. */
/* sections: facts oauth-requests oauth-answers oauth */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "fuzz.h"

#define MCP "https://mcp.example/mcp"
enum { MEM = 3000, RECORDS = 12 };

static struct {
    uint32_t millis;
    int64_t time;
    fuzz_random random;
    struct { char key[16]; char value[2048]; size_t len; } records[RECORDS];
    unsigned store_calls, fails_at, codes_sent, redirects;
    char state[64];
} W;

static uint32_t w_millis(void *user) { (void)user; return W.millis; }
static int64_t w_time(void *user) { (void)user; return W.time; }
static bool w_random(void *user, void *buf, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = (uint8_t)fuzz_next(&W.random);
    }
    return true;
}

static size_t find(const char *key)
{
    size_t i = 0;
    while (i < RECORDS && strcmp(W.records[i].key, key) != 0) {
        i++;
    }
    return i;
}
static bool fails(void) { return ++W.store_calls == W.fails_at; }
static mcpt_err s_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    size_t i = find(key);
    (void)user;
    *len = i < RECORDS ? W.records[i].len : 0;
    if (fails()) {
        return MCPT_E_STORE;
    }
    if (i == RECORDS || *len > cap) {
        return i == RECORDS ? MCPT_E_ABSENT : MCPT_E_SPACE;
    }
    memcpy(buf, W.records[i].value, *len);
    return MCPT_OK;
}
static mcpt_err s_write(void *user, const char *key, mcpt_str value)
{
    size_t i = find(key);
    (void)user;
    NEED(mcpt_store_key_ok(key, MCPT_STORE_KEY));
    i = i < RECORDS ? i : find("");
    if (fails() || i == RECORDS || value.len > sizeof(W.records[0].value)) {
        return i == RECORDS ? MCPT_E_FULL : MCPT_E_STORE;
    }
    strcpy(W.records[i].key, key);
    memcpy(W.records[i].value, value.ptr, value.len);
    W.records[i].len = value.len;
    return MCPT_OK;
}
static mcpt_err s_erase(void *user, const char *key)
{
    size_t i = find(key);
    (void)user;
    if (fails()) {
        return MCPT_E_STORE;
    }
    if (i < RECORDS) {
        W.records[i].key[0] = '\0';
    }
    return MCPT_OK;
}
static mcpt_err s_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    size_t i = find(key);
    if ((old.ptr == NULL) != (i == RECORDS) ||
        (i < RECORDS && (W.records[i].len != old.len || memcmp(W.records[i].value, old.ptr, old.len) != 0))) {
        return MCPT_E_CONFLICT;
    }
    return value.ptr == NULL ? s_erase(user, key) : s_write(user, key, value);
}
static mcpt_err s_list(void *user, const char *prefix, bool (*each)(void *, const char *), void *each_user)
{
    (void)user;
    for (size_t i = 0; i < RECORDS; i++) {
        if (W.records[i].key[0] != '\0' && strncmp(W.records[i].key, prefix, strlen(prefix)) == 0 && !each(each_user, W.records[i].key)) {
            break;
        }
    }
    return MCPT_OK;
}

static bool fake_sign(void *user, const void *key, size_t key_len, const uint8_t hash[32], uint8_t sig[64])
{
    (void)user;
    (void)key;
    (void)key_len;
    memcpy(sig, hash, 32);
    memcpy(sig + 32, hash, 32);
    return true;
}
static bool fake_public(void *user, const void *key, size_t key_len, uint8_t xy[64])
{
    (void)user;
    memset(xy, 0, 64);
    memcpy(xy, key, key_len);
    return true;
}
static bool fake_seal(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *plain, size_t len, uint8_t *out)
{
    (void)user;
    (void)nonce;
    (void)aad;
    memmove(out, plain, len);
    memcpy(out + len, key, 16);
    return true;
}
static bool fake_open(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *sealed, size_t len, uint8_t *out)
{
    (void)user;
    (void)nonce;
    (void)aad;
    if (len < 16 || memcmp((const uint8_t *)sealed + len - 16, key, 16) != 0) {
        return false;
    }
    memmove(out, sealed, len - 16);
    return true;
}
static const mcpt_crypto plain = { .sha256 = fake_sha256, .hmac_sha256 = fake_hmac, .es256_sign = fake_sign, .es256_public = fake_public };
static const mcpt_crypto sealing = { .sha256 = fake_sha256, .hmac_sha256 = fake_hmac, .es256_sign = fake_sign, .es256_public = fake_public,
                                     .aead_seal = fake_seal, .aead_open = fake_open };
static const mcpt_env envs[2] = { { w_millis, w_time, w_random, NULL, &plain, NULL }, { w_millis, w_time, w_random, NULL, &sealing, NULL } };
static const mcpt_store stores[2] = { { s_read, s_write, s_erase, s_list, s_swap, NULL }, { s_read, s_write, s_erase, NULL, NULL, NULL } };

static void https(mcpt_str url)
{
    mcpt_url u;
    NEED(url.len != 0 && mcpt_url_split(url, &u) && mcpt_str_ieq(u.scheme, "https"));
}

/* What must hold whenever the object rests. */
static void holds(mcpt_oauth *o)
{
    mcpt_oauth_step s = mcpt_oauth_next(o);
    const mcpt_oauth_http *r = mcpt_oauth_request(o);
    mcpt_str t = mcpt_oauth_token(o);
    char lines[2048];

    NEED((s == MCPT_OAUTH_REQUEST) == (r != NULL) && (s == MCPT_OAUTH_READY) == (t.ptr != NULL));
    NEED(s != MCPT_OAUTH_FAILED || mcpt_oauth_error(o) < 0);
    NEED(s != MCPT_OAUTH_USER || mcpt_oauth_url(o).ptr != NULL);
    for (const char *p = mcpt_oauth_reason(o); *p != '\0'; p++) {
        NEED(*p >= ' ' && *p <= '~');
    }
    for (size_t i = 0; i < t.len; i++) {
        NEED(t.ptr[i] > ' ' && t.ptr[i] <= '~');
    }
    if (s == MCPT_OAUTH_READY && mcpt_oauth_lines(o, "POST", lines, sizeof(lines)) != 0) {
        NEED(memcmp(lines, "Authorization: ", 15) == 0);
    }
    if (r != NULL) {
        https(r->url);
        NEED((r->content_type != NULL) == (r->body.ptr != NULL));
        for (size_t i = 0; i < r->authorization.len; i++) {
            NEED(r->authorization.ptr[i] >= ' ' && r->authorization.ptr[i] <= '~');
        }
    }
    if (s == MCPT_OAUTH_USER) {
        mcpt_str url = mcpt_oauth_url(o);
        const char *p;
        https(url);
        for (p = url.ptr; p + 39 <= url.ptr + url.len && memcmp(p, "&state=", 7) != 0; p++) { }
        if (p + 39 <= url.ptr + url.len && mcpt_oauth_user_code(o).ptr == NULL) {
            memcpy(W.state, p + 7, 32);
            W.state[32] = '\0';
        }
    }
    (void)mcpt_oauth_due(o);
    (void)mcpt_oauth_issuer(o);
    (void)mcpt_oauth_scope(o);
}

static void answer(mcpt_oauth *o, const char *p, size_t n, fuzz_random *pieces)
{
    unsigned status = 200;
    const mcpt_oauth_http *r = mcpt_oauth_request(o);
    mcpt_err e = MCPT_OK;

    if (r == NULL) {
        return;
    }
    W.codes_sent += r->body.len > 35 && memcmp(r->body.ptr, "grant_type=authorization_code&code=", 35) == 0;
    NEED(W.codes_sent <= W.redirects * 2);                  /* once more for a nonce */
    if (n == 1 && *p == '~') {
        mcpt_oauth_done(o, MCPT_E_IO);
        return;
    }
    if (n >= 3 && p[0] >= '1' && p[0] <= '5' && p[1] >= '0' && p[1] <= '9' && p[2] >= '0' && p[2] <= '9') {
        status = (unsigned)(p[0] - '0') * 100u + (unsigned)(p[1] - '0') * 10u + (unsigned)(p[2] - '0');
        p += 3;
        n -= 3;
    }
    mcpt_oauth_head(o, status, status == 503 ? 5 : 0, mcpt_z(fuzz_next(pieces) % 2 == 0 ? "nonce" : NULL));
    for (size_t at = 0, k; at < n && e == MCPT_OK; at += k) {
        char *piece;
        k = n - at < 4 ? n - at : 1 + fuzz_piece(pieces, 3, n - at - 1);
        piece = fuzz_copy(p + at, k);
        e = mcpt_oauth_body(o, piece, k);
        free(piece);
    }
    mcpt_oauth_done(o, MCPT_OK);
}

static void returned(mcpt_oauth *o, const char *p, size_t n)
{
    char query[1024], *copy;
    size_t len = 0;

    for (size_t i = 0; i < n && len < sizeof(query) - 40; i++) {
        if (p[i] == '$') {
            len += (size_t)snprintf(query + len, 40, "%s", W.state);
        } else {
            query[len++] = p[i];
        }
    }
    copy = fuzz_copy(query, len);
    W.redirects += mcpt_oauth_callback(o, (mcpt_str){ copy, len }) == MCPT_PENDING;
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const mcpt_grant grants[8] = { MCPT_GRANT_CODE, MCPT_GRANT_CODE, MCPT_GRANT_CODE, MCPT_GRANT_CODE, MCPT_GRANT_DEVICE, MCPT_GRANT_CLIENT,
                                          MCPT_GRANT_JWT_BEARER, MCPT_GRANT_ENTERPRISE };
    static const uint8_t device_key[32] = { 1, 2, 3 }, ref[4] = { 1 };
    static mcpt_signer signer;
    static mcpt_oauth o;
    mcpt_oauth_config c;
    fuzz_random pieces;
    const char *p, *end;
    char *mem;
    size_t i;

    if (size < 2 || size > 8192) {
        return 0;
    }
    memset(&W, 0, sizeof(W));
    memset(&c, 0, sizeof(c));
    W.time = 1700000000;
    W.random = pieces = fuzz_seed(data, size);
    NEED(mcpt_signer_init(&signer, &plain, ref, sizeof(ref)) == MCPT_OK);
    c.endpoint = MCP;
    c.grant = grants[data[0] & 7];
    c.redirect_uri = (data[0] & 8) != 0 ? "https://gateway.example/cb" : "http://127.0.0.1:1/cb";
    c.client_id = (data[0] & 16) != 0 || c.grant > MCPT_GRANT_DEVICE ? "id:1" : NULL;
    c.client_secret = (data[0] & 32) != 0 ? "s e" : NULL;
    c.client_metadata_url = (data[0] & 64) != 0 ? "https://client.example/m.json" : NULL;
    c.public_client = (data[0] & 128) != 0;
    c.client_name = "f";
    c.assertion = c.grant >= MCPT_GRANT_JWT_BEARER ? "a.b.c" : NULL;
    c.idp_token_endpoint = "https://idp.example/token";
    c.idp_client_id = "idp";
    c.idp_client_secret = (data[1] & 1) != 0 ? "i" : NULL;
    c.dpop = (data[1] & 2) != 0 ? &signer : NULL;
    c.signer = (data[1] & 4) != 0 ? &signer : NULL;
    c.quirks = (data[1] & 8) != 0 ? fuzz_next(&pieces) & 127u : 0;
    c.store = (data[1] & 16) != 0 ? &stores[data[1] >> 5 & 1] : NULL;
    c.store_key = (data[1] & 64) != 0 ? device_key : NULL;
    c.env = &envs[data[1] >> 6 & 1];
    W.fails_at = (data[1] & 128) != 0 ? 1 + fuzz_next(&pieces) % 12 : 0;
    mem = (char *)fuzz_mem(MEM);
    if (mcpt_oauth_init(&o, &c, mem, MEM) != MCPT_OK) {
        mcpt_oauth_close(&o);
        free(mem);
        return 0;
    }
    for (p = (const char *)data + 2, end = (const char *)data + size; p < end;) {
        const char *stop = (const char *)memchr(p, 30, (size_t)(end - p));
        size_t n = (size_t)((stop != NULL ? stop : end) - p);
        mcpt_str field = { p + 1, n - (n != 0) };
        switch (n != 0 ? *p : ' ') {
        case '!':
        case '^':
            (void)mcpt_oauth_refused(&o, *p == '!' ? 401 : 403, &field, 1, mcpt_z("rs"), mcpt_oauth_token(&o).ptr != NULL);
            break;
        case '?':
            returned(&o, p + 1, n - 1);
            break;
        case '=':
            mcpt_oauth_accepted(&o, mcpt_z("rs"));
            break;
        case '+':
            W.time += W.time >= 0 ? 3600 : 0;
            W.millis += 3600000;
            break;
        case '-':
            W.time = n > 1 ? -1 : W.time - 100000;
            break;
        case '@':
        case '&':
            if (*p == '&' && n > 2) {
                W.records[(unsigned char)p[1] % RECORDS].value[(unsigned char)p[2]] ^= 16;
            }
            mcpt_oauth_close(&o);
            if (mcpt_oauth_init(&o, &c, mem, MEM) != MCPT_OK) {
                end = p;
            }
            break;
        case '%':
            mcpt_oauth_logout(&o);
            break;
        case '*':
            mcpt_oauth_start(&o);
            break;
        default:
            answer(&o, p, n, &pieces);
        }
        if (end == p) {
            break;
        }
        W.millis += 10;
        holds(&o);
        p += n + 1;
    }
    mcpt_oauth_close(&o);
    for (i = 0; i < MEM; i++) {
        NEED(mem[i] == 0);
    }
    free(mem);
    return 0;
}
