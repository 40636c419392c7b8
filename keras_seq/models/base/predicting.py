"""Run a model on encoded texts, in batches of similar length."""

import keras
import numpy as np

from keras_seq._checks import check_batch_size
from keras_seq.models.base.sharing import check_predicts_alone
from keras_seq.text.batches import batched
from keras_seq.text.examples import LengthBatches, pad


def predict_examples(model, examples, batch_size=None, verbose=0, steps=None, callbacks=None):
    """Return the predictions for encoded texts, in their order.

    Args:
        model: the `Task`.
        examples: the `keras_seq.text.Examples`.
        batch_size: rows in a batch, 64 where `None`.
        verbose: whether to show a progress bar.
        steps, callbacks: as in `keras.Model.predict`, which is asked where there are any.

    Returns:
        An array with a row for each text; where labels belong to tokens, a list of arrays
        `(tokens, ...)`.
    """
    batch_size, count = check_batch_size(batch_size, 64), len(examples)
    if model.label_per_token:
        predictions = [None] * count
        lengths = [len(ids) for ids in examples.inputs[model.labelled]]
        for rows, outputs in _outputs(model, examples, batch_size, verbose):
            for row, output in zip(rows, outputs, strict=False):
                predictions[row] = output[: lengths[row]].copy()
        return predictions
    if not count:
        nothing = {name: np.zeros((1, 8), "int32") for name in examples.inputs}
        return model.as_predictions(model.compute(nothing))[:0]
    if steps is None and callbacks is None:
        groups = _outputs(model, examples, batch_size, verbose)
    else:
        check_predicts_alone(model)
        batches = LengthBatches(examples, batch_size)
        more = {"verbose": verbose, "steps": steps, "callbacks": callbacks}
        outputs = model.answer_ids(batched(batches).dataset, **more)
        groups = [(batches.order().ravel()[: len(outputs)], outputs)]
    predictions = None
    for rows, outputs in groups:
        if predictions is None:  # one row more for those that fill batches up
            predictions = np.zeros((count + 1, *outputs.shape[1:]), outputs.dtype)
        predictions[rows] = outputs[: len(rows)]
    return predictions[:count]


def _outputs(model, examples, batch_size, verbose):
    """Iterate over `(rows, predictions)` of the batches."""
    for rows, inputs in padded_batches(examples, batch_size, verbose):
        yield rows, model.as_predictions(model.compute(inputs))


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
    longest = plan.padded_to(rows)
    filling = [np.zeros(0, "int32")] * (plan.batch_size - len(rows))
    return {
        name: pad([*(column[row] for row in rows), *filling], length)
        for (name, column), length in zip(examples.inputs.items(), longest, strict=False)
    }
