"""What reads the embedded tokens in a task model: recurrent layers, or a layer in their place."""

import inspect

import keras
from keras import ops

from keras_seq.layers.cells import cell_config
from keras_seq.layers.rnn_stack import RNNStack

# What describes the recurrent layers, and has no meaning where an encoder is given.
STACK_OPTIONS = (
    "cell",
    "num_layers",
    "bidirectional",
    "residual",
    "layer_norm",
    "weight_dropout",
)


class TokenReader:
    """Mixin of the task models that read one row of tokens; it stands before `Task`.

    Attributes:
        tokenizer: a `keras_seq.text.Tokenizer`.
        embedding: the layer that reads `token_ids`.
        encoder: the layer behind it.
    """

    def step_tokens(self, inputs):
        """Return the tokens of the first row of `inputs`, by the beginning of the names of layers.

        Embedding and encoder both read the row as it is.
        """
        ids = ops.convert_to_numpy(inputs["token_ids"])[0]
        ids = ids[ids != self.tokenizer.pad_token_id]
        tokens = [self.tokenizer.id_to_token(int(token_id)) for token_id in ids]
        return {layer.name: tokens for layer in (self.embedding, self.encoder)}


def make_encoder(model, encoder, options, return_state=False, **more):
    """Return the layer between embeddings and outputs.

    Args:
        model: the class of the model; the defaults of its arguments tell which `options` were set.
        encoder: `None` for an `RNNStack`; a layer, or the config of one, to stand in its place.
        options: a dict of those of `STACK_OPTIONS` that the model has.
        return_state: whether an encoder that can shall return its final states too.
        **more: what else the `RNNStack` is made with.

    Returns:
        A layer with the call `(inputs, mask=None, training=False)` that gives the outputs of all
        steps, `output_size` numbers each.

    Raises:
        ValueError: for an `encoder` without that interface, or together with options of the
            recurrent layers that it takes the place of.
    """
    if encoder is None:
        own = {"return_sequences": True, "return_state": return_state, "name": "encoder"}
        return RNNStack(**own, **options, **more)
    if isinstance(encoder, dict):
        encoder = keras.saving.deserialize_keras_object(encoder)
    if not isinstance(encoder, keras.layers.Layer) or not hasattr(encoder, "output_size"):
        raise ValueError(
            "`encoder` must be a layer with the call `(inputs, mask=None, training=False)` and "
            f"an `output_size`, such as keras_seq.layers.RNNStack; received {encoder!r}."
        )
    steps = getattr(encoder, "return_sequences", True)
    if not steps or getattr(encoder, "return_state", return_state) != return_state:
        wanted = "and its states" if return_state else "and nothing else"
        raise ValueError(
            f"`encoder` must return the outputs of all steps {wanted}: give it "
            f"`return_sequences=True` and `return_state={return_state}`."
        )
    defaults = inspect.signature(model).parameters
    meaningless = [name for name, value in options.items() if value != defaults[name].default]
    if meaningless:
        raise ValueError(
            f"{', '.join(meaningless)} would describe the recurrent layers that `encoder` "
            "takes the place of: give them to the encoder itself."
        )
    return encoder


def encoder_config(encoder, own, options):
    """Return the arguments of a model that make its encoder again.

    Args:
        encoder: the layer.
        own: whether it was given as `encoder`, rather than made.
        options: as those of `make_encoder`.
    """
    if own:
        return {**options, "encoder": keras.saving.serialize_keras_object(encoder)}
    return {**options, "cell": pattern_config(encoder), "encoder": None}


def pattern_config(encoder):
    """Return the config of the cell of an `RNNStack`, the pattern of cells that are made.

    Nothing about it is frozen: other cells are made of it too, and `StoredModel` says which
    weights are.
    """
    found = cell_config(encoder.cell)
    return {**found, "config": {**found["config"], "trainable": True}}
