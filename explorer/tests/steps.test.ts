import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readManifest } from "../src/steps/manifest";
import { search, top, type SearchOptions, type Steps } from "../src/steps/search";
import { bestPath, filtered, marginals } from "../src/steps/chain";
import { apart, splitWords } from "../src/steps/sentences";
import { makeTokenizer } from "../src/steps/tokenizer";
import { Trail } from "../src/steps/trail";

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

test("the largest values, the first of equal ones before the others", () => {
  expect(top([1, 3, 2, 3, 0], 3)).toEqual([1, 3, 2]);
  expect([top([5, 4], 3), top([], 2), top([7], 1)]).toEqual([[0, 1], [], [0]]);
});

describe("a trail", () => {
  /** The state is the text so far; each step is counted. */
  function counting(trail: Trail<string, string>) {
    const made: string[] = [];
    return async (text: string) => {
      made.length = 0;
      const passed = await trail.read([...text], async () => "", async (key, state) => {
        made.push(key);
        return { logits: [Float32Array.of(state.length)], state: state + key };
      });
      return { passed, made: made.join("") };
    };
  }

  test("makes the steps behind what stays, and no others", async () => {
    const read = counting(new Trail());
    for (const [text, made] of [["abcd", "abcd"], ["abcd", ""], ["abcde", "e"], ["abXe", "Xe"], ["ab", ""], ["", ""], ["b", "b"]]) {
      const found = await read(text);
      expect([text, found.made]).toEqual([text, made]);
      expect(found.passed.map(({ state }) => state)).toEqual([...text].map((_, t) => text.slice(0, t + 1)));
    }
  });

  test("keeps little of states that grow, and begins anew where one is gone", async () => {
    const read = counting(new Trail(2, () => "small"));
    const states = (await read("abcdefg")).passed.map(({ state }) => state);
    expect(states).toEqual(["small", "small", "small", "abcd", "abcde", "abcdef", "abcdefg"]);
    expect((await read("abcdefX")).made).toBe("X");
    expect((await read("abcde")).made).toBe(""); // the last two are whole
    expect((await read("abcd")).made).toBe("abcd");
    await read("abcdefg");
    expect((await read("abX")).made).toBe("abX");
  });

  test("goes on where it was broken off", async () => {
    const trail = new Trail<string, number>();
    let left = 3;
    const step = async (_: string, state: number) => {
      if (!left--) throw new Error("cancelled");
      return { logits: [Float32Array.of(0)], state: state + 1 };
    };
    await expect(trail.read([..."abcde"], async () => 0, step)).rejects.toThrow("cancelled");
    left = 3;
    expect((await trail.read([..."abcdef"], async () => 0, step)).map(({ state }) => state)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("a manifest", () => {
  const text = read("../../saved_models/dates/step/manifest.json");

  test("is read, with its tokenizer", () => {
    const manifest = readManifest(text);
    const tokenizer = makeTokenizer(manifest.tokenizers.source);
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

  test("of a user's own tokens is told to be none for this page", () => {
    const about = { ...readManifest(text).tokenizers.source, class: "my.parts.Syllables" };
    expect(() => makeTokenizer(about)).toThrow("cut into tokens by a my.parts.Syllables, which runs in Python alone");
    expect(() => makeTokenizer(undefined)).toThrow("does not say how text is cut into tokens");
  });
});

describe("tokenizers make of a text what keras_seq makes of it", () => {
  const { texts, cases } = JSON.parse(read("../fixtures/tokenizers.json"));
  const title = ({ about: { class: name, config } }: any) =>
    `${name} ${JSON.stringify({ ...config, model_proto: undefined })} of ${config.model_proto?.length ?? 0}`;

  test.each<[string, any]>(cases.map((found: any) => [title(found), found]))("%s", (_, found) => {
    const tokenizer = makeTokenizer(found.about);
    texts.forEach((text: string, i: number) => {
      const [tokens, ids, back] = found.texts[i];
      expect([text, tokenizer.split(text)]).toEqual([text, tokens]);
      expect([text, tokenizer.encode(text)]).toEqual([text, ids]);
      expect([text, tokenizer.decode(ids)]).toEqual([text, back]);
    });
  });

  test("a lone surrogate is the replacement character", () => {
    for (const { about } of cases) {
      const tokenizer = makeTokenizer(about);
      expect(tokenizer.encode("a\ud800b")).toEqual(tokenizer.encode("a\ufffdb"));
    }
  });

  test("subwords that are damaged or of another kind are told", () => {
    const { about } = cases.find(({ about }: any) => about.class === "SubwordTokenizer");
    const damaged = { ...about, config: { model_proto: btoa("\x07\x00") } };
    expect(() => makeTokenizer(damaged)).toThrow("subwords of the model are damaged");
    const piece = "\x0a\x07\x0a\x01a\x18\x06"; // field 1: the piece "a" of the kind 6, a byte
    const bytes = { ...about, config: { model_proto: btoa(piece.replace("\x07", "\x05")) } };
    expect(() => makeTokenizer(bytes)).toThrow("pieces of a kind that this page does not know");
  });
});

describe("a chain of tags has the numbers of keras_seq", () => {
  const { chain, emissions, ...expected } = JSON.parse(read("../fixtures/chain.json"));
  const rows = emissions.map((row: number[]) => Float32Array.from(row));
  const close = (found: Float32Array[], wanted: number[][]) =>
    found.forEach((row, t) => row.forEach((x, i) => expect(x).toBeCloseTo(wanted[t][i], 5)));

  test("the best path, and the probable tags given all and given what came before", () => {
    expect(bestPath(rows, chain)).toEqual(expected.best);
    close(marginals(rows, chain), expected.marginals);
    close(filtered(rows, chain).map((row) => row.map(Math.exp)), expected.so_far);
  });

  test("of no words there is none", () => {
    expect([bestPath([], chain), filtered([], chain), marginals([], chain)]).toEqual([[], [], []]);
  });
});

test("sentences are cut at blanks, and punctuation is set apart", () => {
  expect(splitWords(" Anna\u00a0B.  sings.\n")).toEqual(["Anna\u00a0B.", "sings."]);
  expect(splitWords("\u00a0 \u3000")).toEqual([]);
  expect(apart('He said: "No, it\'s (really) 3.5!"')).toBe('He said : " No , it\'s ( really ) 3.5 !"');
});
