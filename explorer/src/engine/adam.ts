/** Adam (Kingma and Ba, 2015) as Keras has it, and clipping by the norm of all gradients. */

import { norm } from "./matrix";

export class Adam {
  private steps = 0;
  private readonly means: Float64Array[];
  private readonly squares: Float64Array[];

  constructor(
    private readonly weights: Float64Array[],
    public rate = 0.001,
    private readonly beta1 = 0.9,
    private readonly beta2 = 0.999,
    private readonly epsilon = 1e-7,
  ) {
    this.means = weights.map((w) => new Float64Array(w.length));
    this.squares = weights.map((w) => new Float64Array(w.length));
  }

  apply(gradients: readonly Float64Array[]): void {
    this.steps += 1;
    const { beta1, beta2 } = this;
    const rate = (this.rate * Math.sqrt(1 - beta2 ** this.steps)) / (1 - beta1 ** this.steps);
    this.weights.forEach((w, i) => {
      const [g, m, v] = [gradients[i], this.means[i], this.squares[i]];
      for (let k = 0; k < w.length; k++) {
        m[k] += (g[k] - m[k]) * (1 - beta1);
        v[k] += (g[k] * g[k] - v[k]) * (1 - beta2);
        w[k] -= (rate * m[k]) / (Math.sqrt(v[k]) + this.epsilon);
      }
    });
  }
}

/** Scale all gradients so that their common norm is at most `most`; return the norm before. */
export function clip(gradients: readonly Float64Array[], most: number | null): number {
  const whole = norm(gradients.map(norm));
  if (most !== null && whole > most) {
    for (const g of gradients) g.forEach((x, k) => (g[k] = (x * most) / whole));
  }
  return whole;
}
