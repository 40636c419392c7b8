"""Recurrences on PyTorch: its kernels, fitted to the weights of Keras."""

import functools

import torch

from keras_seq.backend.torch.graphs import is_transformed, is_watched
from keras_seq.backend.torch.gru import gru
from keras_seq.backend.torch.lstm import is_short, short_lstm
from keras_seq.backend.torch.numerics import places_in_front

_uncompiled = []  # `fused` itself, where a compiler is at work: to make it imports the compiler


def fused(kind, inputs, state, weights, mask=None, reverse=False):
    """`None` for half precision on the CPU, function transforms and most masks with gaps."""
    if inputs.shape[1] == 0 or (inputs.dtype.itemsize < 4 and inputs.device.type == "cpu"):
        return None
    if is_transformed():
        return None
    if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
        # Its compiler does not know `mkldnn_rnn_layer` for batches of any size, and takes minutes
        # for the steps one by one: the kernel runs between two compiled parts.
        if not _uncompiled:
            _uncompiled.append(torch.compiler.disable(fused))
        return _uncompiled[0](kind, inputs, state, weights, mask, reverse)
    if is_watched():
        return _fused_whatever_the_mask(kind, inputs, state, weights, mask, reverse)
    if kind == "gru" and inputs.device.type == "cpu":
        (outputs,), (state,) = gru(inputs, [state], [weights], mask, (reverse,))
        return outputs, state
    if kind == "lstm" and is_short(inputs):
        return short_lstm(inputs, state, weights, mask, reverse)
    lengths = None
    if mask is not None:
        if bool((mask[:, 1:] & ~mask[:, :-1]).any()):
            return None
        lengths = mask.sum(dim=1)
        if bool((lengths == mask.shape[1]).all()):
            lengths = None
    return _fused(kind, inputs, state, weights, mask, lengths, reverse)


def hand_gradient_pays(units):
    return False


def _fused_whatever_the_mask(kind, inputs, state, weights, mask, reverse):
    """`fused` where nothing may be decided by the numbers of a mask: the valid steps go first."""
    if mask is None:
        return _fused(kind, inputs, state, weights, None, None, reverse)
    places = places_in_front(mask)[:, :, None]
    lengths = mask.sum(dim=1)
    inputs = torch.zeros_like(inputs).scatter(1, places.expand_as(inputs), inputs)
    valid = torch.arange(mask.shape[1], device=mask.device) < lengths[:, None]
    outputs, state = _fused(kind, inputs, state, weights, valid, lengths, reverse)
    return torch.gather(outputs, 1, places.expand_as(outputs)), state


def _fused(kind, inputs, state, weights, mask, lengths, reverse):
    """`fused` for padding on the right, `lengths` being the numbers of valid steps, or for none."""
    kernel, recurrent, bias, recurrent_bias = weights
    if recurrent_bias is None:
        recurrent_bias = torch.zeros_like(bias)
    if kind == "gru":  # Keras has update, reset, new; PyTorch reset, update, new
        kernel, recurrent, bias, recurrent_bias = (
            torch.cat([w[..., n : 2 * n], w[..., :n], w[..., 2 * n :]], dim=-1)
            for n in [recurrent.shape[0]]
            for w in (kernel, recurrent, bias, recurrent_bias)
        )
    reverse_rows = functools.partial(_reverse_rows, lengths=lengths)
    if reverse:
        inputs = reverse_rows(inputs)
    if kind == "lstm" and lengths is not None:
        inputs, kernel = _freeze_padding(inputs, kernel, mask)
    if rounded := kind == "lstm" and _rounds_products(inputs):
        inputs, kernel = _in_whole_tiles(inputs, kernel)
        inputs, kernel, recurrent, bias, recurrent_bias, *first = (
            x.to(torch.bfloat16) for x in (inputs, kernel, recurrent, bias, recurrent_bias, *state)
        )
    else:
        first = state
    first = [x[None].contiguous() for x in first]
    matrices = [kernel.t(), recurrent.t()]
    if inputs.is_cuda:  # cuDNN takes its weights in the order of memory alone
        matrices = [matrix.contiguous() for matrix in matrices]
    parameters = [*matrices, bias, recurrent_bias]
    options = (True, 1, 0.0, torch.is_grad_enabled(), False, True)
    if kind == "lstm":
        outputs, _, cell = torch.lstm(inputs, first, parameters, *options)
        if rounded:
            outputs, cell = outputs.float(), cell.float()
    else:
        run = torch.gru if kind == "gru" else torch.rnn_tanh
        outputs, _ = run(inputs, first[0], parameters, *options)
    if lengths is None:
        last = outputs[:, -1]
    else:
        rows = torch.arange(outputs.shape[0], device=outputs.device)
        last = torch.where(lengths[:, None] > 0, outputs[rows, lengths.clamp(min=1) - 1], state[0])
        outputs = outputs * mask[:, :, None].to(outputs.dtype)
    if reverse:
        outputs = reverse_rows(outputs)
    return outputs, [last, cell[0]] if kind == "lstm" else [last]


def fused_both(kind, inputs, states, weights, mask=None):
    if kind != "gru" or inputs.device.type != "cpu" or inputs.dtype.itemsize < 4 or is_watched():
        return None
    if inputs.shape[1] == 0 or weights[0][1].shape != weights[1][1].shape:
        return None
    return gru(inputs, states, weights, mask, (False, True))


def _reverse_rows(x, lengths):
    """Reverse the valid part of each row of `(batch, time, ...)`; `lengths` of `None` is all."""
    if lengths is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)
    order = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return torch.gather(x, 1, order[:, :, None].expand_as(x))


def _rounds_products(inputs):
    """Whether the products of a training may be rounded, and the processor gains by it."""
    return (
        torch.get_float32_matmul_precision() == "medium"
        and torch.is_grad_enabled()
        and inputs.dtype == torch.float32
        and inputs.device.type == "cpu"
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


def _in_whole_tiles(inputs, kernel):
    """Zeros beside the inputs: for sizes off its tiles, the kernel is slower by five times."""
    missing = -inputs.shape[-1] % 32
    pad = torch.nn.functional.pad
    return pad(inputs, (0, missing)), pad(kernel, (0, 0, 0, missing))


def _freeze_padding(inputs, kernel, mask):
    """Let an LSTM keep c at padded steps: one more input, 1 there, shuts one gate, opens another.

    The kernel returns c of the last step alone, and c of each row's last valid step is wanted.
    """
    units = kernel.shape[1] // 4
    shut = torch.zeros_like(kernel[:1])
    shut[:, :units] = -1e4  # the input gate
    shut[:, units : 2 * units] = 1e4  # the forget gate
    padding = (~mask)[:, :, None].to(inputs.dtype)
    return torch.cat([inputs, padding], dim=-1), torch.cat([kernel, shut], dim=0)
