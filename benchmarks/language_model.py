"""Training a language model: tokens a second, beside plain PyTorch and Keras's own layers.

    KERAS_BACKEND=torch python -m benchmarks.language_model [--json FILE] [--quick] [--repeats N]

All train on one window of random ids in a real `fit`, with Adam and clipped gradients, and have the
same matrix products: embedding, LSTM, a map to the vocabulary. Ours and
`peers/torch_language_model.py` carry the state from window to window. Keras's LSTM does not (its
`stateful=True` fails in `fit` on two backends): it begins each window anew, which saves it the
carrying. "bare" is without metrics, as both peers are; the other line has the default ones.
"""

import dataclasses

import torch  # noqa: F401  # isort: skip  (before TensorFlow: after it, it can crash)

import keras
import numpy as np

from benchmarks import timing
from benchmarks.peers.torch_language_model import TorchLanguageModel, Training
from benchmarks.steps import fit_step, to_torch, torch_step
from keras_seq.models import LanguageModel
from keras_seq.text import WordTokenizer
from keras_seq.text.tokenizer import SPECIAL_TOKENS

STEPS = 5  # of each round


@dataclasses.dataclass(frozen=True)
class Size:
    """Of a batch and of a model."""

    name: str
    batch: int
    window: int
    vocabulary: int
    embedding: int
    hidden: int
    layers: int
    tied: bool = False


SIZES = [
    Size("characters", 32, 100, 70, 64, 512, 1),
    Size("words, 2 layers", 20, 35, 10_000, 200, 200, 2),
    Size("words, tied", 64, 35, 10_000, 400, 400, 1, tied=True),
]
QUICK = [Size("characters", 2, 5, 9, 3, 4, 1), Size("words, tied", 2, 5, 9, 4, 4, 2, tied=True)]


def optimizer():
    """Adam, with clipped gradients."""
    return keras.optimizers.Adam(1e-3, global_clipnorm=1.0)


def window(size):
    """`(ids, labels)` of one window."""
    ids = np.random.default_rng(0).integers(
        len(SPECIAL_TOKENS), size.vocabulary, (size.batch, size.window + 1)
    )
    return ids[:, :-1].astype("int32"), ids[:, 1:].astype("int32")


def ours(size, metrics):
    """A function that trains a language model of ours, and its number of weights."""
    words = [f"w{k}" for k in range(size.vocabulary - len(SPECIAL_TOKENS))]
    model = LanguageModel(
        WordTokenizer([*SPECIAL_TOKENS, *words]),
        units=size.hidden,
        num_layers=size.layers,
        embedding_dim=size.embedding,
        window=size.window,
        tie_embeddings=size.tied,
    )
    model.compile(optimizer(), weighted_metrics="auto" if metrics else [])
    count = model.count_params()
    model.prepare_streams(size.batch)
    ids, labels = window(size)
    inputs = {"token_ids": ids, "continues": np.ones(size.batch, "int32")}
    return fit_step(model, (inputs, labels, np.ones(ids.shape, "float32")), STEPS), count


def keras_layers(size):
    """The same for Keras's layers, which keep no state."""
    model = keras.Sequential(
        [
            keras.Input((size.window,)),
            keras.layers.Embedding(size.vocabulary, size.embedding),
            *(keras.layers.LSTM(size.hidden, return_sequences=True) for _ in range(size.layers)),
            keras.layers.Dense(size.vocabulary),
        ]
    )
    model.compile(optimizer(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return fit_step(model, window(size), STEPS), model.count_params()


def plain_torch(size):
    """The same for plain PyTorch."""
    device = timing.torch_device()
    sizes = (size.vocabulary, size.embedding, size.hidden, size.layers, size.tied)
    model = TorchLanguageModel(*sizes).to(device)
    batch = [to_torch(array.astype("int64"), device) for array in window(size)]
    count = sum(weight.numel() for weight in model.parameters())
    return torch_step(Training(model, *batch), STEPS), count


def compare(size, options):
    """The results of one size."""
    systems = {
        "keras_seq": ours(size, metrics=True),
        "keras_seq, bare": ours(size, metrics=False),
        "plain PyTorch": plain_torch(size),
    }
    if not size.tied:
        systems["Keras's layers"] = keras_layers(size)
    functions = {name: function for name, (function, _) in systems.items()}
    seconds = timing.interleaved(functions, options.repeats, warmup=2)
    keras.backend.clear_session()
    return [
        {
            "size": dataclasses.asdict(size),
            "system": name,
            "weights": systems[name][1],
            "seconds": timing.spread(times),
            "tokens_per_second": size.batch * size.window / timing.spread(times)["median"],
        }
        for name, times in seconds.items()
    ]


def main():
    """Run all sizes and print a table for each."""
    options = timing.parser(__doc__, repeats=7).parse_args()
    report = timing.Report("language_model", options)
    for size in QUICK if options.quick else SIZES:
        results = compare(size, options)
        peer = next(one for one in results if one["system"] == "plain PyTorch")
        rows = [
            [
                one["system"],
                one["weights"],
                f"{1e3 * one['seconds']['median']:.1f}",
                one["tokens_per_second"],
                f"{one['tokens_per_second'] / peer['tokens_per_second']:.2f}",
            ]
            for one in results
        ]
        title = ", ".join(f"{name} {value}" for name, value in dataclasses.asdict(size).items())
        headers = ["system", "weights", "step ms", "tokens/s", "times plain PyTorch"]
        report.add(title, headers, rows, results)


if __name__ == "__main__":
    main()
