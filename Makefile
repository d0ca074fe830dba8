# make demo: a photograph through a segmentation-aware network, into demo_output/
# make test: the tests of every day; make test-slow: the full-size networks and other tests of minutes
# make docs: the site of the pages under docs/, into build/site/, to be opened from disk
# make fuzz SECONDS=60: damaged files for every reader, for so long in all; what one cannot take goes to fuzz_findings/
# make test-asan: the tests of the operators, with every access of the compiled kernels to memory checked (GCC with libasan)
# make test-oldest: the tests of every day on the oldest versions that setup.py allows, in an environment of their own

PYTHON ?= python3
VENV ?= .venv
OLDEST ?= .venv-oldest
# a CPU or GPU build of your choice; setup.py says which are old enough
TORCH ?= torch==2.13.0
BIN := $(VENV)/bin

.PHONY: demo docs fuzz test test-slow test-asan test-oldest lint clean

demo: $(VENV)/.demo
	$(BIN)/python scripts/demo.py --output demo_output
	$(BIN)/python scripts/demo_filter.py --output demo_output

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env --conf-dir docs . build/site
	@echo "build/site/index.html"

test: $(VENV)/.test lint
	$(BIN)/python -m pytest -q -n auto -m "not slow"

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -q -n auto -m slow

SECONDS ?= 60

fuzz: $(VENV)/.fuzz
	PYTHONPATH=tests:. $(BIN)/python -m fuzz.run --seconds $(SECONDS)

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

# the compiled kernels with every access to memory checked, in the tests of the operators
NATIVE := segaware_caffe/ops/native
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

test-asan: $(VENV)/.test build/asan/kernels.so
	LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0 SEGAWARE_CAFFE_NATIVE=$(CURDIR)/build/asan/kernels.so \
		$(BIN)/python -m pytest -q tests/ops

build/asan/kernels.so: $(NATIVE)/native.cpp $(NATIVE)/kernels.inl $(NATIVE)/convolution.inl $(NATIVE)/winograd.inl $(NATIVE)/fingerprint.py
	mkdir -p $(@D)
	$(CXX) -O1 -g -std=c++17 -fopenmp -fPIC -shared $(SANITIZE) -DSEGAWARE_SOURCES="\"$$($(PYTHON) $(NATIVE)/fingerprint.py)\"" $< -o $@

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.%: setup.py
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet "$(TORCH)"
	$(BIN)/pip install --quiet --editable ".[$*]"
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST) demo_output build *.egg-info
