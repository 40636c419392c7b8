"""Examples in padded batches, to be answered and not to be learnt from."""

import keras
import numpy as np

from keras_seq.text.examples import LengthBatches, pad


def padded_batches(examples, batch_size, verbose=0):
    """Iterate over batches of `Examples` without labels, those of similar length together.

    Args:
        examples: the `keras_seq.text.Examples`, at least one.
        batch_size: rows in a batch.
        verbose: whether to show a progress bar.

    Returns:
        An iterator over `(rows, inputs)`: the numbers of the examples, and a dict of int32 arrays
        `(batch_size, length)`, whose further rows are empty.
    """
    plan = LengthBatches(examples, batch_size, seed=0)
    bar = keras.utils.Progbar(len(plan), verbose=int(bool(verbose)))
    for rows in plan.order():
        rows = rows[rows < len(examples)]  # the others fill the batch up
        yield rows, _padded(examples, plan, rows)
        bar.add(1)


def _padded(examples, plan, rows):
    """The inputs of some examples, padded as their batch is, and as many rows as a batch has."""
    longest = plan.lengths[:, rows].max(axis=1)
    filling = [np.zeros(0, "int32")] * (plan.batch_size - len(rows))
    return {
        name: pad([*(column[row] for row in rows), *filling], length)
        for (name, column), length in zip(examples.inputs.items(), longest, strict=False)
    }
