"""What a label means: a name, a number, a mark."""

import numpy as np
import pytest
import tensorflow as tf
from forms import Frame, Series

from keras_seq.models import TextClassifier
from keras_seq.models.classification.classes import Classes, class_names_of

pytestmark = pytest.mark.once
TEXTS = ["ab", "c", "b", "a"]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([5, 1, 10, 2], ["1", "2", "5", "10"]),
        (np.array([5, 1, 10, 2]), ["1", "2", "5", "10"]),
        (np.array([[5], [1], [10], [2]]), ["1", "2", "5", "10"]),
        ([5.0, 1.0, np.float32(10), 2], ["1", "2", "5", "10"]),
        (list(np.array([5, 1, 10, 2], "int8")), ["1", "2", "5", "10"]),
        ([True, False, False, True], ["False", "True"]),
        (np.array([True, False, False, True]), ["False", "True"]),
        ([-1, 1, 0, 1], ["-1", "0", "1"]),
        (["10", "9", "1", "9"], ["1", "10", "9"]),
        ([1, "b", 2, "b"], ["1", "2", "b"]),
        (Series(["b", "a", "b", "a"], "category"), ["a", "b"]),
        (tf.constant([3, 1, 3, 1]), ["1", "3"]),
        (tf.constant(["b", "a", "b", "a"]), ["a", "b"]),
        (range(4), ["0", "1", "2", "3"]),
    ],
)
def test_a_number_means_the_class_that_it_names(labels, names):
    """What `from_texts` saw, `fit` reads as the same: 3 of 5 stars is "3", not the fourth class."""
    model = TextClassifier.from_texts(TEXTS, labels, units=3)
    assert model.class_names == names and not model.multi_label
    plain = np.ravel(labels).tolist() if not isinstance(labels, list) else labels
    plain = labels.tolist() if isinstance(labels, Series) else plain
    plain = [one.decode() if isinstance(one, bytes) else one for one in plain]
    right = [one if isinstance(one, (str, bool)) else int(one) for one in plain]
    expected = [names.index(str(one)) for one in right]
    assert model.check_targets(labels).tolist() == expected
    if len({type(one) for one in right}) == 1:  # a tensor has one type
        found = model.classes.encode_tensors(tf.constant(right))
        assert found.numpy().tolist() == expected


def test_a_number_is_a_place_where_classes_have_words_for_names():
    classes = Classes(["good", "bad", "3D"])
    assert classes.encode([0, 2, "bad", 1.0]).tolist() == [0, 2, 1, 1]
    assert classes.encode_tensors(tf.constant([0, 2])).numpy().tolist() == [0, 2]
    assert Classes(["False", "True"]).encode([0, 1, True]).tolist() == [0, 1, 1]
    with pytest.raises(ValueError, match="received True of type bool"):
        classes.encode([True])


def test_a_number_that_names_no_class_is_an_error_and_no_place():
    classes = Classes(["1", "2", "3"])
    with pytest.raises(ValueError, match=r"no class 0 \(label 1\); there are '1', '2', '3'"):
        classes.encode([1, 0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="one of the classes 1, 2, 3"):
        classes.encode_tensors(tf.constant([1, 0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="one of the classes"):
        classes.encode_tensors(tf.constant([1.0, 1.5]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="one of the classes"):
        Classes(["a", "b"]).encode_tensors(tf.constant([0.0, 0.5]))


def test_weights_of_classes_follow_the_same_rule():
    classes = Classes(["1", "2", "5"])
    found = classes.weights({5: 2.0, "1": 3}, classes.encode([5, 1, 2]))
    assert found.tolist() == [2.0, 3.0, 1.0]
    assert Classes(["a", "b"]).weights({1: 2.0}, np.array([0, 1])).tolist() == [1.0, 2.0]


MARKS = [[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize(
    "labels",
    [
        MARKS,
        list(map(tuple, MARKS)),
        list(map(np.array, MARKS)),
        np.array(MARKS),
        np.array(MARKS, "float32"),
        np.array(MARKS, bool),
        np.array(MARKS, bool).tolist(),
        tf.constant(MARKS),
        Frame(a=[1, 0, 0, 1], b=[0, 0, 1, 1], c=[1, 0, 1, 0]),
        Frame(c=[1, 0, 1, 0], a=[1, 0, 0, 1], b=[0, 0, 1, 1]),
        [["a", "c"], [], {"b", "c"}, ("a", "b")],
        [[0, 2], [], [1, 2], np.array([0, 1])],
        Series([["a", "c"], [], ["b", "c"], ["a", "b"]], "object"),
        [np.array(["a", "c"]), [], np.array(["b", "c"], object), ["a", "b"]],
    ],
)
def test_indicator_rows_and_lists_of_names(labels):
    model = TextClassifier.from_texts(TEXTS, labels, class_names=["a", "b", "c"], units=3)
    assert model.multi_label
    assert model.check_targets(labels).tolist() == MARKS


def test_names_of_indicator_columns():
    named = Frame(b=[1, 0, 1, 0], a=[0, 1, 0, 0])
    assert class_names_of(named) == (["b", "a"], True)
    assert class_names_of(np.array(MARKS)) == (["0", "1", "2"], True)
    assert class_names_of(MARKS) == (["0", "1", "2"], True)
    assert class_names_of([[3, 5], [5], []]) == (["3", "5"], True)
    assert class_names_of(Frame(label=["b", "a"])) == (["a", "b"], False)
    assert Classes(["x", "y"], True).encode(Frame(**{"y": [1, 0], "x": [0, 0]})).tolist() == [
        [0, 1],
        [0, 0],
    ]


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (["a", "b"], [[0, 1], [1, 0]], r"\[0, 1\] may be numbers of classes, or 0 and 1 for each"),
        (["a"], [[0], [0]], r"\[0\] may be numbers"),
        (["a", "b"], np.array([[1, 2]]), "values from 1 to 2"),
        (["a", "b"], Frame(a=[1], z=[0]), r"a column of 0 and 1 for each class.*\['a', 'z'\]"),
        (["a", "b"], [["a"], None], "label 1 is None"),
    ],
)
def test_marks_that_are_none(names, labels, message):
    with pytest.raises(ValueError, match=message):
        Classes(names, True).encode(labels)
    assert Classes(["a", "b"], True).encode([[0, 1], [1, 1]]).tolist() == [[0, 1], [1, 1]]
    assert Classes(["a", "b"], True).encode([[0, 1], [1]]).tolist() == [[1, 1], [0, 1]]
    assert Classes(["a"], True).encode([[1], [0]]).tolist() == [[1], [0]]
    with pytest.raises(ValueError, match="multi_label=True; received the columns"):
        Classes(["a", "b"]).encode(Frame(a=[1], b=[0]))
