"""The view of one model in a notebook, from the same sources as the page."""

import base64
import functools
import importlib.util
import pathlib
import tempfile
import warnings

from keras_seq._typing import Figure, PathLike
from keras_seq.explorer.models import STATIC, check_kind, files_of, step_folder
from keras_seq.export.step_model import read_manifest
from keras_seq.export.step_reader import load_step

MODULE = "widget.js"  # in STATIC, which `make explorer` builds
RUNTIME = "runtime.wasm"  # what the module calls the runtime of ONNX models


def explore(model: object | PathLike, text: str) -> object | Figure:
    """Show in a notebook how a model answers a text, to type in and to look inside.

    The view of the explorer for such a model: a translator with its search and where it looks, a
    language model with its units and what it expects, a tagger or a classifier word by word. It is
    a widget of `anywidget` (`pip install 'keras_seq[onnx,widget]'`), which is made for Jupyter, VS
    Code, Colab and others. The model computes in the browser, as step graphs (`export.load_step`)
    that come from the kernel: nothing is asked of a server, and nothing of the model is kept in the
    notebook but a picture. That is what a page shows which was made of the notebook.

    Args:
        model: a `Seq2Seq`, a `LanguageModel`, or a `TextTagger` or `TextClassifier` that reads from
            the left, which is exported first (with TensorFlow, in some ten seconds); or the path of
            a model file or of a folder of step graphs, or the name of a preset.
        text: what is read first.

    Returns:
        The widget; or, where what it needs is not installed, with a warning, a
        `matplotlib.figure.Figure`: where the translator looks, how probable tags or classes are, or
        the unit of the language model that changes most.

    Raises:
        ValueError: for another kind of model, one that has no steps, and a text without words.
        ImportError: where neither anywidget nor matplotlib is installed; says what to install.

    Example:

    ```python
    keras_seq.analysis.explore("dates", "27 September 2016")
    ```
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"`text` must be a str with more than white space; received {text!r}.")
    check_kind(model)
    from keras_seq.explorer.figure import figure_of  # it imports Keras

    missing = _missing(model)
    if missing and not isinstance(model, (str, pathlib.PurePath)):
        warnings.warn(missing, stacklevel=2)
        return figure_of(model, type(model).__name__, text)
    with tempfile.TemporaryDirectory() as scratch:
        folder = step_folder(model, pathlib.Path(scratch) / "steps")
        kind, reader = read_manifest(folder)["kind"], load_step(folder)
        if missing:
            warnings.warn(missing, stacklevel=2)
            return figure_of(reader, kind, text)
        files = {name: (folder / name).read_bytes() for name in files_of(folder)}
    name = pathlib.Path(model).stem if isinstance(model, (str, pathlib.PurePath)) else kind
    picture = _picture(lambda: figure_of(reader, kind, text))
    return widget_class()(name, kind, files, text, picture)


def _missing(model):
    """Why there is no widget of a model, a sentence; "" where there is one."""
    if not (STATIC / MODULE).is_file():
        return "This is a figure: the widget is not built; `make explorer` does it, with Node 20."
    is_there = isinstance(model, (str, pathlib.PurePath))
    needed = ["anywidget", "onnxruntime", *(() if is_there else ("tf2onnx",))]
    if any(importlib.util.find_spec(name) is None for name in needed):
        return "This is a figure: pip install 'keras_seq[onnx,widget]' shows the model at work."
    return ""


def _picture(draw):
    """A figure as an address of data, "" without matplotlib."""
    try:
        png = draw()._repr_png_()
    except ImportError:
        return ""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


@functools.cache
def widget_class():
    """The class of the widgets; it is made where anywidget is there."""
    import anywidget
    import traitlets

    class Explorer(anywidget.AnyWidget):
        """The view of one model.

        Args:
            name: what the model is called.
            kind: the name of its class.
            files: the bytes of its step graphs, a dict by name; sent when the view asks.
            text: what is read first.
            picture: a figure as an address of data, or "".
        """

        _esm = (STATIC / MODULE).read_text("utf-8")
        about = traitlets.Dict(help="The name and the kind of the model.").tag(sync=True)
        files = traitlets.List(help="The names of its files.").tag(sync=True)
        settings = traitlets.Dict(help="What the view begins with.").tag(sync=True)
        figure = traitlets.Unicode(help="A picture, until the model answers.").tag(sync=True)

        def __init__(self, name, kind, files, text, picture):
            self._bytes = files
            super().__init__(
                about={"name": name, "kind": kind},
                files=[*files],
                settings={"text": text, "split": False},
                figure=picture,
            )
            self.on_msg(self._send_file)

        def _send_file(self, _, content, buffers):
            """Answer the view, which asks for a file by its name."""
            del buffers
            name = content.get("file")
            if name == RUNTIME:
                (runtime,) = (STATIC / "assets").glob("*.wasm")
                self.send({"file": name}, [runtime.read_bytes()])
            elif name in self._bytes:
                self.send({"file": name}, [self._bytes[name]])

        def _repr_mimebundle_(self, **kwargs):
            """What a notebook keeps: the widget, and the picture for where it cannot run."""
            made = super()._repr_mimebundle_(**kwargs)
            data, *about = made if isinstance(made, tuple) else (made,)
            if self.figure and data:
                data = {**data, "image/png": self.figure.partition(",")[2]}
            return (data, *about) if about else data

    return Explorer
