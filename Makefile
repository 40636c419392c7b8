# Both main targets start from a bare Python 3.11: they make their own virtual environment.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
BACKENDS := jax tensorflow torch
READY := $(VENV)/.ready
ENGINES := $(VENV)/engines
PAGE := keras_seq/explorer/static/index.html
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)

.PHONY: demo test test-all test-engines test-explorer explorer tutorials lint docs clean $(BACKENDS:%=test-%-models) $(BACKENDS:%=test-%-rest)

demo: $(READY)
	$(BIN)/keras-seq demo --out demo
	echo "le 27 septembre 2016" | $(BIN)/keras-seq generate dates

# Two processes per backend, one of them for the models, and one for style and types; as many at
# once as there are processors, and two more. Each has one thread for the mathematics: more would
# wait for each other. What takes longest begins first.
# `test` is what a commit needs: all but the slow tests on PyTorch, which starts fastest, and on the
# other two those that hold a backend to the numbers. `test-all` is every test on each.
test: PARTS := torch-models torch-rest jax-rest tensorflow-rest tensorflow-models jax-models
test: export TESTS_torch := not slow
test: export TESTS_jax := every_backend and not slow
test: export TESTS_tensorflow := every_backend and not slow
test-all: PARTS := tensorflow-models jax-rest tensorflow-rest jax-models torch-rest torch-models engines \
	$(if $(shell command -v npm),explorer)
test test-all: export OMP_NUM_THREADS := 1
test test-all: export TF_NUM_INTRAOP_THREADS := 1
test test-all: $(READY)
	$(MAKE) --jobs=$(JOBS) --keep-going --output-sync=target \
		$(PARTS:%=test-%) lint

$(BACKENDS:%=test-%-models): test-%-models: $(READY)
	KERAS_BACKEND=$* $(BIN)/python -m pytest -m "$(TESTS_$*)" tests/models

$(BACKENDS:%=test-%-rest): test-%-rest: $(READY)
	KERAS_BACKEND=$* $(BIN)/python -m pytest -m "$(TESTS_$*)" --ignore=tests/models

# Ray Data and Apache Beam. They take 700 MB, and Beam wants older versions of what the others use: so
# they have an environment of their own, which lies over the other one.
test-engines: $(ENGINES)/.ready
	KERAS_BACKEND=tensorflow $(ENGINES)/bin/python -m pytest tests/distributed/test_engines.py

$(ENGINES)/.ready: $(READY) constraints-engines.txt
	$(BIN)/python -m venv $(ENGINES)
	site() { $$1/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))"; }; \
	echo "import site; site.addsitedir('$$(site $(VENV))')" > "$$(site $(ENGINES))/under.pth"
	$(ENGINES)/bin/python -m pip install --quiet --requirement constraints-engines.txt
	touch $@

# The page of `keras-seq explore`, in keras_seq/explorer/static/. It needs Node 20; `test-all` tests
# it where that is there, in the browser where Chromium is.
explorer: $(PAGE)

$(PAGE): explorer/node_modules/.package-lock.json $(shell find explorer/src explorer/models explorer/public explorer/*.* -type f)
	cd explorer && npm run build

test-explorer: $(PAGE)
	cd explorer && npm run check && npm test && npm run test:browser && npm run test:jupyter

explorer/node_modules/.package-lock.json: explorer/package.json explorer/package-lock.json
	cd explorer && npm ci
	touch $@

# All lessons in their full form, on KERAS_BACKEND (PyTorch); LESSONS="02 03" for some of them.
tutorials: $(READY)
	$(BIN)/python tutorials/build.py $(LESSONS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

# The site, in site/: `python -m http.server --directory site` shows it. KaTeX is fetched once.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

$(VENV)/.docs: pyproject.toml constraints.txt docs/hooks/katex.py
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python docs/hooks/katex.py $(VENV)/katex
	touch $@

$(READY): pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[jax,torch,plots,serving,onnx,widget,tutorials,dev]'
	touch $@

clean:
	rm -rf $(VENV) demo build dist site *.egg-info explorer/node_modules keras_seq/explorer/static
