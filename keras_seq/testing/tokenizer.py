"""The rules that hold for every tokenizer."""

import copy
import pathlib
import tempfile
from collections.abc import Callable, Sequence

import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.testing.comparing import json_copy
from keras_seq.text import Tokenizer

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
TEXTS = ["Hello, world!", "", "wie geht's 北京?", "zzz unseen ☃", "I <s> </s> <pad> <unk> don't"]


def check_tokenizer(
    make: Callable[[], Tokenizer], texts: Sequence[str], round_trip: bool = True
) -> None:
    """Check a tokenizer, a subclass of `keras_seq.text.Tokenizer`.

    - The special tokens have the ids 0 to 3, and the index of a token is its id; no text gives one
      of the first three, the text `"</s>"` neither.
    - A str, a list, an array, a tensor, a `tf.data.Dataset`, a `tf.function` and a SavedModel give
      the same ids, at the first use of a new tokenizer too; so do the ways back.
    - `split` gives as many tokens as there are ids, and those of the ids that are known; `join`
      writes known tokens as `detokenize` does.
    - `detokenize` ends at the end token and leaves out padding and start tokens.
    - Copies, deep ones and by a config through JSON, do the same.
    - With `round_trip`, `detokenize` gives the texts back.

    Args:
        make: makes the tokenizer, the same one each time.
        texts: texts that it knows all tokens of, at least one of them not empty.
        round_trip: whether the texts come back as they were.

    Raises:
        AssertionError: for the first rule that is broken.

    Example:

    >>> import keras
    >>> from keras_seq.text import CharacterTokenizer
    >>> @keras.saving.register_keras_serializable(package="mine")
    ... class Mine(CharacterTokenizer):
    ...     '''A tokenizer of one's own.'''
    >>> check_tokenizer(lambda: Mine.from_texts(["ab", "ba b"]), ["ab", "ba b"])
    """
    texts = list(texts)
    tokenizer, every = make(), [*texts, *TEXTS]
    _check_vocabulary(tokenizer)
    ids = tokenizer.tokenize(every)
    flat = [token_id for row in ids for token_id in row]
    assert min(flat) >= 3 and max(flat) < tokenizer.vocabulary_size, "a text has ids of no token"
    _check_texts(tokenizer, every, ids)
    _check_graphs(make, every, ids, tokenizer.detokenize(ids))
    _check_tokens(tokenizer, every, ids)
    rows = tokenizer.tokenize(texts)
    back = tokenizer.detokenize(rows)
    if round_trip:
        assert back == texts, f"the texts come back as {back}"
        assert not any(3 in row for row in rows), "a token of the texts is unknown"
    padded = [[0, 1, *row, 2, 0, *row, 2] for row in rows]
    assert tokenizer.detokenize(padded) == back, "it writes what is no text, or behind the end"
    for other in (json_copy(tokenizer), copy.deepcopy(tokenizer)):
        assert other.vocabulary == tokenizer.vocabulary, "a copy has another vocabulary"
        assert other.tokenize(every) == ids, "a copy gives other ids"
        assert other.detokenize(ids) == tokenizer.detokenize(ids), "a copy gives other texts"


def _check_vocabulary(tokenizer):
    vocabulary = tokenizer.vocabulary
    assert vocabulary[:4] == SPECIAL, f"the first four tokens are {vocabulary[:4]}"
    assert tokenizer.vocabulary_size == len(vocabulary), "`vocabulary_size` is another number"
    for i, token in enumerate(vocabulary):
        right = tokenizer.token_to_id(token) == i and tokenizer.id_to_token(i) == token
        assert right, f"{token!r} has not the id {i}"
    assert tokenizer.token_to_id("never seen") == 3, "a token that there is not has an id"


def _check_texts(tokenizer, texts, ids):
    singly = [tokenizer.tokenize(text) for text in texts]
    assert singly == ids, "a text by itself has other ids than in a list"
    for column in (tuple(texts), np.array(texts), np.array(texts, object)):
        assert tokenizer.tokenize(column) == ids, f"in {type(column).__name__} texts have other ids"
    encoded = tokenizer.encode(texts)
    right = all(row.dtype == np.int32 for row in encoded) and [x.tolist() for x in encoded] == ids
    assert right, "`encode` gives other ids, or not int32"
    assert tokenizer.tokenize([]) == [] and tokenizer.detokenize([[]]) == [""], (
        "of nothing it makes something"
    )


def _check_graphs(make, texts, ids, back):
    tf = tensorflow()
    eager = make().tokenize(tf.constant(texts))
    assert eager.dtype == tf.int32 and eager.to_list() == ids, "a tensor has other ids"
    dataset, fresh = tf.data.Dataset.from_tensor_slices(texts), make()
    singly = [row.numpy().tolist() for row in dataset.map(fresh.tokenize)]
    (batch,) = dataset.batch(len(texts)).map(fresh.tokenize)
    assert singly == batch.to_list() == ids, "a dataset has other ids"
    module, fresh = tf.Module(), make()
    module.resources = fresh.resources()
    module.run = tf.function(
        lambda x: (fresh.tokenize(x).to_tensor(), fresh.detokenize(fresh.tokenize(x))),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "module")
        tf.saved_model.save(module, path)
        loaded = tf.saved_model.load(path)
        for name, run in (("a function", module.run), ("a SavedModel", loaded.run)):
            tokenized, written = run(tf.constant(texts))
            dense = tf.ragged.constant(ids, tf.int32).to_tensor()
            assert np.array_equal(tokenized, dense), f"{name} gives other ids"
            written = [text.decode() for text in written.numpy()]
            assert written == back, f"{name} gives other texts: {written}, not {back}"


def _check_tokens(tokenizer, texts, ids):
    rows = tokenizer.split(texts)
    assert [tokenizer.split(text) for text in texts] == rows, "`split` of a list is another one"
    for tokens, row in zip(rows, ids, strict=True):
        assert len(tokens) == len(row), f"`split` gives {len(tokens)} tokens for {len(row)} ids"
        for token, token_id in zip(tokens, row, strict=True):
            assert token_id == 3 or token == tokenizer.id_to_token(token_id), (
                f"{token!r} has the id {token_id}"
            )
        known = [tokenizer.id_to_token(token_id) for token_id in row]
        assert tokenizer.join(known) == tokenizer.detokenize(row), (
            f"`join` of {known} is not `detokenize` of their ids"
        )
