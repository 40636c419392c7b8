"""The view of a model in a notebook, made without one; `explorer/tests/browser.mjs` draws it."""

import base64
import json
import pathlib
import sys

import keras
import matplotlib.figure
import numpy as np
import pytest

import keras_seq as ks
from keras_seq.explorer import models, widget

pytestmark = pytest.mark.once
TAGGER = pathlib.Path(__file__).parents[1] / "explorer" / "public" / "models" / "pos_en_left"
WRITER = TAGGER.with_name("shakespeare")


@pytest.fixture
def built(tmp_path, monkeypatch):
    """The built module and the runtime, in the place of those of `make explorer`."""
    pytest.importorskip("anywidget")
    (tmp_path / "assets").mkdir()
    (tmp_path / widget.MODULE).write_text("export default { render() {} };")
    (tmp_path / "assets" / "ort-0a1b.wasm").write_bytes(b"runtime")
    for module in (widget, models):
        monkeypatch.setattr(module, "STATIC", tmp_path)
    widget.widget_class.cache_clear()
    yield
    widget.widget_class.cache_clear()


@pytest.fixture
def bare(monkeypatch):
    """No anywidget."""
    monkeypatch.setitem(sys.modules, "anywidget", None)


def answers(shown, *names):
    """What the widget sends where its view asks for files."""
    sent = []
    shown.send = lambda content, buffers=None: sent.append((content["file"], *buffers))
    for name in names:
        shown._handle_custom_msg({"file": name}, [])
    return sent


def test_the_widget_has_what_its_view_asks_for(built):
    shown = ks.analysis.explore("dates", "27 September 2016")
    assert shown.about == {"name": "dates", "kind": "Seq2Seq"}
    assert shown.settings["text"] == "27 September 2016"
    assert shown.files == ["manifest.json", "encode.onnx", "start.onnx", "step.onnx"]
    sent = answers(shown, *shown.files, "runtime.wasm", "model.keras", "../README.md", None)
    folder = pathlib.Path(ks.presets()["dates"]["path"]).with_name("step")
    assert [name for name, _ in sent] == [*shown.files, "runtime.wasm"]
    assert [data for _, data in sent[:-1]] == [(folder / name).read_bytes() for name in shown.files]
    assert sent[-1][1] == b"runtime"


def test_the_notebook_keeps_the_widget_and_a_picture_but_no_model(built):
    shown = ks.analysis.explore(TAGGER, "They fish for fish .")
    assert shown.about == {"name": "pos_en_left", "kind": "TextTagger"}
    data, *_ = shown._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.model_id
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert shown.figure == f"data:image/png;base64,{data['image/png']}"
    state = shown.get_state()
    assert not any(isinstance(value, (bytes, memoryview)) for value in state.values())
    assert len(json.dumps({**state, "layout": None})) < 150_000
    assert "export default" in state["_esm"]


def test_without_matplotlib_the_widget_has_no_picture(built, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    shown = ks.analysis.explore("dates", "1 May 1999")
    data, *_ = shown._repr_mimebundle_()
    assert shown.figure == "" and "image/png" not in data


@pytest.mark.parametrize(
    ("model", "text", "label", "labels"),
    [
        ("dates", "1 May 1999", "target", ["1", "9", "9", "9", "-"]),
        (TAGGER, "They fish for fish .", "probability", ["They", "fish", "for", "fish", "."]),
        (WRITER, "To be", None, ["<s>", "T", "o", "␣", "b", "e"]),
    ],
)
def test_without_anywidget_there_is_a_figure(bare, model, text, label, labels):
    with pytest.warns(UserWarning, match=r"This is a figure: .*widget"):
        figure = ks.analysis.explore(model, text)
    assert isinstance(figure, matplotlib.figure.Figure)
    axes = figure.axes[0]
    axis = axes.yaxis if label == "target" else axes.xaxis
    assert [x.get_text() for x in axis.get_ticklabels()][: len(labels)] == labels
    assert label is None or axes.get_ylabel() == label
    if model == TAGGER:
        tags = ["PRON", "VERB", "ADP", "NOUN", "PUNCT"]
        assert [text.get_text() for text in axes.texts] == tags


def test_a_figure_of_a_model_that_is_there_needs_no_export(bare, tmp_path):
    keras.utils.set_random_seed(0)
    options = {"tokens": "char", "units": 4}
    plain = ks.models.Seq2Seq.from_texts(["ab", "ba"], ["b a", "a b"], attention=None, **options)
    writer = ks.models.LanguageModel.from_texts("abab" * 20, **options)
    tagger = ks.models.TextTagger.from_texts([["a", "b"]], [["X", "Y"]], units=4)
    classifier = ks.models.TextClassifier.from_texts(["ab", "ba"], ["x", "y"], units=4)
    everything = (plain, writer, tagger, classifier)
    for model in everything:
        model.compile("adam")
    with pytest.warns(UserWarning, match="This is a figure"):
        figures = [ks.analysis.explore(model, "ab") for model in everything]
    assert figures[0].axes[0].get_xlabel() == "score"
    states = ks.analysis.unit_activations(writer, "ab")
    heights = [bar.get_height() for bar in figures[1].axes[0].patches]
    found = next(iter(states.values())).values["h"]
    assert np.allclose(heights, found[:, found.std(axis=0).argmax()])
    (bar,) = figures[2].axes[0].patches
    answer = tagger.tag("ab", return_probabilities=True)
    assert bar.get_height() == pytest.approx(np.max(answer["probabilities"]))
    chances = classifier.classify("ab", return_probabilities=True)["probabilities"]
    names = [x.get_text() for x in figures[3].axes[0].get_yticklabels()]
    assert [bar.get_width() for bar in figures[3].axes[0].patches] == sorted(chances.values())[::-1]
    assert chances[names[0]] >= chances[names[1]]


def test_a_model_that_cannot_be_exported_gets_a_figure(built, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    model = ks.models.Seq2Seq.from_preset("dates")
    with pytest.warns(UserWarning, match=r"This is a figure: .*\[onnx,widget\]"):
        figure = ks.analysis.explore(model, "1 May 1999")
    assert isinstance(figure, matplotlib.figure.Figure)
    assert not isinstance(ks.analysis.explore("dates", "1 May 1999"), matplotlib.figure.Figure)


def test_where_the_page_is_not_built_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(widget, "STATIC", tmp_path)
    with pytest.warns(UserWarning, match="the widget is not built; `make explorer` does it"):
        ks.analysis.explore("dates", "1 May 1999")


@pytest.mark.parametrize("text", ["", " \n", None, ["a"]])
def test_a_text_is_needed(text):
    with pytest.raises(ValueError, match="`text` must be a str with more than white space"):
        ks.analysis.explore("dates", text)


def test_other_models_are_refused():
    message = "The page shows translators, language models, taggers and classifiers; this is a"
    for model in (keras.Sequential(), ks.layers.LSTM(2)):
        with pytest.raises(ValueError, match=f"{message} {type(model).__name__}"):
            ks.analysis.explore(model, "a")


@pytest.mark.slow
def test_a_model_is_exported(built):
    keras.utils.set_random_seed(0)
    model = ks.models.LanguageModel.from_texts("abab" * 20, tokens="char", units=4)
    model.compile("adam")
    shown = ks.analysis.explore(model, "ab")
    assert shown.about == {"name": "LanguageModel", "kind": "LanguageModel"}
    (_, manifest), *_ = answers(shown, *shown.files)
    assert json.loads(manifest)["tokenizers"]["text"]["vocabulary"] == model.tokenizer.vocabulary
