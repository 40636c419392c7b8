"""Several models that answer as one: by NumPy's means of theirs, saved, served, on each backend."""

import io
import itertools
import json
import os
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest
from checks import array, assert_close, log_softmax, softmax
from keras import ops

import keras_seq as ks
from keras_seq.models import (
    Ensemble,
    LanguageModel,
    Seq2Seq,
    TextClassifier,
    TextTagger,
    average_checkpoints,
    load_model,
)
from keras_seq.models.ensemble import MeanCRF
from keras_seq.testing import check_task
from keras_seq.testing.comparing import json_copy

TEXTS = ["a fine film", "dull and long", "", "so dull a film that nobody saw its end", "fine"]
LABELS = ["good", "bad", "bad", "bad", "good"]
TOPICS = [["long"], [], ["long", "film"], ["film"], []]
TARGETS = ["nice", "long dull", "", "such a dull thing", "nice thing"]
SENTENCES = ["Anna Li met Bo", "Rome", "", "Bo saw New York", "Zoe saw Anna in York"]
TAGS = ["B-PER I-PER O B-PER", "B-LOC", "", "B-PER O B-LOC I-LOC", "B-PER O B-PER O B-LOC"]


def translators(**config):
    sizes = [{"units": 5}, {"units": 4, "cell": "gru", "num_layers": 2}]
    return [
        Seq2Seq.from_texts(TEXTS, TARGETS, **{"tokens": "char", **size, **config}) for size in sizes
    ]


def language_models(**config):
    config = {"window": 8, **config}
    encoder = ks.layers.SelfAttentionEncoder(
        4, num_layers=1, num_heads=2, causal=True, return_sequences=True
    )
    others = [{"cell": "gru", "units": 5}, {"encoder": encoder, "embedding_dim": 4}]
    return [LanguageModel.from_texts(TEXTS, **other, **config) for other in others]


def classifiers(labels=LABELS, **config):
    sizes = [{"units": 5}, {"units": 3, "cell": "gru"}, {"units": 4, "pooling": "mean"}]
    return [TextClassifier.from_texts(TEXTS, labels, **{**config, **size}) for size in sizes]


def taggers(scheme="BIO", **config):
    sizes = [{"units": 5}, {"units": 3, "cell": "gru", "embedding_dim": 6}]
    models = [TextTagger.from_texts(SENTENCES, TAGS, scheme, **size, **config) for size in sizes]
    return [spread(model) for model in models]


def spread(model):
    """A model whose weights are far from 0, its transitions too, so that its answers are too."""
    random = np.random.default_rng(len(model.weights))
    model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
    return model


KINDS = {
    "Seq2Seq": (translators, (TEXTS, TARGETS)),
    "LanguageModel": (language_models, (TEXTS,)),
    "TextClassifier": (classifiers, (TEXTS, LABELS)),
    "TextTagger": (taggers, (SENTENCES, TAGS)),
}


def answers(ensemble):
    """What an ensemble answers, as a nest of numbers and one of strings."""
    if isinstance(ensemble, Seq2Seq):
        numbers = ensemble.evaluate(TEXTS, TARGETS, verbose=0)
        beam = ks.samplers.Beam(3, coverage_penalty=0.1, n_best=2)
        found = ensemble.generate(TEXTS, beam, max_length=6, return_scores=True)
        scores = [answer["score"] for group in found for answer in group]
        texts = [answer["text"] for group in found for answer in group]
        return [numbers, scores], [texts, ensemble.generate(TEXTS, "greedy", max_length=6)]
    if isinstance(ensemble, LanguageModel):
        numbers = [list(one.values()) for one in ensemble.score(TEXTS)]
        numbers.append(ensemble.evaluate(TEXTS, batch_size=2, verbose=0))
        return numbers, ensemble.generate(["", "a "], "random", 9)
    if isinstance(ensemble, TextClassifier):
        loss = ensemble.evaluate(TEXTS, LABELS, verbose=0)
        return [ensemble.predict(TEXTS, verbose=0).tolist(), loss], ensemble.classify(TEXTS)
    numbers = [rows.tolist() for rows in ensemble.predict(SENTENCES, verbose=0)]
    loss = ensemble.evaluate(SENTENCES, TAGS, verbose=0)
    return [numbers, loss], [one["tags"] for one in ensemble.tag(SENTENCES)]


def assert_same_answers(found, expected):
    for one, other in zip(*map(keras.tree.flatten, (found[0], expected[0])), strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-4)
    assert keras.tree.flatten(found[1]) == keras.tree.flatten(expected[1])


def normalised(rows):
    """Log-probabilities `(..., n)` out of any means of them."""
    return log_softmax(np.mean([log_softmax(row) for row in rows], axis=0))


@pytest.mark.every_backend
def test_a_translator_writes_by_the_mean_of_the_log_probabilities():
    """Greedily, step by step, and the score of what was written, in one pass."""
    models = [spread(model) for model in translators()]
    ensemble = Ensemble(models)
    assert isinstance(ensemble, Seq2Seq) and isinstance(ensemble, Ensemble)
    found = ensemble.generate(TEXTS[:2], max_length=5, return_scores=True, return_attention=True)
    tokenizer = ensemble.target_tokenizer
    never = [tokenizer.pad_token_id, tokenizer.start_token_id]
    for text, answer in zip(TEXTS, found, strict=False):
        written = [tokenizer.token_to_id(token) for token in answer["target_tokens"]]
        inputs = {
            "source_ids": ensemble.encode_examples([text]).inputs["source_ids"][0][None],
            "target_ids": np.array([[tokenizer.start_token_id, *written[:-1]]], "int32"),
        }
        parts = [model(inputs, return_attention=True) for model in models]
        logits = np.array([array(part[0])[0] for part in parts], "float64")
        logits[..., never] = -1e9
        expected = normalised(logits)
        assert expected.argmax(axis=-1).tolist() == written
        score = expected[np.arange(len(written)), written].sum()
        assert answer["score"] == pytest.approx(score, rel=1e-4)
        weights = np.mean([array(part[1])[0] for part in parts], axis=0)
        assert_close(answer["attention"], weights, atol=1e-5, rtol=1e-4)


@pytest.mark.once
def test_every_sampler_finds_what_it_is_to_find():
    models = [spread(model) for model in translators()]
    ensemble = Ensemble(models)
    exact = ensemble.generate("long", ks.samplers.Exhaustive(), max_length=3, return_scores=True)
    beam = ensemble.generate(
        "long", ks.samplers.Beam(30, length_penalty=0.0), max_length=3, return_scores=True
    )
    assert exact["exact"] and exact["text"] == beam["text"]
    assert exact["score"] == pytest.approx(beam["score"], rel=1e-4)
    cold = ks.samplers.Random(temperature=1e-3)
    assert ensemble.generate(TEXTS, cold, max_length=5) == ensemble.generate(TEXTS, max_length=5)
    penalty = ks.samplers.Beam(2, coverage_penalty=0.3)
    with pytest.raises(ValueError, match="`coverage_penalty` needs a model with attention"):
        other = Seq2Seq.from_texts(TEXTS, TARGETS, tokens="char", units=3, attention=None)
        Ensemble([models[0], other]).generate("long", penalty)
    assert isinstance(ensemble.generate("long", penalty, max_length=4), str)


@pytest.mark.once
def test_pointers_point_together():
    models = [spread(model) for model in translators(copy=True, tokens="word")]
    ensemble = Ensemble(models)
    examples = ensemble.encode_examples(["dull newword"], ["newword"])
    inputs = {name: column[0][None] for name, column in examples.inputs.items()}
    logits = [array(model(inputs)).astype("float64") for model in models]
    assert_close(softmax(array(ensemble(inputs))), np.exp(normalised(logits)), atol=1e-5)
    assert isinstance(ensemble.generate("dull newword", max_length=3), str)


@pytest.mark.every_backend
def test_a_language_model_scores_by_the_mean_of_the_log_probabilities():
    """One that carries a state and one that reads its window, on a text of several windows."""
    models = [spread(model) for model in language_models()]
    ensemble = Ensemble(models)
    assert ensemble.chunk == 8
    text = TEXTS[3]
    (found,) = ensemble.score([text], return_tokens=True)
    (fed,), (labels,) = ensemble.preprocessor.encode([text])
    logits = []
    for model in models:
        parts = [fed] if model.carries else [fed[i : i + 8] for i in range(0, len(fed), 8)]
        parts = [array(model({"token_ids": part[None]}))[0] for part in parts]
        logits.append(np.concatenate(parts).astype("float64"))
    expected = normalised(logits)[np.arange(len(labels)), labels]
    assert_close(found["log_probabilities"], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.once
def test_a_language_model_writes_and_streams_alike():
    models = [spread(LanguageModel.from_texts(TEXTS, units=n, window=None)) for n in (4, 5)]
    ensemble = Ensemble(models)
    assert ensemble.chunk == models[0].chunk
    written = ensemble.generate("a f", "greedy", max_length=9, strip_prompt=True)
    assert "".join(ensemble.stream("a f", "greedy", max_length=9)) == written
    score = ensemble.score("a film")
    fed = ensemble.stream("")
    total = 0.0
    for token in [*"a film", None]:
        total += fed.log_probabilities[
            ensemble.tokenizer.end_token_id
            if token is None
            else ensemble.tokenizer.token_to_id(token)
        ]
        if token is not None:
            fed.feed(token)
    assert total >= score["log_probability"]  # which does not leave out the unknown token


@pytest.mark.every_backend
def test_a_classifier_answers_by_the_mean_of_the_probabilities():
    models = [spread(model) for model in classifiers()]
    ensemble = Ensemble(models)
    expected = np.mean([model.predict(TEXTS, verbose=0) for model in models], axis=0)
    assert_close(ensemble.predict(TEXTS, verbose=0), expected, atol=1e-6, rtol=1e-5)
    classes = [ensemble.class_names[k] for k in expected.argmax(axis=-1)]
    assert ensemble.classify(TEXTS) == [
        c if t else None for c, t in zip(classes, TEXTS, strict=True)
    ]
    right = [ensemble.class_names.index(label) for label in LABELS]
    loss = -np.log(expected[np.arange(5), right]).mean()
    assert ensemble.evaluate(TEXTS, LABELS, verbose=0)[0] == pytest.approx(loss, rel=1e-4)


@pytest.mark.once
def test_a_classifier_of_any_number_of_classes():
    models = [spread(model) for model in classifiers(TOPICS)]
    expected = np.mean([model.predict(TEXTS, verbose=0) for model in models], axis=0)
    assert_close(Ensemble(models).predict(TEXTS, verbose=0), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.once
def test_the_attention_of_classifiers_is_a_mean_if_all_have_one():
    models = [
        TextClassifier.from_texts(TEXTS, LABELS, units=n, pooling="attention") for n in (3, 4)
    ]
    found = Ensemble(models).attention(TEXTS[:2])
    parts = [model.attention(TEXTS[:2]) for model in models]
    for one, *others in zip(found, *parts, strict=True):
        mean = np.mean([other["attention"] for other in others], axis=0)
        assert_close(one["attention"], mean, atol=1e-6, rtol=1e-5)
    with pytest.raises(ValueError, match="the pooling of the model is LastPooling"):
        Ensemble([models[0], TextClassifier.from_texts(TEXTS, LABELS, units=3)]).attention(TEXTS)


@pytest.mark.every_backend
def test_a_tagger_tags_by_the_mean_of_the_log_probabilities_of_sentences():
    """All 5^3 sentences of tags of three words, one by one."""
    models, sentence = taggers(), "Anna saw York"
    ensemble = Ensemble(models)
    rows = np.array(list(itertools.product(range(5), repeat=3)), "int32")
    scores = []
    for model in models:
        inputs = {
            k: v[0][None] for k, v in model.encode_examples([sentence.split()]).inputs.items()
        }
        emissions = np.repeat(array(model(inputs)), len(rows), axis=0)
        scores.append(array(model.chain.log_likelihood(emissions, rows)).astype("float64"))
    logs = np.mean(scores, axis=0)
    found = ensemble.tag(sentence, return_probabilities=True)
    assert found["tags"] == ensemble.tags.decode(rows[logs.argmax()])
    joint = softmax(np.where(logs < -1e9, -np.inf, logs))
    marginals = [[joint[rows[:, t] == k].sum() for k in range(5)] for t in range(3)]
    assert_close(found["probabilities"], np.array(marginals), atol=1e-5, rtol=1e-4)
    right = [ensemble.tag_names.index(tag) for tag in ("B-PER", "O", "B-LOC")]
    loss = -np.log(joint[(rows == right).all(axis=1)][0]) / 3
    measured = ensemble.evaluate([sentence], ["B-PER O B-LOC"], verbose=0)[0]
    assert measured == pytest.approx(loss, rel=1e-4)


@pytest.mark.once
def test_taggers_without_a_crf_take_the_mean_of_the_probabilities():
    models = taggers(None, crf=False)
    expected = [model.predict(SENTENCES, verbose=0) for model in models]
    found = Ensemble(models).predict(SENTENCES, verbose=0)
    for one, *others in zip(found, *expected, strict=True):
        assert_close(one, np.mean(others, axis=0), atol=1e-6, rtol=1e-5)


@pytest.mark.once
def test_a_mean_crf_has_no_weights_and_follows_those_of_the_others():
    models = taggers()
    ensemble = Ensemble(models)
    assert isinstance(ensemble.chain, MeanCRF) and not ensemble.chain.weights
    assert ensemble.count_params() == sum(model.count_params() for model in models)
    models[0].chain.start.assign(ops.ones((5,)))
    models[1].chain.start.assign(3 * ops.ones((5,)))
    assert array(ensemble.chain.start).tolist() == [2.0] * 5


@pytest.mark.once
@pytest.mark.parametrize("kind", KINDS)
def test_one_file_holds_all_models(kind, tmp_path):
    make, data = KINDS[kind]
    models = make()
    for model in models:
        model.compile("adam")
        model.train_on_batch(*(part[:2] for part in data)) if len(data) > 1 else None
    optimizers = [model.optimizer for model in models]
    ensemble = Ensemble(models, name="ours")
    expected = answers(ensemble)
    ensemble.save(tmp_path / "ensemble.keras")
    assert [model.optimizer for model in models] == optimizers
    loaded = keras.saving.load_model(tmp_path / "ensemble.keras")
    assert (type(loaded), loaded.name) == (type(ensemble), "ours")
    assert not any(model.compiled for model in loaded.models)
    assert_same_answers(answers(loaded), expected)
    assert type(loaded.optimizer).__name__ == "SGD"


@pytest.mark.once
def test_the_file_has_no_optimizer_but_that_of_the_ensemble(tmp_path):
    models = classifiers()
    for model in models:
        model.compile("adam")
        model.fit(TEXTS, LABELS, verbose=0)
    ensemble = Ensemble(models)
    ensemble.save(tmp_path / "ensemble.keras")
    with zipfile.ZipFile(tmp_path / "ensemble.keras") as archive:
        stored = io.BytesIO(archive.read("model.weights.h5"))
    arrays = {}
    with h5py.File(stored) as file:
        file.visititems(lambda name, x: arrays.update({name: getattr(x, "size", 0)}))
    in_models = {
        name: size for name, size in arrays.items() if name.startswith("layers/text_class")
    }
    assert not [name for name in in_models if "optimizer" in name]
    assert ensemble.count_params() <= sum(in_models.values()) < ensemble.count_params() + 50
    models[0].fit(TEXTS, LABELS, verbose=0)  # goes on with its own


READER = """
import json, sys
sys.path[:0] = sys.argv[2:]
from keras_seq.models import load_model
from test_ensemble import KINDS, answers
folder = sys.argv[1]
found = {kind: answers(load_model(f"{folder}/{kind}.keras")) for kind in KINDS}
json.dump(found, open(folder + "/found.json", "w"))
"""
OTHER = {"tensorflow": "torch", "torch": "jax", "jax": "tensorflow"}[keras.config.backend()]


@pytest.mark.slow
def test_another_backend_reads_the_file_and_answers_alike(tmp_path):
    pytest.importorskip(OTHER)
    expected = {}
    for kind, (make, _) in KINDS.items():
        ensemble = Ensemble([spread(model) for model in make()])
        ensemble.save(tmp_path / f"{kind}.keras")
        expected[kind] = answers(ensemble)
    tests = os.path.dirname(os.path.abspath(__file__))
    subprocess.run(
        [sys.executable, "-c", READER, tmp_path, tests, os.path.dirname(tests)],
        check=True,
        env={**os.environ, "KERAS_BACKEND": OTHER},
    )
    found = json.loads((tmp_path / "found.json").read_text())
    for kind, answer in expected.items():
        assert_same_answers(found[kind], answer)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("kind", KINDS)
def test_the_rules_of_tasks_hold_and_it_is_exported(kind):
    make, data = KINDS[kind]
    config = {"unknown_rate": 0.0} if kind == "TextTagger" else {}
    answer = None
    if kind == "LanguageModel":
        answer = lambda model, x: model.score(x)  # noqa: E731
    if kind == "Seq2Seq":
        answer = lambda model, x: model.generate(x, max_length=5)  # noqa: E731
    streams = kind == "LanguageModel"
    check_task(lambda: Ensemble(make(**config)), *data, answer=answer, streams=streams, export=True)


@pytest.mark.once
def test_a_copy_by_its_config_is_another_ensemble():
    ensemble = Ensemble(classifiers())
    copy = json_copy(ensemble)
    copy.set_weights(ensemble.get_weights())
    assert copy.models[0] is not ensemble.models[0]
    assert_same_answers(answers(copy), answers(ensemble))


@pytest.mark.once
def test_the_sampler_is_that_of_the_first_model(tmp_path):
    models = translators()
    models[0].compile(sampler=ks.samplers.Beam(3))
    ensemble = Ensemble(models)
    assert repr(ensemble.sampler) == repr(ks.samplers.Beam(3))
    ensemble.compile("sgd", sampler=ks.samplers.Beam(7))
    ensemble.save(tmp_path / "a.keras")
    assert repr(load_model(tmp_path / "a.keras").sampler) == repr(ks.samplers.Beam(7))


@pytest.mark.once
def test_a_subclass_keeps_its_way_to_encode():
    @keras.saving.register_keras_serializable(package="ensemble_tests")
    class Shouting(TextClassifier):
        def encode_examples(self, x, y=None, sample_weight=None):
            return super().encode_examples([text.upper() for text in x], y, sample_weight)

    texts = [text.upper() for text in TEXTS]
    models = [spread(Shouting.from_texts(texts, LABELS, units=n)) for n in (3, 4)]
    expected = np.mean([model.predict(TEXTS, verbose=0) for model in models], axis=0)
    assert_close(Ensemble(models).predict(TEXTS, verbose=0), expected, atol=1e-6, rtol=1e-5)


OTHER_TEXTS = ["xyz", "other words", "x", "y", "z"]
WRONG = {
    "none": (lambda: [], "at least one; received none"),
    "no list": (lambda: classifiers()[0], "`models` must be a list"),
    "a string": (lambda: ["a.keras"], "must be instances of Seq2Seq, LanguageModel"),
    "another class": (
        lambda: [classifiers()[0], taggers()[0]],
        "models of one class, and no ensembles; received TextClassifier, TextTagger",
    ),
    "an ensemble": (lambda: [Ensemble(classifiers())] * 2, "and no ensembles"),
    "twice": (lambda: [classifiers()[0]] * 2, "must be different objects"),
    "vocabulary": (
        lambda: [classifiers()[0], TextClassifier.from_texts(OTHER_TEXTS, LABELS, units=4)],
        "must have the same `tokenizer`; received <WordTokenizer with .*in model 1, <WordTok",
    ),
    "tokens": (
        lambda: [classifiers()[0], classifiers(tokens="char")[0]],
        "must have the same `tokenizer`; received <WordTokenizer .*<CharacterTokenizer",
    ),
    "classes": (
        lambda: [classifiers()[0], classifiers(["good", "bad", "bad", "odd", "good"])[0]],
        r"the same `class_names`; received \['bad', 'good'\] and, in model 1, \['bad', 'good', 'o",
    ),
    "any number": (
        lambda: [
            TextClassifier(classifiers()[0].tokenizer, ["x", "y"], multi, units=3)
            for multi in (False, True)
        ],
        "the same `multi_label`; received False and, in model 1, True",
    ),
    "tags": (
        lambda: [taggers()[0], TextTagger.from_texts(SENTENCES, TAGS, units=3)],
        "the same `scheme`; received 'BIO' and, in model 1, None",
    ),
    "crf": (lambda: [taggers()[0], taggers(crf=False)[1]], "the same `crf`; received True"),
    "target": (
        lambda: [translators()[0], Seq2Seq.from_texts(TEXTS, OTHER_TEXTS, tokens="char", units=3)],
        "the same `target_tokenizer`",
    ),
    "copy": (lambda: [translators()[0], translators(copy=True)[1]], "the same `copy`"),
    "length": (
        lambda: [translators()[0], translators(max_source_length=9)[1]],
        "the same `max_source_length`; received 512 and, in model 1, 9",
    ),
    "window": (
        lambda: [language_models()[0], language_models(window=9)[1]],
        "the same `window`; received 8 and, in model 1, 9",
    ),
}


@pytest.mark.once
@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_go_together(name):
    make, message = WRONG[name]
    models = make()
    with pytest.raises(ValueError, match=message):
        Ensemble(models)


@pytest.mark.once
def test_all_models_can_be_trained_together():
    ensemble = Ensemble(translators(dropout=0.3))
    ensemble.compile(keras.optimizers.Adam(0.01), r_drop=1.0, label_smoothing=0.1)
    losses = ensemble.fit(TEXTS, TARGETS, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    sampled = Ensemble([translators()[0], translators(teacher_forcing_ratio=0.5)[1]])
    with pytest.raises(ValueError, match="`r_drop` compares two passes over the same tokens"):
        sampled.compile(r_drop=1.0)


@pytest.mark.once
def test_layers_are_looked_into_in_one_of_the_models():
    with pytest.raises(ValueError, match="look into one of its `models`"):
        Ensemble(classifiers()).step_tokens({})


@pytest.mark.once
def test_the_mean_of_several_files(tmp_path):
    model = translators(dropout=0.2)[0]
    model.compile("adam", sampler="beam")
    paths, values = [], []
    for epoch in range(3):
        model.fit(TEXTS, TARGETS, verbose=0)
        paths.append(tmp_path / f"{epoch}.keras")
        model.save(paths[-1])
        values.append([array(weight) for weight in model.weights])
    averaged = average_checkpoints(paths)
    for one, *others in zip(averaged.weights, *values, strict=True):
        assert_close(array(one), np.mean(others, axis=0, dtype="float64"), atol=1e-7, rtol=1e-6)
    assert repr(averaged.sampler) == repr(model.sampler)
    assert int(averaged.optimizer.iterations) == 0
    averaged.fit(TEXTS, TARGETS, verbose=0)
    alone = average_checkpoints(paths[:1])
    assert_close([array(w) for w in alone.weights], values[0], atol=0, rtol=0)


@pytest.mark.once
def test_files_of_other_models_have_no_mean(tmp_path):
    models = {
        "a": classifiers()[0],
        "b": classifiers()[1],
        "c": TextClassifier.from_texts(OTHER_TEXTS, LABELS, units=5),
        "d": taggers()[0],
        "e": classifiers()[0],
    }
    models["e"].quantize("int8")
    for name, model in models.items():
        model.save(tmp_path / f"{name}.keras")
    wrong = {
        "ab": "b.keras and .*a.keras differ in cell, units",
        "ac": "differ in tokenizer",
        "ad": "differ in tokenizer",
        "ea": "holds a quantised model",
        "ax": "There is no file",
        "": "`paths` must be a list of files, at least one",
    }
    for names, message in wrong.items():
        with pytest.raises(ValueError, match=message):
            average_checkpoints([tmp_path / f"{name}.keras" for name in names])


@pytest.mark.once
def test_marks_that_keras_adds_while_it_reads_are_no_difference(monkeypatch):
    plain, configs = TextClassifier.get_config, iter(range(100))

    def marked(model):
        config = plain(model)
        config["tokenizer"]["shared_object_id"] = next(configs)
        return config

    models = classifiers()
    monkeypatch.setattr(TextClassifier, "get_config", marked)
    assert len(Ensemble(models).models) == 3


@pytest.mark.once
def test_an_ensemble_is_not_made_of_texts():
    ensemble = type(Ensemble(classifiers()))
    with pytest.raises(ValueError, match="belongs to their class: use that of TextClassifier"):
        ensemble.from_texts(TEXTS, LABELS)
    with pytest.raises(ValueError, match="use that of the task"):
        Ensemble.from_texts(TEXTS, LABELS)
