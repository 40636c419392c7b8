"""Times on a GPU: layers beside Keras's and cuDNN's, a translator that trains and searches.

    KERAS_BACKEND=torch python -m benchmarks.gpu.speed --json FILE [--minutes N] [--quick]

The lines of layers are those of `benchmarks.recurrence`, at sizes that keep a GPU busy, masked. The
most telling come first, each is written as soon as it is there, and none begins after `--minutes`.
float32 products may be TF32; bfloat16 is Keras's `mixed_bfloat16`, and PyTorch's autocast for its
layers. "torch packed" and "torch padded" are `torch.nn`'s layers, that is cuDNN's.

Training of a translator is that of `benchmarks.seq2seq`, at its first size. Searching is ours
alone: bidirectional, units 512, embeddings 256, vocabulary 8,000, 64 texts of 20 words, and tokens
written a second by greedy and by beam search of 20 tokens, which nothing may end earlier.
"""

import time

import torch  # isort: skip  (before TensorFlow: after it, it can crash)

import keras

from benchmarks import recurrence, seq2seq, timing
from keras_seq import samplers
from keras_seq.models import Seq2Seq
from keras_seq.text import WordTokenizer
from keras_seq.text.tokenizer import SPECIAL_TOKENS

SIZES = [(64, 100, 512), (128, 50, 1024), (32, 1000, 256)]  # batch, steps, units
QUICK = [(3, 6, 8)]
POLICIES = ("float32", "mixed_bfloat16")
STEPS = 3  # of each round: Keras's loops can take a second a step
HEADERS = ["system", "train ms", "ratio", "inference ms", "ratio", "train GFLOP/s"]
VOCABULARY, LENGTH = 8000, 20


def layer_line(kind, size, policy, options, report):
    """Measure one layer at one size."""
    keras.config.set_dtype_policy(policy)
    results = recurrence.compare(kind, size, True, options, STEPS)
    keras.config.set_dtype_policy("float32")
    results = [{**result, "policy": policy} for result in results]
    title = f"masked {kind.name}, {recurrence.named(size)}, {policy}"
    report.add(title, HEADERS, recurrence.rows(results), results)


def training_line(options, report):
    """Measure the training of a translator, rows of different lengths."""
    size = (seq2seq.QUICK if options.quick else seq2seq.SIZES)[0]
    results = seq2seq.synthetic(size, True, options)
    report.add(f"training, {size}", seq2seq.HEADERS, seq2seq.synthetic_rows(results), results)


def search_line(order, options, report):
    """Measure greedy and beam search."""
    batch, units, size = (3, 8, 20) if options.quick else (64, 512, VOCABULARY)
    words = [f"w{k}" for k in range(size - len(SPECIAL_TOKENS))]
    tokenizer = WordTokenizer([*SPECIAL_TOKENS, *words])
    sizes = {"units": units, "embedding_dim": units // 2, "order": order}
    attention = {"bahdanau": "additive", "luong": "general"}[order]
    model = Seq2Seq(tokenizer, tokenizer, attention=attention, **sizes)
    bias = model.decoder.projection.bias
    values = keras.ops.convert_to_numpy(bias).copy()
    values[tokenizer.end_token_id] = -1e9
    bias.assign(values)
    texts = [" ".join(words[(i + k) % len(words)] for k in range(LENGTH)) for i in range(batch)]
    searches = {"greedy": samplers.Greedy(), "beam 5": samplers.Beam(5)}
    functions = {
        name: lambda search=search: (
            model.generate(texts, sampler=search, max_length=LENGTH, batch_size=batch) and None
        )
        for name, search in searches.items()
    }
    seconds = timing.interleaved(functions, options.repeats)
    results = [
        {
            "system": f"{order}, {name}",
            "seconds": timing.spread(times),
            "tokens_per_second": batch * LENGTH / timing.spread(times)["median"],
        }
        for name, times in seconds.items()
    ]
    lines = [
        [one["system"], 1e3 * one["seconds"]["median"], one["tokens_per_second"]] for one in results
    ]
    title = f"searching, {batch} texts, {units} units"
    report.add(title, ["search", "ms", "tokens/s"], lines, results)
    keras.backend.clear_session()


def lines(options, report):
    """Functions that measure a line each, the most telling first."""
    first, *others = QUICK if options.quick else SIZES

    def layers(size):
        for policy in POLICIES:
            for kind in recurrence.KINDS[:2]:
                yield lambda kind=kind, policy=policy: layer_line(
                    kind, size, policy, options, report
                )

    yield from layers(first)
    yield lambda: training_line(options, report)
    yield lambda: search_line("luong", options, report)
    yield lambda: search_line("bahdanau", options, report)
    for size in others:
        yield from layers(size)


def main():
    """Measure line after line until time is up."""
    parser = timing.parser(__doc__, repeats=3)
    parser.add_argument("--minutes", type=float, default=60, help="no line begins later")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    torch.backends.cudnn.allow_tf32 = True  # JAX does so by itself
    torch.set_float32_matmul_precision("high")
    report = timing.Report("gpu.speed", options)
    left_out = 0
    for measure in lines(options, report):
        if time.monotonic() < end:
            measure()
        else:
            left_out += 1
    print(f"float32 products may be TF32; {left_out} lines left out for want of time")


if __name__ == "__main__":
    main()
