/* Objects whose sizes are those of the ports' private structures: nm reads them. */
#if LIBRARY_BEARSSL
#include "../../../port/tls_bearssl.c"
char ram_server[sizeof(bear_server)], ram_client[sizeof(bear_client)], ram_object[sizeof(mcpt_tls_bearssl)],
     ram_server_session[100], ram_client_session[sizeof(session)];
#else
#include "../../../port/tls_mbedtls.c"
#include <mbedtls/ssl_internal.h>
char ram_server[sizeof(conn)], ram_client[sizeof(conn)], ram_object[sizeof(mcpt_tls_mbedtls)], ram_client_session[sizeof(session)], ram_records[MBEDTLS_SSL_IN_BUFFER_LEN + MBEDTLS_SSL_OUT_BUFFER_LEN];
#endif
