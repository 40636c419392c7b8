"""Which of several equally probable splits of a text a unigram model takes, as a graph does.

Both take the most probable pieces, but of splits as probable as each other ("..." is ". .." and
".. .") the rounding of float32 decides. The sentencepiece of Python compares sums that are rounded;
that of TensorFlow Text, an older one, compares a sum that is not rounded yet with one that is.
"""

import functools
import re

import numpy as np

from keras_seq.text.token_checks import SPECIAL_TOKENS

# Parts of a sum are rounded by at most 2^-24 of it; there are few parts that two splits differ in.
_CLOSE = 4e-6
_UNKNOWN_PENALTY = 10.0
_UNIGRAM, _NORMAL, _UNKNOWN, _CONTROL = 1, 1, 2, 3  # of the enumerations of a model


class Unigram:
    """The pieces of a unigram model of sentencepiece and their scores.

    Args:
        processor: the `sentencepiece.SentencePieceProcessor`.
    """

    def __init__(self, processor):
        self.processor = processor
        ids = range(len(SPECIAL_TOKENS), processor.get_piece_size())
        self.scores = {processor.id_to_piece(i): processor.get_score(i) for i in ids}
        self.begins = {piece[:end] for piece in self.scores for end in range(1, len(piece) + 1)}
        lowest = min(self.scores.values(), default=0.0)
        self.unknown = float(np.float32(lowest - _UNKNOWN_PENALTY))
        # Where no piece goes on behind a space, words are split each by itself.
        inside = any("▁" in piece[1:] for piece in self.scores)
        self.words = re.compile("(?s).+" if inside else "▁?[^▁]+|▁")
        self.margin = functools.lru_cache(maxsize=2**16)(self._margin)

    def settle(self, text):
        """Return the pieces of a text where splits are close, else `None`."""
        text = self.processor.normalize(text)
        words = [self.margin(word) for word in self.words.findall(text)]
        close = -_CLOSE * sum(score for score, _ in words)
        return self._pieces(text) if any(margin <= close for _, margin in words) else None

    def _edges(self, text, start):
        """The pieces that begin at a place, the shortest first: `(end, score)`."""
        whole = False
        for end in range(start + 1, len(text) + 1):
            piece = text[start:end]
            if piece not in self.begins:
                break
            if piece in self.scores:
                whole = whole or end == start + 1
                yield end, self.scores[piece]
        if not whole:
            yield start + 1, self.unknown

    def _margin(self, word):
        """`(score, margin)` of the best split: by how much the next best one is less probable."""
        best, second = [0.0, *[-np.inf] * len(word)], [-np.inf] * (len(word) + 1)
        for start in range(len(word)):
            for end, score in self._edges(word, start):
                ways = (best[end], second[end], best[start] + score, second[start] + score)
                *_, second[end], best[end] = sorted(ways)
        return best[-1], best[-1] - second[-1]

    def _pieces(self, text):
        """The split of a text that a graph makes."""
        best = [(0.0, 0)] + [(-np.inf, 0)] * len(text)  # the sum up to there, and where it is from
        for start in range(len(text)):
            for end, score in self._edges(text, start):
                score += best[start][0]
                if score > best[end][0]:
                    best[end] = float(np.float32(score)), start
        pieces, end = [], len(text)
        while end:
            pieces.append(text[best[end][1] : end])
            end = best[end][1]
        merged = []  # unknown ones that stand together are one
        for piece in reversed(pieces):
            known = piece in self.scores
            if merged and not known and merged[-1] not in self.scores:
                merged[-1] += piece
            else:
                merged.append(piece)
        return merged


def is_unigram(proto):
    """Whether a model of sentencepiece is a unigram model of ordinary pieces alone."""
    model_type, kinds = _UNIGRAM, {_NORMAL}
    for number, value in _fields(proto):
        if number == 1:
            kinds.add(dict(_fields(value)).get(3, _NORMAL))
        elif number == 2:
            model_type = dict(_fields(value)).get(3, _UNIGRAM)
    return model_type == _UNIGRAM and kinds <= {_NORMAL, _UNKNOWN, _CONTROL}


def _fields(message):
    """Give `(number, value)` of each field of a protocol buffer: an integer, or bytes."""
    place = 0

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        else:
            size = {1: 8, 2: None, 5: 4}[kind]
            size = varint() if size is None else size
            value = message[place : place + size]
            place += size
        yield key >> 3, value
