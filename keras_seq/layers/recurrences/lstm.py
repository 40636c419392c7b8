"""The long short-term memory."""

import keras
from keras import ops

from keras_seq.backend import tanh
from keras_seq.layers.recurrences.base import Recurrence, described


class LSTMRecurrence(Recurrence):
    """`keras.layers.LSTMCell`.

    c_t = f c_(t-1) + i phi(g)
    h_t = o phi(c_t)
    """

    name = "lstm"
    cell_type = keras.layers.LSTMCell
    columns = ("input", "forget", "candidate", "output")
    states = ("h", "c")
    keeps, writes = "forget", "input"
    torch_columns = columns
    fused = "lstm"
    saved = 4

    def step(self, outer, inner, state, functions):
        i, f, g, o = ops.split(outer, 4, axis=-1)
        i, f, o = (
            functions.gate(name, x) for name, x in (("input", i), ("forget", f), ("output", o))
        )
        g = functions.activation(g)
        c = functions.state(1, f * state[1] + i * g, state[1])
        return [functions.state(0, o * functions.activation(c), state[0]), c], [i, f, g, o]

    def has_back(self, cell):
        return self.has_usual_activations(cell)

    def back(self, d_state, saved, new, old, functions):
        (dh, dc), (i, f, g, o), valid = d_state, saved, functions.valid
        if valid is not None:
            kept_h, kept_c = dh * (1 - valid), dc * (1 - valid)
            dh, dc = dh * valid, dc * valid
        t = tanh(new[1])
        dc = dc + dh * o * (1 - t * t)
        di, df = dc * g * i * (1 - i), dc * old[1] * f * (1 - f)
        dg, do = dc * i * (1 - g * g), dh * t * o * (1 - o)
        gates = ops.concatenate([di, df, dg, do], axis=-1)
        if valid is None:
            return [], gates, [ops.zeros_like(dh), dc * f]
        return [], gates, [kept_h, dc * f + kept_c]


lstm = described(LSTMRecurrence())
