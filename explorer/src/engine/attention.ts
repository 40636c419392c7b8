/**
 * A classifier without recurrence: the last position asks all positions, with one head.
 *
 *     x_t = E[id_t] + P[t]        q = W_q x_T        a = softmax_t(q . W_k x_t / sqrt(d))
 *     y = W_o sum_t a_t W_v x_t   logits = D y + b
 *
 * This is one head of `keras_seq.layers.SelfAttention`, of which the last output is read.
 */

import { crossEntropy, logits, type Dense } from "./classifier";
import {
  addColumnSums,
  addProductTransposed,
  addTransposedProduct,
  product,
  row,
  zeros,
  type Matrix,
} from "./matrix";
import { glorot, normal, type Random } from "./random";

export interface AttentionClassifier {
  units: number;
  embedding: Matrix;
  positions: Matrix;
  query: Matrix;
  key: Matrix;
  value: Matrix;
  output: Matrix;
  dense: Dense;
}

export function makeAttention(
  vocabulary: number,
  units: number,
  longest: number,
  classes: number,
  random: Random,
): AttentionClassifier {
  const square = () => glorot(random, units, units);
  return {
    units,
    embedding: normal(random, vocabulary, units, 0.5),
    positions: normal(random, longest, units, 0.5),
    query: square(),
    key: square(),
    value: square(),
    output: square(),
    dense: { kernel: glorot(random, units, classes), bias: zeros(1, classes) },
  };
}

export function attentionWeightsOf(model: AttentionClassifier): Float64Array[] {
  const { embedding, positions, query, key, value, output, dense } = model;
  return [embedding, positions, query, key, value, output, dense.kernel, dense.bias].map((m) => m.data);
}

/** All rows of a batch side by side: position t of row r is row r * T + t of `x`. */
function attend(model: AttentionClassifier, inputs: readonly Int32Array[]) {
  const { units, embedding, positions } = model;
  const [steps, rows] = [inputs.length, inputs[0].length];
  const x = zeros(rows * steps, units);
  const last = zeros(rows, units);
  for (let r = 0; r < rows; r++) {
    for (let t = 0; t < steps; t++) {
      const to = row(x, r * steps + t);
      const e = row(embedding, inputs[t][r]);
      const p = row(positions, t);
      for (let u = 0; u < units; u++) to[u] = e[u] + p[u];
    }
    row(last, r).set(row(x, r * steps + steps - 1));
  }
  const q = product(last, model.query);
  const k = product(x, model.key);
  const weights = zeros(rows, steps);
  const summary = zeros(rows, units); // sum_t a_t x_t: the values of it are the sum of the values
  for (let r = 0; r < rows; r++) {
    const a = row(weights, r);
    const asked = row(q, r);
    let most = -Infinity;
    for (let t = 0; t < steps; t++) {
      const asking = row(k, r * steps + t);
      let score = 0;
      for (let u = 0; u < units; u++) score += asked[u] * asking[u];
      a[t] = score / Math.sqrt(units);
      most = Math.max(most, a[t]);
    }
    let sum = 0;
    for (let t = 0; t < steps; t++) sum += a[t] = Math.exp(a[t] - most);
    const into = row(summary, r);
    for (let t = 0; t < steps; t++) {
      a[t] /= sum;
      const from = row(x, r * steps + t);
      for (let u = 0; u < units; u++) into[u] += a[t] * from[u];
    }
  }
  const v = product(summary, model.value);
  return { x, last, q, k, weights, summary, v, y: product(v, model.output) };
}

export function predictAttention(model: AttentionClassifier, inputs: readonly Int32Array[]): Matrix {
  return logits(model.dense, attend(model, inputs).y);
}

/** The weights a, `(rows, steps)`. */
export function attentionOf(model: AttentionClassifier, inputs: readonly Int32Array[]): Matrix {
  return attend(model, inputs).weights;
}

export function attentionGradients(
  model: AttentionClassifier,
  inputs: readonly Int32Array[],
  targets: Int32Array,
) {
  const { units } = model;
  const [steps, rows] = [inputs.length, inputs[0].length];
  const { x, last, q, k, weights, summary, v, y } = attend(model, inputs);
  const { loss, accuracy, gradient } = crossEntropy(logits(model.dense, y), targets);
  const like = (m: Matrix) => zeros(m.rows, m.cols);
  const into = {
    embedding: like(model.embedding),
    positions: like(model.positions),
    query: like(model.query),
    key: like(model.key),
    value: like(model.value),
    output: like(model.output),
    dense: { kernel: like(model.dense.kernel), bias: like(model.dense.bias) },
  };
  addTransposedProduct(into.dense.kernel, y, gradient);
  addColumnSums(into.dense.bias.data, gradient);
  const dy = addProductTransposed(like(y), gradient, model.dense.kernel);
  addTransposedProduct(into.output, v, dy);
  const dv = addProductTransposed(like(v), dy, model.output);
  addTransposedProduct(into.value, summary, dv);
  const dSummary = addProductTransposed(like(summary), dv, model.value);
  const [dx, dq, dk] = [like(x), like(q), like(k)];
  for (let r = 0; r < rows; r++) {
    const a = row(weights, r);
    const d = row(dSummary, r);
    const da = new Float64Array(steps);
    let mean = 0;
    for (let t = 0; t < steps; t++) {
      const [from, to] = [row(x, r * steps + t), row(dx, r * steps + t)];
      for (let u = 0; u < units; u++) {
        da[t] += d[u] * from[u];
        to[u] += a[t] * d[u];
      }
      mean += a[t] * da[t];
    }
    for (let t = 0; t < steps; t++) {
      const score = (a[t] * (da[t] - mean)) / Math.sqrt(units);
      const [asked, asking] = [row(q, r), row(k, r * steps + t)];
      const [toQ, toK] = [row(dq, r), row(dk, r * steps + t)];
      for (let u = 0; u < units; u++) {
        toQ[u] += score * asking[u];
        toK[u] += score * asked[u];
      }
    }
  }
  addTransposedProduct(into.query, last, dq);
  addTransposedProduct(into.key, x, dk);
  addProductTransposed(dx, dk, model.key);
  const dLast = addProductTransposed(like(last), dq, model.query);
  for (let r = 0; r < rows; r++) {
    const at = row(dx, r * steps + steps - 1);
    row(dLast, r).forEach((value, u) => (at[u] += value));
    for (let t = 0; t < steps; t++) {
      const from = row(dx, r * steps + t);
      const [e, p] = [row(into.embedding, inputs[t][r]), row(into.positions, t)];
      for (let u = 0; u < units; u++) {
        e[u] += from[u];
        p[u] += from[u];
      }
    }
  }
  return { loss, accuracy, gradients: attentionWeightsOf({ units, ...into }) };
}

/** How many numbers a row of so many steps keeps for the way back. */
export function attentionNumbers(model: AttentionClassifier, steps: number): number {
  const found = attend(model, Array.from({ length: steps }, () => new Int32Array(1)));
  return Object.values(found).reduce((sum, matrix) => sum + matrix.data.length, 0);
}
