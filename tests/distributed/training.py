"""A short training of each task, on one device or on several: run as a program, see `PLACES`."""

import argparse
import contextlib
import json
import os
import pathlib

TASKS = ("translator", "language_model", "classifier", "tagger", "stream")
WORDS = "ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out")
    parser.add_argument("--place", choices=("one", "devices", "workers"), default="one")
    parser.add_argument("--index", type=int, default=0)
    parser.add_argument("--port", type=int)
    parser.add_argument("--tasks", nargs="*", default=TASKS)
    return parser.parse_args()


def scope_of(args):
    """The line that a script has more on several devices; a context."""
    backend = os.environ["KERAS_BACKEND"]
    if args.place == "one":
        return contextlib.nullcontext()
    if backend == "jax":
        if args.place == "workers":
            keras.distribution.initialize(f"127.0.0.1:{args.port}", 2, args.index)
        keras.distribution.set_distribution(keras.distribution.DataParallel())
        return contextlib.nullcontext()
    if backend == "tensorflow":
        import tensorflow as tf

        if args.place == "workers":
            workers = [f"127.0.0.1:{args.port + index}" for index in range(2)]
            task = {"type": "worker", "index": args.index}
            os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": task})
            return tf.distribute.MultiWorkerMirroredStrategy().scope()
        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()
    ks.distributed.torch.initialize(f"127.0.0.1:{args.port}", 2, args.index)
    return contextlib.nullcontext()


def texts():
    """Texts of one to twelve words: several lengths of batches, the last ones not full."""
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS.split(), rng.integers(1, 13))) for _ in range(43)]


def stream(name, pairs):
    """A stream of pairs out of two gzip files on either side, or the share of this worker."""
    folder = pathlib.Path(args.out).with_suffix("") / name
    folder.mkdir(parents=True)
    for side, column in zip(("de", "en"), zip(*pairs, strict=True), strict=True):
        ks.datasets.write_lines(folder / f"0.{side}.gz", column[:5])
        ks.datasets.write_lines(folder / f"1.{side}.gz", column[5:])
    pairs = ks.datasets.stream_parallel(folder / "*.de.gz", folder / "*.en.gz")
    return pairs.shard(2, args.index) if args.place == "workers" else pairs


def streams(small):
    """A translator and streams to train it on and to validate on, in batches of the same pairs.

    A worker reads every second pair: of several lengths, one pair less on the last worker.
    """
    x = [" ".join([text] * (1 + 2 * (i % 8 == 0))) for i, text in enumerate(texts())]
    y = [" ".join(reversed(text.split())) for text in x]
    model = ks.models.Seq2Seq.from_texts(x, y, tokens="word", **small)
    pairs = list(zip(x, y, strict=True))
    more = {"validation_data": stream("held_out", pairs[:11]), "shuffle_buffer": 8}
    return model, {"x": stream("train", pairs), "shuffle": False, **more}


def make(task):
    """The model of a task, and what `fit` takes."""
    x = texts()
    small = {"units": 8, "embedding_dim": 8, "dropout": 0.0}
    if task == "stream":
        return streams(small)
    if task == "translator":
        y = [" ".join(reversed(text.split())) for text in x]
        return ks.models.Seq2Seq.from_texts(x, y, tokens="word", **small), {"x": x, "y": y}
    if task == "language_model":
        options = {"tokens": "word", "window": 5, "num_layers": 2, "activity": 0.1}
        return ks.models.LanguageModel.from_texts(x, **options, **small), {"x": x}
    if task == "classifier":
        y = [("short", "long")[len(text.split()) > 6] for text in x]
        small["token_dropout"] = 0.0
        model = ks.models.TextClassifier.from_texts(x, y, tokens="word", **small)
        return model, {"x": x, "y": y, "sample_weight": np.linspace(0.5, 1.5, len(x))}
    y = [["A" if "e" in word else "B" for word in text.split()] for text in x]
    sentences = [text.split() for text in x]
    small |= {"token_dropout": 0.0, "character_units": 6}
    model = ks.models.TextTagger.from_texts(sentences, y, **small)
    return model, {"x": sentences, "y": y}


def train(task):
    """Train for at least 20 steps; the weights, numbers of the last epoch, and norms."""
    keras.utils.set_random_seed(0)
    model, data = make(task)
    model.compile(keras.optimizers.Adam(1e-2, epsilon=1e-4, global_clipnorm=0.5))
    norms = ks.callbacks.GradientNorms(logs="global")
    if task != "stream":
        held_out = tuple(part[:11] for part in data.values())
        data["validation_data"] = held_out if len(held_out) > 1 else held_out[0]
    history = model.fit(**data, batch_size=8, epochs=4, verbose=0, callbacks=[norms])
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) >= 20
    found = {f"{task}/{i}": weight for i, weight in enumerate(model.get_weights())}
    found |= {f"{task}/{name}": np.array(values) for name, values in history.history.items()}
    if task == "classifier" and args.index == 0:  # alone, while the other worker goes on
        model.save_weights(f"{args.out}.weights.h5")
        model.save_to_preset(f"{args.out}.preset")
    columns = {name: data[name] for name in ("x", "y", "sample_weight") if name in data}
    numbers = model.evaluate(**columns, batch_size=8, verbose=0, return_dict=True)
    return {**found, **{f"{task}/evaluated_{name}": x for name, x in numbers.items()}}


if __name__ == "__main__":
    args = arguments()
    if os.environ["KERAS_BACKEND"] == "torch":
        import torch  # noqa: F401
    import keras
    import numpy as np

    import keras_seq as ks

    with scope_of(args):
        results = {}
        for task in args.tasks:
            results |= train(task)
    np.savez(args.out, **results)
