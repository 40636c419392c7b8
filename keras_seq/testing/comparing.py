"""Compare nests of tensors, and things with their saved copies."""

import json
import pathlib
import tempfile

import keras
import numpy as np


def floats(*shape):
    """Normal numbers that belong to the shape alone."""
    return np.random.default_rng(shape).normal(size=shape).astype("float32")


def arrays(nest):
    """The leaves of a nest of tensors as NumPy arrays; `None` leaves are left out."""
    leaves = [leaf for leaf in keras.tree.flatten(nest) if leaf is not None]
    return [keras.ops.convert_to_numpy(leaf) for leaf in leaves]


def assert_close(actual, expected, atol=1e-5, rtol=1e-5, rule=""):
    """Assert that two nests of tensors or arrays hold the same numbers in the same shapes."""
    actual, expected = arrays(actual), arrays(expected)
    assert len(actual) == len(expected), f"{rule}: {len(actual)} results, not {len(expected)}"
    for array, right in zip(actual, expected, strict=True):
        assert array.shape == right.shape, f"{rule}: a shape is {array.shape}, not {right.shape}"
        np.testing.assert_allclose(array, right, atol=atol, rtol=rtol, err_msg=rule)


def weighted_sum(nest):
    """A scalar that every number in a nest of float tensors enters with its own weight."""
    total = 0.0
    for k, leaf in enumerate(x for x in keras.tree.flatten(nest) if x is not None):
        # Not one weight for all: the sum of a softmax has no gradient.
        weights = np.cos(1.0 + k + np.arange(np.prod(leaf.shape))).reshape(leaf.shape)
        weights = keras.ops.cast(weights, leaf.dtype)
        total = total + keras.ops.cast(keras.ops.sum(leaf * weights), "float32")
    return total


def json_copy(thing):
    """A copy of something by its config, which goes through JSON and comes back the same."""
    name = type(thing).__name__
    try:
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(thing)))
        copy = keras.saving.deserialize_keras_object(config)
    except (TypeError, ValueError) as error:
        raise AssertionError(
            f"{name} does not survive its config in JSON: its class needs `get_config()` and "
            f"`@keras.saving.register_keras_serializable(package=...)`. {error}"
        ) from error
    assert type(copy) is type(thing), f"the config of {name} makes a {type(copy).__name__}"
    _same_config(thing, copy.get_config())
    again = type(thing).from_config(json.loads(json.dumps(thing.get_config())))
    _same_config(thing, again.get_config())
    return copy


def _same_config(thing, config):
    copied, config = json.dumps(config), json.dumps(thing.get_config())
    name = type(thing).__name__
    assert copied == config, (
        f"a copy of {name} by its config has another config: {copied}, not {config}"
    )


def file_copy(model):
    """A model out of the `.keras` file that a model was written to, with the same weights.

    All weights become random numbers first: what is 0 anyway would not show that it was saved.
    """
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=x.shape).astype(x.dtype) for x in model.get_weights()])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.keras"
        model.save(path)
        copy = keras.saving.load_model(path)
    rule = "a model out of a file has other weights"
    assert_close(copy.get_weights(), model.get_weights(), 0, 0, rule)
    return copy
