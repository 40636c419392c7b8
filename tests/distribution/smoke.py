"""What a user does first with an installed package; it knows nothing of the repository.

On the backend that `KERAS_BACKEND` names, in an empty folder.
"""

import importlib.metadata
import os
import pathlib
import subprocess
import sys
import sysconfig

if os.environ.get("KERAS_BACKEND") == "torch":
    import torch  # noqa: F401  (before TensorFlow: after it, it can crash)

import keras
import numpy as np

import keras_seq as ks

COMMAND = pathlib.Path(sysconfig.get_path("scripts")) / "keras-seq"


def command(*words, text=""):
    done = subprocess.run([COMMAND, *words], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def same_after_saving(model, answer):
    expected = answer(model)
    model.save("model.keras")
    assert answer(ks.models.load_model("model.keras")) == expected
    return expected


def translator():
    sources, targets = ks.datasets.dates(60, seed=0)
    model = ks.models.Seq2Seq.from_texts(
        sources, targets, tokens="subword", max_vocabulary=150, units=8
    )
    model.compile(keras.optimizers.Adam(1e-2), label_smoothing=0.1)
    losses = model.fit(sources, targets, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]
    beam = ks.samplers.Beam(3)
    answer = same_after_saving(model, lambda m: m.generate(sources[:2], sampler=beam, max_length=5))
    model.export("served", sampler="greedy", examples=sources[:1], max_length=5)
    served = ks.export.load("served")
    (greedy,) = model.generate(sources[:1], max_length=5)
    assert [text for text in served(sources[:1])["outputs"]] == [greedy], (served, greedy)
    assert len(answer) == 2


def others():
    text = "any text at all. " * 20
    writer = ks.models.LanguageModel.from_texts(text, tokens="char", cell="gru", units=8, window=10)
    writer.compile("adam")
    writer.fit(text, batch_size=2, verbose=0)
    same_after_saving(writer, lambda m: m.generate("any", max_length=5))
    texts, labels = ["a fine film", "dull", "fine", "so dull"], ["good", "bad", "good", "bad"]
    critic = ks.models.TextClassifier.from_texts(texts, labels, units=4)
    critic.compile("adam", metrics=["accuracy"])
    critic.fit(texts, labels, verbose=0)
    assert same_after_saving(critic, lambda m: m.classify("a dull film")) in labels
    sentences, tags = ["Anna met Bo"] * 4, ["B-PER O B-PER"] * 4
    tagger = ks.models.TextTagger.from_texts(sentences, tags, scheme="BIO", units=4)
    tagger.compile("adam")
    tagger.fit(sentences, tags, verbose=0)
    same_after_saving(tagger, lambda m: m.tag("Bo met Anna"))


def layers():
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    ours, theirs = ks.layers.LSTM(4), keras.layers.LSTM(4)
    expected = theirs(x)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    outputs, expected = (keras.ops.convert_to_numpy(one) for one in (ours(x), expected))
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def commands():
    assert importlib.metadata.version("keras_seq") in command("--version")
    assert "dates" in command("presets")
    assert command("generate", "dates", text="le 27 septembre 2016\n") == "2016-09-27"


if __name__ == "__main__":
    inside = pathlib.Path(sysconfig.get_path("purelib"))
    assert pathlib.Path(ks.__file__).is_relative_to(inside), f"{ks.__file__} is not installed"
    for part in (layers, translator, others, commands):
        part()
    dates = ks.models.Seq2Seq.from_preset("dates")
    assert dates.generate("27 September 2016") == "2016-09-27"
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", "tensorflow")}
    print(f"{keras.config.backend()} on Python {sys.version.split()[0]}: works with {versions}")
