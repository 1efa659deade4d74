# The tasks of development; `make help` lists them. Each does its own set-up, which is quick when it is done already.

CARGO ?= cargo
BUILD := $(or $(CARGO_TARGET_DIR),target)
SCRIPTS := $(shell grep -rlE '^\#!/usr/bin/env bash|shellcheck shell=bash' .ci scripts bench)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test differential chaos chaos-proof fuzz lint format docs models golden check-golden bench bench-full bench-growth bench-soak bench-features bench-kernels bench-poison check-instructions check-config clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install or fetch all that building, testing and linting need
	@scripts/setup test
	@scripts/setup lint

build: ## build the optimised binary, and fetch ONNX Runtime for it
	@scripts/setup run
	$(CARGO) build --release --bin caz

demo: ## score a stream of events on this machine, without Kafka (SECONDS=20)
	@scripts/setup run
	$(CARGO) build --release --bin caz
	$(BUILD)/release/caz demo --seconds $(or $(SECONDS),20)

test: ## run all tests, against a Kafka broker and a schema registry of their own
	@scripts/setup test
	$(CARGO) test --no-run
	.caz/venv/bin/python -m pytest python
	.caz/venv/bin/python -m pytest bench
	scripts/with-kafka --secured scripts/with-registry $(CARGO) test --no-fail-fast

differential: ## compare random graphs with pandas (SEED=1 GRAPHS=2000)
	@scripts/setup run
	scripts/train-models --libraries
	CAZ_DIFFERENTIAL_SEED=$(or $(SEED),1) CAZ_DIFFERENTIAL_GRAPHS=$(or $(GRAPHS),2000) $(CARGO) test --test pandas_differential -- --nocapture

chaos: ## break things and prove that no event is lost or doubled (ROW=kill SEED=7 ROUNDS=200; without them every row, short)
	@scripts/setup test
	scripts/chaos '$(ROW)' '$(SEED)' '$(ROUNDS)'

chaos-proof: ## prove the checkers of `make chaos`: each bug on purpose must be found
	@scripts/setup test
	scripts/with-kafka $(CARGO) test --test chaos -- --nocapture --test-threads 2 --include-ignored proof:: oracle::

fuzz: ## run a fuzz target under libFuzzer (TARGET=avro SECONDS=60); needs a nightly toolchain
	scripts/fuzz run '$(TARGET)' '$(SECONDS)'

lint: ## check formatting, Rust, shell and Python code, documentation
	@scripts/setup build
	@scripts/setup lint
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps
	.caz/lint/bin/shellcheck --external-sources $(SCRIPTS)
	.caz/lint/bin/ruff check .
	.caz/lint/bin/ruff format --check .
	cd python && ../.caz/lint/bin/mypy
	cd bench && ../.caz/lint/bin/mypy

format: ## format Rust and Python code
	@scripts/setup lint
	$(CARGO) fmt --all
	.caz/lint/bin/ruff check --fix --select I .
	.caz/lint/bin/ruff format .

check-config: ## check docker-compose.yml, the Prometheus rules and the Grafana dashboard
	@scripts/setup lint
	scripts/check-config

docs: ## write the generated files anew: schemas, dashboard, docs/nodes, expressions, metrics, list of errors
	@scripts/setup run
	scripts/docs

golden: ## write the golden vectors anew: what pandas answers (tests/golden)
	scripts/train-models --libraries
	.caz/venv/bin/python tests/golden/generate.py

check-golden: ## check that the golden vectors are what pandas answers
	scripts/train-models --libraries
	.caz/venv/bin/python tests/golden/generate.py --check

check-instructions: ## count the instructions that an event takes in each kernel, and compare with bench/instructions.json
	@scripts/setup count
	scripts/instructions

bench: ## measure caz beside its floors and its peers on a stream of events, in 5 minutes (ONLY=caz,python WORKLOADS=crayfish)
	$(call stream_bench,short)

bench-full: ## the same for an hour: more workloads, repetitions and rates
	$(call stream_bench,full)

bench-growth: ## measure how cost grows with batches, workers, partitions, features, bytes and broken events (AXES=batch,faults)
	$(call stream_bench,growth)

bench-soak: ## run caz at a steady rate, ten minutes with each guarantee, and see whether anything grows (MINUTES=10)
	$(call stream_bench,soak --minutes $(or $(MINUTES),10))

bench-features: ## measure how fast the example's features are made, beside pandas
	@scripts/setup run
	scripts/train-models --libraries
	$(CARGO) bench --bench features

bench-poison: ## measure what bad events cost: half of a batch bad, at most twice
	@scripts/setup run
	$(CARGO) bench --bench poison

bench-kernels: ## measure how fast linear models and trees are scored, beside ONNX Runtime
	@scripts/setup run
	$(CARGO) bench --bench kernels

define stream_bench
	@scripts/setup bench
	cd bench && CAZ_KAFKA_JVM='-XX:+UseParallelGC -Xms1g -Xmx1g' ../scripts/with-kafka ../.caz/bench/venv/bin/python -m harness $(1) $(if $(ONLY),--only $(ONLY)) $(if $(AXES)$(WORKLOADS),--workloads $(AXES)$(WORKLOADS))
endef

models: ## train the models and export them to ONNX
	scripts/train-models

clean: ## remove what was built and fetched
	$(CARGO) clean
	rm -rf .caz
