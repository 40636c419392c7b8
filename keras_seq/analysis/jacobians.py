"""The Jacobians of a recurrence, and the matrices behind them."""

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_seq._checks import check_positive
from keras_seq.analysis.inside import cells_of
from keras_seq.backend import gradient, scan
from keras_seq.layers.cells import advance, initial_state, state_names, state_sizes
from keras_seq.layers.recurrences import kind_of

ROWS_AT_ONCE = 2**22  # numbers in the states of one call


def jacobian_spectrum(
    layer: keras.layers.Layer, x: ArrayLike, steps: int = 1, state: str = "h"
) -> np.ndarray:
    r"""Singular values of the Jacobian of a recurrence over one step or more.

        J_t = ds_t / ds_(t-1)                      s: all states of the cell, such as [h; c]
        sigma( (J_t J_(t-1) ... J_(t-steps+1)) restricted to rows and columns of one state )

    A gradient that comes back over these steps is stretched by factors between the least and the
    largest of them: it vanishes in every direction whose product falls towards 0.

    Args:
        layer: a built recurrent layer of this package or of Keras with one cell, or a cell. Of a
            `Bidirectional` take its `forward_layer` or `backward_layer`, which is then taken in the
            order of the inputs.
        x: `(time, features)` or `(batch, time, features)`, what the layer reads.
        steps: over how many steps the product goes.
        state: `"h"`, `"c"` of an LSTM, another name of a state, or `"all"` for s as a whole.

    Returns:
        float64 `(batch, time - steps + 1, n)`, or without the batch axis where x has none: the
        singular values, largest first, of the product that ends at each step from `steps` on.
        Products are made in float64 of Jacobians in the dtype of the layer.

    Raises:
        ValueError: for an unbuilt layer, one with more than one cell or none, other features, an
            unknown `state`, and for fewer than `steps` steps.

    Example:

    >>> layer = keras.layers.SimpleRNN(4, recurrent_initializer="identity")
    >>> _ = layer(np.zeros((1, 9, 3), "float32"))
    >>> jacobian_spectrum(layer, np.zeros((9, 3), "float32"), steps=3).round(3)[0]
    array([1., 1., 1., 1.])

    References:
        - Pascanu, Mikolov & Bengio, 2013, arXiv:1211.5063, section 2.1.
        - Vorontsov et al., 2017, "On orthogonality and learning recurrent networks with long term
          dependencies", arXiv:1702.00071.
    """
    cell = _single_cell(layer)
    check_positive("steps", steps)
    x = np.asarray(x, "float32")
    batched = x.ndim == 3
    x = x if batched else x[None]
    _check_inputs(cell, x, steps)
    names, sizes = state_names(cell), state_sizes(cell)
    if state != "all" and state not in names:
        known = ", ".join(repr(name) for name in [*filter(None, names), "all"])
        raise ValueError(f"`state` must be one of {known}; received {state!r}.")
    jacobians = _jacobians(cell, x, sizes)  # (B, T, S, S)
    product = jacobians[:, steps - 1 :]
    for k in range(1, steps):
        product = product @ jacobians[:, steps - 1 - k : jacobians.shape[1] - k]
    if state != "all":
        start = sum(sizes[: names.index(state)])
        columns = slice(start, start + sizes[names.index(state)])
        product = product[..., columns, columns]
    values = np.linalg.svd(product, compute_uv=False)
    return values if batched else values[0]


def spectral_radius(matrix: "ArrayLike | keras.layers.Layer") -> float | dict[str, float]:
    r"""The largest absolute value of an eigenvalue; of a cell with gates, for each of them.

        rho(W) = max |lambda|,  W v = lambda v

    Below 1 a linear recurrence with this matrix forgets, above 1 it grows without limit. (Of a
    gate's matrix it is a hint at most: the gates see it through their slopes.)

    Args:
        matrix: a square matrix; or a built recurrent layer or cell, of which the recurrent kernel
            is taken.

    Returns:
        A float; for an LSTM or a GRU a dict from the name of a gate to a float.

    Raises:
        ValueError: for a matrix that is not square, or an unbuilt layer.

    Example:

    >>> spectral_radius([[0.5, 0.0], [3.0, -0.9]])
    0.9
    """
    if isinstance(matrix, keras.layers.Layer):
        cell = _single_cell(matrix)
        if not hasattr(cell, "recurrent_kernel"):
            raise ValueError(f"{type(cell).__name__} has no recurrent kernel.")
        kernel = ops.convert_to_numpy(cell.recurrent_kernel).astype("float64")
        columns = getattr(kind_of(cell), "columns", ())
        if not columns:
            return spectral_radius(kernel)
        parts = np.split(kernel, len(columns), axis=1)
        return {name: spectral_radius(part) for name, part in zip(columns, parts, strict=True)}
    matrix = np.asarray(matrix, "float64")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"The matrix must be square; received the shape {matrix.shape}.")
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def _single_cell(layer):
    """The one cell of a layer, built."""
    if hasattr(layer, "state_size") and not hasattr(layer, "cell"):
        cell = layer
    else:
        cells = cells_of(layer) if isinstance(layer, keras.layers.Layer) else {}
        if len(cells) != 1:
            raise ValueError(
                "`layer` must be a recurrent layer with one cell, or a cell; received "
                f"{layer!r} with {len(cells)} cells."
            )
        (cell,) = cells.values()
    if not cell.built:
        raise ValueError(
            f"{type(cell).__name__} is not built: it has no weights before its layer was called, "
            "or built for a shape."
        )
    return cell


def _check_inputs(cell, x, steps):
    kernel = getattr(cell, "kernel", None)
    features = None if kernel is None else kernel.shape[0]
    if x.ndim != 3 or x.shape[1] < steps or (features is not None and x.shape[2] != features):
        wanted = "features" if features is None else features
        raise ValueError(
            f"`x` must be (time, {wanted}) or (batch, time, {wanted}) with at least {steps} steps; "
            f"received {x.shape}."
        )


def _jacobians(cell, x, sizes):
    """`ds_t / ds_(t-1)` for each row and step, `(batch, time, S, S)` in float64."""
    before = _states_before(cell, x)
    rows, total = x.shape[0] * x.shape[1], sum(sizes)
    inputs = x.reshape(rows, -1)
    before = [ops.convert_to_numpy(part).reshape(rows, -1) for part in before]
    at_once = max(1, ROWS_AT_ONCE // total**2)
    parts = [slice(first, first + at_once) for first in range(0, rows, at_once)]
    jacobians = [_jacobians_of(cell, inputs[p], [b[p] for b in before], sizes) for p in parts]
    return np.concatenate(jacobians).reshape(*x.shape[:2], total, total)


def _states_before(cell, x):
    """The states before each step, `(batch, time, size)` each."""
    x = ops.convert_to_tensor(x, dtype=cell.compute_dtype)

    def step(x, state):
        return list(state), advance(cell, x, list(state))[1]

    return scan(step, initial_state(cell, x), x)[0]


def _jacobians_of(cell, inputs, before, sizes):
    """Each row as often as there are states: the gradient of the i-th copy is row i of J."""
    rows, total = len(inputs), sum(sizes)
    picks = np.tile(np.eye(total, dtype="float32"), (rows, 1))
    picks = np.split(picks, np.cumsum(sizes)[:-1], axis=1)
    inputs = ops.convert_to_tensor(np.repeat(inputs, total, axis=0), dtype=cell.compute_dtype)

    def picked(states):
        _, new = advance(cell, inputs, list(states))
        return sum(ops.sum(x * ops.cast(pick, x.dtype)) for x, pick in zip(new, picks, strict=True))

    _, gradients = gradient(picked, [np.repeat(part, total, axis=0) for part in before])
    gradients = [ops.convert_to_numpy(part).astype("float64") for part in gradients]
    return np.concatenate(gradients, axis=1).reshape(rows, total, total)
