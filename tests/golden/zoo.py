"""The models that were saved as golden files, and the ones whose first weights are pinned.

Each line of `MODELS` is `name: (backend, function)`; the function returns a `Golden`. They are only
ever added to: a file that exists is never written again.
"""

import dataclasses
import io
from typing import Any

import keras
import numpy as np

from keras_seq import layers, samplers, text
from keras_seq.models import Ensemble, LanguageModel, Seq2Seq, TextClassifier, TextTagger

SOURCES = ["3 may 16", "21 june 07", "may 1999", "7 oct 16", "june 12 01", "oct", "9 may", "1 june"]
TARGETS = ["16-05-03", "07-06-21", "1999-05", "16-10-07", "01-06-12", "10", "05-09", "06-01"]
TALES = ["the cat sat on the mat", "a dog ran", "the dog sat", "a cat ran on the mat", "mat", ""]
REVIEWS = ["a fine film", "dull, and long", "fine fine cast", "a long dull film", "fine", "long"]
MOODS = ["good", "bad", "good", "bad", "good", "odd"]
TOPICS = [["plot"], ["cast", "plot"], ["cast"], [], ["plot"], ["cast"]]
SENTENCES = [
    "Anna Miller lives in Rome",
    "Rome is old",
    "he met Anna in New York",
    "she sings 21 songs",
    "New York",
]
SPANS = ["B-PER I-PER O O B-LOC", "B-LOC O O", "O O B-PER O B-LOC I-LOC", "O O O O", "B-LOC I-LOC"]
PARTS = ["N N V P N", "N V A", "D V N P N N", "D V C N", "N N"]


REGULARIZED = {
    "num_layers": 2,
    "dropout": 0.1,
    "residual": True,
    "layer_norm": True,
    "variational": True,
    "weight_dropout": 0.2,
}


@dataclasses.dataclass
class Golden:
    """A compiled model, what it is trained on and what it is asked."""

    model: Any
    x: Any
    y: Any
    questions: list
    fit: dict = dataclasses.field(default_factory=dict)
    bare: bool = False  # a Keras model that is no task of ours
    quantize: str | None = None
    trains: bool = True
    tolerance: float = 1e-4


def config(part):
    return keras.saving.serialize_keras_object(part)


def pieces(texts, size):
    """A subword tokenizer whose model has no table of normalisation, which would be 300 KB."""
    import sentencepiece

    proto = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=proto,
        vocab_size=size,
        hard_vocab_limit=False,
        normalization_rule_name="identity",
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
        pad_piece="<pad>",
        minloglevel=2,
    )
    return text.SubwordTokenizer(proto.getvalue())


# The translator


def translator_rich():
    model = Seq2Seq(
        pieces(SOURCES, 22),
        text.CharacterTokenizer.from_texts(TARGETS, normalization="NFKC"),
        cell="lstm",
        units=4,
        num_layers=2,
        attention="general",
        embedding_dim=3,
        dropout=0.1,
        order="luong",
        input_feeding=True,
        residual=True,
        readout="maxout",
        tie_embeddings=True,
        teacher_forcing_ratio=keras.optimizers.schedules.PolynomialDecay(1.0, 20, 0.5),
        sampling_level="step",
        feedback="sample",
        max_source_length=12,
        max_target_length=10,
        name="translator",
    )
    model.compile(
        keras.optimizers.AdamW(0.02, weight_decay=0.01, clipnorm=1.0),
        sampler=samplers.Beam(3, length_penalty=0.6, coverage_penalty=0.1, n_best=2),
        label_smoothing=0.1,
        metrics=["accuracy", "sparse_top_k_categorical_accuracy"],
    )
    questions = [
        ["generate", [[*SOURCES[:3], "", "xyz"]], {"return_scores": True}],
        ["generate", [SOURCES[:2]], {"sampler": "greedy", "return_attention": True}],
        ["predict", [{"source_ids": [[5, 6, 2, 0]], "target_ids": [[1, 5, 6]]}], {}],
        ["attention", [SOURCES[:1], TARGETS[:1]], {}],
    ]
    return Golden(model, SOURCES, TARGETS, questions)


def translator_other_cell():
    model = Seq2Seq.from_texts(
        SOURCES,
        TARGETS,
        tokens="word",
        lowercase=True,
        cell=layers.TimeSkipCell("gru", skip=2, units=4),
        units=4,
        bidirectional=False,
        attention="local_monotonic",
        readout=None,
        name="translator",
    )
    model.compile(
        keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.3, 5, 0.9), 0.9),
        sampler={"class_name": "keras_seq>Greedy", "config": {}},
    )
    sampler = config(samplers.Random(temperature=0.7, top_k=5, seed=4))
    questions = [
        ["predict", [[*SOURCES[:3], " "]], {}],
        ["generate", ["3 May 16"], {"sampler": sampler, "max_length": 6, "return_scores": True}],
    ]
    return Golden(model, SOURCES, TARGETS, questions)


def translator_copy():
    model = Seq2Seq.from_texts(
        SOURCES,
        TARGETS,
        tokens="char",
        max_vocabulary=12,
        cell="min_gru",
        units=4,
        num_layers=2,
        attention=layers.MonotonicAttention(3, offset=-2.0, noise=0.5, seed=5),
        copy=True,
        name="translator",
    )
    model.compile("adam", sampler="greedy", weighted_metrics=["accuracy"])
    exhaustive = config(samplers.Exhaustive(max_length=3, max_nodes=50))
    questions = [
        ["generate", [[*SOURCES[:3], "zzz", ""]], {"max_length": 8, "return_scores": True}],
        ["generate", ["oct"], {"sampler": exhaustive, "return_scores": True}],
        ["generate", ["9 may"], {"replace_unknown": True, "stop_tokens": "1", "max_length": 5}],
    ]
    return Golden(model, SOURCES, TARGETS, questions)


# The language model


def language_model_rich():
    model = LanguageModel.from_texts(
        TALES,
        tokens="char",
        cell="lstm",
        units=4,
        embedding_dim=3,
        window=6,
        tie_embeddings=True,
        embedding_dropout=0.1,
        name="writer",
        **REGULARIZED,
    )
    model.compile(
        keras.optimizers.AdamW(0.02, clipnorm=1.0),
        sampler=samplers.Random(temperature=0.8, top_k=4, top_p=0.9, seed=2, min_length=2),
        label_smoothing=0.05,
        metrics=["accuracy"],
    )
    questions = [
        ["generate", [["the ", "a", ""]], {"max_length": 8, "return_scores": True}],
        ["generate", ["the"], {"sampler": "greedy", "max_length": 6, "strip_prompt": True}],
        ["score", [["the cat", "", "éa"]], {"return_tokens": True}],
        ["stream", ["the c"], {"max_length": 4, "sampler": "greedy"}],
    ]
    return Golden(model, TALES, None, questions)


def language_model_words():
    model = LanguageModel.from_texts(
        TALES,
        tokens="word",
        cell={"class_name": "keras_seq>VanillaRNNCell", "config": {"units": 4}},
        units=4,
        window=None,
        name="writer",
    )
    model.compile("rmsprop", sampler="beam", weighted_metrics=["sparse_categorical_crossentropy"])
    questions = [
        ["generate", [["the cat", ""]], {"max_length": 4}],
        ["score", ["the dog ran, yes"], {}],
        ["predict", [{"token_ids": [[1, 4, 5, 0]]}], {}],
    ]
    return Golden(model, TALES, None, questions)


def language_model_attention():
    encoder = layers.SelfAttentionEncoder(
        4, num_layers=1, num_heads=2, positions="alibi", causal=True, return_sequences=True
    )
    model = LanguageModel(
        pieces(TALES[:4], 24), units=4, embedding_dim=6, window=5, encoder=encoder, name="writer"
    )
    model.compile(keras.optimizers.Lion(0.01), sampler="greedy")
    questions = [
        ["generate", [["the ca", ""]], {"max_length": 4, "return_scores": True}],
        ["score", [["the cat", "dog"]], {}],
    ]
    return Golden(model, TALES, None, questions)


# The classifier


def classifier_rich():
    model = TextClassifier.from_texts(
        REVIEWS,
        MOODS,
        tokens="word",
        lowercase=True,
        class_names=["odd", "good", "bad"],
        cell="lstm",
        units=3,
        pooling="attention",
        embedding_dim=4,
        max_length=6,
        name="classifier",
        **REGULARIZED,
    )
    model.compile(
        keras.optimizers.AdamW(0.02, clipnorm=1.0),
        label_smoothing=0.1,
        metrics=["accuracy"],
        weighted_metrics=["auc", keras.metrics.SparseTopKCategoricalAccuracy(2, "top_2")],
    )
    both = {"return_probabilities": True, "return_attention": True}
    questions = [
        ["classify", [["A fine, long film", "", "quite unknown words"]], both],
        ["predict", [[*REVIEWS, " "]], {}],
    ]
    fit = {"class_weight": "balanced", "sample_weight": [1.0, 0.5, 1.0, 2.0, 1.0, 1.0]}
    return Golden(model, REVIEWS, MOODS, questions, fit=fit)


def classifier_topics():
    model = TextClassifier.from_texts(
        REVIEWS,
        TOPICS,
        tokens="char",
        multi_label=True,
        units=4,
        threshold=0.4,
        encoder=layers.ConvolutionalEncoder(3, widths=[1, 2]),
        pooling=layers.FeedForwardPooling(3, pooling="max"),
        name="classifier",
    )
    model.compile(keras.optimizers.Adamax(0.05), metrics=["binary_accuracy"])
    questions = [
        ["classify", [[*REVIEWS, ""]], {"return_probabilities": True}],
        ["classify", ["a fine film"], {"threshold": 0.3}],
        ["predict", [{"token_ids": [[5, 6, 7, 0], [0, 0, 0, 0]]}], {}],
    ]
    return Golden(model, REVIEWS, TOPICS, questions)


def classifier_keras_loss():
    model = TextClassifier.from_texts(
        REVIEWS, MOODS, cell="gru", units=3, pooling="mean", dtype="mixed_bfloat16"
    )
    model.compile(
        "nadam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=[keras.metrics.SparseCategoricalCrossentropy(from_logits=True)],
    )
    questions = [["predict", [REVIEWS], {}]]
    return Golden(model, REVIEWS, MOODS, questions, tolerance=0.03)


def classifier_quantized():
    model = TextClassifier.from_texts(
        REVIEWS, MOODS, cell="irnn", units=4, bidirectional=False, name="classifier"
    )
    model.compile("sgd")
    questions = [["classify", [REVIEWS], {"return_probabilities": True}]]
    return Golden(model, REVIEWS, MOODS, questions, quantize="int8", trains=False, tolerance=1e-3)


# The tagger


def tagger_rich():
    model = TextTagger.from_texts(
        SENTENCES,
        SPANS,
        scheme="BIO",
        characters="lstm",
        lowercase=True,
        zero_digits=True,
        character_units=2,
        character_dim=3,
        max_word_length=5,
        unknown_rate=0.3,
        cell="lstm",
        units=3,
        embedding_dim=4,
        max_length=5,
        name="tagger",
        **REGULARIZED,
    )
    model.compile(
        keras.optimizers.AdamW(0.05, clipnorm=1.0), metrics=["accuracy"], weighted_metrics="auto"
    )
    more = {"return_probabilities": True, "return_spans": True}
    questions = [
        ["tag", ["Anna met Bob in New York"], more],
        ["tag", [[["Rome", "is", "99"], "Miller", ""]], {}],
        ["predict", [SENTENCES[:2]], {}],
    ]
    return Golden(model, SENTENCES, SPANS, questions)


def tagger_softmax():
    model = TextTagger.from_texts(
        SENTENCES, PARTS, crf=False, characters=None, cell="gru", units=3, name="tagger"
    )
    model.compile("adam", label_smoothing=0.1, weighted_metrics=["accuracy"])
    questions = [
        ["tag", [[*SENTENCES, "who ?"]], {"return_probabilities": True}],
        ["predict", [{"token_ids": [[4, 5, 0]]}], {}],
    ]
    return Golden(model, SENTENCES, PARTS, questions)


def tagger_scheme():
    tags = [text.convert_tags(row.split(), "BIO", "IOBES") for row in SPANS]
    model = TextTagger.from_texts(
        [row.split() for row in SENTENCES],
        tags,
        scheme="BIOES",
        characters="cnn",
        character_units=2,
        character_dim=2,
        units=4,
        encoder=layers.RNNStack("min_lstm", 3, bidirectional=True, return_sequences=True),
        name="tagger",
    )
    model.compile(keras.optimizers.Adam(0.05), loss=layers.CRFLoss(model.chain))
    questions = [["tag", [SENTENCES], {"return_spans": True, "return_probabilities": True}]]
    return Golden(model, [row.split() for row in SENTENCES], tags, questions)


def ensemble_translators():
    models = [
        Seq2Seq.from_texts(
            SOURCES, TARGETS, tokens="char", units=3, bidirectional=False, name="translator"
        ),
        Seq2Seq.from_texts(
            SOURCES,
            TARGETS,
            tokens="char",
            cell="gru",
            units=2,
            num_layers=2,
            attention="general",
            name="translator",
        ),
    ]
    model = Ensemble(models, name="ensemble")
    model.compile(keras.optimizers.Adam(0.03), sampler=samplers.Beam(3))
    options = {"return_scores": True, "return_attention": True, "max_length": 6}
    questions = [["predict", [[*SOURCES[:3], " "]], {}], ["generate", ["3 may 16"], options]]
    return Golden(model, SOURCES, TARGETS, questions)


# Layers in a model of Keras


def numbers(seed, *shape):
    return np.random.RandomState(seed).normal(size=shape).round(3)


def layers_tagging():
    inputs = keras.Input((None, 3))
    x = keras.layers.Masking()(inputs)
    x = layers.Bidirectional(
        layers.LSTM(2, chrono=10, weight_dropout=0.2, return_sequences=True), merge_mode="concat"
    )(x)
    x = layers.RNNStack(
        layers.TimeSkipCell("lstm", skip=2, units=4),
        num_layers=2,
        layer_norm=True,
        residual=True,
        return_sequences=True,
    )(x)
    x = layers.SelfAttention(4, num_heads=2, positions="rotary")(x)
    x = layers.SelfAttention(4, num_heads=2, causal=True, positions="alibi")(x)
    x = layers.SinusoidalPositions()(x)
    x = layers.GRU(3, return_sequences=True, truncate=2)(x)
    x = layers.VanillaRNN(3, return_sequences=True, go_backwards=True)(x)
    crf = layers.CRF(3, constraints=[(0, 2)])
    model = keras.Model(inputs, crf(keras.layers.Dense(3)(x)), name="layers")
    model.compile(keras.optimizers.Adam(0.02), loss=layers.CRFLoss(crf))
    x = numbers(0, 3, 5, 3)
    x[1, 3:] = 0
    y = [[0, 1, 2, 0, 1], [1, 0, 1, 0, 0], [2, 2, 1, 0, 1]]
    return Golden(model, [x.tolist()], y, [["layers", [x.tolist()], {}]], bare=True)


def layers_pooling():
    inputs = keras.Input((6, 3))
    a = layers.MinLSTM(3, return_sequences=True)(inputs)
    a = layers.MinGRU(3, return_sequences=True, truncate=3)(a)
    a = layers.LearntPositions(8)(a)
    b = layers.SelfAttentionEncoder(
        4, num_layers=1, num_heads=2, positions="rotary", return_sequences=True
    )(inputs)
    c = layers.ConvolutionalEncoder(2, widths=[1, 3])(inputs)
    d = layers.IdentityEncoder()(inputs)
    e = keras.layers.RNN(layers.VanillaRNNCell(3), return_sequences=True)(inputs)
    f = keras.layers.RNN([layers.MinGRUCell(2), layers.MinLSTMCell(3)])(inputs)
    found = [
        layers.LastPooling()(a),
        layers.AttentionPooling(3)(b),
        layers.MaxPooling()(c),
        layers.MeanPooling()(d),
        layers.FeedForwardPooling(3, num_layers=2)(e),
        f,
    ]
    x = keras.layers.Concatenate()(found)
    model = keras.Model(inputs, keras.layers.Dense(2)(x), name="layers")
    model.compile(keras.optimizers.Adam(0.02), loss="mse", metrics=["mae"])
    x, y = numbers(1, 4, 6, 3), numbers(2, 4, 2)
    return Golden(model, [x.tolist()], y.tolist(), [["layers", [x.tolist()], {}]], bare=True)


def layers_attention():
    values, target = keras.Input((5, 3)), keras.Input((4,), dtype="int32")
    memory, states = layers.Encoder("gru", units=2, num_layers=2, layer_norm=True)(values)
    queries = keras.layers.Embedding(6, 4)(target)
    found = [
        layers.BahdanauAttention(3)(queries, memory)[0],
        layers.LuongAttention("general")(queries, memory)[0],
        layers.LuongAttention("concat", 3)(queries, memory)[0],
        layers.LuongAttention("dot")(queries, memory)[0],
        layers.ScaledDotAttention(3)(queries, memory)[0],
        layers.LocalAttention("general", 3, window=2)(queries, memory)[0],
        layers.MonotonicAttention(3, noise=0.0)(queries, memory)[0],
    ]
    logits = layers.Decoder(
        6,
        cell="gru",
        units=4,
        num_layers=2,
        attention=layers.BahdanauAttention(2),
        readout="maxout",
        residual=True,
    )(target, memory, states)
    x = keras.layers.Concatenate()([*found, logits])
    model = keras.Model([values, target], keras.layers.Dense(2)(x), name="layers")
    model.compile(keras.optimizers.Adam(0.02), loss="mse")
    x, ids = numbers(3, 3, 5, 3), np.array([[1, 4, 5, 3], [1, 3, 3, 0], [1, 5, 0, 0]], "int32")
    y = numbers(4, 3, 4, 2).tolist()
    inputs = [x.tolist(), ids.tolist()]
    return Golden(model, inputs, y, [["layers", inputs, {}]], bare=True)


MODELS = {
    "translator_rich": ("tensorflow", translator_rich),
    "translator_other_cell": ("jax", translator_other_cell),
    "translator_copy": ("torch", translator_copy),
    "language_model_rich": ("jax", language_model_rich),
    "language_model_words": ("torch", language_model_words),
    "language_model_attention": ("tensorflow", language_model_attention),
    "classifier_rich": ("tensorflow", classifier_rich),
    "classifier_topics": ("torch", classifier_topics),
    "classifier_keras_loss": ("jax", classifier_keras_loss),
    "classifier_quantized": ("torch", classifier_quantized),
    "tagger_rich": ("jax", tagger_rich),
    "tagger_softmax": ("tensorflow", tagger_softmax),
    "tagger_scheme": ("torch", tagger_scheme),
    "ensemble_translators": ("torch", ensemble_translators),
    "layers_tagging": ("torch", layers_tagging),
    "layers_pooling": ("jax", layers_pooling),
    "layers_attention": ("tensorflow", layers_attention),
}

# Models whose first weights and first epochs are pinned, by task.
RICH = {
    "translator": translator_rich,
    "language_model": language_model_rich,
    "classifier": classifier_rich,
    "tagger": tagger_rich,
}

# Tokenizers, and the texts whose ids and pieces are pinned.
TOKENIZERS = {
    "char": lambda: text.CharacterTokenizer.from_texts(TALES),
    "char_lower": lambda: text.CharacterTokenizer.from_texts(
        SENTENCES, lowercase=True, normalization="NFKC", max_vocabulary=16
    ),
    "word": lambda: text.WordTokenizer.from_texts(REVIEWS, min_count=1),
    "word_whole": lambda: text.WordTokenizer.from_texts(
        REVIEWS, split_punctuation=False, lowercase=True, normalization=None
    ),
    "subword": lambda: text.SubwordTokenizer.from_texts(TALES[:4], max_vocabulary=26),
    "subword_bpe": lambda: text.SubwordTokenizer.from_texts(
        TALES[:4], max_vocabulary=26, model_type="bpe", lowercase=True
    ),
}
TEXTS = [
    "the cat, (sat) on a mat",
    "",
    "  ",
    "A Fine\u00a0film!\n",
    "cafe\u0301 \ufb01ne",
    "</s> <unk>",
    "dull, and long",
    "\uffed\u25a0",
]
