"""`keras-seq serve-check`: answers are compared, and latencies shown."""

import importlib
import json
import pathlib
import shutil

import pytest
from commands import run_command
from tiny_export import CROWD, SIGNATURES, tiny, write

from keras_seq.export import serve_check
from keras_seq.export.answers import difference
from keras_seq.export.server_check import measure
from keras_seq.export.warm_up import read_warm_up


@pytest.fixture
def here(monkeypatch):
    """No process is started: this one answers."""
    module = importlib.import_module("keras_seq.export.server_check")
    monkeypatch.setattr(module, "in_a_process", lambda work, given, *_: work(lambda: given))


@pytest.fixture
def changed(tmp_path):
    """A copy of the export, of which `signature.json` may be changed."""

    def change(edit):
        folder = tmp_path / "3"
        shutil.copytree(pathlib.Path(tiny()) / "3", folder)
        file = folder / "signature.json"
        found = json.loads(file.read_text(encoding="utf-8"))
        edit(found["signatures"])
        file.write_text(json.dumps(found))
        return tmp_path

    return change


@pytest.mark.slow
@pytest.mark.once
def test_in_a_process_of_its_own():
    found = serve_check(tiny(), repeats=3)
    assert pathlib.Path(found["path"]) == pathlib.Path(tiny()) / "3"
    requests = read_warm_up(found["path"])
    assert found["warm_up"] is bool(requests)
    assert found["replayed"] == len(requests or SIGNATURES) and found["load_seconds"] > 0
    asked = [(one["signature"], one["batch"]) for one in found["latencies"]]
    assert asked == [(one.name, size) for one in SIGNATURES for size in (1, 32)]
    assert all(0 < one["median"] <= one["p95"] for one in found["latencies"])


def test_the_command_shows_a_table(here, monkeypatch, capsys):
    run_command(monkeypatch, "serve-check", tiny(), "--repeats", 2)
    first, second, head, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{tiny()}/3: loaded in ")
    assert second.startswith("Answered ") and second.endswith("the examples as recorded.")
    assert " ".join(head.split()) == "signature batch median ms 95th percentile ms"
    assert [row.split()[:2] for row in rows] == [
        [one.name, size] for one in SIGNATURES for size in ("1", "32")
    ]


def test_without_a_warm_up_the_examples_are_sent(here, changed):
    path = changed(lambda signatures: signatures.pop("attend"))
    shutil.rmtree(path / "3" / "assets.extra", ignore_errors=True)
    found = measure(lambda: {"path": str(path / "3"), "repeats": 1})
    assert found["warm_up"] is False and found["replayed"] == 2


def test_another_answer_is_an_error(here, changed, monkeypatch, capsys):
    def edit(signatures):
        answers = signatures["serving_default"]["example"]["response"]["predictions"]
        answers[1]["outputs"] = "C"

    path = changed(edit)
    run_command(monkeypatch, "serve-check", path, status=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "keras-seq: The signature serving_default does not answer its example as signature.json "
        "says: predictions[1]['outputs'] is 'B', not 'C'."
    )


def test_numbers_may_differ_a_little(here, changed):
    def edit(signatures):
        signatures["weigh"]["example"]["response"]["predictions"] = [14.001, 0.10005]

    assert serve_check(changed(edit), repeats=1)["latencies"]


def test_a_row_must_not_depend_on_the_others(here, tmp_path):
    write(tmp_path / "1", [CROWD])
    with pytest.raises(ValueError, match=r"crowd does not .* as it does alone: row 0 is 32, not 1"):
        serve_check(tmp_path, repeats=1)


def test_a_request_of_the_warm_up_that_is_refused(here, changed):
    def edit(signatures):
        signatures["weigh"]["example"]["request"]["instances"][0]["number"] = -1

    path = changed(edit)
    shutil.rmtree(path / "3" / "assets.extra", ignore_errors=True)
    with pytest.raises(ValueError, match=r"weigh refuses: .*a negative number"):
        serve_check(path, repeats=1)


def test_what_can_be_said_before(tmp_path, monkeypatch):
    module = importlib.import_module("keras_seq.export.server_check")
    monkeypatch.setattr(module, "in_a_process", None)
    with pytest.raises(ValueError, match="There is no folder"):
        serve_check(tmp_path / "none")
    with pytest.raises(ValueError, match="`repeats` must be an integer above 0"):
        serve_check(tmp_path, repeats=0)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ValueError, match=r"There is no signature\.json in"):
        serve_check(tmp_path)


@pytest.mark.parametrize(
    ("expected", "found", "padded", "message"),
    [
        ([1.0, {"a": "b"}], [1.00009, {"a": "b"}], False, None),
        (1.0, 1.0002, False, "it is 1.0002, not 1.0"),
        (-1e5, -1e5 - 9, False, None),
        (100000, 100001, False, "it is 100001, not 100000"),
        (None, None, False, None),
        (None, 1.0, False, "it is 1.0, not None"),
        (0.0, None, False, "it is None, not 0.0"),
        ([["a"]], [["a", ""], ["", ""]], True, None),
        ([["a"]], [["a", ""]], False, "[0] is ['a', ''], not ['a']"),
        ([["a"]], [["a", "b"]], True, "[0] is ['a', 'b'], not ['a']"),
        ([0.5], [0.5, 0.0, 0], True, None),
        (["a", "b"], ["a"], True, "it is ['a'], not ['a', 'b']"),
        ({"a": 1}, {"b": 1}, False, "it is {'b': 1}, not {'a': 1}"),
        ("a" * 300, "b", False, f"it is 'b', not '{'a' * 199}..."),
    ],
)
def test_differences(expected, found, padded, message):
    assert difference(expected, found, padded) == message
