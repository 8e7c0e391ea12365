/* mbedTLS' own configuration, and its heap from one array: see mcpt_tls_mbedtls_heap(). MBEDTLS_USER_CONFIG_FILE of
 * tests/port/tls13.sh. */
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#define MBEDTLS_MEMORY_ALIGN_MULTIPLE 8           /* the default, 4, is for 32 bit */
#define MBEDTLS_MEMORY_DEBUG                      /* for the peak */
