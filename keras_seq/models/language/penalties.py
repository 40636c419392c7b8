"""What the loss of a language model has besides, where large or unsteady outputs cost."""

from keras import ops


def activation_penalty(outputs, dropped, mask, activity, temporal):
    r"""Return AR and TAR of the outputs of the recurrent layers, a float32 scalar.

        activity * mean_t |m * h_t|^2 / units + temporal * mean_t |h_t - h_(t-1)|^2 / units

    with m the dropout of what the output layer sees; the means are over the steps of all rows that
    are valid, those of the second term also before.

    Args:
        outputs: h, `(batch, steps, units)`.
        dropped: m * h.
        mask: boolean `(batch, steps)`.
        activity, temporal: factors.

    References:
        - Merity, McCann & Socher, 2017, "Revisiting activation regularization for language RNNs",
          arXiv:1708.01009.
    """
    outputs, dropped = (ops.cast(x, "float32") for x in (outputs, dropped))
    penalty = activity * _mean_square(dropped, mask)
    steady = ops.logical_and(mask[:, 1:], mask[:, :-1])
    return penalty + temporal * _mean_square(outputs[:, 1:] - outputs[:, :-1], steady)


def _mean_square(x, mask):
    """The mean of the squares of all numbers at valid steps; 0 where there is none."""
    squares = ops.where(mask, ops.mean(ops.square(x), axis=-1), 0.0)
    return ops.sum(squares) / ops.maximum(ops.sum(ops.cast(mask, "float32")), 1.0)
