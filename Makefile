# Two commands matter: `make demo` and `make test`. Each sets up its own environment from hash-locked requirements.
# TAHDIKAS_HOME names the folder of all data (default: ./home).

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SOURCE ?= simulated
TAHDIKAS_HOME ?= $(CURDIR)/home
export TAHDIKAS_HOME

.PHONY: help demo serve test test-all check format bench screens lock clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# LightGBM needs the system's OpenMP runtime (Debian: libgomp1). Where there is none, lend it scikit-learn's own copy.
OPENMP := $(CURDIR)/$(VENV)/openmp
LEND_OPENMP = { mkdir -p $(OPENMP) && ln -sf $(CURDIR)/$(VENV)/lib/python3.11/site-packages/scikit_learn.libs/libgomp-*.so* $(OPENMP)/libgomp.so.1; }
export LD_LIBRARY_PATH := $(OPENMP)$(if $(LD_LIBRARY_PATH),:$(LD_LIBRARY_PATH))

# Compiled once here, not at every start: a service starts in two thirds of the time, and so does each command.
export UV_COMPILE_BYTECODE := 1

# One stamp a lock file: an environment is brought up to date whenever its lock changes, and never otherwise.
$(BIN)/uv: requirements/bootstrap.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: '$(PYTHON)' was not found. Install it, or name it: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	-$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@test -e $@ || printf '#!/bin/sh\nshift; exec "$$(dirname "$$0")/python" -m "pip" "$$@"\n' > $@ && chmod +x $@
	@touch $@

$(VENV)/.%: requirements/%.txt pyproject.toml $(BIN)/uv
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --require-hashes -r $<
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q features pipelines serving training
	@$(BIN)/python -c "import ctypes; ctypes.CDLL('libgomp.so.1')" 2>/dev/null || $(LEND_OPENMP)
	@touch $@

DEMO_NEEDS := $(if $(filter complete_journey,$(SOURCE)),$(VENV)/.complete-journey,$(VENV)/.base)
demo: $(DEMO_NEEDS) ## set up, then watch a shop's events become tactful answers (SOURCE=complete_journey for real households)
	$(BIN)/tahdikas demo --source $(SOURCE) $(DEMO_ARGS)

serve: $(VENV)/.base ## serve the API and the console on http://127.0.0.1:8080
	$(BIN)/tahdikas serve

test: $(VENV)/.dev ## the tests, at most ten minutes
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: $(VENV)/.dev ## the tests with the slow suites; laws are tried on new examples at each run
	HYPOTHESIS_PROFILE=searching $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev ## format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## measure quality and speed; writes benchmarks/results/ and docs/benchmarks.md
	$(BIN)/python -m benchmarks

COMPILE := pip compile --quiet --generate-hashes --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock"
screens: $(VENV)/.dev ## pictures of every page of the console, into screens/ (Debian: chromium)
	$(BIN)/python -m tests.console.screens

lock: $(BIN)/uv ## renew the locked requirements
	echo uv | $(BIN)/uv $(COMPILE) - -o requirements/bootstrap.txt
	$(BIN)/uv $(COMPILE) --all-extras pyproject.toml -o requirements/dev.txt
	$(BIN)/uv $(COMPILE) -c requirements/dev.txt --extra build pyproject.toml -o requirements/base.txt
	$(BIN)/uv $(COMPILE) -c requirements/dev.txt --extra build --extra postgresql --extra traces --extra valkey pyproject.toml -o requirements/grown.txt
	$(BIN)/uv $(COMPILE) -c requirements/dev.txt --extra build --extra complete-journey pyproject.toml -o requirements/complete-journey.txt

clean: ## remove the environment and all made data
	rm -rf $(VENV) home
