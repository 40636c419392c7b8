"""Keep what holds within a block of code, apart in each thread."""

import contextlib
import threading


class Stack(threading.local):
    """Things that hold, the innermost one last; every thread has a stack of its own.

    What holds while one thread traces a model must not reach another that runs one beside it.

    >>> stack = Stack()
    >>> with stack.holding("outer"), stack.holding("inner"):
    ...     print(stack.top())
    inner
    >>> stack.top() is None
    True
    """

    def __init__(self):  # once for each thread
        self._things = []

    @contextlib.contextmanager
    def holding(self, thing):
        """Within, `thing` is the top."""
        self._things.append(thing)
        try:
            yield thing
        finally:
            self._things.pop()

    def top(self):
        """The innermost thing, or `None`."""
        return self._things[-1] if self._things else None
