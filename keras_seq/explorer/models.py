"""The models beside the page: folders of step graphs, by name."""

import json
import pathlib

from keras_seq._presets import preset_file, presets
from keras_seq.export.step_model import MANIFEST, read_manifest

STEPS = "step"  # the folder beside the file of a preset
SHOWN = ("Seq2Seq", "LanguageModel", "TextTagger", "TextClassifier")
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
        folder = step_folder(model, pathlib.Path(scratch) / str(len(named)))
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


def check_kind(model, kind=None):
    """Raise a `ValueError` unless the page has a view for a model.

    Args:
        model: the model, or its path or name, of which nothing is said as long as its kind is not
            known.
        kind: the name of its class, where that is known.
    """
    known = isinstance(model, (str, pathlib.PurePath))
    kind = kind or (None if known else type(model).__name__)
    if kind not in (None, *SHOWN):
        holds = f"{model} holds a {kind}" if known else f"this is a {kind}"
        raise ValueError(
            f"The page shows translators, language models, taggers and classifiers; {holds}."
        )


def index_of(folders):
    """Return what `models/index.json` says of them, bytes."""
    about = [{"name": name, "kind": read_manifest(path)["kind"]} for name, path in folders.items()]
    return json.dumps(about, ensure_ascii=False).encode()


def files_of(folder):
    """Return the names of the files of step graphs in a folder, and of no others."""
    graphs = read_manifest(folder)["graphs"].values()
    return [MANIFEST, *(pathlib.Path(graph["file"]).name for graph in graphs)]


def step_folder(model, place):
    """Return the folder of step graphs of a model, which is made at `place` if there is none yet.

    Args:
        model: a task model, the path of a model file or of such a folder, or the name of a preset.
        place: a path where nothing is.

    Raises:
        ValueError: for a model that the page does not show, and one that cannot be read.
    """
    if not isinstance(model, (str, pathlib.PurePath)):
        check_kind(model)
        return _exported(model, place)
    file = pathlib.Path(model)
    if not _has_steps(file):
        file = pathlib.Path(preset_file(model))
        if not _has_steps(file.with_name(STEPS)):
            from keras_seq.models import load_model

            loaded = load_model(file)
            check_kind(model, type(loaded).__name__)
            return _exported(loaded, place)
        file = file.with_name(STEPS)
    check_kind(model, read_manifest(file)["kind"])
    return file


def _exported(model, place):
    return model.export(place, format="onnx", signature=model.step_signature, verbose=False)
