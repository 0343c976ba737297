# Every target works from a fresh clone: it first builds .venv with python3 and pip alone.
# All that is kept lies under .venv/ and .local/.

PYTHON ?= python3
PY := .venv/bin/python
ENV ?= local
# what a change is held against: CI says it of a pull request
BASE ?= $(addprefix origin/,$(GITHUB_BASE_REF))
DOCKERFILES := $(sort $(wildcard lambdas/*/Dockerfile) orchestration/Dockerfile)

unexport PYTHONPATH PYTHONHOME
# Compiled once, whatever the caller's environment says: every process of a test would compile all that it imports.
export PYTHONDONTWRITEBYTECODE :=
export NO_PROXY := $(if $(NO_PROXY),$(NO_PROXY),$(no_proxy)),127.0.0.1,localhost
export no_proxy := $(NO_PROXY)
export DAGSTER_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo up ui down plan dry-run deploy smoke destroy images push release promote system test test-all check format bench cost audit sbom lock new-source

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

plan: setup ## What a deploy to ENV would change, as a table; nothing is changed
	@$(PY) -m infrastructure.deploy $(ENV) plan $(ARGS)

dry-run: setup ## Every command from an account to PROD, in order; nothing is run
	@$(PY) -m infrastructure.deploy.dry_run

deploy: setup ## Deploy to ENV=local|dev|prod, what was promoted there unchanged; ARGS="--set NAME=VALUE" for more
	@$(PY) -m scripts.analytics check
	@$(PY) -m infrastructure.deploy $(ENV) $(ARGS)

smoke: setup ## Ask every function and the API of ENV whether they work
	@$(PY) -m infrastructure.deploy $(ENV) smoke $(ARGS)

destroy: setup ## Delete the stacks of ENV=local|dev; their data stays
	@$(PY) -m infrastructure.deploy $(ENV) destroy $(ARGS)

images: setup ## Build the images of this commit with buildah, podman or docker (ENGINE=...)
	@$(PY) -m infrastructure.images build

push: setup ## Push them to the repositories of ENV, once a commit
	@$(PY) -m infrastructure.images push $(ENV)

release: setup ## Record that this tree runs green in ENV: it may be promoted
	@$(PY) -m infrastructure.images release $(ENV)

promote: setup ## Bring to ENV what DEV has run green, by digest; RELEASES=bucket where DEV is another account
	@$(PY) -m infrastructure.images promote $(ENV) $(if $(RELEASES),--releases "$(RELEASES)")

new-source: setup ## Propose the two files of a source: NAME=... FROM=file-or-url
	$(if $(and $(NAME),$(FROM)),,$(error make new-source wants NAME=... and FROM=file-or-url))
	@$(PY) -m scripts.analytics new-source "$(NAME)" "$(FROM)"

system: ## Install the system packages that the long tests need (Debian, Ubuntu)
	@requirements/system.sh

test: setup ## The tests that need no system package, within 5 minutes
	@$(PY) -m pytest -q -n 2 --dist loadfile -m "not long"

test-all: test ## The long tests too
	@$(PY) -m pytest -q -n 2 --dist loadfile -m long

check: setup ## Style, types, import rules, templates, contracts; BASE=ref tells what breaks since then
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check -q .
	@$(PY) -m mypy --no-error-summary
	@.venv/bin/lint-imports --no-cache >.local/lint-imports.log || { cat .local/lint-imports.log; exit 1; }
	@$(PY) -m scripts.analytics check $(if $(BASE),--against "$(BASE)")
	@$(PY) -m yamllint -s .
	@.venv/bin/cfn-lint infrastructure/*.yaml
	@.venv/bin/sqlfluff lint -q --dialect redshift assets/marts || { echo "make format mends most of these"; exit 1; }
	@.venv/bin/actionlint
	@.venv/bin/zizmor --offline --no-progress --pedantic -q .github
	@.venv/bin/hadolint $(DOCKERFILES)
	@.venv/bin/check-jsonschema -q --builtin-schema vendor.compose-spec docker-compose.yml

format: setup ## Format the code and the SQL of marts
	@$(PY) -m ruff check --fix -q . ; $(PY) -m ruff format -q .
	@.venv/bin/sqlfluff fix -q --dialect redshift assets/marts

bench: setup ## What the budgets promise, as ratios: both sides in one run
	@$(PY) -m tests.bench

cost: setup ## Write docs/cost.md from templates, parameters and stated prices
	@$(PY) -m infrastructure.cost

audit: setup ## Policies of the templates, secrets in the files, the bill of materials: what must not be found
	@$(PY) requirements/audit.py

sbom: setup ## The packages of each image as CycloneDX, in .local/sbom
	@$(PY) requirements/audit.py sbom

lock: setup ## Resolve requirements/*.in again, one resolution for all sets
	@$(PYTHON) requirements/lock.py
