"""Classifiers with texts: `classify`, and where a pooling looks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_seq._checks import as_number, check_batch_size
from keras_seq.export.step_functions import StepFunctions
from keras_seq.layers.running_pooling import running
from keras_seq.models.base.encoders import TokenReader
from keras_seq.models.base.predicting import predict_examples
from keras_seq.models.base.serving import check_examples
from keras_seq.models.base.streaming import check_streams
from keras_seq.models.classification.steps import classifier_steps
from keras_seq.text.blank import is_blank
from keras_seq.text.examples import pad, padded_length
from keras_seq.text.forms import as_texts, one_or_many


class Classification(TokenReader):
    """A task that names the class of a text, or all of its classes.

    Attributes:
        classes: the `Classes`.
        pooling: the layer that makes one vector of a text.
        threshold: the probability above which a text has a class, where it may have several.
    """

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, a list of str, in the order of the outputs."""
        return list(self.classes.names)

    @property
    def multi_label(self) -> bool:
        """Whether a text has any number of classes."""
        return self.classes.multi_label

    def as_predictions(self, outputs):
        """Return the probabilities of logits, in NumPy."""
        function = ops.sigmoid if self.multi_label else ops.softmax
        return ops.convert_to_numpy(function(ops.convert_to_tensor(outputs, dtype="float32")))

    step_signature = "stream"

    def _check_steps(self, examples=None, **options):
        check_streams(self)
        running(self.pooling)
        check_examples(examples, self.tokenizer)

    def make_steps(
        self, examples: Sequence[str] | None = None, inspect: bool = False
    ) -> StepFunctions:
        """Return what the model computes token by token.

        Args:
            examples: a text for the example of the manifest; made of frequent tokens where `None`.
            inspect: whether a step shows gates and candidates too.
        """
        return classifier_steps(self, check_examples(examples, self.tokenizer), inspect)

    def classify(
        self,
        inputs: Any,
        return_probabilities: bool = False,
        return_attention: bool = False,
        threshold: float | None = None,
        batch_size: int = 64,
    ) -> Any:
        """Name the classes of texts.

        Args:
            inputs: a string, or a list of strings, a `Series` or anything else that holds them.
            return_probabilities: whether to return the probabilities of all classes too.
            return_attention: whether to return how much each token counted too; the pooling must
                have weights.
            threshold: with `multi_label`, overrides that of the model.
            batch_size: how many texts at once.

        Returns:
            The name of the most probable class; with `multi_label` the list of the names of all
            classes whose probability is above the threshold. For a blank text `None`, or no name;
            its probabilities are those of b alone, see the class. One for a string, a list of them
            for a list. With `return_...` there is a dict in the place of each: `label` or `labels`;
            `probabilities`, from each name to a number; `tokens`, the texts as they were read, and
            `attention`, float32 `(tokens,)`.

        Raises:
            ValueError: for anything but strings, a threshold without `multi_label` or outside of
                (0, 1), and `return_attention` where the pooling has no weights.
        """
        if threshold is not None and not self.multi_label:
            raise ValueError(
                "`threshold` is for `multi_label`: where a text has one class, it is the most "
                f"probable one; received threshold={threshold!r}."
            )
        threshold = self.threshold if threshold is None else check_threshold(threshold)
        texts, single = one_or_many(inputs, "inputs")
        examples = self.encode_examples(texts)
        probabilities = predict_examples(self, examples, batch_size)
        answers = self.classes.decode(probabilities, threshold)
        for i, ids in enumerate(examples.inputs["token_ids"]):
            if is_blank(texts[i], ids):
                answers[i] = [] if self.multi_label else None
        if return_probabilities or return_attention:
            key = "labels" if self.multi_label else "label"
            answers = [{key: answer} for answer in answers]
        if return_probabilities:
            for answer, row in zip(answers, probabilities.tolist(), strict=True):
                answer["probabilities"] = dict(zip(self.class_names, row, strict=True))
        if return_attention:
            for answer, more in zip(answers, self.attention(texts, batch_size), strict=True):
                answer.update(more)
        return answers[0] if single else answers

    def attention(self, texts: Any, batch_size: int = 64) -> list[dict[str, Any]]:
        """Return how much each token counts in the pooling.

        Args:
            texts: a list of strings, or what `classify` takes in the place of one.
            batch_size: how many at once.

        Returns:
            A list of dicts: `tokens`, list of str, and `attention`, float32 `(tokens,)`, which sum
            to 1.

        Raises:
            ValueError: for anything but strings, and where the pooling has no weights.
        """
        if not self.pooling.has_attention:
            raise ValueError(
                'Only a pooling with weights, such as pooling="attention", can show them; the '
                f"pooling of the model is {type(self.pooling).__name__}."
            )
        texts, batch_size = as_texts(texts, "texts"), check_batch_size(batch_size, 64)
        results = []
        for start in range(0, len(texts), batch_size):
            part = texts[start : start + batch_size]
            ids = self.encode_examples(part).inputs["token_ids"]
            rows = [*ids, *[np.zeros(0, "int32")] * (batch_size - len(ids))]
            padded = pad(rows, padded_length(max(map(len, ids))))
            _, weights = self.compute({"token_ids": padded}, return_attention=True)
            for tokens, row in zip(self.preprocessor.split(part), weights, strict=False):
                results.append({"tokens": tokens, "attention": row[: len(tokens)].copy()})
        return results


def check_threshold(value):
    """Return a probability, or raise a `ValueError`."""
    number = as_number(value)
    if number is None or not 0 < number < 1:
        raise ValueError(f"`threshold` must be a number in (0, 1); received {value!r}.")
    return number
