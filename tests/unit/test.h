/* The whole test framework: CHECK counts; main() ends with "return test_end();". */
#ifndef TEST_H
#define TEST_H
#include <stdio.h>

static int test_passed, test_failed;

static void test_check(int ok, const char *file, int line, const char *what)
{
    if (ok) {
        test_passed++;
    } else if (test_failed++ < 20) {
        printf("%s:%d: %s\n", file, line, what);
    }
}

#define CHECK(condition) test_check((condition) ? 1 : 0, __FILE__, __LINE__, #condition)

/* How many: long searches take fewer steps, of the same kinds, where every instruction is emulated. */
#ifdef TEST_SLOW
#define TEST_STEPS(all, slow) (slow)
#else
#define TEST_STEPS(all, slow) (all)
#endif

static inline int test_end(void)
{
    printf("PASSED %d FAILED %d\n", test_passed, test_failed);
    return test_failed != 0;
}
#endif
