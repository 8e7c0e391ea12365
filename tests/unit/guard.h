/* Memory between two pages that nobody may touch. Where a system has no such pages (WebAssembly), plain memory. */
#ifndef GUARD_H
#define GUARD_H
#include "test.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#if defined(__wasi__) || defined(_WIN32)
#include <stdlib.h>

static char *guard_room(size_t size)
{
    char *p = (char *)calloc(1, size);
    CHECK(p != NULL);
    return p;
}
#else
#include <sys/mman.h>
#include <unistd.h>

static char *guard_room(size_t size)                        /* a multiple of every page size: 64 KB */
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = (char *)mmap(NULL, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED && mprotect(p, page, PROT_NONE) == 0 && mprotect(p + page + size, page, PROT_NONE) == 0);
    return p + page;
}
#endif

/* A copy of the bytes that ends (or begins) exactly at a page nobody may touch; one of each at a time. */
static inline char *guarded(const void *bytes, size_t n, bool at_end)
{
    enum { ROOM = 65536 };
    static char *room[2];
    char *p;
    if (room[at_end] == NULL) {
        room[at_end] = guard_room(ROOM);
    }
    p = at_end ? room[1] + ROOM - n : room[0];
    if (n != 0) {
        memcpy(p, bytes, n);
    }
    return p;
}
#endif
