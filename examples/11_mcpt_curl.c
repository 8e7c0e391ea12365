#define _GNU_SOURCE
/* libs: -lsqlite3 -lhiredis -lpq */
/* 11: mcpt over libcurl: through the proxies that http_proxy, https_proxy, all_proxy and no_proxy name, with the certificates that
 * libcurl trusts. Everything else is example 08. */
#define MCPT_CURL 1
#include "08_mcpt.c"
