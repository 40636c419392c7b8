/**
 * Greedy, random and beam search over a model of steps, as keras_seq makes them: for the same logits
 * they choose the same tokens.
 */

export interface Stepped<State> {
  /** A row of logits for each token that was read. */
  logits: Float32Array[];
  state: State;
  /** How much each source token counted, for each row; of models that attend. */
  attention?: Float32Array[];
}

export interface Steps<State> {
  step(ids: number[], state: State): Promise<Stepped<State>>;
  /** The state with these rows of it, in this order. */
  rows(state: State, rows: number[]): State;
}

export type SamplerName = "greedy" | "beam" | "random";

export interface SearchOptions {
  sampler: SamplerName;
  width: number;
  lengthPenalty: number;
  temperature: number;
  seed: number;
  /** Ids that end a text. */
  ends: readonly number[];
  limit: number;
  /** Tokens that the answer has to begin with. */
  forced: readonly number[];
}

/** What was seen when a token was chosen. */
export interface Seen {
  /** The logarithms of the probabilities of all tokens. */
  likely: Float32Array;
  attention?: Float32Array;
}

export interface Answer {
  ids: number[];
  score: number;
  /** For each token. */
  seen: Seen[];
}

/** What a beam search kept at a step: the token, which of the step before it goes on, its score. */
export interface Kept {
  id: number;
  parent: number;
  score: number;
  finished: boolean;
}

const DEAD = Math.fround(-1e9);

export function logSoftmax(logits: Float32Array): Float32Array {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (const x of logits) sum += Math.exp(x - most);
  const log = Math.log(sum);
  return logits.map((x) => x - most - log);
}

export function best(values: ArrayLike<number>): number {
  let place = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[place]) place = i;
  return place;
}

/** The places of the largest values, the first of equal ones before the others. */
export function top(values: ArrayLike<number>, count: number): number[] {
  const places: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (places.length === count && !(values[i] > values[places[count - 1]])) continue;
    let at = places.length;
    while (at && values[i] > values[places[at - 1]]) at--;
    places.splice(at, 0, i);
    places.length = Math.min(places.length, count);
  }
  return places;
}

/** The answers, best first, and what a beam kept at each step. */
export async function search<State>(
  model: Steps<State>,
  state: State,
  first: number,
  options: SearchOptions,
): Promise<{ answers: Answer[]; tree: Kept[][] }> {
  const ids: number[] = [];
  const seen: Seen[] = [];
  let score = 0;
  const forced = options.forced.slice(0, options.limit);
  const beams = options.sampler === "beam";
  const ended = () => ids.length > 0 && options.ends.includes(ids.at(-1)!);
  while (ids.length < forced.length || (!beams && !ended() && ids.length < options.limit)) {
    const done = await model.step([ids.at(-1) ?? first], state);
    state = done.state;
    const likely = logSoftmax(done.logits[0]);
    const chosen = () => (options.sampler === "random" ? draw(likely, ids.length, options) : best(likely));
    const id = forced[ids.length] ?? chosen();
    seen.push({ likely, attention: done.attention?.[0] });
    score += likely[id];
    ids.push(id);
  }
  if (beams && !ended()) return beam(model, state, first, options, { ids, score, seen });
  return { answers: [{ ids, score, seen }], tree: [] };
}

/** A token by chance: the largest of what is likely plus noise, a hash of seed, place and id. */
export function draw(
  likely: Float32Array,
  position: number,
  { temperature, seed }: Pick<SearchOptions, "temperature" | "seed">,
): number {
  const key = mix(mix(mix(seed >>> 0) ^ 0) ^ position);
  const noisy = likely.map((x, id) => {
    const bits = mix(key ^ mix(id)) >>> 9;
    const uniform = Math.fround(Math.fround(bits + 0.5) * 2 ** -23);
    return Math.fround(x / Math.fround(temperature)) - Math.fround(Math.log(-Math.fround(Math.log(uniform))));
  });
  return best(noisy);
}

/** Hash a 32-bit number, one to one. */
function mix(x: number): number {
  x = (x + 0x9e3779b9) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0;
  return (x ^ (x >>> 16)) >>> 0;
}

interface Beam {
  ids: number[];
  seen: Seen[];
  total: number;
  finished: boolean;
}

async function beam<State>(
  model: Steps<State>,
  state: State,
  first: number,
  { width, lengthPenalty, ends, limit }: SearchOptions,
  begun: Answer,
) {
  const scoreOf = (total: number, length: number) => total / ((5 + length) / 6) ** lengthPenalty;
  const alone = begun.ids.length >= limit;
  let beams: Beam[] = Array.from({ length: width }, (_, i) => ({
    ids: begun.ids,
    seen: begun.seen,
    total: i ? DEAD : begun.score, // one beam lives at the start
    finished: alone,
  }));
  state = model.rows(state, beams.map(() => 0));
  const tree: Kept[][] = [];
  for (let t = begun.ids.length; t < limit && !beams.every((b) => b.finished); t++) {
    const done = await model.step(beams.map((b) => (b.finished ? 0 : (b.ids.at(-1) ?? first))), state);
    const next: { beam: Beam; parent: number; id: number; score: number }[] = [];
    beams.forEach((b, parent) => {
      if (b.finished) {
        next.push({ beam: b, parent, id: -1, score: b.total < DEAD / 2 ? DEAD : scoreOf(b.total, b.ids.length) });
        return;
      }
      const likely = logSoftmax(done.logits[parent]);
      const seen = [...b.seen, { likely, attention: done.attention?.[parent] }];
      for (const id of top(likely, width)) {
        const total = b.total + likely[id];
        const dead = total < DEAD / 2;
        const made = { ids: [...b.ids, id], seen, total, finished: dead || ends.includes(id) || t + 1 >= limit };
        next.push({ beam: made, parent, id, score: dead ? DEAD : scoreOf(total, made.ids.length) });
      }
    });
    next.sort((a, b) => b.score - a.score);
    const kept = next.slice(0, width);
    tree.push(kept.map(({ id, parent, score, beam: { finished } }) => ({ id, parent, score, finished })));
    beams = kept.map((k) => k.beam);
    state = model.rows(done.state, kept.map((k) => k.parent));
  }
  const answers = beams
    .filter((b) => b.total > DEAD / 2)
    .map((b) => ({ ids: b.ids, seen: b.seen, score: scoreOf(b.total, b.ids.length) }))
    .sort((a, b) => b.score - a.score);
  return { answers, tree };
}
