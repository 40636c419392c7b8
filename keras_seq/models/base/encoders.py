"""The reader of a row of tokens: embedding, and recurrent layers or a layer in their place."""

from typing import Any

import keras
from keras import ops

from keras_seq._checks import check_positive, check_rate
from keras_seq._typing import Config
from keras_seq.layers.cells import cell_config
from keras_seq.layers.dropout import dropout_layer, some_unknown
from keras_seq.layers.rnn_stack import RNNStack
from keras_seq.layers.token_embedding import token_embedding
from keras_seq.models.base.task import Task
from keras_seq.text import get_tokenizer

# What describes the recurrent layers, with its defaults; it has no meaning beside an encoder.
STACK_OPTIONS = {
    "cell": "lstm",
    "num_layers": 1,
    "bidirectional": True,
    "residual": False,
    "layer_norm": False,
    "weight_dropout": 0.0,
}


class TokenReader(Task):
    """A task that reads one row of tokens: an embedding, and recurrent layers or an encoder.

    Attributes:
        tokenizer: a `keras_seq.text.Tokenizer`.
        embedding: the layer that reads `token_ids`.
        encoder: the layer behind it.
    """

    def _keep_options(self, tokenizer, units, embedding_dim, dropout, variational, encoder, stack):
        """Check and keep the arguments that every reader has.

        Args:
            encoder: a layer in the place of the recurrent ones, or `None`.
            stack: a dict of those of `STACK_OPTIONS` that the model has.
        """
        self.tokenizer = get_tokenizer(tokenizer)
        self.units = check_positive("units", units)
        self.embedding_dim = check_positive(
            "embedding_dim", units if embedding_dim is None else embedding_dim
        )
        self.dropout = check_rate("dropout", dropout)
        self.variational = variational
        self.own_encoder = encoder is not None
        self.stack_options = stack

    def _keep_token_dropout(self, rate):
        """Check and keep the rate at which tokens are read as the unknown one in training."""
        self.token_dropout_rate = check_rate("token_dropout", rate)
        # Drawn only where it is used: the seeds of layers made after it stay what they were.
        self.token_seed = keras.random.SeedGenerator() if rate else None

    def _make_embedding(self, name=None):
        """Return the embedding of the tokens."""
        size = self.tokenizer.vocabulary_size
        return token_embedding(size, self.embedding_dim, self.dtype_policy, name)

    def _drop_tokens(self, token_ids, training):
        """The ids, in training some of them that of the unknown token."""
        if not training or not self.token_dropout_rate:
            return token_ids
        unknown = self.tokenizer.unknown_token_id
        return some_unknown(token_ids, self.token_dropout_rate, unknown, self.token_seed)

    def _make_dropout(self):
        """Return a layer that drops features; with `variational` the same ones at all steps."""
        return dropout_layer(self.dropout, self.variational, self.dtype_policy)

    def _make_encoder(self, encoder, return_state=False):
        """Return the encoder that was given, or the recurrent layers."""
        return make_encoder(
            encoder,
            self.stack_options,
            return_state,
            units=self.units,
            dropout=self.dropout,
            variational=self.variational,
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: Any = None) -> None:
        """Make all weights; every size is known from `__init__`."""
        if self.built:
            return
        self.embedding.build((None, None))
        size = self._build_features()
        if not self.encoder.built:  # one that was given may be
            self.encoder.build((None, None, size))
        self._build_outputs(self.encoder.output_size)
        self.built = True

    def _build_features(self):
        """Build what the encoder reads besides the embedding, and return the size of both."""
        return self.embedding_dim

    def _build_outputs(self, size):
        """Build what reads the outputs of the encoder, `size` numbers a step."""
        raise NotImplementedError

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            **encoder_config(self.encoder, self.own_encoder, self.stack_options),
            "units": self.units,
            "embedding_dim": self.embedding_dim,
            "dropout": self.dropout,
            "variational": self.variational,
            "token_dropout": self.token_dropout_rate,
        }

    def step_tokens(self, inputs):
        """Return the tokens of the first row of `inputs`, by the beginning of the names of layers.

        Embedding and encoder both read the row as it is.
        """
        ids = ops.convert_to_numpy(inputs["token_ids"])[0]
        ids = ids[ids != self.tokenizer.pad_token_id]
        tokens = [self.tokenizer.id_to_token(int(token_id)) for token_id in ids]
        return {layer.name: tokens for layer in (self.embedding, self.encoder)}


def make_encoder(encoder, options, return_state=False, **more):
    """Return the layer between embeddings and outputs.

    Args:
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
        settings = {"return_sequences": True, "return_state": return_state, "name": "encoder"}
        return RNNStack(**settings, **options, **more)
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
    meaningless = [name for name, value in options.items() if value != STACK_OPTIONS[name]]
    if meaningless:
        raise ValueError(
            f"{', '.join(meaningless)} would describe the recurrent layers that `encoder` "
            "takes the place of: give them to the encoder itself."
        )
    return encoder


def encoder_config(encoder, is_own, options):
    """Return the arguments of a model that make its encoder again.

    Args:
        encoder: the layer.
        own: whether it was given as `encoder`, rather than made.
        options: as those of `make_encoder`.
    """
    if is_own:
        return {**options, "encoder": keras.saving.serialize_keras_object(encoder)}
    return {**options, "cell": pattern_config(encoder), "encoder": None}


def pattern_config(encoder):
    """Return the config of the cell of an `RNNStack`, the pattern of cells that are made.

    Nothing about it is frozen: other cells are made of it too, and `StoredModel` says which
    weights are.
    """
    config = cell_config(encoder.cell)
    return {**config, "config": {**config["config"], "trainable": True}}
