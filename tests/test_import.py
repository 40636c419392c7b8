"""`import keras_seq` costs nothing, and Keras finds the classes of saved files all the same."""

import os
import pickle
import subprocess
import sys

import keras
import pytest

import keras_seq as ks

HEAVY = "print(sorted({'keras', 'numpy', 'tensorflow', 'torch', 'jax'} & {*sys.modules}))"
# JAX is imported in half the time of PyTorch.
QUICK = {**os.environ, "KERAS_BACKEND": "jax"}
KNOWN = "print(len([n for n in keras.saving.get_custom_objects() if n.startswith('keras_seq>')]))"


def python(script, *words, env=None):
    """What a script prints in a process of its own, its lines."""
    command = [sys.executable, "-c", script, *map(str, words)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def registered():
    """How many classes are registered when all of the package is imported."""
    return sum(name.startswith("keras_seq>") for name in keras.saving.get_custom_objects())


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="it imports Keras in its midst")
def test_tensorflow_between_the_imports():
    assert python(f"import keras_seq, tensorflow, keras; {KNOWN}")[-1] == str(registered())


@pytest.mark.once
@pytest.mark.parametrize(
    "imports",
    [
        "import keras_seq, sys; assert 'layers' in dir(keras_seq)",
        "import sys; from keras_seq import __version__",
        "import sys, keras_seq.version, keras_seq.cli",
    ],
)
def test_the_import_alone_imports_nothing(imports):
    assert python(f"{imports}; {HEAVY}") == ["[]"]


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize(
    "imports",
    [
        "import keras_seq; keras_seq.datasets, keras_seq.layers.LSTM; import keras",
        "from keras_seq import models; models.Seq2Seq; import keras",
        "from keras_seq import *; layers.LSTM, analysis.text_scores; import keras",
        "from keras_seq.layers import LSTM; import keras",
        "import keras_seq.text.word_tokenizer; import keras",
        "import keras_seq\ndef f():\n  import keras\nf(); import keras",
        "import importlib, keras_seq; importlib.reload(keras_seq); import keras",
    ],
)
def test_every_way_in_registers_all_classes(imports):
    assert python(f"{imports}\n{KNOWN}", env=QUICK)[-1] == str(registered())


@pytest.mark.once
def test_a_name_that_there_is_not():
    with pytest.raises(AttributeError, match="module 'keras_seq' has no attribute 'layer'"):
        ks.layer  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'layer'"):
        from keras_seq import layer  # noqa: F401


@pytest.mark.slow
@pytest.mark.once
def test_a_pickle_is_read_without_any_import(tmp_path):
    path = tmp_path / "sampler.pickle"
    path.write_bytes(pickle.dumps([ks.samplers.Beam(3), ks.text.WordTokenizer, ks.layers.LSTM]))
    script = (
        "import pickle, sys; beam, *kinds = pickle.load(open(sys.argv[1], 'rb')); "
        "print(beam.width, *(kind.__name__ for kind in kinds))"
    )
    assert python(script, path, env=QUICK)[-1] == "3 WordTokenizer LSTM"


THREADS = """
import importlib.util, sys, threading, traceback
import keras_seq
PARTS = [f"keras_seq.{name}" for name in keras_seq.__all__]
PARTS = ["keras", *filter(importlib.util.find_spec, PARTS)]
failed = []
ready = threading.Barrier(len(PARTS))
def load(part):
    ready.wait()
    try:
        importlib.import_module(part)
    except BaseException:
        failed.append((part, traceback.format_exc()))
threads = [threading.Thread(target=load, args=(p,)) for p in PARTS]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(*failed, sep="\\n") if failed else None
import keras
"""


@pytest.mark.slow
@pytest.mark.once
def test_threads_that_import_at_once():
    assert python(THREADS + KNOWN, env=QUICK) == [str(registered())]
