"""The common part of the commands that train: checks, optimiser, callbacks, run and its state."""

import pathlib
import sys

import typer

from keras_seq.cli import devices
from keras_seq.cli.show import check_writable, describe, say

INTERRUPTED = 130  # the exit status of what Ctrl-C ended
# In a training resumed.
MAY_CHANGE = ("out", "resume", "epochs", "minutes", "patience", *devices.NAMES)


def check_training(args):
    """Raise a `ValueError` for options that do not go together, before any work is done."""
    if args.epochs is not None and args.epochs < 1:
        raise ValueError(f"--epochs must be at least 1; received {args.epochs}.")
    for name in ("batch_size", "patience"):
        if getattr(args, name) < 1:
            raise ValueError(
                f"--{name.replace('_', '-')} must be at least 1; received {getattr(args, name)}."
            )
    if not args.learning_rate > 0:
        raise ValueError(f"--learning-rate must be above 0; received {args.learning_rate}.")
    for name in ("clip", "weight_decay"):
        if not (getattr(args, name) or 0) >= 0:
            raise ValueError(
                f"--{name.replace('_', '-')} must be at least 0; received {getattr(args, name)}."
            )
    if args.out.suffix != ".keras":
        raise ValueError(f"--out must end in .keras; received {args.out}.")
    check_writable(args.out)
    state = state_file(args)
    if state.exists() and not args.resume:
        raise ValueError(
            f"{state} is the state of a training that is not complete: go on with it by --resume, "
            "or delete it."
        )
    if args.resume and not state.exists():
        say(f"There is no {state}: training begins anew.")
    if args.matmul_precision is not None:
        from keras_seq.backend import round_products

        round_products(args.matmul_precision)


def state_file(args):
    """Where the state of the training is."""
    return args.out.with_name(args.out.name + ".state")


def make_optimizer(args):
    """Return Adam, or AdamW where there is weight decay."""
    import keras

    config = {"learning_rate": args.learning_rate, "global_clipnorm": args.clip or None}
    if args.ema:
        config |= {"use_ema": True, "ema_momentum": args.ema}
    if args.weight_decay is not None:
        return keras.optimizers.AdamW(weight_decay=args.weight_decay, **config)
    return keras.optimizers.Adam(**config)


def make_callbacks(args, monitor, mode, scores=()):
    """Return the callbacks, in the order in which they must come; `Checkpoint` is not in it.

    Args:
        args: the options of the command.
        monitor: the number in the logs that chooses the best model; `None` without held-out texts.
        mode: `"min"` or `"max"`.
        scores: callbacks that put numbers into the logs.
    """
    from keras_seq.callbacks import AveragedWeights, BestModel, LearningRateDecay, TimeLimit

    callbacks = [AveragedWeights()] if args.ema else []
    falls = {"warmup": args.warmup, "schedule": args.schedule}
    if args.schedule == "constant":
        falls = {"decay": False}
    if args.minutes is not None:
        callbacks.append(TimeLimit(args.minutes, **falls))
    elif args.schedule != "constant":
        callbacks.append(LearningRateDecay(**falls))
    if monitor is not None:
        callbacks += [*scores, BestModel(args.out, monitor, mode, args.patience)]
    return callbacks


def train(model, data, callbacks, args, **compiled):
    """Compile and train a model, and write it; `compiled` goes to its `compile`."""
    smoothing = args.label_smoothing
    if smoothing is None:
        smoothing = model.default_label_smoothing()
    model.compile(make_optimizer(args), label_smoothing=smoothing, **compiled)
    say(describe(model))
    finish(model, callbacks, fit(model, data, callbacks, args), args)


def fit(model, data, callbacks, args):
    """Train, from the beginning or from the state of an earlier training.

    Returns:
        Whether Ctrl-C ended it.
    """
    from keras_seq.callbacks import Checkpoint, StopOnInterrupt

    checkpoint = Checkpoint(state_file(args), settings(args))
    epoch = checkpoint.restore(model, callbacks)
    if epoch:
        say(f"Going on with epoch {epoch + 1}.")
    with StopOnInterrupt() as interrupt:
        model.fit(
            **data,
            batch_size=args.batch_size,
            epochs=args.epochs or (model.recipe.epochs if args.minutes is None else 10_000),
            initial_epoch=epoch,
            callbacks=[interrupt, *callbacks, checkpoint],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    return interrupt.happened


def settings(args):
    """What the result depends on, for `Checkpoint`; of a file only its size."""
    from keras_seq.datasets.lines import Lines

    config = {name: value for name, value in vars(args).items() if name not in MAY_CHANGE}
    if config.get("matmul_precision", "") is None:  # as in a state of before there was this option
        del config["matmul_precision"]
    for name, value in config.items():
        if isinstance(value, pathlib.Path):
            sizes = (file.path.stat().st_size for file in Lines(value).files())
            config[name] = f"{' + '.join(map(str, sizes))} bytes"
    return config


def finish(model, callbacks, interrupted, args):
    """Write what is not written yet, and say what there is."""
    from keras_seq.callbacks import BestModel
    from keras_seq.models.base.sharing import saved_once, written_once

    state = state_file(args)
    best = next((callback for callback in callbacks if isinstance(callback, BestModel)), None)
    if best is None:
        saved_once(model, args.out)
    elif best.best is None:
        raise ValueError(f"{best.monitor} was not a number in any epoch; {args.out} is unchanged.")
    if interrupted:
        say(f"Stopped. {args.out} has the model so far; --resume goes on from {state}.")
        raise typer.Exit(INTERRUPTED)
    written_once(model, state.unlink)
    say(f"Wrote {args.out}.")
