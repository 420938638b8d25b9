# One command for each thing to do here. The environment is made by the first command that needs it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=
JOBS ?= auto

.DEFAULT_GOAL := help
.PHONY: help env clients demo stop test generated fuzz check lint types imports format bench clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "ARGS are passed on: make demo ARGS=--detach, make test ARGS='tests/config -k lines'"

env: $(VENV)/.installed ## make the environment in .venv (again when pyproject.toml has changed)

# Debian's Python has venv without ensurepip: the pip that is there installs one into the environment.
venv_without_ensurepip = { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) && \
	$(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }

# The stamp says that pyproject.toml as it is now has been installed.
$(VENV)/.installed: pyproject.toml
	@echo "making the environment in $(VENV) (a minute or two the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || $(venv_without_ensurepip)
	@$(BIN)/python -c 'import sys; sys.exit("Lakegate needs Python 3.11 or newer; try: make PYTHON=python3.12 env" if sys.version_info < (3, 11) else 0)' || { rm -rf $(VENV); exit 1; }
	$(PIP) install --quiet --editable '.[demo,dev]'
	@touch $@

demo: env ## lay out TPC-H over four sources, serve it, say how to connect; Ctrl-C stops it
	@$(BIN)/lakegate demo $(ARGS)

stop: env ## stop what `make demo ARGS=--detach` left running
	@$(BIN)/lakegate stop $(ARGS)

test: env ## run the tests, one process a core, a folder in one of them (JOBS=0: all in one)
	$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 --dist loadscope $(ARGS)

generated: env ## compare generated statements with PostgreSQL's answers for ten minutes (ARGS='--minutes 60 --seed x')
	$(BIN)/python -m tests.differential.generated $(ARGS)

fuzz: env ## have conversations that no honest client has with the gateway and PostgreSQL for ten minutes (ARGS='--minutes 60 --seed 7')
	$(BIN)/python -m tests.wire.long_run $(ARGS)

check: lint types imports test ## all checks: style, types, import contracts, tests

clients: env ## install the clients of the tests that `make env` does not: of npm, dbt, Superset, pgjdbc, psqlODBC, older psql; says which it cannot
	$(BIN)/python -m tests.clients.install

lint: env ## style (ruff) and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env ## types (mypy, strict)
	$(BIN)/mypy

imports: env ## import contracts (import-linter)
	$(BIN)/lint-imports

format: env ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.installed-bench: $(VENV)/.installed
	$(PIP) install --quiet --editable '.[demo,dev,bench]'
	@touch $@

bench: $(VENV)/.installed-bench ## run the benchmarks against their peers; tables go to benchmarks/results
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove the environment and caches, not data
	rm -rf $(VENV) .venv-dbt .venv-superset .venv-psql build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
