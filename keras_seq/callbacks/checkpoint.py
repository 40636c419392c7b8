"""Training that can be killed at any moment and resumed."""

import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq._typing import PathLike
from keras_seq.backend import synchronize
from keras_seq.callbacks.random_states import get_random_states, set_random_states
from keras_seq.callbacks.state_file import differences, flatten, read_state, write_state
from keras_seq.models.base.averaged_weights import AveragedWeights
from keras_seq.models.base.sharing import check_agreement, written_once
from keras_seq.models.base.task import Task

SHOWN = 5  # differences in an error


class Checkpoint(keras.callbacks.Callback):
    """Save all that training depends on, so that a killed training can go on as if nothing was.

    At the beginning of each epoch, and when training ends with a whole epoch, one file receives
    the weights, the optimiser's variables, the states of all seed generators, of the model as well
    as of Python, NumPy and PyTorch, the number of the epoch, and the state of every other callback
    with `get_state()` and `set_state(state)`. It is replaced in one step, so that there is a whole
    one at any moment. A training resumed from it gives bitwise the weights of one that was never
    killed, on the same backend and machine, as far as that computes bitwise the same twice (a GPU
    does not by itself). The data must be the same: lists of texts and datasets of single texts,
    whose order in epoch k depends on k and NumPy's random state alone. A pipeline that shuffles by
    itself, such as `tf.data.Dataset.shuffle`, begins its own order anew.

    Where several workers train, the first one writes the file, and all of them read it.

    It must come last in the list of callbacks, and `restore` must be called before each `fit`. An
    epoch that is cut short (`TimeLimit`) is not saved: it begins anew. `AveragedWeights` belongs
    with it; `keras.callbacks.SwapEMAWeights` does too, except that it loses the weights of the
    last epoch, so that a finished training cannot be prolonged exactly.

    Args:
        filepath: where to save. The file is an `.npz` archive, whatever its name ends in.
        config: a JSON-able dict of what the result depends on, such as the learning rate, the
            batch size and the names of files. `restore` compares it with the one saved.

    Raises:
        ValueError: if `config` is not JSON-able; when training begins without `restore`, or with
            another `initial_epoch` than it returned. See `restore` for more.

    Example:

    ```python
    best, checkpoint = BestModel("best.keras"), Checkpoint("training.state")
    epoch = checkpoint.restore(model, callbacks=[best])
    model.fit(
        sources,
        targets,
        validation_data=held_out,
        epochs=100,
        initial_epoch=epoch,
        callbacks=[best, checkpoint],
    )
    ```
    """

    def __init__(self, filepath: PathLike, config: dict[str, Any] | None = None):
        super().__init__()
        self.path = pathlib.Path(filepath)
        try:
            self.config = flatten(config or {}, "config")
        except TypeError as error:
            raise ValueError(f"`config` must be a JSON-able dict: {error}.") from error
        self._initial_epoch = None

    def restore(
        self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback] = ()
    ) -> int:
        """Put a saved training back into `model` and `callbacks`, where there is one.

        Call it when the model is built and compiled, right before `fit`.

        Args:
            model: the model, with the same structure as the one saved.
            callbacks: the other callbacks that `fit` will get.

        Returns:
            The `initial_epoch` for `fit`; 0 where there is no file.

        Raises:
            ValueError: if the model is not built or not compiled, the file is damaged, or it
                belongs to another configuration, model, optimiser or backend; the message says
                what differs.
        """
        if not model.built or getattr(model, "optimizer", None) is None:
            raise ValueError("`restore` needs a model that is built and compiled.")
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        if isinstance(model, Task):  # those that `fit` will put before them
            callbacks = [*model.default_callbacks(callbacks), *callbacks]
        self._callbacks = [c for c in callbacks if c is not self]
        self._before_fit = get_random_states()
        self._at_epoch = None
        self._initial_epoch = 0
        if self.path.exists():
            self._load(model)
        check_agreement({f"the epoch to go on with, of {self.path},": self._initial_epoch}, model)
        return self._initial_epoch

    def on_train_begin(self, logs=None):
        if self._initial_epoch is None:
            raise ValueError(
                "Call `initial_epoch = checkpoint.restore(model, callbacks)` before "
                "`fit(initial_epoch=initial_epoch)`."
            )

    def on_epoch_begin(self, epoch, logs=None):
        self._cut_short = False
        if self._initial_epoch is not None and epoch != self._initial_epoch:
            raise ValueError(
                f"`restore` returned the epoch {self._initial_epoch}; `fit` was given "
                f"initial_epoch={epoch}."
            )
        self._initial_epoch = None
        if self._at_epoch is not None:
            set_random_states(self._at_epoch)
            self._at_epoch = None
        self._save(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self._cut_short = self.model.stop_training

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 >= self.params["epochs"] or self.model.stop_training
        if last and not self._cut_short:
            averages = [c for c in self._callbacks if isinstance(c, AveragedWeights)]
            for c in averages:
                c.take_out()
            self._save(epoch + 1)
            for c in averages:
                c.put_in()

    def _save(self, epoch):
        synchronize(self.model)
        header = {
            "epoch": epoch,
            "setting": self._setting(self.model),
            "callbacks": [[type(c).__name__, c.get_state()] for c in self._stateful()],
            "random_before_fit": self._before_fit,
            "random_at_epoch": get_random_states(),
        }
        arrays = [_to_numpy(v) for v in _variables(self.model)]
        written_once(self.model, lambda: write_state(self.path, header, arrays))

    def _load(self, model):
        header, arrays = read_state(self.path)
        changed = differences(header["setting"], self._setting(model))
        if changed:
            more = f" (and {len(changed) - SHOWN} more)" if len(changed) > SHOWN else ""
            raise ValueError(
                f"{self.path} belongs to another training: {'; '.join(changed[:SHOWN])}{more}. "
                "Resume with what it began with, or begin anew with another file."
            )
        for variable, array in zip(_variables(model), arrays, strict=True):
            variable.assign(array)
        for callback, (_, state) in zip(self._stateful(), header["callbacks"], strict=True):
            callback.set_state(state)
        # `fit` will draw the seed of its order from the state that it had the first time; the
        # state inside the epoch comes back when that begins.
        self._before_fit = header["random_before_fit"]
        self._at_epoch = header["random_at_epoch"]
        self._initial_epoch = header["epoch"]
        set_random_states(self._before_fit)

    def _stateful(self):
        return [c for c in self._callbacks if hasattr(c, "get_state")]

    def _setting(self, model):
        """What must be the same for a training to be resumed, as a dict of texts."""
        stateful = [type(c).__name__ for c in self._stateful()]
        parts = {
            "backend": keras.config.backend(),
            "model": type(model).__name__,
            "optimizer": type(model.optimizer).__name__,
            "callbacks with a state": ", ".join(stateful) or "none",
            **self.config,
        }
        if isinstance(model, Task):  # the vocabularies are in here
            parts |= flatten(model.get_config(), "model")
        for i, v in enumerate(_lasting(model)):
            parts[f"weight {i}"] = f"{v.name} {v.dtype} {tuple(v.shape)}"
        for i, v in enumerate(model.optimizer.variables):
            parts[f"optimizer variable {i}"] = f"{v.dtype} {tuple(v.shape)}"
        return parts


def _variables(model):
    """All that training changes; seed states are among the variables of a model."""
    return [*_lasting(model), *model.optimizer.variables]


def _lasting(model):
    """The variables of the model that an epoch begins with."""
    passing = model.passing_variables() if isinstance(model, Task) else []
    passing = {id(variable) for variable in passing}
    return [variable for variable in model.variables if id(variable) not in passing]


def _to_numpy(variable):
    """The value as an array that NumPy can write: bfloat16 as float32, which holds it exactly."""
    array = np.asarray(ops.convert_to_numpy(variable))
    return array.astype("float32") if array.dtype.kind == "V" else array
