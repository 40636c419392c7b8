"""The tagger: a tag for each word."""

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from keras_seq._checks import as_integer, check_positive, check_rate
from keras_seq._recipes import TAGGER
from keras_seq._typing import Config, Tensor
from keras_seq.export.signature import Signature
from keras_seq.layers.character_features import CharacterFeatures
from keras_seq.layers.crf import CRF
from keras_seq.layers.crf_loss import CRFLoss
from keras_seq.layers.dropout import some_unknown
from keras_seq.models.base.losses import TokenCrossEntropy
from keras_seq.models.base.metrics import TokenAccuracy
from keras_seq.models.base.serving import check_examples
from keras_seq.models.tagging.answers import Tagging
from keras_seq.models.tagging.preprocessor import TaggingPreprocessor
from keras_seq.models.tagging.serving import tagger_signatures
from keras_seq.models.tagging.tag_loss import TagLoss
from keras_seq.models.tagging.tags import Tags, tag_names_of
from keras_seq.text import Tokenizer, get_tokenizer
from keras_seq.text.sentences import check_counts, check_sentences
from keras_seq.text.word_ids import character_vocabulary, word_vocabulary

# Arguments of the constructor that are attributes as they are.
AS_GIVEN = (
    *("characters", "character_units", "character_dim", "max_word_length", "zero_digits"),
    *("unknown_rate", "rare_words", "crf", "max_length"),
)


@keras.saving.register_keras_serializable(package="keras_seq")
class TextTagger(Tagging):
    r"""Words and their characters, recurrent layers and a CRF: sentences in, a tag a word out.

        x_t         = [embedding(word_t); characters(word_t)]
        h_1 ... h_T = encoder(x_1 ... x_T)
        e_t         = W h_t + b
        p(y | x)    ~ exp(a[y_1] + sum_t e_t[y_t] + sum_(t > 1) A[y_(t-1), y_t] + c[y_T])   `crf`
        p(y | x)    ~ exp(sum_t e_t[y_t])                                   a softmax for each word

    The answer is the most probable y of all that are valid in the scheme, found by Viterbi's
    algorithm, with the CRF and without it: so what comes out is always valid.

    A sentence is a list of words, as `datasets.read_conll` gives them, or a string, which is split
    at blanks, tabs and line ends and nowhere else. Tags likewise. A blank sentence, an empty list
    or a string of white space alone (of any kind, as `str.isspace` says), has no words: it gets no
    tags, and teaches nothing. A list of words is answered word for word, whatever a word is.

    Args:
        tokenizer: a `keras_seq.text.Tokenizer` of words, which makes one id of a word that it
            knows; a word that it makes none or several of counts as unknown.
        character_tokenizer: one of characters; `None` without `characters`.
        tag_names: the names of the tags, str, in the order of the outputs; with a scheme "O" and
            all the tags of each type.
        scheme: `None` for tags of single words, such as parts of speech. For spans of words, what
            the tags for training are written in: `"BIO"` (`"IOB2"`), `"IOB1"`, `"IOBES"`
            (`"BIOES"`), `"BILOU"` or `"BMES"`, in capitals or small letters. IOB1 becomes BIO when
            it is read: the model learns and writes BIO.
        characters: `"cnn"`, `"lstm"` or `None`: what reads the characters of a word.
        character_units: number of filters, or size of each of the two LSTMs.
        character_dim: size of the vectors of characters.
        max_word_length: of longer words the first and the last characters are read, half as many.
        zero_digits: whether a word is looked up with 0 for each of its digits; the characters stay.
        unknown_rate: how often, in training, a rare word is read as unknown: so unknown words get
            a vector, and the characters a say.
        rare_words: how many words at the end of the vocabulary are rare; `from_texts` counts those
            that it saw once.
        cell: `"lstm"`, `"gru"`, `"vanilla"` or another name in `ks.layers.CELLS`, the config of a
            cell, or an instance.
        units: size of the state, per direction.
        num_layers: number of recurrent layers.
        bidirectional: whether to read from both sides.
        crf: whether to learn how tags follow each other.
        embedding_dim: size of the word embeddings; `units` where `None`.
        dropout: rate on x, between layers and on h.
        residual: whether a layer's input is added to its output, above the bottom one.
        layer_norm: whether the output of each layer is normalised.
        variational: whether `dropout` drops the same features at all words of a sentence.
        weight_dropout: rate at which weights of the recurrent kernels are dropped.
        encoder: a layer in the place of the recurrent ones, such as `layers.RNNStack` or
            `layers.SelfAttentionEncoder` with `return_sequences=True`, its config, or any layer
            with the call `(inputs, mask=None, training=False)` from `(batch, words, size)` to
            `(batch, words, output_size)` and the attribute `output_size`.
        max_length: longer sentences are cut to so many words in training and `evaluate`; to answer,
            they are read in pieces of so many, each by itself.
        token_dropout: rate at which any word is read as unknown in training, its characters not.

    Call arguments:
        inputs: a dict of int32 ids, padded with 0 behind: `token_ids` `(batch, words)`, and with
            `characters` `char_ids` `(batch, characters)`, those of all words one behind the other,
            and `char_ends` `(batch, words)`, where each word ends. The label of a word is the
            number of its tag, from 1; 0 is padding.
        training: whether dropout is active, and rare words may be unknown.

    Returns:
        The emissions e, float32 `(batch, words, tags)`, 0 where padding. `predict` gives
        probabilities, `tag` gives tags.

    Raises:
        ValueError: for no tokenizer, `characters` without `character_tokenizer` or the other way
            round, sizes below 1, rates outside [0, 1), an unknown cell or scheme, tag names that
            are no distinct str or not what the scheme needs, more rare words than words, and for
            an `encoder` without the interface, or together with options of the recurrent layers
            that it takes the place of.

    Example:

    ```python
    sentences, tags = zip(*keras_seq.datasets.read_conll("eng.train"))
    model = keras_seq.models.TextTagger.from_texts(sentences, tags, scheme="IOB1", units=100)
    model.compile("adam")
    model.fit(sentences, tags, epochs=10)
    model.tag("Anna Miller lives in Rome .", return_spans=True)
    ```

    >>> model = TextTagger.from_texts(["Anna sings", "Rome"], ["B-PER O", "B-LOC"], "BIO", units=4)
    >>> model.tag_names
    ['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER']
    >>> sorted(model.tag("Anna")), len(model.tag([["Anna", "sings"]])[0])
    (['tags', 'tokens'], 2)

    References:
        - Huang, Xu & Yu, 2015, "Bidirectional LSTM-CRF models for sequence tagging",
          arXiv:1508.01991.
        - Lample, Ballesteros, Subramanian, Kawakami & Dyer, 2016, "Neural architectures for named
          entity recognition", arXiv:1603.01360 (characters by LSTMs; words seen once as unknown).
        - Ma & Hovy, 2016, "End-to-end sequence labeling via bi-directional LSTM-CNNs-CRF",
          arXiv:1603.01354 (characters by a convolution).
    """

    recipe = TAGGER
    needs_targets = False
    needs_labels = True
    label_per_token = True
    takes_words = True
    words = ("sentence", "tag row")

    def __init__(
        self,
        tokenizer: Tokenizer | Config,
        character_tokenizer: Tokenizer | Config | None,
        tag_names: Sequence[str],
        scheme: str | None = None,
        characters: str | None = "cnn",
        character_units: int = 30,
        character_dim: int = 30,
        max_word_length: int = 16,
        zero_digits: bool = False,
        unknown_rate: float = 0.5,
        rare_words: int = 0,
        cell: str | Config | keras.layers.Layer = "lstm",
        units: int = 256,
        num_layers: int = 1,
        bidirectional: bool = True,
        crf: bool = True,
        embedding_dim: int | None = None,
        dropout: float = 0.0,
        residual: bool = False,
        layer_norm: bool = False,
        variational: bool = False,
        weight_dropout: float = 0.0,
        encoder: Config | keras.layers.Layer | None = None,
        max_length: int = 512,
        *,
        token_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        stack = {
            "cell": cell,
            "num_layers": num_layers,
            "bidirectional": bidirectional,
            "residual": residual,
            "layer_norm": layer_norm,
            "weight_dropout": weight_dropout,
        }
        self._keep_options(tokenizer, units, embedding_dim, dropout, variational, encoder, stack)
        self._keep_token_dropout(token_dropout)
        self.tags = Tags(tag_names, scheme)
        self.characters = characters
        self.character_units = character_units
        self.character_dim = character_dim
        self.max_word_length = check_positive("max_word_length", max_word_length)
        self.zero_digits = zero_digits
        self.unknown_rate = check_rate("unknown_rate", unknown_rate)
        self.rare_words = self._check_rare(rare_words)
        self.crf = crf
        self.max_length = check_positive("max_length", max_length)
        self._make_inputs(character_tokenizer)
        self.encoder = self._make_encoder(encoder)
        self._make_outputs()
        self.build()

    def _check_rare(self, value):
        most = self.tokenizer.vocabulary_size
        number = as_integer(value)
        if number is None or not 0 <= number <= most:
            raise ValueError(
                f"`rare_words` must be an integer in [0, {most}], the size of the vocabulary; "
                f"received {value!r}."
            )
        return number

    def _make_inputs(self, character_tokenizer):
        """Make what stands below the encoder; all of it follows the dtype policy of the model."""
        if (character_tokenizer is None) != (self.characters is None):
            raise ValueError(
                "`character_tokenizer` and `characters` go together, or both are None; received "
                f"{character_tokenizer!r} and characters={self.characters!r}."
            )
        policy = self.dtype_policy
        self.embedding = self._make_embedding("words")
        self.character_tokenizer = self.character_features = None
        if self.characters is not None:
            self.character_tokenizer = get_tokenizer(character_tokenizer, "character_tokenizer")
            self.character_features = CharacterFeatures(
                self.character_tokenizer.vocabulary_size,
                self.character_units,
                self.characters,
                self.character_dim,
                self.max_word_length,
                dtype=policy,
                name="characters",
            )
        self.input_dropout = self._make_dropout()

    def _make_outputs(self):
        """Make what stands above the encoder."""
        policy = self.dtype_policy
        self.output_dropout = self._make_dropout()
        # A loss of emissions in half precision would lose what training needs.
        self.projection = keras.layers.Dense(
            len(self.tag_names), dtype=policy.variable_dtype, name="projection"
        )
        # Without `crf` its weights stay 0, and it knows of the scheme alone.
        self.chain = CRF(
            len(self.tag_names),
            self.tags.constraints,
            dtype=policy,
            trainable=bool(self.crf),
            name="chain",
        )
        self.seed_generator = keras.random.SeedGenerator()

    @classmethod
    def from_texts(
        cls,
        sentences: Any,
        tags: Any,
        scheme: str | None = None,
        characters: str | None = "cnn",
        lowercase: bool = False,
        zero_digits: bool = False,
        max_vocabulary: int | None = None,
        tag_names: Sequence[str] | None = None,
        **config: Any,
    ) -> Self:
        """Build the vocabularies and the tags from tagged sentences, and the model around them.

        Args:
            sentences: a list of sentences, each a list of words or a string.
            tags: for each sentence its tags, a list or a string.
            scheme: as in the model.
            characters: as in the model.
            lowercase: whether words are looked up in lower case; their characters keep the case.
            zero_digits: as in the model.
            max_vocabulary: largest vocabulary of words, the 4 special tokens included.
            tag_names: the tags in the order of the outputs; where `None`, those of `tags`, sorted,
                and with a scheme all that belong to the same types.
            **config: the other arguments of the model.

        Returns:
            An untrained `TextTagger`.

        Raises:
            ValueError: for sentences without a word, other numbers of tags than of sentences or
                than of words, no tags at all, tags that are not valid in the scheme, and for a tag
                in `tag_names` (with a scheme: a type) without any example.
        """
        sentences = check_sentences(sentences, "sentences")
        tags = check_sentences(tags, "tags", "tag")
        if len(sentences) != len(tags):
            raise ValueError(
                "There must be one row of tags for each sentence; received "
                f"{len(sentences)} sentences and {len(tags)} rows of tags."
            )
        check_counts(sentences, tags)
        names = tag_names_of(tags, tag_names, scheme)
        options = {"lowercase": lowercase, "max_vocabulary": max_vocabulary}
        tokenizer, rare = word_vocabulary(sentences, zero_digits, **options)
        letters = None if characters is None else character_vocabulary(sentences)
        config = {"rare_words": rare, "zero_digits": zero_digits, **config}
        return cls(tokenizer, letters, names, scheme, characters, **cls.with_recipe(config))

    def _build_features(self):
        if self.character_features is None:
            return self.embedding_dim
        self.character_features.build()
        return self.embedding_dim + self.character_features.output_size

    def _build_outputs(self, size):
        self.projection.build((None, None, size))
        self.chain.build((None, None, len(self.tag_names)))

    def compile(
        self,
        optimizer: str | Config | keras.optimizers.Optimizer = "auto",
        loss: Any = "auto",
        weighted_metrics: Any = "auto",
        label_smoothing: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Configure training; the other arguments are those of `keras.Model.compile`.

        Losses and metrics get the number of each tag from 0 on, see words alone, and take the
        emissions for logits, with the CRF too: what `tag` answers is another matter.

        Args:
            optimizer: a Keras optimiser; for `"auto"` see `models.Task.compile`.
            loss: `"auto"` is -log p(y | x) of the sentences of the batch, divided by the number of
                their words: with `crf` and without it in nats a word.
            weighted_metrics: `"auto"` is `TokenAccuracy` of the emissions: how often the largest
                one of a word is right, whatever its neighbours; `analysis.tag_scores` and
                `callbacks.TagScore` are of the answers of `tag`.
            label_smoothing: without `crf`: the share of the probability that `"auto"` spreads over
                all tags.
            **kwargs: such as `metrics`, `jit_compile`, `steps_per_execution`; `models.Task.compile`
                says what losses and metrics of one's own are given.
        """
        if isinstance(loss, CRFLoss):
            loss.take(self.chain)
        kwargs.update(weighted_metrics=weighted_metrics, label_smoothing=label_smoothing)
        super().compile(optimizer, loss, **kwargs)

    def default_loss(self, label_smoothing=0.0):
        if not self.crf:
            return TokenCrossEntropy(label_smoothing, name="cross_entropy")
        if check_rate("label_smoothing", label_smoothing):
            raise ValueError(
                f"`label_smoothing` is for a tagger without `crf`; received {label_smoothing!r}."
            )
        return TagLoss(self.chain)

    def default_metrics(self):
        return [TokenAccuracy()]

    def make_preprocessor(self):
        return TaggingPreprocessor(
            self.tokenizer,
            self.character_tokenizer,
            self.tags,
            self.zero_digits,
            self.max_word_length,
            self.max_length,
        )

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        token_ids = inputs["token_ids"]
        mask = ops.not_equal(token_ids, self.tokenizer.pad_token_id)
        vectors = self.embedding(self._some_unknown(token_ids, training))
        if self.character_features is not None:
            features = self.character_features(inputs["char_ids"], inputs["char_ends"])
            vectors = ops.concatenate([vectors, features], axis=-1)
        vectors = self.input_dropout(vectors, training=training)
        outputs = self.encoder(vectors, mask=mask, training=training)
        emissions = self.projection(self.output_dropout(outputs, training=training))
        return self.chain(emissions, mask=mask)

    def _some_unknown(self, token_ids, training):
        """The ids, in training without some of the rare words, and some of all."""
        token_ids = self._drop_tokens(token_ids, training)
        if not training or not self.rare_words or not self.unknown_rate:
            return token_ids
        unknown = self.tokenizer.unknown_token_id
        first = self.tokenizer.vocabulary_size - self.rare_words
        return some_unknown(token_ids, self.unknown_rate, unknown, self.seed_generator, first)

    def make_signatures(self, examples: Sequence[Any] | None = None) -> list[Signature]:
        """Return what the served model answers: words and their tags.

        Args:
            examples: sentences for the requests that warm a server up and show how; of frequent
                words where `None`.
        """
        return tagger_signatures(self, check_examples(examples, self.tokenizer))

    def get_config(self) -> Config:
        letters = self.character_tokenizer
        return {
            **super().get_config(),
            "character_tokenizer": letters and keras.saving.serialize_keras_object(letters),
            "tag_names": self.tag_names,
            "scheme": self.tags.read_scheme,
            **{name: getattr(self, name) for name in AS_GIVEN},
        }
