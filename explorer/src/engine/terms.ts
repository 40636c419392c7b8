/** The sum behind one number of a gate, in its parts. */

import { COLUMNS, type Cell, type Step } from "./cells";
import type { Matrix } from "./matrix";

export interface Terms {
  /** W x */
  input: number;
  /** U h, without what the reset gate of a GRU lets through */
  state: number;
  bias: number;
  /** That of U h, in a GRU. */
  stateBias: number;
}

/** The terms of one unit of a column in one step, whose inputs are numbers. */
export function termsOf(cell: Cell, done: Step, name: string, unit: number, row = 0): Terms {
  const { kernel, recurrent, bias } = cell.weights;
  const at = COLUMNS[cell.kind].indexOf(name) * cell.units + unit;
  const dot = (values: Matrix, weights: Matrix) => {
    let sum = 0;
    for (let k = 0; k < weights.rows; k++) {
      sum += values.data[row * values.cols + k] * weights.data[k * weights.cols + at];
    }
    return sum;
  };
  return {
    input: dot(done.inputs as Matrix, kernel),
    state: recurrent ? dot(done.before[0], recurrent) : 0,
    bias: bias.data[at],
    stateBias: bias.rows === 2 ? bias.data[bias.cols + at] : 0,
  };
}
