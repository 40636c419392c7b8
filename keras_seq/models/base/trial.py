"""A loss or metric of the user's, tried on a few tokens: does it take them one by one?"""

import keras
import numpy as np
from keras import ops

ROWS, STEPS, CLASSES = 4, 3, 5


class Trial:
    """What a loss or metric does with labels and predictions made up for it.

    A number over tokens does not change when the tokens of several rows are put in one; a number
    over whole sequences does. One that heeds weights does not change when what weighs 0 is left
    out. Nothing random, and nothing of the model, goes into it.

    Args:
        use: the `Use` of the loss or metric.
        outputs: the `Outputs` of the model.
        weighted: whether it has an argument for weights.
        columns: how many numbers are predicted for a label, 0 for one without an axis of its own;
            one for each class where `None`.
    """

    def __init__(self, use, outputs, weighted, columns=None):
        self.use = use
        self.weighted = weighted
        rng = np.random.default_rng(0)
        count, classes = ROWS * STEPS, outputs.classes or CLASSES
        labels = classes - 1 - np.arange(count) % max(1, min(classes - 1, 7))
        answers = labels.copy()
        answers[[4, 5, 7, 9, 10]] = (labels[[4, 5, 7, 9, 10]] + 1) % classes  # rows 1 to 3
        logits = rng.normal(size=(count, classes))
        logits[np.arange(count), answers] += 4
        labels = ops.convert_to_tensor(labels.reshape(ROWS, STEPS), dtype="int32")
        if not use.is_metric:  # as Keras has it for losses
            labels = ops.cast(labels, "float32")
        logits = logits.reshape(ROWS, STEPS, classes)
        if columns is not None:
            logits = logits[..., :columns] if columns else logits[..., 0]
        predictions = ops.convert_to_tensor(logits, dtype="float32")
        self.y_true, self.y_pred = use.form.shape(labels, predictions, outputs)
        self.error = None

    def in_one_row(self, x, rows=slice(None), steps=slice(None)):
        """The tokens of some rows and steps, one behind the other."""
        part = x[rows, steps]
        return ops.reshape(part, (-1, *part.shape[2:]))

    def takes_tokens(self):
        """Whether the number is one over tokens; `None` where nothing comes of either."""
        tokens = self._number(self.in_one_row(self.y_true), self.in_one_row(self.y_pred))
        rows = self._number(self.y_true, self.y_pred)
        if tokens is None:
            return None if rows is None else False
        return rows is None or _same(tokens, rows)

    def heeds_weights(self, whole):
        """Whether what weighs 0 might as well not be there."""
        if not self.weighted:
            return False
        y_true, y_pred = self.y_true, self.y_pred
        weights = np.ones((ROWS, STEPS), "float32")
        weights[:, -1] = weights[-1] = 0
        if whole:
            left = y_true[:-1, :-1], y_pred[:-1, :-1]
        else:
            part = slice(ROWS - 1), slice(STEPS - 1)
            left = self.in_one_row(y_true, *part), self.in_one_row(y_pred, *part)
            y_true, y_pred = self.in_one_row(y_true), self.in_one_row(y_pred)
            weights = weights.reshape(-1)
        ones = ops.ones(left[0].shape[: weights.ndim], dtype="float32")
        some = self._number(y_true, y_pred, ops.convert_to_tensor(weights))
        rest = self._number(*left, ones)
        return some is not None and rest is not None and _same(some, rest)

    def gives_mean(self):
        """Whether what a function gives for some tokens is the mean of what it gives for each."""
        y_true, y_pred = self.in_one_row(self.y_true), self.in_one_row(self.y_pred)
        together = self._number(y_true, y_pred)
        each = [self._number(y_true[i : i + 1], y_pred[i : i + 1]) for i in range(ROWS * STEPS)]
        if together is None or any(number is None for number in each):
            return False
        return _same(together, np.mean(each, axis=0))

    def values_rank(self):
        """How many axes a function's values for tokens in one row have; `None` for an error."""
        try:
            values = self.use.function(self.in_one_row(self.y_true), self.in_one_row(self.y_pred))
        except Exception:
            return None
        return len(ops.convert_to_tensor(values).shape)

    def _number(self, y_true, y_pred, weights=None):
        """The number of these labels and predictions, `None` for an error."""
        try:
            return self._of_metric(y_true, y_pred, weights)
        except Exception as error:
            self.error = error
            return None

    def _of_metric(self, y_true, y_pred, weights):
        thing = self.use.thing
        more = {} if weights is None else {"sample_weight": weights}
        if not self.use.is_metric:
            function = self.use.function if weights is None else thing
            return np.mean(ops.convert_to_numpy(function(y_true, y_pred, **more)))[None]
        thing.reset_state()
        try:
            thing.update_state(y_true, y_pred, **more)
            leaves = keras.tree.flatten(thing.result())
            return np.concatenate([np.ravel(ops.convert_to_numpy(leaf)) for leaf in leaves])
        finally:
            thing.reset_state()


def _same(number, other):
    return np.shape(number) == np.shape(other) and np.allclose(
        number, other, 1e-4, 1e-6, equal_nan=True
    )
