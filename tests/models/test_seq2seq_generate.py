"""`generate`: strings in, strings out, whatever comes together in a batch."""

import keras
import numpy as np
import pytest
from checks import array, log_softmax

from keras_seq.models import Seq2Seq
from keras_seq.samplers import Beam

TEXTS = ["abc", "", "de", "zzz", "edcba", "a"]


@pytest.fixture(scope="module")
def model():
    """Untrained, with weights large enough for decided answers of many lengths."""
    keras.utils.set_random_seed(3)
    model = Seq2Seq.from_texts(["abcde"], ["vwxyz"], cell="gru", units=8, max_target_length=40)
    model.set_weights([3 * w for w in model.get_weights()])
    return model


def test_kinds_of_input(model):
    answers = model.generate(TEXTS)
    assert all(isinstance(text, str) for text in answers) and len(answers) == len(TEXTS)
    assert model.generate(tuple(TEXTS)) == answers
    assert model.generate(np.array(TEXTS)) == answers
    assert model.generate(TEXTS[0]) == answers[0]
    assert model.generate([]) == []


@pytest.mark.parametrize("sampler", ["greedy", "beam"])
def test_a_batch_is_its_rows(model, sampler):
    answers = model.generate(TEXTS, sampler=sampler)
    assert [model.generate(text, sampler=sampler) for text in TEXTS] == answers
    assert model.generate(TEXTS, sampler=sampler, batch_size=2) == answers
    assert model.generate(TEXTS[::-1], sampler=sampler) == answers[::-1]


def test_a_beam_of_one_is_greedy(model):
    greedy = model.generate(TEXTS, sampler="greedy", return_scores=True)
    beam = model.generate(TEXTS, sampler=Beam(1, length_penalty=0.0), return_scores=True)
    for one, other in zip(greedy, beam, strict=True):
        assert one["text"] == other["text"]
        assert one["score"] == pytest.approx(other["score"], abs=1e-4)


def test_scores_are_log_probabilities_of_the_teacher_forced_model(model):
    for text in TEXTS:
        answer = model.generate(text, return_scores=True, return_attention=True)
        ids = [model.target_tokenizer.token_to_id(token) for token in answer["target_tokens"]]
        inputs = {
            "source_ids": model.encode_examples([text]).inputs["source_ids"][0][None],
            "target_ids": np.array([[1, *ids[:-1]]]),
        }
        logits = array(model(inputs))[0]
        logits[:, :2] = -1e9  # a search never writes padding or a start token
        expected = sum(log_softmax(logits)[t, i] for t, i in enumerate(ids))
        assert answer["score"] == pytest.approx(expected, abs=1e-3)


def test_attention_has_a_row_for_each_token_written(reversal):
    answer = reversal.model.generate("abcd", return_attention=True)
    assert answer["text"] == "dcba"
    assert answer["source_tokens"] == ["a", "b", "c", "d", "</s>"]
    assert answer["target_tokens"] == ["d", "c", "b", "a", "</s>"]
    np.testing.assert_allclose(answer["attention"].sum(-1), 1, atol=1e-4)
    # It reverses: while it writes, it must look at the end first and at the start last.
    assert answer["attention"][0, 3:].sum() > answer["attention"][0, :2].sum()


def test_attention_is_none_without_attention(tiny):
    answer = tiny(attention=None).generate("abc", return_attention=True)
    assert answer["attention"] is None


@pytest.mark.parametrize("sampler", ["greedy", "beam"])
def test_lengths(model, sampler):
    for text in TEXTS:
        answer = model.generate(text, sampler=sampler, max_length=3, return_attention=True)
        assert 1 <= len(answer["target_tokens"]) <= 3
    endless = model.generate("abcde" * 2000, sampler=sampler, return_attention=True)
    assert endless["attention"].shape[1] == model.max_source_length
    assert len(endless["target_tokens"]) <= 40


def test_an_unseen_character_is_the_unknown_token(model):
    assert model.generate("q") == model.generate("z")


def test_nothing_is_traced_twice_for_one_bucket(tiny):
    model = tiny()
    steps = []
    original = model.step
    model.step = lambda *args: steps.append(1) or original(*args)
    model.generate(["abc", "de"], max_length=4)
    traced = len(steps)
    model.generate(["e", "abcde"], max_length=4)
    if keras.config.backend() == "torch":
        assert traced <= 4  # it steps in Python
    else:
        assert len(steps) == traced


def test_new_weights_are_seen(tiny):
    model = tiny(units=8)
    before = model.generate(["abc"], return_scores=True)[0]["score"]
    model.set_weights([2 * w for w in model.get_weights()])
    assert model.generate(["abc"], return_scores=True)[0]["score"] != before


def test_generates_within_fit(tiny):
    model, answers = tiny(), []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: answers.append(
            model.generate("abc", return_scores=True)["score"]
        )
    )
    model.fit(["abc", "de"] * 4, ["xy", "z"] * 4, epochs=3, verbose=0, callbacks=[callback])
    assert len(set(answers)) == 3
    assert model.generate("abc", return_scores=True)["score"] == pytest.approx(answers[-1])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"inputs": 5}, "received int"),
        ({"inputs": ["a", 5]}, "item 1 is 5"),
        ({"inputs": "a", "sampler": "oracle"}, "Unknown sampler 'oracle'"),
        ({"inputs": "a", "max_length": 0}, "`max_length`"),
        ({"inputs": "a", "batch_size": 0}, "`batch_size`"),
    ],
)
def test_mistakes(tiny, arguments, expected):
    with pytest.raises(ValueError, match=expected):
        tiny().generate(**arguments)
