"""Presets: trained models that have a name, and how a name, an address or a path leads to a file.

A preset is a folder with a `model.keras` and a model card, `README.md`; it may have step graphs in
`step`. No backend is imported.
"""

import difflib
import importlib
import json
import os
import pathlib
import re
import zipfile
from typing import Any

from keras_seq._typing import PathLike

VARIABLE = "KERAS_SEQ_PRESETS"
MODEL, CARD, STEPS = "model.keras", "README.md", "step"

_PACKAGE = pathlib.Path(__file__).parent
_NAME = re.compile(r"\w[\w.-]*")
_ADDRESS = re.compile(r"(hf|kaggle):/{1,2}(.+)")  # a `Path` keeps one of two slashes
# What is downloaded with, and the form of an address.
_HUBS = {
    "hf": ("huggingface_hub", "hf://USER/NAME", r"[^/]+/[^/]+"),
    "kaggle": ("kagglehub", "kaggle://USER/MODEL/FRAMEWORK/VARIATION", r"[^/]+(/[^/]+){3,4}"),
}


def presets() -> dict[str, dict[str, Any]]:
    """Return what is known by name: a dict from the name of each preset to a dict of

    - `kind`: the class of the model, such as `"Seq2Seq"`; `None` where the file is damaged,
    - `description`: the first paragraph of its card,
    - `size`: the bytes of the file,
    - `path`: the file.

    They are those in the folder that the environment variable `KERAS_SEQ_PRESETS` names, where it
    is set, then those that come with the package, then those in `saved_models` of a checkout. The
    first of one name counts.

    Raises:
        ValueError: if `KERAS_SEQ_PRESETS` names no folder.

    Example:
        >>> import keras_seq as ks
        >>> ks.presets()["dates"]["kind"]
        'Seq2Seq'
    """
    return {
        name: {
            "kind": _kind(path),
            "description": _description(path.with_name(CARD)),
            "size": path.stat().st_size,
            "path": str(path),
        }
        for name, path in _by_name().items()
    }


def preset_file(preset: PathLike) -> str:
    """Return the path of the model file that a user means.

    Args:
        preset: what there is in the file system, a `.keras` file or the folder of a preset; else
            the name of a preset, `"hf://USER/NAME"`, `"kaggle://USER/MODEL/FRAMEWORK/VARIATION"`,
            or any other path, which is returned as it is.

    Raises:
        ValueError: for an unknown name, a folder without a model, and for what cannot be
            downloaded.
        ImportError: for an address whose library is not installed.
    """
    text = os.fsdecode(os.fspath(preset))
    if os.path.isdir(text):
        path = os.path.join(text, MODEL)
        if not os.path.isfile(path):
            raise ValueError(
                f"{text} is a folder: expected a .keras file, or a folder with a {MODEL} in it."
            )
        return path
    if os.path.exists(text):
        return text
    if address := _ADDRESS.fullmatch(text):
        return _downloaded(*address.groups())
    if text.endswith(".keras") or not _NAME.fullmatch(text):
        return text
    known = _by_name()
    if text not in known:
        raise ValueError(f"There is no file {text}, and no preset of that name. {_listed(text)}")
    return str(known[text])


def _by_name():
    """From each name to the file of the preset."""
    places = [_PACKAGE / "saved_models"]
    if (_PACKAGE.parent / "pyproject.toml").is_file():  # a checkout
        places.append(_PACKAGE.parent / "saved_models")
    if folder := os.environ.get(VARIABLE):
        places.insert(0, pathlib.Path(folder))
        if not places[0].is_dir():
            raise ValueError(f"`{VARIABLE}` must name a folder; received {folder!r}.")
    files = [path for place in places for path in sorted(place.glob(f"*/{MODEL}"))]
    return dict(sorted({path.parent.name: path for path in reversed(files)}.items()))


def _listed(name):
    """A sentence with all names, those that are most like `name` first."""

    def likeness(other):
        return difflib.SequenceMatcher(None, name.lower(), other.lower()).ratio()

    names = sorted(sorted(_by_name()), key=likeness, reverse=True)
    known = f"The presets, the nearest first: {', '.join(names)}." if names else "There are none."
    return f"{known} `{VARIABLE}` may name a folder with others."


def _kind(path):
    """The class of the model in a file, or `None`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))["class_name"]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def _description(card):
    """The first paragraph of a card, in one line, behind the front matter and the headings."""
    try:
        text = card.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text)]
    words = [part for part in paragraphs if part and not part.startswith(("#", "|", "```"))]
    return " ".join(words[0].split()) if words else ""


def _downloaded(scheme, handle):
    """The file of a preset that a hub has, which its own library downloads and keeps."""
    library, form, pattern = _HUBS[scheme]
    address = f"{scheme}://{handle}"
    if not re.fullmatch(pattern, handle):
        raise ValueError(f"An address must be of the form {form}; received {address}.")
    try:
        hub = importlib.import_module(library)
    except ImportError as error:
        raise ImportError(f"{address} needs {library}: pip install {library} ({error}).") from error
    try:
        if scheme == "hf":
            return hub.hf_hub_download(repo_id=handle, filename=MODEL)
        return hub.model_download(handle, path=MODEL)
    except Exception as error:  # theirs, and those of what they download with
        reason = " ".join(str(error).split()) or repr(error)
        raise ValueError(f"{address} cannot be downloaded: {reason}") from error
