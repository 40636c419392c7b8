"""Every attention and every way of training learns a task made for it, and survives saving."""

import itertools
import random

import keras
import pytest

from keras_seq.layers import LocalAttention, MonotonicAttention, VanillaRNNCell
from keras_seq.models import Seq2Seq, load_model

pytestmark = pytest.mark.slow

LETTERS = ["".join(s) for n in (2, 3, 4, 5) for s in itertools.product("abcd", repeat=n)]
FADING = keras.optimizers.schedules.PolynomialDecay(1.0, 200, 0.5)


@pytest.mark.parametrize("sampler", ["greedy", "beam"])
def test_reverses_every_unseen_string(reversal, sampler):
    answers = reversal.model.generate(reversal.unseen, sampler=sampler)
    assert answers == [text[::-1] for text in reversal.unseen]


def test_history_has_training_and_validation(reversal):
    names = {"loss", "token_accuracy", "perplexity", "exact_match"}
    assert set(reversal.history) == names | {f"val_{name}" for name in names}
    assert reversal.history["val_exact_match"][-1] == 1.0
    assert reversal.history["perplexity"][-1] == pytest.approx(1.0, abs=0.1)


def swapped(text):
    """Letter by letter into other letters."""
    return text.translate(str.maketrans("abcd", "wxyz"))


def thinned(text):
    """From left to right: some letters into others, the rest into nothing."""
    return swapped(text.replace("a", ""))


TASKS = {
    "general, Luong's order, input feeding, tied, smoothed": (
        lambda text: text[::-1],
        {
            "attention": "general",
            "order": "luong",
            "input_feeding": True,
            "tie_embeddings": True,
            "label_smoothing": 0.1,
        },
    ),
    "scaled dot, Luong's order, maxout, less and less teacher": (
        lambda text: text[::-1],
        {
            "attention": "scaled_dot",
            "order": "luong",
            "readout": "maxout",
            "teacher_forcing_ratio": FADING,
        },
    ),
    "dot, two layers with residuals, a coin a step, own samples": (
        swapped,
        {
            "attention": "dot",
            "bidirectional": False,
            "num_layers": 2,
            "residual": True,
            "teacher_forcing_ratio": 0.8,
            "sampling_level": "step",
            "feedback": "sample",
        },
    ),
    "concat, a coin a batch, averaged weights": (
        lambda text: text[::-1],
        {
            "attention": "concat",
            "cell": "lstm",
            "teacher_forcing_ratio": 0.8,
            "sampling_level": "batch",
            "use_ema": True,
        },
    ),
    "local around a predicted centre": (
        lambda text: text[::-1],
        {"attention": LocalAttention(window=5), "order": "luong"},
    ),
    "local around the step": (
        swapped,
        {"attention": LocalAttention(window=1, center="monotonic"), "order": "luong"},
    ),
    "monotonic": (
        thinned,
        {"attention": MonotonicAttention(32, offset=0.0, noise=2.0), "epochs": 24},
    ),
    "no attention, vanilla cell": (
        lambda text: text[:2],
        {"attention": None, "cell": VanillaRNNCell(32)},
    ),
}


# PyTorch, which compiles nothing, learns them all; the others, whose numbers are the same, two.
SOME = {"tensorflow": slice(None, None, 4), "jax": slice(1, None, 4), "torch": slice(None)}


@pytest.mark.parametrize("name", list(TASKS)[SOME[keras.config.backend()]])
def test_learns_its_task(name, tmp_path):
    task, config = TASKS[name]
    strings = random.Random(0).sample(LETTERS, 1000)
    unseen, seen = strings[:100], strings[100:]
    model = trained(seen, [task(text) for text in seen], **config)
    expected = [task(text) for text in unseen]
    assert model.generate(unseen) == expected
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").generate(unseen, batch_size=100) == expected


def test_a_pointer_copies_words_that_it_never_saw(tmp_path):
    """The 2nd and 3rd word in the other order: the vocabulary holds none of them."""
    rng = random.Random(0)

    def pair():
        names = ["".join(rng.choices("abcdefgh", k=4)) for _ in range(2)]
        place = rng.choice(["in", "by"])
        return f"{names[0]} {place} {names[1]}", f"{names[1]} {place} {names[0]}"

    pairs = [pair() for _ in range(1000)]
    sources, targets = (list(side) for side in zip(*pairs, strict=True))
    model = trained(
        sources[100:], targets[100:], tokens="word", max_vocabulary=6, copy=True, order="luong"
    )
    assert model.target_tokenizer.vocabulary[4:] == model.source_tokenizer.vocabulary[4:]
    assert model.generate(sources[:100]) == targets[:100]
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").generate(sources[:100]) == targets[:100]


def trained(sources, targets, epochs=10, label_smoothing=0.0, use_ema=False, **config):
    """A model after a few epochs, all batches of one shape."""
    keras.utils.set_random_seed(0)
    model = Seq2Seq.from_texts(
        sources, targets, **{"tokens": "char", "cell": "gru", "units": 32, **config}
    )
    rate = keras.optimizers.schedules.CosineDecay(1.5e-2, 28 * epochs)
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=1.0, use_ema=use_ema, ema_momentum=0.9)
    model.compile(optimizer, label_smoothing=label_smoothing, weighted_metrics=[])
    model.fit(sources, targets, batch_size=32, epochs=epochs, verbose=0)
    return model
