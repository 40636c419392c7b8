/** The equations of the cells, in the order in which a step computes them. */

import type { Kind } from "../engine/cells";

export interface Equation {
  /** The name of what is computed: a gate, "candidate", or a state. */
  name: string;
  symbol: string;
  tex: string;
  /** What it does, in a few words. */
  role: string;
}

const wxuh = (k: string) => `W_{${k}} x_t + U_{${k}} h_{t-1} + b_{${k}}`;

export const EQUATIONS: Record<Exclude<Kind, "irnn">, Equation[]> = {
  vanilla: [{ name: "h", symbol: "h", tex: `h_t = \\tanh(W x_t + U h_{t-1} + b)`, role: "everything is written anew" }],
  lstm: [
    { name: "forget", symbol: "f", tex: `f_t = \\sigma(${wxuh("f")})`, role: "forget gate: how much of c stays" },
    { name: "input", symbol: "i", tex: `i_t = \\sigma(${wxuh("i")})`, role: "input gate: how much is written" },
    { name: "candidate", symbol: "g", tex: `g_t = \\tanh(${wxuh("g")})`, role: "candidate: what is written" },
    { name: "output", symbol: "o", tex: `o_t = \\sigma(${wxuh("o")})`, role: "output gate: how much is shown" },
    { name: "c", symbol: "c", tex: `c_t = f_t \\odot c_{t-1} + i_t \\odot g_t`, role: "cell state: the memory" },
    { name: "h", symbol: "h", tex: `h_t = o_t \\odot \\tanh(c_t)`, role: "output" },
  ],
  gru: [
    { name: "update", symbol: "z", tex: `z_t = \\sigma(${wxuh("z")})`, role: "update gate: how much of h stays" },
    { name: "reset", symbol: "r", tex: `r_t = \\sigma(${wxuh("r")})`, role: "reset gate: how much of h the candidate sees" },
    { name: "candidate", symbol: "n", tex: `n_t = \\tanh(W_n x_t + b_n + r_t \\odot (U_n h_{t-1} + d_n))`, role: "candidate: what is written" },
    { name: "h", symbol: "h", tex: `h_t = z_t \\odot h_{t-1} + (1 - z_t) \\odot n_t`, role: "state and output" },
  ],
  min_gru: [
    { name: "update", symbol: "z", tex: `z_t = \\sigma(W_z x_t + b_z)`, role: "update gate: how much is written; it sees the word alone" },
    { name: "candidate", symbol: "n", tex: `n_t = g(W_n x_t + b_n)`, role: "candidate: g(a) = a + 0.5 above 0, \u03c3(a) below" },
    { name: "h", symbol: "h", tex: `h_t = (1 - z_t) \\odot h_{t-1} + z_t \\odot n_t`, role: "state and output" },
  ],
};
