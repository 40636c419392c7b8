"""A function of a served model: the contract between a task model and its export."""

import dataclasses
from collections.abc import Callable
from typing import Any

# A batch of REST or of merged requests must be told from bytes, which JSON marks by this ending.
BYTES = "_bytes"


@dataclasses.dataclass(frozen=True)
class Field:
    """One input or output of a signature: a tensor with the batch as its first axis.

    Attributes:
        dtype: `"string"`, `"int32"` or `"float32"`.
        about: what it is, for people, with its unit.
        shape: the sizes behind the batch, `None` where one varies from batch to batch.
    """

    dtype: str
    about: str
    shape: tuple[int | None, ...] = ()


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function of a served model, as a task model offers it.

    The function is traced by TensorFlow: it takes tensors by name, each `(batch, ...)`, and returns
    a dict of tensors, batch first. Any batch of one row or more must do (an empty one is answered
    without it), and a row must get the same answer in any batch: a server puts the requests of
    strangers together.

    Attributes:
        name: what a request calls it; `"serving_default"` where it says nothing.
        about: what it does, one sentence.
        function: see above.
        inputs: from names to `Field`s.
        outputs: likewise; no name ends in `_bytes`, which JSON clients take for base64.
        example: a request that shows what goes in, and warms the server up: from the name of each
            input to the list of the values of as many rows.

    Raises:
        ValueError: for an output that ends in `_bytes`, an example of other inputs, and rows of
            unequal number.
    """

    name: str
    about: str
    function: Callable[..., dict[str, Any]]
    inputs: dict[str, Field]
    outputs: dict[str, Field]
    example: dict[str, list]

    def __post_init__(self):
        wrong = [name for name in self.outputs if name.endswith(BYTES)]
        if wrong:
            raise ValueError(
                f"No output may end in {BYTES}, which JSON clients take for base64; the signature "
                f"{self.name} has {', '.join(wrong)}."
            )
        if set(self.example) != set(self.inputs):
            raise ValueError(
                f"The example of the signature {self.name} must have the inputs "
                f"{', '.join(self.inputs)}; it has {', '.join(self.example) or 'none'}."
            )
        counts = {len(rows) for rows in self.example.values()}
        if len(counts) != 1 or 0 in counts:
            raise ValueError(
                f"The example of the signature {self.name} must have a row for each input, and as "
                f"many for one as for the other; it has {sorted(counts)}."
            )
