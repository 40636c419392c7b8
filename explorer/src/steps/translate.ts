/** What is asked of a translator: its answers, what else was likely, where it looked. */

import type { Kept, SearchOptions } from "./search";
import { search, top } from "./search";
import { idsTensor } from "./model";
import type { Answerer } from "./serve";

export type TranslateSettings = Omit<SearchOptions, "ends" | "limit"> & { text: string };

export interface Choice {
  id: number;
  token: string;
  share: number;
}

export interface Translation {
  text: string;
  source: string[];
  answers: { text: string; score: number; tokens: string[]; ids: number[] }[];
  /** For each token of the best answer what else was likely. */
  choices: Choice[][];
  /** For each token of the best answer how much each source token counted; `null` without attention. */
  attention: number[][] | null;
  tree: (Kept & { token: string })[][];
  seconds: number;
}

const LIKELY = 5; // choices that are shown of a token

export const translate: Answerer<TranslateSettings, Translation> = {
  check(model) {
    if (model.manifest.copy) throw new Error("This translator can copy tokens from its text (copy=True), which this page does not show: keras-seq generate answers with it.");
    for (const role of ["source", "target"]) model.tokenizer(role); // or an error that says why not
  },
  async answer(model, settings, report) {
    const begin = performance.now();
    const { manifest } = model;
    const [from, to] = [model.tokenizer("source"), model.tokenizer("target")];
    const most = manifest.max_source_length;
    const source = [...from.split(settings.text), from.token(from.end)].slice(0, most);
    const ids = [...from.encode(settings.text), from.end].slice(0, most);
    const limit = Math.min(manifest.max_target_length, manifest.max_length ?? 3 * ids.length + 32);
    const start = await model.start({ source_ids: idsTensor(ids) });
    const options = { ...settings, ends: manifest.end_ids, limit };
    const { answers, tree } = await search(model, start, to.start, options);

    const choices = answers[0].seen.map(({ likely }, t) => {
      const shown = [...new Set([answers[0].ids[t], ...top(likely, LIKELY)])].sort((i, j) => likely[j] - likely[i]);
      return shown.map((id) => ({ id, token: to.token(id), share: Math.exp(likely[id]) }));
    });
    const attention = answers[0].seen.flatMap((seen) => (seen.attention ? [[...seen.attention]] : []));
    report({
      text: settings.text,
      source,
      answers: answers.map(({ ids, score }) => ({ ids, score, text: to.decode(ids), tokens: ids.map((id) => to.token(id)) })),
      choices,
      attention: attention.length ? attention : null,
      tree: tree.map((step) => step.map((kept) => ({ ...kept, token: kept.id < 0 ? "" : to.token(kept.id) }))),
      seconds: (performance.now() - begin) / 1000,
    });
  },
};
