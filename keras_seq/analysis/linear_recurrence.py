"""Iterate one matrix on a state, and send a gradient back through all steps."""

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def linear_recurrence(
    W: ArrayLike, steps: int, initial: ArrayLike | None = None, gradient: ArrayLike | None = None
) -> dict[str, Any]:
    """Iterate x_t = W x_(t-1) and send a gradient back through all steps.

    With L = gradient . x_T, T = `steps`, the chain rule gives

        dL/dx_T = gradient        dL/dx_t = W^T dL/dx_(t+1)

    so that state and gradient both grow or shrink like r^t, where r, the spectral radius, is the
    largest size of an eigenvalue of W: r < 1 makes them vanish, r > 1 explode. (A matrix that is
    not normal can make them grow for some steps first.)

    Args:
        W: matrix `(n, n)`, finite. For the recurrent kernel of a Keras layer, which multiplies from
            the right, take its transpose.
        steps: int >= 1.
        initial: x_0, `(n,)`; ones where `None`.
        gradient: dL/dx_T, `(n,)`; ones where `None`, that is, L is the sum of x_T.

    Returns:
        A dict with, in float64, `"states"` `(steps + 1, n)`, x_0 first; `"norms"` `(steps + 1,)`,
        their Euclidean norms; `"gradient_norms"` `(steps + 1,)`, the norms of dL/dx_t,
        t = 0 ... steps; `"spectral_radius"`, a float. Beyond the range of float64 the numbers are
        infinite or NaN.

    Raises:
        ValueError: if W is not square or not finite, a vector is of another size or not finite, or
            `steps` is less than 1.

    Example:

    >>> from keras_seq.analysis import linear_recurrence
    >>> result = linear_recurrence([[0.5, 0.0], [0.0, 0.25]], steps=3)
    >>> result["states"][-1].tolist(), result["spectral_radius"]
    ([0.125, 0.015625], 0.5)
    >>> result["gradient_norms"].round(3).tolist()  # vanishes on its way back to step 0
    [0.126, 0.258, 0.559, 1.414]

    Reference: Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural
    networks", arXiv:1211.5063.
    """
    W, steps, initial, gradient = _checked(W, steps, initial, gradient)
    return _run(W, initial, gradient, np.zeros((steps, len(W))), tanh=False)


def tanh_recurrence(
    W: ArrayLike,
    steps: int,
    initial: ArrayLike | None = None,
    inputs: ArrayLike | None = None,
    gradient: ArrayLike | None = None,
) -> dict[str, Any]:
    """Iterate h_t = tanh(W h_(t-1) + u_t) and send a gradient back through all steps.

    With L = gradient . h_T, T = `steps`, the chain rule gives, without any approximation,

        dL/dh_T = gradient        dL/dh_t = W^T diag(1 - h_(t+1)^2) dL/dh_(t+1)

    The tanh keeps the state below 1, and its slope, at most 1, shrinks the gradient further: with a
    spectral radius above 1 the state settles or wanders, and the gradient may vanish or explode.

    Args:
        W: matrix `(n, n)`, finite. For the recurrent kernel of a Keras layer, which multiplies from
            the right, take its transpose.
        steps: int >= 1.
        initial: h_0, `(n,)`; ones where `None`.
        inputs: u_1 ... u_T, `(steps, n)`; zeros where `None`.
        gradient: dL/dh_T, `(n,)`; ones where `None`, that is, L is the sum of h_T.

    Returns:
        A dict as that of `linear_recurrence`.

    Raises:
        ValueError: as `linear_recurrence`, and for `inputs` of another shape.

    Example:

    >>> from keras_seq.analysis import tanh_recurrence
    >>> result = tanh_recurrence([[2.0]], steps=50)
    >>> round(result["states"][-1].item(), 4), bool(result["gradient_norms"][0] < 1e-15)
    (0.9575, True)

    Reference: Bengio, Simard & Frasconi (1994), "Learning long-term dependencies with gradient
    descent is difficult"; Pascanu, Mikolov & Bengio (2013), arXiv:1211.5063.
    """
    W, steps, initial, gradient = _checked(W, steps, initial, gradient)
    shape = (steps, len(W))
    inputs = np.zeros(shape) if inputs is None else _array(inputs, "inputs", shape)
    return _run(W, initial, gradient, inputs, tanh=True)


def _run(W, initial, gradient, inputs, tanh):
    steps, size = inputs.shape
    states, norms = np.empty((steps + 1, size)), np.empty(steps + 1)
    states[0] = initial
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps):
            before = W @ states[step] + inputs[step]
            states[step + 1] = np.tanh(before) if tanh else before
        norms[steps] = _norm(gradient)
        for step in reversed(range(steps)):
            slope = 1 - states[step + 1] ** 2 if tanh else 1.0
            gradient = W.T @ (slope * gradient)
            norms[step] = _norm(gradient)
        return {
            "states": states,
            "norms": np.array([_norm(state) for state in states]),
            "gradient_norms": norms,
            "spectral_radius": float(np.abs(np.linalg.eigvals(W)).max()),
        }


def _norm(vector):
    # Scaled, so that the squares of very small and very large numbers stay in range.
    largest = np.abs(vector).max()
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * np.linalg.norm(vector / largest)


def _checked(W, steps, initial, gradient):
    W = _array(W, "W", None)
    if W.ndim != 2 or W.shape[0] != W.shape[1] or not W.size:
        raise ValueError(f"`W` must be a square matrix (n, n); received shape {W.shape}.")
    try:
        number = operator.index(steps)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(f"`steps` must be an integer >= 1; received {steps!r}.")
    shape = W.shape[:1]
    initial = np.ones(shape) if initial is None else _array(initial, "initial", shape)
    gradient = np.ones(shape) if gradient is None else _array(gradient, "gradient", shape)
    return W, number, initial, gradient


def _array(values, name, shape):
    """`values` as finite float64, of `shape` unless that is None; ValueError otherwise."""
    try:
        array = np.asarray(values, "float64")
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be an array of real numbers: {error}.") from error
    if shape is not None and array.shape != shape:
        raise ValueError(f"`{name}` must be of shape {shape}; received shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite; received {array}.")
    return array
