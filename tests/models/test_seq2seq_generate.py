"""`generate`: strings in, strings out, whatever comes together in a batch."""

import keras
import numpy as np
import pytest
from checks import array, log_softmax
from keras import ops

from keras_seq.models import Seq2Seq
from keras_seq.samplers import Beam, Exhaustive, Random, Sampler

TEXTS = ["abc", "", "de", "zzz", "edcba", "a"]


@pytest.fixture(scope="module")
def model():
    """Untrained, with weights large enough for decided answers of many lengths."""
    keras.utils.set_random_seed(3)
    model = Seq2Seq.from_texts(
        ["abcde"], ["vwxyz"], tokens="char", cell="gru", units=8, max_target_length=40
    )
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


def test_attention_of_given_targets_is_that_of_written_ones(model):
    written = model.generate(TEXTS, return_attention=True)
    given = model.attention(TEXTS, [answer["text"] for answer in written], batch_size=4)
    for one, other in zip(given, written, strict=True):
        if "<unk>" not in other["target_tokens"] and other["target_tokens"][-1:] == ["</s>"]:
            assert one["target_tokens"] == other["target_tokens"]
            assert one["source_tokens"] == other["source_tokens"]
            np.testing.assert_allclose(one["attention"], other["attention"], atol=1e-5)
    with pytest.raises(ValueError, match="6 sources and 1 targets"):
        model.attention(TEXTS, ["a"])


def test_attention_is_none_without_attention(tiny):
    answer = tiny(attention=None).generate("abc", return_attention=True)
    assert answer["attention"] is None


@pytest.mark.parametrize("sampler", ["greedy", "beam"])
def test_lengths(model, sampler):
    for text in TEXTS:
        answer = model.generate(text, sampler=sampler, max_length=3, return_attention=True)
        assert bool(text) <= len(answer["target_tokens"]) <= 3 * bool(text)  # blank: nothing
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


def test_other_numbers_of_a_random_sampler_trace_nothing(tiny):
    model, steps = tiny(), []
    original = model.step
    model.step = lambda *args: steps.append(1) or original(*args)
    sampled = [
        model.generate("abc", sampler=Random(temperature, top_p=0.9, seed=seed), max_length=8)
        for temperature, seed in ((5.0, 0), (5.0, 2**35 + 1), (1e-4, 0), (5.0, 0))
    ]
    traced = len(steps)
    assert sampled[0] == sampled[3] and len(set(sampled)) == 3
    assert sampled[2] == model.generate("abc", max_length=8)
    if keras.config.backend() != "torch":
        assert traced <= 4  # JAX and TensorFlow trace a body more than once


def test_random_draws_belong_to_the_seed_and_the_place_in_the_list(model):
    texts, sampler = [*TEXTS[:3], TEXTS[0]], Random(temperature=5.0, seed=7)
    answers = model.generate(texts, sampler=sampler, max_length=8)
    assert model.generate(texts, sampler=sampler, max_length=8, batch_size=2) == answers
    assert model.generate(texts[:2], sampler=sampler, max_length=8) == answers[:2]
    assert answers[0] != answers[3]


def test_padding_of_the_source_counts_as_covered(model):
    sampler = Beam(2, coverage_penalty=0.5)
    alone = model.generate("a", sampler=sampler, max_length=6, return_scores=True)
    batch = model.generate(["a", "edcba" * 4], sampler=sampler, max_length=6, return_scores=True)
    assert batch[0]["text"] == alone["text"]
    assert batch[0]["score"] == pytest.approx(alone["score"], abs=1e-4)


def test_n_best_is_a_list_and_exhaustive_search_finds_its_head(model):
    beam = Beam(50, length_penalty=0.0, n_best=3)
    answers = model.generate("abc", sampler=beam, max_length=2, return_scores=True)
    strings = model.generate("abc", sampler=beam, max_length=2)
    assert [answer["text"] for answer in answers] == strings
    scores = [answer["score"] for answer in answers]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    exact = model.generate("abc", sampler=Exhaustive(), max_length=2, return_scores=True)
    assert exact["text"] == strings[0] and exact["exact"] is True
    assert exact["score"] == pytest.approx(scores[0], abs=1e-4)


def test_predict_keeps_lists_of_answers(tiny):
    model = tiny(max_target_length=3)
    model.compile(sampler=Beam(2, n_best=2))
    predicted = model.predict(["abc", "de"])
    assert predicted.shape == (2,) and all(len(answers) == 2 for answers in predicted)


def test_the_trace_leads_to_the_answer(model):
    answers = model.generate(TEXTS[2:5], sampler="beam", return_trace=True, return_attention=True)
    for answer in answers:
        steps, path, place = answer["trace"], [], 0
        assert all(entry["finished"] for entry in steps[-1])
        assert not all(entry["finished"] for entry in steps[-2])
        assert steps[-1][0]["score"] == answer["score"]
        for step in reversed(steps):
            path.append(step[place])
            place = path[-1]["parent"]
        tokens = [entry["token"] for entry in reversed(path) if entry["token_id"]]
        assert tokens == answer["target_tokens"]
        ids = [model.target_tokenizer.token_to_id(token) for token in tokens]
        assert ids == [entry["token_id"] for entry in reversed(path) if entry["token_id"]]


class Always(Sampler):
    """One token, for ever."""

    def __init__(self, token_id):
        self.token_id = token_id

    def get_next_token(self, log_probabilities):
        return ops.zeros_like(ops.argmax(log_probabilities, axis=-1)) + self.token_id


def test_an_unknown_token_is_replaced_by_what_it_attends_to(model):
    options = {"sampler": Always(3), "max_length": 4}
    answers = model.generate(TEXTS, replace_unknown=True, return_attention=True, **options)
    for text, answer in zip(TEXTS, answers, strict=True):
        attended = answer["attention"][:, : len(text)]
        expected = [text[s] for s in attended.argmax(axis=-1)] if text else []
        assert answer["target_tokens"] == expected
        assert answer["text"] == "".join(expected).replace("<unk>", "\ufffd")
    assert model.generate(TEXTS, replace_unknown=True, **options) == [a["text"] for a in answers]
    assert model.generate("abc", **options) == "\ufffd" * 4
    plain = model.generate(TEXTS, return_attention=True)
    replaced = model.generate(TEXTS, return_attention=True, replace_unknown=True)
    for one, other in zip(plain, replaced, strict=True):
        if "<unk>" not in one["target_tokens"]:
            assert one["text"] == other["text"]


def test_a_pointer_writes_tokens_of_the_source(tiny):
    model = tiny(copy=True)
    size = model.target_tokenizer.vocabulary_size
    answers = model.generate(
        ["a!?", "xyzzy"],
        sampler=Always(size + 1),
        max_length=3,
        return_attention=True,
        return_trace=True,
    )
    for answer, letter in zip(answers, "!y", strict=True):
        assert answer["text"] == letter * 3
        assert answer["target_tokens"] == [letter] * 3
        assert answer["attention"].shape == (3, len(answer["source_tokens"]))
        assert [step[0]["token"] for step in answer["trace"]] == [letter] * 3
    # Every answer there is, and none that points at padding or at the same letter again.
    every = Beam(20, n_best=20)
    assert len(model.generate("a", sampler=every, max_length=1)) == size - 2 + 1
    assert len(model.generate("?!?", sampler=every, max_length=1)) == size - 2 + 2


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
        ({"inputs": 5}, "received 5 of type int"),
        ({"inputs": ["a", 5]}, "item 1 is 5"),
        ({"inputs": "a", "sampler": "oracle"}, "Unknown sampler 'oracle'"),
        ({"inputs": "a", "max_length": 0}, "`max_length`"),
        ({"inputs": "a", "batch_size": 0}, "`batch_size`"),
        ({"inputs": "a", "sampler": "exhaustive", "return_trace": True}, "has no trace"),
    ],
)
def test_mistakes(tiny, arguments, expected):
    with pytest.raises(ValueError, match=expected):
        tiny().generate(**arguments)


def test_what_needs_attention_says_so(tiny):
    model = tiny(attention=None)
    with pytest.raises(ValueError, match=r"`replace_unknown` .* this model has no attention"):
        model.generate("abc", max_length=4, replace_unknown=True)
    with pytest.raises(ValueError, match="`coverage_penalty` needs a model with attention"):
        model.generate("abc", sampler=Beam(2, coverage_penalty=0.1), max_length=4)


def test_half_precision_writes_the_same(reversal):
    tokenizers = reversal.model.source_tokenizer, reversal.model.target_tokenizer
    half = Seq2Seq(*tokenizers, units=32, dtype="mixed_bfloat16")
    half.set_weights(reversal.model.get_weights())
    texts = reversal.unseen[:60]
    found = half.generate(texts, sampler="greedy")
    assert sum(a == text[::-1] for a, text in zip(found, texts, strict=True)) >= 57
