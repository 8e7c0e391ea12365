/* port/store_seed.c - see store_seed.h */
#include "store_seed.h"
#include <string.h>

enum { ROOT, ENDPOINT, REDIRECT, SCOPES, CLIENT_NAME, CLIENT_URI, PUBLIC, NAME, VERSION, ID, SECRET, ACCESS, REFRESH, ISSUER, COMPLETE, MEMBERS };
static const mcpt_pick members[MEMBERS] = {
    MCPT_PICK("", 0), MCPT_PICK("mcpEndpoint", 0), MCPT_PICK("oauthRedirectUrl", 0), MCPT_PICK("oauthScopes", 0), MCPT_PICK("oauthClientName", 0),
    MCPT_PICK("oauthClientUri", 0), MCPT_PICK("oauthPublicClient", 0), MCPT_PICK("mcpClientName", 0), MCPT_PICK("mcpClientVersion", 0),
    MCPT_PICK("clientId", 0), MCPT_PICK("clientSecret", 0), MCPT_PICK("accessToken", 0), MCPT_PICK("refreshToken", 0), MCPT_PICK("issuer", 0),
    MCPT_PICK("authComplete", 0) };

static mcpt_str part(const char *p, size_t n)
{
    mcpt_str s;

    s.ptr = p;
    s.len = n;
    return s;
}

static const mcpt_str none = { NULL, 0 };

/* -- records of the medium */
/* prefix and name as a key; false: no key could be that. */
static bool key_of(char key[65], const char *prefix, mcpt_str name)
{
    size_t n = strlen(prefix);

    if (name.len == 0 || name.len > 64 - n) {
        return false;
    }
    memcpy(key, prefix, n);
    memcpy(key + n, name.ptr, name.len);
    key[n + name.len] = '\0';
    return mcpt_store_key_ok(key, 64);
}

static mcpt_err scan(mcpt_str text, const mcpt_pick *picks, size_t n, mcpt_span *found)
{
    mcpt_scan s;
    mcpt_err e;

    mcpt_scan_init(&s, picks, n, found);
    e = mcpt_scan_feed(&s, text.ptr, text.len);
    return (e == MCPT_PENDING || e == MCPT_OK) && mcpt_scan_end(&s) == MCPT_OK ? MCPT_OK : MCPT_E_DAMAGED;
}

/* The value of a record, in buf: raw JSON that was checked. */
static mcpt_err get(const mcpt_store_seed *s, const char *key, char *buf, mcpt_str *value)
{
    static const mcpt_pick inside[] = { MCPT_PICK("", 0), MCPT_PICK("value", 0) };
    const mcpt_store *r = s->config.records;
    mcpt_span found[2];
    size_t n;
    mcpt_err e = r->read(r->user, key, buf, s->quarter, &n);

    if (e == MCPT_OK) {
        *value = part(buf, n);
        e = scan(*value, inside, 2, found);
    }
    if (e == MCPT_OK && s->config.dated) {
        *value = part(buf + found[1].at, found[1].len);
        e = value->len != 0 ? MCPT_OK : MCPT_E_DAMAGED;
    }
    return e;
}

static char *digits(char *to, int64_t v, unsigned n)
{
    for (unsigned i = n; i-- > 0; v /= 10) {
        to[i] = (char)('0' + v % 10);
    }
    return to + n;
}

/* Unix seconds as JavaScript's toISOString writes them. */
static void iso(char out[25], int64_t now)
{
    int64_t t = now < 0 ? 0 : now, day = t / 86400, sec = t % 86400, era, yoe, doy, month;
    char *p = out;

    day += 719468;                                          /* days since 0000-03-01, so that a leap day ends a year */
    era = day / 146097;
    day %= 146097;
    yoe = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    doy = day - (365 * yoe + yoe / 4 - yoe / 100);
    month = (5 * doy + 2) / 153;
    p = digits(p, yoe + era * 400 + (month >= 10 ? 1 : 0), 4);
    *p++ = '-';
    p = digits(p, month < 10 ? month + 3 : month - 9, 2);
    *p++ = '-';
    p = digits(p, doy - (153 * month + 2) / 5 + 1, 2);
    *p++ = 'T';
    p = digits(p, sec / 3600, 2);
    *p++ = ':';
    p = digits(p, sec / 60 % 60, 2);
    *p++ = ':';
    p = digits(p, sec % 60, 2);
    memcpy(p, ".000Z", 6);
}

/* Writes value, raw JSON, under key; buf has room for it and what surrounds it. */
static mcpt_err put(const mcpt_store_seed *s, const char *key, mcpt_str value, char *buf)
{
    const mcpt_env *env = s->config.env;
    const mcpt_store *r = s->config.records;
    char when[25];
    mcpt_writer w;
    mcpt_err e;

    if (s->config.dated) {
        iso(when, env->unix_time != NULL ? env->unix_time(env->user) : 0);
        mcpt_w_init(&w, buf, s->quarter);
        mcpt_obj(&w);
        mcpt_kv_raw(&w, "value", value);
        mcpt_kv_z(&w, "created_at", when);
        mcpt_kv_z(&w, "updated_at", when);
        mcpt_end(&w);
        e = mcpt_w_done(&w, &value);
        if (e != MCPT_OK) {
            return e;
        }
    }
    return r->write(r->user, key, value);
}

static mcpt_err put_text(const mcpt_store_seed *s, const char *key, mcpt_str text)
{
    char raw[160];
    mcpt_writer w;
    mcpt_str value;
    mcpt_err e;

    mcpt_w_init(&w, raw, sizeof(raw));
    mcpt_put_str(&w, text);
    e = mcpt_w_done(&w, &value);
    e = e == MCPT_OK ? put(s, key, value, s->room) : e;
    mcpt_wipe(raw, sizeof(raw));
    return e;
}

static mcpt_err drop(const mcpt_store_seed *s, const char *prefix, const char *name)
{
    const mcpt_store *r = s->config.records;
    char key[65];

    return key_of(key, prefix, mcpt_z(name)) ? r->erase(r->user, key) : MCPT_E_ARG;
}

/* -- the session */
/* Where the value or key at p ends, in an object that was checked. */
static const char *value_end(const char *p, const char *end)
{
    unsigned depth = 0;
    bool quoted = false;

    for (; p != end; p++) {
        if (quoted) {
            quoted = *p != '"';
            p += *p == '\\' ? 1 : 0;
        } else if (depth == 0 && (*p == ',' || *p == '}' || *p == ':')) {
            break;
        } else {
            quoted = *p == '"';
            depth += *p == '{' || *p == '[' ? 1u : 0u;
            depth -= *p == '}' || *p == ']' ? 1u : 0u;
        }
    }
    return p;
}

/* The members of an object that are not to be left out, as they are. */
static void copy_members(mcpt_writer *w, mcpt_str json, const bool leave_out[MEMBERS])
{
    const char *p = (const char *)memchr(json.ptr, '{', json.len), *end = json.ptr + json.len;

    while (p != NULL && *p != '}') {
        const char *colon = value_end(p + 1, end), *after = *colon == ':' ? value_end(colon + 1, end) : colon;
        const char *key = (const char *)memchr(p, '"', (size_t)(colon - p));
        size_t n = key != NULL ? (size_t)(colon - key) : 0;
        char name[128];
        bool out = key == NULL;                             /* "{ }" */

        while (n != 0 && key[n - 1] != '"') {
            n--;
        }
        n = out ? 0 : mcpt_unescape(part(key, n), name, sizeof(name));
        if (n > sizeof(name)) {
            w->err = MCPT_E_SPACE;
            return;
        }
        for (unsigned i = 1; i < MEMBERS; i++) {
            out = out || (leave_out[i] && mcpt_str_is(part(name, n), members[i].key));
        }
        if (!out) {
            mcpt_key_str(w, part(name, n));
            for (colon++; *colon == ' ' || *colon == '\t' || *colon == '\r' || *colon == '\n'; colon++) {
            }
            mcpt_put_raw(w, part(colon, (size_t)(after - colon)));
        }
        p = after;
    }
}

/* What oauth knows goes into the record. */
static mcpt_err save(mcpt_store_seed *s)
{
    static const struct { unsigned char member; mcpt_fact fact; } facts[] = {
        { ID, MCPT_FACT_CLIENT_ID }, { SECRET, MCPT_FACT_CLIENT_SECRET }, { ACCESS, MCPT_FACT_ACCESS_TOKEN },
        { REFRESH, MCPT_FACT_REFRESH_TOKEN }, { ISSUER, MCPT_FACT_ISSUER } };
    bool leave_out[MEMBERS] = { false };
    mcpt_writer w;
    mcpt_str json;
    char key[65];
    mcpt_err e;

    leave_out[ACCESS] = leave_out[REFRESH] = true;
    leave_out[COMPLETE] = mcpt_oauth_fact(s->oauth, MCPT_FACT_ACCESS_TOKEN).ptr != NULL;
    leave_out[ID] = leave_out[SECRET] = mcpt_oauth_fact(s->oauth, MCPT_FACT_CLIENT_ID).ptr != NULL;
    leave_out[ISSUER] = mcpt_oauth_fact(s->oauth, MCPT_FACT_ISSUER).ptr != NULL;
    mcpt_w_init(&w, s->room, s->quarter);
    mcpt_obj(&w);
    copy_members(&w, part(s->json, s->json_len), leave_out);
    for (size_t i = 0; i < MCPT_COUNT(facts); i++) {
        mcpt_str v = mcpt_oauth_fact(s->oauth, facts[i].fact);
        if (v.ptr != NULL && leave_out[facts[i].member]) {
            mcpt_kv_str(&w, members[facts[i].member].key, v);
        }
    }
    if (leave_out[COMPLETE]) {
        mcpt_kv_bool(&w, "authComplete", true);
    }
    mcpt_end(&w);
    e = mcpt_w_done(&w, &json);
    if (e != MCPT_OK) {
        return e;
    }
    memcpy(s->json, json.ptr, json.len);
    s->json_len = json.len;
    return key_of(key, "session_", mcpt_z(s->id)) ? put(s, key, part(s->json, s->json_len), s->room) : MCPT_E_ARG;
}

/* A string of the record as text of its own; NULL when it is absent. */
static const char *text_of(mcpt_store_seed *s, mcpt_span span, size_t *used)
{
    mcpt_str raw = part(s->json + span.at, span.len);
    char *to = s->text + *used;
    size_t n;

    if (span.len < 2 || raw.ptr[0] != '"') {
        return NULL;
    }
    n = mcpt_unescape(raw, to, s->quarter - *used - 1);       /* never longer than the record, and there are few */
    if (n >= s->quarter - *used) {
        return NULL;
    }
    to[n] = '\0';
    *used += n + 1;
    return to;
}

/* The record of session s->id is read, its settings become those of auth. */
static mcpt_err load(mcpt_store_seed *s, mcpt_span found[MEMBERS])
{
    char key[65];
    mcpt_str json;
    size_t used = 0;
    mcpt_err e = key_of(key, "session_", mcpt_z(s->id)) ? get(s, key, s->room, &json) : MCPT_E_ABSENT;

    if (e != MCPT_OK) {
        return e;
    }
    memcpy(s->json, json.ptr, json.len);
    s->json_len = json.len;
    if (s->json_len + 2 * MEMBERS > s->quarter) {
        return MCPT_E_SPACE;
    }
    if (scan(part(s->json, s->json_len), members, MEMBERS, found) != MCPT_OK || s->json[0] != '{') {
        return MCPT_E_DAMAGED;
    }
    s->auth.endpoint = text_of(s, found[ENDPOINT], &used);
    s->auth.redirect_uri = text_of(s, found[REDIRECT], &used);
    s->auth.scope = text_of(s, found[SCOPES], &used);
    s->auth.client_name = text_of(s, found[CLIENT_NAME], &used);
    s->auth.client_uri = text_of(s, found[CLIENT_URI], &used);
    s->auth.public_client = found[PUBLIC].len != 0 && s->json[found[PUBLIC].at] == 't';
    s->auth.client_id = text_of(s, found[ID], &used);
    s->auth.client_secret = text_of(s, found[SECRET], &used);
    s->auth.client_issuer = text_of(s, found[ISSUER], &used);
    s->name = text_of(s, found[NAME], &used);
    s->version = text_of(s, found[VERSION], &used);
    return s->auth.endpoint != NULL && s->auth.redirect_uri != NULL && s->name != NULL && s->version != NULL ? MCPT_OK : MCPT_E_DAMAGED;
}

/* A secret string of the record, into buf; absent when it is. */
static mcpt_str secret_of(const mcpt_store_seed *s, mcpt_span span, char *buf)
{
    mcpt_str raw = part(s->json + span.at, span.len);
    size_t n;

    if (span.len < 3 || raw.ptr[0] != '"') {
        return none;
    }
    n = mcpt_unescape(raw, buf, s->quarter);
    return n <= s->quarter ? part(buf, n) : none;
}

/* The string in the record PREFIX STATE, in buf; take: the record is this caller's alone then, and gone. */
static mcpt_err string_of(const mcpt_store_seed *s, const char *prefix, mcpt_str state, bool take, char *buf, mcpt_str *out)
{
    const mcpt_store *r = s->config.records;
    char key[65];
    mcpt_str value;
    size_t n;
    mcpt_err e = key_of(key, prefix, state) ? get(s, key, buf, &value) : MCPT_E_ABSENT;

    if (e == MCPT_OK && take) {
        e = r->read(r->user, key, s->room, s->quarter, &n);
        e = e == MCPT_OK ? mcpt_store_swap(r, key, part(s->room, n), none, s->pending, s->quarter) : e;
        e = e == MCPT_E_CONFLICT ? MCPT_E_ABSENT : e;
    }
    if (e == MCPT_OK && value.ptr[0] != '"') {
        e = MCPT_E_DAMAGED;
    }
    if (e == MCPT_OK) {
        *out = part(buf, mcpt_unescape(value, buf, value.len));
    }
    return e;
}

/* -- the store that oauth is given: its writes are the sign that something has changed; of its own records only the authorization that
 * waits for a person is kept, in memory, for a redirect that comes back to the same process */
static mcpt_err seed_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    mcpt_store_seed *s = (mcpt_store_seed *)user;

    *len = strcmp(key, s->pending_key) == 0 ? s->pending_len : 0;
    if (*len != 0 && *len <= cap) {
        memcpy(buf, s->pending, *len);
    }
    return *len == 0 ? MCPT_E_ABSENT : *len > cap ? MCPT_E_SPACE : MCPT_OK;
}

static mcpt_err seed_write(void *user, const char *key, mcpt_str value)
{
    mcpt_store_seed *s = (mcpt_store_seed *)user;

    if (key[0] == 'r') {
        return MCPT_OK;
    }
    if (key[0] == 'a') {
        if (value.len > s->quarter) {
            return MCPT_E_LIMIT;
        }
        memcpy(s->pending, value.ptr, value.len);
        s->pending_len = value.len;
        memcpy(s->pending_key, key, strlen(key) + 1);
    }
    return save(s);
}

static mcpt_err seed_erase(void *user, const char *key)
{
    mcpt_store_seed *s = (mcpt_store_seed *)user;
    mcpt_err e = MCPT_OK;

    if (key[0] == 's') {
        return drop(s, "session_", s->id);
    }
    if (key[0] == 'a') {
        s->pending_len = 0;
        e = s->state[0] != '\0' ? drop(s, "state_", s->state) : e;
        e = s->state[0] != '\0' && e == MCPT_OK ? drop(s, "pkce_verifier_", s->state) : e;
        s->state[0] = e == MCPT_OK ? '\0' : s->state[0];
    }
    return e;
}

static mcpt_err seed_list(void *user, const char *prefix, bool (*each)(void *each_user, const char *key), void *each_user)
{
    (void)user;
    (void)prefix;
    (void)each;
    (void)each_user;
    return MCPT_OK;
}

/* An authorization is taken by one process: by who gets its verifier, once its URL was shown. */
static mcpt_err seed_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    mcpt_store_seed *s = (mcpt_store_seed *)user;
    mcpt_str v;
    mcpt_err e = MCPT_OK;

    (void)old;
    if (value.ptr != NULL) {
        return seed_write(user, key, value);
    }
    if (key[0] == 'a' && s->state[0] != '\0') {
        e = string_of(s, "pkce_verifier_", mcpt_z(s->state), true, s->text, &v);
    }
    return e == MCPT_E_ABSENT ? MCPT_E_CONFLICT : e != MCPT_OK ? e : seed_erase(user, key);
}

/* -- the face */
mcpt_err mcpt_store_seed_init(mcpt_store_seed *s, const mcpt_store_seed_config *config)
{
    static const mcpt_store calls = { seed_read, seed_write, seed_erase, seed_list, seed_swap, NULL };

    memset(s, 0, sizeof(*s));
    s->config = *config;
    s->quarter = config->size / 4;
    if (config->records == NULL || config->env == NULL || config->env->random == NULL || config->mem == NULL || s->quarter < 256) {
        return MCPT_E_ARG;
    }
    s->text = (char *)config->mem;
    s->json = s->text + s->quarter;
    s->room = s->json + s->quarter;
    s->pending = s->room + s->quarter;
    s->store = calls;
    s->store.user = s;
    return MCPT_OK;
}

/* oauth over this layer's store. */
static mcpt_err begin(mcpt_store_seed *s, mcpt_oauth *oauth, void *work, size_t size)
{
    s->auth.client_name = s->auth.client_name != NULL ? s->auth.client_name : s->name;
    s->auth.env = s->config.env;
    s->auth.store = &s->store;
    s->oauth = oauth;
    return mcpt_oauth_init(oauth, &s->auth, work, size);
}

/* A random UUID (RFC 9562 section 5.4). */
static bool uuid(const mcpt_env *env, char id[65])
{
    uint8_t raw[16];
    size_t at = 0;

    if (!env->random(env->user, raw, sizeof(raw))) {
        return false;
    }
    raw[6] = (uint8_t)((raw[6] & 0x0fu) | 0x40u);
    raw[8] = (uint8_t)((raw[8] & 0x3fu) | 0x80u);
    for (size_t i = 0; i < sizeof(raw); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            id[at++] = '-';
        }
        id[at++] = "0123456789abcdef"[raw[i] >> 4];
        id[at++] = "0123456789abcdef"[raw[i] & 15u];
    }
    id[at] = '\0';
    return true;
}

mcpt_err mcpt_store_seed_create(mcpt_store_seed *s, mcpt_oauth *oauth, void *work, size_t size)
{
    const mcpt_oauth_config *c = &s->auth;
    mcpt_writer w;
    mcpt_str json;
    char key[65];
    mcpt_err e;

    if (s->name == NULL || s->version == NULL) {
        return MCPT_E_ARG;
    }
    mcpt_w_init(&w, s->json, s->quarter);
    mcpt_obj(&w);
    mcpt_kv_z(&w, "mcpEndpoint", c->endpoint);
    mcpt_kv_z(&w, "oauthRedirectUrl", c->redirect_uri);
    mcpt_kv_z(&w, "oauthScopes", c->scope);
    mcpt_kv_z(&w, "oauthClientName", c->client_name);
    mcpt_kv_z(&w, "oauthClientUri", c->client_uri);
    if (c->public_client) {
        mcpt_kv_bool(&w, "oauthPublicClient", true);
    }
    mcpt_kv_z(&w, "mcpClientName", s->name);
    mcpt_kv_z(&w, "mcpClientVersion", s->version);
    mcpt_kv_z(&w, "clientId", c->client_id);
    mcpt_kv_z(&w, "clientSecret", c->client_secret);
    mcpt_kv_z(&w, "issuer", c->client_issuer);
    mcpt_end(&w);
    e = mcpt_w_done(&w, &json);
    e = e == MCPT_OK ? begin(s, oauth, work, size) : e;
    e = e == MCPT_OK && !uuid(s->config.env, s->id) ? MCPT_E_RANDOM : e;
    if (e != MCPT_OK) {
        return e;
    }
    s->json_len = json.len;
    return key_of(key, "session_", mcpt_z(s->id)) ? put(s, key, json, s->room) : MCPT_E_ARG;
}

mcpt_err mcpt_store_seed_open(mcpt_store_seed *s, const char *id, mcpt_oauth *oauth, void *work, size_t size)
{
    mcpt_span found[MEMBERS];
    char key[65];
    mcpt_str v;
    mcpt_err e;

    if (!key_of(key, "session_", mcpt_z(id))) {
        return MCPT_E_ABSENT;
    }
    memcpy(s->id, id, strlen(id) + 1);
    e = load(s, found);
    e = e == MCPT_OK ? begin(s, oauth, work, size) : e;
    v = e == MCPT_OK ? secret_of(s, found[ACCESS], s->room) : none;
    if (v.ptr == NULL) {
        return e;
    }
    e = s->auth.client_issuer != NULL ? mcpt_oauth_adopt(oauth, MCPT_FACT_ISSUER, mcpt_z(s->auth.client_issuer)) : MCPT_OK;
    v = secret_of(s, found[REFRESH], s->room);
    if (e == MCPT_OK && v.ptr != NULL) {
        e = mcpt_oauth_adopt(oauth, MCPT_FACT_REFRESH_TOKEN, v);
    }
    return e == MCPT_OK ? mcpt_oauth_adopt(oauth, MCPT_FACT_ACCESS_TOKEN, secret_of(s, found[ACCESS], s->room)) : e;
}

/* state of the query; the parameters are judged by mcpt_oauth_callback(). */
static mcpt_str state_of(mcpt_str query)
{
    for (size_t i = 0; i + 6 <= query.len; i++) {
        if ((i == 0 || query.ptr[i - 1] == '&') && memcmp(query.ptr + i, "state=", 6) == 0) {
            const char *end = (const char *)memchr(query.ptr + i, '&', query.len - i);
            return part(query.ptr + i + 6, (end != NULL ? (size_t)(end - query.ptr) : query.len) - i - 6);
        }
    }
    return none;
}

mcpt_err mcpt_store_seed_complete(mcpt_store_seed *s, mcpt_str query, mcpt_oauth *oauth, void *work, size_t size)
{
    const mcpt_str state = state_of(query);
    mcpt_span found[MEMBERS];
    mcpt_str v;
    char verifier[129], key[65];
    mcpt_err e = string_of(s, "state_", state, false, s->room, &v);

    if (e == MCPT_OK && (v.len >= sizeof(s->id) || v.len == 0)) {
        e = MCPT_E_DAMAGED;
    }
    if (e != MCPT_OK) {
        return e;
    }
    memcpy(s->id, v.ptr, v.len);
    s->id[v.len] = '\0';
    e = string_of(s, "pkce_verifier_", state, true, s->text, &v);          /* taken before anything is done with it: a state is used once */
    if (e == MCPT_OK && (v.len >= sizeof(verifier) || v.len == 0)) {
        e = MCPT_E_DAMAGED;
    }
    if (e == MCPT_OK) {
        memcpy(verifier, v.ptr, v.len);
        verifier[v.len] = '\0';
        (void)key_of(key, "state_", state);
        e = s->config.records->erase(s->config.records->user, key);
    }
    e = e == MCPT_OK ? load(s, found) : e;
    e = e == MCPT_OK ? begin(s, oauth, work, size) : e;
    if (e == MCPT_OK && s->auth.client_id == NULL) {
        e = MCPT_E_DAMAGED;
    }
    e = e == MCPT_OK ? mcpt_oauth_adopt(oauth, MCPT_FACT_CODE_VERIFIER, mcpt_z(verifier)) : e;
    e = e == MCPT_OK ? mcpt_oauth_adopt(oauth, MCPT_FACT_STATE, state) : e;
    e = e == MCPT_OK ? mcpt_oauth_callback(oauth, query) : e;
    mcpt_wipe(verifier, sizeof(verifier));
    return e == MCPT_PENDING ? MCPT_OK : e;
}

mcpt_err mcpt_store_seed_url(mcpt_store_seed *s, mcpt_str *url)
{
    mcpt_str state, query, verifier;
    char key[65];
    mcpt_err e;

    *url = mcpt_oauth_url(s->oauth);
    query = *url;
    while (query.len != 0 && *query.ptr != '?') {
        query.ptr++;
        query.len--;
    }
    state = state_of(query.len != 0 ? part(query.ptr + 1, query.len - 1) : query);
    verifier = mcpt_oauth_fact(s->oauth, MCPT_FACT_CODE_VERIFIER);
    if (url->ptr == NULL || verifier.ptr == NULL || state.len == 0) {
        return MCPT_E_STATE;
    }
    if (mcpt_str_is(state, s->state)) {
        return MCPT_OK;
    }
    e = key_of(key, "pkce_verifier_", state) ? put_text(s, key, verifier) : MCPT_E_STATE;
    if (e == MCPT_OK) {
        (void)key_of(key, "state_", state);
        e = put_text(s, key, mcpt_z(s->id));
    }
    if (e == MCPT_OK) {
        memcpy(s->state, state.ptr, state.len);
        s->state[state.len] = '\0';
    }
    return e;
}

void mcpt_store_seed_close(mcpt_store_seed *s)
{
    if (s->oauth != NULL) {
        mcpt_oauth_close(s->oauth);
    }
    if (s->config.mem != NULL) {
        mcpt_wipe(s->config.mem, s->config.size);
    }
    mcpt_wipe(s, sizeof(*s));
}
