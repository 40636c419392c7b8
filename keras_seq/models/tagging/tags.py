"""The tags of a tagger: from names to labels and back."""

from collections import Counter

import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.text.sentences import check_sentences, split_tensors
from keras_seq.text.tag_schemes import (
    SCHEMES,
    convert_tags,
    find_problem,
    scheme_name,
    spans,
    tag_constraints,
)


class Tags:
    """The names of tags, in the order of the outputs of a model.

    Label 0 is padding, and the label of tag k is k + 1.

    Args:
        names: distinct str.
        scheme: `None` for tags of single words; or what the tags of spans are written in, by any
            name that `keras_seq.text.spans` takes. IOB1 is read, and becomes BIO: of the two, a tag
            there says by itself whether a span begins.

    Raises:
        ValueError: for names that are no distinct str, none of them, one with a blank, an unknown
            scheme, and with a scheme for names that are not "O" and all the tags of some types.

    Example:

    >>> tags = Tags(["O", "B-PER", "I-PER"], "IOB1")
    >>> [row.tolist() for row in tags.encode([["I-PER", "I-PER", "O"]])]
    [[2, 3, 1]]
    >>> tags.decode(np.array([1, 2, 0]))
    ['B-PER', 'I-PER', 'O']
    """

    def __init__(self, names, scheme=None):
        self.read_scheme = None if scheme is None else scheme_name(scheme)
        self.scheme = _written(self.read_scheme)
        self.names = _check_names(names)
        if scheme is not None:
            _check_complete(self.names, self.read_scheme)
        self._numbers = {name: number for number, name in enumerate(self.names)}
        self._table = None if scheme is None else self._steps()
        self._closed = self._endings()

    @property
    def constraints(self):
        """What may not follow what, for `layers.CRF`; `None` without a scheme."""
        return None if self.scheme is None else tag_constraints(self.names, self.scheme)

    def read(self, tags, name="tags"):
        """Return tags as lists of names in the scheme that the model writes.

        Args:
            tags: a list of tags for each sentence, or a string, with blanks between them.
            name: what the argument is called in messages.

        Raises:
            ValueError: for anything else, a tag that the model does not have, and for tags that
                are not valid in the scheme; says the sentence and the word.
        """
        tags = check_sentences(tags, name, "tag")
        for number, row in enumerate(tags):
            for place, tag in enumerate(row):
                if tag not in self._numbers:
                    raise ValueError(
                        f"Sentence {number}, word {place}: there is no tag {tag!r}; there are "
                        f"{self._shown()}."
                    )
        return tags if self.scheme is None else _converted(tags, self.read_scheme, self.scheme)

    def encode(self, tags, name="y"):
        """Return tags, as `read` takes them, as labels: an int32 array for each sentence."""
        rows = self.read(tags, name)
        return [np.array([self._numbers[tag] + 1 for tag in row], "int32") for row in rows]

    def encode_tensors(self, tags):
        """The same inside of a `tf.data` graph: strings with blanks to ragged int32 labels."""
        tf = tensorflow()
        tags = split_tensors(tags)  # (batch, None)
        same = tags.flat_values[:, None] == tf.constant(self.names)[None]
        numbers = tags.with_flat_values(tf.argmax(same, axis=1, output_type="int32"))
        known = tf.reduce_any(same, axis=1)
        message = f"Every tag must be one of {', '.join(self.names)}; received"
        unknown = tags.flat_values[~known]
        with tf.control_dependencies([tf.Assert(tf.reduce_all(known), [message, unknown])]):
            numbers = numbers.with_flat_values(tf.identity(numbers.flat_values))
        return (numbers if self.scheme is None else self._convert_tensors(numbers)) + 1

    def cut(self, labels, max_length):
        """Return labels without those behind `max_length` words.

        A span that goes on behind the cut ends before it, so that what is left is valid.

        Args:
            labels: a list of int32 arrays, or a ragged tensor of such rows.
            max_length: how many to keep.
        """
        if isinstance(labels, list):
            return [
                np.concatenate([row[: max_length - 1], self._closed[row[max_length - 1 :][:1]]])
                for row in labels
            ]
        tf = tensorflow()
        last = labels[:, max_length - 1 : max_length]
        last = last.with_flat_values(tf.gather(tf.constant(self._closed), last.flat_values))
        return tf.concat([labels[:, : max_length - 1], last], axis=1)

    def decode(self, numbers):
        """Return the names of tags, given by their numbers, `(words,)`."""
        return [self.names[number] for number in numbers]

    def spans(self, tags):
        """Return the spans that a list of names marks, `(type, start, end)`."""
        return spans(tags, self.scheme)

    def _steps(self):
        """What a tag becomes behind another: int32 `(tags + 1, tags + 1)`, -1 where it may not be.

        The last row is the beginning of a sentence, the last column its end.
        """
        count = len(self.names)
        table = np.arange(count + 1, dtype="int32")[None].repeat(count + 1, axis=0)
        forbidden = tag_constraints(self.names, self.read_scheme)
        if self.read_scheme != self.scheme:
            for j, name in enumerate(self.names):
                table[count, j] = self._rewritten([name])
                for i, before in enumerate(self.names):
                    table[i, j] = self._rewritten([before, name])
        for pair in forbidden["transitions"]:
            table[tuple(pair)] = -1
        table[count, forbidden["start"]] = -1
        table[forbidden["end"], count] = -1
        return table

    def _rewritten(self, tags):
        """The number of the last tag, written in the model's own scheme."""
        return self._numbers[convert_tags(tags, self.read_scheme, self.scheme, repair=True)[-1]]

    def _endings(self):
        """The label that each label becomes where the sentence is cut behind it, int32."""
        names = list(self.names)
        if self.scheme not in (None, "BIO"):  # one that tells the end of a span
            begin, inside, end, only = SCHEMES[self.scheme]
            ends = {begin: only, inside: end}
            names = [ends.get(name[0], name[0]) + name[1:] for name in names]
        return np.array([0, *(self._numbers[name] + 1 for name in names)], "int32")

    def _convert_tensors(self, tags):
        """Ragged numbers as they were read -> as the model writes them."""
        tf = tensorflow()
        count, rows = len(self.names), tags.nrows()
        edge = tf.fill((rows, 1), count)
        before = tf.concat([edge, tags], axis=1)
        behind = tf.concat([tags, edge], axis=1)
        pairs = tf.stack([before.flat_values, behind.flat_values], axis=1)
        numbers = tf.gather_nd(tf.constant(self._table), pairs)
        message = f"The tags of a sentence are not valid in {self.read_scheme}; it has"
        wrong = tf.gather(tf.constant([*self.names, ""]), pairs[numbers < 0])
        with tf.control_dependencies([tf.Assert(tf.reduce_all(numbers >= 0), [message, wrong])]):
            numbers = before.with_flat_values(tf.identity(numbers))
        return numbers[:, :-1]

    def _shown(self, most=20):
        shown = ", ".join(repr(name) for name in self.names[:most])
        more = len(self.names) - most
        return f"{shown} and {more} more" if more > 0 else shown


def tag_names_of(tags, names=None, scheme=None):
    """Return the names of the tags of a corpus.

    With a scheme they are "O" and, of every type of span, all the tags of the scheme, so that one
    of any length can be marked, whatever lengths there are to learn from. A tag without an example
    is then learnt as what was never right.

    Args:
        tags: lists of tags, or strings with blanks between them.
        names: the tags, where they are known.
        scheme: as in `Tags`.

    Raises:
        ValueError: for no tags at all, tags that are not valid in the scheme, and where `names` has
            a tag, or with a scheme a type of spans, without any example.
    """
    tags = check_sentences(tags, "tags", "tag")
    seen = sorted({tag for row in tags for tag in row})
    if not seen:
        raise ValueError("There must be a tag to learn; received no tag in any sentence.")
    if scheme is None:
        if names is not None:
            _check_examples(names, seen, "tag")
            Tags(names).read(tags)
        return seen if names is None else list(names)
    scheme = scheme_name(scheme)
    _converted(tags, scheme, scheme)  # checked
    types = _types(seen)
    if names is None:
        prefixes = SCHEMES[_written(scheme)]
        return ["O", *(_joined(prefix, kind) for kind in types for prefix in prefixes)]
    known = Tags(names, scheme)
    _check_examples(_types(known.names), types, "type")
    known.read(tags)
    return list(known.names)


def _converted(tags, source, target):
    """Lists of tags in another scheme; a `ValueError` that says the sentence and the word."""
    for number, row in enumerate(tags):
        problem = find_problem(row, source)
        if problem is not None:
            raise ValueError("Sentence {}, word {}: {}".format(number, *problem))
    return tags if source == target else [convert_tags(row, source, target) for row in tags]


def _check_examples(names, seen, what):
    without = [name for name in names if name not in seen]
    if without:
        raise ValueError(
            f"Every {what} in `tag_names` must have an example to learn from; received none of "
            f"{', '.join(map(repr, without))}."
        )


def _check_names(names):
    """The names as a tuple, or a `ValueError`."""
    names = names if isinstance(names, str) else tuple(names)
    if isinstance(names, str) or not names or not all(_is_name(name) for name in names):
        raise ValueError(
            "`tag_names` must be a list of str, at least one, none of them empty or with a blank; "
            f"received {names!r}."
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"`tag_names` must be distinct; received {twice[0]!r} more than once.")
    return names


def _is_name(name):
    return isinstance(name, str) and name.split() == [name]


def _check_complete(names, scheme):
    """Raise a `ValueError` unless names are "O" and, for each type, all the tags of a scheme."""
    expected = {
        "O",
        *(_joined(prefix, kind) for kind in _types(names) for prefix in SCHEMES[scheme]),
    }
    if strange := sorted({*names} - expected):
        raise ValueError(f"{strange[0]!r} in `tag_names` is no tag of {scheme}.")
    if missing := sorted(expected - {*names}):
        raise ValueError(
            f"With scheme={scheme!r}, `tag_names` must have 'O' and all tags of each type; there "
            f"is no {', '.join(map(repr, missing))} in {list(names)}."
        )


def _types(names):
    """The types of spans that there are tags of, sorted."""
    return sorted({name.partition("-")[2] for name in names if name != "O"})


def _written(scheme):
    """The scheme that a model writes where it reads `scheme`."""
    return "BIO" if scheme == "IOB1" else scheme


def _joined(prefix, kind):
    return f"{prefix}-{kind}" if kind else prefix
