# One command each. Every target first makes what it needs: .venv from the locks, Kafka's jars in .cache/kafka.
#   make help

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.stamp
KAFKA := deploy/kafka/kafka.sh
KAFKA_DIR := .run/kafka
KAFKA_PORT ?= 19092
CODE := $(wildcard streams tests bench)
HYPOTHESIS_PROFILE ?= $(if $(CI),ci,dev)
PYTEST := HYPOTHESIS_PROFILE=$(HYPOTHESIS_PROFILE) $(BIN)/python -m pytest
WORKERS ?= 2

.PHONY: help setup demo check lint types pure test bench detection kafka-up kafka-down conformance lock upgrade clean

help: ## what there is to say
	@echo "make TARGET, one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(READY) ## the environment in .venv; every other target does this first

$(READY): requirements-dev.lock requirements.lock pyproject.toml scripts/venv.sh
	@scripts/venv.sh $(VENV)

demo: $(READY) ## a city on this machine; your own records: make demo DATA=file.csv SOURCE=name
	@$(BIN)/python -m streams.demo $(if $(DATA),--data "$(DATA)") $(if $(SOURCE),--source "$(SOURCE)")

check: HYPOTHESIS_PROFILE := dev
check: lint types pure ## lint, types and the pure tests, in under two minutes

lint: $(READY)
	@$(BIN)/ruff check $(CODE)

types: $(READY)
	@$(BIN)/mypy $(CODE)

pure: $(READY)
	@$(PYTEST) -q -n $(WORKERS) -m "not broker and not browser and not real and not slow"

test: lint types ## check, the real data, a real Kafka and a browser: everything
	@scripts/need.sh java maven $(if $(wildcard tests/browser/test_*.py),chromium)
	@$(PYTEST) -n $(WORKERS) -m "not broker and not browser"
	@$(KAFKA) run .run/kafka-test env $(PYTEST) -m "broker or browser"

detection: $(READY) ## how well what is unusual is found, beside other detectors; some of it: PARTS="nab air"
	@$(BIN)/python -m bench.detection $(PARTS)

bench: $(READY) ## the fixed workload: what an event costs, in memory, embedded and on a Kafka
	@scripts/need.sh java maven
	@$(KAFKA) run .run/kafka-bench $(BIN)/python -m bench.run

kafka-up: ## a Kafka of one node on 127.0.0.1:19092 (KAFKA_PORT=... for another)
	@$(KAFKA) start $(KAFKA_DIR) $(KAFKA_PORT)

kafka-down: ## stops it; what it holds stays in .run/kafka
	@$(KAFKA) stop $(KAFKA_DIR)

conformance: $(READY) ## the cases of the shared folder, or of your own: make conformance CASES="file ..."
	@$(BIN)/python -m tests.conformance $(CASES)

lock: ## both locks anew from pyproject.toml, versions kept where they still fit
	@scripts/lock.sh

upgrade: ## both locks anew with the newest versions that pyproject.toml allows
	@scripts/lock.sh --upgrade

clean: ## forgets .venv, caches and what ran here
	@if [ -f $(KAFKA_DIR)/pid ]; then $(KAFKA) stop $(KAFKA_DIR); fi
	@rm -rf $(VENV) .cache .run .mypy_cache .ruff_cache .pytest_cache .hypothesis
