/* port/store_postgres.c - see store_postgres.h */
/* cflags: -isystem /usr/include/postgresql */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* clock_gettime, poll */
#endif
#include "store_postgres.h"
#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LONGEST ((size_t)512 * 1024 * 1024)                 /* a BYTEA may be twice that, libpq's messages not much more */

/* $1 key, $2 value, $3 old value; in CLEANUP $1 is a number of seconds. Prepared by their number on every connection.
 * @ is the table, {$2} a value and [value] the column, in the form that the table has. */
enum { READ, WRITE, ERASE, FIRST, NEXT, CREATE_ONLY, REPLACE, ERASE_IF, EXISTS, CLEANUP, STATS, STATEMENTS };
static const char *const texts[STATEMENTS] = {
    "SELECT [value] FROM @ WHERE key=$1",
    "INSERT INTO @ AS t(key,value) VALUES($1,{$2}) ON CONFLICT(key) DO UPDATE SET value=excluded.value,updated_at=now()",
    "DELETE FROM @ WHERE key=$1",
    "SELECT key FROM @ WHERE key COLLATE \"C\">=$1 ORDER BY key COLLATE \"C\" LIMIT 120",
    "SELECT key FROM @ WHERE key COLLATE \"C\">$1 ORDER BY key COLLATE \"C\" LIMIT 120",
    "INSERT INTO @(key,value) VALUES($1,{$2}) ON CONFLICT(key) DO NOTHING",
    "UPDATE @ SET value={$2},updated_at=now() WHERE key=$1 AND value={$3}",
    "DELETE FROM @ WHERE key=$1 AND value={$2}",
    "SELECT 1 FROM @ WHERE key=$1",
    "DELETE FROM @ WHERE updated_at<now()-make_interval(secs=>$1::text::float8)",
    "SELECT count(*)::text,coalesce(sum(octet_length([value])),0)::text,pg_total_relation_size('@')::text FROM @"
};
static const char exists_text[] = "SELECT to_regclass('@') IS NOT NULL";
static const char schema[] = "CREATE TABLE IF NOT EXISTS @(key TEXT COLLATE \"C\" PRIMARY KEY,value BYTEA NOT NULL,"
                             "created_at TIMESTAMPTZ NOT NULL DEFAULT now(),updated_at TIMESTAMPTZ NOT NULL DEFAULT now())";
static const char schema_json[] = "CREATE TABLE IF NOT EXISTS @(key VARCHAR(255) PRIMARY KEY,value JSONB NOT NULL,"
                                  "created_at TIMESTAMPTZ DEFAULT now(),updated_at TIMESTAMPTZ DEFAULT now())";

static void hang_up(mcpt_store_postgres *s)
{
    PQfinish(s->connection);
    s->connection = NULL;
}

static void quiet(void *arg, const PGresult *result)        /* notices such as "relation exists" are nobody's business */
{
    (void)arg;
    (void)result;
}

/* A statement's text with what stands for the table and its values. */
static const char *expand(const mcpt_store_postgres *s, const char *text, char *to, size_t cap)
{
    const char *const start = to;
    const bool json = s->config.json;

    for (; *text != '\0' && cap > 1; text++) {
        const char *put = *text == '@' ? s->table : *text == '{' ? (json ? "convert_from(" : "") : *text == '}' ? (json ? "::bytea,'UTF8')::jsonb" : "") :
                          *text == '[' ? (json ? "convert_to(" : "") : *text == ']' ? (json ? "::text,'UTF8')" : "") : NULL;
        int n = put != NULL ? snprintf(to, cap, "%s", put) : snprintf(to, cap, "%c", *text);

        n = (size_t)n < cap ? n : (int)cap - 1;
        to += n;
        cap -= (size_t)n;
    }
    return start;
}

static int64_t millis(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Sends the rest of a statement and takes in what comes, until PQgetResult() need not wait. False: it broke, or s->late. */
static bool arrives(mcpt_store_postgres *s, int64_t until)
{
    for (;;) {
        const int unsent = PQflush(s->connection);
        const int64_t left = until - millis();
        struct pollfd p;
        int n;

        if (unsent <= 0 && (unsent < 0 || PQisBusy(s->connection) == 0)) {
            return unsent == 0;
        }
        p.fd = PQsocket(s->connection);
        p.events = (short)(POLLIN | (unsent != 0 ? POLLOUT : 0));
        n = left > 0 ? poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX) : 0;
        s->late = n == 0;
        if (n == 0 || (n < 0 && errno != EINTR) || (n > 0 && (p.revents & ~POLLOUT) != 0 && PQconsumeInput(s->connection) == 0)) {
            return false;
        }
    }
}

/* The answer to what was sent. The server ends a statement after timeout_s; one that does not answer at all is given up a second
 * later. NULL: that, or it broke; the connection is closed then. */
static PGresult *answer(mcpt_store_postgres *s, int sent)
{
    const int64_t until = millis() + ((int64_t)s->config.timeout_s + 1) * 1000;
    PGresult *r = NULL, *next = NULL;
    bool whole = false;

    s->late = false;
    while (sent != 0 && !whole && arrives(s, until)) {
        next = PQgetResult(s->connection);
        whole = next == NULL;
        if (next != NULL) {
            PQclear(r);
            r = next;
        }
    }
    if (whole && r != NULL && PQstatus(s->connection) == CONNECTION_OK) {
        return r;
    }
    PQclear(r);
    hang_up(s);
    return NULL;
}

static bool simple(mcpt_store_postgres *s, const char *text)
{
    PGresult *r = answer(s, PQsendQuery(s->connection, text));
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;

    PQclear(r);
    return ok;
}

/* The table: looked for first, since looking takes fewer rights than making. */
static bool have_table(mcpt_store_postgres *s)
{
    char text[480];
    PGresult *r;
    bool there;

    r = answer(s, PQsendQuery(s->connection, expand(s, exists_text, text, sizeof(text))));
    there = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1 && PQgetvalue(r, 0, 0)[0] == 't';
    PQclear(r);
    return there || (s->connection != NULL && simple(s, expand(s, s->config.json ? schema_json : schema, text, sizeof(text))));
}

static bool dial(mcpt_store_postgres *s)
{
    char timeout[16], text[640], name[16];
    const char *const words[] = { "connect_timeout", "client_encoding", "fallback_application_name", "dbname", NULL };
    const char *const values[] = { timeout, "UTF8", "mcptools", s->config.connection, NULL };
    bool ok;

    (void)snprintf(timeout, sizeof(timeout), "%d", s->config.timeout_s);
    s->connection = PQconnectdbParams(words, values, 1);    /* dbname is a whole connection string, which wins over the rest */
    ok = PQstatus(s->connection) == CONNECTION_OK && PQsetnonblocking(s->connection, 1) == 0;
    (void)PQsetNoticeReceiver(s->connection, quiet, NULL);
    (void)snprintf(text, sizeof(text), "SET statement_timeout=%ld", (long)s->config.timeout_s * 1000);
    ok = ok && simple(s, text) && have_table(s);
    for (int i = 0; i < STATEMENTS && ok; i++) {
        PGresult *r;

        (void)snprintf(name, sizeof(name), "m%d", i);
        r = answer(s, PQsendPrepare(s->connection, name, expand(s, texts[i], text, sizeof(text)), 0, NULL));
        ok = PQresultStatus(r) == PGRES_COMMAND_OK;
        PQclear(r);
    }
    if (!ok) {
        hang_up(s);
    }
    return ok;
}

/* Runs a prepared statement over the connection there is; NULL: it broke (and was closed). */
static PGresult *exchange(mcpt_store_postgres *s, int which, int n, const mcpt_str *args)
{
    const char *values[3] = { NULL, NULL, NULL };
    int lens[3] = { 0, 0, 0 };
    const int binary[3] = { 0, 1, 1 };
    char name[16];

    for (int i = 0; i < n; i++) {
        values[i] = args[i].ptr;
        lens[i] = (int)args[i].len;
    }
    (void)snprintf(name, sizeof(name), "m%d", which);
    return answer(s, PQsendQueryPrepared(s->connection, name, n, values, lens, binary, 1));
}

/* A statement that may be sent twice, when the connection broke; one that was late may still be carried out, and is not. NULL: no connection. */
static PGresult *run(mcpt_store_postgres *s, int which, int n, const mcpt_str *args)
{
    const bool was_open = s->connection != NULL;
    PGresult *r = NULL;

    if (was_open || dial(s)) {
        r = exchange(s, which, n, args);
    }
    return r == NULL && was_open && !s->late && dial(s) ? exchange(s, which, n, args) : r;
}

static mcpt_err error_of(const PGresult *r)
{
    const char *state = r != NULL ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;

    if (state == NULL) {
        return MCPT_E_STORE;
    }
    return strcmp(state, "53100") == 0 ? MCPT_E_FULL : strcmp(state, "54000") == 0 ? MCPT_E_LIMIT : MCPT_E_STORE;
}

static bool is(const PGresult *r, ExecStatusType status)
{
    return r != NULL && PQresultStatus(r) == status;
}

/* Ends a statement that changes; *rows: how many. */
static mcpt_err changed(PGresult *r, long *rows)
{
    mcpt_err e = is(r, PGRES_COMMAND_OK) ? MCPT_OK : error_of(r);

    *rows = e == MCPT_OK ? strtol(PQcmdTuples(r), NULL, 10) : 0;
    PQclear(r);
    return e;
}

static mcpt_err check(const mcpt_store_postgres *s, const char *key)
{
    return !s->opened ? MCPT_E_STATE : mcpt_store_key_ok(key, s->config.max_key) ? MCPT_OK : MCPT_E_ARG;
}

static mcpt_err postgres_read(void *user, const char *key, void *buf, size_t cap, size_t *len)
{
    mcpt_store_postgres *s = (mcpt_store_postgres *)user;
    mcpt_err e = check(s, key);
    mcpt_str args[1];
    PGresult *r;

    *len = 0;
    if (e != MCPT_OK) {
        return e;
    }
    args[0] = mcpt_z(key);
    r = run(s, READ, 1, args);
    if (is(r, PGRES_TUPLES_OK) && PQntuples(r) == 1) {
        *len = (size_t)PQgetlength(r, 0, 0);
        e = *len > cap ? MCPT_E_SPACE : MCPT_OK;
        if (e == MCPT_OK && *len != 0) {
            memcpy(buf, PQgetvalue(r, 0, 0), *len);
        }
    } else {
        e = is(r, PGRES_TUPLES_OK) ? MCPT_E_ABSENT : error_of(r);
    }
    PQclear(r);
    return e;
}

static mcpt_err postgres_write(void *user, const char *key, mcpt_str value)
{
    mcpt_store_postgres *s = (mcpt_store_postgres *)user;
    mcpt_err e = value.ptr == NULL ? MCPT_E_ARG : check(s, key);
    mcpt_str args[2];
    long rows;

    if (e != MCPT_OK) {
        return e;
    }
    if (value.len > LONGEST) {
        return MCPT_E_LIMIT;
    }
    args[0] = mcpt_z(key);
    args[1] = value;
    return changed(run(s, WRITE, 2, args), &rows);
}

static mcpt_err postgres_erase(void *user, const char *key)
{
    mcpt_store_postgres *s = (mcpt_store_postgres *)user;
    mcpt_err e = check(s, key);
    mcpt_str args[1];
    long rows;

    args[0] = mcpt_z(key);
    return e != MCPT_OK ? e : changed(run(s, ERASE, 1, args), &rows);
}

static mcpt_err postgres_list(void *user, const char *prefix, bool (*each)(void *each_user, const char *key), void *each_user)
{
    mcpt_store_postgres *s = (mcpt_store_postgres *)user;
    char last[MCPT_STORE_POSTGRES_KEY + 1];
    size_t n = prefix != NULL ? strlen(prefix) : 0;
    int which = FIRST;

    if (!s->opened) {
        return MCPT_E_STATE;
    }
    if (prefix == NULL || (n != 0 && !mcpt_store_key_ok(prefix, s->config.max_key))) {
        return MCPT_E_ARG;
    }
    memcpy(last, prefix, n + 1);
    for (;;) {
        mcpt_str args[1];
        PGresult *r;
        mcpt_err e;
        bool more;

        args[0] = mcpt_z(last);
        r = run(s, which, 1, args);
        e = is(r, PGRES_TUPLES_OK) ? MCPT_OK : error_of(r);
        more = e == MCPT_OK && PQntuples(r) > 0;
        for (int i = 0; more && i < PQntuples(r); i++) {
            const char *key = PQgetvalue(r, i, 0);

            more = strncmp(key, prefix, n) == 0;
            if (more && mcpt_store_key_ok(key, s->config.max_key)) {    /* others are not ours; to go on, they count below */
                more = each(each_user, key);
            }
            if (more && i + 1 == PQntuples(r)) {
                more = strlen(key) < sizeof(last);
                memcpy(last, key, more ? strlen(key) + 1 : 0);
            }
        }
        PQclear(r);
        if (!more) {
            return e;
        }
        which = NEXT;
    }
}

/* Once, over a connection that may turn out broken: then nobody knows whether it was done. */
static PGresult *swap_once(mcpt_store_postgres *s, const char *key, mcpt_str old, mcpt_str value)
{
    mcpt_str args[3];
    int which = old.ptr == NULL ? (value.ptr == NULL ? EXISTS : CREATE_ONLY) : value.ptr == NULL ? ERASE_IF : REPLACE;

    args[0] = mcpt_z(key);
    args[1] = which == ERASE_IF ? old : value;
    args[2] = old;
    return s->connection != NULL || dial(s) ? exchange(s, which, which == EXISTS ? 1 : which == REPLACE ? 3 : 2, args) : NULL;
}

static bool still(mcpt_store_postgres *s, const char *key, mcpt_str old)
{
    mcpt_str args[1];
    PGresult *r;
    bool same;

    args[0] = mcpt_z(key);
    r = run(s, READ, 1, args);
    same = is(r, PGRES_TUPLES_OK) &&
           (PQntuples(r) == 0 ? old.ptr == NULL
                              : old.ptr != NULL && (size_t)PQgetlength(r, 0, 0) == old.len && memcmp(PQgetvalue(r, 0, 0), old.ptr, old.len) == 0);
    PQclear(r);
    return same;
}

static mcpt_err postgres_swap(void *user, const char *key, mcpt_str old, mcpt_str value)
{
    mcpt_store_postgres *s = (mcpt_store_postgres *)user;
    mcpt_err e = check(s, key);
    bool was_open;
    PGresult *r;
    long rows;

    if (e != MCPT_OK) {
        return e;
    }
    if (value.len > LONGEST) {
        return MCPT_E_LIMIT;
    }
    if (old.len > LONGEST) {
        return MCPT_E_CONFLICT;
    }
    was_open = s->connection != NULL;
    r = swap_once(s, key, old, value);
    if (r == NULL && was_open && !s->late && still(s, key, old)) {
        r = swap_once(s, key, old, value);
    }
    if (is(r, PGRES_TUPLES_OK)) {                           /* both absent */
        e = PQntuples(r) == 0 ? MCPT_OK : MCPT_E_CONFLICT;
        PQclear(r);
        return e;
    }
    e = changed(r, &rows);
    return e == MCPT_OK && rows == 0 ? MCPT_E_CONFLICT : e;
}

static bool name_ok(const char *name, size_t n)
{
    char copy[64];

    if (n == 0 || n >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, name, n);
    copy[n] = '\0';
    return mcpt_store_key_ok(copy, sizeof(copy) - 1) && strchr(copy, '-') == NULL;
}

/* name or schema.name, in quotes: a name keeps its case and may be a word of SQL. */
static bool quote(const char *table, char *to, size_t cap)
{
    const char *dot = strchr(table, '.'), *name = dot != NULL ? dot + 1 : table;

    if (!name_ok(name, strlen(name)) || (dot != NULL && !name_ok(table, (size_t)(dot - table)))) {
        return false;
    }
    if (dot != NULL) {
        (void)snprintf(to, cap, "\"%.*s\".\"%s\"", (int)(dot - table), table, name);
    } else {
        (void)snprintf(to, cap, "\"%s\"", name);
    }
    return true;
}

mcpt_err mcpt_store_postgres_open(mcpt_store_postgres *s, const mcpt_store_postgres_config *config)
{
    static const mcpt_store calls = { postgres_read, postgres_write, postgres_erase, postgres_list, postgres_swap, NULL };
    mcpt_store_postgres_config *c = &s->config;

    memset(s, 0, sizeof(*s));
    s->store = calls;
    s->store.user = s;
    *c = *config;
    c->timeout_s = c->timeout_s != 0 ? c->timeout_s : 5;
    c->max_key = c->max_key != 0 ? c->max_key : MCPT_STORE_KEY;
    if (c->max_key > MCPT_STORE_POSTGRES_KEY || !quote(c->table != NULL ? c->table : "mcp_store", s->table, sizeof(s->table))) {
        return MCPT_E_ARG;
    }
    s->opened = dial(s);
    return s->opened ? MCPT_OK : MCPT_E_STORE;
}

void mcpt_store_postgres_close(mcpt_store_postgres *s)
{
    hang_up(s);
    s->opened = false;
}

mcpt_err mcpt_store_postgres_exists(mcpt_store_postgres *s, const char *key, bool *there)
{
    mcpt_err e = check(s, key);
    mcpt_str args[1];
    PGresult *r;

    *there = false;
    if (e != MCPT_OK) {
        return e;
    }
    args[0] = mcpt_z(key);
    r = run(s, EXISTS, 1, args);
    e = is(r, PGRES_TUPLES_OK) ? MCPT_OK : error_of(r);
    *there = e == MCPT_OK && PQntuples(r) == 1;
    PQclear(r);
    return e;
}

mcpt_err mcpt_store_postgres_cleanup(mcpt_store_postgres *s, int64_t seconds, size_t *count)
{
    mcpt_str args[1];
    char text[24];
    long rows = 0;
    mcpt_err e = MCPT_E_STATE;

    if (s->opened) {
        (void)snprintf(text, sizeof(text), "%lld", (long long)seconds);
        args[0] = mcpt_z(text);
        e = changed(run(s, CLEANUP, 1, args), &rows);
    }
    if (count != NULL) {
        *count = (size_t)rows;
    }
    return e;
}

mcpt_err mcpt_store_postgres_stats(mcpt_store_postgres *s, mcpt_store_postgres_info *info)
{
    PGresult *r;
    mcpt_err e;

    memset(info, 0, sizeof(*info));
    if (!s->opened) {
        return MCPT_E_STATE;
    }
    r = run(s, STATS, 0, NULL);
    e = is(r, PGRES_TUPLES_OK) && PQntuples(r) == 1 ? MCPT_OK : error_of(r);
    if (e == MCPT_OK) {
        info->records = (size_t)strtoull(PQgetvalue(r, 0, 0), NULL, 10);
        info->bytes = strtoull(PQgetvalue(r, 0, 1), NULL, 10);
        info->table = strtoull(PQgetvalue(r, 0, 2), NULL, 10);
    }
    PQclear(r);
    return e;
}
