"""What is trained where the user says nothing: the recipe of a task."""

import dataclasses

import keras
import numpy as np
import pytest
from checks import Killed, KillIn
from keras import ops

from keras_seq import _recipes
from keras_seq.callbacks import AveragedWeights, Checkpoint, LearningRateDecay
from keras_seq.models import LanguageModel, Seq2Seq, Task, TextClassifier, TextTagger, load_model

TEXTS = ["a b", "b a c", "c", "a a", "b c", "c a b"]
LABELS = ["x", "y", "x", "y", "y", "x"]
TAGS = [["T"] * len(text.split()) for text in TEXTS]
RECIPES = {
    Seq2Seq: _recipes.TRANSLATOR,
    LanguageModel: _recipes.LANGUAGE_MODEL,
    TextClassifier: _recipes.CLASSIFIER,
    TextTagger: _recipes.TAGGER,
}
DATA = {
    Seq2Seq: (TEXTS, TEXTS),
    LanguageModel: (TEXTS,),
    TextClassifier: (TEXTS, LABELS),
    TextTagger: (TEXTS, TAGS),
}


@pytest.fixture(params=RECIPES, ids=lambda task: task.__name__)
def task(request, monkeypatch):
    """A task with its whole recipe, which other tests leave out of the model."""
    monkeypatch.setattr(request.param, "recipe", RECIPES[request.param])
    return request.param


def small(task, **config):
    return task.from_texts(*DATA[task], **{"units": 4, "embedding_dim": 4, **config})


class Rates(keras.callbacks.Callback):
    """Remembers the learning rate where an epoch ends."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


@pytest.mark.every_backend
def test_a_model_made_of_texts_trains_without_another_word(task):
    recipe, rates = RECIPES[task], Rates()
    model = small(task)
    config = model.get_config()
    for name in set(recipe.model) - {"units", "embedding_dim", "attention", "cell", "pooling"}:
        assert config[name] == recipe.model[name]
    model.fit(*DATA[task], batch_size=2, epochs=4, verbose=0, callbacks=[rates])
    optimizer = model.optimizer
    assert optimizer.use_ema and optimizer.ema_momentum == recipe.ema
    assert float(optimizer.learning_rate) == pytest.approx(recipe.learning_rate)
    assert sorted(rates.rates, reverse=True) == rates.rates and rates.rates[-1] < rates.rates[0]
    assert all(np.isfinite(ops.convert_to_numpy(w)).all() for w in model.weights)
    if task is Seq2Seq:
        assert model.loss.label_smoothing == recipe.label_smoothing > 0


@pytest.mark.once
def test_what_the_user_says_counts(task):
    model = small(task, dropout=0.1)
    assert model.get_config()["dropout"] == 0.1
    model.compile("sgd")
    assert not model.optimizer.use_ema and model.default_callbacks([]) == []
    model.compile()
    own = [LearningRateDecay(0.5), keras.callbacks.SwapEMAWeights()]
    assert [type(c) for c in model.default_callbacks([])] == [AveragedWeights, LearningRateDecay]
    assert [type(c) for c in model.default_callbacks(own[:1])] == [AveragedWeights]
    assert model.default_callbacks(own) == []
    if task is Seq2Seq:
        model.compile(label_smoothing=0.0)
        assert model.loss.label_smoothing == 0


class Sizes(keras.callbacks.Callback):
    """Remembers how many batches an epoch had."""

    def on_epoch_begin(self, epoch, logs=None):
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


@pytest.mark.once
def test_batches_are_as_large_as_the_recipe_says(task, tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPES[task], batch_size=4)
    monkeypatch.setattr(task, "recipe", recipe)

    def batches(model, x, *y, **options):
        sizes = Sizes()
        model.fit(x, *y, verbose=0, callbacks=[sizes], **options)
        return sizes.batches

    model, data = small(task), DATA[task]
    model.fit(*data, verbose=0)
    few = batches(model, *data, batch_size=4)
    assert batches(model, *data) == few
    if len(data) == 2:
        assert few == 2 and batches(model, *data, batch_size=2) == 3
        pairs = (pair for pair in zip(*data, strict=True))
        assert batches(model, pairs) == 2
    if task in (Seq2Seq, TextClassifier):
        ready = (tuple(column[i : i + 2] for column in data) for i in (0, 2, 4))
        assert batches(model, ready, steps_per_epoch=3) == 3
    model.save(tmp_path / "m.keras")
    assert batches(load_model(tmp_path / "m.keras"), *data) == few
    model.compile("adam")
    assert batches(model, *data) == 1  # Keras's 32


@pytest.mark.once
def test_a_model_out_of_a_file_goes_on_by_its_recipe(task, tmp_path):
    model = small(task)
    model.fit(*DATA[task], batch_size=2, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded, rates = load_model(tmp_path / "m.keras"), Rates()
    loaded.fit(*DATA[task], batch_size=2, epochs=2, verbose=0, callbacks=[rates])
    assert rates.rates[1] < rates.rates[0]


@pytest.mark.once
def test_a_killed_training_goes_on(tmp_path):
    def train(folder, epochs, killed=None):
        keras.utils.set_random_seed(0)
        model = TextClassifier.from_texts(TEXTS, LABELS, units=3, dropout=0.2)
        model.compile()
        checkpoint = Checkpoint(folder / "state")
        folder.mkdir(exist_ok=True)
        first = checkpoint.restore(model)
        callbacks = [checkpoint] if killed is None else [KillIn(killed), checkpoint]
        options = {"batch_size": 2, "epochs": epochs, "initial_epoch": first, "verbose": 0}
        model.fit(TEXTS, LABELS, **options, callbacks=callbacks)
        return [ops.convert_to_numpy(w) for w in model.weights]

    whole = train(tmp_path / "whole", 4)
    with pytest.raises(Killed):
        train(tmp_path / "parts", 4, killed=2)
    for a, b in zip(whole, train(tmp_path / "parts", 4), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.once
def test_a_pointer_and_an_encoder_of_your_own_have_what_goes_with_them(monkeypatch):
    from keras_seq.layers import SelfAttentionEncoder

    monkeypatch.setattr(Seq2Seq, "recipe", _recipes.TRANSLATOR)
    monkeypatch.setattr(TextClassifier, "recipe", _recipes.CLASSIFIER)
    pointer = Seq2Seq.from_texts(TEXTS, TEXTS, tokens="word", copy=True, units=4)
    pointer.compile()
    assert pointer.loss.label_smoothing == 0
    encoder = SelfAttentionEncoder(8, num_heads=2, return_sequences=True)
    model = TextClassifier.from_texts(TEXTS, LABELS, encoder=encoder, embedding_dim=8)
    assert model.encoder is encoder


@pytest.mark.once
def test_a_constructor_with_few_arguments(monkeypatch):
    class Narrow(TextClassifier):
        """A classifier that leaves nothing else to be said."""

        def __init__(self, tokenizer, class_names, multi_label=False, units=3):
            super().__init__(tokenizer, class_names, multi_label, units=units)

    monkeypatch.setattr(Narrow, "recipe", dataclasses.replace(_recipes.CLASSIFIER))
    assert Narrow.from_texts(TEXTS, LABELS, units=2).units == 2


@pytest.mark.once
def test_a_task_without_a_recipe():
    assert Task.recipe is None
    with pytest.raises(ValueError, match="needs a model that is compiled"):
        Task().fit(TEXTS, TEXTS)


@pytest.mark.every_backend
def test_a_second_training_goes_on_from_averaged_weights():
    """Keras leaves weight and average one array, which a step on JAX cannot consume twice."""
    model = small(LanguageModel)
    optimizer = keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer)
    once = model.fit(*DATA[LanguageModel], epochs=2, verbose=0).history["loss"]
    steps = int(optimizer.iterations)
    before = model.get_weights()
    again = model.fit(*DATA[LanguageModel], epochs=2, verbose=0).history["loss"]
    assert int(optimizer.iterations) == 2 * steps
    assert again[-1] < once[0]
    assert any(np.abs(x - y).max() > 1e-3 for x, y in zip(before, model.get_weights(), strict=True))
