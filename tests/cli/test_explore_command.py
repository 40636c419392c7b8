"""The command that serves the explorer, and what its server does not do."""

import http.client
import threading

import pytest

from keras_seq.explorer import make_server, page, page_folder

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
    monkeypatch.setattr(page, "STATIC", folder)
    return folder


@pytest.fixture
def ask(static):
    """Ask a running server for a path; gives the status, the headers and the text."""
    server = make_server(page_folder(), 0)
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
    run("explore", "--build", tmp_path / "site", status=2)
    assert "The folder must be new or empty" in mistake()


def test_without_the_page_it_says_how_to_build_it(static, run, mistake):
    (static / "index.html").unlink()
    run("explore", status=2)
    assert (
        mistake() == "keras-seq: The explorer is not built: `make explorer` does it, with Node 20."
    )
