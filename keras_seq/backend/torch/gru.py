"""GRUs on the CPU of PyTorch, side by side, with backpropagation through time by hand."""

import torch

from keras_seq.backend.torch.gradients import derived


def gru(inputs, states, weights, mask, reverses):
    """`(outputs, states)` of GRUs side by side, a tuple of each."""
    matrices = [torch.stack(pair) for pair in zip(*weights, strict=True)]
    first = torch.stack([state[0] for state in states])
    inputs, masked = inputs.transpose(0, 1), None
    inputs = torch.stack([_flipped(inputs, reverse) for reverse in reverses])  # (D, T, B, S)
    if mask is not None:
        masked = ~mask.t()[:, :, None]
        masked = torch.stack([_flipped(masked, reverse) for reverse in reverses])
    *outputs, last = _GRU.apply(inputs, first, *matrices, masked, reverses)
    if mask is not None:
        valid = mask[:, :, None].to(inputs.dtype)
        outputs = [output * valid for output in outputs]
    return tuple(outputs), tuple([h] for h in last.unbind(0))


class _GRU(torch.autograd.Function):
    """GRUs on the CPU, with any mask: PyTorch's own kernel takes twice as long to train.

    Several run side by side, each in its own direction (D of them). On the way back everything that
    does not depend on the gradient of h is found for all steps at once; the loop has two products
    by number and one by matrix.
    """

    @staticmethod
    def forward(ctx, inputs, state, kernel, recurrent, bias, recurrent_bias, masked, reverses):
        arguments = inputs, state, kernel, recurrent, bias, recurrent_bias, masked
        gates = _outer_gates(inputs, kernel, bias, masked)
        count, time, batch, units = *gates.shape[:3], state.shape[-1]
        inner = gates.new_empty((count, time, batch, 3 * units))
        states = gates.new_empty((count, time, batch, units))
        zr, n = gates[..., : 2 * units], gates[..., 2 * units :]
        parts = zr, zr[..., :units], zr[..., units:], n, states
        parts += inner, inner[..., : 2 * units], inner[..., 2 * units :]
        h, recurrent_bias = state, recurrent_bias[:, None]
        for step in zip(*(x.unbind(1) for x in parts), strict=True):
            zr_t, z_t, r_t, n_t, new, inner_t, inner_zr, inner_n = step
            torch.baddbmm(recurrent_bias, h, recurrent, out=inner_t)
            zr_t.add_(inner_zr).sigmoid_()
            n_t.addcmul_(r_t, inner_n).tanh_()
            h = torch.lerp(n_t, h, z_t, out=new)
        ctx.save_for_backward(*arguments, gates, inner, states)
        ctx.reverses = reverses
        return *_in_order(states, reverses), h.clone()

    @staticmethod
    def backward(ctx, *gradients):
        *arguments, gates, inner, states = ctx.saved_tensors
        if torch.is_grad_enabled():
            return derived(_plain_gru, [*arguments, ctx.reverses], ctx.needs_input_grad, gradients)
        inputs, state, kernel, recurrent, *_ = arguments
        count, time, batch, units = states.shape
        *d_outputs, dh = gradients
        d_states = torch.stack(
            [
                _flipped(d_output.transpose(0, 1), reverse)
                for d_output, reverse in zip(d_outputs, ctx.reverses, strict=True)
            ]
        )
        before = torch.cat([state[:, None], states[:, :-1]], dim=1)
        z, r, n = gates.split(units, dim=-1)
        slope = torch.ops.aten.tanh_backward(1 - z, n)
        factors = gates.new_empty((count, time, batch, 3, units))
        of_z, of_r, of_n = factors.unbind(3)
        torch.ops.aten.sigmoid_backward.grad_input(before - n, z, grad_input=of_z)
        d_r = slope * inner[..., 2 * units :]
        torch.ops.aten.sigmoid_backward.grad_input(d_r, r, grad_input=of_r)
        torch.mul(slope, r, out=of_n)
        back = recurrent.transpose(1, 2)
        d_inner = factors.flatten(3)  # the same memory
        parts = d_states, d_states[..., None, :], factors, d_inner, z
        for step in reversed([*zip(*(x.unbind(1) for x in parts), strict=True)]):
            total, column, factor, d_gates, z_t = step
            total.add_(dh)
            factor.mul_(column)
            dh = torch.baddbmm(total * z_t, d_gates, back)

        def rows(x):
            return x.reshape(count, time * batch, -1)

        d_inner = rows(d_inner)
        d_outer = torch.cat([d_inner[..., : 2 * units], rows(d_states * slope)], dim=-1)
        d_inputs = None
        if ctx.needs_input_grad[0]:
            d_inputs = torch.bmm(d_outer, kernel.transpose(1, 2)).view(count, time, batch, -1)
        d_kernel = torch.bmm(rows(inputs).transpose(1, 2), d_outer)
        d_recurrent = torch.bmm(rows(before).transpose(1, 2), d_inner)
        biases = d_outer.sum(dim=1), d_inner.sum(dim=1)
        return d_inputs, dh, d_kernel, d_recurrent, *biases, None, None


def _outer_gates(inputs, kernel, bias, masked):
    """What the gates of `_GRU` get from outside, for all steps."""
    count, time, batch, size = inputs.shape
    gates = torch.baddbmm(bias[:, None], inputs.view(count, -1, size), kernel)
    gates = gates.view(count, time, batch, -1)
    if masked is not None:  # z is 1, so h stays
        gates[..., : gates.shape[-1] // 3].masked_fill_(masked, 1e4)
    return gates


def _plain_gru(inputs, state, kernel, recurrent, bias, recurrent_bias, masked, reverses):
    """What `_GRU` computes, in operations that autograd knows."""
    h, states, units = state, [], state.shape[-1]
    for x in _outer_gates(inputs, kernel, bias, masked).unbind(1):
        inner = torch.baddbmm(recurrent_bias[:, None], h, recurrent)
        z, r = (x + inner)[..., : 2 * units].sigmoid().chunk(2, dim=-1)
        n = (x[..., 2 * units :] + r * inner[..., 2 * units :]).tanh()
        h = n + z * (h - n)
        states.append(h)
    return *_in_order(torch.stack(states, dim=1), reverses), h


def _in_order(states, reverses):
    """The states of each direction, `(batch, time, units)`, in the order of the inputs."""
    return [
        _flipped(h, reverse).transpose(0, 1)
        for h, reverse in zip(states.unbind(0), reverses, strict=True)
    ]


def _flipped(x, reverse):
    """`x`, or its steps from the last one to the first, time first."""
    return x.flip(0) if reverse else x
