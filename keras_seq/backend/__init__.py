"""What differs between TensorFlow, JAX and PyTorch, under one set of names.

Nothing else in the package asks which backend runs. Every backend file defines

- `scan(step, state, inputs, matrices)`: a recurrence over the time axis,
- `loop(step, state, inputs, reverse)`: the same, time first and without more,
- `product(left, right)`: a matrix product that a `scan` makes cheaper to train,
- `custom_gradient(forward, backward)`: a function with a gradient of its own,
- `hand_gradient_pays(units)`: whether recurrences with such a gradient are faster,
- `tanh(x)`: in the dtype of x,
- `last_valid_steps(mask)`: for each step the last valid one up to it,
- `portable()`: makes graphs that run without a compiler,
- `fused(kind, inputs, state, weights, mask, reverse)`: a recurrence as one kernel, or `None`,
- `fused_both(kind, inputs, states, weights, mask)`: both directions of one, or `None`,
- `linear_scan(decay, inputs, state, reverse)`: a linear recurrence, all steps in parallel,
- `additive_scores(query, keys, scale)`: those of additive attention, for one step,
- `cross_entropy(labels, logits, constant)`, `predictions(logits)`: of many classes,
- `top_k(x, k)`: the largest numbers and their places, the lower place first of equals,
- `lstm_gates(z, c)`, `gru_gates(x, inner, h)`: one step behind the matrix products,
- `compiled(function, variables, reading)`: a function compiled once per input shape,
- `gradient(function, inputs)`: a scalar and its gradient,
- `random_state()`, `set_random_state(states)`: of the global generators,
- `choose(mask, arrays)`, `run_if(condition, function)`: rows by a mask, outside of a compiler,
- `static_step(jit_compile)`: whether a training step must know its shapes beforehand,
- `kept_on_error(model)`, `guarded(model, function)`: a model outlives what breaks its steps off,
- `synchronize(model)`: make a model's variables hold the newest values,
- `keeps_values_aside`: whether Keras's `fit`, `evaluate` and `predict` keep them elsewhere,
- `jit_pays`: whether `jit_compile="auto"` should compile a model with recurrent layers.
"""

import importlib

import keras

NAMES = ("tensorflow", "jax", "torch")

if keras.config.backend() not in NAMES:
    raise ImportError(
        "keras_seq runs on the Keras backends 'tensorflow', 'jax' and 'torch'; "
        f"KERAS_BACKEND is '{keras.config.backend()}'."
    )

_running = importlib.import_module(f"keras_seq.backend.{keras.config.backend()}")

additive_scores = _running.additive_scores
choose = _running.choose
compiled = _running.compiled
cross_entropy = _running.cross_entropy
custom_gradient = _running.custom_gradient
fused = _running.fused
fused_both = _running.fused_both
gradient = _running.gradient
gru_gates = _running.gru_gates
guarded = _running.guarded
hand_gradient_pays = _running.hand_gradient_pays
jit_pays = _running.jit_pays
keeps_values_aside = _running.keeps_values_aside
kept_on_error = _running.kept_on_error
last_valid_steps = _running.last_valid_steps
linear_scan = _running.linear_scan
loop = _running.loop
lstm_gates = _running.lstm_gates
portable = _running.portable
predictions = _running.predictions
product = _running.product
random_state = _running.random_state
run_if = _running.run_if
scan = _running.scan
set_random_state = _running.set_random_state
static_step = _running.static_step
synchronize = _running.synchronize
tanh = _running.tanh
top_k = _running.top_k
