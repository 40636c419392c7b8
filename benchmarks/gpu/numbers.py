"""Are the numbers of this device those of another? Every layer, attention and task, one by one.

    KERAS_BACKEND=torch CUDA_VISIBLE_DEVICES= python -m benchmarks.gpu.numbers --write cpu.npz
    KERAS_BACKEND=torch python -m benchmarks.gpu.numbers --read cpu.npz
        [--json FILE] [--only NAME] [--short]

What is computed is a line of `tests/cases.py` each: results, gradients of all weights and of the
sequence; and larger recurrent layers, where a GPU takes other paths. The weights are NumPy's, so
that they do not depend on the device. Of the tasks: the weights after three steps of training, and
answers by greedy and by beam search. TF32 is off.

A difference is that to the reference, divided by the largest number of the reference or 1. What is
above 1e-4 is listed, and the process ends with status 1.
"""

import argparse
import os
import pathlib
import sys
import zlib

os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")

if os.environ.get("KERAS_BACKEND") == "torch":
    import torch  # isort: skip  (before TensorFlow: after it, it can crash)

    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")

import keras
import numpy as np

from benchmarks import timing
from keras_seq import layers, samplers
from keras_seq.testing.comparing import floats
from keras_seq.testing.program import Program, build, plain_call

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests"))

import cases

TOLERANCE = 1e-4
ROWS, STEPS, UNITS = 16, 40, 128
LARGE = {
    "LSTM": layers.LSTM,
    "GRU": layers.GRU,
    "VanillaRNN": layers.VanillaRNN,
    "MinGRU": layers.MinGRU,
    "MinLSTM": layers.MinLSTM,
}
LENGTHS = np.random.default_rng(0).integers(1, STEPS, ROWS, endpoint=True)


def masked_call(layer, inputs, mask):
    """What a recurrent layer is called with."""
    return layer(inputs, mask=mask)


def attention_call(layer, query, values, values_mask):
    """All queries at once."""
    return layer(query, values=values, values_mask=values_mask)


def layer_parts(short):
    """`(name, layer, inputs, call, build)` of every layer; the last two may be `None`.

    Args:
        short: whether to leave out all kinds of a class but its first.
    """
    for line in cases.LAYERS:
        name = line.name
        if short and "-" in name:
            continue
        if isinstance(line, cases.Cell):
            stack = layers.RNNStack(line.make(), return_sequences=True, return_state=True)
            yield f"{name} in a stack", stack, cases.ENCODED, masked_call, None
        elif isinstance(line, cases.Attention):
            query = floats(cases.B, cases.T, line.query_size)
            yield name, line.make(), {"query": query, **cases.ATTENDED}, attention_call, None
        else:
            yield name, line.make(), line.inputs, line.call, line.build
    mask = np.arange(STEPS) < LENGTHS[:, None]
    inputs = floats(ROWS, STEPS, UNITS)
    for name, kind in LARGE.items():
        layer = kind(UNITS, return_sequences=True, return_state=True)
        yield f"large {name}", layer, {"inputs": inputs, "mask": mask}, masked_call, None
        both = layers.Bidirectional(kind(UNITS, return_sequences=True))
        yield f"large {name}, both ways", both, {"inputs": inputs, "mask": mask}, masked_call, None


def is_floating(x):
    """Whether a gradient can reach `x`."""
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def fill(model, name):
    """Weights of any sign that do not depend on the device; what is no float stays."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for weight in model.weights:
        if "float" in weight.dtype:
            scale = min(0.3, (weight.shape[0] if weight.shape else 1) ** -0.5)
            weight.assign(rng.normal(0, scale, weight.shape).astype("float32"))


def of_layers(options):
    """From the name of a layer to its arrays."""
    for name, layer, inputs, call, build_it in layer_parts(options.short):
        if options.only and options.only not in name:
            continue
        call = call or plain_call
        build_it(layer) if build_it is not None else build(layer, inputs, call)
        fill(layer, name)
        floating = [k for k in ("inputs", "values", "x") if is_floating(inputs.get(k))]
        sequence = floating[0] if floating else None
        results, of_weights, of_sequence = Program(layer, call, sequence)(inputs)
        yield name, [*results, *of_weights, *of_sequence]
        keras.backend.clear_session()


def of_tasks(options):
    """From the name of a task to its weights after three steps, and its answers as numbers."""
    for line in cases.TASKS:
        if options.only and options.only not in line.name:
            continue
        keras.utils.set_random_seed(0)
        model = line.make()
        fill(model, line.name)
        model.compile(keras.optimizers.SGD(0.1))
        data = [line.x] if line.y is None else [line.x, line.y]
        model.fit(*data, batch_size=2, epochs=1, shuffle=False, verbose=0)
        yield f"{line.name}, trained", [keras.ops.convert_to_numpy(w) for w in model.weights]
        yield f"{line.name}, predict", [np.asarray(x) for x in numbers_of(model, line)]
        keras.backend.clear_session()


def numbers_of(model, line):
    """What a task answers, as numbers."""
    if line.name == "LanguageModel":
        scores = [found["log_probability"] for found in model.score(line.x)]
        texts = model.generate(["a ", "du"], max_length=12, sampler=samplers.Greedy())
        return [scores, codes(texts)]
    if line.name != "Seq2Seq":
        predicted = model.predict(line.x, verbose=0)
        return predicted if isinstance(predicted, list) else [predicted]
    searches = samplers.Greedy(), samplers.Beam(3)  # what is drawn depends on the device
    return [codes(model.generate(line.x, sampler=one, max_length=8)) for one in searches]


def codes(texts):
    """The characters of texts as one array of numbers."""
    return np.array([*map(ord, "\n".join(texts))], "float32")


def difference(actual, expected):
    """The largest difference, over the largest number of what is expected or 1."""
    if actual.shape != expected.shape:
        return float("inf")
    if not actual.size:
        return 0.0
    actual, expected = actual.astype("float64"), expected.astype("float64")
    scale = max(1.0, np.abs(expected[np.isfinite(expected)]).max(initial=0.0))
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    apart = np.where(same, 0.0, np.abs(actual - expected))
    return float(np.nan_to_num(apart, nan=np.inf).max() / scale)


def parts(options):
    """`(name, arrays)`, one after the other."""
    yield from of_layers(options)
    yield from of_tasks(options)


def main():
    """Write the numbers, or compare them with those that were written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--write", metavar="FILE", help="the file to write, .npz")
    where.add_argument("--read", metavar="FILE", help="the file to compare with")
    parser.add_argument("--json", metavar="FILE", help="write the differences there too")
    parser.add_argument("--only", metavar="NAME", help="only what has this in its name")
    parser.add_argument("--short", action="store_true", help="one kind of each class")
    options = parser.parse_args()
    device = timing.gpu_name() or "CPU"
    if options.write:
        found = {f"{name}/{k:03d}": x for name, xs in parts(options) for k, x in enumerate(xs)}
        np.savez(options.write, **found)
        print(f"{keras.config.backend()} on {device}: {len(found)} arrays in {options.write}")
        return
    content = {"backend": keras.config.backend(), "device": device, "differences": {}}
    with np.load(options.read) as expected:
        for name, arrays in parts(options):
            apart = [difference(x, expected[f"{name}/{k:03d}"]) for k, x in enumerate(arrays)]
            content["differences"][name] = max(apart, default=0.0)
            if max(apart, default=0.0) > TOLERANCE:
                print(f"{name}: {max(apart):.1e}, array {int(np.argmax(apart))}", flush=True)
            if options.json:
                timing.write_json(options.json, content)
    values = list(content["differences"].values())
    wrong = sum(value > TOLERANCE for value in values)
    print(
        f"{content['backend']} on {device}: {len(values)} parts, largest difference "
        f"{max(values):.1e}, {wrong} above {TOLERANCE:.0e}"
    )
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
