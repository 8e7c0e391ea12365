/* port/cert.c - see cert.h
 *
 * DER is written from its end to its beginning: then every length is known when it is needed. */
#include "cert.h"
#include <string.h>

typedef struct der { uint8_t *begin, *at, *end; } der;      /* at NULL: it did not fit */

static void put(der *d, const void *bytes, size_t n)
{
    if (d->at == NULL || (size_t)(d->at - d->begin) < n) {
        d->at = NULL;
        return;
    }
    d->at -= n;
    if (n > 0) {
        memcpy(d->at, bytes, n);
    }
}

static void put1(der *d, unsigned byte)
{
    const uint8_t b = (uint8_t)byte;
    put(d, &b, 1);
}

/* Bytes written since there were so many. */
static size_t size(const der *d)
{
    return d->at != NULL ? (size_t)(d->end - d->at) : 0;
}

/* Makes what was written since there were before bytes the content of an element. */
static void wrap(der *d, unsigned tag, size_t before)
{
    size_t n = size(d) - before;
    if (d->at == NULL) {
        return;
    }
    put1(d, (unsigned)(n & 0xff));
    if (n > 0xff) {
        put1(d, (unsigned)(n >> 8));
        put1(d, 0x82);
    } else if (n > 0x7f) {
        put1(d, 0x81);
    }
    put1(d, tag);
}

static void element(der *d, unsigned tag, const void *bytes, size_t n)
{
    size_t before = size(d);
    put(d, bytes, n);
    wrap(d, tag, before);
}

#define OID(d, text) element((d), 0x06, text, sizeof text - 1)
#define OID_CN "\x55\x04\x03"
#define OID_EC "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256 "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_ECDSA_SHA256 "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define OID_SERVER "\x2b\x06\x01\x05\x05\x07\x03\x01"
#define OID_EXTENSION_REQUEST "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"

static void algorithm(der *d)
{
    size_t before = size(d);
    OID(d, OID_ECDSA_SHA256);
    wrap(d, 0x30, before);
}

static void name(der *d, const char *common)
{
    size_t before = size(d);
    element(d, 0x0c, common, strlen(common));
    OID(d, OID_CN);
    wrap(d, 0x30, before);
    wrap(d, 0x31, before);
    wrap(d, 0x30, before);
}

/* RFC 5480 */
static void public_key(der *d, const uint8_t xy[64])
{
    size_t before = size(d), inner;
    put(d, xy, 64);
    put(d, "\x00\x04", 2);
    wrap(d, 0x03, before);
    inner = size(d);
    OID(d, OID_P256);
    OID(d, OID_EC);
    wrap(d, 0x30, inner);
    wrap(d, 0x30, before);
}

/* Civil date from days, in the Gregorian calendar. */
static void date(der *d, int64_t t)
{
    const int64_t days = t / 86400 + 719468;                /* since 0000-03-01 */
    const int64_t era = days / 146097;
    const int64_t doe = days - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    const int64_t month = mp < 10 ? mp + 3 : mp - 9;
    const int64_t year = yoe + era * 400 + (month <= 2);
    const int64_t part[7] = { year / 100, year % 100, month, doy - (153 * mp + 2) / 5 + 1, t / 3600 % 24, t / 60 % 60, t % 60 };
    const bool short_year = year < 2050;                    /* RFC 5280, section 4.1.2.5 */
    char text[15];
    size_t n = 0;
    int i;
    for (i = short_year ? 1 : 0; i < 7; ++i) {
        text[n++] = (char)('0' + part[i] / 10);
        text[n++] = (char)('0' + part[i] % 10);
    }
    text[n++] = 'Z';
    element(d, short_year ? 0x17 : 0x18, text, n);
}

static void extension(der *d, const char *oid, bool critical, size_t before)
{
    wrap(d, 0x04, before);
    if (critical) {
        element(d, 0x01, "\xff", 1);
    }
    element(d, 0x06, oid, 3);
    wrap(d, 0x30, before);
}

/* RFC 5280, sections 4.2.1.2, 3, 6, 9, 12 */
static void extensions(der *d, const mcpt_cert_subject *who, const uint8_t id[20])
{
    size_t all = size(d), before = all, i;
    for (i = who->nnames; i-- > 0;) {
        uint8_t ip[16];
        size_t n = mcpt_tls_ip(who->names[i], ip);
        if (n != 0) {
            element(d, 0x87, ip, n);
        } else {
            element(d, 0x82, who->names[i], strlen(who->names[i]));
        }
    }
    wrap(d, 0x30, before);
    extension(d, "\x55\x1d\x11", false, before);
    before = size(d);
    OID(d, OID_SERVER);
    wrap(d, 0x30, before);
    extension(d, "\x55\x1d\x25", false, before);
    before = size(d);
    put(d, "\x03\x02\x07\x80", 4);    /* digitalSignature */
    extension(d, "\x55\x1d\x0f", true, before);
    before = size(d);
    element(d, 0x04, id, 20);
    extension(d, "\x55\x1d\x0e", false, before);
    before = size(d);
    wrap(d, 0x30, before);            /* not an authority */
    extension(d, "\x55\x1d\x13", true, before);
    wrap(d, 0x30, all);
}

static void integer(der *d, const uint8_t *p, size_t n)
{
    size_t before = size(d);
    while (n > 1 && *p == 0) {
        ++p;
        --n;
    }
    put(d, p, n);
    if ((*p & 0x80) != 0) {
        put1(d, 0);
    }
    wrap(d, 0x02, before);
}

static bool sha256(const mcpt_crypto *c, const void *p, size_t n, uint8_t out[32])
{
    mcpt_str s;
    s.ptr = (const char *)p;
    s.len = n;
    return c->sha256(c->user, &s, 1, out);
}

/* What was written is what is signed: the end of the buffer holds it, the whole is written in front and moved. */
static mcpt_err sign(const mcpt_env *env, const void *key, size_t key_len, der *d, void *out, size_t *len)
{
    const mcpt_crypto *c = env->crypto;
    uint8_t hash[32], sig[64], tail[96];
    der t;
    size_t n = size(d);
    if (d->at == NULL) {
        return MCPT_E_SPACE;
    }
    if (!sha256(c, d->at, n, hash) || !c->es256_sign(c->user, key, key_len, hash, sig)) {
        return MCPT_E_CRYPTO;
    }
    t.begin = tail;
    t.at = t.end = tail + sizeof tail;
    integer(&t, sig + 32, 32);        /* RFC 3279, section 2.2.3 */
    integer(&t, sig, 32);
    wrap(&t, 0x30, 0);
    put1(&t, 0);
    wrap(&t, 0x03, 0);
    algorithm(&t);
    if ((size_t)(d->at - d->begin) < size(&t)) {
        return MCPT_E_SPACE;
    }
    memmove(d->at - size(&t), d->at, n);                    /* body, then algorithm and signature */
    memcpy(d->end - size(&t), t.at, size(&t));
    d->at -= size(&t);
    wrap(d, 0x30, 0);
    if (d->at == NULL) {
        return MCPT_E_SPACE;
    }
    *len = size(d);
    memmove(out, d->at, *len);
    return MCPT_OK;
}

static bool ascii(const char *s, size_t least, size_t most)
{
    size_t n = 0;
    for (; s[n] != '\0'; ++n) {
        if (s[n] <= ' ' || s[n] > '~') {
            return false;
        }
    }
    return n >= least && n <= most;
}

static mcpt_err begin(const mcpt_env *env, const void *key, size_t key_len, const mcpt_cert_subject *who, der *d, void *out,
                      size_t cap, uint8_t xy[64], uint8_t id[32])
{
    const mcpt_crypto *c = env->crypto;
    size_t i;
    bool ok = who->name != NULL && who->name[0] != '\0' && strlen(who->name) <= 64 && who->nnames > 0;
    for (i = 0; ok && i < who->nnames; ++i) {
        ok = ascii(who->names[i], 1, 253);
    }
    if (!ok) {
        return MCPT_E_ARG;
    }
    d->begin = (uint8_t *)out;
    d->at = d->end = d->begin + cap;
    return c != NULL && c->sha256 != NULL && c->es256_sign != NULL && c->es256_public != NULL &&
           c->es256_public(c->user, key, key_len, xy) && sha256(c, xy, 64, id) ? MCPT_OK : MCPT_E_CRYPTO;
}

mcpt_err mcpt_cert_self_signed(const mcpt_env *env, const void *key, size_t key_len, const mcpt_cert_subject *who, void *out,
                               size_t cap, size_t *len)
{
    uint8_t xy[64], id[32], serial[16];
    size_t before;
    der d;
    mcpt_err e = begin(env, key, key_len, who, &d, out, cap, xy, id);
    if (e != MCPT_OK) {
        return e;
    }
    if (who->from < 0 || who->until <= who->from || who->until > MCPT_CERT_FOREVER) {
        return MCPT_E_ARG;
    }
    if (env->random == NULL || !env->random(env->user, serial, sizeof serial)) {
        return MCPT_E_RANDOM;
    }
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);       /* positive, never 0 */
    extensions(&d, who, id);
    wrap(&d, 0xa3, 0);
    public_key(&d, xy);
    name(&d, who->name);
    before = size(&d);
    date(&d, who->until);
    date(&d, who->from);
    wrap(&d, 0x30, before);
    name(&d, who->name);
    algorithm(&d);
    element(&d, 0x02, serial, sizeof serial);
    put(&d, "\xa0\x03\x02\x01\x02", 5);                     /* v3 */
    wrap(&d, 0x30, 0);
    return sign(env, key, key_len, &d, out, len);
}

mcpt_err mcpt_cert_request(const mcpt_env *env, const void *key, size_t key_len, const mcpt_cert_subject *who, void *out,
                           size_t cap, size_t *len)
{
    uint8_t xy[64], id[32];
    der d;
    mcpt_err e = begin(env, key, key_len, who, &d, out, cap, xy, id);
    if (e != MCPT_OK) {
        return e;
    }
    extensions(&d, who, id);          /* RFC 2985, section 5.4.2 */
    wrap(&d, 0x31, 0);
    OID(&d, OID_EXTENSION_REQUEST);
    wrap(&d, 0x30, 0);
    wrap(&d, 0xa0, 0);
    public_key(&d, xy);
    name(&d, who->name);
    put(&d, "\x02\x01\x00", 3);
    wrap(&d, 0x30, 0);
    return sign(env, key, key_len, &d, out, len);
}

mcpt_err mcpt_cert_key_der(const mcpt_env *env, const void *key, size_t key_len, void *out, size_t cap, size_t *len)
{
    uint8_t xy[64];
    der d;
    if (key_len != 32) {
        return MCPT_E_ARG;
    }
    if (!env->crypto->es256_public(env->crypto->user, key, key_len, xy)) {
        return MCPT_E_CRYPTO;
    }
    d.begin = (uint8_t *)out;
    d.at = d.end = d.begin + cap;
    put(&d, xy, 64);
    put(&d, "\x00\x04", 2);
    wrap(&d, 0x03, 0);
    wrap(&d, 0xa1, 0);
    {
        size_t before = size(&d);
        OID(&d, OID_P256);
        wrap(&d, 0xa0, before);
    }
    element(&d, 0x04, key, 32);
    put(&d, "\x02\x01\x01", 3);
    wrap(&d, 0x30, 0);
    if (d.at == NULL) {
        return MCPT_E_SPACE;
    }
    *len = size(&d);
    memmove(out, d.at, *len);
    return MCPT_OK;
}

mcpt_err mcpt_cert_key_read(const void *bytes, size_t len, uint8_t key[32])
{
    mcpt_tls_der d, seq, value;
    d.p = (const uint8_t *)bytes;
    d.end = d.p + len;
    if (!mcpt_tls_der_get(&d, 0x30, &seq) || !mcpt_tls_der_get(&seq, 0x02, &value) || !mcpt_tls_der_get(&seq, 0x04, &value) ||
        value.end - value.p != 32 || !mcpt_tls_der_get(&seq, 0xa0, &d) || !mcpt_tls_der_get(&d, 0x06, &d) ||
        !mcpt_tls_der_oid(d, OID_P256, sizeof OID_P256 - 1)) {
        return MCPT_E_ARG;
    }
    memcpy(key, value.p, 32);
    return MCPT_OK;
}

mcpt_err mcpt_cert_pem(const char *label, const void *bytes, size_t len, char *out, size_t cap)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = (const uint8_t *)bytes;
    const size_t l = strlen(label), text = (len + 2) / 3 * 4;
    size_t i, at = 0, column = 0;
    if (cap < 2 * l + 33 + text + (text + 63) / 64) {       /* two lines of dashes, line ends, NUL */
        return MCPT_E_SPACE;
    }
    memcpy(out, "-----BEGIN ", 11);
    memcpy(out + 11, label, l);
    memcpy(out + 11 + l, "-----\n", 6);
    at = 17 + l;
    for (i = 0; i < len; i += 3) {
        const uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0u);
        out[at++] = digits[v >> 18];
        out[at++] = digits[v >> 12 & 63];
        out[at++] = i + 1 < len ? digits[v >> 6 & 63] : '=';
        out[at++] = i + 2 < len ? digits[v & 63] : '=';
        column += 4;
        if (column == 64 || i + 3 >= len) {
            out[at++] = '\n';
            column = 0;
        }
    }
    memcpy(out + at, "-----END ", 9);
    memcpy(out + at + 9, label, l);
    memcpy(out + at + 9 + l, "-----\n", 7);
    return MCPT_OK;
}

static bool number(mcpt_tls_der *d, int *v)
{
    if (d->end - d->p < 2 || d->p[0] < '0' || d->p[0] > '9' || d->p[1] < '0' || d->p[1] > '9') {
        return false;
    }
    *v = (d->p[0] - '0') * 10 + d->p[1] - '0';
    d->p += 2;
    return true;
}

/* RFC 5280, section 4.1: what comes before the subject's key. False: it is no certificate. */
static bool walk(const void *bytes, size_t len, mcpt_tls_der *issuer, mcpt_tls_der *validity, mcpt_tls_der *subject)
{
    mcpt_tls_der d, v;
    d.p = (const uint8_t *)bytes;
    d.end = d.p + len;
    if (!mcpt_tls_der_get(&d, 0x30, &d) || !mcpt_tls_der_get(&d, 0x30, &d)) {
        return false;
    }
    (void)mcpt_tls_der_get(&d, 0xa0, &v);
    return mcpt_tls_der_get(&d, 0x02, &v) && mcpt_tls_der_get(&d, 0x30, &v) && mcpt_tls_der_get(&d, 0x30, issuer) &&
           mcpt_tls_der_get(&d, 0x30, validity) && mcpt_tls_der_get(&d, 0x30, subject);
}

bool mcpt_cert_own(const void *bytes, size_t len)
{
    mcpt_tls_der issuer, validity, subject;
    return walk(bytes, len, &issuer, &validity, &subject) &&
           mcpt_tls_der_oid(issuer, subject.p, (size_t)(subject.end - subject.p));
}

mcpt_err mcpt_cert_until(const void *bytes, size_t len, int64_t *until)
{
    mcpt_tls_der issuer, v, t;
    int part[7];                      /* century, year, month, day, hour, minute, second */
    int i;
    int64_t y, m;
    if (!walk(bytes, len, &issuer, &v, &t) || !mcpt_tls_der_get(&v, 0, &t)) {
        return MCPT_E_ARG;
    }
    if (mcpt_tls_der_get(&v, 0x17, &t)) {
        i = 1;
    } else if (mcpt_tls_der_get(&v, 0x18, &t)) {
        i = 0;
    } else {
        return MCPT_E_ARG;
    }
    part[0] = 0;
    for (; i < 7; ++i) {
        if (!number(&t, &part[i])) {
            return MCPT_E_ARG;
        }
    }
    part[0] = part[0] != 0 ? part[0] : part[1] < 50 ? 20 : 19;
    m = part[2] <= 2 ? part[2] + 9 : part[2] - 3;
    y = part[0] * 100 + part[1] - (part[2] <= 2);
    *until = ((365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + part[3] - 1 - 719468) * 24 + part[4]) * 3600 +
             part[5] * 60 + part[6];
    return MCPT_OK;
}

bool mcpt_cert_has(const void *bytes, size_t len, const char *const *names, size_t nnames)
{
    size_t i;
    for (i = 0; i < nnames; ++i) {
        mcpt_tls_san s;
        uint8_t ip[16];
        const size_t n = mcpt_tls_ip(names[i], ip), text = strlen(names[i]);
        if (text == 0 || text > 253) {
            return false;
        }
        mcpt_tls_san_begin(&s, n != 0 ? 0x87 : 0x82, n != 0 ? (const void *)ip : names[i], n != 0 ? n : text, (uint32_t)len);
        mcpt_tls_san_feed(&s, (const uint8_t *)bytes, len);
        if (!mcpt_tls_san_ok(&s)) {
            return false;
        }
    }
    return true;
}
