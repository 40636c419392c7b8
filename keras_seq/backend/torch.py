"""The PyTorch side of `keras_seq.backend`."""

import contextlib
import functools
import math
import weakref

import keras
import torch
from torch.autograd import forward_ad

from keras_seq.backend.products import inside, multiply

jit_pays = False
keeps_values_aside = False


def loop(step, state, inputs, reverse=False):
    """Run `step` over the first axis of `inputs`; see the TensorFlow twin for the contract."""
    return _loop(step, state, inputs, 0, reverse)


def scan(step, state, inputs, matrices=()):
    """Run `step` over the time axis of `inputs`; see the TensorFlow twin for the contract."""
    if not torch.is_grad_enabled() or _is_watched():
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
        return _Product.apply(left, found.matrix, found.token, found)

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


def _is_watched():
    """Whether something else than autograd looks on: a tracer, a compiler, a function transform.

    It then sees plain operations alone: no gradient of our own, and nothing decided by numbers.
    """
    return torch.jit.is_tracing() or torch.compiler.is_compiling() or _is_transformed()


def _is_transformed():
    """Whether `torch.func.vmap`, `grad`, `jvp` or their kin, or dual numbers, are at work."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def _derived(function, inputs, needed, gradients):
    """The gradients of `function(*inputs)`, as autograd finds them: they have gradients too."""
    # Names of their own: the gradient of one input shall not go on to another that it came from.
    inputs = [x.view_as(x) if isinstance(x, torch.Tensor) else x for x in inputs]
    outputs = function(*inputs)
    pairs = [pair for pair in zip(outputs, gradients, strict=True) if pair[0].requires_grad]
    chosen = [x for x, wanted in zip(inputs, needed, strict=True) if wanted]
    found = torch.autograd.grad(
        [output for output, _ in pairs],
        chosen,
        [gradient for _, gradient in pairs],
        create_graph=True,
        allow_unused=True,
    )
    found = iter(found)
    return tuple(next(found) if wanted else None for wanted in needed)


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
    def backward(ctx, count):
        waiting, count = ctx.waiting, int(count)
        if not count:
            return None, None
        # A pass that did not ask for the matrix left its parts before those of this one.
        lefts, rights = zip(*waiting.parts[-count:], strict=True)
        waiting.parts = []
        return _sum_of_products(waiting.matrix, lefts, rights), None


def _sum_of_products(matrix, lefts, rights):
    """The gradient of a matrix from all steps."""
    if matrix.dim() == 3:
        return torch.bmm(torch.stack(lefts, dim=2), torch.stack(rights, dim=1))
    left, right = (torch.cat([x.flatten(0, -2) for x in part]) for part in (lefts, rights))
    return left.t() @ right


class _Product(torch.autograd.Function):
    """A product with a matrix, which leaves the gradient of the matrix to `_Token`."""

    @staticmethod
    def forward(ctx, left, matrix, token, waiting):
        ctx.save_for_backward(left)
        ctx.waiting = waiting
        return _contract(left, matrix)

    @staticmethod
    def backward(ctx, gradient):
        waiting, (left,) = ctx.waiting, ctx.saved_tensors
        matrix, of_left, of_matrix = waiting.matrix, None, None
        if ctx.needs_input_grad[0]:
            of_left = _contract(gradient, matrix.transpose(-1, -2))
        if torch.is_grad_enabled():
            # It may be differentiated in its turn: at once, for a part that waited in vain would
            # keep alive the graph that keeps it.
            of_matrix = _sum_of_products(matrix, [left], [gradient])
            return of_left, of_matrix, torch.zeros(()), None
        waiting.parts.append((left.detach(), gradient))
        return of_left, None, torch.ones(()), None


def custom_gradient(forward, backward):
    """Give a function a gradient of its own; see the TensorFlow twin for the contract."""

    def plain(*args):
        return forward(False, *args)[0]

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *args):
            outputs, ctx.kept = forward(True, *args)
            ctx.numbers = [k for k, x in enumerate(args) if isinstance(x, torch.Tensor)]
            ctx.count = len(args)
            ctx.save_for_backward(*(args[k] for k in ctx.numbers))
            return outputs

        @staticmethod
        def backward(ctx, *gradients):
            if not torch.is_grad_enabled():
                return tuple(backward(ctx.kept, *gradients))
            args = [None] * ctx.count
            for k, x in zip(ctx.numbers, ctx.saved_tensors, strict=True):
                args[k] = x
            return _derived(plain, args, ctx.needs_input_grad, gradients)

    return lambda *args: plain(*args) if _is_watched() else Function.apply(*args)


def hand_gradient_pays(units):
    """Whether `layers.kernels` are faster here than what PyTorch derives: it has kernels itself."""
    return False


_uncompiled = []  # `fused` itself, where a compiler is at work: to make it imports the compiler


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
        serve: half precision on the CPU, no steps, a function transform and, but for a GRU on the
        CPU and for what is traced or compiled, a mask that is not padding on the right.
    """
    if inputs.shape[1] == 0 or (inputs.dtype.itemsize < 4 and inputs.device.type == "cpu"):
        return None
    if _is_transformed():
        return None
    if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
        # Its compiler does not know `mkldnn_rnn_layer` for batches of any size, and takes minutes
        # for the steps one by one: the kernel runs between two compiled parts.
        if not _uncompiled:
            _uncompiled.append(torch.compiler.disable(fused))
        return _uncompiled[0](kind, inputs, state, weights, mask, reverse)
    if _is_watched():
        return _fused_whatever_the_mask(kind, inputs, state, weights, mask, reverse)
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
    return _fused(kind, inputs, state, weights, mask, lengths, reverse)


def _fused_whatever_the_mask(kind, inputs, state, weights, mask, reverse):
    """`fused` where nothing may be decided by the numbers of a mask: the valid steps go first."""
    if mask is None:
        return _fused(kind, inputs, state, weights, None, None, reverse)
    places = _places(mask)[:, :, None]
    lengths = mask.sum(dim=1)
    inputs = torch.zeros_like(inputs).scatter(1, places.expand_as(inputs), inputs)
    valid = torch.arange(mask.shape[1], device=mask.device) < lengths[:, None]
    outputs, state = _fused(kind, inputs, state, weights, valid, lengths, reverse)
    return torch.gather(outputs, 1, places.expand_as(outputs)), state


def _fused(kind, inputs, state, weights, mask, lengths, reverse):
    """`fused` for padding on the right, `lengths` being the numbers of valid steps, or for none."""
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
        rows = torch.arange(outputs.shape[0], device=outputs.device)
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
    if kind != "gru" or inputs.device.type != "cpu" or inputs.dtype.itemsize < 4 or _is_watched():
        return None
    if inputs.shape[1] == 0 or weights[0][1].shape != weights[1][1].shape:
        return None
    return _gru(inputs, states, weights, mask, (False, True))


def _gru(inputs, states, weights, mask, reverses):
    """`(outputs, states)` of GRUs side by side, a tuple of each."""
    matrices = [torch.stack(one) for one in zip(*weights, strict=True)]
    first = torch.stack([state[0] for state in states])
    inputs, masked = inputs.transpose(0, 1), None
    inputs = torch.stack([_flipped(inputs, reverse) for reverse in reverses])  # (D, T, B, S)
    if mask is not None:
        masked = ~mask.t()[:, :, None]
        masked = torch.stack([_flipped(masked, reverse) for reverse in reverses])
    *outputs, last = _GRU.apply(inputs, first, *matrices, masked, reverses)
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
    def forward(ctx, inputs, state, kernel, recurrent, bias, recurrent_bias, masked, reverses):
        given = inputs, state, kernel, recurrent, bias, recurrent_bias, masked
        gates = _outer_gates(inputs, kernel, bias, masked)
        count, time, batch, units = *gates.shape[:3], state.shape[-1]
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
        ctx.save_for_backward(*given, gates, inner, states)
        ctx.reverses = reverses
        return *_in_order(states, reverses), h.clone()

    @staticmethod
    def backward(ctx, *gradients):
        *given, gates, inner, states = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _derived(_plain_gru, [*given, ctx.reverses], ctx.needs_input_grad, gradients)
        inputs, state, kernel, recurrent, *_ = given
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
        d_inputs = None
        if ctx.needs_input_grad[0]:
            d_inputs = torch.bmm(d_outer, kernel.transpose(1, 2)).view(count, time, batch, -1)
        d_kernel = torch.bmm(rows(inputs).transpose(1, 2), d_outer)
        d_recurrent = torch.bmm(rows(before).transpose(1, 2), d_inner)
        biases = d_outer.sum(dim=1), d_inner.sum(dim=1)
        return d_inputs, dh, d_kernel, d_recurrent, *biases, None, None


def _outer_gates(inputs, kernel, bias, masked):
    """What the gates of `_GRU` get from outside, for all steps."""
    count, time, batch, size = inputs.shape
    gates = torch.baddbmm(bias[:, None], inputs.view(count, -1, size), kernel)
    gates = gates.view(count, time, batch, -1)
    if masked is not None:  # z is 1, so h stays
        gates[..., : gates.shape[-1] // 3].masked_fill_(masked, 1e4)
    return gates


def _plain_gru(inputs, state, kernel, recurrent, bias, recurrent_bias, masked, reverses):
    """What `_GRU` computes, in operations that autograd knows."""
    h, states, units = state, [], state.shape[-1]
    for x in _outer_gates(inputs, kernel, bias, masked).unbind(1):
        inner = torch.baddbmm(recurrent_bias[:, None], h, recurrent)
        z, r = (x + inner)[..., : 2 * units].sigmoid().chunk(2, dim=-1)
        n = (x[..., 2 * units :] + r * inner[..., 2 * units :]).tanh()
        h = n + z * (h - n)
        states.append(h)
    return *_in_order(torch.stack(states, dim=1), reverses), h


def _in_order(states, reverses):
    """The states of each direction, `(batch, time, units)`, in the order of the inputs."""
    return [
        _flipped(one, reverse).transpose(0, 1)
        for one, reverse in zip(states.unbind(0), reverses, strict=True)
    ]


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
    return torch.gather(x, 1, order[:, :, None].expand_as(x))


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


@contextlib.contextmanager
def kept_on_error(model):
    """Leave `model` as the last step that ended well left it; see the TensorFlow twin.

    A step whose metric raises has trained already.
    """
    training = model.training
    try:
        yield
    except BaseException:
        model.train(training)  # `fit` has switched it, for layers of PyTorch
        raise


def guarded(model, function):
    """Return a step function of Keras's trainer; see the TensorFlow twin."""
    return function


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
    if _is_watched():
        return _plain_linear_scan(decay, inputs, state, reverse)
    return _LinearScan.apply(decay, inputs, state, reverse)


def _plain_linear_scan(decay, inputs, state, reverse):
    outputs = []
    for a, b in _ordered(zip(decay.unbind(1), inputs.unbind(1), strict=True), reverse):
        state = torch.addcmul(b, a, state)
        outputs.append(state)
    if not outputs:
        return torch.zeros_like(inputs)
    return torch.stack(outputs[::-1] if reverse else outputs, dim=1)


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
    def backward(ctx, gradient):
        decay, state, outputs = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *_linear_scan_gradients(decay, state, outputs, gradient, ctx.reverse), None
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


def _linear_scan_gradients(decay, state, outputs, gradient, reverse):
    """The gradients of `linear_scan`, in operations that have a gradient themselves."""
    first, ones = state[:, None], torch.ones_like(state)[:, None]
    if reverse:
        before = torch.cat([outputs, first], dim=1)[:, 1:]
        following = torch.cat([ones, decay], dim=1)[:, :-1]
    else:
        before = torch.cat([first, outputs], dim=1)[:, :-1]
        following = torch.cat([decay, ones], dim=1)[:, 1:]
    total = linear_scan(following, gradient, torch.zeros_like(state), not reverse)
    start = slice(-1, None) if reverse else slice(1)
    return total * before, total, (total[:, start] * decay[:, start]).sum(dim=1)


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
    if _is_watched():
        return (torch.tanh(query + keys) @ scale).transpose(1, 2)
    return _AdditiveScores.apply(query, keys, scale)[0]


class _AdditiveScores(torch.autograd.Function):
    """`additive_scores` with as few tensors of (batch, time, units) as can be.

    What is kept for the way back is a result as well, which nobody takes: so it has a gradient, and
    so have the gradients. The same in the functions below.
    """

    @staticmethod
    def forward(ctx, query, keys, scale):
        meeting = torch.add(query, keys).tanh_()
        ctx.save_for_backward(meeting, scale)
        ctx.set_materialize_grads(False)
        return (meeting @ scale).transpose(1, 2), meeting

    @staticmethod
    def backward(ctx, gradient, of_meeting):
        meeting, scale = ctx.saved_tensors
        if gradient is None:
            gradient = torch.zeros_like(meeting[:, :, :1]).transpose(1, 2)
        of_scale = meeting.flatten(0, 1).t() @ gradient.reshape(-1, 1)
        of_sum = gradient.transpose(1, 2) * scale[:, 0]
        if of_meeting is not None:
            of_sum = of_sum + of_meeting
        of_sum = torch.ops.aten.tanh_backward(of_sum, meeting)
        return of_sum.sum(dim=1, keepdim=True), of_sum, of_scale


def cross_entropy(labels, logits, constant=False):
    """Return `-log softmax(logits)[labels]`; see the TensorFlow twin."""
    if constant:
        return _remembered("cross entropy", logits, lambda: _cross_entropy(labels, logits), labels)
    found = _cross_entropy(labels, logits)
    if not _is_watched():
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
    if _is_watched():  # whether the labels are the same must not be decided once for all
        with torch.no_grad():
            return compute()
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
    if _is_watched():
        i, f, g, o = z.chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c
    return _LSTMGates.apply(z, c)[:2]


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
        ctx.set_materialize_grads(False)
        return o * t, new, gates, t

    @staticmethod
    def backward(ctx, dh, dc, d_gates, d_t):
        gates, c, t = ctx.saved_tensors
        i, f, g, o = gates.chunk(4, dim=-1)
        dh, dc = (torch.zeros_like(t) if x is None else x for x in (dh, dc))
        of_t = dh * o if d_t is None else dh * o + d_t
        dc = dc + torch.ops.aten.tanh_backward(of_t, t)
        if torch.is_grad_enabled() or d_gates is not None:
            of_gates = torch.cat([dc * g, dc * c, dc * i, dh * t], dim=-1)
            if d_gates is not None:
                of_gates = of_gates + d_gates
            of_z = torch.ops.aten.sigmoid_backward(of_gates, gates)
            di, df, _, do = of_z.chunk(4, dim=-1)
            dg = torch.ops.aten.tanh_backward(of_gates.chunk(4, dim=-1)[2], g)
            return torch.cat([di, df, dg, do], dim=-1), dc * f
        of_gates = torch.empty_like(gates)
        parts = of_gates.chunk(4, dim=-1)
        for part, (left, right) in zip(parts, ((dc, g), (dc, c), (dc, i), (dh, t)), strict=True):
            torch.mul(left, right, out=part)
        of_z = torch.ops.aten.sigmoid_backward(of_gates, gates)
        of_z.chunk(4, dim=-1)[2].copy_(torch.ops.aten.tanh_backward(parts[2], g))
        return of_z, dc * f


def gru_gates(x, inner, h):
    """Return h of a GRU; see the TensorFlow twin."""
    if _is_watched():
        units = h.shape[-1]
        z, r = (x + inner)[:, : 2 * units].sigmoid().chunk(2, dim=-1)
        n = (x[:, 2 * units :] + r * inner[:, 2 * units :]).tanh()
        return n + z * (h - n)
    return _GRUGates.apply(x, inner, h)[0]


class _GRUGates(torch.autograd.Function):
    """`gru_gates` as one step of autograd."""

    @staticmethod
    def forward(ctx, x, inner, h):
        units = h.shape[-1]
        gates = torch.add(x[:, : 2 * units], inner[:, : 2 * units]).sigmoid_()
        z, r = gates.chunk(2, dim=-1)
        n = torch.addcmul(x[:, 2 * units :], r, inner[:, 2 * units :]).tanh_()
        ctx.save_for_backward(gates, n, inner, h)
        ctx.set_materialize_grads(False)
        return torch.lerp(n, h, z), gates, n

    @staticmethod
    def backward(ctx, dh, d_gates, d_n):
        gates, n, inner, h = ctx.saved_tensors
        z, r = gates.chunk(2, dim=-1)
        h_n = inner[:, 2 * h.shape[-1] :]
        dh = torch.zeros_like(h) if dh is None else dh
        kept = dh * z
        dn = dh - kept if d_n is None else dh - kept + d_n
        dn = torch.ops.aten.tanh_backward(dn, n)
        of_gates = torch.cat([dh * (h - n), dn * h_n], dim=-1)
        if d_gates is not None:
            of_gates = of_gates + d_gates
        of_gates = torch.ops.aten.sigmoid_backward(of_gates, gates)
        return torch.cat([of_gates, dn], dim=-1), torch.cat([of_gates, dn * r], dim=-1), kept


def tanh(x):
    """Return the hyperbolic tangent in the dtype of x."""
    return torch.tanh(x)


def last_valid_steps(mask):
    """Return for each step the last valid one up to it, or itself; see the TensorFlow twin."""
    steps = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    # Not by sorting, and not by `cummax`: ONNX lacks them.
    valid_first = torch.zeros_like(steps).scatter(1, _places(mask), steps)
    rank = mask.long().cumsum(dim=1) - 1
    found = torch.gather(valid_first, 1, rank.clamp(min=0))
    return torch.where(rank < 0, steps, found).int()


def _places(mask):
    """Where each step goes when the valid ones go to the front, the others behind them."""
    counts = mask.long().cumsum(dim=1)
    steps = torch.arange(mask.shape[1], device=mask.device)
    return torch.where(mask, counts - 1, counts[:, -1:] + steps - counts)
