# freshet: make, make run, make demo, make test, make lint, make bench, make format.
# One file, no recursion. Objects lie under build/<variant>/; variants: release, asan, tsan, clang.

VARIANT ?= release
VERSION := $(shell cat VERSION)
O := build/$(VARIANT)

CC.release := gcc
CC.asan    := gcc
CC.tsan    := gcc
CC.clang   := clang
CC := $(CC.$(VARIANT))

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wconversion -Wformat=2 \
        -Wpointer-arith -Wcast-qual -Wwrite-strings
HARDEN := -fstack-protector-strong -fPIE
FLAGS.release := -O2 -g -D_FORTIFY_SOURCE=2 $(HARDEN)
FLAGS.asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -DFRESHET_TEST_CLOCK
FLAGS.tsan    := -O1 -g -fno-omit-frame-pointer -fsanitize=thread -DFRESHET_TEST_CLOCK
FLAGS.clang   := -O2 -g -D_FORTIFY_SOURCE=2 $(HARDEN) -DFRESHET_TEST_CLOCK
LDFLAGS.release := -pie -Wl,-z,relro,-z,now
LDFLAGS.asan    := -fsanitize=address,undefined
LDFLAGS.tsan    := -fsanitize=thread
LDFLAGS.clang   := -pie
WERROR := $(if $(CI),-Werror)

CFLAGS += -std=gnu11 -D_GNU_SOURCE -I. -pthread $(WARN) $(WERROR) $(FLAGS.$(VARIANT)) -DFRESHET_VERSION='"$(VERSION)"'
LDLIBS := -lmicrohttpd -lcurl -lcjson -lsqlite3 -lz -lm -pthread

ROOMS := base model store ingest server
LIB_SRC  := $(foreach room,$(ROOMS),$(wildcard $(room)/*.c)) $(wildcard config.c)
SIM_SRC  := $(wildcard sim/*.c)
TEST_SRC := $(wildcard tests/*.c)
GEN_SRC  := $(O)/gen/assets_data.c

LIB_OBJ  := $(LIB_SRC:%.c=$(O)/%.o) $(GEN_SRC:.c=.o)
SIM_OBJ  := $(SIM_SRC:%.c=$(O)/%.o)
TEST_OBJ := $(TEST_SRC:%.c=$(O)/%.o)
BASE_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard base/*.c))

.PHONY: all deps run demo test test-asan test-tsan lint format bench install clean
all: build/freshet build/freshet-sim

build/freshet build/freshet-sim: build/%: build/release/% ; ln -f $< $@
ifneq ($(VARIANT),release)
build/release/%: ; $(MAKE) VARIANT=release $@
endif

$(O)/freshet: $(O)/main.o $(LIB_OBJ) ; $(CC) $(CFLAGS) $(LDFLAGS.$(VARIANT)) -o $@ $^ $(LDLIBS)
$(O)/freshet-sim: $(SIM_OBJ) $(BASE_OBJ) ; $(CC) $(CFLAGS) $(LDFLAGS.$(VARIANT)) -o $@ $^ $(LDLIBS)
$(O)/tests/run: $(TEST_OBJ) $(LIB_OBJ) ; $(CC) $(CFLAGS) $(LDFLAGS.$(VARIANT)) -o $@ $^ $(LDLIBS)

$(O)/%.o: %.c ; @mkdir -p $(@D); $(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
$(O)/%.o: $(O)/%.c ; @mkdir -p $(@D); $(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# Files that are compiled in: name=content type.
EMBED := openapi.yaml=application/yaml
$(O)/gen/assets_data.c: $(O)/embed openapi.yaml ; @mkdir -p $(@D); $(O)/embed $(EMBED) > $@.tmp && mv $@.tmp $@
$(O)/embed: tools/embed.c ; @mkdir -p $(@D); $(CC) $(CFLAGS) $(LDFLAGS.$(VARIANT)) -o $@ $<

clean: ; rm -rf build

-include $(shell find $(O) -name '*.d' 2>/dev/null)
