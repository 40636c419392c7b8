import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Adam, clip } from "../src/engine/adam";
import {
  attentionGradients,
  attentionOf,
  attentionWeightsOf,
  predictAttention,
  type AttentionClassifier,
} from "../src/engine/attention";
import { gateNames, KINDS, makeCell, unroll, type Cell } from "../src/engine/cells";
import {
  flow,
  gradients,
  gradientsOf,
  predict,
  spectrum,
  weightsOf,
  type Classifier,
} from "../src/engine/classifier";
import { copy, fromRows, product, singularValues, toRows, type Matrix } from "../src/engine/matrix";
import { orthogonal, Random } from "../src/engine/random";

type Numbers = number | readonly Numbers[];

function read(name: string) {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), "utf8"));
}

/** Both have the same shape, and no two numbers differ by more than 1e-5. */
function expectClose(found: Numbers, expected: Numbers) {
  const flat = (x: Numbers): number[] => (typeof x === "number" ? [x] : x.flatMap(flat));
  const [a, b] = [flat(found), flat(expected)];
  expect(a.length).toBe(b.length);
  expect(a.length).toBeGreaterThan(0);
  for (let i = 0; i < a.length; i++) {
    expect(Math.abs(a[i] - b[i]), `${a[i]} for ${b[i]}`).toBeLessThanOrEqual(1e-5);
  }
}

/** Column t of `(rows, time, features)`. */
function stepsOf(values: number[][][]): Matrix[] {
  return values[0].map((_, t) => fromRows(values.map((row) => row[t])));
}

function modelOf(fixture: any): Classifier {
  const { kernel, recurrent, bias, dense_kernel, dense_bias } = fixture.weights;
  const weights = {
    kernel: fromRows(kernel),
    recurrent: recurrent && fromRows(recurrent),
    bias: fromRows(bias),
  };
  const cell: Cell = {
    kind: fixture.kind,
    units: fixture.outputs[0][0].length,
    features: kernel.length,
    activation: fixture.activation,
    weights,
  };
  return { cell, dense: { kernel: fromRows(dense_kernel), bias: fromRows(dense_bias) } };
}

describe.each(KINDS)("%s computes what keras_seq computes", (kind) => {
  const fixture = read(kind);
  const model = modelOf(fixture);
  const inputs = stepsOf(fixture.inputs);
  const targets = Int32Array.from(fixture.targets);
  const steps = unroll(model.cell, inputs);

  test("outputs and logits", () => {
    const outputs = stepsOf(fixture.outputs);
    steps.forEach((done, t) => expectClose(toRows(done.state[0]), toRows(outputs[t])));
    expectClose(toRows(predict(model, inputs)), fixture.logits);
  });

  test.runIf(gateNames(kind).length)("gates, and the outputs with one held at 1", () => {
    const held = unroll(model.cell, inputs, [fixture.cut.gate]);
    steps.forEach((done, t) => {
      for (const gate of gateNames(kind)) {
        expectClose(toRows(done.values[gate]), fixture.gates[t][gate]);
      }
      expectClose(toRows(held[t].state[0]), fixture.cut.outputs[t]);
    });
  });

  test("gradients by the states and by the weights", () => {
    const found = gradients(model, inputs, targets);
    for (const [name, norms] of Object.entries<number[][]>(fixture.gradient_norms)) {
      norms.forEach((row, r) =>
        row.forEach((norm, t) => {
          expectClose(Math.hypot(...toRows(found.states[name][t])[r]), norm);
        }),
      );
      expectClose(
        flow(found.states[name]),
        norms[0].map((_, t) => Math.hypot(...norms.map((row) => row[t]))),
      );
    }
    const expected = Object.values<number[][] | null>(fixture.gradients).filter((g) => g !== null);
    gradientsOf(found).forEach((g, i) => expectClose([...g], expected[i]!.flat()));
  });

  test("singular values of the Jacobian", () => {
    for (const [state, byCount] of Object.entries<any>(fixture.singular_values)) {
      for (const [count, rows] of Object.entries<number[][][]>(byCount)) {
        rows.forEach((row, r) =>
          row.forEach((values, i) => {
            const end = i + Number(count) - 1;
            expectClose(spectrum(model.cell, steps, end, Number(count), state, r), values);
          }),
        );
      }
    }
  });

  test("losses of three steps of Adam", () => {
    const trained = modelOf(fixture);
    const adam = new Adam(weightsOf(trained), fixture.rate);
    for (const loss of fixture.losses) {
      const found = gradients(trained, inputs, targets);
      expectClose(found.loss, loss);
      adam.apply(gradientsOf(found));
    }
  });

  test("ids stand for one-hot vectors", () => {
    const ids = Int32Array.from([2, 0]);
    const hot = fromRows([[0, 0, 1], [1, 0, 0]]);
    const [a, b] = [gradients(model, [ids, ids], targets), gradients(model, [hot, hot], targets)];
    expect(a.loss).toBe(b.loss);
    gradientsOf(a).forEach((g, i) => expectClose([...g], [...gradientsOf(b)[i]]));
  });
});

describe("attention computes what keras_seq computes", () => {
  const fixture = read("attention");
  const { dense, bias, ...matrices } = Object.fromEntries(
    Object.entries<number[][]>(fixture.weights).map(([name, rows]) => [name, fromRows(rows)]),
  );
  const make = () => {
    const copies = Object.fromEntries(Object.entries(matrices).map(([k, m]) => [k, copy(m)]));
    const units = dense.rows;
    return { units, ...copies, dense: { kernel: copy(dense), bias: copy(bias) } } as AttentionClassifier;
  };
  const ids = fixture.inputs[0].map((_: number, t: number) =>
    Int32Array.from(fixture.inputs.map((row: number[]) => row[t])),
  );
  const targets = Int32Array.from(fixture.targets);

  test("weights, logits and gradients", () => {
    expectClose(toRows(attentionOf(make(), ids)), fixture.attention);
    expectClose(toRows(predictAttention(make(), ids)), fixture.logits);
    const found = attentionGradients(make(), ids, targets);
    const expected = Object.values<number[][]>(fixture.gradients);
    found.gradients.forEach((g, i) => expectClose([...g], expected[i].flat()));
  });

  test("losses of three steps of Adam", () => {
    const model = make();
    const adam = new Adam(attentionWeightsOf(model), fixture.rate);
    for (const loss of fixture.losses) {
      const found = attentionGradients(model, ids, targets);
      expectClose(found.loss, loss);
      adam.apply(found.gradients);
    }
  });
});

test("singular values of a matrix known by hand", () => {
  // [[3, 0], [4, 5]] has A^T A = [[25, 20], [20, 25]], whose eigenvalues are 45 and 5.
  expectClose(singularValues(fromRows([[3, 0], [4, 5]])), [Math.sqrt(45), Math.sqrt(5)]);
  expect(singularValues(fromRows([[0, 0], [0, 0]]))).toEqual([0, 0]);
});

test("orthogonal matrices are orthogonal", () => {
  const q = orthogonal(new Random(1), 5);
  const transposed = fromRows(Array.from({ length: 5 }, (_, c) => toRows(q).map((row) => row[c])));
  const expected = Array.from({ length: 5 }, (_, r) => Array.from({ length: 5 }, (_, c) => +(r === c)));
  expectClose(toRows(product(transposed, q)), expected);
});

test("the norm is clipped, and told as it was", () => {
  const g = [Float64Array.from([3]), Float64Array.from([0, 4])];
  expect(clip(g, 1)).toBe(5);
  expectClose([...g[0], ...g[1]], [0.6, 0, 0.8]);
  expect(clip(g, null)).toBeCloseTo(1, 12);
});

test("a linear cell has the numbers of a product of matrices", () => {
  const cell = makeCell("vanilla", 1, 2, new Random(0), { activation: "linear" });
  cell.weights.recurrent = fromRows([[0.5, 0], [0, 0.4]]);
  const steps = unroll(cell, Array.from({ length: 5 }, () => Int32Array.from([0])));
  expectClose(spectrum(cell, steps, 4, 5), [0.5 ** 5, 0.4 ** 5]);
});
