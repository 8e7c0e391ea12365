# mcptools.h - everything is built under build/; "make help" lists the targets.
# Yours to set: CC, CXX, CFLAGS (optimisation and debugging), V=1 to see the commands.

.DEFAULT_GOAL := check
SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules --no-print-directory $(if $(V),,--silent)
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

B := build
CC := $(if $(filter default,$(origin CC)),cc,$(CC))
CXX := $(if $(filter default,$(origin CXX)),c++,$(CXX))
CFLAGS ?= -O2 -g
T ?=
TIME ?= 60
export CC CXX OFFLINE V

# One list of warnings for everything that is compiled; the scripts read it from the environment.
WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wundef -Wvla -Werror
WARN_C := $(WARN) -Wstrict-prototypes -Wmissing-prototypes
INC := -I. -isystem $(B)/include
export WARN WARN_C INC
export PYTHONDONTWRITEBYTECODE := 1
export ZIG_GLOBAL_CACHE_DIR := $(CURDIR)/$(B)/zig-cache
export ZIG_LOCAL_CACHE_DIR := $(ZIG_GLOBAL_CACHE_DIR)

# What the tests build with: the header's assertions on, wherever they are off by default.
ASSERT := '-DMCPT_ASSERT(x)=((x) ? (void)0 : __builtin_trap())'
SAN := $(ASSERT) -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_ENV := ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1

# What is there: a file that is added is built and run without a change here.
DEVICE := $(wildcard examples/*_this_machine.c)
EXAMPLES := $(wildcard examples/[0-9]*.c)
UNIT := $(wildcard tests/unit/test_*.c)
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
INTEROP := $(wildcard tests/interop/*.mjs)
# tests that are programs of their own; certs.sh only makes the certificates of some
SCRIPTS := $(filter-out tests/port/certs.sh,$(wildcard tests/unit/*.sh tests/vectors/*.sh tests/port/*.sh))
# Ports that need nothing but the C library and mbedTLS; the others are linked by the programs that name them.
STORES := $(patsubst tests/stores/%.c,%,$(wildcard tests/stores/*.c))
PORTS_APART := port/microhttpd.c port/curl.c $(wildcard port/lwip*.c) $(STORES:%=port/store_%.c)
PORTS := $(filter-out $(PORTS_APART),$(wildcard port/*.c))
MICROHTTPD := $(wildcard tests/*/*microhttpd.c examples/*microhttpd.c)
CURL := $(wildcard tests/*/*curl.c examples/*curl.c)
LIBS := -Wl,--as-needed -lmbedtls -lmbedx509 -lmbedcrypto -lbearssl -lm -lpthread -Wl,--no-as-needed
# Other machines, "name=zig's name" (tests/tools/cross.sh knows what runs each), and the tests that need no system there.
PORTS_PURE := $(wildcard port/store_ram.c port/store_flash.c)
# Other machines have no crypto library, nor what tests/unit/NAME.h brings in.
unit_apart := $(shell grep -lP '"[./]*port/(?!store_(ram|flash)\.)' $(UNIT) $(wildcard tests/unit/*.h))
UNIT_PURE := $(filter-out $(unit_apart) $(shell grep -lF $(patsubst tests/unit/%,-e '"%"',$(unit_apart)) $(UNIT)),$(UNIT))
CROSS := x86=x86-linux-musl arm=arm-linux-musleabihf aarch64=aarch64-linux-musl aarch64_be=aarch64_be-linux-musl \
  riscv32=riscv32-linux-musl riscv64=riscv64-linux-musl mips=mips-linux-musleabihf mipsel=mipsel-linux-musleabihf \
  powerpc=powerpc-linux-musleabihf powerpc64le=powerpc64le-linux-musl s390x=s390x-linux-musl wasm32=wasm32-wasi-musl \
  windows=x86_64-windows-gnu
CROSS_OF = $(if $(T),$(filter $(T:%=%=%),$(CROSS)),$(CROSS))
CROSS_PROGRAMS = $(foreach c,$(CROSS_OF),$(UNIT_PURE:%.c=$(B)/cross/$(firstword $(subst =, ,$(c)))/%))
fuzz_programs = $(foreach f,$(1),$(B)/fuzz/tests/fuzz/fuzz_$(f) $(B)/cov/tests/fuzz/fuzz_$(f))
bench_programs = $(B)/conformance-server $(B)/bench/floor $(B)/bench/load $(B)/bench-mem $(B)/o/tests/bench/client $(B)/o/tests/bench/tls $(B)/o/tests/bench/tokens
, := ,

# Debian packages, for tests/tools/need.sh
JSMN := libjsmn-dev
HOST := $(firstword $(CC))=gcc libc6-dev $(JSMN) libmbedtls-dev libbearssl-dev
UNIT_NEEDS := $(if $(filter tests/unit/%,$(MICROHTTPD)),libmicrohttpd-dev)
ARM := arm-none-eabi-gcc=gcc-arm-none-eabi libnewlib-arm-none-eabi
STORE_LIBS := libsqlite3-dev libhiredis-dev libpq-dev
STORE_NEEDS := $(STORE_LIBS) redis-server=redis-server redis-cli=redis-tools postgresql util-linux openssl=openssl python3=python3
CURL_NEEDS := libcurl4-openssl-dev tinyproxy=tinyproxy-bin openssl=openssl
CLANG := clang=clang llvm-cov=llvm libclang-rt-dev
QEMU := qemu-arm=qemu-user
CHROMIUM := chromium=chromium fonts-dejavu-core certutil=libnss3-tools
BENCH := valgrind taskset=util-linux openssl=openssl


##
## mcptools.h:

run: ## serve this machine to MCP clients that are paired with it: builds build/device and starts it with ARGS
	tests/tools/need.sh $(HOST)
	$(MAKE) $(B)/device
	exec $(B)/device $(ARGS)

check: ## (default) the inner loop, offline: lint, compile matrix (subset), symbols, unit tests with ASan and UBSan
	OFFLINE=1 FULL= MAKE='$(MAKE)' tests/tools/steps.sh lint matrix symbols unit

test: ## all that CI checks; installs what it lacks, ends with "N passed, N failed, N skipped"
	OFFLINE= FULL=1 MAKE='$(MAKE)' tests/tools/steps.sh lint matrix symbols unit unit-clang cross examples \
	  $(if $(SCRIPTS),scripts) fuzz conformance conformance-microhttpd conformance-client conformance-client-curl interop stores firmware size size-tls bench

conformance: step-conformance step-conformance-microhttpd step-conformance-client step-conformance-client-curl ## the official conformance suite a line per scenario

cross: ## the unit tests on other machines (32 and 64 bits, both byte orders) under qemu-user: T=mips; UPDATE=1: into README.md
	tests/tools/need.sh $(JSMN) $(QEMU) && tests/tools/need-node.sh
	-$(parallel) $(CROSS_PROGRAMS)
	TESTS='$(UNIT_PURE)' tests/tools/cross.sh $(if $(UPDATE),--update) $(CROSS_OF)

interop: step-interop ## the official SDK clients against build/device

##
## Firmware for emulated boards, lm3s6965evb and mps2-an385:

firmware: ## build/firmware/BOARD-IMAGE.elf, and build/firmware/BOARD-IMAGE [--port N], which runs it in QEMU
	tests/tools/need.sh $(FW_NEEDS)
	$(MAKE) $(FW_IMAGES:.elf=)

firmware-test: step-firmware ## run them: the official conformance suite over the emulated Ethernet, with the board's own report

##
## Numbers:

size: ## flash, RAM, stack on Cortex-M0+ and M4, and of the firmware images, as Markdown; UPDATE=1 puts it into README.md
	tests/tools/need.sh $(ARM) $(JSMN) python3=python3
	$(MAKE) $(B)/include/jsmn.h
	tests/tools/size.py $(if $(UPDATE),--update) $(ARGS)
	$(if $(ARGS),,tests/tools/need.sh $(FW_NEEDS) $(FW_QEMU) && tests/tools/need-node.sh && $(fw_size) $(if $(UPDATE),--update))
	$(if $(ARGS),,tests/tools/size_tls.py $(if $(UPDATE),--update))

ram: ## bytes of RAM of a server: RX= TX= TOK= CONNECTIONS= SESSIONS= LISTENERS= SLOTS= SLOT_SIZE= REPLAY= RATES= VERDICTS=
	tests/tools/need.sh $(ARM)
	tests/tools/ram.sh

bench: ## instructions per request, requests per second beside a bare epoll server, bytes per idle connection, tokens
	tests/tools/need.sh $(HOST) $(BENCH) python3=python3
	$(MAKE) $(bench_programs)
	tests/bench/run.sh $(B)/conformance-server $(ARGS)
	tests/bench/instr.sh $(B)/bench-mem
	tests/bench/instr.sh $(B)/o/tests/bench/client client-instructions
	tests/bench/tls.sh $(B)/o/tests/bench/tls
	tests/bench/tokens.sh $(B)/o/tests/bench/tokens

bench-stores: ## operations per second of the stores for hosts, and of @clerk/mcp-tools's; UPDATE=1 puts the table into README.md
	tests/tools/need.sh $(HOST) $(STORE_NEEDS) && tests/tools/need-node.sh
	$(MAKE) $(B)/o/tests/bench/stores
	tests/bench/stores.sh $(B)/o/tests/bench/stores

bench-flash: ## bytes programmed and sectors erased by the flash store; UPDATE=1 puts the table into README.md
	tests/tools/need.sh $(HOST) $(ARM) python3=python3
	$(MAKE) $(B)/o/tests/bench/flash
	tests/bench/flash.sh $(B)/o/tests/bench/flash

fuzz: ## fuzz one input: T=json TIME=60 (seconds); without T all of them, one after the other
	tests/tools/need.sh $(CLANG) $(JSMN) python3=python3
	$(MAKE) $(call fuzz_programs,$(or $(T),$(FUZZERS)))
	tests/tools/fuzz.sh $(TIME) $(or $(T),$(FUZZERS))

doubles: ## read and write COUNT (10000000) doubles and compare with the C library
	tests/tools/need.sh $(HOST)
	$(MAKE) $(B)/o/tests/unit/test_double && $(B)/o/tests/unit/test_double $(or $(COUNT),10000000)

picture: ## the page on which a person pairs this machine, as a phone shows it: examples/pairing.png, for README.md
	tests/tools/need.sh $(HOST) $(CHROMIUM) && tests/tools/need-node.sh
	$(MAKE) $(B)/device && $(B)/node/node_modules/.bin/node tests/tools/picture.mjs

##
## Programs: build/device build/gateway build/mcpt build/conformance-server build/conformance-server-microhttpd build/conformance-client build/conformance-client-curl build/json-check build/examples/NAME

help: ## this list
	awk -F ':.*## ' '/^##/ { sub(/^## ?/, ""); print } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

clean: ## remove build/
	rm -rf $(B)

.PHONY: run check test conformance cross interop firmware firmware-test size ram bench bench-flash bench-stores fuzz doubles picture help clean
export RX TX TOK CONNECTIONS SESSIONS LISTENERS SLOTS SLOT_SIZE REPLAY RATES VERDICTS

# ------------------------------------------------------------------------------------------------------ steps
# What check and test are made of. Each ends in lines "PASSED n FAILED m [SKIPPED k]"; `make step-unit` runs one alone.

need = tests/tools/need.sh $(1) || { echo 'PASSED 0 FAILED 0 SKIPPED 1 (needs: $(1))'; exit 0; }
need_node = tests/tools/need-node.sh || { echo 'PASSED 0 FAILED 0 SKIPPED 1 (needs the npm packages)'; exit 0; }
JOBS = $$(getconf _NPROCESSORS_ONLN)
parallel = $(MAKE) -k -j$(JOBS)
unbuilt = echo "PASSED 0 FAILED 1 (a program does not build)"

step-lint:
	$(call need,python3=python3 $(JSMN)); $(MAKE) $(B)/include/jsmn.h && tests/tools/lint.py

step-matrix:
	$(call need,$(JSMN)); $(if $(FULL),tests/tools/need.sh g++=g++ clang=clang $(ARM); tests/tools/need-node.sh;) \
	  $(MAKE) $(B)/include/jsmn.h && tests/tools/matrix.sh $(if $(FULL),full,quick)

step-symbols:
	$(call need,$(firstword $(CC))=gcc $(JSMN) python3=python3); $(if $(FULL),tests/tools/need.sh $(ARM);) \
	  $(MAKE) $(B)/include/jsmn.h && tests/tools/symbols.sh

step-unit:
	$(call need,$(HOST) $(UNIT_NEEDS)); $(parallel) $(UNIT:%.c=$(B)/san/%) || $(unbuilt); \
	  $(SAN_ENV) JOBS=$(JOBS) tests/tools/each.sh $(UNIT:%.c=$(B)/san/%)

step-unit-clang:
	$(call need,$(HOST) $(UNIT_NEEDS) clang); $(parallel) $(UNIT:%.c=$(B)/clang/%) || $(unbuilt); \
	  JOBS=$(JOBS) tests/tools/each.sh $(UNIT:%.c=$(B)/clang/%)

# 32 and 64 bits, both byte orders, WebAssembly; "make cross" runs all there are
step-cross: T := $(or $(T),arm mips s390x wasm32)
step-cross:
	$(call need,$(JSMN) $(QEMU)); $(need_node); $(parallel) $(CROSS_PROGRAMS) || $(unbuilt); TESTS='$(UNIT_PURE)' tests/tools/cross.sh $(CROSS_OF)

step-examples:
	$(call need,$(HOST) $(STORE_LIBS) $(ARM)); $(parallel) $(EXAMPLES:%.c=$(B)/o/%) || $(unbuilt); tests/tools/examples.sh $(EXAMPLES)

step-scripts: # tests that are programs of their own: they find build/json-check, build/device and build/conformance-server
	$(call need,$(HOST) python3=python3); $(parallel) $(B)/json-check $(B)/device $(B)/conformance-server || $(unbuilt); \
	  tests/tools/each.sh $(SCRIPTS)

step-fuzz: # the kept corpora replayed, a few seconds of new input each, branch coverage of the sections
	$(call need,$(CLANG) python3=python3 $(JSMN)); $(parallel) $(call fuzz_programs,$(FUZZERS)) || $(unbuilt); \
	  MIN=$(or $(MIN),70) tests/tools/fuzz.sh $(or $(SMOKE),5) $(FUZZERS)

step-conformance:
	$(call need,$(HOST)); $(need_node); $(MAKE) $(B)/conformance-server && tests/conformance/run.sh $(B)/conformance-server

step-conformance-client:
	$(call need,$(HOST)); $(need_node); $(MAKE) $(B)/conformance-client && tests/conformance/run_client.sh $(B)/conformance-client

step-conformance-client-curl:
	$(call need,$(HOST) $(CURL_NEEDS)); $(need_node); $(MAKE) $(B)/conformance-client-curl && tests/conformance/run_client.sh $(B)/conformance-client-curl

step-conformance-microhttpd:
	$(call need,$(HOST) libmicrohttpd-dev); $(need_node); $(MAKE) $(B)/conformance-server-microhttpd && \
	  tests/conformance/run.sh $(B)/conformance-server-microhttpd

step-interop: # finds the SDKs through NODE_PATH, the device through DEVICE, the other examples in build/o/examples
	$(call need,$(HOST) $(STORE_NEEDS) $(CURL_NEEDS) $(CHROMIUM) nginx=nginx-light qrencode=qrencode); $(need_node); $(parallel) $(B)/device $(B)/san/tests/interop/curl $(EXAMPLES:%.c=$(B)/o/%) \
	  $(patsubst %.c,$(B)/o/%,$(wildcard tests/interop/*.c)) && DEVICE=$(CURDIR)/$(B)/device \
	  NODE_PATH=$(CURDIR)/$(B)/node/node_modules PATH=$(CURDIR)/$(B)/node/node_modules/.bin:$$PATH \
	  tests/tools/each.sh $(INTEROP:%='node %')

step-stores: # SQLite, Redis, PostgreSQL: the contract of all stores, against real servers that the step starts
	$(call need,$(HOST) $(STORE_NEEDS)); $(need_node); $(parallel) $(STORES:%=$(B)/san/tests/stores/%) || $(unbuilt); \
	  $(SAN_ENV) tests/tools/each.sh $(foreach s,$(STORES),'tests/stores/server.sh run $(s) $(B)/san/tests/stores/$(s)'); \
	  $(MAKE) $(B)/o/tests/bench/stores && tests/bench/stores.sh --smoke $(B)/o/tests/bench/stores

step-firmware:
	$(call need,$(HOST) $(FW_NEEDS) $(FW_QEMU)); $(need_node); $(parallel) $(FW_IMAGES:.elf=) && tests/firmware/run.sh $(FW_BOARDS)

step-size:
	$(call need,$(ARM) python3=python3 $(JSMN)); $(MAKE) $(B)/include/jsmn.h && tests/tools/size.py --check
	$(call need,$(FW_NEEDS) $(FW_QEMU)); $(need_node); $(fw_size) --check

step-size-tls:
	$(call need,$(ARM) python3=python3 $(JSMN)); $(MAKE) $(B)/include/jsmn.h && tests/tools/size_tls.py

step-bench: # that the measuring programs work, not what they measure
	$(call need,$(HOST) $(ARM) $(BENCH) python3=python3); \
	  $(MAKE) $(bench_programs) $(B)/o/tests/bench/flash && tests/bench/flash.sh --smoke $(B)/o/tests/bench/flash && tests/bench/run.sh --smoke $(B)/conformance-server && tests/bench/instr.sh --smoke $(B)/bench-mem && \
	  tests/bench/instr.sh --smoke $(B)/o/tests/bench/client client-instructions && \
	  tests/bench/tls.sh --smoke $(B)/o/tests/bench/tls && \
	  tests/bench/tokens.sh --smoke $(B)/o/tests/bench/tokens

# --------------------------------------------------------------------------------------------------- programs
# A kind of build is a directory under build/ with a compiler and flags of its own: build/san/tests/unit/test_x and so on.
# A program is linked with the implementation, unless it defines MCPTOOLS_IMPLEMENTATION itself, and with the ports.
# A line "/* cflags: ... */" or "/* libs: ... */" in a program adds to its command.

$(B)/have/%:
	tests/tools/need.sh $* && mkdir -p $(@D) && touch $@

# A directory with jsmn.h alone: cross compilers must not see the host's other headers.
$(B)/include/jsmn.h: | $(B)/have/$(JSMN)
	mkdir -p $(@D) && cp "$$(echo '#include <jsmn.h>' | $(CC) -E - | sed -n 's/^# 1 "\(.*jsmn\.h\)".*/\1/p' | head -n 1)" $@

$(B)/mcptools.c:
	mkdir -p $(@D) && printf '#define MCPTOOLS_IMPLEMENTATION\n#include "mcptools.h"\n' >$@

impl = $(if $(shell grep -l 'define MCPTOOLS_IMPLEMENTATION' $(2)),,$(B)/$(1)/mcptools.o)
magic = $(shell sed -n 's|^/\* $(1): \(.*\) \*/$$|\1|p' $(2))
deps = -MMD -MP -MF $@.d -MT $@

# $(1) directory, $(2) compiler, $(3) flags, $(4) ports
define kind
$(B)/$(1)/mcptools.o: $(B)/mcptools.c mcptools.h | $(B)/include/jsmn.h
	mkdir -p $$(@D) && $(2) -std=c99 $(3) $$(WARN_C) $$(INC) $$(deps) -c $$< -o $$@
$(B)/$(1)/port/%.o: port/%.c mcptools.h | $(B)/include/jsmn.h $(B)/have/libmbedtls-dev $(B)/have/libbearssl-dev
	mkdir -p $$(@D) && $(2) -std=c99 $(3) $$(WARN_C) $$(INC) $$(call magic,cflags,$$<) $$(deps) -c $$< -o $$@
$(B)/$(1)/libport.a: $$(patsubst %.c,$(B)/$(1)/%.o,$(4))
	mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$^
$(B)/$(1)/%: %.c mcptools.h $(B)/$(1)/mcptools.o $(B)/$(1)/libport.a
	mkdir -p $$(@D) && echo '  $(1)  $$*'
	$(2) -std=c99 $(3) $$(WARN_C) $$(INC) $$(call magic,cflags,$$<) $$(deps) $$< $$(call impl,$(1),$$<) \
	  $$(EXTRA) $(B)/$(1)/libport.a $$(call magic,libs,$$<) $(if $(filter-out $(PORTS_PURE),$(4)),$$(LIBS)) -o $$@

# programs named ...microhttpd are linked with that port
$(B)/$(1)/port/microhttpd.o: | $(B)/have/libmicrohttpd-dev
$(B)/$(1)/%microhttpd: EXTRA = $(B)/$(1)/port/microhttpd.o -lmicrohttpd
$(if $(MICROHTTPD),$(MICROHTTPD:%.c=$(B)/$(1)/%): $(B)/$(1)/port/microhttpd.o)
# and those named ...curl with that one
$(B)/$(1)/port/curl.o: | $(B)/have/libcurl4-openssl-dev
$(B)/$(1)/%curl: EXTRA = $(B)/$(1)/port/curl.o -lcurl
$(CURL:%.c=$(B)/$(1)/%): $(B)/$(1)/port/curl.o
endef
# tests/stores/NAME is linked with port/store_NAME
store_package = $(patsubst postgres,libpq-dev,$(patsubst redis,libhiredis-dev,$(patsubst sqlite,libsqlite3-dev,$(1))))
define store
$(B)/$(1)/port/store_$(2).o: | $(B)/have/$(call store_package,$(2))
$(B)/$(1)/tests/stores/$(2): EXTRA = $(B)/$(1)/port/store_$(2).o
$(B)/$(1)/tests/stores/$(2): $(B)/$(1)/port/store_$(2).o
endef
$(foreach k,o san,$(foreach s,$(STORES),$(eval $(call store,$(k),$(s)))))
# these with all of them
ALL_STORES := $(B)/o/tests/bench/stores $(B)/o/tests/interop/seed $(B)/o/examples/08_mcpt $(B)/o/examples/09_gateway $(B)/o/examples/11_mcpt_curl
$(ALL_STORES): EXTRA = $(STORES:%=$(B)/o/port/store_%.o)
$(ALL_STORES): $(STORES:%=$(B)/o/port/store_%.o)
$(B)/o/examples/11_mcpt_curl: EXTRA = $(STORES:%=$(B)/o/port/store_%.o) $(B)/o/port/curl.o -lcurl
ZIG := $(B)/node/node_modules/.bin/zig
$(eval $(call kind,o,$$(CC),$$(CFLAGS),$(PORTS)))
$(eval $(call kind,san,$$(CC),$$(SAN),$(PORTS)))
$(eval $(call kind,clang,clang,$$(ASSERT) -O2 -g -funsigned-char,$(PORTS)))
# On what is emulated fewer steps of long tests. What compiles the implementation once more, without optimisation: it would take
# most of the time; the library that the other tests are linked with is optimised.
cross_whole := $(shell grep -l 'define MCPTOOLS_IMPLEMENTATION' $(UNIT_PURE))
CROSS_FLAGS = $(if $(filter windows,$(1)),-Wno-unused-command-line-argument) $(if $(filter x86,$(1)),-O1 -g -fsanitize=undefined,-DTEST_SLOW -fno-sanitize=all $$(if $$(filter $(cross_whole),$$<),-O0,-Os))
cross_kind = $(call kind,cross/$(1),$$(ZIG) cc,$$(ASSERT) $(CROSS_FLAGS) -target $(2),$(PORTS_PURE))
$(foreach c,$(CROSS),$(eval $(call cross_kind,$(firstword $(subst =, ,$(c))),$(lastword $(subst =, ,$(c))))))
$(eval $(call kind,fuzz,clang,$$(ASSERT) -O1 -g -fsanitize=fuzzer$(,)address$(,)undefined -fno-sanitize-recover=all,))
$(eval $(call kind,cov,clang,-O1 -g -DNDEBUG -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping,))
-include $(shell find $(B)/include $(wildcard $(B)/o $(B)/san $(B)/clang $(B)/cross $(B)/fuzz $(B)/cov) -name '*.d' 2>/dev/null)

include examples/firmware/firmware.mk

$(B)/device: $(DEVICE:%.c=$(B)/o/%)
	ln -f $< $@
$(B)/conformance-server: $(B)/o/tests/conformance/server
	ln -f $< $@
$(B)/mcpt: $(B)/o/examples/08_mcpt
	ln -f $< $@
$(B)/gateway: $(B)/o/examples/09_gateway
	ln -f $< $@
$(B)/conformance-client: $(B)/o/tests/conformance/client
	ln -f $< $@
$(B)/conformance-client-curl: $(B)/o/tests/conformance/client_curl
	ln -f $< $@
$(B)/conformance-server-microhttpd: $(B)/o/tests/conformance/server_microhttpd
	ln -f $< $@
$(B)/json-check: $(B)/o/tests/tools/json_check
	ln -f $< $@
$(B)/bench-mem: $(B)/o/tests/bench/mem
	ln -f $< $@
$(B)/bench/%: tests/bench/%.c
	mkdir -p $(@D) && $(CC) -std=c99 -O2 -g $(WARN_C) $< -o $@
