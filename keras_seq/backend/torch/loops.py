"""Loops over time on PyTorch: those of Python."""

import keras
import torch

from keras_seq.backend.products import inside, multiply
from keras_seq.backend.torch.graphs import is_watched


def loop(step, state, inputs, reverse=False):
    return _loop(step, state, inputs, 0, reverse)


def scan(step, state, inputs, matrices=()):
    if not torch.is_grad_enabled() or is_watched():
        return _loop(step, state, inputs, 1)
    waiting = {id(matrix): _Waiting(matrix) for matrix in matrices}

    def by_rule(left, right):
        if isinstance(right, keras.Variable) and id(right) not in waiting:
            # A variable in another dtype is cast at each step: another tensor each time.
            if keras.ops.convert_to_tensor(right) is not right.value:
                return _contract(left, keras.ops.convert_to_tensor(right))
            waiting[id(right)] = _Waiting(right.value)
        kept = waiting.get(id(right))
        if kept is None or not kept.matrix.requires_grad or kept.matrix.dtype != left.dtype:
            return _contract(left, keras.ops.convert_to_tensor(right))
        return _Product.apply(left, kept.matrix, kept.token, kept)

    with inside(by_rule):
        return _loop(step, state, inputs, 1)


def _loop(step, state, inputs, axis, reverse=False):
    leaves = keras.tree.flatten(inputs)
    if leaves[0].shape[axis] == 0:
        blank = keras.tree.map_structure(lambda x: x.new_zeros(_without(x.shape, axis)), inputs)
        pattern, _ = step(blank, state)
        empty = keras.tree.map_structure(
            lambda x: x.new_zeros((*x.shape[:axis], 0, *x.shape[axis:])), pattern
        )
        return empty, state
    outputs, packed = [], _packer(inputs)
    steps = zip(*(leaf.unbind(axis) for leaf in leaves), strict=True)
    for x in ordered(steps, reverse):
        output, state = step(packed(x), state)
        outputs.append(output)
    outputs = outputs[::-1] if reverse else outputs
    return keras.tree.map_structure(lambda *steps: torch.stack(steps, dim=axis), *outputs), state


def ordered(steps, reverse):
    """The steps, or the steps from the last one to the first."""
    return reversed([*steps]) if reverse else steps


def _packer(nest):
    """A function from the leaves of `nest` to it; for the plain cases one that costs little."""
    if isinstance(nest, torch.Tensor):
        return lambda leaves: leaves[0]
    if type(nest) is dict and all(isinstance(x, torch.Tensor) for x in nest.values()):
        names = sorted(nest)  # the order in which leaves come
        return lambda leaves: dict(zip(names, leaves, strict=True))
    return lambda leaves: keras.tree.pack_sequence_as(nest, list(leaves))


def _without(shape, axis):
    return (*shape[:axis], *shape[axis + 1 :])


def product(left, right):
    return multiply(left, right, _contract)


def _contract(left, right):
    if right.dim() == 3:
        return torch.bmm(left[:, None], right)[:, 0]
    return torch.matmul(left, right)


class _Waiting:
    """A matrix whose gradient is found when all products with it have found theirs.

    Attributes:
        matrix: the matrix, or one for each row.
        token: a number that every product takes and that depends on the matrix: so autograd comes
            back to the matrix last.
        parts: from the backward pass, what was multiplied and the gradient of the result.
    """

    def __init__(self, matrix):
        self.matrix = matrix
        self.token = _Token.apply(matrix, self)
        self.parts = []


class _Token(torch.autograd.Function):
    """The token of a matrix; backward, one product for all steps."""

    @staticmethod
    def forward(ctx, matrix, waiting):
        ctx.waiting = waiting
        return torch.zeros(())  # on the CPU: to count costs no wait for a GPU

    @staticmethod
    def backward(ctx, count):
        waiting, count = ctx.waiting, int(count)
        if not count:
            return None, None
        # A pass that did not ask for the matrix left its parts before those of this one.
        lefts, rights = zip(*waiting.parts[-count:], strict=True)
        waiting.parts = []
        return _sum_of_products(waiting.matrix, lefts, rights), None


def _sum_of_products(matrix, lefts, rights):
    """The gradient of a matrix from all steps."""
    if matrix.dim() == 3:
        return torch.bmm(torch.stack(lefts, dim=2), torch.stack(rights, dim=1))
    left, right = (torch.cat([x.flatten(0, -2) for x in part]) for part in (lefts, rights))
    return left.t() @ right


class _Product(torch.autograd.Function):
    """A product with a matrix, which leaves the gradient of the matrix to `_Token`."""

    @staticmethod
    def forward(ctx, left, matrix, token, waiting):
        ctx.save_for_backward(left)
        ctx.waiting = waiting
        return _contract(left, matrix)

    @staticmethod
    def backward(ctx, gradient):
        waiting, (left,) = ctx.waiting, ctx.saved_tensors
        matrix, of_left, of_matrix = waiting.matrix, None, None
        if ctx.needs_input_grad[0]:
            of_left = _contract(gradient, matrix.transpose(-1, -2))
        if torch.is_grad_enabled():
            # It may be differentiated in its turn: at once, for a part that waited in vain would
            # keep alive the graph that keeps it.
            of_matrix = _sum_of_products(matrix, [left], [gradient])
            return of_left, of_matrix, torch.zeros(()), None
        waiting.parts.append((left.detach(), gradient))
        return of_left, None, torch.ones(()), None
