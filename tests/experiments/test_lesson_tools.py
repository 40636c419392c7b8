"""What lessons measure with: claims, trainings over seeds, and their figure."""

import keras
import numpy as np
import pytest

import keras_seq as ks
from keras_seq.experiments import Claims, fastest, over_seeds, plot_seeds

X = np.random.default_rng(0).normal(size=(40, 5, 2)).astype("float32")
MODELS = {"gru": lambda: [ks.layers.GRU(3), keras.layers.Dense(1)]}


@pytest.mark.once
def test_a_claim_that_fails_is_named_at_the_end():
    claims = Claims(small=False)
    claims.add("one is one", 1, True)
    claims.add("all seeds learn", [0.9, 0.2], np.array([True, False]), trained=True)
    with pytest.raises(AssertionError, match=r"all seeds learn: 0\.9, 0\.2$"):
        claims.check()
    assert [verdict for *_, verdict in claims.rows] == ["holds", "FAILS"]


@pytest.mark.once
def test_a_surprise_must_be_one_with_each_seed():
    claims = Claims(small=False)
    claims.add("it never works", [1.0, 1.0], [False, False], surprise=True)
    assert claims.check() is claims
    claims.add("it never works", [1.0, 0.0], [False, True], surprise=True)
    with pytest.raises(AssertionError, match="it never works"):
        claims.check()


@pytest.mark.once
def test_a_small_run_asserts_nothing_about_training(capsys, monkeypatch):
    monkeypatch.setenv("CI", "true")
    claims = Claims()
    claims.add("it learns", 0.1, False, trained=True)
    claims.check()
    assert capsys.readouterr().out == "it learns: 0.1 (not asserted in a small run)\n"
    claims.add("two and two", 5, False)
    with pytest.raises(AssertionError, match="two and two"):
        claims.check()
    monkeypatch.setenv("CI", "1")
    assert not Claims().small


@pytest.mark.once
def test_the_table_shows_text_as_it_is():
    claims = Claims(small=False)
    claims.add("a < b", "<b>", True)
    claims.add("counts", [1312, 0.5, 1e-7], True)
    page = claims._repr_html_()
    assert "<td>a &lt; b</td><td>&lt;b&gt;</td><td>holds</td>" in page
    assert "<td>1,312, 0.5, 1e-07</td>" in page


@pytest.mark.once
@pytest.mark.parametrize(
    "arguments, match",
    [(("", 1, True), "`claim`"), (("a", 1, 1), "`holds`"), (("a", 1, []), "`holds`")],
)
def test_claims_refuse(arguments, match):
    with pytest.raises(ValueError, match=match):
        Claims(small=False).add(*arguments)


def test_a_seed_decides_a_run():
    data = X, X[:, 0, :1]
    runs = [over_seeds(MODELS, data, {"test": data}, seeds=[3, 5], epochs=1)["gru"] for _ in "ab"]
    np.testing.assert_array_equal(runs[0]["test"], runs[1]["test"])
    assert runs[0]["test"][0] != runs[0]["test"][1]
    assert (runs[0]["parameters"] == 3 * 3 * (3 + 2 + 2) + 4).all() and (
        runs[0]["seconds"] > 0
    ).all()


def test_numbers_are_scored_by_their_squared_error_and_classes_by_accuracy():
    zero = {
        "zero": lambda: [keras.layers.Flatten(), keras.layers.Dense(2, kernel_initializer="zeros")]
    }
    numbers = X[:, 0]
    scores = over_seeds(zero, (X, numbers), {"all": (X, numbers)}, 1, learning_rate=1e-9)
    assert scores["zero"]["all"][0] == pytest.approx(np.mean(numbers**2), rel=1e-4)
    task = ks.datasets.SequenceTask("sign", X, (X[:, 0, 0] > 0) * 1, "accuracy", 0.5, 1.0)
    sign = {"dense": lambda: [keras.layers.Flatten(), keras.layers.Dense(2)]}
    scores = over_seeds(sign, task, {"same": task}, 1, 60, learning_rate=0.03)
    assert scores["dense"]["same"][0] > 0.9


def test_the_weights_of_a_task_count():
    targets = np.tile(np.arange(X.shape[1]) > 1, (len(X), 1)) * 1  # class 1 from the third step on
    late = ks.datasets.SequenceTask("late", X, targets, "accuracy", 0.5, 1.0, weights=targets * 1.0)
    always = {"one": lambda: [keras.layers.Dense(2)]}
    scores = over_seeds(always, late, {"late": late, "all": (X, targets)}, 1, 60, 0.1)["one"]
    assert scores["late"][0] == 1.0 and scores["all"][0] < 0.9


@pytest.mark.once
@pytest.mark.parametrize(
    "change, match",
    [
        ({"models": {}}, "`models`"),
        ({"tests": {}}, "`tests`"),
        ({"training": X}, "`training`"),
        ({"tests": {"a": [X, X]}}, r"`tests\['a'\]`"),
        ({"epochs": 0}, "`epochs`"),
        ({"seeds": []}, "seeds"),
    ],
)
def test_over_seeds_refuses(change, match):
    data = X, X[:, 0, :1]
    arguments = {"models": MODELS, "training": data, "tests": {"a": data}, "epochs": 1}
    with pytest.raises(ValueError, match=match):
        over_seeds(**{**arguments, **change})


@pytest.mark.once
def test_the_fastest_call_is_taken():
    calls = []
    assert 0 <= fastest(lambda: calls.append(0), trials=4) < 1 and len(calls) == 4
    with pytest.raises(ValueError, match="`trials`"):
        fastest(print, trials=0)


@pytest.mark.once
def test_bars_are_means_and_points_are_runs():
    results = {"a": {"seen": [0.5, 1.0], "new": [0.0, 0.5]}, "b": {"seen": [1.0]}}
    figure = plot_seeds(results, "share", lines={"chance": 0.5})
    axes = figure.axes[0]
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_array_equal(heights, [0.75, 1.0, 0.25, np.nan])
    assert [len(line.get_xdata()) for line in axes.lines] == [
        2,
        1,
        2,
        1,
        2,
    ]  # the last is the level
    assert axes.get_ylabel() == "share"
    assert len(plot_seeds(results, series=["new"]).axes[0].patches) == 2
    with pytest.raises(ValueError, match="`series`"):
        plot_seeds(results, series=["other"])
    with pytest.raises(ValueError, match="results"):
        plot_seeds({})


def test_a_run_without_its_data_is_small(capsys):
    def missing():
        raise FileNotFoundError("SST-2 is not there: put it into $KERAS_SEQ_DATA.")

    assert Claims(small=False, data=missing).small
    assert "SST-2 is not there" in capsys.readouterr().out
    assert not Claims(small=False, data=lambda: ["there"]).small
    assert Claims(small=True, data=missing).small and not capsys.readouterr().out


@pytest.mark.once
def test_a_legend_is_no_wider_than_the_figure():
    lines = {"somebody who keeps one of the two": 0.5, "chance, which is one in twenty": 0.05}
    figure = plot_seeds({name: {"near": [0.9], "far": [0.2]} for name in "abc"}, lines=lines)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    extent = legend.get_window_extent()
    assert extent.x0 >= 0 and extent.x1 <= figure.bbox.width
