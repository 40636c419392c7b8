"""Functions run as written, without a graph, and whether a tracer or compiler looks on."""

import functools

import torch
from torch.autograd import forward_ad


def is_watched():
    """Whether something else than autograd looks on: a tracer, a compiler, a function transform.

    It then sees plain operations alone: no gradient of our own, and nothing decided by numbers.
    """
    return torch.jit.is_tracing() or torch.compiler.is_compiling() or is_transformed()


def is_transformed():
    """Whether `torch.func.vmap`, `grad`, `jvp` or their kin, or dual numbers, are at work."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def compiled(function, variables=(), reading=None):
    """Nothing to compile here: gradients are not recorded."""
    del variables, reading  # captured by reference

    @functools.wraps(function)
    def without_gradients(*args):
        with torch.no_grad():
            return function(*args)

    return without_gradients


def static_step(jit_compile):
    return False


def choose(mask, arrays):
    if mask.device.type == "meta":
        return tuple(arrays)
    return tuple(array[mask] for array in arrays)


def run_if(condition, function):
    if condition.device.type == "meta" or bool(condition):
        function()
