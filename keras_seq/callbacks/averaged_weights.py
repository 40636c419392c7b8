"""The running average of the weights, wherever they are looked at."""

import keras
from keras import ops


class AveragedWeights(keras.callbacks.Callback):
    r"""Put the optimiser's running average into the model for validation and between epochs.

        average <- momentum * average + (1 - momentum) * weights       after each batch

    An optimiser with `use_ema=True` keeps that average. This callback puts it into the model while
    validation runs and from the end of each epoch, so that what other callbacks score and save is
    the average, and puts the trained weights back before training goes on. After `fit` the model
    holds the average. It must come first in the list of callbacks.

    `keras.callbacks.SwapEMAWeights` does the same as long as training runs to its last epoch.
    Where a callback stops it before, that one leaves the raw weights in the model. On TensorFlow
    it swaps by adding and subtracting, which rounds the weights at each swap; and on JAX a model
    trained with `use_ema=True` cannot be saved any more after `evaluate`, but with this callback.

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
    """

    def __init__(self):
        super().__init__()
        self._trained = None  # the trained weights, while the average is in the model

    def put_in(self) -> None:
        """Put the average into the model, and keep the trained weights aside."""
        if self._trained is None:
            variables = self.model.trainable_variables
            self._trained = [ops.convert_to_numpy(v).copy() for v in variables]
            self.model.optimizer.finalize_variable_values(variables)
            self._unshare()

    def take_out(self) -> None:
        """Put the trained weights back."""
        if self._trained is not None:
            for variable, value in zip(self.model.trainable_variables, self._trained, strict=True):
                variable.assign(value)
            self._trained = None

    def on_train_begin(self, logs=None):
        self._trained = None
        optimizer = self.model.optimizer
        if not getattr(getattr(optimizer, "inner_optimizer", optimizer), "use_ema", False):
            raise ValueError(
                "AveragedWeights needs an optimizer that keeps an average, such as "
                f"keras.optimizers.Adam(use_ema=True); received {type(optimizer).__name__} "
                "without one."
            )

    def on_epoch_begin(self, epoch, logs=None):
        self.take_out()

    def on_epoch_end(self, epoch, logs=None):
        self.put_in()

    def on_train_end(self, logs=None):
        self._unshare()  # `fit` has just put the average in once more

    def on_test_begin(self, logs=None):
        self.put_in()

    def on_test_end(self, logs=None):
        self.take_out()

    def _unshare(self):
        """Give the model memory of its own.

        On JAX it shares the optimiser's, and the next compiled step deletes what it is given.
        """
        for variable in self.model.trainable_variables:
            variable.assign(ops.convert_to_numpy(variable).copy())
