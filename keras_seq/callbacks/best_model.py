"""The best model of a training, on disk."""

import pathlib
import weakref

import keras

from keras_seq._typing import PathLike
from keras_seq.models.base.sharing import saved_once


class BestModel(keras.callbacks.Callback):
    """Save the model whenever a number in the logs is better than ever before.

    The number may be anything that an epoch reports, or that a callback before this one puts into
    the logs, such as the `val_bleu` of `TextScore`. An epoch that lacks it is passed over, as with
    `TextScore(every=5)`; only the first one must have it. NaN is never better.

    At the end of training the model gets the best weights back, from the file.

    Where several workers train, the first one saves; all read the file at the end.

    In a second `fit` of the same model the best so far is still the best; what another model
    reached counts no more, and its file is replaced. Patience begins anew with each `fit`.

    Args:
        filepath: where to save, a path that ends in `.keras`.
        monitor: the name of the number.
        mode: `"min"` where lower is better, `"max"` where higher is.
        patience: stop after so many scored epochs in a row that were not better; `None` for never.

    Attributes:
        best: the best number so far; `None` before the first one.
        waited: how many scored epochs there were since then.

    Raises:
        ValueError: for another suffix or mode, a patience below 1, or, at the end of the first
            epoch, logs without `monitor`.

    Example:

    ```python
    model.fit(
        sources,
        targets,
        validation_data=held_out,
        epochs=100,
        callbacks=[BestModel("best.keras", patience=3)],
    )
    ```
    """

    def __init__(
        self,
        filepath: PathLike,
        monitor: str = "val_perplexity",
        mode: str = "min",
        patience: int | None = None,
    ):
        super().__init__()
        self.path = pathlib.Path(filepath)
        if self.path.suffix != ".keras":
            raise ValueError(f"The file must end in .keras; received {filepath}.")
        if mode not in ("min", "max"):
            raise ValueError(f'`mode` must be "min" or "max"; received {mode!r}.')
        if patience is not None and patience < 1:
            raise ValueError(f"`patience` must be at least 1, or None; received {patience!r}.")
        self.monitor = monitor
        self.mode = mode
        self.patience = patience
        self.best = None
        self.waited = 0
        self._restored = False  # by `set_state`, for the training to come
        self._trained = None  # the model of the last training

    def on_train_begin(self, logs=None):
        if not self._restored:
            self.waited = 0
            if self._trained is not None and self._trained() is not self.model:
                self.best = None
        self._restored = False
        self._trained = weakref.ref(self.model)

    def on_epoch_end(self, epoch, logs=None):
        value = (logs or {}).get(self.monitor)
        if value is None:
            self._check_scored_before(logs)
        elif self._is_better(value):
            self.best, self.waited = float(value), 0
            saved_once(self.model, self.path)
        else:
            self.waited += 1
            if self.patience is not None and self.waited >= self.patience:
                self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.best is not None:
            self.model.load_weights(self.path)

    def get_state(self):
        """Return what a resumed training must know, ready for JSON."""
        return {"best": self.best, "waited": self.waited}

    def set_state(self, state):
        """Go on counting from the state that `get_state` returned.

        Raises:
            ValueError: if the best model of that state is not there any more.
        """
        if state["best"] is not None and not self.path.exists():
            raise ValueError(
                f"The training to resume had its best model in {self.path}, and there is no such "
                "file now."
            )
        self.best, self.waited = state["best"], state["waited"]
        self._restored = True

    def _is_better(self, value):
        if self.best is None:
            return value == value  # not NaN
        return value < self.best if self.mode == "min" else value > self.best

    def _check_scored_before(self, logs):
        if self.best is None and not self.waited:
            raise ValueError(
                f"BestModel monitors {self.monitor!r}, which the logs of the first epoch lack; "
                f"they have {sorted(logs or {})}. Numbers that begin with val_ need "
                "`validation_data`, or a callback before this one."
            )
