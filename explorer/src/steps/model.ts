/** Step graphs run by onnxruntime: state in, state out. */

import * as ort from "onnxruntime-web/wasm";
import { readManifest, type Manifest } from "./manifest";
import type { Stepped, Steps } from "./search";
import { Tokenizer } from "./tokenizer";

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

async function fetched(address: string): Promise<Response> {
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) throw new Error(`The model cannot be read: there is no ${address.split("/").slice(-2).join("/")}.`);
  return answer;
}

export class StepModel implements Steps<Tensors> {
  private memory: Tensors = {};
  private repeated = new Map<number, Tensors>();
  private paused = 0;
  /** Whether what is worked on is no longer wanted. */
  cancelled = () => false;

  private constructor(
    readonly manifest: Manifest,
    private readonly sessions: Record<string, ort.InferenceSession>,
  ) {}

  static async load(folder: string): Promise<StepModel> {
    const manifest = readManifest(await (await fetched(`${folder}/manifest.json`)).text());
    const sessions: Record<string, ort.InferenceSession> = {};
    for (const [name, graph] of Object.entries(manifest.graphs)) {
      const file = await (await fetched(`${folder}/${graph.file}`)).arrayBuffer();
      sessions[name] = await ort.InferenceSession.create(new Uint8Array(file)).catch((error) => {
        throw new Error(`The model cannot be read: ${graph.file} is damaged (${error}).`);
      });
    }
    return new StepModel(manifest, sessions);
  }

  tokenizer(role: string): Tokenizer {
    return new Tokenizer(this.manifest.tokenizers[role]);
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

  async step(ids: number[], state: Tensors): Promise<Stepped<Tensors> & { seen: Tensors }> {
    if (performance.now() - this.paused > STRETCH) {
      await pause();
      this.paused = performance.now();
      if (this.cancelled()) throw CANCELLED;
    }
    const { inputs, outputs } = this.manifest.graphs.step;
    if (!this.repeated.has(ids.length)) this.repeated.set(ids.length, this.rows(this.memory, ids.map(() => 0)));
    const given: Tensors = {
      ...this.repeated.get(ids.length),
      ...state,
      token_ids: new ort.Tensor("int32", Int32Array.from(ids), [ids.length]),
    };
    const feeds = Object.fromEntries(Object.keys(inputs).map((name) => [name, given[name]]));
    const found = await this.sessions.step.run(feeds);
    const flat = found.logits.data as Float32Array;
    const size = found.logits.dims[1];
    return {
      logits: ids.map((_, r) => flat.slice(r * size, (r + 1) * size)),
      state: Object.fromEntries(this.manifest.state.map(({ input, output }) => [input, found[output]])),
      seen: Object.fromEntries(
        Object.keys(outputs).filter((x) => x !== "logits" && !x.startsWith("new_")).map((x) => [x, found[x]]),
      ),
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

export function idsTensor(ids: readonly number[]): ort.Tensor {
  return new ort.Tensor("int32", Int32Array.from(ids), [1, ids.length]);
}
