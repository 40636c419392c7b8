/** The settings of the view of gradients, as they stand in the address. */

import { KINDS, type Activation } from "../engine/cells";

export const MATRIX_DEFAULTS = { first: 0.9, second: 0.7, steps: 30 };
export const MATRIX_LIMITS = { first: [0, 1.5], second: [0, 1.5], steps: [5, 60] } as const;

export const NO_CLIP = 2; // the right end of the slider, whose other places are powers of ten

export const FLOW_DEFAULTS = {
  cells: "vanilla lstm gru",
  length: 30,
  radius: 1,
  forget: 1,
  activation: "tanh" as Activation,
  clip: 0,
  rate: -2,
  state: "h",
  seed: 1,
};
export const FLOW_LIMITS = {
  length: [5, 120],
  radius: [0.5, 1.5],
  forget: [-2, 6],
  activation: ["tanh", "relu", "linear"],
  clip: [-2, NO_CLIP],
  rate: [-4, -1],
  state: ["h", "c"],
  seed: [1, 999],
} as const;
export const FLOW_CELLS = KINDS;

export type GradientSettings = typeof MATRIX_DEFAULTS & typeof FLOW_DEFAULTS;

/** What shows one thing well, and why. */
export const PRESETS: { name: string; about: string; values: Partial<typeof FLOW_DEFAULTS> }[] = [
  {
    name: "vanishing",
    about: "A vanilla cell whose matrix shrinks by 0.8 at each step, beside cells with gates.",
    values: { radius: 0.8, length: 40 },
  },
  {
    name: "exploding",
    about: "ReLU and a matrix that stretches by 1.4: train without clipping, and the loss jumps or is lost.",
    values: { cells: "vanilla lstm", radius: 1.4, activation: "relu", length: 40, clip: NO_CLIP },
  },
  {
    name: "a forget gate that is open",
    about: "With a bias of 5 an LSTM keeps 0.993 of c at each step, and the gradient with it. Look at c.",
    values: { cells: "lstm gru", forget: 5, length: 80, state: "c" },
  },
  {
    name: "identity",
    about: "An IRNN begins as the identity with ReLU, a MinGRU is a moving average: both let the gradient through.",
    values: { cells: "vanilla irnn min_gru", length: 60 },
  },
];
