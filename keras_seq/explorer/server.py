"""A server for this computer alone, which reads the files of the page and of models."""

import errno
import http.server
import io
import pathlib
import urllib.parse

from keras_seq.explorer.models import files_of, index_of

HOST = "127.0.0.1"
# Nothing is asked of another host. WebAssembly is for models; KaTeX places letters by `style`.
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)


def make_server(folder, port, models=None):
    """Return a server of the files in a folder, which answers on 127.0.0.1 once it is run.

    It reads files of the folder and of the models, and does nothing else: no lists of files, no
    links that lead out of it, no other method than GET and HEAD, and no name of this computer but
    `localhost` and the number, so that a page elsewhere cannot read it under a name of its own.

    Args:
        folder: path of the folder.
        port: the port; 0 for any that is free.
        models: a dict from names to folders of step graphs, which are served as `models/<name>/`;
            `models/index.json` lists them.

    Raises:
        ValueError: for a port that is taken.
    """

    served = {
        f"/models/{name}/{file}": str(place / file)
        for name, place in (models or {}).items()
        for file in files_of(place)
    }
    index = index_of(models or {})

    def handler(*args):
        return _Handler(*args, served=served, index=index, directory=str(folder.resolve()))

    try:
        return http.server.ThreadingHTTPServer((HOST, port), handler)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ValueError(f"`port` must be free; {port}: {error.strerror}.") from error


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Answers GET and HEAD."""

    server_version = "keras_seq"
    # Not those of the system, where other programs may have changed them.
    extensions_map = {  # noqa: RUF012  (so it is in the base class)
        ".css": "text/css",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".wasm": "application/wasm",
        ".woff2": "font/woff2",
        "": "application/octet-stream",
    }

    def __init__(self, *args, served, index, **kwargs):
        self.served, self.index = served, index
        super().__init__(*args, **kwargs)

    def send_head(self):
        name = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if name not in (HOST, "localhost"):
            self.send_error(http.HTTPStatus.FORBIDDEN)
            return None
        if urllib.parse.urlsplit(self.path).path == "/models/index.json":
            self.send_response(http.HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(self.index)))
            self.end_headers()
            return io.BytesIO(self.index)
        return super().send_head()

    def translate_path(self, path):
        name = urllib.parse.unquote(urllib.parse.urlsplit(path).path)
        if name in self.served:
            return self.served[name]
        root = pathlib.Path(self.directory)
        real = pathlib.Path(super().translate_path(path)).resolve()
        # What leads out of the folder is as if it were not there.
        return str(real if real.is_relative_to(root) else root / ".nothing")

    def list_directory(self, path):
        self.send_error(http.HTTPStatus.NOT_FOUND)

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format, *args):
        """Say nothing of single requests."""
