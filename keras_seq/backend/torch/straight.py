"""Steps of a search as a straight line of PyTorch's operations, without what looks for them.

Half of the time of a step for one text goes into Keras's layers and operations, each of which asks
for scopes, dtypes and shapes that are the same in every step. A step that has been taken often
enough is traced once for its shapes, and then runs as the operations that PyTorch did.
"""

import threading

import keras
import torch

from keras_seq.backend.torch.graphs import is_watched

OFTEN = 100  # steps with the same shapes, from which on a trace pays: it takes as long as so many
PROOFS = 4  # steps that a trace runs beside what was traced, with the same results
MOST = 32  # traces that are kept of one function
TRACING = threading.Lock()  # a tracer changes a class of PyTorch's while it is at work

ATEN = torch.ops.aten
# The same operations by another way into them, which takes half as long.
SHORT = {
    ATEN._softmax.default: torch._softmax,
    ATEN.add.Tensor: torch.add,
    ATEN.addmm.default: torch.addmm,
    ATEN.bmm.default: torch.bmm,
    ATEN.cat.default: torch.cat,
    ATEN.embedding.default: torch.embedding,
    ATEN.mm.default: torch.mm,
    ATEN.mul.Tensor: torch.mul,
    ATEN.rsub.Scalar: torch.rsub,
    ATEN.select.int: torch.select,
    ATEN.sigmoid.default: torch.sigmoid,
    ATEN.squeeze.dim: torch.squeeze,
    ATEN.sub.Tensor: torch.sub,
    ATEN.tanh.default: torch.tanh,
    ATEN.transpose.int: torch.transpose,
    ATEN.unsqueeze.default: torch.unsqueeze,
    ATEN.view.default: torch.Tensor.view,
    ATEN.where.self: torch.where,
}


def straight(function, variables=()):
    return _Straight(function, variables)


class _Straight:
    """A function of nests of tensors, traced for the shapes that it meets often.

    What cannot be traced (a decision by numbers, a draw) runs as it was written, for ever.
    """

    def __init__(self, function, variables):
        self.function, self.variables = function, list(variables)
        self.calls, self.traces = {}, {}

    def __call__(self, *nests):
        leaves = keras.tree.flatten(nests)
        cast = torch.is_autocast_enabled(leaves[0].device.type)
        if is_watched() or torch.is_grad_enabled() or cast:
            return self.function(*nests)
        shapes = tuple((leaf.shape, leaf.dtype, leaf.device) for leaf in leaves)
        trace = self.traces.get(shapes)
        if trace and trace.proofs >= PROOFS:
            return trace(leaves)
        if trace is None and self._pays(shapes):
            trace = self.traces[shapes] = self._traced(nests, leaves)
        results = self.function(*nests)
        if trace and not trace.prove(leaves, results):
            self.traces[shapes] = False
        return results

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


class _Trace:
    """What a function did with tensors of certain shapes.

    Attributes:
        proofs: how many calls it has had the same results in as the function.

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
            self.structure = keras.tree.map_structure(lambda _: 0, results)
            return keras.tree.flatten(results)

        # Detached, so that a tensor which comes in twice, as at the first step, is two inputs.
        tensors = [tensor.detach() for tensor in (*(v.value for v in variables), *leaves)]
        module = make_fx(flat)(*tensors)
        is_read = _shortened(module.graph, len(variables))
        module.recompile()
        self.variables = [variables[i] for i in is_read]
        self.run = module.forward
        self.proofs = 0

    def prove(self, leaves, expected):
        """Run beside the function; return whether the results are the same."""
        pairs = zip(keras.tree.flatten(self(leaves)), keras.tree.flatten(expected), strict=True)
        self.proofs += 1
        return all(_same(*pair) for pair in pairs)

    def __call__(self, leaves):
        results = self.run(*[variable.value for variable in self.variables], *leaves)
        return keras.tree.pack_sequence_as(self.structure, results)


def _shortened(graph, count):
    """Take out of a graph what does nothing; return which of its first `count` inputs are read."""
    inputs = [node for node in graph.nodes if node.op == "placeholder"][:count]
    for node in graph.nodes:
        changed = any(_changes(user) for user in node.users)
        if node.target is ATEN.lift_fresh_copy.default and not changed:
            node.replace_all_uses_with(node.args[0])
        elif node.target in SHORT:
            node.target = SHORT[node.target]
    graph.eliminate_dead_code()
    is_read = [i for i, node in enumerate(inputs) if node.users]
    for node in inputs:
        if not node.users:
            graph.erase_node(node)
    return is_read


def _same(a, b):
    return torch.equal(a, b) or torch.equal(a.nan_to_num(), b.nan_to_num())


def _changes(node):
    """Whether an operation writes into one of its arguments."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable
