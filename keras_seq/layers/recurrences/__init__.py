"""Kinds of cells, each with all that is known of it in one file."""

# Keras's own cells are made without a look into this package: their descriptions must be there.
from keras_seq.layers.recurrences import gru, lstm, vanilla  # noqa: F401
from keras_seq.layers.recurrences.base import (
    Functions,
    Recurrence,
    described,
    equations_of,
    kind_of,
    recurrence_of,
)

__all__ = ["Functions", "Recurrence", "described", "equations_of", "kind_of", "recurrence_of"]
