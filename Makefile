# Two commands matter: `make run` shows a finished demo, `make test` proves that all of it works.
# `make test-all` proves it in all forms: every kill point, both databases, a second seed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

.PHONY: run test test-all mutants browser check audit format bench lock clean

run: $(VENV)/.ready
	@$(BIN)/antragslos demo

test: $(VENV)/.ready-dev browser
	@$(BIN)/python -m pytest -n auto

test-all: $(VENV)/.ready-dev browser
	@$(BIN)/python -m pytest -n auto --all
	@$(BIN)/python -m pytest -n auto --seed 2 tests/steps tests/flows
	@$(BIN)/python -m tests.mutations

# Breaks each promise in a copy of the tree; its test must notice.
mutants: $(VENV)/.ready-dev
	@$(BIN)/python -m tests.mutations

# The system's own Chromium. Where there is none: apt's, if that asks for no password.
browser:
	@for name in chromium chromium-browser google-chrome-stable google-chrome; do \
	  command -v $$name >/dev/null && exit 0; done; \
	sudo="sudo -n"; [ "$$(id -u)" != 0 ] || sudo=; \
	if $$sudo apt-get --version >/dev/null 2>&1; then \
	  echo "Installing Chromium for the browser tests (once) …"; \
	  { $$sudo apt-get update -q; $$sudo apt-get install -y -q chromium; } </dev/null >/dev/null 2>&1; \
	fi || true; \
	command -v chromium >/dev/null || \
	  echo "No Chromium, so the browser tests are skipped. To have them: apt-get install chromium"

check: $(VENV)/.ready-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/test_house_rules.py tests/test_prefect_yaml.py

# Licences of the locked packages, offline; known vulnerabilities where OSV can be reached.
audit: $(VENV)/.ready-dev
	@$(BIN)/python -m tests.audit

format: $(VENV)/.ready-dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.ready-dev
	@$(BIN)/python -m tests.benchmarks

# Hashes for every platform and Python version; no index address goes into the files.
lock:
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --extra build pyproject.toml -o requirements.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --extra build --extra dev pyproject.toml -o requirements-dev.txt

# Debian splits venv from Python; where it is missing, pip or uv can make one all the same.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make run PYTHON=python3.12"; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || \
	  { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) && \
	    $(PYTHON) -m pip -q --python $(BIN)/python install pip; } 2>/dev/null || \
	  { rm -rf $(VENV); uv venv -q --seed --python $(PYTHON) $(VENV); } 2>/dev/null || \
	  { rm -rf $(VENV); echo "Python cannot make an environment: apt install python3-venv"; exit 1; }
	@touch $@

# --no-deps: the lock files name everything, and pip trips over extras in hash mode otherwise.
INSTALL = $(BIN)/python -m pip install --no-deps --require-hashes -r $(1) | awk \
  -v all=$$(grep -c '^[a-z].*==' $(1)) \
  '/^(Collecting|Requirement already|Ignoring)/ { printf "\r  %d of %d fetched", ++n, all } \
   /^Installing/ { printf "\n  unpacking …\n" } { fflush() }'

$(VENV)/.ready: requirements.txt pyproject.toml | $(VENV)/.made
	@echo "Installing locked packages: once, for two or three minutes …"
	@$(call INSTALL,requirements.txt)
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt $(VENV)/.ready
	@echo "Installing locked packages for tests: once, for a minute or two …"
	@$(call INSTALL,requirements-dev.txt)
	@touch $@

clean:
	rm -rf $(VENV)
