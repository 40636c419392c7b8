"""A task model in fewer bits: `quantize`, and what a saved file says of it."""

import re

import keras


class Quantizable:
    """Mixin of the task models; it stands before `keras.Model` among the bases.

    The config of a model whose layers are quantised says which ones and how: a model made of it has
    the variables that the file brings.
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
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        quantized = config.pop("quantized_layers", ())
        model = super().from_config(config, custom_objects)
        layers = list(model._flatten_layers(include_self=False))
        for one in quantized:
            layer = layers[one["place"]]
            if layer.quantization_mode is None:  # its dtype policy may have said so already
                how = keras.saving.deserialize_keras_object(one["config"])
                mode = one["mode"] if how is None else None
                model.quantize(mode, config=how, filters=lambda x, layer=layer: x is layer)
        return model


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
