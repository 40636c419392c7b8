"""The language model: what comes next, and how probable a text is."""

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from keras_seq._checks import check_number, check_positive, check_rate
from keras_seq._recipes import LANGUAGE_MODEL
from keras_seq._typing import Config, Nest, Tensor
from keras_seq.export.signature import Signature
from keras_seq.layers.recurrent_layer import as_mask
from keras_seq.layers.token_embedding import tied_logits
from keras_seq.models.base.encoders import TokenReader
from keras_seq.models.base.losses import TokenCrossEntropy
from keras_seq.models.base.metrics import BitsPerToken, Perplexity, TokenAccuracy
from keras_seq.models.base.preprocessor import tokenizer_of
from keras_seq.models.base.serving import check_examples
from keras_seq.models.base.writing import never
from keras_seq.models.language.continuation import Continuation
from keras_seq.models.language.penalties import activation_penalty
from keras_seq.models.language.preprocessor import LanguagePreprocessor
from keras_seq.models.language.serving import language_model_signatures
from keras_seq.models.language.stream_state import StreamState
from keras_seq.models.language.stream_training import StreamTraining
from keras_seq.samplers.sampler import Sampler
from keras_seq.text import CharacterTokenizer, Tokenizer
from keras_seq.text.forms import single_text

CONTEXT = 512  # what self-attention looks back at where no window says so


@keras.saving.register_keras_serializable(package="keras_seq")
class LanguageModel(StreamTraining, TokenReader, Continuation):
    r"""Recurrent layers that predict each token from those before it.

        h_t, s_t = encoder(embedding(y_(t-1)), s_(t-1))          y_0 the start token
        p(y_t | y_<t) = softmax(W r(h_t) + b)
        p(y) = prod_t p(y_t | y_<t)                              the last y_t the end token

    with r the identity, or, where `tie_embeddings` makes W the embedding matrix, a linear map to
    the size of an embedding if that is another than the encoder's.

    Training is truncated backpropagation through time. The texts are read one after the other as
    one long row of tokens, which is cut into as many streams as a batch has rows, and these into
    windows of `window` steps that do not overlap. The state goes on from window to window, the
    gradient does not; each epoch and each evaluation begin with state 0. With `window=None` every
    text is an example by itself and the gradient goes through all of it.

    Args:
        tokenizer: a `keras_seq.text.Tokenizer`.
        cell: `"lstm"`, `"gru"`, `"vanilla"` or another name in `ks.layers.CELLS`, the config of a
            cell, or an instance.
        units: size of the state.
        num_layers: number of recurrent layers.
        embedding_dim: size of the token embeddings; `units` where `None`.
        window: steps that a gradient goes back, at most; `None` for whole texts.
        tie_embeddings: whether W is the embedding matrix.
        dropout: rate on embeddings, between layers and before the output.
        embedding_dropout: rate at which tokens of the vocabulary are dropped, wherever they stand
            in the batch.
        variational: whether `dropout` drops the same features at all steps of a window.
        weight_dropout: rate at which weights of the recurrent kernels are dropped.
        residual: whether a layer's input is added to its output, above the bottom one.
        layer_norm: whether the output of each layer is normalised.
        encoder: a layer in the place of the recurrent ones: a `layers.RNNStack` with
            `return_sequences=True` and `return_state=True`, or a
            `layers.SelfAttentionEncoder(causal=True, return_sequences=True)`, which has no state to
            carry and sees only its window. Any layer with their `call`, `start`, `step` and
            `output_size` will do.
        token_dropout: rate at which single tokens are read as the unknown one in training.
        activity: factor of AR, the mean square of the dropped outputs, in the loss of training.
        temporal: factor of TAR, the mean square of the change of the outputs from step to step.

    Call arguments:
        inputs: a dict of int32 ids: `token_ids` `(batch, steps)`, what is fed: the start token and
            the text, padded with 0 behind. The labels are the text and the end token. With
            `continues` `(batch,)` the rows go on from the state that the call before left
            (where it is 1) or begin anew (where it is 0); without it all begin anew and no state
            is kept.
        training: whether dropout is active.

    Returns:
        Logits, float32 `(batch, steps, vocabulary_size)`.

    Raises:
        ValueError: for no tokenizer, sizes below 1, rates outside [0, 1), an unknown cell, and an
            `encoder` that reads from both sides, lacks the interface, or comes with options of
            the recurrent layers that it takes the place of.

    Example:

    ```python
    model = keras_seq.models.LanguageModel.from_texts(text, tokens="char", units=256, window=100)
    model.compile(keras.optimizers.Adam(2e-3, global_clipnorm=1.0), sampler="random")
    model.fit(text, validation_split=0.1, batch_size=32, epochs=5)
    print(model.generate("To be", max_length=300))
    ```

    >>> model = LanguageModel.from_texts(["ab", "ba"], units=4, window=2)
    >>> model.score("ab")["num_tokens"]  # with the end
    3

    References:
        - Mikolov et al., 2010, "Recurrent neural network based language model", Interspeech.
        - Williams & Peng, 1990, "An efficient gradient-based algorithm for on-line training of
          recurrent network trajectories", Neural Computation 2(4) (truncation).
        - Press & Wolf, 2017, "Using the output embedding to improve language models",
          arXiv:1608.05859 (`tie_embeddings`).
        - Gal & Ghahramani, 2016, arXiv:1512.05287 (`variational`, `embedding_dropout`).
        - Merity, Keskar & Socher, 2018, "Regularizing and optimizing LSTM language models",
          arXiv:1708.02182 (`weight_dropout`).
        - Merity, McCann & Socher, 2017, "Revisiting activation regularization for language RNNs",
          arXiv:1708.01009 (`activity`, `temporal`).
    """

    recipe = LANGUAGE_MODEL
    needs_targets = False
    needs_labels = False
    words = ("text", "target")

    def __init__(
        self,
        tokenizer: Tokenizer | Config,
        cell: str | Config | keras.layers.Layer = "lstm",
        units: int = 256,
        num_layers: int = 1,
        embedding_dim: int | None = None,
        window: int | None = 100,
        tie_embeddings: bool = False,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        variational: bool = False,
        weight_dropout: float = 0.0,
        residual: bool = False,
        layer_norm: bool = False,
        encoder: Config | keras.layers.Layer | None = None,
        *,
        token_dropout: float = 0.0,
        activity: float = 0.0,
        temporal: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        stack = {  # one that reads from the left
            "cell": cell,
            "num_layers": num_layers,
            "residual": residual,
            "layer_norm": layer_norm,
            "weight_dropout": weight_dropout,
        }
        self._keep_options(tokenizer, units, embedding_dim, dropout, variational, encoder, stack)
        self._keep_token_dropout(token_dropout)
        self.window = None if window is None else check_positive("window", window)
        self.tie_embeddings = tie_embeddings
        self.embedding_dropout = check_rate("embedding_dropout", embedding_dropout)
        self.activity = check_number("activity", activity, 0)
        self.temporal = check_number("temporal", temporal, 0)
        # The sublayers follow the dtype policy of the model.
        policy = self.dtype_policy
        self.embedding = self._make_embedding()
        self.dropout_layer = self._make_dropout()
        self.token_dropout = keras.layers.Dropout(embedding_dropout, dtype=policy)
        self.encoder = self._make_encoder(encoder)
        self._make_output(policy)
        self.stream_state = None
        if self.carries:
            sizes = self.encoder.state_size
            self.stream_state = StreamState(sizes, dtype=policy, name="stream_state")
        self._prepare_search(self.tokenizer, "random")
        self.build()

    @classmethod
    def from_texts(
        cls,
        texts: Any,
        tokens: str = "char",
        lowercase: bool = False,
        max_vocabulary: int | None = None,
        **config: Any,
    ) -> Self:
        """Build the tokenizer from texts, and the model around it.

        Args:
            texts: one long text, a list of texts, or anything else that gives them one by one.
            tokens: `"char"`, `"word"`, `"subword"` or another name in `ks.text.tokenizers`.
            lowercase: whether the tokenizer lower-cases.
            max_vocabulary: largest vocabulary, the 4 special tokens included; 8000 for
                subwords where `None`.
            **config: the other arguments of the model.

        Returns:
            An untrained `LanguageModel`.

        Raises:
            ValueError: for an unknown kind of token or an empty corpus.
        """
        text = single_text(texts)
        texts = texts if text is None else [text]
        tokenizer = tokenizer_of(texts, tokens, lowercase, max_vocabulary)
        return cls(tokenizer, **cls.with_recipe(config))

    def _build_outputs(self, size):
        if self.readout is not None:
            self.readout.build((None, None, size))
        if self.projection is not None:
            self.projection.build((None, None, size))
        else:
            self.output_bias = self.add_weight(
                shape=(self.tokenizer.vocabulary_size,),
                initializer="zeros",
                autocast=False,  # logits are no half precision
                name="output_bias",
            )

    def compile(
        self,
        optimizer: str | Config | keras.optimizers.Optimizer = "auto",
        loss: Any = "auto",
        weighted_metrics: Any = "auto",
        sampler: str | Config | Sampler = "random",
        label_smoothing: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Configure training and search; the other arguments are those of `keras.Model.compile`.

        Args:
            optimizer: a Keras optimiser; `"auto"` is what trains well on a small corpus, see
                `models.Task.compile`.
            loss: `"auto"` is the cross-entropy in nats, a mean over the tokens of the batch.
            weighted_metrics: `"auto"` is perplexity and token accuracy, each one mean over all
                tokens; and for characters the bits per character, the end of a text being one.
            sampler: what `generate` uses: a name (`"random"`, `"greedy"`, `"beam"`, ...), a config,
                or an instance.
            label_smoothing: the share of the probability that `"auto"` spreads over the
                vocabulary; see `models.TokenCrossEntropy`.
            **kwargs: such as `metrics`, `jit_compile`, `steps_per_execution`; `models.Task.compile`
                says what losses and metrics of one's own are given.
        """
        kwargs.update(weighted_metrics=weighted_metrics, label_smoothing=label_smoothing)
        super().compile(optimizer, loss, sampler=sampler, **kwargs)

    def default_loss(self, label_smoothing=0.0):
        return TokenCrossEntropy(label_smoothing)

    def default_metrics(self):
        metrics = [Perplexity(), TokenAccuracy()]
        if isinstance(self.tokenizer, CharacterTokenizer):
            metrics.append(BitsPerToken("bits_per_character"))
        return metrics

    def make_preprocessor(self):
        return LanguagePreprocessor(self.tokenizer)

    @property
    def label_limit(self):
        return self.tokenizer.vocabulary_size

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        token_ids = inputs["token_ids"]
        mask = ops.not_equal(token_ids, self.tokenizer.pad_token_id)
        vectors = self._embed(token_ids, training)
        continues = inputs.get("continues")
        if not self.carries:
            outputs = self.encoder(vectors, mask=mask, training=training)
        elif continues is None:
            outputs, _ = self.encoder(vectors, mask=mask, training=training)
        else:
            outputs, states = self.encoder(
                vectors,
                mask=mask,
                initial_state=self.stream_state.read(continues),
                training=training,
            )
            self.stream_state.write(states)
        if not training:
            return self._logits(outputs)
        dropped = self.dropout_layer(outputs, training=True)
        if self.activity or self.temporal:
            self.add_loss(activation_penalty(outputs, dropped, mask, self.activity, self.temporal))
        return self._logits(dropped)

    def _embed(self, token_ids, training=False):
        """The vectors of tokens, some tokens of the vocabulary dropped in training."""
        vectors = self.embedding(self._drop_tokens(token_ids, training))
        if self.embedding_dropout and training:
            kept = self.token_dropout(ops.ones((self.tokenizer.vocabulary_size, 1)), training=True)
            vectors = vectors * ops.cast(ops.take(kept, token_ids, axis=0), vectors.dtype)
        return self.dropout_layer(vectors, training=training)

    def _logits(self, outputs):
        """Logits of the outputs `(..., size)` of the encoder."""
        if self.readout is not None:
            outputs = self.readout(outputs)
        if self.projection is not None:
            return self.projection(outputs)
        return tied_logits(self.embedding, outputs, self.output_bias, self.variable_dtype)

    def make_signatures(
        self,
        sampler: str | Config | Sampler | None = None,
        max_length: int = 200,
        n_best: int | None = None,
        examples: Sequence[Any] | None = None,
        stop_tokens: str | Sequence[str] | None = None,
    ) -> list[Signature]:
        """Return what the served model answers: continuations, and how probable texts are.

        Args:
            sampler: as in `generate`. What it has `per_row`, such as temperature and seed, each
                request to the signature `"generate"` brings itself.
            max_length: the most tokens to write.
            n_best: how many answers each text gets, the best one first; the sampler must be one
                that finds several.
            examples: texts for the requests that warm a server up and show how; made of frequent
                tokens where `None`.
            stop_tokens: as in `generate`.
        """
        sampler = self.served_sampler(sampler, n_best)
        check_positive("max_length", max_length)
        examples = check_examples(examples, self.tokenizer)
        return language_model_signatures(self, sampler, max_length, examples, stop_tokens)

    def start(self, prompt_ids: Tensor, max_length: int | None = None) -> tuple[Nest, Nest]:
        """Return `(state, memory)` after a prompt.

        Args:
            prompt_ids: `(batch, length)`, padded with 0 behind: the start token and the prompt, but
                for the last token of these, which `step` takes first. No token at all is right too.
            max_length: how many steps an encoder whose state grows keeps, the oldest being
                forgotten; `window` where `None`.

        Returns:
            A nest of tensors, batch first, and an empty memory.
        """
        mask = as_mask(ops.not_equal(prompt_ids, self.tokenizer.pad_token_id))
        vectors = self._embed(prompt_ids)
        if self.carries:
            return self.encoder(vectors, mask=mask)[1], {}
        first = self.encoder.start(ops.shape(prompt_ids)[0], max_length or self.window or CONTEXT)

        def read(t, state):
            here = mask[:, t]
            _, new = self.encoder.step(vectors[:, t], state)
            return keras.tree.map_structure(
                lambda a, b: ops.where(ops.reshape(here, (-1,) + (1,) * (len(a.shape) - 1)), a, b),
                new,
                state,
            )

        return ops.fori_loop(0, ops.shape(prompt_ids)[1], read, first), {}

    def step(self, token_ids: Tensor, state: Nest, memory: Nest = None) -> tuple[Tensor, Nest]:
        """Return `(logits, state)` of what comes after `token_ids` `(batch,)`.

        The padding, the start token and the unknown token are never predicted: their logits are
        -1e9.
        """
        del memory
        outputs, state = self.encoder.step(self.embedding(token_ids), state)
        ids = self.tokenizer
        others = ids.pad_token_id, ids.start_token_id, ids.unknown_token_id
        return never(self._logits(outputs), *others), state

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "window": self.window,
            "tie_embeddings": self.tie_embeddings,
            "embedding_dropout": self.embedding_dropout,
            "activity": self.activity,
            "temporal": self.temporal,
        }

    def _make_encoder(self, encoder, return_state=True):
        """The recurrent layers, or what stands in their place, which must read from the left."""
        encoder = super()._make_encoder(encoder, return_state)
        causal = getattr(encoder, "causal", True) and not getattr(encoder, "bidirectional", False)
        if not causal or not (hasattr(encoder, "start") and hasattr(encoder, "step")):
            raise ValueError(
                "`encoder` must read from the left, with `start` and `step` besides its call, such "
                "as keras_seq.layers.RNNStack or a SelfAttentionEncoder with causal=True; received "
                f"{encoder!r}."
            )
        return encoder

    def _make_output(self, policy):
        """The layers behind the encoder."""
        self.readout, self.projection = None, None
        if not self.tie_embeddings:
            # A loss of logits in half precision would lose what training needs.
            self.projection = keras.layers.Dense(
                self.tokenizer.vocabulary_size, dtype=policy.variable_dtype, name="projection"
            )
        elif self.encoder.output_size != self.embedding_dim:
            self.readout = keras.layers.Dense(
                self.embedding_dim, use_bias=False, dtype=policy, name="readout"
            )
