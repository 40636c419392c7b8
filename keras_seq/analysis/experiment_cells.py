"""Cells by a name with options, for experiments."""

import keras

from keras_seq.initializers import Chrono, ForgetBias
from keras_seq.layers import TimeSkipCell, VanillaRNNCell
from keras_seq.layers.cells import get_cell


def make_cell(cell, units, length):
    """A new cell for a name with options, or for anything else that `get_cell` knows.

    Args:
        cell: such as `"lstm:chrono"`, see `gradient_experiment`; a config or an instance.
        units: size of its state.
        length: the longest dependency, for `chrono`.
    """
    if not isinstance(cell, str):
        return get_cell(cell, units)
    name, *options = cell.split(":")
    made = get_cell(name, units)
    config = made.get_config()
    skip = None
    for option in options:
        key, _, value = option.partition("=")
        if key == "skip":
            skip = int(_number(cell, option, value))
        elif (type(made), key) in OPTIONS:
            needed = key not in WITHOUT_NUMBER
            number = _number(cell, option, value, needed)
            config |= OPTIONS[type(made), key](number, length)
        else:
            known = [key for kind, key in OPTIONS if kind is type(made)]
            raise ValueError(
                f"Unknown option {option!r} in {cell!r}; {name!r} knows "
                f"{', '.join([*known, 'skip'])}."
            )
    config.pop("name", None)
    made = type(made).from_config(config)
    return made if skip is None else TimeSkipCell(made, skip=skip)


def _number(cell, option, value, needed=True):
    if not value and not needed:
        return None
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{option!r} in {cell!r} needs a number after '='.") from None


VANILLA = VanillaRNNCell
LSTM = keras.layers.LSTMCell
GRU = keras.layers.GRUCell

WITHOUT_NUMBER = ("relu", "linear", "chrono")

# (type of cell, option) -> function of (its number, the longest dependency) -> config.
OPTIONS = {
    (VANILLA, "radius"): lambda number, _: {
        "recurrent_initializer": keras.initializers.Orthogonal(gain=number)
    },
    (VANILLA, "normal"): lambda number, _: {
        "recurrent_initializer": keras.initializers.RandomNormal(stddev=number)
    },
    (VANILLA, "relu"): lambda *_: {"activation": "relu"},
    (VANILLA, "linear"): lambda *_: {"activation": "linear"},
    (LSTM, "forget"): lambda number, _: {
        "bias_initializer": ForgetBias(number),
        "unit_forget_bias": False,
    },
    (LSTM, "chrono"): lambda _, length: {
        "bias_initializer": Chrono(length),
        "unit_forget_bias": False,
    },
    (GRU, "chrono"): lambda _, length: {"bias_initializer": Chrono(length, cell="gru")},
}
