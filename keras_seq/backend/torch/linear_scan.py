"""Linear recurrences on PyTorch: in chunks, side by side, written into one tensor."""

import math

import torch

from keras_seq.backend.torch.graphs import is_watched
from keras_seq.backend.torch.loops import ordered


def linear_scan(decay, inputs, state, reverse=False):
    if is_watched():
        return _plain_linear_scan(decay, inputs, state, reverse)
    return _LinearScan.apply(decay, inputs, state, reverse)


def _plain_linear_scan(decay, inputs, state, reverse):
    outputs = []
    for a, b in ordered(zip(decay.unbind(1), inputs.unbind(1), strict=True), reverse):
        state = torch.addcmul(b, a, state)
        outputs.append(state)
    if not outputs:
        return torch.zeros_like(inputs)
    return torch.stack(outputs[::-1] if reverse else outputs, dim=1)


class _LinearScan(torch.autograd.Function):
    """`linear_scan`, written step by step into one tensor, and its gradient."""

    @staticmethod
    def forward(ctx, decay, inputs, state, reverse):
        outputs = torch.empty_like(inputs, memory_format=torch.contiguous_format)
        _run_chunks(outputs, decay, inputs, state, reverse)
        ctx.save_for_backward(decay, state, outputs)
        ctx.reverse = reverse
        return outputs

    @staticmethod
    def backward(ctx, gradient):
        decay, state, outputs = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *_linear_scan_gradients(decay, state, outputs, gradient, ctx.reverse), None
        of_decay, of_inputs = torch.empty_like(outputs), torch.empty_like(outputs)
        if outputs.shape[1] == 0:
            return of_decay, of_inputs, torch.zeros_like(state), None
        # What each h is worth: a linear recurrence from the last one to the first one.
        earlier, later = slice(-1), slice(1, None)
        first, last = 0, -1
        if ctx.reverse:
            earlier, later, first, last = later, earlier, last, first
        of_inputs[:, last] = gradient[:, last]
        rest = of_inputs[:, earlier], decay[:, later], gradient[:, earlier]
        _run_chunks(*rest, gradient[:, last], not ctx.reverse)
        torch.mul(of_inputs[:, later], outputs[:, earlier], out=of_decay[:, later])
        torch.mul(of_inputs[:, first], state, out=of_decay[:, first])
        return of_decay, of_inputs, of_inputs[:, first] * decay[:, first], None


def _linear_scan_gradients(decay, state, outputs, gradient, reverse):
    """The gradients of `linear_scan`, in operations that have a gradient themselves."""
    first, ones = state[:, None], torch.ones_like(state)[:, None]
    if reverse:
        before = torch.cat([outputs, first], dim=1)[:, 1:]
        following = torch.cat([ones, decay], dim=1)[:, :-1]
    else:
        before = torch.cat([first, outputs], dim=1)[:, :-1]
        following = torch.cat([decay, ones], dim=1)[:, 1:]
    total = linear_scan(following, gradient, torch.zeros_like(state), not reverse)
    start = slice(-1, None) if reverse else slice(1)
    return total * before, total, (total[:, start] * decay[:, start]).sum(dim=1)


def _run_chunks(outputs, decay, inputs, state, reverse):
    """The chunks of `linear_scan`; writes into `outputs`."""
    length = inputs.shape[1]
    chunk = max(32, math.isqrt(length) // 2)
    count = length // chunk
    if count > 2:
        cut = length - count * chunk if reverse else count * chunk
        here, rest = (slice(cut, None), slice(cut)) if reverse else (slice(cut), slice(cut, None))
        tensors = outputs, decay, inputs
        h, a, b = (x[:, here].unflatten(1, (count, chunk)) for x in tensors)
        whole = torch.zeros_like(b[:, :, 0])
        _run_steps([whole] * chunk, a.unbind(2), b.unbind(2), whole, reverse)
        between = torch.empty_like(whole)
        _run_steps(between.unbind(1), a.prod(dim=2).unbind(1), whole.unbind(1), state, reverse)
        if reverse:
            first = torch.cat([between[:, 1:], state[:, None]], dim=1)
        else:
            first = torch.cat([state[:, None], between[:, :-1]], dim=1)
        _run_steps(h.unbind(2), a.unbind(2), b.unbind(2), first, reverse)
        state = between[:, 0 if reverse else -1]
        outputs, decay, inputs = (x[:, rest] for x in tensors)
    _run_steps(outputs.unbind(1), decay.unbind(1), inputs.unbind(1), state, reverse)


def _run_steps(outputs, decay, inputs, h, reverse):
    """The plain loop; writes into `outputs`."""
    steps = zip(outputs, decay, inputs, strict=True)
    for h_t, a, b in reversed([*steps]) if reverse else steps:
        h = torch.addcmul(b, a, h, out=h_t)
