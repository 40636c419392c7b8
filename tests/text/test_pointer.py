"""Ids for a decoder that points at source tokens."""

import numpy as np
import pytest

from keras_seq.text import CharacterTokenizer, WordTokenizer
from keras_seq.text.pointer import Pointer

tf = pytest.importorskip("tensorflow")
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]


@pytest.fixture(scope="module")
def pointer():
    source = WordTokenizer([*SPECIAL, "from", "to"])
    target = WordTokenizer([*SPECIAL, "to", "there", "from"])
    return Pointer(source, target, max_source_length=6, max_target_length=5)


def lists(columns):
    return [row.tolist() for row in columns]


def test_by_hand(pointer):
    inputs, labels = pointer.encode(
        ["from Rome to Rome", "s to", ""], ["to Rome", "there Oslo from", "Oslo"]
    )
    size = 7  # of the target vocabulary: from there on, positions in the source
    assert lists(inputs["source_ids"]) == [[4, 3, 5, 3, 2], [3, 5, 2], [2]]
    assert lists(inputs["copy_ids"]) == [[6, size + 1, 4, size + 1, 2], [size, 4, 2], [2]]
    assert lists(inputs["target_ids"]) == [[1, 4, size + 1], [1, 5, 3, 6], [1, 3]]
    assert lists(labels) == [[4, size + 1, 2], [5, 3, 6, 2], [3, 2]]


def test_without_targets(pointer):
    inputs, labels = pointer.encode(["Rome to Oslo"])
    assert labels is None
    assert lists(inputs["copy_ids"]) == [[7, 4, 9, 2]]


def test_what_is_cut_off_is_not_pointed_at(pointer):
    inputs, labels = pointer.encode(["a b c d e f g"], ["b g c a f h"])
    assert inputs["source_ids"][0].tolist() == [3] * 6
    assert inputs["copy_ids"][0].tolist() == [7, 8, 9, 10, 11, 12]
    assert labels[0].tolist() == [8, 3, 9, 7, 12]


def test_the_same_inside_a_graph(pointer):
    rng = np.random.default_rng(0)
    words = ["from", "to", "there", "Rome", "Oslo", "Bonn", "</s>", "<unk>"]
    x, y = ([" ".join(rng.choice(words, size=n)) for n in rng.integers(0, 9, 60)] for _ in "xy")
    inputs, labels = tf.function(pointer.encode_tensors)(tf.constant(x), tf.constant(y))
    expected, expected_labels = pointer.encode(x, y)
    assert {k: v.to_list() for k, v in inputs.items()} == {k: lists(v) for k, v in expected.items()}
    assert labels.to_list() == lists(expected_labels)


def test_characters_too():
    source = CharacterTokenizer([*SPECIAL, "a"])
    inputs, labels = Pointer(source, source, 9, 9).encode(["xay"], ["yxz"])
    assert inputs["copy_ids"][0].tolist() == [5, 4, 7, 2]
    assert labels[0].tolist() == [7, 5, 3, 2]
