/** The steps along a text, from the left: what begins as the text before is not computed again. */

import { logSoftmax, type Stepped } from "./search";

/** What a step gave. */
export class Passed<State> {
  private made: Float32Array | null = null;

  /** `whole`: whether all of the state is there, and a step can go on from it. */
  constructor(
    readonly row: Float32Array,
    public state: State,
    public whole = true,
  ) {}

  /** The logarithms of the probabilities. */
  get likely(): Float32Array {
    return (this.made ??= logSoftmax(this.row));
  }
}

export class Trail<Key, State> {
  private keys: Key[] = [];
  private passed: Passed<State>[] = [];

  /** The last `kept` states of a text are there as a whole, and twice as many are kept; `small`: what is kept of others. */
  constructor(
    private readonly kept = Infinity,
    private readonly small = (state: State) => state,
  ) {}

  /** What the steps of a text gave. Where it is broken off, the next text goes on from there. */
  async read(
    keys: readonly Key[],
    start: () => Promise<State>,
    step: (key: Key, state: State) => Promise<Stepped<State>>,
  ): Promise<readonly Passed<State>[]> {
    const { passed } = this;
    let same = 0;
    while (same < Math.min(keys.length, passed.length) && keys[same] === this.keys[same]) same++;
    const needed = Math.max(0, Math.min(same - 1, keys.length - this.kept));
    if (passed[needed]?.whole === false) same = 0;
    this.keys.length = passed.length = same;
    for (const key of keys.slice(same)) {
      const { logits, state } = await step(key, passed.at(-1)?.state ?? (await start()));
      this.keys.push(key);
      passed.push(new Passed(logits[0], state));
      const old = passed[passed.length - 1 - 2 * this.kept];
      if (old) [old.state, old.whole] = [this.small(old.state), false];
    }
    return passed;
  }
}
