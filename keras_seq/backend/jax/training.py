"""Training on JAX, where Keras keeps the values of a model aside while steps run."""

import contextlib
import itertools
import signal
import threading
import weakref

import jax
import jax.numpy as jnp

keeps_values_aside = True
# What the states of Keras's trainer are made of, by their number: of prediction, evaluation, and
# training.
_STATES = {
    2: ("trainable_variables", "non_trainable_variables"),
    3: ("trainable_variables", "non_trainable_variables", "metrics_variables"),
    4: (
        "trainable_variables",
        "non_trainable_variables",
        "optimizer_variables",
        "metrics_variables",
    ),
}
# The variables of the steps that run, and the newest values of these, by model.
_newest = weakref.WeakKeyDictionary()


def round_products(dtype):
    jax.config.update("jax_default_matmul_precision", dtype)


def synchronize(model):
    model.jax_state_sync()


@contextlib.contextmanager
def kept_on_error(model):
    # Keras takes the values out of the variables before the first step, hands them from step to
    # step, and puts them back at the end, which an error may prevent.
    model.jax_state_sync()
    model._jax_state = None  # of steps before: Keras would put it back where the first step fails
    _set_apart(_variables(model))
    start = [(variable, variable.value) for variable in _variables(model)]
    _newest.pop(model, None)
    try:
        yield
    except BaseException:
        _put_back(model, start)
        raise
    finally:
        _newest.pop(model, None)


def guarded(model, function):
    """The newest state is noted at each step, which consumes the values before it."""

    def step(state, iterator):
        kept = _newest.get(model)
        if kept is None or kept[1] is not state:
            kept = [_variables_of(model, state), state]
            _newest[model] = kept
        results = []
        try:
            # A batch at a time, fetched before the step consumes the old values.
            for batch in itertools.islice(iterator, model.steps_per_execution):
                with _without_interrupt():
                    result, state = function(state, iter([batch]))
                    kept[1] = state
                results.append(result)
        except BaseException:
            names = _STATES[len(kept[1])]
            model._jax_state = dict(zip(names, kept[1], strict=True))  # what Keras puts back
            raise
        if not results:
            raise StopIteration
        if len(state) > 2 or len(results) == 1:
            return results[-1], state
        return jax.tree.map(lambda *parts: jnp.concatenate(parts), *results), state  # predictions

    return step


@contextlib.contextmanager
def _without_interrupt():
    """Let Ctrl-C wait: a step has consumed the old values, and its new ones would be lost."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    waiting = []
    signal.signal(signal.SIGINT, lambda *args: waiting.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if waiting:
            handler(*waiting[-1])


def _variables(model):
    optimizer = getattr(model, "optimizer", None)
    parts = model.trainable_variables, model.non_trainable_variables, model.metrics_variables
    return [*itertools.chain(*parts), *(optimizer.variables if optimizer is not None else [])]


def _set_apart(variables):
    """Give each variable an array of its own: a step consumes one, and no array twice.

    Keras's running average of a weight is the array of the weight itself when `fit` has ended.
    """
    seen = set()
    for variable in variables:
        if id(variable.value) in seen:
            variable.assign(jnp.copy(variable.value))
        seen.add(id(variable.value))


def _variables_of(model, state):
    """The variables whose values a state of Keras's trainer has, in its order."""
    of = {"optimizer_variables": lambda: model.optimizer.variables}
    names = _STATES[len(state)]
    return [list(of[name]() if name in of else getattr(model, name)) for name in names]


def _put_back(model, start):
    """Give the variables of a model their newest values, after an error."""
    override = getattr(model, "_losses_override", None)  # of the step that was traced
    if override:
        override.clear()
    model._jax_state = None
    if all(map(_has_value, _variables(model))):  # a callback, or Keras, has put them back
        return
    groups = zip(*_newest.get(model, ([], [])), strict=True)
    newest = [pair for group in groups for pair in zip(*group, strict=True)]
    for variable, value in [*start, *newest]:
        if not value.is_deleted():
            variable.assign(value)


def _has_value(variable):
    try:
        return not variable.value.is_deleted()
    except TypeError:  # there is none: Keras would draw it anew
        return False
