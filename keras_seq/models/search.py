"""Compiled search for models that step: compiled once per bucket of shapes, not per call."""

import copy

import keras
import numpy as np
from keras import ops

from keras_seq.backend import compiled
from keras_seq.samplers.noise import signed
from keras_seq.text.examples import pad, padded_length


class CompiledSearch:
    """The compiled searches of one model that has `start` and `step`.

        state, memory = model.start(**inputs)
        logits, state = model.step(token_ids, state, memory)

    Rows are padded to a power of two and lengths by `padded_length`, so that calls with other
    texts meet the same shapes. Padding rows have a limit of 0 tokens and end at once.

    Args:
        model: the model.
        start_token_id: the token that is fed first.
        end_token_id: the token that ends a sequence.
    """

    def __init__(self, model, start_token_id, end_token_id):
        self.model = model
        self.start_token_id = start_token_id
        self.end_token_id = end_token_id
        self._functions = {}

    def __call__(self, inputs, sampler, limits, max_length, row_ids=None, return_trace=False):
        """Search for continuations.

        Args:
            inputs: from each argument of `model.start` to a list of 1-D int32 arrays, one for each
                row.
            sampler: a `keras_seq.samplers.Sampler`.
            limits: how many tokens each row may get, a list of integers.
            max_length: the room for tokens, an integer at least as large as any limit.
            row_ids: see `Sampler.search`.
            return_trace: likewise.

        Returns:
            What `sampler.search` returns, as NumPy arrays without the padding rows.
        """
        count = len(limits)
        rows = _padded_rows(count)
        row_ids = range(count) if row_ids is None else row_ids
        columns = [_padded(column, rows) for column in inputs.values()]
        numbers = [pad([np.array(x, "int32")], rows)[0] for x in (limits, row_ids)]
        search = self._on_host if sampler.on_host else self._in_loop
        found = search(tuple(inputs), columns, sampler, max_length, *numbers, return_trace)
        return keras.tree.map_structure(lambda x: ops.convert_to_numpy(x)[:count], found)

    def _in_loop(self, names, columns, sampler, max_length, limits, row_ids, return_trace):
        """Search in one compiled function."""
        fed = {name: getattr(sampler, name) for name in sampler.fed}
        fed = {name: value for name, value in fed.items() if value is not None}
        # By what it holds, not by identity: `generate(sampler="beam")` makes a new one each time.
        held = {name: value for name, value in vars(sampler).items() if name not in fed}
        key = (type(sampler), repr(sorted(held.items())), tuple(fed), max_length, return_trace)
        key = (key, names)
        if key not in self._functions:

            def search(limits, row_ids, *arrays):
                variant = copy.copy(sampler)
                vars(variant).update(zip(fed, arrays, strict=False))
                inputs = dict(zip(names, arrays[len(fed) :], strict=True))
                state, memory = self.model.start(**inputs)
                return variant.search(
                    self.model.step,
                    state,
                    memory,
                    ops.zeros_like(limits) + self.start_token_id,
                    self.end_token_id,
                    max_length,
                    limits,
                    row_ids,
                    return_trace,
                )

            self._functions[key] = compiled(search, self.model.weights)
        arrays = [*map(_number, fed.values()), *columns]
        return self._functions[key](*map(ops.convert_to_tensor, (limits, row_ids, *arrays)))

    def _on_host(self, names, columns, sampler, max_length, limits, row_ids, return_trace):
        """Search in Python, with `start` and `step` compiled."""

        def start(*arrays):
            return self.model.start(**dict(zip(names, arrays, strict=True)))

        state, memory = self._compiled(("start", names), start)(
            *map(ops.convert_to_tensor, columns)
        )
        structure = (0, state, memory)

        def flat_step(*leaves):
            return self.model.step(*keras.tree.pack_sequence_as(structure, leaves))

        flat_step = self._compiled(("step", names), flat_step)
        return sampler.search(
            lambda *arguments: flat_step(*keras.tree.flatten(arguments)),
            state,
            memory,
            np.full(len(limits), self.start_token_id, "int32"),
            self.end_token_id,
            max_length,
            limits,
            row_ids,
            return_trace,
        )

    def attention(self, inputs, target_ids):
        """Return the attention weights of given targets in one teacher-forced pass.

        Args:
            inputs: as for a search.
            target_ids: list of 1-D int32 arrays, the tokens written, for each row.

        Returns:
            A list of float32 arrays `(target tokens, source tokens)`, or of `None`. The source is
            the first of the inputs.
        """
        names = (*inputs, "target_ids")

        def attend(*arrays):
            return self.model(dict(zip(names, arrays, strict=True)), return_attention=True)[1]

        fed = [np.concatenate([[self.start_token_id], ids[:-1]]) for ids in target_ids]
        rows = _padded_rows(len(fed))
        columns = [_padded(column, rows) for column in (*inputs.values(), fed)]
        attend = self._compiled(("attention", names), attend)
        weights = attend(*map(ops.convert_to_tensor, columns))
        if weights is None:
            return [None] * len(fed)
        weights = ops.convert_to_numpy(weights).astype("float32")
        return [
            row[: len(target), : len(source)]
            for row, source, target in zip(
                weights, next(iter(inputs.values())), target_ids, strict=False
            )
        ]

    def _compiled(self, key, function):
        """The compiled `function`, or the one that was compiled under this key before."""
        if key not in self._functions:
            self._functions[key] = compiled(function, self.model.weights)
        return self._functions[key]


def _padded(column, rows):
    """Return 1-D arrays as one int32 array with `rows` rows and a usual length."""
    empty = [np.zeros(0, "int32")] * (rows - len(column))
    return pad([*column, *empty], padded_length(max(map(len, column))))


def _padded_rows(count):
    """The next power of two."""
    return 1 << (count - 1).bit_length()


def _number(value):
    """A number as an array of 32 bits."""
    return np.array(signed(value), "int32") if isinstance(value, int) else np.float32(value)
