"""What the recipe of a task means for training: the optimizer and the callbacks of `fit`."""

from collections.abc import Sequence

import keras

from keras_seq._recipes import Recipe
from keras_seq.models.base.averaged_weights import AveragedWeights
from keras_seq.models.base.learning_rate_decay import LearningRateDecay

# What takes the place of a callback of the recipe.
INSTEAD = {
    AveragedWeights: (AveragedWeights, keras.callbacks.SwapEMAWeights),
    LearningRateDecay: (
        LearningRateDecay,
        keras.callbacks.LearningRateScheduler,
        keras.callbacks.ReduceLROnPlateau,
    ),
}


def make_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Return Adam as the recipe has it."""
    return keras.optimizers.Adam(
        recipe.learning_rate, global_clipnorm=1.0, use_ema=True, ema_momentum=recipe.ema
    )


def make_callbacks(recipe: Recipe) -> list[keras.callbacks.Callback]:
    """Return the callbacks of the recipe, in the order in which they must come."""
    return [AveragedWeights(), LearningRateDecay(recipe.warmup)]


def not_replaced(
    own: Sequence[keras.callbacks.Callback], callbacks: Sequence[keras.callbacks.Callback]
) -> list[keras.callbacks.Callback]:
    """Return those of the recipe's `own` callbacks whose work none of `callbacks` does."""
    return [
        callback
        for callback in own
        if not any(isinstance(other, INSTEAD[type(callback)]) for other in callbacks)
    ]
