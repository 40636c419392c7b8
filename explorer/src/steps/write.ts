/** What is asked of a language model: what it expects, what its units do, how it goes on. */

import { draw, logSoftmax } from "./search";
import { idsTensor, type StepModel, type Tensors } from "./model";
import type { Answerer } from "./serve";

export interface WriteSettings {
  text: string;
  /** The name of the state whose units are looked at; the last one where it is none. */
  state: string;
  temperature: number;
  seed: number;
  /** How many characters are written. */
  length: number;
}

export interface Reading {
  tokens: string[];
  /** What stands between them. */
  between: string;
  /** How surprising each one was, in bits. */
  surprise: number[];
  states: string[];
  state: string;
  /** The state after each token. */
  units: Float32Array[];
  next: { token: string; share: number }[];
  /** How much the next character depends on each unit: bits that are lost where it is set to 0. */
  matters: number[];
  /** How much the next character depends on each of the last ones; none before that is known. */
  connected: number[];
  written: string;
  seconds: number;
}

export const CONNECTED = 60; // the last characters, of which each is replaced in turn
const OTHERS = 2; // how many take the place of each
const LIKELY = 12;

/** How many bits are lost where q is taken for p, both logarithms. */
function divergence(p: Float32Array, q: Float32Array): number {
  return p.reduce((sum, x, i) => sum + (Math.exp(x) * (x - q[i])) / Math.LN2, 0);
}

async function read(model: StepModel, { text, state: wanted, temperature, seed, length }: WriteSettings) {
  const begin = performance.now();
  const tokenizer = model.tokenizer("text");
  const tokens = tokenizer.split(text);
  const ids = [tokenizer.start, ...tokenizer.encode(text)];
  // Those that are vectors of a fixed size: what attention keeps is none.
  const states = model.manifest.state
    .filter(({ dtype, shape }) => dtype === "float32" && shape.length === 2 && shape[1] !== null)
    .map(({ input }) => input);
  const name = states.includes(wanted) ? wanted : states.at(-1);
  const before: Tensors[] = [await model.start({ prompt_ids: idsTensor([0]) })];
  const likely: Float32Array[] = [];
  const units: Float32Array[] = [];
  for (const id of ids) {
    const done = await model.step([id], before.at(-1)!);
    before.push(done.state);
    likely.push(logSoftmax(done.logits[0]));
    units.push(name ? (done.state[name].data as Float32Array).slice() : new Float32Array());
  }
  const next = likely.at(-1)!;
  const order = Array.from(next.keys()).sort((i, j) => next[j] - next[i]).slice(0, LIKELY);
  const reading: Reading = {
    tokens: tokens.map((token) => token.replaceAll("\u2581", " ").replaceAll("\uffed", "")),
    between: model.manifest.tokenizers.text.class === "WordTokenizer" ? " " : "",
    surprise: tokens.map((_, t) => -likely[t][ids[t + 1]] / Math.LN2),
    states,
    state: name ?? "",
    units: units.slice(1),
    next: order.map((id) => ({ token: tokenizer.token(id), share: Math.exp(next[id]) })),
    matters: name ? await withoutUnits(model, ids.at(-1)!, before.at(-2)!, name, next) : [],
    connected: [],
    written: tokenizer.decode(await goOn(model, before.at(-1)!, next, { temperature, seed, length })),
    seconds: 0,
  };
  reading.seconds = (performance.now() - begin) / 1000;
  return { reading, ids, before, next };
}

/** Each unit is set to 0 in a row of its own before the last step. */
async function withoutUnits(model: StepModel, id: number, before: Tensors, name: string, next: Float32Array) {
  const size = before[name].dims[1];
  const rows = model.rows(before, Array.from({ length: size }, () => 0));
  const data = rows[name].data as Float32Array;
  for (let u = 0; u < size; u++) data[u * size + u] = 0;
  const { logits } = await model.step(Array.from({ length: size }, () => id), rows);
  return logits.map((row) => divergence(next, logSoftmax(row)));
}

async function goOn(
  model: StepModel,
  state: Tensors,
  next: Float32Array,
  { temperature, seed, length }: Pick<WriteSettings, "temperature" | "seed" | "length">,
) {
  const ids: number[] = [];
  while (ids.length < length) {
    const id = draw(next, ids.length, { temperature, seed });
    if (model.manifest.end_ids.includes(id)) break;
    ids.push(id);
    const done = await model.step([id], state);
    [state, next] = [done.state, logSoftmax(done.logits[0])];
  }
  return ids;
}

/** Each of the last characters is replaced by others, in rows of their own, and all is read again. */
async function connect(model: StepModel, ids: number[], before: Tensors[], next: Float32Array) {
  const first = Math.max(1, ids.length - CONNECTED);
  const places = Array.from({ length: ids.length - first }, (_, i) => first + i);
  if (!places.length) return [];
  const size = model.manifest.tokenizers.text.vocabulary.length;
  const rows = places.flatMap((place) => Array.from({ length: OTHERS }, (_, k) => ({ place, k })));
  let state = model.rows(before[first], rows.map(() => 0));
  let logits: Float32Array[] = [];
  for (let t = first; t < ids.length; t++) {
    const fed = rows.map(({ place, k }) => (place === t ? other(ids[t], k, size) : ids[t]));
    const done = await model.step(fed, state);
    [state, logits] = [done.state, done.logits];
  }
  return places.map((_, i) => {
    const lost = logits.slice(i * OTHERS, (i + 1) * OTHERS).map((row) => divergence(next, logSoftmax(row)));
    return lost.reduce((a, b) => a + b) / OTHERS;
  });
}

/** Another of the most frequent characters: they stand first in the vocabulary. */
function other(id: number, k: number, size: number): number {
  const frequent = Array.from({ length: Math.min(8, size - 4) }, (_, i) => i + 4).filter((x) => x !== id);
  return frequent[k % frequent.length] ?? id;
}

export const write: Answerer<WriteSettings, Reading> = {
  check(model) {
    model.tokenizer("text");
  },
  async answer(model, settings, report) {
    const { reading, ids, before, next } = await read(model, settings);
    report(reading);
    report({ ...reading, connected: await connect(model, ids, before, next) });
  },
};
