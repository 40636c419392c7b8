"""What holds for the package as a whole."""

import inspect
import subprocess
import sys

import keras
import pytest
from cases import INITIALIZERS, LAYERS, LOSSES, METRICS, SAMPLERS

import keras_seq

ABSTRACT = {"AttentionMechanism", "Pooling", "Sampler", "Task", "Tokenizer"}
MADE_BY_A_MODEL = {"Stream"}


def _public_classes(*modules):
    found = [getattr(module, name) for module in modules for name in module.__all__]
    return [one for one in found if inspect.isclass(one)]


def test_every_public_class_has_its_line_in_cases():
    lines = {type(case.make()).__name__ for case in LAYERS}
    lines |= {type(one).__name__ for one in [*INITIALIZERS, *SAMPLERS]}
    lines |= {metric.__name__ for metric in [*METRICS, *LOSSES]}
    classes = _public_classes(
        keras_seq.initializers, keras_seq.layers, keras_seq.models, keras_seq.samplers
    )
    assert {kind.__name__ for kind in classes} - ABSTRACT - MADE_BY_A_MODEL == lines


@pytest.mark.parametrize(
    "kind",
    _public_classes(
        keras_seq.initializers,
        keras_seq.layers,
        keras_seq.models,
        keras_seq.samplers,
        keras_seq.text,
    ),
)
def test_every_public_class_shows_an_example(kind):
    if kind.__name__ in ("Task", "Tokenizer"):
        pytest.skip("abstract: its kinds have the examples")
    assert ">>> " in kind.__doc__ or "```python" in kind.__doc__


@pytest.mark.parametrize("thing", [*INITIALIZERS, *SAMPLERS], ids=repr)
def test_small_things_survive_a_config(thing):
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(thing))
    assert type(copy) is type(thing)
    assert copy.get_config() == thing.get_config()


@pytest.mark.parametrize("kind", METRICS)
def test_metrics_survive_a_config(kind):
    metric = kind(name="mine")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(copy) is kind
    assert copy.get_config() == metric.get_config()


@pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="it is the backend")
def test_the_import_leaves_tensorflow_and_matplotlib_alone():
    script = (
        "import sys, keras; before = set(sys.modules); import keras_seq; "  # torch loads matplotlib
        "print(sorted({'tensorflow', 'tensorflow_text', 'matplotlib'} & {*sys.modules} - before))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr
