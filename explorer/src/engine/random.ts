/** Random numbers that are the same on every machine, and the first weights made of them. */

import { zeros, type Matrix } from "./matrix";

/** Numbers in [0, 1), by mulberry32. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** An integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  choice<T>(values: readonly T[]): T {
    return values[this.integer(values.length)];
  }

  /** A normal number, by Box and Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}

export function normal(random: Random, rows: number, cols: number, deviation: number): Matrix {
  const result = zeros(rows, cols);
  result.data.forEach((_, i) => (result.data[i] = deviation * random.normal()));
  return result;
}

/** Uniform with the limit of Glorot and Bengio (2010), Keras's first weights of a kernel. */
export function glorot(random: Random, rows: number, cols: number): Matrix {
  const limit = Math.sqrt(6 / (rows + cols));
  const result = zeros(rows, cols);
  result.data.forEach((_, i) => (result.data[i] = limit * (2 * random.next() - 1)));
  return result;
}

/**
 * Square orthogonal blocks side by side, by Gram and Schmidt. All eigenvalues of a block have the
 * absolute value 1: times r, its spectral radius is r.
 */
export function orthogonal(random: Random, size: number, blocks = 1): Matrix {
  const result = zeros(size, size * blocks);
  for (let b = 0; b < blocks; b++) {
    const vectors: Float64Array[] = [];
    while (vectors.length < size) {
      const v = Float64Array.from({ length: size }, () => random.normal());
      for (const u of vectors) {
        let dot = 0;
        for (let i = 0; i < size; i++) dot += u[i] * v[i];
        for (let i = 0; i < size; i++) v[i] -= dot * u[i];
      }
      const length = Math.hypot(...v);
      if (length > 1e-6) vectors.push(v.map((x) => x / length));
    }
    vectors.forEach((v, r) => result.data.set(v, r * size * blocks + b * size));
  }
  return result;
}
