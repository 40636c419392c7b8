"""Attach to a tensor what goes along with it, as Keras does with a mask."""

import weakref

# Where a tensor takes no attribute: from its `id` to it, weakly, and to what goes along.
_others = {}


def attach(tensor, thing):
    """Let `thing` go along with this tensor: not with what is computed of it."""
    try:
        tensor._keras_seq_attached = thing
    except AttributeError:  # of JAX
        key = id(tensor)

        def forget(reference):
            if _others.get(key, (None,))[0] is reference:
                del _others[key]

        _others[key] = weakref.ref(tensor, forget), thing


def attached(tensor):
    """What goes along with a tensor, or `None`."""
    if hasattr(tensor, "_keras_seq_attached"):
        return tensor._keras_seq_attached
    reference, thing = _others.get(id(tensor), (lambda: None, None))
    return thing if reference() is tensor else None  # and no other one that has its `id` now
