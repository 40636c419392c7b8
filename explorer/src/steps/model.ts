/** Step graphs run by onnxruntime: state in, state out. */

import * as ort from "onnxruntime-web/wasm";
import type { Source } from "../host";
import { readManifest, type Manifest } from "./manifest";
import type { Stepped, Steps } from "./search";
import { makeTokenizer, type Tokenizer } from "./tokenizer";
import { Trail } from "./trail";

ort.env.wasm.numThreads = 1; // small models are fastest with one
ort.env.logLevel = "error";

export type Tensors = Record<string, ort.Tensor>;

/** Thrown where a newer request waits for the one that is worked on. */
export const CANCELLED = new Error("cancelled");

const STRETCH = 25; // ms of work between two looks at new requests
const KEPT = 64; // states that are kept of a text, where each is larger than the one before
const channel = new MessageChannel();

/** Let messages that have come be heard. */
function pause(): Promise<void> {
  return new Promise((done) => {
    channel.port1.onmessage = () => done();
    channel.port2.postMessage(null);
  });
}

/** One row without a text. */
const nothing = (): Tensors => ({ prompt_ids: idsTensor([0]), rows: idsTensor([0], false) });

/** A file of a model, as bytes. */
async function fileOf(source: Source, name: string): Promise<Uint8Array> {
  if ("files" in source) {
    if (name in source.files) return source.files[name];
  } else {
    const answer = await fetch(`${source.folder}/${name}`).catch(() => null);
    if (answer?.ok) return new Uint8Array(await answer.arrayBuffer());
  }
  throw new Error(`The model cannot be read: there is no ${name}.`);
}

export class StepModel implements Steps<Tensors> {
  private memory: Tensors = {};
  private repeated = new Map<number, Tensors>();
  private tokenizers = new Map<string, Tokenizer>();
  private trails: Trail<unknown, Tensors>[] = [];
  private paused = 0;
  /** Whether what is worked on is no longer wanted. */
  cancelled = () => false;

  /** The outputs of a step that are used: what it gives, its state, where it looks. Gates are not. */
  private readonly wanted: string[];

  private constructor(
    readonly manifest: Manifest,
    private readonly sessions: Record<string, ort.InferenceSession>,
  ) {
    const names = Object.keys(manifest.graphs.step.outputs);
    const first = names.find((name) => !name.startsWith("new_"))!;
    this.wanted = [first, ...names.filter((name) => name === "attention"), ...manifest.state.map(({ output }) => output)];
  }

  static async load(source: Source): Promise<StepModel> {
    if ("wasm" in source) ort.env.wasm.wasmBinary = source.wasm;
    const manifest = readManifest(new TextDecoder().decode(await fileOf(source, "manifest.json")));
    const sessions: Record<string, ort.InferenceSession> = {};
    for (const [name, graph] of Object.entries(manifest.graphs)) {
      const file = await fileOf(source, graph.file);
      sessions[name] = await ort.InferenceSession.create(file).catch((error) => {
        throw new Error(`The model cannot be read: ${graph.file} is damaged (${error}).`);
      });
    }
    return new StepModel(manifest, sessions);
  }

  tokenizer(role: string): Tokenizer {
    const made = this.tokenizers.get(role) ?? makeTokenizer(this.manifest.tokenizers?.[role]);
    this.tokenizers.set(role, made);
    return made;
  }

  /** What the graphs before the first step are given and give. */
  private async before(inputs: Tensors): Promise<Tensors> {
    let values = inputs;
    for (const [name, session] of Object.entries(this.sessions)) {
      if (name === "step") continue;
      const feeds = Object.fromEntries(Object.keys(this.manifest.graphs[name].inputs).map((x) => [x, values[x]]));
      values = { ...values, ...(await session.run(feeds)) };
    }
    return values;
  }

  /** The state before the first step; what the steps look at is kept here. */
  async start(inputs: Tensors): Promise<Tensors> {
    const values = await this.before(inputs);
    this.memory = Object.fromEntries(this.manifest.memory.map((name) => [name, values[name]]));
    this.repeated.clear();
    return Object.fromEntries(this.manifest.state.map(({ input }) => [input, values[input]]));
  }

  /** The state before a text, for a model that reads no source. */
  first(): Promise<Tensors> {
    return this.start(nothing());
  }

  /** What a classifier says before the first token. */
  async firstRow(): Promise<Float32Array> {
    return flatRows((await this.before(nothing())).first_logits)[0];
  }

  /**
   * The steps along a text; those of a beginning that stays from one call to the next are not made again.
   * `part` is the number of the text, where several are kept.
   */
  along<Key>(keys: readonly Key[], fed: (key: Key) => Tensors, part = 0) {
    const growing = this.manifest.state.filter(({ shape }) => shape.slice(1).includes(null)).map(({ input }) => input);
    const small = (state: Tensors) => Object.fromEntries(Object.entries(state).filter(([name]) => !growing.includes(name)));
    this.trails[part] ??= new Trail(growing.length ? KEPT : Infinity, small);
    return this.trails[part].read(
      keys,
      () => this.first(),
      (key, state) => this.stepWith(fed(key as Key), state),
    );
  }

  step(ids: number[], state: Tensors): Promise<Stepped<Tensors>> {
    return this.stepWith({ token_ids: idsTensor(ids, false) }, state);
  }

  /** A step that takes more of each row than an id. */
  async stepWith(fed: Tensors, state: Tensors): Promise<Stepped<Tensors>> {
    const count = fed.token_ids.dims[0];
    if (performance.now() - this.paused > STRETCH) {
      await pause();
      this.paused = performance.now();
      if (this.cancelled()) throw CANCELLED;
    }
    const { inputs } = this.manifest.graphs.step;
    if (!this.repeated.has(count)) {
      this.repeated.set(count, this.rows(this.memory, Array.from({ length: count }, () => 0)));
    }
    const given: Tensors = { ...this.repeated.get(count), ...state, ...fed };
    const feeds = Object.fromEntries(Object.keys(inputs).map((name) => [name, given[name]]));
    const found = await this.sessions.step.run(feeds, this.wanted);
    return {
      logits: flatRows(found[this.wanted[0]]),
      state: Object.fromEntries(this.manifest.state.map(({ input, output }) => [input, found[output]])),
      attention: found.attention && flatRows(found.attention),
    };
  }

  rows(state: Tensors, rows: readonly number[]): Tensors {
    return Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, rowsOf(tensor, rows)]));
  }

  /** The rows of one state and of another. */
  joined(state: Tensors, more: Tensors): Tensors {
    return Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, joinedOf(tensor, more[name])]));
  }
}

/** The rows of a matrix, copies. */
function flatRows({ data, dims: [count, size] }: ort.Tensor): Float32Array[] {
  const flat = data as Float32Array;
  return Array.from({ length: count }, (_, r) => flat.slice(r * size, (r + 1) * size));
}

function rowsOf(tensor: ort.Tensor, rows: readonly number[]): ort.Tensor {
  const dims = [rows.length, ...tensor.dims.slice(1)];
  const size = tensor.dims.slice(1).reduce((a, b) => a * b, 1);
  const from = tensor.data as Float32Array;
  const into = new (from.constructor as Float32ArrayConstructor)(rows.length * size);
  rows.forEach((r, i) => into.set(from.subarray(r * size, (r + 1) * size), i * size));
  return new ort.Tensor(tensor.type, into, dims);
}

function joinedOf(a: ort.Tensor, b: ort.Tensor): ort.Tensor {
  const [first, second] = [a.data as Float32Array, b.data as Float32Array];
  const into = new (first.constructor as Float32ArrayConstructor)(first.length + second.length);
  into.set(first);
  into.set(second, first.length);
  return new ort.Tensor(a.type, into, [a.dims[0] + b.dims[0], ...a.dims.slice(1)]);
}

/** Ids as one row, or as one number for each of the rows. */
export function idsTensor(ids: readonly number[], row = true): ort.Tensor {
  return new ort.Tensor("int32", Int32Array.from(ids), row ? [1, ids.length] : [ids.length]);
}
