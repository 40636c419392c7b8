"""Recurrent layers: one training step as in `fit`, and inference, beside Keras's and PyTorch's.

    KERAS_BACKEND=torch python -m benchmarks.recurrence [--json FILE] [--quick] [--repeats N]

The model is features and a mask -> layer -> Dense(1) at each step -> mean squared error, with
Adam; there are as many features as units. "keras_seq" is our layer and "Keras" the layer of the
same name of Keras, on the same backend and in the same process. "torch packed" is `torch.nn`'s
layer on packed sequences, which computes the valid steps alone, "torch padded" the same on the
padded batch, which knows nothing of the mask: less work than is asked for, a lower bound.

Rows are between half as long as the batch and as long as it. Training is a real `fit` on one batch;
inference is `predict_on_batch`. A ratio says how many times as long as ours another takes.
GFLOP/s counts the matrix products of all steps, padding too, forward and twice that backward.
The last table sets the gated layers that need no loop against our LSTM.
"""

import dataclasses

import torch  # isort: skip  (before TensorFlow: after it, it can crash)

import keras
import numpy as np

from benchmarks import timing
from benchmarks.steps import fit_step, to_torch, torch_step
from keras_seq import layers

SIZES = [(32, 200, 64), (64, 40, 256), (1, 500, 64), (128, 15, 128)]  # batch, steps, units
LONG = (8, 4096, 64)
QUICK = [(3, 6, 8)]
STEPS = 10  # of each round


@dataclasses.dataclass(frozen=True)
class Kind:
    """A layer of ours, of Keras and of PyTorch, and what it costs."""

    name: str
    ours: type
    keras: type
    torch: type
    gates: int
    bidirectional: bool = False

    def make(self, ours, units):
        """Our layer, or that of Keras."""
        source = layers if ours else keras.layers
        layer = (self.ours if ours else self.keras)(units, return_sequences=True)
        return source.Bidirectional(layer) if self.bidirectional else layer

    def flops(self, batch, steps, units):
        """Of one pass forward: the layer, whose inputs are as large as its state, and Dense(1)."""
        directions = 1 + self.bidirectional
        return 2 * batch * steps * directions * (self.gates * units * 2 * units + units)


KINDS = [
    Kind("LSTM", layers.LSTM, keras.layers.LSTM, torch.nn.LSTM, 4),
    Kind("bidirectional GRU", layers.GRU, keras.layers.GRU, torch.nn.GRU, 3, bidirectional=True),
    Kind("vanilla", layers.VanillaRNN, keras.layers.SimpleRNN, torch.nn.RNN, 1),
]
PARALLEL = [layers.LSTM, layers.MinGRU, layers.MinLSTM]


def make_batch(size):
    """`((inputs, mask), targets)`."""
    batch, steps, units = size
    rng = np.random.default_rng(0)
    lengths = rng.integers(-(-steps // 2), steps, batch, endpoint=True)
    mask = np.arange(steps) < lengths[:, None]
    inputs = rng.normal(size=(batch, steps, units)).astype("float32")
    return (inputs, mask), rng.normal(size=(batch, steps, 1)).astype("float32")


def keras_model(layer, size, masked):
    """The compiled model around a layer; without a mask it takes one and leaves it."""
    _, steps, units = size
    x = keras.Input((steps, units))
    mask = keras.Input((steps,), dtype="bool")
    outputs = keras.layers.Dense(1)(layer(x, mask=mask) if masked else layer(x))
    model = keras.Model([x, mask], outputs)
    model.compile(optimizer="adam", loss="mean_squared_error")
    return model


class TorchModel(torch.nn.Module):
    """The same model in plain PyTorch."""

    def __init__(self, kind, units):
        super().__init__()
        options = {"batch_first": True, "bidirectional": kind.bidirectional}
        self.layer = kind.torch(units, units, **options)
        self.dense = torch.nn.Linear(units * (1 + kind.bidirectional), 1)
        self.loss = torch.nn.MSELoss()

    def forward(self, inputs, lengths=None):
        if lengths is None:
            return self.dense(self.layer(inputs)[0])
        steps = inputs.shape[1]
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            inputs, lengths, batch_first=True, enforce_sorted=False
        )
        outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(
            self.layer(packed)[0], batch_first=True, total_length=steps
        )
        return self.dense(outputs)


def torch_functions(kind, size, packed, steps):
    """`(train, infer)` of the PyTorch model."""
    device = timing.torch_device()
    model = TorchModel(kind, size[-1]).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    (inputs, mask), targets = make_batch(size)
    inputs, targets = to_torch(inputs, device), to_torch(targets, device)
    lengths = torch.from_numpy(mask.sum(axis=1)) if packed else None  # on the CPU, as packing asks

    half = keras.config.dtype_policy().compute_dtype == "bfloat16"

    def outputs():
        with torch.autocast(device, torch.bfloat16, enabled=half):
            return model(inputs, lengths).float()

    def train():
        optimizer.zero_grad()
        loss = model.loss(outputs(), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    def infer():
        with torch.inference_mode():
            outputs().cpu().numpy()

    return torch_step(train, steps), infer


def keras_functions(layer, size, masked, steps):
    """`(train, infer)` of the Keras model around a layer."""
    model = keras_model(layer, size, masked)
    inputs, targets = make_batch(size)

    def infer():
        model.predict_on_batch(list(inputs))

    return fit_step(model, (inputs, targets), steps), infer


def systems(kind, size, masked, steps):
    """From the name of a system to its `(train, infer)`."""
    found = {
        name: keras_functions(kind.make(ours, size[-1]), size, masked, steps)
        for name, ours in (("keras_seq", True), ("Keras", False))
    }
    if masked:
        found["torch packed"] = torch_functions(kind, size, True, steps)
    found["torch padded"] = torch_functions(kind, size, False, steps)
    return found


def compare(kind, size, masked, options, steps=STEPS):
    """The results of all systems for one layer at one size, rounds of so many `steps`."""
    found = systems(kind, size, masked, 2 if options.quick else steps)
    train = timing.interleaved({name: pair[0] for name, pair in found.items()}, options.repeats)
    infer = timing.interleaved({name: pair[1] for name, pair in found.items()}, options.repeats)
    keras.backend.clear_session()
    case = {"layer": kind.name, "masked": masked, "size": size}
    flops = 3 * kind.flops(*size)
    return [
        {
            **case,
            "system": name,
            "train_seconds": timing.spread(train[name]),
            "infer_seconds": timing.spread(infer[name]),
            "train_gflops": flops / 1e9 / timing.spread(train[name])["median"],
        }
        for name in found
    ]


def compare_parallel(size, options):
    """The results of the layers without a loop, and of our LSTM before them."""
    functions = {}
    for kind in PARALLEL:
        layer = kind(size[-1], return_sequences=True)
        train, _ = keras_functions(layer, size, False, 1 if options.quick else 3)
        functions[kind.__name__] = train
    seconds = timing.interleaved(functions, options.repeats)
    keras.backend.clear_session()
    case = {"masked": False, "size": size, "system": "keras_seq"}
    return [
        {**case, "layer": name, "train_seconds": timing.spread(times)}
        for name, times in seconds.items()
    ]


def rows(results):
    """The lines of a table; ratios are to the first line."""
    lines = []
    for result in results:
        line = [result["system"]]
        for key in ("train_seconds", "infer_seconds"):
            seconds = result[key]["median"]
            line += [1e3 * seconds, seconds / results[0][key]["median"]]
        lines.append([*line, result["train_gflops"]])
    return lines


def main():
    """Run all sizes and layers, a table each."""
    options = timing.parser(__doc__, repeats=7).parse_args()
    report = timing.Report("recurrence", options)
    headers = ["system", "train ms", "ratio", "inference ms", "ratio", "train GFLOP/s"]
    for size in QUICK if options.quick else SIZES:
        for kind in KINDS:
            for masked in (True, False):
                results = compare(kind, size, masked, options)
                title = f"{'masked' if masked else 'unmasked'} {kind.name}, {named(size)}"
                report.add(title, headers, rows(results), results)
    size = (2, 16, 4) if options.quick else LONG
    results = compare_parallel(size, options)
    times = [(one["layer"], one["train_seconds"]["median"]) for one in results]
    lines = [[name, 1e3 * seconds, seconds / times[0][1]] for name, seconds in times]
    report.add(f"unmasked, {named(size)}", ["layer", "train ms", "ratio"], lines, results)


def named(size):
    """A size in words."""
    return "batch {}, {} steps, {} units".format(*size)


if __name__ == "__main__":
    main()
