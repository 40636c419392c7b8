"""Tokens with which a text ends besides the end token, and texts that do not end too early."""

import keras
import pytest
from cases import tokenizer

from keras_seq.models import LanguageModel, Seq2Seq
from keras_seq.samplers import Beam, Random

PROMPTS = ["a", "", "bc", "cab"]
DRAWN = Random(temperature=3.0, seed=2)


@pytest.fixture(scope="module")
def writer():
    keras.utils.set_random_seed(0)
    return LanguageModel(tokenizer(), units=3)


def cut(text, stops):
    """Up to the first of `stops`, which is a part of it."""
    places = [i for i, letter in enumerate(text) if letter in stops]
    return text[: places[0] + 1] if places else text


@pytest.mark.parametrize("stops", ["c", ("a", "b"), []], ids=str)
def test_a_language_model(writer, stops):
    """Each set of stop tokens by itself, whatever was compiled for others before."""
    options = {"sampler": DRAWN, "max_length": 12, "strip_prompt": True}
    whole = writer.generate(PROMPTS, **options)
    found = writer.generate(PROMPTS, stop_tokens=stops, **options)
    assert found == [cut(text, stops) for text in whole]
    assert (found != whole) == bool(stops)
    pieces = writer.stream(PROMPTS[0], sampler=DRAWN, max_length=12, stop_tokens=stops)
    assert "".join(pieces) == found[0]


def test_a_stream_goes_on_when_it_is_fed(writer):
    more = ""
    for seed in range(8):
        stream = writer.stream("a", Random(3.0, seed=seed), max_length=60, stop_tokens="b")
        first = "".join(stream)
        assert "b" not in first[:-1] and not list(stream)
        more = "".join(stream.feed("c"))
        assert stream.text == "a" + first + "c" + more
        if first.endswith("b") and more:
            return
    pytest.fail("None of them was gone on with behind a stop token.")


def test_a_minimal_length(writer):
    """For the stop tokens as for the end token, in a text and in a stream."""
    options = {"max_length": 12, "strip_prompt": True, "stop_tokens": ["a", "b"]}
    sampler = Random(temperature=3.0, seed=2, min_length=4)
    texts = writer.generate(PROMPTS, sampler=sampler, **options)
    for text in texts:
        assert text[:4] == "cccc" and not set("ab") & set(text[:-1])
    stream = writer.stream("a", sampler=sampler, max_length=12, stop_tokens=["a", "b"])
    assert "".join(stream) == texts[0]


def test_a_translator():
    """One that copies: what it takes from the source may be a stop token."""
    keras.utils.set_random_seed(1)
    model = Seq2Seq(tokenizer(), tokenizer(), units=3, copy=True, bidirectional=False)
    options = {"sampler": DRAWN, "max_length": 9}
    whole = model.generate(PROMPTS, **options)
    found = model.generate(PROMPTS, stop_tokens=["a", "c"], **options)
    assert found == [cut(text, "ac") for text in whole] != whole
    # A beam search with the same ends: only the last token may be one of them.
    answers = model.generate(PROMPTS, Beam(3, n_best=3), max_length=9, stop_tokens=["a", "c"])
    texts = [text for group in answers for text in group]
    assert not any(set("ac") & set(text[:-1]) for text in texts)
    assert any(text[-1:] in ("a", "c") for text in texts)


@pytest.mark.once
@pytest.mark.parametrize(
    ("stops", "received"), [("ab", "'ab'"), (["a", 4], "4"), (5, "5"), ([""], "''"), ("x", "'x'")]
)
def test_mistakes(writer, stops, received):
    message = f"`stop_tokens` must be .*token.* of the vocabulary.*; received {received}"
    with pytest.raises(ValueError, match=message):
        writer.generate("a", stop_tokens=stops)
    with pytest.raises(ValueError, match=message):
        writer.stream("a", stop_tokens=stops)
    with pytest.raises(ValueError, match=message):
        writer.make_signatures(stop_tokens=stops)
    with pytest.raises(ValueError, match=message):
        Seq2Seq(tokenizer(), tokenizer(), units=3).generate("a", stop_tokens=stops)
