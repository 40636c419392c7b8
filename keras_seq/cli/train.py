"""The command that trains a translator."""

import pathlib
import sys
import types

import typer

from keras_seq.cli import options
from keras_seq.cli.show import check_writable, describe, say

INTERRUPTED = 130  # the exit status of what Ctrl-C ended
FILES = ("source", "target", "val_source", "val_target")
MAY_CHANGE = ("out", "resume", "epochs", "minutes", "patience")  # in a training resumed


def train_seq2seq(
    source: options.SourceFile,
    target: options.TargetFile,
    out: options.Out,
    val_source: options.ValSourceFile = None,
    val_target: options.ValTargetFile = None,
    tokens: options.TokensOption = options.Tokens.subword,
    vocabulary: options.Vocabulary = None,
    lowercase: options.Lowercase = False,
    max_length: options.MaxLength = 256,
    stream: options.Stream = False,
    shuffle_buffer: options.ShuffleBuffer = 10_000,
    cell: options.Cell = "lstm",
    units: options.Units = 256,
    embedding: options.Embedding = None,
    layers: options.Layers = 1,
    attention: options.Attention = "additive",
    order: options.Order = "bahdanau",
    input_feeding: options.InputFeeding = False,
    residual: options.Residual = False,
    readout: options.Readout = "tanh",
    tie_embeddings: options.TieEmbeddings = False,
    copy: options.Copy = False,
    unidirectional: options.Unidirectional = False,
    dropout: options.Dropout = 0.2,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    warmup: options.Warmup = 0.0,
    batch_size: options.TrainingBatchSize = 64,
    learning_rate: options.LearningRate = 1e-3,
    weight_decay: options.WeightDecay = None,
    clip: options.Clip = 1.0,
    ema: options.Ema = None,
    label_smoothing: options.LabelSmoothing = 0.0,
    teacher_forcing_ratio: options.TeacherForcing = 1.0,
    sampling_level: options.SamplingLevel = "token",
    feedback: options.Feedback = "argmax",
    seed: options.Seed = 0,
    score: options.ScoreOption = options.Score.perplexity,
    patience: options.Patience = 3,
    resume: options.Resume = False,
):
    """Train a translator on two files, one text a line each.

    With held-out files, OUT always holds the model of the best epoch so far, and training stops
    when it gets no better; without them, OUT is written at the end.

    Ctrl-C ends training cleanly, with OUT written. After that, or a crash, the same command with
    --resume goes on where the last epoch began, and leads to the same weights: what it needs is in
    OUT.state, which is deleted when training is complete.
    """
    given = types.SimpleNamespace(**locals())
    check(given)
    import keras

    corpus, data = read(given)
    keras.utils.set_random_seed(given.seed)
    callbacks = make_callbacks(given, data["validation_data"])
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
    if given.epochs is not None and given.epochs < 1:
        raise ValueError(f"--epochs must be at least 1; received {given.epochs}.")
    if given.warmup and given.minutes is None:
        raise ValueError("--warmup is a share of --minutes; received no --minutes.")
    if given.out.suffix != ".keras":
        raise ValueError(f"--out must end in .keras; received {given.out}.")
    check_writable(given.out)
    state = state_file(given)
    if state.exists() and not given.resume:
        raise ValueError(
            f"{state} is the state of a training that is not complete: go on with it by --resume, "
            "or delete it."
        )
    if given.resume and not state.exists():
        say(f"There is no {state}: training begins anew.")


def state_file(given):
    """Where the state of the training is."""
    return given.out.with_name(given.out.name + ".state")


def read(given):
    """Return the texts, sources and targets, to build vocabularies of, and the data for `fit`."""
    from keras_seq.datasets import Lines, read_parallel, stream_parallel

    if given.stream:
        corpus = Lines(given.source), Lines(given.target)
        pairs = stream_parallel(given.source, given.target)
        count = int(pairs.cardinality())
        data = {"x": pairs, "shuffle_buffer": given.shuffle_buffer}
    else:
        corpus = read_parallel(given.source, given.target)
        count = len(corpus[0])
        data = {"x": corpus[0], "y": corpus[1]}
    held_out = given.val_source is not None
    data["validation_data"] = (
        read_parallel(given.val_source, given.val_target) if held_out else None
    )
    say(f"{count:,} pairs.")
    return corpus, data


def make_model(given, corpus):
    """Return a new translator with vocabularies of the corpus."""
    from keras_seq.models import Seq2Seq

    vocabulary = given.vocabulary
    if vocabulary is None and given.tokens is options.Tokens.subword:
        vocabulary = 8000
    say(f"Building the {given.tokens.value} vocabularies.")
    return Seq2Seq.from_texts(
        *corpus,
        tokens=given.tokens.value,
        lowercase=given.lowercase,
        max_vocabulary=vocabulary,
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


def make_optimizer(given):
    """Return Adam, or AdamW where there is weight decay."""
    import keras

    config = {"learning_rate": given.learning_rate, "global_clipnorm": given.clip or None}
    if given.ema is not None:
        config |= {"use_ema": True, "ema_momentum": given.ema}
    if given.weight_decay is not None:
        return keras.optimizers.AdamW(weight_decay=given.weight_decay, **config)
    return keras.optimizers.Adam(**config)


def make_callbacks(given, validation):
    """Return the callbacks, in the order in which they must come; `Checkpoint` is not in it."""
    from keras_seq.callbacks import AveragedWeights, BestModel, TextScore, TimeLimit

    callbacks = [] if given.ema is None else [AveragedWeights()]
    if given.minutes is not None:
        callbacks.append(TimeLimit(given.minutes, warmup=given.warmup))
    if validation is not None:
        if given.score is not options.Score.perplexity:
            score = given.score.value
            callbacks.append(TextScore(*validation, metric=score, lowercase=given.lowercase))
        lower = given.score in (options.Score.perplexity, options.Score.token_error_rate)
        mode = "min" if lower else "max"
        callbacks.append(BestModel(given.out, f"val_{given.score.value}", mode, given.patience))
    return callbacks


def fit(model, data, callbacks, given):
    """Train, from the beginning or from the state of an earlier training.

    Returns:
        Whether Ctrl-C ended it.
    """
    from keras_seq.callbacks import Checkpoint, StopOnInterrupt

    checkpoint = Checkpoint(state_file(given), settings(given))
    epoch = checkpoint.restore(model, callbacks)
    if epoch:
        say(f"Going on with epoch {epoch + 1}.")
    with StopOnInterrupt() as interrupt:
        model.fit(
            **data,
            batch_size=given.batch_size,
            epochs=given.epochs or (10 if given.minutes is None else 10_000),
            initial_epoch=epoch,
            callbacks=[interrupt, *callbacks, checkpoint],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    return interrupt.happened


def settings(given):
    """What the result depends on, for `Checkpoint`; of a file only its size."""
    config = {name: value for name, value in vars(given).items() if name not in MAY_CHANGE}
    for name in FILES:
        if config[name] is not None:
            config[name] = f"{pathlib.Path(config[name]).stat().st_size} bytes"
    return config


def finish(model, callbacks, interrupted, given):
    """Write what is not written yet, and say what there is."""
    from keras_seq.callbacks import BestModel

    state = state_file(given)
    best = next((one for one in callbacks if isinstance(one, BestModel)), None)
    if best is None:
        model.save(given.out)
    elif best.best is None:
        raise ValueError(f"{best.monitor} was not a number in any epoch; {given.out} is unchanged.")
    if interrupted:
        say(f"Stopped. {given.out} has the model so far; --resume goes on from {state}.")
        raise typer.Exit(INTERRUPTED)
    state.unlink()
    say(f"Wrote {given.out}.")
