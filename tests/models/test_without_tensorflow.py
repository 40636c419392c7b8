"""JAX and PyTorch train, answer, save and load without TensorFlow, installed or not."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_seq.text.batches import BatchedArrays, batched
from keras_seq.text.examples import Examples, LengthBatches
from keras_seq.text.pipeline import BatchedDataset
from keras_seq.text.windows import StreamWindows

# A finder that knows no TensorFlow is what a machine without it has.
HIDDEN = """
import importlib.machinery
find = importlib.machinery.PathFinder.find_spec
def find_others(name, path=None, target=None):
    return None if name.split(".")[0] in ("tensorflow", "tensorflow_text") else find(name, path)
importlib.machinery.PathFinder.find_spec = find_others
"""
TASKS = """
import keras, sys
import keras_seq as ks
keras.utils.set_random_seed(0)
sizes = {"embedding_dim": 4, "units": 4}
texts, labels = ["a b", "B c. a", "c"] * 4, ["p", "q", "p"] * 4
words, tags = [["a", "b"], ["c"]] * 4, [["O", "B-X"], ["O"]] * 4
models = [
    (ks.models.Seq2Seq.from_texts(texts, texts, tokens="subword", **sizes), (texts, texts)),
    (ks.models.LanguageModel.from_texts(texts, tokens="char", window=4, **sizes), (texts,)),
    (ks.models.TextClassifier.from_texts(texts, labels, **sizes), (texts, labels)),
    (ks.models.TextTagger.from_texts(words, tags, scheme="BIO", **sizes), (words, tags)),
]
answers = [
    lambda model: model.generate(["a b"], sampler=ks.samplers.Beam(2), max_length=3),
    lambda model: [model.generate("a", max_length=3), *model.stream("a", max_length=3),
                   model.score(["a b"])],
    lambda model: [model.classify(["a b"]), model.predict(["a b"], verbose=0)],
    lambda model: model.tag([["a", "b"]]),
]
for (model, data), answer in zip(models, answers):
    model.compile(optimizer="adam")
    model.fit(*data, batch_size=4, epochs=2, verbose=0, validation_data=data)
    model.evaluate(*data, verbose=0)
    expected = answer(model)
    model.save(sys.argv[1])
    loaded = ks.models.load_model(sys.argv[1])
    assert repr(answer(loaded)) == repr(expected), (answer(loaded), expected)
print([name for name in sys.modules if name.split(".")[0] in ("tensorflow", "tensorflow_text")])
"""
NEEDED = """
try:
    ks.text.CharacterTokenizer.from_texts(["a"]).resources()
except ImportError as error:
    print(error)
"""
SEED = """
import keras, sys, keras_seq
keras.utils.set_random_seed(1)
keras.utils.set_random_seed(5)
assert "tensorflow" not in sys.modules
import tensorflow as tf
drawn = tf.random.uniform((3,)).numpy().tolist()
for seed in (tf.random.set_seed, keras.utils.set_random_seed):
    seed(5)
    assert drawn == tf.random.uniform((3,)).numpy().tolist()
assert keras.saving.serialize_keras_object(tf.TensorShape([1, None])) == [1, None]
assert keras.saving.serialize_keras_object(tf.float16) == "float16"
"""


@pytest.mark.every_backend
@pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="it is TensorFlow")
@pytest.mark.parametrize("hidden", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_four_tasks(hidden, tmp_path):
    script = HIDDEN + TASKS + NEEDED if hidden else TASKS
    command = [sys.executable, "-W", "ignore", "-c", script, str(tmp_path / "model.keras")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first == "[]"
    if hidden:
        assert rest[0].startswith("This needs TensorFlow, which is not installed: `pip install")


@pytest.mark.once
def test_a_seed_of_keras_waits_for_tensorflow():
    done = subprocess.run([sys.executable, "-c", SEED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def examples(kind):
    """Examples with labels of tokens or of texts, classes or values, with weights or without."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 40, 53)
    rows = [rng.integers(4, 99, n).astype("int32") for n in lengths]
    labels = {
        "none": None,
        "classes": rng.integers(0, 5, 53).astype("int32"),
        "marks": rng.integers(0, 2, (53, 3)).astype("int32"),
        "tokens": [row + 1 for row in rows],
        "values": [rng.normal(size=n).astype("float32") for n in lengths],
    }[kind]
    others = [row[: len(row) // 2] for row in rows]
    return Examples({"a": rows, "b": others}, labels, None if kind == "none" else rng.random(53))


def assert_equal(ours, theirs):
    ours, theirs = (keras.tree.flatten(list(x.as_numpy_iterator())) for x in (ours, theirs))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("filled", [True, False])
@pytest.mark.parametrize("kind", ["none", "classes", "marks", "tokens", "values"])
def test_batches_of_arrays_are_those_of_a_dataset(kind, filled):
    batches = LengthBatches(examples(kind), 8, shuffle=True, seed=3)
    arrays, dataset = BatchedArrays(batches, filled), BatchedDataset(batches, filled)
    for epoch in (0, 1, 0):
        arrays.set_epoch(epoch)
        dataset.set_epoch(epoch)
        assert_equal(arrays.dataset, dataset.dataset)
    assert len(arrays.dataset) == arrays.dataset.cardinality() == len(batches)
    with pytest.raises(IndexError, match="batches; received"):
        arrays.dataset[len(batches)]


def test_windows_of_arrays_are_those_of_a_dataset(monkeypatch):
    rows = [np.arange(1, n + 1, dtype="int32") for n in (7, 1, 12)]
    data = Examples({"token_ids": rows}, [row + 1 for row in rows], np.array([1.0, 2.0, 3.0]))
    both = []
    for takes in (True, False):
        monkeypatch.setattr("keras_seq.text.windows.takes_tf_data", takes)
        both.append(StreamWindows(data, 3, 2).dataset)
    assert isinstance(both[1], keras.utils.PyDataset)
    assert_equal(both[1], both[0])


@pytest.mark.every_backend
def test_each_backend_has_what_it_takes_fastest():
    dataset = batched(LengthBatches(examples("tokens"), 8)).dataset
    tensorflow = keras.config.backend() == "tensorflow"
    assert isinstance(dataset, keras.utils.PyDataset) != tensorflow
