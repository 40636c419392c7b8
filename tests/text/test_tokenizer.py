"""What holds for every kind of tokenizer."""

import copy
import doctest
import importlib
import json
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.testing import check_tokenizer
from keras_seq.text import Tokenizer, get_tokenizer_class, tokenizers

TEXTS = ["Hello, world!", "", "wie geht's 北京?", "zzz unseen ☃", "I <s> </s> <pad> <unk> don't"]


def test_the_common_rules(tokenizer, corpus):
    check_tokenizer(lambda: copy.deepcopy(tokenizer), corpus, round_trip=False)


def test_round_trip_of_the_corpus(corpus, kind, trained):
    assert trained[kind].detokenize(trained[kind].tokenize(corpus)) == corpus


def test_mistakes_of_a_tokenizer(corpus):
    class Shouting(tokenizers["char"]):
        def detokenize(self, ids):
            texts = super().detokenize(ids)
            return [text.upper() for text in texts] if isinstance(texts, list) else texts

    shouting = Shouting.from_texts(corpus)
    with pytest.raises(AssertionError, match="a function gives other texts"):
        check_tokenizer(lambda: copy.deepcopy(shouting), corpus)
    lower = tokenizers["char"].from_texts(corpus, lowercase=True)
    with pytest.raises(AssertionError, match="the texts come back as"):
        check_tokenizer(lambda: copy.deepcopy(lower), corpus)


def test_special_tokens_in_text_are_text(tokenizer):
    for text in ("<s>", "</s>", "<pad>", "a</s>b", "<s> </s> <pad>", "<unk>"):
        ids = tokenizer.tokenize(text)
        assert ids and min(ids) >= 3, text


def test_special_tokens_in_the_corpus_are_text(kind):
    texts = ["<s> Hello </s> world", "a <pad> b <unk>", "<s></s>"]
    trained = tokenizers[kind].from_texts(texts)
    assert len(set(trained.vocabulary)) == trained.vocabulary_size
    assert min(id for ids in trained.tokenize(texts) for id in ids) >= 3


def test_eager_tensors_agree_with_python(tokenizer):
    batch = tokenizer.tokenize(tf.constant(TEXTS))
    assert isinstance(batch, tf.RaggedTensor) and batch.dtype == tf.int32
    assert batch.to_list() == tokenizer.tokenize(TEXTS)
    one = tokenizer.tokenize(tf.constant(TEXTS[0]))
    assert one.dtype == tf.int32 and one.numpy().tolist() == tokenizer.tokenize(TEXTS[0])


def test_function_agrees_with_python_even_at_first_use(tokenizer):
    fresh = copy.deepcopy(tokenizer)

    @tf.function
    def there_and_back(texts):
        assert fresh.tokenize("Hello") == tokenizer.tokenize("Hello")  # Python inside a trace
        return fresh.detokenize(fresh.tokenize(texts))

    expected = tokenizer.detokenize(tokenizer.tokenize(TEXTS))
    assert [t.decode() for t in there_and_back(tf.constant(TEXTS)).numpy()] == expected
    assert there_and_back(tf.constant(TEXTS[0])).numpy().decode() == expected[0]


@pytest.mark.parametrize("used", [False, True])
def test_copies_behave_the_same(tokenizer, used):
    original = copy.deepcopy(tokenizer)
    if used:
        original.tokenize("x")
    config = keras.saving.serialize_keras_object(original)
    copies = [
        copy.deepcopy(original),
        pickle.loads(pickle.dumps(original)),
        type(original).from_config(original.get_config()),
        keras.saving.deserialize_keras_object(json.loads(json.dumps(config))),
    ]
    for other in copies:
        assert type(other) is type(tokenizer) and other is not original
        assert other.get_config() == tokenizer.get_config()
        assert other.vocabulary == tokenizer.vocabulary
        assert other.tokenize(TEXTS) == tokenizer.tokenize(TEXTS)
        assert other.split(TEXTS[2]) == tokenizer.split(TEXTS[2])
        assert other.detokenize([4, 5]) == tokenizer.detokenize([4, 5])


def test_dataset_outlives_its_tokenizer(corpus, kind):
    def dataset():
        fresh = tokenizers[kind].from_texts(corpus)
        return tf.data.Dataset.from_tensors(TEXTS).map(lambda x: fresh.tokenize(x))

    (ids,) = dataset()
    assert ids.to_list() == tokenizers[kind].from_texts(corpus).tokenize(TEXTS)


def test_from_texts_is_deterministic_and_reads_iterables(corpus, kind):
    first = tokenizers[kind].from_texts(corpus)
    again = tokenizers[kind].from_texts(text for text in corpus)
    assert first.get_config() == again.get_config()


def test_split_of_a_list(tokenizer):
    rows = [tokenizer.split(text) for text in TEXTS]
    for texts in (TEXTS, tuple(TEXTS), np.array(TEXTS)):
        assert tokenizer.split(texts) == rows
    assert tokenizer.split([]) == []
    for wrong in (5, ["a", 5]):
        with pytest.raises(ValueError, match="`texts` must be a str"):
            tokenizer.split(wrong)


def test_join_is_the_inverse_of_split(corpus, kind, trained):
    tokenizer = trained[kind]
    assert [tokenizer.join(tokens) for tokens in tokenizer.split(corpus)] == corpus
    unknown = "zzz☃ ☂!"  # never seen, and yet not lost
    assert tokenizer.join(tokenizer.split(unknown)) == unknown
    assert tokenizer.join([]) == ""


def test_join_of_known_tokens_is_detokenize_of_their_ids(tokenizer):
    for ids in [*tokenizer.tokenize(TEXTS), [1, 4, 3, 5, 2], [5, 4, 0], [3], [2]]:
        tokens = [tokenizer.id_to_token(i) for i in ids]
        assert tokenizer.join(tokens) == tokenizer.detokenize(ids)


def test_join_of_something_else(tokenizer):
    for wrong in ("ab", 5, [4, 5]):
        with pytest.raises(ValueError, match="`tokens` must be a list of str"):
            tokenizer.join(wrong)


def test_detokenize_stops_at_the_end_and_skips_pad_and_start(corpus, kind, trained):
    tokenizer = trained[kind]
    a, b = tokenizer.tokenize(corpus[:2])
    assert tokenizer.detokenize([1, *a, 2, *b, 2]) == corpus[0]
    assert tokenizer.detokenize([0, 1, 0, *a, 0, 0]) == corpus[0]
    assert tokenizer.detokenize([[2, *a], [*b, 2, 2], [], [1, *a]]) == [
        "",
        corpus[1],
        "",
        corpus[0],
    ]


def test_detokenize_kinds_of_input_agree(corpus, trained, kind):
    tokenizer = trained[kind]
    rows = [[1, *ids, 2, 0, 4] for ids in tokenizer.tokenize(corpus)]
    width = max(map(len, rows))
    dense = np.array([row + [0] * (width - len(row)) for row in rows])
    assert tokenizer.detokenize(rows) == corpus
    assert tokenizer.detokenize([np.array(row) for row in rows]) == corpus
    assert tokenizer.detokenize(dense) == corpus
    assert tokenizer.detokenize(dense.astype("uint16")) == corpus
    assert tokenizer.detokenize(dense[0]) == corpus[0]
    for dtype in (tf.int32, tf.int64):
        for tensor in (tf.constant(dense, dtype), tf.ragged.constant(rows, dtype)):
            texts = tokenizer.detokenize(tensor)
            assert texts.dtype == tf.string
            assert [text.decode() for text in texts.numpy()] == corpus
    assert tokenizer.detokenize(tf.constant(rows[0])).numpy().decode() == corpus[0]
    native = tokenizer.detokenize(keras.ops.convert_to_tensor(dense))
    if keras.backend.backend() == "tensorflow":
        native = [text.decode() for text in native.numpy()]
    assert native == corpus


def test_empty_things(tokenizer):
    assert tokenizer.tokenize("") == []
    assert tokenizer.tokenize([]) == []
    assert tokenizer.encode([]) == []
    assert tokenizer.tokenize(["", ""]) == [[], []]
    assert tokenizer.tokenize(tf.constant([], tf.string)).to_list() == []
    assert tokenizer.tokenize(tf.constant("")).shape == (0,)
    assert tokenizer.split("") == []
    assert tokenizer.detokenize([]) == ""
    assert tokenizer.detokenize([[]]) == [""]
    assert tokenizer.detokenize([0, 1, 2]) == ""
    assert tokenizer.detokenize(np.zeros((0, 3), int)) == []
    assert tokenizer.detokenize(np.zeros((2, 0), int)) == ["", ""]
    assert tokenizer.detokenize(tf.zeros((0, 3), tf.int32)).shape == (0,)
    assert tokenizer.detokenize(tf.zeros((0,), tf.int32)).numpy() == b""


def test_broken_utf8_and_lone_surrogates_are_replaced(tokenizer):
    broken = tf.constant([b"Hello\xff", b"\xc3", b"a\xed\xa0\x80b"])
    mended = ["Hello\ufffd", "\ufffd", "a\ufffd\ufffd\ufffdb"]
    assert tokenizer.tokenize(broken).to_list() == tokenizer.tokenize(mended)
    assert tokenizer.tokenize("Hello\ud800") == tokenizer.tokenize("Hello\ufffd")
    assert len(tokenizer.split("a\udfffb")) == len(tokenizer.tokenize("a\udfffb"))


def test_any_text_gives_valid_ids_and_any_ids_valid_text(tokenizer, random_texts):
    ids = tokenizer.tokenize(random_texts)
    flat = [id for row in ids for id in row]
    assert min(flat) >= 3 and max(flat) < tokenizer.vocabulary_size
    source = np.random.default_rng(0)
    texts = tokenizer.detokenize(source.integers(0, tokenizer.vocabulary_size, (200, 20)))
    assert all(isinstance(text, str) for text in texts)


def test_long_lists_are_cut_into_chunks(tokenizer, monkeypatch, random_texts):
    expected = tokenizer.tokenize(random_texts[:50])
    monkeypatch.setattr("keras_seq.text.operations._CHUNK_TEXTS", 7)
    assert tokenizer.tokenize(random_texts[:50]) == expected
    monkeypatch.setattr("keras_seq.text.operations._CHUNK_CHARACTERS", 5)
    assert tokenizer.tokenize(random_texts[:50]) == expected


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.arange(3), "ndarray of int64"),
        (np.array([["a", "b"]]), r"\['a', 'b'\] of type list at position 0"),
        (np.array([b"\xff"]), "position 0: no UTF-8"),
        ([1, 2], "1 of type int at position 0"),
        (["a", None], "None of type NoneType at position 1, a missing value"),
        (["a", float("nan")], "nan of type float at position 1, a missing value"),
        (["a", b"\xff"], "at position 1: no UTF-8"),
        (3, "3 of type int"),
        (None, "NoneType"),
        ([["nested"]], "of type list at position 0"),
        (tf.constant([1, 2]), "Tensor of int32"),
        (tf.constant([["a"]]), "rank 0 or 1"),
        (tf.ragged.constant([["a"]]), "dense tensor"),
    ],
)
def test_tokenize_says_what_is_no_text(trained, value, said):
    with pytest.raises(ValueError, match=f"`texts` must be .*{said}"):
        trained["char"].tokenize(value)


def test_encode_says_what_it_takes(trained):
    with pytest.raises(ValueError, match=r"`texts` must be a list .* received 'abc' of type str"):
        trained["char"].encode("abc")


@pytest.mark.parametrize(
    "value",
    [
        "text",
        ["text"],
        3,
        None,
        [1.5],
        [True],
        [[1], 2],
        [1, [2]],
        [[[1]]],
        [2**70],
        np.zeros((1, 1, 1), int),
        np.zeros(3),
        np.array(["a"]),
        tf.constant(["a"]),
        tf.constant([1.0]),
        tf.constant(1),
        tf.zeros((1, 1, 1), tf.int32),
    ],
)
def test_detokenize_says_what_is_no_id(trained, value):
    with pytest.raises(ValueError, match="`ids` must be"):
        trained["char"].detokenize(value)


def test_ids_out_of_range(tokenizer):
    size = tokenizer.vocabulary_size
    for ids in ([4, -1], [4, size], [[4], [5, size]], np.array([[4, -1]])):
        with pytest.raises(ValueError, match=f"`ids` must be from 0 to {size - 1}; received"):
            tokenizer.detokenize(ids)
    unknown = tokenizer.detokenize([4, 3, 3])
    in_graph = tf.function(tokenizer.detokenize)(tf.constant([4, -1, size]))
    assert in_graph.numpy().decode() == unknown


@pytest.mark.parametrize("name", tokenizers)
@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "empty corpus"),
        ("one text", "must be an iterable of str; received 'one text' of type str"),
        (3, "must be an iterable of str; received 3 of type int"),
        (["a", 3], "received 3 of type int at position 1"),
        (["a", None], "received None of type NoneType at position 1"),
        ([b"\xff"], "bytes at position 0: no UTF-8"),
    ],
)
def test_from_texts_says_what_is_no_corpus(name, texts, said):
    with pytest.raises(ValueError, match=said):
        tokenizers[name].from_texts(texts)


@pytest.mark.parametrize("name", ["word", "subword"])
def test_from_texts_needs_something_to_learn(name):
    with pytest.raises(ValueError, match="must hold"):
        tokenizers[name].from_texts(["", " \n "])


def test_max_vocabulary_needs_room(kind):
    with pytest.raises(
        ValueError,
        match=r"at least 5 \(4 are special\); received 4",
    ):
        tokenizers[kind].from_texts(["abc"], max_vocabulary=4)


@pytest.mark.parametrize("name", ["char", "word"])
@pytest.mark.parametrize(
    ("vocabulary", "said"),
    [
        ("<pad>", "list of str; received '<pad>' of type str"),
        (["a", "b"], "must begin with <pad>"),
        (["<pad>", "<s>", "</s>", "<unk>", "a", "a"], "received 'a' twice"),
        (["<pad>", "<s>", "</s>", "<unk>", 5], "5 of type int at position 4"),
        (["<pad>", "<s>", "</s>", "<unk>", ""], "received ''"),
    ],
)
def test_vocabularies_are_checked(name, vocabulary, said):
    with pytest.raises(ValueError, match=said):
        tokenizers[name](vocabulary)


@pytest.mark.parametrize("name", ["char", "word"])
def test_vocabulary_of_special_tokens_alone(name):
    tokenizer = tokenizers[name](["<pad>", "<s>", "</s>", "<unk>"])
    assert set(tokenizer.tokenize("abc")) == {3}


def test_choice_by_name():
    for name, cls in tokenizers.items():
        assert get_tokenizer_class(name) is cls and issubclass(cls, Tokenizer)
    assert get_tokenizer_class("character") is tokenizers["char"]
    with pytest.raises(ValueError, match=r"one of 'char', .*; received 'wrod'"):
        get_tokenizer_class("wrod")


@pytest.mark.parametrize(
    "name", ["", ".tokenizer", ".character_tokenizer", ".word_tokenizer", ".subword_tokenizer"]
)
def test_examples_run(name):
    module = importlib.import_module(f"keras_seq.text{name}")
    assert doctest.testmod(module).failed == 0


def test_tensorflow_takes_no_gpu_from_another_backend(trained):
    trained["char"].tokenize("x")
    if keras.backend.backend() != "tensorflow":
        assert tf.config.get_visible_devices("GPU") == []
