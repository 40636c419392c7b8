"""What the first token vectors do to the first epochs of a translator, all else being equal.

    KERAS_SEQ_DATA=... KERAS_BACKEND=torch python -m benchmarks.embeddings [EPOCHS]

Multi30k, German to English, lower-cased, the model of RESULTS.md. Prints the training perplexity
after each epoch (2) with Keras's own initialiser and with that of the package.
"""

import sys

import keras

from keras_seq import datasets
from keras_seq.models import Perplexity, Seq2Seq


def train(uniform, pairs, epochs):
    """Return the training perplexities; `uniform` is whether Keras's own initialiser is used."""
    keras.utils.set_random_seed(0)
    model = Seq2Seq.from_texts(
        *pairs,
        tokens="subword",
        max_vocabulary=4000,
        lowercase=True,
        units=320,
        embedding_dim=256,
        order="luong",
        attention="general",
        tie_embeddings=True,
        dropout=0.4,
    )
    if uniform:
        for layer in (model.source_embedding, model.decoder.embedding):
            shape = layer.embeddings.shape
            layer.embeddings.assign(keras.random.uniform(shape, minval=-0.05, maxval=0.05))
    optimizer = keras.optimizers.Adam(2e-3, global_clipnorm=1.0)
    model.compile(optimizer, label_smoothing=0.1, weighted_metrics=[Perplexity()])
    history = model.fit(*pairs, batch_size=64, epochs=epochs, verbose=2)
    return history.history["perplexity"]


def main():
    """Run both and print a table."""
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    pairs = datasets.multi30k("train")
    for name, uniform in (("uniform(-0.05, 0.05)", True), ("normal, length 4", False)):
        found = train(uniform, pairs, epochs)
        print(f"{name:<24}" + "".join(f"{one:>8.1f}" for one in found), flush=True)


if __name__ == "__main__":
    main()
