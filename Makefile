# `make run` trains the seven lessons and builds the report; `make test` checks everything. Both set up what they need.

PYTHON ?= python3
BIN := .venv/bin
SEEDS ?= 30

.PHONY: run test test-long lint system lock clean

run: .venv/ready
	$(BIN)/python -m orchestrator run all --seeds $(SEEDS)

test: .venv/ready system lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-long: .venv/ready system
	$(BIN)/python -m pytest -m "long or cluster"

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The browser, ssh and network tools that some tests use; without root they are named, and those tests skip.
system:
	@scripts/system-packages chromium openssh-server iproute2 rsync

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Resolve the versions anew. Needs uv.
lock:
	uv pip compile --quiet --generate-hashes --no-emit-index-url --python-version 3.11 --extra dev \
		--custom-compile-command "make lock" pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv results build *.egg-info
