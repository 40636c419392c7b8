"""Which inputs an output hangs on."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.analysis import connectivity
from keras_seq.layers import VanillaRNN
from keras_seq.models import LanguageModel


def word_model(each_step=False):
    """Words, a linear recurrence that halves at each step, three classes."""
    return keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            keras.layers.Embedding(9, 3, name="words"),
            VanillaRNN(
                3,
                activation="linear",
                kernel_initializer="identity",
                recurrent_initializer=keras.initializers.Identity(0.5),
                return_sequences=each_step,
            ),
            keras.layers.Dense(3),
        ]
    )


def test_the_gradient_falls_with_the_distance():
    model = word_model()
    found = connectivity(model, np.array([1, 5, 5, 2]), output=1, tokens="abcb")["words"]
    column = np.linalg.norm(ops.convert_to_numpy(model.layers[-1].kernel)[:, 1])
    np.testing.assert_allclose(found.values, column * 0.5 ** np.array([3, 2, 1, 0]), rtol=1e-5)
    assert found.tokens == tuple("abcb") and found.output == 1 and found.position is None
    assert found.shares.sum() == pytest.approx(1)


def test_an_output_does_not_hang_on_what_comes_later():
    found = connectivity(word_model(each_step=True), np.array([1, 5, 5, 2]), position=1)["words"]
    assert (found.values[:2] > 0).all() and (found.values[2:] == 0).all()
    assert found.position == 1


def test_numbers_are_their_own_input():
    model = keras.Sequential([keras.Input((4, 2)), VanillaRNN(3), keras.layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    values = connectivity(model, x)["input"].values
    for step in range(4):
        gradient = []
        for place in range(2):
            moved = np.stack([x, x])
            moved[0, step, place] += 1e-2
            moved[1, step, place] -= 1e-2
            up, down = ops.convert_to_numpy(model(moved))[:, 0]
            gradient.append((up - down) / 2e-2)
        assert np.linalg.norm(gradient) == pytest.approx(values[step], rel=5e-2, abs=1e-3)


def test_a_translator_hangs_on_source_and_target(decided):
    found = connectivity(decided, "abc", target="xv", position=1)
    source, target = found.values()
    assert source.tokens[:3] == ("a", "b", "c") and target.tokens[1:] == ("x", "v")
    assert (source.values > 0).all()
    assert (target.values[:2] > 0).all() and target.values[2] == 0
    last = connectivity(decided, "abc", target="xv")
    assert {one.position for one in last.values()} == {2}


def test_bad_input_is_refused(decided):
    model = word_model(each_step=True)
    row = np.array([1, 5, 5, 2])
    with pytest.raises(ValueError, match="from -4 to 3; received 4"):
        connectivity(model, row, position=4)
    with pytest.raises(ValueError, match="from 0 to 2; received 3"):
        connectivity(model, row, output=3)
    with pytest.raises(ValueError, match="without an embedding"):
        ids = keras.Sequential([keras.Input((4, 1), dtype="int32"), keras.layers.Dense(2)])
        connectivity(ids, row[:, None])
    with pytest.raises(ValueError, match="from -3 to 2"):
        connectivity(decided, "abc", target="xv", position=7)


def test_the_last_step_of_a_text_is_no_padding():
    model = LanguageModel.from_texts("abcd" * 5, tokens="char", units=4, dropout=0.0)
    (found,) = connectivity(model, "abc").values()
    assert found.position == 3 and found.values[-1] > 0  # the start token comes first
    with pytest.raises(ValueError, match="from -4 to 3"):
        connectivity(model, "abc", position=4)
