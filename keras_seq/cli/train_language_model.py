"""The command that trains a language model."""

import types

from keras_seq.cli import options
from keras_seq.cli.show import describe, say
from keras_seq.cli.training import (
    check_training,
    default_vocabulary,
    finish,
    fit,
    make_callbacks,
    make_optimizer,
)
from keras_seq.cli.use_language_model import read_texts


def train_language_model(
    train: options.TextFile,
    out: options.Out,
    val: options.HeldOutText = None,
    lines: options.LineTexts = False,
    tokens: options.TokensOption = options.Tokens.char,
    vocabulary: options.OneVocabulary = None,
    lowercase: options.LowercaseText = False,
    cell: options.Cell = "lstm",
    units: options.EncoderUnits = 256,
    embedding: options.Embedding = None,
    layers: options.EncoderLayers = 1,
    window: options.Window = 100,
    tie_embeddings: options.Tied = False,
    residual: options.Residual = False,
    layer_norm: options.LayerNorm = False,
    dropout: options.Dropout = 0.2,
    embedding_dropout: options.EmbeddingDropout = 0.0,
    variational: options.Variational = False,
    weight_dropout: options.WeightDropout = 0.0,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    warmup: options.Warmup = 0.0,
    batch_size: options.Streams = 32,
    learning_rate: options.LearningRate = 2e-3,
    weight_decay: options.WeightDecay = None,
    clip: options.Clip = 1.0,
    ema: options.Ema = None,
    label_smoothing: options.TextSmoothing = 0.0,
    seed: options.Seed = 0,
    patience: options.Patience = 3,
    resume: options.Resume = False,
):
    """Train a language model on a file of text.

    The file is one text, line ends and all; with --lines each line is a text by itself. The texts
    are read one after the other, in as many streams as a batch has rows.

    With a held-out file, OUT always holds the model of the best epoch so far, by its perplexity,
    and training stops when it gets no better; without one, OUT is written at the end.

    Ctrl-C ends training cleanly, with OUT written. After that, or a crash, the same command with
    --resume goes on where the last epoch began, and leads to the same weights: what it needs is in
    OUT.state, which is deleted when training is complete.
    """
    given = types.SimpleNamespace(**locals())
    check_training(given)
    import keras

    texts = read_texts(given.train, given.lines)
    data = {"x": texts}
    if given.val is not None:
        data["validation_data"] = read_texts(given.val, given.lines)
    say(f"{len(texts):,} text{'s' * (len(texts) > 1)}, {sum(map(len, texts)):,} characters.")
    keras.utils.set_random_seed(given.seed)
    callbacks = make_callbacks(given, None if given.val is None else "val_perplexity", "min")
    model = make_model(given, texts)
    model.compile(make_optimizer(given), label_smoothing=given.label_smoothing)
    say(describe(model))
    interrupted = fit(model, data, callbacks, given)
    finish(model, callbacks, interrupted, given)


def make_model(given, texts):
    """Return a new language model with the vocabulary of the texts."""
    from keras_seq.models import LanguageModel

    say(f"Building the {given.tokens.value} vocabulary.")
    return LanguageModel.from_texts(
        texts,
        tokens=given.tokens.value,
        lowercase=given.lowercase,
        max_vocabulary=default_vocabulary(given),
        cell=given.cell,
        units=given.units,
        embedding_dim=given.embedding,
        num_layers=given.layers,
        window=given.window or None,
        tie_embeddings=given.tie_embeddings,
        residual=given.residual,
        layer_norm=given.layer_norm,
        dropout=given.dropout,
        embedding_dropout=given.embedding_dropout,
        variational=given.variational,
        weight_dropout=given.weight_dropout,
    )
