"""Scheduled sampling: which tokens of a training step are the decoder's own, and what they are."""

from typing import TypeAlias

import keras
from keras import ops

from keras_seq._checks import as_number
from keras_seq._typing import Config

LearningRateSchedule = keras.optimizers.schedules.LearningRateSchedule
Ratio: TypeAlias = float | LearningRateSchedule | Config

LEVELS = ("token", "step", "batch")
FEEDBACKS = ("argmax", "sample")


def check_ratio(ratio):
    """Return a number in [0, 1], or the schedule that an instance or a config stands for."""
    if isinstance(ratio, dict):
        ratio = keras.saving.deserialize_keras_object(ratio)
    if isinstance(ratio, LearningRateSchedule):
        return ratio
    number = as_number(ratio)
    if number is None or not 0 <= number <= 1:
        raise ValueError(
            "`teacher_forcing_ratio` must be a number in [0, 1] or a LearningRateSchedule; "
            f"received {ratio!r}."
        )
    return number


def draw_steps(token_ids, ratio, level, feedback, seed):
    """Return what the steps of a pass read, a dict of tensors `(batch, steps)`.

    Args:
        token_ids: the true tokens, integers `(batch, steps)`.
        ratio, level, seed: as in `toss`.
        feedback: one of `FEEDBACKS`.

    Returns:
        `token_ids`, int32; `forced`, as `toss` returns it; and `draw` for samples, see `fed_back`.
    """
    batch, length = ops.shape(token_ids)
    steps = {"token_ids": ops.cast(token_ids, "int32")}
    steps["forced"] = toss(ratio, level, batch, length, seed)
    if feedback == "sample":
        steps["draw"] = keras.random.uniform((batch, length), seed=seed)
    return steps


def toss(ratio, level, batch, length, seed):
    """Return which tokens are the true ones, boolean `(batch, length)`; the first always is.

    Args:
        ratio: the probability of a true token.
        level: one of `LEVELS`: what each toss of the coin is for.
        batch: the number of rows.
        length: the number of steps.
        seed: a `keras.random.SeedGenerator`.
    """
    shape = {"token": (batch, length), "step": (1, length), "batch": (1, 1)}
    tossed = keras.random.uniform(shape[level], seed=seed)
    first = ops.arange(length) == 0
    forced = ops.logical_or(tossed < ops.cast(ratio, tossed.dtype), first)
    return ops.broadcast_to(forced, (batch, length))


def fed_back(logits, draw=None):
    """Return the decoder's own tokens, int32 `(batch,)`.

    Args:
        logits: `(batch, tokens)`.
        draw: a number in [0, 1) for each row that picks a token by its probability; `None` for the
            most probable one.
    """
    if draw is None:
        token_ids = ops.argmax(logits, axis=-1)
    else:
        probabilities = ops.softmax(ops.cast(logits, "float32"), axis=-1)
        below = ops.cumsum(probabilities, axis=-1) < draw[:, None]
        token_ids = ops.sum(ops.cast(below, "int32"), axis=-1)
        token_ids = ops.minimum(token_ids, ops.shape(logits)[-1] - 1)
    return ops.stop_gradient(ops.cast(token_ids, "int32"))
