"""A little language whose tags hang on endings and on the neighbour."""

import numpy as np

ENDINGS = {"i": "N", "e": "V", "o": "A"}


def tagged(count, seed):
    """Sentences of made-up words and their tags.

    The tag follows the ending; behind a word in -o it is another one. The stems are so many that
    most words of one part are in no other. All sentences have four words, so that
    little is compiled.
    """
    rng = np.random.default_rng(seed)
    sentences, tags = [], []
    for _ in range(count):
        endings = rng.choice([*ENDINGS], 4)
        stems = ["".join(rng.choice([*"abcdfghk"], 3)) for _ in endings]
        sentences.append([stem + end for stem, end in zip(stems, endings, strict=True)])
        before = ["", *endings[:-1]]
        tags.append(
            [
                ENDINGS[end].lower() if last == "o" else ENDINGS[end]
                for last, end in zip(before, endings, strict=True)
            ]
        )
    return sentences, tags
