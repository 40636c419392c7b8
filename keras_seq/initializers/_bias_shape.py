"""The bias of a cell of Keras, whose shape says how many units it has."""


def units_of_bias(who, cell, shape):
    """Return the units of a cell whose bias has this shape.

    Args:
        who: the name of the initialiser, for the error message.
        cell: `"lstm"` or `"gru"`.
        shape: `(4 * units,)` for an LSTM; `(2, 3 * units)` or `(3 * units,)` for a GRU.

    Raises:
        ValueError: for any other shape.
    """
    shape = tuple(shape)
    gates = 4 if cell == "lstm" else 3
    fits = len(shape) == 1 or (cell == "gru" and len(shape) == 2 and shape[0] == 2)
    if fits and shape[-1] % gates == 0:
        return shape[-1] // gates
    if cell == "lstm":
        wanted = "the whole bias of an LSTM, (4 * units,), with `unit_forget_bias=False`"
    else:
        wanted = "the bias of a GRU, (2, 3 * units) or, with `reset_after=False`, (3 * units,)"
    raise ValueError(f"{who} initialises {wanted}; received the shape {shape}.")
