"""Measure how much each input token changes one output: its input gradient."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.analysis.activations import one_row, tokens_of
from keras_seq.analysis.inside import all_layers, observed
from keras_seq.analysis.perturbation import AddedToOutputs, OutputShapes
from keras_seq.backend import gradient


@dataclasses.dataclass(frozen=True, eq=False)
class Connectivity:
    """How much one output of a model changes with each step of one input.

    Attributes:
        layer: the name of the embedding, or `"input"`.
        tokens: the tokens of the steps, a tuple of str, or `None` where they are not known.
        values: float64 `(time,)`, the norms of the gradient.
        position: the step of the output; `None` where the model has one output a row.
        output: the number of the class or token whose output it is.
    """

    layer: str
    tokens: tuple | None
    values: np.ndarray
    position: int | None
    output: int

    @property
    def shares(self):
        """`values` divided by their sum; zeros where that is 0."""
        total = self.values.sum()
        return self.values / total if total else np.zeros_like(self.values)


def connectivity(
    model: keras.Model,
    sequence: Any,
    position: int = -1,
    output: int | None = None,
    target: str | None = None,
    tokens: Sequence[str] | None = None,
) -> "dict[str, Connectivity]":
    r"""The gradient of one output of a model with respect to every character or word it has read.

        v_s = || d y_k(t) / d e_s ||

    y_k(t) is the output (a logit, where the model gives logits) of class or token k at step t, and
    e_s the embedding of the token at step s; without an embedding, the numbers at step s. Where a
    model has forgotten the token at s, v_s is 0.

    Args:
        model: a Keras model whose output is `(batch, classes)` or `(batch, time, classes)`.
        sequence: a text for a task model; else one row of its inputs, without the batch axis.
        position: t, for an output at each step; from the end where negative.
        output: k; the largest output where it is not given.
        target: for a translator, the text that the decoder reads; its own greedy answer where it is
            not given.
        tokens: names of the steps, where the model has no tokenizer.

    Returns:
        A dict from the name of each embedding, or `"input"`, to a `Connectivity`. A translator has
        two: of its source and of the target before t.

    Raises:
        ValueError: for a position or an output that the model does not have, and for a model
            without embeddings whose input is no float array.

    Example:

    >>> from keras_seq.layers import GRU
    >>> model = keras.Sequential([keras.layers.Embedding(9, 4, name="words"), GRU(4)])
    >>> connectivity(model, np.array([1, 5, 3]))["words"].values.shape
    (3,)

    References:
        - Madsen, 2019, "Visualizing memorization in RNNs", Distill, doi:10.23915/distill.00016.
    """
    inputs, named_tokens = one_row(model, sequence, target, tokens)
    if not model.built:
        model(inputs, training=False)
    embeddings = [x for x in all_layers(model) if isinstance(x, keras.layers.Embedding)]
    shapes = OutputShapes()
    with observed(model, shapes, embeddings):
        predictions = ops.convert_to_numpy(model(inputs, training=False))
    step, output = _chosen(predictions, position, output, named_tokens)
    added = [shape.zeros() for shape in shapes.found.values()]
    by_numbers = not added
    if by_numbers:
        if isinstance(inputs, dict) or np.asarray(inputs).dtype.kind != "f":
            raise ValueError(
                "A model without an embedding must read a float array (time, features); received "
                f"{inputs!r}."
            )
        added = [[np.zeros_like(inputs, "float32")]]

    def chosen_output(added):
        observation = AddedToOutputs(dict(zip(shapes.found, added, strict=False)))
        with observed(model, observation, embeddings):
            moved = ops.convert_to_tensor(inputs) + added[0][0] if by_numbers else inputs
            outputs = model(moved, training=False)
        return outputs[0, output] if step is None else outputs[0, step, output]

    _, gradients = gradient(chosen_output, added)
    names = {id(layer): layer.name for layer in embeddings}
    keys = list(shapes.found) or [("input", 0)]
    result = {}
    for key, (values,) in zip(keys, gradients, strict=True):
        name = names.get(key[0], "input") + (f"#{key[1] + 1}" if key[1] else "")
        values = np.asarray(ops.convert_to_numpy(values)[0], "float64")
        labels = tokens_of(named_tokens, name)
        values = np.linalg.norm(values, axis=-1)[: None if labels is None else len(labels)]
        labels = None if labels is None else tuple(labels)
        result[name] = Connectivity(name, labels, values, step, output)
    return result


def _chosen(predictions, position, output, named_tokens):
    """The step and the number of the output, checked."""
    if predictions.ndim not in (2, 3):
        raise ValueError(
            "The model must give (batch, classes) or (batch, time, classes); it gives "
            f"{predictions.shape}."
        )
    step, values = None, predictions[0]
    if predictions.ndim == 3:
        steps = _steps(predictions[0], named_tokens)
        if not -steps <= position < steps:
            raise ValueError(
                f"`position` must be from {-steps} to {steps - 1}; received {position}."
            )
        step = position % steps
        values = values[step]
    if output is None:
        output = int(values.argmax())
    if not 0 <= output < len(values):
        raise ValueError(f"`output` must be from 0 to {len(values) - 1}; received {output}.")
    return step, output


def _steps(outputs, named_tokens):
    """How many steps have an output of their own; those behind them are padding."""
    if "decoder" in named_tokens:
        return len(named_tokens["decoder"])
    return min([len(outputs), *map(len, named_tokens.values())])
