"""What all tests share: the order of imports, the seed, the way to `cases` and `checks`."""

import dataclasses
import gc
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The programs are tiny, and most of the time goes into compiling them: XLA shall spend none on
# making them fast, send no operation through MLIR on its way to LLVM, and not split any of them.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
    " --xla_cpu_parallel_codegen_split_count=1",
)
if os.environ.get("KERAS_BACKEND") == "torch":
    import torch  # noqa: F401  (after TensorFlow it can crash the process)

import keras
import pytest

from keras_seq import models

if keras.config.backend() == "jax":
    # The tests build the same little layers over and over: compile each of them once.
    import jax

    COMPILED = tempfile.TemporaryDirectory(prefix="keras_seq_tests_")
    jax.config.update("jax_compilation_cache_dir", COMPILED.name)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

sys.path.insert(0, str(pathlib.Path(__file__).parent))  # `from cases import ...` in any folder

# A test builds the model that it names, and no more: tests/models/test_recipe.py holds the recipes.
for task in (models.Seq2Seq, models.LanguageModel, models.TextClassifier, models.TextTagger):
    task.recipe = dataclasses.replace(task.recipe, model={})


# Nothing in these computes with the backend: once is enough, where a process starts fastest.
WITHOUT_BACKEND = ("text", "datasets")


def pytest_addoption(parser):
    parser.addoption(
        "--fuzz-seconds",
        type=float,
        help="how long tests/test_fuzz.py looks for input that breaks a model (12 otherwise)",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "once: the same on each backend, and run on PyTorch alone")
    config.addinivalue_line("markers", "slow: not in `make test`, but in `make test-all`")
    config.addinivalue_line(
        "markers", "every_backend: in `make test` too on each backend, and not on PyTorch alone"
    )


def pytest_collection_modifyitems(items):
    if keras.config.backend() == "torch":
        return
    here = pathlib.Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        alike = folder in WITHOUT_BACKEND and not item.get_closest_marker("every_backend")
        if alike or item.get_closest_marker("once"):
            item.add_marker(pytest.mark.skip(reason="the same on each backend: see PyTorch"))


@pytest.fixture(scope="module", autouse=True)
def _little_to_collect():
    """What lives by now is not looked through again by every collection of garbage.

    Keras starts one wherever a layer gives up a weight, as each does that is quantised.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _seed():
    """No test depends on the ones that ran before it."""
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def eagerly():
    """TensorFlow runs each step as it is: making a graph of it takes seconds.

    For files that ask what goes into a model and comes out of it. In graphs the same steps run in
    the common checks (`tests/models/test_every_task.py`), the golden files, and trainings.
    """
    if keras.config.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def policy():
    """Return a setter of the global dtype policy, which is put back afterwards."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)
