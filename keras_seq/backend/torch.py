"""The PyTorch side of `keras_seq.backend`."""

import functools

import keras
import torch

jit_pays = False


def scan(step, state, inputs):
    """Run `step` over the time axis of `inputs`; see the TensorFlow twin for the contract."""
    leaves = keras.tree.flatten(inputs)
    if leaves[0].shape[1] == 0:
        blank = keras.tree.map_structure(lambda x: x.new_zeros((x.shape[0], *x.shape[2:])), inputs)
        pattern, _ = step(blank, state)
        empty = keras.tree.map_structure(
            lambda x: x.new_zeros((x.shape[0], 0, *x.shape[1:])), pattern
        )
        return empty, state
    outputs = []
    for x in zip(*(leaf.unbind(1) for leaf in leaves), strict=True):
        output, state = step(keras.tree.pack_sequence_as(inputs, list(x)), state)
        outputs.append(output)
    return keras.tree.map_structure(lambda *steps: torch.stack(steps, dim=1), *outputs), state


def fused(kind, inputs, state, weights, mask=None, reverse=False):
    """Run a recurrence in one kernel of PyTorch, where there is one.

    Args:
        kind: `"lstm"`, `"gru"` (reset after the product) or `"vanilla"` (tanh).
        inputs: `(batch, time, features)`.
        state: a list of tensors `(batch, units)`.
        weights: `(kernel, recurrent_kernel, bias, recurrent_bias)` in the layout of Keras; the
            last one is `None` for all but the GRU.
        mask: boolean `(batch, time)`, or `None`.
        reverse: whether to start at each row's last valid step.

    Returns:
        `(outputs, state)`, the outputs 0 where masked; or `None` for what the kernels do not
        serve: half precision on the CPU, no steps, and a mask that is not padding on the right.
    """
    if inputs.shape[1] == 0 or (inputs.dtype.itemsize < 4 and inputs.device.type == "cpu"):
        return None
    lengths = None
    if mask is not None:
        if bool((mask[:, 1:] & ~mask[:, :-1]).any()):
            return None
        lengths = mask.sum(dim=1)
        if bool((lengths == mask.shape[1]).all()):
            lengths = None
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
    first = [x[None].contiguous() for x in state]
    parameters = [kernel.t(), recurrent.t(), bias, recurrent_bias]
    options = (True, 1, 0.0, torch.is_grad_enabled(), False, True)
    if kind == "lstm":
        outputs, _, cell = torch.lstm(inputs, first, parameters, *options)
    else:
        run = torch.gru if kind == "gru" else torch.rnn_tanh
        outputs, _ = run(inputs, first[0], parameters, *options)
    if lengths is None:
        last = outputs[:, -1]
    else:
        rows = torch.arange(len(outputs), device=outputs.device)
        last = torch.where(lengths[:, None] > 0, outputs[rows, lengths.clamp(min=1) - 1], state[0])
        outputs = outputs * mask[:, :, None].to(outputs.dtype)
    if reverse:
        outputs = reverse_rows(outputs)
    return outputs, [last, cell[0]] if kind == "lstm" else [last]


def _reverse_rows(x, lengths):
    """Reverse the valid part of each row of `(batch, time, ...)`; `lengths` of `None` is all."""
    if lengths is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)
    order = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return torch.take_along_dim(x, order[:, :, None], dim=1)


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


def compiled(function, variables=()):
    """Run `function` without recording gradients; PyTorch has nothing to compile here."""
    del variables  # captured by reference

    @functools.wraps(function)
    def without_gradients(*args):
        with torch.no_grad():
            return function(*args)

    return without_gradients


def gradient(function, inputs):
    """Return `function(inputs)`, a scalar, and its gradient with respect to the nest `inputs`."""
    inputs = keras.tree.map_structure(
        lambda x: keras.ops.convert_to_tensor(x).detach().clone().requires_grad_(), inputs
    )
    value = function(inputs)
    leaves = keras.tree.flatten(inputs)
    gradients = torch.autograd.grad(value, leaves, allow_unused=True)
    gradients = [
        torch.zeros_like(x) if g is None else g for x, g in zip(leaves, gradients, strict=True)
    ]
    return value.detach(), keras.tree.pack_sequence_as(inputs, gradients)


def synchronize(model):
    """Make the variables of `model` hold the newest values: here they always do."""


def random_state():
    """Return the states of the global generators as a list of bytes.

    Keras's `Dropout` draws from them here, not from its own seed.
    """
    states = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return [state.numpy().tobytes() for state in states]


def set_random_state(states):
    """Put the global generators into the states that `random_state` returned."""
    cpu, *gpus = [torch.frombuffer(bytearray(state), dtype=torch.uint8) for state in states]
    torch.set_rng_state(cpu)
    torch.cuda.set_rng_state_all(gpus)
