"""The container of generated tasks, with a task of a user's own."""

import numpy as np
import pytest

from keras_seq.datasets import SequenceTask


def parity(count, length, seed=0):
    """A user's function: whether the number of ones is odd, with rows of different lengths."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(2, size=(count, length))
    padding = np.arange(length) >= rng.integers(1, length + 1, size=(count, 1))
    return SequenceTask(
        "parity",
        np.where(padding, 0, bits + 1),
        (bits * ~padding).sum(axis=1) % 2,
        "accuracy",
        chance=0.5,
        best=1.0,
        vocabulary=["[pad]", "0", "1"],
        classes=["even", "odd"],
    )


def make(**changes):
    values = {
        "name": "mine",
        "inputs": np.ones((4, 3), int),
        "targets": np.zeros(4, int),
        "metric": "accuracy",
        "chance": 0.5,
        "best": 1.0,
    }
    return SequenceTask(**{**values, **changes})


def test_ids_and_numbers_have_their_dtypes():
    task = make(weights=[1, 1, 0, 1])
    assert (task.inputs.dtype, task.targets.dtype, task.weights.dtype) == (
        np.int32,
        np.int32,
        np.float32,
    )
    task = make(inputs=np.ones((4, 3, 2)), targets=np.ones((4, 1)), metric="mse", best=0.0)
    assert (task.inputs.dtype, task.targets.dtype) == (np.float32, np.float32)


def test_texts_leave_the_padding_out_and_labels_name_the_classes():
    task = parity(50, 6)
    for text, label, row in zip(task.texts, task.labels, task.inputs, strict=True):
        assert len(text.split()) == (row != 0).sum()
        assert label == ("odd" if text.split().count("1") % 2 else "even")
    assert {len(text.split()) for text in task.texts} != {6}


def test_labels_of_steps_are_those_that_count():
    task = make(targets=np.tile([0, 1, 1], (4, 1)), classes="ab", weights=[[0, 1, 1]] * 4)
    assert task.labels == ["b b"] * 4
    assert make(targets=np.tile([0, 1, 1], (4, 1)), classes="ab").labels == ["a b b"] * 4


def test_numbers_have_no_texts_and_no_labels():
    task = make(inputs=np.ones((4, 3, 2)), targets=np.ones((4, 1)), metric="mse", best=0.0)
    with pytest.raises(ValueError, match="no vocabulary"):
        _ = task.texts
    with pytest.raises(ValueError, match="no classes"):
        _ = task.labels


def test_split_keeps_every_row_once():
    task = parity(10, 5)
    first, second = task.split(7)
    assert (len(first), len(second), first.length, second.name) == (7, 3, 5, "parity")
    np.testing.assert_array_equal(np.concatenate([first.inputs, second.inputs]), task.inputs)
    np.testing.assert_array_equal(np.concatenate([first.targets, second.targets]), task.targets)


def test_rows_are_chosen_with_their_weights():
    weights = np.arange(4.0)
    chosen = make(targets=np.arange(4), weights=weights)[[3, 1]]
    assert chosen.targets.tolist() == [3, 1] and chosen.weights.tolist() == [3.0, 1.0]
    assert len(make()[np.array([True, False, True, False])]) == 2


@pytest.mark.parametrize("first", [0, 4, 5, 1.5])
def test_a_split_leaves_rows_on_both_sides(first):
    with pytest.raises(ValueError, match="first"):
        make().split(first)


@pytest.mark.parametrize("rows", [0, slice(4, None)])
def test_a_single_row_or_none_is_no_task(rows):
    with pytest.raises(ValueError):
        make()[rows]


def test_solved_is_within_a_tenth_of_the_way_to_chance():
    task = make(chance=0.2, best=0.9)
    scores = {0.9: True, 0.84: True, 0.82: False, 0.2: False, 1.0: True, np.nan: False}
    assert {score: task.solved(score) for score in scores} == scores
    task = make(
        inputs=np.ones((4, 3, 1)), targets=np.ones((4, 1)), metric="mse", chance=1.1, best=0.1
    )
    scores = {0.1: True, 0.19: True, 0.21: False, 1.1: False, 0.0: True, np.nan: False}
    assert {score: task.solved(score) for score in scores} == scores


def test_it_says_what_it_is():
    assert repr(parity(10, 5)) == (
        "<SequenceTask 'parity': 10 rows of 5 steps, 3 tokens, 2 classes; "
        "accuracy: chance 0.5, best 1>"
    )


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"inputs": np.ones((4, 3))}, "inputs"),
        ({"inputs": np.ones((0, 3), int), "targets": np.zeros(0, int)}, "rows and steps"),
        ({"inputs": np.ones((4, 0), int)}, "rows and steps"),
        ({"inputs": np.array([["a"]])}, "integers or floats"),
        ({"targets": np.zeros(3, int)}, "targets"),
        ({"targets": np.zeros((4, 2), int)}, "targets"),
        ({"targets": np.zeros((4, 1))}, "targets"),
        ({"metric": "mse"}, "targets"),
        ({"metric": "loss"}, "metric"),
        ({"weights": np.ones(3)}, "weights"),
        ({"weights": np.ones((4, 3))}, "weights"),
        ({"weights": np.zeros(4)}, "weights"),
        ({"weights": [1, 1, -1, 1]}, "weights"),
        ({"inputs": np.full((4, 3, 1), np.nan)}, "finite"),
        ({"vocabulary": ["[pad]"]}, "vocabulary"),
        ({"classes": []}, "classes"),
        ({"inputs": -np.ones((4, 3), int), "vocabulary": "abc"}, "vocabulary"),
        ({"inputs": np.ones((4, 3, 1)), "vocabulary": "abc"}, "vocabulary"),
        ({"best": 0.5}, "better score"),
        ({"chance": np.nan}, "better score"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)
