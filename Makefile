# make demo: a photograph through a segmentation-aware network, into demo_output/
# make test: the tests of every day; make test-slow: the full-size networks

PYTHON ?= python3
VENV ?= .venv
# a CPU or GPU build of your choice; the package itself asks for torch>=2.4
TORCH ?= torch==2.13.0
BIN := $(VENV)/bin

.PHONY: demo test test-slow lint clean

demo: $(VENV)/.demo
	$(BIN)/python scripts/demo.py --output demo_output
	$(BIN)/python scripts/demo_filter.py --output demo_output

test: $(VENV)/.test lint
	$(BIN)/python -m pytest -q -n auto -m "not slow"

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -q -m slow

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(VENV)/.%: setup.py
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet "$(TORCH)"
	$(BIN)/pip install --quiet --editable ".[$*]"
	touch $@

clean:
	rm -rf $(VENV) demo_output build *.egg-info
