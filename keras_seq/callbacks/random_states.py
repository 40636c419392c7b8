"""The global random generators that a training may draw from."""

import base64
import random
import sys

import numpy as np


def get_random_states():
    """Return the states of the generators of Python, NumPy and, where loaded, PyTorch, as JSON.

    PyTorch's are in it because Keras's `Dropout` draws from them there, not from its own seed.
    """
    version, words, gauss = random.getstate()
    kind, keys, *rest = np.random.get_state()
    states = {"python": [version, list(words), gauss], "numpy": [kind, keys.tolist(), *rest]}
    if torch := sys.modules.get("torch"):
        tensors = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
        states["torch"] = [base64.b64encode(t.numpy().tobytes()).decode() for t in tensors]
    return states


def set_random_states(states):
    """Put the generators into the states that `get_random_states` returned."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(tuple(states["numpy"]))
    torch = sys.modules.get("torch")
    if torch and "torch" in states:
        cpu, *gpus = [bytearray(base64.b64decode(text)) for text in states["torch"]]
        torch.set_rng_state(torch.frombuffer(cpu, dtype=torch.uint8))
        torch.cuda.set_rng_state_all([torch.frombuffer(gpu, dtype=torch.uint8) for gpu in gpus])
