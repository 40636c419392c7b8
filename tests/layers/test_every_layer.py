"""The common checks, on every line of `cases.LAYERS`."""

import functools
import json

import keras
import numpy as np
import pytest
from cases import LAYERS, B, S
from checks import (
    array,
    arrays,
    assert_close,
    build,
    nameless,
    runner,
    weight_gradients,
    weighted_sum,
)

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
    assert nameless(copy.get_config()) == nameless(layer.get_config())
    build(case, copy).set_weights(layer.get_weights())
    assert_close(runner(case, copy)(case.inputs), results, atol=1e-6)


@every_layer
def test_gradient_reaches_every_weight(case):
    layer, _, _ = _example(case)
    if not layer.trainable_variables:
        pytest.skip("it has no weights")
    names = [variable.path for variable in layer.trainable_variables]
    gradients = weight_gradients(
        layer.trainable_variables, lambda: weighted_sum(case.call(layer, **case.inputs))
    )
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


@pytest.mark.parametrize(
    "case", [c for c in LAYERS if {"mask", "values_mask"} & {*c.inputs}], ids=str
)
def test_masked_values_are_not_looked_at(case):
    _, run, results = _example(case)
    name, mask = next((name, x) for name, x in case.inputs.items() if "mask" in name)
    sequence = "inputs" if name == "mask" else "values"
    spoilt = np.where(mask[..., None], case.inputs[sequence], 1e3).astype("float32")
    for one, other in zip(
        arrays(run({**case.inputs, sequence: spoilt})), arrays(results), strict=True
    ):
        if one.ndim == 3 and one.shape[:2] == (B, S):  # an output for each step of the source
            one, other = one * mask[..., None], other * mask[..., None]
        np.testing.assert_allclose(one, other, atol=1e-5)


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
