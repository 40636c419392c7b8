"""What a user writes: numbers of Python and of NumPy."""

import json

import keras
import numpy as np
import pytest

import keras_seq as ks
from keras_seq._checks import as_integer, as_number, check_at_least, check_positive, check_rate

pytestmark = pytest.mark.once
NO_INTEGERS = [True, np.True_, 2.0, np.float32(2), "2", None, [2]]


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array([3])[0]])
def test_integers_are_those_of_python(value):
    for number in (as_integer(value), check_positive("n", value), check_at_least("n", value, 3)):
        assert number == 3 and type(number) is int


@pytest.mark.parametrize("value", NO_INTEGERS)
def test_nothing_else_is_an_integer(value):
    assert as_integer(value) is None
    with pytest.raises(ValueError, match=r"`n` must be an integer above 0; received"):
        check_positive("n", value)


def test_an_integer_below_the_least_one():
    with pytest.raises(ValueError, match=r"`n` must be an integer of at least 3; received 2\."):
        check_at_least("n", 2, 3)


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.5), np.float64(0.5), np.int64(0)])
def test_rates_are_numbers_of_python(value):
    number = check_rate("rate", value)
    assert number == value and type(number) in (int, float)


@pytest.mark.parametrize("value", [True, np.False_, "0.5", None, 1, np.float32(1), float("nan")])
def test_nothing_else_is_a_rate(value):
    with pytest.raises(ValueError, match=r"`rate` must be a number in \[0, 1\); received"):
        check_rate("rate", value)
    assert as_number("0.5") is None


def test_models_and_layers_made_of_numbers_of_numpy(tmp_path):
    four, half = np.int64(4), np.float32(0.5)
    made = [
        ks.layers.LSTM(4, weight_dropout=half),
        ks.layers.VanillaRNN(four, readout_units=four),
        ks.layers.RNNStack(ks.layers.TimeSkipCell("vanilla", skip=four, units=four)),
        ks.layers.RNNStack("gru", four, num_layers=np.int32(2), dropout=half),
        ks.layers.LuongAttention("concat", units=four),
        ks.layers.SelfAttention(four, num_heads=np.int64(2)),
        ks.initializers.Chrono(four),
        ks.initializers.ForgetBias(half),
        ks.samplers.Beam(four, length_penalty=half),
        ks.samplers.Random(temperature=half, top_k=four, top_p=half, seed=four),
    ]
    for thing in made:
        config = json.loads(json.dumps(thing.get_config()))
        assert type(thing).from_config(config).get_config().keys() == config.keys()
    model = ks.models.TextClassifier.from_texts(
        ["a fine film", "dull"], ["good", "bad"], units=four, num_layers=np.int64(2), dropout=half
    )
    model.save(tmp_path / "model.keras")
    same = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(same.predict(["dull"]), model.predict(["dull"]), rtol=1e-6)
