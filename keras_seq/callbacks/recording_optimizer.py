"""An optimiser around another one: it notes the norms of the gradients that pass through."""

import keras
from keras import ops

OWN = frozenset({"record", "apply", "apply_gradients", "stateless_apply", "variables"})


class RecordingOptimizer(keras.optimizers.Optimizer):
    """Hands every gradient on to `inner` as it came, and writes its norm into a `NormRecord`.

    The norms are taken inside the compiled training step, where the gradients are anyway, and no
    update changes by a bit. In all else this object is `inner`: attributes are read from it and
    written to it, so that learning rates, averages, loss scaling, configs and saved files know
    nothing of the wrapper. Only `variables` has the record's two more, at the end.

    Args:
        inner: the optimiser of the model, a `LossScaleOptimizer` too.
        rows: how many steps the record holds.
    """

    def __init__(self, inner, rows):
        # No `super().__init__()`: all state is that of `inner`.
        object.__setattr__(self, "record", NormRecord(inner, rows))

    def __getattribute__(self, name):
        if name in OWN or (name.startswith("__") and name.endswith("__")):
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "record").inner, name)

    def __setattr__(self, name, value):
        setattr(self.record.inner, name, value)

    def __dir__(self):
        return dir(self.record.inner)  # Keras saves what it finds here

    @property
    def variables(self):
        """Those of `inner`, then the record's: a list made for either fits the beginning."""
        return [*self.record.inner.variables, *self.record.variables]

    def apply(self, grads, trainable_variables=None):
        grads = list(grads)
        variables = None if trainable_variables is None else list(trainable_variables)
        self.record.push(grads, variables)
        return self.record.inner.apply(grads, variables)

    def apply_gradients(self, grads_and_vars):
        grads, variables = zip(*grads_and_vars, strict=True)
        self.record.push(list(grads), list(variables))
        return self.record.inner.apply_gradients(zip(grads, variables, strict=True))

    def stateless_apply(self, optimizer_variables, grads, trainable_variables):
        inner, extra = self.record.inner, self.record.variables
        values = list(optimizer_variables)
        with keras.StatelessScope(list(zip(self.variables, values, strict=True))) as scope:
            self.record.push(grads)
        trained, updated = inner.stateless_apply(values[: -len(extra)], grads, trainable_variables)
        return trained, [*updated, *map(scope.get_current_value, extra)]


class NormRecord:
    """The norms of the last steps, on the device.

    A row has the norm of the gradient of each weight, with the scale of the loss taken out, and
    where the optimiser clips or accumulates gradients one number more: the norm of what it applies,
    by the rules of Keras, or -1 in a step that only accumulates.

    Attributes:
        inner: the optimiser.
        weights: the weights, one a column; `None` before `build`.
        changes: whether the last column is there.
        buffer: `(rows, columns)` in float32, the newest step last.
        count: how many steps there were.
    """

    def __init__(self, inner, rows):
        self.inner = inner
        self.rows = rows
        self.weights = None
        self.variables = []
        base = innermost(inner)
        self.clips = bool(base.clipnorm or base.global_clipnorm or base.clipvalue)
        self.changes = self.clips or bool(base.gradient_accumulation_steps)

    def build(self, weights):
        """Make the variables, the optimiser's too."""
        self.weights = list(weights)
        if not self.inner.built:
            self.inner.build(self.weights)
        options = {"initializer": "zeros", "trainable": False, "autocast": False}
        options["aggregation"] = "only_first_replica"
        shape = (self.rows, len(self.weights) + self.changes)
        self.buffer = keras.Variable(shape=shape, dtype="float32", name="gradient_norms", **options)
        self.count = keras.Variable(shape=(), dtype="int", name="gradient_steps", **options)
        self.variables = [self.buffer, self.count]

    def push(self, grads, variables=None):
        """Append the row of one step; the oldest one falls out."""
        if self.weights is None:
            self.build(variables)
        if variables is not None:
            by_variable = {id(v): g for v, g in zip(variables, grads, strict=True)}
            grads = [by_variable.get(id(v)) for v in self.weights]
        row = self._row(grads)
        self.buffer.assign(ops.concatenate([self.buffer[1:], row[None]]))
        self.count.assign_add(1)

    def read(self, seen):
        """`(count, rows)`: the number of all steps, and an array of the rows not `seen` yet."""
        if self.weights is None:
            return 0, None
        count = int(ops.convert_to_numpy(self.count))
        new = min(count - seen, self.rows)
        rows = ops.convert_to_numpy(self.buffer).astype("float64")
        return count, rows[self.rows - new :]

    def _row(self, grads):
        scale = _loss_scale(self.inner)
        norms = _norms(grads)
        if scale is not None:
            norms = norms / ops.cast(scale, "float32")
        if not self.changes:
            return norms
        if scale is not None:
            grads = [g if g is None else g / ops.cast(scale, g.dtype) for g in grads]
        return ops.concatenate([norms, self._applied(grads, norms)[None]])

    def _applied(self, grads, norms):
        """The norm of what the optimiser applies."""
        base = innermost(self.inner)
        steps = base.gradient_accumulation_steps
        if not steps:
            return _clipped_norm(base, grads, norms)
        sums = [v for v in base.variables if v.name.endswith("gradient_accumulator")]
        grads = [
            g if g is None else (g + total) / steps for g, total in zip(grads, sums, strict=True)
        ]
        norm = _clipped_norm(base, grads, _norms(grads))
        (batches,) = (v for v in base.variables if v.name == "iteration")
        return ops.where((batches + 1) % steps == 0, norm, -1.0)


def innermost(optimizer):
    """The optimiser inside a `LossScaleOptimizer`, or `optimizer` itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _loss_scale(optimizer):
    """What the gradients have been multiplied with, or `None`."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer.dynamic_scale
    return optimizer.loss_scale_factor


def _norms(grads):
    """The norm of each gradient, 0 where there is none, as one float32 vector."""
    # On TensorFlow those of embeddings are lists of rows; `reshape` adds up rows that are equal.
    flat = [None if g is None else ops.cast(ops.reshape(g, (-1,)), "float32") for g in grads]
    return ops.stack([ops.zeros((), "float32") if g is None else ops.norm(g) for g in flat])


def _clipped_norm(optimizer, grads, norms):
    """The norm of all gradients after the optimiser has clipped them."""
    if optimizer.clipnorm:
        limit = optimizer.clipnorm
        return ops.norm(norms * limit / ops.maximum(_norms_to_clip(grads, norms), limit))
    if optimizer.global_clipnorm:
        limit = optimizer.global_clipnorm
        norm = ops.norm(_norms_to_clip(grads, norms))
        return ops.norm(norms) * limit / ops.maximum(norm, limit)
    if optimizer.clipvalue:
        limit = optimizer.clipvalue
        return ops.norm(_norms([g if g is None else ops.clip(g, -limit, limit) for g in grads]))
    return ops.norm(norms)


def _norms_to_clip(grads, norms):
    """The norms by which Keras clips: it does not add up the equal rows of a list of rows."""
    if not any(hasattr(g, "dense_shape") for g in grads):
        return norms
    squares = [ops.zeros(()) if g is None else ops.sum(ops.square(g)) for g in grads]
    return ops.sqrt(ops.cast(ops.stack(squares), "float32"))
