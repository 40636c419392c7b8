"""Gradients on PyTorch."""

import keras
import torch
import torch.utils.checkpoint

from keras_seq.backend.torch.graphs import is_watched


def custom_gradient(forward, backward):
    def plain(*args):
        return forward(False, *args)[0]

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *args):
            outputs, ctx.kept = forward(True, *args)
            ctx.numbers = [k for k, x in enumerate(args) if isinstance(x, torch.Tensor)]
            ctx.count = len(args)
            ctx.save_for_backward(*(args[k] for k in ctx.numbers))
            return outputs

        @staticmethod
        def backward(ctx, *gradients):
            if not torch.is_grad_enabled():
                return tuple(backward(ctx.kept, *gradients))
            args = [None] * ctx.count
            for k, x in zip(ctx.numbers, ctx.saved_tensors, strict=True):
                args[k] = x
            return derived(plain, args, ctx.needs_input_grad, gradients)

    return lambda *args: plain(*args) if is_watched() else Function.apply(*args)


def derived(function, inputs, needed, gradients):
    """The gradients of `function(*inputs)`, as autograd finds them: they have gradients too."""
    # Names of their own: the gradient of one input shall not go on to another that it came from.
    inputs = [x.view_as(x) if isinstance(x, torch.Tensor) else x for x in inputs]
    outputs = function(*inputs)
    pairs = [pair for pair in zip(outputs, gradients, strict=True) if pair[0].requires_grad]
    chosen = [x for x, wanted in zip(inputs, needed, strict=True) if wanted]
    derivatives = torch.autograd.grad(
        [output for output, _ in pairs],
        chosen,
        [gradient for _, gradient in pairs],
        create_graph=True,
        allow_unused=True,
    )
    derivatives = iter(derivatives)
    return tuple(next(derivatives) if wanted else None for wanted in needed)


def gradient(function, inputs):
    inputs = keras.tree.map_structure(
        lambda x: keras.ops.convert_to_tensor(x).detach().clone().requires_grad_(), inputs
    )
    with torch.enable_grad():
        value = function(inputs)
    leaves = keras.tree.flatten(inputs)
    gradients = torch.autograd.grad(value, leaves, allow_unused=True)
    gradients = [
        torch.zeros_like(x) if g is None else g for x, g in zip(leaves, gradients, strict=True)
    ]
    return value.detach(), keras.tree.pack_sequence_as(inputs, gradients)


def recomputed(function, variables=()):
    def call(*args):
        if is_watched() or not torch.is_grad_enabled():
            return function(*args)
        # Nothing is drawn inside.
        options = {"use_reentrant": False, "preserve_rng_state": False}
        return torch.utils.checkpoint.checkpoint(function, *args, **options)

    return call
