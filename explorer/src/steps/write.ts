/** What is asked of a language model: what it expects, what its units do, how it goes on. */

import { draw, logSoftmax, top } from "./search";
import { idsTensor, type StepModel, type Tensors } from "./model";
import type { Answerer } from "./serve";
import type { Passed } from "./trail";

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
  /** How many units the state has, and their values after each token, one token after the other. */
  size: number;
  units: Float32Array;
  next: { token: string; share: number }[];
  // What takes longer follows in pieces.
  /** How much the next character depends on each unit: bits that are lost where it is set to 0. */
  matters?: number[];
  written?: string;
  /** How much the next character depends on each of the last ones; none before that is known. */
  connected?: number[];
}

export const CONNECTED = 60; // the last characters, of which each is replaced in turn
const OTHERS = 2; // how many take the place of each
const LIKELY = 12;
const ROWS = 64; // that are computed at once

type Step = Passed<Tensors>;

/** How many bits are lost where q is taken for p, both logarithms. */
function divergence(p: Float32Array, q: Float32Array): number {
  return p.reduce((sum, x, i) => sum + (Math.exp(x) * (x - q[i])) / Math.LN2, 0);
}

/** The names of the states that are vectors of a fixed size: what attention keeps is none. */
function vectors(model: StepModel): string[] {
  return model.manifest.state
    .filter(({ dtype, shape }) => dtype === "float32" && shape.length === 2 && shape[1] !== null)
    .map(({ input }) => input);
}

function readingOf(model: StepModel, text: string, wanted: string, ids: number[], steps: readonly Step[]): Reading {
  const tokenizer = model.tokenizer("text");
  const tokens = tokenizer.split(text);
  const states = vectors(model);
  const state = states.includes(wanted) ? wanted : (states.at(-1) ?? "");
  const size = steps.at(-1)!.state[state]?.dims[1] ?? 0;
  const units = new Float32Array(size * tokens.length);
  if (size) tokens.forEach((_, t) => units.set(steps[t + 1].state[state].data as Float32Array, t * size));
  const next = steps.at(-1)!.likely;
  return {
    tokens: tokens.map((token) => token.replaceAll("\u2581", " ").replaceAll("\uffed", "")),
    between: model.manifest.tokenizers.text.class === "WordTokenizer" ? " " : "",
    surprise: tokens.map((_, t) => -steps[t].likely[ids[t + 1]] / Math.LN2),
    states,
    state,
    size,
    units,
    next: top(next, LIKELY).map((id) => ({ token: tokenizer.token(id), share: Math.exp(next[id]) })),
  };
}

/** Each unit is set to 0 in a row of its own before the last step. */
async function withoutUnits(model: StepModel, id: number, before: Tensors, name: string, next: Float32Array) {
  const size = before[name].dims[1];
  const lost: number[] = [];
  for (let first = 0; first < size; first += ROWS) {
    const count = Math.min(ROWS, size - first);
    const rows = model.rows(before, Array.from({ length: count }, () => 0));
    const data = rows[name].data as Float32Array;
    for (let r = 0; r < count; r++) data[r * size + first + r] = 0;
    const { logits } = await model.step(Array.from({ length: count }, () => id), rows);
    lost.push(...logits.map((row) => divergence(next, logSoftmax(row))));
  }
  return lost;
}

async function goOn(
  model: StepModel,
  { state, likely: next }: Step,
  { temperature, seed, length }: Pick<WriteSettings, "temperature" | "seed" | "length">,
) {
  const ids: number[] = [];
  let [before, likely] = [state, next];
  while (ids.length < length) {
    const id = draw(likely, ids.length, { temperature, seed });
    if (model.manifest.end_ids.includes(id)) break;
    ids.push(id);
    const done = await model.step([id], before);
    [before, likely] = [done.state, logSoftmax(done.logits[0])];
  }
  return ids;
}

/** The text with each of its last characters replaced by others, in rows of their own, as far as it has been read. */
interface Replaced {
  ids: number[];
  /** The place of the character that was replaced, by rows. */
  places: number[];
  state: Tensors | null;
  logits: Float32Array[];
}
const replaced = new WeakMap<StepModel, Replaced>();

/** How much the next character depends on each of the last ones. A text that goes on is read on. */
async function connect(model: StepModel, ids: number[], steps: readonly Step[]): Promise<number[]> {
  const size = model.manifest.tokenizers.text.vocabulary.length;
  const first = Math.max(1, ids.length - CONNECTED);
  const fresh: Replaced = { ids: ids.slice(0, first), places: [], state: null, logits: [] };
  let known = replaced.get(model) ?? fresh;
  if (known.ids.length < first || known.ids.some((id, t) => id !== ids[t])) known = fresh;
  for (let t = known.ids.length; t < ids.length; t++) {
    const kept: number[] = known.places.flatMap((place, r) => (place > t - CONNECTED ? [r] : []));
    const places: number[] = [...kept.map((r) => known.places[r]), ...Array.from({ length: OTHERS }, () => t)];
    const own = model.rows(steps[t - 1].state, Array.from({ length: OTHERS }, () => 0));
    const state = known.state ? model.joined(model.rows(known.state, kept), own) : own;
    const fed = places.map((place, r) => (place === t ? other(ids[t], r - kept.length, size) : ids[t]));
    const done = await model.step(fed, state);
    known = { ids: ids.slice(0, t + 1), places, state: done.state, logits: done.logits };
    replaced.set(model, known);
  }
  const next = steps.at(-1)!.likely;
  const lost = known.logits.map((row) => divergence(next, logSoftmax(row)));
  return Array.from({ length: ids.length - first }, (_, i) =>
    lost.slice(i * OTHERS, (i + 1) * OTHERS).reduce((a, b) => a + b) / OTHERS);
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
    const { text, state: wanted } = settings;
    const tokenizer = model.tokenizer("text");
    const ids = [tokenizer.start, ...tokenizer.encode(text)];
    const steps = await model.along(ids, (id) => ({ token_ids: idsTensor([id], false) }));
    const reading = readingOf(model, text, wanted, ids, steps);
    report(reading);
    const { state } = reading;
    const before = steps.at(-2)?.state ?? (await model.first());
    const matters = state ? await withoutUnits(model, ids.at(-1)!, before, state, steps.at(-1)!.likely) : [];
    report({ matters });
    report({ written: tokenizer.decode(await goOn(model, steps.at(-1)!, settings)) });
    report({ connected: await connect(model, ids, steps) });
  },
};
