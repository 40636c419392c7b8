"""A language model with strings: `generate`, `stream`, `score`."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq._checks import check_batch_size, check_positive
from keras_seq._typing import Config
from keras_seq.backend import cross_entropy
from keras_seq.export.step_functions import StepFunctions
from keras_seq.models.base.search import padded_rows, structure_of
from keras_seq.models.base.serving import check_examples
from keras_seq.models.base.stop_tokens import end_token_ids
from keras_seq.models.base.writing import WritingTask, best_answers, by_length, trace_steps
from keras_seq.models.language.steps import language_model_steps
from keras_seq.models.language.stream import Stream
from keras_seq.samplers.sampler import Sampler
from keras_seq.text.examples import pad, padded_length
from keras_seq.text.forms import one_or_many

CHUNK = 256  # steps that are scored at once where the state can be carried on


class Continuation(WritingTask):
    """A task that goes on with texts, and says how probable they are.

    Attributes:
        tokenizer: a `keras_seq.text.Tokenizer`.
        encoder: what reads the tokens.
        carries: whether its call takes an `initial_state` and returns the last one.
    """

    def generate(
        self,
        prompts: Any = "",
        sampler: str | Config | Sampler | None = None,
        max_length: int = 200,
        batch_size: int = 64,
        strip_prompt: bool = False,
        return_scores: bool = False,
        return_trace: bool = False,
        stop_tokens: str | Sequence[str] | None = None,
        first_row: int = 0,
    ) -> Any:
        """Continue texts.

        A blank prompt is a prompt like others: the model writes a text from its beginning, or goes
        on behind the white space. `score` and `stream` read it likewise; the empty text has one
        token, its end.

        The prompt may have any length, none too: all of it is read. Writing ends with the end token
        or a stop token, or after `max_length` tokens. Equal prompts in a list get different answers
        from a sampler that draws.

        Args:
            prompts: a string, or a list of strings, a `Series` or anything else that holds them.
            sampler: overrides the one of `compile`: a name, a config or an instance, such as
                `samplers.Random(temperature=0.7, top_p=0.9, seed=1)`.
            max_length: the most tokens to write.
            batch_size: how many texts are searched at once.
            strip_prompt: whether to return only what was written.
            return_scores: whether to return the sampler's scores too.
            return_trace: whether to return every step of the search too.
            stop_tokens: a token or a list of tokens of the vocabulary, such as `"\\n"` of a model
                of characters: a text that was written ends with the first of them, which is a part
                of it. A sampler's `min_length` holds for them too.
            first_row: the number of the first text, where these are the rest of a longer list: a
                sampler that draws tells texts apart by their numbers.

        Returns:
            A string for a string, a list for a list. Where the sampler has an `n_best`, each string
            is a list of so many, best first. With any of `return_...` there is a dict in the place
            of each string: `text`; `score`, by default the log-probability of what was written;
            `tokens`, what was written as a list; and with `return_trace` `trace`, as that of
            `Seq2Seq.generate`. With `samplers.Exhaustive` also `exact`.

        Raises:
            ValueError: for anything but strings, an unknown sampler, a `max_length` below 1, stop
                tokens that are none, and whatever the sampler refuses.
        """
        sampler = self.chosen_sampler(sampler)
        check_positive("max_length", max_length)
        batch_size = check_batch_size(batch_size, 64)
        texts, single = one_or_many(prompts, "prompts")
        end = end_token_ids(self.tokenizer, stop_tokens)
        ids, _ = self.preprocessor.encode(texts)
        dicts = return_scores or return_trace

        def search(rows):
            sequences = self._search(
                {"prompt_ids": [ids[i][:-1] for i in rows]},
                sampler,
                limits=[max_length] * len(rows),
                max_length=padded_length(max_length),
                row_ids=rows + first_row,
                return_trace=return_trace,
                first_token_ids=[int(ids[i][-1]) for i in rows],
                end_token_id=end,
            )
            groups = [[] for _ in rows]
            for answer in best_answers(sequences, sampler.n_best or 1):
                prompt = None if strip_prompt else texts[rows[answer.row]]
                self._write(answer, prompt)
                groups[answer.row].append(
                    self._dict(answer, sequences, return_trace) if dicts else answer.text
                )
            return groups if sampler.n_best else [group[0] for group in groups]

        results = by_length(search, [len(row) for row in ids], batch_size)
        return results[0] if single else results

    def _write(self, answer, prompt):
        """Give an answer its tokens, and its text, behind the prompt unless that is `None`."""
        tokenizer = self.tokenizer
        answer.tokens = [tokenizer.id_to_token(int(i)) for i in answer.ids]
        before = [] if prompt is None else tokenizer.split(prompt)
        answer.text = tokenizer.join([*before, *answer.tokens])

    def _dict(self, answer, sequences, trace):
        """What `generate` returns for one text where more than strings are wanted."""
        result = {"text": answer.text, "score": answer.score, "tokens": answer.tokens}
        if "exact" in sequences:
            result["exact"] = bool(sequences["exact"][answer.row])
        if trace:
            steps = {name: values[answer.row] for name, values in sequences["trace"].items()}
            result["trace"] = trace_steps(steps, lambda i: self.tokenizer.id_to_token(int(i)))
        return result

    def stream(
        self,
        prompt: str = "",
        sampler: str | Config | Sampler | None = None,
        max_length: int | None = None,
        stop_tokens: str | Sequence[str] | None = None,
    ) -> Stream:
        """Return a `models.Stream`, which takes and gives one token at a time.

        Args:
            prompt: a string, read at once.
            sampler: as in `generate`; one that chooses token by token.
            max_length: after so many tokens an iteration ends; `None` for the end token alone.
            stop_tokens: as in `generate`.
        """
        return Stream(self, prompt, self.chosen_sampler(sampler), max_length, stop_tokens)

    step_signature = "step"

    def _check_steps(self, sampler=None, max_length=200, **options):
        check_positive("max_length", max_length)
        end_token_ids(self.tokenizer, options.get("stop_tokens"))
        check_examples(options.get("examples"), self.tokenizer)

    def make_steps(
        self,
        sampler: str | Config | Sampler | None = None,
        max_length: int = 200,
        examples: Sequence[str] | None = None,
        stop_tokens: str | Sequence[str] | None = None,
        inspect: bool = False,
    ) -> StepFunctions:
        """Return what the model computes step by step.

        Args:
            sampler: what a reader uses by default; as in `generate`.
            max_length: likewise.
            examples: a text for the example of the manifest; made of frequent tokens where `None`.
            stop_tokens: as in `generate`.
            inspect: whether a step shows gates and candidates too.
        """
        sampler, examples = self.chosen_sampler(sampler), check_examples(examples, self.tokenizer)
        return language_model_steps(self, sampler, max_length, examples, stop_tokens, inspect)

    def score(self, texts: Any, batch_size: int = 64, return_tokens: bool = False) -> Any:
        """Return how probable texts are, each by itself, from its start to its end.

        Args:
            texts: a string, or a list of strings, a `Series` or anything else that holds them.
            batch_size: how many texts are read at once.
            return_tokens: whether to return the tokens and the log-probability of each.

        Returns:
            A dict for a string, a list of them for a list:

            - `log_probability`: log p(y), in nats, the end token included;
            - `num_tokens`: with the end token;
            - `perplexity`: exp of minus their mean;
            - `bits_per_character`: -log2 p(y) by the characters of the text, the end being one;
            - with `return_tokens` `tokens`, a list of str, and `log_probabilities`, float32, of
              the same length.

        Raises:
            ValueError: for anything but strings.
        """
        batch_size = check_batch_size(batch_size, 64)
        texts, single = one_or_many(texts, "texts")
        fed, labels = self.preprocessor.encode(texts)

        def score(rows):
            scored = self._log_probabilities([fed[i] for i in rows], [labels[i] for i in rows])
            return [
                self._score(texts[i], labels[i], values, return_tokens)
                for i, values in zip(rows, scored, strict=True)
            ]

        results = by_length(score, [len(row) for row in fed], batch_size)
        return results[0] if single else results

    def _score(self, text, labels, values, return_tokens):
        total = float(values.sum(dtype="float64"))
        result = {
            "log_probability": total,
            "num_tokens": len(labels),
            "perplexity": math.exp(-total / len(labels)),
            "bits_per_character": -total / math.log(2) / (len(text) + 1),
        }
        if return_tokens:
            result["tokens"] = [self.tokenizer.id_to_token(int(i)) for i in labels]
            result["log_probabilities"] = values
        return result

    @property
    def chunk(self):
        """How many steps are scored at once; `None` for all. Without a state it is the window."""
        return CHUNK if self.carries else self.window

    def _log_probabilities(self, fed, labels):
        """log p of each label, a float32 array for each row.

        Long rows are read in parts: the state is carried on, and an encoder without one reads
        window by window, as in training.
        """
        count, longest = len(fed), max(map(len, fed))
        rows = padded_rows(count)
        size = self.chunk or longest
        size = size if size < longest else padded_length(longest)
        steps = -(-longest // size) * size
        empty = [np.zeros(0, "int32")] * (rows - count)
        fed_ids, label_ids = (pad([*column, *empty], steps) for column in (fed, labels))
        with self.reading():
            state = self.first_state(rows)
        parts = []
        for start in range(0, steps, size):
            part = slice(start, start + size)
            arrays = [ops.convert_to_tensor(ids[:, part]) for ids in (fed_ids, label_ids)]
            values, *leaves = self._scoring(state)(*arrays, *keras.tree.flatten(state))
            state = keras.tree.pack_sequence_as(state, leaves)
            parts.append(ops.convert_to_numpy(values))
        values = np.concatenate(parts, axis=1)
        return [row[: len(ids)].astype("float32") for row, ids in zip(values, labels, strict=False)]

    def _scoring(self, state):
        """The compiled function from ids, labels and a state to log-probabilities and a state."""
        structure = structure_of(state)

        def score(token_ids, labels, *leaves):
            state = keras.tree.pack_sequence_as(structure, leaves)
            values, state = self.log_probabilities(token_ids, labels, state)
            return (values, *keras.tree.flatten(state))

        return self._compiled("score", score)

    def log_probabilities(self, token_ids, labels, state):
        """Return log p of each label, and the state behind the last one.

        Args:
            token_ids: what is fed, integers `(batch, steps)`, padded with 0 behind.
            labels: what comes next, likewise.
            state: before the first step; `[]` for an encoder that carries none.

        Returns:
            `(values, state)`: `(batch, steps)`, anything where padding; and a nest.
        """
        logits, state = self.read(token_ids, state)
        return -cross_entropy(labels, logits, constant=True), state

    def first_state(self, rows):
        """Return the state before the first step; `[]` for an encoder that carries none."""
        return self.encoder.start(rows) if self.carries else []

    def read(self, token_ids, state):
        """Return `(logits, state)`: `(batch, steps, vocabulary_size)`, and behind the last one."""
        mask = ops.not_equal(token_ids, self.tokenizer.pad_token_id)
        vectors = self._embed(token_ids)
        if self.carries:
            outputs, state = self.encoder(vectors, mask=mask, initial_state=state)
        else:
            outputs = self.encoder(vectors, mask=mask)
        return self._logits(outputs), state
