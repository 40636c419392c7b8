"""Graphs of PyTorch's operations, traced from a step that runs very often, with less in them."""

import operator

import torch

ATEN = torch.ops.aten
# The same operations by another way into them, which takes half as long.
SHORT = {
    ATEN._log_softmax.default: torch._log_softmax,
    ATEN._softmax.default: torch._softmax,
    ATEN._unsafe_view.default: torch.Tensor.view,
    ATEN.add.Tensor: torch.add,
    ATEN.add_.Tensor: torch.Tensor.add_,
    ATEN.addmm.default: torch.addmm,
    ATEN.bitwise_or.Tensor: torch.bitwise_or,
    ATEN.bmm.default: torch.bmm,
    ATEN.cat.default: torch.cat,
    ATEN.div.Tensor: torch.div,
    ATEN.embedding.default: torch.embedding,
    ATEN.eq.Scalar: torch.eq,
    ATEN.eq.Tensor: torch.eq,
    ATEN.expand.default: torch.Tensor.expand,
    ATEN.floor_divide.default: torch.floor_divide,
    ATEN.gather.default: torch.gather,
    ATEN.ge.Tensor: torch.ge,
    ATEN.logical_not.default: torch.logical_not,
    ATEN.logsumexp.default: torch.logsumexp,
    ATEN.lt.Scalar: torch.lt,
    ATEN.max.dim: torch.max,
    ATEN.mm.default: torch.mm,
    ATEN.mul.Tensor: torch.mul,
    ATEN.remainder.Scalar: torch.remainder,
    ATEN.rsub.Scalar: torch.rsub,
    ATEN.select.int: torch.select,
    ATEN.sigmoid.default: torch.sigmoid,
    ATEN.squeeze.dim: torch.squeeze,
    ATEN.sub.Tensor: torch.sub,
    ATEN.sum.dim_IntList: torch.sum,
    ATEN.tanh.default: torch.tanh,
    ATEN.tanh_.default: torch.tanh_,
    ATEN.transpose.int: torch.transpose,
    ATEN.unsqueeze.default: torch.unsqueeze,
    ATEN.view.default: torch.Tensor.view,
    ATEN.where.self: torch.where,
}


def shortened(module, count, functions):
    """Let a traced graph do less; return which of its first `count` inputs are read at all.

    Args:
        module: a `torch.fx.GraphModule`, changed in place.
        count: the inputs behind remain whether they are read or not.
        functions: from operations to functions that do the same.
    """
    graph, functions = module.graph, {**SHORT, **functions}
    inputs = [node for node in graph.nodes if node.op == "placeholder"][:count]
    for node in graph.nodes:
        changed = any(_changes(user) for user in node.users)
        if node.target is ATEN.lift_fresh_copy.default and not changed:
            node.replace_all_uses_with(node.args[0])
    written = _written(graph)
    _compute_constants(module, written)
    _merge_equals(graph, written)
    for node in graph.nodes:
        node.target = functions.get(node.target, node.target)
    graph.eliminate_dead_code(lambda x: x.op in ("placeholder", "output") or _changes(x))
    is_read = [i for i, node in enumerate(inputs) if node.users]
    for node in inputs:
        if not node.users:
            graph.erase_node(node)
    module.recompile()
    return is_read


def _compute_constants(module, written):
    """Let what is the same at each step, such as the numbers of the places, be there already."""
    graph, values = module.graph, {}
    for node in list(graph.nodes):
        if node.op == "get_attr":
            values[node] = getattr(module, node.target)
        elif (
            node.op == "call_function"
            and _is_pure(node, written)
            and all(x in values for x in node.all_input_nodes)
        ):
            args, kwargs = torch.fx.node.map_arg(
                (node.args, node.kwargs), lambda argument: values[argument]
            )
            values[node] = node.target(*args, **kwargs)
    for k, (node, value) in enumerate(values.items()):
        users = [user for user in node.users if user not in values]
        if node.op == "get_attr" or not users or not isinstance(value, torch.Tensor):
            continue
        name = f"_constant_{k}"
        module.register_buffer(name, value)
        with graph.inserting_before(node):
            ready = graph.get_attr(name)
        for user in users:
            user.replace_input_with(node, ready)


def _merge_equals(graph, written):
    """Let an operation that does what another one has done take the result of that."""
    known = {}
    for node in graph.nodes:
        if node.op == "call_function" and _is_pure(node, written):
            key = node.target, _hashable(node.args), _hashable(node.kwargs)
            known.setdefault(key, node)
            if known[key] is not node:
                node.replace_all_uses_with(known[key])


def _hashable(value):
    """Arguments of an operation; 1, 1.0 and True are three."""
    if isinstance(value, dict):
        return tuple((name, _hashable(item)) for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(_hashable, value))
    return type(value), value


def _is_pure(node, written):
    """Whether an operation draws nothing, and nothing ever writes into its result."""
    if not isinstance(node.target, torch._ops.OpOverload) or node in written:
        return False
    return torch.Tag.nondeterministic_seeded not in node.target.tags


def _written(graph):
    """The nodes whose memory some operation writes into, also by way of a view."""
    changed = {
        _memory(argument)
        for node in graph.nodes
        if _changes(node)
        for argument in node.all_input_nodes
    }
    return {node for node in graph.nodes if _memory(node) in changed}


def _memory(node):
    """The node that made the memory in which the result of this one lies."""
    while _is_view(node):
        node = node.all_input_nodes[0]
    return node


def _is_view(node):
    if node.op != "call_function" or not node.all_input_nodes:
        return False
    if node.target in (operator.getitem, ATEN._unsafe_view.default):
        return True
    schema = getattr(node.target, "_schema", None)
    return schema is None or any(result.alias_info is not None for result in schema.returns)


def _changes(node):
    """Whether an operation writes into one of its arguments."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable
