/* conformance-client-curl URL: the client under test of the official suite, over port/curl. */
#define CLIENT_CURL 1
#include "client.c"
