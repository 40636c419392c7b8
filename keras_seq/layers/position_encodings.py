"""Position encodings by name."""

from keras_seq.identifiers import resolve_layer
from keras_seq.layers.alibi import ALiBi
from keras_seq.layers.learnt_positions import LearntPositions
from keras_seq.layers.position_encoding import PositionEncoding
from keras_seq.layers.rotary_positions import RotaryPositions
from keras_seq.layers.sinusoidal_positions import SinusoidalPositions

POSITION_ENCODINGS = {
    "none": PositionEncoding,
    "sinusoidal": SinusoidalPositions,
    "learnt": LearntPositions,
    "rotary": RotaryPositions,
    "alibi": ALiBi,
}


def get_position_encoding(identifier, dtype=None):
    """Return the position encoding for a name, a config or an instance.

    Args:
        identifier: `"none"` or `None`, `"sinusoidal"`, `"learnt"`, `"rotary"`, `"alibi"`; the
            config of a `PositionEncoding`; or an instance, which is used as it is.
        dtype: dtype or policy where a name is given.

    Raises:
        ValueError: for an unknown name (the choices are listed), or for something else.

    Example:

    >>> get_position_encoding("rotary").base
    10000.0
    """
    identifier = "none" if identifier is None else identifier
    return resolve_layer(
        identifier, POSITION_ENCODINGS, "position encoding", PositionEncoding, dtype=dtype
    )
