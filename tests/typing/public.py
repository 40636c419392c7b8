"""Every public name, used as the guides use it: what a type checker reads, and nobody runs."""

import datetime
import pathlib
from typing import Any

import keras
import numpy as np

import keras_seq as ks

FOLDER = pathlib.Path("data")


def translation() -> None:
    sources, targets = ks.datasets.dates(20_000, seed=0)
    model = ks.models.Seq2Seq(
        source_tokenizer=ks.text.CharacterTokenizer.from_texts(sources),
        target_tokenizer=ks.text.CharacterTokenizer.from_texts(targets),
        cell="lstm",
        units=128,
        bidirectional=True,
        attention="additive",
    )
    model.compile(optimizer=keras.optimizers.Adam(2e-3, global_clipnorm=1.0))
    model.fit(sources, targets, validation_split=0.05, batch_size=64, epochs=3)
    model.generate(["27 September 2016"], sampler="beam")
    model.save("dates.keras")
    again: ks.models.Task = ks.models.load_model("dates.keras")
    ensemble = ks.models.Ensemble([model, again])
    ensemble.evaluate(sources, targets)
    ks.models.average_checkpoints(["1.keras", FOLDER / "2.keras"]).save("mean.keras")
    again.save(FOLDER / "again.keras")
    reader = ks.models.Seq2Seq.from_preset("dates", dropout=0.1)
    reader.generate("le 27 septembre 2016")
    reader.save_to_preset(FOLDER / "mine", dtype="float16")
    print(ks.models.Task.from_preset(FOLDER / "mine").count_params(), [*ks.presets()])
    print("kept" if ks.keep_memory() else "as it was")
    model.export(FOLDER / "dates", sampler="greedy", examples=["27 September 2016"])
    best = ks.samplers.Beam(5, length_penalty=1.0, coverage_penalty=0.2, n_best=3)
    model.generate("27 September 2016", sampler=best)
    model.generate("den 1.", ks.samplers.Random(temperature=0.7, top_p=0.9, seed=1), max_length=9)
    answer = model.generate("den 1.", return_attention=True, return_scores=True, return_trace=True)
    figure = ks.analysis.plot_attention(
        answer["attention"], answer["source_tokens"], answer["target_tokens"], save="attention.png"
    )
    figure.savefig("again.png")
    print(ks.analysis.explore(model, "27 September 2016"), ks.analysis.explore("dates", "den 1."))
    ks.analysis.plot_search_tree(answer["trace"], save=FOLDER / "tree.png")
    ks.analysis.exposure_bias(model, sources, targets, max_length=20)["teacher_forced"]["bleu"]
    bins = ks.analysis.score_by_length(model, sources, targets, bins=[10, 20], sampler="greedy")
    ks.analysis.plot_score_by_length({"mine": bins}, save="length.png")
    ks.analysis.plot_exposure_bias(ks.analysis.exposure_bias(model, sources, targets))
    ks.analysis.search_errors(model, sources, {"beam 10": ks.samplers.Beam(10)})["count"]
    links = ks.analysis.alignment(np.eye(3), threshold=0.1)
    sure, possible = ks.analysis.read_alignments(["0-0 1-1"])
    ks.analysis.alignment_error_rate([links], sure, possible)["recall"]


def language() -> None:
    text = "\n".join(ks.datasets.dates(20_000, seed=1)[0])
    writer = ks.models.LanguageModel.from_texts(text, tokens="char", cell="gru", window=60)
    inputs, _ = ks.datasets.stream_windows(np.arange(100), rows=2, window=8, step=4)
    print(inputs.shape, ks.analysis.bits_by_context(writer, text, (1, 8), places=50).tolist())
    writer.compile(
        keras.optimizers.Adam(5e-3, global_clipnorm=1.0),
        metrics=[ks.models.Perplexity(), ks.models.BitsPerToken(), ks.models.TokenAccuracy()],
    )
    history = writer.fit(text, validation_split=0.05, batch_size=32, epochs=2)
    writer.generate("27 ", sampler=ks.samplers.Random(temperature=0.7, seed=1), max_length=60)
    writer.score("27 September 2016")["perplexity"]
    stream: ks.models.Stream = writer.stream("den ", ks.samplers.Greedy(), max_length=20)
    for piece in stream:
        print(piece.upper(), end="")
    ngrams = ks.analysis.NGramModel.from_texts([text], order=3)
    ngrams.probabilities("ab").sum()
    ks.analysis.sample_quality([text], [text], model=ngrams)["copied"]
    ks.analysis.plot_history(history, metrics=["loss"], save="history.png")
    activations = ks.analysis.unit_activations(writer, "27 September")
    kept: ks.analysis.Activations = activations["gru"]
    print(ks.analysis.best_unit(kept, np.arange(12) < 3).unit)
    ks.analysis.plot_unit(kept, unit=3, save="unit.png")
    ks.analysis.highlight(kept.tokens, kept.values["h"][:, 3], format="ansi").splitlines()
    ks.analysis.plot_gates(ks.analysis.gate_activations(writer, "27 Sep")["gru"], save="gates.png")
    inputs = ks.analysis.connectivity(writer, "27 September", position=3)
    first: ks.analysis.Connectivity = inputs["embedding"]
    ks.analysis.plot_connectivity(first, save=FOLDER / "connectivity.png")


def classification() -> None:
    reviews, verdicts = ["a fine film", "dull and long"], ["good", "bad"]
    critic = ks.models.TextClassifier.from_texts(reviews, verdicts, units=32, pooling="attention")
    preprocessor: ks.models.Preprocessor = critic.preprocessor
    preprocessor.check_inputs(reviews)
    critic.compile("adam", metrics=[ks.models.LabelF1(), ks.models.LabelAccuracy()])
    critic.fit(reviews, verdicts, epochs=5)
    critic.classify("a dull film", return_probabilities=True, return_attention=True)

    sentences, tags = ["Anna Li met Bo in Rome"] * 8, ["B-PER I-PER O B-PER O B-LOC"] * 8
    tagger = ks.models.TextTagger.from_texts(sentences, tags, scheme="BIO", units=32)
    tagger.compile("adam", metrics=[ks.models.ExactMatch()])
    tagger.fit(sentences, tags, epochs=5, callbacks=[ks.callbacks.TagScore(sentences, tags)])
    tagger.tag("Bo met Anna Li", return_spans=True)
    ks.analysis.tag_scores([["O", "B-PER"]], [["O", "O"]], scheme="BIO")["f1"]


class CosineAttention(ks.layers.AttentionMechanism):
    def score(self, query: Any, keys: Any) -> Any:
        return keras.ops.einsum("btu,bsu->bts", query, keys)


class Stubborn(ks.samplers.Sampler):
    def get_next_token(self, log_probabilities: Any) -> Any:
        return keras.ops.argmax(log_probabilities, axis=-1)


def layers() -> None:
    keras.Sequential(
        [
            keras.layers.Embedding(10_000, 128, mask_zero=True),
            ks.layers.Bidirectional(ks.layers.LSTM(128, return_sequences=True)),
            ks.layers.GRU(32, return_sequences=True, chrono=30),
            ks.layers.VanillaRNN(32, return_sequences=True),
            ks.layers.MinGRU(32, return_sequences=True),
            ks.layers.MinLSTM(32, return_sequences=True),
            ks.layers.RNNStack("lstm", units=32, num_layers=2),
            ks.layers.LSTM(128, weight_dropout=0.5),
            keras.layers.Dense(1),
        ]
    )
    stack = ks.layers.RNNStack("lstm", units=32, num_layers=2)
    stack.set_torch_weights({"rnn.weight_ih_l0": np.zeros((128, 8))}, prefix="rnn.")
    weights: dict[str, np.ndarray] = stack.torch_weights()
    print(weights["weight_ih_l0"].shape)
    cells: list[keras.layers.Layer] = [
        ks.layers.VanillaRNNCell(4),
        ks.layers.MinGRUCell(4),
        ks.layers.MinLSTMCell(4),
        ks.layers.TimeSkipCell(ks.layers.VanillaRNNCell(4), skip=2),
        ks.layers.AttentionCell(ks.layers.MinGRUCell(4), ks.layers.BahdanauAttention(4)),
    ]
    ks.layers.CELLS["mine"] = ks.layers.MinGRUCell
    names = [*ks.layers.ATTENTIONS, *ks.layers.POOLINGS, *ks.layers.POSITION_ENCODINGS]

    def size(cell: ks.layers.Cell) -> Any:
        return cell.state_size

    attentions: list[ks.layers.AttentionMechanism] = [
        ks.layers.BahdanauAttention(4),
        ks.layers.LuongAttention("general"),
        ks.layers.ScaledDotAttention(4),
        ks.layers.LocalAttention(window=4),
        ks.layers.MonotonicAttention(4),
        CosineAttention(),
    ]
    poolings: list[ks.layers.Pooling] = [
        ks.layers.AttentionPooling(),
        ks.layers.FeedForwardPooling(),
        ks.layers.LastPooling(),
        ks.layers.MaxPooling(),
        ks.layers.MeanPooling(),
    ]
    positions: list[ks.layers.PositionEncoding] = [
        ks.layers.ALiBi(),
        ks.layers.LearntPositions(20),
        ks.layers.RotaryPositions(),
        ks.layers.SinusoidalPositions(),
    ]
    encoders: list[keras.layers.Layer] = [
        ks.layers.Encoder("gru", units=4),
        ks.layers.IdentityEncoder(),
        ks.layers.ConvolutionalEncoder(4, widths=[2, 3]),
        ks.layers.SelfAttentionEncoder(4, num_heads=2),
        ks.layers.Decoder(vocabulary_size=20, units=4, cell="gru", attention="additive"),
    ]
    ks.layers.LSTM(4, "relu", dropout=0.1, kernel_regularizer=keras.regularizers.L2(0.1), name="a")
    ks.layers.GRU(4, reset_after=True, dtype=keras.DTypePolicy("mixed_float16"), truncate=20)
    ks.layers.VanillaRNN(4, activation=None, readout_units=2, seed=keras.random.SeedGenerator(1))
    ks.layers.RNNStack({"class_name": "LSTMCell", "config": {"units": 4}}, residual=True)
    x, mask = np.ones((2, 5, 3), "float32"), np.ones((2, 5), bool)
    states: list[Any] = ks.layers.RNNStack("gru", units=4).start(batch_size=2)
    crf = ks.layers.CRF(3, constraints=[(0, 2)])
    tags, score = crf.decode(x, mask=mask)
    context, weights = attentions[0].call(x[:, 0], x, values_mask=mask)
    config: dict[str, Any] = poolings[0].get_config()
    encoding = ks.layers.SelfAttention(4, positions=positions[0], kernel_initializer="zeros")
    print(states, tags, score, context, weights, config, encoding, cells[0].count_params())
    others: list[Any] = [
        ks.layers.SelfAttention(4, num_heads=2),
        ks.layers.Bridge([[4]]),
        ks.layers.CRFLoss(ks.layers.CRF(3)),
        ks.layers.CharacterFeatures(vocabulary_size=20, units=4),
        ks.models.TokenCrossEntropy(),
        ks.initializers.Chrono(30),
        ks.initializers.ForgetBias(1.0),
        Stubborn(),
        ks.samplers.Exhaustive(max_nodes=100),
        ks.samplers.get("greedy"),
        ks.samplers.SAMPLERS["beam"](width=3),
    ]
    print(cells, names, size, attentions, poolings, positions, encoders, others)


def gradients() -> None:
    ks.analysis.set_figure_style(16)
    curves = ks.analysis.plot_curves({"a": [1.0, 2.0]}, "step", "distance", log="y")
    ks.analysis.Slides({"lstm": ks.analysis.plot_cell("lstm"), "curves": curves}, name="figure")
    task = ks.datasets.recall(4_000, length=30, seed=0)
    training, held_out = task.split(3_800)
    recurrent = ks.layers.LSTM(32, chrono=30, name="lstm")
    reader = keras.Sequential([keras.layers.Embedding(len(task.vocabulary), 32), recurrent])
    reader.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    norms = ks.callbacks.GradientNorms(every_step=True, stop_on=["nonfinite"])
    flow = ks.callbacks.GradientFlow(held_out.inputs[:32], held_out.targets[:32])
    reader.fit(training.inputs, training.targets, epochs=3, callbacks=[norms, flow])
    ks.analysis.plot_gradient_heatmap(flow, save="flow.png")
    ks.analysis.plot_gradient_norms(norms, save="norms.png")
    measured = ks.analysis.gradient_flow(reader, held_out.inputs, held_out.targets, reduce="norm")
    ks.analysis.first_to_last_ratio(measured["lstm"])
    ks.analysis.plot_gradient_flow(measured, title="flow")
    spectrum = ks.analysis.jacobian_spectrum(recurrent, np.zeros((5, 32)), steps=2)
    ks.analysis.plot_jacobian_spectrum({"lstm": spectrum}, save="spectrum.png")
    ks.analysis.spectral_radius(np.eye(3))
    linear = ks.analysis.linear_recurrence(np.eye(2), 20)
    tanh = ks.analysis.tanh_recurrence(np.eye(2), 20, initial=[1.0, 0.0])
    ks.analysis.plot_recurrence({"linear": linear, "tanh": tanh}, save="recurrence.png")


def callbacks() -> list[keras.callbacks.Callback]:
    checkpoint = ks.callbacks.Checkpoint(FOLDER / "state", {"rate": 0.1})
    start: int = checkpoint.restore(keras.Sequential(), [ks.callbacks.BestModel("best.keras")])
    return [
        ks.callbacks.AveragedWeights(),
        ks.callbacks.BestModel(FOLDER / "best.keras", monitor="val_bleu", mode="max", patience=3),
        ks.callbacks.LearningRateDecay(warmup=0.02, schedule="cosine"),
        ks.callbacks.StopOnInterrupt(),
        ks.callbacks.TextScore(["a"], ["b"], metric="bleu", sampler=ks.samplers.Greedy()),
        ks.callbacks.TimeLimit(minutes=20 + start, warmup=0.1),
        checkpoint,
    ]


def datasets() -> list[ks.datasets.SequenceTask]:
    pairs: list[tuple[list[str], list[str]]] = [
        ks.datasets.multi30k("train", source="de", target="en"),
        ks.datasets.tatoeba("de", reverse=True),
        ks.datasets.cmudict("test"),
        ks.datasets.sst2("train"),
        ks.datasets.imdb("train"),
        ks.datasets.read_parallel(FOLDER / "a.txt", "b.txt"),
        *ks.datasets.split_by_source(["a", "b"], ["c", "d"], sizes=(0.5, 0.5), seed=1),
    ]
    tagged = ks.datasets.english_ewt("test", tag="upos")
    tagged = ks.datasets.conll2003("train", scheme="BIO")
    ks.datasets.write_conll("out.conll", zip(*tagged, strict=True))
    ks.datasets.read_conll("in.conll", columns=(0, -1), scheme="BIO")[0][0]
    sentences = ks.datasets.read_conllu(FOLDER / "in.conllu")
    first: ks.datasets.ConlluSentence = sentences[0]
    ks.datasets.write_conllu("out.conllu", [first.with_column("upos", ["NOUN"])])
    ks.datasets.best_reachable_accuracy(*pairs[0])
    ks.datasets.read_labelled("in.csv", text="text", label="label", known=["x", "y"])
    ks.datasets.write_lines("out.txt", [line.upper() for line in ks.datasets.read_lines("in.txt")])
    ks.datasets.stream_parallel("a.txt", "b.txt").batch(3)
    lines: list[str] = [*ks.datasets.Lines("in.txt"), *ks.datasets.tiny_shakespeare("train")]
    day = datetime.date(2000, 1, 1)
    ks.datasets.dates(len(lines), locales=ks.datasets.DEFAULT_LOCALES[:2], start=day)
    return [
        ks.datasets.adding_problem(100, 20),
        ks.datasets.agreement(100, 20, attractors=2),
        ks.datasets.associative_recall(100, 20, keys=3, asked="oldest"),
        ks.datasets.autoregressive(100, 20, coefficients=[0.5]),
        ks.datasets.copy_memory(100, 50, symbols=4),
        ks.datasets.coreference(100, 20, names=4),
        ks.datasets.mackey_glass(100, 20),
        ks.datasets.noisy_sine(100, 20, period=(3.0, 4.0)),
        ks.datasets.opinions(100, seed=1, length=24),
        ks.datasets.recall(100, 20, distractors=True),
        ks.datasets.temporal_order(100, 20),
        ks.datasets.word_senses(100, side="both"),
        ks.datasets.TASKS["recall"](100, 20),
    ]


def text() -> None:
    tokenizers: list[ks.text.Tokenizer] = [
        ks.text.CharacterTokenizer.from_texts(["ab"], lowercase=True),
        ks.text.WordTokenizer.from_texts(["a b"], max_vocabulary=100, min_count=2),
        ks.text.SubwordTokenizer.from_texts(["a b"], max_vocabulary=100),
        ks.text.get_tokenizer_class("char").from_texts(["ab"]),
        ks.text.get_tokenizer(ks.text.CharacterTokenizer.from_texts(["ab"]), name="tokenizer"),
        ks.text.tokenizers["word"].from_texts(["a b"]),
    ]
    ids = tokenizers[0].tokenize(["ab"])
    tokenizers[0].detokenize(ids)
    found = ks.text.spans(["B-PER", "I-PER", "O"], scheme="BIO")
    ks.text.spans_to_tags(found, length=3)
    ks.text.check_tags(ks.text.repair_tags(["O", "I-PER"]))
    ks.text.convert_tags(["I-PER"], "IOB1", "BIO")
    ks.text.tag_constraints(["O", "B-PER"])["start"]


def export() -> None:
    with_model = ks.export.load(FOLDER / "dates", version=1)
    served: ks.export.Served = with_model
    served.ask("serving_default", {"text": ["27 September 2016"]})["outputs"]
    ks.export.ask("saved_models/dates", {"text": ["27 September 2016"]})
    ks.export.serve_check("saved_models/dates", repeats=5)
    ks.export.check_operations(FOLDER / "dates" / "1")
    ks.export.write_batching(FOLDER / "dates", max_batch_size=16)
    ks.export.export_step(ks.layers.LSTM(4), FOLDER / "steps", inspect=True)
    ks.export.load_step(FOLDER / "steps").start(2)
    field = ks.export.Field("int32", "token ids", (None,))
    ks.export.Signature("double", "Twice.", lambda **x: x, {"x": field}, {"y": field}, {"x": [1]})
    ks.export.IdFunction(lambda **x: x, {"x": field}, {"y": field}, [{"x": np.zeros(1)}], {})


def distributed() -> None:
    rows: Any = None  # a `ray.data.Dataset`
    ks.distributed.generate(rows, "dates", workers=2, column="text", answer="date", width=3)
    ks.distributed.torch.initialize("127.0.0.1:4321", workers=2, worker=0, timeout=60)


def experiments() -> None:
    texts, labels = ["a fine film", "dull and long"], ["good", "bad"]
    result = ks.experiments.compare(texts, labels, architectures=["lstm", "convolution"])
    ks.experiments.comparison_summary(result)
    ks.experiments.plot_comparison(result, save="comparison.png")
    memory = ks.experiments.compare_memory("recall", lengths=[20], units=8)
    ks.experiments.plot_memory_comparison(memory)
    runs = ks.experiments.gradient_experiment(cells=["lstm"], lengths=[20])
    ks.experiments.gradient_summary(runs)
    ks.experiments.plot_gradient_experiment(runs, save="experiment.png")
    training, test = ks.datasets.adding_problem(200, length=5).split(100)
    models = {"gru": lambda: [ks.layers.GRU(4), keras.layers.Dense(1)]}
    scores = ks.experiments.over_seeds(models, training, {"test": test}, seeds=[0, 1], epochs=1)
    ks.experiments.plot_seeds(scores, "error", {"best": 0.0}, series=["test"], save="seeds.png")
    claims = ks.experiments.Claims(small=False)
    claims.add("it is fast", ks.experiments.fastest(lambda: None), True, trained=True)
    claims.check()
    print(ks.experiments.ComparisonSettings(), ks.experiments.ExperimentSettings())
    ks.models.comparison_summary(ks.models.compare(texts, labels, seeds=(0, 1)))
    ks.analysis.plot_comparison(result, save="comparison.png")
    ks.analysis.plot_memory_comparison(ks.models.compare_memory("recall", lengths=[20]))
    ks.analysis.summary(ks.analysis.gradient_experiment(cells=["lstm"], lengths=[20]))
    ks.analysis.plot_gradient_experiment(runs, save="experiment.png")
    ks.analysis.text_scores(["a b"], ["a c"])["bleu"].is_integer()
    print(ks.analysis.edit_distance("ab", "ac"), ks.__version__.split("."))


def own_parts() -> None:
    inputs = {"inputs": np.ones((2, 3, 4), "float32"), "mask": np.ones((2, 3), bool)}
    ks.testing.check_layer(ks.layers.MeanPooling, inputs, [(2, 4)], grows={"inputs": 0})
    ks.testing.check_cell(lambda **k: ks.layers.MinGRUCell(4, **k), features=3)
    ks.testing.check_attention(ks.layers.ScaledDotAttention, query_size=6)
    ks.testing.check_sampler(lambda: Stubborn(), trace=True)
    texts, labels = ["ab", "bbba", "a"], ["x", "y", "x"]
    ks.testing.check_task(lambda: ks.models.TextClassifier.from_texts(texts, labels), texts, labels)
    ks.testing.check_tokenizer(lambda: ks.text.CharacterTokenizer.from_texts(texts), texts)
