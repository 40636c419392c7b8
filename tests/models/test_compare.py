"""The comparison of architectures on a task of word order, in this process and in another one."""

import itertools
import json
import math
import sys

import keras
import numpy as np
import pytest

import keras_seq as ks
from keras_seq.models import TextClassifier, compare, compare_memory, comparison_summary
from keras_seq.models.comparison import architectures, data, run, settings, train
from keras_seq.models.comparison.bag_of_words import BagOfWords
from keras_seq.models.comparison.train import Watch

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
        patch.setattr(run, "TIMED_TEXTS", 80)
        patch.setattr(run, "TIMES", 1)
        patch.setattr(train, "Watch", Kept)
        yield watches


@pytest.fixture(scope="module")
def results(patched):
    """All architectures on the task of order; the watches of those that have epochs."""
    training, test = ordered()
    seen = []
    options = {**SIZES, "epochs": 7, "patience": 4, "learning_rate": 0.05, "batch_size": 20}
    found = compare(
        *training, test, test, isolate=False, report=seen.append, enough=0.99, **options
    )
    assert seen == found
    return {result["name"]: result for result in found}, list(patched)


def test_every_architecture_has_a_row_ready_for_json(results):
    rows, _ = results
    assert tuple(rows) == architectures.ARCHITECTURES
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
    assert max(row["accuracy"] for row in rows.values()) > 0.95
    assert rows["lstm"]["accuracy"] > 0.9


def test_the_best_epoch_answers(results):
    rows, watches = results
    assert len(watches) == len(rows) - 1
    for row, watch in zip(list(rows.values())[1:], watches, strict=True):
        assert row["epochs"] == len(watch.accuracies) == len(watch.seconds)
        assert row["dev_accuracy"] == pytest.approx(max(watch.accuracies), abs=1e-6)
        assert row["seconds_per_epoch"] == np.median(watch.seconds)


def test_parameters_are_those_of_the_formulas(results):
    rows, _ = results
    ids, size, units = WORDS + 4, SIZES["embedding_dim"], SIZES["units"]
    dense = units * 2 + 2
    recurrent = units * (size + units + 1)
    expected = {
        "bag_of_words": WORDS + 1,  # two classes are one regression
        "mean_embedding": ids * size + (size + 1) * units + dense,
        "convolution": ids * size + (3 + 4 + 5) * size * units + 3 * units + 3 * units * 2 + 2,
        "vanilla": ids * size + recurrent + dense,
        "lstm": ids * size + 4 * recurrent + dense,
        "bidirectional_lstm": ids * size + 2 * 4 * recurrent + dense + units * 2,
    }
    assert {name: rows[name]["parameters"] for name in expected} == expected


def test_a_process_of_its_own_gives_the_same_and_its_memory(patched):
    training, test = ordered()
    given = (*training, test, test, {"mine": own})
    (inside,) = compare(*given, isolate=False)
    (row,) = compare(*given)
    for name in ("name", "seed", "accuracy", "macro_f1", "dev_accuracy", "parameters"):
        assert row[name] == inside[name]
    assert 0 < row["memory"] < row["total_memory"]
    assert row["settings"] == {**inside["settings"], "isolate": True}


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


def test_own_arguments_make_new_layers_for_each_model():
    encoder = ks.layers.IdentityEncoder()
    given = {"encoder": encoder, "pooling": "max", "units": 3, "dropout": 0.25}
    packed = json.loads(json.dumps(architectures.pack("mine", given, isolate=True)))
    models = [
        architectures.make_model(packed, ["a b", "c"], ["1", "0"], settings.make_settings(SIZES))
        for _ in range(2)
    ]
    assert all(isinstance(model, TextClassifier) for model in models)
    assert models[0].encoder is not models[1].encoder is not encoder
    config = models[0].get_config()
    assert (config["units"], config["embedding_dim"], config["dropout"]) == (3, 6, 0.25)


def test_a_tenth_of_each_class_is_held_out_and_some_of_it_stays():
    labels = ["often"] * 80 + ["rare"] * 20 + ["once"]
    texts = [f"{label} {i}" for i, label in enumerate(labels)]
    made = data.make_data(texts, labels)
    assert made == data.make_data(texts, labels)
    counts = [[part[1].count(name) for name in ("often", "rare", "once")] for part in _parts(made)]
    assert counts == [[65, 16, 1], [7, 2, 0], [8, 2, 0]]
    held = [text for part in _parts(made) for text in part[0]]
    assert sorted(held) == sorted(texts)
    for part in _parts(made):
        assert all(text.startswith(label) for text, label in zip(*part, strict=True))


def _parts(made):
    return made.train, made.dev, made.test


def test_a_watch_stops_when_time_is_over_or_the_model_good_enough():
    for watch, accuracies, stops in (
        (Watch(minutes=1e-9), [0.1], True),
        (Watch(minutes=9.0, enough=0.9), [0.9, 0.8, 0.95], False),
        (Watch(enough=0.9), [0.8, 0.9, 0.95], True),
    ):
        model = keras.Model()
        model.stop_training = False
        watch.set_model(model)
        watch.on_train_begin()
        for epoch, value in enumerate(accuracies):
            assert not model.stop_training
            watch.on_epoch_begin(epoch)
            watch.on_train_batch_end(0)
            watch.on_epoch_end(epoch, {"val_accuracy": value})
        assert model.stop_training == stops and len(watch.seconds) == len(accuracies)


def test_the_summary_has_mean_and_spread():
    shared = {"name": "a", "parameters": 7, "memory": None}
    runs = [{**shared, "accuracy": value, "epochs": 4 * value} for value in (0.5, 0.75, 1.0)]
    row, other = comparison_summary([*runs, {**runs[0], "name": "b"}])
    assert (row["seeds"], row["parameters"], row["memory"]) == (3, 7, None)
    assert (row["accuracy"], row["accuracy_spread"], row["epochs"]) == (0.75, 0.25, 3.0)
    assert other["accuracy_spread"] is None
    with pytest.raises(ValueError, match="received none"):
        comparison_summary([])


def test_memory_is_compared_by_length(patched, monkeypatch):
    # The function hides the module of the same name.
    module = sys.modules["keras_seq.models.compare_memory"]
    monkeypatch.setattr(module, "HELD_OUT_ROWS", 60)
    found = {
        task: compare_memory(task, lengths, ["bag_of_words"], rows=200, seeds=[0, 1], isolate=False)
        for task, lengths in (("recall", [6, 9]), ("temporal_order", [10]))
    }
    recalled = found["recall"]  # to recall, no order is needed
    assert [(run["length"], run["seed"]) for run in recalled] == [(6, 0), (6, 1), (9, 0), (9, 1)]
    assert all(run["accuracy"] == 1.0 and run["solved"] for run in recalled)
    assert recalled[0]["settings"]["enough"] == 1 - 0.9 / 100
    assert recalled[0]["settings"]["train_texts"] == 200
    for result in found["temporal_order"]:
        # The best that counts can do: XX and YY are known, XY from YX is a guess.
        assert (
            not result["solved"] and result["chance"] == 0.25 and result["task"] == "temporal_order"
        )
        assert result["accuracy"] < 0.75 + 4 * math.sqrt(0.75 * 0.25 / 60)
    row = comparison_summary(recalled)[0]
    assert (row["length"], row["solved"], row["seeds"], row["chance"]) == (6, 2, 2, 0.1)


GOOD = (["a", "b"] * 10, ["x", "y"] * 10)


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
        (lambda: compare(*GOOD, tokens="letters"), "`tokens` must be one of 'word'"),
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
