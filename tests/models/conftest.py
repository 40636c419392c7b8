"""One trained model for all tests of the models, and what they share."""

import itertools
import random
import types

import keras
import pytest

from keras_seq.models import Seq2Seq


@pytest.fixture(scope="session")
def reversal():
    """A model that has learnt to reverse strings, with the pairs it saw and those it did not.

    All strings of two to five letters out of four are 1,360; every fifth is held out.
    """
    strings = ["".join(s) for n in (2, 3, 4, 5) for s in itertools.product("abcd", repeat=n)]
    random.Random(0).shuffle(strings)
    unseen, seen = strings[::5], [s for i, s in enumerate(strings) if i % 5]
    keras.utils.set_random_seed(0)
    model = Seq2Seq.from_texts(seen, [s[::-1] for s in seen], tokens="char", units=32)
    rate = keras.optimizers.schedules.CosineDecay(1.5e-2, 31 * 8)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), sampler="beam")
    history = model.fit(
        seen, [s[::-1] for s in seen], batch_size=32, epochs=8, validation_split=0.1, verbose=0
    )
    return types.SimpleNamespace(model=model, seen=seen, unseen=unseen, history=history.history)


@pytest.fixture
def tiny():
    """Makes small untrained models, the same at each call."""

    def make(sources=("abc", "de"), targets=("xy", "z"), seed=0, **config):
        keras.utils.set_random_seed(seed)
        config = {"cell": "gru", "units": 6, "bidirectional": False, **config}
        model = Seq2Seq.from_texts(list(sources), list(targets), **{"tokens": "char", **config})
        model.compile(keras.optimizers.Adam(1e-2))
        return model

    return make
