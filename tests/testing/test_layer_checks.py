"""The public checks of layers, cells and attention: what is right passes, each mistake is named."""

import keras
import pytest
from cases import ENCODED, B, D, floats
from keras import ops

from keras_seq.layers import AttentionMechanism
from keras_seq.testing import check_attention, check_cell, check_layer

pytestmark = pytest.mark.once
registered = keras.saving.register_keras_serializable(package="mistakes")


@registered
class Cell(keras.layers.Layer):
    """A cell that is right: `h_t = (h_(t-1) + tanh(W x_t)) / 2`."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs, states, training=False):
        h = 0.5 * (states[0] + ops.tanh(ops.matmul(inputs, self.kernel)))
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class NotRegistered(Cell):
    def get_config(self):
        return {"units": self.units, "what": object}


@registered
class Forgetful(Cell):
    """Its config says nothing of the factor."""

    def __init__(self, units, factor=1.0, **kwargs):
        super().__init__(units, **kwargs)
        self.factor = factor

    def call(self, inputs, states, training=False):
        h = self.factor * super().call(inputs, states)[0]
        return h, [h]


@registered
class Unused(Cell):
    def build(self, input_shape):
        super().build(input_shape)
        self.bias = self.add_weight(shape=(self.units,), name="bias")


@registered
class AcrossRows(Cell):
    def call(self, inputs, states, training=False):
        return super().call(inputs - ops.mean(inputs, axis=0), states)


@registered
class Single(Cell):
    def call(self, inputs, states, training=False):
        h = super().call(inputs, states)[0]
        return ops.cast(h, "float32"), [h]


@registered
class TwoStates(Cell):
    def call(self, inputs, states, training=False):
        h = super().call(inputs, states)[0]
        return h, [h, h]


@registered
class NoPair(Cell):
    def call(self, inputs, states, training=False):
        return super().call(inputs, states)[0]


@registered
class OtherOutput(Cell):
    def call(self, inputs, states, training=False):
        h = super().call(inputs, states)[0]
        return 2 * h, [h]


@registered
class Counting(Cell):
    """It remembers how often it was called."""

    times = 0.0

    def call(self, inputs, states, training=False):
        self.times = self.times + 1
        h = super().call(inputs, states)[0] + self.times
        return h, [h]


def test_a_right_cell():
    check_cell(lambda **k: Cell(4, **k), half=("float16", "bfloat16"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda **k: NotRegistered(4, **k), "register_keras_serializable"),
        (lambda **k: Forgetful(4, 0.5, **k), "a copy by its config gives something else"),
        (lambda **k: Unused(4, **k), "no gradient reaches unused.*/bias"),
        (lambda **k: AcrossRows(4, **k), "row 0 depends on the other rows"),
        (lambda **k: Single(4, **k), "in mixed_float16 the results are"),
        (lambda **k: TwoStates(4, **k), "TwoStates returns 2 states, not 1"),
        (lambda **k: NoPair(4, **k), "NoPair returns .*, not `\\(output, states\\)`"),
        (lambda **k: OtherOutput(4, **k), "the first state is not the output"),
        (lambda **k: Counting(4, **k), "a second call gives something else"),
        (lambda **k: keras.layers.Dense(4, **k), "Dense has no `state_size`"),
    ],
)
def test_mistakes_of_a_cell(make, message):
    with pytest.raises(AssertionError, match=message):
        check_cell(make)


@registered
class Distance(AttentionMechanism):
    def score(self, query, keys):
        return -ops.sum((query[:, :, None] - keys[:, None]) ** 2, axis=-1)


@registered
class Unmasked(Distance):
    def normalize(self, scores, values_mask=None):
        return super().normalize(scores)


@registered
class Heavy(Distance):
    def normalize(self, scores, values_mask=None):
        return 2 * super().normalize(scores, values_mask)


@registered
class ByStep(Distance):
    """It looks at how many steps there are."""

    def score(self, query, keys):
        return super().score(query, keys) / query.shape[1]


@registered
class Lengthy(Distance):
    """It looks at how many values there are, masked or not."""

    def score(self, query, keys):
        return super().score(query, keys) / keys.shape[1]


@registered
class WrongShape(Distance):
    def compute_output_shape(self, query_shape, values_shape, **_):
        return query_shape, values_shape


def test_a_right_attention():
    check_attention(Distance, query_size=6)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Unmasked, "more padding changes the results"),
        (Heavy, "the weights do not sum to 1"),
        (ByStep, "step by step it gives something else"),
        (Lengthy, "more padding changes the results"),
        (WrongShape, "`compute_output_shape` does not say"),
    ],
)
def test_mistakes_of_an_attention(kind, message):
    with pytest.raises(AssertionError, match=message):
        check_attention(kind, query_size=6)


@registered
class Sum(keras.layers.Layer):
    """The sum of a sequence, which knows no mask."""

    def call(self, inputs, mask=None):
        return ops.sum(inputs, axis=1)


@registered
class Mean(keras.layers.Layer):
    """The sum of what is valid, by how much there is."""

    def call(self, inputs, mask=None):
        return ops.sum(ops.where(mask[..., None], inputs, 0.0), axis=1) / inputs.shape[1]


@pytest.mark.parametrize(
    ("kind", "shape", "message"),
    [
        (Sum, (B, D), "there is a gradient at masked steps"),
        (Mean, (B, D), "more padding changes the results"),
        (Mean, (B, 2), "the shapes are"),
    ],
)
def test_mistakes_of_a_layer(kind, shape, message):
    with pytest.raises(AssertionError, match=message):
        check_layer(kind, ENCODED, [shape], grows={"inputs": 0, "mask": False})


def test_a_mask_that_multiplies():
    """0 times NaN is NaN."""

    @registered
    class Times(keras.layers.Layer):
        def call(self, inputs, mask=None):
            return ops.sum(inputs * ops.cast(mask, inputs.dtype)[..., None], axis=1)

    with pytest.raises(AssertionError, match="what stands at masked steps changes something"):
        check_layer(Times, ENCODED)


def test_no_mask_at_all():
    check_layer(lambda **k: keras.layers.Dense(3, **k), {"inputs": floats(2, D)}, [(2, 3)])
