"""Marian's recurrent translator, one sentence at a time, in an environment of its own.

    PYTHON -m benchmarks.peers.marian_translator --embedding 256 --hidden 512 --vocabulary 8000

`pip install pymarian` (1 GB) and what it imports; it needs neither Keras nor PyTorch. The model is
one that has seen a single batch: its default `s2s`, a bidirectional GRU, additive attention and two
GRU steps in each step of the decoder (one in ours). Ids, not words, decide the time. Results are
lines of JSON, one for each beam.
"""

import argparse
import json
import os
import random
import tempfile
import time


def sentences(count, length, vocabulary, seed):
    """Lines of random words; also those that our translator reads."""
    draw = random.Random(seed)
    return [" ".join(f"w{draw.randrange(vocabulary)}" for _ in range(length)) for _ in range(count)]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


SIZES = {"embedding": 256, "hidden": 512, "vocabulary": 8000, "count": 30, "length": 12}


def main():
    from pymarian import Trainer, Translator

    args = arguments()
    words = args.vocabulary - 2
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("words.yml", "w") as file:
            file.write("</s>: 0\n<unk>: 1\n" + "".join(f"w{i}: {i + 2}\n" for i in range(words)))
        with open("train.txt", "w") as file:
            file.write("\n".join(sentences(8, args.length, words, 1)) + "\n")
        common = "--vocabs words.yml words.yml --cpu-threads 1 --workspace 512 --quiet"
        Trainer(
            f"--type s2s --train-sets train.txt train.txt --model model.npz {common} "
            f"--dim-emb {args.embedding} --dim-rnn {args.hidden} --mini-batch 8 "
            "--learn-rate 1e-4 --after-batches 1"
        ).train()
        for beam in (1, 5):
            translator = Translator(
                f"--models model.npz --beam-size {beam} --max-length-factor 3 --mini-batch 1 "
                f"--quiet-translation {common}"
            )
            texts = sentences(args.count, args.length, words, 2)
            translator.translate(texts[:1])
            began, spent = time.perf_counter(), time.process_time()
            tokens = sum(len(translator.translate([text])[0].split()) + 1 for text in texts)
            seconds = time.perf_counter() - began, time.process_time() - spent
            print(json.dumps({"beam": beam, "tokens": tokens, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
