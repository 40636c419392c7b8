"""Compare two answers of a served model."""

TOLERANCE = 1e-4


def difference(expected, found, padded=False, where=""):
    """Return where two nests of JSON first differ, in words; `None` where they do not.

    Args:
        expected: a nest of dicts, lists, str and numbers.
        found: another one.
        padded: whether lists of `found` may go on behind the end of those of `expected`, with 0 and
            "", as rows do beside longer ones.
        where: the name of the place, for the message.

    Numbers are equal when they differ by 1e-4 at most, or by that part of `expected`; integers and
    strings are equal only to themselves.

    Example:
        >>> difference({"tags": ["A", "B"]}, {"tags": ["A", "C"]})
        "['tags'][1] is 'C', not 'B'"
        >>> difference([1.0, "a"], [1.00001, "a", ""], padded=True)
    """
    if isinstance(expected, dict) and isinstance(found, dict) and set(expected) == set(found):
        parts = [(name, one, found[name]) for name, one in expected.items()]
    elif isinstance(expected, list) and isinstance(found, list) and _ends(expected, found, padded):
        parts = [(i, one, found[i]) for i, one in enumerate(expected)]
    elif _equal(expected, found):
        return None
    else:
        return f"{where or 'it'} is {_short(found)}, not {_short(expected)}"
    differences = (difference(one, two, padded, f"{where}[{key!r}]") for key, one, two in parts)
    return next(filter(None, differences), None)


def _ends(expected, found, padded):
    """Whether nothing but padding is behind the end."""
    if len(expected) == len(found):
        return True
    return padded and len(expected) < len(found) and _empty(found[len(expected) :])


def _empty(value):
    if isinstance(value, list):
        return all(_empty(one) for one in value)
    return value == 0 or value == ""


def _equal(expected, found):
    if type(expected) is float or type(found) is float:
        numbers = all(type(one) in (int, float) for one in (expected, found))
        return numbers and abs(found - expected) <= TOLERANCE * max(1.0, abs(expected))
    return type(expected) is type(found) and expected == found


def _short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
