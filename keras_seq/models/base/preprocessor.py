"""Text to ids, beside a model: in Python, and inside of a graph."""

from typing import Any

from keras_seq._tensorflow import tensorflow, to_utf8
from keras_seq._typing import Tensor
from keras_seq.models.base.id_checks import IdColumn
from keras_seq.text import get_tokenizer_class
from keras_seq.text.examples import Examples
from keras_seq.text.forms import as_texts
from keras_seq.text.pipeline import rows_of


class Preprocessor:
    """Base class of what turns texts into the ids that the `call` of a `Task` takes.

    `Task.make_preprocessor` makes one of the tokenizers and limits of a model. `fit`, `evaluate`,
    `predict`, what else a model answers, and its export encode by it, each through the method of
    the model that has the same name: so a subclass of a task may override one of these in the model
    itself.

    A subclass defines `encode_tensors`, and `check_targets` where a target is no text.
    `encode_examples` follows from them, unless a target is encoded too; who writes it with
    `tokenizer.encode(x)` needs no TensorFlow for texts in memory. `id_columns` lets ids prepared by
    hand be checked.

    Example:

    ```python
    class SpellingPreprocessor(keras_seq.models.Preprocessor):
        def __init__(self, tokenizer):
            self.tokenizer = tokenizer

        def check_targets(self, y):
            return np.array([int(right) for right in y], "int32")

        def encode_tensors(self, x, y=None):
            return {"token_ids": self.tokenizer.tokenize(x)}, y
    ```
    """

    def check_inputs(self, x: Any) -> Any:
        """Return `x` as the list that `encode_examples` takes, or raise a `ValueError`."""
        return as_texts(x, "x")

    def check_targets(self, y: Any) -> Any:
        """The same for `y`; where a target is no text, as the labels that it stands for.

        These are one array, integers for classes and floats for values; or, where they belong to
        tokens, a list of arrays.
        """
        return as_texts(y, "y")

    def encode_examples(self, x: Any, y: Any = None, sample_weight: Any = None) -> Examples:
        """Return the `keras_seq.text.Examples` of lists of texts.

        Args:
            x: what `check_inputs` returned: here a list of str.
            y: what `check_targets` returned, which is taken as the labels; or `None`.
            sample_weight: numbers `(texts,)`, or `None`.
        """
        tf = tensorflow()
        with tf.init_scope(), tf.device("CPU:0"):
            texts = tf.constant(list(map(to_utf8, x)), tf.string, shape=(len(x),))
            columns, _ = self.encode_tensors(texts)
            inputs = {name: rows_of(column) for name, column in columns.items()}
        return Examples(inputs, y, sample_weight)

    def encode_tensors(self, x: Any, y: Any = None) -> tuple[dict[str, Tensor], Tensor | None]:
        """Return `(inputs, labels)` of string tensors `(batch,)`, in TensorFlow.

        `tf.data` runs it on batches of a dataset, and a served model on what is asked.

        Returns:
            A dict of ragged int32 tensors `(batch, None)`; and such a tensor, or, where labels
            belong to whole texts, one of the shape `(batch,)`; `None` where `y` is.
        """
        raise NotImplementedError(f"{type(self).__name__} must define encode_tensors(x, y).")

    def id_columns(self) -> dict[str, IdColumn] | None:
        """Return the `IdColumn` of each entry of the dict of ids that `call` takes, by name.

        Ids prepared by hand are checked against these and the `label_limit` of the model; not at
        all where there are none.
        """
        return None  # nothing is known of them


def tokenizer_of(texts, tokens, lowercase, max_vocabulary):
    """Return a tokenizer of this kind of tokens with the vocabulary of the texts.

    The arguments are those of `from_texts` of a task model.
    """
    limit = {} if max_vocabulary is None else {"max_vocabulary": max_vocabulary}
    return get_tokenizer_class(tokens).from_texts(texts, lowercase=lowercase, **limit)
