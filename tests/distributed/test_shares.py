"""The rows of a batch that each worker reads."""

import keras
import numpy as np
import pytest

import keras_seq as ks
from keras_seq.datasets import stream_parallel, write_lines
from keras_seq.models.base import sharing
from keras_seq.text.batches import ArrayBatches, from_arrays
from keras_seq.text.pipeline import StreamedDataset
from keras_seq.text.shares import even_batches, first_batch, rows_of_worker
from keras_seq.text.stream_share import StreamShare, share_of

pytestmark = pytest.mark.once


def batch(rows, first, per_token):
    x = {"token_ids": np.arange(first, first + 3 * rows, dtype="int32").reshape(rows, 3)}
    if per_token:
        return x, x["token_ids"] + 1, np.ones((rows, 3), "float32")
    return x, np.arange(rows, dtype="int32"), np.ones(rows, "float32")


def made(kind, per_token):
    """Three batches, of 4, 4 and 3 rows, in a form that Keras takes."""
    parts = [batch(rows, first, per_token) for rows, first in ((4, 1), (4, 13), (3, 25))]
    if kind == "arrays":
        return ArrayBatches(3, parts.__getitem__)
    return from_arrays(lambda: iter(parts), 3) if kind == "tf.data" else iter(parts)


def listed(batches):
    read = batches.as_numpy_iterator() if hasattr(batches, "as_numpy_iterator") else batches
    return list(read)


@pytest.mark.parametrize("kind", ["arrays", "tf.data", "generator"])
@pytest.mark.parametrize("per_token", [True, False])
def test_no_row_is_dropped_or_seen_twice(kind, per_token):
    workers = [
        listed(rows_of_worker(even_batches(made(kind, per_token), 2, per_token), 2, index))
        for index in range(2)
    ]
    for parts in zip(*workers, strict=True):  # the batches, of both workers
        shapes = [keras.tree.map_structure(np.shape, part) for part in parts]
        assert shapes[0] == shapes[1]
    batches = [x for parts in zip(*workers, strict=True) for x, _, _ in parts]
    rows = [row for x in batches for row in x["token_ids"]]
    assert np.array_equal(rows[:11], np.arange(1, 34).reshape(11, 3))
    assert np.array_equal(rows[11:], [[0, 0, 0]])
    last = workers[1][-1]
    assert np.all(last[2][-1] == 0) and np.all(last[2][0] == 1)
    if not per_token:
        assert last[0]["real_rows"].tolist() == [1, 0]


def test_labels_that_are_values_are_filled_with_nan():
    values = np.ones((3, 2), "float32")
    batches = ArrayBatches(1, lambda _: ({"x": values}, values, values))
    ((x, y, weights),) = listed(even_batches(batches, 2, per_token=True))
    assert np.isnan(y[3]).all() and not x["x"][3].any() and not weights[3].any()


def test_one_worker_reads_all():
    batches = made("arrays", True)
    assert rows_of_worker(batches, 1, 0) is batches


@pytest.mark.parametrize("kind", ["arrays", "tf.data", "generator"])
def test_the_first_batch_is_looked_at_and_not_lost(kind):
    digest, batches = first_batch(made(kind, True))
    assert len(listed(batches)) == 3
    again, _ = first_batch(made(kind, True))
    other, _ = first_batch(made(kind, False))
    assert digest == again != other


def stream(folder, lines):
    """Pairs of two gzip files on either side, one of them with a byte order mark."""
    for side, end in (("de", ""), ("en", "!")):
        texts = [f"{'a' * (1 + 7 * i % 40)} {i}{end}" for i in range(lines)]
        write_lines(folder / f"0.{side}.gz", texts[: lines // 2])
        write_lines(folder / f"1.{side}.gz", texts[lines // 2 :])
    return stream_parallel(folder / "*.de.gz", folder / "*.en.gz")


def rows_of(part, rows):
    """The sources in each batch of 3 rows, out of windows of 6 texts, shuffled."""
    import tensorflow as tf

    def encode(x, y):
        codes = tf.strings.unicode_decode(x, "UTF-8")
        return {"source": codes}, tf.strings.unicode_decode(y, "UTF-8")

    streamed = StreamedDataset(part, encode, 3, True, 6, seed=1, rows=rows)
    streamed.set_epoch(2)
    found = []
    for x, _, weights in streamed.dataset.as_numpy_iterator():
        assert x["source"].shape[0] == 3
        texts = ["".join(map(chr, row[row > 0])) for row in x["source"]]
        assert all(bool(text) == bool(row.any()) for text, row in zip(texts, weights, strict=True))
        found.append([text for text in texts if text])
    assert len(found) == int(streamed.dataset.cardinality())
    return found


@pytest.mark.parametrize("lines", [2, 6, 7, 13, 18, 19, 37])
@pytest.mark.parametrize("count", [2, 3])
def test_shares_of_a_stream_have_as_many_batches_and_all_pairs_once(tmp_path, lines, count):
    pairs = stream(tmp_path, lines)
    parts = [pairs.shard(count, index) for index in range(count)]
    shares = [share_of(part) for part in parts]
    assert [(share.index, share.total) for share in shares] == [(i, lines) for i in range(count)]
    batches = [rows_of(part, shares[0].largest) for part in parts]
    assert len({len(of_worker) for of_worker in batches}) == 1
    read = sorted(text for of_worker in batches for batch in of_worker for text in batch)
    assert read == sorted(x.decode() for x, _ in pairs.as_numpy_iterator())


def test_what_is_no_share_is_said(tmp_path):
    pairs = stream(tmp_path, 4)
    assert share_of(pairs) is None
    numbers = [int(x.split()[1]) for x, _ in pairs.shard(2, 1).as_numpy_iterator()]
    assert numbers == [1, 3]
    with pytest.raises(ValueError, match=r"`index` must be an integer from 0 to 1, .*; received 2"):
        pairs.shard(2, 2)
    with pytest.raises(ValueError, match="`num_shards` must be"):
        pairs.shard(0, 0)


def test_a_share_must_be_that_of_the_worker(monkeypatch):
    monkeypatch.setattr(sharing, "workers", lambda model=None: (2, 1))
    share = StreamShare(2, 1, 5)
    assert sharing.check_share(share, None) is share and sharing.check_share(None, None) is None
    for other in (StreamShare(2, 0, 5), StreamShare(4, 1, 5)):
        with pytest.raises(ValueError, match=r"or the shard\(2, 1\) of it .*; received shard"):
            sharing.check_share(other, None)
    monkeypatch.setattr(sharing, "workers", lambda model=None: (1, 0))
    assert sharing.check_share(StreamShare(4, 1, 5), None) is None


def test_ids_are_for_one_device(monkeypatch):
    texts, labels = ["fine", "dull"] * 2, ["good", "bad"] * 2
    model = ks.models.TextClassifier.from_texts(texts, labels, units=2)
    model.compile("sgd")
    ids, classes, _ = model.as_batch(texts, labels)
    monkeypatch.setattr(sharing, "replicas", lambda model=None: 2)
    with pytest.raises(ValueError, match=r"received ids prepared by hand: give .* the texts"):
        model.fit(ids, classes, verbose=0)
