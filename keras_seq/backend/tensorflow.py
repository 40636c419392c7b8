"""The TensorFlow side of `keras_seq.backend`."""

import contextlib
import functools
import threading

import keras
import tensorflow as tf

from keras_seq.backend.products import inside, multiply
from keras_seq.backend.stack import Stack
from keras_seq.backend.with_gradient import with_gradient

try:
    from tensorflow.python.eager.record import could_possibly_record  # whether a tape looks on
except ImportError:  # not public: without, a training loop of one's own has plain kernels

    def could_possibly_record():
        return False


SMALL = 2**15  # numbers in a batch of matrices
# While a graph is made, cells hold tensors of it, such as what they drop out: one at a time.
_TRACING = threading.RLock()

# XLA compiles a training step once more for each shape of a batch, in seconds, and then is no
# faster here.
jit_pays = False
keeps_values_aside = False


def loop(step, state, inputs, reverse=False):
    """Run `step` over the first axis of `inputs`.

    Args:
        step: `(x_t, state) -> (output, state)`; nests of tensors.
        state: the initial state, a nest of tensors `(batch, ...)`.
        inputs: a nest of tensors `(time, batch, ...)`.
        reverse: whether to run from the last step to the first.

    Returns:
        `(outputs, state)`: every output stacked to `(time, batch, ...)`, in the order of the
        inputs, and the last state.
    """
    turned = reverse and bool(_portable.top())
    if turned:
        # ONNX has no list that a loop fills from its end.
        inputs = keras.tree.map_structure(lambda x: tf.reverse(x, [0]), inputs)
    leaves = keras.tree.flatten(inputs)
    time = leaves[0].shape[0]
    steps = tf.shape(leaves[0])[0] if time is None else time
    # Only the structure and the dtypes of this call are used; the graph optimiser drops the rest.
    pattern, _ = step(
        keras.tree.map_structure(lambda x: tf.zeros_like(x[0]) if time else _blank(x), inputs),
        state,
    )
    arrays = [
        tf.TensorArray(leaf.dtype, size=steps, element_shape=leaf.shape)
        for leaf in keras.tree.flatten(pattern)
    ]
    sources = [tf.TensorArray(x.dtype, size=steps).unstack(x) for x in leaves]

    def body(t, arrays, state):
        here = steps - 1 - t if reverse and not turned else t
        x = keras.tree.pack_sequence_as(inputs, [source.read(here) for source in sources])
        output, new_state = step(x, state)
        leaves = keras.tree.flatten(output)
        arrays = [array.write(here, leaf) for array, leaf in zip(arrays, leaves, strict=True)]
        return t + 1, arrays, keras.tree.pack_sequence_as(state, keras.tree.flatten(new_state))

    _, arrays, state = tf.while_loop(
        lambda t, *_: t < steps,
        body,
        (tf.constant(0), arrays, state),
        maximum_iterations=steps,
        parallel_iterations=32,
    )
    outputs = [array.stack() for array in arrays]
    if turned:
        outputs = [tf.reverse(x, [0]) for x in outputs]
    for output, leaf in zip(outputs, keras.tree.flatten(pattern), strict=True):
        output.set_shape((time, *leaf.shape))
    return keras.tree.pack_sequence_as(pattern, outputs), state


def scan(step, state, inputs, matrices=()):
    """Run `step` over the time axis of `inputs`.

    Args:
        step: `(x_t, state) -> (output, state)`; nests of tensors, batch first.
        state: the initial state, a nest of tensors `(batch, ...)`.
        inputs: a nest of tensors `(batch, time, ...)`.
        matrices: tensors that the step multiplies with by `product`. Their gradient, and that of
            Keras variables, is then one product over all steps after the loop back through time.

    Returns:
        `(outputs, state)`: every output stacked to `(batch, time, ...)`, and the last state.
    """
    inputs = keras.tree.map_structure(_swap, inputs)
    calls = _products_of(step, state, inputs, matrices)
    if calls:
        outputs, state = _loop_with_products(step, state, inputs, calls)
    else:
        outputs, state = loop(step, state, inputs)
    return keras.tree.map_structure(_swap, outputs), state


def product(left, right):
    """Return `left @ right` for a `right` that a loop does not change.

    Args:
        left: `(batch, ..., n)`.
        right: `(n, m)`, a tensor or a Keras variable; or `(batch, n, m)`, a matrix for each row,
            with `left` of `(batch, n)`.
    """
    return multiply(left, right, _contract)


def _contract(left, right):
    if right.shape.rank == 3:
        return _row_by_row(left, right)
    if left.shape.rank == 2:
        return tf.matmul(left, right)
    middle, size = left.shape[1:-1], right.shape[0]
    if not middle.is_fully_defined():
        return tf.tensordot(left, right, 1)
    # `tensordot` finds the shapes anew in each step of a loop.
    found = tf.matmul(tf.reshape(left, (-1, size)), right)
    return tf.reshape(found, (_rows(left), *middle, right.shape[1]))


def _rows(x):
    """The size of the first axis, for `tf.reshape`: what is known must stay so in a loop."""
    return -1 if x.shape[0] is None else x.shape[0]


def _row_by_row(left, right):
    """The product of each row of `(batch, n)` with a matrix of its own, `(batch, n, m)`."""

    right = tf.cast(right, left.dtype)

    def by_kernel():
        # An index of `[:, 0]` would be four nodes in the graph of a loop.
        return tf.squeeze(tf.matmul(tf.expand_dims(left, 1), right), 1)

    def by_sum():
        return tf.reduce_sum(tf.expand_dims(left, 2) * right, 1)

    if not _portable.top():
        return by_kernel()
    # The kernel takes 46 us for one row and more, whatever the size: a server has batches of 1.
    return tf.cond(tf.size(right) < SMALL, by_sum, by_kernel)


def _products_of(step, state, inputs, matrices):
    """The `(right, result)` of each product of one step whose gradient can wait, else `None`."""
    known = {id(matrix) for matrix in matrices}
    calls = []

    def note(left, right):
        right_is_variable = isinstance(right, keras.Variable)
        value = tf.convert_to_tensor(right.value) if right_is_variable else right
        result = _contract(left, keras.ops.convert_to_tensor(right))
        waits = (right_is_variable or id(right) in known) and value.dtype == left.dtype
        calls.append((value, result) if waits else None)
        return result

    if tf.executing_eagerly() or keras.tree.flatten(inputs)[0].shape[0] == 0:
        return []  # a step by itself takes longer than its products
    with inside(note), tf.GradientTape(watch_accessed_variables=False):
        step(keras.tree.map_structure(lambda x: tf.zeros_like(x[0]), inputs), state)
    return calls if any(calls) else []


def _loop_with_products(step, state, inputs, calls):
    """`loop`, with the gradient of each matrix as one product over all steps after the loop.

    What is multiplied with a matrix is kept for every step, and to the result of every product
    zeros are added: the gradient of the zeros is that of the result. All of that has a gradient in
    its turn, that of the matrix included: a step gives it none only on the first way back.
    """
    steps = tf.shape(keras.tree.flatten(inputs)[0])[0]
    kept = []

    def zeros_for(number, matrix, result):
        shape = tf.concat([[steps], tf.shape(result)], axis=0)

        @with_gradient
        def zeros(matrix):
            def backward(gradient):
                # The loop is over when this is called: what it kept is here.
                return _sum_of_products(kept[number], gradient, matrix.shape.rank)

            return tf.zeros(shape, result.dtype), backward

        found = zeros(matrix)
        found.set_shape((None, *result.shape))
        return found

    waiting = [call for call in calls if call]
    zeros = [zeros_for(number, *call) for number, call in enumerate(waiting)]
    products = [_product_with(matrix) for matrix, _ in waiting]

    def with_zeros(x, state):
        x, zeros = x
        lefts = []
        remaining = iter(calls)
        rights = iter(zip(products, zeros, strict=True))

        def by_rule(left, right):
            if next(remaining) is None:
                return _contract(left, keras.ops.convert_to_tensor(right))
            multiplied, zero = next(rights)
            lefts.append(left)
            return multiplied(left) + zero

        with inside(by_rule):
            output, state = step(x, state)
        return (output, lefts), state

    (outputs, lefts), state = loop(with_zeros, state, (inputs, zeros))
    kept.extend(lefts)
    return outputs, state


def _product_with(matrix):
    """The product with `matrix`, which hands no gradient to it, but its gradient does."""

    @with_gradient
    def multiplied(left):
        def backward(gradient):
            return _contract(gradient, tf.linalg.matrix_transpose(matrix))

        return _contract(left, matrix), backward

    return multiplied


def _sum_of_products(left, right, rank):
    """The gradient of a matrix, or of one for each row, from all steps, `(time, batch, ...)`."""
    if rank == 3:
        return tf.einsum("tbn,tbm->bnm", left, right)
    left = tf.reshape(left, (-1, left.shape[-1]))
    return tf.matmul(left, tf.reshape(right, (-1, right.shape[-1])), transpose_a=True)


def custom_gradient(forward, backward):
    """Give a function a gradient of its own.

    Inside a graph both directions are compiled by XLA, each once per shape.

    Args:
        forward: `(keep, *args) -> (outputs, kept)`: the arguments are tensors or `None`, the
            outputs a tuple of tensors, and `kept` a nest of what `backward` needs, which is not
            looked at where `keep` is false.
        backward: `(kept, *gradients) -> gradients`, one for each argument; `None` where there is
            none.

    Returns:
        A function of the same arguments, which returns the outputs.
    """
    keeping = functools.partial(forward, True)
    run_forward = tf.function(keeping, jit_compile=True)
    run_backward = tf.function(backward, jit_compile=True)

    def function(*args):
        given = [x is not None for x in args]
        eager = tf.executing_eagerly()

        def with_none(tensors):
            tensors = iter(tensors)
            return [next(tensors) if there else None for there in given]

        def plain(*tensors):
            return forward(False, *with_none(tensors))[0]

        @with_gradient
        def apply(*tensors):
            # A tape that looked on would want the insides of what XLA compiles.
            hidden = tensors if eager else [tf.stop_gradient(x) for x in tensors]
            outputs, kept = (keeping if eager else run_forward)(*with_none(hidden))

            def pull(*gradients):
                if eager:
                    found = backward(kept, *gradients)
                else:
                    found = run_backward(kept, *(tf.stop_gradient(x) for x in gradients))
                return [one for one, there in zip(found, given, strict=True) if there]

            return outputs, _differentiable(pull, plain, tensors)

        return apply(*(tf.convert_to_tensor(x) for x in args if x is not None))

    return function


def _differentiable(pull, plain, inputs):
    """Give a backward function a gradient: that of what TensorFlow derives from `plain`.

    Args:
        pull: from the gradients of the outputs to those of the inputs, or `None` for some.
        plain: from the inputs to the outputs, in operations that have gradients.
        inputs: a list of tensors.
    """
    count = len(inputs)

    def pull_derived(*tensors):
        inputs, gradients = tensors[:count], tensors[count:]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = plain(*inputs)
        return tape.gradient(outputs, inputs, gradients, unconnected_gradients="zero")

    def apply(*gradients):
        wanted = []  # which inputs have a gradient

        @with_gradient
        def pulled(*tensors):
            found = pull(*tensors[count:])
            wanted.extend(one is not None for one in found)

            def pull_again(*gradients):
                with tf.GradientTape() as tape:
                    tape.watch(tensors)
                    derived = pull_derived(*tensors)
                    derived = [x for x, there in zip(derived, wanted, strict=True) if there]
                return tape.gradient(derived, tensors, gradients)

            return [one for one in found if one is not None], pull_again

        found = iter(pulled(*inputs, *gradients))
        return [next(found) if there else None for there in wanted]

    return apply


def hand_gradient_pays(units):
    """Whether `layers.kernels` are faster here than what TensorFlow derives.

    They are where XLA compiles them: inside a graph, and not for few units, which compiling takes
    longer than it saves. Nor where the graph may leave this process: nobody says that it will.
    """
    if tf.executing_eagerly() or units < 32 or _portable.top():
        return False
    return could_possibly_record() or bool(_compiled.top()) or _is_step_of_keras()


# Functions of Keras in which `fit`, `evaluate` and `predict` run a model; an export has others.
_STEPS = {
    "one_step_on_data",
    "one_step_on_data_distributed",
    "multi_step_on_data",
    "one_step_on_iterator",
    "multi_step_on_iterator",
}


def _is_step_of_keras():
    """Whether the graph being made is one that trains or predicts, here and now."""
    graph = tf.compat.v1.get_default_graph()
    while graph is not None:
        if getattr(graph, "name", None) in _STEPS:
            return True
        graph = getattr(graph, "outer_graph", None)
    return False


_portable = Stack()
_compiled = Stack()  # true while `compiled` makes a graph


def portable():
    """Graphs made inside have no part that XLA compiles, and no step that ONNX lacks."""
    return _portable.holding(True)


def fused(kind, inputs, state, weights, mask=None, reverse=False):
    """Return `None`: there is no fused recurrence here; see the PyTorch twin for the contract."""


def fused_both(kind, inputs, states, weights, mask=None):
    """Return `None`: there is no fused recurrence here; see the PyTorch twin for the contract."""


def _swap(x):
    """Exchange the batch and the time axis."""
    return tf.transpose(x, (1, 0, *range(2, len(x.shape))))


def _blank(inputs):
    """One step of zeros for inputs that may have no step, time first."""
    found = tf.zeros(tf.shape(inputs)[1:], inputs.dtype)
    found.set_shape(inputs.shape[1:])
    return found


def compiled(function, variables=(), reading=None):
    """Compile `function` once for each shape of its arguments.

    Args:
        function: takes tensors and returns a nest of them; it may read variables, not write them.
        variables: the Keras variables that it reads.
        reading: makes a context in which they have their newest values; they do where `None`.

    Returns:
        A callable with the same arguments, which always sees the current values of `variables`.
    """
    del variables, reading  # captured by reference
    traced = {}

    def trace(key):
        with _TRACING, _compiled.holding(True):
            if key not in traced:  # by another thread meanwhile
                specs = [tf.TensorSpec(shape, dtype) for shape, dtype in key]
                traced[key] = tf.function(function).get_concrete_function(*specs)
        return traced[key]

    def call(*args):
        # One graph for each shape on purpose; left to itself, tf.function warns of it.
        key = tuple((tuple(x.shape), x.dtype) for x in args)
        return (traced.get(key) or trace(key))(*args)

    return call


def gradient(function, inputs):
    """Return `function(inputs)`, a scalar, and its gradient with respect to the nest `inputs`."""
    inputs = keras.tree.map_structure(tf.convert_to_tensor, inputs)
    with tf.GradientTape() as tape:
        tape.watch(keras.tree.flatten(inputs))
        value = function(inputs)
    return value, tape.gradient(value, inputs, unconnected_gradients="zero")


def synchronize(model):
    """Make the variables of `model` hold the newest values: here they always do."""


def choose(mask, arrays):
    """Return the rows of each of `arrays` where `mask`, `(rows,)`, is true.

    How many these are is known to a step that runs only: not to a compiler (see `static_step`),
    nor where shapes alone are traced, when all rows are returned.
    """
    return tuple(tf.boolean_mask(array, mask) for array in arrays)


def run_if(condition, function):
    """Call `function` for what it changes, where the scalar `condition` is true."""

    def run():
        function()
        return 0

    tf.cond(condition, run, lambda: 0)


def static_step(jit_compile):
    """Whether a training step with this `jit_compile` must know all shapes beforehand."""
    if jit_compile == "auto":
        return bool(tf.config.list_physical_devices("GPU"))
    return bool(jit_compile)


@contextlib.contextmanager
def kept_on_error(model):
    """Leave `model` as the last step that ended well left it, whatever is raised inside.

    On this backend a step that breaks off changes nothing.
    """
    yield


def guarded(model, function):
    """Return a step function of Keras's trainer, such that `kept_on_error` knows what it did."""
    return function


def random_state():
    """Return the states of the global generators: no layer of Keras draws from any here."""
    return []


def set_random_state(states):
    """Put the global generators into the states that `random_state` returned."""


_CHUNK = 32  # steps of a linear recurrence that one part of the graph holds


@tf.autograph.experimental.do_not_convert  # it would look through the decorator of the gradient
def linear_scan(decay, inputs, state, reverse=False):
    """Run `h_t = decay_t * h_(t-1) + inputs_t`, elementwise, for all steps side by side.

    The sequence is cut into chunks. What a chunk makes of the state before it is known for all
    chunks at once, after as many operations as a chunk has steps; the states between the chunks
    follow one from the other; then all chunks run again, at once, from the right state. Nothing
    overflows and no number is divided by another or goes through a logarithm: with `decay` in
    [0, 1] the result is as exact as that of the plain loop, for numbers of any sign. The gradient
    is a linear recurrence too, in the other direction.

    Args:
        decay: `(batch, time, size)`, in [0, 1]; any number of steps, 0 too.
        inputs: `(batch, time, size)`, of the same dtype, as `state` is.
        state: h before the first step, `(batch, size)`.
        reverse: whether to run from the last step to the first.

    Returns:
        Every h, `(batch, time, size)`, in the order of `inputs`.
    """

    @with_gradient
    def scanned(decay, inputs, state):
        outputs = _chunked(decay, inputs, state, reverse)

        def backward(gradient):
            if reverse:
                before = tf.concat([outputs, state[:, None]], axis=1)[:, 1:]
                following = tf.concat([tf.ones_like(decay[:, :1]), decay[:, :-1]], axis=1)
            else:
                before = tf.concat([state[:, None], outputs], axis=1)[:, :-1]
                following = tf.concat([decay[:, 1:], tf.ones_like(decay[:, :1])], axis=1)
            total = linear_scan(following, gradient, tf.zeros_like(state), not reverse)
            first = slice(-1, None) if reverse else slice(1)
            of_state = tf.reduce_sum(decay[:, first] * total[:, first], axis=1)  # 0 if no steps
            return total * before, total, of_state

        return outputs, backward

    return scanned(decay, inputs, state)


def _chunked(decay, inputs, state, reverse):
    """The chunks of `linear_scan`."""
    batch, steps, size = tf.unstack(tf.shape(inputs))
    time = inputs.shape[1]
    chunk = _CHUNK if time is None else max(1, min(_CHUNK, time))
    count = tf.maximum((steps + chunk - 1) // chunk, 1)  # `scan` needs a step
    more = count * chunk - steps

    def split(x, filling):
        widths = [[0, 0], [more, 0] if reverse else [0, more], [0, 0]]
        x = tf.reshape(
            tf.pad(x, widths, constant_values=filling), (batch, count, chunk, x.shape[2] or size)
        )
        x = tf.unstack(x, axis=2)  # chunk times (batch, count, size)
        return x[::-1] if reverse else x

    steps_of_chunk = list(zip(split(decay, 1), split(inputs, 0), strict=True))
    kept, total = tf.ones_like(steps_of_chunk[0][0]), tf.zeros_like(steps_of_chunk[0][0])
    for a, b in steps_of_chunk:
        kept, total = a * kept, a * total + b
    if reverse:
        kept, total = tf.reverse(kept, [1]), tf.reverse(total, [1])
    h, _ = scan(lambda x, h: (h, x[0] * h + x[1]), state, (kept, total))  # before each chunk
    if reverse:
        h = tf.reverse(h, [1])
    outputs = []
    for a, b in steps_of_chunk:
        h = a * h + b
        outputs.append(h)
    outputs = tf.stack(outputs[::-1] if reverse else outputs, axis=2)
    outputs = tf.reshape(outputs, (batch, count * chunk, inputs.shape[2] or size))
    outputs = outputs[:, more:] if reverse else outputs[:, :steps]
    outputs.set_shape(inputs.shape)
    return outputs


def additive_scores(query, keys, scale):
    """Return `scale . tanh(query + keys)`.

    Args:
        query: `(batch, 1, units)`.
        keys: `(batch, time, units)`.
        scale: `(units, 1)`.

    Returns:
        `(batch, 1, time)`.
    """
    # Outside of the scope in which Keras casts weights, as in a search, they may differ.
    query, scale = tf.cast(query, keys.dtype), tf.cast(scale, keys.dtype)
    meeting = tf.tanh(query + keys)
    # One product of two matrices is several times faster than one for each row.
    found = tf.matmul(tf.reshape(meeting, (-1, scale.shape[0])), scale)
    return tf.reshape(found, (_rows(query), 1, meeting.shape[1] or tf.shape(meeting)[1]))


def cross_entropy(labels, logits, constant=False):
    """Return `-log softmax(logits)[labels]`, in nats.

    Args:
        labels: int32 `(...)`.
        logits: `(..., classes)`.
        constant: whether the result needs no gradient.
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def predictions(logits):
    """Return the most probable classes, int32 `(...)`; the lowest of equals."""
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def top_k(x, k):
    """Return the `k` largest of the last axis, largest first, and their places, int32.

    Of equals the lower place comes first. Keras's own says nothing of that.
    """
    return tf.math.top_k(x, k)


def lstm_gates(z, c):
    """Return `(h, c)` of an LSTM with its usual activations.

    Args:
        z: the inputs of the gates i, f, g, o, `(batch, 4 * units)`.
        c: the state before, `(batch, units)`.
    """
    i, f, g, o = tf.split(z, 4, axis=-1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


def gru_gates(x, inner, h):
    """Return h of a GRU with its usual activations, which is reset after the product.

    Args:
        x: what the gates z, r and the candidate n get from outside, `(batch, 3 * units)`.
        inner: what they get from h, with its bias, `(batch, 3 * units)`.
        h: the state before, `(batch, units)`.
    """
    x_z, x_r, x_n = tf.split(x, 3, axis=-1)
    h_z, h_r, h_n = tf.split(inner, 3, axis=-1)
    z = tf.sigmoid(x_z + h_z)
    return z * h + (1 - z) * tf.tanh(x_n + tf.sigmoid(x_r + h_r) * h_n)


def tanh(x):
    """Return the hyperbolic tangent in the dtype of x."""
    return tf.tanh(x)


def last_valid_steps(mask):
    """Return for each step of a boolean mask the last valid one up to it, or itself, int32."""
    valid_first = tf.argsort(tf.cast(~mask, tf.int32), axis=1, stable=True)
    rank = tf.cumsum(tf.cast(mask, tf.int32), axis=1) - 1
    found = tf.gather(valid_first, tf.maximum(rank, 0), axis=1, batch_dims=1)
    return tf.where(rank < 0, tf.range(tf.shape(mask)[1])[None], found)
