/** What is asked of a classifier that reads from the left: what it thinks after each token. */

import { idsTensor } from "./model";
import { logSoftmax } from "./search";
import type { Answerer } from "./serve";

export interface DecideSettings {
  text: string;
}

export interface Verdicts {
  tokens: string[];
  /** What stands between them. */
  between: string;
  names: string[];
  /** How probable each class is: before the first token, and after each. */
  shares: Float32Array[];
  /** Whether a text may have several classes: each by itself, those above the threshold. */
  several: boolean;
  threshold: number;
  /** How many tokens were left out at the end. */
  left: number;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

export const decide: Answerer<DecideSettings, Verdicts> = {
  check(model) {
    if (!Array.isArray(model.manifest.class_names)) throw new Error('The manifest of the model is damaged: it has no "class_names".');
    model.tokenizer("text");
  },
  async answer(model, { text }, report) {
    const { class_names: names = [], multi_label: several = false, threshold = 0.5, max_length: most } = model.manifest;
    const tokenizer = model.tokenizer("text");
    const all = tokenizer.split(text);
    const ids = tokenizer.encode(text).slice(0, most ?? undefined);
    const steps = await model.along(ids, (id) => ({ token_ids: idsTensor([id], false) }));
    const probable = (row: Float32Array) => (several ? row.map(sigmoid) : logSoftmax(row).map(Math.exp));
    report({
      tokens: all.slice(0, ids.length).map((token) => token.replaceAll("\u2581", " ").replaceAll("\uffed", "")),
      between: model.manifest.tokenizers.text.class === "WordTokenizer" ? " " : "",
      names,
      shares: [await model.firstRow(), ...steps.map(({ row }) => row)].map(probable),
      several,
      threshold,
      left: all.length - ids.length,
    });
  },
};
