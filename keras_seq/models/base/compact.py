"""A `.keras` file made smaller: compressed, and its weights in half precision."""

import io
import zipfile

import h5py
import numpy as np

from keras_seq._typing import PathLike

WEIGHTS = "model.weights.h5"


def compact(path: PathLike, dtype: str | None = None) -> None:
    """Write a `.keras` file anew, compressed, which Keras reads as before.

    Args:
        path: the file.
        dtype: that of the weights in floats, such as `"float16"`; `None` leaves them as they are,
            as those of the optimiser are left in any case.

    Raises:
        ValueError: if a weight is too large for `dtype`.
    """
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if dtype is not None:
        parts[WEIGHTS] = _rounded(parts[WEIGHTS], dtype)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def _rounded(data, dtype):
    """The bytes of an HDF5 file with weights in another dtype."""
    written = io.BytesIO()
    with h5py.File(io.BytesIO(data)) as before, h5py.File(written, "w") as after:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                after.require_group(name).attrs.update(item.attrs)
            elif item.dtype not in ("float32", "float64") or name.startswith("optimizer/"):
                before.copy(item, after, name)
            else:
                after.create_dataset(name, data=_cast(item[()], dtype))

        before.visititems(copy)
    return written.getvalue()


def _cast(values, dtype):
    largest = np.finfo(dtype).max
    if np.any(np.isfinite(values) & (np.abs(values) > largest)):
        raise ValueError(
            f"`dtype` must be None for a model with a weight of {np.abs(values).max():g}; "
            f"received {dtype!r}, whose largest number is {largest:g}."
        )
    return values.astype(dtype)
