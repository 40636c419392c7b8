"""The common checks, on every line of `cases.LAYERS`."""

import functools
import json

import keras
import numpy as np
import pytest
from cases import LAYERS, B
from checks import (
    array,
    arrays,
    assert_close,
    build,
    runner,
    weighted_sum,
)

from keras_seq.backend import compiled, gradient

every_layer = pytest.mark.parametrize("case", LAYERS, ids=str)


@functools.cache
def _example(case):
    """A layer, the function that runs it, and its results; no test changes the layer."""
    layer = build(case, case.make())
    run = runner(case, layer)
    return layer, run, keras.tree.flatten(run(case.inputs))


def _rows(nest, rows):
    return keras.tree.map_structure(lambda x: x[rows], nest)


def _padded(x, filling, more=2):
    """`x` with `more` steps of `filling` behind it; dicts by key."""
    if isinstance(filling, dict):
        return {key: _padded(x[key], filling[key]) for key in x}
    widths = [(0, 0), (0, more), *[(0, 0)] * (x.ndim - 2)]
    return np.pad(x, widths, constant_values=filling)


def _dtypes(results):
    return {keras.backend.standardize_dtype(x.dtype) for x in results if x is not None}


@every_layer
def test_shapes_and_dtype(case):
    _, _, results = _example(case)
    assert [tuple(leaf.shape) for leaf in results if leaf is not None] == case.shapes
    assert _dtypes(results) == {"float32"}


@every_layer
def test_survives_a_config_in_json(case):
    layer, _, results = _example(case)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    copy = keras.saving.deserialize_keras_object(config)
    assert type(copy) is type(layer)
    assert json.dumps(copy.get_config()) == json.dumps(layer.get_config())
    build(case, copy).set_weights(layer.get_weights())
    assert_close(runner(case, copy)(case.inputs), results, atol=1e-6)


@every_layer
def test_from_config_gives_the_same_config(case):
    """Exactly, as Keras's own test of a layer has it; built or not."""
    for layer in (case.make(), _example(case)[0]):
        config = layer.get_config()
        expected = json.dumps(config)
        assert type(layer).from_config(config).get_config() == layer.get_config()
        again = type(layer).from_config(json.loads(expected))
        assert json.dumps(again.get_config()) == expected


OF_A_USER = ("AttentionCell", "Bidirectional")  # lines with layers that somebody made before


@pytest.mark.once
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_a_config_does_not_depend_on_what_was_made_before(case):
    if case.name.startswith(OF_A_USER):
        pytest.skip("a layer that a user made keeps its name")
    one, other = ({**case.make().get_config(), "name": None} for _ in range(2))
    assert one == other


@functools.cache
def _differentiated(case):
    """The gradients of a weighted sum of the results of `_example(case)`: of weights and inputs.

    A function of the inputs; it returns the gradients of the trainable variables, and that of the
    sequence that a mask goes with, if there is one.
    """
    layer, _, _ = _example(case)
    variables = layer.trainable_variables
    sequence, _ = _masked(case)

    def of_nest(nest, inputs):
        with keras.StatelessScope(state_mapping=list(zip(variables, nest[0], strict=True))):
            given = {**inputs, sequence: nest[1]} if sequence else inputs
            return weighted_sum(case.call(layer, **given))

    def both(values, inputs):
        nest = [values, inputs[sequence]] if sequence else [values]
        return gradient(lambda nest: of_nest(nest, inputs), nest)[1]

    both = compiled(both) if keras.config.backend() == "jax" else both

    def run(inputs):
        inputs = keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)
        of_weights, *of_sequence = both([v.value for v in variables], inputs)
        return arrays(of_weights), arrays(of_sequence)

    return run


def _masked(case):
    """The names of the sequence and of its mask among the inputs of a line, or `(None, None)`."""
    for sequence, mask in (("inputs", "mask"), ("values", "values_mask")):
        if mask in case.inputs:
            return sequence, mask
    return None, None


@every_layer
def test_gradient_reaches_every_weight(case):
    layer, _, _ = _example(case)
    if not layer.trainable_variables:
        pytest.skip("it has no weights")
    names = [variable.path for variable in layer.trainable_variables]
    gradients, _ = _differentiated(case)(case.inputs)
    assert all(np.isfinite(g).all() for g in gradients)
    assert [name for name, g in zip(names, gradients, strict=True) if not g.any()] == []


@every_layer
def test_a_batch_is_its_rows(case):
    _, run, results = _example(case)
    rows = [arrays(run(_rows(case.inputs, slice(i, i + 1)))) for i in range(B)]
    assert_close([np.concatenate(column) for column in zip(*rows, strict=True)], results)


@pytest.mark.parametrize("case", [case for case in LAYERS if case.grows], ids=str)
def test_more_padding_changes_nothing(case):
    _, run, results = _example(case)
    longer = {
        name: _padded(x, case.grows[name]) if name in case.grows else x
        for name, x in case.inputs.items()
    }
    results = arrays(results)
    inside = [
        one[tuple(slice(n) for n in other.shape)]
        for one, other in zip(arrays(run(longer)), results, strict=True)
    ]
    assert_close(inside, results)


HOLED = np.array([[1, 0, 1, 1, 0], [0, 1, 0, 0, 1], [0, 0, 1, 0, 0]], bool)


@pytest.mark.parametrize("case", [case for case in LAYERS if _masked(case)[0]], ids=str)
@pytest.mark.parametrize("holed", [False, True], ids=["padded", "holed"])
def test_what_stands_at_masked_steps_goes_nowhere(case, holed):
    """Not into the results and not into a gradient, even if it is NaN or infinite."""
    _, run, _ = _example(case)
    sequence, name = _masked(case)
    mask = HOLED if holed else case.inputs[name]
    inputs = {**case.inputs, name: mask}
    expected, (of_weights, (of_sequence,)) = arrays(run(inputs)), _differentiated(case)(inputs)
    assert not of_sequence[~mask].any()
    values = case.inputs[sequence]
    rubbish = np.resize(np.array([np.nan, np.inf, -np.inf, 1e3], "float32"), values.shape)
    spoilt = {**inputs, sequence: np.where(mask[..., None], values, rubbish)}
    assert_close(run(spoilt), expected)
    assert_close(_differentiated(case)(spoilt), (of_weights, [of_sequence]))


@every_layer
def test_inference_is_repeatable(case):
    _, run, results = _example(case)
    assert_close(run(case.inputs), results, atol=0, rtol=0)


@pytest.mark.parametrize(
    "case, name",
    [
        *[(case, "mixed_float16") for case in LAYERS],
        *[(case, "mixed_bfloat16") for case in LAYERS if "-" not in case.name],
    ],
    ids=str,
)
def test_mixed_precision(case, name, policy):
    single, _, expected = _example(case)
    policy(name)
    layer = build(case, case.make())
    layer.set_weights(single.get_weights())
    results = keras.tree.flatten(runner(case, layer)(case.inputs))
    assert _dtypes(results) == {"float32" if case.float32_output else name.removeprefix("mixed_")}
    assert {variable.dtype for variable in layer.trainable_variables} <= {"float32"}
    for one, other in zip(results, expected, strict=True):
        if other is not None:
            one = array(keras.ops.cast(one, "float32"))
            np.testing.assert_allclose(one, array(other), atol=0.1)


@every_layer
def test_the_dtype_reaches_every_part(case):
    if case.name == "Encoder-readout":
        pytest.skip("its cell comes with a dtype of its own")
    layer = case.make(dtype="mixed_bfloat16")
    others = {part.name for part in layer._flatten_layers() if part.compute_dtype != "bfloat16"}
    if case.float32_output:
        decoder = getattr(layer, "decoder", layer)
        projection = getattr(decoder, "projection", None)  # to the vocabulary
        others -= {projection.name} if projection is not None else set()
        others -= {decoder.copy_gate.name} if getattr(decoder, "copy", False) else set()
    assert others == set()


TASKS = ("Seq2Seq", "LanguageModel", "TextClassifier", "TextTagger")


@pytest.mark.parametrize("case", [case for case in LAYERS if case.name in TASKS], ids=str)
def test_every_part_of_a_task_is_built(case):
    """Otherwise Keras looks for weights anew at each `predict` on JAX, for seconds."""
    assert [part.name for part in case.make()._flatten_layers() if not part.built] == []


@pytest.mark.parametrize("case", [case for case in LAYERS if "Attention-" in case.name], ids=str)
def test_shapes_of_attention_are_known_beforehand(case):
    shapes = case.make().compute_output_shape(
        case.inputs["query"].shape, case.inputs["values"].shape
    )
    assert list(shapes) == case.shapes


@pytest.mark.parametrize("case", [c for c in LAYERS if c.name.startswith("Encoder")], ids=str)
def test_shapes_of_encoders_are_known_beforehand(case):
    outputs, states = case.make().compute_output_shape(case.inputs["inputs"].shape)
    assert [outputs, *[shape for layer in states for shape in layer]] == case.shapes
