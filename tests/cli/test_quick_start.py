"""A command imports what it needs, compiles what pays, and keeps what JAX has compiled."""

import json
import os
import subprocess
import sys

import keras
import pytest

import keras_seq as ks

BACKEND = keras.config.backend()
HEAVY = ("tensorflow", "tensorflow_text", "jax", "torch", "sklearn", "matplotlib", "pandas")
START = """
import sys
from keras_seq.cli.quick_start import start_quickly
start_quickly()
from keras_seq.cli.app import app
sys.argv = ["keras-seq", "generate", "dates"]
try:
    app()
except SystemExit as end:
    assert not end.code, end.code
"""
SHOW = f"""
print(*(name for name in {HEAVY} if name in sys.modules))
print(getattr(sys.modules.get("torch._dynamo"), "__file__", None))
"""
# Everything is there for who wants it afterwards; PyTorch's compiler leaves seeds alone.
COMPILE = """
import torch, keras, sklearn
def draw(x):
    return x + keras.random.uniform((2,), seed=keras.random.SeedGenerator(1))
compiled = torch.compile(draw, backend="eager")
torch.testing.assert_close(compiled(torch.zeros(2)), draw(torch.zeros(2)))
print(torch._dynamo.__file__ is not None, torch._dynamo is sys.modules["torch._dynamo"])
"""


def start(script, tmp_path, lines="le 27 septembre 2016\n", **more):
    """What a script writes that runs as a command, in a process of its own."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), **more}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    environment = {k: v for k, v in environment.items() if not k.startswith("JAX_")}
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, env=environment, input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


@pytest.mark.every_backend
def test_one_text_imports_the_backend_alone(tmp_path):
    (answer, modules, dynamo), _ = start(START + SHOW, tmp_path)
    assert (answer, modules, dynamo) == ("2016-09-27", BACKEND, "None")


@pytest.mark.slow
def test_the_backend_of_keras_own_file(tmp_path):
    text = json.dumps({"backend": BACKEND, "floatx": "float32", "epsilon": 1e-7})
    (tmp_path / "keras.json").write_text(text)
    file = ks.presets()["dates"]["path"]  # by its name step graphs would answer
    script = f"import os; del os.environ['KERAS_BACKEND']; {START.replace('dates', file)}{SHOW}"
    (answer, modules, _), _ = start(script, tmp_path, KERAS_HOME=str(tmp_path))
    assert (answer, modules) == ("2016-09-27", BACKEND)


@pytest.mark.every_backend
@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "jax", reason="only JAX has such a cache")
def test_what_jax_compiles_is_kept(tmp_path):
    count = "import jax; jax.monitoring.register_event_listener(lambda name, **_: print(name))"
    script = START.replace("start_quickly()\n", f"start_quickly()\n{count}\n")
    names = [start(script, tmp_path)[0] for _ in range(2)]
    missed, hit = ("/jax/compilation_cache/cache_misses", "/jax/compilation_cache/cache_hits")
    assert missed in names[0]
    assert hit in names[1] and missed not in names[1]
    (folder,) = (tmp_path / "keras_seq").iterdir()
    assert folder.name.startswith("jax-") and any(folder.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "tensorflow", reason="on others nothing is compiled by XLA so")
@pytest.mark.parametrize("count", [1, 9])
def test_xla_compiles_for_many_texts_alone(count, tmp_path):
    lines = "le 27 septembre 2016\n" * count
    answers, said = start(START, tmp_path, lines, TF_CPP_MIN_LOG_LEVEL="0")
    assert answers == ["2016-09-27"] * count
    assert ("Compiled cluster using XLA" in said) == (count > 1)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "torch", reason="PyTorch's compiler")
def test_what_is_left_out_can_be_imported_afterwards(tmp_path):
    (*_, last), _ = start(START + COMPILE, tmp_path)
    assert last == "True True"


def test_a_process_that_has_keras_is_left_alone():
    from keras_seq.cli.quick_start import start_quickly

    before = [*sys.meta_path], dict(os.environ)
    start_quickly()
    assert ([*sys.meta_path], dict(os.environ)) == before
