/* port/microhttpd.c - see microhttpd.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "microhttpd.h"
#include "posix_env.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

enum {
    DAEMONS = 4,
    FIXED = 1 + DAEMONS,              /* poll rows before those of suspended connections: wake, daemons */
    DISCARD = 1 << 18,                /* bytes of a body that is too long which are read before the 413 */
    READYS = 256                      /* woken exchanges in a round */
};
enum { COLLECTING = 1, WORKING, ANSWERING };                /* exchange.state; 0: vacant */
enum { RUNNING = 1, STOPPING, STOPPED };                    /* mcpt_mhd.state */

typedef struct mcpt_mhd_exchange {
    mcpt_conn conn;
    struct mcpt_mhd_exchange *next, *prev;                  /* in the list of the vacant or suspended */
    mcpt_mhd *owner;
    struct MHD_Connection *peer;
    mcpt_request request;
    mcpt_field_line field[MCPT_MAX_FIELDS];
    size_t nfields;
    char *body, *tx;
    mcpt_tok *tok;
    size_t length;                    /* bytes of the body that came; past rx_size they were thrown away */
    size_t query;                     /* bytes of the query, which stands behind the body in the same room; past it: too long */
    size_t whole;                     /* bytes in tx that libmicrohttpd sends from there */
    uint8_t state;
    bool suspended, gone;
} exchange;

enum { ELSEWHERE, BUSY };                                   /* rows of refusals */
static const unsigned refusals[2] = { 404, 503 };

/* -- exchanges */
static exchange *exchange_take(mcpt_mhd *m)
{
    exchange *x = m->vacant;
    if (x != NULL) {
        m->vacant = x->next;
        x->next = x->prev = NULL;
        x->peer = NULL;
        x->nfields = x->length = x->query = x->whole = 0;
        x->state = COLLECTING;
        x->suspended = x->gone = false;
        ++m->busy;
    }
    return x;
}

static void exchange_give(mcpt_mhd *m, exchange *x)
{
    x->state = 0;
    x->next = m->vacant;
    m->vacant = x;
    --m->busy;
}

/* Is what libmicrohttpd remembers for a request one of our exchanges? An application's own pointer is not. */
static exchange *exchange_of(const mcpt_mhd *m, void *context)
{
    exchange *x = (exchange *)context;
    return x >= m->exchanges && x < m->exchanges + m->config.exchanges ? x : NULL;
}

static void suspend(exchange *x)
{
    mcpt_mhd *m = x->owner;
    x->suspended = true;
    x->prev = NULL;
    x->next = m->suspended;
    if (x->next != NULL) {
        x->next->prev = x;
    }
    m->suspended = x;
    MHD_suspend_connection(x->peer);
}

static void unsuspend(exchange *x)
{
    mcpt_mhd *m = x->owner;
    x->suspended = false;
    if (x->prev != NULL) {
        x->prev->next = x->next;
    } else {
        m->suspended = x->next;
    }
    if (x->next != NULL) {
        x->next->prev = x->prev;
    }
}

/* libmicrohttpd calls the access handler or the content reader again, from its next MHD_run(). */
static void resume(exchange *x)
{
    if (x->suspended) {
        unsuspend(x);
        x->owner->resumed = true;
        MHD_resume_connection(x->peer);
    }
}

/* -- answers */
static mcpt_mhd_result send_empty(struct MHD_Connection *peer, unsigned status)
{
    static char nothing[1];
    struct MHD_Response *r = MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    mcpt_mhd_result done = MHD_NO;
    if (r != NULL) {
        if (status == 503) {
            (void)MHD_add_response_header(r, "Retry-After", "1");
        }
        done = MHD_queue_response(peer, status, r);
        MHD_destroy_response(r);
    }
    return done;
}

/* Copies from the transmit buffer of the machine into that of libmicrohttpd, as often as it wants more. */
static ssize_t read_answer(void *user, uint64_t pos, char *to, size_t room)
{
    exchange *x = (exchange *)user;
    mcpt_io *io = &x->conn.io;
    unsigned want;
    size_t n;
    const char *from;
    (void)pos;
    if (x->gone) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    from = mcpt_io_tx(io, &n);
    want = from != NULL ? 0 : mcpt_io_want(io);
    if (from == NULL) {
        from = mcpt_io_tx(io, &n);
    }
    if (from != NULL) {
        n = n < room ? n : room;
        memcpy(to, from, n);
        mcpt_io_tx_ack(io, n);
        return (ssize_t)n;
    }
    if ((want & MCPT_CLOSED) != 0) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    suspend(x);
    return 0;
}

static void add_headers(struct MHD_Response *to, const mcpt_conn *c)
{
    uint32_t it = 0;
    mcpt_str name, value;
    while (mcpt_conn_field(c, &it, &name, &value)) {
        (void)MHD_add_response_header(to, name.ptr, value.ptr);
    }
}

static mcpt_mhd_result send_answer(exchange *x, const mcpt_response *r)
{
    const char *from = mcpt_io_tx(&x->conn.io, &x->whole);
    struct MHD_Response *to;
    mcpt_mhd_result done = MHD_NO;
    if (r->length >= 0 && (uint64_t)r->length == x->whole) {
        char *at = from != NULL ? x->tx + (from - x->tx) : x->tx;   /* all there: nothing is copied */
        to = MHD_create_response_from_buffer(x->whole, at, MHD_RESPMEM_PERSISTENT);
    } else {
        x->whole = 0;
        to = MHD_create_response_from_callback(r->length >= 0 ? (uint64_t)r->length : MHD_SIZE_UNKNOWN,
                                               x->owner->config.tx_size, read_answer, x, NULL);
    }
    if (to != NULL) {
        add_headers(to, &x->conn);
        x->state = ANSWERING;
        done = MHD_queue_response(x->peer, r->status, to);
        MHD_destroy_response(to);     /* libmicrohttpd keeps a reference of its own */
    }
    return done;
}

/* Runs the machine until its answer is known. */
static mcpt_mhd_result advance(exchange *x)
{
    unsigned want;
    const mcpt_response *r;
    if (x->gone) {
        return MHD_NO;
    }
    want = mcpt_io_want(&x->conn.io);
    r = mcpt_conn_response(&x->conn);
    if (r != NULL) {
        return send_answer(x, r);
    }
    if ((want & MCPT_CLOSED) != 0) {
        return MHD_NO;
    }
    suspend(x);
    return MHD_YES;
}

/* -- requests */
static mcpt_mhd_result add_field(void *user, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                 const char *value, size_t len)
{
    exchange *x = (exchange *)user;
    mcpt_field_line *f;
    (void)kind;
    if (x->nfields == MCPT_MAX_FIELDS) {
        x->nfields = MCPT_MAX_FIELDS + 1;
        return MHD_NO;
    }
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t')) {
        --len;
    }
    f = &x->field[x->nfields++];
    f->name.ptr = name;
    f->name.len = name_len;
    f->value.ptr = value != NULL ? value : "";
    f->value.len = len;
    return MHD_YES;
}

static void put_query(exchange *x, const char *text, size_t n, bool encode)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    const size_t room = x->owner->config.rx_size;
    size_t i;
    for (i = 0; i < n && x->length + x->query <= room; ++i) {
        const unsigned char b = (unsigned char)text[i];
        char *at = x->body + x->length + x->query;
        if (!encode || memchr(plain, b, sizeof plain - 1) != NULL) {
            *at = text[i];
            x->query += 1;
        } else {                      /* MCPT_RX_MIN bytes behind the room are there */
            at[0] = '%';
            at[1] = "0123456789ABCDEF"[b >> 4];
            at[2] = "0123456789ABCDEF"[b & 15];
            x->query += 3;
        }
    }
}

/* libmicrohttpd has decoded the query, in place: it is put together again. */
static mcpt_mhd_result add_argument(void *user, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                    const char *value, size_t len)
{
    exchange *x = (exchange *)user;
    (void)kind;
    put_query(x, "&", x->query != 0 ? 1 : 0, false);
    put_query(x, name, name_len, true);
    put_query(x, "=", value != NULL ? 1 : 0, false);
    put_query(x, value, value != NULL ? len : 0, true);
    return MHD_YES;
}

/* The whole request is there. */
static mcpt_mhd_result begin(exchange *x, const char *url, const char *method)
{
    const mcpt_mhd_config *c = &x->owner->config;
    mcpt_mem mem;
    if (x->length > c->rx_size) {
        return send_empty(x->peer, 413);
    }
    (void)MHD_get_connection_values_n(x->peer, MHD_HEADER_KIND, add_field, x);
    if (x->nfields > MCPT_MAX_FIELDS) {
        return send_empty(x->peer, 431);
    }
    (void)MHD_get_connection_values_n(x->peer, MHD_GET_ARGUMENT_KIND, add_argument, x);
    if (x->length + x->query > c->rx_size) {
        return send_empty(x->peer, 414);
    }
    mem.rx = x->body + x->length + x->query;      /* behind them: room for the client's answers to questions */
    mem.rx_size = c->rx_size + MCPT_RX_MIN - x->length - x->query;
    mem.tx = x->tx;
    mem.tx_size = c->tx_size;
    mem.tok = x->tok;
    mem.ntok = c->ntok;
    memset(&x->request, 0, sizeof x->request);
    x->request.method = mcpt_z(method);
    x->request.path = mcpt_z(url);
    x->request.body.ptr = x->body;
    x->request.body.len = x->length;
    x->request.query.ptr = x->body + x->length;
    x->request.query.len = x->query;
    x->request.fields = x->field;
    x->request.nfields = x->nfields;
    x->request.who = c->who != NULL ? c->who(c->user, x->peer) : NULL;
    if (mcpt_conn_init(&x->conn, c->server, c->hub, &mem, MCPT_HOSTED, c->user) != MCPT_OK) {
        return send_empty(x->peer, 500);
    }
    x->state = WORKING;
    if (mcpt_conn_request(&x->conn, &x->request) != MCPT_OK) {
        return send_empty(x->peer, 500);
    }
    return advance(x);
}

static mcpt_mhd_result collect(exchange *x, const char *data, size_t n)
{
    const size_t room = x->owner->config.rx_size;
    if (x->length + n <= room) {
        memcpy(x->body + x->length, data, n);
    }
    x->length += n;                   /* amid a body nothing can be answered: past a bound it is cut off */
    return x->length <= room + DISCARD ? MHD_YES : MHD_NO;
}

/* Is the body announced to be longer than limit? Not known: no. */
static bool longer_than(struct MHD_Connection *peer, uint64_t limit)
{
    const char *text = MHD_lookup_connection_value(peer, MHD_HEADER_KIND, "Content-Length");
    uint64_t n = 0;
    while (text != NULL && *text >= '0' && *text <= '9' && n <= limit) {
        n = n * 10u + (uint64_t)(*text - '0');
        ++text;
    }
    return n > limit;
}

static bool has_field(struct MHD_Connection *peer, const char *name)
{
    return MHD_lookup_connection_value(peer, MHD_HEADER_KIND, name) != NULL;
}

/* Too long, and not worth reading: because the client waits for leave to send it, or because reading it would
 * cost more than the connection is worth. What is answered before its body ends the connection. */
static bool too_long(const mcpt_mhd *m, struct MHD_Connection *peer)
{
    const uint64_t room = m->config.rx_size;
    return longer_than(peer, has_field(peer, "Expect") ? room : room + DISCARD);
}

/* Refuses a request whose head has come: now, or behind its body, which keeps the connection. */
static mcpt_mhd_result refuse(mcpt_mhd *m, struct MHD_Connection *peer, int which, void **con_cls)
{
    if (has_field(peer, "Expect") || has_field(peer, "Transfer-Encoding") || longer_than(peer, DISCARD)) {
        return send_empty(peer, refusals[which]);
    }
    *con_cls = &m->refusal[which];
    return MHD_YES;
}

bool mcpt_mhd_match(const mcpt_mhd *m, const char *url)
{
    return mcpt_server_serves(m->config.server, mcpt_z(url));
}

mcpt_mhd_result mcpt_mhd_handle(void *m, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload_data,
                                size_t *upload_data_size, void **con_cls)
{
    mcpt_mhd *self = (mcpt_mhd *)m;
    exchange *x = exchange_of(self, *con_cls);
    (void)version;
    if (*con_cls == &self->refusal[0] || *con_cls == &self->refusal[1]) {
        if (*upload_data_size > 0) {
            *upload_data_size = 0;    /* the body of a refused request */
            return MHD_YES;
        }
        return send_empty(connection, refusals[*con_cls == &self->refusal[BUSY]]);
    }
    if (x == NULL) {                  /* the head has come */
        if (too_long(self, connection)) {
            return send_empty(connection, 413);
        }
        x = self->state == RUNNING ? exchange_take(self) : NULL;
        if (x == NULL) {
            return refuse(self, connection, BUSY, con_cls);
        }
        x->owner = self;
        x->peer = connection;
        *con_cls = x;
        return MHD_YES;
    }
    if (*upload_data_size > 0) {
        size_t n = *upload_data_size;
        *upload_data_size = 0;
        return collect(x, upload_data, n);
    }
    return x->state == COLLECTING ? begin(x, url, method) : advance(x);
}

void mcpt_mhd_completed(void *m, struct MHD_Connection *connection, void **con_cls,
                        enum MHD_RequestTerminationCode toe)
{
    mcpt_mhd *self = (mcpt_mhd *)m;
    exchange *x = exchange_of(self, *con_cls);
    (void)connection;
    if (x == NULL) {
        return;
    }
    if (x->suspended) {
        unsuspend(x);
    }
    if (x->state >= WORKING) {
        if (toe == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
            mcpt_io_tx_ack(&x->conn.io, x->whole);
        } else {
            mcpt_io_eof(&x->conn.io);
        }
        (void)mcpt_io_want(&x->conn.io);
        mcpt_conn_close(&x->conn);
    }
    exchange_give(self, x);
    *con_cls = NULL;
}

/* Of the daemons that mcpt_mhd_start() starts. */
static mcpt_mhd_result handle_all(void *m, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **con_cls)
{
    if (*con_cls == NULL && !mcpt_mhd_match((const mcpt_mhd *)m, url)) {
        return refuse((mcpt_mhd *)m, connection, ELSEWHERE, con_cls);
    }
    return mcpt_mhd_handle(m, connection, url, method, version, upload_data, upload_data_size, con_cls);
}

/* -- the loop */
static void wake_up(void *user)
{
    const mcpt_mhd *m = (const mcpt_mhd *)user;
    int saved = errno;
    while (write(m->wake[1], "", 1) < 0 && errno == EINTR) {
        /* once more; EAGAIN means that enough wake-ups are under way */
    }
    errno = saved;
}

static void end_all(mcpt_mhd *m)
{
    while (m->suspended != NULL) {
        m->suspended->gone = true;
        resume(m->suspended);
    }
}

static void begin_stop(mcpt_mhd *m)
{
    uint32_t k;
    m->state = STOPPING;
    m->stop_at = mcpt_posix_millis(NULL) + m->config.stop_ms;
    for (k = 0; k < m->nown; ++k) {
        m->listener[k] = MHD_quiesce_daemon(m->daemon[k]);
    }
    mcpt_hub_close(m->config.hub);
}

/* Lets those go on that the hub has woken. Answers the milliseconds until it must be looked at again. */
static uint32_t work(mcpt_mhd *m)
{
    uint32_t due, left, n = 0;
    mcpt_conn *c;
    if (m->stop != 0 && m->state == RUNNING) {
        begin_stop(m);
    }
    due = mcpt_hub_run(m->config.hub);
    while (n < READYS && (c = mcpt_hub_next(m->config.hub)) != NULL) {
        exchange *x = exchange_of(m, c);          /* the connection is an exchange's first member */
        if (x != NULL) {
            resume(x);
        }
        ++n;
    }
    if (m->state == STOPPING) {
        left = m->stop_at - mcpt_posix_millis(NULL);
        if (m->busy > 0 && left > 0x7fffffffu) {
            end_all(m);
            left = 0;
        }
        due = left < due ? left : due;
        if (m->busy == 0) {
            m->state = STOPPED;
        }
    }
    return n == READYS ? 0 : due;
}

static uint32_t fill_rows(const mcpt_mhd *m)
{
    struct pollfd *row = (struct pollfd *)m->rows;
    const exchange *x;
    uint32_t n = FIXED, k;
    row[0].fd = m->wake[0];
    row[0].events = POLLIN;
    for (k = 0; k < DAEMONS; ++k) {
        row[1 + k].fd = k < m->ndaemons ? m->fd[k] : -1;
        row[1 + k].events = POLLIN;
    }
    for (x = m->suspended; x != NULL; x = x->next) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(x->peer, MHD_CONNECTION_INFO_CONNECTION_FD);
        row[n].fd = info != NULL ? info->connect_fd : -1;
        row[n].events = POLLRDHUP;    /* libmicrohttpd does not look at it meanwhile: we do */
        ++n;
    }
    return n;
}

static int shortest(const mcpt_mhd *m, uint32_t due, int timeout_ms)
{
    uint64_t left = due == UINT32_MAX ? UINT64_MAX : due;
    uint32_t k;
    for (k = 0; k < m->ndaemons; ++k) {
        MHD_UNSIGNED_LONG_LONG ms;
        if (MHD_get_timeout(m->daemon[k], &ms) == MHD_YES && ms < left) {
            left = ms;
        }
    }
    if (timeout_ms >= 0 && (uint64_t)timeout_ms < left) {
        left = (uint64_t)timeout_ms;
    }
    return left == UINT64_MAX ? -1 : left > 0x7fffffffu ? 0x7fffffff : (int)left;
}

mcpt_err mcpt_mhd_poll(mcpt_mhd *m, int timeout_ms)
{
    struct pollfd *row = (struct pollfd *)m->rows;
    exchange *x, *next;
    uint32_t n, k, due = work(m);
    int got;
    if (m->state == STOPPED) {
        return MCPT_OK;
    }
    n = fill_rows(m);
    got = poll(row, (nfds_t)n, m->resumed ? 0 : shortest(m, due, timeout_ms));
    if (got < 0 && errno != EINTR) {
        return MCPT_E_IO;
    }
    if (got > 0 && row[0].revents != 0) {
        char bytes[64];
        (void)!read(m->wake[0], bytes, sizeof bytes);
    }
    for (x = m->suspended, k = FIXED; got > 0 && x != NULL; x = next, ++k) {
        next = x->next;
        if (row[k].fd >= 0 && row[k].revents != 0) {
            x->gone = true;
            resume(x);
        }
    }
    m->resumed = false;               /* nothing else tells that MHD_run() is due for them */
    for (k = 0; k < m->ndaemons; ++k) {
        (void)MHD_run(m->daemon[k]);
    }
    (void)work(m);
    return m->state == STOPPED ? MCPT_OK : MCPT_PENDING;
}

void mcpt_mhd_stop(mcpt_mhd *m)
{
    m->stop = 1;
    wake_up(m);
}

/* -- beginning and end */
static bool defaults(mcpt_mhd_config *c)
{
    uint64_t each;
    c->exchanges = c->exchanges != 0 ? c->exchanges : 64;
    c->rx_size = c->rx_size != 0 ? c->rx_size : 16384;
    c->tx_size = c->tx_size != 0 ? c->tx_size : 16384;
    c->ntok = c->ntok != 0 ? c->ntok : 256;
    c->stop_ms = c->stop_ms != 0 ? c->stop_ms : 5000;
    each = (uint64_t)c->ntok * sizeof(mcpt_tok) + c->rx_size + c->tx_size + sizeof(exchange) + 1024u;
    return c->exchanges <= 100000 && c->tx_size >= MCPT_TX_MIN && c->rx_size <= 1u << 30 &&
           c->tx_size < 1u << 24 && c->ntok <= 1u << 24 && c->exchanges * each < SIZE_MAX / 2;
}

static char *part(char *base, size_t *at, size_t n, size_t size)
{
    char *begins = base != NULL ? base + *at : NULL;
    *at += (n * size + 15u) & ~(size_t)15u;
    return begins;
}

/* Divides the block; with base NULL it only measures. c has its defaults. */
static size_t divide(mcpt_mhd *m, const mcpt_mhd_config *c, char *base)
{
    const size_t body = (size_t)c->rx_size + MCPT_RX_MIN;
    size_t at = 0, i;
    char *exchanges = part(base, &at, c->exchanges, sizeof(exchange));
    char *rows = part(base, &at, FIXED + (size_t)c->exchanges, sizeof(struct pollfd));
    char *tok = part(base, &at, (size_t)c->exchanges * c->ntok, sizeof(mcpt_tok));
    char *rx = part(base, &at, c->exchanges, body);
    char *tx = part(base, &at, c->exchanges, c->tx_size);
    if (base != NULL) {
        m->exchanges = (exchange *)(void *)exchanges;
        m->rows = rows;
        memset(exchanges, 0, c->exchanges * sizeof(exchange));
        for (i = 0; i < c->exchanges; ++i) {
            exchange *x = &m->exchanges[i];
            x->body = rx + i * body;
            x->tx = tx + i * c->tx_size;
            x->tok = (mcpt_tok *)(void *)tok + i * c->ntok;
            x->next = m->vacant;
            m->vacant = x;
        }
    }
    return at + 15;                   /* to align the block itself */
}

size_t mcpt_mhd_size(const mcpt_mhd_config *config)
{
    mcpt_mhd_config c = *config;
    return defaults(&c) ? divide(NULL, &c, NULL) : 0;
}

mcpt_err mcpt_mhd_init(mcpt_mhd *m, const mcpt_mhd_config *config, void *mem, size_t size)
{
    size_t need = mcpt_mhd_size(config);
    int i;
    memset(m, 0, sizeof *m);
    m->config = *config;
    m->state = STOPPED;
    m->wake[0] = m->wake[1] = -1;
    for (i = 0; i < DAEMONS; ++i) {
        m->listener[i] = -1;
    }
    if (config->server == NULL || config->hub == NULL || need == 0 || !defaults(&m->config)) {
        return MCPT_E_ARG;
    }
    if (mem == NULL || size < need) {
        return MCPT_E_SPACE;
    }
    (void)divide(m, &m->config, (char *)mem + (16u - (uintptr_t)mem % 16u) % 16u);
    if (pipe(m->wake) != 0) {
        return MCPT_E_IO;
    }
    for (i = 0; i < 2; ++i) {
        (void)fcntl(m->wake[i], F_SETFL, O_NONBLOCK);
        (void)fcntl(m->wake[i], F_SETFD, FD_CLOEXEC);
    }
    mcpt_hub_notify(m->config.hub, wake_up, m);
    m->state = RUNNING;
    return MCPT_OK;
}

mcpt_err mcpt_mhd_add(mcpt_mhd *m, struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || info->epoll_fd < 0) {
        return MCPT_E_ARG;
    }
    if (m->ndaemons == DAEMONS) {
        return MCPT_E_LIMIT;
    }
    m->daemon[m->ndaemons] = daemon;
    m->fd[m->ndaemons++] = info->epoll_fd;
    return MCPT_OK;
}

/* The length of the address; 0: host is none. */
static socklen_t address(struct sockaddr_storage *a, const char *host, uint16_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)a;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)a;
    memset(a, 0, sizeof *a);
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        return sizeof *v6;
    }
    return 0;
}

/* Does this machine have the address at all? */
static bool here(const char *host)
{
    struct sockaddr_storage a;
    socklen_t n = address(&a, host, 0);
    int fd = socket(a.ss_family, SOCK_STREAM, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

static struct MHD_Daemon *start_on(mcpt_mhd *m, const char *host, uint16_t port)
{
    const uint32_t idle = m->config.server->idle_ms;
    const unsigned seconds = idle != 0 ? (idle + 999u) / 1000u : 60u;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    struct sockaddr_storage a;
    (void)address(&a, host, port);
    if (a.ss_family == AF_INET6) {
        flags |= MHD_USE_IPv6;
    }
    return MHD_start_daemon(flags, port, NULL, NULL, handle_all, m,
                            MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&a,
                            MHD_OPTION_NOTIFY_COMPLETED, mcpt_mhd_completed, m,
                            MHD_OPTION_CONNECTION_TIMEOUT, seconds,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1,
                            MHD_OPTION_END);
}

static mcpt_err start_first(mcpt_mhd *m, const char *host, uint16_t port)
{
    struct MHD_Daemon *d = start_on(m, host, port);
    const union MHD_DaemonInfo *info;
    if (d == NULL) {
        return MCPT_E_IO;
    }
    info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
    m->port = info != NULL ? info->port : port;
    if (mcpt_mhd_add(m, d) != MCPT_OK) {
        MHD_stop_daemon(d);
        return MCPT_E_IO;
    }
    ++m->nown;
    return MCPT_OK;
}

static void stop_own(mcpt_mhd *m)
{
    while (m->nown > 0) {
        --m->nown;
        --m->ndaemons;
        MHD_stop_daemon(m->daemon[m->nown]);
        if (m->listener[m->nown] >= 0) {
            (void)close(m->listener[m->nown]);
            m->listener[m->nown] = -1;
        }
    }
}

mcpt_err mcpt_mhd_start(mcpt_mhd *m, const char *host, uint16_t port)
{
    const bool local = host == NULL || strcmp(host, "localhost") == 0;
    const bool both = local || strcmp(host, "*") == 0;
    const char *v4 = local ? "127.0.0.1" : "0.0.0.0";
    const char *v6 = local ? "::1" : "::";
    struct sockaddr_storage a;
    mcpt_err e = MCPT_E_IO;
    int tries;
    if (m->state != RUNNING || m->ndaemons != 0 || (!both && address(&a, host, port) == 0)) {
        return MCPT_E_ARG;
    }
    if (!both) {
        return start_first(m, host, port);
    }
    for (tries = 0; tries < 16; ++tries) {
        if (!here(v4) || !here(v6)) {
            return start_first(m, here(v4) ? v4 : v6, port);
        }
        e = start_first(m, v4, port);
        if (e == MCPT_OK) {
            e = start_first(m, v6, m->port);
        }
        if (e == MCPT_OK || port != 0) {
            break;
        }
        stop_own(m);                  /* the port the system chose is taken in the other family */
    }
    if (e != MCPT_OK) {
        stop_own(m);
    }
    return e;
}

uint16_t mcpt_mhd_port(const mcpt_mhd *m)
{
    return m->port;
}

void mcpt_mhd_destroy(mcpt_mhd *m)
{
    uint32_t k;
    int i;
    if (m->exchanges != NULL && m->wake[0] >= 0) {
        m->state = STOPPED;
        end_all(m);
        for (k = 0; k < m->ndaemons; ++k) {
            (void)MHD_run(m->daemon[k]);
        }
        stop_own(m);
        mcpt_hub_notify(m->config.hub, NULL, NULL);
    }
    for (i = 0; i < 2; ++i) {
        if (m->wake[i] >= 0) {
            (void)close(m->wake[i]);
            m->wake[i] = -1;
        }
    }
}
