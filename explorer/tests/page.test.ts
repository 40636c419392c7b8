import { describe, expect, test } from "vitest";
import { read, write } from "../src/address";
import { Random } from "../src/engine/random";
import { bytes, fixed, grouped, percent, short } from "../src/format";
import { FlowTrainer, thinned } from "../src/training/flow";
import { MemoryTrainer } from "../src/training/memory";
import { drawBatch, TASKS } from "../src/training/tasks";
import { AGREEMENT, BANK, readWords, vectorsOf } from "../src/words";
import { unroll } from "../src/engine/cells";
import { logits } from "../src/engine/classifier";

describe("settings in the address", () => {
  const defaults = { cell: "lstm", length: 30, cut: false, text: "" };
  const limits = { cell: ["lstm", "gru"], length: [5, 60] } as const;

  test("what differs from the defaults is written, and read again", () => {
    const values = { cell: "gru", length: 7.5, cut: true, text: "the key & the door? 100%" };
    const query = write(values, defaults);
    expect(query).toBe("cell=gru&length=7.5&cut=1&text=the+key+%26+the+door%3F+100%25");
    expect(read(defaults, limits, new URLSearchParams(query))).toEqual(values);
    expect(write(defaults, defaults)).toBe("");
  });

  test("what is impossible is as by default", () => {
    for (const query of ["cell=elman", "length=61", "length=NaN", "length=", "length=1e999", "other=1"]) {
      expect(read(defaults, limits, new URLSearchParams(query))).toEqual(defaults);
    }
  });
});

test("numbers as they are shown", () => {
  expect([0.5, -0.5, -0.001].map((x) => fixed(x))).toEqual(["0.50", "\u22120.50", "0.00"]);
  expect([0, 1, 0.0329, 710.4, 2590, 9.31e-10, -0.5, Infinity, NaN].map((x) => short(x))).toEqual(
    ["0", "1.0", "0.033", "710", "2.6\u00d710\u00b3", "9.3\u00d710\u207b\u00b9\u2070", "\u22120.50", "\u221e", "\u2013"],
  );
  expect(short(0.032885, 3)).toBe("0.0329");
  expect([percent(0.625), grouped(12345.6), bytes(183_936), bytes(1.1e6)]).toEqual(
    ["63\u2009%", "12,346", "184 kB", "1.1 MB"],
  );
});

describe("words", () => {
  test("of a text, with unknown ones and those that are too many", () => {
    const { words, ids, left } = readWords("The KEYS, to xylophones!", AGREEMENT.vocabulary);
    expect(words).toEqual(["the", "keys", "to", "xylophones"]);
    expect(ids[3]).toBe(-1);
    expect(AGREEMENT.vocabulary[ids[1]]).toBe("keys");
    expect([...vectorsOf([-1], AGREEMENT.model("gru").table)[0].data]).toEqual([0, 0, 0, 0]);
    expect(left).toBe(0);
    expect(readWords("a ".repeat(10_000), AGREEMENT.vocabulary).words.length).toBe(40);
    expect(readWords(" \u2026 ", AGREEMENT.vocabulary).words).toEqual([]);
  });

  test.each(["vanilla", "lstm", "gru"] as const)("a %s knows the subject at the end", (kind) => {
    const { cell, table, dense } = AGREEMENT.model(kind);
    for (const [text, plural] of [["the keys to the cabinet near the old door", true], ["the farmer near the red boxes", false]] as const) {
      const { ids } = readWords(text, AGREEMENT.vocabulary);
      const [is, are] = logits(dense, unroll(cell, vectorsOf(ids, table)).at(-1)!.state[0]).data;
      expect(are > is).toBe(plural);
    }
  });

  test("both sides tell the bank of a river from one with money", () => {
    for (const [text, sense] of [["we sat by the river bank", "river"], ["I went to the bank to deposit money", "money"]]) {
      const { words, ids } = readWords(text, BANK.vocabulary);
      const x = vectorsOf(ids, BANK.table);
      const at = words.indexOf("bank");
      const f = unroll(BANK.forward, x)[at].state[0];
      const b = unroll(BANK.backward, x.toReversed())[words.length - 1 - at].state[0];
      const both = { rows: 1, cols: 8, data: Float64Array.from([...f.data, ...b.data]) };
      const scores = [...logits(BANK.dense.both, both).data];
      expect(BANK.classes[scores.indexOf(Math.max(...scores))]).toBe(sense);
    }
  });
});

describe.each(Object.values(TASKS))("the task $name", (task) => {
  test("has rows of the length that is asked for, whose word decides", () => {
    const random = new Random(3);
    for (const length of [task.shortest, 17]) {
      const { inputs, targets } = drawBatch(task, random, 200, length);
      expect(inputs.length).toBe(length);
      expect(inputs.every((ids) => ids.every((id) => id >= 0))).toBe(true);
      const answers = new Map<number, Set<number>>();
      targets.forEach((target, r) => {
        const word = inputs[task.place][r];
        answers.set(word, (answers.get(word) ?? new Set()).add(target));
      });
      expect([...answers.values()].every((set) => set.size === 1)).toBe(true);
      expect(new Set(targets).size).toBe(task.classes.length);
    }
  });
});

describe("training", () => {
  const flow = { units: 8, length: 20, radius: 1, forget: 1, activation: "tanh", clip: 1, rate: 0.01, seed: 1 } as const;

  test("a matrix that shrinks makes the gradient vanish", () => {
    const ratio = (radius: number) => {
      const [{ h }] = new FlowTrainer({ ...flow, cells: ["vanilla"], radius }).snapshot().cells;
      return h[0] / h[h.length - 1];
    };
    expect(ratio(0.5)).toBeLessThan(1e-4);
    expect(ratio(1)).toBeGreaterThan(1e-3);
  });

  test("all cells of a flow train, and c comes back through an open forget gate", () => {
    const trainer = new FlowTrainer({ ...flow, cells: ["vanilla", "irnn", "lstm", "gru", "min_gru"], forget: 5 });
    for (let i = 0; i < 3; i++) trainer.advance();
    const { updates, cells } = trainer.snapshot();
    expect(updates).toBe(3);
    for (const cell of cells) {
      expect(cell.losses.length).toBe(3);
      expect(cell.h.length).toBe(20);
      expect(cell.one.length).toBe(8);
      expect(Number.isFinite(cell.loss)).toBe(true);
    }
    const c = cells[2].c!;
    expect(c[0] / c[19]).toBeGreaterThan(0.3); // 0.993 ** 19 = 0.88 by the forget gate alone
  });

  test("memory: each model learns a short recall, and the same seed gives the same", () => {
    const settings = { task: "recall", models: ["lstm", "attention"], longest: 8, units: 12, rate: 0.02, seed: 1 } as const;
    const make = () => new MemoryTrainer({ ...settings, models: [...settings.models] });
    const trainer = make();
    expect(trainer.snapshot().models.map(({ accuracy }) => accuracy)).toEqual([[], []]);
    for (let i = 0; i < 120; i++) trainer.advance();
    expect([trainer.complete(), trainer.complete(), trainer.complete()]).toEqual([true, true, false]);
    const { models, distances } = trainer.snapshot();
    expect(distances).toEqual([3, 4, 5, 6, 7]);
    for (const { accuracy } of models) expect(Math.min(...accuracy)).toBeGreaterThan(0.9);
    // 8 steps of h, c, i, f, g, o for 32 rows of 12 units, 8 bytes each
    expect(models[0].kept).toBe(8 * 6 * 32 * 12 * 8);
    const words = 8 + 20 + 3;
    expect(models[0].parameters).toBe((words + 12 + 1) * 48 + 13 * 8);
    const [one, other] = [make(), make()];
    for (let i = 0; i < 10; i++) [one, other].forEach((t) => t.advance());
    for (const t of [one, other]) while (t.complete());
    const seen = (t: MemoryTrainer) => t.snapshot().models.map((m) => [m.accuracy, m.recent]);
    expect(seen(one)).toEqual(seen(other));
  });

  test("long curves are thinned to means", () => {
    expect(thinned([1, 3, 5, 7, 9], 3)).toEqual([2, 6, 9]);
    expect(thinned([])).toEqual([]);
  });
});
