"""Whose turn it is, where several threads use one model."""

import contextlib
import functools
import threading

import keras

from keras_seq.backend import keeps_values_aside, synchronize


class Turn:
    """A lock that a thread may take again while it has it, and lend.

    >>> turn = Turn()
    >>> with turn, turn:
    ...     turn.lend()  # to whoever waits: nobody
    """

    def __init__(self):
        self._change = threading.Condition()
        self._owner = None
        self._depth = 0  # how often the owner has taken it
        self._waiting = 0
        self._served = 0  # of those that had to wait
        self._lent = 0  # the depth, while it is lent

    def __enter__(self):
        me = threading.get_ident()
        with self._change:
            if self._owner not in (None, me):
                self._waiting += 1
                try:
                    self._change.wait_for(self._is_free)
                finally:
                    self._waiting -= 1
                self._served += 1
            self._owner = me
            self._depth += 1
        return self

    def __exit__(self, *error):
        with self._change:
            self._depth -= 1
            if not self._depth:
                self._owner = None
                self._change.notify_all()

    def _is_free(self):
        return self._owner is None

    def lend(self):
        """Let all threads that wait have their turn, and go on."""
        if not self._waiting:
            return
        with self._change:
            last = self._served + self._waiting
            depth = self._give_back()
            self._change.wait_for(
                lambda: self._is_free() and (self._served >= last or not self._waiting)
            )
            self._owner, self._depth = threading.get_ident(), depth

    def open(self):
        """Lend it until `close`, which nothing happens without."""
        with self._change:
            self._lent = self._give_back()

    def close(self):
        with self._change:
            if self._lent:
                self._change.wait_for(self._is_free)
                self._owner, self._depth = threading.get_ident(), self._lent
                self._lent = 0

    def _give_back(self):
        depth, self._depth, self._owner = self._depth, 0, None
        self._change.notify_all()
        return depth


class MeasuringTurn(Turn):
    """The turn of what counts in the metrics of a model, which has one set of them.

    Attributes:
        training: whether the owner trains the model, for which nobody can wait.
    """

    training = False

    def _is_free(self):
        if self.training:
            raise RuntimeError(
                "The model is being trained in another thread: until that `fit` ends it can be "
                "neither trained nor evaluated here, nor, on JAX, `predict` from ids. Wait for "
                "it, or use a copy of the model."
            )
        return super()._is_free()

    @contextlib.contextmanager
    def taken_to_train(self):
        """Within, a thread that comes is told that it cannot wait."""
        with self:
            before, self.training = self.training, True
            with self._change:
                self._change.notify_all()  # who waits already, too
            try:
                yield
            finally:
                self.training = before


class Turns:
    """The turns of one model.

    On JAX, Keras's `fit` and `evaluate` keep the values of the variables aside, and give the
    memory of the last ones away at every step. They hold `values`, and lend it between two batches
    and to the callbacks of an epoch, so that others read values that there are.

    Attributes:
        measuring: the turn of `fit`, `evaluate` and the like.
        values: that of whoever needs the values of the variables.
    """

    def __init__(self):
        self.measuring = MeasuringTurn()
        self.values = Turn()

    @contextlib.contextmanager
    def training(self):
        with self.measuring.taken_to_train(), self._values():
            try:
                yield
            finally:
                self.values.close()

    @contextlib.contextmanager
    def evaluating(self):
        with self.measuring, self._values():
            yield

    def predicting(self):
        """The turn of Keras's `predict`, which keeps values aside as its `evaluate` does."""
        return self.evaluating() if keeps_values_aside else contextlib.nullcontext()

    def reading(self, model):
        """Return a context in which the variables of `model` have their newest values."""
        return self._reading(model) if keeps_values_aside else contextlib.nullcontext()

    @contextlib.contextmanager
    def _reading(self, model):
        with self.values:
            synchronize(model)
            yield

    def _values(self):
        return self.values if keeps_values_aside else contextlib.nullcontext()

    def among(self, callbacks):
        """The callbacks of a `fit`, with those that lend the values."""
        if not keeps_values_aside:
            return callbacks
        return [_Open(self.values), *callbacks, _Close(self.values)]


class _Open(keras.callbacks.Callback):
    """Lends a turn to the other callbacks, which may wait for threads of theirs; stands first."""

    def __init__(self, turn):
        super().__init__()
        self.turn = turn

    def on_epoch_begin(self, epoch, logs=None):
        self.turn.open()

    def on_epoch_end(self, epoch, logs=None):
        self.turn.open()


class _Close(_Open):
    """Takes it back, and lends it between two batches; stands last."""

    def on_epoch_begin(self, epoch, logs=None):
        self.turn.close()

    def on_epoch_end(self, epoch, logs=None):
        self.turn.close()

    def on_train_batch_begin(self, batch, logs=None):
        self.turn.lend()

    def on_test_batch_begin(self, batch, logs=None):
        self.turn.lend()


def as_callbacks(callbacks):
    """Return the `callbacks` of a `fit` as a list."""
    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]


def in_turn(turn):
    """Decorate a method of a model: it runs in the turn of its `turns` that has this name."""

    def decorate(method):
        @functools.wraps(method)
        def within(self, *args, **kwargs):
            with getattr(self.turns, turn)():
                return method(self, *args, **kwargs)

        return within

    return decorate
