"""All runs of a comparison, one after the other."""

import numbers

from keras_seq._checks import as_integer
from keras_seq.models.comparison.architectures import pack
from keras_seq.models.comparison.isolated import isolated_run
from keras_seq.models.comparison.run import about, run


def run_all(architectures, data, settings, seed, isolate, more=None, report=None):
    """Run each architecture on the same data with the same seed.

    Args:
        architectures: as `check_architectures` returned them.
        data: `ComparisonData`.
        settings: `ComparisonSettings`.
        seed: int.
        isolate: whether each run has a process of its own.
        more: a dict of what stands in each result too.
        report: a function that is called with each result as it comes.

    Returns:
        A list of results, dicts.
    """
    results = []
    for name, one in architectures.items():
        packed = pack(name, one, isolate)
        if isolate:
            found = isolated_run(name, packed, data, settings, seed)
        else:
            found = {**run(packed, data, settings, seed), "memory": None, "total_memory": None}
        own = {"arguments": packed} if isinstance(one, dict) else {}
        shared = {**about(data, settings), **own, "isolate": bool(isolate)}
        results.append({"name": name, **(more or {}), **found, "settings": shared})
        if report is not None:
            report(results[-1])
    return results


def check_seeds(seeds):
    """Return seeds as a list, or raise a `ValueError`; one number is one seed."""
    seeds = [seeds] if isinstance(seeds, numbers.Integral) else list(seeds)
    found = [as_integer(seed) for seed in seeds]
    if not seeds or None in found or min(found) < 0:
        raise ValueError(f"`seeds` must be whole numbers from 0 on; received {seeds!r}.")
    return found
