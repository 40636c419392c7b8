"""A training that was killed goes on as if it had not been."""

import json
import random

import keras
import numpy as np
import pytest
from checks import Killed, KillIn

import keras_seq as ks
from keras_seq.callbacks import AveragedWeights, BestModel, Checkpoint
from keras_seq.callbacks.state_file import differences, read_state

SOURCES = ["abc", "cab", "b", "aab", "cc", "abcabc", "acb", "bb", "abcba"]
TARGETS = [text[::-1] for text in SOURCES]


def make(dropout=0.3):
    model = ks.models.Seq2Seq.from_texts(
        SOURCES, TARGETS, tokens="char", cell="vanilla", units=4, attention=None, dropout=dropout
    )
    optimizer = keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9)
    model.compile(optimizer, weighted_metrics=[ks.models.Perplexity()])
    return model


def train(folder, epochs=4, kill=None):
    """Train in `folder`, or go on; return the model, the `BestModel`, and the history."""
    model = make()
    best = BestModel(folder / "best.keras")
    callbacks = [AveragedWeights(), best]
    checkpoint = Checkpoint(folder / "state")
    epoch = checkpoint.restore(model, callbacks)
    history = model.fit(
        SOURCES,
        TARGETS,
        batch_size=3,
        validation_data=(SOURCES, TARGETS),
        epochs=epochs,
        initial_epoch=epoch,
        verbose=0,
        callbacks=[*callbacks, *([KillIn(kill)] if kill else []), checkpoint],
    )
    return model, best, history.history


@pytest.fixture(scope="module")
def trainings(tmp_path_factory):
    """A training of four epochs, and one that was killed in its second, resumed and prolonged."""
    whole, parts = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parts")
    keras.utils.set_random_seed(1)
    expected = train(whole)
    keras.utils.set_random_seed(1)
    with pytest.raises(Killed):
        train(parts, kill=1)
    # What the killed process left is all there is: the new ones have other seeds and weights.
    keras.utils.set_random_seed(2)
    resumed = train(parts, epochs=3)
    random.seed(3)
    return whole, expected, parts, (resumed, train(parts))


@pytest.mark.slow
def test_a_resumed_training_is_bitwise_the_same(trainings):
    whole, (_, _, expected), parts, found = trainings
    for name in ("loss", "val_perplexity"):
        assert expected[name][1:] == [*found[0][2][name], *found[1][2][name]]
    header, arrays = read_state(whole / "state")
    again, resumed = read_state(parts / "state")
    assert header["epoch"] == again["epoch"] == 4
    assert len(arrays) == len(resumed) > 0
    for a, b in zip(arrays, resumed, strict=True):
        np.testing.assert_array_equal(a, b)
    assert header["random_at_epoch"] == again["random_at_epoch"]


@pytest.mark.once
def test_options_of_later_versions_are_no_difference_where_they_are_off():
    old = {"model.units": "8", "config.minutes": "null"}
    off = {"model.token_dropout": "0.0", "model.variational": "false", "config.schedule": "null"}
    assert differences(old, {**old, **off}) == []
    on = {**old, **off, "model.token_dropout": "0.1"}
    assert differences(old, on) == ["model.token_dropout was absent, is 0.1"]
    assert differences({"a": "0.1"}, {"a": "0.0"}) == ["a was 0.1, is 0.0"]
    assert differences({"a": "0.0"}, {}) == ["a was 0.0, is absent"]


def test_all_that_changes_is_saved(trainings):
    whole, (model, best, history), _, _ = trainings
    header, arrays = read_state(whole / "state")
    assert len(arrays) == len(model.variables) + len(model.optimizer.variables)
    assert arrays[len(model.variables)] == 4 * 3  # Adam's count of steps
    assert header["callbacks"] == [
        ["AveragedWeights", {"began": 6}],
        ["BestModel", best.get_state()],
    ]
    assert best.best == min(history["val_perplexity"])


def test_validation_and_result_see_the_average(trainings):
    whole, (model, best, _), _, _ = trainings
    found = model.evaluate(SOURCES, TARGETS, verbose=0, return_dict=True)
    assert found["perplexity"] == pytest.approx(best.best, rel=1e-5)
    _, arrays = read_state(whole / "state")
    trained = arrays[: len(model.variables)]
    different = [
        not np.array_equal(a, keras.ops.convert_to_numpy(v))
        for a, v in zip(trained, model.variables, strict=True)
        if v.trainable
    ]
    assert any(different)


def dense(inputs=2, optimizer="sgd"):
    model = keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The state of a tiny training, with a configuration and a callback that has a state."""
    path = tmp_path_factory.mktemp("state") / "state"
    model, checkpoint = dense(), Checkpoint(path, {"rate": 0.01})
    checkpoint.restore(model, [BestModel("best.keras")])
    fit(model, checkpoint)
    return path


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"inputs": 3}, r"weight 0 was kernel float32 \(2, 1\), is kernel float32 \(3, 1\)"),
        ({"optimizer": "adam"}, r"optimizer was SGD, is Adam; optimizer variable 2 was absent"),
        ({"config": {"rate": 0.1}}, r"config.rate was 0.01, is 0.1"),
        ({"backend": "numpy"}, r"backend was \w+, is numpy"),
        ({"callbacks": []}, "callbacks with a state was BestModel, is none"),
    ],
    ids=["weights", "optimizer", "config", "backend", "callbacks"],
)
def test_another_configuration_is_refused(state, monkeypatch, change, expected):
    change = {"config": {"rate": 0.01}, "callbacks": [BestModel("best.keras")], **change}
    checkpoint, callbacks = Checkpoint(state, change.pop("config")), change.pop("callbacks")
    if backend := change.pop("backend", None):
        monkeypatch.setattr(keras.config, "backend", lambda: backend)
    with pytest.raises(ValueError, match=f"belongs to another training: {expected}"):
        checkpoint.restore(dense(**change), callbacks)


def test_a_task_is_compared_by_its_whole_configuration(trainings):
    parts = trainings[2]
    callbacks = [AveragedWeights(), BestModel(parts / "best.keras")]
    with pytest.raises(ValueError, match=r"another training: model\.dropout was 0\.3, is 0\.2\. "):
        Checkpoint(parts / "state").restore(make(dropout=0.2), callbacks)


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "empty", "array", "header"])
def test_a_broken_file_is_refused(state, tmp_path, damage):
    data = state.read_bytes()
    path = tmp_path / "state"
    middle = len(data) // 2
    path.write_bytes(
        {
            "cut": data[:middle],
            "flipped": data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :],
            "text": b"no state",
            "empty": b"",
        }.get(damage, b"")
    )
    with open(path, "ab") as file:
        if damage == "array":
            np.save(file, np.zeros(3))
        if damage == "header":
            np.savez(file, header=np.frombuffer(json.dumps([1]).encode(), "uint8"))
    with pytest.raises(ValueError, match="not the state of a training, or it is damaged"):
        Checkpoint(path).restore(dense())


def fit(model, checkpoint, **options):
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[checkpoint], **options)


def test_mistakes_of_the_caller(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state")
    with pytest.raises(ValueError, match=r"Call `initial_epoch = checkpoint.restore"):
        fit(dense(), checkpoint)
    with pytest.raises(ValueError, match="built and compiled"):
        checkpoint.restore(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    model = dense()
    assert checkpoint.restore(model) == 0
    with pytest.raises(ValueError, match=r"`restore` returned the epoch 0.*initial_epoch=1"):
        fit(model, checkpoint, initial_epoch=1, epochs=2)
    with pytest.raises(ValueError, match="JSON-able"):
        Checkpoint(tmp_path / "state", {"a": object()})


class CutShort(keras.callbacks.Callback):
    """Stops in the middle of the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 1 and batch == 1:
            self.model.stop_training = True


def test_an_epoch_cut_short_begins_anew(tmp_path):
    model, checkpoint = dense(), Checkpoint(tmp_path / "state")
    checkpoint.restore(model)
    x = np.ones((4, 2))
    model.fit(x, x[:, :1], 1, epochs=3, verbose=0, callbacks=[CutShort(), checkpoint])
    assert Checkpoint(tmp_path / "state").restore(dense()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
