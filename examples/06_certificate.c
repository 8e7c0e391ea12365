/* 06: a device makes its own key, and a self-signed certificate for it or a request for an authority.
 *   build/o/examples/06_certificate DIRECTORY NAME...             writes device.key and device.crt
 *   build/o/examples/06_certificate --request DIRECTORY NAME...   writes device.key, prints the request (CSR)
 * A name is a host name or an address. Started again it renews the certificate when less than a month is left, and
 * keeps the key. What an authority answers to the request goes into DIRECTORY/device.crt, the intermediates behind it.
 * On a board keep the same bytes in the store, under two keys, instead of files. */
#define _GNU_SOURCE
#define MCPTOOLS_IMPLEMENTATION
#include "mcptools.h"
#include "port/crypto_mbedtls.h"
#include "port/posix_env.h"
#include "device_certificate.h"

static mcpt_mbedtls crypto;
static mcpt_env env = { mcpt_posix_millis, mcpt_posix_unix_time, mcpt_posix_random, mcpt_posix_log, NULL, NULL };
static struct identity id;

static mcpt_err request(const mcpt_cert_subject *who)
{
    char pem[4096];
    uint8_t key[32], der[2048];
    size_t len;
    mcpt_err e = mcpt_cert_key_read(id.key, id.key_len, key);
    e = e == MCPT_OK ? mcpt_cert_request(&env, key, sizeof key, who, der, sizeof der, &len) : e;
    e = e == MCPT_OK ? mcpt_cert_pem("CERTIFICATE REQUEST", der, len, pem, sizeof pem) : e;
    mcpt_tls_wipe(key, sizeof key);
    if (e == MCPT_OK) {
        (void)fputs(pem, stdout);
    }
    return e;
}

int main(int argc, char **argv)
{
    bool csr = argc > 1 && strcmp(argv[1], "--request") == 0;
    char **arg = argv + 1 + csr;
    mcpt_cert_subject who = { 0 };
    mcpt_err e;
    if (argc - csr < 3) {
        (void)fprintf(stderr, "usage: %s [--request] DIRECTORY NAME...\n", argv[0]);
        return 2;
    }
    who.name = arg[1];
    who.names = (const char *const *)(arg + 1);
    who.nnames = (size_t)(argc - csr - 2);
    who.from = mcpt_posix_unix_time(NULL);
    who.until = who.from + (int64_t)CERTIFICATE_DAYS * 86400;
    if (who.from > 0) {
        who.from -= 3600;                       /* for clients whose clock is slow */
    } else {                         /* not set: valid from the date of this program, without an end */
        who.from = 1767225600;
        who.until = MCPT_CERT_FOREVER;
    }
    e = mcpt_mbedtls_init(&crypto, NULL, 0);
    env.crypto = &crypto.crypto;
    errno = 0;
    e = e == MCPT_OK ? identity_load(&env, arg[0], &who, &id) : e;
    e = e == MCPT_OK && csr ? request(&who) : e;
    if (e != MCPT_OK) {
        (void)fprintf(stderr, "%s: %s\n", arg[0], errno != 0 ? strerror(errno) : mcpt_strerror(e));
        return 1;
    }
    if (!csr) {
        (void)printf("%s %s\n", id.chain_path, id.made ? "is new" : "is still good");
    }
    return 0;
}
