# Every target works from a fresh clone: it first builds .venv with python3 and pip alone.
# All that is kept lies under .venv/ and .local/.

PYTHON ?= python3
PY := .venv/bin/python
ENV ?= local

unexport PYTHONPATH PYTHONHOME
export PYTHONDONTWRITEBYTECODE ?=
export NO_PROXY := $(if $(NO_PROXY),$(NO_PROXY),$(no_proxy)),127.0.0.1,localhost
export no_proxy := $(NO_PROXY)
export DAGSTER_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo up ui down deploy test test-all check format bench lock

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: ## Build .venv (every other target does it too)
	@$(PYTHON) requirements/bootstrap.py

demo: setup ## The whole chain on real data, on this machine; ends by itself
	@$(PY) -m scripts.demo

up: setup ## Start the local cloud and deploy to it; settings for clients go to .local/env
	@$(PY) -m scripts.analytics check
	@$(PY) -m infrastructure.local.cloud up
	@$(PY) -m infrastructure.deploy local
	@$(PY) -m infrastructure.local.dagster reload

ui: up ## Dagster's web page and daemon on the local cloud
	@$(PY) -m infrastructure.local.dagster up

down: setup ## Stop the local cloud and Dagster; data stays
	@$(PY) -m infrastructure.local.dagster down
	@$(PY) -m infrastructure.local.cloud down

deploy: setup ## Deploy to ENV=local|dev|prod; ARGS="--set NAME=VALUE" for more
	@$(PY) -m scripts.analytics check
	@$(PY) -m infrastructure.deploy $(ENV) $(ARGS)

test: setup ## The tests that need no system package, within 5 minutes
	@$(PY) -m pytest -q -m "not long"

test-all: test ## The long tests too
	@$(PY) -m pytest -q -m long

check: setup ## Style, types, import rules, templates, contracts
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check -q .
	@$(PY) -m mypy --no-error-summary
	@.venv/bin/lint-imports --no-cache >.local/lint-imports.log || { cat .local/lint-imports.log; exit 1; }
	@$(PY) -m yamllint -s .
	@.venv/bin/cfn-lint infrastructure/*.yaml
	@.venv/bin/sqlfluff lint -q --dialect redshift assets/marts
	@$(PY) -m scripts.analytics check

format: setup ## Format the code
	@$(PY) -m ruff check --fix -q . ; $(PY) -m ruff format -q .

bench: setup ## Ratios of DESIGN's budgets, both sides in one run
	@$(PY) -m tests.bench

lock: setup ## Resolve requirements/*.in again, one resolution for all sets
	@$(PYTHON) requirements/lock.py
