"""The forms of labels and predictions: those of a task, and those that a loss or metric takes."""

import dataclasses

import keras
from keras import ops

# Of Keras's own losses and metrics, those that take numbers of classes besides all "sparse" ones.
NUMBERS = ("categoricalgeneralizedcrossentropy",)
# Those that look at the largest prediction alone.
LARGEST = (
    "categoricalaccuracy",
    "sparsecategoricalaccuracy",
    "topkcategoricalaccuracy",
    "sparsetopkcategoricalaccuracy",
)
# Those of labels that are values, which take what is predicted as it is.
OF_VALUES = (
    "meansquarederror",
    "rootmeansquarederror",
    "meanabsoluteerror",
    "meanabsolutepercentageerror",
    "meansquaredlogarithmicerror",
    "cosinesimilarity",
    "huber",
    "logcosh",
    "logcosherror",
    "poisson",
    "hinge",
    "squaredhinge",
    "categoricalhinge",
    "r2score",
    "pearsoncorrelation",
    "concordancecorrelation",
)


@dataclasses.dataclass(frozen=True)
class Outputs:
    """What a model is trained on.

    Attributes:
        classes: the number of classes; `None` where nothing is known of it.
        per_token: whether a label belongs to a token, rather than to a whole text.
        multi_label: whether there are any number of classes: labels are 0 and 1, of the shape of
            the predictions; else they are numbers of classes and have an axis less, or values.
        threshold: with `multi_label`, the probability above which there is a class.
    """

    classes: int | None
    per_token: bool
    multi_label: bool = False
    threshold: float = 0.5

    def as_probabilities(self, y_pred):
        """Return the sigmoid or the softmax of predictions, float32."""
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
        return ops.sigmoid(y_pred) if self.multi_label else ops.softmax(y_pred)

    def divergence(self, y_pred, other):
        """Return KL(P || Q) + KL(Q || P) of two predictions, of each row or token, float32.

        With `multi_label` it is the mean over the classes, each of which is a yes or a no.
        """
        p, q = (ops.cast(ops.convert_to_tensor(x), "float32") for x in (y_pred, other))
        difference = self.as_probabilities(p) - self.as_probabilities(q)
        if self.multi_label:
            return ops.mean(difference * (p - q), axis=-1)
        return ops.sum(difference * (ops.log_softmax(p) - ops.log_softmax(q)), axis=-1)

    def as_decisions(self, y_pred):
        """Return the predicted classes, in the form of the labels."""
        if self.multi_label:
            return ops.cast(self.as_probabilities(y_pred) > self.threshold, "int32")
        return ops.cast(ops.argmax(y_pred, axis=-1), "int32")

    def are_values(self, y_true, y_pred):
        """Whether labels are values, by what is predicted: a number, not one for each class."""
        single = len(y_pred.shape) == 1 or (self.classes != 1 and y_pred.shape[-1] == 1)
        return not self.multi_label and (single or len(y_pred.shape) <= len(y_true.shape))


@dataclasses.dataclass(frozen=True)
class Form:
    """What a loss or metric takes.

    What is a user's own takes the numbers of classes and what `call` returns. Keras's own take
    probabilities, unless `from_logits` says otherwise, or classes; and labels in the shape of the
    predictions, where they are not made for numbers of classes.

    Attributes:
        labels: `"numbers"` or `"one_hot"`.
        predictions: `"logits"`, `"probabilities"` or `"decisions"`.
        same_shape: whether labels that are values have the shape of the predictions.
        values: what the predictions of values are: `"logits"`, `"sigmoid"` or `"softmax"`.
    """

    labels: str = "numbers"
    predictions: str = "logits"
    same_shape: bool = False
    values: str = "logits"

    def shape(self, y_true, y_pred, outputs):
        """Return labels and predictions `(rows, ...)` in this form."""
        if self.same_shape and outputs.are_values(y_true, y_pred):
            return self._shape_values(y_true, y_pred)
        if self.predictions == "probabilities":
            y_pred = outputs.as_probabilities(y_pred)
        elif self.predictions == "decisions":
            y_pred = outputs.as_decisions(y_pred)
        if self.labels == "one_hot":
            classes = ops.arange(ops.shape(y_pred)[-1], dtype="int32")
            y_true = ops.cast(ops.cast(y_true, "int32")[..., None] == classes, "float32")
        return y_true, y_pred

    def _shape_values(self, y_true, y_pred):
        """Give both the same axes, one at least behind that of the rows: Keras takes its mean."""
        y_true = ops.cast(y_true, "float32")
        y_pred = y_pred[:, None] if len(y_pred.shape) == 1 else y_pred
        if y_pred.shape[-1] == 1:  # TensorFlow does not always know how many axes labels have
            y_true = ops.reshape(y_true, ops.shape(y_pred))
        if self.values == "logits":
            return y_true, y_pred
        y_pred = ops.cast(y_pred, "float32")
        single = self.values == "sigmoid" or y_pred.shape[-1] == 1
        return y_true, ops.sigmoid(y_pred) if single else ops.softmax(y_pred)


def form_of_keras(thing, outputs):
    """Return the `Form` of one of Keras's own losses, metrics or functions of them."""
    if isinstance(thing, (keras.Loss, keras.metrics.Metric)):
        kinds = (kind for kind in type(thing).__mro__ if kind.__module__.startswith("keras."))
        name, config = next(kinds).__name__, _config(thing)
    else:
        name, config = function_of(thing).__name__, getattr(thing, "keywords", {})
    name = name.lower().replace("_", "")
    sparse = name.startswith("sparse") or name in (*NUMBERS, "accuracy")
    as_they_are = sparse or outputs.multi_label or config.get("sparse_y_true")
    labels = "numbers" if as_they_are else "one_hot"
    predictions = "probabilities"
    if name == "accuracy" or config.get("sparse_y_pred"):
        predictions = "decisions"
    elif config.get("from_logits") or (name in LARGEST and not outputs.multi_label):
        predictions = "logits"
    values = "sigmoid" if name.startswith("binary") else "softmax"
    values = "logits" if predictions == "logits" or name in OF_VALUES else values
    return Form(labels, predictions, labels == "one_hot", values)


def function_of(thing):
    """Return the function inside of a `functools.partial`, or what came."""
    return getattr(thing, "func", thing)


def _config(thing):
    try:
        return thing.get_config()
    except NotImplementedError:
        return {}
