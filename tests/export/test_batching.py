"""The file of batching parameters is what TF Serving reads."""

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from keras_seq.export.batching import batching_parameters, write_batching


def parse(text):
    """Parse the text as TF Serving's `BatchingParameters`.

    The message is that of tensorflow_serving/servables/tensorflow/session_bundle_config.proto,
    which its Python package lacks.
    """
    file = descriptor_pb2.FileDescriptorProto(name="b.proto", package="b", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    wrapper = file.message_type.add(name="Value")
    wrapper.field.add(name="value", number=1, type=kinds.TYPE_INT64, label=1)
    message = file.message_type.add(name="BatchingParameters")
    wrapped = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches")
    for number, name in enumerate((*wrapped, "num_batch_threads"), start=1):
        kind = kinds.TYPE_MESSAGE
        message.field.add(name=name, number=number, type=kind, type_name=".b.Value", label=1)
    message.field.add(name="allowed_batch_sizes", number=6, type=kinds.TYPE_INT64, label=3)
    message.field.add(name="pad_variable_length_inputs", number=7, type=kinds.TYPE_BOOL, label=1)
    pool = descriptor_pool.DescriptorPool()
    found = pool.AddSerializedFile(file.SerializeToString())
    kind = pool.FindMessageTypeByName("b.BatchingParameters")
    return found and text_format.Parse(text, message_factory.GetMessageClass(kind)())


def test_defaults():
    found = parse(batching_parameters())
    assert found.max_batch_size.value == 32 and found.batch_timeout_micros.value == 1000
    assert {field.name for field, _ in found.ListFields()} == {
        "max_batch_size",
        "batch_timeout_micros",
    }


def test_everything():
    found = parse(
        batching_parameters(
            max_batch_size=16,
            batch_timeout_micros=0,
            num_batch_threads=3,
            max_enqueued_batches=7,
            allowed_batch_sizes=[1, 4, 16],
            pad_variable_length_inputs=True,
        )
    )
    assert found.max_batch_size.value == 16 and found.batch_timeout_micros.value == 0
    assert found.HasField("batch_timeout_micros")
    assert found.num_batch_threads.value == 3 and found.max_enqueued_batches.value == 7
    assert list(found.allowed_batch_sizes) == [1, 4, 16] and found.pad_variable_length_inputs


def test_the_file_takes_the_place_of_another(tmp_path):
    for size in (4, 8):
        file = write_batching(tmp_path, max_batch_size=size)
        assert file == tmp_path / "batching_params.pbtxt"
        assert parse(file.read_text()).max_batch_size.value == size
    assert [one.name for one in tmp_path.iterdir()] == ["batching_params.pbtxt"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_batch_size": 0}, "`max_batch_size` must be an integer above 0; received 0"),
        ({"max_batch_size": 2.0}, "max_batch_size"),
        ({"batch_timeout_micros": -1}, "at least 0; received -1"),
        ({"batch_timeout_micros": True}, "batch_timeout_micros"),
        ({"num_batch_threads": 0}, "num_batch_threads"),
        ({"max_enqueued_batches": "9"}, "max_enqueued_batches"),
        ({"allowed_batch_sizes": []}, "list of integers above 0"),
        ({"allowed_batch_sizes": [8, 4, 32]}, "each larger than the one before"),
        ({"allowed_batch_sizes": [0, 32]}, "integers above 0"),
        ({"allowed_batch_sizes": 32}, "list of integers"),
        ({"allowed_batch_sizes": [1, 16]}, "must be `max_batch_size`, 32"),
        ({"pad_variable_length_inputs": 1}, "True or False; received 1"),
    ],
)
def test_what_makes_no_sense_is_refused(parameters, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_batching(tmp_path, **parameters)
    assert not any(tmp_path.iterdir())
