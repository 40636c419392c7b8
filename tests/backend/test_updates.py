"""Adam's updates on PyTorch in one pass, and numbers that a loss and its metrics share."""

import contextlib

import keras
import numpy as np
import pytest

import keras_seq as ks

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "torch", reason="a compiler joins the operations elsewhere"
)
SOURCES, TARGETS = ["a b c d", "b c", "d"], ["d c b a", "c b", "d"]
rng = np.random.default_rng(0)
SHAPES = [(5, 7), (7,), (3, 4, 2), (1,)]
GRADIENTS = [[rng.normal(size=shape).astype("float32") for shape in SHAPES] for _ in range(4)]


class Twice(keras.optimizers.Adam):
    """A user's own, which does twice as much."""

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, 2 * learning_rate)


def trained(optimizer, in_one_pass, dtype="float32", gradients=GRADIENTS):
    """All values after some steps."""
    import torch

    from keras_seq.backend.torch import updates

    first = np.random.default_rng(1)
    weights = [keras.Variable(first.normal(size=shape), dtype=dtype) for shape in SHAPES]
    context = updates.in_one_pass(optimizer) if in_one_pass else contextlib.nullcontext()
    with context, torch.no_grad():
        for arrays in gradients:
            arrays = [torch.tensor(array, dtype=weights[0].value.dtype) for array in arrays]
            optimizer.apply(arrays, weights)
    values = [*weights, *optimizer.variables]
    return [keras.ops.convert_to_numpy(value).astype("float64") for value in values]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"global_clipnorm": 0.5},
        {"global_clipnorm": 1e6},
        {"clipnorm": 0.1},
        {"clipvalue": 0.1},
        {"use_ema": True, "ema_momentum": 0.9},
        {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 2, "global_clipnorm": 0.5},
        {"weight_decay": 0.1},
        {"amsgrad": True},
        {"epsilon": 1e-2, "beta_1": 0.5, "beta_2": 0.7},
        {"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 10)},
        {"loss_scale_factor": 8.0},
    ],
    ids=lambda options: "_".join(options) or "defaults",
)
@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
def test_an_update_in_one_pass_is_keras_s(kind, options):
    make = getattr(keras.optimizers, kind)
    expected = trained(make(**{"learning_rate": 0.1, **options}), in_one_pass=False)
    values = trained(make(**{"learning_rate": 0.1, **options}), in_one_pass=True)
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=2e-6, atol=2e-7)


def test_it_is_one_operation(monkeypatch):
    import torch

    calls = []
    fused = torch._fused_adam_
    monkeypatch.setattr(torch, "_fused_adam_", lambda *a, **k: calls.append(1) or fused(*a, **k))
    trained(keras.optimizers.Adam(), in_one_pass=True)
    assert len(calls) == len(GRADIENTS)
    trained(keras.optimizers.SGD(), in_one_pass=True)
    trained(Twice(), in_one_pass=True)
    trained(keras.optimizers.Adam(), in_one_pass=True, dtype="bfloat16")
    assert len(calls) == len(GRADIENTS)
    translator = ks.models.Seq2Seq.from_texts(SOURCES, TARGETS, units=4, embedding_dim=4)
    translator.compile()
    translator.fit(SOURCES, TARGETS, validation_data=(SOURCES, TARGETS), epochs=2, verbose=0)
    assert len(calls) == len(GRADIENTS) + 2  # a validation in between ends nothing
    translator.train_on_batch(SOURCES, TARGETS)
    assert len(calls) == len(GRADIENTS) + 3
    assert "_backend_update_step" not in vars(translator.optimizer)


def test_a_gradient_that_is_no_number_comes_through_clipping_as_keras_lets_it():
    bad = [[array.copy() for array in arrays] for arrays in GRADIENTS]
    bad[1][0][0, 0] = np.inf
    for options in ({"global_clipnorm": 0.5}, {}):
        expected = trained(keras.optimizers.Adam(0.1, **options), False, gradients=bad)
        values = trained(keras.optimizers.Adam(0.1, **options), True, gradients=bad)
        for value, other in list(zip(values, expected, strict=True))[: len(SHAPES)]:
            np.testing.assert_array_equal(np.isnan(value), np.isnan(other))


def test_the_gradients_remain_as_they_were_for_who_looks_afterwards():
    class Look(keras.callbacks.Callback):
        seen = ()

        def on_train_batch_end(self, batch, logs=None):
            self.seen = [v.value.grad.clone() for v in self.model.trainable_variables]

    def norm(clip):
        keras.utils.set_random_seed(1)
        model = ks.models.Seq2Seq.from_texts(SOURCES, TARGETS, units=4, embedding_dim=4)
        model.compile(keras.optimizers.Adam(global_clipnorm=clip))
        look = Look()
        model.fit(SOURCES, TARGETS, verbose=0, callbacks=[look])
        return float(sum((x**2).sum() for x in look.seen)) ** 0.5

    assert norm(1e-3) == pytest.approx(norm(None), rel=1e-5) and norm(None) > 2e-3


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_a_loss_and_its_metrics_look_at_the_large_logits_once(label_smoothing, monkeypatch):
    import torch

    from keras_seq.backend.torch import numerics

    counts = {"log_softmax": 0, "max": 0}
    log_softmax, largest = torch.log_softmax, torch.Tensor.max

    def counted(name, function):
        def run(*args, **kwargs):
            counts[name] += 1
            return function(*args, **kwargs)

        return run

    model = ks.models.Seq2Seq.from_texts(SOURCES, TARGETS, units=4, embedding_dim=4)
    model.compile(label_smoothing=label_smoothing)
    model.fit(SOURCES, TARGETS, verbose=0)  # Keras asks once more where it builds the metrics
    monkeypatch.setattr(numerics.torch, "log_softmax", counted("log_softmax", log_softmax))
    monkeypatch.setattr(torch.Tensor, "max", counted("max", largest))
    model.fit(SOURCES, TARGETS, verbose=0)
    assert counts["log_softmax"] == 1 and counts["max"] <= 2
    counts["log_softmax"] = 0
    model.evaluate(SOURCES, TARGETS, verbose=0)
    assert counts["log_softmax"] == 1


def test_what_is_remembered_is_of_these_numbers():
    import torch

    from keras_seq.backend import cross_entropy, predictions

    logits = torch.randn(2, 3, 5)
    flat = logits.reshape(-1, 5)
    assert predictions(logits).tolist() == predictions(flat).reshape(2, 3).tolist()
    flat[0, 4] = 100.0  # in place, through a view
    assert int(predictions(logits)[0, 0]) == 4
    assert (
        predictions(logits.reshape(3, 2, 5)[1:]).tolist()
        == logits.argmax(-1).reshape(3, 2)[1:].tolist()
    )
    assert predictions(logits.reshape(3, 10)).tolist() == logits.reshape(3, 10).argmax(-1).tolist()
    labels = torch.zeros(2, 3, dtype=torch.int32)
    one = cross_entropy(labels, logits, constant=True)
    labels[0, 0] = 1
    other = cross_entropy(labels.flatten(), flat, constant=True)
    assert float(one[0, 0]) != pytest.approx(float(other[0]))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_derivatives_of_the_cross_entropy(smoothing):
    import torch

    from keras_seq.backend import cross_entropy

    logits = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 5, (2, 3), dtype=torch.int32)

    def losses(logits):
        return cross_entropy(labels, logits, smoothing=smoothing)

    expected = torch.nn.functional.cross_entropy(
        logits.reshape(-1, 5), labels.flatten().long(), reduction="none", label_smoothing=smoothing
    )
    torch.testing.assert_close(losses(logits).flatten(), expected)
    assert torch.autograd.gradcheck(losses, (logits,))
    assert torch.autograd.gradgradcheck(losses, (logits,))
