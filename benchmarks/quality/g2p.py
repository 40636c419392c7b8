"""Word and phoneme error rates of a speller of CMUdict; any listed pronunciation counts.

    KERAS_SEQ_DATA=... KERAS_BACKEND=torch python -m benchmarks.quality.g2p MODEL [--split test]
        [--beam N] [--json FILE]

The word error rate is the share of different words whose answer is none of their pronunciations;
the phoneme error rate is the edit distance to the nearest one over the length of that one.
"""

import argparse
import collections
import json
import pathlib

import keras

from keras_seq import datasets, samplers
from keras_seq.analysis import edit_distance


def error_rates(answers, pronunciations):
    """`(word error rate, phoneme error rate)` in per cent.

    Args:
        answers: from a word to the phonemes written for it, split at spaces.
        pronunciations: from a word to the list of its pronunciations.
    """
    wrong = edits = length = 0
    for word, answer in answers.items():
        written = answer.split()
        references = [reference.split() for reference in pronunciations[word]]
        wrong += written not in references
        distance, best = min(
            (edit_distance(written, reference), len(reference)) for reference in references
        )
        edits, length = edits + distance, length + best
    return 100 * wrong / len(answers), 100 * edits / length


def main():
    """Print both rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a .keras file")
    parser.add_argument("--split", default="dev", choices=["dev", "test"])
    parser.add_argument("--beam", type=int, default=5, help="1 is greedy; %(default)s")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures there too")
    options = parser.parse_args()
    pronunciations = collections.defaultdict(list)
    for word, phonemes in zip(*datasets.cmudict(options.split), strict=True):
        pronunciations[word].append(phonemes)
    words = list(pronunciations)
    sampler = samplers.Greedy() if options.beam == 1 else samplers.Beam(options.beam)
    model = keras.saving.load_model(options.model)
    answers = model.generate(words, sampler=sampler, batch_size=256)
    word_errors, phoneme_errors = error_rates(
        dict(zip(words, answers, strict=True)), pronunciations
    )
    print(
        f"{options.split}, {len(words):,} words, beam {options.beam}: "
        f"word error rate {word_errors:.2f} %, phoneme error rate {phoneme_errors:.2f} %"
    )
    if options.json:
        figures = {"word_error_rate": word_errors, "phoneme_error_rate": phoneme_errors}
        options.json.write_text(json.dumps(vars(options) | figures, default=str, indent=2) + "\n")


if __name__ == "__main__":
    main()
