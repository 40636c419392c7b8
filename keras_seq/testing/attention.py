"""The rules that hold for every attention mechanism."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from keras_seq.layers import AttentionMechanism, Decoder
from keras_seq.layers.masking import without_masked
from keras_seq.testing.comparing import assert_close, file_copy, floats
from keras_seq.testing.layer import hold_to_rules
from keras_seq.testing.program import Program

ROWS, STEPS, TIME = 3, 4, 5
MASK = np.arange(TIME) < np.array([[5], [3], [1]])
NOTHING = MASK & np.array([[True], [True], [False]])


def check_attention(
    make: Callable[..., AttentionMechanism],
    query_size: int = 4,
    value_size: int = 6,
    training: bool = False,
    normalized: bool = True,
    half: Sequence[str] = ("float16",),
) -> None:
    """Check an attention mechanism, a subclass of `keras_seq.layers.AttentionMechanism`.

    - All steps in one call keep to the rules of `check_layer`.
    - Weights are not negative; they are 0 for masked values and sum to 1 over the others. The
      context is the sum of the values by them. Where every value is masked, all are 0, and the
      gradients finite.
    - Step by step, with the keys projected beforehand, results and gradients are those of one call;
      so are those of a call for one step.
    - `compute_output_shape` says the shapes.
    - A decoder with it survives a `.keras` file.

    Args:
        make: makes the mechanism; takes keyword arguments of a Keras layer, such as `dtype`.
        query_size: size of the queries.
        value_size: size of the values.
        training: whether to call it as in training, for a mechanism that has a gradient only there.
        normalized: whether the weights sum to 1; they sum to 1 at most where not.
        half: the types of half precision to check.

    Raises:
        AssertionError: for the first rule that is broken.

    Example:

    >>> @keras.saving.register_keras_serializable(package="mine")
    ... class Nearest(AttentionMechanism):
    ...     def score(self, query, keys):
    ...         return -ops.sum((query[:, :, None] - keys[:, None]) ** 2, axis=-1)
    >>> check_attention(Nearest, query_size=6)
    """
    inputs = {
        "query": floats(ROWS, STEPS, query_size),
        "values": floats(ROWS, TIME, value_size),
        "values_mask": MASK,
    }
    query, values = inputs["query"].shape, inputs["values"].shape
    shapes = [(ROWS, STEPS, value_size), (ROWS, STEPS, TIME)]
    assert list(make().compute_output_shape(query, values)) == shapes, (
        f"`compute_output_shape` does not say {shapes}"
    )
    options = {"training": True} if training else {}

    def call(layer, query, **memory):
        return layer(query, **memory, **options), layer(query[:, 0], **memory, **options)

    single = [(ROWS, value_size), (ROWS, TIME)]
    grows = {"values": 0, "values_mask": False}
    by_call = hold_to_rules(make, inputs, shapes + single, call, grows=grows, half=half)
    by_steps = Program(by_call.layer, _steps(training), "values")
    for mask in (MASK, NOTHING):
        inputs["values_mask"] = mask
        expected = by_call(inputs)
        (context, weights, *_), *gradients = expected
        _check_weights(inputs["values"], mask, context, weights, normalized)
        assert all(np.isfinite(x).all() for nest in gradients for x in nest), (
            "a gradient is not finite where all values are masked"
        )
        rule = "step by step it gives something else than in one call"
        assert_close(by_steps(inputs), expected, rule=rule)
    _check_in_a_decoder(make(), query_size, value_size)


def _check_weights(values, mask, context, weights, normalized):
    assert (weights >= 0).all(), "a weight is negative"
    assert not weights[np.broadcast_to(~mask[:, None], weights.shape)].any(), (
        "a masked value has a weight"
    )
    sums = weights.sum(axis=-1)
    if normalized:
        expected = np.broadcast_to(mask.any(axis=1)[:, None], sums.shape)
        assert_close(sums, expected.astype("float32"), rule="the weights do not sum to 1")
    assert (sums <= 1 + 1e-5).all(), "the weights sum to more than 1"
    assert_close(context, weights @ values, rule="the context is not the sum of the values")


def _steps(training):
    """A call step by step; it returns the contexts and weights of all steps and of the first."""

    def run(layer, query, values, values_mask):
        values = without_masked(values, values_mask)
        memory = {"values": values, "keys": layer.project_keys(values), "mask": values_mask}
        noise = layer.draw_noise(values_mask, STEPS) if training else None
        state, contexts, weights = layer.initial_state(values_mask), [], []
        for t in range(STEPS):
            drawn = None if noise is None else noise[:, t]
            context, weight, state = layer.attend(
                query[:, t], memory, state, noise=drawn, training=training
            )
            contexts.append(context)
            weights.append(weight)
        stacked = [ops.stack(each, axis=1) for each in (contexts, weights)]
        return [*stacked, contexts[0], weights[0]]

    return run


def _check_in_a_decoder(mechanism, query_size, value_size):
    decoder = Decoder(7, units=query_size, cell="gru", attention=mechanism)
    ids, state = keras.Input((STEPS,), dtype="int32"), keras.Input((query_size,))
    values, mask = keras.Input((TIME, value_size)), keras.Input((TIME,), dtype="bool")
    logits = decoder(ids, encoder_states=[[state]], values=values, values_mask=mask)
    file_copy(keras.Model([ids, state, values, mask], logits))
