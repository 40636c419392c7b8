"""Scores of tags in the logs."""

import pytest

from keras_seq.callbacks import TagScore
from keras_seq.models.tagging.tags import Tags

SENTENCES = [["Anna", "sings"], "in Rome", []]
TAGS = [["I-PER", "O"], "O I-LOC", []]


class Blind:
    """A model that sees the first sentence alone."""

    stop_training = False

    def __init__(self, scheme):
        self.tags = Tags(["O", "B-LOC", "I-LOC", "B-PER", "I-PER"], scheme)
        self.scheme = self.tags.scheme

    def tag(self, sentences, batch_size):
        assert sentences == SENTENCES and batch_size == 8
        return [["B-PER", "O"], {"tokens": ["in", "Rome"], "tags": ["O", "O"]}, []]


def scored(callback, scheme="IOB1", epoch=0, epochs=10):
    """The logs after an epoch, with 1.0 as the loss."""
    callback.set_model(Blind(scheme))
    callback.set_params({"epochs": epochs})
    callback.on_train_begin()
    logs = {"loss": 1.0}
    callback.on_epoch_end(epoch, logs)
    return logs


def test_scores_stand_in_the_logs():
    logs = scored(TagScore(SENTENCES, TAGS, batch_size=8, prefix="dev_"))
    expected = {"loss": 1, "dev_accuracy": 3 / 4, "dev_precision": 1, "dev_recall": 1 / 2}
    assert logs == pytest.approx({**expected, "dev_f1": 2 / 3})
    logs = scored(TagScore(SENTENCES, [["B-PER", "O"], ["O", "O"], []], batch_size=8), None)
    assert logs == {"loss": 1.0, "val_accuracy": 1.0}


def test_every_counts_from_the_first_epoch_and_the_last_is_scored():
    score = TagScore(SENTENCES, TAGS, every=3, batch_size=8)
    assert [e for e in range(9) if "val_f1" in scored(score, "IOB1", e, 9)] == [0, 3, 6, 8]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"tags": TAGS[:2]}, "received 3 sentences and 2 rows of tags"),
        ({"sentences": [], "tags": []}, "received 0 sentences and 0 rows of tags"),
        ({"every": 0}, "`every` must be at least 1; received 0"),
    ],
)
def test_mistakes(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        TagScore(**{"sentences": SENTENCES, "tags": TAGS, **arguments})


def test_a_tag_that_the_model_does_not_have():
    score = TagScore([["Anna"]], [["I-ORG"]])
    with pytest.raises(ValueError, match="Sentence 0, word 0: there is no tag 'I-ORG'"):
        scored(score)
