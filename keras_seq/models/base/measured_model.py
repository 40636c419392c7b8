"""A model whose losses and metrics see real rows and tokens, and what fills a batch up never."""

import functools
import types
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_seq._checks import check_number
from keras_seq._recipes import Recipe
from keras_seq._typing import Config
from keras_seq.backend import (
    added_up,
    guarded,
    part_logs,
    part_of_batch,
    replica_sum,
    replicas,
    scope,
    shared_step,
    static_step,
    summed_over_workers,
)
from keras_seq.models.base.outputs import Outputs
from keras_seq.models.base.own_metrics import heeds_filling, real_loss, real_metrics
from keras_seq.models.base.real_rows import LossTracker, pack
from keras_seq.models.base.recipe import make_callbacks, make_optimizer, not_replaced
from keras_seq.models.base.turns import Turns
from keras_seq.text.pipeline import REAL_ROWS


def _on_its_devices(method):
    """Decorate a method of a model: what variables it makes are where those of the model are."""

    @functools.wraps(method)
    def within(self, *args, **kwargs):
        with scope(self):
            return method(self, *args, **kwargs)

    return within


class MeasuredModel(keras.Model):
    """A Keras model that is compiled with losses and metrics of texts of unequal lengths.

    Its step functions leave it whole where they break off, and threads take turns with it.

    Attributes:
        label_per_token: whether a label belongs to a token, rather than to a whole text.
        label_limit: what every label is below: the number of classes; `None` where labels are
            values of any kind, or nothing is to be known of them.
        turns: the `Turns` of the model.
        recipe: what `compile()` without an optimiser takes its settings from.
    """

    label_per_token = True
    label_limit = None
    recipe: Recipe | None = None

    _compiled_with = None  # what `compile` got and made of it
    _shared_step = None  # a step of training, where several devices share a batch

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.turns = Turns()

    def reading(self):
        """Return a context in which the variables have their newest values, in any thread."""
        return self.turns.reading(self)

    @_on_its_devices
    def compile(
        self,
        optimizer: str | Config | keras.optimizers.Optimizer = "auto",
        loss: Any = "auto",
        metrics: Any = None,
        weighted_metrics: Any = "auto",
        run_eagerly: bool = False,
        jit_compile: bool | str = "auto",
        label_smoothing: float | None = None,
        r_drop: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Configure training; the arguments are those of `keras.Model.compile`, and two more.

        `"auto"` stands for the `default_loss` and the `default_metrics` of the task, which gives
        its loss the `label_smoothing`. The optimizer `"auto"` is that of the task's `recipe`, what
        trains well on a small corpus: Adam with clipped gradients, and in `fit` two callbacks,
        unless it is given others of the kind. `callbacks.LearningRateDecay` lets the learning rate
        fall over the epochs, and `callbacks.AveragedWeights` validates and keeps an average of the
        weights. A `label_smoothing` of `None` is that of the recipe, and 0 with another optimizer.
        Where a task has no recipe, `"auto"` is `"adam"`.

        With `r_drop` each step of training makes two passes, which drop different things, and its
        loss is

            (L_1 + L_2) / 2 + r_drop / 4 * (KL(P_1 || P_2) + KL(P_2 || P_1))

        half of that of Liang et al. (2021, "R-Drop: regularized dropout for neural networks",
        arXiv:2106.14448), so that it stays a mean, as the divergences are over the real rows or
        tokens. Metrics, evaluation and answers are of one pass.

        Losses and metrics see real texts and tokens alone, and no row that fills up a batch: the
        numbers are those of one row of all texts, or of the tokens of all texts. `metrics` leave
        the user's weights out, `weighted_metrics` and the loss heed them.

        - Keras's own are given probabilities, the softmax (with `multi_label` the sigmoid) of what
          `call` returns, those with `from_logits=True` that itself; and labels in the shape that
          they take. `"accuracy"` is that of the task. Where `call` returns a number for a label,
          rather than one for each class, labels are values: then a squared error and its like are
          given both as they are, and a cross-entropy the sigmoid of one number (the softmax of
          several, but where its name says "binary").
        - What a user wrote is given what `call` returns, and the numbers of the classes. In a task
          with labels for tokens it is tried on a few made-up ones: if it is computed of tokens, it
          gets those of a batch in one row, `(tokens,)` and `(tokens, classes)`; otherwise it gets
          `(batch, steps)` and must heed a `sample_weight` of this shape. In a task without
          classes, too, it is tried: if it needs values in the shape of the predictions, it gets
          `(rows, 1)` where `call` returns that.

        A name that stands in both lists is that of the one in `metrics`; the other is reported as
        `weighted_...`.

        Raises:
            ValueError: for what Keras does not know, for more than one loss, and for what cannot be
                kept from counting padding; in `fit`, for an `r_drop` where labels are values.
        """
        by_recipe = isinstance(optimizer, str) and optimizer == "auto"
        if by_recipe:
            optimizer = self.default_optimizer()
        if isinstance(loss, str) and loss == "auto":
            if label_smoothing is None:
                label_smoothing = self.default_label_smoothing() if by_recipe else 0.0
            loss = self.default_loss(label_smoothing)
        if isinstance(weighted_metrics, str) and weighted_metrics == "auto":
            weighted_metrics = self.default_metrics()
        r_drop = check_number("r_drop", r_drop, 0)
        static = not run_eagerly and static_step(jit_compile)
        outputs = self.output_form()
        used_loss = real_loss(loss, outputs, static)
        used = real_metrics(metrics, weighted_metrics, outputs, static)
        super().compile(
            optimizer=optimizer,
            loss=used_loss,
            weighted_metrics=used or None,
            run_eagerly=run_eagerly,
            jit_compile=jit_compile,
            **kwargs,
        )
        self.loss = loss
        # In a namespace, where Keras does not look for what it tracks and saves.
        self._compiled_with = types.SimpleNamespace(
            config={
                "loss": loss,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                "jit_compile": jit_compile,  # Keras would write what "auto" is on this backend
                **({"r_drop": r_drop} if r_drop else {}),
            },
            callbacks=[],
            batch_size=32,
            r_drop=r_drop,
            loss=used_loss,
            tracker=LossTracker(super().metrics[0]),
            filled=heeds_filling([*used, *([used_loss] if used_loss else [])]),
        )
        if by_recipe and self.recipe is not None:
            self._train_by_recipe()

    def _train_by_recipe(self):
        self._compiled_with.config["recipe"] = True
        self._compiled_with.callbacks = make_callbacks(self.recipe)
        self._compiled_with.batch_size = self.recipe.batch_size

    def default_optimizer(self) -> str | keras.optimizers.Optimizer:
        """Return the optimizer that `"auto"` stands for."""
        return "adam" if self.recipe is None else make_optimizer(self.recipe)

    def default_label_smoothing(self) -> float:
        """Return the `label_smoothing` that goes with it."""
        return 0.0 if self.recipe is None else self.recipe.label_smoothing

    def default_callbacks(
        self, callbacks: Sequence[keras.callbacks.Callback]
    ) -> list[keras.callbacks.Callback]:
        """Return the callbacks that go with it, but for what one of `callbacks` does instead."""
        return not_replaced(self._compiled_with.callbacks, callbacks)

    def default_batch_size(self) -> int:
        """Return how many texts make a batch where nothing is said: the recipe's, or 32."""
        return 32 if self._compiled_with is None else self._compiled_with.batch_size

    def default_loss(self, label_smoothing: float = 0.0) -> Any:
        """Return the loss that `"auto"` stands for; `None` for none, as in this base class."""
        del label_smoothing

    def default_metrics(self) -> list | None:
        """Return the weighted metrics that `"auto"` stands for, a list; here there are none."""

    def get_compile_config(self):
        config = super().get_compile_config()
        if config and self._compiled_with is not None:
            config.update(keras.saving.serialize_keras_object(self._compiled_with.config))
            config = with_public_optimizers(config)
        return config

    @property
    def metrics(self):
        metrics = super().metrics
        if self._compiled_with is not None:
            metrics[0] = self._compiled_with.tracker  # in the place of Keras's
        return metrics

    def output_form(self) -> Outputs:
        """Return the `Outputs` of the model: what its labels and predictions are."""
        return Outputs(self.label_limit, self.label_per_token)

    def real_labels(self, labels):
        """Return which labels of tokens, a tensor of any kind, are real: not 0, or no padding.

        Where labels are values, padding is NaN.
        """
        if not _are_floats(labels):
            return labels != 0
        known = labels == labels
        return known if self.label_limit is None else known & (labels != 0)

    def real_targets(self, x, y, sample_weight=None):
        """Return `(labels, weights, real)` of a batch.

        Args:
            x, y, sample_weight: of a batch, as Keras has them. The weights are those of rows or of
                tokens, or `None`.

        Returns:
            The labels as losses and metrics take them; the weights, float32, of the shape of rows
            or tokens, 0 for what is not real; and 1 for what is and 0 for what is not, of the same
            shape.
        """
        labels = ops.convert_to_tensor(y)
        if floats := _are_floats(labels):
            labels = ops.cast(labels, "float32")
        if self.label_per_token:
            real = self.real_labels(labels)
            labels = ops.where(real, labels, 0.0) if floats else labels  # no NaN goes further
            real = ops.cast(real, "float32")
        elif isinstance(x, dict) and REAL_ROWS in x:
            real = ops.cast(x[REAL_ROWS], "float32")
        else:
            first = labels if len(labels.shape) == 1 else labels[:, 0]
            real = ops.ones_like(first, dtype="float32")
        if sample_weight is None:
            return labels, real, real
        weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
        if self.label_per_token:  # TensorFlow does not always know how many axes there are
            weights = ops.reshape(weights, (ops.shape(labels)[0], -1))
        else:
            weights = ops.reshape(weights, (-1,))
        return labels, ops.where(real > 0, weights, ops.zeros_like(real)), real

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if y is None or self._compiled_with is None:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        y, weights, real = self.real_targets(x, y, sample_weight)
        packed, r_drop = pack(weights, real), self._compiled_with.r_drop
        loss = super().compute_loss(x, y, y_pred, packed, training)
        if not training or not r_drop:
            return loss
        outputs = self.output_form()
        if outputs.are_values(y, y_pred):
            raise ValueError(
                "`r_drop` must be 0 where labels are values: it compares two distributions over "
                f"classes; received r_drop={r_drop!r} and predictions of shape {y_pred.shape}."
            )
        again = self(x, training=True)
        loss = (loss + super().compute_loss(x, y, again, packed, training)) / 2
        divergence = weights * outputs.divergence(y_pred, again)
        divergence = added_up(ops.sum(divergence))
        return loss + r_drop / 4 * ops.divide_no_nan(
            divergence, replica_sum(ops.sum(weights), "weights")
        )

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if y is not None and self._compiled_with is not None:
            y, weights, real = self.real_targets(x, y, sample_weight)
            loss = self._compiled_with.loss
            weight = ops.sum(real) if loss is None else loss.batch_weight(weights, real)
            self._compiled_with.tracker.settle(weight)
            sample_weight = pack(weights, real)
        return part_logs(super().compute_metrics(x, y, y_pred, sample_weight))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Where TensorFlow shares batches, Keras builds a model by one."""
        if iterator is not None and replicas(self) > 1:
            _, _, batches = next(iter(iterator))
            iterator, data_batch = None, part_of_batch(self, next(batches))
        super()._maybe_symbolic_build(iterator, data_batch)

    def get_metrics_result(self):
        with summed_over_workers(self.metrics_variables):
            return super().get_metrics_result()

    def train_step(self, *args):
        """Keras's step, or that of devices that share a batch."""
        step = self._shared_step
        return super().train_step(*args) if step is None else step(*args)

    def batch_totals(self, x, y, sample_weight=None):
        """Return what losses divide by, scalars by name, of a part of a batch that devices share.

        Args:
            x, y, sample_weight: of the part, as Keras has them.
        """
        _, weights, real = self.real_targets(x, y, sample_weight)
        loss = self._compiled_with.loss
        weight = ops.sum(real) if loss is None else loss.batch_weight(weights, real)
        return {"loss": weight, "weights": ops.sum(weights)}

    def fills_batches(self, labels=True):
        """Whether all batches have the same number of rows, filled up where there are fewer.

        They are not where a loss or metric of the user's would take such a row for a text.
        """
        if self.label_per_token or labels is None or self._compiled_with is None:
            return True
        return self._compiled_with.filled

    def make_train_function(self, force=False):
        if force or self._shared_step is None:
            self._shared_step = shared_step(self)
        self._make("train_function", super().make_train_function, force)

    def make_test_function(self, force=False):
        self._make("test_function", super().make_test_function, force)

    def make_predict_function(self, force=False):
        self._make("predict_function", super().make_predict_function, force)

    def _make(self, name, make, force):
        """Make a step function that leaves the model whole where it breaks off."""
        before = getattr(self, name)
        make(force)
        if getattr(self, name) is not before:
            setattr(self, name, guarded(self, getattr(self, name)))

    def compile_from_config(self, config):
        config = with_public_optimizers(config)
        by_recipe = config.pop("recipe", False)
        self.compile(**keras.saving.deserialize_keras_object(config))
        if by_recipe:
            self._train_by_recipe()
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def _check_compiled(self, method):
        if not self.compiled:
            raise ValueError(
                f"`{method}` needs a model that is compiled: call `model.compile()` before, such "
                'as `model.compile("adam")`.'
            )


def _are_floats(labels):
    return "float" in keras.backend.standardize_dtype(labels.dtype)


def with_public_optimizers(config):
    """Return a config in which no optimizer belongs to one backend.

    On PyTorch `keras.optimizers.Adam` is a class of that backend's, and Keras writes it down as
    such: another backend could read it, and not train with it.
    """
    if isinstance(config, (list, tuple)):
        return [with_public_optimizers(part) for part in config]
    if not isinstance(config, dict):
        return config
    config = {name: with_public_optimizers(part) for name, part in config.items()}
    if ".optimizers.torch_" in str(config.get("module")):
        config.update(module="keras.optimizers", registered_name=None)
    return config
