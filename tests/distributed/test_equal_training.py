"""A training on several devices leads to the weights of one device with the same batches.

`training.py` trains all four tasks for 20 steps and more: masks, batches of several lengths and not
full ones, truncated backpropagation with its carried state, and streams, of which each of several
workers reads its share.
"""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from checks import free_port

import keras_seq as ks

pytestmark = pytest.mark.slow

PROGRAM = pathlib.Path(__file__).with_name("training.py")
ROOT = PROGRAM.parents[2]


def start(folder, place, index=0, port=0):
    """Start a training, in processes of their own as devices are made once a process."""
    flags = os.environ.get("XLA_FLAGS", "")
    if place == "devices":
        flags += " --xla_force_host_platform_device_count=2"
    out = folder / f"{place}{index}.npz"
    words = ["--out", out, "--place", place, "--index", index, "--port", port]
    return out, subprocess.Popen(
        [sys.executable, "-W", "ignore", PROGRAM, *map(str, words)],
        env={**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


def numbers_of(started):
    out, process = started
    _, errors = process.communicate(timeout=1200)
    assert process.returncode == 0, errors[-3000:]
    return dict(np.load(out))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return numbers_of(start(tmp_path_factory.mktemp("alone"), "one"))


def check_equal(found, expected):
    assert found.keys() == expected.keys() and len(expected) > 80
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-5, rtol=1e-5, err_msg=name)


@pytest.mark.skipif(keras.config.backend() == "torch", reason="there, a device is a process")
def test_two_devices_of_one_process(alone, tmp_path):
    check_equal(numbers_of(start(tmp_path, "devices")), alone)


def test_two_processes(alone, tmp_path):
    port = free_port()
    both = [start(tmp_path, "workers", index, port) for index in range(2)]
    for found in [numbers_of(worker) for worker in both]:
        check_equal(found, alone)
    # The first worker saved its model alone.
    model = ks.models.TextClassifier.from_preset(tmp_path / "workers0.npz.preset")
    for i, weight in enumerate(model.get_weights()):
        np.testing.assert_array_equal(weight, found[f"classifier/{i}"])
    model.load_weights(tmp_path / "workers0.npz.weights.h5")
