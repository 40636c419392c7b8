/** What is asked of a tagger that reads from the left: its tags, as words come and at the end. */

import { bestPath, filtered, marginals } from "./chain";
import { idsTensor, type StepModel, type Tensors } from "./model";
import { best } from "./search";
import { knownWord, splitWords } from "./sentences";
import type { Answerer } from "./serve";

export interface TagSettings {
  text: string;
}

export interface Tagging {
  words: string[];
  names: string[];
  /** For each word how probable each tag was when it had been read, and nothing behind it. */
  first: Float32Array[];
  /** The same when all had been read; as before where tags do not know of each other. */
  last: Float32Array[];
  /** The number of the tag of each word: those that are most probable together. */
  tags: number[];
  /** Whether tags know of each other. */
  chained: boolean;
  seconds: number;
}

/** What a step takes of a word. */
function encode(model: StepModel, word: string): Tensors {
  const { tokenizers, zero_digits: zero, max_word_length: longest = 20 } = model.manifest;
  const tokenizer = model.tokenizer("text");
  const ids = tokenizer.encode(knownWord(word, Boolean(zero)));
  const fed: Tensors = { token_ids: idsTensor([ids.length === 1 ? ids[0] : tokenizer.unknown], false) };
  if (!tokenizers.characters) return fed;
  const letters = model.tokenizer("characters").encode(word);
  const half = Math.floor(longest / 2);
  const kept = [...letters.slice(0, half), ...letters.slice(half).slice(half - longest)];
  return { ...fed, char_ids: idsTensor(kept.length ? kept : [0]), char_ends: idsTensor([kept.length]) };
}

type Piece = Pick<Tagging, "first" | "last" | "tags">;
/** What was said of the pieces of the last text, with their words. */
const known = new WeakMap<StepModel, { words: string; piece: Piece }[]>();

/** What is said of a piece of a text, which is read by itself. */
async function read(model: StepModel, words: string[], part: number): Promise<Piece> {
  const { chain } = model.manifest;
  const before = known.get(model) ?? [];
  known.set(model, before);
  if (before[part]?.words === words.join(" ")) return before[part].piece;
  const passed = await model.along(words, (word) => encode(model, word), part);
  const rows = passed.map(({ row }) => row); // how well each tag fits
  const likely = chain ? filtered(rows, chain) : passed.map((step) => step.likely);
  const first = likely.map((row) => row.map(Math.exp));
  const piece: Piece = chain
    ? { first, last: marginals(rows, chain), tags: bestPath(rows, chain) }
    : { first, last: first, tags: rows.map(best) };
  before[part] = { words: words.join(" "), piece };
  return piece;
}

export const tag: Answerer<TagSettings, Tagging> = {
  check(model) {
    const { tag_names: names, tokenizers } = model.manifest;
    if (!Array.isArray(names)) throw new Error('The manifest of the model is damaged: it has no "tag_names".');
    for (const role of Object.keys(tokenizers)) model.tokenizer(role);
  },
  async answer(model, { text }, report) {
    const begin = performance.now();
    const { tag_names: names = [], chain, max_length: most } = model.manifest;
    const words = splitWords(text);
    const size = most ?? words.length;
    const pieces: Piece[] = [];
    for (let i = 0; i < words.length; i += size) pieces.push(await read(model, words.slice(i, i + size), i / size));
    report({
      words,
      names,
      first: pieces.flatMap(({ first }) => first),
      last: pieces.flatMap(({ last }) => last),
      tags: pieces.flatMap(({ tags }) => tags),
      chained: Boolean(chain),
      seconds: (performance.now() - begin) / 1000,
    });
  },
};
