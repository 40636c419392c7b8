"""Recurrent layers on top of each other."""

from typing import Any

import keras
from keras import ops

from keras_seq._checks import check_positive, check_rate
from keras_seq._typing import AnyCell, Config, Mask, Nest, Options, Shape, Tensor, Tensors, Unpack
from keras_seq.layers.carried_state import CarriedState, check_stateful
from keras_seq.layers.cells import (
    build_cell,
    cell_config,
    get_cell,
    initial_state,
    initial_state_of,
    output_size,
    state_shape,
    state_sizes,
)
from keras_seq.layers.dropout import dropout_layer
from keras_seq.layers.first_states import read_states
from keras_seq.layers.masking import without_masked
from keras_seq.layers.recurrent_layer import (
    as_mask,
    check_parts,
    check_weight_dropout,
    draw_dropout,
    last_steps,
)
from keras_seq.layers.stepper import single_stepper
from keras_seq.layers.torch_weights import TorchWeights
from keras_seq.layers.unroll import unroll, unroll_both


@keras.saving.register_keras_serializable(package="keras_seq")
class RNNStack(TorchWeights, keras.layers.Layer):
    r"""Recurrent layers on top of each other, of one direction or both.

        d^l_t = dropout(y^(l-1)_t)                    d^1_t = x_t
        r^l_t = cell^l(d^l_t)                         [forward_t; backward_t] if `bidirectional`
        s^l_t = r^l_t + d^l_t                         if `residual` and l > 1, else r^l_t
        y^l_t = LayerNorm^l(s^l_t)                    if `layer_norm`, else s^l_t

    The output is y of the top layer. A masked step leaves the state alone and gives zeros: the
    backward direction so begins at each row's last valid step, and the final states are those of
    the valid steps only. Padding on the right is the fast case.

    A gradient that vanishes on its way down is helped by `residual`, one that vanishes on its way
    back in time by the cell: its gates (`"lstm"`, `"gru"`) and their first biases (`LSTM(...,
    chrono=...)`), the identity (`"irnn"`), or skips through time (`TimeSkipCell`). One that
    explodes is clipped by the optimiser, `keras.optimizers.Adam(global_clipnorm=1.0)` by its norm
    or `clipvalue=` number by number, or cut by `truncate`.

    Second derivatives are right on every backend, but with `layer_norm` on TensorFlow: there those
    of Keras's `LayerNormalization` are wrong (`tf.nn.moments` takes the mean for a constant).

    For streaming (of one direction), `start` and `step` take one step after the other; the results
    are those of the call.

    Args:
        cell: `"lstm"`, `"gru"`, `"vanilla"` or another name in `ks.layers.CELLS`, the config of a
            cell, or an instance of one, such as `LSTM(64, chrono=100).cell` or
            `TimeSkipCell("gru", units=64)`; every layer and direction has a copy of its own.
        units: size of the state, per direction, where a name is given.
        num_layers: number of layers.
        bidirectional: whether to read from both sides.
        dropout: rate of the dropout between two layers, in [0, 1).
        residual: whether what goes into a layer above the bottom one is added to its output.
        layer_norm: whether the output of each layer is normalised (`keras.layers
            .LayerNormalization`), after the residual.
        weight_dropout: rate in [0, 1) at which weights of every recurrent kernel are dropped in
            training, the same ones for all rows and steps of a call.
        variational: whether `dropout` drops the same features at all steps of a sequence.
        truncate: an integer k: after every k steps, in the order of reading, the state goes on but
            no gradient comes back through it; `None` (default) for a whole sequence.
        return_sequences: whether to return the outputs of all steps, or of the last one: of each
            direction the last step that it reads.
        return_state: whether to return the final states too.
        stateful: whether each batch begins with the states that the one before has left, row by
            row, until `reset_state()`; the number of rows is then the same in all batches, and
            `batch_shape` of the input says it. They are not saved.
        recompute: an integer k: only the state is kept every k steps, and what happens between is
            computed once more on the way back. That is less memory for long sequences, and the same
            results; the square root of the number of steps is a good k. `None` (default) keeps all.

    Call arguments:
        inputs: `(batch, time, features)`.
        mask: boolean `(batch, time)`, `False` where padding; a mask that Keras attached to
            `inputs` is used where none is passed. A row without any valid step gives zeros and its
            initial state.
        initial_state: for each layer the list of its state tensors `(batch, size)`, forward first,
            as the final states are returned; the cells' own ones where it is not given.
        training: whether dropout is active.

    Returns:
        `(batch, time, size)` with `return_sequences`, else `(batch, size)`, in the compute dtype,
        size being `units` or `2 * units`; with `return_state` a pair of that and of the final
        states, for each layer the list of its state tensors, forward first.

    Raises:
        ValueError: for an unknown cell, `units` or `num_layers` below 1, a rate outside [0, 1),
            `truncate` or `recompute` below 1, one of these or `weight_dropout` with a cell that
            cannot have it,
            `stateful=True` with a number of rows that is not known or a cell that learns its first
            state, and for an `initial_state` of other sizes.

    Example:

    >>> import numpy as np
    >>> stack = RNNStack("lstm", units=4, num_layers=2, layer_norm=True, return_state=True)
    >>> output, states = stack(np.ones((2, 5, 3), "float32"))
    >>> tuple(output.shape), len(states), len(states[0])
    ((2, 4), 2, 2)

    References:
        - Graves, 2013, "Generating sequences with recurrent neural networks", arXiv:1308.0850.
        - Zaremba, Sutskever & Vinyals, 2014, "Recurrent neural network regularization",
          arXiv:1409.2329 (dropout between the layers).
        - Gal & Ghahramani, 2016, "A theoretically grounded application of dropout in recurrent
          neural networks", arXiv:1512.05287 (`variational`).
        - Merity, Keskar & Socher, 2018, "Regularizing and optimizing LSTM language models",
          arXiv:1708.02182 (`weight_dropout`).
        - Williams & Peng, 1990, "An efficient gradient-based algorithm for on-line training of
          recurrent network trajectories", Neural Computation 2(4) (`truncate`).
    """

    def __init__(
        self,
        cell: AnyCell = "lstm",
        units: int = 256,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        residual: bool = False,
        layer_norm: bool = False,
        weight_dropout: float = 0.0,
        variational: bool = False,
        return_sequences: bool = False,
        return_state: bool = False,
        truncate: int | None = None,
        stateful: bool = False,
        recompute: int | None = None,
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        self.units = check_positive("units", units)
        self.num_layers = check_positive("num_layers", num_layers)
        self.bidirectional = bidirectional
        self.dropout = check_rate("dropout", dropout)
        self.residual = residual
        self.layer_norm = layer_norm
        self.variational = variational
        self.return_sequences = return_sequences
        self.return_state = return_state
        # The pattern; every layer and direction has a copy of its own. Without weights it is as
        # built as it will ever be: a layer that is not makes Keras look for its weights anew at
        # each `predict` on JAX, which takes longer than the answers.
        self.cell = get_cell(cell, units, self.dtype_policy)
        self.cell.built = True
        self.weight_dropout = check_weight_dropout(weight_dropout, self.cell)
        self.truncate = check_parts("truncate", truncate, self.cell)
        self.recompute = check_parts("recompute", recompute, self.cell)
        backward = num_layers if bidirectional else 0
        self.forward_cells = [get_cell(self.cell) for _ in range(num_layers)]
        self.backward_cells = [get_cell(self.cell) for _ in range(backward)]
        self.dropout_layer = dropout_layer(dropout, variational, self.dtype_policy)
        self.norm_layers = [
            keras.layers.LayerNormalization(dtype=self.dtype_policy)
            for _ in range(num_layers if layer_norm else 0)
        ]
        self.stateful = check_stateful(stateful, self.cell)
        self.carried_state = CarriedState(dtype=self.dtype_policy) if stateful else None
        self.supports_masking = True

    @property
    def output_size(self) -> int:
        """The number of features in the outputs."""
        return output_size(self.cell) * (2 if self.bidirectional else 1)

    @property
    def state_size(self) -> list[list[Any]]:
        """The sizes of the final state tensors of each layer, a list of lists."""
        return [state_sizes(self.cell) * (2 if self.bidirectional else 1)] * self.num_layers

    def build(self, inputs_shape: Shape, initial_state_shape: Shape | None = None) -> None:
        size = inputs_shape[-1]
        for directions in self._layers_of_cells():
            for cell in directions:
                build_cell(cell, (inputs_shape[0], size))
            size = self.output_size
        for norm in self.norm_layers:
            norm.build((*inputs_shape[:-1], size))
        if self.stateful and not self.carried_state.tensors:
            self.carried_state.make(inputs_shape[0], keras.tree.flatten(self.state_size))

    def call(
        self, inputs: Tensor, mask: Mask = None, initial_state: Nest = None, training: bool = False
    ) -> Nest:
        mask = as_mask(mask)
        inputs = without_masked(inputs, mask)
        if initial_state is None:
            first_states = [None] * self.num_layers
            if self.stateful:
                first_states = self._carried(inputs)
        else:
            first_states = self._checked(initial_state, inputs)
        states = []
        for i, directions in enumerate(self._layers_of_cells()):
            if i:
                inputs = self.dropout_layer(inputs, training=training)
            outputs, state = self._run(directions, inputs, first_states[i], mask, training)
            inputs = inputs + outputs if i and self.residual else outputs
            if self.layer_norm:
                inputs = without_masked(self.norm_layers[i](inputs), mask)
            states.append(state)
        if self.stateful:
            self.carried_state.write(keras.tree.flatten(states))
        outputs = inputs
        if not self.return_sequences:  # 0 where a row has no valid step
            half = output_size(self.cell) if self.bidirectional else None
            outputs = last_steps(inputs, mask, half)
        return (outputs, states) if self.return_state else outputs

    def _carried(self, inputs):
        """The states that the last call left, as many as the stack was built for."""
        tensors = self.carried_state.read()
        rows = tensors[0].shape[0]
        if inputs.shape[0] not in (None, rows):
            raise ValueError(
                f"A stateful RNNStack that was built for {rows} rows needs as many in each batch; "
                f"received {inputs.shape[0]}."
            )
        return keras.tree.pack_sequence_as(self.state_size, tensors)

    def reset_state(self) -> None:
        """Let the next batch begin anew; for `stateful=True`."""
        if not self.stateful:
            raise AttributeError("Only a layer with `stateful=True` has a state to reset.")
        self.carried_state.reset()

    def reset_states(self) -> None:
        """The same, as Keras also calls it."""
        self.reset_state()

    def start(self, batch_size: int, max_length: int | None = None) -> list[Tensors]:
        """Return the state before the first step: for each layer the list of its tensors.

        Args:
            batch_size: number of rows.
            max_length: has no meaning here: a state is as large after any number of steps.
        """
        del max_length
        if self.bidirectional:
            raise ValueError("`start` and `step` read from the left; this stack is bidirectional.")
        return [
            [ops.cast(x, self.compute_dtype) for x in initial_state_of(cell, batch_size)]
            for cell in self.forward_cells
        ]

    def step(self, x: Tensor, state: list[Tensors]) -> tuple[Tensor, list[Tensors]]:
        """Return `(output, state)` of one more step.

        Args:
            x: `(batch, features)`.
            state: as `start`, the last `step` or a call with `return_state` returned it.

        Returns:
            `(batch, size)` and the new state.
        """
        x, new = ops.cast(x, self.compute_dtype), []
        for i, cell in enumerate(self.forward_cells):
            tensors = [ops.cast(tensor, cell.compute_dtype) for tensor in state[i]]
            output, tensors = single_stepper(cell).step(x, [], tensors)
            output = ops.cast(output, self.compute_dtype)
            x = x + output if i and self.residual else output
            if self.layer_norm:
                x = self.norm_layers[i](x)
            new.append([ops.cast(tensor, self.compute_dtype) for tensor in tensors])
        return x, new

    def _layers_of_cells(self):
        if not self.bidirectional:
            return [(cell,) for cell in self.forward_cells]
        return list(zip(self.forward_cells, self.backward_cells, strict=True))

    def _check_torch(self):
        super()._check_torch()
        if self.layer_norm or (self.residual and self.num_layers > 1):
            raise ValueError(
                "PyTorch's layers have neither `residual` nor `layer_norm`; received "
                f"residual={self.residual!r} and layer_norm={self.layer_norm!r}."
            )

    def _checked(self, states, inputs):
        """The initial states as lists, if their shapes are right."""
        expected = self.state_size
        lists = isinstance(states, (list, tuple)) and all(
            isinstance(layer, (list, tuple)) for layer in states
        )
        if lists:
            states = [[ops.convert_to_tensor(x) for x in layer] for layer in states]
            received = [
                [x.shape[-1] if len(x.shape) == 2 else tuple(x.shape[1:]) for x in layer]
                for layer in states
            ]
        else:
            received = type(states).__name__
        if received != expected:
            raise ValueError(
                "`initial_state` must have for each layer a list of state tensors, of the sizes "
                f"{expected}; received {received}."
            )
        return [read_states(*pair, inputs) for pair in zip(states, expected, strict=True)]

    def _run(self, directions, inputs, state, mask, training):
        """All directions of a layer, side by side; `state` is a list over both or `None`."""
        firsts = []
        # A cell that a user made has a dtype of its own.
        inputs = ops.cast(inputs, directions[0].compute_dtype)
        for i, cell in enumerate(directions):
            if state is None:
                firsts.append(initial_state(cell, inputs))
            else:
                half = len(state) // len(directions)
                tensors = state[i * half : (i + 1) * half]
                firsts.append([ops.cast(x, cell.compute_dtype) for x in tensors])
        drawn = [draw_dropout(cell, inputs, training, self.weight_dropout) for cell in directions]
        if len(directions) == 2 and all(dropped is inputs for dropped, _, _ in drawn):
            kernels = [kernel for _, kernel, _ in drawn]
            outputs, states = unroll_both(
                *directions,
                inputs,
                firsts,
                mask,
                drawn[0][2],
                recurrent_kernels=kernels,
                truncate=self.truncate,
                recompute=self.recompute,
            )
        else:
            both = [
                unroll(
                    cell,
                    dropped,
                    first,
                    mask,
                    reverse,
                    inside,
                    kernel,
                    self.truncate,
                    self.recompute,
                )
                for cell, first, reverse, (dropped, kernel, inside) in zip(
                    directions, firsts, (False, True), drawn, strict=False
                )
            ]
            outputs, states = zip(*both, strict=True)
        outputs = [ops.cast(output, self.compute_dtype) for output in outputs]
        states = [ops.cast(tensor, self.compute_dtype) for state in states for tensor in state]
        return ops.concatenate(outputs, axis=-1), states

    def compute_mask(self, inputs, mask=None):
        outputs_mask = mask if self.return_sequences else None
        if not self.return_state:
            return outputs_mask
        return outputs_mask, [[None] * len(sizes) for sizes in self.state_size]

    def compute_output_shape(self, inputs_shape, initial_state_shape=None):
        steps = inputs_shape[:-1] if self.return_sequences else inputs_shape[:1]
        outputs = (*steps, self.output_size)
        if not self.return_state:
            return outputs
        rows = inputs_shape[0]
        return outputs, [[(rows, *state_shape(n)) for n in sizes] for sizes in self.state_size]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "cell": cell_config(self.cell),
            "units": self.units,
            "num_layers": self.num_layers,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "residual": self.residual,
            "layer_norm": self.layer_norm,
            "weight_dropout": self.weight_dropout,
            "variational": self.variational,
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "truncate": self.truncate,
            "stateful": self.stateful,
            "recompute": self.recompute,
        }
