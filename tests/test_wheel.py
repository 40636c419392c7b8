"""What a wheel holds, made from an archive of the sources, as a package index would have both."""

import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parent.parent
SOURCES = ("keras_seq", "saved_models", "setup.py", "pyproject.toml", "README.md", "LICENSE")


@pytest.mark.once
@pytest.mark.slow
def test_a_wheel_holds_the_small_models_once(tmp_path):
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    static = tmp_path / "keras_seq" / "explorer" / "static"  # what `make explorer` builds
    shutil.rmtree(static, ignore_errors=True)
    (static / "assets").mkdir(parents=True)
    page = {static / "index.html", static / "assets" / "index.js"}
    for file in page:
        file.write_text("built")
    command = [sys.executable, "-m", "build", "--no-isolation", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        served = {name for name in archive.namelist() if "explorer/static" in name}
        models = [name for name in archive.namelist() if "saved_models" in name]
        archive.extractall(tmp_path / "installed")
    assert served == {file.relative_to(tmp_path).as_posix() for file in page}
    folder = "keras_seq/saved_models/dates"
    steps = [f"step/{name}" for name in ("encode.onnx", "manifest.json", "start.onnx", "step.onnx")]
    names = [f"dates/{name}" for name in ("README.md", "model.keras", *steps)]
    names += [f"g2p_en/{name}" for name in ("README.md", "model.keras")]
    assert sorted(models) == [f"keras_seq/saved_models/{name}" for name in names]
    for name in models:
        original = ROOT / name.removeprefix("keras_seq/")
        assert (tmp_path / "installed" / name).read_bytes() == original.read_bytes()
    script = "import keras_seq; print(keras_seq.presets()['dates']['path'])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "installed", capture_output=True, text=True
    )
    assert done.stdout.strip() == str(tmp_path / "installed" / folder / "model.keras"), done.stderr
