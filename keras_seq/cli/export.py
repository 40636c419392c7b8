"""The command that exports a model."""

from pathlib import Path

from keras_seq.cli import options
from keras_seq.cli.options import EXPORT, REQUIRED, Option, takes
from keras_seq.cli.search import Search, written


@takes(
    options.MODEL_FILE,
    Option(
        "path",
        "The folder of all versions, an .onnx file, or a folder of step graphs.",
        Path,
        REQUIRED,
        flag="",
    ),
    Option("format", "What to write.", ("tf_saved_model", "onnx"), "tf_saved_model", EXPORT),
    Option(
        "signature",
        "With --format onnx: a folder of graphs of one step each, of what writes or of what reads.",
        ("step", "stream"),
        panel=EXPORT,
    ),
    Option("inspect", "With --signature: a step shows gates too.", bool, False, EXPORT),
    Option("version", "Number of the version; the next one if not set.", int, panel=EXPORT),
    Option(
        "example",
        "A text for the warm-up and for signature.json; any number.",
        list[str],
        panel=EXPORT,
    ),
    Option("batching", "Write batching_params.pbtxt too.", bool, False, EXPORT),
    Option(
        "custom_module",
        "A module to import before the model is loaded; any number.",
        list[str],
        panel=EXPORT,
    ),
    *options.WRITTEN,
    *options.search("max_nodes"),
)
def export(args):
    """Write a model for TF Serving, strings in and strings out; or its ids as an ONNX file.

    PATH is the folder of all versions, such as saved_models/dates; the new version is a folder in
    it, there as a whole or not at all. PATH/<version>/signature.json says what can be asked, and
    how.
    """
    from keras_seq.export.custom_modules import import_modules
    from keras_seq.models import load_model

    modules = args.custom_module or []
    import_modules(modules)
    loaded = load_model(args.model)
    loaded.export(
        args.path,
        format=args.format,
        version="next" if args.version is None else args.version,
        batching=args.batching,
        custom_modules=modules,
        signature=args.signature,
        **({"inspect": True} if args.inspect else {}),
        **_asked(loaded, vars(args)),
    )


def _asked(model, args):
    """The options of `Task.export` that were given."""
    chosen = written(args) | ({"examples": args["example"]} if args["example"] else {})
    asked = [name for name in ("sampler", *Search.NAMES) if args.get(name) is not None]
    if asked and not hasattr(model, "sampler"):
        raise ValueError(
            f"--{asked[0].replace('_', '-')} is for a model that writes text; received a "
            f"{type(model).__name__}."
        )
    return {**chosen, "sampler": Search(model, args).sampler} if asked else chosen
