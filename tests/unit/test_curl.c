/* port/curl: what no peer of tests/interop/curl.mjs can time. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../port/crypto_mbedtls.h"
#include "../../port/curl.h"
#include "../../port/posix_env.h"
#include "test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static mcpt_curl net;
static mcpt_exchange exchange, *const all[1] = { &exchange };
static unsigned dones;

static void on_done(void *user, mcpt_err e)
{
    (void)user;
    (void)e;
    ++dones;
}

static int listen_on(unsigned *port)
{
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 4) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void ask(unsigned port, const char *path)
{
    static char url[64];
    mcpt_fetch f;
    memset(&f, 0, sizeof f);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    f.url = mcpt_z(url);
    f.trusted = true;
    f.done = on_done;
    CHECK(mcpt_exchange_start(&exchange, &f) == MCPT_OK);
}

static ssize_t heard(int listener, char *text, size_t cap, int polls)
{
    ssize_t got = -1;
    int i, fd = -1;
    for (i = 0; i < polls && got < 0; ++i) {
        CHECK(mcpt_curl_poll(&net, 10) == MCPT_OK);
        fd = fd < 0 ? accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : fd;
        got = fd < 0 ? -1 : recv(fd, text, cap - 1, 0);
    }
    text[got > 0 ? got : 0] = '\0';
    if (fd >= 0) {
        (void)close(fd);
    }
    return got;
}

/* A request that takes the place of another does not go over the connection that is being made for that one. */
static void another_request(void)
{
    static char rx[1024], tx[1024];
    mcpt_curl_config config;
    unsigned port[2];
    int listener[2], i, polls;
    char text[512];
    for (polls = 1; polls < 4; ++polls) {                   /* at each step of connecting */
        listener[0] = listen_on(&port[0]);
        listener[1] = listen_on(&port[1]);
        memset(&config, 0, sizeof config);
        config.exchanges = all;
        config.nexchanges = 1;
        CHECK(mcpt_exchange_init(&exchange, &mcpt_posix_env, rx, sizeof rx, tx, sizeof tx, 5000, true) == MCPT_OK);
        CHECK(mcpt_curl_init(&net, &config) == MCPT_OK);
        dones = 0;
        ask(port[0], "/one");
        for (i = 0; i < polls; ++i) {
            CHECK(mcpt_curl_poll(&net, 0) == MCPT_OK);
        }
        mcpt_exchange_stop(&exchange);
        CHECK(dones == 1);
        ask(port[1], "/two");
        CHECK(heard(listener[1], text, sizeof text, 300) > 0 && strncmp(text, "GET /two ", 9) == 0);
        (void)heard(listener[0], text, sizeof text, 1);
        CHECK(strstr(text, "/two") == NULL);
        mcpt_curl_close(&net);
        CHECK(dones == 2);
        (void)close(listener[0]);
        (void)close(listener[1]);
    }
}

/* A client whose next request is for the authorization server at name, which the metadata named; inner listens there. Answers whether
 * it was connected to. */
static bool led_to(int inner, const char *name, unsigned port, bool rule, const char *proxy, mcpt_err *outcome)
{
    static const mcpt_env env = { mcpt_posix_millis, mcpt_posix_unix_time, mcpt_mbedtls_random, NULL, &mcpt_mbedtls_crypto, NULL };
    static mcpt_oauth oauth;
    static mcpt_client client;
    static mcpt_channel channel;
    static char rx[1024], tx[1024], msg[1024], request[1024], mem[MCPT_OAUTH_MEM];
    static mcpt_tok tok[16];
    mcpt_oauth_config auth;
    mcpt_client_config config;
    mcpt_curl_config via;
    char prm[256];
    bool met = false;
    int i, fd;
    memset(&auth, 0, sizeof auth);
    memset(&config, 0, sizeof config);
    memset(&via, 0, sizeof via);
    auth.endpoint = config.endpoint = "http://127.0.0.1:1/mcp";
    auth.redirect_uri = "http://127.0.0.1:8976/cb";
    auth.env = config.env = &env;
    config.name = "gateway";
    config.version = "1";
    config.oauth = &oauth;
    CHECK(mcpt_oauth_init(&oauth, &auth, mem, sizeof mem) == MCPT_OK);
    mcpt_oauth_start(&oauth);
    CHECK(mcpt_oauth_next(&oauth) == MCPT_OAUTH_REQUEST);
    (void)snprintf(prm, sizeof prm, "{\"resource\":\"%s\",\"authorization_servers\":[\"http://%s:%u\"]}", auth.endpoint, name, port);
    mcpt_oauth_head(&oauth, 200, 0, mcpt_z(NULL));
    CHECK(mcpt_oauth_body(&oauth, prm, strlen(prm)) == MCPT_OK);
    mcpt_oauth_done(&oauth, MCPT_OK);
    CHECK(mcpt_oauth_next(&oauth) == MCPT_OAUTH_REQUEST);
    mcpt_channel_init(&channel, rx, sizeof rx, tx, sizeof tx, msg, sizeof msg);
    CHECK(mcpt_client_init(&client, &config, &channel, 1, request, sizeof request, tok, 16) == MCPT_OK);
    via.client = &client;
    via.channels = &channel;
    via.nchannels = 1;
    via.proxy = proxy;
    via.foreign_public = rule;
    CHECK(mcpt_curl_init(&net, &via) == MCPT_OK);
    for (i = 0; i < 3000 && mcpt_client_status(&client) == MCPT_CLIENT_BUSY; ++i) {
        CHECK(mcpt_curl_poll(&net, 10) == MCPT_OK);
        fd = accept4(inner, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            met = true;
            (void)close(fd);
        }
    }
    CHECK(mcpt_client_status(&client) == MCPT_CLIENT_FAILED);
    *outcome = mcpt_client_outcome(&client);
    mcpt_curl_close(&net);
    mcpt_oauth_close(&oauth);
    return met;
}

/* 2026-07-28 basic/security_best_practices, "Server-Side Request Forgery": see port/curl.h, foreign_public. */
static void metadata_leads_inwards(void)
{
    static const char *const names[] = { "127.0.0.1", "localhost", "[::1]" };
    unsigned port, other;
    int inner = listen_on(&port), proxy = listen_on(&other);
    char url[64];
    mcpt_err e;
    size_t i;
    for (i = 0; i < MCPT_COUNT(names); ++i) {
        CHECK(!led_to(inner, names[i], port, true, NULL, &e) && e == MCPT_E_ISSUER);
        CHECK(!led_to(inner, names[i], port, true, "", &e) && e == MCPT_E_ISSUER);
    }
    CHECK(led_to(inner, names[0], port, false, NULL, &e) && e != MCPT_OK && e != MCPT_E_ISSUER);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", other);
    CHECK(setenv("http_proxy", url, 1) == 0);
    CHECK(!led_to(proxy, names[0], port, true, NULL, &e) && e == MCPT_E_ISSUER);    /* nor through what the environment names */
    CHECK(led_to(proxy, names[0], port, false, NULL, &e));
    CHECK(unsetenv("http_proxy") == 0);
    CHECK(led_to(proxy, names[0], port, true, url, &e) && e != MCPT_E_ISSUER);      /* a proxy that was chosen has rules of its own */
    (void)close(inner);
    (void)close(proxy);
}

int main(void)
{
    static const char *const proxies[] = { "http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY" };
    size_t i;
    for (i = 0; i < MCPT_COUNT(proxies); ++i) {
        CHECK(unsetenv(proxies[i]) == 0);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    another_request();
    metadata_leads_inwards();
    return test_end();
}
