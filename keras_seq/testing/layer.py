"""The rules that hold for every layer."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_seq.testing import program
from keras_seq.testing.comparing import assert_close, json_copy
from keras_seq.testing.program import Program

MASKED = (("inputs", "mask"), ("values", "values_mask"))


def check_layer(
    make: Callable[..., keras.layers.Layer],
    inputs: dict[str, Any],
    shapes: Sequence[tuple[int, ...]] | None = None,
    call: Callable[..., Any] | None = None,
    build: Callable[[Any], None] | None = None,
    grows: dict[str, Any] | None = None,
    float32_output: bool = False,
    half: Sequence[str] = ("float16",),
) -> None:
    """Check what holds for every layer.

    - The results have the shapes that are expected and are float32; a second call gives the same.
    - The gradient reaches every trainable weight, and is finite.
    - A row of a batch does not depend on the other rows.
    - What stands at masked steps, NaN and infinity too, changes no result and no gradient; the
      gradient there is 0. The mask is the input `mask` of `inputs`, or `values_mask` of `values`.
    - More padding changes nothing.
    - A copy by its config, through JSON, gives the same results with the same weights.
    - In mixed precision the results are half precision and close to those in float32, and the
      weights float32.

    Args:
        make: makes the layer; takes keyword arguments of a Keras layer, such as `dtype`.
        inputs: the keyword arguments of the call, as arrays, batch first: a nest of dicts and
            lists.
        shapes: the expected shapes of the results, flattened; not checked where `None`.
        call: `(layer, **inputs) -> results`, where it is not `layer(**inputs)`.
        build: `(layer) -> None`, where calling it with symbols does not build it.
        grows: which inputs have a time axis that may be padded, and what it is padded with: a dict
            from the names of inputs to numbers.
        float32_output: whether the results are float32 in mixed precision too.
        half: the types of half precision to check.

    Raises:
        AssertionError: for the first rule that is broken.

    Example:

    >>> import numpy as np
    >>> from keras_seq.layers import MeanPooling
    >>> mask = np.array([[True, True, True], [True, False, False]])
    >>> inputs = {"inputs": np.ones((2, 3, 4), "float32"), "mask": mask}
    >>> check_layer(MeanPooling, inputs, [(2, 4)], grows={"inputs": 0, "mask": False})
    """
    hold_to_rules(make, inputs, shapes, call, build, grows, float32_output, half)


def hold_to_rules(
    make,
    inputs,
    shapes=None,
    call=None,
    build=None,
    grows=None,
    float32_output=False,
    half=("float16",),
):
    """`check_layer`; returns the `Program` that it ran."""
    call = call or program.plain_call

    def built(layer):
        if build is not None:
            build(layer)
        else:
            program.build(layer, inputs, call)
        return layer

    first = make()
    json_copy(first)  # before it is built
    layer = built(first)
    sequence, mask = next((pair for pair in MASKED if pair[1] in inputs), (None, None))
    run = Program(layer, call, sequence)
    answer = run(inputs)
    results = answer[0]
    _check_results(layer, results, shapes)
    _check_gradients(layer, answer)
    assert_close(run(inputs)[0], results, 0, 0, "a second call gives something else")
    _check_rows(run, inputs, results)
    if mask is not None:
        _check_masked(run, inputs, sequence, mask)
    copy = built(json_copy(layer))
    copy.set_weights(layer.get_weights())
    _check_copy_and_padding(run, Program(copy, call, sequence), inputs, grows or {}, results)
    for name in half:
        _check_half(name, make, built, call, inputs, layer, results, float32_output)
    return run


def _check_results(layer, results, shapes):
    their_shapes = [tuple(x.shape) for x in results]
    if shapes is not None:
        assert their_shapes == [tuple(shape) for shape in shapes], (
            f"the shapes are {their_shapes}, not {shapes}"
        )
    types = {keras.backend.standardize_dtype(x.dtype) for x in results}
    assert types == {"float32"}, f"the results of {layer.name} are {types}, not float32"
    assert all(np.isfinite(x).all() for x in results), "a result is not finite"


def _check_gradients(layer, gradients):
    names = [variable.path for variable in layer.trainable_variables]
    for name, of_weight in zip(names, gradients[1], strict=True):
        assert np.isfinite(of_weight).all(), f"the gradient of {name} is not finite"
        assert of_weight.any(), f"no gradient reaches {name}"


def _check_rows(run, inputs, results):
    for i in range(len(results[0])):
        same = keras.tree.map_structure(lambda x, i=i: np.repeat(x[i : i + 1], len(x), 0), inputs)
        expected = [np.repeat(x[i : i + 1], len(x), 0) for x in results]
        assert_close(run.results(same), expected, rule=f"row {i} depends on the other rows")


def _check_masked(run, inputs, sequence, name):
    rows, steps = inputs[name].shape
    holed = (np.arange(steps) + np.arange(rows)[:, None]) % 3 == 0
    values = inputs[sequence]
    rubbish = np.resize(np.array([np.nan, np.inf, -np.inf, 1e3], "float32"), values.shape)
    for mask in (inputs[name], holed):
        inputs = {**inputs, name: mask}
        expected = run(inputs)
        assert not expected[2][0][~mask].any(), "there is a gradient at masked steps"
        spoilt = run({**inputs, sequence: np.where(mask[..., None], values, rubbish)})
        assert_close(spoilt, expected, rule="what stands at masked steps changes something")


def _check_copy_and_padding(run, copy, inputs, grows, results):
    """Both in one program of the copy, since other shapes are compiled anew."""
    longer = {name: _padded(x, grows[name]) if name in grows else x for name, x in inputs.items()}

    def inside(program):
        return [
            array[tuple(slice(n) for n in right.shape)]
            for array, right in zip(program.results(longer), results, strict=True)
        ]

    try:
        assert_close(inside(copy), results)
    except AssertionError:  # which of the two is it?
        assert_close(inside(run), results, rule="more padding changes the results")
        assert_close(
            copy.results(inputs), results, rule="a copy by its config gives something else"
        )
        raise


def _padded(x, filling, more=2):
    """`x` with `more` steps of `filling` behind it; dicts by key."""
    if isinstance(filling, dict):
        return {key: _padded(x[key], filling[key]) for key in x}
    widths = [(0, 0), (0, more), *[(0, 0)] * (x.ndim - 2)]
    return np.pad(x, widths, constant_values=filling)


def _check_half(name, make, built, call, inputs, single, expected, float32_output):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{name}")
    try:
        layer = built(make())
        layer.set_weights(single.get_weights())
        dtypes = []

        def float32(layer, **inputs):
            leaves = [x for x in keras.tree.flatten(call(layer, **inputs)) if x is not None]
            dtypes.extend(keras.backend.standardize_dtype(x.dtype) for x in leaves)
            return [keras.ops.cast(x, "float32") for x in leaves]

        results = Program(layer, float32).results(inputs)
    finally:
        keras.config.set_dtype_policy(before)
    wanted = "float32" if float32_output else name
    assert set(dtypes) == {wanted}, f"in mixed_{name} the results are {set(dtypes)}, not {wanted}"
    weights = {variable.dtype for variable in layer.trainable_variables}
    assert weights <= {"float32"}, f"in mixed_{name} the weights are {weights}, not float32"
    assert_close(results, expected, 0.1, rule=f"in mixed_{name} the results are other ones")
