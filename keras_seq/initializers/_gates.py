"""The bias of a gated cell: which gate stands where, and how many units there are."""

from keras import ops

from keras_seq._checks import check_choice
from keras_seq._registry import CELLS, constructor


def gated(cell):
    """Return what is known of the cell of a name, which has a gate that keeps the state.

    Raises:
        ValueError: for another name.
    """
    kinds = {name: constructor(CELLS, name) for name in CELLS}
    known = [name for name, kind in kinds.items() if getattr(kind, "keeps", None)]
    check_choice("cell", cell, known)
    return kinds[cell]


def whole_bias(who, cell, shape, make, dtype=None):
    """Return a whole bias of this shape, 0 but for some of the gates.

    Args:
        who: the name of the initialiser, for the error message.
        cell: a name of a gated cell.
        shape: `(columns,)`, or `(2, columns)` where h has a bias of its own, which is 0.
        make: from `(units,)` to a dict from the names of gates to their biases.
        dtype: that of the result.

    Raises:
        ValueError: for any other shape.
    """
    kind, shape = gated(cell), tuple(shape)
    count, pair = len(kind.columns), getattr(kind, "bias_rows", 1) == 2
    fits = len(shape) == 1 or (pair and len(shape) == 2 and shape[0] == 2)
    if not fits or shape[-1] % count:
        shapes = f"({count} * units,)" + (f" or (2, {count} * units)" if pair else "")
        raise ValueError(
            f"{who} initialises the whole bias of a cell {cell!r}, {shapes}, an LSTM's with "
            f"`unit_forget_bias=False`; received the shape {shape}."
        )
    units = (shape[-1] // count,)
    gates, zeros = make(units), ops.zeros(units, dtype=dtype)
    bias = ops.concatenate([gates.get(name, zeros) for name in kind.columns])
    return bias if len(shape) == 1 else ops.stack([bias, ops.zeros_like(bias)])
