/* port/curl.c - see curl.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "curl.h"
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DOWN, DIALLING, UP };
typedef struct mcpt_curl_link link_t;

static void hang_up(link_t *l)
{
    if (l->easy != NULL) {
        (void)curl_multi_remove_handle(l->owner->multi, l->easy);          /* closes the connection, too */
        curl_easy_cleanup(l->easy);
        l->easy = NULL;
    }
    l->state = DOWN;
    l->sending = false;
    l->fd = -1;
}

static bool allowed(const link_t *l, const void *address, size_t len)
{
    return l->exchange != NULL ? mcpt_exchange_address_ok(l->exchange, address, len) : mcpt_address_public(address, len);
}

/* Every address that libcurl is about to connect to. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *a)
{
    link_t *l = (link_t *)user;
    bool ok = true;
    (void)purpose;
    if (l->judged) {
        if (a->family == AF_INET) {
            struct sockaddr_in v4;
            memcpy(&v4, &a->addr, sizeof v4);
            ok = allowed(l, &v4.sin_addr, 4);
        } else if (a->family == AF_INET6) {
            struct sockaddr_in6 v6;
            memcpy(&v6, &a->addr, sizeof v6 < a->addrlen ? sizeof v6 : a->addrlen);
            ok = allowed(l, &v6.sin6_addr, 16);
        } else {
            ok = false;
        }
    }
    l->refused = l->refused || !ok;
    return ok ? socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol) : CURL_SOCKET_BAD;
}

static size_t discard(char *text, size_t size, size_t n, void *user)       /* what a proxy says beside its status */
{
    (void)text;
    (void)user;
    return size * n;
}

static bool set_up(link_t *l)
{
    const mcpt_curl_config *c = &l->owner->config;
    const mcpt_origin *o = &l->origin;
    const char *proxy = l->exchange == NULL ? c->proxy : c->exchange_proxy;
    const bool six = strchr(o->host, ':') != NULL;
    CURL *e = l->easy;
    char url[sizeof o->host + 24];
    bool ok;
    (void)snprintf(url, sizeof url, "%s://%s%s%s:%u/", o->tls ? "https" : "http", six ? "[" : "", o->host, six ? "]" : "", (unsigned)o->port);
    l->owner->text[0] = '\0';
    ok = curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK && curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_HTTPPROXYTUNNEL, 1L) == CURLE_OK && curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_ms) == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, discard) == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_ERRORBUFFER, l->owner->text) == CURLE_OK && curl_easy_setopt(e, CURLOPT_PRIVATE, l) == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK && curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, l) == CURLE_OK;
    l->judged = l->exchange != NULL ? proxy == NULL : c->foreign_public && (proxy == NULL || proxy[0] == '\0') && mcpt_channel_foreign(l->channel);
    l->refused = false;
    if (proxy != NULL || l->judged) {
        proxy = proxy != NULL ? proxy : "";                 /* the environment's would reach what is refused here */
        ok = ok && curl_easy_setopt(e, CURLOPT_PROXY, proxy) == CURLE_OK;
    }
    if (c->ca_file != NULL) {
        ok = ok && curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file) == CURLE_OK && curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK &&
             curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, c->ca_file) == CURLE_OK;
    }
    return ok;
}

/* It could not be connected. */
static void failed(link_t *l, mcpt_err e)
{
    hang_up(l);
    if (l->exchange != NULL) {
        mcpt_exchange_fail(l->exchange, e);
    } else {
        l->io->err = e;
        mcpt_io_eof(l->io);
    }
}

static void dial(link_t *l, const mcpt_origin *o)
{
    hang_up(l);
    l->origin = *o;
    l->number = l->exchange != NULL ? l->exchange->number : 0;
    l->easy = curl_easy_init();
    if (l->easy == NULL || !set_up(l) || curl_multi_add_handle(l->owner->multi, l->easy) != CURLM_OK) {
        failed(l, MCPT_E_IO);
        return;
    }
    l->state = DIALLING;
}

/* Where this link shall lead now; NULL: it is connected, or nowhere. */
static const mcpt_origin *wanted(const link_t *l)
{
    if (l->exchange != NULL) {
        return mcpt_exchange_origin(l->exchange);
    }
    return (l->io->want & MCPT_WANT_CONNECT) != 0 ? mcpt_channel_origin(l->channel) : NULL;
}

static bool same(const mcpt_origin *a, const mcpt_origin *b)
{
    return a->port == b->port && a->tls == b->tls && strcmp(a->host, b->host) == 0;
}

/* Is this connection for the request that there is now? */
static bool stale(const link_t *l)
{
    return l->exchange != NULL && (!mcpt_exchange_busy(l->exchange) || l->number != l->exchange->number);
}

static void connected(link_t *l, CURLcode code)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    mcpt_curl *p = l->owner;
    if (stale(l) || wanted(l) == NULL || !same(wanted(l), &l->origin)) {
        hang_up(l);                   /* move() sees to what is wanted instead */
        return;
    }
    if (code == CURLE_OK && curl_easy_getinfo(l->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD) {
        l->fd = (int)fd;
        l->state = UP;
        p->why[0] = '\0';
        if (l->exchange != NULL) {
            mcpt_exchange_connected(l->exchange);
        } else {
            mcpt_channel_connected(l->channel);
        }
        return;
    }
    (void)snprintf(p->why, sizeof p->why, "%s", p->text[0] != '\0' ? p->text : curl_easy_strerror(code));
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION: failed(l, MCPT_E_CERTIFICATE); break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE: failed(l, MCPT_E_TLS); break;
    case CURLE_OPERATION_TIMEDOUT: failed(l, MCPT_E_TIMEOUT); break;
    default: failed(l, l->refused && l->exchange == NULL ? MCPT_E_ISSUER : MCPT_E_IO); break;
    }
}

/* The transport is over, in order (OK) or not. */
static void ended(link_t *l, mcpt_err e)
{
    if (e != MCPT_OK) {
        l->io->err = e;
    }
    mcpt_io_eof(l->io);
    (void)mcpt_io_want(l->io);
    hang_up(l);
}

/* Moves bytes until libcurl or the client has to wait. Answers whether something was done. */
static bool move(link_t *l)
{
    bool any = false;
    for (;; any = true) {
        const unsigned want = mcpt_io_want(l->io);
        const mcpt_origin *to = wanted(l);
        const char *out;
        char *in;
        size_t n, moved = 0;
        CURLcode code;
        if (l->state != DOWN && stale(l)) {
            hang_up(l);               /* stopped, or another was begun */
            continue;
        }
        if (to != NULL) {
            if (l->state == DIALLING && same(to, &l->origin)) {
                return any;
            }
            dial(l, to);
            continue;
        }
        if (l->state == DOWN) {
            return any;
        }
        if (l->state == DIALLING || (want & MCPT_CLOSED) != 0) {
            hang_up(l);               /* no longer wanted */
            if (l->exchange == NULL) {
                mcpt_io_eof(l->io);
            }
            continue;
        }
        out = (want & MCPT_WANT_TX) != 0 ? mcpt_io_tx(l->io, &n) : NULL;
        if (out != NULL) {
            code = curl_easy_send(l->easy, out, n, &moved);
            l->sending = code == CURLE_AGAIN;
            if (l->sending) {
                return any;
            }
            if (code != CURLE_OK) {
                ended(l, MCPT_E_IO);
            } else {
                mcpt_io_tx_ack(l->io, moved);
            }
            continue;
        }
        l->sending = false;
        in = (want & MCPT_WANT_RX) != 0 ? mcpt_io_rx(l->io, &n) : NULL;
        if (in == NULL) {
            return any;
        }
        code = curl_easy_recv(l->easy, in, n, &moved);
        if (code == CURLE_AGAIN) {
            return any;
        }
        if (code != CURLE_OK || moved == 0) {
            ended(l, code != CURLE_OK || l->origin.tls ? MCPT_E_IO : MCPT_OK);      /* was there a close_notify? libcurl does not say */
        } else {
            mcpt_io_rx_ack(l->io, moved);
        }
    }
}

mcpt_err mcpt_curl_init(mcpt_curl *p, const mcpt_curl_config *config)
{
    size_t i;
    memset(p, 0, sizeof *p);
    p->config = *config;
    p->config.connect_ms = config->connect_ms != 0 ? config->connect_ms : 20000;
    for (i = 0; i < MCPT_CURL_LINKS; i++) {
        p->link[i].owner = p;
        p->link[i].fd = -1;
    }
    if (config->nchannels > 3 || config->nexchanges > MCPT_CURL_LINKS - config->nchannels || config->nchannels + config->nexchanges == 0 ||
        (config->nchannels != 0 && (config->client == NULL || config->channels == NULL)) || (config->nexchanges != 0 && config->exchanges == NULL)) {
        return MCPT_E_ARG;
    }
    for (i = 0; i < config->nchannels + config->nexchanges; i++) {
        link_t *l = &p->link[i];
        l->channel = i < config->nchannels ? &config->channels[i] : NULL;
        l->exchange = i < config->nchannels ? NULL : config->exchanges[i - config->nchannels];
        l->io = l->channel != NULL ? &l->channel->io : &l->exchange->io;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return MCPT_E_IO;
    }
    p->multi = curl_multi_init();
    if (p->multi == NULL) {
        curl_global_cleanup();
        return MCPT_E_IO;
    }
    return MCPT_OK;
}

mcpt_err mcpt_curl_poll(mcpt_curl *p, int timeout_ms)
{
    struct curl_waitfd rows[MCPT_CURL_LINKS + 1];
    const size_t nlinks = p->config.nchannels + p->config.nexchanges;
    uint32_t due = p->config.client != NULL ? mcpt_client_due(p->config.client) : (uint32_t)-1;
    unsigned n = 0;
    int left;
    bool any = false;
    CURLMsg *m;
    size_t i;
    if (curl_multi_perform(p->multi, &left) != CURLM_OK) {
        return MCPT_E_IO;
    }
    while ((m = curl_multi_info_read(p->multi, &left)) != NULL) {
        char *l = NULL;
        if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &l) == CURLE_OK && l != NULL) {
            connected((link_t *)(void *)l, m->data.result);
            any = true;
        }
    }
    memset(rows, 0, sizeof rows);
    for (i = 0; i < nlinks; i++) {
        link_t *l = &p->link[i];
        if (l->exchange != NULL && mcpt_exchange_due(l->exchange) == 0) {
            mcpt_exchange_fail(l->exchange, MCPT_E_TIMEOUT);
            any = true;
        }
        any = move(l) || any;
        if (l->exchange != NULL && mcpt_exchange_due(l->exchange) < due) {
            due = mcpt_exchange_due(l->exchange);
        }
        if (l->state == UP) {
            rows[n].fd = l->fd;
            rows[n++].events = l->sending ? CURL_WAIT_POLLOUT : CURL_WAIT_POLLIN;
        }
    }
    if (any) {
        return MCPT_OK;               /* one link may have made another ready */
    }
    if (p->config.wake_fd > 0) {
        rows[n].fd = p->config.wake_fd;
        rows[n++].events = CURL_WAIT_POLLIN;
    }
    if (timeout_ms < 0 || due < (uint32_t)timeout_ms) {
        timeout_ms = due > 3600000u ? 3600000 : (int)due;   /* libcurl wants a limit */
    }
    return curl_multi_poll(p->multi, rows, n, timeout_ms, NULL) == CURLM_OK ? MCPT_OK : MCPT_E_IO;
}

const char *mcpt_curl_reason(const mcpt_curl *p)
{
    return p->why;
}

void mcpt_curl_close(mcpt_curl *p)
{
    size_t i;
    if (p->multi == NULL) {
        return;
    }
    for (i = 0; i < MCPT_CURL_LINKS; i++) {
        hang_up(&p->link[i]);
        if (p->link[i].exchange != NULL) {
            mcpt_exchange_stop(p->link[i].exchange);
        }
    }
    (void)curl_multi_cleanup(p->multi);
    p->multi = NULL;
    curl_global_cleanup();
}
