"""The global random generators that a training may draw from."""

import base64
import random

import numpy as np

from keras_seq.backend import random_state, set_random_state


def get_random_states():
    """Return the states of the generators of Python, NumPy and the backend, as JSON."""
    version, words, gauss = random.getstate()
    kind, keys, *rest = np.random.get_state()
    return {
        "python": [version, list(words), gauss],
        "numpy": [kind, keys.tolist(), *rest],
        "backend": [base64.b64encode(state).decode() for state in random_state()],
    }


def set_random_states(states):
    """Put the generators into the states that `get_random_states` returned."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(tuple(states["numpy"]))
    set_random_state([base64.b64decode(state) for state in states["backend"]])
