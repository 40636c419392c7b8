"""What a worker of an engine does: it loads a model once, and answers batches of texts."""

import os
import pathlib

from keras_seq._presets import preset_file
from keras_seq.export.served import find_version
from keras_seq.export.step_model import MANIFEST

PART = 20  # batches of texts that a worker gets at once, and sorts by length


def locate(model):
    """Return `(kind, place)` of a model, as `load` takes it, whatever the folder of a worker.

    The kind is `"saved_model"`, `"steps"` or `"keras"`. The name of a preset stays one.

    Raises:
        ValueError: for a model that is not there.
    """
    path = pathlib.Path(model)
    if (path / MANIFEST).is_file():
        return "steps", str(path.absolute())
    if path.is_dir() and _has_versions(path):
        return "saved_model", str(path.absolute())
    file = preset_file(model)
    if not os.path.isfile(file):
        raise ValueError(f"There is no model {model}.")
    return "keras", str(path.absolute()) if path.exists() else str(model)


def load(kind, place, options):
    """Return the function from a list of texts to the list of their answers.

    Args:
        kind, place: see `locate`.
        options: a dict of the options of `generate`, with `batch_size`.

    Raises:
        ValueError: for a model that writes no text, options that it does not know, and a sampler
            that draws.
    """
    if kind == "saved_model":
        return _load_served(place, **options)
    if kind == "steps":
        from keras_seq.export import load_step

        model = load_step(place)
        _check_writes(place, model)
        draws = (options.get("sampler") or model.manifest["sampler"]["name"]) == "random"
    else:
        from keras_seq.models import load_model

        model = load_model(place)
        _check_writes(place, model)
        draws = "seed" in model.chosen_sampler(options.get("sampler")).get_config()
    _check_certain(place, draws)
    return lambda texts: model.generate(texts, **options)


def _load_served(place, batch_size, **options):
    """What answers by a SavedModel: batches of its signature, of texts of similar length."""
    from keras_seq.export import load as load_saved_model

    if options:
        raise ValueError(
            f"{place} is a SavedModel, which searches as it was exported; received "
            f"{', '.join(options)}."
        )
    served = load_saved_model(place)
    if "outputs" not in served.signatures["serving_default"]["outputs"]:
        raise ValueError(f"{place} must be a model that writes texts; it has no output `outputs`.")
    _check_certain(place, "Random(" in served.about.get("options", {}).get("sampler", ""))

    # Translators that were exported by the first versions translate blank texts too.
    translates = served.about.get("model") == "Seq2Seq"

    def answer(texts):
        answers = [""] * len(texts)
        rows = [i for i, text in enumerate(texts) if text.strip() or not translates]
        order = sorted(rows, key=lambda i: len(texts[i]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            outputs = served([texts[i] for i in rows])["outputs"]
            for i, output in zip(rows, outputs, strict=True):
                answers[i] = output
        return answers

    return answer


def _has_versions(path):
    try:
        return find_version(path).is_dir()
    except ValueError:
        return False


def _check_writes(place, model):
    if not hasattr(model, "generate"):
        raise ValueError(
            f"{place} must be a model that writes texts; it holds a {type(model).__name__}."
        )


def _check_certain(place, draws):
    if draws:
        raise ValueError(
            f"{place} must be searched by a sampler that does not draw, such as 'greedy' or "
            "'beam': an engine forms other batches each time, whose noise would differ."
        )
