"""The gated recurrent unit."""

import keras
from keras import ops

from keras_seq.layers.recurrences.base import Recurrence, described


class GRURecurrence(Recurrence):
    """`keras.layers.GRUCell`, reset after the product (which is apart for that) or before it.

    n_t = phi(x_n + r h_n)
    h_t = z h_(t-1) + (1 - z) n_t
    """

    name = "gru"
    cell_type = keras.layers.GRUCell
    columns = ("update", "reset", "candidate")
    keeps = "update"  # Keras's z is the part that is kept
    bias_rows = 2
    torch_columns = ("reset", "update", "candidate")
    needs_inner = True
    fused = "gru"
    saved = 4

    def serves(self, cell):
        return cell.reset_after

    def step(self, outer, inner, state, functions, reset=None):
        """One step; `reset` says what the candidate gets from h for a gate r, if not r h_n."""
        x_z, x_r, x_n = ops.split(outer, 3, axis=-1)
        h_z, h_r, h_n = ops.split(inner, 3, axis=-1)
        z, r = functions.gate("update", x_z + h_z), functions.gate("reset", x_r + h_r)
        if functions.valid is not None:
            # At 1 h stays, and all gradients but its own are 0.
            z = z * functions.valid + (1 - functions.valid)
        n = functions.activation(x_n + (r * h_n if reset is None else reset(r)))
        return [z * state[0] + (1 - z) * n], [z, r, n, h_n]

    def step_with_gates(self, cell, inputs, states, functions):
        if cell.reset_after:
            return super().step_with_gates(cell, inputs, states, functions)
        last = self.weights(cell)[1][:, 2 * cell.units :]

        def before(r):
            return ops.matmul(r * states[0], last)

        return super().step_with_gates(cell, inputs, states, functions, reset=before)

    def has_back(self, cell):
        return self.has_usual_activations(cell)

    def back(self, d_state, saved, new, old, functions):
        (dh,), (z, r, n, h_n) = d_state, saved
        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (old[0] - n) * z * (1 - z)
        dr = dn * h_n * r * (1 - r)
        return [dz, dr, dn], ops.concatenate([dz, dr, dn * r], axis=-1), [dh * z]


gru = described(GRURecurrence())
