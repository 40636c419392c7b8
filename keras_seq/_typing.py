"""Types that many signatures share."""

import os
from typing import TYPE_CHECKING, Any, TypeAlias

Tensor: TypeAlias = Any  # of the backend that runs, or what it makes one of
Nest: TypeAlias = Any  # lists, tuples and dicts of tensors, as `keras.tree` knows them
PathLike: TypeAlias = str | os.PathLike[str]

if TYPE_CHECKING:
    from matplotlib.figure import Figure
else:  # Matplotlib is for those who draw
    Figure = Any
