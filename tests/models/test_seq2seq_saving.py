"""One file, tokenizers inside, read on any backend."""

import importlib.util
import sys

import keras
import numpy as np
import pytest
from checks import array

import keras_seq as ks
from keras_seq.models import Seq2Seq
from keras_seq.testing.comparing import json_copy


def model_inputs(model, texts):
    examples = model.encode_examples(texts, [text[::-1] for text in texts])
    columns = examples.inputs
    return {
        name: np.stack([np.pad(ids, (0, 8 - len(ids))) for ids in column])
        for name, column in columns.items()
    }


def test_loaded_model_is_the_same(reversal, tmp_path):
    model = reversal.model
    model.save(tmp_path / "model.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    texts = reversal.unseen[:20]
    inputs = model_inputs(model, texts)
    np.testing.assert_allclose(array(loaded(inputs)), array(model(inputs)), atol=1e-5)
    assert loaded.generate(texts) == model.generate(texts)
    assert isinstance(loaded.sampler, ks.samplers.Beam)
    assert loaded.generate("abc") == "cba"


@pytest.mark.once
@pytest.mark.parametrize("tokens", ["word", "subword"])
def test_other_tokenizers_are_inside_too(tokens, tmp_path):
    sources, targets = ["The cat, the dog.", "A dog!"] * 3, ["le chat, le chien.", "un chien !"] * 3
    model = Seq2Seq.from_texts(
        sources, targets, tokens=tokens, max_vocabulary=40, units=4, cell="gru"
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.source_tokenizer.vocabulary == model.source_tokenizer.vocabulary
    assert loaded.generate(sources[:2]) == model.generate(sources[:2])


@pytest.mark.once
def test_a_config_alone_rebuilds_the_model(tiny):
    model = tiny(num_layers=2, attention="concat", dropout=0.1)
    copy = json_copy(model)
    copy.set_weights(model.get_weights())
    assert copy.generate(["abc", "de"]) == model.generate(["abc", "de"])


def test_a_failed_save_leaves_the_old_file(tiny, tmp_path, monkeypatch):
    model, path = tiny(), tmp_path / "model.keras"
    model.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(keras.Model, "save", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model.keras"]


def test_where_it_is_saved_is_checked(tiny, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.keras"):
        tiny().save(tmp_path / "model.h5")
    tiny().save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="exists already"):
        tiny().save(tmp_path / "model.keras", overwrite=False)


OUTSIDE = '''
import keras
from keras import ops
import keras_seq as ks

@keras.saving.register_keras_serializable(package="outside")
class LeakyCell(keras.layers.Layer):
    """h_t = (1 - a) h_(t-1) + a tanh(W [x_t; h_(t-1)])"""

    def __init__(self, units, leak=0.7, **kwargs):
        super().__init__(**kwargs)
        self.units, self.leak, self.state_size = units, leak, units

    def build(self, input_shape):
        rows = input_shape[-1] + self.units
        self.kernel = self.add_weight(shape=(rows, self.units), name="kernel")

    def call(self, inputs, states):
        new = ops.tanh(ops.matmul(ops.concatenate([inputs, states[0]], -1), self.kernel))
        h = (1 - self.leak) * states[0] + self.leak * new
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units, "leak": self.leak}


@keras.saving.register_keras_serializable(package="outside")
class CosineAttention(ks.layers.AttentionMechanism):
    def build(self, query_shape, values_shape):
        self.query_kernel = self.add_kernel("query_kernel", query_shape[-1], values_shape[-1])

    def score(self, query, keys):
        query = self.unit(ops.matmul(query, self.query_kernel))
        return 8.0 * ops.matmul(query, ops.swapaxes(self.unit(keys), 1, 2))

    def unit(self, x):
        return x * ops.rsqrt(ops.sum(x**2, axis=-1, keepdims=True) + 1e-6)


@keras.saving.register_keras_serializable(package="outside")
class SecondBest(ks.samplers.Sampler):
    def __init__(self, rank=2):
        self.rank = rank

    def get_next_token(self, log_probabilities):
        return ops.top_k(log_probabilities, self.rank)[1][:, -1]

    def get_config(self):
        return {"rank": self.rank}
'''


def test_cell_score_and_sampler_from_another_file(tmp_path, monkeypatch):
    (tmp_path / "outside.py").write_text(OUTSIDE)
    spec = importlib.util.spec_from_file_location("outside", tmp_path / "outside.py")
    outside = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "outside", outside)
    spec.loader.exec_module(outside)

    sources, targets = ["abc", "cab", "bca", "aab"], ["cba", "bac", "acb", "baa"]
    model = Seq2Seq.from_texts(
        sources,
        targets,
        tokens="char",
        cell=outside.LeakyCell(16),
        attention=outside.CosineAttention(),
        units=16,
        num_layers=2,
    )
    model.compile(keras.optimizers.Adam(2e-2), sampler=outside.SecondBest())
    losses = model.fit(sources * 8, targets * 8, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]
    assert model.generate(sources, sampler="greedy") != model.generate(sources)

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.sampler, outside.SecondBest)
    assert loaded.generate(sources) == model.generate(sources)
    assert loaded.generate(sources, sampler="beam") == model.generate(sources, sampler="beam")
