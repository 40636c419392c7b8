/** The worker's side of a training: it computes in short stretches, so that it hears what is asked. */

export interface Trainer<Snapshot> {
  settings: object;
  advance(): void;
  snapshot(): Snapshot;
  /** Compute a piece of what the snapshot still lacks, and say whether there was one. */
  complete?(): boolean;
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
  /** Show what there is at once, and each piece that comes to it. */
  function showPieces() {
    show();
    const shown = trainer;
    const more = () => {
      if (running || trainer !== shown || !trainer?.complete?.()) return;
      show();
      setTimeout(more);
    };
    setTimeout(more);
  }
  function stretch() {
    waiting = false;
    if (!running || !trainer) return;
    const end = performance.now() + STRETCH;
    do trainer.advance();
    while (performance.now() < end);
    if (performance.now() - shown > SHOWN) {
      while (trainer.complete?.());
      show();
    }
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
      showPieces();
    } else if (data.kind === "change") {
      if (trainer) Object.assign(trainer.settings, data.settings);
    } else if (data.kind === "step") {
      trainer?.advance();
      if (trainer) showPieces();
    } else {
      running = data.running;
      if (!running && trainer) showPieces();
    }
    if (running) wait();
  };
}
