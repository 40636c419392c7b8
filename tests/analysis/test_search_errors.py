"""Samplers against the best of all texts."""

import math
import types
from typing import ClassVar

import pytest

from keras_seq.analysis import search_errors
from keras_seq.samplers import Beam, Exhaustive, Greedy

END = types.SimpleNamespace(end_token_id=2, id_to_token=["<pad>", "<s>", "</s>"].__getitem__)


def exact(tokens, log_probability, is_exact=True):
    return {"target_tokens": tokens, "score": log_probability, "exact": is_exact}


def found(tokens, log_probability, score=None):
    """An answer at the head of a trace whose other sequence is worse by score alone."""
    score = log_probability if score is None else score
    last = [
        {"score": score - 1, "log_probability": 0.0},
        {"score": score, "log_probability": log_probability},
    ]
    return {"target_tokens": tokens, "score": score, "trace": [[], last]}


class Table:
    """Has an answer for each text and kind of sampler."""

    target_tokenizer = END
    answers: ClassVar = {
        Exhaustive: {
            "empty": exact(["</s>"], -2.0),
            "same": exact(["a", "b", "</s>"], -1.0),
            "cut": exact(["a", "b"], -3.0),
            "lost": exact(["a"], -9.0, False),
        },
        Greedy: {
            "empty": found(["a", "</s>"], -2.5),
            "same": found(["a", "b", "</s>"], -1.0002),  # rounding
            "cut": found(["a", "b", "c", "</s>"], -4.0),
        },
        Beam: {
            "empty": [found(["b", "c", "</s>"], -3.0, score=-0.1), "second best"],
            "same": [found(["a", "b", "</s>"], -1.0)],
            "cut": [found(["b", "a"], -3.00001)],  # as good
        },
    }

    def generate(self, texts, sampler, **options):
        self.options = options
        return [self.answers[type(sampler)][text] for text in texts]


TEXTS = ["empty", "lost", "same", "cut"]


def test_by_hand():
    model = Table()
    samplers = {"greedy": "greedy", "beam 3": Beam(3, n_best=2)}
    result = search_errors(model, TEXTS, samplers, max_length=7, batch_size=5)
    assert (result["count"], result["left_out"]) == (3, 1)
    assert result["exact"] == {
        "mean_length": pytest.approx(4 / 3),
        "mean_log_probability": pytest.approx(-2.0),
        "empty": pytest.approx(1 / 3),
    }
    greedy, beam = result["samplers"]["greedy"], result["samplers"]["beam 3"]
    assert greedy["errors"] == pytest.approx(2 / 3)
    assert greedy["mean_gap"] == pytest.approx((0.5 + 0 + 1) / 3)
    assert greedy["mean_length"] == pytest.approx((1 + 2 + 3) / 3)
    assert beam["errors"] == pytest.approx(1 / 3)  # the log-probability counts, not the score
    assert beam["mean_gap"] == pytest.approx(1 / 3, abs=1e-4)
    assert beam["mean_log_probability"] == pytest.approx(-7 / 3, abs=1e-4)
    assert beam["mean_length"] == 2 and beam["empty"] == 0
    assert model.options["max_length"] == 7 and model.options["batch_size"] == 5


def test_nothing_is_exact():
    result = search_errors(Table(), ["lost"])
    assert (result["count"], result["left_out"]) == (0, 1)
    assert math.isnan(result["exact"]["empty"])
    assert all(math.isnan(value) for value in result["samplers"]["beam"].values())


def test_a_beam_that_holds_everything_makes_no_error(decided):
    samplers = {"greedy": "greedy", "wide": Beam(40, length_penalty=0.0)}
    result = search_errors(decided, ["abc", "e"], samplers, max_length=2)
    wide, greedy = result["samplers"]["wide"], result["samplers"]["greedy"]
    assert (result["count"], result["left_out"]) == (2, 0)
    assert wide["errors"] == wide["mean_gap"] == 0
    best = result["exact"]["mean_log_probability"]
    assert wide["mean_log_probability"] == pytest.approx(best, abs=1e-4)
    assert greedy["mean_log_probability"] == pytest.approx(best - greedy["mean_gap"], abs=1e-4)


@pytest.mark.parametrize(
    ("sources", "samplers", "message"),
    [
        ([], ["greedy"], "at least one source"),
        ("empty", ["greedy"], "`sources` must be a list of strings"),
        (TEXTS, [], "at least one sampler"),
        (TEXTS, {}, "at least one sampler"),
        (TEXTS, "greedy", "a list of names or a dict .* received 'greedy'"),
        (TEXTS, [Beam(2)], "a list of names or a dict"),
        (TEXTS, ["nucleus"], "Unknown sampler 'nucleus'"),
    ],
)
def test_bad_input(sources, samplers, message):
    with pytest.raises(ValueError, match=message):
        search_errors(Table(), sources, samplers)
