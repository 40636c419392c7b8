"""Subwords: against sentencepiece itself."""

import gc
import random
import unicodedata

import keras
import pytest
import sentencepiece

from keras_seq.text import SubwordTokenizer
from keras_seq.text.subword_tokenizer import _sample


@pytest.fixture(scope="module")
def sentences():
    """Sentences of made-up words, as many as a vocabulary of some hundred pieces needs."""
    source = random.Random(3)
    stems = ["walk", "talk", "jump", "grün", "schön", "北京", "東京", "l'ami", "x-ray", "e-mail"]
    ends = ["", "s", "ed", "ing", "er", "e", "市", "!", ", ", "..."]
    words = [stem + end for stem in stems for end in ends]
    lines = [" ".join(source.choices(words, k=source.randrange(1, 12))) for _ in range(300)]
    return [" ".join(unicodedata.normalize("NFKC", line).split()) for line in lines]


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_agrees_with_sentencepiece_and_comes_back(sentences, model_type):
    tokenizer = SubwordTokenizer.from_texts(sentences, max_vocabulary=120, model_type=model_type)
    size = tokenizer.vocabulary_size
    assert 60 < size <= 120
    peer = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model_proto)
    ids = tokenizer.tokenize(sentences)
    assert ids == peer.encode(sentences)
    assert tokenizer.detokenize(ids) == sentences
    assert tokenizer.vocabulary[4:] == [peer.id_to_piece(i) for i in range(4, size)]
    assert tokenizer.split(sentences[0]) == peer.encode(sentences[0], out_type=str)


def test_pieces_do_not_depend_on_the_run(sentences):
    first, again = (SubwordTokenizer.from_texts(sentences, 150) for _ in range(2))
    assert first.model_proto == again.model_proto


def test_small_corpus_gives_fewer_pieces():
    tokenizer = SubwordTokenizer.from_texts(["ab"])
    assert tokenizer.vocabulary_size < 10
    assert tokenizer.detokenize(tokenizer.tokenize("ab ba")) == "ab ba"


def test_lowercase_folds_case():
    tokenizer = SubwordTokenizer.from_texts(["Straße GRÜN"], lowercase=True)
    assert tokenizer.tokenize("GRÜN") == tokenizer.tokenize("grün")
    assert tokenizer.detokenize(tokenizer.tokenize("STRAßE")) == "straße"


def test_unknown_characters():
    tokenizer = SubwordTokenizer.from_texts(["abc"])
    assert 3 in tokenizer.tokenize("a☃")
    assert " ⁇ " in tokenizer.detokenize(tokenizer.tokenize("a☃"))
    assert "☃" in tokenizer.split("a☃")


@pytest.mark.parametrize("separator", [" ", "\n", ""])
def test_long_texts_are_learnt_too(separator):
    text = separator.join(["abcdefgh"] * 2000) + separator + "xyz"
    tokenizer = SubwordTokenizer.from_texts([text])
    assert 3 not in tokenizer.tokenize("xyz abc")


def test_null_characters_do_no_harm():
    assert 3 not in SubwordTokenizer.from_texts(["ab\0cd", "\0"]).tokenize("abcd")


def test_proto_in_base64_is_a_proto(trained):
    config = trained["subword"].get_config()
    assert isinstance(config["model_proto"], str)
    assert SubwordTokenizer(**config).model_proto == trained["subword"].model_proto


def test_errors():
    with pytest.raises(ValueError, match=r"`max_vocabulary` must be at least 2.* received 8"):
        SubwordTokenizer.from_texts(["abcdefghijklmnop"], max_vocabulary=8)
    with pytest.raises(ValueError, match=r"`model_type` must be one of .* received 'wordpiece'"):
        SubwordTokenizer.from_texts(["a"], model_type="wordpiece")
    with pytest.raises(ValueError, match="`character_coverage` must be in"):
        SubwordTokenizer.from_texts(["a"], character_coverage=2)
    with pytest.raises(ValueError, match="must be a sentencepiece model"):
        SubwordTokenizer(b"nonsense")
    with pytest.raises(ValueError, match="must be bytes or base64: "):
        SubwordTokenizer("no base64!")
    with pytest.raises(ValueError, match="bytes or base64; received 3"):
        SubwordTokenizer(3)


def test_other_special_ids_are_refused(tmp_path):
    import io

    proto = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["ab ba"]),
        model_writer=proto,
        vocab_size=50,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    with pytest.raises(ValueError, match=r"ids \(0, 1, 2, 3\); received \(-1, 1, 2, 0\)"):
        SubwordTokenizer(proto.getvalue())


def test_a_twin_that_is_collected_takes_nothing_along():
    texts = ["one for all and all for one", "each for itself"] * 3
    tokenizer = SubwordTokenizer.from_texts(texts, max_vocabulary=40)
    expected = tokenizer.tokenize(texts[0])
    for _ in range(2):
        twin = SubwordTokenizer.from_config(tokenizer.get_config())
        assert twin.tokenize(texts[0]) == expected
        del twin
        gc.collect()
    assert tokenizer.tokenize(texts[0]) == expected


def test_a_new_seed_leaves_the_model_alone():
    import tensorflow as tf

    texts = ["all for one", "each for itself"] * 3
    tokenizer = SubwordTokenizer.from_texts(texts, max_vocabulary=40)
    expected = tokenizer.tokenize(texts)
    dataset = tf.data.Dataset.from_tensor_slices(texts).map(tokenizer.tokenize)
    keras.utils.set_random_seed(1)
    tf.random.set_seed(1)
    assert tokenizer.tokenize(texts) == expected
    assert [row.tolist() for row in dataset.as_numpy_iterator()] == expected
    other = SubwordTokenizer.from_texts([*texts, "another one"], max_vocabulary=45)
    assert other.detokenize(other.tokenize(texts[0])) == texts[0]


def test_of_a_large_corpus_a_sample_is_kept():
    lines = [str(number) for number in range(1000)]
    kept = _sample(lines, 100)
    assert len(kept) == len(set(kept)) == 100
    assert kept == sorted(kept, key=int) == _sample(iter(lines), 100)
    assert 400 < sum(map(int, kept)) / 100 < 600
    assert _sample(lines, 1000) == lines
    with pytest.raises(ValueError, match="`max_sentences` must be an integer above 0"):
        SubwordTokenizer.from_texts(["a"], max_sentences=0)
