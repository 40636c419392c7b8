"""Losses and metrics that see the real rows and tokens of a batch, and nothing that fills it up."""

import keras
from keras import ops

from keras_seq.backend import added_up, choose, parts, replica_sum, run_if
from keras_seq.models.base.outputs import Form


def pack(weights, real):
    """Return the weights of a batch and which of it is real as one tensor."""
    return ops.stack([weights, real])


def flat(x, outputs, rank=1):
    """Return `(batch, steps, ...)` as `(tokens, ...)`, with `rank` axes."""
    if not outputs.per_token:
        return x
    behind = [ops.shape(x)[k] if x.shape[k] is None else x.shape[k] for k in range(2, rank + 1)]
    return ops.reshape(x, (-1, *behind))


class RealMetric(keras.metrics.Metric):
    """A metric of real rows and tokens.

    What fills a batch up weighs 0 for it, or is cut away before the metric sees it. Tokens of all
    rows stand in one row: Keras's metrics would average each row first.

    Args:
        name: what it is reported as.
        use: the `Use` of the metric.
        outputs: the `Outputs` of the model.
        weighted: whether the user's weights count; else all that is real counts the same.

    Call arguments of `update_state`:
        y_true, y_pred: labels and predictions of a batch.
        sample_weight: what `pack` returns.
    """

    def __init__(self, name, use, outputs, weighted):
        metric = use.thing if use.is_metric else keras.metrics.Mean(name)
        super().__init__(name=name, dtype=metric.dtype)
        self.metric = metric  # tracked: its variables are ours
        self.use = use
        self.outputs = outputs
        self.weighted = weighted

    def update_state(self, y_true, y_pred, sample_weight=None):
        use, outputs = self.use, self.outputs
        weights, real = sample_weight[0], sample_weight[1]
        counts = weights if self.weighted else real
        if not use.whole:
            y_true, counts, real = (flat(x, outputs) for x in (y_true, counts, real))
            y_pred = flat(y_pred, outputs, len(y_pred.shape) - 1)
        y_true, y_pred = use.form.shape(y_true, y_pred, outputs)
        if use.how != "select":
            self._update(y_true, y_pred, counts, real)
            return

        def update():
            self._update(*choose(real > 0, (y_true, y_pred, counts, real)))

        run_if(ops.any(real > 0), update)

    def _update(self, y_true, y_pred, counts, real):
        if not self.use.is_metric:
            self.metric.update_state(self.use.values(y_true, y_pred, real), sample_weight=counts)
        elif self.use.how == "weights" or self.weighted:
            self.metric.update_state(y_true, y_pred, sample_weight=counts)
        else:
            self.metric.update_state(y_true, y_pred)

    def result(self):
        return self.metric.result()

    def reset_state(self):
        self.metric.reset_state()


class RealLoss(keras.losses.Loss):
    """A loss of real rows and tokens: what it would be without anything that fills a batch up.

    Args:
        use: the `Use` of the loss.
        outputs: the `Outputs` of the model.

    Call arguments:
        y_true, y_pred: labels and predictions of a batch.
        sample_weight: what `pack` returns.
    """

    def __init__(self, use, outputs):
        inner = use.thing
        wrapped = isinstance(inner, keras.losses.Loss)
        super().__init__(
            name=use.name,
            reduction=inner.reduction if wrapped else "sum_over_batch_size",
            dtype=inner.dtype if wrapped else None,
        )
        self.use = use
        self.outputs = outputs

    @property
    def _mean(self):
        return self.reduction in ("sum_over_batch_size", "mean")

    def __call__(self, y_true, y_pred, sample_weight=None):
        weights, real = sample_weight[0], sample_weight[1]
        loss = self._of_rows(y_true, y_pred, weights, real)
        if parts() == 1:
            return loss
        if self.reduction == "sum":
            return added_up(loss)
        weight = self.batch_weight(weights, real)
        return loss * ops.divide_no_nan(weight * parts(), replica_sum(weight, "loss"))

    def _of_rows(self, y_true, y_pred, weights, real):
        """The loss of the rows that are here."""
        use, outputs = self.use, self.outputs
        if use.whole:
            loss = use.thing(y_true, y_pred, weights)
            return loss * _share(ops.max(real, axis=1)) if self._mean and use.scaled else loss
        y_true, weights, real = (flat(x, outputs) for x in (y_true, weights, real))
        y_pred = flat(y_pred, outputs, len(y_pred.shape) - 1)
        if use.how == "select":
            first = ops.cast(ops.arange(ops.shape(real)[0]) == 0, "bool")
            none = ops.logical_not(ops.any(real > 0))
            # A function of nothing may be NaN: where nothing is real it sees a row of weight 0.
            chosen = ops.logical_or(real > 0, ops.logical_and(none, first))
            y_true, y_pred, weights, real = choose(chosen, (y_true, y_pred, weights, real))
        if self._mean:
            weights = weights * _share(real)
        y_true, y_pred = use.form.shape(y_true, y_pred, outputs)
        return super().__call__((y_true, real), y_pred, weights)

    def call(self, y_true, y_pred):
        y_true, real = y_true
        return self.use.values(y_true, y_pred, real)

    def batch_weight(self, weights, real):
        """Return what the loss of a batch counts among those of others."""
        if self.use.whole:
            rows = self._mean and self.use.scaled
            return ops.sum(ops.max(real, axis=1)) if rows else ops.sum(weights)
        return ops.sum(weights if self.reduction == "mean_with_sample_weight" else real)


def _share(real):
    """The number of rows by that of the real ones: what makes a mean over all one over those."""
    count = ops.cast(ops.prod(ops.convert_to_tensor(ops.shape(real), "int32")), real.dtype)
    return count / ops.maximum(ops.sum(real), 1.0)


class LossTracker(keras.metrics.Mean):
    """The mean of the loss over all that is real, where Keras's own has one over the batches' rows.

    Args:
        tracker: Keras's own, which the training step updates.
    """

    def __init__(self, tracker):
        super().__init__(name=tracker.name, dtype=tracker.dtype)
        self.tracker = tracker  # tracked: its variables go where ours go

    def settle(self, weight):
        """Take over the loss of a batch, which counts as much as `weight`.

        Where devices share it, that is the mean of theirs, and `weight` of the rows of this one.
        """
        whole = replica_sum(weight, "loss")
        loss = ops.where(whole > 0, self.tracker.result(), 0.0)
        self.total.assign_add(ops.cast(loss * whole / parts(), self.dtype))
        self.count.assign_add(ops.cast(weight, self.dtype))
        self.tracker.reset_state()

    def update_state(self, values, sample_weight=None):
        self.tracker.update_state(values, sample_weight)

    def result(self):
        mean = ops.convert_to_tensor(super().result())
        return ops.where(ops.convert_to_tensor(self.count) > 0, mean, self.tracker.result())

    def reset_state(self):
        super().reset_state()
        self.tracker.reset_state()


class Use:
    """How a loss or metric is used so that it sees real rows and tokens alone.

    Attributes:
        thing: a `Loss`, a `Metric`, or a function of `(y_true, y_pred)`.
        name: what it is called.
        form: the `Form` that it takes.
        whole: whether it takes whole sequences, with weights of their tokens.
        how: `"weights"`: what is not real weighs 0; `"select"`: it is cut away; `"each"`: the
            function is asked about each token by itself; `"plain"`: nothing fills up.
        scaled: for a loss of whole sequences: whether its mean is one over the rows of a batch.
        by_user: whether the user wrote it: then nothing is known of it beforehand.
    """

    def __init__(
        self, thing, name, form=None, whole=False, how="weights", scaled=False, by_user=False
    ):
        self.thing = thing
        self.name = name
        self.form = form or Form()
        self.whole = whole
        self.how = how
        self.scaled = scaled
        self.by_user = by_user

    @property
    def is_metric(self):
        return isinstance(self.thing, keras.metrics.Metric)

    @property
    def function(self):
        return self.thing.call if isinstance(self.thing, keras.losses.Loss) else self.thing

    def values(self, y_true, y_pred, real):
        """Return what the function gives for each row or token, in the shape of `real`."""
        if self.how == "each":
            # Without the padding's label: a function may divide by the number of other ones.
            y_true = ops.where(real > 0, y_true, ops.max(y_true))

            def one(row):
                return ops.mean(self.function(row[0][None], row[1][None]))

            return ops.where(real > 0, ops.vectorized_map(one, (y_true, y_pred)), 0.0)
        values = ops.convert_to_tensor(self.function(y_true, y_pred))
        if len(values.shape) > len(real.shape):
            axes = tuple(range(len(real.shape), len(values.shape)))
            values = ops.mean(ops.cast(values, "float32"), axis=axes)
        if len(values.shape) == 0:
            values = ops.broadcast_to(values, ops.shape(real))
        return values
