"""Compiled search for models that step: compiled once per bucket of shapes, not per call."""

import numpy as np
from keras import ops

from keras_seq.backend import compiled
from keras_seq.text.examples import pad, padded_length


class CompiledSearch:
    """The compiled searches of one model with `start(ids)` and `step(token_ids, state, memory)`.

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

    def __call__(self, ids, sampler, limits, max_length):
        """Search for continuations of the rows `ids`.

        Args:
            ids: list of 1-D int32 arrays.
            sampler: a `keras_seq.samplers.Sampler`.
            limits: how many tokens each row may get, a list of integers.
            max_length: the room for tokens, an integer at least as large as any limit.

        Returns:
            What `sampler.search` returns, as NumPy arrays without the padding rows.
        """
        rows = _padded_rows(len(ids))
        source = np.zeros((rows, padded_length(max(map(len, ids)))), "int32")
        source[: len(ids)] = pad(ids, source.shape[1])
        limits = np.array([*limits, *[0] * (rows - len(limits))], "int32")
        function = self._compiled(sampler, max_length)
        found = function(ops.convert_to_tensor(source), ops.convert_to_tensor(limits))
        return {name: ops.convert_to_numpy(x)[: len(ids)] for name, x in found.items()}

    def _compiled(self, sampler, max_length):
        # By what it holds, not by identity: `generate(sampler="beam")` makes a new one each time.
        key = (type(sampler), repr(sorted(vars(sampler).items())), max_length)
        if key not in self._functions:

            def search(source_ids, limits):
                state, memory = self.model.start(source_ids)
                return sampler.search(
                    self.model.step,
                    state,
                    memory,
                    ops.zeros_like(limits) + self.start_token_id,
                    self.end_token_id,
                    max_length,
                    limits,
                )

            self._functions[key] = compiled(search, self.model.weights)
        return self._functions[key]

    def attention(self, source_ids, target_ids):
        """Return the attention weights of given targets in one teacher-forced pass.

        Args:
            source_ids: list of 1-D int32 arrays.
            target_ids: list of 1-D int32 arrays, the tokens written, for each source.

        Returns:
            A list of float32 arrays `(target tokens, source tokens)`, or of `None`.
        """
        if "attention" not in self._functions:

            def attend(source_ids, target_ids):
                inputs = {"source_ids": source_ids, "target_ids": target_ids}
                return self.model(inputs, return_attention=True)[1]

            self._functions["attention"] = compiled(attend, self.model.weights)
        rows = _padded_rows(len(source_ids))
        empty = [np.zeros(0, "int32")] * (rows - len(source_ids))
        fed = [np.concatenate([[self.start_token_id], ids[:-1]]) for ids in target_ids]
        arrays = [
            pad([*one, *empty], padded_length(max(map(len, one)))) for one in (source_ids, fed)
        ]
        weights = self._functions["attention"](*map(ops.convert_to_tensor, arrays))
        if weights is None:
            return [None] * len(source_ids)
        weights = ops.convert_to_numpy(weights).astype("float32")
        return [
            row[: len(target), : len(source)]
            for row, source, target in zip(weights, source_ids, target_ids, strict=False)
        ]


def _padded_rows(count):
    """The next power of two."""
    return 1 << (count - 1).bit_length()
