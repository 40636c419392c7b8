# Both main targets start from a bare Python 3.11: they make their own virtual environment.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
BACKENDS := tensorflow jax torch
READY := $(VENV)/.ready

.PHONY: demo test test-all lint clean $(BACKENDS:%=test-%)

demo: $(READY)
	$(BIN)/keras-seq demo --out demo

# One process per backend, all at once, with one thread for the mathematics of each: more would wait
# for each other.
# `test` is what a commit needs: all but the slow tests on PyTorch, which starts fastest, and on the
# other two those that hold a backend to the numbers. `test-all` is every test on each.
test: export TESTS_torch := not slow
test: export TESTS_jax := every_backend and not slow
test: export TESTS_tensorflow := every_backend and not slow
test test-all: export OMP_NUM_THREADS := 1
test test-all: export TF_NUM_INTRAOP_THREADS := 1
test test-all: lint
	$(MAKE) --jobs=3 --keep-going --output-sync=target $(BACKENDS:%=test-%)

$(BACKENDS:%=test-%): test-%: $(READY)
	KERAS_BACKEND=$* $(BIN)/python -m pytest -m "$(TESTS_$*)"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

$(READY): pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[jax,torch,plots,serving,onnx,dev]'
	touch $@

clean:
	rm -rf $(VENV) demo build dist *.egg-info
