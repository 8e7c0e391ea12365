/* emulation_only.c - see emulation_only.h: never ship */
#include "emulation_only.h"
#include "board.h"
#if defined(FIRMWARE_TLS_BEARSSL)
#include "port/crypto_bearssl.h"
#define hmac_sha256 mcpt_bearssl_hmac_sha256
#else
#include "port/crypto_mbedtls.h"
#define hmac_sha256 mcpt_mbedtls_hmac_sha256
#endif
#include <string.h>

enum { SYS_OPEN = 1, SYS_CLOSE = 2, SYS_WRITE0 = 4, SYS_WRITE = 5, SYS_READ = 6, SYS_SEEK = 10, SYS_FLEN = 12, SYS_TIME = 17, SYS_GET_CMDLINE = 0x15, SYS_EXIT_EXTENDED = 0x20,
       STOPPED_APPLICATION_EXIT = 0x20026, READ_BINARY = 1, UPDATE_BINARY = 3, CREATE_BINARY = 7 };

static uint8_t key[32], value[32];
static bool seeded;

static intptr_t host(int what, const void *arg)
{
    register intptr_t r0 __asm("r0") = what;
    register const void *r1 __asm("r1") = arg;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void emulation_only_print(const char *text)
{
    (void)host(SYS_WRITE0, text);
}

void emulation_only_exit(int code)
{
    const uint32_t block[2] = { STOPPED_APPLICATION_EXIT, (uint32_t)code };
    (void)host(SYS_EXIT_EXTENDED, block);
}

/* What stands behind "name=" on the command line; NULL: nothing does. It ends at a blank. */
static const char *option(const char *name)
{
    static char line[256];
    struct { char *at; uint32_t cap; } block = { line, sizeof line };
    const size_t n = strlen(name);
    const char *p;
    if (line[0] == '\0' && host(SYS_GET_CMDLINE, &block) != 0) {
        return NULL;
    }
    for (p = line; p != NULL && *p != '\0'; p = strchr(p, ' '), p += p != NULL) {
        if (strncmp(p, name, n) == 0 && p[n] == '=') {
            return p + n + 1;
        }
    }
    return NULL;
}

uint32_t emulation_only_option(const char *name, uint32_t fallback)
{
    const char *p = option(name);
    uint32_t v = 0;
    while (p != NULL && *p >= '0' && *p <= '9') {
        v = v * 10 + (uint32_t)(*p++ - '0');
    }
    return p != NULL ? v : fallback;
}

int64_t emulation_only_unix_time(void *user)
{
    (void)user;
    return emulation_only_option("clock", 1) != 0 ? (int64_t)(uint32_t)host(SYS_TIME, NULL) : -1;
}

/* -- the flash */
enum { SECTOR = 1024, SECTORS = 16, UNIT = 4 };
static intptr_t flash_file;

static bool move(int what, uint32_t at, void *buf, size_t len)
{
    const struct { intptr_t file; uint32_t at; } seek = { flash_file, at };
    const struct { intptr_t file; void *buf; uint32_t len; } block = { flash_file, buf, (uint32_t)len };
    return host(SYS_SEEK, &seek) == 0 && host(what, &block) == 0;
}

static bool host_flash_erase(void *ctx, uint32_t at)
{
    uint8_t erased[64];
    uint32_t end = at + SECTOR;
    bool ok = true;
    (void)ctx;
    memset(erased, 0xff, sizeof erased);
    for (; ok && at < end; at += (uint32_t)sizeof erased) {
        ok = move(SYS_WRITE, at, erased, sizeof erased);
    }
    return ok;
}

/* Opens the file the first time; makes it when there is none. */
static bool host_flash_ready(void)
{
    const char *path = option("flash");
    char name[200];                   /* NUL-terminated, which QEMU wants */
    struct { const char *path; uint32_t mode, len; } open = { name, UPDATE_BINARY, 0 };
    uint32_t at;
    bool ok = true;
    if (flash_file != 0 || path == NULL) {
        return flash_file != 0;
    }
    while (path[open.len] != '\0' && path[open.len] != ' ' && open.len < sizeof name - 1) {
        name[open.len] = path[open.len];
        ++open.len;
    }
    name[open.len] = '\0';
    flash_file = host(SYS_OPEN, &open);
    if (flash_file == -1) {
        open.mode = CREATE_BINARY;
        flash_file = host(SYS_OPEN, &open);
    }
    if (flash_file == -1) {
        flash_file = 0;
        return false;
    }
    if (host(SYS_FLEN, &flash_file) < SECTOR * SECTORS) {
        for (at = 0; ok && at < SECTOR * SECTORS; at += SECTOR) {
            ok = host_flash_erase(NULL, at);
        }
    }
    return ok;
}

static bool host_flash_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    (void)ctx;
    return host_flash_ready() && move(SYS_READ, at, buf, len);
}

static bool host_flash_program(void *ctx, uint32_t at, const void *buf, size_t len)
{
    const uint8_t *from = (const uint8_t *)buf;
    uint8_t cells[64];
    size_t i;
    if (len > sizeof cells || !host_flash_read(ctx, at, cells, len)) {
        return false;
    }
    for (i = 0; i < len; ++i) {
        cells[i] &= from[i];
    }
    return move(SYS_WRITE, at, cells, len);
}

const mcpt_flash emulation_only_flash = { host_flash_read, host_flash_program, host_flash_erase, { SECTOR, SECTORS, UNIT }, NULL };

void emulation_only_fuses(uint8_t fuses[32])
{
    static const char label[] = "everybody knows this";
    const uint32_t serial = emulation_only_option("serial", 1);
    const mcpt_str part = { (const char *)&serial, sizeof serial };
    (void)hmac_sha256(NULL, label, sizeof label, &part, 1, fuses);
}

/* -- HMAC_DRBG, SP 800-90A section 10.1.2 */
static bool drbg_step(const void *data, size_t len, uint8_t separator)
{
    const mcpt_str parts[3] = { { (const char *)value, sizeof value }, { (const char *)&separator, 1 }, { (const char *)data, len } };
    uint8_t next[32];
    bool ok = hmac_sha256(NULL, key, sizeof key, parts, 3, next);
    memcpy(key, next, sizeof key);
    ok = ok && hmac_sha256(NULL, key, sizeof key, parts, 1, next);
    memcpy(value, next, sizeof value);
    return ok;
}

static bool drbg_update(const void *data, size_t len)
{
    return drbg_step(data, len, 0) && (len == 0 || drbg_step(data, len, 1));
}

bool emulation_only_seed(void)
{
    static const char path[] = "/dev/urandom";
    const struct { const char *path; uint32_t mode, len; } open = { path, READ_BINARY, sizeof path - 1 };
    uint8_t seed[48];                 /* 256 bits of entropy and a nonce */
    intptr_t file = host(SYS_OPEN, &open);
    if (file != -1) {
        const struct { intptr_t file; void *to; uint32_t len; } read = { file, seed, sizeof seed };
        memset(key, 0, sizeof key);
        memset(value, 1, sizeof value);
        seeded = host(SYS_READ, &read) == 0 && drbg_update(seed, sizeof seed);
        (void)host(SYS_CLOSE, &file);
        memset(seed, 0, sizeof seed);
    }
    return seeded;
}

bool emulation_only_random(void *user, void *buf, size_t len)
{
    uint8_t *to = (uint8_t *)buf;
    bool ok = seeded;
    (void)user;
    while (ok && len > 0) {
        const mcpt_str part = { (const char *)value, sizeof value };
        uint8_t next[32];
        size_t n = len < sizeof value ? len : sizeof value;
        ok = hmac_sha256(NULL, key, sizeof key, &part, 1, next);
        memcpy(value, next, sizeof value);
        memcpy(to, value, n);
        to += n;
        len -= n;
    }
    return ok && drbg_update(NULL, 0);
}

uint32_t firmware_random32(void);
uint32_t firmware_random32(void)
{
    uint32_t v = 0;
    (void)emulation_only_random(NULL, &v, sizeof v);
    return v;
}

static void print_hex(uint32_t v)
{
    char text[12] = " 0x00000000";
    unsigned i;
    for (i = 0; i < 8; ++i) {
        text[10 - i] = "0123456789abcdef"[v >> (4 * i) & 15u];
    }
    emulation_only_print(text);
}

/* A product writes this where a restart finds it, and restarts. */
void board_fault(const char *what, uint32_t a, uint32_t b)
{
    emulation_only_print(what);
    print_hex(a);
    print_hex(b);
    emulation_only_print("\n");
    emulation_only_exit(99);
}

void firmware_assert(const char *what);
void firmware_assert(const char *what)
{
    board_fault(what, (uint32_t)(uintptr_t)__builtin_return_address(0), 0);
}
