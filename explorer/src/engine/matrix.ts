/** Matrices of plain numbers, row after row, and the few operations that the engine needs. */

export interface Matrix {
  rows: number;
  cols: number;
  data: Float64Array;
}

export function zeros(rows: number, cols: number): Matrix {
  return { rows, cols, data: new Float64Array(rows * cols) };
}

export function fromRows(values: readonly (readonly number[])[]): Matrix {
  const rows = values.length;
  const cols = rows ? values[0].length : 0;
  return { rows, cols, data: Float64Array.from(values.flat()) };
}

export function toRows(matrix: Matrix): number[][] {
  return Array.from({ length: matrix.rows }, (_, r) => [...row(matrix, r)]);
}

/** A view of one row: writing to it changes the matrix. */
export function row(matrix: Matrix, index: number): Float64Array {
  return matrix.data.subarray(index * matrix.cols, (index + 1) * matrix.cols);
}

export function copy(matrix: Matrix): Matrix {
  return { ...matrix, data: matrix.data.slice() };
}

export function identity(size: number): Matrix {
  const result = zeros(size, size);
  for (let i = 0; i < size; i++) result.data[i * size + i] = 1;
  return result;
}

export function scaled(matrix: Matrix, factor: number): Matrix {
  return { ...matrix, data: matrix.data.map((x) => x * factor) };
}

/** into += a b */
export function addProduct(into: Matrix, a: Matrix, b: Matrix): Matrix {
  const { rows, cols: inner } = a;
  const { cols } = b;
  const [sum, left, right] = [into.data, a.data, b.data]; // read from once: a quarter faster
  for (let r = 0; r < rows; r++) {
    const to = r * cols;
    for (let k = 0; k < inner; k++) {
      const factor = left[r * inner + k];
      if (factor === 0) continue;
      const from = k * cols;
      for (let c = 0; c < cols; c++) sum[to + c] += factor * right[from + c];
    }
  }
  return into;
}

export function product(a: Matrix, b: Matrix): Matrix {
  return addProduct(zeros(a.rows, b.cols), a, b);
}

/** into += a b^T */
export function addProductTransposed(into: Matrix, a: Matrix, b: Matrix): Matrix {
  const { rows, cols: inner } = a;
  const [left, right] = [a.data, b.data];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < b.rows; c++) {
      const [i, j] = [r * inner, c * inner];
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += left[i + k] * right[j + k];
      into.data[r * b.rows + c] += sum;
    }
  }
  return into;
}

/** into += a^T b, the gradient of a kernel for inputs a and gradients b. */
export function addTransposedProduct(into: Matrix, a: Matrix, b: Matrix): Matrix {
  const { cols } = b;
  const [sum, left, right] = [into.data, a.data, b.data];
  for (let r = 0; r < a.rows; r++) {
    const from = r * cols;
    for (let k = 0; k < a.cols; k++) {
      const factor = left[r * a.cols + k];
      if (factor === 0) continue;
      const to = k * cols;
      for (let c = 0; c < cols; c++) sum[to + c] += factor * right[from + c];
    }
  }
  return into;
}

/** into += the sums of the columns of b, the gradient of a bias. */
export function addColumnSums(into: Float64Array, b: Matrix): void {
  for (let r = 0; r < b.rows; r++) {
    for (let c = 0; c < b.cols; c++) into[c] += b.data[r * b.cols + c];
  }
}

export function addRow(matrix: Matrix, values: Float64Array): Matrix {
  for (let r = 0; r < matrix.rows; r++) {
    for (let c = 0; c < matrix.cols; c++) matrix.data[r * matrix.cols + c] += values[c];
  }
  return matrix;
}

/** The block of rows and columns that stands at `start` on the diagonal. */
export function block(matrix: Matrix, start: number, size: number): Matrix {
  const result = zeros(size, size);
  for (let r = 0; r < size; r++) {
    for (let c = 0; c < size; c++) {
      result.data[r * size + c] = matrix.data[(start + r) * matrix.cols + start + c];
    }
  }
  return result;
}

export function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return Math.sqrt(sum);
}

/**
 * Singular values, largest first, by one-sided Jacobi rotations: pairs of columns are turned until
 * all are orthogonal, and their lengths are the values (Hestenes, 1958).
 */
export function singularValues(matrix: Matrix): number[] {
  const { rows, cols } = matrix;
  const a = matrix.data.slice();
  for (let sweep = 0; sweep < 60; sweep++) {
    let turned = false;
    for (let p = 0; p < cols - 1; p++) {
      for (let q = p + 1; q < cols; q++) {
        turned = turn(a, rows, cols, p, q) || turned;
      }
    }
    if (!turned) break;
  }
  const lengths = Array.from({ length: cols }, (_, c) => {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += a[r * cols + c] ** 2;
    return Math.sqrt(sum);
  });
  return lengths.sort((x, y) => y - x);
}

function turn(a: Float64Array, rows: number, cols: number, p: number, q: number): boolean {
  let pp = 0;
  let qq = 0;
  let pq = 0;
  for (let r = 0; r < rows; r++) {
    const x = a[r * cols + p];
    const y = a[r * cols + q];
    pp += x * x;
    qq += y * y;
    pq += x * y;
  }
  if (Math.abs(pq) <= 1e-14 * Math.sqrt(pp * qq)) return false;
  const tau = (qq - pp) / (2 * pq);
  const t = (tau < 0 ? -1 : 1) / (Math.abs(tau) + Math.hypot(1, tau));
  const cosine = 1 / Math.hypot(1, t);
  const sine = cosine * t;
  for (let r = 0; r < rows; r++) {
    const x = a[r * cols + p];
    const y = a[r * cols + q];
    a[r * cols + p] = cosine * x - sine * y;
    a[r * cols + q] = sine * x + cosine * y;
  }
  return true;
}
