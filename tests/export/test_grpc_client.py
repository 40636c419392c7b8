"""The gRPC client of the guide, and a server that answers as TF Serving's interface says."""

import concurrent.futures
import pathlib
import re

import pytest

from keras_seq._tensorflow import tensorflow, tensorflow_text

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def port():
    """The port of a server of the model that the repository ships."""
    grpc = pytest.importorskip("grpc")
    apis = pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc")
    from tensorflow_serving.apis.predict_pb2 import PredictResponse

    tf = tensorflow()
    tensorflow_text()
    loaded = tf.saved_model.load(str(ROOT / "saved_models" / "dates" / "1"))

    class Service(apis.PredictionServiceServicer):
        def Predict(self, request, context):
            assert request.model_spec.name == "dates"
            name = request.model_spec.signature_name or "serving_default"
            given = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
            found = loaded.signatures[name](**{k: tf.constant(v) for k, v in given.items()})
            response = PredictResponse()
            for key, value in found.items():
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
            return response

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    apis.add_PredictionServiceServicer_to_server(Service(), server)
    number = server.add_insecure_port("localhost:0")
    server.start()
    yield number
    server.stop(None).wait()


def test_the_client_of_the_guide(port):
    text = (ROOT / "docs/guides/serving.md").read_text(encoding="utf-8")
    (client,) = re.findall(r"```python\n(import grpc.*?)```", text, re.DOTALL)
    assert "localhost:8500" in client and len(client.splitlines()) <= 12
    *lines, last = client.replace("8500", str(port)).strip().splitlines()
    names = {}
    exec(compile("\n".join(lines), "serving.md", "exec"), names)
    assert eval(last, names) == "2016-09-27"
    assert last.endswith('# "2016-09-27"')
