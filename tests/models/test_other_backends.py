"""Every task model, saved here, answers alike on another backend; one process for all of them.

Each backend's models are read on one other, so that the three runs hold all of them equal.
"""

import json
import os
import pathlib
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
from checks import array

from keras_seq.models import LanguageModel, TextClassifier, TextTagger, load_model

OTHER = {"tensorflow": "torch", "torch": "jax", "jax": "tensorflow"}[keras.config.backend()]
TEXTS = ["a fine film", "dull and long", "", "so dull a film that nobody saw its end", "fine"]
LABELS = ["good", "bad", "bad", "bad", "good"]
SENTENCES = ["Anna Li met Bo", "Rome", "", "Bo saw New York", "Zoe saw Anna in York"]
TAGS = ["B-PER I-PER O B-PER", "B-LOC", "", "B-PER O B-LOC I-LOC", "B-PER O B-PER O B-LOC"]

ANSWERS = '''
def answers(models, strings):
    """What each model finds, of numbers and of strings alone."""
    translator, classifier, tagger, language = models
    numbers = {
        "classifier": classifier.predict(TEXTS, verbose=0).tolist(),
        "classifier's loss": classifier.evaluate(TEXTS, LABELS, verbose=0),
        "tagger": [rows.tolist() for rows in tagger.predict(SENTENCES, verbose=0)],
        "tagger's loss": tagger.evaluate(SENTENCES, TAGS, verbose=0),
        "language model": [list(one.values()) for one in language.score(TEXTS)],
        "language model's loss": language.evaluate(TEXTS, batch_size=2, verbose=0),
    }
    texts = {
        "greedy": translator.generate(strings, sampler="greedy"),
        "beam": translator.generate(strings, sampler="beam"),
        "classes": classifier.classify(TEXTS),
        "tags": [one["tags"] for one in tagger.tag(SENTENCES)],
        "drawn": language.generate(["", "a "], "random", 20),
    }
    return numbers, texts
'''
NAMES = ("translator", "classifier", "tagger", "language")
READER = f"""
import sys, json
import numpy as np, keras, keras_seq
TEXTS, LABELS, SENTENCES, TAGS = {TEXTS!r}, {LABELS!r}, {SENTENCES!r}, {TAGS!r}
{ANSWERS}
folder = sys.argv[1]
models = [keras_seq.models.load_model(f"{{folder}}/{{name}}.keras") for name in {NAMES!r}]
found = answers(models, json.load(open(folder + "/strings.json")))
json.dump(found, open(folder + "/found.json", "w"))
logits = keras.ops.convert_to_numpy(models[0](dict(np.load(folder + "/inputs.npz"))))
np.save(folder + "/logits.npy", logits)
"""
exec(ANSWERS)


@pytest.fixture(scope="module")
def found(reversal, tmp_path_factory):
    """The models, what they answer here, and what elsewhere."""
    pytest.importorskip(OTHER)
    keras.utils.set_random_seed(0)
    models = [
        reversal.model,
        TextClassifier.from_texts(TEXTS, LABELS, units=6, pooling="attention"),
        TextTagger.from_texts(SENTENCES, TAGS, "BIO", units=6, embedding_dim=4),
        LanguageModel.from_texts(TEXTS, cell="gru", units=6, window=8, tie_embeddings=True),
    ]
    for model in models[1:]:
        model.compile(keras.optimizers.Adam(1e-2))
    folder = tmp_path_factory.mktemp("models")
    for name, model in zip(NAMES, models, strict=True):
        model.save(folder / f"{name}.keras")
    strings = reversal.unseen[:50]
    (folder / "strings.json").write_text(json.dumps(strings))
    examples = reversal.model.encode_examples(strings, [text[::-1] for text in strings])
    inputs = {
        name: np.stack([np.pad(ids, (0, 8 - len(ids))) for ids in column])
        for name, column in examples.inputs.items()
    }
    np.savez(folder / "inputs.npz", **inputs)
    environment = {**os.environ, "KERAS_BACKEND": OTHER}
    subprocess.run([sys.executable, "-c", READER, folder], check=True, env=environment)
    return types.SimpleNamespace(
        here=answers(models, strings),  # noqa: F821
        there=json.loads((folder / "found.json").read_text()),
        logits=(array(reversal.model(inputs)), np.load(folder / "logits.npy")),
    )


@pytest.mark.slow
def test_every_number_is_the_same(found):
    for name, expected in found.here[0].items():
        for one, other in zip(
            keras.tree.flatten(found.there[0][name]), keras.tree.flatten(expected), strict=True
        ):
            assert one == pytest.approx(other, rel=1e-4, abs=1e-5), name
    np.testing.assert_allclose(*found.logits, atol=1e-5, rtol=1e-4)


def test_every_text_is_the_same(found):
    """The translator is sure of its answers, and the others' margins are wide: no ties to break."""
    assert found.there[1] == found.here[1]


@pytest.mark.parametrize("name", ["tagger_scheme", "language_model_words"])
def test_what_was_compiled_on_pytorch_trains_on(name):
    golden = pathlib.Path(__file__).parent.parent / "golden"
    model = load_model(golden / f"{name}.keras")  # its optimizer is written as one of PyTorch
    steps = int(model.optimizer.iterations)
    x, y = json.loads((golden / f"{name}.json").read_text())["data"]
    model.fit(x, y, epochs=1, verbose=0)
    assert int(model.optimizer.iterations) > steps


def test_a_file_holds_nothing_of_the_backend_that_wrote_it():
    model = TextClassifier.from_texts(TEXTS[:2], LABELS[:2], units=4)
    model.compile(keras.optimizers.AdamW(0.1))
    config = model.get_compile_config()
    optimizer = config["optimizer"]
    assert (optimizer["module"], optimizer["class_name"]) == ("keras.optimizers", "AdamW")
    assert config["jit_compile"] == "auto"
    model.compile_from_config(config)
    assert isinstance(model.optimizer, keras.optimizers.AdamW)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)
