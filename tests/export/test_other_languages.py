"""The programs in JavaScript and C++ of the guide to step graphs write what `load_step` does."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

import keras_seq as ks

pytestmark = [pytest.mark.once, pytest.mark.slow]
ROOT = pathlib.Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "step_graphs.md").read_text(encoding="utf-8")
STEPS = ROOT / "explorer" / "public" / "models" / "shakespeare"
EXPLORER = ROOT / "explorer"
PROMPTS = ["ROMEO:\nWhat", "é \u2013 To be"]  # with characters of several bytes, and unknown ones


def program(language):
    """The only program of the guide in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return found


def expected(prompt):
    """What the reader in Python writes, greedy."""
    reader = ks.export.load_step(STEPS)
    return reader.generate(prompt, sampler="greedy", max_length=200, strip_prompt=True)


def output(command, prompt):
    """What a command writes."""
    done = subprocess.run([*command, STEPS, prompt], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(
    not (shutil.which("node") and (EXPLORER / "node_modules" / "onnxruntime-web").is_dir()),
    reason="needs Node, and `npm ci` in explorer/",
)
def test_the_program_in_javascript_writes_the_same(tmp_path):
    code = program("js")
    assert code.count('"onnxruntime-node"') == code.count("Math.random()") == 1
    code = code.replace('"onnxruntime-node"', '"onnxruntime-web"')
    code = code.replace("Math.random()", "0.5")  # where all have the same noise, the best is drawn
    (tmp_path / "node_modules").symlink_to(EXPLORER / "node_modules")
    (tmp_path / "stream.mjs").write_text(code, encoding="utf-8")
    for prompt in PROMPTS:
        assert output(["node", tmp_path / "stream.mjs"], prompt) == expected(prompt)


def test_the_program_in_cpp_writes_the_same(tmp_path):
    """Debian has what it needs in `libonnxruntime-dev`, from 13 on, and `nlohmann-json3-dev`.

    CPPFLAGS and LDFLAGS may name other places of headers and of the library.
    """
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no g++")
    flags = {name: os.environ.get(name, "").split() for name in ("CPPFLAGS", "LDFLAGS")}
    headers = "#include <onnxruntime_cxx_api.h>\n#include <nlohmann/json.hpp>\n"
    flags["CPPFLAGS"] += ["-I/usr/include/onnxruntime"]
    compile_only = [compiler, "-std=c++17", *flags["CPPFLAGS"], "-x", "c++", "-E", "-"]
    if subprocess.run(compile_only, input=headers.encode(), capture_output=True).returncode:
        pytest.skip("there are no headers of onnxruntime and nlohmann/json")
    (tmp_path / "stream.cpp").write_text(program("cpp"), encoding="utf-8")
    command = [compiler, "-std=c++17", *flags["CPPFLAGS"], tmp_path / "stream.cpp"]
    command += ["-o", tmp_path / "stream", *flags["LDFLAGS"], "-lonnxruntime"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for prompt in PROMPTS:
        assert output([tmp_path / "stream"], prompt) == expected(prompt)
