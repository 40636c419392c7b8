"""Skips through time, around any cell."""

import keras
from keras import ops

from keras_seq._checks import check_positive
from keras_seq._typing import AnyCell, Config, Nest, Options, Shape, Tensor, Tensors, Unpack
from keras_seq.layers.cells import (
    advance,
    build_cell,
    cell_config,
    forget_dropout,
    get_cell,
    has_dropout,
    initial_state_of,
    output_size,
    prepare_dropout,
    state_names,
    vector_sizes,
)


@keras.saving.register_keras_serializable(package="keras_seq")
class TimeSkipCell(keras.layers.Layer):
    r"""A cell that sees the mean of its last state and of its state `skip` steps ago.

        s'_(t-1) = (s_(t-1) + s_(t-skip)) / 2          for every state tensor
        y_t, s_t = cell(x_t, s'_(t-1))                 s_j is the initial state for j <= 0

    The gradient goes back in strides too. Where the cell alone keeps a part a of it at each step,
    so that it falls like a^n, it now falls like b^n with 1 = a / 2 (1 / b + 1 / b^skip): for
    a = 0.9 and a skip of 10, b = 0.98, and b^100 = 0.16 where a^100 = 3e-5. Residuals through depth
    are `RNNStack(residual=True)`.

    The state is that of the cell, and behind it for each of its tensors the `skip` - 1 states
    before, `(batch, (skip - 1) * size)`, the newest first. Before step `skip` the initial state
    stands for what is not there yet. The weights are those of the cell.

    Args:
        cell: a name in `ks.layers.CELLS`, the config of a cell, or an instance, of which a copy is
            made. The output must stand first in its state.
        skip: how many steps the second state is older than the new one; an integer above 1.
        units: size of the cell's state where a name is given.

    Call arguments:
        inputs: `(batch, features)`, floating point.
        states: a list of tensors `(batch, size)`, as above.
        training: passed to the cell. Dropout in the cell needs a layer that draws it before its
            loop, such as `RNNStack`; `keras.layers.RNN` does so for cells of Keras alone.

    Returns:
        `(output, states)`, in the compute dtype. The cell knows no mask: the layer around it keeps
        the whole state of a masked step, which therefore is no step to skip.

    Raises:
        ValueError: if `skip` is not an integer above 1, for an unknown cell or something that is
            none, for a name without `units`, and for dropout that nobody has drawn.

    Example:

    >>> import numpy as np
    >>> from keras_seq.layers import RNNStack
    >>> stack = RNNStack(TimeSkipCell("vanilla", skip=3, units=4), return_state=True)
    >>> output, states = stack(np.ones((2, 5, 3), "float32"))
    >>> tuple(output.shape), [tuple(s.shape) for s in states[0]]
    ((2, 4), [(2, 4), (2, 8)])

    References:
        - Lin, Horne, Tino & Giles, 1996, "Learning long-term dependencies in NARX recurrent neural
          networks", IEEE Transactions on Neural Networks 7(6).
        - Zhang et al., 2016, "Architectural complexity measures of recurrent neural networks",
          arXiv:1602.08210 (recurrent skip coefficient).
        - Chang et al., 2017, "Dilated recurrent neural networks", arXiv:1710.02224.
    """

    def __init__(
        self, cell: AnyCell, skip: int = 10, units: int | None = None, **kwargs: Unpack[Options]
    ):
        super().__init__(**kwargs)
        skip = check_positive("skip", skip)
        if skip < 2:
            raise ValueError(
                f"`skip` must be an integer above 1; received {skip!r}, the state before alone."
            )
        if isinstance(cell, str) or units is not None:
            units = check_positive("units", units)
        self.skip = skip
        self.units = units
        self.cell = get_cell(cell, units, self.dtype_policy)
        self.sizes = vector_sizes(self.cell, "TimeSkipCell")
        self.state_size = [*self.sizes, *((skip - 1) * size for size in self.sizes)]
        self.output_size = output_size(self.cell)
        self._is_drawn = False

    def build(self, input_shape: Shape) -> None:
        build_cell(self.cell, input_shape)

    def call(self, inputs: Tensor, states: Tensors, training: bool = False) -> tuple[Tensor, Nest]:
        if training and has_dropout(self.cell) and not self._is_drawn:
            raise ValueError(
                "A TimeSkipCell around a cell with dropout needs a layer that draws what is "
                "dropped before its loop, such as RNNStack or Encoder; received a call without it."
            )
        last, past = states[: len(self.sizes)], states[len(self.sizes) :]
        oldest = [x[:, -size:] for x, size in zip(past, self.sizes, strict=True)]
        mean = [(new_x + old_x) / 2 for new_x, old_x in zip(last, oldest, strict=True)]
        output, new = advance(self.cell, inputs, mean, training)
        # A cell that a user made has a dtype of its own.
        output, *new = (ops.cast(x, self.compute_dtype) for x in (output, *new))
        past = [
            ops.concatenate([new_x, x[:, :-size]], axis=-1)
            for new_x, x, size in zip(last, past, self.sizes, strict=True)
        ]
        return output, [*new, *past]

    def get_initial_state(self, batch_size: int | None = None) -> Tensors:
        first = initial_state_of(self.cell, batch_size)
        return self.whole_state([ops.cast(x, self.compute_dtype) for x in first])

    def whole_state(self, first: Tensors) -> Tensors:
        """The state before the first step, from that of the cell: see `cells.whole_state`."""
        return [*first, *(ops.tile(x, (1, self.skip - 1)) for x in first)]

    @property
    def state_names(self) -> list[str | None]:
        """The names of the cell's states; the buffers have none. See `cells.state_names`."""
        return [*state_names(self.cell), *([None] * len(self.sizes))]

    @property
    def dropout(self) -> float:
        """The rate of the cell at which inputs are dropped."""
        return getattr(self.cell, "dropout", 0)

    @property
    def recurrent_dropout(self) -> float:
        """The rate of the cell at which its state is dropped."""
        return getattr(self.cell, "recurrent_dropout", 0)

    def prepare_dropout(self, inputs: Tensor, state: Nest) -> None:
        """Draw what the cell drops out of a sequence; see `cells.prepare_dropout`."""
        prepare_dropout(self.cell, inputs, state)
        self._is_drawn = True

    def forget_dropout(self) -> None:
        """Forget it; to be called after the loop."""
        forget_dropout(self.cell)
        self._is_drawn = False

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "cell": cell_config(self.cell),
            "skip": self.skip,
            "units": self.units,
        }
