"""Train the character model of the explorer, and write its step graphs.

KERAS_BACKEND=torch python explorer/models/shakespeare.py MINUTES MODEL.keras
python explorer/models/shakespeare.py MODEL.keras

The second writes `explorer/public/models/shakespeare/`, which the page has as it stands. The one
that is there was trained for 16 minutes on one busy core, seven epochs and a half; it has 2.22 bits
a character on the first 20,000 of the held-out part.
"""

import pathlib
import sys

import keras

import keras_seq as ks

FOLDER = pathlib.Path(__file__).parents[1] / "public" / "models" / "shakespeare"
UNITS, EMBEDDING = 128, 32


def main():
    """Train for so many minutes, or export."""
    *minutes, file = sys.argv[1:]
    if minutes:
        train(float(minutes[0]), file)
    else:
        model = keras.saving.load_model(file)
        print(model.generate("ROMEO:\n", max_length=300))
        (held_out,) = ks.datasets.tiny_shakespeare("dev")
        print(model.score(held_out[:20_000]))
        model.export(FOLDER, format="onnx", signature="step", inspect=True)


def train(minutes, file):
    """Save a model that has been trained on the first 80 % of the plays."""
    keras.utils.set_random_seed(0)
    text = ks.datasets.tiny_shakespeare("train")
    sizes = {"units": UNITS, "embedding_dim": EMBEDDING, "num_layers": 1}
    model = ks.models.LanguageModel.from_texts(text, cell="gru", **sizes)
    sampler = ks.samplers.Random(temperature=0.8, seed=0)
    model.compile(keras.optimizers.Adam(0.004, clipnorm=1.0), sampler=sampler)
    limit = ks.callbacks.TimeLimit(minutes, warmup=0.02, schedule="cosine")
    model.fit(text, batch_size=32, epochs=1000, callbacks=[limit], verbose=2)
    model.save(file)


if __name__ == "__main__":
    main()
