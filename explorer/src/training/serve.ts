/** The worker's side of a training: it computes in short stretches, so that it hears what is asked. */

export interface Trainer<Snapshot> {
  settings: object;
  advance(): void;
  snapshot(): Snapshot;
}

export type Request =
  /** Begin anew. */
  | { kind: "begin"; id: number; settings: object }
  /** Go on with other settings. */
  | { kind: "change"; settings: object }
  | { kind: "run"; running: boolean }
  | { kind: "step" };

const STRETCH = 60; // ms between two looks at the requests
const SHOWN = 120; // ms between two snapshots

export function serve<Settings extends object, Snapshot>(make: (settings: Settings) => Trainer<Snapshot>) {
  let trainer: Trainer<Snapshot> | null = null;
  let id = 0;
  let running = false;
  let waiting = false;
  let shown = 0;

  function show() {
    shown = performance.now();
    postMessage({ id, snapshot: trainer!.snapshot() });
  }
  function stretch() {
    waiting = false;
    if (!running || !trainer) return;
    const end = performance.now() + STRETCH;
    do trainer.advance();
    while (performance.now() < end);
    if (performance.now() - shown > SHOWN) show();
    wait();
  }
  function wait() {
    if (!waiting) setTimeout(stretch, 0);
    waiting = true;
  }

  onmessage = ({ data }: MessageEvent<Request>) => {
    if (data.kind === "begin") {
      trainer = make(data.settings as Settings);
      id = data.id;
      show();
    } else if (data.kind === "change") {
      if (trainer) Object.assign(trainer.settings, data.settings);
    } else if (data.kind === "step") {
      trainer?.advance();
      if (trainer) show();
    } else {
      running = data.running;
      if (!running && trainer) show();
    }
    if (running) wait();
  };
}
