"""Which layer a `CRFLoss` takes: the one that the predictions came out of."""

import copy
import pickle

import keras
import numpy as np
import pytest
from cases import floats

from keras_seq.layers import CRF, CRFLoss
from keras_seq.models import TextTagger

X = floats(4, 5, 2)
Y = {"a": np.arange(20).reshape(4, 5) % 3, "b": np.arange(20).reshape(4, 5) // 2 % 3}


def part(number, behind=None):
    """A model whose CRF has the name of all others, and weights of its own."""
    inputs = keras.Input((None, 2))
    initializer = keras.initializers.RandomNormal(stddev=2.0, seed=number)
    crf = CRF(3, transition_initializer=initializer, name="crf")
    outputs = crf(keras.layers.Dense(3)(inputs))
    if behind is not None:
        outputs = behind(outputs)
    return keras.Model(inputs, outputs, name=f"part_{number}"), crf


@pytest.fixture
def whole():
    """A model with two parts, each with its loss."""
    (a, crf_a), (b, crf_b) = part(1), part(2)
    inputs = keras.Input((None, 2))
    model = keras.Model(inputs, {"a": a(inputs), "b": b(inputs)})
    model.compile("sgd", loss={"a": CRFLoss(crf_a), "b": CRFLoss(crf_b)})
    return model


def by_hand(model, name="crf"):
    """The losses of the outputs, of the layers that are in the model."""
    emissions = model.predict(X, verbose=0)
    layers = [model.get_layer(f"part_{number}").get_layer(name) for number in (1, 2)]
    return [
        float(-np.mean(keras.ops.convert_to_numpy(crf.log_likelihood(emissions[key], Y[key]))))
        for crf, key in zip(layers, "ab", strict=True)
    ]


def assert_right(model):
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0)[1:], by_hand(model), atol=1e-4)


def loaded(model, folder):
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


def test_layers_of_one_name(whole, tmp_path):
    assert_right(whole)
    model = loaded(whole, tmp_path)
    assert_right(model)
    crf = model.get_layer("part_2").get_layer("crf")
    before = crf.get_weights()
    model.fit(X, Y, verbose=0)
    assert not np.allclose(crf.get_weights()[0], before[0])  # it is trained, too
    assert_right(model)
    assert_right(whole)


@pytest.mark.parametrize("options", [{"run_eagerly": True}, {"jit_compile": True}], ids=str)
def test_in_every_kind_of_step(whole, options):
    if options.get("jit_compile") and keras.config.backend() == "torch":
        pytest.skip("Keras compiles nothing there without being asked by its own name")
    whole.compile_from_config({**whole.get_compile_config(), **options})
    assert_right(whole)


def test_clones_and_copies(whole):
    clone = keras.models.clone_model(whole)
    whole.compile_from_config(whole.get_compile_config())
    clone.compile_from_config(whole.get_compile_config())
    assert_right(whole)
    assert_right(clone)
    for other in (pickle.loads(pickle.dumps(whole)), copy.deepcopy(whole)):
        assert_right(other)
    clone = keras.models.clone_model(whole)
    clone.compile("sgd", loss=whole.loss)  # the same objects
    assert_right(clone)
    assert_right(whole)


def test_the_mask_of_the_layer_counts():
    """In a compiled step too: labels of masked steps are valid tags."""
    inputs, mask = keras.Input((None, 3)), keras.Input((None,), dtype="bool")
    crf = CRF(3, transition_initializer="glorot_uniform")
    model = keras.Model([inputs, mask], crf(inputs, mask=mask))
    model.compile("sgd", loss=CRFLoss(crf))
    emissions, valid = floats(4, 5, 3), np.arange(5) < np.array([5, 3, 1, 4])[:, None]
    expected = -np.mean(keras.ops.convert_to_numpy(crf.log_likelihood(emissions, Y["a"], valid)))
    found = model.evaluate([emissions, valid], Y["a"], verbose=0)
    assert found == pytest.approx(expected, abs=1e-4)


def test_one_tensor_into_two_layers():
    inputs = keras.Input((None, 2))
    hidden = keras.layers.Dense(3)(inputs)
    crfs = [CRF(3, transition_initializer="random_normal", name=name) for name in "ab"]
    model = keras.Model(inputs, {crf.name: crf(hidden) for crf in crfs})
    model.compile("sgd", loss={crf.name: CRFLoss(crf) for crf in crfs})
    crfs[1].transitions.assign(crfs[1].transitions + np.eye(3))
    emissions = model.predict(X, verbose=0)["a"]
    expected = [
        -np.mean(keras.ops.convert_to_numpy(crf.log_likelihood(emissions, Y[crf.name])))
        for crf in crfs
    ]
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0)[1:], expected, atol=1e-4)


@pytest.mark.parametrize("name", ["float32", "mixed_float16"])
def test_another_layer_behind_it(name, policy, tmp_path):
    policy(name)
    model, crf = part(1, keras.layers.Activation("linear", dtype="float32"))
    model.compile("sgd", loss=CRFLoss(crf))
    expected = model.evaluate(X, Y["a"], verbose=0)
    other = loaded(model, tmp_path)
    assert other.evaluate(X, Y["a"], verbose=0) == pytest.approx(expected, abs=1e-4)
    other.get_layer("crf").transitions.assign(-other.get_layer("crf").transitions)
    assert other.evaluate(X, Y["a"], verbose=0) != pytest.approx(expected, abs=1e-2)
    assert model.evaluate(X, Y["a"], verbose=0) == pytest.approx(expected, abs=1e-4)


def test_where_nothing_tells_the_layer():
    """There is an error, and no number of another layer."""
    loss = CRFLoss.from_config(CRFLoss(CRF(3, name="crf")).get_config())
    with pytest.raises(ValueError, match="0 CRFs named 'crf'"):
        loss(Y["a"], floats(4, 5, 3))
    layers = [CRF(3, name="crf") for _ in range(2)]
    for crf in layers:
        crf(floats(4, 5, 3))
    assert np.isnan(keras.ops.convert_to_numpy(loss(Y["a"], floats(4, 5, 3))))
    with pytest.raises(ValueError, match=r"2 CRFs named 'crf'.*CRFLoss\(crf\)"):
        loss(Y["a"], floats(4, 5, 3))


def test_the_loss_of_a_file_of_another_version(whole, tmp_path):
    """As they are written, and were: with the whole layer in the config of the loss."""
    config = whole.get_compile_config()["loss"]["b"]["config"]["crf"]
    assert config["class_name"] == "CRF" and config["config"]["name"] == "crf"
    assert CRFLoss.from_config({"crf": config}).get_config()["crf"] == config


def test_a_tagger_with_the_loss_of_its_own_layer(tmp_path):
    model = TextTagger.from_texts(["a b", "b"], ["X Y", "Y"], units=2, characters=None)
    model.chain.transitions.assign([[2.0, -1.0], [0.5, 1.0]])
    model.compile("sgd", loss=CRFLoss(model.chain))
    given = ["a b", "b a b"], ["X Y", "Y X Y"]
    expected = model.evaluate(*given, verbose=0)
    assert loaded(model, tmp_path).evaluate(*given, verbose=0) == pytest.approx(expected, abs=1e-4)
