import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readManifest } from "../src/steps/manifest";
import { search, type SearchOptions, type Steps } from "../src/steps/search";
import { Tokenizer } from "../src/steps/tokenizer";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const fixture = JSON.parse(read("../fixtures/search.json"));

/** The next token depends on the last one alone; the state is the rows that were taken. */
const model: Steps<number[]> = {
  step: async (ids, state) => ({ logits: ids.map((id) => Float32Array.from(fixture.logits[id])), state }),
  rows: (state, rows) => rows.map((r) => state[r]),
};
const base: SearchOptions = {
  sampler: "greedy", width: 1, lengthPenalty: 1, temperature: 1, seed: 0,
  ends: fixture.ends, limit: fixture.limit, forced: [],
};

describe("searches choose what keras_seq chooses", () => {
  test.each(fixture.cases as any[])("$sampler $options", async ({ sampler, options, answers }: any) => {
    const { width = 1, length_penalty: lengthPenalty = 1, temperature = 1, seed = 0 } = options;
    const found = await search(model, [0], fixture.first, { ...base, sampler, width, lengthPenalty, temperature, seed });
    expect(found.answers.map((a) => a.ids)).toEqual(answers.map((a: any) => a.ids));
    found.answers.forEach((a, i) => expect(a.score).toBeCloseTo(answers[i].score, 5));
  });

  test("what is forced stands at the beginning, in every search", async () => {
    for (const sampler of ["greedy", "beam", "random"] as const) {
      const { answers } = await search(model, [0], 1, { ...base, sampler, width: 3, forced: [5, 4] });
      for (const { ids } of answers) expect(ids.slice(0, 2)).toEqual([5, 4]);
      const ended = await search(model, [0], 1, { ...base, sampler, width: 3, forced: [5, 2] });
      expect(ended.answers.map((a) => a.ids)).toEqual([[5, 2]]);
    }
  });

  test("a beam keeps its tree: each token goes on from one of the step before", async () => {
    const { answers, tree } = await search(model, [0], 1, { ...base, sampler: "beam", width: 3 });
    const last = tree.at(-1)!;
    let place = last.findIndex((kept) => kept.score === Math.max(...last.map((k) => k.score)));
    const ids = [];
    for (const kept of tree.toReversed()) {
      if (kept[place].id >= 0) ids.unshift(kept[place].id);
      place = kept[place].parent;
    }
    expect(ids).toEqual(answers[0].ids);
  });
});

describe("a manifest", () => {
  const text = read("../../saved_models/dates/step/manifest.json");

  test("is read, with its tokenizer", () => {
    const manifest = readManifest(text);
    const tokenizer = new Tokenizer(manifest.tokenizers.source);
    const ids = [...tokenizer.encode(manifest.example!.text!), tokenizer.end];
    expect(ids).toEqual(JSON.parse(text).example.source_ids[0]);
    expect(tokenizer.decode([1, ...ids, 3, 0])).toBe(`${manifest.example!.text}\ufffd`);
    expect(tokenizer.encode("\u{1f600}")).toEqual([3]);
  });

  test.each([
    ["{", "it is no JSON"],
    ["null", 'has no "version"'],
    ['{"version": 1, "kind": "Seq2Seq"}', 'has no "graphs"'],
    ['{"version": 1, "kind": "x", "graphs": {}, "state": [], "memory": []}', 'has no "step"'],
    ['{"version": 9, "kind": "x", "graphs": {"step": {"inputs": {}}}, "state": [], "memory": []}', "of version 9"],
  ])("that is damaged is told: %s", (damaged, message) => {
    expect(() => readManifest(damaged)).toThrow(message);
  });

  test("of words is told to be none for this page", () => {
    const about = { ...readManifest(text).tokenizers.source, class: "WordTokenizer" };
    expect(() => new Tokenizer(about)).toThrow("made by a WordTokenizer");
  });
});
