"""Several models of one task that answer together."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_seq.layers.crf import CRF
from keras_seq.models.base.task import Task
from keras_seq.models.base.writing import WritingTask
from keras_seq.models.classification.text_classifier import TextClassifier
from keras_seq.models.language.language_model import LanguageModel
from keras_seq.models.tagging.text_tagger import TextTagger
from keras_seq.models.translation.seq2seq import Seq2Seq
from keras_seq.samplers.sampler import log_softmax


class Ensemble(Task):
    r"""Several models of one task that answer together, as one model of that task.

        Seq2Seq, LanguageModel   log p(y_t | y_<t, x) = 1/n sum_i log p_i(y_t | y_<t, x) - log Z_t
        TextClassifier           p(k | x) = 1/n sum_i p_i(k | x)
        TextTagger               log p(y | x) = 1/n sum_i log p_i(y | x) - log Z        with `crf`
                                 p(y_t | x) = 1/n sum_i p_i(y_t | x)                    without it

    The mean of log-probabilities, with Z for a sum of 1, is the usual one of a search: what one
    model finds impossible is not written. For a CRF it is one over whole sentences of tags, which
    is the CRF of the means of all emissions and of all transitions; so the tags are valid, too.

    An ensemble is a `Seq2Seq`, a `LanguageModel`, a `TextClassifier` or a `TextTagger` like its
    models: `generate` with every sampler, `score`, `stream`, `classify`, `tag`, `predict`,
    `evaluate`, `export` and the commands do with it what they do with one of them. It is saved as
    one file, which `keras.saving.load_model` reads on any backend. The attention that it returns is
    the mean over its models, and is there if all of them have one.

    The models may be of any size and have any cells; what makes ids of texts, and texts of ids, is
    the same. They are the models that were given, not copies. The ensemble is compiled for
    `evaluate`, with the sampler of the first of them. `fit`, after another `compile`, would train
    all of them together; as a rule each has been trained by itself, with a seed of its own.

    Args:
        models: a list of models of one class, in any order; or their configs.
        **kwargs: the arguments of every Keras model, such as `name`.

    Call arguments:
        inputs: as the models take them.
        training: likewise.
        return_attention: likewise.

    Returns:
        What the models return: logits whose softmax (with `multi_label` the sigmoid) is p; of a CRF
        the means of the emissions.

    Raises:
        ValueError: for no models, for one that is none of these or itself an ensemble, one that
            stands there twice, models of different classes, and of different vocabularies, classes,
            tags or limits of length.

    Example:

    ```python
    models = [keras_seq.models.load_model(f"seed{seed}.keras") for seed in range(5)]
    ensemble = keras_seq.models.Ensemble(models)
    ensemble.generate("27 September 2016", sampler="beam")
    ensemble.save("ensemble.keras")
    ```

    >>> from keras_seq.models import TextClassifier
    >>> texts, labels = ["a fine film", "dull"], ["good", "bad"]
    >>> models = [TextClassifier.from_texts(texts, labels, units=n) for n in (3, 4)]
    >>> probabilities = Ensemble(models).predict(texts, verbose=0)
    >>> mean = sum(model.predict(texts, verbose=0) for model in models) / 2
    >>> bool(abs(probabilities - mean).max() < 1e-6)
    True

    References:
        - Sutskever, Vinyals & Le, 2014, "Sequence to sequence learning with neural networks",
          arXiv:1409.3215 (ensembles of translators).
        - Hinton, 2002, "Training products of experts by minimizing contrastive divergence", Neural
          Computation 14(8) (the mean of log-probabilities).
    """

    _task = None  # the class of the models
    _same = ()  # arguments of the models that are the same in all of them
    _shared = ()  # attributes of the first model that are those of the ensemble too

    def __new__(cls, models: Sequence[Task], **kwargs: Any):
        if cls is Ensemble:
            cls = _kind_of(models)
        return super().__new__(cls)

    def __init__(self, models: Sequence[Task], **kwargs: Any):
        Task.__init__(self, **kwargs)  # a single model would make its layers
        self.models = self._checked(models)
        for name in self._shared:
            setattr(self, name, getattr(self.models[0], name))
        self._make_parts()
        self.build()
        options = {}
        if isinstance(self, WritingTask):
            options["sampler"] = self.models[0].sampler
        self.compile("sgd", **options)  # without a state of its own

    @classmethod
    def from_texts(cls, *texts, **config):
        """An ensemble is made of models that there are."""
        task = "the task" if cls._task is None else cls._task.__name__
        raise ValueError(
            "An ensemble is made of trained models, as `Ensemble([first, second])`; `from_texts` "
            f"belongs to their class: use that of {task}."
        )

    def _make_parts(self):
        """Make what an ensemble has besides its models."""

    def build(self, input_shape=None):
        """Nothing is left to make: the models are built."""
        self.built = True

    def _checked(self, models):
        """The models, if they go together."""
        models = [
            keras.saving.deserialize_keras_object(model) if isinstance(model, dict) else model
            for model in models
        ]
        if isinstance(models[0], Ensemble) or len({type(model) for model in models}) > 1:
            raise ValueError(
                "`models` must be models of one class, and no ensembles; received "
                f"{', '.join(type(model).__name__ for model in models)}."
            )
        if len({id(model) for model in models}) < len(models):
            raise ValueError("`models` must be different objects; received one of them twice.")
        first, *configs = [_without_places(model.get_config()) for model in models]
        for place, config in enumerate(configs, start=1):
            for name in self._same:
                if config[name] != first[name]:
                    raise ValueError(
                        f"`models` must have the same `{name}`; received "
                        f"{getattr(models[0], name)!r} and, in model {place}, "
                        f"{getattr(models[place], name)!r}."
                    )
        return models

    def make_preprocessor(self):
        return self.models[0].preprocessor

    # The models may be of a subclass that has a way of its own to encode.

    def check_inputs(self, x):
        return self.models[0].check_inputs(x)

    def check_targets(self, y):
        return self.models[0].check_targets(y)

    def encode_examples(self, x, y=None, sample_weight=None):
        return self.models[0].encode_examples(x, y, sample_weight)

    def encode_tensors(self, x, y=None):
        return self.models[0].encode_tensors(x, y)

    def id_columns(self):
        return self.models[0].id_columns()

    def passing_variables(self):
        return [variable for model in self.models for variable in model.passing_variables()]

    def save(self, filepath, *args, **kwargs):
        """Save the models in one file, tokenizers included, without their optimizers."""
        optimizers = [getattr(model, "optimizer", None) for model in self.models]
        try:
            for model in self.models:
                model.optimizer = None
            super().save(filepath, *args, **kwargs)
        finally:
            for model, optimizer in zip(self.models, optimizers, strict=True):
                model.optimizer = optimizer

    def _of_each(self, inputs, training, return_attention):
        """The logits of all models, and their attention weights: `None` where nobody asks."""
        if not return_attention:
            return [model(inputs, training=training) for model in self.models], None
        answers = [model(inputs, training=training, return_attention=True) for model in self.models]
        return zip(*answers, strict=True)

    def get_config(self):
        models = [keras.saving.serialize_keras_object(model) for model in self.models]
        without = ("build_config", "compile_config")
        models = [{k: v for k, v in model.items() if k not in without} for model in models]
        return {**Task.get_config(self), "models": models}

    def step_tokens(self, inputs):
        raise ValueError(
            "An Ensemble has no layers of its own to look into; look into one of its `models`."
        )


def _without_places(config):
    """A config without the marks of objects that Keras has met before, which are places in memory.

    While a file is read Keras adds them, also to what only stands where something freed has stood.
    """
    if isinstance(config, dict):
        return {
            key: _without_places(value)
            for key, value in config.items()
            if key != "shared_object_id"
        }
    if isinstance(config, list | tuple):
        return [_without_places(value) for value in config]
    return config


class WritingEnsemble(Ensemble):
    """An ensemble whose models have `start` and `step`, for a search."""

    def start(self, *inputs, **options):
        """Return `(state, memory)` before the first token, those of all models."""
        pairs = [model.start(*inputs, **options) for model in self.models]
        states, memory = map(list, zip(*pairs, strict=True))
        return self._joined(states), memory

    def step(self, token_ids, state, memory=None):
        """Return `(logits, state)` after feeding `token_ids` `(batch,)`: a mean, and all states."""
        memory = memory or [{}] * len(self.models)
        pairs = [
            model.step(token_ids, *parts)
            for model, *parts in zip(self.models, state["models"], memory, strict=True)
        ]
        logits, states = zip(*pairs, strict=True)
        return mean_logits(logits), self._joined(list(states))

    def _joined(self, states):
        """One state of several, with the mean of what each has covered, for a penalty."""
        joined = {"models": states}
        if all(isinstance(state, dict) and "coverage" in state for state in states):
            joined["coverage"] = mean([state["coverage"] for state in states])
        return joined


@keras.saving.register_keras_serializable(package="keras_seq")
class Seq2SeqEnsemble(WritingEnsemble, Seq2Seq):
    """An `Ensemble` of translators."""

    _task = Seq2Seq
    _shared = ("source_tokenizer", "target_tokenizer", "max_source_length", "max_target_length")
    _shared = _same = (*_shared, "copy")

    def _make_parts(self):
        self._prepare_search(self.target_tokenizer, "greedy")

    def call(self, inputs, training=False, return_attention=False):
        logits, weights = self._of_each(inputs, training, return_attention)
        if not return_attention:
            return mean_logits(logits)
        return mean_logits(logits), mean(weights) if self.has_attention else None

    @property
    def has_attention(self):
        return all(model.has_attention for model in self.models)

    @property
    def has_scheduled_sampling(self):
        return any(model.has_scheduled_sampling for model in self.models)


@keras.saving.register_keras_serializable(package="keras_seq")
class LanguageModelEnsemble(WritingEnsemble, LanguageModel):
    """An `Ensemble` of language models."""

    _task = LanguageModel
    _shared = ("tokenizer", "window")
    _same = _shared

    def _make_parts(self):
        self._prepare_search(self.tokenizer, "random")

    def call(self, inputs, training=False):
        return mean_logits([model(inputs, training=training) for model in self.models])

    @property
    def carries(self):
        return any(model.carries for model in self.models)

    @property
    def chunk(self):
        """How many steps are scored at once: the window, if one model has no state to carry."""
        return next((m.chunk for m in self.models if not m.carries), self.models[0].chunk)

    def make_room(self, rows):
        return any([model.make_room(rows) for model in self.models])

    def first_state(self, rows):
        return [model.first_state(rows) for model in self.models]

    def read(self, token_ids, state):
        pairs = [m.read(token_ids, own) for m, own in zip(self.models, state, strict=True)]
        logits, states = zip(*pairs, strict=True)
        return mean_logits(logits), list(states)


@keras.saving.register_keras_serializable(package="keras_seq")
class TextClassifierEnsemble(Ensemble, TextClassifier):
    """An `Ensemble` of classifiers."""

    _task = TextClassifier
    _shared = ("tokenizer", "classes", "threshold", "max_length")
    _same = ("tokenizer", "class_names", "multi_label", "max_length")

    def call(self, inputs, training=False, return_attention=False):
        logits, weights = self._of_each(inputs, training, return_attention)
        logits = of_mean_sigmoid(logits) if self.multi_label else of_mean_softmax(logits)
        return (logits, mean(weights)) if return_attention else logits

    @property
    def pooling(self):
        """The pooling that says whether there are weights: one without, if there is one."""
        poolings = [model.pooling for model in self.models]
        return next((one for one in poolings if not one.has_attention), poolings[0])


@keras.saving.register_keras_serializable(package="keras_seq")
class TextTaggerEnsemble(Ensemble, TextTagger):
    """An `Ensemble` of taggers."""

    _task = TextTagger
    _shared = ("tokenizer", "character_tokenizer", "tags", "zero_digits", "max_word_length")
    _shared += ("max_length", "crf")
    _same = ("scheme", "tag_names", *(name for name in _shared if name != "tags"))

    def _make_parts(self):
        self.chain = MeanCRF(
            [model.chain for model in self.models], dtype=self.dtype_policy, name="chain"
        )

    def call(self, inputs, training=False):
        emissions = [model(inputs, training=training) for model in self.models]
        emissions = mean(emissions) if self.crf else of_mean_softmax(emissions)
        return self.chain(emissions, mask=ops.not_equal(inputs["token_ids"], 0))


class MeanCRF(CRF):
    """The `CRF` of the means of the weights of others, without any of its own.

    Args:
        chains: the others, of the same tags and constraints.
        **kwargs: those of every layer.
    """

    def __init__(self, chains, **kwargs):
        super().__init__(chains[0].units, chains[0].constraints, **kwargs)
        # In a function, where Keras does not look for weights: they are those of the models.
        self._mean = lambda name: mean([ops.convert_to_tensor(getattr(x, name)) for x in chains])
        self.built = True

    transitions = property(lambda self: self._mean("transitions"))
    start = property(lambda self: self._mean("start"))
    end = property(lambda self: self._mean("end"))


KINDS = (Seq2SeqEnsemble, LanguageModelEnsemble, TextClassifierEnsemble, TextTaggerEnsemble)


def _kind_of(models):
    """The class of an ensemble of these models."""
    if not isinstance(models, (list, tuple)) or not models:
        raise ValueError(
            "`models` must be a list of models of one class, at least one; received "
            f"{'none' if isinstance(models, (list, tuple)) else repr(models)}."
        )
    for kind in KINDS:
        if isinstance(models[0], kind._task):
            return kind
    raise ValueError(
        f"`models` must be instances of {', '.join(kind._task.__name__ for kind in KINDS)}; "
        f"received {models[0]!r}."
    )


def mean(tensors):
    """The mean of tensors of one shape."""
    return sum(tensors[1:], tensors[0]) / len(tensors)


def mean_logits(logits):
    """The mean of the log-probabilities, float32."""
    return mean([log_softmax(x) for x in logits])


def of_mean_softmax(logits):
    """Logits whose softmax is the mean of those of `logits`: its logarithm, float32."""
    stacked = ops.stack([log_softmax(x) for x in logits])
    return ops.logsumexp(stacked, axis=0) - ops.log(float(len(logits)))


def of_mean_sigmoid(logits):
    """Logits whose sigmoid is the mean of those of `logits`, float32."""
    stacked = ops.cast(ops.stack(logits), "float32")
    yes, no = (ops.logsumexp(ops.log_sigmoid(x), axis=0) for x in (stacked, -stacked))
    return yes - no
