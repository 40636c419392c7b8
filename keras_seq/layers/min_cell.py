"""What the minimal recurrent cells share: a linear recurrence, in steps and in parallel."""

import keras
from keras import ops

from keras_seq._checks import check_positive
from keras_seq.backend import linear_scan
from keras_seq.layers.masking import without_masked
from keras_seq.layers.own_dtype import own_values


class MinCell(keras.layers.Layer):
    r"""A cell whose gates see the input alone: `h_t = (1 - s_t) * h_(t-1) + s_t * g(n_t)`.

    A subclass says how many vectors of `units` it computes from the input (`gates`), the last of
    which is n, and what s, the share of the new value, is of the others (`share`).

    In half precision s, g(n) and the sum of a sequence are float32.

    Args:
        units: size of h.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        kernel_constraint, bias_constraint: as in `keras.layers.LSTMCell`.
    """

    gates = None

    def __init__(
        self,
        units,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_positive("units", units)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.state_size = self.output_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.gates * self.units),
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.gates * self.units,),
                name="bias",
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def share(self, *projected):
        """The share of the new value in h, from `gates - 1` tensors `(..., units)`."""
        raise NotImplementedError

    def call(self, inputs, states, training=False):
        share, new = self._terms(inputs)
        h = (1 - share) * ops.cast(states[0], share.dtype) + share * new
        h = ops.cast(h, self.compute_dtype)
        return h, [h]

    def unroll(self, inputs, state, mask=None, reverse=False, training=False):
        """Run all steps of a sequence side by side.

        Args:
            inputs: `(batch, time, features)`; any number of steps.
            state: `[h]`, `(batch, units)`, before the first step; numbers of any sign.
            mask: boolean `(batch, time)`, any, or `None`. At a masked step h stays and the output
                is 0.
            reverse: whether to run from the last step to the first.
            training: not used; nothing is dropped out.

        Returns:
            `(outputs, [h])`: `(batch, time, units)` in the order of the inputs, and the last h,
            both in the compute dtype.
        """
        share, new = self._terms(without_masked(inputs, mask))
        if mask is not None:
            mask = ops.cast(mask, share.dtype)[:, :, None]
            share = share * mask
        state = ops.cast(state[0], share.dtype)
        outputs = linear_scan(1 - share, share * new, state, reverse)
        # Of no steps the last one is the initial state.
        if reverse:
            last = ops.concatenate([outputs[:, :1], state[:, None]], axis=1)[:, 0]
        else:
            last = ops.concatenate([state[:, None], outputs[:, -1:]], axis=1)[:, -1]
        if mask is not None:
            outputs = outputs * mask
        return ops.cast(outputs, self.compute_dtype), [ops.cast(last, self.compute_dtype)]

    def _terms(self, inputs):
        """The share of the new value and that value, at least in float32."""
        # `unroll` is not `__call__`, in which Keras would cast them.
        kernel, bias = own_values(self, self.kernel, self.bias)
        projected = ops.matmul(ops.cast(inputs, self.compute_dtype), kernel)
        if self.use_bias:
            projected = projected + bias
        if self.compute_dtype in ("float16", "bfloat16"):
            projected = ops.cast(projected, "float32")
        *projected, n = ops.split(projected, self.gates, axis=-1)
        above = ops.relu(n)
        # g of the paper, n + 0.5 for n >= 0, else sigmoid(n), without a slow `where`.
        return self.share(*projected), above + ops.sigmoid(n - above)

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype)]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }
