"""What the layers around the minimal recurrent cells share."""

import keras

from keras_seq.layers.recurrent_layer import RecurrentLayer, of_cell


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

    units = of_cell("units")
    use_bias = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    bias_constraint = of_cell("bias_constraint")

    def get_config(self):
        config = {**self.cell.get_config(), **super().get_config()}
        del config["cell"], config["weight_dropout"]  # no recurrent kernel
        regularizer = keras.regularizers.serialize(self.activity_regularizer)
        return {**config, "activity_regularizer": regularizer}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
