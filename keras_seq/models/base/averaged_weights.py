"""The running average of the weights, wherever they are looked at."""

import math

import keras
import numpy as np
from keras import ops

from keras_seq.backend import synchronize


class AveragedWeights(keras.callbacks.Callback):
    r"""Put the optimiser's running average into the model for validation and between epochs.

        average <- momentum * average + (1 - momentum) * weights       after each batch

    An optimiser with `use_ema=True` keeps that average. This callback puts it into the model while
    validation runs and from the end of each epoch, so that what other callbacks score and save is
    the average, and puts the trained weights back before training goes on. After `fit` the model
    holds the average. It must come first in the list of callbacks.

    By itself that average begins with the first weights and takes 1 / (1 - momentum) batches to
    forget them: with a momentum of 0.999 and 200 batches an epoch, ten epochs are scored on weights
    of long ago. With `warm_up`, it begins anew with nothing, and is divided by the weight that it
    has gathered in t batches since,

        model <- average / (1 - momentum ** t)

    at the first batch and at the epochs 2, 3, 5, 9, 17, ... for as long as it is younger than
    1 / (1 - momentum) batches. So it looks back on at most half of the training at first, and
    later on as far as the momentum says.

    `keras.callbacks.SwapEMAWeights` does the same as long as training runs to its last epoch.
    Where a callback stops it before, that one leaves the raw weights in the model. On TensorFlow
    it swaps by adding and subtracting, which rounds the weights at each swap; and on JAX a model
    trained with `use_ema=True` cannot be saved any more after `evaluate`, but with this callback.

    Args:
        warm_up: whether the average begins anew while it is young.

    Raises:
        ValueError: when training begins, if the optimiser keeps no average.

    Example:

    ```python
    model.compile(keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.999))
    model.fit(sources, targets, callbacks=[AveragedWeights()])
    ```

    References:
        - Polyak & Juditsky, 1992, "Acceleration of stochastic approximation by averaging", SIAM
          Journal on Control and Optimization 30.
        - Kingma & Ba, 2015, "Adam: a method for stochastic optimization", arXiv:1412.6980 (the
          division, section 3).
    """

    def __init__(self, warm_up: bool = True):
        super().__init__()
        self.warm_up = warm_up
        self._trained = None  # the trained weights, while the average is in the model
        self._resumed = None

    def put_in(self) -> None:
        """Put the average into the model, and keep the trained weights aside."""
        if self._trained is None:
            variables = self.model.trainable_variables
            self._trained = [ops.convert_to_numpy(v).copy() for v in variables]
            self._put_average()

    def take_out(self) -> None:
        """Put the trained weights back."""
        if self._trained is not None:
            self._put_trained()
            self._trained = None

    def on_train_begin(self, logs=None):
        self._trained = None
        optimizer = self._optimizer()
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                "AveragedWeights needs an optimizer that keeps an average, such as "
                f"keras.optimizers.Adam(use_ema=True); received {type(optimizer).__name__} "
                "without one."
            )
        # Not an average over batches that another `fit` has seen, unless this one goes on with it.
        self._began, self._resumed = self._resumed, None

    def on_epoch_begin(self, epoch, logs=None):
        self.take_out()
        young = self._began is None or self._age() < 1 / (1 - self._momentum())
        if self._warm() and young and epoch & (epoch - 1) == 0 and self._steps():
            self._begin_anew()

    def on_train_batch_end(self, batch, logs=None):
        # Keras's optimisers begin the average with the weights of their very first step.
        if self._began is None and self._warm():
            synchronize(self.model)
            if int(ops.convert_to_numpy(self._optimizer().iterations)):
                self._begin_anew()

    def on_epoch_end(self, epoch, logs=None):
        self.put_in()

    def on_train_end(self, logs=None):
        self._put_average()  # `fit` has just put in what its optimiser keeps

    def on_test_begin(self, logs=None):
        self.put_in()

    def on_test_end(self, logs=None):
        self.take_out()

    def get_state(self):
        """Return what a resumed training must know, ready for JSON."""
        return {"began": self._began}

    def set_state(self, state):
        """Go on with the average that began where `get_state` says."""
        self._resumed = state["began"]

    def _optimizer(self):
        optimizer = self.model.optimizer
        return getattr(optimizer, "inner_optimizer", optimizer)

    def _momentum(self):
        return float(self._optimizer().ema_momentum)

    def _warm(self):
        return self.warm_up and self._momentum() < 1

    def _steps(self):
        """How often the optimiser has averaged; `iterations` may count several batches as one."""
        variables = self._optimizer().variables
        return int(ops.convert_to_numpy(next(v for v in variables if v.name == "iteration")))

    def _age(self):
        return self._steps() - self._began

    def _begin_anew(self):
        synchronize(self.model)
        variables = self._optimizer().variables
        for average in [v for v in variables if v.name.endswith("_average")]:
            average.assign(ops.zeros(average.shape, average.dtype))
        self._began = self._steps()

    def _put_average(self):
        """Put the average into the model.

        On JAX the model then shares the memory of the optimiser, and the next compiled step deletes
        what it is given: each weight gets memory of its own.
        """
        gathered = 1.0
        if self._warm() and self._began is not None:
            gathered = -math.expm1(self._age() * math.log(self._momentum()))
        if gathered == 0:  # no batch was averaged yet
            return self._put_trained()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        for variable in self.model.trainable_variables:
            # Of a scale of 8-bit numbers, which a step sets anew, no average is kept.
            whole = gathered if not getattr(variable, "overwrite_with_gradient", False) else 1.0
            variable.assign(ops.convert_to_numpy(variable) / np.float32(whole))

    def _put_trained(self):
        for variable, value in zip(self.model.trainable_variables, self._trained, strict=True):
            variable.assign(value)
