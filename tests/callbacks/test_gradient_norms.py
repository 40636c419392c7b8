"""The norms of the training gradients: right, and without a trace in the training."""

import warnings

import h5py
import keras
import numpy as np
import pytest
from keras import ops

from keras_seq import backend
from keras_seq.analysis import plot_gradient_norms
from keras_seq.callbacks import AveragedWeights, Checkpoint, GradientNorms, TimeLimit
from keras_seq.callbacks.recording_optimizer import RecordingOptimizer
from keras_seq.layers import GRU, VanillaRNN

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = (X @ np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, 1.0]])).astype("float32")
BATCH = 4  # three steps an epoch


def dense(optimizer, kind=keras.Sequential, **options):
    """A linear model whose weights are the same each time."""
    model = kind([keras.Input((3,)), keras.layers.Dense(2, name="out")])
    model.compile(optimizer, "mse", **options)
    kernel, bias = model.trainable_variables
    kernel.assign(np.linspace(-1, 1, 6).reshape(3, 2))
    bias.assign([0.5, -0.5])
    return model


def fit(model, *callbacks, epochs=2, **options):
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0, **options}
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **options)


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def assert_same_bits(model, other):
    for one, two in ((model, other), (model.optimizer, other.optimizer)):
        for a, b in zip(values(one.variables), values(two.variables), strict=True):
            np.testing.assert_array_equal(a, b)


def numpy_training(steps, rate, clipnorm=None, global_clipnorm=None, clipvalue=None, every=1):
    """SGD in float64: the gradient norm of each step, and the norm of what is applied."""
    weights = [np.linspace(-1, 1, 6).reshape(3, 2), np.array([0.5, -0.5])]
    total = [np.zeros_like(w) for w in weights]
    before, after = [], []
    for k in range(steps):
        rows = slice(BATCH * (k % 3), BATCH * (k % 3 + 1))
        x, y = X[rows].astype("float64"), Y[rows].astype("float64")
        error = (x @ weights[0] + weights[1] - y) / BATCH
        grads = [x.T @ error, error.sum(axis=0)]
        before.append([np.linalg.norm(g) for g in grads])
        total = [t + g / every for t, g in zip(total, grads, strict=True)]
        if (k + 1) % every:
            after.append(np.nan)
            continue
        norms = [np.linalg.norm(g) for g in total]
        if clipnorm:
            total = [g * min(1, clipnorm / n) for g, n in zip(total, norms, strict=True)]
        if global_clipnorm:
            total = [g * min(1, global_clipnorm / np.linalg.norm(norms)) for g in total]
        if clipvalue:
            total = [np.clip(g, -clipvalue, clipvalue) for g in total]
        after.append(np.linalg.norm([np.linalg.norm(g) for g in total]))
        weights = [w - rate * g for w, g in zip(weights, total, strict=True)]
        total = [np.zeros_like(w) for w in weights]
    return np.array(before), np.array(after)


@pytest.mark.parametrize(
    "clipping",
    [
        {},
        {"clipnorm": 1.0},
        {"global_clipnorm": 1.0},
        {"clipvalue": 0.3, "every": 2},
        {"global_clipnorm": 1.0, "every": 2},
    ],
    ids=str,
)
def test_norms_are_those_of_a_training_in_numpy_which_they_leave_as_it_was(clipping):
    every = clipping.get("every", 1)

    def make():
        options = {name: value for name, value in clipping.items() if name != "every"}
        if every > 1:
            options["gradient_accumulation_steps"] = every
        return dense(keras.optimizers.SGD(0.1, **options))

    norms = GradientNorms("weight", every_step=True)
    model, plain = make(), make()
    history, expected_history = fit(model, norms).history, fit(plain).history
    assert_same_bits(model, plain)
    assert history["loss"] == expected_history["loss"]
    before, after = numpy_training(6, 0.1, **clipping)
    total = np.linalg.norm(before, axis=1)
    assert norms.steps == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(norms.norms["gradient_norm/out/kernel"], before[:, 0], rtol=1e-4)
    np.testing.assert_allclose(norms.norms["gradient_norm/out/bias"], before[:, 1], rtol=1e-4)
    np.testing.assert_allclose(norms.norms["gradient_norm"], total, rtol=1e-4)
    np.testing.assert_allclose(norms.norms["clipped_gradient_norm"], after, rtol=1e-4)
    epochs = {"gradient_norm": total, "clipped_gradient_norm": after}
    for name, steps in epochs.items():
        halves = steps.reshape(2, 3)
        np.testing.assert_allclose(history[name], np.nanmean(halves, axis=1), rtol=1e-4)
        np.testing.assert_allclose(history[f"{name}_max"], np.nanmax(halves, axis=1), rtol=1e-4)
        assert history[name] == norms.history[name]
    assert history["nonfinite_gradient_steps"] == [0, 0]


def rnn_loss(x, y, kernel, recurrent, bias, out, out_bias):
    h = np.zeros((len(x), 2))
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ kernel + h @ recurrent + bias)
    return np.mean((h @ out + out_bias - y) ** 2)


def finite_differences(function, weights, eps=1e-5):
    grads = []
    for i, weight in enumerate(weights):
        grad = np.zeros_like(weight)
        for place in np.ndindex(*weight.shape):
            ends = []
            for sign in (1, -1):
                moved = [w.copy() for w in weights]
                moved[i][place] += sign * eps
                ends.append(function(*moved))
            grad[place] = (ends[0] - ends[1]) / (2 * eps)
        grads.append(grad)
    return grads


@pytest.mark.parametrize(
    "options", [{"jit_compile": True}, {"jit_compile": False}, {"run_eagerly": True}], ids=str
)
def test_norms_of_a_recurrent_layer_are_finite_differences(options):
    if keras.config.backend() == "torch" and options.get("jit_compile"):
        pytest.skip("torch.compile needs a compiler")
    layers = [keras.Input((4, 3)), VanillaRNN(2, name="rnn"), keras.layers.Dense(1, name="out")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(), "mse", **options)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(5, 4, 3)), rng.normal(size=(5, 1))
    before = [w.astype("float64") for w in values(model.trainable_variables)]
    assert [w.shape for w in before] == [(3, 2), (2, 2), (2,), (2, 1), (1,)]
    norms = GradientNorms("weight")
    model.fit(x.astype("float32"), y, batch_size=5, verbose=0, callbacks=[norms])
    grads = finite_differences(lambda *weights: rnn_loss(x, y, *weights), before)
    found = [values for name, (values,) in norms.history.items() if "norm/" in name]
    np.testing.assert_allclose(found, [np.linalg.norm(g) for g in grads], rtol=1e-4)
    total = np.linalg.norm(np.concatenate([g.ravel() for g in grads]))
    np.testing.assert_allclose(norms.history["gradient_norm"], [total], rtol=1e-4)


def test_norms_are_those_of_gradients_taken_outside_by_layer():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Embedding(5, 3, name="words"),
            GRU(2, name="gru"),
            keras.layers.Dense(1, name="out"),
        ]
    )
    model.compile(keras.optimizers.SGD(1.0, clipnorm=0.01), "mse")
    ids, targets = np.array([[1, 2, 1, 1], [3, 1, 1, 4]]), np.array([[1.0], [-2.0]], "float32")
    variables = model.trainable_variables

    def loss(weights):
        with keras.StatelessScope(list(zip(variables, weights, strict=True))):
            return ops.mean(ops.square(model(ids) - ops.convert_to_tensor(targets)))

    _, grads = backend.gradient(loss, [v.value for v in variables])
    expected = {}
    for v, g in zip(variables, values(grads), strict=True):
        layer = v.path.removeprefix(f"{model.name}/").rpartition("/")[0]
        expected[layer] = np.hypot(expected.get(layer, 0), np.linalg.norm(g))
    norms, before = GradientNorms(), values(variables)
    model.fit(ids, targets, verbose=0, callbacks=[norms])
    found = {name: value for name, (value,) in norms.history.items() if "norm/" in name}
    assert list(found) == [f"gradient_norm/{layer}" for layer in expected]
    assert len(expected) == 3
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-4)
    # TensorFlow has the gradient of an embedding as a list of rows, and Keras clips it otherwise.
    applied = [np.linalg.norm(a - b) for a, b in zip(before, values(variables), strict=True)]
    clipped = norms.history["clipped_gradient_norm"]
    np.testing.assert_allclose(clipped, [np.linalg.norm(applied)], rtol=1e-3)


class Stack:
    """Callbacks of Keras and of ours that touch the optimiser, and what they left."""

    def __init__(self, folder):
        self.folder = folder

    def make(self):
        return [
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
            keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=1, min_delta=10.0),
            keras.callbacks.ModelCheckpoint(self.folder / "model.keras", save_freq=2),
            keras.callbacks.BackupAndRestore(self.folder / "backup", save_freq=2),
            keras.callbacks.CSVLogger(self.folder / "log.csv"),
        ]


def adam(**options):
    return keras.optimizers.Adam(0.1, clipnorm=0.5, **options)


@pytest.mark.parametrize("swap", [None, AveragedWeights, keras.callbacks.SwapEMAWeights])
@pytest.mark.parametrize("first", [True, False])
def test_other_callbacks_do_what_they_did(tmp_path, first, swap):
    found = []
    for norms in ([], [GradientNorms()]):
        folder = tmp_path / str(len(norms))
        folder.mkdir()
        callbacks = Stack(folder).make() if swap is None else [swap()]
        callbacks = [*norms, *callbacks] if first else [*callbacks, *norms]
        model = dense(adam(use_ema=swap is not None))
        history = fit(model, *callbacks, epochs=3, validation_data=(X, Y)).history
        found.append((model, history))
    (plain, expected), (model, history) = found
    assert_same_bits(model, plain)
    assert type(model.optimizer) is type(plain.optimizer)
    assert {name: history[name] for name in expected} == expected
    if swap is None and first:
        header = (tmp_path / "1" / "log.csv").read_text().splitlines()[0].split(",")
        assert {"gradient_norm", "gradient_norm_max/out", "clipped_gradient_norm"} <= set(header)


def h5_shapes(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item.shape}) if hasattr(item, "shape") else None
        )
    return found


class At(keras.callbacks.Callback):
    """Does something with the model in the middle of the second epoch."""

    def __init__(self, action):
        super().__init__()
        self.action = action

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (1, 1):
            self.action(self.model)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_files_saved_during_fit_know_nothing_of_it(tmp_path, policy, precision):
    policy(precision)
    shapes, states = [], []
    for norms in ([], [GradientNorms()]):
        model = dense(adam())
        folder = tmp_path / str(len(norms))
        folder.mkdir()

        def save(model, folder=folder):
            model.save(folder / "model.keras")
            model.save_weights(folder / "model.weights.h5")

        fit(model, *norms, At(save))
        shapes.append(h5_shapes(folder / "model.weights.h5"))
        loaded = keras.saving.load_model(folder / "model.keras")
        states.append([type(loaded.optimizer), *values(loaded.optimizer.variables)])
        assert loaded.optimizer.get_config() == plain_config(model.optimizer)
    assert shapes[0] == shapes[1] and shapes[0]
    assert states[0][0] is states[1][0] and len(states[0]) == len(states[1])
    for a, b in zip(states[0][1:], states[1][1:], strict=True):
        np.testing.assert_array_equal(a, b)
    # The state of a training without it goes into one with it, between two steps, and back.
    model, other = dense(adam()), dense(adam())
    fit(model, GradientNorms(), At(lambda m: m.load_weights(tmp_path / "0" / "model.weights.h5")))
    fit(other, At(lambda m: m.load_weights(tmp_path / "1" / "model.weights.h5")))
    assert_same_bits(model, other)


def plain_config(optimizer):
    assert not isinstance(optimizer, RecordingOptimizer)
    return optimizer.get_config()


def test_a_training_is_resumed_by_checkpoint(tmp_path):
    class Killed(Exception):
        pass

    def kill(model):
        raise Killed

    def train(path, *more):
        model = dense(adam())
        callbacks = [GradientNorms(), TimeLimit(minutes=1e6)]
        checkpoint = Checkpoint(path)
        epoch = checkpoint.restore(model, callbacks)
        fit(model, *callbacks, *more, checkpoint, epochs=3, initial_epoch=epoch)
        return model

    whole = train(tmp_path / "whole")
    with pytest.raises(Killed):
        train(tmp_path / "part", At(kill))
    # TimeLimit's rate depends on the clock: the moments alone are compared, and not by the bit.
    for a, b in zip(
        values(whole.variables), values(train(tmp_path / "part").variables), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-3)


def test_several_fits_of_one_model_with_and_without():
    found = []
    for norms in (None, GradientNorms(every_step=True)):
        model = dense(adam())
        attached = [norms] if norms else []
        fit(model)  # it was fitted before
        own = model.optimizer, model.train_function
        fit(model, *attached)
        assert model.optimizer is own[0]
        if norms:
            assert model.train_function is own[1]
            assert norms.steps == [1, 2, 3, 4, 5, 6] and len(norms.history["gradient_norm"]) == 2
        model.train_on_batch(X, Y)
        fit(model, *attached, epochs=1)
        other = GradientNorms(every_step=True, buffer_steps=2)
        fit(model, *([other] if norms else []), epochs=1)
        if norms:
            assert norms.steps == other.steps == [1, 2, 3]
            assert other.history["gradient_norm"] < norms.history["gradient_norm"]
        fit(model)
        found.append(model)
    assert_same_bits(*found)


class Broken(Exception):
    pass


def test_a_training_that_breaks_off_leaves_nothing_or_what_the_next_one_mends():
    def broken(*args):
        raise Broken

    model = dense(adam())
    own = model.optimizer
    with pytest.raises(Broken):
        fit(model, GradientNorms(), At(broken))
    norms = GradientNorms(every_step=True)
    fit(model, norms, epochs=1)
    assert model.optimizer is own and norms.steps == [1, 2, 3]
    values(own.variables)

    class Failing(keras.Sequential):
        steps = 0

        def train_step(self, *args):
            self.steps += 1
            if self.steps == 5:
                raise KeyboardInterrupt
            return super().train_step(*args)

    model = dense(adam(), Failing, run_eagerly=True)
    own = model.optimizer
    with pytest.raises(KeyboardInterrupt):
        fit(model, norms)
    assert model.optimizer is own
    fit(model, epochs=1)


def test_steps_kept_are_bounded_and_the_newest():
    whole, some = (
        GradientNorms(every_step=True, max_steps=n, buffer_steps=b) for n, b in ((100, 20), (4, 2))
    )
    fit(dense(adam()), whole, epochs=3)
    fit(dense(adam()), some, epochs=3)
    assert some.steps == [6, 7, 8, 9] and whole.steps == list(range(1, 10))
    for name, steps in some.norms.items():
        assert steps.shape == (4,) and steps.dtype == "float32"
        np.testing.assert_array_equal(steps, whole.norms[name][-4:])
    assert list(some.norms) == ["gradient_norm", "clipped_gradient_norm", "gradient_norm/out"]
    assert some.history == whole.history


@pytest.mark.skipif(keras.config.backend() == "torch", reason="one step an execution there")
def test_several_steps_in_one_execution():
    norms, expected = (GradientNorms(every_step=True, buffer_steps=n) for n in (1, 20))
    fit(dense(adam(), steps_per_execution=2), norms)
    fit(dense(adam()), expected)
    assert norms.steps == expected.steps
    for name, steps in norms.norms.items():
        np.testing.assert_allclose(steps, expected.norms[name], rtol=1e-5)


def test_a_model_that_fit_builds_itself():
    class Lazy(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2, name="out")

        def call(self, x):
            return self.dense(x)

    model = Lazy()
    model.compile(adam(), "mse")
    norms = GradientNorms(every_step=True)
    fit(model, norms)
    assert len(norms.steps) == 6 and "gradient_norm/out" in norms.history
    assert np.all(norms.norms["gradient_norm"] > 0)


def test_float16_norms_have_the_scale_taken_out_and_skipped_steps_are_no_disaster(policy):
    policy("mixed_float16")
    found = []
    for norms in ([], [GradientNorms(every_step=True)]):
        inner = keras.optimizers.Adam(0.1, global_clipnorm=0.5)
        scaled = keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**19)
        model = dense(scaled)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            history = fit(model, *norms, epochs=3).history
        found.append((model, history))
    assert_same_bits(found[0][0], found[1][0])
    (norms,), history = norms, found[1][1]
    skipped = 9 - int(ops.convert_to_numpy(found[1][0].optimizer.iterations))
    assert 0 < skipped < 9
    assert norms.nonfinite_steps == sum(history["nonfinite_gradient_steps"]) == skipped
    assert norms.events == []
    finite = np.isfinite(norms.norms["gradient_norm"])
    before, _ = numpy_training(skipped + 1, rate=0.0)
    first = np.linalg.norm(before[skipped])
    np.testing.assert_allclose(norms.norms["gradient_norm"][finite][0], first, rtol=1e-2)
    np.testing.assert_allclose(norms.norms["clipped_gradient_norm"][finite], 0.5, rtol=1e-3)


def two_branches(weight):
    """The second branch reaches the loss through a constant factor."""
    x = keras.Input((3,))
    one = keras.layers.Dense(2, name="near")(x)
    two = keras.layers.Dense(2, name="far")(x)
    model = keras.Model(x, one + weight * two)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    return model


def test_a_layer_that_gets_next_to_nothing_vanishes_and_one_that_gets_nothing_does_not():
    norms = GradientNorms(stop_on="vanishing", buffer_steps=4)
    with pytest.warns(RuntimeWarning, match=r"layer 'far' vanishes: .* at step 20 \(epoch 7\)"):
        history = fit(two_branches(1e-8), norms, epochs=20).history
    (event,) = norms.events
    assert (event["kind"], event["layer"]) == ("vanishing", "far")
    assert (event["step"], event["epoch"]) == (20, 7)
    assert 0 < event["norm"] < 1e-6
    assert len(history["loss"]) < 10  # it was stopped
    for weight in (0.0, 1e-3):
        norms = GradientNorms()
        fit(two_branches(weight), norms, epochs=8)
        assert norms.events == []


def test_an_exploding_gradient_is_told_once_and_stops_the_training():
    norms = GradientNorms(stop_on=["exploding"], exploding=1e4, every_step=True, buffer_steps=2)
    with pytest.warns(RuntimeWarning, match=r"explodes: its norm is .* above 10000.*'out'") as told:
        fit(dense(keras.optimizers.SGD(5.0)), norms, epochs=50)
    assert len([one for one in told if one.category is RuntimeWarning]) == 1
    first = norms.events[0]
    assert first["kind"] == "exploding" and first["norm"] > 1e4
    assert norms.norms["gradient_norm"][first["step"] - 1] == pytest.approx(first["norm"])
    assert np.all(norms.norms["gradient_norm"][: first["step"] - 1] <= 1e4)
    assert first["step"] <= len(norms.steps) <= first["step"] + 3


def test_steps_that_are_not_finite_are_told_and_left_out_of_the_means():
    data = X.copy()
    data[2 * BATCH] = np.inf  # the last step
    model = dense(keras.optimizers.SGD(0.0))
    norms = GradientNorms(warn=False)
    history = model.fit(
        data, Y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[norms]
    ).history
    assert norms.nonfinite_steps == 1 and history["nonfinite_gradient_steps"] == [1]
    (event,) = norms.events
    assert (event["kind"], event["layer"], event["step"]) == ("not finite", "out", 3)
    assert not np.isfinite(event["norm"])
    assert np.isfinite(history["gradient_norm_max/out"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"logs": "layers"}, "one of global, layer, weight; received 'layers'"),
        ({"stop_on": ["nan"]}, "`stop_on` may have vanishing, exploding, not finite; received"),
        ({"vanishing": 0}, r"in \(0, 1\); received 0"),
        ({"exploding": -1.0}, "above 0; received -1.0"),
        ({"max_steps": 0}, "`max_steps` must be an integer above 0; received 0"),
        ({"buffer_steps": 2.5}, "`buffer_steps` must be an integer above 0; received 2.5"),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        GradientNorms(**options)


def test_models_that_have_nothing_to_record():
    with pytest.raises(ValueError, match="one is enough"):
        fit(dense("sgd"), GradientNorms(), GradientNorms())
    model = dense("sgd")
    model.trainable = False
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="no trainable weights"):
        fit(model, GradientNorms())
    norms = GradientNorms()
    norms.set_model(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))
    with pytest.raises(ValueError, match="compiled with an optimizer"):
        norms.on_train_begin()


def test_the_figure_has_a_line_for_each_layer_and_marks_what_happened(tmp_path):
    norms = GradientNorms("weight", every_step=True, exploding=1.0, warn=False)
    fit(dense(adam()), norms, epochs=5, initial_epoch=3)
    assert norms.events[0]["epoch"] == 4 and norms.epochs == [4, 5]
    path = tmp_path / "norms.png"
    axes = plot_gradient_norms(norms, title="norms", save=path).axes[0]
    assert path.exists() and (axes.get_xlabel(), axes.get_yscale()) == ("step", "log")
    lines = {line.get_label(): line.get_xydata() for line in axes.lines}
    assert list(lines) == ["out/kernel", "out/bias", "all together", "after clipping"]
    np.testing.assert_array_equal(lines["all together"][:, 0], norms.steps)
    np.testing.assert_allclose(lines["out/bias"][:, 1], norms.norms["gradient_norm/out/bias"])
    assert axes.collections[0].get_offsets()[0].tolist() == [1, norms.events[0]["norm"]]
    norms = GradientNorms()
    history = fit(dense("sgd"), norms, epochs=4, initial_epoch=2)
    for one, first in ((norms, 3), (history, 1)):
        axes = plot_gradient_norms(one, layers=[]).axes[0]
        assert axes.get_xlabel() == "epoch" and len(axes.lines) == 1  # nothing is clipped
        assert axes.lines[0].get_xdata().tolist() == [first, first + 1]
    with pytest.raises(ValueError, match="some of out; received \\['in'\\]"):
        plot_gradient_norms(norms, layers=["in"])
    with pytest.raises(ValueError, match="There must be norms under 'gradient_norm'"):
        plot_gradient_norms(GradientNorms())


@pytest.mark.parametrize("values", [[np.nan, np.inf], [0.0, 0.0]], ids=str)
def test_the_figure_of_norms_that_cannot_be_drawn(values, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_gradient_norms({"gradient_norm": values}, save=tmp_path / "a.png")
