"""Ray Data and Apache Beam with the model of dates: two workers, one of which is killed half-way.

Both are in an environment of their own: `make test-engines`.
"""

import concurrent.futures
import os
import pathlib
import signal
import threading
import time

import pytest

import keras_seq as ks
from keras_seq.datasets import read_lines

COUNT = 10_000
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lines():
    dates = ks.datasets.dates(COUNT - 10, seed=11)[0]
    return [*dates[:3000], *("", " ") * 5, *dates[3000:]]


@pytest.fixture(scope="module")
def model():
    return ks.models.load_model("dates")


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """The folder of its SavedModel."""
    folder = tmp_path_factory.mktemp("exported") / "dates"
    model.export(folder, sampler="greedy")
    return folder


@pytest.fixture(scope="module")
def expected(model, lines):
    """What `generate` answers in this process."""
    return model.generate(lines, sampler="greedy", batch_size=256)


@pytest.fixture
def ray():
    reason = "Ray is not installed: see `make test-engines`"
    ray = pytest.importorskip("ray", reason=reason)
    for last in (False, False, True):
        try:
            ray.init(
                num_cpus=2,
                object_store_memory=200_000_000,
                include_dashboard=False,
                log_to_driver=False,
            )
            break
        except Exception:  # it gives itself 30 seconds, which a busy machine may not have
            ray.shutdown()
            if last:
                raise
    yield ray
    ray.shutdown()


@pytest.fixture
def beam():
    reason = "Apache Beam is not installed: see `make test-engines`"
    return pytest.importorskip("apache_beam", reason=reason)


def descendants(word):
    """The processes that this one started, and those they started, whose command has a word."""
    parents, commands = {}, {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            commands[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
            parents[int(folder.name)] = int(status[1])
        except OSError:  # it has ended
            continue

    def is_ours(process):
        while process not in (0, os.getpid()):
            process = parents.get(process, 0)
        return process != 0

    return {process for process in parents if word in commands[process] and is_ours(process)}


def test_ray_loses_a_worker(ray, lines, expected, exported):
    seen, ended = set(), threading.Event()

    def watch():
        while not ended.wait(0.2):
            seen.update(descendants("MapWorker"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    rows = [{"number": number, "text": line} for number, line in enumerate(lines)]
    dataset = ray.data.from_items(rows, override_num_blocks=40)
    answers = ks.distributed.generate(dataset, exported, batch_size=8, workers=2)
    found, killed = {}, None
    try:
        for row in answers.iter_rows():
            if killed is None:
                killed = max(descendants("MapWorker"))
                os.kill(killed, signal.SIGKILL)
            assert row["number"] not in found
            found[row["number"]] = row["answer"]
            assert row["text"] == lines[row["number"]]
    finally:
        ended.set()
        watcher.join()
    assert [found[number] for number in range(COUNT)] == expected
    assert len(seen) >= 3  # two, and the one in the place of the killed one


def test_ray_says_what_is_wrong(ray, exported):
    rows = ray.data.from_items([{"line": "3 May 1979"}])
    with pytest.raises(Exception, match="`column` must be one of line; received 'text'"):
        ks.distributed.generate(rows, exported, workers=1).take_all()
    answers = ks.distributed.generate(rows, exported, workers=1, column="line", answer="date")
    assert answers.take_all() == [{"line": "3 May 1979", "date": "1979-05-03"}]


def run_beam(beam, lines, model, folder):
    """Answer lines with two processes, in files; each notes what it answers, by its number."""
    from apache_beam.options.pipeline_options import PipelineOptions

    progress = str(folder / "progress")

    def note(pair):
        import os

        with open(f"{progress}.{os.getpid()}", "a") as file:
            file.write(".")
        return pair

    options = PipelineOptions(
        # What `DirectRunner` comes down to where there is no Prism, which it would download.
        runner="apache_beam.runners.portability.fn_api_runner.FnApiRunner",
        direct_num_workers=2,
        direct_running_mode="multi_processing",
    )
    with beam.Pipeline(options=options) as pipeline:
        pairs = pipeline | beam.Create([*enumerate(lines)]) | beam.Reshuffle()
        answers = ks.distributed.generate(pairs, model, batch_size=8)
        noted = answers | beam.Map(note)
        noted | beam.MapTuple("{}\t{}".format) | beam.io.WriteToText(str(folder / "answers"))


def test_beam_loses_a_worker(beam, lines, expected, exported, tmp_path):
    """Beam's local runner ends with an error and without a file; begun again it has them all.

    The runners for many machines give the texts of a dead worker to another one.
    """
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pipeline = pool.submit(run_beam, beam, lines, exported, tmp_path)
        while not pipeline.done():
            sizes = {path: path.stat().st_size for path in tmp_path.glob("progress.*")}
            if len(sizes) == 2 and sum(sizes.values()) > COUNT // 4:
                first = min(sizes)
                os.kill(int(first.suffix[1:]), signal.SIGKILL)
                break
            time.sleep(0.05)
        with pytest.raises(RuntimeError, match="closed"):
            pipeline.result()
    assert COUNT // 4 < sum(path.stat().st_size for path in sizes) < COUNT
    assert not [*tmp_path.glob("answers*")]
    run_beam(beam, lines, exported, tmp_path)
    written = [line for path in tmp_path.glob("answers*") for line in read_lines(path)]
    numbered = [line.split("\t") for line in written]
    found = {int(number): answer for number, answer in numbered}
    assert len(numbered) == len(found) == COUNT
    assert [found[number] for number in range(COUNT)] == expected


def test_beam_takes_no_option_of_ray(beam):
    with beam.Pipeline(runner="apache_beam.runners.portability.fn_api_runner.FnApiRunner") as p:
        pairs = p | beam.Create([(0, "3 May 1979")])
        with pytest.raises(ValueError, match="`workers` is for Ray Data; received 2"):
            ks.distributed.generate(pairs, "dates", workers=2)
