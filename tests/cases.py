"""One line for each public class and for each of its kinds: how to make it and what to feed it.

`tests/layers/test_every_layer.py` and its siblings run the common checks on every line. To add a
class, add its line.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from keras_seq.layers import (
    AttentionCell,
    BahdanauAttention,
    Bridge,
    Decoder,
    Encoder,
    LuongAttention,
    ScaledDotAttention,
    VanillaRNNCell,
)
from keras_seq.models import ExactMatch, Perplexity, Seq2Seq, TokenAccuracy
from keras_seq.samplers import Beam, Greedy
from keras_seq.text import CharacterTokenizer

B, T, S, D, U = 3, 4, 5, 6, 5  # batch, steps, source length, features, units
VOCABULARY = 7


def floats(*shape):
    """Normal numbers that belong to the shape alone."""
    return np.random.default_rng(shape).normal(size=shape).astype("float32")


def lengths_mask(*lengths, longest=S):
    return np.arange(longest)[None] < np.array(lengths)[:, None]


MASK = lengths_mask(5, 3, 1)
TOKENS = np.array([[1, 4, 5, 6], [1, 6, 2, 3], [1, 3, 4, 4]], "int32")
SOURCE = np.array([[4, 5, 6, 3, 2], [6, 5, 2, 0, 0], [2, 0, 0, 0, 0]], "int32")
STEP = {"inputs": floats(B, D)}
ATTENDED = {"values": floats(B, S, D), "values_mask": MASK}
ENCODED = {"inputs": floats(B, S, D), "mask": MASK}
LSTM_STATES = [[floats(B, n) for n in (U, U)]]
DECODED = {"token_ids": TOKENS, "encoder_states": LSTM_STATES, **ATTENDED}
TRANSLATED = {"inputs": {"source_ids": SOURCE, "target_ids": TOKENS}}


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """How to make a layer and what to feed it.

    Attributes:
        name: the name of the test.
        make: makes the layer; takes keyword arguments such as `dtype`.
        inputs: the keyword arguments of the call, as arrays.
        shapes: the expected shapes of the results, flattened.
        call: `(layer, **inputs) -> results`, where it is not `layer(**inputs)`.
        build: `(layer) -> None`, where calling it with symbols does not build it.
        grows: which inputs have a time axis that may be padded, and what it is padded with.
        float32_output: whether the results are float32 in mixed precision too.
    """

    name: str
    make: Callable
    inputs: dict
    shapes: list
    call: Callable = lambda layer, **inputs: layer(**inputs)
    build: Callable | None = None
    grows: dict = dataclasses.field(default_factory=dict)
    float32_output: bool = False

    def __str__(self):
        return self.name


def call_cell(cell, inputs):
    """One step from a state that is not zero and contains the cell's own initial state."""
    if not cell.built:
        cell.build(inputs.shape)
    states = cell.get_initial_state(batch_size=inputs.shape[0])
    return cell(inputs, [state + 0.5 for state in states])


def call_attention_cell(layer, inputs, states, values, values_mask=None):
    return layer(inputs, states, layer.memory(values, values_mask))


def cell(name, shapes, **config):
    """A line for a cell."""
    return Layer(name, lambda **k: VanillaRNNCell(U, **config, **k), STEP, shapes, call_cell)


def attention(name, kind, *args, query=D):
    """Two lines for an attention mechanism: called for all steps, and for one."""

    def line(suffix, *steps):
        return Layer(
            f"{name}-{suffix}",
            lambda **k: kind(*args, **k),
            {"query": floats(B, *steps, query), **ATTENDED},
            [(B, *steps, D), (B, *steps, S)],
            grows={"values": 0, "values_mask": False},
        )

    return [
        line("steps", T),
        line(
            "one",
        ),
    ]


def attention_cell(name, cells, mechanism, states, inputs, grows):
    """A line for an attention cell; `states` are the sizes of each cell's state tensors."""
    weights = [(B, S)] if mechanism else []
    return Layer(
        name,
        lambda **k: AttentionCell(cells, mechanism and mechanism(U, **k), units=U, **k),
        {**STEP, "states": [[floats(B, n) for n in sizes] for sizes in states], **inputs},
        [(B, U), (B, D), *weights, *[(B, n) for sizes in states for n in sizes]],
        call_attention_cell,
        lambda layer: layer.build((B, D), inputs["values"].shape),
        grows,
    )


def encoder(name, size, states, **config):
    """A line for an encoder; `states` are the sizes of all final states."""
    return Layer(
        name,
        lambda **k: Encoder(units=U, **config, **k),
        ENCODED,
        [(B, S, size), *[(B, n) for n in states]],
        grows={"inputs": 0, "mask": False},
    )


def decoder(name, **config):
    """A line for a decoder."""
    return Layer(
        name,
        lambda **k: Decoder(VOCABULARY, units=U, **config, **k),
        DECODED,
        [(B, T, VOCABULARY)],
        grows={"values": 0, "values_mask": False},
        float32_output=True,
    )


def tokenizer():
    return CharacterTokenizer(["<pad>", "<s>", "</s>", "<unk>", "a", "b", "c"])


def seq2seq(name, **config):
    """A line for a translator."""
    return Layer(
        name,
        lambda **k: Seq2Seq(tokenizer(), tokenizer(), units=U, **config, **k),
        TRANSLATED,
        [(B, T, VOCABULARY)],
        grows={"inputs": {"source_ids": 0, "target_ids": 0}},
        float32_output=True,
    )


GROWING = {"values": 0, "values_mask": False}

LAYERS = [
    cell("VanillaRNNCell", [(B, U), (B, U)]),
    cell("VanillaRNNCell-relu", [(B, U), (B, U)], activation="relu", bias_initializer="ones"),
    cell("VanillaRNNCell-readout", [(B, 2), (B, 2), (B, U)], readout_units=2),
    cell("VanillaRNNCell-initial", [(B, U), (B, U)], learn_initial_state=True),
    *attention("BahdanauAttention", BahdanauAttention, U, query=4),
    *attention("LuongAttention-dot", LuongAttention, "dot"),
    *attention("LuongAttention-general", LuongAttention, "general", query=4),
    *attention("LuongAttention-concat", LuongAttention, "concat", U, query=4),
    *attention("ScaledDotAttention", ScaledDotAttention),
    *attention("ScaledDotAttention-projected", ScaledDotAttention, U, query=4),
    attention_cell("AttentionCell", "gru", BahdanauAttention, [[U]], ATTENDED, GROWING),
    attention_cell(
        "AttentionCell-stack", ["gru", "lstm"], BahdanauAttention, [[U], [U, U]], ATTENDED, GROWING
    ),
    attention_cell("AttentionCell-fixed", "lstm", None, [[U, U]], {"values": floats(B, D)}, {}),
    encoder("Encoder-lstm", 2 * U, [U] * 4),
    encoder("Encoder-gru", 2 * U, [U] * 2, cell="gru"),
    encoder("Encoder-vanilla", 2 * U, [U] * 2, cell="vanilla"),
    encoder("Encoder-one-way", U, [U] * 2, bidirectional=False),
    encoder("Encoder-stack", 2 * U, [U] * 8, num_layers=2, dropout=0.3),
    encoder("Encoder-readout", 4, [2, U] * 2, cell=VanillaRNNCell(U, readout_units=2)),
    Layer(
        "Bridge",
        lambda **k: Bridge([[2, 3], [4]], **k),
        {"states": [[floats(B, 3), floats(B, 2)], [floats(B, 6)]]},
        [(B, 2), (B, 3), (B, 4)],
    ),
    decoder("Decoder"),
    decoder("Decoder-dot-free", attention=None),
    decoder("Decoder-gru-general", cell="gru", attention="general", embedding_dim=3),
    decoder("Decoder-vanilla-concat", cell="vanilla", attention="concat"),
    decoder("Decoder-stack", num_layers=2, attention="scaled_dot", dropout=0.3),
    seq2seq("Seq2Seq"),
    seq2seq("Seq2Seq-plain", cell="gru", attention=None, bidirectional=False),
    seq2seq("Seq2Seq-stack", cell="vanilla", attention="dot", bidirectional=False, num_layers=2),
]

SAMPLERS = [Greedy(), Beam(), Beam(3, length_penalty=0.0)]

METRICS = [Perplexity, ExactMatch, TokenAccuracy]
