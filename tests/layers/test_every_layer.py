"""The common checks, on every line of `cases.LAYERS`."""

import pytest
from cases import LAYERS

pytestmark = pytest.mark.every_backend

OF_A_USER = ("AttentionCell", "Bidirectional")  # lines with layers that somebody made before
TASKS = ("Seq2Seq", "LanguageModel", "TextClassifier", "TextTagger")
every_layer = pytest.mark.parametrize("case", LAYERS, ids=str)


@every_layer
def test_the_common_rules(case):
    case.check()


@pytest.mark.once
@every_layer
def test_a_config_does_not_depend_on_what_was_made_before(case):
    if case.name.startswith(OF_A_USER):
        pytest.skip("a layer that a user made keeps its name")
    one, other = ({**case.make().get_config(), "name": None} for _ in range(2))
    assert one == other


@pytest.mark.once
@every_layer
def test_the_dtype_reaches_every_part(case):
    if case.name == "Encoder-readout":
        pytest.skip("its cell comes with a dtype of its own")
    layer = case.make(dtype="mixed_bfloat16")
    others = {part.name for part in layer._flatten_layers() if part.compute_dtype != "bfloat16"}
    if getattr(case, "float32_output", False):
        decoder = getattr(layer, "decoder", layer)
        projection = getattr(decoder, "projection", None)  # to the vocabulary
        others -= {projection.name} if projection is not None else set()
        others -= {decoder.copy_gate.name} if getattr(decoder, "copy", False) else set()
    assert others == set()


@pytest.mark.parametrize("case", [case for case in LAYERS if case.name in TASKS], ids=str)
def test_every_part_of_a_task_is_built(case):
    """Otherwise Keras looks for weights anew at each `predict` on JAX, for seconds."""
    assert [part.name for part in case.make()._flatten_layers() if not part.built] == []


@pytest.mark.once
@pytest.mark.parametrize("case", [c for c in LAYERS if c.name.startswith("Encoder")], ids=str)
def test_shapes_of_encoders_are_known_beforehand(case):
    outputs, states = case.make().compute_output_shape(case.inputs["inputs"].shape)
    assert [outputs, *[shape for layer in states for shape in layer]] == case.shapes
