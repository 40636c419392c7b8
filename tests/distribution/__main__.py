"""Build a wheel and an archive of the sources, and try them in empty environments.

    python -m tests.distribution [WAY ...] [--extras jax,torch] [--beside keras-hub] [--keep FOLDER]

Each environment is new, knows nothing of the repository, and runs `smoke.py` on TensorFlow and on
the backends among the extras. The ways:

- newest: the newest versions that pyproject.toml allows;
- lowest: the lowest ones, of what it names and of the extras;
- sdist: the newest ones, from the archive of the sources.

With `--beside` another package is installed together with it, whose bounds then hold too: keras-hub
has some on tensorflow-text (0.31.1 wants 2.20.1).

It downloads some gigabytes and takes minutes for each; no test runs it.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv

ROOT = pathlib.Path(__file__).parents[2]
SOURCES = ("keras_seq", "saved_models", "setup.py", "pyproject.toml", "README.md", "LICENSE")
WAYS = ("newest", "lowest", "sdist")
BACKENDS = ("jax", "torch")


def build(folder):
    """Return the paths of the wheel and of the archive, made from the files that git knows."""
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    run([sys.executable, "-m", "build", "--outdir", folder / "dist", folder])
    (wheel,), (sdist,) = (folder.glob(f"dist/*.{ending}") for ending in ("whl", "tar.gz"))
    return wheel, sdist


def lowest(extras):
    """The lowest versions of the dependencies, as constraints: `name==version`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return [re.sub(r"\[.*?\]", "", line).split(",")[0].replace(">=", "==") for line in wanted]


def try_out(way, wheel, sdist, extras, beside, folder):
    """Install in a new environment of `folder`, and run what a user would."""
    python = folder / "env" / "bin" / "python"
    venv.create(folder / "env", with_pip=True)
    package = sdist if way == "sdist" else wheel
    command = [python, "-m", "pip", "install", "--quiet"]
    command.append(f"{package}[{','.join(extras)}]" if extras else package)
    command += beside
    if way == "lowest":
        (folder / "lowest.txt").write_text("\n".join(lowest(extras)))
        command += ["--constraint", folder / "lowest.txt"]
    run(command)
    run([python, "-m", "pip", "check"])
    run([python, "-m", "pip", "list", "--format=freeze"])
    (folder / "work").mkdir()
    shutil.copy(pathlib.Path(__file__).with_name("smoke.py"), folder / "work")
    for backend in ("tensorflow", *(extra for extra in extras if extra in BACKENDS)):
        settings = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
        settings.pop("PYTHONPATH", None)
        run([python, "-W", "ignore", "smoke.py"], cwd=folder / "work", env=settings)


def run(command, **options):
    """Run a command and show it; what fails ends all."""
    print("$", *command, flush=True)
    subprocess.run([str(word) for word in command], check=True, **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ways", nargs="*", metavar="WAY", help=f"of {', '.join(WAYS)}; all")
    parser.add_argument("--extras", default="", help="extras with commas, such as jax,torch")
    parser.add_argument("--beside", action="append", default=[], help="another package")
    parser.add_argument("--keep", type=pathlib.Path, help="a new folder for all that is made")
    arguments = parser.parse_args()
    ways = arguments.ways or WAYS
    if unknown := [way for way in ways if way not in WAYS]:
        parser.error(f"WAY must be one of {', '.join(WAYS)}; received {', '.join(unknown)}.")
    extras = [extra for extra in arguments.extras.split(",") if extra]
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or pathlib.Path(scratch)
        (folder / "build").mkdir(parents=True)
        wheel, sdist = build(folder / "build")
        for way in ways:
            print(f"== {way} ==", flush=True)
            (folder / way).mkdir()
            try_out(way, wheel, sdist, extras, arguments.beside, folder / way)
    print("All of it works.")


if __name__ == "__main__":
    main()
