/** The models beside the page, run by the same code as in it. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { StepModel } from "../src/steps/model";
import { decide } from "../src/steps/decide";
import type { Answerer } from "../src/steps/serve";
import { tag } from "../src/steps/tag";
import { translate } from "../src/steps/translate";
import { write } from "../src/steps/write";

const place = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const wasm = new Uint8Array(readFileSync(place("../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm")));

/** A model, of which some files may be changed. */
function load(folder: string, changed: Record<string, Uint8Array> = {}): Promise<StepModel> {
  const path = place(folder);
  const names = existsSync(path) ? readdirSync(path) : [];
  const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(`${path}/${name}`))]));
  return StepModel.load({ files: { ...files, ...changed }, wasm });
}

/** An answer as it grows, piece by piece. */
async function answers<S, A>(answerer: Answerer<S, A>, model: StepModel, settings: S): Promise<A[]> {
  const heard: A[] = [];
  answerer.check(model);
  await answerer.answer(model, settings, (piece) => heard.push({ ...heard.at(-1), ...piece } as A));
  return heard;
}

const beam = { sampler: "beam", width: 5, lengthPenalty: 1, temperature: 1, seed: 0, forced: [] } as const;

/** STEPS names the folder of one more, which `tests/export/test_page.py` wrote. */
const TRANSLATORS = ["../../saved_models/dates/step", "../fixtures/words", "../fixtures/subwords", ...(process.env.STEPS ? [process.env.STEPS] : [])];

describe.each(TRANSLATORS)("the translator in %s", (folder) => {
  test("answers its example as keras_seq did", async () => {
    const model = await load(folder);
    const { text, answer } = model.manifest.example!;
    const { name, config } = model.manifest.sampler!;
    const sampler = name as "beam" | "greedy";
    const [found] = await answers(translate, model, { ...beam, sampler, width: Number(config.width ?? 1), text: text! });
    expect(found.answers[0].text).toBe(answer!.text);
    expect(found.answers[0].score).toBeCloseTo(answer!.score, 4);
    expect(found.attention?.length).toBe("attention" in model.manifest.graphs.step.outputs ? found.answers[0].ids.length : undefined);
  });

  test("does not fail of nothing", async () => {
    const [found] = await answers(translate, await load(folder), { ...beam, text: "\u200b" });
    expect(found.answers.length).toBeGreaterThan(0);
  });
});

describe("the tagger", () => {
  const { sentences, tags } = JSON.parse(readFileSync(place("../fixtures/tags.json"), "utf8"));
  let model: StepModel;
  beforeAll(async () => {
    model = await load("../public/models/pos_en_left");
  });

  test("says of 50 sentences what keras_seq says", async () => {
    expect(sentences.length).toBe(50);
    for (const [i, text] of sentences.entries()) {
      const [found] = await answers(tag, model, { text });
      expect({ tags: found.tags.map((k) => found.names[k]), tokens: found.words }).toEqual(tags[i]);
    }
  });

  test("has probabilities, which the words to come change", async () => {
    const [{ first, last }] = await answers(tag, model, { text: "I have to go to school ." });
    for (const row of [...first, ...last]) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 4);
    expect(Math.max(...first[2].map((x, i) => Math.abs(x - last[2][i])))).toBeGreaterThan(0.01);
    const [{ first: begun }] = await answers(tag, model, { text: "I have to" });
    expect([...begun[2]]).toEqual([...first[2]]);
    expect([...last.at(-1)!]).not.toEqual([...first.at(-1)!]); // what a sentence may end with counts
  });

  test("reads long texts in pieces, and nothing of blanks", async () => {
    const most = model.manifest.max_length!;
    const [found] = await answers(tag, model, { text: "fish ".repeat(most + 3) });
    expect(found.tags.length).toBe(most + 3);
    expect([...found.first[most]]).toEqual([...found.first[0]]);
    expect((await answers(tag, model, { text: " \u3000 " }))[0].words).toEqual([]);
  });
});

test("a language model reads, expects and goes on", async () => {
  const model = await load("../public/models/shakespeare");
  const settings = { text: "ROMEO:\nWhat", state: "", temperature: 0.7, seed: 1, length: 12 };
  const heard = await answers(write, model, settings);
  const [read, whole] = [heard[0], heard.at(-1)!];
  expect(read.tokens.join("")).toBe(settings.text);
  expect(read.connected).toBe(undefined);
  expect(whole.connected!.length).toBe(settings.text.length);
  expect(whole.matters!.length).toBe(whole.size);
  expect([...whole.written!].length).toBe(12);
  const nothing = (await answers(write, model, { ...settings, text: "" })).at(-1)!;
  expect([nothing.tokens, nothing.connected]).toEqual([[], []]);
});

test("a classifier has a verdict after each token, at the end that of keras_seq", async () => {
  const model = await load("../fixtures/classes");
  const { text, answer } = model.manifest.example as any;
  const [{ tokens, names, shares, left }] = await answers(decide, model, { text });
  expect([tokens, left]).toEqual([text.split(" "), 0]);
  names.forEach((name, k) => expect(shares.at(-1)![k]).toBeCloseTo(answer.probabilities[name], 4));
  for (const row of shares) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  const [begun] = await answers(decide, model, { text: "the keys" });
  begun.shares.forEach((row, t) => row.forEach((x, k) => expect(x).toBeCloseTo(shares[t][k], 5)));
  const manifest = JSON.parse(readFileSync(place("../fixtures/classes/manifest.json"), "utf8"));
  const changed = new TextEncoder().encode(JSON.stringify({ ...manifest, multi_label: true, max_length: 4, class_names: names }));
  const [several] = await answers(decide, await load("../fixtures/classes", { "manifest.json": changed }), { text });
  expect([several.tokens.length, several.left, several.shares.length]).toEqual([4, tokens.length - 4, 5]);
  // With two classes and a softmax p, sigmoids s are those of logits whose difference is that of log p.
  const logit = (x: number) => Math.log(x / (1 - x));
  const [a, b] = several.shares[4];
  expect(logit(a) - logit(b)).toBeCloseTo(Math.log(shares[4][0] / shares[4][1]), 3);
});

describe("a text that is changed is answered as one that was never another", () => {
  const close = (found: unknown, wanted: unknown, name: string) => {
    const flat = (x: any): any[] => (typeof x === "object" ? Object.values(x).flatMap(flat) : [x]);
    const [a, b] = [flat(found), flat(wanted)];
    expect(a.length, name).toBe(b.length);
    a.forEach((x, i) => (typeof x === "number" ? expect(x, name).toBeCloseTo(b[i], 4) : expect(x, name).toBe(b[i])));
  };
  const changes: [string, string, Answerer<any, any>, string[], object][] = [
    ["a writer", "../public/models/shakespeare", write,
      ["ROMEO: what", "ROMEO: what l", "ROMEO: what li", "ROMEO: what l", "ROME: what l", "", "ROMEO:".repeat(12), `${"ROMEO:".repeat(12)} no`],
      { state: "", temperature: 0.7, seed: 1, length: 5 }],
    ["a tagger", "../public/models/pos_en_left", tag, ["They fish for", "They fish for fish", "They for fish", "fish ".repeat(260), "fish ".repeat(258)], {}],
    ["a classifier", "../fixtures/classes", decide, ["the keys", "the keys near", "the key near"], {}],
  ];
  test.each(changes)("%s", async (_, folder, answerer, texts, settings) => {
    const model = await load(folder);
    for (const text of texts) {
      const found = (await answers(answerer, model, { ...settings, text })).at(-1)!;
      const alone = (await answers(answerer, await load(folder), { ...settings, text })).at(-1)!;
      for (const name of Object.keys(alone)) if (name !== "seconds") close(found[name], alone[name], `${text}, ${name}`);
    }
  });
});

describe("a model that is damaged is told", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  test.each([
    ["../../saved_models/dates/step", { "manifest.json": bytes("{") }, "The manifest of the model is damaged: it is no JSON."],
    ["../../saved_models/dates/step", { "step.onnx": bytes("no ONNX") }, "The model cannot be read: step.onnx is damaged"],
    ["../fixtures/none", {}, "The model cannot be read: there is no manifest.json."],
  ])("%s", async (folder, changed, message) => {
    await expect(load(folder, changed as Record<string, Uint8Array>)).rejects.toThrow(message);
  });

  test("one that copies, and a tagger without tags", async () => {
    const manifest = JSON.parse(readFileSync(place("../../saved_models/dates/step/manifest.json"), "utf8"));
    const copies = await load("../../saved_models/dates/step", { "manifest.json": bytes(JSON.stringify({ ...manifest, copy: true })) });
    expect(() => translate.check(copies)).toThrow("can copy tokens from its text (copy=True), which this page does not show");
    expect(() => tag.check(copies)).toThrow('it has no "tag_names"');
  });
});

/** What the page shows while a model is being loaded. `npx vitest run -u` writes it anew. */
describe("the examples that were computed before are what the models answer", () => {
  const cases: [string, string, Answerer<any, any>, object][] = [
    ["Seq2Seq", "../../saved_models/dates/step", translate, { ...beam, text: "le 27 septembre 2016" }],
    ["LanguageModel", "../public/models/shakespeare", write, { text: "ROMEO:\nWhat light is this, that in the win", state: "", temperature: 0.7, seed: 1, length: 120 }],
    ["TextTagger", "../public/models/pos_en_left", tag, { text: "I have to go to school to have fun ." }],
  ];
  test.each(cases)("%s", async (kind, folder, answerer, settings) => {
    const found = (await answers(answerer, await load(folder), settings)).at(-1)!;
    const short = (_: string, value: unknown): unknown => {
      if (value instanceof Float32Array) return [...value].map((x) => Number(x.toFixed(3)));
      return typeof value === "number" ? Number(value.toFixed(3)) : value;
    };
    await expect(JSON.stringify({ ...found, seconds: 0.01 }, short) + "\n").toMatchFileSnapshot(`../models/examples/${kind}.json`);
  });
});
