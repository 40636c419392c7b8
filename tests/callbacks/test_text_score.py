"""Scores of generated texts in the logs."""

import types

import pytest

from keras_seq.callbacks import TextScore


class Parrot:
    """A model that answers with its question."""

    stop_training = False
    target_tokenizer = types.SimpleNamespace(split=str.split)
    asked = ()

    def generate(self, texts, sampler, batch_size):
        self.asked = [*self.asked, (len(texts), sampler, batch_size)]
        return texts


def scored(callback, epoch=0, epochs=10, model=None):
    """The logs after an epoch, with 1.0 as the loss."""
    callback.set_model(model or Parrot())
    callback.set_params({"epochs": epochs})
    logs = {"loss": 1.0}
    callback.on_epoch_end(epoch, logs)
    return logs


TEXTS = ["a b c d e", "A b c d e", "f g h i j"]


def test_scores_stand_in_the_logs():
    model = Parrot()
    score = TextScore(TEXTS, TEXTS[:1] * 3, ["bleu", "exact_match"], batch_size=8)
    logs = scored(score, model=model)
    assert logs["loss"] == 1.0 and 0 < logs["val_bleu"] < 100
    assert logs["val_exact_match"] == pytest.approx(1 / 3)
    assert model.asked == [(3, "greedy", 8)]


def test_lowercase_limit_and_prefix():
    score = TextScore(TEXTS, TEXTS[:1] * 3, limit=2, lowercase=True, prefix="test_")
    assert scored(score) == {"loss": 1.0, "test_bleu": 100.0}


def test_every_counts_from_the_first_epoch_and_the_last_is_scored():
    score = TextScore(TEXTS, TEXTS, every=3)
    assert [epoch for epoch in range(9) if "val_bleu" in scored(score, epoch, 9)] == [0, 3, 6, 8]
    model = Parrot()
    model.stop_training = True
    assert "val_bleu" in scored(score, 1, model=model)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"targets": TEXTS[:2]}, "received 3 sources and 2 targets"),
        ({"sources": [], "targets": []}, "received 0 sources and 0 targets"),
        ({"metric": "rouge"}, r"one of \('bleu', .*\); received 'rouge'"),
        ({"every": 0}, "`every` must be at least 1; received 0"),
        ({"limit": 0}, "`limit` must be at least 1; received 0"),
    ],
)
def test_mistakes(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        TextScore(**{"sources": TEXTS, "targets": TEXTS, **arguments})
