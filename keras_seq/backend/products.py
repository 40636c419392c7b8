"""Let a loop decide how its products are computed: the same on every backend."""

import keras

from keras_seq.backend.stack import Stack

_rules = Stack()  # of the loops that are being run


def inside(rule):
    """Return a context: within, every product is `rule(left, right)`."""
    return _rules.holding(rule)


def multiply(left, right, contract):
    """The product by the rule of the innermost loop, or by `contract` outside of all loops."""
    rule = _rules.top()
    if rule is not None:
        return rule(left, right)
    # A search steps outside of the scope in which Keras casts the weights of mixed precision.
    return contract(left, keras.ops.convert_to_tensor(right, dtype=left.dtype))
