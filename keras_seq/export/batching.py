"""Write the batching parameters of TF Serving."""

import pathlib
from typing import Any

from keras_seq._checks import check_count, check_positive
from keras_seq._files import replacing
from keras_seq._typing import PathLike

FILE = "batching_params.pbtxt"


def write_batching(path: PathLike, **parameters: Any) -> None:
    """Write `batching_params.pbtxt` beside the versions of a model, in one step.

    The server reads it where it is started with `--enable_batching
    --batching_parameters_file=.../batching_params.pbtxt`.

    Args:
        path: the folder of all versions.
        **parameters: see `batching_parameters`.

    Returns:
        The path of the file.

    Raises:
        ValueError: for parameters that make no sense.
    """
    text = batching_parameters(**parameters)
    file = pathlib.Path(path) / FILE
    with replacing(file) as beside:
        beside.write_text(text, encoding="utf-8")
    return file


def batching_parameters(
    max_batch_size=32,
    batch_timeout_micros=1000,
    num_batch_threads=None,
    max_enqueued_batches=None,
    allowed_batch_sizes=None,
    pad_variable_length_inputs=False,
):
    r"""Return TF Serving's `BatchingParameters` in the text format of protocol buffers.

    Args:
        max_batch_size: the most rows that are computed at once.
        batch_timeout_micros: how long a request waits for others at most, in microseconds.
        num_batch_threads: how many batches are computed side by side; as many as there are cores
            if not set.
        max_enqueued_batches: how many batches may wait; a request beyond is refused.
        allowed_batch_sizes: a growing list of sizes up to `max_batch_size`, to which batches are
            filled up; any size if not set, which needs no filling.
        pad_variable_length_inputs: whether inputs of several axes that differ in length are padded;
            by 0 or "". Texts need it not.

    Raises:
        ValueError: for something else than such numbers.

    Example:
        >>> print(batching_parameters(max_batch_size=8, num_batch_threads=2), end="")
        max_batch_size { value: 8 }
        batch_timeout_micros { value: 1000 }
        num_batch_threads { value: 2 }

    Reference:
        https://www.tensorflow.org/tfx/serving/serving_config#batching_configuration
    """
    numbers = {
        "max_batch_size": check_positive("max_batch_size", max_batch_size),
        "batch_timeout_micros": check_count("batch_timeout_micros", batch_timeout_micros),
    }
    for name, value in (
        ("num_batch_threads", num_batch_threads),
        ("max_enqueued_batches", max_enqueued_batches),
    ):
        if value is not None:
            numbers[name] = check_positive(name, value)
    lines = [f"{name} {{ value: {value} }}" for name, value in numbers.items()]
    if allowed_batch_sizes is not None:
        _check_sizes(allowed_batch_sizes, max_batch_size)
        lines += [f"allowed_batch_sizes: {size}" for size in allowed_batch_sizes]
    if not isinstance(pad_variable_length_inputs, bool):
        raise ValueError(
            "`pad_variable_length_inputs` must be True or False; received "
            f"{pad_variable_length_inputs!r}."
        )
    if pad_variable_length_inputs:
        lines.append("pad_variable_length_inputs: true")
    return "\n".join([*lines, ""])


def _check_sizes(sizes, largest):
    known = isinstance(sizes, (list, tuple)) and all(type(size) is int for size in sizes)
    if not known or not sizes or list(sizes) != sorted({*sizes}) or sizes[0] < 1:
        raise ValueError(
            "`allowed_batch_sizes` must be a list of integers above 0, each larger than the one "
            f"before; received {sizes!r}."
        )
    if sizes[-1] != largest:
        raise ValueError(
            f"The last of `allowed_batch_sizes` must be `max_batch_size`, {largest}; received "
            f"{sizes!r}."
        )
