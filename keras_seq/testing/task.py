"""The rules that hold for every task model."""

import pathlib
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.models import Task, load_model
from keras_seq.testing.comparing import arrays, assert_close, json_copy


def check_task(
    make: Callable[[], Task],
    x: Sequence[Any],
    y: Sequence[Any] | None = None,
    answer: Callable[[Task, list], Any] | None = None,
    streams: bool = False,
    export: bool = False,
) -> None:
    """Check a task model, a subclass of `keras_seq.models.Task`.

    - All of its parts are built when it is made.
    - `fit` lowers the loss. `evaluate` gives the same for lists, for a `tf.data.Dataset`, and in
      batches of two.
    - The answer to a text by itself is that in a batch, whatever is padded there.
    - A copy by its config, through JSON, gives the same answers with the same weights.
    - Out of a `.keras` file it gives the same answers, evaluates the same, and goes on training as
      if it had not been saved.
    - What is no data is a `ValueError`: nothing, a number, more texts than answers, no answers.
    - With `export`: a SavedModel has the signatures that `make_signatures` lists, and answers each
      of their examples with what they say.

    Args:
        make: makes the model, not compiled. Without dropout and whatever else is random, or it
            cannot go on as before.
        x: a few texts, at least three, of different lengths, as `fit` takes them in a list.
        y: what belongs to them; `None` for a task that learns from texts alone.
        answer: `(model, x) -> answers`, a list or an array of one for each text;
            `model.predict(x)` where `None`.
        streams: whether texts are read one after the other in as many streams as a batch has rows,
            as a language model reads them, so that batches of two are another evaluation.
        export: whether to export it too.

    Raises:
        AssertionError: for the first rule that is broken.

    Example:

    >>> from keras_seq.models import TextClassifier
    >>> @keras.saving.register_keras_serializable(package="mine")
    ... class Mine(TextClassifier):
    ...     '''A classifier of one's own.'''
    >>> texts, labels = ["ab", "bbba", "a"], ["x", "y", "x"]
    >>> make = lambda: Mine.from_texts(texts, labels, units=3, cell="vanilla")
    >>> check_task(make, texts, labels)
    """
    x, answer = list(x), answer or (lambda model, x: model.predict(x, verbose=0))
    data = (x,) if y is None else (x, list(y))
    model = make()
    unbuilt = [part.name for part in model._flatten_layers() if not part.built]
    assert not unbuilt, f"not built when the model is made: {unbuilt}"
    model.compile(keras.optimizers.Adam(1e-2))
    losses = model.fit(*data, epochs=4, verbose=0).history["loss"]
    assert np.isfinite(losses).all(), f"the losses of `fit` are {losses}"
    assert losses[-1] < losses[0], f"`fit` does not lower the loss: {losses}"
    _check_evaluate(model, data, streams)
    expected = answer(model, x)
    for i in (0, len(x) - 1):
        single = answer(model, x[i : i + 1])
        _check_same(
            single, expected[i : i + 1], f"the answer to {x[i]!r} is another one in a batch"
        )
    copy = json_copy(model)
    copy.set_weights(model.get_weights())
    _check_same(answer(copy, x), expected, "a copy by its config answers something else")
    _check_saved(model, data, x, expected, answer)
    _check_mistakes(model, data, answer)
    if export:
        _check_export(model)


def _check_same(actual, expected, rule):
    """Compare nests of strings and numbers."""
    actual, expected = keras.tree.flatten(actual), keras.tree.flatten(expected)
    assert len(actual) == len(expected), f"{rule}: {actual}, not {expected}"
    for value, right in zip(actual, expected, strict=True):
        if isinstance(right, (str, bytes)):
            assert value == right, f"{rule}: {value!r}, not {right!r}"
        else:
            assert_close(np.asarray(value), np.asarray(right), rule=rule)


def _check_evaluate(model, data, streams):
    expected = model.evaluate(*data, verbose=0, return_dict=True)
    columns = data if len(data) > 1 else data[0]
    dataset = tensorflow().data.Dataset.from_tensor_slices(columns)
    ways = {"for a tf.data.Dataset": ((dataset,), {})}
    if not streams:
        ways["in batches of two"] = data, {"batch_size": 2}
    for name, (columns, options) in ways.items():
        measured = model.evaluate(*columns, **options, verbose=0, return_dict=True)
        assert measured.keys() == expected.keys(), (
            f"`evaluate` has other numbers {name}: {measured}"
        )
        for key, value in expected.items():
            assert_close(
                np.float64(measured[key]),
                np.float64(value),
                1e-4,
                1e-4,
                f"`evaluate` gives another {key} {name}",
            )


def _check_saved(model, data, x, expected, answer):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.keras"
        model.save(path)
        loaded = load_model(path)
    assert type(loaded) is type(model), f"the file holds a {type(loaded).__name__}"
    _check_same(answer(loaded, x), expected, "out of a file it answers something else")
    if hasattr(model, "sampler"):
        sampler, right = repr(loaded.sampler), repr(model.sampler)
        assert sampler == right, f"out of a file its sampler is {sampler}, not {right}"
    rule = "out of a file its optimizer is another one"
    assert_close(arrays(loaded.optimizer.variables), arrays(model.optimizer.variables), rule=rule)
    histories = [
        trained.fit(*data, epochs=2, shuffle=False, verbose=0).history["loss"]
        for trained in (loaded, model)
    ]
    rule = "out of a file it does not go on training as before"
    assert_close(*map(np.float64, histories), 1e-4, 1e-4, rule)


def _check_mistakes(model, data, answer):
    x, *y = data
    mistakes = {
        "`fit` of nothing": lambda: model.fit([], *([] for _ in y), verbose=0),
        "`fit` of a number": lambda: model.fit(5, *y, verbose=0),
        "`evaluate` of a number": lambda: model.evaluate(5, *y, verbose=0),
        "the answer to a number": lambda: answer(model, [5]),
    }
    if y:
        mistakes["`fit` of more texts than answers"] = lambda: model.fit(x, y[0][:-1], verbose=0)
        mistakes["`fit` without answers"] = lambda: model.fit(x, verbose=0)
    for name, make in mistakes.items():
        try:
            make()
        except ValueError as error:
            assert str(error), f"{name} is a ValueError that says nothing"
        except Exception as error:
            raise AssertionError(f"{name} is a {type(error).__name__}, not a ValueError") from error
        else:
            raise AssertionError(f"{name} is no error")


def _check_export(model):
    from keras_seq.export import load

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model"
        model.export(path, verbose=False)
        served = load(path)
        for signature in model.make_signatures():
            answer = served.ask(signature.name, signature.example)
            assert answer.keys() == signature.outputs.keys(), (
                f"the signature {signature.name} answers {sorted(answer)}, "
                f"not {sorted(signature.outputs)}"
            )
            count = len(next(iter(signature.example.values())))
            counts = {name: len(rows) for name, rows in answer.items()}
            assert set(counts.values()) == {count}, (
                f"the signature {signature.name} answers {count} rows by {counts}"
            )
