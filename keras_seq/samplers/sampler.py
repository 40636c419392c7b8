"""The loop of every sampler that keeps one sequence per row."""

import copy
import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import keras
from keras import ops

from keras_seq._options import options
from keras_seq._typing import Nest, Tensor
from keras_seq.samplers.trace import empty_trace, extend_trace

Step = Callable[[Tensor, Nest, Nest], tuple[Tensor, Nest]]
EndTokens = int | Sequence[int]

PLAIN = (bool, int, float, str, list, tuple, dict, type(None))  # what a config holds as it is
DEAD = -1e9  # the log-probability of what cannot be; finite, so that sums stay so


class Sampler:
    r"""Base class: from a stepping model to sequences of token ids.

    A sampler knows a model only through `step(token_ids, state, memory) -> (logits, state)`, with
    `token_ids` of shape `(batch,)` and `state` a nest of tensors, batch first. `memory` does not
    change over time and is not looked at. The loop runs inside a compiled function: TensorFlow's
    `while`, JAX's `while_loop`, a Python loop on PyTorch.

    A subclass with another rule for the next token defines `get_next_token`, or `choose` where the
    rule must know the row and the position; one with another search overrides `search`. To be
    saved with a compiled model it is registered with `keras.saving.register_keras_serializable`,
    and keeps the arguments of its constructor in attributes of the same names.

    Attributes:
        n_best: how many answers `generate` gives for each text; `None` for one that is no list.
        min_length: how many tokens there are at least before a token that ends a sequence.
        on_host: whether `search` runs in Python and wants only `step` compiled.
        fed: names of numbers among the attributes that a compiled search takes as tensors, so that
            another value compiles nothing again.
        per_row: from names of numbers among the attributes to dtypes: those that may be another for
            each row; see `with_rows`. Each request to a served language model brings its own.

    Example:

    >>> class Stubborn(Sampler):
    ...     def get_next_token(self, log_probabilities):
    ...         return ops.zeros_like(ops.argmax(log_probabilities, axis=-1)) + 5
    >>> isinstance(Stubborn(), Sampler)
    True
    """

    n_best = None
    min_length = 0
    on_host = False
    fed: ClassVar[tuple[str, ...]] = ()
    per_row: ClassVar[dict[str, str]] = {}

    def with_rows(self, **numbers: Tensor) -> Self:
        """Return a copy with a number for each row, tensors `(batch,)`, by the names in `per_row`.

        It goes into `search` only, and never fails: what makes no sense gets a meaning here.
        """
        variant = copy.copy(self)
        vars(variant).update(numbers)
        return variant

    def get_next_token(self, log_probabilities: Tensor) -> Tensor:
        """Return the next token ids `(batch,)`, int32, given `(batch, vocabulary_size)`."""
        raise NotImplementedError(
            f"{type(self).__name__} must define get_next_token(log_probabilities), "
            "choose(log_probabilities, position, row_ids) or search(...)."
        )

    def choose(self, log_probabilities: Tensor, position: Tensor, row_ids: Tensor) -> Tensor:
        """Return the next token ids `(batch,)`, int32.

        Args:
            log_probabilities: float32 `(batch, vocabulary_size)`.
            position: how many tokens stand before this one, an int32 scalar.
            row_ids: int32 `(batch,)`: which text a row belongs to, however texts are batched.
        """
        del position, row_ids
        return self.get_next_token(log_probabilities)

    def choose_allowed(
        self, log_probabilities: Tensor, position: Tensor, row_ids: Tensor, end_token_id: EndTokens
    ) -> Tensor:
        """`choose`, of the tokens that `min_length` allows; none that ends comes before it."""
        if self.min_length:
            early = position < self.min_length
            ends = is_end(ops.arange(ops.shape(log_probabilities)[-1]), end_token_id)
            log_probabilities = ops.where(ends & early, DEAD, log_probabilities)
        return self.choose(log_probabilities, position, row_ids)

    def search(
        self,
        step: Step,
        state: Nest,
        memory: Nest,
        start_token_ids: Tensor,
        end_token_id: EndTokens,
        max_length: int,
        limits: Tensor,
        row_ids: Tensor | None = None,
        return_trace: bool = False,
    ) -> dict[str, Any]:
        """Generate one or more sequences for each row.

        Args:
            step: see the class.
            state: the state before the first token.
            memory: a nest of tensors, batch first.
            start_token_ids: integers `(batch,)`, fed first and not part of the result.
            end_token_id: the id that ends a sequence, or a tuple of several that do.
            max_length: how many tokens there is room for, a Python integer.
            limits: integers `(batch,)`: after so many tokens a row ends without an end token.
            row_ids: integers `(batch,)`, see `choose`; 0, 1, 2, ... where `None`.
            return_trace: whether to return every step too.

        Returns:
            A dict of tensors: `token_ids` int32 `(batch, n, max_length)`, the end token included
            and 0 behind it, best sequence first; `lengths` int32 `(batch, n)`;
            `log_probabilities` `(batch, n)`, the sum over the tokens; and `scores` `(batch, n)`, by
            which the sequences are ranked. Here n is 1 and a score is a log-probability.

            With `return_trace` also `trace`, a dict of tensors `(batch, max_length, n)`: for the
            n sequences kept after each step `parents`, the number of the sequence that each one
            continues, among those of the step before; `token_ids`, what it continues it with;
            `log_probabilities` and `scores` of the sequence so far; and whether it has `finished`.
            A finished sequence goes on with token 0 and nothing else changes. Where all sequences
            of a row have finished, what follows has no meaning.
        """
        batch = ops.shape(start_token_ids)[0]
        limits = ops.convert_to_tensor(limits, dtype="int32")
        if row_ids is None:
            row_ids = ops.arange(batch, dtype="int32")
        held = ops.arange(max_length, dtype="int32"), limits, row_ids, memory

        def proceed(t, _tokens, _last, finished, *_):
            return ops.logical_and(t < max_length, ops.any(ops.logical_not(finished)))

        def body(held, t, tokens, last, finished, lengths, total, state, trace):
            positions, limits, row_ids, memory = held
            logits, state = step(last, state, memory)
            log_probabilities = log_softmax(logits)
            chosen = self.choose_allowed(log_probabilities, t, row_ids, end_token_id)
            chosen = ops.where(finished, 0, ops.cast(chosen, "int32"))
            column = chosen[:, None]
            total = total + ops.where(finished, 0.0, _at(log_probabilities, column))
            lengths = lengths + ops.cast(ops.logical_not(finished), "int32")
            tokens = ops.where(positions == t, column, tokens)
            finished = finished | is_end(chosen, end_token_id) | (t + 1 >= limits)
            if trace:
                trace = _extended(trace, t, column, total[:, None], finished[:, None])
            return t + 1, tokens, chosen, finished, lengths, total, state, trace

        variables = (
            ops.convert_to_tensor(0, dtype="int32"),
            ops.zeros((batch, max_length), dtype="int32"),
            ops.cast(start_token_ids, "int32"),
            limits <= 0,
            ops.zeros((batch,), dtype="int32"),
            ops.zeros((batch,), dtype="float32"),
            state,
            empty_trace(batch, max_length, 1) if return_trace else {},
        )
        kind = step, self, (end_token_id, max_length, return_trace)
        variables = search_loop(kind, proceed, body, held, variables)
        _, tokens, _, _, lengths, total, _, trace = variables
        result = {
            "token_ids": tokens[:, None],
            "lengths": lengths[:, None],
            "log_probabilities": total[:, None],
            "scores": total[:, None],
        }
        return {**result, "trace": trace} if return_trace else result

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of `__init__`, as the attributes of their names hold them.

        One that is kept under another name, or is no plain value, needs a `get_config` of its own.
        """
        held = {name: getattr(self, name, self) for name in options(type(self))}
        return {name: value for name, value in held.items() if isinstance(value, PLAIN)}

    def __repr__(self):
        arguments = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a sampler made with `config`."""
        return cls(**config)


def _at(log_probabilities, column):
    """Those of a column of tokens, `(batch,)`; cheaper in a loop than to gather along an axis."""
    token_ids = ops.arange(ops.shape(log_probabilities)[-1], dtype="int32")
    return ops.sum(ops.where(token_ids == column, log_probabilities, 0.0), axis=-1)


def _extended(trace, position, token_ids, total, finished):
    """The trace with a step of one sequence per row; all are `(batch, 1)`."""
    return extend_trace(
        trace,
        position,
        parents=ops.zeros_like(token_ids),
        token_ids=token_ids,
        log_probabilities=total,
        scores=total,
        finished=finished,
    )


def search_loop(
    kind: tuple[Step, Sampler, tuple],
    proceed: Callable,
    body: Callable,
    held: Nest,
    variables: Nest,
) -> Nest:
    """Return `variables = body(held, *variables)`, again and again while `proceed(*variables)`.

    On PyTorch the operations of step and body then run without Keras in between, see
    `backend.straight`. That needs a body that reads no tensor but what it is given, as the first
    one stands for those of all searches of its kind; and a sampler without surprises: one of ours
    that holds plain values.

    Args:
        kind: step, sampler, and whatever else decides what the two functions do.
    """
    step, sampler, options = kind
    repeated = getattr(step, "repeated", None)
    settings = vars(sampler)
    ours = type(sampler).__module__.startswith("keras_seq.")
    if not (repeated and ours and all(isinstance(x, PLAIN) for x in settings.values())):
        return ops.while_loop(proceed, functools.partial(body, held), variables)
    key = type(sampler), repr(settings), options
    return repeated(key, proceed, body, held, variables)


def is_dead(log_probability: Tensor) -> Tensor:
    """Whether this is the log-probability of what cannot be."""
    return log_probability < DEAD / 2


def is_end(token_ids: Tensor, end_token_id: EndTokens) -> Tensor:
    """Which of `token_ids` end a sequence.

    Args:
        token_ids: a tensor or an array of integers.
        end_token_id: an integer, or a tuple or list of them; an empty one for no end.
    """
    if not isinstance(end_token_id, (tuple, list)):
        return token_ids == end_token_id
    matches = [token_ids == int(end) for end in end_token_id]
    return functools.reduce(operator.or_, matches) if matches else token_ids != token_ids


def log_softmax(logits: Tensor) -> Tensor:
    """Return log-probabilities in float32."""
    return keras.ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
