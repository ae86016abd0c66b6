# Every target needs Python 3.11 or newer with its venv module, and nothing else; what they install is in .venv.
#   make run      the daemon in the foreground          make test     the whole suite
#                 (with the hermes.toml of this folder, where there is one)
#   make demo     a conversation that is cut short      make lint     style, types, layers
#   make bench    measures what a message costs         make races    resets that race the exhaustion of a pool
#   make crash    kills the daemon, N=200 times         make sim      plays N=2000 seeds of the simulation
#   make demo-nodes   three daemons on one PostgreSQL of its own are one bot, and the busiest is killed
#   make crash-nodes  kills, freezes and cuts off daemons that share a PostgreSQL, N=48 times
#   make test-newest   what a newer trio can break, on the newest there is
#   make reference     writes build/reference.md: every public name, with what its docstring says
#   make witnesses     our models against servers of others, installed for that (LiteLLM's proxy)
#   make picture  plays the demo and draws docs/picture.svg of it
#   make rows     spoils each value of each row in each way, one life each: minutes of one core
#   make mutants  hunts deliberate mistakes in the gateway with N=2000 seeds each
#   make test-postgres  the tests of turns, intake, delivery and gateway on PostgreSQL: minutes of two cores
#   make test-postgres-slice   a quick part of them, beside those of the store; HERMES_TRIO_POSTGRES=FOLDER
#                 names another server's programs than the wheel's: /usr/lib/postgresql/15/bin
#   make test-slice     a quick part of the suite, for another Python: VENV=.venv-3.13 PYTHON=python3.13
# ARGS="..." is passed on. PYTHON=python3.12 makes .venv with another Python, VENV=... elsewhere.
# A target that fails ends make with status 2 and names the program's own status ("Error 75").

PYTHON ?= python3
ARGS ?=
VENV ?= .venv
BIN := $(VENV)/bin
# What another Python could break, in less than a minute.
SLICE := tests/text tests/transcript tests/values tests/store tests/conformance/test_stores.py tests/runtime tests/config \
	tests/websocket tests/terminal
# The way of a message on PostgreSQL, in a minute or two.
POSTGRES_SLICE := tests/turns/test_turns.py tests/turns/test_resets.py tests/turns/test_recovery.py \
	tests/intake/test_commands.py tests/intake/test_moved_chats.py tests/gateway/test_drain.py \
	tests/store/test_postgres_store.py tests/store/test_postgres_servers.py tests/store/test_postgres_versions.py \
	tests/store/test_postgres_leases.py tests/store/test_two_connections.py tests/store/test_lost_connections.py \
	tests/store/test_move.py tests/store/test_leases.py tests/store/test_shared_keys.py
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input install --constraint constraints.txt

.PHONY: run test test-slice test-postgres test-postgres-slice test-newest lint bench crash crash-nodes demo demo-nodes picture races reference rows sim mutants witnesses FORCE
.NOTPARALLEL:

run: $(VENV)/.installed
	@exec $(BIN)/hermes-trio run $(if $(wildcard hermes.toml),--config hermes.toml) $(ARGS)

test: $(VENV)/.installed-dev
	@$(if $(ARGS),,echo "About 8 minutes on two cores; each row of dots ends with how much is done." \
		'A part of it: make test ARGS="tests/turns", or make test-slice, less than a minute.' >&2)
	@$(BIN)/python -m pytest -n 2 $(ARGS)

test-slice: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -n 2 $(SLICE) $(ARGS)

test-postgres: $(VENV)/.installed-dev
	@HERMES_TRIO_WORLDS=postgres $(BIN)/python -m pytest -n 2 --timeout 600 \
		tests/turns tests/intake tests/delivery tests/gateway $(ARGS)

test-postgres-slice: $(VENV)/.installed-dev
	@HERMES_TRIO_WORLDS=postgres $(BIN)/python -m pytest -n 2 $(POSTGRES_SLICE) $(ARGS)

test-newest: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.newest

witnesses: $(VENV)/.installed-dev .venv-witnesses/.installed
	@$(BIN)/python -m pytest -n 0 tests/witnesses $(ARGS)

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/flake8
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache

bench: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.bench $(ARGS)

demo: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.demo $(ARGS)

demo-nodes: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.demo.nodes

picture: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.demo docs/picture.svg

crash: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.crash.matrix $(or $(N),200)

crash-nodes: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.crash.node_matrix $(or $(N),48)

races: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.invariants.races $(or $(N),2000)

reference: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.documents.reference

rows: $(VENV)/.installed-dev
	@HERMES_TRIO_ROWS=1 $(BIN)/python -m pytest -n 2 tests/store/test_spoilt_rows.py $(ARGS)

sim: $(VENV)/.installed-dev
	@$(BIN)/hermes-trio simulate --seeds 1..$(or $(N),2000) $(ARGS)

mutants: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.mutants $(or $(N),2000) $(ARGS)

.venv-witnesses/.installed: tests/witnesses/constraints.txt
	@echo "Installing the witnesses into .venv-witnesses" >&2
	@$(PYTHON) -m venv .venv-witnesses
	@.venv-witnesses/bin/python -m pip --quiet --quiet --disable-pip-version-check --no-input install \
		--constraint $< 'litellm[proxy]'
	@touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing hermes-trio into $(VENV)" >&2
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing hermes-trio and its tools into $(VENV)" >&2
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed

# Holds the PYTHON that .venv was made with, and is written only when that has changed.
$(VENV)/.python: FORCE
	@if [ "$$(cat $@ 2>/dev/null)" != "$(PYTHON)" ]; then \
	  command -v "$(PYTHON)" >/dev/null || { \
	    echo "There is no $(PYTHON). On Debian: apt install python3 python3-venv" >&2; exit 1; }; \
	  "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$$("$(PYTHON)" --version) is too old: hermes-trio needs Python 3.11 or newer." \
	      "Name another one: make PYTHON=python3.11" >&2; exit 1; }; \
	  "$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "$(PYTHON) cannot make virtual environments. On Debian: apt install python3-venv" >&2; exit 1; }; \
	  if [ -f $@ ]; then rm -rf $(VENV); fi; \
	  "$(PYTHON)" -m venv $(VENV) && echo "$(PYTHON)" >$@; \
	fi
