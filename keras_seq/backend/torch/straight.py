"""Steps of a search as a straight line of PyTorch's operations, without what looks for them.

Half of the time of a step for one text goes into Keras's layers and operations, each of which asks
for scopes, dtypes and shapes that are the same in every step. A step that has been taken often
enough is traced once for its shapes, and then runs as the operations that PyTorch did.
"""

import threading

import keras
import torch
from torch.utils import _pytree as pytree

from keras_seq.backend.torch.graphs import is_watched
from keras_seq.backend.torch.numerics import top_k, top_k_as_one
from keras_seq.backend.torch.shortened import shortened

OFTEN = 100  # steps with the same shapes, from which on a trace pays: it takes as long as so many
PROOFS = 4  # steps that a trace runs beside what was traced, with the same results
MOST = 32  # traces that are kept of one function
TRACING = threading.Lock()  # a tracer changes a class of PyTorch's while it is at work

_here = threading.local()  # `joined`: whether the loop that calls a step is to be traced itself


def straight(function, variables=()):
    return _Straight(function, variables)


class _Straight:
    """A function of nests of tensors, traced for the shapes that it meets often.

    What cannot be traced (a decision by numbers, a draw) runs as it was written, for ever.
    """

    def __init__(self, function, variables):
        self.function, self.variables = function, list(variables)
        self.calls, self.traces, self.loops = {}, {}, {}

    def __call__(self, *nests):
        leaves = keras.tree.flatten(nests)
        if self._must_stay(leaves):
            return self.function(*nests)
        shapes = _shapes(leaves)
        trace = self.traces.get(shapes)
        if trace and trace.proofs >= PROOFS:
            return trace(leaves)
        if trace is None and self._pays(shapes):
            trace = self.traces[shapes] = self._traced(nests, leaves)
        results = self.function(*nests)
        if trace and not trace.prove(leaves, results):
            self.traces[shapes] = False
        return results

    def repeated(self, key, proceed, body, held, variables):
        """`variables = body(held, *variables)`, with this step in it, while `proceed(*variables)`.

        The functions of the first call with a `key` stand for those of all others.
        """
        going, loop = proceed(*variables), self.loops.get(key)
        if loop is None and len(self.loops) < MOST:
            loop = _Straight(lambda *nests: _turn(loop, proceed, body, *nests), self.variables)
            loop = self.loops.setdefault(key, loop)
        while going:
            if loop is None:
                variables = body(held, *variables)
                going = proceed(*variables)
                continue
            trace = loop._proven((held, variables))
            if trace:
                return trace.repeat(held, variables)
            going, variables = loop(held, variables)
        return variables

    def _must_stay(self, leaves):
        if is_watched() or torch.is_grad_enabled() or getattr(_here, "joined", False):
            return True
        return torch.is_autocast_enabled(leaves[0].device.type)

    def _proven(self, nests):
        leaves = keras.tree.flatten(nests)
        if self._must_stay(leaves):
            return None
        trace = self.traces.get(_shapes(leaves))
        return trace if trace and trace.proofs >= PROOFS and trace.keeps_shapes else None

    def _pays(self, shapes):
        calls = self.calls[shapes] = self.calls.get(shapes, 0) + 1
        return calls >= OFTEN and len(self.traces) < MOST

    def _traced(self, nests, leaves):
        """The trace, or `False` where there is none; `None` while another thread makes one."""
        if not TRACING.acquire(blocking=False):
            return None
        try:
            return _Trace(self.function, self.variables, nests, leaves)
        except Exception:  # whatever a tracer objects to: as it was written it runs
            return False
        finally:
            TRACING.release()


def _turn(loop, proceed, body, held, variables):
    """A turn of a loop, and whether there is another one; its step is traced with it, not alone."""
    before = getattr(_here, "joined", False)
    _here.joined = len(loop.traces) < MOST and False not in loop.traces.values()
    try:
        variables = body(held, *variables)
    finally:
        _here.joined = before
    return proceed(*variables), variables


def _shapes(leaves):
    return tuple((leaf.shape, leaf.dtype, leaf.device) for leaf in leaves)


class _Trace:
    """What a function did with tensors of certain shapes.

    Attributes:
        proofs: how many calls it has had the same results in as the function.
        keeps_shapes: whether all results but the first have the shapes of the last arguments.

    Raises:
        RuntimeError: for a function that changes a variable.
    """

    def __init__(self, function, variables, nests, leaves):
        # Imported here, as it takes longer than many a search.
        from torch.fx.experimental.proxy_tensor import make_fx

        def flat(*tensors):
            values, leaves = tensors[: len(variables)], tensors[len(variables) :]
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping) as scope:
                results = function(*keras.tree.pack_sequence_as(nests, leaves))
            if any(scope.get_current_value(variable) is not value for variable, value in mapping):
                raise RuntimeError("The function changes a variable.")
            leaves = keras.tree.flatten(results)
            # Packed by PyTorch: Keras gives dicts back in the order of their names.
            packed, self.structure = pytree.tree_flatten(results)
            places = {id(leaf): place for place, leaf in enumerate(leaves)}
            self.places = [places[id(leaf)] for leaf in packed]
            if not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
                raise RuntimeError("The function returns something else than tensors.")
            return leaves

        # Detached, so that a tensor which comes in twice, as at the first step, is two inputs.
        tensors = [tensor.detach() for tensor in (*(v.value for v in variables), *leaves)]
        with top_k_as_one() as operation:
            module = make_fx(flat)(*tensors)
        is_read = shortened(module, len(variables), {operation: top_k})
        self.variables = [variables[i] for i in is_read]
        self.run = module.forward
        self.proofs, self.keeps_shapes = 0, False

    def prove(self, leaves, expected):
        """Run beside the function; return whether the results are the same."""
        expected = keras.tree.flatten(expected)
        count = len(expected) - 1
        self.keeps_shapes = _shapes(expected[1:]) == _shapes(leaves[len(leaves) - count :])
        pairs = zip(keras.tree.flatten(self(leaves)), expected, strict=True)
        self.proofs += 1
        return all(_same(*pair) for pair in pairs)

    def __call__(self, leaves):
        results = self.run(*[variable.value for variable in self.variables], *leaves)
        return self._packed(results)

    def _packed(self, leaves):
        return pytree.tree_unflatten([leaves[place] for place in self.places], self.structure)

    def repeat(self, held, variables):
        """The loop of `_Straight.repeated`, from here to its end."""
        fixed = [variable.value for variable in self.variables] + keras.tree.flatten(held)
        leaves, going = keras.tree.flatten(variables), True
        while going:
            going, *leaves = self.run(*fixed, *leaves)
        return self._packed([going, *leaves])[1]


def _same(a, b):
    """Whether results are the same but for rounding, which goes by where in memory things lie."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if not a.is_floating_point():
        return torch.equal(a, b)
    near = 100 * torch.finfo(a.dtype).eps
    return torch.allclose(a, b, rtol=near, atol=near, equal_nan=True)
