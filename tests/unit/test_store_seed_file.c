/* port/store_seed_file: the file of @clerk/mcp-tools's fs store, as it writes it; the package itself is in tests/interop/seed.mjs. */
#define _GNU_SOURCE
#include "mcptools.h"
#include "../../port/store_seed_file.h"
#include "../stores/stores.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

static char root[64], path[96], other[96], mem[65536], mem2[65536];
static mcpt_tok tok[2048], tok2[2048];
static mcpt_store_seed_file file, two;

static void whole(const char *text)
{
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL && fwrite(text, 1, strlen(text), f) == strlen(text) && fclose(f) == 0);
}

static const char *content(void)
{
    static char text[8192];
    FILE *f = fopen(path, "rb");
    size_t n = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;
    text[n] = '\0';
    CHECK(f == NULL || fclose(f) == 0);
    return text;
}

static const mcpt_store *open_two(void)
{
    return mcpt_store_seed_file_open(&two, path, mem2, sizeof(mem2), tok2, MCPT_COUNT(tok2)) == MCPT_OK ? &two.store : NULL;
}

static void records(void)
{
    const mcpt_store *s = &file.store;
    struct stat st;
    size_t len = 9;
    CHECK(s->read(s->user, "k", sc_buf, 9, &len) == MCPT_E_ABSENT && len == 0 && s->erase(s->user, "k") == MCPT_OK);
    CHECK(sc_write(s, "k", "{\"a\":[1,\"b\"]}") == MCPT_OK && sc_is(s, "k", mcpt_z("{\"a\":[1,\"b\"]}")) && sc_is(&two.store, "k", mcpt_z("{\"a\":[1,\"b\"]}")));
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(sc_write(s, "k", "\"text\"") == MCPT_OK && s->read(s->user, "k", sc_buf, 3, &len) == MCPT_E_SPACE && len == 6);
    CHECK(sc_write(s, "k", "not json") == MCPT_E_ARG && sc_write(s, "k", "1 2") == MCPT_E_ARG && sc_write(s, "a.b", "1") == MCPT_E_ARG && sc_is(s, "k", mcpt_z("\"text\"")));
    CHECK(sc_swap(s, "k", "\"other\"", "1") == MCPT_E_CONFLICT && sc_swap(s, "k", "\"text\"", "1") == MCPT_OK && sc_swap(s, "k", NULL, "2") == MCPT_E_CONFLICT);
    CHECK(sc_swap(s, "new", NULL, NULL) == MCPT_OK && sc_swap(s, "new", NULL, "2") == MCPT_OK && sc_swap(s, "new", "2", NULL) == MCPT_OK && sc_is(s, "new", sc_none));
    CHECK(sc_write(s, "l-1", "1") == MCPT_OK && sc_write(s, "l-2", "2") == MCPT_OK && sc_count(s, "l-", 1, 0) == 2 && sc_count(s, "", 2, 0) == 3);
    CHECK(strcmp(content(), "{}") == 0);
}

/* What the package wrote; what is no file of its stays as it is. */
static void as_written(void)
{
    static const char *const bad[] = { "", "[]", "{\"a\":1", "{\"a\":1,\"a\":2}", "null" };
    const mcpt_store *s = &file.store;
    size_t len;
    whole("{\n  \"state_1\": {\n    \"value\": \"x\",\n    \"created_at\": \"2026-01-01T00:00:00.000Z\",\n    \"updated_at\": \"2026-01-01T00:00:00.000Z\"\n  },\n"
          "  \"a key \\\"of others\\\"\": { \"value\": null }\n}");
    CHECK(sc_is(s, "state_1", mcpt_z("\"x\"")) && sc_count(s, "", 1, 0) == 1 && sc_write(s, "state_1", "\"y\"") == MCPT_OK && sc_write(s, "state_2", "{}") == MCPT_OK);
    CHECK(strstr(content(), "\"state_1\":{\"value\":\"y\",\"created_at\":\"2026-01-01T00:00:00.000Z\",\"updated_at\":\"20") != NULL);
    CHECK(strstr(content(), "\"a key \\\"of others\\\"\":{") != NULL && sc_count(s, "state_", 0, 0) == 2);
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        whole(bad[i]);
        CHECK(s->read(s->user, "k", sc_buf, 9, &len) == MCPT_E_STORE && sc_write(s, "k", "1") == MCPT_E_STORE && s->erase(s->user, "k") == MCPT_E_STORE);
        CHECK(sc_swap(s, "k", NULL, "1") == MCPT_E_STORE && s->list(s->user, "", sc_each, &sc_list) == MCPT_E_STORE && strcmp(content(), bad[i]) == 0);
    }
    CHECK(unlink(path) == 0 && symlink("elsewhere", path) == 0 && sc_write(s, "k", "1") == MCPT_E_STORE && unlink(path) == 0);
}

/* A file that is larger than mem, or has more values than tok, is not touched. */
static void too_large(void)
{
    const mcpt_store *s = &file.store;
    char key[8];
    unsigned n = 0;
    mcpt_err e = MCPT_OK;
    memset(sc_buf, '1', 2000);
    for (; e == MCPT_OK && n < 100; n++) {
        e = s->write(s->user, sc_name(key, n), sc_bytes(sc_buf, 2000));
    }
    CHECK(e == MCPT_E_FULL && n > 10 && sc_count(s, "", 0, 0) == n - 1 && s->erase(s->user, "f-0000") == MCPT_OK);
    sc_clear(s);
    file.ntok = 20;
    CHECK(sc_write(s, "k", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14]") == MCPT_OK && sc_write(s, "l", "1") == MCPT_E_FULL && sc_is(&two.store, "l", sc_none));
    file.ntok = MCPT_COUNT(tok);
    sc_clear(s);
}

/* A write that fails leaves the old file, and no piece of a new one, which has tokens in it. */
static void no_room(void)
{
    const mcpt_store *s = &file.store;
    struct rlimit old, few;
    char left[112];
    (void)snprintf(left, sizeof(left), "%s.new", path);
    CHECK(sc_write(s, "k", "1") == MCPT_OK);
    CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
    few = old;
    few.rlim_cur = 200;
    (void)signal(SIGXFSZ, SIG_IGN);
    memset(sc_buf, '1', 2000);
    CHECK(setrlimit(RLIMIT_FSIZE, &few) == 0);
    CHECK(s->write(s->user, "l", sc_bytes(sc_buf, 2000)) == MCPT_E_STORE);
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    CHECK(access(left, F_OK) != 0 && sc_is(s, "k", mcpt_z("1")) && sc_is(s, "l", sc_none));
    sc_clear(s);
}

static void on_alarm(int n) { (void)n; }

/* A signal that is handled while another process has its turn is no failure. */
static void signals(void)
{
    struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
    const struct itimerval never = { { 0, 0 }, { 0, 0 } };
    struct sigaction act;
    char lock[112], c;
    int fds[2];
    pid_t child;
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
    CHECK(sc_write(&file.store, "k", "1") == MCPT_OK && pipe(fds) == 0);
    child = fork();
    if (child == 0) {
        int fd = open(lock, O_RDWR);
        const bool ok = fd >= 0 && flock(fd, LOCK_EX) == 0 && write(fds[1], "", 1) == 1;
        (void)usleep(100000);
        _exit(ok ? 0 : 1);
    }
    CHECK(read(fds[0], &c, 1) == 1);
    memset(&act, 0, sizeof(act));
    act.sa_handler = on_alarm;        /* without SA_RESTART */
    CHECK(sigaction(SIGALRM, &act, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    CHECK(sc_write(&file.store, "k", "2") == MCPT_OK);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0 && waitpid(child, NULL, 0) == child && sc_is(&file.store, "k", mcpt_z("2")));
    (void)close(fds[0]);
    (void)close(fds[1]);
    sc_clear(&file.store);
}

int main(void)
{
    const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    setvbuf(stdout, NULL, _IOLBF, 0);
    (void)snprintf(root, sizeof(root), "%s/mcpt-seedfile-XXXXXX", tmp);
    if (mkdtemp(root) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/store", root);
    CHECK(mcpt_store_seed_file_open(&file, NULL, mem, sizeof(mem), tok, 9) == MCPT_E_ARG);
    CHECK(mcpt_store_seed_file_open(&file, path, mem, sizeof(mem), tok, MCPT_COUNT(tok)) == MCPT_OK && open_two() != NULL);
    records();
    as_written();
    too_large();
    no_room();
    signals();
    turns(&file.store, open_two);
    (void)snprintf(other, sizeof(other), "%s/store.lock", root);
    CHECK(unlink(path) == 0 && unlink(other) == 0 && rmdir(root) == 0);
    return test_end();
}
