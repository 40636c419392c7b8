"""What `product` does where a loop has given it a rule: the same on every backend."""

import contextlib

import keras

_rules = []  # of the loops that are being run, the innermost one last


@contextlib.contextmanager
def inside(rule):
    """Within, every product is `rule(left, right)`."""
    _rules.append(rule)
    try:
        yield
    finally:
        _rules.pop()


def multiply(left, right, contract):
    """The product by the rule of the innermost loop, or by `contract` outside of all loops."""
    if _rules:
        return _rules[-1](left, right)
    # A search steps outside of the scope in which Keras casts the weights of mixed precision.
    return contract(left, keras.ops.convert_to_tensor(right, dtype=left.dtype))
