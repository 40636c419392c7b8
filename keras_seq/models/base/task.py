"""What all task models share: training on text, compiling, saving."""

import pathlib
import types

import keras
import numpy as np
from keras import ops

from keras_seq._checks import check_batch_size
from keras_seq._files import check_place, replacing
from keras_seq.backend import guarded, kept_on_error, static_step
from keras_seq.models.base.adapter import Adapter, Stream, gives_batches
from keras_seq.models.base.exportable import Exportable
from keras_seq.models.base.frozen import Frozen
from keras_seq.models.base.id_checks import check_id_dataset, check_ids
from keras_seq.models.base.outputs import Outputs
from keras_seq.models.base.own_metrics import heeds_filling, real_loss, real_metrics
from keras_seq.models.base.quantizable import Quantizable
from keras_seq.models.base.real_rows import LossTracker, pack
from keras_seq.models.base.turns import Turns, in_turn
from keras_seq.text import Tokenizer
from keras_seq.text.examples import LengthBatches, pad, padded_length
from keras_seq.text.forms import as_texts, is_column, is_readable
from keras_seq.text.pipeline import (
    REAL_ROWS,
    SHUFFLE_BUFFER,
    BatchedDataset,
    StreamedDataset,
    add_weights,
    is_batched,
    is_text_dataset,
    map_batches,
)


class _SetEpoch(keras.callbacks.Callback):
    """Gives each epoch its order of the batches, which depends on (seed, epoch) alone."""

    def __init__(self, batched):
        super().__init__()
        self.batched = batched

    def on_epoch_begin(self, epoch, logs=None):
        self.batched.set_epoch(epoch)


class Task(Frozen, Exportable, Quantizable, keras.Model):
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

    A subclass defines `encode_examples` (Python texts to `Examples`), `encode_tensors` (the same
    inside a `tf.data` graph), `call`, and `check_targets` where a target is no text. What else
    differs between the tasks:

    Attributes:
        needs_targets: whether `call` reads the target: then there is no batch without a `y`.
        needs_labels: whether training takes a `y` that `call` does not read.
        label_per_token: whether a label belongs to a token, rather than to a whole text.
        takes_words: whether an input may be a list of words, too.
        words: what an input and its target are called in messages.
        labelled: the entry of the dict of ids that labels of tokens belong to, step by step.
        label_limit: what every label of ids prepared by hand is below.
    """

    needs_targets = True
    needs_labels = False
    label_per_token = True
    takes_words = False
    words = ("source", "target")
    labelled = "token_ids"
    label_limit = None

    _compiled_with = None  # what `compile` got and made of it

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.turns = Turns()

    def reading(self):
        """Return a context in which the variables have their newest values, in any thread."""
        return self.turns.reading(self)

    def compile(
        self,
        optimizer="adam",
        loss=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        jit_compile="auto",
        **kwargs,
    ):
        """Configure training; the arguments are those of `keras.Model.compile`.

        Losses and metrics see real texts and tokens alone, and no row that fills up a batch: the
        numbers are those of one row of all texts, or of the tokens of all texts. `metrics` leave
        the user's weights out, `weighted_metrics` and the loss heed them.

        - Keras's own are given probabilities, the softmax (with `multi_label` the sigmoid) of what
          `call` returns, those with `from_logits=True` that itself; and labels in the shape that
          they take. `"accuracy"` is that of the task.
        - What a user wrote is given what `call` returns, and the numbers of the classes. In a task
          with labels for tokens it is tried on a few made-up ones: if it is computed of tokens, it
          gets those of a batch in one row, `(tokens,)` and `(tokens, classes)`; otherwise it gets
          `(batch, steps)` and must heed a `sample_weight` of this shape.

        A name that stands in both lists is that of the one in `metrics`; the other is reported as
        `weighted_...`.

        Raises:
            ValueError: for what Keras does not know, for more than one loss, and for what cannot be
                kept from counting padding.
        """
        static = not run_eagerly and static_step(jit_compile)
        outputs = self.output_form()
        used_loss = real_loss(loss, outputs, static)
        used = real_metrics(metrics, weighted_metrics, outputs, static)
        super().compile(
            optimizer=optimizer,
            loss=used_loss,
            weighted_metrics=used or None,
            run_eagerly=run_eagerly,
            jit_compile=jit_compile,
            **kwargs,
        )
        self.loss = loss
        # In a namespace, where Keras does not look for what it tracks and saves.
        self._compiled_with = types.SimpleNamespace(
            config={"loss": loss, "metrics": metrics, "weighted_metrics": weighted_metrics},
            loss=used_loss,
            tracker=LossTracker(super().metrics[0]),
            filled=heeds_filling([*used, *([used_loss] if used_loss else [])]),
        )

    def get_compile_config(self):
        config = super().get_compile_config()
        if config and self._compiled_with is not None:
            own = keras.saving.serialize_keras_object(self._compiled_with.config)
            config.update(own)
        return config

    @property
    def metrics(self):
        found = super().metrics
        if self._compiled_with is not None:
            found[0] = self._compiled_with.tracker  # in the place of Keras's
        return found

    def output_form(self):
        """Return the `Outputs` of the model: what its labels and predictions are."""
        return Outputs(5, self.label_per_token)

    def real_targets(self, x, y, sample_weight=None):
        """Return `(labels, weights, real)` of a batch.

        Args:
            x, y, sample_weight: of a batch, as Keras has them. The weights are those of rows or of
                tokens, or `None`.

        Returns:
            The labels as losses and metrics take them; the weights, float32, of the shape of rows
            or tokens, 0 for what is not real; and 1 for what is and 0 for what is not, of the same
            shape.
        """
        labels = ops.convert_to_tensor(y)
        if self.label_per_token:
            real = ops.cast(labels != 0, "float32")
        elif isinstance(x, dict) and REAL_ROWS in x:
            real = ops.cast(x[REAL_ROWS], "float32")
        else:
            first = labels if len(labels.shape) == 1 else labels[:, 0]
            real = ops.ones_like(first, dtype="float32")
        if sample_weight is None:
            return labels, real, real
        weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
        if self.label_per_token:  # TensorFlow does not always know how many axes there are
            weights = ops.reshape(weights, (ops.shape(labels)[0], -1))
        else:
            weights = ops.reshape(weights, (-1,))
        return labels, ops.where(real > 0, weights, ops.zeros_like(real)), real

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if y is not None and self._compiled_with is not None:
            y, weights, real = self.real_targets(x, y, sample_weight)
            sample_weight = pack(weights, real)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if y is not None and self._compiled_with is not None:
            y, weights, real = self.real_targets(x, y, sample_weight)
            loss = self._compiled_with.loss
            weight = ops.sum(real) if loss is None else loss.batch_weight(weights, real)
            self._compiled_with.tracker.settle(weight)
            sample_weight = pack(weights, real)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def check_inputs(self, x):
        """Return `x` as the list that `encode_examples` takes, or raise a `ValueError`."""
        return check_texts(x, "x")

    def check_targets(self, y):
        """The same for `y`."""
        return check_texts(y, "y")

    def encode_examples(self, x, y=None, sample_weight=None):
        """Return the `keras_seq.text.Examples` of lists of texts."""
        raise NotImplementedError(f"{type(self).__name__} must define encode_examples(x, y).")

    def encode_tensors(self, x, y=None):
        """Return `(inputs, labels)`, ragged, of string tensors `(batch,)`."""
        raise NotImplementedError(f"{type(self).__name__} must define encode_tensors(x, y).")

    def make_batches(self, examples, batch_size, shuffle=False):
        """Return the batches of `Examples`: those of similar length together.

        Returns:
            An object with a `dataset` of `(x, y, sample_weight)`, or `(x,)` without labels, and
            `set_epoch(epoch)`, after which the dataset has the order of that epoch.
        """
        batches = LengthBatches(examples, batch_size, shuffle=shuffle)
        return BatchedDataset(batches, self._filled(examples.labels))

    def _filled(self, labels=True):
        """Whether all batches have the same number of rows, filled up where there are fewer.

        They are not where a loss or metric of the user's would take such a row for a text.
        """
        if self.label_per_token or labels is None or self._compiled_with is None:
            return True
        return self._compiled_with.filled

    def split_examples(self, examples, fraction):
        """Return the examples without the last `fraction` of them, and those."""
        return examples.split(fraction)

    def id_columns(self):
        """Return the `IdColumn` of each entry of the dict of ids that `call` takes, by name.

        Ids prepared by hand are checked against these and the `label_limit`; not at all where
        there are none.
        """
        return None  # nothing is known of them

    def passing_variables(self):
        """Return the variables that no epoch begins with: nothing saves them."""
        return []

    @in_turn("training")
    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        sample_weight=None,
        validation_batch_size=None,
        shuffle_buffer=SHUFFLE_BUFFER,
        class_weight=None,
        **kwargs,
    ):
        """Train on text; the arguments are those of `keras.Model.fit`, and one more.

        `validation_split` takes the last part of the examples, before they are shuffled. The
        order of the examples depends only on the number of the epoch and on the state of NumPy's
        generator when training begins, so after the same `keras.utils.set_random_seed` a training
        continued with `initial_epoch` meets the order it would have met.

        Args:
            shuffle_buffer: for a dataset of single texts: how many of them are in memory at once,
                to be shuffled and batched by length. Texts further apart are never mixed, so a
                file sorted in some way should be shuffled before.
            class_weight: how much the examples of each class count in training, as `weigh_classes`
                of the model takes it; for ids prepared by hand as in `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: for unequal numbers of inputs and targets, an empty corpus, ids where
                strings belong, a dataset of texts without targets, or with a `y` besides, a split
                that leaves nothing to train on, or `class_weight` where a model has no classes.
        """
        self._check_compiled("fit")
        batch_size = check_batch_size(batch_size)
        if not 0 <= validation_split < 1:
            raise ValueError(f"`validation_split` must be in [0, 1); received {validation_split}.")
        steps = kwargs.get("steps_per_epoch")
        x, y, sample_weight = Adapter(self).read(
            x, y, sample_weight, steps=steps, batch_size=batch_size, streams=True
        )
        self._check_labelled(x, y)
        if class_weight is not None and self.label_per_token:
            raise ValueError(f"`class_weight` has no meaning for a {type(self).__name__}.")
        if class_weight is not None and self.output_form().multi_label:
            raise ValueError("`class_weight` has no meaning with multi_label=True.")
        if class_weight is not None and (is_text_dataset(x) or isinstance(x, Stream)):
            raise ValueError("`class_weight` needs lists; put the weights into the dataset.")
        validation_batch_size = check_batch_size(validation_batch_size, batch_size)
        validation_data, steps = self._read_validation(
            validation_data, validation_batch_size, kwargs.get("validation_steps")
        )
        if "validation_steps" in kwargs:
            kwargs["validation_steps"] = steps
        validation_data = self._validation(validation_data, validation_batch_size, shuffle_buffer)
        callbacks = _callback_list(callbacks)
        batched = None
        if is_text(x):
            examples = self._examples(x, y, sample_weight)
            if validation_split and validation_data is None:
                examples, held_out = self.split_examples(examples, validation_split)
                validation_data = self.make_batches(held_out, validation_batch_size or 32).dataset
            if class_weight is not None:
                examples, class_weight = self.weigh_classes(examples, class_weight), None
            batched = self.make_batches(examples, batch_size or 32, shuffle)
        elif validation_split and is_dataset(x):
            raise ValueError("`validation_split` needs lists; pass `validation_data` instead.")
        elif isinstance(x, Stream):
            batched, x.shuffle = x, shuffle
            self._check_no_more(y, sample_weight)
        elif is_text_dataset(x) and not is_batched(x):
            self._check_text_dataset(x, y, sample_weight)
            batched = StreamedDataset(
                x,
                self.encode_tensors,
                batch_size or 32,
                shuffle,
                shuffle_buffer,
                filled=self._filled(),
            )
        if batched is not None:
            callbacks = [*callbacks, _SetEpoch(batched)]
            x, y, sample_weight, batch_size, shuffle = batched.dataset, None, None, None, False
        else:
            x, y, sample_weight, batch_size = self._convert(x, y, sample_weight, batch_size)
            shuffle = shuffle and not is_dataset(x)
        with kept_on_error(self):
            return super().fit(
                x=x,
                y=y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=self.turns.among(callbacks),
                validation_split=0.0 if is_dataset(x) else validation_split,
                validation_data=validation_data,
                shuffle=shuffle,
                sample_weight=sample_weight,
                validation_batch_size=(
                    None if is_dataset(validation_data) else validation_batch_size
                ),
                class_weight=class_weight,
                **kwargs,
            )

    def weigh_classes(self, examples, class_weight):
        """Return the `Examples` with weights that follow the class of each."""
        raise ValueError(f"`class_weight` has no meaning for a {type(self).__name__}.")

    @in_turn("evaluating")
    def evaluate(self, x=None, y=None, batch_size=None, sample_weight=None, **kwargs):
        """Return loss and metrics on text; the arguments are those of `keras.Model.evaluate`."""
        self._check_compiled("evaluate")
        batch_size = check_batch_size(batch_size)
        if "_use_cached_eval_dataset" not in kwargs:  # `fit` has looked at it before
            steps = kwargs.get("steps")
            if _reads_steps(x, found := self._read(x, y, sample_weight, steps, batch_size)):
                kwargs["steps"] = None
            x, y, sample_weight, batch_size = self._convert(*found, batch_size)
        with kept_on_error(self):
            return super().evaluate(
                x=x, y=y, batch_size=batch_size, sample_weight=sample_weight, **kwargs
            )

    @in_turn("evaluating")
    def train_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """Train on one batch of text or ids, as `keras.Model.train_on_batch`."""
        self._check_compiled("train_on_batch")
        x, y, sample_weight = self._read(x, y, sample_weight)
        self._check_labelled(x, y)
        x, y, sample_weight = self.as_batch(x, y, sample_weight)
        with kept_on_error(self):
            return super().train_on_batch(x, y, sample_weight=sample_weight, **kwargs)

    @in_turn("evaluating")
    def test_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """Evaluate one batch of text or ids, as `keras.Model.test_on_batch`."""
        self._check_compiled("test_on_batch")
        x, y, sample_weight = self._read(x, y, sample_weight)
        self._check_labelled(x, y)
        x, y, sample_weight = self.as_batch(x, y, sample_weight)
        with kept_on_error(self):
            return super().test_on_batch(x, y, sample_weight=sample_weight, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Return what the model computes of ids, as `keras.Model.predict`."""
        x = check_id_dataset(self, x) if is_dataset(x) else check_ids(self, x)[0]
        batch_size = check_batch_size(batch_size)
        return self.predict_ids(
            x, batch_size=batch_size, verbose=verbose, steps=steps, callbacks=callbacks
        )

    @in_turn("predicting")
    def predict_ids(self, x, **kwargs):
        """Return what the model computes of ids that are known to be right."""
        with kept_on_error(self):
            return super().predict(x, **kwargs)

    @in_turn("predicting")
    def predict_on_batch(self, x):
        """Return what the model computes of one batch of ids."""
        x = check_ids(self, x)[0]
        with kept_on_error(self):
            return super().predict_on_batch(x)

    def as_batch(self, x, y=None, sample_weight=None):
        """Return `(x, y, sample_weight)` of one batch, as arrays.

        Args:
            x, y: texts, and what belongs to them, in any form; or ids prepared by hand, which are
                returned as they are. Without `y` there are only inputs, where `call` reads no `y`.
            sample_weight: weights of the rows or of the tokens; without them, padding weighs 0.
        """
        if not is_text(x):
            x, y, sample_weight = check_ids(self, x, self._id_labels(y), sample_weight)
            return x, y, self._weights(y, sample_weight)
        examples = self._examples(x, y, sample_weight)
        columns = [pad(x, padded_length(max(map(len, x)))) for x in examples.columns()]
        inputs = dict(zip(examples.inputs, columns, strict=False))
        if examples.labels is None:
            return inputs, None, None
        count, weights = len(examples), examples.weights
        weights = np.ones(count, "float32") if weights is None else weights
        if examples.row_labels is not None:
            return inputs, examples.row_labels, weights
        return inputs, columns[-1], (columns[-1] != 0).astype("float32") * weights[:, None]

    def make_train_function(self, force=False):
        self._make("train_function", super().make_train_function, force)

    def make_test_function(self, force=False):
        self._make("test_function", super().make_test_function, force)

    def make_predict_function(self, force=False):
        self._make("predict_function", super().make_predict_function, force)

    def _make(self, name, make, force):
        """Make a step function that leaves the model whole where it breaks off."""
        before = getattr(self, name)
        make(force)
        if getattr(self, name) is not before:
            setattr(self, name, guarded(self, getattr(self, name)))

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Save everything, tokenizers included, as `keras.Model.save` does.

        The file is written beside its place and then renamed, so that a broken-off save leaves
        what was there before.

        Args:
            filepath: a path that ends in `.keras`; its folder is made where it is not there.
            overwrite: whether an existing file is replaced; otherwise it is a `ValueError`.
            zipped: `True` or `None`, as in `keras.Model.save`: a task model is one file.
            **kwargs: likewise.
        """
        path = pathlib.Path(filepath)
        if zipped is False:
            raise ValueError(
                "A task model is saved as one file, zipped; received zipped=False. For a folder "
                "there is keras.saving.save_model(model, folder, zipped=False)."
            )
        if path.suffix != ".keras":
            raise ValueError(f"The file must end in .keras; received {filepath}.")
        if path.exists() and not overwrite:
            raise ValueError(f"{path} exists already, and overwrite is False.")
        with self.reading(), replacing(path) as beside:
            super().save(beside, zipped=zipped, **kwargs)

    def save_weights(self, filepath, *args, **kwargs):
        """As `keras.Model.save_weights`, in a folder that is made where it is not there."""
        check_place(filepath)
        pathlib.Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        super().save_weights(filepath, *args, **kwargs)

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def _examples(self, x, y=None, sample_weight=None):
        """Check lists of texts and encode them."""
        x = self.check_inputs(x)
        one, other = self.words
        if y is None and self.needs_targets:
            raise ValueError(f"There must be one {other} for each {one}; received no {other}s.")
        if y is not None:
            y = self.check_targets(y)
            if len(x) != len(y):
                raise ValueError(
                    f"There must be one {other} for each {one}; received {len(x)} {one}s and "
                    f"{len(y)} {other}s."
                )
        if not x:
            raise ValueError("The corpus is empty: received no texts.")
        return self.encode_examples(x, y, sample_weight)

    def _read(self, x, y=None, sample_weight=None, steps=None, batch_size=None):
        """Return what was given in the forms of `Adapter.read`, but no `Stream`."""
        reader = Adapter(self)
        return reader.read(x, y, sample_weight, steps=steps, batch_size=batch_size)

    def _read_validation(self, data, batch_size, steps):
        """Return `validation_data`, and its steps, where texts need not be read step by step."""
        pair = isinstance(data, (list, tuple))
        given = (*data, None, None)[:3] if pair else (data, None, None)
        found = self._read(*given, steps, batch_size)
        steps = None if _reads_steps(given[0], found) else steps
        if found[1] is None and not pair:
            return found[0], steps
        return tuple(part for part in found if part is not None), steps

    def _validation(self, data, batch_size, shuffle_buffer):
        """Return `validation_data` as Keras takes it."""
        if data is None:
            return None
        if not isinstance(data, (list, tuple)):
            if is_text_dataset(data) and is_batched(data):
                batch_size = None
            return self._convert(data, None, None, batch_size, shuffle_buffer)[0]
        x, y, weight = (*data, None, None)[:3]
        x, y, weight, _ = self._convert(x, y, weight, batch_size, shuffle_buffer)
        if is_dataset(x):
            return x
        return (x, y) if weight is None else (x, y, weight)  # of ids

    def _convert(self, x, y, sample_weight, batch_size, window=SHUFFLE_BUFFER):
        """Return `(x, y, sample_weight, batch_size)` as Keras takes them, unshuffled."""
        self._check_labelled(x, y)
        if is_text(x):
            batches = self.make_batches(self._examples(x, y, sample_weight), batch_size or 32)
            return batches.dataset, None, None, None
        if is_text_dataset(x):
            self._check_text_dataset(x, y, sample_weight)
            if not is_batched(x):
                encode, rows = self.encode_tensors, batch_size or 32
                filled = self._filled()
                stream = StreamedDataset(x, encode, rows, shuffle_buffer=window, filled=filled)
                return stream.dataset, None, None, None
            if batch_size is not None:
                raise ValueError(
                    f"The dataset is batched already; do not pass batch_size={batch_size}."
                )
            return map_batches(x, self.encode_tensors), None, None, None
        if is_dataset(x):
            x = check_id_dataset(self, x)
            x = add_weights(x) if self.label_per_token else x
            return x, y, sample_weight, batch_size
        x, y, sample_weight = check_ids(self, x, self._id_labels(y), sample_weight)
        return x, y, self._weights(y, sample_weight), batch_size

    def _id_labels(self, y):
        """Labels that go with ids; lists of classes as numbers."""
        if self.label_per_token or not isinstance(y, (list, tuple)):
            return y
        return self.check_targets(y)

    def _weights(self, y, sample_weight):
        """`sample_weight` of ids; where there is none, 1 for every label but the padding."""
        if y is None or sample_weight is not None or not self.label_per_token:
            return sample_weight
        return (keras.ops.convert_to_numpy(y) != 0).astype("float32")

    def _check_labelled(self, x, y):
        """Raise a `ValueError` for texts or ids without labels, where training takes some."""
        one, other = self.words
        if is_text(x) and y is None and self.needs_labels:
            raise ValueError(f"There must be one {other} for each {one}; received no {other}s.")
        if isinstance(x, dict) and y is None:
            raise ValueError(
                "Ids prepared by hand need the labels that belong to them, as `y`; received none."
            )

    def _check_compiled(self, method):
        if not self.compiled:
            raise ValueError(
                f"`{method}` needs a model that is compiled: call `model.compile()` before, such "
                'as `model.compile("adam")`.'
            )

    def _check_text_dataset(self, dataset, y, sample_weight):
        """Raise a `ValueError` unless a dataset of texts holds all there is."""
        self._check_no_more(y, sample_weight)
        spec = dataset.element_spec
        needed = self.needs_targets or self.needs_labels
        if needed and not (isinstance(spec, tuple) and len(spec) > 1):
            one, other = self.words
            raise ValueError(
                f"There must be one {other} for each {one}: expected a dataset of ({one}, {other});"
                f" received elements {spec}."
            )

    def _check_no_more(self, y, sample_weight):
        """Raise a `ValueError` for a `y` or weights beside a dataset."""
        if y is not None or sample_weight is not None:
            raise ValueError(
                "A dataset of texts holds its targets and weights itself, as (x, y) or "
                "(x, y, sample_weight); received `y` or `sample_weight` besides."
            )


def is_dataset(x):
    """Whether `x` is something that gives batches itself, rather than arrays or lists."""
    if x is None or isinstance(x, (dict, np.ndarray)) or ops.is_tensor(x):
        return False
    return not is_column(x)


def is_text(x):
    """Whether `x` was meant as texts in memory: a list, a string, a column or array of them."""
    return is_column(x)


def check_texts(texts, name):
    """Return `texts` as a list of `str`, or raise a `ValueError` that says what came instead."""
    return as_texts(texts, name)


def check_tokenizer(name, tokenizer):
    """Return a tokenizer for an instance or a config."""
    if isinstance(tokenizer, dict):
        tokenizer = keras.saving.deserialize_keras_object(tokenizer)
    if not isinstance(tokenizer, Tokenizer):
        raise ValueError(
            f"`{name}` must be a keras_seq.text.Tokenizer, such as "
            f"keras_seq.text.CharacterTokenizer.from_texts(texts); received {tokenizer!r}."
        )
    return tokenizer


def _reads_steps(x, found):
    """Whether what gave any number of batches was read, so that no steps are to be counted."""
    return (gives_batches(x) or is_readable(x)) and isinstance(found[0], list)


def _callback_list(callbacks):
    """Return `callbacks` as a list."""
    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
