"""Which weights of a task model are frozen, in its config."""


class Frozen:
    """Mixin of the task models: what is frozen stays so in a copy and in a file.

    The layers of a model are made anew from its config, and Keras keeps `trainable` of the whole
    alone: a frozen embedding would be trained on, and the optimiser's state would not fit.
    """

    def get_config(self):
        config = super().get_config()
        if any("int8" in weight.dtype for weight in self.weights):  # quantised: other weights
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
        frozen = config.pop("frozen_weights", [])
        model = super().from_config(config, custom_objects)
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
