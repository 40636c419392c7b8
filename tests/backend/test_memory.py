"""What is gone takes its graphs and its weights with it."""

import gc
import weakref

import keras
import numpy as np
import pytest
from cases import floats

from keras_seq.backend import compiled, gradient
from keras_seq.layers import GRU, LSTM, Bidirectional, MinGRU, RNNStack, VanillaRNN
from keras_seq.models import TextClassifier

pytestmark = pytest.mark.every_backend

X = floats(2, 5, 3)
LAYERS = {
    "by hand": lambda: LSTM(32),  # as many units as XLA compiles for on TensorFlow
    "both sides": lambda: Bidirectional(GRU(2)),
    "in a loop": lambda: VanillaRNN(2),
    "side by side": lambda: MinGRU(2),
    "stacked": lambda: RNNStack("lstm", units=2, num_layers=2),
}


def trained(make):
    """Weak references to a layer that was used, to its weights, and to what it was given.

    That is a tensor of the graph, where there is one: it lives as long as the graph.
    """
    layer = make()
    layer.build(X.shape)
    things = [weakref.ref(thing) for thing in (layer, *layer.weights)]

    def loss(x):
        things.append(weakref.ref(x))
        return keras.ops.sum(layer(x) ** 2)

    compiled(lambda x: gradient(loss, x), layer.weights)(keras.ops.convert_to_tensor(X))
    return things


def test_layers():
    references = {name: trained(make) for name, make in LAYERS.items()}
    gc.collect()
    alive = {name for name, found in references.items() if any(ref() is not None for ref in found)}
    assert not alive


def test_a_model_that_answers():
    def used():
        model = TextClassifier.from_texts(["ab", "b"], ["x", "y"], units=32)
        call, things = model.encoder.call, [weakref.ref(model), weakref.ref(model.encoder)]

        def noted(inputs, **options):
            things.append(weakref.ref(inputs))
            return call(inputs, **options)

        model.encoder.call = noted
        assert len(model.classify(["a", "bab"])) == 2
        model.predict({"token_ids": np.ones((1, 4), "int32")}, verbose=0)
        return things

    references = used()
    keras.utils.clear_session(free_memory=False)
    gc.collect()
    assert not any(reference() is not None for reference in references)
