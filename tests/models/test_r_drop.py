"""R-Drop: two passes with different dropout, which must not differ much."""

import keras
import numpy as np
import pytest
from checks import array, shortened, softmax

from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger

TEXTS = ["abcab", "cb", "a"]
TARGETS = ["xyx", "x", "yy"]
SMALL = {"units": 4, "cell": "gru"}


def make(task, r_drop=0.0, rate=0.0, **config):
    keras.utils.set_random_seed(0)
    config = {**SMALL, "dropout": 0.4, **config}
    if task == "translator":
        model, y = Seq2Seq.from_texts(TEXTS, TARGETS, **{"tokens": "char", **config}), TARGETS
    elif task == "classifier":
        y = ["p", "n", "p"]
        model = TextClassifier.from_texts(TEXTS, y, tokens="char", **config)
    else:
        y = [["p", "n"], ["n"], []]
        model = TextClassifier.from_texts(TEXTS, y, tokens="char", **config)
    jit = keras.config.backend() == "jax"  # XLA takes long, and JAX knows no other way
    model.compile(keras.optimizers.SGD(rate), r_drop=r_drop, jit_compile=jit)
    return model, y


TASKS = pytest.mark.parametrize("task", ["translator", "classifier", "several"])


def divergences(z, other, several):
    """KL(P || Q) + KL(Q || P) of logits, in float64, term by term."""
    z, other = np.asarray(z, "float64"), np.asarray(other, "float64")
    if several:
        p, q = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(-other))
        terms = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        terms += q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
        return terms.mean(axis=-1)
    p, q = softmax(z), softmax(other)
    return (p * np.log(p / q) + q * np.log(q / p)).sum(axis=-1)


@pytest.mark.every_backend
@TASKS
def test_the_divergence(task):
    model, _ = make(task)
    form = model.output_form()
    z, other = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    found = array(form.divergence(z, other))
    np.testing.assert_allclose(found, divergences(z, other, task == "several"), rtol=1e-4)
    np.testing.assert_array_equal(array(form.divergence(z, z)), np.zeros(3))
    far = array(form.divergence(1000 * z, 1000 * other))
    assert np.isfinite(far).all()


@TASKS
def test_the_loss_is_that_of_two_passes(task, monkeypatch):
    model, y = make(task, r_drop=3.0)
    x, labels, weights = model.as_batch(TEXTS, y, sample_weight=np.array([1.0, 2.0, 0.5]))
    passes, call = [], type(model).call

    def noted(self, inputs, training=False):
        passes.append(call(self, inputs, training=training))
        return passes[-1]

    monkeypatch.setattr(type(model), "call", noted)
    first = model(x, training=True)
    found = model.compute_loss(x, labels, first, weights, training=True)
    one, other = (keras.ops.convert_to_tensor(z) for z in passes)
    assert (array(one) != array(other)).any()
    plain, _ = make(task)
    losses = [float(plain.compute_loss(x, labels, z, weights)) for z in (one, other)]
    each = divergences(array(one), array(other), task == "several")
    mean = (each * weights).sum() / weights.sum()
    expected = sum(losses) / 2 + 3 / 4 * mean
    assert float(found) == pytest.approx(expected, rel=1e-4)
    assert len(passes) == 2
    # Evaluation is one pass, and has no divergence.
    assert float(model.compute_loss(x, labels, one, weights, training=False)) == pytest.approx(
        losses[0], rel=1e-5
    )
    assert len(passes) == 2


@pytest.mark.every_backend
@pytest.mark.parametrize("task", shortened(["classifier", "translator"], "classifier"))
def test_without_dropout_it_changes_nothing(task):
    def trained(r_drop):
        model, y = make(task, r_drop, rate=0.5, dropout=0.0)
        model.fit(TEXTS, y, epochs=2, batch_size=2, shuffle=False, verbose=0)
        return model.get_weights()

    for one, other in zip(trained(0.0), trained(5.0), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def trained(task, r_drop, epochs=2):
    model, y = make(task, r_drop, rate=0.1)
    keras.utils.set_random_seed(1)
    history = model.fit(TEXTS, y, epochs=epochs, batch_size=3, verbose=0).history
    return model, history


@pytest.mark.parametrize("task", shortened(["classifier", "translator"], "translator"))
def test_a_seed_repeats_it(task):
    (model, history), (other, again) = trained(task, 2.0), trained(task, 2.0)
    assert history == again
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.once
def test_passes_come_to_agree():
    def disagreement(r_drop):
        model, _ = trained("classifier", r_drop, epochs=30)
        x = model.as_batch(TEXTS)[0]
        pairs = [[array(model(x, training=True)) for _ in range(2)] for _ in range(20)]
        return np.mean([divergences(*pair, False).mean() for pair in pairs])

    assert disagreement(20.0) < disagreement(0.0) / 2


def test_the_file_has_it(tmp_path):
    model, y = make("translator", r_drop=2.0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_compile_config()["r_drop"] == 2.0
    again.fit(TEXTS, y, verbose=0)
    assert "r_drop" not in make("translator")[0].get_compile_config()


def test_where_it_has_no_meaning():
    with pytest.raises(ValueError, match="`r_drop` must be a finite number of at least 0; rec"):
        make("translator", r_drop=-1)
    with pytest.raises(ValueError, match="with scheduled sampling they are not; received r_drop=1"):
        make("translator", r_drop=1, teacher_forcing_ratio=0.5)
    model = LanguageModel.from_texts(TEXTS, **SMALL)
    with pytest.raises(ValueError, match="needs window=None; received window=100"):
        model.compile(r_drop=1)


def test_a_tagger_and_texts_by_themselves_take_it_too():
    tagger = TextTagger.from_texts(["a b", "c"], ["X Y", "X"], dropout=0.3, **SMALL)
    tagger.compile("adam", r_drop=1.0)
    model = LanguageModel.from_texts(TEXTS, dropout=0.3, window=None, **SMALL)
    model.compile("adam", r_drop=1.0)
    losses = [
        tagger.fit(["a b", "c"], ["X Y", "X"], verbose=0).history["loss"][0],
        model.fit(TEXTS, verbose=0).history["loss"][0],
    ]
    assert np.isfinite(losses).all()
