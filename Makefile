# `make run` trains the seven lessons and builds the report; `make test` checks everything. Both set up what they need.

PYTHON ?= python3
BIN := .venv/bin
SEEDS ?= 30
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python

.PHONY: run test test-long lint docs system lock clean

run: .venv/ready
	$(BIN)/python -m orchestrator run all --seeds $(SEEDS)

test: .venv/tests system lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-long: .venv/tests system
	$(BIN)/python -m pytest -m "long or cluster"

lint: .venv/tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

# site/index.html: the pages of this repository, and the API from its docstrings.
docs: .venv/tests
	$(BIN)/sphinx-build -q -W --keep-going -c docs -d build/doctrees . site

# The browser with its font, ssh and network tools that some tests use. Without root they are named: tests of pages fail then, the others skip.
system:
	@scripts/system-packages chromium fonts-liberation openssh-server iproute2 rsync

# What a run needs; what tests need besides.
.venv/ready: requirements.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(UV) --require-hashes -r requirements.lock
	$(UV) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/tests: .venv/ready requirements-dev.lock
	$(UV) --require-hashes -r requirements-dev.lock
	@touch $@

# Resolve the versions anew.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
lock: .venv/ready
	$(LOCK) pyproject.toml --output-file requirements.lock
	$(LOCK) pyproject.toml --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	echo uv | $(LOCK) - --output-file requirements-uv.lock

clean:
	rm -rf .venv results build site *.egg-info
