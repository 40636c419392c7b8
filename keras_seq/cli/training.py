"""The common part of the commands that train: checks, optimiser, callbacks, run and its state."""

import pathlib
import sys

import typer

from keras_seq.cli.show import check_writable, describe, say

INTERRUPTED = 130  # the exit status of what Ctrl-C ended
MAY_CHANGE = ("out", "resume", "epochs", "minutes", "patience")  # in a training resumed


def check_training(given):
    """Raise a `ValueError` for options that do not go together, before any work is done."""
    if given.epochs is not None and given.epochs < 1:
        raise ValueError(f"--epochs must be at least 1; received {given.epochs}.")
    for name in ("batch_size", "patience"):
        if getattr(given, name) < 1:
            raise ValueError(
                f"--{name.replace('_', '-')} must be at least 1; received {getattr(given, name)}."
            )
    if not given.learning_rate > 0:
        raise ValueError(f"--learning-rate must be above 0; received {given.learning_rate}.")
    for name in ("clip", "weight_decay"):
        if not (getattr(given, name) or 0) >= 0:
            raise ValueError(
                f"--{name.replace('_', '-')} must be at least 0; received {getattr(given, name)}."
            )
    if given.warmup and given.minutes is None:
        raise ValueError("--warmup is a share of --minutes; received no --minutes.")
    if given.schedule and given.minutes is None:
        raise ValueError("--schedule is for --minutes; received no --minutes.")
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


def make_optimizer(given):
    """Return Adam, or AdamW where there is weight decay."""
    import keras

    config = {"learning_rate": given.learning_rate, "global_clipnorm": given.clip or None}
    if given.ema is not None:
        config |= {"use_ema": True, "ema_momentum": given.ema}
    if given.weight_decay is not None:
        return keras.optimizers.AdamW(weight_decay=given.weight_decay, **config)
    return keras.optimizers.Adam(**config)


def make_callbacks(given, monitor, mode, scores=()):
    """Return the callbacks, in the order in which they must come; `Checkpoint` is not in it.

    Args:
        given: the options of the command.
        monitor: the number in the logs that chooses the best model; `None` without held-out texts.
        mode: `"min"` or `"max"`.
        scores: callbacks that put numbers into the logs.
    """
    from keras_seq.callbacks import AveragedWeights, BestModel, TimeLimit

    callbacks = [] if given.ema is None else [AveragedWeights()]
    if given.minutes is not None:
        schedule = given.schedule or "linear"
        callbacks.append(TimeLimit(given.minutes, warmup=given.warmup, schedule=schedule))
    if monitor is not None:
        callbacks += [*scores, BestModel(given.out, monitor, mode, given.patience)]
    return callbacks


def train(model, data, callbacks, given, **compiled):
    """Compile and train a model, and write it; `compiled` goes to its `compile`."""
    model.compile(make_optimizer(given), label_smoothing=given.label_smoothing, **compiled)
    say(describe(model))
    finish(model, callbacks, fit(model, data, callbacks, given), given)


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
    for name, value in config.items():
        if isinstance(value, pathlib.Path):
            config[name] = f"{value.stat().st_size} bytes"
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
