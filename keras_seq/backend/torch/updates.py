"""Adam's updates on the processor in one pass over the weights.

Keras's Adam on PyTorch goes over each weight, gradient and moment with an operation at a time,
about 20 for a step, each of which waits for memory: in a translator of 5 million weights that took
a fifth of the training. The arithmetic here is the same, but for rounding.
"""

import contextlib
import functools
import math

import keras
import torch

from keras_seq.backend.torch.graphs import is_watched


@contextlib.contextmanager
def in_one_pass(optimizer):
    """Inside, `optimizer` updates so; what is not Keras's own Adam or AdamW stays as it is."""
    if not _is_plain_adam(optimizer) or "_backend_update_step" in vars(optimizer):
        yield
        return
    short = {
        "_backend_update_step": _update,
        "_clip_gradients": _clip,
        "_update_model_variables_moving_average": _average,
    }
    for name, function in short.items():
        usual = getattr(optimizer, name)
        setattr(optimizer, name, functools.partial(function, optimizer, usual))
    try:
        yield
    finally:
        for name in short:
            delattr(optimizer, name)


def _is_plain_adam(optimizer):
    """A subclass of a user's may compute something else."""
    is_keras = type(optimizer).__module__.startswith("keras.")
    return isinstance(optimizer, keras.optimizers.Adam) and is_keras and not optimizer.amsgrad


def _update(optimizer, usual, gradients, variables, learning_rate):
    places = [optimizer._get_variable_index(variable) for variable in variables]
    weights = [variable.value for variable in variables]
    momentums = [optimizer._momentums[place].value for place in places]
    velocities = [optimizer._velocities[place].value for place in places]
    if not _is_dense(weights, gradients, momentums, velocities):
        usual(gradients, variables, learning_rate)
        return
    # The rate in float32, as Keras takes it: 1 - beta ** step is inexact there in the first steps.
    step = keras.ops.convert_to_tensor(optimizer.iterations).float() + 1
    beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
    powers = [torch.pow(torch.tensor(beta), step) for beta in (beta_1, beta_2)]
    rate = float(learning_rate * torch.sqrt(1 - powers[1]) / (1 - powers[0]))
    # PyTorch divides the moments by these, Keras the rate; `epsilon` is added after and before.
    by_1, by_2 = (1 - beta ** float(step) for beta in (beta_1, beta_2))
    with torch.no_grad():
        torch._fused_adam_(
            weights,
            gradients,
            momentums,
            velocities,
            [],
            [step] * len(weights),
            lr=rate * by_1 / math.sqrt(by_2),
            beta1=beta_1,
            beta2=beta_2,
            weight_decay=0.0,  # Keras's AdamW has subtracted it
            eps=optimizer.epsilon / math.sqrt(by_2),
            amsgrad=False,
            maximize=False,
        )


def _clip(optimizer, usual, gradients):
    limit = optimizer.global_clipnorm
    is_only = optimizer.clipnorm is None and optimizer.clipvalue is None
    if not (limit and limit > 0 and is_only and _is_dense(gradients)):
        return usual(gradients)
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in gradients))
    if norm <= limit:
        return gradients
    if not math.isfinite(norm):
        return usual(gradients)
    return [gradient * (limit / norm) for gradient in gradients]


def _average(optimizer, usual, variables):
    averages = optimizer._model_variables_moving_average
    pairs = [(a, v) for a, v in zip(averages, variables, strict=True) if a is not None]
    kept = [average.value for average, _ in pairs]
    weights = [variable.value for _, variable in pairs]
    if not _is_dense(kept, weights):
        usual(variables)
        return
    momentum = optimizer.ema_momentum if int(optimizer.iterations) else 0
    with torch.no_grad():
        for average, weight in zip(kept, weights, strict=True):
            average.lerp_(weight, 1 - momentum)


def _is_dense(*lists):
    """Whether these are plain arrays of float32 on the processor, as the single pass reads them."""
    tensors = [tensor for tensors in lists for tensor in tensors]
    return not is_watched() and all(
        x.layout == torch.strided
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.is_contiguous()
        for x in tensors
    )
