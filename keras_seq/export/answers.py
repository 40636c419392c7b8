"""Compare two answers of a served model."""

TOLERANCE = 1e-4


def difference(expected, actual, padded=False, where=""):
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
    if isinstance(expected, dict) and isinstance(actual, dict) and set(expected) == set(actual):
        parts = [(name, a, actual[name]) for name, a in expected.items()]
    elif (
        isinstance(expected, list) and isinstance(actual, list) and _ends(expected, actual, padded)
    ):
        parts = [(i, a, actual[i]) for i, a in enumerate(expected)]
    elif _equal(expected, actual):
        return None
    else:
        return f"{where or 'it'} is {_short(actual)}, not {_short(expected)}"
    differences = (difference(a, b, padded, f"{where}[{key!r}]") for key, a, b in parts)
    return next(filter(None, differences), None)


def _ends(expected, actual, padded):
    """Whether nothing but padding is behind the end."""
    if len(expected) == len(actual):
        return True
    return padded and len(expected) < len(actual) and _empty(actual[len(expected) :])


def _empty(value):
    if isinstance(value, list):
        return all(_empty(item) for item in value)
    return value == 0 or value == ""


def _equal(expected, actual):
    if type(expected) is float or type(actual) is float:
        numbers = all(type(number) in (int, float) for number in (expected, actual))
        return numbers and abs(actual - expected) <= TOLERANCE * max(1.0, abs(expected))
    return type(expected) is type(actual) and expected == actual


def _short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
