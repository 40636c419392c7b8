"""The forms of pandas, polars, Arrow, Hugging Face's datasets and PyTorch, where there are such."""

import numpy as np
import pytest
from test_forms import LABELS, TARGETS, TEXTS, WORDS, arrived

from keras_seq.models import TextClassifier, TextTagger

pytestmark = pytest.mark.once
STARS = [3, 1, 3, 5, 1, 3]


@pytest.fixture(scope="module")
def model():
    model = TextClassifier.from_texts(TEXTS, STARS, tokens="char", cell="gru", units=3)
    model.compile("adam")
    return model


@pytest.fixture
def check(model, monkeypatch):
    """Checks that texts and whole numbers in some form are what the lists are."""

    def check(texts, stars=lambda: STARS):
        for call in (
            lambda: model.fit(texts(), stars()),
            lambda: model.fit(TEXTS, STARS, validation_data=(texts(), stars())),
            lambda: model.evaluate(texts(), STARS),
            lambda: model.evaluate(TEXTS, stars()),
        ):
            assert arrived(monkeypatch, model, call) == (TEXTS, [1, 0, 1, 2, 0, 1])
        assert model.classify(texts()) == model.classify(TEXTS)
        new = TextClassifier.from_texts(texts(), stars(), tokens="char", units=3)
        assert new.class_names == ["1", "3", "5"]
        assert new.tokenizer.vocabulary == model.tokenizer.vocabulary

    return check


@pytest.fixture
def whole(model, monkeypatch):
    """Checks that a form holds texts and stars together."""

    def check(make):
        calls = [lambda: model.fit(make()), lambda: model.evaluate(make())]
        calls += [lambda: model.fit(TEXTS, STARS, validation_data=make())]
        for call in calls:
            assert arrived(monkeypatch, model, call) == (TEXTS, [1, 0, 1, 2, 0, 1])
        np.testing.assert_allclose(
            model.predict(make(), verbose=0), model.predict(TEXTS, verbose=0), rtol=1e-5
        )

    return check


@pytest.mark.parametrize("dtype", [None, "object", "string", "string[pyarrow]", "category"])
def test_a_series_of_pandas(check, dtype):
    pandas = pytest.importorskip("pandas")
    try:
        series = pandas.Series(TEXTS, dtype=dtype, index=[5, 3, 1, 0, 2, 9])
    except (ImportError, TypeError) as error:
        pytest.skip(str(error))
    stars = pandas.Series(STARS, index=[2, 1, 0, 5, 4, 3])
    check(lambda: series, lambda: stars)
    check(lambda: series.values, lambda: stars.values)
    check(lambda: series.array, lambda: stars.array)
    check(lambda: pandas.Index(series), lambda: stars.astype("Int64"))
    check(lambda: series.to_frame(), lambda: stars.to_frame("label"))
    check(lambda: series.to_frame().values, lambda: stars.to_frame().values)
    check(lambda: series, lambda: stars.astype("category"))
    check(lambda: series, lambda: stars.astype(float))
    check(lambda: series, lambda: stars.astype(str))


def test_a_missing_value_of_pandas(model):
    pandas = pytest.importorskip("pandas")
    for dtype in ("object", "string", "category"):
        with pytest.raises(ValueError, match=r"item 1 is .*, a missing value"):
            model.classify(pandas.Series(["a", None], dtype=dtype))
    for labels in (pandas.Series([1, None]), pandas.Series([1, None], dtype="Int64")):
        with pytest.raises(ValueError, match=r"a missing value \(label 1\)"):
            model.fit(["a", "b"], labels)
    with pytest.raises(ValueError, match="finite numbers; item 1 is nan"):
        model.fit(["a", "b"], [1, 3], sample_weight=pandas.Series([1, None]))


def test_frames(whole):
    pandas, rows = pytest.importorskip("pandas"), {"id": range(6), "text": TEXTS, "label": STARS}
    whole(lambda: pandas.DataFrame(rows, index=[5, 3, 1, 0, 2, 9]))
    polars = pytest.importorskip("polars")
    whole(lambda: polars.DataFrame({**rows, "id": list(range(6))}))


def test_indicator_columns_of_frames():
    pandas = pytest.importorskip("pandas")
    marks = pandas.DataFrame({"b": [1, 0, 1, 0, 0, 1], "a": [0, 1, 1, 0, 0, 0]})
    model = TextClassifier.from_texts(TEXTS, marks, units=3)
    assert model.class_names == ["b", "a"] and model.multi_label
    expected = marks.to_numpy().tolist()
    for given in (marks, marks[["a", "b"]], marks.astype(bool), marks.to_numpy()):
        assert model.check_targets(given).tolist() == expected


def test_polars(check):
    polars = pytest.importorskip("polars")
    for dtype in (polars.String, polars.Categorical):
        check(lambda dtype=dtype: polars.Series(TEXTS, dtype=dtype), lambda: polars.Series(STARS))


def test_arrow(check):
    arrow = pytest.importorskip("pyarrow")
    check(lambda: arrow.array(TEXTS), lambda: arrow.array(STARS))
    check(lambda: arrow.chunked_array([TEXTS[:2], TEXTS[2:]]), lambda: arrow.chunked_array([STARS]))


def test_hugging_face(check, whole, monkeypatch):
    datasets = pytest.importorskip("datasets.arrow_dataset")  # tests/datasets is no such thing
    rows = datasets.Dataset.from_dict({"text": TEXTS, "label": STARS, "id": list(range(6))})
    check(lambda: rows["text"], lambda: rows["label"])
    check(lambda: rows[:]["text"], lambda: rows[:]["label"])
    check(lambda: rows.with_format("numpy")["text"], lambda: rows.with_format("numpy")["label"])
    whole(lambda: rows)
    whole(lambda: rows[:])
    whole(lambda: rows.to_iterable_dataset())
    whole(lambda: rows.to_iterable_dataset().iter(4))
    tags = [["N"] * len(words) for words in WORDS]
    words = datasets.Dataset.from_dict({"tokens": WORDS, "tags": tags})
    tagger = TextTagger.from_texts(words["tokens"], words["tags"], characters=None, units=3)
    tagger.compile("adam")
    assert tagger.tag(words["tokens"]) == tags
    found = arrived(monkeypatch, tagger, lambda: tagger.fit(words))
    assert found == arrived(monkeypatch, tagger, lambda: tagger.fit(WORDS, tags))
    model = TextClassifier.from_texts(TEXTS, LABELS, units=3)
    model.compile("adam")
    with pytest.raises(ValueError, match=r"dict of data sets, 'train'.*x\['train'\]"):
        model.fit(datasets.DatasetDict({"train": rows}))


def test_pytorch(check, whole):
    torch = pytest.importorskip("torch")

    class Pairs(torch.utils.data.Dataset):
        def __len__(self):
            return len(TEXTS)

        def __getitem__(self, i):
            return TEXTS[i], STARS[i]

    check(lambda: TEXTS, lambda: torch.tensor(STARS))
    check(lambda: TEXTS, lambda: torch.tensor(STARS)[:, None])
    whole(Pairs)
    loader = torch.utils.data.DataLoader
    model = TextClassifier.from_texts(TEXTS, STARS, tokens="char", cell="gru", units=3)
    model.compile("sgd")
    expected = model.evaluate(TEXTS, STARS, verbose=0)
    found = model.evaluate(loader(Pairs(), batch_size=4), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    history = model.fit(loader(Pairs(), batch_size=2, shuffle=True), epochs=2, verbose=0).history
    assert len(history["loss"]) == 2
    np.testing.assert_allclose(
        model.predict(loader(TEXTS, batch_size=4), verbose=0), model.predict(TEXTS, verbose=0)
    )
    assert len(model.predict(loader(TARGETS, batch_size=4), verbose=0)) == 6
