"""A model that is read from a preset by its name, and written as one."""

import contextlib
import pathlib
import shutil
from typing import Any, Self

import keras

from keras_seq._checks import check_choice
from keras_seq._files import replacing
from keras_seq._presets import CARD, MODEL, STEPS
from keras_seq._typing import PathLike
from keras_seq.backend import alone
from keras_seq.models.base.compact import compact
from keras_seq.models.base.model_card import model_card
from keras_seq.models.base.reading import read_model
from keras_seq.models.base.stored_model import StoredModel


class PresetModel(StoredModel):
    """A model that a preset holds: a folder with `model.keras` and its card, `README.md`."""

    @classmethod
    def from_preset(
        cls, preset: PathLike, load_weights: bool = True, compile: bool = True, **overrides: Any
    ) -> Self:
        """Return the model of a preset, of any kind with `Task`, else of this class.

        A path that exists is taken first. A name is looked up in the folder that the environment
        variable `KERAS_SEQ_PRESETS` names, then among what comes with the package, then in
        `saved_models` of a checkout; `keras_seq.presets()` has all of them.

        Args:
            preset: a name, such as `"dates"`; the path of a folder with a `model.keras`, or of a
                `.keras` file; `"hf://USER/NAME"`, which is downloaded by huggingface_hub; or
                `"kaggle://USER/MODEL/FRAMEWORK/VARIATION"`, by kagglehub, if that is installed.
            load_weights: whether the model has the weights of the preset; else its first ones.
            compile: whether to compile it as it was saved; the optimiser begins anew.
            **overrides: arguments of the constructor in the place of those that were saved, such
                as `dropout=0.3`.

        Returns:
            The model.

        Raises:
            ValueError: for an unknown preset, a damaged file, a model of another class, an argument
                that its constructor lacks, weights that do not fit it then, and for what cannot be
                downloaded.
            ImportError: if it needs a library that is not installed.

        Example:
            >>> import keras_seq as ks
            >>> model = ks.models.Seq2Seq.from_preset("dates")
            >>> model.generate("le 27 septembre 2016")
            '2016-09-27'
        """
        model = read_model(preset, cls, compile)
        if load_weights and not overrides:
            return model
        return _made_anew(model, load_weights, overrides)

    def save_to_preset(self, preset_dir: PathLike, dtype: str | None = None) -> None:
        """Write the model as a preset: `model.keras`, and a card to fill in, `README.md`.

        A card that is there stays as it is; step graphs that are there, of the model before, are
        removed. The model is compiled when it is read again, with an optimiser that begins anew.
        Either file is there as a whole or not at all.

        Args:
            preset_dir: the folder, which is made where it is not there.
            dtype: `"float16"` for half as large a file: each weight is rounded to 11 bits and read
                again as what the model computes in. `None` keeps them as they are.

        Raises:
            ValueError: for another `dtype`, a weight too large for it, and a model that cannot be
                read again.
            OSError: if it cannot be written there.
        """
        check_choice("dtype", dtype, (None, "float16"))
        if "://" in str(preset_dir):
            raise ValueError(f"`preset_dir` must be a folder; received {preset_dir!r}.")
        alone(lambda: self._write_preset(pathlib.Path(preset_dir), dtype))

    def _write_preset(self, folder, dtype):
        with contextlib.ExitStack() as stack:
            card = None
            if not (folder / CARD).exists():
                card = stack.enter_context(replacing(folder / CARD))
            path = stack.enter_context(replacing(folder / MODEL))
            self.save(path)
            model = read_model(path, type(self), compile=False)
            if compiled := self.get_compile_config():
                model.compile_from_config(compiled)
            model.save(path)
            compact(path, dtype)
            if card is not None:
                size = path.stat().st_size
                card.write_text(model_card(self, folder.resolve().name, size, dtype), "utf-8")
            if (folder / STEPS / "manifest.json").is_file():  # of the model before
                shutil.rmtree(folder / STEPS)


def _made_anew(model, load_weights, overrides):
    """The model that the config of another one describes, with other arguments."""
    made = keras.saving.serialize_keras_object(model)
    if unknown := sorted({*overrides} - {*made["config"]}):
        raise ValueError(
            f"A {type(model).__name__} takes {', '.join(sorted(made['config']))}; received "
            f"{', '.join(unknown)}."
        )
    made["config"].update(overrides)
    made = keras.saving.deserialize_keras_object(made)
    if load_weights:
        try:
            made.set_weights(model.get_weights())
        except ValueError as error:
            changes = ", ".join(f"{name}={value!r}" for name, value in overrides.items())
            raise ValueError(
                f"With {changes} the model has weights of other shapes than the preset: leave "
                f"them with load_weights=False. {error}"
            ) from error
    return made
