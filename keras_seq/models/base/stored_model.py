"""A model in a file: as a whole or not at all, with what is frozen and what is quantised."""

import pathlib
import re

import keras

from keras_seq._files import check_place, replacing
from keras_seq.backend import alone
from keras_seq.models.base.measured_model import MeasuredModel


class StoredModel(MeasuredModel):
    """A model whose config says which of its weights are frozen, and which layers are quantised.

    The layers of a model are made anew from its config, and Keras keeps `trainable` of the whole
    alone: a frozen embedding would be trained on, and the optimiser's state would not fit. A model
    made of the config of a quantised one has the variables that the file brings.
    """

    def quantize(self, mode=None, config=None, filters=None, **kwargs):
        """Quantise embeddings and dense layers; the arguments are those of `keras.Model.quantize`.

        The recurrent layers have no quantised form and stay as they are. The model still
        classifies, tags, writes and is saved; only what is left in floats can be trained.
        """
        chosen = filters
        if filters is None or callable(filters) or isinstance(filters, (str, list, tuple)):

            def chosen(layer):  # Keras takes no layer that a model has, but does not use
                return layer.built and _matches(layer, filters)

        super().quantize(mode, config=config, filters=chosen, **kwargs)

    def get_config(self):
        config = super().get_config()
        layers = enumerate(self._flatten_layers(include_self=False))
        quantized = [(place, layer) for place, layer in layers if _is_quantized(layer)]
        if quantized:
            config["quantized_layers"] = [
                {
                    "place": place,
                    "mode": layer.quantization_mode,
                    "config": keras.saving.serialize_keras_object(layer.quantization_config),
                }
                for place, layer in quantized
            ]
        if any("int8" in weight.dtype for weight in self.weights):  # others than are made
            return config
        frozen = [
            i
            for i, weight in enumerate(self._lasting_weights())
            if not weight.trainable and "float" in weight.dtype  # no counter of steps
        ]
        # Of a model that is frozen as a whole, `trainable` says it.
        return {**config, "frozen_weights": frozen} if frozen and self.trainable else config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        frozen = config.pop("frozen_weights", ())
        quantized = config.pop("quantized_layers", ())
        model = super().from_config(config, custom_objects)
        layers = list(model._flatten_layers(include_self=False))
        for entry in quantized:
            layer = layers[entry["place"]]
            if layer.quantization_mode is None:  # its dtype policy may have said so already
                how = keras.saving.deserialize_keras_object(entry["config"])
                mode = entry["mode"] if how is None else None
                model.quantize(mode, config=how, filters=lambda x, layer=layer: x is layer)
        weights = model._lasting_weights()
        for i in frozen:
            weights[i].trainable = False
        return model

    def _lasting_weights(self):
        """The weights that a file holds, in the order in which they are made.

        Low-rank adapters are none: a file has them in the matrix that they adapt.
        """
        passing = {id(variable) for variable in self.passing_variables()}
        weights = [weight for weight in self.weights if id(weight) not in passing]
        return [weight for weight in weights if not weight.name.startswith("lora_")]

    def passing_variables(self):
        """Return the variables that no epoch begins with: nothing saves them."""
        return []

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Save everything, tokenizers included, as `keras.Model.save` does.

        The file is written beside its place and then renamed, so that a broken-off save leaves
        what was there before.

        Args:
            filepath: a path that ends in `.keras`; its folder is made where it is not there.
            overwrite: whether an existing file is replaced; otherwise it is a `ValueError`.
            zipped: `True` or `None`, as in `keras.Model.save`: a task model is one file.
            **kwargs: likewise.
        """
        path = pathlib.Path(filepath)
        if zipped is False:
            raise ValueError(
                "A task model is saved as one file, zipped; received zipped=False. For a folder "
                "there is keras.saving.save_model(model, folder, zipped=False)."
            )
        if path.suffix != ".keras":
            raise ValueError(f"The file must end in .keras; received {filepath}.")
        if path.exists() and not overwrite:
            raise ValueError(f"{path} exists already, and overwrite is False.")
        with self.reading(), replacing(path) as beside:
            save = super().save  # which makes an optimizer, to ask for its attributes
            alone(lambda: save(beside, zipped=zipped, **kwargs))

    def save_weights(self, filepath, *args, **kwargs):
        """As `keras.Model.save_weights`, in a folder that is made where it is not there."""
        check_place(filepath)
        pathlib.Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        save = super().save_weights
        alone(lambda: save(filepath, *args, **kwargs))


def _is_quantized(layer):
    return layer.quantization_mode is not None and hasattr(layer, "quantization_config")


def _matches(layer, filters):
    """Whether Keras would quantise a layer, by what `filters` says."""
    if filters is None:
        return True
    if callable(filters):
        return filters(layer)
    patterns = [filters] if isinstance(filters, str) else filters
    return any(re.search(pattern, layer.name) for pattern in patterns)
