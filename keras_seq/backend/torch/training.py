"""Training on PyTorch, whose steps change a model in place."""

import contextlib

import torch

from keras_seq.backend.torch.updates import in_one_pass

_PRECISIONS = {"float32": "highest", "tensorfloat32": "high", "bfloat16": "medium"}


def round_products(dtype):
    torch.set_float32_matmul_precision(_PRECISIONS[dtype])


@contextlib.contextmanager
def kept_on_error(model):
    """A step whose metric raises has trained already."""
    training = model.training
    try:
        with in_one_pass(getattr(model, "optimizer", None)):
            yield
    except BaseException:
        model.train(training)  # `fit` has switched it, for layers of PyTorch
        raise


def random_state():
    """Keras's `Dropout` draws from them here, not from its own seed."""
    states = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return [state.numpy().tobytes() for state in states]


def set_random_state(states):
    cpu, *gpus = [torch.frombuffer(bytearray(state), dtype=torch.uint8) for state in states]
    torch.set_rng_state(cpu)
    torch.cuda.set_rng_state_all(gpus)
