"""The command that trains a language model."""

import dataclasses

from keras_seq.cli import options
from keras_seq.cli.option_groups import RecurrentTraining, takes
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


@dataclasses.dataclass(kw_only=True)
class LanguageModelTraining(RecurrentTraining):
    """Options of the training of a language model."""

    train: options.TextFile
    val: options.HeldOutText = None
    lines: options.LineTexts = False
    tokens: options.TokensOption = options.Tokens.char
    vocabulary: options.OneVocabulary = None
    lowercase: options.LowercaseText = False
    units: options.EncoderUnits = 256
    window: options.Window = 100
    tie_embeddings: options.Tied = False
    embedding_dropout: options.EmbeddingDropout = 0.0
    batch_size: options.Streams = 32
    learning_rate: options.LearningRate = 2e-3
    label_smoothing: options.TextSmoothing = 0.0


@takes(LanguageModelTraining)
def train_language_model(given):
    """Train a language model on a file of text.

    The file is one text, line ends and all; with --lines each line is a text by itself. The texts
    are read one after the other, in as many streams as a batch has rows.

    With a held-out file, OUT always holds the model of the best epoch so far, by its perplexity,
    and training stops when it gets no better; without one, OUT is written at the end.

    Ctrl-C ends training cleanly, with OUT written. After that, or a crash, the same command with
    --resume goes on where the last epoch began, and leads to the same weights: what it needs is in
    OUT.state, which is deleted when training is complete.
    """
    check_training(given)
    import keras

    texts = read_texts(given.train, given.lines, given.encoding)
    data = {"x": texts}
    if given.val is not None:
        data["validation_data"] = read_texts(given.val, given.lines, given.encoding)
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
        **given.stack(),
        window=given.window or None,
        tie_embeddings=given.tie_embeddings,
        embedding_dropout=given.embedding_dropout,
    )
