"""A recurrent cell that looks at a memory at each step."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_seq._checks import check_choice, unbuilt_config
from keras_seq._typing import AnyCell, Config, Mask, Nest, Options, Shape, Tensor, Tensors, Unpack
from keras_seq.layers.attentions.mechanism import AttentionMechanism
from keras_seq.layers.cells import (
    build_cell,
    cell_config,
    forget_dropout,
    get_cell,
    output_size,
    prepare_dropout,
    state_sizes,
)
from keras_seq.layers.masking import without_masked
from keras_seq.layers.observation import observed_scan
from keras_seq.layers.stepper import OwnDtypeStepper, single_stepper, stepper
from keras_seq.layers.unroll import unroll

ORDERS = ("bahdanau", "luong")


@keras.saving.register_keras_serializable(package="keras_seq")
class AttentionCell(keras.layers.Layer):
    r"""A cell, or a stack of cells, that attends to a memory.

    In Bahdanau's order it attends, then recurs:

        c_t = attention(q = h_(t-1), memory)
        h_t = cell([x_t; c_t], state_(t-1))

    In Luong's order it recurs, then attends:

        h_t = cell(x_t, state_(t-1))
        c_t = attention(q = h_t, memory)

    In a stack the query is the output of the top cell, and in Bahdanau's order the context goes
    into the bottom one. With `attention=None` the context is one vector that does not change over
    time; in Bahdanau's order that is the fixed-context decoder of Cho et al.

    Args:
        cell: any Keras RNN cell, a name (`"lstm"`, `"irnn"`, ...), a config, or a list of
            these for a stack. Copies are made. The output must stand first in the cell's state.
        attention: an `AttentionMechanism`, its config, or `None`.
        units: size of the cells where names are given.
        order: `"bahdanau"` or `"luong"`.
        residual: whether what goes into a cell above the bottom one is added to its output.

    Call arguments:
        inputs: `(batch, features)`.
        state: what `start` or the last call returned.
        memory: what `memory(...)` returned; prepared once per source.
        dropout_masks: a list with one tensor `(batch, size)` for each boundary between two cells,
            multiplied with what passes there; `None` for no dropout.
        noise: one step of what the mechanism's `draw_noise` returned.
        training: passed to the cells and the attention.

    Returns:
        `((output, context, weights), state)`; `weights` is `None` where `attention` is.

    Raises:
        ValueError: for an unknown `order`, no cell, or residuals between cells of unequal size.

    Example:

    >>> import numpy as np
    >>> from keras_seq.layers import BahdanauAttention
    >>> cell = AttentionCell("gru", BahdanauAttention(4), units=8)
    >>> cell.build((2, 3), (2, 5, 6))
    >>> memory = cell.memory(np.ones((2, 5, 6), "float32"), np.ones((2, 5), bool))
    >>> state = cell.start([[np.zeros((2, 8), "float32")]], memory)
    >>> (output, context, weights), state = cell(np.ones((2, 3), "float32"), state, memory)
    >>> tuple(output.shape), tuple(context.shape), tuple(weights.shape)
    ((2, 8), (2, 6), (2, 5))

    References:
        - Bahdanau, Cho & Bengio, 2015, arXiv:1409.0473, section 3.1 and appendix A.2.2.
        - Luong, Pham & Manning, 2015, arXiv:1508.04025, section 3.
        - Cho et al., 2014, arXiv:1406.1078, section 2.2, for the fixed context.
    """

    def __init__(
        self,
        cell: AnyCell | Sequence[AnyCell],
        attention: AttentionMechanism | Config | None = None,
        units: int | None = None,
        order: str = "bahdanau",
        residual: bool = False,
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        if isinstance(cell, keras.layers.StackedRNNCells):
            cell = cell.cells
        cells = cell if isinstance(cell, (list, tuple)) else [cell]
        if not cells:
            raise ValueError("`cell` must be a cell or a list of at least one; received none.")
        self.cells = [get_cell(part, units, self.dtype_policy) for part in cells]
        if isinstance(attention, dict):
            attention = keras.saving.deserialize_keras_object(attention)
        if not (attention is None or isinstance(attention, AttentionMechanism)):
            raise ValueError(
                "`attention` must be an AttentionMechanism, its config or None; "
                f"received {attention!r}."
            )
        self.attention = attention
        self.order = check_choice("order", order, ORDERS)
        self.residual = residual
        sizes = {output_size(part) for part in self.cells}
        if residual and len(sizes) > 1:
            raise ValueError(
                f"Residuals need cells with outputs of one size; received {sorted(sizes)}."
            )

    @property
    def state_size(self) -> list[list[int]]:
        """The sizes of the state tensors of each cell, a list of lists."""
        return [state_sizes(cell) for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The number of features in the output of the top cell."""
        return output_size(self.cells[-1])

    def build(self, inputs_shape: Shape, values_shape: Shape) -> None:
        """Make the weights for inputs `(..., features)` and memory values `(..., size)`."""
        if self.attention is not None and not self.attention.built:
            self.attention.build((None, self.output_size), values_shape)
            self.attention.built = True
        self.inputs_size = inputs_shape[-1]
        size = self.inputs_size + (values_shape[-1] if self.order == "bahdanau" else 0)
        for cell in self.cells:
            build_cell(cell, (inputs_shape[0], size))
            size = output_size(cell)
        self.built = True

    def memory(self, values: Tensor, values_mask: Mask = None) -> dict[str, Tensor]:
        """Prepare what the cell attends to.

        Args:
            values: `(batch, time, size)`; with `attention=None` the fixed context `(batch, size)`.
            values_mask: boolean `(batch, time)` or `None`.

        Returns:
            A dict of tensors, batch first.
        """
        if self.attention is None:
            return {"context": values}
        if values_mask is None:
            values_mask = ops.ones(ops.shape(values)[:2], dtype="bool")
        else:
            values = without_masked(values, ops.cast(values_mask, "bool"))
        keys = self.attention.project_keys(values)
        return {"values": values, "keys": keys, "mask": values_mask}

    def start(self, cell_states: Nest, memory: Nest) -> Nest:
        """Return the state before the first step, a dict of nests of tensors, batch first.

        Args:
            cell_states: a list with the list of state tensors of each cell.
            memory: what `memory(...)` returned.
        """
        state = {
            "cells": [
                [ops.cast(x, cell.compute_dtype) for x in tensors]
                for cell, tensors in zip(self.cells, cell_states, strict=True)
            ]
        }
        if self.attention is not None:
            state["attention"] = self.attention.initial_state(memory["mask"])
        return state

    def call(
        self,
        inputs: Tensor,
        state: Nest,
        memory: Nest,
        dropout_masks: Tensors | None = None,
        noise: Tensor = None,
        training: bool = False,
    ) -> tuple[tuple[Tensor, Tensor, Tensor], Nest]:
        steppers = self.plain_steppers(training)
        return self.step(steppers, inputs, state, memory, (), dropout_masks, noise, training)

    def plain_steppers(self, training=False):
        """How each cell runs by itself, where no loop knows anything before it begins."""
        return [self._of_dtype(cell, single_stepper(cell, training)) for cell in self.cells]

    def steppers(self, hoisted, training=False):
        """How each cell runs in a loop that knows its first `hoisted` inputs before it begins."""
        sizes = [hoisted] + [0] * (len(self.cells) - 1)
        return [
            self._of_dtype(cell, stepper(cell, size, training))
            for cell, size in zip(self.cells, sizes, strict=True)
        ]

    def _of_dtype(self, cell, inner):
        """A stepper with inputs and output of this dtype, around a cell that has its own."""
        same = cell.compute_dtype == self.compute_dtype
        return inner if same else OwnDtypeStepper(inner, cell, self.compute_dtype)

    def step(
        self,
        steppers,
        x,
        state,
        memory,
        inside=(),
        dropout_masks=None,
        noise=None,
        training=False,
    ):
        """One step in a loop.

        Args:
            steppers: what `steppers(...)` returned before the loop.
            x: one step of what the `project` of the first of them returned, or `None`.
            state, memory: as in the call.
            inside: the inputs that are known inside the loop only, a list of `(batch, size)`.
            dropout_masks, noise, training: as in the call.

        Returns:
            `((output, context, weights), state)`.
        """
        inside = list(inside)
        if self.order == "bahdanau":
            query = ops.cast(state["cells"][-1][0], self.compute_dtype)
            context, weights, attended = self._attend(query, memory, state, noise, training)
            inside.append(context)

        def run(i, below, tensors):
            if i == 0:
                return steppers[0].step(x, inside, tensors)
            return steppers[i].step(None, [below], tensors)

        output, cells = self._through_the_stack(state["cells"], dropout_masks, run)
        if self.order == "luong":
            context, weights, attended = self._attend(output, memory, state, noise, training)
        return (output, context, weights), {**state, "cells": cells, **attended}

    def matrices(self, steppers, memory):
        """What the loop multiplies with at each step: for `backend.scan`."""
        values = [] if self.attention is None else [memory["values"]]
        return [matrix for stepper in steppers for matrix in stepper.matrices] + values

    def unroll(
        self,
        inputs: Tensor,
        state: Nest,
        memory: Nest,
        dropout_masks: Tensors | None = None,
        training: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """All steps of `inputs`, `(batch, steps, features)`.

        In Luong's order each layer runs over all steps at once, and then all steps attend at once.
        In Bahdanau's the product of the inputs with their weights is taken out of the loop.

        Returns:
            `(output, context, weights)`, each with a time axis.
        """
        if self.order == "luong":
            return self._recur_then_attend(inputs, state, memory, dropout_masks, training)
        steppers = self.steppers(inputs.shape[-1], training)

        def step(x, state):
            (output, context, weights), state = self.step(
                steppers,
                x["inputs"],
                state,
                memory,
                dropout_masks=dropout_masks,
                noise=x.get("noise"),
                training=training,
            )
            seen = {"output": output, "context": context, "weights": weights}
            return {name: x for name, x in seen.items() if x is not None}, state

        steps = {"inputs": steppers[0].project(inputs)}
        seen, _ = self.loop(step, state, state, memory, steps, steppers, training)
        return seen["output"], seen["context"], seen.get("weights")

    def loop(self, step, carried, state, memory, steps, steppers, training=False):
        """Run `step` over all steps; what is random in cells and attention is drawn before it.

        Args:
            step: `(one step of steps, carried) -> (results, carried)`; it calls `self.step`.
            carried: what goes from step to step, with the state of this cell in it.
            state: that state before the first step.
            memory: what `memory(...)` returned.
            steps: a dict of tensors `(batch, steps, ...)`; where the attention draws noise, `step`
                finds it as `noise`.
            steppers: what `steppers(...)` returned.
            training: as in the call.

        Returns:
            `(results, carried)`: the results of all steps, with a time axis, and what is carried
            behind the last one.
        """
        leaves = keras.tree.flatten(steps)
        noise = self.draw_noise(leaves[0], memory, training)
        if noise is not None:
            steps = {**steps, "noise": noise}
        blank = ops.zeros((ops.shape(leaves[0])[0], self.inputs_size), dtype=self.compute_dtype)
        self.prepare_dropout(blank, state, memory)
        matrices = self.matrices(steppers, memory)
        results = observed_scan(self.cells, step, carried, steps, matrices)
        self.forget_dropout()
        return results

    def draw_noise(self, inputs: Tensor, memory: Nest, training: bool) -> Tensor | None:
        """The noise of the attention for all steps of `inputs`, or `None`."""
        if self.attention is None or not training:
            return None
        return self.attention.draw_noise(memory["mask"], ops.shape(inputs)[1])

    def _recur_then_attend(self, inputs, state, memory, dropout_masks, training):
        masks = None if dropout_masks is None else [mask[:, None] for mask in dropout_masks]

        def run(i, below, tensors):
            cell = self.cells[i]
            below = ops.cast(below if i else inputs, cell.compute_dtype)
            output, tensors = unroll(cell, below, tensors, training=training)
            return ops.cast(output, self.compute_dtype), tensors

        output, _ = self._through_the_stack(state["cells"], masks, run)
        if self.attention is None:
            context = memory["context"][:, None] + ops.zeros_like(output[:, :, :1])
            return output, context, None
        context, weights = self.attention(
            output,
            memory["values"],
            keys=memory["keys"],
            values_mask=memory["mask"],
            training=training,
        )
        return output, context, weights

    def _through_the_stack(self, states, dropout_masks, run):
        """From the bottom to the top cell; `run(i, output below, state)` gives output and state."""
        x, new_states = None, []
        for i, state in enumerate(states):
            if i and dropout_masks is not None:
                x = x * dropout_masks[i - 1]
            output, state = run(i, x, list(state))
            x = x + output if i and self.residual else output
            new_states.append(state)
        return x, new_states

    def _attend(self, query, memory, state, noise, training):
        """Return the context, the weights, and what changes in the state."""
        if self.attention is None:
            return memory["context"], None, {}
        context, weights, attended = self.attention.attend(
            query, memory, state["attention"], noise, training
        )
        return context, weights, {"attention": attended}

    def prepare_dropout(self, inputs: Tensor, state: Nest, memory: Nest) -> None:
        """Draw the dropout masks of the cells themselves; call it before a loop over steps."""
        if self.order == "bahdanau":
            context = memory["context"] if self.attention is None else memory["values"][:, 0]
            inputs = ops.concatenate([inputs, context], axis=-1)
        for cell, tensors in zip(self.cells, state["cells"], strict=True):
            prepare_dropout(cell, ops.cast(inputs, cell.compute_dtype), tensors)
            inputs = tensors[0]  # the shape of this cell's output

    def forget_dropout(self) -> None:
        """Forget those masks; call it after the loop."""
        for cell in self.cells:
            forget_dropout(cell)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "cell": [cell_config(cell) for cell in self.cells],
            "attention": unbuilt_config(self.attention),
            "order": self.order,
            "residual": self.residual,
        }
