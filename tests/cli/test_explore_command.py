"""The command that serves the explorer, and what its server does not do."""

import http.client
import json
import pathlib
import threading

import keras
import pytest

import keras_seq as ks
from keras_seq.explorer import make_server, models, page, page_folder, step_folders

pytestmark = pytest.mark.once


@pytest.fixture
def static(tmp_path, monkeypatch):
    """A page in the place of the built one, with a secret beside it and a link to that."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>explorer</title>")
    (folder / "assets" / "a.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    (folder / "out").symlink_to(tmp_path / "secret")
    for module in (page, models):
        monkeypatch.setattr(module, "STATIC", folder)
    return folder


@pytest.fixture
def ask(static, tmp_path):
    """Ask a running server for a path; gives the status, the headers and the text."""
    server = make_server(page_folder(), 0, step_folders([], tmp_path))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    host, port = server.server_address

    def request(path, method="GET", **headers):
        connection = http.client.HTTPConnection(host, port, timeout=10)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    yield request
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_page_is_served(ask):
    status, headers, text = ask("/")
    assert (status, text) == (200, "<title>explorer</title>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    status, headers, text = ask("/assets/a.js?x=1")
    assert (status, headers["Content-Type"], text) == (200, "text/javascript", "1")
    assert ask("/", "HEAD")[::2] == (200, "")


@pytest.mark.parametrize(
    "path",
    ["/../secret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret", "/out", "/assets/", "/none"],
)
def test_nothing_else_is_served(ask, path):
    status, _, text = ask(path)
    assert status == 404
    assert "secret" not in text.replace(path, "")


def test_models_are_served(ask):
    status, headers, text = ask("/models/index.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(text) == [{"name": "dates", "kind": "Seq2Seq"}]
    assert json.loads(ask("/models/dates/manifest.json")[2])["kind"] == "Seq2Seq"
    assert ask("/models/dates/step.onnx", "HEAD")[0] == 200
    for path in ("/models/dates/", "/models/dates/..%2fmodel.keras", "/models/none/step.onnx"):
        assert ask(path)[0] == 404


def test_nothing_is_written_and_other_names_are_refused(ask):
    for method in ("POST", "PUT", "DELETE"):
        assert ask("/index.html", method)[0] == 501
    assert ask("/", Host="example.org")[0] == 403
    assert ask("/", Host="localhost:80")[0] == 200


def test_it_listens_to_this_computer_alone(static):
    with make_server(static, 0) as server:
        host, port = server.server_address
        assert host == "127.0.0.1"
        with pytest.raises(ValueError, match=f"`port` must be free; {port}: "):
            make_server(static, port)


def test_the_page_is_written_to_a_folder(static, run, tmp_path, mistake, capsys):
    (static / "out").unlink()
    run("explore", "--build", tmp_path / "site")
    assert capsys.readouterr().out == f"Wrote {tmp_path / 'site'}.\n"
    assert (tmp_path / "site" / "assets" / "a.js").read_text() == "1"
    index = json.loads((tmp_path / "site" / "models" / "index.json").read_text())
    assert {"name": "dates", "kind": "Seq2Seq"} in index
    assert (tmp_path / "site" / "models" / "dates" / "step.onnx").stat().st_size > 10_000
    tagger = pathlib.Path(__file__).parents[2] / "explorer" / "public" / "models" / "pos_en_left"
    run("explore", "dates", tagger, "--build", tmp_path / "site")  # again, in its place
    card = tmp_path / "site" / "models" / "pos_en_left" / "README.md"
    assert "CC BY-SA 4.0" in card.read_text("utf-8")  # which its data ask for
    run("explore", "--build", tmp_path, status=2)
    assert "must be a new folder" in mistake()


def test_mistakes_in_models(static, run, mistake, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text("{")
    run("explore", tmp_path / "bad", "--build", tmp_path / "site", status=2)
    assert "is damaged" in mistake()
    about = {"version": 1, "kind": "LSTM", "graphs": {"step": {}}, "state": []}
    (tmp_path / "bad" / "manifest.json").write_text(json.dumps(about))
    run("explore", tmp_path / "bad", "--build", tmp_path / "site", status=2)
    message = "The page shows translators, language models, taggers and classifiers; "
    assert f"{message}{tmp_path / 'bad'} holds a LSTM." in mistake()
    assert not (tmp_path / "site").exists()


@pytest.mark.slow
def test_a_model_file_is_exported(static, run, tmp_path):
    keras.utils.set_random_seed(0)
    model = ks.models.Seq2Seq.from_texts(["ab", "ba"], ["b a", "a b"], tokens="char", units=4)
    model.compile("adam")
    model.save(tmp_path / "own.keras")
    run("explore", tmp_path / "own.keras", "dates", "--build", tmp_path / "site")
    index = json.loads((tmp_path / "site" / "models" / "index.json").read_text())
    assert [about["name"] for about in index] == ["own", "dates"]
    steps = ks.export.load_step(tmp_path / "site" / "models" / "own")
    assert steps.generate("ab", sampler="greedy") == model.generate("ab", sampler="greedy")


def test_without_the_page_it_says_how_to_build_it(static, run, mistake):
    (static / "index.html").unlink()
    run("explore", status=2)
    assert (
        mistake() == "keras-seq: The explorer is not built: `make explorer` does it, with Node 20."
    )
