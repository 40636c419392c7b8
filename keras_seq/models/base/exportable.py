"""The way of a task model out of Keras."""

import inspect
import pathlib
from collections.abc import Sequence
from typing import Any

import keras

from keras_seq._checks import check_choice
from keras_seq._typing import Config, PathLike
from keras_seq.export.signature import Signature
from keras_seq.export.step_export import export_steps
from keras_seq.export.step_functions import StepFunctions
from keras_seq.export.task_export import export_task, specs_of

# By its name: it reads models of every kind, and runs in another process.
WRITE = "keras_seq.models.base.exporting:write_export"
WRITE_STEPS = "keras_seq.models.base.exporting:write_steps"


class Exportable:
    """What a task model needs to be exported; it stands before `keras.Model` among the bases.

    A model offers `make_signatures`, and `make_id_function` where it has one; nothing else is known
    of it.
    """

    def export(
        self,
        filepath: PathLike,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        version: int | str = "next",
        custom_modules: Sequence[str] = (),
        batching: bool | Config = False,
        signature: str | None = None,
        **options: Any,
    ) -> pathlib.Path:
        """Write the model, strings in and strings out, for TF Serving; or its ids for ONNX.

        It may have been trained on any backend: the export is made by TensorFlow, in a process of
        its own. A version folder is there as a whole or not at all.

        Args:
            filepath: the folder of all versions, such as `"saved_models/dates"`, or a file that
                ends in `.onnx`.
            format: `"tf_saved_model"`, or `"onnx"` (classifiers and taggers, from ids).
            verbose: `False` for no report of what was written.
            input_signature: a dict of specs of the ids that `call` takes, each with `shape` and
                `dtype` (such as `keras.InputSpec`): then there is a signature `"call"` too, from
                these ids to what `call` returns.
            version: the number of the version, or `"next"`.
            custom_modules: names of modules to import before the model can be loaded. Those of its
                own layers, cells, scores and samplers are found without.
            batching: a dict of the arguments of `export.write_batching`, or `True`: writes
                `batching_params.pbtxt` beside the versions.
            signature: with `"onnx"`: `"step"` (translators and language models) or `"stream"`
                (taggers and classifiers that read from the left) for a folder of graphs that make
                one step each, which `export.load_step` reads.
            **options: those of `make_signatures` of the model, such as `sampler`, `max_length`,
                `n_best` and `examples`; with a `signature` those of `make_steps`, which has
                `inspect` besides.

        Returns:
            The path of what was written, a `pathlib.Path`.

        Raises:
            ValueError: for an unknown format or option, a version that exists, a path that cannot
                be written to, a model without weights, something of its own that was defined in the
                script itself, an operation that TF Serving lacks, what ONNX cannot hold, and for
                steps of a model that reads from both sides or has none.
        """
        if signature is not None:
            unsuited = {"input_signature": input_signature, "batching": batching}
            unsuited["version"] = version if version != "next" else None
            check_signature(self, signature, format, unsuited)
            check_options(self.make_steps, options)
            options = self.served_options(options)
            self._check_steps(**options)
            task = {"options": keras.saving.serialize_keras_object(options)}
            return export_steps(self, WRITE_STEPS, filepath, custom_modules, task, verbose)
        check_options(self.make_signatures, options)
        options = self.served_options(options)
        # Whatever is wrong with the model or the options is said before all else.
        if format == "onnx":
            check_id_function(self, {"input_signature": input_signature, "batching": batching})
        else:
            self.make_signatures(**options)
        task = {
            "options": keras.saving.serialize_keras_object(options),
            "call": None if input_signature is None else specs_of(input_signature),
            "batching": {} if batching is True else batching,
        }
        return export_task(self, WRITE, filepath, format, version, custom_modules, task, verbose)

    def make_signatures(self, **options: Any) -> list[Signature]:
        """Return what the model answers when it is served: a list of `export.Signature`s.

        It runs when TensorFlow is the backend. A subclass with an `export` defines it; the options
        come from there, and must be ready for Keras's serialisation.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define make_signatures() to be exported."
        )

    def make_id_function(self):
        """Return what the model computes of ids, an `export.IdFunction`, for an export as ONNX.

        A subclass defines it where that is all that it does.

        Raises:
            ValueError: here, and where it is not.
        """
        raise ValueError(
            f"A {type(self).__name__} cannot be exported as ONNX, as a TextClassifier or a "
            "TextTagger can: it has no make_id_function(). What writes until an end token, with a "
            "search over its own answers, is no function of ids alone: export it as a SavedModel, "
            "format='tf_saved_model', which holds the search and the tokenizers, or step by step, "
            "signature='step'."
        )

    step_signature = None  # what `export` calls the steps of such a model, where it has any

    def make_steps(self, **options: Any) -> StepFunctions:
        """Return what the model computes step by step, for an export as step graphs.

        It runs when TensorFlow is the backend; the options come from `export`. A subclass with a
        `step_signature` defines it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define make_steps() to have any.")

    def _check_steps(self, **options: Any) -> None:
        """Raise a `ValueError` for options of `make_steps` that make no sense, and no steps."""

    def served_options(self, options):
        """Return the options of `make_signatures` as a model knows them that was just loaded."""
        return options

    def serving_resources(self):
        """Return the TensorFlow objects that the signatures use: here those of the tokenizers."""
        return {
            name.strip("_"): value.resources()
            for owner in (self, self.preprocessor)
            for name, value in vars(owner).items()
            if hasattr(value, "resources")
        }


def check_options(method, options):
    """Raise a `ValueError` for options of an export that the method of a model does not take."""
    known = list(inspect.signature(method).parameters)
    if unknown := sorted({*options} - {*known}):
        raise ValueError(
            f"The export of a {type(method.__self__).__name__} takes {', '.join(known)}; received "
            f"{', '.join(unknown)}."
        )


def check_signature(model, signature, format, unsuited):
    """Raise a `ValueError` unless steps of a model can be exported so."""
    known = model.step_signature
    if known is None:
        raise ValueError(
            f"A {type(model).__name__} has no steps to export; received signature={signature!r}."
        )
    check_choice("signature", signature, (known,))
    if format != "onnx":
        raise ValueError(
            f"`signature={signature!r}` goes with format='onnx' (`--format onnx`); received "
            f"format={format!r}."
        )
    if given := [name for name, value in unsuited.items() if value]:
        raise ValueError(f"`{given[0]}` is for a SavedModel, format='tf_saved_model'.")


def check_id_function(model, others):
    """Raise a `ValueError` for a model that cannot be exported as ONNX, or so."""
    model.make_id_function()
    if unsuited := [name for name, value in others.items() if value]:
        raise ValueError(
            f"`{unsuited[0]}` is for a SavedModel, format='tf_saved_model'; an ONNX file takes the "
            "ids that `call` takes, and has no server."
        )
    if model.compute_dtype != "float32":
        raise ValueError(
            f"Only models that compute in float32 can be exported as ONNX; the dtype policy of "
            f"this one is {model.dtype_policy.name}: make it anew with dtype='float32', and give "
            "it the weights by `set_weights(model.get_weights())`."
        )
