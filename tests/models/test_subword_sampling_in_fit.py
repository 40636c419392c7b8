"""`fit(subword_sampling=...)`: each epoch has other subwords, which a resumed training repeats."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import Killed, KillIn

from keras_seq.callbacks import Checkpoint
from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier

WORDS = ["lower", "lowest", "newer", "newest", "wider", "widest"]
TEXTS = [f"{a} {b}" for a in WORDS for b in WORDS if a != b]
TARGETS = [" ".join(reversed(text.split())) for text in TEXTS]
LABELS = ["est" if text.endswith("est") else "er" for text in TEXTS]
SMALL = {"units": 4, "cell": "gru", "max_vocabulary": 40, "tokens": "subword"}


class Recorder:
    """Notes the ids of every batch that a model is trained on, and those that it is measured on."""

    def __init__(self, model, monkeypatch):
        self.trained, self.measured = [], []
        compute = type(model).compute_loss

        def compute_loss(model, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            batches = self.trained if training else self.measured
            name = "source_ids" if "source_ids" in x else "token_ids"
            rows = keras.ops.convert_to_numpy(x[name])
            batches += [row[row > 0].tolist() for row in rows if row.any()]
            return compute(model, x, y, y_pred, sample_weight, training)

        monkeypatch.setattr(type(model), "compute_loss", compute_loss)


def translator(seed=0):
    keras.utils.set_random_seed(seed)
    model = Seq2Seq.from_texts(TEXTS, TARGETS, **SMALL)
    model.compile(keras.optimizers.SGD(0.1))
    return model


def as_lists():
    return {"x": TEXTS, "y": TARGETS}


def as_stream():
    return {"x": tf.data.Dataset.from_tensor_slices((TEXTS, TARGETS)), "shuffle_buffer": 12}


every_form = pytest.mark.parametrize("data", [as_lists, as_stream])


@pytest.mark.once
@every_form
def test_training_draws_and_validation_does_not(data, monkeypatch):
    model = translator()
    recorder = Recorder(model, monkeypatch)
    end = [model.source_tokenizer.end_token_id]
    best = [ids + end for ids in model.source_tokenizer.tokenize(TEXTS)]
    options = {"batch_size": 8, "epochs": 2, "verbose": 0, "subword_sampling": 0.2}
    model.fit(**data(), validation_data=(TEXTS, TARGETS), **options)
    first, second = np.array_split(np.array(recorder.trained[-60:], object), 2)
    for epoch in (first, second):
        assert sorted(model.source_tokenizer.detokenize(list(epoch))) == sorted(TEXTS)
        assert sorted(epoch) != sorted(best)
    assert sorted(first) != sorted(second)
    assert sorted(recorder.measured[-30:]) == sorted(best)
    model.fit(**data(), batch_size=8, verbose=0)
    assert sorted(recorder.trained[-30:]) == sorted(best)


def trained(data, folder=None, kill=None, seed=1):
    """The weights after three epochs, in one or two goes."""
    model = translator()
    keras.utils.set_random_seed(seed)
    callbacks, epoch = [], 0
    if folder is not None:
        checkpoint = Checkpoint(folder / "state")
        epoch = checkpoint.restore(model)
        callbacks = [*([KillIn(kill)] if kill else []), checkpoint]
    options = {"batch_size": 8, "epochs": 3, "verbose": 0, "subword_sampling": 0.2}
    model.fit(**data(), initial_epoch=epoch, callbacks=callbacks, **options)
    return model.get_weights()


@pytest.mark.slow
@every_form
def test_a_resumed_training_has_the_same_weights(data, tmp_path):
    whole = trained(data)
    with pytest.raises(Killed):
        trained(data, tmp_path, kill=1)
    resumed = trained(data, tmp_path, seed=2)  # another process has another seed
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one, other)
    other = trained(data, seed=2)
    assert any((a != b).any() for a, b in zip(whole, other, strict=True))


@pytest.mark.once
def test_parts_and_weights_of_lists(monkeypatch):
    keras.utils.set_random_seed(0)
    model = TextClassifier.from_texts(TEXTS, LABELS, **SMALL)
    model.compile(keras.optimizers.SGD(0.1))
    recorder = Recorder(model, monkeypatch)
    model.fit(
        TEXTS,
        LABELS,
        batch_size=8,
        validation_split=0.2,
        class_weight="balanced",
        sample_weight=np.linspace(0.5, 1, len(TEXTS)),
        subword_sampling=0.3,
        verbose=0,
    )
    assert sorted(model.tokenizer.detokenize(recorder.trained[-24:])) == sorted(TEXTS[:24])
    assert sorted(recorder.measured[-6:]) == sorted(model.tokenizer.tokenize(TEXTS[24:]))
    keras.utils.set_random_seed(0)
    plain = LanguageModel.from_texts(TEXTS, window=None, **SMALL)
    plain.compile("adam")
    recorder = Recorder(plain, monkeypatch)
    plain.fit(TEXTS, validation_split=0.5, subword_sampling=0.3, verbose=0)
    assert sorted(plain.tokenizer.detokenize(row[1:]) for row in recorder.trained[-15:]) == sorted(
        TEXTS[:15]
    )


@pytest.mark.once
def test_mistakes():
    model = translator()
    pairs = tf.data.Dataset.from_tensor_slices((TEXTS, TARGETS))
    with pytest.raises(ValueError, match="needs lists of texts, or a dataset of single ones"):
        model.fit(pairs.batch(4), subword_sampling=0.1)
    with pytest.raises(ValueError, match=r"`subword_sampling` must be a number in \[0, 1\]; rec"):
        model.fit(TEXTS, TARGETS, subword_sampling=2)
    stream = LanguageModel.from_texts(TEXTS, **SMALL)
    stream.compile("adam")
    with pytest.raises(ValueError, match="is for texts by themselves, which have no `window`"):
        stream.fit(TEXTS, subword_sampling=0.1)
    letters = Seq2Seq.from_texts(TEXTS, TARGETS, tokens="char", units=4)
    letters.compile("adam")
    with pytest.raises(ValueError, match="needs a model with a SubwordTokenizer"):
        letters.fit(TEXTS, TARGETS, subword_sampling=0.1)
    model.fit(TEXTS, TARGETS, verbose=0)  # as it was
