"""Whatever breaks a step off, the model is as the last step that ended well left it."""

import signal

import keras
import numpy as np
import pytest
from cases import tokenizer
from keras import ops

from keras_seq.models import TextClassifier

EAGER = keras.backend.backend() != "jax"  # whose compiled steps consume the model's values
TEXTS, LABELS = ["ab", "ba", "cab", "b"] * 2, ["x", "y", "x", "y"] * 2


class Break(Exception):
    """What a user's code raises."""


class Batches(keras.utils.PyDataset):
    """So many batches of ids, and then something else."""

    def __init__(self, model, count, then=None, size=4):
        super().__init__()
        self.x, self.y, _ = model.as_batch(TEXTS, LABELS)
        self.count = count
        self.then = then
        self.size = size

    def __len__(self):
        return self.count + (self.then is not None)

    def __getitem__(self, i):
        rows = slice(0, self.size)
        x, y = {name: column[rows] for name, column in self.x.items()}, self.y[rows]
        return self.then(x, y) if i >= self.count else (x, y)


class Breaks(keras.callbacks.Callback):
    """Raises at the n-th call of one of its methods."""

    def __init__(self, where, after=0, error=Break):
        super().__init__()
        self.left = after

        def method(*args, **kwargs):
            self.left -= 1
            if self.left < 0:
                raise error

        setattr(self, where, method)


class BreaksInAStep(keras.metrics.Mean):
    """A metric that raises where it is told to."""

    broken = False

    def update_state(self, y_true, y_pred, sample_weight=None):
        if self.broken:
            raise Break
        super().update_state(ops.cast(y_true, "float32"))


def make(**config):
    keras.utils.set_random_seed(3)
    model = TextClassifier(tokenizer(), ["x", "y"], units=3, cell="vanilla", **config)
    model.compile(keras.optimizers.Adam(0.1), run_eagerly=EAGER)
    return model


def state(model):
    values = [*model.get_weights(), *(np.array(v) for v in model.optimizer.variables)]
    return [np.array(value) for value in values]


def assert_same(model, other):
    for one, two in zip(state(model), state(other), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.fixture(autouse=True)
def _ctrl_c():
    """Ctrl-C breaks off, also in a process that was started to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def after():
    """The model after so many steps; no test changes these."""
    models = []
    for steps in range(4):
        model = make()
        model.optimizer.build(model.trainable_variables)
        if steps:
            model.fit(Batches(model, steps), verbose=0, shuffle=False)
        models.append(model)
    return models


def assert_whole(model, tmp_path):
    """Everything works, and what was saved is what is there."""
    assert len(model.classify(TEXTS)) == len(TEXTS)
    assert len(model.predict(TEXTS, verbose=0)) == len(TEXTS)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(again, model)
    assert np.isfinite(model.evaluate(TEXTS, LABELS, verbose=0)).all()
    assert np.isfinite(model.fit(TEXTS, LABELS, verbose=0).history["loss"]).all()


def other_shape(x, y):
    """Labels that nothing can be computed of: the step cannot be traced."""
    return x, np.zeros((3, 5), "int32")


def interrupt(x, y):
    signal.raise_signal(signal.SIGINT)
    return x, y


def raises(x, y):
    raise Break


def callback(where, after=0, error=Break):
    return lambda model: {"x": Batches(model, 3), "callbacks": [Breaks(where, after, error)]}


def data(count, then):
    return lambda model: {"x": Batches(model, count, then)}


CASES = {
    "the first batch begins": (callback("on_train_batch_begin"), 0),
    "the first batch ends": (callback("on_train_batch_end"), 1),
    "the third batch begins": (callback("on_train_batch_begin", 2), 2),
    "Ctrl-C in a callback": (callback("on_train_batch_end", 1, KeyboardInterrupt), 2),
    "the epoch ends": (callback("on_epoch_end"), 3),
    "the first step": (data(0, other_shape), 0),
    "a later step": (data(2, other_shape), 2),
    "Ctrl-C between steps": (data(2, interrupt), 2),
    "the data": (data(1, raises), 1),
}

ERRORS = {
    "Ctrl-C in a callback": KeyboardInterrupt,
    "Ctrl-C between steps": KeyboardInterrupt,
    "the first step": Exception,  # the backend's own, of shapes
    "a later step": Exception,
}


@pytest.mark.parametrize("case", CASES)
def test_fit(case, after, tmp_path):
    arguments, steps = CASES[case]
    model = make()
    with pytest.raises(ERRORS.get(case, Break)):
        model.fit(**arguments(model), verbose=0, shuffle=False)
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    if case in ("Ctrl-C between steps", "a later step", "the data"):  # fetched ahead, or not
        least, steps = steps - 1, int(model.optimizer.iterations)
        assert least <= steps <= least + 2
    assert_same(model, after[steps])
    if case == "the first step":
        assert_whole(model, tmp_path)


def test_ctrl_c_while_a_step_runs(after):
    """The step ends first: its weights are there."""
    model = make()
    model.make_train_function()
    inner = model.train_function

    class Interrupts(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 1:
                signal.setitimer(signal.ITIMER_REAL, 1e-9)

    before = signal.signal(signal.SIGALRM, lambda *args: signal.raise_signal(signal.SIGINT))
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(Batches(model, 3), verbose=0, shuffle=False, callbacks=[Interrupts()])
    finally:
        signal.signal(signal.SIGALRM, before)
    assert model.train_function is inner
    steps = int(model.optimizer.iterations)
    assert steps in (1, 2)  # where the signal came is a matter of microseconds
    assert_same(model, after[steps])


@pytest.mark.parametrize("where", ["evaluate", "predict", "validation"])
def test_evaluate_and_predict(where, after):
    model = make()
    model.fit(Batches(model, 2), verbose=0, shuffle=False)
    breaks = {"evaluate": "on_test_batch_end", "predict": "on_predict_batch_end"}
    with pytest.raises(Break):
        if where == "validation":
            data = Batches(model, 1), Batches(model, 1, raises)
            model.fit(data[0], validation_data=data[1], verbose=0, shuffle=False)
        else:
            arguments = (TEXTS, LABELS) if where == "evaluate" else (TEXTS,)
            getattr(model, where)(*arguments, verbose=0, callbacks=[Breaks(breaks[where])])
    assert_same(model, after[3 if where == "validation" else 2])
    if where == "evaluate":
        assert np.isfinite(model.evaluate(TEXTS, LABELS, verbose=0)).all()


def test_a_metric_and_a_batch(after):
    """A step that cannot be traced, by batch: weights set since the last one stay."""
    model, metric = make(), BreaksInAStep()
    model.compile(keras.optimizers.Adam(0.1), metrics=[metric], run_eagerly=EAGER)
    model.fit(Batches(model, 2), verbose=0, shuffle=False)
    assert_same(model, after[2])
    model.train_on_batch(TEXTS, LABELS)
    model.set_weights(after[2].get_weights())
    metric.broken = True
    short = TEXTS[:3], LABELS[:3]  # another shape: traced anew
    methods = [model.train_on_batch, model.test_on_batch, model.evaluate, model.fit]
    if EAGER:  # a step has trained before its metrics come
        methods = methods[1:3]
    for method in methods:
        with pytest.raises(Break):
            method(*short)
    metric.broken = False
    assert all(map(np.array_equal, model.get_weights(), after[2].get_weights()))
    assert model.classify(TEXTS) == after[2].classify(TEXTS)  # which fetches the newest weights
    assert all(map(np.array_equal, model.get_weights(), after[2].get_weights()))
    assert np.isfinite(model.train_on_batch(TEXTS, LABELS)).all()


def test_a_regularizer():
    """Its loss, traced by the step that broke off, is forgotten."""
    model, metric = make(), BreaksInAStep()
    model.projection.kernel_regularizer = keras.regularizers.L2(0.1)
    model.projection.kernel.regularizer = model.projection.kernel_regularizer
    broken = [True]

    def loss(y_true, y_pred):
        if broken[0]:
            raise Break
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)

    model.compile("sgd", loss=loss, metrics=[metric], run_eagerly=EAGER)
    with pytest.raises(Break):
        model.fit(TEXTS, LABELS, verbose=0)
    broken[0] = False
    assert np.isfinite(ops.convert_to_numpy(model.losses[0]))
    assert np.isfinite(model.fit(TEXTS, LABELS, verbose=0).history["loss"]).all()
