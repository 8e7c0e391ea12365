#define _GNU_SOURCE
/* port/posix_client over sockets of this machine: where it may go, and that a wait has an end. 2026-07-28 basic/security_best_practices,
 * "Server-Side Request Forgery". */
#include "mcptools.h"
#include "../../port/crypto_mbedtls.h"
#include "../../port/posix_client.h"
#include "../../port/posix_env.h"
#include "../../port/store_ram.h"
#include "test.h"
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static mcpt_mbedtls crypto;
static const mcpt_env env = { mcpt_posix_millis, mcpt_posix_unix_time, mcpt_mbedtls_random, NULL, &crypto.crypto, &crypto };

typedef struct listener { int fd; unsigned port, met; } listener;
static listener listens(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(a);
    listener l = { socket(AF_INET, SOCK_STREAM, 0), 0, 0 };
    CHECK(bind(l.fd, (struct sockaddr *)&a, n) == 0 && listen(l.fd, 4) == 0 && getsockname(l.fd, (struct sockaddr *)&a, &n) == 0);
    l.port = ntohs(a.sin_port);
    return l;
}

/* Takes one connection if there is one, reads a request, answers it and hangs up. */
static void serves(listener *l, const char *metadata)
{
    struct pollfd row = { l->fd, POLLIN, 0 };
    char text[4096], body[512], *length;
    size_t n = 0;
    ssize_t got;
    int fd;
    if (poll(&row, 1, 0) != 1) {
        return;
    }
    l->met++;
    fd = accept(l->fd, NULL, NULL);
    row.fd = fd;
    do {
        text[n] = '\0';
        length = strstr(text, "Content-Length: ");
        if (strstr(text, "\r\n\r\n") != NULL && n >= (size_t)(strstr(text, "\r\n\r\n") - text) + 4 + (length != NULL ? strtoul(length + 16, NULL, 10) : 0)) {
            break;
        }
        got = poll(&row, 1, 5000) == 1 ? read(fd, text + n, sizeof(text) - 1 - n) : 0;
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    if (strncmp(text, "GET ", 4) == 0 && metadata != NULL) {
        (void)snprintf(body, sizeof(body), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", strlen(metadata), metadata);
    } else {
        (void)snprintf(body, sizeof(body), "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", metadata != NULL ? "401 Unauthorized" : "404 Not Found");
    }
    CHECK(write(fd, body, strlen(body)) == (ssize_t)strlen(body));
    (void)close(fd);
}

static mcpt_client client;
static mcpt_channel channel;
static mcpt_posix_client net;
static mcpt_oauth oauth;
static mcpt_store_ram ram;
static char rx[2048], tx[2048], msg[4096], request[2048], mem[MCPT_OAUTH_MEM], room[4096];
static mcpt_tok tok[64];

static mcpt_client_state run(const char *endpoint, bool foreign_public, listener *server, const char *metadata, listener *inner)
{
    static mcpt_oauth_config auth;
    static mcpt_client_config config;
    mcpt_posix_client_config port = { .client = &client, .channels = &channel, .nchannels = 1, .foreign_public = foreign_public };
    memset(&auth, 0, sizeof(auth));
    memset(&config, 0, sizeof(config));
    auth.endpoint = config.endpoint = endpoint;
    auth.redirect_uri = "http://127.0.0.1:8976/cb";
    auth.env = config.env = &env;
    auth.store = &ram.store;
    config.oauth = &oauth;
    config.name = "gateway";
    config.version = "1";
    CHECK(mcpt_store_ram_init(&ram, room, sizeof(room), 0) == MCPT_OK && mcpt_oauth_init(&oauth, &auth, mem, sizeof(mem)) == MCPT_OK);
    mcpt_channel_init(&channel, rx, sizeof(rx), tx, sizeof(tx), msg, sizeof(msg));
    CHECK(mcpt_client_init(&client, &config, &channel, 1, request, sizeof(request), tok, MCPT_COUNT(tok)) == MCPT_OK);
    CHECK(mcpt_posix_client_init(&net, &port) == MCPT_OK);
    while (mcpt_client_status(&client) == MCPT_CLIENT_BUSY) {
        CHECK(mcpt_posix_client_poll(&net, 1) == MCPT_OK);
        serves(server, metadata);
        serves(inner, NULL);
    }
    return mcpt_client_status(&client);
}

/* What a server's metadata names leads into this machine: only where that was not forbidden, and never from the endpoint's own place. */
static void metadata_leads_inwards(void)
{
    static const char *const names[] = { "127.0.0.1", "localhost", "[::ffff:127.0.0.1]" };
    char endpoint[64], metadata[256];
    for (size_t i = 0; i < 2 * MCPT_COUNT(names) - 1; i++) {
        listener server = listens(), inner = listens();
        const bool refuse = i < MCPT_COUNT(names);
        (void)snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u/mcp", server.port);
        (void)snprintf(metadata, sizeof(metadata), "{\"resource\":\"%s\",\"authorization_servers\":[\"http://%s:%u\"]}", endpoint,
                       names[i % MCPT_COUNT(names)], inner.port);
        CHECK(run(endpoint, refuse, &server, metadata, &inner) == MCPT_CLIENT_FAILED);
        CHECK(server.met == 2);       /* the 401, the metadata: the endpoint itself may be private */
        CHECK((inner.met == 0) == refuse);
        CHECK(mcpt_client_outcome(&client) == (refuse ? MCPT_E_ISSUER : MCPT_E_STATUS));
        mcpt_posix_client_close(&net);
        (void)close(server.fd);
        (void)close(inner.fd);
    }
}

static void public_addresses(void)
{
    static const struct { const char *text; bool is; } rows[] = {
        { "8.8.8.8", true }, { "1.1.1.1", true }, { "127.0.0.1", false }, { "10.1.2.3", false }, { "172.31.0.1", false }, { "192.168.1.1", false },
        { "169.254.169.254", false }, { "100.64.0.1", false }, { "0.0.0.0", false }, { "224.0.0.1", false }, { "255.255.255.255", false },
        { "2001:4860:4860::8888", true }, { "::1", false }, { "::", false }, { "fe80::1", false }, { "fd00::1", false }, { "ff02::1", false },
        { "::ffff:10.0.0.1", false }, { "::ffff:8.8.8.8", true }, { "64:ff9b::a00:1", false }, { "2002:a00:1::", false } };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        uint8_t a[16];
        const bool six = strchr(rows[i].text, ':') != NULL;
        CHECK(inet_pton(six ? AF_INET6 : AF_INET, rows[i].text, a) == 1 && mcpt_address_public(a, six ? 16 : 4) == rows[i].is);
        CHECK(!mcpt_address_public(a, 5));
    }
}

/* A client that is over has nothing to wait for. */
static void a_closed_client_is_not_waited_for(void)
{
    listener server = listens(), inner = listens();
    char endpoint[64];
    (void)alarm(60);                  /* the old way: for ever */
    (void)snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u/mcp", server.port);
    CHECK(run(endpoint, false, &server, "[]", &inner) == MCPT_CLIENT_FAILED);
    CHECK(mcpt_posix_client_poll(&net, -1) == MCPT_OK);
    mcpt_client_close(&client);
    for (int i = 0; i < 5; i++) {
        CHECK(mcpt_posix_client_poll(&net, -1) == MCPT_OK);
    }
    CHECK(mcpt_client_status(&client) == MCPT_CLIENT_CLOSED);
    mcpt_posix_client_close(&net);
    CHECK(mcpt_posix_client_poll(&net, -1) == MCPT_OK);
    (void)alarm(0);
    (void)close(server.fd);
    (void)close(inner.fd);
}

int main(void)
{
    CHECK(mcpt_mbedtls_init(&crypto, NULL, 0) == MCPT_OK);
    metadata_leads_inwards();
    public_addresses();
    a_closed_client_is_not_waited_for();
    mcpt_mbedtls_free(&crypto);
    return test_end();
}
