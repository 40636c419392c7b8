"""The JAX side of `keras_seq.backend`."""

import contextlib
import functools
import itertools
import math
import signal
import threading
import weakref

import jax
import jax.numpy as jnp
import keras

from keras_seq.backend.products import inside, multiply

jit_pays = True
keeps_values_aside = True


def loop(step, state, inputs, reverse=False):
    """Run `step` over the first axis of `inputs`; see the TensorFlow twin for the contract."""

    def body(state, x):
        output, new_state = step(x, state)
        return jax.tree.unflatten(jax.tree.structure(state), jax.tree.leaves(new_state)), output

    state, outputs = jax.lax.scan(body, state, inputs, reverse=reverse)
    return outputs, state


def scan(step, state, inputs, matrices=()):
    """Run `step` over the time axis of `inputs`; see the TensorFlow twin for the contract."""
    inputs = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), inputs)
    calls = _products_of(step, state, inputs, matrices)
    if calls:
        outputs, state = _scan_with_products(step, state, inputs, calls)
    else:
        outputs, state = loop(step, state, inputs)
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), outputs), state


def product(left, right):
    """Return `left @ right` for a `right` that a loop does not change; see the TensorFlow twin."""
    return multiply(left, right, _contract)


def _contract(left, right):
    """`(batch, ..., n) @ (n, m)`, or `(batch, n) @ (batch, n, m)` row by row."""
    if right.ndim == 2:
        return jnp.matmul(left, right)
    return jnp.matmul(left[:, None], right)[:, 0]


def _products_of(step, state, inputs, matrices):
    """The `(right, shape of the result)` of each product of one step whose gradient can wait."""
    known = {id(matrix) for matrix in matrices}
    calls = []

    def note(left, right):
        result = _contract(left, keras.ops.convert_to_tensor(right))
        waits = isinstance(right, keras.Variable) or id(right) in known
        calls.append((right, result) if waits and right.dtype == left.dtype else None)
        return result

    if jax.tree.leaves(inputs)[0].shape[0] == 0:
        return []

    def one_step(x, state):
        with inside(note):
            step(x, state)

    jax.eval_shape(one_step, jax.tree.map(lambda x: x[0], inputs), state)
    # Only here: within the trace, Keras might cast a variable, and the result would leak.
    calls = [call and (_value(call[0]), call[1]) for call in calls]
    return calls if any(calls) else []


def _value(matrix):
    return matrix.value if isinstance(matrix, keras.Variable) else matrix


def _scan_with_products(step, state, inputs, calls):
    """`loop`, with the gradient of each matrix as one product over all steps after the loop.

    What is multiplied with a matrix is kept for every step, and to the result of every product
    zeros are added: the gradient of the zeros is that of the result.
    """
    steps = jax.tree.leaves(inputs)[0].shape[0]
    matrices = [call[0] for call in calls if call]
    zeros = [jnp.zeros(call[1].shape, call[1].dtype) for call in calls if call]

    def with_zeros(x, state, matrices, zeros):
        lefts = []
        rights = iter(zip(matrices, zeros, strict=True))
        remaining = iter(calls)

        def by_rule(left, right):
            if next(remaining) is None:
                return _contract(left, keras.ops.convert_to_tensor(right))
            matrix, zero = next(rights)
            lefts.append(left)
            return _contract(left, matrix) + zero

        with inside(by_rule):
            output, new_state = step(x, state)
        new_state = jax.tree.unflatten(jax.tree.structure(state), jax.tree.leaves(new_state))
        return output, new_state, lefts

    # What the step takes from outside becomes an argument, also where it has no gradient: the
    # rules of `apply` may be run when the trace that a closed-over tracer belongs to is over.
    first = jax.tree.map(lambda x: x[0], inputs)
    traced, pattern = jax.make_jaxpr(with_zeros, return_shape=True)(first, state, matrices, zeros)
    constants, pattern = traced.consts, jax.tree.structure(pattern)

    if _goes_forward(matrices, constants, state, inputs):
        return loop(step, state, inputs)

    def run(matrices, constants, state, inputs, zeros):
        def body(state, x):
            x, zero = x
            leaves = jax.tree.leaves((x, state, matrices, zero))
            found = jax.core.eval_jaxpr(traced.jaxpr, constants, *leaves)
            output, state, lefts = jax.tree.unflatten(pattern, found)
            return state, (output, lefts)

        state, (outputs, lefts) = jax.lax.scan(body, state, (inputs, zeros))
        return (outputs, state), lefts

    def all_zeros():
        return [jnp.zeros((steps, *zero.shape), zero.dtype) for zero in zeros]

    @jax.custom_vjp
    def apply(matrices, constants, state, inputs):
        return run(matrices, constants, state, inputs, all_zeros())[0]

    def forward(matrices, constants, state, inputs):
        results, pull, lefts = jax.vjp(
            functools.partial(run, matrices), constants, state, inputs, all_zeros(), has_aux=True
        )
        return results, (pull, lefts)

    def backward(kept, gradients):
        pull, lefts = kept
        *others, rights = pull(gradients)
        return [
            _sum_of_products(left, right, matrix.ndim)
            for left, right, matrix in zip(lefts, rights, matrices, strict=True)
        ], *others

    apply.defvjp(forward, backward)
    return apply(matrices, constants, state, inputs)


def _sum_of_products(left, right, rank):
    """The gradient of a matrix, or of one for each row, from all steps, `(time, batch, ...)`."""
    if rank == 3:
        return jnp.einsum("tbn,tbm->bnm", left, right)
    axes = tuple(range(left.ndim - 1))
    return jax.lax.dot_general(left, right, ((axes, axes), ((), ())))


def custom_gradient(forward, backward):
    """Give a function a gradient of its own; see the TensorFlow twin for the contract."""

    @jax.custom_vjp
    def with_own(*args):
        return forward(False, *args)[0]

    keeping = functools.partial(forward, True)
    with_own.defvjp(keeping, lambda kept, gradients: tuple(backward(kept, *gradients)))

    def function(*args):
        return forward(False, *args)[0] if _goes_forward(args) else with_own(*args)

    return function


def _goes_forward(*nests):
    """Whether `jax.jvp` or `jacfwd` differentiates: they know no way but the plain one.

    It is seen from outside of a `jax.jit` alone: `jvp(jit(f))` is refused by JAX, where
    `jit(jvp(f))` is right.
    """
    return any(map(_has_tangent, jax.tree.leaves(nests))) and _backward_is_told_apart()


def _has_tangent(x):
    while isinstance(x, jax.core.Tracer):
        kind = type(x).__name__
        if kind in ("JVPTracer", "LinearizeTracer"):
            return kind == "JVPTracer"
        x = getattr(x, "val", None)  # one of many, under `vmap`
    return False


@functools.cache
def _backward_is_told_apart():
    """Whether `jax.grad` looks otherwise than `jax.jvp`; before JAX 0.7 it does not."""
    seen = []
    jax.grad(lambda x: seen.append(_has_tangent(x)) or x)(1.0)
    return not any(seen)


def hand_gradient_pays(units):
    """Whether `layers.kernels` are faster here than what JAX derives: always."""
    return True


def fused(kind, inputs, state, weights, mask=None, reverse=False):
    """Return `None`: there is no fused recurrence here; see the PyTorch twin for the contract."""


def fused_both(kind, inputs, states, weights, mask=None):
    """Return `None`: there is no fused recurrence here; see the PyTorch twin for the contract."""


def compiled(function, variables=(), reading=None):
    """Compile `function` once for each shape of its arguments; see the TensorFlow twin."""
    variables = list(variables)

    @jax.jit
    def pure(values, *args):
        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return function(*args)

    def call(*args):
        with contextlib.nullcontext() if reading is None else reading():
            # As arguments: what a jitted function closes over is frozen into it.
            return pure([v.value for v in variables], *args)

    return call


def gradient(function, inputs):
    """Return `function(inputs)`, a scalar, and its gradient with respect to the nest `inputs`."""
    return jax.value_and_grad(function)(jax.tree.map(jnp.asarray, inputs))


def synchronize(model):
    """Make the variables of `model` hold the newest values, which `fit` keeps aside."""
    model.jax_state_sync()


def choose(mask, arrays):
    """Return the rows of each of `arrays` where `mask` is true; see the TensorFlow twin."""
    if isinstance(mask, jax.core.Tracer):
        return tuple(arrays)
    return tuple(array[mask] for array in map(jnp.asarray, arrays))


def run_if(condition, function):
    """Call `function` where the scalar `condition` is true; see the TensorFlow twin."""
    if isinstance(condition, jax.core.Tracer) or bool(condition):
        function()


def static_step(jit_compile):
    """Whether a training step must know its shapes beforehand; see the TensorFlow twin."""
    return bool(jit_compile)


@contextlib.contextmanager
def kept_on_error(model):
    """Leave `model` as the last step that ended well left it; see the TensorFlow twin.

    Keras takes the values out of the variables before the first step, hands them from step to
    step, and puts them back at the end, which an error may prevent.
    """
    model.jax_state_sync()
    model._jax_state = None  # of steps before: Keras would put it back where the first step fails
    start = [(variable, variable.value) for variable in _variables(model)]
    _newest.pop(model, None)
    try:
        yield
    except BaseException:
        _put_back(model, start)
        raise
    finally:
        _newest.pop(model, None)


def guarded(model, function):
    """Return a step function of Keras's trainer; see the TensorFlow twin."""

    def step(state, iterator):
        kept = _newest.get(model)
        if kept is None or kept[1] is not state:
            kept = [_variables_of(model, state), state]
            _newest[model] = kept
        found = []
        try:
            # A batch at a time, fetched before the step consumes the old values.
            for batch in itertools.islice(iterator, model.steps_per_execution):
                with _without_interrupt():
                    one, state = function(state, iter([batch]))
                    kept[1] = state
                found.append(one)
        except BaseException:
            names = STATES[len(kept[1])]
            model._jax_state = dict(zip(names, kept[1], strict=True))  # what Keras puts back
            raise
        if not found:
            raise StopIteration
        if len(state) > 2 or len(found) == 1:
            return found[-1], state
        return jax.tree.map(lambda *parts: jnp.concatenate(parts), *found), state  # predictions

    return step


# What the states of Keras's trainer are made of, by their number: of prediction, evaluation, and
# training.
STATES = {
    2: ("trainable_variables", "non_trainable_variables"),
    3: ("trainable_variables", "non_trainable_variables", "metrics_variables"),
    4: (
        "trainable_variables",
        "non_trainable_variables",
        "optimizer_variables",
        "metrics_variables",
    ),
}
# The variables of the steps that run, and the newest values of these, by model.
_newest = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def _without_interrupt():
    """Let Ctrl-C wait: a step has consumed the old values, and its new ones would be lost."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    waiting = []
    signal.signal(signal.SIGINT, lambda *args: waiting.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if waiting:
            handler(*waiting[-1])


def _variables(model):
    optimizer = getattr(model, "optimizer", None)
    parts = model.trainable_variables, model.non_trainable_variables, model.metrics_variables
    return [*itertools.chain(*parts), *(optimizer.variables if optimizer is not None else [])]


def _variables_of(model, state):
    """The variables whose values a state of Keras's trainer has, in its order."""
    of = {"optimizer_variables": lambda: model.optimizer.variables}
    names = STATES[len(state)]
    return [list(of[name]() if name in of else getattr(model, name)) for name in names]


def _put_back(model, start):
    """Give the variables of a model their newest values, after an error."""
    override = getattr(model, "_losses_override", None)  # of the step that was traced
    if override:
        override.clear()
    model._jax_state = None
    if all(map(_has_value, _variables(model))):  # a callback, or Keras, has put them back
        return
    groups = zip(*_newest.get(model, ([], [])), strict=True)
    newest = [pair for group in groups for pair in zip(*group, strict=True)]
    for variable, value in [*start, *newest]:
        if not value.is_deleted():
            variable.assign(value)


def _has_value(variable):
    try:
        return not variable.value.is_deleted()
    except TypeError:  # there is none: Keras would draw it anew
        return False


def random_state():
    """Return the states of the global generators: no layer of Keras draws from any here."""
    return []


def set_random_state(states):
    """Put the global generators into the states that `random_state` returned."""


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def linear_scan(decay, inputs, state, reverse=False):
    """Run `h_t = decay_t * h_(t-1) + inputs_t` in parallel; see the TensorFlow twin."""
    return _chunked(decay, inputs, state, reverse, _chunk(inputs.shape[1]))


@linear_scan.defjvp
def _linear_scan_jvp(reverse, primals, tangents):
    # The tangent is a linear recurrence as well. Left to itself, JAX would keep every number of
    # all the loops for the backward pass: twice the time in chunks.
    decay, inputs, state = primals
    d_decay, d_inputs, d_state = tangents
    outputs = linear_scan(*primals, reverse)
    if reverse:
        before = jnp.concatenate([outputs, state[:, None]], axis=1)[:, 1:]
    else:
        before = jnp.concatenate([state[:, None], outputs], axis=1)[:, :-1]
    d_inputs = d_inputs + d_decay * before
    return outputs, _chunked(decay, d_inputs, d_state, reverse, _chunk(inputs.shape[1]))


def _chunk(length):
    """The number of steps in a chunk: on a CPU, where a step costs little, all of them."""
    return length if jax.default_backend() == "cpu" else max(64, math.isqrt(length))


@functools.partial(jax.jit, static_argnums=(3, 4))
def _chunked(decay, inputs, state, reverse, chunk):
    """The chunks of `linear_scan`: loops over (steps of a chunk, batch, chunks, size)."""
    length = inputs.shape[1]
    chunk = max(1, min(length, chunk))
    count = -(-length // chunk)
    more = count * chunk - length

    def split(x, filling):
        widths = ((0, 0), (more, 0) if reverse else (0, more), (0, 0))
        x = jnp.pad(x, widths, constant_values=filling)
        return jnp.moveaxis(x.reshape(x.shape[0], count, chunk, x.shape[2]), 2, 0)

    def compose(whole, x):
        return (x[0] * whole[0], x[0] * whole[1] + x[1]), None

    def before(h, x):
        return x[0] * h + x[1], h

    def after(h, x):
        h = x[0] * h + x[1]
        return h, h

    run = functools.partial(jax.lax.scan, reverse=reverse)
    chunks = split(decay, 1), split(inputs, 0)
    if count == 1:
        starts = state[:, None]
    else:
        identity = jnp.ones_like(chunks[0][0]), jnp.zeros_like(chunks[0][0])
        whole, _ = run(compose, identity, chunks)
        _, starts = run(before, state, tuple(jnp.swapaxes(x, 0, 1) for x in whole))
        starts = jnp.swapaxes(starts, 0, 1)
    _, outputs = run(after, starts, chunks)
    outputs = jnp.moveaxis(outputs, 0, 2).reshape(inputs.shape[0], count * chunk, inputs.shape[2])
    return outputs[:, more:] if reverse else outputs[:, :length]


@contextlib.contextmanager
def portable():
    """Graphs made inside run without a compiler: there is none here that would not."""
    yield


@functools.partial(jax.checkpoint, prevent_cse=False)
def additive_scores(query, keys, scale):
    """Return `scale . tanh(query + keys)`; see the TensorFlow twin."""
    # Computed again on the way back: to keep (batch, time, units) for each step costs more.
    return (jnp.tanh(query + keys) @ scale[:, 0])[:, None]


def cross_entropy(labels, logits, constant=False):
    """Return `-log softmax(logits)[labels]`; see the TensorFlow twin."""
    # Less the largest first: what is left of two large numbers is not exact.
    logits = logits - jax.lax.stop_gradient(logits.max(axis=-1, keepdims=True))
    chosen = jnp.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    return jnp.log(jnp.sum(jnp.exp(logits), axis=-1)) - chosen


def predictions(logits):
    """Return the most probable classes, int32; the lowest of equals."""
    return jnp.argmax(logits, axis=-1).astype("int32")


def top_k(x, k):
    """Return the `k` largest of the last axis and their places; see the TensorFlow twin."""
    return jax.lax.top_k(x, k)


def lstm_gates(z, c):
    """Return `(h, c)` of an LSTM; see the TensorFlow twin."""
    i, f, g, o = jnp.split(z, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru_gates(x, inner, h):
    """Return h of a GRU; see the TensorFlow twin."""
    x_z, x_r, x_n = jnp.split(x, 3, axis=-1)
    h_z, h_r, h_n = jnp.split(inner, 3, axis=-1)
    z = jax.nn.sigmoid(x_z + h_z)
    return z * h + (1 - z) * jnp.tanh(x_n + jax.nn.sigmoid(x_r + h_r) * h_n)


def tanh(x):
    """Return the hyperbolic tangent in the dtype of x: Keras's is float32 here for float64."""
    return jnp.tanh(x)


def last_valid_steps(mask):
    """Return for each step the last valid one up to it, or itself; see the TensorFlow twin."""
    steps = jnp.arange(mask.shape[1], dtype="int32")[None]
    found = jax.lax.cummax(jnp.where(mask, steps, -1), axis=1)
    return jnp.where(found < 0, steps, found)
