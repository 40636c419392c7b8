"""The part of a stream of texts that one of several workers reads."""

import dataclasses

from keras_seq._checks import as_integer, check_positive


@dataclasses.dataclass(frozen=True)
class StreamShare:
    """What is a part of a stream: its rows `index`, `index + count`, `index + 2 count`, ...

    Attributes:
        count: how many parts there are.
        index: the number of this one, from 0.
        total: how many rows the whole stream has.
    """

    count: int
    index: int
    total: int

    @property
    def largest(self):
        """How many rows the largest part has."""
        return -(-self.total // self.count)


def shareable(dataset):
    """Return a `tf.data.Dataset` of known length, the parts of which know that they are some."""
    total, cut = int(dataset.cardinality()), dataset.shard

    def shard(num_shards, index, name=None):
        count, number = check_positive("num_shards", num_shards), as_integer(index)
        if number is None or not 0 <= number < count:
            raise ValueError(
                f"`index` must be an integer from 0 to {count - 1}, below `num_shards`; received "
                f"{index!r}."
            )
        return with_share(cut(count, number, name), StreamShare(count, number, total))

    dataset.shard = shard
    return dataset


def with_share(dataset, share):
    """Return `dataset`, which is this `StreamShare`; or all there is, where that is `None`."""
    dataset.stream_share = share
    return dataset


def share_of(dataset):
    """Return the `StreamShare` that a `tf.data.Dataset` or other batches are, or `None`."""
    return getattr(dataset, "stream_share", None)
