"""Step graphs: written on any backend, and read without Keras."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from own_parts import LeakyCell, SecondBest, ShoutingTokenizer

import keras_seq as ks
from keras_seq._processes import resolve
from keras_seq.export import export_step, load_step, step_export

on_tensorflow = pytest.mark.skipif(
    keras.config.backend() != "tensorflow",
    reason="files are written by TensorFlow; other backends start a process for each",
)
SOURCES = ["ein Mann läuft", "die Frau liest ein Buch", "das Kind singt laut"]
TARGETS = ["a man runs", "the woman reads a book", "the child sings loudly"]
TEXTS = [*SOURCES, "ein Hund läuft", "", " \u3000", "日本 x"]
SENTENCES = ["Anna sings in Rome", "Bob", "the old Rome 12 sings"]
TAGS = ["B-PER O O B-LOC", "B-PER", "O O B-LOC O O"]


@pytest.fixture(autouse=True, scope="module")
def _in_this_process(eagerly):
    """Where TensorFlow is the backend, this process does what another one would be started for."""

    def here(write, given, what, environment):
        return json.loads(json.dumps(resolve(write)(lambda: json.loads(json.dumps(given)))))

    with pytest.MonkeyPatch.context() as patch:
        if keras.config.backend() == "tensorflow":
            patch.setattr(step_export, "in_a_process", here)
        yield


def shaken(model):
    """A model whose weights are no longer what any initialiser draws, nor symmetric."""
    draw = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(weight + 0.3 * draw.normal(size=weight.shape).astype("float32"))
    return model


def translator(**options):
    keras.utils.set_random_seed(1)
    options = {"tokens": "word", "units": 6, **options}
    return shaken(ks.models.Seq2Seq.from_texts(SOURCES, TARGETS, **options))


def language_model(**options):
    keras.utils.set_random_seed(1)
    texts = SOURCES + TARGETS
    return shaken(ks.models.LanguageModel.from_texts(texts, **{"units": 6, **options}))


def tagger(**options):
    keras.utils.set_random_seed(1)
    options = {
        **{"units": 6, "bidirectional": False, "character_units": 4, "character_dim": 3},
        **options,
    }
    return shaken(ks.models.TextTagger.from_texts(SENTENCES, TAGS, **options))


def classifier(**options):
    keras.utils.set_random_seed(1)
    labels = [["a"], ["b", "c"], ["a"]] if options.get("multi_label") else ["a", "b", "c"]
    options = {"units": 6, "bidirectional": False, **options}
    return shaken(ks.models.TextClassifier.from_texts(SOURCES, labels, **options))


SAMPLERS = [
    ("greedy", {}),
    ("random", {"seed": 3, "top_k": 5}),
    ("beam", {"width": 3, "n_best": 2}),
]


def check_texts(model, path, samplers=SAMPLERS, tolerance=1e-4, texts=TEXTS, **options):
    """The answers of the step graphs are those of the model; returns the reader."""
    assert model.export(path, format="onnx", signature="step", verbose=False, **options) == path
    reader = load_step(path)
    for name, how in samplers:
        sampler = ks.samplers.SAMPLERS[name](**how)
        expected = model.generate(texts, sampler=sampler, return_scores=True, max_length=9)
        found = reader.generate(texts, sampler=name, return_scores=True, max_length=9, **how)
        for one, other in zip(expected, found, strict=True):
            pairs = zip(*(x if isinstance(x, list) else [x] for x in (one, other)), strict=True)
            for a, b in pairs:
                assert a["text"] == b["text"]
                assert abs(a["score"] - b["score"]) < tolerance
    return reader


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """A translator and the folder of its steps."""
    model = translator(copy=True)
    model.compile("sgd", sampler=ks.samplers.Beam(2))
    path = tmp_path_factory.mktemp("steps") / "de-en"
    check_texts(model, path, inspect=True, examples=["ein Mann"])
    return model, path


@pytest.mark.every_backend
def test_a_translator(steps):
    model, path = steps
    reader = load_step(path)
    assert reader.generate("ein Mann läuft") == model.generate("ein Mann läuft")
    expected = model.generate(TEXTS[:4], "greedy", return_attention=True)
    found = reader.generate(TEXTS[:4], "greedy", return_attention=True)
    for one, other in zip(expected, found, strict=True):
        assert one["source_tokens"] == other["source_tokens"]
        assert one["target_tokens"] == other["target_tokens"]
        np.testing.assert_allclose(one["attention"], other["attention"], atol=1e-5)
    assert reader.generate("ein Zebra", replace_unknown=True) == model.generate(
        "ein Zebra", replace_unknown=True
    )
    stop = model.target_tokenizer.vocabulary[5]
    assert reader.generate(TEXTS, stop_tokens=stop) == model.generate(TEXTS, stop_tokens=stop)


def test_the_manifest(steps):
    model, path = steps
    manifest = json.loads((path / "manifest.json").read_text())
    assert sorted(manifest["graphs"]) == ["encode", "start", "step"]
    assert {graph["file"] for graph in manifest["graphs"].values()} <= {*os.listdir(path)}
    assert len(os.listdir(path)) == 4 and len(os.listdir(path.parent)) == 1
    states = {state["input"]: state["shape"] for state in manifest["state"]}
    assert states == {"layer_0_h": [None, 6], "layer_0_c": [None, 6], "coverage": [None, None]}
    assert manifest["sampler"]["name"] == "beam" and manifest["sampler"]["config"]["width"] == 2
    assert manifest["tokenizers"]["target"]["vocabulary"] == model.target_tokenizer.vocabulary
    special = {"pad": 0, "start": 1, "end": 2, "unknown": 3}
    assert manifest["tokenizers"]["source"]["special_ids"] == special
    assert manifest["end_ids"] == [2] and manifest["version"] == 1
    example = manifest["example"]
    assert example["text"] == "ein Mann"
    assert example["answer"]["text"] == model.generate("ein Mann")
    outputs = manifest["graphs"]["step"]["outputs"]
    assert outputs["layer_0_forget_gate"]["about"] == "the forget gate of layer 0"
    assert all(field["about"] for field in manifest["graphs"]["step"]["inputs"].values())


def test_the_inside_of_a_step(steps):
    """h = o tanh(c) and c = f c + i g, of what is seen."""
    _, path = steps
    reader = load_step(path)
    state, memory = reader.start(**reader.encode(["ein Mann läuft"])[0])
    _, new, seen = reader.step(np.array([1], "int32"), state, memory, inspect=True)
    i, f, o = (seen[f"layer_0_{name}_gate"] for name in ("input", "forget", "output"))
    c = f * state["layer_0_c"] + i * seen["layer_0_candidate"]
    np.testing.assert_allclose(new["layer_0_c"], c, atol=1e-6)
    np.testing.assert_allclose(new["layer_0_h"], o * np.tanh(c), atol=1e-6)
    np.testing.assert_allclose(seen["attention"].sum(), 1, atol=1e-5)


def test_a_state_does_not_grow(steps):
    _, path = steps
    reader = load_step(path)
    state, memory = reader.start(**reader.encode(["ein Mann läuft"])[0])
    sizes = {name: x.shape for name, x in state.items()}
    for _ in range(50):
        logits, state = reader.step(np.array([4], "int32"), state, memory)
    assert {name: x.shape for name, x in state.items()} == sizes
    assert logits.shape == (1, reader.target.vocabulary_size + 4)


def test_nothing_but_onnxruntime_and_numpy(steps):
    model, path = steps
    script = (
        "import sys; from keras_seq.export import load_step; "
        f"print(load_step({str(path)!r}).generate('ein Mann läuft')); "
        "print({'keras', 'tensorflow', 'torch', 'jax', 'onnx'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines() == [model.generate("ein Mann läuft"), "set()"], done.stderr


def test_what_a_reader_refuses(steps, tmp_path):
    _, path = steps
    reader = load_step(path)
    with pytest.raises(ValueError, match="`sampler` must be one of 'greedy', 'random', 'beam'"):
        reader.generate("a", sampler="exhaustive")
    with pytest.raises(ValueError, match="The sampler 'greedy' takes min_length; received width"):
        reader.generate("a", sampler="greedy", width=3)
    with pytest.raises(ValueError, match="`stop_tokens` must be tokens of the vocabulary"):
        reader.generate("a", stop_tokens="no such")
    with pytest.raises(ValueError, match="`encode` must be given `source_ids`"):
        reader.start()
    with pytest.raises(ValueError, match=r"There are no step graphs in .*: no manifest.json"):
        load_step(tmp_path)
    manifest = json.loads((path / "manifest.json").read_text())
    for text, message in (
        ("{", "is damaged"),
        ('{"version": 1}', "is damaged"),
        (json.dumps({**manifest, "version": 99}), "version 99, and this reader knows"),
        (json.dumps(manifest), "There is no file .*encode.onnx"),
    ):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            load_step(tmp_path)
    (tmp_path / "encode.onnx").write_text("no graph")
    with pytest.raises(ValueError, match="onnxruntime cannot read"):
        load_step(tmp_path)


def test_what_is_not_exported(tmp_path):
    how = {"format": "onnx", "verbose": False}
    model = translator()
    for options, message in (
        ({"signature": "stream"}, "`signature` must be one of 'step'; received 'stream'"),
        ({"signature": "step", "format": "tf_saved_model"}, "goes with format='onnx'"),
        ({"signature": "step", "batching": True}, "`batching` is for a SavedModel"),
        ({"signature": "step", "version": 3}, "`version` is for a SavedModel"),
        (
            {"signature": "step", "n_best": 2},
            "takes sampler, max_length, examples.*received n_best",
        ),
        ({"signature": "step", "max_length": 0}, "`max_length` must be an integer above 0"),
        ({"signature": "step", "stop_tokens": "x y"}, "`stop_tokens` must be tokens"),
    ):
        with pytest.raises(ValueError, match=message):
            model.export(tmp_path / "a", **{**how, **options})
    for model in (tagger(bidirectional=True), classifier(bidirectional=True)):
        with pytest.raises(ValueError, match=r"must read from the left.*`bidirectional=False`"):
            model.export(tmp_path / "a", signature="stream", **how)
    with pytest.raises(ValueError, match="has several encoders, or none"):
        ks.models.Ensemble([tagger(), tagger()]).export(tmp_path / "a", signature="stream", **how)
    encoder = ks.layers.SelfAttentionEncoder(6, num_heads=2, return_sequences=True)
    with pytest.raises(ValueError, match="must read from the left"):
        classifier(encoder=encoder, bidirectional=True).export(
            tmp_path / "a", signature="stream", **how
        )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    for path in (tmp_path / "mine", tmp_path / "mine" / "letter.txt"):
        with pytest.raises(ValueError, match="must be a new folder, an empty one, or one with a"):
            translator().export(path, signature="step", **how)
    for layer, message in (
        (ks.layers.Bidirectional(ks.layers.LSTM(3)), "reads from the right"),
        (ks.layers.RNNStack("gru", 3, bidirectional=True), "reads from the right"),
        (ks.layers.LSTM(3, go_backwards=True), "reads from the right"),
        (keras.layers.Dense(3), "must be a recurrent layer"),
        (ks.layers.LSTM(3), "has no weights yet"),
    ):
        with pytest.raises(ValueError, match=message):
            export_step(layer, tmp_path / "a")
    layers = [keras.Input((None, 3)), keras.layers.Conv1D(3, 3), ks.layers.LSTM(3)]
    with pytest.raises(ValueError, match="a Conv1D, is not known to compute the same at each step"):
        export_step(keras.Sequential(layers), tmp_path / "a")
    assert os.listdir(tmp_path) == ["mine"]


def test_nothing_half_written(tmp_path, monkeypatch):
    def fail(write, given, what, environment):
        (tmp_path / given["folder"] / "start.onnx").write_text("half")
        raise ValueError("no room is left")

    monkeypatch.setattr(step_export, "in_a_process", fail)
    with pytest.raises(ValueError, match="no room is left"):
        translator().export(tmp_path / "new" / "steps", format="onnx", signature="step")
    assert os.listdir(tmp_path) == []
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "manifest.json").write_text("old")
    with pytest.raises(ValueError, match="no room is left"):
        translator().export(tmp_path / "steps", format="onnx", signature="step")
    assert (tmp_path / "steps" / "manifest.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["steps"]


@pytest.mark.slow
@on_tensorflow
@pytest.mark.parametrize(
    "options",
    [
        *({"cell": name} for name in ("gru", "vanilla", "irnn", "min_gru", "min_lstm")),
        {"attention": None},
        {"attention": None, "order": "luong"},
        *(
            {"attention": name, "order": order, "bidirectional": name != "dot"}
            for name in ("additive", "dot", "general", "concat", "scaled_dot")
            for order in ("bahdanau", "luong")
        ),
        {"attention": "local_monotonic"},
        {"attention": "monotonic"},
        {"input_feeding": True, "order": "luong", "copy": True},
        {"tie_embeddings": True, "num_layers": 2, "residual": True, "bidirectional": False},
        {"readout": "maxout", "tokens": "char", "lowercase": True},
        {"readout": None, "tokens": "subword", "max_vocabulary": 40},
        {"cell": ks.layers.TimeSkipCell("gru", skip=3, units=6)},
    ],
    ids=str,
)
def test_every_kind_of_translator(options, tmp_path):
    samplers = [("greedy", {}), ("beam", {"width": 3})]
    check_texts(translator(**options), tmp_path / "steps", samplers, texts=TEXTS[2:6], inspect=True)


@pytest.mark.slow
@on_tensorflow
@pytest.mark.parametrize(
    "options",
    [
        {"cell": "min_lstm", "tokens": "subword", "max_vocabulary": 40},
        {
            **{"num_layers": 2, "residual": True, "layer_norm": True},
            **{"tie_embeddings": True, "embedding_dim": 5},
        },
        {"cell": ks.layers.VanillaRNNCell(6, learn_initial_state=True), "tokens": "word"},
        {"cell": LeakyCell(6), "tokens": "word", "lowercase": True},
    ],
    ids=str,
)
def test_every_kind_of_language_model(options, tmp_path):
    model = language_model(**options)
    reader = check_texts(model, tmp_path / "steps")
    expected = model.stream("ein ", ks.samplers.Random(seed=5), max_length=12)
    found = reader.stream("ein ", "random", seed=5, max_length=12)
    assert "".join(expected) == "".join(found)


@pytest.mark.slow
@on_tensorflow
def test_half_precision_becomes_float32(tmp_path):
    model = language_model(dtype="mixed_float16")
    other = ks.models.LanguageModel.from_config(
        {**model.get_config(), "dtype": "float32", "cell": "lstm"}
    )
    other.set_weights(model.get_weights())
    how = {"format": "onnx", "signature": "step", "verbose": False}
    model.export(tmp_path / "steps", **how)
    found = load_step(tmp_path / "steps").generate("ein", "greedy", return_scores=True)
    expected = other.generate("ein", "greedy", return_scores=True)
    assert found["text"] == expected["text"]
    assert abs(found["score"] - expected["score"]) < 1e-3


@pytest.mark.slow
@on_tensorflow
@pytest.mark.parametrize(
    "options",
    [
        {"scheme": "BIO"},
        {"crf": False, "characters": None, "num_layers": 2, "residual": True, "cell": "min_gru"},
        {
            **{"scheme": "BIO", "crf": False, "characters": "lstm", "max_length": 3},
            **{"zero_digits": True, "lowercase": True, "max_word_length": 3},
        },
    ],
    ids=str,
)
def test_taggers(options, tmp_path):
    model = tagger(**options)
    model.export(tmp_path / "steps", format="onnx", signature="stream", verbose=False)
    reader = load_step(tmp_path / "steps")
    texts = [*SENTENCES, "Zoë läuft 3", "", " "]
    expected = model.tag(texts, return_probabilities=True)
    for one, other in zip(expected, reader.tag(texts, return_probabilities=True), strict=True):
        assert one["tokens"] == other["tokens"] and one["tags"] == other["tags"]
        np.testing.assert_allclose(one["probabilities"], other["probabilities"], atol=1e-4)
    assert reader.tag([["Anna", "sings"], []]) == model.tag([["Anna", "sings"], []])
    words = [word for word, _, _ in reader.stream(["Anna", "sings"])]
    assert words == ["Anna", "sings"]
    if options["crf" if "crf" in options else "scheme"] is False and model.scheme is None:
        assert [tag for _, tag, _ in reader.stream(["Anna", "sings"])] == model.tag(
            [["Anna", "sings"]]
        )[0]


@pytest.mark.slow
@on_tensorflow
@pytest.mark.parametrize("pooling", [*ks.layers.POOLINGS, "net", "several"])
def test_classifiers(pooling, tmp_path):
    options = {"pooling": pooling}
    if pooling == "net":
        options = {"pooling": ks.layers.FeedForwardPooling(3, pooling="max")}
    if pooling == "several":
        options = {"multi_label": True, "cell": "gru"}
    model = classifier(**options)
    model.export(tmp_path / "steps", format="onnx", signature="stream", verbose=False)
    expected = model.classify(TEXTS, return_probabilities=True)
    found = load_step(tmp_path / "steps").classify(TEXTS, return_probabilities=True)
    for one, other in zip(expected, found, strict=True):
        chances, others = one.pop("probabilities"), other.pop("probabilities")
        assert one == other and list(chances) == list(others)
        np.testing.assert_allclose([*chances.values()], [*others.values()], atol=1e-4)


LAYERS = [
    lambda: ks.layers.LSTM(4),
    lambda: ks.layers.GRU(4, return_sequences=True, reset_after=False),
    lambda: ks.layers.VanillaRNN(4, readout_units=2, learn_initial_state=True),
    lambda: ks.layers.MinGRU(4),
    lambda: ks.layers.RNNStack("gru", 4, 2, residual=True, layer_norm=True, return_sequences=True),
    lambda: keras.layers.RNN([keras.layers.LSTMCell(3), keras.layers.GRUCell(4)]),
    lambda: keras.layers.RNN(LeakyCell(4), return_sequences=True),
    lambda: keras.Sequential(
        [
            keras.Input((None,)),
            keras.layers.Embedding(9, 3),
            ks.layers.LSTM(4, return_sequences=True),
            keras.layers.LayerNormalization(),
            ks.layers.GRU(5),
            keras.layers.Dense(3, "softmax"),
        ]
    ),
    lambda: keras.Sequential(
        [
            keras.Input((None, 3)),
            ks.layers.RNNStack("lstm", 4, return_sequences=True),
            keras.layers.Dense(2),
            ks.layers.CRF(2),
        ]
    ),
]


@pytest.mark.slow
@on_tensorflow
@pytest.mark.parametrize("make", LAYERS)
def test_layers_step_by_step(make, tmp_path):
    layer = make()
    if not layer.built:
        layer.build((None, None, 3))
    shaken(layer)
    export_step(layer, tmp_path / "steps", verbose=False, inspect=True)
    reader = load_step(tmp_path / "steps")
    draw = np.random.default_rng(1)
    x = draw.normal(size=(2, 6, 3)).astype("float32")
    if "token_ids" in reader.manifest["graphs"]["step"]["inputs"]:
        x = draw.integers(1, 9, (2, 6)).astype("int32")
    expected = keras.ops.convert_to_numpy(layer(x))
    (state, memory), outputs = reader.start(2), []
    for i in range(6):
        output, state = reader.step(x[:, i], state, memory)
        outputs.append(output)
    found = np.stack(outputs, 1) if expected.ndim == 3 else outputs[-1]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.slow
def test_parts_of_a_user(tmp_path):
    """A cell, a sampler and a score from a file of her own."""
    model = language_model(cell=LeakyCell(6))
    model.compile("sgd", sampler=SecondBest())
    reader = check_texts(model, tmp_path / "steps", [("greedy", {})])
    with pytest.raises(ValueError, match="own sampler, SecondBest, runs in Keras alone"):
        reader.generate("ein")


@pytest.mark.slow
def test_a_tokenizer_of_a_user(tmp_path):
    model = language_model()
    config = model.get_config()
    tokenizer = ShoutingTokenizer(model.tokenizer.vocabulary)
    config["tokenizer"] = keras.saving.serialize_keras_object(tokenizer)
    model = ks.models.LanguageModel.from_config(config)
    model.export(tmp_path / "steps", format="onnx", signature="step", verbose=False)
    reader = load_step(tmp_path / "steps")
    assert not hasattr(reader, "generate") and "example" not in reader.manifest
    state, memory = reader.start(prompt_ids=np.ones((1, 1), "int32"))
    logits, _ = reader.step(np.array([5], "int32"), state, memory)
    assert logits.shape == (1, tokenizer.vocabulary_size)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tagger", "classifier", "layer"])
def test_what_reads_on_this_backend(kind, tmp_path):
    """What test_taggers, test_classifiers and test_layers_step_by_step do on TensorFlow alone."""
    path = tmp_path / "steps"
    if kind == "layer":
        layer = ks.layers.LSTM(4)
        x = np.random.default_rng(0).normal(size=(2, 3, 3)).astype("float32")
        expected = keras.ops.convert_to_numpy(layer(x))
        export_step(layer, path, verbose=False)
        reader = load_step(path)
        state, _ = reader.start(2)
        for i in range(3):
            output, state = reader.step(x[:, i], state)
        np.testing.assert_allclose(output, expected, atol=1e-4)
        return
    model = tagger(scheme="BIO") if kind == "tagger" else classifier(pooling="attention")
    model.export(path, format="onnx", signature="stream", verbose=False)
    reader, texts = load_step(path), SENTENCES if kind == "tagger" else TEXTS
    if kind == "tagger":
        assert reader.tag(texts) == model.tag(texts)
    else:
        assert reader.classify(texts) == model.classify(texts)


@pytest.mark.slow
def test_an_ensemble(tmp_path):
    model = ks.models.Ensemble([translator(), translator(units=4, cell="gru")])
    check_texts(model, tmp_path / "steps", [("greedy", {}), ("beam", {"width": 3})])
