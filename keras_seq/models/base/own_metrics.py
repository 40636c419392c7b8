"""Turn the losses and metrics of a user into ones of real rows and tokens."""

import functools
import inspect
import re

import keras

from keras_seq.layers.crf_loss import CRFLoss
from keras_seq.models.base.losses import TokenCrossEntropy
from keras_seq.models.base.metrics import ExactMatch
from keras_seq.models.base.outputs import Form, form_of_keras, function_of
from keras_seq.models.base.real_rows import RealLoss, RealMetric, Use
from keras_seq.models.base.trial import Trial

# Keras's own that give one number for a whole batch.
OF_BATCHES = ("Dice", "Tversky", "Circle", "CTC", "dice", "tversky", "circle", "ctc")


def real_metrics(metrics, weighted_metrics, outputs, static):
    """Return what Keras takes for `metrics` and `weighted_metrics`, in one list.

    Args:
        metrics: as in `keras.Model.compile`: names, functions, instances, in any nest.
        weighted_metrics: likewise; these heed the weights of the user.
        outputs: the `Outputs` of the model.
        static: whether a step must know its shapes beforehand.

    Returns:
        A list of `RealMetric`, each with the name that Keras would give it: `metrics` keep theirs,
        and a weighted one of the same name is called `weighted_...`.

    Raises:
        ValueError: for what Keras does not know, and for a metric that cannot be kept from padding.
    """
    wrapped, names = [], set()
    for argument, listed in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
        weighted = argument == "weighted_metrics"
        for metric in keras.tree.flatten(listed):
            if metric is None:
                continue
            name, thing = _metric(metric, outputs)
            name = _free(name, names, weighted)
            names.add(name)
            use = _use(argument, name, thing, outputs, static, weighted)
            wrapped.append(RealMetric(name, use, outputs, weighted))
    return wrapped


def real_loss(loss, outputs, static):
    """Return a `RealLoss`, or `None`, for the `loss` of `compile`."""
    losses = [part for part in keras.tree.flatten(loss) if part is not None]
    if not losses:
        return None
    if len(losses) > 1:
        raise ValueError(f"`loss` must be one loss, as there is one output; received {loss!r}.")
    thing = _loss(losses[0], outputs)
    if getattr(thing, "reduction", "sum") in (None, "none"):
        raise ValueError("`loss` must be reduced to one number; received reduction=None.")
    return RealLoss(_use("loss", _name_of(thing), thing, outputs, static), outputs)


def heeds_filling(wrapped):
    """Whether losses and metrics, all of them, know a row that fills up a batch by its weight."""
    return all(wrapper.use.how == "weights" and not wrapper.use.by_user for wrapper in wrapped)


def _metric(metric, outputs):
    """The name and the `Metric` or function of what stands in a list of metrics."""
    if isinstance(metric, str) and metric.lower() in ("accuracy", "acc"):
        if outputs.multi_label:
            return metric, keras.metrics.BinaryAccuracy(metric, threshold=outputs.threshold)
        return metric, keras.metrics.SparseCategoricalAccuracy(metric)
    thing = keras.metrics.get(metric)
    if isinstance(thing, keras.losses.Loss) and not _is_keras_method(thing, "__call__"):
        raise ValueError(
            f"`metrics` must hold names, functions and keras.metrics.Metric; received {metric!r}."
        )
    return metric if isinstance(metric, str) else _name_of(thing), thing


def _loss(loss, outputs):
    """The `Loss` or function of what stands for a loss."""
    if isinstance(loss, str) and loss.lower() in ("crossentropy", "ce"):
        loss = "binary_crossentropy" if outputs.multi_label else "sparse_categorical_crossentropy"
    thing = keras.losses.get(loss)
    return _of_logits(thing, outputs) if _is_keras(thing) else thing


def _of_logits(thing, outputs):
    """One of Keras's cross-entropies, taken from logits: the same number, with all its digits."""
    kind = type(thing) if isinstance(thing, keras.losses.Loss) else function_of(thing)
    name = kind.__name__.lower().replace("_", "")
    suits = outputs.multi_label == name.startswith("binary")
    if not suits or "crossentropy" not in name or not kind.__module__.startswith("keras."):
        return thing
    if not isinstance(thing, keras.losses.Loss):
        known = "from_logits" in inspect.signature(kind).parameters
        return functools.partial(thing, from_logits=True) if known else thing
    config = thing.get_config()
    if config.get("from_logits") is not False:
        return thing
    return kind.from_config({**config, "from_logits": True})


def _use(argument, name, thing, outputs, static, weighted=False):
    """The `Use` of a loss, metric or function, after a trial where nobody knows it."""
    use = Use(thing, name)
    if isinstance(thing, CRFLoss):
        return Use(thing, name, whole=True, scaled=True)
    if _is_ours(thing):
        return Use(thing, name, whole=isinstance(thing, ExactMatch))
    known = _is_keras(thing)
    form = form_of_keras(thing, outputs) if known else Form()
    if known and _name(thing) not in OF_BATCHES:
        return Use(thing, name, form)
    use = Use(thing, name, form, by_user=True)
    if not known and outputs.classes is None and _takes_columns(use, outputs):
        use.form = Form(same_shape=True)
    takes = use.is_metric and _takes_weights(thing.update_state)
    if weighted and use.is_metric and not takes:
        raise ValueError(
            f"`weighted_metrics` must take weights; {name!r} has an "
            "`update_state(y_true, y_pred)` without `sample_weight`. Put it into `metrics`."
        )
    if not outputs.per_token:
        use.how = "plain" if use.is_metric else "weights"
        return use
    own_call = isinstance(thing, keras.losses.Loss) and not _is_keras_method(thing, "__call__")
    trial = _trial(use, outputs, takes or own_call)
    if own_call or trial.takes_tokens() is False:
        use.whole = True
        if not trial.heeds_weights(whole=True):
            raise ValueError(_padding_seen(argument, name, "whole sequences"))
        return use
    if not static:
        use.how = "select"
    elif use.is_metric:
        if not trial.heeds_weights(whole=False):
            raise ValueError(_padding_seen(argument, name, "tokens") + _not_compiled(trial))
    elif trial.values_rank() != 1:
        use.how = "each"
        if not trial.gives_mean():
            raise ValueError(
                f"`{argument}`: {name!r} gives one number for a batch, which is no mean over its "
                "tokens, so padding would count. Let it give one for each token, or, so that "
                "padding is cut away," + _not_compiled(trial)
            )
    return use


def _takes_columns(use, outputs):
    """Whether values must have the shape `(rows, 1)` of predictions: `(rows,)` would be spread."""
    column = Use(use.thing, use.name, Form(same_shape=True))
    as_they_are, as_columns = (Trial(way, outputs, False, columns=1) for way in (use, column))
    return not as_they_are.gives_mean() and as_columns.gives_mean()


def _trial(use, outputs, weighted):
    """The `Trial` of predictions of a shape that it takes: for values nobody knows it."""
    for columns in (None,) if outputs.classes else (None, 1, 0):
        trial = Trial(use, outputs, weighted, columns)
        if trial.takes_tokens() is not None:
            break
    return trial


def _padding_seen(argument, name, what):
    return (
        f"`{argument}`: {name!r} is computed of {what}, and padding would count in it. Make it "
        "one whose `sample_weight`, of the shape (batch, steps), says what counts: a number that "
        "does not change where what weighs 0 is left out."
    )


def _not_compiled(trial):
    error = f" On a trial it raised {trial.error!r}." if trial.error is not None else ""
    return " Or compile the model with jit_compile=False: then padding is cut away." + error


def _is_ours(thing):
    """Whether a metric or loss is one of the package, which heed weights."""
    if isinstance(thing, keras.metrics.Metric):
        return type(thing).update_state.__module__ == "keras_seq.models.base.metrics"
    return isinstance(thing, TokenCrossEntropy) and type(thing).call is TokenCrossEntropy.call


def _is_keras(thing):
    """Whether what is computed is Keras's own."""
    if isinstance(thing, keras.metrics.Metric):
        wrapper = type(thing) is keras.metrics.MeanMetricWrapper
        return not wrapper and _is_keras_method(thing, "update_state")
    if isinstance(thing, keras.losses.Loss):
        return _is_keras_method(thing, "call") and _is_keras_method(thing, "__call__")
    return str(getattr(function_of(thing), "__module__", None)).startswith("keras.")


def _is_keras_method(thing, name):
    return getattr(type(thing), name).__module__.split(".")[0] == "keras"


def _takes_weights(method):
    parameters = inspect.signature(method).parameters.values()
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


def _name(thing):
    if isinstance(thing, (keras.losses.Loss, keras.metrics.Metric)):
        return type(thing).__name__
    return function_of(thing).__name__


def _name_of(thing):
    """What Keras calls a loss or metric."""
    if hasattr(thing, "name"):
        return thing.name
    name = re.sub(r"\W+", "", getattr(function_of(thing), "__name__", type(thing).__name__))
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _free(name, taken, weighted):
    """A name that is not taken, found as Keras does."""
    if name in taken and weighted:
        name = f"weighted_{name}"
    number, free = 0, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
