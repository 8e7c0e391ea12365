/* emulation_only.h - what an emulated board lacks and its host lends: randomness, time, flash, an exit code, a command line.
 * NEVER SHIP: semihosting halts a board without a debugger, and whoever runs the host knows the keys. A product
 * has a hardware random number generator, its own flash driver and a watchdog in these places. */
#ifndef EMULATION_ONLY_H
#define EMULATION_ONLY_H
#ifndef FIRMWARE_EMULATION_ONLY
#error "emulation_only.h is for emulators: do not build a product with it"
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "port/store_flash.h"

/* Seeds the generator from the host's /dev/urandom. False: the host has none. */
bool emulation_only_seed(void);
/* mcpt_env.random: HMAC_DRBG (NIST SP 800-90A) with SHA-256. False before it is seeded. */
bool emulation_only_random(void *user, void *buf, size_t len);
/* mcpt_env.unix_time: the host's clock, where a board has a battery or asks the network; with "clock=0" on the command line it is
 * not set. */
int64_t emulation_only_unix_time(void *user);
/* The number behind "name=" on the emulator's command line for the firmware, or fallback. */
uint32_t emulation_only_option(const char *name, uint32_t fallback);
/* The key of this device, from "serial=" there; a product has made it at random in its factory, in fuses or a secure element. */
void emulation_only_fuses(uint8_t key[32]);
/* A NOR flash of 16 sectors, in the host's file behind "flash=" on that command line: it survives resets and the end of the
 * emulator, at any moment. Bits are programmed from 1 to 0 only. */
extern const mcpt_flash emulation_only_flash;
void emulation_only_print(const char *text);                  /* to the emulator's own output */
void emulation_only_exit(int code);

#endif
