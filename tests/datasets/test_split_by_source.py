import numpy as np
import pytest

from keras_seq.datasets import split_by_source


def repeated_pairs(n=2_000):
    rng = np.random.default_rng(0)
    sources = [f"s{number}" for number in rng.zipf(1.5, size=n)]
    return sources, [f"t{index}" for index in range(n)]


@pytest.mark.parametrize("sizes", [(0.8, 0.1, 0.1), (1_500, 200, 100), (1.0,), (2_000,)])
def test_no_source_in_two_parts_and_pairs_stay_whole(sizes):
    sources, targets = repeated_pairs()
    parts = split_by_source(sources, targets, sizes)
    assert len(parts) == len(sizes)
    given = set(zip(sources, targets, strict=True))
    got = [pair for part in parts for pair in zip(*part, strict=True)]
    assert len(got) == len(set(got)) and set(got) <= given
    if sum(sizes) in (1.0, 2_000):
        assert set(got) == given
    found = [set(part[0]) for part in parts]
    assert sum(map(len, found)) == len(set.union(*found))
    wanted = [round(size * 2_000) if isinstance(size, float) else size for size in sizes]
    got = [len(part[0]) for part in parts]
    assert got[1:] == wanted[1:]  # Enough sources occur once to fill every gap.
    if sum(wanted) == 2_000:
        assert got == wanted
    else:  # The source of 40 % of the pairs may be left over.
        assert 0.9 * wanted[0] < got[0] <= wanted[0]


def test_exact_without_repeats():
    sources = [str(index) for index in range(1_000)]
    parts = split_by_source(sources, sources, (0.9, 0.05, 0.05))
    assert [len(part[0]) for part in parts] == [900, 50, 50]
    parts = split_by_source(sources, sources, (700, 100))
    assert [len(part[0]) for part in parts] == [700, 100]


def test_large_groups():
    """A source is never divided, so sizes give way, but no part is empty while groups are left."""
    for seed in range(20):
        small, large = split_by_source(list("aaaaaabbbb"), range(10), (0.5, 0.5), seed=seed)
        assert sorted(small[1]) == [6, 7, 8, 9] and sorted(large[1]) == [0, 1, 2, 3, 4, 5]
        small, large = split_by_source(list("aaaaabbbbb"), range(10), (0.2, 0.8), seed=seed)
        assert len(small[0]) == len(large[0]) == 5
        train, dev, test = split_by_source(["a"] * 80 + list("bcdefghijk"), range(90), (88, 1, 1))
        assert [len(part[0]) for part in (train, dev, test)] == [88, 1, 1]


def test_shuffled():
    sources = [str(index) for index in range(1_000)]
    train, test = split_by_source(sources, sources, (0.5, 0.5))
    for part in (train[0], test[0]):
        assert part != sorted(part, key=int)
        assert 400 < np.mean([int(source) for source in part]) < 600


def test_seed():
    pairs = repeated_pairs(200)
    assert split_by_source(*pairs, seed=1) == split_by_source(*pairs, seed=1)
    assert split_by_source(*pairs, seed=1) != split_by_source(*pairs, seed=2)


@pytest.mark.parametrize(
    "sizes, message",
    [
        ((0.5, 0.4), "with the sum 0.9"),
        ((6, 5), "with the sum 11"),
        ((0.5, 5), "must be floats"),
        ((), "must be floats"),
        ((-0.5, 1.5), "must be floats"),
        ((0, 10), "must be floats"),
        ((True,), "must be floats"),
        (("a",), "must be floats"),
        ((float("nan"),), "must be floats"),
    ],
)
def test_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        split_by_source(list("abcdefghij"), list("abcdefghij"), sizes)


def test_errors():
    with pytest.raises(ValueError, match="3 sources and 1 targets"):
        split_by_source(list("abc"), list("a"))
    with pytest.raises(ValueError, match="at least one; received 0 sources"):
        split_by_source([], [])
    with pytest.raises(ValueError, match="10 pairs with 1 different sources"):
        split_by_source(["a"] * 10, list("0123456789"), (0.5, 0.5))
    with pytest.raises(ValueError, match="`seed` must be an integer of at least 0"):
        split_by_source(list("ab"), list("ab"), (1, 1), seed="x")
