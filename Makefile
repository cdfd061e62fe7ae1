# SPDX-License-Identifier: Apache-2.0
# edgemeter: `make` builds, `make demo` shows the main job, `make test` tests it, `make fuzz` its parsers.
# V=1 prints whole commands, SAN=1 builds with ASan and UBSan (into build/san), REQUIRE=1 makes a test that
# cannot run a failure.

.DELETE_ON_ERROR:
.DEFAULT_GOAL := build
MAKEFLAGS += --no-builtin-rules

VERSION := $(shell cat VERSION)
CC := gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PREFIX ?= /usr/local

BUILD := build$(if $(SAN),/san)$(if $(FUZZING),/fuzz)
GEN := $(BUILD)/gen
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2);)

WARN := -Wall -Wextra -Werror -Wno-missing-field-initializers
SANITIZE := -fsanitize=address,undefined -fno-omit-frame-pointer
FUZZ_SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -Itests/unit
CFLAGS := -std=gnu11 -O2 -g $(WARN) -fno-strict-aliasing -DEDGEMETER_VERSION='"$(VERSION)"' \
	-D_GNU_SOURCE -Iuserspace -Iheaders -I$(GEN) $(if $(SAN),$(SANITIZE)) \
	$(if $(FUZZING),$(FUZZ_SANITIZE))
LDFLAGS := $(if $(SAN),$(SANITIZE)) $(if $(FUZZING),$(subst -no-link,,$(FUZZ_SANITIZE)))
LDLIBS := -lbpf -lcurl -lyaml -lmicrohttpd -lsnappy -lprotobuf-c -lxxhash -ljansson -lpcre2-8 -lcrypto -lz \
	-lgnutls -lcrypt -lm
TEST_LDLIBS := -lcmocka

# A fixed target architecture for BPF: nothing in bpf/ depends on it, kernel headers do. Loops stay loops:
# code that is not in the cache costs more than their jumps.
BPF_CFLAGS := -target bpf -mcpu=v2 -O2 -g -fno-unroll-loops $(WARN) -Iheaders -Ivmlinux -ffile-compilation-dir=.

sources := $(sort $(wildcard userspace/*/*.c userspace/*/*/*.c))
objects := $(sources:%.c=$(BUILD)/%.o)
protos := $(sort $(wildcard userspace/*/*.proto))
proto_c := $(protos:userspace/%.proto=$(GEN)/%.pb-c.c)
proto_objects := $(proto_c:.c=.o)
archive := $(BUILD)/edgemeter.a
skeletons := $(patsubst bpf/%.bpf.c,$(GEN)/%.skel.h,$(sort $(wildcard bpf/*.bpf.c)))
unit_tests := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
bpf_tests := $(patsubst tests/bpf/%.c,$(BUILD)/tests/bpf/%,$(sort $(wildcard tests/bpf/test_*.c)))
benches := $(BUILD)/tests/bench/bench_parse $(BUILD)/tests/bench/scrape_peers
e2e_peers := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/e2e/*.c)))
fuzzers := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ ?= $(fuzzers)
FUZZ_SECONDS ?= 60
vm_tests := $(patsubst tests/bpf/%.c,$(BUILD)/tests/bpf/%,$(sort $(wildcard tests/bpf/vm_*.c)))

.PHONY: build deps test tests demo vmtest fuzz bench-http bench-parse bench-scrape bench-outage image deb \
	install clean format
build: $(BUILD)/edgemeter
tests: $(unit_tests) $(bpf_tests) $(vm_tests) $(e2e_peers) $(benches)

deps: ; $(Q)tools/install-deps

$(BUILD)/edgemeter: $(BUILD)/userspace/main.o $(archive)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(archive): $(objects) $(proto_objects)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c Makefile VERSION | $(skeletons) $(proto_c)
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(GEN)/%.pb-c.o: $(GEN)/%.pb-c.c
	$(call say,CC,$<)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h &: userspace/%.proto
	$(call say,PROTOC,$<)mkdir -p $(@D) && protoc-c --proto_path=userspace --c_out=$(GEN) $<

$(BUILD)/userspace/serve/status_page.o: $(GEN)/page.h
$(GEN)/page.h: $(wildcard userspace/serve/page/*)
	$(call say,PAGE,$@)mkdir -p $(@D) && userspace/serve/page/embed > $@

$(BUILD)/%.bpf.o: %.bpf.c Makefile
	$(call say,BPF,$<)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(GEN)/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(benches:=.o): CFLAGS += -Itests/unit
$(vm_tests): $(BUILD)/tests/bpf/http_peer.o
$(bpf_tests) $(vm_tests): $(BUILD)/tests/bpf/sockets.o $(BUILD)/tests/bpf/meter_fixture.o
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(archive)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(archive) $(TEST_LDLIBS) $(LDLIBS)
.PRECIOUS: $(BUILD)/%.o $(BUILD)/%.bpf.o $(GEN)/%.pb-c.c $(GEN)/%.pb-c.h $(GEN)/%.pb-c.o $(GEN)/%.skel.h

test: deps
	$(Q)$(MAKE) --no-print-directory build tests
	$(Q)BUILD=$(BUILD) REQUIRE=$(REQUIRE) tests/run

demo: deps
	$(Q)$(MAKE) --no-print-directory build
	$(Q)KEEP=$(KEEP) tools/demo

# KERNEL=6.1 chooses one of 5.10, 6.1, 6.12 and 7.2.
KERNEL ?= all
vmtest: deps
	$(Q)$(MAKE) --no-print-directory build tests
	$(Q)BUILD=$(BUILD) tests/vm/run $(KERNEL)

# FUZZ=exposition_text chooses one, FUZZ_SECONDS=600 how long each.
fuzz: deps
	$(Q)$(MAKE) --no-print-directory FUZZING=1 CC=$(CLANG) \
		$(FUZZ:%=build/fuzz/tests/fuzz/fuzz_%)
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run $(FUZZ)

$(BUILD)/tests/bench/packet_kinds.bpf.o: BPF_CFLAGS += -Ibpf -include bpf/http_meter.bpf.c
$(BUILD)/tests/bench/packet_kinds.skel.h: $(BUILD)/tests/bench/packet_kinds.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name packet_kinds_bpf > $@
$(BUILD)/tests/bench/packet_kinds.o: CFLAGS += -I$(BUILD)/tests/bench
$(BUILD)/tests/bench/packet_kinds.o: | $(BUILD)/tests/bench/packet_kinds.skel.h
$(BUILD)/tests/bench/packet_kinds: $(BUILD)/tests/bench/packet_kinds.o
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ -lbpf

$(BUILD)/tests/bench/empty_pair: $(BUILD)/tests/bench/empty_pair.o
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ -lbpf

bench-http: deps
	$(Q)$(MAKE) --no-print-directory build $(BUILD)/tests/bench/empty_pair $(BUILD)/tests/bench/packet_kinds
	$(Q)BUILD=$(BUILD) tests/bench/bench-http $(BENCH)

bench-parse: deps
	$(Q)$(MAKE) --no-print-directory $(benches)
	$(Q)$(BUILD)/tests/bench/bench_parse tests/recorded/pages/node_exporter.txt $(BENCH)

bench-scrape: deps
	$(Q)$(MAKE) --no-print-directory build $(BUILD)/tests/bench/scrape_peers
	$(Q)BUILD=$(BUILD) tests/bench/bench-scrape $(BENCH)

bench-outage: deps
	$(Q)$(MAKE) --no-print-directory build $(BUILD)/tests/e2e/crash_peer
	$(Q)BUILD=$(BUILD) tests/bench/bench-outage $(BENCH)

# ARM64=1: for arm64 too, by a cross build (Debian's gcc-aarch64-linux-gnu) with Debian's libraries of arm64.
image: build
	$(Q)mkdir -p $(BUILD)/image
	$(Q)$(if $(ARM64),$(MAKE) --no-print-directory BUILD=$(BUILD)/arm64 build \
		CC="aarch64-linux-gnu-gcc --sysroot=$$(deploy/image/sysroot arm64)")
	$(Q)deploy/image/build $(BUILD)/image/edgemeter-$(VERSION).tar $(VERSION) $(BUILD)/edgemeter \
		$(if $(ARM64),$(BUILD)/arm64/edgemeter $$(deploy/image/sysroot arm64))

deb: build
	$(Q)rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb
	$(Q)$(MAKE) --no-print-directory install DESTDIR=$(abspath $(BUILD))/deb/root PREFIX=/usr
	$(Q)deploy/debian/build $(BUILD)/deb $(VERSION) $(BUILD)/deb/root && rm -r $(BUILD)/deb/root

install: build
	install -D -m 755 $(BUILD)/edgemeter $(DESTDIR)$(PREFIX)/bin/edgemeter
	install -D -m 644 share/man/edgemeter.1 $(DESTDIR)$(PREFIX)/share/man/man1/edgemeter.1
	install -D -m 644 share/man/edgemeter.yml.5 $(DESTDIR)$(PREFIX)/share/man/man5/edgemeter.yml.5
	install -D -m 644 share/completions/edgemeter.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/edgemeter
	install -D -m 644 share/completions/edgemeter.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_edgemeter
	install -D -m 644 share/completions/edgemeter.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/edgemeter.fish

clean: ; rm -rf build

format: ; clang-format -i $$(git ls-files '*.c' '*.h')

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
