/** The worker's side of a model: the newest request is answered, older ones that still wait are not. */

import type { Source } from "../host";
import { CANCELLED, StepModel } from "./model";

/** What is asked of a kind of model. */
export interface Answerer<Settings, Answer> {
  /** Throws an error that says why this model cannot be shown. */
  check(model: StepModel): void;
  /** Report the answer, in pieces where some of it takes longer: what is first shown comes first. */
  answer(model: StepModel, settings: Settings, report: (piece: Partial<Answer>) => void): Promise<void>;
}

export type Request<Settings = unknown> =
  | { kind: "load"; name: string; source: Source }
  | { kind: "ask"; id: number; settings: Settings };
export type Report<Answer = unknown> =
  | { kind: "loaded"; name: string }
  | { kind: "answered"; id: number; piece: Partial<Answer> }
  | { kind: "complete"; id: number }
  | { kind: "failed"; message: string };

export function serve(answerers: Record<string, Answerer<any, any>>) {
  let loading: Promise<StepModel>;
  let waiting: Extract<Request, { kind: "ask" }> | null = null;
  let busy = false;
  const report = (message: Report) => postMessage(message);
  const failed = (error: unknown) => report({ kind: "failed", message: error instanceof Error ? error.message : String(error) });

  async function load({ name, source }: Extract<Request, { kind: "load" }>) {
    const model = await StepModel.load(source);
    const answerer = answerers[model.manifest.kind];
    if (!answerer) throw new Error(`This page shows translators, language models, taggers and classifiers; this model is of the kind ${model.manifest.kind}.`);
    answerer.check(model);
    report({ kind: "loaded", name });
    return model;
  }

  async function work() {
    if (busy) return;
    busy = true;
    try {
      const model = await loading;
      model.cancelled = () => waiting !== null;
      while (waiting) {
        const { id, settings } = waiting;
        waiting = null;
        try {
          await answerers[model.manifest.kind].answer(model, settings, (piece) => report({ kind: "answered", id, piece }));
          report({ kind: "complete", id });
        } catch (error) {
          if (error !== CANCELLED) throw error;
        }
      }
    } catch (error) {
      waiting = null;
      failed(error);
    }
    busy = false;
  }

  onmessage = ({ data }: MessageEvent<Request>) => {
    if (data.kind === "load") {
      loading = load(data);
      loading.catch(failed);
    } else {
      waiting = data;
      void work();
    }
  };
}
