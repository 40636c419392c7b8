/** Training for the view of memory: who still knows the word that decides, and what it costs. */

import { Adam, clip } from "../engine/adam";
import {
  attentionGradients,
  attentionNumbers,
  attentionWeightsOf,
  makeAttention,
  predictAttention,
} from "../engine/attention";
import { makeCell, numbersKept, unroll, type Kind } from "../engine/cells";
import { crossEntropy, gradients, gradientsOf, makeClassifier, predict, weightsOf } from "../engine/classifier";
import type { Matrix } from "../engine/matrix";
import { Random } from "../engine/random";
import { drawBatch, TASKS, type Batch, type TaskName } from "./tasks";

export type ModelName = Kind | "attention";

export interface MemorySettings {
  task: TaskName;
  models: ModelName[];
  longest: number;
  units: number;
  rate: number;
  seed: number;
}

export interface ModelMemory {
  name: ModelName;
  /** By distance; none before the first test. */
  accuracy: number[];
  parameters: number;
  /** Rows times steps that are trained on in a second. */
  speed: number;
  /** Bytes that are kept for the way back: a batch of the longest rows. */
  kept: number;
  /** The mean accuracy of the last updates. */
  recent: number;
}

export interface MemorySnapshot {
  updates: number;
  /** The numbers of steps between the word that decides and the answer. */
  distances: number[];
  models: ModelMemory[];
}

export const ROWS = 32;
export const TESTED = 64;
const BETWEEN = 25; // updates from one test to the next
const PLACES = 8;

interface Learner {
  name: ModelName;
  weights: Float64Array[];
  kept: number;
  learn(batch: Batch): { accuracy: number; gradients: Float64Array[] };
  predict(inputs: Int32Array[]): Matrix;
}

function makeLearner(name: ModelName, { task, longest, units, seed }: MemorySettings): Learner {
  const random = new Random(seed);
  const { vocabulary, classes } = TASKS[task];
  const row = Array.from({ length: longest }, () => new Int32Array(1));
  if (name === "attention") {
    const model = makeAttention(vocabulary.length, units, longest, classes.length, random);
    return {
      name,
      weights: attentionWeightsOf(model),
      kept: attentionNumbers(model, longest) * ROWS * 8,
      learn: ({ inputs, targets }) => attentionGradients(model, inputs, targets),
      predict: (inputs) => predictAttention(model, inputs),
    };
  }
  const model = makeClassifier(makeCell(name, vocabulary.length, units, random), classes.length, random);
  return {
    name,
    weights: weightsOf(model),
    kept: numbersKept(unroll(model.cell, row)) * ROWS * 8,
    learn({ inputs, targets }) {
      const found = gradients(model, inputs, targets);
      return { accuracy: found.accuracy, gradients: gradientsOf(found) };
    },
    predict: (inputs) => predict(model, inputs),
  };
}

export class MemoryTrainer {
  private updates = 0;
  private readonly random: Random;
  private readonly learners: (Learner & { adam: Adam; seconds: number; recent: number; accuracy: number[]; tested: number })[];
  private readonly tests: Batch[];
  private readonly lengths: number[];
  private steps = 0;

  constructor(public settings: MemorySettings) {
    const { task, longest, models, rate, seed } = settings;
    const { shortest } = TASKS[task];
    const places = Math.min(PLACES, longest - shortest + 1);
    this.lengths = Array.from({ length: places }, (_, i) =>
      Math.round(shortest + ((longest - shortest) * i) / Math.max(1, places - 1)),
    );
    const random = new Random(7777 + seed);
    this.tests = this.lengths.map((length) => drawBatch(TASKS[task], random, TESTED, length));
    this.random = new Random(1000 + seed);
    this.learners = models.map((name) => {
      const learner = makeLearner(name, settings);
      return { ...learner, adam: new Adam(learner.weights, rate), seconds: 0, recent: NaN, accuracy: [], tested: -1 };
    });
  }

  /** One update of every model, on the same rows, of a length by chance. */
  advance(): void {
    const { task, longest, rate } = this.settings;
    const { shortest } = TASKS[task];
    const length = shortest + this.random.integer(longest - shortest + 1);
    const batch = drawBatch(TASKS[task], this.random, ROWS, length);
    for (const learner of this.learners) {
      const begin = performance.now();
      const found = learner.learn(batch);
      clip(found.gradients, 1);
      learner.adam.rate = rate;
      learner.adam.apply(found.gradients);
      learner.seconds += (performance.now() - begin) / 1000;
      const { recent } = learner;
      learner.recent = Number.isNaN(recent) ? found.accuracy : 0.95 * recent + 0.05 * found.accuracy;
    }
    this.steps += ROWS * length;
    this.updates += 1;
  }

  snapshot(): MemorySnapshot {
    const { place } = TASKS[this.settings.task];
    return {
      updates: this.updates,
      distances: this.lengths.map((length) => length - 1 - place),
      models: this.learners.map(({ name, accuracy, weights, seconds, kept, recent }) => ({
        name,
        accuracy,
        parameters: weights.reduce((sum, w) => sum + w.length, 0),
        speed: seconds ? this.steps / seconds : 0,
        kept,
        recent,
      })),
    };
  }

  /**
   * Test one model, and say whether there was one to test. Between two tests there are some updates, or
   * most of the time would go to them.
   */
  complete(): boolean {
    const learner = this.learners.find(({ tested }) => tested < 0 || this.updates - tested >= BETWEEN);
    if (!learner) return false;
    learner.tested = this.updates;
    learner.accuracy = this.tests.map(({ inputs, targets }) => crossEntropy(learner.predict(inputs), targets).accuracy);
    return true;
  }
}
