/* json-check FILE: is it JSON (RFC 8259), of any size? Exits 0 yes, 1 no (prints byte offset and reason), 2 not known. */
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include <stdio.h>

int main(int argc, char **argv)
{
    static char buf[65536];
    FILE *f;
    mcpt_err e = MCPT_PENDING;
    mcpt_scan s;

    if (argc != 2) {
        fputs("usage: json-check FILE\n", stderr);
        return 2;
    }
    f = fopen(argv[1], "rb");
    if (f == NULL) {
        fprintf(stderr, "json-check: cannot read %s\n", argv[1]);
        return 2;
    }
    mcpt_scan_init(&s, NULL, 0, NULL);
    while (e >= 0 && !feof(f) && !ferror(f)) {
        e = mcpt_scan_feed(&s, buf, fread(buf, 1, sizeof(buf), f));
    }
    if (ferror(f)) {
        fprintf(stderr, "json-check: cannot read %s\n", argv[1]);
        return 2;
    }
    fclose(f);
    e = e < 0 ? e : mcpt_scan_end(&s);
    if (e < 0) {
        printf("%s: byte %lu: %s\n", argv[1], (unsigned long)s.at, mcpt_strerror(e));
    }
    return e < 0;
}
