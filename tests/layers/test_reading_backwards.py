"""Layers that read from the right: the mask that goes on, and two directions of two sizes."""

import keras
import numpy as np
import pytest
from cases import floats, lengths_mask
from checks import array, assert_close

from keras_seq.layers import GRU, LSTM, Bidirectional, MinGRU, VanillaRNN

X = floats(3, 5, 2)
MASK = lengths_mask(5, 3, 1, longest=5)


@pytest.mark.parametrize("kind", [LSTM, GRU, VanillaRNN, MinGRU])
def test_the_next_layer_gets_the_mask_in_the_order_of_reading(kind):
    """A padded row gives what it gives alone; the layers of Keras hand on the mask as it came."""
    below, above = kind(3, return_sequences=True, go_backwards=True), LSTM(2)
    model = keras.Sequential([keras.layers.Masking(), below, above])
    found = model(np.where(MASK[..., None], X, 0))
    rows = [array(model(X[i : i + 1, : MASK[i].sum()])) for i in range(3)]
    assert_close(found, np.concatenate(rows))
    assert array(below.compute_mask(X, MASK))[2].tolist() == [False] * 4 + [True]


def test_a_carried_mask_is_turned_in_a_functional_model_and_with_states():
    ids = keras.Input((None,), dtype="int32")
    vectors = keras.layers.Embedding(9, 3, mask_zero=True)(ids)
    outputs, *states = GRU(3, return_sequences=True, return_state=True, go_backwards=True)(vectors)
    model = keras.Model(ids, [GRU(2)(outputs), *states])
    padded = model.predict_on_batch(np.array([[1, 2, 3, 0, 0]]))
    assert_close(padded, model.predict_on_batch(np.array([[1, 2, 3]])))


@pytest.mark.parametrize("merge_mode", ["concat", None])
@pytest.mark.parametrize("return_state", [False, True])
def test_two_directions_of_two_sizes(merge_mode, return_state):
    options = {"return_sequences": True, "return_state": return_state}
    ahead, back = LSTM(3, **options), LSTM(5, **options, go_backwards=True)
    both = Bidirectional(ahead, merge_mode, backward_layer=back)
    results = both(X, mask=MASK)
    leaves = keras.tree.flatten(results)
    symbols = keras.tree.flatten(both(keras.Input((5, 2), batch_size=3)))
    assert [tuple(x.shape) for x in leaves] == [tuple(x.shape) for x in symbols]
    forward = keras.tree.flatten(both.forward_layer(X, mask=MASK))
    backward = keras.tree.flatten(both.backward_layer(X, mask=MASK))
    one, other = array(forward[0]), array(backward[0])[:, ::-1]
    expected = [np.concatenate([one, other], -1)] if merge_mode else [one, other]
    assert_close(leaves, [*expected, *forward[1:], *backward[1:]])


@pytest.mark.once
def test_a_model_of_two_sizes_trains_and_comes_back(tmp_path):
    pair = Bidirectional(GRU(3), backward_layer=GRU(4, go_backwards=True))
    model = keras.Sequential([keras.Input((5, 2)), pair, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((3, 1)), verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert_close(again(X), model(X), atol=0, rtol=0)


@pytest.mark.once
@pytest.mark.parametrize("merge_mode", ["sum", "ave", "mul"])
def test_numbers_of_two_sizes_are_not_added(merge_mode):
    with pytest.raises(ValueError, match=r"needs two layers of the same size.*\[3, 4\]"):
        Bidirectional(GRU(3), merge_mode, backward_layer=GRU(4, go_backwards=True))
