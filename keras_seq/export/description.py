"""`signature.json`: what a served model can be asked, for people and for programs."""

import json
import math
import pathlib

from keras_seq._tensorflow import to_utf8

FILE = "signature.json"
WIDTH = 100
DIGITS = 6


def describe(signatures, about, served):
    r"""Return what `signature.json` holds.

    Each signature has an example: the body of a request to TF Serving's REST API, and the body of
    the answer, which the export was really asked for. Both are in the row format: one value for
    each row, or an object where there are several outputs. Numbers are rounded to 6 digits; JSON
    has no NaN and no infinity, so null stands for them.

    Args:
        signatures: a list of `Signature`s.
        about: a dict that says what the model is, ready for JSON: its kind, its options, versions.
        served: the export, a `Served`.

    Returns:
        A dict, ready for JSON:

            {"about": {...},
             "signatures": {"serving_default": {
                 "about": "Goes on from texts.",
                 "inputs": {"text": {"dtype": "string", "shape": [null], "about": "..."}},
                 "outputs": {"outputs": {...}, "scores": {...}},
                 "example": {
                     "request": {"signature_name": "serving_default",
                                 "instances": [{"text": "once"}]},
                     "response": {"predictions": [{"outputs": "once more", "scores": -1.5}]}}}}}

    Raises:
        ValueError: for an example that the export does not take, and an answer that is no UTF-8.

    Reference:
        https://www.tensorflow.org/tfx/serving/api_rest#predict_api
    """
    return {
        "about": as_json(about),
        "signatures": {signature.name: _described(signature, served) for signature in signatures},
    }


def _described(signature, served):
    example = as_json(signature.example)
    answers = served.ask(signature.name, example)
    return {
        "about": signature.about,
        "inputs": {name: _field(field) for name, field in signature.inputs.items()},
        "outputs": {name: _field(field) for name, field in signature.outputs.items()},
        "example": {
            "request": {"signature_name": signature.name, "instances": rows(example)},
            "response": predictions({name: answers[name] for name in signature.outputs}),
        },
    }


def _field(field):
    return {"dtype": field.dtype, "shape": [None, *field.shape], "about": field.about}


def predictions(answers):
    """Return the body that TF Serving answers with.

    Args:
        answers: a dict from the name of each output to the list of its rows.

    Returns:
        A dict: `{"predictions": [...]}`, with the plain values of a single output.

    Example:
        >>> predictions({"outputs": ["yes", "no"]})
        {'predictions': ['yes', 'no']}
        >>> predictions({"outputs": ["yes"], "scores": [float("-inf")]})
        {'predictions': [{'outputs': 'yes', 'scores': None}]}
    """
    instances = rows(as_json(answers))
    if len(answers) == 1:
        instances = [value for row in instances for value in row.values()]
    return {"predictions": instances}


def rows(columns):
    """Return an object for each row: a dict of lists as a list of dicts.

    Example:
        >>> rows({"text": ["a", "b"], "seed": [1, 2]})
        [{'text': 'a', 'seed': 1}, {'text': 'b', 'seed': 2}]
    """
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def columns(rows):
    """Return a list of dicts as a dict of lists; the opposite of `rows`.

    Example:
        >>> columns([{"text": "a", "seed": 1}, {"text": "b", "seed": 2}])
        {'text': ['a', 'b'], 'seed': [1, 2]}
    """
    return {name: [row[name] for row in rows] for name in rows[0]}


def as_json(value):
    """Return a nest as JSON has it: finite numbers of 6 digits, valid text, lists and dicts.

    Example:
        >>> as_json({"scores": (0.123456789, float("nan"), 3)})
        {'scores': [0.123457, None, 3]}
    """
    if isinstance(value, dict):
        return {str(name): as_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, str):
        return to_utf8(value).decode()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def write_json(folder, description):
    """Write `signature.json`: short things in a line, long ones with a line for each part.

    Args:
        folder: the folder of a version.
        description: what `describe` returns.

    Returns:
        The path of the file.
    """
    file = pathlib.Path(folder) / FILE
    file.write_text(_pretty(description, 0) + "\n", encoding="utf-8")
    return file


def _pretty(value, indent, before=0):
    """JSON in lines of `WIDTH`; the first begins behind `before` characters."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    fits = indent and indent + before + len(text) < WIDTH  # a comma may follow
    if fits or not value or not isinstance(value, (dict, list)):
        return text
    inner = indent + 2
    if isinstance(value, dict):
        left, right = "{}"
        keys = {name: f"{json.dumps(name, ensure_ascii=False)}: " for name in value}
        parts = [keys[name] + _pretty(item, inner, len(keys[name])) for name, item in value.items()]
    else:
        left, right = "[]"
        parts = [_pretty(item, inner) for item in value]
    lines = ",\n".join(" " * inner + part for part in parts)
    return f"{left}\n{lines}\n{' ' * indent}{right}"


def read_json(folder):
    """Return what `signature.json` in the folder of a version holds; `None` where there is none.

    Raises:
        ValueError: for a file that is no such description.
    """
    file = pathlib.Path(folder) / FILE
    if not file.is_file():
        return None
    try:
        description = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{file} is no JSON: {error}.") from error
    if not isinstance(description, dict) or not isinstance(description.get("signatures"), dict):
        raise ValueError(f"{file} must be an object with `signatures`, as an export writes it.")
    return description
