# The tests of the tenant-side libraries; included by the module's Makefile.
#
#   test_<what>.c   one program each, linked with test_agent.c and every support_*.c; `make check` runs them side by side
#   test_gate*.c, test_inside_*.c   the same, linked with the objects of libaliquot-cuda.so instead of loading it: what they test is not exported
#   fuzz_<what>.c   one program each, linked with the libraries' shared objects; runs FUZZ_ROUNDS rounds in `make check`;
#                   `make fuzz-<what>` builds it for libFuzzer (clang)
#   bench.c         `make bench`: JSON on stdout; linked as test_gate*.c are
#
# Each program has a world of its own, and none is about how fast anything is. test_torture runs alone, after all others: it takes every
# processor there is. What a program prints comes in one piece when it has ended; a failed one stops no other, and is named at the end.
#
# Variables: SIMULATOR (folder of the simulator's branches), BRANCH (580), DURATION (seconds of the torture test, 10), FUZZ_ROUNDS, ONLY
# (one program's name, for `make check ONLY=test_nvml`).

TEST := src/test/c
BRANCH ?= 580
DURATION ?= 10
FUZZ_ROUNDS ?= 20000
TEST_FLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -I$(SOURCE) -I$(TEST) -I$(ABI) $(CFLAGS)
TEST_LIBS := -ldl -lpthread

SUPPORT_OBJECTS := $(patsubst $(TEST)/%.c,$(OUT)/test/%.o,$(TEST)/test_agent.c $(wildcard $(TEST)/support_*.c))
TEST_PROGRAMS := $(patsubst $(TEST)/%.c,$(OUT)/test/%,$(filter-out $(TEST)/test_agent.c,$(wildcard $(TEST)/test_*.c)))
INSIDE_PROGRAMS := $(filter $(OUT)/test/test_gate% $(OUT)/test/test_inside_%,$(TEST_PROGRAMS)) $(OUT)/test/bench
INSIDE_OBJECTS := $(filter-out %/dlopen.S.o,$(CUDA_OBJECTS))
FUZZ_PROGRAMS := $(patsubst $(TEST)/%.c,$(OUT)/test/%,$(wildcard $(TEST)/fuzz_*.c))
FUZZ_SOURCES := pages.c figures.c agent.c
FUZZ_OBJECTS := $(patsubst %,$(OUT)/obj/cuda/%.o,$(FUZZ_SOURCES))
RUNS := $(patsubst $(OUT)/test/%,run-%,$(filter $(OUT)/test/$(or $(ONLY),%),$(FUZZ_PROGRAMS) $(TEST_PROGRAMS)))

$(OUT)/test/%.o: $(TEST)/%.c src/test/tests.mk
	@mkdir -p $(@D)
	@$(CC) $(TEST_FLAGS) -MMD -MP -c -o $@ $<

.SECONDARY: $(SUPPORT_OBJECTS) $(addsuffix .o,$(TEST_PROGRAMS) $(FUZZ_PROGRAMS) $(OUT)/test/bench)

$(filter-out $(INSIDE_PROGRAMS),$(TEST_PROGRAMS)): %: %.o $(SUPPORT_OBJECTS)
	@$(CC) $(LDFLAGS) -o $@ $^ $(TEST_LIBS)

# ours() may be the program itself there
$(INSIDE_PROGRAMS): %: %.o $(SUPPORT_OBJECTS) $(INSIDE_OBJECTS)
	@$(CC) $(LDFLAGS) $(if $(findstring test_inside_,$@),-rdynamic) -o $@ $^ $(TEST_LIBS)

$(OUT)/test/bench: $(OUT)/test/bench_gate.o

$(INSIDE_PROGRAMS:%=%.o) $(OUT)/test/bench_gate.o: TEST_FLAGS += -DALQ_TABLE='"functions.def"'

$(FUZZ_PROGRAMS): %: %.o $(FUZZ_OBJECTS)
	@$(CC) $(LDFLAGS) -o $@ $^ $(TEST_LIBS)

fuzz-%: all
	clang $(TEST_FLAGS) -DALQ_LIBFUZZER -fsanitize=fuzzer,address,undefined -o $(OUT)/test/$@ $(TEST)/fuzz_$*.c \
	  $(addprefix $(SOURCE)/,$(FUZZ_SOURCES)) $(TEST_LIBS)

-include $(wildcard $(OUT)/test/*.d)

$(RUNS): run-%: | all $(TEST_PROGRAMS) $(FUZZ_PROGRAMS)
	@echo "$*"; rm -f $(OUT)/test/$*.failed; \
	ALIQUOT_LIB_DIR=$(abspath $(OUT)) SIM_LIB_DIR=$(abspath $(SIMULATOR)/$(BRANCH)) DURATION=$(DURATION) \
	FUZZ_ROUNDS=$(FUZZ_ROUNDS) $(OUT)/test/$* || touch $(OUT)/test/$*.failed

$(filter run-test_torture,$(RUNS)): | $(filter-out run-test_torture,$(RUNS))

check-tests: $(RUNS)
	@failed=; for program in $(RUNS:run-%=%); do \
	  test ! -e $(OUT)/test/$$program.failed || failed="$$failed $$program"; \
	done; test -z "$$failed" || { echo "failed:$$failed" >&2; exit 1; }

bench: all $(OUT)/test/bench
	@ALIQUOT_LIB_DIR=$(abspath $(OUT)) SIM_LIB_DIR=$(abspath $(SIMULATOR)/$(BRANCH)) $(OUT)/test/bench

.PHONY: bench $(RUNS)
