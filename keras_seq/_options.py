"""Arguments of constructors, read from their signatures."""

import inspect


def option_names(kind, base=object):
    """Return the names of the arguments that the constructor of a class takes, in order.

    Args:
        kind: the class.
        base: a base class of it. Where a constructor takes `**kwargs`, the arguments of the next
            class follow, but not those of `base`.
    """
    names = {}
    for one in kind.__mro__[: kind.__mro__.index(base)]:
        if "__init__" in vars(one):
            _, *parameters = inspect.signature(one.__init__).parameters.values()
            kinds = {parameter.kind for parameter in parameters}
            names |= {
                p.name: None for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
            }
            if inspect.Parameter.VAR_KEYWORD not in kinds:
                break
    return list(names)
