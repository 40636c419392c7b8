"""The base of every attention mechanism: masking, normalising and the weighted sum."""

import keras
from keras import ops

from keras_seq._checks import fresh, resolve_layer
from keras_seq._registry import ATTENTIONS
from keras_seq._typing import Config, Function, Mask, Options, Shape, Tensor, Tensors, Unpack
from keras_seq.backend import additive_scores, product
from keras_seq.layers.masking import without_masked


class AttentionOptions(Options, total=False):
    """What every attention mechanism takes."""

    kernel_initializer: Function


class AttentionMechanism(keras.layers.Layer):
    r"""Base class of attention between a query and a sequence of values.

        alpha_ts = softmax_s(score(q_t, k_s)),   c_t = sum_s alpha_ts v_s

    A subclass gives `score`, and `project_keys` if its keys are not the values themselves. Keys
    depend on the values alone: `project_keys` is called once per source sequence, not once per
    step, and the result can be passed to each call.

    Where attention at one step depends on the step before (`MonotonicAttention`), a subclass also
    gives `initial_state` and `attend`.

    Padding is 0 in values and keys: a score that divides by a length needs something added to it,
    or it has no gradient there.

    A masked value has weight 0. Where every value of a row is masked, all weights and the context
    are 0. The softmax is computed in float32 at least, whatever the compute dtype.

    Args:
        kernel_initializer: initialiser of the matrices that `add_kernel` makes.

    Call arguments:
        query: `(batch, query_size)` for the first step, or `(batch, steps, query_size)` for all.
        values: `(batch, time, value_size)`.
        keys: what `project_keys(values)` returned; computed when it is not given.
        values_mask: boolean `(batch, time)`, `False` where a value is padding. A mask that Keras
            attached to `values` is used where none is passed.
        training: for mechanisms that do something else in training.

    Returns:
        `(context, weights)`: `(batch[, steps], value_size)` and `(batch[, steps], time)`.

    Example:

    >>> import numpy as np
    >>> class Distance(AttentionMechanism):
    ...     def score(self, query, keys):
    ...         return -ops.sum((query[:, :, None] - keys[:, None]) ** 2, axis=-1)
    >>> context, weights = Distance()(np.ones((1, 4), "float32"), np.ones((1, 3, 4), "float32"))
    >>> bool(np.allclose(keras.ops.convert_to_numpy(weights), 1 / 3))
    True
    """

    def __init__(self, kernel_initializer: Function = "glorot_uniform", **kwargs: Unpack[Options]):
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, query_shape: Shape, values_shape: Shape) -> None:
        """Make the weights; the shapes are those of the call. Here there are none."""

    def add_kernel(self, name: str, rows: int, columns: int) -> keras.Variable:
        """Make a weight of shape `(rows, columns)`; call it in `build`."""
        return self.add_weight(
            shape=(rows, columns), name=name, initializer=fresh(self.kernel_initializer)
        )

    def project_keys(self, values: Tensor) -> Tensor:
        """Return the keys of `values`, `(batch, time, key_size)`."""
        return values

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        """Return the scores `(batch, steps, time)` of `(batch, steps, query_size)` and keys."""
        raise NotImplementedError(f"{type(self).__name__} must define score(query, keys).")

    def call(
        self,
        query: Tensor,
        values: Tensor,
        keys: Tensor | None = None,
        values_mask: Mask = None,
        training: bool = False,
    ) -> tuple[Tensor, Tensor]:
        values_mask = None if values_mask is None else ops.cast(values_mask, "bool")
        values = without_masked(values, values_mask)
        keys = self.project_keys(values) if keys is None else without_masked(keys, values_mask)
        return self._look(query, values, keys, values_mask, training)

    def _look(self, query, values, keys, values_mask, training):
        """The call, given values and keys that are 0 where masked."""
        one_step = len(query.shape) == 2
        if one_step:
            query = ops.expand_dims(query, 1)
        weights = self.weigh(query, keys, values_mask, training)
        if one_step:
            weights = ops.squeeze(weights, 1)
            return product(weights, values), weights
        return ops.matmul(weights, values), weights  # (B, T, D)

    def weigh(
        self, query: Tensor, keys: Tensor, values_mask: Mask, training: bool = False
    ) -> Tensor:
        """Return the weights `(batch, steps, time)` of all steps, the first one first."""
        return self.normalize(self.score(query, keys), values_mask)

    def initial_state(self, values_mask: Tensor) -> Tensors:
        """Return what `attend` needs to know before the first step: a list of tensors, batch first.

        Args:
            values_mask: boolean `(batch, time)`.
        """
        return []

    def draw_noise(self, values_mask: Tensor, steps: int) -> Tensor | None:
        """Return the noise of a training pass, `(batch, steps, ...)`, or `None` for none.

        It is drawn before a loop over steps: inside a compiled loop a draw would leak.
        """

    def attend(
        self,
        query: Tensor,
        memory: dict[str, Tensor],
        state: Tensors,
        noise: Tensor | None = None,
        training: bool = False,
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Attend at one step, given the state that the step before left.

        Args:
            query: `(batch, query_size)`.
            memory: a dict of `values`, `keys` and `mask`.
            state: as `initial_state` or the last `attend` returned it.
            noise: one step of `draw_noise`.
            training: as in the call.

        Returns:
            `(context, weights, state)`.
        """
        # Not through `__call__`, which costs as much as the step itself where nothing is compiled.
        context, weights = self._look(
            query, memory["values"], memory["keys"], memory["mask"], training
        )
        return context, weights, state

    def normalize(self, scores: Tensor, values_mask: Mask = None) -> Tensor:
        """Return the softmax of `scores` over the values that `values_mask` leaves.

        Args:
            scores: `(batch, steps, time)`.
            values_mask: boolean `(batch, time)` or `(batch, steps, time)`, or `None`.
        """
        dtype = scores.dtype
        if keras.backend.standardize_dtype(dtype) in ("float16", "bfloat16"):
            scores = ops.cast(scores, "float32")
        if values_mask is None:
            return ops.cast(ops.softmax(scores, axis=-1), dtype)
        mask = ops.cast(values_mask, "bool")
        if len(mask.shape) == 2:
            mask = ops.expand_dims(mask, 1)  # (B, 1, S)
        # Finite, not -inf: the gradient of a row without any value must not be NaN.
        weights = ops.softmax(ops.where(mask, scores, -1e9), axis=-1)
        return ops.cast(ops.where(mask, weights, 0.0), dtype)

    def compute_output_shape(self, query_shape, values_shape, **_):
        context = (*query_shape[:-1], values_shape[-1])
        return context, (*query_shape[:-1], values_shape[1])

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def get_attention(identifier, units=None, dtype=None):
    """Return a new attention mechanism for a name, a config or an instance; `None` for `None`.

    Args:
        identifier: a name in `layers.ATTENTIONS`, or one of the others.
        units: size of the score where a name is given.
        dtype: dtype or policy where a name is given; an instance keeps its own.

    Raises:
        ValueError: for an unknown name (the choices are listed), or for something else.
    """
    if identifier is None:
        return None
    attention = resolve_layer(
        identifier, ATTENTIONS, "attention", AttentionMechanism, units=units, dtype=dtype
    )
    return type(attention).from_config(attention.get_config())


def additive_score(query, keys, scale):
    """Return v . tanh(q + k) for projected queries `(B, T, U)`, keys `(B, S, U)` and v `(U, 1)`."""
    if query.shape[1] == 1:  # in a loop over steps
        return additive_scores(query, keys, ops.convert_to_tensor(scale))
    meeting = ops.tanh(query[:, :, None] + keys[:, None])  # (B, T, S, U)
    return ops.einsum("btsu,uv->bts", meeting, scale)
