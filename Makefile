# Commands of the project. `make` alone lists them.
#
#   make test PYTHON=python3.12     with another Python (>= 3.10)
#   make test VENV=/tmp/venv        with another virtual environment
#   make test PARALLEL=             in one process
#
# Packages are installed once, and again only when setup.py changes.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WHEEL_VENV ?= .venv-wheel
WHEEL_TESTS ?= tests
PYTEST_FLAGS ?=
# One process a core, a file of tests in one of them: models that a file shares
# are built once.
PARALLEL ?= --numprocesses=auto --dist=loadfile
# Each of them with a thread a core would wait in NumPy's products most of the
# time.
export OPENBLAS_NUM_THREADS ?= 1

# TensorFlow's start-up notes would bury our own output.
export TF_CPP_MIN_LOG_LEVEL := 2

.DEFAULT_GOAL := help
.PHONY: help quickstart test test-all lint format wheel-test build-files \
	clean distclean
.DELETE_ON_ERROR:

help: ## Lists the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' $(MAKEFILE_LIST) \
		| awk -F': ' '{printf "make %-12s %s\n", $$1, $$2}'

quickstart: $(VENV)/.tfsnn ## Installs, converts the shipped network, shows it
	$(BIN)/tfsnn quickstart --overwrite

test: $(VENV)/.tfsnn-test ## Installs and runs the tests (<= 10 minutes)
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" $(PYTEST_FLAGS)

test-all: $(VENV)/.tfsnn-test ## The same with the heavy tests
	$(BIN)/python -m pytest $(PARALLEL) $(PYTEST_FLAGS)

lint: $(VENV)/.tfsnn-test ## Checks style and format; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.tfsnn-test ## Formats the code, repairs what is safe
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build-files: $(VENV)/.tfsnn ## Rewrites the BUILD files from the imports
	$(BIN)/python -m tfsnn_tools.build_files

# The wheel goes alone into a fresh environment; what it depends on is borrowed
# from $(VENV) by a path file, because a second TensorFlow would take minutes.
# Path files of a borrowed folder are not read, so the editable install in
# $(VENV) stays invisible. The tests run as a copy: the checkout is not on the
# path.
wheel-test: $(VENV)/.tfsnn-test ## Tests a built wheel from another folder
	rm -rf build dist $(WHEEL_VENV)
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/python -m venv $(WHEEL_VENV)
	$(WHEEL_VENV)/bin/python -m pip install --no-deps dist/*.whl
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
		> "$$($(WHEEL_VENV)/bin/python -c \
		"import sysconfig; print(sysconfig.get_path('purelib'))")/deps.pth"
	$(WHEEL_VENV)/bin/python -m pip check
	mkdir $(WHEEL_VENV)/run
	cp -R tests pyproject.toml $(WHEEL_VENV)/run
	cd $(WHEEL_VENV)/run && ../bin/python -I -c "import sys, tfsnn; \
		sys.exit(not tfsnn.__file__.startswith(sys.prefix))"
	cd $(WHEEL_VENV)/run && ../bin/python -m pytest \
		$(PARALLEL) -m "not slow and not checkout" $(PYTEST_FLAGS) \
		$(WHEEL_TESTS)

clean: ## Removes builds and caches, keeps $(VENV)
	rm -rf build dist *.egg-info .hypothesis .pytest_cache .ruff_cache
	rm -rf $(WHEEL_VENV)
	find tfsnn tools models tests -name __pycache__ -prune \
		-exec rm -rf {} +

distclean: clean ## Removes .venv as well
	rm -rf .venv

# Installation. `pip --version` fails after an interrupted set-up.

$(VENV)/.tfsnn: setup.py | $(BIN)/python
	$(call install,.)
	@touch $@

$(VENV)/.tfsnn-test: setup.py | $(BIN)/python
	$(call install,.[test])
	@touch $@ $(VENV)/.tfsnn

define install
@echo "Installing tfsnn; TensorFlow is large, the first time takes minutes."
@$(BIN)/python -m pip --version > /dev/null 2>&1 \
	|| $(BIN)/python -m ensurepip --upgrade
$(BIN)/python -m pip install --editable "$(1)"
endef

$(BIN)/python:
	@command -v "$(PYTHON)" > /dev/null || { \
		echo "make: '$(PYTHON)' not found. Needed: Python >= 3.10." \
			"Install it, or name it: make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	@"$(PYTHON)" -c "import sys; sys.exit(sys.version_info < (3, 10))" || { \
		echo "make: $$("$(PYTHON)" --version 2>&1) is too old." \
			"Needed: Python >= 3.10." \
			"Name a newer one: make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	@"$(PYTHON)" -c "import ensurepip, venv" 2> /dev/null || { \
		echo "make: this Python has no complete 'venv' module. Install" \
			"it (Debian, Ubuntu: apt install python3-venv), or name" \
			"another Python: make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	"$(PYTHON)" -m venv "$(VENV)"
