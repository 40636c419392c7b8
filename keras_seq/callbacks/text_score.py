"""Scores of generated texts, during training."""

from collections.abc import Iterable

import keras

from keras_seq.analysis import text_scores
from keras_seq.samplers import Sampler
from keras_seq.text.forms import as_texts

METRICS = ("bleu", "chrf", "exact_match", "token_error_rate")


class TextScore(keras.callbacks.Callback):
    """Generate texts at the end of an epoch, and put their scores into the logs.

    The perplexity that `fit` reports is measured with the right words fed in; this is what the
    model writes by itself. The scores are those of `keras_seq.analysis.text_scores`, under names
    such as `val_bleu`, for `BestModel` and others that come after this callback in the list.
    A blank source counts like others, with its answer "".

    Args:
        sources: held-out source texts, in any form that `generate` takes.
        targets: their right answers, likewise.
        metric: `"bleu"`, `"chrf"`, `"exact_match"`, `"token_error_rate"`, or a list of these.
        every: score the first epoch, each `every`-th one after it, and the last.
        sampler: what `generate` uses: a name or an instance.
        limit: use only so many texts, the first ones; `None` for all.
        lowercase: whether both sides are lower-cased before scoring.
        batch_size: texts at once.
        prefix: of the names in the logs. `val_exact_match` takes the place of the share of targets
            that validation found right with the right words fed in.

    Raises:
        ValueError: for different numbers of texts, or none; an unknown metric; an `every` or
            `limit` below 1.

    Example:

    ```python
    score = TextScore(held_out_sources, held_out_targets, metric="bleu", limit=500)
    best = BestModel("best.keras", monitor="val_bleu", mode="max")
    model.fit(sources, targets, epochs=20, callbacks=[score, best])
    ```
    """

    def __init__(
        self,
        sources: Iterable[str],
        targets: Iterable[str],
        metric: str = "bleu",
        every: int = 1,
        sampler: "str | Sampler" = "greedy",
        limit: int | None = None,
        lowercase: bool = False,
        batch_size: int = 64,
        prefix: str = "val_",
    ):
        super().__init__()
        self.metrics = [metric] if isinstance(metric, str) else list(metric)
        for name in self.metrics:
            if name not in METRICS:
                raise ValueError(f"`metric` must be one of {METRICS}; received {name!r}.")
        for name, number in {"every": every, "limit": limit}.items():
            if number is not None and number < 1:
                raise ValueError(f"`{name}` must be at least 1; received {number!r}.")
        sources, targets = as_texts(sources, "sources"), as_texts(targets, "targets")
        if len(sources) != len(targets) or not sources:
            raise ValueError(
                "There must be one target for each source, and at least one; received "
                f"{len(sources)} sources and {len(targets)} targets."
            )
        self.sources = sources[:limit]
        self.targets = _lower(targets[:limit]) if lowercase else targets[:limit]
        self.every = every
        self.sampler = sampler
        self.lowercase = lowercase
        self.batch_size = batch_size
        self.prefix = prefix

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 >= self.params["epochs"] or self.model.stop_training
        if logs is None or (epoch % self.every and not last):
            return
        answers = self.model.generate(
            self.sources, sampler=self.sampler, batch_size=self.batch_size
        )
        if self.lowercase:
            answers = _lower(answers)
        scores = text_scores(answers, self.targets, tokenize=self.model.target_tokenizer.split)
        logs.update({self.prefix + name: scores[name] for name in self.metrics})


def _lower(texts):
    return [text.lower() for text in texts]
