"""Write Tatoeba English and German as files for `keras-seq train`, split by source sentence.

    KERAS_SEQ_DATA=... python -m benchmarks.tatoeba_files FOLDER

All pairs that share an English sentence lie in one split, so no held-out source was seen.
"""

import pathlib
import sys

from keras_seq import datasets

SIZES = {"train": 0.98, "val": 0.01, "test": 0.01}


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts = datasets.split_by_source(*datasets.tatoeba("de"), sizes=tuple(SIZES.values()), seed=0)
    for name, (english, german) in zip(SIZES, parts, strict=True):
        datasets.write_lines(folder / f"{name}.en", english)
        datasets.write_lines(folder / f"{name}.de", german)
        print(f"{name}: {len(english):,} pairs, {len(set(english)):,} different sources")


if __name__ == "__main__":
    main(sys.argv[1])
