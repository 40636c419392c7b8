"""One model of each kind, trained on the backend of the tests, and exported once."""

import json
import pathlib
import sys

import keras
import pytest

import keras_seq as ks
from keras_seq._processes import resolve
from keras_seq.export import task_export

sys.path.insert(0, str(pathlib.Path(__file__).parent))  # `own_parts` must be found by a process

SOURCES = ["ein Mann läuft", "日本 東京", "Größe 😀 ok", "die Frau liest"] * 4
TARGETS = ["a man runs", "Japan Tōkyō", "size 😀 ok", "the woman reads"] * 4
TAGS = ["O B-P I-P", "B-P O", "O O B-P", "O B-P O"] * 4


def _translator():
    import own_parts

    model = ks.models.Seq2Seq.from_texts(
        SOURCES,
        TARGETS,
        tokens="subword",
        max_vocabulary=60,
        units=16,
        bidirectional=False,
        attention=own_parts.NegativeDistance(),
        max_source_length=40,
    )
    model.compile(keras.optimizers.Adam(0.02), sampler=own_parts.SecondBest())
    model.fit(SOURCES, TARGETS, epochs=4, verbose=0)
    return model, {"max_length": 12}


def _language_model():
    model = ks.models.LanguageModel.from_texts(SOURCES + TARGETS, units=16, window=20)
    model.compile(keras.optimizers.Adam(0.02), sampler=ks.samplers.Random(top_k=20, seed=3))
    model.fit(SOURCES + TARGETS, batch_size=8, epochs=3, verbose=0)
    return model, {"max_length": 15}


def _classifier():
    import own_parts

    labels = ["läuft", "日本", "😀", "läuft"] * 4
    model = own_parts.CountingClassifier.from_texts(
        SOURCES, labels, tokens="char", units=8, pooling="attention", max_length=30
    )
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(SOURCES, labels, epochs=3, verbose=0)
    return model, {"examples": ["ein Mann", "東京"]}


def _tagger():
    import own_parts

    model = ks.models.TextTagger.from_texts(
        SOURCES,
        TAGS,
        scheme="BIO",
        cell=own_parts.LeakyCell(8),
        units=8,
        character_units=4,
        character_dim=4,
        max_length=9,
    )
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(SOURCES, TAGS, epochs=3, verbose=0)
    spec = keras.InputSpec(shape=(None, None), dtype="int32")
    ids = dict.fromkeys(("token_ids", "char_ids", "char_ends"), spec)
    return model, {"input_signature": [ids], "batching": True}


KINDS = {
    "translator": _translator,
    "language_model": _language_model,
    "classifier": _classifier,
    "tagger": _tagger,
}


class Exported:
    """The models and the folders of their first versions, made when they are asked for."""

    def __init__(self, folder):
        self.folder = folder
        self._made = {}

    def __getitem__(self, kind):
        if kind not in self._made:
            keras.utils.set_random_seed(0)
            model, options = KINDS[kind]()
            path = model.export(self.folder / kind, verbose=False, **options)
            self._made[kind] = model, path
        return self._made[kind]


def _here(write, given, what, environment):
    return json.loads(json.dumps(resolve(write)(lambda: json.loads(json.dumps(given)))))


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    return Exported(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def exported(exports, monkeypatch):
    """From a kind to `(model, version folder)`.

    Where TensorFlow is the backend, this process does what another one would be started for.
    """
    if keras.config.backend() == "tensorflow":
        monkeypatch.setattr(task_export, "in_a_process", _here)
    return exports
