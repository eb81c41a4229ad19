# freshet. Each of these works as the very first command after a clone:
#   make run      installs what is missing, builds, serves the live API on 127.0.0.1:8080
#   make demo     the same, offline, against freshet-sim
#   make test     every test; SAN=address,undefined or SAN=thread for one part, TESTS='name ...' for some
#   make lint     layers, format, warnings of gcc and clang, clang-tidy, cppcheck, shellcheck, yamllint
#   make bench    measures, beside nginx
# With the packages there (make deps): make, make check, make format, make install, make clean.
#
# One file. Objects lie under build/<variant>/: release; clock, which is release with its time lent by
# freshet-sim; asan and tsan, the same under sanitizers; clang. make VARIANT=asan check runs the tests
# of one variant.

MAKEFLAGS += --no-builtin-rules $(if $(filter 0,$(MAKELEVEL)),-j$(shell nproc))
.DELETE_ON_ERROR:

VARIANT ?= release
O := build/$(VARIANT)
VERSION := $(shell cat VERSION)
PREFIX ?= /usr/local
QUIET := --no-print-directory

CC.release := gcc
CC.clock   := gcc
CC.asan    := gcc
CC.tsan    := gcc
CC.clang   := clang
CC := $(or $(CC.$(VARIANT)),$(error VARIANT is release, clock, asan, tsan or clang, not '$(VARIANT)'))

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wconversion -Wformat=2 \
        -Wpointer-arith -Wcast-qual -Wwrite-strings
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
SANE   := -O1 -fno-omit-frame-pointer -DFRESHET_TEST_CLOCK
FLAGS.release := -O2 $(HARDEN)
FLAGS.clock   := $(FLAGS.release) -DFRESHET_TEST_CLOCK
FLAGS.asan    := $(SANE) -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS.tsan    := $(SANE) -fsanitize=thread
FLAGS.clang   := $(FLAGS.clock)
LINK.release := -pie -Wl,-z,relro,-z,now
LINK.clock   := $(LINK.release)
LINK.asan    := -fsanitize=address,undefined
LINK.tsan    := -fsanitize=thread
LINK.clang   := $(LINK.release)

CFLAGS  := -std=gnu11 -D_GNU_SOURCE -I. -pthread -g $(WARN) $(if $(CI),-Werror) $(FLAGS.$(VARIANT)) \
           -DFRESHET_VERSION='"$(VERSION)"'
LDFLAGS := -pthread -Wl,--as-needed $(LINK.$(VARIANT))
LDLIBS  := -lmicrohttpd -lcurl -lcjson -lsqlite3 -lz -lzstd -lcrypto -lrdkafka -lm

ROOMS     := base model store ingest server export stream
LIB_SRC   := $(wildcard config*.c $(ROOMS:%=%/*.c))
SIM_SRC   := $(wildcard sim/*.c)
TEST_SRC  := $(wildcard tests/*.c)
TOOL_SRC  := $(wildcard tools/*.c)
PART_SRC  := $(wildcard tests/parts/*.c)
BENCH_SRC := $(wildcard bench/*.c)
ALL_SRC   := $(wildcard main.c) $(LIB_SRC) $(SIM_SRC) $(TEST_SRC) $(TOOL_SRC) $(PART_SRC) $(BENCH_SRC)

# What is being done in one word; V=1 shows the commands.
say = $(if $(V),,@printf '%-5s %s\n' '$(1)' '$(2)';)

object   = $(patsubst %.c,$(O)/%.o,$(1))
LIB_OBJ := $(call object,$(LIB_SRC)) $(O)/gen/assets_data.o

# ---- building ------------------------------------------------------------------------------------

.PHONY: all programs objects deps
all: programs ; @:
programs: $(O)/freshet $(O)/freshet-sim
ifeq ($(O),build/release)
all: build/freshet build/freshet-sim
build/freshet build/freshet-sim: build/%: $(O)/% ; @ln -f $< $@
endif

$(O)/freshet: $(O)/main.o $(LIB_OBJ)
$(O)/freshet-sim: $(call object,$(SIM_SRC) $(wildcard base/*.c))
$(O)/tests/run: $(call object,$(TEST_SRC)) $(LIB_OBJ)
$(O)/embed: $(O)/tools/embed.o
$(O)/yaml2json: $(O)/tools/yaml2json.o
$(O)/yaml2json: LDLIBS := -lyaml
$(O)/bench/openloop: $(O)/bench/openloop.o
$(O)/bench/parquet: $(O)/bench/parquet.o $(LIB_OBJ)
$(O)/bench/join: $(O)/bench/join.o $(LIB_OBJ)
$(O)/bench/insert: $(O)/bench/insert.o
$(O)/bench/subscribers: $(O)/bench/subscribers.o $(LIB_OBJ)
$(O)/kafka-broker: $(O)/tests/parts/kafka_broker.o
$(O)/freshet $(O)/freshet-sim $(O)/tests/run $(O)/embed $(O)/yaml2json $(O)/bench/openloop $(O)/bench/insert \
$(O)/bench/subscribers $(O)/bench/parquet $(O)/bench/join $(O)/kafka-broker:
	$(call say,link,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The Makefile is named because flags are part of what an object is made of.
$(O)/%.o: %.c Makefile VERSION
	@mkdir -p $(@D)
	$(call say,cc,$@)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
$(O)/gen/%.o: $(O)/gen/%.c
	$(call say,cc,$@)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# Files that are compiled in: path=file.
EMBED := /openapi.yaml=openapi.yaml /openapi.json=$(O)/gen/openapi.json /=web/index.html /docs=web/docs.html \
         $(foreach file,$(filter-out %.html,$(wildcard web/*)),/$(file)=$(file))
$(O)/gen/openapi.json: openapi.yaml $(O)/yaml2json
	@mkdir -p $(@D)
	$(call say,json,$@)$(O)/yaml2json $< > $@
$(O)/gen/assets_data.c: $(O)/embed Makefile openapi.yaml $(O)/gen/openapi.json $(wildcard web/*)
	@mkdir -p $(@D)
	$(call say,embed,$@)$(O)/embed $(EMBED) > $@

objects: $(call object,$(ALL_SRC)) $(LIB_OBJ)
deps: ; @tools/deps.sh build run test lint

# ---- running -------------------------------------------------------------------------------------

.PHONY: run demo install
run:
	@tools/deps.sh build run
	@$(MAKE) $(QUIET) all
	@build/freshet

demo:
	@tools/deps.sh build run
	@$(MAKE) $(QUIET) all
	@tools/demo.sh

install: all
	install -D -m 755 build/freshet $(DESTDIR)$(PREFIX)/bin/freshet

# ---- testing -------------------------------------------------------------------------------------
# check runs the tests of one variant, on the programs of the same variant, and installs nothing.

PARTS. := asan tsan $(patsubst tests/%.sh,%,$(wildcard tests/*.sh))
PARTS.address,undefined := asan
PARTS.thread := tsan
PARTS := $(or $(PARTS.$(SAN)),$(error SAN is 'address,undefined' or 'thread', not '$(SAN)'))

PART.asan := $(MAKE) $(QUIET) VARIANT=asan check TESTS='$(TESTS)'
PART.tsan := $(MAKE) $(QUIET) VARIANT=tsan check TESTS='$(or $(TESTS),concurrent_)'

.PHONY: test check
test:
	@tools/deps.sh build test
	@tools/npm.sh tests/lake tests/contract
	@$(MAKE) $(QUIET) all
	+@tools/parts.sh $(foreach part,$(PARTS),"$(part)=$(or $(PART.$(part)),tests/$(part).sh)")

# A fixed address layout, because the thread sanitizer's shadow does not fit every random one.
FIXED_LAYOUT := $(shell setarch -R true 2>/dev/null && echo setarch -R)
SANITIZERS := ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1 \
              UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=second_deadlock_stack=1

check: $(O)/tests/run $(O)/kafka-broker programs
	@$(SANITIZERS) $(FIXED_LAYOUT) $(O)/tests/run $(TESTS)

# ---- judging -------------------------------------------------------------------------------------

C_FILES  := $(ALL_SRC) $(wildcard *.h $(addsuffix /*.h,$(ROOMS) sim tests))
SH_FILES := $(wildcard tools/*.sh tests/*.sh tests/shell/*.sh bench/*.sh) .ci/run
LINTS    := layers format gcc clang tidy cppcheck shell yaml

LINT.layers   := tools/check_layers.sh
LINT.format   := clang-format --dry-run -Werror $(C_FILES)
LINT.gcc      := $(MAKE) $(QUIET) -k CI=1 VARIANT=clock O=build/lint/gcc objects
LINT.clang    := $(MAKE) $(QUIET) -k CI=1 VARIANT=clang O=build/lint/clang objects
LINT.tidy     := $(MAKE) $(QUIET) -k CI=1 VARIANT=clang O=build/lint/clang tidy
# memleak: it does not see that a Str takes what was allocated; LeakSanitizer runs with every test.
LINT.cppcheck := cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -I. -D_GNU_SOURCE \
                 --enable=warning,performance,portability --suppress=memleak $(ALL_SRC)
LINT.shell    := shellcheck $(SH_FILES)
LINT.yaml     := yamllint --strict openapi.yaml

.PHONY: lint tidy format
lint:
	@tools/deps.sh build lint
	+@tools/parts.sh $(foreach lint,$(LINTS),"$(lint)=$(LINT.$(lint))")

# One stamp a file, so that only what changed is looked at again.
tidy: $(ALL_SRC:%.c=$(O)/%.tidy)
$(O)/%.tidy: %.c $(O)/%.o .clang-tidy tests/.clang-tidy
	$(call say,tidy,$<)clang-tidy --quiet $< -- $(CFLAGS) 2> $@.err || { cat $@.err; false; }
	@touch $@

format:
	@tools/deps.sh lint
	clang-format -i $(C_FILES)

# ---- measuring, and the rest ---------------------------------------------------------------------

.PHONY: bench clean
bench:
	@tools/deps.sh build bench
	@$(MAKE) $(QUIET) all
	@$(MAKE) $(QUIET) VARIANT=clock programs
	@$(MAKE) $(QUIET) $(O)/bench/openloop $(O)/bench/insert $(O)/bench/subscribers
	@bench/run.sh
	@bench/delivery.sh
	@bench/pages.sh
	@bench/export.sh
	@bench/large.sh
	@bench/ingest.sh
	@bench/lake.sh
	@$(O)/bench/subscribers

clean: ; rm -rf build

-include $(shell find $(O) -name '*.d' 2>/dev/null)
