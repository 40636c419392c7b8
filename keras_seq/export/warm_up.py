"""Requests that TF Serving sends to itself before it takes others."""

import itertools
import pathlib

import numpy as np

from keras_seq._tensorflow import tensorflow, to_utf8

FILE = pathlib.PurePath("assets.extra", "tf_serving_warmup_requests")
BATCHES = (1, 32)
MOST = 1000


def write_warm_up(folder, model_name, signatures):
    """Write the requests by which TF Serving warms a version up, if there is the package for it.

    The first request that a graph gets is slow: it is optimised only then. TF Serving sends what
    it finds in `assets.extra/tf_serving_warmup_requests` before it says that a version is there: a
    TFRecord file of `PredictionLog`s, at most 1000. Here each signature gets its example as a
    batch of 1 and as one of 32, the rows over and over.

    Args:
        folder: the folder of a version.
        model_name: the name that the server will have for the model.
        signatures: a list of `Signature`s.

    Returns:
        Whether the file was written: `False` without tensorflow-serving-api.

    Raises:
        ValueError: for more signatures than there may be requests.

    Reference:
        https://www.tensorflow.org/tfx/serving/saved_model_warmup, and `WarmupConsts` in
        tensorflow_serving/servables/tensorflow/saved_model_warmup_util.h.
    """
    if len(signatures) * len(BATCHES) > MOST:
        raise ValueError(
            f"TF Serving takes {MOST} requests to warm up, so {MOST // len(BATCHES)} signatures at "
            f"most; received {len(signatures)}."
        )
    if _logs() is None:
        return False
    tf = tensorflow()
    file = pathlib.Path(folder) / FILE
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for signature, size in itertools.product(signatures, BATCHES):
            writer.write(_record(model_name, signature, size).SerializeToString())
    return True


def read_warm_up(folder):
    """Return the requests in the folder of a version.

    Returns:
        A list of pairs: the name of a signature, and a dict from the name of each input to an
        array, of bytes objects for strings. It is empty where there is no file; `None` where there
        is one, but no tensorflow-serving-api to read it.

    Raises:
        ValueError: for a file that holds something else.
    """
    file = pathlib.Path(folder) / FILE
    if not file.is_file():
        return []
    logs = _logs()
    if logs is None:
        return None
    from google.protobuf.message import DecodeError

    tf = tensorflow()
    try:
        records = list(tf.data.TFRecordDataset(str(file)).as_numpy_iterator())
        requests = [logs.PredictionLog.FromString(record) for record in records]
    except (tf.errors.OpError, DecodeError) as error:
        raise ValueError(f"{file} is no TFRecord file of PredictionLogs: {error}") from error
    return [_request(log.predict_log.request) for log in requests]


def repeated(rows, size):
    """Return the first `size` of some rows over and over.

    Example:
        >>> repeated(["a", "b"], 5)
        ['a', 'b', 'a', 'b', 'a']
    """
    return list(itertools.islice(itertools.cycle(rows), size))


def _logs():
    """The module of `PredictionLog`, `None` if it is not installed."""
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError:
        return None
    return prediction_log_pb2


def _record(model_name, signature, size):
    log = _logs().PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature.name
    for name, field in signature.inputs.items():
        values = _array(repeated(signature.example[name], size), field.dtype)
        request.inputs[name].CopyFrom(tensorflow().make_tensor_proto(values))
    return log


def _array(rows, dtype):
    if dtype != "string":
        return np.array(rows, dtype)
    values = np.array(rows, object)
    texts = [to_utf8(text) if isinstance(text, str) else text for text in values.flat]
    return np.array(texts, object).reshape(values.shape)


def _request(request):
    tf = tensorflow()
    inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
    return request.model_spec.signature_name or "serving_default", inputs
