# Every target needs Python 3.11 or newer with its venv module, and nothing else; what they install is in .venv.
#   make run      the daemon in the foreground          make test     the whole suite
#                 (with the hermes.toml of this folder, where there is one)
#   make demo     a conversation that is cut short      make lint     style, types, layers
#   make bench    measures what a message costs         make races    resets that race the exhaustion of a pool
#   make crash    kills the daemon, N=200 times         make sim      plays N=2000 seeds of the simulation
#   make test-newest   what a newer trio can break, on the newest there is
#   make rows     spoils each value of each row in each way, one life each: an hour of one core
#   make mutants  hunts deliberate mistakes in the gateway with N=2000 seeds each
# ARGS="..." is passed on. PYTHON=python3.12 makes .venv with another Python.
# A target that fails ends make with status 2 and names the program's own status ("Error 75").

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input install --constraint constraints.txt

.PHONY: run test test-newest lint bench crash demo races rows sim mutants FORCE
.NOTPARALLEL:

run: .venv/.installed
	@exec $(BIN)/hermes-trio run $(if $(wildcard hermes.toml),--config hermes.toml) $(ARGS)

test: .venv/.installed-dev
	@$(BIN)/python -m pytest -n 2 $(ARGS)

test-newest: .venv/.installed-dev
	@$(BIN)/python -m tests.newest

lint: .venv/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/flake8
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache

bench: .venv/.installed-dev
	@$(BIN)/python -m tests.bench $(ARGS)

demo: .venv/.installed-dev
	@$(BIN)/python -m tests.demo $(ARGS)

crash: .venv/.installed-dev
	@$(BIN)/python -m tests.crash.matrix $(or $(N),200)

races: .venv/.installed-dev
	@$(BIN)/python -m tests.river.races $(or $(N),2000)

rows: .venv/.installed-dev
	@HERMES_TRIO_ROWS=1 $(BIN)/python -m pytest -n 2 tests/river/test_spoilt_rows.py $(ARGS)

sim: .venv/.installed-dev
	@$(BIN)/hermes-trio simulate --seeds 1..$(or $(N),2000) $(ARGS)

mutants: .venv/.installed-dev
	@$(BIN)/python -m tests.mutants $(or $(N),2000) $(ARGS)

.venv/.installed: .venv/.python pyproject.toml constraints.txt
	@echo "Installing hermes-trio into .venv" >&2
	@$(PIP) --editable .
	@touch $@

.venv/.installed-dev: .venv/.python pyproject.toml constraints.txt
	@echo "Installing hermes-trio and its tools into .venv" >&2
	@$(PIP) --editable '.[dev]'
	@touch $@ .venv/.installed

# Holds the PYTHON that .venv was made with, and is written only when that has changed.
.venv/.python: FORCE
	@if [ "$$(cat $@ 2>/dev/null)" != "$(PYTHON)" ]; then \
	  command -v "$(PYTHON)" >/dev/null || { \
	    echo "There is no $(PYTHON). On Debian: apt install python3 python3-venv" >&2; exit 1; }; \
	  "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$$("$(PYTHON)" --version) is too old: hermes-trio needs Python 3.11 or newer." \
	      "Name another one: make PYTHON=python3.11" >&2; exit 1; }; \
	  "$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "$(PYTHON) cannot make virtual environments. On Debian: apt install python3-venv" >&2; exit 1; }; \
	  if [ -f $@ ]; then rm -rf .venv; fi; \
	  "$(PYTHON)" -m venv .venv && echo "$(PYTHON)" >$@; \
	fi
