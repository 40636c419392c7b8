"""The names of what a user chooses, and where each of them stands: light, until it is loaded.

Each table is a plain dict from a name to a constructor, or to `"module:attribute"` where that
constructor is not loaded yet, in a pair with its first arguments where it has some. The package
that a table is about loads it, and offers it to users: `ks.layers.CELLS["mine"] = MyCell` makes
`cell="mine"` known in every task.
"""

import functools
import importlib
from collections.abc import Callable
from typing import Any

Names = dict[str, Any]

_CELLS = "keras_seq.layers.recurrences"
CELLS: Names = {
    "lstm": f"{_CELLS}.lstm:lstm",
    "gru": f"{_CELLS}.gru:gru",
    "vanilla": f"{_CELLS}.vanilla:vanilla",
    "irnn": f"{_CELLS}.vanilla:irnn_cell",
    "min_gru": f"{_CELLS}.minimal:MinGRUCell",
    "min_lstm": f"{_CELLS}.minimal:MinLSTMCell",
}
"""Names of cells, for `cell=` and `--cell`, and their constructors; add yours."""

_ATTENTIONS = "keras_seq.layers.attentions"
ATTENTIONS: Names = {
    "additive": f"{_ATTENTIONS}.bahdanau:BahdanauAttention",
    "bahdanau": f"{_ATTENTIONS}.bahdanau:BahdanauAttention",
    "dot": (f"{_ATTENTIONS}.luong:LuongAttention", {"method": "dot"}),
    "general": (f"{_ATTENTIONS}.luong:LuongAttention", {"method": "general"}),
    "concat": (f"{_ATTENTIONS}.luong:LuongAttention", {"method": "concat"}),
    "scaled_dot": f"{_ATTENTIONS}.scaled_dot:ScaledDotAttention",
    "local": f"{_ATTENTIONS}.local:LocalAttention",
    "local_monotonic": (f"{_ATTENTIONS}.local:LocalAttention", {"center": "monotonic"}),
    "monotonic": f"{_ATTENTIONS}.monotonic:MonotonicAttention",
}
"""Names of attention mechanisms, for `attention=`, and their constructors; add yours."""

POOLINGS: Names = {
    "last": "keras_seq.layers.pooling:LastPooling",
    "mean": "keras_seq.layers.pooling:MeanPooling",
    "max": "keras_seq.layers.pooling:MaxPooling",
    "attention": "keras_seq.layers.pooling:AttentionPooling",
}
"""Names of poolings, for `pooling=`, and their constructors; add yours."""

POSITION_ENCODINGS: Names = {
    "none": "keras_seq.layers.positions:PositionEncoding",
    "sinusoidal": "keras_seq.layers.positions:SinusoidalPositions",
    "learnt": "keras_seq.layers.positions:LearntPositions",
    "rotary": "keras_seq.layers.positions:RotaryPositions",
    "alibi": "keras_seq.layers.positions:ALiBi",
}
"""Names of position encodings, for `positions=`, and their constructors; add yours."""

SAMPLERS: Names = {
    "greedy": "keras_seq.samplers.greedy:Greedy",
    "beam": "keras_seq.samplers.beam:Beam",
    "random": "keras_seq.samplers.random:Random",
    "exhaustive": "keras_seq.samplers.exhaustive:Exhaustive",
}
"""Names of samplers, for `sampler=`, and their constructors; add yours."""

TOKENIZERS: Names = {
    "char": "keras_seq.text.character_tokenizer:CharacterTokenizer",
    "word": "keras_seq.text.word_tokenizer:WordTokenizer",
    "subword": "keras_seq.text.subword_tokenizer:SubwordTokenizer",
}
"""Names of tokenizers, for `tokens=`, and their constructors; add yours."""


def constructor(names: Names, name: str) -> Callable[..., Any]:
    """The constructor of `name` in a table, which is loaded where it was not."""
    place = names[name]
    place, arguments = place if isinstance(place, tuple) else (place, {})
    if isinstance(place, str):
        module, _, attribute = place.partition(":")
        place = getattr(importlib.import_module(module), attribute)
        names[name] = functools.partial(place, **arguments) if arguments else place
    return names[name]


def load(names: Names) -> Names:
    """Load all of a table, in place, and return it."""
    for name in names:
        constructor(names, name)
    return names


def listed(names: Names, *others: str) -> str:
    """The names of a table in a sentence: `a, b or c`.

    >>> listed(SAMPLERS, "none")
    'greedy, beam, random, exhaustive or none'
    """
    *first, last = [*names, *others]
    return f"{', '.join(first)} or {last}" if first else last
