"""One line for each public class and for each of its kinds: how to make it and what to feed it.

`tests/layers/test_every_layer.py` and its siblings run the common checks on every line. To add a
class, add its line.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from keras import ops

from keras_seq.initializers import Chrono, ForgetBias
from keras_seq.layers import (
    CELLS,
    CRF,
    GRU,
    LSTM,
    ALiBi,
    AttentionCell,
    AttentionPooling,
    BahdanauAttention,
    Bidirectional,
    Bridge,
    CharacterFeatures,
    ConvolutionalEncoder,
    CRFLoss,
    Decoder,
    Encoder,
    FeedForwardPooling,
    IdentityEncoder,
    LastPooling,
    LearntPositions,
    LocalAttention,
    LuongAttention,
    MaxPooling,
    MeanPooling,
    MinGRU,
    MinGRUCell,
    MinLSTM,
    MinLSTMCell,
    MonotonicAttention,
    PositionEncoding,
    RNNStack,
    RotaryPositions,
    ScaledDotAttention,
    SelfAttention,
    SelfAttentionEncoder,
    SinusoidalPositions,
    TimeSkipCell,
    VanillaRNN,
    VanillaRNNCell,
)
from keras_seq.layers.cells import get_cell, state_sizes
from keras_seq.models import (
    BitsPerToken,
    ExactMatch,
    LabelAccuracy,
    LabelF1,
    LanguageModel,
    Perplexity,
    Seq2Seq,
    TextClassifier,
    TextTagger,
    TokenAccuracy,
    TokenCrossEntropy,
)
from keras_seq.samplers import Beam, Exhaustive, Greedy, Random
from keras_seq.testing import check_attention, check_cell, check_layer, check_task
from keras_seq.testing.comparing import floats
from keras_seq.text import CharacterTokenizer

B, T, S, D, U = 3, 4, 5, 6, 5  # batch, steps, source length, features, units
VOCABULARY = 7


def lengths_mask(*lengths, longest=S):
    return np.arange(longest)[None] < np.array(lengths)[:, None]


MASK = lengths_mask(5, 3, 1)
TOKENS = np.array([[1, 4, 5, 6], [1, 6, 2, 3], [1, 3, 4, 4]], "int32")
SOURCE = np.array([[4, 5, 6, 3, 2], [6, 5, 2, 0, 0], [2, 0, 0, 0, 0]], "int32")
STEP = {"inputs": floats(B, D)}
STEPS = np.arange(S, dtype="int32")[None]
ATTENDED = {"values": floats(B, S, D), "values_mask": MASK}
ENCODED = {"inputs": floats(B, S, D), "mask": MASK}
LSTM_STATES = [[floats(B, n) for n in (U, U)]]
COPIES = np.array([[4, 8, 6, 8, 2], [9, 5, 2, 0, 0], [2, 0, 0, 0, 0]], "int32")
DECODED = {"token_ids": TOKENS, "encoder_states": LSTM_STATES, **ATTENDED}
LETTERS = np.array([[4, 5, 6, 3, 4, 6], [4, 4, 5, 6, 3, 0], [5, 4, 6, 0, 0, 0]], "int32")
ENDS = np.array([[1, 2, 4, 5, 6], [2, 3, 5, 0, 0], [3, 0, 0, 0, 0]], "int32")
SPELT = {"char_ids": LETTERS, "char_ends": ENDS}
TRANSLATED = {"inputs": {"source_ids": SOURCE, "target_ids": TOKENS}}


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """How to make a layer, and how to check it.

    Attributes:
        name: the name of the test.
        make: makes the layer; takes keyword arguments such as `dtype`.
    """

    name: str
    make: Callable

    @property
    def half(self):
        """Each kind in half precision, and the first one of a class in both types of it."""
        return ("float16",) if "-" in self.name else ("float16", "bfloat16")

    def __str__(self):
        return self.name


@dataclasses.dataclass(frozen=True, eq=False)
class Layer(Line):
    """A layer and what to feed it: see `check_layer`."""

    inputs: dict
    shapes: list
    call: Callable | None = None
    build: Callable | None = None
    grows: dict | None = None
    float32_output: bool = False

    def check(self):
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del fields["name"]
        check_layer(**fields, half=self.half)


@dataclasses.dataclass(frozen=True, eq=False)
class Cell(Line):
    """A cell and what one step of it gives."""

    shapes: list

    def check(self):
        check_cell(self.make, D, self.shapes, self.half)


@dataclasses.dataclass(frozen=True, eq=False)
class Attention(Line):
    """An attention mechanism: see `check_attention`."""

    query_size: int = 4
    training: bool = False
    normalized: bool = True

    def check(self):
        check_attention(self.make, self.query_size, D, self.training, self.normalized, self.half)


def call_attention_cell(layer, inputs, states, values, values_mask=None):
    memory = layer.memory(values, values_mask)
    return layer(inputs, layer.start(states, memory), memory)


def cell(name, shapes, kind=VanillaRNNCell, **config):
    """A line for a cell."""
    return Cell(name, lambda **k: kind(U, **config, **k), shapes)


def attention_cell(name, cells, mechanism, states, inputs, grows, **config):
    """A line for an attention cell; `states` are the sizes of each cell's state tensors."""
    weights = [(B, S)] if mechanism else []
    return Layer(
        name,
        lambda **k: AttentionCell(cells, mechanism and mechanism(U, **k), units=U, **config, **k),
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


def recurrent(name, make, *shapes):
    """A line for a layer over a sequence; `make` takes keyword arguments such as `dtype`."""
    return Layer(
        name,
        make,
        ENCODED,
        list(shapes),
        lambda layer, inputs, mask: layer(inputs, mask=mask),  # Keras says `sequences`
        grows={"inputs": 0, "mask": False},
    )


def self_attention(name, *shapes, return_attention=False, **config):
    """A line for an attention of a sequence to itself."""
    return Layer(
        name,
        lambda **k: SelfAttention(U + 1, num_heads=3, **config, **k),
        ENCODED,
        list(shapes),
        lambda layer, **inputs: layer(**inputs, return_attention=return_attention),
        grows={"inputs": 0, "mask": False},
    )


def position_encoding(name, make, shape=(B, S, D), call=lambda layer, x: layer(x)):
    """A line for a position encoding; `call` takes what the encoding changes."""
    return Layer(
        name,
        make,
        {"x": floats(*shape)},
        [shape],
        lambda layer, x: call(layer, ops.cast(x, layer.compute_dtype)),
        lambda layer: None if layer.built else layer.build((B, S, D)),
    )


def decoder(name, **config):
    """A line for a decoder."""
    copied = {"copy_ids": COPIES} if config.get("copy") else {}
    return Layer(
        name,
        lambda **k: Decoder(VOCABULARY, units=U, **config, **k),
        {**DECODED, **copied},
        [(B, T, VOCABULARY + S * len(copied))],
        grows={"values": 0, "values_mask": False, **dict.fromkeys(copied, 0)},
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


def text_classifier(name, **config):
    """A line for a classifier."""
    return Layer(
        name,
        lambda **k: TextClassifier(tokenizer(), ["x", "y", "z"], units=U, **config, **k),
        {"inputs": {"token_ids": SOURCE}},
        [(B, 3)],
        grows={"inputs": {"token_ids": 0}},
        float32_output=True,
    )


def text_tagger(name, call, letters=True, **config):
    """A line for a tagger; `letters` is whether it reads characters."""
    inputs = {"token_ids": SOURCE, **(SPELT if letters else {})}
    characters = tokenizer() if letters else None
    return Layer(
        name,
        lambda **k: TextTagger(tokenizer(), characters, ["x", "y", "z"], units=U, **config, **k),
        {"inputs": inputs},
        [(B, S, 3)],
        call,
        lambda model: None,  # it is built when it is made
        grows={"inputs": dict.fromkeys(inputs, 0)},
        float32_output=True,
    )


def call_tagger(model, inputs):
    """The probabilities: the emissions alone do not depend on all weights."""
    return model.answer(inputs)[1]


def character_features(name, size, **config):
    """A line for the vectors of words out of their characters."""
    return Layer(
        name,
        lambda **k: CharacterFeatures(VOCABULARY, 4, embedding_dim=3, **config, **k),
        SPELT,
        [(B, S, size)],
        grows={"char_ids": 0},
    )


def language_model(name, **config):
    """A line for a language model."""
    return Layer(
        name,
        lambda **k: LanguageModel(tokenizer(), units=U, **config, **k),
        {"inputs": {"token_ids": SOURCE}},
        [(B, S, VOCABULARY)],
        grows={"inputs": {"token_ids": 0}},
        float32_output=True,
    )


GROWING = {"values": 0, "values_mask": False}

LAYERS = [
    cell("VanillaRNNCell", [(B, U), (B, U)]),
    cell("VanillaRNNCell-relu", [(B, U), (B, U)], activation="relu", bias_initializer="ones"),
    cell("VanillaRNNCell-readout", [(B, 2), (B, 2), (B, U)], readout_units=2),
    cell("VanillaRNNCell-initial", [(B, U), (B, U)], learn_initial_state=True),
    cell("MinGRUCell", [(B, U), (B, U)], MinGRUCell),
    cell("MinLSTMCell", [(B, U), (B, U)], MinLSTMCell, bias_initializer="ones"),
    Cell(
        "TimeSkipCell",
        lambda **k: TimeSkipCell("lstm", skip=3, units=U, **k),
        [(B, U)] * 3 + [(B, 2 * U)] * 2,
    ),
    Attention("BahdanauAttention", functools.partial(BahdanauAttention, U)),
    Attention("LuongAttention-dot", functools.partial(LuongAttention, "dot"), D),
    Attention("LuongAttention-general", functools.partial(LuongAttention, "general")),
    Attention("LuongAttention-concat", functools.partial(LuongAttention, "concat", U)),
    Attention("LocalAttention", functools.partial(LocalAttention, window=2), normalized=False),
    Attention(
        "LocalAttention-monotonic",
        functools.partial(LocalAttention, window=1, center="monotonic"),
        D,
        normalized=False,
    ),
    Attention(  # in inference its weights are 0 and 1, and have no gradient
        "MonotonicAttention",
        functools.partial(MonotonicAttention, U, noise=0.0),
        training=True,
        normalized=False,
    ),
    Attention("ScaledDotAttention", ScaledDotAttention, D),
    Attention("ScaledDotAttention-projected", functools.partial(ScaledDotAttention, U)),
    attention_cell("AttentionCell", "gru", BahdanauAttention, [[U]], ATTENDED, GROWING),
    attention_cell(
        "AttentionCell-stack", ["gru", "lstm"], BahdanauAttention, [[U], [U, U]], ATTENDED, GROWING
    ),
    attention_cell(
        "AttentionCell-luong",
        ["gru", "vanilla"],
        BahdanauAttention,
        [[U], [U]],
        ATTENDED,
        GROWING,
        order="luong",
        residual=True,
    ),
    attention_cell("AttentionCell-fixed", "lstm", None, [[U, U]], {"values": floats(B, D)}, {}),
    *(
        encoder(f"Encoder-{name}", 2 * U, 2 * state_sizes(get_cell(name, U)), cell=name)
        for name in CELLS
    ),
    encoder("Encoder-one-way", U, [U] * 2, bidirectional=False),
    encoder("Encoder-stack", 2 * U, [U] * 8, num_layers=2, dropout=0.3, residual=True),
    encoder("Encoder-readout", 4, [2, U] * 2, cell=VanillaRNNCell(U, readout_units=2)),
    recurrent(
        "LSTM",
        lambda **k: LSTM(U, return_sequences=True, return_state=True, weight_dropout=0.3, **k),
        (B, S, U),
        (B, U),
        (B, U),
    ),
    recurrent("GRU", lambda **k: GRU(U, dropout=0.3, **k), (B, U)),
    recurrent("MinGRU", lambda **k: MinGRU(U, **k), (B, U)),
    recurrent(
        "MinLSTM",
        lambda **k: MinLSTM(U, return_sequences=True, return_state=True, **k),
        (B, S, U),
        (B, U),
    ),
    recurrent(
        "VanillaRNN",
        lambda **k: VanillaRNN(
            U, readout_units=2, learn_initial_state=True, return_sequences=True, **k
        ),
        (B, S, 2),
    ),
    recurrent(
        "Bidirectional",
        lambda **k: Bidirectional(LSTM(U, return_state=True, **k), merge_mode="sum", **k),
        *[(B, U)] * 5,
    ),
    recurrent("RNNStack", lambda **k: RNNStack("vanilla", U, bidirectional=True, **k), (B, 2 * U)),
    recurrent(
        "RNNStack-deep",
        lambda **k: RNNStack(
            "gru",
            U,
            num_layers=2,
            residual=True,
            layer_norm=True,
            dropout=0.3,
            variational=True,
            weight_dropout=0.3,
            return_sequences=True,
            return_state=True,
            **k,
        ),
        (B, S, U),
        (B, U),
        (B, U),
    ),
    recurrent(
        "RNNStack-skips",
        lambda **k: RNNStack(
            TimeSkipCell("gru", skip=2, units=U, **k), bidirectional=True, truncate=3, **k
        ),
        (B, 2 * U),
    ),
    self_attention(
        "SelfAttention",
        (B, S, U + 1),
        (B, 3, S, S),
        positions="learnt",
        dropout=0.3,
        return_attention=True,
    ),
    self_attention("causal-SelfAttention", (B, S, U + 1), causal=True, positions="rotary"),
    recurrent(
        "SelfAttentionEncoder",
        lambda **k: SelfAttentionEncoder(U + 1, num_heads=2, dropout=0.3, **k),
        (B, U + 1),
    ),
    recurrent(
        "SelfAttentionEncoder-causal",
        lambda **k: SelfAttentionEncoder(
            U,
            num_layers=1,
            num_heads=1,
            feed_forward_units=3,
            positions="sinusoidal",
            causal=True,
            activation="tanh",
            return_sequences=True,
            **k,
        ),
        (B, S, U),
    ),
    position_encoding("PositionEncoding", PositionEncoding),
    position_encoding("SinusoidalPositions", SinusoidalPositions),
    position_encoding("LearntPositions", functools.partial(LearntPositions, 4)),
    position_encoding(
        "RotaryPositions", RotaryPositions, (B, 2, S, 4), lambda layer, x: layer.turn(x, STEPS)
    ),
    position_encoding(
        "ALiBi", ALiBi, (B, 2, S, S), lambda layer, x: layer.add_to_scores(x, STEPS, STEPS)
    ),
    Layer(
        "Bridge",
        lambda **k: Bridge([[2, 3], [4]], **k),
        {"states": [[floats(B, 3), floats(B, 2)], [floats(B, 6)]]},
        [(B, 2), (B, 3), (B, 4)],
    ),
    Layer(
        "CRF",
        lambda **k: CRF(D, [(0, 1)], "glorot_normal", boundary_initializer="ones", **k),
        ENCODED,
        [(B, S, D)],
        # Only what its methods find depends on its weights; they give float32.
        lambda crf, inputs, mask: ops.cast(
            crf.marginals(crf(inputs, mask=mask), mask), crf.compute_dtype
        ),
        lambda crf: None if crf.built else crf.build((B, S, D)),
        grows={"inputs": 0, "mask": False},
    ),
    decoder("Decoder"),
    decoder("Decoder-dot-free", attention=None),
    decoder("Decoder-stack", cell="gru", num_layers=2, attention="scaled_dot", dropout=0.3),
    decoder("Decoder-luong", cell="vanilla", attention="general", order="luong", embedding_dim=3),
    decoder(
        "Decoder-feeding",
        input_feeding=True,
        order="luong",
        readout="maxout",
        tie_embeddings=True,
        embedding_dim=3,
        num_layers=2,
        residual=True,
    ),
    decoder("Decoder-copy", cell="gru", copy=True, readout=None),
    recurrent("LastPooling", lambda **k: LastPooling(bidirectional=True, **k), (B, D)),
    recurrent("MeanPooling", lambda **k: MeanPooling(**k), (B, D)),
    recurrent("MaxPooling", lambda **k: MaxPooling(**k), (B, D)),
    recurrent("IdentityEncoder", lambda **k: IdentityEncoder(**k), (B, S, D)),
    recurrent(
        "ConvolutionalEncoder", lambda **k: ConvolutionalEncoder(U, (2, 3), **k), (B, S, 2 * U)
    ),
    recurrent("FeedForwardPooling", lambda **k: FeedForwardPooling(U, 2, **k), (B, U)),
    Layer(
        "AttentionPooling",
        lambda **k: AttentionPooling(U, **k),
        ENCODED,
        [(B, D), (B, S)],
        lambda layer, **inputs: layer(**inputs, return_attention=True),
        grows={"inputs": 0, "mask": False},
    ),
    seq2seq("Seq2Seq"),
    seq2seq("Seq2Seq-stack", cell="vanilla", attention="dot", bidirectional=False, num_layers=2),
    language_model("LanguageModel", tie_embeddings=True, embedding_dim=3),
    text_classifier("TextClassifier"),
    text_classifier("TextClassifier-attention", cell="min_gru", pooling="attention", num_layers=2),
    character_features("CharacterFeatures", 4),
    character_features("CharacterFeatures-lstm", 8, kind="lstm", max_word_length=2),
    text_tagger("TextTagger", call_tagger),
    text_tagger(
        "TextTagger-softmax",
        lambda model, inputs: model(inputs),
        letters=False,
        characters=None,
        crf=False,
        cell="min_gru",
        bidirectional=False,
    ),
]


@dataclasses.dataclass(frozen=True, eq=False)
class TaskLine(Line):
    """A task and a few examples: see `check_task`."""

    x: list
    y: list | None = None
    answer: Callable | None = None
    streams: bool = False

    def check(self, export=False):
        check_task(self.make, self.x, self.y, self.answer, self.streams, export)


TEXTS = ["a fine film", "dull and long", "", "so dull a film that nobody saw its end", "fine"]
LABELS = ["good", "bad", "bad", "bad", "good"]
SENTENCES = ["Anna Li met Bo", "Rome", "", "Bo saw New York", "he ran"]
TAGS = ["B-PER I-PER O B-PER", "B-LOC", "", "B-PER O B-LOC I-LOC", "O O"]

TASKS = [
    TaskLine(
        "Seq2Seq",
        lambda: Seq2Seq.from_texts(TEXTS, LABELS, tokens="char", units=4, cell="gru"),
        TEXTS,
        LABELS,
        lambda model, x: model.generate(x, max_length=5),
    ),
    TaskLine(
        "LanguageModel",
        lambda: LanguageModel.from_texts(TEXTS, units=4, window=10, tie_embeddings=True),
        TEXTS,
        answer=lambda model, x: model.score(x),
        streams=True,
    ),
    TaskLine(
        "TextClassifier",
        lambda: TextClassifier.from_texts(TEXTS, LABELS, units=4, pooling="attention"),
        TEXTS,
        LABELS,
    ),
    TaskLine(
        "TextTagger",
        lambda: TextTagger.from_texts(
            SENTENCES, TAGS, "BIO", cell="vanilla", units=4, unknown_rate=0.0
        ),
        SENTENCES,
        TAGS,
    ),
]

INITIALIZERS = [ForgetBias(), ForgetBias(5.0), Chrono(100), Chrono(100, cell="gru", seed=3)]

SAMPLERS = [
    Greedy(),
    Greedy(min_length=3),
    Beam(),
    Beam(3, 0.0, coverage_penalty=0.2, n_best=2, min_length=1, no_repeat_ngram=3),
    Random(),
    Random(0.7, top_k=4, top_p=0.9, seed=5, min_length=2),
    Exhaustive(),
    Exhaustive(max_length=9, max_nodes=50, min_length=1),
]

METRICS = [Perplexity, BitsPerToken, ExactMatch, TokenAccuracy, LabelAccuracy, LabelF1]

LOSSES = [CRFLoss, TokenCrossEntropy]
