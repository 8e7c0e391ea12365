/* text, error: URL traps, base64 (RFC 4648), UTF-8 (RFC 3629), views against guard pages. */
#define _DEFAULT_SOURCE
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "guard.h"
#include "test.h"
#include <string.h>

static mcpt_str edge(const void *bytes, size_t n, bool at_end)
{
    return mcpt__mk(guarded(bytes, n, at_end), n);
}

static void views(void)
{
    static const char nul[] = "a\0b";
    mcpt_str none = mcpt_z(NULL);
    CHECK(none.ptr == NULL && none.len == 0);
    CHECK(mcpt_z("").ptr != NULL && mcpt_z("").len == 0 && mcpt_z("abc").len == 3);
    CHECK(mcpt_str_is(mcpt_z("abc"), "abc") && !mcpt_str_is(mcpt_z("abc"), "abd"));
    CHECK(!mcpt_str_is(mcpt_z("ab"), "abc") && !mcpt_str_is(mcpt_z("abc"), "ab"));
    CHECK(!mcpt_str_is(none, "") && !mcpt_str_is(none, NULL) && mcpt_str_is(mcpt_z(""), ""));
    CHECK(!mcpt_str_is(mcpt__mk(nul, 3), "a"));
    CHECK(mcpt_str_eq(mcpt__mk(nul, 3), mcpt__mk(nul, 3)) && !mcpt_str_eq(none, none));
    CHECK(mcpt_str_ieq(mcpt_z("Content-TYPE"), "content-type") && mcpt_str_ieq(mcpt_z("x"), "X"));
    CHECK(!mcpt_str_ieq(mcpt_z("a@"), "a`") && !mcpt_str_ieq(mcpt_z("[]"), "{}"));
    CHECK(!mcpt_str_ieq(mcpt_z("ab"), "a") && !mcpt_str_ieq(mcpt_z("a"), "ab"));
    CHECK(mcpt_str_ieq(mcpt_z(""), ""));
    CHECK(!mcpt_str_ieq(none, "") && !mcpt_str_ieq(mcpt_z(""), NULL) && !mcpt_str_ieq(mcpt__mk(nul, 3), "a"));
    CHECK(mcpt_same("", "", 0) && mcpt_same("abc", "abc", 3));
    for (size_t i = 0; i < 16; i++) {
        char a[16] = "0123456789abcde", b[16] = "0123456789abcde";
        for (unsigned bit = 0; bit < 8; bit++) {
            b[i] = (char)(a[i] ^ (1 << bit));
            CHECK(!mcpt_same(a, b, 16) && mcpt_same(a, b, i));
        }
        mcpt_wipe(a, i);
        for (size_t k = 0; k < 16; k++) {
            CHECK((a[k] == 0) == (k < i || k == 15));
        }
    }
}

/* By the definition: decode, then look at the number. */
static bool utf8_reference(const unsigned char *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t len = p[i] < 0x80 ? 1 : (p[i] & 0xe0) == 0xc0 ? 2 : (p[i] & 0xf0) == 0xe0 ? 3 :
            (p[i] & 0xf8) == 0xf0 ? 4 : 0;
        uint32_t c = len == 1 ? p[i] : len == 0 ? 0 : p[i] & (0x7fu >> len);
        if (len == 0 || n - i < len) {
            return false;
        }
        for (size_t k = 1; k < len; k++) {
            if ((p[i + k] & 0xc0) != 0x80) {
                return false;
            }
            c = c << 6 | (p[i + k] & 0x3fu);
        }
        if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
            return false;
        }
        i += len;
    }
    return true;
}

static void utf8(void)
{
    static const unsigned char tails[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };
    unsigned char c[4];
    char long_text[100];
    unsigned wrong = 0;
    for (unsigned v = 0; v < 0x1000000; v += v >= 0xe00000 ? 1 : 0x41) {    /* each 3-byte lead fully */
        c[0] = (unsigned char)(v >> 16);
        c[1] = (unsigned char)(v >> 8);
        c[2] = (unsigned char)v;
        if (c[0] >= 0xf0) {
            break;
        }
        wrong += mcpt_utf8_ok(mcpt__mk((char *)c, 3)) != utf8_reference(c, 3);
        wrong += mcpt_utf8_ok(mcpt__mk((char *)c, 2)) != utf8_reference(c, 2);
    }
    for (unsigned lead = 0xc0; lead < 0x100; lead++) {
        for (unsigned v = 0; v < 0x100 * 100; v++) {
            c[0] = (unsigned char)lead;
            c[1] = (unsigned char)(v / 100);
            c[2] = tails[v % 10];
            c[3] = tails[v / 10 % 10];
            wrong += mcpt_utf8_ok(mcpt__mk((char *)c, 4)) != utf8_reference(c, 4);
        }
    }
    CHECK(wrong == 0);
    for (size_t n = 0; n <= 40; n++) {                      /* the fast path: a bad byte anywhere */
        memset(long_text, 'a', sizeof(long_text));
        CHECK(mcpt_utf8_ok(edge(long_text, n, true)) && mcpt_utf8_ok(edge(long_text, n, false)));
        for (size_t at = 0; at < n; at++) {
            memset(long_text, 'a', sizeof(long_text));
            long_text[at] = (char)0xff;
            CHECK(!mcpt_utf8_ok(edge(long_text, n, true)) && !mcpt_utf8_ok(edge(long_text, n, false)));
            memcpy(long_text + at, "\xf0\x9f\x98\x80", 4);
            CHECK(mcpt_utf8_ok(edge(long_text, n, true)) == (n - at >= 4));
        }
    }
}

static void base64(void)
{
    static const struct { const char *bytes, *std, *url; } rows[] = {   /* RFC 4648 section 10, and 62, 63 */
        { "", "", "" }, { "f", "Zg==", "Zg" }, { "fo", "Zm8=", "Zm8" }, { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" }, { "fooba", "Zm9vYmE=", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "+/+/", "-_-_" }, { "\xff", "/w==", "_w" },
    };
    static const struct { const char *text; bool url; } bad[] = {
        { "Zg", false }, { "Zg=", false }, { "Zg===", false }, { "Zg==\n", false }, { "Z===", false },
        { "====", false }, { "=", false }, { "Zh==", false }, { "Zm9=", false }, { "Zg==Zg==", false },
        { "Z=g=", false }, { "Zm9v Zm9v", false }, { "Zm9-", false }, { "Zm9_", false }, { "Zm9v=", false },
        { " Zg==", false }, { "Zg==", true }, { "Zm8=", true }, { "Z", true }, { "Zm9vZ", true },
        { "Zh", true },
        { "Zm9", true }, { "Zm+v", true }, { "Zm/v", true }, { "Zm9v\n", true }, { "Zm\x80v", true },
        { "Zm.v", true }, { "Zm@v", true }, { "Zm[v", true }, { "Zm`v", true }, { "Zm{v", true },
    };
    char text[200], back[200];
    unsigned char bytes[70];
    size_t n;
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        for (int url = 0; url < 2; url++) {
            const char *want = url ? rows[i].url : rows[i].std;
            size_t len = mcpt_b64_encode(rows[i].bytes, strlen(rows[i].bytes), url != 0, text, sizeof(text));
            CHECK(mcpt_str_is(mcpt__mk(text, len), want));
            CHECK(mcpt_b64_decode(mcpt_z(want), url != 0, back, sizeof(back), &n));
            CHECK(mcpt_str_is(mcpt__mk(back, n), rows[i].bytes));
        }
    }
    for (size_t i = 0; i < MCPT_COUNT(bad); i++) {
        n = 99;
        CHECK(!mcpt_b64_decode(mcpt_z(bad[i].text), bad[i].url, back, sizeof(back), &n) && n == 0);
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(i * 37 + 11);
    }
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        mcpt_str in = edge(bytes, len, true);
        for (int url = 0; url < 2; url++) {
            size_t need = mcpt_b64_encode(in.ptr, len, url != 0, NULL, 0);
            CHECK(need == (url ? (len * 4 + 2) / 3 : (len + 2) / 3 * 4));
            for (size_t cap = 0; cap <= need + 1; cap++) {
                memset(text, '#', sizeof(text));
                CHECK(mcpt_b64_encode(in.ptr, len, url != 0, text, cap) == (cap >= need ? need : 0));
                CHECK(text[cap] == '#' && text[need] == '#');
            }
            for (size_t cap = 0; cap <= len + 1; cap++) {
                memset(back, '#', sizeof(back));
                CHECK(mcpt_b64_decode(mcpt__mk(text, need), url != 0, back, cap, &n) == (cap >= len));
                CHECK(back[cap] == '#' && (cap < len ? n == 0 : n == len && memcmp(back, bytes, len) == 0));
            }
            CHECK(mcpt_b64_decode(mcpt__mk(text, need), url != 0, text, need, &n) && n == len);
            CHECK(memcmp(text, bytes, len) == 0);           /* in its own memory */
        }
    }
    CHECK(mcpt_b64_encode(bytes, (size_t)-1 / 2 + 1, false, NULL, 0) == 0);
}

static void percent(void)
{
    static const struct { const char *text, *want; } rows[] = {
        { "", "" }, { "a+b", "a+b" }, { "%41%7a", "Az" }, { "%0a%20%F0%0F", "\n \xf0\x0f" },
        { "%e4%BA%9b", "\xe4\xba\x9b" },
        { "100%25", "100%" },
        { "%", NULL }, { "a%4", NULL }, { "%4", NULL }, { "%4g", NULL }, { "%g4", NULL }, { "%%41", NULL },
        { "%00", NULL },
        { "%+1", NULL }, { "% 1", NULL }, { "%0x41", NULL },
    };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        char out[32];
        size_t n, len = strlen(rows[i].text);
        for (int end = 0; end < 2; end++) {
            bool ok = mcpt_percent_decode(edge(rows[i].text, len, end != 0), out, sizeof(out), &n);
            CHECK(ok == (rows[i].want != NULL));
            CHECK(ok ? mcpt_str_is(mcpt__mk(out, n), rows[i].want) : n == 0);
        }
        if (rows[i].want != NULL && rows[i].want[0] != '\0') {
            CHECK(!mcpt_percent_decode(mcpt_z(rows[i].text), out, strlen(rows[i].want) - 1, &n));
            memcpy(out, rows[i].text, len);
            CHECK(mcpt_percent_decode(mcpt__mk(out, len), out, len, &n));
            CHECK(mcpt_str_is(mcpt__mk(out, n), rows[i].want));
        }
    }
}

#define ROW(text) { text, sizeof(text) - 1, NULL, NULL, 0, NULL, NULL }

static void urls(void)
{
    static const struct {
        const char *text;
        size_t len;
        const char *scheme, *host;
        unsigned port;
        const char *path, *query;
    } rows[] = {
        { "https://h", 9, "https", "h", 0, "", NULL },
        { "https://h/", 10, "https", "h", 0, "/", NULL },
        { "https://h?", 10, "https", "h", 0, "", "" },
        { "https://h?a@b", 13, "https", "h", 0, "", "a@b" },
        { "HTTPS://H", 9, "HTTPS", "H", 0, "", NULL },
        { "https://LOCALHOST:1/x", 21, "https", "LOCALHOST", 1, "/x", NULL },
        { "https://localhost./", 19, "https", "localhost.", 0, "/", NULL },
        { "https://localhost.evil.com", 26, "https", "localhost.evil.com", 0, "", NULL },
        { "https://evil.com/localhost", 26, "https", "evil.com", 0, "/localhost", NULL },
        { "https://h:65535/a/b?c=1", 23, "https", "h", 65535, "/a/b", "c=1" },
        { "https://h/a//b;p=1/@:!$&'()*+,~", 31, "https", "h", 0, "/a//b;p=1/@:!$&'()*+,~", NULL },
        { "https://h/..;/x", 15, "https", "h", 0, "/..;/x", NULL },
        { "https://h/%2e%2E/?%41?/", 23, "https", "h", 0, "/%2e%2E/", "%41?/" },
        { "http://127.0.0.1:8080/mcp", 25, "http", "127.0.0.1", 8080, "/mcp", NULL },
        { "http://255.255.255.255", 22, "http", "255.255.255.255", 0, "", NULL },
        { "http://[::1]:8080/mcp", 21, "http", "[::1]", 8080, "/mcp", NULL },
        { "https://[::ffff:169.254.169.254]", 32, "https", "[::ffff:169.254.169.254]", 0, "", NULL },
        { "https://[1:2:3:4:5:6:7:abCD]", 28, "https", "[1:2:3:4:5:6:7:abCD]", 0, "", NULL },
        { "https://[1:2:3:4:5:6:1.2.3.4]", 29, "https", "[1:2:3:4:5:6:1.2.3.4]", 0, "", NULL },
        { "https://[::]", 12, "https", "[::]", 0, "", NULL },
        { "https://[1::]", 13, "https", "[1::]", 0, "", NULL },
        { "https://[1:2:3:4:5:6:7::]", 25, "https", "[1:2:3:4:5:6:7::]", 0, "", NULL },
        { "https://[::2:3:4:5:6:7:8]", 25, "https", "[::2:3:4:5:6:7:8]", 0, "", NULL },
        { "cursor.app+x-1://a_b/cb", 23, "cursor.app+x-1", "a_b", 0, "/cb", NULL },
        { "https://xn--r8jz45g.jp", 22, "https", "xn--r8jz45g.jp", 0, "", NULL },
        { "https://1a.0x.0xfg/", 19, "https", "1a.0x.0xfg", 0, "/", NULL },
        { "https://1.2.3.com", 17, "https", "1.2.3.com", 0, "", NULL },
        { "zz://z", 6, "zz", "z", 0, "", NULL },
        { "https://h/%41", 13, "https", "h", 0, "/%41", NULL },
        { "https://h/%20%0A", 16, "https", "h", 0, "/%20%0A", NULL },
        { "https://[2001:db8:0::0]", 23, "https", "[2001:db8:0::0]", 0, "", NULL },
        { "https://[1:2:3:4:5::1.2.3.4]", 28, "https", "[1:2:3:4:5::1.2.3.4]", 0, "", NULL },
        ROW("https://[1:2:3:4:5:6::1.2.3.4]"), ROW("https://[1-2:3:4:5:6:7:8:9]"), ROW("https://[1-2::]"),
        ROW("https://[1:2:3:4:5:6:7:8:]"), ROW("https://[1::2:]"), ROW("https://h/%g4"),
        ROW(""), ROW(":"), ROW("https"), ROW("https:"), ROW("https:/"), ROW("https://"), ROW("https:///evil"),
        ROW("https:evil"), ROW("https:/evil"), ROW("//evil"), ROW("/evil"), ROW("://evil"), ROW("1http://h"),
        ROW("+http://h"), ROW("ht_tp://h"), ROW(" https://h"), ROW("https://h "), ROW("https ://h"),
        ROW("https:\\\\h"),
        ROW("https://h\\@evil"), ROW("https://h\\evil"), ROW("https://h#@evil"), ROW("https://h#f"),
        ROW("https://h/#"),
        ROW("https://h/?a#f"), ROW("https://@h"), ROW("https://u@h"), ROW("https://user:pw@h"),
        ROW("https://a@b@h"),
        ROW("https://h%40evil"), ROW("https://h:"), ROW("https://h:/"), ROW("https://h:0"),
        ROW("https://h:65536"),
        ROW("https://h:99999"), ROW("https://h:100000"), ROW("https://h:4294967376"), ROW("https://h:80a"),
        ROW("https://h:+80"),
        ROW("https://h:-1"), ROW("https://h: 80"), ROW("https://h:080"), ROW("https://h:80:80"),
        ROW("https://h::80"),
        ROW("https://:80"), ROW("https://?"), ROW("https://[::1"), ROW("https://::1"), ROW("https://[]"),
        ROW("https://[::1]x"),
        ROW("https://[::1]80"), ROW("https://[::1]:"), ROW("https://[[::1]]"), ROW("https://[:::1]"),
        ROW("https://[1:2]"),
        ROW("https://[1:2:3:4:5:6:7:8:9]"), ROW("https://[::2:3:4:5:6:7:8:9]"), ROW("https://[1::2::3]"),
        ROW("https://[12345::]"),
        ROW("https://[::g]"), ROW("https://[1:2:3:4:5:6:7:]"), ROW("https://[:2:3:4:5:6:7:8]"),
        ROW("https://[1:]"),
        ROW("https://[::1.2.3]"), ROW("https://[::1.2.3.256]"), ROW("https://[1:2:3:4:5:6:7:1.2.3.4]"),
        ROW("https://[::1.2.3.4:1]"), ROW("https://[fe80::1%25eth0]"), ROW("https://[fe80::1%eth0]"),
        ROW("https://[v1.x]"),
        ROW("https://0x7f.1"), ROW("https://0x7f000001"), ROW("https://0x"), ROW("https://2130706433"),
        ROW("https://127.1"),
        ROW("https://127.0.1"), ROW("https://0177.0.0.1"), ROW("https://127.0.0.01"),
        ROW("https://127.0.0.1."),
        ROW("https://127.0.0.256"), ROW("https://1.2.3.4.5"), ROW("https://a.1"), ROW("https://a.0X7f"),
        ROW("https://127.0.0.0x1"),
        ROW("https://a..b"), ROW("https://.a"), ROW("https://a.."), ROW("https://."), ROW("https://.."),
        ROW("https://exa%6dple.com"), ROW("https://ex\tample.com"), ROW("https://ex ample.com"),
        ROW("https://ex\nample.com"),
        ROW("https://\xe4\xbe\x8b\xe3\x81\x88.jp"), ROW("https://h\n"), ROW("https://h/\n"),
        ROW("https://h/\r"), ROW("https://h/\0x"),
        ROW("https://h\0.evil"), ROW("https://h/a b"), ROW("https://h/a\\b"), ROW("https://h/\xc3\xa9"),
        ROW("https://h/\x7f"),
        ROW("https://h/%"), ROW("https://h/%4"), ROW("https://h/%4g"), ROW("https://h/?%"),
        ROW("https://h/<"), ROW("https://h/\""),
        ROW("https://h/{x}"), ROW("https://h/^"), ROW("https://h/`"), ROW("https://h/|"),
        ROW("https://h/[x]"),
        ROW("https://a!b"), ROW("https://a$b"), ROW("https://a,b"), ROW("https://a~b"), ROW("https://a*b"),
        ROW("https://a;b"),
    };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        for (int end = 0; end < 2; end++) {
            mcpt_url u;
            bool ok = mcpt_url_split(edge(rows[i].text, rows[i].len, end != 0), &u);
            if (ok != (rows[i].host != NULL)) {
                printf("%s\n", rows[i].text);
            }
            CHECK(ok == (rows[i].host != NULL));
            if (ok && rows[i].host != NULL) {
                CHECK(mcpt_str_is(u.scheme, rows[i].scheme) && mcpt_str_is(u.host, rows[i].host));
                CHECK(u.port == rows[i].port && mcpt_str_is(u.path, rows[i].path));
                CHECK(rows[i].query == NULL ? u.query.ptr == NULL : mcpt_str_is(u.query, rows[i].query));
            }
        }
    }
}

static void url_bytes(void)
{
    /* Every byte at every place of a URL: whatever is accepted splits where it must. */
    static const char base[] = "https://ab.c:80/p?q";
    unsigned wrong = 0;
    for (size_t at = 0; at < sizeof(base) - 1; at++) {
        for (unsigned c = 0; c < 256; c++) {
            char text[sizeof(base)];
            mcpt_url u;
            memcpy(text, base, sizeof(base));
            text[at] = (char)c;
            if (mcpt_url_split(mcpt__mk(text, sizeof(base) - 1), &u)) {
                wrong += c <= 0x20 || c >= 0x7f || c == '\\' || c == '#' || c == '%' ||
                    (c == '@' && at < 15) || u.host.ptr != text + 8 || u.host.len == 0;
                for (size_t i = 0; i < u.host.len; i++) {
                    wrong += strchr("/?:@#\\", u.host.ptr[i]) != NULL;
                }
            }
        }
    }
    CHECK(wrong == 0);
    {
        static char big[10240];
        mcpt_url u;
        memset(big, 'a', sizeof(big));
        memcpy(big, "https://", 8);
        CHECK(mcpt_url_split(edge(big, sizeof(big), true), &u) && u.host.len == sizeof(big) - 8);
    }
}

static void authorities(void)
{
    static const struct { const char *text, *host; unsigned port; } rows[] = {
        { "h", "h", 0 }, { "h:80", "h", 80 }, { "[::1]", "[::1]", 0 }, { "[::1]:8080", "[::1]", 8080 },
        { "192.168.4.1:8443", "192.168.4.1", 8443 }, { "device.local.", "device.local.", 0 },
        { "", NULL, 0 }, { ":80", NULL, 0 }, { "h:", NULL, 0 }, { "h/", NULL, 0 }, { "u@h", NULL, 0 },
        { "h,h", NULL, 0 },
        { "h h", NULL, 0 }, { "h?x", NULL, 0 }, { "http://h", NULL, 0 }, { "[::1", NULL, 0 },
        { "::1", NULL, 0 },
    };
    for (size_t i = 0; i < MCPT_COUNT(rows); i++) {
        mcpt_str host;
        uint16_t port = 1;
        bool ok = mcpt_authority_split(edge(rows[i].text, strlen(rows[i].text), true), &host, &port);
        CHECK(ok == (rows[i].host != NULL));
        CHECK(!ok || (mcpt_str_is(host, rows[i].host) && port == rows[i].port));
    }
}

static void errors(void)
{
    static const mcpt_err all[] = {
#define MCPT_X(name, value, text) MCPT_##name,
        MCPT_ERRORS(MCPT_X)
#undef MCPT_X
    };
    static const char *const texts[] = {
#define MCPT_X(name, value, text) text,
        MCPT_ERRORS(MCPT_X)
#undef MCPT_X
    };
    for (size_t i = 0; i < MCPT_COUNT(all); i++) {
        CHECK(strcmp(mcpt_strerror(all[i]), MCPT_NO_STRERROR ? "" : texts[i]) == 0);
    }
#if !MCPT_NO_STRERROR
    CHECK(strcmp(mcpt_strerror((mcpt_err)-999), "unknown error") == 0);
    CHECK(strcmp(mcpt_strerror((mcpt_err)3), "unknown error") == 0);
    CHECK(strcmp(mcpt_strerror((mcpt_err)-1234), "application error") == 0);
#endif
}

int main(void)
{
    views();
    utf8();
    base64();
    percent();
    urls();
    url_bytes();
    authorities();
    errors();
    printf("PASSED %d FAILED %d\n", test_passed, test_failed);
    return test_failed != 0;
}
