/** Training for the view of gradients: several cells on one task, each with its own first weights. */

import { Adam, clip } from "../engine/adam";
import { makeCell, unroll, type Activation, type Kind } from "../engine/cells";
import {
  flow,
  gradients,
  gradientsOf,
  makeClassifier,
  spectrum,
  weightsOf,
  type Classifier,
} from "../engine/classifier";
import { Random } from "../engine/random";
import { drawBatch, TASKS, type Batch } from "./tasks";

export interface FlowSettings {
  cells: Kind[];
  length: number;
  units: number;
  radius: number;
  forget: number;
  activation: Activation;
  /** The largest norm of all gradients; `null` for no limit. */
  clip: number | null;
  rate: number;
  seed: number;
}

export interface CellFlow {
  kind: Kind;
  loss: number;
  accuracy: number;
  /** The norm of the gradient of all weights, before it is clipped. */
  norm: number;
  h: number[];
  c: number[] | null;
  /** Singular values of the Jacobian of the last step, and of the product of all. */
  one: number[];
  all: number[];
  losses: number[];
}

export interface FlowSnapshot {
  updates: number;
  cells: CellFlow[];
}

const ROWS = 16;

export class FlowTrainer {
  private updates = 0;
  private readonly random: Random;
  private readonly models: { model: Classifier; adam: Adam; losses: number[] }[];
  private readonly probe: Batch;

  constructor(public settings: FlowSettings) {
    const { cells, length, units, radius, forget, activation, rate, seed } = settings;
    this.random = new Random(1000 + seed);
    this.probe = drawBatch(TASKS.recall, this.random, ROWS, length);
    this.models = cells.map((kind) => {
      const random = new Random(seed);
      const { vocabulary, classes } = TASKS.recall;
      const options = { keepBias: forget, activation, radius: kind === "vanilla" ? radius : 1 };
      const cell = makeCell(kind, vocabulary.length, units, random, options);
      const model = makeClassifier(cell, classes.length, random);
      return { model, adam: new Adam(weightsOf(model), rate), losses: [] };
    });
  }

  /** One update of every cell, on the same rows. */
  advance(): void {
    const { inputs, targets } = drawBatch(TASKS.recall, this.random, ROWS, this.settings.length);
    for (const { model, adam, losses } of this.models) {
      const found = gradients(model, inputs, targets);
      losses.push(found.loss);
      const all = gradientsOf(found);
      // What has exploded stays where it is: its numbers are no longer numbers.
      if (Number.isFinite(clip(all, this.settings.clip))) adam.apply(all);
    }
    this.updates += 1;
  }

  snapshot(): FlowSnapshot {
    const { inputs, targets } = this.probe;
    const cells = this.models.map(({ model, losses }): CellFlow => {
      const found = gradients(model, inputs, targets);
      const steps = unroll(model.cell, inputs.map((ids) => ids.slice(0, 1)));
      const end = steps.length - 1;
      return {
        kind: model.cell.kind,
        loss: found.loss,
        accuracy: found.accuracy,
        norm: clip(gradientsOf(found), null),
        h: flow(found.states.h),
        c: found.states.c ? flow(found.states.c) : null,
        one: spectrum(model.cell, steps, end, 1, found.states.c ? "c" : "h"),
        all: spectrum(model.cell, steps, end, steps.length, found.states.c ? "c" : "h"),
        losses: thinned(losses),
      };
    });
    return { updates: this.updates, cells };
  }
}

/** At most 200 means of neighbours. */
export function thinned(values: readonly number[], most = 200): number[] {
  const every = Math.max(1, Math.ceil(values.length / most));
  const result = [];
  for (let i = 0; i < values.length; i += every) {
    const part = values.slice(i, i + every);
    result.push(part.reduce((a, b) => a + b) / part.length);
  }
  return result;
}
