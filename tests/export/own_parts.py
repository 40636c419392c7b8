"""What a user might write in a file of her own: a score, a cell, a sampler, and a task."""

import keras

import keras_seq as ks
from keras_seq.export import Field, Signature


@keras.saving.register_keras_serializable(package="own_parts")
class NegativeDistance(ks.layers.AttentionMechanism):
    """Attention to what is near: minus the squared distance."""

    def score(self, query, keys):
        squares = keras.ops.sum(keys**2, axis=-1)[:, None]
        return 2 * keras.ops.einsum("btu,bsu->bts", query, keys) - squares


@keras.saving.register_keras_serializable(package="own_parts")
class LeakyCell(keras.layers.Layer):
    """A cell of Keras's kind: `h_t = (h_(t-1) + tanh(W x_t)) / 2`."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs, states, training=False):
        h = 0.5 * (states[0] + keras.ops.tanh(keras.ops.matmul(inputs, self.kernel)))
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="own_parts")
class SecondBest(ks.samplers.Sampler):
    """The second most probable token, but the end where that is the most probable one."""

    def get_next_token(self, log_probabilities):
        best = keras.ops.top_k(log_probabilities, 2)[1]
        return keras.ops.where(best[:, 0] == 2, best[:, 0], best[:, 1])


@keras.saving.register_keras_serializable(package="own_parts")
class ShoutingTokenizer(ks.text.CharacterTokenizer):
    """Characters, of which none is small."""

    def _join(self, tokens):
        return super()._join(tokens).upper()


@keras.saving.register_keras_serializable(package="own_parts")
class CountingClassifier(ks.models.TextClassifier):
    """A classifier that can be asked for the number of tokens too."""

    def make_signatures(self, examples=None):
        found = super().make_signatures(examples)

        def count(text):
            columns, _ = self.encode_tensors(text)
            return {"counts": keras.ops.cast(columns["token_ids"].row_lengths(), "int32")}

        counts = {"counts": Field("int32", "how many tokens were read")}
        example = {"text": found[0].example["text"]}
        about = "Counts the tokens of texts."
        return [*found, Signature("count", about, count, found[0].inputs, counts, example)]
