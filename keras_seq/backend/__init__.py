"""What differs between TensorFlow, JAX and PyTorch, under one set of names.

Nothing else in the package asks which backend runs. Every backend file defines

- `scan(step, state, inputs)`: a recurrence over the time axis,
- `fused(kind, inputs, state, weights, mask, reverse)`: a recurrence as one kernel, or `None`,
- `compiled(function, variables)`: a function compiled once per input shape,
- `gradient(function, inputs)`: a scalar and its gradient,
- `random_state()`, `set_random_state(states)`: of the global generators,
- `synchronize(model)`: make a model's variables hold the newest values,
- `jit_pays`: whether `jit_compile="auto"` should compile a model with recurrent layers.
"""

import keras

match keras.config.backend():
    case "tensorflow":
        from keras_seq.backend.tensorflow import (
            compiled,
            fused,
            gradient,
            jit_pays,
            random_state,
            scan,
            set_random_state,
            synchronize,
        )
    case "jax":
        from keras_seq.backend.jax import (
            compiled,
            fused,
            gradient,
            jit_pays,
            random_state,
            scan,
            set_random_state,
            synchronize,
        )
    case "torch":
        from keras_seq.backend.torch import (
            compiled,
            fused,
            gradient,
            jit_pays,
            random_state,
            scan,
            set_random_state,
            synchronize,
        )
    case other:
        raise ImportError(
            "keras_seq runs on the Keras backends 'tensorflow', 'jax' and 'torch'; "
            f"KERAS_BACKEND is '{other}'."
        )

__all__ = [
    "compiled",
    "fused",
    "gradient",
    "jit_pays",
    "random_state",
    "scan",
    "set_random_state",
    "synchronize",
]
