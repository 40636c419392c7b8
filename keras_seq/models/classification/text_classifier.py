"""The classifier: text to a class, or to any number of them."""

import keras
import numpy as np
from keras import ops

from keras_seq._checks import as_number, check_batch_size, check_positive, check_rate
from keras_seq.layers.pooling import get_pooling
from keras_seq.layers.token_embedding import token_embedding
from keras_seq.models.base.encoders import STACK_OPTIONS, TokenReader, encoder_config, make_encoder
from keras_seq.models.base.losses import TokenCrossEntropy
from keras_seq.models.base.metrics import LabelAccuracy, LabelF1
from keras_seq.models.base.outputs import Outputs
from keras_seq.models.base.predicting import predict_examples
from keras_seq.models.base.preprocessor import check_tokenizer
from keras_seq.models.base.serving import check_examples
from keras_seq.models.base.task import Task
from keras_seq.models.classification.classes import Classes, class_names_of
from keras_seq.models.classification.preprocessor import ClassificationPreprocessor
from keras_seq.models.classification.serving import classifier_ids, classifier_signatures
from keras_seq.text import get_tokenizer_class
from keras_seq.text.blank import is_blank
from keras_seq.text.examples import Examples, pad, padded_length
from keras_seq.text.forms import as_texts, single_text


@keras.saving.register_keras_serializable(package="keras_seq")
class TextClassifier(TokenReader, Task):
    r"""Embedding, recurrent layers and a pooling: text in, class names and probabilities out.

        h_1 ... h_T = encoder(embedding(tokens))
        z           = W pooling(h_1 ... h_T) + b
        p           = softmax(z)                      one class a text
        p_k         = sigmoid(z_k)                    `multi_label`: any number of classes a text

    Two classes are two outputs like any other number: a softmax over two logits is the sigmoid of
    their difference, so an output of its own for binary questions would be the same model in
    another shape.

    Text is cut into tokens and nothing is added. A blank text, white space alone or nothing that
    the tokenizer keeps, says nothing of its class. So `classify` names none, `None` or with
    `multi_label` no name: one that is named there would look like any other, with a confidence that
    no word gave. `predict`, `evaluate` and `fit` are the formula: a text without a token has no
    step, its pooled vector is 0 and b alone answers, what the model says before it has read a word,
    and what it learns of blank texts with a label. (With a tokenizer of characters white space is
    made of tokens, which are read.)

    Args:
        tokenizer: a `keras_seq.text.Tokenizer`.
        class_names: the names of the classes, str, in the order of the outputs. In the place of a
            name `fit` and `evaluate` take numbers too: the number of the class in this order; but
            where a class is named by a whole number ("1" to "5", for stars), 3 is the class "3".
            `True` is a class of that name.
        multi_label: whether a text has any number of classes, given as a list of names, or as 0 and
            1 for each class: an array, lists, or a `DataFrame` whose columns have the names.
        cell: `"lstm"`, `"gru"`, `"vanilla"` or another name in `ks.layers.CELLS`, the config of a
            cell, or an instance.
        units: size of the state, per direction.
        num_layers: number of recurrent layers.
        bidirectional: whether to read from both sides.
        pooling: `"last"` (the last valid step of each direction), `"mean"`, `"max"`, `"attention"`,
            a config, or an instance of `layers.Pooling`.
        embedding_dim: size of the token embeddings; `units` where `None`.
        dropout: rate on embeddings, between layers and before the output.
        residual: whether a layer's input is added to its output, above the bottom one.
        layer_norm: whether the output of each layer is normalised.
        variational: whether `dropout` drops the same features at all steps.
        weight_dropout: rate at which weights of the recurrent kernels are dropped.
        encoder: a layer in the place of the recurrent ones, such as `layers.RNNStack` or
            `layers.SelfAttentionEncoder` with `return_sequences=True`, its config, or any layer
            with the call `(inputs, mask=None, training=False)` from `(batch, time, embedding_dim)`
            to `(batch, time, output_size)` and the attribute `output_size`.
        threshold: with `multi_label`, the probability above which a text has a class.
        max_length: longer texts are cut to so many tokens.

    Call arguments:
        inputs: a dict of int32 ids: `token_ids` `(batch, length)`, padded with 0. The labels are
            the numbers of the classes, `(batch,)`, or 0 and 1, `(batch, classes)`.
        training: whether dropout is active.
        return_attention: whether to return the weights of the pooling too.

    Returns:
        Logits z, float32 `(batch, classes)`; and where asked for the weights `(batch, length)`.
        `predict` gives probabilities.

    Raises:
        ValueError: for no tokenizer, sizes below 1, rates outside [0, 1), an unknown cell or
            pooling, class names that are no distinct str, fewer than two of them (one with
            `multi_label`), and for an `encoder` without the interface, or together with options of
            the recurrent layers that it takes the place of.

    Example:

    ```python
    model = keras_seq.models.TextClassifier.from_texts(texts, labels, cell="lstm", units=64)
    model.compile("adam")
    model.fit(texts, labels, validation_split=0.1, epochs=3)
    model.classify("a fine film")
    ```

    >>> model = TextClassifier.from_texts(["a fine film", "dull"], ["good", "bad"], units=4)
    >>> model.class_names, model.predict(["a fine film"], verbose=0).shape
    (['bad', 'good'], (1, 2))

    References:
        - Graves, 2012, "Supervised sequence labelling with recurrent neural networks", chapter 2.
        - Dai & Le, 2015, "Semi-supervised sequence learning", arXiv:1511.01432 (LSTM classifiers
          of documents).
    """

    needs_targets = False
    needs_labels = True
    label_per_token = False
    words = ("text", "label")

    def __init__(
        self,
        tokenizer,
        class_names,
        multi_label=False,
        cell="lstm",
        units=256,
        num_layers=1,
        bidirectional=True,
        pooling="last",
        embedding_dim: int | None = None,
        dropout=0.0,
        residual=False,
        layer_norm=False,
        variational=False,
        weight_dropout=0.0,
        encoder=None,
        threshold=0.5,
        max_length=512,
        **kwargs,
    ):
        given = locals()
        super().__init__(**kwargs)
        self.tokenizer = check_tokenizer("tokenizer", tokenizer)
        self.classes = Classes(class_names, multi_label)
        self.units = check_positive("units", units)
        self.embedding_dim = check_positive(
            "embedding_dim", units if embedding_dim is None else embedding_dim
        )
        self.dropout = check_rate("dropout", dropout)
        self.variational = variational
        self.threshold = check_threshold(threshold)
        self.max_length = check_positive("max_length", max_length)
        self.own_encoder = encoder is not None
        self.stack_options = {name: given[name] for name in STACK_OPTIONS}
        # The sublayers follow the dtype policy of the model.
        policy = self.dtype_policy
        self.embedding = token_embedding(self.tokenizer.vocabulary_size, self.embedding_dim, policy)
        kind = keras.layers.SpatialDropout1D if variational else keras.layers.Dropout
        self.input_dropout = kind(dropout, dtype=policy)
        self.encoder = make_encoder(
            TextClassifier,
            encoder,
            self.stack_options,
            units=self.units,
            dropout=self.dropout,
            variational=self.variational,
            dtype=policy,
        )
        both = getattr(self.encoder, "bidirectional", False)
        self.pooling = get_pooling(pooling, both, policy)
        self.output_dropout = keras.layers.Dropout(dropout, dtype=policy)
        # A loss of logits in half precision would lose what training needs.
        self.projection = keras.layers.Dense(
            len(self.class_names), dtype=policy.variable_dtype, name="projection"
        )
        self.build()

    @classmethod
    def from_texts(
        cls,
        texts,
        labels,
        tokens="word",
        lowercase=False,
        max_vocabulary: int | None = None,
        class_names=None,
        multi_label=None,
        **config,
    ):
        """Build the tokenizer and the classes from labelled texts, and the model around them.

        Args:
            texts: a list of texts, or anything else that gives them one by one.
            labels: for each text the name of its class, or a list of names; in a list, a `Series`,
                an array or the like. Classes of whole numbers and booleans are named by `str`, and
                `fit` means the same class by the same number. With any number of classes also 0
                and 1 for each, whose classes are named by the columns of a `DataFrame`, and in an
                array "0", "1" and so on.
            tokens: `"char"`, `"word"`, `"subword"` or another name in `ks.text.tokenizers`.
            lowercase: whether the tokenizer lower-cases.
            max_vocabulary: largest vocabulary of the tokenizer, the 4 special tokens included;
                8000 for subwords where `None`.
            class_names: the classes in the order of the outputs; those of the labels, sorted
                (numbers by size), where `None`.
            multi_label: whether a text has any number of classes; where `None`, whether there is a
                list among the labels, or more than one column.
            **config: the other arguments of the model.

        Returns:
            An untrained `TextClassifier`.

        Raises:
            ValueError: for an unknown kind of token, an empty corpus, fewer than two classes,
                labels that are no names (a fraction, a missing value), one that is not in
                `class_names`, and for a class in `class_names` without any example.
        """
        names, multi_label = class_names_of(labels, class_names, multi_label)
        options = {"lowercase": lowercase}
        if max_vocabulary is not None:
            options["max_vocabulary"] = max_vocabulary
        tokenizer = get_tokenizer_class(tokens).from_texts(texts, **options)
        return cls(tokenizer, names, multi_label, **config)

    @property
    def class_names(self):
        """The names of the classes, a list of str, in the order of the outputs."""
        return list(self.classes.names)

    @property
    def multi_label(self):
        """Whether a text has any number of classes."""
        return self.classes.multi_label

    def build(self, input_shape=None):
        """Make all weights; every size is known from `__init__`."""
        if self.built:
            return
        self.embedding.build((None, None))
        if not self.encoder.built:  # one that was given may be
            self.encoder.build((None, None, self.embedding_dim))
        outputs = keras.KerasTensor((None, None, self.encoder.output_size), self.compute_dtype)
        self.projection.build(self.pooling(outputs).shape)
        self.built = True

    def compile(
        self,
        optimizer="adam",
        loss="auto",
        weighted_metrics="auto",
        label_smoothing=0.0,
        **kwargs,
    ):
        """Configure training; the other arguments are those of `keras.Model.compile`.

        Args:
            optimizer: a Keras optimiser.
            loss: `"auto"` is the cross-entropy, the mean over the texts of the batch; with
                `multi_label` that of each class by itself, the mean over texts and classes.
            weighted_metrics: `"auto"` is the accuracy; with `multi_label` that of the single
                decisions, and their F1, all classes together, at the model's `threshold`.
            label_smoothing: the share of the probability that `"auto"` spreads over all classes, or
                with `multi_label` over yes and no.
            **kwargs: such as `metrics`, `jit_compile`, `steps_per_execution`; `models.Task.compile`
                says what losses and metrics of one's own are given.
        """
        if loss == "auto" and self.multi_label:
            loss = keras.losses.BinaryCrossentropy(
                from_logits=True,
                label_smoothing=check_rate("label_smoothing", label_smoothing),
                reduction="mean_with_sample_weight",
            )
        elif loss == "auto":
            loss = TokenCrossEntropy(label_smoothing, name="cross_entropy")
        if weighted_metrics == "auto" and self.multi_label:
            threshold = float(self.threshold)
            weighted_metrics = [
                LabelAccuracy("accuracy", threshold),
                LabelF1("micro", threshold),
            ]
        elif weighted_metrics == "auto":
            weighted_metrics = [keras.metrics.SparseCategoricalAccuracy("accuracy")]
        super().compile(optimizer=optimizer, loss=loss, weighted_metrics=weighted_metrics, **kwargs)

    def make_preprocessor(self):
        return ClassificationPreprocessor(self.tokenizer, self.classes, self.max_length)

    @property
    def label_limit(self):
        return len(self.class_names)

    def output_form(self):
        return Outputs(len(self.class_names), False, self.multi_label, self.threshold)

    def weigh_classes(self, examples, class_weight):
        """Return the `Examples` with weights that follow the class of each.

        Args:
            examples: encoded examples.
            class_weight: a dict from the name of a class (or its number) to a number above 0, 1 for
                those that it lacks; or `"balanced"`: n / (classes * n_k) for a class with n_k of
                the n examples, so that all classes count the same.
        """
        weights = self.classes.weights(class_weight, examples.labels)
        weights = weights if examples.weights is None else weights * examples.weights
        return Examples(examples.inputs, examples.labels, weights)

    def call(self, inputs, training=False, return_attention=False):
        token_ids = inputs["token_ids"]
        mask = ops.not_equal(token_ids, self.tokenizer.pad_token_id)
        vectors = self.input_dropout(self.embedding(token_ids), training=training)
        outputs = self.encoder(vectors, mask=mask, training=training)
        if return_attention:
            pooled, weights = self.pooling(outputs, mask=mask, return_attention=True)
        else:
            pooled = self.pooling(outputs, mask=mask)
        logits = self.projection(self.output_dropout(pooled, training=training))
        return (logits, weights) if return_attention else logits

    def as_predictions(self, outputs):
        """Return the probabilities of logits, in NumPy."""
        function = ops.sigmoid if self.multi_label else ops.softmax
        return ops.convert_to_numpy(function(ops.convert_to_tensor(outputs, dtype="float32")))

    def classify(
        self,
        inputs,
        return_probabilities=False,
        return_attention=False,
        threshold=None,
        batch_size=64,
    ):
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
        text = single_text(inputs)
        single = text is not None
        texts = [text] if single else as_texts(inputs, "inputs")
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

    def attention(self, texts, batch_size=64):
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

    def make_signatures(self, examples=None):
        """Return what the served model answers: classes, and which tokens counted.

        Args:
            examples: texts for the requests that warm a server up and show how; made of frequent
                tokens where `None`.
        """
        return classifier_signatures(self, check_examples(examples, self.tokenizer))

    def make_id_function(self):
        return classifier_ids(self)

    def get_config(self):
        return {
            **super().get_config(),
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "class_names": self.class_names,
            "multi_label": self.multi_label,
            **encoder_config(self.encoder, self.own_encoder, self.stack_options),
            "units": self.units,
            "pooling": keras.saving.serialize_keras_object(self.pooling),
            "embedding_dim": self.embedding_dim,
            "dropout": self.dropout,
            "variational": self.variational,
            "threshold": self.threshold,
            "max_length": self.max_length,
        }


def check_threshold(value):
    """Return a probability, or raise a `ValueError`."""
    number = as_number(value)
    if number is None or not 0 < number < 1:
        raise ValueError(f"`threshold` must be a number in (0, 1); received {value!r}.")
    return number
