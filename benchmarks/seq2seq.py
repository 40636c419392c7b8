"""Training a translator: target tokens a second, beside plain PyTorch and JoeyNMT.

    KERAS_BACKEND=torch python -m benchmarks.seq2seq [--json FILE] [--quick] [--repeats N]
    KERAS_SEQ_DATA=... KERAS_BACKEND=torch python -m benchmarks.seq2seq --multi30k

The first form trains on one batch of random ids, `models.Seq2Seq` in a real `fit` with Adam and
clipped gradients, against `peers/torch_translator.py`, an LSTM translator as tutorials build it.
All have the same sizes. The tutorial projects [h; c; e] to the vocabulary, ours projects a readout
of it by default; the line "no readout" has the same products as the peer and as many weights, but
for the bridge between encoder and decoder. "bare" is without metrics; the others have the default
ones. Where rows have different lengths, the peer packs and masks, and only real tokens count.
GFLOP/s counts the matrix products that each system itself makes, forward and twice that backward;
the peer's attention makes more of them for the same result.

The second form trains on Multi30k, by its own batches: a bidirectional GRU of 512, embeddings of
256, one layer, additive attention, batches of 64, the same word vocabularies for both. Ours
buckets by length, JoeyNMT shuffles and pads, each as it always does. "Luong, fed" has the
decoder of JoeyNMT: recur, attend, feed the readout. What counts is the target tokens in the
batches, end tokens among them and padding not, in the time of whole batches, data included.
Before, every shape of batch has been met once. Each round takes other batches.
"""

import dataclasses
import functools
import tempfile
import time

import torch  # isort: skip  (before TensorFlow: after it, it can crash)

import keras
import numpy as np

from benchmarks import timing
from benchmarks.captions import captions
from benchmarks.peers import joeynmt_translator
from benchmarks.peers.torch_translator import TorchTranslator, train_step
from benchmarks.steps import StepClock, fit_step, to_torch, torch_step
from keras_seq._tensorflow import tensorflow
from keras_seq.models import Seq2Seq
from keras_seq.text import WordTokenizer
from keras_seq.text.examples import LengthBatches
from keras_seq.text.pipeline import BatchedDataset
from keras_seq.text.tokenizer import SPECIAL_TOKENS

STEPS = 5  # of each round
BATCHES = 30  # of each round on Multi30k
BATCH_SIZE = 64


@dataclasses.dataclass(frozen=True)
class Size:
    """Of a batch and of a model."""

    batch: int
    source: int
    target: int
    vocabulary: int
    embedding: int
    hidden: int
    layers: int

    def flops(self, order="bahdanau", readout="tanh", keys_at_each_step=False):
        """Of the matrix products of one step of training, for rows of full length."""
        e, h, v = self.embedding, self.hidden, self.vocabulary
        stack = 4 * h * (self.layers * h + (self.layers - 1) * h)  # all but what the bottom is fed
        encoder = stack + 4 * h * e
        decoder = stack + 4 * h * (e + h if order == "bahdanau" else e)
        pairs = self.source * self.target * 2 * h  # score and context
        if keys_at_each_step:
            pairs += self.source * self.target * 2 * h * h
        else:
            pairs += (self.source + self.target) * h * h
        seen = 2 * h + (e if order == "bahdanau" else 0)
        output = seen * v if readout is None else seen * h + h * v
        row = self.source * encoder + self.target * (decoder + output) + pairs
        return 6 * self.batch * row


SIZES = [
    Size(64, 20, 20, 6000, 256, 512, 2),
    Size(128, 15, 15, 4000, 128, 256, 1),
    Size(64, 30, 12, 60, 64, 128, 1),
]
QUICK = [Size(3, 5, 4, 11, 4, 6, 2)]
SYNTHETIC = {
    "keras_seq": {},
    "keras_seq, bare": {"metrics": False},
    "keras_seq, no readout, bare": {"metrics": False, "readout": None},
    "keras_seq, Luong": {"order": "luong"},
    "keras_seq, Luong, bare": {"order": "luong", "metrics": False},
}
PEER = "torch translator"
HEADERS = ["system", "weights", "step ms", "target tokens/s", f"times {PEER}", "GFLOP/s"]
ON_MULTI30K = {
    "keras_seq": {},
    "keras_seq, Luong, fed": {"order": "luong", "input_feeding": True},
    "keras_seq, Luong": {"order": "luong"},
}


def compiled(model, metrics=True):
    """The model, compiled as a user would: Adam, clipped gradients, the default metrics or none."""
    optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
    model.compile(optimizer=optimizer, weighted_metrics="auto" if metrics else [])
    return model


def make_batch(size, ragged):
    """`(source, fed, labels)` of random ids, each row ended by 2 and padded with 0."""
    rng = np.random.default_rng(0)

    def ids(columns):
        shape = (size.batch, columns)
        shortest = -(-columns // 2) if ragged else columns
        lengths = rng.integers(shortest, columns, size.batch, endpoint=True)[:, None]
        found = rng.integers(len(SPECIAL_TOKENS), size.vocabulary, shape)
        found[np.arange(columns) == lengths - 1] = 2
        return np.where(np.arange(columns) < lengths, found, 0).astype("int32")

    source, labels = ids(size.source), ids(size.target)
    fed = np.concatenate([np.ones((size.batch, 1), "int32"), labels[:, :-1]], axis=1)
    return source, np.where(labels == 0, 0, fed), labels


def ours(size, batch, steps, metrics=True, **config):
    """`(function, number of weights, flops)` of a translator of ours."""
    tokens = [*SPECIAL_TOKENS, *(f"w{k}" for k in range(size.vocabulary - len(SPECIAL_TOKENS)))]
    model = Seq2Seq(
        WordTokenizer(tokens),
        WordTokenizer(tokens),
        cell="lstm",
        units=size.hidden,
        num_layers=size.layers,
        bidirectional=False,
        attention="additive",
        embedding_dim=size.embedding,
        **config,
    )
    source, fed, labels = batch
    data = ({"source_ids": source, "target_ids": fed}, labels, (labels != 0).astype("float32"))
    flops = size.flops(config.get("order", "bahdanau"), config.get("readout", "tanh"))
    return fit_step(compiled(model, metrics), data, steps), model.count_params(), flops


def peer(size, batch, steps, ragged):
    """The same of the plain PyTorch translator."""
    device = timing.torch_device()
    sizes = (size.vocabulary, size.vocabulary, size.embedding, size.hidden, size.layers)
    model = TorchTranslator(*sizes).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    lengths = torch.from_numpy((batch[0] != 0).sum(axis=1)) if ragged else None
    data = [to_torch(array.astype("int64"), device) for array in batch]
    step = functools.partial(train_step, model, optimizer, *data, lengths)
    weights = sum(weight.numel() for weight in model.parameters())
    return torch_step(step, steps), weights, size.flops(readout=None, keys_at_each_step=True)


def synthetic(size, ragged, options):
    """The results of all systems on one batch of random ids."""
    batch, steps = make_batch(size, ragged), 2 if options.quick else STEPS
    lines = {name: ours(size, batch, steps, **config) for name, config in SYNTHETIC.items()}
    lines[PEER] = peer(size, batch, steps, ragged)
    seconds = timing.interleaved({name: line[0] for name, line in lines.items()}, options.repeats)
    keras.backend.clear_session()
    tokens = int((batch[2] != 0).sum())
    results = []
    for name, (_, weights, flops) in lines.items():
        spread = timing.spread(seconds[name])
        results.append(
            {
                "system": name,
                "size": dataclasses.asdict(size),
                "ragged": ragged,
                "weights": weights,
                "step_seconds": spread,
                "target_tokens_per_second": tokens / spread["median"],
                "gflops": flops / 1e9 / spread["median"],
            }
        )
    return results


def synthetic_rows(results):
    """The lines of a table; ratios are to the peer, the last one."""
    return [
        [
            one["system"],
            one["weights"],
            1e3 * one["step_seconds"]["median"],
            one["target_tokens_per_second"],
            one["target_tokens_per_second"] / results[-1]["target_tokens_per_second"],
            # Rows of different lengths make other products in each system.
            None if one["ragged"] else one["gflops"],
        ]
        for one in results
    ]


class OurEpochs:
    """Training on our own batches, some in each round.

    Args:
        model: a compiled `Seq2Seq`.
        examples: its encoded examples.
        count: how many batches are timed in a round.
    """

    def __init__(self, model, examples, count):
        self.model = model
        self.batched = BatchedDataset(LengthBatches(examples, BATCH_SIZE, shuffle=True, seed=0))
        self.tokens, self.shapes = [], {}
        for batch in self.batched.dataset.as_numpy_iterator():
            inputs, labels, weights = batch
            self.tokens.append(int(np.count_nonzero(weights)))
            self.shapes[(inputs["source_ids"].shape[1], labels.shape[1])] = batch
        self.count = min(count, len(self.tokens) - 1)
        self.start = 0

    def meet_all_shapes(self):
        """Train once on a batch of each shape."""
        tf, batches = tensorflow(), self.shapes.values
        spec = self.batched.dataset.element_spec
        data = tf.data.Dataset.from_generator(batches, output_signature=spec)
        data = data.apply(tf.data.experimental.assert_cardinality(len(self.shapes)))
        self.model.fit(data, shuffle=False, verbose=0)

    def __call__(self):
        """Train on the next batches; return seconds per target token."""
        if self.start + self.count + 1 > len(self.tokens):
            self.start = 0
        end = self.start + self.count + 1  # the first one has the start-up of `fit` before it
        clock = StepClock()
        data = self.batched.dataset.skip(self.start).take(self.count + 1)
        self.model.fit(data, shuffle=False, verbose=0, callbacks=[clock])
        tokens = sum(self.tokens[self.start + 1 : end])
        self.start = end
        return (clock.ends[-1] - clock.ends[0]) / tokens


class JoeyEpochs:
    """The same for JoeyNMT."""

    def __init__(self, translator, dataset, count):
        self.translator, self.count = translator, count
        self.loader = translator.batches(dataset, BATCH_SIZE)
        self.iterator = iter(self.loader)

    def __call__(self):
        """Train on the next batches; return seconds per target token."""
        tokens, began = 0, time.perf_counter()
        for _ in range(self.count):
            tokens += self.translator.train(self._next())
        return (time.perf_counter() - began) / tokens

    def _next(self):
        batch = next(self.iterator, None)
        if batch is None:  # the end of an epoch
            self.iterator = iter(self.loader)
            batch = next(self.iterator)
        return batch


def on_multi30k(options, report):
    """Train on Multi30k; a table."""
    *pairs, origin = captions("train")
    sizes = {"units": 512, "embedding_dim": 256}
    if options.quick:
        pairs, sizes = [texts[:200] for texts in pairs], {"units": 8, "embedding_dim": 4}
    limits = {"max_vocabulary": options.vocabulary, "lowercase": True}
    tokenizers = [WordTokenizer.from_texts(texts, **limits) for texts in pairs]
    count = 2 if options.quick else BATCHES
    functions, weights = {}, {}
    for name, config in ON_MULTI30K.items():
        model = compiled(Seq2Seq(*tokenizers, cell="gru", **sizes, **config))
        functions[name] = OurEpochs(model, model.encode_examples(*pairs), count)
        functions[name].meet_all_shapes()
        weights[name] = model.count_params()
    with tempfile.TemporaryDirectory() as folder:
        if joeynmt_translator.is_installed():
            vocabularies = [one.vocabulary[len(SPECIAL_TOKENS) :] for one in tokenizers]
            joey = joeynmt_translator.JoeyTranslator(
                vocabularies, *reversed(sizes.values()), timing.torch_device()
            )
            columns = [one.split(texts) for one, texts in zip(tokenizers, pairs, strict=True)]
            functions["JoeyNMT"] = JoeyEpochs(joey, joey.dataset(folder, "train", *columns), count)
            weights["JoeyNMT"] = joey.count_params()
        else:
            print("JoeyNMT is not installed: left out; see benchmarks/peers/joeynmt_translator.py")
        seconds = timing.interleaved(functions, options.repeats)
    vocabulary = [one.vocabulary_size for one in tokenizers]
    results = [
        {
            "system": name,
            "data": origin,
            "vocabulary": vocabulary,
            "weights": weights[name],
            "seconds_per_token": timing.spread(times),
            "target_tokens_per_second": 1 / timing.spread(times)["median"],
        }
        for name, times in seconds.items()
    ]
    last = results[-1]["target_tokens_per_second"]
    rows = [
        [one["system"], one["weights"], rate, rate / last]
        for one in results
        for rate in [one["target_tokens_per_second"]]
    ]
    title = f"{origin}; word vocabularies of {vocabulary[0]:,} and {vocabulary[1]:,}"
    headers = ["system", "weights", "target tokens/s", f"times {results[-1]['system']}"]
    report.add(title, headers, rows, results)


def main():
    """Run one of both forms."""
    parser = timing.parser(__doc__, repeats=7)
    parser.add_argument("--multi30k", action="store_true", help="train on Multi30k")
    parser.add_argument(
        "--vocabulary", type=int, default=8000, help="largest word vocabulary there; %(default)s"
    )
    options = parser.parse_args()
    report = timing.Report("seq2seq", options)
    if options.multi30k:
        on_multi30k(options, report)
        return
    for size in QUICK if options.quick else SIZES:
        for ragged in (False, True):
            results = synthetic(size, ragged, options)
            title = ", ".join(f"{name} {value}" for name, value in dataclasses.asdict(size).items())
            title += "; rows of different lengths" if ragged else "; full rows"
            report.add(title, HEADERS, synthetic_rows(results), results)


if __name__ == "__main__":
    main()
