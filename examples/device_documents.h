/* Clients that are a URL, for 05_this_machine.c: an exchange that fetches their metadata documents, a thread for the names in their URLs,
 * TLS with the certificates that this system trusts ($SSL_CERT_FILE: with those). What keeps strangers from sending the device around in
 * its own network is in the library (>>pairing) and in port/posix, which asks about every address that a name leads to. */
#ifndef DEVICE_DOCUMENTS_H
#define DEVICE_DOCUMENTS_H
#include "port/posix_resolve.h"
#include "port/tls_mbedtls.h"

static struct documents {
    mcpt_exchange exchange;
    mcpt_exchange *list[1];
    mcpt_posix_lookup lookup[1];
    mcpt_posix_resolver names;
    mcpt_tls_mbedtls tls;
    mcpt_tls_config trust;
    char rx[2048], tx[1024], document[5120 + MCPT_MAX_URL];
    char pem[1 << 20];
    uint8_t memory[8192];
} documents;

/* Puts it into the configurations. private: they may be in private networks and on this machine. OK; E_CERTIFICATE: nothing is trusted here. */
static mcpt_err documents_open(const mcpt_env *env, bool private, mcpt_pairing_config *pairing, mcpt_posix_config *net)
{
    static const char *const files[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem" };
    struct documents *d = &documents;
    const char *own = getenv("SSL_CERT_FILE");
    FILE *f = own != NULL ? fopen(own, "rb") : NULL;
    size_t n = 0;
    mcpt_err e;
    for (size_t i = 0; f == NULL && own == NULL && i < MCPT_COUNT(files); i++) {
        f = fopen(files[i], "rb");
    }
    if (f != NULL) {
        n = fread(d->pem, 1, sizeof d->pem, f);
        (void)fclose(f);
    }
    if (n == 0 || mcpt_tls_pem(d->pem, n, "CERTIFICATE", d->pem, sizeof d->pem, &d->trust.trust_len) != MCPT_OK) {
        return MCPT_E_CERTIFICATE;
    }
    d->trust.env = env;
    d->trust.connections = 1;
    d->trust.trust = d->pem;
    e = mcpt_tls_mbedtls_client(&d->tls, &d->trust, d->memory, sizeof d->memory);
    e = e == MCPT_OK ? mcpt_exchange_init(&d->exchange, env, d->rx, sizeof d->rx, d->tx, sizeof d->tx, 0, false) : e;
    e = e == MCPT_OK ? mcpt_posix_resolver_init(&d->names, d->lookup, 1) : e;
    if (e == MCPT_OK) {
        d->list[0] = &d->exchange;
        pairing->exchange = &d->exchange;
        pairing->document = d->document;
        pairing->document_cap = sizeof d->document;
        pairing->document_private = private;
        net->exchanges = d->list;
        net->nexchanges = 1;
        net->client_tls = &d->tls.tls;
        net->resolve = mcpt_posix_resolve;
        net->resolve_user = &d->names;
    }
    return e;
}
#endif
