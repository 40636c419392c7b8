"""The few forms of data that a task model trains on, is measured on and answers.

Each knows the batches that it becomes, and what cannot be asked of it.
"""

import copy
import functools
import itertools

import keras
import numpy as np
from keras import ops

from keras_seq.models.base.id_checks import check_id_dataset, check_ids, unequal
from keras_seq.models.base.sharing import check_divisible, check_share, check_texts
from keras_seq.text.examples import pad, padded_length
from keras_seq.text.pipeline import (
    SHUFFLE_BUFFER,
    StreamedDataset,
    add_weights,
    is_batched,
    map_batches,
    text_batches,
)
from keras_seq.text.sampled_dataset import SampledDataset
from keras_seq.text.stream_share import share_of, with_share

NO_SPLIT = "`validation_split` needs lists; pass `validation_data` instead."
NO_CLASS_WEIGHT = "`class_weight` needs lists; put the weights into the dataset."


class Data:
    """What came in; a subclass for each form.

    Args:
        model: the `Task`.
        x, y, sample_weight: what came, in the form of the subclass.
        counted: whether it was read step by step, so that Keras has no steps to count.

    Attributes:
        no_split, no_class_weight: why it takes no such argument of `fit`; `None` where it does.
    """

    no_split = no_class_weight = None

    def __init__(self, model, x, y=None, sample_weight=None, counted=False):
        self.model = model
        self.x = x
        self.y = y
        self.sample_weight = sample_weight
        self.counted = counted
        self.options = {}  # arguments that Keras's `fit` deals with itself

    def check_labelled(self):
        """Raise a `ValueError` where training takes labels and there are none."""

    def check_options(self, validation_split, class_weight):
        """Raise a `ValueError` for an argument of `fit` that has no meaning for this form."""
        if class_weight is not None:
            if self.model.label_per_token:
                kind = type(self.model).__name__
                raise ValueError(f"`class_weight` has no meaning for a {kind}.")
            if self.model.output_form().multi_label:
                raise ValueError("`class_weight` has no meaning with multi_label=True.")
            if self.no_class_weight:
                raise ValueError(self.no_class_weight)
        if validation_split and self.no_split:
            raise ValueError(self.no_split)

    def split(self, fraction):
        """Return the data to train on, and that to validate on; `None` where Keras splits."""
        self.options["validation_split"] = fraction
        return self, None

    def weigh_classes(self, class_weight):
        """Return the data with weights that follow the class of each example."""
        self.options["class_weight"] = class_weight
        return self

    def sample_subwords(self, alpha):
        """Let each epoch of training draw other subwords; `alpha` as in `SubwordSampling`."""
        raise ValueError(
            "`subword_sampling` needs lists of texts, or a dataset of single ones; received "
            f"{type(self.x).__name__}."
        )

    def in_order(self, batch_size, window=SHUFFLE_BUFFER):
        """Return what Keras's `evaluate` takes, a dict of arguments.

        Args:
            batch_size: examples in a batch; `None` for the default.
            window: how many of a dataset of single texts are in memory at once.
        """
        raise NotImplementedError

    def shuffled(self, batch_size, shuffle, window):
        """Return what Keras's `fit` takes, a dict of arguments; `shuffle` may be false."""
        del shuffle  # a dataset has its order
        return {**self.in_order(batch_size, window), "shuffle": False, **self.options}

    def as_validation(self, batch_size, window):
        """Return the arguments of Keras's `fit` by which it validates on this."""
        arguments = self.in_order(batch_size, window)
        parts = [
            arguments[name] for name in ("x", "y", "sample_weight") if arguments[name] is not None
        ]
        return {
            "validation_data": parts[0] if len(parts) == 1 else tuple(parts),
            "validation_batch_size": arguments["batch_size"],
        }

    def _size(self, batch_size):
        return check_divisible(
            "batch_size", batch_size or self.model.default_batch_size(), self.model
        )

    def one_batch(self):
        """Return `(x, y, sample_weight)` of one batch, as arrays; see `Task.as_batch`."""
        model, y = self.model, self.y
        if not model.label_per_token and isinstance(y, (list, tuple)):
            y = model.check_targets(y)  # classes as numbers
        x, y, weights = check_ids(model, self.x, y, self.sample_weight)
        if y is not None and weights is None and model.label_per_token:
            weights = model.real_labels(ops.convert_to_numpy(y)).astype("float32")
        return x, y, weights

    def predict(self, batch_size, steps=None, **options):
        """Return what `Task.predict` does; the options are arguments of Keras's."""
        raise NotImplementedError

    def predict_batch(self):
        """Return what `Task.predict_on_batch` does."""
        return self.model.answer_ids_on_batch(check_ids(self.model, self.x)[0])


class Texts(Data):
    """Lists of texts and of what belongs to them, in memory; see `Data`.

    Args:
        examples: the `keras_seq.text.Examples`, where there are some: then no texts are needed.
    """

    alpha = 0.0  # of the subwords drawn in training

    def __init__(self, *parts, examples=None, **options):
        super().__init__(*parts, **options)
        if examples is not None:
            self.examples = examples

    @functools.cached_property
    def rows(self):
        """The texts and what belongs to them (or `None`), checked."""
        model, x, y = self.model, self.model.check_inputs(self.x), self.y
        if y is None and model.needs_targets:
            raise ValueError(no_labels(model))
        if y is not None:
            y = model.check_targets(y)
            if len(x) != len(y):
                raise unequal(model, len(x), len(y))
        if not x:
            raise ValueError("The corpus is empty: received no texts.")
        return x, y

    @functools.cached_property
    def examples(self):
        """The texts, checked and encoded."""
        return self.model.encode_examples(*self.rows, self.sample_weight)

    def check_labelled(self):
        if self.y is None and self.model.needs_labels:
            raise ValueError(no_labels(self.model))

    def split(self, fraction):
        first, last = copy.copy(self), copy.copy(self)
        first.examples, last.examples = self.model.split_examples(self.examples, fraction)
        if self.alpha:  # these are encoded again
            (x, y), count = self.rows, len(first.examples)
            first.rows = x[:count], None if y is None else y[:count]
        return first, last

    def weigh_classes(self, class_weight):
        weighted = copy.copy(self)
        weighted.examples = self.model.weigh_classes(self.examples, class_weight)
        return weighted

    def sample_subwords(self, alpha):
        if self.model.reads_all:
            raise ValueError(
                "`subword_sampling` is for texts by themselves, which have no `window`; received "
                f"{alpha!r}."
            )
        self.alpha = alpha

    def in_order(self, batch_size, window=SHUFFLE_BUFFER):
        return _only(self.model.make_batches(self.examples, self._size(batch_size)).dataset)

    def shuffled(self, batch_size, shuffle, window):
        batch_size = self._size(batch_size)
        if not self.alpha:
            return each_epoch(self.model.make_batches(self.examples, batch_size, shuffle))
        weights = self.examples.weights
        encode = functools.partial(self.model.encode_examples, *self.rows, weights)
        filled = self.model.fills_batches(self.examples.labels)
        return each_epoch(SampledDataset(encode, self.alpha, batch_size, shuffle, filled))

    def one_batch(self):
        examples = self.examples
        columns = [pad(x, padded_length(max(map(len, x)))) for x in examples.columns()]
        inputs = dict(zip(examples.inputs, columns, strict=False))
        if examples.labels is None:
            return inputs, None, None
        count, weights = len(examples), examples.weights
        weights = np.ones(count, "float32") if weights is None else weights
        if examples.row_labels is not None:
            return inputs, examples.row_labels, weights
        real = self.model.real_labels(columns[-1]).astype("float32")
        return inputs, columns[-1], real * weights[:, None]

    def predict(self, batch_size, steps=None, **options):
        steps = None if self.counted else steps
        return self.model.predict_texts(self.x, batch_size=batch_size, steps=steps, **options)

    def predict_batch(self):
        return self.predict(None, verbose=0)


class TextDataset(Data):
    """A `tf.data.Dataset` of strings, of single ones or of batches; see `Data`."""

    no_split, no_class_weight = NO_SPLIT, NO_CLASS_WEIGHT
    alpha = 0.0

    def sample_subwords(self, alpha):
        if self._batched:
            super().sample_subwords(alpha)
        self.alpha = alpha

    def in_order(self, batch_size, window=SHUFFLE_BUFFER):
        self._check()
        if not self._batched:
            return _only(self._streamed(batch_size, False, window).dataset)
        if batch_size is not None:
            raise ValueError(
                f"The dataset is batched already; do not pass batch_size={batch_size}."
            )
        return _only(map_batches(self.x, self.model.encode_tensors))

    def shuffled(self, batch_size, shuffle, window):
        if self._batched:
            return super().shuffled(batch_size, shuffle, window)
        self._check()
        return each_epoch(self._streamed(batch_size, shuffle, window))

    def as_validation(self, batch_size, window):
        return super().as_validation(None if self._batched else batch_size, window)

    @property
    def _batched(self):
        return is_batched(self.x, values=self.model.label_limit is None)

    def predict(self, batch_size, steps=None, **options):
        options = {"batch_size": batch_size, "verbose": options.get("verbose", 0)}
        parts = [self.model.predict_texts(texts, **options) for texts in text_batches(self.x)]
        parts = parts or [self.model.predict_texts([], **options)]
        if isinstance(parts[0], np.ndarray):
            return np.concatenate(parts)
        return list(itertools.chain(*parts))

    @property
    def share(self):
        """The `StreamShare` of a worker that reads no more; `None` where each reads all."""
        return check_share(share_of(self.x), self.model)

    def _streamed(self, batch_size, shuffle, window):
        model, share = self.model, self.share
        count = 1 if share is None else share.count
        more = {"shuffle_buffer": -(-window // count), "filled": model.fills_batches()}
        more |= {"alpha": self.alpha, "rows": share and share.largest}
        size = self._size(batch_size) // count
        streamed = StreamedDataset(self.x, model.encode_tensors, size, shuffle, **more)
        with_share(streamed.dataset, share)
        return streamed

    def _check(self):
        """Raise a `ValueError` unless the dataset holds all there is."""
        check_no_more(self.y, self.sample_weight)
        model, spec = self.model, self.x.element_spec
        needed = model.needs_targets or model.needs_labels
        if needed and not (isinstance(spec, tuple) and len(spec) > 1):
            source, target = model.words
            raise ValueError(
                f"There must be one {target} for each {source}: expected a dataset of "
                f"({source}, {target}); received elements {spec}."
            )


class Ids(Data):
    """Arrays of ids prepared by hand, as a dict; or what is no data, which is refused."""

    def check_labelled(self):
        if isinstance(self.x, dict) and self.y is None:
            raise ValueError(
                "Ids prepared by hand need the labels that belong to them, as `y`; received none."
            )

    def in_order(self, batch_size, window=SHUFFLE_BUFFER):
        check_texts(self.model)
        x, y, sample_weight = self.one_batch()
        size = self._size(batch_size)
        return {"x": x, "y": y, "sample_weight": sample_weight, "batch_size": size}

    def shuffled(self, batch_size, shuffle, window):
        return {**self.in_order(batch_size), "shuffle": shuffle, **self.options}

    def predict(self, batch_size, **options):
        x = check_ids(self.model, self.x)[0]
        return self.model.answer_ids(x, batch_size=batch_size, **options)


class IdDataset(Data):
    """What gives batches of ids prepared by hand, which is handed on."""

    no_split = NO_SPLIT

    def in_order(self, batch_size, window=SHUFFLE_BUFFER):
        check_texts(self.model)
        x = check_id_dataset(self.model, self.x)
        x = add_weights(x, self.model.real_labels) if self.model.label_per_token else x
        more = {"y": self.y, "sample_weight": self.sample_weight, "batch_size": batch_size}
        return {"x": x, **more}

    def predict(self, batch_size, **options):
        x = check_id_dataset(self.model, self.x)
        return self.model.answer_ids(x, batch_size=batch_size, **options)


class SetEpoch(keras.callbacks.Callback):
    """Gives each epoch its order of the batches, which depends on (seed, epoch) alone."""

    def __init__(self, batched):
        super().__init__()
        self.batched = batched

    def on_epoch_begin(self, epoch, logs=None):
        self.batched.set_epoch(epoch)


def _only(dataset):
    """The arguments of Keras for a dataset that holds everything itself."""
    return {"x": dataset, "y": None, "sample_weight": None, "batch_size": None}


def each_epoch(batched):
    """The arguments of Keras's `fit` for batches that have an order for each epoch."""
    return {**_only(batched.dataset), "shuffle": False, "callbacks": [SetEpoch(batched)]}


def no_labels(model):
    source, target = model.words
    return f"There must be one {target} for each {source}; received no {target}s."


def check_no_more(y, sample_weight):
    """Raise a `ValueError` for a `y` or weights beside a dataset."""
    if y is not None or sample_weight is not None:
        raise ValueError(
            "A dataset of texts holds its targets and weights itself, as (x, y) or "
            "(x, y, sample_weight); received `y` or `sample_weight` besides."
        )
