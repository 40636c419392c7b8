"""The file of `Checkpoint`: a JSON header and arrays, written whole or not at all."""

import hashlib
import json
import os
import re
import zipfile
import zlib

import numpy as np

from keras_seq._files import replacing

OFF = ("null", "false", "0", "0.0")  # what an option is that does nothing
FORMAT = "keras_seq training state 1"


def write_state(path, header, arrays):
    """Write `header`, a JSON-able dict, and the list `arrays` to `path` in one step.

    The file is written beside its place and then renamed: whoever is killed meanwhile leaves what
    was there before.
    """
    named = {str(i): array for i, array in enumerate(arrays)}
    text = json.dumps({"format": FORMAT, "arrays": len(arrays), **header})
    with replacing(path) as beside, open(beside, "wb") as file:
        np.savez(file, header=np.frombuffer(text.encode(), "uint8"), **named)
        file.flush()
        os.fsync(file.fileno())


def read_state(path):
    """Return `(header, arrays)` of a file that `write_state` wrote.

    Raises:
        ValueError: if it is anything else, or damaged.
    """
    wrong = f"{path} is not the state of a training, or it is damaged"
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes())
            if header["format"] != FORMAT:
                raise ValueError(f"its format is {header['format']!r}, expected {FORMAT!r}")
            return header, [file[str(i)] for i in range(header["arrays"])]
    # NumPy reads what is no zip archive as one array, which has no items by name.
    except (ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{wrong}: {error}.") from error


def flatten(value, path):
    """Return a nest of JSON values as a dict from the path of each leaf to its text.

    Long leaves, such as vocabularies, become a digest. The numbers that Keras puts behind names
    (`seq2_seq_1`) say only how many there were before, and are left out.

    >>> flatten({"cell": {"units": 8, "name": "gru_3"}, "sizes": [1, 2]}, "model")
    {'model.cell.units': '8', 'model.cell.name': '"gru"', 'model.sizes': '[1, 2]'}
    """
    if isinstance(value, dict):
        items = [(f"{path}.{key}", item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)) and any(isinstance(x, (dict, list)) for x in value):
        items = [(f"{path}[{i}]", item) for i, item in enumerate(value)]
    else:
        text = json.dumps(value, ensure_ascii=False)
        if path.endswith(".name"):
            text = re.sub(r'_\d+"$', '"', text)
        if len(text) > 60:
            text = f"{text[:20]}... (sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]})"
        return {path: text}
    return {leaf: text for key, item in items for leaf, text in flatten(item, key).items()}


def differences(old, new):
    """Say in words where two dicts of texts differ; the empty list where they are equal.

    An option that is off, and that there was none of when the old dict was written, is no
    difference.
    """
    new = {key: text for key, text in new.items() if key in old or text not in OFF}
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return [f"{key} was {old.get(key, 'absent')}, is {new.get(key, 'absent')}" for key in changed]
