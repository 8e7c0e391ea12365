/* protect.h - a device that lets nobody in unknown: TLS with a key that it made itself, and pairing
 *
 * TLS is that of mbedTLS, or with FIRMWARE_TLS_BEARSSL that of BearSSL. The key, the certificate and the pairings are records of the store. A product
 * seals the key, or keeps it in a secure element (mcpt_crypto), and gives its flash to nobody to read. */
#ifndef PROTECT_H
#define PROTECT_H
#include "port/tls.h"

extern const mcpt_crypto protect_crypto;
extern const mcpt_guard protect_guard;
extern const mcpt_identity protect_identity;          /* under which URLs and names the device is known */
/* TLS' memory, keys and pairings. What fails ends in board_fault(). */
mcpt_tls *protect_begin(const mcpt_env *env, const mcpt_store *store, mcpt_hub *hub);
/* The certificate, for those who are to trust it, on the console. */
void protect_print_certificate(void);
/* Forgets pairings, key, certificate and all else that the device remembers. Restart then. */
bool protect_factory_reset(void);
size_t protect_heap_most(void);       /* bytes of the TLS library's own heap in use at most so far; 0: it has none */

#endif
