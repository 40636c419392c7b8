"""Train the small models of the Cell view, in a few minutes on a CPU.

python explorer/models/make.py [agreement] [bank]

`agreement.json` has a model for each cell. After every word it says whether the verb will be
singular or plural, as the subject asks, whatever nouns stand between. `bank.json` has a
bidirectional GRU that tells what "bank" means from the words on its left, on its right, and on
both sides.

The vectors of the words are zeros for an unknown one. Numbers have four decimals, and the
accuracies in the files were measured with the numbers as they stand there, on sentences that
training did not see.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np

import keras_seq as ks

FOLDER = pathlib.Path(__file__).parent
CELLS = ("vanilla", "lstm", "gru", "min_gru")
SIZE, UNITS = 4, 6  # of the vectors of words, of the state
UNKNOWN_SHARE = 0.05

SENSES = ("river", "money", "row")
TELLING = (
    "river water shore fishing boat fish reeds willows frogs ducks mud otter heron angler ferryman "
    "canoe flood stream swimming sunset fisherman rower pebbles waves beaver grass",
    "money cash deposit loan loans savings coins cheque cheques account accounts cashier investor "
    "borrower robber clerk credit interest bonds vault fees paid borrow salary mortgage dollars",
    "switches switch keys levers buttons screens dials lamps computers pilot organist technician "
    "engineer programmer astronaut electrician batteries servers row elevators lights panel",
)
OTHERS = (
    "the a an my our his her this that to of in on at by with from for and or but was were is are "
    "had has have went sat walked saw looked liked found left old new long small big dark quiet i "
    "we you he she it they there here near behind often slowly many some one two people man woman "
    "girl boy teacher child stranger friend today yesterday always again evening morning things "
    "opened watched asked stood ran came took very"
)


def main():
    """Write the two files."""
    for name, make in (("agreement", agreement), ("bank", bank)):
        if name in sys.argv[1:] or not sys.argv[1:]:
            (FOLDER / f"{name}.json").write_text(json.dumps(make(), separators=(",", ":")) + "\n")


def agreement():
    """A model of agreement for each cell."""
    train = [ks.datasets.agreement(3000, length, seed=1) for length in (8, 14)]
    test = ks.datasets.agreement(2000, 14, seed=2)
    vocabulary = test.vocabulary[1:]
    models = {}
    for name in CELLS:
        keras.utils.set_random_seed(3)
        layer = ks.layers.RNNStack(name, UNITS, return_sequences=True)
        words = keras.layers.Dense(SIZE, use_bias=False)
        model = keras.Sequential([words, layer, keras.layers.Dense(2)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.01), loss)
        for epoch in range(20):
            model.optimizer.learning_rate = 0.01 * (1 - epoch / 20) + 0.0005
            for part in train:
                x = one_hot(part.inputs, len(vocabulary), seed=epoch)
                y = np.repeat(part.targets[:, None], x.shape[1], axis=1)
                told = np.ones(y.shape, "float32")
                told[:, 0] = 0  # "the" says nothing
                model.fit(x, y, 64, 1, verbose=0, sample_weight=told)
        round_weights(model)
        answers = model.predict(one_hot(test.inputs, len(vocabulary)), 500, verbose=0)[:, -1]
        accuracy = float((answers.argmax(-1) == test.targets).mean())
        print(name, accuracy, flush=True)
        models[name] = {
            "accuracy": round(accuracy, 4),
            "words": plain(words.kernel),
            "cell": cell_weights(layer.forward_cells[0]),
            "dense": dense_weights(model.layers[-1]),
        }
    return {"vocabulary": vocabulary, "classes": test.classes, "models": models}


def bank():
    """One bidirectional GRU with a readout for either side and one for both."""
    groups = [text.split() for text in TELLING]
    vocabulary = ["bank", *OTHERS.split(), *(word for group in groups for word in group)]
    assert len({*vocabulary}) == len(vocabulary)
    inputs = keras.Input((None, len(vocabulary)))
    keras.utils.set_random_seed(3)
    words, units = keras.layers.Dense(SIZE, use_bias=False), 4
    forward = ks.layers.GRU(units, return_sequences=True)
    layer = ks.layers.Bidirectional(forward)
    states = layer(words(inputs))
    sides = {"left": states[:, :, :units], "right": states[:, :, units:], "both": states}
    readouts = {side: keras.layers.Dense(len(SENSES), name=side) for side in sides}
    model = keras.Model(inputs, {side: readouts[side](h) for side, h in sides.items()})
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), dict.fromkeys(sides, loss))
    for epoch in range(20):
        model.optimizer.learning_rate = 0.01 * (1 - epoch / 20) + 0.0005
        ids, senses, place = sentences(6000, groups, vocabulary, seed=epoch)
        y = np.repeat(senses[:, None], ids.shape[1], axis=1)
        told = (np.arange(ids.shape[1]) == place[:, None]).astype("float32") * ids.shape[1]
        x = one_hot(ids, len(vocabulary), seed=epoch)
        model.fit(
            x, dict.fromkeys(sides, y), 64, 1, verbose=0, sample_weight=dict.fromkeys(sides, told)
        )
    round_weights(model)
    ids, senses, place = sentences(3000, groups, vocabulary, seed=99)
    found = model.predict(one_hot(ids, len(vocabulary)), 500, verbose=0)
    rows = np.arange(len(ids))
    accuracy = {
        side: round(float((found[side][rows, place].argmax(-1) == senses).mean()), 4)
        for side in sides
    }
    print(accuracy, flush=True)
    return {
        "vocabulary": vocabulary,
        "classes": SENSES,
        "accuracy": accuracy,
        "words": plain(words.kernel),
        "forward": cell_weights(layer.forward_layer.cell),
        "backward": cell_weights(layer.backward_layer.cell),
        "dense": {side: dense_weights(readout) for side, readout in readouts.items()},
    }


def sentences(count, groups, vocabulary, seed):
    """Ids `(count, 10)`, senses, and the place of "bank": one word somewhere tells the sense."""
    rng = np.random.default_rng(seed)
    others = len(OTHERS.split())
    ids = rng.integers(2, 2 + others, size=(count, 10))  # 0 is unknown, 1 is "bank"
    senses = rng.integers(len(SENSES), size=count)
    place, rows = rng.integers(1, 9, size=count), np.arange(count)
    telling = (place + rng.integers(1, 10, size=count)) % 10
    first = 2 + others + np.cumsum([0, *map(len, groups)])[:-1]
    sizes = np.array([len(group) for group in groups])
    ids[rows, place] = 1
    ids[rows, telling] = first[senses] + (rng.random(count) * sizes[senses]).astype(int)
    return ids, senses, place


def one_hot(ids, size, seed=None):
    """Rows of 0 and one 1, of 0 alone for an unknown word; some words are made unknown."""
    ids = np.asarray(ids)
    if seed is not None:
        ids = np.where(np.random.default_rng(seed).random(ids.shape) < UNKNOWN_SHARE, 0, ids)
    return (ids[..., None] == np.arange(1, size + 1)).astype("float32")


def round_weights(model):
    """Let all weights be numbers of four decimals."""
    model.set_weights([np.round(weight, 4) for weight in model.get_weights()])


def plain(weight):
    """A list of lists of numbers."""
    array = np.atleast_2d(keras.ops.convert_to_numpy(weight)).astype("float64")
    return array.round(4).tolist()


def cell_weights(cell):
    """The weights of a cell by the engine's names."""
    recurrent = getattr(cell, "recurrent_kernel", None)
    return {
        "kernel": plain(cell.kernel),
        "recurrent": None if recurrent is None else plain(recurrent),
        "bias": plain(cell.bias),
    }


def dense_weights(layer):
    """The weights of a readout."""
    return {"kernel": plain(layer.kernel), "bias": plain(layer.bias)}


if __name__ == "__main__":
    main()
