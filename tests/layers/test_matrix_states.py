"""A cell of a user whose state is a vector and a matrix."""

import keras
import numpy as np
import pytest
from cases import floats, lengths_mask
from checks import array, assert_close
from keras import ops

from keras_seq.layers import Decoder, RNNStack, TimeSkipCell
from keras_seq.models import LanguageModel


@keras.saving.register_keras_serializable(package="matrix_states")
class FastWeightsCell(keras.layers.Layer):
    """h_t = tanh(W x_t + A_(t-1) h_(t-1)), A_t = 0.9 A_(t-1) + 0.5 h_t h_t'."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.output_size = units
        self.state_size = [units, (units, units)]

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, x, states, training=False):
        h, a = states
        h = ops.tanh(ops.matmul(x, self.kernel) + ops.einsum("bij,bj->bi", a, h))
        return h, [h, 0.9 * a + 0.5 * h[:, :, None] * h[:, None, :]]

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, *shape)) for shape in [(self.units,), (self.units,) * 2]]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_a_stack_goes_on_from_a_matrix_and_masks_it():
    stack = RNNStack(FastWeightsCell(3), num_layers=2, return_sequences=True, return_state=True)
    x, mask = floats(2, 5, 2), lengths_mask(5, 2, longest=5)
    outputs, states = stack(x, mask=mask)
    first, middle = stack(x[:, :2])
    rest, _ = stack(x[:1, 2:], initial_state=[[s[:1] for s in layer] for layer in middle])
    assert_close(outputs[:1], ops.concatenate([first[:1], rest], axis=1))
    assert_close([s[1:] for s in states[1]], [s[1:] for s in middle[1]])  # masked from there on
    symbols = stack(keras.Input((5, 2), batch_size=2))[1]
    assert [[x.shape for x in layer] for layer in symbols] == [[(2, 3), (2, 3, 3)]] * 2
    kernel, h, a = array(stack.forward_cells[0].kernel), np.zeros(3), np.zeros((3, 3))
    for step in x[0]:
        h = np.tanh(step @ kernel + a @ h)
        a = 0.9 * a + 0.5 * np.outer(h, h)
    assert_close([s[0] for s in states[0]], [h.astype("float32"), a.astype("float32")])


@pytest.mark.once
def test_a_language_model_carries_a_matrix_from_window_to_window():
    texts = ["abcab", "ba"]
    model = LanguageModel.from_texts(texts, cell=FastWeightsCell(4), units=4, window=2)
    model.compile("adam")
    loss = model.evaluate(texts[:1], batch_size=1, verbose=0, return_dict=True)["loss"]
    score = model.score(texts[0])
    assert loss == pytest.approx(-score["log_probability"] / score["num_tokens"], abs=1e-5)
    model.fit(texts, batch_size=1, verbose=0)
    assert isinstance(model.generate("a", sampler="beam", max_length=3), str)


@pytest.mark.once
@pytest.mark.parametrize(
    "make", [lambda cell: TimeSkipCell(cell, skip=2), lambda cell: Decoder(5, cell, 3)]
)
def test_who_needs_vectors_says_so(make):
    with pytest.raises(ValueError, match=r"states are vectors.*FastWeightsCell.*\[3, \(3, 3\)\]"):
        make(FastWeightsCell(3))
