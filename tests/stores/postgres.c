/* port/store_postgres against a real server: the contract, other processes, tables and schemas, connection strings, lost
 * connections and servers, statements that take too long. Run by server.sh. */
/* cflags: -isystem /usr/include/postgresql */
/* libs: -lpq */
#define _GNU_SOURCE
#include "mcptools.h"
#include "../../port/store_postgres.h"
#include "stores.h"
#include <libpq-fe.h>
#include <signal.h>
#include <time.h>

static mcpt_store_postgres pg, two, third;
static char connection[256];

static mcpt_err try_open(mcpt_store_postgres *s, const char *text, const char *table)
{
    mcpt_store_postgres_config config;
    memset(&config, 0, sizeof(config));
    config.connection = text;
    config.table = table;
    config.timeout_s = 2;
    config.max_key = 64;
    return mcpt_store_postgres_open(s, &config);
}

static void reopen(void)
{
    mcpt_store_postgres_close(&pg);
    mcpt_store_postgres_close(&two);
    CHECK(try_open(&pg, connection, NULL) == MCPT_OK && try_open(&two, connection, NULL) == MCPT_OK);
}

static const mcpt_store *open_third(void)
{
    return try_open(&third, connection, NULL) == MCPT_OK ? &third.store : NULL;
}

/* A statement of the test's own; true: no error, and the first value, if any, is not false. */
static bool raw(const char *text)
{
    PGconn *x = PQconnectdb(connection);
    PGresult *r = PQexec(x, text);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || (PQresultStatus(r) == PGRES_TUPLES_OK && (PQntuples(r) == 0 || PQgetvalue(r, 0, 0)[0] != 'f'));
    if (!ok) {
        printf("%s: %s\n", text, PQerrorMessage(x));
    }
    PQclear(r);
    PQfinish(x);
    return ok;
}

static bool cut(void)
{
    return raw("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type='client backend' AND pid<>pg_backend_pid()");
}

static void tables(void)
{
    static const char *const bad[] = { "", "a b", "a\"b", "a;b", "a-b", "a.b.c", ".a", "a.", "\xc3\xa4", "x'x",
        "1234567890123456789012345678901234567890123456789012345678901234" };
    char text[512];
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        CHECK(try_open(&third, connection, bad[i]) == MCPT_E_ARG);
    }
    closed(&third.store);
    CHECK(try_open(&third, "host=127.0.0.1 port=1", NULL) == MCPT_E_STORE && try_open(&third, "no connection string", NULL) == MCPT_E_STORE);
    (void)snprintf(text, sizeof(text), "host=127.0.0.1 port=%s user=tester dbname=postgres password=wrong", getenv("STORE_PORT"));
    CHECK(try_open(&third, text, NULL) == MCPT_E_STORE);
    /* TLS: the server's certificate, another one */
    (void)snprintf(text, sizeof(text), "host=localhost port=%s user=tester dbname=postgres password=%s sslmode=verify-full sslrootcert=%s/server.crt",
                   getenv("STORE_PORT"), getenv("STORE_PASSWORD"), getenv("STORE_DIR"));
    CHECK(try_open(&third, text, NULL) == MCPT_OK && sc_is(&third.store, "k", sc_none) && PQsslInUse((PGconn *)third.connection));
    mcpt_store_postgres_close(&third);
    memcpy(strstr(text, "server.crt"), "other.crt", 10);
    CHECK(try_open(&third, text, NULL) == MCPT_E_STORE);
    (void)snprintf(text, sizeof(text), "postgresql://tester:%s@127.0.0.1:%s/postgres", getenv("STORE_PASSWORD"), getenv("STORE_PORT"));
    CHECK(raw("CREATE SCHEMA \"Things\"") && try_open(&third, text, "Things.select") == MCPT_OK);
    CHECK(sc_write(&third.store, "k", "third") == MCPT_OK && sc_is(&pg.store, "k", sc_none) && raw("SELECT value='third' FROM \"Things\".\"select\""));
    sc_clear(&third.store);
    mcpt_store_postgres_close(&third);
    closed(&third.store);
    /* a role that may use a table, but not make one */
    CHECK(raw("CREATE ROLE guest LOGIN PASSWORD 'guest'") && raw("REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
    CHECK(raw("GRANT SELECT,INSERT,UPDATE,DELETE ON mcp_store TO guest"));
    (void)snprintf(text, sizeof(text), "host=127.0.0.1 port=%s user=guest dbname=postgres password=guest", getenv("STORE_PORT"));
    CHECK(try_open(&third, text, NULL) == MCPT_OK && sc_write(&third.store, "k", "guest") == MCPT_OK && sc_is(&pg.store, "k", mcpt_z("guest")));
    mcpt_store_postgres_close(&third);
    CHECK(try_open(&third, text, "another") == MCPT_E_STORE);
    /* rows that are no records of ours */
    CHECK(raw("INSERT INTO mcp_store(key,value) VALUES('not a key','x'),(repeat('x',200),'x')") && sc_count(&pg.store, "", 0, 0) == 1);
    CHECK(raw("DELETE FROM mcp_store"));
}

/* Connections cut by the server, then the server itself away and back. */
static void lost(void)
{
    const mcpt_store *s = &pg.store;
    size_t len;
    bool there;
    CHECK(sc_write(s, "k", "1") == MCPT_OK);
    CHECK(cut() && sc_is(s, "k", mcpt_z("1")));
    CHECK(cut() && sc_write(s, "k", "2") == MCPT_OK);
    CHECK(cut() && sc_swap(s, "k", "2", "3") == MCPT_OK && sc_is(s, "k", mcpt_z("3")));
    CHECK(cut() && sc_swap(s, "new", NULL, "x") == MCPT_OK);
    CHECK(cut() && sc_swap(s, "k", "2", "4") == MCPT_E_STORE);      /* not known whether it was done */
    CHECK(sc_swap(s, "k", "2", "4") == MCPT_E_CONFLICT && sc_is(s, "k", mcpt_z("3")));
    CHECK(cut() && sc_count(s, "", 1, 0) == 2 && cut() && s->erase(s->user, "new") == MCPT_OK);
    CHECK(system("tests/stores/server.sh stop postgres") == 0);
    CHECK(s->read(s->user, "k", sc_buf, sizeof(sc_buf), &len) == MCPT_E_STORE && len == 0 && sc_write(s, "k", "5") == MCPT_E_STORE);
    CHECK(s->erase(s->user, "k") == MCPT_E_STORE && sc_swap(s, "k", "3", "5") == MCPT_E_STORE);
    CHECK(s->list(s->user, "", sc_each, &sc_list) == MCPT_E_STORE && mcpt_store_postgres_exists(&pg, "k", &there) == MCPT_E_STORE);
    CHECK(try_open(&third, connection, NULL) == MCPT_E_STORE);
    CHECK(system("tests/stores/server.sh start postgres") == 0);
    CHECK(sc_is(s, "k", mcpt_z("3")) && sc_count(s, "", 0, 0) == 1 && sc_swap(s, "k", "3", "5") == MCPT_OK);
    sc_clear(s);
}

/* A server that has stopped to answer, with its connection up: its own timeout is of no use then. */
static void silent(void)
{
    const mcpt_store *s = &pg.store;
    const time_t start = time(NULL);
    int pid;
    CHECK(sc_write(s, "k", "1") == MCPT_OK);
    pid = PQbackendPID((PGconn *)pg.connection);
    CHECK(kill(pid, SIGSTOP) == 0);
    CHECK(sc_write(s, "k", "2") == MCPT_E_STORE && time(NULL) - start < 30);
    CHECK(kill(pid, SIGTERM) == 0 && kill(pid, SIGCONT) == 0);
    CHECK(sc_swap(s, "new", NULL, "x") == MCPT_OK && sc_is(s, "new", mcpt_z("x")));         /* over another connection */
    sc_clear(s);
}

static void extras(void)
{
    const mcpt_store *s = &pg.store;
    mcpt_store_postgres_info info;
    size_t count = 9;
    bool there = false;
    PGconn *x;
    CHECK(sc_write(s, "old", "12345") == MCPT_OK && sc_write(s, "new", "678") == MCPT_OK && sc_write(s, "older", "") == MCPT_OK);
    CHECK(mcpt_store_postgres_exists(&pg, "older", &there) == MCPT_OK && there);
    CHECK(mcpt_store_postgres_exists(&pg, "x", &there) == MCPT_OK && !there && mcpt_store_postgres_exists(&pg, "a'b", &there) == MCPT_E_ARG);
    CHECK(mcpt_store_postgres_stats(&pg, &info) == MCPT_OK && info.records == 3 && info.bytes == 8 && info.table >= 8192);
    CHECK(raw("UPDATE mcp_store SET created_at=created_at-interval '5000 s',updated_at=updated_at-interval '5000 s' WHERE key LIKE 'old%'"));
    CHECK(mcpt_store_postgres_cleanup(&pg, 6000, &count) == MCPT_OK && count == 0);
    CHECK(sc_write(s, "old", "again") == MCPT_OK);          /* by the last write, not the first, which stays written down */
    CHECK(raw("SELECT updated_at>created_at+interval '4999 s' FROM mcp_store WHERE key='old'"));
    CHECK(mcpt_store_postgres_cleanup(&pg, 4000, &count) == MCPT_OK && count == 1);
    CHECK(sc_is(s, "old", mcpt_z("again")) && sc_is(s, "new", mcpt_z("678")) && sc_is(s, "older", sc_none));
    /* a row that another transaction holds: the statement ends in time, nothing changes */
    x = PQconnectdb(connection);
    PQclear(PQexec(x, "BEGIN"));
    PQclear(PQexec(x, "UPDATE mcp_store SET value='locked' WHERE key='old'"));
    CHECK(sc_write(s, "old", "x") == MCPT_E_STORE && sc_swap(s, "old", "again", "x") == MCPT_E_STORE && sc_is(s, "old", mcpt_z("again")));
    PQclear(PQexec(x, "ROLLBACK"));
    PQfinish(x);
    CHECK(sc_swap(s, "old", "again", "x") == MCPT_OK);
    sc_clear(s);
    mcpt_store_postgres_close(&two);
    CHECK(mcpt_store_postgres_cleanup(&two, 0, &count) == MCPT_E_STATE && mcpt_store_postgres_stats(&two, &info) == MCPT_E_STATE);
    CHECK(mcpt_store_postgres_exists(&two, "k", &there) == MCPT_E_STATE);
    reopen();
}

int main(void)
{
    store_contract_of of = { &pg.store, &two.store, reopen, 64, 60000, false, 0, 800 };
    setvbuf(stdout, NULL, _IOLBF, 0);
    (void)snprintf(connection, sizeof(connection), "host=127.0.0.1 port=%s user=tester dbname=postgres password=%s", getenv("STORE_PORT"),
                   getenv("STORE_PASSWORD"));
    reopen();
    store_contract(&of);
    tables();
    many(&pg.store);
    silent();
    extras();
    lost();
    mcpt_store_postgres_close(&two);
    turns(&pg.store, open_third);
    thousand("store_postgres", &pg.store, open_third, "tests/stores/server.sh crash postgres");
    mcpt_store_postgres_close(&pg);
    closed(&pg.store);
    return test_end();
}
