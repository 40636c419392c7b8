"""Requests for the warm-up come back as they were written."""

import importlib.util
import pathlib
import sys

import numpy as np
import pytest
from tiny_export import SIGNATURES, served, tiny

from keras_seq.export.warm_up import FILE, read_warm_up, write_warm_up

without_api = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_serving") is None,
    reason="needs tensorflow-serving-api",
)


@without_api
def test_each_signature_gets_a_small_and_a_large_batch():
    found = read_warm_up(pathlib.Path(tiny()) / "3")
    names = [one.name for one in SIGNATURES]
    assert [name for name, _ in found] == [name for name in names for _ in range(2)]
    texts = [text.encode() for text in SIGNATURES[0].example["text"]]
    assert found[0][1]["text"].tolist() == texts[:1]
    assert found[1][1]["text"].tolist() == texts * 16
    large = found[-1][1]
    assert large["number"].dtype == np.int32 and large["factor"].dtype == np.float32
    assert large["number"].shape == large["factor"].shape == (32,)
    assert large["factor"][:2].tolist() == [2.0, np.float32(0.1)]


@without_api
def test_it_can_be_sent():
    for name, inputs in read_warm_up(pathlib.Path(tiny()) / "3"):
        (size,) = {len(one) for one in inputs.values()}
        assert {len(one) for one in served().run(name, inputs).values()} == {size}


@without_api
def test_the_server_finds_its_names(tmp_path):
    """Read as a server reads it: records of PredictionLog."""
    from tensorflow_serving.apis import prediction_log_pb2

    from keras_seq._tensorflow import tensorflow

    assert write_warm_up(tmp_path, "mine", SIGNATURES[:1])
    file = tmp_path / "assets.extra" / "tf_serving_warmup_requests"
    first, _ = tensorflow().data.TFRecordDataset(str(file)).as_numpy_iterator()
    request = prediction_log_pb2.PredictionLog.FromString(first).predict_log.request
    assert request.model_spec.name == "mine"
    assert request.model_spec.signature_name == "serving_default"
    assert request.inputs["text"].tensor_shape.dim[0].size == 1


@without_api
def test_a_broken_file(tmp_path):
    assert read_warm_up(tmp_path) == []
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(b"nothing of the kind, but long enough for a head")
    with pytest.raises(ValueError, match="is no TFRecord file of PredictionLogs"):
        read_warm_up(tmp_path)


def test_without_the_package_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    assert write_warm_up(tmp_path, "tiny", SIGNATURES) is False
    assert not any(tmp_path.iterdir())
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(b"")
    assert read_warm_up(tmp_path) is None


def test_there_is_a_limit(tmp_path):
    with pytest.raises(ValueError, match="1000 requests to warm up, so 500 signatures"):
        write_warm_up(tmp_path, "tiny", SIGNATURES * 167)
