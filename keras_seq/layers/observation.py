"""Observe a recurrence: add to its states, write down its steps."""

import contextlib

import keras
from keras import ops

from keras_seq.backend import scan
from keras_seq.backend.stack import Stack
from keras_seq.layers.cells import advance

_active = Stack()  # the observations that are running


class Observation:
    """What happens at each step of the recurrences that run while the observation is active.

        with observing(Observation()):
            model(x, training=False)

    Every recurrence of this package then goes step by step, and each step of each cell through
    `step`. The base class changes nothing and writes nothing down; a subclass overrides what it
    needs. A cell that runs more than once in a model is told apart by the number of the run: a key
    is `(id(cell), run)`.
    """

    def __init__(self):
        self.runs = {}
        self._here = []

    def begin(self):
        """Start counting runs anew: to be called before each run of the model."""
        self.runs = {}

    def additions(self, cell, key, batch, steps):
        """What each step is given, a nest of tensors `(batch, steps, ...)` in order of time."""
        return ()

    def step(self, cell, key, x, state, addition, training):
        """Run one step of `cell`.

        Args:
            cell: the cell.
            key: its key.
            x: `(batch, features)`.
            state: list of tensors.
            addition: one step of `additions`.
            training: passed to the cell.

        Returns:
            `(output, state, record)`, the record a nest of tensors `(batch, ...)`.
        """
        output, state = advance(cell, x, state, training)
        return output, state, ()

    def collect(self, cell, key, record, mask):
        """Take the records of all steps, `(batch, steps, ...)` in order of time, and the mask."""

    def key(self, thing):
        """The key of this run of `thing`, a cell or a layer."""
        self.runs[id(thing)] = self.runs.get(id(thing), -1) + 1
        return id(thing), self.runs[id(thing)]

    @contextlib.contextmanager
    def at(self, keys, additions):
        """Within, the cells of a loop make one step; yields the dict of what they write down."""
        records = {}
        self._here.append((keys, dict(zip(keys, additions, strict=True)), records))
        try:
            yield records
        finally:
            self._here.pop()

    def run(self, cell, x, state, training):
        """One step of a cell, in a loop that was begun by `observed_scan`, or by itself."""
        if not self._here:
            return advance(cell, x, state, training)
        keys, additions, records = self._here[-1]
        key = next(key for key in keys if key[0] == id(cell))
        output, state, records[key] = self.step(cell, key, x, list(state), additions[key], training)
        return output, state


def observing(observation):
    """Return a context: within, `observation` is the active one of this thread."""
    return _active.holding(observation)


def current_observation():
    """The active observation of this thread, or `None`."""
    return _active.top()


def observed_scan(cells, step, state, inputs, matrices=(), mask=None, reverse=False):
    """`backend.scan`, which shows the steps of `cells` to the active observation.

    Args:
        cells: those that `step` runs, each once, by `ObservedStepper`.
        step, state, inputs, matrices: as in `backend.scan`.
        mask: boolean `(batch, time)` in order of time, for the observation alone.
        reverse: whether `inputs` were turned round: to an observation, time goes forward.
    """
    observation = current_observation()
    if observation is None:
        return scan(step, state, inputs, matrices)
    batch, steps = ops.shape(keras.tree.flatten(inputs)[0])[:2]
    keys = [observation.key(cell) for cell in cells]
    additions = [
        observation.additions(cell, key, batch, steps)
        for cell, key in zip(cells, keys, strict=True)
    ]

    def observed(x, state):
        x, now = x
        with observation.at(keys, now) as records:
            output, state = step(x, state)
        return (output, [records[key] for key in keys]), state

    inputs = inputs, _turned(additions, reverse)
    (outputs, records), state = scan(observed, state, inputs)
    for cell, key, record in zip(cells, keys, _turned(records, reverse), strict=True):
        observation.collect(cell, key, record, mask)
    return outputs, state


def _turned(tensors, reverse):
    return keras.tree.map_structure(lambda x: ops.flip(x, axis=1) if reverse else x, tensors)
