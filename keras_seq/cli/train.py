"""The command that trains a translator."""

import dataclasses

from keras_seq.cli import options
from keras_seq.cli.option_groups import Training, takes
from keras_seq.cli.show import describe, say
from keras_seq.cli.training import (
    check_training,
    default_vocabulary,
    finish,
    fit,
    make_callbacks,
    make_optimizer,
)


@dataclasses.dataclass(kw_only=True)
class TranslatorTraining(Training):
    """Options of the training of a translator."""

    source: options.SourceFile
    target: options.TargetFile
    val_source: options.ValSourceFile = None
    val_target: options.ValTargetFile = None
    tokens: options.TokensOption = options.Tokens.subword
    vocabulary: options.Vocabulary = None
    lowercase: options.Lowercase = False
    max_length: options.MaxLength = 256
    stream: options.Stream = False
    shuffle_buffer: options.ShuffleBuffer = 10_000
    cell: options.Cell = "lstm"
    units: options.Units = 256
    embedding: options.Embedding = None
    layers: options.Layers = 1
    attention: options.Attention = "additive"
    order: options.Order = "bahdanau"
    input_feeding: options.InputFeeding = False
    residual: options.Residual = False
    readout: options.Readout = "tanh"
    tie_embeddings: options.TieEmbeddings = False
    copy: options.Copy = False
    unidirectional: options.Unidirectional = False
    dropout: options.Dropout = 0.2
    label_smoothing: options.LabelSmoothing = 0.0
    teacher_forcing_ratio: options.TeacherForcing = 1.0
    sampling_level: options.SamplingLevel = "token"
    feedback: options.Feedback = "argmax"
    score: options.ScoreOption = options.Score.perplexity


@takes(TranslatorTraining)
def train_seq2seq(given):
    """Train a translator on two files, one text a line each.

    With held-out files, OUT always holds the model of the best epoch so far, and training stops
    when it gets no better; without them, OUT is written at the end.

    Ctrl-C ends training cleanly, with OUT written. After that, or a crash, the same command with
    --resume goes on where the last epoch began, and leads to the same weights: what it needs is in
    OUT.state, which is deleted when training is complete.
    """
    check(given)
    import keras

    corpus, data = read(given)
    keras.utils.set_random_seed(given.seed)
    callbacks = scored_callbacks(given, data["validation_data"])
    model = make_model(given, corpus)
    model.compile(make_optimizer(given), sampler="beam", label_smoothing=given.label_smoothing)
    say(describe(model))
    interrupted = fit(model, data, callbacks, given)
    finish(model, callbacks, interrupted, given)


def check(given):
    """Raise a `ValueError` for options that do not go together, before any work is done."""
    if (given.val_source is None) != (given.val_target is None):
        raise ValueError("--val-source and --val-target go together; received only one of them.")
    if given.score is not options.Score.perplexity and given.val_source is None:
        raise ValueError(f"--score {given.score.value} needs --val-source and --val-target.")
    check_training(given)


def read(given):
    """Return the texts, sources and targets, to build vocabularies of, and the data for `fit`."""
    from keras_seq.datasets import Lines, read_parallel, stream_parallel

    if given.stream:
        corpus = (Lines(path, given.encoding) for path in (given.source, given.target))
        pairs = stream_parallel(given.source, given.target, given.encoding)
        count = int(pairs.cardinality())
        data = {"x": pairs, "shuffle_buffer": given.shuffle_buffer}
    else:
        corpus = read_parallel(given.source, given.target, given.encoding)
        count = len(corpus[0])
        data = {"x": corpus[0], "y": corpus[1]}
    held_out = given.val_source is not None
    data["validation_data"] = (
        read_parallel(given.val_source, given.val_target, given.encoding) if held_out else None
    )
    say(f"{count:,} pairs.")
    return corpus, data


def make_model(given, corpus):
    """Return a new translator with vocabularies of the corpus."""
    from keras_seq.models import Seq2Seq

    say(f"Building the {given.tokens.value} vocabularies.")
    return Seq2Seq.from_texts(
        *corpus,
        tokens=given.tokens.value,
        lowercase=given.lowercase,
        max_vocabulary=default_vocabulary(given),
        cell=given.cell,
        units=given.units,
        embedding_dim=given.embedding,
        num_layers=given.layers,
        bidirectional=not given.unidirectional,
        attention=None if given.attention == "none" else given.attention,
        order=given.order,
        input_feeding=given.input_feeding,
        residual=given.residual,
        readout=None if given.readout == "none" else given.readout,
        tie_embeddings=given.tie_embeddings,
        copy=given.copy,
        teacher_forcing_ratio=given.teacher_forcing_ratio,
        sampling_level=given.sampling_level,
        feedback=given.feedback,
        dropout=given.dropout,
        max_source_length=given.max_length,
        max_target_length=given.max_length,
    )


def scored_callbacks(given, validation):
    """Return the callbacks: the best model is chosen by the score asked for."""
    from keras_seq.callbacks import TextScore

    if validation is None:
        return make_callbacks(given, None, None)
    score, scores = given.score.value, []
    if given.score is not options.Score.perplexity:
        scores = [TextScore(*validation, metric=score, lowercase=given.lowercase)]
    lower = given.score in (options.Score.perplexity, options.Score.token_error_rate)
    return make_callbacks(given, f"val_{score}", "min" if lower else "max", scores)
