"""Batches by length: every example once, little padding, an order that (seed, epoch) decides."""

import itertools

import keras
import numpy as np
import pytest

from keras_seq.backend import compiles_singly
from keras_seq.text.examples import MOST_SHAPES, Examples, LengthBatches, few_shapes, padded_length
from keras_seq.text.pipeline import BatchedDataset, StreamedDataset, frame, is_batched, map_batches


def examples(count=203, seed=0, weights=None):
    """Ids that name their example: no two are alike."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 40, size=(2, count))

    def column(k):
        return [np.full(n, i + 4, "int32") for i, n in enumerate(lengths[k])]

    return Examples({"source_ids": column(0), "target_ids": column(1)}, column(1), weights)


def seen(dataset):
    """The number of each row's example, batch by batch; filling is left out."""
    batches = [x["source_ids"][:, 0] - 4 for x, *_ in dataset.as_numpy_iterator()]
    return [batch[batch >= 0].tolist() for batch in batches]


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_example_comes_once_an_epoch(shuffle):
    batched = BatchedDataset(LengthBatches(examples(), 16, shuffle=shuffle))
    for epoch in range(2):
        batched.set_epoch(epoch)
        rows = [row for batch in seen(batched.dataset) for row in batch]
        assert sorted(rows) == list(range(203))


def test_order_depends_on_seed_and_epoch_alone():
    def orders(seed):
        batched = BatchedDataset(LengthBatches(examples(), 16, shuffle=True, seed=seed))
        result = []
        for epoch in (0, 1, 0):
            batched.set_epoch(epoch)
            result.append(seen(batched.dataset))
        return result

    first, second, again = orders(1)
    assert first == again != second
    assert orders(1)[1] == second
    assert orders(2)[0] != first


def test_batches_hold_the_examples_and_nothing_else():
    weights = np.arange(203) / 203
    data = examples(weights=weights)
    batches = LengthBatches(data, 16, shuffle=True)
    shapes = set()
    for x, y, weight in BatchedDataset(batches).dataset.as_numpy_iterator():
        assert len(y) == len(weight) == 16
        shapes.add((x["source_ids"].shape, y.shape))
        for source, target, label, w in zip(*x.values(), y, weight, strict=True):
            row = source[0] - 4
            if row < 0:  # filling
                assert not (source.any() or target.any() or label.any() or w.any())
                continue
            for found, column in ((source, data.inputs["source_ids"]), (label, data.labels)):
                expected = column[row]
                assert np.array_equal(found[: len(expected)], expected)
                assert not found[len(expected) :].any()
            np.testing.assert_allclose(w, np.where(label != 0, weights[row], 0), rtol=1e-6)
    assert len(shapes) <= 25
    assert len(batches) == sum(1 for _ in BatchedDataset(batches).dataset)


def test_buckets_save_padding():
    data = examples(2000)
    batches = LengthBatches(data, 16)
    source = [len(ids) for ids in data.inputs["source_ids"]]
    assert np.all(batches.lengths[0] >= source)
    one_bucket = LengthBatches(data, 16, num_buckets=1).lengths[0]
    assert len(set(one_bucket.tolist())) == 1
    assert batches.lengths[0].sum() < 0.75 * one_bucket.sum()


def test_few_shapes_are_those_of_least_padding():
    """All ways to put shapes into each other are tried."""
    lengths = np.random.default_rng(0).choice([8, 12, 20, 28], size=(2, 60)).astype("int32")
    shapes = few_shapes(lengths, 3)
    assert np.all(np.diff(shapes, axis=0) >= 0) and shapes[-1].tolist() == [28, 28]

    def padding(chain):
        fits = np.all(lengths[None] <= np.array(chain)[:, :, None], axis=1)
        return np.array(chain).sum(axis=1)[fits.argmax(axis=0)].sum()

    corners = [*itertools.product([8, 12, 20, 28], repeat=2)]
    chains = [
        [first, second, (28, 28)]
        for first, second in itertools.product(corners, repeat=2)
        if first[0] <= second[0] and first[1] <= second[1]
    ]
    assert padding(shapes) == min(map(padding, chains))
    assert few_shapes(lengths, 16) is None


@pytest.mark.every_backend
@pytest.mark.parametrize("across", [False, True])
def test_compiled_steps_meet_few_shapes(across):
    data = examples(2000)
    batches = LengthBatches(data, 16, shuffle=True, across_buckets=across)
    shapes, tighter = set(), set()
    for rows in batches.order():
        rows = rows[rows < len(data)]
        lengths = batches.padded_to(rows)
        assert np.all(lengths >= batches.lengths[:, rows].max(axis=1))
        shapes.add(tuple(lengths))
        tighter.add(tuple(batches.lengths[:, rows].max(axis=1)))
    assert len(tighter) > MOST_SHAPES
    assert len(shapes) <= MOST_SHAPES if compiles_singly else shapes == tighter


def test_a_small_corpus_is_one_small_batch():
    batches = LengthBatches(examples(3), 64)
    assert batches.batch_size == 3 and len(batches) == 1


def test_padded_lengths_grow_by_at_most_a_quarter():
    for length in range(9, 2000):
        assert length <= padded_length(length) <= 1.25 * length
    assert len({padded_length(n) for n in range(1, 513)}) <= 26


def test_frame_adds_and_cuts():
    rows = [np.array([5, 6], "int32"), np.array([], "int32"), np.array([7, 8, 9], "int32")]
    framed = [row.tolist() for row in frame(rows, start=1, end=2, max_length=4)]
    assert framed == [[1, 5, 6, 2], [1, 2], [1, 7, 8, 9]]


def test_frame_is_the_same_in_a_graph():
    import tensorflow as tf

    rows = [[5, 6], [], [7, 8, 9]]
    for options in ({"end": 2}, {"start": 1, "max_length": 2}, {"start": 1, "end": 2}):
        python = [row.tolist() for row in frame([np.array(r, "int32") for r in rows], **options)]
        graph = tf.function(lambda r, options=options: frame(r, **options))
        ragged = tf.RaggedTensor.from_row_lengths(np.array([5, 6, 7, 8, 9], "int32"), [2, 0, 3])
        assert graph(ragged).to_list() == python


def texts(count=203, weights=None):
    """The sources and targets of `examples`, as a dataset of strings: ids with spaces between."""
    import tensorflow as tf

    columns = examples(count).columns()[:2]
    columns = [[" ".join(map(str, row)) for row in column] for column in columns]
    columns = columns if weights is None else [*columns, weights]
    return tf.data.Dataset.from_tensor_slices(tuple(columns))


def encode(x, y):
    import tensorflow as tf

    source, target = (tf.strings.to_number(tf.strings.split(part), "int32") for part in (x, y))
    return {"source_ids": source, "target_ids": target}, target


def stream(shuffle=True, seed=1, **options):
    return StreamedDataset(texts(**options), encode, 16, shuffle, shuffle_buffer=60, seed=seed)


def test_a_stream_holds_the_examples_and_nothing_else():
    weights = np.arange(203) / 203
    data = examples(weights=weights)
    shapes, rows, batches = set(), [], 0
    streamed = stream(weights=weights).dataset
    for x, y, weight in streamed.as_numpy_iterator():
        batches += 1
        assert len(y) == 16
        shapes.add((x["source_ids"].shape[1], x["target_ids"].shape[1], y.shape[1]))
        for source, target, label, w in zip(*x.values(), y, weight, strict=True):
            row = source[0] - 4
            if row < 0:  # filling
                assert not (source.any() or target.any() or label.any() or w.any())
                continue
            rows.append(row)
            for found, column in ((source, data.inputs["source_ids"]), (label, data.labels)):
                assert np.array_equal(found[: len(column[row])], column[row])
                assert not found[len(column[row]) :].any()
            np.testing.assert_allclose(w, np.where(label != 0, weights[row], 0), rtol=1e-6)
    assert sorted(rows) == list(range(203))
    assert batches == int(streamed.cardinality()) == 13  # ceil(203 / 16)
    assert len(shapes) <= 6 and {*sum(shapes, ())} <= {16, 24, 32, 48}


def test_order_of_a_stream_depends_on_seed_and_epoch_alone():
    first = seen(stream().dataset)
    batched = stream()
    batched.set_epoch(1)
    second = seen(batched.dataset)
    assert second == seen(batched.dataset) != first  # until the next epoch
    batched.set_epoch(0)
    assert seen(batched.dataset) == first
    assert seen(stream(seed=2).dataset) != first
    # As in another process, which goes on where this one stopped.
    keras.utils.set_random_seed(17)
    resumed = stream()
    resumed.set_epoch(1)
    assert seen(resumed.dataset) == second


def test_a_stream_unshuffled_is_the_same_each_time():
    batched = stream(shuffle=False)
    first = seen(batched.dataset)
    batched.set_epoch(1)
    assert seen(batched.dataset) == first == seen(stream(shuffle=False, seed=2).dataset)
    assert all(batch < 64 for batch in first[0])  # the first window: 60 rounded up to 4 batches


def test_a_far_shorter_column_is_padded_to_a_quarter():
    import tensorflow as tf

    for long, short, expected in ((100, 40, (128, 128)), (100, 20, (128, 32)), (20, 3, (24, 16))):
        pair = tf.data.Dataset.from_tensors((" ".join(["4"] * long), " ".join(["5"] * short)))
        x, y, _ = next(StreamedDataset(pair, encode, 2).dataset.as_numpy_iterator())
        assert (x["source_ids"].shape[1], y.shape[1]) == expected


def test_batches_of_texts_are_kept():
    found = seen(map_batches(texts(20).batch(8), encode))
    assert found == [[*range(8)], [*range(8, 16)], [*range(16, 20)]]


def test_mistakes_with_streams():
    import tensorflow as tf

    for size in (0, 2.5):
        with pytest.raises(ValueError, match=f"`shuffle_buffer` must be .* received {size}"):
            StreamedDataset(texts(3), encode, shuffle_buffer=size)
    mixed = tf.data.Dataset.from_tensors((["a"], "b"))
    with pytest.raises(ValueError, match="scalar strings or batches of shape"):
        is_batched(mixed)
