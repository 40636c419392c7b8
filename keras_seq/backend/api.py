"""The contract of a backend: what `keras_seq.backend` offers on TensorFlow, JAX and PyTorch.

`keras_seq.backend` takes each name from the folder of the backend that runs, or else from `plain`.
A new backend is a folder, and a branch there. Tensors are those of the backend; nests are what
`keras.tree` knows: lists, tuples and dicts of tensors.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import keras

Tensor = Any
Nest = Any
Step = Callable[[Nest, Nest], tuple[Nest, Nest]]
Kind = Literal["lstm", "gru", "vanilla"]
Context = contextlib.AbstractContextManager
Weights = tuple[Tensor, Tensor, Tensor, Tensor | None]  # in the order of `Backend.fused`


class Backend(Protocol):
    """The functions of `keras_seq.backend`.

    Attributes:
        compiles_singly: whether each operation outside of a compiled function is compiled by
            itself, and a step for each shape, so that the first call of each is slow.
        jit_pays: whether `jit_compile="auto"` should compile a model with recurrent layers.
        keeps_values_aside: whether Keras's loops keep the values of a model outside its variables.
        takes_tf_data: whether they read a `tf.data.Dataset` in their graphs, and arrays slower.
        one_process_a_device: whether each device that shares batches has a process of its own.
        broken_connection: the exceptions that a worker meets when another one is gone.
        predicts_together: whether Keras's `predict` waits for all workers.
    """

    compiles_singly: bool
    jit_pays: bool
    keeps_values_aside: bool
    takes_tf_data: bool
    one_process_a_device: bool
    broken_connection: tuple[Any, ...]
    predicts_together: bool

    # Loops.

    def scan(
        self, step: Step, state: Nest, inputs: Nest, matrices: Sequence[Tensor] = ()
    ) -> tuple[Nest, Nest]:
        """Run `step` over the time axis of `inputs`.

        Args:
            step: `(x_t, state) -> (output, state)`; nests of tensors, batch first.
            state: the initial state, a nest of tensors `(batch, ...)`.
            inputs: a nest of tensors `(batch, time, ...)`; `time` may be 0.
            matrices: tensors that the step multiplies with by `product`. Their gradient, and that
                of Keras variables, is then one product over all steps after the loop back through
                time.

        Returns:
            `(outputs, state)`: every output stacked to `(batch, time, ...)`, and the last state.
        """
        ...

    def loop(
        self, step: Step, state: Nest, inputs: Nest, reverse: bool = False
    ) -> tuple[Nest, Nest]:
        """Run `step` over the first axis of `inputs`: `scan` without products that wait.

        Args:
            step, state: as in `scan`.
            inputs: a nest of tensors `(time, batch, ...)`.
            reverse: whether to run from the last step to the first.

        Returns:
            `(outputs, state)`: every output stacked to `(time, batch, ...)`, in the order of the
            inputs, and the last state.
        """
        ...

    def product(self, left: Tensor, right: "Tensor | keras.Variable") -> Tensor:
        """Return `left @ right`, for a `right` that stays the same from step to step of a `scan`.

        Args:
            left: `(batch, ..., n)`.
            right: `(n, m)`; or `(batch, n, m)`, a matrix for each row, with `left` of `(batch, n)`.

        Returns:
            `(batch, ..., m)`, in the dtype of `left`.
        """
        ...

    # Gradients.

    def custom_gradient(
        self,
        forward: Callable[..., tuple[tuple[Tensor, ...], Nest]],
        backward: Callable[..., Sequence[Tensor | None]],
    ) -> Callable[..., tuple[Tensor, ...]]:
        """Give a function a gradient written by hand, which is differentiable in its turn.

        Args:
            forward: `(keep, *args) -> (outputs, kept)`: the arguments are tensors or `None`, the
                outputs a tuple of tensors, and `kept` a nest of what `backward` needs, which is
                not looked at where `keep` is false.
            backward: `(kept, *gradients) -> gradients`, one for each argument; `None` where there
                is none.

        Returns:
            A function of the same arguments, which returns the outputs.
        """
        ...

    def gradient(self, function: Callable[[Nest], Tensor], inputs: Nest) -> tuple[Tensor, Nest]:
        """Return `function(inputs)`, a scalar, and its gradient to `inputs`, 0 for unused parts."""
        ...

    def recomputed(
        self, function: Callable[..., Nest], variables: Sequence[keras.Variable] = ()
    ) -> Callable[..., Nest]:
        """Return `function`, on whose way nothing is kept: the way back computes it once more.

        Args:
            function: takes nests of tensors and returns one; the same arguments give the same
                results. It closes over no tensor that has a gradient.
            variables: the Keras variables that it reads.
        """
        ...

    # Recurrences.

    def hand_gradient_pays(self, units: int) -> bool:
        """Whether a recurrence with a gradient by `custom_gradient` is faster, here and now."""
        ...

    def fused(
        self,
        kind: Kind,
        inputs: Tensor,
        state: Sequence[Tensor],
        weights: Weights,
        mask: Tensor | None = None,
        reverse: bool = False,
    ) -> tuple[Tensor, Sequence[Tensor]] | None:
        """Run a recurrence in one kernel.

        Args:
            kind: `"lstm"`, `"gru"` (reset after the product) or `"vanilla"` (tanh).
            inputs: `(batch, time, features)`.
            state: a list of tensors `(batch, units)`.
            weights: `(kernel, recurrent_kernel, bias, recurrent_bias)` in the layout of Keras; the
                last one is `None` for all but the GRU.
            mask: boolean `(batch, time)`, or `None`: at a masked step the state stays.
            reverse: whether to run from the last step to the first.

        Returns:
            `(outputs, state)`: `(batch, time, units)`, 0 where masked, and the last state; or
            `None` where no kernel serves: there is none, or not for this dtype or mask.
        """
        ...

    def fused_both(
        self,
        kind: Kind,
        inputs: Tensor,
        states: Sequence[Sequence[Tensor]],
        weights: Sequence[Weights],
        mask: Tensor | None = None,
    ) -> tuple[Sequence[Tensor], Sequence[Sequence[Tensor]]] | None:
        """Run two recurrences over the same inputs, the second one from the last step to the first.

        Args:
            kind, inputs, mask: as in `fused`; states, weights: a pair, each as in `fused`.

        Returns:
            `(outputs, states)`, each a pair; or `None` where this is not faster than one by one.
        """
        ...

    def fused_step(self, kind: Kind | None) -> Callable[..., list[Tensor]] | None:
        """Return one step of a recurrence, behind its matrix products, as one operation.

        Args:
            kind: as in `fused`; the activations are tanh and sigmoid.

        Returns:
            A function `(outer, inner, state) -> state` with the arguments of
            `layers.recurrences.Recurrence.step`; or `None`, where there is none.
        """
        ...

    def linear_scan(
        self, decay: Tensor, inputs: Tensor, state: Tensor, reverse: bool = False
    ) -> Tensor:
        """Run `h_t = decay_t * h_(t-1) + inputs_t`, elementwise, for all steps side by side.

        The result is as exact as that of the plain loop, for numbers of any sign: nothing
        overflows, is divided by another number, or goes through a logarithm.

        Args:
            decay: `(batch, time, size)`, in [0, 1]; any number of steps, 0 too.
            inputs: `(batch, time, size)`, of the same dtype, as `state` is.
            state: h before the first step, `(batch, size)`.
            reverse: whether to run from the last step to the first.

        Returns:
            Every h, `(batch, time, size)`, in the order of `inputs`.
        """
        ...

    # Numbers.

    def additive_scores(self, query: Tensor, keys: Tensor, scale: Tensor) -> Tensor:
        """Return `scale . tanh(query + keys)`, the scores of additive attention for one step.

        Args:
            query: `(batch, 1, units)`.
            keys: `(batch, time, units)`.
            scale: `(units, 1)`.

        Returns:
            `(batch, 1, time)`, in the dtype of `keys`.
        """
        ...

    def cross_entropy(self, labels, logits: Tensor, constant=False, smoothing=0.0) -> Tensor:
        """Return `-log softmax(logits)[labels]`, in nats; by `smoothing` its mean over all.

        Labels are int32 `(...)`, logits `(..., classes)`; a `constant` result needs no gradient.
        """
        ...

    def predictions(self, logits: Tensor) -> Tensor:
        """Return the most probable classes, int32 `(...)`; the lowest of equals."""
        ...

    def top_k(self, x: Tensor, k: int) -> Sequence[Tensor]:
        """Return the `k` largest of the last axis, largest first, and their places, int32.

        Of equals the lower place comes first; Keras's own says nothing of that.
        """
        ...

    def tanh(self, x: Tensor) -> Tensor:
        """Return the hyperbolic tangent in the dtype of x."""
        ...

    def last_valid_steps(self, mask: Tensor) -> Tensor:
        """Return for each step the last valid one up to it, or itself where there is none.

        The mask is boolean and the result int32, both `(batch, time)`.
        """
        ...

    # Graphs.

    def compiled(
        self,
        function: Callable[..., Nest],
        variables: Sequence[keras.Variable] = (),
        reading: Callable[[], Context] | None = None,
    ) -> Callable[..., Nest]:
        """Compile `function` once for each shape of its arguments.

        Args:
            function: takes tensors and returns a nest of them; it may read variables, not write
                them.
            variables: the Keras variables that it reads.
            reading: makes a context in which they have their newest values; they do where `None`.

        Returns:
            A callable with the same arguments, which always sees the current values of
            `variables`. Gradients are taken inside of it, not through it.
        """
        ...

    def straight(self, function: Callable, variables: Sequence[keras.Variable] = ()) -> Callable:
        """Return `function` of nests of tensors, a step of a search that reads `variables` alone.

        Where Keras takes as long as a step, it is left out, and by `repeated` of `search_loop` too.
        """
        ...

    def portable(self) -> Context:
        """Return a context: graphs made inside run without a compiler, and can become ONNX."""
        ...

    def static_step(self, jit_compile: bool | str) -> bool:
        """Whether a training step with this `jit_compile` must know all shapes beforehand."""
        ...

    def choose(self, mask: Tensor, arrays: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the rows of each of `arrays` where `mask`, boolean `(rows,)`, is true.

        How many these are is known to a step that runs only: not to a compiler (see
        `static_step`), nor where shapes alone are traced, when all rows are returned.
        """
        ...

    def run_if(self, condition: Tensor, function: Callable[[], None]) -> None:
        """Call `function` for what it changes, where the scalar `condition` is true.

        Where shapes alone are traced it is called.
        """
        ...

    # Training.

    def round_products(self, dtype: str) -> None:
        """Let products of float32 matrices take their factors rounded to `dtype`, from now on."""
        ...

    def synchronize(self, model: keras.Model) -> None:
        """Make the variables of `model` hold the newest values while `fit` runs."""
        ...

    def kept_on_error(self, model: keras.Model) -> Context:
        """Return a context: the last step that ended well remains, whatever is raised inside."""
        ...

    def guarded(self, model: keras.Model, function: Callable) -> Callable:
        """Return a step function of Keras's trainer such that `kept_on_error` knows its values."""
        ...

    def random_state(self) -> list[bytes]:
        """Return the states of the global generators that layers of Keras draw from."""
        ...

    def set_random_state(self, states: list[bytes]) -> None:
        """Put the global generators into the states that `random_state` returned."""
        ...

    # Devices that share the batches of a training.

    def use_devices(self, count: int) -> Context:
        """Share batches between `count` devices of this machine; within, models are made."""
        ...

    def join_workers(self, addresses: list[str], count: int, index: int, timeout: float) -> Context:
        """Share batches with other processes, or raise a `ValueError` after `timeout` seconds."""
        ...

    def replicas(self, model: keras.Model | None = None) -> int:
        """Return how many devices share a batch, of all workers; of `model`, or here."""
        ...

    def workers(self, model: keras.Model | None = None) -> tuple[int, int]:
        """Return how many processes share a batch, and the number of this one."""
        ...

    def parts(self, model: keras.Model | None = None) -> int:
        """Return into how many parts a batch is cut, of which a step function sees one."""
        ...

    def scope(self, model: keras.Model) -> Context:
        """Return a context in which variables are made on the devices of `model`."""
        ...

    def variables_of_replicas(self) -> Context:
        """Return a context in which variables are made that have another value on each device."""
        ...

    def distribute(self, model: Any, batches: Any, cut: Callable, whole: bool = True) -> Any:
        """Return what Keras's loops take: of whole batches the `cut(batches, count, index)`."""
        ...

    def part_of_batch(self, model: keras.Model, batch: Nest) -> Nest:
        """Return the part of one device of what `distribute` gives."""
        ...

    def part_logs(self, logs: dict) -> dict:
        """Return what a step of a part reports such that Keras can take the mean of the parts."""
        ...

    def own_shares(self, divided: bool = True) -> Context:
        """Return a context in which Keras cuts no batches, or each device computes all rows."""
        ...

    def alone(self, function: Callable[[], Any]) -> Any:
        """Return `function()`, in which no variable that is made waits for the other workers."""
        ...

    def replica_sum(self, x: Tensor, name: str) -> Tensor:
        """Return the sum of what the parts of a batch have: `name` of a model's `batch_totals`."""
        ...

    def added_up(self, loss: Tensor) -> Tensor:
        """Return the loss of a part such that that of the batch is the sum of these."""
        ...

    def shared_step(self, model: keras.Model) -> Callable | None:
        """Return a training step of a part, in the place of Keras's; `None` for that."""
        ...

    def summed_over_workers(self, variables: Sequence[keras.Variable]) -> Context:
        """Return a context in which `variables` have the sums over all workers."""
        ...

    def workers_sum(self, array: Any, model: keras.Model | None = None) -> Any:
        """Return the sum of the arrays of all workers, each of which calls this."""
        ...
