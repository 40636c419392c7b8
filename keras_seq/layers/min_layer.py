"""What the layers around the minimal recurrent cells share."""

import keras

from keras_seq.layers.recurrent_layer import RecurrentLayer


class MinLayer(RecurrentLayer, keras.layers.RNN):
    """A layer of Keras around the cell that a subclass names (`cell_type`)."""

    cell_type = None

    def __init__(
        self,
        units,
        *,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        unroll=False,
        zero_output_for_mask=False,
        truncate=None,
        stateful=False,
        activity_regularizer=None,
        name=None,
        dtype=None,
        trainable=True,
        **cell_options,
    ):
        super().__init__(
            self.cell_type(units, dtype=dtype, trainable=trainable, **cell_options),
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            truncate=truncate,
            stateful=stateful,
            activity_regularizer=activity_regularizer,
            name=name,
            dtype=dtype,
            trainable=trainable,
        )
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def get_config(self):
        config = {**self.cell.get_config(), **super().get_config()}
        del config["cell"], config["weight_dropout"]  # no recurrent kernel
        regularizer = keras.regularizers.serialize(self.activity_regularizer)
        return {**config, "activity_regularizer": regularizer}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
