"""What tokenizers do in Python is what they do in a graph, for texts of any Unicode."""

import random
import unicodedata

import keras  # noqa: F401  (imports torch before TensorFlow where torch is the backend)
import pytest
import tensorflow as tf

from keras_seq.text import CharacterTokenizer, SubwordTokenizer, WordTokenizer
from keras_seq.text.characters import DIGIT_CLASS, PUNCTUATION_CLASS, SPACE_CLASS, clean
from keras_seq.text.operations import clean_strings
from keras_seq.text.subword_sampling import sampled_subwords
from keras_seq.text.unicode_tables import (
    CHANGED_LETTERS,
    LATER_LETTERS,
    LATER_LOOKS,
    LATER_MARKS,
    LATER_PAIRS,
    code_points,
)

pytestmark = pytest.mark.once

# What versions of Unicode differ in.
DISPUTED = {
    *code_points(LATER_LETTERS),
    *CHANGED_LETTERS,
    *(code for ranges in LATER_MARKS.values() for code in code_points(ranges)),
    *code_points(LATER_PAIRS.replace(",", " ")),
    *(first + i for first, text in LATER_LOOKS.items() for i in range(len(text))),
}
EVERY = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
# Without private use and what is no character yet, which are most of them.
ASSIGNED = [c for c in EVERY if unicodedata.category(c) not in ("Cn", "Co") or ord(c) in DISPUTED]
MARKS = [c for c in EVERY if unicodedata.combining(c)]
FORMS = [(form, lower) for form in (None, "NFC", "NFKC") for lower in (False, True)]


def constant(texts):
    return tf.constant([text.encode() for text in texts])


def decoded(strings):
    return [string.decode() for string in strings.numpy().tolist()]


def any_texts(words, count, seed=0):
    """Texts of letters and traps, marks, words, and code points from everywhere."""
    draw = random.Random(seed)
    traps = [
        *"abcXYZ09 \t\n\x0b\x1c\x85.,;:!?'\"()<>_\0\x01Σ\u03c3ßİ\u017fﬁÅé■￭▁👍🏽",
        "\u0301",
        "\u0323",
    ]
    choices = (
        lambda: draw.choice(traps),
        lambda: chr(draw.choice(disputed)),
        lambda: draw.choice(MARKS),
        lambda: draw.choice(words) + draw.choice(["", " "]),
        lambda: chr(draw.randrange(0x3000)),
        lambda: draw.choice(EVERY),
    )
    disputed = sorted(DISPUTED)
    weights = (6, 2, 2, 3, 2, 2)
    return [
        "".join(choose() for choose in draw.choices(choices, weights, k=draw.randrange(20)))
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    "text", ["{}", "aΣ{}b", "a{}Σ", "{}Σ", "x{}\u0334\u0345\u0301\u0323", "{0}{0}"]
)
def test_disputed_characters_are_cleaned_as_in_a_graph(text):
    texts = [text.format(chr(code)) for code in sorted(DISPUTED)]
    for form, lower in FORMS:
        expected = decoded(clean_strings(constant(texts), form, lower))
        assert [clean(text, form, lower) for text in texts] == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["{}", "aΣ{}b", "a{}Σ", "{}Σ", "x{}\u0334\u0345\u0301\u0323", "{0}{0}"]
)
def test_every_character_is_cleaned_as_in_a_graph(text):
    characters = EVERY if text == "{}" else ASSIGNED
    texts = [text.format(character) for character in characters]
    for form, lower in FORMS:
        expected = decoded(clean_strings(constant(texts), form, lower))
        assert [clean(text, form, lower) for text in texts] == expected


def test_classes_of_characters_are_those_of_python():
    def members(pattern):
        inside = tf.strings.regex_full_match(constant(EVERY), pattern).numpy()
        return {c for c, is_in in zip(EVERY, inside, strict=True) if is_in}

    assert members(SPACE_CLASS) == {c for c in EVERY if c.isspace()}
    later = {c for c in EVERY if unicodedata.category(c) == "Cn"}  # for this Python
    kinds = {c: unicodedata.category(c) for c in EVERY}
    for pattern, known in ((PUNCTUATION_CLASS, "PS"), (DIGIT_CLASS, ("Nd",))):
        python = {c for c, kind in kinds.items() if kind in known or kind[0] in known}
        assert members(pattern) - later <= python
        if unicodedata.unidata_version < "15.1":
            assert members(pattern) - later == python


def test_lower_case_ends_at_a_nul_and_knows_the_final_sigma():
    assert clean("ΔΣ ΣΔ\0B", None, True) == "δς \u03c3δ"
    assert clean("ΔΣ\U0001df00Δ", None, True) == "δς\U0001df00δ"  # no letter in Unicode 13
    assert clean("\ud800a", None, False) == "\ufffda"


def compare(tokenizer, texts):
    ids = tokenizer.tokenize(constant(texts))
    assert [row.tolist() for row in tokenizer.encode(texts)] == ids.to_list()
    pieces = [
        [piece.decode() for piece in row] for row in tokenizer._split(constant(texts)).to_list()
    ]
    assert tokenizer.split(texts) == pieces
    assert tokenizer.detokenize(ids.to_list()) == decoded(tokenizer.detokenize(ids))


def test_any_texts(tokenizer, corpus):
    compare(tokenizer, any_texts(" ".join(corpus).split(), 1500))


@pytest.mark.parametrize("kind", [CharacterTokenizer, WordTokenizer])
def test_any_texts_in_nfc(kind, corpus):
    tokenizer = kind.from_texts(corpus, normalization="NFC", lowercase=True)
    compare(tokenizer, any_texts(" ".join(corpus).split(), 1500, seed=1))


def test_splits_as_probable_as_each_other(trained):
    """Rounding decides between ". .." and ".. .", and does so in another way in each library."""
    draw = random.Random(1)
    parts = [".", "..", "...", "no", "w", "Hello ", "'", "don", "1", "e", " ", "☃"]
    texts = ["".join(draw.choices(parts, k=draw.randrange(30))) for _ in range(2000)]
    compare(trained["subword"], [*texts, "... " * 3000])


def test_a_model_of_others_with_symbols_of_its_own(corpus, tmp_path):
    """Only splits of a plain unigram model are settled here."""
    import io

    import sentencepiece

    for options in (
        {"user_defined_symbols": ["..."]},
        {"byte_fallback": True},
        {"model_type": "char"},
    ):
        proto = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus),
            model_writer=proto,
            vocab_size=340,
            hard_vocab_limit=False,
            pad_id=0,
            bos_id=1,
            eos_id=2,
            unk_id=3,
            minloglevel=2,
            **options,
        )
        compare(SubwordTokenizer(proto.getvalue()), [*corpus, "no... ☃ ... é"])


def test_drawn_subwords_are_those_of_a_graph(trained, corpus):
    tokenizer = trained["subword"]
    with sampled_subwords(0.1, 7):
        listed = [row.tolist() for row in tokenizer.encode(corpus)]
    with sampled_subwords(0.1, 7):
        assert tokenizer.tokenize(constant(corpus)).to_list() == listed
    assert listed != tokenizer.tokenize(corpus)


def test_who_changes_the_graph_alone_changes_python_too(corpus):
    class Backwards(WordTokenizer):
        def _split(self, strings):
            return super()._split(strings)[:, ::-1]

    class Upper(CharacterTokenizer):
        def _to_text(self, ids):
            return tf.strings.upper(super()._to_text(ids))

    backwards = Backwards.from_texts(corpus)
    assert backwards.split("do you") == ["you", "do"]
    assert backwards.tokenize("do you") == WordTokenizer.from_texts(corpus).tokenize("do you")[::-1]
    upper = Upper.from_texts(corpus)
    assert upper.detokenize(upper.tokenize("do")) == "DO"
