"""What a backend exports opens in the page of the explorer, and answers there as the model does."""

import os
import pathlib
import shutil
import subprocess

import keras
import pytest

import keras_seq as ks

EXPLORER = pathlib.Path(__file__).parents[2] / "explorer"
READY = shutil.which("npx") and (EXPLORER / "node_modules" / "vitest").is_dir()


@pytest.mark.slow
@pytest.mark.skipif(not READY, reason="needs Node, and `npm ci` in explorer/")
def test_the_page_answers_as_a_model_of_this_backend(tmp_path):
    keras.utils.set_random_seed(0)
    sources, targets = ks.datasets.dates(200, seed=0)
    model = ks.models.Seq2Seq.from_texts(sources, targets, tokens="char", units=8)
    model.compile("adam")
    model.fit(sources, targets, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = ks.models.load_model(tmp_path / "model.keras")
    folder = again.export(
        tmp_path / "steps", format="onnx", signature="step", examples=sources[:1], verbose=False
    )
    example = ks.export.load_step(folder).manifest["example"]
    assert example["answer"]["text"] == model.generate(sources[0])
    name = folder.as_uri()
    done = subprocess.run(
        ["npx", "vitest", "run", "tests/models.test.ts", "--reporter=verbose", "-t", name],
        cwd=EXPLORER,
        env={**os.environ, "STEPS": name, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"the translator in {name} > answers its example as keras_seq did" in done.stdout
