"""The command that exports a model."""

from keras_seq.cli import options
from keras_seq.cli.search import Search, written


def export(
    model: options.ModelFile,
    path: options.ExportPath,
    format: options.ExportFormatOption = options.ExportFormat.tf_saved_model,
    version: options.Version = None,
    example: options.Examples = None,
    batching: options.Batching = False,
    custom_module: options.CustomModules = None,
    max_length: options.WrittenLength = None,
    stop_token: options.StopTokens = None,
    sampler: options.SamplerName = None,
    width: options.Width = None,
    length_penalty: options.LengthPenalty = None,
    coverage_penalty: options.CoveragePenalty = None,
    n_best: options.NBest = None,
    min_length: options.MinLength = None,
    no_repeat_ngram: options.NoRepeatNgram = None,
    temperature: options.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    seed: options.SearchSeed = None,
):
    """Write a model for TF Serving, strings in and strings out; or its ids as an ONNX file.

    PATH is the folder of all versions, such as saved_models/dates; the new version is a folder in
    it, there as a whole or not at all. PATH/<version>/signature.json says what can be asked, and
    how.
    """
    given = locals()
    from keras_seq.export.custom_modules import import_modules
    from keras_seq.models import load_model

    modules = custom_module or []
    import_modules(modules)
    loaded = load_model(model)
    loaded.export(
        path,
        format=format.value,
        version="next" if version is None else version,
        batching=batching,
        custom_modules=modules,
        **_asked(loaded, given),
    )


def _asked(model, given):
    """The options of `Task.export` that were given."""
    found = written(given) | ({"examples": given["example"]} if given["example"] else {})
    asked = [name for name in ("sampler", *Search.NAMES) if given.get(name) is not None]
    if asked and not hasattr(model, "sampler"):
        raise ValueError(
            f"--{asked[0].replace('_', '-')} is for a model that writes text; received a "
            f"{type(model).__name__}."
        )
    return {**found, "sampler": Search(model, given).sampler} if asked else found
