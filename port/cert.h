/* port/cert.h - a device's own certificate: self-signed, or a request for an authority (CSR)
 *
 * Do this, once, and again when mcpt_cert_until() says that it is about to expire:
 *     uint8_t key[MCPT_KEY_REF], der[1024];
 *     env.crypto->es256_generate(env.crypto->user, key, &key_len);             // keep it: in the store, in a 0600 file
 *     const char *const names[] = { "localhost", "thermo.local", "192.168.1.7" };
 *     const mcpt_cert_subject who = { "thermo", names, 3, now, now + 730 * 86400 };
 *     mcpt_cert_self_signed(&env, key, key_len, &who, der, sizeof der, &len);  // keep it too
 *     mcpt_cert_key_der(&env, key, key_len, key_der, sizeof key_der, &n);
 * and give both to mcpt_tls_config. A renewed certificate keeps the key; who trusts the old one must be given the new.
 *
 * Profile: X.509 v3, P-256, ECDSA with SHA-256, for servers alone, not an authority; names in subjectAltName. Dates
 * at most 825 days apart satisfy macOS and iOS. Without a clock let from be the date of the firmware and until
 * MCPT_CERT_FOREVER (RFC 5280, section 4.1.2.5); some clients do not like that.
 *
 * Needs: port/tls.c; an mcpt_crypto with sha256, es256_public, es256_sign; random. Works with either library.
 * Does not: allocate, write files, keep secrets. RAM: none; stack 300 bytes and the crypto's.
 * Tested with: openssl verify, both libraries, Node and curl as clients.
 */
#ifndef MCPT_PORT_CERT_H
#define MCPT_PORT_CERT_H
#include "tls.h"
#ifdef __cplusplus
extern "C" {
#endif

#define MCPT_CERT_FOREVER INT64_C(253402300799)             /* 9999-12-31T23:59:59Z */

typedef struct mcpt_cert_subject {    /* borrowed for the call */
    const char *name;                 /* common name: for people; 1 to 64 characters of UTF-8 */
    const char *const *names;         /* host names and address literals that it is valid for */
    size_t nnames;
    int64_t from, until;              /* Unix seconds; not used in a request */
} mcpt_cert_subject;

/* A certificate for the key (see mcpt_crypto), signed with it: DER at out; about 400 bytes and the names. OK; E_ARG: name or
 * names missing, too long or not ASCII, dates in the wrong order; E_SPACE; E_RANDOM; E_CRYPTO. */
MCPT_NODISCARD mcpt_err mcpt_cert_self_signed(const mcpt_env *env, const void *key, size_t key_len,
                                              const mcpt_cert_subject *who, void *out, size_t cap, size_t *len);
/* A certification request (RFC 2986) for the same content, for an authority to sign. Errors as above. */
MCPT_NODISCARD mcpt_err mcpt_cert_request(const mcpt_env *env, const void *key, size_t key_len,
                                          const mcpt_cert_subject *who, void *out, size_t cap, size_t *len);
/* The private key as DER (RFC 5915), 121 bytes, for mcpt_tls_config. E_ARG: key is not the 32-byte scalar but a reference
 * to a secure element; E_SPACE; E_CRYPTO. */
MCPT_NODISCARD mcpt_err mcpt_cert_key_der(const mcpt_env *env, const void *key, size_t key_len, void *out, size_t cap,
                                          size_t *len);
/* The scalar out of such a DER. E_ARG: it is another kind of key. */
MCPT_NODISCARD mcpt_err mcpt_cert_key_read(const void *der, size_t len, uint8_t key[32]);
/* PEM text (RFC 7468) of DER, with label "CERTIFICATE", "CERTIFICATE REQUEST", "EC PRIVATE KEY". NUL-terminated. E_SPACE. */
MCPT_NODISCARD mcpt_err mcpt_cert_pem(const char *label, const void *der, size_t len, char *out, size_t cap);
/* When a certificate expires. E_ARG: it is not one. */
MCPT_NODISCARD mcpt_err mcpt_cert_until(const void *der, size_t len, int64_t *until);
/* Is it self-signed, by its names: made here, and to be renewed here? */
bool mcpt_cert_own(const void *der, size_t len);
/* Is it valid for each of these names? To be made again when the device was renamed. */
bool mcpt_cert_has(const void *der, size_t len, const char *const *names, size_t nnames);

#ifdef __cplusplus
}
#endif
#endif
