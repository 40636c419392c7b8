"""The base of all task models: training, evaluation and prediction on text."""

import functools
import inspect
from typing import Any

import keras
from keras import ops

from keras_seq._checks import check_batch_size
from keras_seq._typing import Config
from keras_seq.backend import kept_on_error, own_shares
from keras_seq.models.base.adapter import Adapter
from keras_seq.models.base.exportable import Exportable
from keras_seq.models.base.functions import CompiledFunctions
from keras_seq.models.base.predicting import predict_examples
from keras_seq.models.base.preprocessor import Preprocessor
from keras_seq.models.base.preset_model import PresetModel
from keras_seq.models.base.sharing import among_devices, check_predicts_alone
from keras_seq.models.base.turns import as_callbacks, in_turn
from keras_seq.text.batches import batched
from keras_seq.text.examples import LengthBatches
from keras_seq.text.pipeline import SHUFFLE_BUFFER
from keras_seq.text.subword_sampling import check_sampling


class Task(Exportable, PresetModel):
    """Base class of the task models: a Keras model that takes text.

    `fit`, `evaluate`, `predict` and the `*_on_batch` methods take

    - lists of `str`, tokenised once, batched by length; and what holds texts like a list: a tuple,
      an array of NumPy (of `str`, objects or `StringDType`, also `(texts, 1)`), a `Series`, `Index`
      or array of pandas, a `Series` of polars, a `Column` of Hugging Face's datasets, a tensor of
      strings, `datasets.Lines`, a generator. Bytes are read as UTF-8, a missing value is an error;
    - a table: a `DataFrame`, a `Dataset` of Hugging Face, or a dict of columns, whose columns are
      told by their names, such as "text" and "label", "source" and "target", "sample_weight";
    - anything that gives examples, pairs `(x, y)` or triples with a weight, one by one, such as a
      generator or a `Dataset` of PyTorch, which is read into memory;
    - what gives batches of texts: a `keras.utils.PyDataset` or a `DataLoader` of PyTorch, read anew
      in each epoch. A generator that has no end needs `steps_per_epoch` in `fit`, `steps` in
      `evaluate` and `predict`: then it is read as it goes, its examples by `batch_size`;
    - a `tf.data.Dataset` of strings: of single texts, such as `datasets.stream_parallel` reads
      from files larger than memory, which are shuffled and batched by length here, a window at a
      time; or of batches, which are kept. Elements, and the `x` of one, may be dicts, whose fields
      are told by their names like those of a table;
    - ids prepared by hand: the dict that `call` takes (or a dataset of it), handed on as it is.
      Where labels belong to tokens and no `sample_weight` comes with it, label 0 is padding.

    Like every Keras model that is no graph of layers it has no `inputs`: a callback from elsewhere
    that reads them asks `hasattr(model, "inputs")` before, as Keras does.

    A subclass defines `call` and `make_preprocessor`, and where it is exported `make_signatures`.
    What else differs between the tasks:

    Attributes:
        needs_targets: whether `call` reads the target: then there is no batch without a `y`.
        needs_labels: whether training takes a `y` that `call` does not read.
        label_per_token: whether a label belongs to a token, rather than to a whole text.
        takes_words: whether an input may be a list of words, too.
        words: what an input and its target are called in messages.
        labelled: the entry of the dict of ids that labels of tokens belong to, step by step.
        label_limit: what every label is below: the number of classes; `None`, as here, where labels
            are values. Those of tokens are padded with NaN, numbers of classes with 0.
        reads_all: whether batches are made of all texts together, so that these are in memory.
    """

    needs_targets = True
    needs_labels = False
    takes_words = False
    words = ("source", "target")
    labelled = "token_ids"
    reads_all = False

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._compiled = CompiledFunctions(self)

    def make_preprocessor(self) -> Preprocessor:
        """Return the `Preprocessor` that turns texts into ids; a subclass defines it."""
        return Preprocessor()

    @classmethod
    def with_recipe(cls, config: Config) -> Config:
        """Return arguments of the constructor: `config`, and what the recipe of the task adds.

        Nothing is added that describes layers which an `encoder` takes the place of, or that the
        constructor of a subclass does not take.
        """
        if cls.recipe is None:
            return config
        taken = inspect.signature(cls.__init__).parameters
        takes_all = any(p.kind is p.VAR_KEYWORD for p in taken.values())
        model = {k: v for k, v in cls.recipe.model.items() if takes_all or k in taken}
        if config.get("encoder") is not None:
            model = {name: value for name, value in model.items() if name == "embedding_dim"}
        return {**model, **config}

    @functools.cached_property
    def preprocessor(self) -> Preprocessor:
        """The `Preprocessor` of the model, made at its first use."""
        return self.make_preprocessor()

    def check_inputs(self, x):
        """Return `x` as the list that `encode_examples` takes, or raise a `ValueError`."""
        return self.preprocessor.check_inputs(x)

    def check_targets(self, y):
        """The same for `y`."""
        return self.preprocessor.check_targets(y)

    def encode_examples(self, x, y=None, sample_weight=None):
        """Return the `keras_seq.text.Examples` of lists of texts."""
        return self.preprocessor.encode_examples(x, y, sample_weight)

    def encode_tensors(self, x, y=None):
        """Return `(inputs, labels)`, ragged, of string tensors `(batch,)`."""
        return self.preprocessor.encode_tensors(x, y)

    def id_columns(self):
        """Return the `IdColumn` of each entry of the dict of ids that `call` takes, by name."""
        return self.preprocessor.id_columns()

    def make_batches(self, examples, batch_size, shuffle=False):
        """Return the batches of `Examples`: those of similar length together.

        Returns:
            An object with a `dataset` of `(x, y, sample_weight)`, or `(x,)` without labels, and
            `set_epoch(epoch)`, after which the dataset has the order of that epoch. It is a
            `tf.data.Dataset` on TensorFlow, and elsewhere a `keras.utils.PyDataset`.
        """
        batches = LengthBatches(examples, batch_size, shuffle=shuffle)
        return batched(batches, self.fills_batches(examples.labels))

    def split_examples(self, examples, fraction):
        """Return the examples without the last `fraction` of them, and those."""
        return examples.split(fraction)

    @in_turn("training")
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        sample_weight: Any = None,
        validation_batch_size: int | None = None,
        shuffle_buffer: int = SHUFFLE_BUFFER,
        class_weight: Any = None,
        subword_sampling: float = 0.0,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train on text; the arguments are those of `keras.Model.fit`, and two more.

        A model that is not compiled is compiled by the recipe of its task, see `compile`.

        `validation_split` takes the last part of the examples, before they are shuffled. The
        order of the examples depends only on the number of the epoch and on the state of NumPy's
        generator when training begins, so after the same `keras.utils.set_random_seed` a training
        continued with `initial_epoch` meets the order it would have met.

        Args:
            batch_size: how many examples make a batch; `None` is that of the recipe where `compile`
                took its optimizer, and otherwise 32. Batches that come ready stay as they are.
            shuffle_buffer: for a dataset of single texts: how many of them are in memory at once,
                to be shuffled and batched by length. Texts further apart are never mixed, so a
                file sorted in some way should be shuffled before.
            class_weight: how much the examples of each class count in training, as `weigh_classes`
                of the model takes it; for ids prepared by hand as in `keras.Model.fit`.
            subword_sampling: how each epoch draws other subwords of the same texts, by the alpha of
                sentencepiece; 0 for always the best ones. For the unigram models of `from_texts`
                it is the power of a split's probability, and 0.1 to 0.5 are usual, the smaller the
                more they differ (Kudo, 2018); for BPE the rate of merges left out, usually 0.1
                (Provilkov et al., 2020). Texts get longer: by 3 % at 0.5, 30 % at 0.2 and 91 % at
                0.1, the German of Multi30k in 4,000 pieces. What is validated on is never drawn.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: for unequal numbers of inputs and targets, an empty corpus, ids where
                strings belong, a dataset of texts without targets, or with a `y` besides, a split
                that leaves nothing to train on, or `class_weight` where a model has no classes.
        """
        if not self.compiled and self.recipe is not None:
            self.compile()
        self._check_compiled("fit")
        batch_size = check_batch_size(batch_size)
        if not 0 <= validation_split < 1:
            raise ValueError(f"`validation_split` must be in [0, 1); received {validation_split}.")
        adapter, steps = Adapter(self), kwargs.get("steps_per_epoch")
        data = adapter.training(x, y, sample_weight, steps, batch_size)
        data.check_options(validation_split, class_weight)
        if check_sampling(subword_sampling):
            data.sample_subwords(subword_sampling)
        size = kwargs["validation_batch_size"] = check_batch_size(validation_batch_size, batch_size)
        validation = None
        if validation_data is not None:
            validation = adapter.validation(validation_data, kwargs.get("validation_steps"), size)
            if validation.counted:
                kwargs["validation_steps"] = None
        elif validation_split:
            data, validation = data.split(validation_split)
        if validation is not None:
            kwargs.update(validation.as_validation(size, shuffle_buffer))
        if class_weight is not None:
            data = data.weigh_classes(class_weight)
        kwargs.update(data.shuffled(batch_size, shuffle, shuffle_buffer))
        kwargs = among_devices(self, kwargs)
        callbacks = [*as_callbacks(callbacks), *kwargs.pop("callbacks", [])]
        callbacks = [*self.default_callbacks(callbacks), *callbacks]
        with own_shares(), kept_on_error(self):
            return super().fit(
                epochs=epochs, verbose=verbose, callbacks=self.turns.among(callbacks), **kwargs
            )

    def weigh_classes(self, examples, class_weight):
        """Return the `Examples` with weights that follow the class of each."""
        raise ValueError(f"`class_weight` has no meaning for a {type(self).__name__}.")

    @in_turn("evaluating")
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return loss and metrics on text; the arguments are those of `keras.Model.evaluate`."""
        self._check_compiled("evaluate")
        batch_size = check_batch_size(batch_size)
        arguments = {"x": x, "y": y, "batch_size": batch_size, "sample_weight": sample_weight}
        if "_use_cached_eval_dataset" not in kwargs:  # `fit` has looked at it before
            steps = kwargs.get("steps")
            data = Adapter(self).measuring(x, y, sample_weight, steps, batch_size)
            arguments = among_devices(self, data.in_order(batch_size))
            if data.counted:
                kwargs["steps"] = None
        with own_shares(), kept_on_error(self):
            return super().evaluate(**arguments, **kwargs)

    @in_turn("evaluating")
    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, **kwargs: Any
    ) -> Any:
        """Train on one batch of text or ids, as `keras.Model.train_on_batch`."""
        self._check_compiled("train_on_batch")
        data = Adapter(self).batch(x, y, sample_weight)
        data.check_labelled()
        x, y, sample_weight = data.one_batch()
        with kept_on_error(self):
            return super().train_on_batch(x, y, sample_weight=sample_weight, **kwargs)

    @in_turn("evaluating")
    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, **kwargs: Any) -> Any:
        """Evaluate one batch of text or ids, as `keras.Model.test_on_batch`."""
        self._check_compiled("test_on_batch")
        data = Adapter(self).batch(x, y, sample_weight)
        data.check_labelled()
        x, y, sample_weight = data.one_batch()
        with kept_on_error(self):
            return super().test_on_batch(x, y, sample_weight=sample_weight, **kwargs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return what the model answers to texts, or what it computes of ids prepared by hand.

        Args:
            x: texts in any form that `models.Task` describes, or ids.
            batch_size: how many rows at once; texts of similar length go together.
            verbose: as in `keras.Model.predict`.
            steps: how many batches are read of what gives any number of them.
            callbacks: as in `keras.Model.predict`; for what writes or tags, only with ids.

        Returns:
            - What writes: the answers of `generate`, an array of strings (of lists, where the
              sampler has an `n_best`); for ids the logits.
            - A classifier: the probabilities of the classes, float32 `(texts, classes)`, in the
              order of the texts and of `class_names`. The rows sum to 1, but with `multi_label`
              each number stands for itself.
            - A tagger: a list with a float32 array `(words, tags)` for each sentence, in the order
              of `tag_names`; each row sums to 1. With the CRF, or with a scheme, these are
              marginals: of all sentences of tags that are valid, each as probable as the model
              finds it, those with that tag there.
            - Other models: what `call` returns, a row for each text, or where labels belong to
              tokens a list of arrays `(tokens, ...)`.

        Raises:
            ValueError: for anything but these.
        """
        data = Adapter(self).inputs(x, steps)
        more = {"verbose": verbose, "steps": steps, "callbacks": callbacks}
        return data.predict(check_batch_size(batch_size), **more)

    def predict_on_batch(self, x: Any) -> Any:
        """Return what `predict` does for one batch, of texts or of ids prepared by hand."""
        return Adapter(self).inputs(x).predict_batch()

    def predict_texts(self, texts, batch_size=None, verbose=0, steps=None, callbacks=None):
        """Return what `predict` does for a list of texts."""
        examples = self.encode_examples(self.check_inputs(texts))
        return predict_examples(self, examples, batch_size, verbose, steps, callbacks)

    @in_turn("predicting")
    def predict_ids(self, x, **kwargs):
        """Return what `call` gives for ids that are known to be right."""
        check_predicts_alone(self)
        with own_shares(divided=False), kept_on_error(self):
            return super().predict(x, **kwargs)

    def answer_ids(self, x, **kwargs):
        """Return what `predict` does for ids that are known to be right."""
        return self.as_predictions(self.predict_ids(x, **kwargs))

    @in_turn("predicting")
    def answer_ids_on_batch(self, x):
        """Return what `predict_on_batch` does for ids that are known to be right."""
        check_predicts_alone(self)
        with own_shares(divided=False), kept_on_error(self):
            return self.as_predictions(super().predict_on_batch(x))

    def as_predictions(self, outputs):
        """Return what `predict` gives where `call` returns these arrays: here, them."""
        return outputs

    def compute(self, inputs, **options):
        """Return what `call` gives for a dict of padded ids, as arrays; compiled once a shape."""
        names = tuple(sorted(inputs))

        def run(*columns):
            return self(dict(zip(names, columns, strict=True)), **options)

        key = (names, *options.items())
        run = self._compiled(key, self._compiled.reader(key, run))
        outputs = run(*(ops.convert_to_tensor(inputs[name], dtype="int32") for name in names))
        return keras.tree.map_structure(ops.convert_to_numpy, outputs)

    def as_batch(self, x, y=None, sample_weight=None):
        """Return `(x, y, sample_weight)` of one batch, as arrays.

        Args:
            x, y: texts, and what belongs to them, in any form; or ids prepared by hand, which are
                returned as they are. Without `y` there are only inputs, where `call` reads no `y`.
            sample_weight: weights of the rows or of the tokens; without them, padding weighs 0.
        """
        return Adapter(self).batch(x, y, sample_weight).one_batch()
