"""The time limit."""

import json

import keras
import numpy as np
import pytest

from keras_seq.callbacks import TimeLimit, time_limit


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on one second at each look."""
    now = {"seconds": 0}

    def look():
        now["seconds"] += 1
        return now["seconds"]

    monkeypatch.setattr(time_limit.time, "monotonic", look)
    return now


class Rates(keras.callbacks.Callback):
    """Remembers the learning rate after each batch."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


def fit(*callbacks):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    x = np.ones((100, 2), "float32")
    model.fit(x, x[:, :1], batch_size=1, epochs=100, verbose=0, callbacks=list(callbacks))


def test_stops_in_time_and_lowers_the_learning_rate(clock):
    rates = Rates()
    fit(TimeLimit(minutes=1), rates)
    # Sixty looks at the clock, one a batch, and one more every 20 batches; others may look too.
    assert 30 < len(rates.rates) < 60
    assert 0.4 < rates.rates[0] < 0.5
    assert rates.rates[-1] < rates.rates[0] / 2
    assert sorted(rates.rates, reverse=True) == rates.rates


def test_without_decay_the_rate_stays(clock):
    rates = Rates()
    fit(TimeLimit(minutes=1, decay=False), rates)
    assert set(rates.rates) == {0.5}


def test_the_rate_rises_first(clock):
    rates = Rates()
    fit(TimeLimit(minutes=4, warmup=0.5), rates)
    peak = int(np.argmax(rates.rates))
    assert rates.rates[0] < 0.1 and rates.rates[peak] > 0.4 and rates.rates[-1] < 0.1
    assert sorted(rates.rates[:peak]) == rates.rates[:peak]
    assert sorted(rates.rates[peak:], reverse=True) == rates.rates[peak:]


@pytest.mark.once
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_schedules(monkeypatch, schedule):
    """The rate at a share t of the time, with a warm-up of a fifth."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    limit = TimeLimit(minutes=10, warmup=0.2, schedule=schedule)
    limit.set_model(model)
    monkeypatch.setattr(time_limit.time, "monotonic", lambda: 600 * now)
    now = 0.0
    limit.on_train_begin()
    for now in (0.0, 0.1, 0.2, 0.4, 0.6, 0.9, 1.0):
        limit.on_train_batch_end(0)
        share = (now - 0.2) / 0.8
        expected = now / 0.2
        if now >= 0.2:
            expected = 1 - share if schedule == "linear" else (1 + np.cos(np.pi * share)) / 2
        rate = float(model.optimizer.learning_rate)
        assert rate == pytest.approx(0.5 * max(expected, 0.05), rel=1e-5)
    assert model.stop_training


def test_an_unknown_schedule():
    with pytest.raises(ValueError, match="`schedule` must be one of 'linear', 'cosine'; received"):
        TimeLimit(1, schedule="step")


def test_a_resumed_training_has_used_a_part_of_its_time(clock):
    first = TimeLimit(minutes=2)
    fit(first)
    state = {**json.loads(json.dumps(first.get_state())), "seconds": 90}
    resumed, rates = TimeLimit(minutes=2), Rates()
    resumed.set_state(state)
    fit(resumed, rates)
    assert 15 < len(rates.rates) < 30
    assert rates.rates[0] < 0.5 * (1 - 90 / 120)
    again = Rates()
    fit(resumed, again)  # a new training has all its time
    assert len(again.rates) > 60


def test_warmup_is_a_share():
    with pytest.raises(ValueError, match=r"`warmup` must be in \[0, 1\); received 1"):
        TimeLimit(1, warmup=1)


@pytest.mark.parametrize("minutes", [0, -1])
def test_the_limit_must_be_positive(minutes):
    with pytest.raises(ValueError, match="above 0"):
        TimeLimit(minutes)
