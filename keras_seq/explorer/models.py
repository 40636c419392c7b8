"""The models beside the page: folders of step graphs, by name."""

import json
import pathlib

from keras_seq._presets import preset_file, presets
from keras_seq.export.step_model import MANIFEST, read_manifest

STEPS = "step"  # the folder beside the file of a preset
SHOWN = ("Seq2Seq", "LanguageModel")
STATIC = pathlib.Path(__file__).parent / "static"  # the built page


def step_folders(models, scratch):
    """Return the folders of step graphs that the page shows, a dict by name.

    Args:
        models: paths of such folders and of model files, and names of presets. Behind them stand
            the models that the page comes with: its own, and presets that have step graphs.
        scratch: an empty folder, where those of model files are written.

    Raises:
        ValueError: for a model that the page does not show, and one that cannot be read.
    """
    named = {}
    for model in models:
        folder = _folder(model, pathlib.Path(scratch) / str(len(named)))
        kind = read_manifest(folder)["kind"]
        _check(model, kind)
        name = pathlib.Path(model).resolve().stem
        taken = sum(other.split(" ")[0] == name for other in named)
        named[f"{name} {taken + 1}" if taken else name] = folder
    return named | {name: path for name, path in _shipped() if name not in named}


def _shipped():
    """The models that the page comes with, names and folders."""
    files = [pathlib.Path(about["path"]) for about in presets().values()]
    beside = [(file.parent.name, file.with_name(STEPS)) for file in files]
    own = [(path.name, path) for path in sorted((STATIC / "models").glob("*"))]
    return [(name, path) for name, path in [*own, *beside] if _has_steps(path)]


def _has_steps(folder):
    return (pathlib.Path(folder) / MANIFEST).is_file()


def _check(model, kind):
    if kind not in SHOWN:
        raise ValueError(f"The page shows translators and language models; {model} holds a {kind}.")


def index_of(folders):
    """Return what `models/index.json` says of them, bytes."""
    about = [{"name": name, "kind": read_manifest(path)["kind"]} for name, path in folders.items()]
    return json.dumps(about, ensure_ascii=False).encode()


def files_of(folder):
    """Return the names of the files in a folder of step graphs, and of no others."""
    graphs = read_manifest(folder)["graphs"].values()
    return [MANIFEST, *(pathlib.Path(graph["file"]).name for graph in graphs)]


def _folder(model, place):
    """The folder of step graphs that a path or a name means; that of a file is made at `place`."""
    if _has_steps(model):
        return pathlib.Path(model)
    file = pathlib.Path(preset_file(model))
    if _has_steps(file.with_name(STEPS)):
        return file.with_name(STEPS)
    from keras_seq.models import load_model

    loaded = load_model(file)
    _check(model, type(loaded).__name__)
    return loaded.export(place, format="onnx", signature=loaded.step_signature, verbose=False)
