"""The norms of the true training gradients, of every step, during `fit`."""

import collections
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_seq._checks import check_positive
from keras_seq.backend import scope, synchronize
from keras_seq.callbacks.gradient_events import KINDS, GradientEvents, in_words
from keras_seq.callbacks.norm_columns import CLIPPED, TOTAL, NormColumns
from keras_seq.callbacks.recording_optimizer import RecordingOptimizer, innermost
from keras_seq.callbacks.summary_writer import SummaryWriter

LOGS = ("global", "layer", "weight")
CHANGES = ("clipnorm", "global_clipnorm", "clipvalue", "gradient_accumulation_steps")


class GradientNorms(keras.callbacks.Callback):
    r"""Record the norm of the gradient in every training step, and say when it goes wrong.

        norm of a weight      |g_w| = sqrt(sum_i g_w[i]^2)
        of a layer            sqrt(sum over its weights |g_w|^2)
        gradient_norm         sqrt(sum over all weights |g_w|^2), before clipping
        clipped_gradient_norm the same of what the optimiser applies, after clipping

    They are the gradients with which `fit` trains, of the whole loss, masked and weighted as it
    is, in float32; a scale of the loss (`mixed_float16`) is taken out. They are read inside the
    compiled step and fetched every `buffer_steps` steps. No update of a weight changes. Between
    the epochs and after training the model has its own optimiser, as if nothing had been there.

    Each epoch puts into its logs `gradient_norm` and `clipped_gradient_norm`, the means over its
    steps, both with `_max` for the largest, and by `logs` the same for each layer, as
    `gradient_norm/<layer>` and `gradient_norm_max/<layer>`, or each weight. Steps whose gradient
    is not finite are left out of these, and counted in `nonfinite_gradient_steps`. Callbacks that
    write the logs (`CSVLogger`, `TensorBoard`) come after this one in the list.

    With `gradient_accumulation_steps` the norms are those of each batch; what is applied, and thus
    `clipped_gradient_norm`, is the mean gradient of several, in the steps that update.

    A layer is what has weights of its own; its name is the path of its weights without their last
    part and without the model's name. A `RuntimeWarning` names layer, step and cures, once for
    each layer, when a gradient is

    - `"vanishing"`: for 20 steps in a row the norm of a layer was below `vanishing` times that of
      the layer with the largest. Steps in which a layer gets exactly 0 (all sample weights 0, no
      part in the loss) count neither way.
    - `"exploding"`: `gradient_norm` was above `exploding` in a step.
    - `"not finite"`: it was inf or NaN, or so large that its square is no float32. Under loss
      scaling such steps are skipped by the optimiser on purpose: then 20 in a row.

    Args:
        logs: `"global"`, `"layer"` or `"weight"`: what goes into the logs.
        every_step: whether to keep the norms of every step too, in `steps` and `norms`.
        max_steps: how many steps are kept at most, the newest.
        vanishing: the share of the largest layer's norm, in (0, 1), below which one vanishes.
        exploding: the norm above which the gradient explodes; `float("inf")` for never.
        stop_on: which of the three kinds end the training, at most `buffer_steps` + 1 steps later.
        warn: whether to warn.
        buffer_steps: how many steps the device keeps before they are fetched.
        writer: where the numbers of every step are written for TensorBoard, by the names that they
            have in the logs: a folder, such as the one of `keras.callbacks.TensorBoard`, or a
            writer of `tf.summary.create_file_writer`, which stays open. `None` for nowhere. Steps
            count from 1 and go on from one `fit` to the next.

    Attributes:
        epochs: the numbers of the epochs of the last `fit`, from 1.
        history: a dict from the name of a number, as in the logs, to its list over these epochs.
        steps: with `every_step`, the numbers of the steps kept, counted from 1 in each `fit`.
        norms: with `every_step`, a dict from names, as in the logs, to arrays over these steps;
            `clipped_gradient_norm` is NaN in a step without an update.
        events: a list of dicts `kind`, `layer`, `step`, `epoch` (both from 1) and `norm`, for each
            kind and layer the first in each epoch. `layer` is the vanishing one, the one with the
            largest norm, or the last one that is not finite.
        nonfinite_steps: how many steps were not finite.

    Raises:
        ValueError: for another `logs`, `stop_on` or `writer`, thresholds or sizes out of range;
            when training begins, if the model has no optimiser or no trainable weights, another
            `GradientNorms` is at work, or several optimisers clip.

    Example:

    >>> model = keras.Sequential([keras.Input((3, 2)), keras.layers.GRU(4), keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> norms = GradientNorms()
    >>> data = np.ones((8, 3, 2)), np.ones((8, 1))
    >>> fitted = model.fit(*data, epochs=2, verbose=0, callbacks=[norms])
    >>> [len(norms.history[name]) for name in ("gradient_norm", "gradient_norm_max")]
    [2, 2]
    >>> fitted.history["gradient_norm"] == norms.history["gradient_norm"], norms.events
    (True, [])

    References:
        - Pascanu, Mikolov & Bengio, 2013, "On the difficulty of training recurrent neural
          networks", ICML, arXiv:1211.5063.
    """

    def __init__(
        self,
        logs: str | None = "layer",
        every_step: bool = False,
        max_steps: int = 10_000,
        vanishing: float = 1e-6,
        exploding: float = 1e3,
        stop_on: Sequence[str] = (),
        warn: bool = True,
        buffer_steps: int = 20,
        writer: Any = None,
    ):
        super().__init__()
        stop_on = (stop_on,) if isinstance(stop_on, str) else tuple(stop_on)
        if logs not in LOGS:
            raise ValueError(f"`logs` must be one of {', '.join(LOGS)}; received {logs!r}.")
        if set(stop_on) - set(KINDS):
            raise ValueError(f"`stop_on` may have {', '.join(KINDS)}; received {stop_on!r}.")
        if not 0 < vanishing < 1:
            raise ValueError(f"`vanishing` must be in (0, 1); received {vanishing!r}.")
        if not exploding > 0:
            raise ValueError(f"`exploding` must be above 0; received {exploding!r}.")
        self.max_steps = check_positive("max_steps", max_steps)
        buffer_steps = check_positive("buffer_steps", buffer_steps)
        self.logs = logs
        self.every_step = every_step
        self.vanishing = vanishing
        self.exploding = exploding
        self.stop_on = stop_on
        self.warn = warn
        self.buffer_steps = buffer_steps
        self._writer = None if writer is None else SummaryWriter(writer)
        self._written = 0  # steps, of all trainings
        self._parts = None  # what the trained model has: (model, optimiser, train function)
        self._reset()

    @property
    def steps(self):
        return [step for step, _ in self._kept]

    @property
    def norms(self):
        if not self._kept:
            return {}
        columns = np.array([row for _, row in self._kept]).T
        return dict(zip(self._columns.names, columns, strict=True))

    def on_train_begin(self, logs=None):
        model = self.model
        if getattr(model, "optimizer", None) is None:
            raise ValueError("GradientNorms needs a model that is compiled with an optimizer.")
        if isinstance(model.optimizer, RecordingOptimizer):  # of a training that was broken off
            model.optimizer = model.optimizer.record.inner
            model.make_train_function(force=True)
        model.make_train_function()
        parts = (model, model.optimizer, model.train_function)
        if self._parts is None or any(a is not b for a, b in zip(parts, self._parts, strict=True)):
            self._prepare(parts)
        self._reset()
        self._seen, _ = self._recording[0].record.read(0)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1
        self._fetched = 0  # batches of this epoch
        self._told = set()

    def on_train_batch_begin(self, batch, logs=None):
        model, optimizer, _ = self._parts  # `self.model` would fetch all variables on JAX
        if model.optimizer is optimizer:
            self._put_on()
        elif model.optimizer is not self._recording[0]:
            raise ValueError("Another GradientNorms records this training already: one is enough.")
        elif batch - self._fetched + model.steps_per_execution > self._recording[0].record.rows:
            self._fetch()
            self._fetched = batch

    def on_epoch_end(self, epoch, logs=None):
        self._fetch()
        self._take_off()
        if self._columns is None:  # an epoch without a batch
            return
        self.epochs.append(epoch + 1)
        numbers = self._columns.summary()
        for name, value in numbers.items():
            self.history.setdefault(name, []).append(value)
        if self._writer is not None:
            self._writer.flush()
        if logs is not None:
            logs.update(numbers)

    def on_train_end(self, logs=None):
        self._take_off()
        if self._writer is not None:
            self._writer.close()

    def _reset(self):
        self.epochs = []
        self.history = {}
        self.events = []
        self.nonfinite_steps = 0
        self._kept = collections.deque(maxlen=self.max_steps)
        self._columns = self._watch = None
        self._step = 0
        self._warned = set()

    def _prepare(self, parts):
        """Make the recording twins of the optimiser and of the train function."""
        model, optimizer, train_function = parts
        _check(model, optimizer)
        self._parts = parts
        rows = max(self.buffer_steps, model.steps_per_execution)
        twin = RecordingOptimizer(optimizer, rows)
        self._build(model, twin.record)
        model.optimizer = twin  # where devices share a batch, Keras asks for its variables now
        model.make_train_function(force=True)  # it is traced later
        self._recording = twin, self._guarded(model.train_function)
        model.optimizer, model.train_function = optimizer, train_function

    def _guarded(self, function):
        def train_function(*args):
            try:
                return function(*args)
            except BaseException:  # an interrupt too, and the end of data of unknown length
                self._take_off()
                raise

        return train_function

    def _put_on(self):
        model = self._parts[0]
        self._build(model, self._recording[0].record)
        model.optimizer, model.train_function = self._recording

    def _build(self, model, record):
        # On TensorFlow the first step may build the model: then that makes the record too.
        if record.weights is None and model.built and model.trainable_variables:
            with scope(model):
                record.build(model.trainable_variables)

    def _take_off(self):
        model, optimizer, train_function = self._parts
        if model.optimizer is self._recording[0]:
            synchronize(model)  # while it knows the record's variables
            model.optimizer, model.train_function = optimizer, train_function

    def _fetch(self):
        """Read the steps that are new."""
        model = self._parts[0]
        synchronize(model)
        record = self._recording[0].record
        self._seen, rows = record.read(self._seen)
        if rows is None:
            return
        if self._columns is None:
            self._columns = NormColumns([v.path for v in record.weights], model.name, self.logs)
            skips = isinstance(record.inner, keras.optimizers.LossScaleOptimizer)
            limits = self.vanishing, self.exploding
            self._watch = GradientEvents(self._columns.layers, *limits, skips)
        for row in rows:
            self._step += 1
            layers, numbers = self._columns.add(row)
            self.nonfinite_steps += not np.isfinite(numbers[0])
            if self.every_step:
                self._kept.append((self._step, numbers.astype("float32")))
            if self._writer is not None:
                self._write(numbers)
            for event in self._watch.read(layers):
                self._tell(*event)

    def _write(self, numbers):
        """Write the numbers of a step, but for what was not applied in it."""
        self._written += 1
        named = dict(zip(self._columns.names, numbers, strict=True))
        if np.isfinite(named[TOTAL]) and np.isnan(named[CLIPPED]):
            del named[CLIPPED]
        self._writer.write(self._written, named)

    def _tell(self, kind, layer, norm):
        if (kind, layer) in self._told:
            return
        self._told.add((kind, layer))
        event = {"kind": kind, "layer": layer, "step": self._step, "epoch": self._epoch}
        self.events.append({**event, "norm": norm})
        if kind in self.stop_on:
            self._parts[0].stop_training = True
        if self.warn and (kind, layer) not in self._warned:
            self._warned.add((kind, layer))
            warnings.warn(in_words(self.events[-1], self.exploding), RuntimeWarning, stacklevel=2)


def _check(model, optimizer):
    """Raise a `ValueError` if there is nothing to record, or no telling what is clipped."""
    if model.built and not model.trainable_variables:
        raise ValueError(f"GradientNorms: the model {model.name!r} has no trainable weights.")
    for inner in getattr(innermost(optimizer), "optimizers", ()):
        if any(getattr(inner, name) for name in CHANGES):
            raise ValueError(
                "GradientNorms knows the clipping and accumulation of a single optimizer; received "
                f"a {type(innermost(optimizer)).__name__} whose {type(inner).__name__} has its own."
            )
