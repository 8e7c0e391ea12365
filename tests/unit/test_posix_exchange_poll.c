/* The tests of test_posix_exchange.c with poll() and a pipe instead of epoll and eventfd. */
#define MCPT_POSIX_POLL 1
#include "../../port/posix.c"
#include "test_posix_exchange.c"
