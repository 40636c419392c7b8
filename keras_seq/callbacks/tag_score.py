"""Scores of the tags that a tagger writes, during training."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_seq.analysis import tag_scores
from keras_seq.text.sentences import listed_sentences


class TagScore(keras.callbacks.Callback):
    """Tag sentences at the end of an epoch, and put the scores into the logs.

    The `token_accuracy` that `fit` reports looks at each word by itself; this is what `tag`
    answers. The scores are those of `keras_seq.analysis.tag_scores`: `val_accuracy`, and for a
    model with a scheme `val_precision`, `val_recall` and `val_f1`, for `BestModel` and others that
    come after this callback in the list.

    Args:
        sentences: list of held-out sentences, each a list of words or a string.
        tags: for each of them its right tags, as `fit` takes them.
        every: score the first epoch, each `every`-th one after it, and the last.
        batch_size: sentences at once.
        prefix: of the names in the logs.

    Raises:
        ValueError: for different numbers of sentences, or none; an `every` below 1; when training
            begins, for a tag that the model does not have.

    Example:

    ```python
    score = TagScore(held_out_sentences, held_out_tags)
    best = BestModel("best.keras", monitor="val_f1", mode="max")
    model.fit(sentences, tags, epochs=20, callbacks=[score, best])
    ```
    """

    def __init__(
        self,
        sentences: Iterable[Any],
        tags: Iterable[Any],
        every: int = 1,
        batch_size: int = 64,
        prefix: str = "val_",
    ):
        super().__init__()
        if every < 1:
            raise ValueError(f"`every` must be at least 1; received {every!r}.")
        sentences = listed_sentences(sentences, "sentences")
        tags = listed_sentences(tags, "tags")
        if len(sentences) != len(tags) or not sentences:
            raise ValueError(
                "There must be one row of tags for each sentence, and at least one; received "
                f"{len(sentences)} sentences and {len(tags)} rows of tags."
            )
        self.sentences = sentences
        self.tags = tags
        self.every = every
        self.batch_size = batch_size
        self.prefix = prefix
        self._true = None

    def on_train_begin(self, logs=None):
        self._true = self.model.tags.read(self.tags)

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 >= self.params["epochs"] or self.model.stop_training
        if logs is None or (epoch % self.every and not last):
            return
        answers = self.model.tag(self.sentences, batch_size=self.batch_size)
        predicted = [answer["tags"] if isinstance(answer, dict) else answer for answer in answers]
        scores = tag_scores(predicted, self._true, self.model.scheme)
        names = ("accuracy", "precision", "recall", "f1")
        logs.update({self.prefix + name: scores[name] for name in names if name in scores})
