# `make demo`, `make test` and `make lint` create .venv when it is missing and install what they need.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-oldest lint clean

demo: .venv/.demo
	$(BIN)/assay demo

# One thread: tests are small, and threads that wait for each other take ten times as long on a busy machine.
test: .venv/.dev
	$(MAKE) --no-print-directory lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -q

# pytest imports the plugin at every start of it, so it is tested with the oldest pytest that it allows, too.
test-oldest: .venv/.dev .venv/.oldest
	PYTHONPATH=.venv/oldest OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -p no:cacheprovider tests/plugin

.venv/.oldest: Makefile
	rm -rf .venv/oldest
	$(BIN)/python -m pip install -q --target .venv/oldest 'pytest==8.0.0' 'pytest-xdist==3.6.1'
	@touch $@

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A stamp for each set of extras: what is installed already is not looked at again.
.venv/.demo: pyproject.toml constraints.txt | .venv/.pip
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[demo]'
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | .venv/.pip
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[demo,dev]'
	@touch $@ .venv/.demo

# Older pips than this take minutes to resolve what a newer one resolves in seconds.
.venv/.pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "assay needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -U 'pip>=25'
	@touch $@

clean:
	rm -rf .venv build *.egg-info
