"""The comparison of architectures on a task of word order, in this process and in another one."""

import itertools
import json
import math

import keras
import numpy as np
import pytest

import keras_seq as ks
from keras_seq.experiments import (
    compare,
    compare_memory,
    comparison,
    comparison_summary,
    data,
    measure,
)
from keras_seq.experiments.architectures import ARCHITECTURES, make_model, packed_architectures
from keras_seq.experiments.bag_of_words import BagOfWords
from keras_seq.experiments.measure import Watch
from keras_seq.experiments.settings import ComparisonSettings
from keras_seq.models import TextClassifier

SIZES = {"units": 8, "embedding_dim": 6, "dropout": 0.0}
WORDS = 4  # in the corpus of `ordered`


def ordered():
    """All texts of an x, a y and three other words; the class is which of x and y comes first.

    Half of them are closed under exchanging x and y, which changes the class and no count of words:
    whoever reads only counts gets exactly half of that half right.
    """
    places = list(itertools.combinations(range(5), 2))
    fillings = list(itertools.product("ou", repeat=3))
    parts = ([], [])
    for i, ((one, other), filling) in enumerate(itertools.product(places, fillings)):
        for pair in ("xy", "yx"):
            words = list(filling)
            words.insert(one, pair[0])
            words.insert(other, pair[1])
            parts[i % 2].append((" ".join(words), f"{pair[0]} first"))
    return [list(map(list, zip(*part, strict=True))) for part in parts]


class Majority:
    """A model in the manner of scikit-learn, that ignores texts."""

    def fit(self, texts, labels):
        self.label = max(sorted(set(labels)), key=labels.count)

    def predict(self, texts):
        return np.array([self.label] * len(texts))


def own(texts, labels):
    """An architecture that another process can import."""
    return BagOfWords()


@pytest.fixture(scope="module")
def patched():
    """Answers are timed on few texts; the watches of all trainings are in a list."""
    watches = []

    class Kept(Watch):
        def __init__(self, *args):
            super().__init__(*args)
            watches.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "TIMED_TEXTS", 80)
        patch.setattr(measure, "TIMES", 1)
        patch.setattr(measure, "Watch", Kept)
        yield watches


@pytest.fixture(scope="module")
def results(patched):
    """Three architectures on the task of order; the watches of those that have epochs."""
    training, test = ordered()
    seen = []
    names = ["bag_of_words", "mean_embedding", "lstm"]
    options = {**SIZES, "epochs": 7, "patience": 4, "learning_rate": 0.05, "batch_size": 20}
    runs = compare(
        *training, test, test, names, isolate=False, report=seen.append, enough=0.99, **options
    )
    assert seen == runs and [run["name"] for run in runs] == names
    return {run["name"]: run for run in runs}, list(patched)


def test_each_run_is_a_row_ready_for_json(results):
    rows, _ = results
    for row in json.loads(json.dumps(list(rows.values()))):
        assert 0 <= row["macro_f1"] <= 1 and row["seed"] == 0
        assert row["accuracy"] == row["dev_accuracy"]  # the same texts here
        assert row["training_seconds"] > 0 < row["seconds_per_1000"]
        assert row["memory"] is row["total_memory"] is None
        assert row["settings"]["test_texts"] == 80 and row["settings"]["classes"] == 2
        assert row["settings"]["units"] == 8
    assert rows["bag_of_words"]["epochs"] is rows["bag_of_words"]["seconds_per_epoch"] is None


def test_order_is_learnt_by_those_who_can_see_it(results):
    rows, _ = results
    assert rows["bag_of_words"]["accuracy"] == rows["mean_embedding"]["accuracy"] == 0.5
    assert rows["lstm"]["accuracy"] > 0.9


def test_the_best_epoch_answers(results):
    rows, watches = results
    assert len(watches) == len(rows) - 1
    for row, watch in zip(list(rows.values())[1:], watches, strict=True):
        assert row["epochs"] == len(watch.accuracies) == len(watch.seconds)
        assert row["dev_accuracy"] == pytest.approx(max(watch.accuracies), abs=1e-6)
        assert row["seconds_per_epoch"] == np.median(watch.seconds)


@pytest.mark.once
def test_every_architecture_makes_a_model_with_the_parameters_of_its_formula():
    training, _ = ordered()
    packed = packed_architectures(None, isolate=True)
    assert list(packed) == list(ARCHITECTURES)
    models = {
        name: make_model(architecture, *training, ComparisonSettings(**SIZES))
        for name, architecture in packed.items()
    }
    bag = models.pop("bag_of_words").fit(*training)
    assert bag.count_params() == WORDS + 1  # two classes are one regression
    ids, size, units = WORDS + 4, SIZES["embedding_dim"], SIZES["units"]
    dense = units * 2 + 2
    recurrent = units * (size + units + 1)
    expected = {
        "mean_embedding": (size + 1) * units + dense,
        "convolution": (3 + 4 + 5) * size * units + 3 * units + 3 * units * 2 + 2,
        "vanilla": recurrent + dense,
        "lstm": 4 * recurrent + dense,
        "bidirectional_lstm": 2 * 4 * recurrent + dense + units * 2,
    }
    parameters = {name: model.count_params() - ids * size for name, model in models.items()}
    assert parameters == {**parameters, **expected}
    for model in models.values():
        assert model.predict(["x o y", ""], verbose=0).shape == (2, 2)


@pytest.mark.slow
@pytest.mark.once
def test_a_process_of_its_own_gives_the_same_and_its_memory(patched):
    training, test = ordered()
    given = (*training, test, test, {"mine": own})
    (inside,) = compare(*given, isolate=False)
    (row,) = compare(*given)
    for name in ("name", "seed", "accuracy", "macro_f1", "dev_accuracy", "parameters"):
        assert row[name] == inside[name]
    assert 0 < row["memory"] < row["total_memory"]
    assert row["settings"] == {**inside["settings"], "isolate": True}


@pytest.mark.once
def test_own_models_answer_in_their_own_way(patched):
    rows = compare(
        ["a", "b", "", "a b"],
        [1, 0, 1, 1],
        (["b", "", "c"], [0, 1, 1]),
        (["b"], [0]),
        {"most": lambda texts, labels: Majority(), "words": "bag_of_words"},
        seeds=[3, 4],
        isolate=False,
    )
    runs = [(row["name"], row["seed"]) for row in rows]
    assert runs == [("most", 3), ("words", 3), ("most", 4), ("words", 4)]
    assert rows[0]["accuracy"] == 2 / 3 and rows[0]["dev_accuracy"] == 0
    assert rows[0]["macro_f1"] == pytest.approx((0 + 0.8) / 2)  # 2 * 2 / (3 + 2)
    assert rows[0]["parameters"] is None and rows[1]["parameters"] == 2 + 1


@pytest.mark.once
def test_own_arguments_make_new_layers_for_each_model():
    encoder = ks.layers.IdentityEncoder()
    given = {"encoder": encoder, "pooling": "max", "units": 3, "dropout": 0.25}
    packed = json.loads(json.dumps(packed_architectures({"mine": given}, isolate=True)))
    models = [
        make_model(packed["mine"], ["a b", "c"], ["1", "0"], ComparisonSettings(**SIZES))
        for _ in range(2)
    ]
    assert all(isinstance(model, TextClassifier) for model in models)
    assert models[0].encoder is not models[1].encoder is not encoder
    config = models[0].get_config()
    assert (config["units"], config["embedding_dim"], config["dropout"]) == (3, 6, 0.25)


@pytest.mark.once
def test_a_tenth_of_each_class_is_held_out_and_some_of_it_stays():
    labels = ["often"] * 80 + ["rare"] * 20 + ["once"]
    texts = [f"{label} {i}" for i, label in enumerate(labels)]
    made = data.make_data(texts, labels)
    assert made == data.make_data(texts, labels)
    counts = [[part[1].count(name) for name in ("often", "rare", "once")] for part in made]
    assert counts == [[65, 16, 1], [7, 2, 0], [8, 2, 0]]
    held = [text for part in made for text in part[0]]
    assert sorted(held) == sorted(texts)
    for part in made:
        assert all(text.startswith(label) for text, label in zip(*part, strict=True))


@pytest.mark.once
def test_a_watch_stops_when_the_model_is_good_enough_twice():
    for watch, accuracies, stops in (
        (Watch(), [1.0, 1.0], False),
        (Watch(enough=0.9), [0.9, 0.8, 0.95], False),
        (Watch(enough=0.9), [0.8, 0.9, 0.95], True),
    ):
        model = keras.Model()
        model.stop_training = False
        watch.set_model(model)
        for epoch, value in enumerate(accuracies):
            assert not model.stop_training
            watch.on_epoch_begin(epoch)
            watch.on_epoch_end(epoch, {"val_accuracy": value})
        assert model.stop_training == stops and len(watch.seconds) == len(accuracies)


@pytest.mark.once
def test_a_training_ends_with_its_minutes(patched):
    (run,) = compare(*GOOD, architectures=["mean_embedding"], isolate=False, minutes=1e-6, **SIZES)
    assert run["epochs"] == 1


@pytest.mark.once
def test_the_summary_has_mean_and_spread():
    shared = {"name": "a", "parameters": 7, "memory": None}
    runs = [{**shared, "accuracy": value, "epochs": 4 * value} for value in (0.5, 0.75, 1.0)]
    row, other = comparison_summary([*runs, {**runs[0], "name": "b"}])
    assert (row["seeds"], row["parameters"], row["memory"]) == (3, 7, None)
    assert (row["accuracy"], row["accuracy_spread"], row["epochs"]) == (0.75, 0.25, 3.0)
    assert other["accuracy_spread"] is None
    with pytest.raises(ValueError, match="received none"):
        comparison_summary([])


@pytest.mark.once
def test_memory_is_compared_by_length(patched, monkeypatch):
    monkeypatch.setattr(comparison, "HELD_OUT_ROWS", 60)
    results = {
        task: compare_memory(task, lengths, ["bag_of_words"], rows=200, seeds=[0, 1], isolate=False)
        for task, lengths in (("recall", [6, 9]), ("temporal_order", [10]))
    }
    recalled = results["recall"]  # to recall, no order is needed
    assert [(run["length"], run["seed"]) for run in recalled] == [(6, 0), (6, 1), (9, 0), (9, 1)]
    assert all(run["accuracy"] == 1.0 and run["solved"] for run in recalled)
    assert recalled[0]["settings"]["enough"] == 1 - 0.9 / 100
    assert recalled[0]["settings"]["train_texts"] == 200
    for result in results["temporal_order"]:
        # The best that counts can do: XX and YY are known, XY from YX is a guess.
        assert (
            not result["solved"] and result["chance"] == 0.25 and result["task"] == "temporal_order"
        )
        assert result["accuracy"] < 0.75 + 4 * math.sqrt(0.75 * 0.25 / 60)
    row = comparison_summary(recalled)[0]
    assert (row["length"], row["solved"], row["seeds"], row["chance"]) == (6, 2, 2, 0.1)


GOOD = (["a", "b"] * 10, ["x", "y"] * 10)


@pytest.mark.once
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: compare(*GOOD, architectures=["lstm", "elmo"]),
            "'elmo'. Choose from bag_of_words",
        ),
        (lambda: compare(*GOOD, architectures=[]), "received none"),
        (lambda: compare(*GOOD, architectures={"a": 3}), "must be a name, a function"),
        (lambda: compare(*GOOD, architectures={"a": {"celt": 3}}), "not for it: celt. There are"),
        (lambda: compare(*GOOD, architectures={"a": lambda x, y: None}), "say isolate=False"),
        (
            lambda: compare(*GOOD, architectures={"a": lambda x, y: None}, isolate=False),
            "must return a model with `fit",
        ),
        (lambda: compare(*GOOD, size=3), "Unknown settings size; there are units"),
        (lambda: compare(*GOOD, units=0), "`units`"),
        (lambda: compare(*GOOD, minutes=-1), "`minutes` must be a number above 0"),
        (lambda: compare(*GOOD, tokens="letters"), "`tokens` must be one of .*'word'"),
        (lambda: compare(*GOOD, seeds=[]), "`seeds` must be whole numbers"),
        (lambda: compare(["a", "b"], ["x", "y"]), "too few to hold a tenth .* `test_data`"),
        (lambda: compare(["a"] * 20, ["x"] * 20), "at least two classes"),
        (lambda: compare(["a"] * 20, ["x"] * 19), "20 `texts` and 19 `labels`"),
        (lambda: compare([], []), "at least two classes|none in `texts`"),
        (lambda: compare(["a", "b"], [["x"], ["y"]]), "label 0 is"),
        (lambda: compare(*GOOD, (["a"], ["z"])), "`test_data` has a class .*'z' .label 0.; "),
        (lambda: compare(*GOOD, "test.tsv"), "must be a pair"),
        (lambda: compare_memory("chess"), "Unknown task 'chess'"),
        (lambda: compare_memory("adding_problem"), "tasks of words with one class a row"),
        (lambda: compare_memory("copy_memory", [30]), "tasks of words with one class a row"),
        (lambda: compare_memory("recall", []), "must be lengths"),
        (lambda: compare_memory("recall", [2]), "length"),
        (lambda: compare_memory(lambda *a, **k: 3), "must return a SequenceTask"),
    ],
)
def test_bad_input_is_refused_before_anything_is_trained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.once
def test_the_old_names_are_the_same_things():
    names = {ks.models: ks.models.EXPERIMENTS, ks.analysis: {*ks.analysis.ELSEWHERE} - {"explore"}}
    for package in names:
        for name in names[package]:
            assert name in package.__all__ and name in dir(package)
            home = "gradient_summary" if name == "summary" else name
            assert getattr(package, name) is getattr(ks.experiments, home)
