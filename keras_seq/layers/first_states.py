"""The initial states that the call of a recurrent layer is given."""

from keras import ops

from keras_seq.layers.cells import state_shape


def read_states(states, sizes, inputs, dtype=None):
    """Return the initial states of a call as a list of tensors `(batch, size)`.

    Kernels read memory by the sizes that they expect, PyTorch's behind its end: what does not fit
    is refused here.

    Args:
        states: a tensor, or a list or tuple of them, `(batch, size)`; one of one row stands for
            all rows.
        sizes: the sizes expected, a list of integers or, of states that are no vectors, of shapes.
        inputs: `(batch, time, features)`.
        dtype: that of the result; by default each keeps its own.

    Raises:
        ValueError: for another number of tensors, another size, or another number of rows.
    """
    states = list(states) if isinstance(states, (list, tuple)) else [states]
    states = [ops.convert_to_tensor(x, dtype=dtype) for x in states]
    shapes = [state_shape(size) for size in sizes]
    rows = inputs.shape[0]
    received = [tuple(x.shape) for x in states]
    if len(received) != len(shapes) or not all(
        _fits(x, (rows, *shape)) for x, shape in zip(received, shapes, strict=True)
    ):
        expected = [("batch" if rows is None else rows, *shape) for shape in shapes]
        raise ValueError(
            f"`initial_state` must be tensors of the shapes {expected}; received {received}."
        )
    if rows == 1 or all(shape[0] != 1 for shape in received):
        return states
    rows = ops.shape(inputs)[0]
    return [
        ops.broadcast_to(x, (rows, *shape)) if x.shape[0] == 1 else x
        for x, shape in zip(states, shapes, strict=True)
    ]


def _fits(received, expected):
    """Whether a shape is the one expected, as far as both are known; one row fits any number."""
    return len(received) == len(expected) and all(
        a is None or b is None or a == b or (i == 0 and a == 1)
        for i, (a, b) in enumerate(zip(received, expected, strict=True))
    )
