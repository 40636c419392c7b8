"""The description of a kind of cell: weights, equations, gates, and what is faster than a loop."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import keras
from keras import ops

from keras_seq._typing import Nest, Tensor, Tensors
from keras_seq.backend import tanh
from keras_seq.layers.own_dtype import own_values


@dataclasses.dataclass(frozen=True)
class Functions:
    """What the equations of a step apply to their terms.

    Attributes:
        activation: of the candidate and of what is read out of the state.
        recurrent_activation: of the gates; `None` for a cell without.
        valid: 1, or 0 where the step is masked, `(batch, 1)`; `None` for no mask.
    """

    activation: Callable
    recurrent_activation: Callable | None = None
    valid: Any = None

    def gate(self, name: str, x: Tensor) -> Tensor:
        """The gate of this name."""
        return self.recurrent_activation(x)

    def state(self, place, new, old):
        """The state tensor at this place: `new`, where masked `old`."""
        # Not by `where`, which XLA computes number by number.
        return new if self.valid is None else new * self.valid + old * (1 - self.valid)


USUAL = Functions(tanh, ops.sigmoid)  # those of the papers


class Recurrence:
    """All that is known of one kind of cell; a subclass describes a class of cells.

        z_t = W x_t + U h_(t-1) + b
        state_t, gates_t = step(z_t, state_(t-1))

    With it the steps of a cell can be taken apart: the products with the inputs of all steps are
    one, weights are dropped, gates are looked at, and with `back` the way back through time goes
    by hand. The call of a description makes a cell: it stands for its name among `CELLS`.

    Attributes:
        name: the name of the cell among `CELLS`.
        cell_type: the class of the cells; a subclass of it may compute something else.
        columns: the names of the blocks of columns in `kernel`, `recurrent_kernel` and `bias`, in
            their order: the gates, and `"candidate"` for the new state; `()` for a single block.
        states: the names of the state tensors; the output is the first.
        keeps, writes: the names of the gates that `Chrono` and `ForgetBias` initialise: the factor
            of the old state, and that of the candidate where it is a gate by itself.
        bias_rows: 2 where h has a bias of its own, so that the bias is a pair.
        torch_columns: `columns` in PyTorch's order; `None` for a kind that PyTorch does not have.
        needs_inner: whether `step` takes `U h` apart from the rest.
        fused: the name of the kernels of `keras_seq.backend` with this recurrence, or `None`.
        saved: how many tensors `step` returns beside the state, where there is a `back`.
        options: options of the cell in experiments: from a name to a part of its config, or to a
            function from a number to one.
    """

    name = None
    cell_type = None
    columns = ()
    states = ("h",)
    keeps = None
    writes = None
    bias_rows = 1
    torch_columns = None
    needs_inner = False
    fused = None
    saved = 0
    options: ClassVar = {}

    def __call__(self, units: int, **options: Any) -> keras.layers.Layer:
        """Return a new cell."""
        return self.cell_type(units, **options)

    @property
    def gate_names(self) -> tuple[str, ...]:
        """The gates that can be seen and cut out."""
        return tuple(name for name in self.columns if name != "candidate")

    def serves(self, cell: Any) -> bool:
        """Whether the equations here are those of `cell`, whatever its options."""
        return True

    def weights(
        self, cell: Any, recurrent_kernel: Tensor | None = None
    ) -> tuple[Tensor | None, ...]:
        """`(kernel, recurrent_kernel, bias, recurrent_bias)`; what a cell does not have is `None`.

        Args:
            cell: a built cell.
            recurrent_kernel: a tensor in place of its own one.
        """
        bias = cell.bias if cell.use_bias else None
        kernel, recurrent, bias = own_values(cell, cell.kernel, cell.recurrent_kernel, bias)
        recurrent = recurrent if recurrent_kernel is None else recurrent_kernel
        if bias is not None and len(bias.shape) == 2:
            return kernel, recurrent, bias[0], bias[1]
        return kernel, recurrent, bias, None

    def has_usual_activations(self, cell: Any) -> bool:
        """Whether `cell` has the activations of the papers, tanh and sigmoid."""
        activation = getattr(cell, "activation", keras.activations.tanh)
        gate = getattr(cell, "recurrent_activation", keras.activations.sigmoid)
        return activation is keras.activations.tanh and gate is keras.activations.sigmoid

    def in_torch(self, cell: Any) -> bool:
        """Whether PyTorch has a layer of `cell`, whatever its bias."""
        return self.torch_columns is not None and self.has_usual_activations(cell)

    def functions(self, cell: Any) -> Functions:
        """The `Functions` of `cell`."""
        if self.has_usual_activations(cell):
            return USUAL
        return Functions(cell.activation, getattr(cell, "recurrent_activation", None))

    def is_fused(self, cell: Any) -> bool:
        """Whether the kernels named by `fused` compute the recurrence of `cell`."""
        return self.fused is not None and cell.use_bias and self.has_usual_activations(cell)

    def step(
        self, outer: Tensor, inner: Tensor | None, state: Tensors, functions: Functions
    ) -> tuple[Tensors, Tensors]:
        """Return `(state, saved)` of one step.

        Each gate is a tensor of its own: one read of four is several times slower, compiled by XLA.

        Args:
            outer: `W x + U h + b`, `(batch, size of all columns)`; without `U h` where the kind
                `needs_inner`.
            inner: `U h`, with its bias; `None` unless the kind `needs_inner`.
            state: the state before, a list of tensors.
            functions: `Functions`.

        Returns:
            The state, a list, and the values of `columns`, with whatever else `back` wants behind
            them.
        """
        raise NotImplementedError(f"{type(self).__name__} must define step(...).")

    def has_back(self, cell: Any) -> bool:
        """Whether `back` is the way back of `step` for `cell`."""
        return False

    def back(
        self, d_state: Tensors, saved: Tensors, new: Tensors, old: Tensors, functions: Functions
    ) -> tuple[Tensors, Nest, Tensors]:
        """Return the gradients of `(outer, inner, state)`, that of h without the part of `inner`.

        A list of tensors stands for one that is their concatenation, and no list at all for an
        `outer` that has the gradient of `inner`.

        Args:
            d_state: the gradients of the state after the step, a list.
            saved: what `step` returned beside the state.
            new, old: the state after the step and before it, lists.
            functions: those of `step`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define back(...).")

    def step_with_gates(
        self, cell: Any, inputs: Tensor, states: Tensors, functions: Functions, **options: Any
    ) -> tuple[Tensor, Tensors, dict[str, Tensor]]:
        """One step of `cell` by itself, in the order of operations of `cell.call`.

        Args:
            cell: a built cell.
            inputs: `(batch, features)`.
            states: a list of tensors.
            functions: `Functions`.
            **options: passed to `step`.

        Returns:
            `(output, states, values)`, a dict from each of `columns` to its values.
        """
        kernel, recurrent, bias, recurrent_bias = self.weights(cell)
        outer = ops.matmul(ops.cast(inputs, cell.compute_dtype), kernel)
        inner = ops.matmul(ops.cast(states[0], cell.compute_dtype), recurrent)
        if not self.needs_inner:
            outer, inner = outer + inner, None
        outer = outer if bias is None else outer + bias
        inner = inner if recurrent_bias is None else inner + recurrent_bias
        states, saved = self.step(outer, inner, list(states), functions, **options)
        return states[0], states, dict(zip(self.columns, saved, strict=False))


_DESCRIBED = {}  # from a class of cells to its description


def described(recurrence):
    """Let `recurrence` describe its class of cells; returns it."""
    _DESCRIBED[recurrence.cell_type] = recurrence
    return recurrence


def recurrence_of(cell):
    """The description of exactly the class of `cell`, or `None`: a subclass may differ."""
    return _DESCRIBED.get(type(cell))


def equations_of(cell):
    """The description with the equations of `cell`; `None` where only the cell knows them."""
    recurrence = recurrence_of(cell)
    return recurrence if recurrence is not None and recurrence.serves(cell) else None


def kind_of(cell):
    """What says how the gates of `cell` are called: a description, else the cell itself.

    A subclass of a described cell has its gates, and its states.
    """
    kinds = (_DESCRIBED[kind] for kind in type(cell).__mro__ if kind in _DESCRIBED)
    return next(kinds, cell)
