"""What callbacks and tools from elsewhere do with the task models."""

import copy
import pickle

import keras
import numpy as np
import pytest
from checks import array, shortened

from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger

pytestmark = pytest.mark.usefixtures("eagerly")
TEXTS = ["abc de", "bcd a", "cab e", "eab d"]
LABELS = ["x", "y", "x", "y"]
MAKE = {
    "classifier": lambda **k: TextClassifier.from_texts(TEXTS, LABELS, units=3, **k),
    "tagger": lambda **k: TextTagger.from_texts(TEXTS, ["A B"] * 4, units=3, characters=None, **k),
    "translator": lambda **k: Seq2Seq.from_texts(TEXTS, TEXTS, units=3, **{"tokens": "char", **k}),
    "language model": lambda **k: LanguageModel.from_texts(TEXTS, units=3, window=4, **k),
}
DATA = {
    "classifier": (TEXTS, LABELS),
    "tagger": (TEXTS, ["A B"] * 4),
    "translator": (TEXTS, TEXTS),
    "language model": (TEXTS,),
}
KINDS = pytest.mark.parametrize("kind", list(MAKE))
SOME_KINDS = pytest.mark.parametrize("kind", shortened(MAKE, "translator", "language model"))


def compiled(kind, optimizer=None, **config):
    keras.utils.set_random_seed(0)
    model = MAKE[kind](**config)
    model.compile(optimizer or keras.optimizers.SGD(0.1))
    return model


def fit(model, kind, *callbacks, **options):
    options = {"batch_size": 2, "verbose": 0, **options}
    return model.fit(*DATA[kind], callbacks=list(callbacks), **options).history


class Tracker(keras.callbacks.Callback):
    """Reads what the callbacks of trackers of experiments read."""

    def on_train_begin(self, logs=None):
        model = self.model
        self.read = {
            "optimizer": model.optimizer.get_config(),
            "learning_rate": float(array(model.optimizer.learning_rate)),
            "parameters": model.count_params(),
            "weights": [w.shape for w in model.get_weights()],
            "layers": [layer.get_config() for layer in model.layers],
            "first": model.get_layer(index=0) is model.get_layer(model.layers[0].name),
            "json": model.to_json(),
            "compiled": model.get_compile_config(),
            "loss": model.loss,
            "summary": [],
        }
        model.summary(print_fn=lambda line, **_: self.read["summary"].append(line))

    def on_train_end(self, logs=None):
        self.steps = int(array(self.model.optimizer.iterations))
        self.parameters = self.model.count_params()
        self.weights = [w.shape for w in self.model.get_weights()]


@pytest.mark.once
@KINDS
def test_a_tracker_of_experiments(kind):
    model, tracker = compiled(kind), Tracker()
    fit(model, kind, tracker, epochs=2)
    assert tracker.read["learning_rate"] == pytest.approx(0.1)
    assert tracker.read["first"] and tracker.steps >= 2
    assert str(f"{model.count_params():,}") in "\n".join(tracker.read["summary"])
    again = keras.models.model_from_json(tracker.read["json"])
    assert [w.shape for w in again.get_weights()] == tracker.read["weights"]
    # Training leaves no more weights than there were: what passes on is none.
    assert tracker.weights == tracker.read["weights"]
    assert tracker.parameters == tracker.read["parameters"]
    # By this Keras tells a functional model from others.
    assert not hasattr(model, "inputs")


@SOME_KINDS
def test_weights_from_before_a_training_come_back(kind):
    """As in a loop over seeds or hyperparameters, which sets the first weights again."""
    model = compiled(kind)
    first = model.get_weights()
    fit(model, kind)
    trained = model.get_weights()
    assert any(np.abs(a - b).max() > 1e-4 for a, b in zip(first, trained, strict=True))
    model.set_weights(first)
    for a, b in zip(model.get_weights(), first, strict=True):
        np.testing.assert_array_equal(a, b)
    fit(model, kind)  # and it trains on


@pytest.mark.once
@KINDS
def test_a_tuner_clones_and_fits(kind, tmp_path):
    """Trials by `clone_model`, the best of which is kept as a file of weights."""
    model = compiled(kind)
    losses = []
    for rate in (0.3, 1e-4):
        keras.utils.set_random_seed(0)
        trial = keras.models.clone_model(model)
        trial.set_weights(model.get_weights())
        trial.compile(keras.optimizers.SGD(rate))
        losses.append(fit(trial, kind, epochs=2)["loss"][-1])
        trial.save_weights(tmp_path / f"{len(losses)}.weights.h5")
    best = MAKE[kind]()
    best.load_weights(tmp_path / "1.weights.h5")
    assert losses[0] < losses[1]
    before = [array(w) for w in model.weights]
    assert any(np.abs(a - array(b)).max() > 1e-4 for a, b in zip(before, best.weights, strict=True))


@pytest.mark.once
@KINDS
def test_copies(kind):
    model = compiled(kind)
    fit(model, kind)
    expected = model.evaluate(*DATA[kind], verbose=0)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_allclose(other.evaluate(*DATA[kind], verbose=0), expected, rtol=1e-5)
        before = model.get_weights()
        fit(other, kind)
        for a, b in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(a, b)


@SOME_KINDS
def test_the_best_weights_are_those_of_the_best_epoch(kind):
    """A later epoch that is not better is undone: here every epoch but the first."""
    stop = keras.callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    stopped = compiled(kind)
    assert len(fit(stopped, kind, stop, epochs=4)["loss"]) == 2
    once = compiled(kind)
    fit(once, kind)
    for a, b in zip(stopped.get_weights(), once.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.once
@KINDS
def test_the_same_seed_is_the_same_training(kind):
    one, two = (fit(compiled(kind, dropout=0.3), kind, epochs=2) for _ in range(2))
    assert one == two


@pytest.mark.once
def test_a_model_is_saved_as_one_file(tmp_path):
    model = compiled("classifier")
    with pytest.raises(ValueError, match=r"saved as one file.* received zipped=False"):
        model.save(tmp_path / "model", zipped=False)
    with pytest.raises(ValueError, match=r"saved as one file.* received zipped=False"):
        model.save(tmp_path / "model.keras", zipped=False)
    assert not list(tmp_path.iterdir())
    keras.saving.save_model(model, tmp_path / "model", zipped=False)
    expected = model.evaluate(*DATA["classifier"], verbose=0)
    loaded = keras.saving.load_model(tmp_path / "model")
    np.testing.assert_allclose(loaded.evaluate(*DATA["classifier"], verbose=0), expected, rtol=1e-5)


class TextEstimator:
    """What scikit-learn takes for an estimator, without it.

    `keras.wrappers.SKLearnClassifier` takes numbers in two axes alone, and no texts.
    """

    def __init__(self, units=3, epochs=1):
        self.units, self.epochs = units, epochs

    def get_params(self, deep=True):
        return {"units": self.units, "epochs": self.epochs}

    def set_params(self, **params):
        vars(self).update(params)
        return self

    def fit(self, X, y):
        self.model_ = TextClassifier.from_texts(X, y, units=self.units)
        self.model_.compile("adam")
        self.model_.fit(X, y, epochs=self.epochs, verbose=0)
        self.classes_ = np.array(self.model_.class_names)
        return self

    def predict(self, X):
        return np.array(self.model_.classify(X))

    def predict_proba(self, X):
        return self.model_.predict(X, verbose=0)

    def score(self, X, y):
        return float(np.mean(self.predict(X) == np.array(y)))


@pytest.mark.once
def test_an_estimator_of_texts():
    texts, labels = np.array(TEXTS, object), np.array(LABELS)
    folds = [(slice(0, 2), slice(2, 4)), (slice(2, 4), slice(0, 2))]
    for train, test in folds:
        one = TextEstimator(**TextEstimator().get_params()).fit(texts[train], labels[train])
        assert set(one.predict(texts[test])) <= {"x", "y"}
        np.testing.assert_allclose(one.predict_proba(texts[test]).sum(axis=1), 1, atol=1e-5)
        assert 0 <= one.score(texts[test], labels[test]) <= 1


@pytest.mark.once
def test_an_estimator_of_texts_in_scikit_learn():
    selection = pytest.importorskip("sklearn.model_selection")
    base = pytest.importorskip("sklearn.base")

    class Estimator(base.ClassifierMixin, base.BaseEstimator, TextEstimator):
        def __init__(self, units=3, epochs=1):
            TextEstimator.__init__(self, units, epochs)

    texts, labels = np.array(TEXTS, object), np.array(LABELS)
    assert selection.cross_val_score(base.clone(Estimator()), texts, labels, cv=2).shape == (2,)
    search = selection.GridSearchCV(Estimator(), {"units": [2, 3]}, cv=2).fit(texts, labels)
    assert search.best_params_["units"] in (2, 3)
