"""Write a data set as the files that `keras-seq train` and `evaluate` read.

    KERAS_SEQ_DATA=... python -m benchmarks.quality.files NAME FOLDER

NAME is tatoeba_de or tatoeba_fr (English and the other language, a text a line, split by English
sentence: no held-out source was seen), tatoeba_de_en (the same pairs split by German sentence),
cmudict (spelling and phonemes), shakespeare (train is the first 80 % of the text, dev the next
10 %, train_and_dev both, test the rest) or imdb (label TAB review). Multi30k, SST-2, English EWT
and CoNLL-2003 need no files but their own.
"""

import pathlib
import sys

from keras_seq import datasets


def write_tatoeba(folder, language, reverse=False):
    """Pairs of sentences: 98 % to train on, 1 % dev, 1 % test."""
    pairs = datasets.tatoeba(language, reverse)
    ends = (language, "en") if reverse else ("en", language)
    parts = datasets.split_by_source(*pairs, sizes=(0.98, 0.01, 0.01), seed=0)
    for name, (sources, targets) in zip(("train", "dev", "test"), parts, strict=True):
        for end, texts in zip(ends, (sources, targets), strict=True):
            datasets.write_lines(folder / f"{name}.{end}", texts)
        print(f"{name}: {len(sources):,} pairs, {len(set(sources)):,} different sources")


def write_cmudict(folder):
    """Words and their pronunciations, a line for each pronunciation."""
    for split in ("train", "dev", "test"):
        words, phonemes = datasets.cmudict(split)
        datasets.write_lines(folder / f"{split}.words", words)
        datasets.write_lines(folder / f"{split}.phonemes", phonemes)
        print(f"{split}: {len(words):,} pronunciations of {len(set(words)):,} words")


def write_shakespeare(folder):
    """One text a file."""
    texts = {split: datasets.tiny_shakespeare(split)[0] for split in ("train", "dev", "test")}
    texts["train_and_dev"] = texts["train"] + texts["dev"]
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8", newline="\n")
        print(f"{name}: {len(text):,} characters")


def write_imdb(folder):
    """Labels and reviews in two columns."""
    for split in ("train", "dev", "test"):
        texts, labels = datasets.imdb(split)
        rows = (f"{label}\t{text}" for text, label in zip(texts, labels, strict=True))
        datasets.write_lines(folder / f"{split}.tsv", rows)
        print(f"{split}: {len(texts):,} reviews")


WRITERS = {
    "tatoeba_de": lambda folder: write_tatoeba(folder, "de"),
    "tatoeba_fr": lambda folder: write_tatoeba(folder, "fr"),
    "tatoeba_de_en": lambda folder: write_tatoeba(folder, "de", reverse=True),
    "cmudict": write_cmudict,
    "shakespeare": write_shakespeare,
    "imdb": write_imdb,
}


def main(name, folder):
    """Write one data set."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    WRITERS[name](folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
