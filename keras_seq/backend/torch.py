"""The PyTorch side of `keras_seq.backend`."""

import functools

import keras
import torch

jit_pays = False


def scan(step, state, inputs):
    """Run `step` over the time axis of `inputs`; see the TensorFlow twin for the contract."""
    if inputs.shape[1] == 0:
        pattern, _ = step(inputs.new_zeros((inputs.shape[0], *inputs.shape[2:])), state)
        empty = keras.tree.map_structure(
            lambda x: x.new_zeros((x.shape[0], 0, *x.shape[1:])), pattern
        )
        return empty, state
    outputs = []
    for x in inputs.unbind(1):
        output, state = step(x, state)
        outputs.append(output)
    return keras.tree.map_structure(lambda *steps: torch.stack(steps, dim=1), *outputs), state


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
