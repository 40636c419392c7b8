"""The classifier: text to a class, or to any number of them."""

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from keras_seq._checks import check_positive, check_rate
from keras_seq._recipes import CLASSIFIER
from keras_seq._typing import Config
from keras_seq.export.signature import Signature
from keras_seq.layers.pooling import Pooling, get_pooling
from keras_seq.models.base.losses import TokenCrossEntropy
from keras_seq.models.base.metrics import LabelAccuracy, LabelF1
from keras_seq.models.base.outputs import Outputs
from keras_seq.models.base.preprocessor import tokenizer_of
from keras_seq.models.base.serving import check_examples
from keras_seq.models.classification.answers import Classification, check_threshold
from keras_seq.models.classification.classes import Classes, class_names_of
from keras_seq.models.classification.preprocessor import ClassificationPreprocessor
from keras_seq.models.classification.serving import classifier_ids, classifier_signatures
from keras_seq.text import Tokenizer
from keras_seq.text.examples import Examples


@keras.saving.register_keras_serializable(package="keras_seq")
class TextClassifier(Classification):
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
        token_dropout: rate at which tokens are read as the unknown one in training.

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

    recipe = CLASSIFIER
    needs_targets = False
    needs_labels = True
    label_per_token = False
    words = ("text", "label")

    def __init__(
        self,
        tokenizer: Tokenizer | Config,
        class_names: Sequence[str],
        multi_label: bool = False,
        cell: str | Config | keras.layers.Layer = "lstm",
        units: int = 256,
        num_layers: int = 1,
        bidirectional: bool = True,
        pooling: str | Config | Pooling = "last",
        embedding_dim: int | None = None,
        dropout: float = 0.0,
        residual: bool = False,
        layer_norm: bool = False,
        variational: bool = False,
        weight_dropout: float = 0.0,
        encoder: Config | keras.layers.Layer | None = None,
        threshold: float = 0.5,
        max_length: int = 512,
        *,
        token_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        stack = {
            "cell": cell,
            "num_layers": num_layers,
            "bidirectional": bidirectional,
            "residual": residual,
            "layer_norm": layer_norm,
            "weight_dropout": weight_dropout,
        }
        self._keep_options(tokenizer, units, embedding_dim, dropout, variational, encoder, stack)
        self._keep_token_dropout(token_dropout)
        self.classes = Classes(class_names, multi_label)
        self.threshold = check_threshold(threshold)
        self.max_length = check_positive("max_length", max_length)
        # The sublayers follow the dtype policy of the model.
        policy = self.dtype_policy
        self.embedding = self._make_embedding()
        self.input_dropout = self._make_dropout()
        self.encoder = self._make_encoder(encoder)
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
        texts: Any,
        labels: Any,
        tokens: str = "word",
        lowercase: bool = False,
        max_vocabulary: int | None = None,
        class_names: Sequence[str] | None = None,
        multi_label: bool | None = None,
        **config: Any,
    ) -> Self:
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
        tokenizer = tokenizer_of(texts, tokens, lowercase, max_vocabulary)
        return cls(tokenizer, names, multi_label, **cls.with_recipe(config))

    def _build_outputs(self, size):
        outputs = keras.KerasTensor((None, None, size), self.compute_dtype)
        self.projection.build(self.pooling(outputs).shape)

    def compile(
        self,
        optimizer: str | Config | keras.optimizers.Optimizer = "auto",
        loss: Any = "auto",
        weighted_metrics: Any = "auto",
        label_smoothing: float | None = None,
        r_drop: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Configure training; the other arguments are those of `keras.Model.compile`.

        Args:
            optimizer: a Keras optimiser; `"auto"` is what trains well on a small corpus, see
                `models.Task.compile`.
            loss: `"auto"` is the cross-entropy, the mean over the texts of the batch; with
                `multi_label` that of each class by itself, the mean over texts and classes.
            weighted_metrics: `"auto"` is the accuracy; with `multi_label` that of the single
                decisions, and their F1, all classes together, at the model's `threshold`.
            label_smoothing: the share of the probability that `"auto"` spreads over all classes, or
                with `multi_label` over yes and no.
            r_drop: factor of R-Drop: how much two passes with different dropout may differ; see
                `models.Task.compile`. Each step then takes twice as long; 1 is usual.
            **kwargs: such as `metrics`, `jit_compile`, `steps_per_execution`; `models.Task.compile`
                says what losses and metrics of one's own are given.
        """
        kwargs.update(weighted_metrics=weighted_metrics, label_smoothing=label_smoothing)
        kwargs["r_drop"] = r_drop
        super().compile(optimizer, loss, **kwargs)

    def default_loss(self, label_smoothing=0.0):
        if not self.multi_label:
            return TokenCrossEntropy(label_smoothing, name="cross_entropy")
        return keras.losses.BinaryCrossentropy(
            from_logits=True,
            label_smoothing=check_rate("label_smoothing", label_smoothing),
            reduction="mean_with_sample_weight",
        )

    def default_metrics(self):
        if not self.multi_label:
            return [keras.metrics.SparseCategoricalAccuracy("accuracy")]
        threshold = float(self.threshold)
        return [LabelAccuracy("accuracy", threshold), LabelF1("micro", threshold)]

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

    def call(self, inputs: Any, training: bool = False, return_attention: bool = False) -> Any:
        token_ids = inputs["token_ids"]
        mask = ops.not_equal(token_ids, self.tokenizer.pad_token_id)
        vectors = self.embedding(self._drop_tokens(token_ids, training))
        vectors = self.input_dropout(vectors, training=training)
        outputs = self.encoder(vectors, mask=mask, training=training)
        if return_attention:
            pooled, weights = self.pooling(outputs, mask=mask, return_attention=True)
        else:
            pooled = self.pooling(outputs, mask=mask)
        logits = self.projection(self.output_dropout(pooled, training=training))
        return (logits, weights) if return_attention else logits

    def make_signatures(self, examples: Sequence[Any] | None = None) -> list[Signature]:
        """Return what the served model answers: classes, and which tokens counted.

        Args:
            examples: texts for the requests that warm a server up and show how; made of frequent
                tokens where `None`.
        """
        return classifier_signatures(self, check_examples(examples, self.tokenizer))

    def make_id_function(self):
        return classifier_ids(self)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "class_names": self.class_names,
            "multi_label": self.multi_label,
            "pooling": keras.saving.serialize_keras_object(self.pooling),
            "threshold": self.threshold,
            "max_length": self.max_length,
        }
