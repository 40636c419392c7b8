/** Tags that know of each other (a CRF): the best path, and how probable each tag is, given all or given the words so far. */

import { best, logSoftmax } from "./search";

export interface Chain {
  /** From the row's tag to the column's. */
  transitions: number[][];
  start: number[];
  end: number[];
}

/** log sum exp(a + b) */
function sumExp(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = -Infinity;
  for (let i = 0; i < a.length; i++) most = Math.max(most, a[i] + b[i]);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.exp(a[i] + b[i] - most);
  return most + Math.log(sum);
}
const columns = (chain: Chain) => chain.start.map((_, to) => Float32Array.from(chain.transitions, (row) => row[to]));
const plus = (a: Float32Array, b: ArrayLike<number>) => a.map((x, i) => x + b[i]);

/** Viterbi's algorithm. */
export function bestPath(emissions: Float32Array[], chain: Chain): number[] {
  if (!emissions.length) return [];
  const into = columns(chain);
  let scores = plus(emissions[0], chain.start);
  const origins: number[][] = [];
  for (const emission of emissions.slice(1)) {
    const ways = into.map((transition) => plus(transition, scores));
    origins.push(ways.map(best));
    scores = emission.map((x, to) => x + ways[to][origins.at(-1)![to]]);
    const most = scores[best(scores)];
    scores = scores.map((x) => x - most);
  }
  const path = [best(plus(scores, chain.end))];
  for (const origin of origins.reverse()) path.unshift(origin[path[0]]);
  return path;
}

/** How probable each tag is given the words up to its own, as logarithms. */
export function filtered(emissions: Float32Array[], chain: Chain): Float32Array[] {
  const into = columns(chain);
  const rows: Float32Array[] = [];
  for (const emission of emissions) {
    const past = rows.at(-1);
    const reached = past ? into.map((transition) => sumExp(transition, past)) : chain.start;
    rows.push(logSoftmax(plus(emission, reached)));
  }
  return rows;
}

/** How probable each tag is given all words: forward and backward. */
export function marginals(emissions: Float32Array[], chain: Chain): Float32Array[] {
  const forward = filtered(emissions, chain);
  const from = chain.transitions.map((row) => Float32Array.from(row));
  let behind = Float32Array.from(chain.end);
  const rows: Float32Array[] = [];
  for (let t = emissions.length - 1; t >= 0; t--) {
    rows.unshift(logSoftmax(plus(forward[t], behind)).map(Math.exp));
    const next = plus(emissions[t], behind);
    const ways = Float32Array.from(from, (transition) => sumExp(transition, next));
    const all = sumExp(ways, ways.map(() => 0));
    behind = ways.map((x) => x - all);
  }
  return rows;
}
