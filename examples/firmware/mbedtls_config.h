/* mbedtls_config.h - of mbedTLS only the hash is used; the rest declares the types that port/crypto_mbedtls.h mentions */
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA256_SMALLER
#define MBEDTLS_AES_C
#define MBEDTLS_CTR_DRBG_C
#define MBEDTLS_ENTROPY_C
#define MBEDTLS_NO_PLATFORM_ENTROPY
#define MBEDTLS_ENTROPY_HARDWARE_ALT
#include "mbedtls/check_config.h"
