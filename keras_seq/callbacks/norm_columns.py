"""The rows of a `NormRecord` by the names of layers and weights."""

import collections

import numpy as np

TOTAL, CLIPPED = "gradient_norm", "clipped_gradient_norm"


class NormColumns:
    """Turns rows of a `NormRecord` into named numbers, and sums them up over an epoch."""

    def __init__(self, paths, model, logs):
        self.weights = _unique([path.removeprefix(f"{model}/") for path in paths])
        owners = [path.rpartition("/")[0] or path for path in self.weights]
        self.layers = list(dict.fromkeys(owners))
        self._owners = np.array([self.layers.index(owner) for owner in owners])
        self.logs = logs
        parts = {"global": [], "layer": self.layers, "weight": self.weights}[logs]
        self.names = [TOTAL, CLIPPED, *(f"{TOTAL}/{part}" for part in parts)]
        self._begin()

    def _begin(self):
        self._sum = np.zeros(len(self.names))
        self._max = np.full(len(self.names), np.nan)
        self._count = np.zeros(len(self.names), int)
        self._not_finite = 0

    def add(self, row):
        """`(norms of the layers, numbers by `names`)` of one step."""
        norms = row[: len(self.weights)]
        layers = np.sqrt(np.bincount(self._owners, norms**2))
        total = np.sqrt(np.sum(norms**2))
        clipped = row[-1] if len(row) > len(norms) else total
        parts = {"global": [], "layer": layers, "weight": norms}[self.logs]
        numbers = np.array([total, np.nan if clipped < 0 else clipped, *parts])
        if np.isfinite(total):
            counts = np.isfinite(numbers)
            self._sum += np.where(counts, numbers, 0)
            self._max = np.fmax(self._max, np.where(counts, numbers, np.nan))
            self._count += counts
        else:
            self._not_finite += 1
        return layers, numbers

    def summary(self):
        """The numbers of an epoch by their names in the logs; NaN where no step was finite."""
        means = np.where(self._count, self._sum / np.maximum(self._count, 1), np.nan)
        numbers = dict(zip(self.names, means.tolist(), strict=True))
        for name, value in zip(self.names, self._max.tolist(), strict=True):
            head, *part = name.split("/", 1)
            numbers["/".join([f"{head}_max", *part])] = value
        numbers["nonfinite_gradient_steps"] = self._not_finite
        self._begin()
        return numbers


def _unique(names):
    """The names, with a number behind one that was there before."""
    seen = collections.Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique
