"""The gradient at every time step, as training goes on."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_seq._checks import check_choice, check_positive
from keras_seq.analysis import first_to_last_ratio
from keras_seq.analysis.gradient_flow import GradientProbe
from keras_seq.backend import synchronize


class GradientFlow(keras.callbacks.Callback):
    r"""`analysis.gradient_flow` of one probe batch before training and again and again during it.

        g_t = || dL/dh_t ||  for each recurrent layer and step, L the loss of the probe batch

    The probe is computed beside the training, with dropout off, and changes nothing in it. Its
    first-to-last ratio, `first_to_last_ratio`, goes into the logs of every epoch as
    `gradient_ratio/<layer>`: below 1 the gradient vanishes on its way back, above 1 it grows.

    Args:
        x, y, sample_weight: the probe batch, as for `train_on_batch`; lists of texts for task
            models. Some 32 rows are enough.
        every: after how many epochs, or batches, it is computed.
        per: `"epoch"` or `"batch"`.
        layers: names of further layers, as in `gradient_flow`.

    Attributes:
        times: after how many epochs, or batches, each record was made; the first is 0.
        flows: a dict from the name of a layer to a float64 array `(len(times), time)`. Masked
            steps are left out of the norms, see `gradient_flow`. A second `fit` goes on with both.

    Raises:
        ValueError: at the beginning of `fit`, where the model has no recurrent layer, is not
            compiled, or the probe does not fit it; for an `every` below 1.

    Example:

    ```python
    flow = ks.callbacks.GradientFlow(x[:32], y[:32])
    model.fit(x, y, epochs=10, callbacks=[flow])
    ks.analysis.plot_gradient_heatmap(flow, save="flow.png")
    ```
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        every: int = 1,
        per: str = "epoch",
        layers: Sequence[Any] | None = None,
    ):
        super().__init__()
        self.batch = x, y, sample_weight
        self.every = check_positive("every", every)
        self.per = check_choice("per", per, ("epoch", "batch"))
        self.layers = layers
        self.times = []
        self._records = []
        self._probe = None
        self._batches = 0

    @property
    def flows(self) -> dict[str, Any]:
        """A dict from the name of a layer to an array `(records, time)`."""
        names = self._records[0] if self._records else {}
        return {name: np.stack([record[name] for record in self._records]) for name in names}

    def on_train_begin(self, logs=None):
        if self._probe is None or self._probe.model is not self.model:
            self.times, self._records, self._batches = [], [], 0
            self._probe = GradientProbe(self.model, *self.batch, layers=self.layers)
            self._record(0)

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1
        if self.per == "batch" and self._batches % self.every == 0:
            self._record(self._batches)

    def on_epoch_end(self, epoch, logs=None):
        if self.per == "epoch" and (epoch + 1) % self.every == 0:
            self._record(epoch + 1)
        if logs is not None:
            for name, norms in self._records[-1].items():
                logs[f"gradient_ratio/{name}"] = first_to_last_ratio(norms)

    def _record(self, time):
        synchronize(self.model)
        self.times.append(time)
        self._records.append(self._probe())
