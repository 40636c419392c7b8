"""A text that grows token by token."""

import numpy as np
from keras import ops

from keras_seq._checks import check_positive
from keras_seq.models.base.stop_tokens import end_token_ids
from keras_seq.samplers.sampler import Sampler, is_end
from keras_seq.text.forms import single_text

TAIL = 8  # tokens before a new one that decide how it is written


class Stream:
    r"""A language model that reads and writes in real time: one token in, one out.

        log p(. | y_<=t), s_t = step(y_t, s_(t-1))

    Each token takes the same time however long the text is. `LanguageModel.stream` makes one.

    Iterating draws the next token, gives what it adds to the text, and reads it; it ends with the
    end token, which is not read, or after `max_length` tokens. `feed` reads a token from outside,
    as where a person types. Both may take turns.

    Args:
        model: a `LanguageModel`.
        prompt: a string, read at once.
        sampler: a `samplers.Sampler` that chooses token by token, such as `Random` or `Greedy`.
        max_length: after so many tokens an iteration ends; `None` for the end token alone.
        stop_tokens: as in `LanguageModel.generate`; the one with which an iteration ends is given
            and read.

    Attributes:
        tokens: what was read and written, a list of str.
        log_probabilities: float32 `(vocabulary_size,)`, of the next token; the padding, the start
            token and the unknown token have practically none.

    Raises:
        ValueError: for a prompt that is no string, a sampler that looks at whole texts, and stop
            tokens that are none of the vocabulary.

    Example:

    ```python
    stream = model.stream("To be", sampler="greedy", max_length=100)
    for piece in stream:
        print(piece, end="", flush=True)

    stream = model.stream()
    for character in "What is":
        stream.feed(character)
        print(stream.likely(3))  # what a keyboard would offer
    ```
    """

    def __init__(self, model, prompt, sampler, max_length=None, stop_tokens=None):
        text = single_text(prompt)
        if text is None:
            raise ValueError(f"`prompt` must be a string; received {prompt!r}.")
        if type(sampler).search is not Sampler.search:
            raise ValueError(
                "A stream chooses token by token, as Random and Greedy do; received "
                f"{sampler!r}, which looks at whole texts."
            )
        self.model = model
        self.sampler = sampler
        self.max_length = None if max_length is None else check_positive("max_length", max_length)
        self._end = end_token_ids(model.tokenizer, stop_tokens)
        self._stopped = False
        self.tokens = [] if not text else model.tokenizer.split(text)
        self._written = 0
        ids, _ = model.preprocessor.encode([text])
        self._state, _ = model._search.start({"prompt_ids": [ids[0][:-1]]})
        self._read(int(ids[0][-1]))

    def feed(self, token: str) -> None:
        """Read a token of the vocabulary, a str; an unknown one is read as such.

        Returns:
            The stream itself.
        """
        if not isinstance(token, str):
            raise ValueError(f"`token` must be a string; received {token!r}.")
        tokenizer = self.model.tokenizer
        known = token in tokenizer
        self.tokens.append(token)
        self._stopped = False
        self._read(tokenizer.token_to_id(token) if known else tokenizer.unknown_token_id)
        return self

    def likely(self, count: int = 5) -> list[tuple[str, float]]:
        """Return the `count` most probable next tokens, pairs of a str and its probability."""
        tokenizer = self.model.tokenizer
        best = np.argsort(-self.log_probabilities, kind="stable")[:count]
        chances = np.exp(self.log_probabilities[best]).tolist()
        return list(zip(map(tokenizer.id_to_token, best.tolist()), chances, strict=True))

    @property
    def text(self) -> str:
        """All that was read and written, as a text."""
        return self.model.tokenizer.join(self.tokens)

    def __iter__(self):
        return self

    def __next__(self):
        done = self.max_length is not None and self._written >= self.max_length
        if done or self._stopped or self._next == self.model.tokenizer.end_token_id:
            raise StopIteration
        tokenizer = self.model.tokenizer
        token, tail = tokenizer.id_to_token(self._next), self.tokens[-TAIL:]
        piece = tokenizer.join([*tail, token])[len(tokenizer.join(tail)) :]
        self.tokens.append(token)
        self._written += 1
        self._stopped = bool(is_end(self._next, self._end))
        self._read(self._next)
        return piece

    def _read(self, token_id):
        """Feed a token; find what may follow, and what is drawn of it."""
        token_ids, position = np.array([token_id], "int32"), np.int32(self._written)
        log_probabilities, chosen, self._state = self.model._search.step_and_choose(
            self.sampler, token_ids, position, self._state, self._end
        )
        self.log_probabilities = ops.convert_to_numpy(log_probabilities)[0]
        self._next = int(ops.convert_to_numpy(chosen)[0])
