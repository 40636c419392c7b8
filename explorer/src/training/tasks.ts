/** Sentences whose answer stands far from its end, as `keras_seq.datasets` makes them. */

import type { Random } from "../engine/random";

const words = (text: string) => text.split(" ");

const LANGUAGES: Record<string, string> = {
  France: "French", Spain: "Spanish", Italy: "Italian", Japan: "Japanese",
  Poland: "Polish", Greece: "Greek", Sweden: "Swedish", Turkey: "Turkish",
};
const FILLER = words("the a house garden river morning table music winter walk read made saw old small quiet then often near with");
const CLOSING = words("I speak fluent");
const SINGULAR = words("key door box picture book bridge tower lamp farmer teacher child woman");
const PLURAL = words("keys doors boxes pictures books bridges towers lamps farmers teachers children women");
const PREPOSITIONS = words("to near behind above below with");
const ADVERBS = words("here there today again outside upstairs");

export interface Task {
  name: string;
  vocabulary: readonly string[];
  classes: readonly string[];
  /** The fewest words of a row. */
  shortest: number;
  /** The place of the word that decides. */
  place: number;
  /** Ids of one row and its class. */
  draw(random: Random, length: number): [string[], string];
}

/** "France ... I speak fluent": the first word decides. */
const recall: Task = {
  name: "recall",
  vocabulary: [...Object.keys(LANGUAGES), ...FILLER, ...CLOSING],
  classes: Object.values(LANGUAGES),
  shortest: 4,
  place: 0,
  draw(random, length) {
    const country = random.choice(Object.keys(LANGUAGES));
    const filler = Array.from({ length: length - 4 }, () => random.choice(FILLER));
    return [[country, ...filler, ...CLOSING], LANGUAGES[country]];
  },
};

/** "the keys to the cabinet near the doors": the second word decides, whatever nouns follow. */
const agreement: Task = {
  name: "agreement",
  vocabulary: [...new Set(["the", ...SINGULAR, ...PLURAL, ...PREPOSITIONS, ...ADVERBS])],
  classes: ["singular", "plural"],
  shortest: 5,
  place: 1,
  draw(random, length) {
    const many = random.integer(2);
    const row = ["the", random.choice(many ? PLURAL : SINGULAR)];
    while (row.length < length) {
      if (length - row.length < 3 || random.next() < 0.25) row.push(random.choice(ADVERBS));
      else row.push(random.choice(PREPOSITIONS), "the", random.choice(random.integer(2) ? PLURAL : SINGULAR));
    }
    return [row, this.classes[many]];
  },
};

export const TASKS = { recall, agreement };
export type TaskName = keyof typeof TASKS;

export interface Batch {
  /** The ids of each step, one for each row. */
  inputs: Int32Array[];
  targets: Int32Array;
}

export function drawBatch(task: Task, random: Random, rows: number, length: number): Batch {
  const inputs = Array.from({ length }, () => new Int32Array(rows));
  const targets = new Int32Array(rows);
  for (let r = 0; r < rows; r++) {
    const [sentence, answer] = task.draw(random, length);
    sentence.forEach((word, t) => (inputs[t][r] = task.vocabulary.indexOf(word)));
    targets[r] = task.classes.indexOf(answer);
  }
  return { inputs, targets };
}
