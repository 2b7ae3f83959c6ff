# make demo   a call answered on this machine, without any account
# make test   lint, types, layering and the whole test suite
# make witnesses   other people's Realtime clients and servers against ours
.PHONY: demo test setup lint types layers pytest witnesses schema speech requirements clean

# The newest interpreter that is good enough; PYTHON=... overrides.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
BIN := .venv/bin
READY := .venv/ready
WITNESSES := .venv-witnesses

demo: setup
	@$(BIN)/tm demo

test: setup lint types layers pytest

setup: $(READY)

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "tm needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "setting up .venv with $(PYTHON) (once; about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

layers:
	$(BIN)/lint-imports --no-logo

# Unit tests only compute: one process a core, each of which imports all of them. The others wait for sockets
# and clocks: four at a time, more than there may be cores, and who is done takes from those who are not.
pytest:
	$(BIN)/pytest -n auto --ignore tests/e2e
	$(BIN)/pytest -n 4 --dist worksteal tests/e2e

witnesses: setup $(WITNESSES)/ready
	$(BIN)/pytest tests/witnesses

$(WITNESSES)/ready: tests/witnesses/requirements.txt
	@$(PYTHON) -m venv $(WITNESSES)
	@$(WITNESSES)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r tests/witnesses/requirements.txt
	@touch $@

schema: setup
	$(BIN)/tm schema

# The clips that sandbox callers and the sandbox model speak; needs Debian's flite and sox.
speech: setup
	$(BIN)/python -m sandbox.speech.make

# Pins every dependency with its hashes, for every supported Python; needs uv.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

requirements:
	$(COMPILE) --group dev --output-file requirements.txt pyproject.toml
	$(COMPILE) --output-file tests/witnesses/requirements.txt tests/witnesses/requirements.in
	echo speech-to-speech==1.1.0 | $(COMPILE) --no-deps --no-annotate - >> tests/witnesses/requirements.txt

clean:
	rm -rf .venv $(WITNESSES) .tm .mypy_cache .ruff_cache .pytest_cache .hypothesis
