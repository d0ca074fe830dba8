# make demo: a photograph through a segmentation-aware network, into demo_output/
# make test: the tests of every day; make test-slow: the full-size networks and other tests of minutes
# make test-oldest: the tests of every day on the oldest versions that setup.py allows, in an environment of their own

PYTHON ?= python3
VENV ?= .venv
OLDEST ?= .venv-oldest
# a CPU or GPU build of your choice; setup.py says which are old enough
TORCH ?= torch==2.13.0
BIN := $(VENV)/bin

.PHONY: demo test test-slow test-oldest lint clean

demo: $(VENV)/.demo
	$(BIN)/python scripts/demo.py --output demo_output
	$(BIN)/python scripts/demo_filter.py --output demo_output

test: $(VENV)/.test lint
	$(BIN)/python -m pytest -q -n auto -m "not slow"

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -q -m slow

test-oldest: $(OLDEST)/.test
	$(OLDEST)/bin/python -m pytest -q -n auto -m "not slow"

$(OLDEST)/.test: setup.py scripts/oldest_versions.py
	rm -rf $(OLDEST)
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/pip install --quiet packaging
	$(OLDEST)/bin/pip install --quiet --no-deps --editable .
	$(OLDEST)/bin/python scripts/oldest_versions.py > $(OLDEST)/requirements.txt
	$(OLDEST)/bin/pip install --quiet -r $(OLDEST)/requirements.txt
	touch $@

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(VENV)/.%: setup.py
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet "$(TORCH)"
	$(BIN)/pip install --quiet --editable ".[$*]"
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST) demo_output build *.egg-info
