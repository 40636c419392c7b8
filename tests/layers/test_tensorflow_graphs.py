"""TensorFlow: what leaves the process needs no compiler, and what stays is compiled."""

import keras
import numpy as np
import pytest
from cases import floats
from checks import assert_close

from keras_seq import layers
from keras_seq.backend import compiled, hand_gradient_pays
from keras_seq.export.operations import check_operations

if keras.config.backend() != "tensorflow":
    pytest.skip("TensorFlow alone compiles parts of a graph", allow_module_level=True)

import tensorflow as tf

pytestmark = pytest.mark.every_backend

T, D, U = 4, 3, 32  # as many units as a compiler pays for
X = floats(3, T, D) * (np.arange(T)[None] < np.array([4, 2, 1])[:, None])[:, :, None]


@pytest.fixture(scope="module")
def model():
    """A plain model of Keras, trained, so that something has been compiled before."""
    recurrent = layers.LSTM(U, return_sequences=True)
    back = layers.GRU(U, go_backwards=True)
    inputs = [keras.Input((None, D)), keras.layers.Masking()]
    model = keras.Sequential([*inputs, recurrent, back, keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(X, np.ones((3, 2)), verbose=0)
    return model


@pytest.mark.parametrize("way", ["export", "save"])
def test_a_saved_model_runs_without_a_compiler(model, way, tmp_path):
    if way == "export":
        model.export(tmp_path, verbose=False)
    else:
        tf.saved_model.save(model, tmp_path)
    check_operations(tmp_path)  # among others, no function that XLA must compile
    served = tf.saved_model.load(tmp_path).signatures["serving_default"]
    (found,) = served(tf.constant(X, tf.float32)).values()
    assert_close(found, model(X))


def test_an_onnx_file_of_a_plain_model_runs(model, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    model.export(tmp_path / "m.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (given,) = session.get_inputs()
    found = session.run(None, {given.name: X.astype("float32")})[0]
    assert_close(found, model(X))


def test_vectorized_map(model):
    found = keras.ops.vectorized_map(lambda row: model(row[None])[0], tf.constant(X, tf.float32))
    assert_close(found, model(X))


class Probe(keras.layers.Layer):
    """Notes whether a recurrence would be compiled where it is called."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def call(self, x):
        self.noted.append(hand_gradient_pays(U))
        return x


def test_what_stays_here_is_compiled():
    probe = Probe()
    model = keras.Sequential([keras.Input((2,)), probe, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2), "float32")
    y = x[:, :1]

    @tf.function
    def trained(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(x))
        return tape.gradient(loss, model.trainable_variables)

    def noted(call, *args, **kwargs):
        probe.noted = []
        call(*args, **kwargs)
        return set(probe.noted)

    assert noted(model.fit, x, y, verbose=0) == {True}
    assert noted(model.evaluate, x, y, verbose=0) == {True}
    assert noted(model.predict, x, verbose=0) == {True}
    assert noted(trained, tf.constant(x)) == {True}
    assert noted(compiled(model), tf.constant(x)) == {True}
    assert noted(tf.function(model), tf.constant(x)) == {False}
    assert noted(model, x) == {False}


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_a_learnt_first_state_is_read_in_a_graph_of_a_search(dtype, jit_compile):
    """Outside of any call of a layer, with weights that the graph is given."""
    cell = layers.VanillaRNNCell(D, learn_initial_state=True, dtype=dtype)
    stack = layers.RNNStack(cell, dtype=dtype)
    stack.build((None, None, D))

    @tf.function(jit_compile=jit_compile, autograph=False)
    def first_states(weights):
        with keras.StatelessScope(list(zip(stack.weights, weights, strict=True))):
            return stack.start(2)[0][0]

    weights = [tf.identity(weight.value) for weight in stack.weights]
    weights[-1] = tf.constant([0.5, -1.0, 2.0])
    found = first_states(weights)
    assert found.dtype == dtype.removeprefix("mixed_")
    assert found.numpy().tolist() == [[0.5, -1.0, 2.0]] * 2
