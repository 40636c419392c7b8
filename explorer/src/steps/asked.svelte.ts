/** A view's side of a model in a worker: the model that is chosen, and its answer to the newest settings. */

import { onDestroy } from "svelte";
import { getHost, type Served } from "../host";
import type { Report, Request } from "./serve";

const LATE = 8000; // ms until it is said that a model takes long to come

export class Asked<Settings, Answer> {
  /** The models of the kind that can be chosen; `null` as long as that is not known. */
  models = $state.raw<Served[] | null>(null);
  chosen = $derived.by(() => this.models?.find(({ name }) => name === this.wanted())?.name ?? this.models?.[0]?.name ?? "");
  problem = $state("");
  answer = $state.raw<Answer | null>(null);
  /** Whether the answer is to settings of before, and whether pieces of it are to come. */
  stale = $state(false);
  busy = $state(false);
  /** What is said of a model that takes long to come. */
  late = $state("");
  /** What is shown: the answer, or one that was computed before. */
  shown = $derived.by(() => this.answer ?? (this.problem ? null : this.example));
  /** What the part of the view that shows the answer says of it. */
  marks = $derived.by(() => ({
    "data-example": this.shown !== this.answer || undefined,
    "data-stale": this.stale || undefined,
    "aria-busy": this.busy || undefined,
  }));
  private example = $state.raw<Answer | null>(null);
  private loaded = $state("");
  private asked = 0;

  /** To be called while a view is made. `settings` gives `null` where there is nothing to ask. */
  constructor(
    kind: string,
    private readonly wanted: () => string,
    settings: () => Settings | null,
  ) {
    const host = getHost();
    const worker = host.worker();
    const send = (request: Request<Settings>) => worker.postMessage(request);
    onDestroy(() => worker.terminate());
    worker.onmessage = ({ data }: MessageEvent<Report<Answer>>) => {
      if (data.kind === "failed") {
        this.problem = data.message;
        this.stale = this.busy = false;
      } else if (data.kind === "loaded") this.loaded = data.name;
      else if (data.id !== this.asked) return;
      else if (data.kind === "complete") this.busy = false;
      else {
        this.answer = { ...this.answer, ...data.piece } as Answer;
        this.problem = "";
        this.stale = false;
      }
    };
    worker.onerror = () => (this.problem = "This browser cannot run the model: it needs WebAssembly.");
    void host.example(kind).then((made) => (this.example = (made as Answer | undefined) ?? null));
    void host.models().then((models) => (this.models = models.filter((model) => model.kind === kind)));
    $effect(() => {
      const name = this.chosen;
      if (!name) return;
      this.problem = this.late = "";
      this.answer = null;
      const clock = setTimeout(() => this.loaded !== name && (this.late = host.late ?? ""), LATE);
      void host.source(name).then(
        (source) => name === this.chosen && send({ kind: "load", name, source }),
        (error) => (this.problem = error.message),
      );
      return () => clearTimeout(clock);
    });
    $effect(() => {
      const asked = settings();
      if (!asked || !this.chosen || this.loaded !== this.chosen) return;
      this.asked += 1;
      this.stale = this.busy = true;
      send({ kind: "ask", id: this.asked, settings: asked });
    });
  }
}
