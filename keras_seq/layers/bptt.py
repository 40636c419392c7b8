r"""Backpropagation through time by hand, for recurrences that know the way back of a step.

Left to automatic differentiation, a loop adds its share to the gradient of the weights at each
step. Here the loop back through time only finds the gradients of the gates, and those of the
weights are one product over all steps after it:

    forward:    a_t = W x_t + b          for all steps at once, but for the bias
                s_t = step(a_t, U h_(t-1), s_(t-1))
    backward:   d_t = dL / d(gates)_t,   dL/dh_(t-1) += U' d_t
    after it:   dL/dW = sum_t x_t d_t',  dL/dU = sum_t h_(t-1) d_t'

Where a step is masked the state and its gradient pass through.
"""

import dataclasses
import functools

from keras import ops

from keras_seq.backend import custom_gradient, loop


@functools.cache
def by_hand(recurrence, functions, masked, reverse):
    """Return all steps of a recurrence with their gradient, time first.

    Args:
        recurrence: a `Recurrence` with `back`.
        functions: the `Functions` of the cell.
        masked: whether there is a mask.
        reverse: whether to run from the last step to the first.

    Returns:
        A function of `(inputs, kernel, recurrent_kernel, bias, recurrent_bias, mask, *state)`:
        inputs `(time, batch, features)`, mask boolean `(time, batch)`, the weights as
        `Recurrence.weights` has them; `recurrent_bias` and `mask` are `None` where there is none.
        It returns a tuple: every h, `(time, batch, units)`, and the last state.
    """

    def functions_of(x):
        return dataclasses.replace(functions, valid=x.get("valid"))

    def forward(keep, inputs, weights, recurrent, bias, recurrent_bias, mask, *state):
        outer = ops.matmul(inputs, weights)
        valid = ops.cast(mask, outer.dtype)[:, :, None] if masked else None

        def step(x, carried):
            state, _ = carried
            inner = ops.matmul(state[0], recurrent)
            if recurrent_bias is not None:
                inner = inner + recurrent_bias
            outer = x["outer"] + bias
            if not recurrence.needs_inner:
                outer, inner = outer + inner, None
            new, saved = recurrence.step(outer, inner, state, functions_of(x))
            if not keep:
                new[0] = new[0] + 0 * sum(carried[1])
            return ({"new": new, "saved": saved} if keep else {"new": new[:1]}), (new, saved)

        steps = {"outer": outer, "valid": valid} if masked else {"outer": outer}
        # The gates go from step to step, and 0 times them into h, although nobody wants them: XLA
        # would otherwise compute a whole step number by number, in twice the time.
        blank = [ops.zeros_like(state[0]) for _ in range(recurrence.saved)]
        record, (last, _) = loop(step, (list(state), blank), steps, reverse)
        kept = (inputs, weights, recurrent, recurrent_bias, valid, state, record)
        return (record["new"][0], *last), kept

    def backward(kept, d_outputs, *d_last):
        inputs, weights, recurrent, recurrent_bias, valid, state, record = kept
        back = ops.transpose(recurrent)
        old = [_shifted(x, first, reverse) for x, first in zip(record["new"], state, strict=True)]

        def step(x, d_state):
            d_state = [d_state[0] + x["d_output"], *d_state[1:]]
            outer, inner, d_old = recurrence.back(
                d_state, x["saved"], x["new"], x["old"], functions_of(x)
            )
            d_old[0] = d_old[0] + ops.matmul(inner, back)
            return {"outer": outer, "inner": inner}, d_old

        steps = {**record, "old": old, "d_output": d_outputs}
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
