"""A recurrent layer read from both sides, in place of Keras's wrapper."""

from typing import Any

import keras
from keras import ops

from keras_seq._typing import Mask, Nest, Options, Tensor, Unpack
from keras_seq.layers.cells import output_size, state_sizes
from keras_seq.layers.first_states import read_states
from keras_seq.layers.masking import without_masked
from keras_seq.layers.recurrent_layer import RecurrentLayer, as_mask, draw_dropout, last_output
from keras_seq.layers.torch_weights import TorchWeights
from keras_seq.layers.unroll import unroll_both

MERGES = {
    "concat": lambda one, other: ops.concatenate([one, other], axis=-1),
    "sum": lambda one, other: one + other,
    "ave": lambda one, other: (one + other) / 2,
    "mul": lambda one, other: one * other,
    None: lambda one, other: (one, other),
}


@keras.saving.register_keras_serializable(package="keras_seq")
class Bidirectional(TorchWeights, keras.layers.Bidirectional):
    r"""`keras.layers.Bidirectional`, which computes both directions of our layers in one go.

        forward:   h_t = cell(x_t, h_(t-1))
        backward:  g_t = cell'(x_t, g_(t+1))
        output:    merge(h_t, g_t)                    of all steps with `return_sequences`
                   merge(h_T, g_1)                    of the last step of each direction without

    The weights are those of Keras's wrapper around Keras's layer, in its order: forward, then
    backward. A layer that is not one of ours (`keras.layers.LSTM`, ...) runs as Keras runs it.

    Args:
        layer: a recurrent layer, the pattern of both directions: each has its `chrono` (and draws
            numbers of its own), its `weight_dropout`, its `recompute`, and its `truncate`, whose
            parts begin at the first step that the direction reads.
        merge_mode: `"concat"` (default), `"sum"`, `"ave"`, `"mul"`, or `None` for a pair.
        backward_layer: a layer with the other value of `go_backwards`, where it is to differ; of
            another size too with `"concat"` and `None`.
        **kwargs: the other arguments of `keras.layers.Bidirectional`.

    Call arguments:
        sequences: `(batch, time, features)`.
        initial_state: the state tensors of the forward layer, then those of the backward layer.
        mask: boolean `(batch, time)`, `False` where padding; a mask that Keras attached to
            `sequences` is used where none is passed. A masked step keeps the state and gives 0 (in
            `"concat"`, `"sum"` and `"ave"` too): the backward direction so begins at each row's
            last valid step.
        training: whether dropout is active.

    Returns:
        `(batch, time, size)` with `return_sequences`, else `(batch, size)`, in the compute dtype,
        size being that of both layers together for `"concat"`; two of them for `merge_mode=None`;
        with `return_state` a tuple of that and the state tensors, forward first.

    Raises:
        ValueError: for an unknown `merge_mode`, for a `layer` that is no layer, for two layers that
            do not fit together, such as of two sizes for `"sum"`, and for an `initial_state` of
            other shapes.

    Example:

    >>> import numpy as np
    >>> from keras_seq.layers import LSTM
    >>> layer = Bidirectional(LSTM(4, return_sequences=True))
    >>> tuple(layer(np.ones((2, 5, 3), "float32")).shape)
    (2, 5, 8)

    References:
        - Schuster & Paliwal, 1997, "Bidirectional recurrent neural networks", IEEE Transactions
          on Signal Processing 45(11).
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        merge_mode: str | None = "concat",
        weights: list[Any] | None = None,
        backward_layer: keras.layers.Layer | None = None,
        **kwargs: Unpack[Options],
    ):
        super().__init__(layer, merge_mode, weights, backward_layer, **kwargs)
        sizes = [
            output_size(direction.cell)
            for direction in (self.forward_layer, self.backward_layer)
            if hasattr(direction, "cell")
        ]
        if merge_mode not in ("concat", None) and len(set(sizes)) > 1:
            raise ValueError(
                f'`merge_mode={merge_mode!r}` needs two layers of the same size, "concat" and None '
                f"do not; received the sizes {sizes}."
            )

    def call(
        self, sequences: Tensor, initial_state: Nest = None, mask: Mask = None, training=None
    ) -> Nest:
        layers = (self.forward_layer, self.backward_layer)
        sequences = without_masked(sequences, as_mask(mask))
        if not self._is_served(training):
            return super().call(
                sequences, initial_state=initial_state, mask=mask, training=training
            )
        cells = [layer.cell for layer in layers]
        states = self._first_states(sequences, initial_state)
        mask = as_mask(mask)
        inputs = ops.cast(sequences, self.compute_dtype)
        kernels = [
            draw_dropout(layer.cell, inputs, training, layer.weight_dropout)[1] for layer in layers
        ]
        outputs, states = unroll_both(
            *cells,
            inputs,
            states,
            mask,
            bool(training),
            recurrent_kernels=kernels,
            truncate=self.forward_layer.truncate,
            recompute=self.forward_layer.recompute,
        )
        if not self.return_sequences:
            outputs = [last_output(state, mask) for state in states]
        merged = MERGES[self.merge_mode](*outputs)
        if not self.return_state:
            return merged
        merged = merged if self.merge_mode is None else (merged,)
        return (*merged, *states[0], *states[1])

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        outputs, states = [], ()
        for layer in (self.forward_layer, self.backward_layer):
            shapes = layer.compute_output_shape(sequences_shape)
            outputs.append(tuple(shapes[0] if self.return_state else shapes))
            states += tuple(shapes[1:]) if self.return_state else ()
        if self.merge_mode == "concat":
            outputs = [(*outputs[0][:-1], outputs[0][-1] + outputs[1][-1])]
        elif self.merge_mode is not None:
            outputs = outputs[:1]
        shapes = (*outputs, *states)
        return shapes if len(shapes) > 1 else shapes[0]

    def compute_mask(self, sequences, mask=None):
        if not (self.stateful and self.return_state):
            return super().compute_mask(sequences, mask)
        # Keras's own raises a TypeError here.
        outputs_mask = as_mask(mask) if self.return_sequences else None
        return [outputs_mask] * (2 if self.merge_mode is None else 1) + [None] * len(self.states)

    def _layers_of_cells(self):
        # A layer that is no loop over a cell stands for itself, and has no equations.
        layers = (self.forward_layer, self.backward_layer)
        return [tuple(getattr(layer, "cell", layer) for layer in layers)]

    def _is_served(self, training):
        """Whether both directions can run side by side, without the call of either layer."""
        layers = (self.forward_layer, self.backward_layer)
        if self.stateful:  # each layer keeps its own state
            return False
        return [getattr(layer, "go_backwards", None) for layer in layers] == [False, True] and all(
            isinstance(layer, RecurrentLayer)
            and layer.is_served(training)
            and layer.activity_regularizer is None  # which is added by the call
            and layer.compute_dtype == layer.cell.compute_dtype == self.compute_dtype
            and (layer.truncate, layer.recompute) == (layers[0].truncate, layers[0].recompute)
            # Each direction drops features of its own: the inputs are no longer the same.
            and not (training and getattr(layer.cell, "dropout", 0))
            for layer in layers
        )

    def _first_states(self, sequences, initial_state):
        """The initial states of both directions, a pair of lists."""
        if initial_state is None:
            batch = ops.shape(sequences)[0]
            layers = (self.forward_layer, self.backward_layer)
            return [layer.get_initial_state(batch_size=batch) for layer in layers]
        first = state_sizes(self.forward_layer.cell)
        sizes = [*first, *state_sizes(self.backward_layer.cell)]
        tensors = read_states(initial_state, sizes, sequences, self.compute_dtype)
        return [tensors[: len(first)], tensors[len(first) :]]
