"""First biases of gates, for cells that are to remember for long."""

from keras_seq.initializers.chrono import Chrono
from keras_seq.initializers.forget_bias import ForgetBias

__all__ = ["Chrono", "ForgetBias"]
