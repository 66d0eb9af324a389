# All tasks of developers and of the CI are targets of this file.
# `make` without a target lists them. Only the system packages of test-full and test-distributed need root.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
STAMP := $(VENV)/.setup-stamp
UV_VERSION := 0.13.9
# The lower bound of `requires-python`. The lock is valid for this and every later version.
LOWEST_PYTHON := 3.11

# The tools with which test-full checks artefacts and deploy/: the command, and the Debian packages that have it.
ORACLES := 7z:p7zip-full unzip:unzip gs:ghostscript pdftoppm:poppler-utils qpdf:qpdf rsvg-convert:librsvg2-bin \
  node:nodejs npm:npm chromium:chromium docker-compose:docker-compose \
  go:golang-go,golang-github-masterminds-sprig-dev

# The servers that test-distributed needs, in the same form. SeaweedFS is among the locked packages.
STORES := /usr/lib/postgresql/*/bin/postgres:postgresql redis-server:redis-server

# npm packages that read links and draw ZPL, exactly those of the lock.
NODE := tests/node
NODE_STAMP := $(NODE)/node_modules/.setup-stamp

HOST ?= 127.0.0.1
PORT ?= 8000
DAGSTER_PORT ?= 3000
PACKAGES := accounts api catalogue cli exports gs1 labels_client notifications pipelines renderers web

# The command that makes a lock. The lock is valid for every Python from the lowest on.
COMPILE := uv pip compile -q --universal --python-version $(LOWEST_PYTHON) --generate-hashes --no-emit-index-url \
  --only-binary :all: pyproject.toml
# The extras in the image: all optional parts.
EXTRAS := s3 postgres redis celery otel

# Labels of the large job of bench-export and bench-distributed.
N ?= 1000000

# Suites that test-distributed repeats on servers. One test is left out, because there the secret key is in the environment.
ON_SERVERS := -p tests.distributed.on_servers tests/test_end_to_end.py tests/test_concurrent_submissions.py \
  tests/test_http_imports.py --deselect tests/test_end_to_end.py::test_only_who_needs_a_secret_key_is_given_it

# Extra arguments for pytest, as in `make test ARGS="-k qr -x"`.
ARGS ?=

# One process more than there are cores, because tests of a whole service mostly wait. The tests of a file share their
# services, so they run in the same process. tests/conftest.py determines the first files.
SIDE_BY_SIDE := -n $(shell echo $$(($$(nproc) + 1))) --dist loadfile --no-loadscope-reorder

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Create .venv with exactly the locked packages and the `labels` command

# A version manager's shim may exist for a Python that is not installed, so each candidate is run, not only found.
$(STAMP): requirements.lock pyproject.toml
	@if ! $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
	  found=; \
	  for candidate in $${PYTHON3:-} python3 python3.13 python3.12 python3.11; do \
	    if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
	      found=$$candidate; break; \
	    fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "make setup: no Python 3.11, 3.12 or 3.13 with the venv module on PATH (on Debian: apt-get install python3-venv)." >&2; \
	    echo "            Name one with: make setup PYTHON3=/path/to/python3" >&2; \
	    exit 1; \
	  fi; \
	  echo "setup: creating $(VENV) with $$("$$found" --version)"; \
	  "$$found" -m venv --clear $(VENV); \
	fi
	@if [ "$$($(BIN)/uv --version 2>/dev/null | cut -d' ' -f2)" != "$(UV_VERSION)" ]; then \
	  $(PYTHON) -m pip install -q --disable-pip-version-check --no-input --only-binary :all: "uv==$(UV_VERSION)"; \
	fi
	@echo "setup: installing the locked packages"
	@VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/uv pip sync -q --compile-bytecode --require-hashes --only-binary :all: requirements.lock
	@VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: demo
demo: $(STAMP) ## Import the demo catalogues, export over HTTP, decode every symbol; KEEP=1 leaves the service running
	$(PYTHON) demo/run_demo.py $(if $(KEEP),--keep)

.PHONY: serve
serve: $(STAMP) ## Run the service on port 8000 and the Dagster UI on port 3000
	$(BIN)/labels serve --host $(HOST) --port $(PORT) --dagster-port $(DAGSTER_PORT)

.PHONY: check
check: $(STAMP) ## Format, lint, types, the direction of imports, and security
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(PYTHON)
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r $(PACKAGES)

# With `make -j`, the checks and the tests run in parallel.
.PHONY: test
test: check ordinary-tests ## Check, then run every ordinary test, including the end-to-end tests

.PHONY: ordinary-tests
ordinary-tests: $(STAMP)
	$(PYTHON) -m pytest -q $(SIDE_BY_SIDE) $(ARGS)

.PHONY: oracles
oracles: $(NODE_STAMP) # The tools with which test-full checks artefacts and links.

# The system packages among the oracles, and the stores. Only root can install them.
.PHONY: tools stores
tools stores:
	@missing=; \
	for tool in $(if $(filter stores,$@),$(STORES),$(ORACLES)); do \
	  command -v $${tool%%:*} >/dev/null || missing="$$missing $${tool##*:}"; \
	done; \
	missing="$${missing//,/ }"; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing; \
	  else \
	    echo "make $@: not installed and no root to install with:$$missing" >&2; exit 1; \
	  fi; \
	fi

$(NODE_STAMP): $(NODE)/package.json $(NODE)/package-lock.json | tools
	npm ci --prefix $(NODE) --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: test-full
test-full: oracles check all-tests ## All tests, including long ones and those that need Debian's and npm's packages

# With the flag set, a test whose system tool is missing fails instead of skipping.
.PHONY: all-tests
all-tests: $(STAMP) oracles
	LABELS_TEST_FULL=1 $(PYTHON) -m pytest -q $(SIDE_BY_SIDE) $(ARGS)

.PHONY: test-distributed
test-distributed: $(STAMP) stores ## Several machines on Postgres, Redis and an object store, and failures of those
	LABELS_TEST_FULL=1 LABELS_TEST_DISTRIBUTED=1 $(PYTHON) -m pytest -q tests/distributed $(ARGS)
	$(PYTHON) -m pytest -q $(ON_SERVERS) $(ARGS)

.PHONY: test-machines
test-machines: $(STAMP) stores ## The part of test-distributed that .ci/run includes: the harness, and machines that are killed
	LABELS_TEST_DISTRIBUTED=1 $(PYTHON) -m pytest -q tests/distributed/test_harness.py tests/distributed/test_machines.py \
	  tests/distributed/test_faults.py $(ARGS)

.PHONY: bench
bench: $(STAMP) ## Race symbols and sheets against their peers
	@shopt -s nullglob; \
	for script in benchmarks/*.py; do \
	  case "$$script" in */_*|*/label_exports.py|*/catalogues.py) continue;; esac; \
	  echo "== $$script"; $(PYTHON) "$$script"; \
	done

.PHONY: bench-catalogue
bench-catalogue: $(STAMP) ## Ten million serials: import, counts, resolving, beside DuckDB and Postgres
	$(PYTHON) benchmarks/catalogues.py --rows 10_000_000

.PHONY: bench-service
bench-service: $(STAMP) ## The running service: idle, under load, fairness, lists of 100,000 jobs, growth over 20,000
	$(PYTHON) benchmarks/service/idle.py
	$(PYTHON) benchmarks/service/load.py
	$(PYTHON) benchmarks/service/job_lists.py
	$(PYTHON) benchmarks/service/growth.py

.PHONY: bench-pages
bench-pages: $(STAMP) ## Each page with 100,000 jobs and ten million serials; HOME_OF_PAGES=FOLDER keeps what it makes
	$(PYTHON) benchmarks/service/pages.py $(if $(HOME_OF_PAGES),--home $(HOME_OF_PAGES))

.PHONY: bench-distributed
bench-distributed: $(STAMP) stores ## N labels (1,000,000) on files and on servers, on one and two workers, Celery beside the local executor, 50 jobs at once
	$(PYTHON) benchmarks/distributed/stores.py --labels $(N)
	$(PYTHON) benchmarks/distributed/steps.py --labels $(N)

.PHONY: bench-export
bench-export: $(STAMP) ## Exports end to end, small and of N labels (1,000,000), beside the loops of segno and zint
	$(PYTHON) benchmarks/label_exports.py $(N)

.PHONY: golden
golden: $(STAMP) ## Rewrite tests/golden and the tables of docs/verification.md, after an intended change
	LABELS_TEST_GOLDEN=write $(PYTHON) -m pytest -q tests/exports/test_same_bytes.py \
		tests/exports/verification/test_sabotage.py

.PHONY: gallery
gallery: $(STAMP) ## Redraw docs/gallery
	$(PYTHON) docs/make_gallery.py

.PHONY: gallery-rolls
gallery-rolls: $(STAMP) oracles ## Redraw docs/rolls with an independent ZPL renderer
	PYTHONPATH=. $(PYTHON) docs/make_roll_gallery.py

.PHONY: screenshots
screenshots: $(STAMP) tools ## Retake the screenshots in docs/images
	$(PYTHON) docs/make_screenshots.py

.PHONY: lock
lock: $(STAMP) ## Resolve pyproject.toml into requirements.lock and deploy/requirements.lock
	$(BIN)/$(COMPILE) --group dev --upgrade -o requirements.lock
	$(BIN)/$(COMPILE) $(addprefix --extra ,$(EXTRAS)) --constraint requirements.lock -o deploy/requirements.lock

.PHONY: format
format: $(STAMP) ## Format the code and apply the linter's fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: clean
clean: ## Remove the virtual environment, caches and the demo's output, but not .labels
	rm -rf $(VENV) $(NODE)/node_modules demo/out build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
