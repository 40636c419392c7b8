"""Numbers instead of words: a forecaster and a classifier of signals with `keras.Sequential`."""

import keras
import numpy as np
import pytest
from checks import array, assert_close, compiled_call

from keras_seq.datasets import autoregressive, noisy_sine
from keras_seq.layers import GRU, LSTM, Bidirectional, MinGRU, MinLSTM, RNNStack, VanillaRNN

STEPS = 32


def leading_channels(count, seed):
    """Two channels, one a quarter of a period ahead of the other; the label says which."""
    rng, steps = np.random.default_rng(seed), np.arange(STEPS)
    labels, column = rng.integers(2, size=count), (count, 1)
    angles = steps / rng.uniform(1, 3, column) + rng.uniform(0, 2 * np.pi, column)
    ahead = np.stack([labels, 1 - labels], axis=-1)[:, None] * np.pi / 2
    return padded(rng, np.sin(angles[..., None] + ahead)), labels


def ordered_bursts(count, seed):
    """Two channels of noise, with a burst in each; the label is the channel of the first one."""
    rng, steps = np.random.default_rng(seed), np.arange(STEPS)
    labels = rng.integers(2, size=count)
    first = rng.integers(0, 5, count)
    starts = np.stack([first, first + rng.integers(5, 9, count)], axis=-1)  # ends by step 16
    starts = np.where(labels[:, None] == 1, starts[:, ::-1], starts)[:, None]
    signals = (steps[:, None] >= starts) & (steps[:, None] < starts + 4)
    return padded(rng, 2.0 * signals), labels


def padded(rng, signals):
    """With noise, and with zeros after 16 to 32 steps."""
    signals = signals + 0.3 * rng.standard_normal(signals.shape)
    lengths = rng.integers(STEPS // 2, STEPS + 1, len(signals))
    signals[np.arange(STEPS) >= lengths[:, None]] = 0.0
    return signals.astype("float32")


def trained(layers, loss, inputs, targets, epochs):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(inputs, targets, batch_size=64, epochs=epochs, verbose=0)
    return model


def loaded(model, folder):
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "layer", "share"),
    [
        # Two values say all that can be said of the next one.
        (autoregressive, lambda: GRU(16), 0.02),
        # The best is for those who know period and phase, which 24 noisy values only hint at.
        (noisy_sine, lambda: LSTM(16), 0.06),
    ],
)
def test_a_forecaster(make, layer, share, tmp_path):
    training, held_out = make(2048 + 256, 24, seed=1).split(2048)
    layers = [layer(), keras.layers.Dense(1)]
    model = trained(layers, "mse", training.inputs, training.targets, epochs=8)
    said = array(model(held_out.inputs))
    error = np.mean((said - held_out.targets) ** 2)
    persistence = np.mean((held_out.inputs[:, -1] - held_out.targets) ** 2)
    assert error < persistence / 2 and held_out.solved(error)
    # How far from the best, as a share of the way to the best constant.
    assert error < held_out.best + share * (held_out.chance - held_out.best)
    assert_close(loaded(model, tmp_path)(held_out.inputs), said)


@pytest.fixture(
    scope="module",
    params=[
        (leading_channels, lambda: [Bidirectional(LSTM(8))]),
        (ordered_bursts, lambda: [GRU(12, return_sequences=True), MinGRU(12)]),
    ],
    ids=["leading-channels", "ordered-bursts"],
)
def classifier(request):
    """A trained classifier, and signals that it has not seen with their labels."""
    make, layers = request.param
    layers = [keras.layers.Masking(), *layers(), keras.layers.Dense(1, activation="sigmoid")]
    model = trained(layers, "binary_crossentropy", *make(1024, seed=0), epochs=6)
    return model, *make(256, seed=1)


def test_a_classifier_of_signals(classifier, tmp_path):
    model, signals, labels = classifier
    said = array(model(signals))[:, 0]
    assert np.mean((said > 0.5) == labels) >= 0.95
    assert_close(array(loaded(model, tmp_path)(signals))[:, 0], said)


def test_padding_says_nothing(classifier):
    model, signals, _ = classifier
    signals, run = signals[:2], compiled_call(model, model.variables)
    said = array(run(signals))
    assert_close(run(np.pad(signals, [(0, 0), (0, 5), (0, 0)])), said)
    for row, expected in zip(signals, said, strict=True):
        whole = row[row.any(axis=-1)][None]
        assert_close(array(run(whole))[0], expected)


def test_a_row_of_padding_is_a_row_like_others(classifier, tmp_path):
    model, signals, labels = classifier
    model = loaded(model, tmp_path)
    signals = signals[:64].copy()
    signals[3] = 0.0
    assert np.isfinite(array(model(signals))).all()
    assert np.isfinite(model.train_on_batch(signals, labels[:64]))
    assert all(np.isfinite(array(weight)).all() for weight in model.weights)


@pytest.mark.parametrize(
    "make",
    [
        lambda: LSTM(3),
        lambda: GRU(3),
        lambda: VanillaRNN(3),
        lambda: MinGRU(3),
        lambda: MinLSTM(3),
        lambda: Bidirectional(GRU(3)),
        lambda: RNNStack("gru", 3, num_layers=2),
    ],
    ids=["LSTM", "GRU", "VanillaRNN", "MinGRU", "MinLSTM", "Bidirectional", "RNNStack"],
)
def test_the_mask_of_masking_arrives(make):
    """A mask that a layer of Keras attached, around padding that is not 0, in front and behind."""
    signals = np.random.default_rng(0).normal(size=(2, 6, 2)).astype("float32")
    signals[0, 4:] = signals[1, :2] = -9.0
    model = keras.Sequential([keras.layers.Masking(-9.0), make(), keras.layers.Dense(1)])
    model.build(signals.shape)
    run = compiled_call(model, model.variables)
    said = array(run(signals))
    assert_close(said[0], array(run(signals[:1, :4]))[0])
    assert_close(said[1], array(run(signals[1:, 2:]))[0])
