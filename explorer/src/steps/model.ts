/** Step graphs run by onnxruntime: state in, state out. */

import * as ort from "onnxruntime-web/wasm";
import type { Source } from "../host";
import { readManifest, type Manifest } from "./manifest";
import type { Stepped, Steps } from "./search";
import { makeTokenizer, type Tokenizer } from "./tokenizer";

ort.env.wasm.numThreads = 1; // small models are fastest with one
ort.env.logLevel = "error";

export type Tensors = Record<string, ort.Tensor>;

/** Thrown where a newer request waits for the one that is worked on. */
export const CANCELLED = new Error("cancelled");

const STRETCH = 25; // ms of work between two looks at new requests
const channel = new MessageChannel();

/** Let messages that have come be heard. */
function pause(): Promise<void> {
  return new Promise((done) => {
    channel.port1.onmessage = () => done();
    channel.port2.postMessage(null);
  });
}

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
  private paused = 0;
  /** Whether what is worked on is no longer wanted. */
  cancelled = () => false;

  private constructor(
    readonly manifest: Manifest,
    private readonly sessions: Record<string, ort.InferenceSession>,
  ) {}

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

  /** The state before the first step; what the steps look at is kept here. */
  async start(inputs: Tensors): Promise<Tensors> {
    let values = inputs;
    for (const [name, session] of Object.entries(this.sessions)) {
      if (name === "step") continue;
      const feeds = Object.fromEntries(Object.keys(this.manifest.graphs[name].inputs).map((x) => [x, values[x]]));
      values = { ...values, ...(await session.run(feeds)) };
    }
    this.memory = Object.fromEntries(this.manifest.memory.map((name) => [name, values[name]]));
    this.repeated.clear();
    return Object.fromEntries(this.manifest.state.map(({ input }) => [input, values[input]]));
  }

  step(ids: number[], state: Tensors): Promise<Stepped<Tensors> & { seen: Tensors }> {
    return this.stepWith({ token_ids: idsTensor(ids, false) }, state);
  }

  /** A step that takes more of each row than an id. */
  async stepWith(fed: Tensors, state: Tensors): Promise<Stepped<Tensors> & { seen: Tensors }> {
    const count = fed.token_ids.dims[0];
    if (performance.now() - this.paused > STRETCH) {
      await pause();
      this.paused = performance.now();
      if (this.cancelled()) throw CANCELLED;
    }
    const { inputs, outputs } = this.manifest.graphs.step;
    if (!this.repeated.has(count)) {
      this.repeated.set(count, this.rows(this.memory, Array.from({ length: count }, () => 0)));
    }
    const given: Tensors = { ...this.repeated.get(count), ...state, ...fed };
    const feeds = Object.fromEntries(Object.keys(inputs).map((name) => [name, given[name]]));
    const found = await this.sessions.step.run(feeds);
    const [first, ...others] = Object.keys(outputs).filter((name) => !name.startsWith("new_"));
    const flat = found[first].data as Float32Array;
    const size = found[first].dims[1];
    return {
      logits: Array.from({ length: count }, (_, r) => flat.slice(r * size, (r + 1) * size)),
      state: Object.fromEntries(this.manifest.state.map(({ input, output }) => [input, found[output]])),
      seen: Object.fromEntries(others.map((name) => [name, found[name]])),
    };
  }

  rows(state: Tensors, rows: number[]): Tensors {
    return Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, rowsOf(tensor, rows)]));
  }
}

function rowsOf(tensor: ort.Tensor, rows: number[]): ort.Tensor {
  const dims = [rows.length, ...tensor.dims.slice(1)];
  const size = tensor.dims.slice(1).reduce((a, b) => a * b, 1);
  const from = tensor.data as Float32Array;
  const into = new (from.constructor as Float32ArrayConstructor)(rows.length * size);
  rows.forEach((r, i) => into.set(from.subarray(r * size, (r + 1) * size), i * size));
  return new ort.Tensor(tensor.type, into, dims);
}

/** Ids as one row, or as one number for each of the rows. */
export function idsTensor(ids: readonly number[], row = true): ort.Tensor {
  return new ort.Tensor("int32", Int32Array.from(ids), row ? [1, ids.length] : [ids.length]);
}
