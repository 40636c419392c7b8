"""The commands for taggers, called in this process."""

import pathlib
import signal

import keras
import pytest
from commands import run_command

import keras_seq as ks
from keras_seq.callbacks import StopOnInterrupt
from keras_seq.cli.use_tagger import evaluate_tagger, tag_lines

# The commands on each backend: test_silence.py.
pytestmark = pytest.mark.once

WORDS = [["Anna", "Li", "met", "Bo"], ["Rome"], ["Bo", "saw", "New", "York"], ["he", "ran"]] * 4
SPANS = [["I-PER", "I-PER", "O", "I-PER"], ["I-LOC"], ["I-PER", "O", "I-LOC", "I-LOC"], ["O", "O"]]
PARTS = [["NN", "NN", "VB", "NN"], ["NN"], ["NN", "VB", "NN", "NN"], ["PR", "VB"]]
ROWS = [*zip(WORDS, PARTS * 4, SPANS * 4, strict=True)]
TINY = ("--cell", "vanilla", "--units", 8, "--embedding", 6, "--character-units", 3)
TRAINING = ("--batch-size", 16, "--learning-rate", 0.03, "--dropout", 0.1)
GIVEN = {"source": None, "target": None, "batch_size": 8}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Tagged files, and taggers that were trained on them by the command line."""
    folder = tmp_path_factory.mktemp("tagged")
    ks.datasets.write_conll(folder / "train.txt", ROWS)
    ks.datasets.write_conllu(folder / "train.conllu", map(conllu, WORDS, PARTS * 4))
    with pytest.MonkeyPatch.context() as patch:
        words = command(folder, folder / "m.keras", "--val", folder / "train.txt", "--epochs", 6)
        run_command(patch, *words)
    return folder


def conllu(words, tags):
    rows = [
        [str(i), word, "_", tag, tag.lower(), *"_" * 5]
        for i, (word, tag) in enumerate(zip(words, tags, strict=True), start=1)
    ]
    return ks.datasets.ConlluSentence(rows)


def command(folder, out, *more, scheme=("--scheme", "IOB1")):
    """The words of a training command."""
    named = ("--train", folder / "train.txt", "--columns", "0,-1", *scheme)
    return ["train", "tagger", *named, "--out", out, *TINY, *TRAINING, *more]


def printed(capsys):
    return capsys.readouterr().out.split("\n")[:-1]


def test_a_trained_model_answers(files, capsys):
    model = ks.models.load_model(files / "m.keras")
    assert model.scheme == "BIO" and model.tags.read_scheme == "IOB1"
    assert not (files / "m.keras.state").exists()
    lines = ["Bo saw Anna", "", "Rome"]
    answer = tag_lines(model, {"batch_size": 8, "probabilities": False})
    expected = [
        " ".join(f"{word}/{tag}" for word, tag in zip(one["tokens"], one["tags"], strict=True))
        for one in model.tag(lines)
    ]
    assert answer(lines[:2]) + answer(lines[2:]) == expected and expected[1] == ""
    rows = tag_lines(model, {"batch_size": 8, "probabilities": True, "format": "conll"})(lines)
    word, tag, probability = rows[0].split(" ")
    assert (word, tag) == ("Bo", model.tag([["Bo", "saw", "Anna"]])[0][0])
    assert 0 < float(probability) <= 1
    assert [len(row.split(" ")) for row in rows] == [3, 3, 3, 1, 1, 3, 1]


def test_columns_that_are_written_are_read(files, capsys, tmp_path):
    model = ks.models.load_model(files / "m.keras")
    answer = tag_lines(model, {"batch_size": 8, "probabilities": False, "format": "conll"})
    rows = answer([" ".join(words) for words in WORDS])
    ks.datasets.write_lines(tmp_path / "out.txt", rows)
    assert ks.datasets.read_conll(tmp_path / "out.txt", scheme="BIO") == [
        (words, tags) for words, tags in zip(WORDS, model.tag(WORDS), strict=True)
    ]


def test_no_mark_is_tagged(files, run, capsys):
    capsys.readouterr()
    run("predict", files / "m.keras", stdin=b"Bo saw Anna\n\nRome\n")
    expected = printed(capsys)
    assert len(expected) == 3 and expected[0].startswith("Bo/")
    for stdin in ("Bo saw Anna\r\n\r\nRome".encode(one) for one in ("utf-8-sig", "utf-16")):
        run("predict", files / "m.keras", stdin=stdin)
        assert printed(capsys) == expected


def test_schemes_by_other_names_comments_and_tabs(files, run, capsys, tmp_path, mistake):
    """What a file in tabs with comments, in BIOES, gives is what plain columns give."""
    path, out = tmp_path / "a.txt", tmp_path / "m.keras"
    blocks = [
        f"# id = {number} domain=en\n" + "".join(map("{}\t{}\n".format, words, tags))
        for number, (words, tags) in enumerate(
            (words, ks.text.convert_tags(tags, "IOB1", "IOBES")) for words, _, tags in ROWS
        )
    ]
    path.write_bytes("\r\n".join(blocks).encode("utf-8-sig"))
    command = ("train", "tagger", "--train", path, "--out", out, "--val", path, "--epochs", 1)
    command += (*TINY, *TRAINING, "--separator", "\\t", "--scheme", "bioes")
    run(*command, status=2)
    assert "a.txt, line 2: expected " in (told := mistake()) and "`--comment`" in told
    run(*command, "--comment", "# id")
    model = ks.models.load_model(out)
    assert model.scheme == "IOBES" and "#" not in model.tokenizer.vocabulary
    data = ("evaluate", out, "--data", path, "--comment", "#")
    run(*data, "--out", tmp_path / "s.json")
    run(*data, "--scheme", "BIOES", "--out", tmp_path / "t.json")
    assert (tmp_path / "s.json").read_text() == (tmp_path / "t.json").read_text()
    assert '"words": 44' in (tmp_path / "s.json").read_text()
    run(*data, "--scheme", "IOB", status=2)
    assert "`scheme` must be one of 'BIO', 'IOB1', 'IOBES', 'BILOU', 'BMES'" in mistake()


def test_evaluate_finds_what_the_model_finds(files, capsys, tmp_path):
    model = ks.models.load_model(files / "m.keras")
    scores = evaluate_tagger(model, {**GIVEN, "data": files / "train.txt"})
    tags = [ks.text.convert_tags(row, "IOB1", "BIO") for row in SPANS * 4]
    expected = ks.analysis.tag_scores(model.tag(WORDS), tags, "BIO")
    loss = model.evaluate(WORDS, SPANS * 4, batch_size=8, verbose=0)[0]
    assert scores == {"loss": pytest.approx(loss, rel=1e-4), **expected}
    shown = " ".join(capsys.readouterr().out.split())
    assert "words 44" in shown and "f1" in shown and "PER 12" in shown
    ks.datasets.write_conll(tmp_path / "bio.txt", zip(WORDS, tags, strict=True))
    other = evaluate_tagger(model, {**GIVEN, "data": tmp_path / "bio.txt", "scheme": "BIO"})
    assert other == scores


def test_conllu_and_a_softmax(files, run, capsys, tmp_path):
    out, path = tmp_path / "m.keras", files / "train.conllu"
    options = ("--epochs", 1, "--softmax", "--characters", "none", "--label-smoothing", 0.1)
    more = ("--layer-norm", "--unidirectional", "--lowercase", "--zero-digits", "--ema", 0.5)
    held_out = ("--val", path, "--score", "loss", "--tag", "upos")
    run("train", "tagger", "--train", path, "--out", out, *TINY, *options, *more, *held_out)
    model = ks.models.load_model(out)
    config = model.get_config()
    assert model.tag_names == ["NN", "PR", "VB"] and model.scheme is None
    assert config["layer_norm"] and not config["bidirectional"] and not config["crf"]
    assert config["zero_digits"] and model.tokenizer.lowercase and model.character_tokenizer is None
    assert model.loss.get_config()["label_smoothing"] == 0.1
    assert "val_accuracy" in capsys.readouterr().out
    scores = evaluate_tagger(model, {**GIVEN, "data": path})
    assert scores["words"] == 44 and "f1" not in scores


def test_an_interrupted_training_goes_on_bitwise_the_same(files, run, tmp_path, monkeypatch):
    out, whole = tmp_path / "m.keras", tmp_path / "whole.keras"
    options = ("--epochs", 2, "--batch-size", 8, "--softmax", "--characters", "none")

    def press(self, batch, logs=None):
        if self.model.optimizer.iterations > 2:  # in the second epoch
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(StopOnInterrupt, "on_train_batch_begin", press)
        run(*command(files, out, *options), status=130)
    assert (tmp_path / "m.keras.state").exists()
    run(*command(files, out, *options, "--resume"))
    run(*command(files, whole, *options))
    models = [keras.saving.load_model(path) for path in (out, whole)]
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        assert (a == b).all()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--cell", "transformer"), "'lstm', 'gru', 'vanilla', 'irnn'"),
        (("--columns", "0"), "--columns must be two places, such as 0,-1"),
        (("--columns", "0,7"), "train.txt, line 1: expected more columns"),
        (("--scheme", "BIO"), "train.txt, line 1: 'I-PER' is first, which is not valid in BIO"),
        (("--scheme", "BIOX"), "`scheme` must be one of 'BIO', 'IOB1', 'IOBES', 'BILOU', 'BMES'"),
        (("--label-smoothing", 0.1), "--label-smoothing is for --softmax"),
        (("--out", "m.h5"), "--out must end in .keras; received m.h5"),
        (("--train", "/no/such/file"), "/no/such/file"),
    ],
)
def test_mistakes_are_one_line(files, run, mistake, tmp_path, words, expected):
    run(*command(files, tmp_path / "m.keras", *words), status=2)
    assert expected in mistake()
    assert not any(tmp_path.iterdir())


def test_f1_needs_a_scheme(files, run, mistake, tmp_path):
    run(*command(files, tmp_path / "m.keras", "--score", "f1", scheme=()), status=2)
    assert "--score f1 is for spans of words; received no --scheme" in mistake()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bo NN I-PER\nran VB\n", "strange.txt, line 2: expected "),
        ("Bo NN I-PER\nran VB B-PER\n\nhe PR B-PER\n", "strange.txt, line 4: 'B-PER' is first"),
        ("he PR O\n\nUN NN I-ORG\n", "strange.txt: Sentence 1, word 0: there is no tag 'I-ORG'"),
        ("", "strange.txt has no sentence"),
        ("he PR -\n", "strange.txt has no tag: there is nothing but '-'"),
    ],
)
def test_strange_files(files, run, mistake, tmp_path, text, expected):
    strange = tmp_path / "strange.txt"
    strange.write_text(text)
    scheme = () if " -\n" in text else ("--scheme", "IOB1")
    run(*command(files, tmp_path / "m.keras", "--val", strange, scheme=scheme), status=2)
    assert expected in mistake()
    if scheme:
        model = ks.models.load_model(files / "m.keras")
        with pytest.raises(ValueError, match=r"strange\.txt"):
            evaluate_tagger(model, {**GIVEN, "data": strange})


def test_tags_of_conllu_name_sentence_and_word(files, tmp_path):
    model = ks.models.load_model(files / "m.keras")
    path = pathlib.Path(tmp_path / "a.conllu")
    ks.datasets.write_conllu(path, [conllu(["Bo", "ran"], ["O", "B-PER"])])
    with pytest.raises(ValueError, match=r"a\.conllu, sentence 0, word 1: 'B-PER' follows 'O'"):
        evaluate_tagger(model, {**GIVEN, "data": path})
    with pytest.raises(ValueError, match="A tagger is evaluated on --data"):
        evaluate_tagger(model, {**GIVEN, "data": None})
