"""The functions of `keras_seq.backend` that are special on JAX."""
