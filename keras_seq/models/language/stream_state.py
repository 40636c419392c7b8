"""The state that a model carries from one batch to the next."""

import keras
from keras import ops

from keras_seq.backend import variables_of_replicas
from keras_seq.layers.cells import state_shape


class StreamState(keras.layers.Layer):
    """State tensors of streams in non-trainable variables: every backend carries those in `fit`.

    The variables have room for the largest number of streams that `prepare` was called for; fewer
    take the first rows. They are no part of a saved model, as every epoch begins at 0, and like
    the state of a random seed they are among the `variables` and not among the `weights`: what
    `get_weights` and `count_params` tell of a model is the same before and after training.

    Args:
        sizes: for each layer the list of the sizes of its state tensors, integers, or tuples where
            they are no vectors.
    """

    def __init__(self, sizes, **kwargs):
        super().__init__(**kwargs)
        self.sizes = [list(layer) for layer in sizes]
        self.room = 0
        self.built = True  # but without the lock that `build` puts on new variables

    @property
    def weights(self):
        """None: the state is no weight."""
        return []

    def prepare(self, streams):
        """Make room for so many streams, outside of any compiled function.

        Returns:
            Whether there are new variables, which a function compiled before does not know.
        """
        if streams <= self.room:
            return False
        for i, sizes in enumerate(self.sizes):
            for k, size in enumerate(sizes):
                with variables_of_replicas():
                    self.add_weight(
                        shape=(streams, *state_shape(size)),
                        initializer="zeros",
                        trainable=False,
                        autocast=False,
                        name=f"streams_{streams}_layer_{i}_state_{k}",
                    )
        self.room = streams
        return True

    def read(self, continues):
        """Return the states, cut from the graph, 0 for rows that begin.

        Args:
            continues: integers `(streams,)`, 0 where a row begins anew.
        """
        self._check(continues)
        goes_on = ops.not_equal(continues, 0)
        rows = ops.shape(continues)[0]
        kept = iter(
            ops.where(
                ops.reshape(goes_on, (-1,) + (1,) * (len(variable.shape) - 1)),
                ops.stop_gradient(ops.convert_to_tensor(variable)[:rows]),
                0.0,
            )
            for variable in self._newest()
        )
        return [[next(kept) for _ in layer] for layer in self.sizes]

    def write(self, states):
        """Keep the states for the next batch."""
        for variable, value in zip(self._newest(), keras.tree.flatten(states), strict=True):
            value = ops.stop_gradient(ops.cast(value, variable.dtype))
            rest = ops.convert_to_tensor(variable)[ops.shape(value)[0] :]
            whole = ops.concatenate([value, rest], axis=0)
            variable.assign(ops.reshape(whole, variable.shape))

    def _newest(self):
        """The variables with the most room: they were made last."""
        return self.variables[-sum(map(len, self.sizes)) :]

    def _check(self, continues):
        rows = continues.shape[0]
        if not self.room or (rows is not None and rows > self.room):
            raise ValueError(
                "`fit` and `evaluate` on texts make room for the states of their streams; for ids "
                f"prepared by hand call `model.prepare_streams(rows)` before. Received {rows} "
                f"rows; there is room for {self.room}."
            )

    def save_own_variables(self, store):
        """Save nothing."""

    def load_own_variables(self, store):
        """Load nothing."""

    def get_config(self):
        return {**super().get_config(), "sizes": self.sizes}
