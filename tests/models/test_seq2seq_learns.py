"""A translator learns what it is shown, whatever it is made of."""

import keras
import pytest

from keras_seq.layers import VanillaRNNCell
from keras_seq.models import Seq2Seq

PAIRS = [("abc", "cba"), ("bca", "acb"), ("cab", "bac"), ("aab", "baa"), ("cc", "cc"), ("b", "b")]


@pytest.mark.parametrize("sampler", ["greedy", "beam"])
def test_reverses_every_unseen_string(reversal, sampler):
    answers = reversal.model.generate(reversal.unseen, sampler=sampler)
    assert answers == [text[::-1] for text in reversal.unseen]


def test_history_has_training_and_validation(reversal):
    names = {"loss", "token_accuracy", "perplexity", "exact_match"}
    assert set(reversal.history) == names | {f"val_{name}" for name in names}
    assert reversal.history["val_exact_match"][-1] == 1.0


@pytest.mark.parametrize(
    "config",
    [
        {"cell": "lstm", "attention": "dot", "bidirectional": False},
        {"cell": VanillaRNNCell(16, activation="relu"), "attention": "general"},
        {"cell": "gru", "attention": "concat", "num_layers": 2, "dropout": 0.05},
        {"cell": keras.layers.LSTMCell(16, dropout=0.05), "attention": "scaled_dot"},
        {"cell": keras.layers.SimpleRNNCell(16, recurrent_dropout=0.05), "attention": None},
    ],
    ids=lambda config: config["attention"] or "none",
)
def test_every_part_overfits_a_few_pairs(config):
    keras.utils.set_random_seed(1)
    sources, targets = (list(side) for side in zip(*PAIRS, strict=True))
    model = Seq2Seq.from_texts(sources, targets, **{"cell": "gru", "units": 16, **config})
    model.compile(keras.optimizers.Adam(2e-2, global_clipnorm=1.0))
    losses = model.fit(sources * 4, targets * 4, epochs=15, batch_size=24, verbose=0).history[
        "loss"
    ]
    assert losses[-1] < 0.5 * losses[0]
    assert all(isinstance(text, str) for text in model.generate(sources))
