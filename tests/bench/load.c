/* load.c - a load generator for one fixed request on kept-alive connections over loopback.
 *     load PORT FILE [--show] [--connections N] [--seconds S]      or      load PORT FILE --idle N --pid PID
 * FILE is the request with plain newlines; host and content-length are put in here. Each connection has one request
 * under way. --show prints the answer to one request. Prints "rps R p50 US p99 US requests N errors N length BYTES".
 * --idle opens N connections, each of which asks once and then stays silent until load is killed. Prints
 * "idle N open N rss_before KB rss_after KB", the memory of the process PID. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER = 1 << 18, SLOWEST = 2000000, LINKS = 1024, PATIENCE = 10 };

struct link {
    int fd;
    size_t have;                      /* bytes of the answer so far */
    double sent;                      /* when, in seconds */
    char *answer;                     /* ANSWER bytes */
};

static char request[65536];
static size_t request_len, answer_len;
static unsigned short port;
static unsigned long done, errors;
static unsigned took[SLOWEST];        /* how many answers came after so many microseconds */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_request(const char *name)
{
    static char text[50000];
    FILE *file = fopen(name, "r");
    size_t len, body;
    char *line = text;
    char *end;
    if (file == NULL) {
        fail(name);
    }
    len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    while (len > 0 && text[len - 1] == '\n') {
        text[--len] = 0;
    }
    while ((end = strchr(line, '\n')) != NULL && end != line) {
        *end = 0;
        if (strncasecmp(line, "host:", 5) == 0) {
            request_len += (size_t)snprintf(request + request_len, 64, "host: localhost:%u\r\n", port);
        } else {
            request_len += (size_t)snprintf(request + request_len, sizeof request - request_len, "%s\r\n", line);
        }
        line = end + 1;
    }
    if (end == NULL) {
        fail("no empty line in the request");
    }
    body = len - (size_t)(end + 1 - text);
    request_len += (size_t)snprintf(request + request_len, 64, "content-length: %zu\r\n\r\n", body);
    memcpy(request + request_len, end + 1, body);
    request_len += body;
}

static int dial(void)
{
    struct sockaddr_in to = {0};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* The length of the whole answer at text, 0 while it is not complete; *good tells whether its status is 200. */
static size_t complete(const char *text, size_t len, bool *good)
{
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    const char *line;
    if (end == NULL) {
        return 0;
    }
    *good = len > 12 && memcmp(text + 9, "200", 3) == 0;
    end += 4;
    for (line = text; line < end; line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1) {
        if (strncasecmp(line, "content-length:", 15) == 0) {
            size_t whole = (size_t)(end - text) + strtoul(line + 15, NULL, 10);
            return len >= whole ? whole : 0;
        }
    }
    return len >= 5 && memcmp(text + len - 5, "0\r\n\r\n", 5) == 0 ? len : 0;     /* the last chunk */
}

static bool ask(struct link *l)
{
    l->have = 0;
    l->sent = now();
    return send(l->fd, request, request_len, MSG_NOSIGNAL) == (ssize_t)request_len;
}

/* Reads what is there. 1: the answer is complete; 0: more to come; -1: the connection is lost. */
static int hear(struct link *l)
{
    bool good = false;
    double waited;
    ssize_t n = recv(l->fd, l->answer + l->have, ANSWER - l->have, 0);
    if (n <= 0) {
        return -1;
    }
    l->have += (size_t)n;
    n = (ssize_t)complete(l->answer, l->have, &good);
    if (n == 0) {
        return 0;
    }
    answer_len = (size_t)n;
    waited = (now() - l->sent) * 1e6;
    took[waited < SLOWEST ? (size_t)waited : SLOWEST - 1]++;
    done++;
    errors += !good;
    return 1;
}

static bool once(struct link *l)
{
    int heard = 0;
    struct timeval patience = {PATIENCE, 0};
    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!ask(l)) {
        return false;
    }
    while (heard == 0) {
        heard = hear(l);
    }
    return heard > 0;
}

static long memory_of(long pid)
{
    char name[64], line[256];
    long kb = -1;
    FILE *file;
    snprintf(name, sizeof name, "/proc/%ld/status", pid);
    file = fopen(name, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kb = strtol(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kb;
}

static void open_idle(long count, long pid, char *answer)
{
    long before, open = 0;
    struct link first = {dial(), 0, 0, answer};
    if (first.fd < 0 || !once(&first)) {
        fail("the first request");
    }
    before = memory_of(pid);
    for (long i = 0; i < count; i++) {
        struct link l = {dial(), 0, 0, answer};
        if (l.fd < 0 || !once(&l)) {
            break;
        }
        open++;
    }
    printf("idle %ld open %ld rss_before %ld rss_after %ld\n", count, open, before, memory_of(pid));
    fflush(stdout);
    pause();
}

static void load(int connections, double seconds)
{
    static struct link links[LINKS];
    struct epoll_event events[64];
    struct epoll_event event = {0};
    int poll = epoll_create1(0);
    double begin, end;
    unsigned long seen = 0;
    unsigned p50 = 0, p99 = 0;
    memset(took, 0, sizeof took);
    done = errors = 0;
    for (int i = 0; i < connections; i++) {
        links[i].fd = dial();
        links[i].answer = malloc(ANSWER);
        event.events = EPOLLIN;
        event.data.u32 = (unsigned)i;
        if (links[i].fd < 0 || links[i].answer == NULL || epoll_ctl(poll, EPOLL_CTL_ADD, links[i].fd, &event) != 0) {
            fail("connect");
        }
    }
    begin = now();
    end = begin + seconds;
    for (int i = 0; i < connections; i++) {
        ask(&links[i]);
    }
    while (now() < end) {
        int n = epoll_wait(poll, events, 64, 100);
        for (int i = 0; i < n; i++) {
            struct link *l = &links[events[i].data.u32];
            int heard = hear(l);
            if (heard < 0 || (heard > 0 && !ask(l))) {
                errors++;
                close(l->fd);
                l->fd = -1;
            }
        }
    }
    end = now();
    for (unsigned i = 0; i < SLOWEST; i++) {
        seen += took[i];
        p50 = seen * 2 <= done ? i + 1 : p50;
        p99 = seen * 100 <= done * 99 ? i + 1 : p99;
    }
    printf("rps %.0f p50 %u p99 %u requests %lu errors %lu length %zu\n", (double)done / (end - begin), p50, p99, done, errors,
           answer_len);
}

int main(int argc, char **argv)
{
    bool show = false;
    int connections = 16;
    double seconds = 3;
    long idle = 0, pid = 0;
    char *answer = malloc(ANSWER);
    struct rlimit files;
    if (argc < 3 || answer == NULL) {
        fprintf(stderr, "load PORT FILE [--show] [--connections N] [--seconds S] | --idle N --pid PID\n");
        return 2;
    }
    port = (unsigned short)strtoul(argv[1], NULL, 10);
    for (int i = 3; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--show") == 0) {
            show = true;
        } else if (strcmp(argv[i], "--connections") == 0) {
            connections = (int)strtol(value, NULL, 10);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtod(value, NULL);
        } else if (strcmp(argv[i], "--idle") == 0) {
            idle = strtol(value, NULL, 10);
        } else if (strcmp(argv[i], "--pid") == 0) {
            pid = strtol(value, NULL, 10);
        }
    }
    if (connections < 1 || connections > LINKS) {
        fprintf(stderr, "load: 1 to %d connections\n", LINKS);
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    read_request(argv[2]);
    if (show) {
        struct link l = {dial(), 0, 0, answer};
        if (l.fd < 0 || !once(&l)) {
            return 1;
        }
        fwrite(answer, 1, l.have, stdout);
        return errors != 0;
    }
    if (idle > 0) {
        open_idle(idle, pid, answer);
    } else {
        load(connections, seconds);
    }
    free(answer);
    return 0;
}
