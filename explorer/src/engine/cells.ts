/**
 * The recurrent cells of keras_seq: one step forward and one step back, for a batch of rows.
 *
 * Weights have Keras's layout: `kernel` (features, columns * units), `recurrent` (units, columns *
 * units), `bias` with a second row for a GRU, which is added to what comes from h. The blocks of
 * columns stand in the order of `COLUMNS`.
 */

import {
  addColumnSums,
  addProduct,
  addProductTransposed,
  addRow,
  addTransposedProduct,
  copy,
  identity,
  product,
  scaled,
  zeros,
  type Matrix,
} from "./matrix";
import { glorot, normal, orthogonal, type Random } from "./random";

export type Kind = "vanilla" | "irnn" | "lstm" | "gru" | "min_gru";
export type Activation = "tanh" | "relu" | "linear";

export const KINDS: readonly Kind[] = ["vanilla", "irnn", "lstm", "gru", "min_gru"];

export const COLUMNS: Record<Kind, readonly string[]> = {
  vanilla: ["candidate"],
  irnn: ["candidate"],
  lstm: ["input", "forget", "candidate", "output"],
  gru: ["update", "reset", "candidate"],
  min_gru: ["update", "candidate"],
};

export const STATES: Record<Kind, readonly string[]> = {
  vanilla: ["h"],
  irnn: ["h"],
  lstm: ["h", "c"],
  gru: ["h"],
  min_gru: ["h"],
};

/** The gates that can be held at 1. */
export function gateNames(kind: Kind): string[] {
  return COLUMNS[kind].filter((name) => name !== "candidate");
}

export interface Weights {
  kernel: Matrix;
  recurrent: Matrix | null;
  bias: Matrix;
}

export interface Cell {
  kind: Kind;
  units: number;
  features: number;
  activation: Activation;
  weights: Weights;
}

/** Inputs of one step: numbers `(rows, features)`, or ids, which stand for one-hot vectors. */
export type Inputs = Matrix | Int32Array;

/** What a step leaves for the way back and for those who look. */
export interface Step {
  inputs: Inputs;
  before: Matrix[];
  state: Matrix[];
  /** From the name of a column to its values `(rows, units)`: the gates and the candidate. */
  values: Record<string, Matrix>;
  /** What the candidate of a GRU gets from h, before the reset gate. */
  inner: Matrix | null;
}

export interface CellOptions {
  activation?: Activation;
  /** The bias of the gate that keeps the state: forget of an LSTM, update of a GRU. */
  keepBias?: number;
  /** The spectral radius of the recurrent matrix of a vanilla cell. */
  radius?: number;
}

/** A cell with the first weights that Keras would draw: Glorot, orthogonal, zeros. */
export function makeCell(
  kind: Kind,
  features: number,
  units: number,
  random: Random,
  options: CellOptions = {},
): Cell {
  const columns = COLUMNS[kind].length;
  const bias = zeros(kind === "gru" ? 2 : 1, columns * units);
  const keeps = { lstm: 1, gru: 0, vanilla: -1, irnn: -1, min_gru: -1 }[kind];
  const keepBias = options.keepBias ?? (kind === "lstm" ? 1 : 0);
  if (keeps >= 0) bias.data.fill(keepBias, keeps * units, (keeps + 1) * units);
  if (kind === "irnn") {
    const kernel = normal(random, features, units, 0.001);
    const recurrent = scaled(identity(units), options.radius ?? 1);
    return { kind, units, features, activation: "relu", weights: { kernel, recurrent, bias } };
  }
  const kernel = glorot(random, features, columns * units);
  let recurrent: Matrix | null = null;
  if (kind === "vanilla") recurrent = scaled(orthogonal(random, units), options.radius ?? 1);
  else if (kind !== "min_gru") recurrent = orthogonal(random, units, columns);
  const activation = (kind === "vanilla" && options.activation) || "tanh";
  return { kind, units, features, activation, weights: { kernel, recurrent, bias } };
}

/** The state before the first step: zeros. */
export function initialState(cell: Cell, rows: number): Matrix[] {
  return STATES[cell.kind].map(() => zeros(rows, cell.units));
}

export function countParameters(cell: Cell): number {
  const { kernel, recurrent, bias } = cell.weights;
  return kernel.data.length + (recurrent?.data.length ?? 0) + bias.data.length;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const ACTIVATIONS: Record<Activation, (x: number) => number> = {
  tanh: Math.tanh,
  relu: (x) => (x > 0 ? x : 0),
  linear: (x) => x,
};

/** The derivatives, given what the activations returned. */
const SLOPES: Record<Activation, (y: number) => number> = {
  tanh: (y) => 1 - y * y,
  relu: (y) => (y > 0 ? 1 : 0),
  linear: () => 1,
};

/** g of the minimal cells: x + 0.5 for x >= 0, else sigmoid(x). */
const shifted = (x: number) => (x >= 0 ? x + 0.5 : sigmoid(x));
const shiftedSlope = (y: number) => (y >= 0.5 ? 1 : y * (1 - y));

function rowsOf(inputs: Inputs): number {
  return inputs instanceof Int32Array ? inputs.length : inputs.rows;
}

/** W x + b for all columns. */
function outerTerms(cell: Cell, inputs: Inputs): Matrix {
  const { kernel, bias } = cell.weights;
  const outer = zeros(rowsOf(inputs), kernel.cols);
  if (inputs instanceof Int32Array) {
    inputs.forEach((id, r) => {
      outer.data.set(kernel.data.subarray(id * kernel.cols, (id + 1) * kernel.cols), r * kernel.cols);
    });
  } else {
    addProduct(outer, inputs, kernel);
  }
  return addRow(outer, bias.data.subarray(0, kernel.cols));
}

/** One block of columns, with a function applied to each number. */
function column(terms: Matrix, index: number, units: number, apply: (x: number) => number): Matrix {
  const result = zeros(terms.rows, units);
  for (let r = 0; r < terms.rows; r++) {
    const from = r * terms.cols + index * units;
    for (let u = 0; u < units; u++) result.data[r * units + u] = apply(terms.data[from + u]);
  }
  return result;
}

/**
 * One step.
 *
 * @param without names of gates that are held at 1.
 */
export function step(cell: Cell, inputs: Inputs, before: Matrix[], without: readonly string[] = []): Step {
  const { kind, units } = cell;
  const { recurrent, bias } = cell.weights;
  const outer = outerTerms(cell, inputs);
  const values: Record<string, Matrix> = {};
  const gate = (terms: Matrix, name: string) => {
    const index = COLUMNS[kind].indexOf(name);
    values[name] = column(terms, index, units, without.includes(name) ? () => 1 : sigmoid);
    return values[name].data;
  };
  const h = before[0].data;
  const next = zeros(before[0].rows, units);
  const count = next.data.length;

  if (kind === "vanilla" || kind === "irnn") {
    addProduct(outer, before[0], recurrent!);
    values.candidate = column(outer, 0, units, ACTIVATIONS[cell.activation]);
    return { inputs, before, state: [values.candidate], values, inner: null };
  }
  if (kind === "lstm") {
    addProduct(outer, before[0], recurrent!);
    const [i, f, o] = [gate(outer, "input"), gate(outer, "forget"), gate(outer, "output")];
    const g = (values.candidate = column(outer, 2, units, Math.tanh)).data;
    const c = copy(before[1]);
    for (let k = 0; k < count; k++) {
      c.data[k] = f[k] * c.data[k] + i[k] * g[k];
      next.data[k] = o[k] * Math.tanh(c.data[k]);
    }
    return { inputs, before, state: [next, c], values, inner: null };
  }
  if (kind === "gru") {
    const inside = addRow(product(before[0], recurrent!), bias.data.subarray(3 * units));
    const inner = column(inside, 2, units, (x) => x);
    const sum = copy(outer);
    sum.data.forEach((_, k) => (sum.data[k] += inside.data[k]));
    const [z, r] = [gate(sum, "update"), gate(sum, "reset")];
    const n = (values.candidate = column(outer, 2, units, (x) => x)).data;
    for (let k = 0; k < count; k++) {
      n[k] = Math.tanh(n[k] + r[k] * inner.data[k]);
      next.data[k] = z[k] * h[k] + (1 - z[k]) * n[k];
    }
    return { inputs, before, state: [next], values, inner };
  }
  const z = gate(outer, "update");
  const n = (values.candidate = column(outer, 1, units, shifted)).data;
  for (let k = 0; k < count; k++) next.data[k] = (1 - z[k]) * h[k] + z[k] * n[k];
  return { inputs, before, state: [next], values, inner: null };
}

export function zeroWeights(weights: Weights): Weights {
  const { kernel, recurrent, bias } = weights;
  return {
    kernel: zeros(kernel.rows, kernel.cols),
    recurrent: recurrent && zeros(recurrent.rows, recurrent.cols),
    bias: zeros(bias.rows, bias.cols),
  };
}

/**
 * The way back through one step.
 *
 * @param after the gradients with respect to the new state.
 * @param into the gradients of the weights, to which is added; `null` where nobody asks for them.
 * @returns the gradients with respect to the state before the step.
 */
export function back(cell: Cell, done: Step, after: Matrix[], into: Weights | null): Matrix[] {
  const { kind, units } = cell;
  const { recurrent } = cell.weights;
  const rows = after[0].rows;
  const columns = COLUMNS[kind].length;
  const d = zeros(rows, columns * units); // of W x + U h + b
  const old = done.before[0].data;
  const dh = after[0].data;
  const count = dh.length;
  const { values } = done;
  const direct = zeros(rows, units); // what reaches h past the matrices
  let inside = d; // of U h + b
  const result: Matrix[] = [direct];

  // k counts the numbers of a state, `at` is the place of its unit in the first column of d.
  const each = (visit: (k: number, at: number) => void) => {
    for (let r = 0, k = 0; r < rows; r++) {
      for (let u = 0; u < units; u++, k++) visit(k, r * columns * units + u);
    }
  };

  if (kind === "vanilla" || kind === "irnn") {
    const slope = SLOPES[cell.activation];
    for (let k = 0; k < count; k++) d.data[k] = dh[k] * slope(values.candidate.data[k]);
  } else if (kind === "lstm") {
    const [i, f, o, g] = ["input", "forget", "output", "candidate"].map((x) => values[x].data);
    const [c, cBefore] = [done.state[1].data, done.before[1].data];
    const dc = copy(after[1]);
    each((k, at) => {
      const t = Math.tanh(c[k]);
      const total = dc.data[k] + dh[k] * o[k] * (1 - t * t);
      d.data[at] = total * g[k] * i[k] * (1 - i[k]);
      d.data[at + units] = total * cBefore[k] * f[k] * (1 - f[k]);
      d.data[at + 2 * units] = total * i[k] * (1 - g[k] * g[k]);
      d.data[at + 3 * units] = dh[k] * t * o[k] * (1 - o[k]);
      dc.data[k] = total * f[k];
    });
    result.push(dc);
  } else if (kind === "gru") {
    const [z, r, n] = ["update", "reset", "candidate"].map((x) => values[x].data);
    const hidden = done.inner!.data;
    inside = zeros(rows, columns * units);
    each((k, at) => {
      const dn = dh[k] * (1 - z[k]) * (1 - n[k] * n[k]);
      d.data[at] = inside.data[at] = dh[k] * (old[k] - n[k]) * z[k] * (1 - z[k]);
      d.data[at + units] = inside.data[at + units] = dn * hidden[k] * r[k] * (1 - r[k]);
      d.data[at + 2 * units] = dn;
      inside.data[at + 2 * units] = dn * r[k];
      direct.data[k] = dh[k] * z[k];
    });
  } else {
    const [z, n] = ["update", "candidate"].map((x) => values[x].data);
    each((k, at) => {
      d.data[at] = dh[k] * (n[k] - old[k]) * z[k] * (1 - z[k]);
      d.data[at + units] = dh[k] * z[k] * shiftedSlope(n[k]);
      direct.data[k] = dh[k] * (1 - z[k]);
    });
  }
  if (recurrent) addProductTransposed(direct, inside, recurrent);
  if (into) addWeightGradients(done, d, inside, into);
  return result;
}

function addWeightGradients(done: Step, d: Matrix, inside: Matrix, into: Weights): void {
  if (done.inputs instanceof Int32Array) {
    done.inputs.forEach((id, r) => {
      for (let c = 0; c < d.cols; c++) into.kernel.data[id * d.cols + c] += d.data[r * d.cols + c];
    });
  } else {
    addTransposedProduct(into.kernel, done.inputs, d);
  }
  if (into.recurrent) addTransposedProduct(into.recurrent, done.before[0], inside);
  addColumnSums(into.bias.data.subarray(0, d.cols), d);
  if (into.bias.rows === 2) addColumnSums(into.bias.data.subarray(d.cols), inside);
}

/** All steps of a sequence. */
export function unroll(cell: Cell, inputs: readonly Inputs[], without: readonly string[] = []): Step[] {
  const steps: Step[] = [];
  let state = initialState(cell, inputs.length ? rowsOf(inputs[0]) : 1);
  for (const x of inputs) {
    const done = step(cell, x, state, without);
    steps.push(done);
    state = done.state;
  }
  return steps;
}

/** The Jacobian of the whole state of one row, such as [h; c], by that before the step. */
export function jacobian(cell: Cell, done: Step, index = 0): Matrix {
  const states = STATES[cell.kind].length;
  const size = states * cell.units;
  const repeated = (matrix: Matrix) => {
    const result = zeros(size, matrix.cols);
    const source = matrix.data.subarray(index * matrix.cols, (index + 1) * matrix.cols);
    for (let r = 0; r < size; r++) result.data.set(source, r * matrix.cols);
    return result;
  };
  const copies: Step = {
    inputs: zeros(size, 0),
    before: done.before.map(repeated),
    state: done.state.map(repeated),
    values: Object.fromEntries(Object.entries(done.values).map(([k, v]) => [k, repeated(v)])),
    inner: done.inner && repeated(done.inner),
  };
  const unit = Array.from({ length: states }, (_, s) => {
    const d = zeros(size, cell.units);
    for (let u = 0; u < cell.units; u++) d.data[(s * cell.units + u) * cell.units + u] = 1;
    return d;
  });
  const parts = back(cell, copies, unit, null);
  const result = zeros(size, size);
  parts.forEach((part, s) => {
    for (let r = 0; r < size; r++) {
      result.data.set(part.data.subarray(r * cell.units, (r + 1) * cell.units), r * size + s * cell.units);
    }
  });
  return result;
}

/** How many numbers steps keep for the way back, those before the first step left out. */
export function numbersKept(steps: readonly Step[]): number {
  const kept = new Set<Float64Array>();
  for (const { state, values, inner } of steps) {
    for (const matrix of [...state, ...Object.values(values)]) kept.add(matrix.data);
    if (inner) kept.add(inner.data);
  }
  return [...kept].reduce((sum, data) => sum + data.length, 0);
}
