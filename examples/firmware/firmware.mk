# firmware.mk - images for emulated boards: build/firmware/BOARD-IMAGE.elf. Included by the Makefile.

FW := $(B)/firmware
FW_BOARDS := lm3s6965evb mps2-an385
FW_KINDS := device device-tls device-mbedtls conformance client
FW_ALL := $(FW_KINDS) bench
FW_IMAGES := $(foreach b,$(FW_BOARDS),$(FW_KINDS:%=$(FW)/$(b)-%.elf))
FW_QEMU := qemu-system-arm=qemu-system-arm
FW_NEEDS := $(ARM) $(JSMN)
FW_SOURCES := lwip mbedtls bearssl
FW_LWIP_DIR := lwip
FW_GCC := arm-none-eabi-gcc
FW_CFLAGS = -mcpu=cortex-m3 -mthumb -Os -g -std=c99 -ffunction-sections -fdata-sections -fno-common \
  -fcallgraph-info=su --param=min-pagesize=0 -DFIRMWARE_EMULATION_ONLY -DMCPT_NO_FLOAT=1 -DMBEDTLS_SHA256_SMALLER \
  -I. -Iexamples/firmware -isystem $(B)/include -isystem $(B)/src/$(FW_LWIP_DIR)/src/include -isystem $(B)/src/mbedtls/include \
  -isystem $(B)/src/bearssl/inc
FW_LWIP := $(addprefix core/,init def dns inet_chksum ip mem memp netif pbuf stats tcp tcp_in tcp_out timeouts udp) \
  $(addprefix core/ipv4/,etharp icmp ip4 ip4_addr) netif/ethernet
FW_COMMON := startup network emulation_only

# What differs between the kinds of image: its own flags and files, its library, the stack in bytes. The plain ones on the network have
# no TLS, so they take no access tokens either. -tls has BearSSL's TLS, -mbedtls that of mbedTLS: a client is let in when it was paired.
# They are built for size before speed: the link looks through all files at once, and what makes code faster but longer is left out.
FW_SMALL := -flto -flto-partition=one -fno-move-loop-invariants -fno-thread-jumps -fno-caller-saves -fno-schedule-insns2 \
  -fno-tree-dominator-opts
FW_PLAIN := $(FW_SMALL) -ffat-lto-objects -DFIRMWARE_TLS=0 -DMCPT_LWIP_NO_TLS=1 -DMCPT_NO_HOSTED=1 -DMCPT_NO_METADATA=1 -DMCPT_NO_CLIENT=1
FW_PLAIN_C := port/crypto_mbedtls.c examples/firmware/small.c
FW_PLAIN_O := mbedtls/sha256.o mbedtls/platform_util.o
FW_DEVICE_C := examples/firmware/device.c examples/firmware/console.c examples/firmware/settings.c port/store_flash.c
FW_device := -DFIRMWARE_CONNECTIONS=4 -DFIRMWARE_RX=1536 -DFIRMWARE_RECORDS=12 -DMCPT_NO_MCP_PARAM=1 $(FW_PLAIN)
FW_device_LINK := $(FW_SMALL)
FW_device_C := $(FW_DEVICE_C) $(FW_PLAIN_C)
FW_device_O := $(FW_PLAIN_O)
FW_device_STACK := 5120

FW_BEARSSL := -DFIRMWARE_TLS_BEARSSL -DMCPT_TLS_12 -DMCPT_BEARSSL_NO_RSA=1 -DMCPT_BEARSSL_NO_SHA384=1 '-DMCPT_BEARSSL_EC=&br_ec_p256_m15'
FW_TLS = -DFIRMWARE_TLS=1 -DFIRMWARE_CONNECTIONS=$(1) -DFIRMWARE_TLS_CONNECTIONS=$(1) -DFIRMWARE_RX=2048 -DFIRMWARE_RECORDS=24 \
  -DMCPT_NO_HOSTED=1 -DMCPT_NO_CLIENT=1 -DMCPT_NO_JWT=1 -DMCPT_NO_EXCHANGE=1 -DMCPT_MAX_PRINCIPAL=128 -DMCPT_PAIRING_REQUESTS=2
FW_TLS_C := $(FW_DEVICE_C) examples/firmware/protect.c port/tls.c port/cert.c
FW_device-tls := $(call FW_TLS,3) -DFIRMWARE_TLS_MEMORY=22800 $(FW_BEARSSL)
FW_device-tls_C := $(FW_TLS_C) port/tls_bearssl.c port/crypto_bearssl.c
FW_device-tls_LIBRARY := bearssl
FW_device-tls_STACK := 7168
FW_device-mbedtls := $(call FW_TLS,3) -DMCPT_TLS_12 -DFIRMWARE_TLS_MEMORY=2400 -DFIRMWARE_TLS_HEAP=21504 \
  '-DMBEDTLS_CONFIG_FILE=<mbedtls_config.h>'
FW_device-mbedtls_C := $(FW_TLS_C) port/tls_mbedtls.c port/crypto_mbedtls.c
FW_device-mbedtls_LIBRARY := mbedtls
FW_device-mbedtls_STACK := 4608

FW_conformance := -DFIRMWARE_CONNECTIONS=6 $(FW_PLAIN) -DFIRMWARE_ASSERT $(ASSERT)
FW_conformance_LINK := $(FW_SMALL)
FW_conformance_C := tests/firmware/conformance.c examples/firmware/console.c tests/conformance/fixtures.c $(FW_PLAIN_C)
FW_conformance_O := $(FW_PLAIN_O)
FW_conformance_STACK := 5120

# TLS and all other cryptography from BearSSL, for authorities and servers with P-256 keys.
FW_client := -DFIRMWARE_CONNECTIONS=1 -DFIRMWARE_CHANNELS=1 -DFIRMWARE_TLS=0 -DFIRMWARE_RECORDS=12 -DMCPT_NO_HOSTED=1 -DMCPT_NO_JWT=1 $(FW_BEARSSL)
FW_client_C := examples/firmware/client.c examples/firmware/settings.c port/store_flash.c port/lwip_client.c port/tls.c \
  port/tls_bearssl.c port/crypto_bearssl.c
FW_client_STACK := 8192
FW_client_LIBRARY := bearssl

FW_bench := $(FW_SMALL) -ffat-lto-objects -DFIRMWARE_TLS=0 -DFIRMWARE_CONNECTIONS=4
FW_bench_LINK := $(FW_SMALL)
FW_bench_C := tests/firmware/bench.c $(FW_PLAIN_C)
FW_bench_O := $(FW_PLAIN_O)
FW_bench_STACK := 8192

# Everything a TLS library compiles to; the linker takes what it needs.
FW_LIBRARY_FLAGS_bearssl = -I$(B)/src/bearssl/inc -I$(B)/src/bearssl/src -DBR_USE_URANDOM=0 -DBR_USE_UNIX_TIME=0
FW_LIBRARY_FLAGS_mbedtls = -DMBEDTLS_CONFIG_FILE=<mbedtls_config.h>
$(FW)/lib/%.a: examples/firmware/firmware.mk examples/firmware/mbedtls_config.h | $(FW)/sources
	rm -rf $(@:.a=) $@ && mkdir -p $(@:.a=)
	find $(B)/src/$*/src $(B)/src/$*/library -name '*.c' 2>/dev/null | \
	  FLAGS='$(FW_CFLAGS) -w $(FW_LIBRARY_FLAGS_$*)' xargs -P $(JOBS) -I FILE sh -c '$(FW_GCC) $$FLAGS -c FILE -o $(@:.a=)/$$(basename FILE .c).o'
	arm-none-eabi-ar rcs $@ $(@:.a=)/*.o

# Functions the compiler knows, and would make calls of themselves.
$(FW)/o/%/examples/firmware/small.o: FW_OWN := -fno-lto -fno-builtin -fno-tree-loop-distribute-patterns

# The linker's map, for tests/firmware/size.py, is that of the parts as they are without -flto.
FW_LD = $(FW_GCC) $(FW_CFLAGS) $(FW_$(2)_LINK) --specs=nano.specs --specs=nosys.specs -nostartfiles -Wl,--gc-sections \
  -Wl,--defsym=STACK=$(FW_$(2)_STACK) -Lexamples/firmware -T $(1).ld -Wl,-Map=$(@:.elf=.map)

# $(1) board, $(2) kind of image, $(3) the board's own file
define firmware
$(FW)/o/$(1)-$(2)/%.o: %.c mcptools.h examples/firmware/firmware.mk | $(B)/include/jsmn.h $(FW)/sources
	mkdir -p $$(@D) && $(FW_GCC) $$(FW_CFLAGS) $(FW_$(2)) $$(FW_OWN) $$(WARN_C) $$(deps) -c $$< -o $$@
$(FW)/o/$(1)-$(2)/mcptools.o: $(B)/mcptools.c mcptools.h examples/firmware/firmware.mk | $(B)/include/jsmn.h
	mkdir -p $$(@D) && $(FW_GCC) $$(FW_CFLAGS) $(FW_$(2)) $$(WARN_C) $$(deps) -c $$< -o $$@
$(FW)/o/$(1)-$(2)/lwip/%.o: examples/firmware/lwipopts.h examples/firmware/arch/cc.h examples/firmware/firmware.mk | $(FW)/sources
	mkdir -p $$(@D) && $(FW_GCC) $$(FW_CFLAGS) $(FW_$(2)) $$(deps) -c $(B)/src/$(FW_LWIP_DIR)/src/$$*.c -o $$@
$(FW)/o/$(1)-$(2)/mbedtls/%.o: examples/firmware/firmware.mk | $(FW)/sources
	mkdir -p $$(@D) && $(FW_GCC) $$(FW_CFLAGS) $(FW_$(2)) $$(deps) -c $(B)/src/mbedtls/library/$$*.c -o $$@
$(FW)/$(1)-$(2).elf: $(addprefix $(FW)/o/$(1)-$(2)/,mcptools.o $(FW_LWIP:%=lwip/%.o) $(FW_$(2)_O) \
    $(addprefix examples/firmware/,$(FW_COMMON:%=%.o) $(3).o) port/lwip.o $(FW_$(2)_C:%.c=%.o)) $(FW_$(2)_LIBRARY:%=$(FW)/lib/%.a) \
    examples/firmware/$(1).ld examples/firmware/cortex-m.ld
	rm -f $$(@:.elf=.stack) $$@.*.ci
	$$(call FW_LD,$(1),$(2)) $$(filter %.o %.a,$$^) -o $$@
	$(if $(FW_$(2)_LINK),$$(call FW_LD,$(1),$(2)) -fno-lto $$(filter %.o %.a,$$^) -o $$(@:.elf=.parts))
	arm-none-eabi-size $$@ | awk 'NR == 2 { printf "  %s: %d bytes of flash, %d of RAM\n", "$(1)-$(2)", $$$$1 + $$$$2, $$$$2 + $$$$3 }'
endef
$(foreach k,$(FW_ALL),$(eval $(call firmware,lm3s6965evb,$(k),lm3s6965evb))$(eval $(call firmware,mps2-an385,$(k),mps2_an385)))
-include $(shell find $(B)/include $(wildcard $(FW)) -name '*.d' 2>/dev/null)

$(FW)/backlog.so: examples/firmware/backlog.c
	mkdir -p $(@D) && $(CC) -std=c99 -Os $(WARN_C) -shared -fPIC $< -o $@

# An image as a program: build/firmware/BOARD-IMAGE --port N runs it in QEMU.
$(FW)/%: $(FW)/%.elf $(FW)/backlog.so
	printf '#!/bin/sh\nexec "%s/examples/firmware/run.sh" "%s/%s" "$$@"\n' "$(CURDIR)" "$(CURDIR)" $< >$@ && chmod +x $@

fw_size = $(MAKE) $(FW_IMAGES) $(FW)/lm3s6965evb-bench.elf $(FW)/backlog.so && FW_CFLAGS='$(FW_CFLAGS) $(FW_device)' tests/firmware/size.py

$(FW)/sources: examples/firmware/firmware.mk
	tests/tools/need.sh $(FW_NEEDS) && tests/tools/need-source.sh $(FW_SOURCES) && mkdir -p $(@D) && touch $@
