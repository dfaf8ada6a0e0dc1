# Panal's commands. `make run` and `make test` need nothing but Debian 12 with
# git and make: what is missing is installed first (packages.txt, with apt).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: help deps build run test test-unit test-integration demo \
        simulate mutants \
        torture torture-kill torture-slow torture-heal torture-flow \
        bench bench-http bench-replication bench-memory bench-deps \
        fmt lint lint-deps asan tsan fuzz docker docker-up docker-down clean

# More flags for `make run`, such as ARGS='--durability=sync'.
ARGS ?=
# Runs of each fuzzing target.
RUNS ?= 100000
own_folders := config logging storage cluster actors http tests
own_sources = $(shell find main.cpp $(own_folders) -name '*.[ch]pp')
fuzz_sources = $(wildcard fuzz/*.[ch]pp)

help: ## this list
	@sed -n 's/^\([a-z -]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

deps: ## install what is missing to build and test
	@scripts/deps build test

# A configuration that failed leaves no build.ninja, and is made again.
build/build.ninja: CMakePresets.json | deps
	cmake --preset release

build: deps build/build.ninja ## the node, at build/panal
	cmake --build --preset release

run: build ## one node at http://127.0.0.1:8080, its data in ./data/node1
	@mkdir -p data/node1
	exec build/panal --node-id=node1 --http-host=127.0.0.1 --http-port=8080 \
	  --data-dir=data/node1 $(ARGS)

test: build ## everything that is tested
	@scripts/test all

test-unit: build ## the parts alone, without processes
	@scripts/test unit

test-integration: build ## real nodes: cluster tests, and the API with newman
	@scripts/test integration

SEEDS ?= 20000
FIRST ?= 1

simulate: build ## whole clusters in simulated worlds: SEEDS=n, or SEED=one
	@build/tests/simulator/simulate \
	  $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --first $(FIRST)) $(ARGS)

mutants: build ## does the simulator find each of the planted bugs?
	@build/tests/simulator/simulate_mutants $(ARGS)

ROUNDS ?= 10
KILLS ?= 200
torture-slow: SECONDS ?= 600

torture: build ## fault campaigns on real nodes; ROUNDS=10 schedules
	@build/tests/torture/torture --rounds=$(ROUNDS) $(ARGS)

torture-kill: build ## kill -9 under full load, KILLS=200 times
	@build/tests/torture/torture kill --kills=$(KILLS) $(ARGS)

torture-slow: build ## a peer that is slow or hangs for SECONDS=600, three ways
	@build/tests/torture/torture slow --seconds=$(SECONDS) --strict=1 $(ARGS)

torture-heal: build ## equal again after 60 s apart? ROUNDS=10
	@build/tests/torture/torture heal --rounds=$(ROUNDS) $(ARGS)

torture-flow: build ## changes/s from node to node, and their delay
	@build/tests/torture/torture flow $(ARGS)

demo: build ## three nodes, 13,680 real records, one crash
	@python3 demo/demo.py

bench: build bench-deps ## every measurement (about ten minutes)
	@python3 bench/compare.py $(ARGS)
	@python3 bench/replication.py
	@python3 bench/memory.py

bench-http: build bench-deps ## requests/s against nginx and webdis
	@python3 bench/compare.py $(ARGS)

bench-replication: build ## how soon a write is readable elsewhere
	@python3 bench/replication.py $(ARGS)

bench-memory: build bench-deps ## bytes an entry, start-up, idle CPU
	@python3 bench/memory.py $(ARGS)

bench-deps:
	@scripts/deps bench

lint-deps:
	@scripts/deps lint

fmt: lint-deps ## format our C++
	clang-format-14 -i $(own_sources) $(fuzz_sources)

# clang-tidy cannot read g++'s precompiled headers: it gets commands without.
lint: lint-deps deps ## formatting and clang-tidy, our files only
	cmake --preset release -B build-lint -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
	clang-format-14 --dry-run -Werror $(own_sources) $(fuzz_sources)
	printf '%s\0' $(filter %.cpp,$(own_sources)) \
	  | xargs -0 -n 1 -P "$$(nproc)" clang-tidy-14 -p build-lint --quiet

# The gate of planted bugs has nothing to find here.
# Freed memory is kept for a while, but the tests bound what a node takes.
asan: export ASAN_OPTIONS = quarantine_size_mb=8:malloc_context_size=8
# Debian's libcaf is not instrumented (scripts/tsan.supp). What the nodes' own
# processes report is looked for, since tests end many of them by kill -9.
tsan: export TSAN_OPTIONS = suppressions=$(CURDIR)/scripts/tsan.supp:log_path=$(CURDIR)/build-tsan/report
asan tsan: export PANAL_TEST_SCALE ?= 0.2
asan tsan: deps ## all tests under sanitizers
	cmake --preset $@
	cmake --build --preset $@
	rm -f build-$@/report.*
	ctest --test-dir build-$@ -E mutants --output-on-failure --no-tests=error
	! cat build-$@/report.* 2>/dev/null

fuzz: deps ## hostile bytes for every decoder: RUNS=n for each, SEED=n
	@scripts/deps fuzz
	cmake --preset fuzz >/dev/null
	cmake --build --preset fuzz
	@scripts/fuzz $(RUNS)

docker: ## build the image, run three containers, check them, remove them
	@python3 scripts/containers.py check

docker-up: ## three containers at http://localhost:8001, 8002 and 8003
	@python3 scripts/containers.py up

docker-down: ## stop them; ./data stays
	@python3 scripts/containers.py down

clean: ## remove what was built
	rm -rf build build-*/
