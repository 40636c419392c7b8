"""Models that write: their sampler, the answers that a search finds, and its trace."""

import dataclasses
import functools
import operator

import keras
import numpy as np
from keras import ops

from keras_seq import samplers
from keras_seq._checks import check_batch_size
from keras_seq.models.base.search import CompiledSearch
from keras_seq.models.base.task import Task
from keras_seq.text.forms import as_texts


class WritingTask(Task):
    """A task whose answers are texts, which a sampler searches for; it has a `generate`.

    Attributes:
        sampler: what `generate` uses by default; it is saved with what the model is compiled with.
        _search: the `CompiledSearch` of the model.
    """

    def _prepare_search(self, tokenizer, sampler):
        """Make ready to write with a tokenizer, by default with a sampler of this name."""
        self.sampler = samplers.get(sampler)
        self._search = CompiledSearch(self, tokenizer.start_token_id, tokenizer.end_token_id)

    def compile(self, *args, sampler, **kwargs):
        """Configure training, as `Task.compile`, and what `generate` uses."""
        sampler = samplers.get(sampler)
        super().compile(*args, **kwargs)
        self.sampler = sampler

    def chosen_sampler(self, sampler):
        """Return the sampler of a name, a config or an instance, that of `compile` for `None`."""
        return self.sampler if sampler is None else samplers.get(sampler)

    def get_compile_config(self):
        config = super().get_compile_config()
        if config:
            config["sampler"] = keras.saving.serialize_keras_object(self.sampler)
        return config

    def served_options(self, options):
        """Return the options of `make_signatures` with the sampler itself among them."""
        return {**options, "sampler": self.chosen_sampler(options.get("sampler"))}

    def served_sampler(self, sampler, n_best=None):
        """Return the sampler of a served model.

        Args:
            sampler: as in `generate`.
            n_best: how many answers each text gets; as the sampler has it where `None`.

        Raises:
            ValueError: for a sampler that runs in Python, or cannot give so many answers.
        """
        sampler = self.chosen_sampler(sampler)
        if sampler.on_host:
            raise ValueError(
                f"{type(sampler).__name__} searches in Python, which no server runs: export with "
                'another sampler, such as sampler="beam".'
            )
        if n_best is None or n_best == sampler.n_best:
            return sampler
        config = sampler.get_config()
        if "n_best" not in config:
            raise ValueError(
                f"`n_best` is for a sampler that finds several answers, such as Beam; received "
                f"n_best={n_best!r} with {sampler!r}."
            )
        return type(sampler).from_config({**config, "n_best": n_best})

    def predict_texts(self, texts, batch_size=None, **options):
        """Return the answers of `generate` to a list of texts, in an array."""
        del options  # Keras's `predict` has no part in it
        texts = as_texts(texts, "x")
        results = np.empty(len(texts), dtype=object)
        answers = self.generate(texts, batch_size=check_batch_size(batch_size, 64))
        for i, result in enumerate(answers):
            results[i] = result  # one by one: NumPy would look into lists of answers
        return results


@dataclasses.dataclass(eq=False)
class Answer:
    """One sequence that was found.

    Attributes:
        row: which row of the batch it answers.
        ids: its tokens, int32, the end token included.
        score: its score.
        tokens: its tokens as strings.
        text: the text of them.
        attention: float32 `(tokens, source tokens)`, or `None`.
    """

    row: int
    ids: np.ndarray
    score: float
    tokens: list | None = None
    text: str | None = None
    attention: np.ndarray | None = None


def best_answers(sequences, count):
    """The `count` best answers of each row of what a sampler found, without those of score -inf."""
    return [
        Answer(row, ids[:length], float(score))
        for row, group in enumerate(
            zip(sequences["token_ids"], sequences["lengths"], sequences["scores"], strict=True)
        )
        for k, (ids, length, score) in enumerate(zip(*(x[:count] for x in group), strict=True))
        if k == 0 or np.isfinite(score)
    ]


def never(logits, *token_ids):
    """Return logits `(batch, vocabulary_size)` by which these tokens are never written: -1e9."""
    size = ops.shape(logits)[-1]  # known while a graph is made, but for a pointer into any text
    ids = np.arange(size) if isinstance(size, int) else ops.arange(size, dtype="int32")
    forbidden = functools.reduce(operator.or_, [ids == token_id for token_id in token_ids])
    return ops.where(ops.convert_to_tensor(forbidden), ops.cast(-1e9, logits.dtype), logits)


def trace_steps(trace, token):
    """The trace of one text as lists, without what follows the end.

    Args:
        trace: a dict of arrays `(steps, n)`; see `Sampler.search`.
        token: from an id to a str.
    """
    done = trace["finished"].all(axis=-1)
    count = int(done.argmax()) + 1 if done.any() else len(done)
    return [
        [
            {
                "token": token(trace["token_ids"][t, k]),
                "token_id": int(trace["token_ids"][t, k]),
                "parent": int(trace["parents"][t, k]),
                "log_probability": float(trace["log_probabilities"][t, k]),
                "score": float(trace["scores"][t, k]),
                "finished": bool(trace["finished"][t, k]),
            }
            for k in np.flatnonzero(np.isfinite(trace["log_probabilities"][t]))
        ]
        for t in range(count)
    ]


def by_length(function, lengths, batch_size):
    """Return what a function gives for all rows, called with those of similar length together.

    Args:
        function: from the numbers of some rows, an array, to a result for each of them.
        lengths: the length of each row.
        batch_size: the most rows of a call.
    """
    results = [None] * len(lengths)
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        for i, result in zip(rows, function(rows), strict=True):
            results[i] = result
    return results
