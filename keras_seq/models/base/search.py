"""Compiled search for models that step: compiled once per bucket of shapes, not per call."""

import copy

import keras
import numpy as np
from keras import ops

from keras_seq.models.base.functions import CompiledFunctions
from keras_seq.samplers.noise import signed
from keras_seq.samplers.sampler import log_softmax
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
        self._compiled = CompiledFunctions(model)

    def __call__(
        self,
        inputs,
        sampler,
        limits,
        max_length,
        row_ids=None,
        return_trace=False,
        first_token_ids=None,
        end_token_id=None,
    ):
        """Search for continuations.

        Args:
            inputs: from each argument of `model.start` to a list of 1-D int32 arrays, one for each
                row.
            sampler: a `keras_seq.samplers.Sampler`.
            limits: how many tokens each row may get, a list of integers.
            max_length: the room for tokens, an integer at least as large as any limit.
            row_ids: see `Sampler.search`.
            return_trace: likewise.
            first_token_ids: what each row is fed first, a list of integers; the start token where
                `None`.
            end_token_id: what ends a row, an integer or a tuple of several; the end token where
                `None`.

        Returns:
            What `sampler.search` returns, as NumPy arrays without the padding rows.
        """
        sampler = copy.copy(sampler)  # whoever has it may change it meanwhile
        count = len(limits)
        rows = padded_rows(count)
        row_ids = range(count) if row_ids is None else row_ids
        if first_token_ids is None:
            first_token_ids = [self.start_token_id] * count
        columns = [_padded(column, rows) for column in inputs.values()]
        numbers = (first_token_ids, limits, row_ids)
        numbers = [pad([np.array(x, "int32")], rows)[0] for x in numbers]
        search = self._on_host if sampler.on_host else self._in_loop
        end = self.end_token_id if end_token_id is None else end_token_id
        results = search(tuple(inputs), columns, sampler, numbers, (end, max_length), return_trace)
        return keras.tree.map_structure(lambda x: ops.convert_to_numpy(x)[:count], results)

    def _in_loop(self, names, columns, sampler, numbers, ends, return_trace):
        """Search in one compiled function.

        Args:
            names, columns: of the arguments of `model.start`.
            numbers: the `first_token_ids`, `limits` and `row_ids` of `Sampler.search`.
            ends: its `end_token_id` and `max_length`.
        """
        fed, held = _taken_apart(sampler)
        step = self._compiled.straight(("straight step", names), self.model.step)
        start = self._compiled.reader(("start", names), self._start_of(names))

        def search(first, limits, row_ids, *arrays):
            state, memory = start(*arrays[len(fed) :])
            variant = _put_together(sampler, fed, arrays)
            return variant.search(step, state, memory, first, *ends, limits, row_ids, return_trace)

        search = self._compiled((held, ends, return_trace, names), search)
        tensors = (*numbers, *map(_number, fed.values()), *columns)
        return search(*map(ops.convert_to_tensor, tensors))

    def _on_host(self, names, columns, sampler, numbers, ends, return_trace):
        """Search in Python, with `start` and `step` compiled."""
        first, limits, row_ids = numbers
        state, memory = self._start(names, columns)
        structure = structure_of((0, state, memory))

        def flat_step(*leaves):
            return self.model.step(*keras.tree.pack_sequence_as(structure, leaves))

        flat_step = self._compiled(("step", names), flat_step)
        return sampler.search(
            lambda *arguments: flat_step(*keras.tree.flatten(arguments)),
            state,
            memory,
            first,
            *ends,
            limits,
            row_ids,
            return_trace,
        )

    def _start_of(self, names):
        """`model.start`, a function of the arguments in this order."""
        return lambda *arrays: self.model.start(**dict(zip(names, arrays, strict=True)))

    def _start(self, names, columns):
        """`model.start`, compiled."""
        start = self._compiled(("start", names), self._start_of(names))
        return start(*map(ops.convert_to_tensor, columns))

    def start(self, inputs):
        """Return `(state, memory)` before the first step, of inputs as for a search."""
        rows = padded_rows(len(next(iter(inputs.values()))))
        return self._start(tuple(inputs), [_padded(column, rows) for column in inputs.values()])

    def step_and_choose(self, sampler, token_ids, position, state, end_token_id):
        """Read one token in each row, and choose the next one; for a model without a memory.

        Args:
            sampler: a `keras_seq.samplers.Sampler` that chooses token by token.
            token_ids: int32 `(batch,)`.
            position: how many tokens were chosen before.
            state: as `start` or the last step returned it.
            end_token_id: what ends a text, an integer or a tuple of several.

        Returns:
            `(log_probabilities, chosen, state)`: `(batch, vocabulary_size)`, `(batch,)`, a nest.
        """
        sampler = copy.copy(sampler)
        fed, held = _taken_apart(sampler)
        structure = structure_of(state)
        read = self._compiled.straight(("straight step", ()), self.model.step)

        def step(token_ids, position, *arrays):
            leaves = arrays[len(fed) :]
            logits, new = read(token_ids, keras.tree.pack_sequence_as(structure, leaves), {})
            likely = log_softmax(logits)
            rows = ops.arange(token_ids.shape[0], dtype="int32")
            variant = _put_together(sampler, fed, arrays)
            chosen = variant.choose_allowed(likely, position, rows, end_token_id)
            return likely, chosen, new

        step = self._compiled((held, "step and choose", end_token_id), step)
        tensors = (token_ids, position, *map(_number, fed.values()), *keras.tree.flatten(state))
        return step(*map(ops.convert_to_tensor, tensors))

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
        rows = padded_rows(len(fed))
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


def _taken_apart(sampler):
    """The numbers of a sampler that are fed as tensors, a dict, and a key for all the rest.

    By what it holds, not by identity: `generate(sampler="beam")` makes a new one each time.
    """
    fed = {name: getattr(sampler, name) for name in sampler.fed}
    fed = {name: value for name, value in fed.items() if value is not None}
    held = tuple((name, _key(vars(sampler)[name])) for name in sorted({*vars(sampler)} - {*fed}))
    return fed, (type(sampler), held, tuple(fed))


def _key(value):
    """What tells a value from others, hashable: by what it holds, as far as that can be seen."""
    if isinstance(value, (bool, int, float, str, bytes, type(None))):
        return type(value), repr(value)
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(_key, value))
    if isinstance(value, dict):
        return type(value), tuple((_key(name), _key(item)) for name, item in value.items())
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype != object:
        return value.shape, value.dtype.str, value.tobytes()
    try:
        hash(value)
    except TypeError:
        return repr(value), _Itself(value)
    return repr(value), value  # alive as long as the key: no other one gets its `id`


class _Itself:
    """A value in a key that equals no other."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, _Itself) and self.value is other.value

    def __hash__(self):
        return id(self.value)


def structure_of(nest):
    """The nest without its tensors, for `keras.tree.pack_sequence_as`."""
    return keras.tree.map_structure(lambda _: 0, nest)


def _put_together(sampler, fed, arrays):
    """A copy of the sampler that holds the first of `arrays` in the place of what is fed."""
    variant = copy.copy(sampler)
    vars(variant).update(zip(fed, arrays, strict=False))
    return variant


def _padded(column, rows):
    """Return 1-D arrays as one int32 array with `rows` rows and a usual length."""
    empty = [np.zeros(0, "int32")] * (rows - len(column))
    return pad([*column, *empty], padded_length(max(map(len, column))))


def padded_rows(count):
    """The next power of two."""
    return 1 << (count - 1).bit_length()


def _number(value):
    """A number as an array of 32 bits."""
    return np.array(signed(value), "int32") if isinstance(value, int) else np.float32(value)
