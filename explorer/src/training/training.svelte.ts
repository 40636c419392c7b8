/** The page's side of a training in a worker: play, pause, a single step. */

import { onDestroy } from "svelte";
import type { Request } from "./serve";

export class Training<Settings extends object, Snapshot> {
  snapshot = $state.raw<Snapshot | null>(null);
  running = $state(false);
  failed = $state(false);
  private id = 0;

  constructor(private readonly worker: Worker) {
    worker.onmessage = ({ data }: MessageEvent<{ id: number; snapshot: Snapshot }>) => {
      // What comes late, of a training that was given up, is not shown.
      if (data.id === this.id) this.snapshot = data.snapshot;
    };
    worker.onerror = () => {
      this.failed = true;
      this.running = false;
    };
    onDestroy(() => worker.terminate());
  }

  private ask(request: Request) {
    this.worker.postMessage(request);
  }
  begin(settings: Settings) {
    this.id += 1;
    this.ask({ kind: "begin", id: this.id, settings });
  }
  change(settings: Partial<Settings>) {
    this.ask({ kind: "change", settings });
  }
  run(running: boolean) {
    this.running = running;
    this.ask({ kind: "run", running });
  }
  step() {
    this.run(false);
    this.ask({ kind: "step" });
  }
}
