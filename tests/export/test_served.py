"""An export, asked from Python."""

import pathlib
import shutil

import numpy as np
import pytest
from tiny_export import ABOUT, served, tiny

from keras_seq._tensorflow import tensorflow
from keras_seq.export import load


def test_texts_in_and_lists_out():
    found = served()(["höher", "", "日本 😀"])
    assert found["outputs"] == ["HÖHER", "", "日本 😀"]
    np.testing.assert_allclose(found["scores"], [-5 / 3, 0, -4 / 3], rtol=1e-6)
    assert all(type(score) is float for score in found["scores"])
    assert served()("ok") == served()(text="ok") == served()(text=["ok"])
    assert served()(np.array(["ok", "so"]))["outputs"] == ["OK", "SO"]
    assert served()([]) == {"outputs": [], "scores": []}


def test_other_signatures():
    found = served()(["a b", "c"], signature="attend")
    assert found == {"tokens": [["a", "b"], ["c", ""]], "attention": [[0.5, 0.5], [1.0, 0.0]]}
    assert served()(signature="weigh", number=[1, 2], factor=[0.5, 2]) == {"weights": [0.5, 4.0]}


def test_one_value_is_for_every_row():
    assert served()(signature="weigh", number=[1, 2, 3], factor=2) == {"weights": [2.0, 4.0, 6.0]}
    assert served()(signature="weigh", number=3, factor=2.5) == {"weights": [7.5]}
    assert served()(signature="weigh", number=[], factor=2) == {"weights": []}


def test_lone_surrogates_are_replaced():
    assert served()("a\ud800")["outputs"] == ["A\ufffd"]


def test_it_knows_what_it_is():
    assert served().version == 3 and served().path == pathlib.Path(tiny()) / "3"
    assert served().about == ABOUT
    assert served().signatures["weigh"]["inputs"]["factor"]["dtype"] == "float32"


@pytest.mark.parametrize(
    ("values", "more", "message"),
    [
        (("a",), {"signature": "shout"}, "no signature 'shout' in .*, only .*serving_default"),
        ((), {}, "serving_default takes text; received nothing"),
        ((), {"text": "a", "seed": 1}, "takes text; received text, seed"),
        (("a", "b"), {}, "takes text: give each by its name"),
        ((3,), {"signature": "weigh"}, "takes factor, number: give each by its name"),
        ((["a", 3],), {}, r"`text` must be string of shape \(None,\).*received \['a', 3\]"),
        (([["a"], ["b", "c"]],), {}, "`text` must be string"),
        (([["a"], ["b"]],), {}, "`text` must be string"),
        ((None,), {}, "`text` must be string"),
        ((), {"signature": "weigh", "number": 1.5, "factor": 1}, "`number` must be int32"),
        ((), {"signature": "weigh", "number": 2**31, "factor": 1}, "`number` must be int32"),
        ((), {"signature": "weigh", "number": 2**70, "factor": 1}, "`number` must be int32"),
        ((), {"signature": "weigh", "number": 1, "factor": "2"}, "`factor` must be float32"),
        ((), {"signature": "weigh", "number": 1, "factor": [None]}, "`factor` must be float32"),
        (
            (),
            {"signature": "weigh", "number": [1, 2], "factor": [1.0]},
            "as many rows; received 1 of factor, 2 of number",
        ),
        ((), {"signature": "weigh", "number": -1, "factor": 1}, "refuses: .*a negative number"),
    ],
)
def test_wrong_requests(values, more, message):
    with pytest.raises(ValueError, match=message):
        served()(*values, **more)


def test_versions(tmp_path):
    with pytest.raises(ValueError, match="There is no folder"):
        load(tmp_path / "none")
    with pytest.raises(ValueError, match="There is no version in"):
        load(tmp_path)
    version = pathlib.Path(tiny()) / "3"
    shutil.copytree(version, tmp_path / "9")
    shutil.copytree(version, tmp_path / "10")
    assert load(tmp_path).version == 10
    for made in (load(tmp_path, 9), load(tmp_path / "9")):
        assert made.version == 9
    with pytest.raises(ValueError, match=r"no version 2 in .*, only 9, 10"):
        load(tmp_path, version=2)
    with pytest.raises(ValueError, match="one version itself"):
        load(tmp_path / "9", version=9)
    (tmp_path / "11").mkdir()
    with pytest.raises(ValueError, match=r"no SavedModel in .*11: no saved_model\.pb"):
        load(tmp_path)
    (tmp_path / "11" / "saved_model.pb").write_bytes(b"half")
    with pytest.raises(ValueError, match="no SavedModel that can be read"):
        load(tmp_path)


def test_a_saved_model_from_elsewhere(tmp_path):
    """Without signature.json, with axes behind the batch, and with an output that is no text."""
    tf = tensorflow()
    spec = tf.TensorSpec([None, None], tf.int64, name="ids")

    @tf.function(input_signature=[spec])
    def call(ids):
        return {"ids": ids + 1, "half": tf.cast(ids, "bfloat16") / 2, "big": ids > 1}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def cut(text):
        return {"text": tf.strings.substr(text, 0, 1)}

    folder = tmp_path / "model"
    signatures = {"call": call, "cut": cut}
    tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)
    found = load(folder)
    assert found.version is None and found.about == {}
    assert found.signatures["call"]["inputs"] == {"ids": {"dtype": "int64", "shape": [None, None]}}
    expected = {"ids": [[2, 3]], "half": [[0.5, 1.0]], "big": [[False, True]]}
    assert found(signature="call", ids=[[1, 2]]) == expected
    assert found(signature="call", ids=[1, 2]) == expected
    with pytest.raises(ValueError, match="must be int64"):
        found(signature="call", ids=[[1, 2], [3]])
    assert found("ab", signature="cut") == {"text": ["a"]}
    with pytest.raises(ValueError, match="The output text of the signature cut is no UTF-8"):
        found("äb", signature="cut")
