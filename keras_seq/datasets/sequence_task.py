"""A generated task: sequences, targets, and what the scores on them mean."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from keras_seq._checks import check_at_least


@dataclass(frozen=True, eq=False, repr=False)
class SequenceTask:
    """Sequences with their answers, and what the scores on them mean.

    A function of your own that returns one is as good as those of this package. The rows should be
    drawn independently of each other, so that any of them can be held out.

    Args:
        name: str.
        inputs: ids, integers `(count, length)`, kept as int32; or numbers, floats
            `(count, length, features)`, kept as float32.
        targets: class ids, integers `(count,)` or, one for each step, `(count, length)`, kept as
            int32; or numbers, floats `(count, size)`, kept as float32.
        metric: `"accuracy"` (higher is better) for classes, `"mse"` (the mean of the squared
            errors, lower is better) for numbers.
        chance: float, the expected score of the best answer that ignores what must be remembered.
        best: float, the expected score of the best answer of all.
        weights: float `(count,)`, or `(count, length)` where each step has a target, kept as
            float32: how much each target counts. All count alike where `None`.
        vocabulary: the tokens of the ids, str each; id 0 is the padding.
        classes: the names of the classes, str each.
        baselines: a dict from a short description to the expected score of an answer that
            remembers something, but not what it should.

    Raises:
        ValueError: for shapes, kinds, ids, classes or a metric that do not fit together, and for
            `chance` and `best` that are no finite numbers or lie the wrong way round.

    Example:

    >>> import numpy as np
    >>> from keras_seq.datasets import SequenceTask
    >>> inputs = np.array([[1, 2, 2], [2, 1, 2], [1, 1, 2], [2, 2, 2]])
    >>> task = SequenceTask("first", inputs, inputs[:, 0] - 1, "accuracy", chance=0.5, best=1.0,
    ...                     vocabulary=("[pad]", "no", "yes"), classes=("NO", "YES"))
    >>> task.texts[0], task.labels[0], task.solved(0.96), task.solved(0.7)
    ('no yes yes', 'NO', True, False)
    >>> training, held_out = task.split(3)
    >>> len(training), len(held_out), task.length
    (3, 1, 3)
    """

    name: str
    inputs: np.ndarray
    targets: np.ndarray
    metric: str
    chance: float
    best: float
    weights: np.ndarray | None = None
    vocabulary: tuple[str, ...] | Any = None
    classes: tuple[str, ...] | Any = None
    baselines: dict = field(default_factory=dict)

    def __post_init__(self):
        _set(self, inputs=_array(self.inputs, "inputs"), targets=_array(self.targets, "targets"))
        if self.weights is not None:
            _set(self, weights=np.asarray(self.weights, "float32"))
        for name in ("vocabulary", "classes"):
            if getattr(self, name) is not None:
                _set(self, **{name: tuple(getattr(self, name))})
        _set(self, baselines=dict(self.baselines))
        _check_arrays(self)
        _check_names(self)
        _check_scores(self)

    @property
    def length(self) -> int:
        """The number of steps of each row."""
        return self.inputs.shape[1]

    @property
    def texts(self) -> list[str]:
        """The inputs as a list of str: the tokens of a row joined with blanks, without padding."""
        if self.vocabulary is None:
            raise ValueError(f"The task {self.name!r} has no vocabulary: its inputs are no words.")
        words = np.array(self.vocabulary, dtype=object)
        return [" ".join(words[row[row != 0]]) for row in self.inputs]

    @property
    def labels(self):
        """The names of the targets, a list of str.

        Where each step has a target, those with a weight above 0 are joined with blanks.
        """
        if self.classes is None:
            raise ValueError(f"The task {self.name!r} has no classes: its targets are no names.")
        names = np.array(self.classes, dtype=object)
        if self.targets.ndim == 1:
            return names[self.targets].tolist()
        counts = np.ones(self.targets.shape, bool) if self.weights is None else self.weights > 0
        return [" ".join(names[row[on]]) for row, on in zip(self.targets, counts, strict=True)]

    def split(self, first: int) -> tuple["SequenceTask", "SequenceTask"]:
        """Two tasks: the first `first` rows, and the others; ValueError if either has none."""
        first = check_at_least("first", first, 1)
        if first >= len(self):
            raise ValueError(
                f"`first` must be 1 to {len(self) - 1}, to leave rows over; received {first}."
            )
        return self[:first], self[first:]

    def solved(self, score: float) -> bool:
        """Whether `score` is at most a tenth of the way from `best` to `chance`, or beyond `best`.

            accuracy >= best - (best - chance) / 10    or    mse <= best + (chance - best) / 10

        A score that is not a number (a training that broke) solves nothing.
        """
        bound = self.best + (self.chance - self.best) / 10
        return bool(score >= bound if self.metric == "accuracy" else score <= bound)

    def __getitem__(self, rows):
        """The task with some of the rows: a slice, an array of places or of booleans."""
        if not isinstance(rows, (slice, list, np.ndarray)):
            raise ValueError(f"Rows are chosen by a slice, a list or an array; received {rows!r}.")
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, inputs=self.inputs[rows], targets=self.targets[rows], weights=weights)

    def __len__(self):
        return len(self.inputs)

    def __repr__(self):
        what = f"{len(self)} rows of {self.length} steps"
        if self.inputs.ndim == 3:
            size = self.inputs.shape[2]
            what += f" of {size} number{'s' if size > 1 else ''}"
        if self.vocabulary is not None:
            what += f", {len(self.vocabulary)} tokens"
        if self.classes is not None:
            what += f", {len(self.classes)} classes"
        scores = f"{self.metric}: chance {self.chance:.6g}, best {self.best:.6g}"
        return f"<SequenceTask {self.name!r}: {what}; {scores}>"


def _set(task, **values):
    # The dataclass is frozen: this is its constructor's way round.
    for name, value in values.items():
        object.__setattr__(task, name, value)


def _array(values, name):
    values = np.asarray(values)
    if values.dtype.kind in "iu":
        return values.astype("int32", copy=False)
    if values.dtype.kind == "f":
        return values.astype("float32", copy=False)
    raise ValueError(f"`{name}` must be integers or floats; received dtype {values.dtype}.")


def _check_arrays(task):
    """Raise a `ValueError` unless the shapes and kinds fit together."""
    ids = task.inputs.dtype.kind == "i"
    if task.inputs.ndim != (2 if ids else 3):
        raise ValueError(
            "`inputs` must be ids (count, length) or floats (count, length, features); received "
            f"{task.inputs.dtype} {task.inputs.shape}."
        )
    rows, steps = task.inputs.shape[:2]
    if not rows or not steps:
        raise ValueError(f"There must be rows and steps; received inputs {task.inputs.shape}.")
    kind = "i" if task.metric == "accuracy" else "f"
    shape = task.targets.shape
    fits = shape in ((rows,), (rows, steps)) if kind == "i" else shape[:1] == (rows,)
    if task.targets.dtype.kind != kind or not fits or (kind == "f" and len(shape) != 2):
        raise ValueError(
            f"For inputs {task.inputs.shape} `targets` must be integers ({rows},) or "
            f'({rows}, {steps}) with metric "accuracy", or floats ({rows}, size) with "mse"; '
            f"received {task.targets.dtype} {shape} with {task.metric!r}."
        )
    wanted = (shape,) if kind == "i" else ((rows,),)
    if task.weights is not None and task.weights.shape not in wanted:
        raise ValueError(f"`weights` must be {wanted[0]}; received {task.weights.shape}.")
    for name in ("inputs", "targets", "weights"):
        values = getattr(task, name)
        if values is not None and not np.isfinite(values).all():
            raise ValueError(f"`{name}` must be finite.")
    if task.weights is not None and (task.weights.min() < 0 or not task.weights.any()):
        raise ValueError("`weights` must be 0 or more, and one of them must be more.")


def _check_names(task):
    """Raise a `ValueError` unless the ids have tokens and the classes have names."""
    for name, values, holder in (
        ("vocabulary", task.inputs, "inputs"),
        ("classes", task.targets, "targets"),
    ):
        names = getattr(task, name)
        if names is None:
            continue
        if values.dtype.kind != "i":
            raise ValueError(f"`{name}` goes with ids; `{holder}` are {values.dtype}.")
        if values.min() < 0 or values.max() >= len(names):
            raise ValueError(
                f"`{holder}` must be 0 to {len(names) - 1}, the places in `{name}`; received "
                f"{values.min()} to {values.max()}."
            )


def _check_scores(task):
    """Raise a `ValueError` unless metric, chance and best make sense."""
    if task.metric not in ("accuracy", "mse"):
        raise ValueError(f'`metric` must be "accuracy" or "mse"; received {task.metric!r}.')
    chance, best = float(task.chance), float(task.best)
    better = best - chance if task.metric == "accuracy" else chance - best
    if not (math.isfinite(chance) and math.isfinite(best) and better > 0):
        raise ValueError(
            "`best` must be a better score than `chance`, both finite; received "
            f"best={task.best!r} and chance={task.chance!r} with {task.metric!r}."
        )
    _set(task, chance=chance, best=best)
