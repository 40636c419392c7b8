/** A classifier of sequences: a cell, and a softmax on its last output. */

import {
  back,
  countParameters,
  initialState,
  jacobian,
  STATES,
  unroll,
  zeroWeights,
  type Cell,
  type Inputs,
  type Step,
  type Weights,
} from "./cells";
import {
  addColumnSums,
  addProductTransposed,
  addRow,
  addTransposedProduct,
  block,
  norm,
  product,
  row,
  singularValues,
  zeros,
  type Matrix,
} from "./matrix";
import { glorot, type Random } from "./random";

export interface Dense {
  kernel: Matrix;
  bias: Matrix;
}

export interface Classifier {
  cell: Cell;
  dense: Dense;
}

export interface Gradients {
  loss: number;
  accuracy: number;
  cell: Weights;
  dense: Dense;
  /** From the name of a state to dL/dstate_t of each step, `(rows, units)`. */
  states: Record<string, Matrix[]>;
  steps: Step[];
}

export function makeClassifier(cell: Cell, classes: number, random: Random): Classifier {
  return { cell, dense: { kernel: glorot(random, cell.units, classes), bias: zeros(1, classes) } };
}

export function logits(dense: Dense, h: Matrix): Matrix {
  return addRow(product(h, dense.kernel), dense.bias.data);
}

/** Softmax of each row. */
export function softmax(scores: Matrix): Matrix {
  const result = zeros(scores.rows, scores.cols);
  for (let r = 0; r < scores.rows; r++) {
    const from = row(scores, r);
    const to = row(result, r);
    const most = Math.max(...from);
    let sum = 0;
    from.forEach((x, c) => (sum += to[c] = Math.exp(x - most)));
    to.forEach((x, c) => (to[c] = x / sum));
  }
  return result;
}

/** The mean cross entropy of the rows, their accuracy, and the gradient by the logits. */
export function crossEntropy(scores: Matrix, targets: Int32Array) {
  const gradient = softmax(scores);
  let loss = 0;
  let right = 0;
  targets.forEach((target, r) => {
    const p = row(gradient, r);
    loss -= Math.log(Math.max(p[target], 1e-300));
    right += Number(p.every((x) => x <= p[target]));
    p[target] -= 1;
  });
  gradient.data.forEach((x, k) => (gradient.data[k] = x / targets.length));
  return { loss: loss / targets.length, accuracy: right / targets.length, gradient };
}

/** Logits of the last step. */
export function predict(model: Classifier, inputs: readonly Inputs[]): Matrix {
  return logits(model.dense, unroll(model.cell, inputs).at(-1)!.state[0]);
}

/** Forward, and back through time. */
export function gradients(
  model: Classifier,
  inputs: readonly Inputs[],
  targets: Int32Array,
): Gradients {
  const { cell, dense } = model;
  const steps = unroll(cell, inputs);
  const last = steps.at(-1)!.state[0];
  const { loss, accuracy, gradient } = crossEntropy(logits(dense, last), targets);
  const dDense = { kernel: zeros(dense.kernel.rows, dense.kernel.cols), bias: zeros(1, gradient.cols) };
  addTransposedProduct(dDense.kernel, last, gradient);
  addColumnSums(dDense.bias.data, gradient);
  const weights = zeroWeights(cell.weights);
  const names = STATES[cell.kind];
  const states: Record<string, Matrix[]> = Object.fromEntries(names.map((name) => [name, []]));
  let after = initialState(cell, last.rows);
  addProductTransposed(after[0], gradient, dense.kernel);
  for (let t = steps.length - 1; t >= 0; t--) {
    // What comes back from h_t to c_t belongs to c_t.
    if (cell.kind === "lstm") states.c.unshift(wholeGradientOfC(steps[t], after));
    states.h.unshift(after[0]);
    after = back(cell, steps[t], after, weights);
  }
  return { loss, accuracy, cell: weights, dense: dDense, states, steps };
}

function wholeGradientOfC(done: Step, after: Matrix[]): Matrix {
  const o = done.values.output.data;
  const c = done.state[1].data;
  const data = after[1].data.map((x, k) => x + after[0].data[k] * o[k] * (1 - Math.tanh(c[k]) ** 2));
  return { ...after[1], data };
}

/** The norm of each step's gradient, over the units and the rows. */
export function flow(states: readonly Matrix[]): number[] {
  return states.map((d) => norm(d.data));
}

/** Singular values of J_t ... J_(t-count+1) of one row, as far as they concern one state. */
export function spectrum(
  cell: Cell,
  steps: readonly Step[],
  end: number,
  count: number,
  state = "h",
  index = 0,
): number[] {
  let whole = jacobian(cell, steps[end], index);
  for (let t = end - 1; t > end - count; t--) whole = product(whole, jacobian(cell, steps[t], index));
  const place = STATES[cell.kind].indexOf(state);
  return singularValues(block(whole, place * cell.units, cell.units));
}

export function weightsOf(model: Classifier): Float64Array[] {
  const { kernel, recurrent, bias } = model.cell.weights;
  const cell = recurrent ? [kernel, recurrent, bias] : [kernel, bias];
  return [...cell, model.dense.kernel, model.dense.bias].map((m) => m.data);
}

export function gradientsOf(found: Gradients): Float64Array[] {
  return weightsOf({ cell: { weights: found.cell } as Cell, dense: found.dense });
}

export function parametersOf(model: Classifier): number {
  return countParameters(model.cell) + model.dense.kernel.data.length + model.dense.bias.data.length;
}
