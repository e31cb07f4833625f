# Everything a developer does on one machine. Needs make and Python 3.11, 3.12 or 3.13; the rest is fetched.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo "$$python"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
AZURITE := .azurite/.installed
CLIENTS := .clients/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench quality soak skew graph-sdk infra lock package deploy-check clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(AZURITE) ## make .venv and fetch Azurite; starts nothing

demo: setup ## a demo organisation on this machine; EXIT=1 shows it and ends
	@$(BIN)/python -m dev.demo $(if $(EXIT),--exit)

test: setup $(CLIENTS) ## every test
	@$(BIN)/python -m pytest -n 4 --dist loadfile $(ARGS)

check: $(INSTALLED) ## format, lint, types, import contracts, unit tests and attacks but the slow ones
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -n 2 -m "not slow" tests/unit tests/security

BENCHES := cold_start own_cpu match "threads --threads 100" hostile storage_calls operations backfill load_records \
	"pipeline --alone 4 --bursts 3 --every 10 --threads 40 --mailboxes 12" \
	"instances --mails 120 --mailboxes 8 --each 15" "notifications --seconds 5"

bench: setup ## benchmarks; each prints its figures
	@set -e; for run in $(BENCHES); do echo "== $$run"; $(BIN)/python -m bench.$$run; done

quality: $(INSTALLED) ## is mail matched right? 5,000 mails of a made-up organisation; SEED=1 MAILS=5000
	@$(BIN)/python -m bench.matching_quality $(if $(SEED),--seed $(SEED)) $(if $(MAILS),--mails $(MAILS)) $(ARGS)

soak: setup ## a long run under faults; MAILS=3000 MINUTES=5 SEED=1 MODE=faults|poll|notify|host PLANT=
	@$(BIN)/python -m bench.soak $(if $(MAILS),--mails $(MAILS)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(SEED),--seed $(SEED)) $(if $(MODE),--mode $(MODE)) $(if $(PLANT),--plant $(PLANT)) $(ARGS)

skew: setup ## an older commit and the next version on one store; OLD=(the last release) MAILS=150 PLANT=
	@$(BIN)/python -m bench.skew $(if $(OLD),--old $(OLD)) $(if $(MAILS),--mails $(MAILS)) $(if $(PLANT),--plant $(PLANT)) $(ARGS)

graph-sdk: setup ## Microsoft's Graph SDK walks the simulator; it is fetched into .graph-sdk
	@$(BIN)/python -m dev.graph_sdk

infra: setup $(CLIENTS) ## checkov and the Kusto parser over infra/; checkov is fetched into .checkov
	@$(BIN)/python -m dev.infra_check

lock: $(INSTALLED) ## renew requirements.lock and requirements-dev.lock; KEEP=1 raises only what must be
	@$(BIN)/python -m dev.locks $(if $(KEEP),--keep)

package: $(INSTALLED) ## a release in dist/: the app with its packages for Azure, what it is made of, its licences
	@$(BIN)/python -m dev.package

deploy-check: ## what can be said about a deployment before Azure is asked: tools, settings, package
	@$(or $(PYTHON),python3) -m dev.deploy_check

clean: ## remove what setup and the tools made; .venv and Azurite too
	rm -rf $(VENV) .azurite .clients .python_packages dist .deployed .checkov .peers .against .graph-sdk .skew .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "Postledger needs Python 3.11, 3.12 or 3.13; name one: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("Postledger needs Python 3.11, 3.12 or 3.13")'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(INSTALLED): requirements-dev.lock | $(BIN)/python
	@echo "installing Python packages"
	@$(PIP) install --require-hashes -r $<
	@touch $@

$(AZURITE): dev/azurite.py dev/node.py | $(INSTALLED)
	@$(BIN)/python -m dev.azurite --install
	@touch $@

$(CLIENTS): dev/clients.py dev/node.py tests/clients/package-lock.json | $(INSTALLED)
	@$(BIN)/python -m dev.clients --install
	@touch $@
