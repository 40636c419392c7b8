"""A function from ids to numbers: the contract between a task model and its export as ONNX."""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras_seq.export.signature import Field


@dataclasses.dataclass(frozen=True)
class IdFunction:
    """A function from ids to numbers, of one task model.

    Attributes:
        function: takes int32 tensors by name, `(batch, steps)`, and returns a dict of tensors.
        inputs: from names to `Field`s.
        outputs: likewise, all of what the function returns.
        examples: inputs of unequal shapes, by which what was written is compared with TensorFlow:
            a list of dicts of arrays.
        metadata: a dict of str that says what else there is to know to prepare the ids and to read
            the answer; lists as JSON.
    """

    function: Callable[..., dict[str, Any]]
    inputs: dict[str, Field]
    outputs: dict[str, Field]
    examples: list[dict[str, Any]]
    metadata: dict[str, str]
