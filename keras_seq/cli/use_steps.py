"""The commands that use a model, with a folder of step graphs: no Keras, no backend."""

import importlib.util
import os
import pathlib

from keras_seq._presets import STEPS, preset_file
from keras_seq.cli.quick_start import named_backend
from keras_seq.cli.search import Search, written

MANIFEST = "manifest.json"


def step_folder(model, sampler=None):
    """Return the folder of the step graphs that a user means, or `None`.

    Args:
        model: a path; or the name of a preset that has step graphs beside its file, which answer
            where no backend is named and onnxruntime is installed.
        sampler: the name of a sampler; those of a preset do not answer where they lack it.
    """
    path = pathlib.Path(model)
    if (path / MANIFEST).is_file():
        return path
    if (
        _is_backend_chosen()
        or sampler == "exhaustive"
        or path.is_file()
        or importlib.util.find_spec("onnxruntime") is None
    ):
        return None
    folder = pathlib.Path(preset_file(model)).with_name(STEPS)
    return folder if (folder / MANIFEST).is_file() else None


def _is_backend_chosen():
    """Whether a user wants a backend: Keras writes TensorFlow into its file by itself."""
    return "KERAS_BACKEND" in os.environ or named_backend() not in (None, "tensorflow")


class StepSearch(Search):
    """The search of step graphs, whose sampler is a name."""

    def _sampler(self, name):
        return name

    def _generate(self, texts, more, **how):
        options = dict(self.options)
        manifest = self.model.manifest["sampler"]
        if more and (self.sampler or manifest["name"]) == "random":
            first = manifest["config"].get("seed", 0) if self.sampler in (None, "random") else 0
            options["seed"] = options.get("seed", first) + more
        how |= self.how
        return self.model.generate(texts, sampler=self.sampler, **how, **options)


def translate_steps(model, args):
    """Return what answers lines; see `use`."""
    how = {**written(args), "replace_unknown": args["replace_unknown"]}
    return StepSearch(model, args, **how).lines


def continue_steps(model, args):
    """Return what goes on with --prompt, or with lines; see `use`."""
    return StepSearch(model, args, **written(args)).continuations(args)
