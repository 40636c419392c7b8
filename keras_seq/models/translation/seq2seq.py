"""The translator: text to text."""

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from keras_seq._checks import check_positive, check_rate
from keras_seq._options import hands_on, options
from keras_seq._recipes import TRANSLATOR
from keras_seq._typing import Config, Nest, Tensor
from keras_seq.export.signature import Signature
from keras_seq.layers.attentions.mechanism import AttentionMechanism
from keras_seq.layers.decoder import Decoder
from keras_seq.layers.dropout import dropout_layer, some_unknown
from keras_seq.layers.encoder import Encoder
from keras_seq.layers.token_embedding import token_embedding
from keras_seq.models.base.encoders import pattern_config
from keras_seq.models.base.losses import TokenCrossEntropy
from keras_seq.models.base.metrics import ExactMatch, Perplexity, TokenAccuracy
from keras_seq.models.base.preprocessor import tokenizer_of
from keras_seq.models.base.serving import check_examples
from keras_seq.models.base.writing import never
from keras_seq.models.translation.generation import Generation
from keras_seq.models.translation.preprocessor import TranslationPreprocessor
from keras_seq.models.translation.serving import translator_signatures
from keras_seq.samplers.sampler import Sampler
from keras_seq.text import Tokenizer, get_tokenizer


@keras.saving.register_keras_serializable(package="keras_seq")
@hands_on("decoder_options", Decoder, without=("vocabulary_size", "unknown_token_id", "seed"))
class Seq2Seq(Generation):
    r"""Encoder, attention and decoder between two tokenizers: text in, text out.

        p(y | x) = prod_t p(y_t | y_<t, x)

    `layers.Encoder` reads the source, `layers.Decoder` writes the target; their docstrings have
    the formulas. The model is trained with teacher forcing on the mean cross-entropy per target
    token, and `generate` searches for the best target.

    The translation of a blank source (white space alone, or nothing that the tokenizer keeps) is
    the empty text, see `generate`. `fit` and `evaluate` take pairs as they are: a blank source with
    a target teaches the decoder to write without a source, which `generate` never asks for, so such
    pairs are better left out of a corpus; a blank target teaches to answer nothing.

    Args:
        source_tokenizer: a `keras_seq.text.Tokenizer` of the source language.
        target_tokenizer: one of the target language.
        cell: `"lstm"`, `"gru"`, `"vanilla"` or another name in `ks.layers.CELLS`, the config of a
            cell, or an instance.
        units: size of the encoder (per direction) and of the decoder.
        num_layers: number of layers of both.
        bidirectional: whether the encoder reads from both sides.
        attention: `"additive"`, `"dot"` or another name in `ks.layers.ATTENTIONS`, a config, an
            instance of `layers.AttentionMechanism`, or `None` for a fixed context.
        embedding_dim: size of the token embeddings; `units` where `None`.
        dropout: rate on embeddings, between layers and before the output.
        decoder_options: each by its name: the options of `layers.Decoder` that do not stand here,
            `order`, `input_feeding`, `copy`, `teacher_forcing_ratio` and the others.
        max_source_length: longer sources are cut to so many tokens, the end token included.
        max_target_length: the same for targets, and the limit of what `generate` writes.

    Call arguments:
        inputs: a dict of int32 ids: `source_ids` `(batch, source_length)`, each row ended by the
            end token and padded with 0, and `target_ids` `(batch, target_length)`, the tokens that
            are fed: the start token and the target. The labels are the target and the end token.
            With `copy=True` also `copy_ids` `(batch, source_length)`, as `layers.Decoder` takes
            them.
        training: whether dropout is active.
        return_attention: whether to return the attention weights too.

    Returns:
        Logits `(batch, target_length, target_vocabulary_size)`, and the weights
        `(batch, target_length, source_length)` where asked for.

    Raises:
        ValueError: for sizes below 1, an unknown cell or attention, no tokenizers, a pointer over
            subwords, and whatever `layers.Decoder` refuses.

    Example:

    ```python
    sources, targets = keras_seq.datasets.dates(20_000, seed=0)
    model = keras_seq.models.Seq2Seq.from_texts(sources, targets, tokens="char", units=128)
    model.compile(optimizer=keras.optimizers.Adam(2e-3, global_clipnorm=1.0))
    model.fit(sources, targets, validation_split=0.05, batch_size=64, epochs=3)
    model.generate("27 September 2016")
    ```

    References:
        - Sutskever, Vinyals & Le, 2014, "Sequence to sequence learning with neural networks",
          arXiv:1409.3215.
        - Bahdanau, Cho & Bengio, 2015, "Neural machine translation by jointly learning to align
          and translate", arXiv:1409.0473.
    """

    recipe = TRANSLATOR

    def __init__(
        self,
        source_tokenizer: Tokenizer | Config,
        target_tokenizer: Tokenizer | Config,
        cell: str | Config | keras.layers.Layer = "lstm",
        units: int = 256,
        num_layers: int = 1,
        bidirectional: bool = True,
        attention: str | Config | AttentionMechanism | None = "additive",
        embedding_dim: int | None = None,
        dropout: float = 0.0,
        decoder_options: Config | None = None,
        max_source_length: int = 512,
        max_target_length: int = 512,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_tokenizer = get_tokenizer(source_tokenizer, "source_tokenizer")
        self.target_tokenizer = get_tokenizer(target_tokenizer, "target_tokenizer")
        self.units = check_positive("units", units)
        self.num_layers = check_positive("num_layers", num_layers)
        self.bidirectional = bidirectional
        self.embedding_dim = check_positive(
            "embedding_dim", units if embedding_dim is None else embedding_dim
        )
        self.dropout = check_rate("dropout", dropout)
        self.max_source_length = check_positive("max_source_length", max_source_length)
        self.max_target_length = check_positive("max_target_length", max_target_length)
        # The sublayers follow the dtype policy of the model.
        policy = self.dtype_policy
        shared = {"units": units, "num_layers": num_layers, "dropout": dropout, "dtype": policy}
        self.source_embedding = token_embedding(
            self.source_tokenizer.vocabulary_size, self.embedding_dim, policy, "source_embedding"
        )
        self.source_dropout = dropout_layer(dropout, decoder_options["variational"], policy)
        self.encoder = Encoder(
            cell=cell,
            bidirectional=bidirectional,
            **{name: decoder_options[name] for name in ("residual", "variational")},
            name="encoder",
            **shared,
        )
        self.decoder = Decoder(
            self.target_tokenizer.vocabulary_size,
            cell=cell,
            attention=attention,
            embedding_dim=self.embedding_dim,
            unknown_token_id=self.target_tokenizer.unknown_token_id,
            name="decoder",
            **shared,
            **decoder_options,
        )
        self.copy = self.decoder.copy
        self.token_seed = keras.random.SeedGenerator() if self.decoder.token_dropout else None
        self.preprocessor = self.make_preprocessor()  # here: a pointer refuses some tokenizers
        self._prepare_search(self.target_tokenizer, "greedy")
        self.build()

    @classmethod
    def from_texts(
        cls,
        sources: Any,
        targets: Any,
        tokens: str = "subword",
        lowercase: bool = False,
        max_vocabulary: int | None = None,
        source_tokens: str | None = None,
        target_tokens: str | None = None,
        **config: Any,
    ) -> Self:
        """Build both tokenizers from the texts, and the model around them.

        Args:
            sources: the source texts, a list or anything else that gives them one by one, and again
                if asked again, such as `datasets.Lines`.
            targets: the target texts, likewise.
            tokens: `"char"`, `"word"`, `"subword"` or another name in `ks.text.tokenizers`.
            lowercase: whether both tokenizers lower-case.
            max_vocabulary: largest vocabulary of each tokenizer, the 4 special tokens included;
                8000 for subwords where `None`.
            source_tokens: `"char"`, `"word"` or `"subword"` for the sources; `tokens` where `None`.
                So spelling to phonemes is `tokens="char", target_tokens="word"`.
            target_tokens: `"char"`, `"word"` or `"subword"` for the targets; `tokens` where `None`.
            **config: the other arguments of the model.

        Returns:
            An untrained `Seq2Seq`.

        Raises:
            ValueError: for an unknown kind of token or an empty corpus.
        """
        return cls(
            tokenizer_of(sources, source_tokens or tokens, lowercase, max_vocabulary),
            tokenizer_of(targets, target_tokens or tokens, lowercase, max_vocabulary),
            **cls.with_recipe(config),
        )

    def build(self, input_shape: Any = None) -> None:
        """Make all weights; every size is known from `__init__`."""
        if self.built:
            return
        size = self.encoder.output_size
        self.source_embedding.build((None, None))
        self.encoder.build((None, None, self.embedding_dim))
        self.decoder.build(
            (None, None),
            (None, None, size),
            [[(None, n) for n in sizes] for sizes in self.encoder.state_size],
        )
        self.built = True

    def compile(
        self,
        optimizer: str | Config | keras.optimizers.Optimizer = "auto",
        loss: Any = "auto",
        weighted_metrics: Any = "auto",
        sampler: str | Config | Sampler = "greedy",
        label_smoothing: float | None = None,
        r_drop: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Configure training and search; the other arguments are those of `keras.Model.compile`.

        Args:
            optimizer: a Keras optimiser; `"auto"` is what trains well on a small corpus, see
                `models.Task.compile`.
            loss: `"auto"` is the cross-entropy, a mean over the target tokens of the batch; what is
                reported, as every metric, is one mean over all tokens.
            weighted_metrics: `"auto"` is token accuracy, perplexity, and the share of targets that
                are right as a whole; all leave padding out.
            sampler: what `generate` uses: a name (`"greedy"`, `"beam"`, ...), a config, or an
                instance.
            label_smoothing: the share of the target's probability that `"auto"` spreads over the
                vocabulary; see `models.TokenCrossEntropy`.
            r_drop: factor of R-Drop: how much two passes with different dropout may differ; see
                `models.Task.compile`. Each step then takes twice as long; 5 is usual.
            **kwargs: such as `metrics`, `jit_compile`, `steps_per_execution`; `models.Task.compile`
                says what losses and metrics of one's own are given.
        """
        if r_drop and self.has_scheduled_sampling:
            raise ValueError(
                "`r_drop` compares two passes over the same tokens, and with scheduled sampling "
                f"they are not; received r_drop={r_drop!r}."
            )
        kwargs.update(weighted_metrics=weighted_metrics, label_smoothing=label_smoothing)
        kwargs["r_drop"] = r_drop
        super().compile(optimizer, loss, sampler=sampler, **kwargs)

    def default_label_smoothing(self):
        return 0.0 if self.copy else super().default_label_smoothing()

    def default_loss(self, label_smoothing=0.0):
        if label_smoothing and self.copy:
            raise ValueError(
                "`label_smoothing` has no meaning for a pointer, whose tokens differ from text "
                f"to text; received label_smoothing={label_smoothing} with copy=True."
            )
        return TokenCrossEntropy(label_smoothing)

    def default_metrics(self):
        return [TokenAccuracy(), Perplexity(), ExactMatch()]

    labelled = "target_ids"

    def make_preprocessor(self):
        return TranslationPreprocessor(
            self.source_tokenizer,
            self.target_tokenizer,
            self.max_source_length,
            self.max_target_length,
            self.copy,
        )

    @property
    def label_limit(self):
        return self.target_tokenizer.vocabulary_size

    def call(self, inputs: Any, training: bool = False, return_attention: bool = False) -> Any:
        values, states, mask = self.encode(inputs["source_ids"], training)
        return self.decoder(
            inputs["target_ids"],
            values,
            states,
            values_mask=mask,
            copy_ids=inputs.get("copy_ids"),
            return_attention=return_attention,
            training=training,
        )

    def encode(self, source_ids: Tensor, training: bool = False) -> tuple[Tensor, Nest, Tensor]:
        """Return `(values, states, mask)` of source ids `(batch, source_length)`.

        Returns:
            The annotations `(batch, source_length, size)`, the final states of each encoder layer,
            and the mask `(batch, source_length)`, `False` where padding.
        """
        mask = ops.not_equal(source_ids, self.source_tokenizer.pad_token_id)
        if training and self.decoder.token_dropout:
            unknown = self.source_tokenizer.unknown_token_id
            rate = self.decoder.token_dropout
            source_ids = some_unknown(source_ids, rate, unknown, self.token_seed)
        vectors = self.source_dropout(self.source_embedding(source_ids), training=training)
        values, states = self.encoder(vectors, mask=mask, training=training)
        return values, states, mask

    def step_tokens(self, inputs):
        """Return the tokens of the first row of `inputs`, by the beginning of the names of layers.

        The encoder reads the source and its end token, the decoder the start token and the target.
        """
        sides = {}
        for tokenizer, name, layers in (
            (self.source_tokenizer, "source_ids", (self.encoder, self.source_embedding)),
            (self.target_tokenizer, "target_ids", (self.decoder, self.decoder.embedding)),
        ):
            ids = ops.convert_to_numpy(inputs[name])[0]
            ids = ids[ids != tokenizer.pad_token_id]
            if self.copy:  # the decoder is fed the unknown token where it copies
                ids[ids >= tokenizer.vocabulary_size] = self.decoder.unknown_token_id
            tokens = [tokenizer.id_to_token(int(token_id)) for token_id in ids]
            sides |= {layer.name: tokens for layer in layers}
        return sides

    @property
    def has_attention(self) -> bool:
        """Whether the decoder looks at the source."""
        return self.decoder.cell.attention is not None

    @property
    def has_scheduled_sampling(self) -> bool:
        """Whether training feeds the decoder tokens that it has written itself."""
        return self.decoder.teacher_forcing_ratio != 1

    def make_signatures(
        self,
        sampler: str | Config | Sampler | None = None,
        max_length: int | None = None,
        n_best: int | None = None,
        examples: Sequence[Any] | None = None,
        stop_tokens: str | Sequence[str] | None = None,
    ) -> list[Signature]:
        """Return what the served model answers: translations, and where the decoder looked.

        Args:
            sampler: as in `generate`.
            max_length: likewise.
            n_best: how many answers each text gets, the best one first; the sampler must be one
                that finds several.
            examples: texts for the requests that warm a server up and show how; made of frequent
                tokens where `None`.
            stop_tokens: as in `generate`.
        """
        sampler = self.served_sampler(sampler, n_best)
        if max_length is not None:
            check_positive("max_length", max_length)
        examples = check_examples(examples, self.source_tokenizer)
        return translator_signatures(self, sampler, max_length, examples, stop_tokens)

    def start(self, source_ids: Tensor, copy_ids: Tensor | None = None) -> tuple[Nest, Nest]:
        """Return `(state, memory)` before the first target token; see `layers.Decoder.start`."""
        return self.decoder.start(*self.encode(source_ids), copy_ids)

    def step(self, token_ids: Tensor, state: Nest, memory: Nest) -> tuple[Tensor, Nest]:
        """Return `(logits, state)` after feeding `token_ids` `(batch,)`.

        The padding and the start token are never predicted: their logits are -1e9.
        """
        logits, state = self.decoder.step(token_ids, state, memory)
        target = self.target_tokenizer
        return never(logits, target.pad_token_id, target.start_token_id), state

    def get_config(self) -> Config:
        decoder = self.decoder.get_config()
        return {
            **super().get_config(),
            **{name: decoder[name] for name in options(Seq2Seq) if name in decoder},
            "source_tokenizer": keras.saving.serialize_keras_object(self.source_tokenizer),
            "target_tokenizer": keras.saving.serialize_keras_object(self.target_tokenizer),
            "cell": pattern_config(self.encoder),
            "bidirectional": self.bidirectional,
            "max_source_length": self.max_source_length,
            "max_target_length": self.max_target_length,
        }
