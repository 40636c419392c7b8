"""The minimal recurrent cells: linear recurrences, in steps and in parallel."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_seq._checks import check_positive
from keras_seq._typing import Config, Function, Mask, Nest, Options, Shape, Tensor, Tensors, Unpack
from keras_seq.backend import linear_scan
from keras_seq.layers.masking import without_masked
from keras_seq.layers.own_dtype import own_values


class MinCell(keras.layers.Layer):
    r"""A cell whose gates see the input alone: `h_t = (1 - s_t) * h_(t-1) + s_t * g(n_t)`.

    A subclass says how many vectors of `units` it computes from the input (`gates`), the last of
    which is n, what s, the share of the new value, is of the others (`share`), and how the gates
    to be seen are called (`gate_names`): s, and 1 - s where that is a gate too.

    In half precision s, g(n) and the sum of a sequence are float32.
    """

    gates = None
    gate_names = ()

    def __init__(
        self,
        units: int,
        use_bias: bool = True,
        kernel_initializer: Function = "glorot_uniform",
        bias_initializer: Function = "zeros",
        kernel_regularizer: Function = None,
        bias_regularizer: Function = None,
        kernel_constraint: Function = None,
        bias_constraint: Function = None,
        **kwargs: Unpack[Options],
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

    def build(self, input_shape: Shape) -> None:
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

    def share(self, *projected: Tensor) -> Tensor:
        """The share of the new value in h, from `gates - 1` tensors `(..., units)`."""
        raise NotImplementedError

    def call(self, inputs: Tensor, states: Tensors, training: bool = False) -> tuple[Tensor, Nest]:
        return self.call_with_gates(inputs, states)[:2]

    def call_with_gates(
        self, inputs: Tensor, states: Tensors, without: Sequence[str] = ()
    ) -> tuple[Tensor, Tensors, dict[str, Tensor]]:
        """One step with the gates named in `without` held at 1; see `cells.Cell`."""
        share, new = self._terms(inputs)
        values = (share,) if len(self.gate_names) == 1 else (share, 1 - share)
        gates = {
            name: ops.ones_like(gate) if name in without else gate
            for name, gate in zip(self.gate_names, values, strict=True)
        }
        share, *kept = gates.values()
        kept = kept[0] if kept else 1 - share
        h = kept * ops.cast(states[0], share.dtype) + share * new
        h = ops.cast(h, self.compute_dtype)
        return h, [h], gates

    def candidate(self, inputs: Tensor) -> Tensor:
        """The new value g(n), `(batch, units)`, of which h takes a share."""
        return ops.cast(self._terms(inputs)[1], self.compute_dtype)

    def unroll(
        self, inputs: Tensor, state: Tensors, mask: Mask = None, reverse=False, training=False
    ) -> tuple[Tensor, Tensors]:
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

    def get_initial_state(self, batch_size: int | None = None) -> Tensors:
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype)]

    def get_config(self) -> Config:
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


@keras.saving.register_keras_serializable(package="keras_seq")
class MinGRUCell(MinCell):
    r"""A GRU without a reset gate whose update gate sees the input alone.

        z_t = sigma(W_z x_t + b_z)
        n_t = g(W_n x_t + b_n)        g(x) = x + 0.5 for x >= 0, sigma(x) for x < 0
        h_t = (1 - z_t) * h_(t-1) + z_t * n_t

    As z and n do not depend on h, all steps of a sequence are computed side by side (`unroll`);
    `call` makes one step, with the same weights and the same result. The price: within one layer
    nothing is decided by what has been read before, and each unit is a moving average of its
    own. Stack layers, so that the gates of the upper ones see the states of the lower ones.

    n > 0 without an upper bound, so h is in (0, max(h_0, n_1, ..., n_t)] from zeros or any state
    that is not negative. From a state below 0, which is served as well, h rises towards that range.
    The paper keeps h above 0 because it sums in log space; here the sum is one of plain numbers, in
    chunks, which is more exact and faster.

    The weights are `kernel` (features, 2 * units) and `bias` (2 * units,), z before n. A negative
    bias of z makes the unit remember for longer from the start.

    Args:
        units: size of h.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        kernel_constraint, bias_constraint: as in `keras.layers.GRUCell`.

    Call arguments:
        inputs: `(batch, features)`, floating point.
        states: `[h]`, `(batch, units)`.
        training: not used.

    Returns:
        `(h, [h])`, in the compute dtype; in half precision the gates and the sum are float32.
        `call` knows no mask; in `unroll` a masked step keeps h and gives 0.

    Raises:
        ValueError: if `units` is not an integer above 0.

    Example:

    >>> import numpy as np
    >>> cell = MinGRUCell(4)
    >>> h, state = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> outputs, last = cell.unroll(np.ones((2, 5, 3), "float32"), state)
    >>> tuple(h.shape), tuple(outputs.shape), tuple(last[0].shape)
    ((2, 4), (2, 5, 4), (2, 4))

    References:
        - Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, 2024, "Were RNNs all we needed?",
          arXiv:2410.01201, section 3.1 and appendix B.
    """

    gates = 2
    gate_names = ("update",)  # the share of the new value, where Keras's is that of the old one

    def share(self, z: Tensor) -> Tensor:
        return ops.sigmoid(z)


@keras.saving.register_keras_serializable(package="keras_seq")
class MinLSTMCell(MinCell):
    r"""An LSTM without an output gate whose other gates see the input alone and sum to 1.

        f_t = sigma(W_f x_t + b_f)
        i_t = sigma(W_i x_t + b_i)
        n_t = g(W_n x_t + b_n)        g(x) = x + 0.5 for x >= 0, sigma(x) for x < 0
        h_t = f_t / (f_t + i_t) * h_(t-1) + i_t / (f_t + i_t) * n_t

    As f, i and n do not depend on h, all steps are computed side by side; what `MinGRUCell` says of
    the price, of the range of h, of arguments, call arguments, results and errors is true here too.
    There is no c beside h.

    The weights are `kernel` (features, 3 * units) and `bias` (3 * units,), f before i before n. A
    positive bias of f makes the unit remember for longer from the start.

    Example:

    >>> import numpy as np
    >>> cell = MinLSTMCell(4)
    >>> h, state = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> outputs, last = cell.unroll(np.ones((2, 5, 3), "float32"), state)
    >>> tuple(h.shape), tuple(outputs.shape), tuple(last[0].shape)
    ((2, 4), (2, 5, 4), (2, 4))

    References:
        - Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, 2024, "Were RNNs all we needed?",
          arXiv:2410.01201, section 3.2 and appendix B.
    """

    gates = 3
    gate_names = ("input", "forget")

    def share(self, f: Tensor, i: Tensor) -> Tensor:
        # i / (f + i); both may be so small that their quotient would be 0 / 0.
        return ops.sigmoid(ops.log_sigmoid(i) - ops.log_sigmoid(f))
