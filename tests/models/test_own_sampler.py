"""A sampler from outside of the package."""

from cases import tokenizer
from keras import ops

from keras_seq.models import Seq2Seq
from keras_seq.samplers import Sampler


class Always(Sampler):
    """One letter, for ever. It says nothing of itself in `get_config`."""

    def __init__(self, token_id):
        self.token_id = token_id

    def get_next_token(self, log_probabilities):
        return ops.zeros_like(ops.argmax(log_probabilities, axis=-1)) + self.token_id


def test_two_samplers_of_one_class_are_two():
    model = Seq2Seq(tokenizer(), tokenizer(), units=3)
    assert model.generate("abc", sampler=Always(4), max_length=3) == "aaa"
    assert model.generate("abc", sampler=Always(5), max_length=3) == "bbb"


class Spelling(Sampler):
    """Token 4 + row + position: it looks at both, and not at the model."""

    def choose(self, log_probabilities, position, row_ids):
        return 4 + (position + row_ids) % 3


def test_a_sampler_may_look_at_row_and_position():
    model = Seq2Seq(tokenizer(), tokenizer(), units=3)
    texts = ["cccc", "b", "aa"]  # searched in another order
    for batch_size in (64, 2):
        written = model.generate(texts, sampler=Spelling(), max_length=3, batch_size=batch_size)
        assert written == ["abc", "bca", "cab"]
