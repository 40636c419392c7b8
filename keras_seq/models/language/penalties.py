"""What the loss of a language model has besides, where large or unsteady outputs cost."""

from keras import ops

from keras_seq.backend import parts, replica_sum


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
    penalty = activity * _mean_square(dropped, mask, "steps")
    changes = outputs[:, 1:] - outputs[:, :-1]
    return penalty + temporal * _mean_square(changes, _steady(mask), "steady_steps")


def penalised_steps(mask):
    """Return over how many steps `activation_penalty` takes its means, for `batch_totals`."""
    counted = {"steps": mask, "steady_steps": _steady(mask)}
    return {name: ops.sum(ops.cast(where, "float32")) for name, where in counted.items()}


def _steady(mask):
    return ops.logical_and(mask[:, 1:], mask[:, :-1])


def _mean_square(x, mask, name):
    """The mean of the squares of all numbers at valid steps; 0 where there is none."""
    squares = ops.where(mask, ops.mean(ops.square(x), axis=-1), 0.0)
    steps = replica_sum(ops.sum(ops.cast(mask, "float32")), name)
    return ops.sum(squares) * parts() / ops.maximum(steps, 1.0)
