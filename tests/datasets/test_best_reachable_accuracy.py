import itertools

import pytest

from keras_seq.datasets import best_reachable_accuracy


def test_is_the_best_of_all_functions():
    """Against brute force over every function from sources to targets."""
    sources, targets = list("aaabbbccd"), list("xxyyzxzzx")
    best = max(
        sum(answers["abcd".index(s)] == t for s, t in zip(sources, targets, strict=True))
        for answers in itertools.product("xyz", repeat=4)
    )
    assert best_reachable_accuracy(sources, targets) == best / 9


def test_ends():
    assert best_reachable_accuracy(["a", "b", "a"], ["x", "y", "x"]) == 1.0
    assert best_reachable_accuracy(["a"] * 4, list("wxyz")) == 0.25


def test_errors():
    with pytest.raises(ValueError, match="2 sources and 1 targets"):
        best_reachable_accuracy(["a", "b"], ["c"])
    with pytest.raises(ValueError, match="at least one; received 0 sources"):
        best_reachable_accuracy([], [])
