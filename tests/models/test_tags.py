"""Names of tags to labels, in Python and in a `tf.data` graph."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_seq.models.tagging.tags import Tags, tag_names_of
from keras_seq.text import check_tags, convert_tags

SPANS = ["O", "B-X", "I-X", "B-Y", "I-Y"]
MORE = ["O", "B-X", "I-X", "E-X", "S-X"]
OTHERS = {  # scheme: (a name of it, its tags in place of those in MORE)
    "IOBES": ("BIOES", MORE),
    "BILOU": ("bilou", ["O", "B-X", "I-X", "L-X", "U-X"]),
    "BMES": ("BMES", ["O", "B-X", "M-X", "E-X", "S-X"]),
}


@pytest.mark.parametrize(
    ("scheme", "names"),
    [(None, SPANS), ("BIO", SPANS), ("IOB1", SPANS), ("iob2", SPANS), *OTHERS.values()],
)
def test_every_short_sentence_in_python_and_in_a_graph(scheme, names):
    """All sequences of up to three tags: the same labels, or an error in both."""
    tags = Tags(names, scheme)
    encode = tf.function(tags.encode_tensors, input_signature=[tf.TensorSpec([None], tf.string)])
    valid, wrong = [[]], []
    for row in (list(row) for n in (1, 2, 3) for row in itertools.product(names, repeat=n)):
        try:
            if scheme is not None:
                check_tags(row, scheme)
            valid.append(row)
        except ValueError:
            wrong.append(row)
    found = tags.encode(valid)
    for row, labels in zip(valid, found, strict=True):
        written = row if scheme is None else convert_tags(row, scheme, tags.scheme)
        assert tags.decode(labels - 1) == written
    in_graph = encode(tf.constant([" ".join(row) for row in valid]))
    assert in_graph.to_list() == [labels.tolist() for labels in found]
    for row in wrong[::7]:
        with pytest.raises(ValueError, match="Sentence 1, word"):
            tags.encode([[], row])
        with pytest.raises(tf.errors.InvalidArgumentError, match="not valid in"):
            encode(tf.constant(["", " ".join(row)]))


@pytest.mark.parametrize(("scheme", "names"), [("BIO", SPANS), *OTHERS.values()])
def test_a_cut_leaves_valid_tags(scheme, names):
    tags = Tags(names, scheme)
    rows = [["B-X", "I-X", "I-X", "I-X"], ["O", "B-X", "I-X"], ["O"], []]
    if scheme != "BIO":
        _, begin, inside, end, _ = names
        rows = [[begin, inside, inside, end], ["O", begin, end], *rows[2:]]
    labels = tags.encode(rows)
    cut = tags.cut(labels, 2)
    names = [tags.decode(row - 1) for row in cut]
    check_tags(names[0], scheme)
    check_tags(names[1], scheme)
    assert [len(row) for row in names] == [2, 2, 1, 0] and names[2:] == [["O"], []]
    ragged = tf.ragged.constant([row.tolist() for row in labels], dtype="int32")
    assert tags.cut(ragged, 2).to_list() == [row.tolist() for row in cut]
    assert all((a == b).all() for a, b in zip(tags.cut(labels, 9), labels, strict=True))


def test_strings_arrays_and_lists():
    tags = Tags(["N", "V"])
    for given in (["N V", ""], [["N", "V"], []], [np.array(["N", "V"]), ()]):
        assert [row.tolist() for row in tags.encode(given)] == [[1, 2], []]


def test_names_of_a_corpus():
    assert tag_names_of([["V", "N"], "N N", []]) == ["N", "V"]
    assert tag_names_of([["V", "N"]], ["V", "N"]) == ["V", "N"]
    assert tag_names_of([["I-X", "O"], ["I-Y"]], scheme="IOB1") == SPANS
    assert tag_names_of(["S-X"], scheme="IOBES") == ["O", "B-X", "I-X", "E-X", "S-X"]
    for scheme, names in OTHERS.values():
        assert tag_names_of([names[-1:]], scheme=scheme) == names
    assert tag_names_of([["B"]], scheme="BIO") == ["O", "B", "I"]
    assert tag_names_of([["B-Y", "B-X"]], SPANS[::-1], "BIO") == SPANS[::-1]


@pytest.mark.parametrize(
    ("tags", "names", "scheme", "message"),
    [
        ([], None, None, "no tag in any sentence"),
        ([[], ""], None, "BIO", "no tag in any sentence"),
        ([["N"]], ["N", "V"], None, "Every tag in `tag_names`.* none of 'V'"),
        ([["B-X"]], SPANS, "BIO", "Every type in `tag_names`.* none of 'Y'"),
        ([["N"], ["V"]], ["N"], None, "Sentence 1, word 0: there is no tag 'V'; there are 'N'"),
        ([["O"], ["O", "I-X"]], None, "BIO", "Sentence 1, word 1: 'I-X' follows 'O'.*BIO"),
        ([["B-X"]], None, "IOB1", "Sentence 0, word 0: 'B-X' is first"),
        ([["N"]], None, "BIO", "'N' is not a tag of BIO"),
        ([["O"]], None, "IOB", "'BIO', 'IOB1', 'IOBES', .*; received 'IOB'"),
        ("N V", None, None, "list of sentences; received 'N V'"),
        ([3], None, None, "item 0 is '3' of type int"),
        ([["N", ""]], None, None, "Sentence 0 of `tags`: tag 1 is ''"),
    ],
)
def test_bad_tags(tags, names, scheme, message):
    with pytest.raises(ValueError, match=message):
        tag_names_of(tags, names, scheme)


@pytest.mark.parametrize(
    ("names", "scheme", "message"),
    [
        ([], None, r"at least one.*\(\)"),
        (["N", "N"], None, "distinct; received 'N' more than once"),
        (["N", 1], None, r"list of str.*\('N', 1\)"),
        (["a b"], None, "with a blank"),
        ("NV", None, "'NV'"),
        (["B-X", "I-X"], "BIO", "there is no 'O'"),
        (["O", "B-X"], "BIO", "there is no 'I-X'"),
        (["O", "X-X", "B-X", "I-X"], "BIO", "'X-X' in `tag_names` is no tag of BIO"),
        (["O"], "iob", "received 'iob'"),
    ],
)
def test_bad_names(names, scheme, message):
    with pytest.raises(ValueError, match=message):
        Tags(names, scheme)
