"""The PyTorch side of `keras_seq.backend`."""

import contextlib
import functools
import math
import weakref

import keras
import torch

from keras_seq.backend.products import inside, multiply

jit_pays = False
keeps_values_aside = False


def loop(step, state, inputs, reverse=False):
    """Run `step` over the first axis of `inputs`; see the TensorFlow twin for the contract."""
    return _loop(step, state, inputs, 0, reverse)


def scan(step, state, inputs, matrices=()):
    """Run `step` over the time axis of `inputs`; see the TensorFlow twin for the contract."""
    if not torch.is_grad_enabled():
        return _loop(step, state, inputs, 1)
    waiting = {id(matrix): _Waiting(matrix) for matrix in matrices}

    def by_rule(left, right):
        if isinstance(right, keras.Variable) and id(right) not in waiting:
            # A variable in another dtype is cast at each step: another tensor each time.
            if keras.ops.convert_to_tensor(right) is not right.value:
                return _contract(left, keras.ops.convert_to_tensor(right))
            waiting[id(right)] = _Waiting(right.value)
        found = waiting.get(id(right))
        if found is None or not found.matrix.requires_grad or found.matrix.dtype != left.dtype:
            return _contract(left, keras.ops.convert_to_tensor(right))
        return _Product.apply(left, found.token, found)

    with inside(by_rule):
        return _loop(step, state, inputs, 1)


def _loop(step, state, inputs, axis, reverse=False):
    leaves = keras.tree.flatten(inputs)
    if leaves[0].shape[axis] == 0:
        blank = keras.tree.map_structure(lambda x: x.new_zeros(_without(x.shape, axis)), inputs)
        pattern, _ = step(blank, state)
        empty = keras.tree.map_structure(
            lambda x: x.new_zeros((*x.shape[:axis], 0, *x.shape[axis:])), pattern
        )
        return empty, state
    outputs, packed = [], _packer(inputs)
    steps = zip(*(leaf.unbind(axis) for leaf in leaves), strict=True)
    for x in _ordered(steps, reverse):
        output, state = step(packed(x), state)
        outputs.append(output)
    outputs = outputs[::-1] if reverse else outputs
    return keras.tree.map_structure(lambda *steps: torch.stack(steps, dim=axis), *outputs), state


def _packer(nest):
    """A function from the leaves of `nest` to it; for the plain cases one that costs little."""
    if isinstance(nest, torch.Tensor):
        return lambda leaves: leaves[0]
    if type(nest) is dict and all(isinstance(x, torch.Tensor) for x in nest.values()):
        names = sorted(nest)  # the order in which leaves come
        return lambda leaves: dict(zip(names, leaves, strict=True))
    return lambda leaves: keras.tree.pack_sequence_as(nest, list(leaves))


def _without(shape, axis):
    return (*shape[:axis], *shape[axis + 1 :])


def product(left, right):
    """Return `left @ right` for a `right` that a loop does not change; see the TensorFlow twin."""
    return multiply(left, right, _contract)


def _contract(left, right):
    if right.dim() == 3:
        return torch.bmm(left[:, None], right)[:, 0]
    return torch.matmul(left, right)


class _Waiting:
    """A matrix whose gradient is found when all products with it have found theirs.

    Attributes:
        matrix: the matrix, or one for each row.
        token: a number that every product takes and that depends on the matrix: so autograd comes
            back to the matrix last.
        parts: from the backward pass, what was multiplied and the gradient of the result.
    """

    def __init__(self, matrix):
        self.matrix = matrix
        self.token = _Token.apply(matrix, self)
        self.parts = []


class _Token(torch.autograd.Function):
    """The token of a matrix; backward, one product for all steps."""

    @staticmethod
    def forward(ctx, matrix, waiting):
        ctx.waiting = waiting
        return torch.zeros(())  # on the CPU: to count costs no wait for a GPU

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, count):
        waiting = ctx.waiting
        # A pass that did not ask for the matrix left its parts before those of this one.
        lefts, rights = zip(*waiting.parts[-int(count) :], strict=True)
        waiting.parts = []
        if waiting.matrix.dim() == 3:
            left, right = torch.stack(lefts, dim=2), torch.stack(rights, dim=1)
            return torch.bmm(left, right), None
        left, right = (torch.cat([x.flatten(0, -2) for x in part]) for part in (lefts, rights))
        return left.t() @ right, None


class _Product(torch.autograd.Function):
    """A product with a matrix, which leaves the gradient of the matrix to `_Token`."""

    @staticmethod
    def forward(ctx, left, token, waiting):
        ctx.save_for_backward(left)
        ctx.waiting = waiting
        return _contract(left, waiting.matrix)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        waiting = ctx.waiting
        waiting.parts.append((*ctx.saved_tensors, gradient))
        of_left = None
        if ctx.needs_input_grad[0]:
            of_left = _contract(gradient, waiting.matrix.transpose(-1, -2))
        return of_left, torch.ones(()), None


def custom_gradient(forward, backward):
    """Give a function a gradient of its own; see the TensorFlow twin for the contract."""

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *args):
            outputs, ctx.kept = forward(True, *args)
            return outputs

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, *gradients):
            return tuple(backward(ctx.kept, *gradients))

    return Function.apply


def hand_gradient_pays(units):
    """Whether `layers.kernels` are faster here than what PyTorch derives: it has kernels itself."""
    return False


def fused(kind, inputs, state, weights, mask=None, reverse=False):
    """Run a recurrence in one kernel of PyTorch, where there is one.

    Args:
        kind: `"lstm"`, `"gru"` (reset after the product) or `"vanilla"` (tanh).
        inputs: `(batch, time, features)`.
        state: a list of tensors `(batch, units)`.
        weights: `(kernel, recurrent_kernel, bias, recurrent_bias)` in the layout of Keras; the
            last one is `None` for all but the GRU.
        mask: boolean `(batch, time)`, or `None`.
        reverse: whether to start at each row's last valid step.

    Returns:
        `(outputs, state)`, the outputs 0 where masked; or `None` for what the kernels do not
        serve: half precision on the CPU, no steps, and, but for a GRU on the CPU, a mask that is
        not padding on the right.
    """
    if inputs.shape[1] == 0 or (inputs.dtype.itemsize < 4 and inputs.device.type == "cpu"):
        return None
    if kind == "gru" and inputs.device.type == "cpu":
        found = _gru(inputs, [state], [weights], mask, (reverse,))
        return tuple(one[0] for one in found)
    lengths = None
    if mask is not None:
        if bool((mask[:, 1:] & ~mask[:, :-1]).any()):
            return None
        lengths = mask.sum(dim=1)
        if bool((lengths == mask.shape[1]).all()):
            lengths = None
    kernel, recurrent, bias, recurrent_bias = weights
    if recurrent_bias is None:
        recurrent_bias = torch.zeros_like(bias)
    if kind == "gru":  # Keras has update, reset, new; PyTorch reset, update, new
        kernel, recurrent, bias, recurrent_bias = (
            torch.cat([w[..., n : 2 * n], w[..., :n], w[..., 2 * n :]], dim=-1)
            for n in [recurrent.shape[0]]
            for w in (kernel, recurrent, bias, recurrent_bias)
        )
    reverse_rows = functools.partial(_reverse_rows, lengths=lengths)
    if reverse:
        inputs = reverse_rows(inputs)
    if kind == "lstm" and lengths is not None:
        inputs, kernel = _freeze_padding(inputs, kernel, mask)
    first = [x[None].contiguous() for x in state]
    matrices = [kernel.t(), recurrent.t()]
    if inputs.is_cuda:  # cuDNN takes its weights in the order of memory alone
        matrices = [matrix.contiguous() for matrix in matrices]
    parameters = [*matrices, bias, recurrent_bias]
    options = (True, 1, 0.0, torch.is_grad_enabled(), False, True)
    if kind == "lstm":
        outputs, _, cell = torch.lstm(inputs, first, parameters, *options)
    else:
        run = torch.gru if kind == "gru" else torch.rnn_tanh
        outputs, _ = run(inputs, first[0], parameters, *options)
    if lengths is None:
        last = outputs[:, -1]
    else:
        rows = torch.arange(len(outputs), device=outputs.device)
        last = torch.where(lengths[:, None] > 0, outputs[rows, lengths.clamp(min=1) - 1], state[0])
        outputs = outputs * mask[:, :, None].to(outputs.dtype)
    if reverse:
        outputs = reverse_rows(outputs)
    return outputs, [last, cell[0]] if kind == "lstm" else [last]


def fused_both(kind, inputs, states, weights, mask=None):
    """Run two recurrences over the same inputs, the second one from the last step to the first.

    Args:
        kind, inputs, mask: as in `fused`.
        states, weights: a pair, each as in `fused`.

    Returns:
        `(outputs, states)`, each a pair; or `None` where this is not faster than one by one.
    """
    if kind != "gru" or inputs.device.type != "cpu" or inputs.dtype.itemsize < 4:
        return None
    if inputs.shape[1] == 0 or weights[0][1].shape != weights[1][1].shape:
        return None
    return _gru(inputs, states, weights, mask, (False, True))


def _gru(inputs, states, weights, mask, reverses):
    """`(outputs, states)` of GRUs side by side, a tuple of each."""
    matrices = [torch.stack(one) for one in zip(*weights, strict=True)]
    first = torch.stack([state[0] for state in states])
    *outputs, last = _GRU.apply(inputs, first, *matrices, mask, reverses)
    if mask is not None:
        valid = mask[:, :, None].to(inputs.dtype)
        outputs = [one * valid for one in outputs]
    return tuple(outputs), tuple([one] for one in last.unbind(0))


class _GRU(torch.autograd.Function):
    """GRUs on the CPU, with any mask: PyTorch's own kernel takes twice as long to train.

    Several run side by side, each in its own direction (D of them). On the way back everything that
    does not depend on the gradient of h is found for all steps at once; the loop has two products
    by number and one by matrix.
    """

    @staticmethod
    def forward(ctx, inputs, state, kernel, recurrent, bias, recurrent_bias, mask, reverses):
        batch, time, size = inputs.shape
        count, units, _ = recurrent.shape
        inputs = inputs.transpose(0, 1)
        inputs = torch.stack([_flipped(inputs, reverse) for reverse in reverses])  # (D, T, B, S)
        gates = torch.baddbmm(bias[:, None], inputs.view(count, -1, size), kernel)
        gates = gates.view(count, time, batch, 3 * units)
        if mask is not None:  # z is 1, so h stays
            masked = ~mask.t()[:, :, None]
            masked = torch.stack([_flipped(masked, reverse) for reverse in reverses])
            gates[..., :units].masked_fill_(masked, 1e4)
        inner = gates.new_empty((count, time, batch, 3 * units))
        states = gates.new_empty((count, time, batch, units))
        zr, n = gates[..., : 2 * units], gates[..., 2 * units :]
        parts = zr, zr[..., :units], zr[..., units:], n, states
        parts += inner, inner[..., : 2 * units], inner[..., 2 * units :]
        h, recurrent_bias = state, recurrent_bias[:, None]
        for step in zip(*(x.unbind(1) for x in parts), strict=True):
            zr_t, z_t, r_t, n_t, new, inner_t, inner_zr, inner_n = step
            torch.baddbmm(recurrent_bias, h, recurrent, out=inner_t)
            zr_t.add_(inner_zr).sigmoid_()
            n_t.addcmul_(r_t, inner_n).tanh_()
            h = torch.lerp(n_t, h, z_t, out=new)
        ctx.save_for_backward(inputs, state, kernel, recurrent, gates, inner, states)
        ctx.reverses = reverses
        outputs = [
            _flipped(one, reverse).transpose(0, 1)
            for one, reverse in zip(states.unbind(0), reverses, strict=True)
        ]
        return *outputs, h.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *gradients):
        inputs, state, kernel, recurrent, gates, inner, states = ctx.saved_tensors
        count, time, batch, units = states.shape
        *d_outputs, dh = gradients
        d_states = torch.stack(
            [
                _flipped(one.transpose(0, 1), reverse)
                for one, reverse in zip(d_outputs, ctx.reverses, strict=True)
            ]
        )
        before = torch.cat([state[:, None], states[:, :-1]], dim=1)
        z, r, n = gates.split(units, dim=-1)
        slope = torch.ops.aten.tanh_backward(1 - z, n)
        factors = gates.new_empty((count, time, batch, 3, units))
        of_z, of_r, of_n = factors.unbind(3)
        torch.ops.aten.sigmoid_backward.grad_input(before - n, z, grad_input=of_z)
        d_r = slope * inner[..., 2 * units :]
        torch.ops.aten.sigmoid_backward.grad_input(d_r, r, grad_input=of_r)
        torch.mul(slope, r, out=of_n)
        back = recurrent.transpose(1, 2)
        d_inner = factors.flatten(3)  # the same memory
        parts = d_states, d_states[..., None, :], factors, d_inner, z
        for step in reversed([*zip(*(x.unbind(1) for x in parts), strict=True)]):
            total, column, factor, d_gates, z_t = step
            total.add_(dh)
            factor.mul_(column)
            dh = torch.baddbmm(total * z_t, d_gates, back)

        def rows(x):
            return x.reshape(count, time * batch, -1)

        d_inner = rows(d_inner)
        d_outer = torch.cat([d_inner[..., : 2 * units], rows(d_states * slope)], dim=-1)
        d_inputs = torch.bmm(d_outer, kernel.transpose(1, 2)).view(count, time, batch, -1)
        d_inputs = sum(map(_flipped, d_inputs.unbind(0), ctx.reverses)).transpose(0, 1)
        d_kernel = torch.bmm(rows(inputs).transpose(1, 2), d_outer)
        d_recurrent = torch.bmm(rows(before).transpose(1, 2), d_inner)
        biases = d_outer.sum(dim=1), d_inner.sum(dim=1)
        return d_inputs, dh, d_kernel, d_recurrent, *biases, None, None


def _flipped(x, reverse):
    """`x`, or its steps from the last one to the first, time first."""
    return x.flip(0) if reverse else x


def _ordered(steps, reverse):
    """The steps, or the steps from the last one to the first."""
    return reversed([*steps]) if reverse else steps


def _reverse_rows(x, lengths):
    """Reverse the valid part of each row of `(batch, time, ...)`; `lengths` of `None` is all."""
    if lengths is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)
    order = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return torch.take_along_dim(x, order[:, :, None], dim=1)


def _freeze_padding(inputs, kernel, mask):
    """Let an LSTM keep c at padded steps: one more input, 1 there, shuts one gate, opens another.

    The kernel returns c of the last step alone, and c of each row's last valid step is wanted.
    """
    units = kernel.shape[1] // 4
    shut = torch.zeros_like(kernel[:1])
    shut[:, :units] = -1e4  # the input gate
    shut[:, units : 2 * units] = 1e4  # the forget gate
    padding = (~mask)[:, :, None].to(inputs.dtype)
    return torch.cat([inputs, padding], dim=-1), torch.cat([kernel, shut], dim=0)


def compiled(function, variables=(), reading=None):
    """Run `function` without recording gradients; PyTorch has nothing to compile here."""
    del variables, reading  # captured by reference

    @functools.wraps(function)
    def without_gradients(*args):
        with torch.no_grad():
            return function(*args)

    return without_gradients


def gradient(function, inputs):
    """Return `function(inputs)`, a scalar, and its gradient with respect to the nest `inputs`."""
    inputs = keras.tree.map_structure(
        lambda x: keras.ops.convert_to_tensor(x).detach().clone().requires_grad_(), inputs
    )
    with torch.enable_grad():
        value = function(inputs)
    leaves = keras.tree.flatten(inputs)
    gradients = torch.autograd.grad(value, leaves, allow_unused=True)
    gradients = [
        torch.zeros_like(x) if g is None else g for x, g in zip(leaves, gradients, strict=True)
    ]
    return value.detach(), keras.tree.pack_sequence_as(inputs, gradients)


def synchronize(model):
    """Make the variables of `model` hold the newest values: here they always do."""


def choose(mask, arrays):
    """Return the rows of each of `arrays` where `mask` is true; see the TensorFlow twin."""
    if mask.device.type == "meta":
        return tuple(arrays)
    return tuple(array[mask] for array in arrays)


def run_if(condition, function):
    """Call `function` where the scalar `condition` is true; see the TensorFlow twin."""
    if condition.device.type == "meta" or bool(condition):
        function()


def static_step(jit_compile):
    """Whether a training step must know its shapes beforehand; see the TensorFlow twin."""
    return False


def random_state():
    """Return the states of the global generators as a list of bytes.

    Keras's `Dropout` draws from them here, not from its own seed.
    """
    states = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return [state.numpy().tobytes() for state in states]


def set_random_state(states):
    """Put the global generators into the states that `random_state` returned."""
    cpu, *gpus = [torch.frombuffer(bytearray(state), dtype=torch.uint8) for state in states]
    torch.set_rng_state(cpu)
    torch.cuda.set_rng_state_all(gpus)


def linear_scan(decay, inputs, state, reverse=False):
    """Run `h_t = decay_t * h_(t-1) + inputs_t` in parallel; see the TensorFlow twin."""
    return _LinearScan.apply(decay, inputs, state, reverse)


class _LinearScan(torch.autograd.Function):
    """`linear_scan`, written step by step into one tensor, and its gradient."""

    @staticmethod
    def forward(ctx, decay, inputs, state, reverse):
        outputs = torch.empty_like(inputs, memory_format=torch.contiguous_format)
        _run_chunks(outputs, decay, inputs, state, reverse)
        ctx.save_for_backward(decay, state, outputs)
        ctx.reverse = reverse
        return outputs

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        decay, state, outputs = ctx.saved_tensors
        of_decay, of_inputs = torch.empty_like(outputs), torch.empty_like(outputs)
        if outputs.shape[1] == 0:
            return of_decay, of_inputs, torch.zeros_like(state), None
        # What each h is worth: a linear recurrence from the last one to the first one.
        earlier, later = slice(-1), slice(1, None)
        first, last = 0, -1
        if ctx.reverse:
            earlier, later, first, last = later, earlier, last, first
        of_inputs[:, last] = gradient[:, last]
        rest = of_inputs[:, earlier], decay[:, later], gradient[:, earlier]
        _run_chunks(*rest, gradient[:, last], not ctx.reverse)
        torch.mul(of_inputs[:, later], outputs[:, earlier], out=of_decay[:, later])
        torch.mul(of_inputs[:, first], state, out=of_decay[:, first])
        return of_decay, of_inputs, of_inputs[:, first] * decay[:, first], None


def _run_chunks(outputs, decay, inputs, state, reverse):
    """The chunks of `linear_scan`; writes into `outputs`."""
    length = inputs.shape[1]
    chunk = max(32, math.isqrt(length) // 2)
    count = length // chunk
    if count > 2:
        cut = length - count * chunk if reverse else count * chunk
        here, rest = (slice(cut, None), slice(cut)) if reverse else (slice(cut), slice(cut, None))
        tensors = outputs, decay, inputs
        h, a, b = (x[:, here].unflatten(1, (count, chunk)) for x in tensors)
        whole = torch.zeros_like(b[:, :, 0])
        _run_steps([whole] * chunk, a.unbind(2), b.unbind(2), whole, reverse)
        between = torch.empty_like(whole)
        _run_steps(between.unbind(1), a.prod(dim=2).unbind(1), whole.unbind(1), state, reverse)
        if reverse:
            first = torch.cat([between[:, 1:], state[:, None]], dim=1)
        else:
            first = torch.cat([state[:, None], between[:, :-1]], dim=1)
        _run_steps(h.unbind(2), a.unbind(2), b.unbind(2), first, reverse)
        state = between[:, 0 if reverse else -1]
        outputs, decay, inputs = (x[:, rest] for x in tensors)
    _run_steps(outputs.unbind(1), decay.unbind(1), inputs.unbind(1), state, reverse)


def _run_steps(outputs, decay, inputs, h, reverse):
    """The plain loop; writes into `outputs`."""
    steps = zip(outputs, decay, inputs, strict=True)
    for h_t, a, b in reversed([*steps]) if reverse else steps:
        h = torch.addcmul(b, a, h, out=h_t)


@contextlib.contextmanager
def portable():
    """Graphs made inside run without a compiler: there is none here that would not."""
    yield


def additive_scores(query, keys, scale):
    """Return `scale . tanh(query + keys)`; see the TensorFlow twin."""
    return _AdditiveScores.apply(query, keys, scale)


class _AdditiveScores(torch.autograd.Function):
    """`additive_scores` with as few tensors of (batch, time, units) as can be."""

    @staticmethod
    def forward(ctx, query, keys, scale):
        meeting = torch.add(query, keys).tanh_()
        ctx.save_for_backward(meeting, scale)
        return (meeting @ scale).transpose(1, 2)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        meeting, scale = ctx.saved_tensors
        of_scale = meeting.flatten(0, 1).t() @ gradient.reshape(-1, 1)
        of_sum = torch.ops.aten.tanh_backward(gradient.transpose(1, 2) * scale[:, 0], meeting)
        return of_sum.sum(dim=1, keepdim=True), of_sum, of_scale


def cross_entropy(labels, logits, constant=False):
    """Return `-log softmax(logits)[labels]`; see the TensorFlow twin."""
    if constant:
        return _remembered("cross entropy", logits, lambda: _cross_entropy(labels, logits), labels)
    found = _cross_entropy(labels, logits)
    _remember("cross entropy", logits, found.detach(), labels)
    return found


def _cross_entropy(labels, logits):
    found = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1).long(), reduction="none"
    )
    return found.reshape(labels.shape)


def predictions(logits):
    """Return the most probable classes, int32; the lowest of equals."""
    return _remembered("predictions", logits, lambda: logits.argmax(dim=-1).to(torch.int32))


def top_k(x, k):
    """Return the `k` largest of the last axis and their places; see the TensorFlow twin.

    PyTorch's `topk` takes equals in any order. Only rows that have some are sorted as a whole.
    """
    values, places = torch.topk(x, min(k + 1, x.shape[-1]))
    tied = (values[..., 1:] == values[..., :-1]).any(dim=-1)
    values, places = values[..., :k], places[..., :k]
    if tied.any():
        places[tied] = torch.sort(x[tied], dim=-1, descending=True, stable=True)[1][..., :k]
    return values, places.to(torch.int32)


# A loss and the metrics beside it ask the same of the same large logits, one after the other.
_last = {}


def _remember(name, logits, result, labels=None):
    labels = None if labels is None else labels.clone()  # they may change in place
    _last[name] = weakref.ref(logits), logits._version, labels, result


def _remembered(name, logits, compute, labels=None):
    """The result of `compute`, without a gradient, or the last one if that was of the same."""
    if name in _last:
        of, version, labels_before, result = _last[name]
        same = of() is logits and version == logits._version
        if same and (labels is None or torch.equal(labels, labels_before)):
            return result
    with torch.no_grad():
        result = compute()
    _remember(name, logits, result, labels)
    return result


def lstm_gates(z, c):
    """Return `(h, c)` of an LSTM; see the TensorFlow twin."""
    return _LSTMGates.apply(z, c)


class _LSTMGates(torch.autograd.Function):
    """`lstm_gates` as one step of autograd: there are some 25 otherwise."""

    @staticmethod
    def forward(ctx, z, c):
        gates = z.sigmoid()
        i, f, g, o = gates.chunk(4, dim=-1)
        g.copy_(z.chunk(4, dim=-1)[2]).tanh_()
        new = torch.addcmul(i * g, f, c)
        t = new.tanh()
        ctx.save_for_backward(gates, c, t)
        return o * t, new

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dh, dc):
        gates, c, t = ctx.saved_tensors
        i, f, g, o = gates.chunk(4, dim=-1)
        dc = dc + torch.ops.aten.tanh_backward(dh * o, t)
        of_gates = torch.empty_like(gates)
        parts = of_gates.chunk(4, dim=-1)
        for part, (left, right) in zip(parts, ((dc, g), (dc, c), (dc, i), (dh, t)), strict=True):
            torch.mul(left, right, out=part)
        of_z = torch.ops.aten.sigmoid_backward(of_gates, gates)
        of_z.chunk(4, dim=-1)[2].copy_(torch.ops.aten.tanh_backward(parts[2], g))
        return of_z, dc * f


def gru_gates(x, inner, h):
    """Return h of a GRU; see the TensorFlow twin."""
    return _GRUGates.apply(x, inner, h)


class _GRUGates(torch.autograd.Function):
    """`gru_gates` as one step of autograd."""

    @staticmethod
    def forward(ctx, x, inner, h):
        units = h.shape[-1]
        gates = torch.add(x[:, : 2 * units], inner[:, : 2 * units]).sigmoid_()
        z, r = gates.chunk(2, dim=-1)
        h_n = inner[:, 2 * units :]
        n = torch.addcmul(x[:, 2 * units :], r, h_n).tanh_()
        ctx.save_for_backward(gates, n, h_n, h)
        return torch.lerp(n, h, z)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dh):
        gates, n, h_n, h = ctx.saved_tensors
        z, r = gates.chunk(2, dim=-1)
        kept = dh * z
        dn = torch.ops.aten.tanh_backward(dh - kept, n)
        of_gates = torch.cat([dh * (h - n), dn * h_n], dim=-1)
        of_gates = torch.ops.aten.sigmoid_backward(of_gates, gates)
        return torch.cat([of_gates, dn], dim=-1), torch.cat([of_gates, dn * r], dim=-1), kept


def tanh(x):
    """Return the hyperbolic tangent in the dtype of x."""
    return torch.tanh(x)
