r"""Backpropagation through time by hand: LSTM, GRU and vanilla RNN.

Left to automatic differentiation, a loop adds its share to the gradient of the weights at each
step. Here the loop back through time only finds the gradients of the gates, and those of the
weights are one product over all steps after it:

    forward:    a_t = W x_t + b          for all steps at once, but for the bias
                s_t = step(a_t, U h_(t-1), s_(t-1))
    backward:   d_t = dL / d(gates)_t,   dL/dh_(t-1) += U' d_t
    after it:   dL/dW = sum_t x_t d_t',  dL/dU = sum_t h_(t-1) d_t'

Where a step is masked the state and its gradient pass through.

Each gate is a tensor of its own: one read of four is several times slower, compiled by XLA.
"""

import functools

import keras
from keras import ops

from keras_seq.backend import custom_gradient, loop, tanh


class LSTMKernel:
    """Gates i, f, g, o; state h, c. `saved` is how many tensors the way back wants."""

    saved = 4

    @staticmethod
    def step(outer, inner, state, valid):
        """Return `(state, saved)`.

        Args:
            outer, inner: what the gates get from the input and from h, `(batch, gates * units)`.
            state: the state before, a list.
            valid: 1, or 0 where masked, `(batch, 1)`; `None` for no mask.
        """
        i, f, g, o = ops.split(outer + inner, 4, axis=-1)
        i, f, o, g = ops.sigmoid(i), ops.sigmoid(f), ops.sigmoid(o), tanh(g)
        c = _kept(valid, f * state[1] + i * g, state[1])
        return [_kept(valid, o * tanh(c), state[0]), c], [i, f, g, o]

    @staticmethod
    def back(d_state, saved, new, old, valid):
        """Return the gradients of `(outer, inner, state)`, that of h without the part of `inner`.

        A list of tensors stands for one that is their concatenation, and no list at all for an
        `outer` that is `inner`.
        """
        (dh, dc), (i, f, g, o) = d_state, saved
        if valid is not None:
            kept_h, kept_c = dh * (1 - valid), dc * (1 - valid)
            dh, dc = dh * valid, dc * valid
        t = tanh(new[1])
        dc = dc + dh * o * (1 - t * t)
        di, df = dc * g * i * (1 - i), dc * old[1] * f * (1 - f)
        dg, do = dc * i * (1 - g * g), dh * t * o * (1 - o)
        gates = ops.concatenate([di, df, dg, do], axis=-1)
        if valid is None:
            return [], gates, [ops.zeros_like(dh), dc * f]
        return [], gates, [kept_h, dc * f + kept_c]


class GRUKernel:
    """Gates z, r and the candidate n, which is reset after the product; state h."""

    saved = 4

    @staticmethod
    def step(outer, inner, state, valid):
        x_z, x_r, x_n = ops.split(outer, 3, axis=-1)
        h_z, h_r, h_n = ops.split(inner, 3, axis=-1)
        z, r = ops.sigmoid(x_z + h_z), ops.sigmoid(x_r + h_r)
        if valid is not None:
            z = z * valid + (1 - valid)  # at 1 h stays, and all gradients but its own are 0
        n = tanh(x_n + r * h_n)
        return [z * state[0] + (1 - z) * n], [z, r, n, h_n]

    @staticmethod
    def back(d_state, saved, new, old, valid):
        (dh,), (z, r, n, h_n) = d_state, saved
        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (old[0] - n) * z * (1 - z)
        dr = dn * h_n * r * (1 - r)
        return [dz, dr, dn], ops.concatenate([dz, dr, dn * r], axis=-1), [dh * z]


class VanillaKernel:
    """h alone; `slope` is the derivative of the activation, given what it returned."""

    saved = 0

    def __init__(self, activation, slope):
        self.activation = activation
        self.slope = slope

    def step(self, outer, inner, state, valid):
        return [_kept(valid, self.activation(outer + inner), state[0])], []

    def back(self, d_state, saved, new, old, valid):
        (dh,) = d_state
        if valid is None:
            return [], dh * self.slope(new[0]), [ops.zeros_like(dh)]
        return [], dh * valid * self.slope(new[0]), [dh * (1 - valid)]


def _kept(valid, new, old):
    """`new` where valid, else `old`. Not by `where`, which XLA computes number by number."""
    return new if valid is None else new * valid + old * (1 - valid)


SLOPES = {
    keras.activations.tanh: lambda h: 1 - h * h,
    keras.activations.relu: lambda h: ops.cast(h > 0, h.dtype),
    keras.activations.sigmoid: lambda h: h * (1 - h),
    keras.activations.linear: ops.ones_like,
}


@functools.cache
def recurrence(kind, activation, masked, reverse):
    """Return a recurrence with its gradient, time first.

    Args:
        kind: `"lstm"`, `"gru"` (reset after the product) or `"vanilla"`.
        activation: of a vanilla RNN, one of `SLOPES`.
        masked: whether there is a mask.
        reverse: whether to run from the last step to the first.

    Returns:
        A function of `(inputs, kernel, recurrent_kernel, bias, recurrent_bias, mask, *state)`:
        inputs `(time, batch, features)`, mask boolean `(time, batch)`, the others as Keras has
        them; `recurrent_bias` is `None` for all but the GRU, and `mask` where there is none. It
        returns a tuple: every h, `(time, batch, units)`, and the last state.
    """
    if kind == "vanilla":
        kernel = VanillaKernel(activation, SLOPES[activation])
    else:
        kernel = {"lstm": LSTMKernel, "gru": GRUKernel}[kind]

    def forward(keep, inputs, weights, recurrent, bias, recurrent_bias, mask, *state):
        outer = ops.matmul(inputs, weights)
        valid = ops.cast(mask, outer.dtype)[:, :, None] if masked else None

        def step(x, carried):
            state, _ = carried
            inner = ops.matmul(state[0], recurrent)
            if recurrent_bias is not None:
                inner = inner + recurrent_bias
            new, saved = kernel.step(x["outer"] + bias, inner, state, x.get("valid"))
            if not keep:
                new[0] = new[0] + 0 * sum(carried[1])
            return ({"new": new, "saved": saved} if keep else {"new": new[:1]}), (new, saved)

        steps = {"outer": outer, "valid": valid} if masked else {"outer": outer}
        # The gates go from step to step, and 0 times them into h, although nobody wants them: XLA
        # would otherwise compute a whole step number by number, in twice the time.
        blank = [ops.zeros_like(state[0]) for _ in range(kernel.saved)]
        found, (last, _) = loop(step, (list(state), blank), steps, reverse)
        kept = (inputs, weights, recurrent, recurrent_bias, valid, state, found)
        return (found["new"][0], *last), kept

    def backward(kept, d_outputs, *d_last):
        inputs, weights, recurrent, recurrent_bias, valid, state, found = kept
        back = ops.transpose(recurrent)
        old = [_shifted(x, first, reverse) for x, first in zip(found["new"], state, strict=True)]

        def step(x, d_state):
            d_state = [d_state[0] + x["d_output"], *d_state[1:]]
            outer, inner, d_old = kernel.back(
                d_state, x["saved"], x["new"], x["old"], x.get("valid")
            )
            d_old[0] = d_old[0] + ops.matmul(inner, back)
            return {"outer": outer, "inner": inner}, d_old

        steps = {**found, "old": old, "d_output": d_outputs}
        if masked:
            steps["valid"] = valid
        gates, d_state = loop(step, list(d_last), steps, not reverse)
        inner = gates["inner"]
        outer = ops.concatenate(gates["outer"], axis=-1) if gates["outer"] else inner
        d_inputs = ops.matmul(outer, ops.transpose(weights))
        d_bias = ops.sum(outer, axis=(0, 1))
        d_recurrent_bias = None if recurrent_bias is None else ops.sum(inner, axis=(0, 1))
        d_weights = _product_over_steps(inputs, outer)
        d_recurrent = _product_over_steps(old[0], inner)
        return (d_inputs, d_weights, d_recurrent, d_bias, d_recurrent_bias, None, *d_state)

    return custom_gradient(forward, backward)


def _shifted(states, first, reverse):
    """The state before each step, `(time, batch, size)`, given the states after each."""
    if reverse:
        return ops.concatenate([states[1:], first[None]], axis=0)
    return ops.concatenate([first[None], states[:-1]], axis=0)


def _product_over_steps(left, right):
    """The sum over steps and rows of the outer products, `(left size, right size)`."""
    left = ops.reshape(left, (-1, left.shape[-1]))
    right = ops.reshape(right, (-1, right.shape[-1]))
    return ops.matmul(ops.transpose(left), right)
