# `make search` on a fresh machine with Python 3.11, 3.12 or 3.13: set up, then choose and train an encoder for real data.
# The first one that runs and can make an environment is taken; make PYTHON=... names another.
FITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for found in python3.11 python3.12 python3.13 python3 python $(HOME)/.pyenv/versions/3.1[123].*/bin/python; \
	do "$$found" -c '$(FITS)' >/dev/null 2>&1 && { echo "$$found"; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
OUTPUT ?= runs/ETTh1

.PHONY: search test test-search test-parts survive soak fuzz lint bench docs site setup clean
.DEFAULT_GOAL := search

search: $(STAMP)
	$(BIN)/tscnas search examples/data/ETTh1.csv --task forecasting --effort fast --output $(OUTPUT) $(ARGS)

# two halves side by side, as there are two cores; with ARGS, such as ARGS="-k forecasts", all in one
test: $(DEV)
ifdef ARGS
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)
else
	$(MAKE) --no-print-directory -j 2 test-search test-parts
endif

# so that both halves take as long: what the search is made of is in the other one
PARTS_OF_NAS := $(addprefix tests/nas/,combining cost engines labels picture replay saved strategies training trials)
SEARCH_TESTS := $(filter-out $(PARTS_OF_NAS),$(wildcard tests/nas/*))

test-search: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(SEARCH_TESTS)

test-parts: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(addprefix --ignore=,$(SEARCH_TESTS))

# hostile files for every reader, parser and loader: 20,000 and more inputs, about five minutes, the same ones every time
fuzz: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/fuzz --fuzz-inputs 20000 $(ARGS)

# kills workers and drivers at random moments, fills disks, presses Ctrl-C, lets a Ray node leave: half an hour to an hour
survive: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/survival tests/nas/engines --kills 20 $(ARGS)

# two hours of seed generation with random kills: make soak ARGS="MANIFEST --data FOLDER --output FOLDER"
soak: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python tests/survival/soak.py $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# nine speed benchmarks: make bench ARGS="--public TS2VEC --autocts AUTOCTS --reference EARLIER", paths of checkouts
bench: $(DEV)
	$(BIN)/python benchmarks/all.py $(ARGS)

# what the registry says of every option and preset; a test compares
docs: $(DEV)
	$(BIN)/tscnas space --markdown > docs/options.md.new
	mv docs/options.md.new docs/options.md

# the pages below docs and the reference of Python, as a site in ./site; a warning is an error
site: $(DEV)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

setup: $(DEV)

NO_PYTHON := no Python 3.11, 3.12 or 3.13 was found: install one (with its venv module, on Debian python3.11-venv), or say where it is with make PYTHON=/path/to/python
ENVIRONMENT = @test -x $(BIN)/python || { test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 2; }; $(PYTHON) -m venv $(VENV); }

# one step brings everything, with the proven versions: an unpinned torch would come with gigabytes of CUDA libraries;
# a search needs half of it, and half of the time
$(STAMP): setup.cfg pyproject.toml constraints.txt
	$(ENVIRONMENT)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e . -c constraints.txt
	touch $@

$(DEV): setup.cfg pyproject.toml constraints.txt
	$(ENVIRONMENT)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $(STAMP) $@

clean:
	rm -rf $(VENV) build site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
